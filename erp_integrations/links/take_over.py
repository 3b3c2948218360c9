"""Take over from Spectrum: what its lists have and we lack is made, and linked to what it was made of.

Nobody types a name or a code here, so that what is new waits for no second person. What somebody typed
before is proposed as a link and never made a second time. All of it may be repeated: what is there is left.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now, Upper

from commitments.changes import Change
from commitments.events import CommitmentEvent
from commitments.models import ContractCompany, CostCode, CostType
from directory import history
from directory.history.events import DirectoryEvent, Event
from directory.models import HistoryEntry, Project, User
from erp_integrations import wakeup
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.confirmations.subjects import Kind, Subject
from erp_integrations.events import ErpEvent
from erp_integrations.links.kinds import JOB, VENDOR, LinkKind
from erp_integrations.master_data import syncing
from erp_integrations.models import (
    Connection,
    Job,
    JobLink,
    MastersPull,
    Phase,
    TakeOver,
    TakeOverStatus,
    UnconfirmedChange,
    Vendor,
    VendorLink,
)
from erp_integrations.models.master_data import PhaseState, VendorState
from erp_integrations.name_matching import get_comparable_name
from erp_integrations.snapshots import hash_content

MADE, PROPOSED, LEFT, HERE = OUTCOMES = ("To be made", "To be linked by hand", "Left", "Here already")
JOBS_AT_ONCE = 20
MOST_LISTED = 20_000


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A record of Spectrum's, and what becomes of it; ``stamp`` names it with all that counts of it."""

    group: str
    code: str
    name: str
    outcome: str
    reason: str = ""
    amount: Decimal = Decimal(0)
    count: int = 1
    content: str = ""

    @property
    def stamp(self) -> str:
        return hash_content([self.group, self.code, self.name, self.count, self.content])


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


def add_row(take_over: TakeOver, row: PlannedRow) -> None:
    """Count and list it in the plan; what is to be made is shown from now on. Not saved."""
    rows = take_over.plan.setdefault("rows", [])
    groups = take_over.plan.setdefault("groups", {})
    outcomes = groups.setdefault(row.group, {each: [0, "0.00"] for each in OUTCOMES})
    count, amount = outcomes[row.outcome]
    outcomes[row.outcome] = [count + row.count, str(Decimal(amount) + row.amount)]
    if len(rows) < MOST_LISTED:
        rows.append([row.group, row.code, row.name, row.outcome, row.reason, str(row.amount)])
    if row.outcome == MADE:
        take_over.shown.append(row.stamp)


def find_obstacle(connection: Connection) -> str:
    """Why nothing may be taken over now, as a sentence: these may be another company's lists."""
    sync = MastersPull.objects.filter(connection=connection).first()
    if sync is None or sync.vendors_at is None or sync.jobs_at is None:
        return "Spectrum's lists have not been read yet. An ERP Integrations Admin has them synced first."
    if UnconfirmedChange.objects.filter(subject=str(Subject(Kind.CONNECTION, connection.pk))).exists():
        return "The connection's settings were changed. A second person confirms that first, in Settings."
    changes = HistoryEntry.objects.about(connection).filter(event=ErpEvent.CONNECTION_CHANGED)
    if changes.filter(at__gte=min(sync.vendors_at, sync.jobs_at)).exists():
        return "The connection's settings were changed since its lists were read. They are synced first."
    return ""


