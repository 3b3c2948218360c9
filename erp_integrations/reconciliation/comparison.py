"""The worker's half of reconciliation: claim a run, compare batch by batch, say how it ended.

The database is the truth and its clock decides about leases; no transaction is open while Spectrum's
database is read. A batch is read with one look, and what it holds is forgotten before the next. After
each the run's row says how far it came, so that whoever claims it later goes on from there. Comparing
the same twice changes nothing.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from django.db import connection as database
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from directory.db.database_errors import is_transient_error
from directory.db.leases import LeaseLost, stopping
from erp_integrations.adapters.base import (
    MAX_RECORDS_AT_ONCE,
    Adapter,
    Billing,
    Call,
    Match,
    Mismatch,
    Unavailable,
    Verdict,
)
from erp_integrations.adapters.registry import get_adapter, to_call
from erp_integrations.checks import moved_records
from erp_integrations.exports import ledger, outcomes, verification
from erp_integrations.models import (
    Drift,
    ExportCall,
    ExportJob,
    JobBilling,
    JobStatus,
    Reconciliation,
    ReconciliationStatus,
)
from erp_integrations.models.job_statuses import DEVIATING
from erp_integrations.models.reconciliations import ReconciliationQuerySet
from erp_integrations.reconciliation import drift, late_records, schedule
from erp_integrations.snapshots import Purpose

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 20
"""A run that so many workers could not bring to its end has met a mistake of ours."""


def run_next() -> bool:
    """Begin what is due by the day, and compare one run to its end; whether there was one."""
    schedule.open_due_runs()
    run = claim_run(Reconciliation.objects.due())
    return run is not None and compare_claimed_run(run)


def run_reconciliation(run: Reconciliation) -> bool:
    """The same for one run; False if somebody else has it or it is over."""
    claimed = claim_run(Reconciliation.objects.due().filter(pk=run.pk))
    return claimed is not None and compare_claimed_run(claimed)


def claim_run(due: ReconciliationQuerySet) -> Reconciliation | None:
    due = due.select_related("connection__settings").order_by("attempt", "pk")
    return due.claim(started_at=Coalesce("started_at", Now()))


def compare_claimed_run(run: Reconciliation) -> bool:
    """Compare until the end, an outage, or the end of this worker; False in the last case."""
    try:
        if run.attempt > MAX_ATTEMPTS:
            stop_run(run, "Ledgergate could not finish it. See its log.")
            return True
        if not run.to_compare:
            Reconciliation.objects.own(run).update(to_compare=list_jobs_to_compare(run).count())
        adapter = get_adapter(run.connection)
        while jobs := list(
            list_jobs_to_compare(run).filter(pk__gt=run.after_job).order_by("pk")[:MAX_RECORDS_AT_ONCE]
        ):
            if stopping.is_set():
                Reconciliation.objects.own(run).update(status=ReconciliationStatus.WAITING, lease_until=None)
                return False
            if problem := compare_batch(run, adapter, jobs):
                stop_run(run, problem)
                return True
            run.after_job = jobs[-1].pk
            Reconciliation.objects.renew(run, after_job=run.after_job, compared=F("compared") + len(jobs))
        lock_run = partial(Reconciliation.objects.renew, run)
        watched = late_records.compare_watched_records(run.connection, adapter, lock_run)
        if isinstance(watched, Unavailable):
            stop_run(run, watched.reason)
            return True
        Reconciliation.objects.own(run).update(compared=F("compared") + watched)
        close_run(run)
    except LeaseLost:
        logger.warning("Reconciliation %s was taken over by another worker", run.pk)
    except Exception as error:
        if is_transient_error(error):
            raise  # our own database is gone; the lease runs out, and the run goes on from its last batch
        logger.exception("Reconciliation %s broke down", run.pk)
        stop_run(run, "Ledgergate stopped with an error. See its log.")
    return True


def list_jobs_to_compare(run: Reconciliation) -> QuerySet[ExportJob]:
    jobs = ExportJob.objects.comparable().filter(connection=run.connection_id)
    # A status is compared with its record, and by itself only until it is as it should be.
    jobs = jobs.filter(Q(submission__purpose=Purpose.WHOLE) | Q(verification__in=DEVIATING))
    return jobs.select_related("submission__commitment")


def compare_batch(run: Reconciliation, adapter: Adapter, jobs: Sequence[ExportJob]) -> str:
    """Why nobody could look; blank if the batch was compared."""
    plans = list_planned_calls(jobs)
    jobs = [job for job in jobs if job.pk in plans]
    verdicts = list(adapter.verify_plans([plans[job.pk] for job in jobs]))
    absences = {
        i: away for i, verdict in enumerate(verdicts) if (away := moved_records.find_absence(verdict))
    }
    records_elsewhere = moved_records.find_moved_records_of_jobs(
        run.connection, [(jobs[i], plans[jobs[i].pk]) for i in absences]
    )
    if isinstance(records_elsewhere, Unavailable):
        return records_elsewhere.reason
    for (index, absent), records in zip(absences.items(), records_elsewhere, strict=True):
        verdicts[index] = verification.build_absence_verdict(absent, records)
    save_billing(jobs, verdicts)
    drifts = Drift.objects.current().filter(job__in=[job.pk for job in jobs], record_name="")
    drift_by_job = {each.job_id: each for each in drifts}
    unchanged = []
    for job, verdict in zip(jobs, verdicts, strict=True):
        if isinstance(verdict, Unavailable):
            return verdict.reason
        compared = drift.Comparison(job, verdict, drift_by_job.get(job.pk))
        if compared.has_changed:
            drift.record_comparison(compared, partial(Reconciliation.objects.renew, run))
        elif compared.known_drift is not None:
            unchanged.append(compared.known_drift.pk)
    Drift.objects.current().filter(pk__in=unchanged).update(last_seen_at=Now())
    return ""


# Where Spectrum says only the commitment's total, each line has its share of that.
UNBILLED = """
    UPDATE commitments_lineitem AS line SET committed = line.amount - invoiced.billed
    FROM (
        SELECT line.id, coalesce(CASE
            WHEN jsonb_array_length(billing.lines) = 0
            THEN round(line.amount * billing.billed / nullif(submission.total, 0), 2)
            ELSE (
                SELECT sum((each ->> 'amount')::numeric) FROM jsonb_array_elements(billing.lines) AS each
                WHERE each ->> 'title' = 'Line ' || line.position
            )
        END, 0) AS billed
        FROM erp_integrations_jobbilling AS billing
            JOIN erp_integrations_exportjob AS job ON job.id = billing.job_id
            JOIN erp_integrations_submission AS submission ON submission.id = job.submission_id
            JOIN commitments_lineitem AS line ON line.commitment_id = submission.commitment_id
        WHERE billing.job_id = ANY (%s)
    ) AS invoiced
    WHERE invoiced.id = line.id AND line.committed <> line.amount - invoiced.billed
