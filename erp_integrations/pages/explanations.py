"""What a submission's page says first: what is known, what nobody knows, and what can be done now."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format

from erp_integrations.adapters.base import DifferenceKind
from erp_integrations.adapters.registry import adapter_for, as_planned
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
from erp_integrations.pages.submission_row import Standing, held_up, tries_again
from erp_integrations.reconciliation import drift, drift_listing, watching

MOST_DIFFERENCES = 20  # in a notice; the job keeps all
MOST_PLACES = 3


@dataclass(frozen=True, slots=True)
class Explanation:
    """A title and the sentences below it; ``tone`` and ``icon`` are those of a notice."""

    tone: str
    icon: str
    title: str
    sentences: list[str]


def decision(submission: Submission) -> str:
    """What was decided, by whom, and when."""
    person = submission.ended_by or submission.decided_by
    moment = submission.ended_at or submission.decided_at
    return f"{submission.get_status_display()} by {person}{_on(moment)}"


def damage(standing: Standing) -> Explanation | None:
    """That what was sent can't be shown, and what then can be done; None where it can."""
    try:
        standing.submission.document  # noqa: B018  # reading it is the question
    except SnapshotUnreadable as error:
        way_out = ""
        if standing.is_awaiting:
            way_out = (
                "Nobody can decide on it. A project admin can take it back with Retrieve from ERP "
                "and send it again."
            )
        elif standing.has_failed:
            way_out = (
                "It can't be tried again. Reject it with your reason, and the project can send it again."
            )
        tell = "Tell whoever runs this server: the history knows the hash of what was sent."
        return Explanation("danger", "warning", "What was sent can't be shown", [str(error), way_out, tell])
    return None


def of(standing: Standing) -> Explanation | None:
    """None while a decision is awaited: then nothing has to be explained."""
    submission, job = standing.submission, standing.job
    match submission.status:
        case SubmissionStatus.AWAITING:
            return None
        case SubmissionStatus.REJECTED:
            return Explanation("warning", "status-rejected", decision(submission), [submission.reason])
        case SubmissionStatus.RETRIEVED | SubmissionStatus.UNLINKED:
            back = "It is with the project again."
            return Explanation("", f"status-{submission.status}", decision(submission), [back])
    return _EXPLANATIONS[job.status](standing, job) if job else None


def title_of(standing: Standing) -> str:
    """The first words of it, for a person who came too late."""
    explanation = of(standing)
    return f"{explanation.title}." if explanation else f"It is now: {standing.status}."


def of_changes_here(standing: Standing) -> Explanation | None:
    """What was changed here after the export; None where nothing was."""
    found = drift.changed_here(standing.submission) if standing.is_synced else []
    if not found:
        return None
    sentences = [drift_listing.in_words(finding) for finding in found]
    return Explanation("warning", "warning", str(DriftKind.CHANGED_HERE.label), sentences)


def of_record_elsewhere(standing: Standing) -> Explanation | None:
    """What may stand in Spectrum, or does, and belongs to no export that goes on; nearly always None."""
    submission, connection = standing.submission, standing.submission.connection
    late = Drift.objects.late().filter(submission__commitment=submission.commitment_id)
    if found := list(late.select_related("job")):
        sentences = [drift_listing.in_words(finding) for each in found for finding in each.findings]
        steps = [_next_step(standing, each) for each in found]
        return Explanation("danger", "warning", str(DriftKind.LATE.label), [*sentences, *steps])
    watched = watching.of_commitment(submission.commitment_id, connection)
    sentences = [
        f"{call.title} ({each.name}) was sent, and no answer said that it was not written. "
        + (f"Not found in Spectrum{_on(call.not_found_at)}." if call.not_found_at else "")
        for each in watched
        for call in each.stored
        if call.state not in (CallState.WRITTEN, CallState.GONE)
    ]
    if not sentences:
        return None
    until = _on(max(each.until for each in watched))
    follows = (
        f"It may still be written. Spectrum is asked every day{until.replace(' on ', ' until ')}, and if it "
        "turns up, approvers are told by mail."
        if connection.reads_back
        else "It may still be written, and nobody looks: this connection can't be read back. Look for it in "
        "Spectrum yourself."
    )
    return Explanation("warning", "eye", "A call may still be written late", [*sentences, follows])


