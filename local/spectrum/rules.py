"""Level three: what Spectrum itself checks, defaults and stores for one record.

Each function runs inside one transaction of one call; there is none across calls. A record is
found by its key and changed, or else created. A blank element keeps what is stored, so that
nothing can ever be cleared. Source: the vendor's pages "Add Subcontract" and "Add Subcontract
Phases", their sections "Assumptions and Dependencies".
"""

import datetime as dt
import hashlib
import sqlite3
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from local.spectrum import masters, subcontracts
from local.spectrum.answers import (
    ABORTED,
    GOOD_WITH_INFORMATION,
    Answer,
    RefusedError,
    invalid,
    missing,
    no_right_to_the_job,
    unauthorised,
)
from local.spectrum.layouts import SUBCONTRACT, SUBCONTRACT_NOTES, SUBCONTRACT_PHASE
from local.spectrum.store import padded
from local.spectrum.subcontracts import LineKey, SubcontractKey
from local.spectrum.validation import read_date

if TYPE_CHECKING:
    from local.spectrum.endpoint import Switches

CENT = Decimal("0.01")
NOTES_TOPICS = frozenset({"GENERAL", "ACCOUNTING"})
LONGEST_PAUSE = dt.timedelta(hours=24)
LARGEST_AMOUNT = Decimal("999999999.99")

_STORED_AS_SENT = (
    "Status_Code",
    "Contract_Type",
    "Insurance_Cert_Flag",
    "Contact_Person",
    "Unit_Price_Flag",
    "Routing_Limit",
    "Retention_Percent",
    "Next_Payment_Number",
    "Pay_Override",
    "Disc_Override",
    "Pay_When_Paid",
    "Cost_Center_Override",
)
_STORED_PADDED = {
    "Default_Phase_Code": 20,
    "Default_Cost_Type": 3,
    "Routing_Code1": 10,
    "Routing_Code2": 10,
    "GL_Account": 12,
}


def require_authorisation(db: sqlite3.Connection, sent: Mapping[str, str], *, method: str) -> None:
    """The Authorization_ID must be granted this service in this company. Raises RefusedError."""
    granted = masters.services_granted(db, sent["Authorization_ID"])
    if not granted:
        raise RefusedError(unauthorised("Authorization ID is not setup in the system."))
    company = sent["Company_Code"].upper()
    services = {service for granted_in, service in granted if granted_in == company}
    # A blank company is a missing value, and is told so on the next level.
    if company and not services & {method, masters.ANY_SERVICE}:
        raise RefusedError(unauthorised("Authorization ID is not setup for this service and company."))


def with_defaults(db: sqlite3.Connection, sent: Mapping[str, str]) -> dict[str, str]:
    """The sent values, with those that the Authorization_ID injects where an element is blank."""
    injected = masters.defaults_of(db, sent["Company_Code"], sent["Authorization_ID"])
    return {name: value or injected.get(name, "") for name, value in sent.items()}


def require_session(db: sqlite3.Connection, guid: str, *, now: dt.datetime, mandatory: bool = True) -> None:
    """A GUID may be new; one that nobody used for a day is refused. Raises RefusedError."""
    if not guid:
        if mandatory:
            raise RefusedError(missing("GUID"))
        return
    digest = hashlib.sha256(guid.encode()).hexdigest()  # a secret of the caller's, so not kept as it is
    row = db.execute("SELECT used_at FROM simulator_session WHERE digest = ?", (digest,)).fetchone()
    if row is not None and now - dt.datetime.fromisoformat(row["used_at"]) > LONGEST_PAUSE:
        raise RefusedError(Answer(ABORTED, "Time out has occurred", "GUID"))
    db.execute(
        "INSERT OR REPLACE INTO simulator_session (digest, used_at) VALUES (?, ?)", (digest, now.isoformat())
    )


def put_subcontract(
    db: sqlite3.Connection, sent: Mapping[str, str], *, now: dt.datetime, readings: "Switches"
) -> list[Answer]:
    """Create or change a subcontract's header. Returns information for the caller; raises RefusedError."""
    key = SubcontractKey(sent["Company_Code"], sent["Vendor_Code"], sent["Subcontract_Number"])
    stored = subcontracts.find(db, key)
    found = [*_header_complaints(db, key, sent, stored)]
    if found:
        raise RefusedError(*found)
    changes: dict[str, Any] = (
        {} if stored is not None else _header_defaults(db, key, sent, now.date(), readings)
    )
    changes |= {name: sent[name] for name in _STORED_AS_SENT if sent[name]}
    changes |= {name: padded(sent[name], width) for name, width in _STORED_PADDED.items() if sent[name]}
    changes |= {
        name: read_date(sent[name]).isoformat() for name in ("Sent_Date", "Date_Issued") if sent[name]
    }
    if sent["Comment"]:
        changes |= {"Comment_1": sent["Comment"][:60], "Comment_2": sent["Comment"][60:]}
    changes |= _overridden_terms(sent, stored)
    subcontracts.save(db, key, changes, at=_stamp(now))
    vendor = masters.vendor(db, key.company, key.vendor)
    if vendor is not None and vendor["Status"] != "A":
        return [Answer(GOOD_WITH_INFORMATION, "Vendor_Code is inactive", "Vendor_Code")]
    return []


