"""Deliveries with every logger at its loudest: no line of any library holds a secret of the connection."""

import logging
from collections.abc import Iterator
from io import StringIO

import pytest
from pytest_django import Settings

from config.celery import app
from config.logs import SafeFormatter
from directory.models import User
from erp_integrations import tasks
from erp_integrations.connections import probing
from erp_integrations.models import Connection, ConnectionCredentials, ExportJob, JobStatus, Submission
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import of
from tests.factories import ConnectionFactory, ErpAdminFactory
from tests.simulator import AUTHORIZATION_ID, Simulator

pytestmark = pytest.mark.django_db(transaction=True)

GUID = "5f0e8a52-guid-of-this-company"
LOUD = ("", "zeep", "zeep.transports", "urllib3", "requests", "celery", "kombu", "django", "sqlalchemy")


@pytest.fixture
def written() -> Iterator[StringIO]:
    """The lines of all loggers at debug level, tracebacks included, before anything is taken out."""
    output = StringIO()
    handler = logging.StreamHandler(output)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    levels = {name: logging.getLogger(name).level for name in LOUD}
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield output
    logging.getLogger().removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def secretive(awaiting: Submission, approver: User) -> ExportJob:
    """A job of a connection whose every call carries two secrets."""
    ConnectionCredentials.objects.filter(pk=awaiting.connection_id).update(guid=GUID)
    return accept(Submission.objects.get(pk=awaiting.pk), approver)


@pytest.mark.parametrize(
    "fault",
    [
        None,
        {"kind": "refuse"},
        {"kind": "unauthorised"},
        {"kind": "html_maintenance"},
        {"kind": "commit_then_reset"},
        {"kind": "commit_then_fault"},
        {"kind": "cut_off_xml"},
    ],
    ids=lambda fault: fault["kind"] if fault else "none",
)
def test_a_delivery_logs_no_secret_however_it_ends(
    simulator: Simulator, secretive: ExportJob, written: StringIO, fault: dict[str, str] | None
) -> None:
    if fault:
        simulator.set_faults({"times": 1, **fault})
    tasks.drain_connection.apply((secretive.connection_id,))
    assert of(secretive).attempt > 0
    assert "drain_connection" in written.getvalue()
    assert_clean(written.getvalue())


def test_a_task_that_breaks_logs_no_secret(
    simulator: Simulator, secretive: ExportJob, written: StringIO, settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["bm9uZS1vZi10aGUta2V5cy10aGF0LXdlcmUtdXNlZCE="]
    result = tasks.drain_connection.apply((secretive.connection_id,))
    assert result.failed()
    assert "Traceback" in written.getvalue()
    assert_clean(written.getvalue())


def test_a_probe_and_a_token_log_no_secret(written: StringIO, settings: Settings) -> None:
    secret = "client-secret-of-this-site"
    with Simulator.start(options=["--client", f"ledgergate:{secret}"]) as hosted:
        settings.SPECTRUM_SERVERS = {"simulator": hosted.url}
        connection: Connection = ConnectionFactory(company_code="PHL", client_id="ledgergate")
        held = ConnectionCredentials.objects.filter(pk=connection.pk)
        held.update(client_secret=secret, authorization_id=AUTHORIZATION_ID)
        admin: User = ErpAdminFactory(company=connection.company)
        assert probing.probe(connection=connection, by=admin).is_usable
        held.update(client_secret=f"wrong-{secret}")
        connection.refresh_from_db()
        assert not probing.probe(connection=connection, by=admin).is_usable
    assert secret not in written.getvalue()
    assert_clean(written.getvalue())


def test_messages_to_workers_carry_ids_and_nothing_else() -> None:
    """So that neither the broker nor a log of task arguments can hold a secret."""
    for name, task in app.tasks.items():
        if name.startswith(("erp_integrations.", "notifications.", "directory.")):
            hints = {key: kind for key, kind in task.run.__annotations__.items() if key != "return"}
            assert set(hints.values()) <= {int, "int"}, name


def test_the_last_place_takes_out_what_a_library_would_write(secretive: ExportJob) -> None:
    """zeep's own transport logs whole envelopes at debug level; this product's does not use it."""
    envelope = f"<Authorization_ID>{AUTHORIZATION_ID}</Authorization_ID><GUID>{GUID}</GUID>"
    record = logging.LogRecord("zeep.transports", logging.DEBUG, "", 1, "HTTP Post:\n%s", (envelope,), None)
    assert_clean(SafeFormatter().format(record))


def test_a_delivery_still_succeeds_with_a_guid(simulator: Simulator, secretive: ExportJob) -> None:
    tasks.drain_connection.apply((secretive.connection_id,))
    assert of(secretive).status == JobStatus.SYNCED


def assert_clean(text: str) -> None:
    for secret in (AUTHORIZATION_ID, GUID):
        assert secret.lower() not in text.lower()
