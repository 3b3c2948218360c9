"""Several commitments sent to accounting at once: what stands in the way of each, and what became of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from commitments.models import Commitment, Lock
from directory.db.pagination import PAGE_LENGTH
from directory.models import Project, User
from erp_integrations.adapters.base import Issue
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.models.submissions import OPEN_STATUSES
from erp_integrations.snapshots import build_document
from erp_integrations.submissions import Conflict, ExportBlocked, send_to_erp


@dataclass
class Choice:
    """One of the chosen; ``refusal`` says why it can't go, or did not."""

    commitment: Commitment
    issues: list[Issue] = field(default_factory=list)
    refusal: str = ""

    @property
    def can_go(self) -> bool:
        return not self.refusal and not preflight.list_blocking(self.issues)


def list_choices(project: Project, ids: Collection[int]) -> list[Choice]:
    """As many as a page of the list has, the oldest first."""
    found = Commitment.objects.with_total().select_related("contract_company", "project__company")
    found = found.prefetch_related("attachments", "lines__cost_code", "lines__cost_type")
    return [Choice(each) for each in found.filter(project=project, pk__in=ids).order_by("pk")[:PAGE_LENGTH]]


def check_choice(choice: Choice) -> None:
    """As a Send would at this moment; five queries."""
    if choice.commitment.lock != Lock.NONE:
        choice.refusal = f"It is with accounting: {choice.commitment.get_badge_display()}."
        return
    lines, moment = list(choice.commitment.lines.all()), preflight.Moment.SEND
    basis = build_basis(build_document(choice.commitment, lines))
    choice.issues = preflight.check_export(basis, moment=moment, erp_id=basis.proposed_erp_id)


def send_choice(choice: Choice, versions: Mapping[int, int], by: User) -> None:
    """By itself and by the rules of a single Send, in the version that the person saw. One that they sent in
    this version already counts as sent: they pressed twice.
    """
    commitment = choice.commitment
    version = versions[commitment.pk]
    try:
        send_to_erp(commitment=commitment, by=by, version=version)
    except ExportBlocked as blocked:
        choice.issues = blocked.issues
    except Conflict as conflict:
        own = commitment.submissions.whole().filter(status__in=OPEN_STATUSES, sent_by=by)
        if commitment.version != version or not own.exists():
            choice.refusal = str(conflict)
    except Commitment.DoesNotExist:
        choice.refusal = "It was deleted meanwhile."
