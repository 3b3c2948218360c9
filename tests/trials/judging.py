"""A trial's result: what was found, what was not, and which alarm was wrong."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.trials.files import KINDS, Row, Trial, group_truth
from tests.trials.filling import Result
from tests.trials.recomputing import Recomputing

FIRST_TIMES = ("rule-first-vendor", "rule-first-phase", "rule-first-account")
FOUND_BY = {
    "same-number": ("rule-same-number", "erp-id-taken"),
    "near-duplicate": ("rule-near-duplicate", "rule-same-number"),
    "vendor-name": ("rule-vendor-name",),
    "amount": ("rule-amount",),
    "budget": ("rule-budget",),
    "first-time": FIRST_TIMES,
    "account-refused": ("rule-refused-account",),
    "changed": ("rule-changed", "amounts-changed"),
    "retainage": ("rule-retainage",),
    "lists": (
        *("line-phase-complete", "line-cost-type-unknown", "line-cost-code-unknown", "vendor-not-used"),
        *("line-phase-inactive", "vendor-inactive"),
    ),
}
PAIRS = {"same-number": FOUND_BY["near-duplicate"], "near-duplicate": FOUND_BY["near-duplicate"]}
EXAMPLES = 5


@dataclass
class Judgement:
    faults: int = 0
    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    of_kind: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    missed: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)
    excused: int = 0
    in_clean: list[str] = field(default_factory=list)
    without_fault: int = 0
    clean: int = 0
    sentences: int = 0
    wrong_numbers: list[str] = field(default_factory=list)

    def count(self, *kinds: str) -> tuple[int, int]:
        return sum(self.found[kind] for kind in kinds), sum(self.of_kind[kind] for kind in kinds)

    @property
    def problems(self) -> list[str]:
        """The bars of the trial that are not reached."""
        found, faults = self.count(*KINDS)
        bars = {
            "less than 95 % of the faults are found": found * 100 >= faults * 95,
            "less than 99 % of the duplicates are found": is_reached(*self.count(*PAIRS)),
            "less than 99 % of the vendors are found": is_reached(*self.count("vendor-name")),
            "more than 3 % of the rows without a fault are a wrong alarm": len(self.wrong) * 100
            <= self.without_fault * 3,
            "a faulty row is clean": not self.in_clean,
            "a sentence has a wrong number": not self.wrong_numbers,
        }
        return [problem for problem, holds in bars.items() if not holds]

    @property
    def last_line(self) -> str:
        found, faults = self.count(*KINDS)
        duplicates, vendors = self.count(*PAIRS), self.count("vendor-name")
        return (
            f"faults {faults} found {found} duplicates {duplicates[0]}/{duplicates[1]} "
            f"vendors {vendors[0]}/{vendors[1]} wrong {len(self.wrong)} in-clean {len(self.in_clean)}"
        )

    @property
    def report(self) -> list[str]:
        """All but the last line."""
        lines = [
            f"{kind}: {self.found[kind]} of {self.of_kind[kind]} found"
            for kind in KINDS
            if self.of_kind[kind]
        ]
        for kind, examples in self.missed.items():
            lines += [f"missed, {kind}: {each}" for each in examples[:EXAMPLES]]
        lines += [f"in a clean group: {each}" for each in self.in_clean[:EXAMPLES]]
        lines.append(
            f"wrong alarms: {len(self.wrong)} of {self.without_fault} rows without a fault; "
            f"{self.excused} more say what the file itself says (a first time, or the other half of a fault)"
        )
        lines.append(f"clean: {self.clean} of {self.without_fault} rows without a fault")
        lines += [f"wrong alarm: {each}" for each in self.wrong[:EXAMPLES]]
        lines.append(
            f"sentences recomputed: {self.sentences}, with a wrong number: {len(self.wrong_numbers)}"
        )
        lines += [f"wrong number: {each}" for each in self.wrong_numbers[:EXAMPLES]]
        return [*lines, *(f"not reached: {each}" for each in self.problems)]


def is_reached(found: int, of: int) -> bool:
    return found * 100 >= of * 99


def build_judgement(trial: Trial, results: dict[str, Result], recomputing: Recomputing) -> Judgement:
    judgement, kinds = Judgement(), group_truth(trial)
    for row in trial.waiting:
        result = results[row.id]
        codes = {issue["code"] for issue in result.issues if result.verdict in ("look", "blocked")}
        judgement.sentences += sum(issue["code"].startswith("rule-") for issue in result.issues)
        for sentence, problem in recomputing.find_wrong(row, result.issues):
            judgement.wrong_numbers.append(f"{describe(row)}: {sentence} ({problem})")
        for kind in sorted(kinds.get(row.id, ())):
            judgement.of_kind[kind] += 1
            if codes.intersection(FOUND_BY[kind]):
                judgement.found[kind] += 1
            else:
                said = "; ".join(issue["sentence"] for issue in result.issues) or "nothing"
                judgement.missed[kind].append(f"{describe(row)}: {said}")
        if row.id in kinds:
            if result.verdict == "clean":
                judgement.in_clean.append(describe(row))
            continue
        judgement.without_fault += 1
        judgement.clean += result.verdict == "clean"
        alarms = [
            each
            for each in result.issues
            if each["code"].startswith("rule-") or each["severity"] == "blocking"
        ]
        bad = [each for each in alarms if not is_excused(trial, kinds, recomputing, row, each)]
        if bad:
            judgement.wrong.append(f"{describe(row)}: {bad[0]['sentence']}")
        elif alarms:
            judgement.excused += 1
    return judgement


def is_excused(
    trial: Trial, kinds: dict[str, set[str]], recomputing: Recomputing, row: Row, issue: dict[str, Any]
) -> bool:
    """The file itself says that it is a first time, or the row is the other half of a fault: of a pair that
    waits, or on a cost code that a faulty one has overdrawn, or on a phase that is closed for both.
    """
    code = issue["code"]
    if code in FIRST_TIMES:
        return recomputing.is_true_first(row, code)
    others = [trial.rows[key] for key in kinds]
    if code in FOUND_BY["near-duplicate"] or code == "erp-id-taken":
        halves = [each for each in others if kinds[each.id] & set(PAIRS)]
        return any(f"{each.number} of {each.project} (" in issue["sentence"] for each in halves) or (
            code == "erp-id-taken"
        )
    if code == "rule-budget":
        mine = recomputing.sum_lines(row)
        return any(
            set(mine) & set(recomputing.sum_lines(each)) for each in others if "budget" in kinds[each.id]
        )
    if code in FOUND_BY["lists"]:
        listed = [each for each in others if "lists" in kinds[each.id]]
        return any(
            each.vendor == row.vendor or set(recomputing.sum_lines(each)) & set(recomputing.sum_lines(row))
            for each in listed
        )
    return False


def describe(row: Row) -> str:
    return f"{row.id} ({row.vendor}, {row.number}, {row.title[:60]}, {row.total:,.2f})"
