"""A number that can't be exported stops Send, and the project takes one that can."""

import pytest
from django.test import Client
from django.urls import reverse

from commitments import services as commitments
from commitments.errors import NumberTaken
from commitments.models import Commitment
from directory.models import User
from erp_integrations import submissions
from erp_integrations.models import Connection, ErpIdHold, ErpIdRule, Submission, VendorLink
from tests.erp_integrations.conftest import accept
from tests.factories import (
    CommitmentFactory,
    DriftFactory,
    JobLinkFactory,
    ProjectFactory,
    SubmissionFactory,
    VendorLinkFactory,
)

pytestmark = pytest.mark.django_db


def renamed(commitment: Commitment, number: str) -> Commitment:
    commitment.number = number
    commitment.save()
    return commitment


def blocked(commitment: Commitment, by: User) -> dict[str, str]:
    """Code and remedy of what stops it."""
    with pytest.raises(submissions.ExportBlocked) as refusal:
        submissions.send_to_erp(commitment=commitment, by=by)
    assert not Submission.objects.filter(commitment=commitment).exists()
    assert {each.field for each in refusal.value.issues} == {"Number"}
    assert {each.responsible_party for each in refusal.value.issues} == {"project"}
    return {each.code: each.action for each in refusal.value.issues}


@pytest.mark.parametrize(
    ("number", "code", "free"),
    [
        ("PW-2015-417", "erp-id-too-long", "PW2015-417"),
        ("2015-0417-SUB-002", "erp-id-too-long", "0417SUB002"),
        ("CONTRACT-2026-001", "erp-id-too-long", "2026-001"),
        ("SC/01", "erp-id-forbidden-characters", "SC-01"),
        ("sc.é1", "erp-id-forbidden-characters", "SC-E1"),
        ("ABCDEFGHIJKL", "erp-id-too-long", "CDEFGHIJKL"),
    ],
)
def test_one_that_does_not_fit_blocks_and_another_is_offered(
    deliverable: Commitment, sender: User, number: str, code: str, free: str
) -> None:
    found = blocked(renamed(deliverable, number), sender)
    assert found == {code: f"Change the number: {free} can be exported."}


def test_where_the_last_characters_are_exported_a_long_one_may_be_sent(
    deliverable: Commitment, sender: User
) -> None:
    Connection.objects.update(erp_id_rule=ErpIdRule.LAST)
    submissions.send_to_erp(commitment=renamed(deliverable, "PW-2015-417"), by=sender)


def twin(commitment: Commitment, number: str, vendor: str = "acme ") -> Commitment:
    """Of another project, with the same vendor of Spectrum under another name."""
    connection = Connection.objects.get()
    project = ProjectFactory(company=connection.company)
    JobLinkFactory(project=project, connection=connection)
    other: Commitment = CommitmentFactory(approved=True, project=project, number=number)
    VendorLinkFactory(
        connection=connection, contract_company=other.contract_company, vendor_code=vendor.strip().upper()
    )
    return other


def test_one_that_is_accepted_waiting_or_seen_in_spectrum_blocks(
    deliverable: Commitment, sender: User, approver: User
) -> None:
    renamed(deliverable, "SC-1")
    accept(SubmissionFactory(commitment=twin(deliverable, "OTHER")), approver, erp_id="SC-1")
    assert blocked(deliverable, sender) == {"erp-id-taken": "Change the number: SC-1-2 can be exported."}

    SubmissionFactory(commitment=twin(deliverable, "sc-1-2"))
    assert blocked(deliverable, sender) == {"erp-id-taken": "Change the number: SC-1-3 can be exported."}
    renamed(deliverable, "SC-1-2")
    assert blocked(deliverable, sender) == {"erp-id-awaiting": "Change the number: SC-1-2-2 can be exported."}

    job = accept(SubmissionFactory(commitment=twin(deliverable, "X-1")), approver, erp_id="X-9")
    DriftFactory(job=job, record_name="vendor ACME, subcontract SC-1-3")
    renamed(deliverable, "SC-1-3")
    assert list(blocked(deliverable, sender)) == ["erp-id-seen-in-spectrum"]


def test_the_same_number_of_another_vendor_is_free(deliverable: Commitment, sender: User) -> None:
    SubmissionFactory(commitment=twin(deliverable, "SC-1", vendor="OTHER"))
    submissions.send_to_erp(commitment=renamed(deliverable, "SC-1"), by=sender)


def test_one_that_keeps_its_erp_id_is_not_asked_for_another_number(
    deliverable: Commitment, sender: User
) -> None:
    link = VendorLink.objects.get()
    ErpIdHold.objects.create(
        connection=link.connection, vendor_code=link.vendor_code, erp_id="KEPT", commitment=deliverable
    )
    renamed(deliverable, "PW-2015-417")
    submissions.send_to_erp(commitment=deliverable, by=sender)


def test_the_offered_number_is_taken_with_one_press(
    deliverable: Commitment, sender: User, client: Client
) -> None:
    CommitmentFactory(project=deliverable.project, number="pw2015-417")
    renamed(deliverable, "PW-2015-417")
    client.force_login(sender)
    page = client.get(deliverable.get_absolute_url()).content.decode()
    assert "Change the number to PW2015-4-2" in page
    address = reverse("project_erp:take_number", args=[deliverable.project_id, deliverable.pk])
    posted = {"version": deliverable.version, "number": "PW-2015-417"}
    assert client.post(address, posted).status_code == 409
    assert client.post(address, {**posted, "number": "PW2015-4-2"}).status_code == 302
    deliverable.refresh_from_db()
    assert deliverable.number == "PW2015-4-2"
    submissions.send_to_erp(commitment=deliverable, by=sender)


def test_a_number_is_unique_in_any_case(deliverable: Commitment) -> None:
    other = CommitmentFactory(project=deliverable.project, number="Sc-1")
    renamed(deliverable, "SC-7")
    with pytest.raises(NumberTaken, match="SC-8 is free"):
        commitments.update_commitment(
            commitment=other,
            by=other.created_by,
            version=other.version,
            values={"number": "sc-7"},
            lines=None,
        )


def test_the_form_offers_the_next_number_and_says_what_can_be_exported(
    deliverable: Commitment, sender: User, client: Client
) -> None:
    CommitmentFactory(project=deliverable.project, number="hall-0099")
    CommitmentFactory(project=deliverable.project, number="by hand")
    client.force_login(sender)
    address = reverse("commitments:new", args=[deliverable.project_id])
    page = client.get(address)
    assert 'value="HALL-0100"' in page.content.decode()
    assert "Up to 10 characters; more can&#x27;t be exported. None of" in page.content.decode()
    assert 'value="PO-001"' in client.get(f"{address}?kind=purchase_order").content.decode()
