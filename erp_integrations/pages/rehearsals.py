"""A rehearsal: what would become of the commitments of a file if each were approved and sent today.

By the checks that stand before Send and before the wire, on Spectrum's lists as last read, and with one look
at what Spectrum holds. Nothing is written, there or here: our database is read where it can't be written.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection as database
from django.db import transaction

from commitments.importing import FileCommitment, Reading
from commitments.models import SENDABLE_STATUSES, Commitment, LineItem, Lock
from erp_integrations.adapters.base import MAX_RECORDS_AT_ONCE, Call, Key, Unavailable
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.checks.moved_records import find_owners
from erp_integrations.models import Connection
from erp_integrations.snapshots import build_document

BATCH_SIZE = 100
GROUPS = {
    "blocked": None,
    "unlinked": re.compile("vendor-not-linked|job-not-linked|contract-company-missing"),
    "doubled": re.compile("erp-id-(taken|awaiting|seen)|twice-in-file|here-already|in-spectrum|elsewhere"),
    "over width": re.compile(".*-too-long$"),
    "cut": re.compile("cut-"),
}
"""By the codes of their causes; blocked is whatever would not go."""


@dataclass
class Rehearsed:
    """One commitment. ``causes`` are sentences by their code."""

    found: FileCommitment
    connection: Connection | None = None
    key: Key | None = None
    calls: tuple[Call, ...] = ()
    causes: dict[str, str] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)

    @property
    def is_blocked(self) -> bool:
        return "blocked" in self.groups

    def add_cause(self, code: str, sentence: str, *, blocks: bool = True) -> None:
        self.causes.setdefault(code, sentence)
        self.groups |= {name for name, codes in GROUPS.items() if (codes.match(code) if codes else blocks)}


def build_rehearsal(
    reading: Reading, progress: Callable[[int], None], only: Connection | None = None
) -> dict[str, Any]:
    """``only`` leaves out whatever goes elsewhere. Groups and causes come with their count and money."""
    found = list(reading.commitments.values())
    rehearsed: list[Rehearsed] = []
    for start in range(0, len(found), BATCH_SIZE):
        with transaction.atomic():
            with database.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            checked = [check_commitment(each, reading) for each in found[start : start + BATCH_SIZE]]
        rehearsed += [each for each in checked if only in (None, each.connection)]
        progress(len(rehearsed))
    counts = Counter((each.connection, each.key) for each in rehearsed if each.key)
    for each in rehearsed:
        if each.key and counts[each.connection, each.key] > 1:
            each.add_cause("twice-in-file", "Two of the file would be one subcontract in Spectrum.")
    connections = {each.connection for each in rehearsed}
    notes = [note for each in connections if each for note in look(each, rehearsed)]
    having: defaultdict[str, list[Rehearsed]] = defaultdict(list)
    for each in rehearsed:
        for code in each.causes:
            having[code].append(each)
    commonest = sorted(having.items(), key=lambda item: -len(item[1]))  # in the words of the first
    rows = sum(len(each.found.rows) for each in rehearsed) if only else reading.rows
    clean = sum(len(each.found.rows) for each in rehearsed if not each.is_blocked)
    return {
        "groups": [describe(name, [each for each in rehearsed if name in each.groups]) for name in GROUPS],
        "causes": [describe(each[0].causes[code], each) for code, each in commonest],
        "notes": notes,
        "line": f"rows {rows} clean {clean} blocked {rows - clean} written 0",
    }


def check_commitment(found: FileCommitment, reading: Reading) -> Rehearsed:
    """As Send would check it, had it the status that it takes."""
    stored = found.stored
    commitment = Commitment(
        pk=stored.pk if stored else None,
        project=found.project,
        kind=found.kind,
        number=found.number,
        status=SENDABLE_STATUSES[found.kind][0],
        created_by_id=reading.by.pk if reading.by else 0,
        **found.values,
    )
    lines = [
        LineItem(commitment=commitment, position=at, **line) for at, line in enumerate(found.lines, start=1)
    ]
    document = build_document(commitment, lines)
    basis = build_basis(document)
    erp_id = basis.proposed_erp_id
    issues = preflight.check_export(basis, moment=preflight.Moment.SEND, erp_id=erp_id)
    rehearsed, blocking = Rehearsed(found, basis.connection), preflight.list_blocking(issues)
    for issue in issues:
        rehearsed.add_cause(issue.code, issue.sentence, blocks=issue in blocking)
    if reading.problem_rows.intersection(found.rows):
        rehearsed.add_cause("not-read", "A row of it can't be read.")
    if stored and stored.lock != Lock.NONE:
        rehearsed.add_cause("here-already", "It is with accounting, or in Spectrum, already.")
    if basis.connection and basis.references.vendor_code and erp_id:
        rehearsed.key = basis.get_key(erp_id)
    if not rehearsed.is_blocked:
        rehearsed.calls = basis.build_calls(erp_id=erp_id)
        if cut := [element.name for call in rehearsed.calls for element in call.elements if element.cut]:
            rehearsed.add_cause(f"cut-{cut[0]}", f"{cut[0]} is cut, or respelled.", blocks=False)
    return rehearsed


def look(connection: Connection, rehearsed: list[Rehearsed]) -> Iterator[str]:
    """Have each that Spectrum holds already said so; and a sentence where nobody can look."""
    adapter = get_adapter(connection)
    mine = [each for each in rehearsed if each.connection == connection and each.key]
    if not adapter.has_read_back:
        yield f"{connection} has no read-back: whether Spectrum has any of it already was not looked for."
        return
    for start in range(0, len(mine), MAX_RECORDS_AT_ONCE):
        batch = mine[start : start + MAX_RECORDS_AT_ONCE]
        records = adapter.find_records([each.key for each in batch if each.key])
        if isinstance(records, Unavailable):
            yield f"{connection} can't be asked whether it has any of it already. {records.reason}"
            return
        for each in batch:
            if each.key in records:
                each.add_cause("in-spectrum", "Spectrum has a subcontract of this vendor and number.")
        planned = [each for each in batch if each.calls and not each.is_blocked]
        moved = adapter.find_moved_records([each.calls for each in planned])
        if isinstance(moved, Unavailable):
            yield f"{connection} can't be asked whether it has any under other numbers. {moved.reason}"
            return
        owned = find_owners(connection, {record.key for records in moved for record in records})
        for each, elsewhere in zip(planned, moved, strict=True):
            if any(record.key not in owned for record in elsewhere):
                each.add_cause("elsewhere", "Spectrum has its job and lines under another number.")


def describe(name: str, having: list[Rehearsed]) -> list[str]:
    amount = sum((each.found.total for each in having), Decimal("0.00"))
    return [name, f"{len(having):,}", f"{amount:,.2f}", ", ".join(each.found.number for each in having[:5])]
