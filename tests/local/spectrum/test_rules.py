"""Level three: what is created, changed, kept, defaulted and computed, and what is refused."""

import copy
import datetime as dt
import sqlite3
from typing import Any, ClassVar

import pytest

from tests.local.spectrum.conftest import Caller
from tests.simulator import AUTHORIZATION_ID, MASTERS, Simulator

ACCEPTED: list[tuple[str, str]] = []


def _line(caller: Caller, number: str) -> dict[str, Any]:
    (line,) = caller.stored(number)["lines"]
    assert isinstance(line, dict)
    return line


class TestAuthorisation:
    def test_an_unknown_authorization_id_aborts(self, caller: Caller, number: str) -> None:
        rows = caller.put("UpdateSubcontract", Authorization_ID="NOBODY", Subcontract_Number=number)
        assert rows == [
            {
                "error_code": "A",
                "desc": "The Web Service is not authorized. Authorization ID is not setup in the system.",
                "column": "Authorization_ID",
            }
        ]

    def test_a_blank_authorization_id_aborts(self, caller: Caller, number: str) -> None:
        assert caller.header(Authorization_ID="", Subcontract_Number=number) == [("A", "Authorization_ID")]

    def test_another_companys_authorization_id_aborts(self, caller: Caller, number: str) -> None:
        answers = caller.header(Authorization_ID="EMPIRE-API-9K", Subcontract_Number=number)
        assert answers == [("A", "Authorization_ID")]
        assert caller.simulator.record(number) is None

    def test_an_authorization_id_holds_for_the_services_it_was_granted(
        self, caller: Caller, number: str
    ) -> None:
        assert caller.header(Authorization_ID="HEADERS-ONLY-3X", Subcontract_Number=number) == ACCEPTED
        answers = caller.line(Authorization_ID="HEADERS-ONLY-3X", Subcontract_Number=number)
        assert answers == [("A", "Authorization_ID")]

    def test_a_blank_company_is_a_missing_value(self, caller: Caller, number: str) -> None:
        assert caller.header(Company_Code="", Subcontract_Number=number) == [("M", "Company_Code")]


