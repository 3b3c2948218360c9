"""Section 8 of docs/install.md, by the pages: from an installation with one person to Synced commitments."""

import base64
import hmac
import json
import re
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import urljoin

import requests
from lxml import html

from local.programs import MASTERS
from tests.endurance.contracts.people import Unexpected, form_with, values_of, words_of

CERTIFICATE = "/etc/ledgergate/tls.pem"
PASSWORD = "walls-and-roofs-2014"
PATIENCE = 60.0
TOOL = "/companies/trial/erp-integrations"


class Browser:
    """One person's, on the public address."""

    def __init__(self, address: str) -> None:
        self.address, self._session = address, requests.Session()
        self._session.trust_env = False
        self._session.verify = CERTIFICATE
        self._session.headers["Referer"] = address

    def open(self, path: str) -> html.HtmlElement:
        answer = self._session.get(self.address + path, timeout=PATIENCE)
        if answer.status_code != 200:
            raise Unexpected(f"{path}: {answer.status_code}")
        return html.document_fromstring(answer.text)

    def fill(self, path: str, **fields: str) -> str:
        """Send the page's form that has these fields; where it led. A choice may be told by its words."""
        form = form_with(self.open(path), next(iter(fields)))
        for name, value in fields.items():
            for option in form.iterfind(f".//select[@name='{name}']/option"):
                if words_of(option).startswith(value):
                    fields[name] = option.get("value", "")
        return self.send(form.action or path, values_of(form) | fields)

    def send(self, path: str, fields: Mapping[str, object]) -> str:
        answer = self._session.post(self.address + path, data=fields, timeout=PATIENCE, allow_redirects=False)
        if answer.status_code != 302:
            page = html.document_fromstring(answer.text)
            raise Unexpected(f"{path}: {answer.status_code}: {words_of(page.find('.//main'))[:900]}")
        return answer.headers["Location"]

    def press(self, path: str, button: str) -> str:
        """The button of that name, with its form, in which every change is ticked."""
        page = self.open(path)
        for each in page.iterfind(".//form//button"):
            if words_of(each).startswith(button) or each.get("aria-label") == button:
                (form,) = each.iterancestors("form")
                ticks = [box.get("value") for box in form.iterfind(".//input[@name='confirmed']")]
                fields = (
                    values_of(form)
                    | {"confirmed": ticks}
                    | {each.get("name", "pressed"): each.get("value", "")}
                )
                return self.send(form.action or path, fields)
        raise Unexpected(f"{path} has no {button}: {words_of(page)[:900]}")

    def read(self, path: str, badge: str) -> str:
        """The heading of the page, where this status must stand."""
        heading = words_of(self.open(path).find(".//h1"))
        if badge not in heading:
            raise Unexpected(f"{path}: {heading}")
        return heading

    def add(self, what: str, **fields: str) -> str:
        """A row in Django admin; its key."""
        (key,) = re.findall(r"/(\d+)/change/", self.fill(f"/admin/{what}/add/", **fields, _continue="1"))
        return str(key)

    def set_up_two_step(self) -> None:
        path = "/accounts/two-step/totp/activate/"
        page = self.open(path)  # of which each has another key
        (key,) = page.iterfind(".//code[@class='key']")
        self.send(path, values_of(form_with(page, "code")) | {"code": code_for(words_of(key))})


def code_for(key: str) -> str:
    """What an authenticator app shows now (RFC 6238)."""
    digest = hmac.digest(base64.b32decode(key), (int(time.time()) // 30).to_bytes(8), "sha1")
    place = digest[-1] & 15
    return f"{(int.from_bytes(digest[place : place + 4]) & 0x7FFFFFFF) % 1_000_000:06}"


def wait_until(act: Callable[[], str]) -> str:
    """Try again while what workers bring is not there yet."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except Unexpected:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def find_link(mail: int, to: str) -> str:
    """The path that the mail to somebody leads to."""
    with urllib.request.urlopen(f"http://127.0.0.1:{mail}/api/messages", timeout=10) as answer:
        for message in json.load(answer)["messages"]:
            found = re.search(r"(/accounts/password/reset/key/\S+)", message["text"])
            if found and to in message["to"]:
                return found.group(1)
    raise Unexpected(f"no mail for {to}")


@dataclass(frozen=True)
class Office:
    """Two people beside the administrator: one writes and sends, one links and accepts."""

    sam: Browser
    avery: Browser
    project: str
    fields: dict[str, str]

    def accept(self, number: str) -> str:
        """Another commitment, written, sent and accepted; its path."""
        commitment = self.sam.fill(
            f"/projects/{self.project}/commitments/new/?kind=subcontract",
            **{"number": number, "title": f"All of {number}", "status": "Approved"} | self.fields,
        )
        self.sam.press(commitment, "Send to ERP")
        page = self.avery.open(f"{TOOL}/commitments/?view=ready-to-export")
        (accept,) = {link.get("href") for link in page.iterfind(".//a") if "/accept/" in link.get("href", "")}
        self.avery.press(urljoin(f"{TOOL}/commitments/", accept), "Export")
        return commitment

    def wait_until_synced(self, commitment: str) -> None:
        wait_until(lambda: self.sam.read(commitment, "Synced"))


def walk_to_the_links(address: str, administrator: str, password: str, mail: int) -> Office:
    """As far as a commitment can be written."""
    spectrum = json.loads(MASTERS.read_text())["companies"][0]
    job, vendor = spectrum["jobs"][0], spectrum["vendors"][0]
    phase = next(each for each in job["phases"] if "S" in each["cost_types"])
    admin = Browser(address)
    admin.fill("/accounts/login/", login=administrator, password=password)
    admin.set_up_two_step()
    where = {"company": admin.add("directory/company", name="Trial Builders", slug="trial")}
    project = admin.add("directory/project", name=job["description"], number="T-1", **where)
    admin.add("commitments/contractcompany", name=vendor["name"], **where)
    admin.add("commitments/costtype", code="S", name="Subcontract", **where)
    admin.add("commitments/costcode", code=phase["code"], name=phase["description"], project=project)
    admin.add(
        "erp_integrations/connection",
        name="Spectrum",
        company_code=spectrum["code"],
        server="simulator",
        authorization_id=spectrum["authorization_ids"][0],
        general_ledger_account="500100",
        success_rule="A complete reply",
        **where,
    )
    levels = {"erp_integrations_level": "Admin", "reason": "The trial."}
    people = []
    for name, privilege in (("Sam", {}), ("Avery", {"can_push_to_accounting": "on"})):
        email = f"{name.lower()}@trial.example"
        user = admin.add("directory/user", email=email, first_name=name, last_name="Trial")
        admin.add("directory/companymembership", user=user, **levels, **privilege, **where)
        if not privilege:
            admin.add("directory/projectmembership", user=user, project=project, commitments_level="Admin")
        person = Browser(address)
        link = wait_until(partial(find_link, mail, email))
        person.fill(link, password1=PASSWORD, password2=PASSWORD)
        person.fill("/accounts/login/", login=email, password=PASSWORD)
        person.set_up_two_step()
        people.append(person)
    sam, avery = people
    wait_until(lambda: avery.press(f"{TOOL}/vendors/", f"Link {vendor['name']}"))
    wait_until(lambda: avery.press(f"{TOOL}/jobs/", f"Link {job['description']}"))
    line = {"cost_code": f"{phase['code']} {phase['description']}", "cost_type": "S", "amount": "1,000.00"}
    fields = {"vendor": vendor["name"], "lines-0-description": "All of it"}
    fields |= {f"lines-0-{name}": value for name, value in line.items()}
    return Office(sam, avery, project, fields)
