import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_integrations.adapters.spectrum.characters import find_non_ascii, format_as_ascii, format_one_line


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Café Nuñez", "Cafe Nunez"),
        ("“Quoted” – it’s", '"Quoted" - it\'s'),
        ("2½ in.", "2 1/2 in."),
        ("m² at 10³", "m^2 at 10^3"),
        ("Ø 20 × 3 ± 1", "O 20 x 3 +/- 1"),
        ("Straße, Łódź", "Strasse, Lodz"),
        ("Viewpoint® Spectrum™", "Viewpoint(R) Spectrum(TM)"),
        ("soft\u00adhyphen\ufeff", "softhyphen"),
        ("cafe\u0301", "cafe"),
        ("plain already", "plain already"),
    ],
)
def test_text_is_spelled_with_plain_letters(text: str, plain: str) -> None:
    assert format_as_ascii(text) == plain


def test_what_has_no_plain_letter_is_left_and_named() -> None:
    assert format_as_ascii("tower 塔 塔") == "tower 塔 塔"
    assert find_non_ascii("tower 塔 塔 é") == "塔é"


@given(text=st.text())
def test_plain_text_is_never_changed_and_nothing_is_lost_in_silence(text: str) -> None:
    spelled = format_as_ascii(text)
    assert format_as_ascii(spelled) == spelled
    if text.isascii():
        assert spelled == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one\r\ntwo", "one two"),
        ("  trimmed\t", "trimmed"),
        ("two  blanks stay", "two  blanks stay"),
        ("a\x00b\x1fc", "a b c"),
        ("no-break\u00a0blank", "no-break blank"),
    ],
)
def test_text_becomes_one_line(text: str, line: str) -> None:
    assert format_one_line(text) == line


@given(text=st.text())
def test_one_line_holds_no_control_character(text: str) -> None:
    assert all(character.isprintable() or not character.isascii() for character in format_one_line(text))
