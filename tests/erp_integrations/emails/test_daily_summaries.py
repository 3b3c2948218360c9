"""The ERP Integrations Daily Summary: who gets one, when, and never twice."""

import csv
import re
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from html import unescape
from io import StringIO
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.signals import template_rendered
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commitments.models import Commitment
from directory.models import User
from erp_integrations import submissions
from erp_integrations.checks import row_checks
from erp_integrations.emails import daily_summaries
from erp_integrations.models import ExportJob, Submission, SubmissionCheck
from notifications.models import Attachment, Kind, OutgoingEmail
from notifications.retention import purge_emails
from tests.factories import (
    ApproverFactory,
    ExportJobFactory,
    ProjectFactory,
    SubmissionFactory,
    ViewerFactory,
    join_company,
)

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


def test_it_says_what_stands_in_the_way_what_is_new_and_what_is_not_theirs() -> None:
    submission = SubmissionFactory()
    approver, sender = ApproverFactory(company=submission.company), submission.sent_by
    join_company(sender, submission.company, erp_integrations_level="standard", can_push_to_accounting=True)
    row_checks.check_due_submissions()
    check = SubmissionCheck.objects.get(submission=submission)
    daily_summaries.store_due_summaries(regardless_of_hour=True)
    mails = {mail.recipient: mail for mail in OutgoingEmail.objects.filter(subject=SUBJECT)}
    for body in (mails[approver].text_body, mails[approver].html_body):
        assert "1 new since yesterday" in body
        assert f"{check.get_verdict_display()}: {check.headline}"[:100] in unescape(body)
        assert "Not yours to decide" not in body
    for body in (mails[sender].text_body, mails[sender].html_body):
        assert "Not yours to decide" in body


def test_of_a_check_that_is_outdated_nothing_is_said() -> None:
    submission = SubmissionFactory()
    row_checks.check_due_submissions()
    company = submission.company
    assert daily_summaries.build_section(company, timezone.now()).lines[0].check
    SubmissionCheck.objects.update(checked_at=None)
    assert not daily_summaries.build_section(company, timezone.now()).lines[0].check


def test_what_else_waits_for_a_person_follows() -> None:
    job: ExportJob = ExportJobFactory(failed=True)
    failed = job.submission
    waiting = SubmissionFactory(commitment__project=failed.project)
    submissions.ask_question(
        submission=waiting,
        by=ApproverFactory(company=failed.company),
        asked_of=waiting.sent_by_id,
        text="Why?",
        expected_question=0,
    )
    daily_summaries.store_due_summaries(regardless_of_hour=True)
    for mail in OutgoingEmail.objects.filter(subject=SUBJECT):
        for body in (mail.text_body, mail.html_body):
            assert "Its export failed." in body
            assert failed.get_absolute_url() in body
            assert "A question to its project is not answered." in body


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


def fill(like: Submission, count: int) -> list[Submission]:
    """So many wait now, in three projects; the oldest first."""
    projects = [like.project, *ProjectFactory.create_batch(2, company=like.company)]
    commitment = {
        field.attname: getattr(like.commitment, field.attname)
        for field in Commitment._meta.concrete_fields
        if not field.primary_key
    }
    commitments = [Commitment(**commitment | {"number": f"B-{number:04}"}) for number in range(count - 1)]
    columns = {
        field.attname: getattr(like, field.attname)
        for field in Submission._meta.concrete_fields
        if not field.primary_key
    }
    Submission.objects.bulk_create(
        Submission(
            **columns
            | {
                "commitment_id": row.pk,
                "number": row.number,
                "project_id": projects[position % 3].pk,
                "total": Decimal(f"{position}.{position % 100:02}"),
                # Neither in the order of the keys nor against it.
                "sent_at": like.sent_at - timedelta(hours=position * 7919 % count, minutes=1),
            }
        )
        for position, row in enumerate(Commitment.objects.bulk_create(commitments))
    )
    return list(Submission.objects.awaiting().filter(company=like.company).order_by("sent_at"))


