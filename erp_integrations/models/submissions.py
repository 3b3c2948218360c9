"""A person's decision: one sending of one commitment, what was sent, and how it was decided."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Now
from django.urls import reverse

from commitments.models import STATUSES, Commitment, Kind
from directory.db.prepared import save_columns
from directory.db.search import build_search_column
from directory.db.transitions import require_transition
from directory.models import Company, Project, User, build_company_column
from erp_integrations.models.connections import Connection
from erp_integrations.models.constraints import build_known_constraint
from erp_integrations.models.job_statuses import DEVIATING, JobStatus
from erp_integrations.snapshots import Document, Purpose, from_json, hash_text


class SnapshotUnreadable(ValueError):
    """The sent document does not follow from what is stored; the text is a sentence for people."""


class SubmissionStatus(models.TextChoices):
    """Where the decision stands (docs/product.md, section 4)."""

    AWAITING = "awaiting", "Awaiting accounting"
    RETRIEVED = "retrieved", "Retrieved"
    REJECTED = "rejected", "Rejected"
    ACCEPTED = "accepted", "Accepted"
    UNLINKED = "unlinked", "Unlinked"


SUBMISSION_TRANSITIONS: dict[str, frozenset[str]] = {
    SubmissionStatus.AWAITING: frozenset(
        {SubmissionStatus.RETRIEVED, SubmissionStatus.REJECTED, SubmissionStatus.ACCEPTED}
    ),
    SubmissionStatus.ACCEPTED: frozenset(
        {SubmissionStatus.AWAITING, SubmissionStatus.REJECTED, SubmissionStatus.UNLINKED}
    ),
    SubmissionStatus.RETRIEVED: frozenset(),
    SubmissionStatus.REJECTED: frozenset(),
    SubmissionStatus.UNLINKED: frozenset(),
}
OPEN_STATUSES = (SubmissionStatus.AWAITING, SubmissionStatus.ACCEPTED)
DECIDED_STATUSES = (SubmissionStatus.REJECTED, SubmissionStatus.ACCEPTED, SubmissionStatus.UNLINKED)


class SubmissionQuerySet(models.QuerySet["Submission"]):
    """Reading submissions; each name is the one that the filter has on screen."""

    def whole(self) -> "SubmissionQuerySet":
        """Those that made a record, or are to make one."""
        return self.filter(purpose=Purpose.WHOLE)

    def awaiting(self) -> "SubmissionQuerySet":
        return self.filter(status=SubmissionStatus.AWAITING)

    def undecided(self) -> "SubmissionQuerySet":
        """Awaiting a decision, or accepted with an export that waits for one."""
        return self.awaiting() | self.with_job_status(
            JobStatus.FAILED, JobStatus.INCOMPLETE, JobStatus.UNKNOWN
        )

    def exporting(self) -> "SubmissionQuerySet":
        return self.with_job_status(JobStatus.QUEUED, JobStatus.EXPORTING)

    def failed(self) -> "SubmissionQuerySet":
        """Accepted, refused or given up, with nothing written."""
        return self.with_job_status(JobStatus.FAILED)

    def needing_attention(self) -> "SubmissionQuerySet":
        """Accepted, and a person must look: written in part, nobody knows, or not in Spectrum as accepted."""
        stopped = Q(jobs__status__in=[JobStatus.INCOMPLETE, JobStatus.UNKNOWN])
        deviates = Q(jobs__status=JobStatus.SYNCED, jobs__verification__in=DEVIATING, jobs__seen_at=None)
        return self.with_unfinished_job(stopped | deviates)

    def needing_person(self) -> "SubmissionQuerySet":
        """On either of these two lists: whoever counts or mails what waits for a person asks here."""
        return self.failed() | self.needing_attention()

    def synced(self) -> "SubmissionQuerySet":
        """Accepted and written, and as accepted, or a person has seen how it deviates."""
        # Asked of each row in the list's order: a join may begin with the jobs of everybody.
        jobs = Submission._meta.get_field("jobs").related_model._default_manager
        calm = ~Q(verification__in=DEVIATING) | Q(seen_at__isnull=False)
        synced = jobs.filter(calm, submission=OuterRef("pk"), status=JobStatus.SYNCED)
        accepted = self.filter(status=SubmissionStatus.ACCEPTED)
        accepted = accepted.annotate(verification=Subquery(synced.values("verification")[:1]))
        # And not which ones are: most are, and PostgreSQL would expect few.
        return accepted.filter(Q(verification__isnull=False))

    def rejected(self) -> "SubmissionQuerySet":
        return self.filter(status=SubmissionStatus.REJECTED)

    def with_job_status(self, *statuses: JobStatus) -> "SubmissionQuerySet":
        """Accepted ones whose export job stands so."""
        return self.with_unfinished_job(Q(jobs__status__in=statuses))

    def with_unfinished_job(self, condition: Q) -> "SubmissionQuerySet":
        """Accepted ones with such a job, found from the company's few unfinished ones."""
        of_company = Q(jobs__company=F("company"))
        return self.filter(condition, of_company, status=SubmissionStatus.ACCEPTED)


