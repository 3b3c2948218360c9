import dataclasses
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_integrations.adapters.base import (
    Accepted,
    Call,
    Outcome,
    Refused,
    ReplyRule,
    RuleKind,
    SessionOver,
    Unauthorised,
    Unknown,
)
from erp_integrations.adapters.spectrum import SpectrumAdapter, SpectrumSettings, replies
from erp_integrations.adapters.spectrum.wire import Exchange
from tests.erp_integrations.adapters.examples import DOCUMENT, MASTERS
from tests.erp_integrations.adapters.examples import LINE as LINE_ITEM
from tests.erp_integrations.adapters.spectrum.servers import TYPES, envelope, reply
from tests.simulator import AUTHORIZATION_ID, Simulator

PUT = ("error_code", "desc", "column")
GET = ("Error_Code", "Error_Description", "Error_Column")
Row = tuple[str, str, str]

HEADER, LINE, _ = SpectrumAdapter(SpectrumSettings("http://127.0.0.1:1", "PHL", "x")).build_calls(
    DOCUMENT, MASTERS, "SC-001"
)
UNKNOWN, SILENT, ECHO = (ReplyRule(kind) for kind in (RuleKind.UNKNOWN, RuleKind.NO_ERROR_ROW, RuleKind.ECHO))


def by_codes(*codes: str) -> ReplyRule:
    return ReplyRule(RuleKind.CODES, frozenset(codes))


RULES = [UNKNOWN, SILENT, ECHO, by_codes("S", "G"), by_codes("")]


def read(text: str, rule: ReplyRule | None = None, call: Call = HEADER) -> Outcome:
    exchange = Exchange(bytes_sent=True, status=200, body=text.encode())
    return replies.parse_reply(exchange, call, rule or by_codes("S", "G"))


def holding(data: str, method: str = "UpdateSubcontract") -> str:
    """A reply with anything inside."""
    return envelope(
        f'<n:{method}Response xmlns:n="{TYPES}"><returnArray><returnData>{data}</returnData></returnArray>'
        f"</n:{method}Response>"
    )


def echo(call: Call = HEADER, name: str = "response", inside: str = "", **changes: str) -> str:
    key = ("Company_Code", "Vendor_Code", "Subcontract_Number", "Phase_Code", "Cost_Type", "Bid_Item_Number")
    values = {each: call.payload[each] for each in key if each in call.payload} | changes
    columns = "".join(f"<{each}>{value}</{each}>" for each, value in values.items())
    return f"<{name}>{inside}{columns}</{name}>"


@pytest.mark.parametrize("names", [PUT, GET, ("ERROR_CODE", "DESC", "COLUMN")])
@pytest.mark.parametrize("wrapper", ["", "updateSubcontract"])
@pytest.mark.parametrize("prefix", ["", "n:"])
@pytest.mark.parametrize("rule", RULES)
def test_every_spelling_of_a_reply_is_read_alike(
    names: Row, wrapper: str, prefix: str, rule: ReplyRule
) -> None:
    answer = read(
        reply(
            ("i", "Vendor_Code does not exist", "Vendor_Code"),
            (" M ", "GL_Account is required", "GL_Account"),
            names=names,
            wrapper=wrapper,
            prefix=prefix,
        ),
        rule,
    )
    assert isinstance(answer, Refused)
    assert [(error.code, error.text, error.column) for error in answer.errors] == [
        ("I", "Vendor_Code does not exist", "Vendor_Code"),
        ("M", "GL_Account is required", "GL_Account"),
    ]


# What means written


@pytest.mark.parametrize(
    "rows", [[("S", "", "")], [("G", "Phase is inactive", "")], [("s", "", ""), ("G", "", "")]]
)
def test_the_codes_of_the_setting_are_a_yes(rows: list[Row]) -> None:
    assert isinstance(read(reply(*rows)), Accepted)


