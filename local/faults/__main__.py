"""`script/faults`: prints what it breaks, a table by kind of fault, and one last line."""

import argparse
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence

import requests

from local.contracts import running
from local.contracts.people import Unexpected
from local.contracts.tally import Tally
from local.faults.breaking import WORKERS, Breaking, waits
from local.faults.judge import COUNTS, Complaint, judge, without_mail
from local.faults.schedule import Step, schedule
from local.faults.stage import LEASE, QUIET
from local.faults.working import Working
from local.processes import CannotStart

COMMITMENTS = 76
SECONDS_TO_SETTLE = 110.0
SECONDS_UNCHANGED = LEASE + QUIET + 15.0  # after which an open question stays one
SECONDS_FOR_MAILS = 75.0  # a refused mail waits 30 s for its second try, and then for the next beat
SECONDS_ON_THE_WIRE = 12.0


def main() -> int:
    """Returns 0 only when nothing is lost, doubled, altered, misreported or stuck, and all of it happened."""
    parser = argparse.ArgumentParser(
        prog="script/faults", description="Breaks the real processes while people work."
    )
    parser.add_argument("--quick", action="store_true", help="the only run there is so far: a few minutes")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="of the schedule (default: %(default)s)"
    )
    options = parser.parse_args()
    # Told to stop, it takes everything down that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    tally = Tally()
    complaints: list[Complaint] = []
    decisions = kills = 0
    whole = False
    try:
        tally.say(f"seed {options.seed}: starting everything, with two workers, on a new folder")
        with running.everything("local.faults.stage") as addresses:
            breaking = Breaking(addresses)
            working = Working(addresses.product, running.PASSWORD, tally)
            chosen = working.look(COMMITMENTS)
            tally.say(f"{len(chosen)} commitments; people begin")
            sender = threading.Thread(target=working.send_all, args=(chosen,), daemon=True)
            sender.start()
            steps = schedule(options.seed)
            kinds = Counter[str]()
            for number, step in enumerate(steps, start=1):
                before = breaking.kills
                _take(step, working, breaking)
                kinds[step.kind] += breaking.kills - before
                tally.say(f"{number}/{len(steps)} {_name(step)}")
            tally.say("nothing is broken any more; waiting for what is under way")
            _settle(working)
            mails = addresses.var / "mail"
            waits(lambda: not without_mail(working.deeds, mails), SECONDS_FOR_MAILS)
            complaints = judge(
                working.deeds,
                breaking.records(),
                breaking.calls(),
                mails,
                working.rejected_before,
            )
            decisions, kills = working.decisions, breaking.kills
            _print(steps, working, kinds, complaints)
            whole = True
            tally.say("stopping")
    except (Unexpected, CannotStart, requests.RequestException, OSError) as problem:
        tally.say(f"STOPPED: {type(problem).__name__}: {problem}")
    counted = Counter(what for what, _, _ in complaints)
    tally.say("done")
    said = " ".join(f"{what} {counted[what]}" for what in COUNTS)
    print(f"decisions {decisions} kills {kills} {said}", flush=True)
    return 0 if whole and decisions and kills and not complaints else 1


def _take(step: Step, working: Working, breaking: Breaking) -> None:
    """Accept one, let the blow fall, and let somebody take another decision meanwhile."""
    deed = working.accept(step.kind)
    if deed is None or deed.shown is None:
        raise Unexpected("nothing is left to be accepted")
    number = deed.shown.key[2]
    if step.fault:
        breaking.script(step.fault, step.method, number, step.seconds)
    other = threading.Thread(target=working.other, args=(step.also, step.kind))
    if step.also:
        other.start()
    if step.delay:
        time.sleep(step.delay)
    on_the_wire = ""
    if step.fault and step.seconds:
        waits(lambda: breaking.is_held(number), SECONDS_ON_THE_WIRE)
        on_the_wire = breaking.on_the_wire()
    one = on_the_wire or WORKERS[len(working.deeds) % 2]
    match step.kind:
        case "worker killed between calls":
            waits(lambda: not breaking.is_held(number), 2)
            breaking.kill(one)
        case "both workers killed":
            breaking.kill(*WORKERS)
        case "worker frozen beyond its lease":
            breaking.freeze(one, LEASE + 2)
        case "broker flushed":
            breaking.flush_broker()
        case "broker killed":
            breaking.kill("valkey")
        case "database sessions cut":
            breaking.cut_sessions()
        case "Spectrum restarted":
            breaking.kill("simulator")
        case "beat killed":
            breaking.kill("beat")
        case "mail catcher killed":
            breaking.kill("mail")
        case kind if kind.startswith("worker killed"):
            breaking.kill(one)
    if step.also:
        other.join()


def _settle(working: Working) -> None:
    """Until everything accepted is in Spectrum, or a person is asked and nothing changes by itself."""
    until = time.monotonic() + SECONDS_TO_SETTLE
    changed, before = time.monotonic(), list[str]()
    while time.monotonic() < until:
        working.look_up()
        accepted = [deed.said for deed in working.deeds if deed.what == "accepted"]
        if all(said in {"synced", "failed-to-export"} for said in accepted):
            time.sleep(8)  # a mail of the last decision, and a commit that comes late
            working.look_up()
            return
        if accepted != before:
            changed, before = time.monotonic(), accepted
        elif time.monotonic() - changed > SECONDS_UNCHANGED and "exporting" not in accepted:
            return
        time.sleep(1)


def _print(steps: Sequence[Step], working: Working, kills: Counter[str], complaints: list[Complaint]) -> None:
    kinds = list(dict.fromkeys(step.kind for step in sorted(steps, key=lambda step: step.kind)))
    print(f"\n| kind of fault | times | kills | decisions | {' | '.join(COUNTS)} |")
    print("|---" * (4 + len(COUNTS)) + "|")
    for kind in kinds + ["?"] * any(step == "?" for _, step, _ in complaints):
        counted = Counter(what for what, step, _ in complaints if step == kind)
        mine = [deed for deed in working.deeds if deed.step == kind]
        decided = len(mine) + sum(deed.what == "undone" for deed in mine)
        times = sum(step.kind == kind for step in steps)
        numbers = " | ".join(str(counted[what]) for what in COUNTS)
        print(f"| {kind} | {times} | {kills[kind]} | {decided} | {numbers} |")
    stands = Counter(f"{deed.what}: {deed.said or 'with its project'}" for deed in working.deeds)
    print(f"\nIn the end: {', '.join(f'{times} {what}' for what, times in sorted(stands.items()))}.")
    for line in working.refused:
        print(f"not done by a person: {line}")
    for deed in working.deeds:
        if deed.what == "accepted" and deed.said in {"failed-to-export", "needs-attention"}:
            print(f"open question: {deed.submission} ({deed.step}): {deed.said}: {deed.remark}")
    for what, step, sentence in complaints:
        print(f"{what.upper()} ({step}): {sentence}")


def _name(step: Step) -> str:
    fault = f": {step.fault} at {step.method}" if step.fault else ""
    return f"{step.kind}{fault}{f', {step.also}' if step.also else ''}"


if __name__ == "__main__":
    sys.exit(main())
