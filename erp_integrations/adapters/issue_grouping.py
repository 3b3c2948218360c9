"""Issues of one cause as one sentence that names all of its lines."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from erp_integrations.adapters.base import AffectedLines, Issue

MAX_VALUES = 6  # in a sentence
_SHORTEST_RUN = 3


def merge_by_cause(issues: Iterable[Issue]) -> list[Issue]:
    """Each cause once, where it came first; what names no lines stays as it is."""
    groups: dict[object, list[Issue]] = {}
    for number, issue in enumerate(issues):
        cause = (issue.code, issue.severity, issue.responsible_party) if issue.affected else number
        groups.setdefault(cause, []).append(issue)
    return [merge_issues(same) if same[0].affected else same[0] for same in groups.values()]


def format_line_ranges(positions: Iterable[int]) -> str:
    """ "Line 3", or "Lines 3, 7 and 12 to 20"; blank for none."""
    runs: list[list[int]] = []
    for position in sorted(set(positions)):
        if runs and position == runs[-1][-1] + 1:
            runs[-1].append(position)
        else:
            runs.append([position])
    if not runs:
        return ""
    parts: list[str] = []
    for run in runs:
        parts += [f"{run[0]} to {run[-1]}"] if len(run) >= _SHORTEST_RUN else map(str, run)
    return ("Lines " if len(runs) > 1 or len(runs[0]) > 1 else "Line ") + format_list(parts)


def format_line_field(positions: Iterable[int], what: str) -> str:
    """The lines, and what of them: "Lines 3 and 7, cost code"."""
    return ", ".join(filter(None, [format_line_ranges(positions), what]))


def format_list(items: Sequence[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"


def merge_issues(issues: Sequence[Issue]) -> Issue:
    first, parts = issues[0], tuple(part for issue in issues for part in issue.affected)
    positions = sorted({position for part in parts for position in part.positions})
    name = format_line_field(positions, parts[0].what)
    return replace(
        first,
        sentence=f"{name}{_format_merged_detail(parts)}",
        field=name,
        lines=tuple(positions) if first.lines else (),
        affected=parts,
    )


def _format_merged_detail(parts: Sequence[AffectedLines]) -> str:
    details = {part.detail for part in parts}
    if len(details) == 1:
        return parts[0].detail
    by_value: dict[str, list[int]] = {}
    for part in parts:
        by_value.setdefault(part.value, []).extend(part.positions)
    descriptions = [f"{value} ({format_line_ranges(lines).lower()})" for value, lines in by_value.items()]
    more = len(descriptions) - MAX_VALUES
    shown = ", ".join(descriptions[:MAX_VALUES]) + (f" and {more} more" if more > 0 else "")
    return f": {parts[0].cause}: {shown}."
