"""The Accept box and the Reject box: a GET shows, and only a POST decides.

Each is a page of its own, and for htmx the same box alone, which opens in place.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from directory.requests import SignedInRequest
from directory.web import rate_limits
from erp_integrations import submissions
from erp_integrations.forms import NOTE_IS_WRITTEN, AcceptForm, RejectForm
from erp_integrations.models import ExportJob
from erp_integrations.pages import explanations, previews
from erp_integrations.pages.submission_row import Standing
from erp_integrations.views import navigation
from erp_integrations.views.access import standing_of

_BLOCKED = "It can't be exported as it stands. What has to change first is below."


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.costly()
def accept(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """Accept for export; after a failed export the same box tries again."""
    stood = standing_of(request, company_slug, submission_id)
    submissions.require_may_decide(submission=stood.submission, by=request.user)
    if stood.is_open:
        submissions.require_may_steer(stood.submission, request.user)
    if request.method != "POST":
        return _accept_box(request, stood) if stood.is_open else decided_box(request, stood)
    if stood.is_open and explanations.damage(stood):
        return _accept_box(request, stood)  # which says so
    form = AcceptForm(request.POST)
    if not form.is_valid():
        return _accept_box(request, stood, form, status=422)
    if stood.is_open and form.cleaned_data["round"] != stood.round:
        return _accept_box(request, stood, form, problem=moved_on(stood), status=409)
    if stood.is_open and "show" in request.POST:
        return _accept_box(request, stood, form)
    names = ("seen_hash", "erp_id", "note", "statement", "confirmed")
    entered = {name: form.cleaned_data[name] for name in names}
    command: Callable[..., ExportJob] = submissions.retry if stood.has_failed else submissions.accept
    if adopts := "adopt" in request.POST:
        command = submissions.adopt
        entered |= {"seen_record": form.cleaned_data["seen_record"], "seen_round": form.cleaned_data["round"]}
    elif stood.is_open:
        erp_id, ticked = form.cleaned_data["erp_id"], form.cleaned_data["other_records"]
        blocked, others = previews.ask_now(stood.submission, erp_id=erp_id, ticked=ticked)
        if blocked:
            return _accept_box(request, stood, form, problem=_BLOCKED, status=422)
        entered |= {"others": others, "others_reason": form.cleaned_data["others_reason"]}
        entered["number_looked_up"] = form.cleaned_data["number_looked_up"]
    try:
        command(submission=stood.submission, by=request.user, **entered)
    except submissions.NotReady:
        return _accept_box(request, stood, form, problem=_BLOCKED, status=422)
    except submissions.Conflict as conflict:
        now = standing_of(request, company_slug, submission_id)
        if not now.is_open:
            return decided_box(request, now, str(conflict))
        return _accept_box(request, now, form, problem=str(conflict), status=409)
    except submissions.DecisionError as refusal:
        return _accept_box(request, stood, form, problem=str(refusal), status=422)
    now = standing_of(request, company_slug, submission_id)
    follows = "is being exported to Spectrum."
    if adopts:
        follows = "is marked as exported." if now.is_synced else "goes on with what is not in Spectrum."
    if now.can_be_undone and now.job and now.job.waits:
        follows = "is exported to Spectrum in a few seconds. Until then it can be undone."
    messages.success(request, f"{stood.submission.number} {follows}")
    return after_decision(request, now)


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
def reject(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """Send it back to its project with a reason, before an export or after a failed one."""
    stood = standing_of(request, company_slug, submission_id)
    submissions.require_may_decide(submission=stood.submission, by=request.user)
    if request.method != "POST":
        return _reject_box(request, stood) if stood.is_rejectable else decided_box(request, stood)
    form = RejectForm(request.POST)
    if not form.is_valid():
        return _reject_box(request, stood, form, status=422)
    seen = (form.cleaned_data["seen_hash"], form.cleaned_data["round"])
    if stood.is_rejectable and seen != (stood.submission.snapshot_hash, stood.round):
        return _reject_box(request, stood, form, problem=moved_on(stood), status=409)
    try:
        submissions.reject(submission=stood.submission, by=request.user, reason=form.cleaned_data["reason"])
    except (submissions.Conflict, submissions.TooEarly) as conflict:
        now = standing_of(request, company_slug, submission_id)
        verb = "Can't be decided:" if now.is_awaiting else "Decided already:"
        return decided_box(request, now, str(conflict), verb=verb)
    except submissions.DecisionError as refusal:
        return _reject_box(request, stood, form, problem=str(refusal), status=422)
    messages.success(
        request, f"{stood.submission.number} is rejected and back with its project. The reason is mailed."
    )
    return after_decision(request, standing_of(request, company_slug, submission_id))


def _accept_box(
    request: SignedInRequest,
    stood: Standing,
    form: AcceptForm | None = None,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """What Spectrum will store under the ERP ID that is in the field, or what stands in the way."""
    if not stood.is_open:
        return decided_box(request, stood)
    if damage := explanations.damage(stood):
        return decided_box(request, stood, " ".join(damage.sentences), verb="Can't be decided:")
    entered = form.cleaned_data if form else {}
    ticked = entered.get("other_records", [])
    preview = previews.of(
        stood.submission,
        erp_id=entered.get("erp_id"),
        note=entered.get("note", ""),
        ticked=ticked if "others_reason" in entered else (),  # a tick without words counts for nothing
    )
    shown = form or AcceptForm(initial={"erp_id": preview.erp_id})
    # Where nobody can look, a person has to, before what came out of an older copy goes anywhere.
    asks_for_words = submissions.needs_words_of_spectrum(stood.submission)
    if preview.notes_topic:
        shown.fields["note"].help_text = NOTE_IS_WRITTEN
    verb = "Try again" if stood.has_failed else "Accept"
    context = {
        "preview": preview,
        "seen_hash": preview.seen_hash,
        "asks_for_words": asks_for_words,
        "ticked": ticked,
        "changes": [(each, each.stamp in entered.get("confirmed", [])) for each in preview.changes],
        "focus_title": True,
    }
    return box(request, stood, "_accept.html", verb, shown, problem, status, context)


def _reject_box(
    request: SignedInRequest,
    stood: Standing,
    form: RejectForm | None = None,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    if not stood.is_rejectable:
        return decided_box(request, stood)
    damage = explanations.damage(stood) if stood.is_awaiting else None
    if damage:
        return decided_box(request, stood, " ".join(damage.sentences), verb="Can't be decided:")
    context = {
        "seen_hash": stood.submission.snapshot_hash,
        "standing": previews.standing_of(stood.submission) if stood.is_open and not problem else None,
        "elsewhere": explanations.of_record_elsewhere(stood),
    }
    return box(request, stood, "_reject.html", "Reject", form or RejectForm(), problem, status, context)


def decided_box(
    request: SignedInRequest, stood: Standing, problem: str = "", *, verb: str = "Decided already:"
) -> HttpResponse:
    """For the person who came second: who decided, and when. Or why nobody can."""
    problem = problem or f"{explanations.decision(stood.submission)}."
    context = {"row": stood, "focus_title": True}
    return box(request, stood, "_decided.html", verb, None, problem, 409, context)


def box(
    request: SignedInRequest,
    stood: Standing,
    template: str,
    verb: str,
    form: Form | None,
    problem: str,
    status: int,
    context: dict[str, Any],
) -> HttpResponse:
    """A box as a page of its own, or alone for htmx."""
    template = f"erp_integrations/{template}"
    context |= {
        "box": template,
        "verb": verb,
        "form": form,
        "problem": problem,
        "stood": stood,
        "submission": stood.submission,
        "company": stood.viewer.company,
        "back_url": _back_url(request, stood),
        "back_query": "?back=review" if _from_review(request) else "",
        "in_place": bool(request.htmx),
    }
    return render(request, template if request.htmx else "erp_integrations/box.html", context, status=status)


def _from_review(request: SignedInRequest) -> bool:
    return request.GET.get("back") == "review"


def _back_url(request: SignedInRequest, stood: Standing) -> str:
    """Where the box was opened: the review page, or the list."""
    slug = stood.viewer.company.slug
    if _from_review(request):
        return reverse("erp_integrations:review", args=[slug, stood.submission.pk])
    return reverse("erp_integrations:commitments", args=[slug])


def after_decision(request: SignedInRequest, stood: Standing) -> HttpResponse:
    """In place the row shows what is true now; without htmx, back to where the box was opened."""
    if not request.htmx or _from_review(request):
        return redirect(_back_url(request, stood))
    context = {
        "row": stood,
        "company": stood.viewer.company,
        "leaves": not (stood.is_moving or stood.is_awaiting),
        "filters": navigation.filters_around(request, stood.viewer),
    }
    return render(request, "erp_integrations/_after_decision.html", context)


def moved_on(stood: Standing) -> str:
    """For a box that was opened on an earlier state of things."""
    if stood.has_failed:
        return (
            f"{stood.submission.decided_by} accepted this commitment while you were looking, and its export "
            "failed. Below is how it stands now: check it and decide again."
        )
    return "This is not what you were looking at. Below is how it stands now: check it and decide again."
