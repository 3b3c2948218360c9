"""A commitment's history in plain sentences, for the pages that show what happened to it."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from commitments.models import Commitment, ContractCompany
from directory.history import words
from directory.models import HistoryEntry, Project
from erp_integrations.models import JobLink, VendorLink

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
    """What happened to a commitment and to each of its submissions, and since it was first sent to the links
    that it goes by, newest first. Four queries.
    """
    submissions = list(commitment.submissions.only("commitment", "sent_at").order_by("pk"))
    entries = list(HistoryEntry.objects.about(commitment, *submissions).reverse()[:LONGEST])
    if submissions:
        its = Q(detail__contract_company=commitment.contract_company_id)
        linked = (VendorLink, ContractCompany, JobLink, Project)
        links = HistoryEntry.objects.filter(
            its | Q(detail__project=commitment.project_id),
            Q(event__startswith="vendor_link.") | Q(event__startswith="job_link."),
            company_id=commitment.project.company_id,
            subject_type__in=[model._meta.label_lower for model in linked],
            at__gte=submissions[0].sent_at,
        )
        entries += links.order_by("-pk")[:LONGEST]
        entries = sorted(entries, key=lambda entry: -entry.pk)[:LONGEST]
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
