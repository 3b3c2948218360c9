"""Vendors and jobs: which of ours is which in Spectrum. Everybody in the tool may look, Admins link."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commitments.models import ContractCompany
from directory.db.pagination import parse_search
from directory.models import CompanyMembership, Level, Project
from directory.requests import SignedInRequest
from directory.rights.permissions import require_administer_erp_integrations
from directory.web import rate_limits
from erp_integrations.confirmations import pending_changes
from erp_integrations.confirmations.subjects import Kind
from erp_integrations.links import linking, queries
from erp_integrations.links.forms import LinkForm, clean_list_query
from erp_integrations.master_data import status
from erp_integrations.models import Connection
from erp_integrations.models.secrets import list_secret_fields
from erp_integrations.views import navigation
from erp_integrations.views.access import require_viewer
from erp_integrations.views.navigation import NavItem


@require_safe
@rate_limits.limit_rate(when=rate_limits.is_search)
def vendors(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Each contract company, and the vendor that it is on the chosen connection."""
    viewer = require_viewer(request, company_slug)
    connections = list_connections(viewer)
    connection = find_chosen_connection(connections, request)
    context = build_list_context(request, viewer, "Vendors") | build_confirmation_context(viewer, Kind.VENDOR)
    view, search = context["view"], context["search"]
    if connection is not None:
        context["page"], context["rows"] = queries.get_vendor_page(
            viewer.company, connection, view=view, search=search, parameters=request.GET.dict()
        )
        context["lists"] = status.list_sync_summaries([connection])
    on = {"connection": str(connection.pk)} if connection and len(connections) > 1 else {}
    context |= {
        "connection": connection,
        "connections": [
            NavItem(each.name, f"?{urlencode({'view': view, 'connection': each.pk})}", each == connection)
            for each in connections
        ],
        "filters": build_link_filters(view, search, on),
    }
    return render(request, "erp_integrations/vendors.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(when=rate_limits.is_search)
def vendor(request: SignedInRequest, company_slug: str, contract_company_id: int) -> HttpResponse:
    """One contract company: choose its vendor, change it, or take the link away."""
    viewer = require_viewer(request, company_slug)
    require_administer_erp_integrations(request.user, viewer.company)
    contract_company = get_object_or_404(ContractCompany, company=viewer.company, pk=contract_company_id)
    connections = list_connections(viewer)
    if request.method != "POST":
        return build_vendor_page(
            request, viewer, contract_company, find_chosen_connection(connections, request)
        )
    form = LinkForm(connections, request.POST)
    if not form.is_valid():
        return build_vendor_page(
            request, viewer, contract_company, find_chosen_connection(connections, request), form
        )
    entered = form.cleaned_data
    link = {
        "contract_company": contract_company,
        "connection": entered["connection"],
        "expected_code": entered["seen"],
        "by": request.user,
    }
    try:
        if entered["unlink"]:
            stopped = linking.unlink_vendor(**link)
        else:
            stopped = linking.link_vendor(**link, vendor_code=entered["code"])
    except linking.LinkError as error:
        return build_vendor_page(request, viewer, contract_company, entered["connection"], form, error)
    done = "is not linked any more" if entered["unlink"] else "is linked"
    return build_list_redirect(request, viewer, "vendors", f"{contract_company.name} {done}.", stopped, form)


@require_safe
@rate_limits.limit_rate(when=rate_limits.is_search)
def jobs(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Each project, and the job that it is, which also says where its commitments go."""
    viewer = require_viewer(request, company_slug)
    connections = list_connections(viewer)
    context = build_list_context(request, viewer, "Jobs") | build_confirmation_context(viewer, Kind.JOB)
    view, search = context["view"], context["search"]
    context["page"], context["rows"] = queries.get_job_page(
        viewer.company, view=view, search=search, parameters=request.GET.dict()
    )
    context |= {
        "connections": connections,
        "lists": status.list_sync_summaries(connections),
        "filters": build_link_filters(view, search, {}),
    }
    return render(request, "erp_integrations/jobs.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(when=rate_limits.is_search)
def job(request: SignedInRequest, company_slug: str, project_id: int) -> HttpResponse:
    """One project: choose its job and with it the connection, change it, or take the link away."""
    viewer = require_viewer(request, company_slug)
    require_administer_erp_integrations(request.user, viewer.company)
    project = get_object_or_404(Project, company=viewer.company, pk=project_id)
    connections = list_connections(viewer)
    if request.method != "POST":
        return build_job_page(request, viewer, project, connections)
    form = LinkForm(connections, request.POST)
    if not form.is_valid():
        return build_job_page(request, viewer, project, connections, form)
    entered = form.cleaned_data
    expected = linking.ExpectedLink(entered["seen"], entered["seen_connection"])
    try:
        if entered["unlink"]:
            stopped = linking.unlink_job(project=project, expected=expected, by=request.user)
        else:
            stopped = linking.link_job(
                project=project,
                connection=entered["connection"],
                job_number=entered["code"],
                expected=expected,
                by=request.user,
            )
    except linking.LinkError as error:
        return build_job_page(request, viewer, project, connections, form, error)
    done = "is not linked any more" if entered["unlink"] else "is linked"
    return build_list_redirect(request, viewer, "jobs", f"{project.name} {done}.", stopped, form)


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
    rows = [(each, viewer.user_id in each.row.people) for each in changes]
    is_admin = viewer.erp_integrations_level == Level.ADMIN
    return {"unconfirmed": rows, "may_confirm": is_admin and not all(is_own for _, is_own in rows)}


def list_connections(viewer: CompanyMembership) -> list[Connection]:
    """Those of the viewer's company, by name, without their secrets. One query."""
    company_connections = Connection.objects.filter(company=viewer.company)
    return list(company_connections.defer(*list_secret_fields(Connection)).order_by("name", "pk"))


def find_chosen_connection(connections: list[Connection], request: SignedInRequest) -> Connection | None:
    """The one that the address names, or the first; None where the company has none."""
    wanted = request.GET.get("connection") or request.POST.get("connection") or ""
    return next((each for each in connections if str(each.pk) == wanted), next(iter(connections), None))


def build_list_context(request: SignedInRequest, viewer: CompanyMembership, tab: str) -> dict[str, Any]:
    wanted = request.GET.get("view", "")
    return {
        "viewer": viewer,
        "company": viewer.company,
        "tabs": navigation.list_tabs(viewer, current=tab),
        "view": wanted if wanted in queries.LINK_FILTERS else next(iter(queries.LINK_FILTERS)),
        "search": parse_search(request.GET.get("q", "")),
        "may_link": viewer.erp_integrations_level == Level.ADMIN,
        "here": clean_list_query(request.GET.urlencode()),
    }


def build_link_filters(view: str, search: str, kept: dict[str, str]) -> list[NavItem]:
    if search:
        kept = kept | {"q": search}
    return [
        NavItem(label, f"?{urlencode({'view': slug} | kept)}", slug == view)
        for slug, label in queries.LINK_FILTERS.items()
    ]


def build_vendor_page(
    request: SignedInRequest,
    viewer: CompanyMembership,
    contract_company: ContractCompany,
    connection: Connection | None,
    form: LinkForm | None = None,
    error: linking.LinkError | None = None,
) -> HttpResponse:
    search = parse_search(request.GET.get("q", ""))
    row = (
        queries.build_vendor_rows(connection, [contract_company], always_suggest=True)[0]
        if connection
        else None
    )
    context = build_page_context(request, viewer, form, error) | {
        "contract_company": contract_company,
        "connection": connection,
        "row": row,
        "search": search,
        "found": queries.find_vendors(connection, search) if connection else [],
        "lists": status.list_sync_summaries([connection] if connection else []),
    }
    return render(request, "erp_integrations/vendor.html", context, status=_get_status_code(form, error))


def build_job_page(
    request: SignedInRequest,
    viewer: CompanyMembership,
    project: Project,
    connections: list[Connection],
    form: LinkForm | None = None,
    error: linking.LinkError | None = None,
) -> HttpResponse:
    search = parse_search(request.GET.get("q", ""))
    (row,) = queries.build_job_rows(viewer.company, [project], always_suggest=True)
    context = build_page_context(request, viewer, form, error) | {
        "project": project,
        "connections": connections,
        "row": row,
        "search": search,
        "found": queries.find_jobs(viewer.company, search),
        "lists": status.list_sync_summaries(connections),
    }
    return render(request, "erp_integrations/job.html", context, status=_get_status_code(form, error))


def build_page_context(
    request: SignedInRequest,
    viewer: CompanyMembership,
    form: LinkForm | None,
    error: linking.LinkError | None,
) -> dict[str, Any]:
    problem = str(error) if error else ""
    if form is not None and not form.is_valid():
        problem = " ".join(str(message) for errors in form.errors.values() for message in errors)
    back = form.data.get("back", "") if form is not None else request.GET.get("back", "")
    return {
        "viewer": viewer,
        "company": viewer.company,
        "problem": problem,
        "typed": form.data.get("code", "") if form is not None else "",
        "back": clean_list_query(back),
    }


def _get_status_code(form: LinkForm | None, error: linking.LinkError | None) -> int:
    if isinstance(error, linking.LinkChanged):
        return 409
    return 200 if form is None else 422


def build_list_redirect(
    request: SignedInRequest,
    viewer: CompanyMembership,
    name: str,
    sentence: str,
    stopped: int,
    form: LinkForm,
) -> HttpResponse:
    messages.success(request, sentence)
    if stopped:
        messages.warning(request, linking.describe_stopped_exports(stopped))
    address = reverse(f"erp_integrations:{name}", args=[viewer.company.slug])
    back = form.cleaned_data["back"]
    return redirect(f"{address}?{back}" if back else address)
