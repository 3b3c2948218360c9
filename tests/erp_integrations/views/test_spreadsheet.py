"""The list as a file."""

import csv
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from directory import list_files
from directory.models import Company
from erp_integrations.models import ExportJob
from erp_integrations.pages import submission_list, submission_spreadsheet
from tests.clients import signed_in
from tests.factories import (
    ExportJobFactory,
    MemberFactory,
    ProjectFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
    ViewerFactory,
)

pytestmark = pytest.mark.django_db


def fetch(client: Client, company: Company, query: str = "") -> Any:
    response = client.get(f"/companies/{company.slug}/erp-integrations/commitments/spreadsheet/{query}")
    assert response.status_code == 200
    assert "attachment" in response["Content-Disposition"]
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]  # a file's


def read_csv(client: Client, company: Company, query: str = "") -> list[dict[str, str]]:
    text = fetch(client, company, f"?format=csv{query}").decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text)))


def test_the_waiting_ones_oldest_first_with_where_they_go_and_money_as_a_number() -> None:
    project = ProjectFactory()
    first, second = (SubmissionFactory(commitment__project=project) for _ in range(2))
    SubmissionFactory()  # another company's
    client = signed_in(ViewerFactory(company=project.company))
    sheet = load_workbook(BytesIO(fetch(client, project.company))).active
    assert sheet
    head, *rows = sheet.iter_rows(values_only=True)
    assert list(head) == list(submission_spreadsheet.COLUMNS)
    shown = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["Commitment"] for row in shown] == [first.number, second.number]
    assert float(str(shown[0]["Amount"])) == float(first.total)
    assert shown[0]["Currency"] == project.company.currency
    assert shown[0]["Sent by"] == str(first.sent_by)


def test_the_same_choice_search_and_order_as_on_the_page() -> None:
    job: ExportJob = ExportJobFactory(synced=True)
    company = job.submission.company
    waiting = SubmissionFactory(commitment__project=job.submission.project, commitment__number="SC-QQ1")
    client = signed_in(ViewerFactory(company=company))
    (row,) = read_csv(client, company, "&view=synced")
    assert (row["Commitment"], row["Status"]) == (job.submission.number, "Synced")
    assert row["Decided by"] == str(job.submission.decided_by)
    assert job.erp_id in row["Details"]
    newest_first = [job.submission.number, waiting.number][::-1]
    assert [row["Commitment"] for row in read_csv(client, company, "&view=all")] == newest_first
    oldest = read_csv(client, company, "&view=all&sort=oldest")
    assert [row["Commitment"] for row in oldest] == newest_first[::-1]
    assert [row["Commitment"] for row in read_csv(client, company, f"&view=all&q={waiting.number}")] == [
        waiting.number
    ]


def test_it_holds_more_than_one_portion_and_says_where_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission_list, "BATCH_SIZE", 2)
    monkeypatch.setattr(list_files, "MAX_ROWS", 5)
    project = ProjectFactory()
    sent = [SubmissionFactory(commitment__project=project).number for _ in range(5)]
    client = signed_in(ViewerFactory(company=project.company))
    assert [row["Commitment"] for row in read_csv(client, project.company)] == sent
    SubmissionFactory(commitment__project=project)
    *rows, last = read_csv(client, project.company)
    assert [row["Commitment"] for row in rows] == sent
    assert last["Commitment"] == "Only the first 5 are here. Search for fewer."


def test_a_title_is_never_a_formula() -> None:
    commitment = ReadyCommitmentFactory(title="=HYPERLINK(1)")
    submission = SubmissionFactory(commitment=commitment)
    client = signed_in(ViewerFactory(company=submission.company))
    (row,) = read_csv(client, submission.company)
    assert row["Title"] == "'=HYPERLINK(1)"
    sheet = load_workbook(BytesIO(fetch(client, submission.company))).active
    assert sheet
    assert sheet["C2"].data_type == "s"


def test_strangers_find_nothing() -> None:
    submission = SubmissionFactory()
    client = signed_in(MemberFactory())
    url = f"/companies/{submission.company.slug}/erp-integrations/commitments/spreadsheet/"
    assert client.get(url).status_code == 404


def test_the_page_leads_there_with_its_choice() -> None:
    job: ExportJob = ExportJobFactory(synced=True)
    company = job.submission.company
    client = signed_in(ViewerFactory(company=company))
    page = client.get(
        f"/companies/{company.slug}/erp-integrations/commitments/?view=synced&q=SC"
    ).content.decode()
    assert "commitments/spreadsheet/?view=synced&amp;q=SC" in page
