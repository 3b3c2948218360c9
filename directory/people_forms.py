"""The forms by which a company's administrators say who may do what."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from directory.forms import TimesForm, UncutTextField
from directory.history.descriptions import format_levels
from directory.models import HISTORY_LEVELS, Company, Level, Project, Role
from directory.rights.memberships import LEVELS

ROLE_LEVELS = LEVELS[:3]


class RoleChoice(forms.ModelChoiceField[Role]):
    """Each with all that it gives."""

    def label_from_instance(self, role: Any) -> str:
        given = {name: level for name, level in role.levels.items() if level != Level.NONE}
        return f"{role} ({', '.join(format_levels(given)) or 'no level'})"


class GivingForm(forms.Form):
    """Of several people: a role, and a level on projects."""

    role = RoleChoice(None, required=False, empty_label="No role")
    projects = forms.ModelMultipleChoiceField[Project](
        None, required=False, help_text="Several: hold Ctrl, or Cmd on a Mac, while you choose."
    )
    commitments_level = forms.ChoiceField(
        label="Level on these projects",
        choices=[("", "As the role says"), *Level.choices],
        required=False,
        help_text="None takes them off the project.",
    )

    def __init__(self, *args: Any, company: Company, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["role"].queryset, fields["projects"].queryset = company.roles.all(), company.projects.all()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("projects") and not (cleaned.get("commitments_level") or cleaned.get("role")):
            self.add_error("commitments_level", "Choose the level on these projects, or a role.")
        return cleaned

    def build_wish(self) -> dict[str, Any]:
        """The levels by column, the projects by key, and the role that they are from."""
        given, role = self.cleaned_data, self.cleaned_data["role"]
        levels = role.levels if role else given
        on_projects = given["commitments_level"] or levels["commitments_level"]
        return {
            "levels": {name: levels[name] for name in ROLE_LEVELS if levels.get(name)},
            "projects": {each.pk: on_projects for each in given["projects"]},
            "role": role.name if role else "",
        }


class LevelsForm(GivingForm):
    """Of one person: a role's levels, or these."""

    erp_integrations_level = forms.ChoiceField(label="ERP Integrations", choices=Level, required=False)
    directory_level = forms.ChoiceField(label="Directory", choices=Level, required=False)
    history_level = forms.ChoiceField(label="History", choices=HISTORY_LEVELS, required=False)
    field_order = ("email", "name", "role", *ROLE_LEVELS, "is_administrator")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].help_text = "Its levels count, and not those below."


class PersonForm(LevelsForm):
    """Of somebody who is in the Directory."""

    is_administrator = forms.BooleanField(
        label="Company administrator: invites people, and gives and takes levels", required=False
    )
    expected = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean_expected(self) -> str:
        """A level that somebody else has taken away meanwhile is not given again by an older page."""
        seen = str(self.cleaned_data["expected"])
        if seen and seen != self.initial["expected"]:
            raise ValidationError("Somebody else has changed their levels meanwhile. Open the page again.")
        return seen

    def build_wish(self) -> dict[str, Any]:
        wish = super().build_wish()
        wish["levels"]["is_administrator"] = self.cleaned_data["is_administrator"]
        return wish


class InvitationForm(LevelsForm):
    """Of somebody who is not."""

    email = forms.EmailField(label="E-mail address", max_length=254)
    name = forms.CharField(max_length=150)


class ImportForm(forms.Form):
    """Rows that are pasted, or in a file: what they lack is said when they are read."""

    rows = forms.CharField(
        label="E-mail, name, role, projects: one person a line",
        help_text="Paste four columns of a spreadsheet, or CSV such as "
        "<code>ann@site.com,Ann Lee,Project manager,24-001;24-002</code>. Projects by number or name, with a "
        "semicolon between them. Role and projects may be blank.",
        widget=forms.Textarea(attrs={"rows": 8}),
        required=False,
        strip=False,
    )
    file = forms.FileField(
        label="Or a file",
        help_text="CSV, or the first sheet of an Excel workbook (.xlsx): up to 500 people. Headings: E-mail, "
        "Name, Role, Projects.",
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
        required=False,
        allow_empty_file=True,
    )


class ReasonForm(forms.Form):
    """Why."""

    reason = UncutTextField(max_length=1_000, widget=forms.Textarea(attrs={"rows": 3}))


class RoleForm(forms.ModelForm[Role]):
    """A new role: one that is there is deleted and never changed."""

    class Meta:
        model = Role
        fields = ("name", *ROLE_LEVELS, "commitments_level")


class CompanySettingsForm(forms.ModelForm[Company]):
    """For its own administrators; its rules are staff's to set."""

    time_zone = TimesForm.base_fields["time_zone"]

    class Meta:
        model = Company
        fields = ("name", "time_zone", "currency")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["currency"].disabled = self.instance.has_commitments

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).upper()
        if not (len(currency) == len("USD") and currency.isascii() and currency.isalpha()):
            raise ValidationError("Enter its three letters, for example USD.")
        return currency
