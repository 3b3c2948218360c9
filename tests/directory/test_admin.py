"""Django admin: where the privilege is granted, and what it lets nobody do."""

import pytest
from django.test import Client

from directory.models import Company, CompanyMembership, HistoryEntry, User
from tests.clients import signed_in
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    CompanyFactory,
    PersonFactory,
    PrivilegeAdminFactory,
    ProjectFactory,
    ReaderFactory,
    ViewerFactory,
    join_company,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return PrivilegeAdminFactory()


@pytest.fixture
def viewer() -> CompanyMembership:
    return ViewerFactory().company_memberships.get()


@pytest.fixture
def root() -> Client:
    return signed_in(User.objects.create_superuser("root@example.test", "a long password"))


def address(membership: CompanyMembership) -> str:
    return f"/admin/directory/companymembership/{membership.pk}/change/"


def form(membership: CompanyMembership, *, granted: bool, reason: str = "") -> dict[str, str]:
    posted = {
        "erp_integrations_level": membership.erp_integrations_level,
        "directory_level": membership.directory_level,
        "reason": reason,
    }
    return {**posted, "can_push_to_accounting": "on"} if granted else posted


class TestPrivilege:
    def test_it_is_a_plain_checkbox_with_a_reason(self, admin: User, viewer: CompanyMembership) -> None:
        page = signed_in(admin).get(address(viewer)).content.decode()
        assert 'type="checkbox" name="can_push_to_accounting"' in page
        assert 'name="reason"' in page

    def test_granting_with_a_reason(self, admin: User, viewer: CompanyMembership) -> None:
        answer = signed_in(admin).post(address(viewer), form(viewer, granted=True, reason="Controller."))
        assert answer.status_code == 302
        viewer.refresh_from_db()
        assert viewer.is_accounting_approver
        entry = HistoryEntry.objects.get(event="privilege.granted")
        assert (entry.by_id, entry.detail["reason"]) == (admin.pk, "Controller.")

    def test_revoking_with_a_reason(self, admin: User) -> None:
        approver = ApproverFactory().company_memberships.get()
        signed_in(admin).post(address(approver), form(approver, granted=False, reason="Left."))
        approver.refresh_from_db()
        assert not approver.can_push_to_accounting
        assert HistoryEntry.objects.filter(event="privilege.revoked").exists()

    def test_without_a_reason_nothing_changes(self, admin: User, viewer: CompanyMembership) -> None:
        page = signed_in(admin).post(address(viewer), form(viewer, granted=True, reason=" "))
        assert "Give a reason for granting or revoking" in page.content.decode()
        viewer.refresh_from_db()
        assert not viewer.can_push_to_accounting

    def test_a_level_changes_without_a_reason(self, admin: User, viewer: CompanyMembership) -> None:
        signed_in(admin).post(
            address(viewer), {**form(viewer, granted=False), "erp_integrations_level": "admin"}
        )
        viewer.refresh_from_db()
        assert viewer.erp_integrations_level == "admin"

    def test_ones_own_checkbox_is_not_offered_and_a_forged_one_is_ignored(self, admin: User) -> None:
        own = join_company(admin, CompanyFactory(), erp_integrations_level="standard")
        client = signed_in(admin)
        assert 'name="can_push_to_accounting"' not in client.get(address(own)).content.decode()
        client.post(address(own), form(own, granted=True, reason="I need it."))
        own.refresh_from_db()
        assert not own.can_push_to_accounting
        assert not HistoryEntry.objects.filter(event="privilege.granted").exists()

    def test_staff_without_the_permission_to_grant_may_only_change_levels(
        self, admin: User, viewer: CompanyMembership
    ) -> None:
        admin.user_permissions.remove(admin.user_permissions.get(codename="grant_push_to_accounting"))
        client = signed_in(User.objects.get(pk=admin.pk))
        assert 'name="can_push_to_accounting"' not in client.get(address(viewer)).content.decode()
        client.post(address(viewer), form(viewer, granted=True, reason="Forged."))
        viewer.refresh_from_db()
        assert not viewer.can_push_to_accounting

    def test_a_new_member_can_be_an_approver_at_once(self, admin: User) -> None:
        company, person = CompanyFactory(), PersonFactory()
        signed_in(admin).post(
            "/admin/directory/companymembership/add/",
            {
                "user": str(person.pk),
                "company": str(company.pk),
                "erp_integrations_level": "standard",
                "directory_level": "none",
                "can_push_to_accounting": "on",
                "reason": "Controller.",
            },
        )
        assert person.company_memberships.get().is_accounting_approver
        assert HistoryEntry.objects.filter(event="privilege.granted").count() == 1

    def test_who_is_meant_never_changes(self, admin: User, viewer: CompanyMembership) -> None:
        posted = form(viewer, granted=False) | {"user": str(admin.pk), "company": str(CompanyFactory().pk)}
        signed_in(admin).post(address(viewer), posted)
        assert (viewer.user_id, viewer.company_id) == CompanyMembership.objects.values_list(
            "user_id", "company_id"
        ).get(pk=viewer.pk)

    def test_deleting_a_membership_revokes_and_is_remembered(self, admin: User) -> None:
        approver = ApproverFactory().company_memberships.get()
        signed_in(admin).post(f"/admin/directory/companymembership/{approver.pk}/delete/", {"post": "yes"})
        assert not CompanyMembership.objects.filter(pk=approver.pk).exists()
        assert HistoryEntry.objects.get(event="membership.removed").detail["held_push_to_accounting"]

    def test_ones_own_membership_can_not_be_deleted(self, admin: User) -> None:
        own = join_company(admin, CompanyFactory())
        answer = signed_in(admin).post(
            f"/admin/directory/companymembership/{own.pk}/delete/", {"post": "yes"}
        )
        assert answer.status_code == 403
        assert CompanyMembership.objects.filter(pk=own.pk).exists()

    def test_the_page_tells_the_privileges_history(self, admin: User, viewer: CompanyMembership) -> None:
        client = signed_in(admin)
        client.post(address(viewer), form(viewer, granted=True, reason="Controller of the branch."))
        page = client.get(address(viewer)).content.decode()
        assert "Controller of the branch." in page
        assert str(admin) in page


