"""`script/rolling`: prints what it does, and one last line."""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import requests

from local.processes import CannotStart
from local.programs import ROOT
from local.supervisor import Stopped
from tests.endurance.contracts.people import Unexpected
from tests.endurance.contracts.tally import Tally
from tests.endurance.rolling.upgrade import Upgrade

# The environment of whoever starts this must not lead anywhere else.
OTHERS = ("DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL")


def main() -> int:
    """Returns 0 only when all that was sent is in Spectrum once, as it was shown, and no page broke."""
    for name in OTHERS:
        os.environ.pop(name, None)
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="ledgergate-rolling-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o711)  # the servers' account walks through
        if reason := check_out_the_release_before(folder / "old", tally):
            print(f"NOT RUN: a rolling upgrade: {reason}")
            return 0
        upgrade = None
        try:
            upgrade = Upgrade(folder, stack, tally)
            upgrade.run()
            return upgrade.report()
        except (Unexpected, CannotStart, Stopped, requests.RequestException) as problem:
            tally.say(f"STOPPED: {type(problem).__name__}: {problem}")
            for log in (folder / "var" / "log").glob("w*.log"):
                print(f"{log.name}:", *log.read_text(errors="replace").splitlines()[-15:], sep="\n  ")
    return 1


def check_out_the_release_before(folder: Path, tally: Tally) -> str:
    """The commit before the newest migration; or the reason why there is none."""

    def ask(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    newest = ask("log", "-1", "--diff-filter=A", "--format=%H", "--", "*/migrations/0*.py")
    before = newest and ask("rev-parse", "--verify", "--quiet", f"{newest}^")
    if not before:
        return "this clone has no commit from before the newest migration"
    folder.mkdir()
    with subprocess.Popen(["git", "archive", before], cwd=ROOT, stdout=subprocess.PIPE) as archive:
        subprocess.run(["tar", "-x", "-C", folder], stdin=archive.stdout, check=True)
    tally.say(f"from {ask('log', '-1', '--format=%h (%s)', before)}")
    tally.say(f"to a release that begins with {ask('log', '-1', '--format=%h (%s)', newest)}")
    return ""


if __name__ == "__main__":
    sys.exit(main())
