"""The list of events: nothing else can be recorded, which the types say, and each has its words."""

import re
from pathlib import Path

import pytest

from directory import history
from directory.history import descriptions
from directory.history.events import DirectoryEvent, Event, list_events
from directory.models import HistoryEntry
from erp_integrations.audit.history_search import EVENT_GROUPS, OTHER_PREFIXES
from tests.factories import CompanyFactory, PersonFactory

DOCS = Path(__file__).resolve().parents[2] / "docs" / "history.md"


def test_each_is_in_the_list_of_the_docs() -> None:
    """The values are in the histories of years, so that none may change or go."""
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| (.+) \|$", DOCS.read_text(), re.MULTILINE)
    assert rows == sorted((event.value, str(event.label)) for event in list_events())


def test_no_two_are_called_the_same() -> None:
    values = [event.value for event in list_events()]
    assert len(values) == len(set(values)) > 120
    labels = [str(event.label) for event in list_events()]
    # Read back, or reconciled, or looked up: the same words where it is the same to a person.
    assert len(labels) - len(set(labels)) <= 1


def test_each_is_in_one_group_of_the_history_page_or_told_to_no_company() -> None:
    starts = [*(start for _, group in EVENT_GROUPS.values() for start in group), *OTHER_PREFIXES]
    for event in list_events():
        assert sum(event.value.startswith(start) for start in starts) == 1, event


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
        event=DirectoryEvent.PRIVILEGE_GRANTED,
        subject=company,
        by=None,
        company=company,
        detail={"user": person.pk, "reason": "New colleague."},
    )
    told = descriptions.describe_entry(entry, descriptions.list_named_people([entry]))
    assert told.description == "Can Push to Accounting was granted to Ada Byron"
    assert told.message == "New colleague."


@pytest.mark.django_db
@pytest.mark.parametrize("event", list_events())
def test_every_event_is_told_even_with_nothing_in_its_detail(event: Event) -> None:
    assert descriptions.describe_entry(HistoryEntry(event=event, detail={}), {}).description
