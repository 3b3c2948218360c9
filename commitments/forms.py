"""A person's entries: the header of a commitment, and its Schedule of Values as a grid."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.urls import reverse
from django.utils.functional import cached_property

from commitments.choices import accounting, find_vendors, list_vendors
from commitments.figures import FigureField, to_the_cent
from commitments.locks import EXPORTED_FIELDS
from commitments.models import DETAILS, SIGNATURE, STATUSES, ContractCompany, CostCode, CostType
from commitments.services import LINE_FIELDS
from commitments.widgets import VendorInput
from directory.forms import UncutTextField
from directory.models import Project

MAX_LINES = 1000
TOO_MANY_LINES = f"At most {MAX_LINES:,} lines are possible."


# Line breaks, control characters, and those that turn the direction of what follows: a title could read
# as another one.
INVISIBLE_CHARACTERS = re.compile(r"[\x01-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
MAX_DESCRIPTION_LENGTH = 10_000


class WholeTextField(UncutTextField):
    """One line of text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def validate(self, value: str) -> None:
        """Nothing in it that a person can't see."""
        super().validate(value)
        if INVISIBLE_CHARACTERS.search(value):
            raise ValidationError(
                "It contains a line break or an invisible character. Type it again by hand."
            )


class PlainTextField(WholeTextField):
    """Text of several lines."""

    def __init__(self) -> None:
        super().__init__(max_length=MAX_DESCRIPTION_LENGTH, widget=forms.Textarea(attrs={"rows": 3}))

    def validate(self, value: str) -> None:
        """Line breaks and tabs are seen here."""
        super().validate(re.sub(r"[\r\n\t]", " ", value))


class DayField(forms.DateField):
    """One day; blank where there is none."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            error_messages={"invalid": "Enter a date such as 2025-03-31."},
        )


class VendorField(forms.Field):
    """A contract company, by its name or its code in accounting.

    The page knows the key and the name of the one that it shows: as long as that name stands there, it is
    that one, whatever it or another is called by now.
    """

    widget = VendorInput
    project: Project
    stored: ContractCompany | None = None
    """The commitment's, which it keeps when it is closed."""

    def validate(self, value: ContractCompany | None) -> None:
        if value and value.closed_at and value != self.stored:
            raise ValidationError(f"{value.name}: {value.state}. Choose one that is open.")

    def to_python(self, value: Any) -> ContractCompany | None:
        """The one that is meant. Two that fit are refused: money goes there."""
        if not isinstance(value, tuple):
            return value if isinstance(value, ContractCompany) else None
        key, text, name = value
        shown = self.get_shown(key)
        if shown and (text is None or text.split() in [each.split() for each in (name, shown.name) if each]):
            return shown
        if is_key(key) and not shown:
            raise ValidationError("That vendor is not on the company's list. Type the name of one that is.")
        text = " ".join((key if text is None else text).replace("\0", "").split())
        if not text:
            return None
        vendors = list_vendors(self.project)
        same = list(vendors.filter(name=text) or vendors.filter(Q(name__iexact=text) | Q(code__iexact=text)))
        same = [each for each in same if not each.closed_at] or same
        if len(same) == 1:
            vendor: ContractCompany = same[0]
            return vendor
        found = same or find_vendors(self.project, text)
        fitting = "; ".join(f"{each} ({each.code})" if each.code else each.name for each in found)
        if same:
            remedy = "Type the code of one, or its whole name as it is written here."
            raise ValidationError(f"{text[:60]} fits several vendors: {fitting}. {remedy}")
        hint = f" Close to it: {fitting}. Type one whole name or code." if fitting else ""
        raise ValidationError(f"No vendor has the name or code {text[:60]}.{hint}")

    def prepare_value(self, value: Any) -> tuple[str, str, str]:
        """Its key, its name or what was typed, and the name that was shown."""
        if isinstance(value, tuple):
            key, text, name = value
            value = self.get_shown(key)
            if text is not None:
                return (key, text, name or "") if value else ("", text, "")
            if not value and not is_key(key):
                return "", key, ""
        return (str(value.pk), value.name, value.name) if value else ("", "", "")

    def get_shown(self, key: str) -> ContractCompany | None:
        keys = {"pk": key, "company": self.project.company_id}
        return ContractCompany.objects.filter(**keys).first() if is_key(key) else None


def is_key(text: str) -> bool:
    return bool(re.fullmatch("[0-9]{1,9}", text))


