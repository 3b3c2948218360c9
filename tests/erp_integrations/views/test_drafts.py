"""Words in a dialog are kept until it has used them, without a script; only their person sees them again."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from directory.drafts import KEPT_FOR, SALT, purge_drafts
from directory.models import CompanyMembership, Draft, HistoryEntry, User
from erp_integrations import submissions
from erp_integrations.models import ExportJob, JobStatus, Submission, SubmissionStatus
from tests.clients import signed_in
from tests.directory.signing_in import PASSWORD, sign_in
from tests.erp_integrations.views.test_dialogs import IN_PLACE, hidden, list_url, seen, url
from tests.factories import ApproverFactory, ExportJobFactory, SubmissionFactory

pytestmark = pytest.mark.django_db

REASON = "The retainage is 10 per cent.\nThe contract says 5 <per cent>."
SHOWN = "The contract says 5 &lt;per cent&gt;."
BACK = "What you typed is back. Nothing has been decided."


@pytest.fixture
def submission() -> Submission:
    submission: Submission = SubmissionFactory()
    return submission


@pytest.fixture
def approver(submission: Submission) -> User:
    return make_approver(submission)


def make_approver(submission: Submission) -> User:
    person: User = ApproverFactory(company=submission.company)
    person.set_password(PASSWORD)
    person.save()
    return person


def end_session(client: Client, how: str) -> None:
    """By the clock; from another place, where nothing is known of its person any more; or by signing out."""
    if how == "idle":
        session = client.session
        session["seen_at"] -= 3600
        session.save()
    elif how == "elsewhere":
        client.session.delete()
    else:
        client.post("/accounts/logout/")


def decided(submission: Submission) -> bool:
    submission.refresh_from_db()
    return submission.status != SubmissionStatus.AWAITING


class TestTheSessionHasEnded:
    @pytest.mark.parametrize("headers", [{}, {**IN_PLACE, "HX-Current-URL": "http://testserver/projects/"}])
    @pytest.mark.parametrize("how", ["idle", "elsewhere", "signed out"])
    def test_after_sign_in_the_dialog_is_back_with_the_reason(
        self, submission: Submission, approver: User, how: str, headers: dict[str, str]
    ) -> None:
        client, address = signed_in(approver), url(submission, "reject")
        entered = seen(client, submission, "reject", reason=REASON)
        end_session(client, how)
        answer = client.post(address, entered, headers=headers)
        door = answer.headers["HX-Redirect" if headers else "Location"]
        assert door == f"/accounts/login/?next={quote(address)}"
        assert "What you typed is kept: it is back" in client.get(door).content.decode()
        posted = {"login": approver.email, "password": PASSWORD, "next": address}
        assert client.post("/accounts/login/", posted).headers["Location"] == address
        assert not decided(submission)
        page = client.get(address).content.decode()
        assert SHOWN in page
        assert BACK in page
        assert client.post(address, seen(client, submission, "reject", reason=REASON)).status_code == 302
        submission.refresh_from_db()
        assert submission.reason == REASON
        assert not Draft.objects.exists()

    def test_a_note_is_back_and_in_what_will_be_exported(
        self, submission: Submission, approver: User
    ) -> None:
        client = signed_in(approver)
        entered = seen(client, submission, note="By phone.\nOn Monday.")
        end_session(client, "idle")
        client.post(url(submission, "accept"), entered)
        assert sign_in(client, approver.email) == 302
        page = client.get(url(submission, "accept")).content.decode()
        assert page.count("By phone.\nOn Monday.") == 1
        assert (
            client.post(
                url(submission, "accept"), seen(client, submission, note="By phone.\nOn Monday.")
            ).status_code
            == 302
        )
        submission.refresh_from_db()
        assert submission.note == "By phone.\nOn Monday."

    def test_somebody_else_who_signs_in_sees_nothing_of_it(
        self, submission: Submission, approver: User
    ) -> None:
        client, address, other = signed_in(approver), url(submission, "reject"), make_approver(submission)
        entered = seen(client, submission, "reject", reason=REASON)
        end_session(client, "idle")
        client.post(address, entered)
        assert sign_in(client, other.email) == 302
        page = client.get(address).content.decode()
        assert SHOWN not in page
        assert BACK not in page
        assert SHOWN in signed_in(approver).get(address).content.decode()

    def test_it_is_back_in_that_dialog_alone(self, submission: Submission, approver: User) -> None:
        client, other = signed_in(approver), SubmissionFactory(commitment__project=submission.project)
        entered = seen(client, submission, "reject", reason=REASON)
        end_session(client, "idle")
        for elsewhere in (url(other, "reject"), url(submission, "accept"), list_url(submission.company)):
            client.post(elsewhere, entered)
        assert not Draft.objects.exists()


class TestNobodyElseCanPutItThere:
    def test_without_the_form_s_own_token_nothing_is_kept(
        self, submission: Submission, approver: User
    ) -> None:
        address = url(submission, "reject")
        forged = signing.dumps([approver.pk, address, ["reason"]], salt="another")
        for token in ("", "x", forged):
            posted = {"draft": token, "reason": "Planted"}
            Client().post(address, posted)
            assert Client(enforce_csrf_checks=True).post(address, posted).status_code == 403
            signed_in(approver).post(address, {**posted, "keep": "1"})
        assert not Draft.objects.exists()

    def test_one_s_own_token_keeps_one_s_own_words(self, submission: Submission, approver: User) -> None:
        """Whoever has it sent from another's browser: theirs are not touched."""
        other = make_approver(submission)
        entered = seen(signed_in(other), submission, "reject", reason="Planted")
        guarded = Client(enforce_csrf_checks=True)
        sign_in(Client(), approver.email)
        guarded.force_login(approver, backend="allauth.account.auth_backends.AuthenticationBackend")
        assert guarded.post(url(submission, "reject"), entered).status_code == 403
        assert Draft.objects.get().person_id == other.pk

    def test_a_token_of_last_week_keeps_nothing(
        self, submission: Submission, approver: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        entered = seen(signed_in(approver), submission, "reject", reason=REASON)
        monkeypatch.setattr("directory.drafts.KEPT_FOR", timedelta(seconds=-1))
        Client().post(url(submission, "reject"), entered)
        assert not Draft.objects.exists()


class TestAnOldToken:
    @pytest.mark.parametrize("headers", [{}, IN_PLACE])
    def test_the_dialog_is_shown_anew_with_the_reason(
        self, submission: Submission, approver: User, headers: dict[str, str]
    ) -> None:
        address = f"{url(submission, 'reject')}?back=review"
        entered = seen(signed_in(approver), submission, "reject", reason=REASON)
        client = Client(enforce_csrf_checks=True)
        client.force_login(approver, backend="allauth.account.auth_backends.AuthenticationBackend")
        answer = client.post(address, entered, headers=headers, follow=True)
        assert answer.redirect_chain == [(address, 302)]
        assert SHOWN in answer.content.decode()
        assert BACK in answer.content.decode()
        assert not decided(submission)
        assert not HistoryEntry.objects.filter(event="right.refused").exists()

    def test_where_nothing_was_typed_it_is_refused_in_words(
        self, submission: Submission, approver: User
    ) -> None:
        entered = seen(signed_in(approver), submission)
        client = Client(enforce_csrf_checks=True)
        client.force_login(approver, backend="allauth.account.auth_backends.AuthenticationBackend")
        answer = client.post(url(submission, "accept"), entered)
        assert answer.status_code == 403
        assert "This page was open too long" in answer.content.decode()
        assert not decided(submission)

    def test_of_another_person_it_is_refused_and_kept_for_them(
        self, submission: Submission, approver: User
    ) -> None:
        address, other = url(submission, "reject"), make_approver(submission)
        entered = seen(signed_in(approver), submission, "reject", reason=REASON)
        client = Client(enforce_csrf_checks=True)
        client.force_login(other, backend="allauth.account.auth_backends.AuthenticationBackend")
        answer = client.post(address, entered)
        assert answer.status_code == 403
        assert SHOWN not in answer.content.decode()
        assert SHOWN in signed_in(approver).get(address).content.decode()


class TestAConflict:
    def test_the_content_has_changed(self, submission: Submission, approver: User) -> None:
        client = signed_in(approver)
        entered = seen(client, submission, "reject", reason=REASON) | {"expected_hash": "0" * 64}
        answer = client.post(url(submission, "reject"), entered)
        assert answer.status_code == 409
        assert SHOWN in answer.content.decode()

    @pytest.mark.parametrize("headers", [{}, IN_PLACE])
    @pytest.mark.parametrize("box", ["accept", "reject"])
    def test_somebody_else_has_decided(
        self, submission: Submission, approver: User, headers: dict[str, str], box: str
    ) -> None:
        client, other = signed_in(approver), make_approver(submission)
        entered = seen(client, submission, box, reason=REASON, note=REASON)
        submissions.reject(submission=submission, by=other, reason="Mine.")
        answer = client.post(url(submission, box), entered, headers=headers)
        assert answer.status_code == 409
        html = answer.content.decode()
        assert "Already decided:" in html
        assert "What you typed" in html
        assert SHOWN in html
        assert SHOWN in client.get(url(submission, box)).content.decode()
        assert SHOWN not in signed_in(other).get(url(submission, box)).content.decode()

    def test_of_an_export_that_is_not_unknown_any_more(self) -> None:
        job = ExportJobFactory(unknown=True)
        approver = make_approver(job.submission)
        client = signed_in(approver)
        entered = seen(client, job.submission, "resolve", attested="none", statement=REASON)
        changes = {"status": JobStatus.SYNCED, "synced_at": timezone.now(), "unknown_since": None}
        ExportJob.objects.filter(pk=job.pk).update(**changes)
        answer = client.post(url(job.submission, "resolve"), entered)
        assert answer.status_code == 409
        assert SHOWN in answer.content.decode()


def test_the_right_was_taken_away_and_is_given_again(submission: Submission, approver: User) -> None:
    client, address = signed_in(approver), url(submission, "reject")
    entered = seen(client, submission, "reject", reason=REASON)
    membership = CompanyMembership.objects.filter(user=approver)
    membership.update(can_push_to_accounting=False)
    assert client.post(address, entered).status_code == 403
    membership.update(can_push_to_accounting=True)
    assert SHOWN in client.get(address).content.decode()


class TestKeeping:
    """As app.js has it done while somebody types."""

    def test_it_decides_nothing_and_is_in_the_box_when_it_is_opened_again(
        self, submission: Submission, approver: User
    ) -> None:
        client, address = signed_in(approver), url(submission, "reject")
        entered = seen(client, submission, "reject", keep="1")
        for reason in ("No", REASON):
            assert client.post(address, entered | {"reason": reason}).status_code == 204
        assert Draft.objects.get().texts == {"reason": REASON}
        assert not decided(submission)
        assert SHOWN in client.get(address, headers=IN_PLACE).content.decode()

    def test_what_was_emptied_is_forgotten(self, submission: Submission, approver: User) -> None:
        client, address = signed_in(approver), url(submission, "accept")
        entered = seen(client, submission, keep="1")
        client.post(address, entered | {"note": REASON})
        client.post(address, entered | {"note": " "})
        assert not Draft.objects.exists()
        client.post(address, entered | {"note": REASON})
        # Without a script, in the box that it came back in.
        assert client.post(address, seen(client, submission, note="")).status_code == 302
        assert not Draft.objects.exists()

    def test_what_was_emptied_after_it_was_shown_again_is_forgotten(
        self, submission: Submission, approver: User
    ) -> None:
        client, address = signed_in(approver), url(submission, "accept")
        before = seen(client, submission, note=REASON, show="1")
        again = hidden(client.post(address, before).content.decode())
        assert Draft.objects.get().texts == {"note": REASON}
        client.post(address, {**again, "erp_id": before["erp_id"], "note": "", "show": "1"})
        assert not Draft.objects.exists()

    def test_ticks_and_numbers_do_not_come_back(self, submission: Submission, approver: User) -> None:
        client = signed_in(approver)
        entered = seen(client, submission, keep="1", note="n", erp_id="X-1", number_looked_up="on")
        client.post(url(submission, "accept"), entered | {"others_reason": "a\0b"})
        assert Draft.objects.get().texts == {"note": "n", "others_reason": "ab"}

    def test_after_a_week_it_is_forgotten(self, submission: Submission, approver: User) -> None:
        client, address = signed_in(approver), url(submission, "reject")
        client.post(address, seen(client, submission, "reject", reason=REASON, keep="1"))
        assert purge_drafts() == 0
        Draft.objects.update(kept_at=timezone.now() - KEPT_FOR)
        assert SHOWN not in client.get(address).content.decode()
        assert purge_drafts() == 1

    def test_the_token_names_no_secret(self, submission: Submission, approver: User) -> None:
        entered = seen(signed_in(approver), submission, "reject")
        assert signing.loads(entered["draft"], salt=SALT) == [
            approver.pk,
            url(submission, "reject"),
            ["reason"],
        ]