class TestHeader:
    def test_a_new_subcontract_is_stored_with_spectrums_defaults(self, caller: Caller, number: str) -> None:
        before = dt.datetime.now(dt.UTC).date()
        assert caller.header(Subcontract_Number=number) == ACCEPTED
        stored = caller.stored(number)
        assert before.isoformat() <= stored["Date_Issued"] <= dt.datetime.now(dt.UTC).date().isoformat()
        expected = {
            "Job_Number": "24-001",
            "Status_Code": "A",
            "Insurance_Cert_Flag": "N",
            "Unit_Price_Flag": "Y",
            "Next_Payment_Number": 1,
            "Pay_Override": "N",
            "Original_Amount": "0.00",
            "GL_Account": "500100",
            "lines": [],
        }
        assert {name: stored[name] for name in expected} == expected

    @pytest.mark.parametrize(
        ("given", "answers"),
        [
            ({"Vendor_Code": "NOBODY"}, [("I", "Vendor_Code")]),
            ({"Job_Number": "99-999"}, [("I", "Job_Number")]),
            ({"Job_Number": ""}, [("M", "Job_Number")]),
            ({"Job_Number": "", "GL_Account": ""}, [("M", "Job_Number"), ("M", "GL_Account")]),
            ({"GL_Account": "999999"}, [("I", "GL_Account")]),
            ({"GL_Account": "110000"}, [("I", "GL_Account")]),
            ({"Default_Phase_Code": "7777777"}, [("I", "Default_Phase_Code")]),
            ({"Default_Cost_Type": "X"}, [("I", "Default_Cost_Type")]),
            ({"Date_Issued": "06/30/2014"}, [("I", "Date_Issued")]),
            ({"Pay_When_Paid": "Y"}, [("I", "Pay_When_Paid")]),
            (
                {"Vendor_Code": "NOBODY", "Job_Number": "99-999", "GL_Account": "110000"},
                [("I", "Vendor_Code"), ("I", "Job_Number"), ("I", "GL_Account")],
            ),
        ],
    )
    def test_a_header_that_breaks_a_rule_is_refused_with_every_reason(
        self, caller: Caller, number: str, given: dict[str, str], answers: list[tuple[str, str]]
    ) -> None:
        assert caller.header(**{"Subcontract_Number": number, **given}) == answers
        assert caller.simulator.record(number) is None

    def test_a_vendor_and_job_of_another_company_do_not_count(self, caller: Caller, number: str) -> None:
        answers = caller.header(
            Subcontract_Number=number,
            Authorization_ID="EMPIRE-API-9K",
            Company_Code="NYC",
            Vendor_Code="BOLT",
        )
        assert answers == [("I", "Vendor_Code")]

    def test_the_same_key_again_changes_the_record_and_blank_keeps_what_is_stored(
        self, caller: Caller, number: str
    ) -> None:
        caller.header(
            Subcontract_Number=number, Comment="Roof", Contract_Type="Roofing", Retention_Percent="10"
        )
        again = caller.header(
            Subcontract_Number=number.lower(),
            Job_Number="",
            GL_Account="",
            Comment="",
            Contract_Type="Sheet metal",
        )
        assert again == ACCEPTED
        stored = caller.stored(number)
        assert stored["Comment_1"] == "Roof"
        assert stored["Contract_Type"] == "Sheet metal"
        assert stored["Retention_Percent"] == "10.0"

    def test_the_job_of_a_stored_subcontract_never_changes(self, caller: Caller, number: str) -> None:
        caller.header(Subcontract_Number=number, Job_Number="24-001")
        answers = caller.header(Subcontract_Number=number, Job_Number="24-002", Comment="Mine now")
        assert answers == [("I", "Job_Number")]
        assert caller.stored(number)["Comment_1"] == ""
        assert caller.header(Subcontract_Number=number, Job_Number=" 24-001 ") == ACCEPTED

    def test_a_long_comment_is_stored_in_two_halves(self, caller: Caller, number: str) -> None:
        caller.header(Subcontract_Number=number, Comment="a" * 60 + "b" * 45)
        stored = caller.stored(number)
        assert (stored["Comment_1"], stored["Comment_2"]) == ("a" * 60, "b" * 45)
        caller.header(Subcontract_Number=number, Comment="short")
        stored = caller.stored(number)
        assert (stored["Comment_1"], stored["Comment_2"]) == ("short", "")

    def test_payment_terms_count_only_with_their_override(self, caller: Caller, number: str) -> None:
        caller.header(Subcontract_Number=number, Pay_Terms="B", Pay_Days="45")
        assert caller.stored(number)["Pay_Days"] == 0
        caller.header(
            Subcontract_Number=number, Pay_Override="Y", Pay_Terms="B", Pay_Days="45", Pay_When_Paid="Y"
        )
        stored = caller.stored(number)
        assert (stored["Pay_Terms"], stored["Pay_Days"], stored["Pay_When_Paid"]) == ("B", 45, "Y")

    def test_an_inactive_vendor_is_accepted_with_information(self, caller: Caller, number: str) -> None:
        assert caller.header(Subcontract_Number=number, Vendor_Code="GONE") == [("G", "Vendor_Code")]
        assert caller.simulator.record(number) is not None

    def test_the_same_number_of_another_vendor_is_another_subcontract(
        self, caller: Caller, number: str
    ) -> None:
        caller.header(Subcontract_Number=number, Vendor_Code="ACME", Comment="A")
        caller.header(Subcontract_Number=number, Vendor_Code="BOLT", Comment="B")
        stored = {
            each["Vendor_Code"]: each
            for each in caller.simulator.records()
            if each["Subcontract_Number"] == number
        }
        assert {vendor: each["Comment_1"] for vendor, each in stored.items()} == {"ACME": "A", "BOLT": "B"}

    def test_any_text_is_stored_as_it_was_sent(self, caller: Caller, number: str) -> None:
        text = "Größe <b>&amp; \"20'\" ½ – 壁 '); DROP TABLE x"
        assert caller.header(Subcontract_Number=number, Comment=text) == ACCEPTED
        assert caller.stored(number)["Comment_1"] == text


