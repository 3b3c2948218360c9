"""Exempt one approver, once, from the rule that nobody decides on what they had a hand in.

So that no commitment waits for ever in a company of two.
"""

from django.db import transaction

from directory import history
from directory.models import User
from directory.rights.permissions import RightMissing, find_company_membership
from erp_integrations.events import ErpEvent
from erp_integrations.models import Submission
from erp_integrations.submissions.errors import Conflict, DecisionError
from erp_integrations.submissions.four_eyes import describe_own_decision
from erp_integrations.submissions.row_locks import describe_conflict, lock_commitment, require_text


@transaction.atomic
def exempt(*, submission: Submission, person: User, by: User | None, reason: str) -> Submission:
    """Let an approver decide on one submission, whatever hand they had in it; it ends with the decision.

    ``by`` are staff who may grant the privilege here, or None for the operator at the command line. Everybody
    concerned is mailed. Raises RightMissing for oneself or without that right, StatementMissing without a
    reason, Conflict when it was decided, DecisionError for whom it would not help.
    """
    lock_commitment(submission.commitment_id)
    submission = (
        Submission.objects.select_for_update(of=("self",)).select_related("company").get(pk=submission.pk)
    )
    company = submission.company
    if by and (by == person or by not in User.objects.granters(company)):
        sentence = (
            "Only staff who may grant Can Push to Accounting can exempt an approver, and never themselves."
        )
        raise RightMissing(by=by, company=company, right="exempt an approver", sentence=sentence)
    reason = require_text(
        reason, "Give a reason. It is mailed to everybody concerned and kept in the history."
    )
    if not Submission.objects.undecided().filter(pk=submission.pk).exists():
        raise Conflict(describe_conflict(submission))
    membership = find_company_membership(person, company)
    if not (membership and membership.is_accounting_approver):
        raise DecisionError(f"{person} doesn't have Can Push to Accounting at {company}. Grant it first.")
    if not describe_own_decision(submission, person):
        raise DecisionError(f"{person} can already decide on it.")
    submission.exempt = person
    submission.save(update_fields=["exempt"])
    detail = {"user": person.pk, "reason": reason}
    history.record(
        event=ErpEvent.SUBMISSION_EXEMPTED, subject=submission, by=by, company=company, detail=detail
    )
    return submission
