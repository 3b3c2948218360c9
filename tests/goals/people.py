"""Who might try, each with the least that makes them that person; and the honest people around them."""

from dataclasses import dataclass

from django.db.models import Q

from tests.rights.people import ADMIN, GRANTING, STANDARD, Kind

RULES = Q(codename__in=["change_company", "free_from_own_decision_rule", "set_two_step_rule"])
LINKS = Q(codename__in=["change_vendorlink", "change_joblink", "change_costtypeaccount"])


@dataclass(frozen=True)
class Hand:
    """One human being. ``kind`` is the account that is theirs; None: they have none."""

    name: str
    kind: Kind | None = None


def _of(*kinds: Kind) -> dict[str, Hand]:
    return {kind.name: Hand(kind.name, kind) for kind in kinds}


CREATOR, SENDER, APPROVER, ROOT = "honest creator", "honest sender", "honest approver", "honest superuser"
FORMER, INVITED = "former approver", "invited approver"

HONEST = _of(
    Kind(CREATOR, commitments=STANDARD),
    Kind(SENDER, commitments=ADMIN),
    Kind(APPROVER, STANDARD, privilege=True),
    Kind(ROOT, listed=False, superuser=True),
)
"""They work, look at what they are shown, and read their mail."""

DORMANT = _of(
    Kind(FORMER, STANDARD, privilege=True, active=False, lacks_app=True),
    Kind(INVITED, STANDARD, privilege=True, lacks_app=True),
)
"""Accounts that nobody uses: of somebody who left, and of somebody who has not signed in yet."""

OPERATOR, BROKER, DATABASE = "operator", "broker", "database role"

HANDS = _of(
    Kind("approver", STANDARD, privilege=True),
    Kind("approving project admin", STANDARD, privilege=True, commitments=ADMIN),
    Kind("creator", commitments=STANDARD),
    Kind("project admin", commitments=ADMIN),
    Kind("ERP admin", ADMIN),
    Kind("approving ERP admin", ADMIN, privilege=True),
    Kind("Directory admin", directory=ADMIN),
    Kind("company administrator", administers=True),
    Kind("approving company administrator", STANDARD, privilege=True, administers=True),
    Kind("staff of accounts", staff=Q(codename="change_user")),
    Kind("granting staff of accounts", staff=Q(codename="change_user") | GRANTING),
    Kind("granting project admin", STANDARD, privilege=True, commitments=ADMIN, staff=GRANTING),
    Kind("staff of memberships", staff=Q(codename="change_companymembership")),
    Kind("staff of project levels", staff=Q(codename="change_projectmembership")),
    Kind("staff who grant", staff=GRANTING),
    Kind("granting Directory admin", directory=ADMIN, staff=GRANTING),
    Kind("staff of links", staff=LINKS),
    Kind("staff of connections", staff=Q(codename="change_connection")),
    Kind("staff of companies", staff=RULES),
    Kind("staff of contract companies", staff=Q(codename="change_contractcompany")),
    Kind("superuser", listed=False, superuser=True),
) | {name: Hand(name) for name in (OPERATOR, BROKER, DATABASE)}
"""The operator has the command line, the broker its messages, the database role the application's SQL."""
