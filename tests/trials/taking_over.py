"""What a company of 300 jobs has in Spectrum is taken over, and each step measured."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

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
from tests.clients import signed_in
from tests.factories import ApproverFactory, ConnectionFactory, ErpAdminFactory
from tests.simulator import AUTHORIZATION_ID, MASTERS, Simulator
from tests.trials.filling_spectrum import COMPANY, Size, build_masters, enter_subcontracts


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
    random, report, size = Random(1), list[str](), Size()
    masters = build_masters(MASTERS["companies"][0], size, random)
    with Simulator.start(masters=masters) as simulator:
        total = enter_subcontracts(str(simulator.database), size, random)
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
    assert plan["groups"]["Subcontracts"][MADE] == [size.subcontracts, str(total)]
    assert not Drift.objects.exists()
