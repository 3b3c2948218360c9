"""Where one submission stands, in words, and what the person who looks can do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, OuterRef, Prefetch, QuerySet, Subquery, When
from django.utils import timezone
from django.utils.formats import date_format

from commitments.models import Badge
from directory.db.time_zones import format_time
from directory.models import CompanyMembership, Level
from directory.rights.approvers import format_names
from erp_integrations.confirmations import pending_changes
from erp_integrations.exports.outcomes import BADGES, get_synced_badge
from erp_integrations.models import (
    Connection,
    ExportJob,
    JobBilling,
    JobStatus,
    Question,
    QuestionState,
    Submission,
    SubmissionStatus,
    Verification,
)
from erp_integrations.submissions.four_eyes import describe_own_decision

QUESTION_COLUMNS = ("asked_at", "closed_at")
NOBODY_MAY_DECIDE = "nobody has Can Push to Accounting"


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """A submission with its export job, as ``viewer`` may see and decide on it."""

    submission: Submission
    job: ExportJob | None
    viewer: CompanyMembership
    own_change_reason: str = ""
    """Why the viewer may not decide where it goes: they changed that, and nobody has confirmed it."""

    @property
    def badge(self) -> Badge:
        """The one word about it."""
        if self.submission.status != SubmissionStatus.ACCEPTED:
            return Badge(self.submission.status)
        if self.job is None:  # rejected in the moment between our two queries
            return Badge.EXPORTING
        if self.is_synced:
            return get_synced_badge(self.job)
        return BADGES.get(self.job.status, Badge.EXPORTING)

    @property
    def status(self) -> str:
        return str(self.badge.label)

    @property
    def is_awaiting(self) -> bool:
        return self.submission.status == SubmissionStatus.AWAITING

    @property
    def has_failed(self) -> bool:
        return self.has_job_status(JobStatus.FAILED)

    @property
    def is_moving(self) -> bool:
        return self.has_job_status(JobStatus.QUEUED) or self.has_job_status(JobStatus.EXPORTING)

    @property
    def is_synced(self) -> bool:
        return self.has_job_status(JobStatus.SYNCED)

    @property
    def is_unknown(self) -> bool:
        return self.has_job_status(JobStatus.UNKNOWN)

    @property
    def is_incomplete(self) -> bool:
        return self.has_job_status(JobStatus.INCOMPLETE)

    @property
    def is_quiet(self) -> bool:
        """An absence counts by now; the decision itself asks the database's clock."""
        return self.job is None or self.job.quiet_until is None or self.job.quiet_until <= timezone.now()

    @property
    def is_open(self) -> bool:
        return self.is_awaiting or self.has_failed

    @property
    def is_rejectable(self) -> bool:
        return self.is_open or (self.is_incomplete and self.is_quiet and not self.submission.new_status)

    @property
    def needs_decision(self) -> bool:
        """A decision may follow, of whichever kind."""
        resolvable = bool(self.job and self.is_unknown and self.job.needs_manual_resolution)
        return self.is_open or self.is_incomplete or resolvable

    @property
    def can_decide(self) -> bool:
        return self.viewer.can_decide and not self.is_own_decision

    @property
    def can_be_decided(self) -> bool:
        return self.is_open and self.can_decide and not self.own_change_reason

    @property
    def can_be_rejected(self) -> bool:
        return self.is_rejectable and self.can_decide

    @property
    def can_be_undone(self) -> bool:
        """The viewer may take the acceptance back: no worker has begun with it."""
        is_queued = self.has_job_status(JobStatus.QUEUED) and self.job is not None and self.job.attempt == 0
        return is_queued and self.can_decide

    @property
    def can_be_resolved(self) -> bool:
        return self.is_unknown and self.needs_decision and self.is_quiet and self.can_decide

    @property
    def can_be_resumed(self) -> bool:
        """The viewer may go on with what is not written: it does not do so by itself now."""
        resumes_itself = self.job is not None and self.job.not_before is not None and not self.job.is_delayed
        return (
            self.is_incomplete
            and not resumes_itself
            and self.is_quiet
            and self.can_decide
            and not self.own_change_reason
        )

    @property
    def can_be_unlinked(self) -> bool:
        """It is in Spectrum, whole or in part, so that it may be gone from there.

        The right on the project's Commitments tool is asked by the box.
        """
        in_spectrum = self.is_synced or self.is_incomplete
        is_ours = not (self.submission.new_status or (self.job and self.job.taken_over))
        return in_spectrum and self.is_quiet and self.can_decide and is_ours

    @property
    def needs_look(self) -> bool:
        """By the last look it is not in Spectrum as accepted, and nobody has said that this may stay."""
        return bool(self.job and self.job.deviates and not self.job.seen_at)

    @property
    def can_look_again(self) -> bool:
        may_compare = self.viewer.can_decide or self.viewer.erp_integrations_level == Level.ADMIN
        return bool(self.job and self.job.deviates and self.job.connection.has_read_back and may_compare)

    @property
    def buttons(self) -> list[tuple[str, str]]:
        """Those of the viewer's actions that need no dialog; as ``actions``."""
        if self.can_be_undone:
            return [("undo", "Undo")]
        return [("look-again", "Look again")] if self.needs_look and self.can_look_again else []

    @property
    def actions(self) -> list[tuple[str, str]]:
        """The viewer's actions in a list: where each leads, below its own address, and its words."""
        if self.can_be_resolved:
            return [("resolve", "Resolve")]
        if self.can_be_resumed:
            return [("resume", "Resume")]
        if self.needs_look and self.can_decide:
            return [("seen", "I have seen it")]
        if not (self.is_open and self.can_be_rejected):
            return []
        accept = [("accept", "Retry" if self.has_failed else "Accept")] if self.can_be_decided else []
        ask = [("ask", "Ask")] if self.is_awaiting else []
        return [*accept, ("reject", "Reject"), *ask]

    @property
    def question(self) -> str:
        """That something was asked, or answered, and when: for a row read with its question's columns."""
        asked_at, closed_at = (getattr(self.submission, name, None) for name in QUESTION_COLUMNS)
        if not (self.is_awaiting and asked_at):
            return ""
        verb, at = ("Answered", closed_at) if closed_at else ("Asked", asked_at)
        return f"{verb}, {date_format(timezone.localdate(at))}"

    @property
    def is_followable(self) -> bool:
        """Its record may stand under another key: something of it may be in Spectrum."""
        return (self.is_synced or self.is_incomplete or self.is_unknown) and not self.submission.new_status

    @property
    def can_be_followed(self) -> bool:
        """A look has shown its record under another key, and the viewer may decide on that.

        The right on the project's Commitments tool is asked by the box.
        """
        moved = bool(self.is_followable and self.job and self.job.has_moved)
        return moved and self.can_decide and not self.own_change_reason

    @property
    def billing(self) -> JobBilling | None:
        """By the last look of a reconciliation; None where it never said."""
        return getattr(self.job, "billing", None) if self.is_synced or self.is_incomplete else None

    @property
    def is_barred_as_own_decision(self) -> bool:
        """The viewer has the privilege, and a hand in this."""
        return self.viewer.is_accounting_approver and self.is_own_decision

    @property
    def not_decidable_reason(self) -> str:
        """Why the viewer, an approver, may not decide, or why nobody may; and who could. Else empty."""
        is_approver = self.viewer.is_accounting_approver
        is_own = self.is_barred_as_own_decision
        if not self.needs_decision or (is_approver and not is_own and not self.own_change_reason):
            return ""
        approvers = self.viewer.approvers
        others_allowed = [each for each in approvers if not self.submission.is_own_decision(each)]
        granters = (
            format_names([each for each in self.viewer.granters if each != self.viewer.user]) or "staff"
        )
        if is_approver and not is_own:
            alone = others_allowed == [self.viewer.user]
            way_out = f" Otherwise {granters} can exempt you once." if alone else ""
            return f"{self.own_change_reason}{way_out}"
        if others_allowed:
            others = f"so another approver must decide: {format_names(others_allowed)}."
            return f"You {self.own_part} this, {others}" if is_own else ""
        cause = "everybody with Can Push to Accounting was involved in it" if approvers else NOBODY_MAY_DECIDE
        exempt = f", or exempt {'you' if is_own else 'an approver'} once" if approvers else ""
        return (
            f"Nobody can decide on this now: {cause}. In Django admin, {granters} can grant Can Push to "
            f"Accounting to somebody else{exempt}."
        )

    @property
    def own_part(self) -> str:
        created = self.submission.created_by_id == self.viewer.user_id
        sent = self.submission.sent_by_id == self.viewer.user_id
        verbs = [verb for verb, applies in (("created", created), ("sent", sent)) if applies]
        return " and ".join(verbs) or "changed, sent or retrieved"

    @property
    def decision_version(self) -> int:
        """Which decision it is: 0 for the first, then how often it was planned, or claimed, so far.

        A box carries it, so that nobody decides on an export with a box opened on an earlier one.
        """
        if self.is_awaiting or self.job is None:
            return 0
        return self.job.plan_round if self.has_failed else self.job.attempt

    @property
    def age(self) -> str:
        """For how long it has been with accounting, in days of the viewer's time zone."""
        days = (timezone.localdate() - timezone.localdate(self.submission.sent_at)).days
        return "today" if days <= 0 else "1 day" if days == 1 else f"{days} days"

    @property
    def remark(self) -> str:
        """For a list, under the badge."""
        submission, job = self.submission, self.job
        match submission.status:
            case SubmissionStatus.REJECTED:
                return f"{submission.decided_by}, {format_time(submission.decided_at)}: {submission.reason}"
            case SubmissionStatus.RETRIEVED | SubmissionStatus.UNLINKED:
                return f"by {submission.ended_by}, {format_time(submission.ended_at)}"
        match job.status if job else "":
            case JobStatus.QUEUED if job and job.problem:
                return f"{describe_next_try(job)} {job.problem}"
            case JobStatus.QUEUED if self.can_be_undone and job and job.is_delayed:
                return "Exporting in a few seconds"
            case JobStatus.QUEUED if job:
                return describe_blocked_connection(job.connection) or "Waiting for its turn"
            case JobStatus.EXPORTING:
                return "Being written to Spectrum"
            case JobStatus.SYNCED if job and job.deviates and job.seen_at:
                return describe_seen(job)
            case JobStatus.SYNCED if job and job.verification == Verification.ABSENT:
                way_out = "say that you have seen it" if job.taken_over else "unlink it"
                return f"{job.erp_id} was not found in Spectrum. Look again, or {way_out}"
            case JobStatus.SYNCED if job and job.verification == Verification.ELSEWHERE:
                return (
                    f"Moved: no longer {job.erp_id} of vendor {job.vendor_code} in Spectrum. Follow the move"
                )
            case JobStatus.SYNCED if job and job.verification == Verification.DIFFERS:
                count = len(job.differences)
                found = f"{count} difference{'s'[: count != 1]} in Spectrum as {job.erp_id}"
                return f"{found}. Correct it there and look again"
            case JobStatus.SYNCED if job:
                on = date_format(timezone.localdate(submission.decided_at))
                return f"ERP ID {job.erp_id}. Accepted by {submission.decided_by}, {on}"
            case JobStatus.INCOMPLETE:
                return "Partly in Spectrum"
            case JobStatus.UNKNOWN:
                return "Unknown whether Spectrum has it"
            case JobStatus.FAILED if job:
                return job.problem
        return ""

    @property
    def is_own_decision(self) -> bool:
        return self.submission.is_own_decision(self.viewer.user)

    def has_job_status(self, status: JobStatus) -> bool:
        accepted = self.submission.status == SubmissionStatus.ACCEPTED
        return accepted and self.job is not None and self.job.status == status


