"""A trial's file and its truth: what may stand in them, and a clear sentence where it may not."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

KINDS = {
    "same-number": "the same vendor and number twice, however they are spelled",
    "near-duplicate": "nearly the same vendor, amount and title under another number, at most 30 days apart",
    "vendor-name": "a vendor with fewer than three accepted ones whose name is near that of one with more",
    "amount": "far from the vendor's (or cost code's) accepted ones, of which there are at least three",
    "budget": "more than is left of a cost code's estimate",
    "first-time": "a vendor, cost code or account never accepted, in a file with at least 20 accepted ones",
    "account-refused": "Spectrum refused the account, at most 180 days before the newest date of the file",
    "changed": "not as it was when it was sent before",
    "retainage": "unlike the vendor's accepted ones, of which there are at least three, or unusually high",
    "lists": "Spectrum takes no such line: phase closed, cost type missing, or vendor not used",
}
COLUMNS = {
    "id": "names the commitment; a row is one line, so rows with the same id are the lines of one",
    "state": "history (was accepted and exported) or waiting",
    "project": "name of the project",
    "vendor": "name of the Contract Company",
    "number": "the commitment's number, at most 30 characters",
    "cost_code": "of the line",
    "amount": "of the line, in dollars: 1234.50",
    "kind": "subcontract (default) or purchase_order",
    "title": "default: the number",
    "retainage": "per cent, default 0",
    "cost_type": "of the line, default S",
    "description": "of the line, default blank",
    "sent_on": "2026-03-31; default: a waiting one the newest date of the file, history 60 days before it",
    "estimate": "Spectrum's for this cost code and cost type in the project; default: not said, so no budget",
    "to_date": "cost to date likewise, default 0 where there is an estimate",
    "phase_status": "active (default), inactive, closed, or missing: the phase lacks this cost type",
    "vendor_status": "active (default), inactive or not used",
    "account": "general-ledger account, default 500100",
    "account_refused_on": "the day on which Spectrum refused this account",
    "previous_of": "the id of a waiting one: so that one was sent before, and was rejected",
}
REQUIRED = tuple(COLUMNS)[:7]
ONE_PER_COMMITMENT = (
    "state",
    "project",
    "vendor",
    "number",
    "kind",
    "title",
    "retainage",
    "sent_on",
    "account",
)
DEFAULT_ACCOUNT = "500100"
STATES = {"active": "A", "inactive": "I", "closed": "C", "missing": "", "not used": "N"}


class BadFile(ValueError):
    """The text is a sentence for whoever made the file."""


@dataclass(frozen=True)
class Line:
    cost_code: str
    amount: Decimal
    cost_type: str = "S"
    description: str = ""

    @property
    def phase(self) -> tuple[str, str]:
        return self.cost_code, self.cost_type


@dataclass(frozen=True)
class Row:
    """One commitment."""

    id: str
    state: str
    project: str
    vendor: str
    number: str
    sent_on: date
    lines: tuple[Line, ...]
    kind: str = "subcontract"
    title: str = ""
    retainage: Decimal = Decimal(0)
    account: str = DEFAULT_ACCOUNT
    previous_of: str = ""

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal("0.00"))

    @property
    def is_accepted(self) -> bool:
        return self.state == "history" and not self.previous_of

    @property
    def is_waiting(self) -> bool:
        return self.state == "waiting"


@dataclass
class Trial:
    """``phases`` are Spectrum's: estimate, cost to date and status by project, cost code and cost type."""

    rows: dict[str, Row]
    truth: list[tuple[str, str]]
    phases: dict[tuple[str, str, str], tuple[Decimal | None, Decimal, str]] = field(default_factory=dict)
    vendor_statuses: dict[str, str] = field(default_factory=dict)
    refused: dict[str, date] = field(default_factory=dict)

    @property
    def waiting(self) -> list[Row]:
        return [row for row in self.rows.values() if row.is_waiting]

    @property
    def newest(self) -> date:
        return max(row.sent_on for row in self.rows.values())


