"""Commitments from a file: understood or refused, all or nothing; the same file once more changes nothing."""

import csv
import io
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from commitments import imports
from commitments.models import Commitment, Import, ImportState, LineItem
from directory.models import Company, HistoryEntry, Level, Project
from tests.clients import signed_in
from tests.factories import (
    CommitmentFactory,
    ContractCompanyFactory,
    CostCodeFactory,
    CostTypeFactory,
    CreatorFactory,
    ErpAdminFactory,
    ProjectAdminFactory,
    ProjectFactory,
    ReaderFactory,
    join_project,
)

pytestmark = pytest.mark.django_db

PUBLIC = Path(__file__).parents[2] / "local/demo/data/philadelphia-contracts-fy2015q4.csv"
HEAD = "Contract No.,Vendor,Title,Cost Code,Type,Qty,Unit,Unit Price,Amount,Contract Date"
ROWS = """SC-1,Acme Inc,Concrete,03-30,S,10,CY,125.00,"1,250.00",03/31/2025
,,,05-10,S,,,,"$(1,234.56)",
SC-2,Bolt Co,Steel,05-10,S,2,EA,10.005,,2025-04-30
Grand Total,,,,,,,,35.45,"""


@pytest.fixture
def project() -> Project:
    project = ProjectFactory()
    for name in ("Acme Inc", "Bolt Co"):
        ContractCompanyFactory(company=project.company, name=name)
    for code in ("03-30", "05-10"):
        CostCodeFactory(project=project, code=code)
    CostTypeFactory(company=project.company, code="S")
    return project


@pytest.fixture
def client(project: Project) -> Client:
    return signed_in(CreatorFactory(project=project))


def home(company: Company) -> str:
    return f"/companies/{company.slug}/import/"


def upload(client: Client, company: Company, content: bytes | str, kind: str = "commitments") -> Import:
    data = content.encode() if isinstance(content, str) else content
    answer = client.post(home(company), {"kind": kind, "file": SimpleUploadedFile("a.csv", data)})
    assert answer.status_code == 302, answer.context["problems"]
    return Import.objects.latest("pk")


def check(client: Client, found: Import, columns: dict[str, str] | None = None, **options: Any) -> Import:
    """As the page shows it, but for these columns by their headings."""
    names = {place: name for name, place in found.table["places"].items()}
    for heading, name in (columns or {}).items():
        names[found.table["headings"].index(heading)] = name
    typed = {f"column-{place}": name for place, name in names.items()}
    assert client.post(found.get_absolute_url(), {**typed, "check": "", **options}).status_code == 302
    found.refresh_from_db()
    assert found.state == ImportState.CHECKED
    return found


def write(client: Client, found: Import) -> Import:
    client.post(found.get_absolute_url(), {"write": ""})
    found.refresh_from_db()
    return found


def bring(client: Client, project: Project, content: bytes | str, **options: Any) -> Import:
    found = upload(client, project.company, content)
    return write(client, check(client, found, project=project.pk, **options))


def problems(found: Import) -> list[str]:
    return found.result["problems"]


def sheet(rows: Iterable[Iterable[Any]], formats: dict[str, str] | None = None) -> bytes:
    book, file = Workbook(), io.BytesIO()
    page: Any = book.active
    for row in rows:
        page.append(row)
    for place, form in (formats or {}).items():
        page[place].number_format = form
    book.save(file)
    return file.getvalue()


def test_a_file_becomes_drafts_with_their_lines_and_once_more_changes_nothing(
    project: Project, client: Client
) -> None:
    found = bring(client, project, f"{HEAD}\n{ROWS}")
    assert (found.state, found.content, found.result["problems"]) == ("done", None, [])
    assert b'href="/projects/">Open the projects' in client.get(found.get_absolute_url()).content
    one, two = project.commitments.order_by("number")
    assert (one.number, one.title, str(one.contract_company)) == ("SC-1", "Concrete", "Acme Inc")
    assert (one.status, one.badge, one.issue_date) == ("draft", "not_sent", date(2025, 3, 31))
    assert [(str(each.cost_code)[:5], each.amount) for each in one.lines.all()] == [
        ("03-30", Decimal("1250.00")),
        ("05-10", Decimal("-1234.56")),
    ]
    assert two.lines.get().amount == Decimal("20.01")
    assert found.result["notes"] == ["Row 5 is a total, and was left out."]
    assert HistoryEntry.objects.filter(event="commitment.created").count() == 2
    again = bring(client, project, f"{HEAD}\n{ROWS}")
    assert (again.result["count"], Commitment.objects.count(), LineItem.objects.count()) == (0, 2, 3)
    assert HistoryEntry.objects.filter(event__startswith="commitment.").count() == 2


