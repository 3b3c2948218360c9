"""A call that got no answer is written long after a look has not found it: somebody looks, and is told."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from directory.models import HistoryEntry, User
from erp_integrations import submissions
from erp_integrations.adapters.registry import build_sending_adapter, to_call
from erp_integrations.emails import alarm_mails
from erp_integrations.models import (
    Alarm,
    CallState,
    Drift,
    ExportCall,
    ExportJob,
    JobStatus,
    ReconciliationStatus,
    Submission,
    WireAttempt,
)
from erp_integrations.pages import previews
from erp_integrations.reconciliation import comparison
from notifications.models import OutgoingEmail
from tests.clients import signed_in
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import (
    HEADER,
    NOWHERE,
    delete_in_spectrum,
    delivered,
    looked,
    of,
    states,
    unknown_at,
)
from tests.factories import join_project
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _info_link(simulator: Simulator, settings: Settings) -> None:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0


@pytest.fixture
def not_found(simulator: Simulator, queued: ExportJob) -> ExportJob:
    """Its header got no answer, was read back as absent, and refused when it was sent again."""
    job = looked(unknown_at(simulator, queued, kind="hang_before_commit", method=HEADER, seconds=0.1))
    simulator.set_faults({"kind": "refuse", "method": HEADER, "times": 1})
    failed = delivered(job)
    assert failed.status == JobStatus.FAILED
    return failed


def lands(call: ExportCall) -> None:
    """The ERP commits at last what it was sent so long ago."""
    adapter = build_sending_adapter(call.job)
    adapter.send_call(to_call(call))  # type: ignore[union-attr]  # it is ready


def compared(job: ExportJob) -> None:
    """The daily comparison, as a worker begins it by itself."""
    assert comparison.run_next()
    latest = job.connection.reconciliations.latest("pk")
    assert (latest.status, latest.asked_by) == (ReconciliationStatus.FINISHED, None)


def again(job: ExportJob) -> None:
    """Another day's."""
    job.connection.reconciliations.update(ended_at=timezone.now() - timedelta(days=2))
    compared(job)


def late(job: ExportJob) -> list[str]:
    return list(Drift.objects.late().filter(job=job).values_list("record_name", flat=True))


def page(person: User, submission: Submission) -> str:
    return signed_in(person).get(submission.get_absolute_url()).content.decode()


