"""The reconciliation page: who sees it, what it says first, its filters and pages, and its button."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from django.db import connection as database
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl.cell import Cell
from pytest_django import Settings

from commitments.models import Commitment
from directory.models import Company, HistoryEntry, Level, User
from erp_integrations.models import Connection, Drift, Reconciliation
from erp_integrations.reconciliation import spreadsheet
from tests.clients import signed_in
from tests.factories import (
    ApproverFactory,
    ConnectionFactory,
    DriftFactory,
    ErpAdminFactory,
    ExportJobFactory,
    MemberFactory,
    PersonFactory,
    ProjectFactory,
    ReadyCommitmentFactory,
    ReconciliationFactory,
    SubmissionFactory,
    ViewerFactory,
)

pytestmark = pytest.mark.django_db

ENDED = datetime(2026, 3, 9, 14, 30, tzinfo=UTC)
IN_PLACE = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _info_link(settings: Settings) -> None:
    settings.INFO_LINKS = {"simulator": "sqlite:///file:/nowhere/at-all?mode=ro&uri=true"}


@pytest.fixture
def connection() -> Connection:
    """A connection that reads back."""
    made: Connection = ConnectionFactory()
    return made


@pytest.fixture
def company(connection: Connection) -> Company:
    """Its company."""
    return connection.company


@pytest.fixture
def viewer(company: Company) -> User:
    """Somebody who may only look."""
    person: User = MemberFactory(company=company, erp_integrations_level=Level.READ_ONLY, time_zone="UTC")
    return person


@pytest.fixture
def client(viewer: User) -> Client:
    """That person's browser."""
    return signed_in(viewer)


def address(company: Company, rest: str = "") -> str:
    return f"/companies/{company.slug}/erp-integrations/reconciliation/{rest}"


def page(client: Client, company: Company, query: str = "") -> str:
    response = client.get(address(company, query))
    assert response.status_code == 200
    return response.content.decode()


def first_sentence(html: str) -> str:
    return re.findall(r'<p class="notice-title">(.*?)</p>', html, re.S)[0]


def numbers(html: str) -> list[str]:
    return re.findall(r'id="open-\d+"\s+href="[^"]+">([^<]+)</a>', html)


def drifting(company: Company, number: str = "", /, **values: Any) -> Drift:
    """One commitment of the company that drifts."""
    project = company.projects.first() or ProjectFactory(company=company)
    commitment = ReadyCommitmentFactory(project=project, **({"number": number} if number else {}))
    job = ExportJobFactory(submission=SubmissionFactory(commitment=commitment, accepted=True), differing=True)
    made: Drift = DriftFactory(job=job, **values)
    return made


class TestWhoSeesIt:
    @pytest.mark.parametrize("rest", ["", "progress/", "spreadsheet/"])
    def test_strangers_find_nothing_and_members_without_a_level_are_refused(
        self, company: Company, rest: str
    ) -> None:
        assert signed_in(PersonFactory()).get(address(company, rest)).status_code == 404
        assert signed_in(ApproverFactory()).get(address(company, rest)).status_code == 404
        unseeing = MemberFactory(company=company, erp_integrations_level=Level.NONE)
        assert signed_in(unseeing).get(address(company, rest)).status_code == 403

    def test_nobody_sees_what_drifts_in_another_company(self, client: Client, company: Company) -> None:
        drifting(ConnectionFactory().company, "SECRET-1")
        drifting(company, "SC-77")
        assert numbers(page(client, company)) == ["SC-77"]
        assert "SECRET-1" not in str(rows_of(client, company))

    def test_it_is_a_tab_of_the_tool(self, client: Client, company: Company) -> None:
        overview = client.get(f"/companies/{company.slug}/erp-integrations/").content.decode()
        assert f'href="{address(company)}"' in overview


