"""The history page and its export: who sees it, what is found, and what is taken away."""

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from directory import history
from directory.history import sealing
from directory.history.events import find_event
from directory.models import Company, HistoryEntry, HistorySeal, Level, User
from erp_integrations.audit import history_search
from tests.clients import signed_in
from tests.directory.tampering import ENTRIES, as_owner
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    CompanyFactory,
    ConnectionFactory,
    ErpAdminFactory,
    MemberFactory,
    PersonFactory,
    SubmissionFactory,
    ViewerFactory,
    join_company,
    join_project,
)

pytestmark = pytest.mark.django_db

LIKE_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


@pytest.fixture
def company() -> Company:
    made: Company = CompanyFactory(name="Acme", slug="acme")
    return made


@pytest.fixture
def auditor(company: Company) -> User:
    made: User = ErpAdminFactory(company=company, first_name="Audrey", last_name="Auditor")
    return made


def happened(place: Company, event: str = "reconciliation.asked", **parts: Any) -> HistoryEntry:
    known = find_event(event)
    assert known
    parts = {"subject": place, "by": None, "company": place} | parts
    return history.record(event=known, **parts)


def page(viewer: User, company: Company, **search: str) -> str:
    answer = signed_in(viewer).get(reverse("erp_integrations:history", args=[company.slug]), search)
    assert answer.status_code == 200
    return answer.content.decode()


def rows(html: str) -> list[str]:
    """The sentences of the table, in its order."""
    found = re.findall(r'<th scope="row">(.*?)</th>', html, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in found]


def export(viewer: User, company: Company, **posted: str) -> str:
    url = reverse("erp_integrations:history-export", args=[company.slug])
    answer: Any = signed_in(viewer).post(url, posted)
    assert answer.streaming
    return b"".join(answer.streaming_content).decode()


class TestWhoSeesIt:
    def test_admins_of_the_tool_and_of_the_directory_do(self, company: Company) -> None:
        happened(company)
        for level in ("erp_integrations_level", "directory_level"):
            person = PersonFactory()
            join_company(person, company, **{level: Level.ADMIN})
            assert rows(page(person, company)) == ["Comparison with Spectrum requested"]

    @pytest.mark.parametrize("factory", [ViewerFactory, ApproverFactory, MemberFactory])
    def test_others_of_the_company_are_refused(self, company: Company, factory: Any) -> None:
        client = signed_in(factory(company=company))
        for name in ("history", "history-export"):
            assert client.get(reverse(f"erp_integrations:{name}", args=[company.slug])).status_code == 403
        url = reverse("erp_integrations:history-export", args=[company.slug])
        assert client.post(url, {"format": "csv"}).status_code == 403
        refusal = HistoryEntry.objects.get(event="right.refused")
        assert refusal.detail["right"] == "see the history"
        assert not HistoryEntry.objects.filter(event="history.exported").exists()

    def test_an_admin_who_has_no_level_on_the_tool_gets_no_tabs_to_it(self, company: Company) -> None:
        person = PersonFactory()
        join_company(person, company, directory_level=Level.ADMIN)
        html = page(person, company)
        assert 'aria-label="ERP Integrations"' not in html
        # The header leads to it, as nothing else would.
        assert html.count(f'href="{reverse("erp_integrations:history", args=[company.slug])}"') == 1

    def test_it_links_to_no_page_that_the_reader_can_not_open(self, company: Company, auditor: User) -> None:
        submission = SubmissionFactory(company=company)
        commitment, connection = submission.commitment, ConnectionFactory(company=company)
        for subject in (submission, commitment, connection):
            happened(company, subject=subject)
        pages = {
            "review": reverse("erp_integrations:review", args=[company.slug, submission.pk]),
            "commitment": commitment.get_absolute_url(),
            "connection": reverse("erp_integrations:connection", args=[company.slug, connection.pk]),
        }

        def linked(viewer: User) -> set[str]:
            html = page(viewer, company)
            return {name for name, url in pages.items() if f'href="{url}"' in html}

        assert linked(auditor) == {"review", "connection"}
        join_project(auditor, submission.project, Level.READ_ONLY)
        assert linked(auditor) == {"review", "connection", "commitment"}
        directory_admin = PersonFactory()
        join_company(directory_admin, company, directory_level=Level.ADMIN)
        assert linked(directory_admin) == set()

    def test_what_happened_elsewhere_is_not_in_it(self, company: Company, auditor: User) -> None:
        elsewhere = CompanyFactory()
        happened(elsewhere, "submission.rejected", detail={"reason": "hush: of another company"})
        happened(company, company=None, event="account.created", subject=auditor)
        assert rows(page(auditor, company)) == []
        assert "hush" not in "".join(rows(page(auditor, company, q="hush")))
        assert "of another" not in export(auditor, company, format="csv", q="hush")


