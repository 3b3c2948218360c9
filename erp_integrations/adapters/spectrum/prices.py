"""Spectrum keeps a line's unit cost and quantity, or its amount alone.

On a fixed-price job it keeps amounts alone. On a unit-price job it keeps unit costs where the phase's
price method is unit price or that of the job, and the unit of measure is none of a fixed price; which
codes mean these is not published, so it is a setting. Source: docs/spectrum.md, section 3.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from erp_integrations.adapters.base import ErpReferences, PhaseRecord, get_comparable_unit
from erp_integrations.adapters.spectrum.phase_codes import get_comparable_phase
from erp_integrations.adapters.spectrum.settings import SpectrumSettings
from erp_integrations.snapshots import LineItem

NO_CODE = "BLANK"
"""How a list, and the settings, name a record without a code."""


class PriceBasis(StrEnum):
    """The part of a line's money that Spectrum keeps."""

    UNIT_PRICE = "unit price"
    FIXED = "fixed price"
    UNKNOWN = "unknown"


def get_basis_by_code(code: str, unit_price_codes: Collection[str]) -> PriceBasis:
    """Blank is a price method that is in no list, and a record without a code says
    something only where the setting names that."""
    code = code.strip().upper()
    if code in unit_price_codes:
        return PriceBasis.UNIT_PRICE
    return PriceBasis.FIXED if code and code != NO_CODE else PriceBasis.UNKNOWN


def merge_price_bases(job: PriceBasis, phase: PriceBasis, *, unit_is_fixed: bool) -> PriceBasis:
    """One of the three that is a fixed price decides; else all must be known."""
    if unit_is_fixed or PriceBasis.FIXED in (job, phase):
        return PriceBasis.FIXED
    return PriceBasis.UNIT_PRICE if job is phase is PriceBasis.UNIT_PRICE else PriceBasis.UNKNOWN


def get_line_unit(line: LineItem, references: ErpReferences) -> str:
    """A line's unit as it is sent: as somebody linked it, or else as it was entered."""
    return references.units.get(get_comparable_unit(line.unit_of_measure), line.unit_of_measure.strip())


@dataclass(frozen=True)
class Prices:
    """The price bases of one document's lines."""

    references: ErpReferences
    settings: SpectrumSettings

    @property
    def job_basis(self) -> PriceBasis:
        codes = self.settings.unit_price_codes
        return get_basis_by_code(self.references.job_price_method, codes) if codes else PriceBasis.UNKNOWN

    def get_basis(self, line: LineItem) -> PriceBasis:
        unit_is_fixed = self.get_erp_unit(line) in self.settings.fixed_price_units
        return merge_price_bases(self.job_basis, self.get_phase_basis(line), unit_is_fixed=unit_is_fixed)

    def get_erp_unit(self, line: LineItem) -> str:
        """The line's unit as Spectrum has it: its own, or else the phase's."""
        phase = self.find_phase(line)
        unit = get_line_unit(line, self.references) or (phase.unit_of_measure if phase else "")
        return unit.strip().upper()

    def describe_fixed_price(self, line: LineItem) -> str:
        """Why the amount alone is kept, in words after "because"; blank where it is not, or nobody knows."""
        if self.get_erp_unit(line) in self.settings.fixed_price_units:
            return (
                f"in Spectrum the unit {line.unit_of_measure.strip() or self.get_erp_unit(line)} "
                "has a fixed price"
            )
        if self.job_basis is PriceBasis.FIXED:
            return f"job {self.references.job_number.strip()} has a fixed price in Spectrum"
        if self.get_phase_basis(line) is PriceBasis.FIXED:
            return f"in Spectrum the phase of {line.cost_code.strip()} has a fixed price"
        return ""

    def get_phase_basis(self, line: LineItem) -> PriceBasis:
        phase = self.find_phase(line)
        codes = self.settings.unit_price_codes | self.settings.job_price_codes
        if phase is None or not self.settings.unit_price_codes:
            return PriceBasis.UNKNOWN
        return get_basis_by_code(phase.price_method, codes)

    def find_phase(self, line: LineItem) -> PhaseRecord | None:
        """The job's phase that the line is on, with its cost type; None where the lists have none."""
        return self.phases_by_key.get((get_comparable_phase(line.cost_code), line.cost_type.strip().upper()))

    @cached_property
    def phases_by_key(self) -> Mapping[tuple[str, str], PhaseRecord]:
        phases = self.references.phases or ()
        return {
            (get_comparable_phase(phase.code), phase.cost_type.strip().upper()): phase for phase in phases
        }
