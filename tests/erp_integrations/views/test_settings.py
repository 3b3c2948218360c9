"""The settings of a company's connections: who sees them, what is saved, and what the buttons do."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from directory.models import Company, HistoryEntry, Level, User
from erp_integrations.connections.settings_form import SETTINGS_FIELDS, SettingsForm
from erp_integrations.models import (
    Connection,
    ConnectionCredentials,
    ConnectionSettings,
    ConnectionState,
    ExportJob,
    Wsdl,
)
from tests.clients import signed_in
from tests.factories import ConnectionFactory, ErpAdminFactory, ExportJobFactory, MemberFactory, PersonFactory
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

SECRETS = {
    "authorization_id": "an-authorization-id",
    "guid": "11112222-3333-4444",
    "client_secret": "the-client-secret",
    "previous_client_secret": "the-old-client-secret",
}
ALL_SECRETS = {f"credentials__{name}": secret for name, secret in SECRETS.items()}


def url(connection: Connection, what: str = "connection") -> str:
    return reverse(f"erp_integrations:{what}", args=[connection.company.slug, connection.pk])


def list_url(company: Company) -> str:
    return f"/companies/{company.slug}/erp-integrations/settings/"


def admin_of(company: Company) -> tuple[User, Client]:
    person: User = ErpAdminFactory(company=company)
    return person, signed_in(person)


def filled_in(connection: Connection, **changes: Any) -> dict[str, Any]:
    """The form as a browser posts it: secrets blank."""
    names = [
        name for name in SettingsForm.Meta.fields if name not in SECRETS and not name.startswith("forget")
    ]
    rows = {name: connection if hasattr(connection, name) else connection.credentials for name in names}
    values = {name: getattr(row, name) or "" for name, row in rows.items()}
    values |= {name: getattr(connection.settings, name) for name in SETTINGS_FIELDS}
    return values | dict.fromkeys(["authorization_id", "guid", "client_secret"], "") | changes


def said(client: Client, response: Any) -> str:
    """The message on the page that follows."""
    html = client.get(response.url).content.decode()
    found = re.search(r'id="messages".*?<p>(.*?)</p>', html, re.S)
    assert found is not None
    return found[1].replace("&#x27;", "'")


class TestWhoMay:
    @pytest.mark.parametrize("level", [Level.READ_ONLY, Level.STANDARD, Level.NONE])
    def test_others_of_the_company_may_not(self, level: Level) -> None:
        connection = ConnectionFactory()
        person: User = MemberFactory(
            company=connection.company, erp_integrations_level=level, can_push_to_accounting=True
        )
        client = signed_in(person)
        assert client.get(list_url(connection.company)).status_code == 403
        assert client.get(url(connection)).status_code == 403
        assert client.post(url(connection), filled_in(connection, name="Mine")).status_code == 403
        for what in ("probe", "accept-wsdl", "accept-reply-rule", "rotate"):
            assert client.post(url(connection, what)).status_code == 403
        connection.refresh_from_db()
        assert connection.name != "Mine"
        assert HistoryEntry.objects.filter(event="right.refused").exists()
        if level != Level.NONE:
            overview = client.get(reverse("erp_integrations:overview", args=[connection.company.slug]))
            assert list_url(connection.company) not in overview.content.decode()

    def test_strangers_find_nothing(self) -> None:
        connection = ConnectionFactory()
        stranger = signed_in(PersonFactory())
        neighbour, own = admin_of(ConnectionFactory().company)
        for client, company in ((stranger, connection.company), (own, connection.company)):
            assert client.get(list_url(company)).status_code == 404
            for what in ("connection", "probe", "accept-wsdl", "accept-reply-rule", "rotate"):
                assert client.post(url(connection, what)).status_code == 404
        mixed = list_url(neighbour.company_memberships.get().company) + f"{connection.pk}/"
        assert own.get(mixed).status_code == 404

    def test_the_buttons_answer_to_post_alone(self) -> None:
        connection = ConnectionFactory()
        _, client = admin_of(connection.company)
        for what in ("probe", "accept-wsdl", "accept-reply-rule", "rotate"):
            assert client.get(url(connection, what)).status_code == 405

    def test_an_admin_finds_them_by_the_tab(self) -> None:
        connection = ConnectionFactory()
        _, client = admin_of(connection.company)
        overview = client.get(reverse("erp_integrations:overview", args=[connection.company.slug]))
        assert list_url(connection.company) in overview.content.decode()


class TestTheList:
    def test_it_says_how_each_connection_fares(self, settings: Settings) -> None:
        settings.INFO_LINKS = {"simulator": "sqlite://"}
        connection = ConnectionFactory(
            name="Philadelphia",
            company_code="PHL",
            client_id="ledgergate",
            credentials__client_secret_expires_on=timezone.now().date() + timedelta(days=40),
            state__fault="Not let in.",
            **ALL_SECRETS,
        )
        ConnectionFactory(company=connection.company, name="New York")
        ConnectionFactory(name="Somebody else's")
        Wsdl.objects.create(connection=connection, method="UpdateSubcontract", text="<definitions/>")
        _, client = admin_of(connection.company)
        html = client.get(list_url(connection.company)).content.decode()
        for words in (
            *("Philadelphia", "New York", "PHL on simulator", "Not let in.", "40 days left"),
            *("so the old one is kept", "Read on", "Configured: each export", "None linked"),
        ):
            assert words in html, words
        assert "Somebody else" not in html
        assert [secret for secret in SECRETS.values() if secret in html] == []

    def test_its_queries_do_not_grow_with_its_rows(self) -> None:
        company = ConnectionFactory().company
        _, client = admin_of(company)
        client.get(list_url(company))
        with CaptureQueriesContext(database) as one:
            client.get(list_url(company))
        ConnectionFactory.create_batch(4, company=company)
        with CaptureQueriesContext(database) as five:
            client.get(list_url(company))
        assert len(five) == len(one)

    def test_a_company_without_one_is_told_where_they_are_made(self) -> None:
        company = ConnectionFactory().company
        Connection.objects.all().delete()
        _, client = admin_of(company)
        assert (
            "An administrator creates one in Django admin" in client.get(list_url(company)).content.decode()
        )


class TestTheForm:
    def test_no_secret_reaches_the_browser_and_blank_keeps_it(self) -> None:
        connection = ConnectionFactory(client_id="ledgergate", guid_policy="sent", **ALL_SECRETS)
        _, client = admin_of(connection.company)
        html = client.get(url(connection)).content.decode()
        refused = client.post(url(connection), filled_in(connection, name="", guid="typed-just-now"))
        assert refused.status_code == 422
        for secret in (*SECRETS.values(), "typed-just-now"):
            assert secret not in html + refused.content.decode()
        assert refused.content.decode().count("GUID: Enter it again") == 1
        assert "Client secret: Enter it again" not in refused.content.decode()
        assert client.post(url(connection), filled_in(connection, name="Other")).status_code == 302
        connection.refresh_from_db()
        assert connection.name == "Other"
        assert {name: getattr(connection.credentials, name) for name in SECRETS} == SECRETS

    def test_a_secret_that_a_rotation_stores_meanwhile_is_not_written_over(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = ConnectionFactory(client_id="ledgergate", credentials__client_secret="the-old-one")
        held = ConnectionCredentials.objects.filter(pk=connection.pk)
        # The form has read the row, and not written it yet.
        monkeypatch.setattr(Connection, "clean", lambda self: held.update(client_secret="rotated"))
        _, client = admin_of(connection.company)
        assert client.post(url(connection), filled_in(connection, name="Other")).status_code == 302
        connection.refresh_from_db()
        assert (connection.name, connection.credentials.client_secret) == ("Other", "rotated")

    def test_a_change_is_in_the_history_without_values_of_secrets(self) -> None:
        connection = ConnectionFactory()
        person, client = admin_of(connection.company)
        client.post(url(connection), filled_in(connection, name="Other", authorization_id="a-new-one"))
        connection.refresh_from_db()
        assert connection.credentials.authorization_id == "a-new-one"
        entry = HistoryEntry.objects.get(event="connection.changed")
        assert (entry.by_id, entry.company_id) == (person.pk, connection.company_id)
        assert entry.detail["fields"] == ["authorization_id", "name"]
        assert "a-new-one" not in str(entry.detail)

    def test_a_tick_forgets_a_secret(self) -> None:
        connection = ConnectionFactory(client_id="ledgergate", guid_policy="sent", **ALL_SECRETS)
        _, client = admin_of(connection.company)
        forget = {"guid_policy": "blank", "forget_guid": "on", "client_id": "", "forget_client_secret": "on"}
        assert client.post(url(connection), filled_in(connection, **forget)).status_code == 302
        connection.refresh_from_db()
        assert (
            connection.credentials.guid,
            connection.credentials.client_secret,
            connection.credentials.previous_client_secret,
        ) == ("", "", "")

    def test_whose_spectrum_company_it_is_is_not_for_the_company_to_say(self) -> None:
        connection = ConnectionFactory(company_code="PHL")
        other = ConnectionFactory().company
        _, client = admin_of(connection.company)
        forged = filled_in(connection, server="other", company_code="NYC", company=other.pk, fault="none")
        assert client.post(url(connection), forged).status_code == 302
        connection.refresh_from_db()
        assert (connection.server, connection.company_code) == ("simulator", "PHL")
        assert connection.state.fault == ""
        assert connection.company != other

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("success_codes", "S,I"),
            ("wsdl_path", "/x"),
            ("guid_policy", "sent"),
            ("client_id", "no-secret"),
            ("element_names", "Comment = Remarks"),
            ("element_names", "UpdateSubcontract.Comment = Contract_Type"),
            ("element_names", "UpdateSubcontract.Comment = Authorization_ID"),
            ("soap_authentication", "bearer"),
            ("error_statuses", "200"),
            ("error_statuses", "401"),
            ("any_ending", "S"),
        ],
    )
    def test_what_would_break_an_export_is_refused_as_in_django_admin(self, field: str, value: str) -> None:
        connection = ConnectionFactory()
        _, client = admin_of(connection.company)
        response = client.post(url(connection), filled_in(connection, **{field: value}))
        assert response.status_code == 422
        assert "Settings not saved" in response.content.decode()

    def test_a_name_is_held_against_the_description_that_is_kept(self, simulator: Simulator) -> None:
        connection = ConnectionFactory(company_code="PHL")
        _, client = admin_of(connection.company)
        client.post(url(connection, "probe"))
        wrong = {"element_names": "UpdateSubcontract.Comment = Remarks"}
        refused = client.post(url(connection), filled_in(connection, **wrong))
        assert refused.status_code == 422
        assert "description of UpdateSubcontract has no Remarks. It has " in refused.content.decode()
        # While it is stopped, the site may have it by now; a probe compares.
        ConnectionState.objects.update(awaits_probe=True, not_before=timezone.now())
        assert client.post(url(connection), filled_in(connection, **wrong)).status_code == 302

    def test_statuses_and_names_are_kept_in_one_spelling(self) -> None:
        connection = ConnectionFactory()
        _, client = admin_of(connection.company)
        typed = {"error_statuses": " 500, 422,500 ", "element_names": "getjob.PSORT_BY=pOrder\n\n"}
        assert client.post(url(connection), filled_in(connection, **typed)).status_code == 302
        rules = ConnectionSettings.objects.get(connection=connection)
        assert (rules.error_statuses, rules.element_names) == ("422,500", "GetJob.pSort_By = pOrder")

    def test_what_waited_for_the_old_settings_goes_on(self) -> None:
        job: ExportJob = ExportJobFactory()
        later = timezone.now() + timedelta(minutes=10)
        ConnectionState.objects.filter(pk=job.connection_id).update(fault="Not let in.", not_before=later)
        ExportJob.objects.filter(pk=job.pk).update(not_before=later, attempt=1)
        connection = Connection.objects.get(pk=job.connection_id)
        _, client = admin_of(connection.company)
        client.post(url(connection), filled_in(connection, authorization_id="a-new-one"))
        assert ExportJob.objects.due().filter(pk=job.pk).exists()
        assert not Connection.objects.get(pk=connection.pk).state.fault


class TestTheButtons:
    def test_a_probe_says_what_it_found(self, simulator: Simulator) -> None:
        connection = ConnectionFactory(company_code="PHL", name="Main")
        person, client = admin_of(connection.company)
        told = said(client, client.post(url(connection, "probe")))
        assert told == "Main: Spectrum answers and can take everything that is exported."
        entry = HistoryEntry.objects.get(event="connection.probed")
        assert (entry.by_id, entry.detail["usable"]) == (person.pk, True)

    def test_a_site_that_changed_is_shown_and_can_be_adopted_as_it_was_shown(
        self, simulator: Simulator
    ) -> None:
        connection = ConnectionFactory(company_code="PHL", name="Main")
        _, client = admin_of(connection.company)
        assert "Spectrum answers" in said(client, client.post(url(connection, "probe")))
        simulator.set_drift("UpdateSubcontract", qualified=True)
        assert "order or namespace of its elements has changed" in said(
            client, client.post(url(connection, "probe"))
        )
        html = client.get(list_url(connection.company)).content.decode()
        assert ">Stopped<" in html
        seen = re.search(r'name="expected_sentence"\s+value="([^"]+)"', html)
        assert seen is not None
        stale = client.post(url(connection, "accept-wsdl"), {"expected_sentence": "something else"})
        assert "order or namespace of its elements has changed" in said(client, stale)
        sentence = seen[1].replace("&#x27;", "'")
        adopted = client.post(url(connection, "accept-wsdl"), {"expected_sentence": sentence})
        assert "new service descriptions are in use" in said(client, adopted)
        assert not Connection.objects.get(pk=connection.pk).state.awaits_probe

    @pytest.fixture
    def hosted(self, settings: Settings) -> Iterator[Simulator]:
        with Simulator.start(options=["--client", "ledgergate:the-client-secret"]) as simulator:
            settings.SPECTRUM_SERVERS = {"simulator": simulator.url}
            yield simulator

    def test_a_secret_is_rotated_and_never_shown(self, hosted: Simulator) -> None:
        connection = ConnectionFactory(client_id="ledgergate", credentials__client_secret="the-client-secret")
        _, client = admin_of(connection.company)
        assert "Rotate the client secret" in client.get(list_url(connection.company)).content.decode()
        told = said(client, client.post(url(connection, "rotate")))
        assert "The secret was rotated and the new one works." in told
        connection.refresh_from_db()
        html = client.get(list_url(connection.company)).content.decode()
        assert connection.credentials.client_secret not in told + html
        assert "90 days left" in html

    def test_a_lost_answer_is_told_to_the_person_who_asked(self, hosted: Simulator) -> None:
        connection = ConnectionFactory(client_id="ledgergate", credentials__client_secret="the-client-secret")
        _, client = admin_of(connection.company)
        hosted.set_faults({"kind": "commit_then_reset", "method": "secretRotation"})
        told = said(client, client.post(url(connection, "rotate")))
        assert "The secret may have changed" in told
        assert "Data Exchange Installation" in told
