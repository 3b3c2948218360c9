"""Who is mailed when the right to commit money changes: in the transaction of the change, and always."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from directory import history
from directory.history import descriptions
from directory.history.events import DirectoryEvent
from directory.models import Company, CompanyMembership, HistoryEntry, Level, ProjectMembership, User
from directory.rights import approver_review, approvers, memberships
from directory.rights.permissions import RightMissing
from erp_integrations.emails import rights_mails
from notifications.models import Kind, OutgoingEmail, Subscription
from tests.clients import signed_in
from tests.factories import (
    ApproverFactory,
    CompanyFactory,
    ErpAdminFactory,
    PersonFactory,
    PrivilegeAdminFactory,
    ProjectFactory,
    VendorLinkFactory,
    ViewerFactory,
    join_company,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> Company:
    return CompanyFactory(name="Keystone")


@pytest.fixture
def staff(company: Company) -> User:
    person: User = PrivilegeAdminFactory(last_name="Granter")
    join_company(person, company)
    return person


@pytest.fixture
def admin(company: Company) -> User:
    return ErpAdminFactory(company=company)


@pytest.fixture
def viewer(company: Company) -> CompanyMembership:
    return ViewerFactory(company=company, last_name="Viewer").company_memberships.get()


def told() -> set[str]:
    """The addresses of the mails about rights."""
    return set(OutgoingEmail.objects.filter(kind=Kind.RIGHTS).values_list("to_address", flat=True))


def test_a_grant_is_mailed_with_who_why_and_what_it_gives(
    staff: User, admin: User, viewer: CompanyMembership
) -> None:
    memberships.grant_push_to_accounting(membership=viewer, by=staff, reason="New controller.")
    mail = OutgoingEmail.objects.get(kind=Kind.RIGHTS)
    assert mail.to_address == admin.email
    assert mail.subject == "Can Push to Accounting granted to Robin Viewer at Keystone"
    for body in (mail.text_body, mail.html_body):
        assert "New controller." in body
        assert "Robin Granter" in body
        assert "may accept commitments for export" in body
        assert f"/companies/{viewer.company.slug}/erp-integrations/approvers/" in body


def test_a_grant_without_a_level_says_that_it_gives_nothing(staff: User, admin: User) -> None:
    company = admin.company_memberships.get().company
    membership = join_company(PersonFactory(), company)
    memberships.grant_push_to_accounting(membership=membership, by=staff, reason="Soon.")
    assert "no effect for" in OutgoingEmail.objects.get(kind=Kind.RIGHTS).text_body


def test_a_revocation_is_mailed(staff: User, admin: User, viewer: CompanyMembership) -> None:
    memberships.grant_push_to_accounting(membership=viewer, by=staff, reason="In.")
    memberships.revoke_push_to_accounting(membership=viewer, by=staff, reason="Out.")
    mail = OutgoingEmail.objects.filter(kind=Kind.RIGHTS).latest("pk")
    assert (mail.subject, "> Out." in mail.text_body) == (
        "Can Push to Accounting revoked from Robin Viewer at Keystone",
        True,
    )


def test_whose_privilege_it_is_hears_of_it_too(staff: User, viewer: CompanyMembership) -> None:
    ErpAdminFactory(company=viewer.company)
    memberships.grant_push_to_accounting(membership=viewer, by=staff, reason="New controller.")
    memberships.revoke_push_to_accounting(membership=viewer, by=staff, reason="Moved.")
    granted, revoked = OutgoingEmail.objects.filter(kind=Kind.PRIVILEGE).order_by("pk")
    assert granted.recipient == revoked.recipient == viewer.user
    assert "You may accept commitments for export" in granted.text_body
    assert "You can no longer decide on commitments." in revoked.html_body
    assert "> Moved." in revoked.text_body


def test_taking_out_whoever_holds_it_is_mailed_and_whoever_had_no_authority_is_not(
    staff: User, admin: User, company: Company
) -> None:
    memberships.delete_company_membership(membership=join_company(PersonFactory(), company), by=staff)
    assert not told()
    approver = ApproverFactory(company=company).company_memberships.get()
    memberships.delete_company_membership(membership=approver, by=staff)
    assert "was removed from the Company Directory" in OutgoingEmail.objects.get().text_body


def test_lifting_the_own_decision_rule_is_mailed(admin: User, company: Company) -> None:
    root = User.objects.create_superuser("root@example.test")
    memberships.set_company_rule(
        company=company, by=root, column="allows_own_decisions", value=True, reason="Two people in all."
    )
    memberships.set_company_rule(
        company=company, by=root, column="allows_own_decisions", value=False, reason="Three by now."
    )
    lifted, restored = OutgoingEmail.objects.order_by("pk")
    assert "may decide on their own commitments" in lifted.subject
    assert "Two people in all." in lifted.text_body
    assert "no longer decide" in restored.subject


def test_lifting_the_rule_on_two_steps_is_mailed(admin: User, company: Company) -> None:
    root = User.objects.create_superuser("root@example.test")
    memberships.set_company_rule(
        company=company, by=root, column="requires_two_step", value=True, reason="Phones for all."
    )
    memberships.set_company_rule(
        company=company, by=root, column="requires_two_step", value=False, reason="No phones on site."
    )
    required, lifted = OutgoingEmail.objects.order_by("pk")
    assert lifted.subject == "Approvers no longer need two-step verification at Keystone"
    assert "No phones on site." in lifted.text_body
    assert required.subject == "Approvers must use two-step verification at Keystone"


def test_a_level_that_gives_the_privilege_its_effect_is_mailed(
    staff: User, admin: User, company: Company
) -> None:
    membership = join_company(PersonFactory(last_name="Later"), company)
    memberships.grant_push_to_accounting(membership=membership, by=staff, reason="Soon.")
    granted = OutgoingEmail.objects.latest("pk").pk

    def change(**levels: str) -> None:
        for name, level in levels.items():
            setattr(membership, name, level)
        memberships.save_levels(membership, by=staff)

    change(directory_level=Level.READ_ONLY)
    assert OutgoingEmail.objects.latest("pk").pk == granted
    change(erp_integrations_level=Level.STANDARD)
    may = OutgoingEmail.objects.latest("pk")
    assert may.subject == "Robin Later may push to accounting at Keystone"
    assert "commitments may be accepted for export" in may.text_body
    change(erp_integrations_level=Level.READ_ONLY)
    assert "may not push to accounting" in OutgoingEmail.objects.latest("pk").subject


@pytest.mark.parametrize(
    ("tool", "before", "after", "is_told"),
    [
        ("erp_integrations_level", Level.STANDARD, Level.ADMIN, True),
        ("erp_integrations_level", Level.NONE, Level.STANDARD, True),
        ("erp_integrations_level", Level.ADMIN, Level.NONE, True),
        ("erp_integrations_level", Level.NONE, Level.READ_ONLY, False),
        ("directory_level", Level.NONE, Level.ADMIN, True),
        ("directory_level", Level.NONE, Level.STANDARD, False),
    ],
)
def test_a_level_is_mailed_that_gives_or_takes_authority(
    staff: User, admin: User, company: Company, tool: str, before: Level, after: Level, is_told: bool
) -> None:
    membership = join_company(PersonFactory(), company, **{tool: before})
    setattr(membership, tool, after)
    memberships.save_levels(membership, by=staff)
    assert told() == ({admin.email} if is_told else set())


def test_so_is_one_by_which_somebody_sends_and_the_mail_names_the_project(
    staff: User, admin: User, company: Company
) -> None:
    project = ProjectFactory(company=company, name="North Wing")
    person: User = PersonFactory(last_name="Sender")
    join_company(person, company)
    for level in (Level.STANDARD, Level.ADMIN):
        membership = ProjectMembership.objects.filter(user=person).first() or ProjectMembership(
            user=person, project=project
        )
        membership.commitments_level = level
        memberships.save_levels(membership, by=staff)
    mail = OutgoingEmail.objects.get()
    assert (mail.to_address, mail.subject) == (admin.email, "Levels of Robin Sender changed at Keystone")
    assert "Project: North Wing" in mail.text_body


class TestWhoIsTold:
    """Never whoever did it alone, and never whom it is about alone."""

    def test_not_the_administrator_who_grants(self, company: Company, viewer: CompanyMembership) -> None:
        granter: User = PrivilegeAdminFactory()
        join_company(granter, company, directory_level=Level.ADMIN)
        approver = ApproverFactory(company=company)
        memberships.grant_push_to_accounting(membership=viewer, by=granter, reason="New controller.")
        assert told() == {approver.email}

    def test_where_nobody_else_is_left_superusers_and_the_operator_are(
        self, staff: User, viewer: CompanyMembership, settings: Settings
    ) -> None:
        settings.OPERATOR_EMAIL = "operations@example.test"
        root = User.objects.create_superuser("root@example.test")
        memberships.grant_push_to_accounting(membership=viewer, by=staff, reason="New controller.")
        assert told() == {root.email, "operations@example.test"}
        assert OutgoingEmail.objects.get(recipient=None).to_address == "operations@example.test"

    def test_whom_it_makes_an_administrator_vouches_for_nothing(
        self, staff: User, viewer: CompanyMembership, settings: Settings
    ) -> None:
        settings.OPERATOR_EMAIL = "operations@example.test"
        viewer.erp_integrations_level = Level.ADMIN
        memberships.save_levels(viewer, by=staff)
        assert told() == {"operations@example.test"}

    def test_what_nobody_could_be_told_of_is_refused_with_the_way_out(
        self, staff: User, viewer: CompanyMembership, settings: Settings
    ) -> None:
        settings.OPERATOR_EMAIL = ""
        with pytest.raises(RightMissing, match=r"Nobody but you would be notified of this.*OPERATOR_EMAIL"):
            memberships.grant_push_to_accounting(membership=viewer, by=staff, reason="New controller.")
        viewer.refresh_from_db()
        assert not viewer.can_push_to_accounting

    def test_in_django_admin_too_and_the_refusal_is_in_the_history(
        self, staff: User, viewer: CompanyMembership, settings: Settings
    ) -> None:
        settings.OPERATOR_EMAIL = ""
        levels = {"erp_integrations_level": "admin", "directory_level": "none"}
        address = f"/admin/directory/companymembership/{viewer.pk}/change/"
        answer = signed_in(staff).post(address, levels)
        assert answer.status_code == 403
        assert "Nobody but you would be notified of this" in answer.content.decode()
        viewer.refresh_from_db()
        assert viewer.erp_integrations_level == Level.STANDARD
        assert HistoryEntry.objects.get(event="right.refused").by_id == staff.pk

    def test_what_only_takes_authority_away_is_never_refused(
        self, staff: User, company: Company, settings: Settings
    ) -> None:
        settings.OPERATOR_EMAIL = ""
        membership = ApproverFactory(company=company).company_memberships.get()
        memberships.revoke_push_to_accounting(membership=membership, by=staff, reason="Stolen phone.")
        membership.refresh_from_db()
        assert not membership.can_push_to_accounting

    def test_an_account_that_was_changed_suspends_and_says_who_can_grant_it_again(
        self, staff: User, admin: User, company: Company
    ) -> None:
        approver: User = ApproverFactory(company=company, last_name="Cash")
        memberships.suspend_push_to_accounting(person=approver, by=None, reason="Another address.")
        assert told() == {admin.email, approver.email}
        mail = OutgoingEmail.objects.get(to_address=admin.email)
        assert mail.subject == "Can Push to Accounting suspended for Robin Cash at Keystone"
        for said in ("Another address.", "Can grant it again: Robin Granter", "By: the system"):
            assert said in mail.text_body


class TestDjangoAdmin:
    """A change of somebody's permissions there is told to superusers, with its codes."""

    @pytest.fixture
    def root(self) -> User:
        return User.objects.create_superuser("root@example.test", "a long password")

    @pytest.fixture
    def other_root(self) -> User:
        return User.objects.create_superuser("other@example.test", "a long password")

    def test_permissions_groups_and_states_are_told_and_kept_with_their_codes(
        self, root: User, other_root: User
    ) -> None:
        person: User = PersonFactory(last_name="Clerk", is_staff=True)
        old, new = (Permission.objects.get(codename=code) for code in ("add_company", "change_user"))
        person.user_permissions.add(old)
        group = Group.objects.create(name="Clerks")
        posted = {"email": person.email, "first_name": "Robin", "last_name": "Clerk", "time_zone": "UTC"}
        posted |= {"summary_hour": "7", "is_active": "on", "is_superuser": "on"}
        chosen = {"groups": [str(group.pk)], "user_permissions": [str(new.pk)]}
        signed_in(root).post(f"/admin/directory/user/{person.pk}/change/", posted | chosen)
        assert HistoryEntry.objects.get(event="account.powers_changed").detail == {
            "given": ["directory.change_user", "group Clerks", "is_superuser"],
            "taken": ["directory.add_company", "is_staff"],
        }
        mail = OutgoingEmail.objects.get(kind=Kind.RIGHTS)
        assert (mail.to_address, mail.subject) == (
            other_root.email,
            "Permissions in Django admin changed: Robin Clerk",
        )
        assert "Given: directory.change_user, group Clerks, is_superuser" in mail.text_body

    def test_what_a_group_gives_is_told_too(self, root: User, other_root: User) -> None:
        group = Group.objects.create(name="Clerks")
        code = Permission.objects.get(codename="grant_push_to_accounting")
        address = f"/admin/auth/group/{group.pk}/"
        signed_in(root).post(f"{address}change/", {"name": "Clerks", "permissions": [str(code.pk)]})
        signed_in(root).post(f"{address}delete/", {"post": "yes"})
        given, taken = HistoryEntry.objects.filter(event="group.permissions_changed").order_by("pk")
        assert given.detail["given"] == taken.detail["taken"] == ["directory.grant_push_to_accounting"]
        assert told() == {other_root.email}

    def test_a_single_superuser_tells_the_operator(self, root: User, settings: Settings) -> None:
        settings.OPERATOR_EMAIL = "operations@example.test"
        group = Group.objects.create(name="Clerks")
        code = Permission.objects.get(codename="change_user")
        signed_in(root).post(
            f"/admin/auth/group/{group.pk}/change/", {"name": "Clerks", "permissions": [str(code.pk)]}
        )
        assert told() == {"operations@example.test"}

    @pytest.mark.parametrize("change", ["off", "address", "password"])
    def test_the_account_of_an_administrator_is_told_to_the_others(
        self, root: User, admin: User, company: Company, change: str
    ) -> None:
        other = ErpAdminFactory(company=company)
        elsewhere = ErpAdminFactory().company_memberships.get().company
        join_company(admin, elsewhere)  # of whom it knows nothing
        posted = {"email": admin.email, "first_name": "Robin", "last_name": "New", "time_zone": "UTC"}
        posted |= {"summary_hour": "7", "is_active": "on"}
        page = f"/admin/directory/user/{admin.pk}/change/"
        if change == "password":
            posted = {"usable_password": "true", "password1": "a new long one", "password2": "a new long one"}
            page = f"/admin/directory/user/{admin.pk}/password/"
        elif change == "address":
            posted["email"] = "thief@example.test"
        else:
            del posted["is_active"]
        signed_in(root).post(page, posted)
        assert told() == {other.email}
        assert "How an administrator signs in was changed" in OutgoingEmail.objects.get(kind="rights").subject

    def test_a_superuser_made_at_the_command_line_is_told(
        self, root: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "another correct horse")
        call_command("createsuperuser", email="new-root@example.test", interactive=False, verbosity=0)
        assert told() == {root.email}
        assert OutgoingEmail.objects.get().subject == "A superuser was created: new-root@example.test"


