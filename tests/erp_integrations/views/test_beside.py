"""The Accept dialog and the review page in accounting's words, and what stands beside a decision."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from commitments.models import Commitment
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.models import (
    Connection,
    ErpIdHold,
    ExportJob,
    JobBilling,
    NonAsciiRule,
    Submission,
    VendorLink,
)
from erp_integrations.pages import beside
from tests.clients import signed_in
from tests.erp_integrations.views.test_dialogs import IN_PLACE, approver_of, seen, url
from tests.factories import (
    ApproverFactory,
    ErpAdminFactory,
    ExportJobFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
    ViewerFactory,
    lists_know,
)

pytestmark = pytest.mark.django_db

DESCRIPTION = "Cast-in-place walls, north side and south side"


def show(submission: Submission, what: str = "accept", query: str = "") -> str:
    """A page as an approver sees it, its white space evened out."""
    _, client = approver_of(submission)
    address = url(submission, what) if what else submission.get_absolute_url()
    return " ".join(client.get(f"{address}{query}").content.decode().replace("<wbr>", "").split())


def send_again(submission: Submission, **changes: object) -> Submission:
    submissions.retrieve_from_erp(commitment=submission.commitment, by=submission.sent_by)
    Commitment.objects.filter(pk=submission.commitment_id).update(**changes)
    commitment = Commitment.objects.get(pk=submission.commitment_id)
    return submissions.send_to_erp(commitment=commitment, by=submission.sent_by)


class TestTheOrder:
    def test_the_decision_stands_before_the_number_and_the_technical_names_last_and_folded(self) -> None:
        html = show(
            SubmissionFactory(commitment=ReadyCommitmentFactory(lines=1, lines__description=DESCRIPTION))
        )
        order = [
            "USD 1,000.00",
            "Default of",
            "Schedule of Values",
            "shortened",
            'name="erp_id"',
            "Details",
            "Technical names",
        ]
        places = [html.index(words) for words in order]
        assert places == sorted(places)
        before, folded = html.split("Technical names")
        assert "Vendor_Code" not in before
        assert "Vendor_Code" in folded
        assert before.rindex("<details") > before.rindex("</details>")

    def test_what_blocks_stands_before_all_of_it(self) -> None:
        html = show(SubmissionFactory(commitment=ReadyCommitmentFactory(number="SC-2015-0001-A")))
        assert html.index("has 14 characters") < html.index("dt>Amount") < html.index('name="erp_id"')

    def test_each_line_stands_once_with_spectrums_value_only_where_it_differs(self) -> None:
        commitment = ReadyCommitmentFactory(lines=2)
        commitment.lines.filter(position=2).update(description=DESCRIPTION, unit_cost=None)
        submission = SubmissionFactory(commitment=commitment)
        for html in (show(submission), show(submission, "")):
            lines = html.split("Schedule of Values")[1].split("</table>")[0]
            assert lines.count("<tr>") == 4  # heading, two lines, total
            first, second = lines.split('data-label="Line"')[1:]
            assert "in Spectrum" not in first
            assert "Description in Spectrum:" in second
            assert "not sent, only the amount" in second
            assert html.count(DESCRIPTION) == 2  # and once in the folded calls

    def test_purchase_orders_are_said_to_become_subcontracts(self) -> None:
        words = "Purchase orders are written to Spectrum as subcontracts."
        order = SubmissionFactory(commitment=ReadyCommitmentFactory(kind="purchase_order"))
        assert words in show(order)
        assert words in show(order, "")
        assert words not in show(SubmissionFactory())


class TestBeside:
    def test_the_vendors_others_and_the_same_number_are_counted_summed_and_linked(self) -> None:
        submission = SubmissionFactory()
        company, vendor = submission.company, submission.commitment.contract_company
        of_vendor = SubmissionFactory(
            commitment=ReadyCommitmentFactory(project=submission.project, contract_company=vendor)
        )
        same_number = SubmissionFactory(
            commitment=ReadyCommitmentFactory(project__company=company, number=submission.number)
        )
        SubmissionFactory(commitment=ReadyCommitmentFactory(number=submission.number))  # of another company
        for html in (show(submission), show(submission, "")):
            found = re.findall(rf"{vendor}: 1, USD {of_vendor.total:,.2f} .*?/commitments/(\d+)/", html)
            assert found == [str(of_vendor.pk)]
            found = re.findall(rf"{submission.number} elsewhere: 1, USD .*?/commitments/(\d+)/", html)
            assert found == [str(same_number.pk)]

    def test_ten_are_shown_of_twelve_and_all_are_summed(self) -> None:
        submission = SubmissionFactory()
        vendor = submission.commitment.contract_company
        for _ in range(12):
            SubmissionFactory(
                commitment=ReadyCommitmentFactory(project=submission.project, contract_company=vendor)
            )
        others = beside.build_beside(submission, was_sent_before=False).others
        newest = Submission.objects.exclude(pk=submission.pk).order_by("-pk")
        assert [each["pk"] for each in others] == [each.pk for each in newest[:10]]
        total = sum(newest.values_list("total", flat=True))
        assert {(each["counted"], each["summed"], each["has_more"]) for each in others} == {
            (12, total, False)
        }
        assert f"12, USD {total:,.2f}" in show(submission)

    def test_what_changed_since_it_was_sent_before_is_read_line_by_line(self) -> None:
        commitment = ReadyCommitmentFactory(lines=3, title="Concrete <works>")
        submission = SubmissionFactory(commitment=commitment)
        first, second, third = commitment.lines.order_by("position")
        submissions.retrieve_from_erp(commitment=commitment, by=submission.sent_by)
        commitment.lines.filter(pk=first.pk).update(amount=Decimal("5.00"), unit_cost=None, quantity=None)
        commitment.lines.filter(pk=second.pk).update(description="Slabs")
        commitment.lines.filter(pk=third.pk).delete()
        Commitment.objects.filter(pk=commitment.pk).update(title="Concrete")
        again = submissions.send_to_erp(
            commitment=Commitment.objects.get(pk=commitment.pk), by=submission.sent_by
        )
        html = show(again)
        assert "<dt>Title</dt> <dd> <del>Concrete &lt;works&gt;</del> <ins>Concrete</ins>" in html
        assert f"amount</dt> <dd> <del>{first.amount:,.2f}</del> <ins>5.00</ins>" in html
        assert f"<del>{second.description}</del> <ins>Slabs</ins>" in html
        assert "removed</span>" in html
        assert f'href="{submission.get_absolute_url()}">Retrieved</a>' in html
        assert "changes since it was sent before" in show(again, "")

    def test_sent_again_as_it_was_nothing_changed(self) -> None:
        assert "Nothing changed since it was sent before" in show(send_again(SubmissionFactory()))

    def test_what_was_billed_of_the_earlier_export_is_shown(self) -> None:
        job: ExportJob = ExportJobFactory(incomplete=True)
        JobBilling.objects.create(job=job, read_at=datetime(2026, 3, 1, tzinfo=UTC), billed=Decimal("250.10"))
        ExportJob.objects.filter(pk=job.pk).update(quiet_until=None)
        submission = job.submission
        approver = ApproverFactory(company=submission.company)
        submissions.reject(submission=submission, by=approver, reason="No.")
        commitment = Commitment.objects.get(pk=submission.commitment_id)
        again = submissions.send_to_erp(commitment=commitment, by=submission.sent_by)
        assert '<dt>Billed</dt> <dd class="num"> 250.10' in show(again)

    def test_the_dialog_opens_with_few_statements(self) -> None:
        counts = []
        for submission in (SubmissionFactory(), send_again(SubmissionFactory())):
            lists_know(submission.commitment)
            _, client = approver_of(submission)
            client.get(url(submission, "accept"), headers=IN_PLACE)
            with CaptureQueriesContext(database) as queries:
                client.get(url(submission, "accept"), headers=IN_PLACE)
            counts.append(len(queries))
        assert counts[0] <= 12
        assert counts[1] <= 15


class TestSentencesThatAgree:
    def test_of_a_number_that_is_taken_nobody_is_asked_to_say_that_it_is_free(self) -> None:
        submission = SubmissionFactory()
        link = VendorLink.objects.get()
        ErpIdHold.objects.create(
            connection=link.connection,
            vendor_code=link.vendor_code,
            erp_id="PIER-68",
            commitment=ReadyCommitmentFactory(project=submission.project),
        )
        _, client = approver_of(submission)
        entered = seen(client, submission, erp_id="PIER-68", show="1")
        html = client.post(url(submission, "accept"), entered).content.decode()
        assert "already has the ERP ID PIER-68" in html
        assert 'name="number_looked_up"' not in html
        assert "It may already be there" not in html
        entered["erp_id"] = "PIER-69"
        assert 'name="number_looked_up"' in client.post(url(submission, "accept"), entered).content.decode()

    def test_a_page_says_that_it_updates_only_while_it_does(self) -> None:
        words = "This page updates by itself."
        moving: ExportJob = ExportJobFactory(exporting=True)
        assert words in show(moving.submission, "")
        for situation in ("synced", "failed", "unknown"):
            job: ExportJob = ExportJobFactory(**{situation: True})
            assert words not in show(job.submission, "")


class TestRejectInstead:
    def submission(self) -> Submission:
        made: Submission = SubmissionFactory(commitment=ReadyCommitmentFactory(description="Café façade"))
        Connection.objects.update(non_ascii=NonAsciiRule.REFUSE)
        return made

    def test_it_brings_what_blocks_as_the_reason_and_never_words_of_the_address(self) -> None:
        submission = self.submission()
        assert "reject/?reason-from=issues" in show(submission)
        reason = (
            show(submission, "reject", "?reason-from=issues").split("</textarea>")[0].split("<textarea")[1]
        )
        assert "Description" in reason
        forged = show(submission, "reject", "?reason-from=Pay+at+once&reason=Pay+at+once")
        assert "Pay at once" not in forged.split("</textarea>")[0].split("<textarea")[1]
        assert not re.search(r"<textarea[^>]*>\s*\w", show(submission, "reject"))

    def test_what_a_person_typed_wins(self) -> None:
        submission = self.submission()
        _, client = approver_of(submission)
        address = f"{url(submission, 'reject')}?reason-from=issues"
        token = re.search(r'name="draft" value="([^"]+)"', client.get(address).content.decode())
        assert token
        client.post(address, {"draft": token[1], "reason": "My own words.", "keep": "1"})
        reason = client.get(address).content.decode().split("</textarea>")[0].split("<textarea")[1]
        assert "My own words." in reason
        assert "Description" not in reason

    def test_with_nothing_that_blocks_it_is_blank(self) -> None:
        assert not re.search(
            r"<textarea[^>]*>\s*\w", show(SubmissionFactory(), "reject", "?reason-from=issues")
        )


class TestARefusedDefault:
    def test_it_says_whose_it_is_and_leads_there_whoever_may_change_it(self) -> None:
        job: ExportJob = ExportJobFactory(failed=True)
        submission = job.submission
        account = build_basis(submission.document).references.general_ledger_account
        ExportJob.objects.filter(pk=job.pk).update(
            problem=f"Subcontract: GL_Account: {account} is not active."
        )
        words = f"{account} is the default of the company"
        assert words in show(submission)
        html = signed_in(ErpAdminFactory(company=submission.company)).get(submission.get_absolute_url())
        assert words in html.content.decode()
        assert f"/settings/{job.connection_id}/" in html.content.decode()
        html = signed_in(ViewerFactory(company=submission.company)).get(submission.get_absolute_url())
        assert f"/settings/{job.connection_id}/" not in html.content.decode()

    def test_of_another_refusal_it_says_nothing(self) -> None:
        job: ExportJob = ExportJobFactory(failed=True)
        assert "is the default of" not in show(job.submission)
