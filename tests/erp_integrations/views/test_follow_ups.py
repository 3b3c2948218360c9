"""Undo, Resume, Resolve and Unlink on screen: who is offered them, what the boxes say, what follows."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from commitments.models import Badge, Lock
from directory.models import HistoryEntry, User
from erp_integrations.models import CallState, ExportJob, JobStatus, Submission, SubmissionStatus
from tests.clients import signed_in
from tests.factories import (
    ApproverFactory,
    ExportJobFactory,
    ProjectAdminFactory,
    SubmissionFactory,
    ViewerFactory,
    join_company,
    join_project,
)

pytestmark = pytest.mark.django_db

IN_PLACE = {"HX-Request": "true"}
SAW = "It is there, I looked at noon."


def url(submission: Submission, what: str = "") -> str:
    base = f"/companies/{submission.company.slug}/erp-integrations/commitments/{submission.pk}/"
    return f"{base}{what}/" if what else base


def approver_of(job: ExportJob) -> Client:
    person: User = ApproverFactory(company=job.submission.company)
    return signed_in(person)


def unlinker_of(job: ExportJob) -> Client:
    person: User = ApproverFactory(company=job.submission.company)
    join_project(person, job.submission.project, "admin")  # type: ignore[arg-type]
    return signed_in(person)


def page(client: Client, address: str, *, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status
    return " ".join(response.content.decode().split())


def quiet(job: ExportJob) -> ExportJob:
    past = timezone.now() - timedelta(seconds=1)
    ExportJob.objects.filter(pk=job.pk).update(quiet_until=past, not_before=past)
    job.refresh_from_db()
    return job


class TestUndo:
    def test_an_accepted_row_says_what_happens_and_offers_undo(self, settings: Settings) -> None:
        settings.UNDO_SECONDS = 60
        job: ExportJob = ExportJobFactory()
        client = approver_of(job)
        html = page(
            client, f"/companies/{job.submission.company.slug}/erp-integrations/commitments/?view=exporting"
        )
        assert "Exporting in a few seconds" in html
        assert html.count("csrfmiddlewaretoken") >= 2  # the row's own, besides the header's
        assert f'action="{job.submission_id}/undo/"' in html
        assert "Accepted: exporting in a few seconds" in page(client, url(job.submission))
        viewer = signed_in(ViewerFactory(company=job.submission.company))
        assert "/undo/" not in page(viewer, url(job.submission))

    def test_after_accept_the_message_says_that_it_can_be_undone(self, settings: Settings) -> None:
        settings.UNDO_SECONDS = 60
        submission = SubmissionFactory()
        client = signed_in(ApproverFactory(company=submission.company))
        html = client.get(url(submission, "accept")).content.decode()
        fields = dict(re.findall(r'name="(expected_version|expected_hash|erp_id)"\s+value="([^"]*)"', html))
        html = client.post(url(submission, "accept"), fields, headers=IN_PLACE).content.decode()
        assert "will be exported to Spectrum in a few seconds. Until then you can undo it." in html

    def test_in_place_the_row_awaits_a_decision_again(self) -> None:
        job: ExportJob = ExportJobFactory()
        response = approver_of(job).post(url(job.submission, "undo"), headers=IN_PLACE)
        html = response.content.decode()
        assert response.status_code == 200
        assert f'id="state-{job.submission.pk}"' in html
        assert url(job.submission, "accept") in html
        assert "is ready to export again. Nothing was sent" in html
        assert Submission.objects.get().status == SubmissionStatus.AWAITING

    def test_without_script_it_goes_back_to_where_it_was_pressed(self) -> None:
        job: ExportJob = ExportJobFactory()
        response = approver_of(job).post(f"{url(job.submission, 'undo')}?back=review")
        assert (response.status_code, response.headers["Location"]) == (302, url(job.submission))

    def test_too_late_it_says_so_and_changes_nothing(self) -> None:
        job: ExportJob = ExportJobFactory(exporting=True)
        response = approver_of(job).post(url(job.submission, "undo"), follow=True)
        assert "It is too late to undo. The export has begun." in response.content.decode()
        assert Submission.objects.get().status == SubmissionStatus.ACCEPTED

    def test_a_get_undoes_nothing(self) -> None:
        job: ExportJob = ExportJobFactory()
        assert approver_of(job).get(url(job.submission, "undo")).status_code == 302
        assert Submission.objects.get().status == SubmissionStatus.ACCEPTED


class TestResolve:
    def box(self, job: ExportJob, client: Client) -> dict[str, str]:
        html = page(client, url(job.submission, "resolve"))
        number = re.search(r'name="expected_version"\s+value="(\d+)"', html)
        assert number
        return {"expected_version": number[1]}

    def test_the_box_says_what_is_known_and_what_each_choice_does(self) -> None:
        job = quiet(ExportJobFactory(unknown=True))
        html = page(approver_of(job), url(job.submission, "resolve"))
        for said in (
            "Unknown whether Spectrum has it",
            "All of it. It becomes Synced.",
            "None of it. All of it is sent again.",
            "Part of it",
            "Kept in the history with your name",
        ):
            assert said in html
        assert html.count('name="calls"') == 3

    def test_before_the_quiet_period_is_over_the_button_is_not_offered(self) -> None:
        job: ExportJob = ExportJobFactory(unknown=True)
        client = approver_of(job)
        assert "/resolve/" not in page(client, url(job.submission))
        html = page(client, url(job.submission, "resolve"))
        assert "once the quiet period is over" in html
        response = client.post(
            url(job.submission, "resolve"), {"expected_version": "1", "attested": "all", "statement": SAW}
        )
        assert response.status_code == 409
        assert "can decide from" in response.content.decode()

    def test_it_is_offered_in_the_list_and_on_the_review_page(self) -> None:
        job = quiet(ExportJobFactory(unknown=True))
        client = approver_of(job)
        listed = (
            f"/companies/{job.submission.company.slug}/erp-integrations/commitments/?view=needs-attention"
        )
        for address in (listed, url(job.submission)):
            assert f"{job.submission_id}/resolve/" in page(client, address)
        viewer = signed_in(ViewerFactory(company=job.submission.company))
        assert "/resolve/" not in page(viewer, url(job.submission))

    def test_all_of_it_is_synced(self) -> None:
        job = quiet(ExportJobFactory(unknown=True))
        client = approver_of(job)
        entered = self.box(job, client) | {"attested": "all", "statement": SAW}
        assert client.post(f"{url(job.submission, 'resolve')}?back=review", entered).status_code == 302
        job.refresh_from_db()
        assert job.status == JobStatus.SYNCED
        html = page(client, url(job.submission))
        assert "Synced, attested by a person" in html
        assert f"<blockquote>{SAW}</blockquote>" in html

    @pytest.mark.parametrize(
        ("entered", "said"),
        [
            ({"statement": SAW}, "Choose what you found in Spectrum."),
            ({"attested": "all", "statement": "  "}, "Say what you found in Spectrum"),
            ({"attested": "part", "statement": SAW}, "Subcontract must be one of them"),
            ({"attested": "part", "calls": ["9"], "statement": SAW}, "9 is not one of the available choices"),
        ],
    )
    def test_what_is_missing_is_asked_for_and_nothing_changes(
        self, entered: dict[str, object], said: str
    ) -> None:
        job = quiet(ExportJobFactory(unknown=True))
        client = approver_of(job)
        response = client.post(url(job.submission, "resolve"), self.box(job, client) | entered)
        assert response.status_code == 422
        assert said in response.content.decode()
        job.refresh_from_db()
        assert job.status == JobStatus.UNKNOWN

    def test_what_was_read_back_is_shown(self) -> None:
        job = quiet(ExportJobFactory(unknown=True))
        other = [{"title": "Line 1", "name": "Unit_Price", "sent": "12.5000", "stored": "7"}]
        ExportJob.objects.filter(pk=job.pk).update(differences=other, not_before=None)
        html = page(approver_of(job), url(job.submission, "resolve"))
        assert "Line 1 Unit_Price: 12.5000 was accepted, Spectrum has 7." in html

    def test_what_is_known_by_now_is_told(self) -> None:
        job: ExportJob = ExportJobFactory(synced=True)
        assert "In Spectrum as" in page(approver_of(job), url(job.submission, "resolve"), status=409)


class TestResume:
    def test_it_goes_on_and_says_so(self) -> None:
        job: ExportJob = ExportJobFactory(incomplete=True)
        client = approver_of(job)
        html = page(client, url(job.submission, "resume"))
        assert "Only the remaining calls are sent." in html
        response = client.post(url(job.submission, "resume"), {"expected_version": "1"}, headers=IN_PLACE)
        assert "continues with the remaining calls" in response.content.decode()
        job.refresh_from_db()
        assert (job.status, job.not_before is None) == (JobStatus.INCOMPLETE, False)

    def test_a_box_that_was_opened_on_an_earlier_delivery_resumes_nothing(self) -> None:
        job: ExportJob = ExportJobFactory(incomplete=True)
        response = approver_of(job).post(url(job.submission, "resume"), {"expected_version": "0"})
        assert response.status_code == 409
        job.refresh_from_db()
        assert job.not_before is None


class TestRejectingAPart:
    def test_the_box_says_what_stays_in_spectrum(self) -> None:
        job: ExportJob = ExportJobFactory(incomplete=True)
        client = approver_of(job)
        html = page(client, url(job.submission, "reject"))
        assert "Part of it stays in Spectrum" in html
        fields = dict(
            re.findall(r'type="hidden"\s+name="(expected_version|expected_hash)"\s+value="([^"]*)"', html)
        )
        response = client.post(url(job.submission, "reject"), fields | {"reason": "Wrong phase."})
        assert response.status_code == 302
        assert Submission.objects.get().status == SubmissionStatus.REJECTED


class TestUnlink:
    def test_it_is_offered_to_who_has_both_rights(self) -> None:
        job: ExportJob = ExportJobFactory(synced=True)
        assert url(job.submission, "unlink") in page(unlinker_of(job), url(job.submission))
        assert "/unlink/" not in page(approver_of(job), url(job.submission))

    def test_without_read_back_it_asks_for_words_and_then_unlocks(self) -> None:
        job: ExportJob = ExportJobFactory(synced=True)
        client = unlinker_of(job)
        assert "your statement is the proof" in page(client, url(job.submission, "unlink"))
        response = client.post(url(job.submission, "unlink"), {"expected_version": "1", "statement": ""})
        assert response.status_code == 422
        assert "Say how you know" in response.content.decode()
        client.post(url(job.submission, "unlink"), {"expected_version": "1", "statement": SAW})
        submission = Submission.objects.select_related("commitment").get()
        assert submission.status == SubmissionStatus.UNLINKED
        assert (submission.commitment.badge, submission.commitment.lock) == (Badge.UNLINKED, Lock.NONE)
        assert set(job.calls.values_list("state", flat=True)) <= {CallState.WRITTEN, CallState.GONE}
        assert "Unlinked by" in page(client, url(job.submission))


@pytest.mark.parametrize("what", ["undo", "resume", "resolve", "unlink"])
class TestWhoMay:
    SITUATIONS = {
        "undo": {},
        "resume": {"incomplete": True},
        "resolve": {"unknown": True},
        "unlink": {"synced": True},
    }

    def job(self, what: str) -> ExportJob:
        job: ExportJob = ExportJobFactory(**self.SITUATIONS[what])
        return quiet(job) if what == "resolve" else job

    def post(self, client: Client, job: ExportJob, what: str) -> int:
        entered = {"expected_version": "1", "attested": "all", "statement": SAW}
        return client.post(url(job.submission, what), entered).status_code

    def test_a_stranger_finds_nothing(self, what: str) -> None:
        job = self.job(what)
        stranger = ApproverFactory()
        assert self.post(signed_in(stranger), job, what) == 404

    def test_a_viewer_is_refused_and_it_is_in_the_history(self, what: str) -> None:
        job = self.job(what)
        viewer: User = ViewerFactory(company=job.submission.company)
        assert self.post(signed_in(viewer), job, what) == 403
        assert HistoryEntry.objects.filter(event="right.refused", by_id=viewer.pk).exists()
        job.refresh_from_db()
        assert job.status != JobStatus.CANCELLED

    def test_a_project_admin_without_the_privilege_is_refused(self, what: str) -> None:
        job = self.job(what)
        admin: User = ProjectAdminFactory(project=job.submission.project)
        join_company(admin, job.submission.company, erp_integrations_level="admin")
        assert self.post(signed_in(admin), job, what) == 403

    def test_who_sent_it_is_refused(self, what: str) -> None:
        job = self.job(what)
        sender = job.submission.sent_by
        join_company(
            sender, job.submission.company, erp_integrations_level="standard", can_push_to_accounting=True
        )
        assert self.post(signed_in(sender), job, what) == 403

    @pytest.mark.parametrize("method", ["put", "delete", "patch"])
    def test_it_answers_to_get_and_post_alone(self, what: str, method: str) -> None:
        job = self.job(what)
        assert getattr(approver_of(job), method)(url(job.submission, what)).status_code == 405
