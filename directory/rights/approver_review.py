"""The review of who may push to accounting: one person says that the list is right, or who is too many."""

from collections.abc import Collection

from django.db import transaction

from directory import history
from directory.history.events import DirectoryEvent
from directory.models import Company, CompanyMembership, User
from directory.rights import approvers
from directory.rights.approvers import ApproverList
from directory.rights.memberships import DirectoryError
from directory.rights.permissions import RightMissing, require_review_approvers


class ListChanged(DirectoryError):
    """The list is another one by now than the person looked at."""


def describe_review_conflict(approver_list: ApproverList, by: User) -> str:
    """Why another person must review, and who could; blank where this one may.

    Nobody confirms themselves, as nobody decides on their own: where the company is freed from that rule, it
    is freed from this one. Nor does whoever granted what is on the list since it was last looked at, nor an
    account in which whoever granted may sit.
    """
    is_free = approver_list.own_decisions.is_lifted
    approver_ids = {each.membership.user_id for each in approver_list.approvers if not is_free}
    last = approver_list.review.entry.pk if approver_list.review.entry else 0
    grants = [each.grant.entry for each in approver_list.approvers if each.grant]
    granter_ids = {entry.by_id for entry in grants if entry.pk > last}
    reasons = (
        (by.pk in approver_ids, "You may push to accounting yourself"),
        (by.pk in granter_ids, "You granted it to somebody on this list"),
        (approvers.is_in_other_hands(by), "Somebody else changed how you sign in"),
    )
    why = next((reason for applies, reason in reasons if applies), "")
    if not why:
        return ""
    excluded_ids = [pk for pk in {*approver_ids, *granter_ids, by.pk} if pk]
    admins = CompanyMembership.objects.administrators().exclude(user__in=excluded_ids)
    active = admins.filter(company=approver_list.company, user__is_active=True)
    others = [each.user for each in active.select_related("user").order_by("user")]
    who = f": {approvers.format_names(others)}" if others else ". There is none: staff can appoint one"
    return f"{why}, so another administrator must confirm this list{who}."


@transaction.atomic
def record_approver_review(
    *, company: Company, by: User, expected_hash: str, flagged: Collection[int] = (), reason: str = ""
) -> ApproverList:
    """Confirm the list with this hash, or ask to revoke the privilege of the people ``flagged`` (their ids).

    It revokes nothing: that is done in Django admin, by staff, who are mailed. Returns the list as it
    was confirmed. Raises RightMissing without Admin or for oneself, ListChanged when it is another list
    by now, and DirectoryError when people are flagged without a reason.
    """
    require_review_approvers(by, company)
    # Whoever is granted or loses the privilege at this moment waits, or is in the list already.
    company_row = Company.objects.select_for_update(no_key=True).get(pk=company.pk)
    list(CompanyMembership.objects.select_for_update(no_key=True).filter(company=company_row).order_by("pk"))
    approver_list = approvers.build_approver_list(company_row)
    if sentence := describe_review_conflict(approver_list, by):
        raise RightMissing(
            by=by, company=company, right="confirm a list with oneself on it", sentence=sentence
        )
    if approver_list.content_hash != expected_hash:
        raise ListChanged("The list has changed since you opened it. Check the current list.")
    approver_ids = {approver.membership.user_id for approver in approver_list.approvers}
    if not approver_ids.issuperset(flagged):
        raise ListChanged("Somebody you ticked is no longer on the list. Check the current list.")
    if flagged and not reason.strip():
        raise DirectoryError("Say why they should no longer have it. Whoever revokes it reads this.")
    detail = {"seen_hash": expected_hash, "kept": sorted(approver_ids.difference(flagged))}
    if flagged:
        detail |= {"flagged": sorted(flagged), "reason": reason.strip()}
    event = DirectoryEvent.APPROVERS_FLAGGED if flagged else DirectoryEvent.APPROVERS_CONFIRMED
    history.record(event=event, subject=company_row, by=by, company=company_row, detail=detail)
    return approver_list
