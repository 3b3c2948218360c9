"""Each correction leaves a form that the product takes, and touches nothing else."""

from decimal import Decimal

from tests.endurance.contracts.corrections import (
    IN_THE_FORM,
    LARGEST_AMOUNT,
    LINE_FIELDS,
    choose_another_cost_code,
    give_billing_items,
    leave_the_characters_out,
    split_the_line,
)
from tests.endurance.contracts.pages import Finding


def form(*lines: dict[str, str]) -> dict[str, str]:
    """An edit form with these lines."""
    fields = {"version": "1", "contract_company": "7", "lines-TOTAL_FORMS": str(len(lines))}
    for number, line in enumerate(lines):
        blank = dict.fromkeys(LINE_FIELDS, "")
        fields |= {f"lines-{number}-{name}": value for name, value in (blank | line).items()}
    return fields


def column(fields: dict[str, str], name: str) -> list[str]:
    return [fields[f"lines-{number}-{name}"] for number in range(int(fields["lines-TOTAL_FORMS"]))]


ONE_PLACE = {"cost_code": "03-300", "cost_type": "4"}
OTHER_PLACE = {"cost_code": "05-100", "cost_type": "4"}


def test_lines_on_one_place_get_billing_items_of_their_own_and_others_none() -> None:
    fields = form(ONE_PLACE, OTHER_PLACE, {**ONE_PLACE, "billing_item": "1"}, ONE_PLACE, ONE_PLACE)
    give_billing_items(fields, Finding("lines-on-one-key", ""))
    items = column(fields, "billing_item")
    assert items[1] == ""
    assert items[2] == "1"
    assert len({items[0], *items[2:]}) == 4


def test_a_line_that_is_too_wide_is_split_and_the_total_stays() -> None:
    for amount in ("1,000,000,750.25", "-2000000000.00"):
        fields = form({**ONE_PLACE, "amount": amount, "quantity": "2"}, {**OTHER_PLACE, "amount": "1.00"})
        split_the_line(fields, Finding("line-amount-too-wide", "", (1,)))
        amounts = [Decimal(each) for each in column(fields, "amount")]
        assert sum(amounts) == Decimal(amount.replace(",", "")) + 1
        assert all(abs(each) <= LARGEST_AMOUNT for each in amounts)
        places = zip(column(fields, "cost_code"), column(fields, "billing_item"), strict=True)
        items = [item for code, item in places if code == ONE_PLACE["cost_code"]]
        assert len(set(items)) == len(items) > 1
        assert column(fields, "quantity") == [""] * len(amounts)


def test_a_line_without_a_usable_cost_code_goes_to_its_neighbours_with_an_own_billing_item() -> None:
    fields = form(ONE_PLACE, {"cost_code": "", "cost_type": "9"})
    choose_another_cost_code(fields, Finding("line-cost-code-missing", "", (2,)))
    assert column(fields, "cost_code") == ["03-300", "03-300"]
    assert column(fields, "cost_type") == ["4", "4"]
    assert len(set(column(fields, "billing_item"))) == 2


def test_only_the_named_character_is_left_out() -> None:
    fields = form({"description": "Refills, checked ✓ (Ø 8)"}) | {"title": "✓ Refills"}
    leave_the_characters_out(fields, Finding("text-characters", "Line 1 can't be stored: ✓."))
    assert (fields["title"], fields["lines-0-description"]) == ("Refills", "Refills, checked  (Ø 8)")


def test_every_correction_says_who_does_it() -> None:
    assert all(words.startswith("the creator ") for _, words in IN_THE_FORM.values())
