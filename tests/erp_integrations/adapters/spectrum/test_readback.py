"""Reading back: the questions as SQL Server gets them, and how an answer is held against what was sent."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Table, create_engine, insert, make_url, text
from sqlalchemy.dialects import mssql

from erp_integrations.adapters.base import (
    Absent,
    Call,
    CannotTell,
    Difference,
    Differs,
    Element,
    Key,
    Match,
    StoredRecord,
)
from erp_integrations.adapters.spectrum.readback import LINES, SUBCONTRACTS, InfoLink, compare, rows_of

KEY = Key.of("PHL", "ACME", "SC-001")
HEADER = {
    "Company_Code": "PHL",
    "Vendor_Code": "ACME      ",
    "Subcontract_Number": "SC-001    ",
    "Job_Number": "24-001    ",
    "Status_Code": "A",
    "Contract_Type": "Roofing",
    "Comment_1": "",
    "Comment_2": "",
    "Original_Amount": 1250.5,
    "Retention_Percent": 10.0,
    "GL_Account": "500100      ",
    "Date_Issued": dt.date(2015, 7, 4),
}
LINE = {
    **{name: HEADER[name] for name in ("Company_Code", "Vendor_Code", "Subcontract_Number")},
    "Phase_Code": "0330000             ",
    "Cost_Type": "S  ",
    "Bid_Item_Number": "          ",
    "Bill_Description": "Concrete",
    "Unit_Of_Measure": "CY",
    "Unit_Price": 12.505,
    "Original_Contract_Quantity": 100,
    "Original_Contract_Amount": 1250.5,
    "Retention_Flag": "N",
}


class Site:
    """A database with Info-Link's two tables, to be filled by a test."""

    def __init__(self, file: Path) -> None:
        self.engine = create_engine(f"sqlite:///{file}")
        with self.engine.begin() as connection:
            for table in (SUBCONTRACTS, LINES):
                columns = ", ".join(column.name for column in table.columns)
                connection.execute(text(f"CREATE TABLE {table.name} ({columns})"))
        self.info_link = InfoLink(f"sqlite:///file:{file}?mode=ro&uri=true")

    def holds(self, header: dict[str, object], *lines: dict[str, object]) -> None:
        plain = [{k: str(v) if isinstance(v, dt.date) else v for k, v in header.items()}]
        with self.engine.begin() as connection:
            connection.execute(insert(SUBCONTRACTS), plain)
            for line in lines:
                connection.execute(insert(LINES), [line])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path / "info.sqlite3")
    yield site
    site.engine.dispose()


def call(method: str, title: str, **values: str) -> Call:
    return Call(method, title, tuple(Element(name, value) for name, value in values.items()))


def header(**changes: str) -> Call:
    values = {"Job_Number": "24-001", "Comment": "", "Retention_Percent": "10.0", "GL_Account": "500100"}
    return call("UpdateSubcontract", "Subcontract", **{**values, "Date_Issued": "07/04/2015", **changes})


def line(title: str = "Line 1", **changes: str) -> Call:
    values = {
        "Phase_Code": "0330000",
        "Cost_Type": "S",
        "Bid_Item_Number": "",
        "Bill_Description": "Concrete",
        "Unit_Of_Measure": "CY",
        "Unit_Price": "12.5050",
        "Original_Contract_Quantity": "100.00",
        "Original_Contract_Amount": "1250.50",
    }
    return call("UpdateSubcontractPhases", title, **{**values, **changes})


def stored(site: Site) -> StoredRecord:
    found = site.info_link.find(KEY)
    assert isinstance(found, StoredRecord), found
    return found


class TestTheQuestion:
    @pytest.mark.parametrize("table", [SUBCONTRACTS, LINES])
    def test_sql_server_is_asked_for_one_record_of_one_company(self, table: Table) -> None:
        statement = rows_of(table, KEY).compile(
            dialect=mssql.dialect(), compile_kwargs={"literal_binds": True}
        )
        said = " ".join(str(statement).split())
        assert said.startswith(f"SELECT [{table.name}].[Company_Code]")
        assert said.partition(" WHERE ")[2] == (
            f"upper(ltrim(rtrim([{table.name}].[Company_Code]))) = 'PHL' AND "
            f"upper(ltrim(rtrim([{table.name}].[Vendor_Code]))) = 'ACME' AND "
            f"upper(ltrim(rtrim([{table.name}].[Subcontract_Number]))) = 'SC-001'"
        )

    def test_the_driver_of_sql_server_is_installed(self) -> None:
        dialect = make_url("mssql+pymssql://reader:x@host/spectrum").get_dialect()
        assert dialect.import_dbapi().paramstyle == "pyformat"


