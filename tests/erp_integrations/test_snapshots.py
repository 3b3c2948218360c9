"""One text for one document, whatever is in it, and a hash that notices every change."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_integrations.snapshots import (
    Document,
    LineItem,
    from_json,
    hash_content,
    hash_text,
    to_json,
)

amounts = st.decimals("-999999999.99", "999999999.99", places=2, allow_nan=False)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
lines = st.builds(
    LineItem,
    position=st.integers(1, 999),
    cost_code=texts,
    cost_type=texts,
    billing_item=texts,
    description=texts,
    quantity=st.none() | st.decimals(-9999, 9999, places=4, allow_nan=False),
    unit_of_measure=texts,
    unit_cost=st.none() | st.decimals(-9999, 9999, places=6, allow_nan=False),
    amount=amounts,
)
documents = st.builds(
    Document,
    commitment_id=st.integers(1),
    project_id=st.integers(1),
    project_name=texts,
    kind=st.sampled_from(["subcontract", "purchase_order"]),
    number=texts,
    title=texts,
    description=texts,
    status=st.just("approved"),
    trade=texts,
    issue_date=st.none() | st.dates(),
    default_retainage=st.decimals(0, 100, places=2),
    contract_company_id=st.none() | st.integers(1),
    contract_company_name=texts,
    currency=st.just("USD"),
    created_by_id=st.integers(1),
    lines=st.lists(lines, max_size=4).map(tuple),
)


@given(documents)
def test_what_is_stored_reads_back_equal(document: Document) -> None:
    stored = to_json(document)
    assert from_json(stored) == document
    assert to_json(from_json(stored)) == stored


@given(documents, documents)
def test_two_documents_have_one_hash_only_when_they_are_equal(first: Document, second: Document) -> None:
    assert (hash_text(to_json(first)) == hash_text(to_json(second))) == (to_json(first) == to_json(second))


@given(documents.filter(lambda document: bool(document.lines)), st.data())
def test_a_cent_more_is_another_hash(document: Document, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(document.lines) - 1))
    changed = list(document.lines)
    changed[place] = replace(changed[place], amount=(changed[place].amount or 0) + Decimal("0.01"))
    assert hash_text(to_json(replace(document, lines=tuple(changed)))) != hash_text(to_json(document))


@given(documents)
def test_the_total_is_the_sum_of_the_amounts(document: Document) -> None:
    cents = sum(int((line.amount or 0) * 100) for line in document.lines)
    assert document.total == Decimal(cents) / 100


def test_a_snapshot_of_an_unknown_version_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown snapshot version 99"):
        from_json('{"schema_version": 99}')


def test_the_order_of_keys_does_not_count() -> None:
    assert hash_content({"b": 1, "a": Decimal("1.0")}) == hash_content({"a": Decimal("1.0"), "b": 1})
    assert hash_content(Decimal("1.0")) != hash_content(Decimal("1.00"))
