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
from django.db.models.functions import Now
from django.utils import timezone

from commitments.events import CommitmentEvent
from commitments.models import Badge, Commitment, CostCode, CostType, Kind, LineItem, Lock
from directory import history
from directory.db.leases import stopping
from directory.models import HistoryEntry, Project, User
from directory.rights.permissions import can_push_to_accounting, require_push_to_accounting
from erp_integrations.adapters.base import (
    MAX_RECORDS_AT_ONCE,
    Contract,
    Key,
    Match,
    StoredRecord,
    Unavailable,
)
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.checks.moved_records import find_owners
from erp_integrations.confirmations import subjects
from erp_integrations.confirmations.subjects import Subject
from erp_integrations.events import ErpEvent
from erp_integrations.links.take_over import find_obstacle, is_chosen, lock_take_over
from erp_integrations.models import (
    CallState,
    Connection,
    ErpIdHold,
    ExportCall,
    ExportJob,
    JobLink,
    JobStatus,
    Submission,
    SubmissionStatus,
    TakeOver,
    TakeOverKind,
    TakeOverStatus,
    UnconfirmedChange,
    VendorLink,
    Verification,
)
from erp_integrations.reconciliation.comparison import save_billing
from erp_integrations.snapshots import SCHEMA_VERSION, build_document, hash_text, to_json
from erp_integrations.submissions.accepting import build_stored_calls
from erp_integrations.submissions.errors import Conflict, DecisionError

JOBS_AT_ONCE = 10
MOST_LISTED = 500
PLACES = {"quantity": "0.0001", "unit_cost": "0.000001", "amount": "0.01"}
FOUND, COMES_IN, HERE, LEFT = "found", "comes in", "here", "left"


def find_running_obstacle(connection: Connection) -> str:
    """Why nothing may come in now, as a sentence."""
    if not connection.has_read_back:
        return "Spectrum's subcontracts are read through Info-Link, which this connection does not have."
    if connection.paused_at:
        return "The connection is paused. After a restored backup nobody knows what in Spectrum is ours."
    return find_obstacle(connection)


@transaction.atomic
def ask_for_running_commitments(*, wanted: TakeOver, takes: bool, by: User) -> None:
    """Have a worker look, or bring in what it has shown. Raises RightMissing, DecisionError, Conflict."""
    connection, company = wanted.connection, wanted.connection.company
    require_push_to_accounting(by, company)
    row = lock_take_over(connection, TakeOverKind.COMMITMENTS)
    if obstacle := find_running_obstacle(connection):
        raise DecisionError(obstacle)
    if row.is_moving or (takes and row.status != TakeOverStatus.SHOWN):
        raise Conflict("A worker is at it, or nobody has looked since. Look at what is shown now.")
    row.status, row.asked_by, row.problem = TakeOverStatus.QUEUED, by, ""
    if takes:
        row.status = TakeOverStatus.TAKING
        detail = {"comes_in": row.report[COMES_IN]}
        event = ErpEvent.TAKE_OVER_ASKED_FOR
        history.record(event=event, subject=connection, by=by, company=company, detail=detail)
    else:
        for name in ("job_numbers", "subcontract_numbers", "with_inactive"):
            setattr(row, name, getattr(wanted, name))
        row.report = {}
    row.save()


def run_due_take_overs_of_commitments() -> int:
    """Look, or take over; how many were gone through."""
    count = 0
    while claimed := (
        TakeOver.objects.due(TakeOverKind.COMMITMENTS)
        .select_related("connection__company", "connection__settings", "asked_by")
        .claim()
    ):
        run_take_over_of_commitments(claimed)
        count += 1
    return count


