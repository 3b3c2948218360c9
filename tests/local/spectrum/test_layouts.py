"""Level two of the validation: the widest value that fits, and the narrowest that does not."""

import pytest

from tests.local.spectrum.conftest import Caller
from tests.simulator import Simulator

ACCEPTED: list[tuple[str, str]] = []

HEADER_ORDER = """
    Authorization_ID GUID Company_Code Vendor_Code Subcontract_Number Job_Number Default_Phase_Code
    Default_Cost_Type Status_Code Contract_Type Insurance_Cert_Flag Sent_Date Date_Issued Contact_Person
    Unit_Price_Flag Comment Routing_Code1 Routing_Limit Routing_Code2 GL_Account Retention_Percent
    Next_Payment_Number Pay_Override Pay_Terms Pay_Days Disc_Override Disc_Terms Disc_Days Disc_Perc
    Pay_When_Paid Cost_Center_Override
"""
LINE_ORDER = """
    Authorization_ID GUID Company_Code Vendor_Code Subcontract_Number Phase_Code Cost_Type Bid_Item_Number
    Bill_Description Unit_Of_Measure Retention_Flag Unit_Price Original_Contract_Quantity
    Original_Contract_Amount
"""


@pytest.mark.parametrize(
    ("method", "order"), [("UpdateSubcontract", HEADER_ORDER), ("UpdateSubcontractPhases", LINE_ORDER)]
)
def test_the_wsdl_declares_every_element_in_the_published_order(
    caller: Caller, method: str, order: str
) -> None:
    declared = caller.service(method).get_element(f"ns0:{method}").type.elements
    assert [name for name, _ in declared] == order.split()


@pytest.mark.parametrize(
    ("element", "fits"),
    [
        ("GUID", "g" * 36),
        ("Default_Phase_Code", "0330000"),
        ("Default_Cost_Type", "S"),
        ("Status_Code", "C"),
        ("Contract_Type", "x" * 15),
        ("Insurance_Cert_Flag", "A"),
        ("Sent_Date", "02/29/2016"),
        ("Sent_Date", "02-29-2016"),
        ("Date_Issued", "07/01/2014"),
        ("Contact_Person", "x" * 20),
        ("Unit_Price_Flag", "Y"),
        ("Comment", "x" * 120),
        ("Routing_Code1", "x" * 10),
        ("Routing_Limit", "9999999999.99"),
        ("Routing_Code2", "x" * 10),
        ("Retention_Percent", "99.9"),
        ("Next_Payment_Number", "99999"),
        ("Pay_Override", "Y"),
        ("Pay_Terms", "B"),
        ("Pay_Days", "999"),
        ("Disc_Override", "N"),
        ("Disc_Terms", "A"),
        ("Disc_Days", "999"),
        ("Disc_Perc", "100.25"),
        ("Cost_Center_Override", "9" * 10),
    ],
)
def test_a_header_value_that_fits_is_accepted(caller: Caller, number: str, element: str, fits: str) -> None:
    assert caller.header(**{"Subcontract_Number": number, element: fits}) == ACCEPTED


@pytest.mark.parametrize(
    ("element", "refused"),
    [
        ("GUID", "g" * 37),
        ("Vendor_Code", "ACME AND CO"),
        ("Vendor_Code", "AC.ME"),
        ("Subcontract_Number", "12345678901"),
        ("Subcontract_Number", "SC#1"),
        ("Subcontract_Number", "SC/1"),
        ("Job_Number", "24-001-0001"),
        ("Default_Phase_Code", "03-30000"),
        ("Default_Cost_Type", "SUBS"),
        ("Status_Code", "X"),
        ("Status_Code", "a"),
        ("Contract_Type", "x" * 16),
        ("Insurance_Cert_Flag", "X"),
        ("Sent_Date", "2/29/2016"),
        ("Sent_Date", "02/29-2016"),
        ("Sent_Date", "02/29/2015"),
        ("Sent_Date", "2016-02-29"),
        ("Contact_Person", "x" * 21),
        ("Unit_Price_Flag", "A"),
        ("Comment", "x" * 121),
        ("Routing_Code1", "x" * 11),
        ("Routing_Limit", "-1"),
        ("Routing_Limit", "99999999999.9"),
        ("GL_Account", "5001x"),
        ("GL_Account", "5" * 13),
        ("Retention_Percent", "100"),
        ("Retention_Percent", "10.25"),
        ("Retention_Percent", "-1"),
        ("Next_Payment_Number", "1.5"),
        ("Pay_Days", "1000"),
        ("Disc_Perc", "10.123"),
        ("Cost_Center_Override", "9" * 11),
    ],
)
def test_a_header_value_that_does_not_fit_is_refused_and_nothing_is_stored(
    caller: Caller, number: str, element: str, refused: str
) -> None:
    assert caller.header(**{"Subcontract_Number": number, element: refused}) == [("I", element)]
    assert caller.simulator.record(number) is None


