"""`script/screens`: a demo of its own, driven in a real browser; each state as a picture in docs/screens.

The addresses of a demo that runs already, and of its mail catcher, as arguments take that one; it has to be
fresh, as the pictures decide on what waits there.
"""

import base64
import contextlib
import json
import os
import re
import shutil
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from urllib.request import urlopen

from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from local.programs import ROOT
from tests.endurance.contracts.running import PASSWORD, everything

SCREENS = ROOT / "docs" / "screens"
MAX_BYTES = 150_000
WIDTHS = {"wide": (1280, 900), "phone": (390, 844), "narrow": (320, 900)}
USUAL = (("wide", "light"), ("phone", "dark"))
ALL = (*USUAL, ("wide", "dark"), ("phone", "light"))
MAIL_MODES = (("wide", "light"), ("narrow", "dark"))
MAILS = {
    "summary": "ERP Integrations Daily Summary",
    "rejection": "Rejected by accounting|[0-9]+ commitments rejected",
    "question": "Question from accounting",
    "attention": "Needs attention|[0-9]+ items need attention",
}
TOOL = "/companies/keystone/erp-integrations/"
READY = f"{TOOL}commitments/?view=ready-to-export"
# A picture's colours, the most frequent first, and of each dot the nearest of 256.
TO_PALETTE = """async (png) => {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  canvas.drawImage(bitmap, 0, 0);
  const dots = new Uint32Array(canvas.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer);
  const counts = new Map();
  for (const dot of dots) counts.set(dot, (counts.get(dot) ?? 0) + 1);
  const rank = ([dot, count]) => {
    const tones = [0, 8, 16].map((at) => (dot >> at) & 255);
    return count * (1 + (Math.max(...tones) - Math.min(...tones)) / 16); // a small sign keeps its colour
  };
  const palette = [...counts].sort((a, b) => rank(b) - rank(a)).slice(0, 256).map(([dot]) => dot);
  const far = (a, b) => [0, 8, 16].reduce((sum, at) => sum + (((a >> at) & 255) - ((b >> at) & 255)) ** 2, 0);
  const nearest = new Map(palette.map((dot, place) => [dot, place]));
  const find = (dot) => {
    if (!nearest.has(dot)) {
      let best = 0;
      palette.forEach((each, place) => { if (far(dot, each) < far(dot, palette[best])) best = place; });
      nearest.set(dot, best);
    }
    return nearest.get(dot);
  };
  let text = "";
  for (const dot of dots) text += String.fromCharCode(find(dot));
  return [bitmap.width, bitmap.height, palette, btoa(text)];
}"""


class Studio:
    """One browser; a window for each person, width and scheme."""

    def __init__(self, browser: Browser, url: str, password: str) -> None:
        self.browser, self.url, self.password = browser, url, password
        self.painter = browser.new_page()
        self.windows: dict[tuple[str, str, str], Page] = {}

    def open(self, person: str, width: str = "wide", scheme: str = "light") -> Page:
        key = (person, width, scheme)
        if key not in self.windows:
            wide, high = WIDTHS[width]
            context = self.browser.new_context(
                base_url=self.url,
                viewport={"width": wide, "height": high},
                color_scheme="light" if scheme == "light" else "dark",
                reduced_motion="reduce",
            )
            self.windows[key] = context.new_page()
            if person:
                self.sign_in(self.windows[key], person)
        return self.windows[key]

    def sign_in(self, page: Page, person: str) -> None:
        page.goto("/accounts/login/")
        page.get_by_label("Email").fill(f"{person}@demo.example")
        page.get_by_label("Password").fill(self.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda address: "login" not in address)

    def take(
        self,
        name: str,
        path: str,
        *,
        person: str = "approver",
        modes: tuple[tuple[str, str], ...] = USUAL,
        then: Callable[[Page], object] = lambda page: None,
    ) -> None:
        """Pictures of one address, after something was done there."""
        for width, scheme in modes:
            page = self.open(person, width, scheme)
            page.goto(path)
            then(page)
            page.wait_for_timeout(250)
            picture = self.reduce(page.screenshot())
            file = SCREENS / f"{name}-{width}-{scheme}.png"
            file.write_bytes(picture)
            assert len(picture) < MAX_BYTES, f"{file.name} has {len(picture)} bytes"

    def reduce(self, png: bytes) -> bytes:
        """The picture with 256 colours."""
        wide, high, palette, text = self.painter.evaluate(TO_PALETTE, base64.b64encode(png).decode())
        dots = base64.b64decode(text)
        rows = b"".join(b"\0" + dots[start : start + wide] for start in range(0, wide * high, wide))
        colours = b"".join(struct.pack("<I", colour & 0xFFFFFFFF)[:3] for colour in palette)
        header = struct.pack(">IIBBBBB", wide, high, 8, 3, 0, 0, 0)
        parts = ((b"IHDR", header), (b"PLTE", colours), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in parts
        )


def press(name: str) -> Callable[[Page], None]:
    """Press a link of a row, and wait for its dialog."""

    def do(page: Page) -> None:
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("dialog")).to_be_visible()

    return do


