"""The part of the lists that a project may choose from, as last read (``commitments.choices``)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db.models import QuerySet

from directory.models import Project
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.master_data.lookup import find_by_code
from erp_integrations.models import Job, JobLink, VendorLink
from erp_integrations.models.master_data import PhaseState


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
