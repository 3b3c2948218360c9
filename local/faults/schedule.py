"""What is broken, in which order: all of it comes from the seed."""

import random
from dataclasses import dataclass

HEADER, LINE = "UpdateSubcontract", "UpdateSubcontractPhases"
LATE = 5.0  # seconds; longer than a worker's patience, shorter than the quiet period


@dataclass(frozen=True)
class Step:
    """One accepted commitment, and what befalls it."""

    kind: str
    fault: str = ""  # of the simulator
    method: str = HEADER
    seconds: float = 0.0
    delay: float = 0.0  # seconds from the acceptance to the blow, where no call is waited for
    also: str = ""  # another decision that somebody takes meanwhile


OTHERS = ("reject", "undo", "retrieve", "reject", "undo")


def schedule(seed: int) -> list[Step]:
    """The quick run's steps."""
    draws = random.Random(seed)
    held = [
        (fault, method)
        for fault in ("slow", "hang_before_commit", "commit_then_hang")
        for method in (HEADER, LINE)
    ]
    answers = ("commit_then_reset", "commit_then_500", "commit_then_fault", "cut_off_xml", "html_maintenance")
    steps = [Step("worker killed on the wire", fault, method, LATE) for fault, method in held]
    steps += [Step("worker killed after acceptance", delay=draws.uniform(0, 2)) for _ in range(3)]
    steps += [Step("worker killed at random", delay=draws.uniform(2, 4)) for _ in range(3)]
    steps += [Step("worker killed between calls", "slow", method, 0.4) for method in (HEADER, LINE)]
    steps += [Step("both workers killed", delay=draws.uniform(1.5, 3.5))]
    steps += [Step("worker frozen beyond its lease", "slow", method, 1.0) for method in (HEADER, LINE)]
    steps += [Step(f"broker {what}", delay=draws.uniform(0, 2)) for what in ("flushed", "killed")]
    steps += [Step("database sessions cut", delay=draws.uniform(1.5, 4)) for _ in range(2)]
    steps += [Step("Spectrum misbehaves", fault, draws.choice((HEADER, LINE))) for fault in answers]
    steps += [
        Step("Spectrum commits late", fault, method, 4.0)
        for fault, method in (("late_commit", HEADER), ("slow", LINE))
    ]
    steps += [Step("Spectrum restarted", "slow", draws.choice((HEADER, LINE)), 2.0)]
    steps += [Step("beat killed", delay=draws.uniform(0, 2)), Step("mail catcher killed", also="reject")]
    draws.shuffle(steps)
    return [
        Step(**{**vars(step), "also": step.also or (OTHERS[number // 2 % len(OTHERS)] if number % 2 else "")})
        for number, step in enumerate(steps)
    ]
