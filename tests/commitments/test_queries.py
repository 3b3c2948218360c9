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
    query = queries.CommitmentQuery.from_parameters(parameters, project)
    found = queries.find_commitments(query)
    return queries.get_page(query, found, parameters, is_sorted=bool(query.column))


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


@pytest.fixture
def three(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Each other than the others in everything."""
    monkeypatch.setattr(pagination, "PAGE_LENGTH", 2)
    company = project.company
    for number, name, lines, executed in (("B", "Acme", 3, "2026-03-01"), ("A", "Zeta", 1, None)):
        CommitmentFactory(
            project=project,
            number=number,
            lines=lines,
            title=number,
            contract_company=ContractCompanyFactory(company=company, name=name),
            executed=executed is not None,
            executed_date=executed,
            created_by=CreatorFactory(project=project, first_name=name, last_name="Ames"),
        )
    CommitmentFactory(project=project, number="C", contract_company=None, lines=0, purchase_order=True)
    CommitmentFactory(number="D")  # another project's
    return project


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("number", "ABC"),
        ("-number", "CBA"),
        ("vendor", "CBA"),
        ("amount", "CAB"),
        ("-amount", "BAC"),
        ("-executed", "BCA"),
    ],
)
def test_it_is_sorted_over_its_pages(three: Project, sort: str, expected: str) -> None:
    first = page(three, f"?sort={sort}")
    second = page(three, first.after_url)
    assert "".join(each.number for each in (*first.rows, *second.rows)) == expected
    back = page(three, second.before_url)
    assert [each.number for each in back.rows] == list(expected[:2])


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("vendor=acm", "B"),
        ("creator=zeta+AMES", "A"),
        ("executed=True", "B"),
        ("executed-from=2026-03-01", "B"),
        ("executed-to=2026-02-28", ""),
        ("from=1,000.00", "AB"),
        ("to=0", "C"),
        ("status=draft", "ABC"),
        ("kind=purchase_order&to=0.00", "C"),
    ],
)
def test_it_is_narrowed_down(three: Project, asked: str, expected: str) -> None:
    assert sorted(numbers(three, f"?{asked}&sort=number")) == sorted(expected[:2])


@pytest.mark.parametrize("name", [*(each.name for each in queries.CRITERIA), "search", "sort", "after"])
@pytest.mark.parametrize(
    "value", ["\0", "9" * 400, "-1", "2026-02-31", "0000-00-00", "٣", "%", "a\0b", "1e999"]
)
def test_nonsense_in_the_address_is_answered(three: Project, name: str, value: str) -> None:
    parameters = {"sort": "amount", name: value}
    query = queries.CommitmentQuery.from_parameters(parameters, three)
    assert len(query.problems) <= 1
    queries.get_page(query, queries.find_commitments(query), parameters, is_sorted=bool(query.column))


def test_they_are_counted_and_summed_up_so_far(three: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    query = queries.CommitmentQuery.from_parameters({}, three)
    count, amount = queries.count_found(query, queries.find_commitments(query))
    assert (count, str(amount)) == (3, "4000.00")
    monkeypatch.setattr(queries, "MOST_COUNTED", 1)
    assert queries.count_found(query, queries.find_commitments(query))[0] == 2
