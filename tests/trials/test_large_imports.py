"""Ten thousand commitments with sixty thousand lines: checked, and written, by a worker's process."""

import csv
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from openpyxl import Workbook

from commitments import imports
from commitments.models import Commitment, Import, ImportState, LineItem
from directory.models import Level, Project
from tests.embedded_services import ENVIRONMENT
from tests.factories import (
    ContractCompanyFactory,
    CostCodeFactory,
    CostTypeFactory,
    CreatorFactory,
    ProjectFactory,
    join_project,
)

COUNT = int(os.environ.get("IMPORTS_TRIAL_COMMITMENTS", "10000"))
HEAD = "Project,Number,Vendor,Title,Issue date,Cost code,Cost type,Description,Qty,Unit,Unit price,Amount"
WORK = """
import django
django.setup()
import config.worker
from commitments import imports
imports.run_due_imports()
print(next(each.split()[1] for each in open("/proc/self/status") if each.startswith("VmHWM")))
"""


def run_worker() -> tuple[float, int]:
    """Seconds, and megabytes at most, its start included."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    environment = {
        **os.environ,
        **ENVIRONMENT,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", WORK], env=environment, capture_output=True, check=False, text=True
    )
    assert not done.returncode, done.stderr
    return time.monotonic() - began, int(done.stdout) // 1024


def list_rows(
    projects: list[Project], vendors: list[str], codes: list[str]
) -> Iterator[tuple[list[str], Decimal]]:
    for at in range(COUNT):
        for line in range(6):
            row = [projects[at % 10].name, f"SC-{at:05}", vendors[at % 500], f"Work of number {at}"]
            row += ["2025-03-31", codes[(at + line) % 40], "S", f"Part {line} of {at}", "1", "LS"]
            yield row, Decimal(at * 600 + line * 7 + 1) / 100


@pytest.mark.django_db(transaction=True)
def test_many_commitments_are_imported_once_and_whole() -> None:
    projects = [ProjectFactory()]
    company = projects[0].company
    projects += [ProjectFactory(company=company) for _ in range(9)]
    person = CreatorFactory(project=projects[0])
    for project in projects[1:]:
        join_project(person, project, Level.STANDARD)
    vendors = [ContractCompanyFactory(company=company, name=f"Vendor {at}").name for at in range(500)]
    codes = [f"{at:02}-100" for at in range(40)]
    for project in projects:
        for code in codes:
            CostCodeFactory(project=project, code=code)
    CostTypeFactory(company=company, code="S")
    text, book, file = io.StringIO(), Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet()
    writer = csv.writer(text)
    for write in (writer.writerow, sheet.append):
        write(HEAD.split(","))
    total = Decimal(0)
    for row, amount in list_rows(projects, vendors, codes):
        total += amount
        writer.writerow([*row, str(amount), f"{amount:,.2f}"])
        sheet.append([*row, float(amount), float(amount)])
    book.save(file)
    contents = {"csv": text.getvalue().encode(), "xlsx": file.getvalue()}
    took: list[str] = []

    def begin(kind: str) -> Import:
        upload = SimpleUploadedFile(f"a.{kind}", contents[kind])
        found = imports.create_import(company=company, by=person, kind="commitments", file=upload)
        assert found.is_large
        imports.set_columns(found=found, places=found.table["places"], options={})
        seconds, megabytes = run_worker()
        took.append(f"{kind} of {len(contents[kind])} bytes {seconds:.1f} s {megabytes} MB")
        found.refresh_from_db()
        assert found.result["problems"] == []
        return found

    assert begin("xlsx").result["count"] == COUNT
    found = begin("csv")
    imports.start(found, ImportState.WRITING, (ImportState.CHECKED,))
    seconds, megabytes = run_worker()
    took.append(f"checked again and written {seconds:.1f} s {megabytes} MB")
    found.refresh_from_db()
    assert found.state == ImportState.DONE
    assert begin("csv").result["count"] == begin("xlsx").result["count"] == 0  # all is here by now
    assert (Commitment.objects.count(), LineItem.objects.count()) == (COUNT, 6 * COUNT)
    amounts = LineItem.objects.values_list("amount", flat=True)
    assert sum(filter(None, amounts), Decimal(0)) == total
    if name := os.environ.get("IMPORTS_TRIAL_REPORT"):
        with Path(name).open("a") as report:
            report.write("\n".join([*took, f"commitments {COUNT} lines {6 * COUNT} amount {total}"]) + "\n")
