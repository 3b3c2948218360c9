"""Creating and editing: what is refused is said, and nothing that was typed is lost."""

from typing import Any

import pytest
from django.test import Client

from commitments.models import Badge, Commitment, Lock
from directory.models import HistoryEntry, Project
from tests.clients import signed_in
from tests.commitments.posting import as_stored, entry, line
from tests.factories import (
    CommitmentFactory,
    ContractCompanyFactory,
    CostCodeFactory,
    CostTypeFactory,
    CreatorFactory,
    LineItemFactory,
    ProjectAdminFactory,
    ProjectFactory,
    ReaderFactory,
    SubmissionFactory,
)

NO_NUMBER = "Enter a number such as 1,250.50: commas between thousands, a point before the decimals."
pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def creator(project: Project) -> Client:
    return signed_in(CreatorFactory(project=project))


def new(project: Project, kind: str = "subcontract") -> str:
    return f"/projects/{project.pk}/commitments/new/?kind={kind}"


def edit(commitment: Commitment) -> str:
    return f"/projects/{commitment.project_id}/commitments/{commitment.pk}/edit/"


def owner(commitment: Commitment) -> Client:
    return signed_in(commitment.created_by)


def said_by(client: Client, commitment: Commitment) -> str:
    return client.get(commitment.get_absolute_url()).content.decode()


def said(page: Any) -> list[str]:
    """The problems at the top of the page."""
    return [f"{problem.where}: {problem.sentence}" for problem in page.context["entry"].problems]


