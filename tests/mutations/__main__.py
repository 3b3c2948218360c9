"""Take each safeguard out of a copy of the product, and run the tests that have to notice.

A text that is not found, a safeguard whose loss no test of the first tier notices, and a test that fails
without any loss are errors. `docs/mutations.md` is written when there is none. Arguments: parts of names, for
only those.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.embedded_services import ThrowAway
from tests.mutations.table import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs" / "mutations.md"
AT_ONCE = 2
LONGEST = 600  # seconds; what hangs for so long was noticed
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S.*?)(?: - .*)?$", re.MULTILINE)
HEAD = """# Each safeguard taken out

Made by `script/mutations`: it takes one safeguard after the other out of a copy of the product and runs the
tests beside it until one fails. It ends with an error when no test does, or when the text to be taken out is
not there any more. All tests that are named are of the first tier, which `script/test` runs; they were run
without any change afterwards, and passed.

| taken out | of | noticed by |
|---|---|---|
"""


@dataclass(frozen=True)
class Lane:
    """A copy of the product with a database of its own."""

    folder: Path
    database: str

    def run(self, *arguments: str) -> tuple[int, str]:
        """Pytest's exit code, and what it said."""
        environment = {
            **os.environ,
            **{
                name: _named(os.environ[name], self.database)
                for name in ("DATABASE_URL", "OWNER_DATABASE_URL")
            },
        }
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--reuse-db", *arguments]
        try:
            done = subprocess.run(
                command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=LONGEST
            )
        except subprocess.TimeoutExpired:
            asked = next(each for each in arguments if each.startswith("tests/"))
            return 1, f"FAILED {asked} - it did not end\n"
        return done.returncode, done.stdout + done.stderr


def _named(url: str, name: str) -> str:
    return re.sub(r"/[^/?]*(\?|$)", rf"/{name}\1", url, count=1) if "///" not in url else url


def noticed(mutation: Mutation, lane: Lane) -> str:
    """The test that notices; blank if none does. Raises LookupError where there is nothing to take out."""
    place = lane.folder / mutation.file
    whole = place.read_text(encoding="utf-8")
    if whole.count(mutation.old) != 1:
        raise LookupError(f"{mutation.what}: its text stands {whole.count(mutation.old)} times")
    try:
        place.write_text(whole.replace(mutation.old, mutation.new), encoding="utf-8")
        for file in mutation.tests:
            code, said = lane.run("-x", *file.split())
            if code == 0:
                continue
            if found := FAILED.search(said):
                return found[1]
            raise LookupError(f"{mutation.what}: pytest ended with {code}: {said[-2000:]}")
        return ""
    finally:
        place.write_text(whole, encoding="utf-8")


def main(wanted: Sequence[str]) -> int:
    """The exit code."""
    chosen = [each for each in MUTATIONS if not wanted or any(part in each.what for part in wanted)]
    services = ThrowAway()
    with tempfile.TemporaryDirectory(prefix="ledgergate-mutations-") as folder:
        try:
            services.start(for_workers=True)
            lanes = SimpleQueue[Lane]()
            for number in range(AT_ONCE):
                lanes.put(_lane(Path(folder) / str(number), f"lane{number}"))
            return _run_all(chosen, lanes, whole=not wanted)
        finally:
            services.stop()


def _run_all(chosen: Sequence[Mutation], lanes: "SimpleQueue[Lane]", *, whole: bool) -> int:
    def run(mutation: Mutation) -> tuple[str, str]:
        lane = lanes.get()
        begun = time.monotonic()
        try:
            test, problem = noticed(mutation, lane), ""
            if not test:
                problem = "NO TEST NOTICED"
        except LookupError as error:
            test, problem = "", str(error)
        finally:
            lanes.put(lane)
        print(f"{time.monotonic() - begun:6.1f} s  {mutation.what}: {test or problem}", flush=True)
        return test, problem

    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(run, chosen))
    problems = [problem for _, problem in results if problem]
    tests = sorted({test for test, _ in results if test})
    code, said = lanes.get().run(*tests) if tests else (0, "")
    if code:
        problems.append(f"without any change: {said[-3000:]}")
        print(problems[-1])
    print(
        f"mutations {len(chosen)} noticed {sum(bool(test) for test, _ in results)} problems {len(problems)}"
    )
    if whole and not problems:
        rows = (_row(each, test) for each, (test, _) in zip(chosen, results, strict=True))
        DOCUMENT.write_text(HEAD + "".join(rows), encoding="utf-8")
    return bool(problems)


def _row(mutation: Mutation, test: str) -> str:
    file, _, name = test.partition("::")
    where = f"`{mutation.file}`"
    return f"| {mutation.what} | {where} | `{name.replace('::', ' ')}` in `{file}` |\n"


def _lane(folder: Path, database: str) -> Lane:
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
    return Lane(folder, database)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
