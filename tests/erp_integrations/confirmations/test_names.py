"""Spectrum's own names: beside its codes, in what Accept binds, and told where they are unlike ours."""

import re

import pytest
from django.utils import timezone

from directory.models import User
from erp_integrations import submissions
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.exports import worker
from erp_integrations.master_data import syncing
from erp_integrations.models import ExportJob, Job, JobStatus, MastersPull, Submission, Vendor
from tests.clients import signed_in
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import delivered, signed_anew
from tests.erp_integrations.lists import Lists, vendors
from tests.factories import have_been_read
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db

PHASES = {("0330000", "S"): "A", ("0510000", "S"): "A"}


@pytest.fixture
def read(awaiting: Submission) -> Submission:
    have_been_read(
        awaiting.connection,
        vendors={"ACME": "Acme Mechanical", "BOLT": "Bolt & Sons"},
        jobs={"24-001": PHASES},
    )
    Job.objects.update(description="Harbor Tower")
    return awaiting


def codes(submission: Submission, moment: preflight.Moment = preflight.Moment.EXPORT) -> list[str]:
    basis = build_basis(submission.document)
    return [each.code for each in preflight.check_export(basis, moment=moment, erp_id="X-1")]


def text(answer: object) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())  # type: ignore[attr-defined]


def test_they_stand_beside_the_codes_in_list_review_and_accept_dialog(
    read: Submission, approver: User
) -> None:
    client = signed_in(approver)
    for page in (read.get_absolute_url(), f"{read.get_absolute_url()}accept/"):
        told = text(client.get(page))
        assert "In Spectrum ACME Acme Mechanical" in told
        assert "In Spectrum 24-001 Harbor Tower" in told
        assert "Vendor_Code ACME Acme Mechanical" in told
        assert "Job_Number 24-001 Harbor Tower" in told
    listed = text(client.get(f"/companies/{read.company.slug}/erp-integrations/commitments/"))
    assert "Acme ACME Acme Mechanical" in listed
    assert "24-001 Harbor Tower" in listed


def test_where_no_list_was_read_the_code_stands_alone(awaiting: Submission, approver: User) -> None:
    page = f"/companies/{awaiting.company.slug}/erp-integrations/commitments/"
    listed = text(signed_in(approver).get(page))
    assert "ACME" in listed
    assert "None" not in listed


def test_of_what_was_accepted_no_name_stands_beside_another_code(queued: ExportJob, approver: User) -> None:
    have_been_read(
        queued.connection, vendors={"ACME": "Acme Mechanical", "BOLT": "Bolt"}, jobs={"24-001": PHASES}
    )
    queued.submission.commitment.contract_company.vendor_links.update(vendor_code="BOLT")  # type: ignore[union-attr]
    told = text(signed_in(approver).get(queued.submission.get_absolute_url()))
    assert "Vendor_Code ACME" in told
    assert "ACME Bolt" not in told


@pytest.mark.parametrize("renamed", ["vendor", "job"])
def test_a_rename_in_spectrum_between_look_and_accept_is_a_conflict(
    read: Submission, approver: User, renamed: str
) -> None:
    client, box = signed_in(approver), f"{read.get_absolute_url()}accept/"
    seen = build_basis(read.document).hash
    if renamed == "vendor":
        Vendor.objects.filter(code="ACME").update(name="Somebody Else")
    else:
        Job.objects.update(description="Another Tower")
    answer = client.post(box, {"expected_hash": seen, "expected_version": 0, "erp_id": "SC-1"})
    assert answer.status_code == 409
    assert "changed since you opened this page" in text(answer)
    with pytest.raises(submissions.Conflict):
        submissions.accept(submission=read, by=approver, expected_hash=seen, erp_id="SC-1")


def test_a_rename_after_accept_fails_before_anything_is_written(read: Submission, approver: User) -> None:
    job = accept(read, approver)
    Vendor.objects.filter(code="ACME").update(name="Somebody Else")
    worker.export_due_jobs(job.connection_id)
    job.refresh_from_db()
    assert job.status == JobStatus.FAILED
    assert "Changed since it was accepted" in job.problem


def test_names_that_are_read_first_after_accept_stop_nothing(simulator: Simulator, queued: ExportJob) -> None:
    have_been_read(queued.connection, vendors={"ACME": "Acme Mechanical"}, jobs={"24-001": PHASES})
    assert delivered(queued).status == JobStatus.SYNCED


@pytest.mark.django_db(transaction=True)
class TestAnAcceptanceFromBeforeNamesWereBound:
    def of_before(self, job: ExportJob) -> str:
        """The hash of the release before."""
        basis = build_basis(job.submission.document)
        return basis._hash(basis.bound)

    def test_goes_on_as_it_was_accepted(self, simulator: Simulator, read: Submission, approver: User) -> None:
        job = accept(read, approver)
        signed_anew(job, basis_hash=self.of_before(job), wire_hash="")
        Vendor.objects.filter(code="ACME").update(name="Acme Mechanical Inc.")
        assert delivered(job).status == JobStatus.SYNCED

    def test_stops_where_its_link_changed_since(self, read: Submission, approver: User) -> None:
        job = accept(read, approver)
        signed_anew(job, basis_hash=self.of_before(job), wire_hash="")
        read.commitment.contract_company.vendor_links.update(vendor_code="BOLT")  # type: ignore[union-attr]
        assert delivered(job).status == JobStatus.FAILED

    def test_is_no_way_round_for_one_of_today(self, read: Submission, approver: User) -> None:
        job = accept(read, approver)
        signed_anew(job, basis_hash=self.of_before(job))
        assert delivered(job).status == JobStatus.FAILED


def test_unlike_names_are_told_at_send_and_accept_and_stop_nothing(read: Submission, approver: User) -> None:
    assert codes(read) == ["job-name-unlike"]  # Harbor Tower is Project 7 here
    Job.objects.update(description=read.project.name)
    assert codes(read) == []
    Vendor.objects.filter(code="ACME").update(name="Bolt & Sons")
    assert codes(read) == codes(read, preflight.Moment.SEND) == ["vendor-name-unlike"]
    told = text(signed_in(approver).get(f"{read.get_absolute_url()}accept/"))
    assert "Acme is linked to vendor ACME, which is called Bolt &amp; Sons in Spectrum." in told
    assert accept(read, approver).status == JobStatus.QUEUED


def test_another_name_in_the_lists_is_remembered_with_its_time(
    read: Submission, monkeypatch: pytest.MonkeyPatch
) -> None:
    MastersPull.objects.update(not_before=timezone.now())
    Lists(vendor_list=vendors("ACME", "NEW")).stand_in(monkeypatch)
    assert syncing.sync_connection(read.connection_id)
    assert Vendor.objects.get(code="ACME").renamed_at  # "ACME Inc." by now
    assert not Vendor.objects.get(code="NEW").renamed_at
    before = Vendor.objects.get(code="ACME").renamed_at
    MastersPull.objects.update(not_before=timezone.now())
    assert syncing.sync_connection(read.connection_id)
    assert Vendor.objects.get(code="ACME").renamed_at == before
