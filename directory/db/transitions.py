"""How a status may change: one guarded step, read from a literal table."""

from collections.abc import Mapping


class TransitionRefused(Exception):
    """The life cycle has no arrow from the present status to the wanted one."""


def require_transition(table: Mapping[str, frozenset[str]], *, current: str, wanted: str) -> None:
    """Raise TransitionRefused unless the table has the arrow."""
    if wanted not in table[current]:
        raise TransitionRefused(f"{current} can't become {wanted}")
