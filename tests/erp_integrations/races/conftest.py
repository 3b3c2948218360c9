"""``interleave``: two acts in the orders that their statements can take.

The suite plays some of them. With ``RACES=all``, as ``script/races`` runs it, all are played, and
their numbers printed.
"""

from collections.abc import Callable
from typing import Protocol

import pytest

from tests.erp_integrations.races.orders import ALL, Act, Ended, Race


class Interleave(Protocol):
    """Play two acts, and let ``judge`` look at what each order came to."""

    def __call__(
        self, first: Act, second: Act, judge: Callable[[Ended], None], *, alike: bool = False
    ) -> None: ...


@pytest.fixture
def interleave(transactional_db: None, request: pytest.FixtureRequest) -> Interleave:
    def play(first: Act, second: Act, judge: Callable[[Ended], None], *, alike: bool = False) -> None:
        race = Race(first, second, judge)
        race.play(alike=alike)
        request.node.user_properties.append(("orders", race.played))

    return play


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not ALL:
        return
    total = 0
    terminalreporter.section("orders played of each race")
    for report in terminalreporter.getreports("passed"):
        orders = dict(report.user_properties).get("orders", 0)
        total += orders
        terminalreporter.line(f"{orders:6}  {report.nodeid.rpartition('::')[2]}")
    terminalreporter.line(f"{total:6}  in all, each with one outcome of those that are allowed")
