"""A number that can't be exported is the project's to change, and before Send: nobody sees it sooner."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from django.db.models.functions import Upper

from commitments.models import Commitment
from erp_integrations.adapters.base import Issue, ResponsibleParty, Severity
from erp_integrations.checks.approval_basis import ApprovalBasis
from erp_integrations.models import Drift, ErpIdHold, Submission

NUMBER_ISSUES = frozenset(
    {
        *("erp-id-too-long", "erp-id-forbidden-characters"),
        *("erp-id-taken", "erp-id-awaiting", "erp-id-seen-in-spectrum"),
    }
)


def check_number(basis: ApprovalBasis, issues: Iterable[Issue]) -> Iterator[Issue]:
    """Those issues, the ones of the ERP ID as issues of the number, and whom else the ERP ID would meet."""
    erp_id = basis.proposed_erp_id
    found = [*issues, *check_others(basis, erp_id)]
    has_any = any(each.code in NUMBER_ISSUES for each in found)
    free = find_fitting_number(basis) if has_any else ""
    action = f"Change the number: {free} can be exported." if free else "Change the number."
    for each in found:
        if each.code in NUMBER_ISSUES:
            each = replace(each, severity=Severity.BLOCKING, responsible_party=ResponsibleParty.PROJECT)
            each = replace(each, field="Number", action=action, free_number=free)
        yield each


def check_others(basis: ApprovalBasis, erp_id: str) -> Iterator[Issue]:
    """Only Send asks this: later the ERP ID is the approver's, and Spectrum itself is read."""
    taken = find_taken(basis, [erp_id]) if erp_id else {}
    for code, sentence in (
        ("erp-id-awaiting", "Another commitment with this vendor waits at accounting for the ERP ID {}."),
        ("erp-id-seen-in-spectrum", "Spectrum had a subcontract {} of this vendor when it was last read."),
    ):
        if code in taken.values():
            key = basis.get_key(erp_id).erp_id
            yield Issue(code, Severity.BLOCKING, sentence.format(key), "", "", ResponsibleParty.PROJECT)


def find_taken(basis: ApprovalBasis, erp_ids: Collection[str]) -> dict[str, str]:
    """Those that the vendor has otherwise, and the code of why. At most three queries."""
    connection, document = basis.connection, basis.document
    if connection is None or not basis.references.vendor_code:
        return {}
    keys = {basis.get_key(each): each for each in erp_ids}
    vendor = {"connection": connection, "vendor_code": next(iter(keys)).vendor_code}
    holds = ErpIdHold.objects.filter(**vendor, erp_id__in=[key.erp_id for key in keys])
    reserved = set(holds.exclude(commitment=document.commitment_id).values_list("erp_id", flat=True))
    links = connection.vendor_links.filter(vendor_code__iexact=vendor["vendor_code"])
    waiting = Submission.objects.awaiting().filter(
        company=connection.company_id,
        connection=connection,
        commitment__contract_company__in=links.values("contract_company"),
    )
    waiting = waiting.exclude(commitment=document.commitment_id).filter(commitment__erp_id_hold=None)
    awaited = {
        basis.get_key(basis.adapter.get_proposed_erp_id(replace(document, kind=kind, number=number)))
        for kind, number in waiting.values_list("kind", "number")
    }
    late = Drift.objects.late().filter(job__connection=connection, record_name__in=map(str, keys))
    seen = set(late.values_list("record_name", flat=True))
    taken = {}
    for key, erp_id in keys.items():
        if key.erp_id in reserved:
            taken[erp_id] = "erp-id-taken"
        elif key in awaited:
            taken[erp_id] = "erp-id-awaiting"
        elif str(key) in seen:
            taken[erp_id] = "erp-id-seen-in-spectrum"
    return taken


def find_fitting_number(basis: ApprovalBasis) -> str:
    """Near the document's own, free in its project and exportable; blank if there is none."""
    document, adapter = basis.document, basis.adapter
    erp_ids = {
        number: adapter.get_proposed_erp_id(replace(document, number=number))
        for number in adapter.list_fitting_numbers(document)
    }
    others = Commitment.objects.filter(project=document.project_id, kind=document.kind)
    named = others.exclude(pk=document.commitment_id).annotate(upper=Upper("number"))
    used = set(named.filter(upper__in=erp_ids).values_list("upper", flat=True))
    taken = find_taken(basis, list(erp_ids.values())) if erp_ids else {}
    return next((each for each, erp_id in erp_ids.items() if each not in used and erp_id not in taken), "")