def read_table(
    path: str, columns: list[str], required: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row with its number as a spreadsheet shows it."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path} can't be read: {error}.") from error
    if "\0" in text:
        raise BadFile(f"{path} is no CSV: it has a NUL byte.")
    reader = csv.DictReader(text.splitlines())
    present = [str(name or "").strip() for name in reader.fieldnames or ()]
    reader.fieldnames = present
    for name in required:
        if name not in present:
            raise BadFile(f"{path}: there is no column {name}. It has: {', '.join(present) or 'nothing'}.")
    for name in present:
        if name not in columns:
            raise BadFile(f"{path}: column {name} is not known. Known are: {', '.join(columns)}.")
    for number, cells in enumerate(reader, start=2):
        if None in cells:
            raise BadFile(f"{path}, row {number}: it has more cells than there are columns.")
        row = {name: (cells.get(name) or "").strip() for name in columns}
        if any(row.values()):
            yield number, row


def read_trial(path: str, truth_path: str) -> Trial:
    """Raises BadFile."""
    raw = list(read_table(path, list(COLUMNS), REQUIRED))
    if not raw:
        raise BadFile(f"{path} has no rows.")
    trial = Trial({}, [])
    first: dict[str, tuple[int, dict[str, str]]] = {}
    dates = [parse_date(path, number, "sent_on", row["sent_on"]) for number, row in raw if row["sent_on"]]
    newest = max(dates, default=date(2026, 1, 1))
    for number, cells in raw:
        where = f"{path}, row {number}"
        for name in REQUIRED:
            if not cells[name]:
                raise BadFile(f"{where}, column {name}: it is empty.")
        if cells["id"] in first:
            earlier, other = first[cells["id"]]
            for name in (*ONE_PER_COMMITMENT, "previous_of"):
                if cells[name] and cells[name] != other[name]:
                    raise BadFile(
                        f"{where}, column {name}: {cells[name]!r} is not {other[name]!r}, "
                        f"as row {earlier} has it for the same id."
                    )
        first.setdefault(cells["id"], (number, cells))
        line, row = parse_line(where, cells), trial.rows.get(cells["id"])
        if row:
            trial.rows[row.id] = replace(row, lines=(*row.lines, line))
        else:
            trial.rows[cells["id"]] = parse_row(path, number, cells, line, newest)
        row = trial.rows[cells["id"]]
        add_lists(trial, where, row, line, cells)
        if cells["account_refused_on"]:
            trial.refused[row.account] = parse_date(
                path, number, "account_refused_on", cells["account_refused_on"]
            )
    for row in trial.rows.values():
        number = first[row.id][0]
        if row.previous_of and not (row.previous_of in trial.rows and trial.rows[row.previous_of].is_waiting):
            raise BadFile(
                f"{path}, row {number}, column previous_of: no waiting row has the id {row.previous_of}."
            )
    make_numbers_fit(path, trial, {key: number for key, (number, _) in first.items()})
    for number, cells in read_table(truth_path, ["id", "kind"], ("id", "kind")):
        kind = "-".join(cells["kind"].lower().replace("_", " ").replace("-", " ").split())
        if kind not in KINDS:
            raise BadFile(
                f"{truth_path}, row {number}, column kind: {cells['kind']!r} is none of {', '.join(KINDS)}."
            )
        if cells["id"] not in trial.rows or not trial.rows[cells["id"]].is_waiting:
            raise BadFile(
                f"{truth_path}, row {number}, column id: no waiting row of {path} is {cells['id']!r}."
            )
        trial.truth.append((cells["id"], kind))
    return trial


def parse_row(path: str, number: int, cells: dict[str, str], line: Line, newest: date) -> Row:
    where = f"{path}, row {number}"
    state, kind = cells["state"].lower(), cells["kind"].lower().replace(" ", "_") or "subcontract"
    if state not in ("history", "waiting"):
        raise BadFile(f"{where}, column state: {cells['state']!r} is neither history nor waiting.")
    if kind not in ("subcontract", "purchase_order"):
        raise BadFile(f"{where}, column kind: {cells['kind']!r} is neither subcontract nor purchase_order.")
    for name, length in (("number", 30), ("title", 255), ("vendor", 200), ("project", 60), ("account", 40)):
        if len(cells[name]) > length:
            raise BadFile(f"{where}, column {name}: it is longer than {length} characters.")
    if cells["previous_of"] and state == "waiting":
        raise BadFile(
            f"{where}, column previous_of: a row that waits was not sent before; its state is history."
        )
    retainage = parse_amount(where, "retainage", cells["retainage"] or "0")
    if not 0 <= retainage <= 100:
        raise BadFile(f"{where}, column retainage: {retainage} is not between 0 and 100.")
    usual = newest if state == "waiting" else date.fromordinal(newest.toordinal() - 60)
    return Row(
        id=cells["id"],
        state=state,
        project=cells["project"],
        vendor=cells["vendor"],
        number=cells["number"],
        sent_on=parse_date(path, number, "sent_on", cells["sent_on"]) if cells["sent_on"] else usual,
        lines=(line,),
        kind=kind,
        title=cells["title"] or cells["number"],
        retainage=retainage,
        account=cells["account"] or DEFAULT_ACCOUNT,
        previous_of=cells["previous_of"],
    )


