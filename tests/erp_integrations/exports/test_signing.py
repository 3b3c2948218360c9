"""Whoever has the database's password, and not web's key, exports nothing that no approver signed."""

import io
import json
from contextlib import suppress
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from directory.history import checkpoints, sealing, signatures
from directory.models import CompanyMembership, HistoryEntry, User
from directory.rights import memberships
from directory.rights.permissions import RightMissing
from erp_integrations import signing, submissions
from erp_integrations.adapters.registry import to_call
from erp_integrations.models import (
    Alarm,
    ExportCall,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
)
from notifications.models import OutgoingEmail
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import delivered, due_now, incomplete_at, of, sent
from tests.factories import ApproverFactory, PrivilegeAdminFactory, ViewerFactory, join_company
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


def by_sql(statement: str, *values: int | str) -> None:
    """As the application's own role, past every line of the product."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def make_dearer(job: ExportJob) -> list[str]:
    """Somebody raises a line of what was accepted, and everything that follows from it; the new hashes."""
    call = job.list_current_calls()[1]
    for element in call.elements:
        if element["name"] == "Original_Contract_Amount":
            element["value"] = "9999.00"
    by_sql(
        "UPDATE erp_integrations_exportcall SET elements = %s, payload_hash = %s WHERE id = %s",
        json.dumps(call.elements),
        to_call(call).hash,
        call.pk,
    )
    return [each.payload_hash for each in job.list_current_calls()]


def write_acceptance(job: ExportJob, by: User, /, **detail: object) -> None:
    """Somebody writes into the history that an approver accepted."""
    accepted = HistoryEntry.objects.filter(event="submission.accepted").first()
    told = {**(accepted.detail if accepted else {}), **detail, "job": job.pk}
    by_sql(
        "INSERT INTO directory_historyentry (at, company_id, by_id, event, subject_type, subject_id, detail) "
        "VALUES (now(), %s, %s, 'submission.accepted', 'erp_integrations.submission', %s, %s)",
        job.submission.company_id,
        by.pk,
        job.submission_id,
        json.dumps(told),
    )


def is_returned(job: ExportJob, why: str) -> bool:
    """Back with the approvers, with the reason in the history."""
    entry = HistoryEntry.objects.about(job.submission).filter(event="submission.returned").last()
    return (
        of(job).status == JobStatus.CANCELLED
        and Submission.objects.get(pk=job.submission_id).status == SubmissionStatus.AWAITING
        and entry is not None
        and entry.detail["why"] == why
    )


class TestAcceptances:
    def test_a_call_that_was_changed_with_a_second_acceptance_that_names_it_is_not_exported(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        write_acceptance(queued, approver, calls=make_dearer(queued))
        done = delivered(queued)
        assert (done.status, sent(simulator, queued)) == (JobStatus.FAILED, [])
        assert signing.ACCEPTED_TWICE in done.problem
        assert Alarm.objects.get(submission=queued.submission).sentence == done.problem

    def test_a_call_that_was_changed_alone_is_not_exported(
        self, simulator: Simulator, queued: ExportJob
    ) -> None:
        make_dearer(queued)
        done = delivered(queued)
        assert (done.status, sent(simulator, queued)) == (JobStatus.FAILED, [])
        assert "Line 1 was altered after it was accepted" in done.problem

    def test_an_acceptance_that_only_the_database_knows_is_no_acceptance(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        with transaction.atomic():
            job = accept(awaiting, approver)
            (accepted,) = HistoryEntry.objects.filter(event="submission.accepted").values_list(
                "detail", flat=True
            )
            calls = list(job.list_current_calls().values())
            transaction.set_rollback(True)
        row = {field.attname: getattr(job, field.attname) for field in ExportJob._meta.fields}
        now = timezone.now()
        with transaction.atomic():
            Submission.objects.filter(pk=awaiting.pk).update(
                status="accepted", decided_by=approver, decided_at=now
            )
            forged = ExportJob.objects.create(**{**row, "id": None, "created_at": now, "not_before": now})
        for call in calls:
            ExportCall.objects.create(**{**call, "id": None, "job_id": forged.pk})
        del accepted["signed"]
        write_acceptance(forged, approver, **{**accepted, "round": 1})
        delivered(forged)
        assert is_returned(forged, signing.NOT_SIGNED)
        assert sent(simulator, forged) == []
        (mail,) = OutgoingEmail.objects.filter(to_address=approver.email)
        assert "nobody has signed that it was accepted" in mail.text_body
        assert "Ask your database administrator" in mail.text_body

    def test_nor_is_it_with_the_signature_of_another_one(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        submissions.undo(submission=queued.submission, by=approver)
        again = accept(Submission.objects.get(pk=queued.submission_id), approver)
        signed = HistoryEntry.objects.filter(event="submission.accepted").first()
        assert signed is not None
        ExportJob.objects.filter(pk=again.pk).update(plan_round=2)
        again.calls.update(plan_round=2)
        write_acceptance(again, approver, round=2, signed=signed.detail["signed"])
        done = delivered(again)
        assert sent(simulator, again) == []
        assert done.status in (JobStatus.FAILED, JobStatus.CANCELLED)

    @pytest.mark.parametrize("column", ["basis_hash", "vendor_code", "erp_id"])
    def test_what_is_stored_of_it_is_what_was_signed(
        self, simulator: Simulator, queued: ExportJob, column: str
    ) -> None:
        ExportJob.objects.filter(pk=queued.pk).update(**{column: "OTHER"})
        done = delivered(queued)
        assert done.status == JobStatus.FAILED
        assert not simulator.records()

    def test_the_person_who_is_asked_for_the_right_is_the_one_who_signed(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        other = ApproverFactory(company=queued.submission.company)
        CompanyMembership.objects.filter(user=approver).update(can_push_to_accounting=False)
        Submission.objects.filter(pk=queued.submission_id).update(decided_by=other)
        delivered(queued)
        assert is_returned(queued, signing.NOT_SIGNED)
        assert sent(simulator, queued) == []

    def test_an_acceptance_that_was_undone_does_not_come_back_by_sql(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        submissions.undo(submission=queued.submission, by=approver)
        with transaction.atomic():
            Submission.objects.filter(pk=queued.submission_id).update(
                status="accepted", decided_by=approver, decided_at=timezone.now()
            )
            ExportJob.objects.filter(pk=queued.pk).update(status="queued", not_before=timezone.now())
        done = delivered(queued)
        assert (done.status, sent(simulator, queued)) == (JobStatus.FAILED, [])
        assert signing.ACCEPTANCE_ENDED in done.problem

    def test_nor_does_one_after_which_another_came(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        ExportJob.objects.filter(pk=queued.pk).update(status="failed")
        failed = of(queued)
        again = submissions.accept_again(
            submission=failed.submission,
            by=approver,
            expected_hash=failed.basis_hash,
            erp_id="ANOTHER",
            number_looked_up=True,
        )
        ExportJob.objects.filter(pk=again.pk).update(plan_round=1, erp_id=failed.erp_id)
        done = delivered(again)
        assert (done.status, sent(simulator, failed)) == (JobStatus.FAILED, [])
        assert signing.ACCEPTANCE_ENDED in done.problem

    def test_resume_signs_no_plan_that_somebody_put_in(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        job = incomplete_at(simulator, queued, line=1)
        ExportCall.objects.filter(job=job).update(plan_round=2)
        ExportJob.objects.filter(pk=job.pk).update(plan_round=2)
        write_acceptance(job, approver, round=2, calls=make_dearer(of(job)))
        ExportJob.objects.filter(pk=job.pk).update(quiet_until=None)
        submissions.resume(submission=of(job).submission, by=approver, expected_version=job.attempt)
        before = len(sent(simulator, job))
        done = delivered(job)
        assert (done.status, done.not_before) == (JobStatus.INCOMPLETE, None)
        assert signing.CONTENT_CHANGED in done.problem or signing.NOT_SIGNED in done.problem
        assert len(sent(simulator, job)) == before

    def test_what_a_resume_binds_of_the_connection_is_signed_too(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        job = incomplete_at(simulator, queued, line=1)
        ExportJob.objects.filter(pk=job.pk).update(quiet_until=None)
        submissions.resume(submission=of(job).submission, by=approver, expected_version=job.attempt)
        # Blank is what the settings of an older acceptance are: they would be asked no more.
        by_sql("UPDATE erp_integrations_exportjob SET wire_hash = '' WHERE id = %s", job.pk)
        before = len(sent(simulator, job))
        done = delivered(job)
        assert (done.status, done.not_before) == (JobStatus.INCOMPLETE, None)
        assert signing.CONTENT_CHANGED in done.problem
        assert len(sent(simulator, job)) == before

    def test_after_such_a_stop_an_approver_accepts_anew_and_that_is_exported(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        write_acceptance(queued, approver, calls=make_dearer(queued))
        stopped = delivered(queued)
        basis_hash = stopped.basis_hash
        submissions.accept_again(
            submission=stopped.submission, by=approver, expected_hash=basis_hash, erp_id=stopped.erp_id
        )
        done = delivered(stopped)
        assert (done.status, done.problem) == (JobStatus.SYNCED, "")
        (record,) = simulator.records()
        assert {line["Original_Contract_Amount"] for line in record["lines"]} == {"1000.00"}


class TestTheProof:
    """`verify_history` says it too, of a history that is whole."""

    def verified(self) -> str:
        sealing.seal_new_entries()
        out = io.StringIO()
        with suppress(CommandError):
            call_command("verify_history", stdout=out)
        return out.getvalue()

    def test_what_was_accepted_retried_and_resumed_holds(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        job = incomplete_at(simulator, queued, line=1)
        ExportJob.objects.filter(pk=job.pk).update(quiet_until=None)
        submissions.resume(submission=job.submission, by=approver, expected_version=job.attempt)
        assert delivered(job).status == JobStatus.SYNCED
        assert "The history holds." in self.verified()

    def test_a_second_acceptance_is_named(self, queued: ExportJob, approver: User) -> None:
        write_acceptance(queued, approver)
        first, second = HistoryEntry.objects.filter(event="submission.accepted").order_by("pk")
        told = f"IMPOSSIBLE: entry {second.pk}: export {queued.pk} was accepted already by entry {first.pk}."
        assert told in self.verified()

    def test_an_acceptance_that_nobody_signed_is_named(self, queued: ExportJob, approver: User) -> None:
        write_acceptance(queued, approver, round=2, signed={})
        assert "nobody has signed this submission.accepted" in self.verified()


class TestGrants:
    @pytest.fixture
    def friend(self, awaiting: Submission) -> CompanyMembership:
        return ViewerFactory(company=awaiting.company).company_memberships.get()

    def test_a_privilege_that_came_by_sql_with_a_grant_of_2020_exports_nothing(
        self, simulator: Simulator, awaiting: Submission, friend: CompanyMembership, approver: User
    ) -> None:
        by_sql(
            "INSERT INTO directory_historyentry "
            "(id, at, company_id, by_id, event, subject_type, subject_id, detail) VALUES (1, '2020-01-01', "
            "%s, %s, 'privilege.granted', 'directory.companymembership', %s, %s)",
            awaiting.company_id,
            approver.pk,
            friend.pk,
            json.dumps({"user": friend.user_id, "reason": "Always was."}),
        )
        by_sql(
            "UPDATE directory_companymembership SET can_push_to_accounting = true WHERE id = %s", friend.pk
        )
        with pytest.raises(RightMissing, match="was not granted in Ledgergate"):
            accept(awaiting, friend.user)
        assert not ExportJob.objects.exists()
        entry = HistoryEntry.objects.get(event="privilege.granted")
        assert (entry.pk > 1, entry.at.year > 2020) == (True, True)

    @pytest.fixture
    def granted(self, friend: CompanyMembership) -> CompanyMembership:
        staff = PrivilegeAdminFactory()
        join_company(staff, friend.company)
        memberships.grant_push_to_accounting(membership=friend, by=staff, reason="New controller.")
        friend.refresh_from_db()
        return friend

    def test_what_was_granted_by_the_product_exports(
        self, simulator: Simulator, awaiting: Submission, granted: CompanyMembership
    ) -> None:
        assert delivered(accept(awaiting, granted.user)).status == JobStatus.SYNCED

    def test_a_grant_that_was_revoked_does_not_come_back_by_sql(
        self, simulator: Simulator, awaiting: Submission, granted: CompanyMembership, approver: User
    ) -> None:
        job = accept(awaiting, granted.user)
        staff = PrivilegeAdminFactory()
        memberships.revoke_push_to_accounting(membership=granted, by=staff, reason="Left.")
        CompanyMembership.objects.filter(pk=granted.pk).update(
            can_push_to_accounting=True, signed_grant=granted.signed_grant
        )
        delivered(job)
        assert is_returned(job, signing.NOT_GRANTED)
        assert sent(simulator, job) == []
        mails = OutgoingEmail.objects.filter(to_address=approver.email).values_list("text_body", flat=True)
        assert any("nobody has signed that its approver may push to accounting" in mail for mail in mails)
        with pytest.raises(RightMissing, match="reappeared after it ended"):
            accept(Submission.objects.get(pk=awaiting.pk), granted.user)

    def test_a_grant_is_of_the_person_to_whom_it_was_given(
        self, awaiting: Submission, granted: CompanyMembership
    ) -> None:
        other = ViewerFactory(company=awaiting.company)
        CompanyMembership.objects.filter(user=other).update(
            can_push_to_accounting=True, signed_grant=granted.signed_grant
        )
        with pytest.raises(RightMissing, match="was not granted in Ledgergate"):
            accept(awaiting, other)

    def test_what_was_granted_and_revoked_is_granted_again(
        self, simulator: Simulator, awaiting: Submission, granted: CompanyMembership
    ) -> None:
        staff = PrivilegeAdminFactory()
        memberships.revoke_push_to_accounting(membership=granted, by=staff, reason="Left.")
        memberships.grant_push_to_accounting(membership=granted, by=staff, reason="Is back.")
        assert delivered(accept(awaiting, granted.user)).status == JobStatus.SYNCED


class TestKeys:
    def test_an_old_key_still_verifies(
        self, simulator: Simulator, queued: ExportJob, settings: Settings
    ) -> None:
        new = checkpoints.create_private_key()
        settings.DECISION_SIGNING_KEY = new
        settings.DECISION_PUBLIC_KEYS = [checkpoints.get_public_key(new), *settings.DECISION_PUBLIC_KEYS]
        assert delivered(queued).status == JobStatus.SYNCED

    def test_a_key_that_is_believed_no_more_returns_what_it_signed(
        self, simulator: Simulator, queued: ExportJob, settings: Settings
    ) -> None:
        settings.DECISION_PUBLIC_KEYS = [checkpoints.get_public_key(checkpoints.create_private_key())]
        delivered(queued)
        assert is_returned(queued, signing.NOT_SIGNED)

    def test_a_process_without_the_key_accepts_nothing(
        self, awaiting: Submission, approver: User, settings: Settings
    ) -> None:
        settings.DECISION_SIGNING_KEY = ""
        with pytest.raises(checkpoints.InvalidKey):
            accept(awaiting, approver)
        assert Submission.objects.get().status == SubmissionStatus.AWAITING

    @pytest.mark.parametrize(
        "told", [None, {}, [], "signed", {"statement": {}}, {"statement": {}, "signature": "AAAA"}]
    )
    def test_what_is_no_signature_is_none(self, told: Any) -> None:
        assert signatures.find_signed_statement(told) is None


def test_what_an_operator_lets_go_on_is_what_was_signed(simulator: Simulator, queued: ExportJob) -> None:
    job = incomplete_at(simulator, queued, line=1)
    ExportJob.objects.filter(pk=job.pk).update(quiet_until=None)
    submissions.resume(submission=job.submission, by=None, expected_version=job.attempt)
    assert "signed" not in HistoryEntry.objects.get(event="export.resumed").detail
    due_now(job)
    assert delivered(job).status == JobStatus.SYNCED
