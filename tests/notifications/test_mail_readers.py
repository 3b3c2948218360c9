"""The HTML of every mail against what Outlook (which shows it by Word) and Gmail show of it.

By Microsoft's "Word 2007 HTML and CSS Rendering Capabilities in Outlook 2007" (MSDN aa338200, aa338201),
whose engine Outlook for Windows still has, and by caniemail.com for it and for Gmail. Gmail cuts a mail off
at 102 kB, drops a style block that is longer than 8,192 characters or holds an address, and knows none in
the body.
"""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from lxml import html

from notifications.emails import AttentionLine, build_content
from notifications.letters import WORDS
from notifications.models import Kind
from tests.notifications.test_emails import many, section

ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "div", "h1", "h2", "p", "a", "b", "br", "span"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
SUPPORTED = {
    *("background", "border", "border-bottom", "color", "font-family", "font-size", "font-weight"),
    *("line-height", "margin", "padding", "text-decoration", "mso-padding-alt", "mso-hide"),
}
# What Outlook does not know may be missing there: what its reader sees then.
MISSED = {
    "border-radius": "square corners",
    "max-width": "nothing: a table of 600 pixels is written for it alone",
    "overflow-wrap": "a long word makes the sheet wider",
    "font-variant-numeric": "figures of unequal width",
    "-webkit-text-size-adjust": "nothing: it is for phones",
    "display": "nothing: mso-hide hides, and mso-padding-alt makes a button's room",
    "max-height": "nothing: mso-hide hides",
    "overflow": "nothing: mso-hide hides",
}
PADDED = {"td", "th", "body"}  # elsewhere Word ignores it
LETTER = {
    "commitment": "SC-1 Roof",
    "facts": [("Vendor", "Acme")],
    "text": "The vendor\nis wrong.",
    "by": "Avery Approver",
    "closing": "Correct it.",
    "link": "https://books.example/",
}
PLAIN = {
    "sentence": "S",
    "facts": [("When", "today")],
    "reason": "R",
    "link": "https://books.example/",
    "advice": "A",
}
LINES = [AttentionLine("SC-1", "Roof", "Spectrum refused it.", "https://books.example/")]
MAILS: dict[str, list[dict[str, Any]]] = {
    "attention": [{"connection": "Spectrum", "lines": LINES, "link": "https://books.example/"}],
    "invitation": [{**PLAIN, "lifetime": "7 days", "address": "dana@example.test"}],
    "password_link": [{**PLAIN, "lifetime": "60 minutes", "address": "dana@example.test"}],
    "letters": [{**WORDS[Kind.REJECTION], "letters": [LETTER] * count} for count in (1, 6)],
    "rights": [PLAIN],
    "sign_in_change": [PLAIN],
    "daily_summary": [
        {
            "sections": [each],
            "bodies": [each.build_bodies(100, 100, 0)],
            "day": date(2026, 11, 23),
            "count": len(each.lines),
            "link": "https://books.example/",
        }
        for each in (section(*many(3)), section(*many(400)))
    ],
}


def test_every_mail_is_looked_at() -> None:
    folder = Path(settings.BASE_DIR) / "templates" / "emails"
    assert {path.stem for path in folder.glob("[a-z]*.html")} == set(MAILS)


@pytest.mark.parametrize("name", list(MAILS))
def test_a_mail_asks_for_nothing_that_outlook_or_gmail_does_not_show(name: str) -> None:
    for context in MAILS[name]:
        page = build_content("Subject", f"emails/{name}", context)["html_body"]
        assert len(page.encode()) < 102_000
        tree: Any = html.document_fromstring(page)
        faults = [str(tag) for tag in {each.tag for each in tree.iter("*")} - ELEMENTS]
        for element in tree.iter("*"):
            faults += [f"{element.tag}: {fault}" for fault in list_faults(element)]
        styles = tree.xpath("//style")
        assert not tree.xpath("//body//style")
        assert sum(len(style.text) for style in styles) < 8_192
        assert not any(re.search(r"url\(|@import|@font-face", style.text) for style in styles)
        assert not faults, faults


def list_faults(element: Any) -> list[str]:
    faults = []
    declared = dict(
        re.split(r"\s*:\s*", each.strip(), maxsplit=1)
        for each in element.get("style", "").split(";")
        if each.strip()
    )
    for name, value in declared.items():
        if name not in SUPPORTED and name not in MISSED:
            faults.append(f"{name} is not known")
        if name in ("background", "color") and not re.fullmatch("#[0-9a-f]{6}", value):
            faults.append(f"{name}: {value} is no plain colour")
        if re.search(r"\b(rem|vh|vw|var|calc|url)\b|(?<![\w.])-\d", value):
            faults.append(f"{name}: {value}")
    if "padding" in declared and element.tag not in PADDED:
        holder = element.getparent()
        if "mso-padding-alt" not in holder.get("style", "") or not holder.get("bgcolor"):
            faults.append("padding outside of a cell")
    if declared.get("display") == "none" and declared.get("mso-hide") != "all":
        faults.append("hidden, but not in Outlook")
    if element.get("href") and not element.get("href").startswith("https://"):
        faults.append(f"leads to {element.get('href')}")
    return faults


def test_the_checks_see_what_is_wrong() -> None:
    wrong = {
        "position:absolute": 1,
        "display:none": 1,
        "padding:4px": 1,
        "background:url(x)": 2,
        "color:rgba(0,0,0,1)": 1,
        "margin:0 -4px": 1,
        "color:#485261": 0,
    }
    for style, count in wrong.items():
        assert len(list_faults(html.fromstring(f'<div><p style="{style}">x</p></div>')[0])) == count, style
