"""A project's Commitments tool: list, write, look, delete. Sending is ``erp_integrations.project_views``."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_safe

from commitments import attachments, badges, files, queries, services
from commitments.changes import build_details
from commitments.choices import find_vendors
from commitments.entries import Entry
from commitments.errors import (
    CommitmentChanged,
    CommitmentError,
    CommitmentLocked,
    FileUnavailable,
    FormUsed,
    NumberTaken,
)
from commitments.figures import describe_figures
from commitments.models import Attachment, Badge, Commitment, Kind, Lock
from commitments.pdf import build_pdf
from commitments.queries import CRITERIA
from directory import drafts
from directory.criteria import build_field, build_tags
from directory.db.pagination import parse_key
from directory.models import Project
from directory.requests import SignedInRequest
from directory.rights.permissions import (
    can_create_commitments,
    can_edit_commitment,
    can_send_commitments,
    require_create_commitments,
    require_edit_commitment,
)
from directory.web import rate_limits

COLUMNS = {
    "number": "Number",
    "vendor": "Contract Company",
    "title": "Title",
    "kind": "Kind",
    "status": "Status",
    "executed": "Executed",
    "amount": "Amount",
    "invoiced": "Invoiced",
    "accounting": "Accounting",
    "erp_id": "ERP ID",
}


@require_safe
@rate_limits.limit_rate(when=rate_limits.is_search)
def commitments(request: SignedInRequest, project_id: int) -> HttpResponse:
    project = get_project_or_404(request, project_id)
    query = queries.CommitmentQuery.from_parameters(request.GET.dict(), project)
    found = queries.find_commitments(query)
    count, amount = queries.count_found(query, found)
    is_sortable = count <= queries.MOST_COUNTED
    for problem in query.problems:
        messages.warning(request, problem)
    if query.column and not is_sortable:
        messages.warning(request, f"Filter more than {queries.MOST_COUNTED:,} commitments to sort them.")
    here, can_send = query.parameters, can_send_commitments(request.user, project)
    context = {
        "query": query,
        "asked": here,
        "page": queries.get_page(
            query, found, request.GET.dict(), is_sorted=bool(query.column) and is_sortable
        ),
        "figures": describe_figures(project.company.currency, count, amount, most=queries.MOST_COUNTED),
        "columns": build_columns(query, is_sortable=is_sortable),
        "fields": [
            (each.label, build_field(each.widget, each.name, here.get(each.name))) for each in CRITERIA
        ],
        "tags": build_tags(CRITERIA, here),
        "here": urlencode(here),
        "kinds": Kind,
        "badges": Badge,
        "can_send": can_send,
        "can_create": can_send or can_create_commitments(request.user, project),
    }
    return render(request, "commitments/list.html", context)


def build_columns(query: queries.CommitmentQuery, *, is_sortable: bool) -> list[dict[str, str]]:
    """The list's headings. What can be sorted leads to its order, and from there to the other way round."""
    currency, sort, columns = query.project.company.currency, query.parameters.get("sort", ""), []
    for name, label in COLUMNS.items():
        current = sort if sort.removeprefix("-") == name and is_sortable else ""
        direction = current and ("descending" if current.startswith("-") else "ascending")
        onward = urlencode(query.parameters | {"sort": f"-{name}" if direction == "ascending" else name})
        columns.append(
            {
                "name": name,
                "label": f"{label}, {currency}" if name in ("amount", "invoiced") else label,
                "query": onward if is_sortable and name in queries.SORTS else "",
                "direction": direction,
            }
        )
    return columns


@require_safe
def detail(request: SignedInRequest, project_id: int, commitment_id: int) -> HttpResponse:
    """One commitment and where it stands."""
    project = get_project_or_404(request, project_id)
    return build_detail_page(request, get_commitment_or_404(project, commitment_id))


