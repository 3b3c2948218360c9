"""Words, and what a typed one finds: two functions of the database."""

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


def words(*texts: str, owner: int = 7) -> list[str]:
    places = ", ".join("%s" for _ in texts)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT tsvector_to_array(search_words(%s, {places}))", [owner, *texts])
        return sorted(each.removeprefix(f"{owner}/") for each in cursor.fetchone()[0])


def is_found(typed: str, *texts: str, owner: int = 7, asked: int = 7) -> bool:
    places = ", ".join("%s" for _ in texts)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT search_words(%s, {places}) @@ search_query(ARRAY[%s, 999]::bigint[], %s)",
            [owner, *texts, asked, typed],
        )
        return bool(cursor.fetchone()[0])


def test_a_number_is_kept_whole_and_in_parts() -> None:
    assert words("SC-0012") == ["0012", "12", "sc", "sc0012"]
    assert words("Über, der (Fluss)") == ["der", "fluss", "über"]
    assert words("", " - ") == []


@pytest.mark.parametrize(
    "typed",
    [
        "SC-1023",
        "sc-10",
        "SC1023",
        "sc10",
        "1023",
        "10",
        "sc 1023",
        "SC–1023",
        "SC.1023",
        "roof sc",
        "ROOF-SC",
    ],
)
def test_a_number_is_found_with_or_without_its_prefix_and_dash(typed: str) -> None:
    assert is_found(typed, "SC-1023", "Roofing")


@pytest.mark.parametrize("typed", ["12", "0012", "SC-12", "sc0012"])
def test_zeros_at_the_beginning_of_a_number_may_be_left_out(typed: str) -> None:
    assert is_found(typed, "SC-0012")


@pytest.mark.parametrize("typed", ["1023", "sc-1023", "sc10"])
def test_part_of_an_erp_id_is_found(typed: str) -> None:
    assert is_found(typed, "SC1023")


@pytest.mark.parametrize("typed", ["ümläut", "ÜML", "ÜMLÄUT & söhne", "o'br", "İst", "漢字", "100%"])
def test_capitals_accents_and_signs_find_what_is_written_so(typed: str) -> None:
    assert is_found(typed, "Ümläut & Söhne", "O'Brien", "İstanbul", "漢字", "100 % \\ ' \" : * | ! ( ) <->")


@pytest.mark.parametrize("typed", ["23", "oofing", "roof paving", "sc-1024", "umlaut"])
def test_the_middle_of_a_word_and_another_one_are_not_found(typed: str) -> None:
    assert not is_found(typed, "SC-1023", "Roofing", "Ümläut")


@pytest.mark.parametrize("typed", ["", " ", "-", "!", "& | '", "\\"])
def test_what_has_no_letter_and_no_digit_finds_everything(typed: str) -> None:
    assert is_found(typed, "Roofing")
    assert is_found(typed, "")


def test_another_owner_has_no_such_word() -> None:
    assert not is_found("roofing", "Roofing", owner=71, asked=7)
    assert not is_found("1", "1", owner=7, asked=71)


def test_no_owner_has_no_words() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT search_words(7, 'Roof') @@ search_query('{}', 'roof')")
        assert cursor.fetchone() == (False,)


def test_no_text_is_too_long() -> None:
    assert is_found("x" * 100, "x" * 9000)
    assert is_found("n1", " ".join(f"n{number}" for number in range(1, 200_000)))
    assert is_found("n1999", " ".join(f"n{number}" for number in range(2000)))


def test_the_functions_depend_on_nothing_that_a_dump_would_lack() -> None:
    """pg_restore sets an empty search_path, and computes the columns anew."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema")
        (schema,) = cursor.fetchone()
        cursor.execute("SET LOCAL search_path = ''")
        cursor.execute(f"SELECT {schema}.search_words(7, 'Roof') @@ {schema}.search_query('{{7}}', 'roof')")
        assert cursor.fetchone() == (True,)
        cursor.execute(f"SET LOCAL search_path = {schema}")
