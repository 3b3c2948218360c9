"""The plan as Spectrum would store it if it were accepted now, and everything that stands in the way."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from erp_integrations.adapters.base import (
    Call,
    ErpReferences,
    Issue,
    MovedRecord,
    ResponsibleParty,
    StoredRecord,
    StoredValue,
)
from erp_integrations.checks import budgets, preflight, row_checks
from erp_integrations.checks.approval_basis import ApprovalBasis, build_basis
from erp_integrations.checks.budgets import PhaseBudget
from erp_integrations.checks.rules import RULE_PREFIX
from erp_integrations.confirmations import pending_changes
from erp_integrations.confirmations.pending_changes import PendingChange
from erp_integrations.exports import existing_record
from erp_integrations.exports.existing_record import ExistingRecord
from erp_integrations.models import Connection, Submission, SubmissionStatus
from erp_integrations.pages import live_checks
from erp_integrations.pages.live_checks import KeyState, LiveCheck

ERP_ID = "ERP ID"  # the field of an issue
RESPONSIBLE_PARTIES = (ResponsibleParty.PROJECT, ResponsibleParty.ERP_ADMIN, ResponsibleParty.APPROVER)


@dataclass(frozen=True, slots=True)
class Preview:
    """``calls`` is every element of every call; empty when something blocks. ``notes_topic`` is where
    the approver's note goes in the ERP; blank: it does not.

    ``expected_hash`` is what an acceptance of exactly this must carry; ``live_check`` is what Spectrum said
    just now, which counts as an issue too and is no part of the hash. ``adoptable`` is what stands
    in Spectrum where it can be accepted without writing it, and ``adoptable_calls`` what that would accept.
    ``erp_references`` say where the links lead, ``changes`` what of that waits for a second person, and
    ``needs_number_lookup`` that a number was typed of which only a person can say that it is free, and
    ``is_being_checked`` that the company's rules have not been asked since something moved on.
    ``budgets`` is the money on the cost codes, which is no part of the hash: it moves with every cost.
    ``changed_values`` are Spectrum's where something else was entered, by the line's position.
    """

    erp_id: str
    expected_hash: str
    issues: list[Issue]
    calls: tuple[Call, ...]
    live_check: LiveCheck
    notes_topic: str = ""
    adoptable: ExistingRecord | None = None
    adoptable_calls: tuple[Call, ...] = ()
    erp_references: ErpReferences = field(default_factory=ErpReferences)
    connection: Connection | None = None
    changes: list[PendingChange] = field(default_factory=list)
    needs_number_lookup: bool = False
    is_being_checked: bool = False
    budgets: list[PhaseBudget] = field(default_factory=list)
    changed_values: Mapping[int, Sequence[StoredValue]] = field(default_factory=dict)
    was_sent_before: bool = True

    @property
    def is_blocked(self) -> bool:
        return not self.calls

    @property
    def over_budget(self) -> list[PhaseBudget]:
        return [each for each in self.budgets if each.over]

    @property
    def responsible_party(self) -> ResponsibleParty | None:
        """Who mends what blocks; None if nothing does. Before the project has, nothing else helps."""
        parties = {issue.responsible_party for issue in preflight.list_blocking(self.issues)}
        return next((party for party in RESPONSIBLE_PARTIES if party in parties), None)


def build_preview(
    submission: Submission, *, erp_id: str | None = None, note: str = "", ticked: Collection[str] = ()
) -> Preview:
    """Look at a submission as the export would, under the proposed ERP ID or another one.

    ``ticked`` are records elsewhere that the person says are others. At most fourteen queries. Not to be
    called inside a transaction: it may wait for Spectrum.
    """
    basis = build_basis(submission.document)
    number = basis.proposed_erp_id if erp_id is None else erp_id
    issues = preflight.check_export(basis, moment=preflight.Moment.EXPORT, erp_id=number, note=note)
    planned = () if preflight.list_blocking(issues) else basis.build_calls(erp_id=number, note=note)
    live, live_issues = run_live_checks(submission, basis, number, ticked)
    check = row_checks.list_current_checks([submission.pk]).get(submission.pk)
    of_rules = [each for each in check.issues if each.code.startswith(RULE_PREFIX)] if check else []
    issues = preflight.list_by_severity([*live_issues, *issues, *of_rules])
    adoptable = _find_adoptable_record(live, issues)
    blocking = preflight.list_blocking(issues)
    # Of a number that can't be used nobody is told that it is free, or asked to look.
    is_number_refused = any(issue.field == ERP_ID for issue in blocking)
    if is_number_refused and live.state in (KeyState.NOT_ASKED, KeyState.FREE):
        live = replace(live, sentence="")
    return Preview(
        erp_id=number,
        expected_hash=basis.hash,
        issues=issues,
        calls=() if blocking else planned,
        live_check=live,
        notes_topic=basis.connection.notes_topic if basis.connection else "",
        adoptable=adoptable,
        adoptable_calls=planned if adoptable else (),
        erp_references=basis.references,
        connection=basis.connection,
        changes=pending_changes.list_for_document(basis.document),
        needs_number_lookup=basis.is_unchecked_erp_id(number) and not is_number_refused,
        is_being_checked=check is None and submission.status == SubmissionStatus.AWAITING,
        budgets=[] if basis.document.is_status else budgets.list_budgets(basis),
        changed_values=basis.adapter.list_changed_values(basis.document, planned),
        was_sent_before=basis.was_sent_before,
    )


def build_rejection_reason(submission: Submission, *, limit: int) -> str:
    """All that its project must change before an export, in the issues' own sentences: as many as fit."""
    basis = build_basis(submission.document)
    moment, number = preflight.Moment.EXPORT, basis.proposed_erp_id
    reason = ""
    for issue in preflight.list_blocking(preflight.check_export(basis, moment=moment, erp_id=number)):
        said = f"{reason}\n{issue.sentence} {issue.action}".strip()
        if issue.responsible_party is ResponsibleParty.PROJECT and len(said) <= limit:
            reason = said
    return reason


