"""Django admin for the tool: secrets go in and never come out, and what has a life cycle is only seen."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from commitments.models import ContractCompany
from directory.models import HistoryEntry, User
from erp_integrations.connections.settings_form import SETTINGS_FIELDS
from erp_integrations.models import (
    Connection,
    ConnectionCredentials,
    ConnectionState,
    ExportJob,
    JobLink,
    VendorLink,
    Wsdl,
)
from erp_integrations.models.secrets import list_secret_fields
from tests.clients import signed_in
from tests.factories import (
    CompanyFactory,
    ConnectionFactory,
    ContractCompanyFactory,
    ExportJobFactory,
    JobLinkFactory,
    ProjectFactory,
    VendorLinkFactory,
    ViewerFactory,
)

pytestmark = pytest.mark.django_db

SECRET = "an-authorization-id"
GUID = "11112222-3333-4444-5555-666677778888"


@pytest.fixture
def admin() -> User:
    person: User = User.objects.create_superuser("admin@example.test")
    return person


@pytest.fixture
def client(admin: User) -> Client:
    return signed_in(admin)


def change_url(obj: Any) -> str:
    return reverse(f"admin:erp_integrations_{obj._meta.model_name}_change", args=[obj.pk])


def settings_of(connection: Connection, **changes: Any) -> dict[str, Any]:
    """The connection's form as a browser posts it: secrets blank."""
    names = [
        *("name", "server", "company_code", "general_ledger_account"),
        *("general_ledger_order", "erp_id_rule", "subcontract_prefix", "purchase_order_prefix"),
        *("non_ascii", "fixed_price_units"),
        *("guid_policy", "client_id", "token_path", "rotation_path"),
    ]
    paths = {name: getattr(connection, name) for name in ("wsdl_path", "service_path", "vendors_path")}
    blank = {"authorization_id": "", "guid": "", "client_secret": ""}
    rules = {name: getattr(connection.settings, name) for name in SETTINGS_FIELDS}
    return {name: getattr(connection, name) for name in names} | paths | rules | blank | changes


def errors_of(html: str) -> str:
    return " ".join(re.findall(r'<ul class="errorlist[^>]*>(.*?)</ul>', html, re.S))


