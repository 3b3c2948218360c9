"""An ERP Integrations Admin's acts on links: one function for each.

A link decides what is exported. So a change is in the history, and what was accepted under the old
link is not exported any more: the worker finds that its basis is another one.
"""

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from directory import history
from directory.models import User
from directory.rights.permissions import require_administer_erp_integrations
from erp_integrations import wakeup
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.confirmations import pending_changes
from erp_integrations.confirmations.subjects import LINKS, Subject, Values
from erp_integrations.events import ErpEvent
from erp_integrations.links.kinds import JOB, Link, LinkKind, LinkOwner
from erp_integrations.master_data import syncing
from erp_integrations.master_data.lookup import find_by_code
from erp_integrations.models import Connection, MastersPull


class LinkError(Exception):
    """A link can't be made so; the text is for the person who asked."""


class LinkChanged(LinkError):
    """Somebody else changed the link since the person looked (409)."""

    def __init__(self, link: str = "this link", current: str = "The current one is") -> None:
        super().__init__(f"Somebody else has changed {link}, so nothing was saved. {current} below.")


@dataclass(frozen=True, slots=True)
class ExpectedLink:
    """The link as the person saw it: blank where there was none. The connection counts where one of ours
    has one link over all of them."""

    code: str
    connection_id: int | None = None


@transaction.atomic
def link(
    kind: LinkKind, *, owner: LinkOwner, connection: Connection, code: str, expected: ExpectedLink, by: User
) -> int:
    """Say what one of ours is in Spectrum; returns how many accepted commitments that stops. A job's phases
    are read at once.

    Raises RightMissing without Admin on the tool, LinkError for a code that Spectrum's list does not
    have, LinkChanged.
    """
    require_administer_erp_integrations(by, owner.company)
    code = require_listed_code(kind, connection, code)
    link = lock_link(kind, owner, connection, expected)
    before, stopped = kind.get_subject(owner, connection).get_values(), 0
    changed: dict[str, Any] = {} if kind.is_per_connection else {"connection": connection}
    changed[kind.code_field] = code
    if link is None:
        link = kind.model(**{kind.owner_field: owner, "connection": connection} | changed)
        try:
            with transaction.atomic():
                link.save()
        except IntegrityError as error:
            raise LinkChanged from error
        record_link_change(link, "created", owner, before, changed, by)
    elif (link.connection_id, link.code) != (connection.pk, code):
        stopped = kind.list_queued_exports(link).count()
        for name, value in changed.items():
            setattr(link, name, value)
        link.save(update_fields=list(changed))
        record_link_change(link, "changed", owner, before, changed, by)
    if kind is JOB:
        syncing.requeue_sync(connection.pk)
        wakeup.wake_sync(connection.pk)
    return stopped


@transaction.atomic
def unlink(
    kind: LinkKind, *, owner: LinkOwner, connection: Connection, expected: ExpectedLink, by: User
) -> int:
    """Take a link away; returns how many accepted commitments that stops.

    Raises RightMissing, LinkChanged.
    """
    require_administer_erp_integrations(by, owner.company)
    link = lock_link(kind, owner, connection, expected)
    if link is None:
        return 0
    stopped = kind.list_queued_exports(link).count()
    before, key = Subject.from_link(link).get_values(), link.pk
    link.delete()
    link.pk = key
    record_link_change(link, "deleted", owner, before, {}, by)
    return stopped


@transaction.atomic
def requeue_master_data_sync(*, connection: Connection, by: User) -> None:
    """Have a worker read Spectrum's master data now. Raises RightMissing."""
    require_administer_erp_integrations(by, connection.company)
    syncing.requeue_sync(connection.pk)
    history.record(event=ErpEvent.MASTERS_ASKED_FOR, subject=connection, by=by, company=connection.company)
    wakeup.wake_sync(connection.pk)


def describe_stopped_exports(stopped: int) -> str:
    """For the person who changed their link."""
    commitments = "1 accepted commitment was" if stopped == 1 else f"{stopped} accepted commitments were"
    return (
        f"{commitments} waiting for export under the old link. What has not started will fail with "
        "“Changed since it was accepted”, and an approver can retry or reject it."
    )


def require_listed_code(kind: LinkKind, connection: Connection, code: str) -> str:
    """The code as Spectrum spells it; where its list was never read, as it was typed. Raises LinkError."""
    code = code.replace("\0", "").strip()
    if not code:
        raise LinkError(f"Enter a {kind.code_label}, or choose one.")
    syncs = MastersPull.objects.filter(connection=connection)
    was_synced = syncs.exclude(**{f"{kind.name}s_at": None}).exists()
    listed = kind.erp_model.objects.filter(connection=connection, gone_at=None)
    found = find_by_code(listed, kind.erp_code, code).first()
    if was_synced and found is None:
        raise LinkError(f"Spectrum has no {kind.name} {code}. If it is new there, sync master data first.")
    code = found.code if found else code
    if complaint := get_adapter(connection).describe_code_issue(code, kind.name):
        raise LinkError(
            f"The {kind.code_label} {code} {complaint}, so nothing can be exported under it. "
            "Change it in Spectrum, then sync master data."
        )
    return code


def lock_link(
    kind: LinkKind, owner: LinkOwner, connection: Connection, expected: ExpectedLink
) -> Link | None:
    """Raises LinkChanged where it is not as it was seen."""
    link: Link | None = kind.list_links([owner], connection).select_for_update().first()
    now = ExpectedLink(link.code, link.connection_id) if link else ExpectedLink("")
    if now.code != expected.code or not (
        kind.is_per_connection or now.connection_id == expected.connection_id
    ):
        raise LinkChanged
    return link


def record_link_change(
    link: Link, action: str, owner: LinkOwner, before: Values, changed: Values, by: User
) -> None:
    """After the change: it waits for a second person, or speaks for itself."""
    subject = Subject.from_link(link)
    detail = get_link_detail(link) | pending_changes.record_change(
        subject, before=before, by=by, company=owner.company
    )
    if changed:
        detail["fields"] = list(changed)
    event = ErpEvent(f"{subject.kind}_link.{action}")
    history.record(event=event, subject=link, by=by, company=owner.company, detail=detail)


def get_link_detail(link: Link) -> dict[str, object]:
    """The link's values, and whose commitments it concerns."""
    subject = Subject.from_link(link)
    values = {name: str(link.serializable_value(name)) for name in LINKS[subject.kind][2]}
    return values | subject.owner
