"""What Spectrum would store if it were accepted now, and what stands in the way."""

from dataclasses import dataclass

from erp_integrations.adapters.base import Call, Finding, Fixer
from erp_integrations.findings import preflight
from erp_integrations.models import Submission
from erp_integrations.review import live_checks
from erp_integrations.review.live_checks import KeyState, LiveCheck

WAYS_OUT = (Fixer.PROJECT, Fixer.ERP_ADMIN, Fixer.APPROVER)


@dataclass(frozen=True, slots=True)
class Preview:
    """``calls`` is every element of every call; empty when something blocks. ``notes_topic`` is where
    the approver's note goes in the ERP; blank: it does not.

    ``seen_hash`` is what an acceptance of exactly this must carry; ``live`` is what Spectrum said
    just now, which counts as a finding too and is no part of the hash.
    """

    erp_id: str
    seen_hash: str
    findings: list[Finding]
    calls: tuple[Call, ...]
    live: LiveCheck
    notes_topic: str = ""

    @property
    def is_blocked(self) -> bool:
        """Whether something stands in the way of the export."""
        return not self.calls

    @property
    def way_out(self) -> Fixer | None:
        """Who mends what blocks; None if nothing does. Before the project has, nothing else helps."""
        fixers = {finding.fixer for finding in preflight.blocking(self.findings)}
        return next((fixer for fixer in WAYS_OUT if fixer in fixers), None)


def of(submission: Submission, *, erp_id: str | None = None, note: str = "") -> Preview:
    """Look at a submission as the export would, under the proposed ERP ID or another one.

    At most twelve queries. Not to be called inside a transaction: it may wait for Spectrum.
    """
    basis = preflight.basis_of(submission.document)
    wanted = preflight.proposed_erp_id(basis) if erp_id is None else erp_id
    found = preflight.findings(basis, moment=preflight.Moment.EXPORT, erp_id=wanted, note=note)
    live, said = _asked(submission, basis, wanted)
    found = preflight.by_severity([*said, *found])
    calls = () if preflight.blocking(found) else preflight.plan(basis, erp_id=wanted, note=note)
    return Preview(
        erp_id=wanted,
        seen_hash=basis.hash,
        findings=found,
        calls=calls,
        live=live,
        notes_topic=basis.connection.notes_topic if basis.connection else "",
    )


def is_refused_now(submission: Submission, *, erp_id: str) -> bool:
    """Whether Spectrum says, now, that something stands in the way of the export.

    That is somebody else's record under the ERP ID, or a phase that it closed since its lists were
    read. Not to be called inside a transaction either. Nothing is asked where nothing can be read back.
    """
    if not submission.connection.reads_back:
        return False
    _, said = _asked(submission, preflight.basis_of(submission.document), erp_id)
    return bool(preflight.blocking(said))


def _asked(submission: Submission, basis: preflight.Basis, erp_id: str) -> tuple[LiveCheck, list[Finding]]:
    """What Spectrum says of the ERP ID, and all that stands in the way by its own word."""
    live = live_checks.of_key(submission, basis, erp_id)
    said = [live.finding] if live.finding else []
    if live.state is not KeyState.CANNOT_TELL:  # whoever does not answer is not waited for twice
        said += live_checks.of_phases(basis)
    return live, said
