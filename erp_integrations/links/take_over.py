"""Take over from Spectrum: what its lists have and we lack is made, and linked to what it was made of.

Nobody types a name or a code here, so that what is new waits for no second person. What somebody typed
before is proposed as a link and never made a second time. All of it may be repeated: what is there is left.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now, Upper

from commitments.changes import Change
from commitments.events import CommitmentEvent
from commitments.models import ContractCompany, CostCode, CostType
from directory import history
from directory.history.events import DirectoryEvent, Event
from directory.models import HistoryEntry, Project, User
from directory.rights.permissions import can_administer_erp_integrations, require_administer_erp_integrations
from erp_integrations import wakeup
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.confirmations.subjects import Kind, Subject
from erp_integrations.events import ErpEvent
from erp_integrations.links.kinds import JOB, VENDOR, LinkKind
from erp_integrations.links.linking import LinkChanged, LinkError
from erp_integrations.master_data import syncing
from erp_integrations.models import (
    Connection,
    Job,
    JobLink,
    MastersPull,
    Phase,
    TakeOver,
    TakeOverKind,
    TakeOverStatus,
    UnconfirmedChange,
    Vendor,
    VendorLink,
)
from erp_integrations.models.master_data import PhaseState, VendorState
from erp_integrations.name_matching import get_comparable_name
from erp_integrations.snapshots import hash_content

MADE, PROPOSED, LEFT, HERE = "To be made", "To be linked by hand", "Left", "Linked already"
JOBS_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A vendor or job of Spectrum's, and the name of ours."""

    code: str
    name: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PlannedCostCodes:
    """A linked project's: what its job's phases have more, and what they no longer take."""

    project: Project
    made: list[CostCode]
    closed: list[CostCode]


def is_chosen(code: str, pattern: str) -> bool:
    """Blank is all; else one of its parts: a code, its beginning (``23*``), or ``2300 to 2399``."""
    parts = [part.strip().upper() for part in pattern.split(",") if part.strip()]
    return not parts or any(_is_in_part(code.strip().upper(), part) for part in parts)


def _is_in_part(code: str, part: str) -> bool:
    first, is_range, last = part.partition(" TO ")
    if is_range:
        return _build_sort_key(first) <= _build_sort_key(code) <= _build_sort_key(last)
    return code.startswith(part[:-1]) if part.endswith("*") else code == part


def _build_sort_key(code: str) -> list[tuple[int, str]]:
    """Figures by their value, whatever zeros are in front."""
    parts = re.findall(r"[0-9]+|[^0-9]+", code.strip())
    return [(int(part), "") if part[0] in "0123456789" else (-1, part) for part in parts]


def find_obstacle(connection: Connection) -> str:
    """Why nothing may be taken over now, as a sentence: these may be another company's lists."""
    sync = MastersPull.objects.filter(connection=connection).first()
    if sync is None or sync.vendors_at is None or sync.jobs_at is None:
        return "Spectrum's vendors and jobs have not been read yet. Sync master data first."
    if UnconfirmedChange.objects.filter(subject=str(Subject(Kind.CONNECTION, connection.pk))).exists():
        return "The connection's settings were changed. A second person confirms that first, in Settings."
    changes = HistoryEntry.objects.about(connection).filter(event=ErpEvent.CONNECTION_CHANGED)
    if changes.filter(at__gte=min(sync.vendors_at, sync.jobs_at)).exists():
        return "The connection's settings were changed since its lists were read. Sync master data first."
    return ""


