"""A company's Contract Companies: listed, added by row or from a file, renamed, closed, and merged."""

import pytest
from django.test import Client
from django.utils import timezone

from commitments.models import Commitment, ContractCompany, Lock
from directory.models import Company, HistoryEntry, Level, Project
from tests.clients import signed_in
from tests.commitments.posting import as_stored, entry
from tests.commitments.test_writing_pages import edit, new, said
from tests.factories import (
    CommitmentFactory,
    ContractCompanyFactory,
    CostCodeFactory,
    CreatorFactory,
    ErpAdminFactory,
    LineItemFactory,
    PersonFactory,
    ProjectAdminFactory,
    ProjectFactory,
    VendorLinkFactory,
    join_company,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def company(project: Project) -> Company:
    return project.company


@pytest.fixture
def admin(company: Company) -> Client:
    person = PersonFactory()
    join_company(person, company, directory_level=Level.ADMIN)
    return signed_in(person)


@pytest.fixture
def acme(company: Company) -> ContractCompany:
    return ContractCompanyFactory(company=company, name="Acme, Inc.")


@pytest.fixture
def bolt(company: Company) -> ContractCompany:
    return ContractCompanyFactory(company=company, name="Acme Incorporated")


def address(company: Company, row: ContractCompany | None = None, more: str = "") -> str:
    return f"/companies/{company.slug}/contract-companies/" + (f"{row.pk}/{more}" if row else "")


def merge(client: Client, merged: ContractCompany, kept: ContractCompany) -> int:
    """As a person does: after what the page shows."""
    page = client.get(address(kept.company, merged, "merge/"), {"into": kept.pk})
    plan = page.context["plan"]
    posted = {"into": kept.pk, "expected": plan.stamp}
    return client.post(address(kept.company, merged, "merge/"), posted).status_code


class TestImport:
    def test_names_are_added_with_their_commas_and_once_more_change_nothing(
        self, company: Company, admin: Client, acme: ContractCompany
    ) -> None:
        for _ in range(2):
            assert (
                admin.post(address(company), {"rows": "acme,  inc.\nBolt, Nut & Sons\n"}).status_code == 302
            )
        assert [each.name for each in company.contract_companies.order_by("pk")] == [
            acme.name,
            "Bolt, Nut & Sons",
        ]
        assert HistoryEntry.objects.filter(event="contract_company.created").count() == 1


class TestClosed:
    def test_it_is_offered_no_more_and_stays_where_it_is(
        self, project: Project, admin: Client, acme: ContractCompany
    ) -> None:
        commitment = CommitmentFactory(project=project, contract_company=acme)
        creator = signed_in(commitment.created_by)
        admin.post(address(project.company), {"close": str(acme.pk)})
        found = creator.get(f"/projects/{project.pk}/commitments/vendors/", {"vendor": "acme"})
        assert not found.context["vendors"]
        for typed in ({"vendor": acme.name}, {"contract_company": str(acme.pk)}):
            assert said(creator.post(new(project), entry(**typed))) == [
                "Contract Company: Acme, Inc.: Closed. Choose one that is open."
            ]
        assert creator.post(edit(commitment), as_stored(commitment, title="Other")).status_code == 302
        admin.post(address(project.company), {"open": str(acme.pk)})
        assert creator.post(new(project), entry(vendor=acme.name)).status_code == 302
        changes = HistoryEntry.objects.filter(event="contract_company.changed").order_by("pk")
        assert [each.detail["changes"] for each in changes] == [
            "State: Open to Closed",
            "State: Closed to Open",
        ]


class TestRenamed:
    def test_its_history_says_who_and_what_and_an_older_page_is_refused(
        self, company: Company, admin: Client, acme: ContractCompany, bolt: ContractCompany
    ) -> None:
        here = address(company, acme)
        assert admin.post(here, {"name": " Acme  LLC", "expected": acme.name}).status_code == 302
        page = admin.get(here).content.decode()
        assert "Name: Acme, Inc. to Acme LLC" in page
        assert admin.post(here, {"name": "Else", "expected": "Acme, Inc."}).status_code == 409
        taken = admin.post(here, {"name": "acme incorporated", "expected": "Acme LLC"})
        assert "If they are one, merge them" in taken.content.decode()
        assert admin.post(here, {"name": " ", "expected": "Acme LLC"}).status_code == 422
        acme.refresh_from_db()
        assert acme.name == "Acme LLC"


class TestMerged:
    def test_only_what_can_be_changed_moves_and_says_so_in_its_history(
        self, project: Project, admin: Client, acme: ContractCompany, bolt: ContractCompany
    ) -> None:
        draft, waiting, synced = (
            CommitmentFactory(project=project, contract_company=acme, lock=lock)
            for lock in (Lock.NONE, Lock.WHOLE, Lock.EXPORTED)
        )
        page = admin.get(address(project.company, acme, "merge/"), {"into": bolt.pk})
        plan = page.context["plan"]
        assert (plan.moving, plan.staying) == (1, [("With accounting", 1), ("In Spectrum", 1)])
        assert merge(admin, acme, bolt) == 302
        named = dict(Commitment.objects.values_list("pk", "contract_company__name"))
        assert named == {draft.pk: bolt.name, waiting.pk: acme.name, synced.pk: acme.name}
        draft.refresh_from_db()
        assert draft.version == 2
        (changed,) = HistoryEntry.objects.filter(event="commitment.changed")
        assert changed.detail["changes"] == "Contract Company: Acme, Inc. to Acme Incorporated"
        assert changed.by_id == int(admin.session["_auth_user_id"])
        for each in (acme, bolt):
            text = admin.get(address(project.company, each)).content.decode()
            assert "Commitments: 1 moved, 2 stayed." in text
        assert "Merged into Acme Incorporated" in admin.get(address(project.company)).content.decode()

    def test_what_changed_since_it_was_shown_is_shown_again(
        self, project: Project, admin: Client, acme: ContractCompany, bolt: ContractCompany
    ) -> None:
        here = address(project.company, acme, "merge/")
        plan = admin.get(here, {"into": bolt.pk}).context["plan"]
        CommitmentFactory(project=project, contract_company=acme)
        answer = admin.post(here, {"into": bolt.pk, "expected": plan.stamp})
        assert (answer.status_code, answer.context["plan"].moving) == (409, 1)
        acme.refresh_from_db()
        assert not acme.closed_at
        bolt.closed_at = timezone.now()
        bolt.save()
        assert merge(admin, acme, bolt) == 422

    def test_it_keeps_its_name_and_is_known_to_an_import(
        self, company: Company, admin: Client, acme: ContractCompany, bolt: ContractCompany
    ) -> None:
        merge(admin, acme, bolt)
        assert admin.post(address(company, acme), {"name": "X", "expected": acme.name}).status_code == 422
        admin.post(address(company), {"rows": acme.name})
        assert company.contract_companies.count() == 2

    def test_lines_of_a_cost_code_move_where_they_can_be_changed(self, project: Project) -> None:
        old, new_code = (CostCodeFactory(project=project, code=code) for code in ("03-30", "03-30-00"))
        draft, waiting = (
            CommitmentFactory(project=project, lines=0, lock=lock) for lock in ("none", "whole")
        )
        for commitment in (draft, waiting):
            LineItemFactory(commitment=commitment, cost_code=old, position=1)
        client = signed_in(ProjectAdminFactory(project=project))
        here = f"/projects/{project.pk}/commitments/cost-codes/{old.pk}/merge/"
        plan = client.get(here, {"into": new_code.pk}).context["plan"]
        assert client.post(here, {"into": new_code.pk, "expected": plan.stamp}).status_code == 302
        assert [each.lines.get().cost_code for each in (draft, waiting)] == [new_code, old]
        (changed,) = HistoryEntry.objects.filter(event="commitment.changed")
        assert "cost code: 03-30 to 03-30-00" in changed.detail["changes"]
        creator = signed_in(CreatorFactory(project=project))
        assert creator.post(here, {"into": old.pk}).status_code == 403


class TestWho:
    def test_project_people_look_and_count_what_they_see(
        self, project: Project, company: Company, acme: ContractCompany
    ) -> None:
        CommitmentFactory(project=project, contract_company=acme)
        CommitmentFactory(project=ProjectFactory(company=company), contract_company=acme)
        VendorLinkFactory(contract_company=acme, connection__company=company, vendor_code="V-77")
        creator = signed_in(CreatorFactory(project=project))
        page = creator.get(address(company))
        assert [each.commitment_count for each in page.context["page"].rows] == [1]
        assert "V-77" not in page.content.decode()
        assert "Add Contract Companies" not in page.content.decode()
        assert "History" not in creator.get(address(company, acme)).content.decode()
        for more in ("", f"{acme.pk}/", f"{acme.pk}/merge/"):
            assert (
                creator.post(address(company) + more, {"close": str(acme.pk), "into": "1"}).status_code == 403
            )
        erp_admin = signed_in(ErpAdminFactory(company=company)).get(address(company))
        assert [each.commitment_count for each in erp_admin.context["page"].rows] == [2]
        assert "V-77" in erp_admin.content.decode()

    def test_none_of_another_company_is_found(self, company: Company, admin: Client) -> None:
        other = ContractCompanyFactory()
        assert admin.get(address(other.company)).status_code == 404
        assert admin.get(address(company, other)).status_code == 404
        mine = ContractCompanyFactory(company=company)
        for into in (other.pk, mine.pk, "x\0", "9" * 30):
            assert admin.post(address(company, mine, "merge/"), {"into": into}).status_code == 404
        assert admin.get(address(company), {"q": "\0%' 9"}).status_code == 200
