"""A contractor with a project, vendors and cost codes that the simulated Spectrum knows, and its people."""

from functools import cache

from django.contrib.auth.hashers import make_password

from commitments.models import Commitment
from directory.models import User
from erp_integrations.models import Submission
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    CompanyFactory,
    ConnectionFactory,
    ContractCompanyFactory,
    CostCodeFactory,
    CostTypeFactory,
    CreatorFactory,
    JobLinkFactory,
    LineItemFactory,
    ProjectAdminFactory,
    ProjectFactory,
    SubmissionFactory,
    VendorLinkFactory,
    ViewerFactory,
)
from tests.processes.running import where_it_is_noon
from tests.simulator import AUTHORIZATION_ID

PASSWORD = "walls-and-roofs-2014"
ACME, BOLT, NEWCOMER = "Acme Mechanical, Inc.", "Bolt & Sons <Steel>", "Newcomer LLC"
CONCRETE, STEEL = "03-30000 Cast-in-place concrete", "05-10000 Structural steel"


@cache
def stored_password() -> str:
    """Hashed once: it takes half a second."""
    return make_password(PASSWORD)


class Contractor:
    """Keystone Builders. Newcomer LLC is a vendor that nobody has linked to Spectrum."""

    def __init__(self) -> None:
        self.company = CompanyFactory(name="Keystone Builders", slug="keystone")
        self.project = ProjectFactory(company=self.company, name="Library roof", number="24-001")
        connection = ConnectionFactory(
            company=self.company,
            name="Spectrum",
            company_code="PHL",
            credentials__authorization_id=AUTHORIZATION_ID,
        )
        JobLinkFactory(project=self.project, connection=connection, job_number="24-001")
        self.vendors = {
            name: ContractCompanyFactory(company=self.company, name=name) for name in (ACME, BOLT, NEWCOMER)
        }
        for name, code in ((ACME, "ACME"), (BOLT, "BOLT")):
            VendorLinkFactory(connection=connection, contract_company=self.vendors[name], vendor_code=code)
        self.cost_codes = [
            CostCodeFactory(project=self.project, code=text.split()[0], name=text.partition(" ")[2])
            for text in (CONCRETE, STEEL)
        ]
        CostTypeFactory(company=self.company)
        self.creator: User = self._person(CreatorFactory, "Casey Creator", project=self.project)
        self.project_admin: User = self._person(ProjectAdminFactory, "Parker Admin", project=self.project)
        self.approver: User = self._person(ApproverFactory, "Avery Approver", company=self.company)
        self.viewer: User = self._person(ViewerFactory, "Vivian Viewer", company=self.company)

    def another_approver(self) -> User:
        """Who decides on the same list."""
        return self._person(ApproverFactory, "Blake Approver", company=self.company)

    def commitment(self, number: str, title: str = "Concrete works", **more: object) -> Commitment:
        """An approved one with two lines, that nothing keeps from Spectrum."""
        settings: dict[str, object] = {
            "project": self.project,
            "contract_company": self.vendors[ACME],
            "created_by": self.creator,
            "approved": True,
            **more,
        }
        commitment: Commitment = CommitmentFactory(number=number, title=title, lines=0, **settings)
        for cost_code in self.cost_codes:
            LineItemFactory(commitment=commitment, cost_code=cost_code)
        return commitment

    def sent(
        self, number: str, title: str = "Concrete works", kind: str = "subcontract", **more: object
    ) -> Submission:
        """The same, sent by the project admin; it awaits accounting, unless a trait says more."""
        commitment = self.commitment(number, title, kind=kind)
        submission: Submission = SubmissionFactory(commitment=commitment, sent_by=self.project_admin, **more)
        return submission

    @staticmethod
    def _person(factory: type, name: str, **where: object) -> User:
        first, last = name.split()
        person: User = factory(
            first_name=first,
            last_name=last,
            email=f"{first.lower()}@keystone.example",
            password=stored_password(),
            # The worker sends summaries by itself, and the mail catcher is one for all tests: nobody's
            # hour comes while they run.
            time_zone=where_it_is_noon(),
            summary_hour=23,
            **where,
        )
        return person
