"""The checks find a file's faults, and hardly anything else. Other seeds: ``script/checks-trial``."""

import os
from pathlib import Path

import pytest

from tests.trials.files import Trial, read_trial
from tests.trials.filling import Stage
from tests.trials.judging import Judgement, build_judgement
from tests.trials.recomputing import Recomputing
from tests.trials.seeding import Seeder


def run(trial: Trial) -> Judgement:
    stage = Stage(trial)
    stage.fill()
    results = stage.check()
    return build_judgement(trial, results, Recomputing(trial, stage.shift))


@pytest.mark.django_db(transaction=True)
def test_the_checks_find_the_faults() -> None:
    file, truth = os.environ.get("CHECKS_TRIAL_FILE"), os.environ.get("CHECKS_TRIAL_TRUTH")
    seed = int(os.environ.get("CHECKS_TRIAL_SEED", "1"))
    trial = read_trial(file, truth) if file and truth else Seeder(seed).build()
    judgement = run(trial)
    if report := os.environ.get("CHECKS_TRIAL_REPORT"):
        Path(report).write_text("\n".join([*judgement.report, judgement.last_line]), encoding="utf-8")
    # Else none in a clean group would say nothing.
    assert file or judgement.clean * 10 > judgement.without_fault * 8, judgement.report
    assert not judgement.problems, "\n".join([*judgement.report, judgement.last_line])
