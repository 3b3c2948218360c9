"""The worker's half, against a real simulator process, broken at each point."""

import os
import re
import subprocess
import sys
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as project
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings as DjangoSettings

from commitments.models import Badge, Lock
from directory.db.leases import LeaseLost, stopping
from directory.models import CompanyMembership, HistoryEntry, User
from directory.rights import memberships
from erp_integrations import submissions
from erp_integrations.adapters.base import Accepted, NotSent, Unusable
from erp_integrations.adapters.registry import build_sending_adapter, to_call
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.exports import delivery, outcomes, worker
from erp_integrations.models import (
    CallState,
    Connection,
    ConnectionState,
    ErpIdHold,
    ExportCall,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
    Verification,
    WireAttempt,
    Wsdl,
)
from tests.conftest import session_of_owner
from tests.factories import ApproverFactory, ExportJobFactory
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


def drained(job: ExportJob) -> ExportJob:
    """The job after one worker has looked at its connection."""
    worker.export_due_jobs(job.connection_id)
    return ExportJob.objects.select_related("submission__commitment", "connection").get(pk=job.pk)


def states(job: ExportJob) -> list[str]:
    return [call.state for call in job.list_current_calls()]


def calls_after(simulator: Simulator, position: int) -> list[str]:
    return [call["method"] for call in simulator.calls(after=position)]


def last_call(simulator: Simulator) -> int:
    calls = simulator.calls()
    return int(calls[-1]["id"]) if calls else 0


def due_now(job: ExportJob) -> None:
    """As if the back-off were over."""
    ExportJob.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    ConnectionState.objects.filter(pk=job.connection_id).update(not_before=None, awaits_probe=False)


# The good way


def test_header_then_lines_are_written_once_and_in_order(simulator: Simulator, queued: ExportJob) -> None:
    before = last_call(simulator)
    job = drained(queued)
    assert job.status == JobStatus.SYNCED, job.problem
    assert calls_after(simulator, before) == [
        "UpdateSubcontract",
        "UpdateSubcontractPhases",
        "UpdateSubcontractPhases",
    ]
    commitment = job.submission.commitment
    assert (commitment.badge, commitment.lock, commitment.erp_id) == (Badge.SYNCED, Lock.EXPORTED, job.erp_id)
    assert job.verification == Verification.NOT_CONFIGURED
    record = simulator.record(job.erp_id)
    assert record is not None
    assert record["Original_Amount"] == "2000.00"
    assert [line["Phase_Code"] for line in record["lines"]] == ["0330000", "0510000"]


def test_every_call_has_one_ledger_row_with_the_reply_and_no_secret(
    simulator: Simulator, queued: ExportJob
) -> None:
    drained(queued)
    rows = WireAttempt.objects.filter(call__job=queued)
    assert [row.outcome for row in rows] == ["accepted"] * 3
    assert all(row.reply and queued.connection.credentials.authorization_id not in row.reply for row in rows)
    assert all(row.payload_hash == row.call.payload_hash for row in rows)


def test_every_state_change_leaves_history(simulator: Simulator, queued: ExportJob) -> None:
    drained(queued)
    events = list(HistoryEntry.objects.about(queued.submission).values_list("event", flat=True))
    assert events == ["submission.sent", "submission.accepted", "export.started", "export.synced"]


def test_a_synced_job_is_not_sent_again(simulator: Simulator, queued: ExportJob) -> None:
    drained(queued)
    before = last_call(simulator)
    assert worker.run_sweep() == []
    assert drained(queued).status == JobStatus.SYNCED
    assert calls_after(simulator, before) == []


def test_the_service_descriptions_are_fetched_once_and_kept(simulator: Simulator, queued: ExportJob) -> None:
    drained(queued)
    assert set(Wsdl.objects.values_list("method", flat=True)) == {
        "UpdateSubcontract",
        "UpdateSubcontractPhases",
    }


# What Spectrum says no to


