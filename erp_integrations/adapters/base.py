"""An ERP adapter's promises, and the outcomes it may answer with.

An adapter sees documents and plain settings, never database rows: whose record it
is that stands in the ERP, and what happens next, is decided by ``delivery`` from our
own ledger. Outcomes: docs/architecture.md, section 7.2.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Generic, Literal, Protocol, TypeVar

from erp_integrations.snapshots import Document, LineItem, hash_content


class Severity(StrEnum):
    """How much a finding matters."""

    BLOCKING = "blocking"
    WARNING = "warning"
    CANNOT_CHECK = "cannot_check"


class ResponsibleParty(StrEnum):
    """Who can do something about a finding."""

    PROJECT = "project"
    APPROVER = "approver"
    ERP_ADMIN = "erp_admin"


@dataclass(frozen=True, slots=True)
class AffectedLines:
    """Which lines a finding is about, so that several of one cause can be told in one sentence.

    ``what`` of a line it is ("cost code"), and ``detail`` says all that follows the lines' name in the
    sentence. Where the details differ, ``cause`` says it for all of them, and ``value`` tells them apart.
    """

    positions: tuple[int, ...]
    what: str
    detail: str
    cause: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that stands in the way of an export, or that a person should know.

    ``code`` is stable ("number-too-long"); ``sentence`` says what is wrong in plain
    words; ``field`` names where ("Number", "Line 3, amount"); ``action`` says what to do.
    ``lines`` are the positions of the lines that can't stay beside each other, where that is it;
    ``affected`` are the lines that it is about, a part for each thing that is wrong. ``free_number``
    can be exported in the place of the commitment's own.
    """

    code: str
    severity: Severity
    sentence: str
    field: str
    action: str
    responsible_party: ResponsibleParty
    lines: tuple[int, ...] = ()
    affected: tuple[AffectedLines, ...] = ()
    free_number: str = ""


class ReferenceStatus(StrEnum):
    """A linked vendor or job by the ERP's own list, as it was last read.

    ``NOT_AMONG_ACTIVE``: the list names active ones only, so that it may be inactive or not exist.
    ``CLOSED``: there, and nothing more is taken for it (a complete job, a vendor that is not used).
    """

    NOT_READ = "not_read"
    ACTIVE = "active"
    INACTIVE = "inactive"
    CLOSED = "closed"
    NOT_AMONG_ACTIVE = "not_among_active"
    ABSENT = "absent"


def get_comparable_unit(unit: str) -> str:
    """A unit of measure in the form in which two spellings are equal: without regard to case and blanks."""
    return " ".join(unit.upper().split())


@dataclass(frozen=True, slots=True)
class ErpReferences:
    """The company's links and settings, and the ERP's lists, on one document.

    Empty text means "not linked" or "not found". ``general_ledger_source`` names whose default the account is
    ("the vendor", "cost type S", "the company"). ``phases`` are those of the job that the document's cost
    codes name, each with every cost type that it has; None when the job's phases were never read.
    ``job_price_method`` is the ERP's code, blank where no list told it. ``units`` are what the document's
    units are called in the ERP, by ``get_comparable_unit``, where somebody has said so. ``vendor_name`` and
    ``job_description`` are the ERP's own, as its lists were last read, blank where they do not say.
    ``phases_read_at`` is when those of the job were.
    """

    vendor_code: str = ""
    job_number: str = ""
    general_ledger_account: str = ""
    general_ledger_source: str = ""
    vendor: ReferenceStatus = ReferenceStatus.NOT_READ
    job: ReferenceStatus = ReferenceStatus.NOT_READ
    phases: "tuple[PhaseRecord, ...] | None" = None
    job_price_method: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    vendor_name: str = ""
    job_description: str = ""
    phases_read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Element:
    """One field of a call, as it will be stored.

    ``original`` is set only when free text had to be cut, or respelled with the characters
    that the ERP has; ``defaulted`` marks a value that nobody entered, and where it is blank,
    the ERP fills in its own. ``source`` says whose default it is, where that is known, and
    ``figure`` that it is an amount, a quantity or a rate, which pages align at the point.
    ``respelled`` tells that nothing of the original was lost but its spelling.
    """

    name: str
    value: str
    original: str = ""
    defaulted: bool = False
    source: str = ""
    figure: bool = False
    respelled: bool = field(default=False, compare=False)

    @property
    def cut(self) -> bool:
        """The ERP will hold another text than was entered."""
        return bool(self.original) and self.original != self.value


