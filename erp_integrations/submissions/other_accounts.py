"""Another general-ledger account for one commitment, where its default was refused."""

from django.db import transaction

from directory.models import User
from erp_integrations.confirmations import pending_changes
from erp_integrations.confirmations.subjects import Kind, Subject
from erp_integrations.events import ErpEvent
from erp_integrations.models import JobStatus, Submission, SubmissionStatus, UnconfirmedChange
from erp_integrations.submissions import row_locks
from erp_integrations.submissions.errors import Conflict, DecisionError


@transaction.atomic
def set_other_account(*, submission: Submission, by: User, account: str, expected_version: int) -> None:
    """Of this sending alone, after a failed export; blank for the default again. It waits for a second
    person, without whom nothing is accepted again. Raises RightMissing, Conflict, DecisionError.
    """
    submission = row_locks.lock_for_decision(submission, by)
    job = row_locks.lock_job(submission) if submission.status == SubmissionStatus.ACCEPTED else None
    if job is None or job.status != JobStatus.FAILED or job.plan_round != expected_version:
        raise Conflict(row_locks.describe_conflict(submission))
    if account == submission.general_ledger_account:
        raise DecisionError("It goes to this account already, so nothing was changed.")
    subject = Subject(Kind.SUBMISSION, submission.connection_id, str(submission.pk))
    before = subject.get_values()
    submission.general_ledger_account = account
    submission.save(update_fields=["general_ledger_account"])
    detail = pending_changes.record_change(subject, before=before, by=by, company=submission.company)
    row_locks.record_decision(ErpEvent.SUBMISSION_ACCOUNT_PROPOSED, submission, by, detail)


def delete_proposal(submission: Submission) -> None:
    """With its sending, which nobody confirms anything of any more."""
    subject = Subject(Kind.SUBMISSION, submission.connection_id, str(submission.pk))
    UnconfirmedChange.objects.filter(subject=str(subject)).delete()
