"""The rights matrix: every address × every kind of person × their own or another company × GET and POST.

The rows are in ``tests/rights/table.py``, the people in ``tests/rights/people.py``, and the addresses
come from the URL configuration. One world is made for all of it, and each cell is undone.
"""

from contextlib import nullcontext
from typing import Any

import pytest

from directory.models import HistoryEntry
from tests.rights import table, witness
from tests.rights.cells import Cell, cells_of, kind_of_row
from tests.rights.fixtures import the_world
from tests.rights.world import ADDRESSES, World, undone

__all__ = ["the_world"]

pytestmark = pytest.mark.django_db

FOREIGN = b"foreign"


def test_rights_matrix_has_a_row_for_every_address() -> None:
    assert [name for name in ADDRESSES if kind_of_row(name) is None] == []


def test_rights_matrix_has_no_row_without_an_address() -> None:
    assert [name for name in (*table.TOOLS, *table.OWN) if name not in ADDRESSES] == []
    models = (f"admin:{label.replace('.', '_')}_changelist" for label in table.ADMIN)
    assert [name for name in models if name not in ADDRESSES] == []


def test_rights_matrix_names_what_is_open_without_sign_in() -> None:
    assert {name for name, address in ADDRESSES.items() if address.is_open} == table.OPEN


@pytest.mark.parametrize("name", list(ADDRESSES))
def test_rights_matrix(name: str, the_world: World, record_property: Any) -> None:
    wrong = []
    cells = list(cells_of(name, the_world))
    for cell in cells:
        # A look that writes, and is not expected to, is a mistake, and so has nothing to undo.
        with undone() if cell.method == "post" or cell.event else nullcontext():
            if problem := what_is_wrong(cell, the_world):
                wrong.append(f"{cell}: {problem}")
    record_property("cells of the rights matrix", len(cells))
    record_property("addresses in the rights matrix", 1)
    assert not wrong, "\n".join(wrong)


def what_is_wrong(cell: Cell, the_world: World) -> str:
    """In words; nothing where the answer and its effect are as the table says."""
    browser = the_world.browser(cell.kind)
    with witness.watching() as seen:
        answer = getattr(browser, cell.method)(cell.url, cell.data)
    location = answer.headers.get("Location", "")
    if answer.status_code not in cell.statuses or not location.startswith(cell.leads_to):
        return f"{answer.status_code} {location}, not {cell.statuses} {cell.leads_to}"
    if cell.hides and FOREIGN in answer.body.lower():
        return "it names the other company"
    written = seen.tables - witness.ASIDE
    told = list(the_world.told_since()) if written else []
    me = the_world.people[cell.kind.name].pk if cell.kind.signs_in else None
    if cell.happens:
        if cell.event and (cell.event, me) not in told:
            return f"nothing happened: {told}"
        return "" if written else "nothing was written"
    refused = cell.method == "post" and answer.status_code == 403
    expected = [("right.refused", me)] if refused else [(cell.event, me)] if told and cell.event else []
    if told != expected:
        return f"the history says {told}"
    if written and (changed := witness.changed(the_world.before) - {HistoryEntry._meta.db_table}):
        return f"it changed {changed}"
    return ""
