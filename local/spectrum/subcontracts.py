"""Stored subcontracts and their lines: found by key, created or changed, listed."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from local.spectrum.store import padded

SUBCONTRACTS, LINES = "VN_SUBCONTRACT_MC", "VN_SUBCONTRACT_PHASE_MC"
BILLED = ("Total_Billed", "Total_Paid", "Retention_Balance", "Total_Balance")
BILLED_LINE = ("Quantity_Billed_To_Date", "Amount_Billed_To_Date")
HEADER_DECIMALS = {
    "Original_Amount": 2,
    "Retention_Percent": 1,
    "Routing_Limit": 2,
    "Disc_Perc": 2,
    **dict.fromkeys(BILLED, 2),
}
LINE_DECIMALS = {
    "Unit_Price": 4,
    "Original_Contract_Quantity": 2,
    "Original_Contract_Amount": 2,
    **dict.fromkeys(BILLED_LINE, 2),
}
LINE_COLUMNS = frozenset(
    {*LINE_DECIMALS, "Bill_Description", "Unit_Of_Measure", "Retention_Flag"} - {*BILLED_LINE}
)


@dataclass(frozen=True)
class SubcontractKey:
    """Company, vendor and number; two jobs can't share one."""

    company: str
    vendor: str
    number: str

    @property
    def columns(self) -> dict[str, Any]:
        """The key as it is stored."""
        return {
            "Company_Code": padded(self.company, 3),
            "Vendor_Code": padded(self.vendor, 10),
            "Subcontract_Number": padded(self.number, 10),
        }


@dataclass(frozen=True)
class LineKey:
    """The six-part key of a line, blanks already defaulted."""

    subcontract: SubcontractKey
    phase: str
    cost_type: str
    bid_item: str

    @property
    def columns(self) -> dict[str, Any]:
        """The key as it is stored."""
        return {
            **self.subcontract.columns,
            "Phase_Code": padded(self.phase, 20),
            "Cost_Type": padded(self.cost_type, 3),
            "Bid_Item_Number": padded(self.bid_item, 10),
        }


def keys(db: sqlite3.Connection) -> list[SubcontractKey]:
    """Of everything that is stored."""
    rows = db.execute(f"SELECT Company_Code, Vendor_Code, Subcontract_Number FROM {SUBCONTRACTS}")
    return [SubcontractKey(*(part.strip() for part in row)) for row in rows]


def find(db: sqlite3.Connection, key: SubcontractKey) -> sqlite3.Row | None:
    """The stored header, or None."""
    return _find(db, SUBCONTRACTS, key.columns)


def find_line(db: sqlite3.Connection, key: LineKey) -> sqlite3.Row | None:
    """The stored line, or None."""
    return _find(db, LINES, key.columns)


def lines(db: sqlite3.Connection, key: SubcontractKey) -> list[sqlite3.Row]:
    """A subcontract's lines in the order of their key."""
    return db.execute(
        "SELECT * FROM VN_SUBCONTRACT_PHASE_MC"
        " WHERE Company_Code = ? AND Vendor_Code = ? AND Subcontract_Number = ?"
        " ORDER BY Phase_Code, Cost_Type, Bid_Item_Number",
        tuple(key.columns.values()),
    ).fetchall()


def save(db: sqlite3.Connection, key: SubcontractKey, changes: Mapping[str, Any], *, at: str) -> None:
    """Create the header or change what `changes` names; everything else keeps what is stored."""
    _save(db, SUBCONTRACTS, key.columns, {**changes, "Simulator_Stored_At": at})


def save_line(db: sqlite3.Connection, key: LineKey, changes: Mapping[str, Any], *, at: str) -> None:
    """Create or change the line, and bring the header's Original_Amount up to date."""
    _save(db, LINES, key.columns, {**changes, "Simulator_Stored_At": at})
    total = sum(
        (number(line["Original_Contract_Amount"], 2) for line in lines(db, key.subcontract)), Decimal(0)
    )
    save(db, key.subcontract, {"Original_Amount": str(total)}, at=at)


def remove(db: sqlite3.Connection, key: SubcontractKey) -> bool:
    """Delete the subcontract with its lines; False when there is none."""
    where = " AND ".join(f"{column} = ?" for column in key.columns)
    values = tuple(key.columns.values())
    db.execute(f"DELETE FROM {LINES} WHERE {where}", values)
    return db.execute(f"DELETE FROM {SUBCONTRACTS} WHERE {where}", values).rowcount > 0


def rename(db: sqlite3.Connection, key: SubcontractKey, to: SubcontractKey) -> bool:
    """Put a subcontract with its lines under another key; False when there is none."""
    db.execute("PRAGMA defer_foreign_keys = ON")
    where = " AND ".join(f"{column} = ?" for column in key.columns)
    assignments = ", ".join(f"{column} = ?" for column in to.columns)
    values = (*to.columns.values(), *key.columns.values())
    db.execute(f"UPDATE {LINES} SET {assignments} WHERE {where}", values)
    return db.execute(f"UPDATE {SUBCONTRACTS} SET {assignments} WHERE {where}", values).rowcount > 0