class TestWhatIsKnown:
    def test_a_call_that_was_not_found_is_not_called_not_sent(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = looked(unknown_at(simulator, queued, kind="hang_before_commit", method=HEADER, seconds=0.1))
        assert states(job) == [CallState.NOT_FOUND, CallState.PLANNED, CallState.PLANNED]
        assert job.list_current_calls()[0].not_found_at is not None

    def test_a_fault_before_the_wire_does_not_make_it_not_sent(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = looked(unknown_at(simulator, queued, kind="hang_before_commit", method=HEADER, seconds=0.1))
        simulator.set_faults({"kind": "unauthorised", "method": HEADER, "times": 1})
        job = delivered(job)
        assert states(job)[0] == CallState.NOT_FOUND

    def test_nobody_says_that_nothing_was_written(self, not_found: ExportJob, approver: User) -> None:
        html = page(approver, not_found.submission)
        assert "nothing was written" not in html
        assert "It may still be written. Spectrum is checked every day" in html
        entry = HistoryEntry.objects.get(event="export.failed")
        assert entry.detail["wrote"] is True

    def test_of_one_that_was_only_refused_it_is_said(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        simulator.set_faults({"kind": "refuse", "method": HEADER, "times": 1})
        html = page(approver, delivered(queued).submission)
        assert "nothing was written to Spectrum" in html
        assert "may still be written" not in html

    def test_without_read_back_the_page_says_that_nobody_looks(
        self, not_found: ExportJob, approver: User, settings: Settings
    ) -> None:
        settings.INFO_LINKS = {}
        assert "this connection has no read-back" in page(approver, not_found.submission)


class TestWhatTurnsUp:
    def test_of_a_failed_one_is_drift_with_a_mail_and_can_be_adopted(
        self, simulator: Simulator, not_found: ExportJob, approver: User
    ) -> None:
        lands(not_found.list_current_calls()[0])
        compared(not_found)
        name = f"vendor ACME, subcontract {not_found.erp_id}"
        assert late(not_found) == [name]
        assert Drift.objects.get().kinds == ["late"]
        html = page(approver, not_found.submission)
        assert "Appeared late in Spectrum" in html
        assert f"Retry it as {name}" in html
        Alarm.objects.exclude(sentence__startswith="A late record has appeared").delete()
        alarm_mails.store_due_alarms()
        mail = OutgoingEmail.objects.get(recipient=approver)
        assert name in mail.text_body
        assert previews.build_preview(not_found.submission).live_check.existing_record is not None

    def test_of_one_that_went_on_under_another_number_says_that_it_may_be_there_twice(
        self, simulator: Simulator, not_found: ExportJob, approver: User
    ) -> None:
        first = not_found.list_current_calls()[0]
        seen = previews.build_preview(not_found.submission)
        submissions.accept_again(
            submission=not_found.submission, by=approver, expected_hash=seen.expected_hash, erp_id="OTHER-1"
        )
        assert delivered(not_found).status == JobStatus.SYNCED
        lands(first)
        compared(not_found)
        assert late(not_found) == [f"vendor ACME, subcontract {not_found.erp_id}"]
        assert "its amount may be there twice" in page(approver, not_found.submission)
        delete_in_spectrum(simulator, not_found)
        again(not_found)
        assert late(not_found) == []
        assert of(not_found).status == JobStatus.SYNCED

    def test_of_a_rejected_one_is_drift(
        self, simulator: Simulator, not_found: ExportJob, approver: User
    ) -> None:
        submissions.reject(submission=not_found.submission, by=approver, reason="Not now")
        lands(not_found.list_current_calls()[0])
        compared(not_found)
        assert len(late(not_found)) == 1
        assert "Have the project send it again" in page(approver, not_found.submission)

    def test_of_an_unlinked_one_that_was_proven_gone_is_drift(
        self, simulator: Simulator, queued: ExportJob, approver: User, sender: User
    ) -> None:
        job = delivered(queued)
        header = job.list_current_calls()[0]
        delete_in_spectrum(simulator, job)
        join_project(approver, job.submission.project, "admin")  # type: ignore[arg-type]
        submissions.unlink(submission=job.submission, by=approver, expected_version=job.attempt)
        compared(job)
        assert late(job) == []
        assert "may still be written" not in page(approver, job.submission)
        lands(header)
        again(job)
        assert late(job) == [f"vendor ACME, subcontract {job.erp_id}"]

    def test_what_is_written_under_it_since_is_no_news(
        self, simulator: Simulator, not_found: ExportJob, approver: User
    ) -> None:
        lands(not_found.list_current_calls()[0])
        compared(not_found)
        seen = previews.build_preview(not_found.submission)
        submissions.accept_again(
            submission=not_found.submission, by=approver, expected_hash=seen.expected_hash, erp_id=seen.erp_id
        )
        assert delivered(not_found).status == JobStatus.SYNCED
        again(not_found)
        assert late(not_found) == []

    def test_another_contract_under_the_number_is_none_of_ours(
        self, simulator: Simulator, not_found: ExportJob
    ) -> None:
        simulator.enter(
            Company_Code="PHL",
            Vendor_Code="ACME",
            Subcontract_Number=not_found.erp_id,
            Job_Number="24-002",
            lines=[],
        )
        compared(not_found)
        assert late(not_found) == []

    def test_nobody_looks_any_more_after_the_connections_days(self, not_found: ExportJob) -> None:
        lands(not_found.list_current_calls()[0])
        WireAttempt.objects.update(started_at=timezone.now() - timedelta(days=31))
        assert not comparison.run_next()
        settings = not_found.connection.settings
        settings.watch_days = 32
        settings.save()
        compared(not_found)
        assert len(late(not_found)) == 1

    def test_a_silent_database_ends_no_drift(self, not_found: ExportJob, settings: Settings) -> None:
        lands(not_found.list_current_calls()[0])
        compared(not_found)
        settings.INFO_LINKS = NOWHERE
        not_found.connection.reconciliations.update(ended_at=timezone.now() - timedelta(days=2))
        assert comparison.run_next()
        assert not_found.connection.reconciliations.latest("pk").status == ReconciliationStatus.STOPPED
        assert len(late(not_found)) == 1

    def test_it_is_on_the_page_of_what_drifts(self, not_found: ExportJob, approver: User) -> None:
        lands(not_found.list_current_calls()[0])
        compared(not_found)
        slug = not_found.submission.company.slug
        address = f"/companies/{slug}/erp-integrations/reconciliation/"
        for query in ("", "?kind=late"):
            html = signed_in(approver).get(address + query).content.decode()
            assert f"Vendor ACME, subcontract {not_found.erp_id} has appeared in Spectrum" in html


def test_a_commit_that_is_late_is_not_doubled_by_accept_again(
    simulator: Simulator, not_found: ExportJob, approver: User
) -> None:
    lands(not_found.list_current_calls()[0])
    submissions.reject(submission=not_found.submission, by=approver, reason="Again")
    submission = submissions.send_to_erp(
        commitment=not_found.submission.commitment, by=not_found.submission.sent_by
    )
    assert delivered(accept(submission, approver)).status == JobStatus.SYNCED
    assert len([each for each in simulator.records() if each["Subcontract_Number"] == not_found.erp_id]) == 1
