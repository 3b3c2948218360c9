"""Our own ledger of a record in the ERP: the calls of this commitment that may have been written there."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet, Subquery
from django.db.models.functions import Now

from directory.db.prepared import Parameter, PreparedQuery
from erp_integrations import signing
from erp_integrations.adapters.base import Call
from erp_integrations.adapters.registry import get_adapter, get_job_key, to_call
from erp_integrations.models import MAYBE_WRITTEN, CallState, ExportCall, ExportJob, JobStatus, WireAttempt

LONGEST_EXCERPT = 300


def has_possible_write_under_key(job: ExportJob) -> bool:
    """A call of this commitment under the job's key may stand in the ERP: then it is ours.

    The key is the call's own. A job that is tried again under another ERP ID keeps the calls that it
    tried under the former one, and they make nothing ours that stands under the new one.
    """
    tried = WireAttempt.objects.filter(outcome__in=MAYBE_WRITTEN).values("call")
    calls = ExportCall.objects.filter(
        Q(pk__in=tried) | Q(state=CallState.WRITTEN),  # what was adopted or followed was never tried there
        job__submission__commitment=job.submission.commitment_id,
        job__connection=job.connection_id,
    ).exclude(state=CallState.GONE)
    adapter = get_adapter(job.connection)
    key = get_job_key(job)
    return any(adapter.get_call_key(to_call(call)) == key for call in calls)


def find_altered_call(job: ExportJob, calls: Sequence[ExportCall]) -> str:
    """Which call is not as it was accepted, as a sentence; blank if all of them are.

    The history, which the application can't rewrite, says which calls there were, and web's signature that
    an approver said so. All are looked at before the first leaves: half of an altered plan would be the
    worst of it.
    """
    decisions = signing.read_decisions(job)
    if problem := signing.describe_missing_signature(job, decisions):
        return f"Nothing more is sent, because {problem}."
    hashes = signing.list_accepted_calls(job, decisions)
    if len(calls) != len(hashes):
        return "The calls of this export are not the ones that were accepted. Nothing more is sent."
    for stored, accepted in zip(calls, hashes, strict=True):
        if not stored.payload_hash == accepted == to_call(stored).hash:
            return f"{stored.title} was altered after it was accepted. Nothing more is sent."
    return ""


def has_later_accepted_call(call: ExportCall) -> bool:
    """Another call of its method was written on the connection since this one was turned away."""
    turned_away = call.wire_attempts.filter(outcome="unauthorised").order_by("-finished_at")
    written = WireAttempt.objects.filter(
        Q(outcome="accepted") | Q(shown_at__isnull=False),
        call__method=call.method,
        call__job__connection=call.job.connection_id,
        started_at__gt=Subquery(turned_away.values("finished_at")[:1]),
    )
    return written.exclude(call=call).exists()


def find_repeated_reply(job: ExportJob) -> str:
    """That the next call was answered twice with the same words, which nobody can read, as a sentence.

    Both times nothing of it was there afterwards. Blank for a person's fresh start, and for errors of the
    server itself, which pass.
    """
    if job.tries < 2:
        return ""
    call = job.list_current_calls().exclude(state=CallState.WRITTEN).first()
    last = list(call.wire_attempts.order_by("-attempt")[:2]) if call else []
    replies = [each.reply for each in last if each.outcome == "unknown" and (each.status or 500) < 500]
    if call is None or len(replies) < 2 or not replies[0] or replies[0] != replies[1]:
        return ""
    excerpt = (
        " ".join(re.sub(r"</?[A-Za-z!?][^<>]*>", " ", replies.pop()).split())[:LONGEST_EXCERPT] or "no text"
    )
    return (
        f"{call.title}: Spectrum gave the same unreadable answer twice and has nothing of "
        f"it. Its reply: {excerpt}"
    )


def list_expected_calls(plans: Mapping[ExportJob, tuple[Call, ...]]) -> dict[ExportJob, tuple[Call, ...]]:
    """Each plan as its record must be by now: with the last status that was written there, or with any while
    nobody knows of one. One query.
    """
    last: dict[int, ExportCall] = {}
    statuses = ExportCall.objects.exclude(job__submission__new_status="").exclude(
        job__status=JobStatus.CANCELLED
    )
    statuses = statuses.filter(
        job__submission__commitment__in={job.submission.commitment_id for job in plans},
        plan_round=F("job__plan_round"),
        state__in=[CallState.WRITTEN, CallState.SENDING, CallState.UNKNOWN],
    )
    for call in statuses.select_related("job__submission").order_by("job"):
        last[call.job.submission.commitment_id] = call
    expected = {}
    for job, calls in plans.items():
        expected[job] = calls
        if status := last.get(job.submission.commitment_id):
            known = to_call(status) if status.state == CallState.WRITTEN else None
            expected[job] = get_adapter(job.connection).set_status(calls, known)
    return expected


def has_written_call(job: ExportJob) -> bool:
    return bool(list_written_calls(job=job.pk))


@PreparedQuery
def list_written_calls(job: Parameter) -> QuerySet[ExportCall, int]:
    return ExportCall.objects.filter(job=job, state=CallState.WRITTEN).values_list("pk", flat=True)[:1]


def is_unwritten(job: ExportJob) -> bool:
    """No call of the job itself can have reached the ERP's books."""
    tried = WireAttempt.objects.filter(call__job=job, outcome__in=MAYBE_WRITTEN)
    return not (tried.exists() or has_written_call(job))


def is_within_read_back_lag(job: ExportJob) -> bool:
    """Its last answer is younger than the lag of what is read back."""
    since = Now() - timedelta(seconds=settings.READ_BACK_LAG_SECONDS)
    return WireAttempt.objects.filter(call__job=job, finished_at__gt=since).exists()


def list_earlier_calls(job: ExportJob) -> list[Call]:
    """Calls by which earlier exports of the commitment wrote into the same record, newest first."""
    others = ExportJob.objects.filter(
        submission__commitment=job.submission.commitment_id,
        connection=job.connection_id,
        vendor_code__iexact=job.vendor_code,
        erp_id__iexact=job.erp_id,
    ).exclude(pk=job.pk)
    written = ExportCall.objects.filter(job__in=others, state=CallState.WRITTEN)
    return [to_call(call) for call in written.order_by("-job", "position")]