@pytest.mark.parametrize(
    ("element", "fits"),
    [
        ("Bid_Item_Number", "x" * 10),
        ("Bill_Description", "x" * 25),
        ("Unit_Of_Measure", "xyz"),
        ("Retention_Flag", "Y"),
        ("Unit_Price", "-999999.9999"),
        ("Original_Contract_Quantity", "-99999999.99"),
        ("Original_Contract_Amount", "-999999999.99"),
        ("Original_Contract_Amount", ".5"),
        ("Original_Contract_Amount", "5."),
    ],
)
def test_a_line_value_that_fits_is_accepted(caller: Caller, number: str, element: str, fits: str) -> None:
    caller.header(Subcontract_Number=number)
    assert caller.line(**{"Subcontract_Number": number, element: fits}) == ACCEPTED


@pytest.mark.parametrize(
    ("element", "refused"),
    [
        ("Phase_Code", "03-30000"),
        ("Phase_Code", "0" * 21),
        ("Cost_Type", "S'"),
        ("Bid_Item_Number", "x" * 11),
        ("Bid_Item_Number", "A~B"),
        ("Bill_Description", "x" * 26),
        ("Unit_Of_Measure", "EACH"),
        ("Retention_Flag", "A"),
        ("Unit_Price", "1000000"),
        ("Unit_Price", "1.23456"),
        ("Original_Contract_Quantity", "100000000"),
        ("Original_Contract_Quantity", "1.234"),
        ("Original_Contract_Amount", "1000000000"),
        ("Original_Contract_Amount", "1.234"),
        ("Original_Contract_Amount", "1,234.00"),
        ("Original_Contract_Amount", "$5"),
        ("Original_Contract_Amount", "5-"),
        ("Original_Contract_Amount", "- 5"),
        ("Original_Contract_Amount", "1e3"),
        ("Original_Contract_Amount", "-"),
        ("Original_Contract_Amount", "."),
        ("Original_Contract_Amount", "٣"),
    ],
)
def test_a_line_value_that_does_not_fit_is_refused(
    caller: Caller, number: str, element: str, refused: str
) -> None:
    caller.header(Subcontract_Number=number)
    assert caller.line(**{"Subcontract_Number": number, element: refused}) == [("I", element)]
    assert caller.stored(number)["lines"] == []


@pytest.mark.parametrize("character", "/*?\"'><#,&~.")
def test_a_key_may_not_hold_a_forbidden_character(caller: Caller, character: str) -> None:
    assert caller.header(Subcontract_Number=f"A{character}B") == [("I", "Subcontract_Number")]


def test_a_key_may_hold_a_dash(caller: Caller, number: str) -> None:
    assert caller.header(Subcontract_Number=f"{number}-A") == ACCEPTED


def test_one_reply_names_every_value_that_does_not_fit(caller: Caller, number: str) -> None:
    answers = caller.header(Subcontract_Number=number, Comment="x" * 121, Pay_Days="x", Status_Code="X")
    assert answers == [("I", "Status_Code"), ("I", "Comment"), ("I", "Pay_Days")]


def test_a_missing_value_is_told_before_a_wrong_one(caller: Caller) -> None:
    answers = caller.header(Vendor_Code="", Subcontract_Number="", Comment="x" * 121)
    assert answers == [("M", "Vendor_Code"), ("M", "Subcontract_Number")]


def test_a_site_that_cuts_over_long_text_stores_the_beginning_but_never_cuts_a_number() -> None:
    with Simulator.start(options=["--over-long-text", "cut"]) as simulator:
        caller = Caller(simulator)
        assert (
            caller.header(Subcontract_Number="SC-12345678901", Contract_Type="Concrete works 2015")
            == ACCEPTED
        )
        stored = caller.stored("SC-1234567")
        assert stored["Contract_Type"] == "Concrete works"
        assert caller.header(Subcontract_Number="SC-2", Routing_Limit="12345678901.00") == [
            ("I", "Routing_Limit")
        ]
