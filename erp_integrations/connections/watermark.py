"""How far this installation has written to an ERP, in small files outside its database.

A database that was put back to an older copy does not know what was written after it, and would
write it again. So before a job's first write its wire attempt is named in a file of this machine, and
a database that knows less than any file in the folder, or than the last checkpoint of the history,
sends nothing until an operator has said what happened (``manage.py after_restore``).
"""

import json
import os
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now

from directory.history import checkpoints, restores
from erp_integrations import alarms
from erp_integrations.connections import circuit_breaker
from erp_integrations.events import ErpEvent
from erp_integrations.models import Connection, Restore, WireAttempt

OLD_SECONDS = 30 * 86_400
PAUSE_REASON = "The database seems to be an older copy, which the operator has to confirm (after_restore)."

_writing = threading.Lock()


class WatermarkUnavailable(Exception):
    """The folder can't be read, so that nobody knows how far was written; the text is for people."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """The newest wire attempt that somebody knows of: in which epoch, and when it was.

    A number may be given again by an older copy, so ``payload_hash`` and ``started_at`` say which attempt
    it is; a file of the release before has neither.
    """

    epoch: int = 0
    attempt: int = 0
    at: str = ""
    payload_hash: str = ""
    started_at: str = ""

    @property
    def is_known(self) -> bool:
        """The database holds this very attempt."""
        if not self.started_at:
            return not self.attempt or WireAttempt.objects.filter(pk__gte=self.attempt).exists()
        started_at = datetime.fromisoformat(self.started_at)
        named = WireAttempt.objects.filter(pk=self.attempt, payload_hash=self.payload_hash)
        return named.filter(started_at=started_at).exists()


def write_mark(entry: WireAttempt) -> str:
    """Name this attempt in the process's file, before it leaves; why it can't, or blank. It only rises.

    No process waits for another: one that is frozen would hold up all others.
    """
    if not settings.WIRE_WATERMARK_DIR:
        return ""
    folder = Path(settings.WIRE_WATERMARK_DIR)
    machine = re.sub(r"[^A-Za-z0-9.]", "_", socket.gethostname()) or "worker"
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    mark = Mark(get_epoch(), entry.pk, now, entry.payload_hash, entry.started_at.isoformat())
    file = folder / f"wire-{machine}-{os.getpid()}.json"
    try:
        with _writing:
            folder.mkdir(parents=True, exist_ok=True)
            is_first = not file.exists()
            if is_first or read_mark(file) < mark:
                _write_file(file, mark)
            if is_first:
                delete_dead_marks(folder.glob("wire-*.json"), f"wire-{machine}-", mark)
    except (OSError, ValueError) as error:
        return f"Nothing was sent, because the folder of WIRE_WATERMARK_DIR can't be written: {error}."
    return ""


def find_losses() -> list[str]:
    """Losses of this database of which others know, as sentences; none in nearly every case.

    The files are read before the database, which may only have risen since. Raises WatermarkUnavailable.
    """
    marks, epoch = sorted(list_marks(), reverse=True), get_epoch()
    losses = []
    for mark in marks:
        if mark.epoch > epoch or (mark.epoch == epoch and not mark.is_known):
            losses.append(f"Calls to Spectrum were sent until {mark.at} that this database does not know.")
            break
    if restores.has_unexplained_loss(next(checkpoints.list_own_checkpoints(), None)):
        losses.append("The history's last checkpoint knows entries that this database does not.")
    return losses


def describe_losses() -> str:
    """The losses, or why nobody can tell; blank in nearly every case."""
    try:
        return " ".join(find_losses())
    except WatermarkUnavailable as error:
        return str(error)


def pause_if_outdated() -> bool:
    """Pause every connection where the database knows less than it should; whether that is so."""
    losses = describe_losses()
    if losses:
        pause_all(losses)
    return bool(losses)


def pause_all(losses: str) -> None:
    """Let nothing be sent on any connection until a person lets it go on."""
    for key in list(Connection.objects.filter(paused_at=None).values_list("pk", flat=True)):
        with transaction.atomic():
            connection = Connection.objects.lock(key)
            if connection.paused_at is None:
                reason = f"{PAUSE_REASON} {losses}"[:300]
                Connection.objects.filter(pk=key).update(paused_at=Now(), pause_reason=reason)
                circuit_breaker.record_connection_event(
                    ErpEvent.CONNECTION_PAUSED, connection, None, {"reason": reason}
                )
                alarms.create_alarm(connection, f"{reason} Nothing is sent until then.")


def get_next_epoch() -> int:
    """Higher than any that a file or this database has."""
    return max([mark.epoch for mark in list_marks()] + [get_epoch()]) + 1


def get_epoch() -> int:
    newest: int = Restore.objects.aggregate(newest=Max("epoch"))["newest"] or 0
    return newest


def list_marks() -> Iterator[Mark]:
    if not settings.WIRE_WATERMARK_DIR:
        return
    folder = Path(settings.WIRE_WATERMARK_DIR)
    try:
        for file in folder.glob("wire-*.json"):
            yield read_mark(file)
    except (OSError, ValueError) as error:
        raise WatermarkUnavailable(f"A file of WIRE_WATERMARK_DIR can't be read: {error}.") from error


def read_mark(file: Path) -> Mark:
    """Raises ValueError where it is not whole: then nobody knows how far it was written."""
    try:
        data = json.loads(file.read_text())
        named = (str(data.get(name, "")) for name in ("payload_hash", "started_at"))
        mark = Mark(int(data["epoch"]), int(data["attempt"]), str(data["at"]), *named)
        if mark.started_at:
            datetime.fromisoformat(mark.started_at)
        return mark
    except (LookupError, TypeError) as error:
        raise ValueError(f"{file.name} is damaged") from error


def delete_dead_marks(files: Iterable[Path], own: str, mark: Mark) -> None:
    """Remove files that say no more than ``mark``: of this machine's former processes, and of any machine
    those that are old, as containers have another name each."""
    for file in files:
        if file.name.startswith(own):
            is_dead = not is_process_alive(int(file.stem.rpartition("-")[2]))
        else:
            is_dead = time.time() - file.stat().st_mtime > OLD_SECONDS
        if is_dead and read_mark(file) <= mark:
            file.unlink(missing_ok=True)


def is_process_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # as another user
    return True


def _write_file(file: Path, mark: Mark) -> None:
    with checkpoints.with_unfinished_file(file, json.dumps(asdict(mark))) as whole:
        os.replace(whole, file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
