"""The worlds that the product is measured in: filled by SQL from a few rows that the product itself wrote.

Nothing in them is left to chance: the same world is the same rows each time it is filled.
"""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from django.db import connection, models
from django.utils import timezone

from commitments.models import Badge, Commitment, ContractCompany, Lock
from directory.models import Company, HistoryEntry, Level, User
from erp_integrations.models import (
    CallState,
    Connection,
    ErpIdHold,
    ExportJob,
    Job,
    JobStatus,
    Phase,
    Submission,
    SubmissionStatus,
    UnitLink,
    Verification,
    WireAttempt,
)
from tests.erp_integrations.conftest import accept
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    CompanyFactory,
    ConnectionFactory,
    ContractCompanyFactory,
    CostCodeFactory,
    JobLinkFactory,
    LineItemFactory,
    ProjectAdminFactory,
    ProjectFactory,
    SubmissionFactory,
    VendorLinkFactory,
)

MEASURED = "measured"
"""The slug of the company whose pages are measured."""
FIRST_ID = 1_000_000
"""Of what SQL adds; below are the rows that it copies."""
PHASES = ("033-0000", "05-10000")
NUMBER = "('C' || new.id)"
Statements = defaultdict[str, list[str]]
"""Of each table those that copy its rows; none reads what is copied into another."""


@dataclass(frozen=True)
class World:
    """So many commitments of so many companies; of each kind a name and a share in a thousand.

    Of the measured company ``waiting`` wait, of the others ``waiting_elsewhere`` in a thousand.
    """

    name: str
    commitments: int
    companies: int = 1
    waiting: int = 40
    waiting_elsewhere: int = 0

    @property
    def measured_commitments(self) -> int:
        """It has as many as all others together, or as all."""
        return self.commitments if self.companies == 1 else self.commitments // 2


WORLDS = {
    world.name: world
    for world in (
        World("thousand", 1_000, waiting=800),
        World("hundred-thousand", 100_000, companies=20),
        World("million", 1_000_000),
        World("skewed-hundred-thousand", 100_000, companies=20, waiting_elsewhere=180),
        World("skewed-million", 1_000_000, companies=200, waiting=800, waiting_elsewhere=180),
    )
}


@dataclass(frozen=True)
class Kind:
    """The fate of some commitments: ``share`` in a thousand; None for those that wait."""

    share: int | None
    badge: Badge
    submission: SubmissionStatus | None
    job: JobStatus | None = None
    verification: Verification = Verification.MATCH
    call: CallState = CallState.WRITTEN
    columns: dict[str, str] = field(default_factory=dict)


KINDS = (
    Kind(None, Badge.AWAITING, SubmissionStatus.AWAITING),
    Kind(100, Badge.NOT_SENT, None),
    Kind(20, Badge.RETRIEVED, SubmissionStatus.RETRIEVED),
    Kind(30, Badge.REJECTED, SubmissionStatus.REJECTED),
    Kind(1, Badge.FAILED, SubmissionStatus.ACCEPTED, JobStatus.FAILED, call=CallState.REFUSED),
    Kind(1, Badge.NEEDS_ATTENTION, SubmissionStatus.ACCEPTED, JobStatus.INCOMPLETE),
    Kind(1, Badge.NEEDS_ATTENTION, SubmissionStatus.ACCEPTED, JobStatus.SYNCED, Verification.ABSENT),
    Kind(847, Badge.SYNCED, SubmissionStatus.ACCEPTED, JobStatus.SYNCED),
)


@dataclass(frozen=True)
class Place:
    """A project, by what its rows are copied from: one that waits, and one that was accepted."""

    waiting: Submission
    job: ExportJob
    hold: ErpIdHold
    approver: User
    vendors: list[ContractCompany]


