"""A submission's page says first what is known, what nobody knows, and what can be done now."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from directory.db.time_zones import format_time
from directory.models import Level, User
from directory.rights.approvers import format_names
from erp_integrations.adapters.base import DifferenceKind
from erp_integrations.adapters.registry import get_adapter, to_call
from erp_integrations.checks import general_ledger
from erp_integrations.exports import ledger
from erp_integrations.models import (
    CallState,
    Drift,
    DriftKind,
    ExportJob,
    JobStatus,
    SnapshotUnreadable,
    Submission,
    SubmissionStatus,
    Verification,
)
from erp_integrations.pages.submission_rows import (
    SubmissionRow,
    describe_blocked_connection,
    describe_next_try,
    describe_seen,
)
from erp_integrations.reconciliation import drift, drift_list, late_records

MAX_DIFFERENCES = 20  # in a notice; the job keeps all
MAX_TITLES = 3


@dataclass(frozen=True, slots=True)
class Explanation:
    """A title and the sentences below it, all as a notice has them."""

    tone: str
    icon: str
    title: str
    sentences: list[str]
    url: str = ""
    action: str = ""


def describe_decision(submission: Submission) -> str:
    """The decision, by whom, and when."""
    person = submission.ended_by or submission.decided_by
    moment = submission.ended_at or submission.decided_at
    return f"{submission.get_status_display()} by {person}{_format_date(moment)}"


def describe_corrupted_snapshot(row: SubmissionRow) -> Explanation | None:
    """That what was sent can't be shown, and what then can be done; None where it can."""
    try:
        row.submission.document  # noqa: B018  # reading it is the question
    except SnapshotUnreadable as error:
        way_out = ""
        if row.is_awaiting:
            way_out = (
                "It can't be accepted or rejected. A project admin can take it back with Retrieve from ERP "
                "and send it again."
            )
        elif row.has_failed:
            way_out = "It can't be retried. Reject it with a reason, so that the project can send it again."
        operator_advice = "Tell whoever runs this server: the history holds the hash of what was sent."
        return Explanation(
            "danger", "warning", "What was sent can't be shown", [str(error), way_out, operator_advice]
        )
    return None


def build_explanation(row: SubmissionRow) -> Explanation | None:
    """None while a decision is awaited: then nothing has to be explained."""
    submission, job = row.submission, row.job
    match submission.status:
        case SubmissionStatus.AWAITING:
            return None
        case SubmissionStatus.REJECTED:
            return Explanation(
                "warning", "status-rejected", describe_decision(submission), [submission.reason]
            )
        case SubmissionStatus.RETRIEVED | SubmissionStatus.UNLINKED:
            back = "It is back with the project."
            return Explanation("", f"status-{submission.status}", describe_decision(submission), [back])
    return _EXPLANATIONS[job.status](row, job) if job else None


def get_title(row: SubmissionRow) -> str:
    """The first words of it, for a person who came too late."""
    explanation = build_explanation(row)
    return f"{explanation.title}." if explanation else f"Current status: {row.status}."


def describe_local_changes(row: SubmissionRow) -> Explanation | None:
    """Changes made here after the export; None where there were none."""
    issues = drift.check_local_changes(row.submission) if row.is_synced else []
    if not issues:
        return None
    sentences = [drift_list.describe_issue(issue) for issue in issues]
    return Explanation("warning", "warning", str(DriftKind.CHANGED_HERE.label), sentences)


def describe_late_records(row: SubmissionRow) -> Explanation | None:
    """Records that may stand in Spectrum, or do, and belong to no export that goes on; nearly always None."""
    submission, connection = row.submission, row.submission.connection
    drifts = Drift.objects.late().filter(submission__commitment=submission.commitment_id)
    if late_drifts := list(drifts.select_related("job")):
        sentences = [drift_list.describe_issue(issue) for each in late_drifts for issue in each.findings]
        steps = [describe_next_step(row, each) for each in late_drifts]
        return Explanation("danger", "warning", str(DriftKind.LATE.label), [*sentences, *steps])
    records = late_records.list_watched_records(submission.commitment_id, connection)
    sentences = [
        f"{call.title} ({each.key}) was sent, and no answer ruled out that it was written. "
        + (f"Not found in Spectrum{_format_date(call.not_found_at)}." if call.not_found_at else "")
        for each in records
        for call in each.calls
        if call.state not in (CallState.WRITTEN, CallState.GONE)
    ]
    if not sentences:
        return None
    until = format_time(max(each.until for each in records))
    follows = (
        f"It may still be written. Spectrum is checked every day until {until}; if it appears, approvers are "
        "mailed."
        if connection.has_read_back
        else "It may still be written, and this connection has no read-back: check in Spectrum yourself."
    )
    return Explanation("warning", "eye", "A call may still be written", [*sentences, follows])


