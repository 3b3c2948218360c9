"""Spreadsheets of subcontracts as people keep them, each with its mess and with the truth about it."""

import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Font

MESSES = (
    "other headings",
    "slips in headings",
    "other order",
    "columns of no use",
    "rows above",
    "two rows of headings",
    "merged cells",
    "totals",
    "days as texts",
    "money signs",
    "decimal commas",
    "code pages",
    "heads again",
    "round figures",
)

HEADINGS = {
    "number": ("Number", ("Contract No.", "SUBCONTRACT #", "Commitment Number", "contract_id", "PO/SC No")),
    "contract_company": (
        "Contract Company",
        ("Vendor", "Vendor Name", "SUBCONTRACTOR", "Supplier", "Company"),
    ),
    "title": ("Title", ("Contract Title", "Scope of Work", "Contract Description", "Scope")),
    "issue_date": ("Issue date", ("Contract Date", "Date Issued", "DATE", "Issued")),
    "default_retainage": ("Default Retainage", ("Retainage %", "Ret. %", "Retention (%)", "retainage")),
    "cost_code": ("Cost code", ("Phase", "Phase Code", "COST CODE", "Budget Code")),
    "cost_type": ("Cost type", ("Type", "Cost Category", "Category", "COST TYPE")),
    "description": (
        "Line description",
        ("Description", "Item Description", "Desc.", "Line Item Description"),
    ),
    "quantity": ("Quantity", ("Qty", "QTY.", "Quant.", "quantity")),
    "unit_of_measure": ("Unit", ("UOM", "U/M", "Unit of Measure", "Units")),
    "unit_cost": ("Unit cost", ("Unit Price", "Rate", "UNIT COST ($)", "Price per Unit")),
    "amount": (
        "Amount",
        ("Line Amount", "Total", "Scheduled Value", "Extended Amount", "AMOUNT (USD)", "Amt"),
    ),
}
OTHERS = ("Remarks", "Superintendent", "Insurance expires", "Bid", "% billed", "Last change", "Phone")
WORDS = ("Concrete", "Steel", "Roof", "Glass", "Paint", "Doors", "Lifts", "Piping", "Ducts", "Cable", "Tile")


@dataclass
class Sheet:
    """A file, and the truth about it: its columns by place, and its amounts by number, in order."""

    content: bytes
    messes: tuple[str, ...]
    columns: list[str]
    amounts: dict[str, list[Decimal]]
    days: dict[str, date]
    retainage: dict[str, Decimal]
    styles: dict[str, str] = field(default_factory=dict)
    """As the person answers where they are asked."""


