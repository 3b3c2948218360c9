"""Two tiers: which tests run when, and where. An early plugin (`-p tests.tiers`).

The first tier proves every rule, and is what `script/test` runs. A campaign proves it again over every
address, order, kill or process: `--all` adds them, `--campaigns` runs them alone. A path or `-k` selects
from all tests.
"""

import os
from pathlib import Path
from zlib import crc32

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).resolve().parent.parent
CAMPAIGNS = (
    "tests/test_addresses.py",  # the rights matrix
    "tests/browser",
    "tests/erp_integrations/every_step",  # kills
    "tests/erp_integrations/faults",
    "tests/erp_integrations/life_cycles/test_walk.py",
    "tests/erp_integrations/races",
    "tests/goals",
    "tests/local/test_server.py",  # processes, from nothing
    "tests/notifications/test_killed_senders.py",
    "tests/processes",
    "tests/security",  # each address attacked
    "tests/trials/test_checks.py",  # hundreds of rows
    "tests/trials/test_first_day.py",  # two minutes
    "tests/trials/test_large_imports.py",  # a minute
    "tests/trials/test_year.py",
)
FIRST = (
    *("tests/processes", "tests/browser", "tests/local/test_server.py", "tests/local/demo", "tests/upgrade"),
    "tests/erp_integrations/life_cycles/test_walk.py",
    "tests/trials/test_checks.py",
)
"""Long, or waiting: begun late, they would have the other workers wait for them."""
SPREAD = ("tests/test_addresses.py", "tests/security", "tests/erp_integrations/races")
"""Files whose tests know nothing of each other, and are too many for one worker."""
PARTS = 4
"""Of such a file: each part makes its world anew."""


def is_campaign(path: str) -> bool:
    """True if the test file, or folder, at this path from the repository's root runs with `--all` only."""
    return _is_in(path, CAMPAIGNS)


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _is_in(path: str, places: tuple[str, ...]) -> bool:
    return any(Path(path).is_relative_to(place) for place in places)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", dest="with_campaigns", help="the campaigns too")
    parser.addoption("--campaigns", action="store_true", help="the campaigns alone")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    config.option.with_campaigns |= named or bool(config.option.keyword)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """True for what is not even imported; None leaves it to the others."""
    if config.option.with_campaigns or not collection_path.is_relative_to(ROOT):
        return None
    path = str(collection_path.relative_to(ROOT))
    if config.option.campaigns:
        return (collection_path.is_file() and not is_campaign(path)) or None
    return is_campaign(path) or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not _is_in(_file(item), FIRST))


class ByFile(LoadFileScheduling):
    """A file's tests on one worker, because some of them share a server; but large files in parts."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return f"{file} {crc32(nodeid.encode()) % PARTS}" if _is_in(file, SPREAD) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return ByFile(config, log)


@pytest.hookimpl(tryfirst=True, optionalhook=True)  # before xdist's own, which counts the cores
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """More than there are cores: many tests, and most campaigns, wait for a process, a socket or a clock."""
    return (os.cpu_count() or 1) + (2 if config.option.campaigns else 1)
