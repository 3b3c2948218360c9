"""Statements that a session keeps with their plans."""

from collections.abc import Iterator

import pytest
from django.db import NotSupportedError, connection, transaction
from django.db.models import Count, F, Q, QuerySet, Sum
from django.test.utils import CaptureQueriesContext

from directory.db.plans import KeptStatement, PlanKeepingCursor
from directory.db.prepared import AnyOf, Parameter, PreparedAggregate, PreparedQuery
from directory.models import Project
from tests.factories import CompanyFactory, ProjectFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def new_session() -> Iterator[None]:
    connection.close()
    yield
    connection.close()


@PreparedQuery
def list_projects(company: Parameter, names: Parameter) -> QuerySet[Project]:
    # A sign of SQL's own patterns, and of the places of values.
    return Project.objects.filter(AnyOf(F("name"), names), company=company).exclude(number="100%")


def count_kept() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        return int(cursor.fetchone()[0])


def test_a_session_prepares_a_statement_once_and_each_call_has_its_own_values() -> None:
    first, second = ProjectFactory(name="it's 5 %"), ProjectFactory(name="B")
    ProjectFactory(company=first.company, name="nobody's", number="100%")
    for project in (first, second, first) * 3:  # PostgreSQL plans for any values from the sixth on
        names = [project.name, "nobody's"]
        with CaptureQueriesContext(connection) as captured:
            assert list_projects(company=project.company_id, names=names) == [project]
        assert [each["sql"].split()[0] for each in captured] == ["SELECT"], "as it was written"
        assert "nobody''s" in captured[0]["sql"]
    assert list_projects(company=first.company_id, names=[]) == []
    assert count_kept() == 1
    connection.close()
    assert list_projects(company=second.company_id, names=["B"]) == [second]
    assert count_kept() == 1


def test_a_number_that_no_column_holds_is_not_found() -> None:
    assert list_projects(company=10**30, names=["A"]) == []
    assert list_projects(company=-(2**63) - 1, names=["A"]) == []


def alter_name(length: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE own_words ALTER word TYPE varchar({length})")


def test_a_column_that_got_another_type_is_read_all_the_same() -> None:
    statement = KeptStatement("SELECT word FROM own_words WHERE word = %s OR word = %s", [1])

    def ask() -> object:
        with connection.cursor() as cursor:
            cursor.execute(statement, ["none", "a"])
            return cursor.fetchone()

    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE own_words AS SELECT 'a'::varchar(5) AS word")
    for length in range(5, 10):
        assert ask() == ("a",)
        alter_name(length + 1)
    assert ask() == ("a",)
    alter_name(20)
    with pytest.raises(NotSupportedError), transaction.atomic():
        ask()
    with transaction.atomic():
        assert ask() == ("a",), "a lost transaction is not lost again"


@PreparedAggregate
def count_projects(company: Parameter, most: Parameter) -> tuple[QuerySet[Project], dict[str, object]]:
    rows = Project.objects.filter(company=company, pk__lte=most)[:2]
    return rows, {"count": Count("pk"), "sum": Sum("pk", filter=Q(name="A"))}


def test_figures_are_those_of_each_call() -> None:
    company, other = CompanyFactory(), CompanyFactory()
    first = ProjectFactory(company=company, name="A")
    last = [ProjectFactory(company=company, name=name) for name in "BCD"][-1]
    with CaptureQueriesContext(connection) as captured:
        assert count_projects(company=company.pk, most=first.pk) == {"count": 1, "sum": first.pk}
        assert count_projects(company=company.pk, most=last.pk)["count"] == 2, "of as many as are counted"
        assert count_projects(company=other.pk, most=last.pk) == {"count": 0, "sum": None}
    assert len(captured) == 3
    with connection.cursor() as cursor:
        assert isinstance(cursor.cursor, PlanKeepingCursor)
