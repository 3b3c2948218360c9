"""One reply of a list: its rows, and the proof that they are all."""

import json

import pytest

from erp_integrations.adapters.base import Unauthorised, Unavailable
from erp_integrations.adapters.spectrum.list_responses import (
    LIST_CAP,
    ListResponse,
    ListUnavailableError,
    Row,
    parse_json_list,
    parse_soap_list,
)
from erp_integrations.adapters.spectrum.wire import Exchange
from tests.erp_integrations.adapters.spectrum.servers import TYPES, envelope, fault

BLANK = {"Error_Code": "", "Error_Description": "", "Error_Column": ""}
WARNING = {"Error_Code": "W", "Error_Description": "exceeds the maximum", "Error_Column": ""}


def job(number: object) -> dict[str, str]:
    return {
        "Company_Code": "PHL",
        "Job_Number": f"{number}   ",
        "Job_Description": "Roof &amp; walls",
        **BLANK,
    }


def soap(*rows: dict[str, str], prefix: str = "", wrapper: str = "getJob") -> str:
    inner = "".join(
        f"<{prefix}response>"
        + "".join(f"<{prefix}{name}>{value}</{prefix}{name}>" for name, value in row.items())
        + f"</{prefix}response>"
        for row in rows
    )
    data = f"<{prefix}{wrapper}>{inner}</{prefix}{wrapper}>" if wrapper else inner
    return envelope(
        f'<n:GetJobResponse xmlns:n="{TYPES}"><returnArray><returnData>{data}</returnData></returnArray>'
        "</n:GetJobResponse>"
    )


def read(body: str, *, status: int = 200) -> ListResponse:
    return parse_soap_list(Exchange(bytes_sent=True, status=status, body=body.encode()), "GetJob")


def told(body: str, *, status: int = 200) -> Unauthorised | Unavailable:
    with pytest.raises(ListUnavailableError) as caught:
        read(body, status=status)
    return caught.value.answer


@pytest.mark.parametrize(("prefix", "wrapper"), [("", "getJob"), ("n:", "getJob"), ("", "")])
def test_rows_are_read_trimmed_qualified_or_not(prefix: str, wrapper: str) -> None:
    found = read(soap(job("24-001"), prefix=prefix, wrapper=wrapper))
    assert found.is_complete
    assert found.rows[0]["job_number"] == "24-001"
    assert found.rows[0]["job_description"] == "Roof & walls"


@pytest.mark.parametrize("bad", [b"&#x1B;", b"\x1b", b"caf\xe9"])
def test_characters_that_xml_does_not_allow_cost_no_row(bad: bytes) -> None:
    body = soap(job("24-001"), job("24-002"), WARNING).encode().replace(b"Roof", bad, 1)
    found = parse_soap_list(Exchange(bytes_sent=True, status=200, body=body), "GetJob")
    assert [row["job_number"] for row in found.rows] == ["24-001", "24-002"]
    assert "\ufffd" in found.rows[0]["job_description"]
    cut = parse_soap_list(Exchange(bytes_sent=True, status=200, body=body[: body.index(b"24-002")]), "GetJob")
    assert ([row["job_number"] for row in cut.rows], cut.is_complete) == (["24-001"], False)


@pytest.mark.parametrize("bad", [b"\\u001b", b"\\u0000", b"caf\xe9"])
def test_nor_do_they_in_json(bad: bytes) -> None:
    body = b'[{"Vendor_Code": "ACME", "Name": "Walls ' + bad + b' Inc."}, {"Vendor_Code": "BOLT"}]'
    found = parse_json_list(Exchange(bytes_sent=True, status=200, body=body))
    assert [row["vendor_code"] for row in found.rows] == ["ACME", "BOLT"]
    assert "\ufffd" in found.rows[0]["name"]


def test_a_list_without_rows_is_whole() -> None:
    assert read(soap()) == ListResponse((), is_complete=True)
    assert read(soap(WARNING)) == ListResponse((), is_complete=True)


def test_a_warning_under_rows_says_that_there_are_more() -> None:
    found = read(soap(job(1), WARNING))
    assert not found.is_complete
    assert [row["job_number"] for row in found.rows] == ["1"]


@pytest.mark.parametrize(
    ("count", "whole"), [(LIST_CAP - 1, True), (LIST_CAP, False), (LIST_CAP + 2, False), (LIST_CAP + 3, True)]
)
def test_a_list_as_long_as_the_cap_is_not_trusted_even_without_a_warning(count: int, whole: bool) -> None:
    assert read(soap(*map(job, range(count)))).is_complete is whole


WHOLE = soap(job(1), job(2))


