"""The four processes that make the product visible on one machine, and the environment they share."""

import base64
import http.client
import os
import secrets
import signal
import smtplib
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import environ
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from local.ports import HOST, Ports
from local.processes import Program

ROOT = Path(__file__).resolve().parent.parent
MASTERS = ROOT / "local" / "demo" / "data" / "spectrum_masters.json"
FAULTS = MASTERS.with_name("spectrum_faults.json")
"""Events in Spectrum itself that befall the demo's exports (local/demo/README.md)."""
SECRETS = "secrets.env"
SPECTRUM_DATABASE = "spectrum.sqlite3"
INFO_LINK = "info_link.sqlite3"
READY_FILE = "LEDGERGATE_READY_FILE"
"""The variable that tells local.background where to write its process id."""
LEFT = (
    "ENVIRONMENT",
    "SECRET_KEY",
    "FIELD_ENCRYPTION_KEYS",
    "DECISION_SIGNING_KEY",
    "DECISION_PUBLIC_KEYS",
    "DATABASE_URL",
    "REDIS_URL",
    "PUBLIC_URL",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "EMAIL_URL",
    "SPECTRUM_SERVERS",
    "INFO_LINKS",
    "READ_BACK_LAG_SECONDS",
    "WIRE_READ_TIMEOUT",
    "QUIET_PERIOD_SECONDS",
    "UNDO_SECONDS",
    "HISTORY_CHECKPOINTS_DIR",
    "WIRE_WATERMARK_DIR",
    "ATTACHMENTS_DIR",
)
"""`manage.py` needs these to work beside the running servers."""
SIGNING_KEY = "DECISION_SIGNING_KEY"
"""The variable that web alone has, and what is started in its place by hand; workers verify."""
WEB_URL, WORKER_URL = "WEB_DATABASE_URL", "WORKER_DATABASE_URL"
"""Where web and workers have database roles of their own; left out, DATABASE_URL is for all."""
SUCCESS = "SIMULATOR_SUCCESS"
"""The variable that says what the simulator answers to a write; the demo's connections say the same."""
PATIENCE = 2.0  # seconds that one question for readiness may take


def environment_of(
    var: Path, ports: Ports, *, database_url: str, broker_url: str, info_link: bool = False
) -> dict[str, str]:
    """The environment of every process: the person's own, with what this machine decides on top.

    Mail goes to the catcher and exports to the simulator even when the environment says otherwise:
    trying the product must not reach the real world. `info_link`: read back from the copy.
    """
    read_back = quote(str(var / (INFO_LINK if info_link else SPECTRUM_DATABASE)))
    address = f"http://{HOST}:{ports['product']}"
    return {
        **kept_secrets(var / SECRETS),
        **os.environ,
        "ENVIRONMENT": "development",
        "DATABASE_URL": database_url,
        "REDIS_URL": broker_url,
        "PUBLIC_URL": address,
        "ALLOWED_HOSTS": f"{HOST},localhost",
        "CSRF_TRUSTED_ORIGINS": address,
        "EMAIL_URL": f"smtp://{HOST}:{ports['smtp']}",
        "SPECTRUM_SERVERS": f"simulator=http://{HOST}:{ports['simulator']}",
        # Its own database has the tables of Info-Link, and they are never late.
        "INFO_LINKS": f"simulator=sqlite:///file:{read_back}?mode=ro&uri=true",
        "READ_BACK_LAG_SECONDS": "1",
        # Short, so that what a person tries is seen to its end: a call that is not answered, and an undo.
        "WIRE_READ_TIMEOUT": "10",
        "QUIET_PERIOD_SECONDS": "20",
        "UNDO_SECONDS": "5",
        "HISTORY_CHECKPOINTS_DIR": str(var / "checkpoints"),
        "WIRE_WATERMARK_DIR": str(var / "wire"),
        "ATTACHMENTS_DIR": str(var / "attachments"),
        "PYTHONUNBUFFERED": "1",
    }


def leave_environment(var: Path, environment: Mapping[str, str]) -> Path:
    """A file that lets `manage.py` work beside the running servers; the settings read it.

    For this user's eyes only: it holds the keys.
    """
    file = var / "environment"
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        output.writelines(f"{name}={environment[name]}\n" for name in LEFT)
    return file


