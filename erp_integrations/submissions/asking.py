"""Ask, answer, withdraw: while a commitment waits, one question at a time. It decides nothing.

An answer is no hand in the content: who answered may decide as before (docs/product.md, section 4.1).
"""

from django.db import transaction

from commitments.models import Commitment
from directory.models import VISIBLE_LEVELS, Invitation, Level, User
from directory.rights.permissions import RightMissing, get_commitments_level
from erp_integrations.emails import commitment_mails
from erp_integrations.events import ErpEvent
from erp_integrations.models import Question, QuestionState, Submission, SubmissionStatus
from erp_integrations.submissions.errors import Conflict, DecisionError
from erp_integrations.submissions.row_locks import (
    lock_for_decision,
    lock_submission,
    record_decision,
    require_status,
    require_text,
)


def list_people_to_ask(submission: Submission, by: User) -> list[User]:
    """The sender, then the creator, as far as they still see the commitment; where neither does, the
    project's Commitments Admins. Never the person who asks.
    """
    members = User.objects.filter(is_active=True, company_memberships__company=submission.company_id)
    members = members.exclude(pk=by.pk).order_by("first_name", "last_name")
    project = {"project_memberships__project": submission.project_id}
    who_see = members.filter(**project, project_memberships__commitments_level__in=VISIBLE_LEVELS)
    people = list(who_see.filter(pk__in={submission.sent_by_id, submission.created_by_id}))
    people.sort(key=lambda person: person.pk != submission.sent_by_id)
    people = people or list(members.filter(**project, project_memberships__commitments_level=Level.ADMIN))
    Invitation.objects.filter(company=submission.company_id).name_people(people)
    return people


def can_answer(person: User, submission: Submission) -> bool:
    """The sender and the creator while they see the commitment, and the project's Commitments Admins."""
    level = get_commitments_level(person, submission.project)
    is_theirs = person.pk in (submission.sent_by_id, submission.created_by_id)
    return level == Level.ADMIN or (is_theirs and level in VISIBLE_LEVELS)


@transaction.atomic
def ask_question(
    *, submission: Submission, by: User, asked_of: int, text: str, expected_question: int
) -> Question:
    """Mail a question; the submission keeps its place and its lock. The same form sent twice asks once.

    ``expected_question`` is the last one that the person saw, 0 for none. Raises RightMissing, Conflict when
    it was decided or another question was asked, StatementMissing, DecisionError.
    """
    submission = lock_for_decision(submission, by)
    require_status(submission, SubmissionStatus.AWAITING)
    text = require_text(text, "Enter a question.")
    last = submission.commitment.questions.select_related("asked_by", "asked_of").order_by("pk").last()
    if last and last.pk != expected_question:
        if (last.asked_by_id, last.asked_of_id, last.text) == (by.pk, asked_of, text):
            return last
        raise Conflict(f"{last.asked_by} has asked {last.asked_of} meanwhile. Your question was not sent.")
    if last and last.is_open:
        raise Conflict("One question at a time: the last one is still open. Withdraw it to ask another.")
    person = next((each for each in list_people_to_ask(submission, by) if each.pk == asked_of), None)
    if person is None:
        raise DecisionError("This person can no longer see the commitment. Choose who is asked.")
    question = Question.objects.create(
        commitment=submission.commitment, submission=submission, asked_by=by, asked_of=person, text=text
    )
    submission.asked = True
    submission.save(update_fields=["asked"])
    detail = {"question": question.pk, "user": person.pk, "text": text}
    record_decision(ErpEvent.QUESTION_ASKED, submission, by, detail)
    commitment_mails.store_question_mail(question)
    return question


@transaction.atomic
def answer_question(*, commitment: Commitment, by: User, question: int, answer: str) -> Commitment:
    """Answer what accounting asked; who asked is mailed. Raises RightMissing, Conflict when it is closed,
    StatementMissing.
    """
    latest = commitment.submissions.order_by("-pk").first()
    if latest is None:
        raise Conflict("This commitment is not with accounting, so nothing is asked.")
    submission = lock_submission(latest)
    if not can_answer(by, submission):
        raise RightMissing(
            by=by,
            company=submission.company,
            right="answer a question",
            sentence="Whoever sent or created this commitment can answer, and those with Admin on this "
            "project's Commitments tool.",
        )
    answer = require_text(answer, "Enter an answer. It is mailed to the person who asked.")
    asked = commitment.questions.select_related("submission", "closed_by").filter(pk=question).first()
    if asked is None:
        raise Conflict("This question is not asked any more. The page shows how it stands now.")
    if (asked.closed_by_id, asked.answer) == (by.pk, answer):  # the same form, sent twice
        return submission.commitment
    if not asked.is_open:
        raise Conflict(f"{asked.describe_end()}, so your answer was not sent.")
    asked.close(QuestionState.ANSWERED, by=by, answer=answer)
    record_decision(
        ErpEvent.QUESTION_ANSWERED, submission, by, {"question": asked.pk, "user": by.pk, "answer": answer}
    )
    commitment_mails.store_answer_mail(asked)
    return submission.commitment


@transaction.atomic
def withdraw_question(*, submission: Submission, by: User, question: int) -> None:
    """By any approver who may decide. Raises RightMissing, and Conflict when it is closed."""
    submission = lock_for_decision(submission, by)
    asked = submission.questions.select_related("closed_by").filter(pk=question).first()
    if asked is None or not asked.is_open:
        raise Conflict(f"{asked.describe_end()}." if asked else "No question is open.")
    asked.close(QuestionState.WITHDRAWN, by=by)
    record_decision(ErpEvent.QUESTION_WITHDRAWN, submission, by, {"question": asked.pk})


def close_open_question(submission: Submission, state: QuestionState, by: User) -> dict[str, object]:
    """Accept, Reject and Retrieve end an open question; what the history keeps of that. The submission is
    locked, so that ``asked`` is true of this moment.
    """
    asked = submission.questions.filter(state=QuestionState.OPEN).first() if submission.asked else None
    if asked is None:
        return {}
    asked.close(state, by=by)
    return {"ended_question": asked.pk}
