"""Web on two addresses and workers, all of them behind a PgBouncer in transaction mode."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing

import psycopg2
import pytest
import requests
from django.db import connection
from django.urls import reverse
from environ import Env
from pytest_django.plugin import DjangoDbBlocker

from directory.checks import check_idle_limit
from directory.history import protection
from erp_integrations.models import ExportJob, JobStatus
from local import embedded
from tests import pooler
from tests.directory.signing_in import PASSWORD
from tests.processes import running, test_workers
from tests.processes.conftest import HEADER, LINE, Case, calls, has_become
from tests.processes.people import Person, find_fields
from tests.processes.running import Broker, Running, until
from tests.simulator import Simulator

pytestmark = [pytest.mark.django_db(transaction=True), pooler.needs_pgbouncer]
SESSIONS = 8
"""That docs/scale.md gives a role."""

# Once more, behind the pooler.
test_cut_off = test_workers.test_a_worker_cut_off_from_the_database_goes_on_and_sends_nothing_twice
test_killed_in_a_call = (
    test_workers.test_a_worker_killed_while_spectrum_hangs_leaves_it_unknown_and_nothing_is_sent_again
)
test_killed_between_two_calls = (
    test_workers.test_after_a_worker_killed_between_two_calls_the_next_goes_on_at_the_missing_line
)


@pytest.fixture(scope="module")
def address(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Generator[str]:
    """The pooler's."""
    with django_db_blocker.unblock(), pooler.running_pooler() as address:
        yield address


@pytest.fixture
def environment(environment: dict[str, str], address: str) -> dict[str, str]:
    return environment | {"DATABASE_URL": pooler.put_behind(address, environment["DATABASE_URL"])}


@pytest.fixture(scope="module")
def webs(
    address: str,
    django_db_blocker: DjangoDbBlocker,
    broker_process: Broker,
    compiled: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[tuple[Running, str]]]:
    with django_db_blocker.unblock():
        environment = running.environment_of(broker_process, embedded.WEB, **compiled)
    environment["DATABASE_URL"] = pooler.put_behind(address, environment["DATABASE_URL"])
    with pooler.running_webs(environment, tmp_path_factory.mktemp("web")) as started:
        yield started


@pytest.fixture
def web_process(webs: list[tuple[Running, str]]) -> tuple[Running, str]:
    return webs[0]


def test_people_sign_in_and_decide_at_any_web_and_workers_export(
    simulator: Simulator,
    case: Case,
    broker: Broker,
    webs: list[tuple[Running, str]],
    start_worker: Callable[[], Running],
) -> None:
    (_, here), (_, there) = webs
    case.sender.set_password(PASSWORD)
    case.sender.save()
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(f"{here}{reverse('account_login')}", timeout=20)
        entered = find_fields(page.text) | {"login": case.sender.email, "password": PASSWORD}
        home = browser.post(page.url, data=entered, timeout=20)
        assert "/accounts/" not in home.url, home.text
    person, same_person = Person(case.approver, here), Person(case.approver, there)
    exported, rejected = case.send(), case.send()
    person.accepts(case.submission)
    assert "Undo" in same_person.sees(case.submission)
    same_person.undoes(case.submission)
    same_person.rejects(rejected, "The amount is wrong.")
    for submission in (case.submission, exported):
        person.accepts(submission)
    for _ in range(2):
        start_worker()
    jobs = ExportJob.objects.exclude(status=JobStatus.CANCELLED)
    assert {job.submission for job in jobs} == {case.submission, exported}
    for job in jobs:
        until(has_become(job, JobStatus.SYNCED), "exported")
        assert calls(simulator, job) == [HEADER, LINE, LINE]


def test_whatever_session_of_the_database_one_gets_it_compiles_nothing_and_ends_idle_transactions(
    address: str,
) -> None:
    """Even one that the pooler opened after all of the product's statements."""
    with ExitStack() as ending:
        found = {}
        for _ in range(SESSIONS):
            session = psycopg2.connect(pooler.put_behind(address, os.environ["DATABASE_URL"]))
            cursor = ending.enter_context(closing(session)).cursor()
            cursor.execute(
                "SELECT pg_backend_pid(), current_setting('jit'),"
                " current_setting('idle_in_transaction_session_timeout')"
            )
            ((pid, *given),) = cursor.fetchall()
            found[pid] = given
    assert list(found.values()) == [["off", "30s"]] * SESSIONS


def test_a_role_without_the_limit_is_found(address: str) -> None:
    """And only behind the pooler."""
    usual = dict(connection.settings_dict)
    for name, is_found in ((embedded.OWNER, True), (embedded.WORKER, False)):
        assert not protection.check_idle_limit()
        behind = Env.db_url_config(pooler.put_behind(address, os.environ["DATABASE_URL"]))
        connection.close()
        try:
            connection.settings_dict |= {key: behind[key] for key in ("HOST", "PORT", "NAME", "PASSWORD")}
            connection.settings_dict["USER"] = name
            assert [str(each.msg) for each in check_idle_limit(None, databases=["default"])] == [
                f"Behind a pooler nobody ends the idle transactions of the role {name}."
            ] * is_found
        finally:
            connection.close()
            connection.settings_dict.update(usual)