class TestCreating:
    def test_a_subcontract_with_its_lines(self, project: Project, creator: Client) -> None:
        company = ContractCompanyFactory(company=project.company)
        code = CostCodeFactory(project=project, code="03-30-00", name="Concrete")
        kind = CostTypeFactory(company=project.company)
        answer = creator.post(
            new(project),
            entry(
                line(
                    cost_code="03-30-00 concrete",
                    cost_type=str(kind.pk),
                    description="Walls",
                    quantity="2.5",
                    unit_of_measure="CY",
                    unit_cost="1,000.01",
                ),
                line(),
                line(cost_code="03-30-00", amount="-10"),
                number="SC-1",
                title="Roofing",
                status="approved",
                contract_company=str(company.pk),
                default_retainage="10",
                issue_date="2025-03-31",
            ),
        )
        commitment = Commitment.objects.get(project=project)
        assert answer.headers["Location"] == commitment.get_absolute_url()
        assert (commitment.number, commitment.status, commitment.contract_company) == (
            "SC-1",
            "approved",
            company,
        )
        first, second = commitment.lines.all()
        assert (first.cost_code, first.cost_type, str(first.amount)) == (code, kind, "2500.03")
        assert (second.position, second.cost_code, str(second.amount)) == (2, code, "-10.00")

    def test_a_purchase_order_has_statuses_of_its_own(self, project: Project, creator: Client) -> None:
        page = creator.get(new(project, "purchase_order")).content.decode()
        assert "Partially Received" in page
        assert "Out for Bid" not in page

    def test_each_kind_has_what_its_contract_says_and_nothing_of_the_other(
        self, project: Project, creator: Client
    ) -> None:
        said = {"executed": "on", "executed_date": "2026-03-02", "terms": "Net 30", "ship_to": "Gate 2"}
        said |= {"start_date": "2026-03-03", "completion_date": "2026-09-30", "delivery_date": "2026-05-01"}
        for kind, own in (("subcontract", "start_date"), ("purchase_order", "ship_to")):
            page = creator.get(new(project, kind)).content.decode()
            assert {name for name in ("start_date", "ship_to") if f'name="{name}"' in page} == {own}
            creator.post(new(project, kind), entry(number="1", **said))
        subcontract, order = Commitment.objects.order_by("pk")
        assert (subcontract.executed, str(subcontract.executed_date)) == (True, "2026-03-02")
        assert (str(subcontract.completion_date), subcontract.delivery_date) == ("2026-09-30", None)
        assert (str(order.delivery_date), order.ship_to, order.start_date) == ("2026-05-01", "Gate 2", None)
        page = creator.get(order.get_absolute_url()).content.decode()
        assert {word for word in ("Gate 2", "Net 30", "Completion date") if word in page} == {
            "Gate 2",
            "Net 30",
        }

    def test_the_history_says_what_the_contract_said_before(self, project: Project, creator: Client) -> None:
        creator.post(new(project), entry(executed="on", executed_date="2026-03-02", terms="Net 30"))
        commitment = Commitment.objects.get()
        creator.post(edit(commitment), as_stored(commitment, executed="", executed_date="", terms="Net 60"))
        changes = HistoryEntry.objects.get(event="commitment.changed").detail["changes"]
        assert changes.splitlines() == [
            "Executed: Yes to No",
            "Executed date: 2 Mar 2026 to blank",
            "Terms: Net 30 to Net 60",
        ]

    def test_what_is_not_exported_can_be_changed_after_the_export(
        self, project: Project, creator: Client
    ) -> None:
        creator.post(new(project), entry(title="Roofing"))
        Commitment.objects.update(lock="exported", badge="synced")
        commitment = Commitment.objects.get()
        creator.post(edit(commitment), as_stored(commitment, executed="on", inclusions="Scaffolding"))
        commitment.refresh_from_db()
        assert (commitment.executed, commitment.inclusions) == (True, "Scaffolding")

    def test_a_draft_may_be_empty(self, project: Project, creator: Client) -> None:
        assert creator.post(new(project), entry()).status_code == 302
        assert Commitment.objects.get(project=project).number == ""

    def test_an_amount_that_is_entered_counts(self, project: Project, creator: Client) -> None:
        creator.post(new(project), entry(line(quantity="2", unit_cost="3", amount="7")))
        assert str(Commitment.objects.get().lines.get().amount) == "7.00"

    def test_a_line_of_a_draft_may_lack_its_amount(self, project: Project, creator: Client) -> None:
        creator.post(new(project), entry(line(description="Walls"), line(amount="5")))
        commitment = Commitment.objects.get()
        assert [each.amount for each in commitment.lines.all()] == [None, 5]
        page = creator.get(commitment.get_absolute_url()).content.decode()
        assert "Line 1, amount" in page
        assert "Total" in page
        ids = {f"lines-{n}-line_id": str(each.pk) for n, each in enumerate(commitment.lines.all())}
        creator.post(edit(commitment), as_stored(commitment) | ids | {"lines-0-amount": "7"})
        changed = HistoryEntry.objects.about(commitment).last()
        assert changed is not None
        assert changed.detail["changes"] == "Line 1, amount: blank to 7.00"

    def test_a_line_that_is_marked_to_be_removed_is_left_out(self, project: Project, creator: Client) -> None:
        creator.post(new(project), entry(line(amount="letters", DELETE="on"), line(amount="1")))
        assert Commitment.objects.get().lines.count() == 1

    def test_an_unknown_kind_is_not_found(self, project: Project, creator: Client) -> None:
        assert creator.get(new(project, "lease")).status_code == 404

    def test_read_only_is_refused_and_a_forged_post_is_remembered(self, project: Project) -> None:
        reader = signed_in(ReaderFactory(project=project))
        assert reader.get(new(project)).status_code == 403
        assert reader.post(new(project), entry(number="SC-1")).status_code == 403
        assert not Commitment.objects.exists()
        assert HistoryEntry.objects.filter(event="right.refused").count() == 1

    def test_a_stranger_finds_nothing(self, project: Project) -> None:
        assert signed_in(ProjectAdminFactory()).post(new(project), entry()).status_code == 404


class TestCopying:
    def test_a_copy_is_a_filled_form_and_nothing_until_it_is_created(
        self, project: Project, creator: Client
    ) -> None:
        source = CommitmentFactory(
            project=project,
            number="SC-1",
            title="Roofing",
            terms="Net 30",
            lock="exported",
            badge="synced",
            erp_id="E-1",
            executed=True,
            executed_date="2026-03-02",
            start_date="2026-03-03",
            approved=True,
        )
        assert f'href="{new(project).partition("?")[0]}?copy={source.pk}"' in said_by(creator, source)
        page = creator.get(f"{new(project).partition('?')[0]}?copy={source.pk}")
        assert Commitment.objects.count() == 1
        form = page.context["entry"].header.initial
        assert [form[name] for name in ("title", "terms", "number", "status")] == [
            "Roofing",
            "Net 30",
            "SC-2",
            "draft",
        ]
        assert [form[name] for name in ("executed", "executed_date", "start_date")] == [False, None, None]
        creator.post(page.context["address"], as_stored(source, number="", status="draft", lock=""))
        made = Commitment.objects.exclude(pk=source.pk).get()
        assert (made.number, made.erp_id, made.badge, made.lock) == ("", "", "not_sent", "none")
        copied, kept = (
            [(each.amount, each.cost_code) for each in each.lines.all()] for each in (made, source)
        )
        assert copied == kept
        assert copied

    def test_another_projects_commitment_is_not_copied(self, project: Project, creator: Client) -> None:
        address = new(project).partition("?")[0]
        assert creator.get(f"{address}?copy={CommitmentFactory().pk}").status_code == 404
        assert creator.get(f"{address}?copy=%00").status_code == 200


