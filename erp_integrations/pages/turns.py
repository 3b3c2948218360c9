"""Whose turn it is: what a commitment waits for, and all that waits for one person."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from commitments.models import TO_BE_SENT_AGAIN, Badge, Commitment
from directory.models import Level, Project, User
from erp_integrations.models import Submission
from erp_integrations.submissions.correcting import READY

MOST_WAITING = 200
TURNS: dict[str, str] = {
    Badge.REJECTED: "To be corrected",
    Badge.RETRIEVED: "Retrieved: to be changed, then sent again",
    Badge.UNLINKED: "Stopped: the project changes it or sends it again",
    Badge.AWAITING: "Awaiting accounting",
    Badge.FAILED: "Stopped: accounting must act",
    Badge.NEEDS_ATTENTION: "Stopped: accounting must act",
}


def describe_turn(badge: str, *, corrected_at: datetime | None = None, is_asked: bool = False) -> str:
    """Blank where nobody has anything to do."""
    if is_asked:
        return "Accounting asked a question"
    return READY if corrected_at and badge == Badge.REJECTED else TURNS.get(badge, "")


@dataclass(frozen=True)
class Waiting:
    commitment: Any

    @property
    def turn(self) -> str:
        return describe_turn(self.commitment.badge, corrected_at=self.commitment.corrected_at)


def find_waiting(person: User) -> QuerySet[Commitment]:
    """An admin's are those of the project, anybody else's those that they wrote and may still change."""
    levels = {
        level: Project.objects.filter(
            memberships__user=person, memberships__commitments_level=level, company__memberships__user=person
        )
        for level in (Level.ADMIN, Level.STANDARD)
    }
    last = Submission.objects.filter(commitment=OuterRef("pk")).order_by("-pk")
    own = Q(created_by=person, project__in=levels[Level.STANDARD])
    found = Commitment.objects.filter(badge__in=TO_BE_SENT_AGAIN, project__memberships__user=person)
    found = found.annotate(corrected_at=Subquery(last.values("corrected_at")[:1]))
    return found.filter(Q(project__in=levels[Level.ADMIN]) | (own & Q(corrected_at=None)))


def count_waiting(person: User) -> int:
    """At most one more than are listed."""
    return find_waiting(person)[: MOST_WAITING + 1].count()


def list_waiting(person: User) -> Iterable[Waiting]:
    """Those that can be sent first, then the ones changed last. One query."""
    last = Submission.objects.filter(commitment=OuterRef("pk")).order_by("-pk")
    found = find_waiting(person).select_related("project__company", "contract_company")
    found = found.annotate(reason=Subquery(last.values("reason")[:1]))
    rows = found.order_by(F("corrected_at").asc(nulls_last=True), "-updated_at")[:MOST_WAITING]
    return [Waiting(each) for each in rows]