def test_a_site_may_say_yes_in_another_way() -> None:
    assert isinstance(read(reply(("OK", "", ""))), Unknown)
    assert isinstance(read(reply(("ok", "", "")), by_codes("OK")), Accepted)
    assert isinstance(read(reply(("S", "", "")), by_codes("OK")), Unknown)
    assert isinstance(read(reply(("W", "Take care", "")), by_codes("W")), Accepted)
    assert isinstance(read(reply(("", "", "")), by_codes("")), Accepted)
    assert isinstance(read(holding("<response/>"), by_codes("")), Accepted)


@pytest.mark.parametrize(
    "text",
    [
        *(reply(*rows) for rows in ([], [("S", "", "")], [("G", "x", "")], [("", "", "")])),
        holding(echo()),
        holding("words"),
    ],
)
def test_where_nobody_has_said_what_a_site_answers_no_reply_means_written(text: str) -> None:
    answer = read(text, UNKNOWN)
    assert isinstance(answer, Unknown)
    assert (answer.reason, answer.status) == (replies.NOT_LEARNED, 200)


@pytest.mark.parametrize(
    ("text", "is_yes"),
    [
        (reply(), True),
        (reply(wrapper="updateSubcontract"), True),
        (holding(" \n <!-- Locked --> "), True),
        (reply(("G", "Vendor_Code is inactive", "Vendor_Code")), True),
        (reply(("G", "x", ""), ("W", "Take care", "")), True),
        (reply(("W", "Take care", "")), False),
        (reply(("S", "", "")), False),
        # One row without a value was seen where a GUID was not taken.
        (reply(("", "", "")), False),
        (holding("<response/>"), False),
        (holding("<response><desc>Locked by JOE</desc></response>"), False),
        (holding("<desc>Locked by JOE</desc>"), False),
        (holding("Locked by JOE"), False),
        (holding("<response><error_code>G</error_code></response>Locked by JOE"), False),
        (holding(echo()), False),
    ],
)
def test_without_an_error_row_only_silence_and_information_are_a_yes(text: str, is_yes: bool) -> None:
    assert isinstance(read(text, SILENT), Accepted if is_yes else Unknown)


@pytest.mark.parametrize(
    ("text", "is_yes"),
    [
        (holding(echo()), True),
        (holding(echo(Vendor_Code="  delriv ", Subcontract_Number="sc-001    ")), True),
        (holding(echo(name="record")), True),
        (holding(echo(inside="<error_code/><desc/>")), True),
        (holding(echo(inside="<error_code>S</error_code>")), True),
        (holding(echo() + "<response><error_code>G</error_code><desc>x</desc></response>"), True),
        (holding(echo(Vendor_Code="OTHER")), False),
        (holding(echo(Company_Code="")), False),
        (holding(echo(Subcontract_Number="SC-0011")), False),
        (holding(echo() + echo(Subcontract_Number="SC-002")), False),
        (holding(echo(inside="<Vendor_Code>OTHER</Vendor_Code>")), False),
        (holding(echo(Vendor_Code="DELRI\ufffd")), False),
        (holding(echo(inside="<error_code>Z</error_code>")), False),
        (holding(echo() + "<response/>"), False),
        (holding(echo(name="record") + "<response><error_code>S</error_code></response>"), False),
        (holding("<response><Subcontract_Number>SC-001</Subcontract_Number></response>"), False),
        (reply(), False),
        (reply(("S", "", "")), False),
    ],
)
def test_a_row_that_repeats_the_key_of_the_call_is_a_yes_and_no_other_is(text: str, is_yes: bool) -> None:
    assert isinstance(read(text, ECHO), Accepted if is_yes else Unknown)


