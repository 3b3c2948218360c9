"""What every settings page of the tool shares: a change is kept in the history."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from directory import history
from directory.admin import CompanyScopedAdmin
from directory.models import Company, User


class RecordingAdmin(CompanyScopedAdmin[Any]):
    """What is changed here stands in the history: which fields, never a secret."""

    company = "connection__company"
    what = ""

    def company_of(self, obj: Any) -> Company:
        """Whose history it is."""
        company: Company = obj.connection.company
        return company

    def codes_of(self, obj: Any) -> dict[str, str]:
        """What of the row the history keeps."""
        return {}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
        elif form.changed_data:
            # Only what the form shows: a worker may be renewing its lease in this very row.
            stored = {field.name for field in obj._meta.concrete_fields} & set(form.cleaned_data)
            obj.save(update_fields=stored)
        if form.changed_data:
            self.record(
                request, obj, "changed" if change else "created", {"fields": sorted(form.changed_data)}
            )

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.record(request, obj, "deleted", {})
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    def record(self, request: HttpRequest, obj: Any, did: str, detail: dict[str, Any]) -> None:
        """One row of the history, by the person in the request."""
        assert isinstance(request.user, User)
        history.record(
            event=f"{self.what}.{did}",
            subject=obj,
            by=request.user,
            company=self.company_of(obj),
            detail=detail | self.codes_of(obj),
        )
