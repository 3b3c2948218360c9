"""Vendors and jobs: which of ours is which in Spectrum. Everybody in the tool may look, Admins link."""

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from directory.db.pagination import parse_search
from directory.models import CompanyMembership, Level
from directory.requests import SignedInRequest
from directory.rights.permissions import require_administer_erp_integrations
from directory.web import rate_limits
from erp_integrations.confirmations import pending_changes
from erp_integrations.confirmations.subjects import Kind
from erp_integrations.links import linking, queries
from erp_integrations.links.forms import LinkForm, clean_list_query
from erp_integrations.links.kinds import VENDOR, LinkKind, LinkOwner
from erp_integrations.master_data import status
from erp_integrations.models import Connection
from erp_integrations.views import navigation
from erp_integrations.views.access import require_viewer
from erp_integrations.views.navigation import NavItem

MOST_AT_ONCE = 50


@require_safe
@rate_limits.limit_rate(when=rate_limits.is_search)
def links(request: SignedInRequest, company_slug: str, kind: LinkKind) -> HttpResponse:
    """Each contract company and its vendor on the chosen connection, or each project and its job."""
    viewer = require_viewer(request, company_slug)
    context = build_context(request, kind, viewer)
    connections, connection, search = context["connections"], context["connection"], context["search"]
    view = request.GET.get("view", "")
    if view not in queries.LINK_FILTERS:
        view = next(iter(queries.LINK_FILTERS))
    kept = {"connection": str(connection.pk)} if connection and len(connections) > 1 else {}
    kept |= {"q": search} if search else {}
    context |= {
        "tabs": navigation.list_tabs(viewer, current=kind.title),
        "view": view,
        "may_link": viewer.erp_integrations_level == Level.ADMIN,
        "here": clean_list_query(request.GET.urlencode()),
        "connection_filters": [
            NavItem(each.name, f"?{urlencode({'view': view, 'connection': each.pk})}", each == connection)
            for each in connections
        ],
        "filters": [
            NavItem(label, f"?{urlencode({'view': slug} | kept)}", slug == view)
            for slug, label in queries.LINK_FILTERS.items()
        ],
    }
    if connections:
        context["page"], context["rows"] = queries.get_link_page(
            kind, viewer.company, connection, view=view, search=search, parameters=request.GET.dict()
        )
        context |= build_confirmation_context(viewer, kind.subject_kind)
    return render(request, "erp_integrations/links.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(when=rate_limits.is_search)
def link(
    request: SignedInRequest,
    company_slug: str,
    kind: LinkKind,
    contract_company_id: int | None = None,
    project_id: int | None = None,
) -> HttpResponse:
    """One of ours: choose what it is in Spectrum, change it, or remove the link."""
    viewer = require_viewer(request, company_slug)
    require_administer_erp_integrations(request.user, viewer.company)
    key = contract_company_id if project_id is None else project_id
    owner = get_object_or_404(kind.owner_model, company=viewer.company, pk=key)
    show = partial(build_link_page, request, kind, viewer, owner)
    if request.method != "POST":
        return show()
    form = LinkForm(list_connections(viewer), request.POST)
    if not form.is_valid():
        return show(" ".join(str(message) for errors in form.errors.values() for message in errors), 422)
    entered = form.cleaned_data
    change: dict[str, Any] = {
        "owner": owner,
        "connection": entered["connection"],
        "expected": linking.ExpectedLink(entered["expected_code"], entered["expected_connection"]),
        "by": request.user,
    }
    try:
        if entered["unlink"]:
            stopped = linking.unlink(kind, **change)
        else:
            stopped = linking.link(kind, **change, code=entered["code"])
    except linking.LinkError as error:
        return show(str(error), 409 if isinstance(error, linking.LinkChanged) else 422)
    messages.success(request, f"{owner.name} is {'not linked any more' if entered['unlink'] else 'linked'}.")
    if stopped:
        messages.warning(request, linking.describe_stopped_exports(stopped))
    address = reverse(f"erp_integrations:{kind.name}s", args=[company_slug])
    return redirect(f"{address}?{entered['back']}" if entered["back"] else address)


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT)
def same_names(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Those whose name says which vendor is meant: each that stays ticked is linked by itself."""
    viewer = require_viewer(request, company_slug)
    require_administer_erp_integrations(request.user, viewer.company)
    connection = find_chosen_connection(list_connections(viewer), request)
    pairs = queries.list_same_names(viewer.company, connection) if connection else {}
    pairs = dict(list(pairs.items())[:MOST_AT_ONCE])
    back_url = reverse("erp_integrations:vendors", args=[company_slug])
    if request.method != "POST" or connection is None:
        context = {"company": viewer.company, "connection": connection, "pairs": pairs, "back_url": back_url}
        return render(request, "erp_integrations/same_names.html", context)
    change: dict[str, Any] = {
        "connection": connection,
        "expected": linking.ExpectedLink(""),
        "by": request.user,
    }
    linked, refused = 0, []
    for label in dict.fromkeys(request.POST.getlist("ticked")[:MOST_AT_ONCE]):
        try:
            if label not in pairs:
                raise linking.LinkError("This has changed since the page was opened.")
            owner, vendor = pairs[label]
            linking.link(VENDOR, owner=owner, code=vendor.code, **change)
            linked += 1
        except linking.LinkError as error:
            refused.append(f"{label[:100]}: {error}")
    left = f", {len(refused)} not: {' '.join(refused)}" if refused else "."
    messages.add_message(request, messages.WARNING if refused else messages.SUCCESS, f"{linked} linked{left}")
    return redirect(f"{back_url}?connection={connection.pk}")


@require_POST
def confirm(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Say of changes that others made that they are right; back to the page that showed them."""
    viewer = require_viewer(request, company_slug)
    try:
        count = pending_changes.confirm(
            company=viewer.company, ticked=request.POST.getlist("confirmed"), by=request.user
        )
    except pending_changes.NotConfirmed as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{count} change{'s are' if count > 1 else ' is'} confirmed.")
    page = request.POST.get("page", "")
    name = page if page in ("vendors", "jobs", "units", "settings") else "vendors"
    return redirect(f"erp_integrations:{name}", company_slug)


def build_confirmation_context(viewer: CompanyMembership, *kinds: Kind) -> dict[str, Any]:
    """For a page: what waits there for a second person, and whether the viewer can be that."""
    changes = pending_changes.list_for_company(viewer.company, *kinds)
    rows = [(each, viewer.user_id in each.barred) for each in changes]
    is_admin = viewer.erp_integrations_level == Level.ADMIN
    return {"unconfirmed": rows, "may_confirm": is_admin and not all(is_own for _, is_own in rows)}


def list_connections(viewer: CompanyMembership) -> list[Connection]:
    """Those of the viewer's company, by name. One query."""
    return list(Connection.objects.filter(company=viewer.company).order_by("name", "pk"))


def find_chosen_connection(connections: list[Connection], request: SignedInRequest) -> Connection | None:
    """The one that the address names, or the first; None where the company has none."""
    wanted = request.POST.get("connection") or request.GET.get("connection") or ""
    return next((each for each in connections if str(each.pk) == wanted), next(iter(connections), None))


def build_context(request: SignedInRequest, kind: LinkKind, viewer: CompanyMembership) -> dict[str, Any]:
    """``connection`` is the one that was chosen, where one of ours has a link on each."""
    connections = list_connections(viewer)
    connection = find_chosen_connection(connections, request) if kind.is_per_connection else None
    return {
        "company": viewer.company,
        "kind": kind,
        "connections": connections,
        "connection": connection,
        "search": parse_search(request.GET.get("q", "")),
        "sync_summaries": status.list_sync_summaries([connection] if connection else connections),
    }


def build_link_page(
    request: SignedInRequest,
    kind: LinkKind,
    viewer: CompanyMembership,
    owner: LinkOwner,
    problem: str = "",
    status_code: int = 200,
) -> HttpResponse:
    context = build_context(request, kind, viewer) | {
        "owner": owner,
        "problem": problem,
        "typed": request.POST.get("code", ""),
        "typed_connection": request.POST.get("connection", ""),
        "back": clean_list_query(request.POST.get("back", request.GET.get("back", ""))),
        "url": reverse(f"erp_integrations:{kind.name}", args=[viewer.company.slug, owner.pk]),
        "list_url": reverse(f"erp_integrations:{kind.name}s", args=[viewer.company.slug]),
    }
    if context["connections"]:
        on = (kind, viewer.company, context["connection"])
        (context["row"],) = queries.build_link_rows(*on, [owner], always_suggest=True)
        context["found"] = queries.find_erp_records(*on, context["search"])
    return render(request, "erp_integrations/link.html", context, status=status_code)
