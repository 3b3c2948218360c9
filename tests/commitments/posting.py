"""The fields that the commitment's form posts."""

from typing import Any

from commitments.forms import CommitmentForm
from commitments.models import Commitment


def line(**values: str) -> dict[str, str]:
    """One row of the grid; what is not given is blank."""
    return values


def entry(*lines: dict[str, str], **header: str) -> dict[str, str]:
    """A whole form: a draft, with these lines."""
    posted = {"status": "draft", **header}
    for index, values in enumerate(lines):
        posted |= {f"lines-{index}-{name}": value for name, value in values.items()}
    return {**posted, "lines-TOTAL_FORMS": str(len(lines)), "lines-INITIAL_FORMS": "0"}


def as_stored(commitment: Commitment, **changed: str) -> dict[str, str]:
    """The edit page's form as it stands, with these changes."""
    header: dict[str, Any] = {name: getattr(commitment, name) for name in CommitmentForm.base_fields}
    company = commitment.contract_company_id
    header["contract_company"] = str(company) if company else ""
    lines = [
        line(
            cost_code=str(stored.cost_code or ""),
            cost_type=str(stored.cost_type_id or ""),
            billing_item=stored.billing_item,
            description=stored.description,
            quantity=str(stored.quantity or ""),
            unit_of_measure=stored.unit_of_measure,
            unit_cost=str(stored.unit_cost or ""),
            amount="" if stored.amount is None else str(stored.amount),
        )
        for stored in commitment.lines.select_related("cost_code")
    ]
    texts = {name: "" if value is None else str(value) for name, value in header.items()}
    return entry(*lines, **{**texts, "version": str(commitment.version), **changed})
