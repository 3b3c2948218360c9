"""Spectrum keeps of a line's money what the price methods of its job and phase and its unit let it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from erp_integrations.adapters.base import ErpReferences, PhaseRecord, PhaseStatus, Severity
from erp_integrations.adapters.spectrum import SpectrumAdapter, SpectrumSettings
from erp_integrations.adapters.spectrum.prices import PriceBasis, Prices, get_basis_by_code, merge_price_bases
from tests.erp_integrations.adapters.examples import DOCUMENT, LINE, LUMP_SUM, MASTERS, with_line, with_lines

SETTINGS = SpectrumSettings(
    "http://127.0.0.1:1",
    "PHL",
    "authorization",
    unit_price_codes=frozenset({"U"}),
    job_price_codes=frozenset({"J", "BLANK"}),
)
ADAPTER = SpectrumAdapter(SETTINGS)
UNIT, FIXED, UNKNOWN = PriceBasis.UNIT_PRICE, PriceBasis.FIXED, PriceBasis.UNKNOWN


def masters(job: str, phase: str, unit: str = "") -> ErpReferences:
    record = PhaseRecord(
        "0330000", "S", "Concrete", PhaseStatus.ACTIVE, unit_of_measure=unit, price_method=phase
    )
    return replace(MASTERS, phases=(record, replace(record, code="0990000")), job_price_method=job)


@pytest.mark.parametrize("job", PriceBasis)
@pytest.mark.parametrize("phase", PriceBasis)
@pytest.mark.parametrize("unit_is_fixed", [True, False])
def test_one_fixed_price_decides_and_a_unit_price_needs_all_to_be_known(
    job: PriceBasis, phase: PriceBasis, unit_is_fixed: bool
) -> None:
    found = merge_price_bases(job, phase, unit_is_fixed=unit_is_fixed)
    if unit_is_fixed or FIXED in (job, phase):
        assert found is FIXED
    else:
        assert found is (UNIT if job is phase is UNIT else UNKNOWN)


@pytest.mark.parametrize(
    ("code", "found"), [("U", UNIT), (" u ", UNIT), ("F", FIXED), ("BLANK", UNKNOWN), ("", UNKNOWN)]
)
def test_a_code_means_what_the_setting_says_and_a_blank_nothing_unless_it_is_named(
    code: str, found: PriceBasis
) -> None:
    assert get_basis_by_code(code, {"U"}) is found
    assert get_basis_by_code("BLANK", {"U", "BLANK"}) is UNIT


@pytest.mark.parametrize(
    ("job", "phase", "phase_unit", "unit", "found"),
    [
        ("U", "U", "", "CY", UNIT),
        ("U", "J", "", "CY", UNIT),
        ("U", "BLANK", "", "CY", UNIT),
        ("U", "T", "", "CY", FIXED),
        ("U", "J", "", "ls", FIXED),
        ("U", "J", "LS", "", FIXED),
        ("U", "J", "CY", "", UNIT),
        ("F", "U", "", "CY", FIXED),
        ("", "U", "", "CY", UNKNOWN),
        ("U", "", "", "CY", UNKNOWN),
        ("", "", "", "LS", FIXED),
        ("BLANK", "U", "", "CY", UNKNOWN),
    ],
)
def test_job_phase_and_unit_decide_together(
    job: str, phase: str, phase_unit: str, unit: str, found: PriceBasis
) -> None:
    assert (
        Prices(masters(job, phase, phase_unit), SETTINGS).get_basis(replace(LINE, unit_of_measure=unit))
        is found
    )


def test_nothing_is_known_while_no_codes_are_named() -> None:
    nameless = replace(SETTINGS, unit_price_codes=frozenset(), job_price_codes=frozenset())
    assert Prices(masters("U", "J"), nameless).get_basis(LINE) is UNKNOWN
    assert Prices(masters("F", "F"), nameless).get_basis(LINE) is UNKNOWN


def money(known: ErpReferences, **changes: Any) -> tuple[str, ...]:
    header, line = ADAPTER.build_calls(with_line(**changes), known, "SC-1")
    names = ("Unit_Price", "Original_Contract_Quantity", "Original_Contract_Amount")
    return (header.payload["Unit_Price_Flag"], *(line.payload[name] for name in names))


def test_the_plan_shows_what_is_kept() -> None:
    assert money(masters("U", "J")) == ("Y", "185.5000", "120.00", "22260.00")
    assert money(masters("F", "J")) == ("N", "", "", "22260.00")
    assert money(masters("U", "T")) == ("Y", "", "", "22260.00")
    assert money(masters("", "")) == ("", "185.5000", "120.00", "22260.00")


def codes(known: ErpReferences, **changes: Any) -> list[tuple[str, Severity]]:
    document = with_line(**changes)
    found = [*ADAPTER.check_document(document, known, "SC-1"), *ADAPTER.check_references(document, known)]
    return [(each.code, each.severity) for each in found if each.code != "masters-not-read"]


NOT_KNOWN = [("price-method-not-known", Severity.CANNOT_CHECK)]
AN_AMOUNT = [("line-goes-as-an-amount", Severity.WARNING)]


def test_where_the_method_is_not_known_it_is_said_and_nothing_is_guessed() -> None:
    assert codes(masters("", "J")) == codes(masters("U", "")) == NOT_KNOWN
    assert codes(masters("U", "J")) == []
    assert codes(masters("", ""), quantity=None, unit_cost=None) == []
    assert codes(masters("", ""), unit_of_measure="LS") == AN_AMOUNT


def test_on_a_fixed_price_job_it_is_said_that_the_amount_alone_is_kept() -> None:
    assert codes(masters("F", "J")) == AN_AMOUNT
    (finding,) = ADAPTER.check_document(with_line(), masters("F", "J"), "SC-1")
    assert "because job 2026-014 has a fixed price in Spectrum" in finding.sentence
    (finding,) = ADAPTER.check_document(with_line(), masters("U", "T"), "SC-1")
    assert "because in Spectrum the phase of 03-300-00 has a fixed price" in finding.sentence


def test_an_amount_alone_on_a_unit_price_job_warns() -> None:
    alone = {"quantity": None, "unit_cost": None}
    assert codes(masters("U", "J"), **alone) == [("line-amount-on-unit-price", Severity.WARNING)]
    assert codes(masters("U", "J"), unit_of_measure="LS", **alone) == []
    assert codes(masters("F", "J"), **alone) == []


def test_a_lump_sum_of_one_loses_nothing_and_warns_of_nothing() -> None:
    one = {"quantity": Decimal("1.00"), "unit_cost": Decimal("22260.00"), "unit_of_measure": "LS"}
    assert codes(masters("U", "J"), **one) == codes(masters("", ""), **one) == []
    assert codes(masters("U", "J"), **{**one, "unit_cost": Decimal("2226")}) == AN_AMOUNT


def test_a_unit_cost_that_is_not_sent_may_be_as_wide_as_it_is() -> None:
    wide = {"quantity": Decimal(1), "unit_cost": Decimal("12345678.00"), "amount": Decimal("12345678.00")}
    assert codes(masters("U", "J"), unit_of_measure="LS", **wide) == []
    assert codes(masters("U", "J"), **wide) == [("line-unit-cost-too-wide", Severity.BLOCKING)]


def test_what_is_bound_is_what_makes_the_calls_other_ones() -> None:
    document = replace(
        with_lines(LINE, replace(LUMP_SUM, unit_of_measure="LS")), default_retainage=Decimal(0)
    )
    name = "the price method of the job or of phases"
    assert ADAPTER.get_bound_values(document, masters("", "")) == {}
    assert ADAPTER.get_bound_values(document, masters("U", "J")) == {}
    assert ADAPTER.get_bound_values(document, masters("U", "T")) == {name: [1]}
    assert ADAPTER.get_bound_values(document, masters("F", "J")) == {name: [1]}
    assert set(ADAPTER.get_bound_values(DOCUMENT, MASTERS)) == {"retention on the lines"}


def test_the_names_of_elements_are_bound_where_a_service_that_writes_has_any() -> None:
    def bound(*mapped: tuple[str, str, str]) -> dict[str, object]:
        return SpectrumAdapter(replace(ADAPTER.settings, mapped=mapped)).get_bound_values(DOCUMENT, MASTERS)

    one, other = ((method, "Comment", "Remark") for method in ("UpdateSubcontract", "SubcontractNotes"))
    assert bound(("GetJob", "pSort_By", "pOrder")) == bound()
    assert bound(one) == bound() | {"names of elements": [one]}
    assert bound(one, other) == bound(other, one) != bound(one)
