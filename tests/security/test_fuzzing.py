"""No input is answered with a fault of the product. A longer run, and one input again: ``script/fuzz``."""

import os
from typing import Any

import pytest

from tests.rights.fixtures import the_world
from tests.rights.world import World
from tests.security.fuzzing import Fuzzer

__all__ = ["the_world"]

pytestmark = pytest.mark.django_db

SEED = int(os.environ.get("FUZZ_SEED", "1"))
FIRST = int(os.environ.get("FUZZ_FIRST", "0"))
INPUTS = int(os.environ.get("FUZZ_INPUTS", "400"))


def test_no_input_is_answered_with_a_fault(the_world: World, record_property: Any) -> None:
    fuzzer = Fuzzer(the_world, SEED)
    failures = list(fuzzer.failures(range(FIRST, FIRST + INPUTS)))
    record_property("fuzzing: inputs tried", INPUTS)
    record_property("fuzzing: answered with 500", len(failures))
    assert not failures, f"seed {SEED}:\n" + "\n".join(failures[:40])
