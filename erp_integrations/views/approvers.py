"""Who may push to accounting: the list, and its review by an administrator of the company."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.db.models import Max
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from directory.models import VISIBLE_LEVELS, CompanyMembership, Level
from directory.requests import SignedInRequest
from directory.rights.approver_review import ListChanged, review_approvers, why_barred
from directory.rights.approvers import (
    Approver,
    Roll,
    in_words,
    roll_of,
)
from directory.rights.permissions import (
    can_review_approvers,
    require_review_approvers,
    require_see_erp_integrations,
)
from erp_integrations.forms import ReviewForm
from erp_integrations.models import Submission
from erp_integrations.views import navigation
from erp_integrations.views.access import member_of


@dataclass(frozen=True, slots=True)
class Row:
    """One person of the list, with their last decision in this company."""

    approver: Approver
    decided_at: datetime | None
    is_ticked: bool


@require_http_methods(["GET", "HEAD", "POST"])
def approvers(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """The page. A POST says that the list which it showed is right, or who is too many on it.

    Open to who sees the tool, and to Directory Admins, who answer for the list without working here.
    """
    viewer = member_of(request, company_slug)
    if viewer.erp_integrations_level not in VISIBLE_LEVELS and viewer.directory_level != Level.ADMIN:
        require_see_erp_integrations(request.user, viewer.company)
    roll = roll_of(viewer.company)
    if request.method != "POST":
        return _page(request, viewer, roll, _form(roll))
    require_review_approvers(request.user, viewer.company)
    form = _form(roll, request)
    if request.POST.get("seen_hash", roll.seen_hash) != roll.seen_hash:
        return _changed(request, viewer, "The list changed since you opened it. Look at it as it is now.")
    if not form.is_valid():
        return _page(request, viewer, roll, form, status=422)
    try:
        review_approvers(company=viewer.company, by=request.user, **form.cleaned_data)
    except ListChanged as refusal:
        return _changed(request, viewer, str(refusal))
    if form.cleaned_data["flagged"]:
        messages.success(request, "Recorded. Those who can revoke it are told by mail.")
    else:
        messages.success(request, "Recorded: the list is right as it stands.")
    return redirect("erp_integrations:approvers", company_slug)


def _changed(request: SignedInRequest, viewer: CompanyMembership, sentence: str) -> HttpResponse:
    messages.warning(request, f"{sentence} Nothing was recorded.")
    roll = roll_of(viewer.company)
    return _page(request, viewer, roll, _form(roll), status=409)


def _form(roll: Roll, request: SignedInRequest | None = None) -> ReviewForm:
    people = [approver.membership.user_id for approver in roll.approvers]
    return ReviewForm(request.POST if request else None, people=people)


def _page(
    request: SignedInRequest, viewer: CompanyMembership, roll: Roll, form: ReviewForm, *, status: int = 200
) -> HttpResponse:
    sees_tool = viewer.erp_integrations_level in VISIBLE_LEVELS
    barred = why_barred(roll, request.user)
    answers = can_review_approvers(request.user, viewer.company)
    decided = dict(
        Submission.objects.filter(
            company=viewer.company,
            decided_by__in=[approver.membership.user_id for approver in roll.approvers],
        )
        .values_list("decided_by")
        .annotate(Max("decided_at"))
    )
    ticked = set(request.POST.getlist("flagged")) if form.is_bound else set()
    context = {
        "company": viewer.company,
        "tabs": navigation.tabs(viewer, current="Approvers") if sees_tool else [],
        "roll": roll,
        "granters": in_words(viewer.granters) if roll.suspended else "",
        "rows": [
            Row(
                approver,
                decided.get(approver.membership.user_id),
                str(approver.membership.user_id) in ticked if form.is_bound else approver.is_flagged,
            )
            for approver in roll.approvers
        ],
        "form": form,
        "answers": answers,
        "may_review": answers and bool(roll.approvers) and not barred,
        "barred": barred if answers else "",
    }
    return render(request, "erp_integrations/approvers.html", context, status=status)
