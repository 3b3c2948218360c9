"""The snapshot that travels: a commitment as it was when it was sent to accounting.

Plain frozen dataclasses with one canonical JSON form and its hash. What is stored,
previewed, accepted and exported is always this, never the live commitment. People
appear by id only, so that erasing a person changes no snapshot (docs/architecture.md, section 11.4).
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import TextChoices

from commitments.attachments import list_attachments
from commitments.models import STATUSES, Attachment, Commitment
from commitments.models import LineItem as StoredLine
from commitments.services import list_lines

SCHEMA_VERSION = 2
STATUS_VERSION = 3
ATTACHMENTS_VERSION = 4
VERSIONS = (1, SCHEMA_VERSION, STATUS_VERSION, ATTACHMENTS_VERSION)
"""Those that this program reads. In the first, lines have no identity; the third has a purpose, so that a
program from before takes no status for the whole; the fourth has attachments, where there are any."""


class Purpose(TextChoices):
    """How much of a commitment a submission writes."""

    WHOLE = "whole", "Commitment"
    STATUS = "status", "Status"


@dataclass(frozen=True, slots=True)
class LineItem:
    """One priced line of the Schedule of Values.

    ``quantity`` and ``unit_cost`` are None for a line that is only an amount.
    ``amount`` is in the company's currency, to the cent; only what was never sent may lack it.
    ``line_id`` is the same as long as the commitment has the line.
    """

    position: int
    cost_code: str
    cost_type: str
    billing_item: str
    description: str
    quantity: Decimal | None
    unit_of_measure: str
    unit_cost: Decimal | None
    amount: Decimal | None
    line_id: int | None = None


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """Name, size and hash prove which file it was."""

    attachment_id: int
    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Document:
    """A commitment with its lines, as it was sent.

    ``default_retainage`` is a percentage (10 means ten per cent). ``kind`` and
    ``status`` are the stored values of ``commitments.models``. With the purpose status it is what was
    exported, and only that it is no longer of the ``previous_status`` is written.
    """

    commitment_id: int
    project_id: int
    project_name: str
    kind: str
    number: str
    title: str
    description: str
    status: str
    trade: str
    issue_date: date | None
    default_retainage: Decimal
    contract_company_id: int | None
    contract_company_name: str
    currency: str
    created_by_id: int
    lines: tuple[LineItem, ...] = field(default_factory=tuple)
    schema_version: int = SCHEMA_VERSION
    purpose: str = Purpose.WHOLE
    previous_status: str = ""
    attachments: tuple[AttachedFile, ...] = ()

    @property
    def is_status(self) -> bool:
        return self.purpose == Purpose.STATUS

    @property
    def status_label(self) -> str:
        return str(STATUSES[self.kind](self.status).label)

    @property
    def status_change(self) -> str:
        """In words; blank where the whole is written."""
        return (
            f"{STATUSES[self.kind](self.previous_status).label} to {self.status_label}"
            if self.is_status
            else ""
        )

    @property
    def total(self) -> Decimal:
        """The sum of the lines' amounts, in the company's currency."""
        return sum((line.amount or Decimal(0) for line in self.lines), Decimal("0.00"))

    @property
    def leading_cost_type(self) -> str:
        """The cost type with the largest amount, whatever its sign; of equal ones the first by code."""
        amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
        for line in self.lines:
            amounts[line.cost_type] += line.amount or 0
        return min(amounts, key=lambda code: (-abs(amounts[code]), code), default="")


def build_document(
    commitment: Commitment,
    typed: Sequence[StoredLine] | None = None,
    attached: Sequence[Attachment] | None = None,
) -> Document:
    """The commitment as it stands now, as a document: with these lines and files, or else its own. Three
    queries at most besides what is loaded. One that is not saved yet is number 0.
    """
    project = commitment.project
    company = commitment.contract_company
    lines = list_lines(commitment) if typed is None else typed
    if attached is None:
        attached = list_attachments(commitment) if commitment.pk else []
    return Document(
        commitment_id=commitment.pk or 0,
        project_id=project.pk,
        project_name=project.name,
        kind=commitment.kind,
        number=commitment.number,
        title=commitment.title,
        description=commitment.description,
        status=commitment.status,
        trade=commitment.trade,
        issue_date=commitment.issue_date,
        default_retainage=commitment.default_retainage,
        contract_company_id=company.pk if company else None,
        contract_company_name=company.name if company else "",
        currency=project.company.currency,
        created_by_id=commitment.created_by_id,
        lines=tuple(
            LineItem(
                position=line.position,
                cost_code=line.cost_code.code if line.cost_code else "",
                cost_type=line.cost_type.code if line.cost_type else "",
                billing_item=line.billing_item,
                description=line.description,
                quantity=line.quantity,
                unit_of_measure=line.unit_of_measure,
                unit_cost=line.unit_cost,
                amount=line.amount,
                line_id=line.line_id,
            )
            for line in lines
        ),
        schema_version=ATTACHMENTS_VERSION if attached else SCHEMA_VERSION,
        attachments=tuple(AttachedFile(each.pk, each.name, each.size, each.sha256) for each in attached),
    )


def format_canonical_json(value: Any) -> str:
    """One text for one value: sorted keys, no spaces, decimals and dates as text.

    Decimals keep their scale ("10.00" and "10" differ), because what a person saw
    is what is hashed.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_format_value)


def hash_content(value: Any) -> str:
    """SHA-256 of the canonical JSON, as 64 hexadecimal digits."""
    return hash_text(format_canonical_json(value))


def hash_text(text: str) -> str:
    """SHA-256 of a stored text, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def to_json(document: Document) -> str:
    """The canonical text that is stored with a submission."""
    return format_canonical_json(get_content(document))


def get_content(document: Document) -> dict[str, Any]:
    """As its version has it: the hash of what was accepted before stays what it was."""
    # As ``asdict`` has it, which copies each value.
    content = {name: getattr(document, name) for name in Document.__slots__}
    for part in ("lines", "attachments"):
        content[part] = [{name: getattr(each, name) for name in each.__slots__} for each in content[part]]
    if document.schema_version < STATUS_VERSION:
        del content["purpose"], content["previous_status"]
    if document.schema_version < ATTACHMENTS_VERSION:
        del content["attachments"]
    if document.schema_version == 1:
        for line in content["lines"]:
            del line["line_id"]
    return content


def from_json(text: str) -> Document:
    """Read a stored snapshot back, of this or an earlier schema version.

    Raises ValueError for a version that this program does not know.
    """
    stored: dict[str, Any] = json.loads(text)
    if stored["schema_version"] not in VERSIONS:
        raise ValueError(f"unknown snapshot version {stored['schema_version']}")
    issue_date = stored["issue_date"]
    return Document(
        **{
            **stored,
            "issue_date": date.fromisoformat(issue_date) if issue_date else None,
            "default_retainage": Decimal(stored["default_retainage"]),
            "lines": tuple(_parse_line(line) for line in stored["lines"]),
            "attachments": tuple(AttachedFile(**each) for each in stored.get("attachments", ())),
        }
    )


def _parse_line(stored: Mapping[str, Any]) -> LineItem:
    def parse_decimal(name: str) -> Decimal | None:
        return None if stored[name] is None else Decimal(stored[name])

    return LineItem(
        **{
            **stored,
            "quantity": parse_decimal("quantity"),
            "unit_cost": parse_decimal("unit_cost"),
            "amount": parse_decimal("amount"),
        }
    )


def _format_value(value: object) -> str:
    if isinstance(value, Decimal | date):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