class TestTheFirstSentence:
    def test_it_is_calm_when_all_is_well(self, client: Client, viewer: User, connection: Connection) -> None:
        ReconciliationFactory(connection=connection, compared=1204, ended_at=ENDED)
        html = page(client, connection.company)
        assert first_sentence(html) == "No drift; 1,204 commitments compared on 9 Mar 2026, 14:30 UTC"
        assert "notice--success" in html

    def test_it_says_how_many_drift(self, client: Client, connection: Connection) -> None:
        ReconciliationFactory(connection=connection, ended_at=ENDED)
        drifting(connection.company)
        html = page(client, connection.company)
        assert first_sentence(html) == "1 of 1,204 commitments drifted; compared on 9 Mar 2026, 14:30 UTC"
        assert "notice--success" not in html

    def test_before_the_first_comparison(self, client: Client, company: Company) -> None:
        assert first_sentence(page(client, company)) == "Nothing compared yet"

    def test_an_outage_is_no_good_news_and_tells_what_was_known_before(
        self, client: Client, connection: Connection
    ) -> None:
        stopped = {"status": "stopped", "compared": 0, "problem": "The database could not be read."}
        ReconciliationFactory(connection=connection, **stopped)
        html = page(client, connection.company)
        assert first_sentence(html) == "Can&#x27;t be checked now"
        assert "The database could not be read." in html
        Reconciliation.objects.all().delete()
        ReconciliationFactory(connection=connection, ended_at=ENDED)
        ReconciliationFactory(connection=connection, **stopped)
        html = page(client, connection.company)
        assert "Last compared on 9 Mar 2026, 14:30 UTC." in html
        assert "notice--warning" in html
        assert "notice--success" not in html

    def test_where_nothing_reads_back(self, client: Client, company: Company, settings: Settings) -> None:
        settings.INFO_LINKS = {}
        html = page(client, company)
        assert first_sentence(html) == "Nothing can be compared: no connection has read-back"
        assert "INFO_LINKS" in html

    def test_of_two_connections_the_older_comparison_counts(
        self, client: Client, connection: Connection
    ) -> None:
        other = ConnectionFactory(company=connection.company)
        ReconciliationFactory(connection=connection, compared=1, ended_at=ENDED)
        ReconciliationFactory(connection=other, compared=2, ended_at=ENDED + timedelta(days=1))
        sentence = first_sentence(page(client, connection.company))
        assert sentence == "No drift; 3 commitments compared on 9 Mar 2026, 14:30 UTC"

    def test_the_date_is_that_of_the_person_s_time_zone(
        self, client: Client, viewer: User, connection: Connection
    ) -> None:
        User.objects.filter(pk=viewer.pk).update(time_zone="Asia/Tokyo")
        ReconciliationFactory(connection=connection, ended_at=ENDED)
        assert first_sentence(page(client, connection.company)).endswith("9 Mar 2026, 23:30 JST")


