import csv
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from time import sleep
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.text import slugify

from directory.models import User
from notifications.emails import (
    OLDEST_LINES,
    SummaryLine,
    SummarySection,
    list_people_without_summary,
    store_daily_summary,
)
from notifications.models import Attachment, Kind, OutgoingEmail
from tests.notifications.factories import RecipientFactory

TODAY = date(2026, 11, 23)
TOMORROW = date(2026, 11, 24)


def line(number: str = "SC-0001", **changes: Any) -> SummaryLine:
    return SummaryLine(
        **{
            "project": "Bridge Street Library",
            "kind": "Subcontract",
            "number": number,
            "title": "Concrete works",
            "vendor": "Schuylkill & Sons",
            "amount": Decimal("32000.01"),
            "currency": "USD",
            "waiting_days": 3,
            "url": f"https://books.example/{number}/",
            **changes,
        }
    )


def section(*lines: SummaryLine, company: str = "City Builders") -> SummarySection:
    return SummarySection(
        company=company, slug=slugify(company), url="https://books.example/ready/", lines=lines
    )


def summary(recipient: Any, *sections: SummarySection, day: date = TODAY) -> OutgoingEmail | None:
    return store_daily_summary(
        recipient=recipient, day=day, sections=sections or [section(line())], link="https://books.example/"
    )


def many(count: int, **changes: Any) -> list[SummaryLine]:
    """As accountants know them: of 40 projects, each with another amount."""
    return [
        line(
            f"SC-{number:04}",
            **{
                "project": f"Riverside Correctional Facility {number % 40}",
                "title": "Closed Circuit Television and Field Lighting",
                "vendor": "Hunter Roberts Construction",
                "amount": Decimal(f"{number * 7919 % 100_000}.{number % 100:02}"),
                "url": f"https://books.contractor.example/companies/city/erp-integrations/commitments/{number}/"
                if number < OLDEST_LINES
                else "",
                **changes,
            },
        )
        for number in range(count)
    ]


def listed(body: str) -> list[str]:
    return re.findall(r"\bSC-\d{4}\b", body)


