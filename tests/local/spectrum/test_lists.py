"""The lists: what is in them, how they are narrowed, capped, refused and cut."""

import base64
import json
from collections.abc import Iterator

import pytest
from lxml import etree

from tests.local.spectrum.conftest import Caller
from tests.simulator import AUTHORIZATION_ID, MASTERS, Simulator

CAP = 3


def basic(user: str = "PHL", password: str = AUTHORIZATION_ID) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def job(number: str, status: str = "A", **more: str) -> dict[str, object]:
    return {"number": number, "description": f"Job {number}", "status": status, "phases": [], **more}


JOBS = [job("J1", customer="B"), job("J2"), job("J3", "I", customer="A"), job("J4", "C", customer="AB")]


@pytest.fixture(scope="module")
def lister() -> Iterator[Caller]:
    company = {**MASTERS["companies"][0], "jobs": [*MASTERS["companies"][0]["jobs"], *JOBS]}
    document = {"companies": [company, *MASTERS["companies"][1:]]}
    with Simulator.start(masters=document, options=["--list-cap", str(CAP)]) as simulator:
        yield Caller(simulator)


@pytest.fixture(autouse=True)
def no_faults(lister: Caller) -> Iterator[None]:
    yield
    lister.simulator.set_faults()


def listed(lister: Caller, method: str, **given: str) -> list[dict[str, str]]:
    usual = {"Authorization_ID": AUTHORIZATION_ID, "GUID": "one", "pCompany_Code": "PHL"}
    client = lister.service(method)
    names = [name for name, _ in client.get_element(f"ns0:{method}").type.elements]
    answer = client.service[method](**(dict.fromkeys(names, "") | usual | given))
    (wrapper,) = answer[0]
    assert wrapper.tag == method[:1].lower() + method[1:]
    return [{e.tag: e.text or "" for e in row} for row in wrapper]


def numbers(rows: list[dict[str, str]]) -> list[str]:
    return [row["Job_Number"].strip() or row["Error_Code"] for row in rows]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"pStatus_Code": "C"}, ["J4"]),
        ({"pStatus_Code": "I"}, ["J3"]),
        ({"pCustomer_Code": "A"}, ["J3"]),
        ({"pCustomer_Code": "a*"}, ["J3"]),
        ({"pCustomer_Code": "A*", "pStatus_Code": "C"}, ["J4"]),
        ({"pCustomer_Code": "A,B"}, ["J1", "J3"]),
        ({"pCustomer_Code": "Z"}, []),
        ({}, ["24-001", "24-002", "J1", "W"]),
        ({"pSort_By": "C"}, ["24-001", "24-002", "J2", "W"]),
    ],
)
def test_jobs_are_narrowed_sorted_and_capped(lister: Caller, given: dict[str, str], found: list[str]) -> None:
    assert numbers(listed(lister, "GetJob", **given)) == found


def test_phases_come_one_row_for_each_cost_type_and_padded(lister: Caller) -> None:
    rows = listed(lister, "GetPhase", pJob_Number="24-001", pCost_Type="S")
    assert [(row["Phase_Code"], row["Status_Code"]) for row in rows] == [
        ("0330000".ljust(20), "A"),
        ("0510000".ljust(20), "A"),
        ("0990000".ljust(20), "I"),
    ]
    assert [row["Estimated_Dollars"] for row in rows] == ["10000.00", "", ""]
    assert numbers(listed(lister, "GetPhase", pJob_Number="24-001"))[-1] == "W"
    complete = listed(lister, "GetPhase", pJob_Number="24-001", pStatus_Code="C")
    assert [row["Phase_Code"].strip() for row in complete] == ["0999999"]


@pytest.mark.parametrize(
    "given",
    [{"Authorization_ID": "NOBODY"}, {"Authorization_ID": "HEADERS-ONLY-3X"}, {"pCompany_Code": "NYC"}],
)
def test_who_has_no_right_gets_one_row_of_code_e(lister: Caller, given: dict[str, str]) -> None:
    (row,) = listed(lister, "GetJob", **given)
    assert (row["Error_Code"], row["Error_Column"]) == ("E", "Authorization_ID")


