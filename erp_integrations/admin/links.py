"""Vendor links and job links: what the company's vendors and projects are called in Spectrum."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from directory.admin.scoped import RecordingAdmin
from directory.models import User
from erp_integrations import wakeup
from erp_integrations.confirmations import pending_changes
from erp_integrations.confirmations.subjects import LINKS, Subject
from erp_integrations.connections.settings_form import ACCOUNT, build_clean_method
from erp_integrations.events import ErpEvent
from erp_integrations.links import linking
from erp_integrations.links.kinds import get_kind
from erp_integrations.master_data import syncing
from erp_integrations.models import CostTypeAccount, ExportJob, JobLink, JobStatus, VendorLink


class LinkForm(forms.ModelForm[Any]):
    """Both sides are of one company."""

    clean_general_ledger_account = build_clean_method("general_ledger_account", ACCOUNT)

    def clean(self) -> dict[str, Any]:
        """A link joins two things of one company; another company's are none of its business."""
        cleaned = super().clean() or {}
        name = LINKS[Subject.from_link(self.instance).kind][1]
        connection = cleaned.get("connection") or (self.instance.connection_id and self.instance.connection)
        linked = cleaned.get(name) or (getattr(self.instance, f"{name}_id") and getattr(self.instance, name))
        if connection and linked and connection.company_id != linked.company_id:
            self.add_error("connection", "This connection belongs to another company.")
        return cleaned


class LinkAdmin(RecordingAdmin[Any]):
    """A link decides what is exported, so a change stops what was accepted under the old one."""

    company = "connection__company"
    form = LinkForm
    list_filter = ("connection",)
    fixed_fields: tuple[str, ...]
    """They never change once the link is made."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fixed_fields if obj else ()

    def get_history_detail(self, obj: Any) -> dict[str, Any]:
        return linking.get_link_detail(obj)

    def list_queued_exports(self, obj: Any) -> QuerySet[ExportJob]:
        """Accepted, and nothing of it sent, under this link."""
        return get_kind(obj).list_queued_exports(obj)

    def save_row(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> dict[str, Any]:
        assert isinstance(request.user, User)
        subject = Subject.from_link(obj)
        before = subject.get_values(lock=True)
        super().save_row(request, obj, form, change)
        return pending_changes.record_change(
            subject, before=before, by=request.user, company=obj.connection.company
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and form.changed_data:
            self.notify_stopped_exports(request, self.list_queued_exports(obj).count())

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        assert isinstance(request.user, User)
        stopped, subject = self.list_queued_exports(obj).count(), Subject.from_link(obj)
        before = subject.get_values(lock=True)
        super().delete_model(request, obj)
        pending_changes.record_change(subject, before=before, by=request.user, company=obj.connection.company)
        self.notify_stopped_exports(request, stopped)

    def notify_stopped_exports(self, request: HttpRequest, stopped: int) -> None:
        """Say what follows, where something does."""
        if stopped:
            messages.warning(request, linking.describe_stopped_exports(stopped))


@admin.register(VendorLink)
class VendorLinkAdmin(LinkAdmin):
    """Which Spectrum vendor a contract company is."""

    events = (ErpEvent.VENDOR_LINK_CREATED, ErpEvent.VENDOR_LINK_CHANGED, ErpEvent.VENDOR_LINK_DELETED)
    fields = ("connection", "contract_company", "vendor_code", "general_ledger_account")
    fixed_fields = ("connection", "contract_company")
    list_display = ("contract_company", "vendor_code", "general_ledger_account", "connection")
    list_select_related = ("contract_company", "connection")
    search_fields = ("contract_company__name", "vendor_code")
    autocomplete_fields = ("contract_company",)


@admin.register(CostTypeAccount)
class CostTypeAccountAdmin(LinkAdmin):
    """Which general-ledger account the commitments of a cost type get."""

    events = (
        ErpEvent.COST_TYPE_ACCOUNT_CREATED,
        ErpEvent.COST_TYPE_ACCOUNT_CHANGED,
        ErpEvent.COST_TYPE_ACCOUNT_DELETED,
    )
    fields = ("connection", "cost_type", "general_ledger_account")
    fixed_fields = ("connection", "cost_type")
    list_display = ("cost_type", "general_ledger_account", "connection")
    list_select_related = ("cost_type", "connection")

    def get_history_detail(self, obj: CostTypeAccount) -> dict[str, str]:
        return {"cost_type": obj.cost_type.code, "general_ledger_account": obj.general_ledger_account}

    def list_queued_exports(self, obj: CostTypeAccount) -> QuerySet[ExportJob]:
        # Which of them it decides about depends on their lines and vendors: those that may be concerned.
        return obj.connection.jobs.filter(
            status=JobStatus.QUEUED, submission__commitment__lines__cost_type=obj.cost_type
        ).distinct()


@admin.register(JobLink)
class JobLinkAdmin(LinkAdmin):
    """Which Spectrum job a project is, and so where its commitments go."""

    events = (ErpEvent.JOB_LINK_CREATED, ErpEvent.JOB_LINK_CHANGED, ErpEvent.JOB_LINK_DELETED)
    fields = ("project", "connection", "job_number")
    fixed_fields = ("project",)
    list_display = ("project", "job_number", "connection")
    list_select_related = ("project", "connection")
    search_fields = ("project__name", "project__number", "job_number")
    autocomplete_fields = ("project",)

    def save_model(self, request: HttpRequest, obj: JobLink, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change or form.changed_data:
            # Only the phases of linked jobs are read.
            syncing.requeue_sync(obj.connection_id)
            wakeup.wake_sync(obj.connection_id)
