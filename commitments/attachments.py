"""The files of a commitment. A change of them is a change of the commitment, with its locks and history."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from commitments import files
from commitments.changes import Change, describe_changes, list_file_changes
from commitments.errors import FileRefused, FileUnavailable
from commitments.events import CommitmentEvent
from commitments.files import Upload
from commitments.locks import require_unlocked
from commitments.models import Attachment, Commitment
from commitments.services import lock_commitment
from directory import history
from directory.models import User
from directory.rights.permissions import require_edit_commitment


def list_attachments(commitment: Commitment) -> list[Attachment]:
    """Those that it has now. One query, where they are not prefetched."""
    return [each for each in commitment.attachments.all() if each.removed_at is None]


def add_attachments(*, commitment: Commitment, uploads: Sequence[Upload], by: User) -> int:
    """All of them or none; one that is attached already counts for nothing. How many are new.

    Raises RightMissing, CommitmentLocked, FileRefused, FileUnavailable.
    """
    require_change(commitment, by)
    if not uploads:
        raise FileRefused("Choose a file first.")
    if "attachments" not in settings.STORAGES:
        raise FileRefused(
            "Nothing can be attached: whoever runs Ledgergate has named no place for files yet."
        )
    require_room(commitment, len(list_attachments(commitment)), uploads)
    new, folder = dict[tuple[str, str], Upload](), f"{commitment.project.company_id}/{commitment.pk}"
    for upload in uploads:
        new.setdefault(files.check_file(upload), upload)
    stored: dict[str, Attachment] = {}
    try:
        for (name, sha256), upload in new.items():
            key = files.store_file(upload, folder)
            values = {"commitment": commitment, "name": name, "size": upload.size or 0, "sha256": sha256}
            stored[key] = Attachment(**values, stored_as=key, added_by=by)
        saved = save_new(commitment, list(stored.values()), by)
    except BaseException:
        files.delete_files(stored)
        raise
    files.delete_files(stored.keys() - {each.stored_as for each in saved})
    return len(saved)


@transaction.atomic
def save_new(commitment: Commitment, uploaded: Sequence[Attachment], by: User) -> list[Attachment]:
    commitment_row = lock_commitment(commitment)
    require_change(commitment_row, by)
    before = list_attachments(commitment_row)
    known = {(each.name, each.sha256) for each in before}
    new = [each for each in uploaded if (each.name, each.sha256) not in known]
    require_room(commitment_row, len(before), new)
    Attachment.objects.bulk_create(new)
    record_change(commitment_row, list(list_file_changes([], new)), by)
    return new


@transaction.atomic
def delete_attachment(*, commitment: Commitment, attachment_id: int, by: User) -> None:
    """A file that was sent stays in the storage, for whoever decided on it.

    Raises RightMissing, CommitmentLocked, Attachment.DoesNotExist.
    """
    commitment_row = lock_commitment(commitment)
    require_change(commitment_row, by)
    attachment = commitment_row.attachments.get(pk=attachment_id, removed_at=None)
    if attachment.was_sent:
        commitment_row.attachments.filter(pk=attachment_id).update(removed_at=Now())
    else:
        attachment.delete()
        transaction.on_commit(partial(files.delete_files, [attachment.stored_as]))
    record_change(commitment_row, list(list_file_changes([attachment], [])), by)


def require_change(commitment: Commitment, by: User) -> None:
    require_edit_commitment(by, commitment.project, commitment.created_by_id)
    require_unlocked(commitment, {"attachments"}, lines_changed=False)


def require_room(commitment: Commitment, count: int, new: Sequence[object]) -> None:
    if count + len(new) > (most := settings.ATTACHMENTS_PER_COMMITMENT):
        raise FileRefused(
            f"A commitment has at most {most} files, and this one has {count}. Choose fewer, or remove some."
        )


def record_change(commitment: Commitment, changes: Sequence[Change], by: User) -> None:
    if not changes:
        return
    commitment.version += 1
    commitment.save(update_fields=["version", "updated_at"])
    history.record(
        event=CommitmentEvent.COMMITMENT_CHANGED,
        subject=commitment,
        by=by,
        company=commitment.project.company,
        detail={"fields": ["attachments"], "changes": describe_changes(changes)},
    )


def list_problems(attached: Sequence[Any]) -> dict[int, str]:
    """Why files of a commitment or of a snapshot can't be given out, by number, as far as a look into the
    storage tells. One query, where there are any.
    """
    problems, ids = dict[int, str](), [each.attachment_id for each in attached]
    keys = dict(Attachment.objects.filter(pk__in=ids).values_list("pk", "stored_as")) if ids else {}
    for each in ids:
        try:
            if each not in keys or not files.is_stored(keys[each]):
                problems[each] = "It is no longer in the storage of attachments."
        except FileUnavailable as error:
            return dict.fromkeys(ids, str(error))
    return problems
