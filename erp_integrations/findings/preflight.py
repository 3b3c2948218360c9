"""The findings: one function, at three moments (docs/product.md, section 5).

Before Send, on the review page and in the Accept box, and before the wire. Nothing here
talks to the ERP or opens a transaction.
"""

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import product

from commitments.models import SENDABLE_STATUSES, Commitment
from erp_integrations.adapters.base import Call, Finding, Fixer, Key, Masters, Severity, comparable_unit
from erp_integrations.adapters.grouping import one_per_cause
from erp_integrations.connections import steering
from erp_integrations.connections.adapting import adapter_for
from erp_integrations.documents import Document, LineItem, content_hash
from erp_integrations.findings import general_ledger, remains
from erp_integrations.findings.changed_amounts import changed_amounts
from erp_integrations.masters import lookup, similarity
from erp_integrations.models import (
    Connection,
    ErpIdHold,
    ExportJob,
    JobLink,
    NonAsciiRule,
    UnitLink,
    VendorLink,
)
from erp_integrations.models.connections import FIXED_PRICE_UNITS

# The approver can still change the ERP ID, so at Send these only warn.
MENDED_AT_ACCEPT = frozenset(
    {"erp-id-too-long", "erp-id-forbidden-characters", "erp-id-taken", "erp-id-fixed"}
)


# Unicode calls the fillers of Hangul letters.
UNSEEN_LETTERS = frozenset("\u115f\u1160\u3164\uffa0")


class Moment(StrEnum):
    """When the findings are asked for."""

    SEND = "send"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Basis:
    """What a plan is made from besides the ERP ID: the document, its links, the connection.

    ``hash`` is what the Accept box carries: if it is another one at the click, the person
    saw something else (docs/product.md, section 6.2).
    """

    document: Document
    connection: Connection | None
    masters: Masters

    @property
    def hash(self) -> str:
        """64 hexadecimal digits, the same as long as nothing that counts has changed."""
        named = {"vendor_name": self.masters.vendor_name, "job_description": self.masters.job_description}
        return self._hash({**self.bound, **named, "wire": self.wire_hash})

    @property
    def wire_hash(self) -> str:
        """What is bound of the connection's settings; blank where nothing is connected."""
        return next(steering.wire_hashes(self.connection)) if self.connection else ""

    def is_what_was_accepted(self, job: ExportJob, *, but_bound: bool = False) -> bool:
        """Whether a job's acceptance binds this, or all of it ``but_bound``.

        One from before names and settings were bound goes by what it bound, and one of which no list told a
        name yet goes on when that is read first.
        """
        if self.connection is None:
            return False
        counted = {} if but_bound else self.bound
        if not job.wire_hash:
            return job.basis_hash == self._hash(counted)
        names = list(product({self.masters.vendor_name, ""}, {self.masters.job_description, ""}))
        return any(
            job.basis_hash
            == self._hash({**counted, "vendor_name": vendor, "job_description": to, "wire": wire})
            for wire in steering.wire_hashes(self.connection, job)
            for vendor, to in names
        )

    @property
    def bound(self) -> dict[str, object]:
        """What the adapter counts besides, by what a person calls it."""
        return adapter_for(self.connection).bound(self.document, self.masters)

    def _hash(self, bound: dict[str, object]) -> str:
        connection = self.connection
        counts: dict[str, object] = {
            "document": content_hash(asdict(self.document)),
            "vendor": self.masters.vendor_code,
            "job": self.masters.job_number,
            "account": self.masters.general_ledger_account,
            "server": connection.server if connection else "",
            "company_code": connection.company_code if connection else "",
        }
        if connection and connection.notes_topic:
            counts["notes_topic"] = connection.notes_topic
        if connection and connection.non_ascii != NonAsciiRule.TRANSLITERATE:
            # Left out where it is the default: what was accepted before the setting came stays accepted.
            counts["non_ascii"] = connection.non_ascii
        if connection and connection.fixed_price_units != FIXED_PRICE_UNITS:
            counts["fixed_price_units"] = connection.fixed_price_units
        counts |= bound
        found = adapter_for(connection).check_masters(self.document, self.masters)
        if said := [(each.code, each.field) for each in found if each.severity is not Severity.CANNOT_CHECK]:
            # Likewise: the first reading of lists that say nothing new changes nothing.
            counts["lists"] = said
        return content_hash(counts)


