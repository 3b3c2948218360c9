"""The steps of docs/operations/upgrade.md, while people work."""

import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from local import programs, server
from local.ports import HOST, Ports, Wish
from local.processes import end
from local.programs import ROOT, python
from local.supervisor import Supervisor
from tests.endurance.contracts.office import Company
from tests.endurance.contracts.pages import Commitment
from tests.endurance.contracts.people import Unexpected
from tests.endurance.contracts.run import Run, Work
from tests.endurance.contracts.running import PASSWORD, Addresses
from tests.endurance.contracts.tally import Tally
from tests.endurance.faults.breaking import Breaking, is_connected
from tests.endurance.faults.judge import list_doubled_writes
from tests.endurance.faults.stage import ROUNDS, SMALL, WORKERS, sheet
from tests.endurance.rolling.proxy import Proxy

STEPS, AT_EACH_STEP = 6, 16
ALL = STEPS * AT_EACH_STEP
PREFIX = "R001-"
PATIENCE = 60.0
BEGUN = "begun in Spectrum"
WRITE = "UpdateSubcontract"
SETTINGS = {
    "DEMO_PASSWORD": PASSWORD,
    "UNDO_SECONDS": "0",
    "COSTLY_PAGES_PER_MINUTE": "0",
    "WORKER_POLL_SECONDS": "2",
    ROUNDS: "1-1",
    SMALL: f"{ALL // 2}",  # of each of the two companies
}


class Paced(Run):
    """So many are sent at each step, so that there is something to do in all of them."""

    def __init__(self, addresses: Addresses, tally: Tally) -> None:
        super().__init__(addresses, PASSWORD, tally)
        self.may_send = threading.Semaphore(0)

    def _send(self, company: Company, commitment: Commitment) -> None:
        self.may_send.acquire()
        super()._send(company, commitment)

    def read_sheet(self, file: Path) -> Work:
        work: Work = {company: [] for company in self._office.companies}
        of = {company.slug: made for company, made in work.items()}
        for each in json.loads(file.read_text()):
            of[each["company"]].append(
                Commitment(each["path"], each["project"], each["kind"], each["number"], "")
            )
        return work


