"""Who is told of what gives, takes or steers authority: one table of events.

Each mail follows an entry of the history, in the entry's transaction, so that no change comes without one.
It goes to the administrators and the approvers of the company and to superusers, but for whoever did it and
whom it is about; where none of the company is left, also to the operator. Whoever did it is told where
somebody else may sit in their account. What nobody could be told of is refused, unless it only takes
authority away. Nobody can switch these mails off.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.urls import reverse

from directory.accounts.people import AUTHORITY as MOST_AUTHORITY
from directory.db.time_zones import format_time
from directory.history import descriptions, subscribers
from directory.history.events import LOST_FACTORS, NEW_FACTORS, DirectoryEvent
from directory.models import (
    WORKING_LEVELS,
    Company,
    CompanyMembership,
    CompanyMembershipQuerySet,
    HistoryEntry,
    Level,
    Project,
    User,
)
from directory.rights import approvers
from directory.rights.permissions import RightMissing
from erp_integrations.audit import subjects
from erp_integrations.events import ErpEvent
from erp_integrations.models import Submission
from notifications import emails
from notifications.models import Kind

PRIVILEGE = "Can Push to Accounting"
REMINDER = "The review of this list is overdue. Confirm it, or say who should not be on it."
AUTHORITY: Mapping[str, Sequence[Any]] = {
    "erp_integrations_level": WORKING_LEVELS,
    "directory_level": (Level.ADMIN,),
    "commitments_level": (Level.ADMIN,),
    "is_administrator": (True,),
}
"""By these somebody decides, steers what is exported, sends, or gives levels to others."""
MOST_FACTS, MOST_NAMES = 50, 500
GOES_BACK = "What they accepted goes back to Ready to Export unless it has been partly sent."


@dataclass(frozen=True, slots=True)
class Notice:
    """The mail about one entry.

    ``affected`` are the people whom it gives something or takes it from: they vouch for nothing.
    ``also_notified`` are told besides. ``is_installation``: superusers answer for it, no company.
    ``only_revokes``: it gives nothing, so that it goes on where nobody can be told. ``to_person`` is for
    those whom it affects, in a mail of their own. ``done_at`` is where ``also_notified`` do what it asks for.
    """

    headline: str
    sentence: str
    facts: Sequence[tuple[str, str]] = ()
    affected: Sequence[User] = ()
    also_notified: Sequence[User] = ()
    is_installation: bool = False
    only_revokes: bool = False
    to_person: str = ""
    page: str = "erp_integrations:approvers"
    done_at: str = ""


RULES: Mapping[str, Notice] = {
    DirectoryEvent.OWN_DECISION_RULE_LIFTED: Notice(
        "Approvers may decide on their own commitments",
        "The rule that nobody decides on what they created or sent was lifted.",
    ),
    DirectoryEvent.OWN_DECISION_RULE_RESTORED: Notice(
        "Approvers may no longer decide on their own commitments",
        "The rule that nobody decides on what they created or sent applies again.",
        only_revokes=True,
    ),
    DirectoryEvent.TWO_STEP_RULE_LIFTED: Notice(
        "Approvers no longer need two-step verification",
        "Anybody who knows an approver's password can accept commitments for export.",
    ),
    DirectoryEvent.TWO_STEP_RULE_SET: Notice(
        "Approvers must use two-step verification",
        "Approvers who have not set it up can only view.",
        only_revokes=True,
    ),
}


def subscribe_to_history() -> None:
    """Hear of what changes from now on; called once, when the application starts."""
    for event in NOTICES:
        subscribers.subscribe(event, notify_of_entry)


def store_review_reminders() -> int:
    """Tell administrators, once, that nobody has reviewed the list in time; how many mails were stored."""
    stored = 0
    for company, last in approvers.list_overdue_reviews(Company.objects.all()):
        link = settings.PUBLIC_URL + reverse("erp_integrations:approvers", args=[company.slug])
        headline = f"Confirm who may push to accounting at {company}"
        memberships = CompanyMembership.objects.filter(company=company)
        administrators = _list_active_users(memberships.administrators())
        people = administrators or _list_active_users(memberships.approvers())
        key = f"approvers-review:{company.pk}:{last.pk if last else 0}"
        keys = {person: f"{key}:{person.pk}" for person in people}
        for person in emails.list_people_without_key(keys):
            reviewed_at = format_time(last.at, ZoneInfo(person.time_zone)) if last else "never"
            content: Any = {
                "facts": [("Last reviewed", reviewed_at)],
                "reason": "",
                "dedupe_key": keys[person],
            }
            with transaction.atomic():
                new = emails.store_rights_notice(
                    recipients=[person], headline=headline, sentence=REMINDER, link=link, **content
                )
            stored += len(new)
    return stored


def notify_of_entry(entry: HistoryEntry) -> None:
    notice = NOTICES[entry.event](entry)
    if notice is None:
        return
    company = Company.objects.filter(pk=entry.company_id or 0).first()
    by = User.objects.filter(pk=entry.by_id or 0).first()
    people, operator = find_recipients(notice, company, by)
    staff_page = reverse("admin:directory_user_changelist")
    page = reverse(notice.page, args=[company.slug]) if company else staff_page
    content: dict[str, Any] = {
        "headline": f"{notice.headline} at {company}" if company else notice.headline,
        "facts": [*notice.facts, ("By", str(by or entry.detail.get("operator", "the system")))],
        "reason": str(entry.detail.get("reason", "")),
    }
    doers = [each for each in people if notice.done_at and each in notice.also_notified]
    others = [each for each in people if each not in doers]
    for recipients, to, link in ((others, operator, page), (doers, "", notice.done_at)):
        emails.store_rights_notice(
            recipients=recipients,
            operator=to,
            sentence=notice.sentence,
            link=settings.PUBLIC_URL + link,
            **content,
        )
    if notice.to_person:
        link, sentence = settings.PUBLIC_URL + reverse("home"), notice.to_person
        own: Any = {
            "kind": Kind.PRIVILEGE,
            "recipients": [each for each in notice.affected if each.is_active],
        }
        emails.store_rights_notice(sentence=sentence, link=link, **own, **content)


def find_recipients(notice: Notice, company: Company | None, by: User | None) -> tuple[list[User], str]:
    """People, and the operator's address where it takes that. Raises RightMissing where there is neither."""
    excluded = {by, *notice.affected}
    superusers = [
        each for each in User.objects.filter(is_superuser=True, is_active=True) if each not in excluded
    ]
    recipients = superusers
    if not notice.is_installation:
        # Not whoever lists them besides, of whom anybody may have invited them.
        theirs = list_authority(CompanyMembership.objects.filter(user__in=notice.affected))
        companies: Any = [company] if company else theirs.values("company")
        memberships = CompanyMembership.objects.filter(company__in=companies)
        recipients = [each for each in list_answerable(memberships) if each not in excluded]
    operator = "" if recipients else settings.OPERATOR_EMAIL
    recipients = list(dict.fromkeys([*recipients, *superusers]))
    if by and not (recipients or operator or notice.only_revokes):
        raise RightMissing(
            by=by,
            company=company,
            right="change rights where nobody else is told",
            sentence="Nobody but you would be notified of this, so it can't be done. It needs another "
            "administrator or approver in the company, another superuser, or an operator address "
            "(OPERATOR_EMAIL).",
        )
    # The owner of an account that others may sit in hears of what is done with it, but counts as nobody else.
    owner = [by] if by and approvers.is_in_other_hands(by) else []
    return [*recipients, *(each for each in notice.also_notified if each != by), *owner], operator


