"""Whatever the published pages leave open about a site is a setting, tried against a site that has it so."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from pytest_django import Settings

from erp_integrations.adapters.base import Rows, Unauthorised, Unavailable
from erp_integrations.adapters.registry import build_reading_adapter
from erp_integrations.exports import worker
from erp_integrations.models import (
    Connection,
    ConnectionCredentials,
    ConnectionSettings,
    ConnectionState,
    ExportJob,
    JobStatus,
)
from tests.erp_integrations.deliveries import accepted_as_it_is
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "first-client-secret"
HOSTED = ["--client", f"ledgergate:{SECRET}"]

Site = Callable[..., Simulator]


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    with ExitStack() as stack:

        def start(*options: str) -> Simulator:
            simulator = stack.enter_context(Simulator.start(options=options))
            settings.SPECTRUM_SERVERS = {"simulator": simulator.url}
            return simulator

        yield start


def hosted(job: ExportJob) -> Connection:
    Connection.objects.filter(pk=job.connection_id).update(client_id="ledgergate")
    ConnectionCredentials.objects.filter(pk=job.connection_id).update(client_secret=SECRET)
    accepted_as_it_is(job)
    return again(job)


def drained(job: ExportJob) -> ExportJob:
    worker.export_due_jobs(job.connection_id)
    return ExportJob.objects.select_related("connection__settings").get(pk=job.pk)


def again(job: ExportJob) -> Connection:
    return Connection.objects.select_related("settings").get(pk=job.connection_id)


def set_to(**values: object) -> None:
    """As a person sets it, who then decides on what waits."""
    ConnectionSettings.objects.update(**values)
    ConnectionState.objects.update(not_before=None, awaits_probe=False, fault="")
    ExportJob.objects.update(not_before="2026-01-01T00:00Z")
    for job in ExportJob.objects.all():
        accepted_as_it_is(job)


def test_basic_over_soap(site: Site, queued: ExportJob) -> None:
    site("--basic-over-soap")
    assert drained(queued).status == JobStatus.QUEUED
    assert isinstance(build_reading_adapter(again(queued)).list_jobs(), Unauthorised)
    set_to(soap_authentication="basic")
    assert drained(queued).status == JobStatus.SYNCED
    assert isinstance(build_reading_adapter(again(queued)).list_jobs(), Rows)


def test_basic_over_rest_on_a_hosted_site(site: Site, queued: ExportJob) -> None:
    site(*HOSTED, "--basic-over-rest")
    hosted(queued)
    assert isinstance(build_reading_adapter(again(queued)).list_vendors(), Unauthorised)
    set_to(rest_authentication="basic")
    assert isinstance(build_reading_adapter(again(queued)).list_vendors(), Rows)
    set_to(rest_authentication="none")
    assert isinstance(build_reading_adapter(again(queued)).list_vendors(), Unauthorised)


def test_the_token_over_soap_or_nothing(site: Site, queued: ExportJob) -> None:
    site(*HOSTED)
    hosted(queued)
    set_to(soap_authentication="none")
    assert drained(queued).status == JobStatus.QUEUED
    set_to(soap_authentication="bearer")
    assert drained(queued).status == JobStatus.SYNCED


def test_descriptions_that_take_no_token(site: Site, queued: ExportJob) -> None:
    site(*HOSTED, "--open-descriptions")
    hosted(queued)
    assert drained(queued).status == JobStatus.QUEUED
    assert "does not let this connection read its description" in again(queued).state.fault
    set_to(token_for_descriptions=False)
    assert drained(queued).status == JobStatus.SYNCED


@pytest.mark.parametrize(("statuses", "ending"), [("", JobStatus.UNKNOWN), ("400,422", JobStatus.FAILED)])
def test_an_error_under_another_status_is_read_where_a_person_says_so(
    site: Site, queued: ExportJob, statuses: str, ending: str
) -> None:
    site("--error-status", "422").set_faults({"kind": "refuse", "text": "Vendor is on hold"})
    set_to(error_statuses=statuses)
    job = drained(queued)
    assert job.status == ending
    assert ("Vendor is on hold" in job.problem) == (ending == JobStatus.FAILED)


def test_a_list_is_asked_for_in_parts_with_the_sign_of_the_site(site: Site, queued: ExportJob) -> None:
    site("--list-cap", "1", "--any-ending", "%")
    answer = build_reading_adapter(again(queued)).list_vendors()
    assert isinstance(answer, Unavailable)
    set_to(any_ending="%")
    assert isinstance(build_reading_adapter(again(queued)).list_vendors(), Rows)
    set_to(any_ending="")
    answer = build_reading_adapter(again(queued)).list_vendors()
    assert isinstance(answer, Unavailable)
    assert "no wildcard is set to ask for fewer" in answer.reason
