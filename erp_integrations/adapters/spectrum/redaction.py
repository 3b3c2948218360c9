"""Text of the wire as it may be kept: without secrets, and storable."""

import codecs
import re
import sys
from collections.abc import Iterable
from urllib.parse import quote
from xml.sax.saxutils import escape  # nosec B406  # writes, and parses nothing

REMOVED = "[removed]"
MAX_STORED_LENGTH = 20_000

_SECRET_ELEMENTS = re.compile(r"(<(?:[\w.-]+:)?(?:Authorization_ID|GUID)(?:\s[^<>]*)?>)[^<]+", re.IGNORECASE)
_SECRET_VALUES = re.compile(
    r"(authorization\s*:\s*(?:basic|bearer)\s+|(?:client_secret|access_token)\"?\s*[:=]\s*\"?)[^\s\"&<>]+",
    re.IGNORECASE,
)
# PostgreSQL stores no zero character, and nobody reads the other ones.
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SHORTEST_BEGINNING = 4
REPLACED = "\ufffd"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(r"&#([xX][0-9a-fA-F]{1,9}|[0-9]{1,9});")
_DECLARATION = re.compile(rb"\s*<\?xml[^<>]*?\sencoding\s*=\s*[\"']([\w.-]+)[\"'][^<>]*\?>")


def clean_reply_text(body: bytes) -> str:
    """A reply as text, whatever bytes it is made of."""
    return _UNSTORABLE.sub("", body.decode("utf-8", errors="replace"))


def clean_reply_xml(body: bytes) -> bytes:
    """A reply with every character that XML does not allow replaced, as escapes of old records hold them."""
    body = body.removeprefix(codecs.BOM_UTF8)
    declaration = _DECLARATION.match(body)
    encoding, start = (declaration[1].decode(), declaration.end()) if declaration else ("utf-8", 0)
    try:
        text = body[start:].decode(encoding, "replace")
    except (LookupError, UnicodeError):
        return body
    return clean_unprintable(_REFERENCE.sub(lambda found: _clean_reference(found[1]), text)).encode()


def clean_unprintable(text: str) -> str:
    """A text with a mark for each character that XML, and so a page, does not allow."""
    return _NOT_IN_XML.sub(REPLACED, text)


def _clean_reference(reference: str) -> str:
    number = int(reference[1:], 16) if reference[0] in "xX" else int(reference)
    allowed = number <= sys.maxunicode and not _NOT_IN_XML.match(chr(number))
    return f"&#{reference};" if allowed else REPLACED


def clean_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text without the values given and without the elements that carry them.

    A beginning of a secret at the end of a text that was cut off goes as well.
    """
    text = _SECRET_ELEMENTS.sub(rf"\g<1>{REMOVED}", text)
    text = _SECRET_VALUES.sub(rf"\g<1>{REMOVED}", text)
    for secret in filter(None, (value.strip() for value in secrets)):
        quoted = escape(secret, {'"': "&quot;", "'": "&apos;"})
        for spelling in {secret, escape(secret), quoted, quote(secret, safe="")}:
            if (text + spelling).isascii() and spelling.lower() not in text.lower():
                continue  # a pattern takes longer
            text = re.sub(re.escape(spelling), REMOVED, text, flags=re.IGNORECASE)
        end = text[-len(secret) :].lower()
        for length in range(len(secret) - 1, _SHORTEST_BEGINNING - 1, -1):
            if end.endswith(secret[:length].lower()):
                text = text[:-length] + REMOVED
                break
    return text[:MAX_STORED_LENGTH]
