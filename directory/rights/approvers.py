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
from functools import cache
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from directory.history import signatures
from directory.history.events import LOST_FACTORS, DirectoryEvent
from directory.models import SECOND_STEPS, Company, CompanyMembership, HistoryEntry, HistoryQuerySet, User

REVIEW_EVENTS = (DirectoryEvent.APPROVERS_CONFIRMED, DirectoryEvent.APPROVERS_FLAGGED)
GRANT_END_EVENTS = (
    DirectoryEvent.PRIVILEGE_REVOKED,
    DirectoryEvent.PRIVILEGE_SUSPENDED,
    DirectoryEvent.MEMBERSHIP_REMOVED,
)
PRIVILEGE_EVENTS = (
    DirectoryEvent.PRIVILEGE_GRANTED,
    DirectoryEvent.PRIVILEGE_REVOKED,
    DirectoryEvent.PRIVILEGE_SUSPENDED,
)
"""All that happens to the privilege itself; its index in ``directory.models`` names the same."""
MAX_NAMES = 3


@dataclass(frozen=True, slots=True)
class RecordedAct:
    """Somebody's last act, as the history has it; None: nothing."""

    entry: HistoryEntry | None
    by: User | None

    @property
    def reason(self) -> str:
        """Why, in their words; blank where none was given."""
        return str(self.entry.detail.get("reason", "")) if self.entry else ""


@dataclass(frozen=True, slots=True)
class Grant(RecordedAct):
    """The entry by which somebody holds the privilege."""

    entry: HistoryEntry


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
        """The privilege's effect at this moment, in words."""
        if self.is_effective:
            return "Can accept, reject and export"
        if not self.membership.user.is_active:
            return "Account deactivated: no effect"
        level = self.membership.get_erp_integrations_level_display()
        return f"{level} on the tool: no effect until the level is Standard or Admin"


@dataclass(frozen=True, slots=True)
class SuspendedApprover:
    """One whose privilege ended with a change of their account, and ``entry`` says why."""

    membership: CompanyMembership
    entry: HistoryEntry


@dataclass(frozen=True, slots=True)
class ApproverReview(RecordedAct):
    """The last time that somebody looked at the list, and when the next is due; None: nobody holds it.

    ``is_requested``: what stood when accounts began to suspend the privilege was not confirmed since.
    """

    due_at: datetime | None
    is_overdue: bool
    is_requested: bool = False


@dataclass(frozen=True, slots=True)
class OwnDecisionRule(RecordedAct):
    """The company's rule on approvers' own commitments, and who said so last."""

    is_lifted: bool


@dataclass(frozen=True, slots=True)
class ApproverList:
    """The whole list of one company. ``content_hash`` binds a review to it."""

    company: Company
    approvers: Sequence[Approver]
    suspended: Sequence[SuspendedApprover]
    review: ApproverReview
    own_decisions: OwnDecisionRule
    content_hash: str

    @property
    def unrecorded_count(self) -> int:
        """How many hold it without a grant in the history."""
        return sum(approver.grant is None for approver in self.approvers)


def list_with_rights() -> QuerySet[CompanyMembership]:
    """Memberships with their person, their company, and all that a right to decide depends on: one query."""
    return build_rights_query().all()


@cache
def build_rights_query() -> QuerySet[CompanyMembership]:
    """To build it takes longer than to copy it."""
    two_step = User.objects.filter(pk=OuterRef("user"), authenticator__type__in=SECOND_STEPS)
    ends = HistoryEntry.objects.filter(
        subject_type=CompanyMembership._meta.label_lower,
        subject_id=OuterRef("pk"),
        event__in=GRANT_END_EVENTS,
    )
    return CompanyMembership.objects.select_related("user", "company").annotate(
        has_two_step=Exists(two_step), last_grant_end=Subquery(ends.order_by("-pk").values("pk")[:1])
    )


def list_privilege_holders(company: Company) -> QuerySet[CompanyMembership]:
    """The memberships that hold the privilege, effective or not, by name."""
    memberships = CompanyMembership.objects.filter(company=company, can_push_to_accounting=True)
    return memberships.select_related("user").order_by("user__last_name", "user__first_name", "user_id")


def list_privilege_requests(memberships: QuerySet[CompanyMembership]) -> QuerySet[CompanyMembership]:
    """Those for whom it was requested, and nobody has granted, declined or ended it since."""
    events = (*PRIVILEGE_EVENTS, DirectoryEvent.PRIVILEGE_REQUESTED, DirectoryEvent.PRIVILEGE_DECLINED)
    last = HistoryEntry.objects.filter(
        subject_type=CompanyMembership._meta.label_lower, subject_id=OuterRef("pk"), event__in=events
    ).order_by("-pk")
    return memberships.alias(last_event=Subquery(last.values("event")[:1])).filter(
        last_event=DirectoryEvent.PRIVILEGE_REQUESTED
    )


