"""Spectrum's master data: read by one worker at a time, kept whole or left as they were."""

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection as database
from django.utils import timezone
from pytest_django import Settings

from directory.db.leases import stopping
from directory.models import HistoryEntry
from erp_integrations import tasks
from erp_integrations.adapters.base import (
    PhaseStatus,
    Rows,
    Unauthorised,
    Unavailable,
    VendorRecord,
    VendorStatus,
)
from erp_integrations.master_data import syncing
from erp_integrations.models import (
    Connection,
    Job,
    JobLink,
    MastersPull,
    Phase,
    Submission,
    SyncStatus,
    Vendor,
)
from tests.erp_integrations.lists import Lists, jobs, phases, vendors
from tests.erp_integrations.races.together import ROUNDS, race
from tests.factories import ConnectionFactory, JobLinkFactory, ProjectFactory
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def linked() -> JobLink:
    """A project that is job 24-001 of a Spectrum company."""
    project = ProjectFactory()
    connection = ConnectionFactory(company=project.company)
    link: JobLink = JobLinkFactory(project=project, connection=connection, job_number="24-001")
    return link


def read(link: JobLink) -> MastersPull:
    """Once more, now."""
    syncing.requeue_sync(link.connection_id)
    syncing.sync_connection(link.connection_id)
    return MastersPull.objects.get(connection=link.connection_id)