def list_authority(memberships: CompanyMembershipQuerySet) -> CompanyMembershipQuerySet:
    return memberships.administrators() | memberships.filter(is_administrator=True)


def list_answerable(memberships: CompanyMembershipQuerySet) -> list[User]:
    """Of these, who answer for a company's rights, and who decide."""
    return _list_active_users(list_authority(memberships) | memberships.approvers())


def _list_active_users(memberships: CompanyMembershipQuerySet) -> list[User]:
    found = User.objects.filter(is_active=True, pk__in=memberships.values("user"))
    return list(found.order_by("pk"))


def _get_person(entry: HistoryEntry) -> User:
    """Whom an entry is about, as the company knows them; people are never deleted."""
    return descriptions.list_named_people([entry])[entry.detail.get("user", entry.subject_id)]


def build_person_notice(
    person: User, headline: str, sentence: str, *facts: tuple[str, str], **more: Any
) -> Notice:
    named = [("Person", f"{person}, {person.email}"), *facts]
    return Notice(headline, sentence, named, **{"affected": [person], **more})


def build_grant_notice(entry: HistoryEntry) -> Notice:
    """Whoever entered people could have invented them, who are named also where they are gone by now."""
    person, membership = _get_person(entry), CompanyMembership.objects.filter(pk=entry.subject_id).first()
    entries = HistoryEntry.objects.filter(
        company_id=entry.company_id, by_id=person.pk, event=DirectoryEvent.MEMBERSHIP_ADDED
    )
    entered = {each.detail["user"] for each in entries if "project" not in each.detail}
    people = list(User.objects.filter(pk__in=entered).order_by("pk"))
    names = [each.email for each in people[:MOST_NAMES]]
    if more := len(people[MOST_NAMES:]):
        names.append(f"and {more:,} more")
    return build_person_notice(
        person,
        f"{PRIVILEGE} granted to {person}",
        f"{person} may accept commitments for export."
        if membership and membership.is_accounting_approver
        else f"It has no effect for {person} yet: they need an active account, and Standard or Admin on ERP "
        "Integrations.",
        *([("Entered here by them", ", ".join(names))] if names else []),
        to_person="You may accept commitments for export, and reject them, while you have Standard or "
        "Admin on ERP Integrations.",
    )


