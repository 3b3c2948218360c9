"""Who is told that an export, or a connection, waits for a person (docs/product.md, section 10).

The first alarm of a connection is mailed at once; what comes within the next quarter of an hour
is gathered into one mail, so that a site that is down does not fill a mailbox.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.urls import reverse

from directory.models import CompanyMembership, User
from erp_integrations.models import Alarm, Connection, Drift, Submission
from notifications import emails
from notifications.models import Kind
from notifications.preferences import list_subscribers

MAX_NAMES = 5  # of what has one cause


def store_due_alarms() -> int:
    """Store the mails for what was raised and is not gathered any longer; how many."""
    connections = Alarm.objects.unsent().order_by().values_list("connection", flat=True).distinct()
    return sum(store_connection_alarms(connection_id) for connection_id in list(connections))


@transaction.atomic
def store_connection_alarms(connection_id: int) -> int:
    # One worker at a time: the lock of the connection also says what was told a moment ago.
    connections = Connection.objects.select_for_update(of=("self",), skip_locked=True)
    connection = connections.select_related("company").filter(pk=connection_id).first()
    since = Now() - timedelta(seconds=settings.MAIL_GATHER_SECONDS)
    if connection is None or Alarm.objects.filter(connection=connection, told_at__gt=since).exists():
        return 0
    unsent = Alarm.objects.unsent().filter(connection=connection)
    keys = list(unsent.values_list("pk", flat=True))
    current = list_current_alarms(unsent.filter(pk__in=keys))
    alarms = list(current.select_related("submission__project", "submission__sent_by"))
    if not alarms:
        # What is over before anybody was told is no news, and begins no quarter of an hour.
        Alarm.objects.filter(pk__in=keys).delete()
        return 0
    Alarm.objects.filter(pk__in=keys).update(told_at=Now())
    memberships = CompanyMembership.objects.approvers().filter(company=connection.company_id)
    approvers = [member.user for member in memberships.select_related("user").order_by("user")]
    stored = store_alarm_mails(connection, list_subscribers(approvers, Kind.ATTENTION), alarms)
    by_sender: defaultdict[User, list[Alarm]] = defaultdict(list)
    for alarm in alarms:
        if alarm.submission and alarm.tells_sender and alarm.submission.sent_by.is_active:
            by_sender[alarm.submission.sent_by].append(alarm)
    # Who is no approver has no summary that it could be in instead.
    for sender in by_sender.keys() - set(approvers):
        stored += store_alarm_mails(connection, [sender], by_sender[sender], for_project=True)
    return stored


def list_current_alarms(alarms: QuerySet[Alarm]) -> QuerySet[Alarm]:
    """Those whose export still waits for a person or turned up late, and of a connection that has stopped."""
    waiting = Q(submission__in=Submission.objects.needing_person())
    late = Q(Exists(Drift.objects.late().filter(submission=OuterRef("submission"))))
    # Of a pause, only what paused it by itself: a person who pauses needs no mail.
    paused = Q(sentence__startswith=F("connection__pause_reason")) & ~Q(connection__paused_at=None)
    connection_fault = Q(submission=None) & (~Q(connection__state__fault="") | paused)
    current = Alarm.objects.filter(waiting | late | connection_fault).values("pk")
    return alarms.filter(pk__in=current).order_by("pk")


def store_alarm_mails(
    connection: Connection, people: Sequence[User], alarms: Sequence[Alarm], *, for_project: bool = False
) -> int:
    """One mail for each, and in it one line for each cause, with a count.

    A sender's links open the commitment, an approver's the review page; a cause of several opens a list.
    """
    slug = connection.company.slug
    overview = reverse("erp_integrations:commitments", args=[slug]) + "?view=needs-attention"
    causes: dict[tuple[bool, str], list[Alarm]] = {}
    for alarm in alarms:
        causes.setdefault((alarm.submission is None, alarm.sentence), []).append(alarm)
    lines = []
    for (_, sentence), same in causes.items():
        if len(same) > 1:
            sentence = f"{sentence} ({len(same)} times)"
        submissions = list(dict.fromkeys(alarm.submission for alarm in same if alarm.submission))
        if not submissions:
            path = reverse("erp_integrations:overview", args=[slug])
            lines.append(emails.AttentionLine(f"Connection {connection.name}", "", sentence, path))
            continue
        first = submissions[0]
        if len(submissions) > 1:
            path = reverse("commitments:list", args=[first.project_id]) if for_project else overview
        elif for_project:
            path = reverse("commitments:detail", args=[first.project_id, first.commitment_id])
        else:
            path = reverse("erp_integrations:review", args=[slug, first.pk])
        projects = list(dict.fromkeys(each.project.name for each in submissions))
        title = _format_names([f"{each.number} {each.title}" for each in submissions])
        lines.append(emails.AttentionLine(title, _format_names(projects), sentence, path))
    return len(
        emails.store_attention(
            recipients=people,
            connection=connection.name,
            lines=[line.with_address(settings.PUBLIC_URL) for line in lines],
            link=settings.PUBLIC_URL + (lines[0].url if for_project else overview),
            for_project=for_project,
        )
    )


def _format_names(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
