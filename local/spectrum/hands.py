"""A person's acts at Spectrum's own screens: enter a subcontract, change it, delete it, give it or its
vendor another key, expand the phases, and enter invoices and payments.

The services can't delete, and check much that a person may do. Nothing here goes through them,
and nothing here is in the log of calls.
"""

import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from local.spectrum import masters, subcontracts
from local.spectrum.store import padded
from local.spectrum.subcontracts import LineKey, SubcontractKey

_KEY = ("Company_Code", "Vendor_Code", "Subcontract_Number")
_LINE_KEY = ("Phase_Code", "Cost_Type", "Bid_Item_Number")


class BadRecordError(Exception):
    """The document describes no subcontract that could be entered."""


def enter(db: sqlite3.Connection, document: object, *, at: str) -> SubcontractKey:
    """Enter a subcontract with `lines`, or change what the document names of a stored one.

    Columns are those of the Info-Link tables. A new one needs its job; what else is left out gets
    a plain value. Raises BadRecordError.
    """
    if not isinstance(document, dict) or not all(document.get(name) for name in _KEY):
        raise BadRecordError(f"a subcontract needs {', '.join(_KEY)}")
    key = SubcontractKey(*(str(document[name]) for name in _KEY))
    lines = document.get("lines", [])
    changes = {name: value for name, value in document.items() if name not in {*_KEY, "lines"}}
    if subcontracts.find(db, key) is None:
        if "Job_Number" not in changes:
            raise BadRecordError("a new subcontract needs Job_Number")
        changes = {**_PLAIN_HEADER, "Date_Issued": at[:10], **changes}
    try:
        subcontracts.save(db, key, _as_stored(changes), at=at)
        for line in lines:
            line_key = LineKey(key, *(str(line.get(name, "")) for name in _LINE_KEY))
            values = {name: value for name, value in line.items() if name not in _LINE_KEY}
            subcontracts.save_line(db, line_key, values, at=at)
    except (sqlite3.Error, AttributeError, TypeError) as error:
        raise BadRecordError(f"it can't be stored ({error})") from error
    return key


def edit(db: sqlite3.Connection, sent: Mapping[str, str], column: str, text: str, *, at: str) -> bool:
    """Change one column of the record that a call was about; False when there is none.

    The column is looked for in the line of the call, if it is a line's, and then in the header.
    """
    owner = SubcontractKey(*(sent[name] for name in _KEY))
    header = subcontracts.find(db, owner)
    if header is None:
        return False
    if "Phase_Code" in sent and column in subcontracts.LINE_COLUMNS:
        for line in subcontracts.lines(db, owner):
            key = LineKey(owner, *(line[name].strip() for name in _LINE_KEY))
            if (key.phase, key.cost_type) == (sent["Phase_Code"], sent["Cost_Type"]):
                subcontracts.save_line(db, key, {column: text}, at=at)
                return True
    changes = {"Comment_1": text[:60], "Comment_2": text[60:]} if column == "Comment" else {column: text}
    subcontracts.save(db, owner, _as_stored(changes), at=at)
    return True


def take_number(db: sqlite3.Connection, sent: Mapping[str, str], *, at: str) -> bool:
    """Enter a subcontract of another job under the number of a call; False when that can't be.

    It can't be where the number is in use, or the company has no other job.
    """
    key = SubcontractKey(*(sent[name] for name in _KEY))
    place = masters.another_place(db, key.company, sent.get("Job_Number", ""))
    if place is None or subcontracts.find(db, key) is not None:
        return False
    document = {
        **{name: sent[name] for name in _KEY},
        "Job_Number": place["Job_Number"].strip(),
        "Comment_1": "Entered by hand for another job",
        "lines": [
            {
                "Phase_Code": place["Phase_Code"].strip(),
                "Cost_Type": place["Cost_Type"].strip(),
                "Original_Contract_Amount": "1000.00",
            }
        ],
    }
    enter(db, document, at=at)
    return True


def delete(db: sqlite3.Connection, key: SubcontractKey) -> bool:
    """Delete a subcontract with its lines; False when there is none."""
    return subcontracts.remove(db, key)


