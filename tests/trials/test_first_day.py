"""A small company's first day, by the pages: `script/first-day --small`."""

import os
import subprocess
import sys

from local.programs import ROOT
from tests.browser.conftest import chromium


def test_a_small_company_comes_from_nothing_to_synced_by_the_pages_alone() -> None:
    chromium()
    done = subprocess.run(
        [sys.executable, "-m", "tests.trials.first_day", "--small"],
        cwd=ROOT,
        env={name: os.environ[name] for name in ("PATH", "HOME")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith("synced 1 running 50 differ 0")