def run_take_over_of_commitments(claimed: TakeOver) -> None:
    """Job by job, so that a worker that ends in between leaves whole commitments, and the next one finds them
    here. Raises LeaseLost.
    """
    connection, takes = claimed.connection, claimed.status == TakeOverStatus.TAKING
    report: dict[str, Any] = {each: [0, "0.00"] for each in (FOUND, COMES_IN, HERE, LEFT)}
    obstacle = find_running_obstacle(connection)
    assert claimed.asked_by is not None
    if not can_push_to_accounting(claimed.asked_by, connection.company):
        obstacle = "Whoever asked for it may not push to accounting any more."
    references = References(connection)
    earlier = find_taken_keys(connection) if takes else set()
    jobs = sorted(each for each in references.projects if is_chosen(each, claimed.job_numbers))
    for start in range(0, 0 if obstacle else len(jobs), JOBS_AT_ONCE):
        if stopping.is_set():
            TakeOver.objects.own(claimed).update(lease_until=None)
            return
        found = get_adapter(connection).list_job_records(jobs[start : start + JOBS_AT_ONCE])
        if isinstance(found, Unavailable):
            obstacle = found.reason
            break
        rows = list(build_rows(claimed, references, found))
        if takes:
            rows = create_commitments(claimed, rows)
        for row in rows:
            count_row(report, replace(row, outcome=COMES_IN) if row.key in earlier else row)
        TakeOver.objects.renew(claimed, report=report)
    ended = TakeOverStatus.DONE if takes else TakeOverStatus.SHOWN
    with transaction.atomic():
        TakeOver.objects.own(claimed).update(
            status=TakeOverStatus.STOPPED if obstacle else ended,
            problem=obstacle,
            lease_until=None,
            finished_at=Now(),
        )
        if takes and (count := report[COMES_IN][0]):
            event, company, counts = ErpEvent.TAKEN_OVER, connection.company, {"running commitments": count}
            history.record(
                event=event, subject=connection, by=None, company=company, detail={"counts": counts}
            )


def find_taken_keys(connection: Connection) -> set[Key]:
    """Of what came in by the last press, where a worker ended in between: the report tells of all of it."""
    asked = HistoryEntry.objects.about(connection).filter(event=ErpEvent.TAKE_OVER_ASKED_FOR).latest("pk")
    jobs = ExportJob.objects.filter(connection=connection, taken_over=True, synced_at__gte=asked.at)
    return {get_adapter(connection).build_key(*codes) for codes in jobs.values_list("vendor_code", "erp_id")}


@dataclass(frozen=True, slots=True)
class Row:
    """One record of Spectrum's. ``reason`` says why it is left; its ``commitment`` is not stored yet."""

    key: Key
    outcome: str
    amount: Decimal
    reason: str = ""
    contract: Contract | None = None
    record_hash: str = ""
    commitment: Commitment | None = None
    lines: tuple[LineItem, ...] = ()


def count_row(report: dict[str, Any], row: Row) -> None:
    for outcome in (FOUND, row.outcome):
        number, amount = report[outcome]
        report[outcome] = [number + 1, str(Decimal(amount) + row.amount)]
    listed = report.setdefault(f"{row.outcome} rows", [])
    if row.outcome != HERE and len(listed) < MOST_LISTED:
        listed.append([row.key.vendor_code, row.key.erp_id, str(row.amount), row.reason])


class References:
    """By Spectrum's codes, in upper case, what of ours they are."""

    def __init__(self, connection: Connection) -> None:
        self.company = connection.company
        self.get_phase_code = get_adapter(connection).get_phase_code
        links = (
            VendorLink.objects.filter(connection=connection)
            .select_related("contract_company")
            .order_by("-pk")
        )
        self.vendors = {each.vendor_code.strip().upper(): each.contract_company for each in links}
        self.projects: defaultdict[str, list[Project]] = defaultdict(list)
        for link in JobLink.objects.filter(connection=connection).select_related("project__company"):
            self.projects[link.job_number.strip().upper()].append(link.project)
        self.cost_types = {each.code.upper(): each for each in CostType.objects.filter(company=self.company)}
        changes = UnconfirmedChange.objects.filter(company=self.company)
        self.unconfirmed = set(changes.values_list("subject", flat=True))


