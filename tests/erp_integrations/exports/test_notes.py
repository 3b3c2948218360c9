"""The approver's note: kept here always, and written to Spectrum whole where the connection says so."""

import re

import pytest
from django.test import Client
from pytest_django import Settings

from directory.models import User
from erp_integrations import submissions
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.exports import worker
from erp_integrations.forms import AcceptForm
from erp_integrations.models import CallState, ExportJob, JobStatus, Submission
from tests.clients import signed_in
from tests.erp_integrations.deliveries import looked, of, unknown_at
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

NOTE = "Approved by phone, retainage as agreed on March 3."


@pytest.fixture
def noting(awaiting: Submission) -> Submission:
    """A commitment that awaits, on a connection that writes notes."""
    type(awaiting.connection).objects.filter(pk=awaiting.connection_id).update(notes_topic="GENERAL")
    awaiting.refresh_from_db()
    return awaiting


def accept(submission: Submission, by: User, note: str) -> ExportJob:
    basis = build_basis(submission.document)
    return submissions.accept(
        submission=submission,
        by=by,
        expected_hash=basis.hash,
        erp_id=basis.proposed_erp_id,
        note=note,
    )


def drained(job: ExportJob) -> ExportJob:
    worker.export_due_jobs(job.connection_id)
    return ExportJob.objects.get(pk=job.pk)


def notes(simulator: Simulator, job: ExportJob) -> object:
    record = simulator.record(job.erp_id)
    assert record is not None
    return record["notes"]


def box_url(submission: Submission) -> str:
    return f"/companies/{submission.company.slug}/erp-integrations/commitments/{submission.pk}/accept/"


def posted(client: Client, submission: Submission, **entered: str) -> str:
    """The box as it is answered after something was entered."""
    html = client.get(box_url(submission)).content.decode()
    hidden = dict(
        re.findall(r'type="hidden"\s+name="(expected_version|expected_hash)"\s+value="([^"]*)"', html)
    )
    erp_id = re.search(r'name="erp_id" value="([^"]*)"', html)
    assert erp_id is not None
    answer = client.post(box_url(submission), {**hidden, "erp_id": erp_id[1], **entered})
    return answer.content.decode()


def test_a_note_is_written_after_the_header_and_the_lines(
    simulator: Simulator, noting: Submission, approver: User
) -> None:
    job = drained(accept(noting, approver, f"  {NOTE}\n"))
    assert job.status == JobStatus.SYNCED, job.problem
    assert [call.method for call in job.list_current_calls()][-2:] == [
        "UpdateSubcontractPhases",
        "SubcontractNotes",
    ]
    assert notes(simulator, job) == {"GENERAL": NOTE}
    assert Submission.objects.get(pk=noting.pk).note == NOTE


def test_without_a_note_or_a_topic_nothing_of_it_is_planned(
    simulator: Simulator, awaiting: Submission, approver: User
) -> None:
    assert len(build_basis(awaiting.document).build_calls(erp_id="SC-1", note=NOTE)) == 3
    job = drained(accept(awaiting, approver, NOTE))
    assert (job.status, notes(simulator, job)) == (JobStatus.SYNCED, {})


def test_a_blank_note_is_no_call(simulator: Simulator, noting: Submission, approver: User) -> None:
    assert len(build_basis(noting.document).build_calls(erp_id="SC-1", note="  \n ")) == 3


def test_a_note_of_a_thousand_characters_goes_whole_and_one_more_is_refused(
    simulator: Simulator, noting: Submission, approver: User
) -> None:
    client = signed_in(approver)
    refused = posted(client, noting, note="n" * 1001)
    assert "The note has 1,001 characters; Spectrum takes 1,000." in refused
    assert "Shorten it in the Accept dialog." in refused
    assert not ExportJob.objects.exists()
    job = drained(accept(noting, approver, "n" * 1000))
    assert notes(simulator, job) == {"GENERAL": "n" * 1000}


def test_other_letters_are_spelled_in_sight_or_refused_by_the_rule_of_the_connection(
    simulator: Simulator, noting: Submission, approver: User
) -> None:
    basis = build_basis(noting.document)
    element = basis.build_calls(erp_id="SC-1", note="Café – first\nand second")[-1].elements[-1]
    assert (element.value, element.original) == (
        "Cafe - first and second",
        "Café – first\nand second",
    )
    codes = {
        f.code for f in preflight.check_export(basis, moment=preflight.Moment.EXPORT, erp_id="S", note="漢")
    }
    assert "note-other-letters" in codes
    type(noting.connection).objects.update(non_ascii="refuse")
    refusing = build_basis(noting.document)
    found = preflight.check_export(refusing, moment=preflight.Moment.EXPORT, erp_id="S", note="Café")
    assert "note-other-letters" in {finding.code for finding in found}


def test_the_box_says_where_the_note_goes_and_shows_it_before_it_does(
    simulator: Simulator, noting: Submission, approver: User
) -> None:
    client = signed_in(approver)
    opened = client.get(box_url(noting)).content.decode()
    assert "Also written to Spectrum" in opened
    assert "Also written to Spectrum" not in str(AcceptForm())  # as another connection's box has it
    assert "Notes_Text" not in opened
    shown = posted(client, noting, note=NOTE, show="1").replace("<wbr>", "")
    assert "Notes_Text" in shown
    assert "Also written to Spectrum" in shown
    assert "not sent to Spectrum" not in shown
    assert shown.count(NOTE) >= 2
    respelled = posted(client, noting, note="Café", show="1")
    assert ">Respelled<" in respelled
    assert "Entered: Café" in respelled
    assert not ExportJob.objects.exists()


def test_where_it_stays_here_the_box_says_so(
    simulator: Simulator, awaiting: Submission, approver: User
) -> None:
    html = signed_in(approver).get(box_url(awaiting)).content.decode()
    assert "not sent to Spectrum" in html
    assert "lso written to Spectrum" not in html


def test_a_topic_that_spectrum_does_not_have_leaves_the_delivery_incomplete_with_its_words(
    simulator: Simulator, noting: Submission, approver: User
) -> None:
    type(noting.connection).objects.update(notes_topic="NOBODY")
    job = drained(accept(noting, approver, NOTE))
    assert job.status == JobStatus.INCOMPLETE
    assert job.problem.startswith("Note: Notes_Topic")


def test_a_note_of_which_nobody_knows_is_written_again_because_that_replaces_it(
    simulator: Simulator, noting: Submission, approver: User, settings: Settings
) -> None:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0
    job = accept(noting, approver, NOTE)
    job = unknown_at(simulator, job, kind="commit_then_500", method="SubcontractNotes")
    job = looked(job)
    assert job.status == JobStatus.INCOMPLETE
    assert [call.state for call in job.list_current_calls()][-1] == CallState.PLANNED
    worker.export_due_jobs(job.connection_id)
    assert of(job).status == JobStatus.SYNCED
    assert notes(simulator, job) == {"GENERAL": NOTE}
