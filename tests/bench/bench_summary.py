"""The daily summary of 10,000 that await 500 approvers: memory, statements and time, in a process of its own.

The worst that is likely: half of the approvers may not decide on some of the oldest, so that what they are
shown differs from person to person.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from erp_integrations.models import Submission
from local.programs import ROOT
from tests.bench.stage import environment_of_processes
from tests.erp_integrations.emails.test_daily_summaries import fill
from tests.factories import ApproverFactory, SubmissionFactory
from tests.local.test_mail import start

pytestmark = pytest.mark.django_db(transaction=True)

AWAITING, APPROVERS = 10_000, 500
MINE = "import django; django.setup(); from tests.bench.bench_summary import measure; measure()"


def test_a_summary_of_ten_thousand_for_five_hundred(tmp_path: Path, report: Callable[[str], None]) -> None:
    waiting = fill(SubmissionFactory(), AWAITING)
    company = waiting[0].company
    oldest = list(Submission.objects.order_by("sent_at", "pk")[: APPROVERS // 10])
    catcher = start(tmp_path)
    try:
        # The second time those of the first have theirs already.
        for count in (APPROVERS // 5, APPROVERS):
            people = ApproverFactory.create_batch(count, company=company)
            for number, person in enumerate(people[::2]):
                for submission in (oldest[number % len(oldest)], oldest[number // 7 % len(oldest)]):
                    submission.hands = sorted({*submission.hands, person.pk})
                    submission.save(update_fields=["hands"])
            environment = environment_of_processes() | {"EMAIL_URL": f"smtp://127.0.0.1:{catcher.smtp_port}"}
            command = [sys.executable, "-c", MINE]
            done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            each = {name: found[name] / found["stored"] for name in ("store", "asked", "send", "sending")}
            report(
                f"{found['stored']} summaries: {found['memory']:.0f} MB, {found['before']:.0f} before; "
                f"stored in {each['store'] * 1000:.1f} ms and {each['asked']:.2f} statements each, "
                f"sent in {each['send'] * 1000:.1f} ms and {each['sending']:.2f} (processor time)"
            )
    finally:
        catcher.stop()


def measure() -> None:
    """Store and send what is due, and print what it took."""
    from django.db import connection

    from erp_integrations.emails import daily_summaries
    from notifications import sending

    asked = 0

    def count(execute: Callable[..., Any], *rest: Any) -> Any:
        nonlocal asked
        asked += 1
        return execute(*rest)

    found: dict[str, float] = {"before": read_peak()}
    with connection.execute_wrapper(count):
        began = time.process_time()
        found["stored"] = daily_summaries.store_due_summaries(regardless_of_hour=True)
        found["store"], found["asked"] = time.process_time() - began, asked
        asked, began = 0, time.process_time()
        while sending.send_due_emails():
            pass
        found["send"], found["sending"] = time.process_time() - began, asked
    print(json.dumps(found | {"memory": read_peak()}))


def read_peak() -> float:
    """Megabytes since the process began."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000