def change_keys(db: sqlite3.Connection, document: object) -> list[SubcontractKey]:
    """Change a vendor's code, a subcontract's number, or phases, which get zeros at their end.

    `{"company": …, "vendor": …, "to": …}` takes all of a vendor's records along, with a `number` only
    that one, to `to_number`; `{"company": …, "zeros": 2}` expands every phase. Which keys are concerned.
    Raises BadRecordError.
    """
    if not isinstance(document, dict) or not document.get("company"):
        raise BadRecordError("which company?")
    company = str(document["company"])
    if "zeros" in document:
        return _expand_phases(db, company, "0" * int(document["zeros"]))
    vendor, number = str(document.get("vendor", "")), str(document.get("number", ""))
    to, to_number = str(document.get("to", vendor)), document.get("to_number")
    numbers = [number] if number else _numbers_of(db, company, vendor)
    changed = []
    try:
        for each in numbers:
            old = SubcontractKey(company, vendor, each)
            new = SubcontractKey(company, to, str(to_number or each))
            if not subcontracts.rename(db, old, new):
                raise BadRecordError("there is no such subcontract")
            changed += [old, new]
        if not number:
            masters.rename_vendor(db, company, vendor, to)
    except sqlite3.Error as error:
        raise BadRecordError(f"it can't be changed ({error})") from error
    return changed


def _numbers_of(db: sqlite3.Connection, company: str, vendor: str) -> list[str]:
    found = db.execute(
        f"SELECT Subcontract_Number FROM {subcontracts.SUBCONTRACTS}"
        " WHERE Company_Code = ? AND Vendor_Code = ?",
        (padded(company, 3), padded(vendor, 10)),
    )
    return [row[0].strip() for row in found]


def _expand_phases(db: sqlite3.Connection, company: str, zeros: str) -> list[SubcontractKey]:
    keys = {}
    for table in ("JC_PHASE_MASTER_MC", subcontracts.LINES):
        rows = db.execute(
            f"SELECT rowid, * FROM {table} WHERE Company_Code = ?", (padded(company, 3),)
        ).fetchall()
        for row in rows:
            phase = padded(row["Phase_Code"].strip() + zeros, 20)
            db.execute(f"UPDATE {table} SET Phase_Code = ? WHERE rowid = ?", (phase, row["rowid"]))
            if table == subcontracts.LINES:
                key = SubcontractKey(*(row[name].strip() for name in _KEY))
                keys[key] = key
    return list(keys)


def bill(db: sqlite3.Connection, document: object, *, at: str) -> SubcontractKey:
    """Enter an invoice for a line, or a payment: `amount` for the line of `Phase_Code`, `Cost_Type` and
    `Bid_Item_Number`, or with `paid` for the whole. Raises BadRecordError."""
    if not isinstance(document, dict) or not all(document.get(name) for name in _KEY):
        raise BadRecordError(f"an invoice needs {', '.join(_KEY)}")
    key = SubcontractKey(*(str(document[name]) for name in _KEY))
    header = subcontracts.find(db, key)
    if header is None:
        raise BadRecordError("there is no such subcontract")
    if "paid" in document:
        paid = subcontracts.number(header["Total_Paid"], 2) + Decimal(str(document["paid"]))
        subcontracts.save(db, key, {"Total_Paid": str(paid)}, at=at)
        return key
    line = LineKey(key, *(str(document.get(name, "")) for name in _LINE_KEY))
    stored = subcontracts.find_line(db, line)
    if stored is None:
        raise BadRecordError("there is no such line")
    amount, quantity = Decimal(str(document["amount"])), Decimal(str(document.get("quantity", 0)))
    billed = subcontracts.number(stored["Amount_Billed_To_Date"], 2) + amount
    units = subcontracts.number(stored["Quantity_Billed_To_Date"], 2) + quantity
    changes = {"Amount_Billed_To_Date": str(billed), "Quantity_Billed_To_Date": str(units)}
    subcontracts.save_line(db, line, changes, at=at)
    total = subcontracts.number(header["Total_Billed"], 2) + amount
    held = subcontracts.number(header["Retention_Balance"], 2)
    held += (amount * subcontracts.number(header["Retention_Percent"], 1) / 100).quantize(Decimal("0.01"))
    balance = subcontracts.number(header["Original_Amount"], 2) - total
    totals = {
        "Total_Billed": str(total),
        "Retention_Balance": str(held),
        "Total_Balance": str(balance),
    }
    subcontracts.save(db, key, totals, at=at)
    return key


def _as_stored(changes: Mapping[str, Any]) -> dict[str, Any]:
    widths = {"Job_Number": 10, "GL_Account": 12, "Default_Phase_Code": 20, "Default_Cost_Type": 3}
    return {
        name: padded(str(value), widths[name]) if name in widths else value for name, value in changes.items()
    }


_PLAIN_HEADER: Mapping[str, Any] = {
    "Status_Code": "A",
    "GL_Account": "",
    "Insurance_Cert_Flag": "N",
    "Unit_Price_Flag": "N",
}
