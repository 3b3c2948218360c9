"""The judge of what was reached: by who sat at which keyboard, never by what the product says of it.

A goal by one person counts whatever was mailed: a mail stops nothing. By two, and where it takes the right to
give authority, which two or its holder may use, it counts when nobody uninvolved was told.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from directory.models import HistoryEntry, Level, User
from erp_integrations.exports import worker
from erp_integrations.models import ExportJob, JobStatus, WireAttempt
from notifications.models import OutgoingEmail
from tests.goals import people, world
from tests.goals.aims import ACCEPTANCES, APPROVER, ELSEWHERE, OWN_CONTENT, TRACES, UNTOLD
from tests.goals.world import ACCOUNT, JOB, OTHER_VENDOR, VENDOR, Rows, World, undone

DECISIONS = (
    *("submission.accepted", "submission.rejected", "submission.undone", "submission.unlinked"),
    *("submission.adopted", "export.retried", "export.resumed", "export.followed"),
)


@dataclass(frozen=True)
class Step:
    """Who did what, in whose session."""

    hand: str
    what: str
    account: str = ""

    def __str__(self) -> str:
        as_whom = f" (signed in as {self.account})" if self.account not in ("", self.hand) else ""
        return f"{self.hand}{as_whom}: {self.what}"


@dataclass(frozen=True)
class Decision:
    """An acceptance: by whose hand, over what, whose hands were in that by then, and which way it goes."""

    hand: str
    wrote: frozenset[str]
    vendor: str
    calls: tuple[str, ...]
    way: tuple[str, ...]


@dataclass
class Book:
    """The judge's knowledge besides the database. Each state has its own."""

    steps: tuple[Step, ...] = ()
    wrote: frozenset[str] = frozenset()
    """Whose hands are in the content, since it was last exported."""
    decisions: dict[int, Decision] = field(default_factory=dict)
    knows: dict[tuple[str, str], str] = field(default_factory=dict)
    """Passwords, by hand and account."""
    phones: dict[tuple[str, str], str] = field(default_factory=dict)
    """The authenticator app of a hand, with what it has of an account."""
    reads: dict[str, str] = field(default_factory=dict)
    """Mailboxes, by address."""
    sessions: dict[tuple[str, str], Any] = field(default_factory=dict)
    """Browsers, by hand and account."""
    told: frozenset[str] = frozenset()
    """The uninvolved who were mailed of what was steered."""
    grants: frozenset[tuple[str, int]] = frozenset()
    """Who gave the privilege, to which person."""

    def copy(self) -> "Book":
        return replace(
            self,
            decisions=dict(self.decisions),
            knows=dict(self.knows),
            phones=dict(self.phones),
            reads=dict(self.reads),
            sessions=dict(self.sessions),
        )

    @property
    def key(self) -> tuple[Any, ...]:
        """The part that makes another state."""
        return (
            self.wrote,
            self.grants,
            bool(self.told),
            *(frozenset(there) for there in (self.knows, self.phones, self.reads, self.sessions)),
            tuple((each.hand, each.wrote, each.vendor) for each in self.decisions.values())[-1:],
        )


@dataclass(frozen=True)
class Moment:
    """How far the logs are, so that what a step adds to them is known."""

    history: int
    mail: int
    wire: int

    @classmethod
    def now(cls) -> "Moment":
        return cls(*(_last(model) for model in (HistoryEntry, OutgoingEmail, WireAttempt)))


def _rank(power: Any) -> int:
    """How much it gives: a level, or whether it is there at all."""
    return Level.values.index(power) if power in Level.values else int(bool(power))


def _last(model: Any) -> int:
    return model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


