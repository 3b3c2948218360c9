"""What only Spectrum itself can tell, asked while a person waits: whether the ERP ID is free there,
and whether the lines' phases are still as its lists were read.

Never called inside a transaction: a database that hangs must hold no lock of ours. The worker looks
again before it writes, and that look decides; this one tells the person before they decide.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from django.conf import settings

from erp_integrations.adapters.base import (
    Absent,
    Call,
    CannotTell,
    Finding,
    Fixer,
    Key,
    Rows,
    Severity,
    StoredRecord,
)
from erp_integrations.connections.adapting import adapter_for
from erp_integrations.delivery import ledger, standing_record
from erp_integrations.delivery.standing_record import StandingRecord
from erp_integrations.findings import preflight
from erp_integrations.models import ExportJob, Submission

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

AT_ONCE = 8  # questions of one process that may hang; more are not asked
_places = threading.BoundedSemaphore(AT_ONCE)


class KeyState(StrEnum):
    """Whose the record is that Spectrum holds under a key."""

    NOT_ASKED = "not_asked"
    FREE = "free"
    OURS = "ours"
    TAKEN = "taken"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class LiveCheck:
    """``sentence`` says it where all is well; ``finding`` where it is not; ``standing`` is what is there."""

    state: KeyState
    sentence: str = ""
    finding: Finding | None = None
    standing: StandingRecord | None = None


def of_key(
    submission: Submission, basis: preflight.Basis, erp_id: str, calls: Sequence[Call] = ()
) -> LiveCheck:
    """Ask for the record that an export would write to; at most LIVE_CHECK_SECONDS. One query.

    ``calls`` is what would be written, with which it is compared; none where something blocks that.
    """
    adapter = adapter_for(basis.connection)
    if not (adapter.reads_back and basis.masters.vendor_code.strip() and erp_id.strip()):
        return LiveCheck(KeyState.NOT_ASKED)
    key = adapter.key(basis.masters, erp_id)
    match ask(lambda: adapter.find(key)):
        case Absent():
            return LiveCheck(KeyState.FREE, f"Spectrum holds nothing under {key.erp_id} of this vendor.")
        case CannotTell(reason=reason):
            return LiveCheck(KeyState.CANNOT_TELL, finding=_not_checked(key, reason))
        case StoredRecord() as record:
            job = ExportJob(
                submission=submission,
                connection=basis.connection,
                vendor_code=key.vendor_code,
                erp_id=key.erp_id,
            )
            standing = standing_record.compare(adapter, key, calls, record)
            if ledger.may_have_written(job):
                came = f"What Spectrum holds under {key.erp_id} of this vendor came from here."
                return LiveCheck(KeyState.OURS, came, standing=standing)
            return LiveCheck(KeyState.TAKEN, finding=_taken(standing), standing=standing)


def of_phases(basis: preflight.Basis) -> list[Finding]:
    """What stands against the lines now and did not when Spectrum's lists were read. No query.

    At most LIVE_CHECK_SECONDS; where nobody answers, what was read last stands.
    """
    adapter, job_number = adapter_for(basis.connection), basis.masters.job_number.strip()
    if not (adapter.reads_back and job_number and basis.document.lines):
        return []
    match ask(lambda: adapter.phases(job_number)):
        case Rows(rows=rows):
            now = replace(basis.masters, phases=rows)
            known = adapter.check_masters(basis.document, basis.masters)
            return [
                finding
                for finding in adapter.check_masters(basis.document, now)
                if finding not in known and finding.severity is not Severity.CANNOT_CHECK
            ]
        case CannotTell(reason=reason):
            return [
                Finding(
                    "phases-not-checked",
                    Severity.CANNOT_CHECK,
                    f"Whether Spectrum still takes these cost codes can't be checked now. {reason}",
                    "Schedule of Values",
                    "You can go on: they are as Spectrum's lists were last read.",
                    Fixer.APPROVER,
                )
            ]
    return []


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


def _taken(standing: StandingRecord) -> Finding:
    return Finding(
        standing.code, Severity.BLOCKING, standing.sentence, "ERP ID", standing.advice, Fixer.APPROVER
    )


def _not_checked(key: Key, reason: str) -> Finding:
    return Finding(
        "erp-id-not-checked",
        Severity.CANNOT_CHECK,
        f"Whether Spectrum already holds something under {key.erp_id} can't be checked now. {reason}",
        "ERP ID",
        "You can go on: the worker looks again before it writes, and waits until it can.",
        Fixer.APPROVER,
    )
