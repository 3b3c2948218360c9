"""Pages to look at: the overview, the list, one submission. Nothing here decides."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.forms import Select
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import Truncator
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from commitments.models import Badge
from commitments.views import build_attachment_response
from directory import list_files
from directory.criteria import build_field, build_tags
from directory.db import pagination
from directory.models import VISIBLE_LEVELS, Level
from directory.requests import SignedInRequest
from directory.rights.permissions import get_commitments_level
from directory.web import rate_limits
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.emails.undelivered_mails import describe_undelivered
from erp_integrations.exports import status
from erp_integrations.models import SnapshotUnreadable, Verdict
from erp_integrations.pages import (
    beside,
    explanations,
    previews,
    sent_calls,
    submission_list,
    submission_spreadsheet,
    timeline,
)
from erp_integrations.pages.list_criteria import CRITERIA
from erp_integrations.pages.submission_list import SORTS, Wanted
from erp_integrations.pages.submission_rows import SubmissionRow
from erp_integrations.views import navigation
from erp_integrations.views.access import get_submission_row, require_viewer
from erp_integrations.views.bulk import parse_numbers

MAX_ON_OVERVIEW = 5
MAX_OUTCOME_LENGTH = 300  # characters; the commitment's own page has all of them
OUTCOME_LEVELS = {
    Badge.SYNCED: messages.SUCCESS,
    Badge.SYNCED_WITH_DIFFERENCES: messages.WARNING,
    Badge.FAILED: messages.ERROR,
    Badge.NEEDS_ATTENTION: messages.ERROR,
}
NARROWING = ("q", *(each.name for each in CRITERIA))
GROUPING = Select(choices=[("", "Nothing"), ("project", "Project")])


@require_safe
def start(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """To where the work is: the list, or for an ERP admin who decides nothing the first tab that asks."""
    viewer = require_viewer(request, company_slug)
    if viewer.is_accounting_approver or viewer.erp_integrations_level != Level.ADMIN:
        return redirect("erp_integrations:commitments", company_slug)
    tabs = navigation.list_tabs(viewer, current="")
    return redirect(next((tab.url for tab in tabs if tab.count), tabs[0].url))


@require_safe
def overview(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """The commitments that wait, are on their way or went wrong, and how connections and workers do."""
    viewer = require_viewer(request, company_slug)
    counts = submission_list.count_by_filter(viewer.company)
    oldest = submission_list.list_submissions(viewer.company).awaiting().order_by("pk")[:MAX_ON_OVERVIEW]
    address = reverse("erp_integrations:commitments", args=[company_slug])
    context = {
        "tabs": navigation.list_tabs(viewer, current="Overview"),
        "list_url": address,
        "figures": [
            {"filter": chosen, "count": counts[chosen.slug], "url": f"{address}?view={chosen.slug}"}
            for chosen in submission_list.COUNTED_FILTERS
        ],
        "oldest": submission_list.build_rows(list(oldest), viewer),
        "connections": status.list_export_counts(viewer.company),
        "checks": status.list_health_checks(),
    }
    return render(request, "erp_integrations/overview.html", context)


@require_safe
@rate_limits.limit_rate(when=lambda request: any(map(request.GET.get, NARROWING)))
def commitments(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """The list, by "Filter Commitments By", search and criteria."""
    viewer = require_viewer(request, company_slug)
    wanted = Wanted.from_parameters(request.GET.dict(), viewer)
    chosen, here = wanted.chosen, wanted.parameters
    if request.GET.get("view", chosen.slug) != chosen.slug:
        messages.warning(request, f"There is no such filter. Showing {chosen.label}.")
    for problem in wanted.problems:
        messages.warning(request, problem)
    found = submission_list.get_page(wanted, request.GET.dict())
    rows = submission_list.build_rows(found.rows, viewer)
    cells = submission_list.build_cells(rows, read_only=chosen.is_history, here=wanted.onward, address="")
    elsewhere = submission_list.count_elsewhere(wanted) if wanted.is_narrowed and not rows else {}
    projects = submission_list.describe_projects(wanted) if wanted.is_grouped else {}
    decides = chosen is submission_list.READY and viewer.can_decide
    figures, clean = submission_list.describe_found(wanted, found, with_clean=decides)
    context = {
        "viewer": viewer,
        "company": viewer.company,
        "tabs": navigation.list_tabs(viewer, current="Commitments"),
        "decides": decides,
        "clean": clean,
        "clean_query": urlencode(here | {"check": Verdict.CLEAN, "mine": "on"}),
        "wanted": wanted,
        "chosen": chosen,
        "filters": navigation.list_filters(viewer, current=chosen, kept=wanted.narrowing),
        "fields": build_fields(wanted),
        "tags": build_tags(CRITERIA, here),
        "here": urlencode(here),
        "figures": figures,
        "groups": [
            (project, projects.get(project), list(rows))
            for project, rows in groupby(cells, key=lambda cell: cell["project"] if wanted.is_grouped else "")
        ],
        "elsewhere": [
            (f"{count} in {each.label}", urlencode({"view": each.slug, **wanted.narrowing}))
            for each, count in elsewhere.items()
        ],
        "columns": build_columns(wanted),
        "page": found,
        "before_label": "Previous" if wanted.column else "Older" if wanted.ascending else "Newer",
        "after_label": "Next" if wanted.column else "Newer" if wanted.ascending else "Older",
    }
    return render(request, "erp_integrations/commitments.html", context)


def build_fields(wanted: Wanted) -> list[tuple[str, str]]:
    """Of the search form, each with its label."""
    named = [(each.name, each.label, each.widget) for each in CRITERIA]
    if wanted.is_counted:
        named.append(("group", "Group by", GROUPING))
    return [(label, build_field(widget, name, wanted.parameters.get(name))) for name, label, widget in named]


def build_columns(wanted: Wanted) -> list[dict[str, str]]:
    """The list's headings. What can be sorted leads to its order, and from there to the other way round."""
    amount = f"Amount, {wanted.company.currency}"
    labels = {"number": "Commitment", "project": "Project", "vendor": "Contract Company", "amount": amount}
    kept = {name: value for name, value in wanted.parameters.items() if name not in ("sort", "group")}
    sorts = [(label, SORTS[name], name, f"-{name}") for name, label in labels.items()]
    columns = []
    for label, column, upwards, downwards in (*sorts, ("Sent by", "", "oldest", "newest")):
        is_current, direction = column == wanted.column, ""
        if is_current:
            direction = "ascending" if wanted.ascending else "descending"
            label += "" if column else f", {upwards if wanted.ascending else downwards} first"
        sort = downwards if is_current and wanted.ascending else upwards
        query = urlencode(kept | {"sort": sort}) if wanted.is_counted or not column else ""
        columns.append({"label": label, "query": query, "direction": direction, "name": upwards})
    return columns


