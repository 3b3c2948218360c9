"""The buttons on a commitment's page: send, re-send, retrieve, and the two that mend its lines."""

import re
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commitments import services
from commitments.entries import Entry
from commitments.errors import CommitmentChanged, CommitmentError
from commitments.models import Commitment, Kind
from commitments.queries import CommitmentQuery, read_rows
from commitments.views import build_detail_page, get_commitment_or_404, get_project_or_404
from directory import drafts, list_files
from directory.db.pagination import parse_key
from directory.models import User
from directory.requests import SignedInRequest
from directory.rights.permissions import (
    require_create_commitments,
    require_edit_commitment,
    require_send_commitments,
)
from directory.web import rate_limits
from erp_integrations import submissions
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.checks.numbers import find_fitting_number
from erp_integrations.forms import AnswerForm
from erp_integrations.models import Submission
from erp_integrations.pages import many_sends, project_spreadsheet, turns
from erp_integrations.pages.commitment_accounting import add_invoiced
from erp_integrations.snapshots import build_document

NUMBER = re.compile("[0-9]{1,9}")


@require_safe
def waiting(request: SignedInRequest) -> HttpResponse:
    """All that waits for this person, in all projects."""
    rows = turns.list_waiting(request.user)
    return render(request, "commitments/waiting.html", {"rows": rows, "most": turns.MOST_WAITING})


@require_http_methods(["GET", "HEAD", "POST"])
def send_to_erp(request: SignedInRequest, project_id: int, commitment_id: int) -> HttpResponse:
    """Send a commitment to accounting; when something blocks, its page says all of it."""
    done = "Sent to accounting. It is locked until an accounting approver decides."
    return handle_decision(request, project_id, commitment_id, submissions.send_to_erp, done)


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT)
def send_many(request: SignedInRequest, project_id: int) -> HttpResponse:
    """The ticked ones of the list with all that stands in the way of each; a POST sends those that can go."""
    project = get_project_or_404(request, project_id)
    require_send_commitments(request.user, project)
    data, is_done = (request.POST, True) if request.method == "POST" else (request.GET, False)
    ticked = {key for key in map(parse_key, data.getlist("id")) if key}
    versions = {key: parse_version(data.get(f"version-{key}", "")) for key in ticked}
    choices = many_sends.list_choices(project, ticked)
    if not choices:
        messages.info(request, "Nothing was sent: tick the commitments first.")
        return redirect(project)
    for each in choices:
        if is_done:
            many_sends.send_choice(each, versions, request.user)
        else:
            many_sends.check_choice(each)
    going = sum(each.can_go for each in choices)
    context = {"choices": choices, "going": going, "staying": len(choices) - going, "is_done": is_done}
    return render(request, "commitments/send_many.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def send_status(request: SignedInRequest, project_id: int, commitment_id: int) -> HttpResponse:
    """Send an exported commitment's new status to accounting."""
    done = "The status was sent to accounting. It changes here once Spectrum has it."
    command = partial(submissions.send_status, status=request.POST.get("status", ""))
    return handle_decision(request, project_id, commitment_id, command, done)


@require_http_methods(["GET", "HEAD", "POST"])
def retrieve_from_erp(request: SignedInRequest, project_id: int, commitment_id: int) -> HttpResponse:
    """Take a commitment back before anybody has decided."""
    done = "Retrieved from accounting. You can change it again."
    return handle_decision(request, project_id, commitment_id, submissions.retrieve_from_erp, done)


@require_http_methods(["GET", "HEAD", "POST"])
def merge_lines(request: SignedInRequest, project_id: int, commitment_id: int) -> HttpResponse:
    """Put one line in the place of those that Spectrum would keep as one."""
    done = "The lines were merged. The history keeps the originals."
    command = partial(services.merge_lines, **parse_expected_lines(request))
    return handle_decision(request, project_id, commitment_id, command, done)


@require_http_methods(["GET", "HEAD", "POST"])
def give_billing_items(request: SignedInRequest, project_id: int, commitment_id: int) -> HttpResponse:
    """Tell lines apart that Spectrum would keep as one, by a billing item of each."""
    done = "Each of these lines now has its own billing item."
    command = partial(
        services.set_billing_items, **parse_expected_lines(request), anew="anew" in request.POST
    )
    return handle_decision(request, project_id, commitment_id, command, done)


@require_POST
@rate_limits.limit_rate()
def check_entry(request: SignedInRequest, project_id: int, commitment_id: int = 0) -> HttpResponse:
    """The issues that Send would find in what is typed so far. Nothing is written."""
    project = get_project_or_404(request, project_id)
    if commitment_id:
        commitment = get_commitment_or_404(project, commitment_id)
        require_edit_commitment(request.user, project, commitment.created_by_id)
        entry = Entry.from_post(request.POST, project=project, kind=commitment.kind, commitment=commitment)
    else:
        require_create_commitments(request.user, project)
        kind = request.GET.get("kind", Kind.SUBCONTRACT.value)
        if kind not in Kind.values:
            raise Http404
        commitment = Commitment(project=project, kind=kind, created_by=request.user)
        entry = Entry.from_post(request.POST, project=project, kind=kind)
    basis = build_basis(build_document(commitment, entry.build_lines(commitment)))
    issues = preflight.check_export(basis, moment=preflight.Moment.SEND, erp_id=basis.proposed_erp_id)
    return render(request, "commitments/_issues_so_far.html", {"issues": issues})


@require_http_methods(["GET", "HEAD", "POST"])
def take_number(request: SignedInRequest, project_id: int, commitment_id: int) -> HttpResponse:
    """Give a commitment the number that was offered in the place of one that can't be exported."""
    offered, version = request.POST.get("number", ""), parse_expected_lines(request)["version"]

    def update_number(commitment: Commitment, by: User) -> Commitment:
        if offered != find_fitting_number(build_basis(build_document(commitment))):
            raise CommitmentChanged("That number can't be exported any more. See what is offered now.")
        values = {"number": offered}
        return services.update_commitment(
            commitment=commitment, by=by, version=version, values=values, lines=None
        )

    return handle_decision(request, project_id, commitment_id, update_number, f"Its number is {offered} now.")


@require_http_methods(["GET", "HEAD", "POST"])
def answer_question(request: SignedInRequest, project_id: int, commitment_id: int) -> HttpResponse:
    """Answer what accounting asked. What was typed is kept until it is sent."""
    posted, form = drafts.save_draft(request), AnswerForm(request.POST)
    if drafts.KEEP_ONLY in request.POST:
        return HttpResponse(status=204)

    def answer(commitment: Commitment, by: User) -> Commitment:
        if not form.is_valid():
            (message, *_), *_ = form.errors.values()
            raise submissions.StatementMissing(message)
        return submissions.answer_question(commitment=commitment, by=by, **form.cleaned_data)

    done = "Your answer is with accounting and kept in the history."
    response = handle_decision(request, project_id, commitment_id, answer, done)
    if posted and posted.texts and response.status_code == 302:
        posted.delete()
    return response


@require_safe
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT)
def spreadsheet(request: SignedInRequest, project_id: int) -> FileResponse:
    """The project's list as it is filtered, searched and sorted, whole."""
    project = get_project_or_404(request, project_id)
    query = CommitmentQuery.from_parameters(request.GET.dict(), project)
    rows = chain.from_iterable(map(add_invoiced, read_rows(query)))
    name = f"commitments-{slugify(project.name) or project.pk}"
    return list_files.build_response(request, name, project_spreadsheet.COLUMNS, rows)


