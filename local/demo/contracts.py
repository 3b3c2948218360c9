"""The public record: contracts of the City of Philadelphia, as they stand in its file."""

import csv
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

DATA = Path(__file__).parent / "data"
CONTRACTS = DATA / "philadelphia-contracts-fy2015q4.csv"

PUBLIC_WORKS = "PW"

# What the letters of a public-works bid say about the work, where the description only repeats the bid.
_WORK = {
    "GCON": "General construction",
    "GCOR": "General construction",
    "GCNR": "General construction",
    "ELEC": "Electrical work",
    "MECH": "Mechanical work",
    "PLUM": "Plumbing work",
    "ROOF": "Roofing",
    "ECMS": "Highway work",
    "ASBT": "Asbestos abatement",
    "TANK": "Tank replacement",
}
# Notes to bidders, the schedule of the buying office, and the place, which is always the same.
_ASIDES = (
    re.compile(r"[\s,;]*\b(?:est\b[.:]?\s*[>$]|in lieu of|mandatory pre-?bid|specs avail).*", re.IGNORECASE),
    re.compile(r"[\s,.-]*\bsch(?:edule|\.)?\s*[\d-]+$", re.IGNORECASE),
    re.compile(r"[\s,.]*\bPhila(?:delphia)?\.?,?\s*P\.?\s?A\.?$", re.IGNORECASE),
)
_ONLY_THE_BID = re.compile(r"\bBid ?# ")


@dataclass(frozen=True, slots=True)
class Contract:
    """One row. ``amount`` is in US dollars, and may be zero: some are open-ended."""

    bid: str
    number: str
    description: str
    start: date
    kind: str
    vendor: str
    department: str
    amount: Decimal

    @property
    def bid_letters(self) -> str:
        """The end of a public-works bid's number: ELEC, ROOF, …; blank for many."""
        return self.bid.lstrip("0123456789") if self.kind == PUBLIC_WORKS else ""

    @property
    def title(self) -> str:
        """The subject of the contract, in at most 255 characters.

        Every seventh description only says "<vendor> Bid # <bid>"; the title then says it in words.
        """
        text = " ".join(self.description.split())
        if not text or _ONLY_THE_BID.search(text):
            usual = "Public works" if self.kind == PUBLIC_WORKS else "Services, supplies and equipment"
            return f"{_WORK.get(self.bid_letters, usual)}, bid {self.bid}"
        for aside in _ASIDES:
            text = aside.sub("", text)
        return text.strip(" ,.;:-")[:255]


def read_contracts() -> list[Contract]:
    """All rows, in the order of the file."""
    with CONTRACTS.open(encoding="utf-8", newline="") as file:
        return [
            Contract(
                bid=row["Bid_Number"].strip(),
                number=row["Contract_Number"].strip(),
                description=row["Contract_Description"].strip(),
                start=datetime.strptime(row["Start_Date"], "%Y%m%d").date(),  # noqa: DTZ007
                kind=row["Contract_Type"],
                vendor=row["Vendor_Name"].strip(),
                department=row["Department_Name"].strip(),
                amount=Decimal(row["Contract_Amount"].replace("$", "").replace(",", "")).quantize(
                    Decimal("0.01")
                ),
            )
            for row in csv.DictReader(file)
        ]
