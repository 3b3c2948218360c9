"""Shared by these tests: a broker, a simulator and a web process of their own, and workers as needed."""

import copy
import time
import urllib.error
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from commitments.models import Commitment
from directory.models import User
from erp_integrations import submissions
from erp_integrations.models import ExportJob, Submission
from local import embedded
from local.ports import HOST
from local.processes import Program
from tests.conftest import session_of_owner
from tests.erp_integrations.conftest import accept
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
from tests.notifications.mail_server import MailServer
from tests.processes import running
from tests.processes.people import Person
from tests.processes.running import Broker, Running, until
from tests.simulator import AUTHORIZATION_ID, MASTERS, Simulator

LOOKS = 20
"""How often an approver opens the page anew while the master data change under it."""
COMPANY_CODES = ["PHA", "PHB", "PHC", "PHD"]
HEADER, LINE = "UpdateSubcontract", "UpdateSubcontractPhases"

Start = Callable[[Program, Path], Running]


@pytest.fixture(scope="package")
def broker_process() -> Iterator[Broker]:
    broker = Broker()
    yield broker
    broker.remove()


@pytest.fixture
def broker(broker_process: Broker) -> Broker:
    """Running and empty, whatever the test before did to it."""
    broker_process.start()
    broker_process.flush()
    return broker_process


@pytest.fixture(scope="package")
def simulator_process() -> Iterator[Simulator]:
    keystone = MASTERS["companies"][0]
    companies = [copy.deepcopy(keystone) | {"code": code} for code in COMPANY_CODES]
    with Simulator.start(masters={"companies": companies}) as simulator:
        yield simulator


@pytest.fixture
def simulator(simulator_process: Simulator, settings: Settings) -> Simulator:
    """A Spectrum with several companies, running, empty and without faults."""
    try:
        simulator_process.set_faults()
    except urllib.error.URLError:
        simulator_process.run()
    simulator_process.empty()
    settings.SPECTRUM_SERVERS = {"simulator": simulator_process.url}
    return simulator_process


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A mail server that a test starts when it wants to."""
    server = MailServer()
    yield server
    server.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a process; at the end of the test it is gone."""
    started: list[Running] = []

    def begin(program: Program, log: Path) -> Running:
        started.append(Running(program, log))
        return started[-1]

    yield begin
    for process in reversed(started):
        process.end()


@pytest.fixture(scope="package")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """So many processes start here that it pays to compile the sources once for all of them."""
    return running.compiled_in(tmp_path_factory.mktemp("compiled"))


@pytest.fixture
def environment(
    broker: Broker, simulator: Simulator, mail_server: MailServer, compiled: dict[str, str]
) -> dict[str, str]:
    """The environment of a test's workers."""
    return running.environment_of(
        broker,
        embedded.WORKER,
        **compiled,
        SPECTRUM_SERVERS=f"simulator={simulator.url}",
        INFO_LINKS=f"simulator={simulator.info_link}",
        READ_BACK_LAG_SECONDS="0",
        DECISION_SIGNING_KEY="",  # web alone signs
        EMAIL_URL=f"smtp://127.0.0.1:{mail_server.port}",
    )


@pytest.fixture
def start_worker(start: Start, environment: dict[str, str], tmp_path: Path) -> Callable[..., Running]:
    """Start one more worker, with these settings of its own, without waiting for it."""
    number = 0

    def begin(**settings: str) -> Running:
        nonlocal number
        number += 1
        log = tmp_path / f"worker-{number}.log"
        return start(running.worker(log, environment | settings), log)

    return begin


@pytest.fixture(scope="package")
def web_process(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    broker_process: Broker,
    compiled: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[tuple[Running, str]]:
    port = running.free_port()
    log = tmp_path_factory.mktemp("web") / "web.log"
    with django_db_blocker.unblock():
        environment = running.environment_of(broker_process, embedded.WEB, **compiled)
    web = Running(running.web(port, environment), log)
    yield web, f"http://{HOST}:{port}"
    web.end()


@pytest.fixture
def sign_in(web_process: tuple[Running, str], broker: Broker) -> Callable[[User], Person]:
    """Sign a person in to the running web process."""
    web, address = web_process
    web.wait_until_ready()
    return lambda user: Person(user, address)


class Case:
    """An approved subcontract of two lines, sent; ``job`` is there when it has been accepted."""

    def __init__(self, company_code: str) -> None:
        project = ProjectFactory()
        self.connection = ConnectionFactory(
            company=project.company, company_code=company_code, credentials__authorization_id=AUTHORIZATION_ID
        )
        self.approver: User = ApproverFactory(company=project.company)
        self.sender: User = ProjectAdminFactory(project=project)
        JobLinkFactory(project=project, connection=self.connection, job_number="24-001")
        self.project = project
        self.codes = [CostCodeFactory(project=project, code=code) for code in ("033-0000", "05-10000")]
        self.submission = self.send()

    def send(self) -> Submission:
        """One more commitment of the same project, approved and sent."""
        commitment: Commitment = CommitmentFactory(
            approved=True, project=self.project, lines=0, created_by=self.sender
        )
        VendorLinkFactory(
            connection=self.connection, contract_company=commitment.contract_company, vendor_code="ACME"
        )
        for code in self.codes:
            LineItemFactory(commitment=commitment, cost_code=code)
        return submissions.send_to_erp(commitment=commitment, by=self.sender)

    def accept(self, submission: Submission | None = None) -> ExportJob:
        """Decide by calling our own function: whoever wakes up does so by looking."""
        return look_until_decided(lambda: accept(submission or self.submission, self.approver))


def look_until_decided(decide: Callable[[], ExportJob]) -> ExportJob:
    """Look and decide; again while a worker reads Spectrum's master data, one kind after the other."""
    for _ in range(LOOKS - 1):
        with suppress(submissions.Conflict):
            return decide()
        time.sleep(0.5)
    return decide()


@pytest.fixture
def case(simulator: Simulator) -> Case:
    """One commitment that awaits accounting."""
    return Case(COMPANY_CODES[0])


def fresh(job: ExportJob) -> ExportJob:
    """The job as it stands now."""
    return ExportJob.objects.select_related("submission__commitment", "connection").get(pk=job.pk)


def has_become(job: ExportJob, status: str) -> Callable[[], bool]:
    """For ``until``."""
    return lambda: fresh(job).status == status


def states(job: ExportJob) -> list[str]:
    """Of its calls, in order."""
    return list(job.list_current_calls().values_list("state", flat=True))


def calls(simulator: Simulator, job: ExportJob) -> list[str]:
    """The methods that Spectrum was called with for this job's record, in order."""
    return [call["method"] for call in simulator.calls() if call["number"] == job.erp_id]


class AtLineOne:
    """Holds a worker between the answer to the header and the intent of line 1.

    The intent is the first that needs the row of its call, so whoever locks that row knows
    where the worker stands.
    """

    def __init__(self, job: ExportJob) -> None:
        self._call = job.list_current_calls()[1]
        self._session = session_of_owner()

    def __enter__(self) -> "AtLineOne":
        self._cursor = self._session.__enter__()
        table = self._call._meta.db_table
        self._cursor.execute(f"SELECT FROM {table} WHERE id = %s FOR UPDATE", [self._call.pk])
        return self

    def wait(self) -> None:
        """Until a worker has arrived."""
        until(self._somebody_waits, "a worker about to begin line 1")

    def _somebody_waits(self) -> bool:
        self._cursor.execute(
            "SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        return self._cursor.rowcount > 0

    def __exit__(self, *error: object) -> None:
        self._session.__exit__(None, None, None)
