"""The ERP Integrations Daily Summary: who gets one, when, and never twice."""

from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.utils import timezone

from erp_integrations import submissions
from erp_integrations.emails import daily_summaries
from notifications.models import OutgoingEmail
from tests.factories import ApproverFactory, ProjectFactory, SubmissionFactory, ViewerFactory, join_company

pytestmark = pytest.mark.django_db

SUBJECT = "ERP Integrations Daily Summary"


def recipients() -> list[str]:
    return list(OutgoingEmail.objects.filter(subject=SUBJECT).values_list("to_address", flat=True))


def test_each_approver_gets_everything_that_waits() -> None:
    first = SubmissionFactory()
    second = SubmissionFactory(commitment__project=first.project)
    approvers = ApproverFactory.create_batch(2, company=first.company)
    ViewerFactory(company=first.company)
    assert daily_summaries.store_due_summaries(regardless_of_hour=True) == 2
    assert sorted(recipients()) == sorted(person.email for person in approvers)
    for mail in OutgoingEmail.objects.all():
        for submission in (first, second):
            assert submission.number in mail.text_body
            assert submission.get_absolute_url() in mail.text_body
            assert submission.number in mail.html_body


def test_a_second_run_on_the_same_day_sends_nothing_twice() -> None:
    ApproverFactory(company=SubmissionFactory().company)
    assert daily_summaries.store_due_summaries(regardless_of_hour=True) == 1
    assert daily_summaries.store_due_summaries(regardless_of_hour=True) == 0
    assert len(recipients()) == 1


def test_the_next_day_brings_the_next_one() -> None:
    ApproverFactory(company=SubmissionFactory().company)
    for day in (2, 3):
        daily_summaries.store_due_summaries(at=datetime(2026, 3, day, 18, tzinfo=UTC))
    assert len(recipients()) == 2


def test_nothing_is_sent_when_nothing_waits() -> None:
    submission = SubmissionFactory()
    approver = ApproverFactory(company=submission.company)
    submissions.reject(submission=submission, by=approver, reason="No")
    assert daily_summaries.store_due_summaries(regardless_of_hour=True) == 0
    assert recipients() == []


def test_an_approver_hears_nothing_of_other_companies() -> None:
    ours, theirs = SubmissionFactory(), SubmissionFactory()
    ApproverFactory(company=ours.company)
    daily_summaries.store_due_summaries(regardless_of_hour=True)
    mail = OutgoingEmail.objects.get(subject=SUBJECT)
    assert theirs.number not in mail.text_body
    assert theirs.company.name not in mail.text_body


def test_an_approver_of_two_companies_gets_one_mail_with_both() -> None:
    ours, theirs = SubmissionFactory(), SubmissionFactory()
    approver = ApproverFactory(company=ours.company)
    join_company(approver, theirs.company, erp_integrations_level="standard", can_push_to_accounting=True)
    assert daily_summaries.store_due_summaries(regardless_of_hour=True) == 1
    body = OutgoingEmail.objects.get(subject=SUBJECT).text_body
    assert ours.number in body
    assert theirs.number in body


@pytest.mark.parametrize(
    ("time_zone", "utc_hour", "due"),
    [
        ("UTC", 6, False),
        ("UTC", 7, True),
        ("America/New_York", 11, False),  # 6 a.m. in winter
        ("America/New_York", 12, True),
        ("Asia/Tokyo", 21, False),  # 6 a.m. of the next day there
        ("Asia/Tokyo", 22, True),
    ],
)
def test_it_comes_at_the_persons_own_hour(time_zone: str, utc_hour: int, due: bool) -> None:
    ApproverFactory(company=SubmissionFactory().company, time_zone=time_zone, summary_hour=7)
    assert daily_summaries.store_due_summaries(at=datetime(2026, 1, 15, utc_hour, tzinfo=UTC)) == due


def test_who_lost_the_privilege_or_the_account_gets_none() -> None:
    company = SubmissionFactory().company
    ApproverFactory(company=company, is_active=False)
    ApproverFactory(company=company, can_push_to_accounting=False)
    assert daily_summaries.store_due_summaries(regardless_of_hour=True) == 0


def test_the_choice_makes_no_more_queries_for_more_rows(django_assert_max_num_queries: object) -> None:
    project = ProjectFactory()
    ApproverFactory(company=project.company)
    SubmissionFactory.create_batch(8, commitment__project=project)
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        daily_summaries.store_due_summaries(regardless_of_hour=True)


def test_the_command_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    ApproverFactory(company=SubmissionFactory().company, summary_hour=timezone.now().hour)
    call_command("send_daily_summaries", "--now")
    call_command("send_daily_summaries", "--now")
    assert capsys.readouterr().out.splitlines() == [
        "1 new summary for today.",
        "No new summary: everyone who is due has today's already.",
    ]
