"""The database's refusals about commitments, and their own descriptions."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from commitments.models import Badge, Commitment, Kind, Lock
from tests.factories import (
    CommitmentFactory,
    ContractCompanyFactory,
    CostCodeFactory,
    LineItemFactory,
    ProjectFactory,
)

pytestmark = pytest.mark.django_db


def total_of(commitment: Commitment) -> Any:
    return vars(Commitment.objects.with_total().get(pk=commitment.pk))["total"]


def test_a_number_is_taken_once_in_a_project_and_kind() -> None:
    taken = CommitmentFactory(number="SC-1")
    with pytest.raises(IntegrityError, match="a_number_is_unique"), transaction.atomic():
        CommitmentFactory(project=taken.project, number="SC-1")


def test_the_same_number_may_stand_on_another_kind_or_in_another_project() -> None:
    taken = CommitmentFactory(number="SC-1")
    CommitmentFactory(project=taken.project, purchase_order=True, number="SC-1")
    CommitmentFactory(project=ProjectFactory(company=taken.project.company), number="SC-1")
    assert Commitment.objects.filter(number="SC-1").count() == 3


def test_any_number_of_commitments_may_have_none() -> None:
    first = CommitmentFactory(number="")
    CommitmentFactory(project=first.project, number="")
    assert first.project.commitments.count() == 2


@pytest.mark.parametrize(
    ("kind", "status"),
    [(Kind.SUBCONTRACT, "received"), (Kind.PURCHASE_ORDER, "out_for_bid"), (Kind.SUBCONTRACT, "sent")],
)
def test_a_status_of_another_kind_is_refused(kind: Kind, status: str) -> None:
    with pytest.raises(IntegrityError, match="a_status_fits_its_kind"):
        CommitmentFactory(kind=kind, status=status)


@pytest.mark.parametrize("percent", ["-0.01", "100.01"])
def test_retainage_is_a_percentage(percent: str) -> None:
    with pytest.raises(IntegrityError, match="retainage_is_a_percentage"):
        CommitmentFactory(default_retainage=Decimal(percent))


def test_a_line_says_in_which_project_it_waits_whatever_else_was_said() -> None:
    commitment = CommitmentFactory(lines=0)

    def waits_in() -> set[int | None]:
        return set(commitment.lines.values_list("unexported_in", flat=True))

    LineItemFactory(commitment=commitment)
    LineItemFactory(commitment=commitment, unexported_in=-1)
    assert waits_in() == {commitment.project_id}
    for lock, project in (
        (Lock.WHOLE, commitment.project_id),
        (Lock.EXPORTED, None),
        (Lock.NONE, commitment.project_id),
    ):
        Commitment.objects.update(lock=lock)
        LineItemFactory(commitment=commitment)
        commitment.lines.update(unexported_in=-1)
        assert waits_in() == {project}
    commitment.project = ProjectFactory(company=commitment.project.company)
    commitment.save()
    assert waits_in() == {commitment.project_id}


def test_a_line_says_what_it_commits_while_its_commitment_is_locked() -> None:
    commitment = CommitmentFactory(lines=0)

    def list_committed() -> list[Decimal | None]:
        return list(commitment.lines.order_by("position").values_list("committed", flat=True))

    LineItemFactory(commitment=commitment, amount=Decimal("100.10"))
    LineItemFactory(commitment=commitment, amount=Decimal("-0.20"), committed=Decimal(7))
    assert list_committed() == [None, None]
    Commitment.objects.update(lock=Lock.WHOLE)
    assert list_committed() == [Decimal("100.10"), Decimal("-0.20")]
    commitment.lines.filter(position=1).update(committed=Decimal("60.10"))
    Commitment.objects.update(lock=Lock.EXPORTED)
    assert list_committed() == [Decimal("60.10"), Decimal("-0.20")]
    Commitment.objects.update(lock=Lock.NONE)
    assert list_committed() == [None, None]
    commitment.lines.filter(position=1).update(amount=Decimal("5.00"))
    Commitment.objects.update(lock=Lock.WHOLE)
    assert list_committed() == [Decimal("5.00"), Decimal("-0.20")]


def test_the_total_is_the_sum_of_the_lines() -> None:
    commitment = CommitmentFactory(lines=0)
    LineItemFactory(commitment=commitment, amount=Decimal("100.10"))
    LineItemFactory(commitment=commitment, amount=Decimal("-0.20"))
    assert total_of(commitment) == Decimal("99.90")


def test_the_total_of_no_lines_is_zero() -> None:
    commitment = CommitmentFactory(lines=0)
    assert total_of(commitment) == Decimal("0.00")


def test_a_commitment_is_called_by_its_number_or_by_its_kind() -> None:
    assert str(CommitmentFactory(number="SC-9")) == "SC-9"
    assert str(CommitmentFactory(number="")) == "Subcontract without a number"


def test_the_status_is_worded_for_the_kind() -> None:
    assert CommitmentFactory(status="out_for_bid").get_status_display() == "Out for Bid"
    order = CommitmentFactory(purchase_order=True, status="partially_received")
    assert order.get_status_display() == "Partially Received"


@pytest.mark.parametrize("badge", Badge)
def test_only_one_that_was_never_sent_can_be_deleted(badge: Badge) -> None:
    assert Commitment(badge=badge).can_be_deleted == (badge == Badge.NOT_SENT)


def test_names_are_listed_once() -> None:
    company = ContractCompanyFactory()
    code = CostCodeFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        ContractCompanyFactory(company=company.company, name=company.name)
    with pytest.raises(IntegrityError), transaction.atomic():
        CostCodeFactory(project=code.project, code=code.code)
