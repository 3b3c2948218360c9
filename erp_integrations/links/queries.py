"""Which of a company's vendors and projects are linked, and what in Spectrum looks like the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from commitments.models import SENDABLE_STATUSES, Commitment, ContractCompany, Lock
from directory.db import pagination
from directory.db.pagination import Page
from directory.models import Company, Project
from erp_integrations.confirmations import pending_changes as waiting_changes
from erp_integrations.confirmations.pending_changes import PendingChange
from erp_integrations.confirmations.subjects import Kind, Subject
from erp_integrations.models import Connection, Job, JobLink, Vendor, VendorLink
from erp_integrations.name_matching import Suggestion, find_suggestions

MAX_COUNT = 100  # nobody reads a larger number
MAX_SEARCH_RESULTS = 20

LINK_FILTERS: Mapping[str, str] = {
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
    unexported_count: int
    suggestions: list[Suggestion[Vendor]] = field(default_factory=list)
    change: PendingChange | None = None


@dataclass(frozen=True, slots=True)
class JobRow:
    """A project, its link, and what that job is in Spectrum's list."""

    project: Project
    link: JobLink | None
    job: Job | None
    unexported_count: int
    suggestions: list[Suggestion[Job]] = field(default_factory=list)
    change: PendingChange | None = None


def list_unexported_commitments(company: Company) -> QuerySet[Commitment]:
    """Those that could go to accounting as far as their status goes, or are there, and are not exported."""
    return Commitment.objects.filter(build_sendable_filter(), project__company=company).exclude(
        lock=Lock.EXPORTED
    )


def list_vendors_needing_links(company: Company) -> QuerySet[Any, Any]:
    """The contract companies, by id, that have such a commitment and no link where it would go."""
    link = VendorLink.objects.filter(
        contract_company=OuterRef("contract_company"), connection=OuterRef("project__job_link__connection")
    )
    return (
        list_unexported_commitments(company)
        .filter(~Exists(link), project__job_link__isnull=False, contract_company__isnull=False)
        .order_by()
        .values("contract_company")
        .distinct()
    )


def list_projects_needing_links(company: Company) -> QuerySet[Any, Any]:
    """The projects, by id, that have such a commitment and no link."""
    return (
        list_unexported_commitments(company)
        .filter(project__job_link__isnull=True)
        .order_by()
        .values("project")
        .distinct()
    )


def format_count(rows: QuerySet[Any, Any]) -> str:
    """How many, "100+" for more; blank for none."""
    count = rows[: MAX_COUNT + 1].count()
    return "" if count == 0 else f"{MAX_COUNT}+" if count > MAX_COUNT else str(count)


def get_vendor_page(
    company: Company, connection: Connection, *, view: str, search: str, parameters: Mapping[str, str]
) -> tuple[Page[ContractCompany], list[VendorRow]]:
    """One page of contract companies, in the order of their names. Four queries."""
    link = VendorLink.objects.filter(contract_company=OuterRef("pk"), connection=connection)
    contract_companies = ContractCompany.objects.filter(company=company)
    match view:
        case "not-linked":
            contract_companies = contract_companies.filter(~Exists(link))
        case "work-waits":
            contract_companies = contract_companies.filter(pk__in=list_vendors_needing_links(company)).filter(
                ~Exists(link)
            )
        case "linked":
            contract_companies = contract_companies.filter(Exists(link))
    for word in search.split():
        coded = link.filter(vendor_code__icontains=word)
        contract_companies = contract_companies.filter(Q(name__icontains=word) | Q(Exists(coded)))
    kept = {"view": view, "connection": str(connection.pk)} | ({"q": search} if search else {})
    page = pagination.get_page(contract_companies, parameters, by="name", ascending=True, kept=kept)
    return page, build_vendor_rows(connection, page.rows)


