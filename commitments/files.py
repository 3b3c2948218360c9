"""A file as somebody hands it in: what it is by its content, whether the scan lets it in, where it is kept.

Its name is for people alone. It is kept in a folder or in S3: ``attachments`` among Django's STORAGES.
"""

import hashlib
import logging
import os
import re
import struct
import subprocess  # nosec B404  # the operator's own command
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, NamedTuple, TypeAlias
from uuid import uuid4

from django.conf import settings
from django.core.files.storage import storages
from django.core.files.uploadedfile import UploadedFile
from django.utils.text import Truncator

from commitments.errors import FileRefused, FileUnavailable
from commitments.models import LONGEST_NAME

logger = logging.getLogger(__name__)
Upload: TypeAlias = "UploadedFile[bytes]"
Readable: TypeAlias = "IO[bytes] | Upload"
LONGEST_DIRECTORY = 262_144  # bytes of a zip's list of contents; an Office file's has some thousand
NOT_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")


class FileType(NamedTuple):
    """Known by what it begins with, or by a part that it has as a zip."""

    label: str
    endings: tuple[str, ...]
    beginning: bytes = b""
    part: str = ""


TEXT = FileType("plain text", (".txt", ".csv"))
TYPES = (
    FileType("a PDF", (".pdf",), b"%PDF-"),
    FileType("a PNG image", (".png",), b"\x89PNG\r\n\x1a\n"),
    FileType("a JPEG image", (".jpg", ".jpeg"), b"\xff\xd8\xff"),
    FileType("a Word document", (".docx",), part="word/document.xml"),
    FileType("an Excel workbook", (".xlsx",), part="xl/workbook.xml"),
    TEXT,
)


def clean_name(name: str) -> str:
    """Without its path and whatever is not seen or turns the text round, and cut, with its ending kept."""
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in last)
    stem, ending = os.path.splitext(" ".join(seen.split()))
    return Truncator(stem).chars(LONGEST_NAME - len(ending)) + ending if len(ending) < 10 else stem


def check_file(file: Upload) -> tuple[str, str]:
    """Its name and SHA-256. Raises FileRefused with what is wrong, and the way out."""
    name, size, most = clean_name(file.name or ""), file.size or 0, settings.ATTACHMENT_MAX_MB
    if not size:
        raise FileRefused(f"{name} is empty. Choose the file again.")
    if size > most * 1_048_576:
        raise FileRefused(f"{name} is larger than {most} MB. Make it smaller, or split it.")
    found = find_type(file)
    if found is None:
        raise FileRefused(
            f"By its content {name} is no PDF, PNG, JPEG, Word, Excel or text file. Save it as PDF first."
        )
    if not name.lower().endswith(found.endings):
        raise FileRefused(
            f"By its content {name} is {found.label}. Let its name end in {' or '.join(found.endings)}."
        )
    require_harmless(file, name)
    return name, hash_file(file)


def find_type(file: Readable) -> FileType | None:
    file.seek(0)
    start = file.read(1024)
    if start.startswith(b"PK\x03\x04"):
        return find_office_type(file)
    for each in TYPES:
        if each.beginning and start.startswith(each.beginning):
            return each
    # What a browser could take for a page is no text.
    is_markup = start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    return None if is_markup or any(map(NOT_TEXT.search, read_chunks(file))) else TEXT


def find_office_type(file: Readable) -> FileType | None:
    """By the list of what is in it, of which nothing is unpacked. One with macros is of no type."""
    end_at = file.seek(-min(42, file.seek(0, os.SEEK_END)), os.SEEK_END) + 20
    end = file.read()
    # A remark behind the list, or the zip's large form, is of no Office program's making.
    if end[20:24] != b"PK\x05\x06" or not end.endswith(b"\0\0") or end.startswith(b"PK\x06\x07"):
        return None
    length, at = struct.unpack("<12x2L2x", end[20:])
    if length > LONGEST_DIRECTORY or length + at > end_at:
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
    if "[Content_Types].xml" not in names or any("vbaproject" in each.lower() for each in names):
        return None
    return next((each for each in TYPES if each.part and each.part in names), None)


def require_harmless(file: Upload, name: str) -> None:
    """Have the operator's command look at it. Raises FileRefused unless that says yes, and in time."""
    if not settings.ATTACHMENTS_SCAN_COMMAND:
        return
    with tempfile.NamedTemporaryFile() as copy:
        copy.writelines(read_chunks(file))
        copy.flush()
        try:
            code = subprocess.run(  # nosec B603
                [*settings.ATTACHMENTS_SCAN_COMMAND, copy.name],
                timeout=settings.ATTACHMENTS_SCAN_SECONDS,
                env={"PATH": os.environ.get("PATH", os.defpath)},  # ours holds keys
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ).returncode
        except (OSError, subprocess.TimeoutExpired) as error:
            logger.error("ATTACHMENTS_SCAN_COMMAND: %s", error)
            code = -1
    if code == 1:
        raise FileRefused(f"The scan for harmful content refuses {name}. It was not kept.")
    if code:
        raise FileRefused(
            f"{name} could not be scanned for harmful content, so it was not kept. Try again later, or tell "
            "whoever runs Ledgergate."
        )


def read_chunks(file: Readable) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(65_536):
        yield chunk


def hash_file(file: Readable) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


@contextmanager
def handle_storage_faults(sentence: str) -> Iterator[None]:
    """Each kind of storage has errors of its own; the log has the cause."""
    try:
        yield
    except Exception as error:
        logger.exception(sentence)
        raise FileUnavailable(sentence) from error


def store_file(file: Upload, folder: str) -> str:
    """The key that it is kept under, in which nothing is of a person's words. Raises FileUnavailable."""
    with handle_storage_faults("The storage of attachments can't be reached. Try again later."):
        file.seek(0)
        return storages["attachments"].save(f"{folder}/{uuid4().hex}", file)


def delete_files(keys: Iterable[str]) -> None:
    """One that can't be deleted stays, and is nobody's."""
    for key in keys:
        with suppress(FileUnavailable), handle_storage_faults(f"The file {key} was not deleted."):
            storages["attachments"].delete(key)


def is_stored(key: str) -> bool:
    """Raises FileUnavailable where the storage does not say."""
    with handle_storage_faults("The storage of attachments can't be reached now."):
        return storages["attachments"].exists(key)


def read_file(key: str, *, name: str, size: int, sha256: str) -> IO[bytes]:
    """Exactly what was attached, or FileUnavailable."""
    if not is_stored(key):
        logger.error("The file %s is missing.", key)
        raise FileUnavailable(f"{name} is no longer in the storage of attachments.")
    copy = tempfile.TemporaryFile()  # noqa: SIM115  (the response closes it)
    with (
        handle_storage_faults(f"{name} can't be read now. Try again later."),
        storages["attachments"].open(key) as file,
    ):
        for chunk in read_chunks(file):
            copy.write(chunk)
            if copy.tell() > size:
                break
    if (copy.tell(), hash_file(copy)) != (size, sha256):
        copy.close()
        logger.error("The file %s is not the one that was attached.", key)
        raise FileUnavailable(
            f"{name} in the storage of attachments is not the file that was attached (SHA-256 "
            f"{sha256[:12]}…), so it is not given out."
        )
    copy.seek(0)
    return copy
