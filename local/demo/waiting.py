"""Commitments that wait, were rejected or were accepted when the demo starts: through the real decisions.

Everything is sent at the moment of loading: the history takes its time from the database and can't be
changed. Only when a submission was sent is set back afterwards, so that rows have ages.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from commitments.models import Commitment
from commitments.services import update_commitment
from directory.models import User
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.models import Submission
from local.demo.accounts import (
    APPROVER,
    HARBOR_APPROVER,
    HARBOR_PROJECT_ADMIN,
    PROJECT_ADMIN,
    WRITTEN_BY_THE_SECOND_APPROVER,
)
from local.demo.blueprint import PlannedCommitment
from local.demo.companies import HARBOR, KEYSTONE
from local.demo.draws import Draw
from local.demo.numbers import send_with_any_number
from local.demo.planning import blueprint

LONGEST_TO_READ = 12  # lines
BUSY = [
    project
    for project in KEYSTONE.projects
    if project.number.startswith("SUP") or project.number in {"WTP", "STR", "PARK", "WM15", "FLEET"}
]

# Two with numbers that are too long, a pair that wants one ERP ID, text that is respelled, an
# account that Spectrum refuses, a phase that it has closed, a job that our operator may not touch, a
# point in a number, and a vendor that is not used any more.
AWKWARD = (
    *("144136", "140197", "144091", "134136", "120214", "130282", "144035", "144167"),
    *("154033", "134071"),
)

# Six that were accepted at once and are exported when the worker starts: three each of two vendors.
ACCEPTED = ("150047", "120260", "120167", "144117", "154014", "134130")

# What these make of others: two that are nearly the same, a vendor's name near another's, an amount that is
# far from the vendor's others, and retainage that is none of theirs.
NEAR_DUPLICATES = ("120345", "120253")
UNUSUAL = ("144140", "130252", "144056")

# Rejected for this reason, corrected, and sent again.
RESENT = "B44120"
RESENT_REASON = "The signed contract names 5 % retainage and this has none. Please correct it."

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
    return [*ordinary, *WRITTEN_BY_THE_SECOND_APPROVER, *AWKWARD, *NEAR_DUPLICATES, *UNUSUAL, RESENT]


def send_and_decide(commitments: Mapping[str, Commitment], people: Mapping[str, User]) -> None:
    """Send what waits and what is decided, and decide that, each by the person whose part it is."""
    planned = {each.contract.number: each for each in blueprint().commitments}
    # Whatever was sent first comes first, as it would have.
    for number in sorted([*ACCEPTED, *REJECTIONS, *waiting_numbers()], key=days_ago, reverse=True):
        at_harbor = planned[number].company == HARBOR
        sender = people[(HARBOR_PROJECT_ADMIN if at_harbor else PROJECT_ADMIN).email]
        approver = people[(HARBOR_APPROVER if at_harbor else APPROVER).email]
        submission = _send(commitments[number], sender, days_ago(number))
        if number in REJECTIONS:
            submissions.reject(submission=submission, by=approver, reason=REJECTIONS[number])
        elif number in ACCEPTED:
            basis = build_basis(submission.document)
            submissions.accept(
                submission=submission, by=approver, expected_hash=basis.hash, erp_id=basis.proposed_erp_id
            )
        elif number == RESENT:
            submissions.reject(submission=submission, by=approver, reason=RESENT_REASON)
            row = Commitment.objects.get(pk=commitments[number].pk)
            changed = update_commitment(
                commitment=row,
                by=sender,
                version=row.version,
                values={"default_retainage": Decimal("5.00")},
                lines=None,
            )
            _send(changed, sender, 1)


def days_ago(number: str) -> int:
    """When a contract was sent: from today to five weeks ago, and what was accepted before that."""
    if number in ACCEPTED:
        return 40 + ACCEPTED.index(number)
    if number in NEAR_DUPLICATES:
        return (6, 3)[NEAR_DUPLICATES.index(number)]
    return Draw(f"sent {number}").whole(0, 35)


def _send(commitment: Commitment, by: User, days: int) -> Submission:
    submission = send_with_any_number(commitment, by)
    moment = timezone.now() - timedelta(days=days, minutes=Draw(f"at {submission.number}").whole(0, 90))
    Submission.objects.filter(pk=submission.pk).update(sent_at=moment)
    return submission


def _ordinary() -> Iterator[str]:
    chosen: Counter[str] = Counter()
    taken = {*WRITTEN_BY_THE_SECOND_APPROVER, *REJECTIONS, *ACCEPTED, *NEAR_DUPLICATES, *UNUSUAL, RESENT}
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
