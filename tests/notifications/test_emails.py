import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from notifications.emails import SummaryLine, SummarySection, store_daily_summary, store_rejection
from notifications.models import Kind, OutgoingEmail
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
    return SummarySection(company=company, url="https://books.example/ready/", lines=lines)


def summary(recipient: Any, *sections: SummarySection, day: date = TODAY) -> OutgoingEmail | None:
    return store_daily_summary(
        recipient=recipient, day=day, sections=sections or [section(line())], link="https://books.example/"
    )


def rejection(*recipients: Any, **changes: Any) -> list[OutgoingEmail]:
    return store_rejection(
        **{
            "recipients": recipients,
            "kind": "Subcontract",
            "number": "SC-0001",
            "title": "Concrete works",
            "project": "Bridge Street Library",
            "vendor": "Schuylkill & Sons",
            "amount": Decimal("32000.01"),
            "currency": "USD",
            "reason": "Line 3 is on the wrong phase.",
            "rejected_by": "Ada Approver",
            "link": "https://books.example/projects/1/commitments/2/edit/",
            **changes,
        }
    )


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
def test_the_rejection_carries_the_reason_who_rejected_and_the_link() -> None:
    creator, sender = RecipientFactory.create(), RecipientFactory.create()
    emails = rejection(creator, sender)
    assert {email.to_address for email in emails} == {creator.email, sender.email}
    email = emails[0]
    assert email.kind == Kind.REJECTION
    assert email.subject == "Rejected by accounting: SC-0001 Concrete works"
    for expected in (
        "Line 3 is on the wrong phase.",
        "Ada Approver",
        "Bridge Street Library",
        "USD 32,000.01",
        "https://books.example/projects/1/commitments/2/edit/",
    ):
        assert expected in email.text_body
        assert expected in email.html_body


@pytest.mark.django_db
def test_a_person_who_created_and_sent_gets_one_rejection() -> None:
    person = RecipientFactory.create()
    assert len(rejection(person, person)) == 1


@pytest.mark.django_db
def test_a_person_without_an_address_is_left_out() -> None:
    assert rejection(RecipientFactory.create(email="")) == []


@pytest.mark.django_db
@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r", "\v", "\x85", "\u2028"])
def test_a_line_break_in_a_title_makes_no_header(break_: str) -> None:
    (email,) = rejection(RecipientFactory.create(), title=f"Works{break_}Bcc: all@example.test")
    assert email.subject == "Rejected by accounting: SC-0001 Works Bcc: all@example.test"


@pytest.mark.django_db
def test_a_long_title_is_cut_in_the_subject_alone() -> None:
    title = "Concrete works " * 17
    (email,) = rejection(RecipientFactory.create(), title=title)
    assert len(email.subject) <= 200
    assert email.subject.endswith("…")
    assert title in email.html_body


@pytest.mark.django_db
def test_what_people_wrote_stays_text_in_the_html() -> None:
    (email,) = rejection(RecipientFactory.create(), reason="<script>alert(1)</script>\nSecond line & more")
    assert "<script" not in email.html_body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>Second line &amp; more" in email.html_body
    assert "> <script>alert(1)</script>\n> Second line & more" in email.text_body


@pytest.mark.django_db(transaction=True)
def test_a_cause_that_is_rolled_back_leaves_no_mail() -> None:
    with transaction.atomic():
        rejection(RecipientFactory.create())
        transaction.set_rollback(True)
    assert not OutgoingEmail.objects.exists()


@pytest.mark.django_db
def test_one_sender_is_woken_and_only_after_the_commit(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    callbacks: list[Callable[[], Any]]
    with django_capture_on_commit_callbacks() as callbacks:
        rejection(RecipientFactory.create(), RecipientFactory.create())
    assert len(callbacks) == 1
    with django_capture_on_commit_callbacks() as callbacks:
        rejection(RecipientFactory.create(email=""))
    assert callbacks == []
