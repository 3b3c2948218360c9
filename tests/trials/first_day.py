"""A company of 300 projects, from nothing to its first Synced commitment, by the pages alone.

The product runs as `script/server --empty` starts it. People press, type and wait in Chromium as they would.
Their time is modelled: 4 s for a press, 6 s for a field, and what they waited for the product. A press is a
click, Enter that sends, a choice of a menu, or a tick; a file takes two, and so does a mail, opened and left
by its link. The last line says `presses N fields N minutes N.N synced 1 running N differ 0`; more than 60
presses or 30 minutes fail.
"""

import argparse
import contextlib
import csv
import io
import json
import os
import re
import shutil
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from playwright.sync_api import Browser, FilePayload, Locator, Page, expect, sync_playwright

from local import programs
from tests.endurance.contracts.running import PASSWORD, Addresses, everything
from tests.install.walking import code_for
from tests.trials.filling_spectrum import COMPANY, Size, build_phase, enter_subcontracts
from tests.trials.first_day_server import SIZE

MOST_PRESSES, MOST_MINUTES = 60, 30
PRESS, FIELD = 4.0, 6.0  # seconds of a person's
PATIENCE = 600_000  # milliseconds; what takes longer has failed
GROUPS = ("web", "worker", "postgres")  # by the names of their files of process ids
OWN_PASSWORD = "walls-and-roofs-2014"
SMALL = Size(jobs=15, vendors=60, phases=20, subcontracts=50)


@dataclass
class Step:
    name: str
    presses: int = 0
    fields: int = 0
    waited: float = 0
    seconds: float = 0
    megabytes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(GROUPS, 0))

    @property
    def persons_seconds(self) -> float:
        return PRESS * self.presses + FIELD * self.fields + self.waited


class Day:
    """Counts what people do, step by step, and what the processes take meanwhile."""

    def __init__(self, addresses: Addresses) -> None:
        self.addresses, self.steps, self._over = addresses, [Step("-")], threading.Event()
        self._watch = threading.Thread(target=self._look_at_memory, daemon=True)

    @property
    def step(self) -> Step:
        return self.steps[-1]

    @contextlib.contextmanager
    def measuring(self) -> Iterator[None]:
        self._watch.start()
        try:
            yield
        finally:
            self._over.set()
            self._watch.join()

    @contextlib.contextmanager
    def doing(self, name: str) -> Iterator[None]:
        self.steps.append(Step(name))
        began = time.monotonic()
        yield
        self.step.seconds = time.monotonic() - began
        print(describe(self.step), flush=True)

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.step.waited += time.monotonic() - began

    def _look_at_memory(self) -> None:
        while not self._over.wait(0.5):
            step = self.step
            for group in GROUPS:
                main = int((self.addresses.var / "pids" / group).read_text())
                step.megabytes[group] = max(step.megabytes[group], measure(main))


def measure(process: int) -> int:
    """Megabytes of a process and all below it; a page that several share counts once, in parts."""
    total = 0
    with contextlib.suppress(OSError):
        proportional = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{process}/smaps_rollup").read_text(), re.M)
        total = int(proportional[1]) // 1024 if proportional else 0
        for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
            total += measure(int(child))
    return total


