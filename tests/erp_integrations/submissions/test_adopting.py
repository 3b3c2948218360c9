"""A record that our ledger does not know, and that is the plan's: accepted without writing it again."""

from typing import Any

import pytest
from pytest_django import Settings

from commitments.models import Badge, Lock
from directory.models import HistoryEntry, User
from directory.rights.permissions import RightMissing
from erp_integrations import submissions
from erp_integrations.adapters.registry import build_sending_adapter
from erp_integrations.exports import after_restore, ledger, worker
from erp_integrations.models import (
    CallState,
    Connection,
    ErpIdHold,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
    Verification,
    WireAttempt,
)
from erp_integrations.pages import previews
from tests.clients import signed_in
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import HEADER, LINE, NOWHERE, delivered, in_spectrum, of, sent, states
from tests.factories import ProjectAdminFactory
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

PLANNED, WRITTEN = CallState.PLANNED, CallState.WRITTEN


@pytest.fixture(autouse=True)
def _info_link(simulator: Simulator, settings: Settings) -> None:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0


def written_elsewhere(submission: Submission, *, calls: int = 3) -> None:
    """The first calls of the plan reach Spectrum, and our database knows nothing of them."""
    adapter = build_sending_adapter(ExportJob(connection=Connection.objects.get(pk=submission.connection_id)))
    for call in previews.build_preview(submission).calls[:calls]:
        adapter.send_call(call)  # type: ignore[union-attr]  # it is ready


def adopt(submission: Submission, by: User, **other: str) -> ExportJob:
    seen = previews.build_preview(submission)
    assert seen.adoptable is not None
    shown = {
        "expected_hash": seen.expected_hash,
        "expected_record": seen.adoptable.record.hash,
        "erp_id": seen.erp_id,
    }
    job = submission.jobs.current().first()
    expected_version = job.plan_round if job else 0
    told: dict[str, Any] = {**shown, **other}
    return of(submissions.adopt(submission=submission, by=by, expected_version=expected_version, **told))