class TestFind:
    def test_what_is_not_there_is_absent(self, site: Site) -> None:
        assert site.info_link.find(KEY) == Absent()

    def test_padding_and_case_don_t_hide_a_record(self, site: Site) -> None:
        site.holds(HEADER | {"Subcontract_Number": " sc-001   "}, LINE | {"Subcontract_Number": "Sc-001"})
        found = stored(site)
        assert found.header["Vendor_Code"] == "ACME"
        assert list(found.lines) == [("0330000", "S", "")]

    def test_another_company_s_record_under_the_same_number_is_not_ours(self, site: Site) -> None:
        site.holds(HEADER | {"Company_Code": "NYC"}, LINE | {"Company_Code": "NYC"})
        assert site.info_link.find(KEY) == Absent()

    @pytest.mark.parametrize(
        ("first", "second", "whole"),
        [
            ("x" * 60, "y" * 60, "x" * 60 + "y" * 60),
            ("short", "", "short"),
            (
                "lost its last blank".ljust(59, "."),
                "then more",
                "lost its last blank".ljust(59, ".") + " then more",
            ),
        ],
    )
    def test_the_two_halves_of_a_comment_are_joined(
        self, site: Site, first: str, second: str, whole: str
    ) -> None:
        site.holds(HEADER | {"Comment_1": first, "Comment_2": second})
        assert stored(site).header["Comment"] == whole

    def test_a_database_that_does_not_answer_can_t_tell_and_keeps_its_password(self, tmp_path: Path) -> None:
        for url in (
            f"sqlite:///file:{tmp_path}/none?mode=ro&uri=true",
            "mssql+pymssql://reader:hush-hush@127.0.0.1:1/spectrum",
            "nonsense://reader:hush-hush@host/db",
        ):
            link = InfoLink(url, connect_timeout=1, read_timeout=1)
            found = link.find(KEY)
            assert isinstance(found, CannotTell)
            assert "hush-hush" not in repr(found) + repr(link)

    def test_a_database_without_the_tables_can_t_tell(self, tmp_path: Path) -> None:
        (tmp_path / "empty").touch()
        assert isinstance(InfoLink(f"sqlite:///{tmp_path}/empty").find(KEY), CannotTell)


class TestCompare:
    def test_decimals_dates_and_padding_are_compared_by_meaning(self, site: Site) -> None:
        site.holds(HEADER, LINE)
        assert compare((header(), line()), stored(site)) == Match()

    def test_sql_server_s_own_types_are_the_same_values(self) -> None:
        from erp_integrations.adapters.spectrum.readback import _plain

        assert _plain("Unit_Price", Decimal("12.5050")) == "12.5050"
        assert _plain("Unit_Price", Decimal("0E-4")) == "0.0000"
        assert _plain("Date_Issued", dt.datetime(2015, 7, 4, tzinfo=None)) == "07/04/2015"  # noqa: DTZ001
        assert _plain("Comment_2", None) == ""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("Job_Number", "24-002"),
            ("Comment", "Another"),
            ("Retention_Percent", "5.0"),
            ("GL_Account", "500200"),
            ("Date_Issued", "07/05/2015"),
        ],
    )
    def test_each_field_of_the_header_is_compared(self, site: Site, name: str, value: str) -> None:
        site.holds(HEADER, LINE)
        verdict = compare((header(**{name: value}), line()), stored(site))
        assert isinstance(verdict, Differs)
        assert [(each.title, each.name, each.sent) for each in verdict.differences] == [
            ("Subcontract", name, value)
        ]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("Bill_Description", "concrete"),
            ("Unit_Of_Measure", "LS"),
            ("Unit_Price", "12.5051"),
            ("Original_Contract_Quantity", "100.01"),
            ("Original_Contract_Amount", "1250.51"),
        ],
    )
    def test_each_field_of_a_line_is_compared(self, site: Site, name: str, value: str) -> None:
        site.holds(HEADER, LINE)
        verdict = compare((header(), line(**{name: value})), stored(site))
        assert isinstance(verdict, Differs)
        assert [(each.title, each.name, each.sent) for each in verdict.differences] == [
            ("Line 1", name, value)
        ]

    def test_a_blank_is_spectrum_s_to_fill(self, site: Site) -> None:
        site.holds(HEADER, LINE | {"Bid_Item_Number": "B-1       "})
        blanks = dict.fromkeys(("Unit_Of_Measure", "Unit_Price", "Original_Contract_Quantity"), "")
        assert compare((header(Date_Issued=""), line(**blanks)), stored(site)) == Match()

    def test_a_missing_line_and_a_line_too_many_are_differences(self, site: Site) -> None:
        site.holds(HEADER, LINE | {"Phase_Code": "0990000"})
        verdict = compare((header(), line("Line 7")), stored(site))
        assert verdict == Differs(
            (
                Difference("Line 7", "", "the line", "nothing"),
                Difference("Another line", "", "nothing", "0990000 S, 1250.5"),
            )
        )

    def test_a_line_is_found_under_its_own_billing_item_only(self, site: Site) -> None:
        site.holds(HEADER, LINE | {"Bid_Item_Number": "A-1"}, LINE | {"Bid_Item_Number": "A-2"})
        both = (line("Line 1", Bid_Item_Number="A-1"), line("Line 2", Bid_Item_Number="a-2"))
        assert compare((header(), *both), stored(site)) == Match()
        swapped = replace(both[1], elements=line(Bid_Item_Number="A-3").elements)
        assert isinstance(compare((header(), both[0], swapped), stored(site)), Differs)