def kept_secrets(file: Path) -> dict[str, str]:
    """This checkout's own keys, made once and readable by their owner only."""
    kept = dict(line.split("=", 1) for line in file.read_text().splitlines()) if file.exists() else {}
    signer = Ed25519PrivateKey.generate()
    made = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        SIGNING_KEY: base64.b64encode(signer.private_bytes_raw()).decode(),
        "DECISION_PUBLIC_KEYS": base64.b64encode(signer.public_key().public_bytes_raw()).decode(),
    }
    if made.keys() - kept.keys():  # none yet, or those of an older version
        kept = made | kept
        unfinished = file.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
            output.writelines(f"{name}={value}\n" for name, value in kept.items())
        unfinished.rename(file)
    return kept


def read_dotenv() -> None:
    """As the settings do: what the environment says wins over the file."""
    if (ROOT / ".env").is_file():
        environ.Env.read_env(ROOT / ".env")


def web(
    ports: Ports, environment: Mapping[str, str], number: int = 1, *, shares_port: bool = False
) -> Program:
    # Threads: a browser opens connections ahead of need, and each would hold a whole process.
    options = "-c python:config.gunicorn --workers 2 --threads 4 --preload --graceful-timeout 5"
    arguments = ["gunicorn", "config.wsgi", "--bind", f"{HOST}:{ports['product']}", *options.split()]
    arguments += ["--reuse-port"] if shares_port else []
    return Program(
        _numbered("web", number),
        python(*arguments),
        ROOT,
        {**environment, "DATABASE_URL": environment.get(WEB_URL, environment["DATABASE_URL"])},
        ready=lambda _: answers(ports["product"]),
        grace=8,
    )


def worker(var: Path, environment: Mapping[str, str], number: int = 1, *, celery: str = "celery") -> Program:
    name = _numbered("worker", number)
    ready_file = var / "ready" / name
    options = "worker --pool threads --concurrency 4 --loglevel INFO --without-gossip --without-mingle"
    return Program(
        name,
        python(celery, "-A", "local.background", *options.split(), "--hostname", f"{name}@%h"),
        ROOT,
        {
            **environment,
            SIGNING_KEY: "",
            "DATABASE_URL": environment.get(WORKER_URL, environment["DATABASE_URL"]),
            READY_FILE: str(ready_file),
            "PGAPPNAME": name,  # PostgreSQL shows under it whose a session is
        },
        ready=lambda process: written(ready_file) == process,
        orphan_signal=signal.SIGKILL,  # it would finish its task first, against servers that are gone
        grace=20,
    )


def simulator(
    var: Path,
    ports: Ports,
    environment: Mapping[str, str],
    *,
    info_link: bool = False,
    faults: Path | None = None,
) -> Program:
    arguments = ["local.spectrum", "--host", HOST, "--port", str(ports["simulator"])]
    arguments += ["--database", str(var / SPECTRUM_DATABASE), "--masters", str(MASTERS)]
    # Who accepts before the lists are read sends no flag; else the demo names every reading itself.
    arguments += ["--blank-unit-price-flag", "job"]
    arguments += ["--info-link", str(var / INFO_LINK)] if info_link else []
    arguments += ["--success", environment.get(SUCCESS, "none")]
    arguments += ["--faults", str(faults)] if faults else []
    return Program(
        "simulator", python(*arguments), ROOT, environment, ready=lambda _: answers(ports["simulator"])
    )


def mail(var: Path, ports: Ports, environment: Mapping[str, str]) -> Program:
    arguments = ["local.mail", "--host", HOST, "--http-port", str(ports["mail"])]
    arguments += ["--smtp-port", str(ports["smtp"]), "--directory", str(var / "mail")]
    return Program(
        "mail",
        python(*arguments),
        ROOT,
        environment,
        ready=lambda _: answers(ports["mail"]) and greets(ports["smtp"]),
    )


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


def python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


def answers(port: int, host: str = HOST) -> bool:
    """True if /healthz says 200."""
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    try:
        connection.request("GET", "/healthz", headers={"Connection": "close"})
        response = connection.getresponse()
        response.read()  # closing before the end would look like a broken connection over there
        return response.status == 200
    except http.client.HTTPException:
        return False
    finally:
        connection.close()


def greets(port: int) -> bool:
    """True if an SMTP server says its first line and answers a NOOP."""
    try:
        with smtplib.SMTP(HOST, port, timeout=PATIENCE) as server:
            return server.noop()[0] == 250
    except smtplib.SMTPException:
        return False


def written(ready_file: Path) -> int:
    """The process id that the file holds; 0 for none, or for a file of which only half is written."""
    text = ready_file.read_text()
    return int(text) if text.endswith("\n") else 0