def describe_next_step(row: SubmissionRow, late: Drift) -> str:
    submission, job = row.submission, row.job
    as_own_record = (
        f"as {late.record_name}, so that it takes over the record there and none is written twice. Or delete "
        "that record in Spectrum; the next comparison clears this."
    )
    if submission.status == SubmissionStatus.AWAITING:
        return f"Accept it {as_own_record}"
    if row.has_failed:
        return f"Retry it {as_own_record}"
    if job is not None:
        return (
            f"This commitment goes to Spectrum as {job.record_name}, so its amount may be there twice. "
            f"Delete {late.record_name} in Spectrum; the next comparison clears this."
        )
    return f"Have the project send it again, and accept it {as_own_record}"


def describe_in_progress(row: SubmissionRow, job: ExportJob) -> Explanation:
    written, total = count_written_calls(job)
    sentences = [f"{written} of {total} calls are written."] if written else []
    blocked_message = describe_blocked_connection(job.connection)
    if job.status == JobStatus.QUEUED and job.problem:
        again = blocked_message or f"{describe_next_try(job)} No action is needed."
        return Explanation(
            "warning", "status-queued", "Waiting to be retried", [job.problem, again, *sentences]
        )
    title = "Being written to Spectrum"
    if job.status == JobStatus.QUEUED:
        title = "Accepted, waiting for its turn"
        sentences.extend([blocked_message] if blocked_message else [])
    if row.can_be_undone and job.is_delayed:
        title = "Accepted: exporting in a few seconds"
    if row.can_be_undone:
        sentences.append("Nothing is written yet, so it can be undone.")
    return Explanation("info", f"status-{job.status}", title, sentences)


def describe_synced(row: SubmissionRow, job: ExportJob) -> Explanation:
    title = f"In Spectrum as {job.erp_id}" + (f" since {format_time(job.synced_at)}" if job.synced_at else "")
    answer = "Spectrum confirmed every call."
    if job.adopted:
        answer = "It was in Spectrum already: an approver marked it as exported, and nothing was written."
    read_back = f"read back{_format_date(job.verified_at)}"
    tone, icon = "success", "status-synced"
    match job.verification:
        case Verification.MATCH:
            matches = f"Read back{_format_date(job.verified_at)}, it matches what was accepted."
            sentences = [f"{answer} {matches}", *_list_filled_values(job)]
        case Verification.PENDING:
            sentences = [f"{answer} It will be read back shortly and compared with what was accepted."]
        case Verification.ABSENT:
            tone, icon, title = "danger", "status-needs-attention", f"{job.erp_id} was not found in Spectrum"
            sentences = [f"{answer} But when {read_back}, it was not there."]
        case Verification.ELSEWHERE:
            tone, icon, title = "danger", "status-needs-attention", "Moved in Spectrum"
            sentences = [
                f"It was exported as {job.record_name}. When {read_back}, it was not there.",
                *_list_differences(job),
                "Its vendor code or number was changed there.",
            ]
        case Verification.DIFFERS:
            tone, icon, title = "warning", "status-synced-with-differences", f"{title}, with differences"
            differs = f"{answer} But when {read_back}, it differed from what was accepted."
            sentences = [differs, *_list_differences(job), *_list_filled_values(job)]
        case _:
            verified = job.get_verification_display()
            not_seen = f"{answer} The record has not been read back and compared."
            sentences = [f"Synced, {verified[:1].lower()}{verified[1:]}.", not_seen]
    if job.deviates:
        sentences += list_ways_out(row, job)
        tone, icon = ("info", "eye") if job.seen_at else (tone, icon)
    return Explanation(tone, icon, title, sentences)