class Submission(models.Model):
    """One sending of one commitment.

    ``snapshot`` is the document exactly as it was sent and never changes. The columns
    number to total repeat what lists show of it, so that a list needs no snapshot.
    """

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="submissions", db_index=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="submissions")
    commitment = models.ForeignKey(Commitment, on_delete=models.PROTECT, related_name="submissions")
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="submissions", db_index=False
    )
    status = models.CharField(
        max_length=12,
        choices=SubmissionStatus,
        default=SubmissionStatus.AWAITING,
        db_default=SubmissionStatus.AWAITING,
    )

    purpose = models.CharField(
        max_length=10, choices=Purpose, default=Purpose.WHOLE, db_default=Purpose.WHOLE
    )
    new_status = models.CharField(
        max_length=20,
        blank=True,
        default="",
        db_default="",
        help_text="The commitment's, once Spectrum has it; blank where the purpose is another.",
    )
    snapshot = models.TextField()
    snapshot_hash = models.CharField(max_length=64)
    schema_version = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20, choices=Kind)
    number = models.CharField(max_length=30)
    title = models.CharField(max_length=255)
    contract_company_name = models.CharField(max_length=200)
    total = models.DecimalField(max_digits=18, decimal_places=2)

    sent_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="sent_submissions", db_index=False
    )
    sent_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    hands = ArrayField(
        models.BigIntegerField(),
        default=list,
        db_default=[],
        help_text="Everybody who wrote, changed, sent or retrieved it since it was last exported.",
    )
    exempt = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="Who may decide on it once, whatever hand they had in it.",
    )
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True, default="", db_default="")
    reason = models.TextField(blank=True, default="", db_default="")
    erp_id = models.CharField(
        "ERP ID",
        max_length=30,
        blank=True,
        default="",
        db_default="",
        help_text="Of its export job, while it has one that is not cancelled.",
    )
    # Of this sending alone, in the place of its default.
    general_ledger_account = models.CharField(max_length=12, blank=True, default="", db_default="")
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)
    asked = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether anything was ever asked about its commitment: else nothing reads questions.",
    )
    corrected_at = models.DateTimeField(
        null=True, help_text="When nothing stood in the way any more after it was rejected and changed."
    )
    restored_at = models.DateTimeField(
        null=True, help_text="When it came back with an older copy of the database; nobody has decided since."
    )

    search = build_search_column("company_id", "number", "title", "contract_company_name", "erp_id")

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["commitment"],
                condition=Q(status__in=OPEN_STATUSES, purpose=Purpose.WHOLE),
                name="a_commitment_has_one_open_submission",
            ),
            models.UniqueConstraint(
                fields=["commitment"],
                # In words that no query uses: its index knows no company, and would be read whole for one.
                condition=Q(status__regex=f"^{SubmissionStatus.AWAITING.value}$"),
                name="a_commitment_awaits_one_decision",
            ),
            models.CheckConstraint(
                condition=Q(purpose=Purpose.WHOLE, new_status="")
                | (Q(purpose=Purpose.STATUS) & ~Q(new_status="")),
                name="a_submission_has_a_known_purpose_and_its_status",
            ),
            build_known_constraint("status", SubmissionStatus, "a_submission_status_is_known"),
            models.CheckConstraint(
                condition=Q(status__in=DECIDED_STATUSES, decided_by__isnull=False, decided_at__isnull=False)
                | (~Q(status__in=DECIDED_STATUSES) & Q(decided_by=None, decided_at=None)),
                name="a_decision_has_a_person_and_a_time",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=["retrieved", "unlinked"], ended_by__isnull=False, ended_at__isnull=False
                )
                | (~Q(status__in=["retrieved", "unlinked"]) & Q(ended_by=None, ended_at=None)),
                name="an_end_has_a_person_and_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(status=SubmissionStatus.REJECTED) | ~Q(reason=""),
                name="a_rejection_has_a_reason",
            ),
        ]
        indexes = [
            GinIndex(fields=["search"], fastupdate=False, name="submissions_by_word"),
            models.Index(fields=["company", "id"], name="submissions_by_company"),
            models.Index(fields=["company", "status", "id"], name="submissions_by_status"),
            models.Index(
                fields=["company", "id"],
                include=["project", "total", "contract_company_name"],  # counted and summed
                condition=Q(status="awaiting"),
                name="awaiting_by_company",
            ),
            models.Index(fields=["company", "decided_by", "decided_at"], name="submissions_by_decider"),
            models.Index(
                fields=["company", "contract_company_name", "id"],
                condition=Q(status__in=OPEN_STATUSES),
                name="open_submissions_by_vendor",
            ),
            models.Index(fields=["company", "sent_by"], name="submissions_by_sender"),
            models.Index(fields=["company", "total"], name="submissions_by_total"),
            models.Index(fields=["company", "number", "id"], name="submissions_by_number"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("erp_integrations:review", args=[self.company.slug, self.pk])

    @property
    def document(self) -> Document:
        """As it was sent. Raises SnapshotUnreadable when the stored text no longer has its hash."""
        if hash_text(self.snapshot) != self.snapshot_hash:
            raise SnapshotUnreadable("The stored copy of this commitment was altered after it was sent.")
        try:
            document = from_json(self.snapshot)
        except ValueError as error:
            raise SnapshotUnreadable(
                "The stored copy of this commitment was written by a newer version of Ledgergate."
            ) from error
        new_status = document.status if document.is_status else ""
        if (document.purpose, new_status) != (self.purpose, self.new_status):
            raise SnapshotUnreadable("What this commitment was sent for was altered after it was sent.")
        return document

    @property
    def new_status_label(self) -> str:
        """In words; blank where the purpose is another."""
        return str(STATUSES[self.kind](self.new_status).label) if self.new_status else ""

    def is_own_decision(self, person: User) -> bool:
        """Another person must decide: nobody does on what they had a hand in.

        A company can be freed from this rule, and one person once (docs/product.md, section 2.5).
        """
        has_hand = person.pk in (self.created_by_id, self.sent_by_id, *self.hands)
        return has_hand and not self.company.allows_own_decisions and person.pk != self.exempt_id

    def save_decision(self) -> None:
        """Write what a decision may change; what was sent stays."""
        decision = ("status", "exempt", "erp_id", "decided_by", "decided_at", "note", "reason", "restored_at")
        save_columns(self, *decision, "ended_by", "ended_at")

    def set_status(self, status: SubmissionStatus) -> None:
        """Change the status along an arrow of the table; its exemption and ERP ID end.

        Raises TransitionRefused.
        """
        require_transition(SUBMISSION_TRANSITIONS, current=self.status, wanted=status)
        self.status = status
        self.exempt, self.erp_id = None, ""

    def accept(self, *, by: User, at: datetime, note: str, erp_id: str) -> None:
        self.set_status(SubmissionStatus.ACCEPTED)
        self.decided_by, self.decided_at, self.note, self.reason = by, at, note, ""
        self.erp_id = erp_id
        self.restored_at = None

    def accept_retry(self, *, by: User, at: datetime, note: str, erp_id: str) -> None:
        """Decide for another try of a failed export; the first decision stays in the history."""
        self.decided_by, self.decided_at, self.note, self.erp_id = by, at, note, erp_id
        self.restored_at = self.exempt = None

    def reject(self, *, by: User, at: datetime, reason: str) -> None:
        """Send it back to the project; after a failed export as well as before a decision."""
        self.set_status(SubmissionStatus.REJECTED)
        self.decided_by, self.decided_at, self.reason = by, at, reason
        self.restored_at = None

    def retrieve(self, *, by: User, at: datetime) -> None:
        self.set_status(SubmissionStatus.RETRIEVED)
        self.ended_by, self.ended_at = by, at

    def unlink(self, *, by: User, at: datetime) -> None:
        self.set_status(SubmissionStatus.UNLINKED)
        self.ended_by, self.ended_at = by, at

    def undo_acceptance(self) -> None:
        """Take an acceptance back, of which nothing was written."""
        self.set_status(SubmissionStatus.AWAITING)
        self.decided_by = self.decided_at = None
        self.note = ""


class ErpIdHold(models.Model):
    """A record name in Spectrum that belongs to one commitment, from Accept on.

    Vendor code and ERP ID are trimmed and upper case. Two projects with the same vendor and
    number can therefore never overwrite each other. The row goes when the name is free again.
    """

    company = build_company_column()
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="erp_id_holds", db_index=False
    )
    vendor_code = models.CharField(max_length=10)
    erp_id = models.CharField(max_length=30)
    commitment = models.OneToOneField(Commitment, on_delete=models.PROTECT, related_name="erp_id_hold")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "connection", "vendor_code", "erp_id", name="an_erp_id_belongs_to_one_commitment"
            )
        ]

    def __str__(self) -> str:
        return f"{self.vendor_code} {self.erp_id}"
