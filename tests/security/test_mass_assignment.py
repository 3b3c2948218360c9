"""Fields that no form shows, posted along with every form: they change nothing."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.db.models import DateTimeField, Field, Model

from commitments.models import Commitment, ContractCompany, LineItem
from directory.models import Company, CompanyMembership, Project, ProjectMembership, User
from erp_integrations.models import (
    Connection,
    ConnectionCredentials,
    ConnectionState,
    ExportJob,
    JobLink,
    Submission,
    VendorLink,
)
from tests.rights import forms
from tests.rights.cells import cells_of
from tests.rights.fixtures import the_world
from tests.rights.table import ADMIN, OWN, TOOLS
from tests.rights.world import ADDRESSES, World, undone

__all__ = ["the_world"]

pytestmark = pytest.mark.django_db

PRODUCT = ("directory", "commitments", "erp_integrations", "notifications")
STORED: tuple[type[Model], ...] = (
    *(User, Company, CompanyMembership, Project, ProjectMembership, Commitment, LineItem, ContractCompany),
    *(Connection, ConnectionCredentials, ConnectionState, VendorLink, JobLink, Submission, ExportJob),
)
WITH_FORMS = [
    name
    for name in ADDRESSES
    if name in TOOLS
    or name in OWN
    or (
        name.startswith(tuple(f"admin:{model.replace('.', '_')}_" for model in ADMIN))
        and name.endswith(("_add", "_change"))
    )
]


def smuggled(world: World) -> dict[str, str]:
    """A value for every column of the product, under its name and as a line of the grid would name it."""
    values: dict[str, str] = {}
    for model in apps.get_models():
        if model._meta.app_label in PRODUCT:
            for field in model._meta.concrete_fields:
                values[field.name] = values[field.attname] = _value(field, world)
    return values | {f"lines-0-{name}": value for name, value in values.items() if name != "DELETE"}


def _value(field: "Field[Any, Any]", world: World) -> str:
    if field.is_relation and field.related_model is not None:
        row = world.theirs.rows.get(field.related_model._meta.label_lower)
        return str(row.pk) if row else "987654"
    if field.choices:
        return str(list(field.choices)[-1][0])
    return "on" if field.get_internal_type() == "BooleanField" else "987654"


def everything() -> list[str]:
    """The product's rows, but for keys and times, which differ from one request to the next."""
    rows = []
    for model in STORED:
        kept = [
            # A person who is made has another key each time.
            "user__email" if field.attname == "user_id" else field.attname
            for field in model._meta.concrete_fields
            if not field.primary_key
            and not isinstance(field, DateTimeField)
            and field.attname != "commitment_id"
        ]
        rows += [
            f"{model.__name__} {sorted(row.items(), key=str)}" for row in model._default_manager.values(*kept)
        ]
    # A password that nobody can use is another one each time.
    return sorted(re.sub(r"'![A-Za-z0-9]{40}'", "unusable", row) for row in rows)


@pytest.mark.parametrize("name", WITH_FORMS)
def test_what_a_form_does_not_show_can_not_be_posted_along(name: str, the_world: World) -> None:
    # Who does most there, but never a superuser, whose forms show everything.
    cells = [
        cell for cell in cells_of(name, the_world) if cell.method == "post" and cell.own and cell.happens
    ]
    cells = [cell for cell in cells if not cell.kind.superuser][-1:]
    for cell in cells:
        browser = the_world.browser(cell.kind)
        with undone():
            assert browser.post(cell.url, cell.data).status_code in cell.statuses
            expected = everything()
        with undone():
            shown = forms.names(browser.get(cell.url).body, cell.url)
            hidden = {name: value for name, value in smuggled(the_world).items() if name not in shown}
            answer = browser.post(cell.url, hidden | cell.data)
            assert answer.status_code in (*cell.statuses, 409, 422)
            assert answer.status_code not in cell.statuses or everything() == expected
