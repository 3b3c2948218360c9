"""Where one submission stands, in words, and what the person who looks can do about it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.formats import date_format

from commitments.models import Badge
from directory.models import CompanyMembership
from directory.rights.approvers import in_words
from erp_integrations.confirmations import waiting
from erp_integrations.exports.outcomes import BADGES, VERIFIED_BADGES
from erp_integrations.models import (
    Connection,
    ExportJob,
    JobBilling,
    JobStatus,
    Submission,
    SubmissionStatus,
    Verification,
)
from erp_integrations.models.secrets import secret_fields
from erp_integrations.submissions.four_eyes import why_barred

NO_APPROVER = "nobody may push to accounting"


@dataclass(frozen=True, slots=True)
class Standing:
    """A submission with its export job, as ``viewer`` may see and decide on it."""

    submission: Submission
    job: ExportJob | None
    viewer: CompanyMembership
    change_bar: str = ""
    """Why the viewer may not decide where it goes: they changed that, and nobody has confirmed it."""

    @property
    def badge(self) -> Badge:
        """The one word about it."""
        if self.submission.status != SubmissionStatus.ACCEPTED:
            return Badge(self.submission.status)
        if self.job is None:  # rejected in the moment between our two queries
            return Badge.EXPORTING
        if self.is_synced:
            return VERIFIED_BADGES.get(self.job.verification, Badge.SYNCED)
        return BADGES.get(self.job.status, Badge.EXPORTING)

    @property
    def status(self) -> str:
        return str(self.badge.label)

    @property
    def is_awaiting(self) -> bool:
        return self.submission.status == SubmissionStatus.AWAITING

    @property
    def has_failed(self) -> bool:
        return self._is(JobStatus.FAILED)

    @property
    def is_moving(self) -> bool:
        return self._is(JobStatus.QUEUED) or self._is(JobStatus.EXPORTING)

    @property
    def is_synced(self) -> bool:
        return self._is(JobStatus.SYNCED)

    @property
    def is_unknown(self) -> bool:
        return self._is(JobStatus.UNKNOWN)

    @property
    def is_incomplete(self) -> bool:
        return self._is(JobStatus.INCOMPLETE)

    @property
    def is_quiet(self) -> bool:
        """Whether an absence counts by now; the decision itself asks the database's clock."""
        return self.job is None or self.job.quiet_until is None or self.job.quiet_until <= timezone.now()

    @property
    def is_open(self) -> bool:
        return self.is_awaiting or self.has_failed

    @property
    def is_rejectable(self) -> bool:
        return self.is_open or (self.is_incomplete and self.is_quiet)

    @property
    def asks_a_person(self) -> bool:
        """Whether a decision may follow, of whichever kind."""
        resolvable = bool(self.job and self.is_unknown and self.job.asks_a_person)
        return self.is_open or self.is_incomplete or resolvable

    @property
    def may_decide(self) -> bool:
        return self.viewer.may_decide and not self._is_barred

    @property
    def can_be_decided(self) -> bool:
        return self.is_open and self.may_decide and not self.change_bar

    @property
    def can_be_rejected(self) -> bool:
        return self.is_rejectable and self.may_decide

    @property
    def can_be_undone(self) -> bool:
        """Whether the viewer may take the acceptance back: no worker has begun with it."""
        waits = self._is(JobStatus.QUEUED) and self.job is not None and self.job.attempt == 0
        return waits and self.may_decide

    @property
    def can_be_resolved(self) -> bool:
        return self.is_unknown and self.asks_a_person and self.is_quiet and self.may_decide

    @property
    def can_be_resumed(self) -> bool:
        """Whether the viewer may go on with what is not written: it does not do so by itself now."""
        goes_on = self.job is not None and self.job.not_before is not None and not self.job.waits
        return (
            self.is_incomplete and not goes_on and self.is_quiet and self.may_decide and not self.change_bar
        )

    @property
    def can_be_unlinked(self) -> bool:
        """Whether it is in Spectrum, whole or in part, so that it may be gone from there.

        The right on the project's Commitments tool is asked by the box.
        """
        return (self.is_synced or self.is_incomplete) and self.is_quiet and self.may_decide

    @property
    def is_followable(self) -> bool:
        """Whether its record may stand under another key: something of it may be in Spectrum."""
        return self.is_synced or self.is_incomplete or self.is_unknown

    @property
    def can_be_followed(self) -> bool:
        """Whether a look has shown its record under another key, and the viewer may decide on that.

        The right on the project's Commitments tool is asked by the box.
        """
        moved = bool(self.is_followable and self.job and self.job.has_moved)
        return moved and self.may_decide and not self.change_bar

    @property
    def billing(self) -> JobBilling | None:
        """What was invoiced and paid by the last look of a reconciliation; None where it never said."""
        return getattr(self.job, "billing", None) if self.is_synced or self.is_incomplete else None

    @property
    def is_only_barred(self) -> bool:
        """Whether the viewer has the privilege, and a hand in this."""
        return self.viewer.is_accounting_approver and self._is_barred

    @property
    def bar(self) -> str:
        """Why the viewer, an approver, may not decide, or why nobody may; and who could. Else empty."""
        is_approver = self.viewer.is_accounting_approver
        barred = self.is_only_barred
        if not self.asks_a_person or (is_approver and not barred and not self.change_bar):
            return ""
        approvers = self.viewer.approvers
        could = [each for each in approvers if not self.submission.is_barred_for(each)]
        who = in_words([each for each in self.viewer.granters if each != self.viewer.user]) or "staff"
        if is_approver and not barred:
            alone = could == [self.viewer.user]
            return f"{self.change_bar} Else {who} can exempt you once." if alone else self.change_bar
        if could:
            others = f"so another approver must decide: {in_words(could)}."
            return f"You {self._what_the_viewer_did} this, {others}" if barred else ""
        why = "everybody who may push to accounting had a hand in it" if approvers else NO_APPROVER
        exempt = f", or exempt {'you' if barred else 'an approver'} once" if approvers else ""
        return (
            f"Nobody can decide on this now: {why}. In Django admin, {who} can grant Can Push to Accounting "
            f"to somebody else{exempt}."
        )

    @property
    def _what_the_viewer_did(self) -> str:
        created = self.submission.created_by_id == self.viewer.user_id
        sent = self.submission.sent_by_id == self.viewer.user_id
        told = [verb for verb, holds in (("wrote", created), ("sent", sent)) if holds]
        return " and ".join(told) or "changed, sent or retrieved"

    @property
    def round(self) -> int:
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
        """What a list says under the badge."""
        submission, job = self.submission, self.job
        match submission.status:
            case SubmissionStatus.REJECTED:
                return f"{submission.decided_by}: {submission.reason}"
            case SubmissionStatus.RETRIEVED | SubmissionStatus.UNLINKED:
                return f"by {submission.ended_by}"
        match job.status if job else "":
            case JobStatus.QUEUED if job and job.problem:
                return f"{tries_again(job)} {job.problem}"
            case JobStatus.QUEUED if self.can_be_undone and job and job.waits:
                return "Exporting in a few seconds"
            case JobStatus.QUEUED if job:
                return held_up(job.connection) or "Waits for its turn"
            case JobStatus.EXPORTING:
                return "Being written to Spectrum"
            case JobStatus.SYNCED if job and job.verification == Verification.ABSENT:
                return f"Spectrum said yes, but does not show {job.erp_id}"
            case JobStatus.SYNCED if job and job.verification == Verification.ELSEWHERE:
                return f"Moved in Spectrum: it is no longer {job.erp_id} of vendor {job.vendor_code}"
            case JobStatus.SYNCED if job:
                return f"ERP ID {job.erp_id}"
            case JobStatus.INCOMPLETE:
                return "A part of it is in Spectrum"
            case JobStatus.UNKNOWN:
                return "Nobody knows whether Spectrum has it"
            case JobStatus.FAILED if job:
                return job.problem
        return ""

    @property
    def _is_barred(self) -> bool:
        return self.submission.is_barred_for(self.viewer.user)

    def _is(self, status: JobStatus) -> bool:
        accepted = self.submission.status == SubmissionStatus.ACCEPTED
        return accepted and self.job is not None and self.job.status == status


