"""The public file's 822 headers, with lines and a history that are generated, and 200 faults of ten kinds.

Public are number, title, vendor, department (the project) and amount. Everything else is generated from the
seed: lines, cost codes, estimates, retainage, days, accounts, earlier commitments and, of course, the faults.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from local.demo.contracts import read_contracts
from tests.trials.files import KINDS, Line, Row, Trial, make_numbers_fit

OF_EACH_KIND = 20
TODAY = date(2026, 6, 30)
NEW_WORDS = ("Quartz", "Zephyr", "Juniper", "Walnut", "Onyx", "Fjord", "Cobalt", "Hazel", "Kiwi", "Ibex")
NEW_TRADES = ("Glazing", "Millwork", "Drywall", "Surveying", "Fencing", "Dredging")
CENT = Decimal("0.01")
LARGEST_SHIFTED = 5_000_000  # a hundred times more has no room in a line


class Seeder:
    """One trial from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.trial = Trial({}, [])
        self.serial = 0
        self.used: set[str] = set()
        """The rows that carry a fault, or are half of a pair."""
        self.by_vendor: defaultdict[str, list[Row]] = defaultdict(list)

    def build(self) -> Trial:
        self.add_headers()
        for vendor, rows in list(self.by_vendor.items()):
            self.add_history(vendor, rows)
        self.add_estimates()
        self.singles = [rows[0].id for rows in self.by_vendor.values() if len(rows) == 1]
        makers: dict[str, Callable[[Row, int], None]] = {
            "lists": self.block,
            "first-time": self.make_first,
            "vendor-name": self.rename,
            "account-refused": self.refuse_account,
            "same-number": self.repeat_number,
            "near-duplicate": self.repeat_nearly,
            "amount": self.slip,
            "budget": self.overdraw,
            "changed": self.change,
            "retainage": self.unusual_retainage,
        }
        assert set(makers) == set(KINDS)
        for kind, make in makers.items():
            for number in range(OF_EACH_KIND):
                self.faulty = self.choose(kind)
                make(self.trial.rows[self.faulty], number)
                self.trial.truth.append((self.faulty, kind))
        for _ in range(OF_EACH_KIND):  # sent before, and not changed since
            same = self.trial.rows[self.choose("")]
            self.put(replace(same, id=f"{same.id}-before", state="history", previous_of=same.id))
        make_numbers_fit("", self.trial, dict.fromkeys(self.trial.rows, 0))
        return self.trial

    # What is there without a fault

    def add_headers(self) -> None:
        codes: dict[tuple[str, str], list[str]] = {}
        per_project: Counter[str] = Counter()
        retainages: dict[str, Decimal] = {}
        for contract in read_contracts():
            place = contract.department, contract.vendor
            if place not in codes:
                chosen = [per_project[contract.department] + n for n in range(self.random.randint(1, 3))]
                per_project[contract.department] += len(chosen)
                codes[place] = [f"{n // 100 % 90 + 10:02}-{n % 100 * 10 + 1000:04}" for n in chosen]
            retainages.setdefault(contract.vendor, Decimal(self.random.choice((0, 5, 10, 10))))
            row = Row(
                id=contract.number,
                state="waiting",
                project=contract.department,
                vendor=contract.vendor,
                number=contract.number,
                sent_on=TODAY - timedelta(days=self.random.randint(0, 35)),
                lines=self.split(contract.amount, codes[place]),
                kind="subcontract" if contract.kind == "PW" else "purchase_order",
                title=contract.title,
                retainage=retainages[contract.vendor],
            )
            self.put(row)
            self.by_vendor[row.vendor].append(row)

    def split(self, amount: Decimal, codes: list[str]) -> tuple[Line, ...]:
        shares = [self.random.randint(3, 5) for _ in codes]
        parts = [(amount * share / sum(shares)).quantize(CENT) for share in shares]
        parts[0] += amount - sum(parts)
        return tuple(Line(*each) for each in zip(codes, parts, strict=True))

    def add_history(self, vendor: str, rows: list[Row]) -> None:
        """Three to six, like the vendor's own headers: in each of its projects the largest, then others."""
        by_size = sorted(rows, key=lambda row: -row.total)
        largest = {row.project: row for row in reversed(by_size)}
        models = [*largest.values(), by_size[-1], *by_size][:6]
        while len(models) < 3 or (len(models) < 6 and self.random.random() < 0.5):
            models.append(self.random.choice(rows))
        for model in models:
            factor = Decimal(self.random.randint(700, 1300)) / 1000
            total = (model.total * factor).quantize(CENT) + Decimal(self.random.randint(1, 99)) / 100
            self.serial += 1
            self.put(
                replace(
                    model,
                    id=f"K{self.serial:05}",
                    state="history",
                    number=f"K{self.serial:05}",
                    title=f"{model.title[:200]}, year {self.random.randint(1, 9)}",
                    sent_on=TODAY - timedelta(days=self.random.randint(45, 700)),
                    lines=self.split(total, [line.cost_code for line in model.lines]),
                )
            )

    def add_estimates(self) -> None:
        """Three of four cost codes have one, with room for all that is committed."""
        for key, amount in self.committed().items():
            if self.random.random() < 0.75:
                to_date = (amount * self.random.randint(0, 90) / 100).quantize(CENT)
                estimate = ((amount + to_date) * self.random.randint(115, 200) / 100).quantize(CENT) + 100_000
                self.trial.phases[key] = (estimate, to_date, "")
            else:
                self.trial.phases[key] = (None, Decimal(0), "")

    def committed(self) -> dict[tuple[str, str, str], Decimal]:
        sums: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        for row in self.trial.rows.values():
            for line in () if row.previous_of else row.lines:
                sums[row.project, *line.phase] += line.amount
        return sums

    # Choosing

    def put(self, row: Row) -> None:
        self.trial.rows[row.id] = row

    def history(self, vendor: str) -> list[Row]:
        return [row for row in self.trial.rows.values() if row.is_accepted and row.vendor == vendor]

    def choose(self, kind: str) -> str:
        """A header without a fault; one that is its vendor's only one where the whole vendor changes."""
        alone = kind in ("lists", "first-time", "vendor-name", "account-refused", "budget")
        free = self.singles if alone else [row.id for row in self.trial.waiting]
        free = [key for key in free if key not in self.used and self.trial.rows[key].total > 0]
        chosen = self.random.choice(free)
        self.used.add(chosen)
        return chosen

    # The faults

    def block(self, row: Row, number: int) -> None:
        project, (code, kind) = row.project, row.lines[0].phase
        if number % 3 == 0:
            self.trial.phases[project, code, kind] = (None, Decimal(0), "C")
        elif number % 3 == 1:
            self.trial.vendor_statuses[row.vendor] = "N"
        else:
            self.put(replace(row, lines=(replace(row.lines[0], cost_type="Q"), *row.lines[1:])))
            self.trial.phases[project, code, "Q"] = (None, Decimal(0), "missing")

    def make_first(self, row: Row, number: int) -> None:
        if number % 3 == 0:
            name = f"{NEW_WORDS[number % 10]} {NEW_TRADES[number % 6]} {NEW_WORDS[(number + 3) % 10]} LLC"
            self.put(replace(row, vendor=name))
        elif number % 3 == 1:
            code = f"99-{number:04}"
            self.put(replace(row, lines=(replace(row.lines[0], cost_code=code), *row.lines[1:])))
            self.trial.phases[row.project, code, "S"] = (None, Decimal(0), "")
        else:
            self.put(replace(row, account=f"71{number:04}"))

    def rename(self, row: Row, number: int) -> None:
        """Another row's vendor, with a slip; the row's own vendor is gone with it."""
        known = row.vendor if number % 2 else self.random.choice(sorted(self.by_vendor))
        for _ in range(200):
            name = build_slip(known, self.random)
            if name not in self.by_vendor and name != known:
                break
            known = self.random.choice(sorted(self.by_vendor))
        self.put(replace(row, vendor=name))

    def refuse_account(self, row: Row, number: int) -> None:
        account = f"59{number:04}"
        self.put(replace(row, account=account))
        self.trial.refused[account] = TODAY - timedelta(days=self.random.randint(0, 170))

    def repeat_number(self, row: Row, number: int) -> None:
        """Of one that waits or, every third, of an accepted one; with other lines and another title."""
        earlier = self.history(row.vendor)
        if number % 3 == 0 and earlier:
            twin = respell(self.random.choice(earlier).number, self.random)
            self.put(replace(row, number=twin))
            return
        lines = self.split(
            (row.total * Decimal("1.31")).quantize(CENT), [line.cost_code for line in row.lines]
        )
        kind = "subcontract" if row.kind == "purchase_order" else "purchase_order"
        new = respell(row.number, self.random)
        self.add_twin(replace(row, number=new, kind=kind, title="Additional works, as agreed", lines=lines))

    def repeat_nearly(self, row: Row, number: int) -> None:
        """The same entered again some days apart, the title and every other time the amount a little off."""
        self.serial += 1
        total = row.total
        if number % 4 == 1:
            total += CENT
        elif number % 4 == 3:
            total = (total * Decimal(self.random.choice(("1.01", "0.991")))).quantize(CENT)
        day = row.sent_on - timedelta(days=self.random.randint(0, 12))
        self.add_twin(
            replace(
                row,
                number=f"R{self.serial:05}",
                title=retype(row.title, self.random),
                lines=self.split(total, [line.cost_code for line in row.lines]),
                sent_on=day,
            )
        )

    def add_twin(self, twin: Row) -> None:
        self.serial += 1
        self.faulty = f"T{self.serial:05}"
        self.put(replace(twin, id=self.faulty))
        self.used.add(self.faulty)

    def slip(self, row: Row, number: int) -> None:
        """The decimal point, or many times what the vendor ever had."""
        earlier = [each.total for each in self.history(row.vendor)]
        way = number % 4
        if way == 0:  # of one of its accepted ones
            total = self.random.choice(earlier) * 10
        elif way == 1:
            most = max(earlier)
            total = most * (100 if most < LARGEST_SHIFTED else 10) + CENT
        elif way == 2:
            total = (min(earlier) / 10).quantize(CENT)
        else:
            total = (max(earlier) * self.random.randint(40, 90) / 10).quantize(CENT)
        self.put(replace(row, lines=self.split(total, [line.cost_code for line in row.lines])))
        self.make_room(row.id)

    def make_room(self, key: str) -> None:
        """So that no cost code is overdrawn by a fault of another kind."""
        for line in self.trial.rows[key].lines:
            place = (self.trial.rows[key].project, *line.phase)
            estimate, to_date, status = self.trial.phases[place]
            if estimate is not None:
                self.trial.phases[place] = (estimate + line.amount * 2, to_date, status)

    def overdraw(self, row: Row, number: int) -> None:
        """By a cent, by little or by much."""
        place = (row.project, *row.lines[0].phase)
        to_date = Decimal(self.random.randint(0, 900_000)) / 100
        over = (CENT, Decimal(self.random.randint(100, 99_999)) / 100, row.lines[0].amount)[number % 3]
        self.trial.phases[place] = (self.committed()[place] + to_date - over, to_date, "")

    def change(self, row: Row, number: int) -> None:
        first, *others = row.lines
        before: Row = (
            replace(row, lines=(replace(first, amount=first.amount + 1000), *others)),
            replace(row, title=f"{row.title[:200]} and more"),
            replace(row, retainage=row.retainage + 1),
            replace(row, lines=(*row.lines, Line(first.cost_code, Decimal("250.00"), description="Added"))),
            replace(row, lines=(replace(first, description="Other words"), *others)),
        )[number % 5]
        self.put(replace(before, id=f"{row.id}-before", state="history", previous_of=row.id))

    def unusual_retainage(self, row: Row, number: int) -> None:
        others = [Decimal(each) for each in (0, 5, 10, 15, 20, 50) if each != row.retainage]
        self.put(replace(row, retainage=others[number % len(others)]))


