"""A rehearsal for the operator: a file of commitments held against Spectrum, and nothing written."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from commitments.cells import DayStyle, FigureStyle
from commitments.importing import Reading, read_commitments
from commitments.imports import COLUMNS, list_known
from commitments.models import ContractCompany, ImportKind
from directory.columns import find_table
from directory.models import Company, Project
from directory.row_files import Row, RowsRefused, read_file
from erp_integrations.models import Connection
from erp_integrations.pages.rehearsals import build_rehearsal

MOST_PROBLEMS = 50


class Command(BaseCommand):
    help = (
        "Say what would become of the commitments of a CSV or Excel file if each were sent to accounting "
        "today: blocked, unlinked, doubled, over width or cut, with counts and money. Spectrum is only read, "
        "and nothing is written here. The last line: rows N clean N blocked N written 0."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--company", metavar="SLUG", help="left out: whose vendors the file names")
        parser.add_argument("--connection", type=int, metavar="N", help="only what goes to this connection")
        parser.add_argument("--project", metavar="NAME", help="of rows that name none")
        parser.add_argument("--figures", choices=FigureStyle.values, help="how they are written in the file")
        parser.add_argument("--days", choices=DayStyle.values, help="which comes first in a date")
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="HEADING=NAME",
            help=f"a column that is another one: {', '.join(each.name for each in COLUMNS['commitments'])}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with options["file"].open("rb") as file:
                rows = list(read_file(file))
        except (OSError, RowsRefused) as error:
            raise CommandError(str(error)) from error
        company = self.find_company(options["company"], rows)
        self.stdout.write(f"{company} (--company {company.slug})")
        only, project = (
            self.get_one(model._default_manager.filter(company=company), name, column, options[name])
            for model, name, column in ((Connection, "connection", "pk"), (Project, "project", "name"))
        )
        columns = COLUMNS[ImportKind.COMMITMENTS]
        table = find_table(rows[:60], columns, known=list_known(company, columns))
        places = dict(table.places)
        for each in options["column"]:
            heading, _, name = each.rpartition("=")
            if heading not in table.headings or name not in {column.name for column in columns}:
                raise CommandError(f"--column {each}: the file's headings are {', '.join(table.headings)}.")
            places = {key: at for key, at in places.items() if at != table.headings.index(heading)}
            places[name] = table.headings.index(heading)
        given = {"project": project, "figures": options["figures"], "days": options["days"], "changes": True}
        reading = Reading(company, None, replace(table, places=places), given)
        read_commitments(reading, rows, lambda rows: None)
        lines = [f"{table.headings[at]} is {name}" for name, at in places.items()]
        lines += reading.problems[:MOST_PROBLEMS]
        if reading.problem_count > MOST_PROBLEMS:
            lines.append(f"And {reading.problem_count - MOST_PROBLEMS:,} more.")
        if reading.problem_rows:
            lines.append(f"Rows with problems, blocked as they are: {len(reading.problem_rows):,}.")
        report = build_rehearsal(reading, lambda rows: None, only)
        for title, parts in (("", report["groups"]), ("Why:", report["causes"])):
            lines.append(title)
            for what, count, amount, numbers in parts:
                lines.append(f"{count:>7} {company.currency} {amount:>16}  {what}  {numbers}")
        self.stdout.write("\n".join([*lines, "", *report["notes"], report["line"]]))

    def find_company(self, slug: str | None, rows: list[Row]) -> Company:
        """The one that is named, or the one that alone has most of the vendors in the file."""
        cells = {cell.casefold() for _, row in rows for cell in row}
        hits: dict[Company, int] = {}
        for company in Company.objects.filter(**{"slug": slug} if slug else {}):
            names = ContractCompany.objects.filter(company=company).values_list("name", flat=True)
            hits[company] = len(cells & {name.casefold() for name in names})
        found = [company for company, count in hits.items() if count == max(hits.values())]
        if len(found) != 1:
            known = ", ".join(Company.objects.values_list("slug", flat=True)) or "there is none"
            raise CommandError(f"Name one company with --company: {known}.")
        return found[0]

    def get_one(self, rows: Any, what: str, column: str, value: Any) -> Any:
        """The one that is named; None where none is."""
        found = list(rows.filter(**{column: value})[:2]) if value else [None]
        if len(found) != 1:
            names = ", ".join(map(str, rows[:20])) or "there is none"
            raise CommandError(f"Name one {what} with --{what}: {names}.")
        return found[0]
