"""A machine's delivery: the export job of an accepted submission, its calls, and every wire attempt."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Now
from django.utils import timezone

from directory.db.leases import LeasedQuerySet
from directory.db.transitions import require_transition
from directory.models import CompanyMembership, User, build_company_column
from erp_integrations.models.connection_settings import SuccessRule
from erp_integrations.models.connections import Connection
from erp_integrations.models.constraints import build_known_constraint
from erp_integrations.models.job_statuses import (
    DEVIATING,
    JOB_TRANSITIONS,
    NEEDING_ATTENTION,
    UNFINISHED,
    JobStatus,
    Verification,
)
from erp_integrations.models.submissions import Submission
from erp_integrations.snapshots import Purpose


class ExportJobQuerySet(LeasedQuerySet["ExportJob"]):
    """Reading export jobs; time is always the database's."""

    leased_status = JobStatus.EXPORTING

    def current(self) -> "ExportJobQuerySet":
        """The one of each submission that counts."""
        return self.exclude(status=JobStatus.CANCELLED)

    def unfinished(self) -> "ExportJobQuerySet":
        """On their way, or waiting for a person."""
        return self.filter(UNFINISHED)

    def due(self) -> "ExportJobQuerySet":
        """To be taken up now: queued, or incomplete and going on by itself."""
        return self.filter(status__in=[JobStatus.QUEUED, JobStatus.INCOMPLETE], not_before__lte=Now())

    def lacking_approval_right(self) -> "ExportJobQuerySet":
        """Queued, and the person who accepted may not decide any more."""
        decider = CompanyMembership.objects.deciders().filter(
            user=OuterRef("submission__decided_by"), company=OuterRef("submission__company")
        )
        return self.filter(~Exists(decider), status=JobStatus.QUEUED)

    def unverified(self) -> "ExportJobQuerySet":
        """Synced, and to be read back now."""
        return self.filter(
            status=JobStatus.SYNCED, verification=Verification.PENDING, verify_after__lte=Now()
        )

    def due_for_read_back(self) -> "ExportJobQuerySet":
        """Nobody knows, the quiet period is over, and nobody has looked since: to be read back now."""
        return self.filter(status=JobStatus.UNKNOWN, not_before__lte=Now(), quiet_until__lte=Now())

    def past_quiet_period(self) -> "ExportJobQuerySet":
        """Those of which an absence counts by now."""
        return self.filter(Q(quiet_until=None) | Q(quiet_until__lte=Now()))

    def comparable(self) -> "ExportJobQuerySet":
        """Synced for so long that Info-Link must show it."""
        lag = timedelta(seconds=settings.READ_BACK_LAG_SECONDS)
        return self.filter(status=JobStatus.SYNCED, synced_at__lte=Now() - lag)