def fill(world: World) -> None:
    """Into an empty migrated database, by a session that may do anything."""
    measured = CompanyFactory(slug=MEASURED, name="Measured Contracting")
    others = [CompanyFactory() for _ in range(world.companies - 1)]
    places = {
        company: build_places(company, 10 if company == measured else 2) for company in (measured, *others)
    }
    statements: Statements = defaultdict(list)
    base = FIRST_ID
    for company, of_company in places.items():
        if company == measured:
            count, waiting = world.measured_commitments, world.waiting
        else:
            count = (world.commitments - world.measured_commitments) // len(others)
            waiting = count * world.waiting_elsewhere // 1000
        copy_rows(statements, of_company, base, count, waiting)
        base += count
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(fill_table, statements, statements.values()))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def fill_table(table: str, statements: list[str]) -> None:
    """In a session of its own; but for that of its keys the indexes are built when the rows are there."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE pg_index SET indisready = false, indisvalid = false "
            f"WHERE indrelid = '{table}'::regclass AND NOT indisprimary"
        )
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(f"REINDEX TABLE {table}")
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
    connection.close()


def build_places(company: Company, projects: int) -> list[Place]:
    """The company's projects, people, vendors and links."""
    approver = ApproverFactory(
        company=company, email=f"approver@{company.slug}.test", erp_integrations_level=Level.ADMIN
    )
    erp = ConnectionFactory(company=company, company_code=f"{company.pk:03}"[-3:])
    vendors = ContractCompanyFactory.create_batch(100 if projects > 2 else 10, company=company)
    for number, vendor in enumerate(vendors[:-2]):  # two have no vendor in Spectrum
        VendorLinkFactory(contract_company=vendor, connection=erp, vendor_code=f"V{number}")
    UnitLink.objects.create(connection=erp, unit="CY", erp_unit="CY")
    return [build_place(company, approver, erp, vendors) for _ in range(projects)]


def build_place(company: Company, approver: User, erp: Connection, vendors: list[ContractCompany]) -> Place:
    project = ProjectFactory(company=company)
    seen = {"seen_at": timezone.now()}
    number = JobLinkFactory(project=project, connection=erp).job_number
    job = Job.objects.create(connection=erp, number=number, phases_seen_at=timezone.now(), **seen)
    for code in PHASES:  # which take nothing more
        Phase.objects.create(job=job, code=code.replace("-", ""), cost_type="S", status="C", **seen)
    sender = ProjectAdminFactory(project=project)
    codes = [CostCodeFactory(project=project, code=code) for code in PHASES]

    def send() -> Submission:
        commitment: Commitment = CommitmentFactory(
            approved=True, project=project, contract_company=vendors[0], lines=0, created_by=sender
        )
        for code in codes:
            LineItemFactory(commitment=commitment, cost_code=code)
        submission: Submission = SubmissionFactory(commitment=commitment, sent_by=sender)
        return submission

    exported = accept(send(), approver)
    hold = ErpIdHold.objects.get(commitment=exported.submission.commitment)
    return Place(send(), exported, hold, approver, vendors)


def copy_rows(statements: Statements, places: list[Place], base: int, count: int, waiting: int) -> None:
    """The company's commitments, by turns of its projects and vendors; the newest wait."""
    decided = count - waiting
    for offset, place in enumerate(places):
        series = (
            f"(SELECT {base} + i AS id, i FROM generate_series({offset}, {count - 1}, {len(places)}) AS i"
        )
        begin = 0
        for kind in KINDS:
            if kind.share is None:
                rows = f"{series} WHERE i >= {decided}) AS new"
            else:
                turn, end = "i % 1000 * 7919 % 1000", begin + kind.share
                rows = f"{series} WHERE i < {decided} AND {turn} >= {begin} AND {turn} < {end}) AS new"
                begin = end
            Copying(statements, place, kind, rows).copy_all()


