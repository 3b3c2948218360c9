import pytest

from erp_integrations.adapters.base import Accepted, Outcome, Refused, Unauthorised, Unknown
from erp_integrations.adapters.spectrum import replies
from erp_integrations.adapters.spectrum.wire import Exchange
from tests.erp_integrations.adapters.spectrum.servers import reply

PUT = ("error_code", "desc", "column")
GET = ("Error_Code", "Error_Description", "Error_Column")
Row = tuple[str, str, str]


def read(text: str, success: frozenset[str] = frozenset("SG")) -> Outcome:
    exchange = Exchange(wrote=True, status=200, body=text.encode())
    return replies.read(exchange, "UpdateSubcontract", success)


@pytest.mark.parametrize("names", [PUT, GET, ("ERROR_CODE", "DESC", "COLUMN")])
@pytest.mark.parametrize("wrapper", ["", "updateSubcontract"])
@pytest.mark.parametrize("prefix", ["", "n:"])
def test_every_spelling_of_a_reply_is_read_alike(names: Row, wrapper: str, prefix: str) -> None:
    answer = read(
        reply(
            ("i", "Vendor_Code does not exist", "Vendor_Code"),
            (" M ", "GL_Account is required", "GL_Account"),
            names=names,
            wrapper=wrapper,
            prefix=prefix,
        )
    )
    assert isinstance(answer, Refused)
    assert [(error.code, error.text, error.column) for error in answer.errors] == [
        ("I", "Vendor_Code does not exist", "Vendor_Code"),
        ("M", "GL_Account is required", "GL_Account"),
    ]


@pytest.mark.parametrize(
    "rows", [[("S", "", "")], [("G", "Phase is inactive", "")], [("s", "", ""), ("G", "", "")]]
)
def test_the_codes_of_the_setting_are_a_yes(rows: list[Row]) -> None:
    assert isinstance(read(reply(*rows)), Accepted)


def test_a_site_may_say_yes_in_another_way() -> None:
    assert isinstance(read(reply(("OK", "", ""))), Unknown)
    assert isinstance(read(reply(("ok", "", "")), frozenset({"OK"})), Accepted)
    assert isinstance(read(reply(("S", "", "")), frozenset({"OK"})), Unknown)
    assert isinstance(read(reply(("W", "Take care", "")), frozenset({"W"})), Accepted)
    assert isinstance(read(reply(("A", "Added", "")), frozenset({"A"})), Accepted)


def test_a_warning_beside_a_yes_or_a_no_changes_neither() -> None:
    assert isinstance(read(reply(("S", "", ""), ("W", "Take care", ""))), Accepted)
    answer = read(reply(("I", "No", ""), ("W", "Take care", "")))
    assert isinstance(answer, Refused)
    assert [error.code for error in answer.errors] == ["I"]


@pytest.mark.parametrize(
    "row",
    [
        ("A", "The Web Service is not authorized.", ""),
        ("A", "Time out has occurred", ""),
        ("A", "Access denied", "Vendor_Code"),
        ("A", "", ""),
        ("A", "Not set up", "Authorization_ID"),
        ("E", "Anything at all", ""),
        ("I", "Company_Code is invalid", "Company_Code"),
        ("M", "GUID is required", "guid"),
    ],
)
def test_what_is_about_the_connection_stops_the_connection(row: Row) -> None:
    answer = read(reply(("I", "Vendor_Code does not exist", "Vendor_Code"), row))
    assert isinstance(answer, Unauthorised)
    assert row[1] in answer.reason


@pytest.mark.parametrize(
    "row",
    [
        ("A", "The record is in use by another user", "Subcontract_Number"),
        ("A", "Aborted, the subcontract is closed", ""),
        ("A", "", "Job_Number"),
    ],
)
def test_an_abort_that_speaks_of_the_document_is_a_refusal(row: Row) -> None:
    assert isinstance(read(reply(row)), Refused)


def test_a_row_without_a_code_makes_the_whole_reply_unknown() -> None:
    text = reply(("S", "", "")).replace("</returnData>", "<response><desc>?</desc></response></returnData>")
    assert isinstance(read(text), Unknown)


def test_comments_and_instructions_in_a_reply_say_nothing() -> None:
    text = reply(("S", "fine", "")).replace("<desc>", "<?skip this?><!-- I --><desc>")
    assert isinstance(read(text), Accepted)


def test_long_words_are_shortened_for_people() -> None:
    answer = read(reply(("I", "x" * 10_000, "")))
    assert isinstance(answer, Refused)
    assert len(answer.errors[0].text) == 500
