"""Send to ERP, and Retrieve from ERP: the project's part."""

from dataclasses import replace
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from commitments.locks import set_accounting_status
from commitments.models import EXPORTED_STATUSES, Attachment, Badge, Commitment, Lock
from directory.models import User
from directory.rights.permissions import require_send_commitments
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.emails.commitment_mails import store_resent_mail
from erp_integrations.events import ErpEvent
from erp_integrations.exports import outcomes
from erp_integrations.models import Connection, JobStatus, QuestionState, Submission, SubmissionStatus
from erp_integrations.models.submissions import OPEN_STATUSES
from erp_integrations.snapshots import (
    STATUS_VERSION,
    Document,
    Purpose,
    build_document,
    hash_text,
    to_json,
)
from erp_integrations.submissions.asking import close_open_question
from erp_integrations.submissions.contributors import list_contributors
from erp_integrations.submissions.errors import Conflict, ExportBlocked
from erp_integrations.submissions.row_locks import (
    describe_conflict,
    get_sent_document,
    lock_commitment,
    record_decision,
)


@transaction.atomic
def send_to_erp(*, commitment: Commitment, by: User, version: int | None = None) -> Submission:
    """Send, or re-send, a commitment to accounting: it locks whole, and a snapshot is kept.

    ``version`` is what the person saw, where others were sent with it. Raises RightMissing without Admin on
    the Commitments tool, ExportBlocked when something blocks, Conflict when it is with accounting already or
    is another version.
    """
    commitment = lock_commitment(commitment.pk)
    require_send_commitments(by, commitment.project)
    open_submission = commitment.submissions.whole().filter(status__in=OPEN_STATUSES).first()
    if open_submission:
        raise Conflict(f"This commitment is already with accounting ({commitment.get_badge_display()}).")
    if version not in (None, commitment.version):
        raise Conflict("It has changed since you opened this page. Look at it, and send it then.")
    document = build_document(commitment)
    basis = build_basis(document)
    issues = preflight.check_export(basis, moment=preflight.Moment.SEND, erp_id=basis.proposed_erp_id)
    if preflight.list_blocking(issues) or basis.connection is None:
        raise ExportBlocked(preflight.list_blocking(issues))
    last = commitment.submissions.whole().order_by("-pk").first()
    submission = store_submission(commitment, document, basis.connection, by, total=document.total)
    if last and last.status == SubmissionStatus.REJECTED:
        store_resent_mail(submission, last)
    set_accounting_status(commitment, badge=Badge.AWAITING, lock=Lock.WHOLE)
    return submission


@transaction.atomic
def send_status(*, commitment: Commitment, by: User, status: str) -> Submission:
    """Ask accounting to move the status of an exported commitment; it moves here once Spectrum has it.

    What was exported is sent as it was, with the other status, and stays locked. Raises RightMissing without
    Admin on the Commitments tool, Conflict where it is not in Spectrum, can't move there, or waits already.
    """
    commitment = lock_commitment(commitment.pk)
    require_send_commitments(by, commitment.project)
    whole = commitment.submissions.whole().filter(status=SubmissionStatus.ACCEPTED).first()
    if whole is None or commitment.lock != Lock.EXPORTED:
        raise Conflict("This commitment is not in Spectrum, so its status is changed by editing it.")
    if pending := find_pending_status(commitment):
        raise Conflict(f"{pending.new_status_label} is with accounting already.")
    if status == commitment.status or status not in EXPORTED_STATUSES[commitment.kind]:
        raise Conflict("Choose the status that it has from now on.")
    sent = get_sent_document(whole)
    document = replace(
        sent,
        purpose=Purpose.STATUS,
        status=status,
        previous_status=commitment.status,
        schema_version=max(sent.schema_version, STATUS_VERSION),
    )
    basis = build_basis(document)
    issues = preflight.check_export(basis, moment=preflight.Moment.EXPORT, erp_id=basis.proposed_erp_id)
    if preflight.list_blocking(issues) or basis.connection != whole.connection:
        raise Conflict(" ".join(f"{issue.sentence} {issue.action}" for issue in issues))
    # No money moves with it.
    return store_submission(commitment, document, whole.connection, by, total=Decimal(0))


def find_pending_status(commitment: Commitment) -> Submission | None:
    """One that awaits a decision, or that Spectrum does not have yet."""
    statuses = commitment.submissions.filter(purpose=Purpose.STATUS, status__in=OPEN_STATUSES)
    return statuses.exclude(jobs__status=JobStatus.SYNCED).first()


def store_submission(
    commitment: Commitment, document: Document, connection: Connection, by: User, *, total: Decimal
) -> Submission:
    submission = build_submission(commitment, document, connection, by, total=total)
    submission.hands = list_contributors(commitment)
    submission.asked = commitment.questions.exists()
    submission.save()
    if document.attachments:
        sent = [each.attachment_id for each in document.attachments]
        Attachment.objects.filter(pk__in=sent).update(was_sent=True)
    record_decision(ErpEvent.SUBMISSION_SENT, submission, by, {"snapshot_hash": submission.snapshot_hash})
    return submission


def build_submission(
    commitment: Commitment, document: Document, connection: Connection, by: User, *, total: Decimal
) -> Submission:
    """Not saved yet."""
    snapshot = to_json(document)
    return Submission(
        purpose=document.purpose,
        new_status=document.status if document.is_status else "",
        company=commitment.project.company,
        project=commitment.project,
        commitment=commitment,
        connection=connection,
        snapshot=snapshot,
        snapshot_hash=hash_text(snapshot),
        schema_version=document.schema_version,
        kind=document.kind,
        number=document.number,
        title=f"Status to {document.status_label}: {document.title}"[:255]
        if document.is_status
        else document.title,
        contract_company_name=document.contract_company_name,
        total=total,
        sent_by=by,
        created_by=commitment.created_by,
    )


@transaction.atomic
def retrieve_from_erp(*, commitment: Commitment, by: User) -> Submission:
    """Take a commitment back while nobody has decided, which is editable again; or its status alone.

    Raises RightMissing without Admin on the Commitments tool, Conflict when it was decided.
    """
    commitment = lock_commitment(commitment.pk)
    require_send_commitments(by, commitment.project)
    submissions = commitment.submissions.select_for_update().filter(status__in=OPEN_STATUSES)
    submission = submissions.order_by("-pk").first()
    if submission is None:
        raise Conflict("This commitment is not with accounting, so there is nothing to retrieve.")
    if submission.status != SubmissionStatus.AWAITING:
        raise Conflict(f"It can no longer be retrieved: {describe_conflict(submission)}")
    submission.retrieve(by=by, at=timezone.now())
    submission.save_decision()
    submission.commitment = commitment
    outcomes.set_badge(submission, Badge.RETRIEVED, lock=Lock.NONE)
    detail = close_open_question(submission, QuestionState.RETRIEVED, by)
    record_decision(ErpEvent.SUBMISSION_RETRIEVED, submission, by, detail)
    return submission