@pytest.mark.parametrize(
    ("changes", "is_yes"),
    [
        ({}, True),
        ({"Phase_Code": "03-300-00"}, True),
        ({"Bid_Item_Number": "10"}, True),  # blank in the call: Spectrum has filled it in
        ({"Phase_Code": "0990000"}, False),
        ({"Cost_Type": "M"}, False),
    ],
)
def test_a_line_that_is_repeated_is_this_line(changes: dict[str, str], is_yes: bool) -> None:
    text = holding(echo(LINE, **changes), LINE.method)
    assert isinstance(read(text, ECHO, LINE), Accepted if is_yes else Unknown)


def test_a_warning_beside_a_yes_or_a_no_changes_neither() -> None:
    assert isinstance(read(reply(("S", "", ""), ("W", "Take care", ""))), Accepted)
    answer = read(reply(("I", "No", ""), ("W", "Take care", "")))
    assert isinstance(answer, Refused)
    assert [error.code for error in answer.errors] == ["I"]


GOOD: list[list[Row]] = [[], [("", "", "")], [("S", "Successful", "")], [("G", "Successful", "")]]
COMPLAINT = "<desc>Job 24-001 is complete</desc><column>Job_Number</column>"
NESTED = "<errors><error><code>I</code><desc>Job closed</desc></error></errors>"
ESCAPED = "&lt;error_code&gt;I&lt;/error_code&gt;"
REJECTED = [
    "<e:Header>Rejected</e:Header>",
    "<e:Header><status>Rejected: job closed</status></e:Header>",
    '<e:Header><status text="Rejected"/></e:Header>',
    "<e:Header><rejected/></e:Header>",
]


def complaints_under(yes: str) -> list[str]:
    """Replies that say no without a published code of refusal, beside a code that means yes by some rule."""
    code = f"<error_code>{yes}</error_code>"
    row = "<response>{}</response>".format
    return [
        row(f"{code}{NESTED}"),
        row(f"{code}<desc>{ESCAPED}</desc>"),
        row(f"{code}<desc>&amp;lt;error_code&amp;gt;I</desc>"),
        row(f"{code}<ErrorText>Job closed</ErrorText>"),
        row(f"{code}<desc>fine</desc><desc>Job closed</desc>"),
        row(f"{code}Job closed"),
        f'<response code="I" message="bad">{code}</response>',
        f'<response><error_code code="I">{yes}</error_code></response>',
        f"<rejected>{code}</rejected>",
        echo(inside=f"{code}{NESTED}"),
        echo(inside=NESTED),
        echo(inside="<Status>Rejected</Status>"),
        "<response><error-code>I</error-code><desc>Job closed</desc></response>",
        "<response><ErrorCode>I</ErrorCode><ErrorText>Job closed</ErrorText></response>",
        f"<row>{COMPLAINT}</row>",
        '<error code="I" text="Vendor does not exist" column="Vendor_Code"/>',
        '<message type="error" text="Vendor does not exist"/>',
        "<rejected/>",
        "Rejected",
        "&lt;response&gt;&lt;error_code&gt;I&lt;/error_code&gt;&lt;/response&gt;",
    ]


def rows_that_complain(code: str) -> list[str]:
    """Rows that name a column, whose code is not that of information."""
    return [
        f"<response><error_code>{code}</error_code>{COMPLAINT}</response>",
        f"<response>{COMPLAINT}<error_code>{code}</error_code><column/></response>",
        f"<response><error_code>{code}</error_code><column>Job_Number</column></response>",
        f"<Response><Error_Code>{code}</Error_Code><Error_Column>Job_Number</Error_Column></Response>",
        echo(inside=f"<error_code>{code}</error_code>{COMPLAINT}"),
        echo(inside="<desc>Job 24-001 is complete</desc>"),
        f"<response>{COMPLAINT}</response>",
        "<response><error_code/><desc>Job 24-001 is complete</desc></response>",
        "<response><error_code> </error_code><Error_Description>No</Error_Description></response>",
    ]