def search(
    db: sqlite3.Connection, *, company: str = "", words: str = "", limit: int, offset: int = 0
) -> list[sqlite3.Row]:
    """Headers with vendor name and number of lines, the one that changed last first."""
    like = "%" + words.strip().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    return db.execute(
        "SELECT h.*, v.Vendor_Name, j.Job_Description, (SELECT count(*) FROM VN_SUBCONTRACT_PHASE_MC l"
        "   WHERE l.Company_Code = h.Company_Code AND l.Vendor_Code = h.Vendor_Code"
        "   AND l.Subcontract_Number = h.Subcontract_Number) AS line_count"
        " FROM VN_SUBCONTRACT_MC h"
        " LEFT JOIN VN_VENDOR_MASTER_MC v USING (Company_Code, Vendor_Code)"
        " LEFT JOIN JC_JOB_MASTER_MC j USING (Company_Code, Job_Number)"
        " WHERE (:company = '' OR h.Company_Code = :padded_company)"
        " AND (h.Subcontract_Number LIKE :like ESCAPE '\\' OR h.Vendor_Code LIKE :like ESCAPE '\\'"
        "   OR h.Job_Number LIKE :like ESCAPE '\\' OR v.Vendor_Name LIKE :like ESCAPE '\\'"
        "   OR h.Comment_1 || h.Comment_2 LIKE :like ESCAPE '\\')"
        " ORDER BY h.Simulator_Stored_At DESC, h.rowid DESC LIMIT :limit OFFSET :offset",
        {
            "company": company,
            "padded_company": padded(company, 3),
            "like": like,
            "limit": limit,
            "offset": offset,
        },
    ).fetchall()


def notes(db: sqlite3.Connection, key: SubcontractKey) -> dict[str, str]:
    """A subcontract's notes, by topic."""
    where = (key.company.strip(), key.vendor.strip(), key.number.strip())
    rows = db.execute(
        "SELECT topic, text FROM simulator_note WHERE company = ? AND vendor = ? AND number = ?", where
    )
    return {row["topic"]: row["text"] for row in rows}


def save_notes(db: sqlite3.Connection, key: SubcontractKey, topic: str, text: str, *, append: bool) -> None:
    """Put a text under a topic, instead of what stands there or behind it."""
    before = notes(db, key).get(topic, "") if append else ""
    db.execute(
        "INSERT OR REPLACE INTO simulator_note VALUES (?, ?, ?, ?, ?)",
        (key.company.strip(), key.vendor.strip(), key.number.strip(), topic, (before + text)[:1000]),
    )


def records(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Everything that is stored, codes trimmed and numbers as text with their decimals, lines inside."""
    lines_of: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    order = "Company_Code, Vendor_Code, Subcontract_Number"
    for row in db.execute(
        f"SELECT * FROM VN_SUBCONTRACT_PHASE_MC ORDER BY {order}, Phase_Code, Cost_Type, Bid_Item_Number"
    ):
        lines_of.setdefault(_folded_key(row), []).append(_plain(row, LINE_DECIMALS))
    return [
        {
            **_plain(row, HEADER_DECIMALS),
            "lines": lines_of.get(_folded_key(row), []),
            "notes": notes(
                db, SubcontractKey(row["Company_Code"], row["Vendor_Code"], row["Subcontract_Number"])
            ),
        }
        for row in db.execute(f"SELECT * FROM VN_SUBCONTRACT_MC ORDER BY {order}")
    ]


def number(stored: object, decimals: int) -> Decimal:
    """A stored number with its decimals; at most thirteen digits, so SQLite's floats are exact."""
    return Decimal(str(stored)).quantize(Decimal(1).scaleb(-decimals))


def _folded_key(row: sqlite3.Row) -> tuple[str, ...]:
    return tuple(row[name].upper() for name in ("Company_Code", "Vendor_Code", "Subcontract_Number"))


def _plain(row: sqlite3.Row, decimals: Mapping[str, int]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name in row.keys():  # noqa: SIM118  (a Row iterates over its values)
        value = row[name]
        if name in decimals:
            value = str(number(value, decimals[name]))
        elif isinstance(value, str):
            value = value.rstrip()
        plain[name] = value
    return plain


def _find(db: sqlite3.Connection, table: str, key: Mapping[str, Any]) -> sqlite3.Row | None:
    where = " AND ".join(f"{column} = ?" for column in key)
    row: sqlite3.Row | None = db.execute(
        f"SELECT * FROM {table} WHERE {where}", tuple(key.values())
    ).fetchone()
    return row


def _save(db: sqlite3.Connection, table: str, key: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    # Names of tables and columns come from this package only, never from a request.
    if _find(db, table, key) is None:
        columns = {**key, **changes}
        marks = ", ".join("?" for _ in columns)
        db.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values()))
    else:
        assignments = ", ".join(f"{column} = ?" for column in changes)
        where = " AND ".join(f"{column} = ?" for column in key)
        db.execute(f"UPDATE {table} SET {assignments} WHERE {where}", (*changes.values(), *key.values()))
