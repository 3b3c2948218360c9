"""Elements that a site spells otherwise, in an ERP admin's lines of ``Method.Ours = Theirs``."""

import re
from collections.abc import Mapping

from erp_integrations.adapters.spectrum import wsdl
from erp_integrations.adapters.spectrum.service_fields import LAYOUTS, LIST_LAYOUTS
from erp_integrations.adapters.spectrum.settings import SpectrumSettings

ElementMapping = tuple[tuple[str, str, str], ...]
"""Method, our name, the site's name."""

_LINE = re.compile(r"(\w+)\.(\w+)\s*=\s*([A-Za-z_][\w.-]*)", re.ASCII)
_METHODS = {method.lower(): layout for method, layout in {**LAYOUTS, **LIST_LAYOUTS}.items()}


class InvalidMappingError(ValueError):
    """A line says nothing that can be used. Its text is a sentence."""


def parse_element_names(text: str) -> ElementMapping:
    """In our spelling of methods and elements. Raises InvalidMappingError."""
    mapped: dict[tuple[str, str], str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = _LINE.fullmatch(line)
        if not parts:
            raise InvalidMappingError(f"“{line}” is not of the form Method.Element = Name.")
        layout = _METHODS.get(parts[1].lower())
        if layout is None:
            raise InvalidMappingError(
                f"{parts[1]} is none of the services: {', '.join([*LAYOUTS, *LIST_LAYOUTS])}."
            )
        ours = next((name for name in layout.names if name.lower() == parts[2].lower()), "")
        if not ours:
            raise InvalidMappingError(
                f"{layout.method} has no element {parts[2]}: {', '.join(layout.names)}."
            )
        # A site that calls one element as another one is called would be written the wrong value.
        meant = next((name for name in layout.names if name.lower() == parts[3].lower()), ours)
        for name in (ours, meant):
            if layout[name].secret:
                raise InvalidMappingError(
                    f"{name} is always at the same place, so it can't be another element."
                )
        if meant != ours:
            raise InvalidMappingError(
                f"{meant} is another element of {layout.method}, which is written itself."
            )
        if (layout.method, ours) in mapped:
            raise InvalidMappingError(f"{layout.method}.{ours} is entered twice.")
        others = [name.lower() for (method, _), name in mapped.items() if method == layout.method]
        if parts[3].lower() in others:
            raise InvalidMappingError(f"{parts[3]} can't be two elements of {layout.method} at once.")
        mapped[layout.method, ours] = parts[3]
    return tuple((method, ours, theirs) for (method, ours), theirs in mapped.items())


def clean_element_names(text: str, descriptions: Mapping[str, str]) -> str:
    """The same, one line each and always spelt alike, held against the descriptions that are kept."""
    mapped = parse_element_names(text)
    for method, _, theirs in mapped:
        declared = list_declared_elements(method, descriptions[method]) if method in descriptions else ()
        if declared and theirs.lower() not in [name.lower() for name in declared]:
            raise InvalidMappingError(
                f"Spectrum's description of {method} has no {theirs}. It has {', '.join(declared)}."
            )
    return "\n".join(f"{method}.{ours} = {theirs}" for method, ours, theirs in mapped)


def list_declared_elements(method: str, description: str) -> tuple[str, ...]:
    """The names of the elements in a kept description; none where it can't be used."""
    nowhere = SpectrumSettings("http://localhost", "", "")
    try:
        return wsdl.Service(_METHODS[method.lower()], description, nowhere).declared
    except wsdl.WsdlError:
        return ()
