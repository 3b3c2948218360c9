"""Whoever turns where money goes decides on nothing that goes there, until a second person confirms it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from commitments.events import CommitmentEvent
from commitments.models import Commitment, CostType
from directory import history
from directory.models import HistoryEntry, Level, User
from directory.rights.permissions import RightMissing
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.confirmations import pending_changes
from erp_integrations.confirmations.subjects import Kind
from erp_integrations.connections import settings_changes
from erp_integrations.connections.settings_form import SettingsForm
from erp_integrations.links import linking, units
from erp_integrations.links.kinds import JOB, VENDOR
from erp_integrations.models import (
    Connection,
    CostTypeAccount,
    ExportJob,
    Job,
    JobLink,
    JobStatus,
    Submission,
    UnconfirmedChange,
    Vendor,
    VendorLink,
)
from tests.clients import signed_in
from tests.erp_integrations.deliveries import delivered, incomplete_at
from tests.factories import (
    ApproverFactory,
    ConnectionFactory,
    ErpAdminFactory,
    MemberFactory,
    PrivilegeAdminFactory,
    have_been_read,
    join_company,
)
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db

PHASES = {("0330000", "S"): "A", ("0510000", "S"): "A"}


@pytest.fixture
def sent(awaiting: Submission) -> Submission:
    have_been_read(
        awaiting.connection,
        vendors={"ACME": "Acme", "BOLT": "Bolt & Sons", "CORE": "Core"},
        jobs={"24-001": PHASES, "24-002": {}},
    )
    return awaiting


@pytest.fixture
def both(sent: Submission) -> User:
    """One person who is ERP admin and approver."""
    person: User = MemberFactory(
        company=sent.company, erp_integrations_level=Level.ADMIN, can_push_to_accounting=True
    )
    return person


@pytest.fixture
def admin(sent: Submission) -> User:
    """Another ERP admin."""
    person: User = ErpAdminFactory(company=sent.company)
    return person


def link(submission: Submission, code: str, by: User) -> None:
    firm = submission.commitment.contract_company
    assert firm is not None
    now = VendorLink.objects.filter(contract_company=firm).first()
    seen = linking.ExpectedLink(now.vendor_code if now else "")
    where: dict[str, Any] = {"owner": firm, "connection": submission.connection, "expected": seen, "by": by}
    if code:
        linking.link(VENDOR, **where, code=code)
    else:
        linking.unlink(VENDOR, **where)


def accept(submission: Submission, by: User, *ticked: str) -> ExportJob:
    basis = build_basis(submission.document)
    return submissions.accept(
        submission=submission,
        by=by,
        expected_hash=basis.hash,
        erp_id=basis.proposed_erp_id,
        confirmed=ticked,
    )


def stamps(submission: Submission) -> list[str]:
    return [each.stamp for each in pending_changes.list_for_document(submission.document)]


def told(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


def page(submission: Submission, name: str) -> str:
    return f"/companies/{submission.company.slug}/erp-integrations/{name}/"


class TestOnePerson:
    def test_who_turned_a_vendor_link_does_not_accept_where_it_leads(
        self, sent: Submission, both: User
    ) -> None:
        link(sent, "BOLT", both)
        with pytest.raises(RightMissing, match="You changed where this is exported to: Acme is linked to"):
            accept(sent, both, *stamps(sent))
        client = signed_in(both)
        assert client.get(f"{sent.get_absolute_url()}accept/").status_code == 403
        listed = client.get(page(sent, "commitments")).content.decode()
        assert "/accept/" not in listed
        assert "You changed where this is exported to" in listed
        assert "/reject/" in listed  # which sends no money anywhere

    def test_nor_tries_again_adopts_or_follows(
        self, simulator: Simulator, sent: Submission, approver: User, both: User
    ) -> None:
        simulator.set_faults({"kind": "refuse", "times": 1})
        assert delivered(accept(sent, approver)).status == JobStatus.FAILED
        link(sent, "BOLT", both)
        sent.refresh_from_db()
        seen: dict[str, Any] = {"expected_hash": build_basis(sent.document).hash, "erp_id": "X"}
        with pytest.raises(RightMissing):
            submissions.accept_again(submission=sent, by=both, **seen)
        with pytest.raises(RightMissing):
            submissions.adopt(submission=sent, by=both, **seen, expected_record="", expected_version=1)
        with pytest.raises(RightMissing):
            submissions.require_own_changes_confirmed(sent, both)

    def test_nor_resumes_over_settings_of_their_own(
        self, simulator: Simulator, sent: Submission, approver: User, both: User
    ) -> None:
        job = incomplete_at(simulator, accept(sent, approver), 2)
        link(sent, "BOLT", both)  # its calls are planned: no link turns them
        submissions.require_own_changes_confirmed(job.submission, both, has_begun=True)
        settings(job.connection, both, service_path="/other/{method}")
        with pytest.raises(RightMissing):
            submissions.resume(submission=job.submission, by=both, expected_version=job.attempt)

    def test_nor_where_the_project_leads_nowhere_by_then(
        self, simulator: Simulator, sent: Submission, approver: User, both: User
    ) -> None:
        """The calls go by the connection that they were begun on, not by the project's link."""
        job = incomplete_at(simulator, accept(sent, approver), 2)
        settings(job.connection, both, service_path="/other/{method}")
        JobLink.objects.all().delete()
        with pytest.raises(RightMissing):
            submissions.resume(submission=job.submission, by=both, expected_version=job.attempt)

    def test_an_honest_approver_resumes_over_it_only_with_a_tick_at_exactly_that(
        self, simulator: Simulator, sent: Submission, approver: User, admin: User
    ) -> None:
        """Of an ERP admin who waits for somebody else to send the rest where it shall go."""
        job = incomplete_at(simulator, accept(sent, approver), 2)
        bound, calls = job.wire_hash, len(simulator.calls())
        settings(job.connection, admin, service_path="/other/{method}")
        client, box = signed_in(approver), f"{sent.get_absolute_url()}resume/"
        page = client.get(box).content.decode()
        assert "/other/{method}" in page
        (stamp,) = re.findall(r'name="confirmed"\s+value="(\w+)"', page)
        for ticked in ([], ["0" * 64]):
            answer = client.post(box, {"expected_version": job.attempt, "confirmed": ticked})
            assert answer.status_code == 422
            assert "need a second person" in answer.content.decode()
        settings(job.connection, admin, service_path="/third/{method}")
        assert client.post(box, {"expected_version": job.attempt, "confirmed": [stamp]}).status_code == 422
        job.refresh_from_db()
        assert (job.wire_hash, len(simulator.calls())) == (bound, calls)
        (stamp,) = re.findall(r'name="confirmed"\s+value="(\w+)"', client.get(box).content.decode())
        client.post(box, {"expected_version": job.attempt, "confirmed": [stamp]})
        job.refresh_from_db()
        assert job.wire_hash != bound
        assert not UnconfirmedChange.objects.exists()
        entry = HistoryEntry.objects.get(event="connection.confirmed")
        assert (entry.by_id, entry.detail["changed_by"]) == (approver.pk, [admin.pk])

    def test_deleting_it_and_making_it_anew_is_no_way_round(self, sent: Submission, both: User) -> None:
        link(sent, "", both)
        link(sent, "BOLT", both)
        with pytest.raises(RightMissing):
            accept(sent, both)

    def test_nor_is_an_accomplice_who_changes_it_again(
        self, sent: Submission, both: User, admin: User
    ) -> None:
        link(sent, "BOLT", both)
        link(sent, "CORE", admin)
        assert UnconfirmedChange.objects.get().people == [both.pk, admin.pk]
        for person in (both, admin):
            with pytest.raises(pending_changes.NotConfirmed, match="You were involved in some of these"):
                pending_changes.confirm(company=sent.company, ticked=stamps(sent), by=person)
        with pytest.raises(RightMissing):
            accept(sent, both)

    def test_what_is_put_back_waits_for_nobody(self, sent: Submission, both: User) -> None:
        link(sent, "BOLT", both)
        link(sent, "ACME", both)
        assert not UnconfirmedChange.objects.exists()
        assert accept(sent, both).status == JobStatus.QUEUED

    def test_who_only_accepts_is_asked_nothing_while_nothing_waits(
        self, sent: Submission, approver: User
    ) -> None:
        assert accept(sent, approver).status == JobStatus.QUEUED


