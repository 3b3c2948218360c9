"""The outbox: every mail is a row first, and the row says what became of it.

A mail is stored in the transaction of its cause and sent by ``delivery``
(docs/architecture.md, section 8). Nothing here chooses what is mailed or to whom.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Now

from directory.db.leases import LeasedQuerySet
from directory.db.transitions import TransitionRefused, require_transition
from directory.models import Company

# About three days at the widest back-off, which is how long mail servers themselves keep trying.
MAX_ATTEMPTS = 80
EVERY_DAY = "1234567"
TRY_AGAIN_AFTER = timedelta(days=1)


class Kind(models.TextChoices):
    """Which mail it is (docs/product.md, section 10)."""

    DAILY_SUMMARY = "daily_summary", "ERP Integrations Daily Summary"
    REJECTION = "rejection", "Rejected by accounting"
    QUESTION = "question", "Question from accounting"
    ANSWER = "answer", "Answer to accounting"
    CORRECTED = "corrected", "Corrected and ready to send"
    RESENT = "resent", "Re-sent after a rejection"
    UNDELIVERED = "undelivered", "Could not be mailed"
    ATTENTION = "attention", "Failed or needs attention"
    RIGHTS = "rights", "Who may push to accounting"
    PRIVILEGE = "privilege", "Your privilege"
    PASSWORD_LINK = "password_link", "Link to choose a password"
    INVITATION = "invitation", "Invitation"
    SIGN_IN = "sign_in", "Sign-in change"


ALWAYS_MAILED = (
    *(Kind.REJECTION, Kind.QUESTION, Kind.ANSWER, Kind.CORRECTED, Kind.UNDELIVERED, Kind.RIGHTS),
    Kind.PRIVILEGE,
    *(Kind.PASSWORD_LINK, Kind.INVITATION, Kind.SIGN_IN),
)
"""Nobody switches these off: work that comes back, who may commit money, and the way in."""
WITH_PASSWORD_LINK = (Kind.PASSWORD_LINK, Kind.INVITATION)
ALWAYS_TRIED = (*WITH_PASSWORD_LINK, Kind.SIGN_IN, Kind.RIGHTS, Kind.PRIVILEGE)
"""Also to an address that was refused: without them nobody gets in again, or hears who may commit money."""
PASSWORD_LINK_PLACEHOLDER = "https://the-link-is-made-when-this-is-sent.invalid/"
"""It stands in a stored body instead of a link that lets whoever reads it sign in."""


class Status(models.TextChoices):
    """How far a mail has come."""

    QUEUED = "queued", "Queued"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"


TRANSITIONS: dict[str, frozenset[str]] = {
    Status.QUEUED: frozenset({Status.SENDING}),
    Status.SENDING: frozenset({Status.SENT, Status.QUEUED, Status.FAILED}),
    Status.FAILED: frozenset({Status.QUEUED}),
    Status.SENT: frozenset({Status.FAILED}),  # it came back
}


def get_database_time() -> datetime:
    """Leases and due times are judged by no other clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def new_message_id() -> str:
    """A Message-ID of the sender's domain, fixed for the life of the row.

    A mail that is sent twice carries it twice, so that a mail program can show it once.
    """
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<{uuid.uuid4().hex}@{domain or 'localhost'}>"


class OutgoingEmailQuerySet(LeasedQuerySet["OutgoingEmail"]):
    """Reading the outbox; time is always the database's."""

    leased_status = Status.SENDING
    fencing_token = "attempts"

    def queued(self) -> "OutgoingEmailQuerySet":
        """Waiting for a sender: a first try, or the next one."""
        return self.filter(status=Status.QUEUED)

    def due(self) -> "OutgoingEmailQuerySet":
        """Queued, with the back-off over; the longest waiting first."""
        return self.queued().filter(not_before__lte=Now()).order_by("not_before", "pk")

    def put_off(self) -> "OutgoingEmailQuerySet":
        """Tried in vain, and to be tried again."""
        return self.queued().filter(attempts__gt=0)

    def sending(self) -> "OutgoingEmailQuerySet":
        """In the hands of a sender, alive or dead."""
        return self.filter(status=Status.SENDING)

    def leased(self) -> "OutgoingEmailQuerySet":
        """In the hands of a sender whose lease still runs."""
        return self.sending().filter(lease_until__gt=Now())

    def failed(self) -> "OutgoingEmailQuerySet":
        return self.filter(status=Status.FAILED)