@dataclass(frozen=True, slots=True)
class StoredValue:
    """The ERP's value where something else was entered; ``label`` is the field as people know it.

    A blank ``value``: nothing of it is sent.
    """

    label: str
    value: str
    remark: str


@dataclass(frozen=True, slots=True)
class Call:
    """One write on the wire, complete but for the secrets.

    ``title`` is for people ("Subcontract", "Line 2"). Secrets are added by the
    adapter's transport at the last moment and are part of no hash and no record.
    """

    method: str
    title: str
    elements: tuple[Element, ...]

    @property
    def payload(self) -> dict[str, str]:
        """Element names and values, in the order of the layout."""
        return {element.name: element.value for element in self.elements}

    @property
    def hash(self) -> str:
        """Of the content of this call, 64 hexadecimal digits."""
        return hash_content([self.method, list(self.payload.items())])


@dataclass(frozen=True, slots=True)
class Key:
    """The name of one record in the ERP: trimmed, upper case."""

    company_code: str
    vendor_code: str
    erp_id: str

    @classmethod
    def from_parts(cls, company_code: str, vendor_code: str, erp_id: str) -> "Key":
        """The normal form, in which two spellings of one record are equal."""
        return cls(*(part.strip().upper() for part in (company_code, vendor_code, erp_id)))

    def __str__(self) -> str:
        return f"vendor {self.vendor_code}, subcontract {self.erp_id}"


@dataclass(frozen=True, slots=True)
class WireError:
    """One complaint of the ERP: its code, its words, and the field it names."""

    code: str
    text: str
    column: str = ""


class RuleKind(StrEnum):
    """Which reply to a write means that it is written; UNKNOWN: none does."""

    UNKNOWN = "unknown"
    CODES = "codes"
    NO_ERROR_ROW = "no_error_row"
    ECHO = "echo"


@dataclass(frozen=True, slots=True)
class ReplyRule:
    """A site's answer to a write that it has done; ``codes`` of CODES alone, "" for a blank one."""

    kind: RuleKind = RuleKind.UNKNOWN
    codes: frozenset[str] = frozenset()

    @property
    def sentence(self) -> str:
        """The rule for people."""
        match self.kind:
            case RuleKind.CODES:
                named = [f"the code {code}" if code else "no code" for code in sorted(self.codes)]
                return f"A row with {' or '.join(named)} means written."
            case RuleKind.NO_ERROR_ROW:
                return "A complete reply without an error row means written."
            case RuleKind.ECHO:
                return "A row that repeats the key of the record means written."
        return "Unknown yet: no reply means written, and each call waits for read-back."


@dataclass(frozen=True, slots=True)
class Accepted:
    """The ERP said that the record is written."""

    reply: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The ERP read the call and said no; nothing of it was written.

    ``transient`` tells that it may end by itself, such as a record that a person has open.
    """

    errors: tuple[WireError, ...]
    reply: str
    transient: bool = False


@dataclass(frozen=True, slots=True)
class Unauthorised:
    """The ERP does not let us in; it concerns the connection, not the document.

    Where its words leave open which of them, ``errors`` are its complaints: if others are let in
    meanwhile, they are about the document.
    """

    reason: str
    reply: str = ""
    errors: tuple[WireError, ...] = ()


class SessionOver(Unauthorised):
    """The session that the call named is over, which the ERP says before it writes anything.

    With a new one the same call may be sent again.
    """


@dataclass(frozen=True, slots=True)
class Unusable:
    """Provably nothing left us, and nothing would: the site speaks another interface than the one
    that we know, or its address is none to connect to. It concerns the connection, not the document,
    and only a probe that succeeds ends it. ``can_accept_wsdl`` is that of the probe which found it.
    """

    reason: str
    can_accept_wsdl: bool = False


@dataclass(frozen=True, slots=True)
class NotSent:
    """Provably nothing left us: DNS, connection refused, TLS, a local check.

    ``transient`` tells whether trying again later can help; ``internal_error`` that the ERP has no part in
    it, so that nothing is said about the connection.
    """

    reason: str
    transient: bool = True
    internal_error: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The ERP may or may not have written it: time-out, reset, 5xx, fault, unreadable reply.

    ``status`` is the HTTP status of a reply that came to its end; 0 where none did.
    """

    reason: str
    reply: str = ""
    status: int = 0


