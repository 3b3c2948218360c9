"""The mails about one submission, and their recipients (docs/product.md, section 10)."""

from collections.abc import Iterable

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from commitments.models import Kind
from directory.models import VISIBLE_LEVELS, CompanyMembership, Level, User
from erp_integrations.models import Question, Submission
from erp_integrations.snapshots import Document
from notifications import letters
from notifications.models import Kind as MailKind
from notifications.preferences import list_subscribers
from notifications.text import format_money


def store_rejection_mails(submission: Submission) -> None:
    """Tell the creator, and the sender if that is another person, why accounting said no.

    If the creator is no longer with the company, the project's Commitments Admins are told.
    Stored in the caller's transaction.
    """
    people = list(list_members(submission).filter(pk__in={submission.created_by_id, submission.sent_by_id}))
    if submission.created_by_id not in {person.pk for person in people}:
        people += list_project_admins(submission)
    page, closing = (
        "edit",
        "You can edit it again. Once corrected, a project admin sends it with Re-send to ERP.",
    )
    if submission.new_status:
        page, closing = "detail", "The commitment keeps the status that it has, and stays locked."
    address = reverse(f"commitments:{page}", args=[submission.project_id, submission.commitment_id])
    store_mail(
        submission, MailKind.REJECTION, people, submission.reason, submission.decided_by, address, closing
    )


def store_correction_mails(submission: Submission, corrected: Document, *, by: User | None) -> None:
    """Tell whoever sent it, or the project's admins where that person can't any more."""
    admins = list_project_admins(submission)
    store_mail(
        submission,
        MailKind.CORRECTED,
        admins.filter(pk=submission.sent_by_id) or admins,
        "Nothing stands in the way of sending it again.",
        by,
        submission.commitment.get_absolute_url(),
        "Accounting rejected it. It is not sent again until you send it.",
        ("Rejected because", submission.reason),
        corrected=corrected,
    )


def store_resent_mail(submission: Submission, rejected: Submission) -> None:
    """Tell whoever rejected it that it is back, while they see the tool."""
    store_mail(
        submission,
        MailKind.RESENT,
        list_subscribers(list_viewers(submission, rejected.decided_by_id), MailKind.RESENT),
        "It was sent again. Its page shows what changed since you rejected it.",
        submission.sent_by,
        submission.get_absolute_url(),
        "It awaits a decision, by you or another approver.",
        ("Your reason", rejected.reason),
    )


def store_question_mail(question: Question) -> None:
    store_mail(
        question.submission,
        MailKind.QUESTION,
        [question.asked_of],
        question.text,
        question.asked_by,
        question.submission.commitment.get_absolute_url(),
        "Accounting has not decided yet. The commitment stays with accounting, and locked.",
    )


def store_answer_mail(question: Question) -> None:
    """To who asked, while they see the tool."""
    store_mail(
        question.submission,
        MailKind.ANSWER,
        list_viewers(question.submission, question.asked_by_id),
        question.answer,
        question.closed_by,
        question.submission.get_absolute_url(),
        "The commitment is still to be decided.",
        ("Your question", question.text),
    )


def store_mail(
    submission: Submission,
    kind: MailKind,
    recipients: Iterable[User],
    text: str,
    by: User | None,
    path: str,
    closing: str,
    *facts: tuple[str, str],
    corrected: Document | None = None,
) -> None:
    """``text`` in the words of ``by``; ``facts`` beside those that every mail has."""
    current = corrected or submission
    letter = letters.Letter(
        commitment=f"{current.number} {current.title}",
        facts=[
            ("Project", submission.project.name),
            ("Commitment", Kind(submission.kind).label),
            ("Contract Company", current.contract_company_name),
            ("Amount", format_money(current.total, submission.company.currency)),
            *facts,
        ],
        text=text.strip(),
        by=str(by or "The system"),
        closing=closing,
        link=f"{settings.PUBLIC_URL}{path}",
        thread=get_thread(submission.commitment_id),
    )
    letters.store_letter(recipients=recipients, kind=kind, letter=letter, by=by)


def get_thread(commitment_id: int) -> str:
    """By which a mail program knows the mails of one commitment."""
    return f"commitment-{commitment_id}"


def list_members(submission: Submission) -> QuerySet[User]:
    return User.objects.filter(is_active=True, company_memberships__company=submission.company_id)


def list_project_admins(submission: Submission) -> QuerySet[User]:
    return list_members(submission).filter(
        project_memberships__project=submission.project_id,
        project_memberships__commitments_level=Level.ADMIN,
    )


def list_viewers(submission: Submission, person_id: int | None) -> QuerySet[User]:
    """That person, while they see the company's tool."""
    viewers = CompanyMembership.objects.filter(
        company=submission.company_id, erp_integrations_level__in=VISIBLE_LEVELS
    )
    return User.objects.filter(pk=person_id or 0, is_active=True, company_memberships__in=viewers)