class TestWhoIsLetThrough:
    def test_whom_staff_exempted_once_accepts_and_it_still_waits(self, sent: Submission, both: User) -> None:
        link(sent, "BOLT", both)
        granter = PrivilegeAdminFactory()
        join_company(granter, sent.company)
        submissions.exempt(submission=sent, person=both, by=granter, reason="Nobody else is left.")
        assert accept(Submission.objects.get(pk=sent.pk), both).status == JobStatus.QUEUED
        assert len(stamps(sent)) == 1  # nobody else has confirmed it

    def test_so_is_everybody_where_the_company_is_freed_from_the_rule(
        self, sent: Submission, both: User
    ) -> None:
        link(sent, "BOLT", both)
        sent.company.allows_own_decisions = True
        sent.company.save()
        assert accept(sent, both).status == JobStatus.QUEUED


class TestTheSecondOne:
    def test_an_approver_ticks_exactly_what_was_shown(
        self, sent: Submission, both: User, approver: User
    ) -> None:
        link(sent, "BOLT", both)
        (old,) = stamps(sent)
        link(sent, "CORE", both)
        for ticked in ([], [old]):
            with pytest.raises(submissions.StatementMissing, match="tick it if it is right"):
                accept(sent, approver, *ticked)
        assert accept(sent, approver, *stamps(sent)).status == JobStatus.QUEUED
        assert not UnconfirmedChange.objects.exists()
        entry = HistoryEntry.objects.get(event="vendor_link.confirmed")
        assert (entry.by_id, entry.detail["submission"]) == (approver.pk, sent.pk)
        assert entry.detail["before"]["vendor_code"] == "ACME"
        assert entry.detail["after"]["vendor_name"] == "Core"

    def test_the_dialog_shows_it_first_and_keeps_the_tick(
        self, sent: Submission, both: User, approver: User
    ) -> None:
        link(sent, "BOLT", both)
        client, box = signed_in(approver), f"{sent.get_absolute_url()}accept/"
        shown = told(client, box)
        assert "Acme is linked to vendor BOLT Bolt &amp; Sons, by " in shown
        assert "before: vendor ACME Acme." in shown
        posted = {
            "expected_hash": build_basis(sent.document).hash,
            "expected_version": 0,
            "erp_id": build_basis(sent.document).proposed_erp_id,
        }
        answer = client.post(box, posted)
        assert answer.status_code == 422
        assert "tick it if it is right" in answer.content.decode()
        answer = client.post(box, posted | {"confirmed": stamps(sent), "show": "1"})
        assert re.search(r'name="confirmed"[^>]*checked', answer.content.decode())
        assert client.post(box, posted | {"confirmed": stamps(sent)}).status_code == 302
        assert sent.jobs.get().status == JobStatus.QUEUED

    def test_another_erp_admin_confirms_many_at_once(self, sent: Submission, both: User, admin: User) -> None:
        link(sent, "BOLT", both)
        linking.link(
            JOB,
            owner=sent.project,
            connection=sent.connection,
            code="24-002",
            expected=linking.ExpectedLink("24-001", sent.connection_id),
            by=both,
        )
        client = signed_in(admin)
        shown = told(client, page(sent, "vendors") + "?view=linked")
        assert "that need a second person's confirmation" in shown
        assert "Acme is linked to vendor BOLT Bolt &amp; Sons, by " in shown
        assert told(client, page(sent, "jobs")).count("is linked to job 24-002") == 1
        own = signed_in(both).get(page(sent, "vendors")).content.decode()
        assert "You were involved" in own
        assert 'name="confirmed"' not in own
        client.post(page(sent, "confirm"), {"confirmed": stamps(sent), "page": "jobs"})
        assert not UnconfirmedChange.objects.exists()
        events = set(HistoryEntry.objects.filter(by_id=admin.pk).values_list("event", flat=True))
        assert events == {"vendor_link.confirmed", "job_link.confirmed"}

    def test_all_of_what_is_ticked_or_none_of_it(self, sent: Submission, both: User, admin: User) -> None:
        link(sent, "BOLT", both)
        client = signed_in(admin)
        for ticked in ([], ["0" * 64], [*stamps(sent), "0" * 64]):
            client.post(page(sent, "confirm"), {"confirmed": ticked})
        assert UnconfirmedChange.objects.count() == 1
        with pytest.raises(RightMissing):
            pending_changes.confirm(
                company=sent.company, ticked=stamps(sent), by=ApproverFactory(company=sent.company)
            )

    def test_of_another_company_nothing_is_confirmed(self, sent: Submission, both: User) -> None:
        link(sent, "BOLT", both)
        stranger = ErpAdminFactory()
        company = stranger.company_memberships.get().company
        with pytest.raises(pending_changes.NotConfirmed):
            pending_changes.confirm(company=company, ticked=stamps(sent), by=stranger)


