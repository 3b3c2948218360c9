"""Mails about an acceptance that did not stay as its approver left it: at once, and to every approver."""

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from directory.history import subscribers
from directory.models import CompanyMembership, HistoryEntry, User
from erp_integrations import signing
from erp_integrations.events import ErpEvent
from erp_integrations.exports import outcomes
from erp_integrations.models import Submission
from notifications import emails

OPERATOR_MESSAGES: dict[str, str] = {
    ErpEvent.SUBMISSION_UNDONE: "The server's operator undid the acceptance at the command line "
    "({}). It is back in Ready to Export. Nothing was sent.",
    ErpEvent.EXPORT_RESUMED: "The server's operator resumed the export at the command line ({}). What "
    "is sent is what was accepted.",
}


def subscribe_to_history() -> None:
    """Hear of them from now on; called once, when the application starts."""
    for event in OPERATOR_MESSAGES:
        subscribers.subscribe(event, notify_operator_action)
    subscribers.subscribe(ErpEvent.SUBMISSION_RETURNED, notify_return)


def notify_operator_action(entry: HistoryEntry) -> None:
    if entry.by_id is None:
        operator = entry.detail.get("operator", "name unknown")
        store_decision_mail(entry, OPERATOR_MESSAGES[entry.event].format(operator))


def notify_return(entry: HistoryEntry) -> None:
    """That an approver lost the right, its own mail tells; that nobody signed, somebody must look into."""
    if (cause := entry.detail["why"]) == outcomes.LOST_RIGHT:
        return
    is_old = cause == signing.ACCEPTED_BEFORE_SIGNING
    advice = "" if is_old else " Ask your database administrator how this happened."
    store_decision_mail(
        entry,
        f"Nothing was sent, because {cause}. It is back in Ready to Export. Check it and accept it again if "
        f"it is right.{advice}",
    )


def store_decision_mail(entry: HistoryEntry, sentence: str) -> None:
    """Whoever accepted it, and the company's approvers. Nobody can switch this off."""
    submission = Submission.objects.select_related("company", "project", "connection").get(
        pk=entry.subject_id
    )
    approvers = CompanyMembership.objects.approvers().filter(company=submission.company_id)
    accepted_by = entry.detail.get("accepted_by") or submission.decided_by_id
    people = User.objects.filter(Q(pk__in=approvers.values("user")) | Q(pk=accepted_by), is_active=True)
    line = emails.AttentionLine(
        f"{submission.number} {submission.title}",
        submission.project.name,
        sentence,
        reverse("erp_integrations:review", args=[submission.company.slug, submission.pk]),
    ).with_address(settings.PUBLIC_URL)
    emails.store_attention(
        recipients=people.order_by("pk"),
        connection=submission.connection.name,
        lines=[line],
        link=line.url,
        for_project=False,
    )
