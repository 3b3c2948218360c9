"""A real browser: Debian's Chromium, driven by Playwright. Nothing is downloaded."""

import os
import shutil
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

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


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    """A fresh window. The test fails when the page reports an error of its own.

    What the browser says about an answer of 403, 409 or 422 is no such error.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US", timezone_id="UTC")
    context.set_default_timeout(10_000)
    opened = context.new_page()
    errors: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            errors.append(message.text)

    opened.on("console", heard)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []
