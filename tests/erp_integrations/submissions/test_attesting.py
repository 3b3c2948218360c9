"""A person's word on what Spectrum holds is a row for each call, that web writes and nobody changes.

The decisions are made here with web's own database role, which may not change a call without one.
"""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now
from pytest_django import Settings

from commitments.models import Commitment
from directory.models import HistoryEntry, User
from erp_integrations import submissions
from erp_integrations.exports import after_restore, verification
from erp_integrations.models import Attestation, CallState, ExportCall, ExportJob, JobStatus, Submission
from erp_integrations.pages import previews
from erp_integrations.submissions import Attested
from erp_integrations.submissions.attesting import record_attestations
from local.embedded import WEB, WORKER
from tests.conftest import session_of_owner
from tests.directory.test_history_roles import role
from tests.erp_integrations.deliveries import (
    HEADER,
    LINE,
    delete_in_spectrum,
    delivered,
    incomplete_at,
    of,
    quiet_is_over,
    states,
    unknown_at,
)
from tests.erp_integrations.moves.test_moved import follow, renumber
from tests.erp_integrations.submissions.test_adopting import adopt, written_elsewhere
from tests.factories import ExportJobFactory, join_project
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

WRITTEN, PLANNED, NOT_FOUND, GONE = (
    CallState.WRITTEN,
    CallState.PLANNED,
    CallState.NOT_FOUND,
    CallState.GONE,
)
SAW = "I opened it in Spectrum at noon."
TABLE = "erp_integrations_attestation"


@pytest.fixture
def read_back(simulator: Simulator, settings: Settings) -> None:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0
    settings.QUIET_PERIOD_SECONDS = 0


@pytest.fixture
def unlinker(approver: User, deliverable: Commitment) -> User:
    join_project(approver, deliverable.project, "admin")  # type: ignore[arg-type]
    return approver


def attested() -> list[tuple[int, int, bool, bool, str]]:
    """The words on each call, in the order of the plans."""
    rows = Attestation.objects.order_by("call__plan_round", "call__position", "pk")
    names = ("call__plan_round", "call__position", "is_there", "read_back", "statement")
    return list(rows.values_list(*names))


