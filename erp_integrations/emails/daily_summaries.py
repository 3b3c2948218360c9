"""The choice behind the ERP Integrations Daily Summary: the commitments that wait, and for whom."""

import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_

from django.conf import settings
from django.db.models import Exists, Min, OuterRef, Q, QuerySet, Subquery, Value
from django.urls import reverse
from django.utils import timezone

from commitments.models import Kind
from directory.models import Company, CompanyMembership, User
from erp_integrations.checks import row_checks
from erp_integrations.checks.row_checks import RowCheck
from erp_integrations.models import Connection, Drift, Question, QuestionState, Submission
from notifications import emails, preferences
from notifications.models import Kind as MailKind

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
    without = emails.list_people_without_summary(days)
    unwanted = preferences.list_people_without_summary_on({person: days[person] for person in without})
    for person in without - unwanted:
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
        if min(
            (oldest[each.pk] for each in waiting[person] if each.pk in oldest), default=local_times[person]
        )
        < local_times[person].replace(hour=0, minute=0, second=0, microsecond=0)
    }


def list_approvers_with_work() -> Iterator[tuple[User, list[Company]]]:
    """Each approver once, with the companies in which something awaits a decision; where something only
    failed or needs attention, those whom no other mail tells of it."""
    awaiting = Submission.objects.awaiting()
    troubled = (Submission.objects.needing_person(), Drift.objects.current(), list_stopped_connections())
    # For each company one row is looked up: as EXISTS, PostgreSQL would join and read all that awaits.
    waits, *troubles = (
        Q(pk=Subquery(each.filter(company=OuterRef("pk")).values("company")[:1]))
        for each in (awaiting, *troubled)
    )
    with_work = Company.objects.filter(waits).in_bulk()
    only_troubled = Company.objects.exclude(pk__in=with_work).filter(reduce(or_, troubles)).in_bulk()
    memberships = CompanyMembership.objects.approvers().filter(company__in=with_work | only_troubled)
    members = list(memberships.select_related("user").order_by("user_id", "company__name"))
    told_elsewhere = {
        person.pk
        for person in preferences.list_subscribers(
            {each.user for each in members if each.company_id in only_troubled}, MailKind.ATTENTION
        )
    }
    companies: dict[int, tuple[User, list[Company]]] = {}
    for membership in members:
        company = with_work.get(membership.company_id)
        if company is None and membership.user_id not in told_elsewhere:
            company = only_troubled[membership.company_id]
        if company:
            companies.setdefault(membership.user_id, (membership.user, []))[1].append(company)
    yield from companies.values()


def list_stopped_connections() -> QuerySet[Connection]:
    """With a fault, or paused by nobody."""
    paused_itself = Q(paused_at__isnull=False, paused_by=None)
    return Connection.objects.filter(~Q(state__fault="") | paused_itself).order_by("pk")


def build_section(company: Company, moment: datetime) -> emails.SummarySection:
    kinds = dict(Kind.choices)
    list_url = reverse("erp_integrations:commitments", args=[company.slug])
    awaiting = Submission.objects.awaiting().filter(company=company).order_by("sent_at", "pk")
    rejected = Submission.objects.rejected().filter(commitment=OuterRef("commitment"))
    rows = awaiting.annotate(is_back=Exists(rejected)).values_list(
        *("pk", "project__name", "kind", "number", "title", "contract_company_name", "total", "sent_at"),
        *("created_by_id", "sent_by_id", "hands", "is_back"),
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
                is_back=row.is_back,
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
    """Connections that stopped; then what failed, needs attention, drifted, or waits for an answer, the
    oldest of each first."""
    overview = settings.PUBLIC_URL + reverse("erp_integrations:overview", args=[company.slug])
    stopped = list_stopped_connections().filter(company=company).select_related("state")
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
        (f"Connection {each.name}", each.state.fault or each.pause_reason, overview) for each in stopped
    ] + [
        (
            f"{number} {title}",
            sentences[place][0],
            settings.PUBLIC_URL + reverse("erp_integrations:review", args=[company.slug, pk]),
        )
        for place, _, pk, number, title in others
    ]
