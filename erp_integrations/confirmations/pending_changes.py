"""Changes that wait for a second person: noted by what changes it, ended by a confirmation."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from commitments.models import ContractCompany, CostType
from directory import history
from directory.db.prepared import Parameter
from directory.db.time_zones import format_time
from directory.models import Company, CompanyMembership, User
from directory.rights.permissions import require_administer_erp_integrations
from erp_integrations.adapters.base import get_comparable_unit
from erp_integrations.confirmations.subjects import VERBS, Kind, Subject, Values
from erp_integrations.events import ErpEvent
from erp_integrations.models import Connection, JobLink, Submission, UnconfirmedChange, VendorLink
from erp_integrations.models.listing import MAX_COUNT
from erp_integrations.models.submissions import OPEN_STATUSES
from erp_integrations.snapshots import Document, hash_content

MOST_SHOWN = 50
EVENTS = {
    Kind.VENDOR: ErpEvent.VENDOR_LINK_CONFIRMED,
    Kind.JOB: ErpEvent.JOB_LINK_CONFIRMED,
    Kind.ACCOUNT: ErpEvent.COST_TYPE_ACCOUNT_CONFIRMED,
    Kind.SUBMISSION: ErpEvent.SUBMISSION_ACCOUNT_CONFIRMED,
    Kind.UNIT: ErpEvent.CONNECTION_UNIT_CONFIRMED,
    Kind.CONNECTION: ErpEvent.CONNECTION_CONFIRMED,
}


class NotConfirmed(Exception):
    """A ticked change can't be confirmed so; the text is for the person who asked."""


@dataclass(frozen=True)
class PendingChange:
    """One change, as a person reads and ticks it. ``stamp`` is another one as soon as anything of it is."""

    row: UnconfirmedChange
    now: Values

    @cached_property
    def subject(self) -> Subject:
        return Subject.parse(self.row.subject)

    @cached_property
    def barred(self) -> set[int]:
        """Who changed it, and whoever had a hand in the commitment that it is of: another one confirms it."""
        row = self.subject.find_row() if self.subject.kind is Kind.SUBMISSION else None
        hands = (row.created_by_id, row.sent_by_id, *row.hands) if isinstance(row, Submission) else ()
        return {*self.row.people, *hands}

    @cached_property
    def before(self) -> Values:
        """The values when it was last confirmed."""
        return {**self.now, **self.row.confirmed}

    @cached_property
    def stamp(self) -> str:
        content = [
            self.row.pk,
            self.row.confirmed,
            self.now,
            self.subject.format_values(self.now),
            self.subject.get_name(),
            self.row.people,
        ]
        return hash_content(content)

    @cached_property
    def sentence(self) -> str:
        subject, names = self.subject, set(self.row.confirmed)
        verb = VERBS.get(subject.kind, "is linked to")
        found = User.objects.in_bulk(self.row.people)
        people = " and ".join(str(found.get(pk, "somebody")) for pk in self.row.people)
        at = format_time(self.row.changed_at)
        return (
            f"{subject.get_name()} {verb} {subject.describe_values(self.now, names)}, by "
            f"{people} on {at}; before: {subject.describe_values(self.before, names)}."
        )


def record_change(subject: Subject, *, before: Values, by: User, company: Company) -> dict[str, object]:
    """After a change, in its transaction: it waits for a second person, unless it is as it was confirmed or
    speaks for itself. Returns what the history keeps of it.

    Whoever changes what waits already is in it, too.
    """
    if subject.kind is Kind.VENDOR:
        # It is renamed before this or after it.
        ContractCompany.objects.select_for_update(no_key=True).filter(pk=subject.key).first()
    now = subject.get_values()
    row = UnconfirmedChange.objects.select_for_update().filter(subject=str(subject)).first()
    row = row or UnconfirmedChange(subject=str(subject), company=company, confirmed={}, people=[])
    differs = {name: before.get(name, "") for name in {*before, *now} if before.get(name) != now.get(name)}
    if controlled := {name: value for name, value in differs.items() if subject.is_controlled(name)}:
        since = controlled | row.confirmed
        unconfirmed = {name: value for name, value in since.items() if now.get(name, "") != value}
        if unconfirmed and not subject.has_unique_name_match(set(unconfirmed), now):
            row.confirmed, row.changed_at = unconfirmed, Now()
            row.people = [*(pk for pk in row.people if pk != by.pk), by.pk]
            row.save()
        elif row.pk:
            row.delete()
    if subject.kind is Kind.CONNECTION:
        before, now = differs, {name: now.get(name, "") for name in differs}
    return {"before": subject.format_values(before), "after": subject.format_values(now)}


def record_renaming(vendor: ContractCompany, before: str, by: User) -> None:
    """After it: a linked one waits as if its link had been changed, until it is called as before. So does one
    whose link was taken away and waits: linked again as it was, it would be another.
    """
    linked = set(VendorLink.objects.filter(contract_company=vendor).values_list("connection", flat=True))
    connections = Connection.objects.filter(company=vendor.company_id).order_by("pk")
    for connection in connections.values_list("pk", flat=True):
        subject = str(Subject(Kind.VENDOR, connection, str(vendor.pk)))
        row = UnconfirmedChange.objects.select_for_update().filter(subject=subject).first()
        if row is None and connection not in linked:
            continue
        row = row or UnconfirmedChange(subject=subject, company=vendor.company, confirmed={}, people=[])
        row.confirmed.setdefault("called", before)
        if row.confirmed["called"] == vendor.name:
            del row.confirmed["called"]
        if row.confirmed:
            row.changed_at, row.people = Now(), [*(pk for pk in row.people if pk != by.pk), by.pk]
            row.save()
        elif row.pk:
            row.delete()


