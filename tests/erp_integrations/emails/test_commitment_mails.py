"""Who hears of a commitment's way back, and what is done where a mail did not arrive."""

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from commitments import services as commitments
from directory.models import User
from erp_integrations import submissions
from erp_integrations.emails.undelivered_mails import store_undelivered_mails
from erp_integrations.models import Submission
from notifications.models import Kind, OutgoingEmail, RefusedAddress
from tests.clients import signed_in
from tests.factories import ErpAdminFactory, ProjectAdminFactory

pytestmark = pytest.mark.django_db


def subjects(kind: Kind) -> dict[str, str]:
    return {each.to_address: each.subject for each in OutgoingEmail.objects.filter(kind=kind)}


class TestResent:
    def test_whoever_rejected_it_hears_that_it_is_back(
        self, awaiting: Submission, approver: User, sender: User
    ) -> None:
        submissions.reject(submission=awaiting, by=approver, reason="The title is wrong.")
        commitment = awaiting.commitment
        commitment.refresh_from_db()
        commitments.update_commitment(
            commitment=commitment,
            by=sender,
            version=commitment.version,
            values={"title": "Concrete"},
            lines=None,
        )
        again = submissions.send_to_erp(commitment=commitment, by=sender)
        mail = OutgoingEmail.objects.get(kind=Kind.RESENT)
        assert (mail.recipient, mail.caused_by) == (approver, sender)
        assert mail.subject == f"Re-sent after your rejection: {again.number} Concrete"
        assert "The title is wrong." in mail.text_body
        assert again.get_absolute_url() in mail.text_body

    def test_not_whoever_sees_the_tool_no_longer(
        self, awaiting: Submission, approver: User, sender: User
    ) -> None:
        submissions.reject(submission=awaiting, by=approver, reason="No.")
        approver.company_memberships.update(erp_integrations_level="none", can_push_to_accounting=False)
        submissions.send_to_erp(commitment=awaiting.commitment, by=sender)
        assert not subjects(Kind.RESENT)


class TestUndelivered:
    @pytest.fixture
    def rejected(self, awaiting: Submission, approver: User) -> Submission:
        """Its creator's address was refused before."""
        RefusedAddress.objects.create(
            address=awaiting.created_by.email.lower(), answer="550 5.1.1 No such user", refused_at=Now()
        )
        submissions.reject(submission=awaiting, by=approver, reason="Line 3 is on the wrong phase.")
        awaiting.refresh_from_db()
        return awaiting

    def test_who_acted_and_the_projects_admins_hear_of_it_once(
        self, rejected: Submission, approver: User, sender: User
    ) -> None:
        other = ProjectAdminFactory(project=rejected.project)
        assert store_undelivered_mails() == 1
        assert store_undelivered_mails() == 0
        creator = rejected.created_by
        people = {person.email for person in (approver, sender, other)} - {creator.email}
        assert set(subjects(Kind.UNDELIVERED)) == people
        mail = OutgoingEmail.objects.get(kind=Kind.UNDELIVERED, recipient=other)
        assert f"This could not be mailed to {creator}. Tell them" in mail.text_body
        assert "Line 3 is on the wrong phase." in mail.html_body

    def test_not_whoever_has_left_the_company(self, rejected: Submission, approver: User) -> None:
        approver.company_memberships.all().delete()
        assert store_undelivered_mails() == 1
        assert approver.email not in subjects(Kind.UNDELIVERED)

    def test_both_pages_and_who_rejects_say_so(self, rejected: Submission, approver: User) -> None:
        sentence = f"It could not be mailed to {rejected.created_by}. Tell them"
        pages = (
            (approver, rejected.get_absolute_url()),
            (ProjectAdminFactory(project=rejected.project), rejected.commitment.get_absolute_url()),
        )
        for person, address in pages:
            assert sentence in signed_in(person).get(address).text

    def test_the_answer_to_reject_does_not_say_that_it_is_mailed(
        self, awaiting: Submission, approver: User
    ) -> None:
        RefusedAddress.objects.create(address=awaiting.created_by.email.lower(), answer="550 No such user")
        address = reverse("erp_integrations:reject", args=[awaiting.company.slug, awaiting.pk])
        posted = {
            "reason": "No.",
            "expected_hash": awaiting.snapshot_hash,
            "expected_version": "0",
        }
        html = signed_in(approver).post(address, posted, follow=True).text
        assert "is rejected and back with its project" in html
        assert "could not be mailed to" in html

    def test_an_admin_of_the_tool_sees_the_address_and_has_it_tried_again(
        self, rejected: Submission, approver: User
    ) -> None:
        admin = ErpAdminFactory(company=rejected.company)
        page = reverse("erp_integrations:settings", args=[rejected.company.slug])
        RefusedAddress.objects.create(address="else@example.test", answer="550 Another company's.")
        client = signed_in(admin)
        html = client.get(page).text
        assert rejected.created_by.email.lower() in html
        assert "550 5.1.1 No such user" in html
        assert "else@example.test" not in html
        client.post(reverse("erp_integrations:try-addresses", args=[rejected.company.slug]))
        assert RefusedAddress.objects.get().address == "else@example.test"
        assert "Mail that does not arrive" not in client.get(page).text

    def test_once_all_arrive_nothing_is_said(self, awaiting: Submission, approver: User) -> None:
        submissions.reject(submission=awaiting, by=approver, reason="No.")
        assert store_undelivered_mails() == 0
        assert "could not be mailed" not in signed_in(approver).get(awaiting.get_absolute_url()).text
