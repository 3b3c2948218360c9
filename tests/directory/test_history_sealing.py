"""Every entry gets one seal, in its chain, whoever seals and whenever it was committed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from environ import Env

from directory import history
from directory.history import canonical, sealing, verification
from directory.history.events import DirectoryEvent
from directory.models import HistoryEntry, HistorySeal
from tests.factories import CompanyFactory

pytestmark = pytest.mark.django_db(transaction=True)


def entries(count: int, *, company_id: int | None = None) -> None:
    HistoryEntry.objects.bulk_create(
        HistoryEntry(event="thing.happened", subject_type="a.b", subject_id=turn, company_id=company_id)
        for turn in range(count)
    )


def at_once(*acts: Callable[[], object]) -> None:
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=10)
            act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)


def numbers(chain: int) -> list[int]:
    return list(HistorySeal.objects.filter(chain=chain).order_by("number").values_list("number", flat=True))


def test_each_company_has_a_chain_and_the_installation_another() -> None:
    first, second = CompanyFactory(), CompanyFactory()
    for company in (first, second, None, first):
        history.record(event=DirectoryEvent.COMPANY_CHANGED, subject=first, by=None, company=company)
    assert sealing.seal_new_entries() == 4
    assert numbers(first.pk) == [1, 2]
    assert numbers(second.pk) == numbers(canonical.INSTALLATION_CHAIN) == [1]


def test_a_seal_names_the_one_before_it() -> None:
    company = CompanyFactory()
    entries(2, company_id=company.pk)
    sealing.seal_new_entries()
    entries(1, company_id=company.pk)
    sealing.seal_new_entries()
    seals = list(HistorySeal.objects.filter(chain=company.pk).order_by("number"))
    assert [seal.previous_hash for seal in seals] == [
        canonical.GENESIS_HASH,
        seals[0].hash,
        seals[1].hash,
    ]


def test_sealing_again_does_nothing() -> None:
    entries(3)
    assert [
        sealing.seal_new_entries(),
        sealing.seal_new_entries(),
        sealing.seal_new_entries(everything=True),
    ] == [3, 0, 0]


def test_more_than_one_batch_is_sealed_at_once() -> None:
    entries(sealing.BATCH_SIZE * 2 + 1)
    assert sealing.seal_new_entries() == sealing.BATCH_SIZE * 2 + 1
    assert not verification.verify_chains().breaks


def committed_late(behind: Callable[[], None]) -> int:
    """An entry whose transaction ends after ``behind`` has committed entries with larger ids."""
    written, may_end = threading.Event(), threading.Event()
    late: list[int] = []

    def slow() -> None:
        try:
            with transaction.atomic():
                late.append(
                    HistoryEntry.objects.create(event="late.one", subject_type="a.b", subject_id=1).pk
                )
                written.set()
                may_end.wait(timeout=30)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    written.wait(timeout=10)
    behind()
    may_end.set()
    thread.join(timeout=30)
    return late[0]


def test_an_entry_that_is_committed_after_one_with_a_larger_id_is_sealed_all_the_same() -> None:
    def behind() -> None:
        entries(2)
        assert sealing.seal_new_entries() == 2

    late = committed_late(behind)
    assert late < HistorySeal.objects.order_by("-entry_id")[0].entry_id
    assert sealing.seal_new_entries() == 1
    assert HistorySeal.objects.get(entry_id=late).number == 3
    assert not verification.verify_chains().breaks


def test_the_full_look_finds_what_was_committed_later_than_the_quick_one_looks_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sealing, "LATE", 20)

    def behind() -> None:
        entries(sealing.LATE + 1)
        sealing.seal_new_entries()

    late = committed_late(behind)
    assert sealing.seal_new_entries() == 0
    sealing.seal_new_entries(everything=True)
    assert HistorySeal.objects.filter(entry_id=late).exists()
    assert verification.verify_chains().unsealed == 0


def test_many_sealers_at_once_seal_each_entry_once() -> None:
    companies = [CompanyFactory() for _ in range(3)]
    for _ in range(4):
        for company in companies:
            entries(300, company_id=company.pk)
        at_once(*[sealing.seal_new_entries] * 6)
    sealing.seal_new_entries()
    for company in companies:
        assert numbers(company.pk) == list(range(1, 1201))
    proof = verification.verify_chains()
    assert (proof.breaks, proof.unsealed) == ([], 0)


def test_people_write_while_sealers_seal() -> None:
    company = CompanyFactory()

    def write() -> None:
        for _ in range(40):
            history.record(event=DirectoryEvent.COMPANY_CHANGED, subject=company, by=None, company=company)

    def seal() -> None:
        for _ in range(20):
            sealing.seal_new_entries()

    at_once(write, write, write, seal, seal)
    sealing.seal_new_entries()
    assert numbers(company.pk) == list(range(1, 121))
    assert not verification.verify_chains().breaks


def test_a_sealer_that_is_killed_leaves_whole_batches_and_the_next_one_goes_on() -> None:
    wanted = sealing.BATCH_SIZE * 8
    entries(wanted)
    environment = {**os.environ, "DATABASE_URL": url_of_the_test_database()}
    program = (
        "import django; django.setup(); from directory.history import sealing; "
        "print('begins', flush=True); sealing.seal_new()"
    )
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        assert process.stdout.readline() == "begins\n"
        before = HistorySeal.objects.count()
        while HistorySeal.objects.count() == before and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert HistorySeal.objects.count() % sealing.BATCH_SIZE == 0
    assert HistorySeal.objects.count() < wanted
    wait_until_alone()
    sealing.seal_new_entries()
    proof = verification.verify_chains()
    assert (proof.seals, proof.unsealed, proof.breaks) == (wanted, 0, [])


def url_of_the_test_database() -> str:
    ours = Env.db_url_config(os.environ["DATABASE_URL"])
    return os.environ["DATABASE_URL"].replace(f"/{ours['NAME']}", f"/{connection.settings_dict['NAME']}", 1)


def wait_until_alone() -> None:
    """PostgreSQL notices within a moment that a killed session is gone."""
    deadline = time.monotonic() + 10
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
            if cursor.fetchone() == (0,):
                return
            time.sleep(0.05)
