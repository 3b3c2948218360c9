"""How findings name lines and lists of things."""

from collections.abc import Sequence

from erp_integrations.documents import LineItem


def numbered(lines: Sequence[LineItem]) -> str:
    """ "Line 3", or "Lines 1, 2 and 5"."""
    return ("Line " if len(lines) == 1 else "Lines ") + joined([str(line.position) for line in lines])


def joined(words: Sequence[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
