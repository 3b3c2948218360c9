"""The one lease: which of many workers a row is with, until when, and how a late one is told.

A claim gives a row a time by the database's clock, and a fencing token that grows with each claim. No
transaction is open while a worker does something slow, so whatever it writes afterwards asks first
whether the row is still its own: a worker that was too slow, or frozen, may change nothing.
"""

import threading
from datetime import timedelta
from typing import Any, ClassVar, Self, TypeVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Func
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

Row = TypeVar("Row", bound=models.Model)

stopping = threading.Event()
"""Set when this process was told to stop: what is on the wire ends, and the rest is handed back."""


class LeaseLost(Exception):
    """This worker was too slow: the row is not its own any more. It may change nothing."""


def get_lease_end(duration: timedelta | None = None) -> CombinedExpression:
    """By the database's clock; after EXPORT_LEASE_SECONDS where no other duration is given."""
    return Now() + (duration or get_lease_duration())


def get_lease_duration() -> timedelta:
    return timedelta(seconds=settings.EXPORT_LEASE_SECONDS)


class LeaseEnd(Func):
    """The same in a prepared update."""

    template = "STATEMENT_TIMESTAMP() + %(expressions)s"
    output_field = models.DateTimeField()


class LeasedQuerySet(models.QuerySet[Row]):
    """Of rows that workers claim; they have ``lease_until`` and a fencing token."""

    leased_status: ClassVar[str] = ""
    """Which a row has exactly while it is claimed; blank where it has no status."""
    fencing_token: ClassVar[str] = "attempt"

    def stalled(self) -> Self:
        """Claimed, and the lease is over: its worker died, or is too slow."""
        return self.filter(status=self.leased_status, lease_until__lt=Now())

    def claim(self, duration: timedelta | None = None, **changes: Any) -> Row | None:
        """Make the first of these rows this worker's own, with these changes, and return it.

        None where none is left that no other worker claims at this moment, or this process is to stop.
        """
        if stopping.is_set():
            return None
        with transaction.atomic():
            row = self.select_for_update(of=("self",), skip_locked=True).first()
            if row is None:
                return None
            changes |= {self.fencing_token: F(self.fencing_token) + 1, "lease_until": get_lease_end(duration)}
            if self.leased_status:
                changes["status"] = self.leased_status
            self.model._default_manager.filter(pk=row.pk).update(**changes)
            row.refresh_from_db(fields=list(changes))
        return row

    def own(self, claimed: Row) -> Self:
        """The claimed row, unless another worker has it by now; an update of it asks and writes in one."""
        status = {"status": self.leased_status} if self.leased_status else {}
        token = getattr(claimed, self.fencing_token)
        return self.filter(pk=claimed.pk, **status, **{self.fencing_token: token})

    def lock_own(self, claimed: Row) -> Row:
        """The claimed row under lock. Raises LeaseLost."""
        row = self.own(claimed).select_for_update(of=("self",)).first()
        if row is None:
            raise LeaseLost
        return row

    def renew(self, claimed: Row, duration: timedelta | None = None, **changes: Any) -> None:
        """Begin the lease anew, and lock the row until the transaction ends. Raises LeaseLost."""
        if not self.own(claimed).update(lease_until=get_lease_end(duration), **changes):
            raise LeaseLost