def format_names(people: Sequence[User]) -> str:
    """The first of them by name: one of these can do it."""
    names = [str(person) for person in people[:MAX_NAMES]]
    if len(people) > MAX_NAMES:
        names.append("another")
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def list_changes_by_others(person: User) -> HistoryQuerySet:
    """When somebody other than the person put a hand in how they sign in: each may have handed the account
    over. A new address counts whoever entered it, as only administrators can.
    """
    changed = Q(event=DirectoryEvent.ACCOUNT_CHANGED) & (
        Q(detail__fields__contains=["email"]) | Q(detail__fields__contains=["is_active"], detail__active=True)
    )
    taken = Q(event__in=LOST_FACTORS) & ~Q(by_id=person.pk)
    return HistoryEntry.objects.about(person).filter(
        changed | taken | Q(event=DirectoryEvent.ACCOUNT_PASSWORD_SET)
    )


def is_in_other_hands(person: User) -> bool:
    """Somebody else changed how they sign in: what is done with the account may not be theirs.

    It is theirs again with a password chosen by a mailed link; after a new address, whose mailbox may be
    another's, when a review's time has passed as well.
    """
    changes = list_changes_by_others(person)
    reset = HistoryEntry.objects.about(person).filter(event=DirectoryEvent.PASSWORD_RESET).last()
    lately = timezone.now() - timedelta(days=settings.APPROVERS_REVIEW_DAYS)
    new_address = changes.filter(detail__fields__contains=["email"], at__gt=lately)
    return changes.filter(pk__gt=reset.pk if reset else 0).exists() or new_address.exists()


def build_approver_list(company: Company) -> ApproverList:
    """Read it; seven queries, however many there are, and one more where somebody is suspended."""
    memberships = list(list_privilege_holders(company))
    last_events = list_last_privilege_events(company)
    grants = list_current_grants(memberships, last_events)
    ended = {
        key: entry
        for key, entry in last_events.items()
        if entry.event == DirectoryEvent.PRIVILEGE_SUSPENDED and key not in {each.pk for each in memberships}
    }
    suspended = CompanyMembership.objects.select_related("user").filter(pk__in=ended)
    of_company = HistoryEntry.objects.about(company).order_by("-pk")
    last_review = of_company.filter(event__in=REVIEW_EVENTS).first()
    is_requested = of_company.filter(
        event=DirectoryEvent.APPROVERS_CONFIRMATION_ASKED, pk__gt=last_review.pk if last_review else 0
    ).exists()
    rule = of_company.filter(
        event__in=(DirectoryEvent.OWN_DECISION_RULE_LIFTED, DirectoryEvent.OWN_DECISION_RULE_RESTORED)
    ).first()
    entries = [*grants.values(), *filter(None, (last_review, rule))]
    people = User.objects.in_bulk({entry.by_id for entry in entries if entry.by_id})

    def get_actor(entry: HistoryEntry | None) -> User | None:
        return people.get(entry.by_id or 0) if entry else None

    flagged = set(last_review.detail.get("flagged", [])) if last_review else set()
    approvers = []
    for membership in memberships:
        entry = grants.get(membership.pk)
        is_newer = entry is not None and last_review is not None and entry.pk > last_review.pk
        is_flagged = membership.user_id in flagged and not is_newer
        grant = Grant(entry, get_actor(entry)) if entry else None
        approvers.append(Approver(membership, grant, is_flagged))
    return ApproverList(
        company,
        approvers,
        sorted(
            (SuspendedApprover(each, ended[each.pk]) for each in suspended), key=lambda each: each.entry.pk
        ),
        build_review(last_review, get_actor(last_review), approvers, is_requested=is_requested),
        OwnDecisionRule(rule, get_actor(rule), company.allows_own_decisions),
        hash_approver_list(company, approvers),
    )