class TestWhatStandsThere:
    def test_all_of_the_plan_is_offered_to_be_marked_as_exported(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        written_elsewhere(awaiting)
        html = signed_in(approver).get(f"{awaiting.get_absolute_url()}accept/").content.decode()
        assert "exactly as it would be exported" in html
        assert "Mark as exported" in html
        assert "Choose another ERP ID" not in html

    def test_a_part_of_it_is_offered_to_be_adopted_with_the_rest(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        written_elsewhere(awaiting, calls=2)
        html = signed_in(approver).get(f"{awaiting.get_absolute_url()}accept/").content.decode()
        assert "2 of 3 calls" in html
        assert "Adopt it and send the rest" in html
        assert "Choose another ERP ID" not in html

    def test_where_job_and_lines_are_the_plans_nobody_is_sent_to_another_number(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        written_elsewhere(awaiting)
        erp_id = previews.build_preview(awaiting).erp_id
        table, column = "VN_SUBCONTRACT_PHASE_MC", "Original_Contract_Amount"
        in_spectrum(simulator, f"UPDATE {table} SET {column} = 1 WHERE trim(Subcontract_Number) = ?", erp_id)
        html = signed_in(approver).get(f"{awaiting.get_absolute_url()}accept/").content.decode()
        assert "Keep this ERP ID: under another one the amount would be in Spectrum twice" in html
        assert "Choose another ERP ID" not in html
        assert "Change it above" not in html
        assert "Mark as exported" not in html

    def test_a_line_that_an_accountant_added_does_not_make_it_somebody_elses(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        line = awaiting.document.lines[0]
        ours = {"Phase_Code": line.cost_code.replace("-", ""), "Cost_Type": line.cost_type}
        simulator.enter(
            Company_Code="PHL",
            Vendor_Code="ACME",
            Subcontract_Number=previews.build_preview(awaiting).erp_id,
            Job_Number="24-001",
            lines=[
                {**ours, "Original_Contract_Amount": str(line.amount)},
                {"Phase_Code": "0330000", "Cost_Type": "M", "Original_Contract_Amount": "5.00"},
            ],
        )
        html = signed_in(approver).get(f"{awaiting.get_absolute_url()}accept/").content.decode()
        assert "Keep this ERP ID: under another one the amount would be in Spectrum twice" in html
        assert "Choose another ERP ID" not in html
        assert "not created here" not in html

    def test_another_contract_under_the_number_is_as_before(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        erp_id = previews.build_preview(awaiting).erp_id
        simulator.enter(
            Company_Code="PHL", Vendor_Code="ACME", Subcontract_Number=erp_id, Job_Number="24-002", lines=[]
        )
        html = signed_in(approver).get(f"{awaiting.get_absolute_url()}accept/").content.decode()
        assert "Choose another ERP ID in the Accept dialog" in html
        assert "Mark as exported" not in html

    def test_the_worker_says_the_same_and_writes_nothing(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        written_elsewhere(awaiting)
        job = delivered(accept(awaiting, approver))
        assert job.status == JobStatus.FAILED
        assert "exactly as it would be exported" in job.problem
        assert "another" not in job.problem.lower()
        assert len(sent(simulator, job)) == 3


class TestAdopting:
    def test_all_of_it_is_synced_with_nothing_sent(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        written_elsewhere(awaiting)
        job = adopt(awaiting, approver, note="Found after the restore")
        assert (job.status, job.verification, job.adopted) == (JobStatus.SYNCED, Verification.MATCH, True)
        assert states(job) == [WRITTEN] * 3
        assert not WireAttempt.objects.exists()
        commitment = job.submission.commitment
        assert (commitment.badge, commitment.lock, commitment.erp_id) == (
            Badge.SYNCED,
            Lock.EXPORTED,
            job.erp_id,
        )
        assert ErpIdHold.objects.get(commitment=commitment).erp_id == job.erp_id
        assert Submission.objects.get().erp_id == job.erp_id
        entry = HistoryEntry.objects.get(event="submission.adopted")
        assert (entry.by_id, entry.detail["proof"], entry.detail["note"]) == (
            approver.pk,
            "read back",
            "Found after the restore",
        )
        assert ledger.has_possible_write_under_key(job)
        assert ledger.find_altered_call(job, list(job.list_current_calls())) == ""
        page = signed_in(approver).get(awaiting.get_absolute_url()).content.decode()
        assert "confirmed every call" not in page
        assert "Nothing was sent from here" in page

    def test_of_a_part_only_the_rest_is_sent(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        written_elsewhere(awaiting, calls=2)
        job = adopt(awaiting, approver)
        assert (job.status, states(job)) == (JobStatus.INCOMPLETE, [WRITTEN, WRITTEN, PLANNED])
        assert delivered(job).status == JobStatus.SYNCED
        assert sent(simulator, job) == [HEADER, LINE, LINE]

    def test_a_failed_one_and_a_queued_one_can_be_adopted(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        written_elsewhere(awaiting)
        queued = accept(awaiting, approver)
        assert adopt(awaiting, approver).pk == queued.pk
        assert of(queued).status == JobStatus.SYNCED

    def test_a_failed_one_can_be_adopted_in_its_box(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        written_elsewhere(awaiting)
        job = delivered(accept(awaiting, approver))
        seen = previews.build_preview(awaiting)
        assert seen.adoptable is not None
        posted = {
            "expected_hash": seen.expected_hash,
            "expected_version": job.plan_round,
            "erp_id": seen.erp_id,
            "note": "",
            "expected_record": seen.adoptable.record.hash,
            "adopt": "1",
        }
        answer = signed_in(approver).post(f"{awaiting.get_absolute_url()}accept/", posted)
        assert answer.status_code == 302
        assert (of(job).status, of(job).plan_round) == (JobStatus.SYNCED, 2)
        assert len(sent(simulator, job)) == 3

    def test_one_that_was_changed_while_it_was_looked_at_is_a_conflict(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        written_elsewhere(awaiting)
        seen = previews.build_preview(awaiting)
        assert seen.adoptable is not None
        in_spectrum(
            simulator,
            "UPDATE VN_SUBCONTRACT_MC SET GL_Account = '110000' WHERE trim(Subcontract_Number) = ?",
            seen.erp_id,
        )
        shown: dict[str, Any] = {
            "expected_version": 0,
            "expected_hash": seen.expected_hash,
            "erp_id": seen.erp_id,
        }
        with pytest.raises(
            submissions.Conflict, match="has been changed in Spectrum since you opened this page"
        ):
            submissions.adopt(
                submission=awaiting, by=approver, expected_record=seen.adoptable.record.hash, **shown
            )
        now = previews.build_preview(awaiting)
        assert now.live_check.existing_record is not None
        # Nor with the hash of what is there now: it is not what would be written.
        with pytest.raises(submissions.Conflict, match="differs from what would be exported"):
            submissions.adopt(
                submission=awaiting,
                by=approver,
                expected_record=now.live_check.existing_record.record.hash,
                **shown,
            )
        assert not ExportJob.objects.exists()

    def test_nothing_is_adopted_on_another_plan_than_was_seen_or_without_the_right(
        self, simulator: Simulator, awaiting: Submission, approver: User, sender: User
    ) -> None:
        written_elsewhere(awaiting)
        with pytest.raises(submissions.Conflict):
            adopt(awaiting, approver, expected_hash="0" * 64)
        for person in (sender, ProjectAdminFactory(project=awaiting.project)):
            with pytest.raises(RightMissing):
                adopt(awaiting, person)
        awaiting.sent_by = approver
        awaiting.save()
        with pytest.raises(RightMissing):
            adopt(awaiting, approver)

    def test_where_nobody_can_look_a_person_says_so_in_words(
        self, simulator: Simulator, awaiting: Submission, approver: User, settings: Settings
    ) -> None:
        settings.INFO_LINKS = {}
        after_restore.confirm_restore(reason="The copy of 02:00", anyway=True)
        awaiting.refresh_from_db()
        seen = previews.build_preview(awaiting)
        shown: dict[str, Any] = {
            "expected_version": 0,
            "expected_hash": seen.expected_hash,
            "expected_record": "",
            "erp_id": seen.erp_id,
        }
        with pytest.raises(submissions.StatementMissing):
            submissions.adopt(submission=awaiting, by=approver, **shown)
        job = submissions.adopt(submission=awaiting, by=approver, statement="Seen at 10:15.", **shown)
        assert (of(job).status, of(job).verification) == (JobStatus.SYNCED, Verification.ATTESTED)
        assert HistoryEntry.objects.get(event="submission.adopted").detail["statement"] == "Seen at 10:15."

    def test_without_a_restored_copy_words_alone_adopt_nothing(
        self, simulator: Simulator, awaiting: Submission, approver: User, settings: Settings
    ) -> None:
        settings.INFO_LINKS = {}
        client, box = signed_in(approver), f"{awaiting.get_absolute_url()}accept/"
        page = client.get(box)
        assert 'name="adopt"' not in page.content.decode()
        posted = {
            "expected_hash": page.context["expected_hash"],
            "expected_version": 0,
            "erp_id": page.context["preview"].erp_id,
        }
        answer = client.post(box, {**posted, "note": "", "adopt": "1", "statement": "It is there."})
        assert answer.status_code == 409
        assert "has no read-back" in answer.content.decode()
        assert not ExportJob.objects.exists()

    def test_a_read_only_database_that_is_down_changes_nothing(
        self, simulator: Simulator, awaiting: Submission, approver: User, settings: Settings
    ) -> None:
        written_elsewhere(awaiting)
        seen = previews.build_preview(awaiting)
        assert seen.adoptable is not None
        settings.INFO_LINKS = NOWHERE
        with pytest.raises(submissions.DecisionError, match="Nothing was changed"):
            submissions.adopt(
                submission=awaiting,
                by=approver,
                expected_version=0,
                expected_hash=seen.expected_hash,
                expected_record=seen.adoptable.record.hash,
                erp_id=seen.erp_id,
            )
        awaiting.refresh_from_db()
        assert awaiting.status == SubmissionStatus.AWAITING

    def test_one_that_a_worker_has_is_not_adopted(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        written_elsewhere(awaiting)
        job = accept(awaiting, approver)
        lease = worker.claim_connection(job.connection_id)
        assert lease is not None
        assert worker.claim_job(job.pk, job.connection_id, lease)
        with pytest.raises(submissions.Conflict):
            adopt(awaiting, approver)
        assert of(job).status == JobStatus.EXPORTING