class Person:
    """With a browser and a mailbox of their own."""

    def __init__(self, day: Day, browser: Browser, email: str) -> None:
        self.day, self.email = day, email
        self.context = browser.new_context(
            base_url=day.addresses.product, viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
        )
        self.context.set_default_timeout(30_000)
        self.page: Page = self.context.new_page()

    def press(self, button: Locator) -> None:
        self.day.step.presses += 1
        with self.day.waiting():
            button.click()
            self.page.wait_for_load_state()

    def link(self, name: str | re.Pattern[str]) -> None:
        self.press(self.page.get_by_role("link", name=name).first)

    def tool(self, name: str) -> None:
        self.press(self.page.get_by_role("navigation", name="Tools").get_by_role("link", name=name))

    def button(self, name: str | re.Pattern[str], *, exact: bool = True) -> None:
        self.press(self.page.get_by_role("button", name=name, exact=exact).first)

    def type(self, label: str, text: str, *, exact: bool = False) -> None:
        self.day.step.fields += 1
        self.page.get_by_label(label, exact=exact).first.fill(text)

    def choose(self, label: str, option: str) -> None:
        self.day.step.presses += 1
        self.page.get_by_label(label).first.select_option(label=option)

    def tick(self, box: Locator) -> None:
        self.day.step.presses += 1
        box.check()

    def see(self, what: str | Locator) -> None:
        """Wait until it is there."""
        with self.day.waiting():
            found = self.page.get_by_text(what).first if isinstance(what, str) else what
            expect(found).to_be_visible(timeout=PATIENCE)

    def take_over(self) -> None:
        """Look, where the page has a worker look first; then press, and wait until it is done."""
        look = self.page.get_by_role("button", name="Look into Spectrum")
        take = self.page.get_by_role("button", name="Take these over")
        with self.day.waiting():
            while not (look.or_(take)).count():  # whoever is quicker than people: the lists are being read
                self.page.wait_for_timeout(1000)
                self.page.reload()
        if look.count():
            self.press(look)
            self.see(take)
        self.press(take)
        self.see(self.page.get_by_role("status").filter(has_text=re.compile(r"^\s*Done,")))

    def attach(self, label: str, name: str, content: bytes) -> None:
        self.day.step.presses += 2
        self.page.get_by_label(label).set_input_files(FilePayload(name=name, mimeType="", buffer=content))

    def open_mail(self, subject: str, link: str) -> None:
        """Open it in the mail program, and follow a link of it."""
        with self.day.waiting():
            number, until = None, time.monotonic() + 60
            while number is None and time.monotonic() < until:
                time.sleep(0.5)
                with urllib.request.urlopen(f"{self.day.addresses.mail}/api/messages") as answer:
                    mails = json.load(answer)["messages"]
                own = (each for each in mails if each["to"] == [self.email])
                number = next((each["id"] for each in own if subject in each["subject"]), None)
        self.day.step.presses += 2
        self.page.goto(f"{self.day.addresses.mail}/messages/{number}")
        with self.day.waiting(), self.page.expect_popup() as opened:
            self.page.frame_locator("iframe").get_by_role("link", name=link).first.click()
        self.page = opened.value

    def go_on(self, step: str) -> None:
        """By the page First steps."""
        self.press(self.page.get_by_role("row", name=step).get_by_role("link"))

    def sign_in(self, password: str) -> None:
        self.type("Email", self.email)
        self.type("Password", password)
        self.button("Sign in")

    def begin(self) -> None:
        """From the invitation to the first page."""
        self.open_mail("invites you", "Choose a password")
        for label in ("New Password", "New Password (again)"):
            self.type(label, OWN_PASSWORD, exact=True)
        self.button("Save the password")
        self.sign_in(OWN_PASSWORD)


