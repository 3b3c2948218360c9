"""Real servers, as script/server and the test run start them."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import redis

from local.binaries import Workplace, postgres_binaries, redis_server
from local.embedded import APP, DATABASE, OWNER, PostgreSQL, Valkey, works_in
from local.processes import Account, CannotStart, Program, account_for_servers, end, spawn, wait_until_ready

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as somebody else")

Start = Callable[[Program], subprocess.Popen[bytes]]


@pytest.fixture
def workplace() -> Generator[Workplace]:
    made = Workplace(account_for_servers())
    yield made
    made.remove()


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """Below folders that only their owner may enter, as in a home folder."""
    private = tmp_path / "a home" / "checkout"
    private.mkdir(parents=True)
    private.parent.chmod(0o700)
    return private


@pytest.fixture
def start(tmp_path: Path) -> Generator[Start]:
    started: list[tuple[Program, subprocess.Popen[bytes]]] = []

    def start_now(program: Program) -> subprocess.Popen[bytes]:
        program.prepare()
        log = tmp_path / f"{program.name}.log"
        process = spawn(program, log)
        started.append((program, process))
        wait_until_ready(program, process, log=log, seconds=30)
        return process

    yield start_now
    for program, process in reversed(started):
        end(program, process)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster that nobody starts; making one takes a second, copying it a moment."""
    var = tmp_path_factory.mktemp("once")
    workplace = Workplace(account_for_servers())
    PostgreSQL(var / "postgres", workplace, keep=False).initialise(var / "initdb.log")
    workplace.remove()
    return var / "postgres"


@pytest.fixture
def cluster(var: Path, workplace: Workplace, made_once: Path) -> PostgreSQL:
    made = PostgreSQL(var / "postgres", workplace, keep=False)
    shutil.copytree(made_once, made.data)
    workplace.give(made.data)
    return made


