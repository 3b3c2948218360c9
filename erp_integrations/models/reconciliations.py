"""Comparing what was exported with what Spectrum holds: the runs, and what was found to drift."""

from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.urls import reverse

from directory.db.leases import LeasedQuerySet
from directory.models import Company, User
from erp_integrations.models.connections import Connection
from erp_integrations.models.constraints import build_known_constraint
from erp_integrations.models.exports import ExportJob
from erp_integrations.models.submissions import Submission


class ReconciliationStatus(models.TextChoices):
    """Where a run stands."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Comparing"
    FINISHED = "finished", "Compared"
    STOPPED = "stopped", "Can't be checked now"


OPEN = (ReconciliationStatus.WAITING, ReconciliationStatus.RUNNING)


class ReconciliationQuerySet(LeasedQuerySet["Reconciliation"]):
    """Reading runs; time is always the database's."""

    leased_status = ReconciliationStatus.RUNNING

    def open(self) -> "ReconciliationQuerySet":
        return self.filter(status__in=OPEN)

    def finished(self) -> "ReconciliationQuerySet":
        """All synced commitments were compared."""
        return self.filter(status=ReconciliationStatus.FINISHED)

    def due(self) -> "ReconciliationQuerySet":
        """Waiting, or left by a worker whose lease is over."""
        return self.filter(status=ReconciliationStatus.WAITING) | self.stalled()


class Reconciliation(models.Model):
    """One comparison of all synced commitments of a connection with what Spectrum holds.

    It goes through the export jobs by their key: ``after_job`` is the last one that was compared,
    so that another worker can go on from there. ``attempt`` grows with each claim, and a worker whose
    number is not the row's any more may change nothing. ``problem`` says why nobody could look.
    """

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="reconciliations")
    status = models.CharField(
        max_length=10,
        choices=ReconciliationStatus,
        default=ReconciliationStatus.WAITING,
        db_default=ReconciliationStatus.WAITING,
    )
    asked_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", help_text="Null: the daily one."
    )
    asked_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempt = models.PositiveIntegerField(default=0, db_default=0)
    after_job = models.PositiveBigIntegerField(default=0, db_default=0)
    to_compare = models.PositiveIntegerField(default=0, db_default=0)
    compared = models.PositiveIntegerField(default=0, db_default=0)
    problem = models.CharField(max_length=300, blank=True, default="", db_default="")

    objects = ReconciliationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection"],
                condition=Q(status__in=OPEN),
                name="a_connection_has_one_open_reconciliation",
            ),
            build_known_constraint("status", ReconciliationStatus, "a_reconciliation_status_is_known"),
            models.CheckConstraint(
                condition=Q(status=ReconciliationStatus.RUNNING, lease_until__isnull=False)
                | (~Q(status=ReconciliationStatus.RUNNING) & Q(lease_until=None)),
                name="a_reconciliation_is_leased_while_it_runs",
            ),
            models.CheckConstraint(
                condition=Q(status__in=OPEN, ended_at=None)
                | (~Q(status__in=OPEN) & Q(ended_at__isnull=False)),
                name="a_reconciliation_that_is_over_says_when",
            ),
        ]
        indexes = [models.Index(fields=["connection", "-id"], name="reconciliations_by_connection")]

    def __str__(self) -> str:
        return f"Reconciliation of {self.connection}"


class DriftKind(models.TextChoices):
    """In which way a commitment is not what was exported."""

    CHANGED = "changed", "Changed in Spectrum"
    MISSING = "missing", "Missing in Spectrum"
    ELSEWHERE = "elsewhere", "Moved in Spectrum"
    EXTRA_LINES = "extra-lines", "Extra lines in Spectrum"
    CHANGED_HERE = "changed-here", "Changed here, not in Spectrum"
    LATE = "late", "Appeared late in Spectrum"


class DriftQuerySet(models.QuerySet["Drift"]):
    """Reading drift."""

    def current(self) -> "DriftQuerySet":
        return self.filter(gone_at=None)

    def late(self) -> "DriftQuerySet":
        """Of records that nobody's current export stands for: written when nobody expected it any more."""
        return self.current().exclude(record_name="")


class Drift(models.Model):
    """One commitment that is not what was exported, from when it was first seen until it agrees again.

    ``findings`` holds kind, title, name, exported and now of each, and of what kind the two values are.
    ``record_name`` is blank for the record that the job stands for; else it names the one that turned up.
    """

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="drifts")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="drifts")
    job = models.ForeignKey(ExportJob, on_delete=models.PROTECT, related_name="drifts")
    kinds = ArrayField(models.CharField(max_length=12, choices=DriftKind))
    findings: Any = models.JSONField()
    record_name = models.CharField(max_length=80, blank=True, default="", db_default="")
    first_seen_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now())
    gone_at = models.DateTimeField(null=True)

    objects = DriftQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job", "record_name"],
                condition=Q(gone_at=None),
                name="an_export_drifts_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(kinds__contained_by=DriftKind.values, kinds__len__gt=0),
                name="the_kinds_of_drift_are_known",
            ),
        ]
        indexes = [
            models.Index(fields=["company", "-id"], condition=Q(gone_at=None), name="current_drift"),
        ]

    def __str__(self) -> str:
        return f"Drift of {self.submission}"

    def get_absolute_url(self) -> str:
        return reverse("erp_integrations:review", args=[self.company.slug, self.submission_id])


class JobBilling(models.Model):
    """Spectrum's figures of one export, when it was last read: invoiced and paid.

    Null where it does not say. ``lines`` holds title, amount and quantity of each line that was billed.
    """

    job = models.OneToOneField(ExportJob, on_delete=models.PROTECT, related_name="billing")
    read_at = models.DateTimeField(db_default=Now())
    billed = models.DecimalField(max_digits=15, decimal_places=2, null=True)
    paid = models.DecimalField(max_digits=15, decimal_places=2, null=True)
    retention_held = models.DecimalField(max_digits=15, decimal_places=2, null=True)
    balance = models.DecimalField(max_digits=15, decimal_places=2, null=True)
    lines: Any = models.JSONField(default=list, db_default=Value([], models.JSONField()))

    def __str__(self) -> str:
        return f"Billing of {self.job}"

    @property
    def figures(self) -> list[tuple[str, Decimal]]:
        """Those that Spectrum says, each with its name."""
        named = (
            ("Billed", self.billed),
            ("Paid", self.paid),
            ("Retention held", self.retention_held),
            ("Balance", self.balance),
        )
        return [(label, amount) for label, amount in named if amount is not None]

    @property
    def billed_lines(self) -> list[tuple[str, Decimal]]:
        """By the line's title ("Line 2")."""
        return [(line["title"], Decimal(line["amount"])) for line in self.lines]

    @property
    def has_amounts(self) -> bool:
        """Something was invoiced or paid: then the record can't have been deleted."""
        return bool(self.billed or self.paid or self.lines)
