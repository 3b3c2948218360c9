"""The list's filter and its pages."""

import pytest
from django.http import QueryDict

from commitments import queries
from commitments.models import Badge, Commitment, Kind
from directory.db import pagination
from directory.db.pagination import Page
from directory.models import Project
from tests.factories import CommitmentFactory, ContractCompanyFactory, CreatorFactory, ProjectFactory

pytestmark = pytest.mark.django_db


def numbers(project: Project, address: str = "") -> list[str]:
    return [commitment.number for commitment in page(project, address).rows]


def page(project: Project, address: str = "") -> Page[Commitment]:
    parameters = QueryDict(address.lstrip("?")).dict()
    return queries.get_page(project, queries.CommitmentQuery.from_parameters(parameters), parameters)


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def five(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Five commitments, two on a page."""
    monkeypatch.setattr(pagination, "PAGE_LENGTH", 2)
    creator = CreatorFactory(project=project)
    for number in range(1, 6):
        CommitmentFactory(project=project, created_by=creator, number=str(number), lines=0)
    return project


def test_the_newest_comes_first(five: Project) -> None:
    assert numbers(five) == ["5", "4"]


def test_older_pages_follow_to_the_end(five: Project) -> None:
    second = page(five, page(five).after_url)
    third = page(five, second.after_url)
    assert [each.number for each in second.rows] == ["3", "2"]
    assert [each.number for each in third.rows] == ["1"]
    assert third.after_url == ""


def test_newer_leads_back_to_the_beginning(five: Project) -> None:
    second = page(five, page(five).after_url)
    third = page(five, second.after_url)
    back = page(five, third.before_url)
    assert [each.number for each in back.rows] == ["3", "2"]
    first = page(five, back.before_url)
    assert [each.number for each in first.rows] == ["5", "4"]
    assert first.before_url == ""


def test_a_new_commitment_shifts_no_page(five: Project) -> None:
    older = page(five).after_url
    CommitmentFactory(project=five, number="6")
    assert numbers(five, older) == ["3", "2"]


def test_pages_keep_the_filter(five: Project) -> None:
    assert "badge=not_sent" in page(five, "?badge=not_sent").after_url


def test_it_filters_by_kind_and_badge(project: Project) -> None:
    CommitmentFactory(project=project, number="A")
    CommitmentFactory(project=project, number="B", purchase_order=True)
    CommitmentFactory(project=project, number="C", badge=Badge.REJECTED)
    assert numbers(project, f"?kind={Kind.PURCHASE_ORDER}") == ["B"]
    assert numbers(project, "?badge=rejected") == ["C"]
    assert numbers(project, "?badge=rejected&kind=purchase_order") == []


@pytest.mark.parametrize("words", ["sc-77", "ROOF", "acme", "erp-7"])
def test_it_searches_number_title_company_and_erp_id(project: Project, words: str) -> None:
    CommitmentFactory(project=project, number="other", title="Paving")
    CommitmentFactory(
        project=project,
        number="SC-77",
        title="Roofing",
        contract_company=ContractCompanyFactory(company=project.company, name="Acme Inc."),
        erp_id="ERP-77",
    )
    assert numbers(project, f"?search={words}") == ["SC-77"]


def test_each_word_is_in_any_of_them(project: Project) -> None:
    vendor = ContractCompanyFactory(company=project.company, name="Acme Inc.")
    CommitmentFactory(project=project, number="SC-78", title="Roofing", contract_company=vendor)
    CommitmentFactory(project=project, number="SC-79", title="Roofing")
    assert numbers(project, "?search=acme+ROOF+sc") == ["SC-78"]
    assert numbers(project, "?search=roof+–+79") == ["SC-79"]
    assert numbers(project, "?search=oofing") == []


@pytest.mark.parametrize("many", [1, 4, 5])
def test_what_many_have_is_found_like_what_few_have(
    five: Project, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MANY", many)
    Commitment.objects.filter(project=five).update(title="Roofing")
    CommitmentFactory(project=ProjectFactory(company=five.company), title="Roofing")
    CommitmentFactory(project=five, title="Paving")
    second = page(five, page(five, "?search=roof").after_url)
    assert numbers(five, "?search=roof") == ["5", "4"]
    assert [each.number for each in second.rows] == ["3", "2"]
    assert numbers(five, second.before_url) == ["5", "4"]
    assert numbers(five, second.after_url) == ["1"]


def test_words_of_another_project_find_nothing_here(project: Project) -> None:
    other = ProjectFactory(company=project.company)
    CommitmentFactory(project=other, title="Roofing")
    assert numbers(project, "?search=roof") == []


def test_another_projects_commitments_are_not_listed(project: Project) -> None:
    CommitmentFactory(project=ProjectFactory(company=project.company))
    assert numbers(project) == []


@pytest.mark.parametrize(
    "address",
    [
        "?kind=lease",
        "?badge=lost",
        "?before=abc",
        "?before=99999999999999999999999",
        "?before=-1",
        "?search=%00",
        "?after=%D9%A1",
    ],
)
def test_nonsense_counts_as_not_asked(project: Project, address: str) -> None:
    CommitmentFactory(project=project, number="A")
    assert numbers(project, address) == ["A"]
