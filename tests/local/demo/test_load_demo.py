from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from commitments.models import Commitment
from directory.models import Company, HistoryEntry, User
from local.demo.accounts import ACCOUNTS


def load_demo(*options: str) -> str:
    output = StringIO()
    call_command("load_demo", *options, stdout=output)
    return output.getvalue()


@pytest.mark.django_db
def test_an_empty_database_is_filled_and_a_second_run_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "only for this test")
    assert "822 commitments" in load_demo()
    assert User.objects.get(email="viewer@demo.example").check_password("only for this test")
    before = (Commitment.objects.count(), User.objects.count(), HistoryEntry.objects.count())
    assert "nothing was changed" in load_demo()
    assert (Commitment.objects.count(), User.objects.count(), HistoryEntry.objects.count()) == before


@pytest.mark.django_db
def test_a_company_that_has_the_name_already_is_left_alone() -> None:
    Company.objects.create(name="Keystone Builders", slug="keystone")
    assert "nothing was changed" in load_demo()
    assert not Commitment.objects.exists()


def test_the_sign_ins_are_printed_aligned_and_nothing_else_happens() -> None:
    lines = load_demo("--print-accounts").splitlines()
    assert [line.split("  ")[0] for line in lines[:-1]] == [account.email for account in ACCOUNTS]
    assert len({line.index(account.role) for line, account in zip(lines, ACCOUNTS, strict=False)}) == 1
    assert lines[-1].endswith("  ledgergate-demo")


@pytest.mark.parametrize("options", [[], ["--print-accounts"]])
def test_outside_development_it_refuses(settings: Settings, options: list[str]) -> None:
    settings.DEVELOPMENT = False
    with pytest.raises(CommandError, match="ENVIRONMENT=development"):
        load_demo(*options)
