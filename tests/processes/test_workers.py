"""Workers that are killed, stopped, or cut off from the database, at chosen points of a delivery."""

from collections.abc import Callable

import pytest

from commitments.models import Badge, Lock
from directory.models import User
from erp_integrations.models import CallState, ExportJob, JobStatus, Verification, WireAttempt
from tests.processes.conftest import (
    COMPANY_CODES,
    HEADER,
    LINE,
    AtLineOne,
    Case,
    calls,
    fresh,
    has_become,
    states,
)
from tests.processes.people import Person
from tests.processes.running import Running, cut_the_workers_sessions, no_new_sessions, until
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


def hangs(simulator: Simulator, job: ExportJob) -> Callable[[], bool]:
    """True while Spectrum is in the middle of a call for this job, at a scripted fault."""
    return lambda: any(
        call["number"] == job.erp_id and call["fault"] and call["milliseconds"] is None
        for call in simulator.calls()
    )


def test_a_worker_reads_back_what_it_wrote_by_itself(
    case: Case, simulator: Simulator, start_worker: Callable[[], Running]
) -> None:
    job = case.accept()
    start_worker()
    until(lambda: fresh(job).verification == Verification.MATCH, "the delivery is verified")
    assert calls(simulator, job) == [HEADER, LINE, LINE]


def test_a_worker_killed_while_spectrum_hangs_leaves_it_unknown_and_nothing_is_sent_again(
    simulator: Simulator, start_worker: Callable[..., Running], sign_in: Callable[[User], Person]
) -> None:
    cases = [Case(code) for code in COMPANY_CODES]
    people = [sign_in(case.approver) for case in cases]
    points = [
        (kind, method) for method in (HEADER, LINE) for kind in ("hang_before_commit", "commit_then_hang")
    ]
    erp_ids = [case.submission.number for case in cases]
    simulator.set_faults(
        *(
            {"kind": kind, "method": method, "key": erp_id, "seconds": 20}
            for (kind, method), erp_id in zip(points, erp_ids, strict=True)
        )
    )
    for person, case in zip(people, cases, strict=True):
        person.accepts(case.submission)
    # Patient enough that none of the four calls is given up before all of them hang.
    first = start_worker(WIRE_READ_TIMEOUT="10", EXPORT_LEASE_SECONDS="12")
    jobs = [ExportJob.objects.get(submission=case.submission) for case in cases]
    for job, point in zip(jobs, points, strict=True):
        until(hangs(simulator, job), f"Spectrum hangs at {point}")
    first.kill()
    start_worker()
    sent = [[HEADER], [HEADER], [HEADER, LINE], [HEADER, LINE]]
    for job in jobs:
        until(has_become(job, JobStatus.UNKNOWN), "the next worker says what is known")
    # The next worker has looked again, and the connections are free: others behind them go out.
    others = [case.accept(case.send()) for case in cases]
    for other in others:
        until(has_become(other, JobStatus.SYNCED), "another export over the same connection")
    assert [calls(simulator, job) for job in jobs] == sent
    for job, case, person in zip(jobs, cases, people, strict=True):
        now = fresh(job)
        assert now.status == JobStatus.UNKNOWN
        assert now.unknown_since is not None
        commitment = now.submission.commitment
        assert (commitment.badge, commitment.lock) == (Badge.NEEDS_ATTENTION, Lock.WHOLE)
        page = person.sees(case.submission)
        assert "Needs attention" in page
        assert "Unknown whether Spectrum has it" in page
    assert [states(job)[:2] for job in jobs] == [
        *([[CallState.UNKNOWN, CallState.PLANNED]] * 2),
        *([[CallState.WRITTEN, CallState.UNKNOWN]] * 2),
    ]
    for job, methods in zip(jobs, sent, strict=True):
        ledger = WireAttempt.objects.filter(call__job=job).order_by("pk")
        assert [row.outcome for row in ledger] == ["accepted"] * (len(methods) - 1) + [""]


def test_after_a_worker_killed_between_two_calls_the_next_goes_on_at_the_missing_line(
    simulator: Simulator, case: Case, start_worker: Callable[[], Running]
) -> None:
    job = case.accept()
    with AtLineOne(job) as point:
        first = start_worker()
        point.wait()
        assert states(job) == [CallState.WRITTEN, CallState.PLANNED, CallState.PLANNED]
        first.kill()
    start_worker()
    until(has_become(job, JobStatus.SYNCED), "the next worker goes on")
    assert calls(simulator, job) == [HEADER, LINE, LINE]
    record = simulator.record(job.erp_id)
    assert record is not None
    assert len(record["lines"]) == 2
    assert fresh(job).attempt == 2


def test_a_worker_told_to_stop_ends_its_call_and_hands_the_rest_back(
    simulator: Simulator, case: Case, start_worker: Callable[[], Running]
) -> None:
    simulator.set_faults({"kind": "slow", "seconds": 1, "times": 6})
    job, behind = case.accept(), case.accept(case.send())
    first = start_worker()
    until(hangs(simulator, job), "Spectrum is slow with the header")
    first.tell_to_stop()
    assert first.exit_code(within=10) == 0
    assert calls(simulator, job) == [HEADER]
    assert calls(simulator, behind) == []
    assert states(job) == [CallState.WRITTEN, CallState.PLANNED, CallState.PLANNED]
    handed_back = fresh(job)
    assert handed_back.status == JobStatus.INCOMPLETE
    assert handed_back.connection.state.lease_holder == ""
    simulator.set_faults()
    start_worker()
    for each in (job, behind):
        until(has_become(each, JobStatus.SYNCED), "the next worker goes on")
        assert calls(simulator, each) == [HEADER, LINE, LINE]


def test_a_worker_cut_off_from_the_database_goes_on_and_sends_nothing_twice(
    simulator: Simulator, case: Case, start_worker: Callable[[], Running]
) -> None:
    worker = start_worker()
    between = case.accept()
    with AtLineOne(between) as point:
        point.wait()
        cut_the_workers_sessions()
    until(has_become(between, JobStatus.SYNCED), "the worker connects again and goes on")
    simulator.set_faults({"kind": "slow", "method": LINE, "seconds": 1})
    during = case.accept(case.send())
    until(hangs(simulator, during), "Spectrum is slow with line 1")
    with no_new_sessions():
        cut_the_workers_sessions()
        until(lambda: worker.said("can't take an answer") >= 2, "the worker has an answer and no database")
    until(has_become(during, JobStatus.SYNCED), "what Spectrum answered is written down")
    for job in (between, during):
        assert calls(simulator, job) == [HEADER, LINE, LINE]
