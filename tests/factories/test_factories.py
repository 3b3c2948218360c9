"""Every situation can be made, and is what its name says."""

import pytest

from commitments.models import Badge, Lock
from directory.rights.permissions import can_push_to_accounting, can_send_commitments
from erp_integrations.models import JobStatus, SubmissionStatus
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    CompanyFactory,
    ExportJobFactory,
    ProjectAdminFactory,
    ProjectFactory,
    SubmissionFactory,
)

pytestmark = pytest.mark.django_db


def test_people_have_the_rights_that_their_factory_names() -> None:
    company, project = CompanyFactory(), ProjectFactory()
    assert can_push_to_accounting(ApproverFactory(company=company), company)
    assert can_send_commitments(ProjectAdminFactory(project=project), project)


def test_a_commitment_has_two_lines() -> None:
    commitment = CommitmentFactory(purchase_order=True, approved=True)
    assert commitment.lines.count() == 2
    assert CommitmentFactory(lines=0).lines.count() == 0


@pytest.mark.parametrize("situation", ["retrieved", "rejected", "accepted"])
def test_a_submission_was_decided_as_its_trait_says(situation: str) -> None:
    submission = SubmissionFactory(**{situation: True})
    assert submission.status == SubmissionStatus(situation)


def test_a_submission_awaits_by_itself() -> None:
    submission = SubmissionFactory()
    assert submission.status == SubmissionStatus.AWAITING
    assert submission.commitment.lock == Lock.WHOLE


@pytest.mark.parametrize(
    ("situation", "status", "badge"),
    [
        ("exporting", JobStatus.EXPORTING, Badge.EXPORTING),
        ("abandoned", JobStatus.EXPORTING, Badge.EXPORTING),
        ("synced", JobStatus.SYNCED, Badge.SYNCED),
        ("failed", JobStatus.FAILED, Badge.FAILED),
        ("incomplete", JobStatus.INCOMPLETE, Badge.NEEDS_ATTENTION),
        ("unknown", JobStatus.UNKNOWN, Badge.NEEDS_ATTENTION),
    ],
)
def test_an_export_stands_as_its_trait_says(situation: str, status: JobStatus, badge: Badge) -> None:
    job = ExportJobFactory(**{situation: True})
    assert job.status == status
    assert job.submission.commitment.badge == badge
