"""Statements that a session with PostgreSQL keeps with their plans: to plan can take longer than to execute.

Everybody who looks on (Django's wrappers, its log of queries) sees the statement as it was written.
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from psycopg2.errors import FeatureNotSupported
from psycopg2.extensions import cursor

_numbers = itertools.count()
LARGEST = 2**63


class KeptStatement(str):
    """SQL, with the places among its parameters where each call's own values go; the others stay."""

    number: int
    """Others may be of the same words, with other parameters that stay."""
    places: Sequence[int]

    def __new__(cls, sql: str, places: Iterable[int]) -> "KeptStatement":
        self = super().__new__(cls, sql)
        self.number, self.places = next(_numbers), tuple(places)
        return self


class JoinedStatements(str):
    """Kept ones, each with its values, that go to PostgreSQL at once. The answer is the last one's."""

    parts: Sequence[tuple[KeptStatement, Sequence[Any]]]


class PlanKeepingCursor(cursor):  # type: ignore[misc]  # psycopg2 has no type hints
    """``kept`` has the call of each statement that its session has prepared, by its number."""

    def __init__(self, *arguments: Any, kept: dict[int, str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._kept = kept
        self._written: tuple[str, Any] | None = None

    def execute(self, query: Any, values: Any = None) -> None:
        self._written = None
        if not isinstance(query, KeptStatement | JoinedStatements) or any(map(is_too_large, values)):
            super().execute(query, values)
            return
        self._written = query, values
        parts = query.parts if isinstance(query, JoinedStatements) else [(query, values)]
        try:
            self._run_kept(parts)
        except FeatureNotSupported:  # a column has another type since: what was kept is of no use
            self._kept.clear()
            if not self.connection.autocommit:  # the transaction is lost; the next one is not
                raise
            self._run_kept(parts)

    def _run_kept(self, parts: Sequence[tuple[KeptStatement, Sequence[Any]]]) -> None:
        own_values: list[Any] = []
        for statement, values in parts:
            if statement.number not in self._kept:
                own = {place: number for number, place in enumerate(statement.places, 1)}
                marks = [f"${own[place]}" if place in own else "%s" for place in range(len(values))]
                fixed = [value for place, value in enumerate(values) if place not in own]
                name = f"kept_{next(_numbers)}"
                sql = statement.replace("%%", "%%%%") % tuple(marks)
                super().execute(f"PREPARE {name} AS {sql}", fixed)
                called = f" ({', '.join(['%s'] * len(own))})" if own else ""
                self._kept[statement.number] = f"EXECUTE {name}{called}"
            own_values += [values[place] for place in statement.places]
        super().execute("; ".join([self._kept[statement.number] for statement, _ in parts]), own_values)

    @property
    def query(self) -> Any:
        """As it was written."""
        return self.mogrify(*self._written) if self._written else super().query


def is_too_large(value: Any) -> bool:
    """No column holds such a number. Compared as it is written, it is found nowhere; kept, it is an error."""
    return isinstance(value, int) and not -LARGEST <= value < LARGEST
