"""Which general-ledger account a commitment gets: a project-management system has none.

A chain of defaults is asked in the connection's order: the vendor's, the cost type's, the
company's. Spectrum keeps one account on the header, so of several cost types the one that carries
most of the money decides. Source: docs/spectrum.md, section 3.
"""

from erp_integrations.models import Connection, LedgerOrder

VENDOR, COMPANY = "the vendor", "the company"


def get_account(connection: Connection, *, vendor: str, cost_type: str, leading: str) -> tuple[str, str]:
    """The account, and which link of the chain gave it; both blank where none does.

    ``vendor`` and ``cost_type`` are the accounts of these two, ``leading`` the code of that cost type.
    """
    chain = [(vendor, VENDOR), (cost_type, f"cost type {leading}")]
    if connection.general_ledger_order == LedgerOrder.COST_TYPE_FIRST:
        chain.reverse()
    chain.append((connection.general_ledger_account, COMPANY))
    return next(((account, source) for account, source in chain if account), ("", ""))


def describe_place(source: str) -> str:
    """Who changes an account where; blank where the source is none of an account."""
    if source == COMPANY:
        return "An ERP Integrations Admin changes it in Settings"
    place = "Vendor links" if source == VENDOR else "Cost type accounts" if source.startswith("cost") else ""
    return place and f"Staff change it in Django admin, under {place}"