def put_line(
    db: sqlite3.Connection, sent: Mapping[str, str], *, now: dt.datetime, readings: "Switches"
) -> list[Answer]:
    """Create or change one line of a stored subcontract. Returns information; raises RefusedError."""
    owner = SubcontractKey(sent["Company_Code"], sent["Vendor_Code"], sent["Subcontract_Number"])
    header = subcontracts.find(db, owner)
    if header is None:
        raise RefusedError(invalid("Subcontract_Number", "does not exist for this vendor"))
    # Blanks of the key are filled in before the search, so that they decide which line is meant.
    code = sent["Phase_Code"] or header["Default_Phase_Code"].strip()
    cost_type = sent["Cost_Type"] or header["Default_Cost_Type"].strip()
    blank = [missing(name) for name, value in (("Phase_Code", code), ("Cost_Type", cost_type)) if not value]
    if blank:
        raise RefusedError(*blank)
    phase = _phase_of(db, owner.company, header["Job_Number"], code, cost_type)
    key = LineKey(owner, code, cost_type, sent["Bid_Item_Number"] or phase["Bid_Item_Number"].strip())
    stored = subcontracts.find_line(db, key)
    changes: dict[str, Any] = {}
    if stored is None:
        changes = {
            "Bill_Description": phase["Description"][:25],
            "Unit_Of_Measure": phase["Unit_Of_Measure"],
            "Retention_Flag": "N" if readings.blank_retention == "N" else phase["Retention_Flag"],
        }
    changes |= {
        name: sent[name] for name in ("Bill_Description", "Unit_Of_Measure", "Retention_Flag") if sent[name]
    }
    unit = changes.get("Unit_Of_Measure") or (stored["Unit_Of_Measure"] if stored is not None else "")
    fixed_price = (
        header["Unit_Price_Flag"] != "Y"
        or phase["Price_Method_Code"] not in masters.UNIT_PRICE_PHASES
        or masters.is_fixed_price_unit(db, owner.company, unit)
    )
    if not fixed_price and stored is None and readings.amount_alone == "phase":
        changes["Unit_Price"] = phase["Unit_Price"]
    changes |= _money(sent, fixed_price=fixed_price)
    subcontracts.save_line(db, key, changes, at=_stamp(now))
    if phase["Status_Code"] == "I":
        return [Answer(GOOD_WITH_INFORMATION, "Phase_Code is inactive", "Phase_Code")]
    return []


def put_notes(
    db: sqlite3.Connection, sent: Mapping[str, str], *, now: dt.datetime, readings: "Switches"
) -> list[Answer]:
    """Replace, or append to, what stands under a topic of a stored subcontract. Raises RefusedError.

    With what stands there already it may be longer than the table holds, and is cut then.
    """
    key = SubcontractKey(sent["Company_Code"], sent["Vendor_Code"], sent["Subcontract_Number"])
    found: list[Answer] = []
    if subcontracts.find(db, key) is None:
        found.append(invalid("Subcontract_Number", "does not exist for this vendor"))
    if sent["Notes_Topic"].upper() not in NOTES_TOPICS:
        found.append(invalid("Notes_Topic", "does not exist"))
    if found:
        raise RefusedError(*found)
    append = sent.get("Append_Note", "") == "Y"
    subcontracts.save_notes(db, key, sent["Notes_Topic"], sent["Notes_Text"], append=append)
    return []


