"""The reconciliation page: what was compared when, and what drifts, by kind and page by page."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from directory.db import pagination
from directory.db.pagination import Page
from directory.db.prepared import Parameter
from directory.models import Company
from erp_integrations.models import Drift, DriftKind, JobStatus
from erp_integrations.models.listing import count_by_name
from erp_integrations.models.reconciliations import DriftQuerySet

ALL_KINDS = "all"
MAX_SHOWN_ISSUES = 4  # findings in a row; the review page and the spreadsheet have all
MAX_VALUE_LENGTH = 60  # characters of a value in a sentence


def build_drift_row(drift: Drift) -> dict[str, Any]:
    """One commitment that drifts, in which ways, and its first findings in a sentence each."""
    return {
        "drift": drift,
        "kinds": [str(DriftKind(kind).label) for kind in drift.kinds],
        "sentences": [describe_issue(issue) for issue in drift.findings[:MAX_SHOWN_ISSUES]],
        "hidden_count": max(0, len(drift.findings) - MAX_SHOWN_ISSUES),
    }


def list_drifts(company: Company | Parameter, kind: str = ALL_KINDS) -> DriftQuerySet:
    """Of one kind or of all; one query with what a row shows."""
    own_record = Q(job__status=JobStatus.SYNCED)
    drifts = Drift.objects.current().filter(own_record | ~Q(record_name=""), company=company)
    if kind != ALL_KINDS:
        drifts = drifts.filter(kinds__contains=[kind])
    return drifts.select_related("submission__project", "job").defer("submission__snapshot")


def get_page(company: Company, kind: str, parameters: Mapping[str, str]) -> Page[Drift]:
    """The page that the address names, newest drift first."""
    kept = {} if kind == ALL_KINDS else {"kind": kind}
    return pagination.get_page(list_drifts(company, kind), parameters, kept=kept)


@count_by_name
def count_by_kind(company: Parameter) -> dict[str, DriftQuerySet]:
    """How many commitments drift in each way, and at all; "100+" for more. One query."""
    return {kind: list_drifts(company, kind) for kind in (ALL_KINDS, *DriftKind.values)}


def describe_issue(issue: Mapping[str, str]) -> str:
    """One finding as a sentence for a page."""
    where = ", ".join(filter(None, [issue["title"], issue["name"]]))
    exported, now = _format_value(issue["exported"]), _format_value(issue["now"])
    match issue["kind"]:
        case DriftKind.MISSING:
            return f"{where} is not in Spectrum."
        case DriftKind.ELSEWHERE:
            return f"{where}: exported as {issue['exported']}, now {issue['now']} in Spectrum."
        case DriftKind.EXTRA_LINES:
            return f"Line not exported from here: {now}."
        case DriftKind.CHANGED_HERE:
            return f"{issue['name'] or where}: exported {exported}, now {now} here."
        case DriftKind.LATE:
            name = f"{issue['now'][:1].upper()}{issue['now'][1:]}"
            return f"{name} has appeared in Spectrum ({where}), where it was no longer expected."
    return f"{where}: exported {exported}, now {now} in Spectrum."


def _format_value(value: str) -> str:
    line = " ".join(value.split())
    if line in ("", "nothing"):
        return "nothing"
    return f"“{line}”" if len(line) <= MAX_VALUE_LENGTH else f"“{line[: MAX_VALUE_LENGTH - 1]}…”"
