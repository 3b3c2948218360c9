"""An ERP that only lists things, and lists what a test says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from erp_integrations.adapters.base import (
    JobRecord,
    PhaseRecord,
    PhaseStatus,
    Rows,
    Unauthorised,
    Unavailable,
    VendorRecord,
    VendorStatus,
)
from erp_integrations.master_data import syncing

Answer = Rows[Any] | Unauthorised | Unavailable


def vendors(*codes: str, inactive: tuple[str, ...] = ()) -> Rows[VendorRecord]:
    statuses = dict.fromkeys(codes, VendorStatus.ACTIVE) | dict.fromkeys(inactive, VendorStatus.INACTIVE)
    return Rows(tuple(VendorRecord(code, f"{code} Inc.", status) for code, status in statuses.items()))


def jobs(*numbers: str) -> Rows[JobRecord]:
    return Rows(tuple(JobRecord(number, f"Job {number}") for number in numbers))


def phases(*codes: str, cost_type: str = "S", status: PhaseStatus = PhaseStatus.ACTIVE) -> Rows[PhaseRecord]:
    return Rows(tuple(PhaseRecord(code, cost_type, f"Phase {code}", status) for code in codes))


@dataclass
class Lists:
    """Answers as it is told. ``asked`` are the questions, in order; ``meanwhile`` runs before each answer."""

    vendor_list: Answer = field(default_factory=lambda: vendors("ACME", "BOLT"))
    job_list: Answer = field(default_factory=lambda: jobs("24-001", "24-002"))
    phase_lists: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def list_vendors(self) -> Answer:
        return self._answer("vendors", self.vendor_list)

    def list_jobs(self) -> Answer:
        return self._answer("jobs", self.job_list)

    def list_phases(self, job_number: str) -> Answer:
        return self._answer(f"phases {job_number}", self.phase_lists.get(job_number, phases("0330000")))

    def _answer(self, question: str, answer: Answer) -> Answer:
        self.asked.append(question)
        self.meanwhile()
        return answer

    def stand_in(self, monkeypatch: pytest.MonkeyPatch) -> "Lists":
        """For the adapter of every connection."""
        monkeypatch.setattr(syncing, "build_reading_adapter", lambda connection: self)
        return self
