"""One delivery's truths, whatever became of its worker. Literals judge, not the product."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models.functions import Now

from commitments.models import Badge, Lock
from directory.models import HistoryEntry, User
from erp_integrations import submissions
from erp_integrations.models import Alarm, CallState, ExportJob, JobStatus, Verification
from erp_integrations.submissions import Attested
from tests.erp_integrations.every_step.worlds import Database, Spectrum, look, probe

LOOKS = 8
BADGES = {
    JobStatus.SYNCED: Badge.SYNCED,
    JobStatus.UNKNOWN: Badge.NEEDS_ATTENTION,
    JobStatus.INCOMPLETE: Badge.NEEDS_ATTENTION,
    JobStatus.FAILED: Badge.FAILED,
    JobStatus.CANCELLED: Badge.AWAITING,
}
KEPT_BY_SPECTRUM = {"Simulator_Stored_At"}
"""These are not of the content."""


@dataclass
class World:
    """An accepted commitment, and everything by which it can be put back and judged."""

    job_id: int
    approver: User
    database: Database
    spectrum: Spectrum
    faults: tuple[dict[str, object], ...] = ()
    complete: dict[str, Any] = field(default_factory=dict)
    """The whole record, as it was accepted."""

    def keep(self) -> None:
        """From here it is put back."""
        self.database.keep()
        self.spectrum.keep()

    def put_back(self) -> None:
        """As it was kept."""
        self.database.put_back()
        self.spectrum.put_back()
        if self.faults:
            self.spectrum.simulator.set_faults(*self.faults)

    @property
    def job(self) -> ExportJob:
        """As it is stored now."""
        return ExportJob.objects.select_related("submission__commitment", "connection").get(pk=self.job_id)

    @property
    def rests(self) -> bool:
        """True if nothing more happens to it by itself."""
        job = self.job
        match job.status:
            case JobStatus.SYNCED:
                return job.verification != Verification.PENDING
            case JobStatus.INCOMPLETE:
                return job.not_before is None
            case JobStatus.UNKNOWN:
                return job.needs_manual_resolution
        return job.status in (JobStatus.FAILED, JobStatus.CANCELLED)


def another_worker_goes_on(world: World) -> None:
    """A second worker looks: while the leases run, when they are over, and when all waiting is over."""
    before, attempt = len(world.spectrum.calls()), world.job.attempt
    look()
    leased = ExportJob.objects.filter(pk=world.job_id, lease_until__gt=Now(), attempt=attempt).exists()
    assert not leased or len(world.spectrum.calls()) == before, "it sent while the first one's lease ran"
    world.database.let_pass(quiet=False)
    look()
    if world.job.status == JobStatus.UNKNOWN:
        before = len(world.spectrum.calls())
        look()
        assert len(world.spectrum.calls()) == before, "it sent in the quiet period"
        assert world.job.status == JobStatus.UNKNOWN, "an absence was believed in the quiet period"
    it_comes_to_rest(world)


def it_comes_to_rest(world: World) -> None:
    """Let waiting times pass until nothing changes by itself; more than a few looks are too many."""
    for _ in range(LOOKS):
        if world.rests:
            return
        world.database.let_pass(quiet=True)
        probe()
        look()
    assert world.rests, f"after {LOOKS} looks it is still {world.job.status}: {world.job.problem}"


def faults_of(world: World, *, doubles: bool = False) -> list[str]:
    """The faults of the world as it is at rest, as sentences; ``doubles`` may be stored."""
    job = world.job
    record = world.spectrum.record()
    wrong = []
    if not doubles:
        wrong += [f"{part} was stored {times} times" for part, times in stored(world).items() if times > 1]
    if job.status == JobStatus.SYNCED:
        if comparable(record) != comparable(world.complete):
            wrong.append(f"synced, and Spectrum holds {record}")
        if job.connection.has_read_back and job.verification != Verification.MATCH:
            wrong.append(f"synced, and read back it {job.verification}")
    elif strange := _strange(record, world.complete):
        wrong.append(f"{job.status}, and Spectrum holds {strange}, which nobody accepted")
    known = [call.state == CallState.WRITTEN for call in job.list_current_calls()]
    there = held(world)
    if job.status in (JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.INCOMPLETE) and there != known:
        wrong.append(f"{job.status}: Spectrum holds {there}, the calls say {known}")
    if job.status in (JobStatus.FAILED, JobStatus.CANCELLED) and record:
        wrong.append(f"{job.status}, and Spectrum has it")
    if any(sure and not is_there for sure, is_there in zip(known, there, strict=True)):
        wrong.append(f"written by our books, and not in Spectrum: {known}, {there}")
    return wrong + _wrong_in_our_books(job)


def ended(world: World) -> str:
    """How it stands, in a few words."""
    job = world.job
    return (
        f"{job.get_status_display()}, {job.verification}"
        if job.status == JobStatus.SYNCED
        else job.get_status_display()
    )


def stored(world: World) -> Counter[tuple[str, ...]]:
    """How often Spectrum stored each part since the world was put back."""
    return Counter(
        (call["method"], *(call["elements"].get(name, "") for name in ("Phase_Code", "Cost_Type")))
        for call in world.spectrum.calls()
        if call["stored"]
    )


def comparable(record: dict[str, Any] | None) -> dict[str, Any] | None:
    """A record without the moments of its storing."""
    if record is None:
        return None
    lines = [{name: line[name] for name in line.keys() - KEPT_BY_SPECTRUM} for line in record["lines"]]
    return {name: record[name] for name in record.keys() - KEPT_BY_SPECTRUM} | {"lines": lines}


def a_person_looks_and_says(world: World) -> None:
    """Where nothing can be read back: the approver looks into Spectrum and says what is there."""
    world.database.let_pass(quiet=True)
    job = world.job
    there = held(world)
    attested = Attested.ALL if all(there) else Attested.PART if any(there) else Attested.NONE
    calls = list(job.list_current_calls())
    submissions.resolve(
        submission=job.submission,
        by=world.approver,
        expected_version=job.attempt,
        attested=attested,
        statement="I looked into Spectrum.",
        positions=[call.position for call, is_there in zip(calls, there, strict=True) if is_there],
    )


def held(world: World) -> list[bool]:
    """Of each call, whether Spectrum holds what it writes."""
    record = world.spectrum.record()
    if record is None:
        return [False] * world.job.list_current_calls().count()
    phases = {line["Phase_Code"] for line in record["lines"]}
    elements = [
        {each["name"]: each["value"] for each in call.elements} for call in world.job.list_current_calls()
    ]
    return [each["Phase_Code"] in phases if "Phase_Code" in each else True for each in elements]


def _strange(record: dict[str, Any] | None, complete: dict[str, Any]) -> list[object]:
    """Stored calls that are no part of what was accepted."""
    if record is None:
        return []
    ours, whole = comparable(record), comparable(complete)
    assert ours is not None
    assert whole is not None
    sums = {"Original_Amount", "lines"}
    strange = [name for name in ours.keys() - sums if ours[name] != whole[name]]
    return strange + [line for line in ours["lines"] if line not in whole["lines"]]


def _wrong_in_our_books(job: ExportJob) -> list[str]:
    wrong = []
    commitment = job.submission.commitment
    if commitment.badge != BADGES[JobStatus(job.status)]:
        wrong.append(f"{job.status}, and the badge is {commitment.badge}")
    synced = job.status == JobStatus.SYNCED
    if (commitment.lock == Lock.EXPORTED, commitment.erp_id == job.erp_id) != (synced, synced):
        wrong.append(f"{job.status}, and the commitment is {commitment.lock} under {commitment.erp_id!r}")
    waits = job.status in (JobStatus.FAILED, JobStatus.UNKNOWN, JobStatus.INCOMPLETE)
    if waits and not Alarm.objects.filter(submission=job.submission_id).exists():
        wrong.append(f"{job.status}, and nobody was told")
    if job.connection.state.lease_holder and not waits and not synced:
        wrong.append(f"the connection is held by {job.connection.state.lease_holder}")
    ends = ["export.synced", "export.found_all", "export.attested_all"]
    times = HistoryEntry.objects.about(job.submission).filter(event__in=ends).count()
    if times != synced:
        wrong.append(f"{job.status}, and the history says {times} times that it was synced")
    return wrong
