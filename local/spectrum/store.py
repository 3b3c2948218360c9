"""The simulator's database: one SQLite file in WAL mode, with the tables that Info-Link shows.

Table and column names of the `_MC` tables are those that customers' Info-Link queries use.
Columns that no public query shows carry the name of the element that fills them.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

SCHEMA_VERSION = 1

INFO_LINK_TABLES = (
    "VN_SUBCONTRACT_MC",
    "VN_SUBCONTRACT_PHASE_MC",
    "VN_VENDOR_MASTER_MC",
    "JC_JOB_MASTER_MC",
    "JC_PHASE_MASTER_MC",
)
# Each start fills these anew, so that one of an older shape has nothing to lose.
_MASTERS_ARE_MADE_ANEW = """
DROP VIEW IF EXISTS JC_PHASE_ESTIMATE_TOTAL_MC;
DROP TABLE IF EXISTS VN_VENDOR_MASTER_MC;
DROP TABLE IF EXISTS JC_JOB_MASTER_MC;
DROP TABLE IF EXISTS JC_PHASE_MASTER_MC;
"""
# Columns that came later stand last in their tables, where a file of before gets them too.
_ADDED = {
    "VN_SUBCONTRACT_MC": ("Total_Billed", "Total_Paid", "Retention_Balance", "Total_Balance"),
    "VN_SUBCONTRACT_PHASE_MC": ("Quantity_Billed_To_Date", "Amount_Billed_To_Date"),
}
# Codes are compared without regard to case, as SQL Server's usual collation does.
INFO_LINK_SCHEMA = """
CREATE TABLE IF NOT EXISTS VN_SUBCONTRACT_MC (
    Company_Code CHAR(3) NOT NULL COLLATE NOCASE,
    Vendor_Code CHAR(10) NOT NULL COLLATE NOCASE,
    Subcontract_Number CHAR(10) NOT NULL COLLATE NOCASE,
    Job_Number CHAR(10) NOT NULL COLLATE NOCASE,
    Status_Code CHAR(1) NOT NULL,
    Contract_Type VARCHAR(15) NOT NULL DEFAULT '',
    Comment_1 VARCHAR(60) NOT NULL DEFAULT '',
    Comment_2 VARCHAR(60) NOT NULL DEFAULT '',
    Original_Amount DECIMAL(11, 2) NOT NULL DEFAULT 0,
    Retention_Percent DECIMAL(3, 1) NOT NULL DEFAULT 0,
    GL_Account CHAR(12) NOT NULL,
    Date_Issued DATE NOT NULL,
    Default_Phase_Code CHAR(20) NOT NULL DEFAULT '' COLLATE NOCASE,
    Default_Cost_Type CHAR(3) NOT NULL DEFAULT '' COLLATE NOCASE,
    Insurance_Cert_Flag CHAR(1) NOT NULL,
    Sent_Date DATE,
    Contact_Person VARCHAR(20) NOT NULL DEFAULT '',
    Unit_Price_Flag CHAR(1) NOT NULL,
    Routing_Code1 CHAR(10) NOT NULL DEFAULT '',
    Routing_Limit DECIMAL(12, 2) NOT NULL DEFAULT 0,
    Routing_Code2 CHAR(10) NOT NULL DEFAULT '',
    Next_Payment_Number INTEGER NOT NULL DEFAULT 1,
    Pay_Override CHAR(1) NOT NULL DEFAULT 'N',
    Pay_Terms CHAR(1) NOT NULL DEFAULT '',
    Pay_Days INTEGER NOT NULL DEFAULT 0,
    Disc_Override CHAR(1) NOT NULL DEFAULT 'N',
    Disc_Terms CHAR(1) NOT NULL DEFAULT '',
    Disc_Days INTEGER NOT NULL DEFAULT 0,
    Disc_Perc DECIMAL(5, 2) NOT NULL DEFAULT 0,
    Pay_When_Paid CHAR(1) NOT NULL DEFAULT 'N',
    Cost_Center_Override VARCHAR(10) NOT NULL DEFAULT '',
    Simulator_Stored_At TEXT NOT NULL,
    Total_Billed DECIMAL(12, 2) NOT NULL DEFAULT 0,
    Total_Paid DECIMAL(12, 2) NOT NULL DEFAULT 0,
    Retention_Balance DECIMAL(12, 2) NOT NULL DEFAULT 0,
    Total_Balance DECIMAL(12, 2) NOT NULL DEFAULT 0,
    PRIMARY KEY (Company_Code, Vendor_Code, Subcontract_Number)
);
CREATE INDEX IF NOT EXISTS newest_subcontracts_first ON VN_SUBCONTRACT_MC (Simulator_Stored_At);
CREATE TABLE IF NOT EXISTS VN_SUBCONTRACT_PHASE_MC (
    Company_Code CHAR(3) NOT NULL COLLATE NOCASE,
    Vendor_Code CHAR(10) NOT NULL COLLATE NOCASE,
    Subcontract_Number CHAR(10) NOT NULL COLLATE NOCASE,
    Phase_Code CHAR(20) NOT NULL COLLATE NOCASE,
    Cost_Type CHAR(3) NOT NULL COLLATE NOCASE,
    Bid_Item_Number CHAR(10) NOT NULL COLLATE NOCASE,
    Bill_Description VARCHAR(25) NOT NULL DEFAULT '',
    Unit_Of_Measure VARCHAR(3) NOT NULL DEFAULT '',
    Unit_Price DECIMAL(10, 4) NOT NULL DEFAULT 0,
    Original_Contract_Quantity DECIMAL(10, 2) NOT NULL DEFAULT 0,
    Original_Contract_Amount DECIMAL(11, 2) NOT NULL DEFAULT 0,
    Retention_Flag CHAR(1) NOT NULL DEFAULT 'N',
    Simulator_Stored_At TEXT NOT NULL,
    Quantity_Billed_To_Date DECIMAL(10, 2) NOT NULL DEFAULT 0,
    Amount_Billed_To_Date DECIMAL(11, 2) NOT NULL DEFAULT 0,
    PRIMARY KEY (Company_Code, Vendor_Code, Subcontract_Number, Phase_Code, Cost_Type, Bid_Item_Number),
    FOREIGN KEY (Company_Code, Vendor_Code, Subcontract_Number) REFERENCES VN_SUBCONTRACT_MC
);
CREATE TABLE IF NOT EXISTS VN_VENDOR_MASTER_MC (
    Company_Code CHAR(3) NOT NULL COLLATE NOCASE,
    Vendor_Code CHAR(10) NOT NULL COLLATE NOCASE,
    Vendor_Name VARCHAR(60) NOT NULL,
    Status CHAR(1) NOT NULL,
    Insurance_Cert_Flag CHAR(1) NOT NULL,
    PRIMARY KEY (Company_Code, Vendor_Code)
);
CREATE TABLE IF NOT EXISTS JC_JOB_MASTER_MC (
    Company_Code CHAR(3) NOT NULL COLLATE NOCASE,
    Job_Number CHAR(10) NOT NULL COLLATE NOCASE,
    Job_Description VARCHAR(60) NOT NULL,
    Status_Code CHAR(1) NOT NULL,
    Division CHAR(5) NOT NULL COLLATE NOCASE,
    Customer_Code CHAR(10) NOT NULL COLLATE NOCASE,
    Project_Manager CHAR(15) NOT NULL COLLATE NOCASE,
    Superintendent CHAR(15) NOT NULL COLLATE NOCASE,
    Estimator CHAR(15) NOT NULL COLLATE NOCASE,
    Price_Method_Code CHAR(1) NOT NULL,
    PRIMARY KEY (Company_Code, Job_Number)
);
CREATE TABLE IF NOT EXISTS JC_PHASE_MASTER_MC (
    Company_Code CHAR(3) NOT NULL COLLATE NOCASE,
    Job_Number CHAR(10) NOT NULL COLLATE NOCASE,
    Phase_Code CHAR(20) NOT NULL COLLATE NOCASE,
    Cost_Type CHAR(3) NOT NULL COLLATE NOCASE,
    Description VARCHAR(60) NOT NULL,
    Status_Code CHAR(1) NOT NULL,
    Bid_Item_Number CHAR(10) NOT NULL,
    Unit_Of_Measure VARCHAR(3) NOT NULL,
    Retention_Flag CHAR(1) NOT NULL,
    Price_Method_Code CHAR(1) NOT NULL,
    Unit_Price DECIMAL(10, 4) NOT NULL,
    Simulator_Estimated DECIMAL(12, 2),
    Simulator_To_Date DECIMAL(12, 2),
    PRIMARY KEY (Company_Code, Job_Number, Phase_Code, Cost_Type)
);
CREATE VIEW IF NOT EXISTS JC_PHASE_ESTIMATE_TOTAL_MC AS
SELECT Company_Code, Job_Number, Phase_Code, Cost_Type,
    printf('%.2f', Simulator_Estimated) AS Estimated_Dollars,
    printf('%.2f', Simulator_Estimated) AS Projected_Dollars,
    printf('%.2f', Simulator_To_Date + coalesce(billed, 0)) AS JTD_Dollars
