"""The pages for people: what they show, what they escape, what they say about themselves."""

import pytest
from lxml import html

from tests.local.spectrum.conftest import Caller
from tests.simulator import Simulator


def _page(caller: Caller, path: str, status: int = 200) -> tuple[str, str]:
    """The page's text with single blanks, and its source."""
    code, kind, body = caller.raw("GET", path)
    assert (code, kind) == (status, "text/html; charset=utf-8")
    source = body.decode()
    return " ".join("".join(map(str, html.document_fromstring(source).itertext())).split()), source


@pytest.mark.parametrize(
    "path", ["/", "/calls", "/faults", "/calls/1", "/subcontracts/PHL/ACME/P-1", "/nowhere", "/?q=zzzz"]
)
def test_every_page_says_that_it_is_a_simulator_and_its_success_reply_a_guess(
    caller: Caller, path: str
) -> None:
    caller.header(Subcontract_Number="P-1")
    text, source = _page(caller, path, 404 if path == "/nowhere" else 200)
    assert "This is a simulator, not Viewpoint Spectrum." in text
    assert "Its success reply (no row) is a guess" in text
    assert "<style" not in source
    assert "<script" not in source


def test_the_list_shows_the_last_change_first_with_vendor_job_and_amount(caller: Caller, number: str) -> None:
    other = f"{number}-B"
    caller.header(Subcontract_Number=number, Comment="Roof", Vendor_Code="BOLT")
    caller.header(Subcontract_Number=other)
    caller.line(Subcontract_Number=number, Vendor_Code="BOLT", Original_Contract_Amount="1234567.5")
    text, source = _page(caller, f"/?q={number}")
    assert text.index(f"{number}Bolt & Sons <Steel>BOLT") < text.index(f"{other}Acme")
    assert "1,234,567.50" in text
    assert "Bolt &amp; Sons &lt;Steel&gt;" in source


def test_the_list_is_searched_by_words_and_company(caller: Caller, number: str) -> None:
    caller.header(Subcontract_Number=number, Comment=f"Copper 100% for {number}")
    for found in (
        f"/?q={number}&company=PHL",
        f"/?q=copper+100%25+for+{number}",
        f"/?company=phl&q={number}",
    ):
        assert number in _page(caller, found)[0].partition("Changed")[2]
    for missed in (f"/?q={number}&company=NYC", "/?q=copper+10%25+for", f"/?q={number}x"):
        assert "Nothing matches." in _page(caller, missed)[0]


def test_a_subcontracts_page_shows_its_lines_and_their_sum(caller: Caller, number: str) -> None:
    caller.header(Subcontract_Number=number, Retention_Percent="7.5", Comment="<script>alert(1)</script>")
    caller.line(Subcontract_Number=number, Unit_Price="12.3456", Original_Contract_Quantity="1000.5")
    caller.line(Subcontract_Number=number, Phase_Code="0510000", Original_Contract_Amount="-1.77")
    text, source = _page(caller, f"/subcontracts/phl/acme/{number.lower()}")
    assert "ACME Acme Mechanical, Inc." in text
    assert "7.5 %" in text
    assert "12.3456" in text
    assert "Sum of 2 lines12,350.00" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in source
    assert text.count("accepted") == 3
    caller.header(Subcontract_Number=number, Vendor_Code="BOLT")
    assert _page(caller, f"/subcontracts/PHL/ACME/{number}")[0].count("accepted") == 3


def test_the_call_log_leads_to_each_call(caller: Caller, number: str) -> None:
    caller.header(Subcontract_Number=number, Vendor_Code="NOBODY", GUID="0123456789abcdef")
    call = caller.simulator.calls()[-1]
    text, source = _page(caller, "/calls")
    assert f'href="/calls/{call["id"]}"' in source
    assert "I Vendor_Code does not exist" in text
    text, _ = _page(caller, f"/calls/{call['id']}")
    assert "refused" in text
    assert "Authorization_ID••••7Q" in text
    assert "GUID••••ef" in text
    assert "<error_code>I</error_code>" in text


def test_waiting_faults_are_announced(caller: Caller) -> None:
    assert "waiting to strike" not in _page(caller, "/")[0]
    caller.simulator.set_faults({"kind": "slow"}, {"kind": "locked"})
    assert "2 scripted faults waiting to strike." in _page(caller, "/")[0]


