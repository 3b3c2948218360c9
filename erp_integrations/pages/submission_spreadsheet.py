"""The list as a file: each commitment of a choice, with what the list says of it."""

from directory.list_files import Columns
from directory.spreadsheets import MOMENT, MONEY, format_moment
from erp_integrations.pages.submission_rows import SubmissionRow

COLUMNS: Columns[SubmissionRow] = {
    "Commitment": (18, lambda row: row.submission.number),
    "Kind": (16, lambda row: row.submission.get_kind_display()),
    "Title": (40, lambda row: row.submission.title),
    "Project": (28, lambda row: row.submission.project.name),
    "Job in Spectrum": (18, lambda row: getattr(row.submission, "job_number", "") or ""),
    "Contract Company": (28, lambda row: row.submission.contract_company_name),
    "Vendor in Spectrum": (18, lambda row: getattr(row.submission, "vendor_code", "")),
    "Amount": (16, lambda row: (row.submission.total, MONEY)),
    "Currency": (10, lambda row: row.viewer.company.currency),
    "Sent by": (24, lambda row: str(row.submission.sent_by)),
    "Sent": (17, lambda row: (format_moment(row.submission.sent_at), MOMENT)),
    "Status": (24, lambda row: row.status),
    "Details": (60, lambda row: row.remark),
    "Decided by": (24, lambda row: str(row.submission.decided_by or "")),
    "Decided": (
        17,
        lambda row: (format_moment(row.submission.decided_at), MOMENT) if row.submission.decided_at else "",
    ),
}
