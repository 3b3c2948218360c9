"""Vendors, jobs and phases as Info-Link shows them: all of them, whatever their status.

Source: docs/spectrum.md, section 6.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Column, MetaData, Select, Table, func, select

from erp_integrations.adapters.base import Unavailable
from erp_integrations.adapters.spectrum.readback import OPTIONAL, InfoLink

_metadata = MetaData()

PRICE_METHOD = "Price_Method_Code"


def _build_table(name: str, *columns: str) -> Table:
    named: Iterator[Column[Any]] = (
        Column(column, info=OPTIONAL if column == PRICE_METHOD else None) for column in columns
    )
    return Table(name, _metadata, Column("Company_Code"), *named)


VENDORS = _build_table("VN_VENDOR_MASTER_MC", "Vendor_Code", "Vendor_Name", "Status")
JOBS = _build_table("JC_JOB_MASTER_MC", "Job_Number", "Job_Description", "Status_Code", PRICE_METHOD)
PHASES = _build_table(
    "JC_PHASE_MASTER_MC",
    *("Job_Number", "Phase_Code", "Cost_Type", "Description"),
    *("Status_Code", "Bid_Item_Number", "Unit_Of_Measure"),
    PRICE_METHOD,
)


def build_company_query(table: Table, company_code: str, **wanted: str) -> Select[Any]:
    """The question for a company's rows, in whatever case and padding the codes are kept."""
    codes = {"Company_Code": company_code, **wanted}
    # LTRIM and RTRIM: SQL Server knows TRIM only since 2017.
    return select(table).where(
        *(
            func.upper(func.ltrim(func.rtrim(table.c[name]))) == code.strip().upper()
            for name, code in codes.items()
        )
    )


def read_tables(
    info_link: InfoLink, company_code: str, *wanted: tuple[Table, Mapping[str, str]]
) -> list[list[dict[str, str]]] | Unavailable:
    """A company's rows of some tables, over one connection: columns in lower case, trimmed values."""
    found = info_link.run_queries(
        *((table, build_company_query(table, company_code, **codes)) for table, codes in wanted)
    )
    if isinstance(found, Unavailable):
        return found
    return [
        [
            {str(name).lower(): "" if value is None else str(value).strip() for name, value in row.items()}
            for row in rows
        ]
        for rows in found
    ]
