"""History is written once."""

import pytest
from django.db import DatabaseError, connection, transaction

from directory import history
from directory.history.events import DirectoryEvent
from directory.models import HistoryEntry
from tests.clients import signed_in
from tests.factories import CompanyFactory, PersonFactory

pytestmark = pytest.mark.django_db

TABLE = HistoryEntry._meta.db_table


@pytest.fixture
def entry() -> HistoryEntry:
    company = CompanyFactory()
    return history.record(
        event=DirectoryEvent.COMPANY_CHANGED, subject=company, by=PersonFactory(), company=company
    )


def refused(statement: str) -> None:
    with pytest.raises(DatabaseError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert "permission denied" in str(error.value) or "append-only" in str(error.value)


def test_an_entry_says_who_did_what_to_what(entry: HistoryEntry) -> None:
    entry.refresh_from_db()
    assert (entry.event, entry.subject_type) == ("company.changed", "directory.company")
    assert entry.at is not None


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE {TABLE} SET event = 'x'",
        f"DELETE FROM {TABLE}",
        f"TRUNCATE {TABLE}",
    ],
)
@pytest.mark.usefixtures("entry")
def test_the_applications_role_can_not_change_it(statement: str) -> None:
    refused(statement)
    assert HistoryEntry.objects.filter(event="company.changed").count() == 1


@pytest.mark.usefixtures("entry")
def test_no_right_to_change_it_was_granted() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR pg_get_userbyid(relowner) = current_user FROM pg_class, pg_roles "
            "WHERE relname = %s AND rolname = current_user",
            [TABLE],
        )
        if cursor.fetchone() == (True,):
            pytest.skip("DATABASE_URL names the owner: only the trigger protects the table")
        cursor.execute(
            "SELECT has_table_privilege(%s, 'INSERT'), has_table_privilege(%s, 'UPDATE, DELETE, TRUNCATE')",
            [TABLE, TABLE],
        )
        assert cursor.fetchone() == (True, False)


def test_what_happened_to_several_things_comes_in_order() -> None:
    first, second = CompanyFactory(), CompanyFactory()
    for subject in (first, second, first):
        history.record(event=DirectoryEvent.COMPANY_CHANGED, subject=subject, by=None, company=None)
    told = HistoryEntry.objects.about(first, second)
    assert [entry.subject_id for entry in told] == [first.pk, second.pk, first.pk]


def test_nothing_happened_to_nothing() -> None:
    assert not HistoryEntry.objects.about().exists()


def test_a_refusal_is_remembered_once_a_minute_for_each_right() -> None:
    person, company = PersonFactory(), CompanyFactory()
    for right in ("send", "send", "push"):
        history.record_refusal(by=person, company=company, right=right, address="/x/" * 100)
    rights = (
        HistoryEntry.objects.filter(event="right.refused").order_by("pk").values_list("detail", flat=True)
    )
    assert [detail["right"] for detail in rights] == ["send", "push"]
    assert len(rights[0]["address"]) == 200


def test_a_refusal_at_an_address_that_the_database_can_not_hold_is_remembered_too() -> None:
    person = PersonFactory(is_staff=True)
    answer = signed_in(person).post("/admin/directory/company/a%00b%FF/delete/")
    assert answer.status_code == 403
    entry = HistoryEntry.objects.get(event="right.refused")
    assert entry.detail["address"] == "/admin/directory/company/a%00b%25FF/delete/"
