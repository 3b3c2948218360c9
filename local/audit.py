"""The audit asks the registry's advisories for known faults of anything that the product installs.

A registry that can't be asked is said loudly and is no pass: exit status 0 for nothing found, 1 for faults,
3 for not asked. ``script/check`` goes on after a 3, and with AUDIT_REQUIRED=true fails.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LISTS = ("requirements.txt", "requirements-dev.txt")  # what runs in production, and what builds and tests it
SECONDS = 120
CLEAN, FAULTY, NOT_ASKED = 0, 1, 3


def main(lists: Sequence[str] = LISTS) -> int:
    """Audit each list; the worst result."""
    found = set()
    for name in lists:
        status, sentences = judged(name, ask(ROOT / name))
        print("\n".join(sentences))
        found.add(status)
    return FAULTY if FAULTY in found else max(found)


def ask(requirements: Path) -> str:
    """pip-audit's report, as JSON; blank when it reports nothing."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--require-hashes"]
    command += ["--disable-pip", "--progress-spinner", "off", "--format", "json"]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return ended.stdout


def judged(name: str, report: str) -> tuple[int, list[str]]:
    """The status and the sentences for one list. Packages that were skipped were not audited."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        packages = []
    asked = [package for package in packages if "skip_reason" not in package]
    if not asked:
        return NOT_ASKED, [f"NOT AUDITED: {name}: the registry's advisories can't be asked from here."]
    faulty = [package for package in asked if package.get("vulns")]
    sentences = [
        f"{name}: {package['name']} {package['version']}: {fault['id']}, mended in "
        f"{', '.join(fault['fix_versions']) or 'no version yet'}"
        for package in faulty
        for fault in package["vulns"]
    ]
    skipped = sorted(package["name"] for package in packages if "skip_reason" in package)
    if skipped:
        sentences.append(f"NOT AUDITED: {name}: {', '.join(skipped)}.")
    if faulty:
        return FAULTY, sentences
    return (NOT_ASKED if skipped else CLEAN), [*sentences, f"{name}: {len(asked)} packages, no known fault."]


if __name__ == "__main__":
    sys.exit(main())
