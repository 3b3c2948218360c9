"""How exports stand, connection by connection, and whether the workers live."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Min, OuterRef, Q, Subquery
from django.db.models.functions import Now

from directory.models import Company
from erp_integrations.connections import health
from erp_integrations.connections.health import Health
from erp_integrations.exports import worker
from erp_integrations.models import (
    Connection,
    ConnectionState,
    ExportJob,
    Heartbeat,
    JobStatus,
)
from erp_integrations.models.job_statuses import NEEDING_ATTENTION
from notifications.models import get_database_time

STUCK_AFTER = timedelta(minutes=5)
COUNTED = ("queued", "running", "stuck", "failed", "waiting")


@dataclass(frozen=True, slots=True)
class ExportCounts:
    """One connection's exports by how far they are.

    ``stuck`` should have been taken up for minutes, and was not; ``waiting`` is for a person.
    """

    health: Health
    queued: int = 0
    running: int = 0
    stuck: int = 0
    failed: int = 0
    waiting: int = 0

    @property
    def connection(self) -> Connection:
        return self.health.connection


def list_export_counts(company: Company) -> list[ExportCounts]:
    """Each connection of a company. Two queries."""
    late = Now() - STUCK_AFTER
    overdue = Q(status__in=[JobStatus.QUEUED, JobStatus.INCOMPLETE], not_before__lte=late)
    resumes_itself = Q(status=JobStatus.INCOMPLETE, not_before__isnull=False)
    rows = (
        ExportJob.objects.unfinished()
        .filter(company=company)
        .order_by()
        .values("connection")
        .annotate(
            queued=Count("pk", filter=Q(status=JobStatus.QUEUED)),
            running=Count("pk", filter=Q(status=JobStatus.EXPORTING)),
            stuck=Count("pk", filter=overdue | Q(status=JobStatus.EXPORTING, lease_until__lte=late)),
            failed=Count("pk", filter=Q(status=JobStatus.FAILED)),
            waiting=Count("pk", filter=NEEDING_ATTENTION & ~resumes_itself),
        )
        .values_list("connection", *COUNTED)
    )
    counts = {key: dict(zip(COUNTED, numbers, strict=True)) for key, *numbers in rows}
    return [ExportCounts(each, **counts.get(each.connection.pk, {})) for each in health.list_health(company)]


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One thing that a health check looks at."""

    name: str
    is_well: bool
    sentence: str


def list_health_checks() -> list[HealthCheck]:
    """Do workers look at the database, and is what is due taken up? Three queries."""
    now = get_database_time()
    beat = Heartbeat.objects.filter(name=worker.SWEEP).first()
    longest = timedelta(seconds=max(60.0, 6 * settings.WORKER_POLL_SECONDS))
    if beat is None:
        sweep = HealthCheck("sweep", False, "never: no worker has checked the database yet")
    else:
        age = now - beat.at
        sweep = HealthCheck("sweep", age <= longest, f"{format_seconds(age)} ago")
    # What waits on a connection that rests, is paused or closed is late for a reason that is known.
    due = ExportJob.objects.due().filter(connection=OuterRef("pk")).order_by("not_before")
    first = Min(Subquery(due.values("not_before")[:1]))
    oldest = ConnectionState.objects.available().aggregate(oldest=first)["oldest"]
    age = now - oldest if oldest else timedelta(0)
    return [sweep, HealthCheck("oldest due export", age <= STUCK_AFTER, format_seconds(age))]


def format_seconds(age: timedelta) -> str:
    return f"{max(0, round(age.total_seconds()))} s"
