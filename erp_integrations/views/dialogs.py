"""The Accept box and the Reject box: a GET shows, and only a POST decides.

Each is a page of its own, and for htmx the same box alone, which opens in place.
"""

from collections.abc import Callable
from dataclasses import replace
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
from erp_integrations.forms import NOTE_HELP_TEXT, AcceptForm, RejectForm
from erp_integrations.models import ExportJob
from erp_integrations.pages import explanations, previews
from erp_integrations.pages.submission_rows import SubmissionRow
from erp_integrations.views import navigation
from erp_integrations.views.access import get_submission_row

BLOCKED_MESSAGE = "It can't be exported as it is. The issues are listed below."


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate()
def accept(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """Accept for export; after a failed export the same box tries again."""
    row = get_submission_row(request, company_slug, submission_id)
    submissions.require_may_decide(submission=row.submission, by=request.user, membership=row.viewer)
    if row.is_open and row.own_change_reason:
        submissions.require_own_changes_confirmed(row.submission, request.user)
    if request.method != "POST":
        return build_accept_dialog(request, row) if row.is_open else build_decided_dialog(request, row)
    if row.is_open and explanations.describe_corrupted_snapshot(row):
        return build_accept_dialog(request, row)  # which says so
    form = AcceptForm(request.POST)
    if not form.is_valid():
        return build_accept_dialog(request, row, form, status=422)
    if row.is_open and form.cleaned_data["round"] != row.decision_version:
        return build_accept_dialog(request, row, form, problem=describe_conflict(row), status=409)
    if row.is_open and "show" in request.POST:
        return build_accept_dialog(request, row, form)
    names = ("seen_hash", "erp_id", "note", "statement", "confirmed")
    entered = {name: form.cleaned_data[name] for name in names}
    command: Callable[..., ExportJob] = submissions.accept_again if row.has_failed else submissions.accept
    if adopts := "adopt" in request.POST:
        command = submissions.adopt
        entered |= {"seen_record": form.cleaned_data["seen_record"], "seen_round": form.cleaned_data["round"]}
    elif row.is_open:
        erp_id, ticked = form.cleaned_data["erp_id"], form.cleaned_data["other_records"]
        blocked, others = previews.check_before_accept(row.submission, erp_id=erp_id, ticked=ticked)
        if blocked:
            return build_accept_dialog(request, row, form, problem=BLOCKED_MESSAGE, status=422)
        entered |= {"others": others, "others_reason": form.cleaned_data["others_reason"]}
        entered["number_looked_up"] = form.cleaned_data["number_looked_up"]
    try:
        job = command(submission=row.submission, by=request.user, **entered)
    except submissions.ExportBlocked:
        return build_accept_dialog(request, row, form, problem=BLOCKED_MESSAGE, status=422)
    except submissions.Conflict as conflict:
        current = get_submission_row(request, company_slug, submission_id)
        if not current.is_open:
            return build_decided_dialog(request, current, str(conflict))
        return build_accept_dialog(request, current, form, problem=str(conflict), status=409)
    except submissions.DecisionError as refusal:
        return build_accept_dialog(request, row, form, problem=str(refusal), status=422)
    if adopts:
        current = get_submission_row(request, company_slug, submission_id)
    else:
        row.submission.status, current = job.submission.status, replace(row, job=job)
    outcome = "is being exported to Spectrum."
    if adopts:
        outcome = "is marked as exported." if current.is_synced else "continues with what is not in Spectrum."
    if current.can_be_undone and current.job and current.job.is_delayed:
        outcome = "will be exported to Spectrum in a few seconds. Until then you can undo it."
    messages.success(request, f"{row.submission.number} {outcome}")
    return build_decision_response(request, current)


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
def reject(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """Send it back to its project with a reason, before an export or after a failed one."""
    row = get_submission_row(request, company_slug, submission_id)
    submissions.require_may_decide(submission=row.submission, by=request.user)
    if request.method != "POST":
        return build_reject_dialog(request, row) if row.is_rejectable else build_decided_dialog(request, row)
    form = RejectForm(request.POST)
    if not form.is_valid():
        return build_reject_dialog(request, row, form, status=422)
    expected = (form.cleaned_data["seen_hash"], form.cleaned_data["round"])
    if row.is_rejectable and expected != (row.submission.snapshot_hash, row.decision_version):
        return build_reject_dialog(request, row, form, problem=describe_conflict(row), status=409)
    try:
        submissions.reject(submission=row.submission, by=request.user, reason=form.cleaned_data["reason"])
    except (submissions.Conflict, submissions.TooEarly) as conflict:
        current = get_submission_row(request, company_slug, submission_id)
        verb = "Can't decide on" if current.is_awaiting else "Already decided:"
        return build_decided_dialog(request, current, str(conflict), verb=verb)
    except submissions.DecisionError as refusal:
        return build_reject_dialog(request, row, form, problem=str(refusal), status=422)
    messages.success(
        request, f"{row.submission.number} is rejected and back with its project. The reason has been mailed."
    )
    return build_decision_response(request, get_submission_row(request, company_slug, submission_id))


def build_accept_dialog(
    request: SignedInRequest,
    row: SubmissionRow,
    form: AcceptForm | None = None,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """What Spectrum will store under the ERP ID that is in the field, or what stands in the way."""
    if not row.is_open:
        return build_decided_dialog(request, row)
    if corruption := explanations.describe_corrupted_snapshot(row):
        return build_decided_dialog(request, row, " ".join(corruption.sentences), verb="Can't decide on")
    entered = form.cleaned_data if form else {}
    ticked = entered.get("other_records", [])
    preview = previews.build_preview(
        row.submission,
        erp_id=entered.get("erp_id"),
        note=entered.get("note", ""),
        ticked=ticked if "others_reason" in entered else (),  # a tick without words counts for nothing
    )
    shown = form or AcceptForm(initial={"erp_id": preview.erp_id})
    # Where nobody can look, a person has to, before what came out of an older copy goes anywhere.
    asks_for_words = submissions.is_statement_required(row.submission)
    if preview.notes_topic:
        shown.fields["note"].help_text = NOTE_HELP_TEXT
    verb = "Retry" if row.has_failed else "Accept"
    context = {
        "preview": preview,
        "seen_hash": preview.expected_hash,
        "asks_for_words": asks_for_words,
        "ticked": ticked,
        "changes": [(each, each.stamp in entered.get("confirmed", [])) for each in preview.changes],
        "focus_title": True,
    }
    return build_dialog(request, row, "_accept.html", verb, shown, problem, status, context)


def build_reject_dialog(
    request: SignedInRequest,
    row: SubmissionRow,
    form: RejectForm | None = None,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    if not row.is_rejectable:
        return build_decided_dialog(request, row)
    corruption = explanations.describe_corrupted_snapshot(row) if row.is_awaiting else None
    if corruption:
        return build_decided_dialog(request, row, " ".join(corruption.sentences), verb="Can't decide on")
    context = {
        "seen_hash": row.submission.snapshot_hash,
        "standing": previews.find_existing_record(row.submission) if row.is_open and not problem else None,
        "elsewhere": explanations.describe_late_records(row),
    }
    return build_dialog(
        request, row, "_reject.html", "Reject", form or RejectForm(), problem, status, context
    )


def build_decided_dialog(
    request: SignedInRequest, row: SubmissionRow, problem: str = "", *, verb: str = "Already decided:"
) -> HttpResponse:
    """For the person who came second: who decided, and when. Or why nobody can."""
    problem = problem or f"{explanations.describe_decision(row.submission)}."
    context = {"row": row, "focus_title": True}
    return build_dialog(request, row, "_decided.html", verb, None, problem, 409, context)


def build_dialog(
    request: SignedInRequest,
    row: SubmissionRow,
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
        "stood": row,
        "submission": row.submission,
        "company": row.viewer.company,
        "back_url": _get_back_url(request, row),
        "back_query": "?back=review" if _is_from_review(request) else "",
        "in_place": bool(request.htmx),
    }
    return render(request, template if request.htmx else "erp_integrations/box.html", context, status=status)


def _is_from_review(request: SignedInRequest) -> bool:
    return request.GET.get("back") == "review"


def _get_back_url(request: SignedInRequest, row: SubmissionRow) -> str:
    """Where the box was opened: the review page, or the list."""
    slug = row.viewer.company.slug
    if _is_from_review(request):
        return reverse("erp_integrations:review", args=[slug, row.submission.pk])
    return reverse("erp_integrations:commitments", args=[slug])


def build_decision_response(request: SignedInRequest, row: SubmissionRow) -> HttpResponse:
    """In place the row shows what is true now; without htmx, back to where the box was opened."""
    if not request.htmx or _is_from_review(request):
        return redirect(_get_back_url(request, row))
    context = {
        "row": row,
        "company": row.viewer.company,
        "leaves": not (row.is_moving or row.is_awaiting),
        "filters": navigation.list_filters_for_htmx(request, row.viewer),
    }
    return render(request, "erp_integrations/_after_decision.html", context)


def describe_conflict(row: SubmissionRow) -> str:
    """For a box that was opened on an earlier state of things."""
    if row.has_failed:
        return (
            f"{row.submission.decided_by} accepted this commitment after you opened it, and its export "
            "failed. The current version is below. Check it and decide again."
        )
    return "This has changed since you opened it. The current version is below. Check it and decide again."