@st.composite
def replies_with_a_no(draw: st.DrawFn) -> str:
    """Rows that mean yes by some rule, and somewhere among, inside or around them a refusal."""
    no = draw(st.sampled_from("AIMEaime"))
    name = draw(st.sampled_from(["error_code", "Error_Code", "ERROR_CODE", "n:error_code"]))
    words = draw(st.sampled_from(["", "<desc>No</desc>", "<desc>No</desc><column>Job_Number</column>"]))
    yes = draw(st.sampled_from(["", *"SG"]))
    good = [
        "",
        f"<response><error_code>{yes}</error_code></response>",
        f"<response><error_code>G</error_code>{COMPLAINT}</response>",
        echo(),
        echo(inside=f"<error_code>{yes}</error_code>"),
    ]
    code = draw(st.sampled_from([f"<{name}>{no}</{name}>", f"<{name}> {no}\n</{name}>"]))
    with_a_code = [
        f"<response>{code}{words}</response>",
        f"<row>{words}{code}</row>",
        f"<response><error_code>{yes}</error_code>{code}</response>",
        f"<response>{code}<error_code>{yes}</error_code></response>",
        f"<response><error_code>{yes}</error_code><more><response>{code}</response></more></response>",
        f"<response><error_code>{yes}{code}</error_code></response>",
        f'<response error_code="{no}"/>',
        echo(inside=code),
        f"{code}{words}",
    ]
    without = complaints_under(yes) + rows_that_complain(draw(st.sampled_from(["", "S", "W", "OK"])))
    around = draw(st.sampled_from(["", *REJECTED]))
    bad = draw(st.sampled_from(with_a_code) | st.sampled_from(without + [""] * bool(around)))
    before, after = ("".join(draw(st.lists(st.sampled_from(good), max_size=2))) for _ in range(2))
    data = f"{before}{bad}{after}"
    inner = f"<returnArray><returnData>{data}</returnData></returnArray>"
    fine = f"<returnArray><returnData>{before}{after}</returnData></returnArray>"
    shape = draw(
        st.sampled_from(["{no}", "{yes}{no}", "{no}{yes}", "{yes}<other>{inner}</other>", "{yes}{strange}"])
    )

    def answer(inside: str, method: str = "UpdateSubcontract") -> str:
        return f"<n:{method}Response>{inside}</n:{method}Response>"

    body = shape.format(
        no=answer(inner), yes=answer(fine), inner=inner, strange=answer(inner, "UpdateSubcontractPhases")
    )
    return envelope(body).replace("<e:Body>", f'{around}<e:Body xmlns:n="{TYPES}">')


EVERY_RULE = [*RULES, *(by_codes(code) for code in ("S", "G", "W")), by_codes("", "S", "G", "W", "OK")]


@given(replies_with_a_no(), st.sampled_from([*EVERY_RULE, by_codes("A", "I", "M", "E")]))
def test_a_reply_in_which_a_refusal_stands_anywhere_is_never_a_yes(text: str, rule: ReplyRule) -> None:
    assert not isinstance(read(text, rule), Accepted)
    assert replies.find_reply_rule(text, HEADER, rule) is None


@pytest.mark.parametrize("rule", EVERY_RULE)
def test_each_way_to_complain_without_a_code_of_refusal_is_no_yes_and_teaches_nothing(
    rule: ReplyRule,
) -> None:
    rows = [row for yes in ("", "S", "G") for row in complaints_under(yes)]
    rows += [row for code in ("", "S", "W", "OK") for row in rows_that_complain(code)]
    texts = [holding(good + row) for row in rows for good in ("", "<response><error_code/></response>")]
    texts += [reply(*row).replace("<e:Body>", f"{around}<e:Body>") for row in GOOD for around in REJECTED]
    for text in texts:
        assert isinstance(read(text, rule), Unknown), text
        assert replies.find_reply_rule(text, HEADER, rule) is None, text


