"""The append-only log that every tool writes to, in the transaction of what it records.

One row per thing that happened (architecture, invariant 9). Rows are never changed: ``sealing``
appends them to hash chains afterwards, so that nobody waits for a chain.
"""

from datetime import timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from directory.models import Company, HistoryEntry, User

REFUSAL_INTERVAL = timedelta(minutes=1)


def record(
    *,
    event: str,
    subject: models.Model,
    by: User | None,
    company: Company | None,
    detail: dict[str, Any] | None = None,
) -> HistoryEntry:
    """Write that ``by`` (None: the system) did ``event`` to ``subject``.

    ``detail`` holds ids of people, never names or addresses, and no secret.
    """
    return HistoryEntry.objects.create(
        event=event,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        by_id=by.pk if by else None,
        company_id=company.pk if company else None,
        detail=detail or {},
    )


def record_refusal(*, by: User, company: Company, right: str, address: str) -> None:
    """Write that a person tried what they may not do.

    At most once a minute for each person and right, so that a script can't fill the table.
    Call it outside the refused transaction, which rolls back.
    """
    recent = HistoryEntry.objects.filter(
        subject_type=by._meta.label_lower,
        subject_id=by.pk,
        event="right.refused",
        detail__right=right,
        at__gte=timezone.now() - REFUSAL_INTERVAL,
    )
    if not recent.exists():
        record(
            event="right.refused",
            subject=by,
            by=by,
            company=company,
            detail={"right": right, "address": address[:200]},
        )
