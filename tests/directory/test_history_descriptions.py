"""Every event that the code can write has its words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from directory import history
from directory.history import descriptions
from directory.models import HistoryEntry
from tests.factories import CompanyFactory, PersonFactory

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("commitments", "directory", "erp_integrations", "notifications")
EVENT = re.compile(r"[a-z_]+\.[a-z_]*[a-z]")
ADMIN_EVENTS = {f"{what}.{did}" for what in ("company", "project", "group") for did in ("created", "changed")}


def written() -> Iterator[str]:
    """The constants that are handed to whatever records: as `event`, or as the first or second argument."""
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call):
                    yield from events_of(node)


def events_of(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    values = [keyword.value for keyword in call.keywords if keyword.arg == "event"]
    if "record" in name:
        values += call.args[:3]
    for value in values:
        for part in ast.walk(value):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and EVENT.fullmatch(part.value):
                yield part.value


def test_every_event_that_is_written_has_words() -> None:
    found = set(written())
    assert {"privilege.granted", "submission.sent", "export.synced", "session.started"} <= found
    assert not {event for event in found | ADMIN_EVENTS if event not in descriptions.EVENTS}


def test_no_two_kinds_of_events_are_called_the_same() -> None:
    labels = [told.label for told in descriptions.EVENTS.values()]
    # Read back, or reconciled, or looked up: the same words where it is the same to a person.
    assert len(labels) - len(set(labels)) <= 1


@pytest.mark.django_db
def test_an_event_of_an_older_version_is_named_by_its_code() -> None:
    entry = HistoryEntry(event="thing.was_renamed", detail={"reason": "Old."})
    assert descriptions.describe_entry(entry, {}) == descriptions.EntryDescription(
        "", "Thing was renamed", ""
    )


@pytest.mark.django_db
def test_a_sentence_names_people_as_they_are_called_now() -> None:
    person, company = PersonFactory(first_name="Ada", last_name="Byron"), CompanyFactory()
    entry = history.record(
        event="privilege.granted",
        subject=company,
        by=None,
        company=company,
        detail={"user": person.pk, "reason": "New colleague."},
    )
    told = descriptions.describe_entry(entry, descriptions.list_named_people([entry]))
    assert told.description == "Can Push to Accounting was granted to Ada Byron"
    assert told.message == "New colleague."


@pytest.mark.django_db
@pytest.mark.parametrize("event", sorted(descriptions.EVENTS))
def test_every_event_is_told_even_with_nothing_in_its_detail(event: str) -> None:
    assert descriptions.describe_entry(HistoryEntry(event=event, detail={}), {}).description
