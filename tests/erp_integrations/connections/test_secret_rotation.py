"""The client secret of a hosted site: used, rotated, lost on the way, and never shown."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.utils import timezone
from pytest_django import Settings

from directory.models import HistoryEntry
from directory.rights.permissions import RightMissing
from erp_integrations.connections import health, probing, secret_rotation
from erp_integrations.exports import worker
from erp_integrations.models import Connection, ConnectionCredentials, ConnectionState, ExportJob, JobStatus
from tests.erp_integrations.deliveries import accepted_as_it_is
from tests.factories import ApproverFactory, ConnectionFactory, ErpAdminFactory
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "first-client-secret"


@pytest.fixture
def hosted(settings: Settings) -> Iterator[Simulator]:
    with Simulator.start(options=["--client", f"ledgergate:{SECRET}"]) as simulator:
        settings.SPECTRUM_SERVERS = {"simulator": simulator.url}
        yield simulator


@pytest.fixture
def connection() -> Connection:
    made: Connection = ConnectionFactory(
        company_code="PHL", client_id="ledgergate", credentials__client_secret=SECRET
    )
    return made


def again(connection: Connection) -> Connection:
    return Connection.objects.get(pk=connection.pk)


def events() -> list[str]:
    return list(
        HistoryEntry.objects.filter(event__startswith="connection.")
        .order_by("pk")
        .values_list("event", flat=True)
    )


def test_an_export_to_a_hosted_site_carries_a_token(hosted: Simulator, queued: ExportJob) -> None:
    Connection.objects.filter(pk=queued.connection_id).update(client_id="ledgergate")
    ConnectionCredentials.objects.filter(pk=queued.connection_id).update(client_secret=SECRET)
    worker.export_due_jobs(accepted_as_it_is(queued).connection_id)
    assert ExportJob.objects.get(pk=queued.pk).status == JobStatus.SYNCED


def test_an_expired_secret_stops_the_connection_before_anything_is_sent(
    hosted: Simulator, queued: ExportJob
) -> None:
    Connection.objects.filter(pk=queued.connection_id).update(client_id="ledgergate")
    ConnectionCredentials.objects.filter(pk=queued.connection_id).update(client_secret=SECRET)
    hosted.set_client(expired=True)
    worker.export_due_jobs(accepted_as_it_is(queued).connection_id)
    job = ExportJob.objects.get(pk=queued.pk)
    assert (job.status, job.tries) == (JobStatus.QUEUED, 0)
    stopped = again(queued.connection)
    assert stopped.state.awaits_probe
    assert "may have expired" in stopped.state.fault
    hosted.set_client(expired=False)
    ConnectionState.objects.update(not_before=timezone.now())
    assert probing.probe_due() == 1
    worker.export_due_jobs(queued.connection_id)
    assert ExportJob.objects.get(pk=queued.pk).status == JobStatus.SYNCED


def test_a_rotation_keeps_the_new_secret_encrypted_and_forgets_the_old_one_once_it_works(
    hosted: Simulator, connection: Connection
) -> None:
    admin = ErpAdminFactory(company=connection.company)
    result = secret_rotation.rotate(connection=connection, by=admin)
    assert result.done
    assert "the new one works" in result.sentence
    held = again(connection)
    assert held.credentials.client_secret not in ("", SECRET)
    assert held.credentials.previous_client_secret == ""
    assert held.secret_days_left == 90
    with database.cursor() as cursor:
        cursor.execute("SELECT client_secret FROM erp_integrations_connectioncredentials")
        assert held.credentials.client_secret not in cursor.fetchone()[0]
    assert events() == [
        "connection.secret_rotation_begun",
        "connection.secret_rotated",
        "connection.old_secret_forgotten",
    ]
    written = str([entry.detail for entry in HistoryEntry.objects.all()])
    assert held.credentials.client_secret not in written + result.sentence
    assert SECRET not in written + result.sentence


def test_a_new_secret_that_does_not_work_yet_leaves_the_old_one_in_place(
    hosted: Simulator, connection: Connection
) -> None:
    hosted.set_faults({"kind": "html_maintenance", "method": "connect/token", "times": 1})
    result = secret_rotation.rotate(connection=connection, by=None)
    assert (result.done, "The old one is kept" in result.sentence) == (True, True)
    assert again(connection).credentials.previous_client_secret == SECRET
    refused = secret_rotation.rotate(connection=connection, by=None)
    assert (refused.done, "has not worked yet" in refused.sentence) == (False, True)
    secret_rotation.verify_due_secrets()
    assert again(connection).credentials.previous_client_secret == SECRET, "not at once"
    ConnectionCredentials.objects.update(rotation_began_at=timezone.now() - timedelta(hours=1))
    secret_rotation.verify_due_secrets()
    assert again(connection).credentials.previous_client_secret == ""


@pytest.mark.parametrize("fault", ["commit_then_reset", "commit_then_500", "cut_off_xml"])
def test_a_lost_answer_says_that_the_secret_may_have_changed_and_what_to_do(
    hosted: Simulator, connection: Connection, fault: str
) -> None:
    hosted.set_faults({"kind": fault, "method": "secretRotation"})
    result = secret_rotation.rotate(connection=connection, by=None)
    assert not result.done
    assert result.sentence.startswith("The secret may have changed: ")
    assert "The stored secret is refused now, so a new one was created and lost." in result.sentence
    assert "Data Exchange Installation" in result.sentence
    assert again(connection).credentials.client_secret == SECRET
    assert events() == ["connection.secret_rotation_begun", "connection.secret_rotation_unknown"]


def test_a_lost_question_says_that_the_stored_secret_still_works(
    hosted: Simulator, connection: Connection, settings: Settings
) -> None:
    settings.WIRE_READ_TIMEOUT = 0.5
    hosted.set_faults({"kind": "hang_before_commit", "method": "secretRotation", "seconds": 2})
    result = secret_rotation.rotate(connection=connection, by=None)
    assert not result.done
    assert "The stored secret still works." in result.sentence


def test_a_rotation_that_reaches_nobody_changes_nothing(connection: Connection, settings: Settings) -> None:
    settings.SPECTRUM_SERVERS = {"simulator": "http://127.0.0.1:1"}
    result = secret_rotation.rotate(connection=connection, by=None)
    assert result.sentence == "The secret was not changed. Spectrum's server refused the connection."
    held = again(connection).credentials
    assert (held.client_secret, held.rotation_began_at) == (SECRET, None)


def test_one_rotation_at_a_time(hosted: Simulator, connection: Connection) -> None:
    ConnectionCredentials.objects.update(rotation_began_at=timezone.now())
    result = secret_rotation.rotate(connection=connection, by=None)
    assert (result.done, "already being rotated" in result.sentence) == (False, True)
    assert again(connection).credentials.client_secret == SECRET


def test_a_connection_without_a_client_has_nothing_to_rotate() -> None:
    result = secret_rotation.rotate(connection=ConnectionFactory(), by=None)
    assert not result.done


def test_rotating_needs_admin_on_the_tool(connection: Connection) -> None:
    with pytest.raises(RightMissing):
        secret_rotation.rotate(connection=connection, by=ApproverFactory(company=connection.company))


def test_the_operator_rotates_by_a_command(hosted: Simulator, connection: Connection) -> None:
    said = StringIO()
    call_command("rotate_spectrum_secret", str(connection.pk), stdout=said)
    assert "The secret was rotated" in said.getvalue()
    assert again(connection).credentials.client_secret not in said.getvalue()
    hosted.set_client(expired=True)
    with pytest.raises(CommandError, match="The secret was not changed"):
        call_command("rotate_spectrum_secret", str(connection.pk))
    with pytest.raises(CommandError, match="There is no such connection"):
        call_command("rotate_spectrum_secret", "0")


def test_every_secret_is_written_again_with_a_new_key(connection: Connection, settings: Settings) -> None:
    old = settings.FIELD_ENCRYPTION_KEYS[0]
    new = "c2Vjb25kLWtleS1vbmx5LWZvci10ZXN0cy0wMTIzNDU="
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    call_command("reencrypt_secrets", stdout=StringIO())
    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert again(connection).credentials.client_secret == SECRET
    assert HistoryEntry.objects.filter(event="connection.secrets_reencrypted").count() == 1


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (15, ""),
        (14, "expires in 14 days"),
        (1, "expires in 1 day."),
        (0, "expires today"),
        (-1, "expired 1 day ago"),
    ],
)
def test_an_expiry_is_warned_of(connection: Connection, days: int, told: str) -> None:
    ConnectionCredentials.objects.update(
        client_secret_expires_on=timezone.now().date() + timedelta(days=days)
    )
    state = health.list_health(connection.company)[0]
    assert state.is_troubled == bool(told)
    assert told in state.sentence
