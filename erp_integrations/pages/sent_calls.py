"""The fate of each call of an export, ready to be read."""

from dataclasses import dataclass
from datetime import datetime

from commitments.models import STATUSES, Kind
from erp_integrations.adapters.base import Call
from erp_integrations.adapters.registry import to_call
from erp_integrations.models import CallState, ExportJob, WireAttempt
from erp_integrations.snapshots import Document


@dataclass(frozen=True, slots=True)
class SentCall:
    """One accepted call, and what became of it; the newest attempt first."""

    call: Call
    state: str
    attempts: list[WireAttempt]
    not_found_at: datetime | None = None

    @property
    def at(self) -> datetime | None:
        """When the newest attempt began."""
        return self.attempts[0].started_at if self.attempts else None

    @property
    def reason(self) -> str:
        """The last word of Spectrum, or of the wire."""
        if not self.attempts and self.state == CallState.WRITTEN.label:
            return "It was in Spectrum already. Nothing was sent from here."
        return self.attempts[0].reason if self.attempts else ""

    @property
    def reply(self) -> str:
        """The last reply, secrets removed; only where it was no plain yes."""
        return self.attempts[0].reply if self.attempts and self.state != CallState.WRITTEN.label else ""


def list_accepted_calls(job: ExportJob) -> list[Call]:
    """As it is stored. One query."""
    return [to_call(call) for call in job.list_current_calls()]


def list_sent_calls(job: ExportJob | None) -> list[SentCall]:
    """The calls that were accepted, in order, and their attempts. Two queries."""
    stored = job.list_current_calls().prefetch_related("wire_attempts") if job else ()
    return [
        SentCall(
            to_call(call),
            call.get_state_display(),
            sorted(call.wire_attempts.all(), key=lambda attempt: attempt.attempt, reverse=True),
            call.not_found_at if call.state == CallState.NOT_FOUND else None,
        )
        for call in stored
    ]


def get_status_label(document: Document) -> str:
    """The commitment's status when it was sent, in words."""
    return str(STATUSES[Kind(document.kind)](document.status).label)
