"""Django admin: where the privilege is granted, and what it lets nobody do."""

import pytest
from django.contrib.admin import site as admin_site
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from directory import history
from directory.admin.scoped import CompanyScopedAdmin
from directory.history.events import DirectoryEvent
from directory.models import Company, CompanyMembership, HistoryEntry, Level, User
from erp_integrations.models import Attestation, CostTypeAccount, ExportJob
from tests.clients import signed_in
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    CompanyFactory,
    ExportJobFactory,
    PersonFactory,
    PrivilegeAdminFactory,
    ProjectFactory,
    ReaderFactory,
    ViewerFactory,
    join_company,
    join_project,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return PrivilegeAdminFactory()


@pytest.fixture
def company(admin: User) -> Company:
    """One that lists the admin."""
    company: Company = CompanyFactory()
    join_company(admin, company)
    return company


@pytest.fixture
def viewer(company: Company) -> CompanyMembership:
    return ViewerFactory(company=company).company_memberships.get()


@pytest.fixture
def approver(company: Company) -> CompanyMembership:
    return ApproverFactory(company=company).company_memberships.get()


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

    def test_revoking_with_a_reason(self, admin: User, approver: CompanyMembership) -> None:
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

    def test_a_level_of_an_approver_can_be_changed_without_the_permission_to_grant(
        self, admin: User, approver: CompanyMembership
    ) -> None:
        admin.user_permissions.remove(admin.user_permissions.get(codename="grant_push_to_accounting"))
        posted = form(approver, granted=True) | {"erp_integrations_level": "admin"}
        page = signed_in(User.objects.get(pk=admin.pk)).post(address(approver), posted, follow=True)
        assert "Can Push to Accounting was not changed" not in page.content.decode()
        approver.refresh_from_db()
        assert (approver.erp_integrations_level, approver.can_push_to_accounting) == ("admin", True)

    def test_a_new_member_can_be_an_approver_at_once(self, admin: User, company: Company) -> None:
        person = PersonFactory()
        history.record(event=DirectoryEvent.ACCOUNT_CREATED, subject=person, by=admin, company=None)
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

    @pytest.mark.parametrize("sent", ["//example.test", "9" * 400, "½", "-1", "None", ""])
    def test_what_is_no_choice_is_said_to_be_none(self, admin: User, company: Company, sent: str) -> None:
        posted = {"user": sent, "company": str(company.pk), "directory_level": "none"}
        page = signed_in(admin).post(
            "/admin/directory/companymembership/add/", {**posted, "erp_integrations_level": "standard"}
        )
        assert page.status_code == 200
        assert company.memberships.count() == 1

    @pytest.mark.parametrize("chosen", ["x", "½", "9" * 400, "\0"])
    def test_a_choice_that_is_not_in_the_list_is_refused(self, root: Client, chosen: str) -> None:
        posted = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
        page = root.post("/admin/directory/companymembership/", posted, follow=True)
        assert "The selected item is not in the list." in page.content.decode()

    @pytest.mark.parametrize("page", ["change", "delete"])
    def test_a_row_is_found_by_its_key_alone(
        self, root: Client, viewer: CompanyMembership, page: str
    ) -> None:
        address = f"/admin/directory/companymembership/{viewer.pk}/{page}/"
        assert root.get(address, {"_to_field": ""}).status_code == 200
        assert root.get(address, {"_to_field": "user"}).status_code == 400

    def test_who_is_meant_never_changes(self, admin: User, viewer: CompanyMembership) -> None:
        posted = form(viewer, granted=False) | {"user": str(admin.pk), "company": str(CompanyFactory().pk)}
        signed_in(admin).post(address(viewer), posted)
        assert (viewer.user_id, viewer.company_id) == CompanyMembership.objects.values_list(
            "user_id", "company_id"
        ).get(pk=viewer.pk)

    def test_deleting_a_membership_revokes_and_is_remembered(
        self, admin: User, approver: CompanyMembership
    ) -> None:
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