def test_of_501_the_oldest_are_shown_and_each_project_is_summed_and_a_file_has_all() -> None:
    waiting = fill(SubmissionFactory(), 501)
    ApproverFactory(company=waiting[0].company)
    assert daily_summaries.store_due_summaries(regardless_of_hour=True) == 1
    mail = OutgoingEmail.objects.get(subject=SUBJECT)
    assert re.findall(r"commitments/(\d+)/", mail.text_body) == [str(each.pk) for each in waiting[:100]]
    assert re.findall(r"commitments/(\d+)/", mail.html_body) == [str(each.pk) for each in waiting[:100]]
    sums = {
        project: (int(count), Decimal(amount.replace(",", "")))
        for project, count, amount in re.findall(
            r"\* (.+)\n  (\d+) commitments, USD ([\d,.]+)", mail.text_body
        )
    }
    wanted: dict[str, tuple[int, Decimal]] = {}
    for each in waiting:
        count, amount = wanted.get(each.project.name, (0, Decimal()))
        wanted[each.project.name] = (count + 1, amount + each.total)
    assert sums == wanted
    grand_total = sum(amount for _, amount in sums.values())
    assert f"Total: 501 commitments, USD {grand_total:,.2f}" in mail.text_body
    file = mail.attachments.get()
    assert file.name == f"{waiting[0].company.slug}-waiting-for-accounting.csv"
    rows = list(csv.reader(StringIO(file.content)))[1:]
    assert [row[0] for row in rows] == [each.number for each in waiting]
    assert [Decimal(row[5]) for row in rows] == [each.total for each in waiting]


def test_500_are_all_shown_and_nothing_is_attached() -> None:
    waiting = fill(SubmissionFactory(), 500)
    ApproverFactory(company=waiting[0].company)
    daily_summaries.store_due_summaries(regardless_of_hour=True)
    mail = OutgoingEmail.objects.get(subject=SUBJECT)
    for body in (mail.text_body, mail.html_body):
        assert re.findall(r"\bB-\d{4}\b", body) == [each.number for each in waiting if "B-" in each.number]
        assert "attached" not in body
    assert not mail.attachments.exists()


def count_work() -> tuple[int, Counter[str]]:
    """How often what waits is asked for, and what is rendered how often."""
    rendered: Counter[str] = Counter()

    def count(template: Any, **kwargs: Any) -> None:
        rendered[template.name] += 1

    template_rendered.connect(count)
    try:
        with CaptureQueriesContext(connection) as queries:
            assert daily_summaries.store_due_summaries(regardless_of_hour=True)
    finally:
        template_rendered.disconnect(count)
    asked = sum(' FROM "erp_integrations_submission"' in query["sql"] for query in queries)
    return asked, rendered


def test_what_waits_is_read_and_rendered_once_for_all_approvers() -> None:
    waiting, one = fill(SubmissionFactory(), 501), SubmissionFactory()
    companies = waiting[0].company, one.company
    both = ApproverFactory(company=companies[0])
    join_company(both, companies[1], erp_integrations_level="standard", can_push_to_accounting=True)
    ApproverFactory(company=companies[0])
    first = count_work()
    assert Attachment.objects.count() == 1
    OutgoingEmail.objects.all().delete()
    purge_emails()
    more = ApproverFactory.create_batch(19, company=companies[0])
    for person in more[:9]:
        join_company(person, companies[1], erp_integrations_level="standard", can_push_to_accounting=True)
    again = count_work()
    mails = OutgoingEmail.objects.filter(subject=SUBJECT)
    assert mails.count() == 21
    assert {mail.attachments.get() for mail in mails} == {Attachment.objects.get()}
    assert again[0] == first[0]
    parts = ("emails/_summary_section.html", "emails/_summary_section.txt")
    # Of the first company with the oldest 100 and, beside the other, with 50; and of the other.
    assert [first[1][part] for part in parts] == [again[1][part] for part in parts] == [3, 3]
    assert again[1]["emails/daily_summary.html"] == 21