class ExportJob(models.Model):
    """The delivery of one accepted submission.

    ``basis_hash`` is what the approver saw (snapshot, links, connection settings);
    ``attempt`` grows with each claim, and a worker whose number is not the row's any more
    may change nothing. ``not_before`` is empty for an incomplete or unknown job that waits for a
    person. Before ``quiet_until`` nothing counts as absent (docs/product.md, section 7.2). Which reply
    means written is what the connection said when it was accepted, whatever it says by now.
    """

    company = build_company_column()
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="jobs")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="jobs")
    status = models.CharField(
        max_length=12, choices=JobStatus, default=JobStatus.QUEUED, db_default=JobStatus.QUEUED
    )
    vendor_code = models.CharField(max_length=10)
    erp_id = models.CharField("ERP ID", max_length=30)
    basis_hash = models.CharField(max_length=64)
    wire_hash = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="What of the connection's settings was bound with it; blank: none, it is from before that.",
    )
    plan_round = models.PositiveIntegerField(
        default=1, db_default=1, help_text="Grows when a retry plans the calls again."
    )
    # A process from before the upgrade knows neither: of its jobs no reply means written.
    success_rule = models.CharField(
        max_length=12, choices=SuccessRule, default=SuccessRule.UNKNOWN, db_default=SuccessRule.UNKNOWN
    )
    success_codes = models.CharField(max_length=60, blank=True, default="", db_default="")

    attempt = models.PositiveIntegerField(default=0, db_default=0)
    tries = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Since it was last queued by a person."
    )
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True, db_default=Now())
    problem = models.TextField(blank=True, default="", db_default="")
    guid = models.UUIDField(null=True, help_text="What names this export's session to Spectrum.")
    verification = models.CharField(
        max_length=16, choices=Verification, default=Verification.PENDING, db_default=Verification.PENDING
    )
    verify_after = models.DateTimeField(null=True, help_text="Not read back before this.")
    verified_at = models.DateTimeField(null=True)
    differences: Any = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        blank=True,
        help_text="Title, name, sent and stored of each, as they were read back.",
    )
    filled: Any = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        blank=True,
        help_text="Title, name and value of what the ERP put where nothing was sent, as it was read back.",
    )
    seen_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    seen_at = models.DateTimeField(null=True)
    seen_reason = models.TextField(blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())
    unknown_since = models.DateTimeField(null=True)
    quiet_until = models.DateTimeField(null=True, help_text="Of the last call of which nobody knew.")
    synced_at = models.DateTimeField(null=True)
    unreadable_since = models.DateTimeField(
        null=True, help_text="When a look at this unknown one failed first; empty since one has succeeded."
    )
    adopted = models.BooleanField(
        default=False,
        db_default=False,
        help_text="It stood in the ERP, whole or in part, and a person marked it as exported.",
    )

    taken_over = models.BooleanField(
        default=False,
        db_default=False,
        help_text="It stood in the ERP before there was anything here, and is never written from here.",
    )

    objects = ExportJobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(taken_over=False) | Q(adopted=True, status=JobStatus.SYNCED),
                name="a_record_that_was_taken_over_is_never_exported",
            ),
            models.UniqueConstraint(
                fields=["submission"],
                condition=~Q(status=JobStatus.CANCELLED),
                name="a_submission_has_one_job_that_is_not_cancelled",
            ),
            build_known_constraint("status", JobStatus, "a_job_status_is_known"),
            models.CheckConstraint(
                condition=Q(status=JobStatus.EXPORTING, lease_until__isnull=False)
                | (~Q(status=JobStatus.EXPORTING) & Q(lease_until=None)),
                name="a_job_is_leased_while_it_is_exporting",
            ),
            models.CheckConstraint(
                condition=~Q(status=JobStatus.QUEUED) | Q(not_before__isnull=False),
                name="a_queued_job_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(status=JobStatus.UNKNOWN, unknown_since__isnull=False)
                | (~Q(status=JobStatus.UNKNOWN) & Q(unknown_since=None)),
                name="an_unknown_job_says_since_when",
            ),
            models.CheckConstraint(
                condition=~Q(status=JobStatus.UNKNOWN) | Q(quiet_until__isnull=False),
                name="an_unknown_job_has_a_quiet_period",
            ),
            build_known_constraint("verification", Verification, "a_verification_is_known"),
            build_known_constraint("success_rule", SuccessRule, "a_jobs_success_rule_is_known"),
            models.CheckConstraint(
                condition=~Q(status=JobStatus.SYNCED) | Q(synced_at__isnull=False),
                name="a_synced_job_says_when",
            ),
            models.CheckConstraint(
                condition=Q(seen_by=None, seen_at=None, seen_reason="")
                | (Q(seen_by__isnull=False, seen_at__isnull=False) & ~Q(seen_reason="")),
                name="what_was_seen_has_a_person_a_time_and_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["connection", "not_before"],
                condition=Q(status__in=["queued", "incomplete"]),
                name="due_export_jobs",
            ),
            models.Index(
                fields=["company", "status", "submission"], condition=UNFINISHED, name="unfinished_by_company"
            ),
            models.Index(
                fields=["company", "submission"], condition=NEEDING_ATTENTION, name="jobs_needing_attention"
            ),
            models.Index(fields=["lease_until"], condition=Q(status="exporting"), name="leased_export_jobs"),
            models.Index(fields=["not_before"], condition=Q(status="unknown"), name="unknown_export_jobs"),
            models.Index(
                fields=["verify_after"],
                condition=Q(status="synced", verification="pending"),
                name="unverified_export_jobs",
            ),
            models.Index(
                fields=["connection", "id"], condition=Q(status="synced"), name="synced_export_jobs"
            ),
        ]

    def __str__(self) -> str:
        return f"Export of {self.erp_id}"

    def set_status(self, status: JobStatus) -> None:
        """Change the status along an arrow of the table; raises TransitionRefused."""
        require_transition(JOB_TRANSITIONS, current=self.status, wanted=status)
        if self.status == JobStatus.UNKNOWN:
            self.unknown_since = None
        self.status = status

    @property
    def record_job(self) -> "ExportJob":
        """Of a status the job that made the record that has it: lines tell whose a record is. One query."""
        if self.submission.purpose == Purpose.WHOLE:
            return self
        whole = ExportJob.objects.current().filter(submission__commitment=self.submission.commitment_id)
        whole = whole.filter(submission__in=Submission.objects.whole())
        return whole.select_related("connection__settings", "submission").first() or self

    @property
    def record_name(self) -> str:
        return f"vendor {self.vendor_code}, subcontract {self.erp_id}"

    @property
    def deviates(self) -> bool:
        """Synced, and not in the ERP as it was accepted, by the last look."""
        return self.status == JobStatus.SYNCED and self.verification in DEVIATING

    @property
    def has_moved(self) -> bool:
        """A look has shown that its record, or a line of it, stands under another key now."""
        return any(each.get("kind") == "moved" for each in self.differences)

    @property
    def is_delayed(self) -> bool:
        """Its time has not come: a grace or a pause. Workers ask the database's clock."""
        return self.not_before is not None and self.not_before > timezone.now()

    @property
    def needs_manual_resolution(self) -> bool:
        """Unknown, and no read-back will tell: there is none, it showed something else, or it is down."""
        return self.status == JobStatus.UNKNOWN and (
            self.not_before is None or not self.connection.has_read_back or self.can_be_resolved_manually
        )

    @property
    def manual_resolution_from(self) -> datetime | None:
        """From when on a person may say what the ERP holds, because nobody could look since a while."""
        if self.unreadable_since is None:
            return None
        return self.unreadable_since + timedelta(hours=self.connection.settings.resolve_by_hand_after_hours)

    @property
    def can_be_resolved_manually(self) -> bool:
        """True once what reads back has been silent for as long as the connection says."""
        return self.manual_resolution_from is not None and self.manual_resolution_from <= timezone.now()

    def list_current_calls(self) -> models.QuerySet["ExportCall"]:
        """The calls of the plan that counts, in order."""
        return self.calls.filter(plan_round=self.plan_round).order_by("position")


