"""The grid's rows say what is stored or was typed, whatever it is; saved unchanged they change nothing."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.figures import FigureField
from commitments.forms import LineForm
from commitments.models import Commitment
from directory.models import HistoryEntry
from tests.clients import signed_in
from tests.commitments.posting import entry, line
from tests.factories import CommitmentFactory, CreatorFactory, ProjectFactory

FIGURES = {name: each for name, each in LineForm.base_fields.items() if isinstance(each, FigureField)}


class Controls(HTMLParser):
    """What a browser would post of a page's form."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.posted: dict[str, str] = {}
        self.in_template = self.select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        name = found.get("name", "")
        if tag == "template":
            self.in_template = tag
        elif self.in_template:
            return
        elif tag == "select":
            self.select = name
            self.posted[name] = ""
        elif tag == "option" and "selected" in found:
            self.posted[self.select] = found.get("value", "")
        elif tag == "input" and name and found["type"] != "checkbox":
            self.posted[name] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self.in_template = ""


@pytest.mark.django_db
def test_whatever_is_typed_is_shown_again_and_never_markup() -> None:
    project = ProjectFactory()
    client = signed_in(CreatorFactory(project=project))
    evil = "</select><script>&\"'`>\n<b"
    names = ("cost_code", "billing_item", "description", "quantity", "unit_of_measure", "unit_cost", "amount")
    typed = line(**dict.fromkeys(names, evil), cost_type=evil)
    page = client.post(f"{project.get_absolute_url()}new/?kind=subcontract", entry(typed, line()))
    assert page.status_code == 422
    text = page.content.decode()
    assert "<script>&" not in text
    posted = Controls(text).posted
    assert {name: posted[f"lines-0-{name}"] for name in names} == dict.fromkeys(names, evil)
    assert posted["lines-TOTAL_FORMS"] == "2"


@pytest.mark.django_db
def test_what_is_saved_as_it_is_shown_changes_nothing() -> None:
    commitment = CommitmentFactory(lines=3)
    commitment.lines.update(quantity="12500.5", unit_cost="1234.567", amount="-15432087.50", description='"')
    client, address = signed_in(commitment.created_by), f"{commitment.get_absolute_url()}edit/"
    posted = Controls(client.get(address).content.decode()).posted
    assert [posted[f"lines-0-{name}"] for name in FIGURES] == ["12,500.5", "1,234.567", "-15,432,087.50"]
    posted |= {f"lines-1-{name}": posted[f"lines-1-{name}"].replace(",", "") for name in FIGURES}
    posted["status"] = commitment.status
    assert client.post(address, posted).status_code == 302
    assert Commitment.objects.get().version == commitment.version
    assert not HistoryEntry.objects.about(commitment).filter(event="commitment.changed").exists()


@given(st.sampled_from(list(FIGURES)), st.data())
def test_a_figure_is_read_as_it_is_shown(name: str, data: st.DataObject) -> None:
    field = FIGURES[name]
    limit = 10**field.whole - 1
    value = data.draw(st.decimals(-limit, limit, places=field.decimals))
    shown = field.prepare_value(value)
    for written in (shown, shown.replace(",", ""), f"$ {shown.lstrip('-')}-" if value < 0 else f"${shown}"):
        assert field.to_python(written) == value
    if value < 0:
        assert field.to_python(f"({shown[1:]})") == value
