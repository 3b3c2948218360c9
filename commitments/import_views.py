"""The pages on which a file is brought in: chosen, its columns looked over, its problems, and its report."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from commitments import imports
from commitments.cells import DayStyle, FigureStyle
from commitments.choices import rehearsals
from commitments.imports import COLUMNS
from commitments.models import Import, ImportKind, ImportState, Kind
from directory.columns import Table
from directory.csv_rows import BYTE_ORDER_MARK, format_csv_rows
from directory.db.pagination import parse_key
from directory.models import Company, Project
from directory.requests import SignedInRequest
from directory.rights.permissions import RightMissing
from directory.row_files import RowsRefused
from directory.web import rate_limits

MOST_SHOWN = 100
MOST_LISTED = 20


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT, when=rate_limits.is_post)
def start(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Choose a file; one's own files so far."""
    company, kinds = get_company_or_404(request, company_slug)
    problems: list[str] = []
    kind = request.POST.get("kind") or request.GET.get("kind", "")
    if request.method == "POST":
        try:
            if kind not in kinds or not (file := request.FILES.get("file")):
                raise RowsRefused("Choose what the file holds, and a file.")
            return redirect(imports.create_import(company=company, by=request.user, kind=kind, file=file))
        except RowsRefused as refused:
            problems = refused.problems
    mine = Import.objects.filter(by=request.user, company=company).defer("content").order_by("-pk")
    context = {"kinds": kinds, "kind": kind, "problems": problems, "imports": mine[:MOST_LISTED]}
    return render(request, "commitments/import_start.html", context, status=422 if problems else 200)


@require_safe
def template(request: SignedInRequest, company_slug: str, kind: str) -> HttpResponse:
    """The headings that are understood without a look."""
    get_company_or_404(request, company_slug)
    if kind not in COLUMNS:
        raise Http404
    return HttpResponse(
        BYTE_ORDER_MARK + format_csv_rows([[each.label for each in COLUMNS[kind]]]),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{kind}.csv"'},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT, when=rate_limits.is_post)
def detail(request: SignedInRequest, company_slug: str, import_id: int) -> HttpResponse:
    """One's own file: its columns, what stands in the way, how far it is, what became of it."""
    company, kinds = get_company_or_404(request, company_slug)
    mine = Import.objects.filter(by=request.user, company=company, kind__in=kinds).defer("content")
    mine = mine.select_related("company")
    found = get_object_or_404(mine, pk=import_id)
    problems: list[str] = []
    if request.method == "POST":
        try:
            return redirect(handle_press(request, found))
        except RowsRefused as refused:
            problems = refused.problems
    table = Table(**found.table)
    rehearsal = found.result.get("rehearsal", {})
    shown = found.result.get("problems", [])
    context = {
        "found": found,
        "columns": table.list_columns(),
        "head_row": table.head,
        "choices": COLUMNS[found.kind],
        "projects": Project.objects.visible_to(request.user).filter(company=company),
        "commitment_kinds": Kind,
        "styles": (("figures", "Figures in texts", FigureStyle), ("days", "Dates in texts", DayStyle)),
        "is_commitments": found.kind == ImportKind.COMMITMENTS,
        "is_per_project": found.kind in (ImportKind.COMMITMENTS, ImportKind.COST_CODES),
        "can_rehearse": rehearsals and found.kind == ImportKind.COMMITMENTS,
        "has_amount": "amount" in table.places,
        "rehearsal": rehearsal,
        "rehearsal_parts": [("What", rehearsal.get("groups")), ("Why", rehearsal.get("causes"))],
        "problems": problems,
        "shown": shown[:MOST_SHOWN],
        "more": found.result.get("problem_count", 0) - len(shown[:MOST_SHOWN]),
    }
    return render(request, "commitments/import.html", context, status=422 if problems else 200)


def handle_press(request: SignedInRequest, found: Import) -> str:
    """The page that follows. Raises RowsRefused."""
    if "delete" in request.POST:
        kept = [ImportState.WRITING, ImportState.DONE]
        if not Import.objects.filter(pk=found.pk).exclude(state__in=kept).delete()[0]:
            raise RowsRefused("It is being imported, or was already, so it was not removed.")
        messages.success(request, "The file was removed. Nothing of it was imported.")
        return reverse("imports:start", args=[found.company.slug])
    if "write" in request.POST:
        if not found.result.get("problem_count"):
            imports.start(found, ImportState.WRITING, (ImportState.CHECKED,))
    elif "rehearse" in request.POST:
        imports.start(found, ImportState.REHEARSING, (ImportState.CHECKED,))
    else:
        places: dict[str, int] = {}
        for place in range(len(found.table["headings"])):
            name = request.POST.get(f"column-{place}", "")
            if name in places:
                raise RowsRefused(f"{name.replace('_', ' ').capitalize()} is chosen twice.")
            if name in {each.name for each in COLUMNS[found.kind]}:
                places[name] = place
        given = {name: request.POST.get(name, "") for name in ("kind", "figures", "days")}
        allowed = {"kind": Kind.values, "figures": FigureStyle.values, "days": DayStyle.values}
        options: dict[str, Any] = {name: text for name, text in given.items() if text in allowed[name]}
        options |= {
            "project": parse_key(request.POST.get("project", "")),
            "changes": "changes" in request.POST,
        }
        imports.set_columns(found=found, places=places, options=options)
    return found.get_absolute_url()


def get_company_or_404(request: SignedInRequest, company_slug: str) -> tuple[Company, list[ImportKind]]:
    """With what the person may import there. Raises RightMissing where that is nothing."""
    company = get_object_or_404(Company.objects.visible_to(request.user), slug=company_slug)
    request.current_company = company
    if not (kinds := imports.list_kinds(request.user, company)):
        raise RightMissing(
            by=request.user,
            company=company,
            right="import",
            sentence="To import, you need Standard on a project's Commitments tool, or Admin on the "
            "Directory or on the ERP Integrations tool.",
        )
    return company, kinds
