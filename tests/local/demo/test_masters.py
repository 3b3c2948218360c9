import json
from collections import defaultdict
from decimal import Decimal
from typing import Any

from local.demo.catalogue import CLOSED, NOT_IN_SPECTRUM, SUSPENDED, cost_codes
from local.demo.companies import COMPANIES
from local.demo.masters import MASTERS, OVERRUN, as_text, masters, phase_code
from local.demo.planning import blueprint
from local.demo.waiting import waiting_numbers

SPECTRUM: dict[str, dict[str, Any]] = {each["code"]: each for each in masters()["companies"]}


def test_the_committed_file_is_what_the_generator_gives() -> None:
    committed = MASTERS.read_text(encoding="utf-8")
    assert committed == as_text(masters()), "run python -m local.demo.masters"
    assert json.loads(committed) == masters()


def test_vendor_codes_fit_spectrum_and_are_one_for_each_firm() -> None:
    for company in SPECTRUM.values():
        codes = [vendor["code"] for vendor in company["vendors"]]
        assert len(set(codes)) == len(codes)
        assert all(len(code) <= 10 and code.isalnum() and code == code.upper() for code in codes)


def test_a_firm_with_two_spellings_is_one_vendor() -> None:
    codes = {vendor.name: vendor.code for vendor in blueprint().vendors["keystone"]}
    assert codes["SERAVALLI INC"] == codes["SERAVALLI INCORPORATED"]
    assert codes["CARR & DUFF INC"] == codes["CARR & DUFF INCORPORATED"]
    assert codes["DONATO SPAVENTA & SONS INC"] == codes["DONATO SPAVENTA & SONS INCORPORATED"]


def test_every_vendor_of_the_demo_exists_linked_or_not() -> None:
    for company in COMPANIES:
        known = {vendor["code"] for vendor in SPECTRUM[company.company_code]["vendors"]}
        assert {vendor.code for vendor in blueprint().vendors[company.slug]} == known


def test_every_line_of_a_project_linked_or_not_has_its_phase_and_cost_type() -> None:
    phases = {
        (code, job["number"], phase["code"], cost_type)
        for code, company in SPECTRUM.items()
        for job in company["jobs"]
        for phase in job["phases"]
        for cost_type in phase["cost_types"]
    }
    for commitment in blueprint().commitments:
        for line in commitment.lines:
            if line.cost_code not in {"", NOT_IN_SPECTRUM.code}:
                job = (commitment.company.company_code, commitment.project.job)
                assert (*job, phase_code(line.cost_code), line.cost_type) in phases


def test_phases_that_are_not_active_are_used_by_their_cases_alone() -> None:
    assert {code for code in cost_codes() if code.status != "A"} == {CLOSED, SUSPENDED, NOT_IN_SPECTRUM}
    special = {code.code for code in (CLOSED, SUSPENDED, NOT_IN_SPECTRUM)}
    for commitment in blueprint().commitments:
        if special & {line.cost_code for line in commitment.lines}:
            assert commitment.case in {"line-phase-complete", "line-phase-inactive", "line-cost-code-unknown"}


def test_all_that_waits_fits_its_phases_but_three_on_purpose() -> None:
    planned = {each.contract.number: each for each in blueprint().commitments}
    committed: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for number in waiting_numbers():
        for line in planned[number].lines:
            committed[planned[number].project.job, line.cost_code, line.cost_type] += line.amount
    dollars = {job["number"]: job["dollars"] for each in SPECTRUM.values() for job in each["jobs"]}
    over = set()
    for (job, code, cost_type), amount in committed.items():
        estimated, to_date = map(
            Decimal, dollars[job].get(f"{phase_code(code)} {cost_type}", ("50000.00", 0))
        )
        if to_date + amount > estimated:
            over.add((job, code, cost_type))
    assert over == {(planned[number].project.job, *phase) for number, phase in OVERRUN.items()}
    assert len(over) == 3
