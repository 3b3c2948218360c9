"""What may follow a delivery: undo, resume, resolve, unlink, follow. A GET shows, and only a POST decides."""

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
from erp_integrations.forms import FollowForm, ResolveForm, RoundForm, UnlinkForm
from erp_integrations.pages import explanations
from erp_integrations.pages.submission_row import Standing
from erp_integrations.views.access import standing_of
from erp_integrations.views.boxes import after_decision, box, decided_box

REFUSALS = (submissions.Conflict, submissions.TooEarly)


@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    stood = standing_of(request, company_slug, submission_id)
    if request.method != "POST":
        # Somebody whose session had ended comes back from sign-in to this address.
        messages.info(request, "Nothing was done yet: press the button again.")
        return redirect(stood.submission)
    try:
        submissions.undo(submission=stood.submission, by=request.user)
    except submissions.Conflict as conflict:
        messages.warning(request, str(conflict))
    else:
        messages.success(request, f"{stood.submission.number} awaits a decision again; nothing was sent.")
    return after_decision(request, standing_of(request, company_slug, submission_id))


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
def resume(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    stood = standing_of(request, company_slug, submission_id)
    submissions.require_may_decide(submission=stood.submission, by=request.user)
    form = RoundForm(request.POST or None)
    if not stood.is_incomplete:
        return decided_box(request, stood, explanations.title_of(stood))
    if request.method != "POST" or not form.is_valid():
        return _box(request, stood, "_resume.html", "Resume", form, caution=explanations.caution(stood))
    try:
        submissions.resume(
            submission=stood.submission, by=request.user, seen_attempt=form.cleaned_data["round"]
        )
    except REFUSALS as refusal:
        return decided_box(request, standing_of(request, company_slug, submission_id), str(refusal))
    messages.success(request, f"{stood.submission.number} goes on with the calls that are not written.")
    return after_decision(request, standing_of(request, company_slug, submission_id))


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.costly(when=rate_limits.posts)
def resolve(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """Say what Spectrum holds, where nobody but a person can."""
    stood = standing_of(request, company_slug, submission_id)
    submissions.require_may_decide(submission=stood.submission, by=request.user)
    if stood.job is None or not stood.is_unknown:
        return decided_box(request, stood, explanations.title_of(stood))
    form = ResolveForm(request.POST or None, calls=list(stood.job.current_calls()))
    if request.method != "POST" or not form.is_valid():
        return _box(request, stood, "_resolve.html", "Resolve", form)
    try:
        submissions.resolve(
            submission=stood.submission,
            by=request.user,
            seen_attempt=form.cleaned_data["round"],
            attested=submissions.Attested(form.cleaned_data["attested"]),
            statement=form.cleaned_data["statement"],
            positions=form.cleaned_data["calls"],
        )
    except submissions.NotSaid as lacking:
        return _box(request, stood, "_resolve.html", "Resolve", form, problem=str(lacking))
    except REFUSALS as refusal:
        return decided_box(request, standing_of(request, company_slug, submission_id), str(refusal))
    messages.success(request, f"What you found of {stood.submission.number} is kept in its history.")
    return after_decision(request, standing_of(request, company_slug, submission_id))


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.costly(when=rate_limits.posts)
def unlink(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """Cut the link to a record that is gone from Spectrum."""
    stood = standing_of(request, company_slug, submission_id)
    submissions.require_may_unlink(submission=stood.submission, by=request.user)
    form = UnlinkForm(request.POST or None)
    if stood.job is None or not (stood.is_synced or stood.is_incomplete):
        return decided_box(request, stood, explanations.title_of(stood))
    if request.method != "POST" or not form.is_valid():
        return _box(request, stood, "_unlink.html", "Unlink", form)
    try:
        submissions.unlink(
            submission=stood.submission,
            by=request.user,
            seen_attempt=form.cleaned_data["round"],
            statement=form.cleaned_data["statement"],
            others=form.cleaned_data["other_records"],
        )
    except REFUSALS as refusal:
        return decided_box(request, standing_of(request, company_slug, submission_id), str(refusal))
    except submissions.MayStandElsewhere as refusal:
        possible = refusal.records
        return _box(request, stood, "_unlink.html", "Unlink", form, problem=str(refusal), possible=possible)
    except submissions.StandsElsewhere as refusal:
        return _box(request, stood, "_unlink.html", "Unlink", form, problem=str(refusal), elsewhere=True)
    except submissions.DecisionError as refusal:
        return _box(request, stood, "_unlink.html", "Unlink", form, problem=str(refusal))
    messages.success(request, f"{stood.submission.number} is unlinked and back with its project.")
    return after_decision(request, standing_of(request, company_slug, submission_id))


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.costly()
def follow(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """Have it go by the key under which somebody put its record in Spectrum."""
    stood = standing_of(request, company_slug, submission_id)
    submissions.require_may_unlink(submission=stood.submission, by=request.user)
    form = FollowForm(request.POST or None)
    if stood.job is None or not stood.is_followable:
        return decided_box(request, stood, explanations.title_of(stood))
    if request.method != "POST" or not form.is_valid():
        try:
            moves = submissions.moves_of(stood.job)
        except submissions.DecisionError as nothing:
            return decided_box(request, stood, str(nothing), verb="Nothing to follow:")
        return _box(request, stood, "_follow.html", "Follow", form, moves=moves)
    try:
        job = submissions.follow(
            submission=stood.submission,
            by=request.user,
            seen_attempt=form.cleaned_data["round"],
            fingerprint=form.cleaned_data["record"],
        )
    except submissions.DecisionError as refusal:
        return decided_box(request, standing_of(request, company_slug, submission_id), str(refusal))
    messages.success(
        request,
        f"{stood.submission.number} is vendor {job.vendor_code}, subcontract {job.erp_id} from now on.",
    )
    return after_decision(request, standing_of(request, company_slug, submission_id))


def _box(
    request: SignedInRequest,
    stood: Standing,
    template: str,
    verb: str,
    form: Form,
    *,
    problem: str = "",
    **more: Any,
) -> HttpResponse:
    status = 422 if problem or form.errors else 200
    context = {
        "explanation": explanations.of(stood),
        "focus_title": True,
        "reads_back": bool(stood.job and stood.job.connection.reads_back),
        "quiet_until": None if stood.is_quiet or stood.job is None else stood.job.quiet_until,
        "may_unlink": can_send_commitments(request.user, stood.submission.project),
        **more,
    }
    return box(request, stood, template, verb, form, problem, status, context)
