"""`script/every-step` gathers this from the tests, and makes a page of it."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.simulator import ROOT
from tests.stepping import Step

DOCUMENT = ROOT / "docs" / "every-step.md"
HEAD = """# Killed and frozen at every step

Made by `script/every-step`, which fails when anything of what follows did not hold. A few of the steps are
tried in every run of the suite.

A worker is a process that goes its way against the real simulator and the real PostgreSQL. It stops at
a step of its own accord: by SIGKILL, or by SIGSTOP until another worker has ended what it began. A *step*
is a line of ours with the number of *effects* before it: statements, commits and rollbacks in the database,
connections, bytes handed to Spectrum, answers awaited. A killed process leaves nothing but its effects, so
all lines between two effects leave one world behind, and one kill right before each effect stands for them.
Inside an effect there are no worlds of its own: a commit is whole or not there, and a request of which bytes
are missing is none.
Time passes by moving the times in the rows back: first the leases, then the quiet period and the pauses.

Whatever the step, the judge finds: each part stored in Spectrum once, with the content that was accepted
(compared with literals); *synced* only with everything there; *failed*, *cancelled* or *incomplete* only with
what our books say; nothing sent while the first worker's lease runs, nor in the quiet period; badge, lock,
ERP ID, history and alarm in step. Where nothing can be read back, an interrupted call is *unknown*, a person
says what Spectrum holds, and then it ends as synced. The simulator's records and its log of calls are what
is asked.

## Killed
Then a second worker goes on.

| way of the delivery | lines that are steps | effects | kills | in the end |
|---|---|---|---|---|
"""
FROZEN = """
## Frozen
For longer than its lease. A second worker goes on, and then the first one too. It changes no row of ours
(all tables are compared, but for the sign of life), and Spectrum ends with everything as it was accepted.
At the steps between the beginning of a look at the lease and the answer the worker really sleeps, on the
first two ways (the other ways share that code); elsewhere only the rows' times are moved. A transaction that
was open is ended by the database (`IDLE_TRANSACTION_SECONDS`), so that its locks hold nobody up.

| way of the delivery | freezes | in the end | a call was written once more, late, when it was frozen |
|---|---|---|---|
"""
WINDOW = """
The last column is the window that can't be fenced without Spectrum's help. A call may begin as long as what
is left of the lease is longer than the longest call; the clock is looked at right before any bytes are handed
over, and the head of a request alone writes nothing. What is left is one moment in each call, between the
look before the last bytes and these bytes. The time-out of the whole call, of which the process learns when
it wakes, still cuts off some of these writes, so that the column may hold fewer than there are calls.

What is written late is what was accepted, and nothing of ours changes; read back or attested, the job stands
as synced by then. If another version of the commitment has been delivered meanwhile, the late one overwrites
it: `tests/erp_integrations/every_step/test_the_window.py` shows that the next reconciliation finds it. The
badge turns to *Synced with differences*, and accounting reads: *Subcontract, Comment: “Other works” was
exported, “Concrete works” is in Spectrum.* Until then the page says what the last read-back saw.

## Mails
"""


def report(
    what: str,
    way: str,
    steps: Sequence[Step],
    tried: int,
    ends: Counter[str],
    remarks: Iterable[str] = (),
    ways: Iterable[str] = (),
) -> None:
    """One row, if somebody asked for it; ``ways`` are all that there are."""
    row = {
        "what": what,
        "way": way,
        "lines": sum(bool(step.line) for step in steps),
        "effects": sum(not step.line for step in steps),
        "tried": tried,
        "ends": dict(ends),
        "remarks": list(remarks),
        "ways": list(ways),
    }
    if place := os.environ.get("EVERY_STEP_REPORT"):
        with Path(place).open("a", encoding="utf-8") as rows:
            rows.write(json.dumps(row) + "\n")


def page(rows: Sequence[dict[str, Any]]) -> str:
    """The document."""
    ways = {way for row in rows for way in row["ways"]}
    kinds = {kind: [row for row in rows if row["what"] == kind] for kind in ("killed", "frozen", "mails")}
    killed = "".join(
        f"| {row['way']} | {row['lines']:,} | {row['effects']} | {row['tried']:,} | {_ends(row)} |\n"
        for row in kinds["killed"]
    )
    frozen = "".join(
        f"| {row['way']} | {row['tried']:,} | {_ends(row)} | {'; '.join(row['remarks']) or 'never'} |\n"
        for row in kinds["frozen"]
    )
    mails = "".join(
        f"A sender with two mails was killed at {row['tried']:,} of {row['effects']} effects and "
        f"{row['lines']:,} lines. Both mails arrived each time, under one Message-ID each; one of them twice "
        f"at {len(row['remarks'])} steps, all of them between the server's yes and our commit.\n"
        for row in kinds["mails"]
    )
    left_out = {
        kind: ", ".join(sorted(ways - {row["way"] for row in kinds[kind]})) for kind in ("killed", "frozen")
    }
    killed += f"\nNot in this run: {left_out['killed']}.\n" if left_out["killed"] else ""
    frozen += f"\nNot in this run: {left_out['frozen']}.\n" if left_out["frozen"] else ""
    kills, freezes = (sum(row["tried"] for row in kinds[kind]) for kind in ("killed", "frozen"))
    return "".join(
        (
            HEAD,
            killed,
            f"\n{kills:,} kills in all.\n",
            FROZEN,
            frozen,
            f"\n{freezes:,} freezes in all.\n",
            WINDOW,
            mails,
        )
    )


def _ends(row: dict[str, Any]) -> str:
    return ", ".join(f"{times} {end}" for end, times in sorted(row["ends"].items()))


if __name__ == "__main__":
    given = [json.loads(row) for row in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    DOCUMENT.write_text(page(given), encoding="utf-8")
