"""A list in parts: the parts make up the whole, or nothing is given."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_integrations.adapters.spectrum.list_responses import ListResponse, Row
from erp_integrations.adapters.spectrum.partitioned_fetch import NotPartitionableError, PartitionedFetch
from erp_integrations.adapters.spectrum.service_fields import (
    GET_JOB,
    GET_PHASE,
    VENDORS_BY_NAME,
    PartitionKey,
)

CAP = 3
DIVISION, PEOPLE = GET_JOB.partition_keys[1], GET_JOB.partition_keys[2]
SORTS = {narrowing.sort: narrowing.column for narrowing in GET_JOB.partition_keys}

codes = st.text(st.sampled_from("AB1-"), max_size=3).map(str.strip)


class Erp:
    """Lists its records as Spectrum does: sorted, capped, and by how a value begins."""

    def __init__(self, records: Sequence[Row], narrowings: tuple[PartitionKey, ...], cap: int = CAP) -> None:
        self.records = records
        self.columns = {narrowing.element: narrowing.column for narrowing in narrowings}
        self.cap = cap
        self.asked = 0

    def ask(self, criteria: Mapping[str, str]) -> ListResponse:
        self.asked += 1
        column = SORTS.get(criteria.get("pSort_By", ""), "number")
        found = [
            record
            for record in sorted(self.records, key=lambda each: (each[column].upper(), each["number"]))
            if all(
                self.meets(record[self.columns[element]].upper(), asked.upper())
                for element, asked in criteria.items()
                if element in self.columns
            )
        ]
        return ListResponse(tuple(found[: self.cap]), is_complete=len(found) <= self.cap)

    def meets(self, value: str, asked: str) -> bool:
        return value.startswith(asked[:-1]) if asked.endswith("*") else value == asked

    def all(self, narrowings: tuple[PartitionKey, ...]) -> list[str]:
        rows = PartitionedFetch(self.ask, ("number",)).fetch_all({}, narrowings)
        return sorted({row["number"] for row in rows})


def jobs(values: list[tuple[str, str]]) -> list[Row]:
    return [
        {"number": f"{place:03}", "division": division, "project_manager": person}
        for place, (division, person) in enumerate(values)
    ]


@given(st.lists(st.tuples(codes, codes), max_size=25))
def test_the_parts_are_the_whole_or_there_is_no_list(values: list[tuple[str, str]]) -> None:
    erp = Erp(jobs(values), (DIVISION, PEOPLE))
    try:
        found = erp.all((DIVISION, PEOPLE))
    except NotPartitionableError:
        return
    assert found == [job["number"] for job in erp.records]


@given(st.lists(codes.filter(bool), unique=True, max_size=25))
def test_records_that_differ_in_a_value_are_always_listed_whole(values: list[str]) -> None:
    erp = Erp(
        [{"number": str(n), "cost_type": value} for n, value in enumerate(values)], GET_PHASE.partition_keys
    )
    assert erp.all(GET_PHASE.partition_keys) == sorted(str(n) for n in range(len(values)))


def test_a_short_list_is_asked_for_once() -> None:
    erp = Erp(jobs([("A", "")] * CAP), (DIVISION,))
    assert len(erp.all((DIVISION,))) == CAP
    assert erp.asked == 1


def test_too_many_of_one_value_are_told_apart_by_the_next_parameter() -> None:
    erp = Erp(jobs([("A", person) for person in "ABCDEFGH"]), (DIVISION, PEOPLE))
    assert len(erp.all((DIVISION, PEOPLE))) == 8
    with pytest.raises(NotPartitionableError, match="none of its filters makes it fewer"):
        erp.all((DIVISION,))


def test_records_without_a_value_are_taken_from_the_top_of_the_sorted_list() -> None:
    erp = Erp(jobs([("", ""), *((division, "") for division in "ABCDE"), ("", "")]), (DIVISION,))
    assert len(erp.all((DIVISION,))) == 7


def test_more_records_without_a_value_than_the_list_shows_are_no_list() -> None:
    erp = Erp(jobs([("", "")] * CAP + [("A", "")]), (DIVISION,))
    with pytest.raises(NotPartitionableError):
        erp.all((DIVISION,))


def test_another_parameter_is_tried_where_the_first_one_is_blank_too_often() -> None:
    erp = Erp(jobs([("", person) for person in "ABCDEFG"]), (DIVISION, PEOPLE))
    assert len(erp.all((DIVISION, PEOPLE))) == 7


class Unsorted(Erp):
    """Does not heed pSort_By, so that blanks may stand anywhere."""

    def ask(self, criteria: Mapping[str, str]) -> ListResponse:
        return super().ask({name: value for name, value in criteria.items() if name != "pSort_By"})


def test_a_list_that_is_not_sorted_as_asked_proves_nothing_about_blanks() -> None:
    erp = Unsorted(jobs([("B", ""), ("A", ""), ("C", ""), ("", ""), ("D", "")]), (DIVISION,))
    with pytest.raises(NotPartitionableError):
        erp.all((DIVISION,))


class Literal(Erp):
    """Takes no beginnings: the star is a letter like others."""

    def meets(self, value: str, asked: str) -> bool:
        return value == asked


class OfOneLetter(Erp):
    """Takes beginnings of one letter, and no longer ones."""

    def meets(self, value: str, asked: str) -> bool:
        return super().meets(value, asked) and len(asked) <= len("A*")


class Heedless(Erp):
    """Ignores the parameter altogether."""

    def meets(self, value: str, asked: str) -> bool:
        return True


@pytest.mark.parametrize(
    ("erp", "told"),
    [
        (Literal, "leaves some out when asked for fewer"),
        (OfOneLetter, "leaves some out when asked for fewer"),
        (Heedless, "ignores pCost_Type"),
    ],
)
def test_a_site_that_understands_no_beginnings_is_noticed(erp: type[Erp], told: str) -> None:
    records = [
        {"number": str(n), "cost_type": value}
        for n, value in enumerate(["B", "C", "D", "A1", "A2", "A3", "A4"])
    ]
    with pytest.raises(NotPartitionableError, match=told):
        erp(records, GET_PHASE.partition_keys).all(GET_PHASE.partition_keys)


def test_a_name_that_begins_with_no_askable_letter_is_noticed_where_it_was_seen() -> None:
    names = ["\u00c9CLAIR", *"ABCDEF"]
    erp = Erp([{"number": str(n), "name": name} for n, name in enumerate(names)], (VENDORS_BY_NAME,))
    with pytest.raises(NotPartitionableError, match="leaves some out"):
        erp.all((VENDORS_BY_NAME,))


def test_names_with_blanks_and_signs_in_them_are_asked_for() -> None:
    names = ["A & A SALES", "A A. DUIE", "A & B'S", "A", "A, INC", "a-1 Signs", "A B C"]
    erp = Erp([{"number": str(n), "name": name} for n, name in enumerate(names)], (VENDORS_BY_NAME,))
    assert len(erp.all((VENDORS_BY_NAME,))) == len(names)