class TestLine:
    @pytest.mark.parametrize(
        ("given", "answers"),
        [
            ({"Phase_Code": "7777777"}, [("I", "Phase_Code")]),
            ({"Cost_Type": "L"}, [("I", "Cost_Type")]),
            ({"Phase_Code": "0999999"}, [("I", "Phase_Code")]),
            ({"Phase_Code": "", "Cost_Type": ""}, [("M", "Phase_Code"), ("M", "Cost_Type")]),
            (
                {"Unit_Price": "999999", "Original_Contract_Quantity": "99999999"},
                [("I", "Original_Contract_Amount")],
            ),
        ],
    )
    def test_a_line_that_breaks_a_rule_is_refused(
        self, caller: Caller, number: str, given: dict[str, str], answers: list[tuple[str, str]]
    ) -> None:
        caller.header(Subcontract_Number=number)
        assert caller.line(**{"Subcontract_Number": number, **given}) == answers
        assert caller.stored(number)["lines"] == []

    def test_a_line_needs_its_subcontract_first(self, caller: Caller, number: str) -> None:
        assert caller.line(Subcontract_Number=number) == [("I", "Subcontract_Number")]

    def test_an_inactive_phase_is_accepted_with_information(self, caller: Caller, number: str) -> None:
        caller.header(Subcontract_Number=number)
        assert caller.line(Subcontract_Number=number, Phase_Code="0990000") == [("G", "Phase_Code")]
        assert len(caller.stored(number)["lines"]) == 1

    def test_price_times_quantity_computes_the_amount_and_the_header_sums_the_lines(
        self, caller: Caller, number: str
    ) -> None:
        caller.header(Subcontract_Number=number)
        caller.line(
            Subcontract_Number=number,
            Unit_Price="0.0050",
            Original_Contract_Quantity="3",
            Original_Contract_Amount="77.77",
        )
        line = _line(caller, number)
        # Half a cent is rounded away from zero.
        assert (line["Unit_Price"], line["Original_Contract_Quantity"]) == ("0.0050", "3.00")
        assert line["Original_Contract_Amount"] == "0.02"
        caller.line(Subcontract_Number=number, Phase_Code="0510000", Original_Contract_Amount="-100.10")
        assert caller.stored(number)["Original_Amount"] == "-100.08"

    def test_a_fixed_price_unit_keeps_only_the_amount(self, caller: Caller, number: str) -> None:
        caller.header(Subcontract_Number=number)
        caller.line(
            Subcontract_Number=number,
            Unit_Of_Measure="LS",
            Unit_Price="10",
            Original_Contract_Quantity="5",
            Original_Contract_Amount="49.99",
        )
        line = _line(caller, number)
        assert (line["Unit_Price"], line["Original_Contract_Quantity"]) == ("0.0000", "0.00")
        assert line["Original_Contract_Amount"] == "49.99"

    def test_a_line_on_the_same_key_overwrites_and_blank_keeps(self, caller: Caller, number: str) -> None:
        caller.header(Subcontract_Number=number)
        caller.line(Subcontract_Number=number, Bill_Description="First", Original_Contract_Amount="10")
        caller.line(Subcontract_Number=number, Bill_Description="", Original_Contract_Amount="25")
        line = _line(caller, number)
        assert (line["Bill_Description"], line["Original_Contract_Amount"]) == ("First", "25.00")

    def test_a_billing_item_makes_another_line_of_the_same_phase_and_cost_type(
        self, caller: Caller, number: str
    ) -> None:
        caller.header(Subcontract_Number=number)
        for item in ("", "A", "B"):
            caller.line(Subcontract_Number=number, Bid_Item_Number=item, Original_Contract_Amount="1")
        lines = caller.stored(number)["lines"]
        assert [line["Bid_Item_Number"] for line in lines] == ["", "A", "B"]

    def test_blanks_of_the_key_are_defaulted_before_the_search(self, caller: Caller, number: str) -> None:
        caller.header(Subcontract_Number=number, Default_Phase_Code="0330000", Default_Cost_Type="S")
        caller.line(Subcontract_Number=number, Original_Contract_Amount="10")
        caller.line(Subcontract_Number=number, Phase_Code="", Cost_Type="", Original_Contract_Amount="20")
        assert _line(caller, number)["Original_Contract_Amount"] == "20.00"

    def test_a_new_line_takes_its_description_from_the_phase(self, caller: Caller, number: str) -> None:
        caller.header(Subcontract_Number=number)
        caller.line(Subcontract_Number=number, Original_Contract_Amount="1")
        line = _line(caller, number)
        assert line["Bill_Description"] == "Cast-in-place concrete wo"
        assert line["Retention_Flag"] == "N"

    def test_a_header_and_its_lines_are_never_one_transaction(self, caller: Caller, number: str) -> None:
        caller.header(Subcontract_Number=number)
        caller.line(Subcontract_Number=number, Original_Contract_Amount="1")
        assert caller.line(Subcontract_Number=number, Phase_Code="7777777") == [("I", "Phase_Code")]
        assert len(caller.stored(number)["lines"]) == 1


