"""A file named by its path is there, and a rule that is taken out is noticed by the first tier."""

import re

import pytest

from tests import tiers
from tests.mutations.table import MUTATIONS, Mutation


@pytest.mark.parametrize("place", [*tiers.CAMPAIGNS, *tiers.FIRST, *tiers.SPREAD])
def test_what_is_named_is_there(place: str) -> None:
    assert (tiers.ROOT / place).exists()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.what)
def test_what_notices_a_loss_is_no_campaign(mutation: Mutation) -> None:
    assert not any(tiers.is_campaign(re.split("::| ", asked)[0]) for asked in mutation.tests)