def document_of(commitment: Commitment) -> Document:
    """The commitment as it stands now, as a document. Two queries besides what is loaded."""
    project = commitment.project
    company = commitment.contract_company
    lines = commitment.lines.select_related("cost_code", "cost_type").order_by("position")
    return Document(
        commitment_id=commitment.pk,
        project_id=project.pk,
        project_name=project.name,
        kind=commitment.kind,
        number=commitment.number,
        title=commitment.title,
        description=commitment.description,
        status=commitment.status,
        trade=commitment.trade,
        issue_date=commitment.issue_date,
        default_retainage=commitment.default_retainage,
        contract_company_id=company.pk if company else None,
        contract_company_name=company.name if company else "",
        currency=project.company.currency,
        created_by_id=commitment.created_by_id,
        lines=tuple(
            LineItem(
                position=line.position,
                cost_code=line.cost_code.code if line.cost_code else "",
                cost_type=line.cost_type.code if line.cost_type else "",
                billing_item=line.billing_item,
                description=line.description,
                quantity=line.quantity,
                unit_of_measure=line.unit_of_measure,
                unit_cost=line.unit_cost,
                amount=line.amount,
            )
            for line in lines
        ),
    )


def basis_of(document: Document) -> Basis:
    """Look up the links of a document as they stand now, and what Spectrum's lists say; eight queries."""
    job = (
        JobLink.objects.select_related("connection__settings").filter(project_id=document.project_id).first()
    )
    if job is None:
        return Basis(document, None, Masters())
    vendor = VendorLink.objects.filter(
        connection=job.connection, contract_company_id=document.contract_company_id
    ).first()
    account, source = general_ledger.account_of(document, job.connection, vendor)
    vendor_code = vendor.vendor_code if vendor else ""
    phase_code = adapter_for(job.connection).phase_code
    listed = lookup.listed(
        job.connection,
        vendor_code=vendor_code,
        job_number=job.job_number,
        phase_codes={phase_code(line.cost_code) for line in document.lines},
    )
    known = Masters(
        vendor_code=vendor_code,
        job_number=job.job_number,
        general_ledger_account=account,
        general_ledger_source=source,
        vendor=listed.vendor,
        job=listed.job,
        phases=listed.phases,
        job_price_method=listed.job_price_method,
        units=_units_of(document, job.connection),
        vendor_name=listed.vendor_name,
        job_description=listed.job_description,
    )
    return Basis(document, job.connection, known)


def _units_of(document: Document, connection: Connection) -> dict[str, str]:
    units = {comparable_unit(line.unit_of_measure) for line in document.lines} - {""}
    links = UnitLink.objects.filter(connection=connection, unit__in=units).order_by("unit")
    return dict(links.values_list("unit", "erp_unit"))


def proposed_erp_id(basis: Basis) -> str:
    """What the commitment will be called in the ERP unless the approver says otherwise.

    A commitment that has a name there keeps it.
    """
    hold = ErpIdHold.objects.filter(commitment_id=basis.document.commitment_id).first()
    return hold.erp_id if hold else adapter_for(basis.connection).propose_erp_id(basis.document)


def is_typed_unseen(basis: Basis, erp_id: str) -> bool:
    """Whether a person chose a number of which nobody but they can look whether it is free."""
    if basis.connection is None or basis.connection.reads_back:
        return False
    return key_of(basis, erp_id) != key_of(basis, proposed_erp_id(basis))


def key_of(basis: Basis, erp_id: str) -> Key:
    """The record's name in the ERP, in normal form."""
    return adapter_for(basis.connection).key(basis.masters, erp_id)


def findings(basis: Basis, *, moment: Moment, erp_id: str, note: str = "") -> list[Finding]:
    """Everything that stands in the way, all at once, blocking ones first. At most four queries."""
    found = [
        *_project_findings(basis.document),
        *adapter_for(basis.connection).check(basis.document, basis.masters, erp_id, note),
        *adapter_for(basis.connection).check_masters(basis.document, basis.masters),
        *_names_unlike(basis),
        *changed_amounts(basis.document),
        *_collisions(basis, erp_id),
        *remains.findings(basis.document.commitment_id, key_of(basis, erp_id), basis.masters.job_number),
    ]
    if not blocking(found):
        parts = {adapter_for(basis.connection).part_of(call) for call in plan(basis, erp_id=erp_id)}
        found += remains.forgotten_lines(basis.document.commitment_id, parts)
    if moment is Moment.SEND:
        found = [
            replace(finding, severity=Severity.WARNING) if finding.code in MENDED_AT_ACCEPT else finding
            for finding in found
            if finding.code != "erp-id-missing"  # says the same as a blank number
        ]
    return by_severity(found)


