"""The criteria of a list, which are in its address: each narrows it down."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.forms import CheckboxInput, Select, TextInput, Widget
from django.utils.safestring import SafeString

from directory.db.pagination import LONGEST_SEARCH, parse_search


@dataclass(frozen=True, slots=True)
class Criterion:
    """One of them. ``name`` is that of its parameter. ``build`` raises ValueError for a value that it can't
    be, with a sentence that says what it could be.
    """

    name: str
    label: str
    build: Callable[[str, Any], Q]
    """Of what was typed, and for whom or where it is asked."""
    widget: Widget

    def describe(self, value: str) -> str:
        choices = dict(getattr(self.widget, "choices", ()))
        return (
            self.label
            if isinstance(self.widget, CheckboxInput)
            else f"{self.label}: {choices.get(value, value)}"
        )


def parse_criteria(
    criteria: Iterable[Criterion], parameters: Mapping[str, str], of: Any
) -> tuple[dict[str, str], Q, list[str]]:
    """Those of an address, by their names, what they ask for, and sentences about values that are none."""
    values, condition, problems = {}, Q(), []
    for criterion in criteria:
        if value := parse_search(parameters.get(criterion.name, "")):
            try:
                condition &= criterion.build(value, of)
                values[criterion.name] = value
            except ValueError as error:
                problems.append(f"{criterion.label} is not filtered: {error}")
    return values, condition, problems


def build_choice(name: str, label: str, choices: Iterable[tuple[str, str]], lookup: str) -> Criterion:
    """One of these values, each with its words."""
    labels = dict(choices)

    def build(value: str, of: Any) -> Q:
        if value not in labels:
            raise ValueError("choose one from the list.")
        return Q(**{lookup: value})

    return Criterion(name, label, build, Select(choices=[("", "Any"), *labels.items()]))


def build_text(hint: str) -> TextInput:
    return TextInput({"placeholder": hint, "maxlength": LONGEST_SEARCH})


@lru_cache(maxsize=200)
def build_field(widget: Widget, name: str, value: str | None) -> SafeString:
    return widget.render(name, value, {"form": "list-query"})


def build_tags(criteria: Iterable[Criterion], here: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each criterion of an address, and the query of the list without it."""
    return [
        (each.describe(here[each.name]), urlencode({name: here[name] for name in here if name != each.name}))
        for each in criteria
        if each.name in here
    ]
