"""The demo's content as plain values: made from the record, loaded into the database later."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from local.demo.companies import DemoCompany, DemoProject
from local.demo.contracts import Contract


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """One line of a Schedule of Values. Codes are blank where a case wants them missing."""

    cost_code: str
    cost_type: str
    description: str
    unit_of_measure: str
    amount: Decimal
    quantity: Decimal | None = None
    unit_cost: Decimal | None = None
    billing_item: str = ""


@dataclass(frozen=True, slots=True)
class PlannedCommitment:
    """One contract of the record as a commitment. ``case`` names the awkward case that it is, if any."""

    contract: Contract
    company: DemoCompany
    project: DemoProject
    kind: str
    number: str
    title: str
    status: str
    trade: str
    default_retainage: Decimal
    lines: tuple[PlannedLine, ...]
    case: str = ""

    @property
    def issue_date(self) -> date:
        """The contract's real start."""
        return self.contract.start

    @property
    def total(self) -> Decimal:
        """The sum of the lines, in US dollars: the contract's real amount."""
        return sum((line.amount for line in self.lines), Decimal("0.00"))


@dataclass(frozen=True, slots=True)
class PlannedVendor:
    """A Contract Company of one company. ``code`` is Spectrum's; ``linked``: whether we know it.

    ``account`` is the general-ledger account that the link names; blank: the connection's.
    """

    name: str
    code: str
    linked: bool = True
    active: bool = True
    account: str = ""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Everything that is made from the record."""

    commitments: tuple[PlannedCommitment, ...]
    vendors: dict[str, tuple[PlannedVendor, ...]] = field(default_factory=dict)

    def of(self, company: DemoCompany) -> list[PlannedCommitment]:
        """The commitments of one company."""
        return [each for each in self.commitments if each.company == company]
