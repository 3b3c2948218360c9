"""An operator's acts on accounts at the command line are seen afterwards."""

import getpass
import socket

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

import manage
from directory.history import descriptions
from directory.models import HistoryEntry, User
from notifications.models import OutgoingEmail
from tests.directory.signing_in import PASSWORD, sign_in
from tests.factories import PersonFactory

pytestmark = pytest.mark.django_db

NEW = "another correct horse"


def typed(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt="": password)


def test_who_makes_a_superuser_leaves_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.create_superuser("old@example.test")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", NEW)
    call_command("createsuperuser", email="root@example.test", interactive=False, verbosity=0)
    person = User.objects.get(email="root@example.test")
    entry = HistoryEntry.objects.get()
    assert (entry.event, entry.subject_id, entry.by_id) == ("account.created", person.pk, None)
    assert "is_superuser" in entry.detail["fields"]


def test_who_sets_a_password_leaves_a_row_and_a_mail_and_ends_sessions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = PersonFactory(email="dana@example.test")
    person.set_password(PASSWORD)
    person.save()
    client = Client()
    sign_in(client, person.email)
    typed(monkeypatch, NEW)
    call_command("changepassword", person.email, verbosity=0)
    entry = HistoryEntry.objects.about(person).get(event="account.password_set")
    assert entry.by_id is None
    assert HistoryEntry.objects.about(person).filter(event="session.ended", by_id=None).exists()
    email = OutgoingEmail.objects.get()
    assert "By: an operator of the server" in email.text_body
    assert client.get("/accounts/profile/").status_code == 302
    assert sign_in(Client(), person.email, NEW) == 302


def test_a_password_that_was_not_set_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    person = PersonFactory(email="dana@example.test")
    typed(monkeypatch, "short")
    with pytest.raises(CommandError):
        call_command("changepassword", person.email, verbosity=0)
    assert not HistoryEntry.objects.about(person).exists()


@pytest.mark.django_db(transaction=True)  # Django closes the connection at the end of a command
@pytest.mark.parametrize(
    ("command", "event"),
    [
        (["createsuperuser", "--noinput", "--email", "root@example.test"], "account.created"),
        (["export_person", "dana@example.test"], "person.exported"),
    ],
)
def test_whatever_is_done_there_names_the_system_user_and_the_host(
    monkeypatch: pytest.MonkeyPatch, command: list[str], event: str
) -> None:
    PersonFactory(email="dana@example.test")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", NEW)
    monkeypatch.setattr("sys.argv", ["manage.py", *command, "--verbosity", "0"])
    manage.main()
    entry = HistoryEntry.objects.get(event=event)
    operator = f"{getpass.getuser()} on {socket.gethostname()}"
    assert entry.detail["operator"] == operator
    assert descriptions.describe_entry(entry, {}).description.endswith(f"at the command line by {operator}")


def test_a_page_names_no_operator(client: Client) -> None:
    person = PersonFactory(email="dana@example.test")
    person.set_password(PASSWORD)
    person.save()
    sign_in(client, person.email)
    assert "operator" not in HistoryEntry.objects.get(event="session.started").detail
