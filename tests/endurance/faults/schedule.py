"""The breakages and their order: all of it comes from the seed."""

import random
from dataclasses import dataclass

HEADER, LINE = "UpdateSubcontract", "UpdateSubcontractPhases"
LATE = 5.0  # seconds; longer than a worker's patience, shorter than the quiet period
PAUSE = 2.5
MAIL = ("mail is refused for now", "mail is refused", "mail hangs", "mail is taken without an answer")


@dataclass(frozen=True)
class Blow:
    """One thing that breaks while people work.

    `fault` is the simulator's, or the mail catcher's, and `seconds` how long it takes; the blow
    falls `delay` seconds after the one before.
    """

    kind: str
    fault: str = ""
    method: str = HEADER
    seconds: float = 0.0
    delay: float = 0.0


HELD = [
    (fault, method)
    for fault in ("slow", "hang_before_commit", "commit_then_hang")
    for method in (HEADER, LINE)
]
ANSWERS = (
    *("commit_then_reset", "commit_then_500", "commit_then_fault", "cut_off_xml"),
    *("html_maintenance", "expired_secret", "guid_timed_out"),
)
OF_WORKERS = (
    *[("worker killed on the wire", fault, method, LATE) for fault, method in HELD],
    *[("worker killed between calls", "slow", method, 0.4) for method in (HEADER, LINE)],
    *[("worker killed at random", "", "", 0.0)] * 10,
    *[("both workers killed", "", "", 0.0)] * 2,
    *[("worker frozen beyond its lease", "slow", method, 1.0) for method in (HEADER, LINE)],
    ("worker's clock ahead", "", "", 7200.0),
    ("worker's clock behind", "", "", -7200.0),
)
OF_SPECTRUM = (
    *[
        ("Spectrum misbehaves", fault, method, 0.0)
        for fault, method in zip(ANSWERS, (HEADER, LINE) * 4, strict=False)
    ],
    ("Spectrum commits late", "late_commit", HEADER, 4.0),
    ("Spectrum commits late", "slow", LINE, LATE),
    ("Spectrum refuses", "refuse", HEADER, 0.0),
    ("Spectrum refuses", "locked", LINE, 0.0),
    ("Spectrum killed", "slow", HEADER, 2.0),
    ("Spectrum frozen", "", "", 6.0),
    ("read-back late", "read_back_lag", "", 1.5),
    ("read-back away", "read_back_outage", "", 4.0),
)
OF_THE_REST = (
    ("broker killed", "", "", 0.0),
    ("broker flushed", "", "", 0.0),
    ("workers' sessions cut", "", "", 0.0),
    ("web's sessions cut", "", "", 0.0),
    ("PostgreSQL killed", "", "", 0.0),
    ("PostgreSQL restarted", "", "", 0.0),
    ("web worker killed", "", "", 0.0),
    ("web killed", "", "", 0.0),
    ("everything told to stop", "", "", 0.0),
)
OF_MAIL = (
    ("mail catcher killed", "", "", 0.0),
    *zip(
        MAIL,
        ("refuse 451", "refuse 550", "hang", "store_and_hang"),
        ("",) * 4,
        (4.0, 4.0, 5.0, 5.0),
        strict=True,
    ),
)


def schedule(seed: int, *, quick: bool, pause: float = PAUSE) -> list[Blow]:
    """The blows of one round. A quick one has of each kind half as many, and at least one.

    In another one workers and Spectrum get each blow twice, and everything else once. `pause` is the
    longest time between two blows, in seconds.
    """
    draws = random.Random(seed)
    chosen = [*OF_WORKERS, *OF_SPECTRUM]
    chosen = [*(chosen if quick else chosen * 2), *OF_THE_REST]
    draws.shuffle(chosen)
    if quick:
        kinds = [blow[0] for blow in chosen]
        chosen = [
            blow
            for number, blow in enumerate(chosen)
            if kinds[:number].count(blow[0]) < max(1, kinds.count(blow[0]) // 2)
        ]
    # Mails wait half a minute for their second try: what ails them comes early.
    for blow in OF_MAIL:
        chosen.insert(draws.randrange(len(chosen) // 2), blow)
    return [Blow(*blow, delay=draws.uniform(pause / 4, pause)) for blow in chosen]