def take_all(studio: Studio) -> None:
    """First what changes nothing, then the decisions and what comes of them."""
    approver = studio.open("approver")
    approver.goto(READY)
    while approver.get_by_text("Being checked").count():
        approver.wait_for_timeout(2000)
        approver.reload()
    studio.take("sign-in", "/accounts/login/", person="")
    studio.take("overview", TOOL, modes=ALL)
    studio.take("ready", READY, modes=ALL)
    studio.take("ready-look", f"{READY}&check=look", modes=ALL)
    studio.take("ready-blocked", f"{READY}&check=blocked")
    studio.take("ready-filter", READY, then=lambda page: page.get_by_text("Filter", exact=True).click())
    studio.take("ready-grouped", f"{READY}&group=project")
    studio.take("keys", READY, modes=USUAL[:1], then=lambda page: page.keyboard.press("?"))
    studio.take("accept", READY, modes=ALL, then=press("Accept 150184"))
    studio.take("accept-blocked", READY, then=press("Accept 144035"))
    studio.take("reject", READY, then=press("Reject 144056"))
    studio.take("ask", READY, then=press("Ask 144056"))
    approver.goto(f"{READY}&q=144056")
    approver.get_by_role("link", name="144056", exact=True).click()
    review = approver.url.removeprefix(studio.url)
    studio.take("review", review, modes=ALL)
    approver.goto(READY)
    clean = approver.get_by_role("link", name="clean").get_attribute("href") or ""
    studio.take("bulk", clean, modes=ALL)
    studio.take("rules", f"{TOOL}settings/rules/", person="erpadmin")
    studio.take("synced", f"{TOOL}commitments/?view=synced")
    studio.take("rejected", f"{TOOL}commitments/?view=rejected")

    approver.goto(READY)
    press("Ask 144056")(approver)
    approver.get_by_label("Question").fill(
        "The other contracts of this vendor have no retainage. Is 10 % right?"
    )
    approver.get_by_role("dialog").get_by_role("button", name="Ask").click()
    expect(approver.get_by_role("dialog")).to_be_hidden()
    studio.take("ready-asked", f"{READY}&q=144056")
    admin = studio.open("projectadmin")
    admin.goto("/")
    admin.get_by_role("link", name="Water Mains and Sewers 2014").first.click()
    project = admin.url
    take_project(studio, project.removeprefix(studio.url))
    admin.emulate_media(media="screen")
    admin.goto(project)
    admin.get_by_role("link", name="144056", exact=True).click()
    studio.take("question", admin.url.removeprefix(studio.url), person="projectadmin", modes=ALL)

    approver.goto(clean)
    approver.keyboard.press("Control+Enter")
    expect(approver.get_by_text(" done")).to_be_visible(timeout=60_000)
    expect(approver.get_by_text(" to do")).to_have_count(0, timeout=60_000)
    studio.take("batch", approver.url.removeprefix(studio.url), modes=ALL)
    approver.goto(f"{TOOL}commitments/?view=failed-to-export")
    while approver.get_by_role("link", name="130282", exact=True).count() == 0:
        approver.wait_for_timeout(2000)
        approver.reload()
    studio.take("failed", f"{TOOL}commitments/?view=failed-to-export")
    studio.take("history", f"{TOOL}history/", person="erpadmin")


def take_project(studio: Studio, project: str) -> None:
    """What the people of a project see."""
    admin = studio.open("projectadmin")
    studio.take("project", project, person="projectadmin")
    studio.take("waiting", "/projects/waiting/", person="projectadmin")
    studio.take("cost-codes", f"{project}cost-codes/", person="projectadmin")
    admin.goto(project)
    ticks = [each.get_attribute("value") for each in admin.locator("input[name=id]").all()[:4]]
    query = "&".join(f"id={tick}" for tick in ticks)
    studio.take("send-many", f"{project}send-to-erp/?{query}", person="projectadmin")
    vendors = "/companies/keystone/contract-companies/"
    studio.take("contract-companies", vendors, person="erpadmin")
    keeper = studio.open("erpadmin")
    keeper.goto(f"{vendors}?q=petrongolo")
    keeper.locator("tbody th a").first.click()
    keeper.get_by_role("link", name="Merge").click()
    studio.take("merge", keeper.url.removeprefix(studio.url), person="erpadmin")
    for name, label in (("synced-project", "Synced"), ("form", "Edit")):
        links = admin.locator("#rows th a, .table tbody th a")
        admin.goto(project)
        for address in links.evaluate_all("(all) => all.map((each) => each.href)"):
            admin.goto(address)
            if admin.locator("main").get_by_text(label, exact=True).count():
                break
        found = admin.url.removeprefix(studio.url)
        if name == "form":
            studio.take(name, f"{found}edit/", person="projectadmin", modes=ALL, then=show_lines)
            studio.take("print", found, person="projectadmin", modes=USUAL[:1], then=print_it)
            admin.emulate_media(media="screen")
            admin.goto(found)
            contract = FilePayload(name="Signed contract.pdf", mimeType="application/pdf", buffer=b"%PDF-1.7")
            admin.get_by_label("Add files").set_input_files(contract)
            admin.get_by_role("button", name="Attach").click()
            expect(admin.get_by_text("1 file attached.")).to_be_visible()
            studio.take("attachments", found, person="projectadmin", then=show_attachments)
        else:
            studio.take(name, found, person="projectadmin")


