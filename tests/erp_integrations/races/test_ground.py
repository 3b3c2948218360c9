"""A decision's ground changes at the same moment: the right, a link, the connection's settings."""

import re
from collections.abc import Callable

import pytest

from directory.models import CompanyMembership, Level, User
from directory.rights import memberships as directory
from directory.rights.permissions import RightMissing
from erp_integrations import submissions
from erp_integrations.connections import settings_changes
from erp_integrations.connections.settings_form import SettingsForm
from erp_integrations.exports import worker
from erp_integrations.links import linking
from erp_integrations.links.kinds import JOB, VENDOR
from erp_integrations.models import (
    Connection,
    ErpIdHold,
    ExportJob,
    JobLink,
    JobStatus,
    Submission,
    VendorLink,
    WireAttempt,
)
from tests.erp_integrations.races.acts import accepts, claims, two_approvers
from tests.erp_integrations.races.conftest import Interleave
from tests.erp_integrations.races.judging import assert_consistent, the_job, the_submission, told
from tests.erp_integrations.races.orders import Act, Ended
from tests.factories import (
    ErpAdminFactory,
    ExportJobFactory,
    PrivilegeAdminFactory,
    SubmissionFactory,
)

# The right


def revokes(person: User) -> Act:
    by, membership = PrivilegeAdminFactory(), person.company_memberships.get()
    return lambda: directory.revoke_push_to_accounting(membership=membership, by=by, reason="She left.")


def lowers_the_level(person: User) -> Act:
    membership = person.company_memberships.get()

    def act() -> None:
        CompanyMembership.objects.filter(pk=membership.pk).update(erp_integrations_level=Level.READ_ONLY)

    return act


def deactivates(person: User) -> Act:
    return lambda: User.objects.filter(pk=person.pk).update(is_active=False)


def removes(person: User) -> Act:
    by, membership = PrivilegeAdminFactory(), person.company_memberships.get()
    return lambda: directory.delete_company_membership(membership=membership, by=by)


ENDS = pytest.mark.parametrize("ends", [revokes, lowers_the_level, deactivates, removes])


@ENDS
def test_of_accept_and_the_end_of_the_right_nothing_is_exported(
    interleave: Interleave, ends: Callable[[User], Act]
) -> None:
    submission = SubmissionFactory()
    approver, _ = two_approvers(submission)

    def judge(ended: Ended) -> None:
        assert not isinstance(ended.second, Exception)
        assert not ended.refusals or isinstance(ended.first, RightMissing)
        assert (the_submission().status == "accepted") == (not ended.refusals)
        assert_consistent()
        worker.export_due_jobs(submission.connection_id)  # a worker comes by
        assert the_submission().status == "awaiting"
        assert told("submission.returned") == told("submission.accepted") == (not ended.refusals)
        assert not WireAttempt.objects.exists()
        assert not ErpIdHold.objects.exists()
        assert_consistent()

    interleave(accepts(approver, submission), ends(approver), judge)


@ENDS
def test_of_a_claim_and_the_end_of_the_right_one_comes_first(
    interleave: Interleave, ends: Callable[[User], Act]
) -> None:
    job = ExportJobFactory()
    approver = job.submission.decided_by
    assert approver
    end_of_right, claim = ends(approver), claims(job)

    def ends_and_sweeps() -> None:
        end_of_right()
        worker.run_sweep()

    def judge(ended: Ended) -> None:
        assert not ended.refusals
        begun = isinstance(ended.second, ExportJob)  # what has begun is finished
        assert the_job().status == (JobStatus.EXPORTING if begun else JobStatus.CANCELLED)
        assert the_submission().status == ("accepted" if begun else "awaiting")
        assert told("export.started", "submission.returned") == 1
        assert_consistent()

    interleave(ends_and_sweeps, claim, judge)


# What would be exported


def changes_the_vendor(submission: Submission, by: User) -> Act:
    link = VendorLink.objects.get(connection=submission.connection)
    return lambda: linking.link(
        VENDOR,
        owner=link.contract_company,
        connection=submission.connection,
        code="OTHER",
        expected=linking.ExpectedLink(link.vendor_code),
        by=by,
    )


def unlinks_the_vendor(submission: Submission, by: User) -> Act:
    link = VendorLink.objects.get(connection=submission.connection)
    return lambda: linking.unlink(
        VENDOR,
        owner=link.contract_company,
        connection=submission.connection,
        expected=linking.ExpectedLink(link.vendor_code),
        by=by,
    )


def changes_the_job(submission: Submission, by: User) -> Act:
    link = JobLink.objects.get(project=submission.project)
    return lambda: linking.link(
        JOB,
        owner=submission.project,
        connection=submission.connection,
        code="OTHER",
        expected=linking.ExpectedLink(link.job_number, link.connection_id),
        by=by,
    )


def changes_the_settings(submission: Submission, by: User) -> Act:
    def act() -> None:
        connection = Connection.objects.select_related("company").get(pk=submission.connection_id)
        shown = SettingsForm(instance=connection)
        posted = {name: shown[name].value() for name in shown.fields}
        posted = {name: value for name, value in posted.items() if value not in (None, False)}
        form = SettingsForm(posted | {"general_ledger_account": "600200"}, instance=connection)
        assert form.is_valid(), form.errors
        settings_changes.save_connection(form=form, by=by)

    return act


GROUND = pytest.mark.parametrize(
    "change", [changes_the_vendor, unlinks_the_vendor, changes_the_job, changes_the_settings]
)


@GROUND
def test_of_accept_and_a_change_of_the_ground_nothing_is_exported_that_nobody_saw(
    interleave: Interleave, change: Callable[[Submission, User], Act]
) -> None:
    submission = SubmissionFactory()
    approver, _ = two_approvers(submission)
    admin = ErpAdminFactory(company=submission.company)

    def judge(ended: Ended) -> None:
        assert not isinstance(ended.second, Exception)
        assert_consistent()
        if ended.refusals:
            # Between the two looks of Accept, the change is one that nobody ticked.
            assert isinstance(ended.first, submissions.Conflict | submissions.StatementMissing)
            assert re.search(
                "changed since you opened this page|need a second person's confirmation", str(ended.first)
            )
            assert the_submission().status == "awaiting"
        else:
            worker.export_due_jobs(submission.connection_id)
            assert the_job().status == JobStatus.FAILED
            assert the_job().problem.startswith("Changed since it was accepted")
            assert_consistent()
        assert not WireAttempt.objects.exists()

    interleave(accepts(approver, submission), change(submission, admin), judge)


def test_of_two_who_change_one_link_one_is_told(interleave: Interleave) -> None:
    submission = SubmissionFactory()
    admin = ErpAdminFactory(company=submission.company)

    def judge(ended: Ended) -> None:
        (refusal,) = ended.refusals
        assert isinstance(refusal, linking.LinkChanged)
        code = VendorLink.objects.values_list("vendor_code", flat=True).first()
        assert (code == "OTHER") == (refusal is ended.second)
        assert told("vendor_link.changed", "vendor_link.deleted") == 1

    interleave(changes_the_vendor(submission, admin), unlinks_the_vendor(submission, admin), judge)
