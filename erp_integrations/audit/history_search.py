"""An auditor's search in a company's history, read from an address, and the pages of what is found."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from django.db.models import OuterRef, Q, Subquery, Value
from django.utils import timezone
from django.utils.dateparse import parse_date

from commitments.models import Commitment
from directory.db import pagination
from directory.db.pagination import Page, parse_key, parse_search
from directory.db.search import HISTORY_WORDS, NO_COMPANY, build_word_filter, list_few
from directory.history.events import find_event
from directory.models import Company, CompanyMembership, HistoryEntry, User
from directory.models import HistoryQuerySet as Entries
from directory.rights.approvers import PRIVILEGE_EVENTS
from erp_integrations.models import Submission

ACCOUNT_PREFIXES = ("account.", "session.", "sign_in.", "password.", "two_step.")
"""How events of accounts begin: they are of no company, and told where the person is an approver."""
EVENT_GROUPS = {
    "decisions": ("Every decision and question", ("submission.", "question.")),
    "exports": ("Every step of an export", ("export.", "drift.", "reconciliation.")),
    "commitments": ("Every change of a commitment", ("commitment.",)),
    "rights": (
        "Every change of rights",
        ("privilege.", "membership.", "role.", "own_decision_rule.", "two_step_rule.", "approvers."),
    ),
    "refusals": ("Every refusal", ("right.",)),
    "settings": (
        "Every change of settings and links",
        (
            *("connection.", "vendor_link.", "job_link.", "cost_type_account.", "masters."),
            "take_over.",
            "check_rules.",
            "reasons.",
            *("contract_company.", "cost_code.", "cost_type.", "company.", "project."),
        ),
    ),
    "accounts": ("Every event of an approver's account", ACCOUNT_PREFIXES),
    "history": ("Every export of the history", ("history.",)),
}
"""Events that may be asked for together: their words, and how they begin."""
MANY = 1_000
FIRST_YEAR, LAST_YEAR = 1970, 9000  # no calendar ends a day later, in any time zone
OTHER_PREFIXES = ("person.", "email.", "group.", "signatures.")
"""How events begin that concern no company, and are told to none."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search; what the address says and is none is left out. Days are the viewer's own."""

    since: date | None = None
    until: date | None = None
    person: int | None = None
    event: str = ""
    subject: tuple[str, int] | None = None
    text: str = ""

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> "Search":
        """From an address: a bookmark never breaks."""
        event = parameters.get("event", "")
        return cls(
            since=_parse_day(parameters.get("since", "")),
            until=_parse_day(parameters.get("until", "")),
            person=parse_key(parameters.get("person", "")),
            event=event if event in EVENT_GROUPS or find_event(event) else "",
            subject=_parse_subject(parameters.get("subject", "")),
            text=parse_search(parameters.get("q", "")),
        )

    @property
    def parameters(self) -> dict[str, str]:
        """Those of an address that says the same."""
        values = {
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
            "person": str(self.person or ""),
            "event": self.event,
            "subject": f"{self.subject[0]}:{self.subject[1]}" if self.subject else "",
            "q": self.text,
        }
        return {name: value for name, value in values.items() if value}

    def build_query(self, **others: str) -> str:
        """The query string of this search with other parts changed; ``""`` takes one away."""
        return "?" + urlencode({name: value for name, value in (self.parameters | others).items() if value})


def find_entries(company: Company, search: Search) -> Entries:
    """The company's entries that the search means, in no order yet."""
    entries = limit_to_search(HistoryEntry.objects.filter(company_id=company.pk), search)
    for word in search.text.split():
        entries = entries.filter(_build_word_filter(company, word))
    return entries


def find_account_entries(company: Company, search: Search) -> Entries:
    """The same of the accounts of its approvers, which are sealed in another chain and so in no export."""
    accounts = {"subject_type": User._meta.label_lower, "subject_id__in": list_approver_ids(company)}
    entries = HistoryEntry.objects.filter(_build_prefix_filter(ACCOUNT_PREFIXES), company_id=None, **accounts)
    words = build_word_filter([NO_COMPANY], search.text) if search.text else Q()
    return limit_to_search(entries, search).filter(words)


