"""The tool's list: its filters, its search, and its pages by key (docs/architecture.md, section 13)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial
from typing import Any
from urllib.parse import urlencode
from zlib import crc32

from django.db.models import (
    Case,
    Count,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    When,
    prefetch_related_objects,
)
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify

from commitments.figures import describe_figures
from directory.criteria import parse_criteria
from directory.db import pagination
from directory.db.pagination import Page, parse_search
from directory.db.prepared import AnyOf, Parameter, PreparedAggregate, PreparedQuery
from directory.models import Company, CompanyMembership, User
from directory.templatetags.times import format_day
from erp_integrations.models import Job, Submission, SubmissionStatus, Vendor, VendorLink
from erp_integrations.models.listing import CountedRows, count_by_name, format_count
from erp_integrations.models.row_checks import Verdict, is_current
from erp_integrations.models.submissions import SubmissionQuerySet
from erp_integrations.pages import submission_rows
from erp_integrations.pages.list_criteria import CRITERIA, build_check, build_others_work
from erp_integrations.pages.list_search import build_search
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
    "Exports that are incomplete or unknown, or that Spectrum does not show as accepted, appear here.",
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
KEYS = {"accept": "a", "reject": "r", "ask": "q", "undo": "u"}
"""Of a row's actions (static/js/app.js)."""
TONES = {Verdict.CLEAN: "green", Verdict.LOOK: "amber", Verdict.BLOCKED: "red"}
SHOWN = ("number", "title", "contract_company_name", "total")
ERP_NAMES = ("job_number", "job_description", "vendor_code", "vendor_name")
"""Where a commitment goes by the ERP's own names, which only a list reads."""
FILTERS: Mapping[str, Filter] = {each.slug: each for each in (*COUNTED_FILTERS, SYNCED, REJECTED, ALL)}
SORTS = {
    "number": "number",
    "project": "project__name",
    "vendor": "contract_company_name",
    "amount": "total",
}
"""The columns by which what is counted is sorted, which is little; by time everything is. A dash before the
name in the address turns the order round.
"""
MOST_COUNTED = 2_000
"""Beyond it nothing is summed up."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An address of the list; what it says and is none is left out."""

    viewer: CompanyMembership
    chosen: Filter
    search: str
    criteria: Mapping[str, str]
    condition: Q
    problems: Sequence[str]
    sort: str
    """Blank for the filter's own order."""
    is_grouped: bool

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str], viewer: CompanyMembership) -> "Wanted":
        """From an address: a bookmark never breaks. A query for a search, and those of the criteria."""
        chosen, search = FILTERS.get(parameters.get("view", ""), READY), parse_search(parameters.get("q", ""))
        criteria, condition, problems = parse_criteria(CRITERIA, parameters, viewer)
        is_counted, sort = chosen in COUNTED_FILTERS, parameters.get("sort", "")
        own_sort = "oldest" if chosen.oldest_first else "newest"
        is_sort = sort in ("oldest", "newest") or (is_counted and sort.removeprefix("-") in SORTS)
        return cls(
            viewer=viewer,
            chosen=chosen,
            search=search,
            criteria=criteria,
            condition=condition & build_search(viewer.company, search),
            problems=problems,
            sort=sort if is_sort and sort != own_sort else "",
            is_grouped=is_counted and parameters.get("group") == "project",
        )

    @property
    def company(self) -> Company:
        return self.viewer.company

    @property
    def is_counted(self) -> bool:
        return self.chosen in COUNTED_FILTERS

    @property
    def is_narrowed(self) -> bool:
        return bool(self.search or self.criteria)

    @property
    def column(self) -> str:
        """By which it is sorted; blank for the time."""
        return SORTS["project"] if self.is_grouped else SORTS.get(self.sort.removeprefix("-"), "")

    @property
    def ascending(self) -> bool:
        if self.column:
            return self.is_grouped or not self.sort.startswith("-")
        return {"oldest": True, "newest": False}.get(self.sort, self.chosen.oldest_first)

    @property
    def narrowing(self) -> dict[str, str]:
        """The parameters that every filter keeps."""
        return ({"q": self.search} if self.search else {}) | dict(self.criteria)

    @property
    def parameters(self) -> dict[str, str]:
        """Those of an address that says the same."""
        order = {"sort": self.sort, "group": "project" if self.is_grouped else ""}
        return (
            {"view": self.chosen.slug} | self.narrowing | {name: each for name, each in order.items() if each}
        )

    @property
    def onward(self) -> str:
        """By which a row's page goes on to the next: blank in a history, short in the list that opens."""
        if not self.is_counted:
            return ""
        return "view" if self.parameters == {"view": READY.slug} else urlencode(self.parameters)


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
            verdict=F("row_check__verdict"),
            headline=F("row_check__headline"),
            is_check_current=is_current("row_check__"),
            **submission_rows.build_question_columns(),
        )
        .defer("snapshot", "search")
    )


