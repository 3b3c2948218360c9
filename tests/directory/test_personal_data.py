"""A person can be erased and told what is held about them, and no history breaks for it."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from axes.models import AccessAttempt, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from commitments.models import Commitment
from directory.history import sealing, verification
from directory.models import CompanyMembership, Draft, HistoryEntry, Level, ProjectMembership, User
from directory.operators import with_command_line_operator
from directory.privacy import personal_data
from directory.privacy.retention import purge_sign_in_records
from directory.rights import memberships
from directory.rights.memberships import DirectoryError
from erp_integrations.exports.retention import purge_replies
from erp_integrations.models import JobStatus, Submission, WireAttempt
from notifications.models import Attachment, Kind, OutgoingEmail, PasswordRequest, Status, Subscription
from notifications.retention import purge_emails
from tests.clients import signed_in
from tests.directory.signing_in import turn_on_two_step
from tests.factories import (
    ApproverFactory,
    ExportJobFactory,
    PersonFactory,
    SubmissionFactory,
    join_project,
)
from tests.notifications.factories import OutgoingEmailFactory

pytestmark = pytest.mark.django_db

ADDRESS, NAME = "ada.byron@contractor.example", "Ada Byron"


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root@example.test")


@pytest.fixture
def person() -> User:
    """An approver with everything that can hang on a person."""
    submission = SubmissionFactory()
    made: User = ApproverFactory(
        company=submission.company, email=ADDRESS, first_name="Ada", last_name="Byron", is_staff=True
    )
    join_project(made, submission.project, Level.STANDARD)
    made.groups.add(Group.objects.create(name="Administrators"))
    Subscription.objects.create(user=made, kind=Kind.DAILY_SUMMARY, wanted=False)
    EmailAddress.objects.create(user=made, email=ADDRESS)
    OutgoingEmail.objects.create(
        recipient=made,
        to_address=ADDRESS,
        kind=Kind.DAILY_SUMMARY,
        subject="S",
        text_body="Dear Ada",
        html_body="-",
    )
    UserSession.objects.create(user=made, ip="192.0.2.7", user_agent="Browser", session_key="a")
    PasswordRequest.objects.create(address=ADDRESS.upper())
    Draft.objects.create(person=made, address="/", texts={"note": "Ask Ada Byron"}, kept_at=timezone.now())
    turn_on_two_step(made)
    seen = {"username": ADDRESS.upper(), "ip_address": "192.0.2.7", "user_agent": "Browser"}
    AccessAttempt.objects.create(failures_since_start=1, **seen)
    AccessLog.objects.create(**seen)
    LogEntry.objects.create(
        user=User.objects.create_superuser("other@example.test"),
        object_id=str(made.pk),
        object_repr=f"{NAME} at Acme",
        action_flag=2,
    )
    signed_in(made)
    Commitment.objects.filter(pk=submission.commitment_id).update(created_by=made)
    return made


def erase(person: User, root: User, reason: str = "They asked for it.") -> None:
    personal_data.delete_personal_data(person=person, by=root, reason=reason)


def everything() -> str:
    """Every row of every table as text, but sessions, which are encoded."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        rows: list[str] = []
        for (name,) in cursor.fetchall():
            if name != "django_session":
                cursor.execute(f'SELECT each::text FROM "{name}" each')
                rows += [f"{name}: {row}" for (row,) in cursor.fetchall()]
    return "\n".join(rows)


def test_nothing_that_names_them_is_left_in_any_table(person: User, root: User) -> None:
    assert "byron" in everything().lower()
    erase(person, root)
    left = [row for row in everything().lower().splitlines() if "byron" in row or "192.0.2.7" in row]
    assert left == []
    assert not list(personal_data.list_sessions(person))
    assert Session.objects.count() == 0


def test_a_pseudonym_and_the_number_are_left(person: User, root: User) -> None:
    pk = person.pk
    erase(person, root)
    assert (person.pk, str(person), person.email) == (
        pk,
        f"Erased person {pk}",
        f"erased-{pk}@erased.invalid",
    )
    assert [person.is_active, person.is_staff, person.is_superuser] == [False] * 3
    assert not person.has_usable_password()
    assert not person.groups.exists()
    assert Commitment.objects.filter(created_by=person).exists()


def test_rights_end_one_by_one_as_if_they_were_taken_away(person: User, root: User) -> None:
    erase(person, root)
    assert not CompanyMembership.objects.filter(user=person).exists()
    assert not ProjectMembership.objects.filter(user=person).exists()
    told = HistoryEntry.objects.filter(by_id=root.pk).order_by("pk").values_list("event", flat=True)
    assert list(told) == ["membership.removed", "privilege.revoked", "membership.removed", "person.erased"]


def test_the_history_and_the_snapshots_still_verify(person: User, root: User) -> None:
    sealing.seal_new_entries()
    hashes = [(each.snapshot_hash, each.document) for each in Submission.objects.all()]
    erase(person, root)
    sealing.seal_new_entries()
    proof = verification.verify_chains()
    assert (proof.breaks, proof.unsealed) == ([], 0)
    assert [(each.snapshot_hash, each.document) for each in Submission.objects.all()] == hashes


