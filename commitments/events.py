"""The events of commitments, and of what they choose from."""

from directory.history.events import Event


class CommitmentEvent(Event):
    COMMITMENT_CREATED = "commitment.created", "Created"
    COMMITMENT_CHANGED = "commitment.changed", "Changed"
    COMMITMENT_LINES_MERGED = "commitment.lines_merged", "Merged lines"
    COMMITMENT_BILLING_ITEMS_GIVEN = "commitment.billing_items_given", "Gave billing items"
    COMMITMENT_DELETED = "commitment.deleted", "Deleted"
    CONTRACT_COMPANY_CREATED = "contract_company.created", "Contract Company added"
    CONTRACT_COMPANY_CHANGED = "contract_company.changed", "Contract Company changed"
    CONTRACT_COMPANY_DELETED = "contract_company.deleted", "Contract Company removed"
    CONTRACT_COMPANY_MERGED = "contract_company.merged", "Contract Company merged"
    COST_CODE_CREATED = "cost_code.created", "Cost code added"
    COST_CODE_CHANGED = "cost_code.changed", "Cost code changed"
    COST_CODE_DELETED = "cost_code.deleted", "Cost code removed"
    COST_CODE_MERGED = "cost_code.merged", "Cost code merged"
    COST_TYPE_CREATED = "cost_type.created", "Cost type added"
    COST_TYPE_CHANGED = "cost_type.changed", "Cost type changed"
    COST_TYPE_DELETED = "cost_type.deleted", "Cost type removed"
