"""Running commitments: what stands in Spectrum comes in as it stands there, and is never written from here.

Nobody decides to write anything, so that nothing is signed: an export that was taken over is synced from its
first moment and can't be anything else, which the database holds
(docs/decisions/0049-what-was-taken-over-is-never-exported.md).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from commitments.events import CommitmentEvent
from commitments.models import Badge, Commitment, CostCode, CostType, Kind, LineItem, Lock
from directory import history
from directory.db.leases import stopping
from directory.models import Project
from erp_integrations import snapshots
from erp_integrations.adapters.base import Contract, Key, Match, Mismatch, StoredRecord, Unavailable
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.checks.moved_records import find_owners
from erp_integrations.confirmations import subjects
from erp_integrations.confirmations.subjects import Subject
from erp_integrations.events import ErpEvent
from erp_integrations.exports.existing_record import format_differences
from erp_integrations.links import take_over
from erp_integrations.links.take_over import HERE, LEFT, MADE, PlannedRow, is_chosen
from erp_integrations.models import (
    CallState,
    Connection,
    ErpIdHold,
    ExportCall,
    ExportJob,
    JobLink,
    JobStatus,
    Submission,
    TakeOver,
    TakeOverStatus,
    UnconfirmedChange,
    VendorLink,
    Verification,
)
from erp_integrations.reconciliation.comparison import save_billing
from erp_integrations.snapshots import build_document, hash_content
from erp_integrations.submissions.accepting import build_stored_calls
from erp_integrations.submissions.sending import build_submission

JOBS_AT_ONCE = 10
PLACES = {"quantity": Decimal("0.0001"), "unit_cost": Decimal("0.000001"), "amount": Decimal("0.01")}


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A record that comes in, and what is stored of it."""

    contract: Contract
    record_hash: str
    verdict: Match
    commitment: Commitment
    lines: list[LineItem]


def find_running_obstacle(connection: Connection) -> str:
    """Why nothing may come in now, as a sentence."""
    if not connection.has_read_back:
        return "Spectrum's subcontracts are read through Info-Link, which this connection does not have."
    if connection.paused_at:
        return "The connection is paused. After a restored backup nobody knows what in Spectrum is ours."
    return take_over.find_obstacle(connection)


def look_or_adopt(claimed: TakeOver) -> None:
    """See what would come in, or bring in what a look has shown, as it was shown.

    Job by job, so that a worker that ends in between leaves whole commitments, and the next one finds them
    here. Raises LeaseLost.
    """
    adapter, references = get_adapter(claimed.connection), References(claimed)
    found_now = TakeOver()
    jobs = sorted(each for each in references.projects if is_chosen(each, claimed.job_numbers))
    for start in range(0, len(jobs), JOBS_AT_ONCE):
        if stopping.is_set():
            return
        found = adapter.list_job_records(jobs[start : start + JOBS_AT_ONCE])
        if isinstance(found, Unavailable):
            claimed.status, claimed.problem = TakeOverStatus.STOPPED, found.reason
            return
        rows = list(references.list_rows(found))
        if references.takes:
            store_synced(claimed, [newcomer for _, newcomer in rows if newcomer])
        for row, _ in rows:
            take_over.add_row(found_now, row)
        claimed.report = {"running commitments": len(found_now.shown)} if references.takes else {}
        TakeOver.objects.renew(claimed, report=claimed.report)
    claimed.plan, claimed.shown = found_now.plan, [] if references.takes else found_now.shown
    claimed.status = TakeOverStatus.DONE if references.takes else TakeOverStatus.SHOWN


class Left(Exception):
    """A record does not come in; the text says why."""