def build_question_columns() -> dict[str, Case]:
    """Of each submission's last question that is open or answered; nothing is read where none was asked."""
    shown = Question.objects.filter(submission=OuterRef("pk"))
    last = shown.filter(state__in=[QuestionState.OPEN, QuestionState.ANSWERED]).order_by("-pk")
    return {name: Case(When(asked=True, then=Subquery(last.values(name)[:1]))) for name in QUESTION_COLUMNS}


def build_jobs_prefetch() -> "Prefetch[Any]":
    """For ``current_jobs`` of each submission: one or none."""
    return Prefetch("jobs", list_current_jobs(), to_attr="current_jobs")


def list_current_jobs() -> QuerySet[ExportJob]:
    """As a row needs them."""
    return ExportJob.objects.current().select_related("connection__state", "billing", "seen_by")


def build_submission_row(submission: Submission, viewer: CompanyMembership) -> SubmissionRow:
    """The row of a submission of the viewer's company. One query for an accepted one, unless its job is
    prefetched.
    """
    submission.company = viewer.company
    jobs: Iterable[ExportJob] = getattr(submission, "current_jobs", ())
    if submission.status == SubmissionStatus.ACCEPTED and not jobs:
        jobs = list_current_jobs().filter(submission=submission)
    job = next(iter(jobs), None)
    own_change_reason = ""
    has_own_changes = viewer.is_accounting_approver and pending_changes.has_own_changes(viewer)
    if has_own_changes and not submission.is_own_decision(viewer.user):
        is_begun = job is not None and job.status == JobStatus.INCOMPLETE
        own_change_reason = describe_own_decision(submission, viewer.user, has_begun=is_begun)
    return SubmissionRow(submission, job, viewer, own_change_reason)


def describe_seen(job: ExportJob) -> str:
    """Who said when and why that what Spectrum shows may stay."""
    on = date_format(timezone.localdate(job.seen_at))
    return f"Seen by {job.seen_by}, {on}: {job.seen_reason}"


def describe_next_try(job: ExportJob) -> str:
    """When a delivery goes on by itself, in the viewer's time zone."""
    if blocked_message := describe_blocked_connection(job.connection):
        return blocked_message
    retry_times = (job.not_before, job.connection.state.not_before)
    due = max((moment for moment in retry_times if moment), default=None)
    if due is None or due <= timezone.now():
        return "Next try in a moment."
    return f"Next try at {format_time(due)}."


def describe_blocked_connection(connection: Connection) -> str:
    """The cause, besides its own time, for which a delivery waits; blank where there is none."""
    if connection.paused_at:
        return "The connection is paused: the export continues when an ERP Integrations Admin resumes it."
    if connection.state.awaits_probe:
        return "The connection is stopped: the export continues once Spectrum is available again."
    return ""