def _next_step(standing: Standing, late: Drift) -> str:
    submission, job = standing.submission, standing.job
    ours = (
        f"as {late.record_name}: what stands there is then its record, and there is no second one. Or delete "
        "it in Spectrum; the next comparison sees that."
    )
    if submission.status == SubmissionStatus.AWAITING:
        return f"Accept it {ours}"
    if standing.has_failed:
        return f"Choose Try again {ours}"
    if job is not None:
        return (
            f"This commitment goes to Spectrum as {_record(job)}, so the money may be there twice. Delete "
            f"{late.record_name} in Spectrum; the next comparison sees that."
        )
    return f"Have the project send it again, and accept it {ours}"


def _moving(standing: Standing, job: ExportJob) -> Explanation:
    written, total = _progress(job)
    sentences = [f"{written} of {total} calls are written."] if written else []
    held = held_up(job.connection)
    if job.status == JobStatus.QUEUED and job.problem:
        again = held or f"{tries_again(job)} Nobody has to do anything."
        return Explanation(
            "warning", "status-queued", "Waits to be tried again", [job.problem, again, *sentences]
        )
    title = "Being written to Spectrum"
    if job.status == JobStatus.QUEUED:
        title = "Accepted, and waits for its turn"
        sentences.extend([held] if held else [])
    if standing.can_be_undone and job.waits:
        title = "Accepted: exporting in a few seconds"
    if standing.can_be_undone:
        sentences.append("Until then it can be undone with nothing to mend.")
    return Explanation("info", f"status-{job.status}", title, [*sentences, "This page follows it by itself."])


def _synced(standing: Standing, job: ExportJob) -> Explanation:
    title = f"In Spectrum as {job.erp_id}{_on(job.synced_at)}"
    said_yes = "Spectrum said yes to every call."
    if job.adopted:
        said_yes = "It stood in Spectrum: an approver marked it as exported, and nothing was written over it."
    match job.verification:
        case Verification.MATCH:
            seen = f"It was read back{_on(job.verified_at)}, and is what was accepted."
            return Explanation("success", "status-synced", title, [f"{said_yes} {seen}", *_filled(job)])
        case Verification.PENDING:
            coming = "It is read back in a moment and compared with what was accepted."
            return Explanation("success", "status-synced", title, [f"{said_yes} {coming}"])
        case Verification.ABSENT:
            return Explanation(
                "danger",
                "status-needs-attention",
                f"Spectrum does not show {job.erp_id}",
                [
                    f"{said_yes} But read back{_on(job.verified_at)}, it was not there.",
                    f"Look in Spectrum for {_record(job)}.",
                ],
            )
        case Verification.ELSEWHERE:
            return Explanation(
                "danger",
                "status-needs-attention",
                "It was moved in Spectrum",
                [
                    f"It was exported as {_record(job)}. Read back{_on(job.verified_at)}, nothing is there.",
                    *_differences(job),
                    "Its vendor code or number was changed there. Follow the move to use that here too.",
                ],
            )
        case Verification.DIFFERS:
            return Explanation(
                "warning",
                "status-synced-with-differences",
                f"{title}, with differences",
                [
                    f"{said_yes} But read back{_on(job.verified_at)}, it is not what was accepted.",
                    *_differences(job),
                    *_filled(job),
                    f"Look in Spectrum for {_record(job)}.",
                ],
            )
    not_seen = "Nobody has read the record back and compared it."
    verified = job.get_verification_display()
    status = f"Synced, {verified[:1].lower()}{verified[1:]}."
    return Explanation("success", "status-synced", title, [status, f"{said_yes} {not_seen}"])


def caution(stood: Standing) -> str:
    """What Spectrum may make of the rest of an export, by what was left blank when it was accepted."""
    if stood.job is None:
        return ""
    calls = [as_planned(call) for call in stood.job.current_calls()]
    return adapter_for(stood.job.connection).caution(calls)


def _differences(job: ExportJob) -> list[str]:
    told = []
    for each in job.differences[:MOST_DIFFERENCES]:
        where = " ".join(filter(None, [each["title"], each["name"]]))
        if each.get("kind") == DifferenceKind.MOVED and not each["name"]:
            told.append(f"In Spectrum it is {each['stored']} now.")
        else:
            told.append(f"{where}: {each['sent']} was accepted, {each['stored'] or 'nothing'} is stored.")
    more = len(job.differences) - len(told)
    return [*told, f"And {more} more."] if more else told


