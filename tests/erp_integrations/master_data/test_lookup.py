"""From the lists in our database to what an acceptance is bound to."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from directory.models import User
from erp_integrations import submissions
from erp_integrations.adapters.base import ReferenceStatus
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.exports import worker
from erp_integrations.models import (
    ConnectionSettings,
    ExportJob,
    Job,
    JobStatus,
    MastersPull,
    Phase,
    Submission,
    Vendor,
    VendorLink,
)
from tests.factories import ConnectionFactory, have_been_read

pytestmark = pytest.mark.django_db

GOOD = {("0330000", "S"): "A", ("0510000", "S"): "A"}


@pytest.fixture
def read(awaiting: Submission) -> Submission:
    """A submission whose vendor, job and phases are all active in the lists."""
    have_been_read(awaiting.connection, vendors={"ACME": "Acme"}, jobs={"24-001": GOOD})
    return awaiting


def codes(submission: Submission) -> list[str]:
    basis = build_basis(submission.document)
    found = preflight.check_export(basis, moment=preflight.Moment.EXPORT, erp_id="X-1")
    return [finding.code for finding in found]


def hash_of(submission: Submission) -> str:
    return build_basis(submission.document).hash


class TestFindings:
    def test_where_all_is_listed_there_is_none(self, read: Submission) -> None:
        assert codes(read) == []

    def test_where_nothing_was_ever_read_it_says_so_once(self, awaiting: Submission) -> None:
        assert codes(awaiting) == ["masters-not-read"]

    def test_a_phase_that_is_complete_blocks(self, read: Submission) -> None:
        Phase.objects.filter(code="0510000").update(status="C")
        assert codes(read) == ["line-phase-complete"]

    def test_what_is_gone_is_not_there(self, read: Submission) -> None:
        Phase.objects.filter(code="0510000").update(gone_at="2026-01-01T00:00Z")
        assert codes(read) == ["line-cost-code-unknown"]
        Vendor.objects.update(gone_at="2026-01-01T00:00Z")
        assert "vendor-unknown" in codes(read)
        Job.objects.update(gone_at="2026-01-01T00:00Z")
        assert codes(read) == ["vendor-unknown", "job-unknown"]

    def test_a_list_of_active_vendors_does_not_say_that_one_is_missing(self, read: Submission) -> None:
        Vendor.objects.all().delete()
        MastersPull.objects.update(lists_inactive_vendors=False)
        assert codes(read) == ["vendor-not-among-active"]

    def test_another_connections_lists_say_nothing(self, read: Submission) -> None:
        Vendor.objects.filter(code="ACME").update(connection=ConnectionFactory(company=read.company))
        assert codes(read) == ["vendor-unknown"]

    def test_codes_are_found_in_any_case(self, read: Submission) -> None:
        VendorLink.objects.update(vendor_code=" acme ")
        Phase.objects.filter(code="0510000").delete()
        listed = build_basis(read.document).references
        assert listed.vendor is ReferenceStatus.ACTIVE
        assert listed.phases is not None
        assert [phase.code for phase in listed.phases] == ["0330000"]

    def test_the_number_of_queries_is_the_same_for_any_number_of_lines(self, read: Submission) -> None:
        document = read.document
        with CaptureQueriesContext(database) as few:
            build_basis(document)
        with CaptureQueriesContext(database) as lots:
            build_basis(replace(document, lines=document.lines * 200))
        assert len(few) == len(lots) == 1


class TestWhatAnAcceptanceIsBoundTo:
    def test_the_first_reading_changes_only_what_names_are_shown(self, awaiting: Submission) -> None:
        """An earlier acceptance goes on: ``confirmations/test_names.py``."""
        ConnectionSettings.objects.update(unit_price_codes="", job_price_codes="")
        before = build_basis(awaiting.document)
        have_been_read(awaiting.connection, vendors={"ACME": "Acme"}, jobs={"24-001": GOOD})
        after = build_basis(awaiting.document)
        assert after.hash != before.hash
        unnamed = replace(after.references, vendor_name="", job_description="")
        assert replace(after, references=unnamed).hash == before.hash

    def test_a_price_method_that_changes_what_is_kept_is_another_thing(self, read: Submission) -> None:
        hashes = {hash_of(read)}
        Job.objects.update(price_method="")
        assert hash_of(read) in hashes  # nothing is known of it: what was accepted goes on
        Job.objects.update(price_method="F")
        hashes.add(hash_of(read))
        Job.objects.update(price_method="U")
        Phase.objects.filter(code="0510000").update(price_method="F")
        hashes.add(hash_of(read))
        assert len(hashes) == 3

    def test_a_cost_that_is_booked_changes_nothing(self, read: Submission) -> None:
        before = build_basis(read.document)
        Phase.objects.update(estimate=Decimal("9876543210123.45"), to_date=Decimal("17.10"))
        after = build_basis(read.document)
        assert [(each.estimate, each.to_date) for each in after.references.phases or ()] == [
            (Decimal("9876543210123.45"), Decimal("17.10"))
        ] * 2
        assert (after.hash, after.reference_issues) == (before.hash, before.reference_issues)
        assert after.references.phases_read_at == Job.objects.get().phases_seen_at

    @pytest.mark.parametrize("status", ["C", "I"])
    def test_a_phase_that_is_active_no_more_is_another_thing(self, read: Submission, status: str) -> None:
        before = hash_of(read)
        Phase.objects.filter(code="0510000").update(status=status)
        assert hash_of(read) != before

    def test_which_line_is_concerned_counts(self, read: Submission) -> None:
        Phase.objects.filter(code="0510000").update(status="I")
        first = hash_of(read)
        Phase.objects.filter(code="0510000").update(status="A")
        Phase.objects.filter(code="0330000").update(status="I")
        assert hash_of(read) != first

    def test_an_inactive_vendor_is_another_thing(self, read: Submission) -> None:
        before = hash_of(read)
        Vendor.objects.update(status="I")
        assert hash_of(read) != before

    def test_phases_that_no_line_is_on_do_not_count(self, read: Submission) -> None:
        before = hash_of(read)
        Phase.objects.create(
            job=Job.objects.get(), code="0990000", cost_type="S", status="C", seen_at="2026-01-01T00:00Z"
        )
        assert hash_of(read) == before

    def test_an_acceptance_of_what_was_seen_before_is_refused(self, read: Submission, approver: User) -> None:
        seen = hash_of(read)
        Phase.objects.update(status="I")
        with pytest.raises(submissions.Conflict, match="Spectrum's master data have changed"):
            submissions.accept(submission=read, by=approver, expected_hash=seen, erp_id="X-1")

    def test_what_waits_in_the_queue_fails_before_anything_is_written(self, queued: ExportJob) -> None:
        have_been_read(queued.connection, vendors={"ACME": "-"}, jobs={"24-001": GOOD})
        worker.export_due_jobs(queued.connection_id)
        queued.refresh_from_db()
        assert queued.status == JobStatus.FAILED
        assert "or Spectrum's master data for them" in queued.problem