def list_deciders(row: SubmissionRow) -> list[User]:
    return [each for each in row.viewer.approvers if not row.submission.is_own_decision(each)]


def format_deciders(row: SubmissionRow) -> str:
    return format_names(list_deciders(row)) or "an accounting approver"


def list_ways_out(row: SubmissionRow, job: ExportJob) -> list[str]:
    """Of what Spectrum does not show as accepted: what follows, and who does it. Two queries."""
    if job.seen_at:
        return [describe_seen(job), "It no longer needs attention unless Spectrum shows something else."]
    deciders = list_deciders(row)
    admins = User.objects.filter(
        project_memberships__project=row.submission.project_id,
        project_memberships__commitments_level=Level.ADMIN,
    )
    unlinkers = [each for each in deciders if each in set(admins)]
    ask = f"ask {format_names(unlinkers)} to "
    if row.can_decide and row.viewer.user in unlinkers:
        ask = ""
    elif not unlinkers:
        rights = "Can Push to Accounting and Admin on this project's Commitments tool"
        granters = format_names(row.viewer.granters) or "staff"
        ask = f"somebody needs both {rights}, which {granters} can grant, to "
    steps: dict[str, str] = {
        Verification.ABSENT: f"If {job.record_name} was deleted there, {ask}unlink it. Its project can then "
        "send it again, and it is written anew.",
        Verification.ELSEWHERE: f"To use the new key here, {ask}follow the move.",
        Verification.DIFFERS: f"If that is wrong, correct {job.record_name} in Spectrum, then look again.",
    }
    if job.taken_over:
        steps[Verification.ABSENT] = (
            f"If {job.record_name} was deleted there, say so here: it then counts for nothing on its cost "
            "codes. It is never written from here, and what is to be written is a new commitment."
        )
    may_stay = "If it may stay as it is, "
    if row.can_decide:
        return [steps[job.verification], f"{may_stay}press I have seen it and say why."]
    return [steps[job.verification], f"{may_stay}{format_deciders(row)} can say so here."]


def describe_resume_caution(row: SubmissionRow) -> str:
    """Blanks in the rest of an export that Spectrum may take for more than was meant at its acceptance."""
    if row.job is None:
        return ""
    calls = [to_call(call) for call in row.job.list_current_calls()]
    return get_adapter(row.job.connection).describe_caution(calls)


def _list_differences(job: ExportJob) -> list[str]:
    sentences = []
    for each in job.differences[:MAX_DIFFERENCES]:
        where = " ".join(filter(None, [each["title"], each["name"]]))
        if each.get("kind") == DifferenceKind.MOVED and not each["name"]:
            sentences.append(f"It is now {each['stored']} in Spectrum.")
        else:
            sentences.append(
                f"{where}: {each['sent']} was accepted, Spectrum has {each['stored'] or 'nothing'}."
            )
    more = len(job.differences) - len(sentences)
    return [*sentences, f"And {more} more."] if more else sentences


def _list_filled_values(job: ExportJob) -> list[str]:
    """Spectrum's values where nothing was sent: each once, with the places that have it."""
    titles_by_value: dict[str, list[str]] = {}
    for each in job.filled:
        titles_by_value.setdefault(f"{each['name']} {each['value']}", []).append(each["title"])
    descriptions = [
        f"{value} ({', '.join(titles[:MAX_TITLES])}"
        + (f" and {len(titles) - MAX_TITLES} more)" if len(titles) > MAX_TITLES else ")")
        for value, titles in titles_by_value.items()
    ]
    return (
        [f"Filled in by Spectrum where nothing was sent: {'; '.join(descriptions)}."] if descriptions else []
    )


def describe_failed(row: SubmissionRow, job: ExportJob) -> Explanation:
    remedy = "Fix the cause and retry, or reject it with a reason."
    if not row.can_be_decided:
        remedy = f"It can be retried or rejected by {format_deciders(row)}."
    wrote_nothing = ledger.is_unwritten(job)
    title = "Failed to export: nothing was written to Spectrum" if wrote_nothing else "Failed to export"
    return Explanation("danger", "status-failed", title, [job.problem, remedy])


