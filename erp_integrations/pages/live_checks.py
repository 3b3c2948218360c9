"""Questions that only Spectrum itself can answer, while a person waits: whether the ERP ID is free there,
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
    ErpReferences,
    Issue,
    Key,
    MovedRecord,
    NotFound,
    ResponsibleParty,
    Severity,
    StoredRecord,
    Unavailable,
)
from erp_integrations.checks import moved_records
from erp_integrations.checks.approval_basis import ApprovalBasis
from erp_integrations.exports import existing_record, ledger
from erp_integrations.exports.existing_record import ExistingRecord
from erp_integrations.models import ExportJob, Submission

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

MAX_CONCURRENT = 8  # questions of one process that may hang; more are not asked
_slots = threading.BoundedSemaphore(MAX_CONCURRENT)

NOT_CHECKED = (
    "This connection has no read-back, so the ERP ID was not checked in Spectrum. It may already be there, "
    "under this or another vendor and number."
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
    """``sentence`` says it where all is well; ``issue`` where it is not; ``existing_record`` is what is
    there.

    ``moved`` are records that may be the commitment's own under other keys, ticked off or not.
    """

    state: KeyState
    sentence: str = ""
    issue: Issue | None = None
    existing_record: ExistingRecord | None = None
    moved: tuple[MovedRecord, ...] = ()


def check_erp_id(
    submission: Submission, basis: ApprovalBasis, erp_id: str, ticked: Collection[str] = ()
) -> LiveCheck:
    """Ask for the record that an export would write to, and where that is absent, whether the job and the
    lines stand elsewhere; at most LIVE_CHECK_SECONDS. Two queries.

    ``ticked`` are the fingerprints of the records that the person says are others.
    """
    adapter = basis.adapter
    if not (basis.connection and basis.references.vendor_code.strip() and erp_id.strip()):
        return LiveCheck(KeyState.NOT_ASKED)
    if not adapter.has_read_back:
        return LiveCheck(KeyState.NOT_ASKED, NOT_CHECKED)
    key = basis.get_key(erp_id)
    try:
        plan = basis.build_calls(erp_id=erp_id)
    except ValueError:
        plan = ()  # a finding says what is wrong with a number
    job = ExportJob(
        submission=submission, connection=basis.connection, vendor_code=key.vendor_code, erp_id=key.erp_id
    )

    def find_record() -> StoredRecord | Unavailable | Sequence[tuple[MovedRecord, ...]]:
        found = adapter.find_record(key)
        return adapter.find_moved_records([plan] if plan else []) if isinstance(found, NotFound) else found

    match fetch_in_time(find_record):
        case Unavailable(reason=reason):
            issue = Issue(
                "erp-id-not-checked",
                Severity.CANNOT_CHECK,
                f"Whether {key.erp_id} is free in Spectrum can't be checked now. {reason}",
                "ERP ID",
                "You can continue: the export checks again before writing, and waits until it can.",
                ResponsibleParty.APPROVER,
            )
            return LiveCheck(KeyState.CANNOT_TELL, issue=issue)
        case StoredRecord() as record:
            existing = existing_record.compare_record(adapter, key, plan, record)
            if existing.is_ours and ledger.has_possible_write_under_key(job):
                sentence = f"This vendor's subcontract {key.erp_id} in Spectrum was exported from here."
                return LiveCheck(KeyState.OURS, sentence, existing_record=existing)
            texts = (existing.sentence, "ERP ID", existing.advice)
            taken = Issue(existing.code, Severity.BLOCKING, *texts, ResponsibleParty.APPROVER)
            return LiveCheck(KeyState.TAKEN, issue=taken, existing_record=existing)
        case seen:
            moved = moved_records.list_unexplained(basis.connection, [(job, plan)] if plan else [], seen)
            return check_elsewhere(key, moved[0] if moved else (), ticked)


def check_elsewhere(key: Key, moved: tuple[MovedRecord, ...], ticked: Collection[str]) -> LiveCheck:
    """Nothing is under the key; whether it is somewhere else."""
    undismissed = [record for record in moved if record.fingerprint not in ticked]
    if not undismissed:
        sentence = f"{key.erp_id}: free in Spectrum for this vendor."
        return LiveCheck(KeyState.FREE, sentence, moved=moved)
    issue = Issue(
        "record-elsewhere",
        Severity.BLOCKING,
        f"Spectrum {'already has' if undismissed[0].is_certain else 'may already have'} it as "
        f"{'; or '.join(record.sentence for record in undismissed)}. It would be there twice.",
        "ERP ID",
        "Check in Spectrum whose record it is. If it is this one, don't export it. If not, tick it "
        "below and say how you know.",
        ResponsibleParty.APPROVER,
    )
    return LiveCheck(KeyState.ELSEWHERE, issue=issue, moved=moved)


def check_references(basis: ApprovalBasis) -> list[Issue]:
    """Issues with vendor, job and lines that were none when master data was last synced. No query.

    At most LIVE_CHECK_SECONDS; where nobody answers, what was read last stands.
    """
    adapter, references = basis.adapter, basis.references
    if not (adapter.has_read_back and references.job_number.strip() and references.vendor_code.strip()):
        return []
    match fetch_in_time(lambda: adapter.read_current_references(references)):
        case ErpReferences() as now:
            expected = adapter.check_references(basis.document, basis.references)
            return [
                issue
                for issue in adapter.check_references(basis.document, now)
                if issue not in expected and issue.severity is not Severity.CANNOT_CHECK
            ]
        case Unavailable(reason=reason):
            return [
                Issue(
                    "masters-not-checked",
                    Severity.CANNOT_CHECK,
                    "Whether this vendor, job and these cost codes are still open in Spectrum can't be "
                    f"checked now. {reason}",
                    "Spectrum",
                    "You can continue: they were valid when master data was last synced.",
                    ResponsibleParty.APPROVER,
                )
            ]


def fetch_in_time(question: Callable[[], Answer]) -> Answer | Unavailable:
    """In a thread, because a driver's own time-outs don't add up to a bound."""
    if not _slots.acquire(blocking=False):
        return Unavailable("Spectrum's read-only database is slow at the moment.")
    answers: queue.SimpleQueue[Answer | Unavailable] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put(question())
        except Exception:
            logger.exception("A live check broke down")
            answers.put(Unavailable("Ledgergate stopped with an error. See its log."))
        finally:
            _slots.release()

    threading.Thread(target=run, name="live check", daemon=True).start()
    seconds = settings.LIVE_CHECK_SECONDS
    try:
        return answers.get(timeout=seconds)
    except queue.Empty:
        return Unavailable(f"Spectrum's read-only database did not answer within {seconds:g} seconds.")
