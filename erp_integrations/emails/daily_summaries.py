"""The choice behind the ERP Integrations Daily Summary: the commitments that wait, and for whom."""

import zoneinfo
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils import timezone

from commitments.models import Kind
from directory.models import Company, CompanyMembership, User
from erp_integrations.models import Submission
from notifications import emails


def store_due_summaries(*, at: datetime | None = None, regardless_of_hour: bool = False) -> int:
    """Store today's summary for each approver whose hour has come; how many were new.

    "Today" and the hour are the person's own. Whoever has today's already gets none again,
    whoever has nothing waiting gets none at all.
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
    # Workers look every few seconds: what was stored already must cost no more than this question.
    for person in emails.list_people_without_summary(days):
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
        *("pk", "project__name", "kind", "number", "title", "contract_company_name", "total", "sent_at")
    )
    return emails.SummarySection(
        company=company.name,
        slug=company.slug,
        url=f"{settings.PUBLIC_URL}{list_url}?view=ready-to-export",
        lines=[
            emails.SummaryLine(
                project=project,
                kind=kinds[kind],
                number=number,
                title=title,
                vendor=vendor,
                amount=total,
                currency=company.currency,
                waiting_days=(moment - sent_at).days,
                url=settings.PUBLIC_URL + reverse("erp_integrations:review", args=[company.slug, pk])
                if position < emails.OLDEST_LINES
                else "",
            )
            for position, (pk, project, kind, number, title, vendor, total, sent_at) in enumerate(rows)
        ],
    )
