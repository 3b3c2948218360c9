"""Who may do what: ``can_…`` answers, for templates; ``require_…`` raises, for commands.

The table is docs/product.md, section 2.2. A person of another company never gets this far: what
they may not see is not found (404), by the ``visible_to`` query sets.
"""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet

from directory.db.prepared import Parameter, PreparedQuery
from directory.models import (
    VISIBLE_LEVELS,
    WORKING_LEVELS,
    Company,
    CompanyMembership,
    Level,
    Project,
    ProjectMembership,
    User,
)
from directory.rights import approvers

P = ParamSpec("P")
Place = TypeVar("Place", Company, Project)


class RightMissing(PermissionDenied):
    """A person asked for something that their rights do not cover. Becomes a 403 and a history entry."""

    remedy: tuple[str, str] | None = None
    """A way for the person to help themselves: the words of a link, and the name of its page."""

    def __init__(self, *, by: User, company: Company | None, right: str, sentence: str) -> None:
        super().__init__(sentence)
        self.by = by
        self.company = company
        self.right = right
        self.sentence = sentence


class TwoStepMissing(RightMissing):
    """An approver without two-step verification, in a company that requires it."""

    remedy = ("Set up two-step verification", "mfa_index")

    def __init__(self, *, by: User, company: Company) -> None:
        super().__init__(
            by=by,
            company=company,
            right="push to accounting: two-step verification",
            sentence=f"{company.name} requires two-step verification of its accounting approvers. "
            "You can view; to decide, set it up first. It takes a minute and your phone.",
        )


def find_company_membership(user: User | int | None, company: Company | int) -> CompanyMembership | None:
    """The person's entry in the Company Directory, with all that rights depend on; None for strangers."""
    found = list_memberships(user=getattr(user, "pk", user), company=getattr(company, "pk", company))
    return found[0] if found else None


@PreparedQuery
def list_memberships(user: Parameter, company: Parameter) -> QuerySet[CompanyMembership]:
    return approvers.list_with_rights().filter(user=user, company=company)


def get_commitments_level(user: User, project: Project) -> str:
    """The person's level in the project's Commitments tool."""
    membership = ProjectMembership.objects.filter(user=user, project=project, user__is_active=True).first()
    return membership.commitments_level if membership else Level.NONE


def _build_company_right(holds: Callable[[CompanyMembership], bool]) -> Callable[[User, Company], bool]:
    """Of an active person, by their entry in the Company Directory."""

    def can(user: User, company: Company) -> bool:
        membership = find_company_membership(user, company)
        return bool(membership and membership.user.is_active and holds(membership))

    return can


def is_admin(membership: CompanyMembership) -> bool:
    return Level.ADMIN in (membership.erp_integrations_level, membership.directory_level)


can_see_erp_integrations = _build_company_right(lambda each: each.erp_integrations_level in VISIBLE_LEVELS)
"""Read Only and up on the ERP Integrations tool."""
can_push_to_accounting = _build_company_right(lambda each: each.can_decide)
"""Accept, reject, export and what follows: Standard or Admin, the privilege, two steps if required."""
can_administer_erp_integrations = _build_company_right(
    lambda each: each.erp_integrations_level == Level.ADMIN
)
"""Vendor and job links, connection settings: Admin on the ERP Integrations tool."""
can_see_history = _build_company_right(lambda each: each.can_see_history)
"""The company's history, and its export: Admin on the ERP Integrations tool or on the Directory, or the
auditor's right.
"""
can_review_approvers = _build_company_right(is_admin)
"""Say that the list of who may push to accounting is right: Admin on either tool of the company."""
can_administer_company = _build_company_right(
    lambda each: each.is_administrator and not each.can_push_to_accounting
)
"""Invite people to the company, give and take levels, name its roles and settings.

Whoever decides does not say who writes: they could write as somebody whom they invented.
"""
can_see_first_steps = _build_company_right(
    lambda each: each.is_administrator or each.user.is_staff or each.erp_integrations_level == Level.ADMIN
)
"""Whoever can do one of them."""


def can_compare_with_erp(user: User, company: Company) -> bool:
    """Have the ERP read again: who may decide about exports, and who keeps the connection."""
    return can_push_to_accounting(user, company) or can_administer_erp_integrations(user, company)


def can_see_contract_companies(user: User, company: Company) -> bool:
    """Read Only and up on a tool of the company, or on Commitments in one of its projects."""
    membership = find_company_membership(user, company)
    levels = (membership.erp_integrations_level, membership.directory_level) if membership else ()
    return bool(
        {*levels} & {*VISIBLE_LEVELS} or Project.objects.visible_to(user).filter(company=company).exists()
    )


def can_see_commitments(user: User, project: Project) -> bool:
    """Read Only and up on the project's Commitments tool."""
    return get_commitments_level(user, project) in VISIBLE_LEVELS


