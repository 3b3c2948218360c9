"""Companies, people and memberships: what the database refuses, and who sees what."""

from itertools import product

import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from directory.models import Company, CompanyMembership, Level, Project, User
from tests.factories import (
    ApproverFactory,
    CompanyFactory,
    ErpAdminFactory,
    MemberFactory,
    PersonFactory,
    ProjectFactory,
    ProjectPersonFactory,
    ReaderFactory,
    ViewerFactory,
    join_company,
)

pytestmark = pytest.mark.django_db


class TestPeople:
    def test_an_address_belongs_to_one_person_however_it_is_spelled(self) -> None:
        PersonFactory(email="dana@example.test")
        with pytest.raises(IntegrityError), transaction.atomic():
            PersonFactory(email="DANA@example.test")

    def test_a_person_is_called_by_name_or_else_by_address(self) -> None:
        assert str(PersonFactory(first_name="Dana", last_name="Lee")) == "Dana Lee"
        assert str(PersonFactory(first_name="", last_name="", email="x@example.test")) == "x@example.test"

    def test_an_address_signs_in_however_it_is_spelled(self) -> None:
        person = PersonFactory(email="dana@example.test")
        assert User.objects.get_by_natural_key("Dana@Example.Test") == person

    def test_a_person_without_a_password_can_not_sign_in_with_one(self) -> None:
        assert not User.objects.create_user("new@example.test").has_usable_password()

    def test_a_superuser_has_no_right_in_a_company(self) -> None:
        admin = User.objects.create_superuser("root@example.test", "a long password")
        CompanyFactory()
        assert admin.is_staff
        assert not Company.objects.visible_to(admin).exists()

    @pytest.mark.parametrize(("field", "value"), [("time_zone", "Mars/Olympus"), ("summary_hour", 24)])
    def test_a_day_has_24_hours_and_a_place_a_time_zone(self, field: str, value: object) -> None:
        person = PersonFactory()
        setattr(person, field, value)
        with pytest.raises(ValidationError) as refused:
            person.full_clean()
        assert field in refused.value.message_dict


class TestMemberships:
    def test_a_person_is_listed_once_in_a_company(self) -> None:
        company = CompanyFactory()
        person = MemberFactory(company=company)
        with pytest.raises(IntegrityError), transaction.atomic():
            CompanyMembership.objects.create(user=person, company=company)

    @pytest.mark.parametrize("column", ["erp_integrations_level", "directory_level"])
    def test_an_unknown_level_is_refused(self, column: str) -> None:
        company = CompanyFactory()
        with pytest.raises(IntegrityError, match="known_level"), transaction.atomic():
            join_company(PersonFactory(), company, **{column: "boss"})

    @pytest.mark.parametrize(
        ("level", "privilege", "active", "approver"),
        [
            (Level.NONE, True, True, False),
            (Level.READ_ONLY, True, True, False),
            (Level.STANDARD, True, True, True),
            (Level.ADMIN, True, True, True),
            (Level.STANDARD, False, True, False),
            (Level.ADMIN, False, True, False),
            (Level.STANDARD, True, False, False),
        ],
    )
    def test_an_approver_needs_level_privilege_and_account(
        self, level: Level, privilege: bool, active: bool, approver: bool
    ) -> None:
        company = CompanyFactory()
        person = MemberFactory(
            company=company, erp_integrations_level=level, can_push_to_accounting=privilege, is_active=active
        )
        assert person.company_memberships.get(company=company).is_accounting_approver is approver

    def test_of_one_and_of_many_it_is_the_same_rule(self) -> None:
        both, two_steps = (True, False), ((), ("recovery_codes",), ("totp", "recovery_codes"))
        for required, privilege, active, level, authenticators in product(both, both, both, Level, two_steps):
            person = MemberFactory(
                company=CompanyFactory(requires_two_step=required),
                erp_integrations_level=level,
                can_push_to_accounting=privilege,
                is_active=active,
            )
            for kind in authenticators:
                Authenticator.objects.create(user=person, type=kind, data={})
        every = list(CompanyMembership.objects.order_by("pk"))
        assert len(every) == 2 * 2 * 2 * 4 * 3
        approvers = [each for each in every if each.is_accounting_approver]
        deciders = [each for each in every if each.can_decide]
        assert list(CompanyMembership.objects.approvers().order_by("pk")) == approvers
        assert list(CompanyMembership.objects.deciders().order_by("pk")) == deciders
        assert (len(approvers), len(deciders)) == (2 * 2 * 3, 2 * 3 + 2)


class TestWhoSeesWhat:
    def test_a_company_is_seen_by_those_that_it_lists(self) -> None:
        company, other = CompanyFactory(), CompanyFactory()
        assert list(Company.objects.visible_to(MemberFactory(company=company))) == [company]
        assert other not in Company.objects.visible_to(MemberFactory(company=company))

    def test_the_erp_integrations_tool_is_seen_from_read_only_up(self) -> None:
        company = CompanyFactory()
        for person in (
            ViewerFactory(company=company),
            ErpAdminFactory(company=company),
            ApproverFactory(company=company),
        ):
            assert list(Company.objects.with_erp_integrations_for(person)) == [company]
        assert not Company.objects.with_erp_integrations_for(MemberFactory(company=company)).exists()

    @pytest.mark.parametrize("level", Level)
    def test_a_project_is_seen_from_read_only_up(self, level: Level) -> None:
        project = ProjectFactory()
        person = ProjectPersonFactory(project=project, level=level)
        assert Project.objects.visible_to(person).exists() is (level != Level.NONE)

    def test_a_project_level_ends_with_the_company_membership(self) -> None:
        project = ProjectFactory()
        person = ReaderFactory(project=project)
        person.company_memberships.all().delete()
        assert not Project.objects.visible_to(person).exists()