class TestALinkThatSpeaksForItself:
    def test_between_equal_names_needs_nobody(self, sent: Submission, both: User) -> None:
        VendorLink.objects.update(vendor_code="CORE")
        link(sent, "ACME", both)
        assert not UnconfirmedChange.objects.exists()
        Job.objects.filter(number="24-002").update(description=sent.project.name)
        Job.objects.filter(number="24-001").update(description="Else")
        job(sent, "24-002", both)
        assert not UnconfirmedChange.objects.exists()

    def test_a_firm_that_was_renamed_lately_does_not(self, sent: Submission, both: User) -> None:
        firm = sent.commitment.contract_company
        assert firm is not None
        firm.name = "Bolt and Sons"
        firm.save()
        history.record(
            event=CommitmentEvent.CONTRACT_COMPANY_CHANGED,
            subject=firm,
            by=both,
            company=sent.company,
            detail={"fields": ["name"]},
        )
        link(sent, "BOLT", both)
        assert UnconfirmedChange.objects.exists()

    def test_nor_a_vendor_that_was_renamed_lately_or_that_another_is_called_like(
        self, sent: Submission, both: User
    ) -> None:
        VendorLink.objects.update(vendor_code="CORE")
        Vendor.objects.filter(code="ACME").update(renamed_at=timezone.now() - timedelta(days=29))
        link(sent, "ACME", both)
        assert UnconfirmedChange.objects.exists()
        link(sent, "CORE", both)
        Vendor.objects.update(renamed_at=None)
        Vendor.objects.filter(code="BOLT").update(name="ACME, Inc.")
        link(sent, "ACME", both)
        assert UnconfirmedChange.objects.exists()

    def test_nor_a_job_of_that_name_in_one_of_several_spectrums(self, sent: Submission, both: User) -> None:
        other = ConnectionFactory(company=sent.company)
        Job.objects.create(
            connection=other, number="T-1", description=sent.project.name, seen_at=timezone.now()
        )
        have_been_read(other, jobs={"T-1": {}})
        Job.objects.filter(number="T-1").update(description=sent.project.name)
        linking.link(
            JOB,
            owner=sent.project,
            connection=other,
            code="T-1",
            expected=linking.ExpectedLink("24-001", sent.connection_id),
            by=both,
        )
        assert UnconfirmedChange.objects.exists()


