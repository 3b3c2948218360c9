"""Send to ERP, and Retrieve from ERP: the project's part."""

from django.db import transaction
from django.utils import timezone

from commitments import services as commitments
from commitments.models import Badge, Commitment, Lock
from directory.models import User
from directory.rights.permissions import require_send_commitments
from erp_integrations.checks import preflight
from erp_integrations.models import Submission, SubmissionStatus
from erp_integrations.models.submissions import OPEN_STATUSES
from erp_integrations.snapshots import text_hash, to_json
from erp_integrations.submissions.contributors import hands_in
from erp_integrations.submissions.errors import Conflict, NotReady
from erp_integrations.submissions.row_locks import lock_commitment, record, who_decided


@transaction.atomic
def send_to_erp(*, commitment: Commitment, by: User) -> Submission:
    """Send, or re-send, a commitment to accounting: it locks whole, and a snapshot is kept.

    Raises RightMissing without Admin on the Commitments tool, NotReady when something
    blocks, Conflict when it is with accounting already.
    """
    locked = lock_commitment(commitment.pk)
    require_send_commitments(by, locked.project)
    open_one = locked.submissions.filter(status__in=OPEN_STATUSES).first()
    if open_one:
        raise Conflict(f"This commitment is with accounting already ({locked.get_badge_display()}).")
    document = preflight.document_of(locked)
    basis = preflight.basis_of(document)
    found = preflight.findings(basis, moment=preflight.Moment.SEND, erp_id=preflight.proposed_erp_id(basis))
    if preflight.blocking(found) or basis.connection is None:
        raise NotReady(preflight.blocking(found))
    snapshot = to_json(document)
    submission = Submission.objects.create(
        company=locked.project.company,
        project=locked.project,
        commitment=locked,
        connection=basis.connection,
        snapshot=snapshot,
        snapshot_hash=text_hash(snapshot),
        schema_version=document.schema_version,
        kind=document.kind,
        number=document.number,
        title=document.title,
        contract_company_name=document.contract_company_name,
        total=document.total,
        sent_by=by,
        created_by=locked.created_by,
        hands=hands_in(locked),
    )
    commitments.mark(locked, badge=Badge.AWAITING, lock=Lock.WHOLE)
    record("submission.sent", submission, by, {"snapshot_hash": submission.snapshot_hash})
    return submission


@transaction.atomic
def retrieve_from_erp(*, commitment: Commitment, by: User) -> Submission:
    """Take a commitment back while nobody has decided; it is editable again.

    Raises RightMissing without Admin on the Commitments tool, Conflict when it was decided.
    """
    locked = lock_commitment(commitment.pk)
    require_send_commitments(by, locked.project)
    submission = locked.submissions.select_for_update().filter(status__in=OPEN_STATUSES).first()
    if submission is None:
        raise Conflict("Accounting doesn't have this commitment, so there is nothing to retrieve.")
    if submission.status != SubmissionStatus.AWAITING:
        raise Conflict(f"It can't be retrieved any more: {who_decided(submission)}")
    submission.retrieve(by=by, at=timezone.now())
    submission.save()
    commitments.mark(locked, badge=Badge.RETRIEVED, lock=Lock.NONE)
    record("submission.retrieved", submission, by)
    return submission
