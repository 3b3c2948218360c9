"""Words typed into a dialog, and all of a form that is long to fill in, are kept until they are used, so that
nothing loses them: neither the session's end nor an old token, a conflict, an error, Esc or Back
(docs/decisions/0038).

The form's signed token says whose words these are, for which address and in which fields: so they are kept
when nobody is signed in any more, and no other site can have any kept. Only their person sees them again, in
the form, and nothing is decided or saved by itself.

A page of a form that is long to fill in has a key, which stands after # in the address of its draft: so each
tab has its own.
"""

import re
from datetime import timedelta

from django.core import signing
from django.db.models import Q
from django.forms import Form, Textarea
from django.http import HttpRequest
from django.utils import timezone

from directory.models import Draft
from directory.requests import SignedInRequest

TOKEN_FIELD, KEEP_ONLY, RESTORED = "draft", "keep", "restored"
START_OVER, KEY = "start_over", "draft_key"
OWN_FIELDS = {TOKEN_FIELD, KEEP_ONLY, RESTORED, START_OVER, KEY, "csrfmiddlewaretoken"}
ALL = "*"
SALT = "directory.drafts"
KEPT_FOR = timedelta(days=7)
MOST = 10  # of one person and form


def build_token(request: SignedInRequest, form: Form | None, address: str = "") -> str:
    """``address`` is where the form goes, if that is not the page's own. Without a form everything is kept
    that is posted there.
    """
    names = [ALL]
    if form is not None:
        names = [name for name, field in form.fields.items() if isinstance(field.widget, Textarea)]
    return signing.dumps([request.user.pk, address or request.path, names], salt=SALT)


def save_draft(request: HttpRequest) -> Draft | None:
    """Keep the words of a dialog's form, or forget the kept ones that were emptied. None for other forms."""
    try:
        token = signing.loads(request.POST.get(TOKEN_FIELD, ""), salt=SALT, max_age=KEPT_FOR)
    except signing.BadSignature:
        return None
    person_id, address, names = token
    if address not in (request.path, request.get_full_path()):
        return None
    if names == [ALL]:
        names = request.POST.keys() - OWN_FIELDS
    posted = {name: request.POST.get(name, "").replace("\0", "") for name in names}
    texts = {name: text for name, text in posted.items() if text.strip()}
    own = add_key(request, address)
    draft = Draft(person_id=person_id, address=own, texts=texts, kept_at=timezone.now())
    if texts:
        Draft.objects.bulk_create(
            [draft],
            update_conflicts=True,
            unique_fields=["person", "address"],
            update_fields=["texts", "kept_at"],
        )
        if own != address:
            delete_replaced(person_id, address, request.POST.get(RESTORED, ""))
    elif KEEP_ONLY in request.POST or RESTORED in request.POST:
        Draft.objects.filter(person=person_id, address=own).delete()
    return draft


def add_key(request: HttpRequest, address: str) -> str:
    """A dialog's page has no key, nor one from before there were any."""
    key = request.POST.get(KEY, "")
    return f"{address}#{key}" if re.fullmatch("[0-9a-f]{32}", key) else address


def delete_replaced(person_id: int, address: str, stamp: str) -> None:
    """The draft that the page was filled from, unless its own page has changed it since; and the oldest."""
    kept = list_drafts(person_id, address)
    others = [each for each in kept if each.stamp != stamp]
    for draft in {*kept} - {*others[:MOST]}:
        Draft.objects.filter(pk=draft.pk, kept_at=draft.kept_at).delete()


def list_drafts(person_id: int, address: str) -> list[Draft]:
    """The newest first, of all pages of that address."""
    pages = Q(address=address) | Q(address__startswith=f"{address}#")
    kept = Draft.objects.filter(pages, person=person_id, kept_at__gt=timezone.now() - KEPT_FOR)
    return list(kept.order_by("-kept_at"))


def find_draft(request: SignedInRequest, address: str = "") -> dict[str, str]:
    """The words by the names of their fields."""
    kept = Draft.objects.filter(
        person=request.user, address=address or request.path, kept_at__gt=timezone.now() - KEPT_FOR
    )
    found: dict[str, str] = kept.values_list("texts", flat=True).first() or {}
    return found


def delete_draft(request: SignedInRequest, address: str) -> None:
    """It is used, or not wanted. Those of other pages stay."""
    Draft.objects.filter(person=request.user, address=add_key(request, address)).delete()


def purge_drafts() -> int:
    count, _ = Draft.objects.filter(kept_at__lt=timezone.now() - KEPT_FOR).delete()
    return count
