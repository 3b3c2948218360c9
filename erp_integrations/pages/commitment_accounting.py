"""A project's view of accounting: on a commitment's page, and where people choose where to go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count

from commitments.changes import Change
from commitments.models import EXPORTED_STATUSES, STATUSES, Commitment, Lock
from directory.models import Company, Invitation, Level, Project, ProjectMembership, User
from directory.rights.permissions import can_see_erp_integrations, can_send_commitments
from erp_integrations.adapters.base import Issue
from erp_integrations.checks import key_collisions as collisions
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.checks.key_collisions import Collision, Numbering
from erp_integrations.emails.undelivered_mails import describe_undelivered
from erp_integrations.models import (
    ExportJob,
    JobBilling,
    Question,
    QuestionState,
    SnapshotUnreadable,
    Submission,
    SubmissionStatus,
)
from erp_integrations.models.submissions import OPEN_STATUSES
from erp_integrations.pages.beside import list_document_changes
from erp_integrations.pages.turns import describe_turn
from erp_integrations.reconciliation import drift, drift_list
from erp_integrations.snapshots import Document, Purpose, build_document
from erp_integrations.submissions import can_answer, find_pending_status


@dataclass(frozen=True)
class CommitmentAccounting:
    """Where a commitment stands with accounting, and what this person may do about it.

    ``issues`` are those of a Send at this moment, blocking ones first; ``senders`` are asked
    for only where the person may not send. ``verb`` is empty when there is nothing to send, and
    ``changes`` are those since it was last sent. ``changed_here`` is what was changed
    after an export, a sentence each; ``billing`` what Spectrum said of invoices and payments; ``question``
    is what accounting asks and nobody has answered; ``sees_accounting``: the person may open its page there.
    ``free_number`` can be exported, where its own can't; ``undelivered`` says whom a mail did not reach.
    """

    latest: Submission | None
    verb: str
    may_send: bool
    issues: list[Issue] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    senders: list[User] = field(default_factory=list)
    collisions: list[Collision] = field(default_factory=list)
    numbering: Numbering | None = None
    free_number: str = ""
    turn: str = ""
    undelivered: str = ""
    changed_here: list[str] = field(default_factory=list)
    billing: JobBilling | None = None
    question: Question | None = None
    may_answer: bool = False
    sees_accounting: bool = False
    status: Submission | None = None
    """The last one that was sent since the commitment itself was."""
    statuses: Sequence[tuple[str, str]] = ()
    """Those that the person may send."""

    @property
    def blocking_count(self) -> int:
        return len(preflight.list_blocking(self.issues))

    @property
    def remark_count(self) -> int:
        return len(self.issues) - self.blocking_count

    @property
    def is_unchanged(self) -> bool:
        """It was rejected exactly as it is."""
        return self.rejection is not None and not self.changes

    @property
    def can_retrieve(self) -> bool:
        """It can be taken back, rights aside."""
        last = self.status or self.latest
        return last is not None and last.status == SubmissionStatus.AWAITING

    @property
    def senders_message(self) -> str:
        """A sentence for who may not send: the people who may."""
        names = [str(person) for person in self.senders]
        if not names:
            return "Nobody in this project has it. Your company's administrator can give it."
        return f"Ask {' or '.join(filter(None, [', '.join(names[:-1]), names[-1]]))}."

    @property
    def rejection(self) -> Submission | None:
        return self.latest if self.latest and self.latest.status == SubmissionStatus.REJECTED else None


def get_commitment_accounting(commitment: Commitment, person: User) -> CommitmentAccounting:
    """Read it; at most fourteen queries."""
    sent = commitment.submissions.select_related("sent_by", "decided_by", "ended_by").order_by("-pk")
    latest = sent.whole().first()
    may_send = can_send_commitments(person, commitment.project)
    senders = [] if may_send else list_senders(commitment)
    sees_accounting = latest is not None and can_see_erp_integrations(person, commitment.project.company)
    undelivered = describe_undelivered(latest) if latest else ""
    if latest and latest.status in OPEN_STATUSES:
        exported = commitment.lock == Lock.EXPORTED
        changes = drift.check_local_changes(latest) if exported else []
        local_changes = [drift_list.describe_issue(change) for change in changes]
        billing = JobBilling.objects.filter(job__in=latest.jobs.current()).first() if exported else None
        status = sent.filter(pk__gt=latest.pk).first() if exported else None
        question = find_open_question(status or latest)
        can_move = exported and may_send and find_pending_status(commitment) is None
        return CommitmentAccounting(
            latest,
            "",
            may_send,
            senders=senders,
            changed_here=local_changes,
            billing=billing,
            question=question,
            may_answer=question is not None and can_answer(person, status or latest),
            status=status,
            statuses=list_later_statuses(commitment) if can_move else (),
            turn=describe_turn(commitment.badge, is_asked=question is not None),
            sees_accounting=sees_accounting,
            undelivered=undelivered,
        )
    document = build_document(commitment)
    basis = build_basis(document)
    issues = preflight.check_export(basis, moment=preflight.Moment.SEND, erp_id=basis.proposed_erp_id)
    return CommitmentAccounting(
        latest,
        "Re-send to ERP" if latest else "Send to ERP",
        may_send,
        issues=issues,
        turn=describe_turn(
            commitment.badge,
            corrected_at=latest.corrected_at if latest and not preflight.list_blocking(issues) else None,
        ),
        changes=list_changes_since(latest, document) if latest else [],
        senders=senders,
        sees_accounting=sees_accounting,
        undelivered=undelivered,
        collisions=collisions.find_collisions(commitment, issues),
        numbering=collisions.find_numbering(commitment, issues),
        free_number=next(filter(None, (each.free_number for each in issues)), ""),
    )


def add_invoiced(commitments: Sequence[Any]) -> Sequence[Any]:
    """The same, each with what Spectrum said was invoiced of it; None where it has not said. One query."""
    jobs = ExportJob.objects.current().filter(
        submission__commitment__in=commitments,
        submission__commitment__lock=Lock.EXPORTED,
        submission__status__in=OPEN_STATUSES,
        submission__purpose=Purpose.WHOLE,
    )
    invoiced = dict(jobs.values_list("submission__commitment", "billing__billed"))
    for each in commitments:
        each.invoiced = invoiced.get(each.pk)
    return commitments


def list_later_statuses(commitment: Commitment) -> list[tuple[str, str]]:
    """Those to which it may move in Spectrum, with their words."""
    labels = dict(STATUSES[commitment.kind].choices)
    later = EXPORTED_STATUSES[commitment.kind]
    return [(each, str(labels[each])) for each in later if each != commitment.status]


def list_changes_since(latest: Submission, document: Document) -> list[Change]:
    """None where what was sent can't be read any more."""
    try:
        return list(list_document_changes(latest.document, document))
    except SnapshotUnreadable:
        return []


