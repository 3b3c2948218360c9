"""Whose fault a refusal is: the document's, the connection's, or nobody's for long."""

import pytest
from pytest_django import Settings

from commitments.models import Badge
from directory.models import User
from erp_integrations import submissions
from erp_integrations.models import (
    Alarm,
    CallState,
    ConnectionSettings,
    ConnectionState,
    ExportJob,
    JobStatus,
)
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import (
    HEADER,
    LINE,
    accepted_as_it_is,
    delivered,
    due_now,
    looked,
    of,
    sent,
    states,
    unknown_at,
)
from tests.factories import (
    CommitmentFactory,
    LineItemFactory,
    ProjectAdminFactory,
)
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _info_link(simulator: Simulator, settings: Settings) -> None:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0


@pytest.fixture
def second(queued: ExportJob, approver: User) -> ExportJob:
    """Another commitment of the same project, accepted later."""
    first = queued.submission.commitment
    commitment = CommitmentFactory(
        approved=True, project=first.project, contract_company=first.contract_company, lines=0
    )
    LineItemFactory(commitment=commitment, cost_code=first.lines.all()[0].cost_code)
    sender = ProjectAdminFactory(project=first.project)
    return accept(submissions.send_to_erp(commitment=commitment, by=sender), approver)


def goes_on(job: ExportJob) -> bool:
    state = ConnectionState.objects.get(pk=job.connection_id)
    return (state.not_before, state.fault, state.awaits_probe) == (None, "", False)


