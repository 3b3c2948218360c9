"""The worker's half of the masters: read Spectrum's lists, and keep them.

The row of ``MastersPull`` is the work; it is claimed like an export, by lease and attempt number, and
no transaction is open while the wire is used. Each list counts by itself: one that could not be
read whole stays as it was, and nothing of it is marked gone. A worker whose lease is lost may
change nothing; the other one reads the same again, which harms nobody.
"""

import logging
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now, Upper

from directory import history
from directory.db.availability import is_transient
from erp_integrations.adapters.base import (
    CannotTell,
    JobRecord,
    PhaseRecord,
    Rows,
    Unauthorised,
    VendorRecord,
    VendorStatus,
)
from erp_integrations.adapters.registry import adapter_for
from erp_integrations.models import Connection, Job, JobLink, MastersPull, Phase, PullStatus, Vendor
from erp_integrations.models.master_data import CODE_LENGTH, NAME_LENGTH

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)  # of one reading: a list may take many calls
AFTER_A_FAILURE = timedelta(hours=1)
ROWS_AT_ONCE = 1000

stopping = threading.Event()
"""Set when this process was told to stop: the list on the wire ends, and the rest is handed back."""


class LeaseLost(Exception):
    """Another worker has taken the reading over. This one may change nothing."""


def ask_again(connection_id: int) -> None:
    """Make the next reading due now; while one is going on, another one follows it."""
    MastersPull.objects.get_or_create(connection_id=connection_id)
    pull = MastersPull.objects.filter(connection=connection_id)
    pull.update(not_before=Now())
    pull.exclude(status=PullStatus.PULLING).update(status=PullStatus.QUEUED)


def pull_due() -> int:
    """Read the lists of every connection whose time has come; how many were read."""
    new = Connection.objects.filter(masters_pull=None).values_list("pk", flat=True)
    MastersPull.objects.bulk_create([MastersPull(connection_id=pk) for pk in new], ignore_conflicts=True)
    due = MastersPull.objects.due().order_by("not_before").values_list("connection_id", flat=True)
    return sum(pull(connection_id) for connection_id in list(due) if not stopping.is_set())


def pull(connection_id: int) -> bool:
    """Read a connection's lists if they are due; False when they are not, or another worker does."""
    claimed = _claim(connection_id)
    if claimed is None:
        return False
    try:
        try:
            _read(claimed)
        except LeaseLost:
            raise
        except Exception as error:
            if is_transient(error):
                raise
            # A mistake of ours must not be repeated every few seconds.
            logger.exception("Reading the lists of connection %s broke down", connection_id)
            _end(claimed, ["Ledgergate stopped with an error; its log says more."])
    except LeaseLost:
        logger.warning("The lists of connection %s were taken over by another worker", connection_id)
    return True


def _claim(connection_id: int) -> MastersPull | None:
    with transaction.atomic():
        claimed = (
            MastersPull.objects.due()
            .select_for_update(of=("self",), skip_locked=True)
            .filter(connection=connection_id)
            .first()
        )
        if claimed is None:
            return None
        MastersPull.objects.filter(pk=claimed.pk).update(
            status=PullStatus.PULLING,
            attempt=claimed.attempt + 1,
            lease_until=Now() + LEASE,
            not_before=None,
            started_at=Now(),
            vendors_read=0,
            jobs_read=0,
            phases_read=0,
            linked_jobs=0,
            linked_jobs_read=0,
        )
    return MastersPull.objects.select_related("connection__company").get(pk=claimed.pk)