def build_detail_page(
    request: SignedInRequest, commitment: Commitment, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    """The commitment's page; ``refusal`` says first why what was asked was not done."""
    can_edit = can_edit_commitment(request.user, commitment.project, commitment.created_by_id)
    meaning, next_step = badges.MEANINGS[commitment.badge]
    prefetch_related_objects([commitment], "attachments")
    context = {
        "commitment": commitment,
        "details": build_details(commitment),
        "lines": commitment.lines.select_related("cost_code", "cost_type"),
        "attached": attachments.list_attachments(commitment),
        "endings": [ending for each in files.TYPES for ending in each.endings],
        "has_storage": "attachments" in settings.STORAGES,
        "most_megabytes": settings.ATTACHMENT_MAX_MB,
        "most_files": settings.ATTACHMENTS_PER_COMMITMENT,
        "can_edit": can_edit and commitment.lock != Lock.WHOLE,
        "can_create": can_create_commitments(request.user, commitment.project),
        "can_delete": can_edit and commitment.can_be_deleted,
        "meaning": meaning,
        "next_step": next_step,
        "refusal": refusal,
    }
    return render(request, "commitments/detail.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: SignedInRequest, project_id: int) -> HttpResponse:
    project = get_project_or_404(request, project_id)
    require_create_commitments(request.user, project)
    source_id = parse_key(request.GET.get("copy", ""))
    source = None if source_id is None else get_commitment_or_404(project, source_id)
    kind = source.kind if source else request.GET.get("kind", Kind.SUBCONTRACT.value)
    if kind not in Kind.values:
        raise Http404
    context: dict[str, Any] = {
        "project": project,
        "kind": Kind(kind),
        "cancel_url": project.get_absolute_url(),
        "title": f"New {Kind(kind).label.lower()}",
        "address": f"{request.path}?copy={source_id}" if source else f"{request.path}?kind={kind}",
    }
    typed, answer = handle_draft(request, context)
    if answer:
        return answer
    if request.method != "POST":
        if typed is not None:
            entry = Entry.from_post(typed, project=project, kind=kind)
            context["entry_key"] = typed.get("entry_key", "")
            return build_form_page(request, entry, context)
        context["entry_key"] = str(uuid4())
        entry = Entry.build_copy(source) if source else Entry.build_blank(project, kind)
        return build_form_page(request, entry, context)
    entry = Entry.from_post(request.POST, project=project, kind=kind)
    context["entry_key"] = request.POST.get("entry_key", "")
    if "add_line" in request.POST:
        return build_form_page(
            request, entry.with_more_lines(request.POST, project=project, kind=kind), context
        )
    if entry.is_valid():
        try:
            commitment = services.create_commitment(
                project=project,
                kind=kind,
                by=request.user,
                values=entry.values,
                lines=entry.line_values or [],
                entry_key=parse_entry_key(request.POST.get("entry_key", "")),
            )
        except NumberTaken as error:
            entry.header.add_error("number", str(error))
        except FormUsed as error:
            fresh = {"entry_key": str(uuid4()), "saved_url": error.commitment.get_absolute_url()}
            return build_form_page(request, entry, {**context, **fresh, "refusal": str(error)}, status=409)
        else:
            drafts.delete_draft(request, context["address"])
            messages.success(request, f"{commitment} was created.")
            return redirect(commitment)
    return build_form_page(request, entry, context, status=422)


@require_safe
def vendors(request: SignedInRequest, project_id: int) -> HttpResponse:
    """Those that fit what is typed, as options."""
    project = get_project_or_404(request, project_id)
    require_create_commitments(request.user, project)
    found = find_vendors(project, request.GET.get("vendor", ""))
    return render(request, "commitments/_vendors.html", {"vendors": found})


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedInRequest, project_id: int, commitment_id: int) -> HttpResponse:
    """Change a commitment. What was typed survives every refusal."""
    project = get_project_or_404(request, project_id)
    commitment = get_commitment_or_404(project, commitment_id)
    require_edit_commitment(request.user, project, commitment.created_by_id)
    context: dict[str, Any] = {
        "project": project,
        "commitment": commitment,
        "kind": Kind(commitment.kind),
        "cancel_url": commitment.get_absolute_url(),
        "version": commitment.version,
        "title": f"Edit {commitment}",
        "address": request.path,
        "heading": f"Edit {Kind(commitment.kind).label.lower()} {commitment.number}",
    }
    typed, answer = handle_draft(request, context)
    if answer:
        return answer
    if request.method != "POST":
        if commitment.lock == Lock.WHOLE:
            return redirect(commitment)  # which says who has it, and what can be done
        if typed is not None:
            entry = Entry.from_post(typed, project=project, kind=commitment.kind, commitment=commitment)
            context["version"] = typed.get("version", "")
            context["differences"] = entry.list_differences(commitment) if entry.is_valid() else []
            return build_form_page(request, entry, context)
        return build_form_page(request, Entry.from_commitment(commitment), context)
    entry = Entry.from_post(request.POST, project=project, kind=commitment.kind, commitment=commitment)
    context["version"] = request.POST.get("version", "")
    if "add_line" in request.POST and entry.lines is not None:
        more = entry.with_more_lines(request.POST, project=project, kind=commitment.kind)
        return build_form_page(request, more, context)
    if not entry.is_valid():
        return build_form_page(request, entry, context, status=422)
    try:
        services.update_commitment(
            commitment=commitment,
            by=request.user,
            version=get_expected_version(request),
            values=entry.values,
            lines=entry.line_values,
        )
    except NumberTaken as error:
        entry.header.add_error("number", str(error))
        return build_form_page(request, entry, context, status=422)
    except CommitmentLocked as error:
        return build_form_page(request, entry, {**context, "refusal": str(error)}, status=409)
    except CommitmentChanged as error:
        stored = get_commitment_or_404(project, commitment_id)
        # With the new version, saving again means: I have compared, and want it so.
        changed = {
            "refusal": str(error),
            "differences": entry.list_differences(stored),
            "version": stored.version,
        }
        return build_form_page(request, entry, {**context, **changed}, status=409)
    except Commitment.DoesNotExist:
        raise Http404 from None
    drafts.delete_draft(request, context["address"])
    messages.success(request, "Changes saved.")
    return redirect(commitment)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: SignedInRequest, project_id: int, commitment_id: int) -> HttpResponse:
    """Delete a commitment that was never sent, after asking once."""
    project = get_project_or_404(request, project_id)
    commitment = get_commitment_or_404(project, commitment_id)
    require_edit_commitment(request.user, project, commitment.created_by_id)
    if request.method != "POST":
        if not commitment.can_be_deleted:
            messages.warning(
                request, "It has been sent to accounting, so it can't be deleted. Set it to Void."
            )
            return redirect(commitment)
        return render(request, "commitments/delete.html", {"commitment": commitment})
    try:
        services.delete_commitment(commitment=commitment, by=request.user)
    except CommitmentLocked as error:
        return build_detail_page(request, commitment, refusal=str(error), status=409)
    except Commitment.DoesNotExist:
        raise Http404 from None
    messages.success(request, f"{commitment} was deleted.")
    return redirect(project)


