from dataclasses import replace
from decimal import Decimal

import pytest

from erp_integrations.adapters.base import Call, Element
from erp_integrations.adapters.spectrum import NonAscii, RetentionRule, SpectrumAdapter, SpectrumSettings
from erp_integrations.adapters.spectrum.service_fields import UPDATE_SUBCONTRACT, UPDATE_SUBCONTRACT_PHASES
from erp_integrations.snapshots import Document
from tests.erp_integrations.adapters.examples import DOCUMENT, LINE, LUMP_SUM, MASTERS, with_line, with_lines

ADAPTER = SpectrumAdapter(
    SpectrumSettings("http://127.0.0.1:1", "PHL", "secret-authorization", "secret-guid")
)


def planned(document: Document = DOCUMENT, erp_id: str = "SC-001") -> tuple[Call, ...]:
    return ADAPTER.build_calls(document, MASTERS, erp_id)


def element(call: Call, name: str) -> Element:
    return next(element for element in call.elements if element.name == name)


def filled(call: Call) -> dict[str, str]:
    return {name: value for name, value in call.payload.items() if value}


def test_a_commitment_is_one_header_and_then_its_lines_in_order() -> None:
    calls = planned(with_lines(LUMP_SUM, LINE, LINE))
    assert [(call.method, call.title) for call in calls] == [
        ("UpdateSubcontract", "Subcontract"),
        ("UpdateSubcontractPhases", "Line 1"),
        ("UpdateSubcontractPhases", "Line 2"),
        ("UpdateSubcontractPhases", "Line 3"),
    ]


def test_the_header_says_who_for_which_job_and_on_which_terms() -> None:
    assert filled(planned()[0]) == {
        "Company_Code": "PHL",
        "Vendor_Code": "DELRIV",
        "Subcontract_Number": "SC-001",
        "Job_Number": "2026-014",
        "Status_Code": "A",
        "Contract_Type": "Concrete",
        "Date_Issued": "03/09/2026",
        "Comment": "Concrete and painting at Pier 68",
        "GL_Account": "500100",
        "Retention_Percent": "10.0",
    }


def test_a_line_carries_the_money() -> None:
    assert filled(planned()[1]) == {
        "Company_Code": "PHL",
        "Vendor_Code": "DELRIV",
        "Subcontract_Number": "SC-001",
        "Phase_Code": "0330000",
        "Cost_Type": "S",
        "Bill_Description": "Cast-in-place concrete",
        "Unit_Of_Measure": "CY",
        "Retention_Flag": "Y",
        "Unit_Price": "185.5000",
        "Original_Contract_Quantity": "120.00",
        "Original_Contract_Amount": "22260.00",
    }


def test_a_call_has_every_field_of_its_layout_but_the_secrets() -> None:
    header, line, _ = planned()
    assert list(header.payload) == list(UPDATE_SUBCONTRACT.names[2:])
    assert list(line.payload) == list(UPDATE_SUBCONTRACT_PHASES.names[2:])
    assert "secret" not in repr(planned())


def test_a_purchase_order_becomes_a_subcontract_too() -> None:
    calls = planned(replace(DOCUMENT, kind="purchase_order"))
    assert [call.hash for call in calls] == [call.hash for call in planned()]


def test_the_same_document_gives_the_same_hashes_and_another_one_does_not() -> None:
    assert [call.hash for call in planned()] == [call.hash for call in planned()]
    assert planned()[1].hash != planned(with_line(amount=Decimal("22260.01")))[1].hash


def test_the_erp_id_is_written_trimmed_and_in_upper_case() -> None:
    assert planned(erp_id=" sc-9 ")[0].payload["Subcontract_Number"] == "SC-9"
    assert ADAPTER.get_proposed_erp_id(replace(DOCUMENT, number=" sc-001 ")) == "SC-001"
    assert ADAPTER.get_proposed_erp_id(replace(DOCUMENT, number="PW-2015-00417-x")) == "PW-2015-00417-X"


