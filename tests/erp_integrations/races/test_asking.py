"""A question, its answer and its withdrawal beside a decision: one outcome, whoever is first."""

from typing import Any

import pytest

from erp_integrations import submissions
from erp_integrations.models import Question, QuestionState, Submission, SubmissionStatus
from notifications.models import OutgoingEmail
from tests.erp_integrations.races.acts import accepts, rejects, retrieves, two_approvers
from tests.erp_integrations.races.conftest import Interleave
from tests.erp_integrations.races.judging import assert_consistent, the_submission, told
from tests.erp_integrations.races.orders import Act, Ended
from tests.factories import SubmissionFactory


def asks(by: Any, submission: Submission, text: str = "Why?") -> Act:
    return lambda: submissions.ask_question(
        submission=submission, by=by, asked_of=submission.sent_by_id, text=text, expected_question=0
    )


def answers(question: Question) -> Act:
    return lambda: submissions.answer_question(
        commitment=question.commitment, by=question.asked_of, question=question.pk, answer="So."
    )


def withdraws(by: Any, question: Question) -> Act:
    return lambda: submissions.withdraw_question(submission=question.submission, by=by, question=question.pk)


def asked() -> tuple[Any, Any, Question]:
    submission = SubmissionFactory()
    first, second = two_approvers(submission)
    asks(first, submission)()
    return first, second, Question.objects.select_related("submission", "commitment", "asked_of").get()


def no_question_is_open_on_what_was_decided() -> Question:
    question = Question.objects.get()
    if the_submission().status != SubmissionStatus.AWAITING:
        assert question.state != QuestionState.OPEN
    assert told("question.answered") == (question.state == QuestionState.ANSWERED)
    assert OutgoingEmail.objects.filter(kind="answer").count() == told("question.answered")
    assert_consistent()
    return question


@pytest.mark.parametrize("decides", [accepts, rejects])
def test_of_an_answer_and_a_decision_both_count_or_the_answer_is_refused(
    interleave: Interleave, decides: Any
) -> None:
    _, second, question = asked()

    def judge(ended: Ended) -> None:
        state = no_question_is_open_on_what_was_decided().state
        assert (state == QuestionState.ANSWERED) is not bool(ended.refusals)
        assert all(isinstance(refusal, submissions.Conflict) for refusal in ended.refusals)
        assert the_submission().decided_by == second

    interleave(answers(question), decides(second, question.submission), judge)


def test_of_an_answer_and_a_withdrawal_one_is_told_of_the_other(interleave: Interleave) -> None:
    first, _, question = asked()

    def judge(ended: Ended) -> None:
        (refusal,) = ended.refusals
        closed = no_question_is_open_on_what_was_decided()
        assert isinstance(refusal, submissions.Conflict)
        assert str(closed.closed_by) in str(refusal)

    interleave(answers(question), withdraws(first, question), judge)


@pytest.mark.parametrize("decides", [accepts, rejects, lambda by, submission: retrieves(submission)])
def test_of_a_question_and_a_decision_none_stays_open_on_what_was_decided(
    interleave: Interleave, decides: Any
) -> None:
    submission = SubmissionFactory()
    first, second = two_approvers(submission)

    def judge(ended: Ended) -> None:
        if ended.refusals:
            assert isinstance(ended.first, submissions.Conflict)
            assert not Question.objects.exists()
        else:
            no_question_is_open_on_what_was_decided()

    interleave(asks(first, submission), decides(second, submission), judge)


def test_of_two_who_ask_one_does_and_the_other_is_told(interleave: Interleave) -> None:
    submission = SubmissionFactory()
    first, second = two_approvers(submission)

    def judge(ended: Ended) -> None:
        (refusal,) = ended.refusals
        assert isinstance(refusal, submissions.Conflict)
        assert Question.objects.count() == OutgoingEmail.objects.count() == 1

    interleave(asks(first, submission, "Why?"), asks(second, submission, "How?"), judge, alike=True)
