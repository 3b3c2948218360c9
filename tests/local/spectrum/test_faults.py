"""Scripted faults: each breaks the wire as it says, and stores exactly when it says."""

import copy
import http.client
import json
import time
from typing import Any

import pytest
import requests
import zeep.exceptions
from zeep.transports import Transport

from tests.local.spectrum.conftest import Caller
from tests.local.spectrum.test_soap import elements, envelope
from tests.simulator import AUTHORIZATION_ID, MASTERS, Simulator

ACCEPTED: list[tuple[str, str]] = []


@pytest.fixture
def impatient(spectrum_simulator: Simulator) -> Caller:
    """A caller that waits for half a second and never tries again."""
    caller = Caller(spectrum_simulator)
    for method in ("UpdateSubcontract", "UpdateSubcontractPhases"):
        caller.service(method).transport = Transport(operation_timeout=0.5)
    return caller


@pytest.mark.parametrize(
    ("fault", "error", "stored", "wire"),
    [
        (
            {"kind": "hang_before_commit", "seconds": 0.1},
            requests.ConnectionError,
            False,
            "no answer, hung up",
        ),
        ({"kind": "commit_then_hang", "seconds": 0.1}, requests.ConnectionError, True, "no answer, hung up"),
        ({"kind": "commit_then_reset"}, requests.ConnectionError, True, "no answer, reset"),
        # An HTML page is no XML to zeep: its document type is what it stumbles over.
        ({"kind": "commit_then_500"}, zeep.exceptions.Error, True, "error page"),
        ({"kind": "html_maintenance"}, zeep.exceptions.Error, False, "error page"),
        ({"kind": "commit_then_fault"}, zeep.exceptions.Fault, True, "answered"),
        ({"kind": "cut_off_xml"}, zeep.exceptions.Error, True, "cut off"),
    ],
)
def test_a_fault_that_breaks_the_reply(
    impatient: Caller, number: str, fault: dict[str, Any], error: type[Exception], stored: bool, wire: str
) -> None:
    impatient.simulator.set_faults(fault)
    with pytest.raises(error):
        impatient.header(Subcontract_Number=number)
    assert (impatient.simulator.record(number) is not None) == stored
    call = impatient.simulator.calls()[-1]
    assert (call["fault"], call["stored"], call["wire"]) == (fault["kind"], stored, wire)
    # It is spent: the next call is an ordinary one.
    assert impatient.header(Subcontract_Number=number) == ACCEPTED


def test_a_slow_call_works_in_the_end(impatient: Caller, number: str) -> None:
    impatient.simulator.set_faults({"kind": "slow", "seconds": 0.2})
    started = time.monotonic()
    assert impatient.header(Subcontract_Number=number) == ACCEPTED
    assert time.monotonic() - started >= 0.2


def test_a_call_slower_than_the_callers_patience_commits_late(impatient: Caller, number: str) -> None:
    impatient.simulator.set_faults({"kind": "slow", "seconds": 1.0})
    with pytest.raises(requests.Timeout):
        impatient.header(Subcontract_Number=number)
    assert impatient.simulator.record(number) is None
    assert impatient.simulator.calls()[-1]["outcome"] == "running"
    until = time.monotonic() + 5
    while impatient.simulator.record(number) is None and time.monotonic() < until:
        time.sleep(0.05)
    assert impatient.simulator.record(number) is not None


def test_a_hanging_call_holds_up_nobody_else(impatient: Caller, number: str) -> None:
    impatient.simulator.set_faults({"kind": "hang_before_commit", "seconds": 3, "key": number})
    with pytest.raises(requests.Timeout):
        impatient.header(Subcontract_Number=number)
    started = time.monotonic()
    assert impatient.header(Subcontract_Number=f"{number}-B") == ACCEPTED
    assert time.monotonic() - started < 1