@require_safe
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT)
def pdf(request: SignedInRequest, project_id: int, commitment_id: int) -> FileResponse:
    """As it was agreed, to be filed or sent."""
    commitment = get_commitment_or_404(get_project_or_404(request, project_id), commitment_id)
    content = build_pdf(commitment, list(services.list_lines(commitment)))
    name = slugify(commitment.number) or f"commitment-{commitment.pk}"
    return FileResponse(BytesIO(content), as_attachment=True, filename=f"{name}.pdf")


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT, when=rate_limits.is_post)
def attach(request: SignedInRequest, project_id: int, commitment_id: int) -> HttpResponse:
    """Attach files to a commitment; a refusal says of which, and then none is kept."""
    commitment = get_commitment_or_404(get_project_or_404(request, project_id), commitment_id)
    if request.method != "POST":
        messages.info(request, "Nothing was attached. Choose the files again.")
        return redirect(commitment)
    uploads = request.FILES.getlist("files")
    try:
        count = attachments.add_attachments(commitment=commitment, uploads=uploads, by=request.user)
    except CommitmentError as error:
        status = 409 if isinstance(error, CommitmentLocked) else 422
        return build_detail_page(request, commitment, refusal=str(error), status=status)
    except Commitment.DoesNotExist:
        raise Http404 from None
    done = f"{count} file{'s'[: count != 1]} attached."
    messages.success(request, done if count else "That is attached already.")
    return redirect(commitment)


