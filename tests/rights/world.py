"""A company with everything in it that an address can lead to, and another one that it does not know."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import models, transaction
from django.test import RequestFactory
from django.test.client import ClientHandler
from django.urls import reverse

from commitments.models import Commitment, CostType
from directory import history
from directory.history.events import DirectoryEvent
from directory.models import Company, CompanyMembership, HistoryEntry, Level, Project, ProjectMembership, User
from erp_integrations.models import (
    Attestation,
    Batch,
    BatchAction,
    CostTypeAccount,
    ErpIdHold,
    JobLink,
    Question,
    Submission,
    VendorLink,
    WireAttempt,
)
from notifications.models import Subscription
from tests.clients import signed_in
from tests.directory.signing_in import turn_on_two_step
from tests.factories import (
    CompanyFactory,
    ContractCompanyFactory,
    CostTypeFactory,
    ExportJobFactory,
    LineItemFactory,
    MemberFactory,
    PersonFactory,
    ProjectFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
    join_project,
)
from tests.notifications.factories import OutgoingEmailFactory
from tests.rights.addresses import addresses
from tests.rights.people import KINDS, Kind

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ADDRESSES = addresses()


class Browser(RequestFactory):
    """Asks as Django's test client does, without keeping what each template was given: half the time."""

    def __init__(self, person: User | None = None, *, enforces_csrf: bool = False, **defaults: Any) -> None:
        super().__init__(**defaults)
        self.person = person
        self._strict: Browser | None = None
        self._handler = ClientHandler(enforce_csrf_checks=enforces_csrf)
        if person is not None:
            self.cookies = signed_in(person).cookies

    def that_checks_forms(self) -> "Browser":
        """The same person's, at a product that asks every form for its token."""
        if self._strict is None:
            self._strict = Browser(enforces_csrf=True)
            self._strict.cookies = self.cookies
        return self._strict

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return super().get(*args, **kwargs)

    def post(self, *args: Any, **kwargs: Any) -> Any:
        return super().post(*args, **kwargs)

    def generic(self, *args: Any, **kwargs: Any) -> Any:
        return super().generic(*args, **kwargs)

    def request(self, **request: Any) -> Any:
        """The answer; a fault of a view is a 500, as it would be for a person."""
        answer: Any = self._handler(super().request(**request).environ)
        if answer.streaming:
            # Not by its ``close``, which ends the connection to the database too.
            answer.body = b"".join(answer)
            for close in answer._resource_closers:
                close()
        else:
            answer.body = answer.content
        return answer


@dataclass
class Place:
    """A company, its one project, and a commitment in each situation."""

    company: Company
    project: Project
    creator: User
    sender: User
    approver: User
    situations: dict[str, Submission | Commitment] = field(default_factory=dict)
    rows: dict[str, models.Model] = field(default_factory=dict)

    def keys(self, situation: str = "awaiting") -> dict[str, Any]:
        """The parts of an address here, for the commitment in this situation."""
        there = self.situations[situation]
        commitment = there.commitment if isinstance(there, Submission) else there
        return {
            "company_slug": self.company.slug,
            "project_id": self.project.pk,
            "submission_id": there.pk if isinstance(there, Submission) else 0,
            "commitment_id": commitment.pk,
            "connection_id": self.rows["erp_integrations.connection"].pk,
            "filters_id": 0,
            "reason_id": 0,
            "contract_company_id": commitment.contract_company_id,
            "attachment_id": getattr(commitment.attachments.first(), "pk", 0),
            "import_id": 0,
            "kind": "vendors",
            "membership_id": self.rows["directory.companymembership"].pk,
            "cost_code_id": self.rows["commitments.costcode"].pk,
            "batch_id": self.rows["erp_integrations.batch"].pk,
        }

    def address(self, name: str, situation: str = "awaiting", **other: Any) -> str:
        """Where the address leads to in this company; ``other`` parts are what is given."""
        known = self.keys(situation) | other
        return reverse(name, kwargs={part: known[part] for part in ADDRESSES[name].parts})


