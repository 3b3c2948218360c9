"""A Schedule of Values for a real amount: the lines are invented, their total is not.

Money is counted in whole cents here, so that the total is exact.
"""

from collections import Counter
from decimal import Decimal

from local.demo.blueprint import PlannedLine
from local.demo.catalogue import CostCode, Item, Trade, cost_code
from local.demo.contracts import PUBLIC_WORKS, Contract
from local.demo.draws import Draw

MOST_LINES = 40
LARGEST_UNIT_COST = 99_999_996  # cents: of six digits before the point, and a multiple of four
_SMALLEST_LINE = 20_000  # cents, on average: a small contract has few lines
_LARGE = 25_000_000  # cents: nobody sends such a contract as one line
_UNITS_TRIED = 40
_BY_THE_QUARTER = ("TON", "HR", "CY")  # may have fractions

# The cost types that come first, by kind of contract: subcontracts, or material and equipment.
_USUAL_COST_TYPES = {"PW": "S", "SSE": "ME"}


def schedule_of_values(contract: Contract, trade: Trade, *, lines: int | None = None) -> list[PlannedLine]:
    """One to forty lines whose amounts add up to the contract's, to the cent.

    No two are on the same cost code, cost type and billing item.
    """
    draw = Draw(f"schedule {contract.number}")
    total = _cents(contract.amount)
    count = lines or _how_many(draw, total, trade)
    places = _places(draw, contract, trade, count)
    another = "area" if contract.kind == PUBLIC_WORKS else "lot"
    numbered = len(set(places)) < len(places) or (trade.unit_prices and draw.chance(0.5))
    amounts = _shares(draw, total, count)
    used: Counter[str] = Counter()
    planned: list[PlannedLine] = []
    left = total
    for position, ((code, cost_type), share) in enumerate(zip(places, amounts, strict=True), start=1):
        rarest = min(used[item.text] for item in code.items)
        item = draw.one_of([item for item in code.items if used[item.text] == rarest])
        used[item.text] += 1
        text = item.text if used[item.text] == 1 else f"{item.text}, {another} {used[item.text]}"
        last = position == count
        line = _rest(item, left) if last else _priced(draw, item, share)
        left -= _cents(line.amount)
        planned.append(
            PlannedLine(
                cost_code=code.code,
                cost_type=cost_type,
                description=text,
                unit_of_measure=line.unit_of_measure,
                amount=line.amount,
                quantity=line.quantity,
                unit_cost=line.unit_cost,
                billing_item=f"{position:03}" if numbered else "",
            )
        )
    return planned


def only_amount(item: Item, cents: int) -> PlannedLine:
    """A line without quantity and unit cost, not yet placed."""
    return PlannedLine("", "", item.text, "LS", _dollars(cents))


def _cents(amount: Decimal) -> int:
    return int(amount * 100)


def _dollars(cents: int) -> Decimal:
    return (Decimal(cents) / 100).quantize(Decimal("0.01"))


def _how_many(draw: Draw, total: int, trade: Trade) -> int:
    # Squared, so that a few lines are usual and forty are seen.
    most = MOST_LINES if trade.unit_prices else MOST_LINES * 3 // 4
    wanted = 1 + int(draw.fraction() ** 2.4 * most)
    least = 1 if total < _LARGE else 3
    return max(1, min(max(wanted, least), total // _SMALLEST_LINE))


def _places(draw: Draw, contract: Contract, trade: Trade, count: int) -> list[tuple[CostCode, str]]:
    """Cost code and cost type of each line, by code; different ones as long as there are enough."""
    codes = [cost_code(code) for code in trade.codes]
    pairs = [(code, cost_type) for code in codes for cost_type in code.cost_types]
    likely = [pair for pair in pairs if pair[1] in _USUAL_COST_TYPES[contract.kind]] or pairs
    if count > len(pairs):
        chosen = [draw.one_of(likely) for _ in range(count)]
    else:
        chosen = draw.some_of(likely, count)
        chosen += draw.some_of([pair for pair in pairs if pair not in chosen], count - len(chosen))
    return sorted(chosen, key=lambda pair: (pair[0].code, pair[1]))


def _shares(draw: Draw, total: int, count: int) -> list[int]:
    weights = [0.2 + draw.fraction() for _ in range(count)]
    return [int(total * weight / sum(weights)) for weight in weights]


def _priced(draw: Draw, item: Item, share: int) -> PlannedLine:
    """At most ``share`` cents: three in four as quantity and unit cost, the others as an amount."""
    if not item.high or share < 100 or draw.chance(0.25):
        return only_amount(item, share // 100 * 100 or share)
    quarters = 4 if item.unit not in _BY_THE_QUARTER else 1
    # A multiple of four cents, so that a quarter of a unit still costs whole cents.
    unit_cost = min(draw.whole(item.low * 25, item.high * 25) * 4, share // 4 * 4, LARGEST_UNIT_COST)
    steps = share * 4 // unit_cost // quarters * quarters
    return _line(item, steps, unit_cost)


def _rest(item: Item, left: int) -> PlannedLine:
    """Exactly ``left`` cents: as near to a usual unit cost as whole units and whole cents allow."""
    if not item.high or left <= 0:
        return only_amount(item, left)
    usual = max(1, left * 2 // ((item.low + item.high) * 100))
    for away in range(_UNITS_TRIED):
        for units in (usual - away, usual + away):
            if units > 0 and left % units == 0 and left // units <= LARGEST_UNIT_COST:
                return _line(item, units * 4, left // units)
    return only_amount(item, left)


def _line(item: Item, quarters: int, unit_cost: int) -> PlannedLine:
    return PlannedLine(
        "",
        "",
        item.text,
        item.unit,
        _dollars(quarters * unit_cost // 4),
        (Decimal(quarters) / 4).quantize(Decimal("0.01")),
        _dollars(unit_cost),
    )
