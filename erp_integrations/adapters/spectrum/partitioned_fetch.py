"""The whole of a list that comes only in parts.

A list that was capped is asked for again by how the values of one parameter begin, with a longer
beginning where that is capped too, and by the next parameter where a single value is. That the
parts make up the whole rests on three things, and each is looked at: every row of a part begins
as was asked for, every row that was seen before comes again, and where records may have no value,
those without are all at the top of the sorted list.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from erp_integrations.adapters.spectrum.list_responses import ListResponse, Row
from erp_integrations.adapters.spectrum.service_fields import PartitionKey

Criteria = Mapping[str, str]
SORT = "pSort_By"

_IN_PARTS = "Spectrum lists only some of them at a time"


class NotPartitionableError(Exception):
    """The parts can't be shown to be the whole. Its text is a sentence."""


@dataclass(frozen=True, slots=True)
class PartitionedFetch:
    """``ask`` makes one call; ``key`` names the columns that tell one record from another, and
    ``any_ending`` stands for any end of a value: blank where no site's sign for it is known."""

    fetch: Callable[[Criteria], ListResponse]
    key: tuple[str, ...]
    any_ending: str = "*"

    def fetch_all(self, criteria: Criteria, partition_keys: Sequence[PartitionKey]) -> list[Row]:
        """Every row that meets the criteria; some may be there twice. Raises NotPartitionableError."""
        response = self.fetch(criteria)
        if response.is_complete:
            return list(response.rows)
        return self.fetch_in_parts(criteria, partition_keys, response)

    def fetch_in_parts(
        self, criteria: Criteria, partition_keys: Sequence[PartitionKey], capped: ListResponse
    ) -> list[Row]:
        if not self.any_ending:
            raise NotPartitionableError(f"{_IN_PARTS}, and no wildcard is set to ask for fewer.")
        for position, partition_key in enumerate(partition_keys, start=1):
            without: list[Row] | None = []
            if partition_key.sort:
                response = self.fetch({**criteria, SORT: partition_key.sort})
                if response.is_complete:
                    return list(response.rows)
                without = find_rows_without_value(response.rows, partition_key)
            if without is not None:
                rows = without + self.fetch_by_prefix(criteria, partition_key, "", partition_keys[position:])
                self.require_complete(capped.rows, rows)
                return rows
        raise NotPartitionableError(f"{_IN_PARTS}, and none of its filters makes it fewer.")

    def fetch_by_prefix(
        self, criteria: Criteria, partition_key: PartitionKey, prefix: str, others: Sequence[PartitionKey]
    ) -> list[Row]:
        """The rows whose value is longer than the beginning."""
        rows: list[Row] = []
        for character in partition_key.characters:
            longer = prefix + character
            if not longer.strip():
                continue  # no value begins with a blank
            asked = {**criteria, partition_key.element: longer + self.any_ending}
            response = self.fetch(asked)
            if not all(_get_value(row, partition_key).startswith(longer) for row in response.rows):
                raise NotPartitionableError(f"{_IN_PARTS}, and ignores {partition_key.element}.")
            part = list(response.rows)
            if not response.is_complete:
                part = []
                if not longer.endswith(" "):  # no value ends with a blank
                    part += self.fetch_all({**criteria, partition_key.element: longer}, others)
                if len(longer) < partition_key.width:
                    part += self.fetch_by_prefix(criteria, partition_key, longer, others)
                self.require_complete(response.rows, part)
            rows += part
        return rows

    def require_complete(self, expected: Sequence[Row], rows: Sequence[Row]) -> None:
        if {self._get_key(row) for row in expected} - {self._get_key(row) for row in rows}:
            raise NotPartitionableError(f"{_IN_PARTS}, and leaves some out when asked for fewer.")

    def _get_key(self, row: Row) -> tuple[str, ...]:
        return tuple(row.get(column, "").upper() for column in self.key)


def _get_value(row: Row, partition_key: PartitionKey) -> str:
    return row.get(partition_key.column, "").upper()


def find_rows_without_value(rows: Sequence[Row], partition_key: PartitionKey) -> list[Row] | None:
    """All records that have no value; None if there may be more of them than the sorted list shows."""
    values = [_get_value(row, partition_key) for row in rows]
    if not values or values != sorted(values) or not values[-1]:
        return None
    return list(rows[: values.count("")])
