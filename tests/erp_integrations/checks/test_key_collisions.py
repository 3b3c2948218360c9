"""Lines that Spectrum would keep as one: the page offers two ways to fix it, and each mends it."""

import re
from typing import Any

import pytest

from commitments.models import Commitment
from directory.models import HistoryEntry, User
from tests.clients import signed_in
from tests.factories import (
    CreatorFactory,
    LineItemFactory,
    ProjectAdminFactory,
    ReaderFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
)

pytestmark = pytest.mark.django_db

MERGE, NUMBER = "merge-lines", "give-billing-items"
BOTH = pytest.mark.parametrize("button", [MERGE, NUMBER])


def colliding(*billing_items: str, **values: Any) -> Commitment:
    commitment: Commitment = ReadyCommitmentFactory(lines=1, lines__billing_item=billing_items[0])
    first = commitment.lines.get()
    for number, item in enumerate(billing_items[1:], start=2):
        LineItemFactory(
            commitment=commitment,
            cost_code=first.cost_code,
            billing_item=item,
            description=f"Part {number}",
            **values,
        )
    return commitment


def admin_of(commitment: Commitment) -> User:
    person: User = ProjectAdminFactory(project=commitment.project)
    return person


def page(commitment: Commitment, person: User) -> str:
    html = signed_in(person).get(commitment.get_absolute_url()).content.decode()
    return " ".join(html.split())


def press(commitment: Commitment, by: User, button: str, **given: Any) -> Any:
    data = {"version": commitment.version, "lines": "1,2", **given}
    return signed_in(by).post(f"{commitment.get_absolute_url()}{button}/", data, follow=True)


def test_both_ways_out_are_offered_with_what_they_result_in() -> None:
    commitment = colliding("", "")
    html = page(commitment, admin_of(commitment))
    assert "Lines 1 and 2: two ways to fix it" in html
    assert "<strong>Walls; Part 2</strong>" in html
    assert ">20 CY</span> at" in html
    assert "USD 2,000.00</strong>." in html
    assert re.search(
        r"line 1 gets billing item <strong[^>]*>001</strong>, line 2 gets .*>002</strong>\.", html
    )


def test_what_merging_leaves_out_is_said_before() -> None:
    commitment = colliding("", "", unit_of_measure="LF")
    html = page(commitment, admin_of(commitment))
    assert "an amount of" in html
    assert "This leaves out quantities and unit costs, as the units differ" in html


@BOTH
def test_either_of_them_leaves_nothing_in_the_way(button: str) -> None:
    commitment = colliding("", "")
    admin = admin_of(commitment)
    assert press(commitment, admin, button).status_code == 200
    html = page(commitment, admin)
    assert "Ready to send." in html
    assert "to fix it" not in html
    assert {MERGE: "Merged lines 1, 2", NUMBER: "Gave billing items: 001 to line 1, 002 to line 2"}[
        button
    ] in html


def test_lines_beside_others_with_billing_items_get_some_and_are_not_merged_for_that() -> None:
    commitment = colliding("", "A1")
    html = page(commitment, admin_of(commitment))
    assert "Line 1: how to fix it" in html
    assert "Merge these lines" not in html
    press(commitment, admin_of(commitment), NUMBER, lines="1")
    assert "Ready to send." in page(commitment, admin_of(commitment))


def test_lines_that_collide_in_two_ways_are_offered_once() -> None:
    commitment = colliding("", "", "A1")
    html = page(commitment, admin_of(commitment))
    assert html.count("two ways to fix it") == 1
    assert "how to fix it" not in html


def test_who_may_not_edit_is_offered_nothing() -> None:
    commitment = colliding("", "")
    for person in (ReaderFactory(project=commitment.project), CreatorFactory(project=commitment.project)):
        assert "Merge these lines" not in page(commitment, person)


@BOTH
def test_who_may_not_edit_is_refused(button: str) -> None:
    commitment = colliding("", "")
    for person in (ReaderFactory(project=commitment.project), CreatorFactory(project=commitment.project)):
        assert press(commitment, person, button).status_code == 403
    assert press(commitment, ProjectAdminFactory(), button).status_code == 404
    assert commitment.lines.count() == 2


@BOTH
@pytest.mark.parametrize(
    "given", [{"version": "0"}, {"version": "x"}, {"lines": ""}, {"lines": "1,9"}, {"lines": "²,x,-1"}]
)
def test_what_was_not_shown_is_not_done(button: str, given: dict[str, str]) -> None:
    commitment = colliding("", "")
    answer = press(commitment, admin_of(commitment), button, **given)
    assert answer.status_code == 409
    assert "This commitment has changed since you opened it." in answer.content.decode()
    assert commitment.lines.filter(billing_item="").count() == 2


@BOTH
def test_pressing_twice_does_it_once(button: str) -> None:
    commitment = colliding("", "")
    admin = admin_of(commitment)
    assert press(commitment, admin, button).status_code == 200
    assert press(commitment, admin, button).status_code == 409


@BOTH
def test_what_accounting_has_stays_as_it_is(button: str) -> None:
    submission = SubmissionFactory()
    commitment = submission.commitment
    answer = press(commitment, admin_of(commitment), button)
    assert answer.status_code == 409
    assert "Accounting has this commitment" in answer.content.decode()


@BOTH
def test_a_get_changes_nothing(button: str) -> None:
    commitment = colliding("", "")
    client = signed_in(admin_of(commitment))
    answer = client.get(f"{commitment.get_absolute_url()}{button}/")
    assert answer.headers["Location"] == commitment.get_absolute_url()
    assert commitment.lines.count() == 2


def test_one_button_gives_every_line_that_needs_one_a_billing_item() -> None:
    commitment = colliding("", "", "A1")
    other = LineItemFactory(commitment=commitment, billing_item="ITEM 2015/04")
    LineItemFactory(commitment=commitment, cost_code=other.cost_code, billing_item="B")
    LineItemFactory(commitment=commitment, cost_code=other.cost_code, billing_item="b")
    admin = admin_of(commitment)
    html = page(commitment, admin)
    assert html.count("Give billing items to all") == 1
    given = re.findall(r"line (\d) gets billing item <strong[^>]*>(\d+)<", html.split("Fix all of them")[1])
    shown = dict(given[:4])
    assert shown == {"1": "001", "2": "002", "4": "003", "6": "004"}
    press(commitment, admin, NUMBER, lines=",".join(shown), anew="1")
    items = list(commitment.lines.order_by("position").values_list("billing_item", flat=True))
    assert items == ["001", "002", "A1", "003", "B", "004"]
    assert "Ready to send." in page(commitment, admin)
    were = HistoryEntry.objects.get(event="commitment.billing_items_given").detail["were"]
    assert [line["billing_item"] for line in were] == ["", "", "ITEM 2015/04", "b"]


def test_where_one_collision_is_all_its_own_buttons_are_enough() -> None:
    commitment = colliding("", "")
    assert "Give billing items to all" not in page(commitment, admin_of(commitment))


def test_an_item_that_is_too_long_is_offered_another_one() -> None:
    commitment = colliding("ITEM-2015-04")
    html = page(commitment, admin_of(commitment))
    assert re.search(r"line 1 gets billing item <strong[^>]*>001</strong>\.", html)
