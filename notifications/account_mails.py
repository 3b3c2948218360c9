"""Mails about accounts: an invitation, and a link for a forgotten password.

The request that asks for a link neither looks whether the account exists nor speaks with a mail
server: it stores that it was asked, and so takes the same time for every address. Whether there
is anything to send is found out by a worker. The link itself is made when the mail is handed
over, so that nobody who reads the outbox can sign in with it.
"""

from collections.abc import Sequence

from django.db import transaction

from directory.accounts.sign_in import AccountAdapter
from directory.models import Company, CompanyMembership, HistoryEntry, User
from notifications import emails, sign_in_mails
from notifications.models import Kind, OutgoingEmail, PasswordRequest, Status

BATCH = 100


class MailingAccountAdapter(AccountAdapter):
    """The way in, with its mails put into the outbox."""

    def store_password_request(self, address: str) -> None:
        """Remember that somebody asked; a worker sees whether it is anybody's address."""
        PasswordRequest.objects.create(address=address)
        emails.wake_sender()

    def send_invitation(
        self, person: User, *, by: User, company: Company | None = None, purpose: Sequence[str] = ()
    ) -> None:
        """Tell a person who invites them, where to and what for, and how to choose a password if they have
        none.
        """
        subject = f"{company} invites you to Ledgergate" if company else ""
        more = {"by": by, "company": company, "purpose": "; ".join(purpose)}
        emails.store_password_link(Kind.INVITATION, recipient=person, subject=subject, **more)

    def notify_of_new_address(self, person: User, *, before: str, by: User) -> None:
        """Tell a person that staff gave their account another address."""
        sign_in_mails.store_new_address_emails(person, before=before, by=by)


def handle_removed_member(entry: HistoryEntry) -> None:
    """To whom no company lists any more nothing of its work is mailed, nor a link that waits."""
    elsewhere = CompanyMembership.objects.filter(user=entry.detail["user"]).exclude(pk=entry.subject_id)
    if entry.subject_type == CompanyMembership._meta.label_lower and not elsewhere.exists():
        waiting = OutgoingEmail.objects.queued().filter(recipient=entry.detail["user"])
        waiting.exclude(kind__in=(Kind.SIGN_IN, Kind.RIGHTS, Kind.PRIVILEGE)).update(
            status=Status.FAILED, last_error="The person left the company while the mail waited."
        )


def handle_password_requests() -> int:
    """Store the mails that were asked for. Returns how many requests there were."""
    with transaction.atomic():
        password_requests = list(
            PasswordRequest.objects.select_for_update(skip_locked=True).order_by("pk")[:BATCH]
        )
        for request in password_requests:
            person = User.objects.filter(email__iexact=request.address, is_active=True).first()
            if person:
                emails.store_password_link(Kind.PASSWORD_LINK, recipient=person)
        PasswordRequest.objects.filter(pk__in=[request.pk for request in password_requests]).delete()
    return len(password_requests)
