"""Checkpoints: once a day a signed statement of where every chain ends, in a file to be kept elsewhere.

Whoever can write the database can also write a history whose hashes agree, or restore an older one.
They can't change what was already copied away, and `verify_history` compares with that.
"""

import base64
import binascii
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.utils import timezone

from directory.history import canonical, sealing
from directory.models import HistorySeal

KEY_BYTES = 32


class InvalidKey(ValueError):
    """A key that is none; the text says what is wrong with it."""


class InvalidCheckpoint(Exception):
    """A file that is no checkpoint, or was not signed with a trusted key; the text says which."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last seal of a chain when the checkpoint was written."""

    chain: int
    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The content of a file whose signature holds."""

    name: str
    at: datetime
    heads: tuple[Head, ...]


def create_private_key() -> str:
    """A private key, as HISTORY_SIGNING_KEY holds it."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def get_own_public_key() -> str:
    """The public half of HISTORY_SIGNING_KEY, for whoever verifies. Raises InvalidKey."""
    return get_public_key(settings.HISTORY_SIGNING_KEY)


@cache
def get_public_key(key: str) -> str:
    """It verifies the signatures of the private key. Raises InvalidKey."""
    return base64.b64encode(_parse_private_key(key).public_key().public_bytes_raw()).decode()


def write_daily_checkpoint(now: datetime | None = None) -> Path | None:
    """Write the day's checkpoint into HISTORY_CHECKPOINTS_DIR; None when it is there, or no folder is set.

    The day is UTC's. A file is whole or absent, and never written over.
    """
    if not settings.HISTORY_CHECKPOINTS_DIR:
        return None
    now = now or timezone.now()
    file = get_checkpoint_path(now.astimezone(UTC).date())
    if file.exists():
        return None
    sealing.seal_new_entries(everything=True)
    return file if write_file_once(file, format_checkpoint(now=now)) else None


def get_checkpoint_path(day: date) -> Path:
    """Where the checkpoint of a day is written."""
    return Path(settings.HISTORY_CHECKPOINTS_DIR) / f"history-{day.isoformat()}.json"


def format_checkpoint(*, now: datetime) -> str:
    """A checkpoint of every chain as it ends now. Raises InvalidKey."""
    heads = HistorySeal.objects.order_by("chain", "-number").distinct("chain")
    statement = {
        "schema": canonical.SCHEMA,
        "installation": settings.PUBLIC_URL,
        "at": canonical.format_time(now),
        "chains": list(heads.values("chain", "number", "hash")),
    }
    return json.dumps(sign_statement(statement), indent=2) + "\n"


def sign_statement(statement: dict[str, Any], *, key: str | None = None) -> dict[str, Any]:
    """A statement with the signature of a key; HISTORY_SIGNING_KEY where none is given. Raises InvalidKey."""
    key = settings.HISTORY_SIGNING_KEY if key is None else key
    signature = _parse_private_key(key).sign(canonical.format_canonical_json(statement).encode())
    return {
        "statement": statement,
        "public_key": get_public_key(key),
        "signature": base64.b64encode(signature).decode(),
    }


def has_trusted_signature(signed_statement: Mapping[str, Any], *, trusted: Sequence[str]) -> bool:
    """One of the ``trusted`` keys signed exactly this statement."""
    try:
        signature = base64.b64decode(signed_statement["signature"], validate=True)
    except (LookupError, ValueError, TypeError):
        return False
    statement = canonical.format_canonical_json(signed_statement.get("statement"))
    return any(_is_signature_valid(statement, signature, key) for key in trusted)


def list_own_checkpoints() -> Iterator[Checkpoint]:
    """Those that this machine has written into its folder, newest first, as far as they can be read."""
    if settings.HISTORY_CHECKPOINTS_DIR:
        for file in sorted(Path(settings.HISTORY_CHECKPOINTS_DIR).glob("history-*.json"), reverse=True):
            with suppress(InvalidCheckpoint):  # what can't be read proves nothing; `verify_history` says so
                yield read_checkpoint(file, trusted=[get_own_public_key()])


def list_checkpoint_files(path: Path) -> list[Path]:
    """The checkpoints of a folder, oldest first, or the one file. Raises InvalidCheckpoint when there is
    none.
    """
    files = sorted(path.glob("history-*.json")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise InvalidCheckpoint(f"{path} holds no checkpoint.")
    return files


def read_checkpoint(file: Path, *, trusted: Sequence[str]) -> Checkpoint:
    """Raises InvalidCheckpoint unless one of the ``trusted`` keys signed exactly what the file says."""
    try:
        signed_statement = json.loads(file.read_text())
        statement = signed_statement["statement"]
        signature = base64.b64decode(signed_statement["signature"], validate=True)
        heads = tuple(
            Head(chain=head["chain"], number=head["number"], hash=head["hash"])
            for head in statement["chains"]
        )
        at = datetime.fromisoformat(statement["at"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InvalidCheckpoint(f"{file.name} can't be read as a checkpoint: {error}.") from error
    text = canonical.format_canonical_json(statement)
    if not any(_is_signature_valid(text, signature, key) for key in trusted):
        raise InvalidCheckpoint(f"{file.name} was not signed with a trusted key, or was changed since.")
    return Checkpoint(name=file.name, at=at, heads=heads)


def read_checkpoints(paths: Iterable[Path], *, trusted: Sequence[str]) -> list[Checkpoint]:
    """Each checkpoint of these files and folders. Raises InvalidCheckpoint where one does not hold."""
    return [read_checkpoint(file, trusted=trusted) for path in paths for file in list_checkpoint_files(path)]


def write_file_once(file: Path, text: str) -> bool:
    """Put a whole file in its place, unless one is there by now."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with with_unfinished_file(file, text) as unfinished_file:
        try:
            os.link(unfinished_file, file)
        except FileExistsError:
            return False
    return True


@contextmanager
def with_unfinished_file(file: Path, text: str) -> Iterator[str]:
    """A whole file beside the one that it will be; nothing is left of it afterwards.

    Web, which may be another system user, reads what a worker writes: the folder says who can.
    """
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".unfinished-")
    try:
        with open(handle, "w") as output:
            output.write(text)
            output.flush()
            os.fsync(output.fileno())
        os.chmod(name, 0o644)
        yield name
    finally:
        Path(name).unlink(missing_ok=True)


@lru_cache(maxsize=1000)  # a grant is asked for again and again, and so is what is exported
def _is_signature_valid(statement: str, signature: bytes, key: str) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(parse_key(key)).verify(signature, statement.encode())
    except InvalidSignature:
        return False
    return True


@cache
def _parse_private_key(key: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(parse_key(key))


def parse_key(key: str) -> bytes:
    """The bytes of a private or public key. Raises InvalidKey."""
    try:
        key_bytes = base64.b64decode(key, validate=True)
    except binascii.Error as error:
        raise InvalidKey("A key that signs or verifies is base64 of 32 bytes.") from error
    if len(key_bytes) != KEY_BYTES:
        raise InvalidKey(f"A key that signs or verifies is base64 of 32 bytes; this has {len(key_bytes)}.")
    return key_bytes
