"""When a connection is compared with Spectrum: RECONCILE_HOURS after it last was, or when somebody asks."""

from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from erp_integrations.models import Connection, ExportJob, Reconciliation, ReconciliationStatus
from erp_integrations.reconciliation import late_records

RETRY_DELAY = timedelta(hours=1)


def open_run(connection: Connection, *, by_id: int | None = None) -> tuple[Reconciliation, bool]:
    """A connection's open run, and whether it was made just now."""
    if existing := connection.reconciliations.open().first():
        return existing, False
    try:
        with transaction.atomic():
            return connection.reconciliations.create(asked_by_id=by_id), True
    except IntegrityError:  # another made one in this moment, which may even be over by now
        return connection.reconciliations.latest("pk"), False


def open_due_runs() -> None:
    runs = Reconciliation.objects.filter(connection=OuterRef("pk"))
    day = timedelta(hours=settings.RECONCILE_HOURS)
    finished_lately = runs.finished().filter(ended_at__gt=Now() - day)
    stopped_lately = runs.filter(status=ReconciliationStatus.STOPPED, ended_at__gt=Now() - RETRY_DELAY)
    due = Connection.objects.filter(
        ~Exists(runs.open()),
        ~Exists(finished_lately),
        ~Exists(stopped_lately),
        server__in=settings.INFO_LINKS,
    )
    for connection in due:
        synced = ExportJob.objects.comparable().filter(connection=connection)
        if synced.exists() or late_records.list_watched_calls().filter(job__connection=connection).exists():
            open_run(connection)
