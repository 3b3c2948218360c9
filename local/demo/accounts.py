"""The people of the demo, named by what they may do."""

from dataclasses import dataclass

from environ import Env

from directory.models import Level
from local.demo.blueprint import PlannedCommitment
from local.demo.companies import HARBOR, KEYSTONE, DemoCompany

DEFAULT_PASSWORD = "ledgergate-demo"  # opens a demo on a developer's machine, and nothing else


@dataclass(frozen=True, slots=True)
class Account:
    """A sign-in. ``company`` is None for the administrator of the installation.

    ``only_on`` limits the Commitments level to one project, by its number; blank: all of them.
    """

    email: str
    first_name: str
    last_name: str
    role: str
    company: DemoCompany | None = None
    erp_level: Level = Level.NONE
    pushes_to_accounting: bool = False
    commitments_level: Level = Level.NONE
    only_on: str = ""


APPROVER = Account(
    "approver@demo.example",
    "Avery",
    "Approver",
    "accepts and rejects: Standard and Can Push to Accounting",
    KEYSTONE,
    Level.STANDARD,
    pushes_to_accounting=True,
)
APPROVER_2 = Account(
    "approver2@demo.example",
    "Blake",
    "Approver",
    "the same, but wrote some of what waits and can't decide on that",
    KEYSTONE,
    Level.STANDARD,
    pushes_to_accounting=True,
    commitments_level=Level.STANDARD,
    only_on="CITY",
)
LEAD = Account(
    "lead@demo.example",
    "Logan",
    "Lead",
    "accepts, rejects and unlinks: the same, and Admin on one project's Commitments",
    KEYSTONE,
    Level.STANDARD,
    pushes_to_accounting=True,
    commitments_level=Level.ADMIN,
    only_on="WM14",
)
VIEWER = Account(
    "viewer@demo.example",
    "Vivian",
    "Viewer",
    "looks at ERP Integrations: Standard, without the privilege",
    KEYSTONE,
    Level.STANDARD,
)
CREATOR = Account(
    "creator@demo.example",
    "Casey",
    "Creator",
    "writes commitments: Standard on the projects",
    KEYSTONE,
    commitments_level=Level.STANDARD,
)
PROJECT_ADMIN = Account(
    "projectadmin@demo.example",
    "Parker",
    "Projectadmin",
    "sends and retrieves: Admin on the projects",
    KEYSTONE,
    commitments_level=Level.ADMIN,
)
ERP_ADMIN = Account(
    "erpadmin@demo.example",
    "Emery",
    "Erpadmin",
    "links and connection: Admin on ERP Integrations, no privilege",
    KEYSTONE,
    Level.ADMIN,
)
ADMIN = Account(
    "admin@demo.example", "Adrian", "Admin", "Django admin: grants the privilege; approves nothing"
)
HARBOR_APPROVER = Account(
    "approver@harbor.example",
    "Harper",
    "Approver",
    f"accepts and rejects at {HARBOR.name}, and sees nothing of {KEYSTONE.name}",
    HARBOR,
    Level.STANDARD,
    pushes_to_accounting=True,
)
HARBOR_PROJECT_ADMIN = Account(
    "projectadmin@harbor.example",
    "Hollis",
    "Projectadmin",
    f"writes and sends at {HARBOR.name}",
    HARBOR,
    commitments_level=Level.ADMIN,
)
ACCOUNTS = (
    APPROVER,
    APPROVER_2,
    LEAD,
    VIEWER,
    CREATOR,
    PROJECT_ADMIN,
    ERP_ADMIN,
    ADMIN,
    HARBOR_APPROVER,
    HARBOR_PROJECT_ADMIN,
)


# The second approver wrote these two, so that a refusal to decide on one's own can be seen.
WRITTEN_BY_THE_SECOND_APPROVER = ("144053", "154002")


def writer_of(commitment: PlannedCommitment) -> Account:
    """Who wrote a commitment: at Keystone the creator, but for every ninth."""
    if commitment.company == HARBOR:
        return HARBOR_PROJECT_ADMIN
    if commitment.contract.number in WRITTEN_BY_THE_SECOND_APPROVER:
        return APPROVER_2
    return PROJECT_ADMIN if sum(commitment.contract.number.encode()) % 9 == 0 else CREATOR


def password() -> str:
    """Every demo account is made with it: DEMO_PASSWORD, or the default."""
    chosen: str = Env().str("DEMO_PASSWORD", default=DEFAULT_PASSWORD)
    return chosen


def sign_ins() -> str:
    """The accounts as aligned lines, and the password that they share."""
    width = max(len(account.email) for account in ACCOUNTS)
    lines = [f"{account.email:<{width}}  {account.role}" for account in ACCOUNTS]
    return "\n".join([*lines, f"{'password of all of them':<{width}}  {password()}"])
