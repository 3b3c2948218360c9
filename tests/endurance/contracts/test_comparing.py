"""The comparison of what was shown with what is stored finds every kind of difference."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.endurance.contracts.comparing import differences
from tests.endurance.contracts.pages import Plan

SHOWN = Plan(
    {
        "Company_Code": "PHL",
        "Vendor_Code": "ACME",
        "Subcontract_Number": "SC-1",
        "Job_Number": "24-001",
        "Date_Issued": "03/31/2015",
        "Comment": "x" * 58 + "  and more",
        "Retention_Percent": "10.0",
        "GL_Account": "500100",
    },
    (
        {
            "Phase_Code": "0330000",
            "Cost_Type": "S",
            "Unit_Price": "2.5000",
            "Original_Contract_Quantity": "3.00",
            "Original_Contract_Amount": "7.50",
        },
        {
            "Phase_Code": "0330000",
            "Cost_Type": "S",
            "Bid_Item_Number": "2",
            "Bill_Description": "Steel",
            "Original_Contract_Amount": "-1.00",
        },
    ),
)
STORED: dict[str, Any] = {
    "Company_Code": "PHL",
    "Vendor_Code": "ACME",
    "Subcontract_Number": "SC-1",
    "Job_Number": "24-001",
    "Date_Issued": "2015-03-31",
    "Comment_1": "x" * 58,
    "Comment_2": "and more",
    "Retention_Percent": "10.0",
    "GL_Account": "500100",
    "Original_Amount": "6.50",
    "Contact_Person": "a default of Spectrum's own",
    "lines": [
        {
            "Phase_Code": "0330000",
            "Cost_Type": "S",
            "Bid_Item_Number": "",
            "Bill_Description": "a default",
            "Unit_Price": "2.5000",
            "Original_Contract_Quantity": "3.00",
            "Original_Contract_Amount": "7.50",
        },
        {
            "Phase_Code": "0330000",
            "Cost_Type": "S",
            "Bid_Item_Number": "2",
            "Bill_Description": "Steel",
            "Unit_Price": "0.0000",
            "Original_Contract_Quantity": "0.00",
            "Original_Contract_Amount": "-1.00",
        },
    ],
}


def test_what_is_stored_as_shown_does_not_differ_and_defaults_of_blanks_do_not_count() -> None:
    assert differences(SHOWN, STORED) == []


def test_a_record_that_is_not_there_differs() -> None:
    assert differences(SHOWN, None) == ["Spectrum holds nothing under this number"]


def _set(name: str, value: str) -> Callable[[dict[str, Any]], object]:
    return lambda record: record.__setitem__(name, value)


def _set_in_line(name: str, value: str) -> Callable[[dict[str, Any]], object]:
    return lambda record: record["lines"][1].__setitem__(name, value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_set("Job_Number", "24-002"), "Job_Number: '24-001' was shown, '24-002' is stored"),
        (_set("Retention_Percent", "7.5"), "Retention_Percent"),
        (_set("Date_Issued", "2015-03-01"), "Date_Issued"),
        (_set("Comment_2", "and mor"), "Comment"),
        (_set("Original_Amount", "6.49"), "the total is 6.49 and was shown as 6.50"),
        (_set_in_line("Original_Contract_Amount", "-1.01"), "line 2, Original_Contract_Amount"),
        (_set_in_line("Bill_Description", "Stee"), "line 2, Bill_Description"),
        (_set_in_line("Bid_Item_Number", "3"), "line 2 is not there"),
        (lambda record: record["lines"].pop(), "line 2 is not there"),
        (
            lambda record: record["lines"].append({**record["lines"][0], "Phase_Code": "0510000"}),
            "a line that was not shown: 0510000 S",
        ),
    ],
)
def test_each_kind_of_difference_is_found(change: Callable[[dict[str, Any]], object], says: str) -> None:
    record = copy.deepcopy(STORED)
    change(record)
    assert any(says in each for each in differences(SHOWN, record))
