"""Words typed into a dialog, and all of a form that is long to fill in, are kept until they are used, so that
nothing loses them: neither the session's end nor an old token, a conflict, an error, Esc or Back
(docs/decisions/0038).

The form's signed token says whose words these are, for which address and in which fields: so they are kept
when nobody is signed in any more, and no other site can have any kept. Only their person sees them again, in
the form, and nothing is decided or saved by itself.
"""

from datetime import timedelta

from django.core import signing
from django.forms import Form, Textarea
from django.http import HttpRequest
from django.utils import timezone

from directory.models import Draft
from directory.requests import SignedInRequest

TOKEN_FIELD, KEEP_ONLY, RESTORED = "draft", "keep", "restored"
START_OVER = "start_over"
OWN_FIELDS = {TOKEN_FIELD, KEEP_ONLY, RESTORED, START_OVER, "csrfmiddlewaretoken"}
ALL = "*"
SALT = "directory.drafts"
KEPT_FOR = timedelta(days=7)


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
    draft = Draft(person_id=person_id, address=address, texts=texts, kept_at=timezone.now())
    if texts:
        Draft.objects.bulk_create(
            [draft],
            update_conflicts=True,
            unique_fields=["person", "address"],
            update_fields=["texts", "kept_at"],
        )
    elif KEEP_ONLY in request.POST or RESTORED in request.POST:
        Draft.objects.filter(person=person_id, address=address).delete()
    return draft


def find_draft(request: SignedInRequest, address: str = "") -> dict[str, str]:
    """The words by the names of their fields."""
    kept = Draft.objects.filter(
        person=request.user, address=address or request.path, kept_at__gt=timezone.now() - KEPT_FOR
    )
    found: dict[str, str] = kept.values_list("texts", flat=True).first() or {}
    return found


def delete_draft(request: SignedInRequest, address: str) -> None:
    """It is used, or not wanted."""
    Draft.objects.filter(person=request.user, address=address).delete()


def purge_drafts() -> int:
    count, _ = Draft.objects.filter(kept_at__lt=timezone.now() - KEPT_FOR).delete()
    return count
