"""Who is told of what gives, takes or steers authority: one table of events.

Each mail follows an entry of the history, in the entry's transaction, so that no change comes without one.
It goes to the administrators and the approvers of the company and to superusers, but for whoever did it and
whom it is about; where none of the company is left, also to the operator. What nobody could be told of is
refused, unless it only takes authority away. Nobody can switch these mails off.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.urls import reverse
from django.utils.formats import date_format

from directory.history import subscribers, words
from directory.models import (
    WORKING_LEVELS,
    Company,
    CompanyMembership,
    CompanyMembershipQuerySet,
    HistoryEntry,
    Level,
    ProjectMembership,
    User,
)
from directory.rights import approvers
from directory.rights.permissions import RightMissing
from erp_integrations.audit import subjects
from erp_integrations.models import Submission
from notifications import emails

PRIVILEGE = "Can Push to Accounting"
REMINDER = "Nobody has looked at this list in time. Confirm it, or say who is too many."
AUTHORITY: Mapping[str, Sequence[str]] = {
    "erp_integrations_level": WORKING_LEVELS,
    "directory_level": (Level.ADMIN,),
    "commitments_level": (Level.ADMIN,),
}
"""The levels by which somebody decides, steers what is exported, or sends."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told of one entry.

    ``concerns`` are the people whom it gives something or takes it from: they vouch for nothing. ``also`` are
    told besides. ``is_installation``: superusers answer for it, no company. ``takes``: it gives nothing.
    """

    headline: str
    sentence: str
    facts: Sequence[tuple[str, str]] = ()
    concerns: Sequence[User] = ()
    also: Sequence[User] = ()
    is_installation: bool = False
    takes: bool = False
    page: str = "erp_integrations:approvers"


RULES = {
    approvers.RULE_LIFTED: Notice(
        "Approvers may decide on their own commitments",
        "The rule that nobody decides on what they created or sent was lifted.",
    ),
    approvers.RULE_RESTORED: Notice(
        "Approvers may no longer decide on their own commitments",
        "The rule that nobody decides on what they created or sent holds again.",
        takes=True,
    ),
    "two_step_rule.lifted": Notice(
        "Approvers need no two-step verification any more",
        "Whoever knows the password of an approver can accept commitments for export.",
    ),
    "two_step_rule.set": Notice(
        "Approvers must use two-step verification",
        "Whoever has not set it up can look and not decide.",
        takes=True,
    ),
}


def listen() -> None:
    """Hear of what changes from now on; called once, when the application starts."""
    for event in NOTICES:
        subscribers.when(event, _tell)


def remind_of_reviews() -> int:
    """Tell administrators, once, that nobody has reviewed the list in time; how many mails were stored."""
    stored = 0
    for company, last in approvers.overdue(Company.objects.all()):
        key = f"approvers-review:{company.pk}:{last.pk if last else 0}"
        listed = CompanyMembership.objects.filter(company=company)
        people = _people(listed.administrators()) or _people(listed.approvers())
        keys = {person: f"{key}:{person.pk}" for person in people}
        for person in emails.without_key(keys):
            with transaction.atomic():
                stored += len(
                    emails.store_rights_notice(
                        recipients=[person],
                        headline=f"Confirm who may push to accounting at {company}",
                        sentence=REMINDER,
                        facts=[("Last looked at", date_format(last.at, "j M Y") if last else "never")],
                        reason="",
                        link=settings.PUBLIC_URL + reverse("erp_integrations:approvers", args=[company.slug]),
                        dedupe_key=keys[person],
                    )
                )
    return stored


def _tell(entry: HistoryEntry) -> None:
    notice = NOTICES[entry.event](entry)
    if notice is None:
        return
    company = Company.objects.filter(pk=entry.company_id or 0).first()
    by = User.objects.filter(pk=entry.by_id or 0).first()
    people, operator = _who_is_told(notice, company, by)
    page = (
        reverse(notice.page, args=[company.slug]) if company else reverse("admin:directory_user_changelist")
    )
    emails.store_rights_notice(
        recipients=people,
        operator=operator,
        headline=f"{notice.headline} at {company}" if company else notice.headline,
        sentence=notice.sentence,
        facts=[*notice.facts, ("By", str(by or entry.detail.get("operator", "the system")))],
        reason=str(entry.detail.get("reason", "")),
        link=settings.PUBLIC_URL + page,
    )


def _who_is_told(notice: Notice, company: Company | None, by: User | None) -> tuple[list[User], str]:
    """People, and the operator's address where it takes that. Raises RightMissing where there is neither."""
    apart = {by, *notice.concerns}
    roots = [each for each in User.objects.filter(is_superuser=True, is_active=True) if each not in apart]
    answering = roots
    if not notice.is_installation:
        theirs = Company.objects.filter(memberships__user__in=notice.concerns)
        listed = CompanyMembership.objects.filter(company__in=[company] if company else theirs)
        people = _people(listed.administrators() | listed.approvers())
        answering = [each for each in people if each not in apart]
    operator = "" if answering else settings.OPERATOR_EMAIL
    answering = list(dict.fromkeys([*answering, *roots]))
    if by and not (answering or operator or notice.takes):
        raise RightMissing(
            by=by,
            company=company,
            right="change rights where nobody else is told",
            sentence="Nobody but you could be told of this, so it can't be done: it takes another "
            "administrator or approver in the company, another superuser, or an address of the operator "
            "(OPERATOR_EMAIL).",
        )
    return [*answering, *(each for each in notice.also if each != by)], operator


