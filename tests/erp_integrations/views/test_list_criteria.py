"""What the list is narrowed down, sorted, grouped and summed up by; and saved filters."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from directory.db import pagination
from directory.models import Company, Project, User
from directory.privacy import personal_data
from erp_integrations.models import ExportJob, JobLink, SavedFilter, Submission, VendorLink
from erp_integrations.pages import submission_list
from erp_integrations.views import saved_filters
from tests.clients import signed_in
from tests.erp_integrations.views.test_list import address, numbers, page, send_many
from tests.erp_integrations.views.test_spreadsheet import read_csv
from tests.factories import (
    ApproverFactory,
    ContractCompanyFactory,
    ExportJobFactory,
    PersonFactory,
    ProjectFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
    ViewerFactory,
    join_company,
)

pytestmark = pytest.mark.django_db


def send(project: Project, vendor: str, total: str, **values: Any) -> Submission:
    commitment = ReadyCommitmentFactory(
        project=project,
        contract_company=ContractCompanyFactory(company=project.company, name=vendor),
        **values,
    )
    sent: Submission = SubmissionFactory(commitment=commitment)
    Submission.objects.filter(pk=sent.pk).update(total=total)
    sent.refresh_from_db()
    return sent


@pytest.fixture
def pier() -> Project:
    project: Project = ProjectFactory(name="Pier 6", number="P6")
    return project


@pytest.fixture
def rows(pier: Project) -> dict[str, Submission]:
    """Two of the pier, one of another project of the company."""
    school = ProjectFactory(company=pier.company, name="Pier 68 School")
    found = {
        "steel": send(pier, "Acme Steel", "1204330.10", number="SC-1"),
        "paint": send(pier, "Bolt Painting", "1204.00", kind="purchase_order", number="PO-2"),
        "roof": send(school, "Acme Roofing", "-50.00", number="SC-3"),
    }
    people = {"steel": ("Ann", "Baker"), "paint": ("Joanna", "Cole"), "roof": ("Ann", "Cole")}
    for name, (first_name, last_name) in people.items():
        User.objects.filter(pk=found[name].sent_by_id).update(first_name=first_name, last_name=last_name)
    Submission.objects.filter(pk=found["roof"].pk).update(sent_at=timezone.now() - timedelta(days=9))
    return found


def names(rows: dict[str, Submission], html: str) -> list[str]:
    by_number = {row.number: name for name, row in rows.items()}
    return [by_number[number] for number in numbers(html)]


class TestCriteria:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("project=pier+6", "steel paint"),
            ("project=p6", "steel paint"),
            ("project=school", "roof"),
            ("project=nowhere", ""),
            ("vendor=acme", "steel roof"),
            ("vendor=acme+roof", "roof"),
            ("kind=purchase_order", "paint"),
            ("sender=ann", "steel paint roof"),
            ("sender=cole+ann", "paint roof"),
            ("sender=ann+baker", "steel"),
            ("from=1,204", "steel paint"),
            ("from=$1,204.01", "steel"),
            ("to=0", "roof"),
            ("from=-50&to=1204", "paint roof"),
            ("age=9", "roof"),
            ("age=10", ""),
            ("age=0", "steel paint roof"),
            ("vendor=acme&project=p6&kind=subcontract", "steel"),
        ],
    )
    def test_each_narrows_the_list_and_its_file_down(
        self, pier: Project, rows: dict[str, Submission], query: str, found: str
    ) -> None:
        client = signed_in(ViewerFactory(company=pier.company))
        shown = page(client, pier.company, f"?{query}")
        assert names(rows, shown) == found.split()
        in_file = [row["Commitment"] for row in read_csv(client, pier.company, f"&{query}")]
        assert in_file == numbers(shown)

    def test_a_vendor_and_a_job_are_found_by_their_codes(
        self, pier: Project, rows: dict[str, Submission]
    ) -> None:
        VendorLink.objects.filter(contract_company__name="Bolt Painting").update(vendor_code="XB-7")
        JobLink.objects.filter(project=pier).update(job_number="24-001")
        client = signed_in(ViewerFactory(company=pier.company))
        assert names(rows, page(client, pier.company, "?vendor=xb-7")) == ["paint"]
        assert names(rows, page(client, pier.company, "?project=24-001")) == ["steel", "paint"]
        for typed, found in (("xb-7", ["paint"]), ("24-001", ["steel", "paint"]), ("acme+24-001", ["steel"])):
            assert names(rows, page(client, pier.company, f"?q={typed}")) == found

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("from=many", "Amount from is not filtered: “many” is no amount. Write it like 1,204.50."),
            ("to=1e9", "Amount to is not filtered"),
            (f"to={'9' * 40}", "Amount to is not filtered"),
            ("age=soon", "Age from, days is not filtered"),
            ("age=-1", "Age from, days is not filtered"),
            ("age=%C2%B2", "Age from, days is not filtered"),
            ("age=99999999999999999999", "Age from, days is not filtered"),
            ("kind=boat", "Kind is not filtered: choose one from the list."),
        ],
    )
    def test_a_value_that_is_none_is_named_and_narrows_nothing_down(
        self, pier: Project, rows: dict[str, Submission], query: str, sentence: str
    ) -> None:
        html = unescape(page(signed_in(ViewerFactory(company=pier.company)), pier.company, f"?{query}"))
        assert sentence in html
        assert names(rows, html) == ["steel", "paint", "roof"]

    @pytest.mark.parametrize(
        "name", ["project", "vendor", "kind", "sender", "from", "to", "age", "mine", "sort"]
    )
    @pytest.mark.parametrize("text", ["%00", "%25_%5C%27", "%F0%9F%8F%97", "x" * 3000, "-", "%D9%A3"])
    def test_no_value_breaks_it(self, name: str, text: str) -> None:
        submission = SubmissionFactory()
        client = signed_in(ApproverFactory(company=submission.company))
        page(client, submission.company, f"?{name}={text}&group={text}")
        read_csv(client, submission.company, f"&view=all&{name}={text}")

    def test_they_are_kept_by_every_way_onwards_and_each_can_be_taken_away(
        self, pier: Project, rows: dict[str, Submission], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pagination, "PAGE_LENGTH", 1)
        client = signed_in(ViewerFactory(company=pier.company))
        html = unescape(page(client, pier.company, "?q=acme&vendor=acme&kind=subcontract&sort=-amount"))
        kept = "q=acme&vendor=acme&kind=subcontract"
        for link in (
            f'href="{address(pier.company)}?view=synced&{kept}"',
            f'href="?view=ready-to-export&{kept}&sort=-amount&after={rows["steel"].pk}"',
            f'href="?view=ready-to-export&{kept}&sort=amount"',
            f'spreadsheet/?view=ready-to-export&{kept}&sort=-amount&format=csv"',
            '?view=ready-to-export&q=acme&kind=subcontract&sort=-amount" aria-label="Remove Vendor: acme"',
        ):
            assert link in html

    def test_an_approver_finds_what_they_may_decide(self, pier: Project, rows: dict[str, Submission]) -> None:
        sender, company = rows["steel"].sent_by, pier.company
        join_company(sender, company, erp_integrations_level="standard", can_push_to_accounting=True)
        Submission.objects.filter(pk=rows["paint"].pk).update(hands=[sender.pk])
        client = signed_in(sender)
        assert names(rows, page(client, company, "?mine=yes")) == ["roof"]
        Submission.objects.filter(pk=rows["paint"].pk).update(exempt=sender)
        assert names(rows, page(client, company, "?mine=yes")) == ["paint", "roof"]
        Company.objects.filter(pk=company.pk).update(allows_own_decisions=True)
        assert names(rows, page(client, company, "?mine=yes")) == ["steel", "paint", "roof"]
        assert names(rows, page(signed_in(ViewerFactory(company=company)), company, "?mine=yes")) == []

    def test_what_is_exported_or_not_undecided_is_nothing_to_decide(self) -> None:
        failed: ExportJob = ExportJobFactory(failed=True)
        company = failed.submission.company
        ExportJobFactory(synced=True, submission__commitment__project=failed.submission.project)
        client = signed_in(ApproverFactory(company=company))
        assert numbers(page(client, company, "?view=all&mine=yes")) == [failed.submission.number]


class TestSearch:
    @pytest.mark.parametrize(
        ("typed", "found"),
        [
            ("1,204,330.10", "steel"),
            ("$1,204,330.10", "steel"),
            ("USD+1,204,330.10", "steel"),
            ("1204330.1", "steel"),
            ("1,204,330", "steel"),
            ("$1,204", "paint"),
            ("1204", "paint"),
            ("1,204.01", ""),
            ("-50", "roof"),
            ("baker", "steel"),
            ("ann+cole", "roof"),
            ("purchase+order", "paint"),
            ("Purchase+orders+bolt", "paint"),
            ("subcontracts", "steel roof"),
            ("subcontract+acme+pier", "steel roof"),
            ("subcontract+bolt", ""),
        ],
    )
    def test_amounts_people_and_kinds_are_found_as_they_are_written(
        self, pier: Project, rows: dict[str, Submission], typed: str, found: str
    ) -> None:
        client = signed_in(ViewerFactory(company=pier.company))
        assert names(rows, page(client, pier.company, f"?q={typed}")) == found.split()
        assert names(rows, page(client, pier.company, f"?view=all&q={typed}"))[::-1] == found.split()

    def test_what_is_elsewhere_is_said_with_the_way_there(self) -> None:
        job: ExportJob = ExportJobFactory(synced=True, submission__commitment__number="QX-9917")
        company = job.submission.company
        send_many(job.submission.project, 1)
        client = signed_in(ViewerFactory(company=company))
        html = unescape(page(client, company, f"?q={job.submission.number}&kind=subcontract"))
        assert f'<a href="?view=synced&q={job.submission.number}&kind=subcontract">1 in Synced</a>' in html
        assert "in All" not in html
        assert "in Synced" not in page(client, company, "?q=nowhere")

    def test_what_was_retrieved_is_in_all_alone(self) -> None:
        submission = SubmissionFactory(retrieved=True)
        html = page(
            signed_in(ViewerFactory(company=submission.company)),
            submission.company,
            f"?q={submission.number}",
        )
        assert "1 in All" in html

    def test_to_look_elsewhere_takes_one_query_and_only_where_nothing_was_found(
        self, pier: Project, rows: dict[str, Submission]
    ) -> None:
        client = signed_in(ApproverFactory(company=pier.company))
        page(client, pier.company)
        with CaptureQueriesContext(connection) as queries:
            page(client, pier.company, "?q=nowhere")
        assert len(queries) == 9
        with CaptureQueriesContext(connection) as queries:
            page(client, pier.company, "?q=acme")
        assert len(queries) == 12  # its keys, and what of it is clean


class TestOrder:
    @pytest.mark.parametrize(
        ("sort", "found"),
        [
            ("amount", "roof paint steel"),
            ("-amount", "steel paint roof"),
            ("vendor", "roof steel paint"),
            ("-vendor", "paint steel roof"),
            ("project", "steel paint roof"),
            ("newest", "roof paint steel"),
            ("-nothing", "steel paint roof"),
        ],
    )
    def test_the_columns_sort(
        self, pier: Project, rows: dict[str, Submission], sort: str, found: str
    ) -> None:
        client = signed_in(ViewerFactory(company=pier.company))
        html = page(client, pier.company, f"?sort={sort}")
        assert names(rows, html) == found.split()
        in_file = [row["Commitment"] for row in read_csv(client, pier.company, f"&sort={sort}")]
        assert in_file == numbers(html)

    def test_the_heading_says_the_order_and_leads_to_the_other_one(
        self, rows: dict[str, Submission], pier: Project
    ) -> None:
        html = unescape(page(signed_in(ViewerFactory(company=pier.company)), pier.company, "?sort=amount"))
        (heading,) = re.findall(r'<th scope="col"[^>]*aria-sort="ascending"[^>]*>(.*?)</th>', html, re.S)
        assert 'href="?view=ready-to-export&sort=-amount"' in heading
        assert "aria-sort=" not in html.replace('aria-sort="ascending"', "", 1)

    def test_a_long_history_is_sorted_by_time_alone(self, pier: Project, rows: dict[str, Submission]) -> None:
        html = page(signed_in(ViewerFactory(company=pier.company)), pier.company, "?view=all&sort=amount")
        assert names(rows, html) == ["roof", "paint", "steel"]
        assert "sort=amount" not in html

    @pytest.mark.parametrize("order", ["sort=amount", "sort=-amount", "group=project"])
    def test_ties_lose_no_row_and_show_none_twice(self, monkeypatch: pytest.MonkeyPatch, order: str) -> None:
        monkeypatch.setattr(pagination, "PAGE_LENGTH", 3)
        project = ProjectFactory()
        sent = send_many(project, 8)  # all of one amount
        Submission.objects.filter(pk=sent[5].pk).update(total=1)
        client = signed_in(ViewerFactory(company=project.company))
        forwards = [page(client, project.company, f"?{order}")]
        while len(forwards) < 5 and (match := re.search(r'href="(\?[^"]*after=[^"]*)"', forwards[-1])):
            forwards.append(page(client, project.company, unescape(match[1])))
        found = [number for html in forwards for number in numbers(html)]
        assert sorted(found) == sorted(row.number for row in sent)
        match = re.search(r'href="(\?[^"]*before=[^"]*)"', forwards[-1])
        assert match
        assert numbers(page(client, project.company, unescape(match[1]))) == found[3:6]

    def test_the_key_of_anothers_row_tells_nothing_of_it(
        self, pier: Project, rows: dict[str, Submission]
    ) -> None:
        foreign = SubmissionFactory()
        client = signed_in(ViewerFactory(company=pier.company))
        for total in (0, 10**9):
            Submission.objects.filter(pk=foreign.pk).update(total=total)
            html = page(client, pier.company, f"?sort=amount&after={foreign.pk}")
            assert names(rows, html) == ["roof", "paint", "steel"]

    def test_a_page_goes_on_behind_a_row_that_was_decided_meanwhile(
        self, pier: Project, rows: dict[str, Submission]
    ) -> None:
        Submission.objects.filter(pk=rows["paint"].pk).update(
            status="rejected", reason="x", decided_by=PersonFactory(), decided_at=timezone.now()
        )
        client = signed_in(ViewerFactory(company=pier.company))
        html = page(client, pier.company, f"?sort=amount&after={rows['paint'].pk}")
        assert names(rows, html) == ["steel"]


class TestFigures:
    def test_what_waits_is_summed_up(
        self, pier: Project, rows: dict[str, Submission], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = signed_in(ViewerFactory(company=pier.company))
        for length in (50, 2):
            monkeypatch.setattr(pagination, "PAGE_LENGTH", length)
            assert "3 commitments, USD 1,205,484.10" in page(client, pier.company)
            assert "2 commitments, USD 1,204,280.10" in page(client, pier.company, "?view=all&vendor=acme")
            assert "1 commitment, USD 1,204.00" in page(client, pier.company, "?view=all&q=bolt")
        assert "3 commitments" not in page(client, pier.company, "?view=all")
        monkeypatch.setattr(submission_list, "MOST_COUNTED", 2)
        html = page(client, pier.company)
        assert "2+ commitments" in html
        assert "1,205,484.10" not in html

    def test_by_project_each_has_a_heading_with_its_own_whole_figures(
        self, pier: Project, rows: dict[str, Submission], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pagination, "PAGE_LENGTH", 1)
        client = signed_in(ViewerFactory(company=pier.company))
        html = page(client, pier.company, "?group=project")
        (heading,) = re.findall(r'<th scope="rowgroup".*?</th>', html, re.S)
        assert "Pier 6 <span" in heading
        assert "2 commitments, USD 1,205,534.10" in heading
        assert names(rows, html) == ["steel"]
        assert "rowgroup" not in page(client, pier.company, "?view=all&group=project")


class TestSavedFilters:
    def save(self, client: Client, company: Company, name: str, query: str = "vendor=acme") -> str:
        response = client.post(f"{address(company)}filters/", {"name": name, "query": query}, follow=True)
        assert response.status_code == 200
        return unescape(response.content.decode())

    def test_they_are_links_for_their_person_alone(self, pier: Project, rows: dict[str, Submission]) -> None:
        own, other = (signed_in(ViewerFactory(company=pier.company)) for _ in range(2))
        html = self.save(own, pier.company, "Big <Acme>", "vendor=acme&from=1000&evil=1&sort=amount")
        link = '<a href="?view=ready-to-export&vendor=acme&from=1000&sort=amount">Big <Acme></a>'
        assert link in html
        assert link in unescape(page(own, pier.company))
        assert "Big" not in page(other, pier.company)
        saved = SavedFilter.objects.get()
        assert other.post(f"{address(pier.company)}filters/{saved.pk}/delete/").status_code == 404
        assert own.get(f"{address(pier.company)}filters/{saved.pk}/delete/").status_code == 302
        assert SavedFilter.objects.exists()
        assert own.post(f"{address(pier.company)}filters/{saved.pk}/delete/").status_code == 302
        assert not SavedFilter.objects.exists()

    def test_a_name_is_there_once_and_the_last_query_counts(self, pier: Project) -> None:
        client = signed_in(ViewerFactory(company=pier.company))
        for query in ("vendor=acme", "vendor=bolt&view=synced"):
            self.save(client, pier.company, " Mine ", query)
        assert SavedFilter.objects.get().query == "view=synced&vendor=bolt"

    @pytest.mark.parametrize("name", ["", "  ", "\0", "x" * 61])
    def test_a_name_that_does_not_fit_is_refused(self, pier: Project, name: str) -> None:
        html = self.save(signed_in(ViewerFactory(company=pier.company)), pier.company, name)
        assert "Not saved: the name of filters has 1 to 60 characters." in html
        assert not SavedFilter.objects.exists()

    def test_nobody_has_more_than_their_share(self, pier: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(saved_filters, "MOST", 2)
        client = signed_in(ViewerFactory(company=pier.company))
        for name in ("a", "b", "c", "b"):
            html = self.save(client, pier.company, name)
        assert "saved as b" in html
        assert list(SavedFilter.objects.values_list("name", flat=True).order_by("name")) == ["a", "b"]

    def test_they_are_a_persons_data(self, pier: Project) -> None:
        person = ViewerFactory(company=pier.company)
        self.save(signed_in(person), pier.company, "Mine")
        told = personal_data.export_personal_data(person=person, by=None)
        assert told["erp_integrations.savedfilter.person"] == [
            {"company__name": pier.company.name, "name": "Mine", "query": "view=ready-to-export&vendor=acme"}
        ]
        personal_data.delete_personal_data(person=person, by=None, reason="asked for")
        assert not SavedFilter.objects.exists()
