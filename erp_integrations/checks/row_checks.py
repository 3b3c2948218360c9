"""The check that a waiting submission carries: by the dialog's function and the company's rules.

A worker keeps them current; nothing else writes them. What only Spectrum knows at the moment is not in them:
the dialog looks, and the worker before it writes.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import Count, Max, Q
from django.db.models.functions import Now
from rapidfuzz import fuzz, process

from commitments.models import ContractCompany, LineItem, Lock
from erp_integrations.adapters.base import Issue, ResponsibleParty, Severity
from erp_integrations.checks import budgets, preflight
from erp_integrations.checks.approval_basis import ApprovalBasis, build_basis
from erp_integrations.checks.rules import (
    MIN_COMPANY_HISTORY,
    MIN_SAME_NAME,
    Facts,
    NearName,
    Other,
    check_rules,
)
from erp_integrations.confirmations import pending_changes
from erp_integrations.models import (
    CheckInvalidation,
    CheckRule,
    SnapshotUnreadable,
    Submission,
    SubmissionCheck,
    SubmissionStatus,
    VendorLink,
    Verdict,
    WireAttempt,
)
from erp_integrations.models.row_checks import is_current
from erp_integrations.models.submissions import OPEN_STATUSES
from erp_integrations.name_matching import get_likeness, get_spelled_name
from erp_integrations.snapshots import Document

BATCH_SIZE = 50
LOCK_KEY = 3_155_716_001  # one worker at a time: what is marked and what is forgotten belong together
MAX_OTHERS = 300
MAX_REFUSALS = 1000
MAX_NEAR_NAMES = 3
MAX_CANDIDATES, MIN_LIKENESS = 25, 60  # as they are, before their words and slips are looked at
RECHECK_AFTER = timedelta(hours=24)  # figures of a whole company are that old at most
PARTIES = {
    ResponsibleParty.PROJECT: "Its project can correct this.",
    ResponsibleParty.ERP_ADMIN: "An ERP Integrations Admin can correct this.",
    ResponsibleParty.APPROVER: "You can correct this when you accept it.",
}
Names = dict[int, dict[str, str]]
"""Of each company the names of its vendors, and how they are compared."""


@dataclass(frozen=True, slots=True)
class RowCheck:
    """The result of a check. ``scopes`` name the writes after which it is checked again."""

    issues: Sequence[Issue]
    scopes: Sequence[str] = ()
    basis_hash: str = ""
    erp_id: str = ""
    account: str = ""

    @property
    def verdict(self) -> Verdict:
        if not self.issues:
            return Verdict.CLEAN
        return Verdict.BLOCKED if preflight.list_blocking(list(self.issues)) else Verdict.LOOK


def check_due_submissions() -> int:
    """Mark what has moved on, and check what is due, a batch at a time; how many were checked."""
    count = 0
    while checked := check_next_batch():
        count += checked
    return count


@transaction.atomic
def check_next_batch() -> int:
    """0 where nothing is due, or another worker is at it."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK_KEY])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("SELECT pg_current_snapshot()::text")  # before anything is read
        seen = cursor.fetchone()[0]
    requeue_outdated(seen)
    due = Submission.objects.filter(row_check__checked_at=None).awaiting()
    batch = list(due.select_related("company", "commitment").order_by("pk")[:BATCH_SIZE])
    names: Names = {}
    for submission in batch:
        found = check_submission(submission, names)
        issues = [asdict(each) for each in found.issues]
        SubmissionCheck.objects.filter(pk=submission.pk).update(
            verdict=found.verdict,
            headline=describe_first_issue(found.issues),
            issues=issues,
            basis_hash=found.basis_hash,
            erp_id=found.erp_id,
            account=found.account,
            scopes=sorted(set(found.scopes)),
            seen=seen,
            checked_at=Now(),
        )
    return len(batch)


def requeue_outdated(seen: str) -> None:
    """Have everything checked again on which a write has committed since, and forget these writes.

    One that a snapshot does not show yet stays, until it does.
    """
    noted = CheckInvalidation.objects.values_list("scope", flat=True)
    scopes = list(noted.distinct()[:10_000])
    outdated = SubmissionCheck.objects.filter(
        Q(scopes__overlap=scopes) | Q(checked_at__lt=Now() - RECHECK_AFTER)
    )
    outdated = outdated.exclude(scopes=[])
    waiting = Submission.objects.awaiting()
    outdated.filter(submission__in=waiting).update(checked_at=None)
    outdated.exclude(submission__in=waiting).update(scopes=[])  # decided: nothing rests on it any more
    with database.cursor() as cursor:
        cursor.execute(
            "DELETE FROM erp_integrations_checkinvalidation WHERE scope = ANY (%s) AND"
            " (pg_visible_in_snapshot(transaction, %s::pg_snapshot)"
            " OR transaction >= pg_snapshot_xmax(pg_current_snapshot()))",
            [scopes, seen],
        )