BAD = {
    "unknown vendor": (
        "SC-1,Nobody,T,03-30,S,,,,1,",
        "Row 2, Contract Company (column B): Nobody: No Contract",
    ),
    "unknown code": ("SC-1,Acme Inc,T,99,S,,,,1,", "Row 2, Cost code (column D): 99: "),
    "unknown type": ("SC-1,Acme Inc,T,03-30,X,,,,1,", "Row 2, Cost type (column E): X: There is no such"),
    "no number": (",Acme Inc,T,03-30,S,,,,1,", "Row 2, Number (column A): It is missing."),
    "words": ("SC-1,Acme Inc,T,03-30,S,,,,about 5,", "Row 2, Amount (column I): about 5: Enter a number"),
    "too exact": (
        "SC-1,Acme Inc,T,03-30,S,,,,1.0051,",
        "Row 2, Amount (column I): 1.0051: At most 2 decimals",
    ),
    "percent": ("SC-1,Acme Inc,T,03-30,S,,,,5%,", "Row 2, Amount (column I): 5%: It is a percentage."),
    "day": (
        "SC-1,Acme Inc,T,03-30,S,,,,1,2025-02-30",
        "Row 2, Issue date (column J): 2025-02-30: Write a date",
    ),
    "another head": (
        "SC-1,Acme Inc,T,03-30,S,,,,1,\nSC-1,Bolt Co,,03-30,S,,,,1,",
        "Row 3, Contract Company (column B)",
    ),
    "false total": (
        "SC-1,Acme Inc,T,03-30,S,,,,1,\nTotal,,,,,,,,2,",
        "Row 3, Amount (column I): 2.00 is called",
    ),
    "total of a vendor": (
        "SC-1,Acme Inc,T,03-30,S,,,,1,\nAcme Inc Total,,,,,,,,3,",
        "Row 3, Amount (column I): 3.00 is called a total",
    ),
    "total with more": (
        "SC-1,Acme Inc,T,03-30,S,,,,1,\nGrand Total,Acme Inc,,,,,,,1,",
        "Row 3, Number (column A): It is called a total",
    ),
    "figures alone": ("SC-1,Acme Inc,T,03-30,S,,,,1,\n,,,,,,,,2,", "Row 3: It has nothing but figures."),
    "two ways": ('SC-1,Acme Inc,T,03-30,S,,,,"1,250",', "Row 2: Some figures of this file"),
    "both ways": (
        'SC-1,Acme Inc,T,03-30,S,,,,"1.5",\nSC-2,Acme Inc,T,03-30,S,,,,"1,5",',
        "Row 2: Some figures of",
    ),
    "two days": ("SC-1,Acme Inc,T,03-30,S,,,,1,03/04/2025", "Row 2: Some dates of this file"),
    "other money": ("SC-1,Acme Inc,T,03-30,S,,,,€ 5,", "Row 2, Amount (column I): € 5: Enter a number"),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_not_clear_is_named_by_row_and_column_and_nothing_is_written(
    project: Project, client: Client, bad: str
) -> None:
    rows, sentence = BAD[bad]
    found = bring(client, project, f"{HEAD}\n{rows}\nSC-9,Acme Inc,T,03-30,S,,,,7,")
    assert problems(found)[0].startswith(sentence)
    assert (found.state, Commitment.objects.count()) == ("checked", 0)
    assert sentence[:30] in client.get(found.get_absolute_url()).content.decode()


def test_whoever_is_asked_how_figures_are_written_says_so(project: Project, client: Client) -> None:
    text = "Contract No.;Amount;Date\nSC-1;1.250;03/04/2025"
    assert len(problems(bring(client, project, text))) == 2
    bring(client, project, text, figures="comma", days="day")
    commitment = project.commitments.get()
    assert (commitment.lines.get().amount, commitment.issue_date) == (Decimal(1250), date(2025, 4, 3))


def test_one_that_differs_changes_only_where_it_may_and_the_person_says_so(
    project: Project, client: Client
) -> None:
    bring(client, project, f"{HEAD}\n{ROWS}")
    other = f"{HEAD}\n{ROWS}".replace("Steel", "Bars").replace("10.005", "11.00").partition("Grand")[0]
    assert (
        "SC-2 is here already, with another Title and Schedule of Values"
        in problems(bring(client, project, other))[0]
    )
    found = check(client, upload(client, project.company, other), project=project.pk, changes="on")
    assert found.result["notes"] == ["SC-2 changes: Title, Schedule of Values."]
    two = project.commitments.get(number="SC-2")
    Commitment.objects.filter(pk=two.pk).update(version=two.version + 1)  # somebody else, meanwhile
    assert problems(write(client, found)) == ["Something has changed since it was checked. Check it again."]
    Commitment.objects.filter(pk=two.pk).update(lock="whole", badge="awaiting")
    assert "you can't change it" in problems(bring(client, project, other, changes="on"))[0]
    Commitment.objects.filter(pk=two.pk).update(lock="none", badge="rejected")
    assert bring(client, project, other, changes="on").state == ImportState.DONE
    two.refresh_from_db()
    assert (two.title, two.lines.get().amount, two.lines.get().unit_cost) == (
        "Bars",
        Decimal(22),
        Decimal(11),
    )
    assert HistoryEntry.objects.filter(event="commitment.changed").count() == 1


def test_a_line_that_comes_first_takes_no_figure_of_the_one_that_was_there(
    project: Project, client: Client
) -> None:
    head = "Contract No.,Cost Code,Description,Qty,Unit Price,Amount\n"
    bring(client, project, f'{head}SC-1,03-30,Walls,10,100,"1,000.00"')
    more = f'{head}SC-1,05-10,Crane,,,\n,03-30,Walls,10,100,"1,000.00"'
    assert bring(client, project, more, changes="on").state == ImportState.DONE
    lines = project.commitments.get().lines.values_list("description", "quantity", "unit_cost", "amount")
    assert list(lines) == [("Crane", None, None, None), ("Walls", Decimal(10), Decimal(100), Decimal(1000))]
    assert bring(client, project, more).result["count"] == 0


KEPT = "Contract No.,Cost Code,Description,Amount\n"
FULL = "Contract No.,Item,Cost Code,Description,Qty,Unit,Unit Price,Amount\n"
WALLS, DOORS = "1,03-30,Walls,10,CY,100,1000", "2,05-10,Doors,5,EA,50,250"


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        # Turned round, one of them with another amount, and one that is new between them.
        (
            ["05-10,Doors,300", "03-30,New,7", "03-30,Walls,1000"],
            "2 Doors 5 300, None New None 7, 1 Walls 10 1000",
        ),
        (["03-30,Walls,1000"], "1 Walls 10 1000"),
        (["03-30,Walls,900", "05-10,Gate,250"], ""),  # a new line instead of Doors, or another name for it
        (["03-30,Walls,900", "03-30,Walls,100", "05-10,Doors,250"], ""),
    ],
)
def test_a_line_that_changes_keeps_what_is_its_own_or_is_asked_about(
    project: Project, client: Client, rows: list[str], lines: str
) -> None:
    bring(client, project, f"{FULL}SC-1,{WALLS}\n,{DOORS}")
    ids = dict(project.commitments.get().lines.values_list("description", "pk"))
    found = bring(client, project, KEPT + "".join(f"SC-1,{each}\n" for each in rows), changes="on")
    stored = project.commitments.get().lines.order_by("position")
    if not lines:
        assert problems(found)[0].startswith(
            "Row 2: SC-1 changes, and which of its lines is which is not certain."
        )
        assert "their Billing item and Quantity and Unit and Unit cost, too" in problems(found)[0]
        lines = "1 Walls 10 1000, 2 Doors 5 250"
    names = ("billing_item", "description", "quantity", "amount")
    got = ((getattr(each, name) or None for name in names) for each in stored)
    assert ", ".join(" ".join(str(each).partition(".")[0] for each in line) for line in got) == lines
    assert all(ids.get(each.description, each.pk) == each.pk for each in stored)


