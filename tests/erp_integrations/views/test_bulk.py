"""Many decisions at once."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from commitments.models import Commitment
from directory.models import User
from erp_integrations import submissions
from erp_integrations.checks import row_checks
from erp_integrations.models import Batch, BatchAction, BatchItem, ExportJob, Submission, VendorLink
from erp_integrations.pages import bulk
from erp_integrations.submissions import batches
from local.demo.numbers import send_with_any_number
from tests.clients import signed_in
from tests.factories import ApproverFactory, CommitmentFactory, LineItemFactory, have_been_read

pytestmark = pytest.mark.django_db(transaction=True)
PHASES = {("0330000", "S"): "A", ("0510000", "S"): "A"}


@pytest.fixture
def waiting(awaiting: Submission, deliverable: Commitment, sender: User) -> list[Submission]:
    """Three that are clean."""
    have_been_read(awaiting.connection, vendors={"ACME": "Acme"}, jobs={"24-001": PHASES})
    found = [awaiting]
    for number, amount in (("B-1", "700.00"), ("B-2", "911.00")):
        one = CommitmentFactory(
            approved=True,
            project=deliverable.project,
            number=number,
            title=f"Work {number}",
            contract_company=deliverable.contract_company,
            lines=0,
        )
        LineItemFactory(commitment=one, cost_code=deliverable.lines.all()[0].cost_code, amount=amount)
        found.append(submissions.send_to_erp(commitment=one, by=sender))
    row_checks.check_due_submissions()
    return found


@pytest.fixture
def client(approver: User) -> Client:
    return signed_in(approver)


def address(waiting: list[Submission]) -> str:
    return reverse("erp_integrations:bulk", args=[waiting[0].company.slug])


def page(client: Client, waiting: list[Submission], action: str = "accept") -> str:
    chosen = "&".join(f"id={each.pk}" for each in waiting)
    answer = client.get(f"{address(waiting)}?{chosen}&action={action}")
    assert answer.status_code == 200
    return answer.content.decode()


def form(shown: str) -> dict[str, Any]:
    stamps = dict(re.findall(r'name="(stamp-\d+)"\s+value="(\w+)"', shown))
    ids = [name.partition("-")[2] for name in stamps]
    return {"id": ids, "row": ids, **stamps}


def planned(waiting: list[Submission], approver: User) -> Batch:
    """As the page stores it."""
    viewer = approver.company_memberships.get()
    choices = bulk.list_choices(viewer, [each.pk for each in waiting], BatchAction.ACCEPT)
    items = [each.build_item(each.stamp) for each in choices]
    return batches.create_batch(viewer=viewer, action=BatchAction.ACCEPT, items=items)


def results(batch: Batch) -> dict[str, tuple[str, str]]:
    return {each.submission.number: (each.state, each.message) for each in batch.items.all()}


def test_all_of_them_are_accepted_as_they_were_shown(client: Client, waiting: list[Submission]) -> None:
    shown = page(client, waiting)
    assert "Accept 3 commitments: USD 3,611.00" in re.sub(r"\s+", " ", shown)

    answer = client.post(address(waiting), form(shown), follow=True)

    assert "3 done" in answer.content.decode()
    assert ExportJob.objects.filter(status="queued").count() == 3
    batch = Batch.objects.get()
    as_file = client.get(
        reverse("erp_integrations:batch", args=[batch.company.slug, batch.pk]), {"format": "csv"}
    )
    assert as_file.content.decode().count("Accepted") == 3


def test_one_that_has_changed_holds_up_no_other(
    client: Client, waiting: list[Submission], sender: User
) -> None:
    entered = form(page(client, waiting))
    submissions.retrieve_from_erp(commitment=waiting[1].commitment, by=sender)

    client.post(address(waiting), entered)

    found = results(Batch.objects.get())
    assert found.pop("B-1") == ("refused", "It no longer waits: Retrieved.")
    assert [state for state, _ in found.values()] == ["done", "done"]


def test_nothing_is_decided_on_other_links_than_were_shown(client: Client, waiting: list[Submission]) -> None:
    entered = form(page(client, waiting))
    VendorLink.objects.update(general_ledger_account="9")
    row_checks.check_due_submissions()

    answer = client.post(address(waiting), entered)

    assert "Nothing was decided" in answer.content.decode()
    assert not Batch.objects.exists()
    assert not ExportJob.objects.exists()


def test_what_moves_on_while_it_runs_is_refused(waiting: list[Submission], approver: User) -> None:
    """The page was right when it was sent, and the link changed before its turn."""
    batch = planned(waiting, approver)
    VendorLink.objects.update(vendor_code="OTHER")

    assert batches.run_batch(batch, by=approver, seconds=5)
    assert {state for state, _ in results(batch).values()} == {"refused"}
    assert not ExportJob.objects.exists()


def test_one_that_is_like_another_by_now_is_refused(
    client: Client, waiting: list[Submission], deliverable: Commitment, sender: User
) -> None:
    entered = form(page(client, waiting[1:2]))
    twin = CommitmentFactory(
        approved=True,
        project=deliverable.project,
        kind="purchase_order",
        number="B-1",
        contract_company=deliverable.contract_company,
        lines=0,
    )
    LineItemFactory(commitment=twin, cost_code=deliverable.lines.all()[0].cost_code)
    send_with_any_number(twin, sender)

    client.post(address(waiting), entered)
    assert not ExportJob.objects.exists()


def test_it_is_decided_once_however_often_it_is_run(waiting: list[Submission], approver: User) -> None:
    batch = planned(waiting, approver)

    def run(_: int) -> None:
        try:
            batches.run_batch(Batch.objects.get(pk=batch.pk), by=approver, seconds=5)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, range(3)))

    assert {state for state, _ in results(batch).values()} == {"done"}
    assert ExportJob.objects.count() == 3


def test_nothing_is_decided_with_a_warning_that_came_after_it_was_read(
    waiting: list[Submission], approver: User, sender: User
) -> None:
    batch = planned(waiting, approver)
    twin = CommitmentFactory(
        approved=True,
        project=waiting[1].project,
        number="b 01",
        title="Twin",
        lines=0,
        contract_company=waiting[1].commitment.contract_company,
    )
    LineItemFactory(commitment=twin, cost_code=waiting[1].commitment.lines.all()[0].cost_code, amount="5.00")
    submissions.send_to_erp(commitment=twin, by=sender)

    batches.run_batch(batch, by=approver, seconds=5)

    found = results(batch)
    assert found.pop("B-1") == ("refused", batches.CHANGED)
    assert [state for state, _ in found.values()] == ["done", "done"]


def test_a_process_that_dies_between_two_leaves_the_others_to_be_done(
    waiting: list[Submission], approver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = planned(waiting, approver)
    save = BatchItem.save

    def die(item: BatchItem, **options: Any) -> None:
        if item.submission.number == "B-1":
            raise SystemExit
        save(item, **options)

    monkeypatch.setattr(BatchItem, "save", die)
    with pytest.raises(SystemExit):
        batches.run_batch(batch, by=approver, seconds=5)
    assert ExportJob.objects.count() == 1
    assert sorted(state for state, _ in results(batch).values()) == ["done", "planned", "planned"]
    monkeypatch.undo()

    client = signed_in(approver)
    client.post(reverse("erp_integrations:batch", args=[batch.company.slug, batch.pk]))
    assert {state for state, _ in results(batch).values()} == {"done"}


def test_what_is_left_out_is_said_and_not_decided(client: Client, waiting: list[Submission]) -> None:
    """Also where somebody posts it all the same."""
    stamps = form(page(client, waiting))
    VendorLink.objects.all().delete()
    row_checks.check_due_submissions()
    shown = page(client, waiting)
    assert "Left out" in shown
    assert "is not linked" in shown

    client.post(address(waiting), stamps)
    assert not ExportJob.objects.exists()


def test_many_are_rejected_with_one_reason(client: Client, waiting: list[Submission]) -> None:
    entered = form(page(client, waiting, "reject")) | {"action": "reject"}
    refused = client.post(address(waiting), entered)
    assert refused.status_code == 422
    assert "Enter a reason" in refused.content.decode()

    client.post(address(waiting), {**entered, "reason": "Wrong job"})

    assert {each.status for each in Submission.objects.all()} == {"rejected"}
    assert {each.reason for each in Submission.objects.all()} == {"Wrong job"}


def ticked(shown: str) -> list[str]:
    return re.findall(r'name="row"\s+value="(\d+)" checked', shown)


@pytest.mark.parametrize("action", ["accept", "reject"])
def test_what_is_shown_again_ticks_no_other_than_the_person_did(
    client: Client, waiting: list[Submission], action: str
) -> None:
    shown = page(client, waiting, action)
    assert ticked(shown) == [str(each.pk) for each in waiting]
    (one, *_) = ticked(shown)
    # A reason is missing, or what is ticked has changed.
    entered = form(shown) | {"action": action, "row": [one], f"stamp-{one}": "another"}
    assert ticked(client.post(address(waiting), entered).content.decode()) == [one]


def test_a_reason_that_was_used_is_not_there_for_the_next_ones(
    client: Client, waiting: list[Submission]
) -> None:
    shown = page(client, waiting[:1], "reject")
    token = re.findall(r'name="draft" value="([^"]+)"', shown)
    entered = form(shown) | {"action": "reject", "draft": token, "reason": "Wrong job"}
    client.post(address(waiting), entered | {"row": []})
    assert "Wrong job" in page(client, waiting, "reject")
    assert client.post(address(waiting), entered).status_code == 302
    assert "Wrong job" not in page(client, waiting[1:], "reject")


def test_what_is_posted_to_be_kept_decides_nothing(client: Client, waiting: list[Submission]) -> None:
    shown = page(client, waiting, "reject")
    token = re.findall(r'name="draft" value="([^"]+)"', shown)
    entered = form(shown) | {"action": "reject", "draft": token, "reason": "Wrong j", "keep": "1"}
    assert client.post(address(waiting), entered).status_code == 204
    assert {each.status for each in Submission.objects.all()} == {"awaiting"}
    assert "Wrong j" in page(client, waiting, "reject")
    kept = re.findall(r'name="restored" value="1"', page(client, waiting, "reject"))
    assert client.post(address(waiting), entered | {"reason": "", "restored": kept}).status_code == 204
    assert "Wrong j" not in page(client, waiting, "reject")


def test_another_approver_reads_the_result_and_runs_nothing(
    client: Client, waiting: list[Submission], approver: User
) -> None:
    client.post(address(waiting), form(page(client, waiting)))
    batch = Batch.objects.get()
    other = signed_in(ApproverFactory(company=batch.company))
    names = [batch.company.slug, batch.pk]

    assert other.get(reverse("erp_integrations:batch", args=names)).status_code == 200
    assert other.post(reverse("erp_integrations:batch", args=names)).status_code == 404


@pytest.mark.parametrize("query", ["id=\0", "id=99999999999999999999", "id=abc&action=%00", ""])
def test_nonsense_chooses_nothing(client: Client, waiting: list[Submission], query: str) -> None:
    assert client.get(f"{address(waiting)}?{query}").status_code == 200