def test_who_has_work_is_found_without_reading_all_that_waits() -> None:
    waiting = fill(SubmissionFactory(), 50)
    ApproverFactory.create_batch(3, company=waiting[0].company)
    with CaptureQueriesContext(connection) as queries:
        assert len(list(daily_summaries.list_approvers_with_work())) == 3
    with connection.cursor() as cursor:
        plans = []
        for query in queries.captured_queries:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
            plans += [entry["Plan"] for entry in cursor.fetchone()[0]]
    nodes = list(plans)
    for node in nodes:
        nodes += node.get("Plans", [])
    looks = [node for node in nodes if node.get("Relation Name") == "erp_integrations_submission"]
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in looks) == 1


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


ZONES = (
    *("UTC", "America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Sao_Paulo"),
    *("Europe/Berlin", "Europe/London", "Africa/Johannesburg", "Asia/Kolkata", "Asia/Tokyo"),
    *("Australia/Lord_Howe", "Pacific/Auckland"),
)


def test_around_both_clock_changes_and_outages_each_gets_one_a_day() -> None:
    """The year's weeks in which clocks change, anywhere, with outages of up to nine hours."""
    luck = Random(7)
    waiting = SubmissionFactory()
    Submission.objects.update(sent_at=datetime(2026, 1, 1, tzinfo=UTC))
    people: list[User] = [
        ApproverFactory(
            company=waiting.company, time_zone=ZONES[number % len(ZONES)], summary_hour=luck.randrange(24)
        )
        for number in range(12)
    ]
    for start in (datetime(2026, 3, 6, tzinfo=UTC), datetime(2026, 10, 23, tzinfo=UTC)):
        moment, end = start, start + timedelta(days=11)
        OutgoingEmail.objects.all().delete()
        got: dict[tuple[int, date], datetime] = {}
        while moment < end:
            last_look = moment
            daily_summaries.store_due_summaries(at=moment)
            for email in OutgoingEmail.objects.filter(kind=Kind.DAILY_SUMMARY):
                _, number, on = email.dedupe_key.split(":")
                got.setdefault((int(number), date.fromisoformat(on)), moment)
            pause = timedelta(hours=luck.randrange(2, 10)) if luck.random() < 0.04 else timedelta(hours=1)
            moment += pause
        assert len(got) == OutgoingEmail.objects.filter(kind=Kind.DAILY_SUMMARY).count()
        for person in people:
            zone = ZoneInfo(person.time_zone)
            first, last = (each.astimezone(zone).date() for each in (start, last_look))
            days = {day for who, day in got if who == person.pk}
            between = {first + timedelta(days=count) for count in range(1, (last - first).days)}
            assert between <= days
            for day in between:
                at_home = got[person.pk, day].astimezone(zone)
                late = at_home - datetime.combine(day, time(person.summary_hour), zone)
                assert timedelta() <= late <= timedelta(hours=10, minutes=30)


def test_who_lost_the_privilege_or_the_account_gets_none() -> None:
    company = SubmissionFactory().company
    ApproverFactory(company=company, is_active=False)
    ApproverFactory(company=company, can_push_to_accounting=False)
    assert daily_summaries.store_due_summaries(regardless_of_hour=True) == 0


@pytest.mark.parametrize(("hour", "expected"), [(12, 15), (0, 17)])  # early, yesterday's is asked for too
def test_the_choice_makes_no_more_queries_for_more_rows(hour: int, expected: int) -> None:
    project = ProjectFactory()
    person = ApproverFactory(company=project.company)
    at = timezone.now().astimezone(ZoneInfo(person.time_zone)).replace(hour=hour)
    counts = []
    for rows in (2, 8):
        SubmissionFactory.create_batch(rows, commitment__project=project)
        OutgoingEmail.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            assert daily_summaries.store_due_summaries(at=at, regardless_of_hour=True) == 1
        counts.append(len(queries))
    assert counts == [expected, expected]


def test_the_command_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    ApproverFactory(company=SubmissionFactory().company, summary_hour=timezone.now().hour)
    call_command("send_daily_summaries", "--now")
    call_command("send_daily_summaries", "--now")
    assert capsys.readouterr().out.splitlines() == [
        "1 new summary for today.",
        "No new summary: everyone who is due has today's already.",
    ]
