"""Commitments that come back after Send: from the Accept dialog, or refused with nothing written."""

import re
from collections.abc import Callable, Sequence

from tests.endurance.contracts.accepting import Accepting
from tests.endurance.contracts.corrections import IN_THE_FORM, move_into_the_calendar
from tests.endurance.contracts.office import Company, Office
from tests.endurance.contracts.pages import Commitment, Finding, Row
from tests.endurance.contracts.people import Unexpected
from tests.endurance.contracts.sending import Sending
from tests.endurance.contracts.tally import ACCEPT, SPECTRUM, Tally

LetAtJob = Callable[[Company, str], None]


class Mending:
    """Rejects, corrects and sends again, or corrects a link and tries again."""

    def __init__(
        self, office: Office, sending: Sending, accepting: Accepting, tally: Tally, let_at_job: LetAtJob
    ) -> None:
        self._office = office
        self._let_at_job = let_at_job
        self._sending = sending
        self._accepting = accepting
        self._tally = tally

    def send_back(
        self, company: Company, commitment: Commitment, submission: str, found: Sequence[Finding]
    ) -> None:
        """The project changes whatever the Accept dialog says that it has to."""
        strange = [each for each in found if each.code not in IN_THE_FORM]
        if strange:
            raise Unexpected(f"{commitment.path} can't be accepted: {strange[0].sentence}")
        self._accepting.reject(company, submission, " ".join(each.sentence for each in found))
        self._sending.edit(company, commitment, [(IN_THE_FORM[each.code][0], each) for each in found])
        self._sending.send(company, commitment, first=False)
        for code in {each.code for each in found}:
            how = f"rejected; {IN_THE_FORM[code][1]}; sent again"
            self._tally.corrected(commitment, ACCEPT, code, how)

    def mend(self, company: Company, commitment: Commitment, row: Row) -> None:
        """A refusal of Spectrum's. Raises Unexpected where nobody knows what to do."""
        if "GL_Account" in row.remark:
            code, how = "GL_Account", "the administrator clears the vendor's account; tried again"
            self._office.admin.clear_account(row.vendor)
            self._accepting.accept(company, commitment, row.path)
        elif "Date_Issued" in row.remark:
            code, how = "Date_Issued", "rejected; the creator corrects the issue date; sent again"
            self._accepting.reject(company, row.path, row.remark)
            self._sending.edit(company, commitment, [(move_into_the_calendar, Finding("", ""))])
            self._sending.send(company, commitment, first=False)
        elif refused := re.search(r"not authorized for job (\S+)", row.remark):
            code, how = "Job_Number", "somebody lets the operator at the job in Spectrum; tried again"
            self._let_at_job(company, refused[1])
            self._accepting.accept(company, commitment, row.path)
        else:
            raise Unexpected(f"Spectrum refused {commitment.path}: {row.remark}")
        self._tally.blocked(commitment, SPECTRUM, [code])
        self._tally.corrected(commitment, SPECTRUM, code, how)
