"""Whether Spectrum keeps a line's unit cost and quantity, or its amount alone.

On a fixed-price job it keeps amounts alone. On a unit-price job it keeps unit costs where the phase's
price method is unit price or that of the job, and the unit of measure is none of a fixed price; which
codes mean these is not published, so it is a setting. Source: docs/spectrum.md, section 3.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from erp_integrations.adapters.base import Masters, PhaseRecord, comparable_unit
from erp_integrations.adapters.spectrum.settings import SpectrumSettings
from erp_integrations.documents import LineItem

NO_CODE = "BLANK"
"""How a list, and the settings, name a record without a code."""


class Kept(StrEnum):
    """What of a line's money Spectrum keeps."""

    UNIT_PRICE = "unit price"
    FIXED = "fixed price"
    UNKNOWN = "unknown"


def by_code(code: str, unit_price_codes: Collection[str]) -> Kept:
    """What a price method means. Blank is one that no list told, and a record without a code says
    something only where the setting names that."""
    code = code.strip().upper()
    if code in unit_price_codes:
        return Kept.UNIT_PRICE
    return Kept.FIXED if code and code != NO_CODE else Kept.UNKNOWN


def kept(job: Kept, phase: Kept, *, unit_is_fixed: bool) -> Kept:
    """One of the three that is a fixed price decides; else all must be known."""
    if unit_is_fixed or Kept.FIXED in (job, phase):
        return Kept.FIXED
    return Kept.UNIT_PRICE if job is phase is Kept.UNIT_PRICE else Kept.UNKNOWN


def unit_of(line: LineItem, masters: Masters) -> str:
    """A line's unit as it is sent: as somebody linked it, or else as it was entered."""
    return masters.units.get(comparable_unit(line.unit_of_measure), line.unit_of_measure.strip())


def comparable_phase(cost_code: str) -> str:
    """The phase of a cost code as Spectrum compares it: without dashes and regard to case."""
    return cost_code.replace("-", "").strip().upper()


@dataclass(frozen=True)
class Prices:
    """What is kept of the lines of one document."""

    masters: Masters
    settings: SpectrumSettings

    @property
    def job(self) -> Kept:
        codes = self.settings.unit_price_codes
        return by_code(self.masters.job_price_method, codes) if codes else Kept.UNKNOWN

    def of(self, line: LineItem) -> Kept:
        unit_is_fixed = self.unit(line) in self.settings.fixed_price_units
        return kept(self.job, self._of_phase(line), unit_is_fixed=unit_is_fixed)

    def unit(self, line: LineItem) -> str:
        """The line's unit as Spectrum has it: its own, or else the phase's."""
        phase = self.phase(line)
        return (unit_of(line, self.masters) or (phase.unit_of_measure if phase else "")).strip().upper()

    def why_fixed(self, line: LineItem) -> str:
        """Why the amount alone is kept, in words after "because"; blank where it is not, or nobody knows."""
        if self.unit(line) in self.settings.fixed_price_units:
            return f"in Spectrum the unit {line.unit_of_measure.strip() or self.unit(line)} has a fixed price"
        if self.job is Kept.FIXED:
            return f"job {self.masters.job_number.strip()} has a fixed price in Spectrum"
        if self._of_phase(line) is Kept.FIXED:
            return f"in Spectrum the phase of {line.cost_code.strip()} has a fixed price"
        return ""

    def _of_phase(self, line: LineItem) -> Kept:
        phase = self.phase(line)
        codes = self.settings.unit_price_codes | self.settings.job_price_codes
        return (
            by_code(phase.price_method, codes) if phase and self.settings.unit_price_codes else Kept.UNKNOWN
        )

    def phase(self, line: LineItem) -> PhaseRecord | None:
        """The job's phase that the line is on, with its cost type; None where the lists have none."""
        return self._phases.get((comparable_phase(line.cost_code), line.cost_type.strip().upper()))

    @cached_property
    def _phases(self) -> Mapping[tuple[str, str], PhaseRecord]:
        phases = self.masters.phases or ()
        return {(phase.code.strip().upper(), phase.cost_type.strip().upper()): phase for phase in phases}