class Copying:
    """The rows of one kind at one place."""

    def __init__(self, statements: Statements, place: Place, kind: Kind, rows: str) -> None:
        self.statements, self.place, self.kind, self.rows = statements, place, kind, rows
        self.sent = place.job.submission if kind.job else place.waiting
        vendors = place.vendors[:-2] if kind.submission else place.vendors
        self.vendor = f"(ARRAY{[each.pk for each in vendors]})[1 + i % {len(vendors)}]"
        self.vendor_name = f"(ARRAY{[each.name for each in vendors]})[1 + i % {len(vendors)}]"

    def copy_all(self) -> None:
        self.copy_commitments()
        if self.kind.submission:
            self.copy_submissions()
        if self.kind.job:
            self.copy_exports(self.kind.job)

    def copy_commitments(self) -> None:
        lock = Lock.NONE
        if self.kind.submission in (SubmissionStatus.AWAITING, SubmissionStatus.ACCEPTED):
            lock = Lock.EXPORTED if self.kind.job == JobStatus.SYNCED else Lock.WHOLE
        commitment = self.sent.commitment
        self.copy(
            commitment,
            id="new.id",
            number=NUMBER,
            contract_company_id=self.vendor,
            badge=f"'{self.kind.badge}'",
            lock=f"'{lock}'",
            erp_id=NUMBER if lock == Lock.EXPORTED else "''",
        )
        waits = "NULL" if lock == Lock.EXPORTED else str(commitment.project_id)
        for position, line in enumerate(commitment.lines.all()):
            self.copy(
                line,
                id=f"new.id * 2 + {position}",
                commitment_id="new.id",
                unexported_in=waits,
                committed="NULL" if lock == Lock.NONE else "t.amount",
            )

    def copy_submissions(self) -> None:
        commitment, company = self.sent.commitment, self.place.vendors[0]
        snapshot = f"(SELECT snapshot FROM {Submission._meta.db_table} WHERE id = {self.sent.pk})"
        for before, now in (
            (f'"commitment_id":{commitment.pk},', """'"commitment_id":' || new.id || ','"""),
            (f'"number":"{commitment.number}"', f"""'"number":"' || {NUMBER} || '"'"""),
            (f'"contract_company_id":{company.pk},', f"""'"contract_company_id":' || {self.vendor} || ','"""),
            (f'"{company.name}"', f"""'"' || {self.vendor_name} || '"'"""),
        ):
            snapshot = f"replace({snapshot}, '{before}', {now})"
        hashed = build_hash(snapshot)
        ends: dict[str | None, dict[str, str]] = {
            SubmissionStatus.REJECTED: {
                "decided_by_id": str(self.place.approver.pk),
                "decided_at": "now()",
                "reason": "'The cost code of line 2 is wrong.'",
            },
            SubmissionStatus.RETRIEVED: {"ended_by_id": str(self.sent.sent_by_id), "ended_at": "now()"},
        }
        self.copy(
            self.sent,
            id="new.id",
            commitment_id="new.id",
            number=NUMBER,
            erp_id=NUMBER if self.kind.job else "''",
            contract_company_name=self.vendor_name,
            snapshot=snapshot,
            snapshot_hash=hashed,
            status=f"'{self.kind.submission}'",
            **ends.get(self.kind.submission, {}),
        )
        entries = HistoryEntry.objects.about(self.sent).order_by("pk")[:2]
        for position, entry in enumerate(entries):
            detail = f"jsonb_build_object('snapshot_hash', {hashed})" if not position else "t.detail"
            self.copy(entry, id=f"new.id * 2 + {position}", subject_id="new.id", detail=detail)

    def copy_exports(self, status: JobStatus) -> None:
        is_synced = status == JobStatus.SYNCED
        verification = self.kind.verification if is_synced else Verification.PENDING
        self.copy(
            self.place.job,
            id="new.id",
            submission_id="new.id",
            erp_id=NUMBER,
            status=f"'{status}'",
            attempt="1",
            tries="1",
            not_before="NULL",
            verification=f"'{verification}'",
            synced_at="now()" if is_synced else "NULL",
            verified_at="now()" if is_synced else "NULL",
            problem="''" if is_synced else "'Line 2: Phase_Code: 0330000 is closed.'",
        )
        self.copy(self.place.hold, id="new.id", commitment_id="new.id", erp_id=NUMBER)
        for call in self.place.job.list_current_calls():
            key = f"new.id * 10 + {call.position}"
            self.copy(call, id=key, job_id="new.id", state=f"'{self.kind.call}'")
            self.statements[WireAttempt._meta.db_table].append(
                f"INSERT INTO {WireAttempt._meta.db_table} "
                "(id, company_id, call_id, attempt, payload_hash, "
                "started_at, finished_at, outcome, reason, reply) "
                f"SELECT {key}, {call.company_id}, {key}, 1, '{call.payload_hash}', "
                "now(), now(), 'accepted', '', '<reply/>' "
                f"FROM {self.rows}"
            )

    def copy(self, original: models.Model, **columns: str) -> None:
        """A row for each of ``rows``, like the original but for these columns, each an SQL expression."""
        names = [str(each.column) for each in original._meta.concrete_fields if not each.generated]
        values = ", ".join(columns.get(name, f"t.{name}") for name in names)
        table = original._meta.db_table
        self.statements[table].append(
            f"INSERT INTO {table} ({', '.join(names)}) "
            f"SELECT {values} FROM {self.rows}, {table} AS t WHERE t.id = {original.pk}"
        )


def build_hash(text: str) -> str:
    """Of a stored text, in SQL, as ``snapshots.hash_text`` makes it."""
    return f"encode(sha256(convert_to({text}, 'UTF8')), 'hex')"