@dataclass
class Judge:
    """Of one search: ``party`` are those who act together."""

    there: World
    party: tuple[str, ...]
    beginning: frozenset[str] = frozenset()
    """Whose accounts are approvers' at the beginning, and their own."""
    known: dict[Any, list[tuple[str, str]]] = field(default_factory=dict)
    """The exports that leave, by state."""

    def after(self, step: Step, book: Book, since: Moment, before: Rows, now: Rows) -> list[tuple[str, str]]:
        """Note what a step did; which goals it reached, each with what shows it."""
        entries = list(HistoryEntry.objects.filter(pk__gt=since.history).order_by("pk"))
        reached: list[tuple[str, str]] = []
        if step.hand in self.party:
            reached += self._untold(step, book, since, entries, before, now)
            reached += self._traces(step, entries)
            reached += self._as_approver(step, book, entries)
        self._note_decisions(step, book, entries)
        reached += self._exported(book, now)
        return reached

    # D

    def _untold(
        self,
        step: Step,
        book: Book,
        since: Moment,
        entries: Sequence[HistoryEntry],
        before: Rows,
        now: Rows,
    ) -> list[tuple[str, str]]:
        kept = {pk for each in entries if each.event == "approvers.confirmed" for pk in each.detail["kept"]}
        confirmed = any((step.hand, pk) in book.grants for pk in kept)
        granted = [each.detail["user"] for each in entries if each.event == "privilege.granted"]
        book.grants |= {(step.hand, pk) for pk in granted}
        if step.hand == people.DATABASE:
            return []  # as in _traces: what counts is whether what they wrote is believed
        changed = self.steered(step, before, now)
        told = self._told(since)
        if changed:
            book.told |= told
        if confirmed:
            return [(UNTOLD, "the list of approvers is confirmed by who granted")]
        if own := self._own_powers(step, before, now):
            return [(UNTOLD, f"{own} of their own")]
        return [(UNTOLD, ", ".join(sorted(changed)))] if changed and not told else []

    def _own_powers(self, step: Step, before: Rows, now: Rows) -> str:
        """In which table somebody gave themselves authority: that others are told does not help."""
        account = self.there.accounts.get(step.hand)
        if account is None:
            return ""
        for label, names in world.POWERS.items():
            for key in now[label]:
                old, new = before[label].get(key, {}), now[label][key]
                mine = key if label == "directory.user" else new["user_id"]
                if mine == account.pk and any(_rank(new[name]) > _rank(old.get(name)) for name in names):
                    return label
        return ""

    def steered(self, step: Step, before: Rows, now: Rows) -> set[str]:
        """The tables in which the step gave, took or steered authority."""
        old, new = world.authority(before), world.authority(now)
        changed = {place for place in old.keys() | new.keys() if old.get(place) != new.get(place)}
        return {label for label, key in changed if self._counts(label, key, step, before, now)}

    def _counts(self, label: str, key: int, step: Step, before: Rows, now: Rows) -> bool:
        account = self.there.accounts.get(step.hand)
        own = account.pk if account else None
        row = now[label].get(key) or before[label][key]
        if label == "mfa.authenticator":
            return row["user_id"] != own and self._has_power(row["user_id"], before, now)
        if label == "directory.user":
            old, new = before[label].get(key, {}), now[label].get(key, {})
            powers = ("is_staff", "is_superuser")
            if any(bool(old.get(name)) != bool(new.get(name)) for name in powers):
                return True
            return key != own and self._has_power(key, before, now)
        if label == "erp_integrations.submission":
            old, new = before[label].get(key, {}), now[label].get(key, {})
            turned = old.get("general_ledger_account", "") != new.get("general_ledger_account", "")
            return turned or bool(new.get("exempt_id"))  # a decision ends an exemption by itself
        if label == "directory.companymembership":
            old, new = before[label].get(key, {}), now[label].get(key, {})
            levels = ("erp_integrations_level", "directory_level")
            gone = "none"
            powers = ("is_administrator", "can_push_to_accounting")
            return any(old.get(name, gone) != new.get(name, gone) for name in levels) or any(
                bool(old.get(name)) != bool(new.get(name)) for name in powers
            )
        return True

    @staticmethod
    def _has_power(person: int, *states: Rows) -> bool:
        for state in states:
            row = state["directory.user"].get(person, {})
            held = state["directory.companymembership"].values()
            if row.get("is_staff") or row.get("is_superuser"):
                return True
            if any(each["user_id"] == person and each["can_push_to_accounting"] for each in held):
                return True
        return False

    def _told(self, since: Moment) -> frozenset[str]:
        addresses = {self.there.accounts[name].email: name for name in people.HONEST}
        mails = OutgoingEmail.objects.filter(pk__gt=since.mail).values_list("to_address", flat=True)
        return frozenset(addresses[each] for each in mails if each in addresses)

    # E

    def _traces(self, step: Step, entries: Sequence[HistoryEntry]) -> list[tuple[str, str]]:
        """A row may name whose session it was, or nobody: never somebody who was not there."""
        if step.hand == people.DATABASE:
            return []  # who writes rows writes what they like: what counts is whether it is believed
        names = {person.pk: name for name, person in self.there.accounts.items()}
        account = self.there.accounts.get(step.account)
        for entry in entries:
            if entry.by_id in names and (account is None or entry.by_id != account.pk):
                return [(TRACES, f"{entry.event} by {names[entry.by_id]}")]
        return []

    # C

    def _as_approver(self, step: Step, book: Book, entries: Sequence[HistoryEntry]) -> list[tuple[str, str]]:
        if not step.account or not any(each.event in DECISIONS for each in entries):
            return []
        if step.account == step.hand and step.hand in self.beginning:
            return []
        # Who may grant may grant: what counts is that somebody else is told.
        if book.told and (len(self.party) > 1 or any(hand in self.party for hand, _ in book.grants)):
            return []
        return [(APPROVER, f"decides as {step.account}")]

    # A and B

    def _note_decisions(self, step: Step, book: Book, entries: Sequence[HistoryEntry]) -> None:
        if step.hand == people.DATABASE:
            return
        for entry in entries:
            if entry.event in ACCEPTANCES:
                job = ExportJob.objects.select_related("submission", "connection").get(pk=entry.detail["job"])
                vendor = self._vendor(job.submission.document.contract_company_id)
                book.decisions[job.pk] = Decision(
                    step.hand, book.wrote, vendor, _calls(job), _way(job.connection)
                )

    def _vendor(self, contract_company: int | None) -> str:
        """The vendor that everybody was shown for this contract company at the beginning."""
        own = self.there.commitment.contract_company_id
        return VENDOR if contract_company == own else OTHER_VENDOR

    def _exported(self, book: Book, now: Rows) -> list[tuple[str, str]]:
        """The exports that leave if a worker comes now, which then did not come."""
        jobs = now["erp_integrations.exportjob"].values()
        if not any(job["status"] in (JobStatus.QUEUED, JobStatus.INCOMPLETE) for job in jobs):
            return []
        state = (world.signature(now), book.key)
        if state not in self.known:
            self.known[state] = self._leaves(book)
        return self.known[state]

    def _leaves(self, book: Book) -> list[tuple[str, str]]:
        with undone():
            since = _last(WireAttempt)
            export()
            sent = WireAttempt.objects.filter(pk__gt=since).select_related("call__job__connection")
            attempts = list(sent.order_by("pk"))
            reached: list[tuple[str, str]] = []
            for job_id in dict.fromkeys(attempt.call.job_id for attempt in attempts):
                of_job = [attempt for attempt in attempts if attempt.call.job_id == job_id]
                reached += self._sent(book, book.decisions.get(job_id), of_job)
        return reached

    def _sent(
        self, book: Book, decision: Decision | None, attempts: Sequence[WireAttempt]
    ) -> list[tuple[str, str]]:
        if decision is None:
            return [(ELSEWHERE, "nobody accepted what leaves")]
        if len(self.party) > 1 and book.told:
            return []
        if decision.hand in self.party and decision.hand in decision.wrote:
            return [(OWN_CONTENT, f"{decision.hand} wrote it and accepted it")]
        found = self._differs(decision, attempts)
        return [(ELSEWHERE, found)] if found else []

    def _differs(self, decision: Decision, attempts: Sequence[WireAttempt]) -> str:
        connection = attempts[0].call.job.connection
        usual = self.there.connection
        for name in ("pk", "server", "company_code"):
            if (now := getattr(connection, name)) != getattr(usual, name):
                return f"another Spectrum company: {now}"
        for name, now, then in zip(BOUND, _way(connection), decision.way, strict=True):
            if now != then:
                return f"another {name} than at Accept"
        expected = {"Vendor_Code": decision.vendor, "Job_Number": JOB, "GL_Account": ACCOUNT}
        accepted = set(decision.calls)
        for attempt in attempts:
            for element in attempt.call.elements:
                wanted = expected.get(element["name"])
                if wanted is not None and element["value"].strip() != wanted:
                    return f"{element['name']}: {element['value'].strip()}"
            if _call(attempt.call) not in accepted:
                return "not what was accepted"
        return ""


