"""Merged lines, and the billing items that are free."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.merging import build_billing_items, describe_line, merge_lines
from commitments.models import LineItem

BLANK: dict[str, Any] = {
    "cost_code": None,
    "cost_type": None,
    "billing_item": "",
    "description": "",
    "quantity": None,
    "unit_of_measure": "",
    "unit_cost": None,
    "amount": Decimal("0.00"),
}


def line(**values: Any) -> dict[str, Any]:
    numbers = {"quantity", "unit_cost", "amount"}
    return BLANK | {name: Decimal(value) if name in numbers else value for name, value in values.items()}


DAY = line(
    description="Flagging, day", quantity="10", unit_of_measure="HR", unit_cost="45.5", amount="455.00"
)
NIGHT = line(
    description="Flagging, night", quantity="4", unit_of_measure="HR", unit_cost="45.50", amount="182.00"
)


def numbered(*items: str) -> list[LineItem]:
    return [LineItem(position=position, billing_item=item) for position, item in enumerate(items, start=1)]


def test_quantities_are_added_where_unit_and_unit_cost_agree() -> None:
    result = merge_lines([DAY, NIGHT])
    assert result.values == line(
        description="Flagging, day; Flagging, night",
        quantity="14",
        unit_of_measure="HR",
        unit_cost="45.5",
        amount="637.00",
    )
    assert result.lost == ()


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (NIGHT | {"unit_cost": Decimal("50")}, "as the unit costs differ"),
        (NIGHT | {"unit_of_measure": "DAY"}, "as the units differ"),
        (NIGHT | {"quantity": None, "unit_cost": None}, "which not every line has"),
        (NIGHT | {"quantity": Decimal("9999999999")}, "whose sum is too long"),
    ],
)
def test_otherwise_it_is_an_amount_alone_and_what_is_left_out_is_said(
    other: dict[str, Any], why: str
) -> None:
    result = merge_lines([DAY, other])
    assert result.values["amount"] == Decimal("637.00")
    assert (result.values["quantity"], result.values["unit_cost"]) == (None, None)
    assert result.values["unit_of_measure"] == ""
    assert len(result.lost) == 1
    assert why in result.lost[0]


def test_lump_sums_keep_their_common_unit_and_lose_nothing() -> None:
    result = merge_lines([line(unit_of_measure="LS", amount="5"), line(unit_of_measure="LS", amount="-2.50")])
    assert result.values == line(unit_of_measure="LS", amount="2.50")
    assert result.lost == ()


def test_a_description_that_repeats_stands_once() -> None:
    texts = ["Flagging", "flagging ", "", "Cones"]
    assert merge_lines([line(description=text) for text in texts]).values["description"] == "Flagging; Cones"


def test_descriptions_that_do_not_fit_are_counted_and_said() -> None:
    result = merge_lines([line(description=f"{letter} {'x' * 98}") for letter in "ABCDE"])
    assert result.values["description"].endswith("; and 3 more")
    assert result.lost == ("3 descriptions, that do not fit",)


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(1, 85), st.integers(-(10**6), 10**6)), min_size=1))
def test_whatever_is_merged_fits_a_line_and_the_money_is_the_same(drawn: list[tuple[str, int, int]]) -> None:
    lines = [line(description=text * times, amount=Decimal(cents).scaleb(-2)) for text, times, cents in drawn]
    values = merge_lines(lines).values
    assert len(values["description"]) <= 255
    assert values["amount"] == sum(each["amount"] for each in lines)


def test_a_sum_that_no_line_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        merge_lines([line(amount="999999999999.99"), line(amount="0.01")])


def test_each_line_gets_the_next_free_billing_item() -> None:
    assert build_billing_items(numbered("", "", ""), {1, 2, 3}) == {1: "001", 2: "002", 3: "003"}
    assert build_billing_items(numbered("", "1", "", "003"), {1, 3}) == {1: "002", 3: "004"}


def test_the_first_of_those_that_share_one_keeps_it() -> None:
    assert build_billing_items(numbered("A-1", "a-1 ", "B"), {1, 2}) == {2: "001"}


def test_only_the_lines_that_are_named_get_one() -> None:
    assert build_billing_items(numbered("", "", ""), {2}) == {2: "001"}


def test_a_line_is_told_with_all_its_figures() -> None:
    whole = LineItem(
        position=2,
        description="Walls",
        quantity=Decimal("1000.5000"),
        unit_of_measure="CY",
        unit_cost=Decimal("100.000000"),
        amount=Decimal("100050.00"),
    )
    assert describe_line(whole) == "Line 2: Walls, 1,000.5 CY at 100.00: 100,050.00"
    assert describe_line(LineItem(position=1, amount=Decimal("5"))) == "Line 1: no description: 5.00"
