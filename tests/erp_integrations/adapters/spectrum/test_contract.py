"""The promises of every adapter, kept by this one against the simulator in its own process."""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from erp_integrations.adapters.base import Accepted, ErpReferences, ReplyRule, RuleKind, Unauthorised
from erp_integrations.adapters.spectrum import SpectrumAdapter, SpectrumSettings
from tests.erp_integrations.adapters import examples
from tests.erp_integrations.adapters.contract import AdapterContract, Site
from tests.simulator import AUTHORIZATION_ID, MASTERS, Simulator

LINKED = ErpReferences(
    vendor_code="ACME",
    job_number="24-001",
    general_ledger_account="500100",
    general_ledger_source="company",
)
CONCRETE = replace(examples.LINE, cost_code="03-300-00")
STEEL = replace(examples.LUMP_SUM, cost_code="05-100-00")

numbers = count(1)

LARGE: dict[str, Any] = {
    "code": "BIG",
    "name": "Many Things",
    "authorization_ids": [AUTHORIZATION_ID],
    "general_ledger_accounts": [],
    "cost_types": ["L", "M", "S"],
    "vendors": [
        {"code": f"V{n:04}", "name": f"{'ABDEKMRTY3'[n % 10]} & {'LMNO'[n % 4]}. Works {n}"}
        for n in range(1203)
    ],
    "jobs": [
        {
            "number": "24-777",
            "description": "Airport",
            "phases": [
                {
                    "code": f"{n:07}",
                    "description": f"Phase {n}",
                    "cost_types": ["L", "M", "S"],
                    "status": "A",
                }
                for n in range(401)
            ],
        },
        *(
            {
                "number": f"J{n:04}",
                "description": f"House {n}",
                "status": "AAC"[n % 3],
                "customer": f"C{n % 7}" if n % 5 else "",
                "phases": [],
            }
            for n in range(1203)
        ),
    ],
}


class SpectrumSite(Site):
    """One simulated company; all adapters but one have its own credentials."""

    document = examples.with_lines(CONCRETE, STEEL)
    masters = LINKED
    strangers = replace(LINKED, vendor_code="NOBODY")
    secrets = (AUTHORIZATION_ID, "UNKNOWN-API-0Z", "0f8fad5b-d9cb-469f")

    def __init__(self, simulator: Simulator, wsdls: Mapping[str, str], info_link: str = "") -> None:
        self.simulator = simulator
        self.settings = SpectrumSettings(
            simulator.url,
            "PHL",
            AUTHORIZATION_ID,
            "0f8fad5b-d9cb-469f",
            wsdls=wsdls,
            written=ReplyRule(RuleKind.NO_ERROR_ROW),
            connect_timeout=2,
            read_timeout=10,
            info_link=info_link,
        )
        self.adapter = SpectrumAdapter(self.settings)
        self.unreachable = SpectrumAdapter(
            replace(
                self.settings,
                base_url=f"http://127.0.0.1:{_free_port()}",
                info_link=self.settings.info_link and "sqlite:///file:/nowhere/at-all?mode=ro&uri=true",
            )
        )
        self.unauthorised = SpectrumAdapter(replace(self.settings, authorization_id="UNKNOWN-API-0Z"))
        self.lists_need_credentials = not info_link
        self.large = SpectrumAdapter(replace(self.settings, company_code="BIG"))
        self.large_job = "24-777"
        self.large_vendors = frozenset(vendor["code"] for vendor in LARGE["vendors"])
        self.large_jobs = frozenset(job["number"] for job in LARGE["jobs"])
        self.large_phases = frozenset(
            (phase["code"], cost_type)
            for phase in LARGE["jobs"][0]["phases"]
            for cost_type in phase["cost_types"]
        )
        self.erp_id = f"T-{next(numbers)}"

    def writes(self) -> int:
        return len(self.simulator.calls())

    def stored_amounts(self, erp_id: str) -> list[Decimal] | None:
        record = self.simulator.record(erp_id)
        if record is None:
            return None
        return sorted(Decimal(line["Original_Contract_Amount"]) for line in record["lines"])

    def lose_next_reply(self) -> None:
        self.simulator.set_faults({"kind": "commit_then_reset"})

    def cut_lists(self, times: int) -> None:
        methods = ("GetJob", "GetPhase", "GetVendors")
        self.simulator.set_faults(
            *({"kind": "cut_off_xml", "method": method, "times": times} for method in methods)
        )


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator.start(masters={"companies": [*MASTERS["companies"], LARGE]}) as running:
        yield running


