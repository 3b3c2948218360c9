"""Reading back: the questions as SQL Server gets them, and how an answer is held against what was sent."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, Table, create_engine, insert, make_url, text

from erp_integrations.adapters.base import (
    MAX_RECORDS_AT_ONCE,
    Call,
    Difference,
    DifferenceKind,
    Element,
    Key,
    Match,
    Mismatch,
    NotFound,
    StoredRecord,
    Unavailable,
    ValueKind,
)
from erp_integrations.adapters.spectrum.readback import (
    LINES,
    SUBCONTRACTS,
    InfoLink,
    build_count_query,
    build_job_lines_query,
    build_record_query,
    build_records_query,
    compare_record,
)

KEY = Key.from_parts("PHL", "ACME", "SC-001")
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

    def __init__(self, file: Path, without: tuple[str, ...] = ()) -> None:
        self.engine = create_engine(f"sqlite:///{file}")
        with self.engine.begin() as connection:
            for table in (SUBCONTRACTS, LINES):
                kept = (c.name for c in table.columns if not any(part in c.name for part in without))
                columns = ", ".join(kept)
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
    found = site.info_link.find_record(KEY)
    assert isinstance(found, StoredRecord), found
    return found


def on_sql_server(statement: Select[Any]) -> tuple[str, dict[str, Any]]:
    """The text that the driver gets, on one line, and its parameters."""
    dialect = create_engine("mssql+pymssql://reader:x@host/spectrum").dialect
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    return " ".join(str(compiled).split()), dict(compiled.params)


HEADER_COLUMNS = (
    "SELECT [VN_SUBCONTRACT_MC].[Company_Code], [VN_SUBCONTRACT_MC].[Vendor_Code], "
    "[VN_SUBCONTRACT_MC].[Subcontract_Number], [VN_SUBCONTRACT_MC].[Job_Number], "
    "[VN_SUBCONTRACT_MC].[Status_Code], [VN_SUBCONTRACT_MC].[Contract_Type], "
    "[VN_SUBCONTRACT_MC].[Comment_1], [VN_SUBCONTRACT_MC].[Comment_2], "
    "[VN_SUBCONTRACT_MC].[Original_Amount], [VN_SUBCONTRACT_MC].[Retention_Percent], "
    "[VN_SUBCONTRACT_MC].[GL_Account], [VN_SUBCONTRACT_MC].[Date_Issued], "
    "[VN_SUBCONTRACT_MC].[Unit_Price_Flag], "
    "[VN_SUBCONTRACT_MC].[Total_Billed], [VN_SUBCONTRACT_MC].[Total_Paid], "
    "[VN_SUBCONTRACT_MC].[Retention_Balance], [VN_SUBCONTRACT_MC].[Total_Balance] FROM [VN_SUBCONTRACT_MC]"
)
LINE_COLUMNS = (
    "SELECT [VN_SUBCONTRACT_PHASE_MC].[Company_Code], [VN_SUBCONTRACT_PHASE_MC].[Vendor_Code], "
    "[VN_SUBCONTRACT_PHASE_MC].[Subcontract_Number], [VN_SUBCONTRACT_PHASE_MC].[Phase_Code], "
    "[VN_SUBCONTRACT_PHASE_MC].[Cost_Type], [VN_SUBCONTRACT_PHASE_MC].[Bid_Item_Number], "
    "[VN_SUBCONTRACT_PHASE_MC].[Bill_Description], [VN_SUBCONTRACT_PHASE_MC].[Unit_Of_Measure], "
    "[VN_SUBCONTRACT_PHASE_MC].[Unit_Price], [VN_SUBCONTRACT_PHASE_MC].[Original_Contract_Quantity], "
    "[VN_SUBCONTRACT_PHASE_MC].[Original_Contract_Amount], [VN_SUBCONTRACT_PHASE_MC].[Retention_Flag], "
    "[VN_SUBCONTRACT_PHASE_MC].[Amount_Billed_To_Date], [VN_SUBCONTRACT_PHASE_MC].[Quantity_Billed_To_Date] "
    "FROM [VN_SUBCONTRACT_PHASE_MC]"
)
BOTH = pytest.mark.parametrize(
    ("table", "columns"), [(SUBCONTRACTS, HEADER_COLUMNS), (LINES, LINE_COLUMNS)], ids=["header", "lines"]
)


class TestTheQuestion:
    """Word for word as SQL Server gets it: names in brackets, values as parameters, no LIMIT, trimmed."""

    @BOTH
    def test_one_record_of_one_company(self, table: Table, columns: str) -> None:
        said, parameters = on_sql_server(build_record_query(table, Key.from_parts("phl", " acme", "sc-001 ")))
        assert said == (
            f"{columns} WHERE "
            f"upper(ltrim(rtrim([{table.name}].[Company_Code]))) = %(upper_1)s AND "
            f"upper(ltrim(rtrim([{table.name}].[Vendor_Code]))) = %(upper_2)s AND "
            f"upper(ltrim(rtrim([{table.name}].[Subcontract_Number]))) = %(upper_3)s"
        )
        assert parameters == {"upper_1": "PHL", "upper_2": "ACME", "upper_3": "SC-001"}

    @BOTH
    def test_many_records_of_one_company(self, table: Table, columns: str) -> None:
        keys = [
            Key.from_parts("PHL", "BOLT", "SC-2"),
            Key.from_parts("PHL", "ACME", "SC-2"),
            Key.from_parts("PHL", "ACME", "SC-1"),
        ]
        said, parameters = on_sql_server(build_records_query(table, keys))
        assert said == (
            f"{columns} WHERE "
            f"upper(ltrim(rtrim([{table.name}].[Company_Code]))) = %(upper_1)s AND "
            f"upper(ltrim(rtrim([{table.name}].[Vendor_Code]))) IN (%(upper_2_1)s, %(upper_2_2)s) AND "
            f"upper(ltrim(rtrim([{table.name}].[Subcontract_Number]))) IN (%(upper_3_1)s, %(upper_3_2)s)"
        )
        assert parameters == {
            "upper_1": "PHL",
            "upper_2_1": "ACME",
            "upper_2_2": "BOLT",
            "upper_3_1": "SC-1",
            "upper_3_2": "SC-2",
        }

    @BOTH
    def test_whether_there_is_anything_of_a_company(self, table: Table, columns: str) -> None:
        said, parameters = on_sql_server(build_count_query(table, "PHL"))
        assert said == (
            f"SELECT count(*) AS count_1 FROM [{table.name}] "
            f"WHERE upper(ltrim(rtrim([{table.name}].[Company_Code]))) = %(upper_1)s"
        )
        assert parameters == {"upper_1": "PHL"}

    def test_a_batch_has_fewer_parameters_than_sql_server_takes(self) -> None:
        keys = [Key.from_parts("PHL", f"V{number}", f"SC-{number}") for number in range(MAX_RECORDS_AT_ONCE)]
        assert len(on_sql_server(build_records_query(LINES, keys))[1]) < 2100

    @pytest.mark.parametrize("value", ["O'Hara", "100%", "%(x)s", "];--", "é"])
    def test_no_value_is_ever_part_of_the_text(self, value: str) -> None:
        for statement in (
            build_record_query(SUBCONTRACTS, Key.from_parts("PHL", value, value)),
            build_records_query(SUBCONTRACTS, [Key.from_parts("PHL", value, value)]),
        ):
            said, parameters = on_sql_server(statement)
            assert value.upper() not in said
            assert list(parameters.values()) == ["PHL", value.upper(), value.upper()]

    def test_the_driver_of_sql_server_is_installed(self) -> None:
        dialect = make_url("mssql+pymssql://reader:x@host/spectrum").get_dialect()
        assert dialect.import_dbapi().paramstyle == "pyformat"


class TestFind:
    def test_what_is_not_there_is_absent(self, site: Site) -> None:
        assert site.info_link.find_record(KEY) == NotFound()

    def test_padding_and_case_don_t_hide_a_record(self, site: Site) -> None:
        site.holds(HEADER | {"Subcontract_Number": " sc-001   "}, LINE | {"Subcontract_Number": "Sc-001"})
        found = stored(site)
        assert found.header["Vendor_Code"] == "ACME"
        assert list(found.lines) == [("0330000", "S", "")]

    def test_another_company_s_record_under_the_same_number_is_not_ours(self, site: Site) -> None:
        site.holds(HEADER | {"Company_Code": "NYC"}, LINE | {"Company_Code": "NYC"})
        assert site.info_link.find_record(KEY) == NotFound()

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
            found = link.find_record(KEY)
            assert isinstance(found, Unavailable)
            assert "hush-hush" not in repr(found) + repr(link)

    def test_a_database_without_the_tables_can_t_tell(self, tmp_path: Path) -> None:
        (tmp_path / "empty").touch()
        assert isinstance(InfoLink(f"sqlite:///{tmp_path}/empty").find_record(KEY), Unavailable)


class TestFindMany:
    def test_each_key_gets_its_own_record_and_lines(self, site: Site) -> None:
        other = {"Vendor_Code": "BOLT      "}
        site.holds(HEADER, LINE, LINE | {"Bid_Item_Number": "A-1"})
        site.holds(HEADER | other | {"GL_Account": "500200"}, LINE | other | {"Phase_Code": "0510000"})
        keys = [KEY, Key.from_parts("PHL", "BOLT", "SC-001"), Key.from_parts("PHL", "BOLT", "SC-002")]
        found = site.info_link.find_records(keys)
        assert not isinstance(found, Unavailable)
        assert {key: list(record.lines) for key, record in found.items()} == {
            keys[0]: [("0330000", "S", ""), ("0330000", "S", "A-1")],
            keys[1]: [("0510000", "S", "")],
        }
        assert [record.header["GL_Account"] for record in found.values()] == ["500100", "500200"]
        assert found[KEY] == stored(site)

    def test_what_only_shares_a_vendor_or_a_number_is_left_out(self, site: Site) -> None:
        number = {"Subcontract_Number": "SC-002    "}
        site.holds(HEADER | number, LINE | number)
        site.holds(HEADER | {"Vendor_Code": "BOLT"}, LINE | {"Vendor_Code": "BOLT"})
        site.holds(HEADER | {"Company_Code": "NYC"}, LINE | {"Company_Code": "NYC"})
        keys = [KEY, Key.from_parts("PHL", "BOLT", "SC-002")]
        assert site.info_link.find_records(keys) == {}

    def test_padding_and_case_don_t_hide_a_record(self, site: Site) -> None:
        key = {"Vendor_Code": " acme ", "Subcontract_Number": "sc-001    "}
        site.holds(HEADER | key, LINE | key)
        found = site.info_link.find_records([KEY])
        assert not isinstance(found, Unavailable)
        assert list(found[KEY].lines) == [("0330000", "S", "")]

    def test_a_database_that_is_being_loaded_hides_nothing_for_missing(self, site: Site) -> None:
        keys = [Key.from_parts("PHL", "ACME", f"SC-{number}") for number in range(10)]
        assert isinstance(site.info_link.find_records(keys), Unavailable)
        for key in keys:
            site.holds(HEADER | {"Subcontract_Number": key.erp_id})
        assert isinstance(site.info_link.find_records(keys), Unavailable)
        site.holds(HEADER, LINE)
        found = site.info_link.find_records(keys)
        assert not isinstance(found, Unavailable)
        assert len(found) == 10

    def test_a_few_that_are_gone_from_an_empty_company_are_gone(self, site: Site) -> None:
        assert site.info_link.find_records([KEY]) == {}

    def test_a_database_that_does_not_answer_can_t_tell(self, tmp_path: Path) -> None:
        link = InfoLink(f"sqlite:///file:{tmp_path}/none?mode=ro&uri=true")
        assert isinstance(link.find_records([KEY]), Unavailable)

    def test_a_value_that_is_no_date_is_shown_and_stops_nobody_else(self, site: Site) -> None:
        site.holds(HEADER | {"Date_Issued": "soon"})
        found = site.info_link.find_records([KEY])
        assert not isinstance(found, Unavailable)
        assert found[KEY].header["Date_Issued"] == "soon"


class TestCompare:
    def test_decimals_dates_and_padding_are_compared_by_meaning(self, site: Site) -> None:
        site.holds(HEADER, LINE)
        assert compare_record((header(), line()), stored(site)) == Match()

    def test_sql_server_s_own_types_are_the_same_values(self) -> None:
        from erp_integrations.adapters.spectrum.readback import format_value

        assert format_value("Unit_Price", Decimal("12.5050")) == "12.5050"
        assert format_value("Unit_Price", Decimal("0E-4")) == "0.0000"
        assert format_value("Date_Issued", dt.datetime(2015, 7, 4, tzinfo=None)) == "07/04/2015"  # noqa: DTZ001
        assert format_value("Comment_2", None) == ""

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
        verdict = compare_record((header(**{name: value}), line()), stored(site))
        assert isinstance(verdict, Mismatch)
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
        verdict = compare_record((header(), line(**{name: value})), stored(site))
        assert isinstance(verdict, Mismatch)
        assert [(each.title, each.name, each.sent) for each in verdict.differences] == [
            ("Line 1", name, value)
        ]

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("Comment", ValueKind.TEXT),
            ("GL_Account", ValueKind.TEXT),
            ("Retention_Percent", ValueKind.NUMBER),
            ("Date_Issued", ValueKind.DATE),
        ],
    )
    def test_a_difference_says_of_what_kind_its_values_are(
        self, site: Site, name: str, kind: ValueKind
    ) -> None:
        site.holds(HEADER, LINE)
        verdict = compare_record((header(**{name: "07/07/2077"}), line()), stored(site))
        assert isinstance(verdict, Mismatch)
        assert [each.value_kind for each in verdict.differences] == [kind]

    def test_a_blank_is_spectrum_s_to_fill(self, site: Site) -> None:
        site.holds(HEADER, LINE | {"Bid_Item_Number": "B-1       "})
        blanks = dict.fromkeys(("Unit_Of_Measure", "Unit_Price", "Original_Contract_Quantity"), "")
        assert compare_record((header(Date_Issued=""), line(**blanks)), stored(site)) == Match()

    def test_a_missing_line_and_a_line_too_many_are_differences(self, site: Site) -> None:
        site.holds(HEADER, LINE | {"Phase_Code": "0990000"})
        verdict = compare_record((header(), line("Line 7")), stored(site))
        assert verdict == Mismatch(
            (
                Difference("Line 7", "", "the line", "nothing", DifferenceKind.MISSING),
                Difference("Another line", "", "nothing", "0990000 S, 1250.5", DifferenceKind.EXTRA),
            )
        )

    def test_a_line_is_found_under_its_own_billing_item_only(self, site: Site) -> None:
        site.holds(HEADER, LINE | {"Bid_Item_Number": "A-1"}, LINE | {"Bid_Item_Number": "A-2"})
        both = (line("Line 1", Bid_Item_Number="A-1"), line("Line 2", Bid_Item_Number="a-2"))
        assert compare_record((header(), *both), stored(site)) == Match()
        swapped = replace(both[1], elements=line(Bid_Item_Number="A-3").elements)
        assert isinstance(compare_record((header(), both[0], swapped), stored(site)), Mismatch)


class TestElsewhere:
    """Which records hold a plan's job and lines under another key."""

    PLAN = (
        header(Company_Code="PHL", Vendor_Code="ACME", Subcontract_Number="SC-001"),
        line(),
        line("Line 2", Phase_Code="0510000", Original_Contract_Amount="7.00"),
    )
    SECOND = {**LINE, "Phase_Code": "0510000", "Original_Contract_Amount": 7}

    def found(self, site: Site, plan: tuple[Call, ...] = PLAN) -> list[tuple[str, str, int]]:
        seen = site.info_link.find_moved_records([plan])
        assert not isinstance(seen, Unavailable)
        certain = [each for each in seen[0] if each.is_certain]
        return [(each.key.vendor_code, each.key.erp_id, each.matched) for each in certain]

    def possible(self, site: Site, plan: tuple[Call, ...] = PLAN) -> dict[str, str]:
        seen = site.info_link.find_moved_records([plan])
        assert not isinstance(seen, Unavailable)
        return {each.key.vendor_code: each.likeness for each in seen[0] if not each.is_certain}

    def put(
        self,
        site: Site,
        vendor: str,
        number: str,
        *lines: dict[str, object],
        job: str = "24-001",
        comment: str = "",
    ) -> None:
        key = {"Vendor_Code": vendor.ljust(10), "Subcontract_Number": number.ljust(10)}
        site.holds(
            {**HEADER, **key, "Job_Number": job, "Comment_1": comment}, *({**each, **key} for each in lines)
        )

    def test_under_another_vendor_another_number_or_both(self, site: Site) -> None:
        self.put(site, "acme", "SC-001", LINE, self.SECOND)  # its own key is nowhere else
        self.put(site, "BOLT", "SC-001", LINE, self.SECOND)
        self.put(site, "ACME", "sc-9", LINE, self.SECOND)
        self.put(site, "BOLT", "SC-9", LINE, self.SECOND)
        assert sorted(self.found(site)) == [("ACME", "SC-9", 2), ("BOLT", "SC-001", 2), ("BOLT", "SC-9", 2)]

    def test_not_with_another_job_other_lines_or_other_amounts(self, site: Site) -> None:
        self.put(site, "BOLT", "SC-001", LINE, self.SECOND, job="24-002")
        self.put(site, "CARP", "SC-001", {**LINE, "Phase_Code": "0990000"})
        self.put(site, "DELT", "SC-001", {**LINE, "Original_Contract_Amount": 1})
        self.put(site, "ECHO", "SC-001", {**LINE, "Cost_Type": "M"})
        self.put(site, "FOXT", "SC-001")
        assert self.found(site) == []
        assert self.possible(site) == {}

    def test_any_one_likeness_makes_it_possible(self, site: Site) -> None:
        other = {**LINE, "Phase_Code": "0990000"}
        self.put(site, "BOLT", "SC-9", LINE, other)
        self.put(site, "CARP", "SC-9", {**LINE, "Original_Contract_Amount": 1}, self.SECOND)
        self.put(
            site,
            "DELT",
            "SC-001",
            {**LINE, "Original_Contract_Amount": 1},
            {**self.SECOND, "Original_Contract_Amount": 1},
        )
        self.put(site, "ECHO", "SC-9", {**LINE, "Cost_Type": "M"}, {**self.SECOND, "Cost_Type": "M"})
        self.put(site, "FOXT", "SC-9", other)
        assert self.possible(site) == {
            "BOLT": "1 of 2 lines",
            "CARP": "1 of 2 lines",
            "DELT": "the same cost codes and the same number",
            "ECHO": "the same comment and total",
        }

    def test_a_part_is_enough_and_what_people_added_hides_nothing(self, site: Site) -> None:
        self.put(site, "BOLT", "SC-9", LINE)
        self.put(site, "CARP", "SC-9", LINE, self.SECOND, {**LINE, "Phase_Code": "0990000"})
        self.put(site, "DELT", "SC-9", LINE, {**LINE, "Phase_Code": "0990000"})
        self.put(site, "DELT", "SC-001", LINE, {**LINE, "Phase_Code": "0990000"})
        assert sorted(self.found(site)) == [("BOLT", "SC-9", 1), ("CARP", "SC-9", 2), ("DELT", "SC-001", 1)]

    def test_a_header_alone_is_certain_by_its_number_and_its_comment(self, site: Site) -> None:
        alone = (
            replace(self.PLAN[0], elements=header(Comment="Roof").elements + self.PLAN[0].elements[-3:]),
        )
        self.put(site, "BOLT", "SC-001")
        self.put(site, "CARP", "SC-001", LINE)
        self.put(site, "DELT", "SC-9")
        self.put(site, "ECHO", "SC-9", comment="Roof")
        self.put(site, "FOXT", "SC-001", comment="Roof")
        assert self.found(site, alone) == [("FOXT", "SC-001", 0)]
        assert self.possible(site, alone) == {"ECHO": "the same comment"}

    @pytest.mark.parametrize(
        ("stored", "is_it"),
        [("033000000", True), ("00330000", True), ("03300000", True), ("0330001", False), ("033", False)],
    )
    def test_phases_are_the_same_with_zeros_put_in(self, site: Site, stored: str, is_it: bool) -> None:
        self.put(site, "BOLT", "SC-001", {**LINE, "Phase_Code": stored.ljust(20)})
        assert bool(self.found(site)) == is_it

    def test_each_plan_of_many_gets_its_own(self, site: Site) -> None:
        other = (header(Company_Code="PHL", Vendor_Code="ACME", Subcontract_Number="SC-2"), self.PLAN[2])
        self.put(site, "BOLT", "SC-001", LINE)
        self.put(site, "BOLT", "SC-2", self.SECOND)
        seen = site.info_link.find_moved_records([(self.PLAN[0], self.PLAN[1]), other])
        assert not isinstance(seen, Unavailable)
        assert [[each.key.erp_id for each in records] for records in seen] == [["SC-001"], ["SC-2"]]

    def test_the_questions_are_by_job_and_sql_server_can_answer_them(self) -> None:
        said, parameters = on_sql_server(build_job_lines_query("PHL", ["24-001", "24-002"]))
        where = said.partition(" WHERE ")[2]
        assert where == (
            "upper(ltrim(rtrim([VN_SUBCONTRACT_PHASE_MC].[Company_Code]))) = %(upper_1)s AND (EXISTS "
            "(SELECT [VN_SUBCONTRACT_MC].[Company_Code] FROM [VN_SUBCONTRACT_MC] WHERE "
            "upper(ltrim(rtrim([VN_SUBCONTRACT_MC].[Company_Code]))) = %(upper_2)s AND "
            "upper(ltrim(rtrim([VN_SUBCONTRACT_MC].[Job_Number]))) IN (%(upper_3_1)s, %(upper_3_2)s) AND "
            "[VN_SUBCONTRACT_MC].[Company_Code] = [VN_SUBCONTRACT_PHASE_MC].[Company_Code] AND "
            "[VN_SUBCONTRACT_MC].[Vendor_Code] = [VN_SUBCONTRACT_PHASE_MC].[Vendor_Code] AND "
            "[VN_SUBCONTRACT_MC].[Subcontract_Number] = [VN_SUBCONTRACT_PHASE_MC].[Subcontract_Number]))"
        )
        assert list(parameters.values()) == ["PHL", "PHL", "24-001", "24-002"]


