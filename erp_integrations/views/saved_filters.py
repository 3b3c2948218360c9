"""Saving a person's filters of the list, and deleting them."""

from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from directory.db.pagination import parse_search
from directory.requests import SignedInRequest
from erp_integrations.models import SavedFilter
from erp_integrations.models.saved_filters import LONGEST_NAME
from erp_integrations.pages.submission_list import Wanted
from erp_integrations.views import navigation
from erp_integrations.views.access import require_viewer

MOST = 30


@require_http_methods(["GET", "HEAD", "POST"])
def save_filters(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Under a name that the person has used already they take the place of the former."""
    viewer = require_viewer(request, company_slug)
    wanted = Wanted.from_parameters(dict(parse_qsl(request.POST.get("query", ""))), viewer)
    name, query = parse_search(request.POST.get("name", "")), urlencode(wanted.parameters)
    own = SavedFilter.objects.filter(person=request.user, company=viewer.company)
    if request.method != "POST":
        messages.info(request, "Nothing was saved. Press the button again.")
    elif not name or len(name) > LONGEST_NAME:
        messages.error(request, f"Not saved: the name of filters has 1 to {LONGEST_NAME} characters.")
    elif own.exclude(name=name).count() >= MOST:
        messages.error(request, f"Not saved: you have {MOST} saved filters here. Delete one of them first.")
    else:
        own.update_or_create({"query": query}, person=request.user, company=viewer.company, name=name)
        messages.success(request, f"The filters are saved as {name}.")
    return redirect(navigation.build_list_url(viewer.company, wanted.parameters))


@require_http_methods(["GET", "HEAD", "POST"])
def delete_filters(request: SignedInRequest, company_slug: str, filters_id: int) -> HttpResponse:
    viewer = require_viewer(request, company_slug)
    saved = get_object_or_404(SavedFilter, pk=filters_id, person=request.user, company=viewer.company)
    if request.method == "POST":
        saved.delete()
        messages.success(request, f"The saved filters {saved.name} are deleted.")
    return redirect("erp_integrations:commitments", company_slug)