@pytest.mark.parametrize(
    ("prefix", "last", "number", "proposed"),
    [
        ("S-", False, "417", "S-417"),
        ("S-", False, "PW-2015-00417", "S-PW-2015-00417"),
        ("", True, "PW-2015-00417", "2015-00417"),
        ("", True, "2015-00417", "2015-00417"),
        ("S-", True, "PW-2015-00417", "S-15-00417"),
        ("SUB-1", True, "PW-2015-00417", "SUB-100417"),
        ("S-", True, " 7 ", "S-7"),
        ("S-", True, "  ", ""),
    ],
)
def test_the_proposed_number_follows_the_connection_s_rule(
    prefix: str, last: bool, number: str, proposed: str
) -> None:
    rule = replace(ADAPTER.settings, erp_id_prefixes={DOCUMENT.kind: prefix}, last_characters=last)
    assert SpectrumAdapter(rule).get_proposed_erp_id(replace(DOCUMENT, number=number)) == proposed
    other = replace(rule, erp_id_prefixes={"another kind": "X"})
    assert not SpectrumAdapter(other).get_proposed_erp_id(replace(DOCUMENT, number="417")).startswith("X")


def test_the_key_is_the_same_for_every_spelling() -> None:
    assert ADAPTER.build_key(MASTERS.vendor_code, " sc-001") == ADAPTER.build_key(
        MASTERS.vendor_code, "SC-001 "
    )


def test_without_a_description_the_title_is_the_comment() -> None:
    header = planned(replace(DOCUMENT, description="  "))[0]
    assert header.payload["Comment"] == "Concrete"


def test_a_text_that_is_too_long_is_cut_in_sight() -> None:
    text = "x" * 121
    comment = element(planned(replace(DOCUMENT, description=text))[0], "Comment")
    assert (comment.value, comment.original, comment.cut) == ("x" * 120, text, True)
    whole = element(planned(replace(DOCUMENT, description="x" * 120))[0], "Comment")
    assert (whole.value, whole.original, whole.cut) == ("x" * 120, "", False)
    described = element(planned(with_line(description="y" * 26))[1], "Bill_Description")
    assert (described.value, described.cut) == ("y" * 25, True)


def test_a_key_is_never_cut() -> None:
    number = "PW-2015-00417"
    assert planned(erp_id=number)[0].payload["Subcontract_Number"] == number
    assert planned(with_line(cost_code="9" * 30))[1].payload["Phase_Code"] == "9" * 30


def test_text_of_several_lines_is_sent_as_one_and_shown_as_changed() -> None:
    comment = element(planned(replace(DOCUMENT, description="First.\nSecond."))[0], "Comment")
    assert (comment.value, comment.original) == ("First. Second.", "First.\nSecond.")


def test_letters_with_accents_are_respelled_in_sight_or_left_for_the_check_to_refuse() -> None:
    document = replace(DOCUMENT, trade="Façade")
    trade = element(planned(document)[0], "Contract_Type")
    assert (trade.value, trade.original) == ("Facade", "Façade")
    strict = SpectrumAdapter(replace(ADAPTER.settings, non_ascii=NonAscii.REFUSE))
    assert strict.build_calls(document, MASTERS, "SC-001")[0].payload["Contract_Type"] == "Façade"


def test_what_nobody_entered_is_marked() -> None:
    header, line, _ = planned()
    assert element(header, "Status_Code") == Element("Status_Code", "A", defaulted=True)
    assert element(header, "GL_Account").defaulted
    assert not element(header, "Job_Number").defaulted
    assert element(line, "Bid_Item_Number") == Element("Bid_Item_Number", "", defaulted=True)


