"""A connection's own rules, from its row to what an approver is shown and what counts as changed."""

import pytest
from django.db import IntegrityError, transaction

from commitments.models import Commitment
from directory.models import User
from erp_integrations import submissions
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import ApprovalBasis, build_basis
from erp_integrations.models import Connection, NonAsciiRule, Submission
from tests.erp_integrations.conftest import accept
from tests.factories import lists_know

pytestmark = pytest.mark.django_db


def basis_of(submission: Submission) -> ApprovalBasis:
    return build_basis(submission.document)


def codes(submission: Submission) -> set[str]:
    basis = basis_of(submission)
    return {
        found.code for found in preflight.check_export(basis, moment=preflight.Moment.EXPORT, erp_id="SC-1")
    }


def test_the_proposal_follows_the_rule_and_the_approver_may_choose_another(awaiting: Submission) -> None:
    Connection.objects.update(erp_id_rule="last", subcontract_prefix="S-", purchase_order_prefix="P-")
    number = awaiting.document.number.strip().upper()
    assert basis_of(awaiting).proposed_erp_id == f"S-{number[-8:]}"


def test_a_rule_that_changes_while_the_box_is_open_does_not_change_what_is_accepted(
    awaiting: Submission, approver: User
) -> None:
    shown = basis_of(awaiting).proposed_erp_id
    Connection.objects.update(subcontract_prefix="S-")
    job = accept(awaiting, approver, erp_id=shown)
    assert job.erp_id == shown


def test_letters_that_spectrum_lacks_are_spelled_or_refused_as_the_connection_says(
    deliverable: Commitment, sender: User
) -> None:
    Commitment.objects.update(description="Fa\u00e7ade")
    deliverable.refresh_from_db()
    submission = submissions.send_to_erp(commitment=deliverable, by=sender)
    lists_know(deliverable)
    spelled = basis_of(submission)
    assert codes(submission) == {"text-respelled"}
    assert spelled.build_calls(erp_id="SC-1")[0].payload["Comment"] == "Facade"
    Connection.objects.update(non_ascii=NonAsciiRule.REFUSE)
    assert codes(submission) == {"text-characters"}
    assert basis_of(submission).hash != spelled.hash


def test_units_with_a_fixed_price_are_those_that_the_connection_names(
    deliverable: Commitment, sender: User
) -> None:
    submission = submissions.send_to_erp(commitment=deliverable, by=sender)
    lists_know(deliverable)
    before = basis_of(submission)
    assert codes(submission) == set()
    Connection.objects.update(fixed_price_units="ls, cy")
    assert codes(submission) == {"line-goes-as-an-amount"}
    assert basis_of(submission).hash != before.hash


def test_an_unknown_rule_is_refused_by_the_database(awaiting: Submission) -> None:
    for field in ("erp_id_rule", "non_ascii"):
        with pytest.raises(IntegrityError, match="rule_is_known"), transaction.atomic():
            Connection.objects.update(**{field: "other"})
