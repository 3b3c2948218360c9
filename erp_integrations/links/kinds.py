"""The two kinds of links, and all in which they differ: the rest is written once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from commitments.models import ContractCompany
from directory.models import Company, Project
from erp_integrations.adapters.base import CodeKind
from erp_integrations.confirmations.subjects import LINKS, Kind, Subject
from erp_integrations.models import Connection, ExportJob, Job, JobLink, JobStatus, Vendor, VendorLink

Link = VendorLink | JobLink
LinkOwner = ContractCompany | Project
"""One of ours that is linked."""
ErpRecord = Vendor | Job
"""It is linked to one of these, as Spectrum's list has it."""


@dataclass(frozen=True, kw_only=True)
class LinkKind:
    """``name`` is the first part of its events, ``name`` and its plural are its addresses.

    ``is_per_connection``: one of ours has a link on each connection. Else it has one over all of them,
    which also says where its commitments go.
    """

    name: CodeKind
    subject_kind: Kind
    is_per_connection: bool
    owner_model: type[Any]
    owner_search: tuple[str, ...]
    code_field: str
    erp_model: type[Any]
    erp_code: str
    erp_name: str
    erp_order: tuple[str, ...]
    # Words of the screens.
    owner: str
    owners: str
    search_hint: str
    search_advice: str
    searched: str
    all_linked_title: str
    not_linked_hint: str
    no_links_hint: str
    no_connection_hint: str

    @property
    def title(self) -> str:
        return f"{self.name.title()}s"

    @property
    def code_label(self) -> str:
        return f"{self.name} {self.erp_code}"

    @property
    def model(self) -> type[Any]:
        return LINKS[self.subject_kind][0]

    @property
    def owner_field(self) -> str:
        return LINKS[self.subject_kind][1]

    def get_subject(self, owner: LinkOwner, connection: Connection | None) -> Subject:
        """For confirmations, which go by what is linked and not by the row."""
        on = connection.pk if connection and self.is_per_connection else 0
        return Subject(self.subject_kind, on, str(owner.pk))

    def list_links(self, owners: Sequence[LinkOwner] | None, connection: Connection | None) -> QuerySet[Any]:
        """Those of these, or of everybody where None."""
        of_owners = {} if owners is None else {f"{self.owner_field}__in": owners}
        links: QuerySet[Any] = self.model.objects.filter(**of_owners)
        return links.filter(connection=connection) if self.is_per_connection else links

    def list_erp_records(self, company: Company, connection: Connection | None) -> QuerySet[Any]:
        """Of Spectrum's lists, also what they no longer have."""
        records: QuerySet[Any] = self.erp_model.objects.order_by(self.erp_code)
        if self.is_per_connection:
            return records.filter(connection=connection)
        return records.filter(connection__company=company).select_related("connection")

    def list_queued_exports(self, link: Link) -> QuerySet[ExportJob]:
        """Accepted, and nothing of it sent, under this link."""
        owner = {f"submission__commitment__{self.owner_field}": getattr(link, f"{self.owner_field}_id")}
        queued = ExportJob.objects.filter(status=JobStatus.QUEUED, **owner)
        return queued.filter(connection=link.connection_id) if self.is_per_connection else queued


VENDOR = LinkKind(
    name="vendor",
    subject_kind=Kind.VENDOR,
    is_per_connection=True,
    owner_model=ContractCompany,
    owner_search=("name",),
    code_field="vendor_code",
    erp_model=Vendor,
    erp_code="code",
    erp_name="name",
    erp_order=("name", "code"),
    owner="contract company",
    owners="contract companies",
    search_hint="Name or vendor code",
    search_advice="Search for its code or another name.",
    searched="names and vendor codes",
    all_linked_title="All vendors are linked",
    not_linked_hint="Contract companies that projects use appear here until they are linked.",
    no_links_hint="Take Spectrum's vendors over, or add Contract Companies.",
    no_connection_hint="Vendors are linked for each connection.",
)
JOB = LinkKind(
    name="job",
    subject_kind=Kind.JOB,
    is_per_connection=False,
    owner_model=Project,
    owner_search=("name", "number"),
    code_field="job_number",
    erp_model=Job,
    erp_code="number",
    erp_name="description",
    erp_order=("number",),
    owner="project",
    owners="projects",
    search_hint="Project or job number",
    search_advice="Search for its number or description.",
    searched="projects and job numbers",
    all_linked_title="All projects are linked",
    not_linked_hint="New projects appear here until they are linked to a job.",
    no_links_hint="Take Spectrum's jobs over, or have projects created in Django admin.",
    no_connection_hint="Jobs belong to a connection.",
)


def get_kind(link: Link) -> LinkKind:
    return VENDOR if isinstance(link, VendorLink) else JOB
