"""All that a company needs before its first export, each with the page where it is done."""

from collections.abc import Sequence

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from commitments.models import CostCode
from directory import people_views
from directory.models import VISIBLE_LEVELS, CompanyMembership, Level
from directory.requests import SignedInRequest
from directory.rights.permissions import require_see_first_steps
from erp_integrations.confirmations.subjects import Kind
from erp_integrations.models import Connection, ExportJob, JobLink, UnconfirmedChange, VendorLink
from erp_integrations.views import navigation
from erp_integrations.views.access import require_member
from notifications.models import OutgoingEmail, Status

OWN, ERP, STAFF = "A company administrator", "An ERP Integrations Admin", "Staff, in Django admin"
APPROVER = "An approver"
RECOMMENDED = ("Read-back", "Mail is sent", "Running commitments of Spectrum")


@require_safe
def first_steps(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Whoever has just signed in sees it only while something essential is missing."""
    viewer = require_member(request, company_slug)
    require_see_first_steps(request.user, viewer.company)
    may = {
        OWN: viewer.is_administrator and not viewer.can_push_to_accounting,
        ERP: viewer.erp_integrations_level == Level.ADMIN,
        STAFF: viewer.user.is_staff,
        APPROVER: viewer.can_push_to_accounting,
    }
    steps = [
        (label, is_done, who, find_address(page, viewer) if may.get(who) else "")
        for label, is_done, who, page in list_steps(viewer)
    ]
    is_ready = all(is_done or label in RECOMMENDED for label, is_done, *_ in steps)
    if "arriving" in request.GET and is_ready:
        return redirect(f"{reverse('home')}?ready=1")
    tabs: Sequence[object] = people_views.list_tabs(viewer.company, "First steps") if may[OWN] else ()
    if viewer.erp_integrations_level in VISIBLE_LEVELS:
        tabs = navigation.list_tabs(viewer, current="First steps")
    context = {
        "company": viewer.company,
        "tabs": tabs,
        "steps": steps,
        "is_ready": is_ready,
        "recommended": RECOMMENDED,
        "may_import": may[ERP],
    }
    return render(request, "erp_integrations/first_steps.html", context)


def find_address(page: str, viewer: CompanyMembership) -> str:
    return reverse(page, args=[] if page.startswith("admin:") else [viewer.company.slug])


def list_steps(viewer: CompanyMembership) -> list[tuple[str, bool, str, str]]:
    """In their order: its name, is it done, who does it, and on which page."""
    company, take_over = viewer.company, "erp_integrations:take_over"
    connections = Connection.objects.filter(company=company)
    changes = UnconfirmedChange.objects.filter(company=company, subject__startswith=f"{Kind.CONNECTION}:")
    has_others = company.memberships.exclude(user=viewer.user).exists()
    has_approver = company.memberships.deciders().exists()
    is_confirmed = connections.exists() and not changes.exists()
    is_tested = connections.filter(wsdls__isnull=False, state__awaits_probe=False).exists()
    has_jobs = JobLink.objects.filter(project__company=company).exists()
    has_codes = CostCode.objects.filter(project__company=company).exists()
    has_vendors = VendorLink.objects.filter(connection__company=company).exists()
    has_running = ExportJob.objects.filter(connection__in=connections, taken_over=True).exists()
    has_read_back = any(each.has_read_back for each in connections)
    mails = OutgoingEmail.objects.filter(recipient__company_memberships__company=company, status=Status.SENT)
    return [
        ("People", has_others, OWN, "directory:people"),
        ("An approver who can decide", has_approver, OWN, "directory:people"),
        ("A connection to Spectrum", connections.exists(), STAFF, "admin:erp_integrations_connection_add"),
        ("The connection is confirmed", is_confirmed, ERP, "erp_integrations:settings"),
        ("The connection is tested", is_tested, ERP, "erp_integrations:settings"),
        ("Projects, linked to jobs", has_jobs, ERP, take_over),
        ("Cost codes", has_codes, ERP, take_over),
        ("Vendors, linked", has_vendors, ERP, take_over),
        ("Read-back", has_read_back, "The operator of the server", ""),
        ("Running commitments of Spectrum", has_running, APPROVER, "erp_integrations:running"),
        ("Mail is sent", mails.exists(), STAFF, "admin:notifications_outgoingemail_changelist"),
    ]
