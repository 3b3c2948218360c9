"""What Spectrum's own lists, as they were last read, say against a commitment.

Severities follow Spectrum: what it would refuse blocks, what it takes with information warns.
Source: docs/spectrum.md, section 6.
"""

from collections import defaultdict
from collections.abc import Iterator

from erp_integrations.adapters.base import (
    AffectedLines,
    ErpReferences,
    Issue,
    PhaseRecord,
    PhaseStatus,
    ReferenceStatus,
    ResponsibleParty,
    Severity,
)
from erp_integrations.adapters.issue_grouping import format_line_ranges, format_list
from erp_integrations.adapters.spectrum.mapping import describe_amount_only, get_line_key
from erp_integrations.adapters.spectrum.phase_codes import get_comparable_phase
from erp_integrations.adapters.spectrum.prices import PriceBasis, Prices
from erp_integrations.snapshots import Document, LineItem


def check_references(document: Document, references: ErpReferences, prices: Prices) -> list[Issue]:
    """The links first, then the lines; lines with the same trouble share a finding."""
    return [
        *check_master_data_read(references),
        *check_vendor(document, references),
        *check_job(document, references),
        *check_lines(document, references),
        *check_price_method(document, prices),
    ]


def check_master_data_read(references: ErpReferences) -> Iterator[Issue]:
    unread = []
    if references.vendor_code.strip() and references.vendor is ReferenceStatus.NOT_READ:
        unread.append("the vendor")
    if references.job_number.strip() and references.job is ReferenceStatus.NOT_READ:
        unread += ["the job"]
    if (
        references.job_number.strip()
        and references.phases is None
        and references.job is not ReferenceStatus.ABSENT
    ):
        unread += ["the cost codes"]
    if unread:
        yield Issue(
            "masters-not-read",
            Severity.CANNOT_CHECK,
            f"Whether Spectrum knows {format_list(unread)} can't be checked now: "
            "master data has not been synced yet. Whether Spectrum keeps unit costs is unknown, too.",
            "Master data",
            "It is synced once a day. See the Vendors page of ERP Integrations.",
            ResponsibleParty.ERP_ADMIN,
        )


def check_vendor(document: Document, references: ErpReferences) -> Iterator[Issue]:
    code, name = references.vendor_code.strip(), document.contract_company_name
    if not code:
        return
    match references.vendor:
        case ReferenceStatus.ABSENT:
            yield Issue(
                "vendor-unknown",
                Severity.BLOCKING,
                f"{name} is linked to vendor {code}, which Spectrum does not have.",
                "Contract Company",
                "Correct the link in the ERP Integrations tool, or sync master data.",
                ResponsibleParty.ERP_ADMIN,
            )
        case ReferenceStatus.INACTIVE:
            yield Issue(
                "vendor-inactive",
                Severity.WARNING,
                f"Vendor {code} ({name}) is inactive in Spectrum, which still accepts the commitment.",
                "Contract Company",
                "Check that this is the right vendor.",
                ResponsibleParty.ERP_ADMIN,
            )
        case ReferenceStatus.CLOSED:
            yield Issue(
                "vendor-not-used",
                Severity.BLOCKING,
                f"Vendor {code} ({name}) is set to “not used” in Spectrum, which accepts nothing "
                "more for it.",
                "Contract Company",
                "Have the vendor reopened in Spectrum, or link the Contract Company to another one.",
                ResponsibleParty.ERP_ADMIN,
            )
        case ReferenceStatus.NOT_AMONG_ACTIVE:
            yield Issue(
                "vendor-not-among-active",
                Severity.WARNING,
                f"Spectrum does not list {code} ({name}) among its active vendors. "
                "It accepts inactive vendors but refuses unknown ones.",
                "Contract Company",
                "Check the vendor in Spectrum and correct the link if it does not exist.",
                ResponsibleParty.ERP_ADMIN,
            )


def check_job(document: Document, references: ErpReferences) -> Iterator[Issue]:
    number = references.job_number.strip()
    if not number:
        return
    if references.job is ReferenceStatus.ABSENT:
        yield Issue(
            "job-unknown",
            Severity.BLOCKING,
            f"{document.project_name} is linked to job {number}, which Spectrum does not have.",
            "Project",
            "Correct the link in the ERP Integrations tool, or sync master data.",
            ResponsibleParty.ERP_ADMIN,
        )
    elif references.job is ReferenceStatus.CLOSED:
        yield Issue(
            "job-complete",
            Severity.BLOCKING,
            f"Job {number} ({document.project_name}) is complete in Spectrum, "
            "which accepts nothing more on it.",
            "Project",
            "Have the job reopened in Spectrum, or link the project to another one.",
            ResponsibleParty.ERP_ADMIN,
        )
    elif references.job in (ReferenceStatus.INACTIVE, ReferenceStatus.NOT_AMONG_ACTIVE):
        yield Issue(
            "job-inactive",
            Severity.WARNING,
            f"Job {number} ({document.project_name}) is inactive in Spectrum.",
            "Project",
            "Check that this is the right job.",
            ResponsibleParty.ERP_ADMIN,
        )