def find_open_question(submission: Submission) -> Question | None:
    if not submission.asked:
        return None
    questions = submission.questions.select_related("asked_by", "asked_of")
    return questions.filter(state=QuestionState.OPEN).first()


def list_questions_to_answer(person: User) -> list[Question]:
    """Open ones asked of this person, who sees the commitment still; the oldest first. One query."""
    asked = Question.objects.filter(state=QuestionState.OPEN, asked_of=person)
    asked = asked.filter(commitment__project__in=Project.objects.visible_to(person))
    return list(asked.select_related("asked_by", "commitment").order_by("pk"))


def list_senders(commitment: Commitment) -> list[User]:
    """The people who can send it, for those who must ask one of them."""
    company = commitment.project.company_id
    on_project = ProjectMembership.objects.filter(
        project=commitment.project_id, commitments_level=Level.ADMIN
    )
    people = User.objects.filter(is_active=True, company_memberships__company=company)
    people = people.filter(pk__in=on_project.values("user"))
    senders = list(people.order_by("first_name", "last_name")[:5])
    Invitation.objects.filter(company=company).name_people(senders)
    return senders


def count_by_company(companies: Iterable[Company]) -> list[dict[str, Any]]:
    """Each company, with how many submissions await a decision, and how many exports need a person, in their
    order. Two queries for all of them.
    """
    company_list = list(companies)
    submissions = Submission.objects.filter(company__in=company_list)
    awaiting, needing_person = (
        dict(rows.order_by().values_list("company").annotate(count=Count("pk")))
        for rows in (submissions.awaiting(), submissions.needing_person())
    )
    return [
        {
            "company": each,
            "awaiting": awaiting.get(each.pk, 0),
            "needing_attention": needing_person.get(each.pk, 0),
        }
        for each in company_list
    ]