def run_as(postgres: PostgreSQL, role: str, statement: str) -> list[tuple[object, ...]]:
    with closing(postgres.connect(role)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def test_the_product_may_use_what_the_owner_makes_and_no_more(cluster: PostgreSQL, start: Start) -> None:
    start(cluster.program())
    cluster.prepare_roles()
    run_as(cluster, OWNER, "CREATE TABLE drawing (id serial PRIMARY KEY, sheet text)")
    run_as(cluster, APP, "INSERT INTO drawing (sheet) VALUES ('A-101')")
    run_as(cluster, APP, "UPDATE drawing SET sheet = 'A-102'")
    assert run_as(cluster, APP, "SELECT id, sheet FROM drawing") == [(1, "A-102")]
    for forbidden in ("TRUNCATE drawing", "DROP TABLE drawing", "CREATE TABLE mine ()", "CREATE ROLE other"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            run_as(cluster, APP, forbidden)
    run_as(cluster, OWNER, "REVOKE UPDATE ON drawing FROM app")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run_as(cluster, APP, "UPDATE drawing SET sheet = 'A-103'")


def test_a_database_made_later_has_the_same_rights(cluster: PostgreSQL, start: Start) -> None:
    start(cluster.program())
    cluster.prepare_roles()
    run_as(cluster, OWNER, "CREATE DATABASE test_later")
    for role, statement in ((OWNER, "CREATE TABLE drawing (sheet text)"), (APP, "DELETE FROM drawing")):
        with closing(cluster.connect(role, "test_later")) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            connection.commit()


def test_preparing_the_roles_again_changes_nothing(cluster: PostgreSQL, start: Start) -> None:
    start(cluster.program())
    cluster.prepare_roles()
    run_as(cluster, OWNER, "CREATE TABLE kept (id int)")
    cluster.prepare_roles()
    assert run_as(cluster, APP, "SELECT count(*) FROM kept") == [(0,)]


def test_text_sorts_and_folds_the_same_on_every_machine(cluster: PostgreSQL, start: Start) -> None:
    start(cluster.program())
    cluster.prepare_roles()
    ((encoding, folded, before, zone),) = run_as(
        cluster,
        APP,
        "SELECT current_setting('server_encoding'), lower('ÄRGER'), 'B' < 'a', current_setting('TimeZone')",
    )
    assert (encoding, folded, before, zone) == ("UTF8", "ärger", True, "UTC")


def test_data_is_kept_from_one_start_to_the_next(cluster: PostgreSQL, var: Path, start: Start) -> None:
    program = cluster.program()
    process = start(program)
    cluster.prepare_roles()
    run_as(cluster, OWNER, "CREATE TABLE kept (id int)")
    assert end(program, process)
    assert process.returncode == 0
    cluster.initialise(var / "initdb.log")
    start(cluster.program())
    assert run_as(cluster, APP, "SELECT count(*) FROM kept") == [(0,)]


def test_an_interrupted_first_start_is_forgotten(var: Path, workplace: Workplace, start: Start) -> None:
    (var / "postgres.unfinished").mkdir()
    (var / "postgres.unfinished" / "PG_VERSION").write_text("18\n")
    postgres = PostgreSQL(var / "postgres", workplace, keep=False)
    postgres.initialise(var / "initdb.log")
    start(postgres.program())
    assert not (var / "postgres.unfinished").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_a_server_that_outlived_its_supervisor_is_ended_before_the_next(
    cluster: PostgreSQL, start: Start
) -> None:
    left = start(cluster.program())
    start(cluster.program())
    assert left.wait(timeout=10) == 0


def test_the_lock_of_a_dead_server_stops_nobody(cluster: PostgreSQL, start: Start) -> None:
    process = start(cluster.program())
    lock = cluster.data / "postmaster.pid"
    left = lock.read_text()
    process.kill()
    process.wait()
    # By now the number belongs to another living process.
    lock.write_text(left.replace(str(process.pid), str(os.getpid()), 1))
    start(cluster.program())


def test_data_of_another_version_is_refused_in_one_sentence(cluster: PostgreSQL, var: Path) -> None:
    (cluster.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(CannotStart, match=r"is PostgreSQL 9's, and .* is \d+"):
        cluster.initialise(var / "initdb.log")


@as_root
def test_data_of_another_user_is_refused_in_one_sentence(cluster: PostgreSQL, var: Path) -> None:
    os.chown(cluster.data, 12345, 12345)
    with pytest.raises(CannotStart, match="was made by another user"):
        cluster.initialise(var / "initdb.log")


def test_only_its_own_user_reaches_the_sockets(cluster: PostgreSQL, start: Start) -> None:
    start(cluster.program())
    folder = cluster.workplace.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    account = cluster.workplace.account
    assert folder.stat().st_uid == (account.uid if account else os.geteuid())


def test_no_server_opens_a_port(cluster: PostgreSQL, var: Path, workplace: Workplace, start: Start) -> None:
    valkey = Valkey(var / "valkey", workplace, keep=False)
    valkey.initialise()
    processes = [start(cluster.program()), start(valkey.program())]
    for process in processes:
        links = [os.readlink(link) for link in Path(f"/proc/{process.pid}/fd").iterdir()]
        sockets = {link[8:-1] for link in links if link.startswith("socket:[")}
        for table in ("tcp", "tcp6"):
            rows = [line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
            assert not [row for row in rows if row[3] == "0A" and row[9] in sockets]


def test_the_broker_keeps_its_messages_from_one_start_to_the_next(
    var: Path, workplace: Workplace, start: Start
) -> None:
    valkey = Valkey(var / "valkey", workplace, keep=True)
    valkey.initialise()
    program = valkey.program()
    process = start(program)
    with closing(redis.Redis(unix_socket_path=str(valkey.socket))) as client:
        client.lpush("celery", "wake up")
    assert end(program, process)
    valkey.initialise()
    start(valkey.program())
    with closing(redis.Redis(unix_socket_path=str(valkey.socket))) as client:
        assert client.lrange("celery", 0, -1) == [b"wake up"]


@as_root
def test_programs_that_the_servers_user_cannot_reach_are_copied(
    workplace: Workplace, var: Path, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    monkeypatch.delenv("LEDGERGATE_POSTGRES_BIN", raising=False)
    monkeypatch.delenv("LEDGERGATE_REDIS_SERVER", raising=False)
    monkeypatch.setattr(Workplace, "can", lambda self, right, path: workplace.folder in path.parents)
    postgres = PostgreSQL(var / "postgres", workplace, keep=False)
    valkey = Valkey(var / "valkey", workplace, keep=False)
    assert workplace.folder in postgres.binaries.parents
    assert workplace.folder in valkey.executable.parents
    postgres.initialise(var / "initdb.log")
    valkey.initialise()
    start(postgres.program())
    start(valkey.program())


def test_without_its_parent_a_server_ends(var: Path) -> None:
    """Also when the parent was killed and could not clean up."""
    script = f"""
import os, sys, time
from pathlib import Path
from local.binaries import Workplace
from local.embedded import PostgreSQL
from local.processes import account_for_servers, spawn, wait_until_ready
var = Path({str(var)!r})
workplace = Workplace(account_for_servers())
postgres = PostgreSQL(var / "postgres", workplace, keep=False)
postgres.initialise(var / "log")
program = postgres.program()
process = spawn(program, var / "log")
wait_until_ready(program, process, log=var / "log", seconds=30)
print(process.pid, workplace.folder, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    server, folder = parent.stdout.readline().split()
    assert works_in(int(server), var / "postgres")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while works_in(int(server), var / "postgres") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not works_in(int(server), var / "postgres")
    for left in Path(folder).iterdir():
        left.unlink()
    Path(folder).rmdir()


def test_forced_programs_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("postgres", "initdb", "redis"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("LEDGERGATE_POSTGRES_BIN", str(tmp_path))
    monkeypatch.setenv("LEDGERGATE_REDIS_SERVER", str(tmp_path / "redis"))
    assert postgres_binaries() == tmp_path
    assert redis_server() == tmp_path / "redis"


def test_forced_programs_that_are_missing_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LEDGERGATE_POSTGRES_BIN", str(tmp_path))
    monkeypatch.setenv("LEDGERGATE_REDIS_SERVER", str(tmp_path / "none"))
    with pytest.raises(CannotStart, match="holds no postgres and initdb"):
        postgres_binaries()
    with pytest.raises(CannotStart, match="is not an executable file"):
        redis_server()


def test_a_workplace_with_too_long_a_path_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("local.binaries.temporary_folder", lambda: long)
    with pytest.raises(CannotStart, match="too long a path for a socket"):
        Workplace(None)
    assert list(long.iterdir()) == []


def test_an_ordinary_user_runs_the_servers_as_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert account_for_servers() is None


def test_root_runs_the_servers_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    account = account_for_servers()
    assert isinstance(account, Account)
    assert account.uid != 0


def test_the_urls_are_spelled_as_the_settings_read_them(cluster: PostgreSQL, workplace: Workplace) -> None:
    from environ import Env

    settings = Env.db_url_config(cluster.url(APP))
    assert settings["USER"] == APP
    assert settings["NAME"] == DATABASE
    assert settings["OPTIONS"] == {"host": str(workplace.folder), "port": 5432}
