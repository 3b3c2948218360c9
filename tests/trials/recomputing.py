"""Every number that a check says, computed again from the trial's file, by no code of the product."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.trials.files import Line, Row, Trial

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
FORMS = {
    "CO",
    "COMPANY",
    "CORP",
    "CORPORATION",
    "INC",
    "INCORPORATED",
    "LIMITED",
    "LLC",
    "LLP",
    "LP",
    "LTD",
} | {*("PA", "PC", "PLC", "PLLC", "AND")}
MONEY = r"(-?[\d,]+\.\d\d)"
NAMED = re.compile(
    rf"(?P<number>.+?) of (?P<project>.+?) \({MONEY}, sent "
    r"(?P<day>\d+ [A-Z][a-z]+ \d{4})\)"
)


class Recomputing:
    """One trial's file; ``shift`` is what its days were moved by."""

    def __init__(self, trial: Trial, shift: timedelta) -> None:
        self.trial, self.shift = trial, shift
        self.open = [row for row in trial.rows.values() if not row.previous_of]
        self.by_vendor: defaultdict[str, list[Row]] = defaultdict(list)
        self.by_number: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
        self.committed: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        self.lines: defaultdict[tuple[str, str, str], list[Decimal]] = defaultdict(list)
        for row in self.open:
            self.by_vendor[row.vendor].append(row)
            self.by_number[row.number, row.project].append(row)
            for key, amount in self.sum_lines(row).items():
                self.committed[key] += max(amount, Decimal(0))
            for line in row.lines if row.is_accepted else ():
                self.lines[row.project, *line.phase].append(line.amount)

    def sum_lines(self, row: Row) -> dict[tuple[str, str, str], Decimal]:
        sums: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        for line in row.lines:
            sums[row.project, *line.phase] += line.amount
        return sums

    def accepted(self, vendor: str) -> list[Row]:
        return [row for row in self.by_vendor[vendor] if row.is_accepted]

    def find_wrong(self, row: Row, issues: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
        """The sentences with a number that is not the file's, and why."""
        for issue in issues:
            check = CHECKS.get(issue["code"])
            if check is None:
                if issue["code"].startswith("rule-"):
                    yield issue["sentence"], "nothing recomputes this rule"
                continue
            try:
                problem = check(self, row, issue["sentence"])
            except (AssertionError, AttributeError, KeyError, ValueError, StopIteration) as error:
                problem = f"{type(error).__name__}: {error}"
            if problem:
                yield issue["sentence"], problem

    def is_true_first(self, row: Row, code: str) -> bool:
        """The file itself says that it is a first time."""
        if code == "rule-first-vendor":
            return not self.accepted(row.vendor)
        if code == "rule-first-account":
            return all(each.account != row.account for each in self.open if each.is_accepted)
        return any(not self.lines[row.project, *line.phase] for line in row.lines)

    # One for each rule; the answer is what is wrong, or nothing

    def check_others(self, row: Row, text: str) -> tuple[list[Row], int]:
        """Those that a sentence names, each of which is in the file just so, and how many more it counts."""
        found = []
        for match in NAMED.finditer(text):
            number = match["number"].removeprefix(", ")
            candidates = [
                each
                for each in self.by_number[number, match["project"]]
                if each.id != row.id
                and money(match[3]) == each.total
                and match["day"] == self.format_day(each.sent_on)
            ]
            assert candidates, f"no {number} of {match['project']} is like that"
            found.append(candidates[0])
        more = re.search(r" and (\d+) more\.?$", text.rstrip("."))
        assert found, "it names nobody"
        return found, int(more[1]) if more else 0

    def format_day(self, day: date) -> str:
        shifted = day + self.shift
        return f"{shifted.day} {MONTHS[shifted.month - 1]} {shifted.year}"

    def check_same_number(self, row: Row, text: str) -> str:
        found, more = self.check_others(row, text.split("twice: ", 1)[1])
        if any(strip_number(each.number) != strip_number(row.number) for each in found):
            return "another number"
        if any(get_likeness(each.vendor, row.vendor) < 85 for each in found):
            return "another vendor"
        same = [
            each
            for each in self.open
            if each.id != row.id
            and strip_number(each.number) == strip_number(row.number)
            and get_likeness(each.vendor, row.vendor) >= 85
        ]
        return "" if len(found) + more == len(same) else f"{len(found) + more} are said, {len(same)} there"

    def check_near_duplicate(self, row: Row, text: str) -> str:
        head, tail = text.split(" days: ", 1)
        days = int(head.rsplit(" ", 1)[1])
        found, more = self.check_others(row, tail)
        near = [
            each
            for each in self.open
            if each.id != row.id
            and get_likeness(each.vendor, row.vendor) >= 85
            and abs((each.sent_on - row.sent_on).days) <= days
            and (
                abs(each.total - row.total) * 50 <= max(abs(each.total), abs(row.total))
                or Counter(str(each.total)) == Counter(str(row.total))
            )
        ]
        strange = [each for each in found if each not in near]
        if strange:
            return f"{strange[0].number} is another vendor's, another amount or too long ago"
        return "" if len(found) + more <= len(near) else f"{len(found) + more} are said, {len(near)} there"

    def check_vendor_name(self, row: Row, text: str) -> str:
        match = re.fullmatch(
            r"(.+) is (\d+) % the same name as (.+), which has (\d+) accepted commitments?; "
            r"this one has (\d+|none)\.",
            text,
        )
        assert match, "the sentence is another one"
        ours, likeness, theirs, count, own = match.groups()
        said = (ours, int(likeness), int(count), 0 if own == "none" else int(own))
        right = (
            row.vendor,
            get_likeness(row.vendor, theirs),
            len(self.accepted(theirs)),
            len(self.accepted(row.vendor)),
        )
        return "" if said == right else f"{said} is said, {right} is right"

    def check_amount(self, row: Row, text: str) -> str:
        accepted = self.accepted(row.vendor)
        factors = {"10 times": 10, "100 times": 100, "1000 times": 1000}
        factors |= {"a tenth of": 10, "a hundredth of": 100, "a thousandth of": 1000}
        if match := re.match(rf"{MONEY} is ({'|'.join(factors)}) (?=.*, of the same vendor)", text):
            found, _ = self.check_others(row, text[match.end() :].split(", of the same", 1)[0])
            factor, other = factors[match[2]], found[0].total
            off = abs(row.total - (other * factor if "times" in match[2] else other / factor))
            return "" if money(match[1]) == row.total and off < Decimal("0.01") else f"it is {off} off"
        if match := re.match(
            rf"{MONEY} is ([\d,.]+) times the largest of this vendor's (\d+) accepted commitments "
            rf"\({MONEY}\)",
            text,
        ):
            totals = [each.total for each in accepted if each.total > 0]
            said = (money(match[1]), match[2], int(match[3]), money(match[4]))
            right = (row.total, f"{row.total / max(totals):,.1f}", len(totals), max(totals))
            return "" if said == right else f"{said} is said, {right} is right"
        if match := re.match(
            rf"{MONEY}, the smallest of this vendor's (\d+) accepted commitments, "
            rf"is ([\d,.]+) times {MONEY}\.",
            text,
        ):
            totals = [each.total for each in accepted if each.total > 0]
            said = (money(match[4]), match[3], int(match[2]), money(match[1]))
            right = (row.total, f"{min(totals) / row.total:,.1f}", len(totals), min(totals))
            return "" if said == right else f"{said} is said, {right} is right"
        match = re.match(
            rf"{MONEY} on (.+) is ([\d,.]+) times the largest of its (\d+) accepted lines \({MONEY}\)", text
        )
        assert match, "the sentence is another one"
        code, kind = match[2].rsplit(" ", 1)
        earlier = self.lines[row.project, code, kind]
        own = max(line.amount for line in row.lines if line.phase == (code, kind))
        said = (money(match[1]), match[3], int(match[4]), money(match[5]))
        right = (own, f"{own / max(earlier):,.1f}", len(earlier), max(earlier))
        return "" if said == right else f"{said} is said, {right} is right"

    def check_budget(self, row: Row, text: str) -> str:
        match = re.fullmatch(
            rf"{MONEY} on (.+) is {MONEY} more than is left: of {MONEY} estimated, {MONEY} is spent and "
            rf"{MONEY} committed otherwise\.",
            text,
        )
        assert match, "the sentence is another one"
        code, kind = match[2].rsplit(" ", 1)
        key = (row.project, code, kind)
        estimate, to_date, _ = self.trial.phases[key]
        assert estimate is not None, "no estimate is known"
        own = self.sum_lines(row)[key]
        others = self.committed[key] - max(own, Decimal(0))
        right = (own, own + others + to_date - estimate, estimate, to_date, others)
        said = tuple(money(match[n]) for n in (1, 3, 4, 5, 6))
        return "" if said == right else f"{said} is said, {right} is right"

    def check_first_vendor(self, row: Row, text: str) -> str:
        named = text.removeprefix("None with ").removesuffix(" has been accepted before.")
        return "" if named == row.vendor and not self.accepted(row.vendor) else "some were accepted"

    def check_first_phase(self, row: Row, text: str) -> str:
        new = list(
            dict.fromkeys(line.phase for line in row.lines if not self.lines[row.project, *line.phase])
        )
        match = re.fullmatch(
            r"The first commitment on (\d+) cost codes? of this project: (.+?)(?: and (\d+) more)?\.", text
        )
        assert match, "the sentence is another one"
        shown = [" ".join(each) for each in new][:3]
        right = (len(new), ", ".join(shown), len(new) - len(shown))
        said = (int(match[1]), match[2], int(match[3] or 0))
        return "" if said == right else f"{said} is said, {right} is right"

    def check_first_account(self, row: Row, text: str) -> str:
        said = re.match(r"Account (.+?) was not used before", text)
        used = any(each.account == row.account for each in self.open if each.is_accepted)
        return "" if said and said[1] == row.account and not used else "it was used, or is another one"

    def check_refused_account(self, row: Row, text: str) -> str:
        match = re.match(r"Spectrum refused account (.+?) on (\d+ [A-Z][a-z]+ \d{4}): (.*)", text)
        assert match, "the sentence is another one"
        right = (row.account, self.format_day(self.trial.refused[row.account]))
        return "" if match.groups()[:2] == right and row.account in match[3] else f"{right} is right"

    def find_previous(self, row: Row) -> Row:
        return max(
            (each for each in self.trial.rows.values() if each.previous_of == row.id),
            key=lambda it: it.sent_on,
        )

    def check_changed(self, row: Row, text: str) -> str:
        before = self.find_previous(row)
        names = {
            "number": "Number",
            "title": "Title",
            "vendor": "Contract Company",
            "retainage": "Default Retainage",
        }
        parts = [label for name, label in names.items() if getattr(row, name) != getattr(before, name)]
        gone, come = Counter(before.lines), Counter(row.lines)
        if lines := max((gone - come).total(), (come - gone).total()):
            parts.append(f"{lines} line" + ("s" if lines > 1 else ""))
        right = f"Changed since it was last sent: {', '.join(parts)}."
        return "" if text == right else f"{right} is right"

    def check_amounts_changed(self, row: Row, text: str) -> str:
        before = self.find_previous(row)
        match = re.match(
            rf"Since accounting last saw it, the (?:total has changed from {MONEY} to {MONEY}"
            rf"|lines have changed, and the total is still {MONEY}) ",
            text,
        )
        assert match, "the sentence is another one"
        said, right = (money(match[1] or match[3]), money(match[2] or match[3])), (before.total, row.total)
        if said != right:
            return f"{said} is said, {right} is right"
        for code, kind, item, was, now in re.findall(
            rf"(\S+) (\S+) (\d+): (no line|{MONEY[1:-1]}), now (no line|{MONEY[1:-1]})", text
        ):
            for each, value in ((before, was), (row, now)):
                lines: tuple[Line | None, ...] = (*each.lines, *[None] * 99)
                line = lines[int(item) - 1]
                there = line if line and line.phase == (code, kind) else None
                if (None if value == "no line" else money(value)) != (there.amount if there else None):
                    return f"line {item}: {there} is right"
        return ""

    def check_retainage(self, row: Row, text: str) -> str:
        usual = Counter(each.retainage for each in self.accepted(row.vendor))
        if match := re.fullmatch(
            r"Retainage is ([\d.]+) %; (all|\d+ of the) (\d+) accepted commitments "
            r"of this vendor have ([\d.]+) %\.",
            text,
        ):
            value, count = usual.most_common(1)[0]
            said = (Decimal(match[1]), match[2], int(match[3]), Decimal(match[4]))
            right = (
                row.retainage,
                "all" if count == usual.total() else f"{count} of the",
                usual.total(),
                value,
            )
        else:
            match = re.fullmatch(r"Retainage is ([\d.]+) %, more than ([\d.]+) %\.", text)
            assert match, "the sentence is another one"
            is_right = Decimal(match[1]) == row.retainage > Decimal(match[2]) == 10
            return "" if is_right else f"{row.retainage} is right, and 10 the limit"
        return "" if said == right else f"{said} is said, {right} is right"


CHECKS: dict[str, Callable[[Recomputing, Row, str], str]] = {
    "rule-same-number": Recomputing.check_same_number,
    "rule-near-duplicate": Recomputing.check_near_duplicate,
    "rule-vendor-name": Recomputing.check_vendor_name,
    "rule-amount": Recomputing.check_amount,
    "rule-budget": Recomputing.check_budget,
    "rule-first-vendor": Recomputing.check_first_vendor,
    "rule-first-phase": Recomputing.check_first_phase,
    "rule-first-account": Recomputing.check_first_account,
    "rule-refused-account": Recomputing.check_refused_account,
    "rule-changed": Recomputing.check_changed,
    "rule-retainage": Recomputing.check_retainage,
    "amounts-changed": Recomputing.check_amounts_changed,
}


def money(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def strip_number(number: str) -> str:
    """Letters and digits, an O beside digits a zero, and no zeros in front."""
    kept = [each for each in number.upper() if each in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    runs = re.findall(r"O+|[^O]+", "".join(kept))
    for at, run in enumerate(runs):
        beside = (runs[at - 1][-1] if at else "") + (runs[at + 1][0] if at + 1 < len(runs) else "")
        if run.startswith("O") and any(each.isdigit() for each in beside):
            runs[at] = "0" * len(run)
    parts = re.findall(r"\d+|\D+", "".join(runs))
    stripped = [part.lstrip("0") if part.isdigit() else part for part in parts]
    return "".join(stripped) + ("0" if parts and not stripped[-1] else "")


SHORT = {
    "ASSOCIATES": "ASSOC",
    "BUILDING": "BLDG",
    "BROTHERS": "BROS",
    "CONSTRUCTION": "CONST CONSTR",
    "ELECTRIC": "ELEC",
    "ENGINEERING": "ENG",
    "ENTERPRISES": "ENT",
    "EQUIPMENT": "EQUIP",
    "GROUP": "GRP",
    "INDUSTRIES": "IND",
    "INTERNATIONAL": "INTL",
    "LABORATORIES": "LABS",
    "MECHANICAL": "MECH",
    "MANUFACTURING": "MFG",
    "MANAGEMENT": "MGMT",
    "NATIONAL": "NATL",
    "PHILADELPHIA": "PHILA",
    "PLUMBING": "PLBG",
    "PRODUCTS": "PROD",
    "SUPPLY": "SUP",
    "SERVICE": "SVC",
    "SERVICES": "SVCS",
    "SYSTEMS": "SYS",
    "TECHNOLOGIES": "TECH",
}
LONG = {short: word for word, shorts in SHORT.items() for short in shorts.split()}


def spell_name(name: str) -> str:
    """A vendor's name as the docs say that names are compared."""
    plain = [
        each for each in unicodedata.normalize("NFKD", name.upper()) if unicodedata.category(each) != "Mn"
    ]
    if any(each.isalpha() and ord(each) > 127 for each in plain):
        kept = "".join(each if each.isalnum() or each == "_" else " " for each in plain).split()
        return " ".join(word for word in kept if word not in FORMS - {"AND"}) or "".join(plain)
    text = "".join(plain).replace("&", " AND ")
    for quiet in "'’.":
        text = text.replace(quiet, "")
    words = "".join(each if each.isascii() and each.isalnum() else " " for each in text).split()
    if words[0] == "THE" and len(words) > 1:
        del words[0]
    while len(words) > 1 and words[-1] in FORMS:
        del words[-1]
    joined: list[str] = []
    for at, word in enumerate(words):
        if at and len(word) == 1 and len(words[at - 1]) == 1:
            joined[-1] += word
        else:
            joined.append(word)
    letters = [list(each) for each in joined]
    for spelled in letters:
        was = list(spelled)
        for at, letter in enumerate(was):
            beside = "".join(was[max(at - 1, 0) : at] + was[at + 1 : at + 2])
            if letter == "0" and any("A" <= each <= "Z" for each in beside):
                spelled[at] = "O"
    return " ".join(LONG.get("".join(each), "".join(each)) for each in letters)


def is_one_slip(one: str, two: str) -> bool:
    """A letter more, less or another, or two beside each other swapped."""
    if one == two or abs(len(one) - len(two)) > 1:
        return False
    at = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    if len(one) != len(two):
        long, short = sorted((one, two), key=len, reverse=True)
        return long[:at] + long[at + 1 :] == short
    swapped = one[:at] + one[at + 1 : at + 2] + one[at] + one[at + 2 :]
    return swapped == two or one[at + 1 :] == two[at + 1 :]


def get_likeness(name: str, other: str) -> int:
    """Of 100; figures that differ make two."""
    one, two = spell_name(name), spell_name(other)
    if re.findall(r"\d+", one) != re.findall(r"\d+", two):
        return 0
    scores = [get_ratio(one, two), get_ratio(" ".join(sorted(one.split())), " ".join(sorted(two.split())))]
    for first, second in ((one, two), (name.upper(), other.upper())):
        if min(len(one), len(two)) >= (4 if one[:1] == two[:1] else 5) and is_one_slip(first, second):
            scores.append(100 - 100 / (len(first) + len(second)))
    return int(max(scores) + 1e-9)


def get_common(ours: str, theirs: str) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(theirs) + 1)
    for letter in ours:
        before = 0
        for at, other in enumerate(theirs, start=1):
            before, row[at] = row[at], before + 1 if letter == other else max(row[at], row[at - 1])
    return row[-1]


def get_ratio(ours: str, theirs: str) -> float:
    return 200 * get_common(ours, theirs) / (len(ours) + len(theirs) or 1)