class TestTheDocument:
    def test_job_security_fails_this_one_within_one_try_with_its_reason_and_the_others_go_on(
        self, simulator: Simulator, queued: ExportJob, second: ExportJob
    ) -> None:
        simulator.set_faults({"kind": "job_security", "method": HEADER, "key": queued.erp_id, "times": 99})
        job = delivered(queued)
        assert (job.status, job.tries) == (JobStatus.FAILED, 1)
        assert job.problem == "Subcontract: Job_Number: Operator is not authorized for job 24-001"
        assert sent(simulator, job) == [HEADER]
        assert goes_on(job)
        assert of(second).status == JobStatus.SYNCED
        (alarm,) = Alarm.objects.all()
        assert (alarm.submission_id, alarm.tells_sender) == (job.submission_id, True)

    def test_so_does_a_line_after_the_header_is_written(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        simulator.set_faults(
            {"kind": "abort", "method": LINE, "text": "No access to cost center 200", "times": 99}
        )
        job = delivered(queued)
        assert (job.status, job.not_before) == (JobStatus.INCOMPLETE, None)
        assert job.submission.commitment.badge == Badge.NEEDS_ATTENTION
        assert "No access to cost center 200" in job.problem
        assert goes_on(job)


class TestWhatIsLeftOpen:
    def test_if_another_one_is_let_in_meanwhile_it_is_the_documents(
        self, simulator: Simulator, queued: ExportJob, second: ExportJob
    ) -> None:
        simulator.set_faults({"kind": "abort", "key": queued.erp_id, "text": "Access denied", "times": 99})
        job = delivered(queued)
        assert job.status == JobStatus.QUEUED
        assert not goes_on(job)
        ConnectionState.objects.update(not_before=None)
        delivered(second)
        assert of(second).status == JobStatus.SYNCED
        due_now(job)
        job = delivered(job)
        assert (job.status, job.problem) == (JobStatus.FAILED, "Subcontract: A: Access denied")
        assert goes_on(job)
        assert sent(simulator, job) == [HEADER] * 2

    def test_where_no_reply_means_written_what_was_read_back_shows_that_it_was_let_in(
        self, simulator: Simulator, queued: ExportJob, second: ExportJob
    ) -> None:
        ConnectionSettings.objects.update(success_rule="unknown")
        ExportJob.objects.update(success_rule="unknown", success_codes="")
        accepted_as_it_is(queued)
        accepted_as_it_is(second)
        simulator.set_faults({"kind": "abort", "key": queued.erp_id, "times": 99})
        assert delivered(queued).status == JobStatus.QUEUED
        ConnectionState.objects.update(not_before=None)
        delivered(second)
        looked(second)
        assert goes_on(second)
        due_now(queued)
        assert delivered(queued).status == JobStatus.FAILED

    def test_while_nobody_is_let_in_the_connection_rests(
        self, simulator: Simulator, queued: ExportJob, second: ExportJob
    ) -> None:
        simulator.set_faults({"kind": "abort", "text": "Access denied", "times": 99})
        for _ in range(3):
            delivered(queued)
            assert not goes_on(queued)
            due_now(queued)
            due_now(second)
        assert of(queued).status == of(second).status == JobStatus.QUEUED
        assert [alarm.submission for alarm in Alarm.objects.all()] == [None]


class TestWhatPasses:
    def test_a_record_that_somebody_has_open_is_tried_again_and_written(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        simulator.set_faults({"kind": "locked", "method": LINE, "times": 2})
        job = delivered(queued)
        assert (job.status, job.tries) == (JobStatus.INCOMPLETE, 1)
        assert job.is_delayed
        assert goes_on(job)
        due_now(job)
        assert delivered(job).status == JobStatus.INCOMPLETE
        due_now(job)
        assert delivered(job).status == JobStatus.SYNCED
        assert not Alarm.objects.exists()

    def test_one_that_stays_open_fails_at_the_end_and_says_so(
        self, simulator: Simulator, queued: ExportJob, settings: Settings
    ) -> None:
        settings.EXPORT_MAX_TRIES = 3
        simulator.set_faults({"kind": "locked", "times": 99})
        job = delivered(queued)
        for _ in range(2):
            due_now(job)
            job = delivered(job)
        assert (job.status, len(sent(simulator, job))) == (JobStatus.FAILED, 3)
        assert "in use by another user" in job.problem
        (alarm,) = Alarm.objects.all()
        assert not alarm.tells_sender


class TestRepliesThatAreHardToRead:
    def test_one_with_characters_that_xml_does_not_allow_is_read(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        simulator.set_faults({"kind": "bad_characters", "times": 99})
        assert delivered(queued).status == JobStatus.SYNCED

    def test_one_with_two_answers_is_no_yes(self, simulator: Simulator, queued: ExportJob) -> None:
        job = unknown_at(simulator, queued, kind="two_answers")
        assert states(job)[0] == CallState.UNKNOWN
        assert looked(job).status == JobStatus.QUEUED
        assert delivered(job).status == JobStatus.SYNCED

    def test_the_same_twice_with_nothing_there_ends_with_its_words(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        job = unknown_at(simulator, queued, kind="unreadable", times=99)
        assert looked(job).status == JobStatus.QUEUED
        assert delivered(job).status == JobStatus.UNKNOWN
        assert looked(job).status == JobStatus.QUEUED
        job = delivered(job)
        assert (job.status, len(sent(simulator, job))) == (JobStatus.FAILED, 2)
        assert job.problem.startswith("Subcontract: Spectrum gave the same unreadable answer twice")
        assert "did not end as planned" in job.problem
        assert goes_on(job)
        (alarm,) = Alarm.objects.filter(submission=job.submission)
        assert "did not end as planned" in alarm.sentence

    def test_a_line_that_is_answered_so_waits_for_a_person_who_can_try_it_again(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        job = unknown_at(simulator, queued, kind="unreadable", method=LINE, times=2)
        assert looked(job).status == JobStatus.INCOMPLETE
        delivered(job)
        looked(job)
        job = delivered(job)
        assert (job.status, job.not_before) == (JobStatus.INCOMPLETE, None)
        submissions.resume(submission=job.submission, by=approver, expected_version=job.attempt)
        assert delivered(job).status == JobStatus.SYNCED

    @pytest.mark.parametrize("words", [["one", "two"], ["one", ""]])
    def test_two_answers_that_differ_do_not_end_it(
        self, simulator: Simulator, queued: ExportJob, words: list[str]
    ) -> None:
        kinds = {"": {"kind": "hang_before_commit", "seconds": 0.1}}
        simulator.set_faults(*(kinds.get(text, {"kind": "unreadable", "text": text}) for text in words))
        for _ in words:
            assert delivered(queued).status == JobStatus.UNKNOWN
            assert looked(queued).status == JobStatus.QUEUED
        assert delivered(queued).status == JobStatus.SYNCED
