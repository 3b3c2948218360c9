"""A whole history may still tell the impossible: each tool adds its own rules, and `verify_history` asks."""

from collections.abc import Callable, Iterator

from django.db.models import F, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from directory.history.events import DirectoryEvent
from directory.models import HistoryEntry

Rule = Callable[[], Iterator[str]]


def check_self_grants() -> Iterator[str]:
    """Each grant of the privilege that says otherwise."""
    grants = HistoryEntry.objects.filter(event=DirectoryEvent.PRIVILEGE_GRANTED, by_id__isnull=False)
    user = KT("detail__user")
    for entry in grants.annotate(user=user).filter(user=Cast(F("by_id"), TextField())).order_by("pk"):
        yield f"entry {entry.pk}: person {entry.by_id} granted Can Push to Accounting to themselves"


RULES: list[Rule] = [check_self_grants]


def check_rules() -> list[str]:
    """Each broken rule as a sentence without its full stop."""
    return [sentence for rule in RULES for sentence in rule()]