class TestBadInput:
    @pytest.mark.parametrize(
        ("posted", "sentence"),
        [
            (entry(number="x" * 31), "Number: At most 30 characters fit; this has 31."),
            (entry(title="x" * 256), "Title: At most 255 characters fit; this has 256."),
            (entry(status="sent"), "Status: Choose a status from the list."),
            (entry(status="received"), "Status: Choose a status from the list."),
            (entry(status=""), "Status: Choose a status."),
            (entry(vendor="abc"), "Contract Company: No vendor has the name or code abc."),
            (entry(contract_company="abc"), "Contract Company: No vendor has the name or code abc."),
            (entry(default_retainage="101"), "Default Retainage: Enter a percentage between 0 and 100."),
            (entry(default_retainage="1.234"), "Default Retainage: At most 2 decimals fit."),
            (entry(executed_date="2026-03-02"), "Executed date: Tick Executed, or clear this date."),
            (
                entry(start_date="2026-03-02", completion_date="2026-03-01"),
                "Completion date: Enter a day that is not before the start date.",
            ),
            (entry(terms="x" * 10_001), "Terms: At most 10,000 characters fit; this has 10,001."),
            (entry(issue_date="31.3.2025"), "Issue date: Enter a date such as 2025-03-31."),
            (entry(line(amount="12x")), f"Line 1, amount: {NO_NUMBER}"),
            (
                entry(line(amount="1"), line(amount="1234567890123")),
                "Line 2, amount: At most 12 digits fit before the decimal point.",
            ),
            (entry(line(amount="1.005")), "Line 1, amount: At most 2 decimals fit."),
            (
                entry(line(quantity="9999999999", unit_cost="9999999999")),
                "Line 1, amount: Quantity times unit cost is 99,999,999,980,000,000,001.00; "
                "at most 12 digits fit before the point.",
            ),
            (
                entry(line(cost_code="99-99", amount="1")),
                "Line 1, cost code: This project has no cost code 99-99. Choose one from the list.",
            ),
            (entry(line(cost_type="0", amount="1")), "Line 1, cost type: Choose a cost type from the list."),
            (
                entry(line(unit_of_measure="x" * 11, amount="1")),
                "Line 1, unit: At most 10 characters fit; this has 11.",
            ),
            (
                {"status": "draft"},
                "Schedule of Values: Some lines did not arrive. Nothing was saved. Submit the form again.",
            ),
            (
                {**entry(), "lines-TOTAL_FORMS": "100000000"},
                "Schedule of Values: At most 1,000 lines are possible.",
            ),
        ],
    )
    def test_it_is_said_where_it_is_and_nothing_is_saved(
        self, project: Project, creator: Client, posted: dict[str, str], sentence: str
    ) -> None:
        page = creator.post(new(project), posted)
        assert page.status_code == 422
        assert sentence in said(page)
        assert not Commitment.objects.exists()

    def test_everything_is_said_at_once(self, project: Project, creator: Client) -> None:
        page = creator.post(new(project), entry(line(amount="x"), line(quantity="y"), title="t" * 300))
        assert len(said(page)) == 3

    def test_what_was_typed_is_still_there(self, project: Project, creator: Client) -> None:
        posted = entry(line(cost_code="typed", quantity="12x"), number="SC-1", default_retainage="many")
        page = creator.post(new(project), posted).content.decode()
        for typed in ("typed", "12x", "SC-1", "many"):
            assert f'value="{typed}"' in page

    def test_a_taken_number_is_said_at_the_number(self, project: Project, creator: Client) -> None:
        CommitmentFactory(project=project, number="SC-1")
        page = creator.post(new(project), entry(number="SC-1", title="Mine"))
        assert page.status_code == 422
        assert said(page) == [
            "Number: The project has another subcontract with the number SC-1, in capital or small letters. "
            "Choose another number; SC-2 is free."
        ]
        assert 'value="Mine"' in page.content.decode()

    def test_ids_of_another_company_are_not_on_the_list(self, project: Project, creator: Client) -> None:
        foreign_company, foreign_type = ContractCompanyFactory(), CostTypeFactory()
        foreign_code = CostCodeFactory(project=ProjectFactory(company=project.company))
        page = creator.post(
            new(project),
            entry(
                line(cost_code=foreign_code.code, cost_type=str(foreign_type.pk), amount="1"),
                contract_company=str(foreign_company.pk),
            ),
        )
        assert page.status_code == 422
        assert [problem.split(":")[0] for problem in said(page)] == [
            "Contract Company",
            "Line 1, cost code",
            "Line 1, cost type",
        ]
        assert foreign_company.name not in page.content.decode()

    @pytest.mark.parametrize("name", ["number", "title", "description"])
    def test_characters_that_no_database_takes_are_refused(
        self, project: Project, creator: Client, name: str
    ) -> None:
        assert creator.post(new(project), entry(**{name: "a\0b"})).status_code == 422

    @pytest.mark.parametrize("field", ["number", "title", "trade"])
    @pytest.mark.parametrize("text", ["A\tB", "A\r\nBcc: x@example.test", "A\x01", "A\u202eB", "A\u2028B"])
    def test_what_nobody_sees_is_refused(
        self, project: Project, creator: Client, field: str, text: str
    ) -> None:
        answer = creator.post(new(project), entry(line(amount="1"), **{field: text}))
        assert answer.status_code == 422
        assert "an invisible character" in said(answer)[0]

    def test_a_description_has_lines_and_an_end(self, project: Project, creator: Client) -> None:
        answer = creator.post(new(project), entry(description="x" * 10_001))
        assert said(answer) == ["Description: At most 10,000 characters fit; this has 10,001."]
        assert creator.post(new(project), entry(description="One.\r\n\tTwo.")).status_code == 302

    @pytest.mark.parametrize("count", ["-1", "0", "1", "text", "99999999", "9" * 5000])
    def test_a_wrong_count_of_lines_loses_none(self, project: Project, creator: Client, count: str) -> None:
        posted = entry(line(amount="1"), line(amount="2")) | {"lines-TOTAL_FORMS": count}
        assert creator.post(new(project), posted).status_code == 422
        assert not Commitment.objects.exists()

    def test_a_number_of_only_spaces_is_blank(self, project: Project, creator: Client) -> None:
        creator.post(new(project), entry(number="   "))
        assert Commitment.objects.get().number == ""


