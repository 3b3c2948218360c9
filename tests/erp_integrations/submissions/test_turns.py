"""Whose turn it is: what waits for a person, and who is told of a correction."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from commitments import services as commitments
from commitments.models import Commitment
from directory.models import Level, User
from erp_integrations import submissions
from erp_integrations.models import Submission
from erp_integrations.pages.turns import list_waiting
from notifications.models import OutgoingEmail
from tests.factories import (
    CreatorFactory,
    ProjectAdminFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
    join_project,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def rejected(awaiting: Submission, approver: User) -> Commitment:
    submissions.reject(submission=awaiting, by=approver, reason="The title is wrong.")
    return Commitment.objects.get(pk=awaiting.commitment_id)


def change(commitment: Commitment, by: User, **values: Any) -> None:
    row = Commitment.objects.get(pk=commitment.pk)
    commitments.update_commitment(commitment=row, by=by, version=row.version, values=values, lines=None)


def told() -> list[str]:
    return list(OutgoingEmail.objects.filter(kind="corrected").values_list("recipient__email", flat=True))


def test_the_sender_is_told_once_when_another_has_corrected_it(rejected: Commitment, sender: User) -> None:
    creator = rejected.created_by
    change(rejected, creator, title="")
    assert not told()
    change(rejected, creator, title="Concrete")
    assert told() == [sender.email]
    change(rejected, creator, title="Concrete works")
    assert told() == [sender.email]
    mail = OutgoingEmail.objects.get(kind="corrected")
    assert "The title is wrong." in mail.text_body
    assert rejected.get_absolute_url() in mail.text_body


def test_each_rejection_is_told_of_and_ones_own_correction_is_not(
    rejected: Commitment, sender: User, approver: User
) -> None:
    change(rejected, sender, title="Concrete")
    assert not told()
    again = submissions.send_to_erp(commitment=rejected, by=sender)
    submissions.reject(submission=again, by=approver, reason="Still wrong.")
    change(rejected, rejected.created_by, title="Steel")
    assert told() == [sender.email]


def test_what_waits_is_an_admins_and_ones_own(rejected: Commitment, sender: User) -> None:
    creator, project = rejected.created_by, rejected.project
    other = SubmissionFactory(commitment=ReadyCommitmentFactory(project=project), rejected=True).commitment
    retrieved = SubmissionFactory(
        commitment=ReadyCommitmentFactory(project=project), retrieved=True
    ).commitment
    SubmissionFactory(rejected=True)

    def turns(person: User) -> dict[int, str]:
        return {row.commitment.pk: row.turn for row in list_waiting(person)}

    assert turns(creator) == {rejected.pk: "To be corrected"}
    assert set(turns(sender)) == {rejected.pk, other.pk, retrieved.pk}
    change(rejected, creator, title="Concrete")
    assert turns(creator) == {}
    assert next(iter(turns(sender).items())) == (rejected.pk, "Corrected and ready to send")
    assert turns(CreatorFactory(project=project)) == {}


def test_the_page_lists_all_projects_in_as_many_queries(
    rejected: Commitment, sender: User, client: Client, django_assert_max_num_queries: Any
) -> None:
    client.force_login(sender)
    page = client.get(reverse("waiting")).content.decode()
    assert "The title is wrong." in page
    assert rejected.project.name in page
    for _ in range(5):
        each = SubmissionFactory(commitment=ReadyCommitmentFactory(), rejected=True)
        join_project(sender, each.project, Level.ADMIN)
    client.get(reverse("waiting"))
    with django_assert_max_num_queries(10):
        page = client.get(reverse("waiting")).content.decode()
    assert page.count('<th scope="row"') == 6
    assert reverse("waiting") in client.get(reverse("projects")).content.decode()
    client.force_login(ProjectAdminFactory())
    assert "Nothing waits for you" in client.get(reverse("waiting")).content.decode()


def test_reason_and_question_stay_in_view_while_correcting(
    awaiting: Submission, approver: User, sender: User, client: Client
) -> None:
    submissions.ask_question(
        submission=awaiting, by=approver, asked_of=sender.pk, text="Which floor is it?", expected_question=0
    )
    submissions.reject(submission=Submission.objects.get(), by=approver, reason="The title is wrong.")
    client.force_login(sender)
    page = client.get(f"{awaiting.commitment.get_absolute_url()}edit/").content.decode()
    assert "The title is wrong." in page
    assert "Which floor is it?" in page
