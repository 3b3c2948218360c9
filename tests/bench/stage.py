"""A worker with the settings of production, Spectrum companies that answer, and some that don't."""

import copy
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from commitments.models import Commitment
from directory.models import User
from erp_integrations import submissions
from erp_integrations.models import Connection, ExportJob, Submission
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
from tests.processes.people import Person
from tests.processes.running import Running, free_port, worker
from tests.simulator import AUTHORIZATION_ID, MASTERS, Simulator

THREADS = 4
"""Of a worker, as the Procfile starts it; ``tests.processes`` starts it with six."""

COST_CODES = ["033-0000", "05-10000", *(f"06-{number:05}" for number in range(8))]
"""Of the first job in Spectrum."""

READ_TIMEOUT = 15
"""Seconds; the default of 60 would only make a round longer."""


class Company:
    """A Spectrum company, with the commitments that wait for Accept."""

    def __init__(self, code: str, *, server: str = "simulator", lines: int = 2) -> None:
        project = ProjectFactory()
        self.connection: Connection = ConnectionFactory(
            company=project.company,
            company_code=code,
            credentials__authorization_id=AUTHORIZATION_ID,
            server=server,
        )
        self._approver: User = ApproverFactory(company=project.company)
        self._sender: User = ProjectAdminFactory(project=project)
        self._project = project
        self._codes = [CostCodeFactory(project=project, code=code) for code in COST_CODES[:lines]]
        JobLinkFactory(project=project, connection=self.connection, job_number="24-001")
        self._waiting: list[Submission] = []

    def send(self, count: int) -> None:
        """So many more commitments wait."""
        for _ in range(count):
            commitment: Commitment = CommitmentFactory(
                approved=True, project=self._project, lines=0, created_by=self._sender
            )
            VendorLinkFactory(
                connection=self.connection,
                contract_company=commitment.contract_company,
                vendor_code="ACME",
            )
            for code in self._codes:
                LineItemFactory(commitment=commitment, cost_code=code)
            self._waiting.append(submissions.send_to_erp(commitment=commitment, by=self._sender))

    def count_waiting(self) -> int:
        return len(self._waiting)

    def accept(self) -> ExportJob:
        """The next one; the worker is woken as by a click."""
        return accept(self._waiting.pop(0), self._approver)

    def accept_at(self, address: str) -> None:
        """The next one, by the approver at this web."""
        Person(self._approver, address).accepts(self._waiting.pop(0))


def spectrum(codes: Sequence[str]) -> Simulator:
    """A simulator with these companies."""
    keystone = copy.deepcopy(MASTERS["companies"][0])
    phases = keystone["jobs"][0]["phases"]
    phases += [{**phases[0], "code": code.replace("-", "")} for code in COST_CODES[2:]]
    return Simulator.start(
        masters={"companies": [copy.deepcopy(keystone) | {"code": code} for code in codes]}
    )


@contextmanager
def silent_server() -> Iterator[str]:
    """It takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=500) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def closed_port() -> str:
    """Nobody listens there."""
    return f"http://127.0.0.1:{free_port()}"


def environment_of_processes() -> dict[str, str]:
    """On the test database and the broker that this process publishes to."""
    database = urlsplit(os.environ["DATABASE_URL"])
    servers = ",".join(f"{name}={url}" for name, url in settings.SPECTRUM_SERVERS.items())
    return {
        **os.environ,
        "DATABASE_URL": database._replace(path=f"/{connection.settings_dict['NAME']}").geturl(),
        "SPECTRUM_SERVERS": servers,
        "WIRE_READ_TIMEOUT": str(READ_TIMEOUT),
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def one_worker(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    log = folder / "worker.log"
    program = worker(log, environment or environment_of_processes(), threads=THREADS)
    running = Running(program, log)
    try:
        running.wait_until_ready(seconds=300)
        yield running
    finally:
        running.end()