def _read(claimed: MastersPull) -> None:
    """Vendors, jobs, and the phases of linked jobs. Raises LeaseLost."""
    adapter = adapter_for(claimed.connection)
    problems: list[str] = []
    vendors = adapter.vendors()
    if isinstance(vendors, Rows):
        problems += _keep_vendors(claimed, vendors.rows)
    else:
        problems.append(_kept("vendors", vendors, claimed.vendors_at))
    if _stopped(claimed):
        return
    jobs = adapter.jobs()
    if isinstance(jobs, Rows):
        problems += _keep_jobs(claimed, jobs.rows)
    else:
        problems.append(_kept("jobs", jobs, claimed.jobs_at))
    linked = list(_linked_jobs(claimed.connection_id))
    _progress(claimed, linked_jobs=len(linked))
    for job in linked:
        if _stopped(claimed):
            return
        phases = adapter.phases(job.number)
        if isinstance(phases, Rows):
            problems += _keep_phases(claimed, job, phases.rows)
        else:
            problems.append(_kept(f"phases of job {job.number}", phases, job.phases_seen_at))
            _progress(claimed, linked_jobs_read=models.F("linked_jobs_read") + 1)
    _end(claimed, problems)


def _linked_jobs(connection_id: int) -> models.QuerySet[Job]:
    linked = JobLink.objects.filter(connection=connection_id).values(number=Upper("job_number"))
    return (
        Job.objects.filter(connection=connection_id, gone_at=None)
        .alias(name_in_links=Upper("number"))
        .filter(name_in_links__in=linked)
        .order_by("number")
    )


@transaction.atomic
def _keep_vendors(claimed: MastersPull, rows: Sequence[VendorRecord]) -> list[str]:
    listed = {_code(row.code): row for row in rows if _code(row.code)}
    old = Vendor.objects.filter(connection=claimed.connection_id, gone_at=None)
    _lock_mine(claimed)
    if problem := _suspicious(listed, old, "vendors"):
        return [problem]
    known = {each.code: each for each in Vendor.objects.filter(connection=claimed.connection_id)}
    _upsert(
        [
            Vendor(
                connection_id=claimed.connection_id,
                code=code,
                name=_text(row.name),
                status=row.status.value,
                seen_at=_moment(claimed),
                renamed_at=_renamed_at(claimed, known.get(code), "name", row.name),
            )
            for code, row in listed.items()
        ],
        key=["connection", "code"],
        values=["name", "status", "renamed_at"],
    )
    _mark_gone(claimed, old)
    _progress(
        claimed,
        vendors_read=len(listed),
        vendors_at=claimed.started_at,
        lists_inactive_vendors=any(row.status != VendorStatus.ACTIVE for row in rows),
    )
    return []


@transaction.atomic
def _keep_jobs(claimed: MastersPull, rows: Sequence[JobRecord]) -> list[str]:
    listed = {_code(row.number): row for row in rows if _code(row.number)}
    old = Job.objects.filter(connection=claimed.connection_id, gone_at=None)
    _lock_mine(claimed)
    if problem := _suspicious(listed, old, "jobs"):
        return [problem]
    known = {each.number: each for each in Job.objects.filter(connection=claimed.connection_id)}
    _upsert(
        [
            Job(
                connection_id=claimed.connection_id,
                number=number,
                description=_text(row.description),
                status=row.status.value,
                price_method=_code(row.price_method),
                seen_at=_moment(claimed),
                renamed_at=_renamed_at(claimed, known.get(number), "description", row.description),
            )
            for number, row in listed.items()
        ],
        key=["connection", "number"],
        values=["description", "status", "price_method", "renamed_at"],
    )
    _mark_gone(claimed, old)
    _progress(claimed, jobs_read=len(listed), jobs_at=claimed.started_at)
    return []


@transaction.atomic
def _keep_phases(claimed: MastersPull, job: Job, rows: Sequence[PhaseRecord]) -> list[str]:
    listed = {(_code(row.code), _code(row.cost_type)): row for row in rows if _code(row.code)}
    old = job.phases.filter(gone_at=None)
    _lock_mine(claimed)
    _progress(
        claimed,
        phases_read=models.F("phases_read") + len(listed),
        linked_jobs_read=models.F("linked_jobs_read") + 1,
    )
    if problem := _suspicious(listed, old, f"phases of job {job.number}"):
        return [problem]
    _upsert(
        [
            Phase(
                job=job,
                code=code,
                cost_type=cost_type,
                description=_text(row.description),
                status=row.status.value,
                billing_item=_code(row.billing_item),
                unit_of_measure=_code(row.unit_of_measure),
                price_method=_code(row.price_method),
                seen_at=_moment(claimed),
            )
            for (code, cost_type), row in listed.items()
        ],
        key=["job", "code", "cost_type"],
        values=["description", "status", "billing_item", "unit_of_measure", "price_method"],
    )
    _mark_gone(claimed, old)
    Job.objects.filter(pk=job.pk).update(phases_seen_at=claimed.started_at)
    return []