class TestWithoutScript:
    def test_more_lines_come_back_with_all_that_was_typed(self, project: Project, creator: Client) -> None:
        posted = entry(line(cost_code="half typed"), line(), number="SC-1", title="x" * 300)
        page = creator.post(new(project), {**posted, "add_line": "1"})
        assert page.status_code == 200
        assert not Commitment.objects.exists()
        assert said(page) == []
        assert len(page.context["entry"].lines.forms) == 4
        for typed in ("half typed", "SC-1", "x" * 300):
            assert f'value="{typed}"' in page.content.decode()

    def test_an_edit_keeps_its_version_while_lines_are_added(self) -> None:
        commitment = CommitmentFactory(version=7)
        page = owner(commitment).post(edit(commitment), {**as_stored(commitment), "add_line": "1"})
        assert '<input type="hidden" name="version" value="7">' in page.content.decode()
        assert len(page.context["entry"].lines.forms) == 2 + 3


class TestEditing:
    def test_saving_what_is_shown_changes_nothing(self) -> None:
        commitment = CommitmentFactory()
        assert owner(commitment).post(edit(commitment), as_stored(commitment)).status_code == 302
        commitment.refresh_from_db()
        assert commitment.version == 1

    def test_the_page_shows_what_is_stored(self) -> None:
        commitment = CommitmentFactory(number="SC-5")
        page = owner(commitment).get(edit(commitment)).content.decode()
        assert 'value="SC-5"' in page
        assert 'value="1,000.00"' in page
        assert f'value="{commitment.lines.all()[0].cost_code}"' in page

    def test_of_a_rejected_one_the_page_says_why_it_came_back(self) -> None:
        commitment = SubmissionFactory(rejected=True, reason="Wrong phase.").commitment
        page = owner(commitment).get(edit(commitment)).content.decode()
        assert "Wrong phase." in page
        assert "Correct it" not in page

    def test_a_change_is_saved(self) -> None:
        commitment = CommitmentFactory()
        owner(commitment).post(edit(commitment), as_stored(commitment, title="Better"))
        commitment.refresh_from_db()
        assert (commitment.title, commitment.version) == ("Better", 2)

    def test_somebody_elses_change_is_not_overwritten_unseen(self) -> None:
        commitment = CommitmentFactory()
        posted = as_stored(commitment, title="Mine")
        owner(commitment).post(edit(commitment), as_stored(commitment, title="Theirs"))
        page = owner(commitment).post(edit(commitment), posted)
        assert page.status_code == 409
        assert page.context["differences"] == ["Title: Theirs"]
        assert 'value="Mine"' in page.content.decode()
        commitment.refresh_from_db()
        assert commitment.title == "Theirs"

    def test_after_comparing_the_same_entries_can_be_saved(self) -> None:
        commitment = CommitmentFactory()
        posted = as_stored(commitment, title="Mine")
        owner(commitment).post(edit(commitment), as_stored(commitment, title="Theirs"))
        page = owner(commitment).post(edit(commitment), posted)
        owner(commitment).post(edit(commitment), {**posted, "version": str(page.context["version"])})
        commitment.refresh_from_db()
        assert commitment.title == "Mine"

    @pytest.mark.parametrize("version", ["", "x", "-1", "9" * 40])
    def test_a_version_that_makes_no_sense_is_a_conflict(self, version: str) -> None:
        commitment = CommitmentFactory()
        answer = owner(commitment).post(edit(commitment), as_stored(commitment, title="New", version=version))
        assert answer.status_code == 409

    def test_a_creator_may_not_edit_what_is_not_their_own(self) -> None:
        commitment = CommitmentFactory()
        other = signed_in(CreatorFactory(project=commitment.project))
        assert other.get(edit(commitment)).status_code == 403
        assert other.post(edit(commitment), as_stored(commitment, title="Mine")).status_code == 403

    def test_a_commitment_is_found_only_in_its_own_project(self) -> None:
        commitment, other = CommitmentFactory(), CommitmentFactory()
        address = f"/projects/{commitment.project_id}/commitments/{other.pk}/edit/"
        assert owner(commitment).get(address).status_code == 404


