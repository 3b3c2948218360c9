"""Which mails people want, and when; without a choice of theirs they get every one."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.conf import settings
from django.core import signing
from django.urls import reverse

from directory.models import User
from notifications.models import ALWAYS_MAILED, EVERY_DAY, Kind, Subscription

SALT = "notifications.unsubscribe"
CHOICES = {"summary": Kind.DAILY_SUMMARY, "attention": Kind.ATTENTION, "resent": Kind.RESENT}
"""The form's fields, and the mail that each switches."""
ALWAYS_MAILED_LABELS = [str(kind.label) for kind in ALWAYS_MAILED]


def get_choices(person: User) -> dict[str, Any]:
    """As the form has them."""
    chosen = {each.kind: each for each in Subscription.objects.filter(user=person)}
    summary = chosen.get(Kind.DAILY_SUMMARY)
    wanted = {name: kind not in chosen or chosen[kind].wanted for name, kind in CHOICES.items()}
    return wanted | {"weekdays": list(summary.weekdays if summary else EVERY_DAY)}


def save_choices(person: User, choices: Mapping[str, Any]) -> None:
    for name, kind in CHOICES.items():
        values: dict[str, Any] = {"wanted": choices[name]}
        if kind == Kind.DAILY_SUMMARY and choices["weekdays"]:
            values["weekdays"] = "".join(sorted(choices["weekdays"]))
        Subscription.objects.update_or_create(user=person, kind=kind, defaults=values)


def list_subscribers(people: Iterable[User], kind: Kind) -> list[User]:
    """Without those who switched this mail off."""
    unwanted = set(Subscription.objects.unwanted(kind).values_list("user", flat=True))
    return [person for person in people if person.pk not in unwanted]


def list_people_without_summary_on(days: Mapping[User, date]) -> set[User]:
    """Those who do not want one on their day. One query."""
    choices = Subscription.objects.filter(kind=Kind.DAILY_SUMMARY, user__in=days)
    chosen = {each.user_id: each for each in choices}
    return {
        person
        for person, day in days.items()
        if (choice := chosen.get(person.pk))
        and not (choice.wanted and str(day.isoweekday()) in choice.weekdays)
    }


def stop_summary(person: User) -> None:
    Subscription.objects.update_or_create(user=person, kind=Kind.DAILY_SUMMARY, defaults={"wanted": False})


def build_unsubscribe_url(person: User) -> str:
    token = signing.dumps(person.pk, salt=SALT)
    return f"{settings.PUBLIC_URL}{reverse('unsubscribe', args=[token])}"


def read_token(token: str) -> User:
    """Whose it is; raises BadSignature for one that is not ours, or of an account that is gone."""
    person = User.objects.filter(pk=signing.loads(token, salt=SALT), is_active=True).first()
    if person is None:
        raise signing.BadSignature(token)
    return person
