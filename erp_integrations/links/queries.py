"""Which of a company's vendors and projects are linked, and what in Spectrum looks like the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from commitments.models import SENDABLE_STATUSES, Commitment, ContractCompany, Lock
from directory.db import pagination
from directory.db.pagination import Page
from directory.models import Company, Project
from erp_integrations.confirmations import waiting as waiting_changes
from erp_integrations.confirmations.subjects import Kind, Subject
from erp_integrations.confirmations.waiting import Waiting
from erp_integrations.models import Connection, Job, JobLink, Vendor, VendorLink
from erp_integrations.similarity import Suggestion, alike

COUNTED_TO = 100  # nobody reads a larger number
SHOWN_IN_SEARCH = 20

VIEWS: Mapping[str, str] = {
    "not-linked": "Not linked",
    "work-waits": "Not linked, work waits",
    "linked": "Linked",
    "all": "All",
}
"""The choices of the filter, by address; the first is the default."""


@dataclass(frozen=True, slots=True)
class VendorRow:
    """A contract company, its link on the connection, what that vendor is in Spectrum's list, and a
    ``change`` of the link that waits for a second person.

    ``waiting`` are its commitments that could go to accounting, or are there, and are not exported.
    """

    contract_company: ContractCompany
    link: VendorLink | None
    vendor: Vendor | None
    waiting: int
    suggestions: list[Suggestion[Vendor]] = field(default_factory=list)
    change: Waiting | None = None


@dataclass(frozen=True, slots=True)
class JobRow:
    """A project, its link, and what that job is in Spectrum's list."""

    project: Project
    link: JobLink | None
    job: Job | None
    waiting: int
    suggestions: list[Suggestion[Job]] = field(default_factory=list)
    change: Waiting | None = None


def commitments_waiting(company: Company) -> QuerySet[Commitment]:
    """Those that could go to accounting as far as their status goes, or are there, and are not exported."""
    return Commitment.objects.filter(_sendable(), project__company=company).exclude(lock=Lock.EXPORTED)


def vendors_where_work_waits(company: Company) -> QuerySet[Any, Any]:
    """The contract companies, by id, that have such a commitment and no link where it would go."""
    link = VendorLink.objects.filter(
        contract_company=OuterRef("contract_company"), connection=OuterRef("project__job_link__connection")
    )
    return (
        commitments_waiting(company)
        .filter(~Exists(link), project__job_link__isnull=False, contract_company__isnull=False)
        .order_by()
        .values("contract_company")
        .distinct()
    )


def projects_where_work_waits(company: Company) -> QuerySet[Any, Any]:
    """The projects, by id, that have such a commitment and no link."""
    return (
        commitments_waiting(company)
        .filter(project__job_link__isnull=True)
        .order_by()
        .values("project")
        .distinct()
    )


def counted(rows: QuerySet[Any, Any]) -> str:
    """How many, "100+" for more; blank for none."""
    count = rows[: COUNTED_TO + 1].count()
    return "" if count == 0 else f"{COUNTED_TO}+" if count > COUNTED_TO else str(count)


def vendor_page(
    company: Company, connection: Connection, *, view: str, search: str, parameters: Mapping[str, str]
) -> tuple[Page[ContractCompany], list[VendorRow]]:
    """One page of contract companies, in the order of their names. Four queries."""
    link = VendorLink.objects.filter(contract_company=OuterRef("pk"), connection=connection)
    found = ContractCompany.objects.filter(company=company)
    match view:
        case "not-linked":
            found = found.filter(~Exists(link))
        case "work-waits":
            found = found.filter(pk__in=vendors_where_work_waits(company)).filter(~Exists(link))
        case "linked":
            found = found.filter(Exists(link))
    for word in search.split():
        coded = link.filter(vendor_code__icontains=word)
        found = found.filter(Q(name__icontains=word) | Q(Exists(coded)))
    kept = {"view": view, "connection": str(connection.pk)} | ({"q": search} if search else {})
    page = pagination.get_page(found, parameters, by="name", ascending=True, kept=kept)
    return page, vendor_rows(connection, page.rows)