def test_a_refused_header_fails_the_export_with_the_field_named(
    simulator: Simulator, queued: ExportJob
) -> None:
    simulator.set_faults({"kind": "refuse", "method": "UpdateSubcontract", "times": 1})
    job = drained(queued)
    assert job.status == JobStatus.FAILED
    assert job.problem.startswith("Subcontract: ")
    assert states(job) == [CallState.REFUSED, CallState.PLANNED, CallState.PLANNED]
    assert job.submission.commitment.badge == Badge.FAILED
    assert job.submission.commitment.lock == Lock.WHOLE
    assert simulator.record(job.erp_id) is None


def test_a_refused_line_leaves_the_export_incomplete_and_waits_for_a_person(
    simulator: Simulator, queued: ExportJob
) -> None:
    simulator.set_faults({"kind": "refuse", "method": "UpdateSubcontractPhases", "on_call": 2, "times": 1})
    job = drained(queued)
    assert job.status == JobStatus.INCOMPLETE
    assert states(job) == [CallState.WRITTEN, CallState.WRITTEN, CallState.REFUSED]
    assert job.not_before is None
    assert job.submission.commitment.badge == Badge.NEEDS_ATTENTION
    before = last_call(simulator)
    assert worker.run_sweep() == []
    drained(job)
    assert calls_after(simulator, before) == []


def test_unauthorised_rests_the_connection_and_uses_up_no_try(
    simulator: Simulator, queued: ExportJob
) -> None:
    simulator.set_faults({"kind": "unauthorised", "times": 1})
    job = drained(queued)
    assert (job.status, job.tries) == (JobStatus.QUEUED, 0)
    assert job.connection.state.fault
    assert job.connection.state.not_before is not None
    assert worker.run_sweep() == []
    due_now(job)
    job = drained(job)
    assert job.status == JobStatus.SYNCED
    assert job.connection.state.fault == ""


# What the wire does


def test_a_server_that_is_down_puts_the_export_off(settings: DjangoSettings, queued: ExportJob) -> None:
    settings.SPECTRUM_SERVERS = {"simulator": "http://127.0.0.1:1"}
    job = drained(queued)
    assert (job.status, job.tries) == (JobStatus.QUEUED, 0)  # the site's fault uses up no try
    assert job.not_before is not None
    assert job.not_before > timezone.now()
    assert job.connection.state.awaits_probe
    assert not WireAttempt.objects.exists()
    assert job.submission.commitment.badge == Badge.EXPORTING


def test_a_server_that_comes_back_gets_the_export(
    simulator: Simulator, settings: DjangoSettings, queued: ExportJob
) -> None:
    settings.SPECTRUM_SERVERS = {"simulator": "http://127.0.0.1:1"}
    drained(queued)
    settings.SPECTRUM_SERVERS = {"simulator": simulator.url}
    due_now(queued)
    assert drained(queued).status == JobStatus.SYNCED


def test_tries_that_are_used_up_fail_the_export(
    simulator: Simulator, settings: DjangoSettings, queued: ExportJob
) -> None:
    settings.SPECTRUM_SERVERS = {"simulator": "not an address"}  # a mistake of ours, each time
    settings.EXPORT_MAX_TRIES = 2
    drained(queued)
    due_now(queued)
    job = drained(queued)
    assert job.status == JobStatus.FAILED
    assert job.submission.commitment.badge == Badge.FAILED


@pytest.mark.parametrize(
    "fault", ["commit_then_reset", "commit_then_500", "commit_then_fault", "cut_off_xml"]
)
def test_after_an_unknown_outcome_nothing_is_sent_again(
    simulator: Simulator, queued: ExportJob, fault: str
) -> None:
    simulator.set_faults({"kind": fault, "times": 1})
    job = drained(queued)
    assert job.status == JobStatus.UNKNOWN
    assert job.unknown_since is not None
    assert states(job) == [CallState.UNKNOWN, CallState.PLANNED, CallState.PLANNED]
    assert job.submission.commitment.badge == Badge.NEEDS_ATTENTION
    before = last_call(simulator)
    due_now(job)
    assert worker.run_sweep() == []
    drained(job)
    assert calls_after(simulator, before) == []


def test_a_server_that_hangs_is_unknown(
    simulator: Simulator, settings: DjangoSettings, queued: ExportJob
) -> None:
    settings.WIRE_READ_TIMEOUT = 0.5
    simulator.set_faults({"kind": "commit_then_hang", "seconds": 3, "times": 1})
    assert drained(queued).status == JobStatus.UNKNOWN


