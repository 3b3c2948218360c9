"""A question to the project's people while a commitment waits: who may ask and answer, and what ends it."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from commitments.models import Badge, Commitment, Lock
from directory.models import HistoryEntry, ProjectMembership, User
from directory.privacy import personal_data
from directory.rights.permissions import RightMissing
from erp_integrations import submissions
from erp_integrations.models import Question, QuestionState, Submission, SubmissionStatus
from erp_integrations.pages import timeline
from erp_integrations.submissions.contributors import list_contributors
from notifications.models import OutgoingEmail
from tests.erp_integrations.conftest import accept
from tests.factories import (
    ApproverFactory,
    CreatorFactory,
    PersonFactory,
    ProjectAdminFactory,
    ViewerFactory,
    join_company,
)

pytestmark = pytest.mark.django_db

TEXT = "Which bid is this?\nThe first <one>?"


@pytest.fixture
def question(awaiting: Submission, approver: User) -> Question:
    return ask(awaiting, approver)


def ask(submission: Submission, by: User, text: str = TEXT, **given: Any) -> Question:
    last = submission.commitment.questions.order_by("pk").last()
    entered = {"asked_of": submission.sent_by_id, "text": text, "expected_question": last.pk if last else 0}
    return submissions.ask_question(submission=submission, by=by, **{**entered, **given})


def answer(question: Question, by: User, text: str = "The second.") -> Commitment:
    return submissions.answer_question(
        commitment=question.commitment, by=by, question=question.pk, answer=text
    )


def mails(kind: str) -> list[OutgoingEmail]:
    return list(OutgoingEmail.objects.filter(kind=kind))


def told(submission: Submission) -> list[tuple[str, str]]:
    """Newest first."""
    return [(each["description"], each["message"]) for each in timeline.list_entries(submission.commitment)]


def test_a_question_is_mailed_and_the_submission_keeps_its_place_and_lock(
    awaiting: Submission, approver: User
) -> None:
    ask(awaiting, approver, f"  {TEXT}  ")
    awaiting.refresh_from_db()
    assert (awaiting.status, awaiting.asked) == (SubmissionStatus.AWAITING, True)
    assert (awaiting.commitment.lock, awaiting.commitment.badge) == (Lock.WHOLE, Badge.AWAITING)
    (mail,) = mails("question")
    assert mail.recipient == awaiting.sent_by
    assert f"{awaiting.commitment.get_absolute_url()}\n" in mail.text_body
    assert "> Which bid is this?\n> The first <one>?" in mail.text_body
    assert "The first &lt;one&gt;?" in mail.html_body
    assert str(approver) in mail.text_body
    assert told(awaiting)[0] == (f"Asked {awaiting.sent_by}", TEXT)


@pytest.mark.parametrize("who", ["sender", "creator", "admin"])
def test_sender_creator_and_project_admin_answer_and_who_asked_is_mailed(
    awaiting: Submission, approver: User, question: Question, who: str
) -> None:
    admin = ProjectAdminFactory(project=awaiting.project)
    person = {"sender": awaiting.sent_by, "creator": awaiting.created_by, "admin": admin}[who]
    join_as_creator(awaiting, awaiting.created_by)
    hands = list_contributors(awaiting.commitment)
    answer(question, person)
    question.refresh_from_db()
    assert (question.state, question.answer, question.closed_by) == ("answered", "The second.", person)
    (mail,) = mails("answer")
    assert mail.recipient == approver
    assert f"{awaiting.get_absolute_url()}\n" in mail.text_body
    assert "Your question: Which bid is this? The first <one>?" in mail.text_body
    assert told(awaiting)[0] == ("Question answered", "The second.")
    assert list_contributors(awaiting.commitment) == hands, "an answer is no hand in the content"
    accept(awaiting, approver)


def join_as_creator(submission: Submission, person: User) -> None:
    defaults = {"commitments_level": "read_only"}
    join_company(person, submission.company)
    ProjectMembership.objects.get_or_create(user=person, project=submission.project, defaults=defaults)


def test_nobody_else_answers_nor_who_sees_the_commitment_no_more(
    awaiting: Submission, approver: User, question: Question
) -> None:
    for person in (approver, CreatorFactory(project=awaiting.project), PersonFactory()):
        with pytest.raises(RightMissing):
            answer(question, person)
    awaiting.sent_by.project_memberships.update(commitments_level="read_only")
    sender = User.objects.get(pk=awaiting.sent_by_id)
    sender.project_memberships.update(commitments_level="none")
    with pytest.raises(RightMissing):
        answer(question, sender)
    question.refresh_from_db()
    assert question.is_open
    assert not mails("answer")


def test_who_may_not_decide_neither_asks_nor_withdraws(
    awaiting: Submission, sender: User, approver: User, question: Question
) -> None:
    join_company(sender, awaiting.company, erp_integrations_level="admin", can_push_to_accounting=True)
    approver.company_memberships.update(can_push_to_accounting=False)
    for person in (ViewerFactory(company=awaiting.company), sender, approver, ApproverFactory()):
        with pytest.raises(RightMissing):
            ask(awaiting, person)
        with pytest.raises(RightMissing):
            submissions.withdraw_question(submission=awaiting, by=person, question=question.pk)
    assert len(mails("question")) == 1


def test_one_question_at_a_time_and_another_after_it_was_withdrawn(
    awaiting: Submission, approver: User, question: Question
) -> None:
    second = ApproverFactory(company=awaiting.company)
    with pytest.raises(submissions.Conflict, match="One question at a time"):
        ask(awaiting, second, "And the retainage?")
    with pytest.raises(submissions.Conflict, match=f"{approver} has asked"):
        ask(awaiting, second, "And the retainage?", expected_question=0)
    with pytest.raises(IntegrityError, match="a_commitment_has_one_open_question"), transaction.atomic():
        Question.objects.create(
            commitment=awaiting.commitment, submission=awaiting, asked_by=second, asked_of=second, text="?"
        )
    submissions.withdraw_question(submission=awaiting, by=second, question=question.pk)
    with pytest.raises(submissions.Conflict, match=f"{second} withdrew the question on .*not sent"):
        answer(question, awaiting.sent_by)
    with pytest.raises(submissions.Conflict, match="withdrew the question"):
        submissions.withdraw_question(submission=awaiting, by=approver, question=question.pk)
    ask(awaiting, second, "And the retainage?")
    assert len(mails("question")) == 2


def test_the_same_form_sent_twice_asks_and_answers_once(
    awaiting: Submission, approver: User, question: Question
) -> None:
    assert ask(awaiting, approver, expected_question=0) == question
    answer(question, awaiting.sent_by)
    assert ask(awaiting, approver, expected_question=0) == question
    answer(question, awaiting.sent_by)
    assert (len(mails("question")), len(mails("answer"))) == (1, 1)
    assert HistoryEntry.objects.filter(event__startswith="question.").count() == 2


@pytest.mark.parametrize("how", ["accepted", "rejected", "retrieved"])
def test_a_decision_ends_an_open_question_and_says_so(
    awaiting: Submission, approver: User, question: Question, how: str
) -> None:
    awaiting = Submission.objects.get(pk=awaiting.pk)
    if how == "accepted":
        accept(awaiting, approver)
    elif how == "rejected":
        submissions.reject(submission=awaiting, by=approver, reason="No")
    else:
        submissions.retrieve_from_erp(commitment=awaiting.commitment, by=awaiting.sent_by)
    question.refresh_from_db()
    person = awaiting.sent_by if how == "retrieved" else approver
    assert (question.state, question.closed_by) == (how, person)
    assert told(awaiting)[0][0].endswith("; the open question ended with it")
    assert HistoryEntry.objects.latest("pk").detail["ended_question"] == question.pk
    with pytest.raises(submissions.Conflict, match=f"{person} {how} the commitment on .*not sent"):
        answer(question, awaiting.sent_by)
    assert not mails("answer")


def test_a_question_follows_into_the_next_sending(
    awaiting: Submission, approver: User, question: Question
) -> None:
    submissions.retrieve_from_erp(commitment=awaiting.commitment, by=awaiting.sent_by)
    again = submissions.send_to_erp(commitment=awaiting.commitment, by=awaiting.sent_by)
    assert timeline.list_questions(again) == [question]
    ask(again, approver, "And now?")
    assert [each.text for each in timeline.list_questions(again)] == [TEXT, "And now?"]


def test_only_those_who_see_it_are_asked_and_the_admins_where_neither_does(
    awaiting: Submission, approver: User
) -> None:
    join_as_creator(awaiting, awaiting.created_by)
    sender, creator = awaiting.sent_by, awaiting.created_by
    assert submissions.list_people_to_ask(awaiting, approver) == [sender, creator]
    ProjectMembership.objects.filter(user__in=[sender, creator]).delete()
    assert submissions.list_people_to_ask(awaiting, approver) == []
    admin = ProjectAdminFactory(project=awaiting.project)
    assert submissions.list_people_to_ask(awaiting, approver) == [admin]
    with pytest.raises(submissions.DecisionError, match="can no longer see"):
        ask(awaiting, approver, asked_of=sender.pk)


def test_nothing_is_asked_without_words_or_after_a_decision(awaiting: Submission, approver: User) -> None:
    with pytest.raises(submissions.StatementMissing):
        ask(awaiting, approver, " \n ")
    submissions.reject(submission=awaiting, by=approver, reason="No")
    with pytest.raises(submissions.Conflict, match="rejected this commitment"):
        ask(awaiting, approver)
    assert not Question.objects.exists()


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"text": ""}, "a_question_has_words"),
        ({"state": "withdrawn"}, "a_closed_question_has_a_person_and_a_time"),
        ({"answer": "Yes"}, "an_answer_is_there_exactly_when_answered"),
    ],
)
def test_the_database_refuses_a_question_that_makes_no_sense(
    question: Question, values: dict[str, str], name: str
) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Question.objects.filter(pk=question.pk).update(**values)


def test_what_is_held_about_a_person_tells_what_they_asked_and_answered(
    awaiting: Submission, question: Question
) -> None:
    answer(question, awaiting.sent_by)
    told = personal_data.export_personal_data(person=awaiting.sent_by, by=None)
    (row,) = told["erp_integrations.question.closed_by"]
    assert (row["text"], row["answer"]) == (TEXT, "The second.")
    assert row["closed_at"] <= timezone.now()
    assert Question.objects.get().state == QuestionState.ANSWERED
