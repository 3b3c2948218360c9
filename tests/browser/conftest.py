"""A real browser, Debian's Chromium, driven by Playwright, and the whole product to use it on.

Nothing is downloaded. People find things as people do: by role and label.
"""

import contextlib
import os
import shutil
from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.contractor import Contractor
from tests.browser.product import Product
from tests.browser.windows import PATIENCE, Windows

QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]


def chromium() -> str:
    """The browser's path. Without one the test is skipped, and in CI it fails."""
    for name in ("/usr/bin/chromium", "chromium", "chromium-browser"):
        if found := shutil.which(name):
            return found
    reason = "No Chromium on this machine: install Debian's package chromium to run the browser tests."
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Generator[Browser]:
    """One browser for this folder's tests, and not longer: its event loop would disturb others."""
    executable = chromium()
    expect.set_options(timeout=PATIENCE)
    home = tmp_path_factory.mktemp("chromium")
    # Playwright's loop runs in this thread, where Django then suspects asynchronous code.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=executable,
            args=QUIET + (["--no-sandbox"] if os.geteuid() == 0 else []),
            env={**os.environ, "HOME": str(home)},
        )
        yield launched
        launched.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="package")
def product(
    browser: Browser, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """Web, simulator and mail catcher on the test database, one of each for this folder."""
    with contextlib.ExitStack() as ending:
        yield Product(tmp_path_factory.mktemp("product"), ending)


@pytest.fixture(scope="module")
def worker(product: Product) -> Iterator[None]:
    """One for the tests of a module in which something is exported or mailed."""
    with product.working():
        yield


@pytest.fixture(scope="package")
def windows_of_all_tests(browser: Browser, product: Product) -> Windows:
    return Windows(browser, product)


@pytest.fixture
def windows(windows_of_all_tests: Windows) -> Iterator[Windows]:
    """Windows for this test's people. The test fails when a page reports a fault of its own."""
    windows_of_all_tests.faults.clear()
    yield windows_of_all_tests
    windows_of_all_tests.close()
    assert not windows_of_all_tests.faults, "\n".join(windows_of_all_tests.faults)


@pytest.fixture
def contractor() -> Contractor:
    """Keystone Builders, whom Spectrum knows."""
    return Contractor()
