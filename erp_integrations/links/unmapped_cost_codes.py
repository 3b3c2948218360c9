"""Cost codes in use on a project that Spectrum would refuse, or take with a remark, on its job."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models.functions import Upper

from commitments.models import CostCode
from directory.db import pagination
from directory.db.pagination import Page
from directory.models import Company, Project
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.links.queries import count_lines
from erp_integrations.models import Job, JobLink, Phase, PhaseState
from erp_integrations.models.listing import limit_to_words

PAGE_LENGTH = 25


def get_project_page(
    company: Company, *, search: str, parameters: Mapping[str, str]
) -> tuple[Page[Project], list[dict[str, Any]]]:
    """Some projects, in the order of their names. Six queries."""
    projects = limit_to_words(Project.objects.filter(company=company), search, ("name", "number"))
    kept = {"q": search} if search else {}
    project_page = pagination.get_page(
        projects, parameters, by="name", ascending=True, length=PAGE_LENGTH, kept=kept
    )
    return project_page, list_project_cost_codes(company, project_page.rows)


def list_project_cost_codes(company: Company, projects: Sequence[Project]) -> list[dict[str, Any]]:
    """Each project with the gaps among its ``used_count`` pairs of cost code and cost type, in their order.
    Five queries.

    ``is_read`` says whether the phases of its job were ever read: it may not be linked, or its job not be in
    Spectrum's list.
    """
    links = {
        link.project_id: link
        for link in JobLink.objects.filter(project__in=projects).select_related("connection__settings")
    }
    numbers = {link.job_number.strip().upper() for link in links.values()}
    listed = Job.objects.filter(connection__company=company, gone_at=None).alias(comparable=Upper("number"))
    jobs = {(job.connection_id, job.number.upper()): job for job in listed.filter(comparable__in=numbers)}
    job_by_project = {
        project_id: jobs.get((link.connection_id, link.job_number.strip().upper()))
        for project_id, link in links.items()
    }
    used = list_used_cost_codes(projects)
    codes = {
        get_adapter(link.connection).get_phase_code(pair.code)
        for link in links.values()
        for pair in used[link.project_id]
    }
    phases = list_phase_statuses([job for job in job_by_project.values() if job], codes)
    rows = []
    for project in projects:
        link, job = links.get(project.pk), job_by_project.get(project.pk)
        row: dict[str, Any] = {"project": project, "link": link, "used_count": len(used[project.pk])}
        row |= {"is_read": bool(job and job.phases_seen_at), "unmapped": []}
        if link and job and row["is_read"]:
            row["unmapped"] = find_unmapped_cost_codes(link, phases[job.pk], used[project.pk])
        rows.append(row)
    gaps = [gap for row in rows for gap in row["unmapped"]]
    for gap, counts in zip(gaps, count_lines([gap["where"] for gap in gaps]), strict=True):
        gap["lines"], gap["commitments"] = counts
    return rows


def list_used_cost_codes(projects: Sequence[Project]) -> defaultdict[int, list[Any]]:
    """By project, in order: a cost code for each cost type that it is used with."""
    used: defaultdict[int, list[Any]] = defaultdict(list)
    keys = [project.pk for project in projects]
    for pair in CostCode.objects.raw("SELECT * FROM list_unexported_codes(%s)", [keys]):
        used[vars(pair)["unexported_in"]].append(pair)
    return used


def list_phase_statuses(jobs: Sequence[Job], codes: set[str]) -> defaultdict[int, dict[str, dict[str, str]]]:
    """Of these codes, in upper case, the status by job, phase and cost type."""
    phases: defaultdict[int, dict[str, dict[str, str]]] = defaultdict(dict)
    listed = Phase.objects.filter(job__in=jobs, gone_at=None).alias(comparable=Upper("code"))
    rows = listed.filter(comparable__in=codes).values_list("job_id", "code", "cost_type", "status")
    for job_id, code, cost_type, status in rows:
        phases[job_id].setdefault(code.upper(), {})[cost_type.upper()] = status
    return phases


def find_unmapped_cost_codes(
    link: JobLink, phases: Mapping[str, Mapping[str, str]], used: Sequence[Any]
) -> list[dict[str, Any]]:
    """The pairs that Spectrum's list has something against; ``is_refused``: it would refuse such a line."""
    phase_code = get_adapter(link.connection).get_phase_code
    unmapped = []
    for pair in used:
        cost_types, cost_type = phases.get(phase_code(pair.code), {}), pair.cost_type
        if sentence := _describe_phase_problem(cost_types, cost_type):
            inactive = cost_types.get(cost_type.strip().upper()) == PhaseState.INACTIVE
            where = {"unexported_in": link.project_id, "cost_code": pair.pk, "cost_type": pair.cost_type_id}
            unmapped.append({"pair": pair, "sentence": sentence, "is_refused": not inactive, "where": where})
    return unmapped


def _describe_phase_problem(cost_types: Mapping[str, str], cost_type: str) -> str:
    if not cost_types:
        return "The job has no such phase."
    match cost_types.get(cost_type.strip().upper()):
        case None:
            return f"The phase does not have this cost type; it has {', '.join(sorted(cost_types))}."
        case PhaseState.COMPLETE:
            return "The phase is complete: Spectrum accepts nothing more on it."
        case PhaseState.INACTIVE:
            return "The phase is inactive, but Spectrum still accepts lines on it."
    return ""
