"""Writing, changing, locking and deleting commitments."""

from decimal import Decimal
from typing import Any

import pytest

from commitments import services
from commitments.errors import CommitmentChanged, CommitmentLocked, DoesNotFit, NumberTaken
from commitments.locks import set_accounting_status
from commitments.models import Badge, Commitment, Lock
from directory.models import HistoryEntry
from directory.rights.permissions import RightMissing
from tests.factories import (
    CommitmentFactory,
    CostCodeFactory,
    CreatorFactory,
    LineItemFactory,
    ProjectAdminFactory,
    ProjectFactory,
    ReaderFactory,
)

pytestmark = pytest.mark.django_db


def events(commitment_id: int) -> list[str]:
    entries = HistoryEntry.objects.filter(subject_type="commitments.commitment", subject_id=commitment_id)
    return list(entries.order_by("pk").values_list("event", flat=True))


def change(commitment: Commitment, **given: Any) -> Commitment:
    wanted: dict[str, Any] = {
        "by": commitment.created_by,
        "version": commitment.version,
        "values": {},
        "lines": None,
        **given,
    }
    return services.update_commitment(commitment=commitment, **wanted)


class TestCreating:
    def test_a_commitment_is_written_with_its_lines_in_order(self) -> None:
        project = ProjectFactory()
        creator = CreatorFactory(project=project)
        commitment = services.create_commitment(
            project=project,
            kind="subcontract",
            by=creator,
            values={"number": "SC-1", "title": "Roofing"},
            lines=[{"amount": Decimal("2.00")}, {"amount": Decimal("1.00")}],
        )
        assert [line.amount for line in commitment.lines.all()] == [Decimal("2.00"), Decimal("1.00")]
        assert commitment.created_by == creator
        assert events(commitment.pk) == ["commitment.created"]

    def test_read_only_may_not(self) -> None:
        project = ProjectFactory()
        with pytest.raises(RightMissing):
            services.create_commitment(
                project=project, kind="subcontract", by=ReaderFactory(project=project), values={}, lines=[]
            )
        assert not project.commitments.exists()

    def test_a_taken_number_leaves_nothing_behind(self) -> None:
        taken = CommitmentFactory(number="SC-1")
        with pytest.raises(NumberTaken, match="another subcontract with the number SC-1"):
            services.create_commitment(
                project=taken.project,
                kind="subcontract",
                by=taken.created_by,
                values={"number": "SC-1"},
                lines=[],
            )
        assert taken.project.commitments.count() == 1


class TestChanging:
    def test_what_changed_is_in_the_history_with_what_it_was(self) -> None:
        commitment = change(
            CommitmentFactory(), values={"title": "New", "trade": "Steel"}, lines=[{"amount": Decimal(1)}]
        )
        entry = HistoryEntry.objects.get(event="commitment.changed", subject_id=commitment.pk)
        assert entry.detail["fields"] == ["title", "trade", "lines"]
        *told, first, second = entry.detail["changes"].splitlines()
        assert told == ["Title: Concrete works to New", "Trade: blank to Steel", "Line 1 was added: 1.00"]
        assert first.endswith(" was removed: 1,000.00, Walls")
        assert second.endswith(" was removed: 1,000.00, Walls")
        assert commitment.version == 2

    def test_the_same_values_change_nothing(self) -> None:
        stored = CommitmentFactory()
        commitment = change(stored, values={"title": stored.title})
        assert (commitment.version, events(stored.pk)) == (1, [])

    def test_no_lines_given_leaves_the_lines_alone(self) -> None:
        commitment = change(CommitmentFactory(), values={"title": "New"})
        assert commitment.lines.count() == 2

    def test_a_change_on_top_of_an_unseen_one_is_refused(self) -> None:
        commitment = CommitmentFactory()
        change(commitment, values={"title": "First"})
        with pytest.raises(CommitmentChanged):
            change(commitment, values={"title": "Second"})
        commitment.refresh_from_db()
        assert commitment.title == "First"

    def test_standard_changes_only_what_is_their_own(self) -> None:
        commitment = CommitmentFactory()
        with pytest.raises(RightMissing):
            change(commitment, by=CreatorFactory(project=commitment.project), values={"title": "Mine now"})

    def test_admin_changes_everything(self) -> None:
        commitment = CommitmentFactory()
        admin = ProjectAdminFactory(project=commitment.project)
        assert change(commitment, by=admin, values={"title": "Better"}).title == "Better"

    def test_a_taken_number_is_refused(self) -> None:
        taken = CommitmentFactory(number="SC-1")
        other = CommitmentFactory(project=taken.project, number="SC-2")
        with pytest.raises(NumberTaken):
            change(other, values={"number": "SC-1"})


class TestLocks:
    @pytest.mark.parametrize("values", [{"title": "New"}, {"description": "New"}])
    def test_nothing_changes_while_accounting_has_it(self, values: dict[str, str]) -> None:
        commitment = CommitmentFactory(lock=Lock.WHOLE, badge=Badge.AWAITING)
        with pytest.raises(CommitmentLocked, match="Retrieve from ERP"):
            change(commitment, values=values)

    @pytest.mark.parametrize("name", ["number", "title"])
    def test_what_was_exported_does_not_change(self, name: str) -> None:
        commitment = CommitmentFactory(lock=Lock.EXPORTED, badge=Badge.SYNCED)
        with pytest.raises(CommitmentLocked, match="in Spectrum"):
            change(commitment, values={name: "New"})

    def test_exported_lines_do_not_change(self) -> None:
        commitment = CommitmentFactory(lock=Lock.EXPORTED, badge=Badge.SYNCED)
        with pytest.raises(CommitmentLocked):
            change(commitment, lines=[])
        assert commitment.lines.count() == 2

    def test_the_rest_of_an_exported_one_changes(self) -> None:
        commitment = CommitmentFactory(lock=Lock.EXPORTED, badge=Badge.SYNCED)
        assert change(commitment, values={"description": "New"}).description == "New"


