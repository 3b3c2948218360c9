"""A page travels compressed, without blank lines and indentation, and with every word as it was written."""

import gzip
import re

import pytest
from django.template import Context, Engine, Origin
from django.urls import reverse

from config.templates import Loader
from tests.clients import signed_in
from tests.factories import ApproverFactory, SubmissionFactory

pytestmark = pytest.mark.django_db

ADDRESS = "It\n\n\n  is {% if x %} here"


def test_a_page_travels_compressed_and_without_blank_lines() -> None:
    submission = SubmissionFactory()
    client = signed_in(ApproverFactory(company=submission.company))
    address = reverse("erp_integrations:commitments", args=[submission.company.slug])
    plain = client.get(address).content.decode()
    ours = re.sub(r"<select.*?</select>", "", plain, flags=re.DOTALL)  # Django writes that
    assert [line for line in ours.splitlines() if not line.strip()] == []
    answer = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert submission.number in gzip.decompress(answer.content).decode()


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("a\n{% if yes %}\n  b\n{% endif %}\nc\n", "a\nb\nc\n"),
        ("a\n  {% if no %}b{% endif %}\nc\n", "a\nc\n"),
        ("a\n  {% if yes %}b{% endif %}\nc\n", "a\nb\nc\n"),
        ("a {% if yes %}b{% endif %} c\n", "a b c\n"),
        ("{# about #}\n{% with x=text %}\n<textarea>{{ x }}</textarea>\n{% endwith %}\n", None),
    ],
)
def test_only_what_tags_leave_behind_goes(
    source: str, shown: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.template.loaders.filesystem.Loader.get_contents", lambda *_: source)
    engine = Engine()
    written = Loader(engine).get_contents(Origin("page.html"))
    context = Context({"yes": True, "no": False, "text": ADDRESS}, autoescape=False)
    expected = f"<textarea>{ADDRESS}</textarea>\n" if shown is None else shown
    assert engine.from_string(written).render(context) == expected


def test_a_mails_text_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "a\n{% if yes %}\nb\n{% endif %}\n"
    monkeypatch.setattr("django.template.loaders.filesystem.Loader.get_contents", lambda *_: source)
    assert Loader(Engine()).get_contents(Origin("mail.txt")) == source
