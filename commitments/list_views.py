"""The pages of a project's cost codes and of a company's Contract Companies."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from commitments import lists
from commitments.errors import ListChanged, ListRefused
from commitments.lists import COST_CODE, VENDOR, ListKind
from commitments.views import get_project_or_404
from directory.columns import read_columns
from directory.db import pagination
from directory.db.pagination import parse_key, parse_search
from directory.models import Company, Project
from directory.requests import SignedInRequest
from directory.rights.permissions import (
    can_review_approvers,
    can_send_commitments,
    require_see_contract_companies,
)
from directory.row_files import MOST_PASTED, Row, RowsRefused, read_text
from directory.web import rate_limits

MOST_PROBLEMS = 100
MOST_CANDIDATES = 20


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(when=rate_limits.is_search)
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT, when=rate_limits.is_post)
def rows(request: SignedInRequest, /, kind: ListKind, **where: Any) -> HttpResponse:
    """All of them: to be added from typed or pasted rows, closed, and opened again."""
    owner, context = get_owner_or_404(request, kind, **where)
    problems: list[str] = []
    for closed, name in ((True, "close"), (False, "open")):
        if request.method == "POST" and name in request.POST:
            row = get_object_or_404(kind.list_rows(owner), pk=parse_key(request.POST[name]))
            lists.set_closed(kind=kind, row=row, closed=closed, by=request.user)
            messages.success(request, f"{row} is {'closed' if closed else 'open'}.")
            return redirect(context["list_url"])
    if request.method == "POST":
        kind.require_keep(request.user, owner)
        try:
            count = lists.add_rows(kind=kind, owner=owner, rows=read_rows(request, kind), by=request.user)
        except RowsRefused as refused:
            more = len(refused.problems) - MOST_PROBLEMS
            problems = refused.problems[:MOST_PROBLEMS] + [f"And {more:,} more."] * (more > 0)
        else:
            messages.success(request, f"{count:,} added." if count else "Nothing was added: all are here.")
            return redirect(context["list_url"])
    search = parse_search(request.GET.get("q", ""))
    page = pagination.get_page(
        lists.find_rows(kind, owner, search),
        request.GET.dict(),
        by=kind.key,
        ascending=True,
        kept={"q": search} if search else {},
    )
    if kind is VENDOR:
        seen = {} if context["can_change"] else {"project__in": Project.objects.visible_to(request.user)}
        counts = lists.count_commitments(page.rows, **seen)
        for row in page.rows:
            row.commitment_count = counts.get(row.pk, 0)
    context |= {"page": page, "search": search, "problems": problems, "typed": request.POST.get("rows", "")}
    return render(request, "commitments/choice_list.html", context, status=422 if problems else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def row(request: SignedInRequest, /, kind: ListKind, **where: Any) -> HttpResponse:
    """One of them, its name and its history."""
    owner, context = get_owner_or_404(request, kind, **where)
    row = get_object_or_404(kind.list_rows(owner), pk=context["key"])
    status = 200
    if request.method == "POST":
        name, expected = (" ".join(request.POST.get(each, "").split()) for each in ("name", "expected"))
        try:
            lists.set_name(kind=kind, row=row, name=name, expected=expected, by=request.user)
        except ListRefused as error:
            context |= {"refusal": str(error), "typed": name}
            status = 409 if isinstance(error, ListChanged) else 422
            row.refresh_from_db()
        else:
            messages.success(request, "Saved.")
            return redirect(request.path)
    return render(request, "commitments/choice.html", {**context, "row": row}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(when=rate_limits.is_search)
def merge(request: SignedInRequest, /, kind: ListKind, **where: Any) -> HttpResponse:
    """Choose the one that stays, see what would move, and merge."""
    owner, context = get_owner_or_404(request, kind, **where)
    kind.require_keep(request.user, owner)
    merged = get_object_or_404(kind.list_rows(owner), pk=context["key"])
    others = kind.list_rows(owner).exclude(pk=merged.pk)
    search = parse_search(request.GET.get("q", merged.name.partition(" ")[0]))
    context |= {"row": merged, "search": search}
    chosen = (request.POST if request.method == "POST" else request.GET).get("into")
    if chosen is None:
        found = lists.find_rows(kind, owner, search).filter(closed_at=None).exclude(pk=merged.pk)
        context["candidates"] = found[:MOST_CANDIDATES]
        return render(request, "commitments/choice_merge.html", context)
    kept, status = get_object_or_404(others, pk=parse_key(chosen)), 200
    if request.method == "POST":
        expected = request.POST.get("expected", "")
        try:
            lists.merge(kind=kind, merged=merged, kept=kept, expected=expected, by=request.user)
        except ListRefused as error:
            context["refusal"], status = str(error), 409 if isinstance(error, ListChanged) else 422
        else:
            messages.success(request, f"{merged} was merged into {kept}.")
            return redirect(f"{context['list_url']}{kept.pk}/")
    context["plan"] = lists.build_merge_plan(kind, merged, kept)
    return render(request, "commitments/choice_merge.html", context, status=status)


def read_rows(request: SignedInRequest, kind: ListKind) -> list[Row]:
    """Those that were typed. Names alone stand one a line, with their commas."""
    text = request.POST.get("rows", "")
    pasted = list(read_text(text, "\t" if "\t" in text or kind is VENDOR else ","))
    rows = read_columns(pasted, kind.columns)
    if not 0 < len(rows) <= MOST_PASTED:
        raise RowsRefused(f"Enter 1 to {MOST_PASTED:,} rows.")
    return rows


def get_owner_or_404(
    request: SignedInRequest,
    kind: ListKind,
    project_id: int = 0,
    company_slug: str = "",
    contract_company_id: int = 0,
    cost_code_id: int = 0,
) -> tuple[Any, dict[str, Any]]:
    """The project or company, if the person may see its list, and what all pages of it show."""
    owner: Project | Company
    if kind is COST_CODE:
        owner = get_project_or_404(request, project_id)
        address, can_change = "commitments:cost_codes", can_send_commitments(request.user, owner)
    else:
        owner = get_object_or_404(Company.objects.visible_to(request.user), slug=company_slug)
        request.current_company = owner
        require_see_contract_companies(request.user, owner)
        address, can_change = "contract_companies:list", can_review_approvers(request.user, owner)
    list_url = reverse(address, args=[project_id or company_slug])
    context = {"kind": kind, "owner": owner, "list_url": list_url, "can_change": can_change}
    context["import_query"] = f"?kind={'cost_codes' if kind is COST_CODE else 'vendors'}"
    return owner, context | {"key": contract_company_id or cost_code_id}
