"""Vendors, jobs and phases as Info-Link shows them: all of them, whatever their status.

Source: docs/spectrum.md, section 6.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Column, MetaData, Select, Table, select

from erp_integrations.adapters.base import Unavailable
from erp_integrations.adapters.spectrum.readback import InfoLink, build_conditions, build_table

PRICE_METHOD = ("Price_Method_Code",)

VENDORS = build_table("VN_VENDOR_MASTER_MC", "Company_Code", "Vendor_Code", "Vendor_Name", "Status")
JOBS = build_table(
    "JC_JOB_MASTER_MC",
    *("Company_Code", "Job_Number", "Job_Description", "Status_Code"),
    optional=PRICE_METHOD,
)
PHASES = build_table(
    "JC_PHASE_MASTER_MC",
    *("Company_Code", "Job_Number", "Phase_Code", "Cost_Type", "Description"),
    *("Status_Code", "Bid_Item_Number", "Unit_Of_Measure"),
    optional=PRICE_METHOD,
)


@cache
def build_amounts_table(*columns: str) -> Table:
    """The dollars of phases, by the names that the operator gives; a site may lack each, and the table."""
    keys: list[Column[Any]] = [
        Column(name) for name in ("Company_Code", "Job_Number", "Phase_Code", "Cost_Type")
    ]
    amounts: list[Column[Any]] = [Column(name, info={"optional": True}) for name in columns]
    return Table("JC_PHASE_ESTIMATE_TOTAL_MC", MetaData(), *keys, *amounts)


def build_company_query(table: Table, company_code: str, **wanted: str) -> Select[Any]:
    """The question for a company's rows, in whatever case and padding the codes are kept."""
    codes = {"Company_Code": company_code, **wanted}
    normal = {name: code.strip().upper() for name, code in codes.items()}
    return select(table).where(*build_conditions(table, **normal))


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
