"""Take over from Spectrum: what is new there is made and linked, what is here is left."""

import contextlib

import pytest
from django.core.management import call_command
from django.urls import reverse

from commitments.models import ContractCompany, CostCode, CostType
from directory.models import HistoryEntry, Level, Project, User
from erp_integrations.adapters.base import (
    JobRecord,
    PhaseRecord,
    PhaseStatus,
    Rows,
    VendorRecord,
    VendorStatus,
)
from erp_integrations.links import take_over
from erp_integrations.master_data import syncing
from erp_integrations.models import (
    Connection,
    JobLink,
    MastersPull,
    Phase,
    TakeOver,
    TakeOverStatus,
    UnconfirmedChange,
    VendorLink,
)
from erp_integrations.submissions import take_overs
from erp_integrations.submissions.errors import Conflict, DecisionError
from tests.clients import signed_in
from tests.erp_integrations.lists import Lists
from tests.factories import (
    ConnectionFactory,
    ContractCompanyFactory,
    CostCodeFactory,
    ErpAdminFactory,
    JobLinkFactory,
    ProjectFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> Lists:
    vendors = (
        VendorRecord("V1", "Acme Mechanical, Inc."),
        VendorRecord("V2", "Bolt & Sons"),
        VendorRecord("V3", "Bolt & Sons"),
        VendorRecord("V4", "Gone Fishing", VendorStatus.INACTIVE),
        VendorRecord("V5", "Typed Before, LLC"),
    )
    jobs = (JobRecord("2301", "Library roof"), JobRecord("2400", "Fire station"))
    phases = (
        PhaseRecord("0330000", "M", "Concrete, material", PhaseStatus.ACTIVE),
        PhaseRecord("0330000", "S", "Concrete", PhaseStatus.ACTIVE),
        PhaseRecord("0999999", "S", "Closed", PhaseStatus.COMPLETE),
    )
    return Lists(Rows(vendors), Rows(jobs), {"2301": Rows(phases), "2400": Rows(phases[:2])}).stand_in(
        monkeypatch
    )


@pytest.fixture
def site(lists: Lists) -> Connection:
    """A company whose lists were read, in which one Contract Company was typed before."""
    connection: Connection = ConnectionFactory()
    ContractCompanyFactory(company=connection.company, name="Typed before")
    read(connection)
    return connection


@pytest.fixture
def admin(site: Connection) -> User:
    person: User = ErpAdminFactory(company=site.company)
    ErpAdminFactory(company=site.company)  # who is told of it
    return person


def read(connection: Connection) -> None:
    syncing.requeue_sync(connection.pk)
    syncing.sync_connection(connection.pk)


def look(connection: Connection, by: User, **wanted: object) -> TakeOver:
    """At what is wanted, as a worker sees it."""
    take_overs.ask_for_take_over(wanted=TakeOver(connection=connection, **wanted), by=by)
    take_overs.run_due_take_overs()
    return TakeOver.objects.get(connection=connection)


def ask(connection: Connection, by: User, **wanted: object) -> TakeOver:
    """Looked at, pressed, and gone on with until it is done."""
    shown = look(connection, by, **wanted)
    take_overs.ask_for_take_over(wanted=shown, expected=shown.stamp, by=by)
    take_overs.run_due_take_overs()
    syncing.sync_due_connections()
    take_overs.run_due_take_overs()
    return TakeOver.objects.get(connection=connection)


class TestOnePress:
    def test_vendors_jobs_and_phases_become_ours_each_linked_to_what_it_was_made_of(
        self, site: Connection, admin: User
    ) -> None:
        done = ask(site, admin)
        assert (done.status, done.problem) == (TakeOverStatus.DONE, "")
        assert done.report == {
            "contract companies": 3, "projects": 2, "cost types": 2, "cost codes": 2,
        }  # fmt: skip
        links = dict(VendorLink.objects.values_list("vendor_code", "contract_company__name"))
        assert links == {"V1": "Acme Mechanical, Inc.", "V2": "Bolt & Sons (V2)", "V3": "Bolt & Sons (V3)"}
        assert list(
            JobLink.objects.order_by("pk").values_list("job_number", "project__name", "project__number")
        ) == [
            ("2301", "Library roof", "2301"),
            ("2400", "Fire station", "2400"),
        ]
        assert set(CostCode.objects.values_list("code", "name")) == {("0330000", "Concrete, material")}
        assert set(CostType.objects.values_list("code", flat=True)) == {"M", "S"}
        assert not UnconfirmedChange.objects.exists()  # nobody typed a name or a code
        for event, count in {"vendor_link.created": 3, "job_link.created": 2, "cost_code.created": 2}.items():
            assert HistoryEntry.objects.filter(company_id=site.company_id, event=event).count() == count
        assert HistoryEntry.objects.filter(event="take_over.done").count() == 1

    def test_a_second_press_makes_nothing(self, site: Connection, admin: User) -> None:
        ask(site, admin)
        again = ask(site, admin)
        assert (again.status, set(again.report.values())) == (TakeOverStatus.DONE, {0})

    def test_what_somebody_typed_before_is_proposed_and_never_made_twice(
        self, site: Connection, admin: User
    ) -> None:
        ProjectFactory(company=site.company, name="Another name", number="2400")
        ask(site, admin)
        assert not VendorLink.objects.filter(vendor_code="V5").exists()
        assert ContractCompany.objects.filter(name__istartswith="typed before").count() == 1
        assert not JobLink.objects.filter(job_number="2400").exists()
        assert not Project.objects.filter(name="Fire station").exists()

    def test_it_is_chosen_by_status_code_and_range(self, site: Connection, admin: User) -> None:
        done = ask(site, admin, vendor_codes="v4, V1 to V2", job_numbers="23*", with_inactive=True)
        assert set(VendorLink.objects.values_list("vendor_code", flat=True)) == {"V1", "V2", "V4"}
        assert done.report["projects"] == 1
        assert [take_over.is_chosen(code, "90 to 110") for code in ("089", "90", "0100", "111")] == [
            *(False, True, True, False)
        ]

    def test_a_projects_own_cost_codes_stay_and_count_whatever_their_dashes(
        self, site: Connection, admin: User
    ) -> None:
        project = ProjectFactory(company=site.company, name="Ours")
        JobLinkFactory(project=project, connection=site, job_number="2301")
        CostCodeFactory(project=project, code="033-0000", name="Our own words")
        ask(site, admin)
        assert list(project.cost_codes.values_list("code", "name")) == [("033-0000", "Our own words")]


class TestNobodyTurnsMoneyByIt:
    def test_a_connection_that_somebody_changed_alone_gives_nothing(
        self, site: Connection, admin: User
    ) -> None:
        """Else another company's names would be linked to this one's codes, once it is changed back."""
        changed = UnconfirmedChange.objects.create(
            company=site.company,
            subject=f"connection:{site.pk}:",
            confirmed={"company_code": "B"},
            people=[1],
        )
        with pytest.raises(DecisionError, match="second person"):
            ask(site, admin)
        changed.delete()  # as when it is changed back
        HistoryEntry.objects.create(
            event="connection.changed", company_id=site.company_id, detail={},
            subject_type="erp_integrations.connection", subject_id=site.pk,
        )  # fmt: skip
        with pytest.raises(DecisionError, match="changed since its lists were read"):
            ask(site, admin)
        assert not VendorLink.objects.exists()
        read(site)
        assert ask(site, admin).status == TakeOverStatus.DONE

    def test_other_than_what_was_shown_is_not_made(self, site: Connection, admin: User) -> None:
        shown = look(site, admin, vendor_codes="V1")
        look(site, admin)  # somebody else's, of more
        with pytest.raises(Conflict, match="not what you were shown any more"):
            take_overs.ask_for_take_over(wanted=shown, expected=shown.stamp, by=admin)

    def test_what_is_new_since_it_was_shown_waits_for_another_press(
        self, site: Connection, admin: User, lists: Lists
    ) -> None:
        shown = look(site, admin)
        take_overs.ask_for_take_over(wanted=shown, expected=shown.stamp, by=admin)
        lists.vendor_list = Rows((*lists.vendor_list.rows, VendorRecord("V9", "New here")))  # type: ignore[union-attr]
        read(site)
        take_overs.run_due_take_overs()
        assert not VendorLink.objects.filter(vendor_code="V9").exists()
        assert VendorLink.objects.count() == 3

    def test_another_name_of_what_was_taken_over_waits_for_a_second_person(
        self, site: Connection, admin: User
    ) -> None:
        from commitments import lists as choices

        ask(site, admin)
        acme = ContractCompany.objects.get(name="Acme Mechanical, Inc.")
        choices.set_name(kind=choices.VENDOR, row=acme, name="Mine", expected=acme.name, by=admin)
        assert UnconfirmedChange.objects.get().people == [admin.pk]

    def test_whoever_is_no_admin_any_more_has_asked_for_nothing(self, site: Connection, admin: User) -> None:
        shown = look(site, admin)
        take_overs.ask_for_take_over(wanted=shown, expected=shown.stamp, by=admin)
        admin.company_memberships.update(erp_integrations_level=Level.STANDARD)
        take_overs.run_due_take_overs()
        assert TakeOver.objects.get().status == TakeOverStatus.STOPPED
        assert not VendorLink.objects.exists()


class TestTheRule:
    def test_without_it_what_is_new_is_only_proposed(
        self, site: Connection, admin: User, lists: Lists
    ) -> None:
        ask(site, admin)
        lists.vendor_list = Rows((*lists.vendor_list.rows, VendorRecord("V9", "New here")))  # type: ignore[union-attr]
        read(site)
        assert take_overs.run_due_take_overs() == 1  # which looks
        assert not VendorLink.objects.filter(vendor_code="V9").exists()
        row = TakeOver.objects.get()
        assert (row.status, row.plan["groups"]["Vendors"][take_over.MADE][0]) == (TakeOverStatus.SHOWN, 1)

    def test_with_it_new_ones_are_taken_and_closed_ones_closed_by_nobody(
        self, site: Connection, admin: User, lists: Lists
    ) -> None:
        ask(site, admin)
        look(site, admin, takes_new=True, closes=True)
        assert HistoryEntry.objects.filter(event="take_over.rule_changed").count() == 1
        lists.vendor_list = Rows(
            (VendorRecord("V9", "New here"), VendorRecord("V1", "Acme", VendorStatus.INACTIVE))
        )
        lists.job_list = Rows((*lists.job_list.rows, JobRecord("2500", "School")))  # type: ignore[union-attr]
        lists.phase_lists["2301"] = Rows((PhaseRecord("0330000", "S", "Concrete", PhaseStatus.COMPLETE),))
        read(site)
        take_overs.run_due_take_overs()
        syncing.sync_due_connections()
        take_overs.run_due_take_overs()
        assert VendorLink.objects.filter(vendor_code="V9", contract_company__closed_at=None).exists()
        assert CostCode.objects.filter(project__name="School").count() == 1
        closed = set(ContractCompany.objects.exclude(closed_at=None).values_list("name", flat=True))
        assert closed == {"Acme Mechanical, Inc.", "Bolt & Sons (V2)", "Bolt & Sons (V3)"}
        assert CostCode.objects.exclude(closed_at=None).get().project.name == "Library roof"
        assert HistoryEntry.objects.filter(event="vendor_link.created").latest("pk").by_id is None
        assert take_overs.run_due_take_overs() == 0  # until the next reading


class TestWhatBreaks:
    def test_is_tried_again_ends_as_failed_and_can_be_tried_anew(
        self, site: Connection, admin: User, lists: Lists, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Two cost types that nobody can tell apart by what we keep of them."""
        alike = [PhaseRecord("1", f"MATERIALS-{each}", "One", PhaseStatus.ACTIVE) for each in "12"]
        lists.phase_lists["2400"] = Rows(tuple(alike))
        shown = look(site, admin)
        take_overs.ask_for_take_over(wanted=shown, expected=shown.stamp, by=admin)
        take_overs.run_due_take_overs()
        syncing.sync_due_connections()
        for _ in range(take_overs.MOST_TRIES):
            assert TakeOver.objects.get().is_moving
            assert take_overs.run_due_take_overs() == 1
            TakeOver.objects.filter(lease_until__isnull=False).update(lease_until="2026-01-01T00:00Z")
        assert take_overs.run_due_take_overs() == 0
        row = TakeOver.objects.get()
        assert (row.status, row.problem) == (TakeOverStatus.FAILED, take_overs.FAULT)
        with contextlib.suppress(SystemExit):
            call_command("exports", "status")
        assert take_overs.FAULT in capsys.readouterr().out
        Phase.objects.filter(cost_type="MATERIALS-2").delete()
        client, address = signed_in(admin), reverse("erp_integrations:take_over", args=[site.company.slug])
        assert "Try again" in client.get(address).content.decode()
        client.post(address, {"expected": row.stamp})
        take_overs.run_due_take_overs()
        assert (TakeOver.objects.get().status, CostCode.objects.count()) == (TakeOverStatus.DONE, 2)

    def test_so_does_one_whose_workers_end_without_a_word(self, site: Connection, admin: User) -> None:
        look(site, admin)
        TakeOver.objects.update(status=TakeOverStatus.TAKING, tries=take_overs.MOST_TRIES)
        take_overs.run_due_take_overs()
        assert TakeOver.objects.get().status == TakeOverStatus.FAILED


class TestItsPage:
    def test_it_shows_what_would_be_made_and_has_it_made(self, site: Connection, admin: User) -> None:
        client, address = signed_in(admin), reverse("erp_integrations:take_over", args=[site.company.slug])
        assert client.post(address, {"vendor_codes": ""}).status_code == 302
        take_overs.run_due_take_overs()
        page = client.get(address)
        for words in ("Bolt &amp; Sons (V3)", "Typed before is here", "Inactive in Spectrum", "First steps"):
            assert words in page.content.decode()
        answer = client.get(address, {"file": "vendors"})
        assert b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        answer.close()
        told = client.post(address, {"expected": "0"}, follow=True)
        assert "not what you were shown any more" in told.content.decode()
        assert client.post(address, {"expected": page.context["row"].stamp}).status_code == 302
        take_overs.run_due_take_overs()
        assert "contract companies 3" in client.get(address).content.decode()
        syncing.sync_due_connections()
        take_overs.run_due_take_overs()
        assert client.post(address, {"vendor_codes": "\0"}).status_code == 422
        assert client.post(address, {"closes": "on"}).status_code == 302
        assert TakeOver.objects.get().closes

    def test_where_nothing_was_read_yet_it_has_the_button_to_sync(
        self, site: Connection, admin: User
    ) -> None:
        MastersPull.objects.update(vendors_at=None)
        address = reverse("erp_integrations:take_over", args=[site.company.slug])
        page = signed_in(admin).get(address).content.decode()
        assert "has them synced first" in page
        assert "Sync now" in page
