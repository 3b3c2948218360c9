"""The mails of a question and of its answer (docs/product.md, section 10)."""

from django.conf import settings

from commitments.models import Kind
from directory.models import VISIBLE_LEVELS, User
from erp_integrations.models import Question
from notifications import emails
from notifications.models import Kind as MailKind
from notifications.text import format_money


def store_question_mail(question: Question) -> None:
    _store_mail(question, [question.asked_of], MailKind.QUESTION)


def store_answer_mail(question: Question) -> None:
    """To who asked, while they see the tool."""
    viewers = User.objects.filter(
        is_active=True,
        company_memberships__company=question.submission.company_id,
        company_memberships__erp_integrations_level__in=VISIBLE_LEVELS,
    )
    _store_mail(question, list(viewers.filter(pk=question.asked_by_id)), MailKind.ANSWER)


def _store_mail(question: Question, recipients: list[User], kind: MailKind) -> None:
    submission, is_answer = question.submission, kind == MailKind.ANSWER
    path = submission.get_absolute_url() if is_answer else submission.commitment.get_absolute_url()
    emails.store_question(
        recipients=recipients,
        kind=kind,
        commitment=f"{submission.number} {submission.title}",
        facts=[
            ("Project", submission.project.name),
            ("Commitment", Kind(submission.kind).label),
            ("Contract Company", submission.contract_company_name),
            ("Amount", format_money(submission.total, submission.company.currency)),
            *([("Your question", question.text)] if is_answer else []),
        ],
        text=question.answer if is_answer else question.text,
        by=str(question.closed_by if is_answer else question.asked_by),
        link=f"{settings.PUBLIC_URL}{path}",
    )