def test_a_request_without_an_element_is_a_fault(lister: Caller) -> None:
    status, _, body = lister.raw("POST", "/ws/GetJob", b"<a/>", Content_Type="text/xml")
    assert status == 500
    assert b"SOAP-ENV:Client" in body


def test_a_list_is_in_no_log_of_calls(lister: Caller) -> None:
    listed(lister, "GetJob")
    assert lister.simulator.calls() == []


def vendors(lister: Caller, query: str = "", authorization: str = basic()) -> tuple[int, object]:
    status, _, body = lister.raw("GET", f"/vendors/PHL{query}", Authorization=authorization)
    return status, json.loads(body)


def test_only_active_vendors_are_listed(lister: Caller) -> None:
    status, document = vendors(lister)
    assert status == 200
    assert document == {
        "response": [
            {"Company_Code": "PHL", "Vendor_Code": "ACME      ", "Name": "Acme Mechanical, Inc."},
            {"Company_Code": "PHL", "Vendor_Code": "BOLT      ", "Name": "Bolt & Sons <Steel>"},
        ]
    }


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?pCostCenter=ALL&pName=BOLT*", 1),
        ("?pCostCenter=ALL&pName=bolt", 0),
        ("?pCostCenter=ALL&pName=Bolt+%26+Sons+%3CSteel%3E", 1),
        ("?pName=BOLT*", 2),
    ],
)
def test_vendors_are_narrowed_by_name_where_cost_centers_are_named(
    lister: Caller, query: str, count: int
) -> None:
    _, document = vendors(lister, query)
    assert isinstance(document, dict)
    assert len(document["response"]) == count


@pytest.mark.parametrize(
    "authorization", ["", "Bearer x", "Basic !", basic(password="NOBODY"), basic(user="NYC")]
)
def test_vendors_are_for_the_company_s_own_authorisation(lister: Caller, authorization: str) -> None:
    assert vendors(lister, authorization=authorization)[0] == 401


def test_an_authorisation_for_other_services_gets_a_row_of_code_e(lister: Caller) -> None:
    _, document = vendors(lister, authorization=basic(password="HEADERS-ONLY-3X"))
    assert isinstance(document, dict)
    assert [row["Error_Code"] for row in document["response"]] == ["E"]


def test_a_list_can_be_cut_refused_or_away(lister: Caller) -> None:
    simulator = lister.simulator
    simulator.set_faults({"kind": "cut_off_xml", "method": "GetVendors"})
    _, _, body = lister.raw("GET", "/vendors/PHL", Authorization=basic())
    with pytest.raises(ValueError, match=r"delimiter|Unterminated|Expecting"):
        json.loads(body)
    for method in ("GetJob", "GetVendors"):
        simulator.set_faults({"kind": "html_maintenance", "method": method})
        assert answer_of(lister, method)[0] == 503
        simulator.set_faults({"kind": "unauthorised", "method": method})
        assert b"not setup for this service" in answer_of(lister, method)[1]


def test_a_fault_that_names_no_service_waits_for_a_write(lister: Caller) -> None:
    lister.simulator.set_faults({"kind": "html_maintenance"})
    assert answer_of(lister, "GetJob")[0] == answer_of(lister, "GetVendors")[0] == 200
    assert lister.simulator.faults()[0]["seen"] == 0


def test_a_cut_list_has_lost_its_closing_tags_and_no_row(lister: Caller) -> None:
    lister.simulator.set_faults({"kind": "cut_off_xml", "method": "GetJob"})
    _, body = answer_of(lister, "GetJob")
    assert body.endswith(b"</response>")
    assert body.count(b"</response>") == CAP + 1


def answer_of(lister: Caller, method: str) -> tuple[int, bytes]:
    if method == "GetVendors":
        status, _, body = lister.raw("GET", "/vendors/PHL", Authorization=basic())
        return status, body
    client = lister.service(method)
    names = [name for name, _ in client.get_element(f"ns0:{method}").type.elements]
    values = dict.fromkeys(names, "") | {
        "Authorization_ID": AUTHORIZATION_ID,
        "GUID": "one",
        "pCompany_Code": "PHL",
    }
    message = client.create_message(client.service, method, **values)
    status, _, body = lister.raw("POST", f"/ws/{method}", etree.tostring(message), Content_Type="text/xml")
    return status, body
