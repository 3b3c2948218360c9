"""A project's cost codes: listed, added by row, closed."""

import pytest
from django.test import Client

from commitments.models import CostCode
from directory.models import HistoryEntry, Project
from tests.clients import signed_in
from tests.factories import (
    CommitmentFactory,
    CostCodeFactory,
    CreatorFactory,
    LineItemFactory,
    ProjectAdminFactory,
    ProjectFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def admin(project: Project) -> Client:
    return signed_in(ProjectAdminFactory(project=project))


def address(project: Project) -> str:
    return f"/projects/{project.pk}/commitments/cost-codes/"


@pytest.mark.parametrize(
    "rows",
    [
        '03-30,"Walls, cast"\r\n\r\n05-10,Steel\r\n',
        "Code\tName\n03-30\tWalls, cast\n05-10\tSteel",
        'code,name\n03-30,"Walls, cast"\n05-10,Steel',
    ],
)
def test_rows_of_a_file_or_of_a_spreadsheet_are_added(project: Project, admin: Client, rows: str) -> None:
    assert admin.post(address(project), {"rows": rows}).status_code == 302
    assert list(project.cost_codes.values_list("code", "name")) == [
        ("03-30", "Walls, cast"),
        ("05-10", "Steel"),
    ]
    assert HistoryEntry.objects.filter(event="cost_code.created").count() == 2


def test_every_problem_is_named_by_row_and_nothing_is_added(project: Project, admin: Client) -> None:
    CostCodeFactory(project=project, code="Taken")
    long = "x" * 31
    rows = f"new,Fine\ntaken,Again\nalone\n,No code\n{long},Long\nNEW,Twice"
    answer = admin.post(address(project), {"rows": rows})
    assert (answer.status_code, project.cost_codes.count()) == (422, 1)
    assert answer.context["problems"] == [
        "Row 2: The project has the code taken already, or it is here twice.",
        "Row 3: It needs a code and a name; a name with a comma goes between quotation marks.",
        "Row 4: Cost code: It is missing.",
        "Row 5: Cost code: At most 30 characters fit; this has 31.",
        "Row 6: The project has the code NEW already, or it is here twice.",
    ]
    assert "taken,Again" in answer.content.decode()


@pytest.mark.parametrize(
    "rows", ["", "\n\n", "code,name", '"a,b', "\0", "1,a\n" * 5_001, "a,b\u202e", '"' * 300_000]
)
def test_what_is_no_row_is_refused_in_words(project: Project, admin: Client, rows: str) -> None:
    answer = admin.post(address(project), {"rows": rows})
    assert answer.status_code == 422
    assert answer.context["problems"]
    assert not project.cost_codes.exists()


def test_a_closed_one_is_offered_no_more_and_stays_on_its_line(project: Project, admin: Client) -> None:
    commitment = CommitmentFactory(project=project, lines=0)
    code = CostCodeFactory(project=project, code="03-30", name="Walls")
    LineItemFactory(commitment=commitment, cost_code=code)
    option = '<option value="03-30 Walls"'
    form = f"/projects/{project.pk}/commitments/new/"
    assert option in admin.get(form).content.decode()
    admin.post(address(project), {"close": str(code.pk)})
    assert option not in admin.get(form).content.decode()
    assert "03-30" in admin.get(f"/projects/{project.pk}/commitments/{commitment.pk}/edit/").content.decode()
    assert "Closed" in admin.get(f"{address(project)}?q=wall+03").content.decode()
    admin.post(address(project), {"open": str(code.pk)})
    assert option in admin.get(form).content.decode()
    assert HistoryEntry.objects.filter(event="cost_code.changed").count() == 2


def test_only_a_project_admin_changes_them_and_only_the_projects_own(project: Project, admin: Client) -> None:
    code = CostCodeFactory(project=project)
    creator = signed_in(CreatorFactory(project=project))
    assert "Add cost codes" not in creator.get(address(project)).content.decode()
    assert creator.post(address(project), {"rows": "1,a"}).status_code == 403
    assert creator.post(address(project), {"close": str(code.pk)}).status_code == 403
    assert admin.post(address(project), {"close": str(CostCodeFactory().pk)}).status_code == 404
    assert admin.post(address(project), {"close": "9" * 30}).status_code == 404
    assert CostCode.objects.filter(closed_at=None).count() == 2
