"""Who is told when the rights to commit money change: the administrators of the company.

Each mail follows an entry of the history, in the entry's transaction, so that neither a grant nor a
revocation comes without one. Nobody can switch these mails off.
"""

from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.formats import date_format

from directory import approvers, telling
from directory.models import WORKING_LEVELS, Company, CompanyMembership, HistoryEntry, Level, User
from notifications import emails

PRIVILEGE = "Can Push to Accounting"
REMOVED, LEVELS_CHANGED = "membership.removed", "membership.changed"
TWO_STEP_REQUIRED, TWO_STEP_LIFTED = "two_step_rule.set", "two_step_rule.lifted"


def listen() -> None:
    """Hear of what changes from now on; called once, when the application starts."""
    telling.when(approvers.GRANTED, _granted)
    telling.when(approvers.REVOKED, _revoked)
    telling.when(REMOVED, _removed)
    telling.when(LEVELS_CHANGED, _levels_changed)
    telling.when(approvers.RULE_LIFTED, _rule_changed)
    telling.when(approvers.RULE_RESTORED, _rule_changed)
    telling.when(TWO_STEP_REQUIRED, _two_step_rule_changed)
    telling.when(TWO_STEP_LIFTED, _two_step_rule_changed)
    telling.when(approvers.FLAGGED, _flagged)


def administrators_of(company: Company) -> list[User]:
    """Who answers for the company's rights: Admin on the Directory or on ERP Integrations.

    Where nobody is, the accounting approvers, so that no change goes unseen.
    """
    active = CompanyMembership.objects.filter(company=company, user__is_active=True).select_related("user")
    admins = active.filter(Q(directory_level=Level.ADMIN) | Q(erp_integrations_level=Level.ADMIN))
    deciding = active.filter(can_push_to_accounting=True, erp_integrations_level__in=WORKING_LEVELS)
    found = list(admins.order_by("user")) or list(deciding.order_by("user"))
    return [membership.user for membership in found]


def remind_of_reviews() -> int:
    """Tell administrators, once, that nobody has reviewed the list in time; how many mails were stored."""
    stored = 0
    for company, last in approvers.overdue(Company.objects.all()):
        people = administrators_of(company)
        keys = {
            person: f"approvers-review:{company.pk}:{last.pk if last else 0}:{person.pk}" for person in people
        }
        for person in emails.without_key(keys):
            with transaction.atomic():
                stored += _store(
                    company,
                    [person],
                    headline=f"Confirm who may push to accounting at {company}",
                    sentence="Nobody has looked at this list in time. Confirm it, or say who is too many.",
                    facts=[("Last looked at", date_format(last.at, "j M Y") if last else "never")],
                    dedupe_key=keys[person],
                )
    return stored


def _granted(entry: HistoryEntry) -> None:
    membership = CompanyMembership.objects.select_related("user").filter(pk=entry.subject_id).first()
    if membership is None:
        return
    _tell(
        entry,
        headline=f"{PRIVILEGE} granted to {membership.user}",
        sentence=f"{membership.user} may accept commitments for export."
        if membership.is_accounting_approver
        else f"It gives {membership.user} nothing yet: that takes an active account, and Standard or Admin "
        "on ERP Integrations.",
        person=membership.user,
    )


def _revoked(entry: HistoryEntry) -> None:
    person = User.objects.filter(pk=entry.detail["user"]).first()
    _tell(
        entry,
        headline=f"{PRIVILEGE} revoked from {person or 'somebody'}",
        sentence="What they accepted and nothing was sent of goes back to Ready to Export.",
        person=person,
    )


def _removed(entry: HistoryEntry) -> None:
    if not entry.detail.get("held_push_to_accounting"):
        return
    person = User.objects.filter(pk=entry.detail["user"]).first()
    _tell(
        entry,
        headline=f"{PRIVILEGE} ended for {person or 'somebody'}",
        sentence="The person was taken out of the Company Directory.",
        person=person,
    )


