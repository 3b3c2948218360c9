"""One commitment in the hands of a person: its header and its lines, as stored, as typed, as refused."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.http import QueryDict

from commitments.changes import list_line_changes
from commitments.figures import format_decimal
from commitments.forms import CommitmentForm, LineChoices, LineFormSet
from commitments.models import Commitment, LineItem, Lock
from commitments.numbers import find_free_number
from commitments.services import LINE_FIELDS, list_lines
from directory.models import Project

BLANK_LINES = 3  # blank ones at a time, for whoever works without the script that adds one


@dataclass(frozen=True)
class Problem:
    """One thing to mend: where it is, the control to go to (or nothing), and what is wrong."""

    where: str
    anchor: str
    sentence: str


@dataclass
class Entry:
    """The form of one commitment. ``lines`` is None where the Schedule of Values is in Spectrum."""

    header: CommitmentForm
    lines: LineFormSet | None
    choices: LineChoices
    total: Decimal = Decimal("0.00")

    @classmethod
    def build_blank(cls, project: Project, kind: str) -> "Entry":
        """For a new one: a draft, and a few empty lines."""
        header = CommitmentForm(
            project=project, kind=kind, initial={"status": "draft", "number": find_free_number(project, kind)}
        )
        choices = LineChoices.from_project(project)
        return cls(header, build_line_formset(choices, extra=BLANK_LINES), choices)

    @classmethod
    def from_commitment(cls, commitment: Commitment) -> "Entry":
        """As it is stored."""
        header = build_header_form(commitment)
        if commitment.lock == Lock.EXPORTED:
            return cls(header, None, LineChoices([], []))
        choices = LineChoices.from_project(commitment.project)
        stored = list(commitment.lines.select_related("cost_code", "cost_type"))
        initial = [
            {name: getattr(line, name) for name in ("line_id", *LINE_FIELDS)}
            | {"cost_type": line.cost_type_id}
            for line in stored
        ]
        lines = build_line_formset(choices, initial=initial, extra=0 if initial else BLANK_LINES)
        amounts = (line.amount or Decimal(0) for line in stored)
        return cls(header, lines, choices, sum(amounts, Decimal("0.00")))

    @classmethod
    def build_copy(cls, commitment: Commitment) -> "Entry":
        """For a new one like it, without what belongs to this one alone: number, status, execution, dates."""
        like = copy(commitment)
        like.number = find_free_number(commitment.project, commitment.kind)
        like.status, like.lock, like.executed = "draft", Lock.NONE, False
        like.executed_date = like.issue_date = None
        like.start_date = like.completion_date = like.delivery_date = None
        return cls.from_commitment(like)

    @classmethod
    def from_post(
        cls, data: QueryDict, *, project: Project, kind: str, commitment: Commitment | None = None
    ) -> "Entry":
        """As it was typed."""
        header = (
            build_header_form(commitment, data)
            if commitment
            else CommitmentForm(data, project=project, kind=kind)
        )
        if commitment and commitment.lock == Lock.EXPORTED:
            return cls(header, None, LineChoices([], []))
        choices = LineChoices.from_project(project)
        lines = LineFormSet(data, prefix="lines", form_kwargs={"choices": choices})
        lines.is_valid()
        amounts = (form.cleaned_data.get("amount") for form in lines.entered)
        total = sum((amount for amount in amounts if amount is not None), Decimal("0.00"))
        return cls(header, lines, choices, total)

    def with_more_lines(self, data: QueryDict, *, project: Project, kind: str) -> "Entry":
        """The same words, nothing checked yet, and more blank lines after those that are used."""
        header = CommitmentForm(
            initial={field.name: field.data for field in self.header}, project=project, kind=kind
        )
        used = self.lines.entered if self.lines else []
        initial = [{name: form[name].data for name in ("line_id", *LINE_FIELDS)} for form in used]
        lines = build_line_formset(self.choices, initial=initial, extra=BLANK_LINES)
        return replace(self, header=header, lines=lines)

    def is_valid(self) -> bool:
        """All of it can be saved; looks at everything, so that all problems show at once."""
        return all([self.header.is_valid(), self.lines is None or self.lines.is_valid()])

    @property
    def values(self) -> dict[str, Any]:
        """The header's, once valid."""
        return self.header.cleaned_data

    @property
    def line_values(self) -> list[Mapping[str, Any]] | None:
        """The lines', once valid; None leaves the Schedule of Values alone."""
        if self.lines is None:
            return None
        return [form.cleaned_data for form in self.lines.entered]

    def build_lines(self, commitment: Commitment) -> list[LineItem]:
        """Its lines so far, each at its place in the form, and the commitment given what the header says:
        nothing is saved, and what can't be read is left as it was.
        """
        self.is_valid()
        for name, value in self.values.items():
            setattr(commitment, name, value)
        lines = []
        for position, form in enumerate(self.lines.forms if self.lines else [], start=1):
            if form.is_line:
                typed = form.cleaned_data
                known = {name: typed[name] for name in LINE_FIELDS if typed.get(name) is not None}
                lines.append(LineItem(commitment=commitment, position=position, **known))
        return lines

    @property
    def problems(self) -> list[Problem]:
        """Everything that was refused, in the order of the page."""
        problems = [
            Problem(str(field.label), field.id_for_label, str(error))
            for field in self.header
            for error in field.errors
        ]
        if self.lines is None or not self.lines.is_bound:
            return problems
        problems += [Problem("Schedule of Values", "", str(error)) for error in self.lines.non_form_errors()]
        return problems + [
            Problem(f"Line {position}, {str(field.label).lower()}", field.id_for_label, str(error))
            for position, form in enumerate(self.lines.forms, start=1)
            if form.is_line and form.errors
            for field in form
            for error in field.errors
        ]

    def list_differences(self, stored: Commitment) -> list[str]:
        """The fields where somebody else stored another value meanwhile than was typed here."""
        differences = []
        for field in self.header:
            now = getattr(stored, field.name)
            if self.header.cleaned_data.get(field.name) != now:
                text = stored.get_status_display() if field.name == "status" else format_value(now)
                differences.append(f"{field.label}: {text}")
        if self.line_values is not None:
            typed = [SimpleNamespace(position=i, **line) for i, line in enumerate(self.line_values, start=1)]
            for change in list_line_changes(typed, list(list_lines(stored))):
                entered = f"; you entered {change.old or 'nothing'}" if not change.is_line else ""
                differences.append(f"{change.what}: {change.new or 'not there'}{entered}")
        return differences


def build_line_formset(
    choices: LineChoices, *, initial: list[dict[str, Any]] | None = None, extra: int
) -> LineFormSet:
    lines = LineFormSet(initial=initial or [], prefix="lines", form_kwargs={"choices": choices})
    lines.extra = extra
    return lines


def build_header_form(commitment: Commitment, data: QueryDict | None = None) -> CommitmentForm:
    return CommitmentForm(
        data,
        project=commitment.project,
        kind=commitment.kind,
        exported=commitment.lock == Lock.EXPORTED,
        initial={name: getattr(commitment, name) for name in CommitmentForm.base_fields},
    )


def format_value(value: Any) -> str:
    if isinstance(value, Decimal):
        return format_decimal(value)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return str(value) if value not in (None, "") else "blank"
