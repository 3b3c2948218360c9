"""Units of measure: an ERP admin says which of Spectrum's a project's unit is, once for all of its lines."""

import re
from typing import Any

import pytest
from django.urls import reverse

from commitments.models import Commitment, LineItem
from directory.models import HistoryEntry, User
from erp_integrations import submissions
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.links import queries
from erp_integrations.models import ConnectionSettings, UnitLink
from erp_integrations.snapshots import build_document
from tests.clients import signed_in
from tests.factories import (
    ErpAdminFactory,
    ProjectAdminFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
    ViewerFactory,
    lists_know,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def commitment() -> Commitment:
    ready: Commitment = ReadyCommitmentFactory(lines=3)
    for position, unit in enumerate(["Cu  Yd", "each", "CY"], start=1):
        ready.lines.filter(position=position).update(unit_of_measure=unit)
    lists_know(ready)
    return ready


@pytest.fixture
def admin(commitment: Commitment) -> User:
    person: User = ErpAdminFactory(company=commitment.project.company)
    return person


def address(commitment: Commitment) -> str:
    return reverse("erp_integrations:units", args=[commitment.project.company.slug])


def page(commitment: Commitment, person: User) -> str:
    return " ".join(signed_in(person).get(address(commitment)).content.decode().split())


def save(commitment: Commitment, person: User, **units: str) -> Any:
    seen = re.search(r'name="expected_hash" value="([0-9a-f]{64})"', page(commitment, person))
    data = {"unit": list(units), "erp_unit": list(units.values()), "expected_hash": seen[1] if seen else ""}
    return signed_in(person).post(address(commitment), data, follow=True)


def issues(commitment: Commitment) -> list[str]:
    basis = build_basis(build_document(commitment))
    return [
        finding.code for finding in preflight.check_export(basis, moment=preflight.Moment.EXPORT, erp_id="X")
    ]


def test_units_that_do_not_fit_are_one_issue_for_the_erp_admin(commitment: Commitment) -> None:
    basis = build_basis(build_document(commitment))
    (finding,) = preflight.check_export(basis, moment=preflight.Moment.EXPORT, erp_id="X")
    assert (finding.code, finding.responsible_party.value) == ("line-unit-of-measure-invalid", "erp_admin")
    assert finding.field == "Lines 1 and 2, unit of measure"
    assert "Units page" in finding.action


def test_the_page_lists_them_with_suggestions_and_one_save_links_all(
    commitment: Commitment, admin: User
) -> None:
    html = page(commitment, admin)
    assert html.count("Suggested</span>") == 2
    assert re.search(r'value="CY"[^>]*aria-label="CU YD in Spectrum"', html)
    assert re.search(r'value="EA"[^>]*aria-label="EACH in Spectrum"', html)
    save(commitment, admin, **{"CU YD": "cy", "EACH": "EA"})
    assert dict(UnitLink.objects.values_list("unit", "erp_unit")) == {"CU YD": "CY", "EACH": "EA"}
    assert issues(commitment) == []
    entry = HistoryEntry.objects.get(event="connection.units_changed")
    assert entry.detail["units"] == {"CU YD": "CY", "EACH": "EA"}
    assert entry.by_id == admin.pk


def test_the_plan_sends_the_linked_unit_and_shows_what_was_entered(
    commitment: Commitment, admin: User
) -> None:
    save(commitment, admin, **{"CU YD": "CY", "EACH": "LS"})
    basis = build_basis(build_document(commitment))
    lines = basis.build_calls(erp_id="X")[1:]
    units = [next(each for each in line.elements if each.name == "Unit_Of_Measure") for line in lines]
    assert [(unit.value, unit.original) for unit in units] == [
        ("CY", "Cu  Yd"),
        ("LS", "each"),
        ("CY", ""),
    ]
    assert [line.payload["Unit_Price"] for line in lines] == ["100.0000", "", "100.0000"]


def test_an_acceptance_is_bound_to_the_units_that_it_uses_and_to_no_other(
    commitment: Commitment, admin: User
) -> None:
    save(commitment, admin, EACH="EA", **{"CU YD": "CY"})
    submission = SubmissionFactory(commitment=commitment)
    before = build_basis(submission.document).hash
    save(commitment, admin, HOURS="HR")
    assert build_basis(submission.document).hash == before
    save(commitment, admin, EACH="PC")
    assert build_basis(submission.document).hash != before


def test_without_a_link_nothing_is_bound(commitment: Commitment) -> None:
    ConnectionSettings.objects.update(unit_price_codes="")
    basis = build_basis(build_document(commitment))
    assert basis.bound == {}


@pytest.mark.parametrize("unit", ["EACH", "x" * 11, "", "E\0"])
def test_what_spectrum_or_a_line_can_not_hold_is_refused(
    commitment: Commitment, admin: User, unit: str
) -> None:
    erp_unit = "EACH" if unit == "EACH" else "EA"
    assert save(commitment, admin, **{unit: erp_unit}).status_code == 422
    assert not UnitLink.objects.exists()


def test_who_looked_at_other_links_is_told_and_changes_nothing(commitment: Commitment, admin: User) -> None:
    data = {"unit": ["EACH"], "erp_unit": ["EA"], "expected_hash": "another"}
    answer = signed_in(admin).post(address(commitment), data)
    assert answer.status_code == 409
    assert "Somebody else has changed the units" in answer.content.decode()
    assert not UnitLink.objects.exists()


def test_who_comes_second_sees_what_the_first_has_saved_beside_what_they_typed(
    commitment: Commitment, admin: User
) -> None:
    save(commitment, admin, EACH="EA")
    data = {"unit": ["EACH", "CU YD"], "erp_unit": ["EX", "YDS"], "expected_hash": "another"}
    answer = signed_in(admin).post(address(commitment), data)
    html = " ".join(answer.content.decode().split())
    assert "The current ones are below" in html
    assert 'value="EX"' in html
    assert '<span class="sub">Now EA</span>' in html
    assert 'value="YDS"' in html
    assert ">Suggested<" not in html
    assert "Now EA" not in page(commitment, admin)


def test_who_is_no_admin_of_the_tool_looks_only(commitment: Commitment) -> None:
    viewer = ViewerFactory(company=commitment.project.company)
    html = page(commitment, viewer)
    assert "CU YD" in html
    assert "Save units" not in html
    answer = signed_in(viewer).post(address(commitment), {"unit": ["EACH"], "erp_unit": ["EA"]})
    assert answer.status_code == 403


def test_a_blank_takes_a_link_away_and_it_blocks_again(commitment: Commitment, admin: User) -> None:
    save(commitment, admin, EACH="EA", **{"CU YD": "CY"})
    submissions.send_to_erp(commitment=commitment, by=ProjectAdminFactory(project=commitment.project))
    save(commitment, admin, EACH="")
    assert issues(commitment) == ["line-unit-of-measure-invalid"]
    assert LineItem.objects.filter(unit_of_measure="each").exists()


def listed(html: str) -> dict[str, str]:
    """The lines that are counted of each unit."""
    return dict(re.findall(r'<th scope="row">(.*?)</th> <td data-label="Lines" class="num">(.*?)</td>', html))


def test_what_is_spelled_otherwise_is_counted_with_it_and_what_goes_elsewhere_or_is_exported_not(
    commitment: Commitment, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    commitment.lines.filter(position=3).update(unit_of_measure="CU yd")
    elsewhere = ReadyCommitmentFactory(lines=1)
    elsewhere.lines.update(unit_of_measure="ROLLS")
    UnitLink.objects.create(connection=commitment.project.job_link.connection, unit="HOURS", erp_unit="HR")
    assert listed(page(commitment, admin)) == {"CU YD": "2", "EACH": "1", "HOURS": "0"}
    monkeypatch.setattr(queries, "MAX_COUNT", 2)
    assert listed(page(commitment, admin)) == {"CU YD": "2+", "EACH": "1", "HOURS": "0"}
    Commitment.objects.filter(pk=commitment.pk).update(lock="exported")
    assert listed(page(commitment, admin)) == {"HOURS": "0"}
