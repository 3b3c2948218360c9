"""Commitments with their Schedule of Values."""

from decimal import Decimal
from typing import Any

from factory.declarations import LazyAttribute, SelfAttribute, Sequence, SubFactory, Trait
from factory.helpers import post_generation

from commitments.models import Commitment, ContractCompany, CostCode, CostType, Kind, LineItem
from tests.factories.base import ModelFactory
from tests.factories.directory import CompanyFactory, CreatorFactory, ProjectFactory


class ContractCompanyFactory(ModelFactory[ContractCompany]):
    """A vendor as the projects know it."""

    class Meta:
        model = ContractCompany

    company = SubFactory(CompanyFactory)
    name = Sequence(lambda number: f"Vendor {number} Inc.")


class CostCodeFactory(ModelFactory[CostCode]):
    """A place in a project's budget."""

    class Meta:
        model = CostCode

    project = SubFactory(ProjectFactory)
    code = Sequence(lambda number: f"03-{number:05}")
    name = "Cast-in-place concrete"


class CostTypeFactory(ModelFactory[CostType]):
    """A kind of cost; a company has each once."""

    class Meta:
        model = CostType
        django_get_or_create = ("company", "code")

    company = SubFactory(CompanyFactory)
    code = "S"
    name = "Subcontract"


class CommitmentFactory(ModelFactory[Commitment]):
    """A subcontract in Draft with two lines of 1,000.00; ``lines=0`` leaves them out."""

    class Meta:
        model = Commitment
        skip_postgeneration_save = True

    class Params:
        approved = Trait(status="approved")
        purchase_order = Trait(
            kind=Kind.PURCHASE_ORDER,
            number=Sequence(lambda number: f"PO-{number}"),
            title="Ready-mix concrete",
        )

    project = SubFactory(ProjectFactory)
    kind = Kind.SUBCONTRACT
    number = Sequence(lambda number: f"SC-{number}")
    title = "Concrete works"
    contract_company = SubFactory(ContractCompanyFactory, company=SelfAttribute("..project.company"))
    created_by = SubFactory(CreatorFactory, project=SelfAttribute("..project"))

    @post_generation
    def lines(self: Commitment, create: bool, extracted: int | None, **kwargs: Any) -> None:
        """Each on a cost code of its own."""
        LineItemFactory.create_batch(2 if extracted is None else extracted, commitment=self, **kwargs)


class LineItemFactory(ModelFactory[LineItem]):
    """The commitment's next line: 10 at 100.00."""

    class Meta:
        model = LineItem

    commitment = SubFactory(CommitmentFactory, lines=0)
    position = LazyAttribute(lambda line: line.commitment.lines.count() + 1)
    cost_code = SubFactory(CostCodeFactory, project=SelfAttribute("..commitment.project"))
    cost_type = SubFactory(CostTypeFactory, company=SelfAttribute("..commitment.project.company"))
    description = "Walls"
    quantity = Decimal("10")
    unit_of_measure = "CY"
    unit_cost = Decimal("100")
    amount = Decimal("1000.00")
