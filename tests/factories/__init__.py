"""Rows for tests to begin with, by the situation that they are in; people come with their rights.

``CommitmentFactory(approved=True)`` is a row. ``SubmissionFactory(rejected=True)`` went the
product's own way there: it was sent, and decided, by the functions that people's clicks call.
"""

from tests.factories.commitments import (
    CommitmentFactory,
    ContractCompanyFactory,
    CostCodeFactory,
    CostTypeFactory,
    LineItemFactory,
)
from tests.factories.directory import (
    ApproverFactory,
    CompanyFactory,
    CreatorFactory,
    ErpAdminFactory,
    MemberFactory,
    PersonFactory,
    PrivilegeAdminFactory,
    ProjectAdminFactory,
    ProjectFactory,
    ProjectPersonFactory,
    ReaderFactory,
    ViewerFactory,
    join_company,
    join_project,
)
from tests.factories.erp_integrations import (
    ConnectionFactory,
    DriftFactory,
    ExportJobFactory,
    JobLinkFactory,
    ReadyCommitmentFactory,
    ReconciliationFactory,
    SubmissionFactory,
    VendorLinkFactory,
    link_to_erp,
)
from tests.factories.masters import have_been_read, lists_know

__all__ = [
    "ApproverFactory",
    "CommitmentFactory",
    "CompanyFactory",
    "ConnectionFactory",
    "ContractCompanyFactory",
    "CostCodeFactory",
    "CostTypeFactory",
    "CreatorFactory",
    "DriftFactory",
    "ErpAdminFactory",
    "ExportJobFactory",
    "JobLinkFactory",
    "LineItemFactory",
    "MemberFactory",
    "PersonFactory",
    "PrivilegeAdminFactory",
    "ProjectAdminFactory",
    "ProjectFactory",
    "ProjectPersonFactory",
    "ReaderFactory",
    "ReadyCommitmentFactory",
    "ReconciliationFactory",
    "SubmissionFactory",
    "VendorLinkFactory",
    "ViewerFactory",
    "have_been_read",
    "join_company",
    "join_project",
    "link_to_erp",
    "lists_know",
]