@dataclass
class Maker:
    seed: int
    vendors: list[str]
    codes: list[str]
    types: list[str]

    def build(self) -> Sheet:
        self.random = random.Random(self.seed)
        chosen = tuple(each for each in MESSES if self.random.random() < 0.5)
        self.messes = set(chosen)
        self.is_book = "decimal commas" not in chosen and self.random.random() < 0.5
        self.is_round = "round figures" in chosen and not self.is_book
        self.day_style = self.random.choice(["%m/%d/%Y", "%d/%m/%Y", "%d %b %Y", "%Y-%m-%d", "%B %d, %Y"])
        names = list(HEADINGS)
        if "other order" in self.messes:
            self.random.shuffle(names)
        columns = list(names)
        for other in self.random.sample(OTHERS, 3) if "columns of no use" in self.messes else []:
            columns.insert(self.random.randrange(len(columns) + 1), f"-{other}")
        self.columns = columns
        rows, sheet = self.build_rows()
        head = [self.build_heading(each) for each in columns]
        top: list[list[Any]] = []
        if "rows above" in self.messes:
            top = [["Subcontracts of last year"], [], ["Printed", "", "by accounting"]]
        if "two rows of headings" in self.messes and "number" in columns:
            group = [""] * len(columns)
            place = columns.index("number")
            group[place], head[place] = "Subcontract", "No."
            group[place + 1 : place + 2] = ["Details"] if place + 1 < len(columns) else []
            top.append(group)
        body = [*top, head]
        for at, row in enumerate(rows):
            if "heads again" in self.messes and at and at % 25 == 0:
                body += [[], list(head)]
            body.append(row)
        sheet.content = self.write_book(body) if self.is_book else self.write_text(body)
        sheet.messes, sheet.columns = chosen, ["" if each[0] == "-" else each for each in columns]
        return sheet

    def build_heading(self, name: str) -> str:
        if name.startswith("-"):
            return name[1:]
        label, others = HEADINGS[name]
        text = self.random.choice(others) if "other headings" in self.messes else label
        if "slips in headings" in self.messes and len(text) > 8 and self.random.random() < 0.4:
            at = self.random.randrange(2, len(text) - 2)
            text = text[:at] + text[at + 1 :]
        return f" {text}\n" if self.random.random() < 0.1 else text

    def build_rows(self) -> tuple[list[list[Any]], Sheet]:
        pick, rows = self.random, []
        sheet = Sheet(b"", (), [], {}, {}, {})
        everything = Decimal(0)
        for at in range(pick.randrange(25, 60)):
            number = f"SC-{self.seed:02}-{at:03}"
            day = date(2025, 1, 1) + timedelta(days=pick.randrange(360))
            held = Decimal(pick.choice(["0", "5", "7.5", "10"]))
            head = {
                "number": number,
                "contract_company": pick.choice(self.vendors),
                "title": self.build_words(),
            }
            head |= {"issue_date": self.format_day(day), "default_retainage": self.format_percent(held)}
            amounts = []
            for line in range(pick.randrange(1, 7)):
                quantity = Decimal(pick.randrange(1, 900_000)) / pick.choice([1, 10, 1000])
                amount = Decimal(pick.randrange(-5_000_000, 95_000_000)) / pick.choice([1, 100, 100, 100])
                unit_cost = Decimal(pick.randrange(1, 9_999_999)) / 100
                amount = quantity * unit_cost if pick.random() < 0.1 else amount
                amount = amount.quantize(Decimal(1) if self.is_round else Decimal("0.01"))
                if self.is_round:
                    quantity, unit_cost = quantity.quantize(Decimal(1)), unit_cost.quantize(Decimal(1))
                amounts.append(amount)
                values: dict[str, Any] = head if line == 0 or "merged cells" not in self.messes else {}
                values = values | {
                    "cost_code": pick.choice(self.codes),
                    "cost_type": pick.choice(self.types),
                    "description": self.build_words(),
                    "quantity": self.format_figure(quantity, places=4),
                    "unit_of_measure": pick.choice(["LS", "CY", "EA", "SF"]),
                    "unit_cost": self.format_figure(unit_cost),
                    "amount": self.format_figure(amount, money=True),
                }
                rows.append(
                    [
                        values.get(each, pick.choice(["", "ok", "17", "n/a"]))
                        if each[0] == "-"
                        else values.get(each, "")
                        for each in self.columns
                    ]
                )
            sheet.amounts[number], sheet.days[number], sheet.retainage[number] = amounts, day, held
            everything += sum(amounts)
            if "totals" in self.messes and pick.random() < 0.3:
                rows.append(self.build_total(f"{number} Total", sum(amounts, Decimal(0))))
        if "totals" in self.messes:
            rows.append(self.build_total("Grand Total", everything))
        is_comma = "decimal commas" in self.messes
        first = "day" if self.day_style == "%d/%m/%Y" else "month"
        sheet.styles = {"figures": "comma" if is_comma else "point", "days": first}
        return rows, sheet

    def build_total(self, words: str, amount: Decimal) -> list[Any]:
        values = {"number": words, "amount": self.format_figure(amount, money=True)}
        return [values.get(each, "") for each in self.columns]

    def build_words(self) -> str:
        return " ".join(self.random.sample(WORDS, 3)) + self.random.choice(["", " é", " – Phase 2"])

    def format_day(self, day: date) -> Any:
        if self.is_book and "days as texts" not in self.messes:
            return day
        return day.strftime(self.day_style if "days as texts" in self.messes else "%Y-%m-%d")

    def format_percent(self, held: Decimal) -> Any:
        if self.is_book and self.random.random() < 0.5:
            return (float(held) / 100, "0.0%")
        text = f"{held.normalize():f}"
        return (text.replace(".", ",") if "decimal commas" in self.messes else text) + "%"

    def format_figure(self, value: Decimal, *, places: int = 2, money: bool = False) -> Any:
        has_signs = money and "money signs" in self.messes
        if self.is_book and not has_signs:
            return (float(value), "#,##0.00")
        text = f"{abs(value):,.2f}" if places == 2 and not self.is_round else f"{abs(value).normalize():,f}"
        if not self.is_round and self.random.random() < 0.3:
            text = text.replace(",", "")
        if "decimal commas" in self.messes:
            text = text.translate(str.maketrans(".,", ",."))
        text = f"${text}" if has_signs and self.random.random() < 0.6 else text
        if value >= 0:
            return text
        return self.random.choice([f"({text})", f"{text}-", f"-{text}"]) if has_signs else f"-{text}"

    def write_book(self, rows: list[list[Any]]) -> bytes:
        book, file = Workbook(), io.BytesIO()
        page: Any = book.active
        for number, row in enumerate(rows, start=1):
            for place, value in enumerate(row, start=1):
                value, form = value if isinstance(value, tuple) else (value, "")
                if value == "":
                    continue
                cell = page.cell(number, place, value)
                cell.number_format = form or cell.number_format
                cell.font = Font(bold=number < 4)
        book.save(file)
        return file.getvalue()

    def write_text(self, rows: list[list[Any]]) -> bytes:
        mark = ";" if "decimal commas" in self.messes else self.random.choice(",,\t")
        encoding = "utf-8"
        if "code pages" in self.messes:
            encoding = self.random.choice(["utf-16", "cp1252", "utf-8-sig"])

        def quote(value: Any) -> str:
            text = str(value)
            return f'"{text}"' if any(each in text for each in f'{mark}\n"') else text

        lines: Iterator[str] = (mark.join(map(quote, row)) for row in rows)
        return "\r\n".join(lines).encode(encoding)


def build_sheets(count: int, seed: int, make: Callable[[int], Maker]) -> list[Sheet]:
    return [make(seed * 100 + at).build() for at in range(count)]