def list_planned_links(kind: LinkKind, wanted: TakeOver) -> list[PlannedRow]:
    """Each vendor or job that is linked, or was chosen. Four queries."""
    connection, adapter = wanted.connection, get_adapter(wanted.connection)
    codes = kind.model.objects.filter(connection=connection).values_list(kind.code_field, flat=True)
    linked = {code.strip().upper() for code in codes}
    records = kind.erp_model.objects.filter(connection=connection, gone_at=None).order_by(kind.erp_code)
    listed = [
        (code, name or code, status, code.strip().upper() in linked)
        for code, name, status in records.values_list(kind.erp_code, kind.erp_name, "status")
    ]
    link = kind.list_links(None, connection).filter(**{kind.owner_field: OuterRef("pk")})
    owners = kind.owner_model.objects.filter(company=connection.company).annotate(is_linked=Exists(link))
    exact = {owner.name for owner in owners}
    alike = Counter(_get_key(owner.name) for owner in owners)
    alike.update(_get_key(name) for _, name, _, is_linked in listed if not is_linked)
    typed = {
        _get_key(text): owner.name
        for owner in owners
        if not owner.is_linked
        for text in (owner.name, getattr(owner, "number", ""))
    }
    states, rows = dict(kind.erp_model._meta.get_field("status").choices), []
    for code, name, status, is_linked in listed:
        if not is_linked and not is_chosen(code, getattr(wanted, f"{kind.code_field}s")):
            continue
        ours = name if alike[_get_key(name)] == 1 and name not in exact else f"{name[:160]} ({code})"
        before = typed.get(_get_key(name)) or (typed.get(_get_key(code)) if kind is JOB else None)
        outcome, reason = LEFT, ""
        if is_linked:
            outcome = HERE
        elif status != VendorState.ACTIVE and not wanted.with_inactive:
            reason = f"{states[status]} in Spectrum"
        elif complaint := adapter.describe_code_issue(code, kind.name):
            reason = f"Its code {complaint}"
        elif before:
            outcome, reason = PROPOSED, f"{before} is here, and is not linked"
        elif ours in exact:
            reason = f"{ours} is here, and is linked to another one"
        else:
            outcome, reason = MADE, "" if ours == name else "Another one has this name"
            exact.add(ours)
            name = ours
        rows.append(PlannedRow(kind.title, code, name, outcome, reason))
    return rows


def _get_key(name: str) -> str:
    return get_comparable_name(name) or name.strip().upper()


def list_planned_cost_codes(wanted: TakeOver) -> Iterator[tuple[Project, list[CostCode], list[CostCode]]]:
    """Of each linked job that was chosen and whose phases were read: what these have more than its project,
    and what they no longer take.
    """
    connection = wanted.connection
    get_phase_code = get_adapter(connection).get_phase_code
    jobs = Job.objects.filter(connection=connection, gone_at=None).exclude(phases_seen_at=None)
    numbers = {number.strip().upper(): pk for pk, number in jobs.values_list("pk", "number")}
    links = JobLink.objects.filter(connection=connection).select_related("project").order_by("job_number")
    chosen = [each for each in links if is_chosen(each.job_number, wanted.job_numbers)]
    projects = [(each.project, numbers.get(each.job_number.strip().upper())) for each in chosen]
    takes = {PhaseState.ACTIVE, PhaseState.INACTIVE} if wanted.with_inactive else {PhaseState.ACTIVE}
    for start in range(0, len(projects), JOBS_AT_ONCE):
        few = [(project, job) for project, job in projects[start : start + JOBS_AT_ONCE] if job]
        known = {
            (each.project_id, get_phase_code(each.code)): each
            for each in CostCode.objects.filter(project__in=[project for project, _ in few])
        }
        # A phase is listed with each of its cost types.
        phases = Phase.objects.filter(job__in=[job for _, job in few]).values_list("job", Upper("code"))
        phases = phases.annotate(
            codes=ArrayAgg("code", order_by="cost_type"),
            names=ArrayAgg("description", order_by="cost_type"),
            states=ArrayAgg("status", distinct=True, filter=Q(gone_at=None), default=[]),
        )
        by_job = defaultdict(list)
        for job, *phase in phases.order_by("job", Upper("code")):
            by_job[job].append(phase)
        for project, job in few:
            made, closed = [], []
            for key, codes, names, states in by_job[job]:
                ours = known.get((project.pk, key))
                if ours is None and takes & {*states}:
                    made.append(CostCode(project=project, code=codes[0], name=names[0] or codes[0]))
                elif ours and ours.closed_at is None and {*states} <= {PhaseState.COMPLETE}:
                    closed.append(ours)
            yield project, made, closed


