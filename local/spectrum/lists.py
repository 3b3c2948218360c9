"""The services that list masters: GetJob and GetPhase over SOAP, the vendors over REST.

Source: the vendor's pages "Get Job", "Get Phase" and "Get Vendors". Guessed are the pattern of a
parameter (`*` for any end, `,` between two), the JSON around the vendors, and that they are capped
like the others. Nothing is written, so that these calls are not in the log of calls.
"""

import base64
import binascii
import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from local.spectrum import calls, masters, soap
from local.spectrum.endpoint import HTML, JSON, Reply, Switches
from local.spectrum.faults import FaultScript
from local.spectrum.layouts import GET_JOB, GET_PHASE, Layout
from local.spectrum.store import Store, padded

VENDORS = "GetVendors"
LAYOUTS: Mapping[str, Layout] = MappingProxyType({layout.method: layout for layout in (GET_JOB, GET_PHASE)})

Row = Mapping[str, str]

_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        GET_JOB.method: (
            *("Company_Code", "Job_Number", "Job_Description", "Division", "Project_Manager"),
            *("Superintendent", "Estimator", "Customer_Code", "Status_Code"),
        ),
        GET_PHASE.method: (
            *("Company_Code", "Job_Number", "Phase_Code", "Cost_Type", "Description", "Status_Code"),
            *("Unit_of_Measure", "Estimated_Dollars", "Projected_Dollars", "JTD_Dollars"),
        ),
    }
)
_PHASE = "(Company_Code, Job_Number, Phase_Code, Cost_Type)"
_TABLES = {
    GET_JOB.method: "JC_JOB_MASTER_MC",
    GET_PHASE.method: f"JC_PHASE_MASTER_MC LEFT JOIN JC_PHASE_ESTIMATE_TOTAL_MC USING {_PHASE}",
}
_SORTS = {
    "D": "Division",
    "P": "Project_Manager",
    "S": "Superintendent",
    "E": "Estimator",
    "C": "Customer_Code",
}
_ERROR = ("Error_Code", "Error_Description", "Error_Column")
_NOT_AUTHORISED = "Authorization ID is not setup for this service and company."
_MAINTENANCE = b"<!DOCTYPE html><html><body><h1>Down for maintenance</h1></body></html>"


