"""While a person waits, Spectrum is asked whether the ERP ID is free; it never holds anybody up for long."""

import socket
import threading
from collections.abc import Iterator

import pytest
from django.db import connection as database
from django.utils import timezone
from pytest_django import Settings

from directory.models import User
from erp_integrations.adapters.base import Key, NotFound, Severity, StoredRecord, Unavailable
from erp_integrations.adapters.spectrum.readback import InfoLink
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.exports import worker
from erp_integrations.models import ExportJob, Submission, WireAttempt
from erp_integrations.pages import live_checks, previews
from erp_integrations.pages.live_checks import KeyState
from tests.clients import signed_in
from tests.erp_integrations.conftest import accept
from tests.erp_integrations.exports.test_verification import delivered, in_spectrum
from tests.factories import lists_know
from tests.processes.running import until
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

NOWHERE = {"simulator": "sqlite:///file:/nowhere/at-all?mode=ro&uri=true"}


@pytest.fixture(autouse=True)
def _info_link(simulator: Simulator, settings: Settings) -> None:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    settings.READ_BACK_LAG_SECONDS = 0


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A database server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"mssql+pymssql://reader:secret@127.0.0.1:{server.getsockname()[1]}/spectrum"


def check(submission: Submission, erp_id: str = "LIVE-1") -> live_checks.LiveCheck:
    return live_checks.check_erp_id(submission, build_basis(submission.document), erp_id)


def somebody_elses(simulator: Simulator, erp_id: str) -> None:
    """Somebody has typed a subcontract into Spectrum under that number."""
    in_spectrum(
        simulator,
        "INSERT OR REPLACE INTO VN_SUBCONTRACT_MC (Company_Code, Vendor_Code, Subcontract_Number, "
        "Job_Number, Status_Code, GL_Account, Date_Issued, Insurance_Cert_Flag, Unit_Price_Flag, "
        "Original_Amount, Simulator_Stored_At) VALUES "
        "('PHL', ?, ?, '24-002    ', 'A', '500100', '2015-07-04', 'N', 'N', 99, '2015-07-04')",
        "ACME".ljust(10),
        erp_id.ljust(10),
    )


@pytest.fixture
def closed_phase(simulator: Simulator, awaiting: Submission) -> Iterator[None]:
    """Somebody closes the first line's phase in Spectrum, after its lists were read."""
    lists_know(awaiting.commitment)
    change = "UPDATE JC_PHASE_MASTER_MC SET Status_Code = ? WHERE Company_Code = 'PHL' AND Phase_Code = ?"
    phase = awaiting.document.lines[0].cost_code.replace("-", "").ljust(20)
    in_spectrum(simulator, change, "C", phase)
    yield
    in_spectrum(simulator, change, "A", phase)


CLOSED = {
    "vendor": ("UPDATE VN_VENDOR_MASTER_MC SET Status = ? WHERE Vendor_Code = 'ACME      '", "N"),
    "job": ("UPDATE JC_JOB_MASTER_MC SET Status_Code = ? WHERE Job_Number = '24-001    '", "C"),
}


@pytest.fixture(params=CLOSED)
def closed(request: pytest.FixtureRequest, simulator: Simulator, awaiting: Submission) -> Iterator[str]:
    """Somebody closes the vendor or the job in Spectrum, after its lists were read; which."""
    lists_know(awaiting.commitment)
    statement, status = CLOSED[request.param]
    in_spectrum(simulator, statement, status)
    yield request.param
    in_spectrum(simulator, statement, "A")


WORDS = {"vendor": "is set to “not used” in Spectrum", "job": "is complete in Spectrum"}


def box_of(submission: Submission) -> str:
    return f"{submission.get_absolute_url()}accept/"


