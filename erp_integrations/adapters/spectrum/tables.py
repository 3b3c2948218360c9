"""Vendors, jobs and phases as Info-Link shows them: all of them, whatever their status.

Source: docs/spectrum.md, section 6.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, MetaData, Select, Table, func, select

from erp_integrations.adapters.base import CannotTell
from erp_integrations.adapters.spectrum.readback import OPTIONAL, InfoLink

_metadata = MetaData()

PRICE_METHOD = "Price_Method_Code"


def _table(name: str, *columns: str) -> Table:
    named: Iterator[Column[Any]] = (
        Column(column, info=OPTIONAL if column == PRICE_METHOD else None) for column in columns
    )
    return Table(name, _metadata, Column("Company_Code"), *named)


VENDORS = _table("VN_VENDOR_MASTER_MC", "Vendor_Code", "Vendor_Name", "Status")
JOBS = _table("JC_JOB_MASTER_MC", "Job_Number", "Job_Description", "Status_Code", PRICE_METHOD)
PHASES = _table(
    "JC_PHASE_MASTER_MC",
    *("Job_Number", "Phase_Code", "Cost_Type", "Description"),
    *("Status_Code", "Bid_Item_Number", "Unit_Of_Measure"),
    PRICE_METHOD,
)


def rows_of_company(table: Table, company_code: str, **wanted: str) -> Select[Any]:
    """The question for a company's rows, in whatever case and padding the codes are kept."""
    codes = {"Company_Code": company_code, **wanted}
    # LTRIM and RTRIM: SQL Server knows TRIM only since 2017.
    return select(table).where(
        *(
            func.upper(func.ltrim(func.rtrim(table.c[name]))) == code.strip().upper()
            for name, code in codes.items()
        )
    )


def read(
    info_link: InfoLink, table: Table, company_code: str, **wanted: str
) -> Sequence[Mapping[str, str]] | CannotTell:
    """A company's rows of a table, trimmed; columns without a value are blank."""
    found = read_together(info_link, company_code, (table, wanted))
    return found if isinstance(found, CannotTell) else found[0]


def read_together(
    info_link: InfoLink, company_code: str, *wanted: tuple[Table, Mapping[str, str]]
) -> list[list[dict[str, str]]] | CannotTell:
    """The same of several tables, over one connection."""
    found = info_link.ask(
        *((table, rows_of_company(table, company_code, **codes)) for table, codes in wanted)
    )
    if isinstance(found, CannotTell):
        return found
    return [
        [
            {str(name): "" if value is None else str(value).strip() for name, value in row.items()}
            for row in rows
        ]
        for rows in found
    ]
