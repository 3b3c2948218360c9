"""The findings: one function, at three moments (docs/product.md, section 5).

Before Send, on the review page and in the Accept dialog, and before the wire. Nothing here
talks to the ERP or opens a transaction.
"""

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

from django.db.models import QuerySet

from commitments.models import SENDABLE_STATUSES, SubcontractStatus
from directory.db.prepared import Parameter, PreparedQuery
from directory.db.time_zones import format_time
from erp_integrations import name_matching
from erp_integrations.adapters.base import (
    Issue,
    Key,
    ResponsibleParty,
    Severity,
)
from erp_integrations.adapters.issue_grouping import merge_by_cause
from erp_integrations.checks import leftovers
from erp_integrations.checks.approval_basis import ApprovalBasis
from erp_integrations.checks.changed_amounts import check_changed_amounts
from erp_integrations.checks.numbers import NUMBER_ISSUES, check_number
from erp_integrations.models import ErpIdHold, ExportJob, JobBilling, Submission
from erp_integrations.snapshots import Document

# Only the approver can change the ERP ID that a commitment keeps, so at Send these warn.
FIXABLE_AT_ACCEPT = NUMBER_ISSUES | {"erp-id-fixed"}

# Unicode calls the fillers of Hangul letters.
INVISIBLE_LETTERS = frozenset("\u115f\u1160\u3164\uffa0")


class Moment(StrEnum):
    """When the findings are asked for."""

    SEND = "send"
    EXPORT = "export"


def check_export(
    basis: ApprovalBasis, *, moment: Moment, erp_id: str, note: str = "", claims: bool = False
) -> list[Issue]:
    """Everything that stands in the way, all at once, blocking ones first. At most three queries.

    Who ``claims`` the ERP ID next is refused by the database if another has it.
    """
    if basis.document.is_status:
        own = basis.adapter.check_document(basis.document, basis.references, erp_id)
        return list_by_severity([*check_status(basis, erp_id), *own])
    issues = [
        *check_commitment(basis.document),
        *basis.adapter.check_document(basis.document, basis.references, erp_id, note),
        *basis.reference_issues,
        *check_linked_names(basis),
        *([] if claims else check_erp_id_taken(basis, erp_id)),
    ]
    if basis.was_sent_before:
        issues += check_changed_amounts(basis.document)
    if basis.was_sent_before and (left := leftovers.find_leftovers(basis.document.commitment_id)):
        issues += leftovers.check_record(left, basis.get_key(erp_id), basis.references.job_number)
        if not list_blocking(issues):
            parts = {basis.adapter.get_record_part(call) for call in basis.build_calls(erp_id=erp_id)}
            issues += leftovers.check_lines(left, parts)
    if moment is Moment.SEND:
        if not basis.held_erp_id:
            issues = [*check_number(basis, issues)]
        issues = [
            replace(finding, severity=Severity.WARNING)
            if finding.code in FIXABLE_AT_ACCEPT and finding.field != "Number"
            else finding
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


def has_text(text: str) -> bool:
    """There is something to read: a letter or a digit, and not only what nobody sees."""
    return any(character.isalnum() and character not in INVISIBLE_LETTERS for character in text)


def check_commitment(document: Document) -> Iterator[Issue]:
    if document.status not in SENDABLE_STATUSES[document.kind]:
        yield build_project_issue(
            "status-not-approved",
            "Status",
            "Only an approved commitment can go to accounting.",
            "Set the status to Approved.",
        )
    if not has_text(document.number):
        yield build_project_issue(
            "number-blank", "Number", "The commitment has no number.", "Enter a number."
        )
    if not has_text(document.title):
        yield build_project_issue("title-blank", "Title", "The commitment has no title.", "Enter a title.")
    if document.contract_company_id is None:
        yield build_project_issue(
            "contract-company-missing",
            "Contract Company",
            "No contract company is chosen.",
            "Choose the vendor of this commitment.",
        )
    if not document.lines:
        yield build_project_issue(
            "no-lines",
            "Schedule of Values",
            "The Schedule of Values has no lines.",
            "Add at least one line with a cost code, a cost type and an amount.",
        )
    elif document.total <= 0:
        yield Issue(
            "total-not-positive",
            Severity.WARNING,
            f"The total is {document.total:,.2f} {document.currency}.",
            "Schedule of Values",
            "Check that a total of zero or less is intended.",
            ResponsibleParty.PROJECT,
        )


def check_status(basis: ApprovalBasis, erp_id: str) -> Iterator[Issue]:
    """It goes to the record that was exported, and to no other one."""
    document = basis.document
    if basis.connection is None or not basis.references.vendor_code:
        yield Issue(
            "status-elsewhere",
            Severity.BLOCKING,
            "The project is no longer linked to the Spectrum company that has this commitment.",
            "Project",
            "Link it there again.",
            ResponsibleParty.ERP_ADMIN,
        )
    elif basis.get_key(erp_id) != basis.get_key(basis.held_erp_id):
        yield Issue(
            "erp-id-fixed",
            Severity.BLOCKING,
            f"It is in Spectrum as {basis.held_erp_id}. A status does not change that.",
            "ERP ID",
            f"Change it back to {basis.held_erp_id}.",
            ResponsibleParty.APPROVER,
        )
    if document.status != SubcontractStatus.VOID:
        return
    billings = JobBilling.objects.filter(
        job__in=ExportJob.objects.current(),
        job__submission__in=Submission.objects.whole().filter(commitment=document.commitment_id),
    )
    if (billing := billings.first()) and billing.has_amounts:
        yield build_project_issue(
            "void-billed",
            "Status",
            f"When Spectrum was read ({format_time(billing.read_at)}), {billing.billed or 0:,.2f} of it was "
            f"billed and {billing.paid or 0:,.2f} paid, so it can't be Void.",
            "Choose Terminated or Complete.",
        )


def build_project_issue(code: str, field: str, sentence: str, action: str) -> Issue:
    return Issue(code, Severity.BLOCKING, sentence, field, action, ResponsibleParty.PROJECT)


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


def check_erp_id_taken(basis: ApprovalBasis, erp_id: str) -> Iterator[Issue]:
    if basis.connection is None or not basis.references.vendor_code or not erp_id.strip():
        return
    key = basis.get_key(erp_id)
    names = {"vendor_code": key.vendor_code, "erp_id": key.erp_id}
    commitment = basis.document.commitment_id
    if list_other_holds(connection=basis.connection.pk, commitment=commitment, **names):
        yield build_taken_issue(key)


def build_taken_issue(key: Key) -> Issue:
    return Issue(
        "erp-id-taken",
        Severity.BLOCKING,
        f"Another commitment with this vendor already has the ERP ID {key.erp_id}; "
        "Spectrum would overwrite it without warning.",
        "ERP ID",
        "Choose another ERP ID in the Accept dialog.",
        ResponsibleParty.APPROVER,
    )


@PreparedQuery
def list_other_holds(
    connection: Parameter, vendor_code: Parameter, erp_id: Parameter, commitment: Parameter
) -> QuerySet[ErpIdHold]:
    holds = ErpIdHold.objects.filter(connection=connection, vendor_code=vendor_code, erp_id=erp_id)
    return holds.exclude(commitment=commitment)
