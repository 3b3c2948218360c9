"""Mails about a commitment in a person's words: a rejection, a question, an answer.

The first of a person's to another goes out at once. What follows within MAIL_GATHER_SECONDS is gathered
into one mail, so that six rejections of a morning are one or two.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Least, Now

from directory.models import User
from notifications import emails
from notifications.models import Kind, OutgoingEmail

WORDS = {
    Kind.REJECTION: {
        "label": "Rejected by accounting",
        "many": "commitments rejected by accounting",
        "action": "Open the commitment",
        "footer": "You get this mail because you created or sent this commitment, or administer its project.",
    },
    Kind.QUESTION: {
        "label": "Question from accounting",
        "many": "questions from accounting",
        "action": "Answer",
        "footer": "You get this mail because you sent or created this commitment, or administer its project.",
    },
    Kind.ANSWER: {
        "label": "Answer to your question",
        "many": "answers to your questions",
        "action": "Review the commitment",
        "footer": "You get this mail because you asked about this commitment.",
    },
    Kind.CORRECTED: {
        "label": "Corrected and ready to send",
        "many": "commitments corrected and ready to send",
        "action": "Look at it and send it",
        "footer": "You get this mail because you sent this commitment, or administer its project.",
    },
    Kind.RESENT: {
        "label": "Re-sent after your rejection",
        "many": "commitments re-sent after your rejection",
        "action": "Review the commitment",
        "footer": "You get this mail because you rejected this commitment.",
    },
    Kind.UNDELIVERED: {
        "label": "Could not be mailed",
        "many": "mails could not be delivered",
        "action": "Open the commitment",
        "footer": "You get this mail because of what you did, or because you administer its project.",
    },
}


@dataclass(frozen=True, slots=True)
class Letter:
    """One commitment of such a mail: ``text`` in the words of ``by``, what its reader can do, and where.

    ``thread`` names the commitment, so that a mail program shows its mails together.
    """

    commitment: str
    facts: Sequence[tuple[str, str]]
    text: str
    by: str
    closing: str
    link: str
    thread: str


def store_letter(
    *, recipients: Iterable[User], kind: Kind, letter: Letter, by: User | None
) -> list[OutgoingEmail]:
    """A mail to each person, who answers to ``by``; or a place in the one that is being gathered for them."""
    people = {person.pk: person for person in recipients if person.email}
    with transaction.atomic():
        stored = [_store_for(person, kind, letter, by) for person in people.values()]
    if stored:
        emails.wake_sender()
    return stored


def _store_for(person: User, kind: Kind, letter: Letter, by: User | None) -> OutgoingEmail:
    mine = OutgoingEmail.objects.filter(recipient=person, to_address=person.email, kind=kind, caused_by=by)
    window = timedelta(seconds=settings.MAIL_GATHER_SECONDS)
    # No sender has had it in its hands, and none takes it while it is locked.
    gathering = mine.queued().filter(attempts=0, not_before__gt=Now()).select_for_update()
    email = gathering.order_by("-pk").first()
    if email is None:
        email = OutgoingEmail(recipient=person, to_address=person.email, kind=kind, caused_by=by)
        emails.fail_refused([email])
        if last := mine.filter(not_before__gt=Now() - window).order_by("-pk").first():
            email.not_before = Least(last.not_before + window, Now() + window)
    email.letters = [*email.letters, asdict(letter)]
    words, count = WORDS[kind], len(email.letters)
    subject = f"{words['label']}: {letter.commitment}" if count == 1 else f"{count} {words['many']}"
    content = emails.build_content(subject, "emails/letters", {**words, "letters": email.letters})
    for name, value in content.items():
        setattr(email, name, value)
    email.save()
    return email
