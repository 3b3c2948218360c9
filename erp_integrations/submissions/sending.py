"""Send to ERP, and Retrieve from ERP: the project's part."""

from django.db import transaction
from django.utils import timezone

from commitments.locks import set_accounting_status
from commitments.models import Badge, Commitment, Lock
from directory.models import User
from directory.rights.permissions import require_send_commitments
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.events import ErpEvent
from erp_integrations.models import QuestionState, Submission, SubmissionStatus
from erp_integrations.models.submissions import OPEN_STATUSES
from erp_integrations.snapshots import build_document, hash_text, to_json
from erp_integrations.submissions.asking import close_open_question
from erp_integrations.submissions.contributors import list_contributors
from erp_integrations.submissions.errors import Conflict, ExportBlocked
from erp_integrations.submissions.row_locks import describe_conflict, lock_commitment, record_decision


@transaction.atomic
def send_to_erp(*, commitment: Commitment, by: User) -> Submission:
    """Send, or re-send, a commitment to accounting: it locks whole, and a snapshot is kept.

    Raises RightMissing without Admin on the Commitments tool, ExportBlocked when something
    blocks, Conflict when it is with accounting already.
    """
    commitment = lock_commitment(commitment.pk)
    require_send_commitments(by, commitment.project)
    open_submission = commitment.submissions.filter(status__in=OPEN_STATUSES).first()
    if open_submission:
        raise Conflict(f"This commitment is already with accounting ({commitment.get_badge_display()}).")
    document = build_document(commitment)
    basis = build_basis(document)
    issues = preflight.check_export(basis, moment=preflight.Moment.SEND, erp_id=basis.proposed_erp_id)
    if preflight.list_blocking(issues) or basis.connection is None:
        raise ExportBlocked(preflight.list_blocking(issues))
    snapshot = to_json(document)
    submission = Submission.objects.create(
        company=commitment.project.company,
        project=commitment.project,
        commitment=commitment,
        connection=basis.connection,
        snapshot=snapshot,
        snapshot_hash=hash_text(snapshot),
        schema_version=document.schema_version,
        kind=document.kind,
        number=document.number,
        title=document.title,
        contract_company_name=document.contract_company_name,
        total=document.total,
        sent_by=by,
        created_by=commitment.created_by,
        hands=list_contributors(commitment),
        asked=commitment.questions.exists(),
    )
    set_accounting_status(commitment, badge=Badge.AWAITING, lock=Lock.WHOLE)
    record_decision(ErpEvent.SUBMISSION_SENT, submission, by, {"snapshot_hash": submission.snapshot_hash})
    return submission


@transaction.atomic
def retrieve_from_erp(*, commitment: Commitment, by: User) -> Submission:
    """Take a commitment back while nobody has decided; it is editable again.

    Raises RightMissing without Admin on the Commitments tool, Conflict when it was decided.
    """
    commitment = lock_commitment(commitment.pk)
    require_send_commitments(by, commitment.project)
    submission = commitment.submissions.select_for_update().filter(status__in=OPEN_STATUSES).first()
    if submission is None:
        raise Conflict("This commitment is not with accounting, so there is nothing to retrieve.")
    if submission.status != SubmissionStatus.AWAITING:
        raise Conflict(f"It can no longer be retrieved: {describe_conflict(submission)}")
    submission.retrieve(by=by, at=timezone.now())
    submission.save_decision()
    set_accounting_status(commitment, badge=Badge.RETRIEVED, lock=Lock.NONE)
    detail = close_open_question(submission, QuestionState.RETRIEVED, by)
    record_decision(ErpEvent.SUBMISSION_RETRIEVED, submission, by, detail)
    return submission
