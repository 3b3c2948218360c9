"""The append-only log that every tool writes to, in the transaction of what it records.

One row per thing that happened (docs/architecture.md, section 11.1). Rows are never changed: ``sealing``
appends them to hash chains afterwards, so that nobody waits for a chain.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import repeat
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.encoding import escape_uri_path

from directory import operators
from directory.db.prepared import store_row
from directory.history import subscribers
from directory.history.events import DirectoryEvent, Event
from directory.models import Company, HistoryEntry, User

REFUSAL_INTERVAL = timedelta(minutes=1)
SECRETS_VIEW_INTERVAL = timedelta(minutes=15)


def record(
    *,
    event: Event,
    subject: models.Model,
    by: User | None,
    company: Company | None,
    detail: dict[str, Any] | None = None,
) -> HistoryEntry:
    """Write that ``by`` (None: the system) did ``event`` to ``subject``.

    ``detail`` holds ids of people, never names or addresses, and no secret. At the command line it also
    names the operator, whoever ``by`` is said to be.
    """
    entry = HistoryEntry(
        event=event.value,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        by_id=by.pk if by else None,
        company_id=company.pk if company else None,
        detail={**(detail or {}), **operators.get_operator_detail()},
    )
    store_row(entry)
    subscribers.notify_subscribers(entry)
    return entry


def record_all(
    *,
    event: Event,
    subjects: Sequence[models.Model],
    by: User | None,
    company: Company | None,
    details: Sequence[dict[str, Any]] = (),
    notifies: bool = True,
) -> list[HistoryEntry]:
    """The same of many, in one statement, each with its part of ``details``. Without ``notifies`` one entry
    of the caller's speaks for all of them to who wants to hear.
    """
    operator = operators.get_operator_detail()
    entries = HistoryEntry.objects.bulk_create(
        HistoryEntry(
            event=event.value,
            subject_type=each._meta.label_lower,
            subject_id=each.pk,
            by_id=by.pk if by else None,
            company_id=company.pk if company else None,
            detail=operator | detail,
        )
        for each, detail in zip(subjects, details or repeat({}), strict=False)
    )
    for entry in entries if notifies else ():
        subscribers.notify_subscribers(entry)
    return entries


def record_at_intervals(
    *,
    interval: timedelta,
    event: Event,
    subject: models.Model,
    by: User | None,
    company: Company | None,
    detail: dict[str, Any] | None = None,
    match_on: tuple[str, ...] = (),
) -> None:
    """Write it unless the same was written within ``interval``, so that a script can't fill the table.

    The same is: the event, by this person, to this subject, with the same values of ``match_on`` in its
    detail.
    """
    values = detail or {}
    recent = HistoryEntry.objects.filter(
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        event=event,
        by_id=by.pk if by else None,
        detail__contains={name: values[name] for name in match_on},
        at__gte=timezone.now() - interval,
    )
    if not recent.exists():
        record(event=event, subject=subject, by=by, company=company, detail=values)


def record_refusal(*, by: User, company: Company | None, right: str, address: str) -> None:
    """Write that a person tried what they may not do, at most once a minute for each person and right.

    ``company`` is None for Django admin, which is of none.
    Call it outside the refused transaction, which rolls back.
    """
    record_at_intervals(
        interval=REFUSAL_INTERVAL,
        event=DirectoryEvent.RIGHT_REFUSED,
        subject=by,
        by=by,
        company=company,
        detail={"right": right, "address": escape_uri_path(address)[:200]},
        match_on=("right",),
    )


def record_secrets_view(*, event: Event, subject: models.Model, by: User, company: Company) -> None:
    """Write that a person saw which secrets are stored and when they expire; the secrets nobody sees."""
    record_at_intervals(interval=SECRETS_VIEW_INTERVAL, event=event, subject=subject, by=by, company=company)