class TestConnections:
    def test_a_stored_secret_never_reaches_the_browser(self, client: Client) -> None:
        connection = ConnectionFactory(credentials__authorization_id=SECRET, credentials__guid=GUID)
        html = client.get(change_url(connection)).content.decode()
        assert SECRET not in html
        assert GUID not in html
        assert html.count("One is stored. Leave blank to keep it") == 2
        refused = client.post(
            change_url(connection), settings_of(connection, name="", authorization_id="typed-just-now")
        )
        assert "typed-just-now" not in refused.content.decode()

    def test_nor_does_it_reach_whoever_may_only_look(self) -> None:
        secrets = list_secret_fields(ConnectionCredentials)
        assert {"authorization_id", "guid"} <= set(secrets)
        connection = ConnectionFactory(**{f"credentials__{name}": f"hush-{name}" for name in secrets})
        clerk: User = ViewerFactory(company=connection.company, is_staff=True)
        clerk.user_permissions.set(Permission.objects.filter(codename="view_connection"))
        html = signed_in(clerk).get(change_url(connection)).content.decode()
        assert connection.name in html
        assert "hush-" not in html

    def test_blank_keeps_a_secret_and_typing_replaces_it(self, client: Client) -> None:
        connection = ConnectionFactory(credentials__authorization_id=SECRET, credentials__guid=GUID)
        client.post(change_url(connection), settings_of(connection, name="Spectrum, main office"))
        connection.refresh_from_db()
        assert (connection.name, connection.credentials.authorization_id, connection.credentials.guid) == (
            "Spectrum, main office",
            SECRET,
            GUID,
        )
        client.post(change_url(connection), settings_of(connection, authorization_id="a-new-one"))
        connection.refresh_from_db()
        assert (connection.credentials.authorization_id, connection.credentials.guid) == ("a-new-one", GUID)

    def test_a_client_secret_goes_in_never_comes_out_and_ends_an_unproven_rotation(
        self, client: Client
    ) -> None:
        connection = ConnectionFactory(
            client_id="ledgergate",
            credentials__client_secret="old-client-secret",
            credentials__previous_client_secret="older-secret",
        )
        html = client.get(change_url(connection)).content.decode()
        assert "old-client-secret" not in html
        assert "older-secret" not in html
        client.post(change_url(connection), settings_of(connection, name="Other"))
        connection.refresh_from_db()
        assert (connection.credentials.client_secret, connection.credentials.previous_client_secret) == (
            "old-client-secret",
            "older-secret",
        )
        client.post(change_url(connection), settings_of(connection, client_secret="typed-anew"))
        connection.refresh_from_db()
        assert (connection.credentials.client_secret, connection.credentials.previous_client_secret) == (
            "typed-anew",
            "",
        )
        forget = settings_of(connection, client_id="", forget_client_secret="on")
        client.post(change_url(connection), forget)
        connection.refresh_from_db()
        assert (connection.client_id, connection.credentials.client_secret) == ("", "")
        assert "typed-anew" not in str([entry.detail for entry in HistoryEntry.objects.all()])

    def test_a_guid_can_be_removed(self, client: Client) -> None:
        connection = ConnectionFactory(credentials__guid=GUID)
        client.post(change_url(connection), settings_of(connection, forget_guid="on"))
        connection.refresh_from_db()
        assert connection.credentials.guid == ""

    def test_a_change_is_in_the_history_without_the_secret(self, client: Client, admin: User) -> None:
        connection = ConnectionFactory(credentials__authorization_id=SECRET)
        client.post(
            change_url(connection), settings_of(connection, name="Other", authorization_id="a-new-one")
        )
        entry = HistoryEntry.objects.get(event="connection.changed")
        assert (entry.by_id, entry.company_id) == (admin.pk, connection.company_id)
        assert entry.detail["fields"] == ["authorization_id", "name"]
        assert "a-new-one" not in str(entry.detail)

    def test_saving_nothing_new_leaves_no_trace(self, client: Client) -> None:
        connection = ConnectionFactory(credentials__authorization_id=SECRET)
        client.post(change_url(connection), settings_of(connection))
        assert not HistoryEntry.objects.filter(event="connection.changed").exists()

    def test_the_lease_that_a_worker_takes_meanwhile_is_not_written_over(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = ConnectionFactory()
        until = timezone.now()

        def meanwhile(self: Connection) -> None:
            ConnectionState.objects.filter(pk=self.pk).update(
                lease_holder="worker", lease_until=until, lease_attempt=7
            )

        # The form has read the row, and not written it yet.
        monkeypatch.setattr(Connection, "clean", meanwhile)
        client.post(change_url(connection), settings_of(connection, name="Other"))
        connection.refresh_from_db()
        assert connection.name == "Other"
        state = connection.state
        assert (state.lease_holder, state.lease_until, state.lease_attempt) == ("worker", until, 7)

    def test_the_lease_and_the_fault_are_only_shown(self, client: Client) -> None:
        connection = ConnectionFactory()
        forged = settings_of(connection, name="Other", lease_holder="me", lease_attempt="99", fault="none")
        client.post(change_url(connection), forged)
        connection.refresh_from_db()
        state = connection.state
        assert (state.lease_holder, state.lease_attempt, state.fault) == ("", 0, "")

    def test_a_new_secret_lets_go_on_what_waited(self, client: Client) -> None:
        job: ExportJob = ExportJobFactory()
        later = timezone.now() + timedelta(minutes=10)
        ConnectionState.objects.filter(pk=job.connection_id).update(fault="Not let in.", not_before=later)
        ExportJob.objects.filter(pk=job.pk).update(not_before=later, attempt=1)
        client.post(change_url(job.connection), settings_of(job.connection, authorization_id="a-new-one"))
        connection = Connection.objects.get(pk=job.connection_id)
        assert (connection.state.fault, connection.state.not_before) == ("", None)
        assert ExportJob.objects.due().filter(pk=job.pk).exists()

    def test_a_server_is_chosen_and_never_typed(self, client: Client) -> None:
        connection = ConnectionFactory()
        forged = settings_of(connection, server="http://10.0.0.1")
        response = client.post(change_url(connection), forged)
        assert "Select a valid choice" in response.content.decode()
        connection.refresh_from_db()
        assert connection.server == "simulator"

    def test_a_server_that_is_off_the_list_can_stay(self, client: Client, settings: Settings) -> None:
        connection = ConnectionFactory()
        settings.SPECTRUM_SERVERS = {"other": "http://127.0.0.1:9"}
        assert "no longer in SPECTRUM_SERVERS" in client.get(change_url(connection)).content.decode()

    def test_a_connection_with_exports_stays_with_its_spectrum_company(self, client: Client) -> None:
        job: ExportJob = ExportJobFactory()
        response = client.post(change_url(job.connection), settings_of(job.connection, company_code="XYZ"))
        assert "server and Company_Code can&#x27;t change" in errors_of(response.content.decode())

    def test_two_connections_never_write_to_one_spectrum_company(self, client: Client) -> None:
        taken, other = ConnectionFactory(company_code="PHL"), ConnectionFactory()
        response = client.post(change_url(other), settings_of(other, company_code=" phl "))
        assert "Another connection already writes to this Spectrum company." in errors_of(
            response.content.decode()
        )
        assert taken.company_code == "PHL"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("success_codes", "S,I"),
            ("success_codes", "S,,G"),
            ("success_codes", "S;G"),
            ("wsdl_path", "/wsdls/x.jws"),
            ("wsdl_path", "https://elsewhere/{method}"),
            ("service_path", "/ws/{method.__class__}"),
            ("service_path", "/ws/{method}?a={b}"),
            ("service_path", "/ws/{company_code}"),
            ("vendors_path", "/vendors/{method}"),
            ("vendors_path", "/vendors/{company_code}?a=b"),
            ("general_ledger_account", "500-100"),
            ("general_ledger_order", "company_first"),
            ("erp_id_rule", "first"),
            ("subcontract_prefix", "S/"),
            ("purchase_order_prefix", "PO-TOO-LONG"),
            ("non_ascii", "guess"),
            ("guid_policy", "sent"),
            ("guid_policy", "sometimes"),
            ("client_id", "without-a-secret"),
            ("token_path", "connect/token"),
            ("token_path", "//elsewhere.example/token?a=b"),
            ("rotation_path", "https://elsewhere.example/"),
        ],
    )
    def test_what_would_break_an_export_is_refused(self, client: Client, field: str, value: str) -> None:
        connection = ConnectionFactory()
        response = client.post(change_url(connection), settings_of(connection, **{field: value}))
        assert response.status_code == 200
        assert errors_of(response.content.decode())
        stored = Connection.objects.get()
        kept, found = (each.settings if field in SETTINGS_FIELDS else each for each in (connection, stored))
        assert getattr(found, field) == getattr(kept, field)

    def test_another_place_of_the_descriptions_forgets_the_kept_ones(self, client: Client) -> None:
        connection = ConnectionFactory()
        Wsdl.objects.create(connection=connection, method="UpdateSubcontract", text="<definitions/>")
        client.post(change_url(connection), settings_of(connection, name="Other"))
        assert connection.wsdls.exists()
        client.post(change_url(connection), settings_of(connection, name="Other", wsdl_path="/w/{method}"))
        assert not connection.wsdls.exists()

    def test_a_connection_can_be_made(self, client: Client) -> None:
        company = CompanyFactory()
        made = {
            "company": company.pk,
            "name": "Spectrum",
            "server": "simulator",
            "company_code": "phl",
            "success_rule": "codes",
            "retention_rule": "retainage",
            "soap_authentication": "by_site",
            "rest_authentication": "by_site",
            "watch_days": "30",
            "resolve_by_hand_after_hours": "24",
            "success_codes": "s, g",
            "general_ledger_order": "cost_type_first",
            "erp_id_rule": "last",
            "subcontract_prefix": " s",
            "non_ascii": "refuse",
            "fixed_price_units": "ls,Job",
            "wsdl_path": "/wsdls/{method}.jws",
            "service_path": "/ws/{method}",
            "vendors_path": "/vendors/{company_code}",
            "guid_policy": "blank",
            "token_path": "/connect/token",
            "rotation_path": "/secretRotation",
            "authorization_id": SECRET,
        }
        response = client.post(reverse("admin:erp_integrations_connection_add"), made)
        assert response.status_code == 302
        connection = Connection.objects.get()
        assert (connection.company_code, connection.settings.success_codes) == ("PHL", "S,G")
        assert connection.credentials.authorization_id == SECRET
        assert (connection.erp_id_rule, connection.subcontract_prefix) == ("last", "S")
        assert (connection.non_ascii, connection.fixed_price_units) == ("refuse", "LS, JOB")
        assert HistoryEntry.objects.filter(event="connection.created").exists()


