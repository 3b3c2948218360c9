"""script/scan leaves some addresses alone, hears and tells; wapiti itself is not run here."""

import urllib.request
from typing import Any

import pytest
from django.urls import resolve

from tests.endurance import scan


@pytest.mark.parametrize("path", scan.LEFT_ALONE)
def test_what_is_left_alone_is_an_address_of_the_product(path: str) -> None:
    assert resolve(f"/accounts/{path}").url_name


def test_it_hears_who_was_made_to_call_and_not_what_wapiti_asks() -> None:
    with scan.listener() as (endpoint, heard):
        for path in ("", "get_ssrf.php?session_id=1", "ssrf/1/2/3/"):
            with urllib.request.urlopen(f"{endpoint}{path}") as answer:
                assert answer.read() == b"{}"
    assert heard == ["/ssrf/1/2/3/"]


def test_findings_are_told_and_notes_are_not() -> None:
    finding = {"method": "GET", "path": "/a", "info": "odd"}
    report: dict[str, Any] = {
        "vulnerabilities": {"SQL Injection": [finding], "Redirect": []},
        "anomalies": {"Internal Server Error": [finding]},
        "additionals": {"Fingerprint": [finding]},
    }
    assert scan.found_in(report) == [
        "SQL Injection: GET /a: odd",
        "Internal Server Error: GET /a: odd",
    ]
