"""The worker's half of the masters: read Spectrum's master data, and keep them.

The row of ``MastersPull`` is the work; it is claimed like an export, by lease and attempt number, and
no transaction is open while the wire is used. Each list counts by itself: one that could not be
read whole stays as it was, and nothing of it is marked gone. A worker whose lease is lost may
change nothing; the other one reads the same again, which harms nobody.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now, Upper

from directory import history
from directory.db.database_errors import is_transient_error
from directory.db.leases import LeaseLost, stopping
from erp_integrations.adapters.base import Rows, Unauthorised, Unavailable, VendorStatus
from erp_integrations.adapters.registry import build_reading_adapter
from erp_integrations.events import ErpEvent
from erp_integrations.models import Connection, Job, JobLink, MastersPull, SyncStatus, Vendor

logger = logging.getLogger(__name__)

LEASE_DURATION = timedelta(minutes=10)  # of one reading: a list may take many calls
RETRY_DELAY = timedelta(hours=1)
BATCH_SIZE = 1000

Found = Rows[Any] | Unauthorised | Unavailable
"""The rows of a list, or why there are none."""


def requeue_sync(connection_id: int) -> None:
    """Make the next reading due now; while one is going on, another one follows it."""
    MastersPull.objects.get_or_create(connection_id=connection_id)
    sync = MastersPull.objects.filter(connection=connection_id)
    sync.update(not_before=Now())
    sync.exclude(status=SyncStatus.PULLING).update(status=SyncStatus.QUEUED)


def sync_due_connections() -> int:
    """Read the lists of every connection whose time has come; how many were read."""
    new = Connection.objects.filter(masters_pull=None).values_list("pk", flat=True)
    MastersPull.objects.bulk_create([MastersPull(connection_id=pk) for pk in new], ignore_conflicts=True)
    due = MastersPull.objects.due().order_by("not_before").values_list("connection_id", flat=True)
    return sum(sync_connection(connection_id) for connection_id in list(due))


def sync_connection(connection_id: int) -> bool:
    """Read a connection's lists if they are due; False when they are not, or another worker does."""
    claimed = claim_sync(connection_id)
    if claimed is None:
        return False
    try:
        try:
            read_master_data(claimed)
        except LeaseLost:
            raise
        except Exception as error:
            if is_transient_error(error):
                raise
            # A mistake of ours must not be repeated every few seconds.
            logger.exception("Reading the lists of connection %s broke down", connection_id)
            end_sync(claimed, ["Ledgergate stopped with an error. See its log."])
    except LeaseLost:
        logger.warning("The lists of connection %s were taken over by another worker", connection_id)
    return True


def claim_sync(connection_id: int) -> MastersPull | None:
    due = MastersPull.objects.due().filter(connection=connection_id).select_related("connection__company")
    counts = ("vendors_read", "jobs_read", "phases_read", "linked_jobs", "linked_jobs_read")
    return due.claim(LEASE_DURATION, not_before=None, started_at=Now(), **dict.fromkeys(counts, 0))


def read_master_data(claimed: MastersPull) -> None:
    """Vendors, jobs, and the phases of linked jobs. Raises LeaseLost."""
    adapter = build_reading_adapter(claimed.connection)
    problems = save_vendors(claimed, adapter.list_vendors())
    if release_if_stopping(claimed):
        return
    problems += save_jobs(claimed, adapter.list_jobs())
    linked = list(list_linked_jobs(claimed.connection_id))
    update_progress(claimed, linked_jobs=len(linked))
    for job in linked:
        if release_if_stopping(claimed):
            return
        problems += save_phases(claimed, job, adapter.list_phases(job.number))
    end_sync(claimed, problems)


def list_linked_jobs(connection_id: int) -> models.QuerySet[Job]:
    linked = JobLink.objects.filter(connection=connection_id).values(number=Upper("job_number"))
    jobs = Job.objects.filter(connection=connection_id, gone_at=None).alias(name_in_links=Upper("number"))
    return jobs.filter(name_in_links__in=linked).order_by("number")


@transaction.atomic
def save_vendors(claimed: MastersPull, found: Found) -> list[str]:
    known = Vendor.objects.filter(connection=claimed.connection_id)
    owner, at = {"connection": claimed.connection}, claimed.vendors_at
    count, problems = _save_list(claimed, found, known, owner, ("code",), "vendors", at, name="name")
    if isinstance(found, Rows) and not problems:
        inactive = any(row.status != VendorStatus.ACTIVE for row in found.rows)
        at = claimed.started_at
        update_progress(claimed, vendors_read=count, vendors_at=at, lists_inactive_vendors=inactive)
    return problems


