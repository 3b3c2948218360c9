"""How fast the list and Accept are beside their floors, over HTTP with the web processes of the Procfile.

`python -m tests.bench.ratios`, in the database that DATABASE_URL names. What counts are the ratios: both
halves of each are measured by turns. Processor time is that of the web's and of PostgreSQL's processes.
"""

import gzip
import http.client
import itertools
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

import django

from local.ports import HOST
from local.processes import Program, end, spawn, wait_until_ready
from local.programs import ROOT, answers, python
from tests.bench.bounds import BASE, COPY, Bounds
from tests.processes.running import free_port

PASSES, REQUESTS = 5, 40
ACCEPTED = 48  # in each pass and at each concurrency
MOST_OF_LIST, LEAST_OF_ACCEPT = 2.0, 0.35
Item = TypeVar("Item")
TICK = os.sysconf("SC_CLK_TCK")


class Web:
    """The product's web processes, and what they and PostgreSQL's have used."""

    def __init__(self, port: int, cookie: str, token: str) -> None:
        self.port, self.cookie, self.token = port, cookie, token
        self._floors = itertools.count(time.time_ns())

    def ask(self, path: str, entered: dict[str, str] | None = None) -> str:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        headers = {"Cookie": self.cookie, "Accept-Encoding": "gzip", "HX-Request": "true"}
        if entered is None:
            headers.pop("HX-Request")
            connection.request("GET", path, headers=headers)
        else:
            body = urlencode(entered | {"csrfmiddlewaretoken": self.token})
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": f"http://{HOST}:{self.port}",
            }
            connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        assert answer.status == 200, (path, answer.status, content[:500])
        return content.decode("latin-1")

    def insert(self) -> None:
        self.ask("/bench/accept/", {"number": str(next(self._floors))})


def main() -> int:
    django.setup()
    from django.conf import settings

    from directory.models import User
    from erp_integrations.models import Submission
    from tests.bench.world import MEASURED
    from tests.clients import signed_in

    person = User.objects.get(email=f"approver@{MEASURED}.test")
    client = signed_in(person)
    client.get(f"{BASE}/")
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    waiting = Submission.objects.filter(company__slug=MEASURED, pk__gt=1_000_000).awaiting().order_by("pk")
    bounds = Bounds()
    with serve() as port, ThreadPoolExecutor(32) as threads:
        token = "t" * 32
        cookie = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={token}"
        web = Web(port, cookie, token)
        measure_list(web, bounds)
        keys = iter(list(waiting.values_list("pk", flat=True)))
        for at_once in (1, 8, 32):
            measure_accept(web, bounds, threads, at_once, keys)
    print(f"ratios {bounds.count} met {bounds.met}")
    return int(bounds.met < bounds.count)


def measure_list(web: Web, bounds: Bounds) -> None:
    ways: dict[str, Callable[[], object]] = {
        "list": lambda: web.ask(f"{BASE}/commitments/"),
        "floor": lambda: web.ask("/bench/list/"),
        "rival": lambda: web.ask("/bench/admin/erp_integrations/submission/?status__exact=awaiting"),
    }
    used: dict[str, list[float]] = {name: [] for name in ways}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(PASSES):
        for name, way in ways.items():
            before = read_processor_time(web.port)
            for _ in range(REQUESTS):
                begun = time.perf_counter()
                way()
                times[name].append((time.perf_counter() - begun) * 1000)
            used[name].append(count_used(web, before) / REQUESTS * 1000)
    for name in ways:
        low, middle, high = min(used[name]), statistics.median(used[name]), max(used[name])
        late = statistics.quantiles(times[name], n=20)[-1]
        print(
            f"    {name}: processor {middle:.1f} ms ({low:.1f} to {high:.1f}), "
            f"answer {statistics.median(times[name]):.1f} ms, p95 {late:.1f}"
        )
    rival = statistics.median(used["list"]) / statistics.median(used["rival"])
    print(f"    list: processor time by that of Django's own admin {rival:.2f}")
    ratio = statistics.median(used["list"]) / statistics.median(used["floor"])
    bounds.check("list: processor time by its floor's, in hundredths", ratio * 100, MOST_OF_LIST * 100)


