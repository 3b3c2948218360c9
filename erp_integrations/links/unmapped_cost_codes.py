"""Cost codes in use on a project that Spectrum would refuse, or take with a remark, on its job."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Count

from commitments.models import LineItem, Lock
from directory.db import pagination
from directory.db.pagination import Page
from directory.models import Company, Project
from erp_integrations.adapters.registry import adapter_for
from erp_integrations.models import Job, JobLink, Phase, PhaseState

PROJECTS_AT_ONCE = 25


@dataclass(frozen=True, slots=True)
class Gap:
    """A cost code with one of its cost types, and what Spectrum's list has against it.

    ``is_refused``: Spectrum would refuse such a line. ``lines`` and ``commitments`` count those
    that are not exported.
    """

    cost_code: str
    name: str
    cost_type: str
    lines: int
    commitments: int
    sentence: str
    is_refused: bool


@dataclass(frozen=True, slots=True)
class ProjectGaps:
    """A project with its job, and the gaps among the ``used`` pairs of cost code and cost type.

    ``job`` is empty when the project is not linked, or its job is not in Spectrum's list;
    ``is_read`` says whether the job's phases were ever read.
    """

    project: Project
    link: JobLink | None
    job: Job | None
    used: int
    gaps: list[Gap] = field(default_factory=list)

    @property
    def is_read(self) -> bool:
        """Whether anything can be said."""
        return self.job is not None and self.job.phases_seen_at is not None


@dataclass(frozen=True, slots=True)
class _Used:
    cost_code: str
    name: str
    cost_type: str
    lines: int
    commitments: int


def page(
    company: Company, *, search: str, parameters: Mapping[str, str]
) -> tuple[Page[Project], list[ProjectGaps]]:
    """Some projects, in the order of their names. Five queries."""
    found = Project.objects.filter(company=company)
    for word in search.split():
        found = found.filter(name__icontains=word) | found.filter(number__icontains=word)
    shown = pagination.get_page(
        found,
        parameters,
        by="name",
        ascending=True,
        length=PROJECTS_AT_ONCE,
        kept={"q": search} if search else {},
    )
    return shown, of(company, shown.rows)


def of(company: Company, projects: Sequence[Project]) -> list[ProjectGaps]:
    """The gaps of each project, in their order. Four queries."""
    links = {
        link.project_id: link
        for link in JobLink.objects.filter(project__in=projects).select_related("connection__settings")
    }
    jobs = {
        (job.connection_id, job.number.upper()): job
        for job in Job.objects.filter(connection__company=company, gone_at=None)
    }
    job_of = {
        project_id: jobs.get((link.connection_id, link.job_number.strip().upper()))
        for project_id, link in links.items()
    }
    used = _used(projects)
    phases = _phases([job for job in job_of.values() if job])
    rows = []
    for project in projects:
        link, job = links.get(project.pk), job_of.get(project.pk)
        gaps = _gaps(link, phases[job.pk], used[project.pk]) if link and job and job.phases_seen_at else []
        rows.append(ProjectGaps(project, link, job, len(used[project.pk]), gaps))
    return rows


def _used(projects: Sequence[Project]) -> defaultdict[int, list[_Used]]:
    pairs = (
        LineItem.objects.filter(
            commitment__project__in=projects, cost_code__isnull=False, cost_type__isnull=False
        )
        .exclude(commitment__lock=Lock.EXPORTED)
        .order_by("cost_code__code", "cost_type__code")
        .values_list("commitment__project_id", "cost_code__code", "cost_code__name", "cost_type__code")
        .annotate(lines=Count("pk"), commitments=Count("commitment", distinct=True))
    )
    used: defaultdict[int, list[_Used]] = defaultdict(list)
    for project_id, *pair in pairs:
        used[project_id].append(_Used(*pair))
    return used


def _phases(jobs: Sequence[Job]) -> defaultdict[int, dict[str, dict[str, str]]]:
    """The status by job, phase and cost type."""
    phases: defaultdict[int, dict[str, dict[str, str]]] = defaultdict(dict)
    listed = Phase.objects.filter(job__in=jobs, gone_at=None).values_list(
        "job_id", "code", "cost_type", "status"
    )
    for job_id, code, cost_type, status in listed:
        phases[job_id].setdefault(code.upper(), {})[cost_type.upper()] = status
    return phases


def _gaps(link: JobLink, phases: Mapping[str, Mapping[str, str]], used: Sequence[_Used]) -> list[Gap]:
    phase_code = adapter_for(link.connection).phase_code
    gaps = []
    for pair in used:
        cost_types = phases.get(phase_code(pair.cost_code), {})
        sentence = _sentence(cost_types, pair.cost_type)
        if sentence:
            inactive = cost_types.get(pair.cost_type.strip().upper()) == PhaseState.INACTIVE
            gaps.append(
                Gap(
                    cost_code=pair.cost_code,
                    name=pair.name,
                    cost_type=pair.cost_type,
                    lines=pair.lines,
                    commitments=pair.commitments,
                    sentence=sentence,
                    is_refused=not inactive,
                )
            )
    return gaps


def _sentence(cost_types: Mapping[str, str], cost_type: str) -> str:
    if not cost_types:
        return "The job has no such phase."
    match cost_types.get(cost_type.strip().upper()):
        case None:
            return f"The phase does not have this cost type; it has {', '.join(sorted(cost_types))}."
        case PhaseState.COMPLETE:
            return "The phase is complete: Spectrum takes nothing more on it."
        case PhaseState.INACTIVE:
            return "The phase is inactive: Spectrum takes a line on it all the same."
    return ""
