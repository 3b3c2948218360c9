from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erp_integrations.adapters.base import ErpReferences, Issue, ResponsibleParty, Severity
from erp_integrations.adapters.spectrum import NonAscii, SpectrumAdapter, SpectrumSettings
from erp_integrations.adapters.spectrum.transport import describe_call_issue
from erp_integrations.snapshots import Document, LineItem
from tests.erp_integrations.adapters.examples import DOCUMENT, LINE, LUMP_SUM, MASTERS, with_line, with_lines

SETTINGS = SpectrumSettings("http://127.0.0.1:1", "PHL", "authorization")
ADAPTER = SpectrumAdapter(SETTINGS)


def found(
    document: Document = DOCUMENT,
    masters: ErpReferences = MASTERS,
    erp_id: str = "SC-001",
    adapter: SpectrumAdapter = ADAPTER,
) -> list[Issue]:
    return adapter.check_document(document, masters, erp_id)


def only(findings: list[Issue]) -> Issue:
    assert len(findings) == 1, [finding.sentence for finding in findings]
    return findings[0]


def test_nothing_stands_in_the_way_of_a_good_commitment() -> None:
    assert found() == []
    assert found(replace(DOCUMENT, issue_date=None)) == []


def test_the_longest_erp_id_that_fits_is_fine() -> None:
    assert found(erp_id="X" * 10) == []


@pytest.mark.parametrize(
    ("erp_id", "code", "told"),
    [
        ("", "erp-id-missing", "ERP ID is missing"),
        ("   ", "erp-id-missing", "ERP ID is missing"),
        ("PW-2015-417", "erp-id-too-long", "PW-2015-417 has 11 characters; Spectrum takes 10"),
        ("SC/01", "erp-id-forbidden-characters", "SC/01 has characters that Spectrum doesn't allow"),
        ("SC.01", "erp-id-forbidden-characters", "numbers: ."),
        ("SCé", "erp-id-forbidden-characters", "numbers: É"),
    ],
)
def test_an_erp_id_that_spectrum_would_not_take_is_shown_to_the_approver(
    erp_id: str, code: str, told: str
) -> None:
    finding = only(found(erp_id=erp_id))
    assert (finding.code, finding.severity, finding.field) == (code, Severity.BLOCKING, "ERP ID")
    assert finding.responsible_party is ResponsibleParty.APPROVER
    assert told in finding.sentence


def test_everything_wrong_with_an_erp_id_is_said_at_once() -> None:
    codes = [finding.code for finding in found(erp_id="PW/2015/00417")]
    assert codes == ["erp-id-too-long", "erp-id-forbidden-characters"]


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        (
            {"vendor_code": ""},
            "vendor-not-linked",
            "Delaware River Builders is not linked to a Spectrum vendor",
        ),
        ({"job_number": ""}, "job-not-linked", "Pier 68 is not linked to a Spectrum job"),
        ({"general_ledger_account": ""}, "general-ledger-account-missing", "No general-ledger account"),
        (
            {"general_ledger_account": "5001-00"},
            "general-ledger-account-invalid",
            "5001-00 is not a whole number",
        ),
        ({"vendor_code": "A&B"}, "vendor-code-invalid", "vendor code A&B may not hold &"),
        ({"job_number": "2026-0000014"}, "job-number-invalid", "has 12 characters; Spectrum takes 10"),
    ],
)
def test_a_link_that_is_missing_or_wrong_is_for_the_erp_admin(
    changes: dict[str, Any], code: str, told: str
) -> None:
    finding = only(found(masters=replace(MASTERS, **changes)))
    assert (finding.code, finding.severity, finding.responsible_party) == (
        code,
        Severity.BLOCKING,
        ResponsibleParty.ERP_ADMIN,
    )
    assert told in finding.sentence


def test_a_commitment_without_a_contract_company_is_not_asked_for_its_link() -> None:
    assert found(replace(DOCUMENT, contract_company_id=None), replace(MASTERS, vendor_code="")) == []


