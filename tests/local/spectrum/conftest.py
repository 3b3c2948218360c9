"""One simulator for all tests of this folder, and a caller that speaks to it through zeep."""

import http.client
import itertools
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import zeep

from tests.simulator import AUTHORIZATION_ID, Simulator

_numbers = itertools.count(1)
_SAFE = zeep.Settings(forbid_dtd=True, forbid_entities=True, forbid_external=True)

Answers = list[tuple[str, str]]


class Caller:
    """Puts records as an integration would: every declared element, blank if unused."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.clients: dict[str, zeep.Client] = {}

    def service(self, method: str) -> zeep.Client:
        """The client built from the simulator's own WSDL."""
        if method not in self.clients:
            self.clients[method] = zeep.Client(f"{self.simulator.url}/wsdls/{method}.jws", settings=_SAFE)
        return self.clients[method]

    def put(self, method: str, **given: str) -> list[dict[str, str]]:
        """One call. Returns the `response` rows as dictionaries."""
        client = self.service(method)
        names = [name for name, _ in client.get_element(f"ns0:{method}").type.elements]
        elements = dict.fromkeys(names, "") | {"GUID": str(uuid.uuid4())} | given
        return_array = client.service[method](**elements)
        return [{e.tag: e.text or "" for e in row} for data in return_array or [] for row in data or []]

    def header(self, **given: str) -> Answers:
        """UpdateSubcontract with sensible values for what is not given. Returns code and column."""
        usual = {
            "Authorization_ID": AUTHORIZATION_ID,
            "Company_Code": "PHL",
            "Vendor_Code": "ACME",
            "Job_Number": "24-001",
            "GL_Account": "500100",
        }
        return _short(self.put("UpdateSubcontract", **(usual | given)))

    def line(self, **given: str) -> Answers:
        """UpdateSubcontractPhases with sensible values for what is not given. Returns code and column."""
        usual = {
            "Authorization_ID": AUTHORIZATION_ID,
            "Company_Code": "PHL",
            "Vendor_Code": "ACME",
            "Phase_Code": "0330000",
            "Cost_Type": "S",
            "Unit_Of_Measure": "EA",
        }
        return _short(self.put("UpdateSubcontractPhases", **(usual | given)))

    def raw(self, verb: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str, bytes]:
        """Plain HTTP: status, content type, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.simulator.port, timeout=5)
        try:
            connection.request(verb, path, body, {n.replace("_", "-"): v for n, v in headers.items()})
            reply = connection.getresponse()
            return reply.status, reply.getheader("Content-Type", ""), reply.read()
        finally:
            connection.close()

    def stored(self, number: str) -> dict[str, Any]:
        """The subcontract of this number, which must be there."""
        record = self.simulator.record(number)
        assert record is not None
        return record


def _short(rows: list[dict[str, str]]) -> Answers:
    return [(row["error_code"], row["column"]) for row in rows]


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[Simulator]:
    simulator = Simulator.start()
    yield simulator
    assert simulator.stop() == 0


@pytest.fixture
def spectrum_simulator(running_simulator: Simulator) -> Iterator[Simulator]:
    """A running simulator without scripted faults; its records come from earlier tests too."""
    yield running_simulator
    running_simulator.set_faults()


@pytest.fixture(scope="session")
def patient_caller(running_simulator: Simulator) -> Caller:
    return Caller(running_simulator)


@pytest.fixture
def caller(spectrum_simulator: Simulator, patient_caller: Caller) -> Caller:
    """Speaks to `spectrum_simulator`; its clients are built once for all tests."""
    return patient_caller


@pytest.fixture
def number() -> str:
    """A subcontract number that no other test uses."""
    return f"T{next(_numbers)}"
