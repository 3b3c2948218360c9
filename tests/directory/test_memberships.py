"""Granting and revoking, and what refuses it."""

import pytest

from directory.models import Company, CompanyMembership, HistoryEntry, Level, ProjectMembership, User
from directory.rights import memberships
from directory.rights.memberships import DirectoryError
from tests.factories import (
    ApproverFactory,
    CompanyFactory,
    PersonFactory,
    PrivilegeAdminFactory,
    ProjectFactory,
    ViewerFactory,
    join_company,
    join_project,
)

pytestmark = pytest.mark.django_db


def membership_of(person: User) -> CompanyMembership:
    return person.company_memberships.get()


@pytest.fixture
def admin() -> User:
    return PrivilegeAdminFactory()


@pytest.fixture
def viewer() -> CompanyMembership:
    return membership_of(ViewerFactory())


def test_granting_makes_an_approver_and_is_remembered(admin: User, viewer: CompanyMembership) -> None:
    memberships.grant_push_to_accounting(membership=viewer, by=admin, reason=" New controller. ")
    viewer.refresh_from_db()
    assert viewer.is_accounting_approver
    entry = HistoryEntry.objects.get(event="privilege.granted")
    assert (entry.by_id, entry.company_id) == (admin.pk, viewer.company_id)
    assert entry.detail == {
        "user": viewer.user_id,
        "privilege": "can_push_to_accounting",
        "reason": "New controller.",
    }


def test_revoking_ends_it_and_is_remembered(admin: User) -> None:
    approver = membership_of(ApproverFactory())
    memberships.revoke_push_to_accounting(membership=approver, by=admin, reason="Left accounting.")
    approver.refresh_from_db()
    assert not approver.is_accounting_approver
    assert HistoryEntry.objects.filter(event="privilege.revoked").count() == 1


def test_granting_twice_is_one_grant(admin: User, viewer: CompanyMembership) -> None:
    for _ in range(2):
        memberships.grant_push_to_accounting(membership=viewer, by=admin, reason="New controller.")
    assert HistoryEntry.objects.filter(event="privilege.granted").count() == 1


@pytest.mark.parametrize("reason", ["", "   "])
def test_no_reason_is_no_grant(admin: User, viewer: CompanyMembership, reason: str) -> None:
    with pytest.raises(DirectoryError, match="Give a reason"):
        memberships.grant_push_to_accounting(membership=viewer, by=admin, reason=reason)
    viewer.refresh_from_db()
    assert not viewer.can_push_to_accounting


def test_nobody_grants_it_to_themselves(admin: User) -> None:
    own = join_company(admin, CompanyFactory())
    with pytest.raises(DirectoryError, match="grant yourself"):
        memberships.grant_push_to_accounting(membership=own, by=admin, reason="I need it.")


def test_a_superuser_does_not_grant_it_to_themselves_either() -> None:
    root = User.objects.create_superuser("root@example.test", "a long password")
    with pytest.raises(DirectoryError, match="grant yourself"):
        memberships.grant_push_to_accounting(
            membership=join_company(root, CompanyFactory()), by=root, reason="So."
        )


def test_staff_without_the_permission_do_not_grant_it(viewer: CompanyMembership) -> None:
    with pytest.raises(DirectoryError, match="permission"):
        memberships.grant_push_to_accounting(membership=viewer, by=PersonFactory(is_staff=True), reason="So.")


def test_the_permission_is_nothing_without_being_staff(admin: User, viewer: CompanyMembership) -> None:
    User.objects.filter(pk=admin.pk).update(is_staff=False)
    with pytest.raises(DirectoryError, match="permission"):
        memberships.grant_push_to_accounting(
            membership=viewer, by=User.objects.get(pk=admin.pk), reason="So."
        )
    viewer.refresh_from_db()
    assert not viewer.can_push_to_accounting