"""


def save_billing(jobs: Sequence[ExportJob], verdicts: Sequence[Verdict]) -> None:
    """The figures invoiced and paid of a batch, with the time of this look, and what is left of the lines to
    bill. Two queries.

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
        if isinstance(verdict, Match | Mismatch)
        and verdict.billing.is_known
        and not job.submission.new_status
    ]
    JobBilling.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["job"],
        update_fields=[*Billing().totals, "lines", "read_at"],
    )
    with database.cursor() as cursor:
        cursor.execute(UNBILLED, [[row.job_id for row in rows]])


def list_planned_calls(jobs: Sequence[ExportJob]) -> dict[int, tuple[Call, ...]]:
    plans: defaultdict[int, list[Call]] = defaultdict(list)
    calls = ExportCall.objects.filter(job__in=[job.pk for job in jobs], plan_round=F("job__plan_round"))
    for call in calls.order_by("job_id", "position"):
        plans[call.job_id].append(to_call(call))
    planned = ledger.list_expected_calls({job: tuple(plans[job.pk]) for job in jobs if job.pk in plans})
    return {job.pk: calls for job, calls in planned.items()}


def close_run(run: Reconciliation) -> None:
    """End the drift of what is no longer synced too: an unlink left nothing to compare."""
    drifts = Drift.objects.current().filter(job__connection=run.connection_id, record_name="")
    for drift_row in drifts.exclude(job__status=JobStatus.SYNCED).order_by("pk"):
        with transaction.atomic():
            job = outcomes.lock_job_and_parents(drift_row.job_id)
            Reconciliation.objects.renew(run)
            drift.end_drift(drift_row, job)
    _end_run(run, ReconciliationStatus.FINISHED, to_compare=F("compared"))


def stop_run(run: Reconciliation, problem: str) -> None:
    logger.warning("Reconciliation %s stopped: %s", run.pk, problem)
    _end_run(run, ReconciliationStatus.STOPPED, problem=problem[:300])


def _end_run(run: Reconciliation, status: ReconciliationStatus, **changes: object) -> None:
    Reconciliation.objects.own(run).update(status=status, lease_until=None, ended_at=Now(), **changes)
