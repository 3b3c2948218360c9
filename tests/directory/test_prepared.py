"""Queries that are put into SQL once."""

import threading
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commitments.models import Commitment
from directory.db.prepared import (
    AnyOf,
    Parameter,
    PreparedQuery,
    PreparedUpdate,
    save_columns,
    store_row,
    store_rows,
    write_together,
)
from directory.models import CompanyMembership, HistoryEntry, Level, Project, ProjectMembership
from notifications.models import RefusedAddress
from tests.factories import (
    CommitmentFactory,
    CompanyFactory,
    MemberFactory,
    ProjectFactory,
    join_company,
    join_project,
)

pytestmark = pytest.mark.django_db(transaction=True)


def create_member() -> CompanyMembership:
    project = ProjectFactory()
    return join_company(MemberFactory(company=project.company), project.company)


@PreparedQuery
def list_members(company: Parameter, emails: Parameter) -> QuerySet[CompanyMembership]:
    on_projects = ProjectMembership.objects.filter(user=OuterRef("user"))
    members = CompanyMembership.objects.select_related("user", "company").filter(company=company)
    members = members.filter(AnyOf(F("user__email"), emails))
    return members.annotate(has_project=Exists(on_projects)).order_by("pk")


@PreparedQuery
def list_locked(company: Parameter) -> QuerySet[CompanyMembership]:
    return CompanyMembership.objects.filter(company=company).select_for_update(of=("self",))


def test_each_call_has_its_own_values_and_whole_rows() -> None:
    first, second = create_member(), create_member()
    join_project(second.user, second.company.projects.get(), Level.READ_ONLY)
    for member, has_project in ((first, False), (second, True), (first, False)):
        person, company = member.user, member.company
        with CaptureQueriesContext(connection) as captured:
            (found,) = list_members(company=company.pk, emails=[person.email, "nobody"])
            assert (found, found.user, found.company) == (member, person, company)
        assert vars(found)["has_project"] is has_project
        assert len(captured) == 1


def test_what_is_not_there_is_not_found() -> None:
    member = create_member()
    assert list_members(company=member.company_id, emails=[]) == []
    assert list_members(company=None, emails=[member.user.email]) == []
    assert list_members(company=create_member().company_id, emails=[member.user.email]) == []


def test_a_value_is_a_value_and_no_sql() -> None:
    member = create_member()
    assert list_members(company=member.company_id, emails=["'] OR TRUE --", "%s", "%(company)s"]) == []


def test_another_thread_uses_its_own_connection() -> None:
    member = create_member()
    list_members(company=member.company_id, emails=[member.user.email])
    found: list[CompanyMembership] = []

    def ask() -> None:
        found.extend(list_members(company=member.company_id, emails=[member.user.email]))
        assert connection.connection is not None  # this thread's
        connection.close()

    with transaction.atomic():
        CompanyMembership.objects.update(can_push_to_accounting=True)
        thread = threading.Thread(target=ask)  # which does not see what is not committed
        thread.start()
        thread.join()
    assert [each.can_push_to_accounting for each in found] == [False]


def test_a_lock_needs_a_transaction() -> None:
    member = create_member()
    with transaction.atomic():
        assert list_locked(company=member.company_id) == [member]
    with pytest.raises(transaction.TransactionManagementError):
        list_locked(company=member.company_id)


@PreparedUpdate
def set_level(company: Parameter, level: Parameter) -> tuple[QuerySet[Any], dict[str, object]]:
    rows = CompanyMembership.objects.filter(company=company, user__is_active=True)
    return rows, {"erp_integrations_level": level}


def test_an_update_changes_its_rows_and_counts_them() -> None:
    member, other = create_member(), create_member()
    assert set_level(company=member.company_id, level=Level.ADMIN) == 1
    assert set_level(company=other.company_id, level=Level.STANDARD) == 1
    assert set_level(company=-1, level=Level.NONE) == 0
    members = CompanyMembership.objects.order_by("pk").values_list("erp_integrations_level", flat=True)
    assert list(members) == [Level.ADMIN, Level.STANDARD]


