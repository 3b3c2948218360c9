"""Another company's keys in every place of a request that can hold one: path, form and query.

That their own addresses answer 404 is the matrix's (``tests/test_addresses.py``). Here the address is
one's own, of a person with every right in their company, and only a part of what is sent is another's.
"""

import re
from typing import Any

import pytest

from directory.models import Draft, HistoryEntry
from tests.rights import forms, witness
from tests.rights.fixtures import the_world
from tests.rights.people import RIGHTS
from tests.rights.table import ADMIN, TOOLS
from tests.rights.world import ADDRESSES, Place, World, undone

__all__ = ["the_world"]

pytestmark = pytest.mark.django_db

WITH_AN_INNER_KEY = [
    name
    for name in TOOLS
    if name in ADDRESSES and len(ADDRESSES[name].parts - {"kind"}) > 1  # which is a word
]
MIGHTY = ("approving ERP admin", "approving sender", "approving project admin", "ERP admin")


@pytest.mark.parametrize("name", WITH_AN_INNER_KEY)
def test_another_companys_key_below_ones_own_address_is_not_found(name: str, the_world: World) -> None:
    situation = TOOLS[name].situation
    inner = re.findall(r"<\w+:(\w+)>", ADDRESSES[name].route)[-1]
    foreign = the_world.theirs.keys(situation)[inner]
    url = the_world.ours.address(name, situation, **{inner: foreign})
    for kind in MIGHTY:
        for method, right in (("get", TOOLS[name].see), ("post", TOOLS[name].do)):
            # Who holds the right that it takes learns no more than that it is not found.
            statuses = (405,) if right is None else (404,) if kind in RIGHTS[right] else (403, 404)
            with undone(), witness.watching() as seen:
                answer = getattr(the_world.browsers[kind], method)(url, TOOLS[name].entered)
                assert answer.status_code in statuses, f"{kind}, {method} {url}"
                assert b"foreign" not in answer.body.lower()
                assert seen.tables - witness.ASIDE <= {HistoryEntry._meta.db_table}


LINE = {"lines-0-amount": "1"}
# Of each form: who sends it, what they type, and the fields that name something.
FORMS: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "commitments:new": (
        *("approving project admin", {"number": "N-1", **LINE}),
        ("contract_company", "lines-0-cost_code", "lines-0-cost_type"),
    ),
    "commitments:edit": (
        *("approving project admin", {}),
        ("contract_company", "lines-0-cost_code", "lines-0-cost_type"),
    ),
    "erp_integrations:vendor": ("ERP admin", {"code": "V999"}, ("connection",)),
    "erp_integrations:job": ("ERP admin", {"code": "J999"}, ("connection",)),
    "erp_integrations:resolve": (
        *("approving ERP admin", {"attested": "part", "statement": "I looked."}),
        ("calls",),
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_another_companys_key_in_a_form_is_no_choice(name: str, the_world: World) -> None:
    kind, entered, fields = FORMS[name]
    browser, url = the_world.browsers[kind], the_world.ours.address(name, TOOLS[name].situation)
    typed = forms.entered(browser.get(url).body, url, entered) | entered
    for field in fields:
        with undone(), witness.watching() as seen:
            ours, theirs = (named(place, field) for place in (the_world.ours, the_world.theirs))
            answer = browser.post(url, typed | {field: theirs})
            assert answer.status_code == 422, field
            # The refused person's own words are kept for them.
            assert not seen.tables - witness.ASIDE - {Draft._meta.db_table}, field
        with undone():
            assert browser.post(url, typed | {field: ours}).status_code == 302, f"{field}: not even our own"


def named(place: Place, field: str) -> str:
    """The value that a person of that company would send in this field."""
    label = {
        "contract_company": "commitments.contractcompany",
        "lines-0-cost_code": "commitments.costcode",
        "lines-0-cost_type": "commitments.costtype",
        "connection": "erp_integrations.connection",
    }.get(field)
    if label is None:
        unknown: Any = place.situations["unknown"]
        call: Any = unknown.jobs.get().calls.order_by("position").first()
        return str(call.position if place.company.slug == "ours" else 900 + call.position)
    row = place.rows[label]
    return str(row) if field == "lines-0-cost_code" else str(row.pk)


@pytest.mark.parametrize(
    "query", ["connection={connection}", "after={submission}", "before={submission}", "q=works", "q=inc"]
)
@pytest.mark.parametrize("page", ["vendors", "jobs", "cost_codes", "commitments", "reconciliation"])
def test_another_companys_key_in_a_query_shows_nothing_of_it(page: str, query: str, the_world: World) -> None:
    theirs = the_world.theirs
    filled = query.format(
        connection=theirs.rows["erp_integrations.connection"].pk, submission=theirs.situations["awaiting"].pk
    )
    url = f"{the_world.ours.address(f'erp_integrations:{page}')}?view=all&{filled}"
    answer = the_world.browsers["approving ERP admin"].get(url)
    assert answer.status_code == 200
    assert b"foreign" not in answer.body.lower()


CHOICES = {
    "user": "directory.user",
    "company": "directory.company",
    "project": "directory.project",
    "connection": "erp_integrations.connection",
    "contract_company": "commitments.contractcompany",
    "cost_type": "commitments.costtype",
}
CHANGED = [label for label, model in ADMIN.items() if "change" in model.actions and not model.superusers]


@pytest.mark.parametrize("label", CHANGED)
def test_staff_choose_and_find_nothing_of_another_company(label: str, the_world: World) -> None:
    """The add form with every choice another company's is refused, and the search lists none."""
    administrator = the_world.browsers["administrator"]
    url = f"/admin/{label.replace('.', '/')}/add/"
    page = administrator.get(url)
    assert b"foreign" not in page.body.lower()
    typed: dict[str, Any] = forms.entered(page.body, url)
    typed |= {name: value for name, value in ADMIN[label].entered.items() if not value.startswith("@")}
    theirs = {name: str(the_world.theirs.rows[row].pk) for name, row in CHOICES.items() if name in typed}
    if theirs:
        with undone(), witness.watching() as seen:
            assert administrator.post(url, typed | theirs).status_code == 200
            assert not seen.tables - witness.ASIDE
    for field in ("user", "company", "project", "contract_company"):
        app, model = label.split(".")
        found = administrator.get(
            f"/admin/autocomplete/?app_label={app}&model_name={model}&field_name={field}&term=foreign"
        )
        assert found.status_code in (200, 403)
        assert b"foreign" not in found.body.lower()
