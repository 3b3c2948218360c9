"""Choices that look random and are the same in every run."""

import random
from collections.abc import Sequence
from typing import TypeVar

SEED = 20150630  # the last day of the quarter that the contracts are from

T = TypeVar("T")


class Draw:
    """The choices about one thing, which depend on the seed and the thing's name alone.

    Only ``random()`` is used: of Python's generator that is the one number that all versions
    promise to give again.
    """

    def __init__(self, name: str) -> None:
        self._random = random.Random(f"{SEED} {name}").random

    def fraction(self) -> float:
        """From 0, up to but without 1."""
        return self._random()

    def chance(self, probability: float) -> bool:
        """True in that share of all cases."""
        return self._random() < probability

    def whole(self, low: int, high: int) -> int:
        """A whole number; both ends may come."""
        return low + int(self._random() * (high - low + 1))

    def one_of(self, choices: Sequence[T]) -> T:
        """One of several. Raises IndexError for none."""
        return choices[int(self._random() * len(choices))]

    def some_of(self, choices: Sequence[T], count: int) -> list[T]:
        """Different ones, in a new order; all of them when there are not more."""
        left = list(choices)
        return [left.pop(int(self._random() * len(left))) for _ in range(min(count, len(left)))]