def test_an_unknown_line_leaves_what_was_written_standing(simulator: Simulator, queued: ExportJob) -> None:
    simulator.set_faults(
        {"kind": "commit_then_500", "method": "UpdateSubcontractPhases", "on_call": 1, "times": 1}
    )
    job = drained(queued)
    assert job.status == JobStatus.UNKNOWN
    assert states(job) == [CallState.WRITTEN, CallState.UNKNOWN, CallState.PLANNED]


# What is ours


def test_a_link_that_changed_since_it_was_accepted_fails_the_export(
    simulator: Simulator, queued: ExportJob
) -> None:
    queued.connection.vendor_links.update(vendor_code="BOLT")
    before = last_call(simulator)
    job = drained(queued)
    assert (job.status, job.problem[:29]) == (JobStatus.FAILED, "Changed since it was accepted")
    assert calls_after(simulator, before) == []


def test_a_call_that_was_altered_is_never_sent(simulator: Simulator, queued: ExportJob) -> None:
    call = queued.list_current_calls()[1]
    for element in call.elements:
        if element["name"] == "Original_Contract_Amount":
            element["value"] = "9999.00"
    call.save()
    before = last_call(simulator)
    job = drained(queued)
    assert job.status == JobStatus.FAILED
    assert job.problem == "Line 1 was altered after it was accepted. Nothing more is sent."
    assert calls_after(simulator, before) == []


def test_nor_is_one_that_was_altered_with_its_hash(simulator: Simulator, queued: ExportJob) -> None:
    call = queued.list_current_calls()[1]
    call.elements[-1]["value"] = "9999.00"
    call.payload_hash = to_call(call).hash
    call.save()
    job = drained(queued)
    assert (job.status, job.problem[:18]) == (JobStatus.FAILED, "Line 1 was altered")


def test_nor_anything_of_an_export_that_misses_a_call(simulator: Simulator, queued: ExportJob) -> None:
    queued.list_current_calls()[2].delete()
    before = last_call(simulator)
    job = drained(queued)
    assert job.status == JobStatus.FAILED
    assert "not the ones that were accepted" in job.problem
    assert calls_after(simulator, before) == []


def test_what_was_sent_and_then_altered_is_not_exported(simulator: Simulator, queued: ExportJob) -> None:
    altered = queued.submission.snapshot.replace("1000.00", "9000.00")
    Submission.objects.filter(pk=queued.submission_id).update(snapshot=altered)
    job = drained(queued)
    assert job.status == JobStatus.FAILED
    assert job.problem == "The stored copy of this commitment was altered after it was sent."


def test_an_approver_who_lost_the_right_takes_the_acceptance_back(
    simulator: Simulator, queued: ExportJob, approver: User
) -> None:
    CompanyMembership.objects.filter(user=approver).update(can_push_to_accounting=False)
    before = last_call(simulator)
    job = drained(queued)
    assert job.status == JobStatus.CANCELLED
    submission = Submission.objects.get(pk=job.submission_id)
    assert (submission.status, submission.decided_by) == (SubmissionStatus.AWAITING, None)
    assert job.submission.commitment.badge == Badge.AWAITING
    assert not ErpIdHold.objects.exists()
    assert calls_after(simulator, before) == []


def test_a_suspension_takes_the_acceptance_back_as_the_end_of_the_right_does(
    simulator: Simulator, queued: ExportJob, approver: User
) -> None:
    memberships.suspend_push_to_accounting(person=approver, by=None, reason="Another address.")
    before = last_call(simulator)
    job = drained(queued)
    assert job.status == JobStatus.CANCELLED
    assert Submission.objects.get(pk=job.submission_id).status == SubmissionStatus.AWAITING
    assert calls_after(simulator, before) == []


def test_a_worker_that_had_asked_before_the_right_ended_does_not_begin(queued: ExportJob) -> None:
    lease = worker.claim_connection(queued.connection_id)
    assert lease is not None
    CompanyMembership.objects.filter(user=queued.submission.decided_by).update(can_push_to_accounting=False)
    assert worker.claim_job(queued.pk, queued.connection_id, lease) is None
    assert ExportJob.objects.get().status == JobStatus.CANCELLED


