"""Take over from Spectrum: what would be made of its lists, one press, and how far it has come."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from directory.list_files import Columns, build_response
from directory.requests import SignedInRequest
from directory.rights.permissions import require_administer_erp_integrations
from directory.web import rate_limits
from erp_integrations.links import take_over
from erp_integrations.links.kinds import JOB, VENDOR
from erp_integrations.links.linking import LinkError
from erp_integrations.links.take_over import HERE, LEFT, MADE, PROPOSED, PlannedRow
from erp_integrations.master_data import status
from erp_integrations.models import TakeOver, TakeOverKind
from erp_integrations.views.access import require_viewer
from erp_integrations.views.links import find_chosen_connection, list_connections

MOST_SHOWN = 50
OUTCOMES = (MADE, PROPOSED, LEFT, HERE)
COLUMNS: Columns[PlannedRow] = {
    "Code in Spectrum": (16, lambda row: row.code),
    "Name": (40, lambda row: row.name),
    "What becomes of it": (20, lambda row: row.outcome),
    "Reason": (60, lambda row: row.reason),
}


class ChoiceForm(forms.ModelForm[TakeOver]):
    class Meta:
        model = TakeOver
        fields = ("vendor_codes", "job_numbers", "with_inactive")
        help_texts = {
            "vendor_codes": "Blank: all. Or codes, beginnings and ranges: ACME, 23*, 2300 to 2399.",
            "job_numbers": "The same, of jobs.",
        }


class RuleForm(forms.ModelForm[TakeOver]):
    class Meta:
        model = TakeOver
        fields = ("takes_new", "closes")


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT, when=lambda request: "HX-Request" not in request.headers)
def show_take_over(request: SignedInRequest, company_slug: str) -> HttpResponse | FileResponse:
    """The plan for what the address chooses, also as a file. A POST has it made, or sets the rule."""
    viewer = require_viewer(request, company_slug)
    require_administer_erp_integrations(request.user, viewer.company)
    connection = find_chosen_connection(list_connections(viewer), request)
    context: dict[str, Any] = {"company": viewer.company, "connection": connection}
    if connection is None:
        return render(request, "erp_integrations/take_over.html", context)
    connection.company = viewer.company
    stored = TakeOver.objects.filter(connection=connection, kind=TakeOverKind.LISTS)
    row = stored.first() or TakeOver(connection=connection)
    context |= {"row": row, "sync_summaries": status.list_sync_summaries([connection])}
    if request.htmx:
        return render(request, "erp_integrations/_take_over_state.html", context)
    if "rule" in request.POST:
        rule = RuleForm(request.POST, instance=row)
        if rule.is_valid():
            take_over.set_take_over_rule(connection=connection, **rule.cleaned_data, by=request.user)
            messages.success(request, "The rule is saved. It holds from the next sync on.")
        return redirect(f"{request.path}?connection={connection.pk}")
    form = ChoiceForm(request.GET, instance=TakeOver(connection=connection))
    wanted, code = (form.instance, 200) if form.is_valid() else (TakeOver(connection=connection), 422)
    if request.method == "POST" and form.is_valid():
        try:
            expected = request.POST.get("expected", "")
            take_over.ask_for_take_over(wanted=wanted, expected=expected, by=request.user)
            return redirect(f"{request.path}?connection={connection.pk}")
        except LinkError as error:
            messages.error(request, str(error))
            code = 409
    plans = {kind: take_over.list_planned_links(kind, wanted) for kind in (VENDOR, JOB)}
    for kind, rows in plans.items():
        if request.GET.get("file") == kind.name:
            return build_response(request, f"take-over-{kind.name}s", COLUMNS, iter(rows))
    cost_codes = [each for each in take_over.list_planned_cost_codes(wanted) if each.made]
    new = {kind: [row for row in rows if row.outcome != HERE] for kind, rows in plans.items()}
    rows_by_kind = [(kind, sorted(rows, key=lambda row: row.outcome == MADE)) for kind, rows in new.items()]
    context |= {
        "form": form,
        "query": request.GET.urlencode(),
        "obstacle": take_over.find_obstacle(connection),
        "expected": take_over.build_stamp(plans.values()),
        "counts": [(kind, count_outcomes(rows)) for kind, rows in plans.items()],
        "kinds": [(kind, rows[:MOST_SHOWN], len(rows)) for kind, rows in rows_by_kind],
        "made": {kind.name: count_outcomes(rows)[0][1] for kind, rows in plans.items()},
        "cost_codes": cost_codes[:MOST_SHOWN],
        "cost_code_count": sum(len(each.made) for each in cost_codes),
        "rule": RuleForm(instance=row),
    }
    return render(request, "erp_integrations/take_over.html", context, status=code)


def count_outcomes(rows: Iterable[PlannedRow]) -> list[tuple[str, int]]:
    counts = Counter(row.outcome for row in rows)
    return [(outcome, counts[outcome]) for outcome in OUTCOMES]
