"""The findings: one function, at three moments (docs/product.md, section 5).

Before Send, on the review page and in the Accept dialog, and before the wire. Nothing here
talks to the ERP or opens a transaction.
"""

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import product

from commitments.models import SENDABLE_STATUSES, Commitment
from erp_integrations import name_matching
from erp_integrations.adapters.base import (
    Call,
    ErpReferences,
    Issue,
    Key,
    ResponsibleParty,
    Severity,
    get_comparable_unit,
)
from erp_integrations.adapters.issue_grouping import merge_by_cause
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.checks import general_ledger, leftovers
from erp_integrations.checks.changed_amounts import check_changed_amounts
from erp_integrations.confirmations import controlled_settings
from erp_integrations.master_data import lookup
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
from erp_integrations.snapshots import Document, LineItem, hash_content

# The approver can still change the ERP ID, so at Send these only warn.
FIXABLE_AT_ACCEPT = frozenset(
    {"erp-id-too-long", "erp-id-forbidden-characters", "erp-id-taken", "erp-id-fixed"}
)


# Unicode calls the fillers of Hangul letters.
INVISIBLE_LETTERS = frozenset("\u115f\u1160\u3164\uffa0")


class Moment(StrEnum):
    """When the findings are asked for."""

    SEND = "send"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class ApprovalBasis:
    """What a plan is made from besides the ERP ID: the document, its links, the connection.

    ``hash`` is what the Accept box carries: if it is another one at the click, the person
    saw something else (docs/product.md, section 6.2).
    """

    document: Document
    connection: Connection | None
    references: ErpReferences

    @property
    def hash(self) -> str:
        """64 hexadecimal digits, the same as long as nothing that counts has changed."""
        named = {
            "vendor_name": self.references.vendor_name,
            "job_description": self.references.job_description,
        }
        return self._hash({**self.bound, **named, "wire": self.wire_hash})

    @property
    def wire_hash(self) -> str:
        """What is bound of the connection's settings; blank where nothing is connected."""
        return next(controlled_settings.hash_wire_settings(self.connection)) if self.connection else ""

    def is_bound_by(self, job: ExportJob, *, except_bound: bool = False) -> bool:
        """Whether a job's acceptance binds this, or all of it ``but_bound``.

        One from before names and settings were bound goes by what it bound, and one of which no list told a
        name yet goes on when that is read first.
        """
        if self.connection is None:
            return False
        counted = {} if except_bound else self.bound
        if not job.wire_hash:
            return job.basis_hash == self._hash(counted)
        names = list(product({self.references.vendor_name, ""}, {self.references.job_description, ""}))
        return any(
            job.basis_hash
            == self._hash({**counted, "vendor_name": vendor, "job_description": to, "wire": wire})
            for wire in controlled_settings.hash_wire_settings(self.connection, job)
            for vendor, to in names
        )

    @property
    def bound(self) -> dict[str, object]:
        """What the adapter counts besides, by what a person calls it."""
        return get_adapter(self.connection).get_bound_values(self.document, self.references)

    def _hash(self, bound: dict[str, object]) -> str:
        connection = self.connection
        counts: dict[str, object] = {
            "document": hash_content(asdict(self.document)),
            "vendor": self.references.vendor_code,
            "job": self.references.job_number,
            "account": self.references.general_ledger_account,
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
        issues = get_adapter(connection).check_references(self.document, self.references)
        if known_issues := [
            (each.code, each.field) for each in issues if each.severity is not Severity.CANNOT_CHECK
        ]:
            # Likewise: the first reading of lists that say nothing new changes nothing.
            counts["lists"] = known_issues
        return hash_content(counts)


def build_document(commitment: Commitment) -> Document:
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


def build_basis(document: Document) -> ApprovalBasis:
    """Look up the links of a document as they are now, and what master data say; eight queries."""
    job = (
        JobLink.objects.select_related("connection__settings").filter(project_id=document.project_id).first()
    )
    if job is None:
        return ApprovalBasis(document, None, ErpReferences())
    vendor = VendorLink.objects.filter(
        connection=job.connection, contract_company_id=document.contract_company_id
    ).first()
    account, source = general_ledger.get_account(document, job.connection, vendor)
    vendor_code = vendor.vendor_code if vendor else ""
    phase_code = get_adapter(job.connection).get_phase_code
    master_data = lookup.find_references(
        job.connection,
        vendor_code=vendor_code,
        job_number=job.job_number,
        phase_codes={phase_code(line.cost_code) for line in document.lines},
    )
    references = ErpReferences(
        vendor_code=vendor_code,
        job_number=job.job_number,
        general_ledger_account=account,
        general_ledger_source=source,
        vendor=master_data.vendor,
        job=master_data.job,
        phases=master_data.phases,
        job_price_method=master_data.job_price_method,
        units=get_units(document, job.connection),
        vendor_name=master_data.vendor_name,
        job_description=master_data.job_description,
    )
    return ApprovalBasis(document, job.connection, references)


def get_units(document: Document, connection: Connection) -> dict[str, str]:
    units = {get_comparable_unit(line.unit_of_measure) for line in document.lines} - {""}
    links = UnitLink.objects.filter(connection=connection, unit__in=units).order_by("unit")
    return dict(links.values_list("unit", "erp_unit"))


def get_proposed_erp_id(basis: ApprovalBasis) -> str:
    """What the commitment will be called in the ERP unless the approver says otherwise.

    A commitment that has a name there keeps it.
    """
    hold = ErpIdHold.objects.filter(commitment_id=basis.document.commitment_id).first()
    return hold.erp_id if hold else get_adapter(basis.connection).get_proposed_erp_id(basis.document)


def is_unchecked_erp_id(basis: ApprovalBasis, erp_id: str) -> bool:
    """Whether a person chose a number of which nobody but they can look whether it is free."""
    if basis.connection is None or basis.connection.has_read_back:
        return False
    return get_key(basis, erp_id) != get_key(basis, get_proposed_erp_id(basis))


def get_key(basis: ApprovalBasis, erp_id: str) -> Key:
    """The record's name in the ERP, in normal form."""
    return get_adapter(basis.connection).build_key(basis.references, erp_id)


def check_export(basis: ApprovalBasis, *, moment: Moment, erp_id: str, note: str = "") -> list[Issue]:
    """Everything that stands in the way, all at once, blocking ones first. At most four queries."""
    issues = [
        *check_commitment(basis.document),
        *get_adapter(basis.connection).check_document(basis.document, basis.references, erp_id, note),
        *get_adapter(basis.connection).check_references(basis.document, basis.references),
        *check_linked_names(basis),
        *check_changed_amounts(basis.document),
        *check_erp_id_taken(basis, erp_id),
        *leftovers.check_leftovers(
            basis.document.commitment_id, get_key(basis, erp_id), basis.references.job_number
        ),
    ]
    if not list_blocking(issues):
        parts = {
            get_adapter(basis.connection).get_record_part(call) for call in build_calls(basis, erp_id=erp_id)
        }
        issues += leftovers.check_leftover_lines(basis.document.commitment_id, parts)
    if moment is Moment.SEND:
        issues = [
            replace(finding, severity=Severity.WARNING) if finding.code in FIXABLE_AT_ACCEPT else finding
            for finding in issues
            if finding.code != "erp-id-missing"  # says the same as a blank number
        ]
    return list_by_severity(issues)


def list_by_severity(issues: list[Issue]) -> list[Issue]:
    """One for each cause, and blocking ones first."""
    order = list(Severity)
    return sorted(merge_by_cause(issues), key=lambda finding: order.index(finding.severity))


def list_blocking(issues: list[Issue]) -> list[Issue]:
    """Those that stop an export."""
    return [finding for finding in issues if finding.severity is Severity.BLOCKING]


def build_calls(basis: ApprovalBasis, *, erp_id: str, note: str = "") -> tuple[Call, ...]:
    """Every call, as it will be stored and sent. Call it only when nothing blocks."""
    return get_adapter(basis.connection).build_calls(basis.document, basis.references, erp_id, note)


def has_text(text: str) -> bool:
    """Whether there is anything to read: a letter or a digit, and not only what nobody sees."""
    return any(character.isalnum() and character not in INVISIBLE_LETTERS for character in text)


def check_commitment(document: Document) -> list[Issue]:
    issues: list[Issue] = []

    def add_blocking_issue(code: str, field: str, sentence: str, action: str) -> None:
        issues.append(Issue(code, Severity.BLOCKING, sentence, field, action, ResponsibleParty.PROJECT))

    if document.status not in SENDABLE_STATUSES[document.kind]:
        add_blocking_issue(
            "status-not-approved",
            "Status",
            "Only an approved commitment can go to accounting.",
            "Set the status to Approved.",
        )
    if not has_text(document.number):
        add_blocking_issue("number-blank", "Number", "The commitment has no number.", "Enter a number.")
    if not has_text(document.title):
        add_blocking_issue("title-blank", "Title", "The commitment has no title.", "Enter a title.")
    if document.contract_company_id is None:
        add_blocking_issue(
            "contract-company-missing",
            "Contract Company",
            "No contract company is chosen.",
            "Choose the vendor of this commitment.",
        )
    if not document.lines:
        add_blocking_issue(
            "no-lines",
            "Schedule of Values",
            "The Schedule of Values has no lines.",
            "Add at least one line with a cost code, a cost type and an amount.",
        )
    elif document.total <= 0:
        issues.append(
            Issue(
                "total-not-positive",
                Severity.WARNING,
                f"The total is {document.total:,.2f} {document.currency}.",
                "Schedule of Values",
                "Check that a total of zero or less is intended.",
                ResponsibleParty.PROJECT,
            )
        )
    return issues


def check_linked_names(basis: ApprovalBasis) -> list[Issue]:
    """A link to another firm, or another site, is told by its name before anybody sends or accepts."""
    document, references = basis.document, basis.references
    linked = (
        (
            "vendor",
            document.contract_company_name,
            references.vendor_code,
            references.vendor_name,
            "Contract Company",
        ),
        ("job", document.project_name, references.job_number, references.job_description, "Project"),
    )
    return [
        Issue(
            f"{what}-name-unlike",
            Severity.WARNING,
            f"{ours} is linked to {what} {code}, which is called {theirs} in Spectrum.",
            field,
            f"Check that this is the right {what}: the money goes there.",
            ResponsibleParty.ERP_ADMIN,
        )
        for what, ours, code, theirs, field in linked
        if code and not name_matching.is_similar(ours, theirs)
    ]


def check_erp_id_taken(basis: ApprovalBasis, erp_id: str) -> list[Issue]:
    if basis.connection is None or not basis.references.vendor_code or not erp_id.strip():
        return []
    key = get_key(basis, erp_id)
    hold = (
        ErpIdHold.objects.filter(connection=basis.connection, vendor_code=key.vendor_code, erp_id=key.erp_id)
        .exclude(commitment_id=basis.document.commitment_id)
        .first()
    )
    if hold is None:
        return []
    return [
        Issue(
            "erp-id-taken",
            Severity.BLOCKING,
            f"Another commitment with this vendor already has the ERP ID {key.erp_id}; "
            "Spectrum would overwrite it without warning.",
            "ERP ID",
            "Choose another ERP ID in the Accept dialog.",
            ResponsibleParty.APPROVER,
        )
    ]
