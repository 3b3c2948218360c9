"""Every row of the published tables, with the largest value that fits and the smallest that does not.

The rows are written out here and read from neither side, so that a slip on one of the three shows:
the adapter's layouts, which may let nothing past that does not fit, and the simulator, which takes and
refuses the same. Source: the help pages that docs/spectrum.md, sections 1 and 2 name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from erp_integrations.adapters.base import Call, Element, NotSent
from erp_integrations.adapters.spectrum import SpectrumAdapter, SpectrumSettings
from erp_integrations.adapters.spectrum.service_fields import LAYOUTS
from tests.local.spectrum.conftest import Caller
from tests.simulator import Simulator

HEADER, LINE = "UpdateSubcontract", "UpdateSubcontractPhases"

# The widest codes that there can be, so that what fits also exists.
AUTHORIZATION = "A" * 20
VENDOR, JOB, PHASE, COST_TYPE, ACCOUNT = "VENDOR-010", "JOB-123456", "01234567890123456789", "SUB", "9" * 12
SITE: dict[str, Any] = {
    "companies": [
        {
            "code": "WID",
            "name": "Wide Builders",
            "authorization_ids": [AUTHORIZATION],
            "fiscal_start": "2014-07-01",
            "general_ledger_accounts": [{"account": ACCOUNT, "kind": "job cost", "description": ""}],
            "vendors": [{"code": VENDOR, "name": "Vendor", "active": True}],
            "cost_types": [COST_TYPE],
            "jobs": [
                {
                    "number": JOB,
                    "price_method": "U",
                    "description": "Job",
                    "phases": [{"code": PHASE, "description": "", "cost_types": [COST_TYPE], "status": "A"}],
                }
            ],
        }
    ]
}

# Element, what fits (the largest first), and what does not (the smallest first); blank: it is required.
KEY_ROWS = [
    ("Authorization_ID", [AUTHORIZATION], [AUTHORIZATION + "A"]),
    ("GUID", ["g" * 36, ""], ["g" * 37]),
    ("Company_Code", ["WID", "wid"], ["", "WIDE"]),
    ("Vendor_Code", [VENDOR], ["", VENDOR + "1"]),
]
HEADER_ROWS = [
    *KEY_ROWS,
    ("Subcontract_Number", ["SC-1234567"], ["", "SC-12345678"]),
    ("Job_Number", [JOB], ["", JOB + "7"]),
    ("Default_Phase_Code", [PHASE, ""], [PHASE + "0", "01-2345"]),
    ("Default_Cost_Type", [COST_TYPE, ""], ["SUBS"]),
    ("Status_Code", ["A", "I", "C", ""], ["X", "a", "AA"]),
    ("Contract_Type", ["x" * 15, ""], ["x" * 16]),
    ("Insurance_Cert_Flag", ["Y", "N", "A", ""], ["X", "YY"]),
    ("Sent_Date", ["12/31/9999", "02/29/2016", ""], ["2/29/2016", "02/29/2015", "13/01/2016", "02/29/16"]),
    ("Date_Issued", ["12/31/9999", "07/01/2014", ""], ["7/1/2014", "02/30/2016", "2016-02-29", "02/29/16"]),
    ("Contact_Person", ["x" * 20, ""], ["x" * 21]),
    ("Unit_Price_Flag", ["Y", "N", ""], ["YY"]),
    ("Comment", ["x" * 120, ""], ["x" * 121]),
    ("Routing_Code1", ["x" * 10, ""], ["x" * 11]),
    ("Routing_Limit", ["9999999999.99", "0", ""], ["10000000000", "0.001", "-1"]),
    ("Routing_Code2", ["x" * 10, ""], ["x" * 11]),
    ("GL_Account", [ACCOUNT], ["", ACCOUNT + "9", "1.5", "-1"]),
    ("Retention_Percent", ["99.9", "0", ""], ["100", "0.01", "-0.1", "-1"]),
    ("Next_Payment_Number", ["99999", "1", ""], ["100000", "1.5", "-1"]),
    ("Pay_Override", ["Y", "N", ""], ["YY"]),
    ("Pay_Terms", ["A", ""], ["AA"]),
    ("Pay_Days", ["999", "0", ""], ["1000", "1.5", "-1"]),
    ("Disc_Override", ["Y", "N", ""], ["YY"]),
    ("Disc_Terms", ["A", ""], ["AA"]),
    ("Disc_Days", ["999", "0", ""], ["1000", "1.5", "-1"]),
    ("Disc_Perc", ["999.99", "0", ""], ["1000", "0.001", "-1"]),
    ("Pay_When_Paid", ["N", ""], ["NN"]),
    ("Cost_Center_Override", ["9" * 10, ""], ["1" + "0" * 10, "1.5", "-1"]),
]
LINE_ROWS = [
    *KEY_ROWS,
    ("Subcontract_Number", ["SC-1234567"], ["", "SC-12345678"]),
    ("Phase_Code", [PHASE], ["", PHASE + "0", "01-2345"]),
    ("Cost_Type", [COST_TYPE], ["", "SUBS"]),
    ("Bid_Item_Number", ["B-12345678", ""], ["B-123456789"]),
    ("Bill_Description", ["x" * 25, ""], ["x" * 26]),
    ("Unit_Of_Measure", ["xyz", ""], ["xyzz"]),
    ("Retention_Flag", ["Y", "N", ""], ["X", "YY"]),
    ("Unit_Price", ["999999.9999", "-999999.9999", "0", ""], ["1000000", "-1000000", "0.00001"]),
    ("Original_Contract_Quantity", ["99999999.99", "-99999999.99", "0", ""], ["100000000", "0.001"]),
    ("Original_Contract_Amount", ["999999999.99", "-999999999.99", "0"], ["1000000000", "0.001"]),
]
# What no number and no date may look like, whatever its size (docs/spectrum.md, section 2).
NUMBERS = {
    HEADER: "Routing_Limit GL_Account Retention_Percent Next_Payment_Number Pay_Days Disc_Days Disc_Perc "
    "Cost_Center_Override",
    LINE: "Unit_Price Original_Contract_Quantity Original_Contract_Amount",
}
NO_NUMBERS = ["$1", "1,0", "1 0", "+1", "1e0", "1-", "x", "٣"]
DATES = {HEADER: "Sent_Date Date_Issued"}
NO_DATES = ["20160229", "02/29-2016", "29/02/2016", "Feb 29, 16", "02/29/2016x"]
KEYS = {
    HEADER: "Company_Code Vendor_Code Subcontract_Number Job_Number Default_Phase_Code Default_Cost_Type",
    LINE: "Company_Code Vendor_Code Subcontract_Number Phase_Code Cost_Type Bid_Item_Number",
}
FORBIDDEN_IN_KEYS = "/*?\"'><#,&~."

_numbers = count(1)


def values(fit: bool) -> list[Any]:
    """Each value of each row as a case of its own."""
    return [
        pytest.param(method, element, value, id=f"{method}-{element}-{_named(value)}")
        for method, rows in ((HEADER, HEADER_ROWS), (LINE, LINE_ROWS))
        for element, fits, does_not in rows
        for value in (fits if fit else does_not)
    ]


def forms() -> list[Any]:
    """Each wrong form of each number, date and key as a case of its own."""
    return [
        pytest.param(
            method, element, value, id=f"{method}-{element}-{value.encode('unicode_escape').decode()}"
        )
        for elements, wrong in (
            (NUMBERS, NO_NUMBERS),
            (DATES, NO_DATES),
            (KEYS, [f"A{character}" for character in FORBIDDEN_IN_KEYS]),
        )
        for method, names in elements.items()
        for element in names.split()
        for value in wrong
    ]


def _named(value: str) -> str:
    return f"{value[:12]}({len(value)})" if value else "blank"


@pytest.fixture(scope="module")
def site() -> Iterator[Caller]:
    with Simulator.start(masters=SITE, options=["--guid", "optional"]) as simulator:
        yield Caller(simulator)


@pytest.fixture(scope="module")
def nobody(site: Caller) -> SpectrumSettings:
    """The site's descriptions of its services, at an address where nobody listens."""
    settings = SpectrumSettings(
        site.simulator.url, "WID", AUTHORIZATION, "one", connect_timeout=1, read_timeout=1
    )
    described = SpectrumAdapter(settings).fetch_wsdls()
    return replace(settings, base_url="http://127.0.0.1:9", wsdls=described)