def by_severity(found: list[Finding]) -> list[Finding]:
    """One for each cause, and blocking ones first."""
    order = list(Severity)
    return sorted(one_per_cause(found), key=lambda finding: order.index(finding.severity))


def blocking(found: list[Finding]) -> list[Finding]:
    """Those that stop an export."""
    return [finding for finding in found if finding.severity is Severity.BLOCKING]


def plan(basis: Basis, *, erp_id: str, note: str = "") -> tuple[Call, ...]:
    """Every call, as it will be stored and sent. Call it only when nothing blocks."""
    return adapter_for(basis.connection).plan(basis.document, basis.masters, erp_id, note)


def is_written(text: str) -> bool:
    """Whether there is anything to read: a letter or a digit, and not only what nobody sees."""
    return any(character.isalnum() and character not in UNSEEN_LETTERS for character in text)


def _project_findings(document: Document) -> list[Finding]:
    found: list[Finding] = []

    def block(code: str, field: str, sentence: str, action: str) -> None:
        found.append(Finding(code, Severity.BLOCKING, sentence, field, action, Fixer.PROJECT))

    if document.status not in SENDABLE_STATUSES[document.kind]:
        block(
            "status-not-approved",
            "Status",
            "Only an approved commitment can go to accounting.",
            "Set the status to Approved.",
        )
    if not is_written(document.number):
        block("number-blank", "Number", "The commitment has no number.", "Enter a number.")
    if not is_written(document.title):
        block("title-blank", "Title", "The commitment has no title.", "Enter a title.")
    if document.contract_company_id is None:
        block(
            "contract-company-missing",
            "Contract Company",
            "No contract company is chosen.",
            "Choose the vendor that this commitment is with.",
        )
    if not document.lines:
        block(
            "no-lines",
            "Schedule of Values",
            "The Schedule of Values has no line.",
            "Add at least one line with a cost code, a cost type and an amount.",
        )
    elif document.total <= 0:
        found.append(
            Finding(
                "total-not-positive",
                Severity.WARNING,
                f"The total is {document.total:,.2f} {document.currency}.",
                "Schedule of Values",
                "Check that a total of zero or less is meant.",
                Fixer.PROJECT,
            )
        )
    return found


def _names_unlike(basis: Basis) -> list[Finding]:
    """A link to another firm, or another site, is told by its name before anybody sends or accepts."""
    document, erp = basis.document, basis.masters
    told = (
        ("vendor", document.contract_company_name, erp.vendor_code, erp.vendor_name, "Contract Company"),
        ("job", document.project_name, erp.job_number, erp.job_description, "Project"),
    )
    return [
        Finding(
            f"{what}-name-unlike",
            Severity.WARNING,
            f"{ours} is linked to {what} {code}, which Spectrum calls {theirs}.",
            field,
            f"Check that this is the {what} that is meant: the money goes there.",
            Fixer.ERP_ADMIN,
        )
        for what, ours, code, theirs, field in told
        if code and not similarity.are_alike(ours, theirs)
    ]


def _collisions(basis: Basis, erp_id: str) -> list[Finding]:
    if basis.connection is None or not basis.masters.vendor_code or not erp_id.strip():
        return []
    key = key_of(basis, erp_id)
    hold = (
        ErpIdHold.objects.filter(connection=basis.connection, vendor_code=key.vendor_code, erp_id=key.erp_id)
        .exclude(commitment_id=basis.document.commitment_id)
        .first()
    )
    if hold is None:
        return []
    return [
        Finding(
            "erp-id-taken",
            Severity.BLOCKING,
            f"Another commitment with this vendor already has the ERP ID {key.erp_id}; "
            "Spectrum would overwrite it without a word.",
            "ERP ID",
            "Choose another ERP ID in the Accept box.",
            Fixer.APPROVER,
        )
    ]