def _suspicious(listed: object, old: models.QuerySet[Any], what: str) -> str:
    """A list that had entries and has none now is more likely a fault than the truth."""
    if listed or not old.exists():
        return ""
    return f"Spectrum listed no {what} at all, so those of the last reading are kept."


def _renamed_at(claimed: MastersPull, known: Vendor | Job | None, field: str, name: str) -> datetime | None:
    if known is None:
        return None
    before = getattr(known, field)
    return _moment(claimed) if before and before != _text(name) else known.renamed_at


def _upsert(rows: list[Any], *, key: list[str], values: list[str]) -> None:
    if rows:
        type(rows[0]).objects.bulk_create(
            rows,
            batch_size=ROWS_AT_ONCE,
            update_conflicts=True,
            unique_fields=key,
            update_fields=[*values, "seen_at", "gone_at"],
        )


def _mark_gone(claimed: MastersPull, present: models.QuerySet[Any]) -> None:
    present.filter(seen_at__lt=_moment(claimed)).update(gone_at=Now())


def _text(value: str) -> str:
    """As it can be kept: PostgreSQL takes no NUL, and a name may lose its end."""
    return value.replace("\0", "").strip()[:NAME_LENGTH]


def _code(value: str) -> str:
    return _text(value)[:CODE_LENGTH]


def _kept(what: str, outcome: Unauthorised | CannotTell, before: Any) -> str:
    """What a person reads about a list that could not be read."""
    stays = "Those of the last reading are kept." if before else "None have been read so far."
    return f"The {what} could not be read: {outcome.reason.rstrip('.')}. {stays}"


def _moment(claimed: MastersPull) -> datetime:
    """When this reading began, by the database's clock."""
    assert claimed.started_at is not None
    return claimed.started_at


def _lock_mine(claimed: MastersPull) -> MastersPull:
    held = MastersPull.objects.select_for_update().get(pk=claimed.pk)
    if held.status != PullStatus.PULLING or held.attempt != claimed.attempt:
        raise LeaseLost
    return held


@transaction.atomic
def _progress(claimed: MastersPull, **values: Any) -> None:
    """Say how far it has come, and renew the lease. Raises LeaseLost."""
    _lock_mine(claimed)
    MastersPull.objects.filter(pk=claimed.pk).update(lease_until=Now() + LEASE, **values)


@transaction.atomic
def _stopped(claimed: MastersPull) -> bool:
    """Whether this process was told to stop; then another worker begins anew, at once."""
    if not stopping.is_set():
        return False
    _lock_mine(claimed)
    MastersPull.objects.filter(pk=claimed.pk).update(
        status=PullStatus.QUEUED, lease_until=None, not_before=Now()
    )
    return True


@transaction.atomic
def _end(claimed: MastersPull, problems: Sequence[str]) -> None:
    """Done, or not all of it; the next time is set, unless somebody has asked for another one."""
    held = _lock_mine(claimed)
    held.status = PullStatus.FAILED if problems else PullStatus.DONE
    held.problem = "\n".join(problems)
    held.lease_until = None
    held.finished_at = Now()
    if held.not_before is not None:
        held.status = PullStatus.QUEUED
    else:
        held.not_before = Now() + (
            AFTER_A_FAILURE if problems else timedelta(hours=settings.MASTERS_PULL_HOURS)
        )
    held.save(update_fields=["status", "problem", "lease_until", "finished_at", "not_before"])
    history.record(
        event="masters.not_read" if problems else "masters.read",
        subject=claimed.connection,
        by=None,
        company=claimed.connection.company,
        detail={
            "vendors": held.vendors_read,
            "jobs": held.jobs_read,
            "phases": held.phases_read,
            "problems": list(problems),
        },
    )
