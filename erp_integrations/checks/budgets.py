"""The money on a document's cost codes: what Spectrum's lists say of them, less what is committed here."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection as database

from erp_integrations.checks.approval_basis import ApprovalBasis
from erp_integrations.snapshots import LineItem

# The code has the form of the adapter's get_phase_code. All other commitments on the phases count that are
# with accounting or exported, whose lines can't change any more: an index has what each line commits.
COMMITTED = """SELECT phase, cost_type, sum(greatest(committed, 0)) FROM (
        SELECT upper(trim(replace(code.code, '-', ''))) AS phase, upper(trim(type.code)) AS cost_type,
            sum(line.committed) AS committed
        FROM commitments_costcode AS code
            JOIN commitments_lineitem AS line ON line.cost_code_id = code.id AND line.committed IS NOT NULL
            JOIN commitments_costtype AS type ON type.id = line.cost_type_id AND type.company_id = %(company)s
        WHERE upper(trim(replace(code.code, '-', ''))) = ANY (%(phases)s)
            AND code.project_id IN (
                SELECT project_id FROM erp_integrations_joblink
                WHERE connection_id = %(connection)s AND upper(trim(job_number)) = upper(trim(%(job)s))
            )
            AND line.commitment_id <> %(commitment)s
        GROUP BY phase, cost_type, line.commitment_id
    ) AS of_commitment
    GROUP BY phase, cost_type
"""


@dataclass(frozen=True, slots=True)
class PhaseBudget:
    """One cost code with a cost type, of one document, in dollars; None where Spectrum does not say.

    ``committed`` is by other commitments of the job, with accounting or exported, less what was billed of
    each, which is part of the cost ``to_date``. Whoever was sent first: accepting one changes no other's.
    """

    cost_code: str
    cost_type: str
    description: str
    estimate: Decimal | None
    to_date: Decimal | None
    committed: Decimal
    amount: Decimal

    @property
    def left(self) -> Decimal | None:
        """Once this document is committed, too."""
        if self.estimate is None or self.to_date is None:
            return None
        return self.estimate - self.to_date - self.committed - self.amount

    @property
    def over(self) -> Decimal | None:
        """By how much too little is left; None where it is enough, or nobody knows."""
        return -self.left if self.left is not None and self.left < 0 else None


def list_budgets(basis: ApprovalBasis) -> list[PhaseBudget]:
    """Of each cost code and cost type of the document, in the order of its lines. One query.

    Empty where the project is no job.
    """
    document, references = basis.document, basis.references
    if basis.connection is None:
        return []

    def get_key(cost_code: str, cost_type: str) -> tuple[str, str]:
        return basis.adapter.get_phase_code(cost_code), cost_type.strip().upper()

    lines: defaultdict[tuple[str, str], list[LineItem]] = defaultdict(list)
    for line in document.lines:
        lines[get_key(line.cost_code, line.cost_type)].append(line)
    values: dict[str, Any] = {
        "phases": [phase for phase, _ in lines],
        "company": basis.connection.company_id,
        "connection": basis.connection.pk,
        "job": references.job_number,
        "commitment": document.commitment_id,
    }
    with database.cursor() as cursor:
        cursor.execute(COMMITTED, values)
        committed = {(phase, cost_type): amount for phase, cost_type, amount in cursor.fetchall()}
    phases = {get_key(each.code, each.cost_type): each for each in references.phases or ()}
    return [
        PhaseBudget(
            cost_code=same[0].cost_code,
            cost_type=same[0].cost_type,
            description=phase.description if (phase := phases.get(key)) else "",
            estimate=phase.estimate if phase else None,
            to_date=phase.to_date if phase else None,
            committed=committed.get(key, Decimal("0.00")),
            amount=sum((line.amount or Decimal(0) for line in same), Decimal("0.00")),
        )
        for key, same in lines.items()
        if all(key)
    ]
