"""The subjects of history entries: their name, and where a person finds it. One query for each kind."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, Model, OuterRef
from django.urls import reverse

from commitments.models import Commitment, ContractCompany, CostCode, CostType
from directory.models import (
    VISIBLE_LEVELS,
    Company,
    CompanyMembership,
    HistoryEntry,
    Invitation,
    Level,
    Project,
    ProjectMembership,
    User,
)
from erp_integrations.models import Connection, CostTypeAccount, JobLink, Submission, VendorLink


@dataclass(frozen=True, slots=True)
class Subject:
    """An entry's subject. ``url`` is empty where there is no page for it that the reader may open."""

    kind: str
    name: str
    url: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Naming:
    """How one kind of thing is named, and where its page is for this reader."""

    kind: str
    name: Callable[[Any], str]
    url: Callable[[Any, CompanyMembership], str] | None = None
    related: tuple[str, ...] = ()


Subjects = dict[tuple[str, int], Subject]


def find_subjects(entries: Iterable[HistoryEntry], reader: CompanyMembership | None = None) -> Subjects:
    """The subjects of these entries, by type and id; what is gone is named by its number.

    Pages are those that ``reader`` may open; for nobody, as in a file, there are none.
    """
    namings = {model._meta.label_lower: (model, naming) for model, naming in NAMINGS.items()}
    keys_by_type: dict[str, set[int]] = defaultdict(set)
    company_ids = set()
    for entry in entries:
        keys_by_type[entry.subject_type].add(entry.subject_id)
        company_ids.add(entry.company_id)
    invitations = Invitation.objects.filter(company__in=company_ids - {None})
    subjects: Subjects = {}
    for label, keys in sorted(keys_by_type.items()):
        model, naming = namings.get(label, (None, None))
        rows = _find_rows(model, naming, keys, reader) if model and naming else {}
        memberships: Any = [row for row in rows.values() if model in (CompanyMembership, ProjectMembership)]
        invitations.name_people([each.user for each in memberships])
        for key in keys:
            row = rows.get(key)
            if naming and row is not None:
                url = naming.url(row, reader) if naming.url and reader else ""
                subjects[label, key] = Subject(naming.kind, naming.name(row), url)
            else:
                kind = naming.kind if naming else label.rpartition(".")[2].capitalize()
                subjects[label, key] = Subject(kind, f"number {key}")
    return subjects


def _find_rows(
    model: type[Model], naming: Naming, keys: set[int], reader: CompanyMembership | None
) -> dict[int, Model]:
    rows = model._default_manager.select_related(*naming.related or [None])
    if reader and model is Commitment:
        visible_projects = Project.objects.visible_to(reader.user).filter(pk=OuterRef("project"))
        rows = rows.annotate(reader_sees=Exists(visible_projects))
    found: dict[int, Model] = rows.in_bulk(keys)
    return found


def _get_commitment_url(row: Commitment, reader: CompanyMembership) -> str:
    # Of the row, and in the one query: who answers for a company's history may have no part in its projects.
    return row.get_absolute_url() if row.reader_sees else ""  # type: ignore[attr-defined]  # annotated


def _get_submission_url(row: Submission, reader: CompanyMembership) -> str:
    if reader.erp_integrations_level not in VISIBLE_LEVELS:
        return ""
    return reverse("erp_integrations:review", args=[reader.company.slug, row.pk])


def _get_connection_url(row: Connection, reader: CompanyMembership) -> str:
    if reader.erp_integrations_level != Level.ADMIN:
        return ""
    return reverse("erp_integrations:connection", args=[reader.company.slug, row.pk])


NAMINGS: dict[type[Model], Naming] = {
    Commitment: Naming("Commitment", lambda row: row.number or row.title, _get_commitment_url),
    Submission: Naming("Commitment", lambda row: row.number, _get_submission_url),
    Connection: Naming("Connection", lambda row: row.name, _get_connection_url),
    VendorLink: Naming("Vendor", lambda row: row.contract_company.name, related=("contract_company",)),
    JobLink: Naming("Job", lambda row: row.project.name, related=("project",)),
    CostTypeAccount: Naming("Cost type", lambda row: row.cost_type.code, related=("cost_type",)),
    ContractCompany: Naming("Contract Company", lambda row: row.name),
    CostCode: Naming("Cost code", lambda row: row.code),
    CostType: Naming("Cost type", lambda row: row.code),
    Company: Naming("Company", lambda row: row.name),
    Project: Naming("Project", lambda row: row.name),
    CompanyMembership: Naming("Person", lambda row: str(row.user), related=("user",)),
    ProjectMembership: Naming(
        "Person", lambda row: f"{row.user} on {row.project.name}", related=("user", "project")
    ),
    User: Naming("Person", str),
}