def _place(name: str, *, creator: User, sender: User, approver: User, project: Project) -> Place:
    company = project.company
    place = Place(company, project, creator, sender, approver)

    numbers = itertools.count(1)

    def ready(**values: Any) -> Commitment:
        number, title = f"{name}-{next(numbers)}", f"{name} works"
        return ReadyCommitmentFactory(
            project=project, created_by=creator, number=number, title=title, **values
        )

    def sent(**values: Any) -> Submission:
        return SubmissionFactory(commitment=ready(), sent_by=sender, **values)

    def accepted(**values: Any) -> Submission:
        submission = sent(accepted=True, approver=approver)
        return ExportJobFactory(submission=submission, **values).submission

    place.situations["unsent"] = unsent = ready()
    place.situations["doubled"] = doubled = ready(lines=1)
    LineItemFactory(commitment=doubled, cost_code=doubled.lines.get().cost_code)
    place.situations["unfit"] = unfit = ready(lines=1)
    Commitment.objects.filter(pk=unfit.pk).update(number=f"PW-2015-{unfit.pk}/417")
    attached = ready()
    attached.attachments.create(
        name="a.pdf", size=1, sha256="0" * 64, stored_as=f"lost/{name}", added_by=creator
    )
    place.situations["attached"] = SubmissionFactory(commitment=attached, sent_by=sender, retrieved=True)
    place.situations |= {
        "awaiting": sent(),
        "asked": (asked := sent()),
        "queued": accepted(),
        "failed": accepted(failed=True),
        "incomplete": accepted(incomplete=True),
        "unknown": accepted(unknown=True, quiet_until=LONG_AGO),
        "synced": accepted(absent=True),
    }
    Submission.objects.filter(pk=asked.pk).update(asked=True)
    Question.objects.create(
        commitment=asked.commitment, submission=asked, asked_by=approver, asked_of=sender, text="Why?"
    )
    connection = JobLink.objects.get(project=project).connection
    synced = place.situations["synced"]
    assert isinstance(synced, Submission)
    job = synced.jobs.get()
    call = job.calls.first()
    assert call is not None
    line = unsent.lines.first()
    assert line is not None
    Group.objects.get_or_create(name=f"{name} group")
    newcomer: User = PersonFactory(email=f"new@{company.slug}.test")
    history.record(event=DirectoryEvent.ACCOUNT_CREATED, subject=newcomer, by=approver, company=None)
    mail: Any = OutgoingEmailFactory(recipient=creator, subject=f"{name} subject")
    stored: list[models.Model | None] = [
        *(company, project, connection, unsent, synced, job, call, line.cost_code, unsent.contract_company),
        CompanyMembership.objects.get(user=creator, company=company),
        ProjectMembership.objects.get(user=creator, project=project),
        creator,
        CostType.objects.get(company=company, code="S"),
        JobLink.objects.get(project=project),
        VendorLink.objects.filter(connection=connection).first(),
        CostTypeAccount.objects.create(
            connection=connection,
            cost_type=CostType.objects.get(company=company, code="S"),
            general_ledger_account="500200",
        ),
        ErpIdHold.objects.filter(connection=connection).first(),
        HistoryEntry.objects.filter(company_id=company.pk).first(),
        WireAttempt.objects.create(call=call, attempt=1, reply=f"{name} reply"),
        Attestation.objects.create(call=call, is_there=True, read_back=True, by=approver),
        mail,
        Batch.objects.create(company=company, by=creator, action=BatchAction.ACCEPT),
        Subscription.objects.create(user=creator, kind="daily_summary", wanted=False),
        Group.objects.get(name=f"{name} group"),
    ]
    place.rows = {row._meta.label_lower: row for row in stored if row is not None} | {
        # What is still to be linked or listed.
        "new contract company": ContractCompanyFactory(company=company),
        "new project": ProjectFactory(company=company),
        "new cost type": CostTypeFactory(company=company, code="N"),
        "new person": newcomer,
        "new member": MemberFactory(company=company, email=f"member@{company.slug}.test"),
    }
    return place


@dataclass
class World:
    """``ours`` is where every kind of person is; ``theirs`` they have nothing to do with."""

    ours: Place
    theirs: Place
    people: dict[str, User]
    browsers: dict[str, Browser]
    foreigner: Browser
    """With every right, there."""
    before: dict[str, str] = field(default_factory=dict)
    last_told: int = 0

    def told_since(self) -> Iterator[tuple[str, int | None]]:
        """The history since all of this was made: the events, and whose they are."""
        yield from (
            HistoryEntry.objects.filter(pk__gt=self.last_told).values_list("event", "by_id").order_by("pk")
        )

    def browser(self, kind: Kind) -> Browser:
        """With this kind of person in front of it."""
        return self.browsers[kind.name]


def make() -> World:
    """Everything; a second or two."""
    project = ProjectFactory(
        company=CompanyFactory(name="Ours", slug="ours", requires_two_step=True), name="Our project"
    )
    people = {kind.name: kind.make(project.company, project) for kind in KINDS.values() if kind.signs_in}
    ours = _place(
        "OURS",
        creator=people["creator"],
        sender=people["approving sender"],
        approver=people["approver"],
        project=project,
    )
    foreign = ProjectFactory(
        company=CompanyFactory(name="Foreign", slug="foreign", requires_two_step=True),
        name="Foreign project",
        number="FOREIGN",
    )
    creator, sender, approver = (
        MemberFactory(
            company=foreign.company,
            email=f"{name}@foreign.test",
            last_name="Foreign",
            erp_integrations_level=Level.ADMIN,
            can_push_to_accounting=True,
        )
        for name in ("creator", "sender", "approver")
    )
    for person in (creator, sender, approver):
        join_project(person, foreign, Level.ADMIN)
        turn_on_two_step(person)
    theirs = _place("FOREIGN", creator=creator, sender=sender, approver=approver, project=foreign)
    browsers = {"visitor": Browser()} | {name: Browser(person) for name, person in people.items()}
    return World(ours, theirs, people, browsers, foreigner=Browser(approver))


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside did not happen."""
    sid = transaction.savepoint()
    try:
        yield
    finally:
        # What failed inside would else fail whatever comes after.
        transaction.set_rollback(False)
        transaction.savepoint_rollback(sid)
