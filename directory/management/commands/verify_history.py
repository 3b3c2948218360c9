"""Proves that nobody has changed, removed, put in or reordered an entry of the history."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from directory.history import (
    canonical,
    checkpoints,
    protection,
    restores,
    rules,
    verification,
)

MAX_UNSEALED_SECONDS = 600
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
            default=MAX_UNSEALED_SECONDS,
            help=f"how long an entry may wait for its seal ({MAX_UNSEALED_SECONDS})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            trusted = options["public_key"] or [checkpoints.get_own_public_key()]
            checkpoints_read = checkpoints.read_checkpoints(options["checkpoints"], trusted=trusted)
        except (checkpoints.InvalidKey, checkpoints.InvalidCheckpoint) as problem:
            raise CommandError(str(problem)) from problem
        started = time.monotonic()
        restored = restores.list_trusted_restores(trusted=trusted)
        proof = verification.verify_chains(checkpoints_read, restored)
        seconds = time.monotonic() - started
        for chain in proof.chains:
            self.stdout.write(f"{format_chain(chain.chain)}: {chain.number} seals hold, head {chain.hash}")
        rate = f"{proof.seals / seconds:,.0f} a second" if seconds else "at once"
        self.stdout.write(
            f"{proof.seals} seals read in {seconds:.1f} s ({rate}), {len(checkpoints_read)} "
            "checkpoints compared."
        )
        age = (timezone.now() - proof.oldest).total_seconds() if proof.oldest else 0.0
        if proof.unsealed:
            self.stdout.write(f"{proof.unsealed} entries have no seal yet, the oldest for {age:.0f} s.")
        for each in restored:
            self.stdout.write(f"Restored from an older copy by {each.at:%Y-%m-%d %H:%M} UTC: {each.reason}")
        if proof.lost:
            self.stdout.write(f"{proof.lost} heads of older checkpoints were lost by that.")
        for broken in proof.breaks:
            self.stdout.write(self.style.ERROR(f"BROKEN: {format_chain(broken.chain)}: {broken.sentence}."))
        if proof.breaks:
            raise CommandError("The history is not what it was.")
        for sentence in (violations := rules.check_rules()):
            self.stdout.write(self.style.ERROR(f"IMPOSSIBLE: {sentence}."))
        if violations:
            raise CommandError("The history is whole, and says what can't have happened.")
        if gaps := protection.check_triggers():
            raise CommandError(" ".join(gaps))
        if age > options["unsealed_seconds"]:
            raise CommandError("Entries wait too long for their seal: does a worker run?")
        self.stdout.write(self.style.SUCCESS("The history holds."))


def format_chain(chain: int) -> str:
    return "the installation" if chain == canonical.INSTALLATION_CHAIN else f"company {chain}"
