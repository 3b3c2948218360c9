"""An account that came into other hands is no approver's any more, until the privilege is granted again."""

import re
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from directory.accounts import password_links
from directory.models import Company, CompanyMembership, HistoryEntry, User
from directory.privacy import personal_data
from directory.rights import memberships
from directory.rights.memberships import DirectoryError
from tests.clients import signed_in
from tests.directory.signing_in import PASSWORD, code_for, sign_in, turn_on_two_step
from tests.factories import (
    ApproverFactory,
    CompanyFactory,
    PersonFactory,
    PrivilegeAdminFactory,
    join_company,
)

pytestmark = pytest.mark.django_db

NEW = "another correct horse"
SETUP = "/accounts/two-step/totp/activate/"


@pytest.fixture
def company() -> Company:
    return CompanyFactory(requires_two_step=True)


@pytest.fixture
def approver(company: Company) -> User:
    """One who was invited, and holds the privilege in two companies."""
    person: User = ApproverFactory(company=company, email="dana@example.test", last_name="Approver")
    join_company(person, CompanyFactory(), erp_integrations_level="standard", can_push_to_accounting=True)
    return person


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root@example.test", "a long password")


def account(person: User, what: str = "change") -> str:
    return f"/admin/directory/user/{person.pk}/{what}/"


def posted(person: User, **changed: str) -> dict[str, str]:
    plain = {"email": person.email, "first_name": "Robin", "last_name": "Approver", "time_zone": "UTC"}
    return {**plain, "summary_hour": "7", "is_active": "on", **changed}


def holds(person: User) -> int:
    return CompanyMembership.objects.filter(user=person, can_push_to_accounting=True).count()


def reasons(person: User, event: str = "privilege.suspended") -> set[str]:
    """Why it ended, in how many companies it was."""
    entries = list(HistoryEntry.objects.filter(event=event, detail__user=person.pk))
    assert len({entry.company_id for entry in entries}) == len(entries) == 2
    return {entry.detail["reason"] for entry in entries}


def choose_password(person: User, password: str = NEW) -> None:
    """As whoever reads the person's mail does."""
    client = Client()
    opened = client.get(urlsplit(password_links.build_password_link(User.objects.get(pk=person.pk))).path)
    client.post(opened.headers["Location"], {"password1": password, "password2": password})


def signed_in_by_password(person: User, password: str = NEW) -> Client:
    client = Client()
    assert sign_in(client, person.email, password) == 302
    return client


def set_up_two_step(client: Client) -> None:
    client.get(SETUP)
    assert client.post(SETUP, {"code": code_for(client.session["mfa.totp.secret"])}).status_code == 302


