"""Whatever the owner of the database does to the history, `verify_history` finds it, and says where."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from directory import history
from directory.history import (
    canonical,
    checkpoints,
    sealing,
    verification,
)
from directory.history.events import DirectoryEvent
from directory.models import Company, HistoryEntry, HistorySeal
from tests.conftest import session_of_owner
from tests.directory.tampering import ENTRIES, SEALS, as_owner, sealed, write_anew
from tests.factories import CompanyFactory, PersonFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def company() -> Company:
    made: Company = CompanyFactory()
    return made


@pytest.fixture
def entries(company: Company) -> list[HistoryEntry]:
    """Five sealed entries; another company's and the installation's chains stand beside them."""
    sealed(CompanyFactory())
    made = sealed(company)
    history.record(event=DirectoryEvent.ACCOUNT_CREATED, subject=company, by=None, company=None)
    sealing.seal_new_entries()
    return made


def verified(*arguments: str) -> str:
    """The command's output on a history that holds."""
    told = StringIO()
    call_command("verify_history", *arguments, stdout=told)
    return told.getvalue()


def broken(*arguments: str) -> str:
    """The command's output on one that does not; its exit code is 1."""
    told = StringIO()
    with pytest.raises(CommandError) as error:
        call_command("verify_history", *arguments, stdout=told)
    assert error.value.returncode == 1
    return f"{told.getvalue()}\n{error.value}"


@pytest.mark.usefixtures("entries")
def test_a_history_that_nobody_touched_holds(company: Company) -> None:
    told = verified()
    assert f"company {company.pk}: 5 seals hold" in told
    assert "the installation: 1 seals hold" in told
    assert "The history holds." in told


def test_an_empty_history_holds() -> None:
    assert "The history holds." in verified()


