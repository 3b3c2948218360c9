"""A project's commitments: subcontracts and purchase orders with their Schedule of Values.

Of the ERP this app knows three columns and no more: ``lock``, ``badge`` and ``erp_id``,
which the ERP Integrations tool sets through ``locks``.
"""

from decimal import Decimal
from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, Upper
from django.urls import reverse

from directory.db.leases import LeasedQuerySet
from directory.db.search import build_search_column
from directory.models import Company, Project, User, build_company_column


class Kind(models.TextChoices):
    SUBCONTRACT = "subcontract", "Subcontract"
    PURCHASE_ORDER = "purchase_order", "Purchase Order"


class SubcontractStatus(models.TextChoices):
    """How far a subcontract has come in the project."""

    DRAFT = "draft", "Draft"
    OUT_FOR_BID = "out_for_bid", "Out for Bid"
    OUT_FOR_SIGNATURE = "out_for_signature", "Out for Signature"
    APPROVED = "approved", "Approved"
    COMPLETE = "complete", "Complete"
    TERMINATED = "terminated", "Terminated"
    VOID = "void", "Void"


class PurchaseOrderStatus(models.TextChoices):
    """How far a purchase order has come in the project."""

    DRAFT = "draft", "Draft"
    PROCESSING = "processing", "Processing"
    SUBMITTED = "submitted", "Submitted"
    PARTIALLY_RECEIVED = "partially_received", "Partially Received"
    RECEIVED = "received", "Received"
    APPROVED = "approved", "Approved"
    CLOSED = "closed", "Closed"


STATUSES: dict[str, type[models.TextChoices]] = {
    Kind.SUBCONTRACT: SubcontractStatus,
    Kind.PURCHASE_ORDER: PurchaseOrderStatus,
}
SENDABLE_STATUSES: dict[str, tuple[str, ...]] = {
    Kind.SUBCONTRACT: (SubcontractStatus.APPROVED, SubcontractStatus.COMPLETE),
    Kind.PURCHASE_ORDER: (PurchaseOrderStatus.APPROVED,),
}

EXPORTED_STATUSES: dict[str, tuple[str, ...]] = {
    Kind.SUBCONTRACT: (SubcontractStatus.COMPLETE, SubcontractStatus.TERMINATED, SubcontractStatus.VOID),
    Kind.PURCHASE_ORDER: (PurchaseOrderStatus.CLOSED,),
}
"""Those to which it may still move once the ERP has it."""


class Lock(models.TextChoices):
    NONE = "none", "Editable"
    WHOLE = "whole", "Locked while accounting has it"
    EXPORTED = "exported", "Locked where it was exported"


DETAILS: dict[str, tuple[str, ...]] = {
    Kind.SUBCONTRACT: ("start_date", "completion_date", "inclusions", "exclusions", "terms"),
    Kind.PURCHASE_ORDER: ("delivery_date", "ship_to", "terms"),
}
"""The rest of a contract, by kind. It is not exported, and so in no snapshot."""
SIGNATURE = ("executed", "executed_date")

NOT_EXPORTED = (Lock.NONE, Lock.WHOLE)


class Badge(models.TextChoices):
    """The one word that the project side shows about accounting (docs/product.md, section 3.3)."""

    NOT_SENT = "not_sent", "Not sent"
    AWAITING = "awaiting", "Awaiting accounting"
    EXPORTING = "exporting", "Exporting"
    SYNCED = "synced", "Synced"
    SYNCED_WITH_DIFFERENCES = "synced_with_differences", "Synced with differences"
    REJECTED = "rejected", "Rejected"
    RETRIEVED = "retrieved", "Retrieved"
    FAILED = "failed", "Failed to export"
    NEEDS_ATTENTION = "needs_attention", "Needs attention"
    UNLINKED = "unlinked", "Unlinked"


LONGEST_NAME = 150
"""Of a file."""
TROUBLE = (Badge.FAILED, Badge.NEEDS_ATTENTION)
IN_MOTION = (Badge.AWAITING, Badge.EXPORTING, Badge.REJECTED, *TROUBLE)
TO_BE_SENT_AGAIN = (Badge.REJECTED, Badge.RETRIEVED, Badge.UNLINKED)


class Choice(models.Model):
    """Something that commitments choose, as long as it is open; a merged one is closed for good."""

    closed_at = models.DateTimeField(null=True, editable=False)
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(merged_into=None) | Q(closed_at__isnull=False),
                name="a_merged_%(class)s_is_closed",
            )
        ]

    @property
    def state(self) -> str:
        if self.merged_into:
            return f"Merged into {self.merged_into}"
        return "Closed" if self.closed_at else "Open"


class ContractCompany(Choice):
    """The vendor on a commitment, as the contractor's projects know it."""

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="contract_companies")
    name = models.CharField(max_length=200)

    class Meta:
        verbose_name_plural = "contract companies"
        ordering = ["name"]
        constraints = [
            *Choice.Meta.constraints,
            models.UniqueConstraint("company", "name", name="a_contract_company_is_listed_once"),
        ]

    def __str__(self) -> str:
        return self.name


