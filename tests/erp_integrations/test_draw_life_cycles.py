"""docs/life-cycles.md is drawn from the tables of the code, and is never behind them."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from erp_integrations.management.commands import draw_life_cycles
from erp_integrations.models import JobStatus
from erp_integrations.models.job_statuses import JOB_TRANSITIONS


def test_the_page_is_what_the_tables_say() -> None:
    call_command("draw_life_cycles", "--check")
    page = (Path(settings.BASE_DIR) / "docs" / "life-cycles.md").read_text(encoding="utf-8")
    for status, following in JOB_TRANSITIONS.items():
        assert all(f"    {status} --> {each}: " in page for each in following)


def test_an_arrow_more_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    more = {**JOB_TRANSITIONS, JobStatus.QUEUED: JOB_TRANSITIONS[JobStatus.QUEUED] | {JobStatus.FAILED}}
    monkeypatch.setattr(draw_life_cycles, "JOB_TRANSITIONS", more)
    because = {**draw_life_cycles.BECAUSE, ("queued", "failed"): "nothing"}
    monkeypatch.setattr(draw_life_cycles, "BECAUSE", because)
    with pytest.raises(CommandError, match="draw_life_cycles"):
        call_command("draw_life_cycles", "--check")
