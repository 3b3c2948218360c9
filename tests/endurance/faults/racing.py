"""Two people who decide on one row at one moment: one wins, and the other is told."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import requests

from tests.endurance.contracts.pages import blocking, plan
from tests.endurance.contracts.people import Person, Unexpected
from tests.endurance.faults.deciding import Deciding, Told, form_of
from tests.endurance.faults.deeds import Deed
from tests.endurance.faults.judge import Complaint


def race(deciding: Deciding, deed: Deed, *approvers: Person) -> list[Complaint]:
    """All of them have the box open, and press Export at one moment; one of them wins."""
    address = f"{deed.submission}accept/"
    pages = [deciding.surely(partial(approver.opens_box, address)) for approver in approvers]
    presses = []
    for approver, page in zip(approvers, pages, strict=True):
        box = form_of(page)
        if box is None or blocking(page):
            raise Unexpected(f"{address} can't be accepted")
        presses.append(partial(approver.sends, address, box))
    won = _at_once(presses)
    deed.shown = plan(pages[0])
    twice = f"{deed.submission}: two approvers were told that they accepted it"
    found = [("doubled", deed.step, twice)] if won.count("done") > 1 else []
    if "done" in won or deciding.stands(deed) not in {"", "ready-to-export"}:
        deciding.note(deed, "accepted")
    else:
        deciding.accept(deed, approvers[0])
    return found


def race_with_retrieve(deciding: Deciding, deed: Deed, approver: Person) -> list[Complaint]:
    """The approver presses Export when the sender presses Retrieve; one of them wins."""
    address = f"{deed.submission}accept/"
    page = deciding.surely(lambda: approver.opens_box(address))
    box = form_of(page)
    if box is None or blocking(page):
        raise Unexpected(f"{address} can't be accepted")
    retrieve = f"{deed.commitment.path}retrieve-from-erp/"
    won = _at_once([lambda: approver.sends(address, box), lambda: deed.company.sender.sends(retrieve, {})])
    both = f"{deed.submission}: accepted and retrieved, and both were told so"
    found = [("misreported", deed.step, both)] if won == ["done", "done"] else []
    if won[0] == "done":
        stands = "exporting"
    elif won[1] == "done":
        stands = ""
    else:
        stands = deciding.stands(deed)
    if stands == "ready-to-export":  # both were cut off
        deciding.accept(deed, approver)
    elif stands:
        deed.shown = plan(page)
        deciding.note(deed, "accepted")
    else:
        deciding.note(deed, "retrieved")
    return found


def _at_once(presses: Sequence[Callable[[], Told]]) -> list[str]:
    """The answer to each: `done`, `told` why not, or `cut` off."""
    barrier = threading.Barrier(len(presses))
    got = ["cut"] * len(presses)

    def press(number: int) -> None:
        barrier.wait()
        with suppress(Unexpected, requests.RequestException):
            got[number] = "done" if presses[number]() is None else "told"

    threads = [threading.Thread(target=press, args=(number,)) for number in range(len(presses))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got