@pytest.mark.parametrize(
    ("percent", "code"),
    [
        ("99.9", None),
        ("0", None),
        ("100", "retainage-out-of-range"),
        ("-1", "retainage-out-of-range"),
        ("7.25", "retainage-decimals"),
        ("7.50", None),
    ],
)
def test_retainage_has_one_decimal_and_a_range(percent: str, code: str | None) -> None:
    findings = found(replace(DOCUMENT, default_retainage=Decimal(percent)))
    assert [finding.code for finding in findings] == ([code] if code else [])


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"cost_code": " "}, "line-cost-code-missing", "Line 1, cost code"),
        ({"cost_code": "--"}, "line-cost-code-missing", "Line 1, cost code"),
        ({"cost_code": "1" * 21}, "line-cost-code-too-long", "Line 1, cost code"),
        ({"cost_code": "03.300"}, "line-cost-code-forbidden-characters", "Line 1, cost code"),
        ({"cost_type": ""}, "line-cost-type-missing", "Line 1, cost type"),
        ({"cost_type": "LABR"}, "line-cost-type-too-long", "Line 1, cost type"),
        ({"cost_type": "S&"}, "line-cost-type-forbidden-characters", "Line 1, cost type"),
        ({"billing_item": "B" * 11}, "line-billing-item-too-long", "Line 1, billing item"),
        ({"billing_item": "1.1"}, "line-billing-item-forbidden-characters", "Line 1, billing item"),
        ({"unit_of_measure": "TONS"}, "line-unit-of-measure-invalid", "Line 1, unit of measure"),
        ({"unit_of_measure": "m²"}, "line-unit-of-measure-invalid", "Line 1, unit of measure"),
        ({"description": "塔"}, "text-characters", "Line 1, description"),
        ({"amount": None, "quantity": None}, "line-amount-missing", "Line 1, amount"),
        ({"amount": Decimal("1000000000.00")}, "line-amount-too-wide", "Line 1, amount"),
        ({"amount": Decimal("10.005")}, "line-amount-decimals", "Line 1, amount"),
        ({"quantity": Decimal("100000000")}, "line-quantity-too-wide", "Line 1, quantity"),
        ({"unit_cost": Decimal("-1000000")}, "line-unit-cost-too-wide", "Line 1, unit cost"),
    ],
)
def test_what_a_line_may_not_hold_is_named_with_its_place(
    changes: dict[str, Any], code: str, field: str
) -> None:
    line = {"quantity": None, "unit_cost": None, **changes}
    blocking = [f for f in found(with_line(**line)) if f.severity is Severity.BLOCKING]
    finding = only(blocking)
    assert (finding.code, finding.field) == (code, field)
    assert finding.sentence.endswith(".")
    assert finding.action.endswith(".")


@pytest.mark.parametrize(
    "changes",
    [
        {"cost_code": "-".join("1" * 20)},
        {"cost_type": "LAB"},
        {"billing_item": "B" * 10},
        {"unit_of_measure": "TON"},
        {"description": "x" * 500},
        {"quantity": None, "unit_cost": None, "amount": Decimal("-999999999.99")},
    ],
)
def test_the_largest_value_that_fits_is_no_finding(changes: dict[str, Any]) -> None:
    assert found(with_line(**changes)) == []


@pytest.mark.parametrize("unit", ["LS", " ls "])
def test_a_unit_with_a_fixed_price_keeps_the_amount_alone_and_it_is_said_beforehand(unit: str) -> None:
    finding = only(found(with_line(unit_of_measure=unit)))
    assert (finding.code, finding.severity) == ("line-goes-as-an-amount", Severity.WARNING)
    assert f"because in Spectrum the unit {unit.strip()} has a fixed price" in finding.sentence
    assert found(with_line(unit_of_measure=unit, quantity=None, unit_cost=None)) == []


def test_a_line_that_goes_as_an_amount_says_why() -> None:
    finding = only(found(with_line(quantity=Decimal("3.333"))))
    assert (finding.code, finding.severity) == ("line-goes-as-an-amount", Severity.WARNING)
    assert "because its quantity has more than 2 decimals" in finding.sentence
    finding = only(found(with_line(quantity=Decimal("3"))))
    assert "is not its amount to the cent" in finding.sentence


def test_a_line_that_was_only_ever_an_amount_says_nothing() -> None:
    assert found(with_lines(LUMP_SUM)) == []


def test_two_lines_on_one_key_are_both_named() -> None:
    document = with_lines(LINE, LUMP_SUM, replace(LINE, cost_code="0330000", cost_type="s"))
    finding = only(found(document))
    assert (finding.code, finding.severity, finding.field) == (
        "lines-on-one-key",
        Severity.BLOCKING,
        "Lines 1 and 3",
    )
    assert "the same cost code (03-300-00), cost type (S) and no billing item" in finding.sentence
    assert finding.action == "Merge them into one line, or give each its own billing item."


def test_billing_items_tell_lines_apart() -> None:
    one, two = replace(LINE, billing_item="1"), replace(LINE, billing_item="2")
    assert found(with_lines(one, two)) == []
    finding = only(found(with_lines(one, two, replace(one, billing_item=" 1 "))))
    assert (finding.code, finding.field) == ("lines-on-one-key", "Lines 1 and 3")
    assert "billing item 1" in finding.sentence


def test_a_blank_billing_item_beside_a_given_one_could_become_it() -> None:
    finding = only(found(with_lines(LINE, replace(LINE, billing_item="1"))))
    assert (finding.code, finding.field) == ("lines-may-share-a-key", "Line 1")
    assert "may be that of line 2" in finding.sentence


