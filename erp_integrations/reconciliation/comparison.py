"""The worker's half of reconciliation: claim a run, compare batch by batch, say how it ended.

The database is the truth and its clock decides about leases; no transaction is open while Spectrum's
database is read. A batch is read with one look, and what it holds is forgotten before the next. After
each the run's row says how far it came, so that whoever claims it later goes on from there. Comparing
the same twice changes nothing.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce, Now

from directory.db.availability import is_transient
from erp_integrations.adapters.base import (
    MOST_AT_ONCE,
    Adapter,
    Billing,
    Call,
    CannotTell,
    Differs,
    Match,
    Verdict,
)
from erp_integrations.adapters.registry import adapter_for, as_planned
from erp_integrations.checks import other_records
from erp_integrations.exports import outcomes, verification
from erp_integrations.exports.exporting import stopping
from erp_integrations.exports.outcomes import LeaseLost
from erp_integrations.models import (
    Connection,
    Drift,
    ExportCall,
    ExportJob,
    JobBilling,
    JobStatus,
    Reconciliation,
    ReconciliationStatus,
)
from erp_integrations.models.secrets import secret_fields
from erp_integrations.reconciliation import drift, watching

logger = logging.getLogger(__name__)

AGAIN_AFTER_OUTAGE = timedelta(hours=1)
MOST_ATTEMPTS = 20
"""A run that so many workers could not bring to its end has met a mistake of ours."""


def compare_next() -> bool:
    """Begin what is due by the day, and compare one run to its end; whether there was one."""
    _open_daily_runs()
    run = _claim(Reconciliation.objects.due())
    return run is not None and _compare(run)


def compare(run: Reconciliation) -> bool:
    """The same for one run; False if somebody else has it or it is over."""
    claimed = _claim(Reconciliation.objects.due().filter(pk=run.pk))
    return claimed is not None and _compare(claimed)


def open_run(connection: Connection, *, by_id: int | None = None) -> tuple[Reconciliation, bool]:
    """A connection's open run, and whether it was made just now."""
    if existing := connection.reconciliations.open().first():
        return existing, False
    try:
        with transaction.atomic():
            return connection.reconciliations.create(asked_by_id=by_id), True
    except IntegrityError:  # another made one in this moment, which may even be over by now
        return connection.reconciliations.latest("pk"), False


def _open_daily_runs() -> None:
    runs = Reconciliation.objects.filter(connection=OuterRef("pk"))
    day = timedelta(hours=settings.RECONCILE_HOURS)
    lately = runs.finished().filter(ended_at__gt=Now() - day)
    just_now = runs.filter(status=ReconciliationStatus.STOPPED, ended_at__gt=Now() - AGAIN_AFTER_OUTAGE)
    due = Connection.objects.filter(
        ~Exists(runs.open()),
        ~Exists(lately),
        ~Exists(just_now),
        server__in=settings.INFO_LINKS,
    )
    for connection in due.defer(*secret_fields(Connection)):
        synced = ExportJob.objects.comparable().filter(connection=connection)
        if synced.exists() or watching.watched_calls().filter(job__connection=connection).exists():
            open_run(connection)


@transaction.atomic
def _claim(due: QuerySet[Reconciliation]) -> Reconciliation | None:
    run = due.select_for_update(of=("self",), skip_locked=True).order_by("attempt", "pk").first()
    if run is None or stopping.is_set():
        return None
    Reconciliation.objects.filter(pk=run.pk).update(
        status=ReconciliationStatus.RUNNING,
        attempt=F("attempt") + 1,
        started_at=Coalesce("started_at", Now()),
        lease_until=_lease_end(),
    )
    return Reconciliation.objects.select_related("connection__settings").get(pk=run.pk)


def _compare(run: Reconciliation) -> bool:
    """Compare until the end, an outage, or the end of this worker; False in the last case."""
    try:
        if run.attempt > MOST_ATTEMPTS:
            _stop(run, "Ledgergate could not bring it to its end; its log says more.")
            return True
        if not run.to_compare:
            _still_mine(run).update(to_compare=_jobs_of(run).count())
        adapter = adapter_for(run.connection)
        while jobs := list(_jobs_of(run).filter(pk__gt=run.after_job).order_by("pk")[:MOST_AT_ONCE]):
            if stopping.is_set():
                _still_mine(run).update(status=ReconciliationStatus.WAITING, lease_until=None)
                return False
            if problem := _compare_batch(run, adapter, jobs):
                _stop(run, problem)
                return True
            _advance(run, jobs)
        watched = watching.compare(run.connection, adapter, lambda: _hold(run))
        if isinstance(watched, CannotTell):
            _stop(run, watched.reason)
            return True
        _still_mine(run).update(compared=F("compared") + watched)
        _finish(run)
    except LeaseLost:
        logger.warning("Reconciliation %s was taken over by another worker", run.pk)
    except Exception as error:
        if is_transient(error):
            raise  # our own database is gone; the lease runs out, and the run goes on from its last batch
        logger.exception("Reconciliation %s broke down", run.pk)
        _stop(run, "Ledgergate stopped with an error; its log says more.")
    return True


