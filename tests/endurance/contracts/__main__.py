"""`script/contracts`: prints what it does, a table of what stood in the way, and one last line."""

import argparse
import signal
import sys

import requests

from local.processes import CannotStart
from local.programs import SUCCESS
from local.spectrum.endpoint import SUCCESSES
from tests.endurance.contracts import running
from tests.endurance.contracts.people import Unexpected
from tests.endurance.contracts.run import Run
from tests.endurance.contracts.tally import Tally

MOST_DIFFERENCES = 20


def main() -> int:
    """Returns 0 only when every one of them is in Spectrum as it was shown."""
    parser = argparse.ArgumentParser(
        prog="script/contracts",
        description="Sends every contract of the demo through the real processes into the simulator.",
    )
    parser.add_argument("--first", type=int, metavar="N", help="only N of them, taken evenly")
    parser.add_argument(
        "--success",
        choices=SUCCESSES,
        default=SUCCESSES[0],
        help="what the simulator answers to a write, and the connections are told so (default: %(default)s)",
    )
    options = parser.parse_args()
    # Told to stop, it takes everything down that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    tally = Tally()
    wanted, differing = 0, dict[str, list[str]]()
    try:
        tally.say("starting the product, PostgreSQL, broker, simulator and worker on a new folder")
        with running.everything(settings={SUCCESS: options.success}) as addresses:
            tally.say(f"product {addresses.product}, simulator {addresses.simulator}")
            run = Run(addresses, running.PASSWORD, tally)
            work = run.look(options.first)
            wanted = sum(map(len, work.values()))
            run.wait_for_lists(work)
            tally.say(f"{wanted} contracts: sending, correcting and accepting")
            try:
                run.deliver(work)
            except Unexpected as problem:
                tally.say(f"STOPPED: {problem}")
            tally.say(f"{tally.progress()}; comparing what was shown with what is stored")
            differing = run.compare(work)
            tally.say("stopping")
    except (Unexpected, CannotStart, requests.RequestException) as problem:
        tally.say(f"STOPPED: {problem}")
    synced = tally.counts["synced"]
    sent, corrected = tally.counts["sent"], tally.commitments_corrected
    print(f"\nBlocked at first: {tally.commitments_blocked} of {wanted}.\n\n{tally.table()}\n")
    for path, found in list(differing.items())[:MOST_DIFFERENCES]:
        print(f"differs: {path}: {'; '.join(found)}")
    tally.say("done")
    print(
        f"contracts {wanted} sent {sent} corrected {corrected} synced {synced} differ {len(differing)}",
        flush=True,
    )
    return 0 if wanted > 0 and wanted == sent == synced and not differing else 1


if __name__ == "__main__":
    sys.exit(main())
