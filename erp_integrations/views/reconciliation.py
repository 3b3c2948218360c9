"""The drift between Ledgergate and Spectrum: the page, its spreadsheet, and the button to compare now."""

import tempfile
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from directory.models import CompanyMembership
from directory.requests import SignedInRequest
from directory.rights.permissions import can_compare_with_erp
from directory.spreadsheets import SPREADSHEET_TYPE
from directory.web import rate_limits
from erp_integrations.models import DriftKind
from erp_integrations.reconciliation import drift_list, spreadsheet
from erp_integrations.reconciliation import requests as reconciliations
from erp_integrations.views import navigation
from erp_integrations.views.access import require_viewer
from erp_integrations.views.navigation import NavItem


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT, when=rate_limits.is_post)
def reconciliation(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """The page; a POST has everything compared now."""
    viewer = require_viewer(request, company_slug)
    if request.method == "POST":
        try:
            reconciliations.start_reconciliations(company=viewer.company, by=request.user)
        except reconciliations.NothingToCompare as refusal:
            messages.warning(request, str(refusal))
        else:
            messages.success(request, "All synced commitments are being compared with Spectrum.")
        return redirect("erp_integrations:reconciliation", company_slug)
    kind = _get_kind(request)
    if request.GET.get("kind", kind) != kind:
        messages.warning(request, "There is no such filter. Showing all drift.")
    counts = drift_list.count_by_kind(viewer.company)
    found = drift_list.get_page(viewer.company, kind, request.GET.dict())
    here = {"kind": kind} if kind != drift_list.ALL_KINDS else {}
    context = {
        "tabs": navigation.list_tabs(viewer, current="Reconciliation"),
        "summary": reconciliations.build_summary(viewer.company, drifting=counts[drift_list.ALL_KINDS]),
        "company": viewer.company,
        "may_decide": viewer.can_decide,
        "can_compare": can_compare_with_erp(request.user, viewer.company),
        "filters": build_filters(viewer, kind, counts),
        "kind": kind if here else "",
        "kind_label": str(DriftKind(kind).label) if here else "",
        "rows": [drift_list.build_drift_row(drift) for drift in found.rows],
        "page": found,
        "spreadsheet_query": f"?{urlencode(here)}" if here else "",
    }
    return render(request, "erp_integrations/reconciliation.html", context)


@vary_on_headers("HX-Request")
@require_safe
def reconciliation_progress(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """How far a comparison is; at its end the page is loaded again, as its list is another one now."""
    viewer = require_viewer(request, company_slug)
    if not request.htmx:
        return redirect("erp_integrations:reconciliation", company_slug)
    counts = drift_list.count_by_kind(viewer.company)
    summary = reconciliations.build_summary(viewer.company, drifting=counts[drift_list.ALL_KINDS])
    context: dict[str, Any] = {"summary": summary, "company": viewer.company}
    response = render(request, "erp_integrations/_reconciliation_state.html", context)
    if not summary.is_moving:
        response["HX-Refresh"] = "true"
    return response


@require_safe
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT)
def reconciliation_spreadsheet(request: SignedInRequest, company_slug: str) -> FileResponse:
    """The same as the page, with every finding in a row of its own."""
    viewer = require_viewer(request, company_slug)
    counts = drift_list.count_by_kind(viewer.company)
    summary = reconciliations.build_summary(viewer.company, drifting=counts[drift_list.ALL_KINDS])
    file = tempfile.TemporaryFile()  # noqa: SIM115  (the response closes it)
    spreadsheet.write_spreadsheet(viewer.company, _get_kind(request), summary, file)
    file.seek(0)
    name = f"reconciliation-{viewer.company.slug}-{timezone.localdate():%Y-%m-%d}.xlsx"
    return FileResponse(file, as_attachment=True, filename=name, content_type=SPREADSHEET_TYPE)


def _get_kind(request: SignedInRequest) -> str:
    wanted = request.GET.get("kind", "")
    return wanted if wanted in DriftKind.values else drift_list.ALL_KINDS


def build_filters(viewer: CompanyMembership, current: str, counts: dict[str, str]) -> list[NavItem]:
    address = reverse("erp_integrations:reconciliation", args=[viewer.company.slug])
    labels = {drift_list.ALL_KINDS: "All"} | {kind.value: str(kind.label) for kind in DriftKind}
    return [
        NavItem(
            label,
            address if kind == drift_list.ALL_KINDS else f"{address}?{urlencode({'kind': kind})}",
            kind == current,
            None if counts[kind] == "0" else counts[kind],
        )
        for kind, label in labels.items()
    ]