@pytest.mark.parametrize(
    ("rule", "retainage", "flag"),
    [
        (RetentionRule.RETAINAGE, "10", "Y"),
        (RetentionRule.RETAINAGE, "0.1", "Y"),
        (RetentionRule.RETAINAGE, "0", "N"),
        (RetentionRule.ALWAYS, "0", "Y"),
        (RetentionRule.NEVER, "10", "N"),
        (RetentionRule.BLANK, "10", ""),
    ],
)
def test_every_line_says_whether_retention_is_withheld(
    rule: RetentionRule, retainage: str, flag: str
) -> None:
    adapter = SpectrumAdapter(replace(ADAPTER.settings, retention_rule=rule))
    document = replace(DOCUMENT, default_retainage=Decimal(retainage))
    _, *lines = adapter.build_calls(document, MASTERS, "SC-001")
    assert [line.payload["Retention_Flag"] for line in lines] == [flag, flag]
    warned = [finding.code for finding in adapter.check_document(document, MASTERS, "SC-001")]
    assert warned == (["retainage-not-withheld"] if flag != "Y" and retainage != "0" else [])


def test_a_blank_issue_date_is_left_to_spectrum() -> None:
    header = planned(replace(DOCUMENT, issue_date=None))[0]
    assert element(header, "Date_Issued") == Element("Date_Issued", "", defaulted=True)


@pytest.mark.parametrize(
    ("quantity", "unit_cost", "amount"),
    [
        (None, None, "4800.00"),
        ("1", None, "4800.00"),
        (None, "4800", "4800.00"),
        ("10.005", "100", "1000.50"),
        ("10", "0.00001", "0.00"),
        ("3", "10.00", "30.01"),
        ("0.5", "0.01", "0.01"),
        ("0.5", "0.01", "0.00"),
    ],
)
def test_a_line_goes_as_an_amount_when_its_numbers_do_not_give_it(
    quantity: str | None, unit_cost: str | None, amount: str
) -> None:
    line = planned(
        with_line(
            quantity=None if quantity is None else Decimal(quantity),
            unit_cost=None if unit_cost is None else Decimal(unit_cost),
            amount=Decimal(amount),
        )
    )[1]
    assert line.payload["Original_Contract_Amount"] == amount
    assert line.payload["Original_Contract_Quantity"] == ""
    assert line.payload["Unit_Price"] == ""


@pytest.mark.parametrize(
    ("quantity", "unit_cost", "amount"),
    [("3", "33.3333", "100.00"), ("3.00", "-10.5", "-31.50"), ("0", "5", "0.00"), ("1", "0.0049", "0.00")],
)
def test_quantity_and_unit_cost_go_when_they_give_the_amount_to_the_cent(
    quantity: str, unit_cost: str, amount: str
) -> None:
    line = planned(
        with_line(quantity=Decimal(quantity), unit_cost=Decimal(unit_cost), amount=Decimal(amount))
    )[1]
    assert Decimal(line.payload["Original_Contract_Quantity"]) == Decimal(quantity)
    assert Decimal(line.payload["Unit_Price"]) == Decimal(unit_cost)
    assert line.payload["Original_Contract_Amount"] == amount


def test_a_number_that_no_field_can_hold_is_an_error_and_not_a_plan() -> None:
    with pytest.raises(ValueError, match="Original_Contract_Amount"):
        planned(with_line(amount=Decimal("123456789012.00")))


def test_quantity_and_unit_cost_stay_here_where_the_connection_says_that_the_unit_has_a_fixed_price() -> None:
    def explained(line: Call) -> list[str]:
        return [line.payload[name] for name in ("Unit_Price", "Original_Contract_Quantity")]

    adapter = SpectrumAdapter(replace(ADAPTER.settings, fixed_price_units=frozenset({"CY"})))
    line = adapter.build_calls(DOCUMENT, MASTERS, "SC-1")[1]
    assert (explained(line), line.payload["Original_Contract_Amount"]) == (["", ""], "22260.00")
    assert explained(ADAPTER.build_calls(DOCUMENT, MASTERS, "SC-1")[1]) == ["185.5000", "120.00"]
