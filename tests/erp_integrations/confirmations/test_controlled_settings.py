"""A connection's settings that steer where and how money is written, field by field, and their changes."""

import hashlib
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db.models import Model
from django.test import Client
from lxml import html
from pytest_django import Settings

from directory.models import Company, HistoryEntry, User
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.confirmations import controlled_settings
from erp_integrations.confirmations.controlled_settings import FIELDS_BY_ROLE, SettingRole
from erp_integrations.connections.settings_form import SettingsForm
from erp_integrations.exports import worker
from erp_integrations.models import (
    Connection,
    ConnectionCredentials,
    ConnectionSettings,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
)
from erp_integrations.models.secrets import list_secret_fields
from tests.clients import signed_in
from tests.directory.signing_in import turn_on_two_step
from tests.erp_integrations.deliveries import delivered, due_now, incomplete_at, of
from tests.factories import ErpAdminFactory
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db

OTHER = {
    "server": "other",
    "company_code": "ZZZ",
    "authorization_id": "another",
    "guid": "11111111-1111-1111-1111-111111111111",
    "guid_policy": "blank",
    "client_id": "another",
    "token_path": "/another/token",
    "rotation_path": "/another",
    "wsdl_path": "/another/{method}",
    "service_path": "/another/{method}",
    "vendors_path": "/another/{company_code}",
    "success_rule": "echo",
    "success_codes": "G",
    "element_names": "UpdateSubcontract.Comment = Remark",
    "soap_authentication": "none",
    "rest_authentication": "none",
    "token_for_descriptions": False,
    "error_statuses": "500",
}
KEEPS_ITS_OWN = {"success_rule", "success_codes"}


@pytest.mark.parametrize("model", [Connection, ConnectionCredentials, ConnectionSettings])
def test_every_field_has_exactly_one_place(model: type[Model]) -> None:
    """A new one without a decided place fails here: does it steer where or how money is written?"""
    placed = [name for names in FIELDS_BY_ROLE[model].values() for name in names]
    assert sorted(placed) == sorted(field.name for field in model._meta.concrete_fields)


def change(connection: Connection, name: str) -> None:
    (model,) = [each for each, placed in FIELDS_BY_ROLE.items() if name in placed[SettingRole.WIRE]]
    rows = model._default_manager.filter(pk=connection.pk)
    rows.update(**{name: OTHER[name]})


@pytest.mark.parametrize(
    "name",
    [name for placed in FIELDS_BY_ROLE.values() for name in placed[SettingRole.WIRE]],
)
def test_each_that_the_wire_goes_by_is_part_of_what_accept_binds(
    awaiting: Submission, approver: User, name: str
) -> None:
    if name == "success_codes":
        ConnectionSettings.objects.update(success_rule="codes", success_codes="S")
    seen = build_basis(awaiting.document).hash
    change(awaiting.connection, name)
    if name == "server":
        assert build_basis(awaiting.document).hash != seen
        return
    with pytest.raises(submissions.Conflict, match="changed since you opened this page"):
        submissions.accept(submission=awaiting, by=approver, expected_hash=seen, erp_id="X-1")


@pytest.mark.parametrize("name", sorted(set(OTHER) - KEEPS_ITS_OWN - {"server"}))
def test_one_that_is_changed_after_accept_stops_it_before_anything_is_sent(
    simulator: Simulator, queued: ExportJob, name: str
) -> None:
    change(queued.connection, name)
    before = simulator.calls()
    job = delivered(queued)
    assert (job.status, simulator.calls()) == (JobStatus.FAILED, before)
    assert "settings have changed since this was accepted" in job.problem


def test_a_rotated_secret_of_the_same_client_stops_nothing(simulator: Simulator, queued: ExportJob) -> None:
    ConnectionCredentials.objects.update(client_secret="another", previous_client_secret="an older one")
    assert delivered(queued).status == JobStatus.SYNCED


def test_what_keys_change_stops_nothing_as_long_as_the_old_one_is_kept(
    simulator: Simulator, queued: ExportJob, settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEYS]
    assert delivered(queued).problem == ""
    assert of(queued).status == JobStatus.SYNCED


def test_what_has_begun_goes_nowhere_else_until_somebody_resumes_it(
    simulator: Simulator, queued: ExportJob, approver: User
) -> None:
    job = incomplete_at(simulator, queued, 2)
    change(job.connection, "vendors_path")
    ExportJob.objects.filter(pk=job.pk).update(status=JobStatus.INCOMPLETE)
    due_now(job)
    calls = len(simulator.calls())
    job = delivered(job)
    assert job.status == JobStatus.INCOMPLETE
    assert "settings have changed since this was accepted" in job.problem
    assert len(simulator.calls()) == calls
    submissions.resume(submission=job.submission, by=approver, expected_version=job.attempt)
    assert delivered(job).status == JobStatus.SYNCED


