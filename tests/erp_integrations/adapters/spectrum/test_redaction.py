import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_integrations.adapters.spectrum.redaction import MAX_STORED_LENGTH, clean_reply_text, clean_secrets

SECRET = "Ab1&<x>\"quote'"


@pytest.mark.parametrize(
    "text",
    [
        f"before {SECRET} after",
        SECRET.upper(),
        "before Ab1&amp;&lt;x&gt;\"quote' after",
        "before Ab1&amp;&lt;x&gt;&quot;quote&apos; after",
        f"cut {SECRET[:8]}",
    ],
)
def test_a_secret_is_removed_in_every_spelling(text: str) -> None:
    cleaned = clean_secrets(text, [SECRET])
    assert "ab1" not in cleaned.lower()
    assert "[removed]" in cleaned


def test_elements_that_carry_secrets_are_emptied_whatever_they_hold() -> None:
    text = "<n:GUID a='b'>old one</n:GUID><Authorization_ID>other</Authorization_ID><desc>stays</desc>"
    cleaned = clean_secrets(text, [])
    assert cleaned == (
        "<n:GUID a='b'>[removed]</n:GUID><Authorization_ID>[removed]</Authorization_ID><desc>stays</desc>"
    )


def test_blank_secrets_remove_nothing() -> None:
    assert clean_secrets("all of it", ["", "  "]) == "all of it"


def test_a_long_text_is_shortened_after_the_secrets_are_out() -> None:
    text = "x" * (MAX_STORED_LENGTH - 3) + SECRET + "y"
    cleaned = clean_secrets(text, [SECRET])
    assert len(cleaned) == MAX_STORED_LENGTH
    assert "Ab1" not in cleaned


@given(st.binary())
def test_any_bytes_become_text_that_a_database_stores(body: bytes) -> None:
    text = clean_reply_text(body)
    assert "\x00" not in text
    text.encode()
