"""Everything with a life cycle: to be looked at, never changed by hand."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from directory.admin.scoped import ReadOnlyAdmin
from erp_integrations.models import Attestation, ErpIdHold, ExportCall, ExportJob, Submission, WireAttempt


class NewestFirstAdmin(ReadOnlyAdmin):
    """For tables too long to be counted for every page."""

    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(Submission)
class SubmissionAdmin(NewestFirstAdmin):
    """Sent commitments, and how they were decided."""

    list_display = ("number", "title", "company", "project", "status", "sent_by", "sent_at")
    list_filter = ("status", "kind", "company")
    list_select_related = ("company", "project", "sent_by")
    search_fields = ("number", "title", "contract_company_name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("snapshot")


@admin.register(ExportJob)
class ExportJobAdmin(NewestFirstAdmin):
    """The deliveries."""

    company = "submission__company"
    list_display = ("erp_id", "vendor_code", "submission", "connection", "status", "tries", "problem")
    list_filter = ("status", "connection")
    list_select_related = ("submission", "connection")
    search_fields = ("erp_id", "vendor_code", "submission__number")


@admin.register(ExportCall)
class ExportCallAdmin(ReadOnlyAdmin):
    """The accepted plan, call by call."""

    company = "job__submission__company"
    list_display = ("title", "method", "job", "plan_round", "position", "state")
    list_filter = ("state", "method")
    list_select_related = ("job",)
    search_fields = ("job__erp_id",)
    ordering = ("-job", "plan_round", "position")
    show_full_result_count = False


@admin.register(WireAttempt)
class WireAttemptAdmin(NewestFirstAdmin):
    """The ledger: every attempt on the wire, and what was answered."""

    company = "call__job__submission__company"
    list_display = ("started_at", "call", "attempt", "outcome", "reason", "finished_at")
    list_filter = ("outcome",)
    list_select_related = ("call",)
    search_fields = ("call__job__erp_id", "reason")


@admin.register(Attestation)
class AttestationAdmin(NewestFirstAdmin):
    """People's statements on what Spectrum holds."""

    company = "call__job__submission__company"
    list_display = ("at", "call", "is_there", "read_back", "statement", "by")
    list_filter = ("is_there", "read_back")
    list_select_related = ("call", "by")
    search_fields = ("call__job__erp_id", "statement")


@admin.register(ErpIdHold)
class ErpIdHoldAdmin(NewestFirstAdmin):
    """Which names in Spectrum belong to which commitments."""

    company = "connection__company"
    list_display = ("erp_id", "vendor_code", "connection", "commitment")
    list_filter = ("connection",)
    list_select_related = ("connection", "commitment")
    search_fields = ("erp_id", "vendor_code", "commitment__number")