class TestDeleting:
    def test_one_that_was_never_sent_goes_and_the_history_says_so(self) -> None:
        commitment = CommitmentFactory()
        pk = commitment.pk
        services.delete_commitment(commitment=commitment, by=commitment.created_by)
        assert not Commitment.objects.filter(pk=pk).exists()
        assert events(pk) == ["commitment.deleted"]

    def test_one_that_was_sent_stays(self) -> None:
        commitment = CommitmentFactory(badge=Badge.RETRIEVED)
        with pytest.raises(CommitmentLocked, match="Void"):
            services.delete_commitment(commitment=commitment, by=commitment.created_by)

    def test_standard_deletes_only_what_is_their_own(self) -> None:
        commitment = CommitmentFactory()
        with pytest.raises(RightMissing):
            services.delete_commitment(commitment=commitment, by=CreatorFactory(project=commitment.project))


class TestLinesOnOneKey:
    def lines(self, **values: Any) -> Commitment:
        commitment: Commitment = CommitmentFactory(lines=0)
        cost_code = CostCodeFactory(project=commitment.project)
        for description in ("Walls", "Slabs", "Stairs"):
            LineItemFactory(
                commitment=commitment, cost_code=cost_code, description=description, billing_item="", **values
            )
        return commitment

    def do(self, command: Any, commitment: Commitment, **given: Any) -> Commitment:
        wanted = {"by": commitment.created_by, "version": commitment.version, "positions": {1, 3}, **given}
        done: Commitment = command(commitment=commitment, **wanted)
        return done

    def test_one_line_takes_the_place_of_the_merged_and_the_rest_moves_up(self) -> None:
        commitment = self.lines()
        before = commitment.version
        self.do(services.merge_lines, commitment)
        first, second = commitment.lines.all()
        assert (first.description, first.quantity) == ("Walls; Stairs", Decimal(20))
        assert first.amount == Decimal("2000.00")
        assert (second.position, second.description) == (2, "Slabs")
        commitment.refresh_from_db()
        assert commitment.version == before + 1

    def test_the_history_keeps_the_lines_as_they_were(self) -> None:
        commitment = self.lines()
        self.do(services.merge_lines, commitment)
        entry = HistoryEntry.objects.get(event="commitment.lines_merged")
        assert entry.by_id == commitment.created_by_id
        assert [line["description"] for line in entry.detail["were"]] == ["Walls", "Stairs"]
        assert entry.detail["was"].splitlines()[1] == "Line 3: Stairs, 10 CY at 100.00: 1,000.00"

    def test_each_line_that_lacks_one_gets_a_billing_item(self) -> None:
        commitment = self.lines()
        self.do(services.set_billing_items, commitment)
        assert list(commitment.lines.values_list("description", "billing_item")) == [
            ("Walls", "001"),
            ("Slabs", ""),
            ("Stairs", "002"),
        ]
        entry = HistoryEntry.objects.get(event="commitment.billing_items_given")
        assert entry.detail["billing_items"] == {"1": "001", "3": "002"}

    @pytest.mark.parametrize("command", [services.merge_lines, services.set_billing_items])
    @pytest.mark.parametrize("lock", [Lock.WHOLE, Lock.EXPORTED])
    def test_nothing_changes_what_is_locked(self, command: Any, lock: Lock) -> None:
        commitment = self.lines()
        Commitment.objects.update(lock=lock)
        with pytest.raises(CommitmentLocked):
            self.do(command, commitment)
        assert commitment.lines.count() == 3

    @pytest.mark.parametrize("command", [services.merge_lines, services.set_billing_items])
    @pytest.mark.parametrize("given", [{"version": 7}, {"positions": {1, 4}}, {"positions": set()}])
    def test_what_is_not_what_the_person_saw_is_refused(self, command: Any, given: dict[str, Any]) -> None:
        commitment = self.lines()
        with pytest.raises(CommitmentChanged):
            self.do(command, commitment, **given)
        assert events(commitment.pk) == []

    @pytest.mark.parametrize("command", [services.merge_lines, services.set_billing_items])
    def test_standard_mends_only_what_is_their_own(self, command: Any) -> None:
        commitment = self.lines()
        with pytest.raises(RightMissing):
            self.do(command, commitment, by=CreatorFactory(project=commitment.project))

    def test_a_sum_that_does_not_fit_is_refused_with_the_other_way_out(self) -> None:
        commitment = self.lines(amount=Decimal("999999999999.00"))
        with pytest.raises(DoesNotFit, match="billing items of their own instead"):
            self.do(services.merge_lines, commitment)
        assert commitment.lines.count() == 3


def test_a_mark_leaves_alone_what_it_does_not_name() -> None:
    commitment = CommitmentFactory(lock=Lock.WHOLE, erp_id="SC-1")
    set_accounting_status(commitment, badge=Badge.EXPORTING)
    commitment.refresh_from_db()
    assert (commitment.badge, commitment.lock, commitment.erp_id) == (Badge.EXPORTING, Lock.WHOLE, "SC-1")


def test_lines_compare_by_value_not_by_scale() -> None:
    code = CostCodeFactory()
    project = code.project
    creator = CreatorFactory(project=project)
    line = {"cost_code": code, "quantity": Decimal("1.50"), "amount": Decimal("3")}
    commitment = services.create_commitment(
        project=project, kind="subcontract", by=creator, values={}, lines=[line]
    )
    same = {"cost_code": code, "quantity": Decimal("1.5000"), "amount": Decimal("3.00")}
    assert change(commitment, lines=[same]).version == 1