def build_revocation_notice(entry: HistoryEntry) -> Notice:
    person = _get_person(entry)
    return build_person_notice(
        person,
        f"{PRIVILEGE} revoked from {person}",
        GOES_BACK,
        to_person=f"You can no longer decide on commitments. {GOES_BACK.replace('they', 'you')}",
        only_revokes=True,
    )


def build_suspension_notice(entry: HistoryEntry) -> Notice:
    person, company = _get_person(entry), Company.objects.get(pk=entry.company_id or 0)
    who = approvers.format_names([each for each in User.objects.granters(company) if each != person])
    return build_person_notice(
        person,
        f"{PRIVILEGE} suspended for {person}",
        f"The account was changed and may be in other hands. {GOES_BACK} Ask them, in person or on a number "
        "that you know, before granting it again in Django admin.",
        ("Can grant it again", who or "staff with the permission to"),
        also_notified=[person] if person.is_active else [],
        only_revokes=True,
    )


def build_request_notice(entry: HistoryEntry) -> Notice:
    person, membership = _get_person(entry), CompanyMembership.objects.get(pk=entry.subject_id)
    page = reverse("admin:directory_companymembership_change", args=[membership.pk])
    return build_person_notice(
        person,
        f"{PRIVILEGE} requested for {person}",
        "An administrator of the company asks staff to grant it. Nothing is granted by this.",
        affected=(),
        also_notified=list(User.objects.granters(membership.company)),
        only_revokes=True,
        done_at=page,
    )


