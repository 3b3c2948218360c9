"""How many exports one worker makes a second beside its floor, Celery tasks that make the same calls.

Both by turns in one run, on one connection and on four, with the processor time of the worker's process.
"""

import os
import sqlite3
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from unittest.mock import patch

import pytest
from django.db.models import DurationField, F, Sum
from django.db.models.functions import Now
from pytest_django import Settings

from erp_integrations.adapters.registry import build_sending_adapter, to_call
from erp_integrations.adapters.spectrum import SpectrumAdapter, wsdl
from erp_integrations.adapters.spectrum.wire import Exchange
from erp_integrations.models import ExportJob, JobStatus, WireAttempt
from erp_integrations.wakeup import wake_exports
from local.processes import Program, end, spawn, wait_until_ready
from local.programs import ROOT, python
from tests import pooler
from tests.bench import floor
from tests.bench.stage import THREADS, Company, environment_of_processes, one_worker, spectrum
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

PASSES = 5
EACH = 24  # exports in a pass
LINES = 6  # of each commitment: with the header 7 calls
CODES = ["ONE", "TWO", "TRE", "FOR"]
TICK = os.sysconf("SC_CLK_TCK")


def test_export_rate(settings: Settings, tmp_path: Path, report: Callable[[str], None]) -> None:
    with spectrum(CODES) as simulator:
        settings.SPECTRUM_SERVERS = {"simulator": simulator.url}
        companies = [Company(code, lines=LINES) for code in CODES]
        for company in companies:
            company.send(2 * PASSES * EACH)
        with one_worker(tmp_path) as worker, floor_worker(tmp_path) as other:
            first = [company.accept() for company in companies]  # their calls fetch the descriptions
            wait_until_exported()
            calls = [list_requests(job) for job in first]
            report_latency(companies[0], report)
            # First, since the worker checks what awaits a decision, after each write anew.
            for company in companies:
                accept_for_later(settings, [company] * company.count_waiting())
            for count in (1, 4):
                rates: dict[str, list[float]] = {"ours": [], "floor": []}
                used: dict[str, list[float]] = {"ours": [], "floor": []}
                for _ in range(PASSES):
                    chosen = [companies[number % count] for number in range(EACH)]
                    with measured(worker.pid, rates["ours"], used["ours"]):
                        make_due(chosen)
                        wait_until_exported()
                    with measured(other, rates["floor"], used["floor"]):
                        until = count_calls(simulator) + EACH * (LINES + 1)
                        for number in range(EACH):
                            floor.send.delay(calls[number % count])
                        while count_calls(simulator) < until:
                            time.sleep(0.02)
                ours, its_floor = (statistics.median(rates[name]) for name in rates)
                mine, its = (statistics.median(used[name]) for name in used)
                report(
                    f"exports of {LINES + 1} calls, connections: {count}, a second: {ours:.1f}, "
                    f"floor {its_floor:.1f}, of the floor {ours / its_floor:.2f}; "
                    f"processor time of an export: {mine:.1f} ms, floor {its:.1f} ms, ratio {mine / its:.1f}"
                )


@pytest.mark.parametrize("behind", ["", pytest.param(" behind PgBouncer", marks=pooler.needs_pgbouncer)])
def test_four_connections_beside_one(
    settings: Settings, tmp_path: Path, report: Callable[[str], None], behind: str
) -> None:
    """Spectrum answers after 200 ms; web on two addresses, and two workers, since one would be the limit."""
    with ExitStack() as stack:
        simulator = stack.enter_context(spectrum(CODES))
        settings.SPECTRUM_SERVERS = {"simulator": simulator.url}
        companies = [Company(code) for code in CODES]
        for company in companies:
            company.send(3 * EACH)
        environment = environment_of_processes()
        if behind:
            address = stack.enter_context(pooler.running_pooler())
            environment["DATABASE_URL"] = pooler.put_behind(address, environment["DATABASE_URL"])
        webs = pooler.running_webs(environment | {"UNDO_SECONDS": "3600"}, tmp_path)
        addresses = cycle(url for _, url in stack.enter_context(webs))
        workers = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            workers.append(stack.enter_context(one_worker(tmp_path / name, environment)))
        for company in companies:
            company.accept()
        wait_until_exported()
        simulator.set_faults({"kind": "slow", "seconds": 0.2, "times": 100_000})
        rates: list[float] = []
        for count in (1, 4):
            chosen = companies[:count] * EACH
            for company in chosen:
                company.accept_at(next(addresses))
            before, begun = sum(read_processor_time(each.pid) for each in workers), time.monotonic()
            make_due(chosen)
            wait_until_exported()
            rates.append(len(chosen) / (time.monotonic() - begun))
            used = sum(read_processor_time(each.pid) for each in workers) - before
            report(
                f"two workers{behind}, Spectrum answers after 200 ms, connections: "
                f"{count}, exports a second: {rates[-1]:.2f}, "
                f"processor time of each {used / len(chosen) * 1000:.1f} ms"
            )
        report(f"four connections by one{behind}: {rates[1] / rates[0]:.2f}")