def jobs_to_show() -> "Prefetch[Any]":
    """What a standing needs of export jobs, without the secrets of their connections."""
    jobs = ExportJob.objects.select_related("connection", "billing")
    return Prefetch("jobs", jobs.defer(*secret_fields(Connection, "connection__")))


def of(submission: Submission, viewer: CompanyMembership) -> Standing:
    """The standing of a submission of the viewer's company; for most viewers one query for all of them where
    jobs are prefetched."""
    submission.company = viewer.company
    job = next((job for job in submission.jobs.all() if job.status != JobStatus.CANCELLED), None)
    bar = ""
    if viewer.is_accounting_approver and waiting.has_changed_something(viewer):
        begun = job is not None and job.status == JobStatus.INCOMPLETE
        bar = (
            "" if submission.is_barred_for(viewer.user) else why_barred(submission, viewer.user, begun=begun)
        )
    return Standing(submission, job, viewer, bar)


def tries_again(job: ExportJob) -> str:
    """When a delivery goes on by itself, in the viewer's time zone."""
    if held := held_up(job.connection):
        return held
    resting = (job.not_before, job.connection.not_before)
    due = max((moment for moment in resting if moment), default=None)
    if due is None or due <= timezone.now():
        return "Tried again in a moment."
    return f"Tried again at {date_format(timezone.localtime(due), 'H:i')}."


def held_up(connection: Connection) -> str:
    """What a delivery waits for besides its own time; blank where that is nothing."""
    if connection.paused_at:
        return "The connection is paused: it goes on when an ERP admin resumes that."
    if connection.awaits_probe:
        return "The connection is stopped: it goes on when Spectrum can be used again."
    return ""