class TestSearch:
    def test_by_event_and_by_group_of_events(self, company: Company, auditor: User) -> None:
        happened(company, "submission.rejected", detail={"reason": "Too dear."})
        happened(company, "submission.accepted", detail={"erp_id": "SC-1"})
        happened(company, "connection.paused", detail={"reason": "Month end."})
        assert rows(page(auditor, company, event="submission.rejected")) == ["Rejected “Too dear.”"]
        assert rows(page(auditor, company, event="decisions")) == [
            "Accepted for export as SC-1",
            "Rejected “Too dear.”",
        ]
        assert rows(page(auditor, company, event="settings")) == ["Paused “Month end.”"]
        assert len(rows(page(auditor, company, event="no such thing"))) == 3

    def test_by_person_who_did_it_or_to_whom_it_was_done(self, company: Company, auditor: User) -> None:
        other = MemberFactory(company=company)
        happened(company, by=other)
        happened(company, "privilege.granted", by=auditor, detail={"user": other.pk, "reason": "New."})
        happened(company, "masters.asked_for", by=auditor)
        assert len(rows(page(auditor, company, person=str(other.pk)))) == 2
        assert len(rows(page(auditor, company, person=str(auditor.pk)))) == 2

    def test_somebody_who_left_can_still_be_chosen(self, company: Company, auditor: User) -> None:
        gone = PersonFactory(first_name="Gone", last_name="Person")
        happened(company, by=gone)
        assert f'<option value="{gone.pk}"' not in page(auditor, company)
        html = page(auditor, company, person=str(gone.pk))
        assert re.search(rf'<option value="{gone.pk}"\s+selected>', html)
        stranger = PersonFactory(first_name="Strange", last_name="Person")
        assert "Strange" not in page(auditor, company, person=str(stranger.pk))

    @pytest.mark.django_db(transaction=True)
    def test_by_days_of_the_viewers_own_time_zone(self, company: Company, auditor: User) -> None:
        auditor.time_zone = "America/Los_Angeles"
        auditor.save()
        day = "2026-03-10"
        for at in (
            "2026-03-10T06:59:59Z",
            "2026-03-10T07:00:00Z",
            "2026-03-11T06:59:59Z",
            "2026-03-11T07:00:00Z",
        ):
            entry = HistoryEntry.objects.create(
                event="export.synced", subject_type="a.b", subject_id=1, company_id=company.pk
            )
            as_owner(f"UPDATE {ENTRIES} SET at = %s WHERE id = %s", parameters=[at, entry.pk])
        assert len(rows(page(auditor, company, since=day, until=day))) == 2
        assert len(rows(page(auditor, company, since=day))) == 3
        assert len(rows(page(auditor, company, until=day))) == 3
        exported = list(csv.reader(io.StringIO(export(auditor, company, format="csv", since=day, until=day))))
        assert [row[0] for row in exported[1:]] == [
            "2026-03-10T07:00:00.000000Z",
            "2026-03-11T06:59:59.000000Z",
        ]

    def test_by_words_said_and_by_the_number_of_a_commitment(self) -> None:
        submission = SubmissionFactory()  # which writes that it was sent
        company, number = submission.company, submission.number
        auditor = ErpAdminFactory(company=company)
        happened(company, "submission.rejected", subject=submission, detail={"reason": "Über budget"})
        happened(company)
        assert rows(page(auditor, company, q=number)) == ["Rejected “Über budget”", "Sent to accounting"]
        assert rows(page(auditor, company, q="über BUDGET")) == ["Rejected “Über budget”"]
        assert rows(page(auditor, company, q=f"{number} budget")) == ["Rejected “Über budget”"]
        assert rows(page(auditor, company, q="nothing like it")) == []

    @pytest.mark.parametrize("many", [0, 1, 1_000])
    def test_what_many_have_is_found_like_what_few_have(
        self, many: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(history_search, "MANY", many)
        first = SubmissionFactory(commitment__title="Roof of the hall")
        company, project = first.company, first.project
        for _ in range(2):
            SubmissionFactory(commitment__title="Roof of the shed", commitment__project=project)
        SubmissionFactory(commitment__title="Roof of another company")
        happened(company, detail={"before": {"name": "A-0012"}, "hash": "f" * 64, "list": ["Roofers"]})
        auditor = ErpAdminFactory(company=company)
        assert len(rows(page(auditor, company, q="roof"))) == 4
        assert len(rows(page(auditor, company, q="ROOF shed"))) == 2
        for typed in ("roofers", "a-0012", "12 roofers"):
            assert len(rows(page(auditor, company, q=typed))) == 1
        assert rows(page(auditor, company, q="oof")) == rows(page(auditor, company, q="ffff")) == []
        exported = list(csv.reader(io.StringIO(export(auditor, company, format="csv", q="roof"))))
        assert len(exported) == 6  # the heading, those four, and that it was exported by this word

    def test_what_happened_to_an_approvers_account_is_found_by_its_words(self, company: Company) -> None:
        approver = ApproverFactory(company=company, erp_integrations_level=Level.ADMIN)
        happened(company, "account.changed", company=None, subject=approver, detail={"why": "Married"})
        happened(company, "account.changed", company=None, subject=PersonFactory(), detail={"why": "Married"})
        assert len(rows(page(approver, company, q="marr"))) == 1
        assert rows(page(approver, company, q="divorced")) == []

    def test_by_one_thing(self, company: Company, auditor: User) -> None:
        commitment = CommitmentFactory(project__company=company)
        happened(company, "commitment.created", subject=commitment)
        happened(company)
        html = page(auditor, company)
        assert f"?subject=commitments.commitment%3A{commitment.pk}" in html
        found = page(auditor, company, subject=f"commitments.commitment:{commitment.pk}")
        assert rows(found) == ["Created"]

    @pytest.mark.parametrize(
        "search",
        [
            {"since": "2026-02-31"},
            {"until": "tomorrow"},
            {"since": "0001-01-01", "until": "9999-12-31"},
            {"person": "9" * 40},
            {"person": "-1"},
            {"subject": "a"},
            {"subject": "\0:1"},
            {"subject": "a.b:" + "9" * 30},
            {"event": "\0"},
            {"q": "\0' OR 1=1 %_\\"},
            {"after": "x"},
            {"before": "9" * 30},
        ],
    )
    def test_an_address_that_makes_no_sense_still_shows_a_page(
        self, company: Company, auditor: User, search: dict[str, str]
    ) -> None:
        happened(company)
        page(auditor, company, **search)
        export(auditor, company, format="jsonl", **search)


class TestPages:
    def test_every_entry_is_on_one_page_and_the_way_back_is_the_same(
        self, company: Company, auditor: User
    ) -> None:
        made = [happened(company, detail={"turn": turn}).pk for turn in range(120)]
        client, url = signed_in(auditor), reverse("erp_integrations:history", args=[company.slug])
        seen: list[int] = []
        query = ""
        while True:
            answer: Any = client.get(url + query)
            seen += [row.entry.pk for row in answer.context["rows"]]
            if not answer.context["page"].after_url:
                break
            query = answer.context["page"].after_url
        assert seen == made[::-1]
        back: Any = client.get(url + answer.context["page"].before_url)
        assert [row.entry.pk for row in back.context["rows"]] == made[::-1][50:100]

    def test_the_search_stays_on_the_next_page(self, company: Company, auditor: User) -> None:
        for _ in range(51):
            happened(company)
        assert "event=reconciliation.asked&amp;after=" in page(auditor, company, event="reconciliation.asked")

    def test_queries_do_not_grow_with_the_entries(self) -> None:
        submission = SubmissionFactory()
        company = submission.company
        auditor = ErpAdminFactory(company=company)

        def queries() -> int:
            with CaptureQueriesContext(connection) as caught:
                page(auditor, company)
            return len(caught)

        def of_every_kind() -> None:
            happened(company, "submission.rejected", subject=submission, by=submission.sent_by)
            commitment = CommitmentFactory(project__company=company)
            happened(company, "commitment.created", subject=commitment, by=commitment.created_by)
            membership = join_company(PersonFactory(), company)
            happened(company, "membership.added", subject=membership, detail={"user": membership.user_id})
            sealing.seal_new_entries()

        of_every_kind()
        few = queries()
        for _ in range(10):
            of_every_kind()
        assert queries() == few

    def test_a_seal_is_shown_once_there_is_one(self, company: Company, auditor: User) -> None:
        happened(company)
        assert "not yet" in page(auditor, company)
        sealing.seal_new_entries()
        assert "not yet" not in page(auditor, company)


class TestExport:
    def test_that_somebody_took_it_away_is_in_the_history(self, company: Company, auditor: User) -> None:
        happened(company)
        export(auditor, company, format="csv", q="nothing")
        entry = HistoryEntry.objects.get(event="history.exported")
        assert (entry.by_id, entry.company_id) == (auditor.pk, company.pk)
        assert entry.detail == {"format": "csv", "search": {"q": "nothing"}}
        assert rows(page(auditor, company))[0] == "History was exported as CSV"

    def test_a_link_takes_nothing_away(self, company: Company, auditor: User) -> None:
        answer = signed_in(auditor).get(reverse("erp_integrations:history-export", args=[company.slug]))
        assert answer.status_code == 302
        assert not HistoryEntry.objects.filter(event="history.exported").exists()

    def test_an_unknown_format_is_explained(self, company: Company, auditor: User) -> None:
        url = reverse("erp_integrations:history-export", args=[company.slug])
        answer = signed_in(auditor).post(url, {"format": "pdf"}, follow=True)
        assert "exported as csv or jsonl" in answer.content.decode()
        assert not HistoryEntry.objects.filter(event="history.exported").exists()

    @pytest.mark.parametrize("typed", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "\n=1"])
    def test_nothing_in_the_spreadsheet_is_a_formula(
        self, company: Company, auditor: User, typed: str
    ) -> None:
        auditor.first_name, auditor.last_name = typed, ""
        auditor.save()
        happened(company, "submission.rejected", by=auditor, detail={"reason": typed})
        head, *lines = csv.reader(io.StringIO(export(auditor, company, format="csv")))
        assert head[0].removeprefix("\ufeff") == "At (UTC)"
        row = dict(zip(head, lines[0], strict=True))
        assert row["Said"] == f"'{typed}"
        assert not any(value.lstrip(" ").startswith(LIKE_FORMULAS) for value in lines[0])

    def test_a_portion_ends_without_losing_an_entry(
        self, company: Company, auditor: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = [happened(company).pk for _ in range(7)]
        for length in (1, 3, 7, 8, 9):
            monkeypatch.setattr("erp_integrations.audit.history_export.BATCH_SIZE", length)
            told = [json.loads(line) for line in export(auditor, company, format="jsonl").splitlines()]
            assert [each["entry"]["id"] for each in told][:7] == made

    def test_it_can_be_verified_by_the_recipe_of_the_docs_and_by_that_alone(
        self, company: Company, auditor: User, tmp_path: Path
    ) -> None:
        for reason in ("Too dear.", "Über budget “again”", "third"):
            happened(company, "submission.rejected", by=auditor, detail={"reason": reason, "left": None})
        sealing.seal_new_entries()
        file = tmp_path / "history.jsonl"
        file.write_text(export(auditor, company, format="jsonl"), encoding="utf-8")
        assert recipe(file).stdout.strip().endswith("3 entries hold; 1 without a seal")
        altered = file.read_text(encoding="utf-8").replace("Too dear.", "Too cheap.")
        file.write_text(altered, encoding="utf-8")
        assert "was altered" in recipe(file).stderr
        lines = file.read_text(encoding="utf-8").replace("Too cheap.", "Too dear.").splitlines()
        file.write_text("\n".join([lines[0], *lines[2:]]), encoding="utf-8")
        assert "does not follow" in recipe(file).stderr

    def test_hashes_in_the_export_are_those_of_the_seals(self, company: Company, auditor: User) -> None:
        happened(company)
        sealing.seal_new_entries()
        line = json.loads(export(auditor, company, format="jsonl").splitlines()[0])
        seal = HistorySeal.objects.get()
        text = json.dumps(line["entry"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert line["seal"]["entry_hash"] == seal.entry_hash == hashlib.sha256(text.encode()).hexdigest()


def recipe(file: Path) -> "subprocess.CompletedProcess[str]":
    """Run the program that docs/history.md gives, on this file, with nothing of ours on its path."""
    text = (Path(__file__).resolve().parents[3] / "docs" / "history.md").read_text()
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return subprocess.run(
        [sys.executable, "-I", "-c", program, str(file)], capture_output=True, text=True, check=False
    )


def test_who_looked_at_what_is_stored_of_secrets_is_in_the_history(company: Company, auditor: User) -> None:
    site = ConnectionFactory(company=company)
    url = reverse("erp_integrations:connection", args=[company.slug, site.pk])
    client = signed_in(auditor)
    for _ in range(3):
        assert client.get(url).status_code == 200
    entry = HistoryEntry.objects.get(event="connection.secrets_looked_at")
    assert (entry.by_id, entry.subject_id, entry.company_id) == (auditor.pk, site.pk, company.pk)
    other = ErpAdminFactory(company=company)
    signed_in(other).get(url)
    root = User.objects.create_superuser("root@example.test")
    signed_in(root).get(reverse("admin:erp_integrations_connection_change", args=[site.pk]))
    looks = HistoryEntry.objects.filter(event="connection.secrets_looked_at").order_by("pk")
    assert list(looks.values_list("by_id", flat=True)) == [auditor.pk, other.pk, root.pk]
    assert timezone.now() - entry.at < timedelta(minutes=1)