def measure_accept(
    web: Web, bounds: Bounds, threads: ThreadPoolExecutor, at_once: int, keys: Iterator[int]
) -> None:
    rates: dict[str, list[float]] = {"accept": [], "floor": []}
    used: dict[str, list[float]] = {"accept": [], "floor": []}
    count = max(ACCEPTED, at_once)
    for _ in range(PASSES):
        chosen = list(itertools.islice(keys, count))
        if len(chosen) < count:
            break
        boxes = [(f"{BASE}/commitments/{key}/accept/", read_box(web, key)) for key in chosen]
        before = read_processor_time(web.port)
        rates["accept"].append(measure_rate(threads, at_once, boxes, lambda box: web.ask(box[0], box[1])))
        used["accept"].append(count_used(web, before) / count * 1000)
        before = read_processor_time(web.port)
        rates["floor"].append(measure_rate(threads, at_once, chosen, lambda _: web.insert()))
        used["floor"].append(count_used(web, before) / count * 1000)
    if not rates["accept"]:
        print(f"    accept, {at_once} at once: too few wait in this world")
        return
    ours, floor = statistics.median(rates["accept"]), statistics.median(rates["floor"])
    each, least = (statistics.median(used[name]) for name in ("accept", "floor"))
    print(
        f"    accept, {at_once} at once: {ours:.0f} a second, floor {floor:.0f}; "
        f"processor {each:.1f} ms, floor {least:.1f}, {least / each:.2f} of it"
    )
    bounds.check(
        f"accept, {at_once} at once: its floor's rate by its own, in hundredths",
        floor / ours * 100,
        100 / LEAST_OF_ACCEPT,
    )


def read_box(web: Web, key: int) -> dict[str, str]:
    shown = gzip.decompress(web.ask(f"{BASE}/commitments/{key}/accept/").encode("latin-1")).decode()
    return dict(re.findall(r'name="(expected_hash|expected_version|erp_id)"[^>]*value="([^"]*)"', shown))


def measure_rate(
    threads: ThreadPoolExecutor, at_once: int, items: Sequence[Item], act: Callable[[Item], object]
) -> float:
    """How many a second, so many at once."""
    begun = time.perf_counter()
    portions = [items[number::at_once] for number in range(at_once)]
    list(threads.map(lambda portion: [act(each) for each in portion], portions))
    return len(items) / (time.perf_counter() - begun)


def count_used(web: Web, before: Counter[str]) -> float:
    """Seconds since; what a session has used that has ended meanwhile is lost."""
    return (read_processor_time(web.port) - before).total() / TICK


@contextmanager
def serve() -> Iterator[int]:
    """The web processes as the Procfile starts them."""
    port = free_port()
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.bench.settings", "UNDO_SECONDS": "10"}
    log = Path(tempfile.mkdtemp(prefix="ledgergate-bench-")) / "web.log"
    arguments = ["gunicorn", "-c", "python:config.gunicorn", "config.wsgi", "--bind", f"{HOST}:{port}"]
    arguments += ["--workers", "2", "--threads", "4", "--log-level", "warning"]
    program = Program("web", python(*arguments), ROOT, environment, ready=lambda _: answers(port))
    process = spawn(program, log)
    try:
        wait_until_ready(program, process, log=log, seconds=60)
        yield port
    finally:
        end(program, process)
        shutil.rmtree(log.parent)


def read_processor_time(port: int) -> Counter[str]:
    """Ticks that each of the web's and PostgreSQL's processes has used."""
    bound = f"{HOST}:{port}".encode()
    used: Counter[str] = Counter()
    for folder in Path("/proc").iterdir():
        try:
            command = (folder / "cmdline").read_bytes()
            if bound in command or (command.startswith(b"postgres:") and COPY.encode() in command):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                used[folder.name] = int(fields[11]) + int(fields[12])
        except (OSError, IndexError):
            continue
    return used


if __name__ == "__main__":
    sys.exit(main())