def parse_expected_lines(request: SignedInRequest) -> dict[str, Any]:
    """Which lines, of which version; whatever makes no sense names none, and is refused as changed."""
    positions = [int(text) for text in request.POST.get("lines", "").split(",") if NUMBER.fullmatch(text)]
    return {
        "version": parse_version(request.POST.get("version", "")),
        "positions": frozenset(positions),
    }


def parse_version(text: str) -> int:
    """A page that does not say which it shows saw none of them."""
    return int(text) if NUMBER.fullmatch(text) else 0


def handle_decision(
    request: SignedInRequest,
    project_id: int,
    commitment_id: int,
    command: Callable[..., Submission | Commitment],
    done: str,
) -> HttpResponse:
    project = get_project_or_404(request, project_id)
    commitment = get_commitment_or_404(project, commitment_id)
    if request.method != "POST":
        # Somebody whose session had ended comes back from sign-in to this address.
        messages.info(request, "Nothing was done. Press the button again.")
        return redirect(commitment)
    try:
        command(commitment=commitment, by=request.user)
    except submissions.ExportBlocked:
        refusal = "It was not sent. The issues are listed under Accounting."
        return build_detail_page(
            request, get_commitment_or_404(project, commitment_id), refusal=refusal, status=422
        )
    except (submissions.Conflict, CommitmentError) as conflict:
        # The page as it is now says more than the one that the person came from.
        return build_detail_page(
            request, get_commitment_or_404(project, commitment_id), refusal=str(conflict), status=409
        )
    except submissions.StatementMissing as missing:
        return build_detail_page(
            request, get_commitment_or_404(project, commitment_id), refusal=str(missing), status=422
        )
    except Commitment.DoesNotExist:
        raise Http404 from None
    messages.success(request, done)
    return redirect(commitment)
