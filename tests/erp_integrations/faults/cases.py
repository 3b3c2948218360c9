"""The faults of the field, each as a script for the simulator; the order is that of the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.simulator import Simulator

HEADER, LINE = "UpdateSubcontract", "UpdateSubcontractPhases"
LATE = 0.4  # seconds until a late commit
WHILE_REFUSED = 4.0  # seconds; nobody can end it sooner
UNTIL_ENDED = 600.0

ByHand = Callable[[Simulator, str, str], None]


@dataclass(frozen=True)
class Fault:
    """``script`` is what the simulator is told; ``by_hand`` is done in Spectrum after the acceptance.

    ``known`` is whether Spectrum's services were described to us before it. One that ``stays`` is
    still there at the second look; all others are over by then.
    """

    words: str
    script: tuple[Mapping[str, Any], ...] = ()
    by_hand: ByHand | None = None
    known: bool = True
    stays: bool = False


def _entered(simulator: Simulator, company: str, number: str) -> None:
    simulator.enter(
        Company_Code=company,
        Vendor_Code="ACME",
        Subcontract_Number=number,
        Job_Number="24-002",
        lines=[{"Phase_Code": "0330000", "Cost_Type": "S", "Original_Contract_Amount": "1000.00"}],
    )


def _on_header(kind: str, **more: object) -> tuple[Mapping[str, Any], ...]:
    return ({"kind": kind, "method": HEADER, **more},)


def _on_line(kind: str, number: int = 2, **more: object) -> tuple[Mapping[str, Any], ...]:
    return ({"kind": kind, "method": LINE, "on_call": number, **more},)


def _of_the_site(kind: str, **more: object) -> tuple[Mapping[str, Any], ...]:
    return ({"kind": kind, "on_call": 0, **more},)


FAULTS = (
    Fault(
        "The connection is refused before the first call",
        _of_the_site("refuse_connection", seconds=WHILE_REFUSED),
    ),
    Fault(
        "The connection is refused after the header", _on_header("refuse_connection", seconds=WHILE_REFUSED)
    ),
    Fault("Spectrum is slow, within our patience", _on_header("slow", seconds=LATE)),
    Fault("The header hangs and nothing is stored", _on_header("hang_before_commit", seconds=LATE)),
    Fault("Line 2 hangs and is not stored", _on_line("hang_before_commit", seconds=LATE)),
    Fault("The header is stored after we gave up", _on_header("late_commit", seconds=LATE)),
    Fault("Line 1 is stored after we gave up", _on_line("late_commit", 1, seconds=LATE)),
    Fault("Line 2 is stored after we gave up", _on_line("late_commit", seconds=LATE)),
    Fault("The header is stored, then it hangs", _on_header("commit_then_hang", seconds=LATE)),
    Fault("Line 1 is stored, then the connection is reset", _on_line("commit_then_reset", 1)),
    Fault("Line 2 is stored, then the connection is reset", _on_line("commit_then_reset")),
    Fault("The header is stored and answered with status 500", _on_header("commit_then_500")),
    Fault("Line 1 is stored and answered with a SOAP fault", _on_line("commit_then_fault", 1)),
    Fault("Line 2 is stored and answered with XML that is cut off", _on_line("cut_off_xml")),
    Fault("The reply to line 1 holds characters that XML does not allow", _on_line("bad_characters", 1)),
    Fault("The reply to the header holds two answers, and one refuses", _on_header("two_answers")),
    Fault(
        "The header is not stored, and answered each time with the same broken text",
        _on_header("unreadable", times=99),
        stays=True,
    ),
    Fault("A maintenance page answers the header", _on_header("html_maintenance")),
    Fault("A maintenance page answers line 2", _on_line("html_maintenance")),
    Fault("The secret has expired (status 401)", _on_header("expired_secret")),
    Fault("The right to call was taken away", _on_header("unauthorised")),
    Fault("The GUID's time is over in the middle of the group", _on_line("guid_timed_out")),
    Fault("The operator may not touch the job (code A)", _on_header("job_security", times=99), stays=True),
    Fault(
        "Line 2 is aborted (code A) for the cost center",
        _on_line("abort", text="No access to cost center 200", times=99),
    ),
    Fault("Code A without a word, once", _on_header("abort")),
    Fault("The header is locked by a user", _on_header("locked")),
    Fault("Line 2 is locked by a user", _on_line("locked")),
    Fault("Line 2 stays locked", _on_line("locked", times=99), stays=True),
    Fault(
        "The Authorization_ID injects a default",
        _on_header("injected_default", column="Retention_Percent", text="7.5"),
    ),
    Fault(
        "Info-Link shows it late, later than it was told to be",
        _of_the_site("read_back_lag", seconds=UNTIL_ENDED),
    ),
    Fault(
        "Info-Link does not answer before the first call",
        _of_the_site("read_back_outage", seconds=UNTIL_ENDED),
    ),
    Fault("Info-Link does not answer after the last call", _on_line("read_back_outage", seconds=UNTIL_ENDED)),
    Fault(
        "A person edits the header before it is read back",
        _on_line("person_edits", column="Comment", text="By hand"),
    ),
    Fault(
        "A person edits line 2 before it is read back",
        _on_line("person_edits", column="Original_Contract_Amount", text="7.00"),
    ),
    Fault("A person deletes it before it is read back", _on_line("person_deletes")),
    Fault(
        "A person gives its vendor another code before it is read back",
        _on_line("person_recodes", text="ACMENEW"),
    ),
    Fault("Another job's subcontract took the number after Accept", by_hand=_entered),
    Fault("Another job's subcontract takes the number in the same moment", _on_header("number_taken")),
    Fault(
        "The service has a new element, before the first export",
        _of_the_site("wsdl_drift"),
        known=False,
        stays=True,
    ),
    Fault("The service has a new element, after earlier exports", _of_the_site("wsdl_drift"), stays=True),
    Fault(
        "The line's service has a new element in the middle of the group",
        _on_line("wsdl_drift", 1),
        stays=True,
    ),
)