def list_planned_links(kind: LinkKind, wanted: TakeOver) -> list[PlannedRow]:
    """Each vendor or job that was chosen. Four queries."""
    connection, adapter = wanted.connection, get_adapter(wanted.connection)
    company, pattern = connection.company, wanted.vendor_codes if kind is VENDOR else wanted.job_numbers
    link = kind.list_links(None, connection).filter(**{kind.owner_field: OuterRef("pk")})
    owners = kind.owner_model.objects.filter(company=company).annotate(is_linked=Exists(link))
    unlinked: dict[str, str] = {}
    exact: set[str] = set()
    alike: Counter[str] = Counter()
    for owner in owners:
        exact.add(owner.name)
        alike[_get_key(owner.name)] += 1
        if not owner.is_linked:
            names = (owner.name, getattr(owner, "number", "")) if kind is JOB else (owner.name,)
            unlinked |= dict.fromkeys(filter(None, map(_get_key, names)), owner.name)
    links = kind.model.objects.filter(connection=connection)
    linked = {code.strip().upper() for code in links.values_list(kind.code_field, flat=True)}
    records = kind.erp_model.objects.filter(connection=connection, gone_at=None).order_by(kind.erp_code)
    listed = list(records.values_list(kind.erp_code, kind.erp_name, "status"))
    alike.update(_get_key(name or code) for code, name, _ in listed if code.strip().upper() not in linked)
    states, rows = dict(kind.erp_model._meta.get_field("status").choices), []
    for code, name, status in listed:
        name = name or code
        if code.strip().upper() in linked:
            rows.append(PlannedRow(code, name, HERE))
            continue
        if not is_chosen(code, pattern):
            continue
        ours = name if alike[_get_key(name)] == 1 and name not in exact else f"{name[:160]} ({code})"
        typed = unlinked.get(_get_key(name)) or (unlinked.get(_get_key(code)) if kind is JOB else None)
        if status != VendorState.ACTIVE and not wanted.with_inactive:
            row = PlannedRow(code, name, LEFT, f"{states[status]} in Spectrum")
        elif complaint := adapter.describe_code_issue(code, kind.name):
            row = PlannedRow(code, name, LEFT, f"Its code {complaint}")
        elif typed:
            row = PlannedRow(code, name, PROPOSED, f"{typed} is here, and is not linked")
        elif ours in exact:
            row = PlannedRow(code, name, LEFT, f"{ours} is here, and is linked to another one")
        else:
            row = PlannedRow(code, ours, MADE, "" if ours == name else "Another one has this name")
            exact.add(ours)
        rows.append(row)
    return rows


def _get_key(name: str) -> str:
    return get_comparable_name(name) or name.strip().upper()


def list_planned_cost_codes(wanted: TakeOver) -> Iterator[PlannedCostCodes]:
    """Of each linked job that was chosen and whose phases were read; a few jobs at a time."""
    connection = wanted.connection
    get_phase_code = get_adapter(connection).get_phase_code
    jobs = Job.objects.filter(connection=connection, gone_at=None).exclude(phases_seen_at=None)
    numbers = {number.strip().upper(): pk for pk, number in jobs.values_list("pk", "number")}
    links = JobLink.objects.filter(connection=connection).select_related("project").order_by("job_number")
    chosen = [each for each in links if is_chosen(each.job_number, wanted.job_numbers)]
    projects = [(each.project, numbers.get(each.job_number.strip().upper())) for each in chosen]
    projects = [(project, job) for project, job in projects if job]
    for start in range(0, len(projects), JOBS_AT_ONCE):
        few = projects[start : start + JOBS_AT_ONCE]
        known: defaultdict[int, dict[str, CostCode]] = defaultdict(dict)
        for each in CostCode.objects.filter(project__in=[project for project, _ in few]):
            known[each.project_id][get_phase_code(each.code)] = each
        phases: defaultdict[int | None, defaultdict[str, list[Phase]]] = defaultdict(
            lambda: defaultdict(list)
        )
        rows = Phase.objects.filter(job__in=[job for _, job in few]).order_by("code", "cost_type")
        for phase in rows.only("job", "code", "description", "status", "gone_at"):
            phases[phase.job_id][phase.code.upper()].append(phase)
        for project, job in few:
            mine, theirs = known[project.pk], phases[job]
            made, closed = [], []
            for key, found in theirs.items():
                states = {phase.status for phase in found if phase.gone_at is None}
                if key in mine:
                    is_open = mine[key].closed_at is None
                    closed += [mine[key]] if is_open and not states - {PhaseState.COMPLETE} else []
                elif PhaseState.ACTIVE in states or (wanted.with_inactive and PhaseState.INACTIVE in states):
                    name = found[0].description or found[0].code
                    made.append(CostCode(project=project, code=found[0].code, name=name))
            yield PlannedCostCodes(project, made, closed)


def list_closed_vendors(connection: Connection) -> list[ContractCompany]:
    """Open ones all of whose vendors, on whatever connection, take nothing any more."""
    active = Vendor.objects.filter(
        connection=OuterRef("connection"), gone_at=None, status=VendorState.ACTIVE
    ).alias(normal=Upper("code"))
    links = VendorLink.objects.filter(contract_company=OuterRef("pk"))
    has_active = links.filter(Exists(active.filter(normal=Upper(OuterRef("vendor_code")))))
    companies = ContractCompany.objects.filter(company=connection.company, closed_at=None)
    return list(companies.filter(Exists(links.filter(connection=connection)), ~Exists(has_active)))