def test_the_tables_are_those_of_info_link_with_padded_codes(caller: Caller, number: str) -> None:
    caller.header(Subcontract_Number=number)
    caller.line(Subcontract_Number=number, Original_Contract_Amount="1250.5")
    db = sqlite3.connect(f"file:{caller.simulator.database}?mode=ro", uri=True)
    try:
        (row,) = db.execute(
            "SELECT Company_Code, Vendor_Code, Subcontract_Number, Job_Number, Status_Code, Contract_Type,"
            " Comment_1, Comment_2, Original_Amount, Retention_Percent, GL_Account"
            " FROM VN_SUBCONTRACT_MC WHERE trim(Subcontract_Number) = ?",
            (number,),
        )
        assert row[:4] == ("PHL", "ACME      ", number.ljust(10), "24-001    ")
        assert row[8] == 1250.5
        (line,) = db.execute(
            "SELECT Phase_Code, Cost_Type, Bid_Item_Number, Bill_Description, Unit_Of_Measure, Unit_Price,"
            " Original_Contract_Quantity, Original_Contract_Amount, Retention_Flag"
            " FROM VN_SUBCONTRACT_PHASE_MC WHERE trim(Subcontract_Number) = ?",
            (number,),
        )
        assert line[:3] == ("0330000".ljust(20), "S  ", " " * 10)
        assert db.execute("SELECT count(*) FROM VN_VENDOR_MASTER_MC").fetchone() == (4,)
        assert db.execute("SELECT count(*) FROM JC_JOB_MASTER_MC").fetchone() == (3,)
        assert db.execute("SELECT count(*) FROM JC_PHASE_MASTER_MC").fetchone() == (7,)
    finally:
        db.close()


def test_a_phase_may_give_a_billing_item_a_unit_and_a_retainage_flag() -> None:
    phase = {
        **MASTERS["companies"][1]["jobs"][0]["phases"][0],
        "bid_item": "B7",
        "unit_of_measure": "LS",
        "retention_flag": "Y",
    }
    company = {**MASTERS["companies"][1], "fixed_price_units": ["JOB"]}
    company["jobs"] = [{**company["jobs"][0], "phases": [phase]}]
    options = ["--blank-retention", "phase"]
    with Simulator.start(masters={"companies": [company]}, options=options) as simulator:
        caller = Caller(simulator)
        where = {"Authorization_ID": "EMPIRE-API-9K", "Company_Code": "NYC", "Subcontract_Number": "SC-1"}
        caller.header(**where)
        caller.line(**where, Unit_Of_Measure="", Unit_Price="2", Original_Contract_Quantity="3")
        line = _line(caller, "SC-1")
        assert (line["Bid_Item_Number"], line["Unit_Of_Measure"], line["Retention_Flag"]) == ("B7", "LS", "Y")
        assert line["Original_Contract_Amount"] == "6.00"
        caller.line(**where, Unit_Of_Measure="JOB", Original_Contract_Amount="9")
        assert _line(caller, "SC-1")["Original_Contract_Amount"] == "9.00"


ROW = {"error_code": "", "desc": "", "column": ""}
ECHO = {"Company_Code": "PHL".ljust(12), "Vendor_Code": "ACME".ljust(12)}


@pytest.mark.parametrize(
    ("success", "rows"),
    [
        ("none", []),
        ("blank", [ROW]),
        ("G", [ROW | {"error_code": "G", "desc": "Successful"}]),
        ("S", [ROW | {"error_code": "S", "desc": "Successful"}]),
        ("echo", [ECHO | {"Subcontract_Number": "SC-1".ljust(12)}]),
    ],
)
def test_what_a_written_record_answers_is_a_switch(success: str, rows: list[dict[str, str]]) -> None:
    about_gone = [ROW | {"error_code": "G", "desc": "Vendor_Code is inactive", "column": "Vendor_Code"}]
    with Simulator.start(options=["--success", success]) as simulator:
        sent = {"Authorization_ID": AUTHORIZATION_ID, "Company_Code": "PHL", "Subcontract_Number": "SC-1"}
        sent |= {"Job_Number": "24-001", "GL_Account": "500100"}
        assert Caller(simulator).put("UpdateSubcontract", **sent, Vendor_Code="ACME") == rows
        informed = Caller(simulator).put("UpdateSubcontract", **sent, Vendor_Code="GONE")
        if success == "echo":
            assert informed == [*about_gone, rows[0] | {"Vendor_Code": "GONE".ljust(12)}]
        else:
            assert informed == about_gone