class TestEachDecision:
    """With web's role."""

    @pytest.mark.parametrize(
        ("said", "there", "left"),
        [
            (Attested.ALL, [True, True, True], [WRITTEN, WRITTEN, WRITTEN]),
            (Attested.PART, [True, True, False], [WRITTEN, WRITTEN, PLANNED]),
            (Attested.NONE, [False, False, False], [NOT_FOUND, PLANNED, PLANNED]),
        ],
    )
    def test_resolve(
        self,
        simulator: Simulator,
        queued: ExportJob,
        approver: User,
        said: Attested,
        there: list[bool],
        left: list[CallState],
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_500", method=HEADER)
        quiet_is_over(job)
        with role(WEB):
            submissions.resolve(
                submission=job.submission,
                by=approver,
                expected_version=job.attempt,
                attested=said,
                statement=f" {SAW} ",
                positions=[1, 2],
            )
        assert states(job) == left
        assert attested() == [(1, number, found, False, SAW) for number, found in enumerate(there, 1)]
        assert set(Attestation.objects.values_list("by", flat=True)) == {approver.pk}

    @pytest.mark.usefixtures("read_back")
    @pytest.mark.parametrize("calls", [2, 3])
    def test_mark_as_exported_what_was_read_back(
        self, simulator: Simulator, awaiting: Submission, approver: User, calls: int
    ) -> None:
        written_elsewhere(awaiting, calls=calls)
        with role(WEB):
            job = adopt(awaiting, approver)
        assert states(job) == [WRITTEN] * calls + [PLANNED] * (3 - calls)
        assert attested() == [(1, number, True, True, "") for number in range(1, calls + 1)]
        assert delivered(job).status == JobStatus.SYNCED

    def test_mark_as_exported_in_words(
        self, simulator: Simulator, awaiting: Submission, approver: User, settings: Settings
    ) -> None:
        settings.INFO_LINKS = {}
        after_restore.confirm_restore(reason="The copy of 02:00", anyway=True)
        awaiting.refresh_from_db()
        seen = previews.build_preview(awaiting)
        told: dict[str, Any] = {
            "expected_hash": seen.expected_hash,
            "expected_record": "",
            "erp_id": seen.erp_id,
        }
        with role(WEB):
            job = submissions.adopt(
                submission=awaiting, by=approver, expected_version=0, statement=SAW, **told
            )
        assert states(job) == [WRITTEN] * 3
        assert attested() == [(1, number, True, False, SAW) for number in (1, 2, 3)]

    @pytest.mark.usefixtures("read_back")
    def test_follow_a_whole_record(self, simulator: Simulator, queued: ExportJob, unlinker: User) -> None:
        job = delivered(queued)
        verification.verify_due()
        renumber(simulator, job)
        with role(WEB):
            job = follow(job, unlinker)
        assert states(job) == [WRITTEN] * 3
        assert attested() == [
            (plan, position, plan == 2, True, "") for plan in (1, 2) for position in (1, 2, 3)
        ]
        assert set(job.calls.filter(plan_round=1).values_list("state", flat=True)) == {GONE}

    @pytest.mark.usefixtures("read_back")
    def test_follow_a_part_of_which_one_was_refused(
        self, simulator: Simulator, queued: ExportJob, unlinker: User
    ) -> None:
        job = incomplete_at(simulator, queued, line=2)
        assert states(job) == [WRITTEN, WRITTEN, CallState.REFUSED]
        renumber(simulator, job)
        with role(WEB):
            job = follow(job, unlinker)
        assert states(job) == [WRITTEN, WRITTEN, CallState.REFUSED]
        assert attested() == [(plan, position, plan == 2, True, "") for plan in (1, 2) for position in (1, 2)]

    @pytest.mark.usefixtures("read_back")
    def test_unlink_what_is_read_back_as_gone(
        self, simulator: Simulator, queued: ExportJob, unlinker: User
    ) -> None:
        job = delivered(queued)
        delete_in_spectrum(simulator, job)
        with role(WEB):
            submissions.unlink(submission=job.submission, by=unlinker, expected_version=job.attempt)
        assert states(job) == [GONE] * 3
        assert attested() == [(1, position, False, True, "") for position in (1, 2, 3)]

    def test_unlink_in_words(self, simulator: Simulator, queued: ExportJob, unlinker: User) -> None:
        job = incomplete_at(simulator, queued, line=2)
        quiet_is_over(job)
        told: dict[str, Any] = {"expected_version": job.attempt, "statement": SAW}
        with role(WEB):
            submissions.unlink(submission=of(job).submission, by=unlinker, **told)
        assert states(job) == [GONE] * 3
        assert attested() == [(1, position, False, False, SAW) for position in (1, 2, 3)]

    def test_nothing_is_kept_of_a_decision_that_was_refused(
        self, simulator: Simulator, queued: ExportJob, approver: User
    ) -> None:
        job = unknown_at(simulator, queued, kind="commit_then_500", method=LINE, on_call=1)
        quiet_is_over(job)
        for positions, statement in (([2], SAW), ([1], "…")):
            with pytest.raises(submissions.StatementMissing):
                submissions.resolve(
                    submission=job.submission,
                    by=approver,
                    expected_version=job.attempt,
                    attested=Attested.PART,
                    statement=statement,
                    positions=positions,
                )
        assert attested() == []


class TestTheTable:
    @pytest.fixture
    def call(self) -> ExportCall:
        job: ExportJob = ExportJobFactory()
        return job.list_current_calls()[0]

    def attest(self, call: ExportCall, *, is_there: bool = True) -> None:
        by = call.job.submission.sent_by
        record_attestations([call], is_there=is_there, read_back=False, statement=SAW, by=by)

    @transaction.atomic
    def say_and_change(self, call: ExportCall, *, is_there: bool, state: CallState) -> None:
        self.attest(call, is_there=is_there)
        ExportCall.objects.filter(pk=call.pk).update(state=state)

    def test_a_worker_writes_none(self, call: ExportCall) -> None:
        with role(WORKER), pytest.raises(DatabaseError, match="a worker attests nothing"):
            self.attest(call)
        assert attested() == []
        with role(WEB):
            self.attest(call)
        assert attested() == [(1, 1, True, False, SAW)]

    def test_it_is_in_words_or_was_read_back(self, call: ExportCall) -> None:
        by = call.job.submission.sent_by
        with pytest.raises(DatabaseError, match="an_attestation_was_read_back_or_is_in_words"):
            record_attestations([call], is_there=True, read_back=False, statement=" ", by=by)

    @pytest.mark.parametrize(("is_there", "state"), [(True, GONE), (True, PLANNED), (False, WRITTEN)])
    def test_web_says_the_same_as_was_attested(
        self, call: ExportCall, is_there: bool, state: CallState
    ) -> None:
        ExportCall.objects.update(state=CallState.UNKNOWN)
        with role(WEB):
            with pytest.raises(DatabaseError, match="nobody attested"):
                self.say_and_change(call, is_there=is_there, state=state)
            self.say_and_change(call, is_there=not is_there, state=state)
        assert ExportCall.objects.get(pk=call.pk).state == state

    def test_and_of_that_call(self, call: ExportCall) -> None:
        other = ExportJobFactory().list_current_calls()[0]
        with role(WEB), transaction.atomic():
            self.attest(other)
            with pytest.raises(DatabaseError, match="nobody attested"), transaction.atomic():
                ExportCall.objects.filter(pk=call.pk).update(state=WRITTEN)

    def test_and_now(self, call: ExportCall) -> None:
        with role(WEB):
            Attestation.objects.create(
                call=call,
                is_there=True,
                read_back=True,
                by=call.job.submission.sent_by,
                at="2120-01-01T00:00Z",
            )
            assert Attestation.objects.filter(at__lte=Now()).exists()
            with pytest.raises(DatabaseError, match="nobody attested"):
                ExportCall.objects.filter(pk=call.pk).update(state=WRITTEN)

    def test_what_spectrum_answered_is_attested_by_nobody(self, call: ExportCall) -> None:
        with role(WEB):
            for state in (CallState.REFUSED, CallState.SENDING):
                with pytest.raises(DatabaseError, match="nobody attested"):
                    self.say_and_change(call, is_there=False, state=state)

    def test_planned_again_it_keeps_what_was_known_but_not_that_it_is_written(self, call: ExportCall) -> None:
        call.state = WRITTEN
        call.save()
        again = ExportCall.objects.get(pk=call.pk)
        again.pk, again.plan_round, again.state = None, call.plan_round + 1, PLANNED
        with role(WEB):
            again.save()
            with pytest.raises(DatabaseError, match="nobody attested"):
                ExportCall.objects.filter(pk=again.pk).update(state=WRITTEN)
        ExportCall.objects.filter(pk=call.pk).update(state=CallState.REFUSED)
        with role(WEB):
            ExportCall.objects.filter(pk=again.pk).update(state=CallState.REFUSED)

    @pytest.mark.parametrize("statement", ["UPDATE {} SET is_there = false", "DELETE FROM {}", "TRUNCATE {}"])
    def test_nothing_is_changed_or_removed(self, call: ExportCall, statement: str) -> None:
        self.attest(call)
        words = r"permission denied|append-only"
        for name in (WEB, WORKER):
            with role(name), connection.cursor() as cursor, pytest.raises(DatabaseError, match=words):
                cursor.execute(statement.format(TABLE))
        with pytest.raises(Exception, match="append-only"), session_of_owner() as cursor:
            cursor.execute(statement.format(TABLE))
        assert attested() == [(1, 1, True, False, SAW)]

    def test_a_table_of_the_sessions_own_attests_nothing(self, call: ExportCall) -> None:
        with role(WEB), connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TEMPORARY TABLE {TABLE} AS SELECT %s::bigint AS call_id, true AS is_there, "
                "transaction_timestamp() AS at",
                [call.pk],
            )
            cursor.execute("BEGIN")
            cursor.execute(f"UPDATE pg_temp.{TABLE} SET at = transaction_timestamp()")
            with pytest.raises(DatabaseError, match="nobody attested"):
                ExportCall.objects.filter(pk=call.pk).update(state=WRITTEN)
            cursor.execute("ROLLBACK")


def test_the_history_says_it_too(simulator: Simulator, queued: ExportJob, approver: User) -> None:
    """The rows are what the calls were changed by; the entry is signed and sealed."""
    job = unknown_at(simulator, queued, kind="commit_then_500", method=HEADER)
    quiet_is_over(job)
    submissions.resolve(
        submission=job.submission,
        by=approver,
        expected_version=job.attempt,
        attested=Attested.ALL,
        statement=SAW,
    )
    entry = HistoryEntry.objects.get(event="export.attested_all")
    assert {entry.detail["statement"]} == {row.statement for row in Attestation.objects.all()}
    assert {entry.by_id} == set(Attestation.objects.values_list("by", flat=True))
