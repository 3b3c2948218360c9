"""Whether a worker grows over BENCH_JOBS exports."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.bench.bench_export_rate import accept_for_later, make_due, wait_until_exported
from tests.bench.stage import Company, one_worker, spectrum

pytestmark = pytest.mark.django_db(transaction=True)

JOBS = int(os.environ.get("BENCH_JOBS", "20000"))
CODES = ["ONE", "TWO", "TRE", "FOR"]
PORTION = 200
PAGE = os.sysconf("SC_PAGE_SIZE")


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
            first, last = sizes[len(sizes) // 10], sizes[-1]
            report(
                f"worker: {first:.0f} MB after {JOBS // 10} exports, {last:.0f} MB after {JOBS}: "
                f"{(last / first - 1) * 100:+.0f} %"
            )


def read_memory(pid: int) -> float:
    """Megabytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6
