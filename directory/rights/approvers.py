"""Who may push to accounting in a company: since when, by whose hand, and when a person last said that
the list is right.

All of it is read from the history, so that a privilege which came by another way than
``services.grant_push_to_accounting`` shows as one that nobody granted.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from directory.history import signatures
from directory.models import (
    WORKING_LEVELS,
    Company,
    CompanyMembership,
    HistoryEntry,
    HistoryQuerySet,
    User,
)

GRANTED, REVOKED, SUSPENDED = "privilege.granted", "privilege.revoked", "privilege.suspended"
CONFIRMED, FLAGGED = "approvers.confirmed", "approvers.flagged"
ASKED = "approvers.confirmation_asked"
"""That what stood when these rules came must be confirmed; written by the migration, for each company."""
REVIEWED = (CONFIRMED, FLAGGED)
ENDED = (REVOKED, SUSPENDED, "membership.removed")
MOST_NAMES = 3
RULE_LIFTED, RULE_RESTORED = "own_decision_rule.lifted", "own_decision_rule.restored"


@dataclass(frozen=True, slots=True)
class Grant:
    """The entry by which somebody holds the privilege."""

    entry: HistoryEntry
    by: User | None

    @property
    def reason(self) -> str:
        """Why, in the words of who granted it."""
        return str(self.entry.detail.get("reason", ""))


@dataclass(frozen=True, slots=True)
class Approver:
    """One who holds the privilege. ``grant`` is None where the history has none; ``is_flagged``: the
    last review asked to revoke it."""

    membership: CompanyMembership
    grant: Grant | None
    is_flagged: bool = False

    @property
    def is_effective(self) -> bool:
        return self.membership.is_accounting_approver

    @property
    def effect(self) -> str:
        """What the privilege gives them at this moment, in words."""
        level = self.membership.get_erp_integrations_level_display()
        if not self.membership.user.is_active:
            return "The account is switched off: it gives nothing"
        if self.membership.erp_integrations_level in WORKING_LEVELS:
            return "Can accept, reject and export"
        return f"{level} on the tool: it gives nothing until the level is Standard or Admin"


@dataclass(frozen=True, slots=True)
class Suspended:
    """One whose privilege ended with a change of their account, and ``entry`` says why."""

    membership: CompanyMembership
    entry: HistoryEntry


@dataclass(frozen=True, slots=True)
class Review:
    """The last time that somebody looked at the list, and when the next is due; None: nobody holds it.

    ``is_asked``: what stood when accounts began to suspend the privilege was not confirmed since.
    """

    entry: HistoryEntry | None
    by: User | None
    due_at: datetime | None
    is_overdue: bool
    is_asked: bool = False

    @property
    def reason(self) -> str:
        """Why some should not hold it any more; blank after a confirmation."""
        return str(self.entry.detail.get("reason", "")) if self.entry else ""


@dataclass(frozen=True, slots=True)
class OwnDecisionRule:
    """Whether approvers decide on their own commitments here, and who said so last."""

    is_lifted: bool
    entry: HistoryEntry | None
    by: User | None

    @property
    def reason(self) -> str:
        """Why, in the words of who changed it."""
        return str(self.entry.detail.get("reason", "")) if self.entry else ""


@dataclass(frozen=True, slots=True)
class Roll:
    """The whole list of one company. ``seen_hash`` binds a review to it."""

    company: Company
    approvers: Sequence[Approver]
    suspended: Sequence[Suspended]
    review: Review
    own_decisions: OwnDecisionRule
    seen_hash: str

    @property
    def unrecorded(self) -> int:
        """How many hold it without a grant in the history."""
        return sum(approver.grant is None for approver in self.approvers)


def holders(company: Company) -> QuerySet[CompanyMembership]:
    """The memberships that hold the privilege, effective or not, by name."""
    held = CompanyMembership.objects.filter(company=company, can_push_to_accounting=True)
    return held.select_related("user").order_by("user__last_name", "user__first_name", "user_id")


def in_words(people: Sequence[User]) -> str:
    """The first of them by name: one of these can do it."""
    names = [str(person) for person in people[:MOST_NAMES]]
    if len(people) > MOST_NAMES:
        names.append("another")
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def changes_by_others(person: User) -> HistoryQuerySet:
    """When somebody other than the person put a hand in how they sign in: each may have handed the account
    over. A new address counts whoever entered it, as only administrators can.
    """
    changed = Q(event="account.changed") & (
        Q(detail__fields__contains=["email"]) | Q(detail__fields__contains=["is_active"], detail__active=True)
    )
    taken = Q(event="two_step.turned_off") & ~Q(by_id=person.pk)
    return HistoryEntry.objects.about(person).filter(changed | taken | Q(event="account.password_set"))


def roll_of(company: Company) -> Roll:
    """Read it; seven queries, however many there are, and one more where somebody is suspended."""
    memberships = list(holders(company))
    last = _last_of_each(company)
    held = {membership.pk for membership in memberships}
    grants = _standing_grants(memberships, last)
    suspended = {key: entry for key, entry in last.items() if entry.event == SUSPENDED and key not in held}
    listed = CompanyMembership.objects.select_related("user").in_bulk(suspended) if suspended else {}
    of_company = HistoryEntry.objects.about(company).order_by("-pk")
    reviewed = of_company.filter(event__in=REVIEWED).first()
    asked = of_company.filter(event=ASKED, pk__gt=reviewed.pk if reviewed else 0).exists()
    rule = of_company.filter(event__in=(RULE_LIFTED, RULE_RESTORED)).first()
    entries = [*grants.values(), *filter(None, (reviewed, rule))]
    people = User.objects.in_bulk({entry.by_id for entry in entries if entry.by_id})

    def by(entry: HistoryEntry | None) -> User | None:
        return people.get(entry.by_id or 0) if entry else None

    flagged = set(reviewed.detail.get("flagged", [])) if reviewed else set()
    approvers = []
    for membership in memberships:
        entry = grants.get(membership.pk)
        newer = entry is not None and reviewed is not None and entry.pk > reviewed.pk
        approvers.append(
            Approver(
                membership,
                Grant(entry, by(entry)) if entry else None,
                is_flagged=membership.user_id in flagged and not newer,
            )
        )
    return Roll(
        company,
        approvers,
        [Suspended(listed[key], entry) for key, entry in suspended.items() if key in listed],
        _review(reviewed, by(reviewed), approvers, is_asked=asked),
        OwnDecisionRule(company.allows_own_decisions, rule, by(rule)),
        _hash(company, approvers),
    )


def overdue(companies: QuerySet[Company]) -> list[tuple[Company, HistoryEntry | None]]:
    """Those whose list nobody has reviewed in time, with their last review. One query, and those of
    ``roll_of`` for each company that has no review yet, or an old one, or was asked for one since."""
    old = timezone.now() - timedelta(days=settings.APPROVERS_REVIEW_DAYS)
    last = HistoryEntry.objects.filter(
        subject_type=Company._meta.label_lower, subject_id=OuterRef("pk"), event__in=(*REVIEWED, ASKED)
    ).order_by("-pk")
    waiting = (
        companies.filter(memberships__can_push_to_accounting=True)
        .annotate(reviewed_at=Subquery(last.values("at")[:1]), last_event=Subquery(last.values("event")[:1]))
        .filter(Q(reviewed_at=None) | Q(reviewed_at__lte=old) | Q(last_event=ASKED))
        .order_by("pk")
        .distinct()
    )
    rolls = [roll_of(company) for company in waiting]
    return [(roll.company, roll.review.entry) for roll in rolls if roll.review.is_overdue]


def granted(membership: CompanyMembership, *, entry: int) -> dict[str, Any]:
    """What is signed when the privilege is granted, which the history's ``entry`` tells."""
    return {
        "event": GRANTED,
        "membership": membership.pk,
        "user": membership.user_id,
        "company": membership.company_id,
        "entry": entry,
    }