def _levels_changed(entry: HistoryEntry) -> None:
    """The privilege is nothing without a level, so that a level is what grants it, or takes it away."""
    if "erp_integrations_level" not in entry.detail["levels"]:
        return
    holders = CompanyMembership.objects.select_related("user").filter(can_push_to_accounting=True)
    membership = holders.filter(pk=entry.subject_id).first()
    if membership is None:
        return
    level = f"ERP Integrations is {membership.get_erp_integrations_level_display()} for {membership.user} now"
    may = membership.is_accounting_approver
    _tell(
        entry,
        headline=f"{membership.user} {'may' if may else 'may not'} push to accounting",
        sentence=f"{level}, and {PRIVILEGE} was granted before: commitments may be accepted for export."
        if may
        else f"{level}, so that {PRIVILEGE} gives nothing. What they accepted and nothing was sent of goes "
        "back to Ready to Export.",
        person=membership.user,
    )


def _two_step_rule_changed(entry: HistoryEntry) -> None:
    lifted = entry.event == TWO_STEP_LIFTED
    _tell(
        entry,
        headline="Approvers need no two-step verification any more"
        if lifted
        else "Approvers must use two-step verification",
        sentence="Whoever knows the password of an approver can accept commitments for export."
        if lifted
        else "Whoever has not set it up can look and not decide.",
    )


def _rule_changed(entry: HistoryEntry) -> None:
    lifted = entry.event == approvers.RULE_LIFTED
    _tell(
        entry,
        headline="Approvers may decide on their own commitments"
        if lifted
        else "Approvers may no longer decide on their own commitments",
        sentence="The rule that nobody decides on what they created or sent was lifted."
        if lifted
        else "The rule that nobody decides on what they created or sent holds again.",
    )


def _flagged(entry: HistoryEntry) -> None:
    people = list(User.objects.filter(pk__in=entry.detail["flagged"]).order_by("last_name", "pk"))
    headline = f"{PRIVILEGE} should be revoked"
    sentence = "A review found people who should not hold it any more. It is revoked in Django admin."
    named = ("Should not hold it", ", ".join(str(person) for person in people))
    _tell(entry, headline=headline, sentence=sentence, named=named)
    company = _company(entry)
    told = administrators_of(company)
    _store(
        company,
        [person for person in _who_may_revoke(company) if person not in told],
        headline=f"{headline} at {company}",
        sentence=sentence,
        facts=[named, ("Found by", str(_by(entry)))],
        reason=entry.detail["reason"],
        link=f"{reverse('admin:directory_companymembership_changelist')}"
        f"?company__id__exact={company.pk}&can_push_to_accounting__exact=1",
    )


def _tell(
    entry: HistoryEntry,
    *,
    headline: str,
    sentence: str,
    person: User | None = None,
    named: tuple[str, str] | None = None,
) -> None:
    company = _company(entry)
    facts = [("Person", f"{person}, {person.email}")] if person else []
    facts += [named] if named else []
    _store(
        company,
        administrators_of(company),
        headline=f"{headline} at {company}",
        sentence=sentence,
        facts=[*facts, ("By", str(_by(entry)))],
        reason=str(entry.detail.get("reason", "")),
    )


def _by(entry: HistoryEntry) -> User | str:
    return User.objects.filter(pk=entry.by_id or 0).first() or "the system"


def _company(entry: HistoryEntry) -> Company:
    return Company.objects.get(pk=entry.company_id or 0)


def _who_may_revoke(company: Company) -> list[User]:
    """Staff of the company who hold the permission; superusers where it has none."""
    permission = Permission.objects.get(
        codename="grant_push_to_accounting", content_type__app_label="directory"
    )
    staff = User.objects.filter(is_active=True, is_staff=True)
    of_company = staff.filter(
        Q(user_permissions=permission) | Q(groups__permissions=permission) | Q(is_superuser=True),
        company_memberships__company=company,
    )
    return list(of_company.distinct().order_by("pk")) or list(staff.filter(is_superuser=True).order_by("pk"))


def _store(
    company: Company,
    people: Sequence[User],
    *,
    headline: str,
    sentence: str,
    facts: Sequence[tuple[str, str]],
    reason: str = "",
    link: str = "",
    dedupe_key: str = "",
) -> int:
    page = link or reverse("erp_integrations:approvers", args=[company.slug])
    return len(
        emails.store_rights_notice(
            recipients=people,
            headline=headline,
            sentence=sentence,
            facts=facts,
            reason=reason,
            link=f"{settings.PUBLIC_URL}{page}",
            dedupe_key=dedupe_key,
        )
    )