Outcome = Accepted | Refused | Unauthorised | Unusable | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """The ERP's record under a key: the header, and the lines by their key. Both are in the ERP's own
    names, which only the adapter reads; its class of records answers by role, blank where the ERP does not
    say."""

    header: Mapping[str, str]
    lines: Mapping[tuple[str, ...], Mapping[str, str]] = field(default_factory=dict)

    @property
    def job_number(self) -> str:
        raise NotImplementedError

    @property
    def amount(self) -> str:
        raise NotImplementedError

    @property
    def line_amounts(self) -> Mapping[tuple[str, ...], str]:
        raise NotImplementedError

    @property
    def hash(self) -> str:
        """64 hexadecimal digits, the same as long as the ERP shows the same."""
        lines = sorted((list(key), dict(line)) for key, line in self.lines.items())
        return hash_content([dict(self.header), lines])


@dataclass(frozen=True, slots=True)
class Contract:
    """A record of the ERP's in our words, and the calls that would write exactly what is stored; a line's
    cost code is the phase. ``status`` is blank where it is active, else the ERP's word.
    """

    key: Key
    job_number: str
    status: str
    title: str
    trade: str
    issue_date: date | None
    retainage: Decimal
    amount: Decimal
    lines: tuple[LineItem, ...]
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class NotFound:
    """The ERP holds nothing under the key, or the record of ``other_job``.

    ``candidates`` are records under other keys of which nobody but a person can say whether they are it.
    """

    candidates: "tuple[MovedRecord, ...]" = ()
    other_job: str = ""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Nobody could look: no read-back is configured, or it did not answer."""

    reason: str


class DifferenceKind(StrEnum):
    """A field is otherwise, or a record as a whole."""

    CHANGED = "changed"
    MISSING = "missing"
    EXTRA = "extra"
    MOVED = "moved"


class ValueKind(StrEnum):
    """The kind of the two values of a difference; a date is written MM/DD/CCYY."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the ERP holds otherwise than it was sent.

    ``title`` is that of the call ("Line 2"), ``name`` the element's; blank when the record as a
    whole is missing or too many.
    """

    title: str
    name: str
    sent: str
    stored: str
    kind: DifferenceKind = DifferenceKind.CHANGED
    value_kind: ValueKind = ValueKind.TEXT


@dataclass(frozen=True, slots=True)
class OtherJob(Difference):
    """The record is of another job than was sent, which a record never changes: it is another contract's."""


@dataclass(frozen=True, slots=True)
class MovedRecord:
    """A record that holds a plan's job and lines under another key than the plan's.

    ``matched`` of the plan's ``planned`` lines stand there with their amounts. ``phases`` are those that
    were expanded with zeros: what was sent, and what is stored. ``likeness`` says what speaks for a record
    that may just as well be another one; it is blank where job and lines say enough.
    """

    key: Key
    record: StoredRecord
    matched: int
    planned: int
    phases: Mapping[str, str] = field(default_factory=dict)
    likeness: str = ""

    @property
    def is_certain(self) -> bool:
        """Job and lines say that it is the plan's; only then can it be followed."""
        return not self.likeness

    @property
    def fingerprint(self) -> str:
        """It names exactly this record with what counts of its content, 64 hexadecimal digits."""
        lines = [[*key, amount] for key, amount in sorted(self.record.line_amounts.items())]
        return hash_content([list(astuple(self.key)), self.record.job_number, lines])

    @property
    def sentence(self) -> str:
        """Where it stands, and what of it is the plan's."""
        lines = self.likeness or (
            "its header" if not self.planned else f"{self.matched} of {self.planned} lines"
        )
        return f"{self.key}, with the same job ({self.record.job_number}) and {lines}"

    @property
    def difference(self) -> Difference:
        return Difference("Subcontract", "", "", self.sentence, DifferenceKind.MOVED)