def list_for_document(
    document: Document, *, changed_by: User | None = None, lock: bool = False
) -> list[PendingChange]:
    """Changes of all that a commitment's plan is made from and goes by; one query where there are none."""
    rows = UnconfirmedChange.objects.filter(company__projects=document.project_id).order_by("pk")
    if changed_by:
        rows = rows.filter(people__contains=[changed_by.pk])
    if not rows.exists():
        return []
    link = JobLink.objects.filter(project=document.project_id).first()
    subjects = [Subject(Kind.JOB, 0, str(document.project_id))]
    if link:
        connection = link.connection_id
        leading = document.leading_cost_type
        cost_types = CostType.objects.filter(company__connections=connection, code=leading)
        units = {get_comparable_unit(line.unit_of_measure) for line in document.lines} - {""}
        sent = Submission.objects.filter(commitment=document.commitment_id, status__in=OPEN_STATUSES)
        subjects += [
            Subject(Kind.CONNECTION, connection),
            Subject(Kind.VENDOR, connection, str(document.contract_company_id)),
            *(Subject(Kind.ACCOUNT, connection, str(pk)) for pk in cost_types.values_list("pk", flat=True)),
            *(Subject(Kind.SUBMISSION, connection, str(pk)) for pk in sent.values_list("pk", flat=True)),
            *(Subject(Kind.UNIT, connection, unit) for unit in units),
        ]
    rows = rows.filter(subject__in=map(str, subjects))
    if lock:
        # Whoever changes a connection or its units holds this one while they note it.
        Connection.objects.select_for_update(of=("self",)).filter(job_links=link).first()
        rows = rows.select_for_update(of=("self",))
    return build_pending_changes(rows)


def add_own_changes(
    members: QuerySet[CompanyMembership], person: int | Parameter
) -> QuerySet[CompanyMembership]:
    """Each with ``with_own_changes``: something of the company waits that this person had a hand in; and with
    the subjects of ``others_changes``, as far as they are counted."""
    rows, own = UnconfirmedChange.objects.filter(company=OuterRef("company")), {"people__contains": [person]}
    others = ArraySubquery(rows.exclude(**own).values("subject")[: MAX_COUNT + 1])
    return members.annotate(with_own_changes=Exists(rows.filter(**own)), others_changes=others)


def has_own_changes(viewer: CompanyMembership) -> bool:
    """The same of one membership. One query where it was not read so."""
    if not hasattr(viewer, "with_own_changes"):
        viewer = add_own_changes(CompanyMembership.objects.filter(pk=viewer.pk), viewer.user_id).get()
    return bool(viewer.with_own_changes)  # type: ignore[attr-defined]  # annotated


def list_for_begun_export(
    connection: Connection, *, changed_by: User | None = None, lock: bool = False
) -> list[PendingChange]:
    """Those of the connection that an export was begun on. Nothing else can turn its calls any more, and
    they go there wherever the project's link leads by now. One query where nothing waits.
    """
    rows = UnconfirmedChange.objects.filter(subject=str(Subject(Kind.CONNECTION, connection.pk)))
    if changed_by:
        rows = rows.filter(people__contains=[changed_by.pk])
    if lock:
        # As above; always, since what the connection says is bound anew.
        Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
        rows = rows.select_for_update(of=("self",))
    return build_pending_changes(rows)


def list_for_company(company: Company, *kinds: Kind) -> list[PendingChange]:
    """Of a page, the oldest first; a page is no archive."""
    rows = UnconfirmedChange.objects.filter(company=company).order_by("pk")
    return build_pending_changes(row for row in rows if Subject.parse(row.subject).kind in kinds)[:MOST_SHOWN]


def find_by_subjects(subjects: Iterable[str]) -> dict[str, PendingChange]:
    """Those of these that wait. One query where none does."""
    changes = build_pending_changes(UnconfirmedChange.objects.filter(subject__in=subjects))
    return {each.row.subject: each for each in changes}


@transaction.atomic
def confirm(*, company: Company, ticked: Collection[str], by: User) -> int:
    """Say, as an ERP admin, that changes of others are right; how many. All of them, or none.

    Raises RightMissing, NotConfirmed where something is one's own or not as it was shown.
    """
    require_administer_erp_integrations(by, company)
    if not ticked:
        raise NotConfirmed("Tick what you have checked.")
    rows = UnconfirmedChange.objects.select_for_update().filter(company=company).order_by("pk")
    chosen = [each for each in build_pending_changes(rows) if each.stamp in ticked]
    if len(chosen) != len(set(ticked)):
        raise NotConfirmed(
            "Something you ticked has been changed or confirmed in the meantime, so nothing was confirmed. "
            "The current list is below."
        )
    if any(by.pk in each.barred for each in chosen):
        raise NotConfirmed("You were involved in some of these, so another person must confirm them.")
    record_confirmation(chosen, by=by, detail={})
    return len(chosen)


def record_confirmation(confirmed: Sequence[PendingChange], *, by: User, detail: dict[str, object]) -> None:
    """These are right, says ``by``, who had no hand in them."""
    for each in confirmed:
        subject = each.subject
        if about := subject.find_row():
            entry: dict[str, object] = {
                "before": subject.format_values(each.before),
                "after": subject.format_values(each.now),
            }
            entry |= {"changed_by": each.row.people, **subject.owner}
            event, company = EVENTS[subject.kind], each.row.company
            history.record(event=event, subject=about, by=by, company=company, detail=entry | detail)
        each.row.delete()


def build_pending_changes(rows: Iterable[UnconfirmedChange]) -> list[PendingChange]:
    return [PendingChange(row, Subject.parse(row.subject).get_values()) for row in rows]
