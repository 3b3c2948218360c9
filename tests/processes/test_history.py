"""A worker seals what happened, and writes the day's checkpoint, with nobody asking."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from directory import history
from directory.history import checkpoints, verification
from directory.history.events import DirectoryEvent
from directory.models import HistorySeal
from tests.factories import CompanyFactory
from tests.processes.running import Running, until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_worker_seals_what_happened_within_seconds_and_writes_the_days_checkpoint(
    environment: dict[str, str], start_worker: Callable[[], Running], tmp_path: Path, settings: Any
) -> None:
    folder = tmp_path / "checkpoints"
    environment["HISTORY_CHECKPOINTS_DIR"] = settings.HISTORY_CHECKPOINTS_DIR = str(folder)
    company = CompanyFactory()
    history.record(event=DirectoryEvent.COMPANY_CHANGED, subject=company, by=None, company=company)
    start_worker()
    until(lambda: HistorySeal.objects.count() == 1, "it has its seal")
    until(lambda: list(folder.glob("history-*.json")), "a checkpoint is written")
    history.record(event=DirectoryEvent.COMPANY_CHANGED, subject=company, by=None, company=company)
    until(lambda: HistorySeal.objects.count() == 2, "the next one has its seal", seconds=10)
    kept = checkpoints.read_checkpoints([folder], trusted=[checkpoints.get_own_public_key()])
    proof = verification.verify_chains(kept)
    assert (len(kept), proof.seals, proof.breaks) == (1, 2, [])
