"""What only Spectrum itself can tell, asked while a person waits: whether the ERP ID is free there,
and whether vendor, job and the lines' phases are still as its lists were read.

Never called inside a transaction: a database that hangs must hold no lock of ours. The worker looks
again before it writes, and that look decides; this one tells the person before they decide.
"""

import logging
import queue
import threading
from collections.abc import Callable
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
    Severity,
    StoredRecord,
)
from erp_integrations.connections.adapting import adapter_for
from erp_integrations.delivery import ledger
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
    """``sentence`` says it where all is well; ``finding`` where it is not."""

    state: KeyState
    sentence: str = ""
    finding: Finding | None = None


def of_key(submission: Submission, basis: preflight.Basis, erp_id: str) -> LiveCheck:
    """Ask for the record that an export would write to; at most LIVE_CHECK_SECONDS. One query."""
    adapter = adapter_for(basis.connection)
    if not (adapter.reads_back and basis.masters.vendor_code.strip() and erp_id.strip()):
        return LiveCheck(KeyState.NOT_ASKED)
    key = adapter.key(basis.masters, erp_id)
    match _ask(lambda: adapter.find(key)):
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
            if ledger.may_have_written(job):
                return LiveCheck(
                    KeyState.OURS, f"What Spectrum holds under {key.erp_id} of this vendor came from here."
                )
            return LiveCheck(KeyState.TAKEN, finding=_taken(key, record))


def of_masters(basis: preflight.Basis) -> list[Finding]:
    """What stands against vendor, job and lines now and did not when Spectrum's lists were read. No query.

    At most LIVE_CHECK_SECONDS; where nobody answers, what was read last stands.
    """
    adapter, links = adapter_for(basis.connection), basis.masters
    if not (adapter.reads_back and links.job_number.strip() and links.vendor_code.strip()):
        return []
    match _ask(lambda: adapter.as_of_now(links)):
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


def _ask(question: Callable[[], Answer]) -> Answer | CannotTell:
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


def _taken(key: Key, record: StoredRecord) -> Finding:
    count = len(record.lines)
    return Finding(
        "erp-id-in-spectrum",
        Severity.BLOCKING,
        f"Spectrum already holds subcontract {key.erp_id} of vendor {key.vendor_code}, which was not made "
        f"here: job {record.header.get('Job_Number', '')}, {count} {'line' if count == 1 else 'lines'}, "
        f"amount {record.header.get('Original_Amount', '')}. It would be overwritten.",
        "ERP ID",
        "Choose another ERP ID in the Accept box.",
        Fixer.APPROVER,
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
