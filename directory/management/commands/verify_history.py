"""Proves that nobody has changed, removed, put in or reordered an entry of the history."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from directory.history import canonical, checkpoints, protection, proving, restores, rules

ALLOWED_AGE = 600
"""Seconds after which an entry must have its seal: the longest between two full looks of the sealer."""


class Command(BaseCommand):
    help = (
        "Verify every hash chain of the history. Exit code 1: a chain is broken, a checkpoint does not "
        "agree, it says what can't have happened, a trigger that protects it is off, or an entry has waited "
        "too long for its seal."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--checkpoints",
            action="append",
            default=[],
            type=Path,
            metavar="FILE_OR_FOLDER",
            help="compare with these checkpoints, best a copy that was kept elsewhere; may be repeated",
        )
        parser.add_argument(
            "--public-key",
            action="append",
            default=[],
            metavar="KEY",
            help="who may have signed them, as history_key printed it; the current key when left out",
        )
        parser.add_argument(
            "--unsealed-seconds",
            type=float,
            default=ALLOWED_AGE,
            help=f"how long an entry may wait for its seal ({ALLOWED_AGE})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            trusted = options["public_key"] or [checkpoints.public_key()]
            kept = checkpoints.read_all(options["checkpoints"], trusted=trusted)
        except (checkpoints.BadKey, checkpoints.BadCheckpoint) as problem:
            raise CommandError(str(problem)) from problem
        began = time.monotonic()
        restored = restores.believed(trusted=trusted)
        proof = proving.prove(kept, restored)
        seconds = time.monotonic() - began
        for chain in proof.chains:
            self.stdout.write(f"{_name(chain.chain)}: {chain.number} seals hold, head {chain.hash}")
        rate = f"{proof.seals / seconds:,.0f} a second" if seconds else "at once"
        self.stdout.write(
            f"{proof.seals} seals read in {seconds:.1f} s ({rate}), {len(kept)} checkpoints compared."
        )
        age = (timezone.now() - proof.oldest).total_seconds() if proof.oldest else 0.0
        if proof.unsealed:
            self.stdout.write(f"{proof.unsealed} entries have no seal yet, the oldest for {age:.0f} s.")
        for each in restored:
            self.stdout.write(f"Restored from an older copy by {each.at:%Y-%m-%d %H:%M} UTC: {each.reason}")
        if proof.lost:
            self.stdout.write(f"{proof.lost} heads of older checkpoints were lost by that.")
        for broken in proof.breaks:
            self.stdout.write(self.style.ERROR(f"BROKEN: {_name(broken.chain)}: {broken.sentence}."))
        if proof.breaks:
            raise CommandError("The history is not what it was.")
        for sentence in (impossible := rules.broken()):
            self.stdout.write(self.style.ERROR(f"IMPOSSIBLE: {sentence}."))
        if impossible:
            raise CommandError("The history is whole, and says what can't have happened.")
        if gaps := protection.trigger_gaps():
            raise CommandError(" ".join(gaps))
        if age > options["unsealed_seconds"]:
            raise CommandError("Entries wait too long for their seal: does a worker run, and beat?")
        self.stdout.write(self.style.SUCCESS("The history holds."))


def _name(chain: int) -> str:
    return "the installation" if chain == canonical.INSTALLATION else f"company {chain}"
