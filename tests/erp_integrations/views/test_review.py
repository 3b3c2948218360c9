"""The review page: what was sent, what stands in the way, and what is known of an export."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commitments.models import Commitment
from commitments.services import update_commitment
from directory.models import Level, User
from directory.rights.memberships import revoke_push_to_accounting
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.exports.outcomes import revoke_acceptance
from erp_integrations.models import (
    CallState,
    Connection,
    ConnectionState,
    ExportCall,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
    VendorLink,
    WireAttempt,
)
from erp_integrations.snapshots import hash_text
from tests.clients import signed_in
from tests.factories import (
    ApproverFactory,
    ExportJobFactory,
    PrivilegeAdminFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
    ViewerFactory,
    join_project,
)

pytestmark = pytest.mark.django_db


def review(submission: Submission, person: User | None = None) -> str:
    """The page as an approver sees it, or another person; white space evened out."""
    looker = person or ApproverFactory(company=submission.company)
    response = signed_in(looker).get(url(submission))
    assert response.status_code == 200
    return " ".join(response.content.decode().replace("<wbr>", "").split())


def url(submission: Submission) -> str:
    return f"/companies/{submission.company.slug}/erp-integrations/commitments/{submission.pk}/"


def attempt(call: ExportCall, outcome: str, reason: str, reply: str = "") -> None:
    WireAttempt.objects.create(
        call=call,
        attempt=1,
        payload_hash=call.payload_hash,
        started_at=datetime(2026, 11, 23, 15, 4, 5, tzinfo=UTC),
        finished_at=datetime(2026, 11, 23, 15, 4, 6, tzinfo=UTC),
        outcome=outcome,
        reason=reason,
        reply=reply,
    )


class TestTheWayToTheProject:
    def test_whoever_sees_both_gets_from_one_to_the_other(self) -> None:
        submission = SubmissionFactory()
        approver = ApproverFactory(company=submission.company)
        there = submission.commitment.get_absolute_url()
        assert f'href="{there}"' not in review(submission, approver)
        join_project(approver, submission.project, Level.READ_ONLY)
        assert f'href="{there}"' in review(submission, approver)
        assert f'href="{url(submission)}"' in signed_in(approver).get(there).content.decode()

    def test_whoever_sees_the_project_alone_is_led_nowhere(self) -> None:
        submission = SubmissionFactory()
        page = signed_in(submission.sent_by).get(submission.commitment.get_absolute_url())
        assert url(submission) not in page.content.decode()


class TestWhatAwaits:
    def test_it_shows_what_was_sent_and_what_spectrum_will_store(self) -> None:
        submission = SubmissionFactory()
        html = review(submission)
        line = submission.document.lines[0]
        for said in (
            submission.number,
            submission.title,
            submission.contract_company_name,
            submission.project.name,
            "Approved",
            "USD 2,000.00",
            line.cost_code,
            line.description,
            "UpdateSubcontractPhases",
            "What Spectrum will store",
        ):
            assert said in html
        assert f'href="{url(submission)}accept/?back=review"' in html

    def test_it_shows_the_snapshot_and_not_what_somebody_forced_into_the_row(self) -> None:
        submission = SubmissionFactory()
        type(submission.commitment).objects.filter(pk=submission.commitment_id).update(title="Forced")
        assert "Forced" not in review(submission)

    def test_what_stands_in_the_way_takes_the_place_of_the_plan(self) -> None:
        submission = SubmissionFactory()
        VendorLink.objects.all().delete()
        html = review(submission)
        assert "is not linked to a Spectrum vendor" in html
        assert "What Spectrum will store" not in html

    def test_a_viewer_sees_everything_but_the_buttons(self) -> None:
        submission = SubmissionFactory()
        html = review(submission, ViewerFactory(company=submission.company))
        assert "What Spectrum will store" in html
        assert "/accept/" not in html
        assert "View only." in html

    def test_the_number_of_queries_does_not_grow_with_the_lines(self) -> None:
        counted = []
        for lines in (2, 30):
            submission = SubmissionFactory(commitment=ReadyCommitmentFactory(lines=lines))
            client = signed_in(ApproverFactory(company=submission.company))
            client.get(url(submission))
            with CaptureQueriesContext(connection) as queries:
                client.get(url(submission))
            counted.append(len(queries))
        assert counted[0] == counted[1]

    def test_another_companys_is_not_found(self) -> None:
        submission, stranger = SubmissionFactory(), ApproverFactory()
        own = stranger.company_memberships.get().company
        forged = f"/companies/{own.slug}/erp-integrations/commitments/{submission.pk}/"
        for path in (url(submission), forged, f"{forged}progress/"):
            assert signed_in(stranger).get(path).status_code == 404

    def test_it_takes_no_post(self) -> None:
        submission = SubmissionFactory()
        assert signed_in(ApproverFactory(company=submission.company)).post(url(submission)).status_code == 405


class TestAnExport:
    def test_a_moving_one_is_followed(self) -> None:
        job: ExportJob = ExportJobFactory(exporting=True)
        html = review(job.submission)
        assert "Being written to Spectrum" in html
        assert f'hx-get="{url(job.submission)}progress/" hx-trigger="every 3s"' in html
        assert "/accept/" not in html

    @pytest.mark.parametrize(
        ("situation", "words", "asks_again"),
        [
            ("exporting", "Exporting", True),
            ("synced", "Synced", False),
            ("failed", "Failed to export", False),
        ],
    )
    def test_following_it_brings_only_what_moves(self, situation: str, words: str, asks_again: bool) -> None:
        job: ExportJob = ExportJobFactory(**{situation: True})
        client = signed_in(ApproverFactory(company=job.submission.company))
        html = client.get(f"{url(job.submission)}progress/", headers={"HX-Request": "true"}).content.decode()
        assert words in html
        assert ("every 3s" in html) is asks_again
        assert ("Retry" in html) is (situation == "failed")
        assert "Schedule of Values" not in html
        alone = client.get(f"{url(job.submission)}progress/")
        assert (alone.status_code, alone.headers["Location"]) == (302, url(job.submission))

    def test_one_that_was_put_off_says_why_and_when_it_goes_on(self) -> None:
        job: ExportJob = ExportJobFactory()
        ExportJob.objects.filter(pk=job.pk).update(
            problem="Spectrum can't be reached.", not_before=timezone.now() + timedelta(minutes=5)
        )
        html = review(job.submission)
        assert "Waiting to be retried" in html
        assert "Spectrum can&#x27;t be reached." in html
        assert re.search(r"Next try at \d+ \w+ \d{4}, \d\d:\d\d E[SD]T\. No action is needed\.", html)

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            (
                {"paused_at": timezone.now(), "pause_reason": "Year end"},
                "when an ERP Integrations Admin resumes it",
            ),
            ({"awaits_probe": True, "not_before": timezone.now()}, "once Spectrum is available again"),
        ],
    )
    @pytest.mark.parametrize("problem", ["", "Spectrum can't be reached."])
    def test_on_a_connection_that_is_held_up_no_time_is_promised(
        self, state: dict[str, Any], words: str, problem: str
    ) -> None:
        job: ExportJob = ExportJobFactory()
        ExportJob.objects.filter(pk=job.pk).update(problem=problem)
        (ConnectionState if "awaits_probe" in state else Connection).objects.update(**state)
        html = review(job.submission)
        assert words in html
        assert "Next try" not in html
        assert "No action is needed" not in html

    def test_a_synced_one_has_its_erp_id_and_is_not_called_verified(self) -> None:
        job: ExportJob = ExportJobFactory(synced=True)
        html = review(job.submission)
        assert f"In Spectrum as {job.erp_id}" in html
        assert "Synced, not verified: read-back is not configured" in html
        assert "every 3s" not in html

    def test_a_synced_one_says_what_was_read_back(self) -> None:
        matching: ExportJob = ExportJobFactory(matching=True)
        assert "it matches what was accepted" in review(matching.submission)
        differing: ExportJob = ExportJobFactory(differing=True)
        html = review(differing.submission)
        assert f"In Spectrum as {differing.erp_id}" in html
        assert "Line 2 Unit_Price: 12.5000 was accepted, Spectrum has 0." in html
        assert "Synced with differences" in html
        absent: ExportJob = ExportJobFactory(absent=True)
        assert f"{absent.erp_id} was not found in Spectrum" in review(absent.submission)

    def test_a_synced_one_says_what_was_changed_here_since(self) -> None:
        job: ExportJob = ExportJobFactory(matching=True)
        assert "Changed here" not in review(job.submission)
        Commitment.objects.filter(pk=job.submission.commitment_id).update(trade="<Glazing>")
        html = review(job.submission)
        assert "Changed here, not in Spectrum" in html
        assert "now “&lt;Glazing&gt;” here." in html

    def test_a_failed_one_says_that_nothing_is_written_and_what_can_be_done(self) -> None:
        job: ExportJob = ExportJobFactory(failed=True)
        attempt(
            job.calls.get(position=1),
            "refused",
            "Vendor_Code: V1 is not active.",
            "<error_code>I</error_code>",
        )
        html = review(job.submission)
        assert "Failed to export: nothing was written to Spectrum" in html
        assert job.problem in html
        assert "Fix the cause and retry" in html
        assert "Refused" in html
        assert "&lt;error_code&gt;I&lt;/error_code&gt;" in html
        assert f'href="{url(job.submission)}reject/?back=review"' in html
        assert "Retry" in html

    def test_of_an_incomplete_one_it_says_what_is_written_and_what_is_not(self) -> None:
        job: ExportJob = ExportJobFactory(incomplete=True)
        html = review(job.submission)
        assert "Partly in Spectrum" in html
        assert "1 of 3 calls is written, the rest are not" in html
        assert f"Check vendor {job.vendor_code}, subcontract {job.erp_id} in Spectrum." in html
        assert "Resume sends the remaining calls" in html
        assert "/accept/" not in html
        assert f'href="{url(job.submission)}resume/?back=review"' in html
        assert f'href="{url(job.submission)}reject/?back=review"' in html

    def test_an_incomplete_one_that_goes_on_by_itself_says_so(self) -> None:
        job: ExportJob = ExportJobFactory(incomplete=True)
        ExportJob.objects.filter(pk=job.pk).update(not_before=timezone.now() + timedelta(minutes=5))
        assert "Then the remaining calls are sent" in review(job.submission)

    def test_of_an_unknown_one_it_says_what_nobody_knows(self) -> None:
        job: ExportJob = ExportJobFactory(unknown=True)
        attempt(job.calls.get(position=1), "unknown", "No answer within 60 seconds.")
        html = review(job.submission)
        assert "Unknown whether Spectrum has it" in html
        assert "nothing is sent again until the outcome is known" in html
        assert "Spectrum may or may not have written that call" in html
        assert "It can be resolved from" in html
        assert "/resolve/" not in html
        assert "Unknown" in html
        assert 'title="2026-11-23T10:04:05-05:00">23 Nov 2026, 10:04 EST<' in html  # the viewer's own zone

    def test_a_call_that_never_left_is_called_not_sent(self) -> None:
        job: ExportJob = ExportJobFactory(failed=True)
        html = review(job.submission)
        states = re.findall(r'data-status="(refused|not-sent|written)"', html)
        assert states == ["refused", "not-sent", "not-sent"]

    @pytest.mark.parametrize("situation", ["synced", "failed", "unknown"])
    def test_what_was_accepted_is_shown_from_the_stored_calls(self, situation: str) -> None:
        job: ExportJob = ExportJobFactory(**{situation: True})
        VendorLink.objects.update(vendor_code="MOVED")
        Connection.objects.update(general_ledger_account="999999")
        html = review(job.submission)
        assert "What was accepted" in html
        assert job.vendor_code in html
        accepted = html.split("What was accepted")[1]
        assert "MOVED" not in accepted
        assert "999999" not in accepted

    def test_only_the_last_round_of_calls_is_shown_after_a_retry(self) -> None:
        job: ExportJob = ExportJobFactory(failed=True)
        approver = ApproverFactory(company=job.submission.company)
        basis = build_basis(job.submission.document)
        submissions.accept_again(
            submission=job.submission,
            by=approver,
            expected_hash=basis.hash,
            erp_id="SECOND",
            number_looked_up=True,
        )
        ExportJob.objects.filter(pk=job.pk).update(status=JobStatus.FAILED)
        html = review(job.submission)
        assert 'data-status="refused"' not in html
        assert html.count('data-status="not-sent"') == 3
        assert ExportCall.objects.filter(job=job, state=CallState.REFUSED).exists()


class TestHistory:
    def test_it_tells_what_happened_with_names_and_words_newest_first(self) -> None:
        submission = SubmissionFactory(rejected=True, reason="The title is wrong.")
        commitment = submission.commitment
        update_commitment(
            commitment=commitment,
            by=commitment.created_by,
            version=commitment.version,
            values={"title": "Concrete"},
            lines=None,
        )
        submissions.send_to_erp(commitment=commitment, by=submission.sent_by)
        html = review(submission)
        told = re.findall(r'<p class="timeline-what">(.*?)</p>', html)
        assert told == ["Re-sent to accounting", "Changed: title", "Rejected", "Sent to accounting"]
        assert "<blockquote>The title is wrong.</blockquote>" in html
        assert str(submission.decided_by) in html
        assert f"Rejected by {submission.decided_by} on" in html

    def test_it_tells_of_an_approver_who_lost_the_right(self) -> None:
        job: ExportJob = ExportJobFactory()
        approver = job.submission.decided_by
        assert approver
        revoke_push_to_accounting(
            membership=approver.company_memberships.get(), by=PrivilegeAdminFactory(), reason="Left."
        )
        revoke_acceptance(job.pk)
        html = review(job.submission)
        assert f"Back to Ready to Export: {approver} lost Can Push to Accounting" in html


class TestAlteredInTheDatabase:
    """A sent document that can't be shown any more: that is said, and nobody decides on it."""

    def altered(self, submission: Submission) -> Submission:
        text = submission.snapshot.replace('"title":"', '"title":"Not ')
        assert text != submission.snapshot
        Submission.objects.filter(pk=submission.pk).update(snapshot=text)
        return submission

    def test_the_page_says_so_and_offers_no_decision(self) -> None:
        html = review(self.altered(SubmissionFactory()))
        assert "What was sent can&#x27;t be shown" in html
        assert "The stored copy of this commitment was altered after it was sent." in html
        assert "take it back with Retrieve from ERP and send it again" in html
        assert ">Accept<" not in html
        assert ">Reject<" not in html

    @pytest.mark.parametrize("what", ["accept", "reject"])
    def test_nobody_decides_on_it(self, what: str) -> None:
        submission = self.altered(SubmissionFactory())
        client = signed_in(ApproverFactory(company=submission.company))
        seen = {
            "expected_hash": submission.snapshot_hash,
            "expected_version": "0",
            "erp_id": "A-1",
            "reason": "No.",
        }
        box = f"{url(submission)}{what}/"
        for answer in (client.get(box), client.post(box, seen)):
            assert answer.status_code == 409
            assert "altered after it was sent" in answer.content.decode()
        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.AWAITING

    def test_nor_with_a_hash_that_was_altered_to_fit(self) -> None:
        submission = self.altered(SubmissionFactory())
        submission.refresh_from_db()
        Submission.objects.filter(pk=submission.pk).update(snapshot_hash=hash_text(submission.snapshot))
        submission.refresh_from_db()
        basis = build_basis(submission.document)
        approver: User = ApproverFactory(company=submission.company)
        with pytest.raises(submissions.Conflict, match="altered after it was sent"):
            submissions.accept(submission=submission, by=approver, expected_hash=basis.hash, erp_id="A-1")

    def test_its_project_can_take_it_back(self) -> None:
        submission = self.altered(SubmissionFactory())
        submissions.retrieve_from_erp(commitment=submission.commitment, by=submission.sent_by)
        again = submissions.send_to_erp(commitment=submission.commitment, by=submission.sent_by)
        assert ">Accept<" in review(again)

    def test_after_a_failed_export_it_can_be_rejected_and_nothing_else(self) -> None:
        job: ExportJob = ExportJobFactory(failed=True)
        submission = self.altered(job.submission)
        client = signed_in(ApproverFactory(company=submission.company))
        assert client.get(f"{url(submission)}accept/").status_code == 409
        seen = {
            "expected_hash": submission.snapshot_hash,
            "expected_version": "1",
            "reason": "The copy is damaged.",
        }
        assert client.post(f"{url(submission)}reject/", seen).status_code == 302
        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.REJECTED

    def test_a_snapshot_of_a_newer_version_is_no_error_either(self) -> None:
        submission = SubmissionFactory()
        newer = submission.snapshot.replace('"schema_version":2', '"schema_version":99')
        Submission.objects.filter(pk=submission.pk).update(snapshot=newer, snapshot_hash=hash_text(newer))
        assert "written by a newer version of Ledgergate" in review(submission)
