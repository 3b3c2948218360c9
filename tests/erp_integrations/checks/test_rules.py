"""The rules of the second look at their edges: what each says at its limit, and beyond it nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from erp_integrations.adapters.base import ErpReferences
from erp_integrations.checks.approval_basis import ApprovalBasis
from erp_integrations.checks.budgets import PhaseBudget
from erp_integrations.checks.rules import (
    Facts,
    NearName,
    Other,
    check_rules,
    get_comparable_number,
)
from erp_integrations.models import CheckRule, SubmissionStatus
from erp_integrations.snapshots import Document, LineItem

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
LINE = LineItem(1, "03-100", "S", "1", "Walls", None, "", None, Decimal("1000.00"))
DOCUMENT = Document(
    commitment_id=1,
    project_id=1,
    project_name="Tower",
    kind="subcontract",
    number="SC-101",
    title="Concrete walls",
    description="",
    status="approved",
    trade="",
    issue_date=None,
    default_retainage=Decimal("10.00"),
    contract_company_id=1,
    contract_company_name="Acme Concrete Inc",
    currency="USD",
    created_by_id=1,
    lines=(LINE,),
)


def other(pk: int = 2, **values: Any) -> Other:
    """Accepted long ago, and of the same size."""
    usual: dict[str, Any] = {
        "commitment_id": pk,
        "number": f"SC-9{pk}",
        "title": "Other works",
        "vendor": "Acme Concrete Inc",
        "total": Decimal("1037.11"),
        "sent_at": NOW - timedelta(days=100),
        "status": SubmissionStatus.ACCEPTED,
        "project": "Tower",
        "retainage": Decimal("10.00"),
    }
    return Other(**usual | values)


def total(amount: str, **values: Any) -> Document:
    return replace(DOCUMENT, lines=(replace(LINE, amount=Decimal(amount)),), **values)


def check(document: Document = DOCUMENT, own: dict[str, CheckRule] | None = None, **facts: Any) -> list[str]:
    """What the rules say of one with three accepted others, unless the test has its own."""
    usual: dict[str, Any] = {
        "others": [other(2), other(3), other(4)],
        "largest_lines": {("03-100", "S"): (3, Decimal("1037.11"))},
        "company_history": 20,
    }
    basis = ApprovalBasis(document, None, ErpReferences())
    issues = check_rules(Facts(basis, NOW, **usual | facts), own or {})
    return [f"{each.code.removeprefix('rule-')}: {each.sentence}" for each in issues]


def codes(*arguments: Any, **facts: Any) -> list[str]:
    return [each.partition(":")[0] for each in check(*arguments, **facts)]


def test_an_ordinary_one_is_clean() -> None:
    assert check() == []


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("SC-0101", "sc 101"),
        ("SC-1O1", "SC-101"),
        ("0B44160", "B44160"),
        ("KOO358", "K00358"),
        ("150228.", "0150228"),
        ("15-0228", "150 228"),
    ],
)
def test_a_number_is_the_same_however_it_is_written(one: str, same: str) -> None:
    assert get_comparable_number(one) == get_comparable_number(same)


@pytest.mark.parametrize(("one", "another"), [("SC-101", "SC-1010"), ("150228", "150282"), ("A-7", "B-7")])
def test_another_number_stays_another(one: str, another: str) -> None:
    assert get_comparable_number(one) != get_comparable_number(another)


def test_the_same_number_counts_under_a_vendors_misspelled_name_and_not_under_anothers() -> None:
    assert codes(alike=[other(9, number="SC-0101", vendor="Acme Concreet Inc")]) == ["same-number"]
    assert codes(alike=[other(9, number="SC-0101", vendor="Roofers United")]) == []


@pytest.mark.parametrize(
    ("amount", "title", "days", "found"),
    [
        ("1000.00", "Walls, concrete", 30, True),
        ("1000.00", "Walls, concrete", 31, False),
        ("1000.00", "Painting of the lobby", 1, False),
        ("1000.01", "Concrete wall", 1, True),
        ("1020.40", "Concrete walls", 1, True),  # two per cent of the larger
        ("1020.42", "Concrete walls", 1, False),
        ("0100.00", "Concrete walls", 1, False),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_near_duplicate_has_nearly_the_amount_and_title_within_days(
    amount: str, title: str, days: int, found: bool, sign: int
) -> None:
    near = other(9, total=Decimal(amount), title=title, sent_at=NOW - sign * timedelta(days=days))
    assert ("near-duplicate" in codes(others=[near])) is found


def test_two_amounts_with_their_figures_swapped_are_near() -> None:
    assert "near-duplicate" in codes(
        total("78470.98"),
        others=[other(9, total=Decimal("74870.98"), title="Concrete walls", sent_at=NOW)],
        largest_lines={("03-100", "S"): (1, Decimal(1))},
    )


def test_a_near_name_is_named_while_few_of_this_vendor_are_known() -> None:
    near = [NearName("Acme Concreet Inc", 85, 5)]
    assert codes(near_names=near, others=[other(2), other(3)]) == ["vendor-name"]
    assert codes(near_names=near) == []
    assert codes(near_names=[NearName("Acme Concreet Inc", 84, 5)], others=[other(2)]) == []
    assert codes(near_names=[NearName("Acme Concreet Inc", 99, 1)], others=[other(2)]) == []


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("3111.33", None),  # three times the largest
        ("3111.34", "3,111.34 is 3.0 times the largest of this vendor's 3 accepted commitments (1,037.11)."),
        ("345.71", None),
        ("345.70", "1,037.11, the smallest of this vendor's 3 accepted commitments, is 3.0 times 345.70."),
    ],
)
def test_an_amount_is_far_beyond_so_many_times(amount: str, sentence: str | None) -> None:
    found = check(total(amount), largest_lines={("03-100", "S"): (1, Decimal(1))})
    assert found == ([f"amount: {sentence}"] if sentence else [])


def test_a_slip_of_the_decimal_point_is_named_and_round_amounts_are_none() -> None:
    (slip,) = check(total("103.71"))
    assert slip == (
        "amount: 103.71 is a tenth of SC-92 of Tower (1,037.11, sent 22 Mar 2026), of the same vendor."
    )
    lines = {("03-100", "S"): (1, Decimal(1))}
    assert check(total("20000.00"), others=[other(total=Decimal("2000.00"))], largest_lines=lines) == []


def test_money_left_to_the_cent() -> None:
    budget = PhaseBudget("03-100", "S", "", Decimal("1500"), Decimal("400"), Decimal("100"), Decimal("1000"))
    assert codes(budgets=[budget]) == []
    assert check(budgets=[replace(budget, committed=Decimal("100.01"))]) == [
        "budget: 1,000.00 on 03-100 S is 0.01 more than is left: of 1,500.00 estimated, 400.00 is spent and "
        "100.01 committed otherwise."
    ]


def test_a_first_time_is_one_only_where_much_is_known() -> None:
    new: dict[str, Any] = {"others": [], "largest_lines": {}}
    assert codes(**new) == ["first-vendor", "first-phase"]
    assert codes(**new, company_history=19) == []


@pytest.mark.parametrize(
    ("known", "own", "found"),
    [
        (["10", "10", "10"], "0", True),
        (["10", "10"], "0", False),
        (["10", "10", "10", "10", "5"], "0", True),
        (["10", "10", "10", "5"], "0", False),  # less than four of five
        (["10", "10", "10", "10", "0"], "0", False),
        (["12", "12", "12"], "12", False),  # high, and always so
        ([], "10.01", True),
        ([], "10.00", False),
    ],
)
def test_retainage_is_unusual_against_what_was_accepted(known: list[str], own: str, found: bool) -> None:
    others = [other(number, retainage=Decimal(value)) for number, value in enumerate(known, start=2)]
    document = replace(DOCUMENT, default_retainage=Decimal(own))
    assert ("retainage" in codes(document, others=others)) is found


def test_a_rule_is_switched_off_and_has_its_companys_own_limit() -> None:
    document = total("2100.00")
    off, own = CheckRule(code="amount", is_on=False), CheckRule(code="amount", limit=Decimal(2))
    assert codes(document) == []
    assert codes(document, {"amount": own}) == ["amount", "amount"]  # the vendor's, and the cost code's
    assert codes(total("99999.00"), {"amount": off}) == []


def test_what_was_changed_is_named() -> None:
    before = replace(DOCUMENT, title="Walls", lines=(LINE, replace(LINE, position=2)))
    assert check(previous=before) == ["changed: Changed since it was last sent: Title, 1 line."]
    assert check(previous=DOCUMENT) == []