def parse_line(where: str, cells: dict[str, str]) -> Line:
    for name, length in (("cost_code", 30), ("cost_type", 10), ("description", 255)):
        if len(cells[name]) > length:
            raise BadFile(f"{where}, column {name}: it is longer than {length} characters.")
    amount = parse_amount(where, "amount", cells["amount"])
    return Line(cells["cost_code"], amount, cells["cost_type"] or "S", cells["description"])


def add_lists(trial: Trial, where: str, row: Row, line: Line, cells: dict[str, str]) -> None:
    """What Spectrum says of the line's phase and of the vendor; a cell that is empty says nothing."""
    statuses: dict[str, tuple[str, ...]] = {"phase_status": ("active", "inactive", "closed", "missing")}
    statuses["vendor_status"] = ("active", "inactive", "not used")
    for name, known in statuses.items():
        if cells[name].lower().replace("_", " ") not in ("", *known):
            raise BadFile(f"{where}, column {name}: {cells[name]!r} is none of {', '.join(known)}.")
    key = (row.project, *line.phase)
    estimate, to_date, status = trial.phases.get(key, (None, Decimal(0), ""))
    if cells["estimate"]:
        own = parse_amount(where, "estimate", cells["estimate"])
        if estimate not in (None, own):
            raise BadFile(
                f"{where}, column estimate: an earlier row says {estimate} of this cost code and type."
            )
        estimate = own
    if cells["to_date"]:
        to_date = parse_amount(where, "to_date", cells["to_date"])
    if cells["phase_status"]:
        status = STATES[cells["phase_status"].lower()] or "missing"
    trial.phases[key] = (estimate, to_date, status)
    if cells["vendor_status"]:
        trial.vendor_statuses[row.vendor] = STATES[cells["vendor_status"].lower().replace("_", " ")]


def make_numbers_fit(path: str, trial: Trial, numbers: dict[str, int]) -> None:
    """The product has a number once in a project and kind: the second one becomes the other kind."""
    taken: dict[tuple[str, str, str], str] = {}
    for row in list(trial.rows.values()):
        if row.previous_of:
            continue
        kind = row.kind
        if (row.project, kind, row.number) in taken:
            kind = {"subcontract": "purchase_order"}.get(kind, "subcontract")
        if (row.project, kind, row.number) in taken:
            raise BadFile(
                f"{path}, row {numbers[row.id]}, column number: "
                f"{row.number} stands a third time in {row.project}."
            )
        taken[row.project, kind, row.number] = row.id
        trial.rows[row.id] = replace(row, kind=kind)


def parse_amount(where: str, column: str, text: str) -> Decimal:
    try:
        amount = Decimal(text.replace(",", "").replace("$", "").strip())
    except InvalidOperation:
        raise BadFile(f"{where}, column {column}: {text!r} is not a number.") from None
    if not amount.is_finite() or abs(amount) >= 10**12 or amount != amount.quantize(Decimal("0.01")):
        raise BadFile(f"{where}, column {column}: {text} is not an amount of dollars and cents below 10^12.")
    return amount.quantize(Decimal("0.01"))


def parse_date(path: str, number: int, column: str, text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError:
        raise BadFile(
            f"{path}, row {number}, column {column}: {text!r} is not a day like 2026-03-31."
        ) from None


def group_truth(trial: Trial) -> dict[str, set[str]]:
    """The kinds of each faulty row."""
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    for key, kind in trial.truth:
        kinds[key].add(kind)
    return kinds