@pytest.mark.parametrize(
    ("success", "rule", "informed_by"),
    [
        ("none", SILENT, SILENT),
        ("blank", by_codes(""), by_codes("", "G")),
        ("G", by_codes("G"), by_codes("G")),
        ("S", by_codes("S"), by_codes("S", "G")),
        ("echo", ECHO, ECHO),
    ],
)
def test_what_the_simulator_says_of_a_written_record_is_a_yes_by_its_rule(
    success: str, rule: ReplyRule, informed_by: ReplyRule
) -> None:
    line = dataclasses.replace(LINE_ITEM, cost_code="03-300-00")
    document = dataclasses.replace(DOCUMENT, lines=(line,))
    links = dataclasses.replace(MASTERS, job_number="24-001", general_ledger_account="500100")
    with Simulator.start(options=["--success", success]) as simulator:
        known = SpectrumSettings(simulator.url, "PHL", AUTHORIZATION_ID, guid=str(uuid4()))
        known = dataclasses.replace(known, wsdls=SpectrumAdapter(known).fetch_wsdls())
        # GONE is no vendor that is active, of which Spectrum informs under the code G.
        for vendor, by in (("ACME", rule), ("GONE", informed_by)):
            adapter = SpectrumAdapter(dataclasses.replace(known, written=by))
            for call in adapter.build_calls(document, dataclasses.replace(links, vendor_code=vendor), "SC-1"):
                answer = adapter.send_call(call)
                assert isinstance(answer, Accepted), answer
                if "is inactive" in answer.reply:
                    assert replies.find_reply_rule(answer.reply, call, UNKNOWN) is None


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("inside", [echo(), "<response><error_code>S</error_code></response>", "<response/>"])
def test_a_yes_that_stands_outside_of_the_answer_is_none(rule: ReplyRule, inside: str) -> None:
    for name in ("other", LINE.method + "Response"):
        text = reply().replace("</e:Body>", f"<{name}>{inside}</{name}></e:Body>")
        assert isinstance(read(text, rule), Unknown)


# What a reply teaches


@pytest.mark.parametrize(
    ("text", "present", "taught"),
    [
        (reply(), UNKNOWN, SILENT),
        (reply(("", "", "")), UNKNOWN, by_codes("")),
        (holding("<response/>"), UNKNOWN, by_codes("")),
        (reply(("G", "Vendor_Code is inactive", "")), UNKNOWN, by_codes("G")),
        (reply(("S", "Successful", "")), UNKNOWN, by_codes("S")),
        (reply(("OK", "", ""), ("W", "", "")), UNKNOWN, by_codes("OK")),
        (reply(("", "", "")), by_codes("S", "G"), by_codes("", "S", "G")),
        (reply(("", "", "")), SILENT, by_codes("")),
        (holding(echo()), UNKNOWN, ECHO),
        (holding(echo(name="record")), SILENT, ECHO),
        (holding(echo(inside="<error_code/>")), UNKNOWN, ECHO),
        (reply(("W", "", "")), UNKNOWN, None),
        (reply(("I", "No", "")), UNKNOWN, None),
        (reply(("A", "", ""), ("S", "", "")), UNKNOWN, None),
        (reply(("NOT A CODE", "", "")), UNKNOWN, None),
        (reply(method="UpdateSubcontractPhases"), UNKNOWN, None),
        (reply()[:-9], UNKNOWN, None),
        (holding("Locked by JOE"), UNKNOWN, None),
        ("", UNKNOWN, None),
        ("<html><body>Welcome</body></html>", UNKNOWN, None),
    ],
)
def test_what_a_reply_to_a_written_record_teaches(
    text: str, present: ReplyRule, taught: ReplyRule | None
) -> None:
    assert replies.find_reply_rule(text, HEADER, present) == taught
    if taught:
        assert isinstance(read(text, taught), Accepted)


# What is refused, and who is at fault

VENDOR = ("I", "Vendor_Code does not exist", "Vendor_Code")