def list_overdue_reviews(companies: QuerySet[Company]) -> list[tuple[Company, HistoryEntry | None]]:
    """Those whose list nobody has reviewed in time, with their last review. One query, and those of
    ``build_approver_list`` for each company that has no review yet, or an old one, or was asked for one
    since.
    """
    cutoff = timezone.now() - timedelta(days=settings.APPROVERS_REVIEW_DAYS)
    last = HistoryEntry.objects.filter(
        subject_type=Company._meta.label_lower,
        subject_id=OuterRef("pk"),
        event__in=(*REVIEW_EVENTS, DirectoryEvent.APPROVERS_CONFIRMATION_ASKED),
    ).order_by("-pk")
    candidates = (
        companies.filter(memberships__can_push_to_accounting=True)
        .annotate(reviewed_at=Subquery(last.values("at")[:1]), last_event=Subquery(last.values("event")[:1]))
        .filter(
            Q(reviewed_at=None)
            | Q(reviewed_at__lte=cutoff)
            | Q(last_event=DirectoryEvent.APPROVERS_CONFIRMATION_ASKED)
        )
        .order_by("pk")
        .distinct()
    )
    reviews = ((company, build_approver_list(company).review) for company in candidates)
    return [(company, review.entry) for company, review in reviews if review.is_overdue]


def build_grant_statement(membership: CompanyMembership, *, entry_id: int) -> dict[str, Any]:
    """Web signs it when the privilege is granted, which the history's ``entry`` tells."""
    return {
        "event": DirectoryEvent.PRIVILEGE_GRANTED,
        "membership": membership.pk,
        "user": membership.user_id,
        "company": membership.company_id,
        "entry": entry_id,
    }


def is_grant_signed(membership: CompanyMembership) -> bool:
    """Web signed the grant of the privilege, or it stood when signing began, and nothing ended it.

    The membership is one of ``list_with_rights``. The database numbers the history, so that nothing that
    ended it can be put before it.
    """
    statement = signatures.find_signed_statement(membership.signed_grant)
    if statement is not None:
        since = statement.get("entry", 0)
        if statement != statement | build_grant_statement(membership, entry_id=since):
            return False
    else:
        signing_start = signatures.find_signing_start()
        if signing_start is None or [membership.pk, membership.user_id] not in signing_start.detail["held"]:
            return False
        since = signing_start.pk
    return bool((membership.last_grant_end or 0) <= since)  # type: ignore[attr-defined]  # annotated


def list_current_grants(
    memberships: Sequence[CompanyMembership], last_events: Mapping[int, HistoryEntry]
) -> dict[int, HistoryEntry]:
    """By membership, the grant that nothing came after; one that nobody signed is none."""
    signing_start = signatures.find_signing_start()
    grants = {}
    for membership in memberships:
        entry = last_events.get(membership.pk)
        statement = signatures.find_signed_statement(membership.signed_grant)
        if entry is None or entry.event != DirectoryEvent.PRIVILEGE_GRANTED:
            continue
        is_older = signing_start is not None and entry.pk < signing_start.pk
        if is_older or (statement and statement.get("entry") == entry.pk):
            grants[membership.pk] = entry
    return grants


def list_last_privilege_events(company: Company) -> dict[int, HistoryEntry]:
    """By membership, what happened last to its privilege."""
    entries = HistoryEntry.objects.filter(
        company_id=company.pk, subject_type=CompanyMembership._meta.label_lower, event__in=PRIVILEGE_EVENTS
    )
    return {entry.subject_id: entry for entry in entries.order_by("pk")}


def build_review(
    entry: HistoryEntry | None, by: User | None, approvers: Sequence[Approver], *, is_requested: bool
) -> ApproverReview:
    if not approvers:
        return ApproverReview(entry, by, None, is_overdue=False)
    now = timezone.now()
    if is_requested:
        return ApproverReview(entry, by, now, is_overdue=True, is_requested=True)
    # Never reviewed: counted from the first grant. One that nobody recorded can't wait.
    granted_at = [approver.grant.entry.at if approver.grant else None for approver in approvers]
    since = entry.at if entry else (min(filter(None, granted_at)) if all(granted_at) else None)
    due = since + timedelta(days=settings.APPROVERS_REVIEW_DAYS) if since else now
    return ApproverReview(entry, by, due, is_overdue=due <= now)


def hash_approver_list(company: Company, approvers: Sequence[Approver]) -> str:
    """SHA-256 of what a person confirms: who, by which grant, at which level, and the own-decision rule."""
    content: list[Any] = []
    for each in sorted(approvers, key=lambda approver: approver.membership.pk):
        row, grant = each.membership, each.grant.entry.pk if each.grant else None
        content.append([row.pk, row.user_id, grant, row.erp_integrations_level, row.user.is_active])
    text = json.dumps([company.pk, company.allows_own_decisions, content])
    return hashlib.sha256(text.encode()).hexdigest()
