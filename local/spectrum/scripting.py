"""Reading a script of faults as a caller posts it: `{"faults": [{"kind": "slow", "seconds": 3}]}`."""

import math
from collections.abc import Mapping
from typing import Any

from local.spectrum.faults import KINDS, LONGEST_WAIT, OF_INFO_LINK, OF_THE_SITE, ScriptedFault
from local.spectrum.layouts import LAYOUTS

_DEFAULT_SECONDS = {
    "slow": 2.0,
    "hang_before_commit": 60.0,
    "late_commit": 5.0,
    "commit_then_hang": 60.0,
    "refuse_connection": 5.0,
    "read_back_lag": 5.0,
    "read_back_outage": 5.0,
}
_TEXTS = ("method", "key", "code", "column", "text")
_NUMBERS = ("on_call", "times", "probability", "seconds")
# What the element that drifted in is called when the script does not say.
_NEW_ELEMENT = "Tax_Group"


class BadFaultError(Exception):
    """A script names an unknown kind or holds a value that makes no sense."""


def read(given: object, *, has_info_link: bool) -> list[ScriptedFault]:
    """The faults of a document; all of them or none. Raises BadFaultError."""
    entries = given.get("faults") if isinstance(given, dict) else None
    if not isinstance(entries, list):
        raise BadFaultError('the document must be {"faults": [...]}')
    faults = [_fault(entry) for entry in entries]
    if not has_info_link and any(fault.kind in OF_INFO_LINK for fault in faults):
        raise BadFaultError("Info-Link has no file of its own here: start the simulator with --info-link")
    return faults


def _fault(entry: object) -> ScriptedFault:
    if not isinstance(entry, dict):
        raise BadFaultError("each fault must be an object")
    kind = entry.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise BadFaultError(f"kind must be one of {', '.join(KINDS)}")
    if unknown := set(entry) - {"kind", *_TEXTS, *_NUMBERS}:
        raise BadFaultError(f"a fault has no {', '.join(sorted(map(str, unknown)))}")
    # An optional value may be left out or null.
    given = {name: value for name, value in entry.items() if value is not None}
    for name in _TEXTS:
        if not isinstance(given.get(name, ""), str):
            raise BadFaultError(f"{name} must be text")
    _require_numbers(kind, given)
    if kind == "wsdl_drift":
        given.setdefault("column", _NEW_ELEMENT)
        if given.get("method", "") not in {"", *LAYOUTS}:
            raise BadFaultError(f"method must be one of {', '.join(LAYOUTS)}")
    if kind in {"injected_default", "person_edits"} and given.get("column") not in _COLUMNS:
        raise BadFaultError(f"{kind} needs a column that an element has, and its text")
    if kind == "person_recodes" and not given.get("text"):
        raise BadFaultError("person_recodes needs the new code as its text")
    return ScriptedFault(**given)


def _require_numbers(kind: str, given: dict[str, Any]) -> None:
    least = 0 if kind in OF_THE_SITE else 1
    for name, lowest in (("on_call", least), ("times", 1)):
        value = given.get(name, 1)
        if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
            raise BadFaultError(f"{name} must be a whole number from {lowest}")
    for name, highest, default in (
        ("seconds", LONGEST_WAIT, _DEFAULT_SECONDS.get(kind, 0.0)),
        ("probability", 1.0, 1.0),
    ):
        value = given.setdefault(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not _lies(value, highest):
            raise BadFaultError(f"{name} must be a number from 0 to {highest:.0f}")


def _lies(value: float, highest: float) -> bool:
    return math.isfinite(value) and 0 <= value <= highest


_COLUMNS: Mapping[str, None] = dict.fromkeys(name for layout in LAYOUTS.values() for name in layout.names)
