"""Vendors, jobs and cost codes: who may look, who may link, and what a link changes."""

import re
from html import unescape
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from commitments.models import Commitment, ContractCompany, LineItem
from directory.db import pagination
from directory.models import Company, HistoryEntry, Level, Project, User
from directory.rights.permissions import RightMissing
from erp_integrations.exports import worker
from erp_integrations.links import linking, queries
from erp_integrations.links.kinds import JOB, VENDOR
from erp_integrations.models import (
    Connection,
    ExportJob,
    JobLink,
    JobStatus,
    MastersPull,
    Submission,
    SyncStatus,
    UnconfirmedChange,
    Vendor,
    VendorLink,
)
from tests.clients import signed_in
from tests.erp_integrations.races.together import ROUNDS, race, refusals
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    ConnectionFactory,
    ContractCompanyFactory,
    CostCodeFactory,
    CreatorFactory,
    ErpAdminFactory,
    ExportJobFactory,
    JobLinkFactory,
    LineItemFactory,
    MemberFactory,
    PersonFactory,
    ProjectFactory,
    VendorLinkFactory,
    ViewerFactory,
    have_been_read,
)

pytestmark = pytest.mark.django_db

PAGES = ["vendors", "jobs", "cost-codes"]


def url(company: Company, page: str) -> str:
    return f"/companies/{company.slug}/erp-integrations/{page}/"


