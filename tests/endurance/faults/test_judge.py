"""The judge of `script/faults` sees each way in which an export or a mail can go wrong."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from tests.endurance.contracts.office import Company
from tests.endurance.contracts.pages import Commitment
from tests.endurance.contracts.test_comparing import SHOWN, STORED
from tests.endurance.faults.deeds import Deed
from tests.endurance.faults.judge import judge, was_refused, without_mail

RECORD = {"Company_Code": "PHL", "Vendor_Code": "ACME", "Subcontract_Number": "SC-1", **STORED}
DEED = Deed(
    "accepted",
    cast(Company, None),  # the judge asks nobody
    Commitment("/projects/1/commitments/1/", "Tower", "Subcontract", "SC-1", ""),
    "/companies/keystone/erp-integrations/commitments/1/",
    "worker killed",
    SHOWN,
    said="synced",
)
HEADER = {"company": "PHL", "vendor": "ACME", "number": "SC-1", "method": "UpdateSubcontract", "stored": True}
HEADER |= {"elements": {}}


def kinds(
    folder: Path, deed: Deed, records: list[Mapping[str, Any]], calls: list[Mapping[str, Any]] | None = None
) -> list[str]:
    return [what for what, _, _ in judge([deed], records, [HEADER] if calls is None else calls, folder)]


def mail(folder: Path, name: str, message_id: str, to: str = "a@demo.example") -> None:
    text = (
        f"X-Envelope-To: {to}\nSubject: Rejected by accounting: SC-1 Steel\nMessage-ID: {message_id}\n\nNo.\n"
    )
    (folder / f"{name}.eml").write_text(text)


def test_what_is_there_once_as_it_was_shown_is_right(tmp_path: Path) -> None:
    assert kinds(tmp_path, DEED, [RECORD]) == []


def test_synced_without_a_record_is_lost(tmp_path: Path) -> None:
    assert kinds(tmp_path, DEED, []) == ["lost"]


def test_another_value_or_a_missing_line_is_altered(tmp_path: Path) -> None:
    other = copy.deepcopy(RECORD) | {"GL_Account": "1"}
    assert kinds(tmp_path, DEED, [other]) == ["altered"]
    short = copy.deepcopy(RECORD)
    short["lines"] = short["lines"][:1]
    assert set(kinds(tmp_path, DEED, [short])) == {"altered"}


def test_a_second_store_of_one_record_and_a_record_nobody_accepted_are_doubled(tmp_path: Path) -> None:
    assert kinds(tmp_path, DEED, [RECORD], [HEADER, HEADER]) == ["doubled"]
    refused = HEADER | {"stored": False}
    assert kinds(tmp_path, DEED, [RECORD], [HEADER, refused]) == []
    assert kinds(tmp_path, DEED, [RECORD, RECORD | {"Subcontract_Number": "SC-1-2"}]) == ["doubled"]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("accepted", "failed-to-export"),
        ("sent", "ready-to-export"),
        ("undone", "ready-to-export"),
        ("retrieved", ""),
    ],
)
def test_said_to_be_absent_and_there_is_misreported(tmp_path: Path, what: str, said: str) -> None:
    deed = replace(DEED, what=what, said=said)
    assert kinds(tmp_path, deed, [RECORD]) == ["misreported"]
    assert kinds(tmp_path, deed, [], []) == []


def test_exporting_for_ever_is_stuck_and_a_question_to_a_person_is_not(tmp_path: Path) -> None:
    assert kinds(tmp_path, replace(DEED, said="exporting"), [RECORD]) == ["stuck"]
    assert kinds(tmp_path, replace(DEED, said="needs-attention"), []) == []
    assert kinds(tmp_path, replace(DEED, said=""), []) == ["lost"]


def test_a_rejection_has_one_mail_for_each_who_gets_it(tmp_path: Path) -> None:
    deed = replace(DEED, what="rejected", said="rejected", shown=None, rejections=1)
    assert kinds(tmp_path, deed, [], []) == ["lost"]
    assert without_mail([deed], tmp_path) == ["SC-1"]
    mail(tmp_path, "1", "<1>")
    mail(tmp_path, "2", "<2>", to="b@demo.example")
    mail(tmp_path, "3", "<1>")  # the same one again
    assert kinds(tmp_path, deed, [], []) == []
    mail(tmp_path, "4", "<4>")
    assert kinds(tmp_path, deed, [], []) == ["doubled"]


def test_two_rejections_of_one_commitment_have_two_mails(tmp_path: Path) -> None:
    deed = replace(DEED, rejections=2)  # corrected, sent again, and accepted in the end
    mail(tmp_path, "1", "<1>")
    assert kinds(tmp_path, deed, [RECORD]) == ["lost"]
    assert without_mail([deed], tmp_path) == ["SC-1"]
    mail(tmp_path, "2", "<2>")
    assert kinds(tmp_path, deed, [RECORD]) == []
    assert without_mail([deed], tmp_path) == []


def test_a_gathered_mail_is_one_for_each_that_it_names(tmp_path: Path) -> None:
    letters = [
        f"{title}\n\n> No.\n> Really.\n\nAda\nProject: Pier\n" for title in ("SC-1 Steel", "SC-2", "SC-1")
    ]
    head = "X-Envelope-To: a@demo.example\nSubject: 3 commitments rejected by accounting\nMessage-ID: <1>\n\n"
    (tmp_path / "1.eml").write_text(
        newline="\r\n", data=head + "3 commitments rejected by accounting\n\n" + "\n".join(letters)
    )
    deeds = [
        replace(DEED, rejections=2),
        replace(DEED, commitment=replace(DEED.commitment, number="SC-2"), rejections=1),
    ]
    assert without_mail(deeds, tmp_path) == []
    assert without_mail([replace(DEED, rejections=3)], tmp_path) == ["SC-1"]


def test_a_mail_of_a_rejection_that_was_none_is_told(tmp_path: Path) -> None:
    mail(tmp_path, "1", "<1>")
    assert kinds(tmp_path, DEED, [RECORD]) == ["doubled"]


def test_numbers_of_other_rounds_are_not_looked_at(tmp_path: Path) -> None:
    mail(tmp_path, "1", "<1>")
    assert judge([], [RECORD], [HEADER, HEADER], tmp_path, prefix="R002-") == []


def test_a_failure_is_explained_by_a_refusal_that_was_asked_for_and_by_no_other_fault() -> None:
    assert not was_refused(DEED, [HEADER | {"fault": "slow"}])
    assert not was_refused(DEED, [HEADER | {"fault": "refuse", "number": "SC-2"}])
    assert was_refused(DEED, [HEADER | {"fault": "slow"}, HEADER | {"fault": "refuse"}])