def test_whoever_turns_where_an_export_goes_is_told_of_in_the_words_of_the_history(
    admin: User, company: Company
) -> None:
    approver: User = ApproverFactory(company=company)
    link = VendorLinkFactory(
        connection__company=company, contract_company__company=company, contract_company__name="ACME"
    )
    signed_in(admin).post(
        f"/companies/{company.slug}/erp-integrations/vendors/{link.contract_company_id}/",
        {"connection": str(link.connection_id), "expected_code": link.vendor_code, "code": "V999"},
    )
    entry = HistoryEntry.objects.get(event="vendor_link.changed")
    mail = OutgoingEmail.objects.get(kind=Kind.RIGHTS)
    assert (mail.to_address, mail.subject) == (approver.email, "Vendor link changed: ACME at Keystone")
    assert descriptions.describe_entry(entry, {}).description in mail.text_body
    assert f"By: {admin}" in mail.text_body


def test_the_mail_is_undone_with_the_grant(staff: User, admin: User, viewer: CompanyMembership) -> None:
    with transaction.atomic():
        memberships.grant_push_to_accounting(membership=viewer, by=staff, reason="New controller.")
        assert told() == {admin.email}
        transaction.set_rollback(True)
    assert not told()


def test_every_administrator_of_the_company_is_told_and_nobody_else(
    staff: User, admin: User, company: Company, viewer: CompanyMembership
) -> None:
    directory_admin: User = PersonFactory()
    join_company(directory_admin, company, directory_level=Level.ADMIN)
    ErpAdminFactory(company=company, is_active=False)
    ErpAdminFactory()
    memberships.grant_push_to_accounting(membership=viewer, by=staff, reason="New controller.")
    assert told() == {admin.email, directory_admin.email}


