"""A PgBouncer as docs/scale.md writes it, before the tests' database, and web on several addresses."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from configparser import RawConfigParser
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.db import connection
from environ import Env

from local.binaries import Workplace
from local.embedded import ANYWHERE, APP, DATABASE, OWNER, SERVER_ENVIRONMENT, WEB, WORKER
from local.processes import Program, account_for_servers
from local.programs import ROOT
from tests.processes.running import Running, free_port, web

HOST = "127.0.0.4"
WEB_HOSTS = ("127.0.0.2", "127.0.0.3")
EXECUTABLE = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
PASSWORD = "behind-the-pooler"
"""Of roles that the database itself asks for none."""

needs_pgbouncer = pytest.mark.skipif(
    EXECUTABLE is None, reason="PgBouncer is not installed: apt-get install pgbouncer"
)


@contextmanager
def running_pooler() -> Iterator[str]:
    """Its host and port. Only addresses and the file of passwords are not those of the document."""
    server, user = connection.get_connection_params(), Env.db_url_config(os.environ["DATABASE_URL"])
    address, workplace = f"{HOST}:{free_port()}", Workplace(account_for_servers())
    passwords, file = workplace.folder / "userlist.txt", workplace.folder / "pgbouncer.ini"
    roles = {user["USER"], OWNER, APP, WEB, WORKER}
    passwords.write_text("".join(f'"{role}" "{user["PASSWORD"] or PASSWORD}"\n' for role in roles))
    documented = re.findall(r"```ini\n(.*?)```", (ROOT / "docs" / "scale.md").read_text(), re.DOTALL)
    settings = RawConfigParser()
    settings.read_string(documented[0])
    database, pgbouncer = settings["databases"], settings["pgbouncer"]
    place = f"host={server['host']} port={server.get('port', 5432)} dbname={server['dbname']}"
    database[DATABASE] = re.sub(r"host=\S+ port=\S+", place, database[DATABASE])
    pgbouncer["listen_addr"], _, pgbouncer["listen_port"] = address.partition(":")
    pgbouncer["auth_file"], pgbouncer["unix_socket_dir"] = str(passwords), ""
    with file.open("w") as written:
        settings.write(written)
    workplace.give(workplace.folder)

    def answers(_: int) -> bool:
        try:
            psycopg2.connect(put_behind(address, os.environ["DATABASE_URL"]), connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True

    program = Program(
        "pgbouncer",
        [str(EXECUTABLE), str(file)],
        ANYWHERE,
        SERVER_ENVIRONMENT,
        ready=answers,
        account=workplace.account,
    )
    process = Running(program, workplace.folder / "pgbouncer.log")
    try:
        process.wait_until_ready()
        yield address
    finally:
        process.end()
        workplace.remove()


def put_behind(pooler: str, url: str) -> str:
    """The DATABASE_URL by which the same role comes through the pooler."""
    direct = urlsplit(url)
    query = "&".join(part for part in direct.query.split("&") if part.startswith("application_name="))
    return f"postgres://{direct.username}:{direct.password or PASSWORD}@{pooler}/{DATABASE}?{query}"


@contextmanager
def running_webs(environment: Mapping[str, str], folder: Path) -> Iterator[list[tuple[Running, str]]]:
    """Web on each address of its own, and its URL."""
    port = free_port()
    with ExitStack() as ending:
        started = []
        for host in WEB_HOSTS:
            program = web(port, {**environment, "ALLOWED_HOSTS": "*"}, host)
            started.append((Running(program, folder / f"web-{host}.log"), f"http://{host}:{port}"))
            ending.callback(started[-1][0].end)
        for process, _ in started:
            process.wait_until_ready()
        yield started
