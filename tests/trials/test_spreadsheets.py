"""Columns of messy spreadsheets are found, and no amount is ever wrong: ``script/imports-trial``."""

import io
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from commitments.importing import UNSURE_DAYS, UNSURE_FIGURES, Reading, read_commitments
from commitments.imports import COLUMNS, list_known
from directory.columns import MOST_ABOVE, SAMPLE_SIZE, find_table
from directory.row_files import read_file
from tests.factories import ContractCompanyFactory, CostCodeFactory, CostTypeFactory, ProjectFactory
from tests.trials.spreadsheets import MESSES, Maker, build_sheets

VENDORS = ["Acme Concrete, Inc.", "Bolt & Sons", "Core Électrique", "Dune LLC", "Elm Roofing Co."]
CODES = ["03-30-00", "05-10-00", "07-50-00", "09-90-00", "26 05 00"]
TYPES = ["S", "M", "L"]


@pytest.mark.django_db
def test_columns_are_found_and_no_amount_is_wrong() -> None:
    seed, count = (
        int(os.environ.get(f"IMPORTS_TRIAL_{name}", default)) for name, default in (("SEED", 1), ("FILES", 6))
    )
    project = ProjectFactory()
    for name in VENDORS:
        ContractCompanyFactory(company=project.company, name=name)
    for code in CODES:
        CostCodeFactory(project=project, code=code)
    for code in TYPES:
        CostTypeFactory(company=project.company, code=code)
    known = list_known(project.company, COLUMNS["commitments"])
    columns = right = commitments = lines = wrong = totals = asked = refused = 0
    report: list[str] = []
    for at, sheet in enumerate(
        build_sheets(count, seed, lambda one: Maker(one, VENDORS, CODES, TYPES)), start=1
    ):
        rows = list(read_file(io.BytesIO(sheet.content)))
        table = find_table(rows[: MOST_ABOVE + SAMPLE_SIZE], COLUMNS["commitments"], known=known)
        found = {place: name for name, place in table.places.items()}
        truth = dict(enumerate(sheet.columns))
        slips = [
            f"{table.headings[place]!r} is {name or 'none'}, not {found.get(place) or 'none'}"
            for place, name in truth.items()
            if found.get(place, "") != name
        ]
        columns, right = columns + len(truth), right + len(truth) - len(slips)
        # The person mends the columns, and answers where they are asked.
        table = replace(table, places={name: place for place, name in truth.items() if name})
        options: dict[str, object] = {"project": project}
        reading = Reading(project.company, None, table, options)
        read_commitments(reading, rows, lambda done: None)
        if UNSURE_FIGURES in " ".join(reading.problems) or UNSURE_DAYS in " ".join(reading.problems):
            asked += 1
            reading = Reading(project.company, None, table, options | sheet.styles)
            read_commitments(reading, rows, lambda done: None)
        read = {each.number: each for each in reading.commitments.values()}
        for number, amounts in sheet.amounts.items():
            got = [line.get("amount") for line in read[number].lines] if number in read else []
            wrong += sum(one != other for one, other in zip(amounts, got, strict=False)) + abs(
                len(amounts) - len(got)
            )
            wrong += number in read and read[number].values.get("issue_date") != sheet.days[number]
            wrong += (
                number in read and read[number].values.get("default_retainage") != sheet.retainage[number]
            )
        commitments, lines = commitments + len(sheet.amounts), lines + sum(map(len, sheet.amounts.values()))
        expected = sum((amount for amounts in sheet.amounts.values() for amount in amounts), Decimal(0))
        totals += sum((each.total for each in read.values()), Decimal(0)) == expected
        refused += reading.problem_count > 0
        report += [
            f"{at:>3} {len(sheet.content):>7} bytes  {', '.join(sheet.messes)}",
            *(f"      {slip}" for slip in slips),
        ]
        report += [f"      {problem}" for problem in reading.problems[:3]]
    report.append(
        f"files {count} messes {len(MESSES)} commitments {commitments} lines {lines} "
        f"columns {right}/{columns} wrong {wrong} totals {totals}/{count} asked {asked} refused {refused}"
    )
    if file_name := os.environ.get("IMPORTS_TRIAL_REPORT"):
        with Path(file_name).open("a", encoding="utf-8") as file:
            file.write("\n".join(report) + "\n")
    assert right >= 0.97 * columns, report
    assert (wrong, totals, refused) == (0, count, 0), report
