"""How each kind of finding is corrected in the form of a commitment, as its creator would.

Each function changes the fields of the edit form in place, and is described by what the table at
the end says of it.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType

from tests.endurance.contracts.pages import Finding

Fields = dict[str, str]
Correct = Callable[[Fields, Finding], None]

LARGEST_AMOUNT = Decimal("999999999.99")
FISCAL_START = "1999-07-01"
LINE_FIELDS = (
    *("cost_code", "cost_type", "billing_item", "description"),
    *("quantity", "unit_of_measure", "unit_cost", "amount"),
)


def line(number: int, name: str) -> str:
    """The form's name for a field of a line; lines are counted from 1, as people do."""
    return f"lines-{number - 1}-{name}"


def count(fields: Fields) -> int:
    """How many lines the form has."""
    return int(fields["lines-TOTAL_FORMS"])


def approve(fields: Fields, finding: Finding) -> None:
    """A status that may be sent."""
    fields["status"] = "approved"


def enter_a_number(fields: Fields, finding: Finding) -> None:
    """A number that nobody else has."""
    fields["number"] = f"N-{fields['version']}-{fields['contract_company']}"


def round_the_retainage(fields: Fields, finding: Finding) -> None:
    """One decimal."""
    exact = Decimal(fields["default_retainage"])
    fields["default_retainage"] = str(exact.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))


def give_billing_items(fields: Fields, finding: Finding) -> None:
    """An own billing item for every line that shares cost code and cost type with another."""
    places = defaultdict(list)
    for number in range(1, count(fields) + 1):
        places[fields[line(number, "cost_code")], fields[line(number, "cost_type")]].append(number)
    for numbers in places.values():
        if len(numbers) == 1:
            continue
        taken: set[str] = set()
        for number in numbers:
            item = fields[line(number, "billing_item")].strip()
            if not item or item in taken:
                item = next(str(n) for n in range(1, 1000) if not _is_taken(fields, numbers, str(n)))
                fields[line(number, "billing_item")] = item
            taken.add(item)


def choose_another_cost_code(fields: Fields, finding: Finding) -> None:
    """The cost code and cost type of a neighbour, with an own billing item."""
    useless = {"", *(fields[line(number, "cost_code")] for number in finding.lines)}
    numbers = range(1, count(fields) + 1)
    usable = next(number for number in numbers if fields[line(number, "cost_code")] not in useless)
    for number in finding.lines:
        for name in ("cost_code", "cost_type"):
            fields[line(number, name)] = fields[line(usable, name)]
        fields[line(number, "billing_item")] = ""
    give_billing_items(fields, finding)


def use_the_short_unit(fields: Fields, finding: Finding) -> None:
    """EA for EACH."""
    for number in finding.lines:
        fields[line(number, "unit_of_measure")] = "EA"


def enter_a_lump_sum(fields: Fields, finding: Finding) -> None:
    """The amount alone."""
    for number in finding.lines:
        fields |= {line(number, "quantity"): "", line(number, "unit_cost"): ""}
        fields[line(number, "unit_of_measure")] = "LS"


def split_the_line(fields: Fields, finding: Finding) -> None:
    """As many lines as the amount needs, each with a billing item of its own."""
    enter_a_lump_sum(fields, finding)
    for number in finding.lines:
        whole = Decimal(fields[line(number, "amount")].replace(",", ""))
        part = LARGEST_AMOUNT if whole > 0 else -LARGEST_AMOUNT
        while abs(whole) > LARGEST_AMOUNT:
            added = count(fields) + 1
            fields["lines-TOTAL_FORMS"] = str(added)
            for name in LINE_FIELDS:
                fields[line(added, name)] = fields[line(number, name)]
            fields[line(added, "amount")] = str(part)
            whole -= part
        fields[line(number, "amount")] = str(whole)
    give_billing_items(fields, finding)


def leave_the_characters_out(fields: Fields, finding: Finding) -> None:
    """Without the characters that the finding names."""
    strange = "".join(finding.sentence.rpartition(":")[2].rstrip(".").split())
    for name, value in fields.items():
        if name in {"title", "description", "trade"} or name.endswith("-description"):
            fields[name] = re.sub(f"[{re.escape(strange)}]", "", value).strip()


def move_into_the_calendar(fields: Fields, finding: Finding) -> None:
    """The first day of Spectrum's fiscal calendar."""
    fields["issue_date"] = FISCAL_START


def _is_taken(fields: Fields, numbers: list[int], item: str) -> bool:
    return any(fields[line(number, "billing_item")].strip() == item for number in numbers)


IN_THE_FORM: Mapping[str, tuple[Correct, str]] = MappingProxyType(
    {
        "status-not-approved": (approve, "the creator sets the status to Approved"),
        "number-blank": (enter_a_number, "the creator enters a number"),
        "erp-id-too-long": (enter_a_number, "the creator enters a shorter number"),
        "erp-id-forbidden-characters": (enter_a_number, "the creator enters a number without them"),
        "erp-id-taken": (enter_a_number, "the creator enters another number"),
        "erp-id-awaiting": (enter_a_number, "the creator enters another number"),
        "retainage-decimals": (round_the_retainage, "the creator rounds it to one decimal"),
        "lines-on-one-key": (give_billing_items, "the creator gives billing items"),
        "lines-may-share-a-key": (give_billing_items, "the creator gives billing items"),
        "line-cost-code-missing": (choose_another_cost_code, "the creator chooses a cost code"),
        "line-cost-code-unknown": (choose_another_cost_code, "the creator chooses another cost code"),
        "line-cost-type-unknown": (choose_another_cost_code, "the creator chooses another cost code"),
        "line-phase-complete": (choose_another_cost_code, "the creator chooses another cost code"),
        "line-unit-of-measure-invalid": (use_the_short_unit, "the creator writes EA for EACH"),
        "line-unit-cost-too-wide": (enter_a_lump_sum, "the creator enters a lump sum"),
        "line-amount-too-wide": (split_the_line, "the creator splits the line"),
        "text-characters": (leave_the_characters_out, "the creator leaves the character out"),
    }
)
"""By the finding's code: what changes the form, and what the table says of it."""
