"""Reasons for a rejection that are kept: chosen, and never in the place of what was typed."""

from html import unescape
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from directory.models import Company, HistoryEntry, User
from directory.privacy import personal_data
from erp_integrations.models import KeptReason, Submission
from tests.clients import signed_in
from tests.erp_integrations.views.test_dialogs import approver_of, seen, url
from tests.factories import ApproverFactory, ErpAdminFactory, SubmissionFactory, ViewerFactory

pytestmark = pytest.mark.django_db

UNSIGNED = "The contract is not signed.\nSend it again when it is."


@pytest.fixture
def submission() -> Submission:
    sent: Submission = SubmissionFactory()
    return sent


def address(company: Company) -> str:
    return reverse("erp_integrations:reasons", args=[company.slug])


def shown(client: Client, where: str) -> str:
    answer = client.get(where)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def kept(company: Company, text: str = UNSIGNED, person: User | None = None) -> KeptReason:
    return KeptReason.objects.create(company=company, person=person, text=text)


def reject(client: Client, submission: Submission, **entered: Any) -> int:
    posted = {**seen(client, submission, "reject"), **entered}
    return client.post(url(submission, "reject"), posted).status_code


class TestChoosing:
    @pytest.mark.parametrize(
        ("typed", "stored"),
        [("", UNSIGNED), (" \r\n", UNSIGNED), ("Wrong vendor.", "Wrong vendor.")],
    )
    def test_the_chosen_one_counts_where_nothing_was_typed(
        self, submission: Submission, typed: str, stored: str
    ) -> None:
        _, client = approver_of(submission)
        chosen = kept(submission.company).text.replace("\n", "\r\n")  # as a browser sends it
        assert reject(client, submission, reason=typed, chosen=chosen) == 302
        submission.refresh_from_db()
        assert submission.reason == stored

    @pytest.mark.parametrize("typed", ["...", "\u200b"])
    def test_it_takes_no_place_of_what_was_typed(self, submission: Submission, typed: str) -> None:
        _, client = approver_of(submission)
        assert reject(client, submission, reason=typed, chosen=UNSIGNED) == 422
        submission.refresh_from_db()
        assert not submission.reason

    def test_a_rejection_keeps_the_text_itself(self, submission: Submission) -> None:
        _, client = approver_of(submission)
        reason = kept(submission.company)
        assert reject(client, submission, chosen=reason.text) == 302
        reason.delete()
        submission.refresh_from_db()
        assert submission.reason == UNSIGNED
        entry = HistoryEntry.objects.get(event="submission.rejected")
        assert entry.detail["reason"] == UNSIGNED

    def test_the_companys_and_ones_own_are_offered_and_nobody_elses(self, submission: Submission) -> None:
        person, client = approver_of(submission)
        box = url(submission, "reject")
        assert "<select" not in shown(client, box)
        kept(submission.company)
        kept(submission.company, "Mine <b>", person)
        kept(submission.company, "A colleague's", ApproverFactory(company=submission.company))
        kept(SubmissionFactory().company, "Another company's")
        with CaptureQueriesContext(connection) as queries:
            html = shown(client, box)
        assert sum("keptreason" in each["sql"] for each in queries) == 1
        assert f'<option value="{UNSIGNED}">{" ".join(UNSIGNED.split())}</option>' in html
        assert '<option value="Mine <b>">' in html
        assert "colleague" not in html
        assert "Another company" not in html


