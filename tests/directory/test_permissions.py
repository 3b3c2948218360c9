"""The table of docs/product.md, section 2.2, written out."""

from collections.abc import Callable

import pytest

from directory.models import Company, Level, Project, User
from directory.rights import permissions
from directory.rights.permissions import RightMissing
from tests.factories import CompanyFactory, MemberFactory, ProjectFactory, ProjectPersonFactory

pytestmark = pytest.mark.django_db

NONE, READ, STANDARD, ADMIN = Level.NONE, Level.READ_ONLY, Level.STANDARD, Level.ADMIN

# (right, ERP Integrations level, Can Push to Accounting) -> allowed
COMPANY_TABLE = [
    ("see_erp_integrations", NONE, False, False),
    ("see_erp_integrations", NONE, True, False),
    ("see_erp_integrations", READ, False, True),
    ("see_erp_integrations", STANDARD, False, True),
    ("see_erp_integrations", ADMIN, False, True),
    ("push_to_accounting", NONE, True, False),
    ("push_to_accounting", READ, True, False),
    ("push_to_accounting", STANDARD, False, False),
    ("push_to_accounting", STANDARD, True, True),
    ("push_to_accounting", ADMIN, False, False),
    ("push_to_accounting", ADMIN, True, True),
    ("administer_erp_integrations", NONE, True, False),
    ("administer_erp_integrations", READ, True, False),
    ("administer_erp_integrations", STANDARD, True, False),
    ("administer_erp_integrations", ADMIN, False, True),
]

# (right, Commitments level) -> allowed
PROJECT_TABLE = [
    ("see_commitments", NONE, False),
    ("see_commitments", READ, True),
    ("see_commitments", STANDARD, True),
    ("see_commitments", ADMIN, True),
    ("create_commitments", NONE, False),
    ("create_commitments", READ, False),
    ("create_commitments", STANDARD, True),
    ("create_commitments", ADMIN, True),
    ("send_commitments", NONE, False),
    ("send_commitments", READ, False),
    ("send_commitments", STANDARD, False),
    ("send_commitments", ADMIN, True),
]

# (Commitments level, is it one's own) -> allowed
EDIT_TABLE = [
    (NONE, True, False),
    (READ, True, False),
    (STANDARD, True, True),
    (STANDARD, False, False),
    (ADMIN, True, True),
    (ADMIN, False, True),
]


def agree(right: str, allowed: bool, *arguments: object) -> None:
    """``can_`` answers as the table says, and ``require_`` raises exactly when it says no."""
    can: Callable[..., bool] = getattr(permissions, f"can_{right}")
    assert can(*arguments) is allowed
    if right == "see_commitments":  # without it there is no project, so nothing that could be refused
        return
    require: Callable[..., None] = getattr(permissions, f"require_{right}")
    if allowed:
        require(*arguments)
    else:
        with pytest.raises(RightMissing) as refused:
            require(*arguments)
        assert refused.value.sentence.endswith(".")


@pytest.mark.parametrize(("right", "level", "privilege", "allowed"), COMPANY_TABLE)
def test_rights_in_a_company(right: str, level: Level, privilege: bool, allowed: bool) -> None:
    company = CompanyFactory()
    person = MemberFactory(company=company, erp_integrations_level=level, can_push_to_accounting=privilege)
    agree(right, allowed, person, company)


@pytest.mark.parametrize(("right", "level", "allowed"), PROJECT_TABLE)
def test_rights_in_a_project(right: str, level: Level, allowed: bool) -> None:
    project = ProjectFactory()
    agree(right, allowed, ProjectPersonFactory(project=project, level=level), project)


@pytest.mark.parametrize(("level", "own", "allowed"), EDIT_TABLE)
def test_the_right_to_edit(level: Level, own: bool, allowed: bool) -> None:
    project = ProjectFactory()
    person = ProjectPersonFactory(project=project, level=level)
    agree("edit_commitment", allowed, person, project, person.pk if own else person.pk + 1)


def everything_in(person: User, company: Company, project: Project) -> list[bool]:
    return [
        permissions.can_see_erp_integrations(person, company),
        permissions.can_push_to_accounting(person, company),
        permissions.can_administer_erp_integrations(person, company),
        permissions.can_see_commitments(person, project),
        permissions.can_create_commitments(person, project),
        permissions.can_edit_commitment(person, project, person.pk),
        permissions.can_send_commitments(person, project),
    ]


def all_rights(project: Project, *, active: bool = True) -> User:
    person: User = ProjectPersonFactory(project=project, level=ADMIN, is_active=active)
    person.company_memberships.update(erp_integrations_level=ADMIN, can_push_to_accounting=True)
    return person


def test_all_rights_are_all_rights() -> None:
    project = ProjectFactory()
    assert all(everything_in(all_rights(project), project.company, project))


def test_rights_end_at_the_company() -> None:
    ours, theirs = ProjectFactory(), ProjectFactory()
    assert not any(everything_in(all_rights(theirs), ours.company, ours))


def test_rights_end_with_the_account() -> None:
    project = ProjectFactory()
    assert not any(everything_in(all_rights(project, active=False), project.company, project))


def test_a_project_level_is_for_that_project() -> None:
    project = ProjectFactory()
    neighbour = ProjectFactory(company=project.company)
    assert not permissions.can_see_commitments(all_rights(project), neighbour)


def test_a_superuser_has_no_right_in_the_tools() -> None:
    project = ProjectFactory()
    root = User.objects.create_superuser("root@example.test", "a long password")
    assert not any(everything_in(root, project.company, project))