def check_submission(submission: Submission, names: Names | None = None) -> RowCheck:
    """Everything that the dialog lists, but for Spectrum's word of the moment, and what the rules say."""
    own_scopes = [f"commitment:{submission.commitment_id}"]
    try:
        document = submission.document
    except SnapshotUnreadable as error:
        issue = ("snapshot-unreadable", Severity.BLOCKING, str(error), "", "", ResponsibleParty.ERP_ADMIN)
        return RowCheck([Issue(*issue)], own_scopes)
    basis = build_basis(document)
    erp_id = basis.proposed_erp_id
    issues = preflight.check_export(basis, moment=preflight.Moment.EXPORT, erp_id=erp_id)
    if basis.has_unconfirmed_changes:
        issues += map(build_change_issue, pending_changes.list_for_document(document))
    if submission.restored_at:
        issues.append(build_restore_issue())
    if document.is_status:  # no rule is about one
        scopes = [*own_scopes, f"project:{submission.project_id}", f"connection:{submission.connection_id}"]
        return RowCheck(preflight.list_by_severity(issues), scopes, basis.hash, erp_id)
    facts = read_facts(submission, basis, {} if names is None else names)
    rules = {each.code: each for each in CheckRule.objects.filter(company=submission.company_id)}
    issues = preflight.list_by_severity([*issues, *check_rules(facts, rules)])
    return RowCheck(
        issues,
        [*own_scopes, *list_scopes(submission, basis, facts)],
        basis.hash,
        erp_id,
        basis.references.general_ledger_account,
    )


def list_current_checks(submissions: Collection[int]) -> dict[int, RowCheck]:
    """Of those on which nothing has moved since. One query."""
    checks = SubmissionCheck.objects.filter(is_current(), submission__in=submissions)
    return {
        each.pk: RowCheck(
            list(map(parse_issue, each.issues)), each.scopes, each.basis_hash, each.erp_id, each.account
        )
        for each in checks
    }


def parse_issue(stored: Mapping[str, Any]) -> Issue:
    parts = {name: stored[name] for name in ("code", "sentence", "field", "action")}
    party = ResponsibleParty(stored["responsible_party"])
    return Issue(**parts, severity=Severity(stored["severity"]), responsible_party=party)


def describe_first_issue(issues: Sequence[Issue]) -> str:
    """Why, and for a blocked one who can mend it."""
    if not issues:
        return ""
    first = issues[0]
    more = f" And {len(issues) - 1} more." if len(issues) > 1 else ""
    mended = f" {PARTIES[first.responsible_party]}" if first.severity is Severity.BLOCKING else ""
    return f"{first.sentence}{mended}{more}"


def build_change_issue(change: pending_changes.PendingChange) -> Issue:
    return Issue(
        "change-unconfirmed",
        Severity.WARNING,
        f"Nobody else has confirmed this change yet: {change.sentence}",
        "Spectrum",
        "Tick it in the Accept dialog if it is right.",
        ResponsibleParty.APPROVER,
    )


def build_restore_issue() -> Issue:
    return Issue(
        "restored",
        Severity.WARNING,
        "It came back with an older copy of the database, so it may be in Spectrum already.",
        "Spectrum",
        "Look there before you accept it.",
        ResponsibleParty.APPROVER,
    )


def list_scopes(submission: Submission, basis: ApprovalBasis, facts: Facts) -> Iterator[str]:
    """Each is noted by the database when what it names is written (migration 0036)."""
    document, company = basis.document, submission.company_id
    vendors = {document.contract_company_name, *(each.name for each in facts.near_names)}
    yield f"project:{submission.project_id}"
    yield f"company:{company}"
    yield f"total:{company}:{submission.total}"
    yield f"contract_company:{document.contract_company_id}"
    yield from (f"vendor:{company}:{name}" for name in {*vendors, *(each.vendor for each in facts.others)})
    if basis.connection:
        connection, references = basis.connection.pk, basis.references
        vendor_code = references.vendor_code.strip().upper()
        key = basis.get_key(basis.proposed_erp_id)
        yield f"connection:{connection}"
        yield f"refusals:{connection}"
        yield f"vendor-code:{connection}:{vendor_code}"
        yield f"job:{connection}:{references.job_number.strip().upper()}"
        yield f"erp-id:{connection}:{key.vendor_code.strip().upper()}:{key.erp_id.strip().upper()}"


