"""Settings of the company's connections, for ERP admins: how each fares, what it says, and its form.

Only POSTs use the wire, and never inside a transaction.
"""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from directory import history
from directory.accounts import reauthentication
from directory.models import CompanyMembership
from directory.requests import SignedInRequest
from directory.rights.permissions import require_administer_erp_integrations
from directory.web import rate_limits
from erp_integrations.adapters.base import ProbeResult
from erp_integrations.checks.rule_settings import RulesForm, save_rules
from erp_integrations.confirmations.subjects import Kind
from erp_integrations.connections import (
    health,
    pauses,
    probing,
    reply_rules,
    secret_rotation,
    settings_changes,
)
from erp_integrations.connections.settings_form import SettingsForm
from erp_integrations.emails.undelivered_mails import describe_waiting, list_refused_addresses
from erp_integrations.events import ErpEvent
from erp_integrations.models import Connection
from erp_integrations.views import navigation
from erp_integrations.views.access import require_viewer
from erp_integrations.views.links import build_confirmation_context
from notifications import preferences
from notifications.forms import CompanyMailForm
from notifications.models import RefusedAddress


@require_safe
def settings(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Every connection of the company, with its health in words."""
    viewer = require_admin(request, company_slug)
    connections = health.list_health_with_facts(viewer.company)
    offers = reply_rules.find_offers(each.connection for each, _ in connections)
    context = {
        "company": viewer.company,
        "tabs": navigation.list_tabs(viewer, current="Settings"),
        "refused": list_refused_addresses(viewer.company),
        "waiting_mails": describe_waiting(viewer.company),
        "connections": [(each, facts, offers.get(each.connection.pk)) for each, facts in connections],
        **build_confirmation_context(viewer, Kind.CONNECTION, Kind.ACCOUNT, Kind.SUBMISSION),
    }
    return render(request, "erp_integrations/settings.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def try_addresses(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Have the next mail to each refused address of the company's people tried again."""
    found = list_refused_addresses(require_admin(request, company_slug).company)
    if request.method == "POST":
        RefusedAddress.objects.filter(pk__in=[each.pk for each in found]).delete()
        messages.success(request, "The next mail to each of them is tried again.")
    return redirect("erp_integrations:settings", company_slug)


@require_http_methods(["GET", "HEAD", "POST"])
def connection(request: SignedInRequest, company_slug: str, connection_id: int) -> HttpResponse:
    """The form of one connection. Secrets go in and never come out."""
    viewer = require_admin(request, company_slug)
    found = get_connection(viewer, connection_id)
    if question := reauthentication.handle_reauthentication(request):
        return question
    form = SettingsForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        settings_changes.save_connection(form=form, by=request.user)
        messages.success(request, f"Settings of {found.name} saved.")
        return redirect("erp_integrations:settings", company_slug)
    history.record_secrets_view(
        event=ErpEvent.CONNECTION_SECRETS_LOOKED_AT, subject=found, by=request.user, company=viewer.company
    )
    context = {"company": viewer.company, "connection": get_connection(viewer, connection_id), "form": form}
    status = 422 if form.errors else 200
    return render(request, "erp_integrations/connection.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def set_paused(
    request: SignedInRequest, company_slug: str, connection_id: int, *, is_paused: bool
) -> HttpResponse:
    found = get_connection(require_admin(request, company_slug), connection_id)
    if request.method != "POST":
        # Somebody whose session had ended comes back from sign-in to this address.
        messages.info(request, "Nothing was done. Press the button again.")
        return redirect("erp_integrations:settings", company_slug)
    try:
        if is_paused:
            pauses.pause(connection=found, by=request.user, reason=request.POST.get("reason", ""))
        else:
            pauses.resume(connection=found, by=request.user)
    except pauses.PauseError as error:
        messages.error(request, str(error))
    else:
        done = "is paused. Accepted commitments wait" if is_paused else "is resumed"
        messages.success(request, f"{found.name} {done}.")
    return redirect("erp_integrations:settings", company_slug)


@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """The rules by which waiting commitments are checked."""
    company = require_admin(request, company_slug).company
    form = RulesForm(company, request.POST or None)
    if request.method == "POST" and form.is_valid():
        save_rules(form=form, company=company, by=request.user)
        messages.success(request, "Rules saved. Waiting commitments are being checked again.")
        return redirect("erp_integrations:settings", company_slug)
    status = 422 if form.errors else 200
    return render(request, "erp_integrations/rules.html", {"company": company, "form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def mails(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """The company's time zone, and the mails of whoever chose nothing else."""
    company = require_admin(request, company_slug).company
    form = CompanyMailForm(request.POST or None, initial=preferences.get_company_choices(company))
    if request.method == "POST" and form.is_valid():
        preferences.save_company_defaults(
            company, form.cleaned_data, fields=form.changed_data, by=request.user
        )
        messages.success(request, "Saved.")
        return redirect("erp_integrations:settings", company_slug)
    context = {"company": company, "form": form}
    return render(request, "erp_integrations/mails.html", context, status=422 if form.errors else 200)


@require_POST
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT)
def probe(request: SignedInRequest, company_slug: str, connection_id: int) -> HttpResponse:
    """Ask the site whether it can be used."""
    found = get_connection(require_admin(request, company_slug), connection_id)
    return _build_result_redirect(request, found, probing.probe(connection=found, by=request.user))


@require_POST
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT)
def accept_wsdl(request: SignedInRequest, company_slug: str, connection_id: int) -> HttpResponse:
    """Say yes to the interface as the site has it now."""
    found = get_connection(require_admin(request, company_slug), connection_id)
    if question := reauthentication.handle_reauthentication(request):
        return question
    sentence = request.POST.get("expected_sentence", "")
    result = probing.accept_new_wsdl(connection=found, by=request.user, expected_sentence=sentence)
    return _build_result_redirect(request, found, result)


@require_POST
def accept_reply_rule(request: SignedInRequest, company_slug: str, connection_id: int) -> HttpResponse:
    """Say yes to what the site was seen to answer when it has written."""
    found = get_connection(require_admin(request, company_slug), connection_id)
    if question := reauthentication.handle_reauthentication(request):
        return question
    attempt = request.POST.get("expected_attempt", "")
    try:
        reply_rules.accept_offer(
            connection=found,
            by=request.user,
            expected_attempt=int(attempt) if attempt.isdecimal() else 0,
            expected_rule=request.POST.get("expected_rule", ""),
        )
    except reply_rules.OfferChanged as error:
        messages.error(request, f"{found.name}: {error}")
    else:
        messages.success(request, f"{found.name}: commitments accepted from now on use this rule.")
    return redirect("erp_integrations:settings", company_slug)


@require_POST
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT)
def rotate(request: SignedInRequest, company_slug: str, connection_id: int) -> HttpResponse:
    """Have the site make a new client secret."""
    found = get_connection(require_admin(request, company_slug), connection_id)
    if question := reauthentication.handle_reauthentication(request):
        return question
    result = secret_rotation.rotate(connection=found, by=request.user)
    (messages.success if result.done else messages.error)(request, f"{found.name}: {result.sentence}")
    return redirect("erp_integrations:settings", company_slug)


def _build_result_redirect(request: SignedInRequest, found: Connection, result: ProbeResult) -> HttpResponse:
    add_message = messages.success if result.is_usable else messages.error
    add_message(request, f"{found.name}: {result.sentence}")
    return redirect("erp_integrations:settings", found.company.slug)


def require_admin(request: SignedInRequest, company_slug: str) -> CompanyMembership:
    """The viewer, who must be Admin on the tool; others of the company get 403, strangers 404."""
    viewer = require_viewer(request, company_slug)
    require_administer_erp_integrations(request.user, viewer.company)
    return viewer


def get_connection(viewer: CompanyMembership, connection_id: int) -> Connection:
    return get_object_or_404(
        Connection.objects.select_related("company"), company=viewer.company, pk=connection_id
    )
