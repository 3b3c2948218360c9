"""The ways that a delivery can take: for each a world in which a worker is about to go it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings

from commitments.models import Kind
from directory.models import CompanyMembership
from erp_integrations import submissions
from erp_integrations.adapters.registry import build_sending_adapter
from erp_integrations.models import Connection, JobStatus
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import HEADER, LINE
from tests.erp_integrations.every_step.judging import World, a_person_looks_and_says
from tests.erp_integrations.every_step.worlds import Database, Spectrum, look, look_twice
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    ConnectionFactory,
    CostCodeFactory,
    JobLinkFactory,
    LineItemFactory,
    ProjectAdminFactory,
    ProjectFactory,
    VendorLinkFactory,
)
from tests.simulator import AUTHORIZATION_ID, Simulator
from tests.stepping import killed_at, steps_of

ACCEPTED = {
    "Company_Code": "PHL",
    "Vendor_Code": "ACME",
    "Job_Number": "24-001",
    "Status_Code": "A",
    "Comment_1": "Concrete works",
    "Original_Amount": "2000.00",
    "GL_Account": "500100",
}
LINES = [
    ("0330000", "S", "Walls", "CY", "100.0000", "10.00", "1000.00"),
    ("0510000", "S", "Walls", "CY", "100.0000", "10.00", "1000.00"),
]


def _nothing(world: World) -> None:
    """It is accepted, and a worker has not looked yet."""


def _unknown_at_a_line(world: World) -> None:
    """A first worker did not understand the answer to line 1, which was written; the quiet period is over."""
    world.spectrum.simulator.set_faults({"kind": "commit_then_500", "method": LINE, "on_call": 1, "times": 1})
    look()
    assert world.job.status == JobStatus.UNKNOWN
    world.spectrum.simulator.set_faults()
    world.database.let_pass(quiet=True)


def _resolved(world: World) -> None:
    """As before, and a person has said what is there, so that it goes on with line 2."""
    _unknown_at_a_line(world)
    a_person_looks_and_says(world)


def _left_while_sending(world: World) -> None:
    """A first worker died while it waited for the answer to line 1, and its lease is over."""
    reads = [step for step in steps_of(look) if step.before == "read"]
    world.put_back()
    assert killed_at(reads[1], look)
    world.spectrum.settles()
    world.database.let_pass(quiet=False)


def _without_the_right(world: World) -> None:
    """The approver has lost the right."""
    CompanyMembership.objects.filter(user=world.approver).update(can_push_to_accounting=False)


def _while_it_is_down() -> None:
    settings.SPECTRUM_SERVERS = {"simulator": "http://127.0.0.1:1"}  # in the worker's process alone
    look()


@dataclass(frozen=True)
class Way:
    """One way: what was before, what a worker then does, and whether Spectrum can be read back."""

    name: str
    reads_back: bool
    before: Callable[[World], None] = _nothing
    work: Callable[[], None] = look
    kind: str = Kind.SUBCONTRACT
    knows_the_site: bool = True
    faults: tuple[dict[str, object], ...] = field(default=())
    ends: bool = True
    """True if all of it is in Spectrum in the end, if nobody disturbs."""

    def __str__(self) -> str:
        return self.name

    def world(self, simulator: Simulator, database: Database) -> World:
        """The world in which a worker is about to go it, ready to be put back."""
        settings.INFO_LINKS = {"simulator": simulator.info_link} if self.reads_back else {}
        world = _accepted(self.kind, simulator, database)
        if self.knows_the_site:
            build_sending_adapter(world.job)
        world.keep()
        world.put_back()
        self.before(world)
        world.keep()
        world.faults = self.faults
        return world


WAYS = (
    Way("a subcontract, read back", reads_back=True),
    Way("a subcontract, not read back", reads_back=False),
    Way("the first one of a connection", reads_back=True, knows_the_site=False),
    Way("a purchase order, read back", reads_back=True, kind=Kind.PURCHASE_ORDER),
    Way("resumed after a person's word", reads_back=False, before=_resolved),
    Way("looked up after an unclear answer", reads_back=True, before=_unknown_at_a_line, work=look_twice),
    Way("taken up after a dead worker", reads_back=True, before=_left_while_sending),
    Way(
        "Spectrum answers unclearly",
        reads_back=True,
        faults=({"kind": "commit_then_500", "method": LINE, "on_call": 1, "times": 1},),
    ),
    Way(
        "Spectrum refuses the header",
        reads_back=True,
        faults=({"kind": "refuse", "method": HEADER, "times": 1},),
        ends=False,
    ),
    Way(
        "Spectrum refuses a line",
        reads_back=True,
        faults=({"kind": "refuse", "method": LINE, "on_call": 2, "times": 1},),
        ends=False,
    ),
    Way("Spectrum is down", reads_back=True, work=_while_it_is_down),
    Way("the approver lost the right", reads_back=True, before=_without_the_right, ends=False),
)


def _accepted(kind: str, simulator: Simulator, database: Database) -> World:
    project = ProjectFactory()
    connection: Connection = ConnectionFactory(
        company=project.company, company_code="PHL", credentials__authorization_id=AUTHORIZATION_ID
    )
    ordered = {"purchase_order": True, "title": "Concrete works"} if kind == Kind.PURCHASE_ORDER else {}
    commitment = CommitmentFactory(approved=True, project=project, lines=0, **ordered)
    JobLinkFactory(project=project, connection=connection, job_number="24-001")
    VendorLinkFactory(connection=connection, contract_company=commitment.contract_company, vendor_code="ACME")
    for code in ("033-0000", "05-10000"):
        LineItemFactory(commitment=commitment, cost_code=CostCodeFactory(project=project, code=code))
    sender, approver = ProjectAdminFactory(project=project), ApproverFactory(company=project.company)
    job = accept(submissions.send_to_erp(commitment=commitment, by=sender), approver)
    return World(job.pk, approver, database, Spectrum(simulator, job.erp_id))
