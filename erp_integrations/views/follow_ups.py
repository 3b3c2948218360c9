"""The sequels of a delivery: a GET shows, and only a POST decides."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator

from directory.rights.permissions import can_send_commitments
from directory.web import rate_limits
from erp_integrations import submissions
from erp_integrations.confirmations import pending_changes
from erp_integrations.forms import AccountForm, FollowForm, ResolveForm, ResumeForm, SeenForm, UnlinkForm
from erp_integrations.models import JobStatus
from erp_integrations.pages import explanations
from erp_integrations.views.dialogs import Dialog

ARGUMENTS = {
    "calls": "positions",
    "record": "fingerprint",
    "other_records": "dismissed",
}
"""The arguments of a command for the fields that have another name in a form."""


class Undo(Dialog):
    """A button, with no dialog of its own."""

    command: Callable[..., object] = staticmethod(submissions.undo)
    done = "{} is ready to export again. Nothing was sent."

    def handle_request(self) -> HttpResponse:
        if self.request.method != "POST":
            # Somebody whose session had ended comes back from sign-in to this address.
            messages.info(self.request, "Nothing was done. Press the button again.")
            return redirect(self.row.submission)
        try:
            self.command(submission=self.row.submission, by=self.request.user)
        except submissions.DecisionError as refusal:
            messages.warning(self.request, str(refusal))
        else:
            messages.success(self.request, self.done.format(self.row.submission.number))
        self.row = self.get_row()
        return self.build_decision_response()


@method_decorator(rate_limits.limit_rate(), name="get")
class LookAgain(Undo):
    command = staticmethod(submissions.look_again)
    done = "{} was read back from Spectrum again."


class FollowUp(Dialog):
    """A dialog on an export in one of some ``statuses``. What its form holds is what the ``command`` takes;
    ``done`` is formatted with the row as it is afterwards."""

    verb: str
    statuses: tuple[JobStatus, ...]
    template = ""
    require_right: Callable[..., None] = staticmethod(submissions.require_may_decide)
    command: Callable[..., object]
    form_class: type[Form]
    done: str

    def handle_request(self) -> HttpResponse:
        self.require_right(submission=self.row.submission, by=self.request.user)
        if not any(map(self.row.has_job_status, self.statuses)):
            return self.build_decided_dialog(explanations.get_title(self.row))
        self.form = self.build_form()
        if self.request.method != "POST" or not self.form.is_valid():
            return self.build_dialog()
        entered = {ARGUMENTS.get(name, name): value for name, value in self.form.cleaned_data.items()}
        try:
            self.command(submission=self.row.submission, by=self.request.user, **entered)
        except submissions.DecisionError as refusal:
            return self.build_refusal(refusal)
        self.row = self.get_row()
        messages.success(self.request, self.done.format(row=self.row))
        return self.build_decision_response()

    def build_form(self) -> Form:
        return self.form_class(self.request.POST or None)

    def build_refusal(self, refusal: submissions.DecisionError) -> HttpResponse:
        """The dialog again, for what the person can put right in it; else how it stands now."""
        match refusal:
            case submissions.RecordMayHaveMoved():
                return self.build_dialog(str(refusal), possible=refusal.records)
            case submissions.RecordMoved():
                return self.build_dialog(str(refusal), elsewhere=True)
            case submissions.Conflict() | submissions.TooEarly():
                self.row = self.get_row()
                return self.build_decided_dialog(str(refusal))
        return self.build_dialog(str(refusal))

    def build_dialog(self, problem: str = "", **more: Any) -> HttpResponse:
        row = self.row
        context = {
            "explanation": explanations.build_explanation(row),
            "focus_title": True,
            "reads_back": bool(row.job and row.job.connection.has_read_back),
            "quiet_until": None if row.is_quiet or row.job is None else row.job.quiet_until,
            "may_unlink": can_send_commitments(self.request.user, row.submission.project),
            **more,
        }
        status = 422 if problem or self.form.errors else 200
        template = self.template or f"_{self.verb.lower().split()[-1]}.html"
        return self.build_response(template, self.verb, self.form, problem, status, **context)


class Resume(FollowUp):
    verb, statuses = "Resume", (JobStatus.INCOMPLETE,)
    command, form_class = staticmethod(submissions.resume), ResumeForm
    done = "{row.submission.number} continues with the remaining calls."

    def build_dialog(self, problem: str = "", **more: Any) -> HttpResponse:
        ticked = self.request.POST.getlist("confirmed")
        changes = pending_changes.list_for_begun_export(self.row.submission.connection)
        more["changes"] = [(each, each.stamp in ticked) for each in changes]
        return super().build_dialog(problem, caution=explanations.describe_resume_caution(self.row), **more)


@method_decorator(rate_limits.limit_rate(when=rate_limits.is_post), name="get")
class Resolve(FollowUp):
    """Say what Spectrum holds, where nobody but a person can."""

    verb, statuses = "Resolve", (JobStatus.UNKNOWN,)
    command, form_class = staticmethod(submissions.resolve), ResolveForm
    done = "Your findings for {row.submission.number} are kept in its history."

    def build_form(self) -> Form:
        assert self.row.job is not None  # else it has no status
        return ResolveForm(self.request.POST or None, calls=list(self.row.job.list_current_calls()))


class Seen(FollowUp):
    """Say why what stands in Spectrum may stay."""

    verb, statuses = "I have seen", (JobStatus.SYNCED,)
    command, form_class = staticmethod(submissions.record_as_seen), SeenForm
    done = "{row.submission.number} no longer needs attention. Your reason is kept in its history."

    def build_dialog(self, problem: str = "", **more: Any) -> HttpResponse:
        if self.row.job is None or not self.row.needs_look:
            return self.build_decided_dialog(explanations.get_title(self.row))
        return super().build_dialog(problem, look=str(self.row.job.verified_at), **more)


class ProposeAccount(FollowUp):
    """Another account than the one that Spectrum refused."""

    verb, statuses, template = "Another account for", (JobStatus.FAILED,), "_account.html"
    command, form_class = staticmethod(submissions.set_other_account), AccountForm
    done = "The account of {row.submission.number} is proposed, and waits for a second person."


@method_decorator(rate_limits.limit_rate(when=rate_limits.is_post), name="get")
class Unlink(FollowUp):
    """Cut the link to a record that is gone from Spectrum."""

    verb, statuses = "Unlink", (JobStatus.SYNCED, JobStatus.INCOMPLETE)
    require_right = staticmethod(submissions.require_may_unlink)
    command, form_class = staticmethod(submissions.unlink), UnlinkForm
    done = "{row.submission.number} is unlinked and back with its project."


@method_decorator(rate_limits.limit_rate(), name="get")
class Follow(FollowUp):
    """Have it go by the key under which somebody put its record in Spectrum."""

    verb, statuses = "Follow", submissions.FOLLOWABLE_STATUSES
    require_right = staticmethod(submissions.require_may_unlink)
    command, form_class = staticmethod(submissions.follow), FollowForm
    done = "{row.submission.number} is now {row.job.record_name}."

    def build_refusal(self, refusal: submissions.DecisionError) -> HttpResponse:
        self.row = self.get_row()
        return self.build_decided_dialog(str(refusal))

    def build_dialog(self, problem: str = "", **more: Any) -> HttpResponse:
        assert self.row.job is not None  # else it has no status
        try:
            moves = submissions.list_moves(self.row.job)
        except submissions.DecisionError as nothing:
            return self.build_decided_dialog(str(nothing), verb="Nothing to follow for")
        return super().build_dialog(problem, moves=moves, **more)
