"""A record that is absent under our key may stand under another one: an absence alone proves nothing."""

import pytest

from directory.models import User
from erp_integrations import decisions
from erp_integrations.models import ExportJob, Submission
from erp_integrations.reconciliation import comparison
from tests.clients import signed_in
from tests.erp_integrations.deliveries import delivered, of
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


def compared(job: ExportJob) -> None:
    run, _ = comparison.open_run(job.connection)
    assert comparison.compare(run)


def move_record(simulator: Simulator, job: ExportJob, **move: object) -> None:
    """An accountant gives the vendor another code, which takes all its records along, or only this one."""
    if move.get("number") is True:
        move["number"] = job.erp_id
    simulator.change_keys(company="PHL", vendor="ACME", **move)


def held(simulator: Simulator, job: ExportJob) -> list[str]:
    """The amounts of the records in which Spectrum holds the commitment."""
    title = job.current_calls()[0].elements
    comment = next(each["value"] for each in title if each["name"] == "Comment")
    return [each["Original_Amount"] for each in simulator.records() if each["Comment_1"] == comment[:60]]


MOVES = {
    "a vendor code": {"to": "ACMENEW"},
    "another vendor, while the old one goes on": {"number": True, "to": "BOLT"},
    "another number": {"number": True, "to_number": "SC-MOVED"},
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_whatever_people_do_after_a_key_was_changed_the_money_stands_there_once(
    simulator: Simulator, synced: ExportJob, unlinker: User, sender: User, move: dict[str, object]
) -> None:
    move_record(simulator, synced, **move)
    total = synced.submission.total
    compared(synced)
    try:
        decisions.unlink(submission=of(synced).submission, by=unlinker, seen_attempt=synced.attempt)
    except decisions.DecisionError:
        pass
    else:
        again = decisions.send_to_erp(commitment=synced.submission.commitment, by=sender)
        box = f"{again.get_absolute_url()}accept/"
        client = signed_in(unlinker)
        page = client.get(box).context
        assert page is not None
        seen = {"seen_hash": page["seen_hash"], "round": 0, "erp_id": synced.erp_id, "note": ""}
        client.post(box, seen)
        if (job := ExportJob.objects.filter(submission=again).first()) is not None:
            delivered(job)
    assert held(simulator, synced) == [str(total)]
    assert Submission.objects.count() == 1
