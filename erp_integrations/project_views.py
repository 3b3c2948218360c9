"""The two buttons on a commitment's page: Send to ERP (and Re-send), and Retrieve from ERP."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from commitments.models import Commitment
from commitments.views import commitment_of, detail_page, project_of
from directory.requests import SignedInRequest
from erp_integrations import decisions
from erp_integrations.models import Submission


@require_http_methods(["GET", "HEAD", "POST"])
def send_to_erp(request: SignedInRequest, project_id: int, commitment_id: int) -> HttpResponse:
    """Send a commitment to accounting; when something blocks, its page says all of it."""
    return _answer(
        request,
        project_id,
        commitment_id,
        decisions.send_to_erp,
        done="Sent to accounting. It is locked until an accounting approver has decided.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def retrieve_from_erp(request: SignedInRequest, project_id: int, commitment_id: int) -> HttpResponse:
    """Take a commitment back before anybody has decided."""
    return _answer(
        request,
        project_id,
        commitment_id,
        decisions.retrieve_from_erp,
        done="Retrieved from accounting. It can be changed again.",
    )


def _answer(
    request: SignedInRequest,
    project_id: int,
    commitment_id: int,
    decide: Callable[..., Submission],
    *,
    done: str,
) -> HttpResponse:
    project = project_of(request, project_id)
    commitment = commitment_of(project, commitment_id)
    if request.method != "POST":
        # Somebody whose session had ended comes back from sign-in to this address.
        messages.info(request, "Nothing was done yet: press the button again.")
        return redirect(commitment)
    try:
        decide(commitment=commitment, by=request.user)
    except decisions.NotReady:
        refusal = "It was not sent. What stands in the way is listed under Accounting."
        return detail_page(request, commitment_of(project, commitment_id), refusal=refusal, status=422)
    except decisions.Conflict as conflict:
        # The page as it is now says more than the one that the person came from.
        return detail_page(request, commitment_of(project, commitment_id), refusal=str(conflict), status=409)
    except Commitment.DoesNotExist:
        raise Http404 from None
    messages.success(request, done)
    return redirect(commitment)
