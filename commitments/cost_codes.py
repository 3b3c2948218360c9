"""A project's cost codes: added by row, all or nothing; closed, and opened again."""

import csv
from collections.abc import Iterator

from django import forms
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from commitments.errors import RowsRefused
from commitments.events import CommitmentEvent
from commitments.forms import WholeTextField, clean_text
from commitments.models import CostCode
from directory import history
from directory.models import Project, User
from directory.rights.permissions import require_keep_cost_codes

MOST_ROWS = 1_000
HEADINGS = ("code", "name")


class RowForm(forms.Form):
    """One of them."""

    code = WholeTextField(max_length=30)
    name = WholeTextField(max_length=200)

    def clean(self) -> dict[str, str]:
        for name in HEADINGS:
            if name not in self.errors and not self.cleaned_data[name]:
                self.add_error(name, "It is missing.")
        return self.cleaned_data


def find_cost_codes(project: Project, search: str) -> QuerySet[CostCode]:
    found = CostCode.objects.filter(project=project)
    for word in search.split():
        found = found.filter(Q(code__icontains=word) | Q(name__icontains=word))
    return found


@transaction.atomic
def add_cost_codes(*, project: Project, text: str, by: User) -> int:
    """Those of some rows, code and name, as CSV or as a spreadsheet copies them; how many there are.

    Raises RightMissing, and RowsRefused with every problem: then nothing is added.
    """
    require_keep_cost_codes(by, project)
    lines = text.replace("\0", "").splitlines()[: MOST_ROWS + 2]
    reader = csv.reader(lines, delimiter="\t" if "\t" in text else ",")
    try:
        rows = list(enumerate(reader, start=1))
    except csv.Error:
        raise RowsRefused([f"Row {reader.line_num}: It is too long. Look for a quotation mark."]) from None
    if rows and tuple(map(clean_text, rows[0][1])) == HEADINGS:
        del rows[0]
    rows = [(number, row) for number, row in rows if any(map(str.strip, row))]
    taken = {clean_text(code) for code in project.cost_codes.values_list("code", flat=True)}
    added: list[CostCode] = []
    problems = [] if 0 < len(rows) <= MOST_ROWS else [f"Enter 1 to {MOST_ROWS:,} rows."]
    for number, row in rows[:MOST_ROWS]:
        found = list(check_row(row, taken))
        problems += [f"Row {number}: {problem}" for problem in found]
        if not found:
            taken.add(clean_text(row[0]))
            added.append(CostCode(project=project, code=row[0].strip(), name=row[1].strip()))
    if problems:
        raise RowsRefused(problems)
    try:
        with transaction.atomic():
            CostCode.objects.bulk_create(added)
    except IntegrityError as error:
        raise RowsRefused(
            ["Somebody else has just added one of them. Look at the list, and try again."]
        ) from error
    for each in added:
        history.record(event=CommitmentEvent.COST_CODE_CREATED, subject=each, by=by, company=project.company)
    return len(added)


def check_row(row: list[str], taken: set[str]) -> Iterator[str]:
    if len(row) != len(HEADINGS):
        yield "It needs a code and a name; a name with a comma goes between quotation marks."
        return
    form = RowForm(dict(zip(HEADINGS, row, strict=True)))
    for name, (problem, *_) in form.errors.items():
        yield f"{name}: {problem}"
    if clean_text(row[0]) in taken:
        yield f"The project has the code {row[0].strip()[:30]} already, or it is here twice."


@transaction.atomic
def set_closed(*, cost_code: CostCode, closed: bool, by: User) -> None:
    """A closed one is offered no more, and stays on its lines. Raises RightMissing."""
    require_keep_cost_codes(by, cost_code.project)
    changed = CostCode.objects.filter(pk=cost_code.pk, closed_at__isnull=closed)
    if changed.update(closed_at=Now() if closed else None):
        history.record(
            event=CommitmentEvent.COST_CODE_CHANGED,
            subject=cost_code,
            by=by,
            company=cost_code.project.company,
            detail={"fields": ["closed_at"]},
        )
