"""Regular work is due by the database, whichever worker asks and since when it lives."""

import threading
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from pytest_django import Settings

from config import worker
from directory.db.leases import stopping
from erp_integrations.models import Heartbeat

DAY = timedelta(days=1)


class Counted:
    """Something that runs regularly, and how often it did."""

    __name__ = "counted"

    def __init__(self) -> None:
        self.times = 0
        self.fault: Exception | None = None

    def __call__(self) -> None:
        self.times += 1
        if self.fault:
            raise self.fault


@pytest.mark.django_db
class TestDaily:
    def test_it_is_done_at_once_and_not_again_within_the_day(self) -> None:
        counted = Counted()
        for _ in range(3):  # as after a restart, or in other workers
            worker.run_if_due(DAY, counted)
        assert counted.times == 1

    def test_it_is_done_again_when_the_day_is_over(self) -> None:
        counted = Counted()
        worker.run_if_due(DAY, counted)
        Heartbeat.objects.update(at=Now() - DAY)
        worker.run_if_due(DAY, counted)
        assert counted.times == 2

    def test_what_failed_is_due_again(self) -> None:
        counted = Counted()
        counted.fault = ValueError("a mistake of ours")
        with pytest.raises(ValueError, match="a mistake"):
            worker.run_if_due(DAY, counted)
        counted.fault = None
        worker.run_if_due(DAY, counted)
        worker.run_if_due(DAY, counted)
        assert counted.times == 2


@pytest.mark.django_db
def test_what_is_due_at_each_poll_asks_nothing_of_the_database() -> None:
    counted = Counted()
    worker.run_if_due(worker.EACH_POLL, counted)
    worker.run_if_due(worker.EACH_POLL, counted)
    assert counted.times == 2
    assert not Heartbeat.objects.exists()


def test_each_line_of_the_schedule_has_a_name_of_its_own_that_can_be_stored() -> None:
    names = [function.__name__ for _, function in worker.SCHEDULE]
    assert len(set(names)) == len(names)
    longest = Heartbeat._meta.get_field("name").max_length
    assert longest is not None
    assert max(map(len, names)) <= longest


@pytest.mark.django_db(transaction=True)
def test_a_line_that_hangs_or_breaks_down_delays_no_other_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.WORKER_POLL_SECONDS = 0.01
    release, again = threading.Event(), threading.Event()
    broken = Counted()
    broken.fault = ValueError("a mistake of ours")

    def hangs() -> None:
        release.wait(30)

    def breaks() -> None:
        if broken.times:
            again.set()
        broken()

    monkeypatch.setattr(worker, "SCHEDULE", ((worker.EACH_POLL, hangs), (worker.EACH_POLL, breaks)))
    scheduler = worker.Scheduler(None)
    scheduler.start(None)
    try:
        assert again.wait(10)
    finally:
        release.set()
        scheduler.close(None)
        scheduler.stop(None)
        stopping.clear()
    assert "breaks failed" in caplog.text