def test_where_nobody_is_administrator_the_approvers_are_told(
    staff: User, company: Company, viewer: CompanyMembership
) -> None:
    approver: User = ApproverFactory(company=company)
    memberships.grant_push_to_accounting(membership=viewer, by=staff, reason="New controller.")
    assert approver.email in told()


def test_nobody_can_switch_it_off(admin: User) -> None:
    with pytest.raises(IntegrityError, match="some_mails_are_always_sent"):
        Subscription.objects.create(user=admin, kind=Kind.RIGHTS, wanted=False)


def test_whom_a_review_flags_is_told_to_those_who_can_revoke(
    staff: User, admin: User, company: Company, viewer: CompanyMembership, settings: Settings
) -> None:
    memberships.grant_push_to_accounting(membership=viewer, by=staff, reason="In.")
    OutgoingEmail.objects.all().delete()
    seen = approvers.build_approver_list(company).content_hash
    approver_review.record_approver_review(
        company=company, by=admin, expected_hash=seen, flagged=[viewer.user_id], reason="Moved to purchasing."
    )
    assert told() == {staff.email, settings.OPERATOR_EMAIL}
    mail = OutgoingEmail.objects.get(to_address=staff.email)
    assert "Moved to purchasing." in mail.text_body
    assert "Robin Viewer" in mail.text_body
    assert "/admin/directory/companymembership/?company__id__exact=" in mail.text_body


