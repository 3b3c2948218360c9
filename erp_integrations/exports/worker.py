"""The worker's turns: claim a connection, and of its due jobs one after the other; the sweep.

The database is the truth and its clock decides about leases. A result is written only by the worker
whose attempt number the row still has.
"""

import logging
import socket
import time
import uuid

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Now

from directory.db.database_errors import is_database_unreachable
from directory.db.leases import LeaseEnd, LeaseLost, get_lease_duration, stopping
from directory.db.prepared import Parameter, PreparedQuery, PreparedUpdate
from directory.rights import approvers
from directory.rights.permissions import find_company_membership
from erp_integrations import signing
from erp_integrations.adapters.base import SessionOver
from erp_integrations.connections import watermark
from erp_integrations.events import ErpEvent
from erp_integrations.exports import delivery, ledger, outcomes
from erp_integrations.models import Connection, ConnectionState, ExportJob, Heartbeat, JobStatus
from erp_integrations.models.connection_state import ConnectionStateQuerySet

logger = logging.getLogger(__name__)

SWEEP = "sweep"
# After so many jobs, or seconds, the worker lets another connection have its turn.
JOBS_PER_TURN = 20
TURN_SECONDS = 30.0


def export_due_jobs(connection_id: int) -> bool:
    """Export what is due on a connection, as its only writer; whether more is due now.

    False also when another worker holds the connection: that one, or the next poll, sees to it.
    """
    if watermark.pause_if_outdated():
        return False
    fencing_token = claim_connection(connection_id)
    if fencing_token is None:
        return False
    end = time.monotonic() + TURN_SECONDS
    try:
        for _ in range(JOBS_PER_TURN):
            if (
                stopping.is_set()
                or time.monotonic() > end
                or not export_next_job(connection_id, fencing_token)
            ):
                break
    except LeaseLost:
        logger.warning("Connection %s was taken over by another worker", connection_id)
    finally:
        # Also when something of ours broke: the lease must not outlive the turn.
        release_connection(connection_id, fencing_token)
    return list_due_connections().filter(pk=connection_id).exists()


def run_sweep() -> list[int]:
    """Take up what dead workers left and what nobody may export; which connections have something due.

    One job that breaks it down does not keep it from the others.
    """
    for job_ids, release in (
        (ExportJob.objects.stalled(), outcomes.release_stalled),
        (ExportJob.objects.lacking_approval_right(), outcomes.revoke_acceptance),
    ):
        for job_id in job_ids.values_list("pk", flat=True):
            try:
                release(job_id)
            except Exception as error:
                if is_database_unreachable(error):
                    raise
                logger.exception("The sweep could not take up export job %s", job_id)
    record_heartbeat(SWEEP)
    return list(list_due_connections().values_list("pk", flat=True))


