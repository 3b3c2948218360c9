"""The rounds of a run, one JSON line each, so that a run that was stopped goes on with the next."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.endurance.faults.judge import COUNTS

Kinds = dict[str, dict[str, int]]


@dataclass
class Round:
    """The result of one round. `whole` is False for one that was stopped, which counts for nothing."""

    number: int
    seed: int
    began: str
    pause: float
    """The longest time between two blows, in seconds."""
    whole: bool = False
    seconds: float = 0.0
    kinds: Kinds = field(default_factory=dict)
    """By kind of blow: how many times it fell, kills, decisions, and each of COUNTS."""
    stands: dict[str, int] = field(default_factory=dict)
    """How many were decided in which way, and where they stand."""
    questions: int = 0
    """Open questions to people at the end."""
    answered: int = 0
    """Exports that failed or stopped half-way by a scripted refusal, and were tried again by a person."""
    unexplained: int = 0
    """Exports that failed though Spectrum was not told to refuse them."""
    cuts: int = 0
    """How often a page did not answer a person."""

    def total(self, name: str) -> int:
        """Over all kinds."""
        return sum(kind.get(name, 0) for kind in self.kinds.values())

    @property
    def is_clean(self) -> bool:
        return (
            self.whole
            and self.total("decisions") > 0
            and self.total("kills") > 0
            and not any(self.total(name) for name in COUNTS)
            and not self.unexplained
        )


class Ledger:
    """The file. A round is written twice, at its beginning and at its end; the later line counts."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, round_: Round) -> None:
        """Append."""
        with self._file.open("a") as output:
            output.write(json.dumps(asdict(round_)) + "\n")

    def rounds(self) -> list[Round]:
        """In their order; of each what was written last."""
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        rounds = (Round(**json.loads(line)) for line in lines)
        return list({each.number: each for each in rounds}.values())


def table(rounds: Iterable[Round]) -> str:
    """By kind of blow, as Markdown."""
    names = ("times", "kills", "decisions", *COUNTS)
    sums: dict[str, Counter[str]] = {}
    for each in rounds:
        for kind, counted in each.kinds.items():
            sums.setdefault(kind, Counter()).update(counted)
    lines = [f"| kind of fault | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]
    lines += [
        f"| {kind} | {' | '.join(str(counted[name]) for name in names)} |"
        for kind, counted in sorted(sums.items())
    ]
    return "\n".join(lines)


def last_line(rounds: Iterable[Round]) -> str:
    """The result of the run."""
    wholes = [each for each in rounds if each.whole]
    return " ".join(
        f"{name} {sum(each.total(name) for each in wholes)}" for name in ("decisions", "kills", *COUNTS)
    )
