"""The simulator full of what a company has: its lists, and its running subcontracts."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from local.spectrum.store import padded

COMPANY = "PHL"


@dataclass(frozen=True)
class Size:
    jobs: int = 300
    vendors: int = 5_000
    phases: int = 150  # of each job
    subcontracts: int = 5_000


def build_masters(company: dict[str, Any], size: Size, random: Random) -> dict[str, Any]:
    """The masters of one company, who else it may be; one vendor in fifty is inactive, and names repeat."""
    words = ("Acme", "Bolt", "Keystone", "Liberty", "Penn", "Quaker", "Summit", "Union")
    trades = ("Mechanical", "Electric", "Steel", "Concrete", "Roofing", "Drywall", "Paving", "Glass")
    vendors = [
        {
            "code": f"V{number:05}",
            "name": f"{random.choice(words)} {random.choice(trades)} {number * 37 % 4_900}",
            "active": number % 50 != 0,
        }
        for number in range(size.vendors)
    ]
    phases = [
        {"code": build_phase(number), "description": f"Phase {number}", "cost_types": ["S"]}
        for number in range(size.phases)
    ]
    jobs = [
        {
            "number": f"{23_000 + number}",
            "description": f"{random.choice(words)} school {number}",
            "price_method": "U",
            "phases": [phase | {"status": "A"} for phase in phases],
        }
        for number in range(size.jobs)
    ]
    return {"companies": [company | {"vendors": vendors, "jobs": jobs, "cost_types": ["S"]}]}


def build_phase(number: int) -> str:
    return f"{number:02}{number * 7 % 100:02}000"


def enter_subcontracts(database: str, size: Size, random: Random) -> Decimal:
    """Of three lines each, a third of them invoiced in part; what all of them come to."""
    headers, lines = list(build_subcontracts(size, random)), []
    total = Decimal(0)
    with sqlite3.connect(database, timeout=10) as db:
        for header, amounts in headers:
            billed = amounts[0] / 2 if random.random() < 1 / 3 else Decimal(0)
            total += sum(amounts)
            values = header | {"Original_Amount": str(sum(amounts)), "Total_Billed": str(billed)}
            values |= {"Total_Balance": str(sum(amounts) - billed)}
            _insert(db, "VN_SUBCONTRACT_MC", values)
            key = {name: header[name] for name in ("Company_Code", "Vendor_Code", "Subcontract_Number")}
            for place, amount in enumerate(amounts):
                number = (int(header["Subcontract_Number"].strip()[1:]) + place * 31) % size.phases
                lines.append(key | {
                    "Phase_Code": padded(build_phase(number), 20), "Cost_Type": "S  ",
                    "Bid_Item_Number": padded("", 10), "Bill_Description": f"Line {place}",
                    "Original_Contract_Amount": str(amount), "Retention_Flag": "Y",
                    "Amount_Billed_To_Date": str(billed if place == 0 else 0), "Simulator_Stored_At": "2026",
                })  # fmt: skip
        for line in lines:
            _insert(db, "VN_SUBCONTRACT_PHASE_MC", line)
    db.close()
    return total


def build_subcontracts(size: Size, random: Random) -> Iterator[tuple[dict[str, Any], list[Decimal]]]:
    active = [number for number in range(size.vendors) if number % 50]
    for number in range(size.subcontracts):
        amounts = [Decimal(random.randrange(100, 90_000_000)) / 100 for _ in range(3)]
        yield {
            "Company_Code": COMPANY, "Vendor_Code": padded(f"V{random.choice(active):05}", 10),
            "Subcontract_Number": padded(f"S{number:05}", 10),
            "Job_Number": padded(f"{23_000 + number % size.jobs}", 10),
            "Status_Code": "A", "Comment_1": f"Work {number}", "Retention_Percent": "10.0",
            "GL_Account": padded("500100", 12), "Date_Issued": "2025-03-01", "Insurance_Cert_Flag": "N",
            "Unit_Price_Flag": "Y", "Simulator_Stored_At": "2026",
        }, amounts  # fmt: skip


def _insert(db: sqlite3.Connection, table: str, values: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(values))
    db.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))
