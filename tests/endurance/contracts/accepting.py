"""Accounting's side: open the Accept dialog, give an ERP ID that fits, look at the plan, press Export."""

import re
import threading
from collections.abc import Mapping

from tests.endurance.contracts.office import Company
from tests.endurance.contracts.pages import Commitment, Finding, Plan, blocking, plan
from tests.endurance.contracts.people import Unexpected, form_with, values_of, words_of
from tests.endurance.contracts.tally import ACCEPT, Tally

MOST_ROUNDS = 8
WIDTH = 10
HOW: Mapping[str, str] = {
    "erp-id-too-long": "the approver takes the last ten characters as ERP ID",
    "erp-id-forbidden-characters": "the approver puts dashes for them in the ERP ID",
    "erp-id-taken": "the approver adds a suffix to the ERP ID",
    "erp-id-in-spectrum": "the approver adds a suffix to the ERP ID",
}


class ForTheProject(Exception):
    """The box shows findings that no ERP ID mends."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(findings[0].sentence)
        self.findings = findings


class Accepting:
    """Accepts, and keeps what each approver saw at the moment of the decision."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._lock = threading.Lock()
        self.seen: dict[str, Plan] = {}
        """The plan that was shown, by the commitment's address."""

    def accept(self, company: Company, commitment: Commitment, submission: str) -> None:
        """From the list into the queue.

        Raises ForTheProject where the project has to change something, and Unexpected when the
        box can't be satisfied.
        """
        address = f"{submission}accept/"
        page = company.approver.opens(address)
        for attempt in range(1, MOST_ROUNDS + 1):
            form = values_of(form_with(page, "expected_hash"))
            form["number_looked_up"] = "on"  # asked for where one was typed and nobody can look
            found = blocking(page)
            if found:
                self._tally.blocked(commitment, ACCEPT, {finding.code for finding in found})
                form["erp_id"] = self._another_erp_id(commitment, form["erp_id"], found, attempt)
                again = company.approver.sends(address, {**form, "show": "1"})
                if again is None:
                    raise Unexpected(f"{address} was decided by looking at it")
                page = again
                continue
            shown = plan(page)
            # Whoever looks at the run knows each link that its administrator made.
            ticked = [box.get("value", "") for box in page.iterfind(".//input[@name='confirmed']")]
            refused = company.approver.sends(address, {**form, "confirmed": ticked})
            if refused is None:
                with self._lock:
                    again_accepted = commitment.path in self.seen
                    self.seen[commitment.path] = shown
                if not again_accepted:
                    self._tally.count("accepted")
                return
            page = refused  # somebody took the ERP ID meanwhile: the box says so, and shows it anew
        raise Unexpected(f"{address} can't be accepted: {words_of(page)[:600]}")

    def reject(self, company: Company, submission: str, reason: str) -> None:
        """Send it back to its project."""
        address = f"{submission}reject/"
        form = values_of(form_with(company.approver.opens(address), "expected_hash"))
        page = company.approver.sends(address, {**form, "reason": reason})
        if page is not None:
            raise Unexpected(f"{address} was not rejected: {words_of(page)[:600]}")

    def _another_erp_id(self, commitment: Commitment, erp_id: str, found: list[Finding], attempt: int) -> str:
        if others := [finding for finding in found if finding.code not in HOW]:
            raise ForTheProject(others)
        for finding in found:
            if finding.code == "erp-id-forbidden-characters":
                erp_id = re.sub(r"[^A-Z0-9-]", "-", erp_id)
            elif finding.code == "erp-id-too-long":
                erp_id = erp_id[-WIDTH:].lstrip("-")
            else:
                erp_id = f"{erp_id[: WIDTH - 2].rstrip('-')}-{attempt + 1}"
            self._tally.corrected(commitment, ACCEPT, finding.code, HOW[finding.code])
        return erp_id
