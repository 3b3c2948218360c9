"""The pages on which a file is brought in: chosen, its columns looked over, its problems, and its report."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from commitments import imports
from commitments.cells import DayStyle, FigureStyle
from commitments.choices import rehearsals
from commitments.imports import COLUMNS
from commitments.models import Import, ImportKind, ImportState, Kind
from directory.columns import Table
from directory.csv_rows import BYTE_ORDER_MARK, format_csv_rows
from directory.models import Company, Project
from directory.requests import SignedInRequest
from directory.rights.permissions import RightMissing
from directory.row_files import RowsRefused
from directory.web import rate_limits

MOST_SHOWN = 100
MOST_LISTED = 20


class FileForm(forms.Form):
    kind = forms.ChoiceField(label="It holds")
    file = forms.FileField(
        help_text="CSV, or the first sheet of an Excel workbook (.xlsx): up to 100,000 rows and 25 MB, with "
        "your own headings or those of a template. You see its columns and every problem before anything is "
        "imported.",
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
    )


class OptionsForm(forms.Form):
    """The columns as a person has them, and how they are read."""

    project = forms.ModelChoiceField[Project](
        None, label="Project of rows that name none", required=False, empty_label="None"
    )
    kind = forms.ChoiceField(label="Kind of rows that name none", choices=Kind, required=False)
    figures = forms.ChoiceField(label="Figures in texts", required=False)
    days = forms.ChoiceField(label="Dates in texts", required=False)
    changes = forms.BooleanField(
        label="Commitments that are here already, and can be edited, change to what the file says",
        required=False,
    )

    def __init__(self, posted: Any, found: Import) -> None:
        self.table = Table(**found.table)
        columns = self.table.list_columns()
        names = {f"column-{place}": name for place, _, _, name in columns}
        super().__init__(posted, initial=names | found.options)
        fields: Any = self.fields
        for name, styles in (("figures", FigureStyle), ("days", DayStyle)):
            examples = [(value, f"Like {example}") for value, example in styles.choices]
            fields[name].choices = [("", "As the file shows"), *examples]
        if found.kind != ImportKind.COMMITMENTS:
            for name in ("kind", "figures", "days", "changes"):
                del fields[name]
        if found.kind in (ImportKind.COMMITMENTS, ImportKind.COST_CODES):
            fields["project"].queryset = Project.objects.visible_to(found.by).filter(company=found.company)
        else:
            del fields["project"]
        self.asked = [self[name] for name in fields]
        choices = [("", "Not imported"), *((each.name, each.label) for each in COLUMNS[found.kind])]
        for name in names:
            select = forms.Select(attrs={"aria-labelledby": f"heading-{name}"})
            fields[name] = forms.ChoiceField(choices=choices, required=False, widget=select)
        self.columns = [(self[f"column-{place}"], heading, sample) for place, heading, sample, _ in columns]

    def clean(self) -> dict[str, Any]:
        """With the place of each column that is chosen, which is one."""
        cleaned, places = super().clean() or {}, dict[str, int]()
        for key in [key for key in cleaned if key.startswith("column-")]:
            if (name := cleaned.pop(key)) in places:
                raise ValidationError(f"{name.replace('_', ' ').capitalize()} is chosen twice.")
            if name:
                places[name] = int(key.removeprefix("column-"))
        if project := cleaned.get("project"):
            cleaned["project"] = project.pk
        return {"places": places, "options": cleaned}


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT, when=rate_limits.is_post)
def start(request: SignedInRequest, company_slug: str) -> HttpResponse:
    """Choose a file; one's own files so far."""
    company, kinds = get_company_or_404(request, company_slug)
    form = FileForm(initial=request.GET.dict())
    if request.method == "POST":
        form = FileForm(request.POST, request.FILES)
    kind: Any = form.fields["kind"]
    kind.choices = [(each.value, each.label) for each in kinds]
    if form.is_valid():
        try:
            return redirect(imports.create_import(company=company, by=request.user, **form.cleaned_data))
        except RowsRefused as refused:
            form.add_error("file", refused.problems)
    mine = Import.objects.filter(by=request.user, company=company).defer("content").order_by("-pk")
    context = {"kinds": kinds, "form": form, "imports": mine[:MOST_LISTED]}
    return render(request, "commitments/import_start.html", context, status=422 if form.errors else 200)


