"""Spectrum full of what a company of 300 jobs has: lists and running subcontracts, in the simulator."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db.models import Sum
from pytest_django import Settings

from commitments.models import LineItem
from directory.models import Level
from erp_integrations.links.take_over import MADE
from erp_integrations.master_data import syncing
from erp_integrations.models import Drift, TakeOver, TakeOverKind
from erp_integrations.reconciliation import comparison, requests
from erp_integrations.submissions import take_overs
from local.spectrum.store import padded
from tests.clients import signed_in
from tests.factories import ApproverFactory, ConnectionFactory, ErpAdminFactory
from tests.simulator import AUTHORIZATION_ID, MASTERS, Simulator

JOBS, VENDORS, PHASES, SUBCONTRACTS = 300, 5_000, 150, 5_000
COMPANY = "PHL"


def build_masters(company: dict[str, Any], random: Random) -> dict[str, Any]:
    """The masters of one company, who else it may be; one vendor in fifty is inactive, and names repeat."""
    words = ("Acme", "Bolt", "Keystone", "Liberty", "Penn", "Quaker", "Summit", "Union")
    trades = ("Mechanical", "Electric", "Steel", "Concrete", "Roofing", "Drywall", "Paving", "Glass")
    vendors = [
        {
            "code": f"V{number:05}",
            "name": f"{random.choice(words)} {random.choice(trades)} {number * 37 % 4_900}",
            "active": number % 50 != 0,
        }
        for number in range(VENDORS)
    ]
    phases = [
        {
            "code": f"{number:02}{number * 7 % 100:02}000",
            "description": f"Phase {number}",
            "cost_types": ["S"],
        }
        for number in range(PHASES)
    ]
    jobs = [
        {
            "number": f"{23_000 + number}",
            "description": f"{random.choice(words)} school {number}",
            "price_method": "U",
            "phases": [phase | {"status": "A"} for phase in phases],
        }
        for number in range(JOBS)
    ]
    return {"companies": [company | {"vendors": vendors, "jobs": jobs, "cost_types": ["S"]}]}


def enter_subcontracts(database: str, random: Random) -> Decimal:
    """Of three lines each, a third of them invoiced in part; what all of them come to."""
    headers, lines = list(build_subcontracts(random)), []
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
                number = (int(header["Subcontract_Number"].strip()[1:]) + place * 31) % PHASES
                lines.append(key | {
                    "Phase_Code": padded(f"{number:02}{number * 7 % 100:02}000", 20), "Cost_Type": "S  ",
                    "Bid_Item_Number": padded("", 10), "Bill_Description": f"Line {place}",
                    "Original_Contract_Amount": str(amount), "Retention_Flag": "Y",
                    "Amount_Billed_To_Date": str(billed if place == 0 else 0), "Simulator_Stored_At": "2026",
                })  # fmt: skip
        for line in lines:
            _insert(db, "VN_SUBCONTRACT_PHASE_MC", line)
    db.close()
    return total


def build_subcontracts(random: Random) -> Iterator[tuple[dict[str, Any], list[Decimal]]]:
    active = [number for number in range(VENDORS) if number % 50]
    for number in range(SUBCONTRACTS):
        amounts = [Decimal(random.randrange(100, 90_000_000)) / 100 for _ in range(3)]
        yield {
            "Company_Code": COMPANY, "Vendor_Code": padded(f"V{random.choice(active):05}", 10),
            "Subcontract_Number": padded(f"S{number:05}", 10),
            "Job_Number": padded(f"{23_000 + number % JOBS}", 10),
            "Status_Code": "A", "Comment_1": f"Work {number}", "Retention_Percent": "10.0",
            "GL_Account": padded("500100", 12), "Date_Issued": "2025-03-01", "Insurance_Cert_Flag": "N",
            "Unit_Price_Flag": "Y", "Simulator_Stored_At": "2026",
        }, amounts  # fmt: skip


def _insert(db: sqlite3.Connection, table: str, values: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(values))
    db.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))


def measure(report: list[str], what: str, work: Callable[[], object]) -> None:
    """Seconds, and the most memory of this process while it works."""
    Path("/proc/self/clear_refs").write_text("5")
    began = time.monotonic()
    work()
    seconds = time.monotonic() - began
    status = Path("/proc/self/status").read_text()
    (peak,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    report.append(f"{what}: {seconds:.1f} s, {peak / 1024:.0f} MB")


@pytest.mark.django_db(transaction=True)
def test_each_step_is_measured_and_totals_agree(settings: Settings) -> None:
    """By path alone: ``script/test tests/trials/taking_over.py``, with TAKING_OVER_REPORT for the figures."""
    random, report = Random(1), list[str]()
    masters = build_masters(MASTERS["companies"][0], random)
    with Simulator.start(masters=masters) as simulator:
        total = enter_subcontracts(str(simulator.database), random)
        settings.SPECTRUM_SERVERS = {"simulator": simulator.url}
        settings.INFO_LINKS = {"simulator": simulator.info_link}
        settings.READ_BACK_LAG_SECONDS = 0
        connection = ConnectionFactory(company_code=COMPANY, credentials__authorization_id=AUTHORIZATION_ID)
        by = ApproverFactory(company=connection.company)
        by.company_memberships.update(erp_integrations_level=Level.ADMIN)
        ErpAdminFactory(company=connection.company)  # who is told
        measure(report, "lists read", syncing.sync_due_connections)
        client = signed_in(by)
        for kind, page, what in (
            (TakeOverKind.LISTS, "take-over", "vendors and jobs"),
            (TakeOverKind.COMMITMENTS, "running", "running commitments"),
        ):
            take_overs.ask_for_take_over(wanted=TakeOver(connection=connection, kind=kind), by=by)
            measure(report, f"{what} looked at", take_overs.run_due_take_overs)
            row = TakeOver.objects.select_related("connection__company").get(kind=kind)
            take_overs.ask_for_take_over(wanted=row, expected=row.stamp, by=by)
            measure(report, f"{what} taken over", take_overs.run_due_take_overs)
            if kind == TakeOverKind.LISTS:
                measure(report, "phases of 300 jobs read", syncing.sync_due_connections)
                measure(report, "cost codes taken over", take_overs.run_due_take_overs)
            address = f"/companies/{connection.company.slug}/erp-integrations/{page}/"
            measure(report, f"page of {what}", partial(client.get, address))
            report.append(str(TakeOver.objects.get(kind=kind).report))
        plan = TakeOver.objects.get(kind=TakeOverKind.COMMITMENTS).plan
        requests.start_reconciliations(company=connection.company, by=by)
        measure(report, "compared with Spectrum", comparison.run_next)
    if where := os.environ.get("TAKING_OVER_REPORT"):
        Path(where).write_text("\n".join(report) + "\n")
    assert LineItem.objects.aggregate(total=Sum("amount"))["total"] == total
    assert plan["groups"]["Subcontracts"][MADE] == [SUBCONTRACTS, str(total)]
    assert not Drift.objects.exists()
