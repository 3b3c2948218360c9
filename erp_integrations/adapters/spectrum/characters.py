"""Text for an interface that takes printable ASCII.

Letters lose their accents and typographic signs become plain ones, so that a person can
still read the text; what has no such form is named, never dropped or guessed.
"""

import re
import unicodedata
from enum import StrEnum

_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u2032", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb\u2033", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        **dict.fromkeys("\u2022\u00b7", "*"),
        **dict.fromkeys("\u2044\u00f7", "/"),
        "\u00d7": "x",
        "\u00b0": " deg",
        "\u00b1": "+/-",
        "\u00d8": "O",
        "\u00f8": "o",
        "\u00c6": "AE",
        "\u00e6": "ae",
        "\u0152": "OE",
        "\u0153": "oe",
        "\u00df": "ss",
        "\u0141": "L",
        "\u0142": "l",
        "\u0110": "D",
        "\u0111": "d",
        "\u00d0": "D",
        "\u00f0": "d",
        "\u00de": "Th",
        "\u00fe": "th",
        "\u0131": "i",
        "\u20ac": "EUR",
        "\u00a3": "GBP",
        "\u00a9": "(C)",
        "\u00ae": "(R)",
        "\u2122": "(TM)",
        "\u00a7": "Sec. ",
    }
)


class NonAscii(StrEnum):
    """A connection's way with text that is not ASCII."""

    TRANSLITERATE = "transliterate"
    REFUSE = "refuse"


def format_one_line(text: str) -> str:
    """The text with line breaks, tabs and other control characters as single blanks, trimmed."""
    return _CONTROL.sub(_format_blank_run, text).strip()


def format_as_ascii(text: str) -> str:
    """The nearest ASCII spelling; what has none is left as it is."""
    return "".join(_get_nearest_ascii(character) for character in unicodedata.normalize("NFC", text))


def find_non_ascii(text: str) -> str:
    """The characters outside ASCII, each once, in the order in which they appear."""
    return "".join(dict.fromkeys(character for character in text if not character.isascii()))


def _format_blank_run(run: re.Match[str]) -> str:
    # Plain blanks between words are the author's; only what a field can't hold is replaced.
    return run.group() if set(run.group()) == {" "} else " "


def _get_nearest_ascii(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.category(character) == "Cf":
        return ""  # soft hyphens, byte-order marks and the like: nobody ever saw them
    plain = character.translate(_PLAIN)
    if not plain.isascii():
        plain = _get_decomposed_ascii(character)
    return plain if plain.isascii() and plain else character


def _get_decomposed_ascii(character: str) -> str:
    parts = unicodedata.normalize("NFKD", character).translate(_PLAIN)
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    form = unicodedata.decomposition(character)
    # Two and a half must not become 21/2, nor ten squared 102.
    if form.startswith("<fraction>"):
        return f" {plain}"
    if form.startswith("<super>") and plain.isdigit():
        return f"^{plain}"
    return plain
