"""The page of reasons for a rejection: an ERP admin edits the company's, everybody deletes their own."""

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from directory.models import Level
from directory.requests import SignedInRequest
from erp_integrations.forms import KeptReasonForm
from erp_integrations.models import KeptReason
from erp_integrations.submissions import kept_reasons
from erp_integrations.views.access import require_viewer


@require_http_methods(["GET", "HEAD", "POST"])
def reasons(request: SignedInRequest, company_slug: str) -> HttpResponse:
    viewer = require_viewer(request, company_slug)
    form = KeptReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        kept_reasons.store_reason(viewer, form.cleaned_data["text"], is_own=False)
        messages.success(request, "The reason is kept for all approvers.")
        return redirect("erp_integrations:reasons", company_slug)
    common, own = kept_reasons.list_reasons(viewer)
    is_admin = viewer.erp_integrations_level == Level.ADMIN
    context = {
        "company": viewer.company,
        "lists": [(f"For everybody at {viewer.company}", common, is_admin), ("Your own", own, True)],
        "form": form if is_admin else None,
    }
    return render(request, "erp_integrations/reasons.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def delete_reason(request: SignedInRequest, company_slug: str, reason_id: int) -> HttpResponse:
    viewer = require_viewer(request, company_slug)
    seen = Q(person=request.user) | Q(person=None)
    reason = get_object_or_404(KeptReason, seen, company=viewer.company, pk=reason_id)
    if request.method == "POST":
        kept_reasons.delete_reason(viewer, reason)
        messages.success(request, "The reason is deleted.")
    return redirect("erp_integrations:reasons", company_slug)