class TestWhateverSteers:
    def test_a_unit(self, sent: Submission, both: User) -> None:
        connection = sent.connection
        units.link_units(
            connection=connection,
            entered={"CY": "YD"},
            expected_hash=units.hash_unit_links(connection),
            by=both,
        )
        with pytest.raises(RightMissing, match="The unit CY is called YD"):
            accept(sent, both)

    def test_a_unit_that_no_line_has_bars_nobody(self, sent: Submission, both: User) -> None:
        connection = sent.connection
        units.link_units(
            connection=connection,
            entered={"HOURS": "HR"},
            expected_hash=units.hash_unit_links(connection),
            by=both,
        )
        assert accept(sent, both).status == JobStatus.QUEUED

    def test_a_setting_and_not_its_name(self, sent: Submission, both: User) -> None:
        settings(sent.connection, both, name="New name")
        assert not UnconfirmedChange.objects.exists()
        settings(sent.connection, both, general_ledger_account="999999")
        with pytest.raises(RightMissing, match="General ledger account “999999”"):
            accept(sent, both)
        shown = told(signed_in(both), page(sent, "settings"))
        assert "before: General ledger account “500100”" in shown

    def test_another_authorization_id_which_is_told_to_nobody(self, sent: Submission, both: User) -> None:
        settings(sent.connection, both, authorization_id="another-secret")
        shown = told(signed_in(both), page(sent, "settings"))
        assert "is set to Authorization_ID (secret)" in shown
        rows = str(list(UnconfirmedChange.objects.values())) + str(
            list(HistoryEntry.objects.values_list("detail", flat=True))
        )
        assert "another-secret" not in rows
        with pytest.raises(RightMissing):
            accept(sent, both)

    def test_staff_with_one_permission_in_django_admin(self, sent: Submission, both: User) -> None:
        both.is_staff = True
        both.save()
        wanted = ("vendorlink", "joblink", "costtypeaccount", "connection")
        both.user_permissions.set(Permission.objects.filter(content_type__model__in=wanted))
        client = signed_in(both)
        kept = VendorLink.objects.get()
        address = f"/admin/erp_integrations/vendorlink/{kept.pk}/change/"
        answer = client.post(address, {"vendor_code": "ACME", "general_ledger_account": "666666"})
        assert answer.status_code == 302
        with pytest.raises(RightMissing, match="account 666666"):
            accept(sent, both)
        client.post(f"/admin/erp_integrations/vendorlink/{kept.pk}/delete/", {"post": "yes"})
        made = {
            "connection": sent.connection_id,
            "contract_company": kept.contract_company_id,
            "vendor_code": "BOLT",
        }
        assert client.post("/admin/erp_integrations/vendorlink/add/", made).status_code == 302
        assert VendorLink.objects.get().vendor_code == "BOLT"
        with pytest.raises(RightMissing, match="vendor BOLT"):
            accept(sent, both)
        job_link = JobLink.objects.get()
        changed = {"connection": sent.connection_id, "job_number": "24-002"}
        client.post(f"/admin/erp_integrations/joblink/{job_link.pk}/change/", changed)
        account = {
            "connection": sent.connection_id,
            "cost_type": CostType.objects.get(company=sent.company).pk,
            "general_ledger_account": "777777",
        }
        client.post("/admin/erp_integrations/costtypeaccount/add/", account)
        assert CostTypeAccount.objects.exists()
        kinds = {each.subject.kind for each in pending_changes.list_for_document(sent.document)}
        assert kinds == {Kind.VENDOR, Kind.JOB, Kind.ACCOUNT}
        entry = HistoryEntry.objects.filter(event="job_link.changed").last()
        assert entry is not None
        assert entry.detail["before"]["job_number"] == "24-001"
        assert entry.detail["after"]["job_number"] == "24-002"


