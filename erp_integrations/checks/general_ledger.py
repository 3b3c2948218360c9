"""Which general-ledger account a commitment gets: a project-management system has none.

A chain of defaults is asked in the connection's order: the vendor's, the cost type's, the
company's. Spectrum keeps one account on the header, so of several cost types the one that carries
most of the money decides. Source: docs/spectrum.md, section 3.
"""

from erp_integrations.models import Connection, CostTypeAccount, LedgerOrder, VendorLink
from erp_integrations.snapshots import Document


def get_account(document: Document, connection: Connection, vendor: VendorLink | None) -> tuple[str, str]:
    """The account, and which link of the chain gave it; both blank where none does. One query."""
    cost_type = document.leading_cost_type
    of_cost_type = CostTypeAccount.objects.filter(connection=connection, cost_type__code=cost_type).first()
    chain = [
        (vendor.general_ledger_account if vendor else "", "the vendor"),
        (of_cost_type.general_ledger_account if of_cost_type else "", f"cost type {cost_type}"),
    ]
    if connection.general_ledger_order == LedgerOrder.COST_TYPE_FIRST:
        chain.reverse()
    chain.append((connection.general_ledger_account, "the company"))
    return next(((account, source) for account, source in chain if account), ("", ""))
