"""Which mails a person wants: their own page, and the way out of the summary that each one carries."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from directory.requests import SignedInRequest
from notifications import preferences
from notifications.forms import MailForm
from notifications.models import Subscription


@require_http_methods(["GET", "HEAD", "POST"])
def mails(request: SignedInRequest) -> HttpResponse:
    """One's own choices."""
    person = request.user
    if "as-company" in request.POST:
        Subscription.objects.filter(user=person).delete()
        return redirect("mails")
    chosen = preferences.find_choices([person], *preferences.CHOICES.values())
    initial = preferences.get_choices({kind: choice for (_, kind), choice in chosen.items()})
    form = MailForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        preferences.save_choices(form.cleaned_data, user=person)
        messages.success(request, "Saved.")
        return redirect("mails")
    membership = person.company_memberships.select_related("company").order_by("pk").first()
    context = {
        "form": form,
        "always": preferences.ALWAYS_MAILED_LABELS,
        "company": membership and membership.company,
        "default": membership and preferences.describe_company_choices(membership.company),
        "is_own": any(choice.user_id for choice in chosen.values()),
    }
    return render(request, "mails.html", context, status=422 if form.errors else 200)


@csrf_exempt  # RFC 8058: a mail program sends the press by itself; the token is what it proves
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """End the daily summary of whoever has the mail. To open the page changes nothing."""
    try:
        person = preferences.read_token(token)
    except signing.BadSignature as error:
        raise Http404 from error
    if request.method == "POST":
        preferences.stop_summary(person)
    return render(request, "unsubscribe.html", {"is_done": request.method == "POST"})
