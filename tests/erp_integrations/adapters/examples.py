"""Documents that adapters' tests share: one that nothing blocks, and ways to change it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from erp_integrations.adapters.base import ErpReferences
from erp_integrations.snapshots import Document, LineItem

LINE = LineItem(
    position=1,
    cost_code="03-300-00",
    cost_type="S",
    billing_item="",
    description="Cast-in-place concrete",
    quantity=Decimal("120.00"),
    unit_of_measure="CY",
    unit_cost=Decimal("185.5000"),
    amount=Decimal("22260.00"),
)

LUMP_SUM = LineItem(
    position=2,
    cost_code="09-900-00",
    cost_type="S",
    billing_item="",
    description="Painting",
    quantity=None,
    unit_of_measure="",
    unit_cost=None,
    amount=Decimal("4800.00"),
)

DOCUMENT = Document(
    commitment_id=41,
    project_id=7,
    project_name="Pier 68",
    kind="subcontract",
    number="SC-001",
    title="Concrete",
    description="Concrete and painting at Pier 68",
    status="approved",
    trade="Concrete",
    issue_date=date(2026, 3, 9),
    default_retainage=Decimal("10.0"),
    contract_company_id=5,
    contract_company_name="Delaware River Builders",
    currency="USD",
    created_by_id=3,
    lines=(LINE, LUMP_SUM),
)

MASTERS = ErpReferences(
    vendor_code="DELRIV",
    job_number="2026-014",
    general_ledger_account="500100",
    general_ledger_source="company",
)


def with_lines(*lines: LineItem, document: Document = DOCUMENT) -> Document:
    """The document with these lines, numbered anew."""
    return replace(
        document, lines=tuple(replace(line, position=place) for place, line in enumerate(lines, start=1))
    )


def with_line(**changes: Any) -> Document:
    """The document with a single line, changed."""
    return with_lines(replace(LINE, **changes))