BOUND = ("wsdl_path", "service_path", "token_path", "client_id", "authorization_id")
"""Of a connection, what an acceptance binds: to change it before Accept is another's word, to change it
afterwards is not. Which reply means written is the job's own, from Accept on."""


def _way(connection: Any) -> tuple[str, ...]:
    values = vars(connection) | vars(connection.credentials)
    return tuple(str(values[name]) for name in BOUND)


def _call(call: Any) -> str:
    return json.dumps([call.method, call.elements], sort_keys=True)


def _calls(job: ExportJob) -> tuple[str, ...]:
    return tuple(_call(call) for call in job.list_current_calls())


def export() -> None:
    """A worker's turn on every connection."""
    for connection_id in worker.run_sweep():
        worker.export_due_jobs(connection_id)


def note_export(book: Book) -> None:
    """A commitment that was exported whole begins anew: whose hands were in it is past."""
    if ExportJob.objects.filter(status=JobStatus.SYNCED).exists():
        book.wrote = frozenset()


def approvers_of(there: World, party: Sequence[str]) -> frozenset[str]:
    """Those of the party who were made approvers by somebody else, before."""
    return frozenset(name for name in party if (kind := people.HANDS[name].kind) and kind.privilege)


def someone(name: str, there: World) -> User:
    """The account of that name, as it is now."""
    person: User = User.objects.get(pk=there.accounts[name].pk)
    return person
