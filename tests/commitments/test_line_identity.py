"""A save changes, adds and removes lines; a line stays the one that it is, and what happened is said."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from commitments import services
from commitments.changes import list_line_changes
from commitments.models import Commitment, LineItem
from directory.models import HistoryEntry
from erp_integrations.snapshots import LineItem as SentLine
from tests.factories import CommitmentFactory, LineItemFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def commitment() -> Commitment:
    made = CommitmentFactory(lines=0)
    for amount in ("100.00", "200.00", "300.00"):
        LineItemFactory(commitment=made, amount=Decimal(amount), description=f"Work {amount}")
    return made


def values(commitment: Commitment) -> list[dict[str, Any]]:
    return [
        {name: getattr(line, name) for name in ("line_id", *services.LINE_FIELDS)}
        for line in services.list_lines(commitment)
    ]


def save(commitment: Commitment, lines: list[dict[str, Any]]) -> list[str]:
    """What the history says of it."""
    services.update_commitment(
        commitment=commitment, by=commitment.created_by, version=commitment.version, values={}, lines=lines
    )
    commitment.refresh_from_db()
    entry = HistoryEntry.objects.about(commitment).filter(event="commitment.changed").last()
    assert entry is not None
    return str(entry.detail["changes"]).splitlines()


def ids(commitment: Commitment) -> list[int]:
    return list(commitment.lines.values_list("pk", flat=True))


def test_a_changed_amount_is_of_the_same_line(commitment: Commitment) -> None:
    before, lines = ids(commitment), values(commitment)
    lines[1]["amount"] = Decimal("250.00")
    [said] = save(commitment, lines)
    assert said.startswith("Line 2 (")
    assert said.endswith("), amount: 200.00 to 250.00")
    assert ids(commitment) == before


def test_a_line_put_before_others_changes_none_of_them(commitment: Commitment) -> None:
    before = ids(commitment)
    assert save(commitment, [{"amount": Decimal("5.00")}, *values(commitment)]) == ["Line 1 was added: 5.00"]
    assert ids(commitment)[1:] == before


def test_lines_in_another_order_are_the_same(commitment: Commitment) -> None:
    first, second, third = ids(commitment)
    assert save(commitment, values(commitment)[::-1]) == ["Order of lines: 1, 2, 3 to 3, 2, 1"]
    assert ids(commitment) == [third, second, first]


def test_removed_and_added_are_two_lines(commitment: Commitment) -> None:
    first, second, third = ids(commitment)
    lines = values(commitment)
    del lines[1]["line_id"]
    lines[1]["description"] = "Otherwise"
    said = save(commitment, lines)
    told = [each.split(" was ")[1] for each in said]
    assert told == ["added: 200.00, Otherwise", "removed: 200.00, Work 200.00"]
    assert second not in ids(commitment)
    assert {first, third} < set(ids(commitment))


def test_the_line_of_another_commitment_stays_there(commitment: Commitment) -> None:
    """Whoever posts its identity gets a line of their own."""
    other = CommitmentFactory(project=commitment.project)
    theirs = values(other)
    save(commitment, [*values(commitment), {**values(commitment)[0], "line_id": theirs[0]["line_id"]}])
    assert values(other) == theirs
    assert commitment.lines.count() == 4


def test_an_identity_that_is_posted_twice_counts_once(commitment: Commitment) -> None:
    lines = values(commitment)
    save(commitment, [lines[0], *lines])
    assert commitment.lines.count() == 4
    assert len(set(ids(commitment))) == 4


def test_saving_five_hundred_lines_takes_few_statements(commitment: Commitment) -> None:
    lines = [{"amount": Decimal(n), "description": f"Work {n}"} for n in range(1, 501)]
    save(commitment, [dict(each) for each in lines])
    moved = [{**each, "description": "Otherwise"} for each in reversed(values(commitment))]
    with CaptureQueriesContext(connection) as statements:
        save(commitment, [{"amount": Decimal("1.00")}, *moved])
    written = [
        each["sql"] for each in statements if each["sql"].startswith('INSERT INTO "commitments_lineitem"')
    ]
    assert len(written) == 2
    assert max(map(len, written)) < 200 * 500
    assert len(statements) <= 20
    assert [each["line_id"] for each in values(commitment)[1:]] == [each["line_id"] for each in moved]


def sent(position: int, amount: str, *, line_id: int | None = None, code: str = "01") -> SentLine:
    return SentLine(position, code, "S", "", "Walls", None, "", None, Decimal(amount), line_id)


def test_lines_without_an_identity_are_compared_by_key_and_then_by_place() -> None:
    before = [sent(1, "1.00", code="01"), sent(2, "2.00", code="02"), sent(3, "3.00", code="03")]
    now = [sent(1, "2.50", code="02", line_id=8), sent(2, "1.00", line_id=9), sent(3, "3.00", code="04")]
    assert [str(each) for each in list_line_changes(before, now)] == [
        "Line 1 (02 S), amount: 2.00 to 2.50",
        "Line 3 (04 S), cost code: 03 to 04",
        "Order of lines: 1, 2, 3 to 2, 1, 3",
    ]


lines = st.lists(
    st.tuples(st.integers(1, 5), st.decimals(0, 99, places=2)), max_size=5, unique_by=lambda line: line[0]
)


@given(lines, lines)
def test_nothing_is_said_exactly_when_nothing_is_otherwise(before: list[Any], now: list[Any]) -> None:
    """Of lines with an identity and an amount."""
    placed = [
        [LineItem(position=place, pk=pk, amount=amount) for place, (pk, amount) in enumerate(each, start=1)]
        for each in (before, now)
    ]
    assert bool(list(list_line_changes(*placed))) == (before != now)
