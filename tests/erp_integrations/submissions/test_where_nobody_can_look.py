"""Where Info-Link stays down, a person resolves in words; what stands whole in Spectrum is not rejected."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from directory.models import HistoryEntry, User
from erp_integrations import submissions
from erp_integrations.emails import alarm_mails
from erp_integrations.exports import unknown
from erp_integrations.models import Alarm, ExportJob, JobStatus, Submission, SubmissionStatus
from erp_integrations.submissions import Attested
from tests.clients import signed_in
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import HEADER, NOWHERE, delivered, looked, of, unknown_at
from tests.erp_integrations.submissions.test_adopting import written_elsewhere
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _info_link(simulator: Simulator, settings: Settings) -> None:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0


@pytest.fixture
def unreadable(simulator: Simulator, queued: ExportJob, settings: Settings) -> ExportJob:
    """Unknown, its quiet period over, and Info-Link does not answer."""
    job = unknown_at(simulator, queued, kind="commit_then_500", method=HEADER)
    settings.INFO_LINKS = NOWHERE
    job = looked(job)
    assert (job.status, job.unreadable_since is not None) == (JobStatus.UNKNOWN, True)
    return job


def resolve(job: ExportJob, by: User) -> ExportJob:
    return submissions.resolve(
        submission=job.submission,
        by=by,
        expected_version=job.attempt,
        attested=Attested.PART,
        statement="The header is there.",
        positions=[1],
    )


def silent_for(job: ExportJob, hours: int) -> None:
    since = timezone.now() - timedelta(hours=hours)
    ExportJob.objects.filter(pk=job.pk).update(unreadable_since=since)
    looked(job)


class TestResolvingByHand:
    def test_not_before_the_connections_hours_are_over_and_it_says_when(
        self, unreadable: ExportJob, approver: User
    ) -> None:
        with pytest.raises(submissions.TooEarly, match=r"settle it, from .* UTC"):
            resolve(unreadable, approver)
        html = signed_in(approver).get(unreadable.submission.get_absolute_url()).content.decode()
        assert "has not answered since" in html
        silent_for(unreadable, 23)
        with pytest.raises(submissions.TooEarly):
            resolve(unreadable, approver)
        assert not Alarm.objects.exists()

    def test_then_approvers_are_told_once_and_their_words_are_kept(
        self, unreadable: ExportJob, approver: User
    ) -> None:
        silent_for(unreadable, 25)
        looked(unreadable)
        assert Alarm.objects.get().sentence == unknown.READ_BACK_UNAVAILABLE
        assert alarm_mails.store_due_alarms() == 1
        job = of(resolve(unreadable, approver))
        assert (job.status, job.unreadable_since) == (JobStatus.INCOMPLETE, None)
        assert HistoryEntry.objects.get(event="export.attested_part").detail["statement"]

    def test_the_hours_are_the_connections(self, unreadable: ExportJob, approver: User) -> None:
        settings = unreadable.connection.settings
        settings.resolve_by_hand_after_hours = 2
        settings.save()
        silent_for(unreadable, 3)
        assert of(resolve(unreadable, approver)).status == JobStatus.INCOMPLETE

    def test_a_look_that_succeeds_decides_all_the_same(
        self, unreadable: ExportJob, simulator: Simulator, approver: User, settings: Settings
    ) -> None:
        silent_for(unreadable, 25)
        settings.INFO_LINKS = {"simulator": simulator.info_link}
        job = looked(unreadable)
        assert (job.status, job.unreadable_since) == (JobStatus.INCOMPLETE, None)
        with pytest.raises(submissions.Conflict):
            resolve(unreadable, approver)


class TestRejectInstead:
    def test_of_a_failed_one_that_stands_whole_in_spectrum_is_refused(
        self, awaiting: Submission, approver: User
    ) -> None:
        written_elsewhere(awaiting)
        job = delivered(accept(awaiting, approver))
        assert job.status == JobStatus.FAILED
        client, address = signed_in(approver), f"{awaiting.get_absolute_url()}reject/"
        html = client.get(address).content.decode()
        assert "All of it is in Spectrum" in html
        assert "Mark as exported instead" in html
        with pytest.raises(submissions.DecisionError, match="unnoticed"):
            submissions.reject(submission=awaiting, by=approver, reason="No")
        awaiting.refresh_from_db()
        assert awaiting.status == SubmissionStatus.ACCEPTED

    def test_of_one_that_awaits_is_refused_as_well(self, awaiting: Submission, approver: User) -> None:
        written_elsewhere(awaiting)
        with pytest.raises(submissions.DecisionError, match="unnoticed"):
            submissions.reject(submission=awaiting, by=approver, reason="No")

    def test_of_a_part_it_is_said_and_kept(self, awaiting: Submission, approver: User) -> None:
        written_elsewhere(awaiting, calls=1)
        html = signed_in(approver).get(f"{awaiting.get_absolute_url()}reject/").content.decode()
        assert "Spectrum has a record under this ERP ID" in html
        submissions.reject(submission=awaiting, by=approver, reason="No")
        detail = HistoryEntry.objects.get(event="submission.rejected").detail
        assert "Spectrum already has part of it" in detail["stands_in_spectrum"]

    def test_who_can_not_look_may_reject(
        self, awaiting: Submission, approver: User, settings: Settings
    ) -> None:
        written_elsewhere(awaiting)
        settings.INFO_LINKS = NOWHERE
        submissions.reject(submission=awaiting, by=approver, reason="No")
        awaiting.refresh_from_db()
        assert awaiting.status == SubmissionStatus.REJECTED