def limit_to_search(entries: Entries, search: Search) -> Entries:
    """Those of all but its words."""
    if search.since:
        entries = entries.filter(at__gte=_get_midnight(search.since))
    if search.until:
        entries = entries.filter(at__lt=_get_midnight(search.until + timedelta(days=1)))
    if search.person:
        about_person = Q(subject_type=User._meta.label_lower, subject_id=search.person)
        entries = entries.filter(Q(by_id=search.person) | Q(detail__user=search.person) | about_person)
    if search.event in EVENT_GROUPS:
        entries = entries.filter(_build_prefix_filter(EVENT_GROUPS[search.event][1]))
    elif search.event:
        entries = entries.filter(event=search.event)
    if search.subject:
        entries = entries.filter(subject_type=search.subject[0], subject_id=search.subject[1])
    return entries.alias(search=HISTORY_WORDS)


def get_page(company: Company, search: Search, parameters: Mapping[str, str]) -> Page[HistoryEntry]:
    """The page that the address names, newest first."""
    entries, accounts = find_entries(company, search), find_account_entries(company, search)
    return pagination.get_page(entries, parameters, kept=search.parameters, also=accounts)


def read_in_batches(entries: Entries, *, batch_size: int) -> Iterator[list[HistoryEntry]]:
    """All of them, oldest first, in portions; by key, as a server-side cursor does not outlive a PgBouncer.
    What comes while it runs is left out.
    """
    newest = entries.order_by("-pk").values_list("pk", flat=True).first()
    last = 0
    while batch := list(entries.filter(pk__gt=last, pk__lte=newest or 0).order_by("pk")[:batch_size]):
        yield batch
        last = batch[-1].pk


def list_approver_ids(company: Company) -> list[int]:
    """Who holds the privilege, and who was given it or lost it."""
    memberships = CompanyMembership.objects.filter(company=company, can_push_to_accounting=True)
    privilege_entries = HistoryEntry.objects.filter(company_id=company.pk, event__in=PRIVILEGE_EVENTS)
    changed_users = privilege_entries.values_list("detail__user", flat=True)
    return [*memberships.values_list("user", flat=True), *filter(None, changed_users)]


def _build_prefix_filter(prefixes: Iterable[str]) -> Q:
    return Q(*(("event__startswith", prefix) for prefix in prefixes), _connector=Q.OR)


def _build_word_filter(company: Company, word: str) -> Q:
    """An entry has the word in its detail, or a commitment that it is about is found by it.

    What few have is sought by its keys; where there are many, each entry in its order is asked.
    """
    found, matching = Q(), build_word_filter([company.pk], word)
    projects = [*company.projects.values_list("pk", flat=True)]
    for model, owners in ((Commitment, projects), (Submission, [company.pk])):
        named = model._default_manager.filter(build_word_filter(owners, word))
        few = list_few(named, most=MANY)
        own = Subquery(named.filter(pk=OuterRef("subject_id")).values(is_found=Value(True))[:1])
        called = Q(own) if few is None else Q(subject_id__in=few)
        found |= Q(called, subject_type=model._meta.label_lower)
    few = list_few(HistoryEntry.objects.alias(search=HISTORY_WORDS).filter(matching), most=MANY)
    return found | (matching if few is None else Q(pk__in=few))


def _parse_day(text: str) -> date | None:
    try:
        day = parse_date(text)
    except ValueError:  # such as the 31st of February
        return None
    return day if day and FIRST_YEAR <= day.year <= LAST_YEAR else None


def _get_midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _parse_subject(text: str) -> tuple[str, int] | None:
    kind, _, number = text.replace("\0", "").partition(":")
    pk = parse_key(number)
    return (kind[:60], pk) if kind and pk is not None else None
