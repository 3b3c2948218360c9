"""This tool's part in other pages. The Commitments tool includes these tags and imports nothing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString

from commitments.forms import CommitmentForm
from commitments.models import Commitment, ContractCompany
from commitments.services import LINE_FIELDS
from directory import drafts
from directory.models import Project
from directory.rights.permissions import can_see_erp_integrations
from erp_integrations.adapters.base import Issue
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.forms import AnswerForm
from erp_integrations.models import JobLink, Question, VendorLink
from erp_integrations.pages import commitment_accounting, timeline, turns

register = template.Library()


@register.simple_tag(takes_context=True)
def accounting_of(context: Context, commitment: Commitment) -> commitment_accounting.CommitmentAccounting:
    """Where the commitment stands, and what stands in the way, as the signed-in person sees it."""
    return commitment_accounting.get_commitment_accounting(commitment, context["request"].user)


@register.simple_tag(takes_context=True)
def answer_form(context: Context, question: Question | None, address: str) -> AnswerForm:
    """The form with what the person has typed into it before, and the token that keeps that."""
    request = context["request"]
    draft = drafts.find_draft(request, address)
    form = AnswerForm(initial={"question": question and question.pk, **draft})
    context["draft"], context["draft_token"] = draft, drafts.build_token(request, form, address)
    return form


@register.simple_tag
def explain_number(form: CommitmentForm, project: Project, kind: str) -> str:
    """Which numbers can be exported becomes the field's help; nothing where it can't be changed."""
    number = form["number"]
    if not number.field.disabled:
        parts = (f"connection__{name}" for name in ("settings", "credentials", "state"))
        link = JobLink.objects.select_related(*parts).filter(project=project).first()
        adapter = get_adapter(link.connection if link else None)
        number.help_text = number.field.help_text = escape(adapter.describe_numbers(kind))
    return ""


@register.filter
def place(issue: Issue) -> str:
    """The id of the control in a commitment's form that an issue is about; blank where there is none."""
    if issue.affected:
        part = issue.affected[0]
        name = part.what.replace(" ", "_")
        return f"id_lines-{part.positions[0] - 1}-{name if name in LINE_FIELDS else 'cost_code'}"
    if issue.field == "Schedule of Values":
        return "id_lines-0-cost_code"
    name = issue.field.lower().replace(" ", "_")
    return f"id_{name}" if name in CommitmentForm.base_fields else ""


@register.simple_tag(takes_context=True)
def rows(context: Context, cells: Iterable[Mapping[str, Any]], **options: bool) -> SafeString:
    """Of the list: what ``submission_list.build_cells`` makes."""
    found = [SimpleNamespace(**each) for each in cells]  # of which Jinja finds each name at once
    words = {"rows": found, "csrf_token": context.get("csrf_token"), **options}
    html = render_to_string("erp_integrations/_rows.jinja", words, using="jinja2")
    # Lines are for who reads the template; the template has escaped what is in it.
    return SafeString(html.replace(">\n<", "><"))  # nosec B703


@register.simple_tag(takes_context=True)
def with_vendor_links(context: Context, vendors: Sequence[ContractCompany]) -> Sequence[ContractCompany]:
    """The same, each with the codes that it is linked to, where the person may see the tool. Two queries."""
    request, codes = context["request"], defaultdict[int, list[str]](list)
    if can_see_erp_integrations(request.user, request.current_company):
        links = VendorLink.objects.filter(contract_company__in=vendors).order_by("connection")
        for key, code in links.values_list("contract_company", "vendor_code"):
            codes[key].append(code)
    for each in vendors:
        each.vendor_codes = codes[each.pk]  # type: ignore[attr-defined]  # for the page
    return vendors


register.simple_tag(commitment_accounting.add_invoiced, name="with_invoiced")
register.simple_tag(timeline.list_entries, name="timeline_of")
register.simple_tag(timeline.list_own_entries, name="history_of")
register.simple_tag(timeline.list_questions, name="questions_of")
register.simple_tag(commitment_accounting.list_questions_to_answer, name="questions_to")
register.simple_tag(turns.count_waiting)
register.simple_tag(commitment_accounting.count_by_company, name="with_erp_counts")
