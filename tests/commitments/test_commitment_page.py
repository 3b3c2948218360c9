"""A commitment's page: where it stands with accounting, and what can be done about it."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commitments import badges
from commitments.models import Badge, Commitment
from directory.models import User
from tests.clients import signed_in
from tests.factories import (
    CommitmentFactory,
    CreatorFactory,
    ExportJobFactory,
    LineItemFactory,
    ProjectAdminFactory,
    ReaderFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
    lists_know,
)

pytestmark = pytest.mark.django_db


def page_of(commitment: Commitment, person: User) -> str:
    """The page's text as a person reads it."""
    answer = signed_in(person).get(commitment.get_absolute_url())
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def admin_of(commitment: Commitment) -> User:
    return ProjectAdminFactory(project=commitment.project, first_name="Ada", last_name="Admin")


def button(page: str) -> str | None:
    """ "enabled", "disabled", or None where there is no Send button."""
    found = re.search(r"<button[^>]*>(?:(?!</button>).)*?(?:Send|Re-send) to ERP\s*</button>", page)
    if found is None:
        return None
    return "disabled" if re.match(r"<button[^>]*\sdisabled[\s>]", found[0]) else "enabled"


class TestSending:
    def test_an_admin_may_send_what_nothing_stands_in_the_way_of(self) -> None:
        commitment = ReadyCommitmentFactory()
        lists_know(commitment)
        page = page_of(commitment, admin_of(commitment))
        assert button(page) == "enabled"
        assert "Ready to send. Sending locks it" in page

    def test_every_reason_stands_beside_a_disabled_button(self) -> None:
        commitment = CommitmentFactory(number="", title="", contract_company=None, lines=0)
        page = page_of(commitment, admin_of(commitment))
        assert button(page) == "disabled"
        for reason in (
            "Only an approved commitment can go to accounting.",
            "The commitment has no number.",
            "The commitment has no title.",
            "No contract company is chosen.",
            "The Schedule of Values has no lines.",
            "is not linked to a Spectrum job.",
        ):
            assert reason in page
        assert "It can't be sent yet: 7 issues to resolve." in page

    def test_who_can_mend_it_is_said(self) -> None:
        commitment = CommitmentFactory(approved=True)
        page = page_of(commitment, admin_of(commitment))
        assert "For an ERP Integrations Admin" in page

    def test_a_long_number_stops_it(self) -> None:
        commitment = ReadyCommitmentFactory(number="PW-2015-04-0081")
        page = page_of(commitment, admin_of(commitment))
        assert button(page) == "disabled"
        assert "has 15 characters; Spectrum takes 10" in page

    def test_standard_reads_the_reasons_and_whom_to_ask(self) -> None:
        commitment = CommitmentFactory()
        admin_of(commitment)
        page = page_of(commitment, commitment.created_by)
        assert button(page) is None
        assert "needs Admin on this project's Commitments tool. Ask Ada Admin." in page
        assert "Only an approved commitment can go to accounting." in page

    def test_where_nobody_can_send_that_is_said(self) -> None:
        commitment = CommitmentFactory()
        assert "Nobody in this project has it" in page_of(commitment, commitment.created_by)

    def test_an_admin_without_an_account_is_nobody_to_ask(self) -> None:
        commitment = CommitmentFactory()
        admin = admin_of(commitment)
        admin.is_active = False
        admin.save()
        assert "Ada Admin" not in page_of(commitment, commitment.created_by)


