"""Faults of the whole site: its people, its listener, its services, and Info-Link's copy."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
import zeep.exceptions

from local.spectrum.info_link import InfoLink
from local.spectrum.store import Store
from tests.local.spectrum.conftest import Caller
from tests.local.spectrum.test_soap import elements, envelope
from tests.simulator import MASTERS, Simulator

ACCEPTED: list[tuple[str, str]] = []
INJECTING = "INJECTS-DEFAULTS-1"


def until(look: Callable[[], object], seconds: float = 5) -> None:
    ends = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < ends
        time.sleep(0.02)


@pytest.fixture(scope="module")
def copied_process() -> Iterator[Simulator]:
    company = MASTERS["companies"][0]
    grant = {"id": INJECTING, "defaults": {"Contract_Type": "SUBCONTRACT", "Retention_Percent": "5.0"}}
    masters = {"companies": [company | {"authorization_ids": [*company["authorization_ids"], grant]}]}
    with Simulator.start(masters=masters, copied=True) as simulator:
        yield simulator


@pytest.fixture
def copied(copied_process: Simulator) -> Iterator[Caller]:
    """A caller of a simulator whose Info-Link is a copy."""
    yield Caller(copied_process)
    copied_process.set_faults()


def read_back(simulator: Simulator, number: str) -> list[str]:
    """The statuses of the subcontracts of this number, as an Info-Link reader sees them."""
    reader = sqlite3.connect(f"file:{simulator.read_file}?mode=ro", uri=True)
    try:
        query = "SELECT Comment_1 FROM VN_SUBCONTRACT_MC WHERE trim(Subcontract_Number) = ?"
        return [comment for (comment,) in reader.execute(query, (number,))]
    finally:
        reader.close()


class TestListener:
    @pytest.mark.parametrize("on_call", [0, 1])
    def test_connections_are_refused_and_taken_again(self, caller: Caller, number: str, on_call: int) -> None:
        caller.service("UpdateSubcontract")
        caller.simulator.set_faults({"kind": "refuse_connection", "on_call": on_call, "seconds": 0.6})
        if on_call:
            assert caller.header(Subcontract_Number=number) == ACCEPTED
        started = time.monotonic()
        with pytest.raises(requests.ConnectionError, match="refused"):
            caller.header(Subcontract_Number=number)
        until(lambda: caller.simulator.faults())
        assert time.monotonic() - started > 0.3
        assert caller.header(Subcontract_Number=number) == ACCEPTED

    def test_it_stops_while_it_refuses(self) -> None:
        simulator = Simulator.start()
        simulator.set_faults({"kind": "refuse_connection", "on_call": 0, "seconds": 60})
        started = time.monotonic()
        assert simulator.stop() == 0
        assert time.monotonic() - started < 4


class TestServices:
    def test_an_element_more_is_described_and_then_missed(
        self, spectrum_simulator: Simulator, number: str
    ) -> None:
        old = Caller(spectrum_simulator)
        assert old.header(Subcontract_Number=number) == ACCEPTED
        spectrum_simulator.set_faults(
            {"kind": "wsdl_drift", "method": "UpdateSubcontract", "on_call": 0, "column": "Tax_Group"}
        )
        with pytest.raises(zeep.exceptions.Fault, match="Missing element Tax_Group"):
            old.header(Subcontract_Number=number)
        new = Caller(spectrum_simulator)
        assert new.header(Subcontract_Number=number, Tax_Group="PA") == ACCEPTED
        assert new.line(Subcontract_Number=number) == ACCEPTED
        spectrum_simulator.set_faults()
        assert old.header(Subcontract_Number=number) == ACCEPTED

    def test_a_drift_can_come_in_the_middle_of_a_group(self, caller: Caller, number: str) -> None:
        caller.simulator.set_faults({"kind": "wsdl_drift", "on_call": 2})
        assert caller.header(Subcontract_Number=number) == ACCEPTED
        assert caller.line(Subcontract_Number=number) == ACCEPTED
        with pytest.raises(zeep.exceptions.Fault, match="Missing element Tax_Group"):
            caller.line(Subcontract_Number=number, Phase_Code="0510000")

    def test_an_authorization_id_can_inject_values_where_elements_are_blank(
        self, copied: Caller, number: str
    ) -> None:
        sent = {"Subcontract_Number": number, "Authorization_ID": INJECTING, "Contract_Type": "PLUMBING"}
        assert copied.header(**sent) == ACCEPTED
        stored = copied.stored(number)
        assert (stored["Contract_Type"], stored["Retention_Percent"]) == ("PLUMBING", "5.0")
        assert copied.header(Subcontract_Number=f"{number}-B") == ACCEPTED
        assert copied.stored(f"{number}-B")["Retention_Percent"] == "0.0"


class TestPeople:
    def test_a_person_enters_changes_and_deletes_a_subcontract(self, caller: Caller, number: str) -> None:
        simulator = caller.simulator
        key = {"Company_Code": "PHL", "Vendor_Code": "ACME", "Subcontract_Number": number}
        line = {"Phase_Code": "0330000", "Cost_Type": "S", "Original_Contract_Amount": "250.00"}
        simulator.enter(**key, Job_Number="24-002", lines=[line])
        simulator.enter(**key, Comment_1="By hand")
        stored = caller.stored(number)
        assert (stored["Job_Number"], stored["Comment_1"]) == ("24-002", "By hand")
        assert (stored["Original_Amount"], len(stored["lines"])) == ("250.00", 1)
        assert caller.header(Subcontract_Number=number) == [("I", "Job_Number")]
        simulator.delete(number, vendor="ACME", company="PHL")
        assert simulator.record(number) is None
        assert all(call["number"] != number for call in simulator.calls()[:-1])

    @pytest.mark.parametrize(
        ("document", "says"),
        [
            ([], b"a subcontract needs Company_Code"),
            ({"Company_Code": "PHL", "Vendor_Code": "ACME"}, b"a subcontract needs Company_Code"),
            (
                {"Company_Code": "PHL", "Vendor_Code": "ACME", "Subcontract_Number": "NO-JOB"},
                b"a new subcontract needs Job_Number",
            ),
            (
                {
                    "Company_Code": "PHL",
                    "Vendor_Code": "ACME",
                    "Subcontract_Number": "COLOUR",
                    "Job_Number": "24-001",
                    "Colour": "red",
                },
                b"it can't be stored",
            ),
        ],
    )
    def test_what_nobody_could_enter_is_refused(self, caller: Caller, document: object, says: bytes) -> None:
        status, _, body = caller.raw(
            "POST",
            "/simulator/subcontracts",
            json.dumps(document).encode(),
            Content_Type="application/json",
        )
        assert status == 400
        assert says in body

    def test_what_is_not_there_can_not_be_deleted(self, caller: Caller) -> None:
        assert caller.raw("DELETE", "/simulator/subcontracts/PHL/ACME/NONE")[0] == 404
        assert caller.raw("DELETE", "/simulator/records.json")[0] == 404

    def test_a_person_edits_after_the_commit_of_a_call(self, caller: Caller, number: str) -> None:
        caller.simulator.set_faults(
            {"kind": "person_edits", "method": "UpdateSubcontract", "column": "Comment", "text": "Mine now"},
            {
                "kind": "person_edits",
                "method": "UpdateSubcontractPhases",
                "column": "Original_Contract_Amount",
                "text": "7.00",
            },
        )
        assert caller.header(Subcontract_Number=number, Comment="Sent") == ACCEPTED
        assert caller.line(Subcontract_Number=number, Original_Contract_Amount="5.00") == ACCEPTED
        stored = caller.stored(number)
        assert stored["Comment_1"] == "Mine now"
        assert (stored["lines"][0]["Original_Contract_Amount"], stored["Original_Amount"]) == ("7.00", "7.00")

    def test_a_person_deletes_after_the_commit_of_a_call(self, caller: Caller, number: str) -> None:
        caller.simulator.set_faults({"kind": "person_deletes", "on_call": 2})
        assert caller.header(Subcontract_Number=number) == ACCEPTED
        assert caller.line(Subcontract_Number=number) == ACCEPTED
        assert caller.simulator.record(number) is None

    def test_another_jobs_subcontract_takes_the_number_just_before_the_call(
        self, caller: Caller, number: str
    ) -> None:
        caller.simulator.set_faults({"kind": "number_taken", "key": number})
        assert caller.header(Subcontract_Number=number) == [("I", "Job_Number")]
        stored = caller.stored(number)
        assert (stored["Job_Number"], stored["Original_Amount"]) == ("24-002", "1000.00")


class TestKeysAndInvoices:
    """People's changes at Spectrum's own screens, in a site of its own."""

    KEY = {"Company_Code": "PHL", "Vendor_Code": "ACME", "Subcontract_Number": "SC-1"}
    LINE = {"Phase_Code": "0330000", "Cost_Type": "S", "Original_Contract_Amount": "100.00"}

    @pytest.fixture
    def site(self) -> Iterator[Simulator]:
        with Simulator.start(copied=True) as simulator:
            simulator.enter(**self.KEY, Job_Number="24-001", Retention_Percent="10", lines=[self.LINE])
            yield simulator

    def shown(self, site: Simulator) -> list[tuple[str, ...]]:
        """The lines, as Info-Link shows them."""
        with sqlite3.connect(site.read_file) as copy:
            rows = copy.execute(
                "SELECT trim(Vendor_Code), trim(Subcontract_Number), trim(Phase_Code)"
                " FROM VN_SUBCONTRACT_PHASE_MC"
            ).fetchall()
        copy.close()
        return rows

    def test_a_vendor_s_new_code_takes_its_records_along(self, site: Simulator) -> None:
        site.change_keys(company="PHL", vendor="ACME", to="ACMENEW")
        assert self.shown(site) == [("ACMENEW", "SC-1", "0330000")]
        site.change_keys(company="PHL", vendor="ACMENEW", number="SC-1", to_number="SC-2")
        assert self.shown(site) == [("ACMENEW", "SC-2", "0330000")]

    def test_phases_are_expanded_with_zeros_on_jobs_and_lines(self, site: Simulator) -> None:
        site.change_keys(company="PHL", zeros=2)
        assert self.shown(site) == [("ACME", "SC-1", "033000000")]

    def test_invoices_and_payments_add_up(self, site: Simulator) -> None:
        site.bill(**self.KEY, Phase_Code="0330000", Cost_Type="S", amount="30.00", quantity="3")
        site.bill(**self.KEY, Phase_Code="0330000", Cost_Type="S", amount="20.00")
        site.bill(**self.KEY, paid="25.00")
        stored = site.record("SC-1")
        assert stored is not None
        totals = [
            stored[name] for name in ("Total_Billed", "Total_Paid", "Retention_Balance", "Total_Balance")
        ]
        assert totals == ["50.00", "25.00", "5.00", "50.00"]
        assert stored["lines"][0]["Amount_Billed_To_Date"] == "50.00"
        assert stored["lines"][0]["Quantity_Billed_To_Date"] == "3.00"

    def test_a_file_of_before_gets_the_new_columns(self, site: Simulator) -> None:
        site.stop(keep=True)
        with sqlite3.connect(site.database) as file:
            file.execute("ALTER TABLE VN_SUBCONTRACT_MC DROP COLUMN Total_Billed")
        file.close()
        site.run()
        site.bill(**self.KEY, Phase_Code="0330000", Cost_Type="S", amount="30.00")
        assert site.records()[0]["Total_Billed"] == "30.00"


class TestInfoLink:
    def test_a_copy_without_a_lag_is_in_step_with_every_reply(self, copied: Caller, number: str) -> None:
        assert copied.header(Subcontract_Number=number, Comment="One") == ACCEPTED
        assert read_back(copied.simulator, number) == ["One"]
        assert copied.line(Subcontract_Number=number) == ACCEPTED
        copied.simulator.enter(
            Company_Code="PHL", Vendor_Code="ACME", Subcontract_Number=number, Comment_1="Two"
        )
        assert read_back(copied.simulator, number) == ["Two"]
        copied.simulator.delete(number, vendor="ACME", company="PHL")
        assert read_back(copied.simulator, number) == []

    def test_a_copy_can_lag(self, copied: Caller, number: str) -> None:
        copied.simulator.set_faults({"kind": "read_back_lag", "on_call": 0, "seconds": 0.5})
        started = time.monotonic()
        assert copied.header(Subcontract_Number=number, Comment="Late") == ACCEPTED
        assert copied.stored(number)["Comment_1"] == "Late"
        assert read_back(copied.simulator, number) == []
        until(lambda: read_back(copied.simulator, number) == ["Late"])
        assert time.monotonic() - started >= 0.5

    def test_what_was_held_back_is_shown_when_the_faults_are_cleared(
        self, copied: Caller, number: str
    ) -> None:
        copied.simulator.set_faults({"kind": "read_back_lag", "on_call": 0, "seconds": 600})
        assert copied.header(Subcontract_Number=number, Comment="Held") == ACCEPTED
        copied.simulator.set_faults()
        assert read_back(copied.simulator, number) == ["Held"]

    def test_a_copy_can_be_out_of_reach_and_comes_back_complete(self, copied: Caller, number: str) -> None:
        copied.simulator.set_faults({"kind": "read_back_outage", "seconds": 0.5})
        assert copied.header(Subcontract_Number=number, Comment="Out") == ACCEPTED
        with pytest.raises(sqlite3.OperationalError):
            read_back(copied.simulator, number)
        until(lambda: copied.simulator.read_file.exists())
        assert read_back(copied.simulator, number) == ["Out"]

    def test_a_copy_that_was_cut_short_keeps_nobody_out_when_it_is_made_anew(self, tmp_path: Path) -> None:
        store, copy = Store(tmp_path / "spectrum.sqlite3"), tmp_path / "copy.sqlite3"
        InfoLink(copy, store).close()
        writer = sqlite3.connect(copy)
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("CREATE TABLE filler (text TEXT)")
        writer.executemany("INSERT INTO filler VALUES (?)", [("x" * 4000,)] * 100)
        journal = (tmp_path / "copy.sqlite3-journal").read_bytes()
        writer.rollback()
        writer.close()
        (tmp_path / "copy.sqlite3-journal").write_bytes(journal)
        InfoLink(copy, store).close()
        reader = sqlite3.connect(f"file:{copy}?mode=ro", uri=True)
        assert reader.execute("SELECT count(*) FROM VN_SUBCONTRACT_MC").fetchone() == (0,)
        reader.close()

    def test_its_masters_are_those_of_the_start(self, copied: Caller) -> None:
        reader = sqlite3.connect(f"file:{copied.simulator.read_file}?mode=ro", uri=True)
        assert reader.execute("SELECT count(*) FROM VN_VENDOR_MASTER_MC").fetchone() == (3,)
        reader.close()

    def test_who_reads_while_the_copy_is_made_anew_never_finds_it_empty(self, tmp_path: Path) -> None:
        store = Store(tmp_path / "spectrum.sqlite3")
        with store.transaction() as db:
            db.execute("INSERT INTO VN_VENDOR_MASTER_MC VALUES ('PHL', 'ACME', 'Acme', 'A', 'N')")
        InfoLink(tmp_path / "copy.sqlite3", store).close()
        found, done = set[object](), threading.Event()

        def read() -> None:
            while not done.is_set():
                reader = sqlite3.connect(f"file:{tmp_path / 'copy.sqlite3'}?mode=ro", uri=True)
                try:
                    found.add(reader.execute("SELECT count(*) FROM VN_VENDOR_MASTER_MC").fetchone()[0])
                except sqlite3.Error as error:
                    found.add(str(error))
                finally:
                    reader.close()

        thread = threading.Thread(target=read)
        thread.start()
        for _ in range(30):
            InfoLink(tmp_path / "copy.sqlite3", store).close()
        done.set()
        thread.join()
        store.close()
        assert found == {1}

    def test_faults_of_a_copy_need_a_copy(self, caller: Caller) -> None:
        document = json.dumps({"faults": [{"kind": "read_back_lag", "on_call": 0}]}).encode()
        status, _, body = caller.raw("POST", "/simulator/faults", document, Content_Type="application/json")
        assert status == 400
        assert b"--info-link" in body


class TestClock:
    def test_it_is_another_day_in_spectrum_when_it_is_told_so(self, caller: Caller, number: str) -> None:
        try:
            caller.simulator.set_clock("2015-07-01T09:00:00+00:00")
            assert caller.header(Subcontract_Number=number) == ACCEPTED
            assert caller.stored(number)["Date_Issued"] == "2015-07-01"
            assert caller.simulator.calls()[-1]["received_at"].startswith("2015-07-01T09:0")
        finally:
            caller.simulator.set_clock(None)
        assert json.loads(caller.raw("GET", "/simulator/clock")[2])["now"] > "2026"

    def test_it_can_start_at_a_moment(self) -> None:
        with Simulator.start(options=["--now", "2015-07-01T09:00"]) as simulator:
            assert json.loads(Caller(simulator).raw("GET", "/simulator/clock")[2])["now"].startswith(
                "2015-07-01T09:0"
            )

    @pytest.mark.parametrize("document", [b"[]", b'{"now": "yesterday"}', b'{"now": 5}', b'{"then": null}'])
    def test_a_moment_that_makes_no_sense_is_refused(self, caller: Caller, document: bytes) -> None:
        status, _, _ = caller.raw("POST", "/simulator/clock", document, Content_Type="application/json")
        assert status == 400


class TestChance:
    def answers(self, caller: Caller, number: str) -> str:
        caller.simulator.set_faults({"kind": "locked", "probability": 0.5, "times": 20, "on_call": 3})
        return "".join(
            "S" if caller.header(Subcontract_Number=number) == ACCEPTED else "I" for _ in range(20)
        )

    def test_a_fault_with_a_probability_strikes_the_same_calls_for_the_same_seed(
        self, caller: Caller, number: str
    ) -> None:
        drawn = self.answers(caller, number)
        assert drawn.startswith("SS")
        assert 3 < drawn.count("I") < 16
        assert self.answers(caller, number) == drawn
        with Simulator.start(options=["--seed", "7"]) as other:
            assert self.answers(Caller(other), number) != drawn
        with Simulator.start(options=["--seed", "0"]) as same:
            assert self.answers(Caller(same), number) == drawn


def test_a_call_that_is_committed_late_is_hung_up_on_at_once(caller: Caller, number: str) -> None:
    caller.simulator.set_faults({"kind": "late_commit", "seconds": 0.5})
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        caller.header(Subcontract_Number=number)
    assert time.monotonic() - started < 0.4
    assert caller.simulator.record(number) is None
    until(lambda: caller.simulator.record(number))
    until(lambda: caller.simulator.calls()[-1]["outcome"] == "accepted")
    call = caller.simulator.calls()[-1]
    assert (call["fault"], call["stored"], call["wire"]) == ("late_commit", True, "no answer, hung up")


def test_an_expired_secret_is_answered_by_the_gateway(caller: Caller, number: str) -> None:
    caller.simulator.set_faults({"kind": "expired_secret"})
    status, kind, body = caller.raw("POST", "/ws/UpdateSubcontract", envelope(elements=elements(number)))
    assert (status, kind) == (401, "application/json; charset=utf-8")
    assert b"expired" in body
    assert caller.simulator.record(number) is None
    assert caller.simulator.calls()[-1]["outcome"] == "not authorised"


def test_a_guid_can_time_out_in_the_middle_of_a_group(caller: Caller, number: str) -> None:
    caller.simulator.set_faults({"kind": "guid_timed_out", "on_call": 2})
    assert caller.header(Subcontract_Number=number) == ACCEPTED
    key = {"Company_Code": "PHL", "Vendor_Code": "ACME", "Subcontract_Number": number}
    (row,) = caller.put("UpdateSubcontractPhases", **key)
    assert row == {"error_code": "A", "desc": "Time out has occurred", "column": "GUID"}
    assert caller.stored(number)["lines"] == []


def test_an_injected_default_stands_there_whatever_was_sent(caller: Caller, number: str) -> None:
    caller.simulator.set_faults({"kind": "injected_default", "column": "Retention_Percent", "text": "10.0"})
    assert caller.header(Subcontract_Number=number, Retention_Percent="5.0") == ACCEPTED
    assert caller.stored(number)["Retention_Percent"] == "10.0"