@PreparedQuery
def list_shown(company: Parameter, ids: Parameter) -> QuerySet[Submission]:
    """Those of a page."""
    return list_submissions(company).filter(AnyOf(F("pk"), ids)).order_by("pk")


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


def build_cells(
    rows: Iterable[SubmissionRow],
    *,
    read_only: bool = False,
    here: str = "",
    address: str | None = None,
) -> Iterator[dict[str, Any]]:
    """Each row of a company as plain values, of which a template finds each at once. ``here`` is the query of
    the list that they are in, from which one goes on to the next; ``address`` is where the list is, blank on
    its own page, which so gets shorter by a quarter.
    """
    for row in rows:
        submission, awaits = row.submission, row.is_awaiting
        if address is None:
            address = build_address(row.viewer.company.slug)
        url = f"{address}{submission.pk}/"
        reason, *offered = ("", [], []) if read_only else (row.not_decidable_reason, row.buttons, row.actions)
        buttons, actions = (
            [(f"{url}{name}/", label, KEYS.get(name, "")) for name, label in each] for each in offered
        )
        shows_status = not (awaits and (actions or reason))
        state = {
            "status": row.status if shows_status else "",
            "remark": row.remark if shows_status else "",
            "reason": reason,
            "check": describe_check(submission) if awaits else None,
            "buttons": buttons,
            "actions": actions,
            "question": row.question,
        }
        yield {
            "pk": str(submission.pk),
            "url": f"{url}?{here}" if here else url,
            "badge": row.badge.value,
            "version": f"{crc32(repr(state).encode()):x}",
            "kind": submission.get_kind_display(),
            "project": submission.project.name,
            "billing": row.billing,
            "sent_by": str(submission.sent_by),
            "sent_on": format_day(timezone.localdate(submission.sent_at)),
            "age": f", {row.age}" if awaits else "",
            "is_selectable": bool(awaits and actions),
            **state,
            **{name: getattr(submission, name) for name in SHOWN},
            **{name: getattr(submission, name, "") or "" for name in ERP_NAMES},
        }


@cache
def build_address(slug: str) -> str:
    """Of a company's list."""
    return reverse("erp_integrations:commitments", args=[slug])


def describe_check(submission: Any) -> tuple[str, str, str]:
    """Its word, that word's tone, and why. A row whose facts have moved on claims nothing."""
    if not getattr(submission, "is_check_current", False):
        return "Being checked", "", ""
    return Verdict(submission.verdict).label, TONES[submission.verdict], submission.headline


def get_page(wanted: Wanted, parameters: Mapping[str, str]) -> Page[Submission]:
    """The page of the list that the address names."""

    def list_rows(upwards: bool, key: int | None) -> list[Submission]:
        return build_page_query(wanted.chosen, upwards, key is None)(company=wanted.company.pk, key=key)

    kept, ascending = wanted.parameters, wanted.ascending
    if not wanted.is_narrowed and not wanted.column:
        return pagination.get_page(list_rows, parameters, ascending=ascending, kept=kept)
    # Other choices are found by their status.
    owner = ("company_id", wanted.company.pk) if wanted.chosen is ALL else None
    submissions = Submission.objects.filter(wanted.condition)
    found = wanted.chosen.choose(submissions if owner else submissions.filter(company=wanted.company))
    return pagination.get_page(
        found,
        parameters,
        ascending=ascending,
        kept=kept,
        read=list_submissions(wanted.company),
        owner=owner,
        column=wanted.column,
    )


def find_submissions(wanted: Wanted, chosen: Filter) -> SubmissionQuerySet:
    return chosen.choose(Submission.objects.filter(wanted.condition, company=wanted.company)).order_by()