class TestWhoMayErase:
    def test_only_a_superuser(self, person: User) -> None:
        with pytest.raises(DirectoryError, match="Only a superuser"):
            erase(person, PersonFactory(is_staff=True))

    def test_nobody_themselves(self, root: User) -> None:
        with pytest.raises(DirectoryError, match="You can't erase yourself"):
            erase(root, root)

    @pytest.mark.parametrize("reason", ["", "  ", "Ada asked", "see mail of ADA.BYRON@contractor.example"])
    def test_never_without_a_reason_or_with_one_that_names_them(
        self, person: User, root: User, reason: str
    ) -> None:
        with pytest.raises(DirectoryError, match="reason"):
            erase(person, root, reason)
        person.refresh_from_db()
        assert person.email == ADDRESS

    def test_nobody_twice(self, person: User, root: User) -> None:
        erase(person, root)
        with pytest.raises(DirectoryError, match="already been erased"):
            erase(person, root)

    def test_all_or_nothing(self, person: User, root: User, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(**kwargs: Any) -> None:
            raise DirectoryError("Refused.")

        monkeypatch.setattr(memberships, "delete_company_membership", refuse)
        with pytest.raises(DirectoryError):
            erase(person, root)
        person.refresh_from_db()
        assert (person.email, OutgoingEmail.objects.filter(recipient=person).count() >= 1) == (ADDRESS, True)


class TestWhatIsHeld:
    def held(self, person: User, root: User) -> dict[str, Any]:
        told = StringIO()
        with with_command_line_operator():
            call_command("export_person", person.email, stdout=told)
        answer: dict[str, Any] = json.loads(told.getvalue())
        return answer

    def test_everything_that_hangs_on_them_is_told(self, person: User, root: User) -> None:
        held = self.held(person, root)
        assert held["account"]["email"] == ADDRESS
        assert held["account"]["first_name"] == "Ada"
        assert held["notifications.outgoingemail.recipient"][0]["text_body"] == "Dear Ada"
        assert held["directory.companymembership.user"][0]["can_push_to_accounting"] is True
        assert held["commitments.commitment.created_by"] == [Commitment.objects.get().pk]
        assert "192.0.2.7" in {row["ip_address"] for row in held["sign_ins"]}
        assert len(held["sessions"]) == 1
        assert held["usersessions.usersession.user"][0]["ip"] == "192.0.2.7"
        assert held["directory.draft.person"][0]["texts"] == {"note": "Ask Ada Byron"}
        assert held["notifications.passwordrequest"][0]["address"] == ADDRESS.upper()
        assert {row["type"] for row in held["mfa.authenticator.user"]} == {"totp", "recovery_codes"}

    def test_no_secret_is(self, person: User, root: User) -> None:
        person.set_password("correct horse battery staple")
        person.save()
        text = json.dumps(self.held(person, root))
        assert person.password not in text
        assert '"session_key"' not in text

    def test_that_somebody_asked_is_in_the_history(self, person: User, root: User) -> None:
        self.held(person, root)
        entry = HistoryEntry.objects.get(event="person.exported")
        assert (entry.subject_id, entry.by_id) == (person.pk, None)
        assert " on " in entry.detail["operator"]

    def test_of_people_only_a_superuser_is_told(self, person: User) -> None:
        with pytest.raises(DirectoryError, match="Only a superuser"):
            personal_data.export_personal_data(person=person, by=PersonFactory(is_staff=True))


class TestTheCommand:
    def test_it_erases(self, person: User, root: User) -> None:
        told = StringIO()
        with with_command_line_operator():
            call_command("erase_person", ADDRESS, reason="They asked for it.", stdout=told)
        entry = HistoryEntry.objects.get(event="person.erased")
        assert entry.by_id is None
        assert " on " in entry.detail["operator"]
        assert f"Person {person.pk} is erased" in told.getvalue()

    def test_it_says_what_is_wrong(self, person: User, root: User) -> None:
        with pytest.raises(CommandError, match="No account has the address"):
            call_command("erase_person", "nobody@example.test", reason="Asked.")
        with pytest.raises(CommandError, match="Give a reason"):
            call_command("erase_person", root.email, reason=" ")


class TestInDjangoAdmin:
    def posted(self, by: User, action: str, *people: User, **others: str) -> Any:
        chosen = {"action": action, "_selected_action": [str(each.pk) for each in people], **others}
        return signed_in(by).post(reverse("admin:directory_user_changelist"), chosen, follow=True)

    def test_it_asks_for_a_reason_and_then_erases(self, person: User, root: User) -> None:
        asked = self.posted(root, "erase_person", person)
        assert "can't be undone" in asked.content.decode().replace("&#x27;", "'")
        person.refresh_from_db()
        assert person.email == ADDRESS
        refused = self.posted(root, "erase_person", person, reason="Ada asked")
        assert "must not contain the person" in refused.content.decode()
        done = self.posted(root, "erase_person", person, reason="They asked.")
        assert f"now called Erased person {person.pk}" in done.content.decode()

    def test_what_is_held_is_downloaded(self, person: User, root: User) -> None:
        answer = self.posted(root, "export_person", person)
        assert answer.headers["Content-Disposition"] == f'attachment; filename="person-{person.pk}.json"'
        assert json.loads(answer.content)["account"]["email"] == ADDRESS

    def test_one_person_at_a_time(self, person: User, root: User) -> None:
        answer = self.posted(root, "erase_person", person, root, reason="Both.")
        assert "one person at a time" in answer.content.decode()
        assert not HistoryEntry.objects.filter(event="person.erased").exists()

    def test_staff_who_are_no_superuser_are_not_offered_it(self, person: User) -> None:
        staff = PersonFactory(is_staff=True)
        staff.user_permissions.set(Permission.objects.filter(codename__endswith="_user"))
        page = signed_in(staff).get(reverse("admin:directory_user_changelist")).content.decode()
        assert "erase_person" not in page
        self.posted(staff, "erase_person", person, reason="They asked.")
        self.posted(staff, "export_person", person)
        assert not HistoryEntry.objects.filter(event__startswith="person.").exists()


def purge_old_data() -> None:
    """As workers do daily."""
    purge_emails()
    purge_sign_in_records()
    purge_replies()


class TestRetention:
    def aged(self, model: Any, field: str, days: int, **wanted: Any) -> None:
        model.objects.filter(**wanted).update(**{field: timezone.now() - timedelta(days=days)})

    def test_old_mails_go_and_what_waits_stays(self, person: User, settings: Any) -> None:
        settings.KEEP_EMAILS_DAYS = 30
        OutgoingEmail.objects.update(created_at=timezone.now() - timedelta(days=31))
        purge_old_data()
        waiting = OutgoingEmail.objects.count()
        assert waiting
        OutgoingEmail.objects.update(status=Status.SENT, sent_at=timezone.now())
        settings.KEEP_EMAILS_DAYS = 0
        purge_old_data()
        assert OutgoingEmail.objects.count() == waiting
        settings.KEEP_EMAILS_DAYS = 32
        purge_old_data()
        assert OutgoingEmail.objects.count() == waiting
        settings.KEEP_EMAILS_DAYS = 30
        purge_old_data()
        assert not OutgoingEmail.objects.exists()

    def test_a_file_goes_after_the_last_of_its_mails(self, settings: Any) -> None:
        settings.KEEP_EMAILS_DAYS = 30
        file = Attachment.objects.create(name="waiting.csv", content="Number")
        mails = OutgoingEmailFactory.create_batch(2, sent=True)
        for mail in mails:
            mail.attachments.add(file)
        self.aged(OutgoingEmail, "created_at", 31, pk=mails[0].pk)
        assert purge_emails() == 1
        assert Attachment.objects.get() == file
        User.objects.filter(outgoing_emails=mails[1]).delete()
        assert Attachment.objects.get() == file
        settings.KEEP_EMAILS_DAYS = 0
        assert purge_emails() == 0
        assert not Attachment.objects.exists()

    def test_old_sign_in_records_and_ended_sessions_go(self, person: User, settings: Any) -> None:
        settings.KEEP_SIGN_INS_DAYS = 30
        signed_in(person)
        self.aged(AccessLog, "attempt_time", 31)
        self.aged(AccessAttempt, "attempt_time", 29)
        first = Session.objects.all()[0]
        self.aged(Session, "expire_date", 1, pk=first.pk)
        sessions = Session.objects.count()
        purge_old_data()
        assert (AccessLog.objects.count(), AccessAttempt.objects.count()) == (0, 1)
        assert Session.objects.count() == sessions - 1

    def test_where_people_were_signed_in_goes_with_the_session(self, person: User) -> None:
        living = Session.objects.all()[0]
        there = UserSession.objects.create(
            user=person, ip="192.0.2.9", user_agent="-", session_key=living.session_key
        )
        purge_old_data()
        assert list(UserSession.objects.all()) == [there]

    def test_a_request_of_a_link_that_nobody_answered_goes(self, person: User) -> None:
        purge_old_data()
        assert PasswordRequest.objects.count() == 1
        self.aged(PasswordRequest, "requested_at", 2)
        purge_old_data()
        assert not PasswordRequest.objects.exists()

    def test_replies_go_when_the_delivery_is_over(self, settings: Any) -> None:
        settings.KEEP_REPLIES_DAYS = 30
        jobs = [ExportJobFactory(synced=True), ExportJobFactory(unknown=True)]
        self.aged(WireAttempt, "finished_at", 31, finished_at__isnull=False)
        WireAttempt.objects.update(reply="<secret/>")
        purge_old_data()
        left = WireAttempt.objects.exclude(reply="").values_list("call__job__status", flat=True)
        assert JobStatus.SYNCED not in set(left)
        assert set(left) <= {jobs[1].status}

    def test_history_stays(self, person: User, settings: Any) -> None:
        settings.KEEP_EMAILS_DAYS = settings.KEEP_SIGN_INS_DAYS = settings.KEEP_REPLIES_DAYS = 1
        before = HistoryEntry.objects.count()
        purge_old_data()
        assert HistoryEntry.objects.count() == before