@require_safe
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT)
def spreadsheet(request: SignedInRequest, company_slug: str) -> FileResponse:
    """The list as it is filtered, searched and sorted, whole: for Excel, or as CSV."""
    viewer = require_viewer(request, company_slug)
    wanted = Wanted.from_parameters(request.GET.dict(), viewer)
    name = f"{wanted.chosen.slug}-{viewer.company.slug}"
    return list_files.build_response(
        request, name, submission_spreadsheet.COLUMNS, submission_list.read_rows(wanted)
    )


@require_safe
def rows(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Those rows of an open list that changed; it names each by id, badge and version."""
    viewer = require_viewer(request, company_slug)
    wanted = Wanted.from_parameters(request.GET.dict(), viewer)
    named = (each.partition(".") for each in request.GET.getlist("row")[: pagination.PAGE_LENGTH])
    shown = {pk: state for pk, _, state in named}
    found = submission_list.list_shown(company=viewer.company_id, ids=parse_numbers(shown))
    changed: list[dict[str, Any]] = []
    news: list[tuple[SubmissionRow, str]] = []
    for each in submission_list.build_rows(found, viewer):
        submission = each.submission
        is_decided = wanted.chosen is submission_list.READY and not each.is_awaiting
        read_only = wanted.chosen.is_history or (is_decided and submission.decided_by_id != viewer.user_id)
        (cell,) = submission_list.build_cells([each], read_only=read_only, here=wanted.onward, address="")
        badge, _, version = shown.get(cell["pk"], "").partition(".")
        if (badge, version) == (cell["badge"], cell["version"]):
            continue
        if is_decided and each.job and not each.is_synced:
            cell["remark"] = f"{explanations.describe_decision(submission)}. {cell['remark']}"
        changed.append(cell)
        if badge != cell["badge"]:
            cell["is_news"] = True
            news.append((each, cell["remark"]))
    if not changed:
        return HttpResponse(status=204)
    context: dict[str, Any] = {"rows": changed}
    if news:
        context["filters"] = navigation.list_filters(viewer, current=wanted.chosen, kept=wanted.narrowing)
        text = describe_news(news)
        if any(each.submission.decided_by_id == viewer.user_id for each, _ in news):
            # In the place of "is being exported", which stands above the list since the decision.
            level = max(OUTCOME_LEVELS.get(each.badge, messages.INFO) for each, _ in news)
            messages.add_message(request, level, text)
        else:
            context["news"] = text
    return render(request, "erp_integrations/_changed_rows.html", context)


def describe_news(news: Sequence[tuple[SubmissionRow, str]]) -> str:
    """One sentence about rows with their remarks, however many they are."""
    if len(news) == 1:
        ((row, remark),) = news
        parts = [f"{row.submission.number}: {row.status}", Truncator(remark).chars(MAX_OUTCOME_LENGTH)]
        return f"{'. '.join(filter(None, parts)).rstrip('.')}."
    counted = Counter(row.status for row, _ in news)
    return f"{len(news)} commitments changed: {', '.join(f'{counted[each]} {each}' for each in counted)}."


@vary_on_headers("HX-Request")
@require_safe
def progress(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """The review page's moving parts, which ask for themselves while it is being exported."""
    submission_row = get_submission_row(request, company_slug, submission_id)
    if not request.htmx:
        return redirect("erp_integrations:review", company_slug, submission_id)
    return render(request, "erp_integrations/_progress.html", build_progress_context(submission_row))


@require_safe
@rate_limits.limit_rate()
def review(request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
    """Everything about one submission: what was sent, what stands in the way, what Spectrum stores."""
    submission_row = get_submission_row(request, company_slug, submission_id)
    submission = submission_row.submission
    corruption = explanations.describe_corrupted_snapshot(submission_row)
    document = None if corruption else submission.document
    preview = previews.build_preview(submission) if submission_row.is_open and document else None
    calls = list(preview.calls) if preview else []
    if submission_row.job:
        calls = sent_calls.list_accepted_calls(submission_row.job)
    around, changed_values = None, preview.changed_values if preview else {}
    if preview:
        around = beside.build_beside(submission, was_sent_before=preview.was_sent_before)
    elif document and submission_row.job:
        adapter = get_adapter(submission_row.job.connection)
        changed_values = adapter.list_changed_values(document, calls)
    wanted = (
        Wanted.from_parameters(request.GET.dict(), submission_row.viewer) if "view" in request.GET else None
    )
    neighbours = submission_list.find_neighbours(wanted, submission) if wanted else None
    here = wanted.parameters if wanted and neighbours else {}
    on = {"next": neighbours.after} if neighbours and neighbours.after else {}
    context = build_progress_context(submission_row) | {
        "neighbours": neighbours,
        "undelivered": describe_undelivered(submission),
        "here": urlencode(here),
        "back_query": f"?{urlencode({'back': 'review', **here, **on})}",
        "corruption": corruption,
        "document": document,
        "document_status": sent_calls.get_status_label(document) if document else "",
        "preview": preview,
        "calls": calls,
        "changed_values": changed_values,
        "beside": around,
        "goes_to": preview.erp_references if preview else document and build_basis(document).references,
    }
    return render(request, "erp_integrations/review.html", context)


@require_safe
def attachment(
    request: SignedInRequest, company_slug: str, submission_id: int, attachment_id: int
) -> HttpResponseBase:
    """A file that was sent with this submission, exactly as its snapshot has it, and no other."""
    submission = get_submission_row(request, company_slug, submission_id).submission
    try:
        sent = {each.attachment_id: each for each in submission.document.attachments}
    except SnapshotUnreadable as error:
        messages.error(request, str(error))
        return redirect(submission)
    if attachment_id not in sent:
        raise Http404
    found = get_object_or_404(submission.commitment.attachments, pk=attachment_id)
    return build_attachment_response(
        request, found, sent[attachment_id], instead=submission.get_absolute_url()
    )


def build_progress_context(submission_row: SubmissionRow) -> dict[str, Any]:
    level = get_commitments_level(submission_row.viewer.user, submission_row.submission.project)
    return {
        "row": submission_row,
        "back_query": "?back=review",
        "submission": submission_row.submission,
        "company": submission_row.viewer.company,
        "may_unlink": level == Level.ADMIN,
        "sees_project": level in VISIBLE_LEVELS,
        "explanation": explanations.build_explanation(submission_row),
        "refused_default": explanations.describe_refused_default(submission_row),
        "changed_here": explanations.describe_local_changes(submission_row),
        "elsewhere": explanations.describe_late_records(submission_row),
        "deliveries": [] if submission_row.is_moving else sent_calls.list_sent_calls(submission_row.job),
        "timeline": timeline.list_entries(submission_row.submission.commitment),
    }
