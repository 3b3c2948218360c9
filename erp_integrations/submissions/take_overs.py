"""Take-overs of either kind: asked for on a page, made by a worker, and ended so that the page tells."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from directory import history
from directory.db.database_errors import is_transient_error
from directory.db.leases import LeaseLost
from directory.models import Company, User
from directory.rights.permissions import (
    RightMissing,
    require_administer_erp_integrations,
    require_push_to_accounting,
)
from erp_integrations.events import ErpEvent
from erp_integrations.links import take_over
from erp_integrations.models import Connection, TakeOver, TakeOverKind, TakeOverStatus
from erp_integrations.submissions import running
from erp_integrations.submissions.errors import Conflict, DecisionError

logger = logging.getLogger(__name__)

MOST_TRIES = 5
FAULT = "Ledgergate stopped with an error, which is in its log. Tell whoever runs the server, or try again."


@dataclass(frozen=True)
class Work:
    """All in which one kind differs from the other: what a person chooses, who may ask, why nobody can now,
    and a worker's turn at it, which leaves in the row what became of it.
    """

    fields: tuple[str, ...]
    require_right: Callable[[User, Company], None]
    find_obstacle: Callable[[Connection], str]
    run_turn: Callable[[TakeOver], None]


WORKS: Mapping[str, Work] = {
    TakeOverKind.LISTS: Work(
        ("vendor_codes", "job_numbers", "with_inactive", "takes_new", "closes"),
        require_administer_erp_integrations,
        take_over.find_obstacle,
        take_over.look_or_make,
    ),
    TakeOverKind.COMMITMENTS: Work(
        ("job_numbers", "subcontract_numbers", "with_inactive"),
        require_push_to_accounting,
        running.find_running_obstacle,
        running.look_or_adopt,
    ),
}


@transaction.atomic
def ask_for_take_over(*, wanted: TakeOver, by: User, expected: str | None = None) -> None:
    """Have a worker look at what is wanted, by which the rule goes too; or make what the person was shown, of
    which ``expected`` is the stamp. Raises RightMissing, DecisionError, and Conflict where it has changed.
    """
    connection, work = wanted.connection, WORKS[wanted.kind]
    work.require_right(by, connection.company)
    TakeOver.objects.get_or_create(connection=connection, kind=wanted.kind)
    row = TakeOver.objects.select_for_update(of=("self",)).get(connection=connection, kind=wanted.kind)
    if obstacle := work.find_obstacle(connection):
        raise DecisionError(obstacle)
    if row.is_moving:
        raise Conflict("A worker is at it, whoever asked for it. Wait until it is done.")
    before = {name: getattr(row, name) for name in work.fields}
    event, detail = ErpEvent.TAKE_OVER_ASKED_FOR, before | {"shown": expected}
    row.status, row.asked_by, row.report, row.problem, row.tries = TakeOverStatus.TAKING, by, {}, "", 0
    if expected is None:
        after = {name: getattr(wanted, name) for name in work.fields}
        for name, value in after.items():
            setattr(row, name, value)
        row.status, row.plan, row.shown = TakeOverStatus.LOOKING, {}, []
        goes_by_rule = any(each.get("takes_new") or each.get("closes") for each in (before, after))
        event, detail = ErpEvent.TAKE_OVER_RULE_CHANGED, {"before": before, "after": after}
        detail = detail if goes_by_rule and before != after else {}
    elif expected != row.stamp:
        raise Conflict(
            "What would be taken over is not what you were shown any more. It is below as it is now."
        )
    row.save()
    if detail:
        history.record(event=event, subject=connection, by=by, company=connection.company, detail=detail)


def run_due_take_overs() -> int:
    """Whatever was asked for, and lists that have been read again; how many turns."""
    count = 0
    new = Connection.objects.exclude(take_overs__kind=TakeOverKind.LISTS)
    TakeOver.objects.bulk_create([TakeOver(connection=each) for each in new], ignore_conflicts=True)
    due = TakeOver.objects.due().select_related("connection__company", "connection__settings", "asked_by")
    while claimed := due.claim(compared_at=Now(), tries=F("tries") + 1):
        count += 1
        try:
            run_take_over(claimed)
        except LeaseLost:
            logger.warning("%s was taken over by another worker", claimed)
    return count


def run_take_over(claimed: TakeOver) -> None:
    """One turn. What breaks is tried again when its lease is over, and in the end given up: a mistake of ours
    must not be repeated for ever. Raises LeaseLost.
    """
    work, by, before, was_asked_for = WORKS[claimed.kind], claimed.asked_by, claimed.status, claimed.is_moving
    if not was_asked_for:
        claimed.report = {}
    try:
        if was_asked_for and by:
            work.require_right(by, claimed.connection.company)
        if claimed.tries > MOST_TRIES:
            claimed.status, claimed.problem = TakeOverStatus.FAILED, FAULT
        elif obstacle := work.find_obstacle(claimed.connection):
            claimed.status, claimed.problem = TakeOverStatus.STOPPED, obstacle
        else:
            work.run_turn(claimed)
    except RightMissing:
        claimed.status, claimed.problem = TakeOverStatus.STOPPED, f"{by} asked for it, and may not any more."
    except LeaseLost:
        raise
    except Exception as error:
        if is_transient_error(error):
            raise  # our own database is gone
        logger.exception("%s broke down", claimed)
        if was_asked_for and claimed.tries < MOST_TRIES:
            return
        claimed.status, claimed.problem = TakeOverStatus.FAILED, FAULT
    end_turn(claimed, before)


@transaction.atomic
def end_turn(claimed: TakeOver, before: str) -> None:
    """One entry tells, and is mailed, of all that was made, of which each has its own. What was asked for
    meanwhile comes next. Raises LeaseLost.
    """
    row = TakeOver.objects.lock_own(claimed)
    if not claimed.is_moving and any(claimed.report.values()):
        event, company, detail = ErpEvent.TAKEN_OVER, claimed.connection.company, {"counts": claimed.report}
        history.record(event=event, subject=claimed.connection, by=None, company=company, detail=detail)
    if row.status == before:
        row = claimed
        row.tries, row.finished_at = 0, claimed.finished_at if claimed.is_moving else Now()
    row.lease_until = None
    row.save()
