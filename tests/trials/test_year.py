"""A year of summaries: 200 people in 12 time zones, while work comes and goes, rights end and are given back,
and workers stop, die in the middle, and look together. After each look what was stored is what was due.

The campaign plays some days around two clock changes; ``SUMMARY_DAYS="2025-01-01 365"`` plays a whole year.
"""

import logging
import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError, connection

from directory.models import Company, CompanyMembership, User
from erp_integrations import submissions
from erp_integrations.emails import daily_summaries
from erp_integrations.models import Submission
from notifications.models import EVERY_DAY, Kind, OutgoingEmail, Subscription
from tests.factories import (
    ApproverFactory,
    CompanyFactory,
    ProjectAdminFactory,
    ProjectFactory,
    SubmissionFactory,
    join_company,
)

logger = logging.getLogger(__name__)
ZONES = (
    *("UTC", "America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Sao_Paulo"),
    *("Europe/Berlin", "Europe/London", "Africa/Johannesburg", "Asia/Kolkata", "Asia/Tokyo"),
    *("Australia/Lord_Howe", "Pacific/Auckland"),
)
PEOPLE = 200
WINDOWS = ((date(2025, 3, 8), 2), (date(2025, 10, 25), 2))
"""In the first America's clocks change, in the second Europe's."""
WEEKDAYS = ("12345", "135", "7", "")  # none: no summary
NEAR = timedelta(hours=3)


