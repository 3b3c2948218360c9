"""Hostile text in every column that holds text: each page shows it as text."""

from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, transaction
from django.db.models import CharField, EmailField, F, Model, SlugField, TextField, Value
from django.db.models.functions import Concat
from lxml import html

from erp_integrations.models.secrets import EncryptedTextField
from tests.rights.cells import cells_of
from tests.rights.fixtures import the_world
from tests.rights.world import ADDRESSES, World, undone

__all__ = ["the_world"]

pytestmark = pytest.mark.django_db

HOSTILE = "\"'><xss onload=x()>{{7*7}}"
# Names of things, of which another value is an error and no text.
NO_TEXT = ("password", "time_zone", "server", "_hash", "_path", "session_key")
PRODUCT = ("directory", "commitments", "erp_integrations", "notifications")
ADDRESS_ATTRIBUTES = (
    "href",
    "src",
    "action",
    "formaction",
    "hx-get",
    "hx-post",
    "data",
    "poster",
    "xlink:href",
)
HARMLESS = ("/", "?", "#", "http://testserver/", "mailto:", "data:image/")


def poison() -> list[str]:
    """Write it into every column that takes it, as far as it fits; the columns that took it."""
    poisoned = []
    for model in apps.get_models():
        if model._meta.app_label not in PRODUCT or model._meta.model_name == "historyentry":
            continue
        for field in model._meta.concrete_fields:
            holds_text = isinstance(field, CharField | TextField) and not field.choices
            if not holds_text or isinstance(field, EmailField | SlugField | EncryptedTextField):
                continue
            if not field.name.endswith(NO_TEXT) and _takes(model, field):
                poisoned.append(f"{model._meta.label}.{field.name}")
    return poisoned


def _takes(model: type[Model], field: Any) -> bool:
    room = field.max_length or 500
    text = HOSTILE[:room]
    tries: list[Any] = [Value(text)]
    if room > len(HOSTILE) + 8:
        tries.insert(0, Concat(Value(HOSTILE), F("pk"), output_field=TextField()))  # unique columns
    for value in tries:
        try:
            with transaction.atomic():
                return bool(model._default_manager.update(**{field.name: value}))
        except DatabaseError:
            continue
    return False


@pytest.fixture(scope="module")
def poisoned_world(the_world: World) -> World:
    columns = poison()
    for column in (
        "directory.Company.name",
        "commitments.Commitment.title",
        "erp_integrations.ExportJob.problem",
    ):
        assert column in columns
    assert len(columns) > 40, columns
    return the_world


@pytest.mark.parametrize("name", list(ADDRESSES))
def test_stored_text_stays_text(name: str, poisoned_world: World) -> None:
    for cell in looks(name, poisoned_world):
        with undone():
            answer = poisoned_world.browser(cell.kind).get(cell.url)
        if answer.body.strip() and "html" in answer.headers.get("Content-Type", ""):
            harmless(answer.body, cell.url)


def looks(name: str, world: World) -> list[Any]:
    """One look of each company's tool by the two who see most; the superuser's in Django admin."""
    kinds = ("superuser",) if name.startswith("admin") else ("approving ERP admin", "approving project admin")
    cells = [cell for cell in cells_of(name, world) if cell.method == "get" and cell.own]
    return [cell for cell in cells if cell.kind.name in kinds]


def harmless(body: bytes, url: str) -> None:
    """No element and no attribute of ours came from stored text, and no address leads out or runs."""
    assert b"<xss" not in body.lower(), url
    document: Any = html.document_fromstring(body)
    for element in document.iter():
        if not isinstance(element.tag, str):
            continue
        assert element.tag != "xss", url
        assert element.tag != "script" or element.get("src"), f"{url}: an inline script"
        assert element.tag != "style", f"{url}: an inline style"
        for attribute, value in element.attrib.items():
            assert not attribute.startswith("on"), f"{url}: {attribute}"
            assert attribute != "style", f"{url}: {element.tag} style={value}"
            if attribute in ADDRESS_ATTRIBUTES:
                assert value == "" or value.startswith(HARMLESS) or ":" not in value, (
                    f"{url}: {attribute}={value}"
                )
