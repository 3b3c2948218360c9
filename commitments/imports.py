"""A file that becomes commitments, or what they choose from: looked at, checked, rehearsed, and written, all
or nothing. What is large is a worker's; the row says how far it is.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta
from io import BytesIO
from itertools import islice
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from commitments import importing
from commitments.choices import rehearsals
from commitments.files import clean_name
from commitments.forms import clean_text
from commitments.importing import Reading, find_projects, read_commitments
from commitments.lists import COST_CODE, PROJECT, VENDOR, ListKind, add_rows, check_rows
from commitments.models import (
    WORKING,
    ContractCompany,
    CostCode,
    CostType,
    Import,
    ImportKind,
    ImportState,
)
from directory.columns import MOST_ABOVE, SAMPLE_SIZE, Column, Table, find_table, parse_heading
from directory.db.leases import LeaseLost
from directory.models import WORKING_LEVELS, Company, Level, Project, ProjectMembership, User
from directory.rights.permissions import (
    RightMissing,
    can_create_commitments,
    can_review_approvers,
)
from directory.row_files import MOST_ROWS, Row, RowsRefused, count_bytes, read_file
from directory.wakeup import wake

logger = logging.getLogger(__name__)

SMALL = 1_000_000
"""Bytes, unpacked, that are read while the person waits: some thousand rows."""
LEASE = timedelta(minutes=10)
MOST_ATTEMPTS = 3
KEPT_FOR = timedelta(days=30)
LIST_KINDS: dict[str, ListKind] = {
    ImportKind.VENDORS: VENDOR,
    ImportKind.PROJECTS: PROJECT,
    ImportKind.COST_CODES: COST_CODE,
}
Checked = tuple[dict[str, Any], Callable[[], None], Reading | None]
"""The result of a file, and what writes it; of commitments, they themselves."""
COLUMNS: dict[str, tuple[Column, ...]] = {
    ImportKind.COMMITMENTS: importing.COLUMNS,
    ImportKind.VENDORS: VENDOR.columns,
    ImportKind.PROJECTS: PROJECT.columns,
    ImportKind.COST_CODES: (importing.PROJECT_COLUMN, *COST_CODE.columns),
}


def list_kinds(user: User, company: Company) -> list[ImportKind]:
    """Those that the person may import anything of, whatever number of projects they have."""
    projects = Project.objects.visible_to(user).filter(company=company)
    memberships = ProjectMembership.objects.filter(user=user, user__is_active=True, project__in=projects)
    levels = {*memberships.values_list("commitments_level", flat=True)}
    found = []
    if levels & {*WORKING_LEVELS}:
        found.append(ImportKind.COMMITMENTS)
    if can_review_approvers(user, company):
        found += [ImportKind.VENDORS, ImportKind.PROJECTS]
    if Level.ADMIN in levels:
        found.append(ImportKind.COST_CODES)
    return found


def create_import(*, company: Company, by: User, kind: str, file: "UploadedFile[bytes]") -> Import:
    """With the columns as they are found at first sight. Raises RowsRefused."""
    first = list(islice(read_file(file), MOST_ABOVE + SAMPLE_SIZE + 1))
    if not first:
        raise RowsRefused("The file has no rows.")
    columns = COLUMNS[kind]
    table = find_table(
        first, columns, known=list_known(company, columns), remembered=list_remembered(company, kind)
    )
    is_large = count_bytes(file) > SMALL
    file.seek(0)
    return Import.objects.create(
        company=company,
        by=by,
        kind=kind,
        file_name=clean_name(file.name or "") or "file",
        content=file.read(),
        is_large=is_large,
        table=vars(table) | {"samples": [list(map(str, row)) for row in table.samples[:3]]},
    )


def list_known(company: Company, columns: tuple[Column, ...]) -> dict[str, set[str]]:
    """By column the values that the company has. Three queries."""
    names: dict[str, tuple[Any, str, str]] = {
        "contract_company": (ContractCompany, "company", "name"),
        "cost_code": (CostCode, "project__company", "code"),
        "cost_type": (CostType, "company", "code"),
    }
    return {
        column: {
            text.casefold()
            for text in model.objects.filter(**{owner: company}).values_list(name, flat=True)[:MOST_ROWS]
        }
        for column, (model, owner, name) in names.items()
        if columns is importing.COLUMNS
    }


def list_remembered(company: Company, kind: str) -> dict[str, str]:
    """By heading the column that somebody of the company last chose for it; blank where for none."""
    remembered: dict[str, str] = {}
    before = Import.objects.filter(
        company=company, kind=kind, state__in=(ImportState.CHECKED, ImportState.DONE)
    )
    for table in before.order_by("-pk").values_list("table", flat=True)[:10]:
        names = {place: name for name, place in table["places"].items()}
        for place, heading in enumerate(table["headings"]):
            remembered.setdefault(" ".join(parse_heading(heading)), names.get(place, ""))
    return remembered


def set_columns(*, found: Import, places: Mapping[str, int], options: Mapping[str, Any]) -> None:
    """As the person has them, whereupon the file is checked. Raises RowsRefused."""
    missing = [each.label for each in COLUMNS[found.kind] if each.is_needed and each.name not in places]
    if found.kind == ImportKind.COMMITMENTS and not (
        "amount" in places or {"quantity", "unit_cost"} <= places.keys()
    ):
        missing.append("Amount, or Quantity and Unit cost")
    if missing:
        raise RowsRefused(f"Choose the column of {', and of '.join(missing)}.")
    changes = {"table": found.table | {"places": dict(places)}, "options": dict(options)}
    start(found, ImportState.CHECKING, (ImportState.COLUMNS, ImportState.CHECKED), **changes)


def start(found: Import, state: ImportState, before: tuple[ImportState, ...], **changes: Any) -> None:
    """Have it done: here where it is small, else by a worker. A second press finds it under way."""
    due = Import.objects.filter(pk=found.pk, state__in=before)
    kept: dict[str, Any] = {} if state == ImportState.WRITING else {"result": {}}
    if due.update(state=state, progress=0, attempt=0, lease_until=None, **kept, **changes):
        if found.is_large:
            wake("commitments.tasks.run_imports")
        else:
            run_next_import(Import.objects.filter(pk=found.pk))


def run_due_imports() -> None:
    while run_next_import():
        pass


def run_next_import(imports: Any = None) -> bool:
    """One that is due and that no other worker has. One that three workers left is given back."""
    due = (Import.objects.all() if imports is None else imports).filter(state__in=WORKING).order_by("pk")
    found = due.filter(Q(lease_until=None) | Q(lease_until__lt=Now())).claim(LEASE)
    if found is None:
        return False
    try:
        if found.attempt > MOST_ATTEMPTS:
            raise RowsRefused("It could not be finished. Try again, or split the file.")
        run_import(found)
    except LeaseLost:
        logger.warning("Import %s took too long, and is another worker's", found.pk)
    except (RowsRefused, RightMissing) as error:
        problems = error.problems if isinstance(error, RowsRefused) else [error.sentence]
        result = {"problems": problems, "problem_count": len(problems)}
        Import.objects.own(found).update(state=ImportState.CHECKED, result=result)
    return True


def run_import(found: Import) -> None:
    """As far as its state says. Only a file without problems at that moment is written, with its end."""

    def record_progress(rows: int) -> None:
        Import.objects.renew(found, LEASE, progress=rows)

    rows = read_rows(found)
    if found.state != ImportState.WRITING:
        result, _, reading = check_import(found, rows, record_progress)
        if found.state == ImportState.REHEARSING and reading:
            result["rehearsal"] = rehearsals[0](reading, record_progress)
        Import.objects.own(found).update(state=ImportState.CHECKED, result=result)
        return
    with transaction.atomic():
        Import.objects.lock_own(found)
        result, write, _ = check_import(found, rows, record_progress)  # whose statements keep the session
        if result["problem_count"]:
            raise RowsRefused(*result["problems"])
        if any(result[name] != found.result.get(name) for name in ("stamp", "count")):
            raise RowsRefused("Something has changed since it was checked. Check it again.")
        write()
        Import.objects.own(found).update(state=ImportState.DONE, result=result, content=None)


def read_rows(found: Import) -> list[Row]:
    """Raises RowsRefused."""
    content = Import.objects.values_list("content", flat=True).get(pk=found.pk)
    rows = list(islice(read_file(BytesIO(content or b"")), MOST_ROWS + 1))
    if len(rows) > MOST_ROWS:
        raise RowsRefused(f"The file has more than {MOST_ROWS:,} rows. Split it.")
    return rows


def check_import(found: Import, rows: list[Row], progress: Callable[[int], None]) -> Checked:
    """All of the file as its columns were chosen. Raises RowsRefused."""
    table = Table(**found.table)
    project = Project.objects.filter(pk=found.options.get("project") or 0, company=found.company).first()
    if found.kind != ImportKind.COMMITMENTS:
        return check_list(found, table, rows, project)
    if project and not can_create_commitments(found.by, project):
        raise RowsRefused(f"You need Standard on the Commitments tool of {project}.")
    reading = Reading(found.company, found.by, table, found.options | {"project": project})
    read_commitments(reading, rows, progress)
    return reading.describe(), reading.write, reading


def check_list(found: Import, table: Table, rows: list[Row], project: Project | None) -> Checked:
    """Vendors and projects are the company's, a cost code its project's."""
    kind = LIST_KINDS[found.kind]
    per_owner: defaultdict[Any, list[Row]] = defaultdict(list)
    named = find_projects(found.company, found.by, [Level.ADMIN]) if kind is COST_CODE else {}
    problems: list[str] = []
    for number, row in table.list_rows(rows):
        cells = {name: row[at] for name, at in table.places.items() if at < len(row)}
        text = cells.get("project", "")
        owners: list[Any] = [found.company]
        if kind is COST_CODE:
            owners = named.get(clean_text(text), []) if text else [project] * bool(project)
        if len(owners) != 1:
            called = f"{text[:40]}: {len(owners) or 'No'} projects of yours are called so."
            problem = f"{called if text else 'It is missing.'} You need Admin on its Commitments tool."
            problems.append(f"Row {number}, Project: {problem}")
        elif any(cells.values()):
            per_owner[owners[0]].append((number, [cells.get(each.name, "") for each in kind.columns]))
    new = same = 0
    for owner, of_owner in per_owner.items():
        kind.require_keep(found.by, owner)
        added, wrong, known = check_rows(kind, owner, of_owner)
        new, same, problems = new + len(added), same + known, problems + wrong

    def write() -> None:
        for owner, of_owner in per_owner.items():
            add_rows(kind=kind, owner=owner, rows=of_owner, by=found.by)

    counts = {"Rows": new + same + len(problems), "New": new, "Here already": same}
    result = {
        "facts": [(label, f"{count:,}") for label, count in counts.items()],
        "problems": problems[: importing.MOST_PROBLEMS],
        "problem_count": len(problems),
        "count": new,
        "stamp": [],
    }
    return result, write, None


def purge_imports() -> int:
    count, _ = Import.objects.filter(created_at__lt=Now() - KEPT_FOR).delete()
    return count
