"""Issues of one cause as one sentence that names all of its lines."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from erp_integrations.adapters.base import Finding, OnLines

MOST_VALUES = 6  # in a sentence
_SHORTEST_RUN = 3


def one_per_cause(found: Iterable[Finding]) -> list[Finding]:
    """Each cause once, where it came first; what names no lines stays as it is."""
    groups: dict[object, list[Finding]] = {}
    for number, finding in enumerate(found):
        cause = (finding.code, finding.severity, finding.fixer) if finding.on else number
        groups.setdefault(cause, []).append(finding)
    return [_one(same) if same[0].on else same[0] for same in groups.values()]


def ranged(positions: Iterable[int]) -> str:
    """ "Line 3", or "Lines 3, 7 and 12 to 20"; blank for none."""
    runs: list[list[int]] = []
    for position in sorted(set(positions)):
        if runs and position == runs[-1][-1] + 1:
            runs[-1].append(position)
        else:
            runs.append([position])
    if not runs:
        return ""
    words: list[str] = []
    for run in runs:
        words += [f"{run[0]} to {run[-1]}"] if len(run) >= _SHORTEST_RUN else map(str, run)
    return ("Lines " if len(runs) > 1 or len(runs[0]) > 1 else "Line ") + joined(words)


def named(positions: Iterable[int], what: str) -> str:
    """The lines, and what of them: "Lines 3 and 7, cost code"."""
    return ", ".join(filter(None, [ranged(positions), what]))


def joined(words: Sequence[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _one(same: Sequence[Finding]) -> Finding:
    first, parts = same[0], tuple(part for finding in same for part in finding.on)
    positions = sorted({position for part in parts for position in part.positions})
    name = named(positions, parts[0].what)
    return replace(
        first,
        sentence=f"{name}{_detail(parts)}",
        field=name,
        lines=tuple(positions) if first.lines else (),
        on=parts,
    )


def _detail(parts: Sequence[OnLines]) -> str:
    details = {part.detail for part in parts}
    if len(details) == 1:
        return parts[0].detail
    by_value: dict[str, list[int]] = {}
    for part in parts:
        by_value.setdefault(part.value, []).extend(part.positions)
    told = [f"{value} ({ranged(lines).lower()})" for value, lines in by_value.items()]
    more = len(told) - MOST_VALUES
    listed = ", ".join(told[:MOST_VALUES]) + (f" and {more} more" if more > 0 else "")
    return f": {parts[0].cause}: {listed}."