def _jobs_of(run: Reconciliation) -> QuerySet[ExportJob]:
    return (
        ExportJob.objects.comparable()
        .filter(connection=run.connection_id)
        .select_related("submission__commitment")
    )


def _compare_batch(run: Reconciliation, adapter: Adapter, jobs: Sequence[ExportJob]) -> str:
    """Why nobody could look; blank if the batch was compared."""
    plans = _plans(jobs)
    jobs = [job for job in jobs if job.pk in plans]
    verdicts = list(adapter.verify_many([plans[job.pk] for job in jobs]))
    absences = {i: away for i, verdict in enumerate(verdicts) if (away := other_records.absent_of(verdict))}
    found = other_records.find_many(run.connection, [(jobs[i], plans[jobs[i].pk]) for i in absences])
    if isinstance(found, CannotTell):
        return found.reason
    for (index, absent), records in zip(absences.items(), found, strict=True):
        verdicts[index] = verification.absent_or_elsewhere(absent, records)
    _keep_billing(jobs, verdicts)
    own = Drift.objects.current().filter(job__in=[job.pk for job in jobs], record_name="")
    known = {each.job_id: each for each in own}
    seen_again = []
    for job, verdict in zip(jobs, verdicts, strict=True):
        if isinstance(verdict, CannotTell):
            return verdict.reason
        compared = drift.Compared(job, verdict, known.get(job.pk))
        if compared.is_news:
            drift.record(compared, lambda: _hold(run))
        elif compared.known is not None:
            seen_again.append(compared.known.pk)
    Drift.objects.current().filter(pk__in=seen_again).update(last_seen_at=Now())
    return ""


def _keep_billing(jobs: Sequence[ExportJob], verdicts: Sequence[Verdict]) -> None:
    """What was invoiced and paid of a batch, with the time of this look. One query.

    Of what does not say, the last reading stays, with its own time.
    """
    rows = [
        JobBilling(
            job=job,
            read_at=Now(),
            lines=[
                {"title": line.title, "amount": str(line.amount), "quantity": str(line.quantity or "")}
                for line in verdict.billing.lines
            ],
            **verdict.billing.totals,
        )
        for job, verdict in zip(jobs, verdicts, strict=True)
        if isinstance(verdict, Match | Differs) and verdict.billing.is_known
    ]
    JobBilling.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["job"],
        update_fields=[*Billing().totals, "lines", "read_at"],
    )


def _plans(jobs: Sequence[ExportJob]) -> dict[int, tuple[Call, ...]]:
    plans: defaultdict[int, list[Call]] = defaultdict(list)
    calls = ExportCall.objects.filter(job__in=[job.pk for job in jobs], plan_round=F("job__plan_round"))
    for call in calls.order_by("job_id", "position"):
        plans[call.job_id].append(as_planned(call))
    return {job_id: tuple(calls) for job_id, calls in plans.items()}


def _still_mine(run: Reconciliation) -> QuerySet[Reconciliation]:
    return Reconciliation.objects.filter(pk=run.pk, attempt=run.attempt, status=ReconciliationStatus.RUNNING)


def _hold(run: Reconciliation) -> None:
    """Lock the run and renew its lease, or raise LeaseLost."""
    if not _still_mine(run).update(lease_until=_lease_end()):
        raise LeaseLost


def _advance(run: Reconciliation, jobs: Sequence[ExportJob]) -> None:
    run.after_job = jobs[-1].pk
    mine = _still_mine(run).update(
        after_job=run.after_job, compared=F("compared") + len(jobs), lease_until=_lease_end()
    )
    if not mine:
        raise LeaseLost


def _finish(run: Reconciliation) -> None:
    """End the drift of what is no longer synced too: an unlink left nothing to compare."""
    gone = Drift.objects.current().filter(job__connection=run.connection_id, record_name="")
    for left in gone.exclude(job__status=JobStatus.SYNCED).order_by("pk"):
        with transaction.atomic():
            held = outcomes.lock(left.job_id)
            _hold(run)
            drift.end(left, held)
    _end(run, ReconciliationStatus.FINISHED, to_compare=F("compared"))


def _stop(run: Reconciliation, problem: str) -> None:
    logger.warning("Reconciliation %s stopped: %s", run.pk, problem)
    _end(run, ReconciliationStatus.STOPPED, problem=problem[:300])


def _end(run: Reconciliation, status: ReconciliationStatus, **changes: object) -> None:
    _still_mine(run).update(status=status, lease_until=None, ended_at=Now(), **changes)


def _lease_end() -> CombinedExpression:
    return Now() + timedelta(seconds=settings.EXPORT_LEASE_SECONDS)
