"""Lets one blow of the schedule fall."""

import random
import time

from tests.endurance.contracts.running import Addresses
from tests.endurance.faults.breaking import Breaking, waits
from tests.endurance.faults.schedule import Blow
from tests.endurance.faults.stage import LEASE, WEBS, WORKERS, shift_file

SECONDS_ON_THE_WIRE = 10.0


class Striking:
    """Knows what each kind of blow is."""

    def __init__(self, addresses: Addresses, breaking: Breaking, draws: random.Random) -> None:
        self._var = addresses.var
        self._breaking = breaking
        self._draws = draws

    def strike(self, blow: Blow) -> None:
        """Returns when it has fallen; what follows from it goes on."""
        time.sleep(blow.delay)
        breaking = self._breaking
        breaking.kind = blow.kind
        worker = self._draws.choice(WORKERS)
        match blow.kind:
            case "worker killed on the wire":
                breaking.kill(self._caught_at(blow) or worker)
            case "worker killed between calls":
                caught = self._caught_at(blow)
                waits(lambda: not breaking.held(), 2)
                breaking.kill(caught or worker)
            case "worker killed at random":
                breaking.kill(worker)
            case "both workers killed":
                breaking.kill(*WORKERS)
            case "worker frozen beyond its lease":
                breaking.freeze(self._caught_at(blow) or worker, LEASE + 2)
            case "worker's clock ahead" | "worker's clock behind":
                shift_file(self._var, worker).write_text(f"{blow.seconds}")
                breaking.kill(worker)
            case "Spectrum killed":
                self._caught_at(blow)
                breaking.kill("simulator")
            case "Spectrum frozen":
                breaking.freeze("simulator", blow.seconds)
            case "read-back late" | "read-back away":
                breaking.script(blow.fault, blow.method, blow.seconds, at_once=True)
                time.sleep(4)
                breaking.heal_spectrum()
            case _ if blow.fault and blow.method:
                breaking.script(blow.fault, blow.method, blow.seconds)
            case _ if blow.fault:
                breaking.trouble_mail(blow.fault, blow.seconds)
                time.sleep(blow.seconds)
            case _:
                self._at_the_servers(blow.kind)

    def _at_the_servers(self, kind: str) -> None:
        breaking = self._breaking
        match kind:
            case "broker killed":
                breaking.kill("valkey")
            case "broker flushed":
                breaking.flush_broker()
            case "workers' sessions cut":
                breaking.cut_sessions(of_workers=True)
            case "web's sessions cut":
                breaking.cut_sessions(of_workers=False)
            case "PostgreSQL killed":
                breaking.crash_postgres()
            case "PostgreSQL restarted":
                breaking.restart_postgres()
            case "web worker killed":
                breaking.kill_a_child(self._draws.choice(WEBS))
            case "web killed":
                breaking.kill(self._draws.choice(WEBS))
            case "everything told to stop":
                breaking.stop(*WORKERS, *WEBS)
            case "mail catcher killed":
                breaking.kill("mail")
            case _:
                raise ValueError(kind)

    def _caught_at(self, blow: Blow) -> str:
        """The worker that waits for Spectrum at the scripted fault, or ""."""
        self._breaking.script(blow.fault, blow.method, blow.seconds)
        waits(self._breaking.held, SECONDS_ON_THE_WIRE)
        return self._breaking.on_the_wire()
