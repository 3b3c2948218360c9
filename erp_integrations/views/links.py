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
from erp_integrations.confirmations import waiting
from erp_integrations.confirmations.subjects import Kind
from erp_integrations.links import linking, queries
from erp_integrations.links.forms import LinkForm, kept_query
from erp_integrations.master_data import status
from erp_integrations.models import Connection
from erp_integrations.models.secrets import secret_fields
from erp_integrations.views import navigation
from erp_integrations.views.access import viewer_of
from erp_integrations.views.navigation import Choice


@require_safe
@rate_limits.costly(when=rate_limits.searches)
def vendors(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Each contract company, and the vendor that it is on the chosen connection."""
    viewer = viewer_of(request, company_slug)
    connections = connections_of(viewer)
    connection = chosen_connection(connections, request)
    context = _list_context(request, viewer, "Vendors") | unconfirmed(viewer, Kind.VENDOR)
    view, search = context["view"], context["search"]
    if connection is not None:
        context["page"], context["rows"] = queries.vendor_page(
            viewer.company, connection, view=view, search=search, parameters=request.GET.dict()
        )
        context["lists"] = status.of([connection])
    on = {"connection": str(connection.pk)} if connection and len(connections) > 1 else {}
    context |= {
        "connection": connection,
        "connections": [
            Choice(each.name, f"?{urlencode({'view': view, 'connection': each.pk})}", each == connection)
            for each in connections
        ],
        "filters": _filters(view, search, on),
    }
    return render(request, "erp_integrations/vendors.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.costly(when=rate_limits.searches)
def vendor(request: SignedInRequest, company_slug: str, contract_company_id: int) -> HttpResponse:
    """One contract company: choose its vendor, change it, or take the link away."""
    viewer = viewer_of(request, company_slug)
    require_administer_erp_integrations(request.user, viewer.company)
    contract_company = get_object_or_404(ContractCompany, company=viewer.company, pk=contract_company_id)
    connections = connections_of(viewer)
    if request.method != "POST":
        return _vendor_page(request, viewer, contract_company, chosen_connection(connections, request))
    form = LinkForm(connections, request.POST)
    if not form.is_valid():
        return _vendor_page(request, viewer, contract_company, chosen_connection(connections, request), form)
    entered = form.cleaned_data
    link = {
        "contract_company": contract_company,
        "connection": entered["connection"],
        "seen": entered["seen"],
        "by": request.user,
    }
    try:
        if entered["unlink"]:
            stopped = linking.unlink_vendor(**link)
        else:
            stopped = linking.link_vendor(**link, vendor_code=entered["code"])
    except linking.LinkError as error:
        return _vendor_page(request, viewer, contract_company, entered["connection"], form, error)
    done = "is not linked any more" if entered["unlink"] else "is linked"
    return _back_to_the_list(request, viewer, "vendors", f"{contract_company.name} {done}.", stopped, form)


@require_safe
@rate_limits.costly(when=rate_limits.searches)
def jobs(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Each project, and the job that it is, which also says where its commitments go."""
    viewer = viewer_of(request, company_slug)
    connections = connections_of(viewer)
    context = _list_context(request, viewer, "Jobs") | unconfirmed(viewer, Kind.JOB)
    view, search = context["view"], context["search"]
    context["page"], context["rows"] = queries.job_page(
        viewer.company, view=view, search=search, parameters=request.GET.dict()
    )
    context |= {
        "connections": connections,
        "lists": status.of(connections),
        "filters": _filters(view, search, {}),
    }
    return render(request, "erp_integrations/jobs.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.costly(when=rate_limits.searches)
def job(request: SignedInRequest, company_slug: str, project_id: int) -> HttpResponse:
    """One project: choose its job and with it the connection, change it, or take the link away."""
    viewer = viewer_of(request, company_slug)
    require_administer_erp_integrations(request.user, viewer.company)
    project = get_object_or_404(Project, company=viewer.company, pk=project_id)
    connections = connections_of(viewer)
    if request.method != "POST":
        return _job_page(request, viewer, project, connections)
    form = LinkForm(connections, request.POST)
    if not form.is_valid():
        return _job_page(request, viewer, project, connections, form)
    entered = form.cleaned_data
    seen = linking.Seen(entered["seen"], entered["seen_connection"])
    try:
        if entered["unlink"]:
            stopped = linking.unlink_job(project=project, seen=seen, by=request.user)
        else:
            stopped = linking.link_job(
                project=project,
                connection=entered["connection"],
                job_number=entered["code"],
                seen=seen,
                by=request.user,
            )
    except linking.LinkError as error:
        return _job_page(request, viewer, project, connections, form, error)
    done = "is not linked any more" if entered["unlink"] else "is linked"
    return _back_to_the_list(request, viewer, "jobs", f"{project.name} {done}.", stopped, form)


@require_POST
def confirm(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Say of changes that others made that they are right; back to the page that showed them."""
    viewer = viewer_of(request, company_slug)
    try:
        count = waiting.confirm(
            company=viewer.company, ticked=request.POST.getlist("confirmed"), by=request.user
        )
    except waiting.NotConfirmed as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{count} change{'s are' if count > 1 else ' is'} confirmed.")
    page = request.POST.get("page", "")
    name = page if page in ("vendors", "jobs", "units", "settings") else "vendors"
    return redirect(f"erp_integrations:{name}", company_slug)


def unconfirmed(viewer: CompanyMembership, *kinds: Kind) -> dict[str, Any]:
    """For a page: what waits there for a second person, and whether the viewer can be that."""
    changes = waiting.of_company(viewer.company, *kinds)
    told = [(each, viewer.user_id in each.row.people) for each in changes]
    is_admin = viewer.erp_integrations_level == Level.ADMIN
    return {"unconfirmed": told, "may_confirm": is_admin and not all(own for _, own in told)}


def connections_of(viewer: CompanyMembership) -> list[Connection]:
    """Those of the viewer's company, by name, without their secrets. One query."""
    company_connections = Connection.objects.filter(company=viewer.company)
    return list(company_connections.defer(*secret_fields(Connection)).order_by("name", "pk"))


def chosen_connection(connections: list[Connection], request: SignedInRequest) -> Connection | None:
    """The one that the address names, or the first; None where the company has none."""
    wanted = request.GET.get("connection") or request.POST.get("connection") or ""
    return next((each for each in connections if str(each.pk) == wanted), next(iter(connections), None))


def _list_context(request: SignedInRequest, viewer: CompanyMembership, tab: str) -> dict[str, Any]:
    wanted = request.GET.get("view", "")
    return {
        "viewer": viewer,
        "company": viewer.company,
        "tabs": navigation.tabs(viewer, current=tab),
        "view": wanted if wanted in queries.VIEWS else next(iter(queries.VIEWS)),
        "search": parse_search(request.GET.get("q", "")),
        "may_link": viewer.erp_integrations_level == Level.ADMIN,
        "here": kept_query(request.GET.urlencode()),
    }


def _filters(view: str, search: str, kept: dict[str, str]) -> list[Choice]:
    if search:
        kept = kept | {"q": search}
    return [
        Choice(label, f"?{urlencode({'view': slug} | kept)}", slug == view)
        for slug, label in queries.VIEWS.items()
    ]


def _vendor_page(
    request: SignedInRequest,
    viewer: CompanyMembership,
    contract_company: ContractCompany,
    connection: Connection | None,
    form: LinkForm | None = None,
    error: linking.LinkError | None = None,
) -> HttpResponse:
    search = parse_search(request.GET.get("q", ""))
    row = queries.vendor_rows(connection, [contract_company], always_suggest=True)[0] if connection else None
    context = _page_context(request, viewer, form, error) | {
        "contract_company": contract_company,
        "connection": connection,
        "row": row,
        "search": search,
        "found": queries.find_vendors(connection, search) if connection else [],
        "lists": status.of([connection] if connection else []),
    }
    return render(request, "erp_integrations/vendor.html", context, status=_status(form, error))


def _job_page(
    request: SignedInRequest,
    viewer: CompanyMembership,
    project: Project,
    connections: list[Connection],
    form: LinkForm | None = None,
    error: linking.LinkError | None = None,
) -> HttpResponse:
    search = parse_search(request.GET.get("q", ""))
    (row,) = queries.job_rows(viewer.company, [project], always_suggest=True)
    context = _page_context(request, viewer, form, error) | {
        "project": project,
        "connections": connections,
        "row": row,
        "search": search,
        "found": queries.find_jobs(viewer.company, search),
        "lists": status.of(connections),
    }
    return render(request, "erp_integrations/job.html", context, status=_status(form, error))


def _page_context(
    request: SignedInRequest,
    viewer: CompanyMembership,
    form: LinkForm | None,
    error: linking.LinkError | None,
) -> dict[str, Any]:
    problem = str(error) if error else ""
    if form is not None and not form.is_valid():
        problem = " ".join(str(message) for listed in form.errors.values() for message in listed)
    back = form.data.get("back", "") if form is not None else request.GET.get("back", "")
    return {
        "viewer": viewer,
        "company": viewer.company,
        "problem": problem,
        "typed": form.data.get("code", "") if form is not None else "",
        "back": kept_query(back),
    }


def _status(form: LinkForm | None, error: linking.LinkError | None) -> int:
    if isinstance(error, linking.LinkChanged):
        return 409
    return 200 if form is None else 422


def _back_to_the_list(
    request: SignedInRequest,
    viewer: CompanyMembership,
    name: str,
    sentence: str,
    stopped: int,
    form: LinkForm,
) -> HttpResponse:
    messages.success(request, sentence)
    if stopped:
        messages.warning(request, linking.stopped_sentence(stopped))
    address = reverse(f"erp_integrations:{name}", args=[viewer.company.slug])
    back = form.cleaned_data["back"]
    return redirect(f"{address}?{back}" if back else address)
