"""Django admin's action on an approver: exempt them once from the rule on their own commitments."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from directory.admin import CompanyMembershipAdmin
from directory.models import CompanyMembership, User
from erp_integrations import submissions
from erp_integrations.models import Submission


class ExemptionForm(forms.Form):
    """For which submission, and why."""

    submission = forms.ModelChoiceField(Submission.objects.none(), label="Commitment")
    reason = forms.CharField(
        max_length=500,
        help_text="Mailed to everybody concerned and kept in the history.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )

    def __init__(self, membership: CompanyMembership, *args: Any) -> None:
        super().__init__(*args)
        of_company = Submission.objects.undecided().filter(company=membership.company_id)
        own_decisions = [
            each.pk
            for each in of_company.select_related("company")
            if submissions.describe_own_decision(each, membership.user)
        ]
        field = self.fields["submission"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Submission.objects.filter(pk__in=own_decisions)


admin.site.unregister(CompanyMembership)


@admin.register(CompanyMembership)
class ApproverAdmin(CompanyMembershipAdmin):
    """The same, and what takes a submission."""

    actions = ("exempt_once",)

    def has_grant_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("directory.grant_push_to_accounting")

    @admin.action(description="Exempt the selected approver once, for one commitment…", permissions=["grant"])
    def exempt_once(self, request: HttpRequest, queryset: QuerySet[CompanyMembership]) -> HttpResponse | None:
        """Ask for the commitment and the reason first."""
        chosen = list(queryset.select_related("user", "company")[:2])
        if len(chosen) != 1:
            messages.warning(request, "Choose one person at a time. Nothing was done.")
            return None
        (membership,) = chosen
        form = ExemptionForm(membership, request.POST if "reason" in request.POST else None)
        if form.is_valid():
            assert isinstance(request.user, User)
            try:
                submissions.exempt(person=membership.user, by=request.user, **form.cleaned_data)
            except (submissions.DecisionError, PermissionDenied) as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(
                    request,
                    f"{membership.user} may decide on it once. Everybody concerned has been notified.",
                )
                return None
        context = {"title": "Exempt an approver once", "chosen": membership, "form": form}
        context |= {"action": "exempt_once", "verb": "Exempt once", **admin.site.each_context(request)}
        context["consequence"] = (
            f"{membership.user} may then decide on the selected commitment of {membership.company} although "
            "they created, changed, sent or retrieved it, or changed where it is exported to. It ends with "
            "the decision. Administrators, approvers and the project are mailed."
        )
        return TemplateResponse(request, "admin/directory/ask.html", context)