def describe_refused_default(row: SubmissionRow) -> Explanation | None:
    """Whose account Spectrum has refused, and who changes it where. One query after a failed export."""
    job, viewer = row.job, row.viewer
    if not (job and row.has_failed and (call := job.list_current_calls().first())):
        return None
    named = [each for each in to_call(call).elements if each.value and each.name in job.problem]
    accounts = [(each, general_ledger.describe_place(each.source)) for each in named]
    refused, change = next((found for found in accounts if found[1]), (None, ""))
    if refused is None:
        return None
    whose, url = refused.source, ""
    if whose == general_ledger.VENDOR:
        whose = f"vendor {row.submission.contract_company_name}"
    if whose == general_ledger.COMPANY and viewer.erp_integrations_level == Level.ADMIN:
        url = reverse("erp_integrations:connection", args=[viewer.company.slug, job.connection_id])
    sentences = [f"{change}, or an approver proposes another for this commitment only. Retry then shows it."]
    return Explanation("", "info", f"{refused.value} is the default of {whose}", sentences, url, "Change it")


def describe_incomplete(row: SubmissionRow, job: ExportJob) -> Explanation:
    written, total = count_written_calls(job)
    known = f"{written} of {total} calls {'is' if written == 1 else 'are'} written, the rest are not."
    if job.not_before:
        follows = f"{describe_next_try(job)} Then the remaining calls are sent."
    else:
        follows = (
            "It does not continue by itself, and what is written stays in Spectrum. Once the cause is fixed, "
            "Resume sends the remaining calls. Reject returns it to its project for changes; vendor, job and "
            "ERP ID then stay as they are."
        )
    sentences = [job.problem, f"{known} Check {job.record_name} in Spectrum.", follows]
    return Explanation("danger", "status-incomplete", "Partly in Spectrum", sentences)


def describe_unknown(row: SubmissionRow, job: ExportJob) -> Explanation:
    written, total = count_written_calls(job)
    before = f"{written} of {total} calls {'was' if written == 1 else 'were'} written before it"
    known = f"{before}, none was sent after it, and nothing is sent again until the outcome is known."
    sentences = [job.problem, known, *describe_unknown_call(row, job)]
    return Explanation("danger", "status-unknown", "Unknown whether Spectrum has it", sentences)


def describe_unknown_call(row: SubmissionRow, job: ExportJob) -> list[str]:
    """Until when an absence proves nothing, who looks then, and what follows."""
    doubt = "Spectrum may or may not have written that call, and may still do so minutes later."
    choices = (
        f"Check {job.record_name} in Spectrum, then resolve it here: all of it is there (it becomes "
        "Synced), none of it (it is sent again), or a part (the rest can then be sent). Your statement is "
        "kept in the history."
    )
    if job.differences:
        strange = "The record read back from Spectrum is neither all of what was sent nor a part of it."
        return [strange, *_list_differences(job), choices]
    silent = ""
    if job.unreadable_since:
        silent = f"Spectrum's read-only database has not answered since {format_time(job.unreadable_since)}."
    if job.needs_manual_resolution:
        doubt = f"{doubt} {silent}".strip()
        from_then = f"It can be resolved from {format_time(job.quiet_until)}"
        wait = f"{from_then}; until then a missing record proves nothing."
        return [doubt, choices] if row.is_quiet else [doubt, wait, choices]
    if by_hand_from := job.manual_resolution_from:
        from_when = f"From {format_time(by_hand_from)}, an approver can resolve it by hand."
        return [doubt, f"{silent} It is tried again every minute. {from_when}"]
    read_back = f"At {format_time(job.not_before)} Spectrum is read back"
    return [doubt, f"{read_back}, and the export continues with what is missing. No action is needed."]


_EXPLANATIONS = {
    JobStatus.QUEUED.value: describe_in_progress,
    JobStatus.EXPORTING.value: describe_in_progress,
    JobStatus.SYNCED.value: describe_synced,
    JobStatus.FAILED.value: describe_failed,
    JobStatus.INCOMPLETE.value: describe_incomplete,
    JobStatus.UNKNOWN.value: describe_unknown,
}


def count_written_calls(job: ExportJob) -> tuple[int, int]:
    """How many calls of the plan are written, and how many there are."""
    states = list(job.list_current_calls().values_list("state", flat=True))
    return states.count(CallState.WRITTEN), len(states)


def _format_date(moment: datetime | None) -> str:
    return f" on {format_time(moment)}" if moment else ""
