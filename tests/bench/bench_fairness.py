"""Dead and slow connections don't delay the others: from Accept to Synced, beside the same without them."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import F
from pytest_django import Settings

from erp_integrations.models import ConnectionState, ExportJob, JobStatus
from tests.bench.stage import THREADS, Company, closed_port, one_worker, silent_server, spectrum

pytestmark = pytest.mark.django_db(transaction=True)

HEALTHY = ["HEA", "HEB", "HEC", "HED"]
ROUNDS = 2
ACCEPTED = 32  # in each half of a round
PAUSE = 0.25  # seconds between two
BACKLOG = 5  # accepted commitments of each connection in trouble, at the start of its half
HANG = 10.0  # seconds for which the slow company keeps each call


def percentile(times: list[float], share: float) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[int(share * 100) - 1]


def test_fairness(settings: Settings, tmp_path: Path, report: Callable[[str], None]) -> None:
    with spectrum([*HEALTHY, "SLO"]) as simulator, silent_server() as silent:
        settings.SPECTRUM_SERVERS = {
            "simulator": simulator.url,
            "closed": closed_port(),
            "silent": silent,
        }
        healthy = [Company(code) for code in HEALTHY]
        in_trouble = [
            Company("SLO"),
            Company("DE1", server="closed"),
            Company("DE2", server="silent"),
        ]
        for company in healthy:
            company.send((2 * ROUNDS + 1) * ACCEPTED // len(healthy) + 1)
        for company in in_trouble:
            company.send(ROUNDS * BACKLOG)
        simulator.set_faults(*_slow(in_trouble[0]))
        alone: list[float] = []
        beside: list[float] = []
        with one_worker(tmp_path):
            measured(healthy)  # the first calls fetch the descriptions
            for _ in range(ROUNDS):
                forget(in_trouble)
                alone += measured(healthy)
                for company in in_trouble:
                    for _ in range(BACKLOG):
                        company.accept()
                time.sleep(1)  # the worker has run into all of them
                beside += measured(healthy)
        ratios = [percentile(beside, share) / percentile(alone, share) for share in (0.5, 0.95)]
        report(
            f"fairness: {len(in_trouble)} connections in trouble (one slow, one closed, one silent), "
            f"{THREADS} threads, {len(alone)} accepted alone and {len(beside)} beside them"
        )
        for name, times in (("alone", alone), ("beside", beside)):
            report(
                f"  Accept to Synced, {name:6}: p50 {percentile(times, 0.5):.2f} s, "
                f"p95 {percentile(times, 0.95):.2f} s, longest {max(times):.2f} s"
            )
        report(f"  ratio: p50 {ratios[0]:.2f}, p95 {ratios[1]:.2f} (wanted: at most 1.5)")


def _slow(company: Company) -> list[dict[str, object]]:
    numbers = [each.number for each in company._waiting]
    return [
        {"kind": "slow", "method": "UpdateSubcontract", "key": number, "seconds": HANG} for number in numbers
    ]


def forget(in_trouble: list[Company]) -> None:
    """Their work is no longer due, so that a half is undisturbed; and they are tried again after it."""
    ids = [company.connection.pk for company in in_trouble]
    ExportJob.objects.filter(connection__in=ids, status=JobStatus.QUEUED).update(
        not_before="2100-01-01T00:00Z"
    )
    while ConnectionState.objects.filter(pk__in=ids).exclude(lease_until=None).exists():
        time.sleep(0.5)
    ConnectionState.objects.filter(pk__in=ids).update(
        not_before=None, awaits_probe=False, fault="", failed_probes=0
    )


def measured(companies: list[Company]) -> list[float]:
    """Seconds from Accept to Synced of each, by the database's clock."""
    jobs = []
    for number in range(ACCEPTED):
        jobs.append(companies[number % len(companies)].accept().pk)
        time.sleep(PAUSE)
    waiting = ExportJob.objects.filter(pk__in=jobs)
    until = time.monotonic() + 120
    while waiting.exclude(status=JobStatus.SYNCED).exists():
        assert time.monotonic() < until, list(waiting.values_list("status", "problem").distinct())
        time.sleep(0.1)
    times = waiting.annotate(took=F("synced_at") - F("created_at")).values_list("took", flat=True)
    connection.close()
    return [took.total_seconds() for took in times]
