"""The events of mails."""

from directory.history.events import Event


class MailEvent(Event):
    EMAIL_SENT_AGAIN = "email.sent_again", "A failed e-mail was queued again"