def build_decline_notice(entry: HistoryEntry) -> Notice:
    """Whoever asked is notified, also where they administer nothing any more."""
    person, about = _get_person(entry), {"subject_type": entry.subject_type, "subject_id": entry.subject_id}
    asked = HistoryEntry.objects.filter(event=DirectoryEvent.PRIVILEGE_REQUESTED, **about).latest("pk")
    return build_person_notice(
        person,
        f"{PRIVILEGE} declined for {person}",
        "It was requested, and staff answered no, for the reason below. It may be requested again.",
        also_notified=list(User.objects.filter(pk=asked.by_id or 0, is_active=True)),
        only_revokes=True,
    )


def build_people_notice(entry: HistoryEntry) -> Notice | None:
    """One mail of all that was done at one press, whose entries each stay without.

    Who gains most stands first, and each of several is told of the others: nobody is hidden by a crowd, nor
    kept from knowing by a level of their own.
    """
    entries = HistoryEntry.objects.filter(
        company_id=entry.company_id, by_id=entry.by_id, pk__range=(entry.detail["first"], entry.pk)
    )
    memberships = CompanyMembership.objects.filter(company=entry.company_id)
    holders = {*memberships.filter(can_push_to_accounting=True).values_list("user", flat=True)}

    def get_place(entry: HistoryEntry) -> tuple[bool, bool, int, int]:
        user, levels = entry.detail["user"], entry.detail.get("levels", {})
        has_authority = user in holders or levels.items() & MOST_AUTHORITY.items()
        return not has_authority, "project" in entry.detail, user, entry.pk

    notices = build_level_notices(*sorted(entries.filter(detail__together=True), key=get_place))
    if len(notices) < 2:
        return notices[0] if notices else None
    people = list({person.pk: person for each in notices for person in each.affected}.values())
    facts = [
        (each.facts[0][1], " ".join([*(f"{name} {value}." for name, value in each.facts[1:]), each.sentence]))
        for each in notices[:MOST_FACTS]
    ]
    if more := len(notices) - MOST_FACTS:
        facts += [("And", f"{more:,} more, in the history")] * (more > 0)
    return Notice(
        f"Levels of {len(people):,} people changed" if len(people) > 1 else f"Levels of {people[0]} changed",
        "At one press; each has an entry in the history.",
        facts,
        affected=people,
        also_notified=list_answerable(memberships.filter(user__in=people)) if len(people) > 1 else [],
        only_revokes=all(each.only_revokes for each in notices),
    )


def build_single_level_notice(entry: HistoryEntry) -> Notice | None:
    return None if "together" in entry.detail else next(iter(build_level_notices(entry)), None)


def build_level_notices(*entries: HistoryEntry) -> list[Notice]:
    """Of those that give or take authority; three queries, however many there are."""
    people = descriptions.list_named_people(entries)
    keys: set[Any] = {each.detail.get("project") for each in entries} - {None}
    projects = Project.objects.in_bulk(keys)
    rows = CompanyMembership.objects.select_related("user").in_bulk({each.subject_id for each in entries})
    notices = (build_level_notice(each, people, projects, rows) for each in entries)
    return [each for each in notices if each]


