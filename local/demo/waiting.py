"""Commitments that wait or were rejected when the demo starts: through the real decisions.

Everything is sent at the moment of loading. Earlier times would have to be written past the
history, which takes its time from the database and can't be changed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from commitments.models import Commitment
from directory.models import User
from erp_integrations import submissions
from local.demo.accounts import (
    APPROVER,
    HARBOR_APPROVER,
    HARBOR_PROJECT_ADMIN,
    PROJECT_ADMIN,
    WRITTEN_BY_THE_SECOND_APPROVER,
)
from local.demo.blueprint import PlannedCommitment
from local.demo.companies import HARBOR, KEYSTONE
from local.demo.planning import blueprint

LONGEST_TO_READ = 12  # lines
BUSY = [project for project in KEYSTONE.projects if project.number.startswith("SUP")]

# Two with numbers that are too long, a pair that wants one ERP ID, text that is respelled, an
# account that Spectrum refuses, a phase that it has closed, and a job that our operator may not touch.
AWKWARD = ("144136", "140197", "144091", "134136", "120214", "130282", "144035", "144167")

REJECTIONS: Mapping[str, str] = {
    "144149": "The signed contract names 10 % retainage and this has none. Please correct it.",
    "154016": "We have no certificate of insurance from this vendor. Please ask for it, then re-send.",
    "140085": "The service runs for a year: enter one line for each quarter, so that we can accrue it.",
    "144098": "The auditors want the roofer's license number in the description. Please add it.",
    "154041": "The displays are two contracts, GCON and ELEC. Please name the other one in the description.",
}


def waiting_numbers() -> list[str]:
    """The contracts that wait: some ordinary ones of each linked project, and the chosen awkward ones."""
    ordinary = list(_ordinary())
    return [*ordinary, *WRITTEN_BY_THE_SECOND_APPROVER, *AWKWARD]


def send_and_reject(commitments: Mapping[str, Commitment], people: Mapping[str, User]) -> None:
    """Send what waits and what is rejected, and reject that, each by the person whose part it is."""
    planned = {each.contract.number: each for each in blueprint().commitments}
    for number in [*REJECTIONS, *waiting_numbers()]:
        at_harbor = planned[number].company == HARBOR
        sender = HARBOR_PROJECT_ADMIN if at_harbor else PROJECT_ADMIN
        submission = submissions.send_to_erp(commitment=commitments[number], by=people[sender.email])
        if number in REJECTIONS:
            approver = HARBOR_APPROVER if at_harbor else APPROVER
            submissions.reject(submission=submission, by=people[approver.email], reason=REJECTIONS[number])


def _ordinary() -> Iterator[str]:
    chosen: Counter[str] = Counter()
    taken = {*WRITTEN_BY_THE_SECOND_APPROVER, *REJECTIONS}
    for commitment in blueprint().commitments:
        limit = 3 if commitment.company == HARBOR else 2 if commitment.project in BUSY else 1
        if (
            chosen[commitment.project.number] < limit
            and commitment.contract.number not in taken
            and _is_ready(commitment)
        ):
            chosen[commitment.project.number] += 1
            yield commitment.contract.number


def _is_ready(commitment: PlannedCommitment) -> bool:
    return (
        not commitment.case
        and commitment.status == "approved"
        and 2 <= len(commitment.lines) <= LONGEST_TO_READ
    )