class TestWhatEndsIt:
    def test_switching_an_account_off_takes_it_away_in_every_company(
        self, approver: User, root: User
    ) -> None:
        signed_in(root).post(account(approver), posted(approver, is_active=""))
        assert holds(approver) == 0
        assert reasons(approver, "privilege.revoked") == {"The account was deactivated."}
        signed_in(root).post(account(approver), posted(approver))
        assert User.objects.get(pk=approver.pk).is_active
        assert holds(approver) == 0

    def test_another_address_suspends_it(self, approver: User, root: User) -> None:
        signed_in(root).post(account(approver), posted(approver, email="other@example.test"))
        assert holds(approver) == 0
        assert reasons(approver) == {"The e-mail address of the account was changed."}

    def test_a_change_of_ones_own_address_suspends_it_too(self, root: User, company: Company) -> None:
        join_company(root, company, erp_integrations_level="standard", can_push_to_accounting=True)
        powers = {"is_staff": "on", "is_superuser": "on"}
        signed_in(root).post(account(root), posted(root, email="new-root@example.test", **powers))
        assert holds(root) == 0

    def test_a_password_that_another_sets_suspends_it(self, approver: User, root: User) -> None:
        password = {"usable_password": "true", "password1": NEW, "password2": NEW}
        signed_in(root).post(account(approver, "password"), password)
        assert reasons(approver) == {"The password was set by somebody else."}
        assert holds(approver) == 0

    def test_so_does_the_operators_command(self, approver: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("getpass.getpass", lambda prompt="": NEW)
        call_command("changepassword", approver.email, verbosity=0)
        assert reasons(approver) == {"The password was set by somebody else."}
        assert holds(approver) == 0

    def test_an_account_that_was_off_at_the_upgrade_is_suspended_when_it_is_switched_on(
        self, approver: User, root: User
    ) -> None:
        User.objects.filter(pk=approver.pk).update(is_active=False)
        signed_in(root).post(account(approver), posted(approver))
        assert reasons(approver) == {"The account was reactivated."}
        assert holds(approver) == 0

    def test_taking_two_step_verification_away_suspends_it(self, approver: User, root: User) -> None:
        turn_on_two_step(approver)
        chosen = {"action": "take_two_step_away", "_selected_action": str(approver.pk)}
        signed_in(root).post("/admin/directory/user/", chosen)
        assert not Authenticator.objects.filter(user=approver).exists()
        assert reasons(approver) == {"Two-step verification was taken away."}
        assert holds(approver) == 0

    def test_whoever_is_erased_is_no_approver(self, approver: User, root: User) -> None:
        personal_data.delete_personal_data(person=approver, by=root, reason="They asked.")
        assert holds(approver) == 0

    def test_what_changes_no_way_in_leaves_it(self, approver: User, root: User) -> None:
        signed_in(root).post(account(approver), posted(approver, last_name="Married"))
        assert holds(approver) == 2


class TestTheFirstSecondStep:
    def test_in_the_session_that_began_with_ones_own_link_it_keeps_the_privilege(
        self, approver: User
    ) -> None:
        choose_password(approver)
        set_up_two_step(signed_in_by_password(approver))
        assert holds(approver) == 2

    def test_with_a_password_that_somebody_had_it_suspends_it(self, approver: User) -> None:
        approver.set_password(PASSWORD)
        approver.save()
        set_up_two_step(signed_in_by_password(approver, PASSWORD))
        (reason,) = reasons(approver)
        assert reason.startswith("Two-step verification was set up, and not in the session")
        assert holds(approver) == 0

    def test_in_a_later_session_it_suspends_it(self, approver: User) -> None:
        choose_password(approver)
        signed_in_by_password(approver)
        set_up_two_step(signed_in_by_password(approver))
        assert holds(approver) == 0

    @pytest.mark.parametrize("way", ["address", "password", "reactivation", "two steps"])
    def test_a_link_that_was_mailed_after_another_hand_was_in_the_account_suspends_it(
        self, approver: User, root: User, way: str
    ) -> None:
        """Before the privilege was granted, by an honest third, to what was another's account by then."""
        CompanyMembership.objects.update(can_push_to_accounting=False)
        client = signed_in(root)
        if way == "address":
            client.post(account(approver), posted(approver, email="thief@example.test"))
        elif way == "password":
            password = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
            client.post(account(approver, "password"), password)
        elif way == "reactivation":
            client.post(account(approver), posted(approver, is_active=""))
            client.post(account(approver), posted(approver))
        else:
            turn_on_two_step(approver)
            client.post(
                "/admin/directory/user/",
                {"action": "take_two_step_away", "_selected_action": str(approver.pk)},
            )
        approver.refresh_from_db()
        choose_password(approver)
        thief = signed_in_by_password(approver)
        CompanyMembership.objects.filter(user=approver).update(can_push_to_accounting=True)
        set_up_two_step(thief)
        assert holds(approver) == 0

    def test_invited_again_at_another_address_is_such_a_link(self, approver: User, root: User) -> None:
        """Without mandatory two-step verification, the password alone is the account."""
        approver.set_unusable_password()
        approver.save()
        CompanyMembership.objects.update(can_push_to_accounting=False)
        client = signed_in(root)
        client.post(account(approver), posted(approver, email="thief@example.test"))
        client.post(
            "/admin/directory/user/", {"action": "invite_again", "_selected_action": str(approver.pk)}
        )
        CompanyMembership.objects.filter(user=approver).update(can_push_to_accounting=True)
        choose_password(approver)
        (reason,) = reasons(approver)
        assert reason.startswith("The password was chosen by a link mailed after")
        assert holds(approver) == 0

    def test_a_forgotten_password_of_ones_own_leaves_it(self, approver: User) -> None:
        choose_password(approver)
        choose_password(approver, "a third correct horse")
        assert holds(approver) == 2


class TestGrantedAgain:
    def test_by_the_ordinary_grant_with_a_reason(self, approver: User, root: User, company: Company) -> None:
        memberships.suspend_push_to_accounting(person=approver, by=root, reason="Another address.")
        membership = company.memberships.get(user=approver)
        granter = PrivilegeAdminFactory()
        memberships.grant_push_to_accounting(membership=membership, by=granter, reason="I called her.")
        assert membership.can_push_to_accounting
        assert holds(approver) == 1

    def test_not_by_whoever_made_the_change_while_another_can(
        self, approver: User, root: User, company: Company
    ) -> None:
        signed_in(root).post(account(approver), posted(approver, email="thief@example.test"))
        membership = company.memberships.get(user=approver)
        other: User = PrivilegeAdminFactory(last_name="Granter")
        join_company(other, company)
        with pytest.raises(DirectoryError, match="another person must grant it: Robin Granter"):
            memberships.grant_push_to_accounting(membership=membership, by=root, reason="Mine now.")
        memberships.grant_push_to_accounting(membership=membership, by=other, reason="I called her.")
        assert holds(approver) == 1

    def test_not_by_whoever_made_the_account_while_another_can(self, root: User, company: Company) -> None:
        page = reverse("admin:directory_user_add")
        signed_in(root).post(page, {"email": "puppet@example.test", "first_name": "P", "last_name": "Uppet"})
        membership = join_company(User.objects.get(email="puppet@example.test"), company)
        other: User = PrivilegeAdminFactory(last_name="Granter")
        join_company(other, company)
        with pytest.raises(DirectoryError, match="another person must grant it: Robin Granter"):
            memberships.grant_push_to_accounting(membership=membership, by=root, reason="A new colleague.")
        memberships.grant_push_to_accounting(membership=membership, by=other, reason="I met her.")
        assert membership.can_push_to_accounting

    def test_where_nobody_else_can_grant_whoever_made_it_may(
        self, approver: User, root: User, company: Company
    ) -> None:
        signed_in(root).post(account(approver), posted(approver, email="moved@example.test"))
        membership = company.memberships.get(user=approver)
        memberships.grant_push_to_accounting(membership=membership, by=root, reason="The only superuser.")
        assert holds(approver) == 1


class TestStaffWhoMayNotGrant:
    @pytest.fixture
    def clerk(self, company: Company) -> User:
        person: User = PersonFactory(is_staff=True)
        person.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
        join_company(person, company)
        return person

    @pytest.fixture
    def colleague(self, company: Company) -> User:
        return ApproverFactory(company=company)

    def test_they_change_no_account_of_whoever_holds_the_privilege(
        self, clerk: User, colleague: User
    ) -> None:
        client = signed_in(clerk)
        forged = posted(colleague, email="thief@example.test", is_active="")
        assert client.post(account(colleague), forged).status_code == 403
        password = {"usable_password": "true", "password1": NEW, "password2": NEW}
        assert client.post(account(colleague, "password"), password).status_code == 403
        for action in ("invite_again", "end_sessions"):
            chosen = {"action": action, "_selected_action": str(colleague.pk)}
            page = client.post("/admin/directory/user/", chosen, follow=True).content.decode()
            assert re.search(r"0 (invitations|sessions)", page)
        colleague.refresh_from_db()
        assert (colleague.email != "thief@example.test", colleague.is_active) == (True, True)
        assert holds(colleague) == 1

    def test_with_the_permission_to_grant_they_do_and_it_is_suspended(
        self, clerk: User, colleague: User
    ) -> None:
        clerk.user_permissions.add(Permission.objects.get(codename="grant_push_to_accounting"))
        answer = signed_in(clerk).post(account(colleague), posted(colleague, email="new@example.test"))
        assert answer.status_code == 302
        assert holds(colleague) == 0