@dataclass(frozen=True, slots=True)
class BilledLine:
    """The ERP's figures of one line that was invoiced; ``title`` is its call's ("Line 2")."""

    title: str
    amount: Decimal
    quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Billing:
    """The ERP's figures of a record that was invoiced and paid; None where it does not say."""

    billed: Decimal | None = None
    paid: Decimal | None = None
    retention_held: Decimal | None = None
    balance: Decimal | None = None
    lines: tuple[BilledLine, ...] = ()

    @property
    def totals(self) -> dict[str, Decimal | None]:
        return {name: getattr(self, name) for name in ("billed", "paid", "retention_held", "balance")}

    @property
    def is_known(self) -> bool:
        return any(total is not None for total in self.totals.values())


@dataclass(frozen=True, slots=True)
class FilledValue:
    """A value that the ERP put where nothing was sent; ``title`` is that of the call."""

    title: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Match:
    """The ERP holds what was sent, and what it filled in by itself."""

    filled: tuple[FilledValue, ...] = field(default=(), compare=False)
    billing: Billing = field(default_factory=Billing, compare=False)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The ERP holds something else; never empty."""

    differences: tuple[Difference, ...]
    filled: tuple[FilledValue, ...] = field(default=(), compare=False)
    billing: Billing = field(default_factory=Billing, compare=False)


@dataclass(frozen=True, slots=True)
class FoundElsewhere:
    """The ERP holds nothing under the key, and what was sent under others; never empty."""

    records: tuple[MovedRecord, ...]


@dataclass(frozen=True, slots=True)
class CallComparison:
    """The ERP's record of each call, and what it holds besides.

    ``calls`` has one entry for each, in their order: None where nothing is stored of it, else
    its differences, none of them when it is stored as it was sent.
    """

    calls: tuple[tuple[Difference, ...] | None, ...]
    others: tuple[Difference, ...] = ()
    filled: tuple[FilledValue, ...] = field(default=(), compare=False)


Verdict = Match | Mismatch | NotFound | FoundElsewhere | Unavailable

MAX_RECORDS_AT_ONCE = 500
"""How many records an ERP is asked for in one question."""


class PhaseStatus(StrEnum):
    """A complete phase takes no lines."""

    ACTIVE = "A"
    INACTIVE = "I"
    COMPLETE = "C"


class VendorStatus(StrEnum):
    """A vendor that is not used takes no commitments."""

    ACTIVE = "A"
    INACTIVE = "I"
    NOT_USED = "N"


class JobStatus(StrEnum):
    """A complete job takes no commitments."""

    ACTIVE = "A"
    INACTIVE = "I"
    COMPLETE = "C"


REFERENCE_STATUSES: Mapping[str, ReferenceStatus] = {
    "A": ReferenceStatus.ACTIVE,
    "I": ReferenceStatus.INACTIVE,
    JobStatus.COMPLETE: ReferenceStatus.CLOSED,
    VendorStatus.NOT_USED: ReferenceStatus.CLOSED,
}
"""The meaning of a vendor's or job's status for a commitment."""


@dataclass(frozen=True, slots=True)
class VendorRecord:
    """One vendor as the ERP lists it."""

    code: str
    name: str
    status: VendorStatus = VendorStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job as the ERP lists it. ``price_method`` is the ERP's code; blank where it does not say."""

    number: str
    description: str
    status: JobStatus = JobStatus.ACTIVE
    price_method: str = ""