class TestBilling:
    """The figures invoiced and paid, where a site's release has the columns."""

    BILLED = {"Total_Billed": 300.5, "Total_Paid": 200, "Retention_Balance": "30.05"}

    def test_totals_and_lines_come_with_the_record(self, site: Site) -> None:
        billed = {"Amount_Billed_To_Date": 300.5, "Quantity_Billed_To_Date": 24}
        site.holds({**HEADER, **self.BILLED, "Total_Balance": None}, {**LINE, **billed})
        found = compare_record((header(), line()), stored(site)).billing
        assert (found.billed, found.paid) == (Decimal("300.5"), Decimal(200))
        assert (found.retention_held, found.balance) == (Decimal("30.05"), None)
        assert [(each.title, each.amount, each.quantity) for each in found.lines] == [
            ("Line 1", Decimal("300.5"), Decimal(24))
        ]

    def test_a_release_without_the_columns_is_read_all_the_same(self, tmp_path: Path) -> None:
        site = Site(tmp_path / "old.sqlite3", without=("Total", "Retention_Balance", "_To_Date"))
        site.holds(HEADER, LINE)
        record = stored(site)
        assert compare_record((header(), line()), record) == Match()
        assert not compare_record((header(), line()), record).billing.is_known
        many = site.info_link.find_records([KEY])
        assert not isinstance(many, Unavailable)
        assert list(many) == [KEY]
        site.engine.dispose()

    def test_a_column_that_is_dropped_later_is_missed_once(self, tmp_path: Path) -> None:
        site = Site(tmp_path / "changes.sqlite3")
        site.holds(HEADER, LINE)
        assert isinstance(site.info_link.find_record(KEY), StoredRecord)
        with site.engine.begin() as connection:
            connection.execute(text("ALTER TABLE VN_SUBCONTRACT_MC DROP COLUMN Total_Paid"))
        assert isinstance(site.info_link.find_record(KEY), Unavailable)
        assert isinstance(site.info_link.find_record(KEY), StoredRecord)
        site.engine.dispose()
