"""How many calls a second one worker writes: on one connection, and on four at once."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db.models import Max, Min
from pytest_django import Settings

from erp_integrations.models import ExportJob, JobStatus, WireAttempt
from tests.bench.stage import Company, one_worker, spectrum

pytestmark = pytest.mark.django_db(transaction=True)

EACH = 30  # commitments of three calls
CODES = ["ONE", "TWO", "TRE", "FOR"]


def test_export_rate(settings: Settings, tmp_path: Path, report: Callable[[str], None]) -> None:
    with spectrum(CODES) as simulator:
        settings.SPECTRUM_SERVERS = {"simulator": simulator.url}
        companies = [Company(code) for code in CODES]
        for company in companies:
            company.send(EACH + 1)
        with one_worker(tmp_path):
            for company in companies:  # the first calls fetch the descriptions
                company.accept()
            exported()
            for count in (1, 3):
                chosen, companies = companies[:count], companies[count:]
                before = WireAttempt.objects.count()
                for _ in range(EACH):
                    for company in chosen:
                        company.accept()
                exported()
                calls = WireAttempt.objects.order_by("pk")[before:]
                span = WireAttempt.objects.filter(pk__in=[call.pk for call in calls]).aggregate(
                    begun=Min("started_at"), ended=Max("finished_at")
                )
                seconds = (span["ended"] - span["begun"]).total_seconds()
                report(
                    f"export rate: {len(calls)} calls on {count} connection{'s' * (count > 1)} in "
                    f"{seconds:.1f} s, {len(calls) / seconds:.1f} calls a second"
                )


def exported() -> None:
    """Wait until nothing is left."""
    until = time.monotonic() + 300
    while ExportJob.objects.exclude(status=JobStatus.SYNCED).exists():
        assert time.monotonic() < until
        time.sleep(0.1)