@dataclass(frozen=True, slots=True)
class PhaseRecord:
    """One phase of a job with one of its cost types; ``code`` has no dashes.

    ``billing_item`` and ``unit_of_measure`` are blank where the ERP has none, or does not say;
    ``price_method`` is the ERP's code, blank where it does not say. ``estimate`` and ``to_date`` are what it
    may cost and has cost, None where it does not say.
    """

    code: str
    cost_type: str
    description: str
    status: PhaseStatus
    billing_item: str = ""
    unit_of_measure: str = ""
    price_method: str = ""
    estimate: Decimal | None = None
    to_date: Decimal | None = None


Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Rows(Generic[Record]):
    """A list of the ERP's, complete: a part that was capped or cut off is never one.

    Each record is listed once, in the order of its key.
    """

    rows: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """A connection's usability in one sentence; a probe never writes.

    Where it can't, ``transient`` tells whether it may end by itself (a server that is down), and
    ``can_accept_wsdl`` whether a person may say yes to the interface as the site has it now: everything
    that we write still has its place. ``descriptions`` are the site's own of its services, by
    name, to be kept with the connection; ``changed`` says how they differ from the kept ones.
    """

    is_usable: bool
    sentence: str
    transient: bool = False
    can_accept_wsdl: bool = False
    descriptions: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    changed: str = field(default="", compare=False)


CodeKind = Literal["vendor", "job", "unit"]