def read_facts(submission: Submission, basis: ApprovalBasis, names: Names) -> Facts:
    """At most eight queries. ``names`` are those of a company's vendors, kept by whoever checks many."""
    document, company = basis.document, submission.company_id
    if company not in names:
        vendors = ContractCompany.objects.filter(company=company).values_list("name", flat=True)
        names[company] = {name: get_spelled_name(name) for name in vendors}
    others = Submission.objects.whole().filter(company=company, status__in=OPEN_STATUSES)
    others = others.exclude(commitment=submission.commitment_id).order_by("-pk")
    accepted = others.filter(status=SubmissionStatus.ACCEPTED)
    same_vendor = {document.contract_company_name, *list_names_of_vendor(basis)}
    near = find_near_names(document.contract_company_name, names[company], same_vendor)
    of_near = accepted.filter(contract_company_name__in=[name for name, _ in near]).order_by()
    counts = dict(of_near.values_list("contract_company_name").annotate(Count("pk")))
    close = [name for name, likeness in near if likeness >= MIN_SAME_NAME]
    is_alike = Q(total=submission.total) | Q(contract_company_name__in=close)
    return Facts(
        basis,
        submission.sent_at,
        others=list_others(others.filter(contract_company_name__in=same_vendor)),
        alike=list_others(others.filter(is_alike).exclude(contract_company_name__in=same_vendor)),
        near_names=[NearName(name, likeness, counts.get(name, 0)) for name, likeness in near],
        company_history=accepted[:MIN_COMPANY_HISTORY].count(),
        largest_lines=read_largest_lines(submission, [line.cost_code for line in document.lines]),
        account_was_used=is_used_account(submission, basis.references.general_ledger_account),
        refusals=list_refusals(basis),
        previous=find_previous_document(submission) if basis.was_sent_before else None,
        budgets=budgets.list_budgets(basis),
    )


def list_others(submissions: Any) -> list[Other]:
    columns = ("commitment_id", "number", "title", "contract_company_name", "total", "sent_at", "status")
    rows = submissions.values_list(*columns, "project__name", "commitment__default_retainage")
    return [Other(*row) for row in rows[:MAX_OTHERS]]


def list_names_of_vendor(basis: ApprovalBasis) -> list[str]:
    """The Contract Companies that are the same vendor in Spectrum."""
    links = VendorLink.objects.filter(connection=basis.connection, vendor_code=basis.references.vendor_code)
    return list(links.values_list("contract_company__name", flat=True)[:10])


def find_near_names(name: str, names: Mapping[str, str], same: set[str]) -> list[tuple[str, int]]:
    """The other names that are most like it, and how much, of 100."""
    ours, wanted = get_spelled_name(name), MAX_CANDIDATES + len(same)
    near = {
        theirs
        for scorer in (fuzz.ratio, fuzz.token_sort_ratio)
        for _, _, theirs in process.extract(
            ours, names, scorer=scorer, limit=wanted, score_cutoff=MIN_LIKENESS
        )
    }
    found = [(theirs, get_likeness(name, theirs)) for theirs in near - same]
    return sorted((each for each in found if each[1]), key=lambda each: -each[1])[:MAX_NEAR_NAMES]


def read_largest_lines(
    submission: Submission, codes: Collection[str]
) -> Mapping[tuple[str, str], tuple[int, Decimal]]:
    """Of the project's exported lines on these cost codes, by cost code and type."""
    lines = LineItem.objects.filter(
        cost_code__project=submission.project_id,
        cost_code__code__in=codes,
        commitment__lock=Lock.EXPORTED,
    ).exclude(commitment=submission.commitment_id)
    keyed = lines.values_list("cost_code__code", "cost_type__code")
    return {
        (code, kind or ""): (count, most)
        for code, kind, count, most in keyed.annotate(count=Count("pk"), most=Max("amount"))
    }


def is_used_account(submission: Submission, account: str) -> bool:
    checks = SubmissionCheck.objects.filter(submission__status=SubmissionStatus.ACCEPTED)
    checks = checks.filter(submission__company=submission.company_id, account=account)
    return checks.exclude(submission__commitment=submission.commitment_id).exists()


def list_refusals(basis: ApprovalBasis) -> list[tuple[Any, str]]:
    """Of calls with the same account, whose element the ERP names in its refusal."""
    account = basis.references.general_ledger_account
    if not account:
        return []
    refused = WireAttempt.objects.filter(outcome="refused", call__job__connection=basis.connection)
    newest = refused.order_by("-pk")[:MAX_REFUSALS].values("pk")
    refused = WireAttempt.objects.filter(pk__in=newest, call__elements__contains=[{"value": account}])
    rows = refused.order_by("-pk").values_list("finished_at", "reason", "call__elements")[:BATCH_SIZE]
    return [
        (at, reason)
        for at, reason, elements in rows
        if any(each["value"] == account and each["name"] in reason for each in elements)
    ]


def find_previous_document(submission: Submission) -> Document | None:
    earlier = Submission.objects.whole().filter(commitment=submission.commitment_id, pk__lt=submission.pk)
    previous = earlier.order_by("-pk").first()
    try:
        return previous.document if previous else None
    except SnapshotUnreadable:
        return None
