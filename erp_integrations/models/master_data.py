"""A Spectrum company's vendors, its jobs, and the phases of the jobs that are linked.

Kept as they were last read. What is no longer listed is marked gone and stays, because links and
exports of earlier days name it.
"""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, Upper

from directory.db.leases import LeasedQuerySet
from erp_integrations.models.connections import Connection
from erp_integrations.models.constraints import build_known_constraint

NAME_LENGTH = 200
CODE_LENGTH = 30


class MasterData(models.Model):
    """``seen_at`` is the beginning of the last reading that listed it."""

    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


def build_dollars_field() -> "models.DecimalField[Decimal | None, Decimal | None]":
    return models.DecimalField(
        max_digits=15, decimal_places=2, null=True, help_text="Empty: the list does not say."
    )


def build_price_method_field() -> "models.CharField[str, str]":
    help_text = "Blank: the list does not say."
    return models.CharField(
        max_length=CODE_LENGTH, blank=True, default="", db_default="", help_text=help_text
    )


class VendorState(models.TextChoices):
    """Spectrum takes no commitment with a vendor that is not used."""

    ACTIVE = "A", "Active"
    INACTIVE = "I", "Inactive"
    NOT_USED = "N", "Not used"


class JobState(models.TextChoices):
    """Spectrum refuses a commitment on a job that is Complete."""

    ACTIVE = "A", "Active"
    INACTIVE = "I", "Inactive"
    COMPLETE = "C", "Complete"


class Vendor(MasterData):
    """A vendor of a Spectrum company."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="vendors")
    code = models.CharField(max_length=CODE_LENGTH)
    name = models.CharField(max_length=NAME_LENGTH, blank=True)
    renamed_at = models.DateTimeField(null=True, help_text="The last reading that told another name.")
    status = models.CharField(
        max_length=1, choices=VendorState, default=VendorState.ACTIVE, db_default=VendorState.ACTIVE
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "code"], name="a_vendor_is_listed_once")]
        indexes = [models.Index("connection", Upper("code"), name="vendors_by_code")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def is_active(self) -> bool:
        return self.status == VendorState.ACTIVE


class Job(MasterData):
    """A job of a Spectrum company. ``phases_seen_at`` is empty until its phases were read."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="spectrum_jobs")
    number = models.CharField(max_length=CODE_LENGTH)
    description = models.CharField(max_length=NAME_LENGTH, blank=True)
    renamed_at = models.DateTimeField(null=True, help_text="The last reading that told another description.")
    status = models.CharField(
        max_length=1, choices=JobState, default=JobState.ACTIVE, db_default=JobState.ACTIVE
    )
    price_method = build_price_method_field()
    phases_seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "number"], name="a_job_is_listed_once")]
        indexes = [models.Index("connection", Upper("number"), name="jobs_by_number")]

    def __str__(self) -> str:
        return f"{self.number} {self.description}"

    @property
    def code(self) -> str:
        return self.number

    @property
    def name(self) -> str:
        return self.description

    @property
    def is_active(self) -> bool:
        return self.status == JobState.ACTIVE


PhaseState = JobState
"""Spectrum refuses a line on a phase that is Complete."""


class Phase(MasterData):
    """A phase of a linked job, with one of its cost types."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="phases")
    code = models.CharField(max_length=CODE_LENGTH, help_text="Without dashes.")
    cost_type = models.CharField(max_length=CODE_LENGTH)
    description = models.CharField(max_length=NAME_LENGTH, blank=True)
    status = models.CharField(max_length=1, choices=PhaseState)
    billing_item = models.CharField(max_length=CODE_LENGTH, blank=True)
    unit_of_measure = models.CharField(max_length=CODE_LENGTH, blank=True)
    price_method = build_price_method_field()
    estimate = build_dollars_field()
    to_date = build_dollars_field()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "code", "cost_type"], name="a_phase_is_listed_once"),
            build_known_constraint("status", PhaseState, "a_phase_status_is_known"),
        ]
        indexes = [models.Index("job", Upper("code"), name="phases_by_code")]

    def __str__(self) -> str:
        return f"{self.code} {self.cost_type}"


class SyncStatus(models.TextChoices):
    """Where the reading of a company's lists stands."""

    QUEUED = "queued", "Waiting for a worker"
    PULLING = "pulling", "Syncing"
    DONE = "done", "Read"
    FAILED = "failed", "Incomplete"


class MastersPullQuerySet(LeasedQuerySet["MastersPull"]):
    """Reading pulls; time is always the database's."""

    leased_status = SyncStatus.PULLING

    def due(self) -> "MastersPullQuerySet":
        """To be taken up now: its time has come, or the worker that had it is gone."""
        return self.filter(~Q(status=SyncStatus.PULLING), not_before__lte=Now()) | self.stalled()


class MastersPull(models.Model):
    """The reading of one connection's lists, again and again; the row is the work.

    ``not_before`` is the next time; empty while it is being read, unless somebody has asked for
    another one meanwhile. ``vendors_at`` and ``jobs_at`` are when a list was last read whole.
    The counts are those of the present reading, or of the last one.
    """

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="masters_pull")
    status = models.CharField(
        max_length=10, choices=SyncStatus, default=SyncStatus.QUEUED, db_default=SyncStatus.QUEUED
    )
    attempt = models.PositiveIntegerField(default=0, db_default=0)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True, db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True, default="", db_default="")

    vendors_read = models.PositiveIntegerField(default=0, db_default=0)
    jobs_read = models.PositiveIntegerField(default=0, db_default=0)
    phases_read = models.PositiveIntegerField(default=0, db_default=0)
    linked_jobs = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Whose phases are to be read."
    )
    linked_jobs_read = models.PositiveIntegerField(default=0, db_default=0)

    vendors_at = models.DateTimeField(null=True)
    jobs_at = models.DateTimeField(null=True)
    lists_inactive_vendors = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Then a vendor that is not listed does not exist; else it may be inactive.",
    )

    objects = MastersPullQuerySet.as_manager()

    class Meta:
        constraints = [
            build_known_constraint("status", SyncStatus, "a_pull_status_is_known"),
            models.CheckConstraint(
                condition=Q(status=SyncStatus.PULLING, lease_until__isnull=False)
                | (~Q(status=SyncStatus.PULLING) & Q(lease_until=None)),
                name="a_pull_is_leased_while_it_is_being_read",
            ),
            models.CheckConstraint(
                condition=Q(status=SyncStatus.PULLING) | Q(not_before__isnull=False),
                name="a_pull_that_rests_has_a_next_time",
            ),
        ]

    def __str__(self) -> str:
        return f"Lists of {self.connection}"

    @property
    def is_moving(self) -> bool:
        return self.status in (SyncStatus.QUEUED, SyncStatus.PULLING)