class Lists:
    """Answers one call; `cap` is the most rows that a reply holds."""

    def __init__(self, store: Store, faults: FaultScript, switches: Switches) -> None:
        self.store = store
        self.faults = faults
        self.switches = switches
        self.cap = switches.list_cap

    def answer(self, layout: Layout, body: bytes) -> Reply:
        """One SOAP call."""
        try:
            sent = soap.read_request(body, layout)
        except soap.BadRequestError as error:
            return Reply(500, soap.fault("Client", str(error)), wire=calls.FAULT)
        with self.store.reading() as db:
            authorised = _may(db, sent["pCompany_Code"], sent["Authorization_ID"], layout.method)
            rows = _matching(db, layout, sent, self.switches.any_ending) if authorised else []
        fault = self._fault(layout.method)
        if fault == "html_maintenance":
            return Reply(503, _MAINTENANCE, HTML, calls.ERROR_PAGE)
        if not authorised or fault == "unauthorised":
            rows = [_error("E", _NOT_AUTHORISED, "Authorization_ID")]
        elif self.switches.guid_is_mandatory and not sent["GUID"]:
            rows = [_error("M", "GUID is required", "GUID")]
        reply = soap.list_reply(layout.method, (*_COLUMNS[layout.method], *_ERROR), self._capped(rows))
        if fault == "cut_off_xml":
            return Reply(body=without_end(reply), wire=calls.CUT_OFF)
        return Reply(self._status(rows), reply)

    def vendors(
        self, company: str, authorization: str, query: Mapping[str, str], *, vouched: bool = False
    ) -> Reply:
        """One REST call: the active vendors of the company. The gateway of a hosted site has vouched
        for whoever comes with its token; Basic, which stands in the same header, is not asked for then."""
        fault = self._fault(VENDORS)
        if fault == "html_maintenance":
            return Reply(503, _MAINTENANCE, HTML, calls.ERROR_PAGE)
        user, _, authorization_id = _basic(authorization).partition(":")
        with self.store.reading() as db:
            known = masters.services_granted(db, authorization_id) and user.upper() == company.upper()
            if not (vouched or known):
                return Reply(401, b'{"message": "Unauthorized"}', JSON, calls.ERROR_PAGE)
            authorised = vouched or _may(db, company, authorization_id, VENDORS)
            rows = _active_vendors(db, company, query, self.switches.any_ending) if authorised else []
        if not authorised or fault == "unauthorised":
            rows = [_error("E", _NOT_AUTHORISED, "Authorization_ID")]
        text = json.dumps({"response": self._capped(rows)})
        if fault == "cut_off_xml":
            return Reply(body=text.encode()[: len(text) * 3 // 4], content_type=JSON, wire=calls.CUT_OFF)
        return Reply(self._status(rows), text.encode(), JSON)

    def _status(self, rows: Sequence[Row]) -> int:
        told = bool(rows) and rows[0].get("Error_Code", "") not in {"", "W"}
        return self.switches.error_status if told else 200

    def knows(self, authorization: str) -> bool:
        """True if a header holds Basic with an Authorization_ID of the site."""
        with self.store.reading() as db:
            return bool(masters.services_granted(db, _basic(authorization).partition(":")[2]))

    def _capped(self, rows: Sequence[Row]) -> Sequence[Row]:
        if len(rows) <= self.cap:
            return rows
        told = f"The number of records exceeds the maximum of {self.cap}"
        return [*rows[: self.cap], _error("W", told, "")]

    def _fault(self, method: str) -> str:
        fault = self.faults.strike(method, "")
        return fault.kind if fault else ""


def without_end(reply: bytes) -> bytes:
    """A reply that lost its closing tags, as large ones do: from the last whole row on."""
    end = b"</response>"
    return reply[: reply.rfind(end) + len(end)]


def _matching(db: sqlite3.Connection, layout: Layout, sent: Mapping[str, str], any_ending: str) -> list[Row]:
    phases = layout.method == GET_PHASE.method
    order = ("Job_Number", "Phase_Code", "Cost_Type") if phases else ("Job_Number",)
    if sent["pSort_By"]:
        order = ("Cost_Type" if phases else _SORTS.get(sent["pSort_By"], "Job_Number"), *order)
    filters = {
        name.removeprefix("p"): sent[name]
        for name in LAYOUTS[layout.method].names
        if name
        not in {"Authorization_ID", "GUID", "pCompany_Code", "pStatus_Code", "pCost_Center", "pSort_By"}
    }
    rows = db.execute(
        f"SELECT * FROM {_TABLES[layout.method]} WHERE Company_Code = ? ORDER BY {', '.join(order)}",
        (padded(sent["pCompany_Code"], 3),),
    )
    statuses = sent["pStatus_Code"] or "AI"
    return [
        _shown(row)
        for row in rows
        if row["Status_Code"] in statuses
        and all(_meets(row[name], filters[name], any_ending) for name in filters)
    ]


def _shown(row: sqlite3.Row) -> Row:
    shown = {name: "" if value is None else value for name, value in dict(row).items()}
    return {**shown, "Unit_of_Measure": shown.get("Unit_Of_Measure", "")}


def _meets(value: str, pattern: str, any_ending: str) -> bool:
    """True if a value is one of those that a parameter asks for; blank asks for all."""
    return not pattern or any(
        re.fullmatch(
            ".*".join(re.escape(part) for part in (each.split(any_ending) if any_ending else [each])),
            value.strip(),
            re.IGNORECASE | re.DOTALL,
        )
        for each in pattern.split(",")
    )


def _active_vendors(
    db: sqlite3.Connection, company: str, query: Mapping[str, str], any_ending: str
) -> list[Row]:
    rows = db.execute(
        "SELECT * FROM VN_VENDOR_MASTER_MC WHERE Company_Code = ? AND Status = 'A' ORDER BY Vendor_Code",
        (padded(company, 3),),
    )
    # A filter counts only where cost centers are named with it.
    name = query.get("pName", "") if query.get("pCostCenter") else ""
    open_ended = bool(any_ending) and name.endswith(any_ending)
    beginning = name.removesuffix(any_ending)
    return [
        {
            "Company_Code": row["Company_Code"],
            "Vendor_Code": row["Vendor_Code"],
            "Name": row["Vendor_Name"][:30],
        }
        for row in rows
        if not name
        or row["Vendor_Name"][:30].upper() == name.upper()
        or (open_ended and row["Vendor_Name"].upper().startswith(beginning.upper()))
    ]


def _may(db: sqlite3.Connection, company: str, authorization_id: str, method: str) -> bool:
    granted = masters.services_granted(db, authorization_id)
    return bool(granted & {(company.upper(), method), (company.upper(), masters.ANY_SERVICE)})


def _error(code: str, text: str, column: str) -> Row:
    return dict(zip(_ERROR, (code, text, column), strict=True))


def _basic(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
