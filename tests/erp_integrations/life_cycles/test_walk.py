"""Any walk through both life cycles: the product stands where the plain model stands, after every step.

What the model allows is done; what it forbids is refused with a sentence, and changes nothing. The
suite walks a little, always the same ways; ``WALKS=1000`` walks so many others.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from hypothesis import HealthCheck, Phase, event
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from pytest_django import Settings

from commitments.errors import CommitmentError
from directory.rights import memberships as directory
from directory.rights.permissions import RightMissing
from erp_integrations.connections import pauses, probing
from erp_integrations.exports import unknown, verification, worker
from erp_integrations.models import ConnectionState, Submission
from erp_integrations.submissions import DecisionError
from tests.erp_integrations.life_cycles.model import WALKS, Model, NoRight, Refused, Why
from tests.erp_integrations.life_cycles.world import FIRST_TITLE, Seen, World
from tests.simulator import Simulator

IN_THE_SUITE = 7
STEPS = 40

PROFILE = hypothesis_settings(
    max_examples=WALKS or IN_THE_SUITE,
    stateful_step_count=STEPS,
    derandomize=not WALKS,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink) if WALKS else (Phase.generate,),
    suppress_health_check=list(HealthCheck),
)

Act = Callable[[], object]

ACTS = (
    *("send", "retrieve", "edit", "accept", "reject", "undo", "retry", "resume", "resolve", "unlink"),
    *("revoke", "grant", "sweep", "pause", "let_go_on", "time_passes", "probe", "deliver", "look"),
)

FAULTS: dict[Why, dict[str, object]] = {
    Why.REFUSED: {"kind": "refuse"},
    Why.WRITTEN_UNANSWERED: {"kind": "commit_then_500"},
    Why.LOST_UNANSWERED: {"kind": "hang_before_commit", "seconds": 0},
    Why.NOT_LET_IN: {"kind": "unauthorised"},
}
approvers = st.sampled_from(["ann", "bob"])
# Mostly by those who may, so that walks come far.
deciders = st.sampled_from(["bob"] * 5 + ["ann"] * 3 + ["carl", "vera"])
senders = st.sampled_from(["carl"] * 5 + ["ann", "bob"])


class Walk(RuleBasedStateMachine):
    """The product beside the model."""

    simulator: Simulator
    servers: dict[str, str]
    info_links: dict[str, str]
    taken: Counter[str]
    draw: Callable[..., Any]

    @initialize(reads_back=st.booleans())
    def begin(self, reads_back: bool) -> None:
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.simulator.set_faults()
        self.servers["simulator"] = self.simulator.url
        self.info_links.clear()
        if reads_back:
            self.info_links["simulator"] = self.simulator.info_link
        self.world = World(self.simulator)
        self.model = Model(
            reads_back=reads_back,
            creator="carl",
            approvers={"ann", "bob"},
            project_admins={"carl", "ann"},
        )

    def teardown(self) -> None:
        if hasattr(self, "atomic"):
            if self.model.spectrum:
                self.world.delete_in_spectrum()
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    def both(self, name: str, of_the_model: Act, of_the_product: Act) -> None:
        """The same act in both; where the model forbids it, the product says why not."""
        self.taken["steps"] += 1
        try:
            of_the_model()
        except NoRight:
            with pytest.raises(RightMissing):
                of_the_product()
            event(f"{name}: no right")
        except Refused:
            with pytest.raises((DecisionError, CommitmentError, pauses.PauseError)) as refusal:
                of_the_product()
            assert str(refusal.value)
            event(f"{name}: refused")
        else:
            of_the_product()
            event(name)
            self.taken[name] += 1

    @rule(data=st.data())
    def step(self, data: st.DataObject) -> None:
        """Mostly what leads on from here, and now and then anything at all."""
        self.draw = data.draw
        leads_on = data.draw(st.sampled_from([True, True, True, True, False]))
        name = data.draw(st.sampled_from(self.what_leads_on() if leads_on else ACTS), label="act")
        getattr(self, name)()

    def what_leads_on(self) -> list[str]:
        model = self.model
        if not model.approvers - model.barred - model.hands:
            return ["grant"]
        if model.decision not in ("awaiting", "accepted"):
            return ["send", "send", "edit"]
        if model.decision == "awaiting":
            return ["accept"] * 5 + ["reject", "retrieve"]
        if model.delivery in ("queued", "incomplete") and model.goes_on:
            back = "undo" if model.delivery == "queued" else "reject"
            if model.can_deliver:
                return ["deliver"] * 5 + [back, "pause"]
            next_step = "let_go_on" if model.paused else "probe" if model.stopped else "time_passes"
            return [next_step] * 4 + [back, "resume"]
        if not model.quiet:
            return ["time_passes"]
        return {
            "incomplete": ["resume", "resume", "reject", "unlink"],
            "failed": ["retry", "retry", "reject"],
            "unknown": ["look" if model.reads_back else "resolve"],
            "synced": ["look" if model.verified == "pending" else "unlink"],
        }[model.delivery]

    # The project

    def send(self) -> None:
        by = self.draw(senders)
        self.both("send", lambda: self.model.send(by), lambda: self.world.send(by))

    def retrieve(self) -> None:
        by = self.draw(senders)
        self.both("retrieve", lambda: self.model.retrieve(by), lambda: self.world.retrieve(by))

    def edit(self) -> None:
        title = f"Works {self.model.title + 1}"
        self.both("edit", self.model.edit, lambda: self.world.edit(title))

    # An approver. Before the first sending there is nothing that has an address.

    def decide(self, name: str, of_the_model: Act, of_the_product: Act) -> None:
        if self.model.decision != "none":
            self.both(name, of_the_model, of_the_product)

    def accept(self) -> None:
        by, looked = self.draw(deciders), self.draw(st.sampled_from([True, True, True, False]))
        self.decide(
            "accept",
            lambda: self.model.accept(by, looked=looked),
            lambda: self.world.accept(by, looked=looked),
        )

    def reject(self) -> None:
        by = self.draw(deciders)
        self.decide("reject", lambda: self.model.reject(by), lambda: self.world.reject(by))

    def undo(self) -> None:
        by = self.draw(deciders)
        self.decide("undo", lambda: self.model.undo(by), lambda: self.world.undo(by))

    def retry(self) -> None:
        by = self.draw(deciders)
        self.decide("retry", lambda: self.model.retry(by), lambda: self.world.retry(by))

    def resume(self) -> None:
        by = self.draw(deciders)
        self.decide("resume", lambda: self.model.resume(by), lambda: self.world.resume(by))

    def resolve(self) -> None:
        """A person who looked in Spectrum says what is there."""
        by = self.draw(deciders)
        there = self.model.as_sent if 1 in self.model.as_sent else set()
        self.decide("resolve", lambda: self.model.resolve(by, there), lambda: self.world.resolve(by, there))

    def unlink(self) -> None:
        """Where nothing can be read back, nobody says that it is gone before it is."""
        by, deleted = self.draw(deciders), self.draw(st.booleans())
        unlinkable = self.model.may_unlink(by)
        if unlinkable and self.model.spectrum and (deleted or not self.model.reads_back):
            self.world.delete_in_spectrum()
            self.model.spectrum.clear()
        self.decide("unlink", lambda: self.model.unlink(by), lambda: self.world.unlink(by))

    # Rights, and the connection

    def revoke(self) -> None:
        person = self.draw(approvers)
        self.model.revoke(person)
        directory.revoke_push_to_accounting(
            membership=self.world.membership(person), by=self.world.staff, reason="Left."
        )

    def grant(self) -> None:
        person = self.draw(approvers)
        self.model.grant(person)
        directory.grant_push_to_accounting(
            membership=self.world.membership(person), by=self.world.staff, reason="Back."
        )

    def sweep(self) -> None:
        self.both("sweep", self.model.sweep, worker.run_sweep)

    def pause(self) -> None:
        self.both(
            "pause",
            self.model.pause,
            lambda: pauses.pause(
                connection=self.world.connection, by=self.world.erp_admin, reason="Year-end"
            ),
        )

    def let_go_on(self) -> None:
        self.both(
            "let go on",
            self.model.let_go_on,
            lambda: pauses.resume(connection=self.world.connection, by=self.world.erp_admin),
        )

    def time_passes(self) -> None:
        self.both("time passes", self.model.time_passes, self.world.let_time_pass)

    def probe(self) -> None:
        """After a while a worker asks whether Spectrum is there again, and it is."""
        self.both("time passes", self.model.time_passes, self.world.let_time_pass)
        self.both("probe", self.model.probe, probing.probe_due)

    # The machine

    def deliver(self) -> None:
        why, at = self.draw(st.sampled_from([Why.STORED, *Why])), self.draw(st.integers(1, 3))
        faults = []
        if why in FAULTS and self.model.can_deliver:
            faults = [{**FAULTS[why], "on_call": min(at, len(self.model.missing))}]
        self.simulator.set_faults(*faults)
        if why is Why.DOWN:
            self.servers["simulator"] = "http://127.0.0.1:9"
        self.both(
            f"deliver: {why}" if self.model.can_deliver else "deliver: nothing",
            lambda: self.model.deliver(why, at),
            lambda: worker.export_due_jobs(self.world.connection.pk),
        )
        self.servers["simulator"] = self.simulator.url
        self.simulator.set_faults()

    def look(self) -> None:
        def looks() -> None:
            for connection_id in unknown.list_due_for_read_back():
                unknown.read_back_due(connection_id)
            verification.verify_due()

        self.both("look", self.model.look, looks)

    # After every step

    @invariant()
    def they_agree(self) -> None:
        if not hasattr(self, "world"):
            return
        model = self.model
        header = FIRST_TITLE if model.spectrum.get(1) == 0 else f"Works {model.spectrum.get(1)}"
        assert self.world.seen() == Seen(
            decision=model.decision,
            decided_by=model.decided_by if model.decision in ("accepted", "rejected", "unlinked") else "",
            delivery=model.delivery,
            verified=model.verified if model.delivery == "synced" else "",
            badge=model.badge,
            lock=model.lock,
            erp_id_of_project=self.world.commitment.number if model.lock == "exported" else "",
            holds_erp_id=model.holds_erp_id,
            history=tuple(model.history),
            mails=model.mails,
            alarms=model.alarms,
            in_spectrum=(header, len(model.spectrum) - 1) if model.spectrum else None,
        )
        assert self.world.buttons() == {person: model.buttons(person) for person in self.world.people}
        for submission in Submission.objects.all():
            current = submission.jobs.current().values_list("erp_id", flat=True).first()
            assert submission.erp_id == (current or "")
        assert self.world.calls_agree(model.written)
        assert ConnectionState.objects.filter(awaits_probe=True).exists() == model.stopped
        with database.cursor() as cursor:  # as at a commit
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


@pytest.mark.django_db
def test_the_product_stands_where_the_model_stands(
    simulator: Simulator, settings: Settings, request: pytest.FixtureRequest
) -> None:
    settings.READ_BACK_LAG_SECONDS = 0
    settings.EXPORT_MAX_TRIES = 1000
    taken: Counter[str] = Counter()

    class ThisWalk(Walk):
        pass

    ThisWalk.simulator, ThisWalk.taken = simulator, taken
    # Changed in place: each new value of a setting would be laid upon all those before it.
    settings.SPECTRUM_SERVERS = ThisWalk.servers = {}
    settings.INFO_LINKS = ThisWalk.info_links = {}
    run_state_machine_as_test(ThisWalk, settings=PROFILE)
    # They came far enough to mean something.
    assert {"accept", "reject", "deliver: stored"} <= set(taken), taken
    if WALKS >= 100:
        assert {"undo", "retry", "resume", "resolve", "unlink"} <= set(taken), taken
        assert {f"deliver: {why}" for why in Why} <= set(taken), taken
