"""The mails about one submission, and their recipients (docs/product.md, section 10)."""

from django.conf import settings
from django.urls import reverse

from commitments.models import Commitment, Kind
from directory.models import Level, User
from erp_integrations.models import Submission
from notifications import emails
from notifications.models import Kind as MailKind


def store_rejection_mails(submission: Submission) -> None:
    """Tell the creator, and the sender if that is another person, why accounting said no.

    If the creator is no longer with the company, the project's Commitments Admins are told.
    Stored in the caller's transaction.
    """
    members = User.objects.filter(is_active=True, company_memberships__company=submission.company_id)
    people = list(members.filter(pk__in={submission.created_by_id, submission.sent_by_id}))
    if submission.created_by_id not in {person.pk for person in people}:
        people += members.filter(
            project_memberships__project=submission.project_id,
            project_memberships__commitments_level=Level.ADMIN,
        )
    page, next_step = (
        "edit",
        "You can edit it again. Once corrected, a project admin sends it with Re-send to ERP.",
    )
    if submission.new_status:
        page, next_step = "detail", "The commitment keeps the status that it has, and stays locked."
    address = reverse(f"commitments:{page}", args=[submission.project_id, submission.commitment_id])
    emails.store_rejection(
        recipients=people,
        kind=Kind(submission.kind).label,
        number=submission.number,
        title=submission.title,
        project=submission.project.name,
        vendor=submission.contract_company_name,
        amount=submission.total,
        currency=submission.company.currency,
        reason=submission.reason,
        rejected_by=str(submission.decided_by),
        next_step=next_step,
        link=f"{settings.PUBLIC_URL}{address}",
    )


def store_correction_mails(submission: Submission, commitment: Commitment, *, by_id: int | None) -> None:
    """Tell whoever sent it, or the project's admins where that person can't any more."""
    admins = User.objects.filter(
        is_active=True,
        company_memberships__company=submission.company_id,
        project_memberships__project=submission.project_id,
        project_memberships__commitments_level=Level.ADMIN,
    )
    emails.store_question(
        recipients=list(admins.filter(pk=submission.sent_by_id)) or list(admins),
        kind=MailKind.CORRECTED,
        commitment=f"{commitment.number} {commitment.title}",
        facts=[
            ("Project", submission.project.name),
            ("Commitment", commitment.get_kind_display()),
            ("Contract Company", str(commitment.contract_company)),
            ("Rejected because", submission.reason),
        ],
        text="Nothing stands in the way of sending it again.",
        by=str(User.objects.filter(pk=by_id or 0).first() or "The system"),
        link=f"{settings.PUBLIC_URL}{commitment.get_absolute_url()}",
    )
