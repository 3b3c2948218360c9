"""Vendors are found by name and by their code in accounting, and one is never taken for another."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from commitments.models import Commitment, ContractCompany
from directory.models import Project
from erp_integrations.models import Job, Phase, VendorLink
from tests.clients import signed_in
from tests.commitments.posting import as_stored, entry, line
from tests.commitments.test_writing_pages import edit, new, said
from tests.factories import (
    CommitmentFactory,
    ConnectionFactory,
    ContractCompanyFactory,
    CostCodeFactory,
    CostTypeFactory,
    CreatorFactory,
    JobLinkFactory,
    ProjectFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def creator(project: Project) -> Client:
    return signed_in(CreatorFactory(project=project))


@pytest.fixture
def acme(project: Project) -> ContractCompany:
    return link(ContractCompanyFactory(company=project.company, name="Acme Roofing & Sons"), "ACME")


def link(vendor: ContractCompany, code: str) -> ContractCompany:
    connection = vendor.company.connections.first() or ConnectionFactory(company=vendor.company)
    VendorLink.objects.create(connection=connection, contract_company=vendor, vendor_code=code)
    return vendor


def search(creator: Client, project: Project, typed: str) -> list[tuple[str, str | None]]:
    page = creator.get(f"/projects/{project.pk}/commitments/vendors/", {"vendor": typed})
    assert page.status_code == 200
    return [(each.name, each.code) for each in page.context["vendors"]]


class TestVendors:
    @pytest.mark.parametrize("typed", ["roof", "sons acme", "ACM", "acme", " Acme  Roofing & Sons\0"])
    def test_they_are_found_by_their_words_and_by_their_code(
        self, project: Project, creator: Client, acme: ContractCompany, typed: str
    ) -> None:
        ContractCompanyFactory(company=project.company, name="Bolt Steel")
        ContractCompanyFactory(name="Roofing of another company")
        assert search(creator, project, typed) == [(acme.name, "ACME")]

    def test_of_many_the_first_few_come(self, project: Project, creator: Client) -> None:
        for number in range(30):
            ContractCompanyFactory(company=project.company, name=f"Vendor {number:02}")
        found = search(creator, project, "vendor")
        assert [found[0][0], found[-1][0]] == ["Vendor 00", "Vendor 19"]

    def test_the_page_carries_none_of_them(self, creator: Client, project: Project, acme: Any) -> None:
        assert acme.name not in creator.get(new(project)).content.decode()

    @pytest.mark.parametrize("typed", [{}, {"vendor": ""}, {"vendor": "Acme Roofing & Sons"}])
    def test_a_key_that_is_gone_is_nobodys_code(
        self, project: Project, creator: Client, acme: ContractCompany, typed: dict[str, str]
    ) -> None:
        link(ContractCompanyFactory(company=project.company, name="Bolt Steel"), "99999")
        page = creator.post(new(project), entry(line(amount="1"), contract_company="99999", **typed))
        assert page.status_code == 422
        assert "That vendor is not on the company's list" in " ".join(said(page))
        assert not Commitment.objects.exists()
        assert page.context["entry"].header["contract_company"].value()[0] == ""

    @pytest.mark.parametrize("typed", ["Acme Roofing & Sons", "acme roofing & sons", "acme", " ACME "])
    def test_a_name_or_a_code_names_one(
        self, creator: Client, project: Project, acme: ContractCompany, typed: str
    ) -> None:
        assert creator.post(new(project), entry(vendor=typed)).status_code == 302
        assert Commitment.objects.get().contract_company == acme

    def test_a_part_of_a_name_is_refused_with_what_fits(
        self, creator: Client, project: Project, acme: ContractCompany
    ) -> None:
        page = creator.post(new(project), entry(vendor="Roofing"))
        assert said(page) == [
            "Contract Company: No vendor has the name or code Roofing. Close to it: Acme Roofing & Sons "
            "(ACME). Type one whole name or code."
        ]
        assert 'value="Roofing"' in page.content.decode()

    def test_what_names_two_is_refused(self, creator: Client, project: Project, acme: Any) -> None:
        link(ContractCompanyFactory(company=project.company, name="ACME"), "B")
        assert said(creator.post(new(project), entry(vendor="acme"))) == [
            "Contract Company: acme fits several vendors: ACME (B); Acme Roofing & Sons (ACME). "
            "Type the code of one, or its whole name as it is written here."
        ]

    def test_it_stays_as_long_as_its_name_is_shown(self, project: Project, acme: ContractCompany) -> None:
        commitment = CommitmentFactory(project=project, contract_company=acme)
        client = signed_in(commitment.created_by)
        shown = {"contract_company": str(acme.pk), "vendor": acme.name}
        client.post(edit(commitment), as_stored(commitment) | shown | {"title": "Other"})
        commitment.refresh_from_db()
        assert (commitment.title, commitment.contract_company) == ("Other", acme)
        ContractCompany.objects.filter(pk=acme.pk).update(name="Renamed")
        ContractCompanyFactory(company=project.company, name="Acme Roofing & Sons")
        client.post(edit(commitment), as_stored(commitment) | shown | {"vendor_shown": shown["vendor"]})
        commitment.refresh_from_db()
        assert commitment.contract_company == acme
        ContractCompany.objects.filter(name=shown["vendor"]).delete()
        page = client.post(edit(commitment), as_stored(commitment) | shown)
        assert "No vendor has the name" in said(page)[0]
        client.post(edit(commitment), as_stored(commitment) | shown | {"vendor": ""})
        commitment.refresh_from_db()
        assert commitment.contract_company is None


class TestPhases:
    @pytest.fixture(autouse=True)
    def phases(self, project: Project) -> None:
        for code in ("03-300", "05-100", "09-900"):
            CostCodeFactory(project=project, code=code, name="Work")
        for code in ("L", "M", "S"):
            CostTypeFactory(company=project.company, code=code)

    @pytest.fixture
    def read(self, project: Project) -> None:
        link, now = JobLinkFactory(project=project), timezone.now()
        seen = {"seen_at": now}
        job = Job.objects.create(
            connection=link.connection, number=link.job_number, phases_seen_at=now, **seen
        )
        for code, cost_type, status in (
            ("03300", "L", "A"),
            ("03300", "S", "A"),
            ("03300", "M", "I"),
            ("05100", "S", "C"),
        ):
            Phase.objects.create(job=job, code=code, cost_type=cost_type, status=status, **seen)

    def test_only_what_the_job_has_and_is_open_is_offered(
        self, project: Project, creator: Client, read: None
    ) -> None:
        page = creator.get(new(project))
        assert [(each.code, types) for each, types in page.context["entry"].choices.offered] == [
            ("03-300", "L S")
        ]
        assert '<option value="03-300 Work" data-types="L S">' in page.content.decode()

    def test_where_nobody_knows_all_are_offered(self, project: Project, creator: Client) -> None:
        offered = creator.get(new(project)).context["entry"].choices.offered
        assert [(each.code, types) for each, types in offered] == [
            ("03-300", ""),
            ("05-100", ""),
            ("09-900", ""),
        ]

    @pytest.mark.parametrize(
        ("code", "cost_type", "words"),
        [
            ("03-300", "S", ""),
            ("03-300", "", ""),
            ("03-300", "M", "Inactive in Spectrum"),
            ("05-100", "S", "Complete in Spectrum"),
            ("05-100", "L", "Not on the job in Spectrum"),
            ("05-100", "", "Not open in Spectrum"),
            ("09-900", "", "Not open in Spectrum"),
        ],
    )
    def test_what_is_closed_stays_and_is_said_at_its_line(
        self, project: Project, creator: Client, read: None, code: str, cost_type: str, words: str
    ) -> None:
        key = project.company.cost_types.get(code=cost_type).pk if cost_type else ""
        creator.post(new(project), entry(line(cost_code=code, cost_type=str(key), amount="1")))
        commitment = Commitment.objects.get()
        page = creator.get(edit(commitment))
        assert page.context["entry"].lines.forms[0].state == words
        assert (f'<span class="tag tag--amber">{words}</span>' in page.content.decode()) == bool(words)
        assert f'value="{code} Work"' in page.content.decode()