class TestLinks:
    def test_a_vendor_link_joins_things_of_one_company(self, client: Client) -> None:
        connection, stranger = ConnectionFactory(), ContractCompanyFactory()
        own: ContractCompany = ContractCompanyFactory(company=connection.company)
        url = reverse("admin:erp_integrations_vendorlink_add")
        link = {"connection": connection.pk, "contract_company": stranger.pk, "vendor_code": "ACME"}
        assert "belongs to another company" in client.post(url, link).content.decode()
        assert client.post(url, link | {"contract_company": own.pk}).status_code == 302
        assert VendorLink.objects.get().contract_company == own

    def test_a_job_link_joins_things_of_one_company(self, client: Client) -> None:
        project = ProjectFactory()
        connection, stranger = ConnectionFactory(company=project.company), ConnectionFactory()
        url = reverse("admin:erp_integrations_joblink_add")
        link = {"project": project.pk, "connection": stranger.pk, "job_number": "24-001"}
        assert "belongs to another company" in client.post(url, link).content.decode()
        assert client.post(url, link | {"connection": connection.pk}).status_code == 302
        made = JobLink.objects.get()
        moved = client.post(change_url(made), {"connection": stranger.pk, "job_number": "24-001"})
        assert "belongs to another company" in moved.content.decode()

    def test_changing_a_link_warns_of_what_it_stops(self, client: Client) -> None:
        job: ExportJob = ExportJobFactory()
        vendor, project = VendorLink.objects.get(), JobLink.objects.get()
        codes = {"vendor_code": "MOVED", "general_ledger_account": ""}
        html = client.post(change_url(vendor), codes, follow=True).content.decode()
        assert "1 accepted commitment was waiting for export under the old link" in html
        moved = {"connection": job.connection_id, "job_number": "MOVED"}
        html = client.post(change_url(project), moved, follow=True).content.decode()
        assert "1 accepted commitment was waiting for export under the old link" in html
        entry = HistoryEntry.objects.get(event="vendor_link.changed")
        assert entry.detail["vendor_code"] == "MOVED"

    def test_changing_an_idle_link_warns_of_nothing(self, client: Client) -> None:
        link = VendorLinkFactory()
        html = client.post(change_url(link), {"vendor_code": "MOVED"}, follow=True).content.decode()
        assert "waiting for export" not in html

    def test_an_account_that_spectrum_would_refuse_is_refused_here(self, client: Client) -> None:
        link = VendorLinkFactory()
        codes = {"vendor_code": "ACME", "general_ledger_account": "500-100"}
        assert "digits only" in client.post(change_url(link), codes).content.decode()

    def test_a_removed_link_is_in_the_history(self, client: Client) -> None:
        link = JobLinkFactory()
        client.post(
            reverse("admin:erp_integrations_joblink_changelist"),
            {"action": "delete_selected", "_selected_action": [link.pk], "post": "yes"},
        )
        assert not JobLink.objects.exists()
        entry = HistoryEntry.objects.get(event="job_link.deleted")
        assert entry.detail["job_number"] == link.job_number


class TestWhatHasALifeCycle:
    @pytest.mark.parametrize(
        "name", ["submission", "exportjob", "exportcall", "wireattempt", "attestation", "erpidhold"]
    )
    def test_it_can_be_looked_at_and_nothing_else(self, client: Client, name: str) -> None:
        ExportJobFactory(failed=True)
        assert client.get(reverse(f"admin:erp_integrations_{name}_changelist")).status_code == 200
        assert client.get(reverse(f"admin:erp_integrations_{name}_add")).status_code == 403

    def test_a_change_by_hand_is_refused(self, client: Client) -> None:
        job: ExportJob = ExportJobFactory(failed=True)
        assert client.get(change_url(job)).status_code == 200
        assert client.post(change_url(job), {"status": "synced"}).status_code == 403
        assert client.get(change_url(job.submission)).status_code == 200
        delete = reverse("admin:erp_integrations_submission_delete", args=[job.submission_id])
        assert client.post(delete, {"post": "yes"}).status_code == 403
