"""A site whose service has other elements than the published ones, on request.

Sites differ, and an update may change one overnight. The description and the service change
together, as they do in the field. Kept in memory, and gone after a restart.
"""

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from local.spectrum.layouts import LAYOUTS, Element, Layout


class BadDriftError(Exception):
    """A drift names an unknown method or element."""


class Drift:
    """Elements added, removed and renamed, by method; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._drifts: dict[str, dict[str, Any]] = {}

    def set(self, given: object) -> None:
        """Replace the drift of one method, for example
        `{"method": "UpdateSubcontract", "add": ["Tax_Code"], "remove": [], "rename": {"Comment": "Text"}}`;
        `"qualified": true` puts the elements into the namespace.

        Raises BadDriftError.
        """
        if not isinstance(given, dict) or set(given) - {"method", "add", "remove", "rename", "qualified"}:
            raise BadDriftError("a drift has a method, and elements to add, remove or rename")
        layout = LAYOUTS.get(str(given.get("method")))
        if layout is None:
            raise BadDriftError(f"method must be one of {', '.join(LAYOUTS)}")
        changed = [*given.get("remove", []), *given.get("rename", {})]
        if unknown := [name for name in changed if name not in layout.names]:
            raise BadDriftError(f"{layout.method} has no {', '.join(map(str, unknown))}")
        with self._lock:
            self._drifts[layout.method] = given

    def clear(self) -> None:
        """Back to the published elements."""
        with self._lock:
            self._drifts = {}

    def of(self, layout: Layout) -> Layout:
        """The layout as this site has it now."""
        drift = self._of(layout)
        renamed: Mapping[str, str] = drift.get("rename", {})
        kept = tuple(
            replace(element, name=renamed.get(element.name, element.name))
            for element in layout.elements
            if element.name not in drift.get("remove", [])
        )
        return replace(layout, elements=(*kept, *(Element(name, 20) for name in drift.get("add", []))))

    def published(self, layout: Layout, sent: Mapping[str, str]) -> dict[str, str]:
        """The sent values under the published names; what has none is lost, as nobody knows it."""
        drift = self._of(layout)
        original = {new: old for old, new in drift.get("rename", {}).items()}
        values = {original.get(name, name): value for name, value in sent.items()}
        removed = dict.fromkeys(drift.get("remove", []), "")
        return {name: value for name, value in (removed | values).items() if name in layout.names}

    def qualifies(self, layout: Layout) -> bool:
        """True if the elements are in the namespace now."""
        return bool(self._of(layout).get("qualified", False))

    def _of(self, layout: Layout) -> dict[str, Any]:
        with self._lock:
            return self._drifts.get(layout.method, {})