def test_a_reset_reaches_the_caller_as_a_reset(spectrum_simulator: Simulator) -> None:
    spectrum_simulator.set_faults({"kind": "commit_then_reset"})
    connection = http.client.HTTPConnection("127.0.0.1", spectrum_simulator.port, timeout=5)
    try:
        connection.request("POST", "/ws/UpdateSubcontract", envelope(elements=elements("RST-1")))
        with pytest.raises(ConnectionResetError):
            connection.getresponse()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("fault", "row"),
    [
        (
            {"kind": "unauthorised"},
            {
                "error_code": "A",
                "desc": "The Web Service is not authorized. Authorization ID is not setup in the system.",
                "column": "Authorization_ID",
            },
        ),
        (
            {"kind": "refuse", "column": "GL_Account", "text": "GL Account does not match GL Mask"},
            {"error_code": "I", "desc": "GL Account does not match GL Mask", "column": "GL_Account"},
        ),
        (
            {"kind": "abort", "text": "Access denied"},
            {"error_code": "A", "desc": "Access denied", "column": ""},
        ),
        (
            {"kind": "job_security"},
            {"error_code": "A", "desc": "Operator is not authorized for job", "column": "Job_Number"},
        ),
        (
            {"kind": "locked"},
            {
                "error_code": "I",
                "desc": "The record is in use by another user",
                "column": "Subcontract_Number",
            },
        ),
    ],
)
def test_a_fault_that_answers_and_stores_nothing(
    caller: Caller, number: str, fault: dict[str, Any], row: dict[str, str]
) -> None:
    caller.header(Subcontract_Number=number, Comment="before")
    caller.simulator.set_faults(fault)
    given = {"Company_Code": "PHL", "Vendor_Code": "ACME", "Subcontract_Number": number, "Comment": "after"}
    assert caller.put("UpdateSubcontract", **given) == [row]
    assert caller.stored(number)["Comment_1"] == "before"


def test_two_answers_and_broken_text_store_nothing(caller: Caller, number: str) -> None:
    for kind, told in (("two_answers", b"</returnArray></nis:"), ("unreadable", b"did not end as planned")):
        caller.simulator.set_faults({"kind": kind})
        _, _, body = caller.raw("POST", "/ws/UpdateSubcontract", envelope(elements=elements(number)))
        assert body.count(told) == (2 if kind == "two_answers" else 1)
        assert caller.simulator.record(number) is None


def test_bad_characters_come_after_the_record_is_stored(caller: Caller, number: str) -> None:
    caller.simulator.set_faults({"kind": "bad_characters"})
    _, _, body = caller.raw("POST", "/ws/UpdateSubcontract", envelope(elements=elements(number)))
    assert b"<desc>Walls &#x1B; don\x92t \x1bmove</desc>" in body
    assert caller.stored(number)


def test_a_job_that_is_closed_to_a_caller_refuses_it_until_somebody_lets_it_in() -> None:
    masters = copy.deepcopy(MASTERS)
    masters["companies"][0]["jobs"][0]["closed_to"] = [AUTHORIZATION_ID]
    with Simulator.start(masters=masters) as simulator:
        caller = Caller(simulator)
        assert caller.header(Subcontract_Number="SC-1") == [("A", "Job_Number")]
        assert caller.header(Subcontract_Number="SC-2", Job_Number="24-002") == ACCEPTED
        assert simulator.calls()[0]["outcome"] == "refused"
        path = f"/simulator/job-security/PHL/24-001/{AUTHORIZATION_ID}"
        assert [caller.raw("DELETE", path)[0] for _ in range(2)] == [200, 404]
        assert caller.header(Subcontract_Number="SC-1") == ACCEPTED


def test_a_fault_waits_for_its_call_counted_from_now(caller: Caller, number: str) -> None:
    caller.header(Subcontract_Number=number)
    caller.simulator.set_faults({"kind": "locked", "on_call": 2, "times": 2})
    answers = ["".join(code for code, _ in caller.header(Subcontract_Number=number)) for _ in range(4)]
    assert answers == ["", "I", "I", ""]
    (fault,) = caller.simulator.faults()
    assert (fault["seen"], fault["fired"], fault["is_spent"]) == (3, 2, True)


