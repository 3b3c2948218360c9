"""The project's side: send each commitment; where something stands in the way, correct it and send again."""

import threading
from collections.abc import Callable, Sequence

from lxml import html

from tests.endurance.contracts.corrections import IN_THE_FORM, Correct
from tests.endurance.contracts.office import Company, Office
from tests.endurance.contracts.pages import Commitment, Finding, blocking
from tests.endurance.contracts.people import Unexpected, form_with, values_of, words_of
from tests.endurance.contracts.tally import SEND, Tally

MOST_ROUNDS = 6


class Sending:
    """Sends, and corrects what the project or the administrator has to correct."""

    def __init__(self, office: Office, tally: Tally) -> None:
        self._office = office
        self._tally = tally
        # A link serves many commitments: the first that misses it has it made.
        self._linking = threading.Lock()
        self._linked: set[str] = set()

    def send(self, company: Company, commitment: Commitment, *, first: bool = True) -> None:
        """Press Send until it is sent. Raises Unexpected when nobody knows how to correct it."""
        for _ in range(MOST_ROUNDS):
            page = company.sender.sends(f"{commitment.path}send-to-erp/", {})
            if page is None:
                if first:
                    self._tally.count("sent")
                return
            found = blocking(page)
            if not found:
                continue  # what stood in the way is corrected since, as by somebody who made the same link
            self._tally.blocked(commitment, SEND, {finding.code for finding in found})
            self._links(company, commitment, found)
            self._form(company, commitment, found, page)
        told = [each.sentence for each in found] or words_of(page)[:3000]
        raise Unexpected(f"{commitment.path} is still blocked: {told}")

    def edit(
        self,
        company: Company,
        commitment: Commitment,
        changes: Sequence[tuple[Correct, Finding]],
        page: html.HtmlElement | None = None,
    ) -> None:
        """Its creator opens the edit page, changes the form and saves it."""
        if page is None:
            page = company.sender.opens(commitment.path)
        creator = company.writers[_created_by(page)]
        address = f"{commitment.path}edit/"
        fields = values_of(form_with(creator.opens(address), "version"))
        for change, finding in changes:
            change(fields, finding)
        refusal = creator.sends(address, fields)
        if refusal is not None:
            raise Unexpected(f"{address} was not saved: {words_of(refusal)[:900]}")
        commitment.number = fields["number"]

    def _links(self, company: Company, commitment: Commitment, found: Sequence[Finding]) -> None:
        codes = {finding.code for finding in found}
        admin = self._office.admin
        if "job-not-linked" in codes:
            project = commitment.path.split("/")[2]
            self._once(project, lambda: admin.link_job(company, project, commitment.project))
            how = "the administrator links the project to its job"
            self._tally.corrected(commitment, SEND, "job-not-linked", how)
        elif "vendor-not-linked" in codes:  # without a job nobody knows in which Spectrum to look
            shown = values_of(form_with(company.sender.opens(f"{commitment.path}edit/"), "contract_company"))
            key, name = shown["contract_company"], shown["vendor"]
            self._once(f"vendor {key}", lambda: admin.link_vendor(company, key, name))
            how = "the administrator links the contract company to its vendor"
            self._tally.corrected(commitment, SEND, "vendor-not-linked", how)

    def _form(
        self, company: Company, commitment: Commitment, found: Sequence[Finding], page: html.HtmlElement
    ) -> None:
        changes = [(IN_THE_FORM[each.code][0], each) for each in found if each.code in IN_THE_FORM]
        if not changes:
            return
        self.edit(company, commitment, changes, page)
        for code in {finding.code for _, finding in changes}:
            self._tally.corrected(commitment, SEND, code, IN_THE_FORM[code][1])

    def _once(self, link: str, make: Callable[[], None]) -> None:
        """Make a link unless it is made. Whoever needs the same one meanwhile waits for it."""
        with self._linking:
            if link not in self._linked:
                make()
                self._linked.add(link)


def _created_by(page: html.HtmlElement) -> str:
    for term in page.iter("dt"):
        if words_of(term) == "Created by":
            value = term.getnext()
            return (value.text or "").strip() if value is not None else ""
    raise Unexpected("the commitment's page does not say who created it")
