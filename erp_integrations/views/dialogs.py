"""The Accept dialog and the Reject dialog: a GET shows, and only a POST decides.

Each is a page of its own, and for htmx the same dialog alone, which opens in place.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.views import View
from django.views.decorators.vary import vary_on_headers

from directory import drafts
from directory.models import Draft
from directory.requests import SignedInRequest
from directory.web import rate_limits
from erp_integrations import submissions
from erp_integrations.emails.undelivered_mails import describe_undelivered
from erp_integrations.forms import MAX_TEXT_LENGTH, NOTE_HELP_TEXT, AcceptForm, RejectForm
from erp_integrations.models import ExportJob
from erp_integrations.pages import beside, explanations, previews, submission_list
from erp_integrations.pages.submission_rows import SubmissionRow
from erp_integrations.submissions.kept_reasons import store_reason
from erp_integrations.views import navigation
from erp_integrations.views.access import get_submission_row

NUMBER_TYPED = "number"  # and nothing else is asked for
BLOCKED_MESSAGE = "It can't be exported as it is. The issues are listed below."


@method_decorator(vary_on_headers("HX-Request"), name="dispatch")
class Dialog(View, ABC):
    """A dialog on one submission. ``row`` is where it stands; ``form`` is there once something was posted."""

    http_method_names = ("get", "head", "post")
    request: SignedInRequest
    row: SubmissionRow
    form: Any = None
    posted: Draft | None = None

    def get(self, request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
        self.row = self.get_row()
        return self.handle_request()

    def post(self, request: SignedInRequest, company_slug: str, submission_id: int) -> HttpResponse:
        self.posted = drafts.save_draft(request)
        if drafts.KEEP_ONLY in request.POST:
            return HttpResponse(status=204)
        return self.get(request, company_slug=company_slug, submission_id=submission_id)

    @abstractmethod
    def handle_request(self) -> HttpResponse:
        """Show the dialog, or do what was posted."""

    def get_row(self) -> SubmissionRow:
        """Where it stands now."""
        return get_submission_row(self.request, **self.kwargs)

    def build_response(
        self, template: str, verb: str, form: Form | None, problem: str, status: int, **context: Any
    ) -> HttpResponse:
        """A dialog as a page of its own, or alone for htmx."""
        request, row, dialog = self.request, self.row, f"erp_integrations/{template}"
        draft = {} if form and form.is_bound else self.draft
        if form:
            form.initial.update(draft)
            context["draft_token"] = drafts.build_token(request, form)
        context |= {
            "draft": draft,
            "dialog": dialog,
            "verb": verb,
            "form": form,
            "problem": problem,
            "row": row,
            "submission": row.submission,
            "company": row.viewer.company,
            "back_url": self.get_back_url(),
            "back_query": f"?{self.back_parameters}" if self.is_from_review else "",
            "in_place": bool(request.htmx),
        }
        page = dialog if request.htmx else "erp_integrations/dialog.html"
        return render(request, page, context, status=status)

    @cached_property
    def draft(self) -> dict[str, str]:
        """Typed here before, by the same person."""
        return drafts.find_draft(self.request)

    def build_decided_dialog(self, problem: str = "", *, verb: str = "Already decided:") -> HttpResponse:
        """For the person who came second: who decided, and when. Or why nobody can."""
        problem = problem or f"{explanations.describe_decision(self.row.submission)}."
        rows = submission_list.build_cells([self.row])
        return self.build_response("_decided.html", verb, None, problem, 409, rows=rows, focus_title=True)

    def build_decision_response(self) -> HttpResponse:
        """In place the row shows what is true now; without htmx, back to where the dialog was opened."""
        if self.posted and self.posted.texts:
            self.posted.delete()
        if not self.request.htmx or self.is_from_review:
            return redirect(self.get_next_url() or self.get_back_url())
        context = {
            "row": self.row,
            "rows": submission_list.build_cells([self.row]),
            "leaves": not (self.row.is_moving or self.row.is_awaiting or self.row.needs_look),
            "filters": navigation.list_filters_for_htmx(self.request, self.row.viewer),
        }
        return render(self.request, "erp_integrations/_after_decision.html", context)

    @property
    def is_from_review(self) -> bool:
        return self.request.GET.get("back") == "review"

    @property
    def back_parameters(self) -> str:
        """Of the review page, and of the list that it was opened from."""
        kept = self.request.GET.copy()
        kept.pop("reason-from", None)
        return kept.urlencode()

    def get_next_url(self) -> str:
        """The review page goes on to the next of its list; blank where there is none."""
        after = self.request.GET.get("next", "")
        if not (self.is_from_review and after.isascii() and after.isdecimal() and len(after) < 19):
            return ""
        kept = self.request.GET.copy()
        for name in ("back", "next"):
            kept.pop(name, None)
        address = reverse("erp_integrations:review", args=[self.row.viewer.company.slug, int(after)])
        return f"{address}?{kept.urlencode()}"

    def get_back_url(self) -> str:
        """Where the dialog was opened: the review page, or the list."""
        slug = self.row.viewer.company.slug
        if self.is_from_review:
            return reverse("erp_integrations:review", args=[slug, self.row.submission.pk])
        return reverse("erp_integrations:commitments", args=[slug])


@method_decorator(rate_limits.limit_rate(), name="get")
class Accept(Dialog):
    """Accept for export; after a failed export the same dialog tries again."""

    form: AcceptForm | None = None

    def handle_request(self) -> HttpResponse:
        row, by, posted = self.row, self.request.user, self.request.POST
        submissions.require_may_decide(submission=row.submission, by=by, membership=row.viewer)
        if row.is_open and row.own_change_reason:
            submissions.require_own_changes_confirmed(row.submission, by)
        if self.request.method != "POST":
            return self.build_dialog()
        if row.is_open and explanations.describe_corrupted_snapshot(row):
            return self.build_dialog()  # which says so
        self.form = form = AcceptForm(posted)
        if not form.is_valid():
            return self.build_dialog(status=422)
        if row.is_open and form.cleaned_data["expected_version"] != row.decision_version:
            return self.build_dialog(describe_conflict(row), status=409)
        if row.is_open and "show" in posted:
            return self.build_dialog()
        names = ("expected_hash", "erp_id", "note", "statement", "confirmed")
        entered = {name: form.cleaned_data[name] for name in names}
        command: Callable[..., ExportJob] = submissions.accept_again if row.has_failed else submissions.accept
        if adopts := "adopt" in posted:
            command = submissions.adopt
            entered |= {"expected_record": form.cleaned_data["expected_record"]}
            entered |= {"expected_version": form.cleaned_data["expected_version"]}
        elif row.is_open:
            erp_id, ticked = form.cleaned_data["erp_id"], form.cleaned_data["other_records"]
            blocked, others = previews.check_before_accept(row.submission, erp_id=erp_id, ticked=ticked)
            if blocked:
                return self.build_dialog(BLOCKED_MESSAGE, status=422)
            entered |= {"others": others, "others_reason": form.cleaned_data["others_reason"]}
            entered["number_looked_up"] = form.cleaned_data["number_looked_up"]
        try:
            job = command(submission=row.submission, by=by, **entered)
        except submissions.ExportBlocked:
            return self.build_dialog(BLOCKED_MESSAGE, status=422)
        except submissions.Conflict as conflict:
            self.row = self.get_row()
            if not self.row.is_open:
                return self.build_decided_dialog(str(conflict))
            return self.build_dialog(str(conflict), status=409)
        except submissions.DecisionError as refusal:
            return self.build_dialog(str(refusal), status=422)
        outcome = "is being exported to Spectrum."
        if adopts:
            self.row = self.get_row()
            is_all = self.row.is_synced
            outcome = "is marked as exported." if is_all else "continues with what is not in Spectrum."
        else:
            row.submission.status, self.row = job.submission.status, replace(row, job=job)
        current = self.row
        if current.can_be_undone and current.job and current.job.is_delayed:
            outcome = "will be exported to Spectrum in a few seconds. Until then you can undo it."
        messages.success(self.request, f"{row.submission.number} {outcome}")
        return self.build_decision_response()

    def build_dialog(self, problem: str = "", *, status: int = 200) -> HttpResponse:
        """The plan under the ERP ID that is in the field, or what stands in the way."""
        row = self.row
        if not row.is_open:
            return self.build_decided_dialog()
        if corruption := explanations.describe_corrupted_snapshot(row):
            return self.build_decided_dialog(" ".join(corruption.sentences), verb="Can't decide on")
        entered: dict[str, Any] = {**(self.form.cleaned_data if self.form else self.draft)}
        if "erp_id" in self.request.POST:  # one that is no ERP ID stands in the field all the same
            entered.setdefault("erp_id", self.request.POST["erp_id"].replace("\0", "").strip())
        showing = self.request.POST.get("show", "")
        ticked = entered.get("other_records", [])
        preview = previews.build_preview(
            row.submission,
            erp_id=entered.get("erp_id"),
            note=entered.get("note", ""),
            ticked=ticked if "others_reason" in entered else (),  # a tick without words counts for nothing
        )
        shown = self.form or AcceptForm(initial={"erp_id": preview.erp_id})
        if preview.notes_topic:
            # Of the form alone: its fields are everybody's, and a posted one has read its help already.
            shown["note"].help_text = NOTE_HELP_TEXT
        context = {
            "preview": preview,
            "expected_hash": preview.expected_hash,
            # Where nobody can look, a person has to, before what came out of an older copy goes anywhere.
            "asks_for_words": submissions.is_statement_required(row.submission),
            "ticked": ticked,
            "changes": [(each, each.stamp in entered.get("confirmed", [])) for each in preview.changes],
            "document": row.submission.document,
            "beside": beside.build_beside(row.submission, was_sent_before=preview.was_sent_before),
            "refused_default": explanations.describe_refused_default(row),
            "reject_query": f"?reason-from=issues{f'&{self.back_parameters}' if self.is_from_review else ''}",
            "is_number_typed": showing == NUMBER_TYPED,
            "focus_title": not showing,
        }
        verb = "Retry" if row.has_failed else "Accept"
        return self.build_response("_accept.html", verb, shown, problem, status, **context)


class Reject(Dialog):
    """Send it back to its project with a reason, before an export or after a failed one."""

    form: RejectForm | None = None

    def handle_request(self) -> HttpResponse:
        row, by = self.row, self.request.user
        submissions.require_may_decide(submission=row.submission, by=by, membership=row.viewer)
        if self.request.method != "POST":
            return self.build_dialog()
        self.form = form = RejectForm(self.request.POST, viewer=row.viewer)
        if not form.is_valid():
            return self.build_dialog(status=422)
        expected = (form.cleaned_data["expected_hash"], form.cleaned_data["expected_version"])
        if row.is_rejectable and expected != (row.submission.snapshot_hash, row.decision_version):
            return self.build_dialog(describe_conflict(row), status=409)
        try:
            submissions.reject(submission=row.submission, by=by, reason=form.cleaned_data["reason"])
        except (submissions.Conflict, submissions.TooEarly) as conflict:
            self.row = self.get_row()
            verb = "Can't decide on" if self.row.is_awaiting else "Already decided:"
            return self.build_decided_dialog(str(conflict), verb=verb)
        except submissions.DecisionError as refusal:
            return self.build_dialog(str(refusal), status=422)
        if form.cleaned_data["remember"]:
            store_reason(row.viewer, form.cleaned_data["reason"], is_own=True)
        self.row = self.get_row()
        undelivered = describe_undelivered(self.row.submission)
        done = f"is rejected and back with its project. {undelivered or 'Its reason goes out by mail.'}"
        messages.success(self.request, f"{row.submission.number} {done}")
        return self.build_decision_response()

    def build_dialog(self, problem: str = "", *, status: int = 200) -> HttpResponse:
        row = self.row
        if not row.is_rejectable:
            return self.build_decided_dialog()
        corruption = explanations.describe_corrupted_snapshot(row) if row.is_awaiting else None
        if corruption:
            return self.build_decided_dialog(" ".join(corruption.sentences), verb="Can't decide on")
        context = {
            "expected_hash": row.submission.snapshot_hash,
            "existing_record": previews.find_existing_record(row.submission)
            if row.is_open and not problem
            else None,
            "elsewhere": explanations.describe_late_records(row),
        }
        form = self.form or RejectForm(initial={"reason": self.build_reason()}, viewer=row.viewer)
        return self.build_response("_reject.html", "Reject", form, problem, status, **context)

    def build_reason(self) -> str:
        """The product's own sentences for whoever comes from a dialog that could not export; else nothing."""
        is_asked = self.request.GET.get("reason-from") == "issues" and self.row.is_open
        if not is_asked or self.draft or explanations.describe_corrupted_snapshot(self.row):
            return ""
        return previews.build_rejection_reason(self.row.submission, limit=MAX_TEXT_LENGTH)


def describe_conflict(row: SubmissionRow) -> str:
    """For a dialog that was opened on an earlier state of things."""
    if row.has_failed:
        return (
            f"{row.submission.decided_by} accepted this commitment after you opened it, and its export "
            "failed. The current version is below. Check it and decide again."
        )
    return "This has changed since you opened it. The current version is below. Check it and decide again."
