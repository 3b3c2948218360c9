"""Pages of a list by the key of its rows, never by offset: what is added meanwhile shifts nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet, Subquery

PAGE_LENGTH = 50
LONGEST_SEARCH = 100
LONGEST_NAME = 200
LARGEST_KEY = 2**63 - 1

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the addresses of the pages beside; empty at an end of the list."""

    rows: list[Row]
    before_url: str
    after_url: str


def get_page(
    found: QuerySet[Row] | Callable[[bool, Any], list[Row]],
    parameters: Mapping[str, str],
    *,
    by: str = "pk",
    ascending: bool = False,
    length: int | None = None,
    kept: Mapping[str, str],
    **parts: Any,
) -> Page[Row]:
    """The page that ``after`` or ``before`` among an address's parameters names; the first one where that has
    no rows or is no key: a bookmark never breaks.

    The list is in the order of ``by``, ``pk`` or a name, which is unique in it. ``kept`` is what the
    addresses of the pages beside keep. ``found`` and the ``parts`` are for ``build_query``, or what it asks
    is prepared. One query, two where a bookmark is stale.
    """
    most = length or PAGE_LENGTH
    parse = parse_key if by == "pk" else parse_name
    after, before = (parse(parameters.get(name, "")) for name in ("after", "before"))
    backwards, key = (True, before) if after is None and before is not None else (False, after)
    upwards = ascending is not backwards
    if callable(found):
        taken = found(upwards, key)
    else:
        taken = list(build_query(found, upwards, key, by=by, length=most, **parts))
    if key is not None and not taken:
        return get_page(found, {}, by=by, ascending=ascending, length=length, kept=kept, **parts)
    more, rows = len(taken) > most, taken[:most]
    if backwards:
        rows.reverse()
    has_before, has_after = (more, True) if backwards else (key is not None, more)
    return Page(
        rows,
        before_url="?" + urlencode({**kept, "before": getattr(rows[0], by)}) if has_before else "",
        after_url="?" + urlencode({**kept, "after": getattr(rows[-1], by)}) if has_after else "",
    )


def build_query(
    found: QuerySet[Row],
    upwards: bool,
    key: Any,
    *,
    by: str = "pk",
    length: int = PAGE_LENGTH,
    read: QuerySet[Row] | None = None,
    owner: tuple[str, int] | None = None,
    also: QuerySet[Row] | None = None,
    column: str = "",
) -> QuerySet[Row]:
    """The rows beyond a key, or the first. One more than is shown says whether there is a next page.

    ``read`` says how the rows are read once they are found, so that its joins cost nothing for all the
    others. ``owner`` is a column and its value in all rows; for the first page asked as a range that begins
    the order, so that the newest of one are not sought among those of all. ``also`` are other rows of the
    same list, each found by its own index. ``column`` comes before the primary key in the order; its value at
    a key is read anew, and only of what ``read`` may show, also where that has left the list.
    """
    sign = "" if upwards else "-"
    if column and read is not None:
        orders = [f"{sign}{column}", f"{sign}pk"]
        if key is not None:
            side = "gt" if upwards else "lt"
            value = Subquery(read.filter(pk=key).values(column))
            found = found.filter(Q(**{f"{column}__{side}": value}) | Q(**{column: value, f"pk__{side}": key}))
        first = found.order_by(*orders)[: length + 1]
        return read.filter(pk__in=first.values("pk")).order_by(*orders)
    order, orders = f"{sign}{by}", [f"{sign}{by}"]
    beyond = {} if key is None else {f"{by}__{'gt' if upwards else 'lt'}": key}
    if owner and key is None:
        beyond = {f"{owner[0]}__gte": owner[1], f"{owner[0]}__lte": owner[1]}
        orders = [f"{sign}{owner[0]}", order]
    elif owner:
        beyond |= dict([owner])
    most = length + 1
    first = found.filter(**beyond).order_by(*orders)[:most]
    if also is not None:
        others = also.filter(**beyond).order_by(order)[:most]
        keys = first.values("pk").union(others.values("pk"))
        return also.model._default_manager.filter(pk__in=keys).order_by(order)[:most]
    return first if read is None else read.filter(pk__in=first.values("pk")).order_by(order)


def parse_key(text: str) -> int | None:
    """A primary key in an address; None where it is none."""
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(LARGEST_KEY)):
        return None
    return min(int(text), LARGEST_KEY)


def parse_name(text: str) -> str | None:
    """A name in an address, as PostgreSQL takes it; None where it is empty."""
    return text.replace("\0", "")[:LONGEST_NAME] or None


def parse_search(text: str) -> str:
    """A typed search as PostgreSQL takes it."""
    return " ".join(text.replace("\0", "").split())[:LONGEST_SEARCH]
