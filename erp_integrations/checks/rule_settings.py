"""A company's own switches and limits of the rules, which an ERP Integrations Admin sets."""

from decimal import Decimal

from django import forms
from django.db import transaction

from directory import history
from directory.models import Company, User
from directory.rights.permissions import require_administer_erp_integrations
from erp_integrations.checks.rules import RULES
from erp_integrations.events import ErpEvent
from erp_integrations.models import CheckRule


class RulesForm(forms.Form):
    """Of each rule whether it is on, and its limit where it has one."""

    def __init__(self, company: Company, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        own = {each.code: each for each in company.check_rules.all()}
        for rule in RULES:
            setting = own.get(rule.code)
            self.fields[rule.code] = forms.BooleanField(
                label=rule.label, required=False, initial=setting.is_on if setting else True
            )
            if rule.limit is not None:
                limit = setting.limit if setting and setting.limit is not None else rule.limit
                self.fields[get_limit_name(rule.code)] = forms.DecimalField(
                    label=f"{rule.label}: limit, {rule.unit}",
                    initial=f"{limit.normalize():f}",
                    min_value=Decimal(0),
                    max_digits=9,
                    decimal_places=2,
                )

    @property
    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField | None, str]]:
        limits = {rule.code: get_limit_name(rule.code) for rule in RULES if rule.limit is not None}
        return [
            (self[rule.code], self[limits[rule.code]] if rule.code in limits else None, rule.unit)
            for rule in RULES
        ]


def get_limit_name(code: str) -> str:
    return f"{code}-limit"


@transaction.atomic
def save_rules(*, form: RulesForm, company: Company, by: User) -> None:
    """All that waits in the company is checked again. Raises RightMissing without Admin on the tool."""
    require_administer_erp_integrations(by, company)
    if not form.changed_data:
        return
    for rule in RULES:
        values = {"is_on": form.cleaned_data[rule.code]}
        values["limit"] = form.cleaned_data.get(get_limit_name(rule.code))
        CheckRule.objects.update_or_create(company=company, code=rule.code, defaults=values)
    detail = {name: str(form.cleaned_data[name]) for name in form.changed_data}
    history.record(event=ErpEvent.CHECK_RULES_CHANGED, subject=company, by=by, company=company, detail=detail)
