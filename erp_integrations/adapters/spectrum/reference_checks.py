"""A commitment against Spectrum's own lists, as they were last read.

Severities follow Spectrum: what it would refuse blocks, what it takes with information warns.
Source: docs/spectrum.md, section 6.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from erp_integrations.adapters.base import (
    AffectedLines,
    ErpReferences,
    Issue,
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

_VENDOR_ISSUES = {
    ReferenceStatus.ABSENT: (
        "vendor-unknown",
        Severity.BLOCKING,
        "{name} is linked to vendor {code}, which Spectrum does not have.",
        "Correct the link in the ERP Integrations tool, or sync master data.",
    ),
    ReferenceStatus.INACTIVE: (
        "vendor-inactive",
        Severity.WARNING,
        "Vendor {code} ({name}) is inactive in Spectrum, which still accepts the commitment.",
        "Check that this is the right vendor.",
    ),
    ReferenceStatus.CLOSED: (
        "vendor-not-used",
        Severity.BLOCKING,
        "Vendor {code} ({name}) is set to “not used” in Spectrum, which accepts nothing more for it.",
        "Have the vendor reopened in Spectrum, or link the Contract Company to another one.",
    ),
    ReferenceStatus.NOT_AMONG_ACTIVE: (
        "vendor-not-among-active",
        Severity.WARNING,
        "Spectrum does not list {code} ({name}) among its active vendors. "
        "It accepts inactive vendors but refuses unknown ones.",
        "Check the vendor in Spectrum and correct the link if it does not exist.",
    ),
}
"""Of each status that counts: code, severity, sentence and action."""

_INACTIVE_JOB = (
    "job-inactive",
    Severity.WARNING,
    "Job {code} ({name}) is inactive in Spectrum.",
    "Check that this is the right job.",
)
_JOB_ISSUES = {
    ReferenceStatus.ABSENT: (
        "job-unknown",
        Severity.BLOCKING,
        "{name} is linked to job {code}, which Spectrum does not have.",
        "Correct the link in the ERP Integrations tool, or sync master data.",
    ),
    ReferenceStatus.CLOSED: (
        "job-complete",
        Severity.BLOCKING,
        "Job {code} ({name}) is complete in Spectrum, which accepts nothing more on it.",
        "Have the job reopened in Spectrum, or link the project to another one.",
    ),
    ReferenceStatus.INACTIVE: _INACTIVE_JOB,
    ReferenceStatus.NOT_AMONG_ACTIVE: _INACTIVE_JOB,
}

_PHASE_ISSUES: Mapping[PhaseStatus | ReferenceStatus | None, tuple[str, Severity, str, str, str, str]] = {
    ReferenceStatus.ABSENT: (
        "line-cost-code-unknown",
        Severity.BLOCKING,
        "cost code",
        "{cost_code} is not a phase of job {job} in Spectrum.",
        "not a phase of job {job} in Spectrum",
        "Choose another cost code, or have the phase added to the job in Spectrum.",
    ),
    None: (
        "line-cost-type-unknown",
        Severity.BLOCKING,
        "cost type",
        "{cost_code} has no cost type {cost_type} on job {job} in Spectrum; it has {cost_types}.",
        "the phase does not have the cost type on job {job} in Spectrum",
        "Choose one of these, or have the cost type added to the phase in Spectrum.",
    ),
    PhaseStatus.COMPLETE: (
        "line-phase-complete",
        Severity.BLOCKING,
        "cost code",
        "{cost_code} with cost type {cost_type} is complete on job {job} in Spectrum, "
        "which accepts nothing more on it.",
        "complete on job {job} in Spectrum, which accepts nothing more on them",
        "Choose another cost code, or have the phase reopened in Spectrum.",
    ),
    PhaseStatus.INACTIVE: (
        "line-phase-inactive",
        Severity.WARNING,
        "cost code",
        "{cost_code} with cost type {cost_type} is inactive on job {job} in Spectrum, "
        "which still accepts it.",
        "inactive on job {job} in Spectrum, which still accepts them",
        "Check that this is the right cost code.",
    ),
}
"""Of each status that counts, absent where the job lacks the phase and none where that lacks the cost type:
code, severity, what of the line it is, detail, cause and action."""


def check_references(document: Document, references: ErpReferences, prices: Prices) -> list[Issue]:
    """The links first, then the lines; lines with the same trouble share a finding."""
    return [
        *check_master_data_read(references),
        *check_links(document, references),
        *check_lines(document, references),
        *check_price_method(document, prices),
    ]


def check_master_data_read(references: ErpReferences) -> Iterator[Issue]:
    has_vendor, has_job = bool(references.vendor_code.strip()), bool(references.job_number.strip())
    is_unread = {
        "the vendor": has_vendor and references.vendor is ReferenceStatus.NOT_READ,
        "the job": has_job and references.job is ReferenceStatus.NOT_READ,
        "the cost codes": has_job
        and references.phases is None
        and references.job is not ReferenceStatus.ABSENT,
    }
    if unread := [name for name, holds in is_unread.items() if holds]:
        yield Issue(
            "masters-not-read",
            Severity.CANNOT_CHECK,
            f"Whether Spectrum knows {format_list(unread)} can't be checked now: "
            "master data has not been synced yet. Whether Spectrum keeps unit costs is unknown, too.",
            "Master data",
            "It is synced once a day. See the Vendors page of ERP Integrations.",
            ResponsibleParty.ERP_ADMIN,
        )


def check_links(document: Document, references: ErpReferences) -> Iterator[Issue]:
    vendor, job = references.vendor_code.strip(), references.job_number.strip()
    for code, issues, status, field, name in (
        (vendor, _VENDOR_ISSUES, references.vendor, "Contract Company", document.contract_company_name),
        (job, _JOB_ISSUES, references.job, "Project", document.project_name),
    ):
        if code and status in issues:
            issue, severity, sentence, action = issues[status]
            sentence = sentence.format(code=code, name=name)
            yield Issue(issue, severity, sentence, field, action, ResponsibleParty.ERP_ADMIN)


def check_lines(document: Document, references: ErpReferences) -> Iterator[Issue]:
    if references.phases is None:
        return
    phases: defaultdict[str, dict[str, PhaseStatus]] = defaultdict(dict)
    for phase in references.phases:
        phases[get_comparable_phase(phase.code)][phase.cost_type.strip().upper()] = phase.status
    lines: defaultdict[tuple[str, str], list[LineItem]] = defaultdict(list)
    unknown: defaultdict[str, list[LineItem]] = defaultdict(list)
    for line in document.lines:
        code, cost_type, _ = get_line_key(line)
        if code and code not in phases:
            unknown[code].append(line)
        elif code and cost_type:
            lines[code, cost_type].append(line)
    groups = [
        *((same, ReferenceStatus.ABSENT, "") for same in unknown.values()),
        *(
            (same, phases[code].get(cost_type), format_list(sorted(phases[code])))
            for (code, cost_type), same in lines.items()
        ),
    ]
    for same, status, cost_types in groups:
        if status in _PHASE_ISSUES:
            issue, severity, what, *texts, action = _PHASE_ISSUES[status]
            cost_code, cost_type = same[0].cost_code.strip(), same[0].cost_type.strip()
            names = {"cost_code": cost_code, "cost_type": cost_type, "cost_types": cost_types}
            detail, cause = (each.format(**names, job=references.job_number.strip()) for each in texts)
            # Not `named`: the name is part of what an acceptance is bound to, and another would undo those
            # that wait.
            positions = tuple(line.position for line in same)
            numbers = format_list([str(each) for each in positions])
            name = f"{'Line' if len(same) == 1 else 'Lines'} {numbers}, {what}"
            on = AffectedLines(positions, what, f": {detail}", cause, f"{cost_code} {cost_type}".strip())
            party = ResponsibleParty.PROJECT
            yield Issue(issue, severity, f"{name}: {detail}", name, action, party, affected=(on,))


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
