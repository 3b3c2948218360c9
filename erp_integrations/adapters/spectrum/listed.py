"""What Spectrum's own lists, as they were last read, say against a commitment.

Severities follow Spectrum: what it would refuse blocks, what it takes with information warns.
Source: docs/spectrum.md, section 6.
"""

from collections import defaultdict
from collections.abc import Iterator

from erp_integrations.adapters.base import (
    Finding,
    Fixer,
    Known,
    Masters,
    OnLines,
    PhaseRecord,
    PhaseStatus,
    Severity,
)
from erp_integrations.adapters.grouping import joined, ranged
from erp_integrations.adapters.spectrum.mapping import line_key, why_only_an_amount
from erp_integrations.adapters.spectrum.prices import Kept, Prices
from erp_integrations.documents import Document, LineItem


def check(document: Document, masters: Masters, prices: Prices) -> list[Finding]:
    """The links first, then the lines; lines with the same trouble share a finding."""
    return [
        *_not_read(masters),
        *_vendor(document, masters),
        *_job(document, masters),
        *_lines(document, masters),
        *_price_method(document, prices),
    ]


def _not_read(masters: Masters) -> Iterator[Finding]:
    unread = []
    if masters.vendor_code.strip() and masters.vendor is Known.NOT_READ:
        unread.append("the vendor")
    if masters.job_number.strip() and masters.job is Known.NOT_READ:
        unread += ["the job"]
    if masters.job_number.strip() and masters.phases is None and masters.job is not Known.ABSENT:
        unread += ["the cost codes"]
    if unread:
        yield Finding(
            "masters-not-read",
            Severity.CANNOT_CHECK,
            f"Whether Spectrum knows {joined(unread)} can't be checked now: "
            "its lists have not been read yet. Whether it keeps unit costs is not known either.",
            "Spectrum's lists",
            "They are read by themselves once a day; the page Vendors of ERP Integrations says more.",
            Fixer.ERP_ADMIN,
        )


def _vendor(document: Document, masters: Masters) -> Iterator[Finding]:
    code, name = masters.vendor_code.strip(), document.contract_company_name
    if not code:
        return
    match masters.vendor:
        case Known.ABSENT:
            yield Finding(
                "vendor-unknown",
                Severity.BLOCKING,
                f"{name} is linked to vendor {code}, which Spectrum does not have.",
                "Contract Company",
                "Correct the link in the ERP Integrations tool, or read Spectrum's lists again.",
                Fixer.ERP_ADMIN,
            )
        case Known.INACTIVE:
            yield Finding(
                "vendor-inactive",
                Severity.WARNING,
                f"Vendor {code} ({name}) is inactive in Spectrum, which takes the commitment all the same.",
                "Contract Company",
                "Check that this vendor is meant.",
                Fixer.ERP_ADMIN,
            )
        case Known.CLOSED:
            yield Finding(
                "vendor-not-used",
                Severity.BLOCKING,
                f"Vendor {code} ({name}) is set to “not used” in Spectrum, which takes nothing more for it.",
                "Contract Company",
                "Have the vendor opened again in Spectrum, or link the Contract Company to another one.",
                Fixer.ERP_ADMIN,
            )
        case Known.NOT_AMONG_ACTIVE:
            yield Finding(
                "vendor-not-among-active",
                Severity.WARNING,
                f"Spectrum does not list {code} ({name}) among its active vendors. "
                "It takes an inactive one, and refuses one that does not exist.",
                "Contract Company",
                "Look the vendor up in Spectrum, and correct the link if it does not exist.",
                Fixer.ERP_ADMIN,
            )


def _job(document: Document, masters: Masters) -> Iterator[Finding]:
    number = masters.job_number.strip()
    if not number:
        return
    if masters.job is Known.ABSENT:
        yield Finding(
            "job-unknown",
            Severity.BLOCKING,
            f"{document.project_name} is linked to job {number}, which Spectrum does not have.",
            "Project",
            "Correct the link in the ERP Integrations tool, or read Spectrum's lists again.",
            Fixer.ERP_ADMIN,
        )
    elif masters.job is Known.CLOSED:
        yield Finding(
            "job-complete",
            Severity.BLOCKING,
            f"Job {number} ({document.project_name}) is complete in Spectrum, "
            "which takes nothing more on it.",
            "Project",
            "Have the job opened again in Spectrum, or link the project to another one.",
            Fixer.ERP_ADMIN,
        )
    elif masters.job in (Known.INACTIVE, Known.NOT_AMONG_ACTIVE):
        yield Finding(
            "job-inactive",
            Severity.WARNING,
            f"Job {number} ({document.project_name}) is inactive in Spectrum.",
            "Project",
            "Check that this job is meant.",
            Fixer.ERP_ADMIN,
        )