def page_of(person: User, company: Company, page: str, query: str = "") -> str:
    """The page's text as a person reads it."""
    answer = signed_in(person).get(url(company, page) + query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def names(html: str) -> list[str]:
    """The first words of each row."""
    return [name.split(" <")[0].strip() for name in re.findall(r'<th scope="row"> (.*?)</th>', html)]


@pytest.fixture
def site() -> Connection:
    """A connection whose lists have been read: vendors ACME, BOLT and an inactive GONE; one job."""
    connection: Connection = ConnectionFactory()
    have_been_read(
        connection,
        vendors={"ACME": "Acme Mechanical, Inc.", "BOLT": "Bolt & Sons", "GONE": "-"},
        jobs={"24-001": {("0330000", "S"): "A"}, "24-002": {}},
    )
    return connection


@pytest.fixture
def admin(site: Connection) -> User:
    person: User = ErpAdminFactory(company=site.company)
    return person


def link_vendor(person: User, contract_company: ContractCompany, connection: Connection, **form: Any) -> Any:
    form = {"connection": connection.pk, "expected_code": "", "code": "ACME"} | form
    return signed_in(person).post(url(contract_company.company, f"vendors/{contract_company.pk}"), form)


def link_job(person: User, project: Project, connection: Connection, **form: Any) -> Any:
    form = {"connection": connection.pk, "expected_code": "", "code": "24-001"} | form
    return signed_in(person).post(url(project.company, f"jobs/{project.pk}"), form)


class TestWhoMayLook:
    @pytest.mark.parametrize("page", PAGES)
    @pytest.mark.parametrize("level", [Level.READ_ONLY, Level.STANDARD, Level.ADMIN])
    def test_everybody_in_the_tool_sees_them_and_admins_alone_have_buttons(
        self, site: Connection, page: str, level: Level
    ) -> None:
        ContractCompanyFactory(company=site.company, name="Acme Mechanical")
        ProjectFactory(company=site.company)
        person = MemberFactory(company=site.company, erp_integrations_level=level)
        html = page_of(person, site.company, page)
        buttons = re.findall(r'<button class="button button--small"', html)
        assert bool(buttons) is (level == Level.ADMIN)
        if page != "cost-codes":
            assert ("View only." in html) is (level != Level.ADMIN)

    @pytest.mark.parametrize("page", PAGES)
    def test_strangers_find_nothing(self, site: Connection, page: str) -> None:
        for stranger in (PersonFactory(), ErpAdminFactory(), ApproverFactory()):
            assert signed_in(stranger).get(url(site.company, page)).status_code == 404

    @pytest.mark.parametrize("page", PAGES)
    def test_a_member_without_a_level_is_told_so(self, site: Connection, page: str) -> None:
        member = CreatorFactory(project=ProjectFactory(company=site.company))
        assert signed_in(member).get(url(site.company, page)).status_code == 403


class TestWhoMayLink:
    @pytest.mark.parametrize("factory", [ViewerFactory, ApproverFactory])
    def test_a_forged_link_is_refused_and_kept_in_the_history(
        self, site: Connection, factory: type[MemberFactory]
    ) -> None:
        person = factory(company=site.company)
        contract_company = ContractCompanyFactory(company=site.company)
        project = ProjectFactory(company=site.company)
        assert link_vendor(person, contract_company, site).status_code == 403
        assert link_job(person, project, site).status_code == 403
        lists = url(site.company, f"master-data/{site.pk}")
        assert signed_in(person).post(lists).status_code == 403
        assert not VendorLink.objects.exists()
        assert not JobLink.objects.exists()
        assert HistoryEntry.objects.filter(event="right.refused", by_id=person.pk).exists()

    def test_the_functions_ask_for_the_right_themselves(self, site: Connection) -> None:
        """Whatever screen, command or shell calls them."""
        by = ApproverFactory(company=site.company)
        ours, project = ContractCompanyFactory(company=site.company), ProjectFactory(company=site.company)
        where: dict[str, Any] = {"connection": site, "expected": linking.ExpectedLink(""), "by": by}
        for act in (
            lambda: linking.link(VENDOR, owner=ours, code="ACME", **where),
            lambda: linking.unlink(VENDOR, owner=ours, **where),
            lambda: linking.link(JOB, owner=project, code="24-001", **where),
            lambda: linking.unlink(JOB, owner=project, **where),
            lambda: linking.requeue_master_data_sync(connection=site, by=by),
        ):
            with pytest.raises(RightMissing):
                act()

    def test_another_companys_things_are_not_found(self, site: Connection, admin: User) -> None:
        strange = ContractCompanyFactory()
        assert link_vendor(ErpAdminFactory(company=strange.company), strange, site).status_code == 422
        for path in (
            f"vendors/{strange.pk}",
            f"jobs/{ProjectFactory().pk}",
            f"master-data/{ConnectionFactory().pk}",
        ):
            client = signed_in(admin)
            assert client.get(url(site.company, path)).status_code == 404
            assert client.post(url(site.company, path)).status_code == 404
        assert not VendorLink.objects.exists()

    def test_a_page_from_before_an_upgrade_changes_no_link(self, site: Connection, admin: User) -> None:
        """Its hidden field had another name, and blank would mean that there was no link."""
        owner = ContractCompanyFactory(company=site.company)
        form = {"connection": site.pk, "seen": "BOLT", "code": "ACME"}
        answer = signed_in(admin).post(url(site.company, f"vendors/{owner.pk}"), form)
        assert answer.status_code == 422
        assert "page was out of date" in answer.content.decode()
        assert not VendorLink.objects.exists()


class TestVendors:
    def test_not_linked_ones_come_first_with_what_looks_like_them(
        self, site: Connection, admin: User
    ) -> None:
        ContractCompanyFactory(company=site.company, name="ACME MECHANICAL")
        linked = ContractCompanyFactory(company=site.company, name="Linked")
        VendorLinkFactory(connection=site, contract_company=linked, vendor_code="BOLT")
        ContractCompanyFactory(name="Of somebody else")
        html = page_of(admin, site.company, "vendors")
        assert names(html) == ["ACME MECHANICAL"]
        assert "Same name" in html
        assert "Acme Mechanical, Inc." in html
        assert names(page_of(admin, site.company, "vendors", "?view=linked")) == ["Linked"]
        assert names(page_of(admin, site.company, "vendors", "?view=all")) == ["ACME MECHANICAL", "Linked"]

    def test_inactive_vendors_are_not_suggested_and_linked_ones_are_marked(
        self, site: Connection, admin: User
    ) -> None:
        site.vendors.filter(code="GONE").update(name="Gone Fishing")
        ours = ContractCompanyFactory(company=site.company, name="Gone Fishing LLC")
        assert "no similar vendor" in page_of(admin, site.company, "vendors")
        link = VendorLinkFactory(connection=site, contract_company=ours, vendor_code="gone")
        assert "Inactive" in page_of(admin, site.company, "vendors", "?view=linked")
        VendorLink.objects.filter(pk=link.pk).update(vendor_code="NOWHERE")
        assert "Not in master data" in page_of(admin, site.company, "vendors", "?view=linked")

    def test_a_link_is_made_by_hand_and_in_the_history(self, site: Connection, admin: User) -> None:
        ours = ContractCompanyFactory(company=site.company)
        answer = link_vendor(admin, ours, site, code=" acme ", back="view=all&q=x&evil=//y")
        assert answer.status_code == 302
        assert answer.url == url(site.company, "vendors") + "?view=all&q=x"
        link = VendorLink.objects.get()
        assert (link.contract_company, link.vendor_code) == (ours, "ACME")  # as Spectrum spells it
        entry = HistoryEntry.objects.get(event="vendor_link.created")
        assert (entry.by_id, entry.company_id) == (admin.pk, site.company_id)
        assert entry.detail["vendor_code"] == "ACME"

    @pytest.mark.parametrize(
        ("code", "told"),
        [
            ("NOBODY", "Spectrum has no vendor NOBODY."),
            ("", "Enter a vendor code, or choose one."),
            ("OVERLONGCODE", "has 12 characters; Spectrum takes 10, so nothing can be exported under it."),
            ("A.B", "may not hold ., so nothing can be exported under it. Change it in Spectrum, then sync"),
        ],
    )
    def test_a_code_that_can_not_be_is_refused_in_words(
        self, site: Connection, admin: User, code: str, told: str
    ) -> None:
        ours = ContractCompanyFactory(company=site.company)
        Vendor.objects.bulk_create(
            Vendor(connection=site, code=each, name=each, seen_at=timezone.now())
            for each in ("OVERLONGCODE", "A.B")
        )
        answer = link_vendor(admin, ours, site, code=code)
        assert answer.status_code == 422
        assert told in answer.content.decode()
        assert not VendorLink.objects.exists()

    def test_a_listed_vendor_that_can_not_be_used_is_shown_and_has_no_button(
        self, site: Connection, admin: User
    ) -> None:
        ours = ContractCompanyFactory(company=site.company, name="Alpha and Beta")
        Vendor.objects.create(connection=site, code="A&B", name="Alpha and Beta", seen_at=timezone.now())
        client = signed_in(admin)
        address = reverse("erp_integrations:vendor", args=[site.company.slug, ours.pk])
        html = client.get(f"{address}?connection={site.pk}").content.decode()
        assert "this code may not hold &amp;. Change it in Spectrum, then sync master data." in html
        assert 'value="A&amp;B"' not in html
        VendorLinkFactory(connection=site, contract_company=ours, vendor_code="A&B")
        html = page_of(admin, site.company, "vendors", "?view=all")
        assert "Nothing can be exported: it may not hold &amp;." in html

    def test_before_the_first_reading_a_code_is_taken_as_it_is_typed(
        self, admin: User, site: Connection
    ) -> None:
        MastersPull.objects.all().delete()
        site.vendors.all().delete()
        ours = ContractCompanyFactory(company=site.company)
        assert link_vendor(admin, ours, site, code="Typed").status_code == 302
        assert VendorLink.objects.get().vendor_code == "Typed"

    def test_a_page_that_is_older_than_the_link_changes_nothing(self, site: Connection, admin: User) -> None:
        ours = ContractCompanyFactory(company=site.company)
        VendorLinkFactory(connection=site, contract_company=ours, vendor_code="BOLT")
        for form in ({}, {"expected_code": "GONE"}, {"unlink": "1"}):
            answer = link_vendor(admin, ours, site, **form)
            assert answer.status_code == 409
            assert "Somebody else has changed this link" in answer.content.decode()
        assert VendorLink.objects.get().vendor_code == "BOLT"

    def test_a_change_stops_what_was_accepted_under_the_old_link(self) -> None:
        job: ExportJob = ExportJobFactory()
        link = VendorLink.objects.get()
        have_been_read(job.connection, vendors={link.vendor_code: "Old", "NEW": "New"})
        admin = ErpAdminFactory(company=job.submission.company)
        ours = job.submission.commitment.contract_company
        assert ours is not None
        client = signed_in(admin)
        answer = client.post(
            url(ours.company, f"vendors/{ours.pk}"),
            {"connection": job.connection_id, "expected_code": link.vendor_code, "code": "NEW"},
            follow=True,
        )
        assert "1 accepted commitment was waiting for export under the old link" in answer.content.decode()
        assert HistoryEntry.objects.get(event="vendor_link.changed").detail["vendor_code"] == "NEW"
        worker.export_due_jobs(job.connection_id)
        job.refresh_from_db()
        assert job.status == JobStatus.FAILED
        assert "Changed since it was accepted" in job.problem

    def test_a_link_can_be_taken_away(self) -> None:
        job: ExportJob = ExportJobFactory()
        link = VendorLink.objects.get()
        ours = job.submission.commitment.contract_company
        assert ours is not None
        admin = ErpAdminFactory(company=ours.company)
        answer = link_vendor(admin, ours, job.connection, expected_code=link.vendor_code, unlink="1")
        assert answer.status_code == 302
        assert not VendorLink.objects.exists()
        assert HistoryEntry.objects.get(event="vendor_link.deleted").subject_id == link.pk

    def test_the_page_of_one_lets_search_spectrums_list(self, site: Connection, admin: User) -> None:
        ours = ContractCompanyFactory(company=site.company, name="Bolt and Sons Steel")
        path = f"vendors/{ours.pk}"
        assert "Bolt &amp; Sons" in page_of(admin, site.company, path)
        html = page_of(admin, site.company, path, "?q=mechan")
        assert 'value="ACME"' in html
        assert 'value="BOLT"' not in html
        html = page_of(admin, site.company, path, "?q=zebra%00")
        assert "No vendor matches your search" in html

    def test_each_connection_has_links_of_its_own(self, site: Connection, admin: User) -> None:
        other = ConnectionFactory(company=site.company, name="ZZ second")
        ours = ContractCompanyFactory(company=site.company, name="Ours")
        VendorLinkFactory(connection=site, contract_company=ours, vendor_code="ACME")
        assert names(page_of(admin, site.company, "vendors")) == []
        html = page_of(admin, site.company, "vendors", f"?connection={other.pk}")
        assert names(html) == ["Ours"]
        assert "ZZ second" in html
        html = page_of(admin, site.company, "vendors", f"?view=all&connection={other.pk}")
        assert "Not linked" in html
        assert "ACME" not in html

    def test_it_is_searched_by_name_and_code(self, site: Connection, admin: User) -> None:
        for name, code in (("First", "ACME"), ("Second", "BOLT")):
            ours = ContractCompanyFactory(company=site.company, name=name)
            VendorLinkFactory(connection=site, contract_company=ours, vendor_code=code)
        assert names(page_of(admin, site.company, "vendors", "?view=all&q=bol")) == ["Second"]
        assert names(page_of(admin, site.company, "vendors", "?view=all&q=fir")) == ["First"]

    def test_without_a_connection_it_says_what_to_do(self) -> None:
        person = ErpAdminFactory()
        company = person.company_memberships.get().company
        ours = ContractCompanyFactory(company=company)
        for path in ("vendors", "jobs", f"vendors/{ours.pk}"):
            assert "No connection to Spectrum yet" in page_of(person, company, path)


class TestPages:
    def test_pages_follow_the_names_and_lose_nobody(
        self, site: Connection, admin: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pagination, "PAGE_LENGTH", 3)
        for number in range(8):
            ContractCompanyFactory(company=site.company, name=f"Vendor {number} & Co")
        seen: list[str] = []
        query: str | None = ""
        addresses = []
        while query is not None:
            html = page_of(admin, site.company, "vendors", query)
            seen += names(html)
            addresses.append(query)
            onward = re.search(r'href="(\?[^"]*after=[^"]*)"', html)
            query = onward[1].replace("&amp;", "&") if onward else None
        assert seen == [f"Vendor {number} &amp; Co" for number in range(8)]
        assert len(addresses) == 3
        back = re.search(
            r'href="(\?[^"]*before=[^"]*)"', page_of(admin, site.company, "vendors", addresses[-1])
        )
        assert back
        assert names(page_of(admin, site.company, "vendors", back[1].replace("&amp;", "&"))) == seen[3:6]

    def test_a_stale_bookmark_shows_the_beginning(self, site: Connection, admin: User) -> None:
        ContractCompanyFactory(company=site.company, name="Only")
        assert names(page_of(admin, site.company, "vendors", "?after=zzz%00")) == ["Only"]

    @pytest.mark.parametrize("page", PAGES)
    def test_the_number_of_queries_does_not_grow(self, site: Connection, admin: User, page: str) -> None:
        client = signed_in(admin)

        def fill(count: int) -> None:
            for number in range(count):
                ours = ContractCompanyFactory(company=site.company)
                project = ProjectFactory(company=site.company)
                if number % 2:
                    VendorLinkFactory(connection=site, contract_company=ours)
                    JobLinkFactory(connection=site, project=project, job_number="24-001")
                CommitmentFactory(approved=True, project=project, contract_company=ours)

        def queries() -> int:
            with CaptureQueriesContext(database) as captured:
                assert client.get(url(site.company, page) + "?view=all").status_code == 200
            return len(captured)

        fill(2)
        few = queries()
        fill(8)
        assert queries() == few


class TestJobs:
    def test_a_project_is_linked_and_its_phases_are_read_at_once(self, site: Connection, admin: User) -> None:
        project = ProjectFactory(company=site.company, name="24-001")
        html = page_of(admin, site.company, "jobs")
        assert names(html) == ["24-001"]
        assert 'value="24-001"' in html
        assert link_job(admin, project, site).status_code == 302
        link = JobLink.objects.get()
        assert (link.project, link.connection, link.job_number) == (project, site, "24-001")
        assert HistoryEntry.objects.get(event="job_link.created").detail["job_number"] == "24-001"
        pull = MastersPull.objects.get()
        assert pull.status == SyncStatus.QUEUED
        assert MastersPull.objects.due().exists()

    def test_the_connection_is_chosen_with_the_job(self, site: Connection, admin: User) -> None:
        other = ConnectionFactory(company=site.company)
        have_been_read(other, jobs={"24-001": {}})
        project = ProjectFactory(company=site.company)
        html = page_of(admin, site.company, f"jobs/{project.pk}")
        assert f'<option value="{other.pk}"' in html
        assert link_job(admin, project, other).status_code == 302
        assert JobLink.objects.get().connection == other
        moved = link_job(admin, project, site, expected_code="24-001", expected_connection=other.pk)
        assert moved.status_code == 302
        assert JobLink.objects.get().connection == site

    def test_with_several_connections_it_says_which(self, site: Connection, admin: User) -> None:
        """Of what is linked, of what is suggested, and of what is neither."""
        other = ConnectionFactory(company=site.company, name="Second site")
        JobLinkFactory(project=ProjectFactory(company=site.company, name="Linked"), connection=other)
        ProjectFactory(company=site.company, name="24-001")
        ProjectFactory(company=site.company, name="Neither")
        html = page_of(admin, site.company, "jobs", "?view=all")
        assert names(html) == ["24-001", "Linked", "Neither"]
        assert re.findall(r'<td data-label="Connection">\s*(.*?)\s*</td>', html) == [
            site.name,
            "Second site",
            "–",
        ]

    def test_a_job_of_the_other_connection_is_not_taken(self, site: Connection, admin: User) -> None:
        other = ConnectionFactory(company=site.company)
        have_been_read(other, jobs={"99-999": {}})
        project = ProjectFactory(company=site.company)
        answer = link_job(admin, project, site, code="99-999")
        assert answer.status_code == 422
        assert "has no job 99-999" in answer.content.decode()

    def test_the_connection_that_was_chosen_stays_chosen_after_a_wrong_code(
        self, site: Connection, admin: User
    ) -> None:
        other = ConnectionFactory(company=site.company)
        have_been_read(other, jobs={"99-999": {}})
        project = ProjectFactory(company=site.company)
        JobLinkFactory(project=project, connection=site, job_number="24-001")
        expected = {"expected_code": "24-001", "expected_connection": site.pk}
        for chosen in (site, other):
            html = link_job(admin, project, chosen, code="99-99", **expected).content.decode()
            assert re.findall(r'<option value="(\d+)"\s+selected', html) == [str(chosen.pk)]

    def test_a_strangers_connection_is_no_choice(self, site: Connection, admin: User) -> None:
        answer = link_job(admin, ProjectFactory(company=site.company), ConnectionFactory())
        assert answer.status_code == 422
        assert "Choose a connection of this company." in answer.content.decode()

    def test_a_stale_page_changes_nothing(self, site: Connection, admin: User) -> None:
        project = ProjectFactory(company=site.company)
        JobLinkFactory(project=project, connection=site, job_number="24-002")
        for form in ({}, {"expected_code": "24-002"}, {"unlink": "1"}):
            assert link_job(admin, project, site, **form).status_code == 409
        assert JobLink.objects.get().job_number == "24-002"

    def test_taking_it_away_stops_what_was_accepted(self) -> None:
        job: ExportJob = ExportJobFactory()
        link = JobLink.objects.get()
        admin = ErpAdminFactory(company=job.submission.company)
        answer = link_job(
            admin,
            link.project,
            link.connection,
            expected_code=link.job_number,
            expected_connection=link.connection_id,
            unlink="1",
        )
        assert answer.status_code == 302
        assert not JobLink.objects.exists()
        worker.export_due_jobs(job.connection_id)
        job.refresh_from_db()
        assert job.status == JobStatus.FAILED


class TestSameNames:
    @pytest.fixture
    def twins(self, site: Connection) -> list[ContractCompany]:
        """Two whose name says it, and those of which it does not."""
        have_been_read(
            site,
            vendors={
                "ACME": "Acme Mechanical, Inc.",
                "BOLT": "Bolt & Sons",
                "CORE": "Core",
                "TWO1": "Two Of Spectrum",
                "TWO2": "Two of Spectrum LLC",
                "DUAL": "Dual",
            },
        )
        for name in ("Two of Spectrum", "Dual", "Dual Inc.", "Nobody There"):
            ContractCompanyFactory(company=site.company, name=name)
        linked = ContractCompanyFactory(company=site.company, name="Core")
        VendorLinkFactory(connection=site, contract_company=linked, vendor_code="CORE")
        ContractCompanyFactory(name="Core")  # of another company
        return [
            ContractCompanyFactory(company=site.company, name=name)
            for name in ("ACME Mechanical", "Bolt and Sons")
        ]

    def ticks(self, admin: User, site: Connection) -> list[str]:
        html = page_of(admin, site.company, "vendors/same-names", f"?connection={site.pk}")
        return re.findall(r'name="ticked" value="(.*?)" checked', html)

    def press(self, admin: User, site: Connection, *ticked: str) -> str:
        form = {"connection": site.pk, "ticked": [unescape(each) for each in ticked]}
        answer = signed_in(admin).post(url(site.company, "vendors/same-names"), form, follow=True)
        return " ".join(unescape(answer.content.decode()).split())

    def test_one_press_links_what_stays_ticked_and_nothing_that_a_name_leaves_open(
        self, site: Connection, admin: User, twins: list[ContractCompany]
    ) -> None:
        ticks = self.ticks(admin, site)
        assert [unescape(each).split(":")[0] for each in ticks] == [each.name for each in twins]
        assert "1 linked." in self.press(admin, site, ticks[1])
        link = VendorLink.objects.get(contract_company=twins[1])
        assert (link.connection, link.vendor_code) == (site, "BOLT")
        assert self.ticks(admin, site) == ticks[:1]
        assert HistoryEntry.objects.filter(event="vendor_link.created", by_id=admin.pk).count() == 1

    def test_what_has_changed_since_is_named_and_holds_up_no_other(
        self, site: Connection, admin: User, twins: list[ContractCompany]
    ) -> None:
        ticks = self.ticks(admin, site)
        Vendor.objects.filter(code="ACME").update(name="Somebody Else")
        html = self.press(admin, site, *ticks)
        assert "1 linked, 1 not: ACME Mechanical: ACME Acme Mechanical, Inc.: This has changed" in html
        assert not VendorLink.objects.filter(contract_company=twins[0]).exists()
        assert "0 linked, 1 not: " in self.press(admin, site, "9" * 5000)

    def test_what_was_renamed_lately_still_waits_for_a_second_person(
        self, site: Connection, admin: User, twins: list[ContractCompany]
    ) -> None:
        Vendor.objects.filter(code="ACME").update(renamed_at=timezone.now())
        assert "2 linked." in self.press(admin, site, *self.ticks(admin, site))
        (change,) = UnconfirmedChange.objects.all()
        assert change.subject == f"vendor:{site.pk}:{twins[0].pk}"
        assert "1 to confirm" not in page_of(admin, site.company, "vendors")
        other: User = ErpAdminFactory(company=site.company)
        assert "1 to confirm</span>" in page_of(other, site.company, "vendors")
        assert signed_in(other).get("/", follow=True).redirect_chain[-1][0] == url(site.company, "vendors")
        for looks in (ViewerFactory, ApproverFactory):
            assert "to confirm</span>" not in page_of(looks(company=site.company), site.company, "vendors")


class TestWhereWorkWaits:
    def test_tabs_count_what_is_missing_there_and_nothing_else(self, site: Connection, admin: User) -> None:
        assert "not linked</span>" not in page_of(admin, site.company, "jobs")
        linked = ProjectFactory(company=site.company)
        JobLinkFactory(project=linked, connection=site)
        ContractCompanyFactory(company=site.company)  # nobody uses it
        CommitmentFactory(project=linked)  # a draft
        waiting: list[Commitment] = [
            CommitmentFactory(approved=True, project=linked),
            CommitmentFactory(approved=True, project=ProjectFactory(company=site.company)),
        ]
        html = page_of(admin, site.company, "vendors", "?view=work-waits")
        assert html.count("1 not linked</span>") == 2
        assert names(html) == [str(waiting[0].contract_company)]
        assert "1 commitment not exported yet" in html
        assert names(page_of(admin, site.company, "jobs", "?view=work-waits")) == [waiting[1].project.name]
        VendorLinkFactory(connection=site, contract_company=waiting[0].contract_company)
        JobLinkFactory(project=waiting[1].project, connection=ConnectionFactory(company=site.company))
        html = page_of(admin, site.company, "vendors")
        # The second one goes to another connection now, where its vendor is not linked either.
        assert html.count("1 not linked</span>") == 1


class TestCostCodes:
    @pytest.fixture
    def project(self, site: Connection) -> Project:
        project: Project = ProjectFactory(company=site.company, name="Pier")
        JobLinkFactory(project=project, connection=site, job_number="24-001")
        phases = {("0330000", "S"): "A", ("0510000", "M"): "A", ("0990000", "S"): "I", ("0999999", "S"): "C"}
        have_been_read(site, jobs={"24-001": phases})
        commitment = CommitmentFactory(project=project, lines=0)
        for code in ("03-30000", "05-10000", "09-90000", "09-99999", "77-00000"):
            LineItemFactory(commitment=commitment, cost_code=CostCodeFactory(project=project, code=code))
        return project

    def test_those_that_spectrum_would_not_take_are_listed_with_the_reason(
        self, admin: User, project: Project
    ) -> None:
        html = page_of(admin, project.company, "cost-codes")
        codes = re.findall(r'<span class="mono">(\d\d-\d+)</span>', html)
        assert codes == ["05-10000", "09-90000", "09-99999", "77-00000"]
        for told in (
            "The phase does not have this cost type; it has M.",
            "The phase is inactive, but Spectrum still accepts lines on it.",
            "The phase is complete: Spectrum accepts nothing more on it.",
            "The job has no such phase.",
        ):
            assert told in html

    def test_their_lines_and_commitments_are_counted_as_far_as_anybody_reads(
        self, admin: User, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code = project.cost_codes.get(code="77-00000")
        commitments = [Commitment.objects.get(), CommitmentFactory(project=project, lines=0)]
        for commitment in (*commitments, commitments[1]):
            LineItemFactory(commitment=commitment, cost_code=code)
        for missing in ("cost_code", "cost_type"):
            LineItemFactory(commitment=commitments[1], **{missing: None})
        counted = r'class="mono">77-00000<.*?class="num">(.*?)<.*?class="num">(.*?)<'
        assert re.findall(counted, page_of(admin, project.company, "cost-codes")) == [("4", "2")]
        monkeypatch.setattr(queries, "MAX_COUNT", 3)
        assert re.findall(counted, page_of(admin, project.company, "cost-codes")) == [("3+", "2+")]
        # Four pairs share what is counted for the page.
        monkeypatch.setattr(queries, "MOST_LINES", 4)
        assert re.findall(counted, page_of(admin, project.company, "cost-codes")) == [("1+", "1+")]

    def test_a_line_without_its_cost_type_hides_no_other(self, admin: User, project: Project) -> None:
        LineItem.objects.filter(cost_code__code="09-90000").update(cost_type=None)
        html = page_of(admin, project.company, "cost-codes")
        codes = re.findall(r'<span class="mono">(\d\d-\d+)</span>', html)
        assert codes == ["05-10000", "09-99999", "77-00000"]

    def test_what_is_exported_is_not_in_the_way(self, admin: User, project: Project) -> None:
        Commitment.objects.update(lock="exported")
        assert "None in commitments not yet exported" in page_of(admin, project.company, "cost-codes")

    def test_where_nothing_can_be_said_it_says_why(self, admin: User, project: Project) -> None:
        ProjectFactory(company=project.company, name="Alone")
        html = page_of(admin, project.company, "cost-codes", "?q=alone")
        assert "it is not linked to a job" in html
        JobLink.objects.update(job_number="24-777")
        assert "have not been synced yet" in page_of(admin, project.company, "cost-codes", "?q=pier")

    def test_all_well_is_said(self, admin: User, project: Project) -> None:
        LineItem.objects.exclude(cost_code__code="03-30000").delete()
        html = page_of(admin, project.company, "cost-codes")
        assert "Spectrum has a phase for all 1 pair of cost code and cost type" in html


class TestReadingAgain:
    def test_an_admin_asks_and_a_worker_is_told(self, site: Connection, admin: User) -> None:
        answer = signed_in(admin).post(url(site.company, f"master-data/{site.pk}"))
        assert answer.status_code == 302
        assert MastersPull.objects.get().status == SyncStatus.QUEUED
        assert MastersPull.objects.due().exists()
        assert HistoryEntry.objects.get(event="masters.asked_for").by_id == admin.pk

    def test_only_what_is_being_read_asks_for_itself(self, site: Connection, admin: User) -> None:
        client = signed_in(admin)
        address = url(site.company, f"master-data/{site.pk}")
        assert "every 3s" not in page_of(admin, site.company, "vendors")
        MastersPull.objects.update(
            status=SyncStatus.PULLING, lease_until="2100-01-01T00:00Z", vendors_read=274, linked_jobs=16
        )
        html = client.get(address, headers={"HX-Request": "true"}).content.decode()
        assert 'hx-trigger="every 3s"' in html
        assert "274 vendors" in html
        assert "0 of 16 linked jobs" in html
        MastersPull.objects.update(status=SyncStatus.DONE, lease_until=None)
        html = client.get(address, headers={"HX-Request": "true"}).content.decode()
        assert "every 3s" not in html
        assert "Show the new data" in html
        assert client.get(address).status_code == 302

    def test_what_could_not_be_read_is_said_in_plain_words(self, site: Connection, admin: User) -> None:
        MastersPull.objects.update(status=SyncStatus.FAILED, problem="The vendors: not read.\nSecond.")
        html = page_of(admin, site.company, "vendors")
        assert "was incomplete" in html
        assert "<p>The vendors: not read.</p>" in html
        assert "<p>Second.</p>" in html


@pytest.mark.django_db(transaction=True)
class TestTwoAdmins:
    @pytest.mark.parametrize("number", ROUNDS)
    def test_of_two_who_link_one_vendor_one_is_told(self, number: int) -> None:
        site: Connection = ConnectionFactory()
        ours = ContractCompanyFactory(company=site.company)
        people = ErpAdminFactory.create_batch(2, company=site.company)

        def link(by: User, code: str) -> int:
            seen = linking.ExpectedLink("")
            return linking.link(VENDOR, owner=ours, connection=site, code=code, expected=seen, by=by)

        results = race(lambda: link(people[0], "ONE"), lambda: link(people[1], "TWO"))
        (refusal,) = refusals(results)
        assert isinstance(refusal, linking.LinkChanged)
        assert (
            VendorLink.objects.count()
            == HistoryEntry.objects.filter(event="vendor_link.created").count()
            == 1
        )

    @pytest.mark.parametrize("number", ROUNDS)
    def test_of_two_who_change_one_job_one_is_told(self, number: int) -> None:
        link: JobLink = JobLinkFactory()
        people = ErpAdminFactory.create_batch(2, company=link.project.company)
        where: dict[str, Any] = {
            "owner": link.project,
            "connection": link.connection,
            "expected": linking.ExpectedLink(link.job_number, link.connection_id),
        }
        results = race(
            lambda: linking.link(JOB, code="ONE", by=people[0], **where),
            lambda: linking.unlink(JOB, by=people[1], **where),
        )
        assert len(refusals(results)) == 1


def test_a_submission_keeps_its_way_when_its_link_is_typed_again(awaiting: Submission, admin: User) -> None:
    """The same code once more changes nothing, and stops nothing."""
    link = VendorLink.objects.get()
    by = ErpAdminFactory(company=awaiting.company)
    stopped = linking.link(
        VENDOR,
        owner=link.contract_company,
        connection=link.connection,
        code="ACME",
        expected=linking.ExpectedLink("ACME"),
        by=by,
    )
    assert stopped == 0
    assert not HistoryEntry.objects.filter(event="vendor_link.changed").exists()