class TestReminder:
    def test_an_overdue_review_is_mailed_once(
        self, staff: User, admin: User, viewer: CompanyMembership
    ) -> None:
        memberships.grant_push_to_accounting(membership=viewer, by=staff, reason="In.")
        assert rights_mails.store_review_reminders() == 0
        with time_machine.travel(timezone.now() + timedelta(days=93), tick=False):
            assert rights_mails.store_review_reminders() == 1
            assert rights_mails.store_review_reminders() == 0
        mail = OutgoingEmail.objects.latest("pk")
        assert (mail.to_address, mail.subject) == (
            admin.email,
            "Confirm who may push to accounting at Keystone",
        )

    def test_the_next_quarter_is_mailed_again(
        self, staff: User, admin: User, viewer: CompanyMembership
    ) -> None:
        memberships.grant_push_to_accounting(membership=viewer, by=staff, reason="In.")
        with time_machine.travel(timezone.now() + timedelta(days=93), tick=False):
            assert rights_mails.store_review_reminders() == 1
            seen = approvers.build_approver_list(viewer.company).content_hash
        approver_review.record_approver_review(company=viewer.company, by=admin, expected_hash=seen)
        assert rights_mails.store_review_reminders() == 0
        with time_machine.travel(timezone.now() + timedelta(days=93), tick=False):
            assert rights_mails.store_review_reminders() == 1


