"""How a commitment differs from how it was, in words: for its history, and for whoever decides or corrects.

Pure: lines are those of a commitment or of a snapshot.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format

from commitments.figures import format_decimal
from commitments.models import DETAILS, SIGNATURE, STATUSES, Commitment

MOST_TOLD = 200


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is otherwise; blank ``old`` or ``new``: there was or is none."""

    what: str
    old: str
    new: str
    is_line: bool = False
    """It is a whole line that was added or removed."""

    def __str__(self) -> str:
        if self.is_line:
            return f"{self.what} was {'removed' if self.old else 'added'}: {self.old or self.new}"
        return f"{self.what}: {self.old or 'blank'} to {self.new or 'blank'}"


def build_facts(of: Any, contract_company: str) -> dict[str, str]:
    """The header of a commitment or of a snapshot, as people read it."""
    return {
        "Number": of.number,
        "Title": of.title,
        "Contract Company": contract_company,
        "Status": str(STATUSES[of.kind](of.status).label),
        "Default Retainage": f"{format_decimal(of.default_retainage)} %",
        "Trade": of.trade,
        "Issue date": date_format(of.issue_date) if of.issue_date else "",
        "Description": of.description,
    }


def build_details(commitment: Commitment) -> dict[str, str]:
    """The part of the header that no snapshot has, as people read it."""
    values = {name: getattr(commitment, name) for name in (*SIGNATURE, *DETAILS[commitment.kind])}
    return {
        name.replace("_", " ").capitalize(): date_format(value)
        if isinstance(value, date)
        else {True: "Yes", False: "No"}.get(value, value or "")
        for name, value in values.items()
    }


def describe_changes(changes: Iterable[Change]) -> str:
    """A line of text for each, of so many as somebody reads."""
    sentences = [str(each) for each in changes]
    more = [f"And {len(sentences) - MOST_TOLD} more."] if len(sentences) > MOST_TOLD else []
    return "\n".join([*sentences[:MOST_TOLD], *more])


def list_changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Change]:
    """Of facts with the same names."""
    yield from (Change(what, before[what], new) for what, new in now.items() if before[what] != new)


def list_line_changes(before: Sequence[Any], now: Sequence[Any]) -> Iterator[Change]:
    """A line is the same by its identity; where one of the two has none, by cost code, cost type and billing
    item, and then by its place.
    """
    pairs = list(match_lines(before, now))
    for was, line in pairs:
        if was is None or line is None:
            facts = build_line_facts(was or line)
            said = ", ".join(filter(None, [facts["amount"], facts["description"]]))
            yield Change(describe_place(was or line), said if was else "", said if line else "", is_line=True)
            continue
        changes = list_changes(build_line_facts(was), build_line_facts(line))
        yield from (Change(f"{describe_place(line)}, {each.what}", each.old, each.new) for each in changes)
    places = [was.position for was, line in pairs if was and line]
    if places != sorted(places):
        old, new = (", ".join(map(str, each)) for each in (sorted(places), places))
        yield Change("Order of lines", old, new)


def list_file_changes(before: Iterable[Any], now: Iterable[Any]) -> Iterator[Change]:
    """A file is the same by its name and its content."""
    old, new = ({(each.name, each.sha256): describe_file(each) for each in files} for files in (before, now))
    yield from (Change(f"Attachment {key[0]}", "", new[key], is_line=True) for key in new if key not in old)
    yield from (Change(f"Attachment {key[0]}", old[key], "", is_line=True) for key in old if key not in new)


def describe_file(file: Any) -> str:
    return f"{filesizeformat(file.size)}, SHA-256 {file.sha256[:12]}".replace("\xa0", " ")


def match_lines(before: Sequence[Any], now: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """In the order of ``now``, then those that are gone."""
    left, new = list(before), list(now)
    keys: tuple[Any, ...] = (lambda line: line.line_id,)
    if not all(line.line_id for line in (*before, *now)):
        keys = (get_name, lambda line: line.position)
    found: dict[int, Any] = {}
    for key in keys:
        old_by_key, new_by_key = get_lines_by_key(left, key), get_lines_by_key(new, key)
        same = old_by_key.keys() & new_by_key.keys()
        found |= {id(new_by_key[each]): old_by_key[each] for each in same}
        taken = {id(old_by_key[each]) for each in same}
        left = [line for line in left if id(line) not in taken]
        new = [line for line in new if id(line) not in found]
    yield from ((found.get(id(line)), line) for line in now)
    yield from ((line, None) for line in left)


def get_lines_by_key(lines: Iterable[Any], key: Any) -> dict[tuple[Any, int], Any]:
    """By their key, and of several with one key by their order."""
    counts: Counter[Any] = Counter()
    numbered = {}
    for line in lines:
        counts[key(line)] += 1
        numbered[key(line), counts[key(line)]] = line
    return numbered


def get_name(line: Any) -> tuple[str, str, str]:
    facts = build_line_facts(line)
    return facts["cost code"], facts["cost type"], facts["billing item"]


def describe_place(line: Any) -> str:
    code = " ".join(filter(None, get_name(line)[:2]))
    return f"Line {line.position}{f' ({code})' if code else ''}"


def build_line_facts(line: Any) -> dict[str, str]:
    """As people read it. A cost code is an object in a commitment, and its code in a snapshot."""
    quantity = "" if line.quantity is None else format_decimal(line.quantity, grouped=True)
    return {
        "cost code": getattr(line.cost_code, "code", line.cost_code) or "",
        "cost type": getattr(line.cost_type, "code", line.cost_type) or "",
        "billing item": line.billing_item,
        "amount": "" if line.amount is None else f"{line.amount:,.2f}",
        "quantity": f"{quantity} {line.unit_of_measure}".strip(),
        "unit cost": "" if line.unit_cost is None else format_decimal(line.unit_cost, grouped=True),
        "description": line.description,
    }
