"""Mails that a server refused for good: who acted is told, and who can act instead."""

from dataclasses import replace

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower, Now

from directory.models import Company, User
from erp_integrations.emails.commitment_mails import get_thread, list_members, list_project_admins
from erp_integrations.models import Submission, SubmissionStatus
from notifications.letters import Letter, store_letter
from notifications.models import Kind, OutgoingEmail, RefusedAddress, Status

WAITING_HELP = (
    "They are tried again; whoever runs the server finds the reason in Django admin, under Outgoing e-mails."
)


@transaction.atomic
def store_undelivered_mails() -> int:
    """Tell once of each mail about a commitment that was given up; how many mails were."""
    given_up = OutgoingEmail.objects.failed().exclude(letters=[]).filter(passed_on_at=None)
    emails = list(
        given_up.exclude(kind=Kind.UNDELIVERED)
        .select_related("recipient", "caused_by")
        .order_by("pk")
        .select_for_update(skip_locked=True, of=("self",))
    )
    for email in emails:
        for values in email.letters:
            store_copies(email, Letter(**values))
        email.passed_on_at = Now()
        email.save(update_fields=["passed_on_at"])
    return len(emails)


def store_copies(email: OutgoingEmail, letter: Letter) -> None:
    """To who acted, while they are with the company, and the project's admins."""
    submissions = Submission.objects.filter(commitment=int(letter.thread.rpartition("-")[2]))
    submission = submissions.latest("pk")
    acted = list_members(submission).filter(pk=email.caused_by_id or 0)
    people = [*list_project_admins(submission), *acted]
    sentence = f"This could not be mailed to {email.recipient}. Tell them, or choose another person."
    store_letter(
        kind=Kind.UNDELIVERED,
        recipients=[person for person in people if person != email.recipient],
        letter=replace(letter, closing=sentence),
        by=email.caused_by,
    )


def describe_undelivered(submission: Submission) -> str:
    """Whom a mail about it did not reach, or not yet, and what to do; blank where it reached all."""
    if not (submission.asked or submission.status == SubmissionStatus.REJECTED):
        return ""  # nothing was mailed about it
    found = OutgoingEmail.objects.exclude(kind=Kind.UNDELIVERED).filter(
        created_at__gte=submission.sent_at,
        letters__contains=[{"thread": get_thread(submission.commitment_id)}],
    )
    failed, waiting = (each.values("recipient", "status") for each in (found.failed(), found.put_off()))
    statuses = {each["recipient"]: each["status"] for each in waiting.union(failed).order_by("-status")}
    people = User.objects.filter(pk__in=statuses).order_by("last_name", "pk")
    sentences = {
        Status.FAILED: "It could not be mailed to {}. Tell them, or choose another person.",
        Status.QUEUED: "It has not reached {} yet: the mail server did not take it. It is tried again.",
    }
    named = {status: [str(each) for each in people if statuses[each.pk] == status] for status in sentences}
    return " ".join(sentences[status].format(" and ".join(names)) for status, names in named.items() if names)


def describe_waiting(company: Company) -> str:
    """That the mail server does not take mails to the company's people; blank where it does."""
    people = User.objects.filter(company_memberships__company=company)
    count = OutgoingEmail.objects.put_off().filter(recipient__in=people).count()
    mails = f"{count} mail{'' if count == 1 else 's'} to people of {company}"
    return f"The mail server did not take {mails}. {WAITING_HELP}" if count else ""


def list_refused_addresses(company: Company) -> QuerySet[RefusedAddress]:
    """Those of the company's people. One query."""
    people = User.objects.filter(is_active=True, company_memberships__company=company)
    addresses = people.annotate(address=Lower("email")).values("address")
    return RefusedAddress.objects.filter(address__in=addresses).order_by("address")