def report_latency(company: Company, report: Callable[[str], None]) -> None:
    """From Accept to Synced, one at a time on an idle worker, without the time on the wire."""
    beyond, whole = [], []
    for _ in range(EACH):
        begun = time.monotonic()
        job = company.accept()
        accepted = time.monotonic()
        wait_until_exported()
        whole.append((time.monotonic() - begun) * 1000)
        wire = WireAttempt.objects.filter(call__job=job).aggregate(
            spent=Sum(F("finished_at") - F("started_at"), output_field=DurationField())
        )["spent"]
        beyond.append((time.monotonic() - accepted) * 1000 - wire.total_seconds() * 1000)
    late = statistics.quantiles(beyond, n=20)[-1]
    report(
        f"Accept to Synced: {statistics.median(whole):.0f} ms; after the Accept and beyond the wire "
        f"{statistics.median(beyond):.0f} ms, p95 {late:.0f}"
    )


def accept_for_later(settings: Settings, companies: Sequence[Company]) -> None:
    """Accepted, and due when the test says so."""
    settings.UNDO_SECONDS = 3600
    for company in companies:
        company.accept()
    settings.UNDO_SECONDS = 0


def make_due(companies: Sequence[Company]) -> None:
    """As many of each company's as it stands there, the oldest first."""
    for company, count in Counter(companies).items():
        queued = ExportJob.objects.filter(connection=company.connection, status=JobStatus.QUEUED)
        oldest = list(queued.order_by("pk").values_list("pk", flat=True)[:count])
        ExportJob.objects.filter(pk__in=oldest).update(not_before=Now())
        wake_exports(company.connection.pk)


@contextmanager
def measured(pid: int, rates: list[float], used: list[float]) -> Iterator[None]:
    begun, before = time.monotonic(), read_processor_time(pid)
    yield
    rates.append(EACH / (time.monotonic() - begun))
    used.append((read_processor_time(pid) - before) / EACH * 1000)


def wait_until_exported() -> None:
    """Wait until nothing that is due is left."""
    until = time.monotonic() + 300
    while ExportJob.objects.exclude(status=JobStatus.SYNCED).exclude(not_before__gt=Now()).exists():
        assert time.monotonic() < until
        time.sleep(0.02)


def list_requests(job: ExportJob) -> list[tuple[str, str]]:
    """Of what an export sent, each address and envelope."""
    adapter = build_sending_adapter(ExportJob.objects.get(pk=job.pk))
    assert isinstance(adapter, SpectrumAdapter)
    sent: list[tuple[str, str]] = []

    def keep(verb: str, address: str, settings: object, *, body: bytes, **options: object) -> Exchange:
        sent.append((address, body.decode()))
        return Exchange(bytes_sent=False, failure="It was not sent.")

    with patch.object(wsdl, "send_request", keep):
        for call in map(to_call, job.list_current_calls()):
            adapter.send_call(call)
    return sent


def count_calls(simulator: Simulator) -> int:
    with sqlite3.connect(f"file:{simulator.database}?mode=ro", uri=True) as db:
        return int(db.execute("SELECT count(*) FROM simulator_call").fetchone()[0])


def read_processor_time(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


@contextmanager
def floor_worker(folder: Path) -> Iterator[int]:
    log = folder / "floor.log"
    arguments = ["celery", "-A", "tests.bench.floor", "worker", "--pool", "threads"]
    arguments += ["--concurrency", str(THREADS), "--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    program = Program(
        "floor", python(*arguments), ROOT, {**os.environ}, ready=lambda _: " ready." in log.read_text()
    )
    process = spawn(program, log)
    try:
        wait_until_ready(program, process, log=log, seconds=60)
        yield process.pid
    finally:
        end(program, process)
