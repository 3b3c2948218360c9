"""The log of calls: one row per call, written when it arrives and finished when it is answered.

A row that was never finished tells that the process died inside the call. Secrets never reach
the log: of Authorization_ID and GUID it keeps the last two characters.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from local.spectrum.answers import Answer
from local.spectrum.layouts import Layout
from local.spectrum.subcontracts import SubcontractKey

RUNNING = "running"
INTERRUPTED = "interrupted"
ACCEPTED = "accepted"
REFUSED = "refused"
UNAUTHORISED = "not authorised"
FAULT = "fault"
NOTHING = "nothing done"

NO_REPLY = ""
ANSWERED = "answered"
HUNG_UP = "no answer, hung up"
RESET = "no answer, reset"
ERROR_PAGE = "error page"
CUT_OFF = "cut off"
CALLER_GONE = "caller had gone"


def masked(secret: str) -> str:
    """The last two characters of a secret that is long enough to keep the rest."""
    return "••••" + (secret[-2:] if len(secret) > 4 else "") if secret else ""


def begin(db: sqlite3.Connection, *, layout: Layout, sent: Mapping[str, str], fault: str, at: str) -> int:
    """Note that a call arrived. Returns the number under which it is finished."""
    secrets = {element.name for element in layout.elements if element.secret}
    elements = {
        name: masked(sent[name]) if name in secrets else sent[name] for name in layout.names if name in sent
    }
    cursor = db.execute(
        "INSERT INTO simulator_call"
        " (received_at, method, company, vendor, number, elements, fault, outcome, wire)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            at,
            layout.method,
            sent.get("Company_Code", ""),
            sent.get("Vendor_Code", ""),
            sent.get("Subcontract_Number", ""),
            json.dumps(elements, ensure_ascii=False),
            fault,
            RUNNING,
            NO_REPLY,
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def mark_stored(db: sqlite3.Connection, call: int, outcome: str) -> None:
    """Say that the record was written; belongs into the transaction that writes it."""
    db.execute("UPDATE simulator_call SET stored = 1, outcome = ? WHERE id = ?", (outcome, call))


def finish(
    db: sqlite3.Connection,
    call: int,
    *,
    outcome: str,
    wire: str,
    answers: Sequence[Answer],
    reply: str,
    milliseconds: int,
) -> None:
    """Note how the call ended and what went over the wire."""
    rows = [{"code": answer.code, "text": answer.text, "column": answer.column} for answer in answers]
    db.execute(
        "UPDATE simulator_call SET outcome = ?, wire = ?, answers = ?, reply = ?, milliseconds = ?"
        " WHERE id = ?",
        (outcome, wire, json.dumps(rows, ensure_ascii=False), reply, milliseconds, call),
    )


def caller_gone(db: sqlite3.Connection, call: int) -> None:
    """Correct the log: the reply could not be delivered."""
    db.execute("UPDATE simulator_call SET wire = ? WHERE id = ?", (CALLER_GONE, call))


def mark_interrupted(db: sqlite3.Connection) -> None:
    """At a start, whatever still runs in the log was cut short by the end of the last process."""
    db.execute("UPDATE simulator_call SET outcome = ? WHERE outcome = ?", (INTERRUPTED, RUNNING))
    db.execute("UPDATE simulator_call SET wire = ? WHERE wire = ?", (INTERRUPTED, NO_REPLY))


def find(db: sqlite3.Connection, call: int) -> dict[str, Any] | None:
    """One call, or None."""
    row = db.execute("SELECT * FROM simulator_call WHERE id = ?", (call,)).fetchone()
    return None if row is None else _readable(row)


def newest(db: sqlite3.Connection, *, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """Calls, the latest first."""
    rows = db.execute("SELECT * FROM simulator_call ORDER BY id DESC LIMIT ? OFFSET ?", (limit, offset))
    return [_readable(row) for row in rows]


def newest_for(db: sqlite3.Connection, key: SubcontractKey, *, limit: int) -> list[dict[str, Any]]:
    """Calls for one subcontract and its lines, the latest first."""
    rows = db.execute(
        "SELECT * FROM simulator_call WHERE number = ? COLLATE NOCASE AND vendor = ? COLLATE NOCASE"
        " AND company = ? COLLATE NOCASE ORDER BY id DESC LIMIT ?",
        (key.number, key.vendor, key.company, limit),
    )
    return [_readable(row) for row in rows]


def after(db: sqlite3.Connection, call: int) -> list[dict[str, Any]]:
    """Every call that arrived after this one, the oldest first."""
    return [
        _readable(r) for r in db.execute("SELECT * FROM simulator_call WHERE id > ? ORDER BY id", (call,))
    ]


def _readable(row: sqlite3.Row) -> dict[str, Any]:
    return {
        **dict(row),
        "elements": json.loads(row["elements"]),
        "answers": json.loads(row["answers"]),
        "stored": bool(row["stored"]),
    }
