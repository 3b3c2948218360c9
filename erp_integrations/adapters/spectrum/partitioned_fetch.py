"""The whole of a list that comes only in parts.

A list that was capped is asked for again by how the values of one parameter begin, with a longer
beginning where that is capped too, and by the next parameter where a single value is. That the
parts make up the whole rests on three things, and each is looked at: every row of a part begins
as was asked for, every row that was seen before comes again, and where records may have no value,
those without are all at the top of the sorted list.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from erp_integrations.adapters.spectrum.layouts import Narrowing
from erp_integrations.adapters.spectrum.list_responses import Listing, Row

Criteria = Mapping[str, str]
SORT = "pSort_By"

_IN_PARTS = "Spectrum lists only a part of them at a time"


class NotNarrowableError(Exception):
    """The parts can't be shown to be the whole. Its text is a sentence."""


@dataclass(frozen=True, slots=True)
class Collector:
    """``ask`` makes one call; ``key`` names the columns that tell one record from another, and
    ``any_ending`` stands for any end of a value: blank where no site's sign for it is known."""

    ask: Callable[[Criteria], Listing]
    key: tuple[str, ...]
    any_ending: str = "*"

    def whole(self, criteria: Criteria, narrowings: Sequence[Narrowing]) -> list[Row]:
        """Every row that meets the criteria; some may be there twice. Raises NotNarrowableError."""
        listing = self.ask(criteria)
        return list(listing.rows) if listing.whole else self._narrowed(criteria, narrowings, listing)

    def _narrowed(self, criteria: Criteria, narrowings: Sequence[Narrowing], capped: Listing) -> list[Row]:
        if not self.any_ending:
            raise NotNarrowableError(f"{_IN_PARTS}, and no sign is set to ask for less.")
        for place, narrowing in enumerate(narrowings, start=1):
            without: list[Row] | None = []
            if narrowing.sort:
                listing = self.ask({**criteria, SORT: narrowing.sort})
                if listing.whole:
                    return list(listing.rows)
                without = _without_a_value(listing.rows, narrowing)
            if without is not None:
                rows = without + self._by_beginnings(criteria, narrowing, "", narrowings[place:])
                self._require_seen(capped.rows, rows)
                return rows
        raise NotNarrowableError(f"{_IN_PARTS}, and no filter of its makes it less.")

    def _by_beginnings(
        self, criteria: Criteria, narrowing: Narrowing, beginning: str, others: Sequence[Narrowing]
    ) -> list[Row]:
        """The rows whose value is longer than the beginning."""
        rows: list[Row] = []
        for character in narrowing.characters:
            longer = beginning + character
            if not longer.strip():
                continue  # no value begins with a blank
            asked = {**criteria, narrowing.element: longer + self.any_ending}
            listing = self.ask(asked)
            if not all(_value(row, narrowing).startswith(longer) for row in listing.rows):
                raise NotNarrowableError(f"{_IN_PARTS}, and does not heed {narrowing.element}.")
            part = list(listing.rows)
            if not listing.whole:
                part = self._exactly(criteria, narrowing, longer, others)
                if len(longer) < narrowing.width:
                    part += self._by_beginnings(criteria, narrowing, longer, others)
                self._require_seen(listing.rows, part)
            rows += part
        return rows

    def _exactly(
        self, criteria: Criteria, narrowing: Narrowing, value: str, others: Sequence[Narrowing]
    ) -> list[Row]:
        if value.endswith(" "):
            return []  # no value ends with a blank
        return self.whole({**criteria, narrowing.element: value}, others)

    def _require_seen(self, seen: Sequence[Row], rows: Sequence[Row]) -> None:
        if {self._key_of(row) for row in seen} - {self._key_of(row) for row in rows}:
            raise NotNarrowableError(f"{_IN_PARTS}, and asked for less, it leaves out some that it has.")

    def _key_of(self, row: Row) -> tuple[str, ...]:
        return tuple(row.get(column, "").upper() for column in self.key)


def _value(row: Row, narrowing: Narrowing) -> str:
    return row.get(narrowing.column, "").upper()


def _without_a_value(rows: Sequence[Row], narrowing: Narrowing) -> list[Row] | None:
    """All records that have no value; None if there may be more of them than the sorted list shows."""
    values = [_value(row, narrowing) for row in rows]
    if not values or values != sorted(values) or not values[-1]:
        return None
    return list(rows[: values.count("")])
