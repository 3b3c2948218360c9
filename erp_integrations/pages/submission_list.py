"""The tool's list: its filters, its search, and its pages by key (docs/architecture.md, section 13)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, prefetch_related_objects
from django.urls import reverse
from django.utils.text import slugify

from directory.db import pagination
from directory.db.pagination import Page
from directory.db.prepared import AnyOf, Parameter, PreparedQuery
from directory.db.search import build_words_filter
from directory.models import Company, CompanyMembership, User
from erp_integrations.models import Job, Submission, SubmissionStatus, Vendor, VendorLink
from erp_integrations.models.listing import count_by_name
from erp_integrations.models.submissions import SubmissionQuerySet
from erp_integrations.pages import submission_rows
from erp_integrations.pages.submission_rows import SubmissionRow


@dataclass(frozen=True, slots=True)
class Filter:
    """One choice of "Filter Commitments By".

    ``meaning`` follows a number on the overview, where something waits; ``empty`` says what it means that
    nothing is there, ``hint`` what comes there. History is only looked at.
    """

    label: str
    title: str
    choose: Callable[[SubmissionQuerySet], SubmissionQuerySet]
    empty: str
    hint: str
    meaning: str = ""
    is_history: bool = False

    @property
    def slug(self) -> str:
        """Its address."""
        return slugify(self.label)

    @property
    def oldest_first(self) -> bool:
        """Where something waits."""
        return bool(self.meaning)


READY = Filter(
    "Ready to Export",
    "Commitments - Ready to Be Exported to Viewpoint® Spectrum®",
    SubmissionQuerySet.awaiting,
    "Nothing is ready to export",
    "Commitments appear here when their project uses Send to ERP.",
    "to be decided",
)
EXPORTING = Filter(
    "Exporting",
    "Commitments - Being Exported to Viewpoint® Spectrum®",
    SubmissionQuerySet.exporting,
    "Nothing is being exported",
    "Accepted commitments appear here on their way to Spectrum.",
    "on the way to Spectrum",
)
FAILED = Filter(
    "Failed to Export",
    "Commitments - Failed to Export to Viewpoint® Spectrum®",
    SubmissionQuerySet.failed,
    "No export has failed",
    "Exports that failed with nothing written appear here, to be retried or rejected.",
    "to be retried or rejected",
)
NEEDS_ATTENTION = Filter(
    "Needs Attention",
    "Commitments - Needing Attention in Viewpoint® Spectrum®",
    SubmissionQuerySet.needing_attention,
    "Nothing needs attention",
    "Exports that are incomplete, unknown or not found in Spectrum appear here.",
    "to be checked in Spectrum",
)
SYNCED = Filter(
    "Synced",
    "Commitments - Synced with Viewpoint® Spectrum®",
    SubmissionQuerySet.synced,
    "Nothing synced yet",
    "Commitments appear here once they are fully written to Spectrum.",
)
REJECTED = Filter(
    "Rejected",
    "Commitments - Rejected by Accounting",
    SubmissionQuerySet.rejected,
    "Nothing was rejected",
    "Rejected commitments go back to their project; this list is the record.",
    is_history=True,
)
ALL = Filter(
    "All",
    "Commitments - All Sent to Accounting",
    SubmissionQuerySet.all,
    "Nothing sent to accounting yet",
    "Commitments appear here when their project uses Send to ERP.",
    is_history=True,
)
# What somebody or something works on; the rest is history, and nobody counts it.
COUNTED_FILTERS = (READY, EXPORTING, FAILED, NEEDS_ATTENTION)
BATCH_SIZE = 500
SHOWN = ("number", "title", "contract_company_name", "total", "sent_at")
ERP_NAMES = ("job_number", "job_description", "vendor_code", "vendor_name")
"""Where a commitment goes by the ERP's own names, which only a list reads."""
FILTERS: Mapping[str, Filter] = {each.slug: each for each in (*COUNTED_FILTERS, SYNCED, REJECTED, ALL)}


def list_submissions(company: Company | Parameter) -> SubmissionQuerySet:
    """As rows need them, without the snapshots."""
    return build_list_query().filter(company=company)


@cache
def build_list_query() -> SubmissionQuerySet:
    """To build it takes longer than to copy it."""
    link = "project__job_link"
    job = Job.objects.filter(
        connection=OuterRef(f"{link}__connection"), number=OuterRef(f"{link}__job_number")
    )
    return (
        Submission.objects.select_related("project")
        .annotate(
            contract_company=F("commitment__contract_company"),
            job_connection=F(f"{link}__connection"),
            job_number=F(f"{link}__job_number"),
            job_description=Subquery(job.values("description")),
            **submission_rows.build_question_columns(),
        )
        .defer("snapshot", "search")
    )