class TestAReading:
    def test_it_keeps_vendors_jobs_and_the_phases_of_linked_jobs_only(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lists = Lists(
            vendor_list=vendors(" ACME ", inactive=("GONE",)),
            phase_lists={"24-001": phases("0330000", "0510000", status=PhaseStatus.COMPLETE)},
        ).stand_in(monkeypatch)
        pull = read(linked)
        assert lists.asked == ["vendors", "jobs", "phases 24-001"]
        assert pull.status == SyncStatus.DONE
        assert pull.problem == ""
        assert (pull.vendors_read, pull.jobs_read, pull.phases_read) == (2, 2, 2)
        assert (pull.linked_jobs, pull.linked_jobs_read) == (1, 1)
        assert pull.vendors_at == pull.jobs_at == pull.started_at
        assert pull.lists_inactive_vendors
        assert dict(Vendor.objects.values_list("code", "status")) == {"ACME": "A", "GONE": "I"}
        assert set(Job.objects.values_list("number", flat=True)) == {"24-001", "24-002"}
        assert set(Phase.objects.values_list("job__number", "code", "status")) == {
            ("24-001", "0330000", "C"),
            ("24-001", "0510000", "C"),
        }
        entry = HistoryEntry.objects.get(event="masters.read")
        assert (entry.subject_id, entry.detail["phases"]) == (linked.connection_id, 2)

    def test_a_phase_s_dollars_are_kept_and_forgotten_when_the_list_says_them_no_more(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (said,) = phases("0330000").rows
        said = replace(said, estimate=Decimal("9876543210123.45"), to_date=Decimal("-0.5"))
        lists = Lists(phase_lists={"24-001": Rows((said,))}).stand_in(monkeypatch)
        read(linked)
        phase = Phase.objects.get()
        assert (phase.estimate, phase.to_date) == (Decimal("9876543210123.45"), Decimal("-0.50"))
        lists.phase_lists.clear()
        read(linked)
        phase.refresh_from_db()
        assert (phase.estimate, phase.to_date) == (None, None)

    def test_a_linked_job_is_found_in_whatever_case_and_padding(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        JobLink.objects.update(job_number="pier-1")
        lists = Lists(job_list=jobs("PIER-1")).stand_in(monkeypatch)
        read(linked)
        assert lists.asked[-1] == "phases PIER-1"

    def test_no_transaction_is_open_while_the_wire_is_used(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        open_ones: list[bool] = []
        Lists(meanwhile=lambda: open_ones.append(database.in_atomic_block)).stand_in(monkeypatch)
        read(linked)
        assert open_ones == [False, False, False]

    def test_what_is_listed_no_more_is_marked_gone_and_stays(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lists = Lists(phase_lists={"24-001": phases("0330000", "0510000")}).stand_in(monkeypatch)
        read(linked)
        lists.vendor_list, lists.job_list = vendors("ACME", "NEW"), jobs("24-001")
        lists.phase_lists["24-001"] = phases("0330000")
        read(linked)
        assert set(Vendor.objects.filter(gone_at=None).values_list("code", flat=True)) == {"ACME", "NEW"}
        assert Vendor.objects.get(code="BOLT").gone_at is not None
        assert Job.objects.get(number="24-002").gone_at is not None
        assert Phase.objects.get(code="0510000").gone_at is not None
        lists.vendor_list = vendors("ACME", "BOLT")
        read(linked)
        assert Vendor.objects.get(code="BOLT").gone_at is None

    def test_changed_names_and_states_are_taken_over(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lists = Lists().stand_in(monkeypatch)
        read(linked)
        lists.vendor_list = Rows((VendorRecord("ACME", "Acme Mechanical\0", VendorStatus.NOT_USED),))
        read(linked)
        vendor = Vendor.objects.get(code="ACME")
        assert (vendor.name, vendor.status) == ("Acme Mechanical", "N")
        assert Vendor.objects.filter(code="ACME").count() == 1

    def test_a_name_of_any_length_breaks_nothing(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Lists(vendor_list=Rows((VendorRecord("ACME", "x" * 5000),))).stand_in(monkeypatch)
        assert read(linked).status == SyncStatus.DONE

    def test_another_company_of_the_same_server_is_left_alone(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other: Connection = ConnectionFactory()
        Lists().stand_in(monkeypatch)
        syncing.requeue_sync(other.pk)
        syncing.sync_connection(other.pk)
        Lists(vendor_list=vendors("ONLY")).stand_in(monkeypatch)
        read(linked)
        assert set(other.vendors.filter(gone_at=None).values_list("code", flat=True)) == {"ACME", "BOLT"}


class TestWhatCanNotBeRead:
    @pytest.mark.parametrize("answer", [Unavailable("It did not answer."), Unauthorised("Not let in.")])
    def test_a_list_stays_as_it_was_and_nothing_of_it_is_gone(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch, answer: Unavailable | Unauthorised
    ) -> None:
        lists = Lists().stand_in(monkeypatch)
        before = read(linked)
        lists.vendor_list = lists.job_list = lists.phase_lists["24-001"] = answer
        pull = read(linked)
        assert pull.status == SyncStatus.FAILED
        assert pull.problem.splitlines() == [
            f"The {what} could not be synced: {answer.reason} Those of the last sync are kept."
            for what in ("vendors", "jobs", "phases of job 24-001")
        ]
        assert (pull.vendors_at, pull.jobs_at) == (before.vendors_at, before.jobs_at)
        for model in (Vendor, Job, Phase):
            assert model.objects.exists()
            assert not model.objects.exclude(gone_at=None).exists()
        assert HistoryEntry.objects.get(event="masters.not_read").detail["problems"]

    def test_each_list_counts_by_itself(self, linked: JobLink, monkeypatch: pytest.MonkeyPatch) -> None:
        lists = Lists(vendor_list=Unavailable("That service is not granted."))
        pull = read_with(lists, linked, monkeypatch)
        assert pull.status == SyncStatus.FAILED
        assert pull.problem == (
            "The vendors could not be synced: That service is not granted. None have been synced so far."
        )
        assert pull.vendors_at is None
        assert pull.jobs_at is not None
        assert Phase.objects.exists()

    def test_a_list_that_is_suddenly_empty_is_not_believed(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lists = Lists().stand_in(monkeypatch)
        read(linked)
        lists.vendor_list, lists.job_list, lists.phase_lists["24-001"] = Rows(()), Rows(()), Rows(())
        pull = read(linked)
        assert "Spectrum listed no vendors" in pull.problem
        assert not Vendor.objects.exclude(gone_at=None).exists()
        assert not Job.objects.exclude(gone_at=None).exists()
        assert not Phase.objects.exclude(gone_at=None).exists()

    def test_it_is_tried_again_within_the_hour(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pull = read_with(Lists(job_list=Unavailable("Nobody listens there.")), linked, monkeypatch)
        assert pull.status == SyncStatus.FAILED
        assert pull.not_before is not None
        assert timedelta(minutes=50) < pull.not_before - timezone.now() < timedelta(minutes=61)

    def test_a_mistake_of_ours_ends_the_reading_and_is_said(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken() -> None:
            raise ZeroDivisionError

        Lists(meanwhile=broken).stand_in(monkeypatch)
        pull = read(linked)
        assert (pull.status, pull.lease_until) == (SyncStatus.FAILED, None)
        assert "See its log" in pull.problem


def read_with(lists: Lists, link: JobLink, monkeypatch: pytest.MonkeyPatch) -> MastersPull:
    lists.stand_in(monkeypatch)
    return read(link)


class TestWhen:
    def test_a_new_connection_is_read_without_being_asked(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Lists().stand_in(monkeypatch)
        assert syncing.sync_due_connections() == 1
        assert syncing.sync_due_connections() == 0

    def test_it_is_read_again_after_a_day(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch, settings: Settings
    ) -> None:
        settings.MASTERS_PULL_HOURS = 24
        lists = Lists().stand_in(monkeypatch)
        pull = read(linked)
        assert pull.not_before is not None
        assert timedelta(hours=23) < pull.not_before - timezone.now() <= timedelta(hours=24)
        MastersPull.objects.update(not_before=timezone.now() - timedelta(seconds=1))
        syncing.sync_due_connections()
        assert lists.asked.count("vendors") == 2

    def test_who_asks_while_it_is_being_read_gets_another_reading(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lists = Lists().stand_in(monkeypatch)
        lists.meanwhile = lambda: syncing.requeue_sync(linked.connection_id)
        pull = read(linked)
        assert pull.status == SyncStatus.QUEUED
        lists.meanwhile = lambda: None
        tasks.pull_masters(linked.connection_id)
        pull.refresh_from_db()
        assert pull.status == SyncStatus.DONE
        assert lists.asked.count("vendors") == 2

    def test_a_worker_that_is_told_to_stop_hands_it_back(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lists = Lists(meanwhile=stopping.set).stand_in(monkeypatch)
        try:
            pull = read(linked)
            assert (pull.status, pull.lease_until) == (SyncStatus.QUEUED, None)
            assert lists.asked == ["vendors"]
        finally:
            stopping.clear()
        assert MastersPull.objects.due().exists()


class TestOneAtATime:
    @pytest.mark.parametrize("number", ROUNDS)
    def test_of_two_workers_one_reads(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        lists = Lists().stand_in(monkeypatch)
        syncing.requeue_sync(linked.connection_id)
        results = race(*[lambda: syncing.sync_connection(linked.connection_id)] * 3)
        assert sorted(map(str, results)) == ["False", "False", "True"]
        assert lists.asked.count("vendors") == 1

    def test_what_a_dead_worker_left_is_taken_up_when_its_lease_is_over(
        self, linked: JobLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lists = Lists().stand_in(monkeypatch)
        syncing.requeue_sync(linked.connection_id)
        assert syncing.claim_sync(linked.connection_id) is not None
        assert syncing.sync_due_connections() == 0
        MastersPull.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert syncing.sync_due_connections() == 1
        assert lists.asked[0] == "vendors"

    def test_a_late_worker_changes_nothing(self, linked: JobLink, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its lease ends while it waits for the vendors, and another one reads meanwhile."""
        other = Lists(vendor_list=vendors("NEWER"))
        late = Lists(vendor_list=vendors("OLDER"))
        overtaken = threading.Event()

        def overtake() -> None:
            if overtaken.is_set():
                return
            overtaken.set()
            MastersPull.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
            other.stand_in(monkeypatch)
            assert syncing.sync_connection(linked.connection_id)

        late.meanwhile = overtake
        pull = read_with(late, linked, monkeypatch)
        assert late.asked == ["vendors"]
        assert list(Vendor.objects.values_list("code", flat=True)) == ["NEWER"]
        assert pull.status == SyncStatus.DONE


def list_dollars() -> list[tuple[str, str, Decimal | None, Decimal | None]]:
    told = Phase.objects.exclude(estimate=None, to_date=None)
    return list(told.values_list("code", "cost_type", "estimate", "to_date"))


class TestTheRealWire:
    def read(self, submission: Submission) -> MastersPull:
        return read(JobLink.objects.get(project=submission.project_id))

    def test_through_info_link_inactive_vendors_are_listed_too(
        self, simulator: Simulator, awaiting: Submission, settings: Settings
    ) -> None:
        settings.INFO_LINKS = {"simulator": simulator.info_link}
        pull = self.read(awaiting)
        assert (pull.status, pull.problem) == (SyncStatus.DONE, "")
        assert pull.lists_inactive_vendors
        assert dict(Vendor.objects.values_list("code", "status")) == {"ACME": "A", "BOLT": "A", "GONE": "I"}
        assert set(Phase.objects.values_list("job__number", "code", "cost_type", "status")) == {
            ("24-001", "0330000", "M", "A"),
            ("24-001", "0330000", "S", "A"),
            ("24-001", "0510000", "S", "A"),
            ("24-001", "0990000", "S", "I"),
            ("24-001", "0999999", "S", "C"),
        }
        assert list_dollars() == [("0330000", "S", Decimal("10000.00"), Decimal("1234.56"))]

    def test_without_it_the_services_list_active_vendors_and_every_phase(
        self, simulator: Simulator, awaiting: Submission
    ) -> None:
        pull = self.read(awaiting)
        assert (pull.status, pull.problem) == (SyncStatus.DONE, "")
        assert not pull.lists_inactive_vendors
        assert set(Vendor.objects.values_list("code", flat=True)) == {"ACME", "BOLT"}
        assert set(Job.objects.values_list("number", flat=True)) == {"24-001", "24-002"}
        assert Phase.objects.count() == 5
        assert list_dollars() == [("0330000", "S", Decimal("10000.00"), Decimal("1234.56"))]

    def test_where_nobody_listens_it_says_so(self, awaiting: Submission) -> None:
        pull = self.read(awaiting)
        assert pull.status == SyncStatus.FAILED
        assert pull.problem.startswith("The vendors could not be synced: ")
        assert "None have been synced so far." in pull.problem