def build_rows(wanted: TakeOver, references: References, found: Mapping[Key, StoredRecord]) -> Iterator[Row]:
    """Each record that was chosen. Four queries."""
    connection, adapter = wanted.connection, get_adapter(wanted.connection)
    jobs = {record.job_number.strip().upper() for record in found.values()}
    projects = [project for job in jobs for project in references.projects[job]]
    codes = CostCode.objects.filter(project__in=projects).order_by("-pk")
    cost_codes = {(each.project_id, references.get_phase_code(each.code)): each for each in codes}
    taken = {
        (project, number.upper()): lock
        for project, number, lock in Commitment.objects.filter(
            project__in=projects, kind=Kind.SUBCONTRACT
        ).values_list("project", "number", "lock")
    }
    holds = ErpIdHold.objects.filter(connection=connection, erp_id__in={key.erp_id for key in found})
    here = {adapter.build_key(*codes) for codes in holds.values_list("vendor_code", "erp_id")}
    owners = find_owners(connection, found.keys())
    for key in sorted(found, key=str):
        record = found[key]
        try:
            contract = adapter.parse_contract(key, record)
        except ValueError as error:
            yield Row(key, LEFT, Decimal(0), f"It can't be read: {error}")
            continue
        if not is_chosen(key.erp_id, wanted.subcontract_numbers):
            continue
        if key in here:
            yield Row(key, HERE, contract.amount)
        elif reason := find_reason(contract, wanted, references, cost_codes, owners):
            yield Row(key, LEFT, contract.amount, reason)
        else:
            (project,) = references.projects[contract.job_number.upper()]
            number = key.erp_id
            if taken.get((project.pk, number)) == Lock.EXPORTED:
                number = f"{number}-{key.vendor_code}"  # in Spectrum each vendor has numbers of its own
            if (project.pk, number) in taken:
                reason = f"The project has a commitment {number}. Send that one, and mark it as exported"
                yield Row(key, LEFT, contract.amount, reason)
                continue
            taken[project.pk, number] = Lock.EXPORTED
            commitment = Commitment(
                project=project,
                kind=Kind.SUBCONTRACT,
                number=number,
                title=contract.title or f"Subcontract {number}",
                status="complete" if contract.status == "Complete" else "approved",
                contract_company=references.vendors[key.vendor_code],
                trade=contract.trade,
                issue_date=contract.issue_date,
                default_retainage=contract.retainage.quantize(Decimal("0.01")),
                created_by=wanted.asked_by,
                lock=Lock.EXPORTED,
                badge=Badge.SYNCED,
                erp_id=key.erp_id,
            )
            lines = tuple(
                LineItem(
                    position=line.position,
                    cost_code=cost_codes[project.pk, references.get_phase_code(line.cost_code)],
                    cost_type=references.cost_types[line.cost_type.upper()],
                    billing_item=line.billing_item,
                    description=line.description,
                    unit_of_measure=line.unit_of_measure,
                    **{name: clean_figure(getattr(line, name), places) for name, places in PLACES.items()},
                )
                for line in contract.lines
            )
            yield Row(key, COMES_IN, contract.amount, "", contract, record.hash, commitment, lines)


def clean_figure(figure: Decimal | None, places: str) -> Decimal | None:
    return None if figure is None else figure.quantize(Decimal(places))


def find_reason(
    contract: Contract,
    wanted: TakeOver,
    references: References,
    cost_codes: Mapping[tuple[int, str], CostCode],
    owners: Mapping[Key, set[int]],
) -> str:
    """Why a record is left; blank where all that it names is ours."""
    key, connection = contract.key, wanted.connection
    vendor = references.vendors.get(key.vendor_code)
    projects = references.projects[contract.job_number.upper()]
    total = sum((line.amount or Decimal(0) for line in contract.lines), Decimal(0))
    if contract.status and not wanted.with_inactive:
        return f"{contract.status} in Spectrum"
    if key in owners:
        return "A commitment here may have written it. Settle that one first"
    if vendor is None:
        return f"Vendor {key.vendor_code} is not linked"
    if len(projects) != 1:
        return f"Job {contract.job_number} is linked to {len(projects)} projects"
    linked = (
        Subject(subjects.Kind.VENDOR, connection.pk, str(vendor.pk)),
        Subject(subjects.Kind.JOB, 0, str(projects[0].pk)),
    )
    if references.unconfirmed & set(map(str, linked)):
        return "The link of its vendor or job waits for a second person"
    if not contract.lines or total != contract.amount:
        return f"Its lines come to {total:,.2f}, and its header says {contract.amount:,.2f}"
    if not 0 <= contract.retainage <= 100:
        return f"Its retention is {contract.retainage}"
    for line in contract.lines:
        if line.amount != clean_figure(line.amount, PLACES["amount"]):
            return f"Line {line.position}: {line.amount} has parts of a cent"
        if (projects[0].pk, references.get_phase_code(line.cost_code)) not in cost_codes:
            return f"Line {line.position}: phase {line.cost_code} is no cost code of {projects[0]}"
        if line.cost_type.upper() not in references.cost_types:
            return f"Line {line.position}: cost type {line.cost_type} is not here"
    return ""


