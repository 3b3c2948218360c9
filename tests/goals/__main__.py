"""Search for a way to each goal. `script/goals` runs it.

    script/goals [--quick] [--seed N] [--without RULE]

With ``--without`` the search goes on in a copy of the product that lacks the rule, and only what is open by
that counts; with ``--quick`` it is for those alone who get there first. Exit code 0: nothing was reached.
1: the ways are printed. 2: it could not be searched.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.goals import rules
from tests.goals.aims import GOALS

ROOT = Path(__file__).resolve().parent.parent.parent
OPEN = Path("tests/goals/open_ways.txt")


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="script/goals", description="Search for a way to each goal.")
    parser.add_argument(
        "--quick", action="store_true", help="The part that runs in the suite, and a few by lot."
    )
    parser.add_argument("--seed", type=int, default=1, help="Of the sequences by lot.")
    parser.add_argument("--without", choices=sorted(rules.RULES), metavar="RULE", help=", ".join(rules.RULES))
    parser.add_argument("--after", default="", metavar="PARTY", help="Go on behind this line of a run.")
    parser.add_argument("--unknown", action="store_true", help="Only what tests/goals/open_ways.txt lacks.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledgergate-goals-") as folder:
        product = ROOT
        if asked.without:
            product = Path(folder) / "product"
            _copy(product)
            try:
                rules.take_out(asked.without, product)
            except LookupError as error:
                print(error)
                return 2
        return _searched(asked, product, Path(folder))


def _searched(asked: argparse.Namespace, product: Path, folder: Path) -> int:
    report, progress = folder / "report.json", folder / "progress.txt"
    progress.touch()
    wanted = {
        "quick": asked.quick,
        "seed": asked.seed,
        "after": asked.after,
        "party": rules.RULES[asked.without].by if asked.without and asked.quick else "",
        "report": str(report),
        "progress": str(progress),
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-k", "no_goal_is_reached"]
    with (folder / "pytest.txt").open("wb") as output:
        process = subprocess.Popen(
            [*command, "tests/goals/test_goals.py"],
            cwd=product,
            env={**os.environ, "GOALS": json.dumps(wanted)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _follow(process, progress)
    if process.returncode or not report.exists():
        print((folder / "pytest.txt").read_text(encoding="utf-8")[-5000:])
        return 2
    found = json.loads(report.read_text(encoding="utf-8"))
    ways: list[dict[str, Any]] = found["ways"]
    if asked.without or asked.unknown:
        known = set((ROOT / OPEN).read_text(encoding="utf-8").splitlines())
        ways = [way for way in ways if way["line"] not in known]
    for number, way in enumerate(ways, 1):
        print(f"\n{number}. {way['words']}")
    print(f"\n{found['states']:,} states in {found['seconds']:.0f} s, {found['busy']:.0f} of them at work")
    print(f"{found['moved']} of {found['moves']} moves changed anything")
    print(f"goals {len(GOALS)} sequences {found['sequences']} reached {len(ways)}")
    return 1 if ways else 0


def _follow(process: "subprocess.Popen[bytes]", progress: Path) -> None:
    """Print how far it is."""
    with progress.open(encoding="utf-8") as told:
        while True:
            ended = process.poll() is not None
            print(told.read(), end="", flush=True)
            if ended:
                return
            time.sleep(1)


def _copy(folder: Path) -> None:
    """The product as git knows it, and what is new in it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


if __name__ == "__main__":
    sys.exit(main())
