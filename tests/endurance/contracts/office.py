"""Who does what in the demo: its people, and the company that each of them works for."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lxml import html

from local.programs import MASTERS
from tests.endurance.contracts.people import Person, Unexpected, form_with, values_of, words_of


@dataclass(frozen=True, eq=False)
class Company:
    """One company of the demo, and who of it does the three kinds of work."""

    slug: str
    name: str
    code: str
    sender: Person
    approver: Person
    writers: dict[str, Person]

    @property
    def tool(self) -> str:
        """The address of its ERP Integrations tool."""
        return f"/companies/{self.slug}/erp-integrations/"


class Office:
    """Everybody of the demo, signed in."""

    def __init__(self, address: str, password: str) -> None:
        def person(email: str) -> Person:
            return Person(address, email, password)

        sender, harbor_sender = person("projectadmin@demo.example"), person("projectadmin@harbor.example")
        self.admin = Administrator(person("admin@demo.example"))
        self.companies = (
            Company(
                *("keystone", "Keystone Builders", "PHL"),
                sender,
                person("approver@demo.example"),
                {
                    "Casey Creator": person("creator@demo.example"),
                    "Parker Projectadmin": sender,
                    "Blake Approver": person("approver2@demo.example"),
                },
            ),
            Company(
                *("harbor", "Harbor Contractors", "HBR"),
                harbor_sender,
                person("approver@harbor.example"),
                {"Hollis Projectadmin": harbor_sender},
            ),
        )


class Administrator:
    """The administrator, who makes and mends links in Django admin, and looks up codes in Spectrum."""

    def __init__(self, person: Person) -> None:
        self.person = person

    def link_vendor(self, company: Company, contract_company: str, name: str) -> None:
        """Say which Spectrum vendor a contract company is. `contract_company` is its key."""
        code = next(each["code"] for each in self._masters[company.code]["vendors"] if each["name"] == name)
        values = {"contract_company": contract_company, "vendor_code": code}
        self._add("vendorlink", company, values)

    def link_job(self, company: Company, project: str, name: str) -> None:
        """Say which Spectrum job a project is. `project` is its key."""
        jobs = self._masters[company.code]["jobs"]
        number = next(job["number"] for job in jobs if job["description"] == name)
        self._add("joblink", company, {"project": project, "job_number": number})

    def authorization_id(self, company: Company) -> str:
        """Who the company is in Spectrum."""
        return str(self._masters[company.code]["authorization_ids"][0])

    def clear_account(self, name: str) -> None:
        """Take the general-ledger account off a vendor's links, so that the next of the chain is used."""
        path = "/admin/erp_integrations/vendorlink/"
        found = self.person.opens(f"{path}?q={name.replace(' ', '+')}")
        links = {link.get("href", "").partition("?")[0] for link in found.iterfind(".//tbody//a")}
        changes = sorted(link for link in links if link.endswith("/change/"))
        if not changes:
            raise Unexpected(f"Django admin has no vendor link of {name}")
        for address in changes:
            form = form_with(self.person.opens(address), "general_ledger_account")
            self._save(address, {**values_of(form), "general_ledger_account": ""})

    @cached_property
    def _masters(self) -> dict[str, dict[str, Any]]:
        companies = json.loads(MASTERS.read_text(encoding="utf-8"))["companies"]
        return {company["code"]: company for company in companies}

    def _add(self, what: str, company: Company, values: dict[str, str]) -> None:
        address = f"/admin/erp_integrations/{what}/add/"
        form = form_with(self.person.opens(address), "connection")
        connection = _option(form, "connection", company.name)
        self._save(address, {**values_of(form), **values, "connection": connection})

    def _save(self, address: str, fields: dict[str, str]) -> None:
        page = self.person.sends(address, {**fields, "_save": "Save"})
        if page is not None:
            raise Unexpected(f"Django admin did not save {address}: {words_of(page)[:600]}")


def _option(form: html.FormElement, name: str, words: str) -> str:
    """The value of the one choice that has these words."""
    for option in form.iterfind(f".//select[@name='{name}']/option"):
        if words in words_of(option):
            return str(option.get("value", ""))
    raise Unexpected(f"{name} has no choice {words}")