class TestOwnDecisionRule:
    def test_lifting_it_takes_a_reason(self, root: Client) -> None:
        company = CompanyFactory()
        posted = {"name": company.name, "slug": company.slug, "currency": "USD", "allows_own_decisions": "on"}
        page = root.post(f"/admin/directory/company/{company.pk}/change/", posted)
        assert "Give a reason for changing the own-decision rule." in page.content.decode()
        root.post(f"/admin/directory/company/{company.pk}/change/", {**posted, "reason": "Two people."})
        assert Company.objects.get(pk=company.pk).allows_own_decisions
        assert HistoryEntry.objects.filter(event="own_decision_rule.lifted").count() == 1

    def test_a_new_company_is_bound_by_it(self, root: Client) -> None:
        posted = {
            "name": "New",
            "slug": "new",
            "currency": "USD",
            "allows_own_decisions": "on",
            "reason": "x",
        }
        root.post("/admin/directory/company/add/", posted)
        assert not Company.objects.get(slug="new").allows_own_decisions


class TestReadOnly:
    @pytest.mark.parametrize("path", ["directory/historyentry", "commitments/commitment"])
    def test_what_has_a_life_cycle_can_only_be_looked_at(self, root: Client, path: str) -> None:
        assert root.get(f"/admin/{path}/").status_code == 200
        assert root.get(f"/admin/{path}/add/").status_code == 403

    def test_a_commitment_is_shown_and_not_changed(self, root: Client) -> None:
        commitment = CommitmentFactory(title="Roofing")
        address = f"/admin/commitments/commitment/{commitment.pk}/change/"
        assert "Roofing" in root.get(address).content.decode()
        assert root.post(address, {"title": "Forged"}).status_code == 403

    def test_nobody_is_deleted(self, root: Client) -> None:
        person = PersonFactory()
        assert root.post(f"/admin/directory/user/{person.pk}/delete/", {"post": "yes"}).status_code == 403

    def test_a_project_stays_with_its_company(self, root: Client) -> None:
        project = ProjectFactory()
        posted = {"name": project.name, "number": "", "company": str(CompanyFactory().pk)}
        root.post(f"/admin/directory/project/{project.pk}/change/", posted)
        company_id = project.company_id
        project.refresh_from_db()
        assert project.company_id == company_id


def test_a_person_without_staff_status_does_not_get_in() -> None:
    answer = signed_in(ReaderFactory()).get("/admin/")
    assert answer.status_code == 302