def test_whose_account_may_be_in_other_hands_hears_of_what_is_done_with_it(
    staff: User, admin: User, viewer: CompanyMembership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator who chose the passwords of everybody else would leave nobody to be told."""
    memberships.grant_push_to_accounting(membership=viewer, by=staff, reason="New controller.")
    assert told() == {admin.email}  # and not whoever did it
    monkeypatch.setattr("getpass.getpass", lambda prompt="": "a long enough password")
    call_command("changepassword", staff.email, verbosity=0)
    memberships.revoke_push_to_accounting(membership=viewer, by=staff, reason="It was a mistake.")
    assert {admin.email, staff.email} <= told()
    OutgoingEmail.objects.all().delete()
    history.record(event=DirectoryEvent.PASSWORD_RESET, subject=staff, by=staff, company=None)
    memberships.grant_push_to_accounting(membership=viewer, by=staff, reason="It was none.")
    assert told() == {admin.email}


def test_a_second_step_of_an_account_in_other_hands_is_told_to_those_who_answer_for_it(
    staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = User.objects.create_superuser("root@keystone.example", "a long password")
    history.record(event=DirectoryEvent.TWO_STEP_TURNED_ON, subject=staff, by=staff, company=None)
    assert told() == set()  # their own business
    monkeypatch.setattr("getpass.getpass", lambda prompt="": "a long enough password")
    call_command("changepassword", staff.email, verbosity=0)
    OutgoingEmail.objects.all().delete()
    history.record(event=DirectoryEvent.TWO_STEP_TURNED_ON, subject=staff, by=staff, company=None)
    assert told() == {root.email, staff.email}