def test_a_secret_is_told_by_a_keyed_hash(awaiting: Submission, settings: Settings) -> None:
    connection = Connection.objects.select_related("settings").get()
    told = controlled_settings.get_setting_values(connection, SettingRole.WIRE)["authorization_id"]
    assert connection.credentials.authorization_id not in told
    assert told != hashlib.sha256(connection.credentials.authorization_id.encode()).hexdigest()
    assert (
        told
        != controlled_settings.get_setting_values(connection, SettingRole.WIRE, key="another")[
            "authorization_id"
        ]
    )


@pytest.mark.parametrize("name", ["wsdl_path", "service_path", "vendors_path", "token_path", "rotation_path"])
@pytest.mark.parametrize("path", ["/a/../{}", "/../{}", "/{}/..", "/./{}", "/a..b/{}"])
def test_no_path_leads_back_up(awaiting: Submission, name: str, path: str) -> None:
    place = {"vendors_path": "{company_code}", "wsdl_path": "{method}", "service_path": "{method}"}.get(
        name, "x"
    )
    form = SettingsForm({name: path.format(place)}, instance=awaiting.connection)
    assert form.errors[name] == ["Enter a path without .. in it: it may not lead back up."]


def test_old_and_new_values_stand_in_the_history_but_of_no_secret(awaiting: Submission) -> None:
    company, connection = awaiting.company, awaiting.connection
    client = signed_in(ErpAdminFactory(company=company))
    save(client, company, connection, service_path="/soap/{method}", authorization_id="typed-anew")
    entry = HistoryEntry.objects.get(event="connection.changed")
    assert entry.detail["fields"] == ["authorization_id", "service_path"]
    assert entry.detail["before"] == {"service_path": "/ws/{method}"}
    assert entry.detail["after"] == {"service_path": "/soap/{method}"}
    assert "typed-anew" not in str(entry.detail)
    page = client.get(f"/companies/{company.slug}/erp-integrations/history/").content.decode()
    assert "service path from /ws/{method} to /soap/{method}" in page
    assert not set(entry.detail["before"]) & set(list_secret_fields(Connection))


def save(client: Client, company: Company, connection: Connection, **changed: str) -> None:
    address = f"/companies/{company.slug}/erp-integrations/settings/{connection.pk}/"
    document: Any = html.document_fromstring(client.get(address).content)
    entered = {name: value or "" for name, value in document.forms[-1].form_values()}
    assert client.post(address, entered | changed).status_code == 302


class TestTwoStepAgain:
    """Whoever is required to have two steps, and has them no more, has accepted nothing that waits."""

    def test_what_waits_goes_back(self, queued: ExportJob, approver: User) -> None:
        turn_on_two_step(approver)
        Company.objects.update(requires_two_step=True)
        assert not ExportJob.objects.lacking_approval_right().exists()
        approver.authenticator_set.all().delete()  # type: ignore[attr-defined]  # allauth's
        assert ExportJob.objects.lacking_approval_right().get() == queued
        worker.export_due_jobs(queued.connection_id)
        assert of(queued).status == JobStatus.CANCELLED
        assert of(queued).submission.status == SubmissionStatus.AWAITING
        assert HistoryEntry.objects.filter(event="submission.returned").exists()

    def test_where_it_is_not_required_nothing_does(self, simulator: Simulator, queued: ExportJob) -> None:
        assert delivered(queued).status == JobStatus.SYNCED


class TestANumberThatNobodyCanLookUp:
    def test_the_dialog_says_so_and_a_typed_one_is_ticked_off(
        self, awaiting: Submission, approver: User
    ) -> None:
        client, box = signed_in(approver), f"{awaiting.get_absolute_url()}accept/"
        page = client.get(box).content.decode()
        assert "the ERP ID was not checked in Spectrum" in page
        assert "number_looked_up" not in page
        entered = {
            "expected_hash": build_basis(awaiting.document).hash,
            "expected_version": 0,
            "erp_id": "TYPED-1",
        }
        answer = client.post(box, entered)
        assert answer.status_code == 422
        assert "nobody has checked whether TYPED-1 is free in Spectrum" in answer.content.decode()
        assert "number_looked_up" in answer.content.decode()
        assert client.post(box, entered | {"number_looked_up": "on"}).status_code == 302
        entry = HistoryEntry.objects.get(event="submission.accepted")
        assert entry.detail["number_checked"] is False


def test_events_of_an_approver_s_account_are_on_the_page_of_the_company_s_history(
    awaiting: Submission, approver: User
) -> None:
    admin = ErpAdminFactory(company=awaiting.company)
    stranger = ErpAdminFactory()
    for person in (approver, admin):
        turn_on_two_step(person)
    address = f"/companies/{awaiting.company.slug}/erp-integrations/history/"
    client = signed_in(admin)
    page = client.get(f"{address}?event=accounts").content.decode()
    assert page.count("Two-step verification turned on") == 2  # the choice in the filter, and one entry
    assert "Two-step verification turned on" in client.get(address).content.decode()
    there = stranger.company_memberships.get().company
    other = signed_in(stranger).get(f"/companies/{there.slug}/erp-integrations/history/?event=accounts")
    assert other.content.decode().count("Two-step verification turned on") == 1