def build_people(count: int, jobs: int) -> str:
    """A spreadsheet's rows as CSV: two accountants, and project managers and engineers of three jobs each."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(("E-mail", "Name", "Role", "Projects"))
    writer.writerow(("avery@first.example", "Avery Accountant", "Accountant", ""))
    writer.writerow(("sam@first.example", "Sam Manager", "Project manager", "23000"))
    writer.writerow(("kim@first.example", "Kim Accountant", "Accountant", ""))
    for number in range(3, count):
        role = ("Project manager", "Engineer")[number % 2]
        on = "; ".join(str(23_000 + (number * 3 + more) % jobs) for more in range(3))
        writer.writerow((f"p{number}@first.example", f"Person {number}", role, on))
    return file.getvalue()


def walk(day: Day, browser: Browser, size: Size, people: int) -> tuple[int, str, str]:
    """How many were Synced, and what the pages say of running commitments and of the comparison."""
    masters = json.loads((day.addresses.var.parent / "masters.json").read_text())["companies"][0]
    vendor = masters["vendors"][101 % size.vendors]["name"]
    staff, dana = Person(day, browser, "admin@first.example"), Person(day, browser, "dana@first.example")
    avery, sam = Person(day, browser, "avery@first.example"), Person(day, browser, "sam@first.example")
    with day.doing("Staff sign in, add the company and its administrator"):
        staff.page.goto("/")
        staff.sign_in(PASSWORD)
        staff.link("Add the company")
        staff.type("Name:", "Keystone Builders", exact=True)
        staff.type("E-mail address of its first administrator", dana.email)
        staff.type("Their name", "Dana Director")
        staff.button("Save")
    with day.doing("Staff add the connection"):
        staff.link("add its connection to Spectrum")
        staff.type("Name:", "Spectrum", exact=True)
        staff.type("Company_Code", COMPANY)
        staff.type("General ledger account", "500100")
        staff.type("Authorization_ID", masters["authorization_ids"][0])
        staff.choose("Written means", "A complete reply without an error row")
        staff.button("Save")
        staff.see("was added successfully")
    with day.doing("The administrator begins"):
        dana.begin()
        dana.see(dana.page.get_by_role("heading", name="First steps"))
    with day.doing("and confirms the connection"):
        dana.go_on("The connection is confirmed")
        dana.tick(dana.page.locator("main input[type=checkbox]").first)
        dana.button(re.compile("Confirm"))
    with day.doing("Vendors, projects and cost codes are taken over"):
        dana.link("Take over from Spectrum")
        dana.take_over()
    with day.doing("Roles"):
        dana.tool("Directory")
        dana.link("Roles")
        for name, label, level in (
            ("Accountant", "ERP Integrations", "Standard"),
            ("Project manager", "Commitments", "Admin"),
            ("Engineer", "Commitments", "Standard"),
        ):
            dana.type("Name", name)
            dana.choose(label, level)
            dana.button("Add")
            dana.see(dana.page.get_by_role("row", name=name))
    with day.doing(f"{people} people from a file"):
        dana.link("Import")
        dana.attach("Or a file", "people.csv", build_people(people, size.jobs).encode())
        dana.button("Import")
        dana.see(f"{people} people invited or changed")
    with day.doing("An approver is requested"):
        dana.link("Avery Accountant")
        dana.link("Request Can Push to Accounting")
        dana.type("Reason", "Avery keeps the books.")
        dana.button("Request")
    with day.doing("and granted by staff"):
        staff.open_mail("Can Push to Accounting requested", "Open Ledgergate")
        staff.tick(staff.page.get_by_role("checkbox", name="Can Push to Accounting", exact=True))
        staff.type("Reason", "Dana asked for it.")
        staff.button("Save")
    with day.doing("The approver begins, with two-step verification"):
        avery.begin()
        for _ in ("of the list", "of two-step verification"):
            avery.link("Set it up")
        avery.type("code", code_for(avery.page.locator("code.key").inner_text()))
        avery.button("Turn on")
        avery.see("Recovery codes")
    with day.doing(f"{size.subcontracts} running subcontracts come in"):
        avery.tool("ERP Integrations")
        avery.link("Running commitments")
        avery.take_over()
        running = avery.page.locator("main").inner_text()
    with day.doing("Somebody of a project writes a commitment and sends it"):
        sam.begin()
        sam.link("New subcontract")
        sam.type("Number", "SC-1")
        sam.type("Contract Company", vendor)
        sam.type("Title", "The first")
        sam.choose("Status", "Approved")
        sam.type("Cost code", build_phase(3))
        sam.type("Description", "All of it")
        sam.type("Amount", "1,000.00")
        sam.button("Create subcontract")
        sam.button("Send to ERP")
        sam.see("Awaiting accounting")
    with day.doing("The approver accepts it"):
        avery.tool("ERP Integrations")
        avery.link("Accept SC-1")
        avery.button("Export")
        avery.see(avery.page.get_by_role("row", name="SC-1").get_by_text("Synced"))
        synced = avery.page.get_by_role("row").filter(has_text="Synced").count()
    with day.doing("All of it is compared with Spectrum"):
        avery.link("Reconciliation")
        avery.button("Compare now")
        state = avery.page.locator("#reconciliation-state").get_by_role("status")
        avery.see(state.filter(has_text=f"{size.subcontracts + 1:,} commitments compared on"))
        compared = state.inner_text()
    return synced, running, compared


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/first-day", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="15 projects, 60 vendors, 20 people")
    size, people = (SMALL, 20) if parser.parse_args().small else (Size(), 200)
    began = time.monotonic()
    with (
        everything("tests.trials.first_day_server", settings={SIZE: json.dumps(asdict(size))}) as addresses,
        sync_playwright() as playwright,
    ):
        total = enter_subcontracts(str(addresses.var / programs.SPECTRUM_DATABASE), size, Random(2))
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        day = Day(addresses)
        print(
            f"{f'After {time.monotonic() - began:.0f} s all runs':<56} presses fields waited seconds, MB of",
            *GROUPS,
        )
        try:
            with day.measuring():
                synced, running, compared = walk(day, browser, size, people)
        except Exception:
            for page in (each.pages[-1] for each in browser.contexts):
                print(page.url, page.locator("body").inner_text()[:1_000], sep="\n", file=sys.stderr)
            raise
        finally:
            browser.close()
    whole = Step("in all", sum(each.presses for each in day.steps), sum(each.fields for each in day.steps))
    whole.waited = sum(each.waited for each in day.steps)
    whole.seconds = sum(each.seconds for each in day.steps)
    whole.megabytes = {group: max(each.megabytes[group] for each in day.steps) for group in GROUPS}
    print(describe(whole))
    minutes = whole.persons_seconds / 60
    said = running.replace(",", "").split()
    came_in = size.subcontracts if {str(size.subcontracts), str(total)} <= {*said} else 0
    differ = 0 if compared.startswith("No drift") else compared.split()[0]
    print(f"presses {whole.presses} fields {whole.fields} minutes {minutes:.1f}", end=" ")
    print(f"synced {synced} running {came_in} differ {differ}")
    is_so = (synced, came_in, differ) == (1, size.subcontracts, 0)
    return 0 if is_so and whole.presses <= MOST_PRESSES and minutes <= MOST_MINUTES else 1


def describe(step: Step) -> str:
    memory = " ".join(f"{step.megabytes[group]:>5}" for group in GROUPS)
    counts = f"{step.presses:>7} {step.fields:>6} {step.waited:>6.1f} {step.seconds:>7.1f}"
    return f"{step.name:<56} {counts} {memory}"


if __name__ == "__main__":
    sys.exit(main())