def test_the_commitment_s_history_shows_what_became_of_its_links(
    sent: Submission, both: User, admin: User
) -> None:
    link(sent, "BOLT", both)
    pending_changes.confirm(company=sent.company, ticked=stamps(sent), by=admin)
    shown = told(signed_in(both), sent.get_absolute_url())
    assert "Vendor link changed: vendor BOLT Bolt &amp; Sons; before: vendor ACME Acme" in shown
    assert (
        "Vendor link confirmed by a second person: vendor BOLT Bolt &amp; Sons; before: vendor ACME Acme"
        in shown
    )


def test_a_link_of_another_firm_is_not_in_it(sent: Submission, both: User, deliverable: Commitment) -> None:
    other = deliverable.project.company.contract_companies.create(name="Other")
    seen = linking.ExpectedLink("")
    linking.link(VENDOR, owner=other, connection=sent.connection, code="BOLT", expected=seen, by=both)
    assert "Vendor linked" not in told(signed_in(both), sent.get_absolute_url())


def job(submission: Submission, number: str, by: User) -> None:
    linking.link(
        JOB,
        owner=submission.project,
        connection=submission.connection,
        code=number,
        expected=linking.ExpectedLink("24-001", submission.connection_id),
        by=by,
    )


def settings(connection: Connection, by: User, **changed: str) -> None:
    """Save the settings page with these changes."""
    stored = Connection.objects.select_related("company", "settings").get(pk=connection.pk)
    shown = SettingsForm(instance=stored)
    entered = {name: shown[name].value() for name in shown.fields} | changed
    form = SettingsForm(
        {name: value for name, value in entered.items() if value is not None}, instance=stored
    )
    assert form.is_valid(), form.errors
    settings_changes.save_connection(form=form, by=by)
