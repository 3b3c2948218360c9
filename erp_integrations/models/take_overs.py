"""Spectrum's lists made ours: as it was last asked for, and the rule by which it goes on."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now

from directory.db.leases import LeasedQuerySet
from directory.models import User
from erp_integrations.models.connections import Connection
from erp_integrations.models.constraints import build_known_constraint
from erp_integrations.models.master_data import MastersPull, SyncStatus
from erp_integrations.snapshots import hash_content


class TakeOverKind(models.TextChoices):
    LISTS = "lists", "Vendors, jobs and phases"
    COMMITMENTS = "commitments", "Running commitments"


class TakeOverStatus(models.TextChoices):
    NONE = "none", "Nothing was asked for"
    QUEUED = "queued", "Waiting for a worker"  # as a process from before the upgrade asks
    LOOKING = "looking", "Being looked at"
    READING = "reading", "Reading the phases of the jobs"
    SHOWN = "shown", "Looked at"
    TAKING = "taking", "Being taken over"
    DONE = "done", "Done"
    STOPPED = "stopped", "Stopped"
    FAILED = "failed", "Failed"


MOVING = (TakeOverStatus.QUEUED, TakeOverStatus.LOOKING, TakeOverStatus.READING, TakeOverStatus.TAKING)


class TakeOverQuerySet(LeasedQuerySet["TakeOver"]):
    """Reading take-overs; time is always the database's."""

    def due(self) -> "TakeOverQuerySet":
        """Asked for; or of lists that have been read again since."""
        reading = MastersPull.objects.filter(status__in=[SyncStatus.QUEUED, SyncStatus.PULLING])
        read = Q(kind=TakeOverKind.LISTS, connection__masters_pull__finished_at__gt=F("compared_at"))
        read &= ~Q(connection__in=reading.values("connection"))
        asked_for = Q(status__in=[TakeOverStatus.QUEUED, TakeOverStatus.LOOKING, TakeOverStatus.TAKING])
        asked_for |= Q(status=TakeOverStatus.READING, lease_until__lt=Now())  # its worker is gone
        return self.filter(Q(lease_until=None) | Q(lease_until__lt=Now()), asked_for | read)


class TakeOver(models.Model):
    """The row is the work, one of each kind for a connection.

    ``compared_at`` is when it was last held against the lists; the report counts what was made since it was
    last asked for, or by the rule at the last reading. ``plan`` is what a look has shown, and ``shown`` the
    stamps of what is to be made of it: that and nothing else is. ``tries`` is how often workers have begun.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="take_overs")
    kind = models.CharField(
        max_length=12, choices=TakeOverKind, default=TakeOverKind.LISTS, db_default=TakeOverKind.LISTS
    )
    vendor_codes = models.CharField(max_length=100, blank=True)
    job_numbers = models.CharField(max_length=100, blank=True)
    subcontract_numbers = models.CharField(max_length=100, blank=True, default="", db_default="")
    with_inactive = models.BooleanField("inactive and complete ones, too", default=False, db_default=False)
    takes_new = models.BooleanField(
        "take new ones over by themselves, as they were last chosen", default=False, db_default=False
    )
    closes = models.BooleanField("close here what is closed in Spectrum", default=False, db_default=False)
    status = models.CharField(
        max_length=10, choices=TakeOverStatus, default=TakeOverStatus.NONE, db_default=TakeOverStatus.NONE
    )
    attempt = models.PositiveIntegerField(default=0, db_default=0)
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    lease_until = models.DateTimeField(null=True)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    compared_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    report: Any = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    plan: Any = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    shown = ArrayField(models.CharField(max_length=64), default=list, db_default=[])
    problem = models.TextField(blank=True)

    objects = TakeOverQuerySet.as_manager()

    class Meta:
        constraints = [
            build_known_constraint("status", TakeOverStatus, "a_take_over_status_is_known"),
            models.UniqueConstraint(
                fields=["connection", "kind"], name="a_connection_has_one_of_each_take_over"
            ),
        ]

    def __str__(self) -> str:
        return f"Take-over from {self.connection}"

    @property
    def is_moving(self) -> bool:
        return self.status in MOVING

    @property
    def stamp(self) -> str:
        """Another one as soon as something else is shown."""
        return hash_content(sorted(self.shown))