@require_http_methods(["GET", "HEAD", "POST"])
def attachment(
    request: SignedInRequest, project_id: int, commitment_id: int, attachment_id: int
) -> HttpResponseBase:
    """A GET downloads it, a POST removes it."""
    commitment = get_commitment_or_404(get_project_or_404(request, project_id), commitment_id)
    found = get_object_or_404(commitment.attachments, removed_at=None, pk=attachment_id)
    if request.method != "POST":
        return build_attachment_response(request, found, found, instead=commitment.get_absolute_url())
    try:
        attachments.delete_attachment(commitment=commitment, attachment_id=found.pk, by=request.user)
    except CommitmentLocked as error:
        return build_detail_page(request, commitment, refusal=str(error), status=409)
    except (Attachment.DoesNotExist, Commitment.DoesNotExist):
        raise Http404 from None
    messages.success(request, f"{found} was removed.")
    return redirect(commitment)


def build_attachment_response(
    request: HttpRequest, attachment: Attachment, recorded: Any, *, instead: str
) -> HttpResponseBase:
    """The file as it is ``recorded``, to be kept and not shown in our pages; or back, with why not."""
    name, size, sha256 = recorded.name, recorded.size, recorded.sha256
    try:
        file = files.read_file(attachment.stored_as, name=name, size=size, sha256=sha256)
    except FileUnavailable as error:
        messages.error(request, str(error))
        return redirect(instead)
    return FileResponse(
        file,
        as_attachment=True,
        filename=name,
        content_type="application/octet-stream",
        headers={"Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'"},
    )


def get_project_or_404(request: SignedInRequest, project_id: int) -> Project:
    """A project whose Commitments tool the person may see, else 404. The header learns where they are."""
    projects = Project.objects.visible_to(request.user).select_related("company")
    project = get_object_or_404(projects, pk=project_id)
    request.current_project, request.current_company = project, project.company
    return project


def get_commitment_or_404(project: Project, commitment_id: int) -> Commitment:
    """A commitment of the project with its total, else 404."""
    commitments_found = Commitment.objects.with_total().select_related("contract_company", "created_by")
    commitment = get_object_or_404(commitments_found, project=project, pk=commitment_id)
    commitment.project = project
    return commitment


def build_form_page(
    request: SignedInRequest, entry: Entry, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    own = {
        "entry": entry,
        "draft_token": drafts.build_token(request, None, context["address"]),
        "draft_key": request.POST.get(drafts.KEY, "") if request.method == "POST" else uuid4().hex,
    }
    return render(request, "commitments/form.html", {**own, **context}, status=status)


def handle_draft(
    request: SignedInRequest, context: dict[str, Any]
) -> tuple[QueryDict | None, HttpResponse | None]:
    """For a GET, everything that was typed here and never saved, and what else there is of that; and the
    answer to a post that only keeps it, or that starts over.
    """
    address = context["address"]
    if request.method == "POST":
        drafts.save_draft(request)
        if drafts.START_OVER in request.POST:
            drafts.delete_draft(request, address)
            return None, redirect(address)
        return None, HttpResponse(status=204) if drafts.KEEP_ONLY in request.POST else None
    kept = drafts.list_drafts(request.user.pk, address)
    if not kept:
        return None, None
    kept.sort(key=lambda draft: str(draft.pk) != request.GET.get("draft"))  # the one that is asked for first
    context["restored"], *context["other_drafts"] = kept
    typed = QueryDict(mutable=True)
    typed.update(kept[0].texts)
    return typed, None


def parse_entry_key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def get_expected_version(request: SignedInRequest) -> int:
    """The version that the person saw; a page that does not say so saw none of them."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
