"""Levels one and two of Spectrum's validation: what can be said without looking at any record."""

import datetime as dt
from collections.abc import Mapping

from local.spectrum.answers import Answer, RefusedError, invalid, missing
from local.spectrum.layouts import Element, Kind, Layout


def require_values(layout: Layout, sent: Mapping[str, str]) -> None:
    """Level one: what every call must carry, new record or not. Raises RefusedError."""
    found = [missing(e.name) for e in layout.elements if e.required and not sent[e.name]]
    if found:
        raise RefusedError(*found)


def require_form(layout: Layout, sent: Mapping[str, str], *, cut: bool) -> dict[str, str]:
    """Level two: length, type and mask. Returns the values, shortened where `cut` allows it.

    One of the vendor's pages says that characters in excess are truncated, another that the
    value is validated; a site shows which. Numbers and dates are never cut. Raises RefusedError.
    """
    values: dict[str, str] = {}
    found: list[Answer] = []
    for element in layout.elements:
        value = sent[element.name]
        if cut and element.kind in {Kind.TEXT, Kind.CODE}:
            value = value[: element.width].rstrip()
        values[element.name] = value
        if value and (complaint := _complaint(element, value)):
            found.append(complaint)
    if found:
        raise RefusedError(*found)
    return values


def read_date(value: str) -> dt.date:
    """A date of the wire, month first. Raises ValueError for a day that does not exist."""
    month, day, year = (int(part) for part in value.replace("-", "/").split("/"))
    return dt.date(year, month, day)


def _complaint(element: Element, value: str) -> Answer | None:
    if len(value) > element.width:
        return invalid(element.name, f"is invalid, value is longer than {element.width} characters")
    if not element.accepts(value):
        return invalid(element.name, "is invalid, value does not match specified field mask")
    if element.kind is Kind.DATE:
        try:
            read_date(value)
        except ValueError:
            return invalid(element.name, "is invalid, there is no such day")
    return None
