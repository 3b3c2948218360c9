"""Companies, vendors, jobs, phases and accounts: read from a file at each start, asked for by the rules.

A start replaces all masters by what the file says, as if somebody had maintained them in
Spectrum overnight; subcontracts and the log of calls stay.
"""

import datetime as dt
import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from local.spectrum.store import padded

ANY_SERVICE = "*"
DIRECT_JOB_COST = "job cost"
# What the codes mean is not public: U is unit price, J a phase's "as the job", F a fixed price.
UNIT_PRICE, AS_THE_JOB, FIXED_PRICE = "U", "J", "F"
UNIT_PRICE_PHASES = (UNIT_PRICE, AS_THE_JOB)

_MASTER_TABLES = (
    "VN_VENDOR_MASTER_MC",
    "JC_JOB_MASTER_MC",
    "JC_PHASE_MASTER_MC",
    "simulator_company",
    "simulator_authorization",
    "simulator_default",
    "simulator_job_security",
    "simulator_gl_account",
    "simulator_cost_type",
    "simulator_fixed_price_unit",
)

_OF_JOB = "WHERE company = ? AND job = ? AND authorization_id = ?"


class UnreadableMastersError(Exception):
    """The masters file is missing, is not JSON, or does not have the agreed shape."""


def read(path: Path) -> list[dict[str, Any]]:
    """The companies of a masters file. Raises UnreadableMastersError."""
    try:
        companies = json.loads(path.read_text(encoding="utf-8"))["companies"]
    except OSError as error:
        raise UnreadableMastersError(f"the masters file {path} can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableMastersError(f'{path} is not JSON with a list under "companies"') from error
    if not isinstance(companies, list):
        raise UnreadableMastersError(f'{path} has no list under "companies"')
    return companies


def replace(db: sqlite3.Connection, companies: Iterable[Mapping[str, Any]]) -> None:
    """Forget all masters and store these. Raises UnreadableMastersError; run it in one transaction."""
    for table in _MASTER_TABLES:
        db.execute(f"DELETE FROM {table}")
    try:
        for company in companies:
            _store_company(db, company)
    except (KeyError, TypeError, AttributeError, ValueError, sqlite3.Error) as error:
        reason = f"{type(error).__name__}: {error}"
        raise UnreadableMastersError(f"the masters file does not have the agreed shape ({reason})") from error


def _store_company(db: sqlite3.Connection, company: Mapping[str, Any]) -> None:
    code = company["code"]
    start = company.get("fiscal_start")
    if start is not None:
        start = dt.date.fromisoformat(start).isoformat()
    db.execute("INSERT INTO simulator_company VALUES (?, ?, ?)", (code, company["name"], start))
    for grant in company["authorization_ids"]:
        # A plain string may call every service; {"id": ..., "services": [...]} only those. "defaults"
        # are values that Spectrum puts in where a caller with this id leaves an element blank.
        services = grant.get("services", [ANY_SERVICE]) if isinstance(grant, Mapping) else [ANY_SERVICE]
        authorization_id = grant["id"] if isinstance(grant, Mapping) else grant
        db.executemany(
            "INSERT INTO simulator_authorization VALUES (?, ?, ?)",
            [(code, authorization_id, service) for service in services],
        )
        defaults = grant.get("defaults", {}) if isinstance(grant, Mapping) else {}
        db.executemany(
            "INSERT INTO simulator_default VALUES (?, ?, ?, ?)",
            [(code, authorization_id, element, value) for element, value in defaults.items()],
        )
    db.executemany(
        "INSERT INTO simulator_gl_account VALUES (?, ?, ?, ?)",
        [
            (code, a["account"], a["kind"], a.get("description", ""))
            for a in company["general_ledger_accounts"]
        ],
    )
    db.executemany(
        "INSERT INTO simulator_cost_type VALUES (?, ?)", [(code, each) for each in company["cost_types"]]
    )
    db.executemany(
        "INSERT INTO simulator_fixed_price_unit VALUES (?, ?)",
        [(code, unit) for unit in company.get("fixed_price_units", ["LS"])],
    )
    db.executemany(
        "INSERT INTO VN_VENDOR_MASTER_MC VALUES (?, ?, ?, ?, ?)",
        [
            (
                padded(code, 3),
                padded(vendor["code"], 10),
                vendor["name"],
                vendor.get("status", "A" if vendor.get("active", True) else "I"),
                vendor.get("insurance_cert_flag", "N"),
            )
            for vendor in company["vendors"]
        ],
    )
    for job in company["jobs"]:
        _store_job(db, code, job)


def _store_job(db: sqlite3.Connection, company: str, job: Mapping[str, Any]) -> None:
    key = (padded(company, 3), padded(job["number"], 10))
    people = [
        padded(job.get(name, ""), width)
        for name, width in (
            ("division", 5),
            ("customer", 10),
            ("project_manager", 15),
            ("superintendent", 15),
            ("estimator", 15),
        )
    ]
    db.execute(
        "INSERT INTO JC_JOB_MASTER_MC VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*key, job["description"], job.get("status", "A"), *people, job.get("price_method", FIXED_PRICE)),
    )
    # Those of the company's callers that may not touch it.
    db.executemany(
        "INSERT INTO simulator_job_security VALUES (?, ?, ?)",
        [(company, job["number"], authorization_id) for authorization_id in job.get("closed_to", ())],
    )
    db.executemany(
        "INSERT INTO JC_PHASE_MASTER_MC VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *key,
                padded(phase["code"], 20),
                padded(cost_type, 3),
                phase["description"],
                phase.get("status", "A"),
                padded(phase.get("bid_item", ""), 10),
                phase.get("unit_of_measure", ""),
                phase.get("retention_flag", "N"),
                phase.get("price_method", AS_THE_JOB),
                phase.get("unit_price", "0"),
                # "dollars" are estimated and to date by phase and cost type; "estimated" is for all others.
                *job.get("dollars", {}).get(f"{phase['code']} {cost_type}", (job.get("estimated"), "0")),
            )
            for phase in job["phases"]
            for cost_type in phase["cost_types"]
        ],
    )