def build_stamp(plans: Iterable[Iterable[PlannedRow]]) -> str:
    """Another one as soon as something else would be made of the vendors and jobs."""
    return hash_content([[row.code, row.name] for rows in plans for row in rows if row.outcome == MADE])


@transaction.atomic
def ask_for_take_over(*, wanted: TakeOver, expected: str, by: User) -> None:
    """Have a worker make what the person was shown. Raises RightMissing, LinkError, LinkChanged."""
    connection = wanted.connection
    require_administer_erp_integrations(by, connection.company)
    row = lock_take_over(connection)
    if obstacle := find_obstacle(connection):
        raise LinkError(obstacle)
    if row.is_moving:
        raise LinkError("A take-over is under way. Wait until it is done.")
    if build_stamp(list_planned_links(kind, wanted) for kind in (VENDOR, JOB)) != expected:
        raise LinkChanged("what would be taken over", "It is as it is now")
    for name in ("vendor_codes", "job_numbers", "with_inactive"):
        setattr(row, name, getattr(wanted, name))
    row.status, row.asked_by, row.report, row.problem = TakeOverStatus.QUEUED, by, {}, ""
    row.save()
    detail = {name: str(getattr(row, name)) for name in ("vendor_codes", "job_numbers", "with_inactive")}
    event, company = ErpEvent.TAKE_OVER_ASKED_FOR, connection.company
    history.record(event=event, subject=connection, by=by, company=company, detail=detail)


@transaction.atomic
def set_take_over_rule(*, connection: Connection, takes_new: bool, closes: bool, by: User) -> None:
    """From the next reading on. Raises RightMissing."""
    require_administer_erp_integrations(by, connection.company)
    row = lock_take_over(connection)
    before = {"takes_new": row.takes_new, "closes": row.closes}
    row.takes_new, row.closes = takes_new, closes
    row.save(update_fields=["takes_new", "closes"])
    detail = {"before": before, "after": {"takes_new": takes_new, "closes": closes}}
    event, company = ErpEvent.TAKE_OVER_RULE_CHANGED, connection.company
    history.record(event=event, subject=connection, by=by, company=company, detail=detail)


def lock_take_over(connection: Connection, kind: TakeOverKind = TakeOverKind.LISTS) -> TakeOver:
    TakeOver.objects.get_or_create(connection=connection, kind=kind)
    return TakeOver.objects.select_for_update(of=("self",)).get(connection=connection, kind=kind)


def run_due_take_overs() -> int:
    """Make what was asked for, and what rules say of lists that have been read again; how many."""
    count = 0
    while (
        claimed := TakeOver.objects.due(TakeOverKind.LISTS)
        .select_related("connection__company", "asked_by")
        .claim(compared_at=Now())
    ):
        run_take_over(claimed)
        count += 1
    return count


def run_take_over(claimed: TakeOver) -> None:
    """Each list by itself, and each job's cost codes: what is made stays where a worker ends in between, and
    the next one makes the rest. Raises LeaseLost.
    """
    connection, company = claimed.connection, claimed.connection.company
    by = claimed.asked_by if claimed.is_moving else None
    takes_new = claimed.is_moving or claimed.takes_new
    problem = find_obstacle(connection)
    if by and not can_administer_erp_integrations(by, company):
        problem = "Whoever asked for it is no longer an ERP Integrations Admin."
    if problem:
        return end_take_over(claimed, TakeOverStatus.STOPPED, {}, problem)
    counts = Counter(claimed.report if claimed.is_moving else {})
    if takes_new:
        for kind in (VENDOR, JOB):
            with transaction.atomic():
                TakeOver.objects.lock_own(claimed)
                counts[kind.owners] += create_linked(kind, claimed, by)
        with transaction.atomic():
            counts["cost types"] += create_cost_types(connection, by)
    for planned in list_planned_cost_codes(claimed):
        with transaction.atomic():
            TakeOver.objects.renew(claimed, report=dict(counts))
            if takes_new:
                CostCode.objects.bulk_create(planned.made)
                event = CommitmentEvent.COST_CODE_CREATED
                history.record_all(event=event, subjects=planned.made, by=by, company=company)
                counts["cost codes"] += len(planned.made)
            if claimed.closes:
                counts["closed"] += close(planned.closed, CommitmentEvent.COST_CODE_CHANGED, claimed)
    if claimed.closes:
        with transaction.atomic():
            TakeOver.objects.lock_own(claimed)
            gone = list_closed_vendors(connection)
            counts["closed"] += close(gone, CommitmentEvent.CONTRACT_COMPANY_CHANGED, claimed)
    unread = syncing.list_linked_jobs(connection.pk).filter(phases_seen_at=None)
    if takes_new and claimed.status != TakeOverStatus.READING and unread.exists():
        TakeOver.objects.own(claimed).update(
            status=TakeOverStatus.READING, lease_until=None, asked_by=by, report=dict(counts)
        )
        syncing.requeue_sync(connection.pk)
        return wakeup.wake_sync(connection.pk)
    missing = ", ".join(unread.values_list("number", flat=True)[:20])
    problem = f"Without cost codes, as their phases could not be read: jobs {missing}." if missing else ""
    return end_take_over(claimed, TakeOverStatus.DONE, counts, problem)


