"""The choice behind the ERP Integrations Daily Summary: the commitments that wait, and for whom."""

import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Min, OuterRef, Subquery, Value
from django.urls import reverse
from django.utils import timezone

from commitments.models import Kind
from directory.models import Company, CompanyMembership, User
from erp_integrations.checks import row_checks
from erp_integrations.checks.row_checks import RowCheck
from erp_integrations.models import (
    Drift,
    Question,
    QuestionState,
    Submission,
)
from notifications import emails, preferences

NEAR_HOURS = 3  # so near a summary, that of the day before is not sent late
MAX_OTHERS = 20  # of each kind; its list has them all


def store_due_summaries(*, at: datetime | None = None, regardless_of_hour: bool = False) -> int:
    """Store the summary that each approver is due; how many were new.

    Day and hour are the person's own. Whoever has that day's already gets none again, whoever has nothing
    waiting gets none at all.
    """
    moment = at or timezone.now()
    stored = 0
    sections: dict[int, emails.SummarySection] = {}
    waiting = dict(list_approvers_with_work())
    local_times = {person: moment.astimezone(zoneinfo.ZoneInfo(person.time_zone)) for person in waiting}
    days = {
        person: at_home.date()
        for person, at_home in local_times.items()
        if at_home.hour >= person.summary_hour or regardless_of_hour
    }
    days |= find_missed_days(waiting, local_times)
    # Workers look every few seconds: what was stored already must cost no more than this question.
    wanted = emails.list_people_without_summary(days) - preferences.list_people_without_summary_on(days)
    for person in wanted:
        companies = waiting[person]
        for company in companies:
            if company.pk not in sections:
                sections[company.pk] = build_section(company, moment)
        summary = emails.store_daily_summary(
            recipient=person,
            day=days[person],
            sections=[sections[company.pk] for company in companies],
            link=f"{settings.PUBLIC_URL}{reverse('home')}",
        )
        stored += summary is not None
    return stored


def find_missed_days(
    waiting: Mapping[User, Sequence[Company]], local_times: Mapping[User, datetime]
) -> dict[User, date]:
    """Yesterday, where nobody could send at its hour and today's is not near: what waited before midnight
    has waited for that summary, too."""
    yesterdays = {
        person: at_home.date() - timedelta(days=1)
        for person, at_home in local_times.items()
        if at_home.hour + NEAR_HOURS <= person.summary_hour
    }
    missed = emails.list_people_without_summary(yesterdays)
    companies = {company.pk for person in missed for company in waiting[person]}
    found = Submission.objects.awaiting().filter(company__in=companies).values_list("company")
    oldest = dict(found.annotate(Min("sent_at"))) if missed else {}
    return {
        person: yesterdays[person]
        for person in missed
        if min(oldest[company.pk] for company in waiting[person])
        < local_times[person].replace(hour=0, minute=0, second=0, microsecond=0)
    }


def list_approvers_with_work() -> Iterator[tuple[User, list[Company]]]:
    """Each approver once, with the companies in which something awaits a decision."""
    # For each company one row is looked up: as EXISTS, PostgreSQL would join and read all that awaits.
    awaiting = Submission.objects.awaiting().filter(company=OuterRef("pk"))
    with_work = Company.objects.filter(pk=Subquery(awaiting.values("company")[:1])).in_bulk()
    memberships = CompanyMembership.objects.approvers().filter(company__in=with_work)
    companies: dict[int, tuple[User, list[Company]]] = {}
    for membership in memberships.select_related("user").order_by("user_id", "company__name"):
        of_user = companies.setdefault(membership.user_id, (membership.user, []))
        of_user[1].append(with_work[membership.company_id])
    yield from companies.values()


def build_section(company: Company, moment: datetime) -> emails.SummarySection:
    kinds = dict(Kind.choices)
    list_url = reverse("erp_integrations:commitments", args=[company.slug])
    awaiting = Submission.objects.awaiting().filter(company=company).order_by("sent_at", "pk")
    rows = awaiting.values_list(
        *("pk", "project__name", "kind", "number", "title", "contract_company_name", "total", "sent_at"),
        *("created_by_id", "sent_by_id", "hands"),
        named=True,
    )
    checks = row_checks.list_current_checks(awaiting.values_list("pk", flat=True)[: emails.MAX_LINES])
    return emails.SummarySection(
        company=company.name,
        slug=company.slug,
        url=f"{settings.PUBLIC_URL}{list_url}?view=ready-to-export",
        lines=[
            emails.SummaryLine(
                project=row.project__name,
                kind=kinds[row.kind],
                number=row.number,
                title=row.title,
                vendor=row.contract_company_name,
                amount=row.total,
                currency=company.currency,
                waiting_days=(moment - row.sent_at).days,
                url=settings.PUBLIC_URL + reverse("erp_integrations:review", args=[company.slug, row.pk])
                if position < emails.OLDEST_LINES
                else "",
                check=describe_check(checks.get(row.pk)),
                hands=() if company.allows_own_decisions else {row.created_by_id, row.sent_by_id, *row.hands},
            )
            for position, row in enumerate(rows)
        ],
        others=list_others(company),
    )


def describe_check(check: RowCheck | None) -> str:
    """As the list says it; of one that is to be checked again nothing, which is never a wrong Clean."""
    if check is None:
        return ""
    sentence = row_checks.describe_first_issue(check.issues)
    return f"{check.verdict.label}: {sentence}" if sentence else check.verdict.label


def list_others(company: Company) -> list[tuple[str, str, str]]:
    """Those that failed, need attention, drifted, or wait for an answer; the oldest of each first."""
    submissions = Submission.objects.filter(company=company)
    drifting = Drift.objects.current().filter(company=company).values("submission")
    asked = Question.objects.filter(submission__company=company, state=QuestionState.OPEN)
    sentences = (
        ("Its export failed.", submissions.failed()),
        ("Its export needs attention.", submissions.needing_attention()),
        (
            "In Spectrum it is not what was exported.",
            submissions.filter(pk__in=drifting),
        ),
        ("A question to its project is not answered.", submissions.filter(pk__in=asked.values("submission"))),
    )
    first, *rest = (
        found.annotate(place=Value(place))
        .order_by("sent_at", "pk")
        .values_list("place", "sent_at", "pk", "number", "title")[:MAX_OTHERS]
        for place, (_, found) in enumerate(sentences)
    )
    others = sorted(first.union(*rest, all=True))
    return [
        (
            f"{number} {title}",
            sentences[place][0],
            settings.PUBLIC_URL + reverse("erp_integrations:review", args=[company.slug, pk]),
        )
        for place, _, pk, number, title in others
    ]