class TestOwnLevels:
    """Whoever may change memberships could else make themselves ERP Admin, or a project's sender."""

    @pytest.fixture(params=["staff", "superuser"])
    def person(self, request: pytest.FixtureRequest) -> User:
        if request.param == "superuser":
            return User.objects.create_superuser("other-root@example.test")
        staff: User = PersonFactory(is_staff=True)
        staff.user_permissions.set(Permission.objects.all())
        return staff

    def test_ones_own_levels_are_seen_and_not_changed(self, person: User, company: Company) -> None:
        own = join_company(person, company, erp_integrations_level=Level.READ_ONLY)
        client = signed_in(person)
        page = client.get(address(own))
        assert page.status_code == 200
        assert 'name="erp_integrations_level"' not in page.content.decode()
        forged = form(own, granted=False) | {"erp_integrations_level": "admin", "directory_level": "admin"}
        assert client.post(address(own), forged).status_code == 403
        own.refresh_from_db()
        assert (own.erp_integrations_level, own.directory_level) == (Level.READ_ONLY, Level.NONE)

    def test_ones_own_level_in_a_project_is_not_changed(self, person: User, company: Company) -> None:
        own = join_project(person, ProjectFactory(company=company), Level.READ_ONLY)
        change = f"/admin/directory/projectmembership/{own.pk}/change/"
        assert signed_in(person).post(change, {"commitments_level": "admin"}).status_code == 403
        delete = f"/admin/directory/projectmembership/{own.pk}/delete/"
        assert signed_in(person).post(delete, {"post": "yes"}).status_code == 403
        own.refresh_from_db()
        assert own.commitments_level == Level.READ_ONLY

    def test_nobody_adds_themselves_and_the_form_says_so(self, person: User, company: Company) -> None:
        if not person.is_superuser:
            join_company(person, company)
        added = {
            "companymembership": {
                "company": str(company.pk),
                "erp_integrations_level": "admin",
                "directory_level": "admin",
            },
            "projectmembership": {
                "project": str(ProjectFactory(company=company).pk),
                "commitments_level": "admin",
            },
        }
        for model, posted in added.items():
            page = signed_in(person).post(f"/admin/directory/{model}/add/", posted | {"user": str(person.pk)})
            assert "change your own levels" in page.content.decode()
        assert not person.company_memberships.exclude(erp_integrations_level=Level.NONE).exists()
        assert not person.project_memberships.exists()


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

    def test_staff_without_that_permission_change_the_rest(self, admin: User, company: Company) -> None:
        Company.objects.filter(pk=company.pk).update(allows_own_decisions=True)
        admin.user_permissions.set(Permission.objects.filter(codename="change_company"))
        posted = {"name": "Other", "slug": company.slug, "currency": "USD"}
        answer = signed_in(admin).post(f"/admin/directory/company/{company.pk}/change/", posted)
        assert answer.status_code == 302
        company.refresh_from_db()
        assert (company.name, company.allows_own_decisions) == ("Other", True)


class TestNewCompany:
    def test_its_first_administrator_is_invited_with_it(self, root: Client) -> None:
        posted = {"name": "New", "slug": "new", "currency": "USD", "email": "Dana@new.test"}
        add = "/admin/directory/company/add/"
        assert "Enter the name, too." in root.post(add, posted).content.decode()
        page = root.post(add, posted | {"administrator": "Dana Director"}, follow=True)
        member = CompanyMembership.objects.get(company__slug="new")
        assert (member.user.email, member.is_administrator) == ("dana@new.test", True)
        assert (member.erp_integrations_level, member.can_push_to_accounting) == (Level.ADMIN, False)
        assert HistoryEntry.objects.filter(event="account.invited", subject_id=member.user_id).exists()
        assert f"/connection/add/?company={member.company_id}" in page.content.decode()
        again = root.post(add, posted | {"slug": "other", "administrator": "Dana"}).content.decode()
        assert "They have an account" in again
        assert not Company.objects.filter(slug="other").exists()

    def test_staff_who_may_make_no_accounts_make_none_with_it(self, admin: User) -> None:
        admin.user_permissions.set(Permission.objects.filter(codename="add_company"))
        posted = {"name": "New", "slug": "new", "currency": "USD", "email": "dana@new.test"}
        signed_in(admin).post("/admin/directory/company/add/", posted | {"administrator": "Dana"})
        assert not CompanyMembership.objects.filter(company__slug="new").exists()
        assert not User.objects.filter(email="dana@new.test").exists()


