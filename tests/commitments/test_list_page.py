"""The page that lists a project's commitments."""

import csv
from io import BytesIO, StringIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from commitments import queries
from directory.models import Project, User
from erp_integrations.models import JobBilling
from tests.clients import signed_in
from tests.factories import (
    CommitmentFactory,
    CreatorFactory,
    ExportJobFactory,
    MemberFactory,
    ProjectAdminFactory,
    ProjectFactory,
    ReaderFactory,
    SubmissionFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


def address(project: Project) -> str:
    return f"/projects/{project.pk}/commitments/"


def queries_of(person: User, path: str) -> int:
    client = signed_in(person)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def test_a_row_says_what_a_person_looks_for(project: Project) -> None:
    commitment = CommitmentFactory(
        project=project, number="SC-7", title="Roofing", erp_id="E-7", badge="synced"
    )
    page = signed_in(ReaderFactory(project=project)).get(address(project)).content.decode()
    company = str(commitment.contract_company)
    for words in ("SC-7", "Roofing", company, "Subcontract", "Draft", "2,000.00", "Synced", "E-7"):
        assert words in page


def test_whoever_may_create_is_offered_both_kinds(project: Project) -> None:
    page = signed_in(CreatorFactory(project=project)).get(address(project)).content.decode()
    assert "?kind=subcontract" in page
    assert "?kind=purchase_order" in page


def test_invoiced_is_what_spectrum_said_and_blank_until_then(project: Project) -> None:
    job = ExportJobFactory(synced=True, submission__commitment__project=project)
    job.submission.commitment.lock = "exported"
    job.submission.commitment.save()
    client = signed_in(ReaderFactory(project=project))
    file = client.get(f"{address(project)}spreadsheet/?format=csv")
    (row,) = csv.DictReader(StringIO(b"".join(file.streaming_content).decode("utf-8-sig")))  # type: ignore[attr-defined]
    assert (row["Number"], row["Invoiced"]) == (job.submission.number, "")
    JobBilling.objects.create(job=job, billed="1234.50")
    assert "1,234.50" in client.get(address(project)).content.decode()
    file = client.get(f"{address(project)}spreadsheet/")
    sheet = load_workbook(BytesIO(b"".join(file.streaming_content))).active  # type: ignore[attr-defined]
    assert sheet
    assert 1234.5 in [cell for row in sheet.iter_rows(values_only=True) for cell in row]


def test_a_file_holds_what_the_page_is_narrowed_down_to_in_its_order(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "BATCH_SIZE", 1)
    for number in ("B", "A", "C"):
        CommitmentFactory(project=project, number=number, executed=number != "C")
    client = signed_in(ReaderFactory(project=project))
    file = client.get(f"{address(project)}spreadsheet/?format=csv&executed=True&sort=number")
    text = b"".join(file.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert [row["Number"] for row in csv.DictReader(StringIO(text))] == ["A", "B"]


def test_more_than_are_counted_are_neither_summed_up_nor_sorted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in ("B", "A", "C"):
        CommitmentFactory(project=project, number=number)
    client = signed_in(ReaderFactory(project=project))
    assert "3 commitments, USD 6,000.00" in client.get(address(project)).content.decode()
    assert 'aria-sort="ascending"' in client.get(f"{address(project)}?sort=number").content.decode()
    monkeypatch.setattr(queries, "MOST_COUNTED", 2)
    page = client.get(f"{address(project)}?sort=number").content.decode()
    assert "2+ commitments" in page
    assert "Filter more than 2 commitments to sort them." in page
    assert "aria-sort" not in page


def test_what_makes_no_sense_in_the_address_is_named(project: Project) -> None:
    CommitmentFactory(project=project)
    page = signed_in(ReaderFactory(project=project)).get(f"{address(project)}?from=much&status=x")
    assert "Amount from is not filtered: Enter a number such as 1,250.50" in page.content.decode()
    assert "Status is not filtered: choose one from the list." in page.content.decode()


def test_read_only_is_offered_none(project: Project) -> None:
    page = signed_in(ReaderFactory(project=project)).get(address(project)).content.decode()
    assert "?kind=subcontract" not in page
    assert "to create one, you need Standard" in page


def test_a_list_without_matches_says_so(project: Project) -> None:
    CommitmentFactory(project=project)
    page = signed_in(ReaderFactory(project=project)).get(address(project) + "?search=zzz").content.decode()
    assert "No matches" in page


def test_the_filter_stays_in_the_form(project: Project) -> None:
    page = signed_in(ReaderFactory(project=project)).get(address(project) + "?badge=rejected&search=ab")
    assert '<option value="rejected" selected>' in page.content.decode()
    assert 'value="ab"' in page.content.decode()


def test_a_member_of_the_company_without_a_level_finds_nothing(project: Project) -> None:
    assert signed_in(MemberFactory(company=project.company)).get(address(project)).status_code == 404


def test_an_admin_of_another_project_finds_nothing(project: Project) -> None:
    assert signed_in(ProjectAdminFactory()).get(address(project)).status_code == 404


def test_who_was_taken_out_of_the_company_finds_nothing(project: Project) -> None:
    person = ReaderFactory(project=project)
    person.company_memberships.all().delete()
    assert signed_in(person).get(address(project)).status_code == 404


@pytest.mark.parametrize("number", ["0", "99999999999999999999999999"])
def test_a_project_that_nobody_has_is_not_found(number: str) -> None:
    assert signed_in(CreatorFactory()).get(f"/projects/{number}/commitments/").status_code == 404


def test_thirty_rows_cost_no_more_queries_than_two(project: Project) -> None:
    admin = ProjectAdminFactory(project=project)
    CommitmentFactory(project=project, created_by=admin)
    SubmissionFactory(commitment__project=project, sent_by=admin)
    few = queries_of(admin, address(project))
    for _ in range(28):
        CommitmentFactory(project=project, created_by=admin)
    assert queries_of(admin, address(project)) == few
    assert few <= 13