class TestOnesOwn:
    def test_a_tick_keeps_it_once_for_the_next_time(self, submission: Submission) -> None:
        person, client = approver_of(submission)
        assert reject(client, submission, reason=" Wrong job. ") == 302
        assert not KeptReason.objects.exists()
        for _ in range(2):
            again = SubmissionFactory(company=submission.company, commitment__project=submission.project)
            assert reject(client, again, reason=" Wrong job. ", remember="on") == 302
        reason = KeptReason.objects.get()
        assert (reason.person, reason.company, reason.text) == (person, submission.company, "Wrong job.")
        assert not HistoryEntry.objects.filter(event="reasons.changed").exists()

    def test_a_rejection_that_is_refused_keeps_nothing(self, submission: Submission) -> None:
        _, client = approver_of(submission)
        assert reject(client, submission, reason="No.", remember="on", expected_hash="0" * 64) == 409
        assert not KeptReason.objects.exists()

    def test_each_person_deletes_their_own_alone(self, submission: Submission) -> None:
        person, client = approver_of(submission)
        other = signed_in(ErpAdminFactory(company=submission.company))
        reason = kept(submission.company, "Mine", person)
        where = reverse("erp_integrations:delete-reason", args=[submission.company.slug, reason.pk])
        assert "Mine" not in shown(other, address(submission.company))
        assert other.post(where).status_code == 404
        assert "Mine" in shown(client, address(submission.company))
        assert client.get(where).status_code == 302
        assert KeptReason.objects.exists()
        assert client.post(where).status_code == 302
        assert not KeptReason.objects.exists()

    def test_they_are_a_persons_data(self, submission: Submission) -> None:
        person, _ = approver_of(submission)
        kept(submission.company)
        kept(submission.company, "Mine", person)
        told = personal_data.export_personal_data(person=person, by=None)
        assert told["erp_integrations.keptreason.person"] == [
            {"company__name": submission.company.name, "text": "Mine"}
        ]
        personal_data.delete_personal_data(person=person, by=None, reason="asked for")
        assert KeptReason.objects.get().person is None


class TestTheCompanys:
    def test_an_erp_admin_adds_and_deletes_them_and_the_history_says_so(self, submission: Submission) -> None:
        company = submission.company
        client = signed_in(ErpAdminFactory(company=company))
        assert client.post(address(company), {"text": " "}).status_code == 422
        for text in (UNSIGNED, UNSIGNED.replace("\n", "\r\n")):
            assert client.post(address(company), {"text": text}).status_code == 302
        reason = KeptReason.objects.get()
        assert (reason.person, reason.text) == (None, UNSIGNED)
        assert reverse("erp_integrations:reasons", args=[company.slug]) in shown(
            client, reverse("erp_integrations:settings", args=[company.slug])
        )
        client.post(reverse("erp_integrations:delete-reason", args=[company.slug, reason.pk]))
        entries = HistoryEntry.objects.filter(event="reasons.changed").order_by("pk")
        assert [each.detail for each in entries] == [{"added": UNSIGNED}, {"deleted": UNSIGNED}]

    def test_nobody_else_does(self, submission: Submission) -> None:
        company, reason = submission.company, kept(submission.company)
        for person in (ApproverFactory(company=company), ViewerFactory(company=company)):
            client = signed_in(person)
            html = shown(client, address(company))
            assert "The contract is not signed." in html
            assert "Keep for everybody" not in html
            assert client.post(address(company), {"text": "Mine"}).status_code == 403
            where = reverse("erp_integrations:delete-reason", args=[company.slug, reason.pk])
            assert where not in html
            assert client.post(where).status_code == 403
        assert KeptReason.objects.get() == reason

    def test_the_database_keeps_each_once(self, submission: Submission) -> None:
        kept(submission.company)
        with pytest.raises(IntegrityError, match="a_reason_is_kept_once"), transaction.atomic():
            kept(submission.company)


def test_many_are_rejected_with_a_chosen_one(submission: Submission) -> None:
    person, client = approver_of(submission)
    kept(submission.company)
    where = reverse("erp_integrations:bulk", args=[submission.company.slug])
    assert '<option value="The contract' in shown(client, f"{where}?id={submission.pk}&action=reject")
    assert "<select" not in shown(client, f"{where}?id={submission.pk}")
    posted = {"action": "reject", "id": submission.pk, "row": submission.pk, "chosen": UNSIGNED}
    posted |= {f"stamp-{submission.pk}": submission.snapshot_hash, "remember": "on"}
    assert client.post(where, posted).status_code == 302
    submission.refresh_from_db()
    assert submission.reason == UNSIGNED
    assert KeptReason.objects.get(person=person).text == UNSIGNED