def test_a_fault_can_be_for_one_method_and_one_number(caller: Caller, number: str) -> None:
    other = f"{number}-B"
    caller.simulator.set_faults(
        {"kind": "locked", "method": "UpdateSubcontractPhases", "key": number.lower()}
    )
    assert caller.header(Subcontract_Number=number) == ACCEPTED
    assert caller.header(Subcontract_Number=other) == ACCEPTED
    assert caller.line(Subcontract_Number=other) == ACCEPTED
    assert caller.line(Subcontract_Number=number) == [("I", "Subcontract_Number")]


def test_only_one_fault_strikes_a_call_and_the_next_waits(caller: Caller, number: str) -> None:
    caller.simulator.set_faults({"kind": "locked"}, {"kind": "unauthorised"})
    codes = ["".join(code for code, _ in caller.header(Subcontract_Number=number)) for _ in range(3)]
    assert codes == ["I", "A", ""]


def test_what_was_refused_anyway_is_not_stored_by_a_fault_after_the_commit(
    impatient: Caller, number: str
) -> None:
    impatient.simulator.set_faults({"kind": "commit_then_fault"})
    with pytest.raises(zeep.exceptions.Fault, match="Error executing Web Service"):
        impatient.header(Subcontract_Number=number, Vendor_Code="NOBODY")
    assert impatient.simulator.calls()[-1]["stored"] is False


def test_faults_are_added_listed_and_cleared(caller: Caller) -> None:
    document = json.dumps({"faults": [{"kind": "slow"}]}).encode()
    for _ in range(2):
        status, _, _ = caller.raw("POST", "/simulator/faults", document, Content_Type="application/json")
        assert status == 200
    assert [fault["kind"] for fault in caller.simulator.faults()] == ["slow", "slow"]
    assert caller.raw("DELETE", "/simulator/faults")[0] == 200
    assert caller.simulator.faults() == []


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{", b"Expecting property name"),
        ("[]", b"the document must be"),
        ('{"faults": [1]}', b"each fault must be an object"),
        ('{"faults": [{"kind": "meteor"}]}', b"kind must be one of slow"),
        ('{"faults": [{"kind": ["slow"]}]}', b"kind must be one of slow"),
        ('{"faults": [{"kind": "slow", "seconds": -1}]}', b"seconds must be a number"),
        ('{"faults": [{"kind": "slow", "seconds": NaN}]}', b"seconds must be a number"),
        ('{"faults": [{"kind": "slow", "on_call": 0}]}', b"on_call must be a whole number from 1"),
        ('{"faults": [{"kind": "wsdl_drift", "on_call": -1}]}', b"on_call must be a whole number from 0"),
        ('{"faults": [{"kind": "wsdl_drift", "method": "Nope"}]}', b"method must be one of"),
        ('{"faults": [{"kind": "slow", "probability": 2}]}', b"probability must be a number from 0 to 1"),
        ('{"faults": [{"kind": "slow", "probability": "often"}]}', b"probability must be a number"),
        ('{"faults": [{"kind": "person_edits", "text": "x"}]}', b"person_edits needs a column"),
        ('{"faults": [{"kind": "injected_default", "column": "Colour"}]}', b"needs a column"),
        ('{"faults": [{"kind": "slow", "times": true}]}', b"times must be a whole number from 1"),
        ('{"faults": [{"kind": "slow", "key": 5}]}', b"key must be text"),
        ('{"faults": [{"kind": "slow", "speed": 5}]}', b"a fault has no speed"),
        ('{"faults": [{"kind": "slow"}, {"kind": "meteor"}]}', b"kind must be one of slow"),
    ],
)
def test_a_script_that_makes_no_sense_is_refused_whole(caller: Caller, document: str, says: bytes) -> None:
    status, _, body = caller.raw(
        "POST", "/simulator/faults", document.encode(), Content_Type="application/json"
    )
    assert status == 400
    assert says in body
    assert caller.simulator.faults() == []


def test_a_form_on_another_site_can_not_script_faults(caller: Caller) -> None:
    document = b'{"faults": [{"kind": "slow"}]}'
    status, _, _ = caller.raw("POST", "/simulator/faults", document, Content_Type="text/plain")
    assert status == 415
    assert caller.simulator.faults() == []
