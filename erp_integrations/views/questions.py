"""The Ask dialog: a question to the project's people, which decides nothing."""

from django.contrib import messages
from django.http import HttpResponse
from django.utils.decorators import method_decorator

from directory.web import rate_limits
from erp_integrations import submissions
from erp_integrations.emails.undelivered_mails import describe_undelivered
from erp_integrations.forms import AskForm
from erp_integrations.pages import timeline
from erp_integrations.views.dialogs import Dialog


@method_decorator(rate_limits.limit_rate(), name="get")
class Ask(Dialog):
    """Ask the sender or the creator; while a question is open, withdraw it."""

    form: AskForm | None = None

    def handle_request(self) -> HttpResponse:
        row, by, posted = self.row, self.request.user, self.request.POST
        submissions.require_may_decide(submission=row.submission, by=by, membership=row.viewer)
        if not row.is_awaiting:
            return self.build_decided_dialog()
        if self.request.method != "POST":
            return self.build_dialog()
        self.form = form = self.build_form(posted)
        is_withdrawal = "withdraw" in posted
        if not (form.is_valid() or (is_withdrawal and "expected_question" in form.cleaned_data)):
            return self.build_dialog(status=422)
        question = form.cleaned_data["expected_question"]
        try:
            if is_withdrawal:
                submissions.withdraw_question(submission=row.submission, by=by, question=question)
                done, self.posted = "the question is withdrawn.", None  # what was typed is for the next one
            else:
                asked_of, text = form.cleaned_data["asked_of"], form.cleaned_data["question"]
                entered = {"asked_of": asked_of, "text": text, "expected_question": question}
                asked = submissions.ask_question(submission=row.submission, by=by, **entered)
                undelivered = describe_undelivered(asked.submission)
                done = f"your question is with {asked.asked_of}. {undelivered or 'It keeps its place.'}"
        except submissions.Conflict as conflict:
            self.row = self.get_row()
            if not self.row.is_awaiting:
                return self.build_decided_dialog(str(conflict))
            self.form = self.build_form()
            self.form.initial["asked_of"] = form.cleaned_data.get("asked_of")
            return self.build_dialog(str(conflict), status=409)
        except submissions.DecisionError as refusal:
            return self.build_dialog(str(refusal), status=422)
        messages.success(self.request, f"{row.submission.number}: {done}")
        self.row = self.get_row()
        return self.build_decision_response()

    def build_form(self, posted: object = None) -> AskForm:
        submission = self.row.submission
        people = submissions.list_people_to_ask(submission, self.request.user)
        return AskForm(posted, people=people, submission=submission)

    def build_dialog(self, problem: str = "", *, status: int = 200) -> HttpResponse:
        questions = timeline.list_questions(self.row.submission)
        last = questions[-1] if questions else None
        form = self.form or self.build_form()
        context = {"last": last, "open": last if last and last.is_open else None}
        return self.build_response("_ask.html", "Ask about", form, problem, status, **context)
