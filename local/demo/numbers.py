"""What was sent when Send only warned of a number: whoever accepts it gives the ERP ID."""

from django.db import transaction

from commitments.locks import set_accounting_status
from commitments.models import Badge, Commitment, Lock
from directory.models import User
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.checks.numbers import NUMBER_ISSUES
from erp_integrations.models import Submission
from erp_integrations.snapshots import build_document
from erp_integrations.submissions.row_locks import lock_commitment
from erp_integrations.submissions.sending import store_submission


def send_with_any_number(commitment: Commitment, by: User) -> Submission:
    """Raises ExportBlocked where more than the number is in the way."""
    try:
        return submissions.send_to_erp(commitment=commitment, by=by)
    except submissions.ExportBlocked as blocked:
        if {each.code for each in blocked.issues} - NUMBER_ISSUES:
            raise
    with transaction.atomic():
        row = lock_commitment(commitment.pk)
        document = build_document(row)
        connection = build_basis(document).connection
        assert connection
        submission = store_submission(row, document, connection, by, total=document.total)
        set_accounting_status(row, badge=Badge.AWAITING, lock=Lock.WHOLE)
    return submission
