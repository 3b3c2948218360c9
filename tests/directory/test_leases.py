"""The promises of every lease, shown with the rows of the outbox."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from directory.db.leases import LeaseLost, stopping
from notifications.models import OutgoingEmail, Status
from tests.notifications.factories import OutgoingEmailFactory

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def claimed() -> Iterator[OutgoingEmail]:
    OutgoingEmailFactory()
    claimed = OutgoingEmail.objects.due().claim(MINUTE)
    assert claimed is not None
    yield claimed
    stopping.clear()


def claim_again() -> OutgoingEmail:
    """As after the first worker died."""
    OutgoingEmail.objects.update(lease_until=Now() - MINUTE)
    claimed = OutgoingEmail.objects.stalled().claim(MINUTE)
    assert claimed is not None
    return claimed


def test_a_claim_has_what_it_changed(claimed: OutgoingEmail) -> None:
    row = OutgoingEmail.objects.get()
    assert (claimed.status, claimed.attempts) == (row.status, row.attempts) == (Status.SENDING, 1)
    assert claimed.lease_until == row.lease_until


def test_what_is_claimed_is_claimed_by_nobody_else(claimed: OutgoingEmail) -> None:
    assert OutgoingEmail.objects.due().claim(MINUTE) is None
    assert OutgoingEmail.objects.stalled().claim(MINUTE) is None


def test_each_claim_has_a_higher_token(claimed: OutgoingEmail) -> None:
    assert claim_again().attempts == claimed.attempts + 1


def test_a_process_that_is_to_stop_claims_nothing_and_may_end_what_it_has(claimed: OutgoingEmail) -> None:
    OutgoingEmailFactory()
    stopping.set()
    assert OutgoingEmail.objects.due().claim(MINUTE) is None
    assert OutgoingEmail.objects.lock_own(claimed) == claimed


def test_a_late_worker_neither_locks_nor_renews_nor_writes(claimed: OutgoingEmail) -> None:
    following = claim_again()
    with pytest.raises(LeaseLost):
        OutgoingEmail.objects.lock_own(claimed)
    with pytest.raises(LeaseLost):
        OutgoingEmail.objects.renew(claimed, MINUTE)
    assert OutgoingEmail.objects.own(claimed).update(subject="Late") == 0
    OutgoingEmail.objects.renew(following, MINUTE, subject="In time")
    assert OutgoingEmail.objects.get().subject == "In time"


def test_who_handed_it_back_has_it_no_more(claimed: OutgoingEmail) -> None:
    OutgoingEmail.objects.own(claimed).update(status=Status.QUEUED, lease_until=None)
    with pytest.raises(LeaseLost):
        OutgoingEmail.objects.renew(claimed, MINUTE)
