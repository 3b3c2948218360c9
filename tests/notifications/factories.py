"""Mails in the situations that the tests name."""

from datetime import UTC, datetime
from typing import Any

from django.db.models.functions import Now
from factory.declarations import SelfAttribute, Sequence, SubFactory, Trait
from factory.django import DjangoModelFactory

from directory.models import User
from notifications.models import Kind, OutgoingEmail, Status

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2100, 1, 1, tzinfo=UTC)


class RecipientFactory(DjangoModelFactory[User]):
    """A person with an address."""

    class Meta:
        model = User

    email = Sequence(lambda number: f"person{number}@example.test")
    first_name = "Pat"
    last_name = Sequence(lambda number: f"Person {number}")


class OutgoingEmailFactory(DjangoModelFactory[OutgoingEmail]):
    """A stored mail; due, unless a trait says otherwise."""

    class Meta:
        model = OutgoingEmail

    class Params:
        abandoned = Trait(status=Status.SENDING, attempts=1, lease_until=LONG_AGO)
        being_sent = Trait(status=Status.SENDING, attempts=1, lease_until=FAR_AHEAD)
        backing_off = Trait(attempts=1, not_before=FAR_AHEAD, last_error="451 Try later")
        sent = Trait(status=Status.SENT, attempts=1, sent_at=Now())
        failed = Trait(status=Status.FAILED, attempts=1, last_error="550 No such user")

    recipient = SubFactory(RecipientFactory)
    to_address = SelfAttribute("recipient.email")
    kind = Kind.REJECTION
    subject = Sequence(lambda number: f"Rejected by accounting: SC-{number:04} Concrete works")
    text_body = "The phase of line 3 is wrong."
    html_body = "<p>The phase of line 3 is wrong.</p>"

    @classmethod
    def _create(cls, model_class: type[OutgoingEmail], *args: Any, **kwargs: Any) -> OutgoingEmail:
        email: OutgoingEmail = super()._create(model_class, *args, **kwargs)
        email.refresh_from_db()
        return email