@pytest.mark.parametrize(
    "row",
    [
        ("A", "The Web Service is not authorized.", ""),
        ("A", "The Web Service is not authorized for this job.", ""),
        ("A", "Not set up", "Authorization_ID"),
        ("A", "Job security", "GUID"),
        ("E", "Authorization ID is not setup in the system.", ""),
        ("I", "Company_Code is invalid", "Company_Code"),
        ("M", "GUID is required", "guid"),
    ],
)
def test_what_is_about_the_connection_stops_the_connection(row: Row) -> None:
    answer = read(reply(VENDOR, row))
    assert isinstance(answer, Unauthorised)
    assert row[1] in answer.reason
    assert answer.errors == ()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("column", ["", "GUID", "guid"])
@pytest.mark.parametrize("words", ["Time out has occurred", "Session time out has occurred"])
def test_a_session_whose_time_is_over_is_told_with_or_without_its_column(
    rule: ReplyRule, column: str, words: str
) -> None:
    assert isinstance(read(reply(("A", words, column)), rule), SessionOver)


@pytest.mark.parametrize(
    "row",
    [
        ("A", "Operator is not authorized for this job", "Job_Number"),
        ("A", "Authorization ID may not use this job", "Job_Number"),
        ("A", "The Web Service is not authorised for this job.", "Job_Number"),
        ("A", "Time out has occurred", "Job_Number"),
        ("A", "Not authorized for job 24-001", ""),
        ("A", "Access denied", "Vendor_Code"),
        ("A", "No access to cost center 200", ""),
        ("A", "The fiscal session is closed to this operator", ""),
        ("A", "Vendor is on hold", ""),
        ("A", "Aborted, the subcontract is closed", ""),
        ("A", "", "Job_Number"),
        ("E", "Not authorized", "Cost_Center_Override"),
    ],
)
def test_a_refusal_that_names_something_of_the_document_is_the_documents(row: Row) -> None:
    for rows in ([row], [row, VENDOR], [VENDOR, row]):
        answer = read(reply(*rows))
        assert isinstance(answer, Refused), answer
        assert row[1] in {error.text for error in answer.errors}
        assert not answer.transient


@pytest.mark.parametrize(
    "row",
    [
        ("A", "", ""),
        ("A", "Access denied", ""),
        ("A", "Authorization ID is not authorized for job 24-001", ""),
        ("A", "Vendor is not open to this authorisation ID", ""),
        ("I", "Authorization ID may not use this phase", ""),
        ("E", "Anything at all", ""),
    ],
)
def test_where_the_words_leave_it_open_the_complaints_come_with_it(row: Row) -> None:
    answer = read(reply(row))
    assert isinstance(answer, Unauthorised)
    assert [(error.code, error.text, error.column) for error in answer.errors] == [row]
    # Beside a complaint about the document, it is about that.
    assert isinstance(read(reply(VENDOR, row)), Refused)


@pytest.mark.parametrize(
    ("row", "passes"),
    [
        (("I", "The record is in use by another user", "Subcontract_Number"), True),
        (("A", "Subcontract is currently in use", ""), True),
        (("I", "Vendor is locked by JOE", "Vendor_Code"), True),
        (("I", "The record is in use by JOE on terminal 4", ""), True),
        (("I", "Subcontract is in use. Try line 1 later", ""), True),
        (("A", "Record is locked by another session", ""), True),
        (("I", "Subcontract_Number is already in use", "Subcontract_Number"), False),
        (("I", "Subcontract number is in use by another job", "Subcontract_Number"), False),
        (("I", "Subcontract number is in use for another vendor", "Subcontract_Number"), False),
        (("I", "Subcontract number is in use on job 24-001", "Subcontract_Number"), False),
        (("I", "Bid item is in use by phase 03-300", "Bid_Item_Number"), False),
        (("I", "Number is in use by another company", "Subcontract_Number"), False),
        (("I", "Job is locked by its fiscal period", "Job_Number"), False),
        (VENDOR, False),
    ],
)
def test_a_record_that_somebody_has_open_passes(row: Row, passes: bool) -> None:
    answer = read(reply(row))
    assert isinstance(answer, Refused)
    assert answer.transient is passes
    mixed = read(reply(row, VENDOR))
    assert isinstance(mixed, Refused)
    assert not mixed.transient


