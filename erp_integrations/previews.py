"""What Spectrum would store if it were accepted now, and what stands in the way."""

from dataclasses import dataclass

from erp_integrations import preflight
from erp_integrations.adapters.base import Call, Finding
from erp_integrations.models import Submission


@dataclass(frozen=True, slots=True)
class Preview:
    """``calls`` is every element of every call; empty when something blocks.

    ``seen_hash`` is what an acceptance of exactly this must carry.
    """

    erp_id: str
    seen_hash: str
    findings: list[Finding]
    calls: tuple[Call, ...]

    @property
    def is_blocked(self) -> bool:
        """Whether something stands in the way of the export."""
        return not self.calls


def of(submission: Submission, *, erp_id: str | None = None) -> Preview:
    """Look at a submission as the export would, under the proposed ERP ID or another one.

    At most six queries.
    """
    basis = preflight.basis_of(submission.document)
    wanted = preflight.proposed_erp_id(basis) if erp_id is None else erp_id
    found = preflight.findings(basis, moment=preflight.Moment.EXPORT, erp_id=wanted)
    calls = () if preflight.blocking(found) else preflight.plan(basis, erp_id=wanted)
    return Preview(erp_id=wanted, seen_hash=basis.hash, findings=found, calls=calls)