@transaction.atomic
def save_jobs(claimed: MastersPull, found: Found) -> list[str]:
    known = Job.objects.filter(connection=claimed.connection_id)
    owner, at = {"connection": claimed.connection}, claimed.jobs_at
    count, problems = _save_list(claimed, found, known, owner, ("number",), "jobs", at, name="description")
    if not problems:
        update_progress(claimed, jobs_read=count, jobs_at=claimed.started_at)
    return problems


@transaction.atomic
def save_phases(claimed: MastersPull, job: Job, found: Found) -> list[str]:
    key, list_name, at = ("code", "cost_type"), f"phases of job {job.number}", job.phases_seen_at
    count, problems = _save_list(claimed, found, job.phases.all(), {"job": job}, key, list_name, at)
    read = {"phases_read": models.F("phases_read") + count}
    update_progress(claimed, **read, linked_jobs_read=models.F("linked_jobs_read") + 1)
    if not problems:
        Job.objects.filter(pk=job.pk).update(phases_seen_at=claimed.started_at)
    return problems


def _save_list(
    claimed: MastersPull,
    found: Found,
    known: models.QuerySet[Any],
    owner: Mapping[str, models.Model],
    key: Sequence[str],
    list_name: str,
    before_at: datetime | None,
    *,
    name: str = "",
) -> tuple[int, list[str]]:
    """Keep what is listed, and mark what was not listed as gone; how many there are, and what a person reads
    about a list that could not be read, or was read and not believed.

    A record's fields are called as the columns are. ``name`` is that of which a change is dated.
    """
    if not isinstance(found, Rows):
        stays = "Those of the last sync are kept." if before_at else "None have been synced so far."
        return 0, [f"The {list_name} could not be synced: {found.reason.rstrip('.')}. {stays}"]
    model: Any = known.model
    listed: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in found.rows:
        # As it can be kept: PostgreSQL takes no NUL, and a name may lose its end.
        columns = {
            column: value.replace("\0", "").strip()[: model._meta.get_field(column).max_length]
            if isinstance(value, str)
            else value
            for column, value in asdict(row).items()
        }
        if columns[key[0]]:
            listed[tuple(columns[part] for part in key)] = columns
    present = known.filter(gone_at=None)
    MastersPull.objects.lock_own(claimed)
    # A list that had entries and has none now is more likely a fault than the truth.
    if not listed and present.exists():
        return 0, [f"Spectrum listed no {list_name}, so those of the last sync are kept."]
    before = {getattr(each, key[0]): each for each in known} if name else {}
    for columns in listed.values():
        columns |= {"seen_at": claimed.started_at, "gone_at": None}
        if name:
            was = before.get(columns[key[0]])
            is_renamed = was and getattr(was, name) not in ("", columns[name])
            columns["renamed_at"] = claimed.started_at if is_renamed else was and was.renamed_at
    model._default_manager.bulk_create(
        (model(**owner, **columns) for columns in listed.values()),
        batch_size=BATCH_SIZE,
        update_conflicts=True,
        unique_fields=[*owner, *key],
        update_fields=[column for column in next(iter(listed.values()), {}) if column not in key],
    )
    present.filter(seen_at__lt=claimed.started_at).update(gone_at=Now())
    return len(listed), []


def update_progress(claimed: MastersPull, **values: Any) -> None:
    """Say how far it has come, and renew the lease. Raises LeaseLost."""
    MastersPull.objects.renew(claimed, LEASE_DURATION, **values)


def release_if_stopping(claimed: MastersPull) -> bool:
    """This process was told to stop; then another worker begins anew, at once."""
    if not stopping.is_set():
        return False
    MastersPull.objects.own(claimed).update(status=SyncStatus.QUEUED, lease_until=None, not_before=Now())
    return True


@transaction.atomic
def end_sync(claimed: MastersPull, problems: Sequence[str]) -> None:
    """Done, or not all of it; the next time is set, unless somebody has asked for another one."""
    sync = MastersPull.objects.lock_own(claimed)
    sync.status = SyncStatus.FAILED if problems else SyncStatus.DONE
    sync.problem = "\n".join(problems)
    sync.lease_until = None
    sync.finished_at = Now()
    if sync.not_before is not None:
        sync.status = SyncStatus.QUEUED
    else:
        sync.not_before = Now() + (RETRY_DELAY if problems else timedelta(hours=settings.MASTERS_PULL_HOURS))
    sync.save(update_fields=["status", "problem", "lease_until", "finished_at", "not_before"])
    event = ErpEvent.MASTERS_NOT_READ if problems else ErpEvent.MASTERS_READ
    subject, company = claimed.connection, claimed.connection.company
    counts = {"vendors": sync.vendors_read, "jobs": sync.jobs_read, "phases": sync.phases_read}
    detail = counts | {"problems": list(problems)}
    history.record(event=event, subject=subject, by=None, company=company, detail=detail)
