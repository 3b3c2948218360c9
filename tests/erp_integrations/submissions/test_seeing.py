"""What Spectrum does not show as accepted: look again, and "I have seen it"."""

import pytest
from django.test import Client
from pytest_django import Settings

from commitments.models import Badge
from directory.models import HistoryEntry, User
from erp_integrations import submissions
from erp_integrations.emails import alarm_mails
from erp_integrations.exports import verification, worker
from erp_integrations.models import Alarm, ExportJob, Submission, Verification
from erp_integrations.reconciliation import comparison, requests
from notifications.models import OutgoingEmail
from tests.clients import signed_in
from tests.erp_integrations.deliveries import of
from tests.erp_integrations.exports.test_verification import in_spectrum
from tests.factories import ApproverFactory, ErpAdminFactory, ViewerFactory, join_project
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

CHANGE = "UPDATE VN_SUBCONTRACT_MC SET Retention_Percent = ? WHERE trim(Subcontract_Number) = ?"
IN_PLACE = {"HX-Request": "true"}
WHY = "The owner agreed to 7.5 %."


@pytest.fixture(autouse=True)
def _info_link(simulator: Simulator, settings: Settings) -> None:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = settings.QUIET_PERIOD_SECONDS = 0


@pytest.fixture
def differing(simulator: Simulator, queued: ExportJob) -> ExportJob:
    worker.export_due_jobs(queued.connection_id)
    in_spectrum(simulator, CHANGE, 7.5, queued.erp_id)
    verification.verify_due()
    return of(queued)


@pytest.fixture
def absent(simulator: Simulator, queued: ExportJob) -> ExportJob:
    worker.export_due_jobs(queued.connection_id)
    for table in ("VN_SUBCONTRACT_PHASE_MC", "VN_SUBCONTRACT_MC"):
        in_spectrum(simulator, f"DELETE FROM {table} WHERE trim(Subcontract_Number) = ?", queued.erp_id)
    verification.verify_due()
    return of(queued)


def url(job: ExportJob, what: str = "") -> str:
    return f"{job.submission.get_absolute_url()}{what}"