def test_a_retry_needs_the_right_of_the_person_who_retried(
    simulator: Simulator, queued: ExportJob, approver: User
) -> None:
    simulator.set_faults({"kind": "refuse", "method": "UpdateSubcontract", "times": 1})
    job = drained(queued)
    second: User = ApproverFactory(company=job.submission.company)
    basis = build_basis(job.submission.document)
    submissions.accept_again(
        submission=job.submission, by=second, expected_hash=basis.hash, erp_id=job.erp_id
    )
    CompanyMembership.objects.filter(user=approver).update(can_push_to_accounting=False)
    assert drained(job).status == JobStatus.SYNCED


def test_a_switched_off_account_takes_its_acceptances_back(
    simulator: Simulator, queued: ExportJob, approver: User
) -> None:
    approver.is_active = False
    approver.save()
    assert drained(queued).status == JobStatus.CANCELLED


# Workers that die, freeze or race


def begin(job: ExportJob) -> tuple[ExportJob, int]:
    """A worker that has claimed the job and then stops."""
    lease = worker.claim_connection(job.connection_id)
    assert lease is not None
    claimed = worker.claim_job(job.pk, job.connection_id, lease)
    assert claimed is not None
    return claimed, lease


def start_call(job: ExportJob, call: ExportCall, lease: int) -> WireAttempt:
    """The worker is about to send it."""
    entry = WireAttempt(call=call, attempt=job.attempt, payload_hash=call.payload_hash)
    delivery.start_call(job, entry, lease)
    return entry


def let_leases_end(job: ExportJob) -> None:
    past = timezone.now() - timedelta(seconds=1)
    ExportJob.objects.filter(pk=job.pk).update(lease_until=past)
    ConnectionState.objects.filter(pk=job.connection_id).update(lease_until=past)


def test_a_worker_that_died_before_any_call_is_followed_by_another(
    simulator: Simulator, queued: ExportJob
) -> None:
    begin(queued)
    assert worker.run_sweep() == []
    let_leases_end(queued)
    assert worker.run_sweep() == [queued.connection_id]
    assert drained(queued).status == JobStatus.SYNCED


def test_a_worker_that_died_while_sending_leaves_it_unknown(simulator: Simulator, queued: ExportJob) -> None:
    claimed, lease = begin(queued)
    start_call(claimed, claimed.list_current_calls()[0], lease)
    let_leases_end(queued)
    assert worker.run_sweep() == []
    job = ExportJob.objects.get(pk=queued.pk)
    assert (job.status, states(job)[0]) == (JobStatus.UNKNOWN, CallState.UNKNOWN)


@pytest.mark.parametrize("sending", [True, False])
def test_of_two_sweeps_that_saw_a_dead_worker_the_second_changes_nothing(
    simulator: Simulator, queued: ExportJob, sending: bool
) -> None:
    claimed, lease = begin(queued)
    if sending:
        start_call(claimed, claimed.list_current_calls()[0], lease)
    let_leases_end(queued)
    outcomes.release_stalled(queued.pk)
    first = ExportJob.objects.values().get(pk=queued.pk)
    assert first["status"] == (JobStatus.UNKNOWN if sending else JobStatus.QUEUED)
    outcomes.release_stalled(queued.pk)
    assert ExportJob.objects.values().get(pk=queued.pk) == first


def test_a_worker_that_died_between_two_calls_goes_on_at_the_missing_one(
    simulator: Simulator, queued: ExportJob
) -> None:
    claimed, lease = begin(queued)
    adapter = build_sending_adapter(claimed)
    assert not isinstance(adapter, NotSent | Unusable)
    header = claimed.list_current_calls()[0]
    entry = start_call(claimed, header, lease)
    outcomes.record_outcome(claimed, entry, adapter.send_call(to_call(header)))
    let_leases_end(queued)
    before = last_call(simulator)
    worker.run_sweep()
    drained(queued)
    assert calls_after(simulator, before) == ["UpdateSubcontractPhases", "UpdateSubcontractPhases"]


