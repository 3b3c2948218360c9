import hashlib
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from local.demo.contracts import CONTRACTS, Contract, read_contracts

EXAMPLE = Contract(
    bid="4356ELEC",
    number="144125",
    description="",
    start=date(2014, 6, 12),
    kind="PW",
    vendor="EAGLE I ELECTRIC",
    department="POLICE",
    amount=Decimal("2177615.28"),
)


def test_the_public_record_is_unchanged() -> None:
    digest = hashlib.sha256(CONTRACTS.read_bytes()).hexdigest()
    assert digest == "e1199d93906f756093e1017dd8ea056947ff7bdce54e3fc0ee375be355cebcad"


def test_it_has_822_contracts_of_two_kinds() -> None:
    contracts = read_contracts()
    assert Counter(contract.kind for contract in contracts) == {"PW": 158, "SSE": 664}
    assert len({contract.number for contract in contracts}) == 822


def test_amounts_are_read_to_the_cent_with_and_without_signs() -> None:
    amounts = {contract.number: contract.amount for contract in read_contracts()}
    assert amounts["A34088"] == Decimal("96832.49")
    assert amounts["150249"] == Decimal("32000.01")
    assert amounts["990731"] == Decimal("867866082.00")


@pytest.mark.parametrize(
    ("description", "title"),
    [
        ("Lumber", "Lumber"),
        ("Work  Clothes  Sch 77", "Work Clothes"),
        ("RUBBER STAMPS, SCH. 118", "RUBBER STAMPS"),
        ("Relay of Water Mains in Var Locations, Phila PA", "Relay of Water Mains in Var Locations"),
        (
            "Major Renovations; EST $2M-$5M; Mandatory PreBid 02/04/14 at 10am; Specs Avail 01/21/14",
            "Major Renovations",
        ),
        ("EAGLE I ELECTRIC Bid# 4356ELEC", "Electrical work, bid 4356ELEC"),
        ("", "Electrical work, bid 4356ELEC"),
    ],
)
def test_a_title_says_what_the_contract_is_for(description: str, title: str) -> None:
    assert replace(EXAMPLE, description=description).title == title


def test_a_purchase_that_only_names_its_bid_says_so() -> None:
    contract = replace(EXAMPLE, kind="SSE", bid="NASP1862", description="FASTENAL CO Bid # NASP1862")
    assert contract.title == "Services, supplies and equipment, bid NASP1862"


def test_every_contract_has_a_title_that_fits() -> None:
    assert all(1 <= len(contract.title) <= 255 for contract in read_contracts())