class CostCode(Choice):
    """Where in a project's budget a line belongs (Spectrum: phase)."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="cost_codes")
    code = models.CharField(max_length=30)
    name = models.CharField(max_length=200)

    class Meta:
        ordering = ["code"]
        constraints = [
            *Choice.Meta.constraints,
            models.UniqueConstraint("project", "code", name="a_cost_code_is_unique_in_its_project"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class CostType(models.Model):
    """The kind of cost of a line: labor, material, subcontract, …"""

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="cost_types")
    code = models.CharField(max_length=10)
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint("company", "code", name="a_cost_type_is_unique_in_its_company")
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class CommitmentQuerySet(models.QuerySet["Commitment"]):
    """Reading commitments."""

    def with_total(self) -> "CommitmentQuerySet":
        """Each with ``total``, the sum of its lines' amounts."""
        lines = LineItem.objects.filter(commitment=models.OuterRef("pk")).order_by().values("commitment")
        total = lines.annotate(total=models.Sum("amount")).values("total")
        return self.annotate(
            total=models.functions.Coalesce(
                models.Subquery(total), Decimal("0.00"), output_field=models.DecimalField()
            )
        )


class Commitment(models.Model):
    """A subcontract or a purchase order of a project."""

    company = build_company_column()
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="commitments", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind)
    number = models.CharField(max_length=30, blank=True)
    title = models.CharField(max_length=255, blank=True)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=20, default="draft", db_default="draft")
    contract_company = models.ForeignKey(
        ContractCompany,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="commitments",
        db_index=False,
    )
    trade = models.CharField(max_length=60, blank=True)
    issue_date = models.DateField(null=True, blank=True)
    default_retainage = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        default=Decimal("0"),
        db_default=Decimal("0"),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))],
        help_text="Percentage held back from each payment.",
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="created_commitments")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(
        default=1, db_default=1, help_text="Grows with each change, so that none is lost."
    )

    executed = models.BooleanField(default=False, db_default=False)
    executed_date = models.DateField(null=True, blank=True)
    start_date = models.DateField(null=True, blank=True)
    completion_date = models.DateField(null=True, blank=True)
    delivery_date = models.DateField(null=True, blank=True)
    ship_to = models.TextField(blank=True, default="", db_default="")
    inclusions = models.TextField(blank=True, default="", db_default="")
    exclusions = models.TextField(blank=True, default="", db_default="")
    terms = models.TextField(blank=True, default="", db_default="")

    entry_key = models.UUIDField(null=True, editable=False)
    """Of the form that it was created with, which creates once however often it is sent."""
    lock = models.CharField(max_length=10, choices=Lock, default=Lock.NONE, db_default=Lock.NONE)
    badge = models.CharField(max_length=30, choices=Badge, default=Badge.NOT_SENT, db_default=Badge.NOT_SENT)
    erp_id = models.CharField("ERP ID", max_length=30, blank=True)

    search = build_search_column("project_id", "number", "title", "erp_id")

    objects = CommitmentQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                "project",
                "kind",
                Upper("number"),
                condition=~Q(number=""),
                name="a_number_is_unique_in_its_project_and_kind",
            ),
            models.UniqueConstraint(
                fields=["created_by", "project", "entry_key"],
                condition=Q(entry_key__isnull=False),
                name="a_form_creates_once",
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="a_commitment_is_of_a_known_kind"),
            models.CheckConstraint(
                condition=Q(kind=Kind.SUBCONTRACT, status__in=SubcontractStatus.values)
                | Q(kind=Kind.PURCHASE_ORDER, status__in=PurchaseOrderStatus.values),
                name="a_status_fits_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(executed=True) | Q(executed_date=None),
                name="an_executed_date_is_of_an_executed_one",
            ),
            models.CheckConstraint(condition=Q(lock__in=Lock.values), name="a_lock_is_known"),
            models.CheckConstraint(condition=Q(badge__in=Badge.values), name="a_badge_is_known"),
            models.CheckConstraint(
                condition=Q(default_retainage__gte=0, default_retainage__lte=100),
                name="retainage_is_a_percentage",
            ),
        ]
        indexes = [
            GinIndex(fields=["search"], fastupdate=False, name="commitments_by_word"),
            models.Index(fields=["project", "id"], name="commitments_by_project"),
            models.Index(
                fields=["project", "badge"],
                condition=Q(badge__in=(*IN_MOTION, Badge.RETRIEVED, Badge.UNLINKED)),
                name="in_motion_by_project",
            ),
            models.Index(fields=["contract_company", "id"], name="by_contract_company"),
            models.Index(
                fields=["contract_company", "project"],
                condition=Q(lock__in=NOT_EXPORTED),
                name="unexported_by_contract_company",
            ),
            models.Index(
                fields=["project"], condition=Q(lock__in=NOT_EXPORTED), name="unexported_by_project"
            ),
        ]

    def __str__(self) -> str:
        return self.number or f"{self.get_kind_display()} without a number"

    def get_absolute_url(self) -> str:
        return reverse("commitments:detail", args=[self.project_id, self.pk])

    def get_status_display(self) -> str:
        """The status in words; which ones there are depends on the kind."""
        return str(STATUSES[self.kind](self.status).label)

    @property
    def can_be_deleted(self) -> bool:
        """One that was ever sent may only be voided."""
        return self.badge == Badge.NOT_SENT