def is_signed(membership: CompanyMembership) -> bool:
    """Whether web signed the grant of the privilege, or it stood when signing began, and nothing ended it.

    The database numbers the history, so that nothing that ended it can be put before it.
    """
    statement = signatures.statement_in(membership.signed_grant)
    if statement is not None:
        since = statement.get("entry", 0)
        if statement != statement | granted(membership, entry=since):
            return False
    else:
        began = signatures.began()
        if began is None or [membership.pk, membership.user_id] not in began.detail["held"]:
            return False
        since = began.pk
    ended = HistoryEntry.objects.about(membership).filter(event__in=ENDED, pk__gt=since)
    return not ended.exists()


def _standing_grants(
    memberships: Sequence[CompanyMembership], last: Mapping[int, HistoryEntry]
) -> dict[int, HistoryEntry]:
    """By membership, the grant that nothing came after; one that nobody signed is none."""
    began = signatures.began()
    found = {}
    for membership in memberships:
        entry, statement = last.get(membership.pk), signatures.statement_in(membership.signed_grant)
        if entry is None or entry.event != GRANTED:
            continue
        is_older = began is not None and entry.pk < began.pk
        if is_older or (statement and statement.get("entry") == entry.pk):
            found[membership.pk] = entry
    return found


def _last_of_each(company: Company) -> dict[int, HistoryEntry]:
    """By membership, what happened last to its privilege."""
    entries = HistoryEntry.objects.filter(
        company_id=company.pk,
        subject_type=CompanyMembership._meta.label_lower,
        event__in=(GRANTED, REVOKED, SUSPENDED),
    )
    return {entry.subject_id: entry for entry in entries.order_by("pk")}


def _review(
    entry: HistoryEntry | None, by: User | None, approvers: Sequence[Approver], *, is_asked: bool
) -> Review:
    if not approvers:
        return Review(entry, by, None, is_overdue=False)
    now = timezone.now()
    if is_asked:
        return Review(entry, by, now, is_overdue=True, is_asked=True)
    # Never reviewed: counted from the first grant. One that nobody recorded can't wait.
    begun = [approver.grant.entry.at if approver.grant else None for approver in approvers]
    since = entry.at if entry else (min(filter(None, begun)) if all(begun) else None)
    due = since + timedelta(days=settings.APPROVERS_REVIEW_DAYS) if since else now
    return Review(entry, by, due, is_overdue=due <= now)


def _hash(company: Company, approvers: Sequence[Approver]) -> str:
    """SHA-256 of what a person confirms: who, by which grant, at which level, and the own-decision rule."""
    seen: list[Any] = [
        [
            approver.membership.pk,
            approver.membership.user_id,
            approver.grant.entry.pk if approver.grant else None,
            approver.membership.erp_integrations_level,
            approver.membership.user.is_active,
        ]
        for approver in sorted(approvers, key=lambda approver: approver.membership.pk)
    ]
    text = json.dumps([company.pk, company.allows_own_decisions, seen])
    return hashlib.sha256(text.encode()).hexdigest()