class Dies:
    """Of the summaries that are stored, one meets a database that has gone."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith('INSERT INTO "notifications_outgoingemail" '):
            self.left -= 1
            if self.left < 0:
                raise OperationalError("The worker died.")
        return execute(sql, *rest)


class Year:
    """``waits`` has since when something awaits in a company; ``has`` whom each company has as approvers."""

    def __init__(self) -> None:
        self.luck = Random(11)
        self.companies: list[Company] = [
            CompanyFactory(time_zone=zone, summary_hour=hour)
            for zone, hour in (("America/New_York", 7), ("Europe/Berlin", 0), ("Australia/Lord_Howe", 2))
        ]
        self.projects = [ProjectFactory(company=each) for each in self.companies]
        self.senders: list[User] = [ProjectAdminFactory(project=each) for each in self.projects]
        self.waits: dict[int, datetime] = {}
        self.has: dict[int, set[int]] = {each.pk: set() for each in self.companies}
        self.days: dict[int, str] = {}
        self.people: dict[int, User] = {}
        self.got: set[tuple[int, date]] = set()
        self.outages = self.deaths = self.stored = 0
        Subscription.objects.create(company=self.companies[2], kind=Kind.DAILY_SUMMARY, weekdays="12345")
        for number in range(PEOPLE):
            self.add_person(number)

    def add_person(self, number: int) -> None:
        company = self.companies[number % 3]
        own = number % 4 > 0  # of the others the company's count
        chosen = {"time_zone": ZONES[number % len(ZONES)], "summary_hour": self.luck.randrange(24)}
        person: User = ApproverFactory(
            company=company, has_own_time_zone=own, has_own_summary_hour=own, **(chosen if own else {})
        )
        person.refresh_from_db()
        self.people[person.pk] = person
        self.has[company.pk].add(person.pk)
        self.days[person.pk] = "12345" if company == self.companies[2] else EVERY_DAY
        if number % 5 == 0:
            days = self.luck.choice(WEEKDAYS)
            self.days[person.pk] = days
            Subscription.objects.create(
                user=person, kind=Kind.DAILY_SUMMARY, wanted=bool(days), weekdays=days or EVERY_DAY
            )
        if number % 10 == 0:
            other = self.companies[(number + 1) % 3]
            rights = {"erp_integrations_level": "standard", "can_push_to_accounting": True}
            join_company(person, other, **rights)
            self.has[other.pk].add(person.pk)

    def play(self, first: date, days: int) -> None:
        """Half an hour by half an hour, within five minutes of each."""
        moment, end = datetime.combine(first, time(), UTC), first + timedelta(days=days)
        self.got = set()  # nobody has one of the days before, as if the product were new
        OutgoingEmail.objects.all().delete()
        while moment.date() < end:
            self.change(moment)
            at = moment + timedelta(seconds=self.luck.randrange(300))
            due = self.list_due(at)
            # Where nobody is due, some looks show that nobody gets one.
            if due or self.luck.random() < 0.2:
                self.look(at, due)
            pauses = 1
            if self.luck.random() < 0.02:
                self.outages += 1
                pauses = self.luck.randrange(4, 60)
            moment += timedelta(minutes=30) * pauses
            if moment.hour == 0:
                self.purge(before=moment.date() - timedelta(days=4))

    def purge(self, *, before: date) -> None:
        """Those that no look asks for, so that the last day is played as fast as the first."""
        old = [f"{Kind.DAILY_SUMMARY}:{person}:{day}" for person, day in self.got if day < before]
        OutgoingEmail.objects.filter(dedupe_key__in=old).delete()
        self.got = {(person, day) for person, day in self.got if day >= before}

    def change(self, moment: datetime) -> None:
        """Something comes or is gone, and somebody loses or gets the privilege."""
        for company, project, sender in zip(self.companies, self.projects, self.senders, strict=True):
            if company.pk in self.waits:
                if self.luck.random() < 0.02:
                    waiting = Submission.objects.awaiting().get(company=company)
                    submissions.retrieve_from_erp(commitment=waiting.commitment, by=sender)
                    del self.waits[company.pk]
            elif self.luck.random() < 0.1:
                submission = SubmissionFactory(commitment__project=project, sent_by=sender)
                Submission.objects.filter(pk=submission.pk).update(sent_at=moment)
                self.waits[company.pk] = moment
        if self.luck.random() < 0.2:
            company, person = self.luck.choice(self.companies), self.luck.choice(list(self.people))
            membership = CompanyMembership.objects.filter(company=company, user=person)
            is_in = person in self.has[company.pk]
            if membership.update(can_push_to_accounting=not is_in):
                self.has[company.pk] ^= {person}

    def look(self, moment: datetime, due: set[tuple[int, date]]) -> None:
        """One worker, or two; one of them may die in the middle."""
        last = OutgoingEmail.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        if due and self.luck.random() < 0.1:
            self.deaths += 1
            with (
                pytest.raises(OperationalError, match="died"),
                connection.execute_wrapper(Dies(self.luck.randrange(len(due)))),
            ):
                daily_summaries.store_due_summaries(at=moment)
        for _ in range(self.luck.choice((1, 1, 1, 2))):
            daily_summaries.store_due_summaries(at=moment)
        new = OutgoingEmail.objects.filter(kind=Kind.DAILY_SUMMARY, pk__gt=last)
        keys = Counter(
            (int(person), date.fromisoformat(day))
            for _, person, day in (key.split(":") for key in new.values_list("dedupe_key", flat=True))
        )
        assert keys == Counter(due), moment
        self.got |= due
        self.stored += len(due)

    def list_due(self, moment: datetime) -> set[tuple[int, date]]:
        """By the words of docs/product.md, section 10, and by instants where the product compares hours."""
        due = set()
        for number, person in self.people.items():
            works = [
                since
                for company, since in self.waits.items()
                if number in self.has[company] and since <= moment
            ]
            if not works:
                continue
            zone = ZoneInfo(person.time_zone)
            today = moment.astimezone(zone).date()
            hours = {
                day: datetime.combine(day, time(person.summary_hour), zone).astimezone(UTC)
                for day in (today, today - timedelta(days=1))
            }
            midnight = datetime.combine(today, time(), zone).astimezone(UTC)
            day = today
            if moment < hours[today]:
                at_home = moment.astimezone(zone).replace(minute=0, second=0, microsecond=0, tzinfo=None)
                is_near = datetime.combine(today, time(person.summary_hour)) - at_home < NEAR
                if is_near or min(works) >= midnight:
                    continue
                day -= timedelta(days=1)
            if str(day.isoweekday()) in self.days[number] and (number, day) not in self.got:
                due.add((number, day))
        return due


@pytest.mark.django_db
def test_every_summary_that_is_due_is_stored_once_and_no_other() -> None:
    year = Year()
    first, _, days = os.environ.get("SUMMARY_DAYS", "").partition(" ")
    for window in [(date.fromisoformat(first), int(days))] if first else WINDOWS:
        year.play(*window)
    assert min(year.stored // 300, year.outages, year.deaths) > 0
    logger.warning("%s summaries, %s outages, %s deaths", year.stored, year.outages, year.deaths)