def _lines(document: Document, masters: Masters) -> Iterator[Finding]:
    if masters.phases is None:
        return
    phases: defaultdict[str, dict[str, PhaseRecord]] = defaultdict(dict)
    for phase in masters.phases:
        phases[phase.code.strip().upper()][phase.cost_type.strip().upper()] = phase
    lines: defaultdict[tuple[str, str], list[LineItem]] = defaultdict(list)
    unknown: defaultdict[str, list[LineItem]] = defaultdict(list)
    for line in document.lines:
        code, cost_type, _ = line_key(line)
        if code and code not in phases:
            unknown[code].append(line)
        elif code and cost_type:
            lines[code, cost_type].append(line)
    job = masters.job_number.strip()
    for same in unknown.values():
        yield _finding(
            "line-cost-code-unknown",
            same,
            "cost code",
            f"{same[0].cost_code.strip()} is no phase of job {job} in Spectrum.",
            f"no phase of job {job} in Spectrum",
            "Choose another cost code, or have the phase added to the job in Spectrum.",
        )
    for (code, cost_type), same in lines.items():
        yield from _line(same, phases[code].get(cost_type), sorted(phases[code]), job)


def _price_method(document: Document, prices: Prices) -> Iterator[Finding]:
    """Where the lists were read and still nobody knows what Spectrum keeps of lines with a unit cost."""
    unknown_at = [
        line.position
        for line in document.lines
        if prices.phase(line) and not why_only_an_amount(line, prices) and prices.of(line) is Kept.UNKNOWN
    ]
    if unknown_at:
        yield Finding(
            "price-method-not-known",
            Severity.CANNOT_CHECK,
            f"Whether Spectrum keeps the unit costs of {ranged(unknown_at).lower()} can't be checked now: "
            "the price method of the job or of the phases is not known. It may keep the amounts alone.",
            f"{ranged(unknown_at)}, unit cost",
            "You can go on: both are sent. The Settings of ERP Integrations say which price methods mean "
            "unit price, and Spectrum's lists show them through Info-Link.",
            Fixer.ERP_ADMIN,
        )


def _line(
    same: list[LineItem], phase: PhaseRecord | None, cost_types: list[str], job: str
) -> Iterator[Finding]:
    cost_code, cost_type = same[0].cost_code.strip(), same[0].cost_type.strip()
    if phase is None:
        yield _finding(
            "line-cost-type-unknown",
            same,
            "cost type",
            f"{cost_code} has no cost type {cost_type} on job {job} in Spectrum; "
            f"it has {joined(cost_types)}.",
            f"the phase does not have the cost type on job {job} in Spectrum",
            "Choose one of these, or have the cost type added to the phase in Spectrum.",
        )
    elif phase.status is PhaseStatus.COMPLETE:
        yield _finding(
            "line-phase-complete",
            same,
            "cost code",
            f"{cost_code} with cost type {cost_type} is complete on job {job} in Spectrum, "
            "which takes nothing more on it.",
            f"complete on job {job} in Spectrum, which takes nothing more on them",
            "Choose another cost code, or have the phase opened again in Spectrum.",
        )
    elif phase.status is PhaseStatus.INACTIVE:
        yield _finding(
            "line-phase-inactive",
            same,
            "cost code",
            f"{cost_code} with cost type {cost_type} is inactive on job {job} in Spectrum, "
            "which takes it all the same.",
            f"inactive on job {job} in Spectrum, which takes them all the same",
            "Check that this cost code is meant.",
            Severity.WARNING,
        )


def _finding(
    code: str,
    same: list[LineItem],
    what: str,
    detail: str,
    cause: str,
    action: str,
    severity: Severity = Severity.BLOCKING,
) -> Finding:
    # Not `named`: the name is part of what an acceptance is bound to, and another would undo those that wait.
    positions = tuple(line.position for line in same)
    name = f"{'Line' if len(same) == 1 else 'Lines'} {joined([str(each) for each in positions])}, {what}"
    value = f"{same[0].cost_code.strip()} {same[0].cost_type.strip()}".strip()
    on = OnLines(positions, what, f": {detail}", cause, value)
    return Finding(code, severity, f"{name}: {detail}", name, action, Fixer.PROJECT, on=(on,))
