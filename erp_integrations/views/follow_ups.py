"""What may follow a delivery: undo, resume, resolve, unlink, follow. A GET shows, and only a POST decides."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from directory.requests import SignedInRequest
from directory.rights.permissions import can_send_commitments
from directory.web import rate_limits
from erp_integrations import submissions
from erp_integrations.confirmations import pending_changes
from erp_integrations.forms import FollowForm, ResolveForm, ResumeForm, UnlinkForm
from erp_integrations.pages import explanations
from erp_integrations.pages.submission_rows import SubmissionRow
from erp_integrations.views.access import get_submission_row
from erp_integrations.views.dialogs import build_decided_dialog, build_decision_response, build_dialog


@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    row = get_submission_row(request, company_slug, submission_id)
    if request.method != "POST":
        # Somebody whose session had ended comes back from sign-in to this address.
        messages.info(request, "Nothing was done. Press the button again.")
        return redirect(row.submission)
    try:
        submissions.undo(submission=row.submission, by=request.user)
    except submissions.Conflict as conflict:
        messages.warning(request, str(conflict))
    else:
        messages.success(request, f"{row.submission.number} is ready to export again. Nothing was sent.")
    return build_decision_response(request, get_submission_row(request, company_slug, submission_id))


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
def resume(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    row = get_submission_row(request, company_slug, submission_id)
    submissions.require_may_decide(submission=row.submission, by=request.user)
    form = ResumeForm(request.POST or None)
    if not row.is_incomplete:
        return build_decided_dialog(request, row, explanations.get_title(row))
    ticked = request.POST.getlist("confirmed")
    changes = pending_changes.list_for_begun_export(row.submission.connection)
    show = partial(
        build_follow_up_dialog,
        request,
        row,
        "_resume.html",
        "Resume",
        form,
        caution=explanations.describe_resume_caution(row),
        changes=[(each, each.stamp in ticked) for each in changes],
    )
    if request.method != "POST" or not form.is_valid():
        return show()
    entered = {"expected_version": form.cleaned_data["round"], "confirmed": form.cleaned_data["confirmed"]}
    done = "{row.submission.number} continues with the remaining calls."
    return run_follow_up(request, row, submissions.resume, entered, done, show)


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(when=rate_limits.is_post)
def resolve(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """Say what Spectrum holds, where nobody but a person can."""
    row = get_submission_row(request, company_slug, submission_id)
    submissions.require_may_decide(submission=row.submission, by=request.user)
    if row.job is None or not row.is_unknown:
        return build_decided_dialog(request, row, explanations.get_title(row))
    form = ResolveForm(request.POST or None, calls=list(row.job.list_current_calls()))
    show = partial(build_follow_up_dialog, request, row, "_resolve.html", "Resolve", form)
    if request.method != "POST" or not form.is_valid():
        return show()
    entered = {
        "expected_version": form.cleaned_data["round"],
        "attested": submissions.Attested(form.cleaned_data["attested"]),
        "statement": form.cleaned_data["statement"],
        "positions": form.cleaned_data["calls"],
    }
    done = "Your findings for {row.submission.number} are kept in its history."
    return run_follow_up(request, row, submissions.resolve, entered, done, show)


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(when=rate_limits.is_post)
def unlink(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """Cut the link to a record that is gone from Spectrum."""
    row = get_submission_row(request, company_slug, submission_id)
    submissions.require_may_unlink(submission=row.submission, by=request.user)
    form = UnlinkForm(request.POST or None)
    if row.job is None or not (row.is_synced or row.is_incomplete):
        return build_decided_dialog(request, row, explanations.get_title(row))
    show = partial(build_follow_up_dialog, request, row, "_unlink.html", "Unlink", form)
    if request.method != "POST" or not form.is_valid():
        return show()
    entered = {
        "expected_version": form.cleaned_data["round"],
        "statement": form.cleaned_data["statement"],
        "dismissed": form.cleaned_data["other_records"],
    }
    done = "{row.submission.number} is unlinked and back with its project."
    return run_follow_up(request, row, submissions.unlink, entered, done, show)


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate()
def follow(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """Have it go by the key under which somebody put its record in Spectrum."""
    row = get_submission_row(request, company_slug, submission_id)
    submissions.require_may_unlink(submission=row.submission, by=request.user)
    form = FollowForm(request.POST or None)
    if row.job is None or not row.is_followable:
        return build_decided_dialog(request, row, explanations.get_title(row))
    if request.method != "POST" or not form.is_valid():
        try:
            moves = submissions.list_moves(row.job)
        except submissions.DecisionError as nothing:
            return build_decided_dialog(request, row, str(nothing), verb="Nothing to follow for")
        return build_follow_up_dialog(request, row, "_follow.html", "Follow", form, moves=moves)
    entered = {"expected_version": form.cleaned_data["round"], "fingerprint": form.cleaned_data["record"]}
    done = "{row.submission.number} is now {row.job.record_name}."
    return run_follow_up(request, row, submissions.follow, entered, done)


def run_follow_up(
    request: SignedInRequest,
    row: SubmissionRow,
    command: Callable[..., object],
    entered: Mapping[str, object],
    done: str,
    show: Callable[..., HttpResponse] | None = None,
) -> HttpResponse:
    """``show`` is the dialog again, for what the person can put right in it; else they see how it stands now.

    ``done`` is formatted with the row as it is afterwards.
    """
    try:
        command(submission=row.submission, by=request.user, **entered)
    except submissions.DecisionError as refusal:
        problem = str(refusal)
        match refusal:
            case submissions.RecordMayHaveMoved() if show:
                return show(problem=problem, possible=refusal.records)
            case submissions.RecordMoved() if show:
                return show(problem=problem, elsewhere=True)
            case submissions.Conflict() | submissions.TooEarly():
                pass
            case _ if show:
                return show(problem=problem)
        current = get_submission_row(request, row.viewer.company.slug, row.submission.pk)
        return build_decided_dialog(request, current, problem)
    current = get_submission_row(request, row.viewer.company.slug, row.submission.pk)
    messages.success(request, done.format(row=current))
    return build_decision_response(request, current)


def build_follow_up_dialog(
    request: SignedInRequest,
    row: SubmissionRow,
    template: str,
    verb: str,
    form: Form,
    *,
    problem: str = "",
    **more: Any,
) -> HttpResponse:
    status = 422 if problem or form.errors else 200
    context = {
        "explanation": explanations.build_explanation(row),
        "focus_title": True,
        "reads_back": bool(row.job and row.job.connection.has_read_back),
        "quiet_until": None if row.is_quiet or row.job is None else row.job.quiet_until,
        "may_unlink": can_send_commitments(request.user, row.submission.project),
        **more,
    }
    return build_dialog(request, row, template, verb, form, problem, status, context)
