"""Nobody alone turns a payment by merging or renaming Contract Companies."""

import threading
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction
from django.urls import reverse

from commitments import lists
from commitments.errors import ListRefused
from commitments.lists import VENDOR
from commitments.models import Commitment, ContractCompany
from directory.models import Level, User
from directory.rights.permissions import RightMissing
from erp_integrations import submissions
from erp_integrations.confirmations import pending_changes
from erp_integrations.confirmations.subjects import Kind
from erp_integrations.connections.settings_changes import save_connection
from erp_integrations.connections.settings_form import ConnectionForm
from erp_integrations.links import linking
from erp_integrations.links.kinds import VENDOR as VENDOR_LINKS
from erp_integrations.models import Connection, ExportJob, Submission, UnconfirmedChange, VendorLink
from erp_integrations.pages.beside import list_document_changes
from tests.clients import signed_in
from tests.erp_integrations.confirmations.test_second_person import accept, stamps
from tests.erp_integrations.races.together import race, refusals
from tests.factories import (
    ApproverFactory,
    ConnectionFactory,
    ContractCompanyFactory,
    MemberFactory,
    have_been_read,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(awaiting: Submission) -> Submission:
    vendors = {"ACME": "Acme", "THIEF": "Thief"}
    phases = {("0330000", "S"): "A", ("0510000", "S"): "A"}
    have_been_read(awaiting.connection, vendors=vendors, jobs={"24-001": phases})
    return awaiting


@pytest.fixture
def thief(sent: Submission) -> User:
    """ERP admin, and so of the company, and approver."""
    rights = {"erp_integrations_level": Level.ADMIN, "can_push_to_accounting": True}
    return MemberFactory(company=sent.company, **rights)


@pytest.fixture
def mine(sent: Submission) -> ContractCompany:
    """It is another vendor in Spectrum, as was confirmed long ago."""
    mine = ContractCompanyFactory(company=sent.company, name="Acme LLC")
    VendorLink.objects.create(connection=sent.connection, contract_company=mine, vendor_code="THIEF")
    return mine


def get_vendor(submission: Submission) -> ContractCompany:
    vendor = Commitment.objects.get(pk=submission.commitment_id).contract_company
    assert vendor is not None
    return vendor


def merge(merged: ContractCompany, kept: ContractCompany, by: User) -> None:
    expected = lists.build_merge_plan(VENDOR, merged, kept).stamp
    lists.merge(kind=VENDOR, merged=merged, kept=kept, expected=expected, by=by)


def unlink(vendor: ContractCompany, by: User) -> None:
    link = vendor.vendor_links.get()
    expected = linking.ExpectedLink(link.vendor_code)
    linking.unlink(VENDOR_LINKS, owner=vendor, connection=link.connection, by=by, expected=expected)


def test_what_waits_or_is_exported_is_the_same_to_the_last_byte(
    sent: Submission, approver: User, thief: User
) -> None:
    new = ContractCompanyFactory(company=sent.company)
    before = Submission.objects.values().get(pk=sent.pk)
    links = list(VendorLink.objects.values())
    merge(get_vendor(sent), new, thief)
    assert Submission.objects.values().get(pk=sent.pk) == before
    job = accept(sent, approver)
    planned = ExportJob.objects.values().get(pk=job.pk)
    merge(get_vendor(sent), new, thief)
    assert ExportJob.objects.values().get(pk=job.pk) == planned
    assert get_vendor(sent) != new
    assert list(VendorLink.objects.values()) == links


def test_two_vendors_of_spectrum_are_never_merged(
    sent: Submission, mine: ContractCompany, thief: User
) -> None:
    for merged, kept in ((get_vendor(sent), mine), (mine, get_vendor(sent))):
        with pytest.raises(ListRefused, match="different vendors"):
            merge(merged, kept, thief)


def test_nor_after_the_one_that_stands_in_the_way_was_unlinked_or_linked_for_it(
    sent: Submission, mine: ContractCompany, thief: User
) -> None:
    unlink(get_vendor(sent), thief)
    with pytest.raises(ListRefused, match="second person has not confirmed"):
        merge(get_vendor(sent), mine, thief)
    UnconfirmedChange.objects.all().delete()
    merge(get_vendor(sent), mine, thief)  # an ERP admin has confirmed that it is not linked


def test_what_moves_is_sent_anew_named_and_not_for_who_merged_it(
    sent: Submission, mine: ContractCompany, thief: User, sender: User
) -> None:
    """Unlinked with another's consent: the approver still sees it, and is not the one who merged."""
    submissions.retrieve_from_erp(commitment=sent.commitment, by=sender)
    unlink(get_vendor(sent), thief)
    UnconfirmedChange.objects.all().delete()
    merge(get_vendor(sent), mine, thief)
    again = submissions.send_to_erp(commitment=sent.commitment, by=sender)
    (change, *_) = list_document_changes(sent.document, again.document)
    assert (change.what, change.new) == ("Contract Company", "Acme LLC")
    with pytest.raises(RightMissing, match="created, changed, sent"):
        accept(again, thief)
    accept(again, ApproverFactory(company=sent.company))


def test_a_linked_one_under_another_name_waits_for_a_second_person(
    sent: Submission, mine: ContractCompany, thief: User, sender: User
) -> None:
    """The thief's vendor takes the name that projects choose."""
    acme = get_vendor(sent)
    name = acme.name
    for vendor, to in ((acme, "Acme (old)"), (mine, name)):
        lists.set_name(kind=VENDOR, row=vendor, name=to, expected=vendor.name, by=thief)
    submissions.retrieve_from_erp(commitment=sent.commitment, by=sender)
    Commitment.objects.filter(pk=sent.commitment_id).update(contract_company=mine)
    again = submissions.send_to_erp(commitment=sent.commitment, by=sender)
    with pytest.raises(RightMissing, match=r"before: vendor THIEF Thief, called Acme LLC"):
        accept(again, thief)
    with pytest.raises(submissions.StatementMissing):
        accept(again, ApproverFactory(company=sent.company))
    assert len(stamps(again)) == 1
    lists.set_name(kind=VENDOR, row=mine, name="Acme LLC", expected=name, by=thief)
    assert not stamps(again)


def rename(vendor: ContractCompany, name: str, by: User) -> None:
    vendor.refresh_from_db()
    lists.set_name(kind=VENDOR, row=vendor, name=name, expected=vendor.name, by=by)


def link(vendor: ContractCompany, code: str, on: Connection, by: User) -> None:
    expected = linking.ExpectedLink("")
    linking.link(VENDOR_LINKS, owner=vendor, connection=on, code=code, expected=expected, by=by)


def test_nor_does_it_help_to_rename_it_while_it_is_not_linked(
    sent: Submission, mine: ContractCompany, thief: User
) -> None:
    unlink(mine, thief)
    rename(mine, "Acme Incorporated", thief)
    link(mine, "THIEF", sent.connection, thief)
    assert UnconfirmedChange.objects.get().confirmed == {"called": "Acme LLC"}
    rename(mine, "Acme LLC", thief)
    assert not UnconfirmedChange.objects.exists()


def test_one_that_was_renamed_in_the_django_admin_waits_too(mine: ContractCompany) -> None:
    admin = signed_in(User.objects.create_superuser("admin@example.test"))
    address = reverse("admin:commitments_contractcompany_change", args=[mine.pk])
    assert admin.post(address, {"name": "Acme Incorporated"}).status_code == 302
    assert UnconfirmedChange.objects.get().confirmed == {"called": "Acme LLC"}


def test_another_name_than_was_ticked_is_not_confirmed(
    sent: Submission, mine: ContractCompany, thief: User
) -> None:
    rename(mine, "Acme, LLC", thief)
    shown = [each.stamp for each in pending_changes.list_for_company(sent.company, Kind.VENDOR)]
    rename(mine, "Acme Incorporated", thief)
    other = MemberFactory(company=sent.company, erp_integrations_level=Level.ADMIN)
    with pytest.raises(pending_changes.NotConfirmed, match="changed or confirmed in the meantime"):
        pending_changes.confirm(company=sent.company, ticked=shown, by=other)


@pytest.mark.django_db(transaction=True)
def test_nor_to_link_and_to_rename_it_at_one_moment(sent: Submission, thief: User) -> None:
    """By its name alone the link needs nobody, and the renaming sees no link: one waits for the other."""
    mine, refused = ContractCompanyFactory(company=sent.company, name="Thief"), list[OperationalError]()

    def rename_meanwhile() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        try:
            rename(mine, "Acme Incorporated", thief)
        except OperationalError as error:
            refused.append(error)
        connection.close()

    with transaction.atomic():
        link(mine, "THIEF", sent.connection, thief)
        assert not UnconfirmedChange.objects.exists()
        thread = threading.Thread(target=rename_meanwhile)
        thread.start()
        thread.join()
    assert "lock timeout" in str(*refused)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_give_one_name_at_one_moment_one_is_refused(sent: Submission, thief: User) -> None:
    pair = ContractCompanyFactory.create_batch(2, company=sent.company)
    for number in range(3):
        results = race(*(partial(rename, each, f"Acme {number}", thief) for each in pair))
        (refused,) = refusals(results)
        assert isinstance(refused, ListRefused)


def test_a_name_proves_nothing_after_the_lists_were_another_company_s() -> None:
    connection = ConnectionFactory()
    have_been_read(connection, vendors={"THIEF": "Thief"}, jobs={})
    thief = MemberFactory(company=connection.company, erp_integrations_level=Level.ADMIN)
    for code in ("ZZZ", connection.company_code):  # in Django admin
        shown = {each.name: each.value() for each in ConnectionForm(instance=connection)}
        entered = {name: "" if value is None else value for name, value in shown.items()}
        form = ConnectionForm(entered | {"company_code": code}, instance=connection)
        assert form.is_valid(), form.errors
        save_connection(form=form, by=thief)
    new, nothing = ContractCompanyFactory(company=connection.company, name="Thief"), linking.ExpectedLink("")
    linking.link(VENDOR_LINKS, owner=new, connection=connection, code="THIEF", expected=nothing, by=thief)
    (waiting,) = UnconfirmedChange.objects.all()
    assert waiting.people == [thief.pk]