def test_of_lines_in_the_same_words_none_takes_the_quantity_of_another(
    project: Project, client: Client
) -> None:
    bring(client, project, f"{FULL}SC-1,{WALLS}\n,2,03-30,Walls,5,CY,50,250\n")
    moved = bring(client, project, f"{KEPT}SC-1,03-30,Walls,250\n,03-30,Walls,900\n", changes="on")
    assert "is not certain" in problems(moved)[0]
    more = f"{KEPT}SC-1,03-30,Walls,250\n,03-30,Walls,7\n,03-30,Walls,1000\n"
    assert bring(client, project, more, changes="on").state == ImportState.DONE
    lines = project.commitments.get().lines.order_by("position").values_list("quantity", "amount")
    assert [[each and int(each) for each in line] for line in lines] == [[5, 250], [None, 7], [10, 1000]]


def test_a_line_is_known_by_its_number_and_an_amount_stays_where_the_file_has_none(
    project: Project, client: Client
) -> None:
    bring(client, project, f"{FULL}SC-1,{WALLS}\n,{DOORS}\n,3,05-10,Lump sum,,,,77.01\n")
    head = "Contract No.,Item,Cost Code,Qty,Unit Price\n"
    other = f"{head}SC-1,3,03-30,,\nSC-1,2,03-30,6,50\nSC-1,1,05-10,10,100\n"
    assert bring(client, project, other, changes="on").state == ImportState.DONE
    lines = (
        project.commitments.get()
        .lines.order_by("position")
        .values_list("description", "cost_code__code", "amount")
    )
    assert list(lines) == [
        ("Lump sum", "03-30", Decimal("77.01")),
        ("Doors", "03-30", Decimal(300)),
        ("Walls", "05-10", Decimal(1000)),
    ]