def take_first_day(studio: Studio) -> None:
    """What a company meets on its first day, and what it brings."""
    staff, keeper, admin = (studio.open(each) for each in ("admin", "erpadmin", "projectadmin"))
    staff.goto("/admin/directory/companymembership/?q=erpadmin")
    staff.locator("#result_list tbody th a").first.click()
    staff.locator("#id_is_administrator").check()
    staff.get_by_role("button", name="Save", exact=True).click()
    directory = "/companies/keystone/directory/"
    studio.take("first-steps", f"{TOOL}first-steps/", person="erpadmin")
    studio.take("take-over", f"{TOOL}take-over/", person="erpadmin")
    studio.take("running", f"{TOOL}running/")
    studio.take("people", directory, person="erpadmin")
    keeper.goto(f"{directory}?q=projectadmin")
    keeper.locator("tbody th a").first.click()
    studio.take("person", keeper.url.removeprefix(studio.url), person="erpadmin")

    head = "Contract No.,Contractor,Job,Cost code,Type,Scope,Amount\n"
    rows = [
        f'LY-{number},{vendor},Water Mains and Sewers 2014,01-520,S,Traffic control {number},"$12,500.00"\n'
        for number, vendor in enumerate(("3M COMPANY", "Nobody & Sons"), 1)
    ]
    for name, content in (("problems", rows), ("rehearsal", rows[:1])):
        admin.goto("/companies/keystone/import/")
        file = FilePayload(
            name="Last year.csv", mimeType="text/csv", buffer=(head + "".join(content)).encode()
        )
        admin.get_by_label("File", exact=True).set_input_files(file)
        admin.get_by_role("button", name="Continue").click()
        expect(admin.get_by_role("button", name="Check the file")).to_be_visible()
        found = admin.url.removeprefix(studio.url)
        if name == "problems":
            studio.take("import-columns", found, person="projectadmin")
        admin.get_by_role("button", name="Check the file").click()
        if name == "problems":
            studio.take("import-problems", found, person="projectadmin")
    admin.get_by_role("button", name="Rehearse against Spectrum").click()
    expect(admin.get_by_text("written 0")).to_be_visible()
    studio.take("rehearsal", found, person="projectadmin", then=show_rehearsal)
    admin.get_by_role("button", name=re.compile("Import 1")).click()
    expect(admin.get_by_role("heading", name="What was imported")).to_be_visible()
    studio.take("import-report", found, person="projectadmin")


def take_mails(studio: Studio, catcher: str) -> None:
    """The newest of each kind, as a mail program shows its HTML."""
    with urlopen(f"{catcher}/api/messages") as answer:
        mails = json.load(answer)["messages"]
    for name, beginning in MAILS.items():
        newest = next((each["id"] for each in mails if re.match(beginning, each["subject"])), None)
        assert newest, f"No mail is about {name}: {sorted({each['subject'] for each in mails})}"
        studio.take(f"mail/{name}", f"{catcher}/messages/{newest}/html", person="", modes=MAIL_MODES)


def show_attachments(page: Page) -> None:
    page.get_by_role("heading", name="Attachments").scroll_into_view_if_needed()


def show_rehearsal(page: Page) -> None:
    page.get_by_role("heading", name="Rehearsal").evaluate(
        "each => each.closest('section, .card').scrollIntoView()"
    )


def show_lines(page: Page) -> None:
    page.locator(".grid tbody input[name$=-description]").first.focus()
    expect(page.locator("#issues")).not_to_be_empty()


def print_it(page: Page) -> None:
    page.emulate_media(media="print")


@contextlib.contextmanager
def demo(arguments: list[str]) -> Iterator[tuple[str, str, str]]:
    if arguments:
        product, mail = (each.rstrip("/") for each in arguments)
        yield product, mail, os.environ.get("DEMO_PASSWORD", "ledgergate-demo")
    else:
        with everything() as addresses:
            yield addresses.product, addresses.mail, PASSWORD


def main(arguments: list[str]) -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        print("No Chromium on this machine: install Debian's package chromium.", file=sys.stderr)
        return 1
    (SCREENS / "mail").mkdir(parents=True, exist_ok=True)
    for old in SCREENS.rglob("*.png"):
        old.unlink()
    with demo(arguments) as (url, mail, password), sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=sandbox)
        studio = Studio(browser, url, password)
        take_all(studio)
        take_first_day(studio)
        take_mails(studio, mail)
        browser.close()
    files = [file.stat().st_size for file in SCREENS.rglob("*.png")]
    print(f"pictures {len(files)} bytes {sum(files)} largest {max(files)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