def describe_found(wanted: Wanted, page: Page[Submission], *, with_clean: bool) -> tuple[str, str]:
    """Number and sum of all that an address asks for; blank for a whole history, which nobody counts. Then of
    all that is clean of it and the viewer may decide on. One query, none where one page has all of it.
    """
    if not page.rows or not (wanted.is_narrowed or wanted.is_counted):
        return "", ""
    describe = partial(describe_figures, wanted.company.currency, most=MOST_COUNTED)
    if not with_clean and not page.before_url and not page.after_url:
        total = sum((each.total for each in page.rows), Decimal(0))
        return describe(len(page.rows), total), ""
    allows_own = wanted.company.allows_own_decisions if with_clean else None
    person = wanted.viewer.user_id
    if wanted.is_narrowed:
        rows, figures = build_figures(find_submissions(wanted, wanted.chosen), person, allows_own)
        found = rows.aggregate(**figures)
    else:
        found = build_figures_query(wanted.chosen, allows_own)(company=wanted.company.pk, person=person)
    described = describe(found["count"], found["amount"])
    if not found.get("clean"):
        return described, ""
    if found["count"] > MOST_COUNTED:
        return described, "the clean ones"
    many, amount = found["vendors"], f"{wanted.company.currency} {found['sum']:,.2f}"
    return described, f"{found['clean']:,} clean, {amount}, {many:,} vendor{'s'[: many != 1]}"


def build_figures(
    few: SubmissionQuerySet, person: int | Parameter, allows_own: bool | None
) -> tuple[QuerySet[Submission], dict[str, Any]]:
    """Of as many as are counted; with what is clean of them, unless ``allows_own`` is None."""
    figures: dict[str, Any] = {"count": Count("pk"), "amount": Sum("total")}
    if allows_own is not None:
        is_clean = build_check(Verdict.CLEAN, None) & build_others_work(person, allows_own)
        few = few.annotate(
            is_clean=Case(When(pk__in=few.filter(is_clean).values("pk"), then=True), default=False)
        )
        clean = Q(is_clean=True)
        names = Count("contract_company_name", distinct=True, filter=clean)
        figures |= {"clean": Count("pk", filter=clean), "sum": Sum("total", filter=clean), "vendors": names}
    return few[: MOST_COUNTED + 1], figures


@cache
def build_figures_query(chosen: Filter, allows_own: bool | None) -> PreparedAggregate:
    """Without a search they are the same but for the company and the person."""

    def build(company: Parameter, person: Parameter) -> tuple[QuerySet[Submission], dict[str, Any]]:
        found = chosen.choose(Submission.objects.filter(company=company)).order_by()
        return build_figures(found, person, allows_own)

    return PreparedAggregate(build)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Where one of a list stands in it, and what comes before and after: by their ids, None at an end."""

    position: int
    count: str
    before: int | None
    after: int | None


def find_neighbours(wanted: Wanted, submission: Submission) -> Neighbours | None:
    """In a list that is counted, among as many as are. One query."""
    if not wanted.is_counted:
        return None
    order = [wanted.column, "pk"] if wanted.column else ["pk"]
    ordered = find_submissions(wanted, wanted.chosen).order_by(
        *(f"{'' if wanted.ascending else '-'}{each}" for each in order)
    )
    found = list(ordered.values_list("pk", flat=True)[: MOST_COUNTED + 1])
    if submission.pk not in found:
        return None
    at = found.index(submission.pk)
    count = f"{MOST_COUNTED:,}+" if len(found) > MOST_COUNTED else f"{len(found):,}"
    around = [None, *found, None]
    return Neighbours(at + 1, count, around[at], around[at + 2])


def describe_projects(wanted: Wanted) -> dict[str, str]:
    """Number and sum of each, by its name. One query."""
    found = find_submissions(wanted, wanted.chosen).values_list("project__name")
    counted = found.annotate(count=Count("pk"), amount=Sum("total"))
    currency = wanted.company.currency
    return {name: describe_figures(currency, *figures, most=MOST_COUNTED) for name, *figures in counted}


def count_elsewhere(wanted: Wanted) -> dict[Filter, str]:
    """How many there are behind other filters; behind All where no other has any. One query."""
    others = [each for each in FILTERS.values() if each is not wanted.chosen]
    counted = [CountedRows(find_submissions(wanted, each)) for each in others]
    counts = Company.objects.values_list(*counted).get(pk=wanted.company.pk)
    found = {each: format_count(count) for each, count in zip(others, counts, strict=True) if count}
    return {each: count for each, count in found.items() if each is not ALL or len(found) == 1}


def read_rows(wanted: Wanted) -> Iterator[SubmissionRow]:
    """Every row. Holds few at a time, by key: no cursor on the server outlives a PgBouncer."""
    found, read = find_submissions(wanted, wanted.chosen), list_submissions(wanted.company)
    key, column = None, wanted.column
    while batch := list(
        pagination.build_query(found, wanted.ascending, key, length=BATCH_SIZE, read=read, column=column)
    ):
        yield from build_rows(batch, wanted.viewer)
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