class TestAccounts:
    """Whoever may change accounts gains no power by it, and leaves a trace."""

    @pytest.fixture
    def clerk(self, company: Company) -> User:
        person: User = PersonFactory(is_staff=True)
        person.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
        join_company(person, company)
        return person

    def posted(self, person: User, **changed: str) -> dict[str, str]:
        plain = {"email": person.email, "first_name": "Robin", "last_name": "New", "time_zone": "UTC"}
        return {**plain, "summary_hour": "7", "is_active": "on", **changed}

    def test_powers_are_given_by_a_superuser_alone(self, clerk: User, viewer: CompanyMembership) -> None:
        every = [str(permission.pk) for permission in Permission.objects.all()]
        forged = {
            **self.posted(viewer.user),
            "is_staff": "on",
            "is_superuser": "on",
            "user_permissions": every,
        }
        assert signed_in(clerk).post(account(viewer.user), forged).status_code == 302
        person = User.objects.get(pk=viewer.user_id)
        assert (person.last_name, person.is_staff, person.is_superuser) == ("New", False, False)
        assert not person.user_permissions.exists()

    def test_staff_are_changed_by_a_superuser_alone(
        self, clerk: User, company: Company, root: Client
    ) -> None:
        other, superuser = PersonFactory(is_staff=True), User.objects.get(is_superuser=True)
        for person in (other, superuser):
            join_company(person, company)
        password = {"usable_password": "true", "password1": "a new long one", "password2": "a new long one"}
        for person in (clerk, other, superuser):
            client = signed_in(clerk)
            assert client.post(account(person), self.posted(person)).status_code == 403
            assert client.post(account(person, "password"), password).status_code == 403
        assert root.post(account(other), self.posted(other)).status_code == 302

    def test_who_is_also_of_another_company_is_only_seen(
        self, clerk: User, viewer: CompanyMembership
    ) -> None:
        join_company(viewer.user, CompanyFactory())
        client = signed_in(clerk)
        assert client.get(account(viewer.user)).status_code == 200
        assert client.post(account(viewer.user), self.posted(viewer.user)).status_code == 403

    def test_what_was_changed_is_in_the_history(self, clerk: User, viewer: CompanyMembership) -> None:
        client = signed_in(clerk)
        client.post(account(viewer.user), self.posted(viewer.user, is_active=""))
        password = {"usable_password": "true", "password1": "a new long one", "password2": "a new long one"}
        client.post(account(viewer.user, "password"), password)
        changed, password_set = HistoryEntry.objects.about(viewer.user)
        assert (changed.event, changed.by_id, changed.detail["active"]) == (
            "account.changed",
            clerk.pk,
            False,
        )
        assert (password_set.event, password_set.by_id) == ("account.password_set", clerk.pk)