def find_existing_record(submission: Submission) -> ExistingRecord | None:
    """The record now where it would be written; None: nothing, or nobody can tell in time."""
    adapter, key, calls = existing_record.build_plan(submission)
    if not (adapter.has_read_back and calls) or submission.new_status:
        return None
    found = live_checks.fetch_in_time(lambda: adapter.find_record(key))
    if not isinstance(found, StoredRecord):
        return None
    return existing_record.compare_record(adapter, key, calls, found)


def check_before_accept(
    submission: Submission, *, erp_id: str, ticked: Collection[str] = ()
) -> tuple[bool, list[MovedRecord]]:
    """Ask Spectrum now whether something stands in the way; and the records that are ticked off.

    That is somebody else's record under the ERP ID, its own under another key, or a vendor, job or phase
    that was closed since the lists were read. Not to be called inside a transaction either. Nothing is
    asked where nothing can be read back.
    """
    if not submission.connection.has_read_back:
        return False, []
    live, live_issues = run_live_checks(submission, build_basis(submission.document), erp_id, ticked)
    dismissed = [each for each in live.moved if each.fingerprint in ticked]
    return bool(preflight.list_blocking(live_issues)), dismissed


def _find_adoptable_record(live: LiveCheck, issues: list[Issue]) -> ExistingRecord | None:
    """A record that stands there, where nothing else is in the way and writing it is needless or wrong."""
    existing = live.existing_record
    if existing is None or preflight.list_blocking([each for each in issues if each != live.issue]):
        return None
    is_own = live.state is KeyState.OURS
    return existing if existing.is_whole or (existing.can_be_adopted and not is_own) else None


def run_live_checks(
    submission: Submission, basis: ApprovalBasis, erp_id: str, ticked: Collection[str]
) -> tuple[LiveCheck, list[Issue]]:
    """Spectrum's word on the ERP ID, and all that stands in the way by it."""
    if basis.document.is_status:  # the worker looks whether its record is there
        return LiveCheck(KeyState.NOT_ASKED), []
    live = live_checks.check_erp_id(submission, basis, erp_id, ticked)
    live_issues = [live.issue] if live.issue else []
    if live.state is not KeyState.CANNOT_TELL:  # whoever does not answer is not waited for twice
        live_issues += live_checks.check_references(basis)
    return live, live_issues