class TestPriceMethods:
    """A unit price is kept on a unit-price job, on a phase that is none of a fixed price, and not for LS."""

    MONEY: ClassVar = {
        "Unit_Price": "10",
        "Original_Contract_Quantity": "5",
        "Original_Contract_Amount": "50",
    }
    KEPT, LOST = ("10.0000", "5.00"), ("0.0000", "0.00")

    def stored(self, *options: str, job: str = "U", phase: str = "J", flag: str = "", **line: str) -> Any:
        company = copy.deepcopy(MASTERS["companies"][0])
        company["jobs"][0]["price_method"] = job
        company["jobs"][0]["phases"][0] |= {"price_method": phase, "unit_price": "7.5"}
        with Simulator.start(masters={"companies": [company]}, options=options) as simulator:
            caller = Caller(simulator)
            assert caller.header(Subcontract_Number="SC-1", Unit_Price_Flag=flag) == ACCEPTED
            caller.line(Subcontract_Number="SC-1", **{"Unit_Of_Measure": "CY", **self.MONEY, **line})
            return _line(caller, "SC-1")

    @pytest.mark.parametrize(
        ("job", "phase", "flag", "kept"),
        [
            ("U", "J", "Y", KEPT),
            ("U", "U", "Y", KEPT),
            ("U", "T", "Y", LOST),
            ("U", "J", "N", LOST),
            ("F", "U", "N", LOST),
        ],
    )
    def test_job_phase_and_flag_decide(self, job: str, phase: str, flag: str, kept: tuple[str, str]) -> None:
        line = self.stored(job=job, phase=phase, flag=flag)
        assert (line["Unit_Price"], line["Original_Contract_Quantity"]) == kept
        assert line["Original_Contract_Amount"] == "50.00"

    @pytest.mark.parametrize(("reading", "kept"), [("N", LOST), ("job", KEPT)])
    def test_what_a_blank_flag_means_is_a_switch(self, reading: str, kept: tuple[str, str]) -> None:
        line = self.stored("--blank-unit-price-flag", reading)
        assert (line["Unit_Price"], line["Original_Contract_Quantity"]) == kept

    @pytest.mark.parametrize(("reading", "price"), [("phase", "7.5000"), ("none", "0.0000")])
    def test_what_becomes_of_an_amount_alone_is_a_switch(self, reading: str, price: str) -> None:
        alone = {"Unit_Price": "", "Original_Contract_Quantity": ""}
        assert self.stored("--amount-alone", reading, **alone)["Unit_Price"] == price

    def test_a_fixed_price_job_takes_no_unit_price_flag(self) -> None:
        company = copy.deepcopy(MASTERS["companies"][0])
        company["jobs"][0]["price_method"] = "F"
        with Simulator.start(masters={"companies": [company]}) as simulator:
            answers = Caller(simulator).header(Subcontract_Number="SC-1", Unit_Price_Flag="Y")
            assert answers == [("I", "Unit_Price_Flag")]

    @pytest.mark.parametrize(("options", "flag"), [((), "N"), (("--blank-retention", "phase"), "Y")])
    def test_a_blank_retention_flag_withholds_nothing_unless_the_site_reads_the_phase(
        self, options: tuple[str, ...], flag: str
    ) -> None:
        company = copy.deepcopy(MASTERS["companies"][0])
        company["jobs"][0]["phases"][0]["retention_flag"] = "Y"
        with Simulator.start(masters={"companies": [company]}, options=options) as simulator:
            caller = Caller(simulator)
            caller.header(Subcontract_Number="SC-1")
            caller.line(Subcontract_Number="SC-1", Original_Contract_Amount="1")
            assert _line(caller, "SC-1")["Retention_Flag"] == flag
