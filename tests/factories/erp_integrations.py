"""Links to the ERP, and commitments on their way there."""

from datetime import UTC, datetime
from typing import Any

from django.db.models.functions import Now
from factory.declarations import LazyFunction, SelfAttribute, Sequence, SubFactory, Trait
from factory.helpers import post_generation

from commitments.locks import set_accounting_status
from commitments.models import Badge, Commitment, Lock
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.models import (
    CallState,
    Connection,
    Drift,
    ExportJob,
    JobLink,
    JobStatus,
    Reconciliation,
    ReconciliationStatus,
    Submission,
    VendorLink,
    Verification,
)
from erp_integrations.reconciliation import drift
from local.demo.numbers import send_with_any_number
from tests.factories.base import ModelFactory
from tests.factories.commitments import CommitmentFactory, ContractCompanyFactory
from tests.factories.directory import ApproverFactory, CompanyFactory, ProjectAdminFactory, ProjectFactory

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2100, 1, 1, tzinfo=UTC)


class ConnectionFactory(ModelFactory[Connection]):
    """A Spectrum company on the server that the tests' settings name."""

    class Meta:
        model = Connection
        skip_postgeneration_save = True

    company = SubFactory(CompanyFactory)
    name = Sequence(lambda number: f"Spectrum {number}")
    server = "simulator"
    company_code = Sequence(lambda number: f"{number % 1000:03}")
    general_ledger_account = "500100"

    @post_generation
    def settings(self: Connection, create: bool, extracted: dict[str, Any] | None, **kwargs: Any) -> None:
        """The site's readings, where a test wants others than these."""
        usual = {"success_rule": "no_error_row", "unit_price_codes": "U", "job_price_codes": "J"}
        for name, value in (usual | kwargs).items():
            setattr(self.settings, name, value)
        self.settings.save()

    @post_generation
    def credentials(self: Connection, create: bool, extracted: dict[str, Any] | None, **kwargs: Any) -> None:
        """With what it is let in."""
        for name, value in ({"authorization_id": "an-authorization-id"} | kwargs).items():
            setattr(self.credentials, name, value)
        self.credentials.save()

    @post_generation
    def state(self: Connection, create: bool, extracted: dict[str, Any] | None, **kwargs: Any) -> None:
        """What ails it, where a test wants that."""
        for name, value in kwargs.items():
            setattr(self.state, name, value)
        self.state.save()


class JobLinkFactory(ModelFactory[JobLink]):
    """A project's job in Spectrum."""

    class Meta:
        model = JobLink

    project = SubFactory(ProjectFactory)
    connection = SubFactory(ConnectionFactory, company=SelfAttribute("..project.company"))
    job_number = Sequence(lambda number: f"J{number}")


class VendorLinkFactory(ModelFactory[VendorLink]):
    """A contract company's vendor in Spectrum."""

    class Meta:
        model = VendorLink

    contract_company = SubFactory(ContractCompanyFactory)
    connection = SubFactory(ConnectionFactory, company=SelfAttribute("..contract_company.company"))
    vendor_code = Sequence(lambda number: f"V{number}")


def link_to_erp(commitment: Commitment) -> Connection:
    """Make sure that its project is linked to a job and its contract company to a vendor."""
    company = commitment.project.company
    job = JobLink.objects.filter(project=commitment.project).select_related("connection").first()
    if job is None:
        connection = company.connections.first() or ConnectionFactory(company=company)
        job = JobLinkFactory(project=commitment.project, connection=connection)
    if not VendorLink.objects.filter(
        connection=job.connection, contract_company=commitment.contract_company
    ).exists():
        VendorLinkFactory(connection=job.connection, contract_company=commitment.contract_company)
    return job.connection


class ReadyCommitmentFactory(CommitmentFactory):
    """An approved commitment with its links: nothing stands in the way of Send to ERP."""

    status = "approved"

    @post_generation
    def links(self: Commitment, create: bool, extracted: Any, **kwargs: Any) -> None:
        """Vendor and job."""
        link_to_erp(self)


_APPROVER = SubFactory(ApproverFactory, company=SelfAttribute("..commitment.project.company"))


class SubmissionFactory(ModelFactory[Submission]):
    """A commitment that was sent by a project admin, and awaits accounting.

    The traits go on from there: ``retrieved`` by the sender, ``rejected`` with ``reason`` or
    ``accepted`` by ``approver``. Its commitment is in step: ``submission.commitment``.
    """

    class Meta:
        model = Submission

    class Params:
        retrieved = Trait(then="retrieved")
        rejected = Trait(then="rejected", approver=_APPROVER)
        accepted = Trait(then="accepted", approver=_APPROVER)

    commitment = SubFactory(ReadyCommitmentFactory)
    sent_by = SubFactory(ProjectAdminFactory, project=SelfAttribute("..commitment.project"))
    approver = None
    reason = "The cost code of line 2 is wrong."
    note = ""
    then = ""

    @classmethod
    def _create(cls, model_class: type[Submission], *args: Any, **kwargs: Any) -> Submission:
        approver = kwargs["approver"]
        submission = send_with_any_number(kwargs["commitment"], kwargs["sent_by"])
        match kwargs["then"]:
            case "retrieved":
                submissions.retrieve_from_erp(commitment=submission.commitment, by=kwargs["sent_by"])
            case "rejected":
                submissions.reject(submission=submission, by=approver, reason=kwargs["reason"])
            case "accepted":
                basis = build_basis(submission.document)
                submissions.accept(
                    submission=submission,
                    by=approver,
                    expected_hash=basis.hash,
                    erp_id=basis.proposed_erp_id,
                    note=kwargs["note"],
                )
        kwargs["commitment"].refresh_from_db()
        return Submission.objects.select_related("company", "project", "commitment").get(pk=submission.pk)