def can_create_commitments(user: User, project: Project) -> bool:
    """Standard or Admin on the project's Commitments tool."""
    return get_commitments_level(user, project) in WORKING_LEVELS


def can_edit_commitment(user: User, project: Project, created_by_id: int) -> bool:
    """Standard edits what is their own, Admin everything."""
    level = get_commitments_level(user, project)
    return level == Level.ADMIN or (level == Level.STANDARD and created_by_id == user.pk)


def can_send_commitments(user: User, project: Project) -> bool:
    """Send, retrieve and re-send: Admin on the project's Commitments tool."""
    return get_commitments_level(user, project) == Level.ADMIN


def _build_requirement(
    right: str, sentence: str, can: Callable[Concatenate[User, Place, P], bool]
) -> Callable[Concatenate[User, Place, P], None]:
    def require(user: User, place: Place, /, *args: P.args, **kwargs: P.kwargs) -> None:
        if not can(user, place, *args, **kwargs):
            company: Any = getattr(place, "company", place)
            raise RightMissing(by=user, company=company, right=right, sentence=sentence)

    return require


require_see_erp_integrations = _build_requirement(
    "see ERP Integrations",
    "You need Read Only or more on the ERP Integrations tool. Your company's administrator can "
    "give it to you.",
    can_see_erp_integrations,
)
_require_privilege = _build_requirement(
    "push to accounting",
    "Only an accounting approver can do this: Standard or Admin on the ERP Integrations tool, and the "
    "privilege Can Push to Accounting. An administrator can grant it.",
    can_push_to_accounting,
)


def require_push_to_accounting(
    user: User, company: Company, membership: CompanyMembership | None = None
) -> None:
    """The right to decide; ``membership`` where it was just read. Raises TwoStepMissing where only that is
    missing.
    """
    membership = membership or find_company_membership(user, company)
    if membership and membership.lacks_two_step:
        raise TwoStepMissing(by=user, company=company)
    if not (membership and membership.can_decide):
        _require_privilege(user, company)
    elif not approvers.is_grant_signed(membership):
        raise RightMissing(
            by=user,
            company=company,
            right="push to accounting: a grant",
            sentence="Your Can Push to Accounting was not granted in Ledgergate, or reappeared after it "
            "ended, so it is not valid. Ask an administrator to revoke it and grant it again.",
        )


require_administer_erp_integrations = _build_requirement(
    "administer ERP Integrations",
    "You need Admin on the ERP Integrations tool for links and connection settings.",
    can_administer_erp_integrations,
)
require_see_history = _build_requirement(
    "see the history",
    "A company's history is for its Admins, on the ERP Integrations tool or on the Directory, and for "
    "whoever has Read Only on History.",
    can_see_history,
)
require_compare_with_erp = _build_requirement(
    "compare with the ERP",
    "To start a comparison with Spectrum, you must be an accounting approver or have Admin on the ERP "
    "Integrations tool. It also runs every day.",
    can_compare_with_erp,
)
require_review_approvers = _build_requirement(
    "review who may push to accounting",
    "You need Admin on the Directory or on the ERP Integrations tool to confirm who may push to accounting.",
    can_review_approvers,
)
require_administer_company = _build_requirement(
    "administer the company",
    "This is for the company's administrators, as long as they don't have Can Push to Accounting. One of "
    "them, or staff, can make you one.",
    can_administer_company,
)
require_see_first_steps = _build_requirement(
    "see the first steps",
    "First steps are for those who can do one: the company's administrators, ERP Integrations Admins, staff.",
    can_see_first_steps,
)
require_see_contract_companies = _build_requirement(
    "see Contract Companies",
    "You need Read Only or more on a tool of this company, or on Commitments in one of its projects.",
    can_see_contract_companies,
)
require_keep_contract_companies = _build_requirement(
    "keep Contract Companies",
    "You need Admin on the Directory or on the ERP Integrations tool to change Contract Companies.",
    can_review_approvers,
)
require_create_commitments = _build_requirement(
    "create commitments",
    "You need Standard or Admin on this project's Commitments tool to create a commitment.",
    can_create_commitments,
)
require_edit_commitment = _build_requirement(
    "edit a commitment",
    "With Standard on the Commitments tool you can edit what you created; with Admin, everything.",
    can_edit_commitment,
)
require_send_commitments = _build_requirement(
    "send commitments",
    "To send to the ERP or retrieve from it, you need Admin on this project's Commitments tool.",
    can_send_commitments,
)
require_keep_cost_codes = _build_requirement(
    "keep cost codes",
    "To change cost codes, you need Admin on this project's Commitments tool.",
    can_send_commitments,
)
require_keep_projects = _build_requirement(
    "keep projects",
    "You need Admin on the Directory or on the ERP Integrations tool to add projects.",
    can_review_approvers,
)