class LineItem(models.Model):
    """One priced line of the Schedule of Values. The amount counts; quantity and cost explain it."""

    company = build_company_column()
    commitment = models.ForeignKey(Commitment, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.PositiveIntegerField()
    cost_code = models.ForeignKey(CostCode, on_delete=models.PROTECT, null=True, blank=True)
    cost_type = models.ForeignKey(CostType, on_delete=models.PROTECT, null=True, blank=True)
    billing_item = models.CharField(max_length=20, blank=True)
    description = models.CharField(max_length=255, blank=True)
    quantity = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    unit_of_measure = models.CharField(max_length=10, blank=True)
    unit_cost = models.DecimalField(max_digits=16, decimal_places=6, null=True, blank=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    unexported_in = models.BigIntegerField(null=True, editable=False)
    """The project while its commitment is not exported; the database writes it (migration 0007)."""
    committed = models.DecimalField(max_digits=14, decimal_places=2, null=True, editable=False)
    """The amount while its commitment is locked, less what was billed (migration 0009)."""

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["commitment", "position"],
                name="a_position_holds_one_line",
                deferrable=models.Deferrable.DEFERRED,
            )
        ]
        indexes = [
            models.Index(
                fields=["cost_code", "cost_type"],
                include=["commitment", "committed"],
                condition=Q(committed__isnull=False),
                name="committed_amounts",
            ),
            *(
                models.Index(
                    fields=["unexported_in", *names], condition=Q(unexported_in__isnull=False), name=name
                )
                for name, *names in (
                    ("used_codes", "cost_code", "cost_type"),
                    ("used_units", "unit_of_measure"),
                )
            ),
        ]

    def __str__(self) -> str:
        return f"Line {self.position}"

    @property
    def line_id(self) -> int | None:
        """Its identity, which a save keeps; snapshots carry it."""
        return self.pk


class Attachment(models.Model):
    """A file that somebody attached. Once it was sent to accounting its row and the file stay for good."""

    commitment = models.ForeignKey(Commitment, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=LONGEST_NAME)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    stored_as = models.CharField(max_length=100, unique=True)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    added_at = models.DateTimeField(db_default=Now())
    was_sent = models.BooleanField(default=False, db_default=False)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                "commitment",
                "name",
                "sha256",
                condition=Q(removed_at=None),
                name="a_file_is_attached_once",
            ),
            models.CheckConstraint(
                condition=Q(removed_at=None) | Q(was_sent=True),
                name="only_what_was_sent_outlives_its_removal",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def attachment_id(self) -> int:
        """As a snapshot calls it."""
        return self.pk


class ImportKind(models.TextChoices):
    COMMITMENTS = "commitments", "Commitments"
    VENDORS = "vendors", "Contract Companies"
    PROJECTS = "projects", "Projects"
    COST_CODES = "cost_codes", "Cost codes"


class ImportState(models.TextChoices):
    """How far a file has come. Between them stands what a worker is at."""

    COLUMNS = "columns", "Columns"
    CHECKING = "checking", "Being checked"
    CHECKED = "checked", "Checked"
    REHEARSING = "rehearsing", "Being rehearsed"
    WRITING = "writing", "Being imported"
    DONE = "done", "Imported"


WORKING = (ImportState.CHECKING, ImportState.REHEARSING, ImportState.WRITING)


class Import(models.Model):
    """A file that its person brings in. Its content goes once it was written."""

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="+", db_index=False)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, choices=ImportKind)
    file_name = models.CharField(max_length=LONGEST_NAME)
    content = models.BinaryField(null=True)
    is_large = models.BooleanField(default=False, db_default=False, help_text="A worker reads it.")
    table: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField()
    options: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, db_default=models.Value({}, models.JSONField())
    )
    state = models.CharField(
        max_length=20, choices=ImportState, default=ImportState.COLUMNS, db_default=ImportState.COLUMNS
    )
    progress = models.PositiveIntegerField(default=0, db_default=0)
    result: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, db_default=models.Value({}, models.JSONField())
    )
    created_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True)
    attempt = models.PositiveIntegerField(default=0, db_default=0, help_text="The fencing token.")

    objects = LeasedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=ImportKind.values), name="an_import_is_of_a_known_kind"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ImportState.values), name="an_import_is_in_a_known_state"
            ),
            models.CheckConstraint(
                condition=Q(content__isnull=False) | Q(state=ImportState.DONE),
                name="an_import_keeps_its_file_until_it_is_written",
            ),
        ]
        indexes = [
            models.Index(fields=["by", "company", "-id"], name="imports_by_person"),
            models.Index(fields=["id"], condition=Q(state__in=WORKING), name="imports_for_a_worker"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} from {self.file_name}"

    def get_absolute_url(self) -> str:
        return reverse("imports:import", args=[self.company.slug, self.pk])

    @property
    def is_working(self) -> bool:
        return self.state in WORKING