def list_closed_vendors(connection: Connection) -> list[ContractCompany]:
    """Open ones all of whose vendors, on whatever connection, take nothing any more."""
    active = Vendor.objects.filter(
        connection=OuterRef("connection"), gone_at=None, status=VendorState.ACTIVE
    ).alias(normal=Upper("code"))
    links = VendorLink.objects.filter(contract_company=OuterRef("pk"))
    has_active = links.filter(Exists(active.filter(normal=Upper(OuterRef("vendor_code")))))
    companies = ContractCompany.objects.filter(company=connection.company, closed_at=None)
    return list(companies.filter(Exists(links.filter(connection=connection)), ~Exists(has_active)))


def look_or_make(claimed: TakeOver) -> None:
    """See what would be made of the lists; before that make what a look has shown, and what the rule says of
    lists that have been read again.

    Each list by itself, and each job's cost codes: what is made stays where a worker ends in between, and
    the next one makes the rest. Raises LeaseLost.
    """
    connection, company = claimed.connection, claimed.connection.company
    by = claimed.asked_by if claimed.is_moving else None
    shown = {*claimed.shown} if claimed.is_moving else None
    takes = claimed.status in (TakeOverStatus.TAKING, TakeOverStatus.READING)
    takes = claimed.takes_new if shown is None else takes
    counts = claimed.report = Counter(claimed.report)
    for kind in (VENDOR, JOB) if takes else ():
        with transaction.atomic():
            TakeOver.objects.lock_own(claimed)
            counts[kind.owners] += create_linked(kind, claimed, by, shown)
    if takes:
        counts["cost types"] += create_cost_types(connection, by)
    for _, made, closed in list_planned_cost_codes(claimed) if takes or claimed.closes else ():
        with transaction.atomic():
            TakeOver.objects.renew(claimed, report=counts)
            if takes:
                CostCode.objects.bulk_create(made)
                event = CommitmentEvent.COST_CODE_CREATED
                history.record_all(event=event, subjects=made, by=by, company=company)
                counts["cost codes"] += len(made)
            if claimed.closes:
                counts["closed"] += close(closed, CommitmentEvent.COST_CODE_CHANGED, claimed)
    if claimed.closes:
        with transaction.atomic():
            TakeOver.objects.lock_own(claimed)
            gone = list_closed_vendors(connection)
            counts["closed"] += close(gone, CommitmentEvent.CONTRACT_COMPANY_CHANGED, claimed)
    unread = syncing.list_linked_jobs(connection.pk).filter(phases_seen_at=None)
    missing = list(unread.values_list("number", flat=True)[:20]) if takes else []
    if missing and claimed.status != TakeOverStatus.READING:
        claimed.status, claimed.asked_by = TakeOverStatus.READING, by
        syncing.requeue_sync(connection.pk)
        return wakeup.wake_sync(connection.pk)
    claimed.plan, claimed.shown = {}, []
    for kind in (VENDOR, JOB):
        for row in list_planned_links(kind, claimed):
            add_row(claimed, row)
    for project, made, _ in list_planned_cost_codes(claimed):
        if count := len(made):
            words = f"{count} cost codes"
            add_row(claimed, PlannedRow("Cost codes", project.number, project.name, MADE, words, count=count))
    has_made = any(counts.values()) or (claimed.is_moving and takes)
    claimed.status = TakeOverStatus.DONE if has_made else TakeOverStatus.SHOWN
    problem = f"Without cost codes, as their phases could not be read: jobs {', '.join(missing)}."
    claimed.problem = problem if missing else ""


def create_linked(kind: LinkKind, wanted: TakeOver, by: User | None, shown: set[str] | None) -> int:
    """Those that were shown, or all. The caller holds the row's lock."""
    connection, company = wanted.connection, wanted.connection.company
    rows = [row for row in list_planned_links(kind, wanted) if row.outcome == MADE]
    rows = [row for row in rows if shown is None or row.stamp in shown]
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


@transaction.atomic
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
