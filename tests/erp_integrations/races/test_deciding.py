"""Two people decide on one commitment, or one decides while the other takes it away."""

from commitments import services as commitments
from commitments.errors import CommitmentChanged, CommitmentLocked
from commitments.models import Commitment
from directory.models import User
from erp_integrations import submissions
from erp_integrations.models import ErpIdHold, ExportJob, Restore, Submission, SubmissionStatus
from notifications.models import OutgoingEmail
from tests.erp_integrations.races.acts import accepts, adopts, rejects, retrieves, two_approvers
from tests.erp_integrations.races.conftest import Interleave
from tests.erp_integrations.races.judging import assert_consistent, the_submission, told
from tests.erp_integrations.races.orders import Act, Ended
from tests.factories import (
    ContractCompanyFactory,
    ProjectAdminFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
    VendorLinkFactory,
)


def one_is_told_of_the_other(ended: Ended) -> Submission:
    """The submission as it stands: one was refused, in words that say who did what."""
    (refusal,) = ended.refusals
    assert isinstance(refusal, submissions.Conflict)
    now = the_submission()
    assert str(now.decided_by or now.ended_by) in str(refusal)
    assert f"{now.get_status_display().lower()} this commitment on " in str(refusal)
    assert_consistent()
    return now


def test_of_two_who_accept_one_decides_and_the_other_is_told(interleave: Interleave) -> None:
    submission = SubmissionFactory()
    first, second = two_approvers(submission)

    def judge(ended: Ended) -> None:
        now = one_is_told_of_the_other(ended)
        assert now.decided_by == (first if ended.refusals == [ended.second] else second)
        assert (told("submission.accepted"), ExportJob.objects.count()) == (1, 1)

    interleave(accepts(first, submission), accepts(second, submission), judge, alike=True)


def test_of_accept_and_adopt_one_decides_and_the_other_is_told(interleave: Interleave) -> None:
    submission = SubmissionFactory()
    Restore.objects.create(epoch=1, reason="The disk failed.", lost="Nothing known.")
    first, second = two_approvers(submission)

    def judge(ended: Ended) -> None:
        assert one_is_told_of_the_other(ended).decided_by == (
            first if ended.refusals == [ended.second] else second
        )
        assert told("submission.accepted", "submission.adopted") == ExportJob.objects.count() == 1

    interleave(accepts(first, submission), adopts(second, submission), judge)


def test_of_accept_and_reject_one_decides_and_the_other_is_told(interleave: Interleave) -> None:
    submission = SubmissionFactory()
    first, second = two_approvers(submission)

    def judge(ended: Ended) -> None:
        accepted = one_is_told_of_the_other(ended).status == SubmissionStatus.ACCEPTED
        assert (told("submission.accepted"), told("submission.rejected")) == (accepted, not accepted)
        assert OutgoingEmail.objects.exists() is not accepted

    interleave(accepts(first, submission), rejects(second, submission), judge)


def test_of_two_who_reject_one_decides_and_one_mail_to_each_goes_out(interleave: Interleave) -> None:
    submission = SubmissionFactory()
    first, second = two_approvers(submission)

    def judge(ended: Ended) -> None:
        one_is_told_of_the_other(ended)
        mailed = list(OutgoingEmail.objects.values_list("recipient", flat=True).order_by("recipient"))
        assert mailed == sorted({submission.created_by_id, submission.sent_by_id})

    interleave(rejects(first, submission), rejects(second, submission), judge, alike=True)


def test_of_accept_and_retrieve_one_comes_first_and_the_other_is_told(interleave: Interleave) -> None:
    submission = SubmissionFactory()
    approver, _ = two_approvers(submission)

    def judge(ended: Ended) -> None:
        accepted = one_is_told_of_the_other(ended).status == SubmissionStatus.ACCEPTED
        assert (told("submission.accepted"), told("submission.retrieved")) == (accepted, not accepted)

    interleave(accepts(approver, submission), retrieves(submission), judge)


def test_of_reject_and_retrieve_one_comes_first_and_the_other_is_told(interleave: Interleave) -> None:
    submission = SubmissionFactory()
    approver, _ = two_approvers(submission)

    def judge(ended: Ended) -> None:
        (refusal,) = ended.refusals
        assert isinstance(refusal, submissions.Conflict)
        rejected = the_submission().status == SubmissionStatus.REJECTED
        assert (told("submission.rejected"), told("submission.retrieved")) == (rejected, not rejected)
        assert_consistent()

    interleave(rejects(approver, submission), retrieves(submission), judge)


# The project's side


def sends(commitment: Commitment, by: User) -> Act:
    return lambda: submissions.send_to_erp(commitment=commitment, by=by)


def edits(commitment: Commitment, by: User, **values: object) -> Act:
    version = commitment.version
    return lambda: commitments.update_commitment(
        commitment=commitment, by=by, version=version, values=values, lines=None
    )