class TestStanding:
    @pytest.mark.parametrize("badge", Badge)
    def test_each_badge_is_explained(self, badge: Badge) -> None:
        commitment = CommitmentFactory(badge=badge)
        page = page_of(commitment, commitment.created_by)
        meaning, next_step = badges.MEANINGS[badge]
        assert f"{badge.label}</span>" in page
        assert meaning in page
        assert next_step in page

    def test_while_it_awaits_an_admin_may_retrieve_it(self) -> None:
        commitment = SubmissionFactory().commitment
        page = page_of(commitment, admin_of(commitment))
        assert "Retrieve from ERP </button>" in page
        assert button(page) is None
        assert "Locked while accounting has it" in page
        assert "/edit/" not in page

    def test_while_it_awaits_others_read_who_may(self) -> None:
        commitment = SubmissionFactory().commitment
        page = page_of(commitment, ReaderFactory(project=commitment.project))
        assert "Retrieve from ERP </button>" not in page
        assert "Retrieve from ERP</strong> needs Admin" in page

    def test_a_rejection_comes_first_with_reason_person_and_way_out(self) -> None:
        submission = SubmissionFactory(rejected=True, reason="Wrong phase.\nMove it.")
        commitment = submission.commitment
        page = page_of(commitment, admin_of(commitment))
        assert f"Rejected by {submission.decided_by} on" in page
        assert "<p>Wrong phase.<br>Move it.</p>" in page
        assert "Correct it </a>" in page or "Correct it</a>" in page
        assert button(page) == "enabled"
        assert "Re-send to ERP" in page
        assert "Nothing has changed since it was rejected." in page

    def test_a_corrected_one_is_not_called_unchanged(self) -> None:
        commitment = SubmissionFactory(rejected=True).commitment
        LineItemFactory(commitment=commitment)
        assert "Nothing has changed since" not in page_of(commitment, admin_of(commitment))

    def test_a_retrieved_one_can_be_sent_again(self) -> None:
        commitment = SubmissionFactory(retrieved=True).commitment
        page = page_of(commitment, admin_of(commitment))
        assert "Re-send to ERP" in page
        assert "Rejected by" not in page

    def test_a_synced_one_shows_its_erp_id_and_stays_editable_in_part(self) -> None:
        commitment = ExportJobFactory(synced=True).submission.commitment
        page = page_of(commitment, admin_of(commitment))
        assert f'<dd class="figure mono"> {commitment.number} </dd>' in page
        assert "can no longer be changed" in page
        assert "/edit/" in page
        assert button(page) is None

    def test_a_synced_one_says_what_was_changed_here_since(self) -> None:
        commitment = ExportJobFactory(synced=True).submission.commitment
        assert "Changed here" not in page_of(commitment, admin_of(commitment))
        commitment.trade = "Glazing"
        commitment.save()
        page = page_of(commitment, admin_of(commitment))
        assert "Changed here, not in Spectrum" in page
        assert "now “Glazing” here." in page

    @pytest.mark.parametrize("situation", ["failed", "incomplete", "unknown"])
    def test_one_in_trouble_is_with_accounting(self, situation: str) -> None:
        commitment = ExportJobFactory(**{situation: True}).submission.commitment
        page = page_of(commitment, admin_of(commitment))
        assert button(page) is None
        assert "Retrieve from ERP </button>" not in page

    def test_only_one_on_its_way_looks_again_by_itself(self) -> None:
        moving = ExportJobFactory(exporting=True).submission.commitment
        assert 'hx-trigger="every' in page_of(moving, admin_of(moving))
        still = ExportJobFactory(synced=True).submission.commitment
        assert 'hx-trigger="every' not in page_of(still, admin_of(still))


class TestHistory:
    def test_it_tells_what_happened_with_names(self) -> None:
        submission = SubmissionFactory(rejected=True)
        page = page_of(submission.commitment, ReaderFactory(project=submission.project))
        assert str(submission.sent_by) in page
        assert f"{submission.decided_by} ·" in page


class TestRights:
    def test_read_only_is_offered_no_change(self) -> None:
        commitment = CommitmentFactory()
        page = page_of(commitment, ReaderFactory(project=commitment.project))
        assert "/edit/" not in page
        assert "/delete/" not in page

    def test_another_creator_may_look_and_not_edit(self) -> None:
        commitment = CommitmentFactory()
        assert "/edit/" not in page_of(commitment, CreatorFactory(project=commitment.project))

    def test_a_stranger_finds_nothing(self) -> None:
        commitment = CommitmentFactory()
        assert signed_in(ProjectAdminFactory()).get(commitment.get_absolute_url()).status_code == 404

    def test_a_commitment_is_found_only_in_its_own_project(self) -> None:
        commitment, other = CommitmentFactory(), CommitmentFactory()
        address = f"/projects/{commitment.project_id}/commitments/{other.pk}/"
        assert signed_in(commitment.created_by).get(address).status_code == 404


class TestDeleting:
    def test_it_asks_first(self) -> None:
        commitment = CommitmentFactory(number="SC-1")
        client = signed_in(commitment.created_by)
        page = client.get(f"{commitment.get_absolute_url()}delete/").content.decode()
        assert "Delete SC-1?" in page
        assert Commitment.objects.filter(pk=commitment.pk).exists()

    def test_then_it_is_gone(self) -> None:
        commitment = CommitmentFactory(number="SC-1")
        client = signed_in(commitment.created_by)
        page = client.post(f"{commitment.get_absolute_url()}delete/", follow=True).content.decode()
        assert "SC-1 was deleted." in page
        assert not Commitment.objects.filter(pk=commitment.pk).exists()

    def test_one_that_was_sent_is_kept(self) -> None:
        commitment = SubmissionFactory(retrieved=True).commitment
        client = signed_in(admin_of(commitment))
        answer = client.post(f"{commitment.get_absolute_url()}delete/")
        assert answer.status_code == 409
        assert "Set it to Void." in answer.content.decode()
        assert Commitment.objects.filter(pk=commitment.pk).exists()

    def test_read_only_may_not(self) -> None:
        commitment = CommitmentFactory()
        client = signed_in(ReaderFactory(project=commitment.project))
        assert client.post(f"{commitment.get_absolute_url()}delete/").status_code == 403


def test_more_lines_and_more_history_cost_no_more_queries() -> None:
    commitment = ReadyCommitmentFactory()
    admin = admin_of(commitment)

    def queries() -> int:
        client = signed_in(admin)
        with CaptureQueriesContext(connection) as captured:
            client.get(commitment.get_absolute_url())
        return len(captured)

    SubmissionFactory(commitment=commitment, sent_by=admin, retrieved=True)
    few = queries()
    LineItemFactory.create_batch(28, commitment=commitment)
    for _ in range(5):
        SubmissionFactory(commitment=commitment, sent_by=admin, retrieved=True)
    assert queries() == few