def money(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def rows_of(file: Attachment) -> list[list[str]]:
    assert file.content.startswith("\ufeff")
    return list(csv.reader(file.content[1:].splitlines(keepends=True)))


@pytest.mark.django_db
def test_the_summary_has_its_exact_subject_and_lists_everything_that_waits() -> None:
    person = RecipientFactory.create()
    email = summary(
        person,
        section(line("SC-0001"), line("PO-0002", amount=Decimal("-5.00"), waiting_days=0)),
        section(line("SC-0003", currency="CAD", waiting_days=1), company="Nord & Fils"),
    )
    assert email is not None
    assert email.subject == "ERP Integrations Daily Summary"
    assert (email.recipient, email.to_address, email.kind) == (person, person.email, Kind.DAILY_SUMMARY)
    for expected in (
        "3 commitments are waiting for accounting",
        "Monday, 23 Nov 2026",
        "Bridge Street Library",
        "SC-0001 Concrete works",
        "USD 32,000.01",
        "waiting 3 days",
        "USD -5.00",
        "waiting since today",
        "2 commitments, USD 31,995.01",
        "CAD 32,000.01",
        "waiting 1 day",
        "https://books.example/SC-0003/",
    ):
        assert expected in email.text_body
        assert expected in email.html_body
    assert "Nord & Fils" in email.text_body
    assert "Nord &amp; Fils" in email.html_body


@pytest.mark.django_db
def test_one_commitment_is_told_in_the_singular() -> None:
    email = summary(RecipientFactory.create())
    assert email is not None
    assert "1 commitment is waiting for accounting" in email.text_body
    assert "1 commitment is waiting for accounting" in email.html_body


@pytest.mark.django_db
def test_nothing_is_stored_when_nothing_waits() -> None:
    assert summary(RecipientFactory.create(), section()) is None
    assert not OutgoingEmail.objects.exists()


@pytest.mark.django_db
def test_a_person_gets_one_summary_a_day() -> None:
    first, second = RecipientFactory.create(), RecipientFactory.create()
    assert summary(first) is not None
    assert summary(first) is None
    assert summary(second) is not None
    assert summary(first, day=TOMORROW) is not None
    assert OutgoingEmail.objects.count() == 3


@pytest.mark.django_db
def test_who_has_a_summary_is_looked_up_by_an_index_however_many_are_asked_for() -> None:
    people = [User(pk=number) for number in range(1, 151)]
    with CaptureQueriesContext(connection) as queries:
        assert list_people_without_summary(dict.fromkeys(people, TODAY)) == set(people)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # which is right for a table as small as here
        cursor.execute(f"EXPLAIN {queries[0]['sql']}")
        plan = "\n".join(row for (row,) in cursor.fetchall())
    assert "an_email_is_stored_once_for_its_key" in plan


@pytest.mark.django_db(transaction=True)
def test_two_that_store_one_summary_at_once_store_it_once() -> None:
    person = RecipientFactory.create()
    meet = threading.Barrier(2)

    def store() -> OutgoingEmail | None:
        try:
            with transaction.atomic():
                meet.wait(10)
                return summary(person)
        finally:
            connection.close()

    for _ in range(10):
        OutgoingEmail.objects.all().delete()
        with ThreadPoolExecutor(2) as pool:
            stored = [future.result() for future in [pool.submit(store), pool.submit(store)]]
        assert sorted(email is None for email in stored) == [False, True]
        assert OutgoingEmail.objects.count() == 1


@pytest.mark.django_db
def test_a_summary_of_500_lists_all_of_them_below_the_size_at_which_mails_are_cut() -> None:
    email = summary(RecipientFactory.create(), section(*many(500)))
    assert email is not None
    numbers = [f"SC-{number:04}" for number in range(500)]
    assert listed(email.text_body) == listed(email.html_body) == numbers
    assert len(email.html_body.encode()) < 100_000
    assert not email.attachments.exists()
    # The oldest can be opened.
    assert email.html_body.count("/erp-integrations/commitments/") == 100
    assert email.text_body.count("/erp-integrations/commitments/") == 100


@pytest.mark.django_db
def test_of_501_the_oldest_are_listed_each_project_is_summed_and_a_file_has_them_all() -> None:
    lines = many(501)
    email = summary(RecipientFactory.create(), section(*lines))
    assert email is not None
    assert listed(email.text_body) == listed(email.html_body) == [f"SC-{number:04}" for number in range(100)]
    total = f"501 commitments, USD {sum(line.amount for line in lines):,.2f}"
    for body in (email.text_body, email.html_body):
        assert total in body
        assert "Only the oldest 100 are listed here. All 501 are in the attached file" in body
    sums = re.findall(r"\* (.+)\n  (\d+) commitments?, USD ([\d,.]+)", email.text_body)
    pattern = r"<tr><td>(.+)<br>(\d+) commitments?<td[^>]*><b>USD ([\d,.]+)</b>"
    assert re.findall(pattern, email.html_body)[:-1] == sums
    assert "<b>Total</b><br>501 commitments" in email.html_body
    assert len(sums) == 40
    assert sum(int(count) for _, count, _ in sums) == 501
    assert sum(money(amount) for _, _, amount in sums) == sum(line.amount for line in lines)
    (file,) = email.attachments.all()
    assert file.name == "city-builders-waiting-for-accounting.csv"
    head, *rows = rows_of(file)
    assert head[0] == "Number"
    assert head[-2:] == ["Amount (USD)", "Days waiting"]
    assert [row[0] for row in rows] == [line.number for line in lines]
    assert [Decimal(row[-2]) for row in rows] == [line.amount for line in lines]


@pytest.mark.django_db
def test_what_many_companies_have_stays_below_that_size_too() -> None:
    companies = [section(*many(400), company=f"Contractor {number}") for number in range(7)]
    email = summary(RecipientFactory.create(), *companies, section(line("SC-9999", url="/"), company="Small"))
    assert email is not None
    assert len(email.html_body.encode()) < 100_000
    # The oldest 100 of a mail, of eight companies.
    assert len(listed(email.html_body)) == len(listed(email.text_body)) == 7 * 12 + 1
    names = {file.name for file in email.attachments.all()}
    assert names == {f"contractor-{number}-waiting-for-accounting.csv" for number in range(7)}


@pytest.mark.django_db
@pytest.mark.parametrize("count", [90, 450, 600])
def test_the_longest_words_stay_below_that_size_too(count: int) -> None:
    words = {"title": "&" * 255, "vendor": "&" * 200}
    lines = [replace(each, project=f"{each.number:&<200}") for each in many(count, **words)]
    email = summary(RecipientFactory.create(), section(*lines))
    assert email is not None
    assert len(email.html_body.encode()) < 100_000
    (file,) = email.attachments.all()
    assert len(rows_of(file)) == count + 1
    sums = re.findall(r"\* .+\n  (\d+) commitments?, USD ([\d,.]+)", email.text_body)
    assert sum(int(number) for number, _ in sums) == count
    assert sum(money(amount) for _, amount in sums) == sum(line.amount for line in lines)


@pytest.mark.django_db
def test_links_go_before_lines_do() -> None:
    lines = many(500, title="Closed Circuit Television and Field Lighting at Fox Chase")
    email = summary(RecipientFactory.create(), section(*lines))
    assert email is not None
    assert len(listed(email.html_body)) == 500
    assert len(email.html_body.encode()) < 100_000
    links = [body.count("/erp-integrations/commitments/") for body in (email.html_body, email.text_body)]
    assert links in ([50, 50], [25, 25])
    assert not email.attachments.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", " =1+1", "\t=1", "\r=1", "\n=1"])
def test_nothing_in_the_file_is_a_formula_and_amounts_are_numbers(text: str) -> None:
    typed = {"number": text, "title": text, "project": text, "vendor": text}
    lines = [line(**typed, amount=Decimal("-5.00"))] * 501
    email = summary(RecipientFactory.create(), section(*lines))
    assert email is not None
    for row in rows_of(email.attachments.get())[1:]:
        assert row[2] == "Subcontract"
        assert row[-2:] == ["-5.00", "3"]
        for cell in (row[0], row[1], row[3], row[4]):
            assert cell == f"'{text.strip()}"


@pytest.mark.django_db
def test_a_file_is_stored_once_for_all_its_mails_and_for_none_that_is_there_already() -> None:
    shared = section(*many(501))
    first, second = RecipientFactory.create_batch(2)
    emails = [summary(person, shared) for person in (first, second)]
    assert summary(first, section(*many(501))) is None
    file = Attachment.objects.get()
    assert [email and email.attachments.get() for email in emails] == [file, file]


@pytest.mark.django_db(transaction=True)
def test_no_sender_sees_a_summary_without_its_file() -> None:
    person = RecipientFactory.create()

    def store() -> OutgoingEmail | None:
        try:
            return summary(person, section(*many(501)))
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE notifications_attachment IN SHARE MODE")
            storing = pool.submit(store)
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
            for _ in range(100):
                cursor.execute(waiting, ["notifications_attachment"])
                if cursor.fetchone()[0]:
                    break
                sleep(0.1)
            else:
                pytest.fail("It stored no file.")
            assert not OutgoingEmail.objects.exists()
        email = storing.result(10)
    assert email
    assert email.attachments.count() == 1
