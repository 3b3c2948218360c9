"""Who may push to accounting, as the history tells it, and the review that binds the list."""

import ast
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from directory import history
from directory.history.events import DirectoryEvent
from directory.models import Company, CompanyMembership, HistoryEntry, Level, User
from directory.rights import approver_review, approvers, memberships
from directory.rights.memberships import DirectoryError
from directory.rights.permissions import RightMissing
from tests.factories import (
    ApproverFactory,
    CompanyFactory,
    ErpAdminFactory,
    MemberFactory,
    PersonFactory,
    PrivilegeAdminFactory,
    ViewerFactory,
    join_company,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> User:
    return PrivilegeAdminFactory()


@pytest.fixture
def company() -> Company:
    return CompanyFactory()


@pytest.fixture
def admin(company: Company) -> User:
    return ErpAdminFactory(company=company)


def granted(company: Company, by: User, reason: str = "Controller.") -> CompanyMembership:
    """A viewer who is granted the privilege as it should be."""
    membership: CompanyMembership = ViewerFactory(company=company).company_memberships.get()
    memberships.grant_push_to_accounting(membership=membership, by=by, reason=reason)
    return membership


def review(company: Company, by: User, *, flagged: list[int] | None = None, reason: str = "") -> None:
    approver_review.record_approver_review(
        company=company,
        by=by,
        expected_hash=approvers.build_approver_list(company).content_hash,
        flagged=flagged or [],
        reason=reason,
    )


def in_days(days: float) -> datetime:
    return timezone.now() + timedelta(days=days)


class TestList:
    def test_it_says_since_when_by_whose_hand_and_why(self, company: Company, staff: User) -> None:
        membership = granted(company, staff)
        (found,) = approvers.build_approver_list(company).approvers
        assert found.grant is not None
        assert (found.membership, found.grant.by, found.grant.reason) == (membership, staff, "Controller.")
        assert found.is_effective

    def test_a_second_grant_counts_from_itself(self, company: Company, staff: User) -> None:
        membership = granted(company, staff)
        memberships.revoke_push_to_accounting(membership=membership, by=staff, reason="Away.")
        assert not approvers.build_approver_list(company).approvers
        memberships.grant_push_to_accounting(membership=membership, by=staff, reason="Back.")
        (found,) = approvers.build_approver_list(company).approvers
        assert found.grant is not None
        assert found.grant.reason == "Back."

    def test_a_privilege_that_nobody_granted_shows_as_such(self, company: Company, staff: User) -> None:
        granted(company, staff)
        ApproverFactory(company=company)  # set by another way, as SQL would
        assert approvers.build_approver_list(company).unrecorded_count == 1

    def test_one_set_again_after_a_revocation_shows_as_such(self, company: Company, staff: User) -> None:
        membership = granted(company, staff)
        memberships.revoke_push_to_accounting(membership=membership, by=staff, reason="Left.")
        CompanyMembership.objects.filter(pk=membership.pk).update(can_push_to_accounting=True)
        assert approvers.build_approver_list(company).unrecorded_count == 1

    @pytest.mark.parametrize("level", [Level.NONE, Level.READ_ONLY])
    def test_without_a_level_it_gives_nothing_and_says_so(self, company: Company, level: Level) -> None:
        MemberFactory(company=company, erp_integrations_level=level, can_push_to_accounting=True)
        (found,) = approvers.build_approver_list(company).approvers
        assert not found.is_effective
        assert "no effect" in found.effect

    def test_a_switched_off_account_has_no_effect(self, company: Company) -> None:
        ApproverFactory(company=company, is_active=False)
        (found,) = approvers.build_approver_list(company).approvers
        assert (found.is_effective, found.effect) == (
            False,
            "Account deactivated: no effect",
        )

    def test_people_of_other_companies_are_not_on_it(self, company: Company, staff: User) -> None:
        granted(CompanyFactory(), staff)
        assert not approvers.build_approver_list(company).approvers

    def test_its_queries_do_not_grow(
        self, company: Company, staff: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for _ in range(3):
            granted(company, staff)
        with django_assert_num_queries(7):
            approvers.build_approver_list(company)

    def test_it_tells_who_freed_the_company_from_the_own_decision_rule(self, company: Company) -> None:
        root = User.objects.create_superuser("root@example.test")
        memberships.set_company_rule(
            company=company, by=root, column="allows_own_decisions", value=True, reason="Two people."
        )
        rule = approvers.build_approver_list(company).own_decisions
        assert (rule.is_lifted, rule.by, rule.reason) == (True, root, "Two people.")


class TestReview:
    def test_a_confirmation_is_kept_with_the_hash_of_what_was_seen(
        self, company: Company, staff: User, admin: User
    ) -> None:
        membership = granted(company, staff)
        seen = approvers.build_approver_list(company).content_hash
        review(company, admin)
        entry = HistoryEntry.objects.get(event="approvers.confirmed")
        assert (entry.by_id, entry.company_id, entry.subject_id) == (admin.pk, company.pk, company.pk)
        assert entry.detail == {"seen_hash": seen, "kept": [membership.user_id]}
        assert approvers.build_approver_list(company).review.by == admin

    @pytest.mark.parametrize("change", ["grant", "revoke", "level", "account", "rule"])
    def test_it_binds_the_list_as_it_was_seen(
        self, company: Company, staff: User, admin: User, change: str
    ) -> None:
        membership = granted(company, staff)
        seen = approvers.build_approver_list(company).content_hash
        if change == "grant":
            granted(company, staff)
        elif change == "revoke":
            memberships.revoke_push_to_accounting(membership=membership, by=staff, reason="Left.")
        elif change == "level":
            CompanyMembership.objects.filter(pk=membership.pk).update(erp_integrations_level=Level.ADMIN)
        elif change == "account":
            User.objects.filter(pk=membership.user_id).update(is_active=False)
        else:
            root = User.objects.create_superuser("root@example.test")
            memberships.set_company_rule(
                company=company, by=root, column="allows_own_decisions", value=True, reason="Two people."
            )
        with pytest.raises(approver_review.ListChanged):
            approver_review.record_approver_review(company=company, by=admin, expected_hash=seen)
        assert not HistoryEntry.objects.filter(event__in=approvers.REVIEW_EVENTS).exists()

    def test_nor_an_account_in_which_whoever_granted_may_sit(
        self, company: Company, staff: User, admin: User
    ) -> None:
        granted(company, staff)
        about: dict[str, Any] = {"subject": admin, "company": None}
        history.record(event=DirectoryEvent.ACCOUNT_PASSWORD_SET, by=staff, **about)
        with pytest.raises(RightMissing, match="Somebody else changed how you sign in"):
            review(company, admin)
        history.record(event=DirectoryEvent.PASSWORD_RESET, by=admin, **about)
        history.record(event=DirectoryEvent.ACCOUNT_CHANGED, by=staff, detail={"fields": ["email"]}, **about)
        history.record(event=DirectoryEvent.PASSWORD_RESET, by=admin, **about)  # in whose mailbox?
        with pytest.raises(RightMissing, match="Somebody else changed how you sign in"):
            review(company, admin)
        with time_machine.travel(in_days(django_settings.APPROVERS_REVIEW_DAYS + 1), tick=False):
            review(company, admin)

    def test_whoever_is_flagged_keeps_it_until_it_is_revoked_and_shows_as_flagged(
        self, company: Company, staff: User, admin: User
    ) -> None:
        leaver, stayer = granted(company, staff), granted(company, staff)
        review(company, admin, flagged=[leaver.user_id], reason="Moved to purchasing.")
        roll = approvers.build_approver_list(company)
        flags = {approver.membership.pk: approver.is_flagged for approver in roll.approvers}
        assert flags == {leaver.pk: True, stayer.pk: False}
        assert roll.review.reason == "Moved to purchasing."
        leaver.refresh_from_db()
        assert leaver.can_push_to_accounting

    def test_a_new_grant_clears_the_flag(self, company: Company, staff: User, admin: User) -> None:
        leaver = granted(company, staff)
        review(company, admin, flagged=[leaver.user_id], reason="Moved.")
        memberships.revoke_push_to_accounting(membership=leaver, by=staff, reason="As reviewed.")
        memberships.grant_push_to_accounting(membership=leaver, by=staff, reason="Back in accounting.")
        assert not approvers.build_approver_list(company).approvers[0].is_flagged

    def test_flagging_takes_a_reason(self, company: Company, staff: User, admin: User) -> None:
        leaver = granted(company, staff)
        with pytest.raises(DirectoryError, match="Say why"):
            review(company, admin, flagged=[leaver.user_id], reason=" ")

    def test_only_people_on_the_list_are_flagged(self, company: Company, staff: User, admin: User) -> None:
        granted(company, staff)
        with pytest.raises(approver_review.ListChanged):
            review(company, admin, flagged=[admin.pk], reason="Forged.")

    def test_a_directory_admin_reviews_without_a_level_on_the_tool(
        self, company: Company, staff: User
    ) -> None:
        granted(company, staff)
        person: User = PersonFactory()
        join_company(person, company, directory_level=Level.ADMIN)
        review(company, person)

    def test_nobody_else_reviews(self, company: Company, staff: User) -> None:
        granted(company, staff)
        switched_off: User = ErpAdminFactory(company=company, is_active=False)
        for person in (ViewerFactory(company=company), ErpAdminFactory(), switched_off):
            with pytest.raises(RightMissing):
                review(company, person)

    def test_nobody_confirms_themselves(self, company: Company, staff: User, admin: User) -> None:
        own = admin.company_memberships.get()
        memberships.grant_push_to_accounting(membership=own, by=staff, reason="Both.")
        with pytest.raises(RightMissing, match="another administrator"):
            review(company, admin)
        company.allows_own_decisions = True
        company.save()
        review(company, admin)

    def test_nor_whoever_granted_what_is_on_the_list_since_the_last_review(
        self, company: Company, staff: User, admin: User
    ) -> None:
        join_company(staff, company, directory_level=Level.ADMIN)
        granted(company, staff)
        with pytest.raises(RightMissing, match=f"another administrator must confirm this list: {admin}"):
            review(company, staff)
        review(company, admin)
        review(company, staff)

    def test_where_nobody_else_could_it_says_how_somebody_can(self, company: Company, staff: User) -> None:
        join_company(staff, company, directory_level=Level.ADMIN)
        granted(company, staff)
        with pytest.raises(RightMissing, match="There is none: staff can appoint one"):
            review(company, staff)


class TestSuspended:
    def test_it_says_who_since_when_and_why_until_it_is_granted_again(
        self, company: Company, staff: User
    ) -> None:
        membership = granted(company, staff)
        memberships.suspend_push_to_accounting(person=membership.user, by=None, reason="Another address.")
        roll = approvers.build_approver_list(company)
        assert not roll.approvers
        (found,) = roll.suspended
        assert (found.membership, found.entry.detail["reason"]) == (membership, "Another address.")
        memberships.grant_push_to_accounting(membership=membership, by=staff, reason="I called her.")
        assert not approvers.build_approver_list(company).suspended

    def test_whoever_left_is_not_listed(self, company: Company, staff: User) -> None:
        membership = granted(company, staff)
        memberships.suspend_push_to_accounting(person=membership.user, by=None, reason="Another address.")
        memberships.delete_company_membership(membership=membership, by=staff)
        assert not approvers.build_approver_list(company).suspended


class TestUpgrade:
    def test_what_stood_before_stays_and_waits_for_a_confirmation(
        self, company: Company, staff: User, admin: User
    ) -> None:
        membership = granted(company, staff)
        review(company, admin)
        other: Company = CompanyFactory()
        ask = import_module("directory.migrations.0007_confirmation_is_asked").ASK
        with connection.cursor() as cursor:
            cursor.execute(ask)
        membership.refresh_from_db()
        assert membership.can_push_to_accounting
        found = approvers.build_approver_list(company).review
        assert (found.is_overdue, found.is_requested) == (True, True)
        assert [each for each, _ in approvers.list_overdue_reviews(Company.objects.all())] == [company]
        assert not HistoryEntry.objects.filter(company_id=other.pk).exists()
        review(company, admin)
        assert not approvers.build_approver_list(company).review.is_overdue
        assert not approvers.list_overdue_reviews(Company.objects.all())


class TestQuarter:
    def test_a_confirmation_counts_for_a_quarter(self, company: Company, staff: User, admin: User) -> None:
        granted(company, staff)
        review(company, admin)
        assert not approvers.build_approver_list(company).review.is_overdue
        assert not approvers.list_overdue_reviews(Company.objects.all())
        with time_machine.travel(in_days(92.1), tick=False):
            assert approvers.build_approver_list(company).review.is_overdue
            assert [each for each, _ in approvers.list_overdue_reviews(Company.objects.all())] == [company]

    def test_before_the_first_one_the_first_grant_counts(self, company: Company, staff: User) -> None:
        granted(company, staff)
        assert not approvers.list_overdue_reviews(Company.objects.all())
        with time_machine.travel(in_days(92.1), tick=False):
            assert approvers.list_overdue_reviews(Company.objects.all()) == [(company, None)]

    def test_what_nobody_granted_can_not_wait(self, company: Company) -> None:
        ApproverFactory(company=company)
        assert approvers.list_overdue_reviews(Company.objects.all()) == [(company, None)]

    def test_where_nobody_holds_it_nothing_is_due(self, company: Company) -> None:
        assert approvers.build_approver_list(company).review.due_at is None
        assert not approvers.list_overdue_reviews(Company.objects.all())

    def test_the_operator_sets_how_long(
        self, company: Company, staff: User, admin: User, settings: Settings
    ) -> None:
        granted(company, staff)
        review(company, admin)
        settings.APPROVERS_REVIEW_DAYS = 0
        assert approvers.build_approver_list(company).review.is_overdue


def test_no_code_but_the_two_functions_writes_the_privilege() -> None:
    """In no module is ``can_push_to_accounting`` assigned or passed to a write, but by the services.

    Django admin takes the wish off the form's instance, and saves only the other fields.
    """
    allowed = {"directory/rights/memberships.py", "directory/admin/__init__.py", "directory/models.py"}
    root = Path(django_settings.BASE_DIR)
    writers = set()
    for room in ("commitments", "config", "directory", "erp_integrations", "notifications", "local"):
        for path in (root / room).rglob("*.py"):
            if "migrations" not in path.parts and _writes_the_privilege(ast.parse(path.read_text())):
                writers.add(str(path.relative_to(root)))
    assert writers <= allowed


def _writes_the_privilege(tree: ast.AST) -> bool:
    name, writing = "can_push_to_accounting", {"create", "update", "get_or_create", "update_or_create"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(each, ast.Attribute) and each.attr == name for each in targets):
                return True
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        named = {keyword.arg for keyword in node.keywords}
        if called == "setattr":
            named = {str(each.value) for each in node.args if isinstance(each, ast.Constant)}
        if name in named and called in writing | {"CompanyMembership", "setattr"}:
            return True
    return False
