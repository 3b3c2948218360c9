import hashlib
import re
from collections import Counter

import pytest

from commitments.models import STATUSES, Kind
from local.demo import awkward, planning
from local.demo.awkward import CASES, Case
from local.demo.companies import COMPANIES, HARBOR, KEYSTONE
from local.demo.contracts import DATA
from local.demo.planning import blueprint
from local.demo.waiting import REJECTIONS, waiting_numbers

README = (DATA.parent / "README.md").read_text(encoding="utf-8")
OF_THE_RECORD = {
    awkward.BEFORE_THE_FISCAL_CALENDAR,
    awkward.TOTAL_NOT_POSITIVE,
    awkward.VENDOR_NOT_LINKED,
    awkward.VENDOR_INACTIVE,
    awkward.WRONG_ACCOUNT,
}


def row_of(case: str) -> str:
    found = re.search(rf"^\| `{re.escape(case)}` \| ([^|]*) \|", README, re.MULTILINE)
    assert found, f"README.md has no row for {case}"
    return found.group(1)


def test_every_contract_is_a_commitment_with_its_real_amount() -> None:
    commitments = blueprint().commitments
    assert len(commitments) == 822
    for commitment in commitments:
        assert commitment.total == commitment.contract.amount
        assert 1 <= len(commitment.lines) <= 40


def test_the_plan_is_the_same_on_every_machine() -> None:
    digest = hashlib.sha256(repr(blueprint().commitments).encode()).hexdigest()
    assert digest[:16] == "0c4161eaa10c8b65", "the demo changed: put the new digest here"


def test_most_lines_have_a_quantity_and_a_unit_cost_and_some_are_only_amounts() -> None:
    lines = [line for commitment in blueprint().commitments for line in commitment.lines]
    explained = sum(line.quantity is not None for line in lines) / len(lines)
    assert 0.6 < explained < 0.9


def test_kinds_and_statuses_are_those_of_the_product() -> None:
    assert {planning.SUBCONTRACT, planning.PURCHASE_ORDER} == set(Kind.values)
    for commitment in blueprint().commitments:
        assert commitment.status in STATUSES[commitment.kind].values


def test_most_are_approved_and_some_are_drafts() -> None:
    statuses = Counter(commitment.status for commitment in blueprint().commitments)
    assert statuses["approved"] > 650
    assert 20 < statuses["draft"] < 80


def test_numbers_are_unique_in_their_project_and_kind() -> None:
    used = Counter(
        (each.company.slug, each.project.number, each.kind, each.number)
        for each in blueprint().commitments
        if each.number
    )
    assert set(used.values()) == {1}


def test_every_project_has_work_and_both_companies_have_both_kinds() -> None:
    commitments = blueprint().commitments
    assert {each.project for each in commitments} == {p for each in COMPANIES for p in each.projects}
    for company in (KEYSTONE, HARBOR):
        assert {each.kind for each in blueprint().of(company)} == set(Kind.values)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_readme_names_the_contracts_of_every_case(case: Case) -> None:
    planned = {each.contract.number for each in blueprint().commitments if each.case == case.name}
    assert planned == set(case.contracts) == set(row_of(case.name).split())


@pytest.mark.parametrize("case", sorted(OF_THE_RECORD))
def test_the_readme_names_what_is_awkward_by_itself(case: str) -> None:
    planned = {each.contract.number for each in blueprint().commitments if each.case == case}
    assert planned == set(row_of(case).split())


def test_the_readme_has_no_other_case() -> None:
    cases = {each.case for each in blueprint().commitments} - {""}
    assert set(re.findall(r"^\| `([a-z-]+)` \|", README, re.MULTILINE)) == cases
    assert cases == OF_THE_RECORD | {case.name for case in CASES} | {awkward.JOB_NOT_LINKED}


def test_nothing_waits_twice() -> None:
    numbers = [*waiting_numbers(), *REJECTIONS]
    assert len(set(numbers)) == len(numbers)
