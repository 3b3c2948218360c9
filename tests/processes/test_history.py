"""A worker seals what happened, and writes the day's checkpoint, with nobody asking."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from directory.history import checkpoints, proving
from directory.models import HistoryEntry
from tests.processes.conftest import Case
from tests.processes.running import Running, until

pytestmark = pytest.mark.django_db(transaction=True)


def test_workers_seal_what_people_do_within_seconds_and_write_one_checkpoint(
    case: Case,
    start_worker: Callable[..., Running],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    monkeypatch.setenv("HISTORY_CHECKPOINTS_DIR", str(tmp_path))
    settings.HISTORY_CHECKPOINTS_DIR = str(tmp_path)
    start_worker()
    start_worker()
    case.accept()
    until(lambda: HistoryEntry.objects.filter(event="export.synced").exists(), "it is exported")
    until(lambda: proving.prove().unsealed == 0, "everything has its seal", seconds=10)
    until(lambda: list(tmp_path.glob("history-*.json")), "a checkpoint is written")
    kept = checkpoints.read_all([tmp_path], trusted=[checkpoints.public_key()])
    proof = proving.prove(kept)
    assert (len(kept), proof.breaks) == (1, [])