def text(client: Client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


def see(job: ExportJob, by: User, reason: str = WHY) -> ExportJob:
    look, version = str(job.verified_at), job.attempt
    submissions.record_as_seen(
        submission=job.submission, by=by, expected_version=version, expected_look=look, reason=reason
    )
    return of(job)


def look_again(job: ExportJob, by: User) -> ExportJob:
    submissions.look_again(submission=job.submission, by=by)
    return of(job)


class TestDifferencesAreTold:
    def test_they_need_attention_and_are_mailed_until_somebody_has_seen_them(
        self, differing: ExportJob, approver: User
    ) -> None:
        assert list(Submission.objects.needing_attention()) == [differing.submission]
        assert list(Submission.objects.synced()) == []
        alarm_mails.store_due_alarms()
        mail = OutgoingEmail.objects.get(to_address=approver.email, kind="attention")
        assert "what is in Spectrum differed from what was accepted" in mail.text_body
        see(differing, approver)
        assert list(Submission.objects.needing_attention()) == []
        assert list(Submission.objects.synced()) == [differing.submission]

    def test_what_was_seen_before_it_was_mailed_is_not_mailed(
        self, differing: ExportJob, approver: User
    ) -> None:
        see(differing, approver)
        assert alarm_mails.store_due_alarms() == 0


class TestSeen:
    def test_it_says_who_when_and_why(self, differing: ExportJob, approver: User) -> None:
        client = signed_in(approver)
        listed = text(client, f"{url(differing).rsplit('/', 2)[0]}/?view=needs-attention")
        assert f'href="{differing.submission_id}/seen/"' in listed
        box = text(client, url(differing, "seen/"))
        assert "Retention_Percent" in box
        posted = {"expected_version": differing.attempt, "expected_look": str(differing.verified_at)}
        assert client.post(url(differing, "seen/"), posted | {"reason": " "}).status_code == 422
        assert of(differing).seen_at is None
        answer = client.post(url(differing, "seen/"), posted | {"reason": WHY}, headers=IN_PLACE)
        assert "no longer needs attention" in answer.content.decode()
        assert f'id="submission-{differing.submission_id}" hx-swap-oob="delete"' in answer.content.decode()
        told = HistoryEntry.objects.get(event="export.seen")
        assert (told.by_id, told.detail["reason"]) == (approver.pk, WHY)
        assert told.detail["differences"] == differing.differences
        assert f"Seen by {approver}" in text(client, url(differing))
        assert "I have seen it" not in text(client, url(differing))

    def test_a_look_that_finds_the_same_leaves_it_and_another_ends_it(
        self, differing: ExportJob, approver: User, simulator: Simulator
    ) -> None:
        see(differing, approver)
        Alarm.objects.all().delete()
        job = look_again(differing, approver)
        assert (job.seen_by, job.seen_reason) == (approver, WHY)
        assert not Alarm.objects.exists()
        in_spectrum(simulator, CHANGE, 9, job.erp_id)
        job = look_again(job, approver)
        assert (job.seen_by, job.seen_at, job.seen_reason) == (None, None, "")
        assert list(Submission.objects.needing_attention()) == [job.submission]
        assert Alarm.objects.count() == 1

    def test_the_project_sees_a_missing_record_as_settled(self, absent: ExportJob, approver: User) -> None:
        assert absent.submission.commitment.badge == Badge.NEEDS_ATTENTION
        job = see(absent, approver, "Purged in Spectrum at the year's end.")
        assert job.submission.commitment.badge == Badge.SYNCED_WITH_DIFFERENCES

    def test_nobody_says_it_of_what_they_were_not_shown(
        self, differing: ExportJob, approver: User, simulator: Simulator
    ) -> None:
        in_spectrum(simulator, CHANGE, 9, differing.erp_id)
        look_again(differing, approver)
        with pytest.raises(submissions.Conflict, match="was read again"):
            see(differing, approver)
        assert of(differing).seen_at is None

    def test_the_second_one_is_told_of_the_first(self, differing: ExportJob, approver: User) -> None:
        see(differing, approver)
        other: User = ApproverFactory(company=differing.submission.company)
        with pytest.raises(submissions.Conflict, match=f"{approver} has seen it before you"):
            see(differing, other)


class TestLookAgain:
    def test_what_was_put_right_in_spectrum_is_found_so(
        self, differing: ExportJob, simulator: Simulator
    ) -> None:
        admin = signed_in(ErpAdminFactory(company=differing.submission.company))
        assert "Look again" in text(admin, url(differing))
        in_spectrum(simulator, CHANGE, differing.differences[0]["sent"], differing.erp_id)
        page = admin.post(url(differing, "look-again/?back=review"), follow=True).content.decode()
        assert "it matches what was accepted" in page
        assert of(differing).verification == Verification.MATCH
        assert list(Submission.objects.synced()) == [differing.submission]
        again = admin.post(url(differing, "look-again/?back=review"), follow=True).content.decode()
        assert "There is nothing to look at again." in again

    def test_from_its_list_it_stays_there_until_it_is_put_right(
        self, differing: ExportJob, approver: User, simulator: Simulator
    ) -> None:
        company = differing.submission.company
        for person in (approver, ErpAdminFactory(company=company), ViewerFactory(company=company)):
            listed = text(signed_in(person), f"{url(differing).rsplit('/', 2)[0]}/?view=needs-attention")
            is_offered = f'action="{differing.submission_id}/look-again/"' in listed
            assert is_offered is (person.first_name != "Vivian" and "Look again<" in listed), person
        client, cell = signed_in(approver), f'id="state-{differing.submission_id}"'
        found = client.post(url(differing, "look-again/"), headers=IN_PLACE).content.decode()
        assert cell in found
        assert "1 difference in Spectrum" in found
        in_spectrum(simulator, CHANGE, differing.differences[0]["sent"], differing.erp_id)
        found = client.post(url(differing, "look-again/"), headers=IN_PLACE).content.decode()
        assert cell not in found
        assert 'hx-swap-oob="delete"' in found

    def test_where_nobody_can_look_what_was_found_stands(
        self, absent: ExportJob, approver: User, settings: Settings
    ) -> None:
        settings.INFO_LINKS = {"simulator": "sqlite:///file:/nowhere/at-all?mode=ro&uri=true"}
        page = signed_in(approver).post(url(absent, "look-again/?back=review"), follow=True)
        assert "Nothing was changed. Try again in a moment." in page.content.decode()
        assert of(absent).verification == Verification.ABSENT
        assert list(Submission.objects.needing_attention()) == [absent.submission]

    def test_who_only_looks_is_named_who_can_do_it(self, absent: ExportJob, approver: User) -> None:
        company, project = absent.submission.company, absent.submission.project
        unlinker: User = ApproverFactory(company=company, first_name="Bo", last_name="Lind")
        join_project(unlinker, project, "admin")  # type: ignore[arg-type]
        viewer = signed_in(ViewerFactory(company=company))
        page = text(viewer, url(absent))
        assert "ask Bo Lind to unlink it" in page
        assert "can say so here" in page
        assert "Look again</button>" not in page
        assert viewer.post(url(absent, "look-again/")).status_code == 403
        page = text(signed_in(unlinker), url(absent))
        assert "was deleted there, unlink it. Its project can then send it again" in page


class TestTabs:
    def test_only_who_can_do_something_is_asked_to(self, differing: ExportJob, approver: User) -> None:
        requests.start_reconciliations(company=differing.submission.company, by=approver)
        comparison.run_next()
        company = differing.submission.company
        overview = f"/companies/{company.slug}/erp-integrations/"
        assert "1 drifted" in text(signed_in(approver), overview)
        for looks in (ViewerFactory, ErpAdminFactory):
            assert "1 drifted" not in text(signed_in(looks(company=company)), overview)
        see(of(differing), approver)
        assert "1 drifted" not in text(signed_in(approver), overview)
