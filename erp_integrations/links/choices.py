"""Accounting's part in what commitments choose from (``commitments.choices``)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db.models import QuerySet

from commitments.models import ContractCompany
from directory.models import Project
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.confirmations.pending_changes import record_renaming
from erp_integrations.confirmations.subjects import Kind, Subject
from erp_integrations.master_data.lookup import find_by_code
from erp_integrations.models import Connection, Job, JobLink, UnconfirmedChange, VendorLink
from erp_integrations.models.master_data import PhaseState

__all__ = ["find_merge_obstacle", "find_phase_states", "list_vendor_codes", "record_renaming"]


def list_vendor_codes(project: Project) -> QuerySet[VendorLink]:
    """Of the connection that the project's commitments go to, or else of any."""
    job = JobLink.objects.filter(project=project).first()
    links = VendorLink.objects.filter(connection__company=project.company_id)
    return links.filter(connection=job.connection_id) if job else links


def find_phase_states(project: Project, cost_codes: Iterable[str]) -> Mapping[str, Mapping[str, str]] | None:
    """None where the project is no job, or its phases were never read. Three queries."""
    link = JobLink.objects.filter(project=project).select_related("connection").first()
    if link is None:
        return None
    jobs = Job.objects.filter(connection=link.connection, gone_at=None).exclude(phases_seen_at=None)
    job = find_by_code(jobs, "number", link.job_number).order_by("pk").first()
    if job is None:
        return None
    states: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for phase in job.phases.filter(gone_at=None):
        is_open = phase.status == PhaseState.ACTIVE
        states[phase.code.upper()][phase.cost_type.upper()] = "" if is_open else phase.get_status_display()
    get_phase_code = get_adapter(link.connection).get_phase_code
    return {code: states.get(get_phase_code(code), {}) for code in cost_codes}


def find_merge_obstacle(merged: ContractCompany, kept: ContractCompany) -> str:
    """Money would go elsewhere without a second person. Its links stay with each."""
    links = [
        {
            link.connection_id: (link.vendor_code.strip().upper(), link.general_ledger_account)
            for link in found
        }
        for found in (each.vendor_links.all() for each in (merged, kept))
    ]
    if any(links[0][each] != links[1][each] for each in links[0].keys() & links[1].keys()):
        return (
            f"{merged} and {kept} are linked to different vendors or accounts in Spectrum. If they are one, "
            "an ERP Integrations Admin corrects the link first, and another person confirms it."
        )
    connections = Connection.objects.filter(company=kept.company_id).values_list("pk", flat=True)
    subjects = [str(Subject(Kind.VENDOR, on, str(each.pk))) for on in connections for each in (merged, kept)]
    if UnconfirmedChange.objects.filter(subject__in=subjects).exists():
        return "A link or a name of one of them was changed, and a second person has not confirmed it yet."
    return ""
