"""The Company Directory: what a company's own administrators do in it, and what they can't."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commitments.models import Commitment
from directory import history
from directory.accounts.people import Wish, end_membership, save_people
from directory.history.events import DirectoryEvent
from directory.models import Company, HistoryEntry, Level, Role, User
from directory.rights import memberships
from directory.rights.groups import create_groups
from directory.rights.memberships import DirectoryError
from directory.rights.permissions import RightMissing, require_push_to_accounting
from directory.row_files import RowsRefused
from erp_integrations.pages.commitment_accounting import list_senders
from notifications.models import Kind, OutgoingEmail, Status
from tests.clients import signed_in
from tests.directory.signing_in import PASSWORD, sign_in
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    CompanyFactory,
    PersonFactory,
    PrivilegeAdminFactory,
    ProjectFactory,
    join_company,
    join_project,
)
from tests.notifications.factories import OutgoingEmailFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> Company:
    User.objects.create_superuser("root@example.test", "a long password")
    made: Company = CompanyFactory(slug="ours", name="Ours")
    return made


@pytest.fixture
def administrator(company: Company) -> User:
    person: User = PersonFactory(first_name="Ada", last_name="Ministrator")
    join_company(person, company, is_administrator=True)
    return person


@pytest.fixture
def other(company: Company) -> User:
    """Another administrator."""
    person: User = PersonFactory(first_name="Otto", last_name="Other")
    join_company(person, company, is_administrator=True)
    return person


@pytest.fixture
def manager(company: Company) -> Role:
    return Role.objects.create(company=company, name="Project manager", commitments_level=Level.ADMIN)


def page(who: User, place: str = "", **posted: Any) -> Any:
    client, address = signed_in(who), f"/companies/ours/directory/{place}"
    return client.post(address, posted) if posted else client.get(address)


def invite(by: User, **posted: Any) -> Any:
    return page(by, "invite/", **{"email": "ann@new.test", "name": "Ann Lee", **posted})


def wish(company: Company, by: User, email: str, **levels: Any) -> int:
    return save_people(company=company, by=by, wishes=[Wish(email=email, name="Ann Lee", levels=levels)])


class TestInvitation:
    def test_who_is_new_gets_an_account_and_a_mail_that_says_who_where_and_what_for(
        self, administrator: User, company: Company, manager: Role
    ) -> None:
        project = ProjectFactory(company=company, name="Library")
        assert invite(administrator, role=manager.pk, projects=[project.pk]).status_code == 302
        person = User.objects.get(email="ann@new.test")
        assert (person.first_name, person.last_name, person.has_usable_password()) == ("Ann", "Lee", False)
        assert person.project_memberships.get().commitments_level == Level.ADMIN
        mail = OutgoingEmail.objects.get(kind=Kind.INVITATION)
        assert mail.subject == "Ours invites you to Ledgergate"
        assert "Ada Ministrator invited you to Ours" in mail.text_body
        assert "Commitments of Library: Admin" in mail.text_body
        assert "Invited" in page(administrator).content.decode()

    def test_nothing_tells_whether_there_is_an_account(self, administrator: User, company: Company) -> None:
        elsewhere, project = CompanyFactory(), ProjectFactory(company=company)
        known = PersonFactory(email="bob@known.test", first_name="Robert", last_name="Known")
        join_company(known, elsewhere)
        known.set_password(PASSWORD)
        known.save()
        before = User.objects.filter(pk=known.pk).values().get()
        answers = [
            invite(
                administrator,
                email=f"bob@{name}.test",
                name="Bob B",
                erp_integrations_level="standard",
                projects=[project.pk],
                commitments_level="admin",
            )
            for name in ("known", "unknown")
        ]
        assert [each.status_code for each in answers] == [302, 302]
        assert User.objects.filter(pk=known.pk).values().get() == before
        company.memberships.filter(user=administrator).update(directory_level=Level.ADMIN)
        told = signed_in(administrator).get("/companies/ours/erp-integrations/history/").content.decode()
        told += str(list_senders(Commitment(project=project)))
        assert "Bob B" in told
        assert "Robert" not in told
        shown = ["", "?q=Bob", *(f"{each.pk}/" for each in company.memberships.exclude(user=administrator))]
        texts = [page(administrator, each).content.decode() for each in shown]
        assert all("Bob B" in each for each in texts)
        assert not any("Robert" in each for each in texts)
        assert "No matches" in page(administrator, "?q=Robert").content.decode()
        mails = OutgoingEmail.objects.exclude(kind=Kind.INVITATION)
        assert mails.exists()
        assert not any("Robert" in each.text_body for each in mails)
        own = OutgoingEmail.objects.get(kind=Kind.INVITATION, recipient=known)
        assert "hoose" not in own.text_body  # a password is there
        assert sign_in(Client(), known.email) == 302
        assert "Robert Known" in page(administrator).content.decode()

    def test_nothing_tells_that_an_account_is_of_staff_whose_permissions_reach_no_further(
        self, administrator: User, company: Company
    ) -> None:
        elsewhere = CompanyFactory()
        staff = PrivilegeAdminFactory(email="bob@staff.test")
        join_company(staff, elsewhere)
        answers = [invite(administrator, email=f"bob@{name}.test", name="Bob B") for name in ("staff", "new")]
        assert [each.status_code for each in answers] == [302, 302]
        added = {each.user.email: each for each in company.memberships.exclude(user=administrator)}
        pages = [page(administrator, f"{each.pk}/").content.decode() for each in added.values()]
        assert (
            len({re.sub(r"\d+|staff|new", "", re.sub(r'value="[^"]{20,}"', "", each)) for each in pages}) == 1
        )
        assert staff not in User.objects.granters(company)
        own = f"/admin/directory/companymembership/{administrator.company_memberships.get().pk}/change/"
        assert signed_in(staff).get(own).status_code == 302  # to where it says that there is none
        assert page(administrator, f"{added[staff.email].pk}/leave/", csrf="").status_code == 302
        assert staff.company_memberships.get().company == elsewhere


class TestTwoHands:
    def test_nobody_changes_their_own_levels(self, administrator: User, company: Company) -> None:
        own = administrator.company_memberships.get()
        answer = page(administrator, f"{own.pk}/", erp_integrations_level="admin", is_administrator="on")
        assert answer.status_code == 422
        project = ProjectFactory(company=company)
        posted: dict[str, Any] = {
            "all": "1",
            "person": own.pk,
            "projects": [project.pk],
            "commitments_level": "admin",
        }
        assert page(administrator, **posted).status_code == 422
        assert not administrator.project_memberships.exists()

    @pytest.mark.parametrize(
        "levels",
        [{"erp_integrations_level": "admin"}, {"directory_level": "admin"}, {"is_administrator": True}],
    )
    def test_who_entered_somebody_gives_them_no_authority(
        self, administrator: User, other: User, company: Company, levels: dict[str, Any]
    ) -> None:
        with pytest.raises(RowsRefused, match="You added Ann"):
            wish(company, administrator, "ann@new.test", **levels)
        wish(company, administrator, "ann@new.test")
        with pytest.raises(RowsRefused, match="You added Ann"):
            wish(company, administrator, "ann@new.test", **levels)
        assert wish(company, other, "ann@new.test", **levels) == 1

    def test_nor_does_who_made_the_account_where_another_enters_it(
        self, administrator: User, other: User, company: Company
    ) -> None:
        invite(administrator)
        membership = company.memberships.get(user__email="ann@new.test")
        end_membership(membership=membership, by=administrator)
        assert wish(company, other, "ann@new.test") == 1
        with pytest.raises(RowsRefused, match="You added Ann Lee"):
            wish(company, administrator, "ann@new.test", erp_integrations_level=Level.ADMIN)

    def test_who_is_granted_the_privilege_is_said_to_have_entered_whom(
        self, administrator: User, other: User, company: Company
    ) -> None:
        invite(administrator)
        invited = company.memberships.get(user__email="ann@new.test")
        end_membership(membership=invited, by=administrator)  # which hides nobody
        memberships.grant_push_to_accounting(
            membership=company.memberships.get(user=administrator),
            by=User.objects.get(is_superuser=True),
            reason="She decides from now on.",
        )
        mail = OutgoingEmail.objects.get(kind=Kind.RIGHTS, recipient=other)
        assert "Entered here by them" in mail.text_body
        assert "ann@new.test" in mail.text_body

    def test_who_decides_does_not_say_who_writes(self, administrator: User, company: Company) -> None:
        join_company(administrator, company, can_push_to_accounting=True)
        assert invite(administrator).status_code == 403
        assert signed_in(administrator).get("/").status_code == 200

    def test_no_administrator_gets_rid_of_another(
        self, administrator: User, other: User, company: Company
    ) -> None:
        theirs = other.company_memberships.get()
        with pytest.raises(RowsRefused):
            wish(company, administrator, other.email, is_administrator=False)
        with pytest.raises(memberships.DirectoryError):
            end_membership(membership=theirs, by=administrator)

    def test_what_gives_authority_is_mailed_once_to_the_others(
        self, administrator: User, other: User, company: Company, manager: Role
    ) -> None:
        project = ProjectFactory(company=company, name="Library")
        for name in ("ann", "bea"):
            wish(company, administrator, f"{name}@new.test")
        found = company.memberships.filter(user__email__endswith="@new.test")
        OutgoingEmail.objects.all().delete()
        posted = {"all": "1", "role": manager.pk, "projects": [project.pk]}
        assert page(administrator, "?q=new.test", **posted).status_code == 302
        mail = OutgoingEmail.objects.get(recipient=other)
        assert mail.subject == "Levels of 2 people changed at Ours"
        assert mail.text_body.count("Library") == found.count() == 2

    def test_no_crowd_hides_one_of_them_nor_keeps_the_others_from_knowing(
        self, administrator: User, other: User, company: Company, manager: Role
    ) -> None:
        project, accomplice = ProjectFactory(company=company), PersonFactory(first_name="Accomplice")
        join_company(accomplice, company)
        dormant = PersonFactory(first_name="Dormant")
        join_company(dormant, company, can_push_to_accounting=True)
        crowd = [
            Wish(email=f"p{n}@new.test", name=f"P {n}", projects={project.pk: Level.ADMIN}) for n in range(60)
        ]
        told = Wish(email=other.email, projects={project.pk: Level.ADMIN})
        last = Wish(email=accomplice.email, levels={"erp_integrations_level": Level.ADMIN})
        approver = Wish(email=dormant.email, levels={"erp_integrations_level": Level.STANDARD})
        save_people(company=company, by=administrator, wishes=[*crowd, told, last, approver])
        mails = OutgoingEmail.objects.filter(kind=Kind.RIGHTS, recipient=other)
        assert "Accomplice" in mails.get().text_body
        assert "commitments may be accepted for export" in mails.get().text_body

    def test_a_request_grants_nothing_and_is_seen_and_mailed_to_those_who_can(
        self, administrator: User, company: Company
    ) -> None:
        wish(company, administrator, "ann@new.test", erp_integrations_level="standard")
        membership = company.memberships.get(user__email="ann@new.test")
        granter: User = User.objects.get(is_superuser=True)
        for status in (302, 422):  # once
            answer = page(administrator, f"{membership.pk}/request/", reason="She is our new accountant.")
            assert answer.status_code == status
        membership.refresh_from_db()
        assert not membership.can_push_to_accounting
        mail = OutgoingEmail.objects.get(recipient=granter, subject__startswith="Can Push to Accounting requ")
        assert "She is our new accountant." in mail.text_body
        assert f"/admin/directory/companymembership/{membership.pk}/change/" in mail.text_body
        admin = signed_in(granter).get("/admin/directory/companymembership/?requested=1").content.decode()
        assert "1 company membership" in admin
        form = f"/admin/directory/companymembership/{membership.pk}/change/"
        levels = {"erp_integrations_level": "standard", "directory_level": "none", "history_level": "none"}
        for status, reason in ((200, ""), (302, "Nobody knows her.")):
            posted = {**levels, "declines": "on", "reason": reason}
            assert signed_in(granter).post(form, posted).status_code == status
        mail = OutgoingEmail.objects.get(recipient=administrator, kind=Kind.RIGHTS)
        assert mail.subject == "Can Push to Accounting declined for Ann Lee at Ours"
        assert "Nobody knows her." in mail.text_body
        shown = page(administrator, f"{membership.pk}/").content.decode()
        assert "Declined" in shown
        assert "Nobody knows her." in shown
        with pytest.raises(DirectoryError, match="Nobody asks"):
            memberships.reject_privilege_request(membership=membership, by=granter, reason="No.")
        assert page(administrator, f"{membership.pk}/request/", reason="Ask me.").status_code == 302
        with pytest.raises(DirectoryError, match="permission"):
            memberships.reject_privilege_request(membership=membership, by=administrator, reason="No.")
        memberships.grant_push_to_accounting(membership=membership, by=granter, reason="Known to me.")
        assert not company.memberships.filter(pk=membership.pk, can_push_to_accounting=False).exists()
        assert "requested" not in page(administrator, f"{membership.pk}/").content.decode()

    def test_a_role_that_was_changed_meanwhile_is_not_given(
        self, administrator: User, company: Company, manager: Role
    ) -> None:
        wish(company, administrator, "ann@new.test")
        assert page(administrator, "roles/", delete=manager.pk).status_code == 302
        page(administrator, "roles/", name="Project manager", erp_integrations_level="admin",
             directory_level="none", history_level="none", commitments_level="none")  # fmt: skip
        assert company.roles.get().erp_integrations_level == Level.ADMIN
        assert page(administrator, all="1", role=manager.pk).status_code == 422


class TestLeaving:
    def test_levels_projects_privilege_sessions_and_mails_end_at_once(
        self, administrator: User, company: Company
    ) -> None:
        approver = ApproverFactory(company=company)
        join_project(approver, ProjectFactory(company=company, name="Library"), Level.ADMIN)
        approver.set_password(PASSWORD)
        approver.save()
        client = Client()
        assert sign_in(client, approver.email) == 302
        waiting: Any = OutgoingEmailFactory(recipient=approver, kind=Kind.DAILY_SUMMARY)
        membership = approver.company_memberships.get()
        address = f"{membership.pk}/leave/"
        shown = page(administrator, address).content.decode()
        assert "Can Push to Accounting: Yes" in shown
        assert "Commitments of Library: Admin" in shown
        assert page(administrator, address, csrf="").status_code == 302
        assert not approver.project_memberships.exists()
        with pytest.raises(RightMissing):
            require_push_to_accounting(approver, company)
        assert client.get("/").status_code == 302
        assert "login" in client.get("/")["Location"]
        waiting.refresh_from_db()
        assert waiting.status == Status.FAILED
        wish(company, administrator, approver.email)  # and back, with nothing of it
        back = approver.company_memberships.get()
        assert (back.erp_integrations_level, back.can_push_to_accounting) == ("none", False)

    def test_who_left_is_listed_with_the_way_back_until_their_address_is_another(
        self, administrator: User, company: Company
    ) -> None:
        invite(administrator)
        ann = User.objects.get(email="ann@new.test")
        for _ in range(2):  # the last time counts
            end_membership(membership=company.memberships.get(user=ann), by=administrator)
            shown = page(administrator, "former/").content.decode()
            assert shown.count('scope="row"') == 1
            assert "Ada Ministrator" in shown
            left = HistoryEntry.objects.filter(event="membership.removed").latest("pk")
            assert 'value="ann@new.test"' in page(administrator, f"invite/?former={left.pk}").content.decode()
            wish(company, administrator, ann.email)
            assert "Nobody has left" in page(administrator, "former/").content.decode()
        end_membership(membership=company.memberships.get(user=ann), by=administrator)
        left = HistoryEntry.objects.filter(event="membership.removed").latest("pk")
        User.objects.filter(pk=ann.pk).update(email="ann@elsewhere.test")
        history.record(event=DirectoryEvent.ACCOUNT_CHANGED, subject=ann, by=None, company=None,
                       detail={"fields": ["email"], "active": True})  # fmt: skip
        for place in ("former/", f"invite/?former={left.pk}", "invite/?former=%00"):
            assert "elsewhere" not in page(administrator, place).content.decode()

    def test_a_second_press_at_one_moment_is_told_so(self, administrator: User, company: Company) -> None:
        person = PersonFactory()
        join_company(person, company)
        membership = company.memberships.get(user=person)
        end_membership(membership=company.memberships.get(user=person), by=administrator)
        with pytest.raises(DirectoryError, match="has just taken them out"):
            end_membership(membership=membership, by=administrator)

    def test_sessions_of_who_is_of_another_company_too_go_on(
        self, administrator: User, company: Company
    ) -> None:
        person = PersonFactory()
        for each in (company, CompanyFactory()):
            join_company(person, each)
        client = signed_in(person)
        end_membership(membership=person.company_memberships.get(company=company), by=administrator)
        assert client.get("/accounts/profile/").status_code == 200


class TestImport:
    ROWS = (
        "E-mail,Name,Role,Projects\nann@new.test,Ann Lee,project manager,24-001; Harbour\nbea@new.test,Bea\n"
    )

    @pytest.fixture(autouse=True)
    def projects(self, company: Company, manager: Role) -> None:
        ProjectFactory(company=company, name="Library", number="24-001")
        ProjectFactory(company=company, name="Harbour", number="24-002")
        ProjectFactory(company=company, name="Twin", number="24-002")

    def test_rows_become_people_and_the_same_once_more_changes_nothing(
        self, administrator: User, company: Company
    ) -> None:
        file = SimpleUploadedFile("people.csv", self.ROWS.encode())
        assert page(administrator, "import/", file=file).status_code == 302
        ann = User.objects.get(email="ann@new.test")
        assert ann.project_memberships.count() == 2
        before = HistoryEntry.objects.count(), OutgoingEmail.objects.count()
        assert page(administrator, "import/", rows=self.ROWS).status_code == 302
        assert (HistoryEntry.objects.count(), OutgoingEmail.objects.count()) == before

    def test_every_problem_is_said_by_row_and_nobody_is_entered(
        self, administrator: User, other: User, company: Company
    ) -> None:
        Role.objects.create(company=company, name="ERP admin", erp_integrations_level=Level.ADMIN)
        rows = (
            "nobody,X\nann@new.test,Ann,Boss\nbea@new.test,Bea,Project manager,24-002;24-009\n"
            f"cid@new.test\n{administrator.email},Ada,ERP admin\ndan@new.test,Dan,ERP admin\n"
            "eve@new.test,Eve,,Library\nEVE@new.test,Eve\nfay@new.test,Fay\n"
        )
        answer = page(administrator, "import/", rows=rows)
        assert answer.status_code == 422
        shown = answer.content.decode()
        for number, sentence in (
            (1, "nobody is no e-mail address."), (2, "There is no role Boss."),
            (3, "Several projects are 24-002."), (3, "There is no project 24-009."),
            (4, "The name is missing."), (5, "You can&#x27;t change your own levels."),
            (6, "You added Dan"), (7, "Projects need a role"),
        ):  # fmt: skip
            assert f"Row {number}: {sentence}" in shown
        assert company.memberships.count() == 2

    def test_more_people_take_no_more_queries_but_for_their_own_mails(
        self, administrator: User, company: Company
    ) -> None:
        def count(first: int, last: int) -> int:
            rows = "\n".join(f"p{n}@new.test,P {n},Project manager,24-001" for n in range(first, last))
            with CaptureQueriesContext(connection) as queries:
                assert page(administrator, "import/", rows=rows).status_code == 302
            return len(queries)

        few, more = count(0, 2), count(2, 12)
        assert more == few + 8


class TestPages:
    def test_they_are_for_administrators_of_this_company_alone(self, company: Company) -> None:
        reader, stranger = PersonFactory(), PersonFactory()
        join_company(reader, company, directory_level=Level.ADMIN)
        join_company(stranger, CompanyFactory(), is_administrator=True)
        assert (page(reader).status_code, page(stranger).status_code) == (403, 404)

    def test_the_list_asks_the_same_of_many_as_of_few(self, administrator: User, company: Company) -> None:
        def count() -> int:
            client = signed_in(administrator)
            with CaptureQueriesContext(connection) as queries:
                assert client.get("/companies/ours/directory/").status_code == 200
            return len(queries)

        few = count()
        for _ in range(5):
            join_project(PersonFactory(), ProjectFactory(company=company), Level.ADMIN)
        assert count() == few

    def test_who_was_ticked_stays_ticked_when_nothing_was_given(
        self, administrator: User, company: Company
    ) -> None:
        project = ProjectFactory(company=company)
        keys = [join_company(PersonFactory(), company).pk for _ in range(2)]
        client = signed_in(administrator)
        refused = client.post("/companies/ours/directory/", {"person": keys[:1], "projects": [project.pk]})
        assert refused.status_code == 422
        html = refused.content.decode()
        assert [bool(re.search(rf'name="person"\s+value="{key}"[^>]*checked', html)) for key in keys] == [
            True,
            False,
        ]
        assert not re.search(r'name="all"[^>]*checked', html)

    def test_who_is_on_another_company_s_project_is_not_told(
        self, administrator: User, company: Company
    ) -> None:
        elsewhere, known = ProjectFactory(), PersonFactory(email="bob@known.test")
        join_project(known, elsewhere, Level.ADMIN)
        invite(administrator, email=known.email, name="Bob B")
        assert "Bob B" not in page(administrator, f"?project={elsewhere.pk}").content.decode()

    @pytest.mark.parametrize("query", ["?q=%00", "?show=x&project=9" + "9" * 30, "?after=%00", "?before=zz"])
    def test_nonsense_in_the_address_is_no_fault(self, administrator: User, query: str) -> None:
        assert page(administrator, query).status_code == 200

    def test_one_person_s_page_says_why(self, administrator: User, company: Company, manager: Role) -> None:
        project = ProjectFactory(company=company, name="Library")
        invite(administrator, role=manager.pk, projects=[project.pk])
        membership = company.memberships.get(user__email="ann@new.test")
        shown = page(administrator, f"{membership.pk}/").content.decode()
        assert "Commitments of Library" in shown
        assert "Project manager" in shown
        assert "Ada" in shown

    def test_an_older_page_gives_back_no_level_that_was_taken_meanwhile(
        self, administrator: User, other: User, company: Company
    ) -> None:
        person = PersonFactory()
        membership = join_company(person, company, erp_integrations_level=Level.ADMIN)
        place = f"{membership.pk}/"
        form = page(administrator, place).context["form"]
        seen = {name: form[name].value() for name in form.fields if form[name].value()}
        seen["history_level"] = "read_only"
        wish(company, other, person.email, erp_integrations_level=Level.NONE)
        answer = page(administrator, place, **seen)
        assert "Somebody else has changed their levels meanwhile" in answer.content.decode()
        membership.refresh_from_db()
        assert membership.erp_integrations_level == Level.NONE

    def test_settings_keep_the_currency_once_there_are_commitments(
        self, administrator: User, company: Company
    ) -> None:
        zone = {"time_zone": "Europe/Berlin"}
        assert page(administrator, "settings/", name="Ours & Co", currency="cad", **zone).status_code == 302
        company.refresh_from_db()
        assert (company.name, company.currency, company.time_zone) == ("Ours & Co", "CAD", "Europe/Berlin")
        CommitmentFactory(project=ProjectFactory(company=company))
        page(administrator, "settings/", name="Ours", currency="EUR", **zone)
        company.refresh_from_db()
        assert (company.name, company.currency) == ("Ours", "CAD")


class TestFirstSteps:
    def test_who_administers_a_company_begins_with_what_it_lacks(self, administrator: User) -> None:
        shown = signed_in(administrator).get("/", follow=True)
        assert shown.request["PATH_INFO"] == "/companies/ours/erp-integrations/first-steps/"
        assert "To do" in shown.content.decode()
        assert signed_in(administrator).get("/?ready=1").status_code == 200


class TestDjangoAdmin:
    def test_a_project_takes_only_people_of_its_company(self, company: Company) -> None:
        root = signed_in(User.objects.get(is_superuser=True))
        person, project = PersonFactory(), ProjectFactory(company=company)
        posted = {"user": person.pk, "project": project.pk, "commitments_level": "admin"}
        answer = root.post("/admin/directory/projectmembership/add/", posted)
        assert "not in the Company Directory" in answer.content.decode()
        assert not person.project_memberships.exists()

    def test_groups_are_there_to_choose_from(self) -> None:
        create_groups()  # as after each migration
        groups = {each.name: each for each in Group.objects.all()}
        reading = groups["Support, read-only"].permissions.values_list("codename", flat=True)
        assert reading
        assert all(each.startswith("view_") for each in reading)
        assert (
            not groups["Directory administration"]
            .permissions.filter(codename="grant_push_to_accounting")
            .exists()
        )