def what_was_sent_is_what_the_project_has(ended: Ended) -> None:
    assert all(isinstance(refusal, CommitmentLocked) for refusal in ended.refusals)
    document, stored = the_submission().document, Commitment.objects.get()
    assert document.title == stored.title
    assert document.contract_company_id == stored.contract_company_id
    assert told("commitment.changed") == (not ended.refusals)
    assert_consistent()


def test_of_edit_and_send_accounting_sees_what_the_project_has(interleave: Interleave) -> None:
    before = SubmissionFactory(retrieved=True)
    commitment, person = before.commitment, before.sent_by
    interleave(
        edits(commitment, person, title="Edited"),
        sends(commitment, person),
        what_was_sent_is_what_the_project_has,
    )


def test_of_another_vendor_and_send_accounting_sees_what_the_project_has(interleave: Interleave) -> None:
    before = SubmissionFactory(retrieved=True)
    commitment, person = before.commitment, before.sent_by
    other = ContractCompanyFactory(company=before.company)
    VendorLinkFactory(connection=before.connection, contract_company=other)
    interleave(
        edits(commitment, person, contract_company=other),
        sends(commitment, person),
        what_was_sent_is_what_the_project_has,
    )


def test_of_two_who_edit_nobody_overwrites_the_other(interleave: Interleave) -> None:
    before = SubmissionFactory(retrieved=True)
    commitment, person = before.commitment, before.sent_by
    other = ProjectAdminFactory(project=before.project)

    def judge(ended: Ended) -> None:
        (refusal,) = ended.refusals
        assert isinstance(refusal, CommitmentChanged)
        assert Commitment.objects.get().title == ("Mine" if refusal is ended.second else "Theirs")

    interleave(
        edits(commitment, person, title="Mine"), edits(commitment, other, title="Theirs"), judge, alike=True
    )


def test_of_two_who_send_one_does_and_the_other_is_told(interleave: Interleave) -> None:
    before = SubmissionFactory(retrieved=True)
    other = ProjectAdminFactory(project=before.project)

    def judge(ended: Ended) -> None:
        (refusal,) = ended.refusals
        assert isinstance(refusal, submissions.Conflict)
        assert "already with accounting" in str(refusal)
        assert Submission.objects.awaiting().count() == 1
        assert_consistent()

    interleave(sends(before.commitment, before.sent_by), sends(before.commitment, other), judge, alike=True)


def test_of_delete_and_send_nothing_that_accounting_has_goes(interleave: Interleave) -> None:
    commitment = ReadyCommitmentFactory()
    person = ProjectAdminFactory(project=commitment.project)

    def deletes() -> None:
        commitments.delete_commitment(commitment=Commitment.objects.get(pk=commitment.pk), by=person)

    def judge(ended: Ended) -> None:
        (refusal,) = ended.refusals
        if refusal is ended.first:
            # Sent, or sent between its look and its delete.
            assert isinstance(refusal, CommitmentLocked)
            assert Submission.objects.count() == 1
        else:
            assert isinstance(refusal, Commitment.DoesNotExist)  # which is a page that is not found
            assert not Commitment.objects.exists()
        assert_consistent()

    interleave(deletes, sends(commitment, person), judge)


# Two commitments, one record in Spectrum


def two_of_one_vendor() -> tuple[Submission, Submission]:
    first = SubmissionFactory()
    other = ReadyCommitmentFactory(project=first.project, contract_company=first.commitment.contract_company)
    return first, SubmissionFactory(commitment=other)


def test_of_two_commitments_with_one_erp_id_one_takes_it(interleave: Interleave) -> None:
    one, other = two_of_one_vendor()
    first, second = two_approvers(one)

    def judge(ended: Ended) -> None:
        (refusal,) = ended.refusals
        assert isinstance(refusal, submissions.Conflict | submissions.ExportBlocked)
        assert "SAME" in str(refusal)
        assert ErpIdHold.objects.count() == ExportJob.objects.count() == 1
        assert_consistent()

    interleave(accepts(first, one, "SAME"), accepts(second, other, "same "), judge, alike=True)


def test_an_erp_id_that_is_being_freed_goes_to_one_or_to_none(interleave: Interleave) -> None:
    one, other = two_of_one_vendor()
    first, second = two_approvers(one)
    accepts(first, one, "SAME")()

    def undoes() -> None:
        submissions.undo(submission=one, by=first)

    def judge(ended: Ended) -> None:
        assert not isinstance(ended.first, Exception)
        holds = ErpIdHold.objects.values_list("commitment", flat=True)
        assert list(holds) == ([] if ended.refusals else [other.commitment_id])
        assert_consistent()

    interleave(undoes, accepts(second, other, "SAME"), judge)
