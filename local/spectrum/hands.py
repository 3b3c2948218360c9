"""What a person does at Spectrum's own screens: enter a subcontract, change it, delete it.

The services can't delete, and check much that a person may do. Nothing here goes through them,
and nothing here is in the log of calls.
"""

import sqlite3
from collections.abc import Mapping
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
