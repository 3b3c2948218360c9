"""Running commitments: what of Spectrum's subcontracts would come in, one press, and what came of it."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from directory.requests import SignedInRequest
from directory.rights.permissions import require_push_to_accounting
from directory.web import rate_limits
from erp_integrations.models import TakeOver, TakeOverKind
from erp_integrations.submissions import running
from erp_integrations.submissions.errors import DecisionError
from erp_integrations.views.access import require_viewer
from erp_integrations.views.links import find_chosen_connection, list_connections


class ChoiceForm(forms.ModelForm[TakeOver]):
    class Meta:
        model = TakeOver
        fields = ("job_numbers", "subcontract_numbers", "with_inactive")
        help_texts = {
            "job_numbers": "Blank: all that are linked. Or numbers, beginnings and ranges: 23*, 2300 to 2399."
        }


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT, when=rate_limits.is_post)
def show_running(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """As a worker last saw it. A POST has it look, or take over what it has shown."""
    viewer = require_viewer(request, company_slug)
    connection = find_chosen_connection(list_connections(viewer), request)
    context: dict[str, Any] = {"company": viewer.company, "connection": connection, "viewer": viewer}
    if request.method == "POST":
        require_push_to_accounting(request.user, viewer.company)
    if connection is None:
        return render(request, "erp_integrations/running.html", context)
    connection.company = viewer.company
    stored = TakeOver.objects.filter(connection=connection, kind=TakeOverKind.COMMITMENTS).first()
    row = stored or TakeOver(connection=connection)
    form = ChoiceForm(request.POST if request.method == "POST" else None, instance=row)
    if request.method == "POST" and form.is_valid():
        try:
            takes = "take" in request.POST
            running.ask_for_running_commitments(wanted=form.instance, takes=takes, by=request.user)
        except DecisionError as error:
            messages.error(request, str(error))
        return redirect(f"{request.path}?connection={connection.pk}")
    context |= {
        "row": row,
        "form": form,
        "obstacle": running.find_running_obstacle(connection),
        "counts": [
            (label, count, Decimal(amount))
            for label, name in LABELS.items()
            for count, amount in [row.report.get(name, (0, "0"))]
        ],
        "rows": [
            (
                label,
                [(*code, Decimal(amount), why) for *code, amount, why in row.report.get(f"{name} rows", [])],
            )
            for label, name in LISTED.items()
        ],
    }
    name = "erp_integrations/_running_report.html" if request.htmx else "erp_integrations/running.html"
    return render(request, name, context, status=422 if form.errors else 200)


LABELS = {
    "Subcontracts in Spectrum": running.FOUND,
    "Come in": running.COMES_IN,
    "Here already": running.HERE,
    "Left": running.LEFT,
}
LISTED = {"Left": running.LEFT, "Come in": running.COMES_IN}