@pytest.fixture(scope="module")
def header_of_lines(site: Caller) -> Mapping[str, str]:
    """The key under which lines can be stored."""
    key = {**_record(HEADER, number="SC-1234567")}
    assert _answers(site, HEADER, key) == []
    return key


def _record(method: str, *, number: str) -> dict[str, str]:
    record = {
        "Authorization_ID": AUTHORIZATION,
        "Company_Code": "WID",
        "Vendor_Code": VENDOR,
        "Subcontract_Number": number,
    }
    if method == HEADER:
        return record | {"Job_Number": JOB, "GL_Account": ACCOUNT}
    return record | {"Phase_Code": PHASE, "Cost_Type": COST_TYPE, "Original_Contract_Amount": "1.00"}


def _answers(site: Caller, method: str, record: Mapping[str, str]) -> list[str]:
    return [row["error_code"] for row in site.put(method, **record)]


@pytest.mark.parametrize(("method", "rows"), [(HEADER, HEADER_ROWS), (LINE, LINE_ROWS)])
def test_no_row_is_left_out(site: Caller, method: str, rows: list[tuple[str, list[str], list[str]]]) -> None:
    named = [element for element, _, _ in rows]
    assert named == [field.name for field in LAYOUTS[method].fields]
    assert named == [name for name, _ in site.service(method).get_element(f"ns0:{method}").type.elements]
    assert all(fits and does_not for _, fits, does_not in rows)