class ExportJobFactory(ModelFactory[ExportJob]):
    """The delivery of an accepted submission, queued; the traits leave it as a worker would."""

    class Meta:
        model = ExportJob

    class Params:
        exporting = Trait(status=JobStatus.EXPORTING, attempt=1, tries=1, lease_until=FAR_AHEAD)
        abandoned = Trait(status=JobStatus.EXPORTING, attempt=1, tries=1, lease_until=LONG_AGO)
        synced = Trait(
            status=JobStatus.SYNCED,
            attempt=1,
            tries=1,
            synced_at=Now(),
            verification=Verification.NOT_CONFIGURED,
        )
        matching = Trait(synced=True, verification=Verification.MATCH, verified_at=Now())
        differing = Trait(
            synced=True,
            verification=Verification.DIFFERS,
            verified_at=Now(),
            differences=[{"title": "Line 2", "name": "Unit_Price", "sent": "12.5000", "stored": "0"}],
        )
        absent = Trait(synced=True, verification=Verification.ABSENT, verified_at=Now())
        failed = Trait(
            status=JobStatus.FAILED, attempt=1, tries=1, problem="Subcontract: Vendor_Code: V1 is not active."
        )
        incomplete = Trait(
            status=JobStatus.INCOMPLETE,
            attempt=1,
            tries=1,
            not_before=None,
            problem="Line 2: Phase_Code: 0330000 is closed.",
        )
        unknown = Trait(
            status=JobStatus.UNKNOWN,
            attempt=1,
            tries=1,
            unknown_since=Now(),
            quiet_until=FAR_AHEAD,
            not_before=FAR_AHEAD,
            problem="Subcontract: no answer within 60 seconds.",
        )

    submission = SubFactory(SubmissionFactory, accepted=True)

    @classmethod
    def _create(cls, model_class: type[ExportJob], *args: Any, **kwargs: Any) -> ExportJob:
        submission: Submission = kwargs.pop("submission")
        job = submission.jobs.current().get()
        for name, value in kwargs.items():
            setattr(job, name, value)
        job.save()
        written, last = _CALLS.get(job.status, (False, None))
        first = job.list_current_calls()[0]
        if last is not None:
            stopped = job.list_current_calls().reverse()[0] if written else first
            job.calls.filter(pk=stopped.pk).update(state=last)
        if job.status == JobStatus.SYNCED:
            job.calls.update(state=CallState.WRITTEN)
        elif written:
            job.calls.filter(pk=first.pk).update(state=CallState.WRITTEN)
        erp_id = job.erp_id if job.status == JobStatus.SYNCED else None
        lock = Lock.EXPORTED if job.status == JobStatus.SYNCED else None
        set_accounting_status(submission.commitment, badge=_BADGES[job.status], lock=lock, erp_id=erp_id)
        return ExportJob.objects.select_related("submission__commitment", "connection").get(pk=job.pk)


def _drifted(
    kind: str, title: str, name: str, exported: str, now: str, value_kind: str = "text"
) -> dict[str, str]:
    values = {"exported": exported, "now": now, "value_kind": value_kind}
    return {"kind": kind, "title": title, "name": name, **values}


class DriftFactory(ModelFactory[Drift]):
    """A synced commitment of which one field is another one in Spectrum now.

    ``findings`` or the traits make it another drift; ``compared`` is how many its connection compared.
    """

    class Meta:
        model = Drift

    class Params:
        missing = Trait(findings=[_drifted("missing", "Subcontract", "", "SC-1", "nothing")])
        extra_lines = Trait(
            findings=[_drifted("extra-lines", "Another line", "", "nothing", "0990000 S, 5.00")]
        )
        changed_here = Trait(
            findings=[_drifted("changed-here", "Commitment", "Trade", "Concrete", "Painting")]
        )

    job = SubFactory(ExportJobFactory, differing=True)
    findings = LazyFunction(
        lambda: [_drifted("changed", "Line 2", "Unit_Price", "12.5000", "0.0000", value_kind="number")]
    )

    @classmethod
    def _create(cls, model_class: type[Drift], *args: Any, **kwargs: Any) -> Drift:
        job: ExportJob = kwargs["job"]
        kwargs["kinds"] = drift.list_kinds(kwargs["findings"])
        return super()._create(
            model_class, *args, submission=job.submission, company=job.submission.company, **kwargs
        )


class ReconciliationFactory(ModelFactory[Reconciliation]):
    """A run that compared everything."""

    class Meta:
        model = Reconciliation

    connection = SubFactory(ConnectionFactory)
    status = ReconciliationStatus.FINISHED
    compared = 1204
    to_compare = 1204
    started_at = Now()
    ended_at = Now()


# Whether the header is written, and what became of the call at which it stopped.
_CALLS: dict[str, tuple[bool, CallState]] = {
    JobStatus.FAILED: (False, CallState.REFUSED),
    JobStatus.INCOMPLETE: (True, CallState.REFUSED),
    JobStatus.UNKNOWN: (False, CallState.UNKNOWN),
}
_BADGES: dict[str, Badge] = {
    JobStatus.QUEUED: Badge.EXPORTING,
    JobStatus.EXPORTING: Badge.EXPORTING,
    JobStatus.SYNCED: Badge.SYNCED,
    JobStatus.FAILED: Badge.FAILED,
    JobStatus.INCOMPLETE: Badge.NEEDS_ATTENTION,
    JobStatus.UNKNOWN: Badge.NEEDS_ATTENTION,
}