def check_lines(document: Document, references: ErpReferences) -> Iterator[Issue]:
    if references.phases is None:
        return
    phases: defaultdict[str, dict[str, PhaseRecord]] = defaultdict(dict)
    for phase in references.phases:
        phases[get_comparable_phase(phase.code)][phase.cost_type.strip().upper()] = phase
    lines: defaultdict[tuple[str, str], list[LineItem]] = defaultdict(list)
    unknown: defaultdict[str, list[LineItem]] = defaultdict(list)
    for line in document.lines:
        code, cost_type, _ = get_line_key(line)
        if code and code not in phases:
            unknown[code].append(line)
        elif code and cost_type:
            lines[code, cost_type].append(line)
    job = references.job_number.strip()
    for same in unknown.values():
        yield build_phase_issue(
            "line-cost-code-unknown",
            same,
            "cost code",
            f"{same[0].cost_code.strip()} is not a phase of job {job} in Spectrum.",
            f"not a phase of job {job} in Spectrum",
            "Choose another cost code, or have the phase added to the job in Spectrum.",
        )
    for (code, cost_type), same in lines.items():
        yield from check_phase(same, phases[code].get(cost_type), sorted(phases[code]), job)


def check_price_method(document: Document, prices: Prices) -> Iterator[Issue]:
    """Where the lists were read and still nobody knows what Spectrum keeps of lines with a unit cost."""
    unknown_at = [
        line.position
        for line in document.lines
        if prices.find_phase(line)
        and not describe_amount_only(line, prices)
        and prices.get_basis(line) is PriceBasis.UNKNOWN
    ]
    if unknown_at:
        yield Issue(
            "price-method-not-known",
            Severity.CANNOT_CHECK,
            "Whether Spectrum keeps the unit costs of "
            f"{format_line_ranges(unknown_at).lower()} can't be checked now: "
            "the price method of the job or of the phases is unknown. It may keep the amounts only.",
            f"{format_line_ranges(unknown_at)}, unit cost",
            "You can continue: both are sent. The Settings of ERP Integrations say which price methods mean "
            "unit price, and master data read through Info-Link shows them.",
            ResponsibleParty.ERP_ADMIN,
        )


def check_phase(
    same: list[LineItem], phase: PhaseRecord | None, cost_types: list[str], job: str
) -> Iterator[Issue]:
    cost_code, cost_type = same[0].cost_code.strip(), same[0].cost_type.strip()
    if phase is None:
        yield build_phase_issue(
            "line-cost-type-unknown",
            same,
            "cost type",
            f"{cost_code} has no cost type {cost_type} on job {job} in Spectrum; "
            f"it has {format_list(cost_types)}.",
            f"the phase does not have the cost type on job {job} in Spectrum",
            "Choose one of these, or have the cost type added to the phase in Spectrum.",
        )
    elif phase.status is PhaseStatus.COMPLETE:
        yield build_phase_issue(
            "line-phase-complete",
            same,
            "cost code",
            f"{cost_code} with cost type {cost_type} is complete on job {job} in Spectrum, "
            "which accepts nothing more on it.",
            f"complete on job {job} in Spectrum, which accepts nothing more on them",
            "Choose another cost code, or have the phase reopened in Spectrum.",
        )
    elif phase.status is PhaseStatus.INACTIVE:
        yield build_phase_issue(
            "line-phase-inactive",
            same,
            "cost code",
            f"{cost_code} with cost type {cost_type} is inactive on job {job} in Spectrum, "
            "which still accepts it.",
            f"inactive on job {job} in Spectrum, which still accepts them",
            "Check that this is the right cost code.",
            Severity.WARNING,
        )


def build_phase_issue(
    code: str,
    same: list[LineItem],
    what: str,
    detail: str,
    cause: str,
    action: str,
    severity: Severity = Severity.BLOCKING,
) -> Issue:
    # Not `named`: the name is part of what an acceptance is bound to, and another would undo those that wait.
    positions = tuple(line.position for line in same)
    name = f"{'Line' if len(same) == 1 else 'Lines'} {format_list([str(each) for each in positions])}, {what}"
    value = f"{same[0].cost_code.strip()} {same[0].cost_type.strip()}".strip()
    on = AffectedLines(positions, what, f": {detail}", cause, value)
    return Issue(code, severity, f"{name}: {detail}", name, action, ResponsibleParty.PROJECT, affected=(on,))