def build_vendor_rows(
    connection: Connection, contract_companies: Sequence[ContractCompany], *, always_suggest: bool = False
) -> list[VendorRow]:
    """With links, vendors and suggestions for what is not linked. Three queries."""
    links = {
        link.contract_company_id: link
        for link in VendorLink.objects.filter(connection=connection, contract_company__in=contract_companies)
    }
    vendors = list(Vendor.objects.filter(connection=connection).order_by("code"))
    by_code = {vendor.code.upper(): vendor for vendor in vendors}
    unexported = count_unexported_by(contract_companies, "contract_company")
    suggestions = find_suggestions(
        (each.name for each in contract_companies if always_suggest or each.pk not in links),
        ((vendor.name, vendor) for vendor in vendors if vendor.gone_at is None and vendor.is_active),
    )
    subjects = {
        each.pk: str(Subject(Kind.VENDOR, connection.pk, str(each.pk))) for each in contract_companies
    }
    changes = waiting_changes.find_by_subjects(subjects.values())
    rows = []
    for each in contract_companies:
        link = links.get(each.pk)
        vendor = by_code.get(link.vendor_code.strip().upper()) if link else None
        suggested, change = suggestions.get(each.name, []), changes.get(subjects[each.pk])
        rows.append(VendorRow(each, link, vendor, unexported.get(each.pk, 0), suggested, change))
    return rows


def get_job_page(
    company: Company, *, view: str, search: str, parameters: Mapping[str, str]
) -> tuple[Page[Project], list[JobRow]]:
    """One page of projects, in the order of their names. Four queries."""
    projects = Project.objects.filter(company=company)
    match view:
        case "not-linked":
            projects = projects.filter(job_link__isnull=True)
        case "work-waits":
            projects = projects.filter(pk__in=list_projects_needing_links(company))
        case "linked":
            projects = projects.filter(job_link__isnull=False)
    for word in search.split():
        projects = projects.filter(
            Q(name__icontains=word) | Q(number__icontains=word) | Q(job_link__job_number__icontains=word)
        )
    kept = {"view": view} | ({"q": search} if search else {})
    page = pagination.get_page(projects, parameters, by="name", ascending=True, kept=kept)
    return page, build_job_rows(company, page.rows)


def build_job_rows(
    company: Company, projects: Sequence[Project], *, always_suggest: bool = False
) -> list[JobRow]:
    """With links, jobs and suggestions of every connection for what is not linked. Three queries."""
    links = {
        link.project_id: link
        for link in JobLink.objects.filter(project__in=projects).select_related("connection")
    }
    jobs = list(
        Job.objects.filter(connection__company=company).select_related("connection").order_by("number")
    )
    by_number = {(job.connection_id, job.number.upper()): job for job in jobs}
    unexported = count_unexported_by(projects, "project")
    suggestions = find_suggestions(
        (each.name for each in projects if always_suggest or each.pk not in links),
        ((job.description, job) for job in jobs if job.gone_at is None and job.is_active),
    )
    subjects = {each.pk: str(Subject(Kind.JOB, 0, str(each.pk))) for each in projects}
    changes = waiting_changes.find_by_subjects(subjects.values())
    rows = []
    for each in projects:
        link = links.get(each.pk)
        job = by_number.get((link.connection_id, link.job_number.strip().upper())) if link else None
        suggested, change = suggestions.get(each.name, []), changes.get(subjects[each.pk])
        rows.append(JobRow(each, link, job, unexported.get(each.pk, 0), suggested, change))
    return rows


def find_vendors(connection: Connection, search: str) -> list[Vendor]:
    """Vendors of Spectrum's list by code or name, a few; none for a blank search. One query."""
    vendors = Vendor.objects.filter(connection=connection, gone_at=None)
    for word in search.split():
        vendors = vendors.filter(Q(code__icontains=word) | Q(name__icontains=word))
    return list(vendors.order_by("name", "code")[:MAX_SEARCH_RESULTS]) if search else []


def find_jobs(company: Company, search: str) -> list[Job]:
    """Jobs of Spectrum's lists by number or description, a few; none for a blank search. One query."""
    jobs = Job.objects.filter(connection__company=company, gone_at=None).select_related("connection")
    for word in search.split():
        jobs = jobs.filter(Q(number__icontains=word) | Q(description__icontains=word))
    return list(jobs.order_by("number")[:MAX_SEARCH_RESULTS]) if search else []


def count_unexported_by(
    rows: Sequence[ContractCompany] | Sequence[Project], field_name: str
) -> dict[int, int]:
    """How many commitments wait on each of these."""
    if not rows:
        return {}
    counts = (
        Commitment.objects.filter(build_sendable_filter(), **{f"{field_name}__in": rows})
        .exclude(lock=Lock.EXPORTED)
        .order_by()
        .values_list(field_name)
        .annotate(count=Count("pk"))
    )
    return dict(counts)


def build_sendable_filter() -> Q:
    sendable = Q(pk__in=[])
    for kind, statuses in SENDABLE_STATUSES.items():
        sendable |= Q(kind=kind, status__in=statuses)
    return sendable
