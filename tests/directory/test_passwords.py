"""Passwords that are refused."""

from pathlib import Path

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from pytest_django import Settings

from directory.accounts.passwords import CommonPasswordsValidator
from directory.checks import check_refused_passwords_file
from directory.models import User
from tests.factories import CompanyFactory, PersonFactory, join_company

pytestmark = pytest.mark.django_db

GOOD = "correct horse battery staple"


@pytest.fixture
def person() -> User:
    person: User = PersonFactory(email="dana@example.test", first_name="Dana", last_name="Doe")
    join_company(person, CompanyFactory(name="Keystone & Sons of Ōsaka, Inc."))
    return person


def refusal(password: str, person: User | None) -> str:
    with pytest.raises(ValidationError) as refused:
        validate_password(password, person)
    return " ".join(refused.value.messages)


@pytest.mark.parametrize("password", [GOOD, "Tr0ub4dor&3-for-me", "9384756102aQ#xz", "aaaa bbbb cccc dddd"])
def test_what_nobody_tries_first_may_be_one(person: User, password: str) -> None:
    validate_password(password, person)


@pytest.mark.parametrize("word", ["ledgergate", "spectrum", "viewpoint", "keystone", "sons", "ōsaka"])
def test_names_of_the_product_and_of_the_person_s_companies_are_refused(person: User, word: str) -> None:
    assert f'It contains "{word}"' in refusal(f"horse-{word.upper()}-battery 7", person)


@pytest.mark.parametrize("word", ["inc", "of"])
def test_short_words_of_a_name_are_not(person: User, word: str) -> None:
    validate_password(f"{word} {GOOD}", person)


def test_names_of_other_companies_are_not(person: User) -> None:
    CompanyFactory(name="Battery Builders")
    validate_password(GOOD, person)


def test_the_operator_adds_words(person: User, settings: Settings) -> None:
    validate_password(f"{GOOD} Philly", person)
    settings.PASSWORD_WORDS = [" Philly ", ""]
    assert 'It contains "philly"' in refusal(f"{GOOD} PHILLY", person)


@pytest.fixture
def stolen(settings: Settings, tmp_path: Path) -> Path:
    """A list of the operator's."""
    path = tmp_path / "stolen.txt"
    path.write_bytes(b"Seven-Quiet-Otters\n\n  unlikely horse phrase \r\n\xff\xfe\n")
    settings.REFUSED_PASSWORDS_FILE = str(path)
    return path


@pytest.mark.parametrize(
    "password",
    ["seven-quiet-otters", "SEVEN-QUIET-OTTERS", "unlikely horse phrase", "!seven-quiet-otters99"],
)
def test_the_operator_s_list_is_refused_like_the_common_ones(stolen: Path, password: str) -> None:
    with pytest.raises(ValidationError, match="common"):
        CommonPasswordsValidator().validate(password)
    CommonPasswordsValidator().validate(GOOD)


def test_a_list_that_can_not_be_read_keeps_the_product_from_starting(stolen: Path) -> None:
    assert check_refused_passwords_file(None) == []
    stolen.unlink()
    (error,) = check_refused_passwords_file(None)
    assert error.msg == "REFUSED_PASSWORDS_FILE can't be read: No such file or directory."


def test_who_is_nobody_yet_is_asked_too() -> None:
    assert 'It contains "spectrum"' in refusal("my-spectrum-2026", None)
    assert 'It contains "spectrum"' in refusal("my-spectrum-2026", User(email="new@example.test"))


@pytest.mark.parametrize(
    "password",
    ["Password-2026!", "!!12dragon12!!", "monkeymonkeymonkey", "!iloveyouiloveyou99", "abc123abc123"],
)
def test_a_common_one_is_common_with_something_added(person: User, password: str) -> None:
    assert "common password" in refusal(password, person)
