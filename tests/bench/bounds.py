"""Bounds that no machine changes, in a world of which the planner's statistics tell little: statements, rows.

`python -m tests.bench.bounds`, in the database that DATABASE_URL names. The last line counts the bounds.
"""

import gzip
import logging
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import django

MOST_ROWS = 5_000
COPY = "bench_copy"
"""The database in which it is measured."""
BASE = "/companies/measured/erp-integrations"


@dataclass(frozen=True)
class Page:
    """An address, and the most that it may cost: statements, rows read, bytes of HTML as they travel."""

    path: str
    statements: int
    rows: int = MOST_ROWS
    size: int = 10_000
    is_fragment: bool = False


PAGES = (
    Page(f"{BASE}/", 14),
    Page(f"{BASE}/commitments/", 10),
    Page(f"{BASE}/commitments/?view=exporting", 11),
    Page(f"{BASE}/commitments/?view=failed-to-export", 11),
    Page(f"{BASE}/commitments/?view=needs-attention", 12),  # more than a page: their sum is asked
    Page(f"{BASE}/commitments/?view=synced", 11),
    Page(f"{BASE}/commitments/?view=rejected", 10),
    Page(f"{BASE}/commitments/?view=all", 11),
    Page(f"{BASE}/commitments/?q=nosuchthing", 10),  # and what other filters have
    Page(f"{BASE}/commitments/?view=all&q=nosuchthing", 10),
    Page(f"{BASE}/commitments/?view=all&q=9,999,999.99", 10),
    Page(f"{BASE}/commitments/?view=all&sender=nosuchperson", 10),
    Page(f"{BASE}/commitments/?view=synced&vendor=nosuchthing", 10),
    Page(f"{BASE}/commitments/?group=project", 12),
    Page(f"{BASE}/commitments/?view=all&q=concrete", 13, rows=7_000),  # 2,000 of them are counted
    Page(f"{BASE}/commitments/?view=all&q={{number}}", 12),
    Page("/projects/{project}/commitments/", 13),
    Page("/projects/{project}/commitments/?sort=-amount", 13),
    Page("/projects/{project}/commitments/?search=nosuchthing", 12),
    Page("/projects/{project}/commitments/?search=concrete", 13),
    Page(f"{BASE}/commitments/{{awaiting}}/", 21),
    Page(f"{BASE}/commitments/{{awaiting}}/accept/", 12, is_fragment=True),
    Page(f"{BASE}/commitments/{{awaiting}}/reject/", 12, is_fragment=True),
    Page(f"{BASE}/commitments/rows/?row={{rows}}", 8, is_fragment=True),
    Page(f"{BASE}/commitments/{{exporting}}/progress/", 20, is_fragment=True),
    Page(f"{BASE}/vendors/", 15),
    Page(f"{BASE}/jobs/", 12),
    Page(f"{BASE}/cost-codes/", 15),
    Page(f"{BASE}/units/", 15),
    Page(f"{BASE}/reconciliation/", 13),
    Page(f"{BASE}/approvers/", 19),
    Page(f"{BASE}/history/", 14),
    Page(f"{BASE}/history/?q=nosuchthing", 15),
    Page(f"{BASE}/history/?q=concrete", 18),
    Page(f"{BASE}/history/?q={{number}}", 18),
)
MOST_OF_AN_ACCEPT = 15
UNTIL_KEPT = 7
"""PostgreSQL plans a kept statement anew for the values of five calls, and then perhaps for any values."""


class Bounds:
    """A measured figure beside its bound."""

    def __init__(self) -> None:
        self.count = self.met = 0

    def check(self, name: str, measured: float, bound: float) -> None:
        is_met = measured <= bound
        self.count += 1
        self.met += is_met
        print(f"{'   ' if is_met else 'OUT'} {name:70} {measured:10,.0f} of {bound:10,.0f}", flush=True)


def main() -> int:
    django.setup()
    logging.disable(logging.WARNING)
    bounds = Bounds()
    _measure(bounds)
    print(f"bounds {bounds.count} met {bounds.met}")
    return int(bounds.met < bounds.count)


def _measure(bounds: Bounds) -> None:
    # After Django's setup.
    from directory.models import User
    from erp_integrations.exports import worker
    from erp_integrations.models import Submission
    from tests.bench.world import MEASURED
    from tests.clients import signed_in

    person = User.objects.get(email=f"approver@{MEASURED}.test")
    client = signed_in(person)
    of_company = Submission.objects.filter(company__slug=MEASURED)
    awaiting = of_company.awaiting().order_by("-pk")[0]
    on_project = signed_in(awaiting.sent_by)
    names = {
        "awaiting": awaiting.pk,
        "exporting": of_company.exporting().order_by("-pk")[0].pk,
        "rows": "&row=".join(str(each.pk) for each in of_company.awaiting().order_by("pk")[:50]),
        "number": of_company.synced().order_by("pk")[0].number,
        "project": awaiting.project_id,
    }
    for page in PAGES:
        path = page.path.format(**names)
        headers = {"HX-Request": "true"} if page.is_fragment else {}

        def ask(path: str = path, headers: dict[str, str] = headers) -> Any:
            return (on_project if path.startswith("/projects/") else client).get(path, headers=headers)

        for _ in range(UNTIL_KEPT):
            ask()
        answer, statements, rows = count(ask)
        assert answer.status_code == 200, (path, answer.status_code)
        bounds.check(f"{page.path}: statements", statements, page.statements)
        bounds.check(f"{page.path}: rows read", rows, page.rows)
        bounds.check(f"{page.path}: bytes", len(gzip.compress(answer.content)), page.size)
    for waiting in of_company.awaiting().order_by("-pk")[: UNTIL_KEPT + 1]:
        path = f"{BASE}/commitments/{waiting.pk}/accept/"
        shown = client.get(path, headers={"HX-Request": "true"}).content.decode()
        entered = dict(
            re.findall(r'name="(expected_hash|expected_version|erp_id)"[^>]*value="([^"]*)"', shown)
        )

        def accept(path: str = path, entered: dict[str, str] = entered) -> Any:
            return client.post(path, entered, headers={"HX-Request": "true"})

        answer, statements, rows = count(accept)
        assert answer.status_code == 200, answer.content
    bounds.check("accept: statements, BEGIN and COMMIT aside", statements, MOST_OF_AN_ACCEPT)
    bounds.check("accept: rows read", rows, MOST_ROWS)
    for _ in range(UNTIL_KEPT):
        worker.run_sweep()
    _, _, rows = count(worker.run_sweep)
    bounds.check("a worker's sweep: rows read", rows, MOST_ROWS)


def count(act: Callable[[], Any]) -> tuple[Any, int, int]:
    """The result, its statements but for BEGIN and COMMIT, and the rows that were read for them."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    before = _read_rows()
    with CaptureQueriesContext(connection) as captured:
        result = act()
    statements = [each["sql"] for each in captured if each["sql"] not in ("BEGIN", "COMMIT")]
    return result, len(statements), _read_rows() - before


def _read_rows() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        # What a session has read is counted for others when it is idle for a second, or told to.
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT 1")
        cursor.execute("SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables")
        return int(cursor.fetchone()[0])


if __name__ == "__main__":
    sys.exit(main())
