"""Companies, projects, and people with rights in them."""

from typing import Any

from django.contrib.auth.models import Permission
from factory.declarations import Sequence, SubFactory

from directory.history import signatures
from directory.models import Company, CompanyMembership, HistoryEntry, Level, Project, ProjectMembership, User
from directory.rights import approvers
from tests.factories.base import ModelFactory


class CompanyFactory(ModelFactory[Company]):
    """A contractor."""

    class Meta:
        model = Company

    name = Sequence(lambda number: f"Contractor {number}")
    slug = Sequence(lambda number: f"contractor-{number}")
    requires_two_step = False  # the rule has tests of its own


class ProjectFactory(ModelFactory[Project]):
    """One of its construction jobs."""

    class Meta:
        model = Project

    company = SubFactory(CompanyFactory)
    name = Sequence(lambda number: f"Project {number}")
    number = Sequence(lambda number: f"P-{number}")


class PersonFactory(ModelFactory[User]):
    """A person whom no company lists, with a time zone and an hour of their own."""

    class Meta:
        model = User

    has_own_time_zone = True
    has_own_summary_hour = True

    email = Sequence(lambda number: f"person-{number}@example.test")
    first_name = "Robin"
    last_name = Sequence(lambda number: f"Person{number}")


def join_company(user: User, company: Company, **rights: Any) -> CompanyMembership:
    """Enter a person in a Company Directory, or give one that is listed these rights, signed."""
    membership = CompanyMembership.objects.filter(user=user, company=company).first()
    if membership is None and user.has_own_time_zone and user.has_own_summary_hour:
        # As ``save`` does, but for the company's times, which are looked for in each test otherwise.
        (membership,) = CompanyMembership.objects.bulk_create(
            [CompanyMembership(user=user, company=company, **rights)]
        )
    elif membership is None or rights:
        membership, _ = CompanyMembership.objects.update_or_create(
            user=user, company=company, defaults=rights
        )
    if rights.get("can_push_to_accounting"):
        last = HistoryEntry.objects.order_by("-pk").values_list("pk", flat=True).first()
        membership.signed_grant = signatures.sign_statement(
            approvers.build_grant_statement(membership, entry_id=last or 0)
        )
        membership.save(update_fields=["signed_grant"])
    return membership


def join_project(user: User, project: Project, level: Level) -> ProjectMembership:
    """Give a person a level in a project's Commitments tool; the company lists them too."""
    join_company(user, project.company)
    (membership,) = ProjectMembership.objects.bulk_create(
        [ProjectMembership(user=user, project=project, commitments_level=level)],
        update_conflicts=True,
        unique_fields=["user", "project"],
        update_fields=["commitments_level"],
    )
    return membership


class MemberFactory(PersonFactory):
    """A person of ``company``, with the given rights on its tools."""

    company = SubFactory(CompanyFactory)
    erp_integrations_level: Level = Level.NONE
    can_push_to_accounting = False

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        company = kwargs.pop("company")
        rights = {name: kwargs.pop(name) for name in ("erp_integrations_level", "can_push_to_accounting")}
        user: User = super()._create(model_class, *args, **kwargs)
        join_company(user, company, **rights)
        return user


class ApproverFactory(MemberFactory):
    """An accounting approver: Standard, and Can Push to Accounting."""

    erp_integrations_level = Level.STANDARD
    can_push_to_accounting = True


class ViewerFactory(MemberFactory):
    """Standard on the ERP Integrations tool without the privilege: may look, may not decide."""

    erp_integrations_level = Level.STANDARD


class ErpAdminFactory(MemberFactory):
    """Admin on the ERP Integrations tool without the privilege: links and settings."""

    erp_integrations_level = Level.ADMIN


class ProjectPersonFactory(PersonFactory):
    """A person of ``project`` at ``level`` in its Commitments tool."""

    project = SubFactory(ProjectFactory)
    level: Level = Level.NONE

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        project, level = kwargs.pop("project"), kwargs.pop("level")
        user: User = super()._create(model_class, *args, **kwargs)
        join_project(user, project, level)
        return user


class ReaderFactory(ProjectPersonFactory):
    """Read Only on the Commitments tool."""

    level = Level.READ_ONLY


class CreatorFactory(ProjectPersonFactory):
    """Standard on the Commitments tool: writes commitments, and can't send them."""

    level = Level.STANDARD


class ProjectAdminFactory(ProjectPersonFactory):
    """Admin on the Commitments tool: sends to the ERP."""

    level = Level.ADMIN


class PrivilegeAdminFactory(PersonFactory):
    """Staff who may change memberships, and grant and revoke Can Push to Accounting."""

    is_staff = True

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        user: User = super()._create(model_class, *args, **kwargs)
        names = [
            "grant_push_to_accounting",
            *(f"{what}_companymembership" for what in ("add", "view", "change", "delete")),
        ]
        user.user_permissions.set(Permission.objects.filter(codename__in=names))
        return user
