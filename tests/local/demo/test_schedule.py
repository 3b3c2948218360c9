from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.demo.blueprint import PlannedLine
from local.demo.catalogue import Trade, cost_code, trades
from local.demo.contracts import PUBLIC_WORKS
from local.demo.schedule import MOST_LINES, schedule_of_values
from tests.local.demo.test_contracts import EXAMPLE

TRADES = [*trades(PUBLIC_WORKS), *trades("SSE")]


def lines_of(trade: Trade, amount: Decimal, name: str, count: int | None = None) -> list[PlannedLine]:
    kind = PUBLIC_WORKS if trade in trades(PUBLIC_WORKS) else "SSE"
    contract = replace(EXAMPLE, number=name, kind=kind, amount=amount)
    return schedule_of_values(contract, trade, lines=count)


@given(
    trade=st.sampled_from(TRADES),
    amount=st.decimals(min_value=0, max_value=90_000_000, places=2),
    name=st.text(alphabet="0123456789", min_size=1, max_size=6),
)
def test_any_amount_is_the_exact_total_of_one_to_forty_lines(
    trade: Trade, amount: Decimal, name: str
) -> None:
    lines = lines_of(trade, amount, name)
    assert 1 <= len(lines) <= MOST_LINES
    assert sum(line.amount for line in lines) == amount
    for line in lines:
        assert line.amount > 0 or amount == 0
        assert (line.quantity is None) == (line.unit_cost is None)
        if line.quantity is not None and line.unit_cost is not None:
            assert line.quantity * line.unit_cost == line.amount


@given(
    trade=st.sampled_from(TRADES),
    amount=st.decimals(min_value=0, max_value=90_000_000, places=2),
    count=st.integers(1, MOST_LINES),
)
def test_no_two_lines_are_on_one_cost_code_cost_type_and_billing_item(
    trade: Trade, amount: Decimal, count: int
) -> None:
    lines = lines_of(trade, amount, "154047", count)
    keys = {(line.cost_code, line.cost_type, line.billing_item) for line in lines}
    assert len(keys) == len(lines) == count
    assert len({bool(line.billing_item) for line in lines}) == 1


@pytest.mark.parametrize("trade", TRADES, ids=lambda trade: trade.name)
def test_every_trade_uses_cost_types_that_its_cost_codes_have(trade: Trade) -> None:
    for line in lines_of(trade, Decimal("400000.00"), "154047", 20):
        assert line.cost_type in cost_code(line.cost_code).cost_types


def test_the_same_contract_has_the_same_lines_again() -> None:
    trade = TRADES[0]
    assert lines_of(trade, Decimal("125000.50"), "1") == lines_of(trade, Decimal("125000.50"), "1")