def _people(memberships: CompanyMembershipQuerySet) -> list[User]:
    found = User.objects.filter(is_active=True, pk__in=memberships.values("user"))
    return list(found.order_by("pk"))


def _person(entry: HistoryEntry) -> User:
    """Whom an entry is about; people are never deleted."""
    return User.objects.get(pk=entry.detail.get("user", entry.subject_id))


def _named(person: User) -> list[tuple[str, str]]:
    return [("Person", f"{person}, {person.email}")]


def _granted(entry: HistoryEntry) -> Notice:
    person = _person(entry)
    membership = CompanyMembership.objects.filter(pk=entry.subject_id).first()
    return Notice(
        f"{PRIVILEGE} granted to {person}",
        f"{person} may accept commitments for export."
        if membership and membership.is_accounting_approver
        else f"It gives {person} nothing yet: that takes an active account, and Standard or Admin on ERP "
        "Integrations.",
        _named(person),
        concerns=[person],
    )


def _revoked(entry: HistoryEntry) -> Notice:
    person = _person(entry)
    return Notice(
        f"{PRIVILEGE} revoked from {person}",
        "What they accepted and nothing was sent of goes back to Ready to Export.",
        _named(person),
        concerns=[person],
        takes=True,
    )


def _suspended(entry: HistoryEntry) -> Notice:
    person, company = _person(entry), Company.objects.get(pk=entry.company_id or 0)
    who = approvers.in_words([each for each in User.objects.granters(company) if each != person])
    return Notice(
        f"{PRIVILEGE} suspended for {person}",
        "The account was changed, so that it may be in other hands. What they accepted and nothing was sent "
        "of goes back to Ready to Export. Ask them, in person or by a number that you know, before it is "
        "granted again in Django admin.",
        [*_named(person), ("Can grant it again", who or "staff with the permission to")],
        concerns=[person],
        also=[person] if person.is_active else [],
        takes=True,
    )


def _levels(entry: HistoryEntry) -> Notice | None:
    """Of levels that give or take authority. The privilege is nothing without one, so that it may be a
    level that grants it, or takes it away.
    """
    levels, were = entry.detail.get("levels", {}), entry.detail.get("were", {})
    named = [name for name in were if {levels.get(name), were[name]} & set(AUTHORITY[name])]
    held = entry.detail.get("held_push_to_accounting", False)
    if not named and not held:
        return None
    person = _person(entry)
    is_project = entry.subject_type == ProjectMembership._meta.label_lower
    project = ProjectMembership.objects.get(pk=entry.subject_id).project.name if is_project else ""
    facts = [*_named(person), *([("Project", project)] if project else [])]
    takes = not any(levels.get(name) in AUTHORITY[name] for name in named)
    headline, sentence = f"Levels of {person} changed", f"{words.told(entry, {person.pk: person}).what}."
    if entry.event == "membership.removed":
        headline = f"{PRIVILEGE} ended for {person}" if held else f"{person} was taken out"
        sentence = f"The person was taken out of {project or 'the Company Directory'}."
    elif "erp_integrations_level" in named:
        membership = CompanyMembership.objects.get(pk=entry.subject_id)
        level = f"ERP Integrations is {membership.get_erp_integrations_level_display()} for {person} now"
        if membership.can_push_to_accounting and membership.is_accounting_approver:
            headline = f"{person} may push to accounting"
            sentence = f"{level}, and {PRIVILEGE} was granted before: commitments may be accepted for export."
        elif membership.can_push_to_accounting:
            headline = f"{person} may not push to accounting"
            sentence = (
                f"{level}, so that {PRIVILEGE} gives nothing. What they accepted and nothing was sent of "
                "goes back to Ready to Export."
            )
    return Notice(headline, sentence, facts, concerns=[person], takes=takes)


