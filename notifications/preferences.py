"""Which mails people want, and when: as they chose, else as their company did, else every one."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from directory import history
from directory.history.events import DirectoryEvent
from directory.models import COMPANY_TIMES, Company, CompanyMembership, User
from directory.rights.permissions import require_administer_erp_integrations
from notifications.models import ALWAYS_MAILED, EVERY_DAY, Kind, Subscription

WEEKDAYS = [(str(day + 1), f"{date(2024, 1, 1 + day):%A}") for day in range(7)]
SALT = "notifications.unsubscribe"
CHOICES = {"summary": Kind.DAILY_SUMMARY, "attention": Kind.ATTENTION, "resent": Kind.RESENT}
"""The form's fields, and the mail that each switches."""
ALWAYS_MAILED_LABELS = [str(kind.label) for kind in ALWAYS_MAILED]


def get_choices(chosen: Mapping[str, Subscription]) -> dict[str, Any]:
    """As the form has them, by the kind."""
    summary = chosen.get(Kind.DAILY_SUMMARY)
    wanted = {name: kind not in chosen or chosen[kind].wanted for name, kind in CHOICES.items()}
    return wanted | {"weekdays": list(summary.weekdays if summary else EVERY_DAY)}


def get_company_choices(company: Company) -> dict[str, Any]:
    choices = get_choices({each.kind: each for each in company.subscriptions.all()})
    return choices | {name: getattr(company, name) for name in COMPANY_TIMES}


def describe_company_choices(company: Company) -> str:
    """In one sentence."""
    chosen = get_company_choices(company)
    days = [label for day, label in WEEKDAYS if day in chosen["weekdays"]]
    on = "every day" if len(days) == len(WEEKDAYS) else f"on {', '.join(days)}"
    summary = f"The summary {on} at {company.summary_hour:02d}:00" if chosen["summary"] else "No summary"
    moments = ["at once" if chosen[name] else "in the summary" for name in ("attention", "resent")]
    return f"{summary}; what failed {moments[0]}; what was sent again {moments[1]}."


def save_choices(choices: Mapping[str, Any], **owner: Any) -> None:
    """Of a person, or of a company."""
    for name, kind in CHOICES.items():
        values: dict[str, Any] = {"wanted": choices[name]}
        if kind == Kind.DAILY_SUMMARY and choices["weekdays"]:
            values["weekdays"] = "".join(sorted(choices["weekdays"]))
        Subscription.objects.update_or_create(**owner, kind=kind, defaults=values)


@transaction.atomic
def save_company_defaults(
    company: Company, choices: Mapping[str, Any], *, fields: list[str], by: User
) -> None:
    """``fields`` are those that changed. Raises RightMissing without Admin on ERP Integrations."""
    require_administer_erp_integrations(by, company)
    save_choices(choices, company=company)
    company.time_zone, company.summary_hour = choices["time_zone"], int(choices["summary_hour"])
    company.save(update_fields=COMPANY_TIMES)
    detail = {"fields": fields}
    history.record(
        event=DirectoryEvent.COMPANY_CHANGED, subject=company, by=by, company=company, detail=detail
    )


def find_choices(people: Iterable[User], *kinds: Kind) -> dict[tuple[int, str], Subscription]:
    """By person and kind: their own choice, or that of the company where they were listed first. Two
    queries."""
    people = list(people)
    memberships = CompanyMembership.objects.filter(user__in=people).order_by("-pk")
    first = dict(memberships.values_list("user", "company"))
    found = Subscription.objects.filter(Q(user__in=people) | Q(company__in=first.values()), kind__in=kinds)
    own = {(each.user_id, each.kind): each for each in found if each.user_id}
    defaults = {(each.company_id, each.kind): each for each in found if each.company_id}
    inherited = {
        (person, each.kind): each
        for person, company in first.items()
        for kind in kinds
        if (each := defaults.get((company, kind)))
    }
    return {**inherited, **own}


def list_subscribers(people: Iterable[User], kind: Kind) -> list[User]:
    """Without those who have this mail in their summary."""
    people = list(people)
    choices = find_choices(people, kind)
    return [each for each in people if (each.pk, kind) not in choices or choices[each.pk, kind].wanted]


def list_people_without_summary_on(days: Mapping[User, date]) -> set[User]:
    """Those who do not want one on their day."""
    choices = find_choices(days, Kind.DAILY_SUMMARY)
    return {
        person
        for person, day in days.items()
        if (choice := choices.get((person.pk, Kind.DAILY_SUMMARY)))
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