def build_rows(submissions: Sequence[Any], viewer: CompanyMembership) -> list[SubmissionRow]:
    """Rows of ``list_submissions``, with their people and jobs, and where each goes by the ERP's own names.
    Three queries.
    """
    if not submissions:
        return []
    links = list_vendor_links(
        connections=list({each.job_connection for each in submissions} - {None}),
        contract_companies=list({each.contract_company for each in submissions} - {None}),
    )
    vendors = {(on, contract_company): names for on, contract_company, *names in links}
    named = {pk for each in submissions for pk in (each.sent_by_id, each.decided_by_id, each.ended_by_id)}
    people = {each.pk: each for each in list_people(people=list(named - {None}))}
    for each in submissions:
        each.vendor_code, each.vendor_name = vendors.get(
            (each.job_connection, each.contract_company), ("", "")
        )
        each.sent_by = people[each.sent_by_id]
        each.decided_by, each.ended_by = people.get(each.decided_by_id), people.get(each.ended_by_id)
    accepted = [each for each in submissions if each.status == SubmissionStatus.ACCEPTED]
    if accepted:
        prefetch_related_objects(accepted, submission_rows.build_jobs_prefetch())
    return [submission_rows.build_submission_row(each, viewer) for each in submissions]


@PreparedQuery
def list_people(people: Parameter) -> QuerySet[User]:
    return User.objects.filter(AnyOf(F("pk"), people))


@PreparedQuery
def list_vendor_links(connections: Parameter, contract_companies: Parameter) -> QuerySet[VendorLink, Any]:
    vendor = Vendor.objects.filter(connection=OuterRef("connection"), code=OuterRef("vendor_code"))
    links = VendorLink.objects.filter(
        AnyOf(F("connection"), connections), AnyOf(F("contract_company"), contract_companies)
    )
    return links.values_list("connection", "contract_company", "vendor_code", Subquery(vendor.values("name")))


def build_cells(rows: Iterable[SubmissionRow], *, read_only: bool = False) -> Iterator[dict[str, Any]]:
    """Each row of a company as plain values, of which a template finds each at once."""
    address = ""
    for row in rows:
        submission, awaits = row.submission, row.is_awaiting
        address = address or reverse("erp_integrations:commitments", args=[row.viewer.company.slug])
        url = f"{address}{submission.pk}/"
        reason, actions = ("", []) if read_only else (row.not_decidable_reason, row.actions)
        shows_status = not (awaits and (actions or reason))
        yield {
            "pk": str(submission.pk),
            "url": url,
            "poll_url": f"{url}row/{'?read-only=1' if read_only else ''}" if row.is_moving else "",
            "undo_url": f"{url}undo/" if row.can_be_undone and not read_only else "",
            "kind": submission.get_kind_display(),
            "project": submission.project.name,
            "billing": row.billing,
            "sent_by": str(submission.sent_by),
            "age": f", {row.age}" if awaits else "",
            "status": row.status if shows_status else "",
            "remark": row.remark if shows_status else "",
            "reason": reason,
            "question": row.question,
            "actions": [(f"{url}{name}/", label) for name, label in actions],
            **{name: getattr(submission, name) for name in SHOWN},
            **{name: getattr(submission, name, "") or "" for name in ERP_NAMES},
        }


def get_page(
    company: Company,
    chosen: Filter,
    parameters: Mapping[str, str],
    *,
    search: str,
    oldest_first: bool,
    kept: Mapping[str, str],
) -> Page[Submission]:
    """The page of the list that the address names."""

    def list_rows(upwards: bool, key: int | None) -> list[Submission]:
        return build_page_query(chosen, upwards, key is None)(company=company.pk, key=key)

    if not search:
        return pagination.get_page(list_rows, parameters, ascending=oldest_first, kept=kept)
    # Other choices are found by their status.
    owner = ("company_id", company.pk) if chosen is ALL else None
    submissions = Submission.objects.all() if owner else Submission.objects.filter(company=company)
    found, rows = chosen.choose(submissions).filter(build_search(company, search)), list_submissions(company)
    return pagination.get_page(found, parameters, ascending=oldest_first, kept=kept, read=rows, owner=owner)


def build_search(company: Company, search: str) -> Q:
    """A search above the list finds a submission by its own words, or by its project's."""
    return build_words_filter(
        search,
        owner=company.pk,
        belongs_to="project",
        others=company.projects.all(),
        names=("name", "number"),
    )


def read_rows(
    viewer: CompanyMembership, chosen: Filter, *, search: str, oldest_first: bool
) -> Iterator[SubmissionRow]:
    """Every row of a choice. Holds few at a time, by key: no cursor on the server outlives a PgBouncer."""
    found = chosen.choose(Submission.objects.filter(company=viewer.company))
    if search:
        found = found.filter(build_search(viewer.company, search))
    key, read = None, list_submissions(viewer.company)
    while batch := list(pagination.build_query(found, oldest_first, key, length=BATCH_SIZE, read=read)):
        yield from build_rows(batch, viewer)
        key = batch[-1].pk


@cache
def build_page_query(chosen: Filter, upwards: bool, is_first: bool) -> PreparedQuery[Submission]:
    """Without a search pages of a choice differ by their values alone."""

    def build(company: Parameter, key: Parameter) -> QuerySet[Submission]:
        found, rows = chosen.choose(Submission.objects.filter(company=company)), list_submissions(company)
        return pagination.build_query(found, upwards, None if is_first else key, read=rows)

    return PreparedQuery(build)


@count_by_name
def count_by_filter(company: Parameter) -> dict[str, SubmissionQuerySet]:
    """How many there are behind each counted filter, by its slug; "100+" for more. One query."""
    submissions = Submission.objects.filter(company=company)
    return {chosen.slug: chosen.choose(submissions) for chosen in COUNTED_FILTERS}
