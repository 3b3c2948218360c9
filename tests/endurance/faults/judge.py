"""Compares Spectrum's records and calls and the caught mails with what people did. Knows no product."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from email import policy
from email.parser import BytesParser
from functools import cache
from pathlib import Path
from typing import Any

from tests.endurance.contracts.comparing import differences
from tests.endurance.faults.deeds import Deed

COUNTS = ("lost", "doubled", "altered", "misreported", "stuck")
REFUSALS = frozenset({"refuse", "locked"})
"""The scripted faults after which it is right that an export fails."""
_KEY = ("Company_Code", "Vendor_Code", "Subcontract_Number")
_LINE = ("Phase_Code", "Cost_Type", "Bid_Item_Number")
_EXPECTED = {
    "sent": "ready-to-export",
    "undone": "ready-to-export",
    "rejected": "rejected",
    "retrieved": "",
}
Stored = dict[tuple[str, ...], Mapping[str, Any]]
Complaint = tuple[str, str, str]
"""Its kind, what was broken then, and the sentence."""


def judge(
    deeds: Sequence[Deed],
    records: Iterable[Mapping[str, Any]],
    calls: Iterable[Mapping[str, Any]],
    mails: Path,
    *,
    prefix: str = "",
) -> list[Complaint]:
    """Everything that is not as people were told; empty when all of it is.

    Only numbers with this `prefix` are looked at.
    """
    stored: Stored = {
        tuple(str(record[name]) for name in _KEY): record
        for record in records
        if str(record["Subcontract_Number"]).startswith(prefix)
    }
    ours = [call for call in calls if str(call["number"]).startswith(prefix)]
    found = list_doubled_writes(deeds, ours) + _strangers(deeds, stored) + _mails(deeds, mails, prefix)
    for deed in deeds:
        found += [(what, deed.step, f"{deed.submission}: {why}") for what, why in _of(deed, stored)]
    return found


def was_refused(deed: Deed, calls: Iterable[Mapping[str, Any]]) -> bool:
    """True if Spectrum was told to refuse it, so that its export had to fail or stop half-way."""
    return any(call["number"] == deed.commitment.number and call["fault"] in REFUSALS for call in calls)


def _of(deed: Deed, stored: Stored) -> list[tuple[str, str]]:
    record = stored.get(deed.shown.key) if deed.shown else None
    if deed.what != "accepted":
        there = [("misreported", f"{deed.what}, and Spectrum holds it")] if record else []
        if deed.said != _EXPECTED[deed.what]:
            there.append(("misreported", f"{deed.what}, and stands in {deed.said!r}"))
        return there
    match deed.said:
        case "synced" if record is None:
            return [("lost", "synced, and Spectrum holds nothing")]
        case "synced":
            assert deed.shown is not None
            return [("altered", each) for each in differences(deed.shown, record)]
        case "failed-to-export":
            return [("misreported", "failed, and Spectrum holds it")] if record else []
        case "needs-attention":  # an open question to a person
            return []
        case "exporting":
            return [("stuck", "still exporting")]
    return [("lost", f"accepted, and stands in {deed.said!r}")]


def list_doubled_writes(deeds: Sequence[Deed], calls: Iterable[Mapping[str, Any]]) -> list[Complaint]:
    """A header or line that Spectrum stored more than once, whatever it holds in the end."""
    steps: dict[tuple[str, ...], str] = {deed.shown.key: deed.step for deed in deeds if deed.shown}
    writes = Counter[tuple[str, ...]]()
    for call in calls:
        if call["stored"]:
            line = (str(call["elements"].get(name, "")).strip() for name in _LINE)
            writes[(call["company"], call["vendor"], call["number"], call["method"], *line)] += 1
    return [
        ("doubled", steps.get(key[:3], "?"), f"{' '.join(key)} was stored {times} times")
        for key, times in writes.items()
        if times > 1
    ]


def _strangers(deeds: Sequence[Deed], stored: Iterable[tuple[str, ...]]) -> list[Complaint]:
    known = {deed.shown.key for deed in deeds if deed.shown}
    return [("doubled", "?", f"nobody accepted {' '.join(key)}") for key in stored if key not in known]


def _mails(deeds: Sequence[Deed], folder: Path, prefix: str) -> list[Complaint]:
    """Each rejection has its mail, and nobody gets a second one. The same one twice is only printed."""
    caught = _rejections_in(folder, prefix)
    found: list[Complaint] = []
    for deed in deeds:
        number = deed.commitment.number
        sent = caught.pop(number.split()[0], {})
        if deed.rejections and not sent:
            found.append(("lost", deed.step, f"{number} was rejected, and no mail says so"))
        for ids in sent.values():
            if len(ids) > len(set(ids)):
                print(f"  the same mail twice, with one Message-ID: {number}")
            if len(set(ids)) < deed.rejections:
                told = f"{number}: {len(set(ids))} mails of {deed.rejections} rejections"
                found.append(("lost", deed.step, told))
            if len(set(ids)) > deed.rejections:
                told = f"{number}: {len(set(ids))} mails of {deed.rejections} rejections"
                found.append(("doubled", deed.step, told))
    found += [("doubled", "?", f"a mail says that {number} was rejected") for number in caught]
    return found


def without_mail(deeds: Sequence[Deed], folder: Path, *, prefix: str = "") -> list[str]:
    """The rejected numbers of which a mail has not been caught yet."""
    caught = _rejections_in(folder, prefix)
    return [
        deed.commitment.number
        for deed in deeds
        if deed.rejections
        > min(
            (len(set(ids)) for ids in caught.get(deed.commitment.number.split()[0], {}).values()), default=0
        )
    ]


def _rejections_in(folder: Path, prefix: str) -> dict[str, dict[str, list[str]]]:
    """The Message-IDs of the caught mails of rejections, by number and by who got them."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file in sorted(folder.glob("*.eml")):
        recipient, message_id, numbers = _rejections(file)
        for number, times in Counter(numbers).items():
            if number.startswith(prefix):
                found[number][recipient] += [f"{message_id} {count}" for count in range(times)]
    return found


@cache
def _rejections(file: Path) -> tuple[str, str, list[str]]:
    """Of a caught mail its recipient, its Message-ID, and the numbers of the rejections that it tells of.

    No mail changes, and a long run has thousands, so each is read once.
    """
    mail = BytesParser(policy=policy.default).parsebytes(file.read_bytes())
    subject, numbers = str(mail["Subject"]), list[str]()
    if subject.startswith("Rejected by accounting: "):
        numbers = subject.split()[3:4]
    elif subject.endswith(" commitments rejected by accounting"):
        body = mail.get_body(("plain",))
        assert body is not None
        # Each begins with its own line, before the reason.
        numbers = re.findall(r"^(\S+).*\n\n> ", body.get_content().replace("\r\n", "\n"), re.MULTILINE)
    return str(mail["X-Envelope-To"]), str(mail["Message-ID"]).strip(), numbers