def record_heartbeat(name: str) -> None:
    """A sign of life, for the health checks."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=Now())],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at"],
    )


def list_due_connections() -> ConnectionStateQuerySet:
    """Those that a worker may take now, the longest waiting first."""
    oldest = ExportJob.objects.due().filter(connection=OuterRef("pk")).order_by("not_before")
    waiting = Subquery(oldest.values("not_before")[:1])
    connections = ConnectionState.objects.unleased().available().annotate(waiting_since=waiting)
    return connections.exclude(waiting_since=None).order_by("waiting_since")


@transaction.atomic
def claim_connection(connection_id: int) -> int | None:
    """The token of a new lease, or None when the connection is leased, resting, or has nothing due."""
    found = list_claimable_connections(connection=connection_id)
    if stopping.is_set() or not found:
        return None
    token = found[0].lease_attempt + 1
    holder = f"{socket.gethostname()[:30]}/{uuid.uuid4().hex[:12]}"
    save_lease(connection=connection_id, holder=holder, token=token, duration=get_lease_duration())
    return token


@PreparedQuery
def list_claimable_connections(connection: Parameter) -> ConnectionStateQuerySet:
    return list_due_connections().filter(pk=connection).select_for_update(of=("self",), skip_locked=True)


@PreparedUpdate
def save_lease(
    connection: Parameter, holder: Parameter, token: Parameter, duration: Parameter
) -> tuple[ConnectionStateQuerySet, dict[str, object]]:
    claimed = ConnectionState.objects.filter(pk=connection)
    return claimed, {"lease_holder": holder, "lease_attempt": token, "lease_until": LeaseEnd(duration)}


def release_connection(connection_id: int, fencing_token: int) -> None:
    ConnectionState.objects.filter(pk=connection_id, lease_attempt=fencing_token).update(
        lease_holder="", lease_until=None
    )


def export_next_job(connection_id: int, fencing_token: int) -> bool:
    """Deliver one due job of the connection; False when there is none."""
    due = list_due_jobs(connection=connection_id)
    while due and (job := claim_job(due[0], connection_id, fencing_token)):
        try:
            # One whose session was over goes on at once, under a new one.
            if not isinstance(delivery.send_calls(job, fencing_token), SessionOver):
                break
        except LeaseLost:
            raise
        except Exception as error:
            if is_database_unreachable(error):
                raise  # the lease runs out, and the sweep says what is known
            # A mistake of ours must not stop the others behind it, nor be tried for ever.
            logger.exception("Export job %s broke down", job.pk)
            outcomes.fail_unexpectedly(job)
            break
    return bool(due)


@PreparedQuery
def list_due_jobs(connection: Parameter) -> QuerySet[ExportJob, int]:
    available = ConnectionState.objects.available()
    due = ExportJob.objects.due().filter(connection=connection, connection__state__in=available)
    return due.order_by("not_before", "pk").values_list("pk", flat=True)[:1]


def find_acceptance_problem(job: ExportJob) -> str:
    """Why an acceptance does not count, as words after "because"; blank if it does.

    Started exports finish; those of which nothing was written need the right to this day.
    """
    if ledger.has_written_call(job):
        return ""
    decisions = signing.read_decisions(job)
    why = signing.describe_missing_signature(job, decisions)
    if why in (signing.ACCEPTED_BEFORE_SIGNING, signing.NOT_SIGNED):
        return why
    if not why and signing.find_signed_decider(job, decisions) != job.submission.decided_by_id:
        return signing.NOT_SIGNED
    submission = job.submission
    membership = find_company_membership(submission.decided_by_id, submission.company_id)
    if membership is None or not membership.can_decide:
        return outcomes.LOST_RIGHT
    return "" if approvers.is_grant_signed(membership) else signing.NOT_GRANTED


def claim_job(job_id: int, connection_id: int, fencing_token: int) -> ExportJob | None:
    """The job as this worker's own; None if it is not to be exported now.

    A pause may have come since it was looked at. An acceptance that does not count is taken back.
    """
    with transaction.atomic():
        connection = Connection.objects.lock(connection_id)
        if connection.state.lease_attempt != fencing_token:
            raise LeaseLost
        found = list_claimable(job=job_id)
        if not found:
            return None
        (job,) = found
        if not (problem := find_acceptance_problem(job)):
            job.set_status(JobStatus.EXPORTING)
            job.attempt += 1
            job.tries += 1
            job.not_before = None
            job.guid = job.guid or uuid.uuid4()
            numbers = {"attempt": job.attempt, "tries": job.tries}
            save_claim(job=job.pk, guid=job.guid, duration=get_lease_duration(), **numbers)
            outcomes.record_export_event(job, ErpEvent.EXPORT_STARTED, {})
            return job
    outcomes.revoke_acceptance(job_id, problem)
    return None


@PreparedUpdate
def save_claim(
    job: Parameter, attempt: Parameter, tries: Parameter, guid: Parameter, duration: Parameter
) -> tuple[QuerySet[ExportJob], dict[str, object]]:
    numbers = {"attempt": attempt, "tries": tries, "guid": guid}
    lease = {"status": JobStatus.EXPORTING, "not_before": None, "lease_until": LeaseEnd(duration)}
    return ExportJob.objects.filter(pk=job), {**numbers, **lease}


@PreparedQuery
def list_claimable(job: Parameter) -> QuerySet[ExportJob]:
    return (
        ExportJob.objects.due()
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("connection__settings", "connection__credentials", "connection__state")
        .select_related("submission__company", "submission__commitment")
        .filter(pk=job, connection__state__in=ConnectionState.objects.available())
    )