def test_what_was_imported_meanwhile_is_not_said_to_be_removed(project: Project, client: Client) -> None:
    done = bring(client, project, f"{HEAD}\n{ROWS}")
    answer = client.post(done.get_absolute_url(), {"delete": ""})
    assert answer.status_code == 422
    assert "so it was not removed" in answer.content.decode()


def test_whoever_has_many_projects_is_asked_about_no_oftener(project: Project) -> None:
    reader = ErpAdminFactory(company=project.company)
    client = signed_in(reader)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(home(project.company)).status_code == 200
        return len(queries)

    few = count()
    for _ in range(4):
        join_project(reader, ProjectFactory(company=project.company), Level.READ_ONLY)
    assert count() == few


def test_only_where_the_person_may_create_at_the_moment_of_writing(project: Project, client: Client) -> None:
    other = ProjectFactory(company=project.company, name="Elsewhere")
    found = upload(client, project.company, "Project,Contract No.,Amount\nElsewhere,1,5\n")
    assert "in no such project" in problems(check(client, found))[0]
    assert client.post(found.get_absolute_url(), {"check": "", "project": other.pk}).status_code == 422
    mine = check(client, upload(client, project.company, "Contract No.,Amount\n1,5\n"), project=project.pk)
    project.memberships.update(commitments_level="read_only")
    assert client.post(mine.get_absolute_url(), {"write": ""}).status_code == 403
    imports.start(mine, ImportState.WRITING, (ImportState.CHECKED,))
    assert not Commitment.objects.exists()
    reader = signed_in(ReaderFactory(project=project))
    assert reader.get(home(project.company)).status_code == 403
    somebody = signed_in(ProjectAdminFactory(project=project))
    assert somebody.get(mine.get_absolute_url()).status_code == 404
    assert somebody.post(home(project.company), {"kind": "vendors"}).status_code == 422


