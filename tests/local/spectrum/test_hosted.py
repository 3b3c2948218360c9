"""Who is let in: sessions that time out, and the gateway of a hosted site."""

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.local.spectrum.conftest import Caller
from tests.simulator import Simulator

GUID = "1b2c3d4e-session"
FORM = {
    "client_id": "ledgergate",
    "client_secret": "a-secret",
    "scope": "spectrumapi",
    "grant_type": "client_credentials",
}


def test_a_guid_that_nobody_used_for_a_day_is_refused(caller: Caller, number: str) -> None:
    guid = f"{GUID}-{number}"
    try:
        for now, answer in [
            ("2026-03-09T09:00:00+00:00", []),
            ("2026-03-10T08:59:00+00:00", []),
            ("2026-03-11T08:58:00+00:00", []),
            ("2026-03-12T09:00:00+00:00", [("A", "GUID")]),
            ("2026-03-12T09:01:00+00:00", [("A", "GUID")]),
        ]:
            caller.simulator.set_clock(now)
            assert caller.header(Subcontract_Number=number, GUID=guid) == answer
        assert caller.simulator.calls()[-1]["answers"][0]["text"] == "Time out has occurred"
        assert caller.header(Subcontract_Number=number) == [], "a blank one has no session"
    finally:
        caller.simulator.set_clock(None)


@pytest.fixture(scope="module")
def hosted() -> Iterator[Caller]:
    with Simulator.start(options=["--client", "ledgergate:a-secret"]) as simulator:
        yield Caller(simulator)


def asked(caller: Caller, path: str = "/connect/token", **changes: str) -> tuple[int, dict[str, str]]:
    kind = "application/x-www-form-urlencoded"
    status, _, body = caller.raw("POST", path, urlencode(FORM | changes).encode(), Content_Type=kind)
    return status, json.loads(body)


def test_a_token_opens_what_is_closed_without_one(hosted: Caller) -> None:
    assert hosted.raw("GET", "/wsdls/UpdateSubcontract.jws")[0] == 401
    assert hosted.raw("POST", "/ws/UpdateSubcontract", b"<a/>", Content_Length="4")[0] == 401
    status, given = asked(hosted)
    assert (status, given["token_type"], given["scope"]) == (200, "Bearer", "spectrumapi")
    bearer = f"Bearer {given['access_token']}"
    assert hosted.raw("GET", "/wsdls/UpdateSubcontract.jws", Authorization=bearer)[0] == 200
    assert hosted.raw("GET", "/wsdls/UpdateSubcontract.jws", Authorization=f"{bearer}x")[0] == 401


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"scope": "other"}, "invalid_scope"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_token_is_given_for_the_right_words_only(
    hosted: Caller, changes: dict[str, str], error: str
) -> None:
    for path in ("/connect/token", "/secretRotation"):
        assert asked(hosted, path, **changes) == (400, {"error": error})


def test_a_rotation_ends_the_old_secret(hosted: Caller) -> None:
    status, given = asked(hosted, "/secretRotation")
    assert (status, len(given["estimated_expiration"])) == (200, 10)
    assert asked(hosted) == (400, {"error": "invalid_client"})
    assert asked(hosted, client_secret=given["client_secret"])[0] == 200
    output = hosted.simulator.output.read_text(encoding="utf-8")
    assert given["client_secret"] not in output
