"""Commitments that use every field, so that it can be seen which elements a connection's plans fill."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from erp_integrations.adapters.base import ErpReferences
from erp_integrations.snapshots import Document, LineItem

_REFERENCES = ErpReferences(vendor_code="1", job_number="1", general_ledger_account="1")
REFERENCES = (_REFERENCES, replace(_REFERENCES, job_price_method="1"))
"""A job of which no price method is known, and one of which it is."""

_LINE = LineItem(
    position=1,
    cost_code="1",
    cost_type="S",
    billing_item="1",
    description="Work",
    quantity=Decimal(1),
    unit_of_measure="EA",
    unit_cost=Decimal(1),
    amount=Decimal(1),
)
_SUBCONTRACT = Document(
    commitment_id=0,
    project_id=0,
    project_name="",
    kind="subcontract",
    number="1",
    title="Work",
    description="Work",
    status="approved",
    trade="Work",
    issue_date=date(2000, 1, 1),
    default_retainage=Decimal(10),
    contract_company_id=None,
    contract_company_name="",
    currency="",
    created_by_id=0,
    lines=(_LINE,),
)

DOCUMENTS = (_SUBCONTRACT, replace(_SUBCONTRACT, default_retainage=Decimal(0)))
"""With retainage and without."""