@pytest.mark.parametrize(("method", "element", "value"), values(fit=True))
def test_what_fits_is_let_past_and_taken(
    site: Caller, header_of_lines: Mapping[str, str], method: str, element: str, value: str
) -> None:
    assert LAYOUTS[method][element].describe_issue(value) == ""
    number = f"N{next(_numbers)}" if method == HEADER else "SC-1234567"
    assert _answers(site, method, _record(method, number=number) | {element: value}) == []


@pytest.mark.parametrize(("method", "element", "value"), [*values(fit=False), *forms()])
def test_what_does_not_fit_is_stopped_here_and_refused_there(
    site: Caller, header_of_lines: Mapping[str, str], method: str, element: str, value: str
) -> None:
    assert LAYOUTS[method][element].describe_issue(value) != ""
    number = f"N{next(_numbers)}" if method == HEADER else "SC-1234567"
    record = _record(method, number=number) | {element: value}
    answers = _answers(site, method, record)
    assert answers
    assert set(answers) <= {"A", "I", "M"}


@pytest.mark.parametrize(
    ("method", "element", "value"),
    [case for case in values(fit=False) if case.values[1] not in ("Authorization_ID", "GUID")],
)
def test_what_does_not_fit_never_leaves(
    nobody: SpectrumSettings, method: str, element: str, value: str
) -> None:
    # The two secrets are no part of a call: they come from the connection, at the last moment.
    record = _record(method, number="SC-1") | {element: value}
    elements = (Element(field.name, record.get(field.name, "")) for field in LAYOUTS[method].public)
    outcome = SpectrumAdapter(nobody).send_call(Call(method, "Subcontract", tuple(elements)))
    assert isinstance(outcome, NotSent)
    assert not outcome.transient