class TestTheList:
    def test_each_row_leads_to_the_review_page_and_says_what_drifted(
        self, client: Client, company: Company
    ) -> None:
        drift = drifting(company, "SC-77")
        html = page(client, company)
        review = f"/companies/{company.slug}/erp-integrations/commitments/{drift.submission_id}/"
        assert review == drift.get_absolute_url()
        assert f'href="{review}">SC-77</a>' in html
        assert "Changed in Spectrum" in html
        assert "Line 2, Unit_Price: exported “12.5000”, now “0.0000” in Spectrum." in html

    @pytest.mark.parametrize(
        ("trait", "said"),
        [
            ("missing", "Subcontract is not in Spectrum."),
            ("extra_lines", "Line not exported from here: “0990000 S, 5.00”."),
            ("changed_here", "Trade: exported “Concrete”, now “Painting” here."),
        ],
    )
    def test_each_kind_has_its_words(self, client: Client, company: Company, trait: str, said: str) -> None:
        drifting(company, "SC-1", **{trait: True})
        assert said in page(client, company)

    def test_it_is_filtered_by_kind_in_the_address(self, client: Client, company: Company) -> None:
        drifting(company, "SC-1")
        drifting(company, "SC-2", missing=True)
        drifting(company, "SC-3", changed_here=True)
        both = Drift.objects.get(submission__number="SC-1").findings
        both += Drift.objects.get(submission__number="SC-3").findings
        drifting(company, "SC-4", findings=both)
        assert numbers(page(client, company)) == ["SC-4", "SC-3", "SC-2", "SC-1"]
        assert numbers(page(client, company, "?kind=changed")) == ["SC-4", "SC-1"]
        assert numbers(page(client, company, "?kind=missing")) == ["SC-2"]
        assert numbers(page(client, company, "?kind=changed-here")) == ["SC-4", "SC-3"]
        html = page(client, company, "?kind=extra-lines")
        assert numbers(html) == []
        assert "No drift of this kind" in html
        html = page(client, company, "?kind=%00nonsense")
        assert len(numbers(html)) == 4
        assert "There is no such filter" in html

    def test_what_agrees_again_or_was_unlinked_is_gone_from_it(
        self, client: Client, company: Company
    ) -> None:
        drifting(company, gone_at=Now())
        assert numbers(page(client, company)) == []

    def test_it_pages_by_key_and_a_page_costs_the_same_with_many_rows(
        self, client: Client, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(1, 6):
            drifting(company, f"SC-{number}")
        page(client, company)
        with CaptureQueriesContext(database) as five:
            page(client, company)
        monkeypatch.setattr("directory.db.pagination.PAGE_LENGTH", 2)
        with CaptureQueriesContext(database) as two:
            html = page(client, company)
        assert len(five) == len(two)
        assert numbers(html) == ["SC-5", "SC-4"]
        (older,) = re.findall(r'href="(\?[^"]*after=\d+)"', html)
        html = page(client, company, older)
        assert numbers(html) == ["SC-3", "SC-2"]
        (older,) = re.findall(r'href="(\?[^"]*after=\d+)"', html)
        (newer,) = re.findall(r'href="(\?[^"]*before=\d+)"', html)
        assert numbers(page(client, company, older)) == ["SC-1"]
        assert numbers(page(client, company, newer)) == ["SC-5", "SC-4"]

    @pytest.mark.parametrize("query", ["?after=x", "?before=-1", "?after=0", f"?after={2**80}", "?after=%00"])
    def test_no_address_breaks_it(self, client: Client, company: Company, query: str) -> None:
        drifting(company, "SC-1")
        assert numbers(page(client, company, query)) == ["SC-1"]

    def test_a_long_value_is_shortened_and_a_long_list_too(self, client: Client, company: Company) -> None:
        value = {"kind": "changed-here", "title": "Commitment", "name": "Trade", "value_kind": "text"}
        drifting(company, findings=[value | {"exported": "x" * 5000, "now": "<b>"}] * 6)
        html = page(client, company)
        assert "x" * 61 not in html
        assert "&lt;b&gt;" in html
        assert "And 2 more" in html


class TestTheButton:
    @pytest.mark.parametrize("factory", [ApproverFactory, ErpAdminFactory])
    def test_an_approver_and_an_admin_have_it(
        self, connection: Connection, factory: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        browser = signed_in(factory(company=connection.company))
        assert "Compare now" in page(browser, connection.company)
        response = browser.post(address(connection.company), follow=True)
        assert response.redirect_chain == [(address(connection.company), 302)]
        html = response.content.decode()
        assert "All synced commitments are being compared with Spectrum." in html
        assert "Compare now" not in html
        assert Reconciliation.objects.get().status == "waiting"

    def test_others_don_t_and_a_forged_request_is_refused_and_kept(
        self, client: Client, company: Company
    ) -> None:
        for browser in (client, signed_in(ViewerFactory(company=company))):
            assert "Compare now" not in page(browser, company)
            assert browser.post(address(company)).status_code == 403
        assert HistoryEntry.objects.filter(event="right.refused").count() == 2
        assert not Reconciliation.objects.exists()

    def test_where_nothing_reads_back_it_is_not_there_and_does_nothing(
        self, company: Company, settings: Settings
    ) -> None:
        settings.INFO_LINKS = {}
        browser = signed_in(ApproverFactory(company=company))
        assert "Compare now" not in page(browser, company)
        html = browser.post(address(company), follow=True).content.decode()
        assert "Nothing can be compared" in html


class TestProgress:
    def test_the_page_follows_a_run_and_is_loaded_again_at_its_end(
        self, client: Client, connection: Connection
    ) -> None:
        run = ReconciliationFactory(
            connection=connection,
            status="running",
            compared=1500,
            to_compare=100000,
            ended_at=None,
            lease_until=Now() + timedelta(seconds=60),
        )
        html = page(client, connection.company)
        assert "Comparing. 1,500 of 100,000 compared." in html
        assert f'hx-get="{address(connection.company, "progress/")}"' in html
        moving = client.get(address(connection.company, "progress/"), headers=IN_PLACE)
        assert "every 3s" in moving.content.decode()
        assert "HX-Refresh" not in moving
        Reconciliation.objects.filter(pk=run.pk).update(status="finished", ended_at=ENDED, lease_until=None)
        ended = client.get(address(connection.company, "progress/"), headers=IN_PLACE)
        assert ended["HX-Refresh"] == "true"
        assert "every 3s" not in ended.content.decode()

    def test_without_htmx_it_is_the_page(self, client: Client, company: Company) -> None:
        assert client.get(address(company, "progress/")).headers["Location"] == address(company)


def book_of(client: Client, company: Company, query: str = "") -> openpyxl.Workbook:
    response = client.get(address(company, f"spreadsheet/{query}"))
    assert response.status_code == 200
    assert response["Content-Type"].endswith("spreadsheetml.sheet")
    assert re.fullmatch(
        rf'attachment; filename="reconciliation-{company.slug}-\d{{4}}-\d\d-\d\d\.xlsx"',
        response["Content-Disposition"],
    )
    return openpyxl.load_workbook(BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]


def rows_of(client: Client, company: Company, query: str = "") -> list[dict[str, Cell]]:
    head, *rows = book_of(client, company, query)["Drift"].iter_rows()
    return [{str(name.value): cell for name, cell in zip(head, row, strict=True)} for row in rows]  # type: ignore[misc]


class TestTheSpreadsheet:
    def test_every_finding_has_a_row_under_a_head_that_stays(self, client: Client, company: Company) -> None:
        drift = drifting(company, "SC-77")
        Drift.objects.filter(pk=drift.pk).update(findings=drift.findings * 7)
        book = book_of(client, company)
        assert book["Drift"].freeze_panes == "A2"
        assert [cell.value for cell in book["Drift"][1]] == list(spreadsheet.COLUMNS)
        assert book["Drift"].max_row == 8
        row = rows_of(client, company)[0]
        told = {name: row[name].value for name in ("Commitment", "Drift", "Where", "Field")}
        assert told == {
            "Commitment": "SC-77",
            "Drift": "Changed in Spectrum",
            "Where": "Line 2",
            "Field": "Unit_Price",
        }

    def test_numbers_are_numbers_and_dates_are_dates(
        self, client: Client, viewer: User, company: Company
    ) -> None:
        User.objects.filter(pk=viewer.pk).update(time_zone="Asia/Tokyo")
        dated = {"kind": "changed", "title": "Subcontract", "name": "Date_Issued", "value_kind": "date"}
        drift = drifting(company, first_seen_at=ENDED)
        findings = [*drift.findings, dated | {"exported": "02/29/2016", "now": "soon"}]
        Drift.objects.filter(pk=drift.pk).update(findings=findings)
        number, day = rows_of(client, company)
        assert Decimal(str(number["Amount"].value)) == drift.submission.total
        assert number["Amount"].number_format == "#,##0.00"
        assert (number["Exported"].value, number["Now"].value) == (12.5, 0)
        assert number["First seen"].value == datetime(2026, 3, 9, 23, 30)  # noqa: DTZ001  (spreadsheets have none)
        assert day["Exported"].value == datetime(2016, 2, 29)  # noqa: DTZ001
        assert day["Now"].value == "soon"

    @pytest.mark.parametrize(
        "text",
        [
            '=HYPERLINK("http://evil.example","x")',
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1+1",
            "\r=1+1",
            "#N/A",
            "TRUE",
            "007",
        ],
    )
    def test_no_text_is_ever_a_formula(self, client: Client, company: Company, text: str) -> None:
        drift = drifting(company, "-SC=1")
        value = {"kind": "changed-here", "title": text, "name": text, "value_kind": "text"}
        Drift.objects.filter(pk=drift.pk).update(findings=[value | {"exported": text, "now": text}])
        Commitment.objects.update(title=text)
        type(drift.submission).objects.update(title=text, contract_company_name=text)
        (row,) = rows_of(client, company)
        for name in ("Title", "Contract Company", "Where", "Field", "Exported", "Now"):
            assert row[name].data_type == "s", name
            assert str(row[name].value).strip() == text.strip()
            assert row[name].quotePrefix is text.startswith(("=", "+", "-", "@", "\t", "\r"))

    def test_text_that_a_spreadsheet_can_t_hold_breaks_nothing(
        self, client: Client, company: Company
    ) -> None:
        drift = drifting(company)
        value = {"kind": "changed-here", "title": "Commitment", "name": "Trade", "value_kind": "number"}
        findings = [value | {"exported": "a\x0bb\x1f" + "x" * 40000, "now": "NaN"}]
        Drift.objects.filter(pk=drift.pk).update(findings=findings)
        (row,) = rows_of(client, company)
        assert str(row["Exported"].value).startswith("abx")
        assert len(str(row["Exported"].value)) == 32767
        assert row["Now"].value == "NaN"

    def test_it_is_filtered_as_the_page_is(self, client: Client, company: Company) -> None:
        drift = drifting(company, "SC-1")
        drifting(company, "SC-2", missing=True)
        both = [*drift.findings, *Drift.objects.get(submission__number="SC-2").findings]
        drifting(company, "SC-3", findings=both)
        assert [row["Commitment"].value for row in rows_of(client, company, "?kind=missing")] == [
            "SC-3",
            "SC-2",
        ]

    def test_it_says_what_was_compared_when_and_is_there_when_nothing_drifts(
        self, client: Client, connection: Connection
    ) -> None:
        ReconciliationFactory(connection=connection, ended_at=ENDED)
        book = book_of(client, connection.company)
        assert book["Drift"].max_row == 1
        assert [cell.value for cell in book["Compared"][2]] == [
            str(connection),
            "Compared",
            "1,204 commitments compared on 9 Mar 2026, 14:30 UTC.",
        ]

    def test_many_rows_come_in_batches_and_none_is_lost(
        self, client: Client, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(spreadsheet, "BATCH_SIZE", 2)
        for number in range(1, 6):
            drifting(company, f"SC-{number}")
        numbers = [row["Commitment"].value for row in rows_of(client, company)]
        assert numbers == ["SC-5", "SC-4", "SC-3", "SC-2", "SC-1"]