@pytest.mark.parametrize("end", [WHOLE.rfind("</response>") + 11, WHOLE.rfind("</e:Body>"), len(WHOLE) - 1])
def test_rows_before_the_break_are_kept_but_the_list_is_not_whole(end: int) -> None:
    found = read(WHOLE[:end])
    assert not found.is_complete
    assert [row["job_number"] for row in found.rows] == ["1", "2"]


def test_a_row_that_broke_off_is_no_row() -> None:
    for end in range(WHOLE.find("</response>") + 11, WHOLE.rfind("</response>") + 10):
        found = read(WHOLE[:end])
        assert not found.is_complete
        assert [row["job_number"] for row in found.rows] == ["1"], WHOLE[:end][-20:]


@pytest.mark.parametrize(
    ("row", "kind", "word"),
    [
        ({"Error_Code": "E", "Error_Description": "no access"}, Unauthorised, "no access"),
        ({"Error_Code": "A", "Error_Description": "", "Error_Column": ""}, Unauthorised, "let this"),
        ({"Error_Code": "I", "Error_Description": "is invalid"}, Unavailable, "is invalid"),
        ({"Error_Code": "Q"}, Unavailable, "unknown code (Q)"),
        ({"Company_Code": "PHL", "Job_Number": " ", **BLANK}, Unavailable, "empty row"),
        ({}, Unavailable, "empty row"),
    ],
)
def test_a_row_that_is_no_record_is_no_list(row: dict[str, str], kind: type, word: str) -> None:
    answer = told(soap(job(1), row))
    assert isinstance(answer, kind)
    assert word in answer.reason


@pytest.mark.parametrize(
    ("body", "status", "kind", "word"),
    [
        ("", 401, Unauthorised, "(401)"),
        ("", 403, Unauthorised, "(403)"),
        ("<html></html>", 503, Unavailable, "503"),
        ("<html></html>", 200, Unavailable, "not an answer to GetJob"),
        ("", 200, Unavailable, "not complete, plain XML"),
        ("<a></b>", 200, Unavailable, "not plain XML"),
        (fault("Error executing Web Service"), 200, Unavailable, "Error executing Web Service"),
        (fault("Error executing Web Service"), 500, Unavailable, "Error executing Web Service"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + WHOLE.split("?>", 1)[1], 200, Unavailable, "plain XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + WHOLE.split("?>", 1)[1][:-20], 200, Unavailable, "plain XML"),
        (soap(job(1)).replace("GetJobResponse", "GetPhaseResponse"), 200, Unavailable, "not an answer"),
    ],
)
def test_what_is_no_answer_is_no_list(body: str, status: int, kind: type, word: str) -> None:
    answer = told(body, status=status)
    assert isinstance(answer, kind)
    assert word in answer.reason


def vendor(code: object) -> dict[str, str]:
    return {"Vendor_Code": f"{code} ", "Name": "Acme"}


def listed(body: str) -> ListResponse:
    return parse_json_list(Exchange(bytes_sent=True, status=200, body=body.encode()))


@pytest.mark.parametrize(
    "document",
    [[vendor(1)], {"response": [vendor(1)]}, {"a": {"vendors": [vendor(1)]}, "b": 1}],
)
def test_an_array_is_found_bare_or_inside(document: object) -> None:
    expected: Row = {"vendor_code": "1", "name": "Acme"}
    assert listed(json.dumps(document)) == ListResponse((expected,), is_complete=True)


def test_numbers_and_nulls_are_read_as_text() -> None:
    found = listed('[{"Vendor_Code": 12, "Name": null}]')
    assert found.rows == ({"vendor_code": "12", "name": ""},)


def test_a_json_list_is_capped_and_cut_like_the_others() -> None:
    assert listed("[]") == ListResponse((), is_complete=True)
    assert not listed(json.dumps([vendor(1), WARNING])).is_complete
    assert not listed(json.dumps([vendor(n) for n in range(LIST_CAP)])).is_complete
    text = json.dumps({"response": [vendor(1), vendor(2)]})
    for end in range(text.find("}") + 1, len(text)):
        found = listed(text[:end])
        assert not found.is_complete
        assert found.rows[0]["vendor_code"] == "1"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("", Unavailable),
        ("<html></html>", Unavailable),
        ("{}", Unavailable),
        ('{"message": "no"}', Unavailable),
        ("[1, 2]", Unavailable),
        ('{"a": [], "b": []}', Unavailable),
        ("[" * 100_000, Unavailable),
        (json.dumps([{"Error_Code": "E", "Error_Description": "no"}]), Unauthorised),
        (json.dumps({"Error_Code": "E"}), Unauthorised),
        (json.dumps([{"error_code": "A", "desc": "The Web Service is not authorized."}]), Unauthorised),
    ],
)
def test_json_that_is_no_list_is_none(body: str, kind: type) -> None:
    with pytest.raises(ListUnavailableError) as caught:
        listed(body)
    assert isinstance(caught.value.answer, kind)
