"""Lists over a wire that misbehaves, and through Info-Link."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.dialects import mssql

from erp_integrations.adapters.base import (
    ErpReferences,
    JobRecord,
    JobStatus,
    PhaseRecord,
    PhaseStatus,
    ReferenceStatus,
    Rows,
    Unauthorised,
    Unavailable,
    VendorRecord,
    VendorStatus,
)
from erp_integrations.adapters.spectrum import (
    SpectrumAdapter,
    SpectrumSettings,
    info_link_tables,
    master_data,
)
from erp_integrations.adapters.spectrum.service_fields import GET_JOB, GET_PHASE, LIST_LAYOUTS
from tests.erp_integrations.adapters.spectrum import servers
from tests.erp_integrations.adapters.spectrum.servers import (
    TYPES,
    Behaviour,
    Server,
    answering,
    description,
    envelope,
    serving,
)

AUTHORIZATION = "AUTH-7781-SECRET"
UNUSED = VendorRecord("UNUSED", "Unused", VendorStatus.NOT_USED)
GONE = VendorRecord("GONE", "Gone", VendorStatus.INACTIVE)
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
DESCRIPTIONS = {
    method: description(method, layout.names).split("?>", 1)[1].strip()
    for method, layout in LIST_LAYOUTS.items()
}
JSON = "application/json"


def connected(base_url: str, **changes: object) -> SpectrumAdapter:
    settings = SpectrumSettings(
        base_url,
        "PHL",
        AUTHORIZATION,
        wsdls=DESCRIPTIONS,
        connect_timeout=5.0,
        read_timeout=5.0,
    )
    return SpectrumAdapter(replace(settings, **changes))  # type: ignore[arg-type]


@contextmanager
def listing(behaviour: Behaviour, **changes: object) -> Iterator[tuple[SpectrumAdapter, Server]]:
    with serving(behaviour) as server:
        yield connected(server.url, **changes), server


def reply(method: str, *rows: dict[str, str]) -> str:
    inner = "".join(
        "<response>" + "".join(f"<{n}>{escape(v)}</{n}>" for n, v in row.items()) + "</response>"
        for row in rows
    )
    name = method[:1].lower() + method[1:]
    return envelope(
        f'<n:{method}Response xmlns:n="{TYPES}"><returnArray><returnData><{name}>{inner}</{name}>'
        f"</returnData></returnArray></n:{method}Response>"
    )


VENDORS = json.dumps([{"Vendor_Code": "BOLT", "Name": "Bolt"}, {"Vendor_Code": "ACME  ", "Name": " Acme "}])


def test_vendors_are_asked_for_as_the_company_with_its_authorisation() -> None:
    with listing(answering(VENDORS, kind=JSON)) as (adapter, server):
        answer = adapter.list_vendors()
    assert answer == Rows((VendorRecord("ACME", "Acme"), VendorRecord("BOLT", "Bolt")))
    head = server.requests[0].decode()
    assert head.startswith("GET /vendors/PHL HTTP/1.1\r\n")
    token = base64.b64encode(f"PHL:{AUTHORIZATION}".encode()).decode()
    assert f"Authorization: Basic {token}\r\n" in head


def test_the_place_of_the_vendors_is_a_setting_and_the_code_is_quoted_in_it() -> None:
    changes = {"vendors_path": "/x/{company_code}/all", "company_code": "A/B"}
    with listing(answering(VENDORS, kind=JSON), **changes) as (adapter, server):
        adapter.list_vendors()
    assert server.requests[0].startswith(b"GET /x/A%2FB/all HTTP")


def test_capped_vendors_are_asked_for_by_name_with_all_cost_centers() -> None:
    capped = json.dumps([*json.loads(VENDORS), {"Error_Code": "W"}])
    with listing(answering(capped, kind=JSON)) as (adapter, server):
        answer = adapter.list_vendors()
    assert isinstance(answer, Unavailable)
    assert answer.reason == (
        "Spectrum lists only some of them at a time, and ignores pName. "
        "Reading through Info-Link shows all of them."
    )
    queries = [parse_qs(urlsplit(request.split()[1].decode()).query) for request in server.requests]
    assert queries[0] == {}
    assert queries[1] == {"pCostCenter": ["ALL"], "pName": ["!*"]}


def test_a_vendor_without_a_code_is_no_list() -> None:
    with listing(answering('[{"Vendor_Code": "", "Name": "Acme"}]', kind=JSON)) as (adapter, _):
        assert adapter.list_vendors() == Unavailable("Spectrum listed a row without vendor code.")


def test_a_company_without_anything_is_not_believed() -> None:
    with listing(answering("[]", kind=JSON)) as (adapter, _):
        assert adapter.list_vendors() == Unavailable("Spectrum lists nothing for this company.")
    with listing(answering(reply("GetJob"))) as (adapter, _):
        assert adapter.list_jobs() == Unavailable("Spectrum lists nothing for this company.")


def test_nothing_listed_with_a_guid_may_be_the_guids_fault() -> None:
    with listing(answering(reply("GetPhase"))) as (adapter, _):
        assert adapter.list_phases("24-001") == Rows(())
    with listing(answering(reply("GetPhase")), guid=GUID) as (adapter, _):
        answer = adapter.list_phases("24-001")
    assert isinstance(answer, Unavailable)
    assert "GUID" in answer.reason


def test_every_declared_element_is_sent_once_for_each_status_and_the_secrets_with_it() -> None:
    with listing(answering(reply("GetPhase")), guid=GUID) as (adapter, server):
        adapter.list_phases("24-001")
    assert len(server.requests) == 3
    for request, status in zip(server.requests, "AIC", strict=True):
        body = request.decode()
        assert f"<Authorization_ID>{AUTHORIZATION}</Authorization_ID>" in body
        assert f"<GUID>{GUID}</GUID>" in body
        assert "<pCompany_Code>PHL</pCompany_Code>" in body
        assert "<pJob_Number>24-001</pJob_Number>" in body
        assert f"<pStatus_Code>{status}</pStatus_Code>" in body
        assert all(f"<{name}" in body for name in GET_PHASE.names)


def test_rows_of_something_else_than_was_asked_for_are_no_list() -> None:
    row = {"Company_Code": "PHL", "Job_Number": "24-001", "Status_Code": "A"}
    for changed, told in (
        ({"Company_Code": "NYC"}, "pCompany_Code"),
        ({"Status_Code": "C"}, "pStatus_Code"),
    ):
        with listing(answering(reply("GetJob", {**row, **changed}))) as (adapter, _):
            answer = adapter.list_jobs()
        assert answer == Unavailable(f"Spectrum ignores {told} and listed others too.")
    phase = {**row, "Phase_Code": "0330000", "Cost_Type": "S", "Job_Number": "24-002"}
    with listing(answering(reply("GetPhase", phase))) as (adapter, _):
        phases = adapter.list_phases("24-001")
    assert phases == Unavailable("Spectrum ignores pJob_Number and listed others too.")


@pytest.mark.parametrize(
    ("said", "estimate"),
    [
        ({"Estimated_Dollars": "9876543210123.45"}, "9876543210123.45"),
        ({"Estimated_Dollars": "-1200.5000"}, "-1200.50"),
        ({"Estimated_Dollars": ".50"}, "0.50"),
        ({"Estimated_Dollars": "0"}, "0"),
        *(
            ({"Estimated_Dollars": nonsense}, None)
            for nonsense in (
                "",
                "-",
                ".",
                "n/a",
                "NaN",
                "Infinity",
                "1e5",
                "1,200.00",
                "1.005",
                "12 3",
                "\u0663",
            )
        ),
        ({"Estimated_Dollars": "12345678901234"}, None),
        ({"Estimate": "1200.00"}, None),
        ({}, None),
    ],
)
def test_a_phase_s_dollars_are_read_to_the_cent_or_not_at_all(
    said: dict[str, str], estimate: str | None
) -> None:
    row = {"phase_code": "0330000", "cost_type": "S", "status_code": "A", "jtd_dollars": "7.01"}
    row |= {name.lower(): text for name, text in said.items()}
    phase = connected("http://127.0.0.1:1").parse_phase(row)
    assert phase.estimate == (None if estimate is None else Decimal(estimate))
    assert phase.to_date == Decimal("7.01")


def test_a_job_number_that_is_none_is_asked_for_nowhere() -> None:
    adapter = connected("http://127.0.0.1:1")
    for number in ("", "*", "24-001" * 4):
        answer = adapter.list_phases(number)
        assert isinstance(answer, Unavailable)
        assert answer.reason.startswith("The job number ")


def test_a_service_that_has_changed_is_not_called() -> None:
    kept = {**DESCRIPTIONS, "GetJob": description("GetJob", GET_JOB.names[:2]).split("?>", 1)[1]}
    with listing(answering(reply("GetJob")), wsdls=kept) as (adapter, server):
        answer = adapter.list_jobs()
    assert answer == Unavailable(
        "Spectrum's description of GetJob has no pCompany_Code, pStatus_Code. "
        "An ERP Integrations Admin can name the right element in the settings of the connection."
    )
    assert server.requests == []


def test_an_element_that_we_don_t_know_is_sent_blank_as_it_asks_for_nothing() -> None:
    kept = {**DESCRIPTIONS, "GetPhase": description("GetPhase", (*GET_PHASE.names, "pNew")).split("?>", 1)[1]}
    with listing(answering(reply("GetPhase")), wsdls=kept) as (adapter, server):
        assert adapter.list_phases("24-001") == Rows(())
    assert all(b"pNew" in request for request in server.requests)


def test_a_description_that_is_not_kept_is_fetched() -> None:
    with listing(answering(description("GetJob", GET_JOB.names)), wsdls={}) as (adapter, server):
        answer = adapter.list_jobs()
    assert isinstance(answer, Unavailable)
    assert answer.reason.startswith("Spectrum's reply is not an answer to GetJob")
    assert [request.split()[1] for request in server.requests] == [b"/wsdls/GetJob.jws", b"/ws/GetJob"]


@pytest.mark.parametrize(
    ("behaviour", "word"),
    [
        (servers.silent, "did not reply within 1 second"),
        (servers.resetting, "broke before its reply was complete"),
        (answering("<html></html>", status="503 Busy", kind="text/html"), "503"),
        (answering("", status="302 Found", headers="Location: http://127.0.0.1:1/\r\n"), "302"),
    ],
)
def test_a_wire_that_breaks_gives_no_list(behaviour: Behaviour, word: str) -> None:
    with listing(behaviour, read_timeout=1.0) as (adapter, _):
        for answer in (adapter.list_vendors(), adapter.list_jobs(), adapter.list_phases("24-001")):
            assert isinstance(answer, Unavailable)
            assert word in answer.reason


def test_a_reply_that_repeats_a_secret_is_told_without_it() -> None:
    refused = {"Error_Code": "E", "Error_Description": f"{AUTHORIZATION} has no access"}
    with listing(answering(reply("GetJob", refused))) as (adapter, _):
        answer = adapter.list_jobs()
    assert isinstance(answer, Unauthorised)
    assert AUTHORIZATION not in answer.reason
    with listing(answering(json.dumps([refused]), kind=JSON)) as (adapter, _):
        answered = adapter.list_vendors()
    assert isinstance(answered, Unauthorised)
    assert AUTHORIZATION not in answered.reason


def test_a_list_may_be_longer_than_the_reply_to_a_write() -> None:
    many = [{"Vendor_Code": f"V{n}", "Name": "n" * 200} for n in range(9000)]
    with listing(answering(json.dumps(many), kind=JSON)) as (adapter, _):
        answer = adapter.list_vendors()
    assert isinstance(answer, Rows)
    assert len(answer.rows) == 9000
    rows = [{"Job_Number": f"J{n}", "Job_Description": "d" * 200} for n in range(9000)]
    with listing(answering(reply("GetJob", *rows))) as (adapter, _):
        jobs = adapter.list_jobs()
    assert isinstance(jobs, Rows)
    assert len(jobs.rows) == 9000


def test_parts_that_take_too_long_are_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master_data, "MAX_LIST_SECONDS", -1.0)
    with listing(answering(VENDORS, kind=JSON)) as (adapter, server):
        answer = adapter.list_vendors()
    assert isinstance(answer, Unavailable)
    assert "take longer than" in answer.reason
    assert server.requests == []


@pytest.mark.parametrize(
    ("vendor", "job", "seen"),
    [
        ("ACME", "24-001", (ReferenceStatus.ACTIVE, ReferenceStatus.ACTIVE)),
        ("gone", "24-002", (ReferenceStatus.INACTIVE, ReferenceStatus.CLOSED)),
        ("UNUSED", "24-001", (ReferenceStatus.CLOSED, ReferenceStatus.ACTIVE)),
        ("NOBODY", "24-001", (ReferenceStatus.ABSENT, ReferenceStatus.ACTIVE)),
        ("ACME", "24-999", (ReferenceStatus.ACTIVE, ReferenceStatus.ABSENT)),
    ],
)
def test_vendor_job_and_phases_are_looked_at_together(
    info_link: str, vendor: str, job: str, seen: tuple[ReferenceStatus, ReferenceStatus]
) -> None:
    adapter = connected("http://127.0.0.1:1", info_link=info_link)
    now = adapter.read_current_references(ErpReferences(vendor_code=vendor, job_number=job))
    assert isinstance(now, ErpReferences)
    assert (now.vendor, now.job) == seen
    assert now.phases is not None
    assert len(now.phases) == {"24-001": 2, "24-002": 1, "24-999": 0}[job]


def test_where_neither_is_shown_nobody_can_tell(info_link: str) -> None:
    adapter = connected("http://127.0.0.1:1", info_link=info_link)
    assert isinstance(
        adapter.read_current_references(ErpReferences(vendor_code="X", job_number="Y")), Unavailable
    )
    without = connected("http://127.0.0.1:1")
    assert isinstance(
        without.read_current_references(ErpReferences(vendor_code="ACME", job_number="24-001")), Unavailable
    )


@pytest.fixture
def info_link(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'site.sqlite3'}"
    with create_engine(url).begin() as connection:
        for statement in (
            "CREATE TABLE VN_VENDOR_MASTER_MC (Company_Code, Vendor_Code, Vendor_Name, Status)",
            "INSERT INTO VN_VENDOR_MASTER_MC VALUES ('PHL', ' GONE ', 'Gone  ', 'I'), ('phl', 'ACME      ', "
            "'Acme', 'A'), ('NYC', 'OTHER', 'Other', 'A'), ('PHL', 'UNUSED', 'Unused', 'N')",
            "CREATE TABLE JC_JOB_MASTER_MC (Company_Code, Job_Number, Job_Description, Status_Code)",
            "INSERT INTO JC_JOB_MASTER_MC VALUES ('PHL', '24-002', NULL, 'C'),"
            " ('PHL', '24-001', 'Roof', 'A')",
            "CREATE TABLE JC_PHASE_MASTER_MC (Company_Code, Job_Number, Phase_Code, Cost_Type, Description,"
            " Status_Code, Bid_Item_Number, Unit_Of_Measure)",
            "INSERT INTO JC_PHASE_MASTER_MC VALUES ('PHL', '24-001', '05-100-00', 'S', 'Steel', 'C', '  7', "
            "'TON'), ('PHL', '24-001', '03-300-00', 'S', 'Concrete', 'A', NULL, ''), ('PHL', '24-002', "
            "'01-100-00', 'S', 'Other', 'A', NULL, '')",
        ):
            connection.execute(text(statement))
    return url


def test_info_link_shows_all_of_the_company_and_nothing_of_others(info_link: str) -> None:
    adapter = connected("http://127.0.0.1:1", info_link=info_link)
    assert adapter.list_vendors() == Rows(
        (
            VendorRecord("ACME", "Acme"),
            GONE,
            VendorRecord("UNUSED", "Unused", VendorStatus.NOT_USED),
        )
    )
    assert adapter.list_jobs() == Rows(
        (JobRecord("24-001", "Roof"), JobRecord("24-002", "", JobStatus.COMPLETE))
    )
    assert adapter.list_phases("24-001") == Rows(
        (
            PhaseRecord("0330000", "S", "Concrete", PhaseStatus.ACTIVE),
            PhaseRecord("0510000", "S", "Steel", PhaseStatus.COMPLETE, "7", "TON"),
        )
    )
    assert adapter.list_phases("24-009") == Rows(())


def test_info_link_s_dollars_are_found_under_the_operator_s_names_and_their_lack_keeps_no_phase_away(
    info_link: str,
) -> None:
    def list_dollars(**names: str) -> list[tuple[Decimal | None, Decimal | None]]:
        listed = connected("http://127.0.0.1:1", info_link=info_link, **names).list_phases("24-001")
        assert isinstance(listed, Rows)
        return [(phase.estimate, phase.to_date) for phase in listed.rows]

    names = {"phase_estimate_field": "Current_Estimate", "phase_to_date_field": "Cost_To_Date"}
    unknown = [(None, None), (None, None)]
    assert list_dollars(**names) == unknown  # no such table
    with create_engine(info_link).begin() as connection:
        for statement in (
            "CREATE TABLE JC_PHASE_ESTIMATE_TOTAL_MC (Company_Code, Job_Number, Phase_Code, Cost_Type, "
            "Current_Estimate, Cost_To_Date)",
            "INSERT INTO JC_PHASE_ESTIMATE_TOTAL_MC VALUES ('PHL', '24-001', '0330000 ', 's', 1200.1, NULL), "
            "('PHL', '24-002', '0510000', 'S', 5, 5), ('NYC', '24-001', '0510000', 'S', 6, 6)",
        ):
            connection.execute(text(statement))
    assert list_dollars(**names) == [(Decimal("1200.10"), None), (None, None)]
    assert list_dollars(phase_estimate_field="", phase_to_date_field="") == unknown
    assert list_dollars() == unknown  # no such columns
    with create_engine(info_link).begin() as connection:
        connection.execute(
            text("UPDATE JC_PHASE_ESTIMATE_TOTAL_MC SET Company_Code = 'PHL', Job_Number = '24-001'")
        )
    assert list_dollars(**names) == [(Decimal("1200.10"), None), (None, None)]  # two rows say two things


def test_an_info_link_that_shows_nothing_of_the_company_is_being_loaded(info_link: str) -> None:
    adapter = connected("http://127.0.0.1:1", info_link=info_link, company_code="BIG")
    assert (
        adapter.list_vendors()
        == adapter.list_jobs()
        == Unavailable("Spectrum lists nothing for this company.")
    )


def test_a_status_that_is_not_known_is_no_list(info_link: str) -> None:
    with create_engine(info_link).begin() as connection:
        connection.execute(text("UPDATE JC_PHASE_MASTER_MC SET Status_Code = 'X'"))
    answer = connected("http://127.0.0.1:1", info_link=info_link).list_phases("24-001")
    assert isinstance(answer, Unavailable)
    assert "'X'" in answer.reason


def test_sql_server_is_asked_in_words_that_old_ones_know() -> None:
    question = info_link_tables.build_company_query(info_link_tables.PHASES, " phl ", Job_Number="24-001")
    compiled = " ".join(str(question.compile(dialect=mssql.dialect())).split())
    assert compiled.endswith(
        "WHERE upper(ltrim(rtrim([JC_PHASE_MASTER_MC].[Company_Code]))) = :upper_1"
        " AND upper(ltrim(rtrim([JC_PHASE_MASTER_MC].[Job_Number]))) = :upper_2"
    )
    assert "PHL" in question.compile(dialect=mssql.dialect()).params.values()