def build_level_notice(
    entry: HistoryEntry,
    people: Mapping[int, User],
    projects: Mapping[int, Project],
    memberships: Mapping[int, CompanyMembership],
) -> Notice | None:
    """Of levels that give or take authority. The privilege is nothing without one, so that it may be a
    level that grants it, or takes it away.
    """
    levels, former_levels = entry.detail.get("levels", {}), entry.detail.get("were", {})
    changed_levels = [
        name
        for name in former_levels
        if {levels.get(name), former_levels[name]} & set(AUTHORITY.get(name, ()))
    ]
    held_privilege = entry.detail.get("held_push_to_accounting", False)
    if not changed_levels and not held_privilege:
        return None
    person = people[entry.detail["user"]]
    project = projects[entry.detail["project"]].name if "project" in entry.detail else ""
    facts = [("Project", project)] if project else []
    only_revokes = not any(levels.get(name) in AUTHORITY[name] for name in changed_levels)
    headline = f"Levels of {person} changed"
    sentence = f"{descriptions.describe_entry(entry, {person.pk: person}).description}."
    if entry.event == DirectoryEvent.MEMBERSHIP_REMOVED:
        headline = f"{PRIVILEGE} ended for {person}" if held_privilege else f"{person} was removed"
        sentence = f"The person was removed from {project or 'the Company Directory'}."
    elif "erp_integrations_level" in changed_levels:
        membership = memberships[entry.subject_id]
        level = f"ERP Integrations is {membership.get_erp_integrations_level_display()} for {person} now"
        if membership.is_accounting_approver:
            headline = f"{person} may push to accounting"
            sentence = f"{level}, and {PRIVILEGE} was granted before: commitments may be accepted for export."
        elif membership.can_push_to_accounting:
            headline = f"{person} may not push to accounting"
            sentence = f"{level}, so {PRIVILEGE} has no effect. {GOES_BACK}"
    return build_person_notice(person, headline, sentence, *facts, only_revokes=only_revokes)


def build_flag_notice(entry: HistoryEntry) -> Notice:
    people = list(User.objects.filter(pk__in=entry.detail["flagged"]).order_by("last_name", "pk"))
    changelist = settings.PUBLIC_URL + reverse("admin:directory_companymembership_changelist")
    query = f"company__id__exact={entry.company_id}&can_push_to_accounting__exact=1"
    return Notice(
        f"{PRIVILEGE} should be revoked",
        "A review found people who should no longer have it. Revoke it in Django admin.",
        [("Should not have it", ", ".join(map(str, people))), ("Revoked at", f"{changelist}?{query}")],
        affected=people,
        also_notified=list(User.objects.granters(Company.objects.get(pk=entry.company_id or 0))),
        only_revokes=True,
    )


def build_account_notice(entry: HistoryEntry) -> Notice | None:
    """Of how somebody signs in who administers: whose account it becomes has their rights. A second step of
    their own is told to nobody else, but where others changed how they sign in, it may be a thief's.

    What ends an approver's privilege is told by itself.
    """
    fields = set(entry.detail.get("fields", []))
    is_new_superuser = entry.event == DirectoryEvent.ACCOUNT_CREATED and "is_superuser" in fields
    changed = entry.event == DirectoryEvent.ACCOUNT_CHANGED and fields & {"email", "is_active"}
    by_another = entry.event in (DirectoryEvent.ACCOUNT_PASSWORD_SET, *LOST_FACTORS)
    is_new_factor = entry.event in NEW_FACTORS
    if not (is_new_superuser or changed or is_new_factor or (by_another and entry.by_id != entry.subject_id)):
        return None
    person = _get_person(entry)
    if is_new_factor and not approvers.is_in_other_hands(person):
        return None  # their own
    if not (person.is_staff or list_authority(person.company_memberships.all())):
        return None
    subject = "A superuser was created" if is_new_superuser else "How an administrator signs in was changed"
    return build_person_notice(
        person,
        f"{subject}: {person}",
        f"{descriptions.describe_entry(entry, {}).description}.",
        is_installation=person.is_staff,
        only_revokes=is_new_factor or ("is_active" in fields and not entry.detail["active"]),
    )


def build_permission_notice(entry: HistoryEntry) -> Notice:
    group = entry.subject_type == Group._meta.label_lower and Group.objects.get(pk=entry.subject_id)
    people = list(User.objects.filter(groups=group) if group else User.objects.filter(pk=entry.subject_id))
    given, taken = (", ".join(entry.detail[name]) or "nothing" for name in ("given", "taken"))
    return Notice(
        f"Permissions in Django admin changed: {group.name if group else people[0]}",
        "What somebody may do in Django admin was changed.",
        [("Given", given), ("Taken", taken)],
        affected=people,
        is_installation=True,
        only_revokes=not entry.detail["given"],
    )


