"""``script/checks-trial``: one trial, its report, and one line at the end."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.trials.files import COLUMNS, KINDS, REQUIRED, BadFile, read_trial

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTION = """\
Proves the checks of waiting rows on commitments with known faults, in a throw-away database.
Without files: the 822 headers of the demo's public file (number, title, vendor, department, amount);
lines, cost codes, estimates, retainage, days, accounts, history and 200 faults are generated."""
EPILOG = """\
columns of --file, a CSV in UTF-8 with these names in its first row, one row for each line:
{columns}

A file's days count from its newest one, which the trial moves to yesterday. A number that stands twice
in a project and kind is entered as the other kind, as the product has no such number twice.

columns of --truth: id (a waiting one of --file) and kind, one row for each fault. Kinds:
{kinds}

The last line: faults N found N duplicates N/N vendors N/N wrong N in-clean N
  found       the row says Look or Blocked, by a rule of the fault's kind
  duplicates  of these, same-number and near-duplicate; vendors: vendor-name
  wrong       rows without a fault that a rule or a blocking issue names. Not counted where the file itself
              says so: a first time that is none is wrong, another is not; nor the other half of a pair that
              the truth names, nor who shares a cost code or vendor with a faulty row that took the money, or
              that the lists block
  in-clean    rows with a fault that are Clean
Exit code 0: found at least 95 %, duplicates and vendors 99 %, wrong at most 3 % of the rows without a fault,
none in-clean, and every number in a sentence is the file's. 1: not so. 2: a file is no good."""


def build_parser() -> argparse.ArgumentParser:
    columns = [
        f"  {name:<19} {text}{'' if name in REQUIRED else ' (may be missing)'}"
        for name, text in COLUMNS.items()
    ]
    kinds = [f"  {name:<19} {text}" for name, text in KINDS.items()]
    return argparse.ArgumentParser(
        prog="script/checks-trial",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=DESCRIPTION,
        epilog=EPILOG.format(columns="\n".join(columns), kinds="\n".join(kinds)),
    )


def main() -> int:
    parser = build_parser()
    parser.add_argument("--seed", type=int, default=1, help="of what is generated (1)")
    parser.add_argument("--file", help="commitments of your own, together with --truth")
    parser.add_argument("--truth", help="which of them are faulty, and how")
    chosen = parser.parse_args()
    if bool(chosen.file) != bool(chosen.truth):
        parser.error("--file and --truth belong together: one without the other proves nothing.")
    if chosen.file:
        here = Path(os.environ.get("CHECKS_TRIAL_FROM", "."))
        chosen.file, chosen.truth = str(here / chosen.file), str(here / chosen.truth)
        try:
            read_trial(chosen.file, chosen.truth)
        except BadFile as error:
            print(error, file=sys.stderr)
            return 2
        print(f"{chosen.file} with {chosen.truth}")
    else:
        print(
            f"Seed {chosen.seed}. Public: number, title, vendor, department and amount of 822 headers. "
            "Generated: lines, cost codes, estimates, retainage, days, accounts, history and faults."
        )
    sys.stdout.flush()
    with tempfile.TemporaryDirectory() as folder:
        report, log = Path(folder) / "report", Path(folder) / "log"
        environment = os.environ | {"CHECKS_TRIAL_SEED": str(chosen.seed), "CHECKS_TRIAL_REPORT": str(report)}
        environment |= {"CHECKS_TRIAL_FILE": chosen.file or "", "CHECKS_TRIAL_TRUTH": chosen.truth or ""}
        with log.open("w") as output:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-n", "0", "-q", "tests/trials/test_checks.py"],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if not report.exists():
            print(log.read_text(), file=sys.stderr)
            return 1
        print(report.read_text(encoding="utf-8"))
        return done.returncode and 1


if __name__ == "__main__":
    sys.exit(main())
