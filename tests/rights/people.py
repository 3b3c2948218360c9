"""Every kind of person that the product tells apart, and what each may do (docs/product.md, section 2)."""

from dataclasses import dataclass

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth.models import Permission
from django.db.models import Q

from directory.models import Company, Level, Project, User
from tests.directory.signing_in import turn_on_two_step
from tests.factories import PersonFactory, join_company, join_project

NONE, READ, STANDARD, ADMIN = Level.NONE, Level.READ_ONLY, Level.STANDARD, Level.ADMIN


@dataclass(frozen=True)
class Kind:
    """One kind of person; ``staff`` says which permissions of Django admin they hold.

    Who holds the privilege signs in with an authenticator app, as the company requires, but who
    ``lacks_app``.
    """

    name: str
    erp: Level = NONE
    privilege: bool = False
    commitments: Level = NONE
    directory: Level = NONE
    history: Level = NONE
    administers: bool = False
    listed: bool = True
    staff: Q | None = None
    superuser: bool = False
    active: bool = True
    signs_in: bool = True
    lacks_app: bool = False

    @property
    def has_app(self) -> bool:
        """Two-step verification is on."""
        return self.privilege and not self.lacks_app

    def make(self, company: Company, project: Project) -> User:
        """A person of this kind, with what they are and may in this company and project."""
        person: User = PersonFactory(
            email=f"{self.name.replace(' ', '-')}@ours.test",
            is_active=self.active,
            is_staff=self.staff is not None or self.superuser,
            is_superuser=self.superuser,
        )
        if self.listed:
            join_company(
                person,
                company,
                erp_integrations_level=self.erp,
                directory_level=self.directory,
                history_level=self.history,
                is_administrator=self.administers,
                can_push_to_accounting=self.privilege,
            )
        if self.has_app:
            turn_on_two_step(person)
            RecoveryCodes.activate(person).mark_as_viewed()  # those that there are
        if self.commitments != NONE:
            join_project(person, project, self.commitments)
        if self.staff is not None:
            person.user_permissions.set(Permission.objects.filter(self.staff))
        return person

    @property
    def opens_admin(self) -> bool:
        """Django admin is for staff."""
        return self.active and (self.superuser or self.staff is not None)

    def may(self, action: str, model: str, *, superusers: bool) -> bool:
        """True if they hold this permission of Django admin; ``superusers``: nobody else can."""
        if self.superuser or superusers:
            return self.superuser
        return {
            "auditor": action == "view",
            "privilege admin": model == "directory.companymembership",
            "administrator": True,
        }.get(self.name, False)


GRANTING = Q(codename="grant_push_to_accounting") | Q(codename__endswith="_companymembership")

KINDS = {
    kind.name: kind
    for kind in (
        Kind("visitor", listed=False, signs_in=False),
        Kind("listed nowhere", listed=False),
        Kind("listed without a level"),
        Kind("ERP reader", READ),
        Kind("ERP reader with the privilege", READ, privilege=True),
        Kind("privilege without a level", privilege=True),
        Kind("ERP standard", STANDARD),
        Kind("approver", STANDARD, privilege=True),
        Kind("approver without two steps", STANDARD, privilege=True, lacks_app=True),
        Kind("ERP admin", ADMIN),
        Kind("approving ERP admin", ADMIN, privilege=True),
        Kind("Directory admin", directory=ADMIN),
        Kind("history reader", history=READ),
        Kind("company administrator", administers=True),
        Kind("approving company administrator", STANDARD, privilege=True, administers=True),
        Kind("project reader", commitments=READ),
        Kind("creator", commitments=STANDARD),
        Kind("creator of others", commitments=STANDARD),
        Kind("project admin", commitments=ADMIN),
        Kind("approving project admin", STANDARD, privilege=True, commitments=ADMIN),
        Kind("approving sender", STANDARD, privilege=True, commitments=ADMIN),
        Kind("staff without permissions", staff=Q(pk=None)),
        Kind("auditor", staff=Q(codename__startswith="view_")),
        Kind("privilege admin", staff=GRANTING),
        Kind("administrator", staff=Q()),
        Kind("superuser", listed=False, superuser=True),
        Kind("ended", ADMIN, privilege=True, commitments=ADMIN, staff=Q(), active=False),
    )
}

OF_ERP = {
    *("ERP reader", "ERP reader with the privilege", "ERP standard", "ERP admin"),
    *("approver", "approver without two steps", "approving company administrator"),
    *("approving ERP admin", "approving project admin", "approving sender"),
}
OF_PROJECT = {
    *("project reader", "creator", "creator of others", "project admin"),
    *("approving project admin", "approving sender"),
}

# Who holds which right, by name: written out, not worked out, so that a slip in the code is seen.
RIGHTS: dict[str, set[str]] = {
    "be signed in": set(KINDS) - {"visitor", "ended"},
    "see ERP Integrations": OF_ERP,
    # The one who sent it holds every right, and still may not decide on it.
    "decide": {
        *("approver", "approving ERP admin", "approving project admin", "approving company administrator"),
    },
    "decide on others": {
        *("approver", "approving ERP admin", "approving project admin", "approving sender"),
        "approving company administrator",
    },
    "administer ERP Integrations": {"ERP admin", "approving ERP admin"},
    "compare with the ERP": {
        *("approver", "approving project admin", "approving sender", "approving company administrator"),
        *("ERP admin", "approving ERP admin"),
    },
    "unlink": {"approving project admin"},
    "see the history": {"ERP admin", "approving ERP admin", "Directory admin", "history reader"},
    "see who may push to accounting": OF_ERP | {"Directory admin"},
    # Whoever is on the list may not confirm it.
    "confirm who may push to accounting": {"ERP admin", "Directory admin"},
    # Not whoever decides
    "administer the company": {"company administrator"},
    "see first steps": {
        *("company administrator", "approving company administrator", "ERP admin", "approving ERP admin"),
        *("staff without permissions", "auditor", "privilege admin", "administrator"),
    },
    "see Contract Companies": OF_ERP | OF_PROJECT | {"Directory admin"},
    "keep Contract Companies": {"ERP admin", "approving ERP admin", "Directory admin"},
    "import": {
        *("ERP admin", "approving ERP admin", "Directory admin"),
        *("creator", "creator of others", "project admin", "approving project admin", "approving sender"),
    },
    "see commitments": OF_PROJECT,
    "create commitments": OF_PROJECT - {"project reader"},
    "edit what the creator wrote": {
        *("creator", "project admin", "approving project admin", "approving sender"),
    },
    # Of those with Standard, who created it.
    "answer": {"creator", "project admin", "approving project admin", "approving sender"},
    "send": {"project admin", "approving project admin", "approving sender"},
}