class TestWhoseItIs:
    def test_a_free_one_is_said_to_be_free(self, awaiting: Submission) -> None:
        found = check(awaiting)
        assert (found.state, found.issue) == (KeyState.FREE, None)
        assert "LIVE-1: free in Spectrum for this vendor" in found.sentence

    def test_somebody_elses_blocks_with_its_job_lines_and_amount(
        self, simulator: Simulator, awaiting: Submission
    ) -> None:
        somebody_elses(simulator, "LIVE-2")
        found = check(awaiting, " live-2 ")
        assert found.state is KeyState.TAKEN
        assert found.issue is not None
        assert (found.issue.code, found.issue.severity) == ("erp-id-in-spectrum", Severity.BLOCKING)
        assert "job 24-002, 0 lines, amount 99" in found.issue.sentence
        preview = previews.build_preview(awaiting, erp_id="LIVE-2")
        assert preview.is_blocked
        assert preview.issues[0].sentence == found.issue.sentence
        assert preview.issues[0].action == "Choose another ERP ID in the Accept dialog."

    def test_what_we_wrote_ourselves_is_ours(self, awaiting: Submission, approver: User) -> None:
        job: ExportJob = delivered(accept(awaiting, approver))
        found = check(awaiting, job.erp_id)
        assert (found.state, found.issue) == (KeyState.OURS, None)

    def test_without_read_back_or_without_a_key_nothing_is_asked(
        self, awaiting: Submission, settings: Settings
    ) -> None:
        assert check(awaiting, "  ").state is KeyState.NOT_ASKED
        settings.INFO_LINKS = {}
        assert check(awaiting).state is KeyState.NOT_ASKED


class TestWhatThePhasesAreNow:
    def test_a_phase_that_was_closed_since_the_lists_were_read_blocks(
        self, awaiting: Submission, closed_phase: None
    ) -> None:
        preview = previews.build_preview(awaiting, erp_id="LIVE-6")
        assert [each.code for each in preflight.list_blocking(preview.issues)] == ["line-phase-complete"]
        assert preview.is_blocked

    def test_where_all_is_as_it_was_read_nothing_is_said(self, awaiting: Submission) -> None:
        lists_know(awaiting.commitment)
        assert live_checks.check_references(build_basis(awaiting.document)) == []

    def test_whoever_does_not_answer_blocks_nothing(self, awaiting: Submission, settings: Settings) -> None:
        settings.INFO_LINKS = NOWHERE
        found = live_checks.check_references(build_basis(awaiting.document))
        assert [each.severity for each in found] == [Severity.CANNOT_CHECK]

    def test_accept_asks_before_the_decision(
        self, awaiting: Submission, approver: User, closed_phase: None
    ) -> None:
        seen = build_basis(awaiting.document).hash
        posted = {"expected_hash": seen, "expected_version": 0, "erp_id": "LIVE-7", "note": "kept"}
        answer = signed_in(approver).post(box_of(awaiting), posted)
        assert answer.status_code == 422
        assert "is complete on job 24-001 in Spectrum" in answer.content.decode()
        assert not ExportJob.objects.exists()


