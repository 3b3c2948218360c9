"""A file of last year's subcontracts, held against Spectrum: all that would go wrong, and nothing written."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from pytest_django import Settings
from sqlalchemy import MetaData, create_engine

from commitments.models import Commitment
from erp_integrations.pages import rehearsals
from tests.clients import signed_in
from tests.commitments.test_importing import check, upload
from tests.factories import CompanyFactory, ContractCompanyFactory, CreatorFactory, lists_know
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

FILE = """Number,Kind,Vendor,Title,Cost code,Type,Amount
N-1,,Acme,Walls,033-0000,{type},"1,000.00"
N-1,,,,05-10000,{type},500.00
N-2,,Acme,{long},033-0000,{type},20.00
N-3,,Nolink,Paint,033-0000,{type},30.00
N-4,,Acme,Roof,033-0000,{type},40.00
{wide},,Acme,Door,033-0000,{type},50.00
N-6,,Nobody,Gate,033-0000,{type},60.00
N-7,Subcontract,Acme,Lift,033-0000,{type},70.00
N-7,Purchase Order,Acme,Lift,033-0000,{type},80.00
"""


@pytest.fixture
def file(deliverable: Commitment, simulator: Simulator, settings: Settings, tmp_path: Path) -> Path:
    settings.INFO_LINKS = {"simulator": simulator.info_link}
    lists_know(deliverable)
    ContractCompanyFactory(company=deliverable.project.company, name="Nolink")
    simulator.enter(
        Company_Code="PHL", Vendor_Code="ACME", Subcontract_Number="N-4", Job_Number="24-001", lines=[]
    )
    path, line = tmp_path / "last-year.csv", deliverable.lines.first()
    assert line
    assert line.cost_type
    path.write_text(FILE.format(type=line.cost_type.code, long="word " * 30, wide="N-123456789012345"))
    return path


def read_spectrum(simulator: Simulator) -> dict[str, Any]:
    engine = create_engine(simulator.info_link)
    tables = MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        rows = {
            name: sorted(map(str, connection.execute(each.select()))) for name, each in tables.tables.items()
        }
    engine.dispose()
    return rows


def read_ours() -> dict[str, Any]:
    models = [
        each for each in apps.get_models(include_auto_created=True) if each._meta.app_label != "sessions"
    ]
    return {each._meta.label: list(each._base_manager.order_by("pk").values()) for each in models}


def run(*arguments: Any) -> list[str]:
    answer = io.StringIO()
    call_command("rehearse", *map(str, arguments), stdout=answer)
    return answer.getvalue().splitlines()


def test_all_that_would_go_wrong_is_counted_with_its_money_and_nothing_is_written(
    file: Path, deliverable: Commitment, simulator: Simulator
) -> None:
    before = read_spectrum(simulator), read_ours(), simulator.calls()
    lines = run(file, "--project", deliverable.project.name)
    assert (read_spectrum(simulator), read_ours(), simulator.calls()) == before
    assert lines[-1] == "rows 9 clean 3 blocked 6 written 0"
    figures = {
        parts[3]: (parts[0], parts[2])
        for each in lines
        if len(parts := re.split(r"\s+", each.strip(), maxsplit=3)) > 3
    }
    found = {key.split("  ")[0]: value for key, value in figures.items()}
    assert {name: found[name] for name in rehearsals.GROUPS} == {
        "blocked": ("6", "330.00"),
        "unlinked": ("2", "90.00"),
        "doubled": ("3", "190.00"),
        "over width": ("1", "50.00"),
        "cut": ("1", "20.00"),
    }


def test_the_same_stands_on_the_page_of_the_file(file: Path, deliverable: Commitment) -> None:
    project = deliverable.project
    client = signed_in(CreatorFactory(project=project))
    found = check(client, upload(client, project.company, file.read_text()), project=project.pk)
    client.post(found.get_absolute_url(), {"rehearse": ""})
    page = client.get(found.get_absolute_url()).content.decode()
    assert "rows 9 clean 3 blocked 6 written 0" in page
    assert Commitment.objects.count() == 1


def test_whatever_would_write_is_refused_by_the_database(
    file: Path, deliverable: Commitment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsals, "build_basis", lambda document: Commitment.objects.update(title="x"))
    with pytest.raises(DatabaseError, match="read-only"):
        run(file, "--project", deliverable.project.name)


def test_of_several_companies_it_is_the_one_with_most_vendors_of_the_file_or_is_named(
    file: Path, deliverable: Commitment
) -> None:
    other = CompanyFactory()
    company, connection = deliverable.project.company, deliverable.project.job_link.connection_id
    assert run(file)[0] == f"{company} (--company {company.slug})"
    for name in ("Acme", "Nolink"):
        ContractCompanyFactory(company=other, name=name)
    for arguments in ((), ("--company", "nosuch")):
        with pytest.raises(CommandError, match=f"Name one company with --company: .*{other.slug}"):
            run(file, *arguments)
    asked = ("--company", company.slug, "--project", deliverable.project.name)
    assert run(file, *asked, "--connection", connection)[-1] == "rows 9 clean 3 blocked 6 written 0"
    assert run(file, "--company", other.slug)[-1] == "rows 9 clean 0 blocked 9 written 0"
    with pytest.raises(CommandError, match="headings are Number"):
        run(file, *asked, "--column", "Nothing=amount")
    with pytest.raises(CommandError, match="No such file"):
        run("nowhere.csv", *asked)
