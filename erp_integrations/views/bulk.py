"""Many decisions at once: a page that says what each would do, and a result that can be read later."""

from collections.abc import Collection
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.http import require_http_methods

from directory import drafts
from directory.models import CompanyMembership
from directory.requests import SignedInRequest
from directory.rights.permissions import require_push_to_accounting
from directory.web import rate_limits
from erp_integrations.forms import ReasonForm
from erp_integrations.models import Batch, BatchAction, ItemState
from erp_integrations.pages import bulk
from erp_integrations.pages.submission_list import READY, Wanted, find_submissions
from erp_integrations.submissions.batches import create_batch, run_batch
from erp_integrations.submissions.kept_reasons import store_reason
from erp_integrations.views.access import require_viewer

SECONDS_AT_ONCE = 2.0
"""So long a page decides before it says how far it has come."""


@method_decorator(rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT), name="dispatch")
class Bulk(View):
    """GET shows what Accept or Reject of all of these would do; a POST does it."""

    http_method_names = ("get", "head", "post")
    request: SignedInRequest

    def get(self, request: SignedInRequest, company_slug: str) -> HttpResponse:
        return self.build_page(self.require_approver(company_slug))

    def post(self, request: SignedInRequest, company_slug: str) -> HttpResponse:
        draft = drafts.save_draft(request)
        if drafts.KEEP_ONLY in request.POST:
            return HttpResponse(status=204)
        viewer = self.require_approver(company_slug)
        action, reason, remember = get_action(request), "", False
        if action == BatchAction.REJECT:
            form = ReasonForm(request.POST, viewer=viewer)
            if not form.is_valid():
                return self.build_page(viewer, form)
            reason, remember = form.cleaned_data["reason"], form.cleaned_data["remember"]
        chosen = parse_numbers(request.POST.getlist("id"))
        ticked = set(parse_numbers(request.POST.getlist("row")))
        items = [
            each.build_item(
                request.POST.get(f"stamp-{each.submission.pk}", "") if each.submission.pk in ticked else None
            )
            for each in bulk.list_choices(viewer, chosen, action)
        ]
        if not any(item.state == ItemState.PLANNED for item in items):
            messages.error(
                request, "Nothing was decided: tick what is to be decided, and see what has changed."
            )
            return self.build_page(viewer)
        batch = create_batch(viewer=viewer, action=action, items=items, reason=reason)
        if draft and draft.texts:
            draft.delete()  # it is used: the page of the next ones has the same address
        if remember:
            store_reason(viewer, reason, is_own=True)
        run_batch(batch, by=request.user, seconds=SECONDS_AT_ONCE)
        return redirect("erp_integrations:batch", company_slug, batch.pk)

    def require_approver(self, company_slug: str) -> CompanyMembership:
        viewer = require_viewer(self.request, company_slug)
        require_push_to_accounting(self.request.user, viewer.company)
        return viewer

    def build_page(self, viewer: CompanyMembership, form: ReasonForm | None = None) -> HttpResponse:
        action, posted = get_action(self.request), self.request.method == "POST"
        chosen = parse_numbers((self.request.POST if posted else self.request.GET).getlist("id"))
        if not chosen and "view" in self.request.GET:
            wanted = Wanted.from_parameters(self.request.GET.dict(), viewer)
            found = find_submissions(wanted, READY).order_by("pk").values_list("pk", flat=True)
            chosen = list(found[: bulk.MAX_AT_ONCE])
        choices = bulk.list_choices(viewer, chosen, action)
        ticked = parse_numbers(self.request.POST.getlist("row")) if posted else chosen
        possible = [each for each in choices if not each.left_out]
        form = form or ReasonForm(viewer=viewer)
        if not form.is_bound:
            form.initial.update(drafts.find_draft(self.request))
        context = {
            "company": viewer.company,
            "action": action,
            "possible": possible,
            "ticked": ticked,
            "left_out": [each for each in choices if each.left_out],
            "total": bulk.get_total(possible),
            "vendors": len({each.submission.contract_company_name for each in possible}),
            "form": form if action == BatchAction.REJECT else None,
            "draft_token": drafts.build_token(self.request, form),
            "other_query": self.build_other_query(action, chosen),
        }
        return render(self.request, "erp_integrations/bulk.html", context, status=422 if form.errors else 200)

    def build_other_query(self, action: str, chosen: Collection[int]) -> str:
        other = BatchAction.ACCEPT if action == BatchAction.REJECT else BatchAction.REJECT
        return "&".join([f"action={other}", *(f"id={pk}" for pk in chosen)])


@require_http_methods(["GET", "HEAD", "POST"])
def batch(request: SignedInRequest, company_slug: str, batch_id: int) -> HttpResponse:
    """The result so far, for everybody who sees the tool; as a file with ``?format=csv``. A POST goes on with
    one's own: the page asks for itself until all of it is decided.
    """
    viewer = require_viewer(request, company_slug)
    batches = Batch.objects.select_related("by").filter(company=viewer.company)
    if request.method == "POST":
        require_push_to_accounting(request.user, viewer.company)
        found = get_object_or_404(batches, by=request.user, pk=batch_id)
        run_batch(found, by=request.user, seconds=SECONDS_AT_ONCE)
        if not request.htmx:
            return redirect("erp_integrations:batch", company_slug, batch_id)
        return render(request, "erp_integrations/_batch.html", build_context(viewer, found))
    found = get_object_or_404(batches, pk=batch_id)
    if request.GET.get("format") == "csv":
        name = f"decisions-{viewer.company.slug}-{found.pk}.csv"
        return HttpResponse(
            bulk.write_result(found),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
    return render(request, "erp_integrations/batch.html", build_context(viewer, found))


def build_context(viewer: CompanyMembership, found: Batch) -> dict[str, Any]:
    items = list(found.items.select_related("submission").order_by("state", "pk"))
    for item in items:
        item.batch = found
    states = [item.state for item in items]
    return {
        "company": viewer.company,
        "batch": found,
        "items": [(item, bulk.describe_item(item)) for item in items],
        "done": states.count(ItemState.DONE),
        "refused": states.count(ItemState.REFUSED),
        "planned": states.count(ItemState.PLANNED),
        "may_run": found.by_id == viewer.user_id,
    }


def get_action(request: SignedInRequest) -> BatchAction:
    """Accept, where nothing else is asked."""
    asked = request.POST.get("action") or request.GET.get("action")
    return BatchAction.REJECT if asked == BatchAction.REJECT else BatchAction.ACCEPT


def parse_numbers(values: Collection[str]) -> list[int]:
    """Ids that could be rows', each once; anything else counts for nothing."""
    return list(
        dict.fromkeys(int(each) for each in values if each.isascii() and each.isdecimal() and len(each) < 19)
    )
