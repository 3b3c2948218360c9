"""Pages of no particular tool: the way in, one's own profile, and what happens on a refusal."""

import sys
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from directory import drafts, history
from directory.db.database_errors import is_database_unreachable
from directory.forms import ProfileForm
from directory.models import Company, Project, User
from directory.requests import SignedInRequest
from directory.rights import memberships
from directory.rights.permissions import RightMissing


@require_safe
def home(request: SignedInRequest) -> HttpResponse:
    """Send each person to where their work is; who administers a company, first to what it still lacks."""
    own = request.user.company_memberships.filter(is_administrator=True, can_push_to_accounting=False)
    administered = Company.objects.filter(memberships__in=own)
    if len(administered) == 1 and "ready" not in request.GET:
        return redirect(f"{reverse('erp_integrations:first_steps', args=[administered[0].slug])}?arriving=1")
    companies = list(Company.objects.with_erp_integrations_for(request.user))
    if len(companies) == 1:
        return redirect(companies[0])
    projects = Project.objects.visible_to(request.user).select_related("company")
    few = list(projects[:2])
    if not companies and len(few) == 1:
        return redirect(few[0])
    context = {"erp_companies": companies, "projects": projects, "has_projects": bool(few)}
    context["administered"] = administered
    return render(request, "home.html", context)


@require_safe
def projects(request: SignedInRequest) -> HttpResponse:
    """The projects whose Commitments tool the person may see."""
    visible = Project.objects.visible_to(request.user).select_related("company")
    return render(request, "projects.html", {"projects": visible, "has_projects": visible.exists()})


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: SignedInRequest) -> HttpResponse:
    """One's own name, time zone and summary hour."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        memberships.update_profile(form=form, by=request.user)
        messages.success(request, "Profile saved.")
        return redirect("profile")
    if form.errors:
        request.user.refresh_from_db()  # the page's head names who they are, not what was refused
    return render(request, "profile.html", {"form": form}, status=422 if form.errors else 200)


def page_not_found(request: HttpRequest, pk: int = 0) -> HttpResponse:
    """A page of a library that this product does not have."""
    raise Http404


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 when this process answers and its database does; for operators and load balancers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The 403 page. A refused POST leaves a history entry; by now its transaction is rolled back."""
    missing = exception if isinstance(exception, RightMissing) else None
    if missing and request.method == "POST":
        history.record_refusal(
            by=missing.by, company=missing.company, right=missing.right, address=request.path
        )
    elif isinstance(request.user, User) and request.method == "POST":
        history.record_refusal(by=request.user, company=None, right="administer", address=request.path)
    context: dict[str, Any] = {"sentence": missing.sentence} if missing else {}
    if missing and missing.remedy:
        label, page = missing.remedy
        context |= {"way_out": True, "label": label, "url": reverse(page)}
    return render(request, "403.html", context, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """The page of what broke: 503 and when to come back while the database can't be reached, else 500."""
    if is_database_unreachable(sys.exception()):
        return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": "10"})
    return HttpResponse(render_to_string("500.html"), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that is too old or came from elsewhere. A dialog with words in it is shown anew."""
    draft = drafts.save_draft(request)
    if draft and draft.texts and request.user.pk in (draft.person_id, None):
        return redirect(request.get_full_path())
    sentence = (
        "This page was open too long, or you signed in again in another tab. Nothing was changed. "
        "Go back, reload the page and try again."
    )
    return render(request, "403.html", {"sentence": sentence}, status=403)