def test_a_row_is_stored_with_each_calls_values() -> None:
    company = CompanyFactory()
    for name in ("Riverside", "'); DROP TABLE directory_project; --"):
        project = Project(company=company, name=name, number="24-001")
        store_row(project)
        assert not project._state.adding
        stored = Project.objects.get(pk=project.pk)
        assert (stored.company, stored.name, stored.number) == (company, name, "24-001")


def test_a_stored_row_has_what_the_database_itself_sets() -> None:
    given = {"event": "login", "subject_type": "directory.user", "subject_id": 1, "detail": {"50 %": [None]}}
    for entry in (HistoryEntry(**given), HistoryEntry(**given, at=Now() - timedelta(days=1))):
        store_row(entry)
        stored = HistoryEntry.objects.get(pk=entry.pk)
        assert (stored.at, stored.detail) == (entry.at, {"50 %": [None]})


def test_rows_are_stored_at_once_however_many_they_are() -> None:
    company = CompanyFactory()
    for names in (["Riverside"], ["'); DROP TABLE directory_project; --", "{NULL}", '50 %, "x"']):
        with CaptureQueriesContext(connection) as captured:
            store_rows([Project(company=company, name=name, number="24-001") for name in names])
        assert len(captured) == 1
        assert list(Project.objects.order_by("pk").values_list("name", flat=True))[-len(names) :] == names


def test_a_joined_row_that_is_not_there_is_none_and_what_was_not_read_is_read_when_asked() -> None:
    commitment = CommitmentFactory(contract_company=None, title="Roof")

    @PreparedQuery
    def list_commitments(pk: Parameter) -> QuerySet[Commitment]:
        rows = Commitment.objects.select_related("contract_company", "project__company")
        return rows.defer("title").filter(pk=pk)

    (found,) = list_commitments(pk=commitment.pk)
    assert (found.get_deferred_fields(), found._state.adding) == ({"title"}, False)
    with CaptureQueriesContext(connection) as captured:
        assert (found.contract_company, found.project.company) == (None, commitment.project.company)
    assert not captured.captured_queries
    assert found.title == "Roof"


def test_an_expression_is_that_of_the_call() -> None:
    for days in range(3):
        row = RefusedAddress(address=f"{days}@example.test", refused_at=Now() - timedelta(days=days))
        store_row(row)
        row.refresh_from_db()
        assert (timezone.now() - row.refused_at).days == days


def test_columns_are_saved_and_no_others() -> None:
    before, project, after = (ProjectFactory(name=name, number="24-001") for name in ("A", "Riverside", "B"))
    project.name, project.number = "'); DROP TABLE directory_project; --", "24-002"
    save_columns(project, "name")
    stored = Project.objects.get(pk=project.pk)
    assert (stored.name, stored.number) == (project.name, "24-001")
    assert [Project.objects.get(pk=each.pk).name for each in (before, after)] == ["A", "B"]
    stored.delete()
    with pytest.raises(DatabaseError):
        save_columns(project, "name")


def test_what_is_written_together_goes_at_once_in_its_order_and_not_at_all_after_an_error() -> None:
    project, company = ProjectFactory(name="A", number="24-001"), CompanyFactory()
    with CaptureQueriesContext(connection) as captured, write_together():
        for project.name in ("50 %", "');DROP TABLE directory_project;--"):
            save_columns(project, "name")
        assert not captured.captured_queries
        store_row(last := Project(company=company, name="B", number="24-002"))
        save_columns(last, "number")
        store_rows([Project(company=company, name="C", number="24-003")])
        rename = PreparedUpdate(lambda pk, name: (Project.objects.filter(pk=pk), {"name": name}))
        assert (rename(pk=last.pk, name="B"), rename(pk=0, name="B")) == (1, 0)
    assert [sql["sql"].count("; ") for sql in captured] == [2, 2, 0]
    assert Project.objects.get(pk=project.pk).name == project.name
    assert [*company.projects.order_by("name").values_list("name", flat=True)] == ["B", "C"]
    project.name = "lost"
    with suppress(ZeroDivisionError), write_together():
        save_columns(project, "name")
        1 / 0  # noqa: B018  # an error of Python's
    store_row(Project(company=company, name="D", number="24-004"))
    assert Project.objects.get(pk=project.pk).name != "lost"


def test_nothing_is_written_together_within_another() -> None:
    with write_together(), pytest.raises(AssertionError), write_together():
        pass