def test_taking_a_person_out_ends_the_privilege_and_is_remembered(admin: User) -> None:
    approver = membership_of(ApproverFactory())
    memberships.delete_company_membership(membership=approver, by=admin)
    assert not CompanyMembership.objects.filter(pk=approver.pk).exists()
    assert HistoryEntry.objects.get(event="membership.removed").detail["held_push_to_accounting"] is True


def test_nobody_takes_themselves_out(admin: User) -> None:
    own = join_company(admin, CompanyFactory())
    with pytest.raises(DirectoryError, match="remove yourself"):
        memberships.delete_company_membership(membership=own, by=admin)


class TestOwnLevels:
    """Whoever gives rights has their own by another's hand, superuser or not."""

    @pytest.fixture(params=["staff", "superuser"])
    def person(self, request: pytest.FixtureRequest, admin: User) -> User:
        return admin if request.param == "staff" else User.objects.create_superuser("root@example.test")

    def test_nobody_changes_their_own_levels(self, person: User) -> None:
        own = join_company(person, CompanyFactory(), erp_integrations_level=Level.READ_ONLY)
        own.erp_integrations_level = Level.ADMIN
        with pytest.raises(DirectoryError, match="change your own levels"):
            memberships.save_levels(own, by=person)
        own.refresh_from_db()
        assert own.erp_integrations_level == Level.READ_ONLY

    def test_nobody_adds_themselves(self, person: User) -> None:
        for membership in (
            CompanyMembership(user=person, company=CompanyFactory(), directory_level=Level.ADMIN),
            ProjectMembership(user=person, project=ProjectFactory(), commitments_level=Level.ADMIN),
        ):
            with pytest.raises(DirectoryError, match="change your own levels"):
                memberships.save_levels(membership, by=person)
        assert not person.company_memberships.exists()
        assert not person.project_memberships.exists()

    def test_nobody_takes_themselves_out_of_a_project(self, person: User) -> None:
        own = join_project(person, ProjectFactory(), Level.STANDARD)
        with pytest.raises(DirectoryError, match="remove yourself"):
            memberships.delete_project_memberships(own, by=person)

    def test_a_new_membership_never_begins_with_the_privilege(self, person: User) -> None:
        membership = CompanyMembership(
            user=PersonFactory(), company=CompanyFactory(), can_push_to_accounting=True
        )
        memberships.save_levels(membership, by=person)
        membership.refresh_from_db()
        assert not membership.can_push_to_accounting

    def test_the_history_says_what_the_levels_were(self, person: User, viewer: CompanyMembership) -> None:
        viewer.erp_integrations_level = Level.ADMIN
        memberships.save_levels(viewer, by=person)
        assert HistoryEntry.objects.get(event="membership.changed").detail == {
            "user": viewer.user_id,
            "levels": {"erp_integrations_level": "admin"},
            "were": {"erp_integrations_level": "standard"},
        }


class TestOwnDecisionRule:
    @pytest.fixture
    def company(self) -> Company:
        return CompanyFactory()

    @pytest.fixture
    def root(self) -> User:
        return User.objects.create_superuser("root@example.test", "a long password")

    def test_a_company_is_freed_with_a_reason_that_is_kept(self, company: Company, root: User) -> None:
        memberships.set_company_rule(
            company=company, by=root, column="allows_own_decisions", value=True, reason="Two people in all."
        )
        company.refresh_from_db()
        assert company.allows_own_decisions
        assert HistoryEntry.objects.get(event="own_decision_rule.lifted").detail == {
            "reason": "Two people in all."
        }

    def test_no_reason_leaves_the_rule(self, company: Company, root: User) -> None:
        with pytest.raises(DirectoryError, match="Give a reason"):
            memberships.set_company_rule(
                company=company, by=root, column="allows_own_decisions", value=True, reason=" "
            )

    def test_it_takes_a_permission_of_its_own(self, company: Company, admin: User) -> None:
        with pytest.raises(DirectoryError, match="permission"):
            memberships.set_company_rule(
                company=company, by=admin, column="allows_own_decisions", value=True, reason="So."
            )
