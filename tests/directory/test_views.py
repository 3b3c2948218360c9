"""The way in, one's own pages, and refusals."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from directory.models import HistoryEntry, Level, User
from tests.clients import signed_in
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    CompanyFactory,
    CreatorFactory,
    ErpAdminFactory,
    ExportJobFactory,
    MemberFactory,
    PersonFactory,
    ProjectAdminFactory,
    ProjectFactory,
    ReaderFactory,
    SubmissionFactory,
    join_company,
    join_project,
)

pytestmark = pytest.mark.django_db


def text_of(person: User, path: str) -> str:
    return " ".join(signed_in(person).get(path).content.decode().split())


class TestHome:
    def test_an_approver_of_one_company_lands_on_its_list(self) -> None:
        company = CompanyFactory()
        answer = signed_in(ApproverFactory(company=company)).get("/", follow=True)
        assert answer.redirect_chain[-1][0] == f"/companies/{company.slug}/erp-integrations/commitments/"

    def test_an_erp_admin_who_decides_nothing_lands_where_something_is_to_do(self) -> None:
        company = CompanyFactory()
        client, tool = (
            signed_in(ErpAdminFactory(company=company)),
            f"/companies/{company.slug}/erp-integrations/",
        )
        assert client.get("/", follow=True).redirect_chain[-1][0] == tool
        CommitmentFactory(approved=True, project__company=company)
        assert client.get("/", follow=True).redirect_chain[-1][0] == f"{tool}jobs/"

    def test_a_creator_of_one_project_lands_on_its_list(self) -> None:
        project = ProjectFactory()
        answer = signed_in(CreatorFactory(project=project)).get("/")
        assert answer.headers["Location"] == f"/projects/{project.pk}/commitments/"

    def test_with_several_companies_it_lists_what_waits_in_each(self) -> None:
        submission = SubmissionFactory()
        ExportJobFactory(
            failed=True, submission=SubmissionFactory(commitment__project=submission.project, accepted=True)
        )
        person = ApproverFactory(company=submission.company)
        join_company(person, CompanyFactory(name="Second"), erp_integrations_level=Level.STANDARD)
        page = text_of(person, "/")
        assert f'">{submission.company.name}</a>' in page
        assert '<td data-label="Ready to Export" class="num">1</td>' in page
        assert '<span class="count count--alert">1</span>' in page
        assert "Second" in page

    def test_it_counts_what_the_two_lists_show(self) -> None:
        company = SubmissionFactory().company
        moved: dict[str, Any] = {"synced": True, "verification": "elsewhere"}
        others = ("failed", "incomplete", "unknown", "absent", "matching", "exporting")
        for job in (moved, *({kind: True} for kind in others)):
            ExportJobFactory(submission__commitment__project__company=company, **job)
        person = ApproverFactory(company=company)
        join_company(person, CompanyFactory(), erp_integrations_level=Level.STANDARD)
        assert '<span class="count count--alert">5</span>' in text_of(person, "/")
        client = signed_in(person)
        for view, count in (("failed-to-export", 1), ("needs-attention", 4)):
            address = f"/companies/{company.slug}/erp-integrations/commitments/?view={view}"
            assert len(client.get(address).context["page"].rows) == count

    def test_with_several_projects_it_lists_what_waits_in_each(self) -> None:
        submission = SubmissionFactory(rejected=True)
        person = ReaderFactory(project=submission.project)
        join_project(person, ProjectFactory(name="Second"), Level.READ_ONLY)
        page = text_of(person, "/")
        assert f'<a href="/projects/{submission.project_id}/commitments/?badge=rejected">1</a>' in page
        assert "Second" in page

    def test_of_many_projects_the_ones_with_something_to_do_come_first_and_the_rest_is_searched(self) -> None:
        first = SubmissionFactory().project  # with accounting: nothing to do here
        person = ReaderFactory(project=first)
        for number in range(101):
            join_project(
                person, ProjectFactory(name=f"Bridge {number:03}", company=first.company), Level.READ_ONLY
            )
        last = ProjectFactory(name="Zoo", number="Z-7", company=first.company)
        join_project(person, last, Level.READ_ONLY)
        SubmissionFactory(commitment__project=last, rejected=True)
        page = text_of(person, "/")
        assert page.index(">Zoo</a>") < page.index(">Bridge 000</a>")
        assert "Bridge 099" not in page
        assert "These are 100 of your projects." in page
        assert "Bridge 099" in text_of(person, "/?q=099+bridge")
        assert ">Zoo</a>" in text_of(person, "/projects/?q=z-7")
        assert "None of your projects is like that." in text_of(person, "/projects/?q=%00%25nothing")

    @pytest.mark.parametrize("somebody", [PersonFactory, MemberFactory])
    def test_with_nothing_it_says_what_to_do(self, somebody: Callable[[], User]) -> None:
        page = text_of(somebody(), "/")
        assert "Nothing is shared with you yet" in page
        assert "Your company's administrator can give you a level" in page

    def test_who_has_not_signed_in_is_asked_to(self) -> None:
        answer = Client().get("/")
        assert answer.headers["Location"] == "/accounts/login/?next=/"

    def test_thirty_projects_and_companies_cost_no_more_queries_than_two(self) -> None:
        person = PersonFactory()

        def join(times: int) -> int:
            for _ in range(times):
                project = ProjectFactory()
                join_project(person, project, Level.ADMIN)
                join_company(person, project.company, erp_integrations_level=Level.STANDARD)
            client = signed_in(person)
            with CaptureQueriesContext(connection) as captured:
                assert client.get("/").status_code == 200
                assert client.get("/projects/").status_code == 200
            return len(captured)

        few = join(2)
        assert join(28) == few


class TestProjects:
    def test_it_lists_mine_and_nobody_elses(self) -> None:
        mine, other = ProjectFactory(name="Mine"), ProjectFactory(name="Not mine")
        page = text_of(ProjectAdminFactory(project=mine), "/projects/")
        assert "Mine" in page
        assert other.name not in page

    def test_none_is_a_sentence(self) -> None:
        assert "You need Read Only or higher" in text_of(PersonFactory(), "/projects/")


class TestProfile:
    FORM = {"first_name": "Dana", "last_name": "Lee", "time_zone": "Europe/Berlin", "summary_hour": "6"}

    def test_name_time_zone_and_hour_are_saved(self) -> None:
        person = PersonFactory()
        page = signed_in(person).post("/accounts/profile/", self.FORM, follow=True).content.decode()
        assert "Profile saved." in page
        person.refresh_from_db()
        assert (str(person), person.time_zone, person.summary_hour) == ("Dana Lee", "Europe/Berlin", 6)

    @pytest.mark.parametrize(("field", "value"), [("time_zone", "Mars"), ("summary_hour", "24")])
    def test_what_can_not_be_is_refused(self, field: str, value: str) -> None:
        answer = signed_in(PersonFactory()).post("/accounts/profile/", {**self.FORM, field: value})
        assert answer.status_code == 422

    def test_a_name_that_was_not_saved_is_nobodys_yet(self) -> None:
        person = PersonFactory(first_name="Old", last_name="Name")
        typed = {**self.FORM, "first_name": "Zorro", "last_name": "x" * 151}
        refused = signed_in(person).post("/accounts/profile/", typed)
        assert refused.status_code == 422
        assert 'value="Zorro"' in refused.content.decode()
        assert "<strong>Old Name</strong>" in refused.content.decode()

    def test_rights_can_not_be_posted_along(self) -> None:
        person = PersonFactory()
        signed_in(person).post("/accounts/profile/", {**self.FORM, "is_staff": "on", "is_superuser": "on"})
        person.refresh_from_db()
        assert not person.is_staff
        assert not person.is_superuser

    def test_times_are_shown_in_it(self) -> None:
        submission = SubmissionFactory()
        person = ReaderFactory(project=submission.project, time_zone="Asia/Tokyo")
        shown = submission.sent_at.astimezone(ZoneInfo("Asia/Tokyo"))
        assert f"{shown:%H:%M} JST" in text_of(person, submission.commitment.get_absolute_url())


class TestHeader:
    def test_a_person_of_several_companies_can_switch(self) -> None:
        first, second = CompanyFactory(name="First"), CompanyFactory(name="Second")
        person = ApproverFactory(company=first)
        join_company(person, second, erp_integrations_level=Level.READ_ONLY)
        page = text_of(person, "/")
        assert 'aria-label="Companies"' in page

    def test_tools_that_a_person_can_not_see_are_not_offered(self) -> None:
        project = ProjectFactory()
        page = text_of(CreatorFactory(project=project), f"/projects/{project.pk}/commitments/")
        assert "erp-integrations" not in page


class TestRefusals:
    def test_a_refused_get_leaves_no_history(self) -> None:
        project = ProjectFactory()
        answer = signed_in(ReaderFactory(project=project)).get(f"/projects/{project.pk}/commitments/new/")
        assert answer.status_code == 403
        assert "You need Standard or Admin" in answer.content.decode()
        assert not HistoryEntry.objects.filter(event="right.refused").exists()

    def test_a_refused_post_is_remembered_with_right_and_address(self) -> None:
        project = ProjectFactory()
        reader = ReaderFactory(project=project)
        signed_in(reader).post(f"/projects/{project.pk}/commitments/new/")
        entry = HistoryEntry.objects.get(event="right.refused")
        assert (entry.by_id, entry.company_id) == (reader.pk, project.company_id)
        assert entry.detail == {
            "right": "create commitments",
            "address": f"/projects/{project.pk}/commitments/new/",
        }

    def test_a_form_from_elsewhere_is_refused_in_words(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(PersonFactory(), backend="allauth.account.auth_backends.AuthenticationBackend")
        answer = client.post("/accounts/profile/", {"first_name": "Forged"})
        assert answer.status_code == 403
        assert "Nothing was changed" in answer.content.decode()

    def test_what_does_not_exist_is_a_page_of_words(self) -> None:
        answer = signed_in(PersonFactory()).get("/nowhere/")
        assert answer.status_code == 404
        assert "Page not found" in answer.content.decode()


def test_the_health_check_needs_no_sign_in() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