class TestOtherCompanies:
    """Staff who are no superuser act for the companies that list them."""

    def test_the_privilege_is_not_granted_elsewhere(self, admin: User, company: Company) -> None:
        stranger = ViewerFactory().company_memberships.get()
        client = signed_in(admin)
        client.post(address(stranger), form(stranger, granted=True, reason="Forged."))
        elsewhere = {"user": str(admin.pk), "company": str(stranger.company_id), "directory_level": "none"}
        page = client.post(
            "/admin/directory/companymembership/add/", {**elsewhere, "erp_integrations_level": "admin"}
        )
        assert "Choose somebody from your companies" in page.content.decode()
        stranger.refresh_from_db()
        assert not stranger.can_push_to_accounting
        assert stranger.company.memberships.count() == 1

    def test_nothing_of_another_company_is_listed_opened_or_offered(self, company: Company) -> None:
        staff: User = PersonFactory(is_staff=True)
        staff.user_permissions.set(Permission.objects.all())
        join_company(staff, company)
        job: ExportJob = ExportJobFactory(incomplete=True)
        stranger = job.submission.company
        Company.objects.filter(pk=stranger.pk).update(name="Stranger and Sons")
        call = job.calls.all()[0]
        entry = call.wire_attempts.create(attempt=1, payload_hash="0" * 64)
        Attestation.objects.create(call=call, is_there=True, read_back=True, by=job.submission.sent_by)
        client = signed_in(staff)
        for model, page in admin_site._registry.items():
            if model.__module__.split(".")[0] not in {"directory", "commitments", "erp_integrations"}:
                continue
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            html = client.get(reverse(f"{name}_changelist")).content.decode()
            assert "Stranger and Sons" not in html, name
            # A new page of settings says where a row's company stands: CompanyScopedAdmin.
            assert isinstance(page, CompanyScopedAdmin), name
            row = model._default_manager.exclude(pk__in=page.get_queryset(_request(staff))).first()
            assert row is not None or model is CostTypeAccount, name
            if row is not None:
                assert client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 302, name
        assert entry.pk

    def test_people_of_no_company_are_seen_and_changed_where_they_came_from(
        self, company: Company, root: Client
    ) -> None:
        clerk, elsewhere = (PersonFactory(is_staff=True) for _ in range(2))
        for person, place in ((clerk, company), (elsewhere, CompanyFactory())):
            person.user_permissions.set(Permission.objects.all())
            join_company(person, place)
        left = ViewerFactory(company=company)
        new = {"email": "new@example.test", "first_name": "New", "last_name": "Person"}
        signed_in(clerk).post("/admin/directory/user/add/", new)
        root.post("/admin/directory/user/add/", new | {"email": "roots@example.test"})
        membership = left.company_memberships.get()
        signed_in(clerk).post(f"/admin/directory/companymembership/{membership.pk}/delete/", {"post": "yes"})

        def unlisted(client: Client) -> set[str]:
            listed = client.get("/admin/directory/user/").content.decode()
            return {
                email for email in (left.email, "new@example.test", "roots@example.test") if email in listed
            }

        assert unlisted(signed_in(clerk)) == {left.email, "new@example.test"}
        assert unlisted(signed_in(elsewhere)) == set()
        assert unlisted(root) == {left.email, "new@example.test", "roots@example.test"}
        assert signed_in(clerk).get(account(left)).status_code == 200
        assert signed_in(elsewhere).get(account(left)).status_code == 302
        assert signed_in(elsewhere).get(account(left, "password")).status_code == 404


def _request(person: User) -> HttpRequest:
    request = HttpRequest()
    request.user = person
    return request


def account(person: User, what: str = "change") -> str:
    return f"/admin/directory/user/{person.pk}/{what}/"


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


class TestWhatStaffMayNotGiveThemselves:
    def test_a_group_is_changed_by_superusers_alone(self, root: Client) -> None:
        group = Group.objects.create(name="Clerks")
        clerk = PersonFactory(is_staff=True)
        clerk.groups.add(group)
        clerk.user_permissions.set(Permission.objects.all())
        url = f"/admin/auth/group/{group.pk}/change/"
        everything = [str(pk) for pk in Permission.objects.values_list("pk", flat=True)]
        answer = signed_in(clerk).post(url, {"name": "Clerks", "permissions": everything})
        assert answer.status_code == 403
        assert not group.permissions.exists()
        assert root.post(url, {"name": "Clerks", "permissions": everything[:1]}).status_code == 302

    def test_nobody_enters_an_address_for_another_person(self, root: Client) -> None:
        assert root.get("/admin/account/emailaddress/add/").status_code == 404

    def test_a_refused_change_is_remembered(self, viewer: CompanyMembership) -> None:
        clerk = PersonFactory(is_staff=True)
        assert signed_in(clerk).post(address(viewer), {"erp_integrations_level": "admin"}).status_code == 403
        entry = HistoryEntry.objects.get(event="right.refused")
        assert (entry.by_id, entry.company_id) == (clerk.pk, None)
        assert entry.detail == {"right": "administer", "address": address(viewer)}


def test_staff_are_told_nowhere_where_another_companys_rows_are(company: Company, root: Client) -> None:
    kind = ContentType.objects.get_for_model(Company).pk
    assert root.get(f"/admin/r/{kind}/{company.pk}/").status_code == 404
    page = root.get(f"/admin/directory/company/{company.pk}/change/").content.decode()
    assert f'href="{company.get_absolute_url()}"' in page
