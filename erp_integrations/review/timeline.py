"""A commitment's history in plain sentences, for the pages that show what happened to it."""

from dataclasses import dataclass
from datetime import datetime

from commitments.models import Commitment
from directory.history import words
from directory.models import HistoryEntry

LONGEST = 200  # the newest; a page is no archive


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    ``status`` gives the dot its tone (words of a badge, or nothing), ``by`` is the person's
    name, empty for the system; ``words`` are what a person or Spectrum said.
    """

    status: str
    what: str
    by: str
    at: datetime
    words: str = ""


def of(commitment: Commitment) -> list[Entry]:
    """What happened to a commitment and to each of its submissions, newest first. Three queries."""
    history = HistoryEntry.objects.about(commitment, *commitment.submissions.only("commitment")).reverse()
    entries = list(history[:LONGEST])
    people = words.people_in(entries)
    sendings = sum(entry.event == "submission.sent" for entry in entries)
    told: list[Entry] = []
    for entry in entries:
        story = words.told(entry, people)
        what = story.what
        if entry.event == "submission.sent":
            what = "Re-sent to accounting" if sendings > 1 else "Sent to accounting"
            sendings -= 1
        by = str(people[entry.by_id]) if entry.by_id in people else ""
        told.append(Entry(story.tone, what, by, entry.at, story.said))
    return told