def test_what_excel_holds_is_read_exactly_and_what_it_never_computed_is_refused(
    project: Project, client: Client
) -> None:
    head: list[Any] = ["Contract No.", "Vendor", "Retainage %", "Amount", "Contract Date"]
    rows: list[list[Any]] = [
        head,
        ["SC-1", "Acme Inc", 0.1, 1234.1, date(2025, 3, 4)],
        ["SC-2", None, 0.1, "(2,000.50)", None],
    ]
    found = bring(client, project, sheet(rows, {"C2": "0%"}))
    assert problems(found) == [
        "Row 3, Default Retainage (column C): 0.1: It may be 10.0 % or 0.1 %. Write it with its sign."
    ]
    bring(client, project, sheet(rows, {"C2": "0%", "C3": "0.0%", "D2": "#,##0.00"}))
    one, two = project.commitments.order_by("number")
    assert (one.default_retainage, one.issue_date) == (Decimal(10), date(2025, 3, 4))
    assert one.lines.get().amount == Decimal("1234.1")
    assert two.lines.get().amount == Decimal("-2000.50")
    formula = sheet([head, ["SC-3", "Acme Inc", None, "=1+1", None], [4.5, "Acme Inc", None, 1, None]])
    assert problems(bring(client, project, formula)) == [
        "Row 2, Amount (column D): a formula without its result: It is no figure in Excel. Enter it again.",
        "Row 3, Number (column A): 4.5: It may be shown otherwise in Excel. Make the cell Text.",
    ]


def test_the_public_contract_file_goes_through_as_it_is(project: Project) -> None:
    """Its departments are the projects."""
    company, content = project.company, PUBLIC.read_bytes()
    admin = ErpAdminFactory(company=company)
    client = signed_in(admin)
    for kind, column in (("vendors", "Vendor_Name"), ("projects", "Department_Name")):
        names = {"Vendor_Name": "", "Contract_Description": "", column: "name"}
        found = write(client, check(client, upload(client, company, content, kind), names))
        assert (found.state, found.result["problems"]) == ("done", [])
        assert b'/import/">Import another' in client.get(found.get_absolute_url()).content
    assert company.projects.count() == 16
    for each in company.projects.all():
        each.memberships.create(user=admin, commitments_level="standard")
    found = upload(client, company, content)
    assert {found.table["headings"][place]: name for name, place in found.table["places"].items()} == {
        "Contract_Number": "number",
        "Contract_Description": "title",
        "Start_Date": "start_date",
        "End_Date": "completion_date",
        "Vendor_Name": "contract_company",
        "Contract_Amount": "amount",
    }
    check(client, found, {"Department_Name": "project"})
    assert found.result["problems"] == []
    assert (write(client, found).state, Commitment.objects.count()) == ("done", 822)
    again = check(client, upload(client, company, content))
    assert (again.table["places"]["project"], again.result["count"]) == (7, 0)  # remembered, and all here


def test_a_large_file_is_a_workers_and_one_that_three_left_is_given_back(
    project: Project, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "SMALL", 10)
    found = upload(client, project.company, f"{HEAD}\n{ROWS}")
    names = {f"column-{place}": name for name, place in found.table["places"].items()}
    client.post(found.get_absolute_url(), {**names, "check": "", "project": project.pk})
    assert "You can leave this page" in client.get(found.get_absolute_url()).content.decode()
    imports.run_due_imports()
    write(client, found)
    imports.run_due_imports()
    imports.run_due_imports()
    assert Commitment.objects.count() == 2
    found.refresh_from_db()
    assert found.state == ImportState.DONE
    left = upload(client, project.company, f"{HEAD}\n{ROWS}")
    Import.objects.filter(pk=left.pk).update(state="checking", attempt=3)
    imports.run_due_imports()
    left.refresh_from_db()
    assert (left.state, problems(left)) == (
        "checked",
        ["It could not be finished. Try again, or split the file."],
    )