def build_slip(name: str, random: Random) -> str:
    """As a hasty person, or one with a purpose, writes a vendor's name."""
    words = name.split()
    letters = [n for n in range(1, len(name) - 1) if name[n - 1 : n + 2].isalpha()]
    at = random.choice(letters or [1])
    swaps = [n for n in letters if name[n] != name[n + 1]] or [at]
    swap = random.choice(swaps)
    way = random.randrange(8)
    if way == 0:
        return name[:at] + name[at] + name[at:]  # a letter twice
    if way == 1:
        return name[:at] + name[at + 1 :]  # one missing
    if way == 2:
        return name[:swap] + name[swap + 1] + name[swap] + name[swap + 2 :]  # two swapped
    if way == 3:
        return name[:at] + random.choice("AEIOULNRST") + name[at + 1 :]  # another one
    if way == 4:
        last = {"INC": "LLC", "CO": "COMPANY", "INCORPORATED": "INC", "CORP": "CORPORATION", "LLC": "INC"}
        return " ".join([*words[:-1], last[words[-1]]]) if words[-1] in last else f"{name} INC"
    if way == 5 and len(words) > 2:
        return " ".join([words[1], words[0], *words[2:]])
    if way == 6:
        return (
            name.replace("&", "AND")
            if "&" in name
            else name.replace("AND", "&")
            if " AND " in name
            else name.title()
        )
    short = {"MANUFACTURING": "MFG", "CONSTRUCTION": "CONSTR", "BROTHERS": "BROS", "SERVICES": "SVCS"} | {
        "ASSOCIATES": "ASSOC",
        "INTERNATIONAL": "INTL",
        "EQUIPMENT": "EQUIP",
        "SUPPLY": "SUPP",
        "ELECTRIC": "ELEC",
    }
    return re.sub(r"\w+", lambda found: short.get(found[0], found[0]), name)


def respell(number: str, random: Random) -> str:
    """The same number, as another person writes it."""
    ways = [
        f"0{number}" if number[0].isdigit() else f"{number[0]}0{number[1:]}",
        f"{number[:3]}-{number[3:]}",
        f"{number[:2]} {number[2:]}",
        number.lower() + ".",
        number,
    ]
    if "0" in number[1:]:
        ways.append(number[0] + number[1:].replace("0", "O"))
    return random.choice(ways)


def retype(title: str, random: Random) -> str:
    """The same title, typed again."""
    words = title.split()
    way = random.randrange(6)
    at = random.randrange(len(title) - 1)
    if way == 0:
        return title[:at] + title[at + 1 :]
    if way == 1:
        return title[:at] + title[at] + title[at:]
    if way == 2:
        return title.upper()
    if way == 3 and len(words) > 3:
        return " ".join(words[:-1])
    if way == 4 and len(words) > 2:
        return " ".join([*words[1:], words[0]])
    return f"{title[:230]} (phase 2)"