class Upgrade:
    """Old and new processes on one database; what is ended is not started again."""

    def __init__(self, folder: Path, stack: ExitStack, tally: Tally) -> None:
        self._old, self._var, self._tally = folder / "old", folder / "var", tally
        for name in ("log", "pids", "ready", "mail"):
            (self._var / name).mkdir(mode=0o700, parents=True)
        self._supervisor = Supervisor(logs=self._var / "log", pids=self._var / "pids", say=tally.say)
        stack.enter_context(self._supervisor.listening())
        self._ports = stack.enter_context(Ports(os.environ))
        self._webs = [stack.enter_context(Ports({}, {"product": Wish("", at)})) for at in (9100, 9200)]
        workplace = stack.enter_context(server.temporary_workplace(self._var))
        stack.callback(self._supervisor.stop)
        database, self._owner, broker, roles = server.start_servers(self._supervisor, self._var, workplace)
        environment = programs.environment_of(
            self._var, self._ports, database_url=database, broker_url=broker
        )
        self._environment = environment | roles | SETTINGS
        self._prepare()

    def _prepare(self) -> None:
        """All of the release before, and what is not upgraded."""
        self._migrate(self._old)
        preparation = python("tests.endurance.stage.preparation", str(self._var / "sign-ins"))
        self._supervisor.run("preparation", preparation, directory=self._old, environment=self._environment)
        self._ports.release()
        for each in self._webs:
            each.release()
        self._supervisor.start(
            programs.mail(self._var, self._ports, self._environment),
            programs.simulator(self._var, self._ports, self._environment),
            replace(programs.web(self._webs[0], self._environment), directory=self._old),
            replace(programs.worker(self._var, self._environment), directory=self._old),
        )
        self._proxy = Proxy(self._ports["product"], self._webs[0]["product"])
        product, simulator, mail = (
            f"http://{HOST}:{self._ports[name]}" for name in ("product", "simulator", "mail")
        )
        self._simulator = simulator
        addresses = Addresses(product, simulator, mail, self._var)
        self._breaking = Breaking(addresses, random.Random(1))
        self._people = Paced(addresses, self._tally)
        self._work = self._people.read_sheet(sheet(self._var))
        self._people.wait_for_lists(self._work)

    def run(self) -> None:
        """The steps of the guide. Raises Unexpected when something does not come."""
        counts = self._tally.counts
        with ThreadPoolExecutor(1) as pool:
            self._delivery: Future[None] = pool.submit(self._people.deliver, self._work)
            try:
                self._step("the release before", lambda: self._wait(lambda: counts[BEGUN] > STEPS))
                self._step("this one migrates", lambda: self._migrate(ROOT))
                self._step("its web in place of the old", self._replace_web)
                self._start_worker()
                self._step("its worker beside the old", self._share, 0)
                self._step("the old worker ends in a call", self._end_old_worker, 0)
                self._step("the rest", lambda: self._wait(self._delivery.done, 3 * PATIENCE), ALL)
                self._delivery.result()
            finally:
                self._people.may_send.release(ALL)

    def report(self) -> int:
        """Hold what people were shown against Spectrum and its log."""
        differing = self._people.compare(self._work)
        strangers = [each for each in differing.pop("Spectrum", []) if each.split()[-1].startswith(PREFIX)]
        doubled = [sentence for _, _, sentence in list_doubled_writes([], self._breaking.calls())]
        for each in [*(f"{path}: {found}" for path, found in differing.items()), *strangers, *doubled]:
            print(f"differs: {each}")
        broken = sum(times for status, times in self._proxy.statuses.items() if status >= 500)
        self._tally.say(f"{self._proxy.statuses.total()} pages")
        sent, synced = (self._tally.counts[name] for name in ("sent", "synced"))
        found = (len(differing) + len(strangers), len(doubled), broken)
        print(f"rolling: sent {sent} synced {synced} differ {found[0]} doubled {found[1]} 5xx {found[2]}")
        return 0 if ALL == sent == synced and not any(found) else 1

    def _step(self, what: str, act: Callable[[], str | None], sent: int = AT_EACH_STEP) -> None:
        before, began = self._tally.progress(), time.monotonic()
        for _ in range(sent):
            self._people.may_send.release()
        said = act()
        seconds = time.monotonic() - began
        self._tally.say(f"{what}: {said or ''}{seconds:.1f} s; {before}, then {self._tally.progress()}")

    def _wait(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        until = time.monotonic() + seconds
        while not condition():
            if self._delivery.done():
                self._delivery.result()
            if time.monotonic() > until:
                raise Unexpected("it does not come")
            self._supervisor.pause(0.02)

    def _migrate(self, directory: Path) -> None:
        for command in ("migrate", "collectstatic"):
            self._supervisor.run(
                command,
                [sys.executable, "manage.py", command, "--noinput"],
                directory=directory,
                environment={**self._environment, "DATABASE_URL": self._owner},
            )

    def _replace_web(self) -> None:
        """Out of the proxy first; what is under way is answered."""
        old, new = (each["product"] for each in self._webs)
        self._supervisor.start(programs.web(self._webs[1], self._environment, 2))
        self._proxy.web = new
        self._wait(lambda: not self._proxy.under_way[old])
        self._end("web")

    def _start_worker(self) -> None:
        """Before there is work, and with calls that are long enough to be seen."""
        self._wait(lambda: not self._has_call("worker"))
        self._supervisor.start(programs.worker(self._var, self._environment, 2))
        slow = {"kind": "slow", "method": WRITE, "seconds": 0.3, "times": ALL}
        self._breaking.ask("faults", {"faults": [slow]})

    def _share(self) -> None:
        """Until each has written: of commitments that come one by one, the leases decide anew who has it."""
        seen = set[str]()

        def is_begun() -> bool:
            seen.update(name for name in WORKERS if self._has_call(name))
            return self._tally.counts[BEGUN] > begun

        while len(seen) < 2:
            begun = self._tally.counts[BEGUN]
            self._people.may_send.release()
            self._wait(is_begun)
        self._breaking.heal_spectrum()

    def _end_old_worker(self) -> str:
        """While it waits for an answer."""
        for _ in range(AT_EACH_STEP):
            self._breaking.script("slow", WRITE, 2)
            self._people.may_send.release()
            self._wait(self._breaking.held)
            if self._has_call("worker") and not self._has_call("worker-2"):
                break
            self._wait(lambda: not self._breaking.held())
        else:
            raise Unexpected("the old worker has no call any more")
        seconds = self._end("worker")
        (call,) = [each for each in self._breaking.recent() if each["fault"]][-1:]
        return f"{seconds:.1f} s later, its call {call['outcome']} and {call['wire']}; "

    def _has_call(self, worker: str) -> bool:
        return is_connected(int((self._var / "pids" / worker).read_text()), self._simulator)

    def _end(self, name: str) -> float:
        """As a service manager does. Raises Unexpected when it has to be killed."""
        (child,) = [each for each in self._supervisor.children if each.program.name == name]
        began = time.monotonic()
        self._supervisor.children.remove(child)
        if not end(child.program, child.process):
            raise Unexpected(f"{name} did not stop by itself")
        return time.monotonic() - began
