"""Compares Spectrum's records and calls and the caught mails with what people did. Knows no product."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from local.contracts.comparing import differences
from local.faults.working import Deed

COUNTS = ("lost", "doubled", "altered", "misreported", "stuck")
_KEY = ("Company_Code", "Vendor_Code", "Subcontract_Number")
_LINE = ("Phase_Code", "Cost_Type", "Bid_Item_Number")
Stored = dict[tuple[str, ...], Mapping[str, Any]]
Complaint = tuple[str, str, str]
"""What it counts as, during which step, and the sentence."""


def judge(
    deeds: Sequence[Deed],
    records: Iterable[Mapping[str, Any]],
    calls: Iterable[Mapping[str, Any]],
    mails: Path,
    rejected_before: Collection[str] = (),
) -> list[Complaint]:
    """Everything that is not as people were told; empty when all of it is.

    `rejected_before` are numbers that were rejected when people began.
    """
    stored: Stored = {tuple(str(record[name]) for name in _KEY): record for record in records}
    found = _doubled_writes(deeds, calls) + _strangers(deeds, stored) + _mails(deeds, mails, rejected_before)
    for deed in deeds:
        found += [(what, deed.step, f"{deed.submission}: {why}") for what, why in _of(deed, stored)]
    return found


def _of(deed: Deed, stored: Stored) -> list[tuple[str, str]]:
    record = stored.get(deed.shown.key) if deed.shown else None
    if deed.what != "accepted":
        expected = {"rejected": "rejected", "retrieved": "", "undone": "ready-to-export"}[deed.what]
        there = [("misreported", f"{deed.what}, and Spectrum holds it")] if record else []
        told = [("misreported", f"{deed.what}, and stands in {deed.said!r}")] if deed.said != expected else []
        return there + told
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


def _doubled_writes(deeds: Sequence[Deed], calls: Iterable[Mapping[str, Any]]) -> list[Complaint]:
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


def _mails(deeds: Sequence[Deed], folder: Path, before: Collection[str]) -> list[Complaint]:
    """Each rejection has its mail, and nobody gets a second one. The same one twice is only printed."""
    subjects = _rejections_in(folder)
    found: list[Complaint] = []
    rejected = {deed.commitment.number: deed for deed in deeds if deed.what == "rejected"}
    for number, deed in rejected.items():
        sent = subjects.pop(number.split()[0], {})
        if not sent:
            found.append(("lost", deed.step, f"{number} was rejected, and no mail says so"))
        for ids in sent.values():
            if len(ids) > len(set(ids)):
                print(f"  the same mail twice, with one Message-ID: {number}")
            if len(set(ids)) > 1:
                found.append(("doubled", deed.step, f"{number}: {len(set(ids))} mails of one rejection"))
    found += [
        ("doubled", "?", f"a mail says that {number} was rejected")
        for number in subjects
        if number not in before
    ]
    return found


def without_mail(deeds: Sequence[Deed], folder: Path) -> list[str]:
    """The rejected numbers of which no mail has been caught yet."""
    caught = _rejections_in(folder)
    numbers = (deed.commitment.number for deed in deeds if deed.what == "rejected")
    return [number for number in numbers if number.split()[0] not in caught]


def _rejections_in(folder: Path) -> dict[str, dict[str, list[str]]]:
    """The Message-IDs of the caught mails of rejections, by number and by who got them."""
    subjects: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file in sorted(folder.glob("*.eml")):
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        words = str(mail["Subject"]).split()
        if words[:3] == ["Rejected", "by", "accounting:"]:
            number = words[3] if len(words) > 3 else ""
            subjects[number][str(mail["X-Envelope-To"])].append(str(mail["Message-ID"]).strip())
    return subjects