def create_commitments(claimed: TakeOver, rows: Sequence[Row]) -> list[Row]:
    """Store those that come in and read back as they are to be stored; all rows, as they turned out."""
    ended = [row for row in rows if row.outcome != COMES_IN]
    chosen = [row for row in rows if row.outcome == COMES_IN]
    adapter = get_adapter(claimed.connection)
    for start in range(0, len(chosen), MAX_RECORDS_AT_ONCE):
        batch = chosen[start : start + MAX_RECORDS_AT_ONCE]
        looks = adapter.verify_plans([row.contract.calls for row in batch if row.contract])
        matching = {row.key: look for row, look in zip(batch, looks, strict=True) if isinstance(look, Match)}
        stored = [row for row in batch if row.key in matching]
        with transaction.atomic():
            TakeOver.objects.lock_own(claimed)
            save_billing(store_synced(claimed, stored), list(matching.values()))
        changed = "It was changed in Spectrum while it was read. Look again"
        ended += stored
        ended += [replace(row, outcome=LEFT, reason=changed) for row in batch if row.key not in matching]
    return ended


def store_synced(claimed: TakeOver, rows: Sequence[Row]) -> list[ExportJob]:
    """The caller holds the take-over's lock."""
    connection, by, now = claimed.connection, claimed.asked_by, timezone.now()
    company = connection.company
    assert by is not None
    commitments = Commitment.objects.bulk_create(row.commitment for row in rows if row.commitment)
    for row, commitment in zip(rows, commitments, strict=True):
        for line in row.lines:
            line.commitment = commitment
    LineItem.objects.bulk_create(line for row in rows for line in row.lines)
    submissions, jobs = [], []
    for row, commitment in zip(rows, commitments, strict=True):
        snapshot = to_json(build_document(commitment, row.lines, attached=()))
        submissions.append(
            Submission(
                company=company,
                project=commitment.project,
                commitment=commitment,
                connection=connection,
                status=SubmissionStatus.ACCEPTED,
                snapshot=snapshot,
                snapshot_hash=hash_text(snapshot),
                schema_version=SCHEMA_VERSION,
                kind=commitment.kind,
                number=commitment.number,
                title=commitment.title,
                contract_company_name=str(commitment.contract_company),
                total=row.amount,
                sent_by=by,
                created_by=by,
                hands=[by.pk],
                decided_by=by,
                decided_at=now,
                erp_id=row.key.erp_id,
            )
        )
        jobs.append(
            ExportJob(
                submission=submissions[-1],
                connection=connection,
                status=JobStatus.SYNCED,
                vendor_code=row.key.vendor_code,
                erp_id=row.key.erp_id,
                basis_hash=row.record_hash,
                not_before=None,
                verification=Verification.MATCH,
                verified_at=now,
                synced_at=now,
                adopted=True,
                taken_over=True,
            )
        )
    Submission.objects.bulk_create(submissions)
    ExportJob.objects.bulk_create(jobs)
    ExportCall.objects.bulk_create(
        call
        for job, row in zip(jobs, rows, strict=True)
        for call in build_stored_calls(job, row.contract.calls if row.contract else (), CallState.WRITTEN)
    )
    ErpIdHold.objects.bulk_create(
        ErpIdHold(
            connection=connection,
            commitment=row.commitment,
            vendor_code=row.key.vendor_code,
            erp_id=row.key.erp_id,
        )
        for row in rows
    )
    history.record_all(
        event=CommitmentEvent.COMMITMENT_CREATED, subjects=commitments, by=by, company=company, notifies=False
    )
    details = [
        {"job": job.pk, "erp_id": job.erp_id, "vendor_code": job.vendor_code, "record": job.basis_hash}
        for job in jobs
    ]
    event = ErpEvent.SUBMISSION_TAKEN_OVER
    history.record_all(
        event=event, subjects=submissions, by=by, company=company, details=details, notifies=False
    )
    return jobs