def test_a_file_of_vendors_is_all_or_nothing_and_one_that_is_too_large_is_told_so(project: Project) -> None:
    company = project.company
    client = signed_in(ErpAdminFactory(company=company))
    bad = sheet([["Code", "Vendor name"], ["1", "Core"], ["2", "x" * 201], ["3", 4.5], ["4", "Core"]])
    found = check(client, upload(client, company, bad, "vendors"))
    assert problems(found) == [
        "Row 3: Name: At most 200 characters fit; this has 201.",
        "Row 4: Name: 4.5 may be shown otherwise in Excel. Make the cell Text.",
    ]
    assert write(client, found).state == ImportState.CHECKED
    assert company.contract_companies.count() == 2
    for size, said in ((25, "larger than 25 MB"), (54, "")):
        file = SimpleUploadedFile("v.csv", b"a" * (size * 1024 * 1024 + 1))
        answer = client.post(home(company), {"kind": "vendors", "file": file})
        assert (answer.status_code, said in answer.content.decode()) == (422 if said else 413, True)


def test_cost_codes_of_several_projects_come_in_one_file(project: Project) -> None:
    client = signed_in(ProjectAdminFactory(project=project))
    found = upload(
        client, project.company, f"Job,Phase,Description\n{project.name},09-1,Paint\nElse,1,x\n", "cost_codes"
    )
    assert problems(check(client, found)) == [
        "Row 3, Project: Else: No projects of yours are called so. You need Admin on its Commitments tool."
    ]
    found = upload(client, project.company, "Phase,Description\n09-1,Paint\n03-30,Other\n", "cost_codes")
    assert "has the code 03-30 already" in problems(check(client, found, project=project.pk))[0]
    found = upload(client, project.company, "Phase,Description\n09-1,Paint\n", "cost_codes")
    assert write(client, check(client, found, project=project.pk)).state == ImportState.DONE
    assert project.cost_codes.filter(code="09-1", name="Paint").exists()


def build_texts(most: int, **more: Any) -> st.SearchStrategy[str]:
    signs = st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp", "Cn", "Co"])
    text = st.text(st.one_of(signs, st.sampled_from("=+-@'\",;|. 01")), max_size=most, **more).map(str.strip)
    return st.one_of(text, st.sampled_from(["Sum of all", "=1+1", "'-5", "1,250", "03/04/2025", "#N/A"]))


COMMITMENTS = st.lists(
    st.fixed_dictionaries(
        {
            "number": build_texts(20, min_size=1).filter(bool),
            "title": build_texts(20),
            "kind": st.sampled_from(["subcontract", "purchase_order"]),
            "issue_date": st.none() | st.dates(date(1990, 1, 1), date(2090, 1, 1)),
            "executed_date": st.none() | st.dates(date(1990, 1, 1), date(2090, 1, 1)),
            "amount": st.decimals(-(10**11), 10**11, places=2),
        }
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda each: (each["kind"], str(each["number"]).upper().casefold()),
)
SAME = ("Number", "Contract Company", "Title", "Kind", "Executed", "Executed date", "Issue date", "Amount")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commitments=COMMITMENTS, form=st.sampled_from(["csv", "xlsx"]))
def test_a_list_that_is_exported_and_imported_again_is_the_same(
    client: Client, project: Project, commitments: list[dict[str, Any]], form: str
) -> None:
    creator = project.memberships.get().user
    there, copy = (ProjectFactory(company=project.company) for _ in range(2))
    for each in (there, copy):
        each.memberships.create(user=creator, commitments_level="standard")
    vendor = project.company.contract_companies.get(name="Acme Inc")
    for given_ in commitments:
        values = {name: value for name, value in given_.items() if name != "amount"}
        made = CommitmentFactory(
            project=there, lines=0, contract_company=vendor, executed=bool(given_["executed_date"]), **values
        )
        LineItem.objects.create(commitment=made, position=1, amount=given_["amount"])
    exported = export(client, there, form)
    found = check(client, upload(client, project.company, exported), project=there.pk)
    assert (problems(found), found.result["count"]) == ([], 0)
    found = write(client, check(client, upload(client, project.company, exported), project=copy.pk))
    assert (found.state, problems(found)) == ("done", [])
    assert list_same(export(client, copy, "csv")) == list_same(export(client, there, "csv"))


def export(client: Client, project: Project, form: str) -> bytes:
    answer = client.get(f"{project.get_absolute_url()}spreadsheet/", {"format": form})
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def list_same(content: bytes) -> list[tuple[str, ...]]:
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return sorted(tuple(row[name] for name in SAME) for row in rows)
