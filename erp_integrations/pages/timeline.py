"""A commitment's history in plain sentences, for the pages that show what happened to it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Q

from commitments.models import Choice, Commitment, ContractCompany
from directory.history import descriptions
from directory.models import HistoryEntry, Project, User
from erp_integrations.events import ErpEvent
from erp_integrations.models import JobLink, Question, Submission, VendorLink

MAX_QUESTIONS = 3  # beside a decision; the history has all
MAX_ENTRIES = 200  # the newest; a page is no archive


def list_questions(submission: Submission) -> list[Question]:
    """The last that were asked about its commitment, of earlier sendings too, the oldest first. One query,
    and none where nothing was asked.
    """
    if not submission.asked:
        return []
    asked = Question.objects.filter(commitment=submission.commitment_id)
    people = asked.select_related("asked_by", "asked_of", "closed_by")
    return list(people.order_by("-pk")[:MAX_QUESTIONS])[::-1]


def list_entries(commitment: Commitment) -> list[dict[str, Any]]:
    """A commitment's history with that of its submissions, and since it was first sent that of the links
    that it goes by, newest first. Four queries.
    """
    submissions = list(
        commitment.submissions.only("commitment", "sent_at", "kind", "new_status").order_by("pk")
    )
    entries = list(HistoryEntry.objects.about(commitment, *submissions).reverse()[:MAX_ENTRIES])
    if submissions:
        same_vendor = Q(detail__contract_company=commitment.contract_company_id)
        link_models = (VendorLink, ContractCompany, JobLink, Project)
        links = HistoryEntry.objects.filter(
            same_vendor | Q(detail__project=commitment.project_id),
            Q(event__startswith="vendor_link.") | Q(event__startswith="job_link."),
            company_id=commitment.project.company_id,
            subject_type__in=[model._meta.label_lower for model in link_models],
            at__gte=submissions[0].sent_at,
        )
        entries += links.order_by("-pk")[:MAX_ENTRIES]
        entries = sorted(entries, key=lambda entry: -entry.pk)[:MAX_ENTRIES]
    people = descriptions.list_named_people(entries)
    statuses = {each.pk: each.new_status_label for each in submissions if each.new_status}
    sent = [entry.subject_id for entry in entries if entry.event == ErpEvent.SUBMISSION_SENT]
    send_count = sum(each not in statuses for each in sent)
    timeline_entries = []
    for entry, told in zip(entries, describe_entries(entries, people), strict=True):
        is_sent = entry.event == ErpEvent.SUBMISSION_SENT
        if is_sent and entry.subject_id in statuses:
            told["description"] = f"Status {statuses[entry.subject_id]} sent to accounting"
        elif is_sent:
            told["description"] = "Re-sent to accounting" if send_count > 1 else "Sent to accounting"
            send_count -= 1
        timeline_entries.append(told)
    return timeline_entries


def list_own_entries(row: Choice) -> list[dict[str, Any]]:
    """The history of one that commitments choose, newest first. Two queries."""
    entries = list(HistoryEntry.objects.about(row).reverse()[:MAX_ENTRIES])
    return list(describe_entries(entries, descriptions.list_named_people(entries)))


def describe_entries(entries: Iterable[HistoryEntry], people: Mapping[int, User]) -> Iterator[dict[str, Any]]:
    """Of each, ``status`` gives the dot its tone (words of a badge, or nothing), ``by`` is the person's name,
    empty for the system; ``message`` is what a person or Spectrum said.
    """
    for entry in entries:
        story = descriptions.describe_entry(entry, people)
        by = str(people[entry.by_id]) if entry.by_id and entry.by_id in people else ""
        told = {"status": story.tone, "description": story.description, "message": story.message}
        yield {**told, "by": by, "at": entry.at}