class CommitmentForm(forms.Form):
    """The header. Nothing is required: a draft may be half done, and Send says what is missing."""

    number = WholeTextField(max_length=30)
    title = WholeTextField(max_length=255)
    contract_company = VendorField(
        label="Contract Company",
        required=False,
        help_text="Type a part of the name or of the vendor code.",
    )
    status = forms.ChoiceField(
        error_messages={
            "required": "Choose a status.",
            "invalid_choice": "Choose a status from the list.",
        }
    )
    default_retainage = FigureField(
        whole=3, decimals=2, label="Default Retainage", help_text="Percentage held back from each payment."
    )
    trade = WholeTextField(max_length=60)
    issue_date = DayField()
    description = PlainTextField()
    executed = forms.BooleanField(required=False)
    executed_date = DayField()
    start_date = DayField()
    completion_date = DayField()
    delivery_date = DayField()
    ship_to = PlainTextField()
    inclusions = PlainTextField()
    exclusions = PlainTextField()
    terms = PlainTextField()

    def __init__(
        self, *args: Any, project: Project, kind: str, exported: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        companies, statuses = self.fields["contract_company"], self.fields["status"]
        assert isinstance(companies, VendorField)
        assert isinstance(statuses, forms.ChoiceField)
        companies.project, companies.stored = project, self.initial.get("contract_company")
        companies.widget.attrs["hx-get"] = reverse("commitments:vendors", args=[project.pk])
        statuses.choices = STATUSES[kind].choices
        for name in {*chain.from_iterable(DETAILS.values())}.difference(DETAILS[kind]):
            del self.fields[name]
        self.details = [self[name] for name in (*SIGNATURE, *DETAILS[kind])]
        self.locked_note = "in Spectrum" if exported else ""
        for name in EXPORTED_FIELDS if exported else ():
            self.fields[name].disabled = True

    def clean_default_retainage(self) -> Decimal:
        """Blank means that nothing is held back."""
        percent: Decimal = self.cleaned_data["default_retainage"] or Decimal(0)
        if not 0 <= percent <= 100:
            raise ValidationError("Enter a percentage between 0 and 100.")
        return percent

    def clean(self) -> dict[str, Any]:
        get = self.cleaned_data.get
        if get("executed_date") and not get("executed"):
            self.add_error("executed_date", "Tick Executed, or clear this date.")
        start, completion = get("start_date"), get("completion_date")
        if start and completion and completion < start:
            self.add_error("completion_date", "Enter a day that is not before the start date.")
        return self.cleaned_data


class SharedFields(dict[str, forms.Field]):
    """The fields of a line, made once for all lines of a page: none changes them."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "SharedFields":
        return self


@dataclass(frozen=True)
class LineChoices:
    """The cost codes and types that a line may be booked on; read once for all lines of a page."""

    cost_codes: list[CostCode]
    cost_types: list[CostType]
    states: Mapping[str, Mapping[str, str]] | None = None
    """Of the job's phases, by cost code and cost type: blank where it is open. None where nobody knows."""

    @classmethod
    def from_project(cls, project: Project) -> "LineChoices":
        """Those of the project and of its company; five queries."""
        cost_codes = list(CostCode.objects.filter(project=project))
        return cls(
            cost_codes,
            list(CostType.objects.filter(company=project.company_id)),
            accounting[0].find_phase_states(project, [cost_code.code for cost_code in cost_codes]),
        )

    @property
    def offered(self) -> list[tuple[CostCode, str]]:
        """The open cost codes, with their open cost types; all not closed here where nobody knows."""
        not_closed = [cost_code for cost_code in self.cost_codes if not cost_code.closed_at]
        if self.states is None:
            return [(cost_code, "") for cost_code in not_closed]
        listed = (
            (cost_code, [name for name, state in self.states[cost_code.code].items() if not state])
            for cost_code in not_closed
        )
        return [(cost_code, " ".join(names)) for cost_code, names in listed if names]

    def describe_state(self, cost_code: CostCode | None, cost_type: CostType | None) -> str:
        """Why the line can't be booked there today; blank where it can, or nobody knows."""
        if cost_code and cost_code.closed_at:
            return "Closed in this project"
        if cost_code is None or self.states is None:
            return ""
        types = self.states[cost_code.code]
        if cost_type is None:
            return "" if "" in types.values() else "Not open in Spectrum"
        state = types.get(cost_type.code.strip().upper(), "Not on the job")
        return f"{state} in Spectrum" if state else ""

    @cached_property
    def fields(self) -> SharedFields:
        """Of each line's form."""
        made = LineForm.base_fields | {
            "cost_code": CostCodeField(self, label="Cost code"),
            "cost_type": forms.TypedChoiceField(
                label="Cost type",
                choices=[("", ""), *((key, str(cost_type)) for key, cost_type in self.by_key.items())],
                coerce=self.get_cost_type,
                empty_value=None,
                required=False,
                error_messages={"invalid_choice": "Choose a cost type from the list."},
            ),
        }
        return SharedFields({name: made[name] for name in ("line_id", *LINE_FIELDS, "DELETE")})

    @cached_property
    def by_text(self) -> dict[str, CostCode]:
        """The cost codes by what names one: the code alone, or with its name."""
        with_names = {clean_text(str(cost_code)): cost_code for cost_code in self.cost_codes}
        return with_names | {clean_text(cost_code.code): cost_code for cost_code in self.cost_codes}

    @cached_property
    def by_key(self) -> dict[str, CostType]:
        """The cost types by what a select posts."""
        return {str(cost_type.pk): cost_type for cost_type in self.cost_types}

    def get_cost_type(self, key: str) -> CostType:
        """The cost type of the company with this key. Raises ValueError for any other."""
        if key not in self.by_key:
            raise ValueError(key)
        return self.by_key[key]


class CostCodeField(forms.Field):
    """A cost code of the project, typed or picked: by its code alone or with its name.

    One list of suggestions serves every line: a select in each would make a long Schedule of
    Values, in a project with a thousand cost codes, a page of a hundred thousand options.
    """

    def __init__(self, choices: LineChoices, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.choices = choices

    def to_python(self, value: Any) -> CostCode | None:
        """The cost code of this project that the text names."""
        text = str(value or "").strip()
        if not text:
            return None
        found = self.choices.by_text.get(clean_text(text))
        if found is None:
            raise ValidationError(f"This project has no cost code {text[:60]}. Choose one from the list.")
        return found


def clean_text(text: str) -> str:
    return " ".join(text.split()).casefold()


class LineForm(forms.Form):
    """One line of the grid. One that is left completely blank is no line."""

    line_id = forms.IntegerField(required=False, widget=forms.HiddenInput)
    billing_item = WholeTextField(max_length=20, label="Billing item")
    description = WholeTextField(max_length=255)
    quantity = FigureField(whole=10, decimals=4)
    unit_of_measure = WholeTextField(max_length=10, label="Unit")
    unit_cost = FigureField(whole=10, decimals=6, shown=2, label="Unit cost")
    amount = FigureField(whole=12, decimals=2, shown=2)
    DELETE = forms.BooleanField(required=False)

    def __init__(self, *args: Any, choices: LineChoices, **kwargs: Any) -> None:
        self.choices = choices
        self.base_fields = choices.fields  # type: ignore[misc]  # a class has none that know the project
        super().__init__(*args, **kwargs)

    @property
    def cells(self) -> list[tuple[str, str, Any, Any]]:
        """Of each field its name, its label, its value and its errors."""
        return [(name, str(self[name].label), self[name].value(), self[name].errors) for name in LINE_FIELDS]

    @property
    def state(self) -> str:
        """Of the phase that stands in the line."""
        code, key = self["cost_code"].value(), self["cost_type"].value()
        found = self.choices.by_text.get(clean_text(str(code or "")))
        return self.choices.describe_state(found, self.choices.by_key.get(str(key)))

    @cached_property
    def is_line(self) -> bool:
        return self.has_changed() and not self.cleaned_data.get("DELETE")

    def has_changed(self) -> bool:
        return any(self[name].data not in (None, "") and self[name].data.strip() for name in LINE_FIELDS)

    def clean(self) -> dict[str, Any]:
        """Without an amount, quantity times unit cost is the amount. A draft may lack it; Send says so."""
        cleaned = self.cleaned_data
        if {"quantity", "unit_cost", "amount"} & set(self.errors) or cleaned.get("amount") is not None:
            return cleaned
        quantity, unit_cost = cleaned.get("quantity"), cleaned.get("unit_cost")
        if quantity is None or unit_cost is None:
            return cleaned
        amount = to_the_cent(quantity * unit_cost)
        try:
            cleaned["amount"] = self.fields["amount"].clean(f"{amount:f}")
        except ValidationError:
            self.add_error(
                "amount",
                f"Quantity times unit cost is {amount:,.2f}; at most 12 digits fit before the point.",
            )
        return cleaned


class LineFormSet(forms.BaseFormSet[LineForm]):
    """The grid. Every row is posted each time, so none of them is more "initial" than another."""

    form = LineForm
    extra = 0
    can_order = False
    can_delete = can_delete_extra = True
    min_num, max_num, absolute_max = 0, MAX_LINES, 2 * MAX_LINES
    validate_min = validate_max = False
    renderer = None
    default_error_messages = {
        "missing_management_form": "Some lines did not arrive. Nothing was saved. Submit the form again.",
        "too_many_forms": TOO_MANY_LINES,
    }

    def initial_form_count(self) -> int:
        return 0 if self.is_bound else super().initial_form_count()

    def clean(self) -> None:
        if len(self.entered) > MAX_LINES:
            raise ValidationError(TOO_MANY_LINES)
        if f"{self.prefix}-{len(self.forms)}-amount" in self.data:
            # More lines than were counted: they would go without a word.
            raise ValidationError(self.default_error_messages["missing_management_form"])

    @property
    def blank(self) -> list[LineForm]:
        """The page makes other rows of it."""
        return [self.empty_form]

    def add_fields(self, form: LineForm, index: int | None) -> None:
        """They are there (SharedFields)."""

    @property
    def entered(self) -> list[LineForm]:
        """The rows that are lines: not blank, and not marked to be removed."""
        return [form for form in self.forms if form.is_line]