def build_exemption_notice(entry: HistoryEntry) -> Notice:
    submission, person = Submission.objects.get(pk=entry.subject_id), _get_person(entry)
    return build_person_notice(
        person,
        f"{person} may decide on {submission.number} although they were involved",
        "This applies to this commitment only and ends with the decision.",
        *(("Commitment", str(submission)), ("Project", submission.project.name)),
        also_notified=[person, submission.created_by, submission.sent_by],
        page="erp_integrations:commitments",
    )


def build_steering_notice(entry: HistoryEntry) -> Notice:
    """Of what decides where an export goes, and what is written there."""
    subject = subjects.find_subjects([entry])[entry.subject_type, entry.subject_id]
    return Notice(
        f"{descriptions.get_event_label(entry.event)}: {subject.name}",
        f"{descriptions.describe_entry(entry, {}).description}. This affects what is written "
        "to Spectrum, and where.",
        [(subject.kind, subject.name)],
        page="erp_integrations:overview",
    )


STEERING_EVENTS = (
    *(ErpEvent.VENDOR_LINK_CREATED, ErpEvent.VENDOR_LINK_CHANGED, ErpEvent.VENDOR_LINK_DELETED),
    *(ErpEvent.JOB_LINK_CREATED, ErpEvent.JOB_LINK_CHANGED, ErpEvent.JOB_LINK_DELETED),
    *(ErpEvent.COST_TYPE_ACCOUNT_CREATED, ErpEvent.COST_TYPE_ACCOUNT_CHANGED),
    *(ErpEvent.COST_TYPE_ACCOUNT_DELETED, ErpEvent.CONNECTION_CREATED, ErpEvent.CONNECTION_CHANGED),
    *(ErpEvent.CONNECTION_DELETED, ErpEvent.CONNECTION_UNITS_CHANGED),
    *(ErpEvent.CONNECTION_SUCCESS_RULE_LEARNED, ErpEvent.SUBMISSION_ACCOUNT_PROPOSED),
    *(ErpEvent.TAKE_OVER_ASKED_FOR, ErpEvent.TAKEN_OVER, ErpEvent.TAKE_OVER_RULE_CHANGED),
)
NOTICES: Mapping[str, Callable[[HistoryEntry], Notice | None]] = {
    DirectoryEvent.PRIVILEGE_GRANTED: build_grant_notice,
    DirectoryEvent.PRIVILEGE_REVOKED: build_revocation_notice,
    DirectoryEvent.PRIVILEGE_SUSPENDED: build_suspension_notice,
    DirectoryEvent.APPROVERS_FLAGGED: build_flag_notice,
    DirectoryEvent.PRIVILEGE_REQUESTED: build_request_notice,
    DirectoryEvent.PRIVILEGE_DECLINED: build_decline_notice,
    DirectoryEvent.MEMBERSHIP_ADDED: build_single_level_notice,
    DirectoryEvent.MEMBERSHIP_CHANGED: build_single_level_notice,
    DirectoryEvent.MEMBERSHIP_REMOVED: build_single_level_notice,
    DirectoryEvent.PEOPLE_CHANGED: build_people_notice,
    **dict.fromkeys(RULES, lambda entry: RULES[entry.event]),
    DirectoryEvent.ACCOUNT_CREATED: build_account_notice,
    DirectoryEvent.ACCOUNT_CHANGED: build_account_notice,
    DirectoryEvent.ACCOUNT_PASSWORD_SET: build_account_notice,
    **dict.fromkeys((*NEW_FACTORS, *LOST_FACTORS), build_account_notice),
    DirectoryEvent.ACCOUNT_POWERS_CHANGED: build_permission_notice,
    DirectoryEvent.GROUP_PERMISSIONS_CHANGED: build_permission_notice,
    **dict.fromkeys(STEERING_EVENTS, build_steering_notice),
    ErpEvent.SUBMISSION_EXEMPTED: build_exemption_notice,
}