class Attachment(models.Model):
    """A file that goes with mails: stored once for all of them, and purged after the last one."""

    name = models.CharField(max_length=100)
    content = models.TextField()

    def __str__(self) -> str:
        return self.name


class OutgoingEmail(models.Model):
    """One mail to one person, or to the operator.

    ``attempts`` counts the claims and never goes back: it is the number by which a sender
    proves that the mail is still its own. The mail fails when a passing fault meets attempt
    number ``last_attempt``. The methods change fields and do not save.
    """

    # What was written to a person goes when the person is erased; history keeps only ids.
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="outgoing_emails",
        null=True,
        help_text="Null: whoever runs the server (OPERATOR_EMAIL).",
    )
    to_address = models.EmailField("to", max_length=254)
    kind = models.CharField(max_length=20, choices=Kind)
    subject = models.CharField(max_length=255)
    text_body = models.TextField()
    html_body = models.TextField()
    attachments = models.ManyToManyField(Attachment, related_name="emails")
    caused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        help_text="Who acted, and gets the answers.",
    )
    letters = models.JSONField(
        default=list, db_default=[], help_text="The commitments that it is about, as they were gathered."
    )
    passed_on_at = models.DateTimeField(null=True, help_text="When others were told that it did not arrive.")
    dedupe_key = models.CharField(max_length=200, blank=True, help_text="Shared by no two mails.")
    message_id = models.CharField("Message-ID", max_length=255, unique=True, default=new_message_id)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED, db_default=Status.QUEUED)
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    last_attempt = models.PositiveIntegerField(default=MAX_ATTEMPTS, db_default=MAX_ATTEMPTS)
    not_before = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = OutgoingEmailQuerySet.as_manager()

    class Meta:
        verbose_name = "outgoing e-mail"
        permissions = [("send_again", "Can send a failed e-mail again")]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="an_email_is_of_a_known_kind"),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="an_email_is_in_a_known_status"
            ),
            models.CheckConstraint(condition=~Q(to_address=""), name="an_email_has_an_address"),
            models.CheckConstraint(
                condition=~Q(subject__regex=r"[\r\n]"), name="the_subject_of_an_email_is_one_line"
            ),
            models.CheckConstraint(
                condition=Q(status=Status.SENT, sent_at__isnull=False)
                | ~Q(status=Status.SENT) & Q(sent_at__isnull=True),
                name="an_email_has_a_sent_time_exactly_when_sent",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.SENDING, lease_until__isnull=False)
                | ~Q(status=Status.SENDING) & Q(lease_until__isnull=True),
                name="an_email_has_a_lease_exactly_when_sending",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.FAILED, last_error=""), name="a_failed_email_says_why"
            ),
            models.UniqueConstraint(
                fields=["dedupe_key"], condition=~Q(dedupe_key=""), name="an_email_is_stored_once_for_its_key"
            ),
        ]
        indexes = [
            models.Index(
                fields=["not_before", "id"], condition=Q(status=Status.QUEUED), name="emails_that_wait"
            ),
            models.Index(
                fields=["lease_until"], condition=Q(status=Status.SENDING), name="emails_being_sent"
            ),
            models.Index(fields=["id"], condition=Q(status=Status.FAILED), name="emails_that_failed"),
            models.Index(fields=["sent_at"], name="emails_by_the_time_sent"),
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def retry_count(self) -> int:
        """How often it was tried since it was stored, or since a person sent it again."""
        return MAX_ATTEMPTS - (self.last_attempt - self.attempts)

    def set_status(self, status: Status) -> None:
        """Change the status along an arrow of the table; raises TransitionRefused."""
        require_transition(TRANSITIONS, current=self.status, wanted=status)
        self.status = status
        self.lease_until = None

    def record_sent(self) -> None:
        self.set_status(Status.SENT)
        self.sent_at = Now()
        self.last_error = ""

    def requeue(self, *, after: timedelta, error: str) -> None:
        """Try again after so long, or fail when the tries are used up."""
        if self.attempts >= self.last_attempt:
            self.fail(error=f"Given up after {self.attempts} tries: {error}")
            return
        self.set_status(Status.QUEUED)
        self.not_before = Now() + after
        self.last_error = error[:500]

    def fail(self, *, error: str) -> None:
        """No further try makes sense."""
        self.set_status(Status.FAILED)
        self.sent_at = None
        self.last_error = error[:500]

    def fail_untried(self, answer: str) -> None:
        """Not tried, because the address was refused a short while ago."""
        self.status = Status.FAILED
        self.last_error = answer

    def send_again(self) -> None:
        """A person asked for a failed one: due at once, with the full number of tries."""
        if self.status != Status.FAILED:
            raise TransitionRefused(f"E-mail {self.pk} is {self.status}: only a failed one is sent again.")
        self.set_status(Status.QUEUED)
        self.not_before = Now()
        self.last_attempt = self.attempts + MAX_ATTEMPTS


class RefusedAddressQuerySet(models.QuerySet["RefusedAddress"]):
    """Reading which addresses a mail server refused for good."""

    def map_answers(self, addresses: Iterable[str]) -> dict[str, str]:
        """The server's answers, by the address in small letters. After a day one mail is tried again."""
        known = self.filter(address__in={each.lower() for each in addresses})
        return dict(known.filter(refused_at__gt=Now() - TRY_AGAIN_AFTER).values_list("address", "answer"))


class RefusedAddress(models.Model):
    """An address that a mail server refused; a mail that arrives there, or a person's press, ends it."""

    address = models.EmailField(max_length=254, unique=True, help_text="In small letters.")
    answer = models.CharField(max_length=500)
    refused_at = models.DateTimeField(db_default=Now())

    objects = RefusedAddressQuerySet.as_manager()

    def __str__(self) -> str:
        return self.address


class PasswordRequest(models.Model):
    """Somebody asked for a link to choose a password, for an address that may be nobody's."""

    address = models.EmailField(max_length=254)
    requested_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"Asked at {self.requested_at}"


class Subscription(models.Model):
    """A choice about one kind of mail: a person's, or their company's for whoever made none. Without a row
    it is sent."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscriptions", null=True
    )
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="subscriptions", null=True)
    kind = models.CharField(max_length=20, choices=Kind)
    wanted = models.BooleanField(
        default=True, db_default=True, help_text="Of a failure, or what was sent again: at once."
    )
    weekdays = models.CharField(
        max_length=7,
        default=EVERY_DAY,
        db_default=EVERY_DAY,
        help_text="Of a summary: the days on which it is sent, 1 for Monday to 7 for Sunday.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="a_person_chooses_once_for_each_kind"),
            models.UniqueConstraint(fields=["company", "kind"], name="a_company_chooses_once_for_each_kind"),
            models.CheckConstraint(
                condition=Q(user=None) ^ Q(company=None), name="a_subscription_is_a_person_s_or_a_company_s"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=Kind.values), name="a_subscription_is_of_a_known_kind"
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=ALWAYS_MAILED, wanted=False), name="some_mails_are_always_sent"
            ),
            models.CheckConstraint(
                condition=Q(weekdays__regex="^1?2?3?4?5?6?7?$") & ~Q(weekdays=""),
                name="a_summary_comes_on_days_of_the_week",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {'wanted' if self.wanted else 'switched off'}"