def vendor_rows(
    connection: Connection, contract_companies: Sequence[ContractCompany], *, always_suggest: bool = False
) -> list[VendorRow]:
    """With links, vendors and suggestions for what is not linked. Three queries."""
    links = {
        link.contract_company_id: link
        for link in VendorLink.objects.filter(connection=connection, contract_company__in=contract_companies)
    }
    listed = list(Vendor.objects.filter(connection=connection).order_by("code"))
    by_code = {vendor.code.upper(): vendor for vendor in listed}
    waiting = _waiting(contract_companies, "contract_company")
    suggestions = alike(
        (each.name for each in contract_companies if always_suggest or each.pk not in links),
        ((vendor.name, vendor) for vendor in listed if vendor.gone_at is None and vendor.is_active),
    )
    about = {each.pk: str(Subject(Kind.VENDOR, connection.pk, str(each.pk))) for each in contract_companies}
    changes = waiting_changes.by_subject(about.values())
    rows = []
    for each in contract_companies:
        link = links.get(each.pk)
        vendor = by_code.get(link.vendor_code.strip().upper()) if link else None
        found, change = suggestions.get(each.name, []), changes.get(about[each.pk])
        rows.append(VendorRow(each, link, vendor, waiting.get(each.pk, 0), found, change))
    return rows


def job_page(
    company: Company, *, view: str, search: str, parameters: Mapping[str, str]
) -> tuple[Page[Project], list[JobRow]]:
    """One page of projects, in the order of their names. Four queries."""
    found = Project.objects.filter(company=company)
    match view:
        case "not-linked":
            found = found.filter(job_link__isnull=True)
        case "work-waits":
            found = found.filter(pk__in=projects_where_work_waits(company))
        case "linked":
            found = found.filter(job_link__isnull=False)
    for word in search.split():
        found = found.filter(
            Q(name__icontains=word) | Q(number__icontains=word) | Q(job_link__job_number__icontains=word)
        )
    kept = {"view": view} | ({"q": search} if search else {})
    page = pagination.get_page(found, parameters, by="name", ascending=True, kept=kept)
    return page, job_rows(company, page.rows)


def job_rows(company: Company, projects: Sequence[Project], *, always_suggest: bool = False) -> list[JobRow]:
    """With links, jobs and suggestions of every connection for what is not linked. Three queries."""
    links = {
        link.project_id: link
        for link in JobLink.objects.filter(project__in=projects).select_related("connection")
    }
    listed = list(
        Job.objects.filter(connection__company=company).select_related("connection").order_by("number")
    )
    by_number = {(job.connection_id, job.number.upper()): job for job in listed}
    waiting = _waiting(projects, "project")
    suggestions = alike(
        (each.name for each in projects if always_suggest or each.pk not in links),
        ((job.description, job) for job in listed if job.gone_at is None and job.is_active),
    )
    about = {each.pk: str(Subject(Kind.JOB, 0, str(each.pk))) for each in projects}
    changes = waiting_changes.by_subject(about.values())
    rows = []
    for each in projects:
        link = links.get(each.pk)
        job = by_number.get((link.connection_id, link.job_number.strip().upper())) if link else None
        found, change = suggestions.get(each.name, []), changes.get(about[each.pk])
        rows.append(JobRow(each, link, job, waiting.get(each.pk, 0), found, change))
    return rows


def find_vendors(connection: Connection, search: str) -> list[Vendor]:
    """Vendors of Spectrum's list by code or name, a few; none for a blank search. One query."""
    found = Vendor.objects.filter(connection=connection, gone_at=None)
    for word in search.split():
        found = found.filter(Q(code__icontains=word) | Q(name__icontains=word))
    return list(found.order_by("name", "code")[:SHOWN_IN_SEARCH]) if search else []


def find_jobs(company: Company, search: str) -> list[Job]:
    """Jobs of Spectrum's lists by number or description, a few; none for a blank search. One query."""
    found = Job.objects.filter(connection__company=company, gone_at=None).select_related("connection")
    for word in search.split():
        found = found.filter(Q(number__icontains=word) | Q(description__icontains=word))
    return list(found.order_by("number")[:SHOWN_IN_SEARCH]) if search else []


def _waiting(rows: Sequence[ContractCompany] | Sequence[Project], name: str) -> dict[int, int]:
    """How many commitments wait on each of these."""
    if not rows:
        return {}
    counts = (
        Commitment.objects.filter(_sendable(), **{f"{name}__in": rows})
        .exclude(lock=Lock.EXPORTED)
        .order_by()
        .values_list(name)
        .annotate(count=Count("pk"))
    )
    return dict(counts)


def _sendable() -> Q:
    sendable = Q(pk__in=[])
    for kind, statuses in SENDABLE_STATUSES.items():
        sendable |= Q(kind=kind, status__in=statuses)
    return sendable