def _filled(job: ExportJob) -> list[str]:
    """What Spectrum put where nothing was sent: each value once, with the places that have it."""
    places: dict[str, list[str]] = {}
    for each in job.filled:
        places.setdefault(f"{each['name']} {each['value']}", []).append(each["title"])
    told = [
        f"{value} ({', '.join(titles[:MOST_PLACES])}"
        + (f" and {len(titles) - MOST_PLACES} more)" if len(titles) > MOST_PLACES else ")")
        for value, titles in places.items()
    ]
    return [f"Filled by Spectrum, as nothing was sent: {'; '.join(told)}."] if told else []


def _failed(standing: Standing, job: ExportJob) -> Explanation:
    if standing.can_be_decided:
        remedy = "Mend the cause and try again, or reject it back to the project with your reason."
    else:
        remedy = "An accounting approver can try again, or reject it back to the project."
    wrote_nothing = ledger.nothing_was_ever_written(job)
    title = "Failed to export: nothing was written to Spectrum" if wrote_nothing else "Failed to export"
    return Explanation("danger", "status-failed", title, [job.problem, remedy])


def _incomplete(standing: Standing, job: ExportJob) -> Explanation:
    written, total = _progress(job)
    known = (
        f"Known: {written} of {total} calls {'is' if written == 1 else 'are'} written, the others are not."
    )
    if job.not_before:
        follows = f"{tries_again(job)} It goes on with the calls that are not written."
    else:
        follows = (
            "It does not go on by itself, and what is written is not taken back. Once the cause is mended, "
            "Resume goes on with the calls that are not written. Reject sends it back to its project to be "
            "changed; vendor, job and ERP ID then stay as they are."
        )
    return Explanation(
        "danger",
        "status-incomplete",
        "A part of it is in Spectrum",
        [job.problem, f"{known} Look in Spectrum for {_record(job)}.", follows],
    )


def _unknown(standing: Standing, job: ExportJob) -> Explanation:
    written, total = _progress(job)
    before = f"{written} of {total} calls {'was' if written == 1 else 'were'} written before it"
    return Explanation(
        "danger",
        "status-unknown",
        "Nobody knows whether Spectrum has it",
        [
            job.problem,
            f"Known: {before}, none was sent after it, and nothing is sent again before that is known.",
            *_what_is_not_known(standing, job),
        ],
    )


def _what_is_not_known(standing: Standing, job: ExportJob) -> list[str]:
    """Until when an absence proves nothing, who looks then, and what follows."""
    not_known = "Not known: whether Spectrum wrote that call. It may even do so some minutes late."
    choices = (
        "Look in Spectrum for "
        f"{_record(job)}, and say here what is there: all of it (it becomes Synced), none of it (it is sent "
        "again), or a part (the others can be sent then). Your words are kept."
    )
    if job.differences:
        return [
            "It was read back, and Spectrum holds something that is neither all of it, nor none, nor a part.",
            *_differences(job),
            choices,
        ]
    silent = ""
    if job.unreadable_since:
        silent = f"Spectrum's read-only database could not be asked since{_on(job.unreadable_since)[3:]}."
    if job.asks_a_person:
        not_known = f"{not_known} {silent}".strip()
        if standing.is_quiet:
            return [not_known, choices]
        return [
            not_known,
            f"From {_time(job.quiet_until)} on, an absence counts, and it can be resolved.",
            choices,
        ]
    if by_hand_from := job.by_hand_from:
        return [
            not_known,
            f"{silent} It is asked again every minute. If it stays silent, an approver can say what Spectrum "
            f"holds{_on(by_hand_from).replace(' on ', ' from ')} on.",
        ]
    return [
        not_known,
        f"At {_time(job.not_before)} Spectrum is asked what it holds, and the export goes on by itself with "
        "what is missing. Nobody has to do anything.",
    ]


_EXPLANATIONS = {
    JobStatus.QUEUED.value: _moving,
    JobStatus.EXPORTING.value: _moving,
    JobStatus.SYNCED.value: _synced,
    JobStatus.FAILED.value: _failed,
    JobStatus.INCOMPLETE.value: _incomplete,
    JobStatus.UNKNOWN.value: _unknown,
}


def _progress(job: ExportJob) -> tuple[int, int]:
    """How many calls of the plan are written, and how many there are."""
    states = list(job.current_calls().values_list("state", flat=True))
    return states.count(CallState.WRITTEN), len(states)


def _record(job: ExportJob) -> str:
    return f"vendor {job.vendor_code}, subcontract {job.erp_id}"


def _on(moment: datetime | None) -> str:
    return f" on {date_format(timezone.localtime(moment), 'j M Y, H:i')}" if moment else ""


def _time(moment: datetime | None) -> str:
    return date_format(timezone.localtime(moment), "H:i") if moment else ""
