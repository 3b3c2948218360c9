"""After a long walk, how often each act was done."""

import pytest

from tests.erp_integrations.life_cycles.model import WALKS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed") if WALKS else ():
        for act, times in dict(report.user_properties).get("taken", {}).items():
            terminalreporter.line(f"{times:7}  {act}")