class Adapter(Protocol):
    """One ERP, spoken to over one connection."""

    def probe(self) -> ProbeResult:
        """Ask whether the ERP answers and still speaks the interface we know. Never writes."""

    def get_proposed_erp_id(self, document: Document) -> str:
        """The ERP ID that the connection's rule gives; may be too long, is never cut in silence."""

    def describe_numbers(self, kind: str) -> str:
        """Which numbers of commitments can be exported, for whoever types one."""

    def list_fitting_numbers(self, document: Document) -> list[str]:
        """Numbers like the document's whose ERP ID this ERP takes, the nearest first."""

    def check_document(
        self, document: Document, references: ErpReferences, erp_id: str, note: str = ""
    ) -> list[Issue]:
        """Everything that this ERP would refuse, cut or overwrite. Pure: no wire, no database.

        ``note`` is the approver's, which not every connection sends.
        """

    def check_references(self, document: Document, references: ErpReferences) -> list[Issue]:
        """Everything that the ERP's own lists say against the document. Pure.

        Beside what can't be checked, the findings tell apart every state of the lists that counts:
        an acceptance is bound to them.
        """

    def describe_code_issue(self, code: str, kind: CodeKind) -> str:
        """Why the ERP can't hold a code, in words after "it"; blank where it can. Pure."""

    def get_phase_code(self, cost_code: str) -> str:
        """The phase that a cost code names in the ERP, in the form in which two spellings are equal."""

    def build_calls(
        self, document: Document, references: ErpReferences, erp_id: str, note: str = ""
    ) -> tuple[Call, ...]:
        """The ordered calls that write the document. Pure; call only when nothing blocks."""

    def is_status(self, call: Call) -> bool:
        """It changes the status of a record that is there, and nothing else. Pure."""

    def set_status(self, calls: tuple[Call, ...], status: Call | None) -> tuple[Call, ...]:
        """A plan as its record is with the status of a later call, or None: whatever its status is. Pure."""

    def list_changed_values(
        self, document: Document, calls: Sequence[Call]
    ) -> Mapping[int, Sequence[StoredValue]]:
        """The ERP's values where something else was entered, by the line's position, and at 0 of what is no
        line. Pure.
        """

    def get_bound_values(self, document: Document, references: ErpReferences) -> dict[str, object]:
        """Bound by an acceptance besides document and links: all that makes the calls other ones.

        Nothing is named where the calls are, in what they mean, those of before this was asked: what was
        accepted then stays accepted. Pure.
        """

    def build_key(self, vendor_code: str, erp_id: str) -> Key:
        """The name of the record in the ERP."""

    def get_call_key(self, call: Call) -> Key:
        """The record that a call writes to. Pure."""

    def get_job_number(self, call: Call) -> str:
        """The job of the record that a header's call writes; blank for another call. Pure."""

    def get_reference_name(self, element: Element, references: ErpReferences) -> str:
        """The ERP's own name of the vendor or the job, where the element holds its code. Pure."""

    def find_record(self, key: Key) -> StoredRecord | NotFound | Unavailable:
        """The record under the key. Never writes."""

    def find_records(self, keys: Sequence[Key]) -> Mapping[Key, StoredRecord] | Unavailable:
        """As ``find_record``, for at most ``MAX_RECORDS_AT_ONCE`` keys by one look; what is missing is
        absent.
        """

    def list_job_records(self, job_numbers: Sequence[str]) -> Mapping[Key, StoredRecord] | Unavailable:
        """All records of some jobs, by one look. Never writes."""

    def parse_contract(self, key: Key, record: StoredRecord) -> Contract:
        """A record that was read so. Raises ValueError where it has what we can't hold. Pure."""

    def compare_record(self, calls: tuple[Call, ...], record: StoredRecord) -> Match | Mismatch:
        """Hold a whole plan against a record that was read. Pure."""

    @property
    def has_read_back(self) -> bool:
        """There is a way to look at what is stored."""

    def verify_plan(self, calls: tuple[Call, ...]) -> Verdict:
        """Compare a whole plan with what is stored under its key. Never writes."""

    def describe_caution(self, calls: Sequence[Call]) -> str:
        """Blanks of a plan that the ERP may take for more than is meant; blank where there are none. Pure."""

    def compare_calls(self, calls: tuple[Call, ...], record: StoredRecord) -> CallComparison:
        """Hold each of some calls against a record that ``find_record`` has shown. Pure."""

    def can_read_back(self, call: Call) -> bool:
        """False where a call can't be read back at all: it replaces what it wrote
        before, so that sending it again changes nothing. Pure."""

    def get_record_part(self, call: Call) -> tuple[str, ...]:
        """Which part of its record a call writes: two calls with one part overwrite each other. Pure."""

    def verify_plans(self, plans: Sequence[tuple[Call, ...]]) -> Sequence[Verdict]:
        """As ``verify_plan``, for many plans at the cost of one look; the verdicts are in their order.

        At most ``MAX_RECORDS_AT_ONCE`` plans. Where nobody could look, every verdict is Unavailable.
        """

    def find_moved_records(
        self, plans: Sequence[tuple[Call, ...]]
    ) -> Sequence[tuple[MovedRecord, ...]] | Unavailable:
        """Which records of some plans' jobs are theirs, or may be, under other keys, at the cost of one look.

        An absence under a key proves nothing: people change codes and numbers. Whose a record is, the
        adapter does not know. Plans of one company; at most ``MAX_RECORDS_AT_ONCE``. Never writes.
        """

    def match_record(self, calls: tuple[Call, ...], key: Key, record: StoredRecord) -> MovedRecord | None:
        """The record as the one of a plan's job and lines; None where that can't be said. Pure."""

    def build_moved_calls(self, calls: tuple[Call, ...], record: MovedRecord) -> tuple[Call, ...]:
        """The same calls to the record as it is called now. Pure."""

    def get_billing(self, calls: tuple[Call, ...], record: StoredRecord) -> Billing:
        """Of a record that ``find_record`` has shown. Pure."""

    def send_call(self, call: Call, *, until: float = math.inf) -> Outcome:
        """Exactly one attempt on the wire, with no hidden retry. Raises nothing of the wire's.

        Nothing is handed to the network after ``until``, of ``time.monotonic()``.
        """

    def list_vendors(self) -> Rows[VendorRecord] | Unauthorised | Unavailable:
        """Every vendor of the company, the active ones at least. Never writes."""

    def list_jobs(self) -> Rows[JobRecord] | Unauthorised | Unavailable:
        """Every job of the company, whatever its status. Never writes."""

    def list_phases(self, job_number: str) -> Rows[PhaseRecord] | Unauthorised | Unavailable:
        """Every phase of a job with each of its cost types, whatever their status. Never writes."""

    def read_current_references(self, references: ErpReferences) -> ErpReferences | Unavailable:
        """The ERP's present word on a document's vendor, job and phases, with one look. Never writes."""
