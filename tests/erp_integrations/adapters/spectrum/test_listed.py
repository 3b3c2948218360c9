"""Master data against a commitment: refused things block, things with information warn."""

from dataclasses import replace
from typing import Any

import pytest

from erp_integrations.adapters.base import (
    ErpReferences,
    Issue,
    PhaseRecord,
    PhaseStatus,
    ReferenceStatus,
    ResponsibleParty,
    Severity,
)
from erp_integrations.adapters.spectrum import SpectrumAdapter, SpectrumSettings
from erp_integrations.snapshots import Document
from tests.erp_integrations.adapters.examples import DOCUMENT, LINE, LUMP_SUM, MASTERS, with_line, with_lines

ADAPTER = SpectrumAdapter(
    SpectrumSettings(
        "http://127.0.0.1:1",
        "PHL",
        "authorization",
        unit_price_codes=frozenset({"U"}),
        job_price_codes=frozenset({"J"}),
    )
)

# The phases of LINE and LUMP_SUM.
CONCRETE = PhaseRecord("0330000", "S", "Concrete", PhaseStatus.ACTIVE, price_method="J")
PAINTING = PhaseRecord("0990000", "S", "Painting", PhaseStatus.ACTIVE, price_method="J")
ALL_WELL = replace(
    MASTERS,
    vendor=ReferenceStatus.ACTIVE,
    job=ReferenceStatus.ACTIVE,
    phases=(CONCRETE, PAINTING),
    job_price_method="U",
)


def found(document: Document = DOCUMENT, **changes: Any) -> list[Issue]:
    return ADAPTER.check_references(document, replace(ALL_WELL, **changes))


def only(document: Document = DOCUMENT, **changes: Any) -> Issue:
    (finding,) = found(document, **changes)
    assert finding.sentence.endswith(".")
    assert finding.action.endswith(".")
    return finding


def test_where_all_is_active_there_is_nothing_to_say() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("state", "code", "severity"),
    [
        (ReferenceStatus.ABSENT, "vendor-unknown", Severity.BLOCKING),
        (ReferenceStatus.CLOSED, "vendor-not-used", Severity.BLOCKING),
        (ReferenceStatus.INACTIVE, "vendor-inactive", Severity.WARNING),
        (ReferenceStatus.NOT_AMONG_ACTIVE, "vendor-not-among-active", Severity.WARNING),
    ],
)
def test_a_vendor_that_spectrum_refuses_blocks_and_one_that_it_takes_warns(
    state: ReferenceStatus, code: str, severity: Severity
) -> None:
    finding = only(vendor=state)
    assert (finding.code, finding.severity) == (code, severity)
    assert (finding.field, finding.responsible_party) == ("Contract Company", ResponsibleParty.ERP_ADMIN)
    assert "DELRIV" in finding.sentence


def test_a_job_that_spectrum_does_not_have_blocks_and_its_phases_are_not_asked_for() -> None:
    finding = only(job=ReferenceStatus.ABSENT, phases=None)
    assert (finding.code, finding.severity) == ("job-unknown", Severity.BLOCKING)
    assert "2026-014" in finding.sentence
    assert only(job=ReferenceStatus.INACTIVE).severity is Severity.WARNING


def test_a_complete_job_blocks() -> None:
    finding = only(job=ReferenceStatus.CLOSED)
    assert (finding.code, finding.severity) == ("job-complete", Severity.BLOCKING)


def test_a_line_on_no_phase_of_the_job_blocks() -> None:
    finding = only(phases=(CONCRETE,))
    assert (finding.code, finding.severity) == ("line-cost-code-unknown", Severity.BLOCKING)
    assert (finding.field, finding.responsible_party) == ("Line 2, cost code", ResponsibleParty.PROJECT)
    assert "09-900-00 is not a phase of job 2026-014" in finding.sentence


def test_a_cost_type_that_the_phase_does_not_have_blocks_and_says_which_it_has() -> None:
    others = (replace(PAINTING, cost_type="L"), replace(PAINTING, cost_type="M"))
    finding = only(phases=(CONCRETE, *others))
    assert (finding.code, finding.severity) == ("line-cost-type-unknown", Severity.BLOCKING)
    assert finding.field == "Line 2, cost type"
    assert "it has L and M" in finding.sentence


def test_a_complete_phase_blocks_and_an_inactive_one_warns() -> None:
    complete = only(phases=(CONCRETE, replace(PAINTING, status=PhaseStatus.COMPLETE)))
    assert (complete.code, complete.severity) == ("line-phase-complete", Severity.BLOCKING)
    inactive = only(phases=(CONCRETE, replace(PAINTING, status=PhaseStatus.INACTIVE)))
    assert (inactive.code, inactive.severity) == ("line-phase-inactive", Severity.WARNING)
    assert inactive.field == complete.field == "Line 2, cost code"


def test_the_status_is_that_of_the_lines_own_cost_type() -> None:
    other = replace(PAINTING, cost_type="M", status=PhaseStatus.COMPLETE)
    assert found(phases=(CONCRETE, PAINTING, other)) == []


def test_codes_are_compared_without_dashes_padding_and_case() -> None:
    listed = replace(CONCRETE, code="AB3300 ", cost_type=" s ")
    assert found(with_line(cost_code=" ab-33-00", cost_type="S"), phases=(listed,)) == []


def test_lines_with_the_same_trouble_share_a_finding() -> None:
    document = with_lines(LINE, LUMP_SUM, LUMP_SUM, LUMP_SUM)
    assert only(document, phases=(CONCRETE,)).field == "Lines 2, 3 and 4, cost code"


def test_of_a_thousand_lines_each_is_looked_at() -> None:
    lines = [replace(LINE, cost_code=f"10-{number:04}") for number in range(1000)]
    phases = tuple(replace(CONCRETE, code=f"10{number:04}") for number in range(999))
    assert only(with_lines(*lines), phases=phases).field == "Line 1000, cost code"


def test_a_line_without_cost_code_or_cost_type_has_its_finding_elsewhere() -> None:
    assert found(with_line(cost_code=" - ")) == []
    assert found(with_line(cost_type="")) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"vendor": ReferenceStatus.NOT_READ, "job": ReferenceStatus.NOT_READ, "phases": None},
            "the vendor, the job and the cost codes",
        ),
        ({"vendor": ReferenceStatus.NOT_READ}, "the vendor"),
        ({"phases": None}, "the cost codes"),
    ],
)
def test_what_was_never_read_is_one_finding_that_blocks_nothing(changes: dict[str, Any], told: str) -> None:
    finding = only(**changes)
    assert (finding.code, finding.severity) == ("masters-not-read", Severity.CANNOT_CHECK)
    assert f"Whether Spectrum knows {told} can't be checked now" in finding.sentence


def test_without_links_nothing_is_asked_of_the_lists() -> None:
    assert ADAPTER.check_references(DOCUMENT, ErpReferences()) == []