def is_closed_to(db: sqlite3.Connection, company: str, job: str, authorization_id: str) -> bool:
    """True if job security keeps a caller from a job."""
    return (
        _one(db, f"SELECT 1 FROM simulator_job_security {_OF_JOB}", company, job, authorization_id)
        is not None
    )


def open_job(db: sqlite3.Connection, company: str, job: str, authorization_id: str) -> bool:
    """Somebody lets the caller at the job; False when nothing kept it from there."""
    cursor = db.execute(f"DELETE FROM simulator_job_security {_OF_JOB}", (company, job, authorization_id))
    return cursor.rowcount > 0


def company(db: sqlite3.Connection, code: str) -> sqlite3.Row | None:
    """The company, or None."""
    return _one(db, "SELECT * FROM simulator_company WHERE code = ?", code)


def companies(db: sqlite3.Connection) -> list[sqlite3.Row]:
    """All companies by code."""
    return db.execute("SELECT * FROM simulator_company ORDER BY code").fetchall()


def services_granted(db: sqlite3.Connection, authorization_id: str) -> set[tuple[str, str]]:
    """The pairs of company code and service that an Authorization_ID may call."""
    rows = db.execute(
        "SELECT company, service FROM simulator_authorization WHERE authorization_id = ?", (authorization_id,)
    )
    return {(row["company"].upper(), row["service"]) for row in rows}


def defaults_of(db: sqlite3.Connection, company: str, authorization_id: str) -> dict[str, str]:
    """The values that an Authorization_ID injects, by element."""
    rows = db.execute(
        "SELECT element, value FROM simulator_default WHERE company = ? AND authorization_id = ?",
        (company, authorization_id),
    )
    return {row["element"]: row["value"] for row in rows}


def vendor(db: sqlite3.Connection, company: str, code: str) -> sqlite3.Row | None:
    """The vendor, active or not, or None."""
    return _one(
        db,
        "SELECT * FROM VN_VENDOR_MASTER_MC WHERE Company_Code = ? AND Vendor_Code = ?",
        padded(company, 3),
        padded(code, 10),
    )


def rename_vendor(db: sqlite3.Connection, company: str, code: str, to: str) -> None:
    """Give a vendor another code, until the next start; not one that is in use."""
    if vendor(db, company, to) is None:
        db.execute(
            "UPDATE VN_VENDOR_MASTER_MC SET Vendor_Code = ? WHERE Company_Code = ? AND Vendor_Code = ?",
            (padded(to, 10), padded(company, 3), padded(code, 10)),
        )


def job(db: sqlite3.Connection, company: str, number: str) -> sqlite3.Row | None:
    """The job, or None."""
    return _one(
        db,
        "SELECT * FROM JC_JOB_MASTER_MC WHERE Company_Code = ? AND Job_Number = ?",
        padded(company, 3),
        padded(number, 10),
    )


def phase(
    db: sqlite3.Connection, company: str, job: str, code: str, cost_type: str = ""
) -> sqlite3.Row | None:
    """The job's phase with this cost type, or with any when none is asked for; or None."""
    return _one(
        db,
        "SELECT * FROM JC_PHASE_MASTER_MC WHERE Company_Code = ? AND Job_Number = ? AND Phase_Code = ?"
        " AND (? = '' OR Cost_Type = ?) ORDER BY Cost_Type",
        padded(company, 3),
        padded(job, 10),
        padded(code, 20),
        cost_type,
        padded(cost_type, 3),
    )


def another_place(db: sqlite3.Connection, company: str, job: str) -> sqlite3.Row | None:
    """A phase of some other job of the company, or None."""
    return _one(
        db,
        "SELECT * FROM JC_PHASE_MASTER_MC WHERE Company_Code = ? AND Job_Number <> ?"
        " ORDER BY Job_Number, Phase_Code, Cost_Type",
        padded(company, 3),
        padded(job, 10),
    )


def has_unit_prices(job: sqlite3.Row | None) -> bool:
    """True if it is a unit-price job."""
    return job is not None and job["Price_Method_Code"] == UNIT_PRICE


def has_cost_type(db: sqlite3.Connection, company: str, cost_type: str) -> bool:
    """True if the company knows the cost type at all."""
    query = "SELECT 1 FROM simulator_cost_type WHERE company = ? AND cost_type = ?"
    return _one(db, query, company, cost_type) is not None


def gl_account(db: sqlite3.Connection, company: str, account: str) -> sqlite3.Row | None:
    """The general-ledger account, or None."""
    return _one(db, "SELECT * FROM simulator_gl_account WHERE company = ? AND account = ?", company, account)


def is_fixed_price_unit(db: sqlite3.Connection, company: str, unit: str) -> bool:
    """True if the unit of measure has the price method Fixed Price."""
    query = "SELECT 1 FROM simulator_fixed_price_unit WHERE company = ? AND unit = ?"
    return _one(db, query, company, unit) is not None


def _one(db: sqlite3.Connection, query: str, *values: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(query, values).fetchone()
    return row
