"""The check that a waiting row carries, and that it is never a wrong Clean."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from commitments.models import Commitment, ContractCompany
from directory.models import User
from erp_integrations import submissions
from erp_integrations.checks import row_checks
from erp_integrations.models import (
    CheckInvalidation,
    CheckRule,
    ConnectionSettings,
    ErpIdHold,
    JobLink,
    Submission,
    SubmissionCheck,
    UnconfirmedChange,
    Vendor,
    VendorLink,
    Verdict,
)
from erp_integrations.models.row_checks import is_current
from tests.conftest import session_of_owner
from tests.factories import CommitmentFactory, ContractCompanyFactory, LineItemFactory, have_been_read

PHASES = {("0330000", "S"): "A", ("0510000", "S"): "A"}
pytestmark = pytest.mark.django_db(transaction=True)


def check_of(submission: Submission) -> Any:
    return SubmissionCheck.objects.annotate(current=is_current()).get(pk=submission.pk)


@pytest.fixture
def checked(awaiting: Submission) -> Submission:
    """Checked, and clean."""
    have_been_read(awaiting.connection, vendors={"ACME": "Acme"}, jobs={"24-001": PHASES})
    row_checks.check_due_submissions()
    check = check_of(awaiting)
    assert (check.verdict, check.headline, check.current) == (Verdict.CLEAN, "", True)
    return awaiting


def test_a_row_that_was_just_sent_claims_nothing(awaiting: Submission) -> None:
    check = check_of(awaiting)
    assert (check.verdict, check.current) == ("", False)


CHANGES: dict[str, Callable[[Submission], object]] = {
    "the job link": lambda it: JobLink.objects.update(job_number="24-002"),
    "the vendor link": lambda it: VendorLink.objects.update(vendor_code="OTHER"),
    "the vendor link's account": lambda it: VendorLink.objects.update(general_ledger_account="9"),
    "the vendor's status": lambda it: Vendor.objects.update(status="N"),
    "a setting": lambda it: ConnectionSettings.objects.update(success_rule="unknown"),
    "another's ERP ID": lambda it: ErpIdHold.objects.create(
        connection=it.connection, vendor_code="ACME", erp_id=it.number, commitment=CommitmentFactory()
    ),
    "a change that nobody confirmed": lambda it: UnconfirmedChange.objects.create(
        company=it.company, subject=f"job:0:{it.project_id}", confirmed={}, people=[]
    ),
    "a rule": lambda it: CheckRule.objects.create(company=it.company, code="amount", is_on=False),
    "a new vendor": lambda it: ContractCompany.objects.create(company=it.company, name="Acmee"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_check_is_out_of_date_with_the_write_on_which_it_rests(checked: Submission, change: str) -> None:
    CHANGES[change](checked)

    assert not check_of(checked).current

    row_checks.check_due_submissions()
    assert check_of(checked).current
    assert not CheckInvalidation.objects.exists()


def test_a_write_that_commits_after_the_check_read_makes_it_out_of_date(checked: Submission) -> None:
    """It began before the check, and nobody but itself could see it then."""
    with session_of_owner() as other:
        other.execute("BEGIN")
        other.execute("UPDATE erp_integrations_vendorlink SET vendor_code = 'OTHER'")
        SubmissionCheck.objects.update(checked_at=None)
        row_checks.check_due_submissions()
        assert check_of(checked).current
        other.execute("COMMIT")

    assert not check_of(checked).current
    row_checks.check_due_submissions()
    assert check_of(checked).verdict != Verdict.CLEAN


def test_what_another_company_does_changes_nothing(checked: Submission) -> None:
    ContractCompanyFactory(name="Acmee")
    assert check_of(checked).current


def test_a_check_of_another_database_counts_for_nothing(checked: Submission) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE erp_integrations_submissioncheck SET seen = '900000000:900000000:'")
    assert not check_of(checked).current


def test_a_check_is_a_day_old_at_most(checked: Submission) -> None:
    SubmissionCheck.objects.update(checked_at=Now() - timedelta(hours=24, minutes=1))
    assert row_checks.check_due_submissions() == 1


def test_a_decided_row_is_checked_again_only_when_it_waits_again(checked: Submission, approver: User) -> None:
    job = submissions.accept(
        submission=checked,
        by=approver,
        expected_hash=check_of(checked).basis_hash,
        erp_id=check_of(checked).erp_id,
    )
    assert row_checks.check_due_submissions() == 0
    VendorLink.objects.update(general_ledger_account="9")
    assert row_checks.check_due_submissions() == 0

    submissions.undo(submission=job.submission, by=approver)
    assert not check_of(checked).current
    assert row_checks.check_due_submissions() == 1


def test_one_worker_at_a_time_checks(awaiting: Submission) -> None:
    with session_of_owner() as other:
        other.execute("BEGIN")
        other.execute(f"SELECT pg_advisory_xact_lock({row_checks.LOCK_KEY})")
        assert row_checks.check_due_submissions() == 0
    assert row_checks.check_due_submissions() == 1


def test_nothing_of_a_batch_is_left_when_it_breaks_down(
    awaiting: Submission, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction.atomic():
        row_checks.check_next_batch()
        transaction.set_rollback(True)
    assert not check_of(awaiting).current


def test_the_same_vendor_and_number_twice(checked: Submission, sender: User, deliverable: Commitment) -> None:
    twin = CommitmentFactory(
        approved=True,
        project=deliverable.project,
        kind="purchase_order",
        number=deliverable.number.lower().replace("-", " "),
        contract_company=deliverable.contract_company,
        lines=0,
    )
    LineItemFactory(commitment=twin, cost_code=deliverable.lines.all()[0].cost_code)
    submissions.send_to_erp(commitment=twin, by=sender)
    assert not check_of(checked).current

    row_checks.check_due_submissions()

    check = check_of(checked)
    assert check.verdict == Verdict.LOOK
    codes = {each["code"] for each in check.issues}
    assert "rule-same-number" in codes
    assert twin.number in check.headline
