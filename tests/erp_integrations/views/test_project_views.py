"""The two buttons on a commitment's page."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from commitments.models import Badge, Commitment, Lock
from directory.models import HistoryEntry, User
from erp_integrations.models import Submission, SubmissionStatus
from tests.clients import signed_in
from tests.factories import (
    CommitmentFactory,
    CreatorFactory,
    LineItemFactory,
    ProjectAdminFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
)

pytestmark = pytest.mark.django_db


def send(commitment: Commitment, by: User) -> Any:
    return signed_in(by).post(f"{commitment.get_absolute_url()}send-to-erp/", follow=True)


def retrieve(commitment: Commitment, by: User) -> Any:
    return signed_in(by).post(f"{commitment.get_absolute_url()}retrieve-from-erp/", follow=True)


def admin_of(commitment: Commitment) -> User:
    return ProjectAdminFactory(project=commitment.project)


BUTTONS = pytest.mark.parametrize("press", [send, retrieve])
Press = Callable[[Commitment, User], Any]


def test_sending_locks_and_says_so() -> None:
    commitment = ReadyCommitmentFactory()
    page = send(commitment, admin_of(commitment))
    assert "Sent to accounting. It is locked until" in page.content.decode()
    commitment.refresh_from_db()
    assert (commitment.badge, commitment.lock) == (Badge.AWAITING, Lock.WHOLE)


def test_what_blocks_comes_back_with_the_page_and_nothing_changes() -> None:
    commitment = CommitmentFactory(number="")
    page = send(commitment, admin_of(commitment))
    assert page.status_code == 422
    assert "Nothing was changed" in page.content.decode()
    assert "The commitment has no number." in page.content.decode()
    commitment.refresh_from_db()
    assert (commitment.badge, commitment.lock) == (Badge.NOT_SENT, Lock.NONE)
    assert not Submission.objects.exists()
    assert not HistoryEntry.objects.filter(event="submission.sent").exists()


def test_an_amount_of_twelve_digits_is_said_not_sent() -> None:
    commitment = ReadyCommitmentFactory()
    LineItemFactory(commitment=commitment, quantity=None, unit_cost=None, amount=Decimal("999999999999.00"))
    page = send(commitment, admin_of(commitment))
    assert page.status_code == 422
    assert "Line 3, amount: 999999999999.00 does not fit" in page.content.decode()


def test_a_line_without_a_cost_code_is_said_not_sent() -> None:
    commitment = ReadyCommitmentFactory()
    LineItemFactory(commitment=commitment, cost_code=None)
    page = send(commitment, admin_of(commitment))
    assert page.status_code == 422
    assert "Line 3, cost code is missing." in page.content.decode()


def test_sending_twice_is_a_conflict_that_shows_where_it_stands() -> None:
    commitment = SubmissionFactory().commitment
    page = send(commitment, admin_of(commitment))
    assert page.status_code == 409
    assert "already with accounting (Awaiting accounting)" in page.content.decode()
    assert Submission.objects.count() == 1


def test_retrieving_makes_it_editable_again() -> None:
    submission = SubmissionFactory()
    page = retrieve(submission.commitment, submission.sent_by)
    assert "You can change it again." in page.content.decode()
    submission.refresh_from_db()
    assert submission.status == SubmissionStatus.RETRIEVED


def test_retrieving_what_was_decided_says_who_did() -> None:
    submission = SubmissionFactory(accepted=True)
    page = retrieve(submission.commitment, submission.sent_by)
    assert page.status_code == 409
    assert str(submission.decided_by) in page.content.decode()


def test_retrieving_what_was_not_sent_is_a_conflict() -> None:
    commitment = ReadyCommitmentFactory()
    assert retrieve(commitment, admin_of(commitment)).status_code == 409


@BUTTONS
def test_standard_is_refused_and_the_attempt_is_remembered(press: Press) -> None:
    commitment = ReadyCommitmentFactory()
    assert press(commitment, CreatorFactory(project=commitment.project)).status_code == 403
    assert HistoryEntry.objects.filter(event="right.refused").count() == 1
    assert not Submission.objects.exists()


@BUTTONS
def test_a_stranger_finds_nothing(press: Press) -> None:
    assert press(ReadyCommitmentFactory(), ProjectAdminFactory()).status_code == 404


@pytest.mark.parametrize("button", ["send-to-erp", "retrieve-from-erp"])
def test_a_get_decides_nothing_and_leads_back_to_the_page(button: str) -> None:
    commitment = ReadyCommitmentFactory()
    client = signed_in(admin_of(commitment))
    page = client.get(f"{commitment.get_absolute_url()}{button}/", follow=True)
    assert page.redirect_chain == [(commitment.get_absolute_url(), 302)]
    assert "Press the button again" in page.content.decode()
    assert not Submission.objects.exists()