def _flagged(entry: HistoryEntry) -> Notice:
    people = list(User.objects.filter(pk__in=entry.detail["flagged"]).order_by("last_name", "pk"))
    changelist = settings.PUBLIC_URL + reverse("admin:directory_companymembership_changelist")
    query = f"company__id__exact={entry.company_id}&can_push_to_accounting__exact=1"
    return Notice(
        f"{PRIVILEGE} should be revoked",
        "A review found people who should not hold it any more. It is revoked in Django admin.",
        [("Should not hold it", ", ".join(map(str, people))), ("Revoked at", f"{changelist}?{query}")],
        concerns=people,
        also=list(User.objects.granters(Company.objects.get(pk=entry.company_id or 0))),
        takes=True,
    )


def _account(entry: HistoryEntry) -> Notice | None:
    """Of how somebody signs in who administers: whose account it becomes has their rights.

    What ends an approver's privilege is told by itself.
    """
    fields = set(entry.detail.get("fields", []))
    made = entry.event == "account.created" and "is_superuser" in fields
    changed = entry.event == "account.changed" and fields & {"email", "is_active"}
    by_another = entry.event in ("account.password_set", "two_step.turned_off")
    if not (made or changed or (by_another and entry.by_id != entry.subject_id)):
        return None
    person = _person(entry)
    if not (person.is_staff or CompanyMembership.objects.administrators().filter(user=person)):
        return None
    return Notice(
        f"{'A superuser was made' if made else 'How an administrator signs in was changed'}: {person}",
        f"{words.told(entry, {}).what}.",
        _named(person),
        concerns=[person],
        is_installation=person.is_staff,
        takes="is_active" in fields and not entry.detail["active"],
    )


def _powers(entry: HistoryEntry) -> Notice:
    group = entry.subject_type == Group._meta.label_lower and Group.objects.get(pk=entry.subject_id)
    people = list(User.objects.filter(groups=group) if group else User.objects.filter(pk=entry.subject_id))
    given, taken = (", ".join(entry.detail[name]) or "nothing" for name in ("given", "taken"))
    return Notice(
        f"Permissions in Django admin changed: {group.name if group else people[0]}",
        "What somebody may do in Django admin was changed.",
        [("Given", given), ("Taken", taken)],
        concerns=people,
        is_installation=True,
        takes=not entry.detail["given"],
    )


def _exempted(entry: HistoryEntry) -> Notice:
    submission, person = Submission.objects.get(pk=entry.subject_id), _person(entry)
    return Notice(
        f"{person} may decide on {submission.number} though they had a hand in it",
        "It is for this commitment alone, and ends with the decision.",
        [*_named(person), ("Commitment", str(submission)), ("Project", submission.project.name)],
        concerns=[person],
        also=[person, submission.created_by, submission.sent_by],
        page="erp_integrations:commitments",
    )


def _steering(entry: HistoryEntry) -> Notice:
    """Of what decides where an export goes, and what is written there."""
    subject = subjects.named([entry])[entry.subject_type, entry.subject_id]
    return Notice(
        f"{words.label_of(entry.event)}: {subject.name}",
        f"{words.told(entry, {}).what}. It decides what is written to Spectrum, and where.",
        [(subject.kind, subject.name)],
        page="erp_integrations:overview",
    )


LINKS = ("vendor_link", "job_link", "cost_type_account", "connection")
NOTICES: Mapping[str, Callable[[HistoryEntry], Notice | None]] = {
    approvers.GRANTED: _granted,
    approvers.REVOKED: _revoked,
    approvers.SUSPENDED: _suspended,
    approvers.FLAGGED: _flagged,
    **dict.fromkeys(("membership.added", "membership.changed", "membership.removed"), _levels),
    **dict.fromkeys(RULES, lambda entry: RULES[entry.event]),
    **dict.fromkeys(
        ("account.created", "account.changed", "account.password_set", "two_step.turned_off"), _account
    ),
    **dict.fromkeys(("account.powers_changed", "group.permissions_changed"), _powers),
    **{f"{what}.{did}": _steering for what in LINKS for did in ("created", "changed", "deleted")},
    "submission.exempted": _exempted,
    **dict.fromkeys(("connection.units_changed", "connection.success_rule_learned"), _steering),
}