def test_pages_of_the_proof_do_not_lose_a_seal(
    entries: list[HistoryEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    for length in (1, 2, 5, 11, 12):
        monkeypatch.setattr(verification, "PAGE_SIZE", length)
        assert (verification.verify_chains().seals, verification.verify_chains().breaks) == (11, [])


@pytest.mark.parametrize(
    "change",
    [
        "event = 'x'",
        "by_id = 7",
        "company_id = company_id + 1000",
        "company_id = NULL",
        "at = at - interval '1 microsecond'",
        "subject_type = 'a.b'",
        "subject_id = subject_id + 1",
        "detail = jsonb_set(detail, '{turn}', '9')",
        "detail = detail || '{\"more\": null}'",
    ],
)
def test_an_altered_entry_is_found(entries: list[HistoryEntry], company: Company, change: str) -> None:
    as_owner(f"UPDATE {ENTRIES} SET {change} WHERE id = {entries[2].pk}")
    told = broken()
    assert f"BROKEN: company {company.pk}: entry {entries[2].pk} was altered" in told
    assert "sealed as number 3" in told
    assert f"company {company.pk}: 2 seals hold" in told


def test_a_removed_entry_is_found(entries: list[HistoryEntry]) -> None:
    as_owner(f"DELETE FROM {ENTRIES} WHERE id = {entries[3].pk}")
    assert f"entry {entries[3].pk} is missing; it was sealed as number 4" in broken()


def test_a_removed_seal_is_found(entries: list[HistoryEntry]) -> None:
    as_owner(f"DELETE FROM {SEALS} WHERE entry_id = {entries[1].pk}")
    assert "seal 2 is missing: the next one that is stored is 3" in broken()


def test_an_entry_that_was_removed_with_its_seal_is_found(entries: list[HistoryEntry]) -> None:
    pk = entries[0].pk
    as_owner(f"DELETE FROM {SEALS} WHERE entry_id = {pk}", f"DELETE FROM {ENTRIES} WHERE id = {pk}")
    assert "seal 1 is missing" in broken()


@pytest.mark.parametrize("change", ["hash = repeat('1', 64)", "sealed_at = sealed_at - interval '1 day'"])
def test_an_altered_seal_is_found(entries: list[HistoryEntry], change: str) -> None:
    as_owner(f"UPDATE {SEALS} SET {change} WHERE entry_id = {entries[2].pk}")
    assert f"seal 3 (of entry {entries[2].pk}) was altered" in broken()


def test_entries_that_changed_places_are_found(entries: list[HistoryEntry]) -> None:
    first, second = entries[1].pk, entries[2].pk
    as_owner(
        f"UPDATE {SEALS} SET number = 900 WHERE entry_id = {first}",
        f"UPDATE {SEALS} SET number = 2 WHERE entry_id = {second}",
        f"UPDATE {SEALS} SET number = 3 WHERE entry_id = {first}",
    )
    assert f"seal 2 (of entry {second}) was altered" in broken()


def test_an_entry_put_in_the_middle_is_found(entries: list[HistoryEntry], company: Company) -> None:
    forged = HistoryEntry.objects.create(
        event="privilege.granted", subject_type="a.b", subject_id=1, company_id=company.pk
    )
    forged.refresh_from_db()
    before = HistorySeal.objects.get(entry_id=entries[1].pk)
    seal = canonical.build_seal(forged, previous=(before.number, before.hash), sealed_at=before.sealed_at)
    as_owner(
        f"UPDATE {SEALS} SET number = number + 1000 WHERE chain = {company.pk} AND number > 2",
        f"UPDATE {SEALS} SET number = number - 999 WHERE chain = {company.pk} AND number > 1000",
        f"INSERT INTO {SEALS} (entry_id, chain, number, entry_hash, previous_hash, hash, sealed_at) VALUES "
        f"({seal.entry_id}, {seal.chain}, {seal.number}, '{seal.entry_hash}', '{seal.previous_hash}', "
        f"'{seal.hash}', '{seal.sealed_at.isoformat()}')",
    )
    assert f"seal 4 (of entry {entries[2].pk}) was altered" in broken()


def test_a_seal_that_was_made_to_fit_its_place_does_not_follow_the_one_before(
    entries: list[HistoryEntry],
) -> None:
    entry = entries[2]
    entry.refresh_from_db()
    seal = HistorySeal.objects.get(entry_id=entry.pk)
    forged = canonical.build_seal(entry, previous=(seal.number - 1, "a" * 64), sealed_at=seal.sealed_at)
    as_owner(
        f"UPDATE {SEALS} SET previous_hash = '{forged.previous_hash}', hash = '{forged.hash}' "
        f"WHERE entry_id = {entry.pk}"
    )
    assert f"seal 3 (of entry {entry.pk}) does not follow the one before" in broken()


def test_each_chain_tells_its_own_first_break(entries: list[HistoryEntry]) -> None:
    as_owner(f"UPDATE {ENTRIES} SET by_id = 7")
    assert len(verification.verify_chains().breaks) == 3
    assert {each.number for each in verification.verify_chains().breaks} == {1}


def test_a_trigger_that_was_left_off_is_named(entries: list[HistoryEntry]) -> None:
    switch = f"ALTER TABLE {ENTRIES} {{}} TRIGGER history_is_append_only"
    with session_of_owner() as cursor:
        cursor.execute(switch.format("DISABLE"))
    try:
        assert "The trigger history_is_append_only" in broken()
    finally:
        with session_of_owner() as cursor:
            cursor.execute(switch.format("ENABLE"))


class TestWhatHasNoSealYet:
    def test_it_is_reported_with_its_age(self, entries: list[HistoryEntry], company: Company) -> None:
        history.record(event=DirectoryEvent.COMPANY_CHANGED, subject=company, by=None, company=company)
        assert "1 entries have no seal yet, the oldest for 0 s." in verified()

    def test_an_old_one_fails(self, entries: list[HistoryEntry], company: Company) -> None:
        entry = history.record(
            event=DirectoryEvent.COMPANY_CHANGED, subject=company, by=None, company=company
        )
        as_owner(f"UPDATE {ENTRIES} SET at = at - interval '11 minutes' WHERE id = {entry.pk}")
        assert "wait too long for their seal" in broken()
        assert "The history holds." in verified("--unsealed-seconds", "3600")


class TestCheckpoints:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, settings: Any) -> Path:
        settings.HISTORY_CHECKPOINTS_DIR = str(tmp_path / "checkpoints")
        return tmp_path / "checkpoints"

    @pytest.fixture
    def written(self, entries: list[HistoryEntry]) -> Path:
        file = checkpoints.write_daily_checkpoint()
        assert file
        return file

    def test_a_later_history_still_agrees(self, written: Path, company: Company) -> None:
        sealed(company, entries=20)
        assert "1 checkpoints compared" in verified("--checkpoints", str(written.parent))
        assert "The history holds." in verified("--checkpoints", str(written))

    def test_what_was_not_sealed_is_sealed_first(self, company: Company) -> None:
        history.record(event=DirectoryEvent.COMPANY_CHANGED, subject=company, by=None, company=company)
        file = checkpoints.write_daily_checkpoint()
        assert file
        (chain,) = json.loads(file.read_text())["statement"]["chains"]
        assert (chain["chain"], chain["number"]) == (company.pk, 1)

    def test_one_is_written_a_day_and_never_over_another(self, written: Path, company: Company) -> None:
        before = written.read_text()
        sealed(company)
        assert checkpoints.write_daily_checkpoint() is None
        assert written.read_text() == before
        tomorrow = timezone.now() + timedelta(days=1)
        assert checkpoints.write_daily_checkpoint(tomorrow)
        assert len(checkpoints.list_checkpoint_files(written.parent)) == 2
        assert {file.name for file in written.parent.iterdir()} == {
            file.name for file in checkpoints.list_checkpoint_files(written.parent)
        }

    def test_none_is_written_without_a_folder(self, settings: Any) -> None:
        settings.HISTORY_CHECKPOINTS_DIR = ""
        assert checkpoints.write_daily_checkpoint() is None

    def test_a_history_whose_end_was_cut_off_holds_by_itself_and_not_against_a_checkpoint(
        self, written: Path, entries: list[HistoryEntry], company: Company
    ) -> None:
        last = f"({entries[3].pk}, {entries[4].pk})"
        as_owner(f"DELETE FROM {SEALS} WHERE entry_id IN {last}", f"DELETE FROM {ENTRIES} WHERE id IN {last}")
        assert "The history holds." in verified()
        told = broken("--checkpoints", str(written))
        assert f"company {company.pk}: {written.name} knows seal 5, and the chain ends at 3" in told
        sealed(company, entries=9)
        assert "seal 5 is another than in" in broken("--checkpoints", str(written))

    def test_a_chain_that_is_gone_is_found(self, written: Path, company: Company) -> None:
        ids = f"(SELECT id FROM {ENTRIES} WHERE company_id = {company.pk})"
        as_owner(
            f"DELETE FROM {SEALS} WHERE entry_id IN {ids}",
            f"DELETE FROM {ENTRIES} WHERE company_id = {company.pk}",
        )
        assert f"company {company.pk}: {written.name} knows seal 5, and the chain ends at 0" in broken(
            "--checkpoints", str(written)
        )

    def test_a_chain_that_was_written_anew_holds_by_itself_and_not_against_a_checkpoint(
        self, written: Path, entries: list[HistoryEntry], company: Company
    ) -> None:
        as_owner(f"UPDATE {ENTRIES} SET by_id = 7 WHERE id = {entries[1].pk}")
        write_anew(company)
        assert "The history holds." in verified()
        assert "seal 5 is another than in" in broken("--checkpoints", str(written))

    def test_a_forged_checkpoint_is_not_believed(self, written: Path) -> None:
        written.write_text(written.read_text().replace('"number": 5', '"number": 4'))
        assert "was not signed with a trusted key" in broken("--checkpoints", str(written))

    def test_another_key_is_not_believed(self, written: Path, settings: Any) -> None:
        ours = checkpoints.get_own_public_key()
        settings.HISTORY_SIGNING_KEY = checkpoints.create_private_key()
        assert "was not signed with a trusted key" in broken("--checkpoints", str(written))
        assert "The history holds." in verified("--checkpoints", str(written), "--public-key", ours)

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", '{"statement": {}}', '{"statement": 1, "signature": "!"}']
    )
    def test_what_is_no_checkpoint_is_named(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "history-2026-01-01.json"
        file.write_text(text)
        assert f"{file.name} can't be read as a checkpoint" in broken("--checkpoints", str(file))

    def test_an_empty_folder_is_no_proof(self, tmp_path: Path) -> None:
        assert "holds no checkpoint" in broken("--checkpoints", str(tmp_path))

    def test_a_key_that_is_none_is_named(self, written: Path) -> None:
        assert "base64 of 32 bytes" in broken("--checkpoints", str(written), "--public-key", "abc")


def test_the_public_key_is_printed_and_a_new_one_is_made(settings: Any) -> None:
    printed, made = StringIO(), StringIO()
    call_command("history_key", stdout=printed)
    assert printed.getvalue().strip() == checkpoints.get_own_public_key()
    call_command("history_key", "--new", stdout=made)
    settings.HISTORY_SIGNING_KEY = made.getvalue().strip()
    assert checkpoints.get_own_public_key() != printed.getvalue().strip()


def test_an_entry_of_every_kind_of_value_is_proved() -> None:
    detail = {
        "words": 'naïve ☃ \\ "quoted" \n',
        "none": None,
        "list": [1, 1.5, -2e20, True],
        "z": {"b": 1, "a": 2},
    }
    history.record(
        event=DirectoryEvent.COMPANY_CHANGED, subject=PersonFactory(), by=None, company=None, detail=detail
    )
    sealing.seal_new_entries()
    assert "The history holds." in verified()


class TestWhatCanNotHaveHappened:
    """A history that is whole, because whoever wrote into it let it be sealed."""

    def test_a_grant_to_oneself(self, company: Company) -> None:
        person = PersonFactory()
        entry = history.record(
            event=DirectoryEvent.PRIVILEGE_GRANTED,
            subject=person,
            by=person,
            company=company,
            detail={"user": person.pk},
        )
        sealing.seal_new_entries()
        assert f"IMPOSSIBLE: entry {entry.pk}: person {person.pk} granted" in broken()

    @pytest.mark.parametrize("at", ["2020-01-01", "2120-01-01"])
    def test_an_entry_that_was_dated_by_hand(self, entries: list[HistoryEntry], at: str) -> None:
        with session_of_owner() as cursor:  # who alone can, since the database says when
            cursor.execute(f"ALTER TABLE {ENTRIES} DISABLE TRIGGER history_is_written_now")
            cursor.execute(
                f"INSERT INTO {ENTRIES} (at, company_id, event, subject_type, subject_id, detail) "
                "VALUES (%s, %s, 'privilege.granted', 'a.b', 1, '{}')",
                [at, entries[0].company_id],
            )
            cursor.execute(f"ALTER TABLE {ENTRIES} ENABLE TRIGGER history_is_written_now")
        sealing.seal_new_entries()
        assert "it was dated by hand" in broken()