class CallState(models.TextChoices):
    PLANNED = "planned", "Not sent"
    SENDING = "sending", "Being sent"
    NOT_FOUND = "not_found", "Not found in Spectrum"
    WRITTEN = "written", "Written"
    REFUSED = "refused", "Refused"
    UNKNOWN = "unknown", "Unknown"
    GONE = "gone", "Gone from Spectrum"


class ExportCall(models.Model):
    """One write that was accepted: what the worker sends, without secrets."""

    company = build_company_column()
    job = models.ForeignKey(ExportJob, on_delete=models.PROTECT, related_name="calls", db_index=False)
    plan_round = models.PositiveIntegerField(default=1, db_default=1)
    position = models.PositiveIntegerField()
    method = models.CharField(max_length=60)
    title = models.CharField(max_length=100)
    elements: Any = models.JSONField(
        help_text="Name, value, original and defaulted of each element, in order."
    )
    payload_hash = models.CharField(max_length=64)
    state = models.CharField(
        max_length=10, choices=CallState, default=CallState.PLANNED, db_default=CallState.PLANNED
    )
    not_found_at = models.DateTimeField(
        null=True, help_text="When nothing of it was there after a call of which nobody knew."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job", "plan_round", "position"], name="a_position_of_a_plan_holds_one_call"
            ),
            build_known_constraint("state", CallState, "a_call_state_is_known"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def unsent_state(self) -> CallState:
        """Where it is not written: not sent, or sent once and not found after that.

        No look proves that what was not found is not written later.
        """
        return CallState.NOT_FOUND if self.not_found_at else CallState.PLANNED


MAYBE_WRITTEN = ("", "accepted", "unknown")
"""Outcomes of a wire attempt after which something may stand in the ERP; blank: nobody reported."""


class WireAttempt(models.Model):
    """The ledger: written before a call leaves, completed when its answer is known.

    A row without an end means that the worker died in between: nobody knows.
    """

    company = build_company_column()
    call = models.ForeignKey(
        ExportCall, on_delete=models.PROTECT, related_name="wire_attempts", db_index=False
    )
    attempt = models.PositiveIntegerField(help_text="The job's attempt number.")
    payload_hash = models.CharField(max_length=64)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True, default="", db_default="")
    reason = models.TextField(blank=True, default="", db_default="")
    reply = models.TextField(blank=True, default="", db_default="", help_text="As it came, secrets removed.")
    status = models.PositiveSmallIntegerField(
        null=True, help_text="The HTTP status of a whole reply that nobody could tell a yes or a no from."
    )
    was_absent = models.BooleanField(
        default=False, db_default=False, help_text="Read before it left, nothing was there of the call."
    )
    shown_at = models.DateTimeField(
        null=True, help_text="When read-back showed that the call is written, of which nobody knew."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["call", "attempt"], name="a_call_is_sent_once_in_an_attempt"),
            models.CheckConstraint(
                condition=Q(outcome="", finished_at=None) | (~Q(outcome="") & Q(finished_at__isnull=False)),
                name="an_outcome_has_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["call"], condition=Q(shown_at__isnull=False), name="read_back_wire_attempts"
            ),
            models.Index(fields=["id"], condition=Q(outcome="refused"), name="refused_wire_attempts"),
        ]

    def __str__(self) -> str:
        return f"{self.call}, attempt {self.attempt}"
