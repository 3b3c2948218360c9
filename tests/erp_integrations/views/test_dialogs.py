"""The Accept box and the Reject box: what they show, what they refuse, and what follows."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commitments.models import Badge, Lock
from directory.models import Company, HistoryEntry, Level, User
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.models import (
    Connection,
    ErpIdHold,
    ExportJob,
    JobLink,
    JobStatus,
    NonAsciiRule,
    Submission,
    SubmissionStatus,
    VendorLink,
)
from notifications.models import OutgoingEmail
from tests.clients import signed_in
from tests.factories import (
    ApproverFactory,
    ExportJobFactory,
    MemberFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
    ViewerFactory,
    join_company,
    lists_know,
)

pytestmark = pytest.mark.django_db

IN_PLACE = {"HX-Request": "true"}


def url(submission: Submission, what: str) -> str:
    return f"/companies/{submission.company.slug}/erp-integrations/commitments/{submission.pk}/{what}/"


def list_url(company: Company) -> str:
    return f"/companies/{company.slug}/erp-integrations/commitments/"


def approver_of(submission: Submission) -> tuple[User, Client]:
    person: User = ApproverFactory(company=submission.company)
    return person, signed_in(person)


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of the dialog."""
    fields = re.findall(r'type="hidden"\s+name="(\w+)"\s+value="([^"]*)"', html)
    return {name: value for name, value in fields if name != "csrfmiddlewaretoken"}


def seen(client: Client, submission: Submission, what: str = "accept", **entered: str) -> dict[str, str]:
    """Open the box, and fill it in."""
    response = client.get(url(submission, what))
    assert response.status_code == 200
    html = response.content.decode()
    erp_id = re.search(r'name="erp_id" value="([^"]*)"', html)
    return {**hidden(html), **({"erp_id": erp_id[1]} if erp_id else {}), **entered}


def primaries(html: str) -> list[str]:
    """The words on the primary buttons and links of a page."""
    found = re.findall(r'<(a|button) class="[^"]*button--primary[^"]*"[^>]*>(.*?)</\1>', html, re.DOTALL)
    return [" ".join(words.split()) for _, words in found]


