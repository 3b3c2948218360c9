"""The reconciliation page: what was compared when, and what drifts, by kind and page by page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q, Value

from directory.db import pagination
from directory.db.pagination import Page
from directory.models import Company
from erp_integrations.models import Drift, DriftKind, JobStatus
from erp_integrations.models.reconciliations import DriftQuerySet

EVERYTHING = "all"
COUNTED_TO = 100  # nobody reads a larger number, and counting it costs
SHOWN = 4  # findings in a row; the review page and the spreadsheet have all
LONGEST = 60  # characters of a value in a sentence


@dataclass(frozen=True, slots=True)
class Row:
    """One commitment that drifts, and in which way."""

    drift: Drift

    @property
    def kinds(self) -> list[str]:
        """In words."""
        return [str(DriftKind(kind).label) for kind in self.drift.kinds]

    @property
    def sentences(self) -> list[str]:
        """The first findings, one sentence each."""
        return [in_words(finding) for finding in self.drift.findings[:SHOWN]]

    @property
    def more(self) -> int:
        """How many findings are not among them."""
        return max(0, len(self.drift.findings) - SHOWN)


def drifts_of(company: Company, kind: str = EVERYTHING) -> DriftQuerySet:
    """What drifts now, of one kind or of all; one query with what a row shows."""
    own = Q(job__status=JobStatus.SYNCED)
    drifts = Drift.objects.current().filter(own | ~Q(record_name=""), company=company)
    if kind != EVERYTHING:
        drifts = drifts.filter(kinds__contains=[kind])
    return drifts.select_related("submission__project", "job").defer("submission__snapshot")


def get_page(company: Company, kind: str, parameters: Mapping[str, str]) -> Page[Drift]:
    """The page that the address names, newest drift first."""
    kept = {} if kind == EVERYTHING else {"kind": kind}
    return pagination.get_page(drifts_of(company, kind), parameters, kept=kept)


def counts(company: Company) -> dict[str, str]:
    """How many commitments drift in each way, and at all; "100+" for more. One query."""
    parts = [
        drifts_of(company, kind)
        .select_related(None)
        .order_by()
        .annotate(place=Value(kind))
        .values_list("place", flat=True)[: COUNTED_TO + 1]
        for kind in (EVERYTHING, *DriftKind.values)
    ]
    counted = Counter(parts[0].union(*parts[1:], all=True))
    return {
        kind: f"{COUNTED_TO}+" if counted[kind] > COUNTED_TO else str(counted[kind])
        for kind in (EVERYTHING, *DriftKind.values)
    }


def in_words(finding: Mapping[str, str]) -> str:
    """One finding as a sentence for a page."""
    where = ", ".join(filter(None, [finding["title"], finding["name"]]))
    exported, now = _short(finding["exported"]), _short(finding["now"])
    match finding["kind"]:
        case DriftKind.MISSING:
            return f"{where} is not in Spectrum."
        case DriftKind.ELSEWHERE:
            return f"{where}: exported as {finding['exported']}, and now in Spectrum as {finding['now']}."
        case DriftKind.EXTRA_LINES:
            return f"A line that was not exported: {now}."
        case DriftKind.CHANGED_HERE:
            return f"{finding['name'] or where}: {exported} was exported, {now} is here."
        case DriftKind.LATE:
            name = f"{finding['now'][:1].upper()}{finding['now'][1:]}"
            return f"{name} stands in Spectrum ({where}), though nobody expected it there any more."
    return f"{where}: {exported} was exported, {now} is in Spectrum."


def sentences(findings: Sequence[Mapping[str, str]], kind: DriftKind) -> list[str]:
    """The findings of one kind, each as a sentence."""
    return [in_words(finding) for finding in findings if finding["kind"] == kind]


def _short(value: str) -> str:
    line = " ".join(value.split())
    if line in ("", "nothing"):
        return "nothing"
    return f"“{line}”" if len(line) <= LONGEST else f"“{line[: LONGEST - 1]}…”"
