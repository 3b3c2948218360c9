"""Who may push to accounting: the list, and its review by an administrator of the company."""

from django.contrib import messages
from django.db.models import Max
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from directory.models import VISIBLE_LEVELS, CompanyMembership, Level
from directory.requests import SignedInRequest
from directory.rights import permissions
from directory.rights.approver_review import ListChanged, describe_review_conflict, record_approver_review
from directory.rights.approvers import build_approver_list, format_names
from erp_integrations.forms import ApproverReviewForm
from erp_integrations.models import Submission
from erp_integrations.views import navigation
from erp_integrations.views.access import require_member


@require_http_methods(["GET", "HEAD", "POST"])
def approvers(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """The page. A POST says that the list which it showed is right, or who is too many on it.

    Open to who sees the tool, and to Directory Admins, who answer for the list without working here.
    """
    viewer = require_member(request, company_slug)
    if viewer.erp_integrations_level not in VISIBLE_LEVELS and viewer.directory_level != Level.ADMIN:
        permissions.require_see_erp_integrations(request.user, viewer.company)
    posted = request.POST if request.method == "POST" else None
    form = ApproverReviewForm(posted, approver_list=build_approver_list(viewer.company))
    if request.method != "POST":
        return _build_page(request, viewer, form)
    permissions.require_review_approvers(request.user, viewer.company)
    shown = form.approver_list.content_hash
    try:
        if request.POST.get("expected_hash", shown) != shown:
            raise ListChanged("The list has changed since you opened it. Check the current list.")
        if not form.is_valid():
            return _build_page(request, viewer, form, status=422)
        record_approver_review(company=viewer.company, by=request.user, **form.cleaned_data)
    except ListChanged as refusal:
        messages.warning(request, f"{refusal} Nothing was recorded.")
        typed = {"reason": request.POST.get("reason", ""), "flagged": request.POST.getlist("flagged")}
        form = ApproverReviewForm(approver_list=build_approver_list(viewer.company), initial=typed)
        return _build_page(request, viewer, form, status=409)
    mailed = "Recorded. Those who can revoke it have been mailed."
    messages.success(request, mailed if form.cleaned_data["flagged"] else "Recorded: the list is confirmed.")
    return redirect("erp_integrations:approvers", company_slug)


def _build_page(
    request: SignedInRequest, viewer: CompanyMembership, form: ApproverReviewForm, *, status: int = 200
) -> HttpResponse:
    approver_list = form.approver_list
    sees_tool = viewer.erp_integrations_level in VISIBLE_LEVELS
    own_review_reason = describe_review_conflict(approver_list, request.user)
    is_reviewer = permissions.can_review_approvers(request.user, viewer.company)
    decisions = Submission.objects.filter(company=viewer.company, decided_by__in=form.people)
    decision_times = dict(decisions.values_list("decided_by").annotate(Max("decided_at")))
    ticked = form["flagged"].value()
    rows = []
    for each in approver_list.approvers:
        person = each.membership.user_id
        is_ticked, decided_at = str(person) in ticked, decision_times.get(person)
        rows.append({"approver": each, "decided_at": decided_at, "is_ticked": is_ticked})
    context = {
        "company": viewer.company,
        "tabs": navigation.list_tabs(viewer, current="Approvers") if sees_tool else [],
        "approver_list": approver_list,
        "granters": format_names(viewer.granters) if approver_list.suspended else "",
        "rows": rows,
        "form": form,
        "answers": is_reviewer,
        "may_review": is_reviewer and bool(approver_list.approvers) and not own_review_reason,
        "own_review_reason": own_review_reason if is_reviewer else "",
    }
    return render(request, "erp_integrations/approvers.html", context, status=status)