@pytest.fixture(scope="module")
def wsdls(simulator: Simulator) -> Mapping[str, str]:
    return SpectrumAdapter(SpectrumSettings(simulator.url, "PHL", "")).fetch_wsdls()


@pytest.fixture
def spectrum(simulator: Simulator, wsdls: Mapping[str, str]) -> Iterator[SpectrumSite]:
    yield SpectrumSite(simulator, wsdls)
    simulator.set_faults()


class TestSpectrum(AdapterContract):
    @pytest.fixture
    def site(self, spectrum: SpectrumSite) -> Site:
        return spectrum


class TestSpectrumWithInfoLink(AdapterContract):
    @pytest.fixture
    def site(self, simulator: Simulator, wsdls: Mapping[str, str]) -> Iterator[Site]:
        yield SpectrumSite(simulator, wsdls, simulator.info_link)
        simulator.set_faults()


def test_every_field_arrives_as_the_preview_showed_it(spectrum: SpectrumSite) -> None:
    header, *lines = spectrum.plan
    for call in spectrum.plan:
        assert isinstance(spectrum.adapter.send_call(call), Accepted)
    record = spectrum.simulator.record(spectrum.erp_id)
    assert record is not None
    assert {
        name: record[name]
        for name in ("Vendor_Code", "Job_Number", "Status_Code", "Contract_Type", "Date_Issued", "GL_Account")
    } == {
        "Vendor_Code": "ACME",
        "Job_Number": "24-001",
        "Status_Code": "A",
        "Contract_Type": "Concrete",
        "Date_Issued": "2026-03-09",
        "GL_Account": "500100",
    }
    assert record["Comment_1"] + record["Comment_2"] == header.payload["Comment"]
    assert record["Retention_Percent"] == "10.0"
    stored = [
        {
            name: line[name]
            for name in ("Phase_Code", "Cost_Type", "Bill_Description", "Original_Contract_Amount")
        }
        for line in record["lines"]
    ]
    assert stored == [{name: call.payload[name] for name in stored[0]} for call in lines]
    assert record["lines"][0]["Unit_Price"] == "185.5000"
    assert record["lines"][0]["Original_Contract_Quantity"] == "120.00"


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal("999999999.99")},
        {"amount": Decimal("-999999999.99")},
        {"quantity": Decimal("99999999.99"), "unit_cost": Decimal("1"), "amount": Decimal("99999999.99")},
        {"quantity": Decimal("1"), "unit_cost": Decimal("999999.9999"), "amount": Decimal("1000000.00")},
        {"quantity": Decimal("3"), "unit_cost": Decimal("-33.3333"), "amount": Decimal("-100.00")},
        {"billing_item": "B" * 10},
        {"description": "d" * 25, "unit_of_measure": "TON"},
    ],
)
def test_the_largest_values_that_we_let_through_are_taken(
    spectrum: SpectrumSite, changes: dict[str, Decimal | str]
) -> None:
    line = replace(CONCRETE, **{"quantity": None, "unit_cost": None, **changes})  # type: ignore[arg-type]
    document = replace(
        examples.with_lines(line),
        description="c" * 120,
        trade="t" * 15,
        default_retainage=Decimal("99.9"),
    )
    erp_id = f"{spectrum.erp_id:X<10}"
    assert spectrum.adapter.check_document(document, LINKED, erp_id) == []
    for call in spectrum.adapter.build_calls(document, LINKED, erp_id):
        assert isinstance(spectrum.adapter.send_call(call), Accepted)
    assert spectrum.stored_amounts(erp_id) == [line.amount]


def test_an_authorisation_for_headers_only_is_turned_away_at_the_first_line(spectrum: SpectrumSite) -> None:
    adapter = SpectrumAdapter(replace(spectrum.settings, authorization_id="HEADERS-ONLY-3X"))
    header, line, *_ = spectrum.plan
    assert isinstance(adapter.send_call(header), Accepted)
    assert isinstance(adapter.send_call(line), Unauthorised)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