FROM JC_PHASE_MASTER_MC LEFT JOIN (
    SELECT Company_Code, Job_Number, Phase_Code, Cost_Type, sum(Amount_Billed_To_Date) AS billed
    FROM VN_SUBCONTRACT_PHASE_MC JOIN VN_SUBCONTRACT_MC USING (Company_Code, Vendor_Code, Subcontract_Number)
    WHERE Amount_Billed_To_Date <> 0
    GROUP BY Company_Code, Job_Number, Phase_Code, Cost_Type
) USING (Company_Code, Job_Number, Phase_Code, Cost_Type)
WHERE Simulator_Estimated IS NOT NULL;
"""
_SCHEMA = (
    INFO_LINK_SCHEMA
    + """
CREATE TABLE IF NOT EXISTS simulator_company (
    code TEXT PRIMARY KEY COLLATE NOCASE,
    name TEXT NOT NULL,
    fiscal_start DATE
);
CREATE TABLE IF NOT EXISTS simulator_authorization (
    company TEXT NOT NULL COLLATE NOCASE,
    authorization_id TEXT NOT NULL,
    service TEXT NOT NULL,
    PRIMARY KEY (company, authorization_id, service)
);
CREATE TABLE IF NOT EXISTS simulator_default (
    company TEXT NOT NULL COLLATE NOCASE,
    authorization_id TEXT NOT NULL,
    element TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (company, authorization_id, element)
);
CREATE TABLE IF NOT EXISTS simulator_job_security (
    company TEXT NOT NULL COLLATE NOCASE,
    job TEXT NOT NULL COLLATE NOCASE,
    authorization_id TEXT NOT NULL,
    PRIMARY KEY (company, job, authorization_id)
);
CREATE TABLE IF NOT EXISTS simulator_gl_account (
    company TEXT NOT NULL COLLATE NOCASE,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    PRIMARY KEY (company, account)
);
CREATE TABLE IF NOT EXISTS simulator_cost_type (
    company TEXT NOT NULL COLLATE NOCASE,
    cost_type TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (company, cost_type)
);
CREATE TABLE IF NOT EXISTS simulator_fixed_price_unit (
    company TEXT NOT NULL COLLATE NOCASE,
    unit TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (company, unit)
);
CREATE TABLE IF NOT EXISTS simulator_note (
    company TEXT NOT NULL COLLATE NOCASE,
    vendor TEXT NOT NULL COLLATE NOCASE,
    number TEXT NOT NULL COLLATE NOCASE,
    topic TEXT NOT NULL COLLATE NOCASE,
    text TEXT NOT NULL,
    PRIMARY KEY (company, vendor, number, topic)
);
CREATE TABLE IF NOT EXISTS simulator_session (
    digest TEXT PRIMARY KEY,
    used_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS simulator_call (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at TEXT NOT NULL,
    method TEXT NOT NULL,
    company TEXT NOT NULL,
    vendor TEXT NOT NULL,
    number TEXT NOT NULL,
    elements TEXT NOT NULL,
    fault TEXT NOT NULL,
    stored INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL,
    wire TEXT NOT NULL,
    answers TEXT NOT NULL DEFAULT '[]',
    reply TEXT NOT NULL DEFAULT '',
    milliseconds INTEGER
);
CREATE INDEX IF NOT EXISTS calls_by_subcontract ON simulator_call (number COLLATE NOCASE, id);
"""
)


class WrongVersionError(Exception):
    """The file was made by another version of the simulator, or by something else."""


class Store:
    """One connection, shared by all threads under a lock.

    Spectrum is written to by one caller per company, so that a second connection would buy
    nothing here. Other processes read the same file at the same time: that is what WAL is for.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        self._connection.row_factory = sqlite3.Row
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in {0, SCHEMA_VERSION}:
            self._connection.close()
            raise WrongVersionError(f"{path} was made by another version of the simulator; move it away")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.executescript(_MASTERS_ARE_MADE_ANEW + _SCHEMA)
        self._add_columns()
        self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _add_columns(self) -> None:
        for table, columns in _ADDED.items():
            known = {row["name"] for row in self._connection.execute(f"PRAGMA table_info({table})")}
            for column in columns:
                if column not in known:
                    self._connection.execute(
                        f"ALTER TABLE {table} ADD COLUMN {column} DECIMAL(12, 2) NOT NULL DEFAULT 0"
                    )

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block's writes or none of them."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection for queries; each sees what was committed last."""
        with self._lock:
            yield self._connection

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        with self._lock:
            self._connection.close()


def padded(code: str, width: int) -> str:
    """A code as Spectrum keeps it: filled up with blanks, which a reader has to trim."""
    return code.strip().ljust(width)
