"""What only Spectrum itself can tell, asked while a person waits: whether the ERP ID is free there,
and whether vendor, job and the lines' phases are still as its lists were read.

Never called inside a transaction: a database that hangs must hold no lock of ours. The worker looks
again before it writes, and that look decides; this one tells the person before they decide.
"""

import logging
import queue
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from django.conf import settings

from erp_integrations.adapters.base import (
    Absent,
    CannotTell,
    Finding,
    Fixer,
    Key,
    Masters,
    MovedRecord,
    Severity,
    StoredRecord,
)
from erp_integrations.adapters.registry import adapter_for
from erp_integrations.checks import other_records, preflight
from erp_integrations.exports import existing_record, ledger
from erp_integrations.exports.existing_record import StandingRecord
from erp_integrations.models import ExportJob, Submission

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

AT_ONCE = 8  # questions of one process that may hang; more are not asked
_places = threading.BoundedSemaphore(AT_ONCE)

NOT_LOOKED_FOR = (
    "The ERP ID was not checked in Spectrum: this connection can't be read back. Whether Spectrum holds it "
    "already, under this or another vendor and number, was not looked for."
)


class KeyState(StrEnum):
    """Whose the record is that Spectrum holds under a key."""

    NOT_ASKED = "not_asked"
    FREE = "free"
    OURS = "ours"
    TAKEN = "taken"
    ELSEWHERE = "elsewhere"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class LiveCheck:
    """``sentence`` says it where all is well; ``finding`` where it is not; ``standing`` is what is there.

    ``moved`` are records that may be the commitment's own under other keys, ticked off or not.
    """

    state: KeyState
    sentence: str = ""
    finding: Finding | None = None
    standing: StandingRecord | None = None
    moved: tuple[MovedRecord, ...] = ()


def of_key(
    submission: Submission, basis: preflight.Basis, erp_id: str, ticked: Collection[str] = ()
) -> LiveCheck:
    """Ask for the record that an export would write to, and where that is absent, whether the job and the
    lines stand elsewhere; at most LIVE_CHECK_SECONDS. Two queries.

    ``ticked`` are the fingerprints of the records that the person says are others.
    """
    adapter = adapter_for(basis.connection)
    if not (basis.connection and basis.masters.vendor_code.strip() and erp_id.strip()):
        return LiveCheck(KeyState.NOT_ASKED)
    if not adapter.reads_back:
        return LiveCheck(KeyState.NOT_ASKED, NOT_LOOKED_FOR)
    key = adapter.key(basis.masters, erp_id)
    try:
        plan = preflight.plan(basis, erp_id=erp_id)
    except ValueError:
        plan = ()  # a finding says what is wrong with a number
    job = ExportJob(
        submission=submission, connection=basis.connection, vendor_code=key.vendor_code, erp_id=key.erp_id
    )

    def look() -> StoredRecord | CannotTell | Sequence[tuple[MovedRecord, ...]]:
        found = adapter.find(key)
        return adapter.find_elsewhere([plan] if plan else []) if isinstance(found, Absent) else found

    match ask(look):
        case CannotTell(reason=reason):
            return LiveCheck(KeyState.CANNOT_TELL, finding=_not_checked(key, reason))
        case StoredRecord() as record:
            standing = existing_record.compare(adapter, key, plan, record)
            if standing.is_ours and ledger.may_have_written(job):
                came = f"What Spectrum holds under {key.erp_id} of this vendor came from here."
                return LiveCheck(KeyState.OURS, came, standing=standing)
            words = (standing.sentence, "ERP ID", standing.advice)
            taken = Finding(standing.code, Severity.BLOCKING, *words, Fixer.APPROVER)
            return LiveCheck(KeyState.TAKEN, finding=taken, standing=standing)
        case seen:
            moved = other_records.ours(basis.connection, [(job, plan)] if plan else [], seen)
            return _free(key, moved[0] if moved else (), ticked)


def _free(key: Key, moved: tuple[MovedRecord, ...], ticked: Collection[str]) -> LiveCheck:
    """Nothing is under the key; whether it is somewhere else."""
    left = [record for record in moved if record.fingerprint not in ticked]
    if not left:
        sentence = f"Spectrum holds nothing under {key.erp_id} of this vendor."
        return LiveCheck(KeyState.FREE, sentence, moved=moved)
    finding = Finding(
        "record-elsewhere",
        Severity.BLOCKING,
        f"Spectrum {'already holds' if left[0].is_certain else 'may already hold'} it as "
        f"{'; or '.join(record.sentence for record in left)}. It would be there twice.",
        "ERP ID",
        "Look in Spectrum whose it is. If it is this one, don't export it. If it is another one, tick it "
        "below and say how you know.",
        Fixer.APPROVER,
    )
    return LiveCheck(KeyState.ELSEWHERE, finding=finding, moved=moved)


def of_masters(basis: preflight.Basis) -> list[Finding]:
    """What stands against vendor, job and lines now and did not when Spectrum's lists were read. No query.

    At most LIVE_CHECK_SECONDS; where nobody answers, what was read last stands.
    """
    adapter, links = adapter_for(basis.connection), basis.masters
    if not (adapter.reads_back and links.job_number.strip() and links.vendor_code.strip()):
        return []
    match ask(lambda: adapter.as_of_now(links)):
        case Masters() as now:
            known = adapter.check_masters(basis.document, basis.masters)
            return [
                finding
                for finding in adapter.check_masters(basis.document, now)
                if finding not in known and finding.severity is not Severity.CANNOT_CHECK
            ]
        case CannotTell(reason=reason):
            return [
                Finding(
                    "masters-not-checked",
                    Severity.CANNOT_CHECK,
                    "Whether Spectrum still takes this vendor, this job and these cost codes can't be "
                    f"checked now. {reason}",
                    "Spectrum",
                    "You can go on: they are as Spectrum's lists were last read.",
                    Fixer.APPROVER,
                )
            ]


def ask(question: Callable[[], Answer]) -> Answer | CannotTell:
    """In a thread, because a driver's own time-outs don't add up to a bound."""
    if not _places.acquire(blocking=False):
        return CannotTell("Spectrum's read-only database is slow at the moment.")
    answers: queue.SimpleQueue[Answer | CannotTell] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(question())
        except Exception:
            logger.exception("A live check broke down")
            answers.put(CannotTell("Ledgergate stopped with an error; its log says more."))
        finally:
            _places.release()

    threading.Thread(target=ask, name="live check", daemon=True).start()
    seconds = settings.LIVE_CHECK_SECONDS
    try:
        return answers.get(timeout=seconds)
    except queue.Empty:
        return CannotTell(f"Spectrum's read-only database did not answer within {seconds:g} seconds.")


def _not_checked(key: Key, reason: str) -> Finding:
    return Finding(
        "erp-id-not-checked",
        Severity.CANNOT_CHECK,
        f"Whether Spectrum already holds something under {key.erp_id} can't be checked now. {reason}",
        "ERP ID",
        "You can go on: the worker looks again before it writes, and waits until it can.",
        Fixer.APPROVER,
    )