class TestAnAnswerAndWhatFollowsIt:
    def test_they_stand_in_one_transaction_of_few_statements(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        with CaptureQueriesContext(connection) as captured:
            drained(queued)
        statements = [query["sql"] for query in captured]
        answers = [at for at, sql in enumerate(statements) if 'UPDATE "erp_integrations_wire' in sql]
        assert len(answers) == 3
        for at in answers[:-1]:  # in one statement
            assert 'INSERT INTO "erp_integrations_wireattempt"' in statements[at]
            assert statements[:at].count("BEGIN") == statements[:at].count("COMMIT")
        begun = max(at for at in range(answers[-1]) if statements[at] == "BEGIN")
        inside = statements[begun + 1 : statements.index("COMMIT", begun)]
        assert len(inside) <= 8, inside
        assert any("export.synced" in sql for sql in inside)

    def test_what_may_not_follow_leaves_the_answer_standing(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        second = queued.list_current_calls()[1]
        WireAttempt.objects.create(call=second, attempt=1, payload_hash="of nobody")  # so the intent fails
        job = drained(queued)
        assert (job.status, states(job)) == (JobStatus.INCOMPLETE, ["written", "planned", "planned"])
        assert job.list_current_calls()[0].wire_attempts.get().outcome == "accepted"

    @pytest.mark.parametrize(("is_last", "lost"), [(False, "connection"), (False, "job"), (True, "job")])
    def test_an_answer_stands_and_nothing_follows_when_the_lease_is_lost(
        self, simulator: Simulator, queued: ExportJob, is_last: bool, lost: str
    ) -> None:
        slow, lease = begin(queued)
        header, second, _ = slow.list_current_calls()
        entry = start_call(slow, header, lease)
        following = WireAttempt(call=second, attempt=slow.attempt, payload_hash=second.payload_hash)
        if lost == "job":
            ExportJob.objects.filter(pk=slow.pk).update(attempt=slow.attempt + 1)
            then = None if is_last else following
            with pytest.raises(LeaseLost):
                delivery.record_outcome_and_follow(slow, entry, Accepted(reply="yes"), then, lease)
        else:
            ConnectionState.objects.filter(pk=slow.connection_id).update(lease_attempt=lease + 1)
            assert not delivery.record_outcome_and_follow(
                slow, entry, Accepted(reply="yes"), following, lease
            )
        assert states(slow) == ["sending" if lost == "job" else "written", "planned", "planned"]
        assert WireAttempt.objects.count() == 1
        assert ExportJob.objects.get(pk=slow.pk).status == JobStatus.EXPORTING

    @pytest.mark.parametrize("locked", ["state", "call", "commitment"])
    def test_an_answer_waits_for_nobody_who_has_a_row_of_what_follows(
        self, simulator: Simulator, queued: ExportJob, locked: str
    ) -> None:
        claimed, lease = begin(queued)
        header, second, _ = claimed.list_current_calls()
        entry = start_call(claimed, header, lease)
        following = WireAttempt(call=second, attempt=claimed.attempt, payload_hash=second.payload_hash)
        row: Any = {
            "state": claimed.connection.state,
            "call": second,
            "commitment": claimed.submission.commitment,
        }[locked]
        with session_of_owner() as other:
            other.execute(
                f"SELECT FROM {row._meta.db_table} WHERE {row._meta.pk.column} = {row.pk} FOR UPDATE"
            )
            assert not delivery.record_outcome_and_follow(
                claimed, entry, Accepted(reply="yes"), None if locked == "commitment" else following, lease
            )
            assert states(claimed) == ["written", "planned", "planned"]
        assert ExportJob.objects.get(pk=claimed.pk).status == JobStatus.EXPORTING

    def test_what_a_cut_hid_is_written_once(self, simulator: Simulator, queued: ExportJob) -> None:
        claimed, lease = begin(queued)
        header, second, _ = claimed.list_current_calls()
        entry = start_call(claimed, header, lease)
        following = WireAttempt(call=second, attempt=claimed.attempt, payload_hash=second.payload_hash)
        answer = Accepted(reply="yes")

        def lose_reply(execute: Any, sql: str, *rest: Any) -> Any:
            done = execute(sql, *rest)
            if sql.startswith("WITH locked"):
                raise OperationalError("The connection was cut.")
            return done

        with connection.execute_wrapper(lose_reply):
            assert not delivery.record_outcome_and_follow(claimed, entry, answer, following, lease)
        # The answer was written once more, and so is the intent.
        assert states(claimed) == ["written", "sending", "planned"]
        delivery.start_call(claimed, following, lease)
        assert states(claimed) == ["written", "sending", "planned"]
        outcomes_of = WireAttempt.objects.order_by("pk").values_list("call", "outcome")
        assert list(outcomes_of) == [(header.pk, "accepted"), (second.pk, "")]

    def test_an_answer_that_ends_a_fault_of_the_connection_stands_alone(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        claimed, lease = begin(queued)
        header, second, _ = claimed.list_current_calls()
        entry = start_call(claimed, header, lease)
        following = WireAttempt(call=second, attempt=claimed.attempt, payload_hash=second.payload_hash)
        ConnectionState.objects.update(fault="Spectrum was away.")
        claimed.connection.state.refresh_from_db()
        assert not delivery.record_outcome_and_follow(claimed, entry, Accepted(reply="yes"), following, lease)
        assert states(claimed) == ["written", "planned", "planned"]
        assert ConnectionState.objects.get().fault == ""

    def test_a_worker_that_is_told_to_stop_begins_no_other_call(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        claimed, lease = begin(queued)
        header, second, _ = claimed.list_current_calls()
        entry = start_call(claimed, header, lease)
        following = WireAttempt(call=second, attempt=claimed.attempt, payload_hash=second.payload_hash)
        stopping.set()
        try:
            followed = delivery.record_outcome_and_follow(
                claimed, entry, Accepted(reply="yes"), following, lease
            )
        finally:
            stopping.clear()
        assert not followed
        assert states(claimed) == ["written", "planned", "planned"]


def test_a_late_worker_changes_nothing(simulator: Simulator, queued: ExportJob) -> None:
    late, lease = begin(queued)
    call = late.list_current_calls()[0]
    entry = start_call(late, call, lease)
    let_leases_end(queued)
    worker.run_sweep()
    for outcome in (Accepted(reply="yes"), NotSent("no")):
        with pytest.raises(LeaseLost):
            outcomes.record_outcome(late, entry, outcome)
    with pytest.raises(LeaseLost):
        outcomes.record_synced(late)
    with pytest.raises(LeaseLost):
        start_call(late, late.list_current_calls()[1], lease)
    job = ExportJob.objects.get(pk=queued.pk)
    assert (job.status, states(job)[0]) == (JobStatus.UNKNOWN, CallState.UNKNOWN)
    entry.refresh_from_db()
    assert entry.outcome == ""


def test_a_late_worker_changes_nothing_of_the_worker_that_followed(
    simulator: Simulator, queued: ExportJob
) -> None:
    late, lease = begin(queued)
    let_leases_end(queued)
    worker.run_sweep()
    follower, _ = begin(queued)
    with pytest.raises(LeaseLost):
        outcomes.fail(late, "Too late")
    with pytest.raises(LeaseLost):
        start_call(late, late.list_current_calls()[0], lease)
    job = ExportJob.objects.get(pk=queued.pk)
    assert (job.status, job.attempt) == (JobStatus.EXPORTING, follower.attempt)
    assert not WireAttempt.objects.exists()


def test_a_worker_whose_connection_was_taken_over_sends_nothing_more(
    simulator: Simulator, queued: ExportJob
) -> None:
    slow, lease = begin(queued)
    ExportJobFactory(connection=queued.connection)  # or there would be nothing to take it over for
    ConnectionState.objects.filter(pk=queued.connection_id).update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )
    assert worker.claim_connection(queued.connection_id) == lease + 1
    with pytest.raises(LeaseLost):
        start_call(slow, slow.list_current_calls()[0], lease)
    assert not WireAttempt.objects.exists()


def test_a_worker_that_finds_nothing_due_takes_no_lease(queued: ExportJob) -> None:
    ExportJob.objects.update(not_before=timezone.now() + timedelta(minutes=1))
    before = Connection.objects.values().get()
    assert not worker.export_due_jobs(queued.connection_id)
    assert Connection.objects.values().get() == before


def test_a_late_worker_does_not_release_the_connection_of_the_next(queued: ExportJob) -> None:
    late = worker.claim_connection(queued.connection_id)
    assert late is not None
    ConnectionState.objects.filter(pk=queued.connection_id).update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )
    worker.claim_connection(queued.connection_id)
    worker.release_connection(queued.connection_id, late)
    assert Connection.objects.get(pk=queued.connection_id).state.lease_holder


def test_a_call_that_might_outlast_its_lease_does_not_leave(
    simulator: Simulator, queued: ExportJob, settings: DjangoSettings
) -> None:
    settings.EXPORT_LEASE_SECONDS = int(settings.WIRE_CONNECT_TIMEOUT + settings.WIRE_READ_TIMEOUT) - 1
    before = last_call(simulator)
    job = drained(queued)
    assert (job.status, states(job)) == (JobStatus.QUEUED, ["planned"] * 3)
    assert "too long between its check and the call" in job.problem
    assert calls_after(simulator, before) == []


def test_a_worker_that_is_told_to_stop_hands_back_and_uses_up_no_try(
    simulator: Simulator, queued: ExportJob
) -> None:
    slow, lease = begin(queued)
    before = last_call(simulator)
    stopping.set()
    try:
        delivery.send_calls(slow, lease)
    finally:
        stopping.clear()
    job = ExportJob.objects.get(pk=queued.pk)
    assert (job.status, job.tries, job.lease_until) == (JobStatus.QUEUED, 0, None)
    assert calls_after(simulator, before) == []


def test_a_worker_that_is_told_to_stop_claims_nothing(queued: ExportJob) -> None:
    stopping.set()
    try:
        assert worker.claim_connection(queued.connection_id) is None
    finally:
        stopping.clear()
    assert worker.claim_connection(queued.connection_id) is not None


def test_a_connection_has_one_writer(simulator: Simulator, queued: ExportJob) -> None:
    assert worker.claim_connection(queued.connection_id) is not None
    before = last_call(simulator)
    assert worker.export_due_jobs(queued.connection_id) is False
    assert calls_after(simulator, before) == []


def test_many_workers_at_once_write_everything_once(simulator: Simulator, queued: ExportJob) -> None:
    before = last_call(simulator)
    simulator.set_faults({"kind": "slow", "seconds": 0.05, "times": 3})
    barrier = threading.Barrier(4)

    def work() -> None:
        try:
            barrier.wait()
            worker.export_due_jobs(queued.connection_id)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ExportJob.objects.get(pk=queued.pk).status == JobStatus.SYNCED
    assert len(calls_after(simulator, before)) == 3


def test_a_mistake_of_ours_puts_the_export_off_and_frees_the_connection(
    simulator: Simulator, queued: ExportJob, settings: DjangoSettings
) -> None:
    # An address that can't be read is an operator's mistake, and must not hold the connection for ever.
    settings.SPECTRUM_SERVERS = {"simulator": "not an address"}
    job = drained(queued)
    assert (job.status, job.tries) == (JobStatus.QUEUED, 1)
    assert "Ledgergate stopped with an error" in job.problem
    assert job.connection.state.lease_holder == ""


ACCEPT = """
import django; django.setup()
from directory.models import User
from erp_integrations.models import Submission
from tests.erp_integrations.conftest import accept
print(accept(Submission.objects.get(), User.objects.get(pk=%d)).status)
"""


def test_accepting_works_while_the_broker_is_down(awaiting: Submission, approver: User) -> None:
    database = connection.settings_dict
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": re.sub(r"/[^/?]+\?", f"/{database['NAME']}?", os.environ["DATABASE_URL"]),
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    done = subprocess.run(
        [sys.executable, "-c", ACCEPT % approver.pk],
        env=environment,
        cwd=project.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == JobStatus.QUEUED
    assert "Broker unreachable" in done.stderr
    assert worker.run_sweep() == [awaiting.connection_id]
