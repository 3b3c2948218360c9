"""The windows that people have open: each with cookies of its own, and all of them listened to."""

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

from directory.models import User
from tests.browser.product import Product

PATIENCE = 20_000  # milliseconds, on a machine that is busy with something else
# Answers such as 409 are meant, and a test may cut the connection.
NO_FAULT = ("Failed to load resource", "htmx: htmx:error: Failed to fetch")
PARTS_OF_A_PAGE = {"stylesheet", "script", "image", "font"}


class Windows:
    """Opens a window for somebody, signed in already; without a person for nobody yet.

    ``faults`` is what pages reported of themselves: errors, breaches of the
    Content-Security-Policy, and parts that are not there. What a browser needs to keep people
    apart is slow to make, so the next test gets it again, without the cookies.
    """

    def __init__(self, browser: Browser, product: Product) -> None:
        self._browser = browser
        self._product = product
        self._spare: dict[bool, list[BrowserContext]] = {True: [], False: []}
        self._taken: list[tuple[bool, BrowserContext]] = []
        self.faults: list[str] = []

    def __call__(self, person: User | None = None, *, javascript: bool = True) -> Page:
        spare = self._spare[javascript]
        context = spare.pop() if spare else self._make(javascript)
        self._taken.append((javascript, context))
        if person:
            name, value = self._product.session_of(person)
            context.add_cookies([{"name": name, "value": value, "url": self._product.url}])
        return context.new_page()

    def close(self) -> None:
        """Close all of them."""
        for javascript, context in self._taken:
            for page in context.pages:
                page.close()
            context.clear_cookies()
            self._spare[javascript].append(context)
        self._taken.clear()

    def _make(self, javascript: bool) -> BrowserContext:
        context = self._browser.new_context(
            base_url=self._product.url,
            viewport={"width": 1280, "height": 800},
            locale="en-US",
            timezone_id="UTC",
            reduced_motion="reduce",
            java_script_enabled=javascript,
        )
        context.set_default_timeout(PATIENCE)
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.faults.append(str(error.error)))
        context.on("response", self._came)
        return context

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(NO_FAULT):
            self.faults.append(message.text)

    def _came(self, response: Response) -> None:
        if response.status >= 400 and response.request.resource_type in PARTS_OF_A_PAGE:
            self.faults.append(f"{response.status} {response.url}")