def _header_complaints(
    db: sqlite3.Connection, key: SubcontractKey, sent: Mapping[str, str], stored: sqlite3.Row | None
) -> list[Answer]:
    found: list[Answer] = []
    vendor = masters.vendor(db, key.company, key.vendor)
    if vendor is None:
        found.append(invalid("Vendor_Code", "does not exist"))
    elif vendor["Status"] == "N":
        found.append(invalid("Vendor_Code", "is not used"))
    number = sent["Job_Number"]
    if stored is None:
        found += [missing(name) for name in ("Job_Number", "GL_Account") if not sent[name]]
    elif number and padded(number, 10).upper() != stored["Job_Number"].upper():
        found.append(invalid("Job_Number", "can't be changed on an existing subcontract"))
    elif not number:
        number = stored["Job_Number"].strip()
    job = masters.job(db, key.company, number) if number else None
    if number and job is None:
        found.append(invalid("Job_Number", "does not exist"))
    elif job is not None and job["Status_Code"] == "C":
        found.append(invalid("Job_Number", "is complete"))
    elif masters.is_closed_to(db, key.company, number, sent["Authorization_ID"]):
        found.append(no_right_to_the_job(number))
    if sent["Unit_Price_Flag"] == "Y" and not masters.has_unit_prices(job):
        found.append(invalid("Unit_Price_Flag", "can be Y only on a unit-price job"))
    phase, cost_type = sent["Default_Phase_Code"], sent["Default_Cost_Type"]
    if phase and masters.phase(db, key.company, number, phase) is None:
        found.append(invalid("Default_Phase_Code", "does not exist on the job"))
    if cost_type and not masters.has_cost_type(db, key.company, cost_type):
        found.append(invalid("Default_Cost_Type", "does not exist"))
    if account := sent["GL_Account"]:
        ledger = masters.gl_account(db, key.company, account)
        if ledger is None:
            found.append(invalid("GL_Account", "does not exist"))
        elif ledger["kind"] != masters.DIRECT_JOB_COST:
            found.append(invalid("GL_Account", "is not a direct job cost account"))
    company = masters.company(db, key.company)
    start = company["fiscal_start"] if company is not None else None
    if sent["Date_Issued"] and start and read_date(sent["Date_Issued"]) < dt.date.fromisoformat(start):
        found.append(invalid("Date_Issued", "is not inside a fiscal calendar"))
    if sent["Pay_When_Paid"] == "Y" and not _overrides(sent, stored, "Pay_Override"):
        found.append(invalid("Pay_When_Paid", "can be Y only when Pay_Override is Y"))
    return found


def _header_defaults(
    db: sqlite3.Connection, key: SubcontractKey, sent: Mapping[str, str], today: dt.date, readings: "Switches"
) -> dict[str, Any]:
    vendor = masters.vendor(db, key.company, key.vendor)
    job = masters.job(db, key.company, sent["Job_Number"])
    unit_price = masters.has_unit_prices(job) and readings.blank_unit_price_flag == "job"
    return {
        "Job_Number": padded(sent["Job_Number"], 10),
        "Status_Code": "A",
        "Insurance_Cert_Flag": vendor["Insurance_Cert_Flag"] if vendor is not None else "N",
        "Unit_Price_Flag": "Y" if unit_price else "N",
        "Date_Issued": today.isoformat(),
    }


def _overridden_terms(sent: Mapping[str, str], stored: sqlite3.Row | None) -> dict[str, Any]:
    terms: dict[str, Any] = {}
    for override, names in (
        ("Pay_Override", ("Pay_Terms", "Pay_Days")),
        ("Disc_Override", ("Disc_Terms", "Disc_Days", "Disc_Perc")),
    ):
        if _overrides(sent, stored, override):
            terms |= {name: sent[name] for name in names if sent[name]}
    return terms


def _overrides(sent: Mapping[str, str], stored: sqlite3.Row | None, flag: str) -> bool:
    return (sent[flag] or (stored[flag] if stored is not None else "N")) == "Y"


def _phase_of(db: sqlite3.Connection, company: str, job: str, code: str, cost_type: str) -> sqlite3.Row:
    found = masters.job(db, company, job)
    if found is not None and found["Status_Code"] == "C":
        raise RefusedError(invalid("Job_Number", "is complete"))
    if masters.phase(db, company, job, code) is None:
        raise RefusedError(invalid("Phase_Code", "does not exist on the job"))
    phase = masters.phase(db, company, job, code, cost_type)
    if phase is None:
        raise RefusedError(invalid("Cost_Type", "does not exist on the job and phase"))
    if phase["Status_Code"] == "C":
        raise RefusedError(invalid("Phase_Code", "is complete"))
    return phase


def _money(sent: Mapping[str, str], *, fixed_price: bool) -> dict[str, Any]:
    """The part that the price methods let through. Price times quantity wins over a sent amount."""
    price, quantity = sent["Unit_Price"], sent["Original_Contract_Quantity"]
    amount = sent["Original_Contract_Amount"]
    if fixed_price:
        return {"Original_Contract_Amount": amount} if amount else {}
    if price and quantity:
        product = (Decimal(price) * Decimal(quantity)).quantize(CENT, rounding=ROUND_HALF_UP)
        if abs(product) > LARGEST_AMOUNT:
            raise RefusedError(
                invalid("Original_Contract_Amount", "is invalid, the computed amount is too large")
            )
        amount = str(product)
    values = {
        "Unit_Price": price,
        "Original_Contract_Quantity": quantity,
        "Original_Contract_Amount": amount,
    }
    return {name: value for name, value in values.items() if value}


def _stamp(now: dt.datetime) -> str:
    return now.isoformat(timespec="milliseconds")


Put = Callable[..., list[Answer]]

# The methods that this simulator serves. One more entry here and one more layout is one more service.
PUTS: Mapping[str, Put] = MappingProxyType(
    {
        SUBCONTRACT.method: put_subcontract,
        SUBCONTRACT_PHASE.method: put_line,
        SUBCONTRACT_NOTES.method: put_notes,
    }
)
