"""Reasons for a rejection that are kept, to be chosen: the company's, and a person's own."""

from django.db import transaction
from django.db.models import Q

from directory import history
from directory.models import CompanyMembership
from directory.rights.permissions import require_administer_erp_integrations
from erp_integrations.events import ErpEvent
from erp_integrations.models import KeptReason


def list_reasons(viewer: CompanyMembership) -> tuple[list[KeptReason], list[KeptReason]]:
    """The company's, and the viewer's own. One query."""
    seen = Q(person=viewer.user_id) | Q(person=None)
    found = list(KeptReason.objects.filter(seen, company=viewer.company_id).order_by("pk"))
    return [each for each in found if not each.person_id], [each for each in found if each.person_id]


@transaction.atomic
def store_reason(viewer: CompanyMembership, text: str, *, is_own: bool) -> None:
    """Raises RightMissing as ``record_change`` does."""
    person = viewer.user if is_own else None
    reason, is_new = KeptReason.objects.get_or_create(company=viewer.company, person=person, text=text)
    if is_new:
        record_change(reason, viewer, "added")


@transaction.atomic
def delete_reason(viewer: CompanyMembership, reason: KeptReason) -> None:
    record_change(reason, viewer, "deleted")
    reason.delete()


def record_change(reason: KeptReason, viewer: CompanyMembership, change: str) -> None:
    """Of the company's. Raises RightMissing without Admin on the tool."""
    if not reason.person_id:
        event, by, company = ErpEvent.REASONS_CHANGED, viewer.user, viewer.company
        require_administer_erp_integrations(by, company)
        history.record(event=event, subject=company, by=by, company=company, detail={change: reason.text})