class References:
    """By Spectrum's codes, in upper case, what of ours they are; and what a turn makes of records."""

    def __init__(self, wanted: TakeOver) -> None:
        connection = wanted.connection
        self.wanted, self.connection, self.adapter = wanted, connection, get_adapter(connection)
        self.takes, self.shown = wanted.status == TakeOverStatus.TAKING, set(wanted.shown)
        links = VendorLink.objects.filter(connection=connection).select_related("contract_company")
        links = links.order_by("-pk")
        self.vendors = {each.vendor_code.strip().upper(): each.contract_company for each in links}
        self.projects: defaultdict[str, list[Project]] = defaultdict(list)
        for link in JobLink.objects.filter(connection=connection).select_related("project__company"):
            self.projects[link.job_number.strip().upper()].append(link.project)
        types = CostType.objects.filter(company=connection.company)
        self.cost_types = {each.code.upper(): each for each in types}
        changes = UnconfirmedChange.objects.filter(company=connection.company)
        self.unconfirmed = set(changes.values_list("subject", flat=True))

    def list_rows(self, found: Mapping[Key, StoredRecord]) -> Iterator[tuple[PlannedRow, Newcomer | None]]:
        """Each record that was chosen, and how it is stored where it comes in now. Four queries."""
        jobs = {record.job_number.strip().upper() for record in found.values()}
        projects = [project for job in jobs for project in self.projects[job]]
        self.cost_codes = {
            (each.project_id, self.adapter.get_phase_code(each.code)): each
            for each in CostCode.objects.filter(project__in=projects).order_by("-pk")
        }
        commitments = Commitment.objects.filter(project__in=projects, kind=Kind.SUBCONTRACT)
        self.locks = {
            (project, number.upper()): lock
            for project, number, lock in commitments.values_list("project", "number", "lock")
        }
        holds = ErpIdHold.objects.filter(connection=self.connection, erp_id__in={key.erp_id for key in found})
        self.here = {self.adapter.build_key(*codes) for codes in holds.values_list("vendor_code", "erp_id")}
        self.owners = find_owners(self.connection, found.keys())
        for key in sorted(found, key=str):
            if is_chosen(key.erp_id, self.wanted.subcontract_numbers):
                yield self.build_row(key, found[key])

    def build_row(self, key: Key, record: StoredRecord) -> tuple[PlannedRow, Newcomer | None]:
        row, newcomer = PlannedRow("Subcontracts", key.erp_id, key.vendor_code, LEFT), None
        try:
            contract = self.adapter.parse_contract(key, record)
            content = hash_content([call.hash for call in contract.calls])
            row = replace(row, amount=contract.amount, content=content)
            was_shown = self.takes and row.stamp in self.shown
            if key in self.here:
                # What was shown to come in and is here by now came in before a worker ended.
                return replace(row, outcome=MADE if was_shown else HERE), None
            newcomer = self.build_newcomer(contract, record)
            if self.takes and not was_shown:
                raise Left("Nobody was shown it as it is now. Look again")
        except Left as left:
            return replace(row, reason=str(left)), None
        except ValueError as error:
            return replace(row, reason=f"It can't be read: {error}"), None
        return replace(row, outcome=MADE), newcomer

    def build_newcomer(self, contract: Contract, record: StoredRecord) -> Newcomer:
        """Raises Left where something that it names is not ours."""
        key, projects = contract.key, self.projects[contract.job_number.upper()]
        vendor = self.vendors.get(key.vendor_code)
        total = sum((line.amount or Decimal(0) for line in contract.lines), Decimal(0))
        if contract.status and not self.wanted.with_inactive:
            raise Left(f"{contract.status} in Spectrum")
        if key in self.owners:
            raise Left("A commitment here may have written it. Settle that one first")
        if vendor is None:
            raise Left(f"Vendor {key.vendor_code} is not linked")
        if len(projects) != 1:
            raise Left(f"Job {contract.job_number} is linked to {len(projects)} projects")
        (project,) = projects
        on_vendor = Subject(subjects.Kind.VENDOR, self.connection.pk, str(vendor.pk))
        on_job = Subject(subjects.Kind.JOB, 0, str(project.pk))
        if self.unconfirmed & {str(on_vendor), str(on_job)}:
            raise Left("The link of its vendor or job waits for a second person")
        if not contract.lines or total != contract.amount:
            raise Left(f"Its lines come to {total:,.2f}, and its header says {contract.amount:,.2f}")
        if not 0 <= contract.retainage <= 100:
            raise Left(f"Its retention is {contract.retainage}")
        number = key.erp_id
        if self.locks.get((project.pk, number)) == Lock.EXPORTED:
            number = f"{number}-{key.vendor_code}"  # in Spectrum each vendor has numbers of its own
        if (project.pk, number) in self.locks:
            raise Left(f"The project has a commitment {number}. Send that one, and mark it as exported")
        commitment = Commitment(
            project=project,
            kind=Kind.SUBCONTRACT,
            number=number,
            title=contract.title or f"Subcontract {number}",
            status="complete" if contract.status == "Complete" else "approved",
            contract_company=vendor,
            trade=contract.trade,
            issue_date=contract.issue_date,
            default_retainage=contract.retainage.quantize(Decimal("0.01")),
            created_by=self.wanted.asked_by,
            lock=Lock.EXPORTED,
            badge=Badge.SYNCED,
            erp_id=key.erp_id,
        )
        lines = [self.build_line(commitment, line) for line in contract.lines]
        verdict = self.adapter.compare_record(contract.calls, record)
        if isinstance(verdict, Mismatch):
            raise Left(f"It would be compared as different: {format_differences(verdict.differences)}")
        self.locks[project.pk, number] = Lock.EXPORTED
        return Newcomer(contract, record.hash, verdict, commitment, lines)

    def build_line(self, commitment: Commitment, line: snapshots.LineItem) -> LineItem:
        """Raises Left."""
        figures = {
            name: None if (figure := getattr(line, name)) is None else figure.quantize(places)
            for name, places in PLACES.items()
        }
        cost_code = self.cost_codes.get((commitment.project_id, self.adapter.get_phase_code(line.cost_code)))
        cost_type = self.cost_types.get(line.cost_type.upper())
        if line.amount != figures["amount"]:
            raise Left(f"Line {line.position}: {line.amount} has parts of a cent")
        if cost_code is None:
            raise Left(
                f"Line {line.position}: phase {line.cost_code} is no cost code of {commitment.project}"
            )
        if cost_type is None:
            raise Left(f"Line {line.position}: cost type {line.cost_type} is not here")
        return LineItem(
            commitment=commitment,
            position=line.position,
            cost_code=cost_code,
            cost_type=cost_type,
            billing_item=line.billing_item,
            description=line.description,
            unit_of_measure=line.unit_of_measure,
            **figures,
        )


