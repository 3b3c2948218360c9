"""Deliveries that are brought to a point and looked at there, against the simulator."""

import json
import sqlite3
from datetime import timedelta

from django.utils import timezone

from directory.models import HistoryEntry, User
from erp_integrations import signing
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.events import ErpEvent
from erp_integrations.exports import unknown, worker
from erp_integrations.models import ConnectionState, ExportJob, JobStatus
from tests.directory.tampering import ENTRIES, as_owner
from tests.simulator import Simulator

HEADER, LINE = "UpdateSubcontract", "UpdateSubcontractPhases"
NOWHERE = {"simulator": "sqlite:///file:/nowhere/at-all?mode=ro&uri=true"}


def of(job: ExportJob) -> ExportJob:
    return ExportJob.objects.select_related("submission__commitment", "connection").get(pk=job.pk)


def delivered(job: ExportJob) -> ExportJob:
    worker.export_due_jobs(job.connection_id)
    return of(job)


def unknown_at(simulator: Simulator, job: ExportJob, **fault: object) -> ExportJob:
    """The job after a worker met this fault."""
    simulator.set_faults({"times": 1, **fault})
    stopped = delivered(job)
    assert stopped.status == JobStatus.UNKNOWN
    return stopped


def quiet_is_over(job: ExportJob) -> None:
    past = timezone.now() - timedelta(seconds=1)
    ExportJob.objects.filter(pk=job.pk).update(quiet_until=past, not_before=past)


def looked(job: ExportJob) -> ExportJob:
    """The job after its quiet period and a look."""
    quiet_is_over(job)
    for connection_id in unknown.list_due_for_read_back():
        unknown.read_back_due(connection_id)
    return of(job)


def sent(simulator: Simulator, job: ExportJob) -> list[str]:
    return [call["method"] for call in simulator.calls() if call["number"] == job.erp_id]


def states(job: ExportJob) -> list[str]:
    return [call.state for call in job.list_current_calls()]


def in_spectrum(simulator: Simulator, statement: str, *values: object) -> None:
    """Somebody works in Spectrum itself."""
    with sqlite3.connect(simulator.database, timeout=10) as database:
        assert database.execute(statement, values).rowcount > 0
    database.close()


def delete_in_spectrum(simulator: Simulator, job: ExportJob) -> None:
    """Somebody deletes the whole record."""
    with sqlite3.connect(simulator.database, timeout=10) as database:
        for table in ("VN_SUBCONTRACT_PHASE_MC", "VN_SUBCONTRACT_MC"):
            database.execute(f"DELETE FROM {table} WHERE trim(Subcontract_Number) = ?", [job.erp_id])
    database.close()


def incomplete_at(simulator: Simulator, job: ExportJob, line: int) -> ExportJob:
    """Refused at a line: it waits for a person."""
    simulator.set_faults({"kind": "refuse", "method": LINE, "on_call": line, "times": 1})
    stopped = delivered(job)
    assert stopped.status == JobStatus.INCOMPLETE
    return stopped


def due_now(job: ExportJob) -> None:
    """As if every pause were over."""
    past = timezone.now() - timedelta(seconds=1)
    ExportJob.objects.filter(pk=job.pk).update(not_before=past)
    ConnectionState.objects.filter(pk=job.connection_id).update(not_before=None, awaits_probe=False)


def accepted_as_it_is(job: ExportJob) -> ExportJob:
    """As if it had been accepted with the connection as it is now."""
    basis = build_basis(job.submission.document)
    return signed_anew(job, basis_hash=basis.hash, wire_hash=basis.wire_hash)


def signed_anew(job: ExportJob, **columns: str) -> ExportJob:
    """As if it had been accepted with these, which web has signed; takes no open transaction."""
    ExportJob.objects.filter(pk=job.pk).update(**columns)
    job = of(job)
    decided = HistoryEntry.objects.about(job.submission).filter(event__in=signing.PLANNED_BY)
    entry = decided.filter(detail__job=job.pk).order_by("-pk")[0]
    by = User.objects.get(pk=entry.by_id or 0)
    detail = entry.detail | signing.sign_decision(
        job, event=ErpEvent(entry.event), by=by, calls=entry.detail["calls"]
    )
    as_owner(f"UPDATE {ENTRIES} SET detail = %s WHERE id = %s", parameters=[json.dumps(detail), entry.pk])
    return job
