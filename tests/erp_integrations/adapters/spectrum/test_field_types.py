from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_integrations.adapters.spectrum.field_types import (
    FORBIDDEN_IN_KEYS,
    Field,
    FieldKind,
    Misfit,
    format_date,
)
from erp_integrations.adapters.spectrum.service_fields import (
    LAYOUTS,
    UPDATE_SUBCONTRACT,
    UPDATE_SUBCONTRACT_PHASES,
)

UNIT_PRICE = UPDATE_SUBCONTRACT_PHASES["Unit_Price"]
QUANTITY = UPDATE_SUBCONTRACT_PHASES["Original_Contract_Quantity"]
AMOUNT = UPDATE_SUBCONTRACT_PHASES["Original_Contract_Amount"]
RETENTION = UPDATE_SUBCONTRACT["Retention_Percent"]

MASKED = pytest.mark.parametrize("field", [UNIT_PRICE, QUANTITY, AMOUNT, RETENTION], ids=lambda f: f.name)
ALL_FIELDS = [field for layout in LAYOUTS.values() for field in layout.fields]


def whole_numbers(field: Field) -> st.SearchStrategy[Decimal]:
    """Every value that a mask can express, as Decimals of that scale."""
    largest = 10 ** (field.integers + field.decimals) - 1
    smallest = -largest if field.signed else 0
    return st.integers(smallest, largest).map(lambda n: Decimal(n).scaleb(-field.decimals))


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        (UNIT_PRICE, "999999.9999", "999999.9999"),
        (UNIT_PRICE, "-999999.9999", "-999999.9999"),
        (UNIT_PRICE, "185.5", "185.5000"),
        (QUANTITY, "99999999.99", "99999999.99"),
        (QUANTITY, "-99999999.99", "-99999999.99"),
        (AMOUNT, "999999999.99", "999999999.99"),
        (AMOUNT, "-999999999.99", "-999999999.99"),
        (AMOUNT, "0.10", "0.10"),
        (AMOUNT, "-0.00", "0.00"),
        (AMOUNT, "1E+3", "1000.00"),
        (AMOUNT, "12.5000000000000000000000000000000000000", "12.50"),
        (RETENTION, "99.9", "99.9"),
        (RETENTION, "0", "0.0"),
    ],
)
def test_a_number_that_fits_is_written_with_all_decimals(field: Field, value: str, text: str) -> None:
    assert field.format_number(Decimal(value)) == text
    assert field.describe_issue(text) == ""


@pytest.mark.parametrize(
    ("field", "value", "misfit"),
    [
        (UNIT_PRICE, "1000000", Misfit.WIDTH),
        (UNIT_PRICE, "-1000000", Misfit.WIDTH),
        (UNIT_PRICE, "0.00001", Misfit.DECIMALS),
        (QUANTITY, "100000000", Misfit.WIDTH),
        (QUANTITY, "10.005", Misfit.DECIMALS),
        (AMOUNT, "1000000000.00", Misfit.WIDTH),
        (AMOUNT, "999999999.999", Misfit.DECIMALS),
        (AMOUNT, "1E+400000", Misfit.WIDTH),
        (AMOUNT, "1E-400000", Misfit.DECIMALS),
        (AMOUNT, "NaN", Misfit.WIDTH),
        (AMOUNT, "-Infinity", Misfit.WIDTH),
        (RETENTION, "100", Misfit.WIDTH),
        (RETENTION, "7.25", Misfit.DECIMALS),
        (RETENTION, "-1", Misfit.SIGN),
    ],
)
def test_a_number_that_does_not_fit_is_never_rounded(field: Field, value: str, misfit: Misfit) -> None:
    assert field.find_misfit(Decimal(value)) is misfit
    with pytest.raises(ValueError, match="does not fit"):
        field.format_number(Decimal(value))


@MASKED
@given(data=st.data())
def test_every_number_of_a_mask_survives_the_way_to_text_and_back(field: Field, data: st.DataObject) -> None:
    value = data.draw(whole_numbers(field))
    text = field.format_number(value)
    assert Decimal(text) == value
    assert len(text) <= field.width
    assert field.describe_issue(text) == ""


@MASKED
@given(value=st.decimals(allow_nan=True, allow_infinity=True))
def test_a_number_is_written_exactly_or_refused(field: Field, value: Decimal) -> None:
    if field.find_misfit(value) is None:
        assert Decimal(field.format_number(value)) == value
    else:
        with pytest.raises(ValueError, match="does not fit"):
            field.format_number(value)


@given(day=st.dates())
def test_every_date_is_month_day_and_four_digits_of_year(day: date) -> None:
    text = format_date(day)
    assert text == f"{day.month:02d}/{day.day:02d}/{day.year:04d}"
    assert UPDATE_SUBCONTRACT["Date_Issued"].describe_issue(text) == ""


@pytest.mark.parametrize("text", ["2026-03-09", "3/9/2026", "02/30/2026", "03/09/26", "13/01/2026"])
def test_another_form_of_date_never_leaves(text: str) -> None:
    assert "MM/DD/CCYY" in UPDATE_SUBCONTRACT["Date_Issued"].describe_issue(text)


@pytest.mark.parametrize(
    "text", ["1,000.00", "$5.00", "1.", ".5", "+1.00", "1e3", "12.345", "--1", " 1.00", "٣"]
)
def test_another_form_of_number_never_leaves(text: str) -> None:
    assert AMOUNT.describe_issue(text)


@pytest.mark.parametrize("field", [f for f in ALL_FIELDS if f.kind is FieldKind.TEXT], ids=lambda f: f.name)
def test_text_fits_up_to_its_width_and_not_beyond(field: Field) -> None:
    longest = (field.choices or "X")[0] * field.width
    assert field.describe_issue(longest) == ""
    assert f"Spectrum takes {field.width}" in field.describe_issue(longest + "X")


@pytest.mark.parametrize("field", [f for f in ALL_FIELDS if f.key], ids=lambda f: f.name)
@pytest.mark.parametrize("character", [*sorted(FORBIDDEN_IN_KEYS), "é"])
def test_a_key_may_not_hold_a_forbidden_character(field: Field, character: str) -> None:
    value = f"A{character}"
    assert field.describe_issue(value)
    assert field.find_forbidden_characters(value) == character


def test_a_dash_is_allowed_in_a_number_but_not_in_a_phase() -> None:
    assert UPDATE_SUBCONTRACT["Subcontract_Number"].describe_issue("SC-001") == ""
    assert UPDATE_SUBCONTRACT_PHASES["Phase_Code"].describe_issue("03-300") == "may not hold -"


def test_a_blank_is_a_complaint_only_where_a_value_is_required() -> None:
    assert UPDATE_SUBCONTRACT["Job_Number"].describe_issue("") == "is missing"
    assert UPDATE_SUBCONTRACT["Comment"].describe_issue("") == ""


def test_a_status_is_one_of_its_letters() -> None:
    assert UPDATE_SUBCONTRACT["Status_Code"].describe_issue("A") == ""
    assert "is not one of A, I, C" in UPDATE_SUBCONTRACT["Status_Code"].describe_issue("Z")


@pytest.mark.parametrize("value", ["Café", "two\nlines", "a\x00b", "a\x7f"])
def test_free_text_is_printable_ascii(value: str) -> None:
    assert "printable ASCII" in UPDATE_SUBCONTRACT["Comment"].describe_issue(value)