@require_safe
def template(request: SignedInRequest, company_slug: str, kind: str) -> HttpResponse:
    """The headings that are understood without a look."""
    get_company_or_404(request, company_slug)
    if kind not in COLUMNS:
        raise Http404
    return HttpResponse(
        BYTE_ORDER_MARK + format_csv_rows([[each.label for each in COLUMNS[kind]]]),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{kind}.csv"'},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT, when=rate_limits.is_post)
def detail(request: SignedInRequest, company_slug: str, import_id: int) -> HttpResponse:
    """One's own file: its columns, what stands in the way, how far it is, what became of it."""
    company, kinds = get_company_or_404(request, company_slug)
    mine = Import.objects.filter(by=request.user, company=company, kind__in=kinds).defer("content")
    found = get_object_or_404(mine.select_related("company", "by"), pk=import_id)
    form = OptionsForm(request.POST if request.method == "POST" else None, found)
    if request.method == "POST":
        try:
            return redirect(handle_press(request, found, form))
        except RowsRefused as refused:
            form.add_error(None, refused.problems)
    rehearsal = found.result.get("rehearsal", {})
    shown = found.result.get("problems", [])[:MOST_SHOWN]
    more = found.result.get("problem_count", 0) - len(shown)
    context = {
        "found": found,
        "form": form,
        "is_commitments": found.kind == ImportKind.COMMITMENTS,
        "can_rehearse": rehearsals and found.kind == ImportKind.COMMITMENTS,
        "rehearsal": rehearsal,
        "rehearsal_parts": [("What", rehearsal.get("groups")), ("Why", rehearsal.get("causes"))],
        "shown": shown + [f"And {more:,} more."] * (more > 0),
        "facts_title": f"What {'was' if found.state == ImportState.DONE else 'would be'} imported",
    }
    return render(request, "commitments/import.html", context, status=422 if form.errors else 200)


def handle_press(request: SignedInRequest, found: Import, form: OptionsForm) -> str:
    """The page that follows. Raises RowsRefused."""
    if "delete" in request.POST:
        kept = [ImportState.WRITING, ImportState.DONE]
        if not Import.objects.filter(pk=found.pk).exclude(state__in=kept).delete()[0]:
            raise RowsRefused("It is being imported, or was already, so it was not removed.")
        messages.success(request, "The file was removed. Nothing of it was imported.")
        return reverse("imports:start", args=[found.company.slug])
    if "write" in request.POST:
        if not found.result.get("problem_count"):
            imports.start(found, ImportState.WRITING, (ImportState.CHECKED,))
    elif "rehearse" in request.POST:
        imports.start(found, ImportState.REHEARSING, (ImportState.CHECKED,))
    elif form.is_valid():
        imports.set_columns(found=found, **form.cleaned_data)
    else:
        raise RowsRefused
    return found.get_absolute_url()


def get_company_or_404(request: SignedInRequest, company_slug: str) -> tuple[Company, list[ImportKind]]:
    """With what the person may import there. Raises RightMissing where that is nothing."""
    company = get_object_or_404(Company.objects.visible_to(request.user), slug=company_slug)
    request.current_company = company
    if not (kinds := imports.list_kinds(request.user, company)):
        raise RightMissing(
            by=request.user,
            company=company,
            right="import",
            sentence="To import, you need Standard on a project's Commitments tool, or Admin on the "
            "Directory or on the ERP Integrations tool.",
        )
    return company, kinds
