"""Four eyes look at every hand in the content, and at what it did to the money."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from commitments import services
from commitments.models import Commitment, LineItem
from directory.models import Level, User
from directory.rights.permissions import RightMissing
from erp_integrations import submissions
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.models import ExportJob, Submission
from erp_integrations.submissions.contributors import list_contributors
from tests.clients import signed_in
from tests.erp_integrations.conftest import accept
from tests.factories import ApproverFactory, join_project

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def both(deliverable: Commitment) -> User:
    """An approver who is Admin on the project too."""
    person: User = ApproverFactory(company=deliverable.project.company)
    join_project(person, deliverable.project, Level.ADMIN)
    return person


def triples(commitment: Commitment, by: User) -> None:
    """The first line's amount, three times."""
    commitment.refresh_from_db()
    lines = [
        {name: getattr(line, name) for name in services.LINE_FIELDS}
        for line in commitment.lines.order_by("position")
    ]
    lines[0] |= {"amount": lines[0]["amount"] * 3, "quantity": None, "unit_cost": None}
    services.update_commitment(
        commitment=commitment, by=by, version=commitment.version, values={}, lines=lines
    )


def test_who_retrieved_and_tripled_a_colleagues_commitment_can_not_accept_it(
    awaiting: Submission, sender: User, both: User, approver: User
) -> None:
    commitment = awaiting.commitment
    submissions.retrieve_from_erp(commitment=commitment, by=both)
    triples(commitment, both)
    again = submissions.send_to_erp(commitment=commitment, by=sender)
    with pytest.raises(RightMissing, match="another accounting approver"):
        accept(again, both)
    with pytest.raises(RightMissing, match="another accounting approver"):
        submissions.reject(submission=again, by=both, reason="No")
    assert accept(again, approver).submission == again


def test_who_rejected_it_and_then_changed_it_can_not_accept_it(
    awaiting: Submission, sender: User, both: User
) -> None:
    submissions.reject(submission=awaiting, by=both, reason="Not like this")
    triples(awaiting.commitment, both)
    again = submissions.send_to_erp(commitment=awaiting.commitment, by=sender)
    with pytest.raises(RightMissing):
        accept(again, both)


def test_who_only_rejected_it_may_decide_on_it_again(
    awaiting: Submission, sender: User, approver: User
) -> None:
    submissions.reject(submission=awaiting, by=approver, reason="The cost code is wrong")
    again = submissions.send_to_erp(commitment=awaiting.commitment, by=sender)
    assert accept(again, approver).submission == again


def test_every_earlier_sender_and_whoever_retrieved_is_a_hand(
    awaiting: Submission, sender: User, both: User
) -> None:
    submissions.retrieve_from_erp(commitment=awaiting.commitment, by=sender)
    submissions.send_to_erp(commitment=awaiting.commitment, by=both)
    submissions.retrieve_from_erp(commitment=awaiting.commitment, by=sender)
    last = submissions.send_to_erp(commitment=awaiting.commitment, by=sender)
    assert both.pk in last.hands
    assert last.is_own_decision(both)


def test_an_export_ends_what_counted_before_it(awaiting: Submission, both: User, queued: ExportJob) -> None:
    assert list_contributors(awaiting.commitment)
    ExportJob.objects.filter(pk=queued.pk).update(synced_at=timezone.now() + timedelta(seconds=1))
    assert list_contributors(awaiting.commitment) == []


def test_the_one_who_sent_and_retrieved_it_alone_is_a_hand_too(awaiting: Submission, sender: User) -> None:
    submissions.retrieve_from_erp(commitment=awaiting.commitment, by=sender)
    again = submissions.send_to_erp(commitment=awaiting.commitment, by=sender)
    assert sender.pk in again.hands


def test_what_changed_in_the_money_is_said_before_re_send_and_in_the_accept_box(
    awaiting: Submission, sender: User, both: User, approver: User
) -> None:
    commitment = awaiting.commitment
    first = commitment.lines.order_by("position")[0]
    before, total = first.amount or Decimal(0), awaiting.total
    submissions.retrieve_from_erp(commitment=commitment, by=both)
    triples(commitment, both)
    words = f"the total has changed from {total:,.2f} to {total + 2 * before:,.2f}"
    page = signed_in(sender).get(commitment.get_absolute_url()).content.decode()
    assert words in page
    again = submissions.send_to_erp(commitment=commitment, by=sender)
    box = signed_in(approver).get(f"{again.get_absolute_url()}accept/").content.decode()
    assert words in box
    assert f"{first.cost_code} {first.cost_type}".split()[0] in box
    assert f"{before:,.2f}, now {before * 3:,.2f}" in box


def test_a_total_that_stayed_is_not_said_to_have_changed(awaiting: Submission, sender: User) -> None:
    commitment, total = awaiting.commitment, awaiting.total
    submissions.retrieve_from_erp(commitment=commitment, by=sender)
    first, second = commitment.lines.order_by("position")
    first.amount, second.amount = Decimal(1), total - 1
    LineItem.objects.bulk_update([first, second], ["amount"])
    page = signed_in(sender).get(commitment.get_absolute_url()).content.decode()
    assert f"the lines have changed, and the total is still {total:,.2f} USD." in page


def test_money_that_did_not_change_is_not_spoken_of(awaiting: Submission, sender: User) -> None:
    submissions.retrieve_from_erp(commitment=awaiting.commitment, by=sender)
    again = submissions.send_to_erp(commitment=awaiting.commitment, by=sender)
    basis = build_basis(again.document)
    found = preflight.check_export(basis, moment=preflight.Moment.EXPORT, erp_id="X")
    assert "amounts-changed" not in {finding.code for finding in found}
    assert again.total > Decimal(0)
