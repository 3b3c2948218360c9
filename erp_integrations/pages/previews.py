"""What Spectrum would store if it were accepted now, and what stands in the way."""

from collections.abc import Collection
from dataclasses import dataclass, field

from erp_integrations.adapters.base import Call, Finding, Fixer, Masters, MovedRecord, StoredRecord
from erp_integrations.checks import preflight
from erp_integrations.confirmations import waiting
from erp_integrations.confirmations.waiting import Waiting
from erp_integrations.exports import existing_record
from erp_integrations.exports.existing_record import StandingRecord
from erp_integrations.models import Connection, Submission
from erp_integrations.pages import live_checks
from erp_integrations.pages.live_checks import KeyState, LiveCheck

WAYS_OUT = (Fixer.PROJECT, Fixer.ERP_ADMIN, Fixer.APPROVER)


@dataclass(frozen=True, slots=True)
class Preview:
    """``calls`` is every element of every call; empty when something blocks. ``notes_topic`` is where
    the approver's note goes in the ERP; blank: it does not.

    ``seen_hash`` is what an acceptance of exactly this must carry; ``live`` is what Spectrum said
    just now, which counts as a finding too and is no part of the hash. ``adoptable`` is what stands
    in Spectrum where it can be accepted without writing it, and ``standing_calls`` what that would accept.
    ``goes_to`` is where the links lead, ``changes`` what of that waits for a second person, and
    ``asks_for_number`` that a number was typed of which only a person can say that it is free.
    """

    erp_id: str
    seen_hash: str
    findings: list[Finding]
    calls: tuple[Call, ...]
    live: LiveCheck
    notes_topic: str = ""
    adoptable: StandingRecord | None = None
    standing_calls: tuple[Call, ...] = ()
    goes_to: Masters = field(default_factory=Masters)
    connection: Connection | None = None
    changes: list[Waiting] = field(default_factory=list)
    asks_for_number: bool = False

    @property
    def is_blocked(self) -> bool:
        return not self.calls

    @property
    def way_out(self) -> Fixer | None:
        """Who mends what blocks; None if nothing does. Before the project has, nothing else helps."""
        fixers = {finding.fixer for finding in preflight.blocking(self.findings)}
        return next((fixer for fixer in WAYS_OUT if fixer in fixers), None)


def of(
    submission: Submission, *, erp_id: str | None = None, note: str = "", ticked: Collection[str] = ()
) -> Preview:
    """Look at a submission as the export would, under the proposed ERP ID or another one.

    ``ticked`` are records elsewhere that the person says are others. At most thirteen queries. Not to be
    called inside a transaction: it may wait for Spectrum.
    """
    basis = preflight.basis_of(submission.document)
    wanted = preflight.proposed_erp_id(basis) if erp_id is None else erp_id
    found = preflight.findings(basis, moment=preflight.Moment.EXPORT, erp_id=wanted, note=note)
    planned = () if preflight.blocking(found) else preflight.plan(basis, erp_id=wanted, note=note)
    live, said = _asked(submission, basis, wanted, ticked)
    found = preflight.by_severity([*said, *found])
    standing = _adoptable(live, found)
    return Preview(
        erp_id=wanted,
        seen_hash=basis.hash,
        findings=found,
        calls=() if preflight.blocking(found) else planned,
        live=live,
        notes_topic=basis.connection.notes_topic if basis.connection else "",
        adoptable=standing,
        standing_calls=planned if standing else (),
        goes_to=basis.masters,
        connection=basis.connection,
        changes=waiting.of_document(basis.document),
        asks_for_number=preflight.is_typed_unseen(basis, wanted),
    )


def standing_of(submission: Submission) -> StandingRecord | None:
    """What Spectrum holds now where it would be written; None: nothing, or nobody can tell in time."""
    adapter, key, calls = existing_record.planned(submission)
    found = live_checks.ask(lambda: adapter.find(key)) if adapter.reads_back and calls else None
    return existing_record.compare(adapter, key, calls, found) if isinstance(found, StoredRecord) else None


def ask_now(
    submission: Submission, *, erp_id: str, ticked: Collection[str] = ()
) -> tuple[bool, list[MovedRecord]]:
    """Whether Spectrum says, now, that something stands in the way; and the records that are ticked off.

    That is somebody else's record under the ERP ID, its own under another key, or a vendor, job or phase
    that was closed since the lists were read. Not to be called inside a transaction either. Nothing is
    asked where nothing can be read back.
    """
    if not submission.connection.reads_back:
        return False, []
    live, said = _asked(submission, preflight.basis_of(submission.document), erp_id, ticked)
    return bool(preflight.blocking(said)), [each for each in live.moved if each.fingerprint in ticked]


def _adoptable(live: LiveCheck, found: list[Finding]) -> StandingRecord | None:
    """What stands there, where nothing else is in the way and writing it again would be needless or wrong."""
    standing = live.standing
    if standing is None or preflight.blocking([each for each in found if each != live.finding]):
        return None
    known = live.state is KeyState.OURS
    return standing if standing.is_whole or (standing.can_be_adopted and not known) else None


def _asked(
    submission: Submission, basis: preflight.Basis, erp_id: str, ticked: Collection[str]
) -> tuple[LiveCheck, list[Finding]]:
    """What Spectrum says of the ERP ID, and all that stands in the way by its own word."""
    live = live_checks.of_key(submission, basis, erp_id, ticked)
    said = [live.finding] if live.finding else []
    if live.state is not KeyState.CANNOT_TELL:  # whoever does not answer is not waited for twice
        said += live_checks.of_masters(basis)
    return live, said
