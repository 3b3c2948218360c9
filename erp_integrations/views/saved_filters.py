"""Saving a person's filters of the list, and deleting them."""

from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from directory.db.pagination import parse_search
from directory.models import CompanyMembership
from directory.requests import SignedInRequest
from erp_integrations.models import SavedFilter
from erp_integrations.models.saved_filters import LONGEST_NAME
from erp_integrations.pages.submission_list import Wanted
from erp_integrations.views import navigation
from erp_integrations.views.access import require_viewer

MOST = 30


@require_http_methods(["GET", "HEAD", "POST"])
def save_filter(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Under a name that the person has used already it takes the place of the former."""
    viewer = require_viewer(request, company_slug)
    wanted = Wanted.from_parameters(dict(parse_qsl(request.POST.get("query", ""))), viewer)
    name = parse_search(request.POST.get("name", ""))
    if request.method != "POST":
        messages.info(request, "Nothing was saved. Press the button again.")
    elif not name or len(name) > LONGEST_NAME:
        messages.error(request, f"Not saved: the name of filters has 1 to {LONGEST_NAME} characters.")
    elif store_filter(viewer, name, urlencode(wanted.parameters)):
        messages.success(request, f"The filters are saved as {name}.")
    else:
        messages.error(request, f"Not saved: you have {MOST} saved filters here. Delete one of them first.")
    return redirect(navigation.build_list_url(viewer.company, wanted.parameters))


@transaction.atomic
def store_filter(viewer: CompanyMembership, name: str, query: str) -> bool:
    """False where the person has too many of them."""
    CompanyMembership.objects.select_for_update().get(pk=viewer.pk)  # two at once would be one too many
    own = SavedFilter.objects.filter(person=viewer.user_id, company=viewer.company_id)
    if not own.filter(name=name).update(query=query):
        if own.count() >= MOST:
            return False
        SavedFilter.objects.create(person=viewer.user, company=viewer.company, name=name, query=query)
    return True


@require_http_methods(["GET", "HEAD", "POST"])
def delete_filter(request: SignedInRequest, company_slug: str, filter_id: int) -> HttpResponse:
    viewer = require_viewer(request, company_slug)
    own = SavedFilter.objects.filter(person=viewer.user_id, company=viewer.company_id)
    found = get_object_or_404(own, pk=filter_id)
    if request.method == "POST":
        found.delete()
        messages.success(request, f"The saved filters {found.name} are deleted.")
    else:
        messages.info(request, "Nothing was deleted. Press the button again.")
    return redirect("erp_integrations:commitments", company_slug)
