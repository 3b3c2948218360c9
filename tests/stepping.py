"""A worker that is killed, or frozen, exactly at one step of its work.

The worker is a fork of this process, so that nothing has to start. An *effect* is what others can see
of it: a statement, a commit or a rollback in the database, a connection, bytes that are handed to it,
an answer that is awaited. A *step* is a line of ours with the number of effects before it, or the moment
right before an effect. A worker that is killed leaves the same world behind at all steps between two
effects, so that one of them stands for all: the last one.
"""

import gc
import os
import pickle
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from http.client import HTTPConnection, HTTPResponse
from smtplib import SMTP
from types import CodeType, FrameType
from typing import Any

from django.db import Error, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from tests.simulator import ROOT

ROOMS = tuple(f"{ROOT}/{name}/" for name in ("commitments", "directory", "erp_integrations", "notifications"))
"""Where the lines are that are ours."""

EFFECTS: tuple[tuple[Any, str, str], ...] = (
    (CursorWrapper, "_execute", "statement"),
    (CursorWrapper, "_executemany", "statement"),
    (BaseDatabaseWrapper, "_commit", "commit"),
    (BaseDatabaseWrapper, "_rollback", "rollback"),
    (socket.socket, "connect", "connect"),
    (HTTPConnection, "send", "write"),
    (HTTPResponse, "begin", "read"),
    (SMTP, "send", "write"),
    (SMTP, "getreply", "read"),
)


@dataclass(frozen=True)
class Step:
    """The moment before a line of ours runs for the first time after so many effects.

    ``line`` is 0 right before the next effect, whose kind is ``before``; ``after`` is that of the last.
    """

    effects: int
    after: str
    file: str = ""
    function: str = ""
    line: int = 0
    before: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line} {self.function}" if self.line else f"before {self.before}"
        return f"{where}, effect {self.effects} after {self.after}"


class _Tracer:
    """Counts effects, and strikes at a step or notes them all."""

    def __init__(self, target: Step | None, strike: signal.Signals) -> None:
        self.steps: dict[Step, None] = {}
        self._target = target
        self._strike = strike
        self._effects = 0
        self._after = "nothing"
        self._ours: dict[CodeType, bool] = {}

    def begin(self) -> None:
        for owner, name, kind in EFFECTS:
            setattr(owner, name, self._counted(getattr(owner, name), kind))
        self._arm()

    def _counted(self, effect: Callable[..., Any], kind: str) -> Callable[..., Any]:
        @wraps(effect)
        def counted(*args: Any, **options: Any) -> Any:
            target = self._target
            if target is None:
                self.steps.setdefault(Step(self._effects, self._after, before=kind))
            elif not target.line and self._effects == target.effects:
                self._hit()
            sys.settrace(None)
            try:
                return effect(*args, **options)
            finally:
                self._effects += 1
                self._after = kind
                self._arm()

        return counted

    def _arm(self) -> None:
        """Trace lines: all of them, or those between the two effects that matter. Tracing is slow."""
        target = self._target
        if target is not None and not (target.line and self._effects == target.effects):
            sys.settrace(None)
            return
        sys.settrace(self._enter)
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            if self._is_ours(frame.f_code):
                frame.f_trace = self._line
            frame = frame.f_back

    def _is_ours(self, code: CodeType) -> bool:
        ours = self._ours.get(code)
        if ours is None:
            ours = self._ours[code] = code.co_filename.startswith(ROOMS)
        return ours

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        return self._line if self._is_ours(frame.f_code) else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event != "line":
            return self._line
        code, target = frame.f_code, self._target
        if target is None:
            file = code.co_filename.removeprefix(f"{ROOT}/")
            step = Step(self._effects, self._after, file, code.co_qualname, frame.f_lineno)
            self.steps.setdefault(step)
        elif (self._effects, frame.f_lineno) == (target.effects, target.line) and code.co_filename.endswith(
            target.file
        ):
            self._hit()
        return self._line

    def _hit(self) -> None:
        self._target = Step(-1, "")  # once
        sys.settrace(None)
        os.kill(os.getpid(), self._strike)


def steps_of(work: Callable[[], object]) -> list[Step]:
    """Every step of a work that nobody disturbs, in order."""
    read, write = os.pipe()
    worker = _fork(work, None, signal.SIGKILL, report=write)
    os.close(write)
    with os.fdopen(read, "rb") as told:
        steps: list[Step] = pickle.loads(told.read())
    assert _end_of(worker) == 0
    return steps


def killed_at(step: Step, work: Callable[[], object]) -> bool:
    """Let a worker be killed there; False if it never came there and ended its work."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (began,) = cursor.fetchone()
        code = _end_of(_fork(work, step, signal.SIGKILL))
        assert code in (0, -signal.SIGKILL), f"the worker broke down on its way to {step}"
        # Its locks go when PostgreSQL has noticed, which takes a moment on a busy machine.
        until = time.monotonic() + 30
        while time.monotonic() < until:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND backend_start > %s",
                [began],
            )
            if cursor.fetchone() == (0,):
                break
            time.sleep(0.005)
    return code != 0


class Frozen:
    """A worker that stopped at a step and has not gone on yet."""

    def __init__(self, step: Step, work: Callable[[], object]) -> None:
        self._step = step
        self._worker = _fork(work, step, signal.SIGSTOP)
        _, status = os.waitpid(self._worker, os.WUNTRACED)
        self.came_there = os.WIFSTOPPED(status)
        self._over = not self.came_there

    def goes_on(self) -> None:
        """It works again, and to its end."""
        os.kill(self._worker, signal.SIGCONT)
        self._over = True
        assert _end_of(self._worker) == 0, f"the worker broke down after {self._step}"

    def end(self) -> None:
        """Leave nothing behind, whatever failed."""
        if not self._over:
            os.kill(self._worker, signal.SIGKILL)
            _end_of(self._worker)


def _end_of(worker: int) -> int:
    _, status = os.waitpid(worker, 0)
    return os.waitstatus_to_exitcode(status)


def _fork(
    work: Callable[[], object], target: Step | None, strike: signal.Signals, report: int | None = None
) -> int:
    worker = os.fork()
    if worker:
        return worker
    code = 1
    try:
        gc.disable()  # a look at every object would copy the parent's memory
        _inherited.append(connection.connection)
        connection.connection = None
        tracer = _Tracer(target, strike)
        tracer.begin()
        try:
            work()
        except Error:
            # The database has ended the session of a worker that was frozen. Its process goes on.
            if strike == signal.SIGKILL:
                raise
        finally:
            sys.settrace(None)
        if report is not None:
            with os.fdopen(report, "wb") as told:
                told.write(pickle.dumps(list(tracer.steps)))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        # Nothing of pytest's may run a second time.
        sys.stderr.flush()
        os._exit(code)


_inherited: list[object] = []
"""The parent's session: a worker must neither use nor close it."""
