"""A Celery worker that starts fast after it was killed, and whose clock may be wrong.

`python -m tests.endurance.stage.worker` instead of `-m celery`: this process loads the product once and
forks the worker, again and again, as a web server does that preloads. Whoever kills the worker
kills the fork; it has everything that a worker has, from its database connections on, of its own.

With a shifted clock the product reads a wrong time wherever it reads this process's own. What
passes, as `time.monotonic` says, stays right: a machine with a wrong clock is no faster.
"""

import datetime as dt
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import django
import time_machine
from celery.__main__ import main

from local.processes import follow
from local.programs import READY_FILE
from tests.endurance.faults.stage import process_file, shift_file

SECONDS_BETWEEN = 0.3  # a death and the next fork


class Launcher:
    """Forks workers until it is told to stop."""

    def __init__(self, ready_file: Path) -> None:
        self._ready_file = ready_file
        self._var, self._name = ready_file.parent.parent, ready_file.name
        self._fork = 0
        self._stopping = False

    def run(self) -> int:
        """Returns 0 when the last worker has ended."""
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        django.setup()
        # What only the first task would load.
        import config.urls  # noqa: F401
        import local.background  # noqa: F401

        signal.signal(signal.SIGTERM, self._stop)
        while not self._stopping:
            self._fork = os.fork()
            if not self._fork:
                self._work()
            self._ready_file.write_text(f"{os.getpid()}\n")
            _, status = os.waitpid(self._fork, 0)
            print(f"the worker ended: {os.waitstatus_to_exitcode(status)}", flush=True)
            time.sleep(SECONDS_BETWEEN)
        return 0

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        os.kill(self._fork, signal.SIGTERM)

    def _work(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        follow(os.getppid(), signal.SIGKILL)
        os.environ.pop(READY_FILE)
        process_file(self._var, self._name).write_text(f"{os.getpid()}\n")
        self._shift()
        code = 1
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        finally:
            sys.stdout.flush()
            os._exit(code)

    def _shift(self) -> None:
        """Take the shift that waits, for this one fork."""
        file = shift_file(self._var, self._name)
        if file.exists():
            ahead = dt.timedelta(seconds=float(file.read_text()))
            file.unlink()
            time_machine.travel(dt.datetime.now(dt.UTC) + ahead, tick=True).start()
            print(f"this worker's clock is ahead by {ahead.total_seconds():g} s", flush=True)


if __name__ == "__main__":
    sys.exit(Launcher(Path(os.environ[READY_FILE])).run())
