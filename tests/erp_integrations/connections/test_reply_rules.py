"""Learning what a written record answers: only from a first write that was read back, and by a person."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from directory.models import HistoryEntry, User
from directory.rights.permissions import RightMissing
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.connections import reply_rules
from erp_integrations.models import ConnectionSettings, ExportJob, JobStatus, Submission, WireAttempt
from erp_integrations.submissions.resolving import Attested
from tests.clients import signed_in
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.deliveries import HEADER, delivered, looked, of, quiet_is_over, sent
from tests.factories import ApproverFactory, ErpAdminFactory
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _info_link(simulator: Simulator, settings: Settings) -> None:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0


@pytest.fixture
def untold(awaiting: Submission, approver: User) -> ExportJob:
    """Accepted on a connection of which nobody has said what a written record answers."""
    ConnectionSettings.objects.update(success_rule="unknown")
    return accept(Submission.objects.get(pk=awaiting.pk), approver)


def offered(job: ExportJob) -> reply_rules.RuleOffer | None:
    return reply_rules.find_offers([of(job).connection]).get(job.connection_id)


def taken(job: ExportJob, by: User | None = None, **changes: Any) -> None:
    offer = offered(job)
    assert offer is not None
    seen: dict[str, Any] = {
        "expected_attempt": offer.attempt.pk,
        "expected_rule": offer.rule.sentence,
    } | changes
    admin = by or ErpAdminFactory(company=job.submission.company)
    reply_rules.accept_offer(connection=of(job).connection, by=admin, **seen)


def test_where_no_reply_means_written_each_call_is_read_back_and_a_long_one_still_ends(
    simulator: Simulator, untold: ExportJob, settings: Settings
) -> None:
    settings.EXPORT_MAX_TRIES = 1
    for _ in range(3):
        assert delivered(untold).status == JobStatus.UNKNOWN
        looked(untold)
    assert of(untold).status == JobStatus.SYNCED, of(untold).problem
    assert len(sent(simulator, untold)) == 3


def test_what_was_read_back_teaches_the_reply_that_it_had(simulator: Simulator, untold: ExportJob) -> None:
    delivered(untold)
    assert offered(untold) is None  # nobody knows yet
    looked(untold)
    offer = offered(untold)
    assert offer is not None
    assert offer.rule.sentence == "A complete reply without an error row means written."
    assert "UpdateSubcontractResponse" in offer.attempt.reply
    admin: User = ErpAdminFactory(company=untold.submission.company)
    taken(untold, admin)
    rules = ConnectionSettings.objects.get()
    assert (rules.success_rule, rules.success_codes) == ("no_error_row", "")
    entry = HistoryEntry.objects.get(event="connection.success_rule_learned")
    assert (entry.by_id, entry.detail["rule"]) == (admin.pk, offer.rule.sentence)
    assert offered(untold) is None


def test_what_is_accepted_keeps_its_rule_until_it_is_accepted_again(
    simulator: Simulator, untold: ExportJob, settings: Settings
) -> None:
    delivered(untold)
    looked(untold)
    taken(untold)
    # The line's reply would be a yes by now, but was none when this was accepted.
    assert delivered(untold).status == JobStatus.UNKNOWN


def test_a_failed_one_that_is_accepted_again_takes_the_present_rule(
    simulator: Simulator, untold: ExportJob, approver: User
) -> None:
    simulator.set_faults({"kind": "refuse", "method": HEADER})
    assert delivered(untold).status == JobStatus.FAILED
    ConnectionSettings.objects.update(success_rule="codes", success_codes="blank,G")
    job = of(untold)
    assert job.success_rule == "unknown"
    submissions.accept_again(
        submission=job.submission,
        by=approver,
        expected_hash=build_basis(job.submission.document).hash,
        erp_id=job.erp_id,
    )
    assert (of(job).success_rule, of(job).success_codes) == ("codes", "G,blank")


def test_a_job_is_sent_by_its_own_rule_whatever_the_connection_says_by_now(
    simulator: Simulator, queued: ExportJob
) -> None:
    ConnectionSettings.objects.update(success_rule="codes", success_codes="S")
    assert delivered(queued).status == JobStatus.SYNCED


def test_nothing_is_learned_from_a_record_that_was_there_before(
    simulator: Simulator, untold: ExportJob
) -> None:
    delivered(untold)
    # It landed, but a look before the quiet period would not show it; then it is sent once more.
    ExportJob.objects.filter(pk=untold.pk).update(
        status=JobStatus.QUEUED, unknown_since=None, not_before=timezone.now()
    )
    assert delivered(untold).status == JobStatus.UNKNOWN
    looked(untold)
    first, second = WireAttempt.objects.order_by("pk")
    assert (first.was_absent, second.was_absent) == (True, False)
    assert offered(untold) is None


def test_nor_where_nobody_looked_before_it_was_sent(
    simulator: Simulator, untold: ExportJob, settings: Settings
) -> None:
    settings.INFO_LINKS = {}
    delivered(untold)
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    looked(untold)
    attempt = WireAttempt.objects.get()
    assert (attempt.was_absent, attempt.shown_at is not None) == (False, True)
    assert offered(untold) is None


def test_nor_from_a_call_that_was_sent_twice_though_the_look_before_did_not_show_the_first(
    simulator: Simulator, untold: ExportJob
) -> None:
    delivered(untold)
    looked(untold)
    attempt = WireAttempt.objects.get()
    WireAttempt.objects.create(
        call=attempt.call, attempt=99, outcome="unknown", finished_at=timezone.now(), payload_hash=""
    )
    assert offered(untold) is None


def test_nor_from_what_a_person_attested(
    simulator: Simulator, untold: ExportJob, approver: User, settings: Settings
) -> None:
    settings.INFO_LINKS = {}
    delivered(untold)
    quiet_is_over(untold)
    submissions.resolve(
        submission=of(untold).submission,
        by=approver,
        expected_version=of(untold).attempt,
        attested=Attested.PART,
        statement="I saw it there.",
        positions=[1],
    )
    assert offered(untold) is None


@pytest.mark.parametrize(
    "fault", ["commit_then_500", "cut_off_xml", "commit_then_reset", "commit_then_fault"]
)
def test_nor_from_a_reply_that_is_not_whole_or_no_answer(
    simulator: Simulator, untold: ExportJob, fault: str
) -> None:
    simulator.set_faults({"kind": fault})
    delivered(untold)
    looked(untold)
    assert WireAttempt.objects.get().shown_at is not None
    assert offered(untold) is None


def test_an_old_yes_is_not_taken_after_the_rule_was_changed(simulator: Simulator, untold: ExportJob) -> None:
    delivered(untold)
    looked(untold)
    for changes in ({"expected_rule": "A row with the code A means written."}, {"expected_attempt": 0}):
        with pytest.raises(reply_rules.OfferChanged):
            taken(untold, **changes)
    offer = offered(untold)
    ConnectionSettings.objects.update(success_rule="codes", success_codes="Z")
    other = offered(untold)
    assert offer is not None
    assert other is not None
    with pytest.raises(RightMissing):
        taken(untold, ApproverFactory(company=untold.submission.company))
    assert ConnectionSettings.objects.get().success_codes == "Z"


def test_an_erp_admin_sees_the_reply_and_says_yes_on_the_settings_page(
    simulator: Simulator, untold: ExportJob
) -> None:
    delivered(untold)
    looked(untold)
    company = untold.submission.company
    client = signed_in(ErpAdminFactory(company=company))
    page = client.get(reverse("erp_integrations:settings", args=[company.slug])).content.decode()
    assert "This is how the site confirms a write" in page
    assert "UpdateSubcontractResponse" in page
    offer = offered(untold)
    assert offer is not None
    address = reverse("erp_integrations:accept-reply-rule", args=[company.slug, untold.connection_id])
    client.post(address, {"expected_attempt": offer.attempt.pk, "expected_rule": offer.rule.sentence})
    assert ConnectionSettings.objects.get().success_rule == "no_error_row"
    page = client.get(reverse("erp_integrations:settings", args=[company.slug])).content.decode()
    assert "This is how the site confirms a write" not in page
    assert offer.rule.sentence in page


@pytest.mark.parametrize(("status", "rule"), [(JobStatus.QUEUED, "codes"), (JobStatus.SYNCED, "unknown")])
def test_what_waits_at_the_upgrade_keeps_what_its_connection_says(
    queued: ExportJob, status: JobStatus, rule: str
) -> None:
    ConnectionSettings.objects.update(success_rule="codes", success_codes="S,G")
    ExportJob.objects.update(
        success_rule="unknown", success_codes="", status=status, synced_at=timezone.now()
    )
    import_module("erp_integrations.migrations.0019_replies").keep_the_rule(apps, None)
    job = of(queued)
    assert (job.success_rule, job.success_codes) == (rule, "S,G" if rule == "codes" else "")
