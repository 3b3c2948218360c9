"""`script/faults`: prints what it breaks, a table by kind of fault, and one last line."""

import argparse
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import requests

from local.processes import CannotStart
from local.programs import SUCCESS
from local.spectrum.endpoint import SUCCESSES
from tests.endurance.contracts import running
from tests.endurance.contracts.office import Office
from tests.endurance.contracts.people import Unexpected
from tests.endurance.contracts.tally import Tally
from tests.endurance.faults.ledger import Ledger, Round, last_line, table
from tests.endurance.faults.rounds import Rounds, now
from tests.endurance.faults.schedule import PAUSE
from tests.endurance.faults.stage import ROUNDS, SMALL, sheet

ROUNDS_AT_ONCE = 12  # of which the commitments are made at a start
SMALL_OF_A_ROUND, SMALL_OF_A_QUICK_ONE = 700, 200  # of each company


def main() -> int:
    """Returns 0 only when nothing is lost, doubled, altered, misreported or stuck, and all of it happened."""
    options = _options()
    # Told to stop, it takes everything down that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    tally = Tally()
    folder: Path | None = options.folder
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    place = folder or Path(tempfile.mkdtemp(prefix="ledgergate-faults-"))
    ledger = Ledger(place / "ledger.jsonl")
    stopped = False
    try:
        while not _is_enough(ledger, options):
            _go_on(ledger, options, place, tally)
    except (Unexpected, CannotStart, requests.RequestException, OSError) as problem:
        tally.say(f"STOPPED: {type(problem).__name__}: {problem}")
        stopped = True
    finally:
        rounds = ledger.rounds()
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)
    tally.say("done")
    wholes = [each for each in rounds if each.whole]
    print(f"\n{table(wholes)}\n")
    for each in rounds:
        print(f"round {each.number}, seed {each.seed}: {last_line([each]) if each.whole else 'stopped'}")
    print(last_line(wholes), flush=True)
    return 0 if wholes and not stopped and all(each.is_clean for each in wholes) else 1


def _go_on(ledger: Ledger, options: argparse.Namespace, place: Path, tally: Tally) -> None:
    """Start everything, and play rounds until it is enough, or as many as there are commitments for."""
    first = max((each.number for each in ledger.rounds()), default=0) + 1
    last = first if options.quick else first + ROUNDS_AT_ONCE - 1
    settings = {
        ROUNDS: f"{first}-{last}",
        SMALL: f"{SMALL_OF_A_QUICK_ONE if options.quick else SMALL_OF_A_ROUND}",
        SUCCESS: options.success,
        **dict(each.split("=", 1) for each in options.set),
    }
    tally.say("starting everything, with two workers and two web servers")
    with running.everything("tests.endurance.faults.stage", kept=place, settings=settings) as addresses:
        office = Office(addresses.product, running.PASSWORD)
        rounds = Rounds(addresses, office, json.loads(sheet(addresses.var).read_text()), tally)
        rounds.wait_for_lists()
        for number in range(first, last + 1):
            round_ = Round(number, options.seed + number - 1, now(), options.pause)
            ledger.write(round_)
            tally.say(f"round {number}, seed {round_.seed}")
            rounds.play(round_, quick=options.quick)
            ledger.write(round_)
            wholes = [each for each in ledger.rounds() if each.whole]
            tally.say(f"round {number}: {last_line([round_])}; in all: {last_line(wholes)}")
            if _is_enough(ledger, options):
                break
        tally.say("stopping")


def _is_enough(ledger: Ledger, options: argparse.Namespace) -> bool:
    wholes = [each for each in ledger.rounds() if each.whole]
    if options.quick or options.rounds:
        return len(wholes) >= (options.rounds or 1)
    decisions, kills = (sum(each.total(name) for each in wholes) for name in ("decisions", "kills"))
    return bool(decisions >= options.decisions and kills >= options.kills)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/faults",
        description="Breaks the real processes while people work. A run is made of rounds; the first has"
        " the seed, each later one the next number, and each of them can be played again alone.",
    )
    parser.add_argument("--quick", action="store_true", help="one short round: less than five minutes")
    parser.add_argument(
        "--rounds", type=int, default=0, metavar="N", help="so many rounds, of about six minutes"
    )
    parser.add_argument(
        "--decisions", type=int, default=10_000, metavar="N", help="or until there are so many"
    )
    parser.add_argument(
        "--kills", type=int, default=500, metavar="N", help="and so many (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the first round (default: 1)")
    parser.add_argument(
        "--pause",
        type=float,
        default=PAUSE,
        metavar="SECONDS",
        help="the longest between two blows (default: %(default)s)",
    )
    parser.add_argument(
        "--folder", type=Path, help="kept; a run that was stopped goes on in it with its next round"
    )
    parser.add_argument(
        "--success",
        choices=SUCCESSES,
        default=SUCCESSES[0],
        help="what the simulator answers to a write, and the connections are told so (default: %(default)s)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the product otherwise, to see what the judge says then",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
