"""Django admin for what commitments choose from; commitments themselves are only looked at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from commitments.choices import accounting
from commitments.events import CommitmentEvent
from commitments.models import Commitment, ContractCompany, CostCode, CostType, LineItem
from directory.admin.scoped import ReadOnlyAdmin, RecordingAdmin
from directory.requests import get_person


@admin.register(ContractCompany)
class ContractCompanyAdmin(RecordingAdmin[ContractCompany]):
    """Vendors. Each stays with its company."""

    events = (
        CommitmentEvent.CONTRACT_COMPANY_CREATED,
        CommitmentEvent.CONTRACT_COMPANY_CHANGED,
        CommitmentEvent.CONTRACT_COMPANY_DELETED,
    )
    fixed_fields = ("company",)
    list_display = ("name", "company")
    list_filter = ("company",)
    search_fields = ("name",)

    def save_row(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> dict[str, Any]:
        """With its name what it is linked to waits for a second person."""
        super().save_row(request, obj, form, change)
        if change and "name" in form.changed_data:
            accounting[0].record_renaming(obj, form.initial["name"], get_person(request))
        return {}


@admin.register(CostCode)
class CostCodeAdmin(RecordingAdmin[CostCode]):
    """Cost codes. Each stays in its project."""

    company = "project__company"
    events = (
        CommitmentEvent.COST_CODE_CREATED,
        CommitmentEvent.COST_CODE_CHANGED,
        CommitmentEvent.COST_CODE_DELETED,
    )
    fixed_fields = ("project",)
    list_display = ("code", "name", "project")
    list_filter = ("project__company",)
    list_select_related = ("project",)
    search_fields = ("code", "name", "project__name")
    autocomplete_fields = ("project",)


@admin.register(CostType)
class CostTypeAdmin(RecordingAdmin[CostType]):
    """Cost types. Each stays with its company."""

    events = (
        CommitmentEvent.COST_TYPE_CREATED,
        CommitmentEvent.COST_TYPE_CHANGED,
        CommitmentEvent.COST_TYPE_DELETED,
    )
    fixed_fields = ("company",)
    list_display = ("code", "name", "company")
    list_filter = ("company",)
    search_fields = ("code", "name")


class LineItemInline(admin.TabularInline[LineItem, Commitment]):
    """The Schedule of Values."""

    model = LineItem
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_add_permission


@admin.register(Commitment)
class CommitmentAdmin(ReadOnlyAdmin):
    """Commitments change in their project's Commitments tool, where rights and locks hold."""

    company = "project__company"
    list_display = ("__str__", "title", "project", "kind", "status", "badge", "erp_id")
    list_filter = ("project__company", "kind", "badge")
    list_select_related = ("project",)
    search_fields = ("number", "title", "erp_id", "contract_company__name")
    inlines = (LineItemInline,)
    show_full_result_count = False
