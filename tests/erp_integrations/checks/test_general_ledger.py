"""The chain of defaults that gives a commitment its general-ledger account."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.urls import reverse

from commitments.models import CostType
from directory.models import User
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.models import Connection, CostTypeAccount, LedgerOrder, Submission, VendorLink
from tests.clients import signed_in
from tests.erp_integrations.adapters.examples import LINE, with_lines
from tests.factories import CostTypeFactory

pytestmark = pytest.mark.django_db

VENDOR, COST_TYPE, COMPANY = "111", "222", "333"


@pytest.mark.parametrize(
    ("order", "given", "expected"),
    [
        (LedgerOrder.VENDOR_FIRST, (VENDOR, COST_TYPE, COMPANY), (VENDOR, "the vendor")),
        (LedgerOrder.VENDOR_FIRST, ("", COST_TYPE, COMPANY), (COST_TYPE, "cost type")),
        (LedgerOrder.VENDOR_FIRST, ("", "", COMPANY), (COMPANY, "the company")),
        (LedgerOrder.VENDOR_FIRST, ("", "", ""), ("", "")),
        (LedgerOrder.COST_TYPE_FIRST, (VENDOR, COST_TYPE, COMPANY), (COST_TYPE, "cost type")),
        (LedgerOrder.COST_TYPE_FIRST, (VENDOR, "", COMPANY), (VENDOR, "the vendor")),
        (LedgerOrder.COST_TYPE_FIRST, ("", "", COMPANY), (COMPANY, "the company")),
    ],
)
def test_the_first_default_of_the_chain_decides(
    awaiting: Submission, order: str, given: tuple[str, str, str], expected: tuple[str, str]
) -> None:
    vendor, cost_type, company = given
    VendorLink.objects.update(general_ledger_account=vendor)
    Connection.objects.update(general_ledger_account=company, general_ledger_order=order)
    code = awaiting.document.lines[0].cost_type
    if cost_type:
        CostTypeAccount.objects.create(
            connection=Connection.objects.get(),
            cost_type=CostType.objects.get(code=code, company=awaiting.company),
            general_ledger_account=cost_type,
        )
    masters = build_basis(awaiting.document).references
    account, source = expected
    assert masters.general_ledger_account == account
    assert masters.general_ledger_source == (f"{source} {code}" if source == "cost type" else source)


def test_of_several_cost_types_the_one_with_most_of_the_money_decides() -> None:
    lines = [
        replace(LINE, cost_type=code, amount=Decimal(amount))
        for code, amount in (("L", "10"), ("M", "30"), ("S", "-20"), ("S", "-15"))
    ]
    assert with_lines(*lines).leading_cost_type == "S"
    assert with_lines(*lines[:3]).leading_cost_type == "M"
    assert with_lines(replace(lines[1], cost_type="Z"), lines[1]).leading_cost_type == "M"


def test_another_account_makes_what_was_seen_another_thing(awaiting: Submission) -> None:
    seen = build_basis(awaiting.document).hash
    CostTypeAccount.objects.create(
        connection=Connection.objects.get(),
        cost_type=CostType.objects.get(code=awaiting.document.lines[0].cost_type),
        general_ledger_account=COST_TYPE,
    )
    assert build_basis(awaiting.document).hash != seen


def test_the_approver_sees_whose_default_it_is(awaiting: Submission, approver: User) -> None:
    address = reverse("erp_integrations:review", args=[awaiting.company.slug, awaiting.pk])
    html = signed_in(approver).get(address).content.decode()
    assert "Default of the company" in html


def test_a_cost_type_of_another_company_is_refused_in_admin(awaiting: Submission, admin_user: User) -> None:
    administrator = signed_in(admin_user)
    own = CostType.objects.filter(company=awaiting.company).first()
    posted = {"connection": Connection.objects.get().pk, "general_ledger_account": "500-1"}
    url = reverse("admin:erp_integrations_costtypeaccount_add")
    stranger = administrator.post(url, posted | {"cost_type": CostTypeFactory().pk}).content.decode()
    assert "belongs to another company" in stranger
    assert "digits only" in stranger
    assert own is not None
    good = posted | {"cost_type": own.pk, "general_ledger_account": "500200"}
    assert administrator.post(url, good).status_code == 302
    assert CostTypeAccount.objects.get().general_ledger_account == "500200"
