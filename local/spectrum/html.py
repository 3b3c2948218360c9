"""HTML as a tree: lxml escapes every text and attribute, so that no page can forget to."""

import re
from collections.abc import Iterable

from lxml import etree

# lxml refuses characters that XML has no way to write; a search box can still send them.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Content = etree._Element | str | None | Iterable["Content"]


def node(tag: str, *content: Content, **attributes: str | None) -> etree._Element:
    """An element. A trailing underscore keeps a keyword free (`class_`); None leaves something out."""
    element = etree.Element(tag)
    for name, value in attributes.items():
        if value is not None:
            element.set(name.rstrip("_").replace("_", "-"), _writable(value))
    for each in content:
        _append(element, each)
    return element


def document(head: list[etree._Element], body: list[etree._Element]) -> bytes:
    """A whole page."""
    page = node("html", node("head", head), node("body", body), lang="en")
    return b"<!DOCTYPE html>\n" + etree.tostring(page, method="html", encoding="utf-8")


def _append(parent: etree._Element, content: Content) -> None:
    if content is None:
        return
    if isinstance(content, etree._Element):
        parent.append(content)
    elif isinstance(content, str):
        text = _writable(content)
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + text
        else:
            parent.text = (parent.text or "") + text
    else:
        for each in content:
            _append(parent, each)


def _writable(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