class TestLocked:
    @pytest.fixture
    def with_accounting(self) -> Commitment:
        return CommitmentFactory(lock=Lock.WHOLE, badge=Badge.AWAITING)

    @pytest.fixture
    def exported(self) -> Commitment:
        return CommitmentFactory(lock=Lock.EXPORTED, badge=Badge.SYNCED, title="Roofing")

    def test_the_edit_page_leads_to_the_page_that_explains(self, with_accounting: Commitment) -> None:
        answer = owner(with_accounting).get(edit(with_accounting), follow=True)
        assert "Locked while accounting has it" in answer.content.decode()

    def test_a_late_save_is_refused_and_keeps_what_was_typed(self, with_accounting: Commitment) -> None:
        page = owner(with_accounting).post(edit(with_accounting), as_stored(with_accounting, title="Late"))
        assert page.status_code == 409
        assert 'value="Late"' in page.content.decode()
        assert "a project admin can use Retrieve from ERP" in page.content.decode()

    def test_what_is_in_spectrum_is_shown_disabled(self, exported: Commitment) -> None:
        header = owner(exported).get(edit(exported)).context["entry"].header
        assert {field.name for field in header if field.field.disabled} == {
            "number",
            "contract_company",
            "title",
            "status",
            "default_retainage",
        }

    def test_forged_exported_fields_and_lines_change_nothing(self, exported: Commitment) -> None:
        posted: dict[str, Any] = {
            **entry(line(amount="1")),
            "title": "Forged",
            "trade": "Steel",
            "version": "1",
        }
        assert owner(exported).post(edit(exported), posted).status_code == 302
        exported.refresh_from_db()
        assert (exported.title, exported.trade, exported.lines.count()) == ("Roofing", "Steel", 2)


def test_a_hundred_lines_cost_no_more_queries_than_two(django_assert_max_num_queries: Any) -> None:
    commitment = CommitmentFactory()
    admin = signed_in(commitment.created_by)
    kind = CostTypeFactory(company=commitment.project.company)
    code = commitment.lines.all()[0].cost_code
    LineItemFactory.create_batch(98, commitment=commitment, cost_code=code, cost_type=kind)
    with django_assert_max_num_queries(15):
        admin.get(edit(commitment))
    with django_assert_max_num_queries(25):
        admin.post(edit(commitment), as_stored(commitment, title="Better"))
    assert commitment.lines.count() == 100
