"""The overview and the list: who sees what, in which order, at what cost."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import escape

from directory.db import pagination
from directory.models import Company, Level, Project, User
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.checks.row_checks import check_due_submissions
from erp_integrations.models import Connection, ConnectionState, ExportJob, Submission, listing
from erp_integrations.pages import list_search, submission_list
from tests.clients import signed_in
from tests.factories import (
    ApproverFactory,
    ContractCompanyFactory,
    CreatorFactory,
    ExportJobFactory,
    MemberFactory,
    PersonFactory,
    ProjectAdminFactory,
    ProjectFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
    ViewerFactory,
    join_company,
)

pytestmark = pytest.mark.django_db

TITLE = "Commitments - Ready to Be Exported to Viewpoint® Spectrum®"
IN_PLACE = {"HX-Request": "true"}


def address(company: Company, query: str = "") -> str:
    return f"/companies/{company.slug}/erp-integrations/commitments/{query}"


def page(client: Client, company: Company, query: str = "") -> str:
    response = client.get(address(company, query))
    assert response.status_code == 200
    return response.content.decode()


def numbers(html: str) -> list[str]:
    """The numbers of the rows, in their order."""
    return re.findall(r'id="open-\d+"\s+href="[^"]+">([^<]+)</a>', html)


def send_many(project: Project, count: int, **values: str) -> list[Submission]:
    """Sent commitments of one project, one vendor, one creator and one sender."""
    creator, sender = CreatorFactory(project=project), ProjectAdminFactory(project=project)
    vendor = ContractCompanyFactory(company=project.company)
    return [
        SubmissionFactory(
            commitment=ReadyCommitmentFactory(
                project=project, contract_company=vendor, created_by=creator, **values
            ),
            sent_by=sender,
        )
        for _ in range(count)
    ]


def accept(submission: Submission, by: User) -> None:
    basis = build_basis(submission.document)
    submissions.accept(
        submission=submission, by=by, expected_hash=basis.hash, erp_id=basis.proposed_erp_id, note=""
    )


class TestTheReadyToExportPage:
    def test_its_title_is_the_one_that_people_know(self) -> None:
        approver = ApproverFactory()
        company = approver.company_memberships.get().company
        html = page(signed_in(approver), company)
        (heading,) = re.findall(r"<h1[^>]*>(.*?)</h1>", html, re.S)
        (title,) = re.findall(r"<title>(.*?)</title>", html, re.S)
        assert heading.strip() == title.strip() == TITLE

    def test_it_is_the_default_and_the_oldest_comes_first(self) -> None:
        project = ProjectFactory()
        sent = send_many(project, 3)
        html = page(signed_in(ApproverFactory(company=project.company)), project.company)
        assert numbers(html) == [submission.number for submission in sent]

    def test_a_row_says_what_is_decided_on(self) -> None:
        submission = SubmissionFactory()
        Submission.objects.filter(pk=submission.pk).update(sent_at=timezone.now() - timedelta(days=3))
        html = page(signed_in(ApproverFactory(company=submission.company)), submission.company)
        for said in (
            submission.project.name,
            submission.number,
            "Subcontract",
            submission.title,
            submission.contract_company_name,
            "2,000.00",
            str(submission.sent_by),
            "3 days",
        ):
            assert said in html

    def test_an_approver_can_accept_and_reject_each_row(self) -> None:
        submission = SubmissionFactory()
        html = page(signed_in(ApproverFactory(company=submission.company)), submission.company)
        assert f'href="{submission.pk}/accept/"' in html
        assert f'href="{submission.pk}/reject/"' in html

    @pytest.mark.parametrize("level", [Level.READ_ONLY, Level.STANDARD, Level.ADMIN])
    def test_without_the_privilege_there_is_no_control_and_one_line_says_why(self, level: Level) -> None:
        submission = SubmissionFactory()
        looker = MemberFactory(company=submission.company, erp_integrations_level=level)
        html = page(signed_in(looker), submission.company)
        assert submission.number in html
        assert "/accept/" not in html
        assert "/reject/" not in html
        assert html.count("the privilege Can Push to Accounting") == 1

    @pytest.mark.parametrize(
        ("part", "words"), [("created_by", "You created this"), ("sent_by", "You sent this")]
    )
    def test_ones_own_commitment_is_for_another_approver(self, part: str, words: str) -> None:
        submission = SubmissionFactory()
        own: User = getattr(submission, part)
        join_company(
            own, submission.company, erp_integrations_level=Level.STANDARD, can_push_to_accounting=True
        )
        other = ApproverFactory(company=submission.company)
        html = page(signed_in(own), submission.company)
        assert f"{words}, so another approver must decide: {other}." in html
        assert "/accept/" not in html

    def test_a_company_can_be_freed_from_that_rule(self) -> None:
        submission = SubmissionFactory()
        Company.objects.filter(pk=submission.company_id).update(allows_own_decisions=True)
        join_company(
            submission.sent_by,
            submission.company,
            erp_integrations_level=Level.STANDARD,
            can_push_to_accounting=True,
        )
        assert "/accept/" in page(signed_in(submission.sent_by), submission.company)


class TestWhoSeesTheTool:
    def test_another_company_is_not_found(self) -> None:
        stranger, company = ApproverFactory(), SubmissionFactory().company
        for path in ("", "commitments/"):
            url = f"/companies/{company.slug}/erp-integrations/{path}"
            assert signed_in(stranger).get(url).status_code == 404
            assert signed_in(PersonFactory()).get(url).status_code == 404

    def test_a_member_without_a_level_is_told_which_one_is_needed(self) -> None:
        member = MemberFactory()
        company = member.company_memberships.get().company
        response = signed_in(member).get(address(company))
        assert response.status_code == 403
        assert "Read Only or more" in response.content.decode()

    def test_nobody_sees_it_without_signing_in(self) -> None:
        submission = SubmissionFactory()
        response = Client().get(address(submission.company))
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/accounts/login/")

    @pytest.mark.parametrize("path", ["", "commitments/"])
    def test_what_only_shows_takes_no_post(self, path: str) -> None:
        approver = ApproverFactory()
        slug = approver.company_memberships.get().company.slug
        url = f"/companies/{slug}/erp-integrations/{path}"
        assert signed_in(approver).post(url).status_code == 405


class TestFilters:
    @pytest.mark.parametrize(
        ("situation", "slug", "words"),
        [
            ("exporting", "exporting", "Exporting"),
            ("failed", "failed-to-export", "Failed to export"),
            ("incomplete", "needs-attention", "Needs attention"),
            ("unknown", "needs-attention", "Needs attention"),
            ("synced", "synced", "Synced"),
        ],
    )
    def test_an_export_is_behind_the_filter_of_its_state_and_no_other(
        self, situation: str, slug: str, words: str
    ) -> None:
        job: ExportJob = ExportJobFactory(**{situation: True})
        submission = job.submission
        client = signed_in(ViewerFactory(company=submission.company))
        for chosen in submission_list.FILTERS.values():
            shown = numbers(page(client, submission.company, f"?view={chosen.slug}"))
            assert (submission.number in shown) is (chosen.slug in (slug, "all"))
        assert words in page(client, submission.company, f"?view={slug}")

    def test_a_rejected_one_is_history_and_leaves_every_other_list(self) -> None:
        submission = SubmissionFactory(rejected=True)
        client = signed_in(ApproverFactory(company=submission.company))
        for chosen in submission_list.FILTERS.values():
            shown = numbers(page(client, submission.company, f"?view={chosen.slug}"))
            assert (submission.number in shown) is (chosen.slug in ("rejected", "all"))

    def test_history_offers_no_decision(self) -> None:
        submission = SubmissionFactory()
        html = page(signed_in(ApproverFactory(company=submission.company)), submission.company, "?view=all")
        assert submission.number in html
        assert "/accept/" not in html

    def test_a_failed_one_can_be_tried_again_or_rejected(self) -> None:
        job: ExportJob = ExportJobFactory(failed=True)
        approver = ApproverFactory(company=job.submission.company)
        html = page(signed_in(approver), job.submission.company, "?view=failed-to-export")
        assert "Retry" in html
        assert "/reject/" in html
        assert job.problem in html

    def test_an_unknown_filter_shows_what_waits_and_says_so(self) -> None:
        submission = SubmissionFactory()
        html = page(
            signed_in(ViewerFactory(company=submission.company)), submission.company, "?view=exportable"
        )
        assert TITLE in html
        assert "There is no such filter" in html
        assert submission.number in html

    def test_an_empty_list_says_what_that_means(self) -> None:
        viewer = ViewerFactory()
        html = page(signed_in(viewer), viewer.company_memberships.get().company)
        assert "Nothing is ready to export" in html


class TestSearch:
    @pytest.mark.parametrize("many", [0, 1_000])
    def test_each_word_is_looked_for_in_what_the_row_shows(
        self, many: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(list_search, "MANY", many)
        project = ProjectFactory(name="Pier 68")
        # A number that the factories count up may stand in the names of vendor or project as well.
        (wanted,) = send_many(project, 1, title="Pile driving", number="SC-QQ1")
        send_many(project, 1, title="Painting", number="SC-QQ2")
        client = signed_in(ViewerFactory(company=project.company))
        assert numbers(page(client, project.company, "?q=pile+PIER")) == [wanted.number]
        assert numbers(page(client, project.company, f"?q={wanted.number}")) == [wanted.number]
        assert numbers(page(client, project.company, "?q=pier+–+driv")) == [wanted.number]

    def test_an_export_is_found_by_its_erp_id_and_vendor(self) -> None:
        job = ExportJobFactory()
        submission = job.submission
        client = signed_in(ViewerFactory(company=submission.company))
        for words in (job.erp_id, job.erp_id[2:].strip("-"), submission.contract_company_name):
            assert numbers(page(client, submission.company, f"?view=all&q={words}")) == [submission.number]
        assert numbers(page(client, submission.company, "?view=all&q=endor")) == []

    @pytest.mark.parametrize("text", ["%00", "%25_%5C", "%F0%9F%8F%97", "'%22%3Cscript%3E", "x" * 3000])
    def test_no_text_breaks_it(self, text: str) -> None:
        submission = SubmissionFactory()
        html = page(signed_in(ViewerFactory(company=submission.company)), submission.company, f"?q={text}")
        assert "<script>" not in html.replace("<script src", "")

    def test_nothing_found_offers_the_way_back(self) -> None:
        submission = SubmissionFactory()
        html = page(signed_in(ViewerFactory(company=submission.company)), submission.company, "?q=nowhere")
        assert "No matches" in html
        assert 'href="?view=ready-to-export"' in html


class TestPages:
    def test_fifty_rows_are_at_most_sixty_kilobytes_before_they_are_compressed(self) -> None:
        project = ProjectFactory(name="Water Mains and Sewers to 2013")
        sent = send_many(project, 50, title="Reconstruction of sewers and relay of water mains")
        client = signed_in(ApproverFactory(company=project.company))
        html = page(client, project.company)
        assert len(numbers(html)) == len(sent)
        assert len(html.encode()) <= 60_000

    def test_every_row_is_on_exactly_one_page_in_both_directions(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pagination, "PAGE_LENGTH", 3)
        project = ProjectFactory()
        sent = [submission.number for submission in send_many(project, 8)]
        client = signed_in(ViewerFactory(company=project.company))
        forwards = [page(client, project.company)]
        while match := re.search(r'href="(\?[^"]*after=[^"]*)"', forwards[-1]):
            forwards.append(page(client, project.company, match[1].replace("&amp;", "&")))
        assert [number for html in forwards for number in numbers(html)] == sent
        assert "Newer" in forwards[0]
        assert "Older" not in forwards[0]
        match = re.search(r'href="(\?[^"]*before=[^"]*)"', forwards[-1])
        assert match
        assert numbers(page(client, project.company, match[1].replace("&amp;", "&"))) == sent[3:6]

    def test_the_order_can_be_turned_round(self) -> None:
        project = ProjectFactory()
        sent = [submission.number for submission in send_many(project, 2)]
        client = signed_in(ViewerFactory(company=project.company))
        assert numbers(page(client, project.company, "?sort=newest")) == sent[::-1]
        assert numbers(page(client, project.company, "?view=all")) == sent[::-1]
        assert numbers(page(client, project.company, "?view=all&sort=oldest")) == sent

    @pytest.mark.parametrize(
        "cursor", ["after=x", "before=-1", "after=%C2%B2", f"after={10**30}", "before=0"]
    )
    def test_a_bad_cursor_is_the_first_page(self, cursor: str) -> None:
        submission = SubmissionFactory()
        client = signed_in(ViewerFactory(company=submission.company))
        assert numbers(page(client, submission.company, f"?{cursor}")) == [submission.number]

    def test_the_number_of_queries_does_not_grow_with_the_rows(self) -> None:
        project = ProjectFactory()
        client = signed_in(ApproverFactory(company=project.company))
        send_many(project, 2)
        page(client, project.company)
        counted = []
        for more in (0, 58):
            send_many(project, more)
            with CaptureQueriesContext(connection) as queries:
                page(client, project.company)
            counted.append(len(queries))
        assert counted == [10, 10]

    def test_no_row_loads_a_snapshot(self) -> None:
        submission = SubmissionFactory()
        client = signed_in(ApproverFactory(company=submission.company))
        with CaptureQueriesContext(connection) as queries:
            page(client, submission.company)
        assert not [query for query in queries.captured_queries if '"snapshot"' in query["sql"]]


class TestCounts:
    def test_only_what_somebody_works_on_is_counted_and_only_so_far(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project = ProjectFactory()
        send_many(project, 3)
        assert submission_list.count_by_filter(project.company) == {
            "ready-to-export": "3",
            "exporting": "0",
            "failed-to-export": "0",
            "needs-attention": "0",
        }
        monkeypatch.setattr(listing, "MAX_COUNT", 2)
        assert submission_list.count_by_filter(project.company)["ready-to-export"] == "2+"

    def test_another_companys_are_not_counted(self) -> None:
        submission = SubmissionFactory()
        assert set(submission_list.count_by_filter(ProjectFactory().company).values()) == {"0"}
        assert submission_list.count_by_filter(submission.company)["ready-to-export"] == "1"


class TestTheOverview:
    def test_it_says_what_waits_and_leads_there(self) -> None:
        submission = SubmissionFactory()
        client = signed_in(ViewerFactory(company=submission.company))
        response = client.get(f"/companies/{submission.company.slug}/erp-integrations/")
        html = response.content.decode()
        assert f'href="{address(submission.company)}?view=ready-to-export"' in html
        assert f'href="{address(submission.company)}{submission.pk}/"' in html
        assert "Accepted commitments are exported at once" in html

    def test_a_connection_that_rests_says_until_when_and_why(self) -> None:
        job: ExportJob = ExportJobFactory()
        ConnectionState.objects.filter(pk=job.connection_id).update(
            fault="Spectrum does not let this connection in.",
            not_before=timezone.now() + timedelta(minutes=5),
        )
        client = signed_in(ViewerFactory(company=job.submission.company))
        html = client.get(f"/companies/{job.submission.company.slug}/erp-integrations/").content.decode()
        assert "Next try at" in html
        assert "Spectrum does not let this connection in." in html

    def test_a_connection_to_a_server_that_is_off_the_list_says_so(self) -> None:
        job: ExportJob = ExportJobFactory()
        Connection.objects.filter(pk=job.connection_id).update(server="old")
        client = signed_in(ViewerFactory(company=job.submission.company))
        html = client.get(f"/companies/{job.submission.company.slug}/erp-integrations/").content.decode()
        assert "SPECTRUM_SERVERS does not list the server old" in html


class TestAnOpenList:
    """It asks for those of its rows that changed."""

    def open(self, person: User, company: Company, view: str = "ready-to-export") -> None:
        self.client, self.address = signed_in(person), address(company, f"rows/?view={view}")
        self.shown = self.read(page(self.client, company, f"?view={view}"))

    def read(self, html: str) -> dict[str, str]:
        return dict(re.findall(r'id="state-(\d+)"\s+data-shown="([^"]+)"', html))

    def ask(self) -> str:
        """Blank where nothing changed, which it also is the second time."""
        answers = []
        for _ in range(2):
            rows = "".join(f"&row={pk}.{shown}" for pk, shown in self.shown.items())
            response = self.client.get(self.address + rows, headers=IN_PLACE)
            answers.append(response.content.decode())
            assert response.status_code == (200 if answers[-1] else 204)
            self.shown |= self.read(answers[-1])
        assert not answers[1]
        return answers[0]

    @pytest.mark.parametrize("view", ["ready-to-export", "exporting", "needs-attention", "synced", "all"])
    def test_where_nothing_changed_nothing_comes(self, view: str) -> None:
        job: ExportJob = ExportJobFactory(exporting=True)
        project, company = job.submission.project, job.submission.company
        send_many(project, 2)
        for situation in ("unknown", "synced", "failed"):
            ExportJobFactory(submission__commitment__project=project, **{situation: True})
        self.open(ApproverFactory(company=company), company, view)
        assert self.shown
        assert not self.ask()

    @pytest.mark.parametrize("way", ["rejected", "retrieved"])
    def test_who_decided_meanwhile_and_when_is_said_in_place_without_actions(self, way: str) -> None:
        project = ProjectFactory()
        first, _ = send_many(project, 2)
        approver = ApproverFactory(company=project.company)
        self.open(approver, project.company)
        if way == "retrieved":
            submissions.retrieve_from_erp(commitment=first.commitment, by=first.sent_by)
        else:
            other: User = ApproverFactory(company=project.company)
            submissions.reject(submission=first, by=other, reason="It is not signed.")
        decided = Submission.objects.get(pk=first.pk)
        html = self.ask()
        assert html.count("<tr ") == 1
        assert f'id="submission-{first.pk}"' in html
        person, at = decided.decided_by or decided.ended_by, decided.decided_at or decided.ended_at
        when = date_format(timezone.localtime(at, ZoneInfo(approver.time_zone)), "DATETIME_FORMAT")
        assert f"{escape(person)}, {when}" in html
        assert "/accept/" not in html
        assert "checkbox" not in html
        assert f'<p id="news" hx-swap-oob="innerHTML">{first.number}: {way.title()}. ' in html
        assert 'id="messages"' not in html

    def test_what_somebody_else_accepted_is_theirs_to_undo(self) -> None:
        project = ProjectFactory()
        (submission,) = send_many(project, 1)
        me, other = (ApproverFactory(company=project.company) for _ in range(2))
        self.open(me, project.company)
        accept(submission, other)
        html = self.ask()
        assert f"Accepted by {escape(other)} on " in html
        assert "Undo" not in html
        Submission.objects.filter(pk=submission.pk).update(decided_by=me)
        assert "Undo" in self.ask()

    def test_a_check_that_is_done_is_no_news(self) -> None:
        project = ProjectFactory()
        send_many(project, 2)
        self.open(ApproverFactory(company=project.company), project.company)
        check_due_submissions()
        html = self.ask()
        assert html.count("<tr ") == 2
        assert "checkbox" in html
        assert 'id="news"' not in html
        assert "just-changed" not in html

    @pytest.mark.parametrize(
        ("situation", "tone", "words"),
        [
            ("synced", "success", "Synced. ERP ID "),
            ("failed", "danger", "Failed to export. "),
            ("incomplete", "danger", "Needs attention. "),
            ("unknown", "danger", "Needs attention. "),
        ],
    )
    def test_what_became_of_ones_own_export_is_said_in_the_place_of_being_exported(
        self, situation: str, tone: str, words: str
    ) -> None:
        submission = ExportJobFactory().submission
        assert submission.decided_by
        self.open(submission.decided_by, submission.company, "exporting")
        ExportJobFactory(submission=submission, **{situation: True})
        flashes = self.ask().split('id="messages"')[1]
        assert 'hx-swap-oob="innerHTML"' in flashes
        assert f"notice--{tone}" in flashes
        assert f"{submission.number}: {words}" in flashes

    def test_many_changes_are_one_sentence(self) -> None:
        project = ProjectFactory()
        sent = send_many(project, 3)
        self.open(ApproverFactory(company=project.company), project.company)
        for submission in sent[:2]:
            accept(submission, ApproverFactory(company=project.company))
        submissions.retrieve_from_erp(commitment=sent[2].commitment, by=sent[2].sent_by)
        assert "3 commitments changed: 2 Exporting, 1 Retrieved." in self.ask()

    def test_it_takes_few_statements_however_many_rows_there_are(self) -> None:
        project = ProjectFactory()
        send_many(project, 50)
        self.open(ApproverFactory(company=project.company), project.company)
        self.ask()
        with CaptureQueriesContext(connection) as queries:
            self.ask()
        assert len(queries) <= 2 * 6
        assert not [query for query in queries.captured_queries if '"snapshot"' in query["sql"]]

    def test_another_companys_row_and_nonsense_count_for_nothing(self) -> None:
        submission, stranger = SubmissionFactory(), ApproverFactory()
        client, own = signed_in(stranger), stranger.company_memberships.get().company
        assert client.get(address(submission.company, f"rows/?row={submission.pk}.x.y")).status_code == 404
        for row in (f"{submission.pk}.x.y", "%00", ".", "9" * 30, "-1.x", "&row=%F0%9F%8F%97.1.2"):
            assert client.get(address(own, f"rows/?row={row}")).status_code == 204
