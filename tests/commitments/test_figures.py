"""Numbers as people write them."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from commitments.figures import FigureField, format_decimal, to_the_cent

AMOUNT = FigureField(whole=12, decimals=2)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1250.5", "1250.5"),
        ("1,250.50", "1250.5"),
        ("$ 1,250.50", "1250.5"),
        ("1 250 000.5", "1250000.5"),
        ("12\u00a0500", "12500"),
        ("-3", "-3"),
        (" -$ 3 ", "-3"),
        ("$-3", "-3"),
        ("(1,250.00)", "-1250"),
        ("($1,250.00)", "-1250"),
        ("$ (1,250.00) ", "-1250"),
        ("1250.00-", "-1250"),
        ("$1,250.00 -", "-1250"),
        (".5", "0.5"),
        ("5.", "5"),
        ("007", "7"),
        ("10.00000", "10"),
        ("999999999999.99", "999999999999.99"),
    ],
)
def test_a_number_is_read(text: str, number: str) -> None:
    assert AMOUNT.clean(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "  ", None])
def test_nothing_is_nothing(text: str | None) -> None:
    assert AMOUNT.clean(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("12x", "1,5", "1,25,000", "1e5", "NaN", "Infinity", "-", ".", "1.2.3", "١٢", "1,,000"),
        *("12 5", "1 250,000", "1$5", "--5", "(5", "5)", "(-5)", "-5-", "(5)-", "()", "((5))"),
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="Enter a number such as"):
        AMOUNT.clean(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1000000000000", "At most 12 digits fit before the decimal point"),
        ("0.001", "At most 2 decimals fit"),
    ],
)
def test_what_does_not_fit_is_refused_not_cut(text: str, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        AMOUNT.clean(text)


@given(st.decimals(min_value=-(10**12) + 1, max_value=10**12 - 1, places=2))
def test_what_is_shown_reads_back_as_it_was(number: Decimal) -> None:
    assert AMOUNT.clean(format_decimal(number)) == number
    assert AMOUNT.clean(format_decimal(number, min_decimals=2, grouped=True)) == number


@pytest.mark.parametrize(
    ("number", "at_least", "text"),
    [("10.0000", 0, "10"), ("12.5000", 0, "12.5"), ("100", 2, "100.00"), ("0.123456", 2, "0.123456")],
)
def test_numbers_are_written_without_idle_zeros(number: str, at_least: int, text: str) -> None:
    assert format_decimal(Decimal(number), min_decimals=at_least) == text


@pytest.mark.parametrize(("number", "cents"), [("0.005", "0.01"), ("-0.005", "-0.01"), ("2.675", "2.68")])
def test_half_a_cent_is_rounded_away_from_zero(number: str, cents: str) -> None:
    assert to_the_cent(Decimal(number)) == Decimal(cents)