@transaction.atomic
def store_synced(claimed: TakeOver, newcomers: Sequence[Newcomer]) -> None:
    """Each with a submission that whoever pressed accepted, and a synced export. Raises LeaseLost."""
    TakeOver.objects.lock_own(claimed)
    connection, by, now = claimed.connection, claimed.asked_by, timezone.now()
    assert by is not None
    commitments = Commitment.objects.bulk_create(each.commitment for each in newcomers)
    LineItem.objects.bulk_create(line for each in newcomers for line in each.lines)
    submissions, jobs, holds = [], [], []
    for each in newcomers:
        key, document = each.contract.key, build_document(each.commitment, each.lines, attached=())
        names: dict[str, Any] = {"connection": connection, "vendor_code": key.vendor_code}
        names["erp_id"] = key.erp_id
        submission = build_submission(each.commitment, document, connection, by, total=document.total)
        submission.hands = [by.pk]
        submission.accept(by=by, at=now, note="", erp_id=key.erp_id)
        job = ExportJob(
            **names,
            submission=submission,
            status=JobStatus.SYNCED,
            basis_hash=each.record_hash,
            not_before=None,
            verification=Verification.MATCH,
            verified_at=now,
            synced_at=now,
            adopted=True,
            taken_over=True,
        )
        submissions.append(submission)
        jobs.append(job)
        holds.append(ErpIdHold(**names, commitment=each.commitment))
    Submission.objects.bulk_create(submissions)
    ExportJob.objects.bulk_create(jobs)
    ErpIdHold.objects.bulk_create(holds)
    ExportCall.objects.bulk_create(
        call
        for job, each in zip(jobs, newcomers, strict=True)
        for call in build_stored_calls(job, each.contract.calls, CallState.WRITTEN)
    )
    save_billing(jobs, [each.verdict for each in newcomers])
    whose: dict[str, Any] = {"by": by, "company": connection.company, "notifies": False}
    history.record_all(event=CommitmentEvent.COMMITMENT_CREATED, subjects=commitments, **whose)
    details = [
        {"job": job.pk, "erp_id": job.erp_id, "vendor_code": job.vendor_code, "record": job.basis_hash}
        for job in jobs
    ]
    event = ErpEvent.SUBMISSION_TAKEN_OVER
    history.record_all(event=event, subjects=submissions, details=details, **whose)