class TestAVendorOrAJobThatIsClosedByNow:
    def test_the_dialog_says_so_and_nothing_can_be_accepted(
        self, awaiting: Submission, approver: User, closed: str
    ) -> None:
        html = signed_in(approver).get(box_of(awaiting)).content.decode()
        assert WORDS[closed] in html
        seen = build_basis(awaiting.document).hash
        posted = {"expected_hash": seen, "expected_version": 0, "erp_id": "LIVE-8", "note": ""}
        answer = signed_in(approver).post(box_of(awaiting), posted)
        assert answer.status_code == 422
        assert not ExportJob.objects.exists()

    def test_the_worker_looks_before_its_first_write(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        for which, (statement, status) in CLOSED.items():
            job = ExportJob.objects.filter(submission=awaiting).first() or accept(
                awaiting, approver, "LIVE-9"
            )
            ExportJob.objects.filter(pk=job.pk).update(status="queued", not_before=timezone.now())
            in_spectrum(simulator, statement, status)
            worker.export_due_jobs(job.connection_id)
            in_spectrum(simulator, statement, "A")
            job.refresh_from_db()
            assert job.status == "failed"
            assert WORDS[which] in job.problem
        assert not WireAttempt.objects.exists()
        assert not [call for call in simulator.calls() if call["number"] == "LIVE-9"]

    def test_spectrum_itself_has_the_last_word(
        self, simulator: Simulator, awaiting: Submission, approver: User, settings: Settings, closed: str
    ) -> None:
        settings.INFO_LINKS = {}
        job = accept(awaiting, approver)
        worker.export_due_jobs(job.connection_id)
        job.refresh_from_db()
        assert job.status == "failed"
        assert simulator.record(job.erp_id) is None


class TestWhenSpectrumDoesNotAnswer:
    def test_it_can_not_be_checked_now_and_blocks_nothing(
        self, awaiting: Submission, settings: Settings
    ) -> None:
        settings.INFO_LINKS = NOWHERE
        found = check(awaiting)
        assert found.state is KeyState.CANNOT_TELL
        assert found.issue is not None
        assert found.issue.severity is Severity.CANNOT_CHECK
        assert not previews.build_preview(awaiting).is_blocked

    def test_a_silent_one_is_waited_for_as_long_as_the_setting_says(
        self, awaiting: Submission, settings: Settings, silent_server: str
    ) -> None:
        settings.INFO_LINKS = {"simulator": silent_server}
        settings.LIVE_CHECK_SECONDS = 0.3
        found = check(awaiting)
        assert found.issue is not None
        assert "did not answer within 0.3 seconds" in found.issue.sentence
        assert "secret" not in found.issue.sentence

    def test_questions_that_hang_do_not_pile_up(
        self, awaiting: Submission, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[Key] = []
        release = threading.Event()

        def hang(self: InfoLink, key: Key) -> NotFound:
            asked.append(key)
            release.wait(60)
            return NotFound()

        monkeypatch.setattr(InfoLink, "find_record", hang)
        settings.LIVE_CHECK_SECONDS = 0.01
        for _ in range(live_checks.MAX_CONCURRENT + 5):
            assert check(awaiting).state is KeyState.CANNOT_TELL
        assert len(asked) == live_checks.MAX_CONCURRENT
        release.set()
        settings.LIVE_CHECK_SECONDS = 5
        until(lambda: check(awaiting).state is KeyState.FREE, "the places are free again")

    def test_a_mistake_of_ours_is_no_500(self, awaiting: Submission, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(self: InfoLink, key: Key) -> Unavailable:
            raise ZeroDivisionError

        monkeypatch.setattr(InfoLink, "find_record", broken)
        assert check(awaiting).state is KeyState.CANNOT_TELL


class TestOnThePages:
    def test_no_transaction_is_open_while_it_is_asked_and_accept_asks_before_its_own(
        self, awaiting: Submission, approver: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        open_ones: list[bool] = []
        real = live_checks.fetch_in_time

        def ask(*question: object) -> StoredRecord | NotFound | Unavailable:
            open_ones.append(database.in_atomic_block)
            return real(*question)  # type: ignore[arg-type]  # passed on as it came

        monkeypatch.setattr(live_checks, "fetch_in_time", ask)
        client = signed_in(approver)
        client.get(awaiting.get_absolute_url())
        client.get(box_of(awaiting))
        seen = build_basis(awaiting.document).hash
        posted = {"expected_hash": seen, "expected_version": 0, "erp_id": "LIVE-3", "note": ""}
        assert client.post(box_of(awaiting), posted).status_code == 302
        assert open_ones == [False] * 6  # the ERP ID and the phases, three times

    def test_the_review_page_and_the_box_say_that_it_is_free(
        self, awaiting: Submission, approver: User
    ) -> None:
        client = signed_in(approver)
        for address in (awaiting.get_absolute_url(), box_of(awaiting)):
            assert ": free in Spectrum for this vendor" in client.get(address).content.decode()

    def test_a_taken_one_is_refused_before_the_decision(
        self, simulator: Simulator, awaiting: Submission, approver: User
    ) -> None:
        lists_know(awaiting.commitment)
        somebody_elses(simulator, "LIVE-4")
        seen = build_basis(awaiting.document).hash
        posted = {"expected_hash": seen, "expected_version": 0, "erp_id": "LIVE-4", "note": "kept"}
        answer = signed_in(approver).post(box_of(awaiting), posted)
        html = answer.content.decode()
        assert answer.status_code == 422
        assert "Spectrum already has subcontract LIVE-4 of vendor ACME" in html
        assert "kept" in html
        assert not ExportJob.objects.exists()

    def test_what_can_not_be_checked_can_be_accepted(
        self, awaiting: Submission, approver: User, settings: Settings
    ) -> None:
        settings.INFO_LINKS = NOWHERE
        client = signed_in(approver)
        assert "can&#x27;t be checked now" in client.get(box_of(awaiting)).content.decode()
        seen = build_basis(awaiting.document).hash
        posted = {"expected_hash": seen, "expected_version": 0, "erp_id": "LIVE-5", "note": ""}
        assert client.post(box_of(awaiting), posted).status_code == 302
        assert ExportJob.objects.exists()
