"""The audit of packages says what it finds, and silence is no pass."""

import json
from typing import Any

import pytest

from local import audit

GOOD = {"name": "django", "version": "5.2.19", "vulns": []}
BAD = {
    "name": "lxml",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}, {"id": "PYSEC-2", "fix_versions": []}],
}
SKIPPED = {"name": "zeep", "version": "4.3.3", "skip_reason": "not found"}


def report(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_nothing_known_is_clean() -> None:
    assert audit.judged("a.txt", report(GOOD)) == (audit.CLEAN, ["a.txt: 1 packages, no known fault."])


def test_a_known_fault_is_named_with_what_mends_it() -> None:
    status, sentences = audit.judged("a.txt", report(GOOD, BAD, SKIPPED))
    assert status == audit.FAULTY
    assert sentences[:2] == [
        "a.txt: lxml 1.0: PYSEC-1, mended in 1.1",
        "a.txt: lxml 1.0: PYSEC-2, mended in no version yet",
    ]


def test_a_package_that_was_not_asked_about_is_no_pass() -> None:
    status, sentences = audit.judged("a.txt", report(GOOD, SKIPPED))
    assert (status, sentences[0]) == (audit.NOT_ASKED, "NOT AUDITED: a.txt: zeep.")


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", report(), report(SKIPPED)])
def test_no_answer_is_no_pass(text: str) -> None:
    status, (sentence,) = audit.judged("a.txt", text)
    assert (status, sentence.startswith("NOT AUDITED: a.txt")) == (audit.NOT_ASKED, True)
