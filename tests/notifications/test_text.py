from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.text import format_money, format_quote, format_waiting_days, to_one_line


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("32000.01", "USD", "USD 32,000.01"),
        ("0", "USD", "USD 0.00"),
        ("-1250.5", "EUR", "EUR -1,250.50"),
        ("999999999999.99", "CAD", "CAD 999,999,999,999.99"),
    ],
)
def test_money_has_thousands_separators_cents_and_its_currency(
    amount: str, currency: str, written: str
) -> None:
    assert format_money(Decimal(amount), currency) == written


@given(st.text())
def test_one_line_is_one_printable_line_whatever_goes_in(text: str) -> None:
    line = to_one_line(text)
    assert len(line.splitlines()) <= 1
    assert line == "" or line.isprintable()


def test_one_line_keeps_letters_of_every_script() -> None:
    assert to_one_line(" Béton  armé\r\nBcc: 東京 ") == "Béton armé Bcc: 東京"


@pytest.mark.parametrize(
    ("days", "words"), [(-1, "since today"), (0, "since today"), (1, "1 day"), (12, "12 days")]
)
def test_waiting_is_told_in_days(days: int, words: str) -> None:
    assert format_waiting_days(days) == words


def test_what_a_person_wrote_is_marked_line_by_line() -> None:
    text = "Wrong phase.\n\n" + "word " * 20
    lines = format_quote(text).splitlines()
    assert lines[:2] == ["> Wrong phase.", ">"]
    assert all(line.startswith(">") and len(line) <= 72 for line in lines)