@transaction.atomic
def end_take_over(claimed: TakeOver, status: TakeOverStatus, counts: Mapping[str, int], problem: str) -> None:
    """One entry tells, and is mailed, of all that was made, of which each has its own."""
    changes: dict[str, Any] = {"problem": problem} | ({"report": dict(counts)} if counts else {})
    if claimed.is_moving or any(counts.values()) or problem:
        changes |= {"status": status, "finished_at": Now()}
    TakeOver.objects.own(claimed).update(lease_until=None, **changes)
    if any(counts.values()):
        event, company, detail = ErpEvent.TAKEN_OVER, claimed.connection.company, {"counts": dict(counts)}
        history.record(event=event, subject=claimed.connection, by=None, company=company, detail=detail)


def create_linked(kind: LinkKind, wanted: TakeOver, by: User | None) -> int:
    """The caller holds the row's lock."""
    connection, company = wanted.connection, wanted.connection.company
    rows = [row for row in list_planned_links(kind, wanted) if row.outcome == MADE]
    owners = [
        kind.owner_model(company=company, name=row.name, **({"number": row.code} if kind is JOB else {}))
        for row in rows
    ]
    kind.owner_model.objects.bulk_create(owners)
    links = [
        kind.model(connection=connection, **{kind.owner_field: owner, kind.code_field: row.code})
        for row, owner in zip(rows, owners, strict=True)
    ]
    kind.model.objects.bulk_create(links)
    created = CommitmentEvent.CONTRACT_COMPANY_CREATED if kind is VENDOR else DirectoryEvent.PROJECT_CREATED
    history.record_all(event=created, subjects=owners, by=by, company=company)
    details = []
    for row, owner in zip(rows, owners, strict=True):
        value = {kind.code_field: row.code} | ({} if kind is VENDOR else {"connection": str(connection.pk)})
        named = {f"{kind.name}_{kind.erp_name}": row.name}
        details.append(value | {kind.owner_field: owner.pk, "before": {}, "after": value | named})
    linked = ErpEvent(f"{kind.name}_link.created")
    history.record_all(event=linked, subjects=links, by=by, company=company, details=details, notifies=False)
    return len(rows)


def create_cost_types(connection: Connection, by: User | None) -> int:
    """Those of the phases that the company lacks, called by their code."""
    company = connection.company
    known = {code.upper() for code in CostType.objects.filter(company=company).values_list("code", flat=True)}
    phases = Phase.objects.filter(job__connection=connection, gone_at=None)
    codes = phases.order_by("cost_type").values_list("cost_type", flat=True).distinct()
    made = [
        CostType(company=company, code=each[:10], name=each) for each in codes if each.upper() not in known
    ]
    CostType.objects.bulk_create(made)
    history.record_all(event=CommitmentEvent.COST_TYPE_CREATED, subjects=made, by=by, company=company)
    return len(made)


def close(rows: Sequence[ContractCompany] | Sequence[CostCode], event: Event, wanted: TakeOver) -> int:
    """By the rule, and so by nobody."""
    for model in {type(row) for row in rows}:
        model.objects.filter(pk__in=[row.pk for row in rows]).update(closed_at=Now())
    change = {"fields": ["closed_at"], "changes": str(Change("State", "Open", "Closed, as in Spectrum"))}
    company = wanted.connection.company
    history.record_all(event=event, subjects=rows, by=None, company=company, details=[change] * len(rows))
    return len(rows)