def test_respelled_text_is_one_warning_that_names_its_places() -> None:
    document = replace(with_line(description="Façade"), trade="Béton")
    finding = only(found(document))
    assert (finding.code, finding.severity) == ("text-respelled", Severity.WARNING)
    assert finding.field == "Trade and Line 1, description"


def test_a_connection_can_refuse_what_is_not_ascii() -> None:
    strict = SpectrumAdapter(replace(SETTINGS, non_ascii=NonAscii.REFUSE))
    finding = only(found(replace(DOCUMENT, trade="Béton"), adapter=strict))
    assert (finding.code, finding.field) == ("text-characters", "Trade")
    assert "é" in finding.sentence


def test_everything_is_found_at_once() -> None:
    document = replace(with_line(cost_code="", cost_type=""), default_retainage=Decimal("101"))
    codes = {finding.code for finding in found(document, ErpReferences(), "")}
    assert codes == {
        "erp-id-missing",
        "vendor-not-linked",
        "job-not-linked",
        "general-ledger-account-missing",
        "retainage-out-of-range",
        "line-cost-code-missing",
        "line-cost-type-missing",
    }


def mostly(good: st.SearchStrategy[Any], other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Enough documents must pass the check to say something about what passes."""
    return st.integers(0, 24).flatmap(lambda dice: good if dice else other)


def codes(alphabet: str, longest: int, shortest: int = 0) -> st.SearchStrategy[str]:
    return mostly(
        st.text(alphabet, min_size=shortest, max_size=longest), st.text("AB-/.é ", max_size=longest + 2)
    )


texts = mostly(st.text("concrete é½-\n", max_size=140), st.text(max_size=140))
money = mostly(
    st.decimals(Decimal("-999999999.99"), Decimal("999999999.99"), places=2),
    st.decimals(-(10**10), 10**10, places=3),
)


@st.composite
def line_items(draw: st.DrawFn) -> LineItem:
    quantity = draw(st.none() | mostly(st.decimals(-9999, 9999, places=2), st.decimals(-(10**9), 10**9)))
    unit_cost = draw(st.none() | mostly(st.decimals(-9999, 9999, places=4), st.decimals(-(10**7), 10**7)))
    amount = draw(money)
    if quantity is not None and unit_cost is not None and draw(st.booleans()):
        amount = (quantity * unit_cost).quantize(Decimal("0.01"))
    return LineItem(
        position=1,
        cost_code=draw(codes("0123456789-", 20, 3)),
        cost_type=draw(codes("LMS", 3, 1)),
        billing_item=draw(codes("0123456789", 10)),
        description=draw(texts),
        quantity=quantity,
        unit_of_measure=draw(codes("CYLFEA", 3)),
        unit_cost=unit_cost,
        amount=amount,
    )


@st.composite
def documents(draw: st.DrawFn) -> Document:
    return with_lines(
        *draw(st.lists(line_items(), max_size=4)),
        document=replace(
            DOCUMENT,
            description=draw(texts),
            trade=draw(texts),
            issue_date=draw(st.none() | st.dates()),
            default_retainage=draw(
                mostly(st.decimals(0, Decimal("99.9"), places=1), st.decimals(-1, 120, places=2))
            ),
        ),
    )


masters = mostly(
    st.just(MASTERS), st.builds(ErpReferences, codes("AB1", 10), codes("AB1", 10), codes("0123456789", 12))
)


@settings(max_examples=150)
@given(
    document=documents(),
    masters=masters,
    erp_id=codes("ABC123-", 10, 1),
    non_ascii=mostly(st.just(NonAscii.TRANSLITERATE), st.just(NonAscii.REFUSE)),
)
def test_what_nothing_blocks_fits_the_layouts_to_the_last_field(
    document: Document, masters: ErpReferences, erp_id: str, non_ascii: NonAscii
) -> None:
    adapter = SpectrumAdapter(replace(SETTINGS, non_ascii=non_ascii))
    findings = adapter.check_document(document, masters, erp_id)
    if any(finding.severity is Severity.BLOCKING for finding in findings):
        return
    calls = adapter.build_calls(document, masters, erp_id)
    assert [describe_call_issue(call, adapter.settings) for call in calls] == [""] * len(calls)
    keys = {
        call.payload["Phase_Code"] + "/" + call.payload["Cost_Type"] + "/" + call.payload["Bid_Item_Number"]
        for call in calls[1:]
    }
    assert len(keys) == len(document.lines)
    sent = sum((Decimal(call.payload["Original_Contract_Amount"]) for call in calls[1:]), Decimal(0))
    assert sent == document.total
