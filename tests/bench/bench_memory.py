"""Whether the web's processes grow over BENCH_REQUESTS requests, and a worker over BENCH_JOBS exports."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import pytest
from pytest_django import Settings

from local.ports import HOST
from tests.bench.bench_export_rate import accept_for_later, make_due, wait_until_exported
from tests.bench.bounds import BASE, PAGES
from tests.bench.stage import Company, environment_of_processes, one_worker, spectrum
from tests.bench.world import MEASURED, build_places
from tests.factories import CompanyFactory
from tests.processes.people import Person
from tests.processes.running import Running, free_port, web

pytestmark = pytest.mark.django_db(transaction=True)

REQUESTS = int(os.environ.get("BENCH_REQUESTS", "100000"))
AT_ONCE = 4
JOBS = int(os.environ.get("BENCH_JOBS", "20000"))
CODES = ["ONE", "TWO", "TRE", "FOR"]
PORTION = 200
PAGE = os.sysconf("SC_PAGE_SIZE")


def test_the_web_does_not_grow(tmp_path: Path, report: Callable[[str], None]) -> None:
    """Asked are by turns all pages that have bounds, and a list's poll after each."""
    places = build_places(CompanyFactory(slug=MEASURED), 50)
    waiting, rows = places[0].waiting, "&row=".join(str(place.waiting.pk) for place in places)
    names = {
        "awaiting": waiting.pk,
        "exporting": places[0].job.submission_id,
        "rows": rows,
        "number": places[0].job.submission.number,
        "project": waiting.project_id,
    }
    paths = [page.path.format(**names) for page in PAGES]
    port = free_port()
    running = Running(web(port, environment_of_processes() | {"WEB_CONCURRENCY": "2"}), tmp_path / "web.log")
    address = f"http://{HOST}:{port}"
    people = [(Person(places[0].approver, address), Person(waiting.sent_by, address)) for _ in range(AT_ONCE)]

    def ask(person: tuple[Person, Person]) -> None:
        approver, sender = person
        for path in islice(cycle(paths), REQUESTS // AT_ONCE // 20):
            (sender if path.startswith("/projects/") else approver).opens(path)
            approver.opens(f"{BASE}/commitments/rows/?row={rows}")

    try:
        running.wait_until_ready()
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        sizes = []
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for tenth in range(1, 11):
                list(threads.map(ask, people))
                sizes.append([read_memory(int(pid)) for pid in children])
                print(f"web: {sizes[-1]} MB after {REQUESTS // 10 * tenth} requests", flush=True)
    finally:
        running.end()
    for first, last in zip(sizes[0], sizes[-1], strict=True):
        report_growth(report, f"web, {REQUESTS} requests", first, last)


def test_a_worker_does_not_grow(settings: Settings, tmp_path: Path, report: Callable[[str], None]) -> None:
    with spectrum(CODES) as simulator:
        settings.SPECTRUM_SERVERS = {"simulator": simulator.url}
        companies = [Company(code) for code in CODES]
        with one_worker(tmp_path) as worker:
            sizes: list[float] = []
            for _ in range(JOBS // PORTION):
                for company in companies:
                    company.send(PORTION // len(companies))
                accept_for_later(settings, companies * (PORTION // len(companies)))
                make_due(companies)
                wait_until_exported()
                sizes.append(read_memory(worker.pid))
                print(f"worker: {sizes[-1]} MB after {PORTION * len(sizes)} exports", flush=True)
    report_growth(report, f"worker, {JOBS} exports", sizes[len(sizes) // 10], sizes[-1])


def report_growth(report: Callable[[str], None], name: str, first: float, last: float) -> None:
    report(f"{name}: {first:.0f} MB after a tenth, {last:.0f} after all: {(last / first - 1) * 100:+.0f} %")


def read_memory(pid: int) -> float:
    """Megabytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6
