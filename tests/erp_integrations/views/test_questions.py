"""The Ask dialog, what lists and pages say of a question, and the answer on the commitment's page."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from directory.models import Draft, User
from erp_integrations import submissions
from erp_integrations.models import Question, Submission
from notifications.models import OutgoingEmail
from tests.clients import signed_in
from tests.directory.signing_in import PASSWORD
from tests.erp_integrations.submissions.test_asking import TEXT, ask
from tests.erp_integrations.views.test_dialogs import IN_PLACE, list_url, seen, url
from tests.factories import (
    ApproverFactory,
    CreatorFactory,
    ProjectAdminFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
)
from tests.rights.forms import entered

pytestmark = pytest.mark.django_db

SHOWN = "The first &lt;one&gt;?"


@pytest.fixture
def submission() -> Submission:
    commitment = ReadyCommitmentFactory()
    commitment.created_by = CreatorFactory(project=commitment.project)
    commitment.save()
    sender = ProjectAdminFactory(project=commitment.project, password=PASSWORD)
    made: Submission = SubmissionFactory(commitment=commitment, sent_by=sender)
    return made


@pytest.fixture
def approver(submission: Submission) -> User:
    person: User = ApproverFactory(company=submission.company)
    return person


@pytest.fixture
def client(approver: User) -> Client:
    return signed_in(approver)


def text_of(response: Any) -> str:
    return str(response.content.decode())


def answer_url(submission: Submission) -> str:
    return f"{submission.commitment.get_absolute_url()}answer-question/"


def shown_answer_form(client: Client, submission: Submission) -> dict[str, str]:
    page = client.get(submission.commitment.get_absolute_url()).content
    return entered(page, answer_url(submission))


@pytest.mark.parametrize("headers", [{}, IN_PLACE])
def test_a_question_is_asked_and_the_row_says_so(
    client: Client, submission: Submission, headers: dict[str, str]
) -> None:
    assert f'href="{submission.pk}/ask/"' in text_of(client.get(list_url(submission.company)))
    page = text_of(client.get(url(submission, "ask"), headers=headers))
    assert f"{submission.sent_by}, who sent it" in page
    assert f"{submission.created_by}, who created it" in page
    entered = seen(client, submission, "ask", question=TEXT, asked_of=str(submission.created_by_id))
    answer = client.post(url(submission, "ask"), entered, headers=headers)
    assert answer.status_code == (200 if headers else 302)
    page = text_of(answer if headers else client.get(answer.headers["Location"]))
    assert f"your question is with {submission.created_by}. It keeps its place." in page
    assert "Asked, " in page
    assert ">Accept<" in page
    assert Question.objects.get().asked_of == submission.created_by
    assert not Draft.objects.exists()
    assert client.post(url(submission, "ask"), entered, headers=headers).status_code in (200, 302)
    assert OutgoingEmail.objects.count() == 1


def test_there_is_no_choice_where_one_person_sent_and_created_it(client: Client, approver: User) -> None:
    submission = SubmissionFactory(commitment__project__company=approver.company_memberships.get().company)
    person = ProjectAdminFactory(project=submission.project)
    Submission.objects.filter(pk=submission.pk).update(sent_by=person, created_by=person)
    page = text_of(client.get(url(submission, "ask")))
    assert f"To {person}, who sent it and created it." in page
    assert "<select" not in page
    entered = seen(client, submission, "ask", question="Why?", asked_of=str(person.pk))
    assert client.post(url(submission, "ask"), entered).status_code == 302


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        ({"question": " "}, "Enter a question."),
        ({"question": "x" * 4001}, "At most 4,000 characters fit; this has 4,001."),
        ({"question": "?", "asked_of": "999999999999999999999"}, "Select a valid choice."),
        ({"question": "?", "expected_question": "\0"}, "This page was out of date."),
    ],
)
def test_what_makes_no_sense_is_said_and_the_words_stay(
    client: Client, submission: Submission, entered: dict[str, str], sentence: str
) -> None:
    given = {"asked_of": str(submission.sent_by_id), **entered}
    answer = client.post(url(submission, "ask"), {**seen(client, submission, "ask"), **given})
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert entered["question"].strip() in text_of(answer)
    assert not Question.objects.exists()


def test_while_one_is_open_the_dialog_offers_to_withdraw_it_and_keeps_what_was_typed(
    client: Client, submission: Submission, approver: User
) -> None:
    before = seen(client, submission, "ask", question="And the retainage?")
    other = ApproverFactory(company=submission.company)
    ask(submission, other)
    late = client.post(
        url(submission, "ask"), {**before, "asked_of": str(submission.sent_by_id)}, headers=IN_PLACE
    )
    assert late.status_code == 409
    assert f"{other} has asked {submission.sent_by} meanwhile. Your question was not sent." in text_of(late)
    page = text_of(client.get(url(submission, "ask")))
    for words in ("One question at a time", SHOWN, "Withdraw the question", "And the retainage?"):
        assert words in page
    withdrawn = {**seen(client, submission, "ask", question="And the retainage?"), "withdraw": "1"}
    assert client.post(url(submission, "ask"), withdrawn).status_code == 302
    assert Question.objects.get().state == "withdrawn"
    page = text_of(client.get(url(submission, "ask")))
    assert "And the retainage?" in page
    assert "Not answered: " in page
    assert "Asked, " not in text_of(client.get(list_url(submission.company)))


def test_who_is_asked_stays_chosen_when_another_has_asked_meanwhile(
    client: Client, submission: Submission
) -> None:
    box = url(submission, "ask")
    before = seen(client, submission, "ask", question="And the retainage?")
    other = ApproverFactory(company=submission.company)
    ask(submission, other)
    submissions.withdraw_question(submission=submission, by=other, question=Question.objects.get().pk)
    for person in (submission.sent_by_id, submission.created_by_id):
        late = client.post(box, {**before, "asked_of": str(person)})
        assert late.status_code == 409
        assert "And the retainage?" in text_of(late)
        assert re.findall(r'<option value="(\d+)" selected', text_of(late)) == [str(person)]


def test_who_comes_after_a_decision_is_told_and_keeps_their_words(
    client: Client, submission: Submission
) -> None:
    entered = seen(client, submission, "ask", question=TEXT, asked_of=str(submission.sent_by_id))
    second = ApproverFactory(company=submission.company)
    submissions.reject(submission=submission, by=second, reason="No")
    answer = client.post(url(submission, "ask"), entered)
    assert answer.status_code == 409
    assert f"Rejected by {second}" in text_of(answer)
    assert SHOWN in text_of(answer)


def test_accept_and_reject_say_that_an_open_question_ends_with_them(
    client: Client, submission: Submission, approver: User
) -> None:
    ask(submission, approver)
    for what in ("accept", "reject"):
        page = text_of(client.get(url(submission, what)))
        assert SHOWN in page
        assert "Not answered yet. It ends with this." in page
    page = text_of(client.get(submission.get_absolute_url()))
    assert SHOWN in page
    assert "ends with this" not in page


def test_the_person_answers_on_the_commitments_page_and_the_row_says_so(
    client: Client, submission: Submission, approver: User
) -> None:
    ask(submission, approver)
    asked = signed_in(submission.sent_by)
    for address in (f"/projects/{submission.project_id}/commitments/", "/projects/"):
        assert f"{submission.commitment.get_absolute_url()}#question" in text_of(asked.get(address))
    page = text_of(asked.get(submission.commitment.get_absolute_url()))
    assert page.index(SHOWN) < page.index("Locked while accounting has it")
    assert "The open question ends with it." in page
    entered = {**shown_answer_form(asked, submission), "answer": "The second."}
    done = asked.post(answer_url(submission), entered, follow=True)
    assert "Your answer is with accounting" in text_of(done)
    assert not Draft.objects.exists()
    assert "Send answer" not in text_of(done)
    assert "Answered, " in text_of(client.get(list_url(submission.company)))
    assert "The second." in text_of(client.get(url(submission, "accept")))
    assert asked.post(answer_url(submission), entered).status_code == 302
    assert OutgoingEmail.objects.filter(kind="answer").count() == 1


def test_who_may_not_answer_reads_it_without_a_form(submission: Submission, approver: User) -> None:
    question = ask(submission, approver)
    reader = signed_in(CreatorFactory(project=submission.project))
    page = text_of(reader.get(submission.commitment.get_absolute_url()))
    assert SHOWN in page
    assert "Send answer" not in page
    assert reader.post(answer_url(submission), {"question": question.pk, "answer": "x"}).status_code == 403
    for address in (f"/projects/{submission.project_id}/commitments/", "/projects/"):
        assert "#question" not in text_of(reader.get(address))


@pytest.mark.parametrize("text", ["", "x" * 4001])
def test_an_answer_that_can_not_be_sent_is_said_and_kept(
    submission: Submission, approver: User, text: str
) -> None:
    ask(submission, approver)
    asked = signed_in(submission.sent_by)
    answer = asked.post(answer_url(submission), {**shown_answer_form(asked, submission), "answer": text})
    assert answer.status_code == 422
    assert ("At most 4,000 characters fit" if text else "Enter an answer.") in text_of(answer)
    assert text in text_of(answer)
    assert Question.objects.get().is_open


def test_a_typed_answer_survives_the_sessions_end_and_a_question_that_was_closed(
    submission: Submission, approver: User
) -> None:
    question = ask(submission, approver)
    asked = signed_in(submission.sent_by)
    entered = {**shown_answer_form(asked, submission), "answer": "The second\none."}
    asked.session.delete()
    asked.post(answer_url(submission), entered)
    asked = signed_in(submission.sent_by)
    assert asked.get(answer_url(submission)).headers["Location"] == submission.commitment.get_absolute_url()
    assert "The second\none." in text_of(asked.get(submission.commitment.get_absolute_url()))
    assert Question.objects.get().is_open
    submissions.withdraw_question(submission=submission, by=approver, question=question.pk)
    answer = asked.post(answer_url(submission), entered)
    assert answer.status_code == 409
    assert f"{approver} withdrew the question on" in text_of(answer)
    assert "The second\none." in text_of(answer)


def test_the_list_takes_no_statement_more_for_rows_with_questions(
    client: Client, submission: Submission, approver: User
) -> None:
    address = list_url(submission.company)
    client.get(address)
    with CaptureQueriesContext(connection) as without:
        client.get(address)
    other = SubmissionFactory(commitment__project=submission.project, sent_by=submission.sent_by)
    ask(submission, approver)
    ask(other, approver)
    with CaptureQueriesContext(connection) as queries:
        page = text_of(client.get(address))
    assert page.count("Asked, ") == 2
    assert len(queries) == len(without) <= 10
