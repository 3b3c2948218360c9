from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from pytest_django import Settings

from directory.db.transitions import TransitionRefused
from notifications.models import (
    MAX_ATTEMPTS,
    Kind,
    OutgoingEmail,
    Status,
    Subscription,
)
from notifications.preferences import list_subscribers
from tests.notifications.factories import OutgoingEmailFactory, RecipientFactory

pytestmark = pytest.mark.django_db

ALLOWED = {
    ("queued", "sending"),
    ("sending", "sent"),
    ("sending", "queued"),
    ("sending", "failed"),
    ("failed", "queued"),
    ("sent", "failed"),  # it came back
}


@pytest.mark.parametrize("before", Status.values)
@pytest.mark.parametrize("after", Status.values)
def test_only_the_drawn_arrows_are_allowed(before: str, after: str) -> None:
    email = OutgoingEmail(status=before)
    if (before, after) in ALLOWED:
        email.set_status(Status(after))
        assert email.status == after
    else:
        with pytest.raises(TransitionRefused):
            email.set_status(Status(after))
        assert email.status == before


@pytest.mark.parametrize(
    ("trait", "change", "constraint"),
    [
        ({}, {"status": "lost"}, "an_email_is_in_a_known_status"),
        ({}, {"kind": "advertisement"}, "an_email_is_of_a_known_kind"),
        ({}, {"to_address": ""}, "an_email_has_an_address"),
        ({}, {"subject": "Rejected\nBcc: all@example.test"}, "the_subject_of_an_email_is_one_line"),
        ({}, {"subject": "Rejected\rBcc: all@example.test"}, "the_subject_of_an_email_is_one_line"),
        ({}, {"sent_at": Now()}, "an_email_has_a_sent_time_exactly_when_sent"),
        ({"sent": True}, {"sent_at": None}, "an_email_has_a_sent_time_exactly_when_sent"),
        ({}, {"lease_until": Now()}, "an_email_has_a_lease_exactly_when_sending"),
        ({"being_sent": True}, {"lease_until": None}, "an_email_has_a_lease_exactly_when_sending"),
        ({"failed": True}, {"last_error": ""}, "a_failed_email_says_why"),
    ],
)
def test_the_database_refuses_a_row_that_contradicts_itself(
    trait: dict[str, bool], change: dict[str, Any], constraint: str
) -> None:
    email = OutgoingEmailFactory.create(**trait)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        OutgoingEmail.objects.filter(pk=email.pk).update(**change)


def test_two_mails_share_no_key_but_many_have_none() -> None:
    OutgoingEmailFactory.create_batch(2, dedupe_key="")
    OutgoingEmailFactory.create(dedupe_key="daily_summary:1:2026-11-23")
    with pytest.raises(IntegrityError, match="an_email_is_stored_once_for_its_key"), transaction.atomic():
        OutgoingEmailFactory.create(dedupe_key="daily_summary:1:2026-11-23")


def test_a_message_id_is_of_the_senders_domain_and_never_the_same(settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Ledgergate <no-reply@books.example>"
    first, second = OutgoingEmailFactory.create(), OutgoingEmailFactory.create()
    assert first.message_id.endswith("@books.example>")
    assert first.message_id != second.message_id


def test_a_new_mail_is_due_by_the_databases_clock() -> None:
    email = OutgoingEmailFactory.create()
    assert list(OutgoingEmail.objects.due()) == [email]


def test_the_outbox_tells_apart_what_waits_what_is_claimed_and_what_is_over() -> None:
    due, backing_off = OutgoingEmailFactory.create(), OutgoingEmailFactory.create(backing_off=True)
    leased, abandoned = (
        OutgoingEmailFactory.create(being_sent=True),
        OutgoingEmailFactory.create(abandoned=True),
    )
    failed = OutgoingEmailFactory.create(failed=True)
    OutgoingEmailFactory.create(sent=True)
    outbox = OutgoingEmail.objects
    assert set(outbox.queued()) == {due, backing_off}
    assert set(outbox.due()) == {due}
    assert set(outbox.sending()) == {leased, abandoned}
    assert set(outbox.leased()) == {leased}
    assert set(outbox.stalled()) == {abandoned}
    assert set(outbox.failed()) == {failed}


def test_the_last_try_fails_the_mail_instead_of_postponing_it() -> None:
    email = OutgoingEmailFactory.create(being_sent=True, attempts=MAX_ATTEMPTS)
    email.requeue(after=timedelta(0), error="451 Try later")
    assert email.status == Status.FAILED
    assert email.last_error == f"Given up after {MAX_ATTEMPTS} tries: 451 Try later"


def test_a_mail_sent_again_has_all_its_tries_but_no_old_attempt_number() -> None:
    email = OutgoingEmailFactory.create(failed=True, attempts=MAX_ATTEMPTS)
    email.send_again()
    email.save()
    claimed = OutgoingEmail.objects.due().claim()
    assert claimed == email
    assert claimed.attempts == MAX_ATTEMPTS + 1
    assert claimed.retry_count == 1


@pytest.mark.parametrize("trait", ["being_sent", "sent", "backing_off"])
def test_only_a_failed_mail_is_sent_again(trait: str) -> None:
    email = OutgoingEmailFactory.create(**{trait: True})
    with pytest.raises(TransitionRefused):
        email.send_again()


def test_mails_go_when_the_person_is_erased() -> None:
    email = OutgoingEmailFactory.create()
    assert email.recipient
    email.recipient.delete()
    assert not OutgoingEmail.objects.exists()


def test_a_mail_is_wanted_until_it_is_switched_off() -> None:
    wanting, refusing, silent = RecipientFactory.create_batch(3)
    Subscription.objects.create(user=wanting, kind=Kind.RESENT, wanted=True)
    Subscription.objects.create(user=refusing, kind=Kind.RESENT, wanted=False)
    people = [wanting, refusing, silent]
    assert list_subscribers(people, Kind.RESENT) == [wanting, silent]
    assert list_subscribers(people, Kind.ATTENTION) == people


def test_a_choice_is_a_persons_or_a_companys() -> None:
    with pytest.raises(IntegrityError, match="a_person_s_or_a_company_s"), transaction.atomic():
        Subscription.objects.create(kind=Kind.RESENT, wanted=False)


def test_a_rejection_cant_be_switched_off() -> None:
    person = RecipientFactory.create()
    with pytest.raises(IntegrityError, match="some_mails_are_always_sent"), transaction.atomic():
        Subscription.objects.create(user=person, kind=Kind.REJECTION, wanted=False)


def test_a_person_chooses_once_for_each_kind() -> None:
    person = RecipientFactory.create()
    Subscription.objects.create(user=person, kind=Kind.RESENT)
    with pytest.raises(IntegrityError, match="a_person_chooses_once_for_each_kind"), transaction.atomic():
        Subscription.objects.create(user=person, kind=Kind.RESENT, wanted=False)