@pytest.mark.parametrize(
    "path",
    [
        "/calls/999999999",
        "/calls/-1",
        "/calls/x",
        "/calls/" + "9" * 40,
        "/subcontracts/PHL/ACME/none",
        "/subcontracts/a/b",
        "/static/../store.py",
        "/static/%2e%2e/store.py",
        "/%00",
        "/subcontracts/%00/%ff/x",
    ],
)
def test_an_address_that_leads_nowhere_is_a_404(caller: Caller, path: str) -> None:
    _page(caller, path, 404)


@pytest.mark.parametrize(
    "path",
    [
        "/?page=0",
        "/?page=x",
        "/?page=999999",
        "/?q=%00%01%ff",
        "/?q=%27%3B--",
        "/?q=" + "x" * 3000,
        "/?q=a&q=b&company=%00",
        "/calls?page=-5",
    ],
)
def test_no_query_breaks_a_page(caller: Caller, path: str) -> None:
    _page(caller, path)


def test_long_lists_have_pages_that_keep_the_search() -> None:
    with Simulator.start() as simulator:
        caller = Caller(simulator)
        assert "No subcontracts yet." in _page(caller, "/")[0]
        assert "No calls." in _page(caller, "/calls")[0]
        for item in range(51):
            caller.header(Subcontract_Number=f"SC-{item:03}")
        text, source = _page(caller, "/?q=SC-&company=PHL")
        assert "SC-050" in text
        assert "SC-000" not in text
        assert 'href="?q=SC-&amp;company=PHL&amp;page=2"' in source
        text, source = _page(caller, "/?q=SC-&company=PHL&page=2")
        assert "SC-000" in text
        assert 'href="?q=SC-&amp;company=PHL&amp;page=1"' in source


def test_the_style_sheet_and_icon_are_served_under_a_strict_policy(caller: Caller) -> None:
    assert caller.raw("GET", "/static/simulator.css")[1] == "text/css; charset=utf-8"
    assert caller.raw("GET", "/static/icon.svg")[1] == "image/svg+xml"


def test_the_page_of_faults_says_what_waits_and_what_has_struck(caller: Caller, number: str) -> None:
    assert "No faults." in _page(caller, "/faults")[0]
    caller.simulator.set_faults(
        {"kind": "locked", "method": "UpdateSubcontract", "key": number},
        {"kind": "person_edits", "on_call": 3, "column": "Comment", "text": "<b>mine</b>"},
        {"kind": "slow", "seconds": 1.5, "probability": 0.25, "times": 4, "key": "NOBODY"},
        {"kind": "wsdl_drift", "on_call": 0, "method": "UpdateSubcontractPhases"},
    )
    caller.header(Subcontract_Number=number)
    text, source = _page(caller, "/faults")
    assert "2 scripted faults waiting to strike." in text
    assert f"call 1 UpdateSubcontract for {number} (saw 1)" in text
    assert "call 3 (saw 1)" in text
    assert "25% chance each" in text
    assert "1.5 s" in text
    assert "nothing: at once" in text
    assert "Tax_Group" in text
    assert "&lt;b&gt;mine&lt;/b&gt;" in source
    assert '<a href="/faults">2 scripted' in _page(caller, "/calls")[1]


def test_a_button_of_the_page_of_faults_sets_one_and_another_clears_them(caller: Caller, number: str) -> None:
    assert caller.raw("POST", "/faults", b"fault=account")[0] == 303
    assert "1 scripted fault waiting to strike." in _page(caller, "/faults")[0]
    assert ("I", "GL_Account") in caller.header(Subcontract_Number=number)
    for press, waiting in ((b"fault=maintenance", True), (b"fault=clear", False), (b"fault=nothing", False)):
        assert caller.raw("POST", "/faults", press)[0] == 303
        assert ("waiting to strike" in _page(caller, "/")[0]) is waiting
    assert caller.raw("POST", "/faults", b"fault=lost", Sec_Fetch_Site="cross-site")[0] == 403
    assert "waiting to strike" not in _page(caller, "/")[0]
