"""A project's list as a file, with what Spectrum said of each commitment."""

from typing import Any

from directory.list_files import Columns
from directory.spreadsheets import DAY, MONEY

COLUMNS: Columns[Any] = {
    "Number": (18, lambda row: row.number),
    "Contract Company": (28, lambda row: row.vendor),
    "Title": (40, lambda row: row.title),
    "Kind": (16, lambda row: row.get_kind_display()),
    "Status": (18, lambda row: row.get_status_display()),
    "Executed": (10, lambda row: "Yes" if row.executed else "No"),
    "Executed date": (14, lambda row: (row.executed_date, DAY) if row.executed_date else ""),
    "Issue date": (14, lambda row: (row.issue_date, DAY) if row.issue_date else ""),
    "Amount": (16, lambda row: (row.total, MONEY)),
    "Invoiced": (16, lambda row: "" if row.invoiced is None else (row.invoiced, MONEY)),
    "Accounting": (24, lambda row: row.get_badge_display()),
    "ERP ID": (14, lambda row: row.erp_id),
    "Created by": (24, lambda row: str(row.created_by)),
}