# Characters that XML does not allow


def of_bytes(body: bytes, rule: ReplyRule) -> Outcome:
    return replies.parse_reply(Exchange(bytes_sent=True, status=200, body=body), HEADER, rule)


@pytest.mark.parametrize(
    "bad",
    [b"&#x1B;", b"&#27;", b"&#0;", b"&#xFFFE;", b"&#99999999;", b"\x1b", b"\x00", b"don\x92t", b"\xff\xfe"],
)
@pytest.mark.parametrize("encoding", [b"utf-8", b"UTF-8", b"windows-1252", b""])
def test_a_reply_that_is_whole_but_for_its_characters_is_read(bad: bytes, encoding: bytes) -> None:
    def with_words(code: str) -> bytes:
        body = reply((code, "Walls @", "Comment")).encode().replace(b"@", bad)
        declared = b"encoding='" + encoding + b"'" if encoding else b""
        return body.replace(b'encoding="UTF-8"', declared)

    assert isinstance(of_bytes(with_words("G"), SILENT), Accepted)
    refused = of_bytes(with_words("I"), SILENT)
    assert isinstance(refused, Refused)
    assert refused.errors[0].text.startswith("Walls ")
    assert isinstance(of_bytes(with_words("I")[:-10], SILENT), Unknown)


@given(st.sampled_from([b"\x1b", b"&#x1B;", b"\x92"]), st.integers(min_value=0), st.sampled_from(RULES))
def test_a_bad_character_makes_no_yes_of_what_was_none(bad: bytes, place: int, rule: ReplyRule) -> None:
    for text in (reply(("I", "No", "")), holding(echo(Vendor_Code="OTHER")), holding("Locked by JOE")):
        body = text.encode()
        at = place % len(body)
        assert not isinstance(of_bytes(body[:at] + bad + body[at:], rule), Accepted)


def test_a_key_with_a_bad_character_is_not_ours() -> None:
    body = holding(echo()).encode()
    assert isinstance(of_bytes(body, ECHO), Accepted)
    assert isinstance(of_bytes(body.replace(b"DELRIV", b"DELRI\x1b"), ECHO), Unknown)


@pytest.mark.parametrize(
    "body",
    [b"<!DOCTYPE e [<!ENTITY x 'G'>]><e>\x1b&x;</e>", b"\xff\xfe<\x00e\x00", b"<?xml encoding='no'?>\x1b"],
)
def test_no_other_fault_of_a_reply_is_mended(body: bytes) -> None:
    for rule in RULES:
        assert isinstance(of_bytes(body, rule), Unknown)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "inside",
    [
        "<response error_c\x01ode='I'/>",
        "<data error\x01code='I'/>",
        "<resp\x01onse><error_code>I</error_code></resp\x01onse>",
        "<response><error_code>\x0bI</error_code></response>",
        "<![CDATA[\x01<response><error_code>I</error_code></response>]]>",
    ],
)
def test_a_name_or_a_code_with_a_bad_character_is_no_silence(inside: str, rule: ReplyRule) -> None:
    assert isinstance(of_bytes(holding(inside).encode(), rule), Unknown)


def test_an_attribute_with_a_bad_character_in_its_name_is_refused() -> None:
    text = reply(("I", "No", "Job_Number")).replace("<response>", "<response error\x01='no'>")
    assert isinstance(of_bytes(text.encode(), SILENT), Unknown)


@pytest.mark.parametrize("rule", RULES)
def test_a_reply_that_names_another_record_is_never_a_yes(rule: ReplyRule) -> None:
    for code in ("", "S", "G"):
        text = holding(echo(Subcontract_Number="SC-002", inside=f"<error_code>{code}</error_code>"))
        assert isinstance(read(text, rule), Unknown)


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
