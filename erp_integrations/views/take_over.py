"""Take over from Spectrum: what would come of its lists, or of its subcontracts; one press; how far it is."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods

from directory.list_files import Columns, build_response
from directory.models import Level
from directory.requests import SignedInRequest
from directory.spreadsheets import MONEY
from directory.web import rate_limits
from erp_integrations.links.take_over import HERE, MADE, OUTCOMES, PlannedRow
from erp_integrations.master_data import status
from erp_integrations.models import TakeOver, TakeOverKind
from erp_integrations.submissions.errors import DecisionError
from erp_integrations.submissions.take_overs import WORKS, ask_for_take_over
from erp_integrations.views import navigation
from erp_integrations.views.access import require_viewer
from erp_integrations.views.links import find_chosen_connection, list_connections

MOST_SHOWN = 50
TITLES = {TakeOverKind.LISTS: "Take over from Spectrum", TakeOverKind.COMMITMENTS: "Running commitments"}
GROUPS = ("Vendors", "Jobs", "Cost codes", "Subcontracts")
COLUMNS: Columns[PlannedRow] = {
    "Code in Spectrum": (16, lambda row: row.code),
    "Name": (40, lambda row: row.name),
    "What becomes of it": (20, lambda row: row.outcome),
    "Reason": (60, lambda row: row.reason),
    "Amount": (16, lambda row: (row.amount, MONEY)),
}
HELP = {
    "vendor_codes": "Blank: all. Or codes, beginnings and ranges: ACME, 23*, 2300 to 2399.",
    "job_numbers": "Blank: all. Or numbers, beginnings and ranges: 23*, 2300 to 2399.",
    "takes_new": "Spectrum's lists are read every day. Else what is new there is only shown here.",
}


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT, when=rate_limits.is_post)
def show_take_over(
    request: SignedInRequest, company_slug: str, kind: TakeOverKind
) -> HttpResponse | FileResponse:
    """As a worker last saw it, also as a file. A POST has it look, or make what was shown."""
    viewer, work, is_lists = require_viewer(request, company_slug), WORKS[kind], kind == TakeOverKind.LISTS
    if is_lists or request.method == "POST":
        work.require_right(request.user, viewer.company)
    connection = find_chosen_connection(list_connections(viewer), request)
    context: dict[str, Any] = {
        "company": viewer.company,
        "tabs": navigation.list_tabs(viewer, current=TITLES[kind]),
        "connection": connection,
        "is_lists": is_lists,
        "may_ask": is_lists or viewer.can_decide,
        "may_link": viewer.erp_integrations_level == Level.ADMIN,
    }
    if connection is None:
        return render(request, "erp_integrations/take_over.html", context)
    connection.company = viewer.company
    row = TakeOver.objects.filter(connection=connection, kind=kind).first() or TakeOver(kind=kind)
    row.connection = connection
    expected = request.POST.get("expected")
    entered = request.POST if request.method == "POST" and expected is None else None
    form = forms.modelform_factory(TakeOver, fields=work.fields, help_texts=HELP)(entered, instance=row)
    if request.method == "POST" and not form.errors:
        try:
            ask_for_take_over(wanted=row, expected=expected, by=request.user)
        except DecisionError as error:
            messages.error(request, str(error))
        return redirect(f"{request.path}?connection={connection.pk}")
    rows = [
        PlannedRow(group, code, name, outcome, reason, Decimal(amount))
        for group, code, name, outcome, reason, amount in row.plan.get("rows", ())
    ]
    if file := [each for each in rows if slugify(each.group) == request.GET.get("file")]:
        return build_response(request, f"take-over-{request.GET['file']}", COLUMNS, iter(file))
    obstacle = "" if row.is_moving else work.find_obstacle(connection)
    context |= {
        "row": row,
        "form": form,
        "obstacle": obstacle,
        "can_press": context["may_ask"] and not obstacle and not row.is_moving and bool(row.shown),
        "groups": [] if row.is_moving else list_groups(row, rows),
        "sync_summaries": status.list_sync_summaries([connection]),
    }
    return render(request, "erp_integrations/take_over.html", context, status=422 if form.errors else 200)


def list_groups(row: TakeOver, rows: list[PlannedRow]) -> list[dict[str, Any]]:
    """Each with its counts and amounts, and the first of what is not here yet; what is to be made is last."""
    groups, stored = [], row.plan.get("groups", {})
    for name, outcomes in ((each, stored[each]) for each in GROUPS if each in stored):
        cells = [(each, count, Decimal(amount)) for each in OUTCOMES for count, amount in [outcomes[each]]]
        ahead = [each for each in rows if each.group == name and each.outcome != HERE]
        ahead.sort(key=lambda each: each.outcome == MADE)
        amounts = sum(amount for *_, amount in cells)
        groups.append({"name": name, "cells": cells, "amount": amounts, "rows": ahead[:MOST_SHOWN]})
    return groups
