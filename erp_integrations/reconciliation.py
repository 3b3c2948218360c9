"""Asking for a reconciliation, and what a company is told about its last ones."""

from django.db import transaction

from directory import history
from directory.models import Company, User
from directory.permissions import require_compare_with_erp
from erp_integrations import comparison, tasks
from erp_integrations.models import Connection, Reconciliation


class NothingToRead(Exception):
    """No connection of the company reads back; the text is for the person who asked."""


@transaction.atomic
def ask(*, company: Company, by: User) -> list[Reconciliation]:
    """Have every connection of a company compared that reads back; one that is at it goes on.

    Raises RightMissing, NothingToRead.
    """
    require_compare_with_erp(by, company)
    connections = [each for each in Connection.objects.filter(company=company) if each.reads_back]
    if not connections:
        raise NothingToRead(
            "Nothing can be compared: no connection of this company reads back. "
            "The operator names Spectrum's read-only database in INFO_LINKS."
        )
    runs = []
    for connection in connections:
        run, is_new = comparison.open_run(connection, by_id=by.pk)
        runs.append(run)
        if is_new:
            history.record(
                event="reconciliation.asked",
                subject=run,
                by=by,
                company=company,
                detail={"connection": connection.pk},
            )
    tasks.wake_reconciliation()
    return runs