class TestTheAcceptBox:
    def test_it_shows_every_element_of_every_call(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        html = client.get(url(submission, "accept")).content.decode()
        text = html.replace("<wbr>", "")
        basis = build_basis(submission.document)
        calls = basis.build_calls(erp_id=submission.number)
        assert len(calls) == 3
        for call in calls:
            for element in call.elements:
                assert element.name in text
                assert element.value in text
        assert ">Export<" in html
        assert "Default" in html

    def test_accepting_takes_fifteen_statements(self) -> None:
        """Of the whole request, with master data read."""
        submission = SubmissionFactory()
        lists_know(submission.commitment)
        _, client = approver_of(submission)
        entered = seen(client, submission)
        with CaptureQueriesContext(connection) as queries:
            assert client.post(url(submission, "accept"), entered, headers=IN_PLACE).status_code == 200
        # Here the decision's transaction is a savepoint of the test's.
        statements = [each["sql"] for each in queries if "SAVEPOINT" not in each["sql"]]
        assert len(statements) <= 15, statements
        assert ExportJob.objects.get().status == JobStatus.QUEUED

    def test_what_is_left_blank_is_folded_behind_one_line_and_figures_are_aligned(self) -> None:
        commitment = ReadyCommitmentFactory(lines=2)
        commitment.lines.filter(position=1).update(unit_of_measure="", quantity=None, unit_cost=None)
        submission = SubmissionFactory(commitment=commitment)
        _, client = approver_of(submission)
        html = client.get(url(submission, "accept")).content.decode()
        lines = html.split("UpdateSubcontractPhases")[1]
        assert re.search(
            r"and \d+ fields left blank. Values that Spectrum fills in are shown after the export", html
        )
        assert "Bid_Item_Number" not in lines.split("</table>")[0].replace("<wbr>", "")
        assert "and 1 field left blank in every line" in lines.split("</table>")[1]
        assert "Bid_Item_Number" in lines.split("</table>")[1]
        assert (
            len(re.findall(r'<td data-label="Retention_Flag"\s*>\s*<span class="plan-value">N<', lines)) == 2
        )
        assert lines.count('<td data-label="Original_Contract_Amount"\nclass="num">') == 2
        assert lines.split("</table>")[0].count(">blank<") == 3

    def test_text_that_spectrum_cuts_is_marked_and_shown_whole(self) -> None:
        description = "Cast-in-place walls, north side and south side"
        commitment = ReadyCommitmentFactory(lines=1, lines__description=description)
        submission = SubmissionFactory(commitment=commitment)
        _, client = approver_of(submission)
        html = client.get(url(submission, "accept")).content.decode()
        assert ">Shortened<" in html
        assert f"Entered: {description}" in html
        assert description[:25].rstrip() in html

    def test_in_place_it_is_the_box_alone_and_its_answers_stay_in_the_dialog(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        response = client.get(url(submission, "accept"), headers=IN_PLACE)
        html = response.content.decode()
        assert "<html" not in html
        assert f'hx-post="{url(submission, "accept")}"' in html
        assert 'id="dialog-title"' in html
        assert "csrfmiddlewaretoken" in html
        assert response.headers["Vary"].startswith("HX-Request")

    def test_opening_it_decides_nothing(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        for what in ("accept", "reject"):
            client.get(url(submission, what))
            client.head(url(submission, what))
        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.AWAITING

    @pytest.mark.parametrize("what", ["accept", "reject"])
    @pytest.mark.parametrize("method", ["put", "delete", "patch"])
    def test_it_answers_to_get_and_post_alone(self, what: str, method: str) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        assert getattr(client, method)(url(submission, what)).status_code == 405


class TestAccepting:
    def test_export_queues_it_and_leads_back_to_the_list(self) -> None:
        submission = SubmissionFactory()
        person, client = approver_of(submission)
        response = client.post(
            url(submission, "accept"), seen(client, submission, note="As agreed."), follow=True
        )
        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.ACCEPTED
        assert (submission.decided_by, submission.note) == (person, "As agreed.")
        assert submission.jobs.get().status == JobStatus.QUEUED
        assert response.redirect_chain == [(list_url(submission.company), 302)]
        html = response.content.decode()
        assert f"{submission.number} is being exported to Spectrum." in html
        assert f'id="open-{submission.pk}"' not in html

    def test_from_the_review_page_it_leads_back_there(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        response = client.post(f"{url(submission, 'accept')}?back=review", seen(client, submission))
        assert response.headers["Location"] == f"{list_url(submission.company)}{submission.pk}/"

    def test_in_place_the_row_shows_exporting_and_follows_it(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        listed = f"http://testserver{list_url(submission.company)}?q=x&vendor=acme&other=1"
        response = client.post(
            url(submission, "accept"),
            seen(client, submission),
            headers={**IN_PLACE, "HX-Current-URL": listed},
        )
        html = response.content.decode()
        assert response.status_code == 200
        assert "/accept/" not in html
        assert f'<td id="state-{submission.pk}"' in html
        assert "<tr" not in html  # what the list says of where it goes stays
        assert 'hx-swap-oob="true"' in html
        assert 'data-shown="exporting."' in html
        assert "Exporting" in html
        assert "Synced" not in html.split("</td>")[0]
        assert f"{submission.number} is being exported" in html
        assert 'view=ready-to-export&amp;q=x&amp;vendor=acme"' in html

    def test_the_erp_id_that_was_typed_is_the_one(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        typed = seen(client, submission, erp_id=" pier-68 ", number_looked_up="on")
        client.post(url(submission, "accept"), typed)
        job = ExportJob.objects.get(submission=submission)
        assert job.erp_id == "PIER-68"
        numbers = {
            element["value"]
            for call in job.calls.all()
            for element in call.elements
            if element["name"] == "Subcontract_Number"
        }
        assert numbers == {"PIER-68"}

    def test_show_again_shows_the_erp_id_that_was_typed_and_decides_nothing(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        entered = seen(client, submission, erp_id="PIER-68", note="As agreed.", show="1")
        response = client.post(url(submission, "accept"), entered)
        html = response.content.decode()
        assert response.status_code == 200
        assert '<span class="plan-value">PIER-68</span>' in html
        assert 'value="PIER-68"' in html
        assert "As agreed." in html
        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.AWAITING

    @pytest.mark.parametrize("number", ["", "X" * 31])
    def test_nothing_is_shown_under_another_number_than_the_refused_one(self, number: str) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        entered = seen(client, submission)
        refused = client.post(url(submission, "accept"), entered | {"erp_id": number})
        assert refused.status_code == 422
        html = refused.content.decode()
        assert f'<span class="plan-value">{entered["erp_id"]}</span>' not in html
        assert "under the ERP ID above" not in html
        assert client.post(url(submission, "accept"), entered | {"erp_id": "X\0"}).status_code == 422

    def test_a_tick_for_one_number_says_nothing_of_another(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        box = url(submission, "accept")
        entered = hidden(client.post(box, seen(client, submission, erp_id="X-1", show="1")).content.decode())
        entered |= {"number_looked_up": "on", "show": "1"}
        tick = re.compile(r'<input[^>]* name="number_looked_up"[^>]*>')
        for number, is_ticked in (("X-1", True), ("X-2", False)):
            (shown,) = tick.findall(client.post(box, entered | {"erp_id": number}).content.decode())
            assert ("checked" in shown) is is_ticked
        del entered["show"]
        refused = client.post(box, entered | {"erp_id": "X-2"})
        assert refused.status_code == 422
        assert "nobody has checked whether X-2 is free" in refused.content.decode()
        assert client.post(box, entered | {"erp_id": "X-1"}).status_code == 302

    def test_when_something_blocks_there_is_no_export_but_what_to_do(self) -> None:
        submission = SubmissionFactory(commitment=ReadyCommitmentFactory(number="SC-2015-0001-A"))
        _, client = approver_of(submission)
        html = client.get(url(submission, "accept")).content.decode()
        assert "has 14 characters; Spectrum takes 10" in html
        assert ">Export<" not in html
        assert "What Spectrum will store" not in html

    @pytest.mark.parametrize(
        ("number", "linked", "primary", "words"),
        [
            ("SC-2015-0001-A", True, "Check again", "Change it above and check again."),
            ("SC-1", False, "", "Check again once an ERP Integrations Admin has fixed this."),
        ],
    )
    def test_the_way_out_of_what_blocks_is_the_primary_action(
        self, number: str, linked: bool, primary: str, words: str
    ) -> None:
        submission = SubmissionFactory(commitment=ReadyCommitmentFactory(number=number))
        if not linked:
            VendorLink.objects.all().delete()
        _, client = approver_of(submission)
        html = client.get(url(submission, "accept")).content.decode()
        assert primaries(html) == ([primary] if primary else [])
        assert words in html

    def test_what_the_project_must_change_makes_rejecting_the_primary_action(self) -> None:
        commitment = ReadyCommitmentFactory(number="SC-2015-0001-A", description="Café façade")
        submission = SubmissionFactory(commitment=commitment)
        Connection.objects.update(non_ascii=NonAsciiRule.REFUSE)
        _, client = approver_of(submission)
        html = client.get(url(submission, "accept")).content.decode()
        assert primaries(html) == ["Reject instead"]
        assert "Reject it so that the project can change it." in html

    def test_it_is_refused_with_everything_that_blocks_and_what_was_typed_stays(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        response = client.post(
            url(submission, "accept"), seen(client, submission, erp_id="A/B*C-12345", note="As agreed.")
        )
        html = response.content.decode()
        assert response.status_code == 422
        assert "has 11 characters" in html
        assert "allow in numbers" in html
        assert 'value="A/B*C-12345"' in html
        assert "As agreed." in html
        assert not ExportJob.objects.exists()

    def test_without_a_job_link_a_forged_export_is_refused_like_any_other(self) -> None:
        submission = SubmissionFactory()
        JobLink.objects.all().delete()
        _, client = approver_of(submission)
        response = client.post(url(submission, "accept"), seen(client, submission))
        assert response.status_code == 422
        assert "is not linked to a Spectrum job" in response.content.decode()

    @pytest.mark.parametrize("erp_id", ["", "   ", "A\0B", "X" * 31])
    def test_an_impossible_erp_id_is_refused_in_words(self, erp_id: str) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        for how in ({}, {"show": "1"}):
            response = client.post(url(submission, "accept"), seen(client, submission, erp_id=erp_id, **how))
            assert response.status_code == 422
            assert "ERP ID: " in response.content.decode()
        assert not ExportJob.objects.exists()

    def test_without_what_was_seen_nothing_is_decided(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        for forged in ({"erp_id": "A"}, {"erp_id": "A", "expected_hash": "0" * 64, "expected_version": "x"}):
            response = client.post(url(submission, "accept"), forged)
            assert response.status_code == 422
            assert "page was out of date" in response.content.decode()
        assert not ExportJob.objects.exists()

    @pytest.mark.parametrize("what", ["accept", "reject"])
    def test_a_box_from_before_an_upgrade_keeps_what_was_typed_and_decides_nothing(self, what: str) -> None:
        """Its hidden fields had other names."""
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        entered = seen(client, submission, what, note="As agreed.", reason="As agreed.")
        entered["seen_hash"], entered["round"] = entered.pop("expected_hash"), entered.pop("expected_version")
        response = client.post(url(submission, what), entered)
        html = response.content.decode()
        assert response.status_code == 422
        assert "page was out of date" in html
        assert "As agreed." in html
        assert not ExportJob.objects.exists()
        assert client.post(url(submission, what), {**entered, **hidden(html)}).status_code == 302


class TestWhatChangedMeanwhile:
    def test_another_vendor_link_is_shown_before_it_can_be_accepted(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        entered = seen(client, submission, note="As agreed.")
        VendorLink.objects.update(vendor_code="MOVED")
        response = client.post(url(submission, "accept"), entered)
        html = response.content.decode()
        assert response.status_code == 409
        assert "changed since you opened this page" in html
        assert "MOVED" in html
        assert "As agreed." in html
        assert not ExportJob.objects.exists()
        again = client.post(url(submission, "accept"), {**entered, **hidden(html)})
        assert again.status_code == 302
        assert ExportJob.objects.get().vendor_code == "MOVED"

    @pytest.mark.parametrize("what", ["accept", "reject"])
    @pytest.mark.parametrize("headers", [{}, IN_PLACE])
    def test_the_second_of_two_approvers_is_told_who_decided_and_when(
        self, what: str, headers: dict[str, str]
    ) -> None:
        submission = SubmissionFactory()
        first, _ = approver_of(submission)
        _, client = approver_of(submission)
        entered = seen(client, submission, what, reason="No.")
        submissions.reject(submission=submission, by=first, reason="The title is wrong.")
        response = client.post(url(submission, what), entered, headers=headers)
        html = response.content.decode()
        assert response.status_code == 409
        assert re.search(rf"{first} rejected this commitment on \d+ \w+ \d{{4}}, \d\d:\d\d", html)
        assert ("<html" in html) is (not headers)
        assert "expected_hash" not in html
        submission.refresh_from_db()
        assert submission.reason == "The title is wrong."

    @pytest.mark.parametrize("what", ["accept", "reject"])
    def test_a_box_on_something_decided_says_so_and_puts_the_row_right(self, what: str) -> None:
        submission = SubmissionFactory(accepted=True)
        _, client = approver_of(submission)
        response = client.get(url(submission, what), headers=IN_PLACE)
        html = response.content.decode()
        assert response.status_code == 409
        assert f"Accepted by {submission.decided_by} on" in html
        assert f'<td id="state-{submission.pk}"' in html

    def test_a_retrieved_one_is_with_its_project_again(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        entered = seen(client, submission)
        submissions.retrieve_from_erp(commitment=submission.commitment, by=submission.sent_by)
        response = client.post(url(submission, "accept"), entered)
        assert response.status_code == 409
        assert f"{submission.sent_by} retrieved this commitment" in response.content.decode()

    @pytest.mark.parametrize("what", ["accept", "reject"])
    def test_a_box_from_before_a_failed_export_decides_nothing_about_it(self, what: str) -> None:
        job: ExportJob = ExportJobFactory(failed=True)
        submission = job.submission
        _, client = approver_of(submission)
        entered = seen(client, submission, what, reason="No.")
        response = client.post(url(submission, what), {**entered, "expected_version": "0"})
        html = response.content.decode()
        assert response.status_code == 409
        assert f"{submission.decided_by} accepted this commitment after you opened it" in html
        job.refresh_from_db()
        assert job.status == JobStatus.FAILED

    def test_a_name_that_was_taken_a_moment_ago_is_a_finding(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        entered = seen(client, submission, erp_id="PIER-68")
        link = VendorLink.objects.get()
        ErpIdHold.objects.create(
            connection=link.connection,
            vendor_code=link.vendor_code,
            erp_id="PIER-68",
            commitment=ReadyCommitmentFactory(project=submission.project),
        )
        response = client.post(url(submission, "accept"), entered)
        assert response.status_code == 422
        assert "already has the ERP ID PIER-68" in response.content.decode()


class TestTryingAgain:
    def test_a_failed_export_is_accepted_again_in_the_same_box(self) -> None:
        job: ExportJob = ExportJobFactory(failed=True)
        submission = job.submission
        _, client = approver_of(submission)
        html = client.get(url(submission, "accept")).content.decode()
        assert f"Retry {submission.number}" in html
        assert job.problem in html
        response = client.post(url(submission, "accept"), seen(client, submission))
        assert response.status_code == 302
        job.refresh_from_db()
        assert (job.status, job.plan_round) == (JobStatus.QUEUED, 2)

    def test_a_failed_export_can_be_rejected(self) -> None:
        job: ExportJob = ExportJobFactory(failed=True)
        _, client = approver_of(job.submission)
        client.post(
            url(job.submission, "reject"), seen(client, job.submission, "reject", reason="Wrong vendor.")
        )
        job.refresh_from_db()
        job.submission.refresh_from_db()
        assert job.status == JobStatus.CANCELLED
        assert job.submission.status == SubmissionStatus.REJECTED

    @pytest.mark.parametrize(
        ("situation", "what"),
        [
            *((situation, "accept") for situation in ("exporting", "synced", "incomplete", "unknown")),
            *((situation, "reject") for situation in ("exporting", "synced", "unknown")),
        ],
    )
    def test_no_other_export_can_be_decided_again(self, situation: str, what: str) -> None:
        job: ExportJob = ExportJobFactory(**{situation: True})
        _, client = approver_of(job.submission)
        assert client.get(url(job.submission, what)).status_code == 409
        forged = {
            "expected_hash": job.basis_hash,
            "expected_version": "0",
            "erp_id": job.erp_id,
            "reason": "No.",
        }
        assert client.post(url(job.submission, what), forged).status_code == 409
        job.refresh_from_db()
        assert (job.status, job.plan_round) == (JobStatus(situation), 1)


class TestRejecting:
    def test_it_goes_back_to_the_project_and_leaves_the_list(self) -> None:
        submission = SubmissionFactory()
        person, client = approver_of(submission)
        entered = seen(client, submission, "reject", reason="  The cost code of line 2 is wrong.\n")
        response = client.post(url(submission, "reject"), entered, follow=True)
        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.REJECTED
        assert (submission.decided_by, submission.reason) == (person, "The cost code of line 2 is wrong.")
        assert (submission.commitment.badge, submission.commitment.lock) == (Badge.REJECTED, Lock.NONE)
        assert OutgoingEmail.objects.filter(to_address=submission.created_by.email).exists()
        html = response.content.decode()
        assert f"{submission.number} is rejected" in html
        assert f'id="open-{submission.pk}"' not in html

    def test_in_place_its_row_leaves(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        response = client.post(
            url(submission, "reject"), seen(client, submission, "reject", reason="No."), headers=IN_PLACE
        )
        html = response.content.decode()
        assert f'<tr id="submission-{submission.pk}" hx-swap-oob="delete"></tr>' in html
        assert "<form" not in html

    @pytest.mark.parametrize("reason", ["", "   ", "\n\t ", "\u200b\u00ad", "\u3164\u2800", "..."])
    @pytest.mark.parametrize("headers", [{}, IN_PLACE])
    def test_a_blank_reason_is_refused(self, reason: str, headers: dict[str, str]) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        response = client.post(
            url(submission, "reject"), seen(client, submission, "reject", reason=reason), headers=headers
        )
        assert response.status_code == 422
        assert "Enter a reason. It is mailed" in response.content.decode()
        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.AWAITING

    def test_a_header_that_is_no_address_does_not_hide_that_it_was_decided(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        entered = seen(client, submission, "reject", reason="No.")
        headers = {**IN_PLACE, "HX-Current-URL": "http://["}
        assert client.post(url(submission, "reject"), entered, headers=headers).status_code == 200
        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.REJECTED

    def test_a_reason_without_end_is_refused_and_stays_in_the_box(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        entered = seen(client, submission, "reject", reason="No. " * 2000)
        response = client.post(url(submission, "reject"), entered)
        assert response.status_code == 422
        assert "At most 4,000 characters fit; this has 7,999." in response.content.decode()

    def test_what_was_typed_is_never_markup(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        client.post(
            url(submission, "reject"), seen(client, submission, "reject", reason="<script>alert(1)</script>")
        )
        html = client.get(f"{list_url(submission.company)}?view=rejected").content.decode()
        assert "&lt;script&gt;alert(1)" in html

    def test_what_was_seen_must_be_this(self) -> None:
        submission = SubmissionFactory()
        _, client = approver_of(submission)
        entered = seen(client, submission, "reject", reason="No.") | {"expected_hash": "0" * 64}
        response = client.post(url(submission, "reject"), entered)
        assert response.status_code == 409
        assert "This has changed since you opened it" in response.content.decode()
        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.AWAITING


class TestWhoMayNot:
    @pytest.mark.parametrize("what", ["accept", "reject"])
    @pytest.mark.parametrize(
        "rights",
        [
            {"erp_integrations_level": Level.STANDARD},
            {"erp_integrations_level": Level.ADMIN},
            {"erp_integrations_level": Level.READ_ONLY, "can_push_to_accounting": True},
            {"erp_integrations_level": Level.NONE, "can_push_to_accounting": True},
        ],
    )
    def test_a_forged_post_is_refused_and_kept_in_the_history(self, what: str, rights: Any) -> None:
        submission = SubmissionFactory()
        viewer = MemberFactory(company=submission.company, **rights)
        forged = {"expected_hash": "0" * 64, "expected_version": "0", "erp_id": "A", "reason": "No."}
        response = signed_in(viewer).post(url(submission, what), forged)
        assert response.status_code == 403
        entry = HistoryEntry.objects.get(event="right.refused")
        assert (entry.by_id, entry.company_id) == (viewer.pk, submission.company_id)
        assert entry.detail["address"] == url(submission, what)
        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.AWAITING

    @pytest.mark.parametrize("what", ["accept", "reject"])
    def test_looking_at_a_box_without_the_right_is_refused_too(self, what: str) -> None:
        submission = SubmissionFactory()
        response = signed_in(ViewerFactory(company=submission.company)).get(url(submission, what))
        assert response.status_code == 403
        assert "Can Push to Accounting" in response.content.decode()

    @pytest.mark.parametrize("part", ["created_by", "sent_by"])
    @pytest.mark.parametrize("what", ["accept", "reject"])
    def test_nobody_decides_on_what_they_created_or_sent(self, part: str, what: str) -> None:
        submission = SubmissionFactory()
        own: User = getattr(submission, part)
        join_company(
            own, submission.company, erp_integrations_level=Level.STANDARD, can_push_to_accounting=True
        )
        basis = build_basis(submission.document)
        forged = {"expected_hash": basis.hash, "expected_version": "0", "erp_id": "A", "reason": "No."}
        response = signed_in(own).post(url(submission, what), forged)
        assert response.status_code == 403
        assert "another accounting approver must decide" in response.content.decode()
        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.AWAITING

    @pytest.mark.parametrize("what", ["accept", "reject"])
    def test_another_companys_submission_is_not_found(self, what: str) -> None:
        submission, stranger = SubmissionFactory(), ApproverFactory()
        own = stranger.company_memberships.get().company
        forged = f"{list_url(own)}{submission.pk}/{what}/"
        for path in (url(submission, what), forged, f"{list_url(own)}{10**30}/{what}/"):
            assert signed_in(stranger).get(path).status_code == 404
            assert signed_in(stranger).post(path, {"reason": "No."}).status_code == 404

    def test_a_page_of_another_site_decides_nothing(self) -> None:
        submission = SubmissionFactory()
        person: User = ApproverFactory(company=submission.company)
        entered = seen(signed_in(person), submission)
        guarded = Client(enforce_csrf_checks=True)
        guarded.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
        assert guarded.post(url(submission, "accept"), entered).status_code == 403
        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.AWAITING
