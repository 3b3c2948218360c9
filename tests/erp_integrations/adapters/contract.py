"""What every adapter must do, whatever ERP it speaks to.

A test class for an adapter inherits ``AdapterContract`` and gives a ``site``: an ERP that really
runs, and the adapter's view of it. Nothing here knows an ERP's words.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from decimal import Decimal

import pytest

from erp_integrations.adapters.base import (
    Absent,
    Accepted,
    Adapter,
    Call,
    CannotTell,
    Differs,
    Masters,
    Match,
    NotSent,
    Refused,
    Severity,
    StoredRecord,
    Unauthorised,
    Unknown,
)
from erp_integrations.documents import Document


class Site(ABC):
    """An ERP that runs, a document that it would take, and ways to make it misbehave."""

    adapter: Adapter
    unreachable: Adapter
    """The same, where nobody listens."""
    unauthorised: Adapter
    """The same, with credentials that the site does not know."""
    document: Document
    masters: Masters
    strangers: Masters
    """Links that our side takes and the site does not, such as a vendor that it does not have."""
    erp_id: str
    secrets: tuple[str, ...]

    @abstractmethod
    def writes(self) -> int:
        """How many writing calls have reached the site, refused ones too."""

    @abstractmethod
    def stored_amounts(self, erp_id: str) -> list[Decimal] | None:
        """The amounts of the lines stored under the number, in order of size; None if there is no record."""

    @abstractmethod
    def lose_next_reply(self) -> None:
        """The site will do what the next call says, and break off before it answers."""

    @property
    def plan(self) -> tuple[Call, ...]:
        """The calls for the document."""
        return self.adapter.plan(self.document, self.masters, self.erp_id)


class AdapterContract:
    """Inherit it, and define the fixture ``site`` anew; every test gets a fresh ``erp_id``."""

    @pytest.fixture
    def site(self) -> Site:
        raise NotImplementedError

    def test_a_probe_of_a_good_site_says_so_and_writes_nothing(self, site: Site) -> None:
        before = site.writes()
        result = site.adapter.probe()
        assert result.usable, result.sentence
        assert result.sentence.endswith(".")
        assert site.writes() == before

    def test_a_probe_where_nobody_listens_says_so(self, site: Site) -> None:
        result = site.unreachable.probe()
        assert not result.usable
        assert result.sentence.endswith(".")

    def test_nothing_blocks_a_good_document(self, site: Site) -> None:
        assert site.adapter.check(site.document, site.masters, site.erp_id) == []

    def test_a_document_without_links_is_blocked_in_plain_sentences(self, site: Site) -> None:
        findings = site.adapter.check(site.document, Masters(), site.erp_id)
        assert any(finding.severity is Severity.BLOCKING for finding in findings)
        for finding in findings:
            assert all((finding.code, finding.field, finding.action))
            assert finding.sentence.endswith(".")

    def test_a_check_and_a_plan_touch_no_wire_and_give_the_same_every_time(self, site: Site) -> None:
        before = site.writes()
        plan = site.plan
        assert [call.hash for call in site.plan] == [call.hash for call in plan]
        offline = site.unreachable.plan(site.document, site.masters, site.erp_id)
        assert [call.hash for call in offline] == [call.hash for call in plan]
        assert site.writes() == before

    def test_another_document_gives_another_plan(self, site: Site) -> None:
        line = replace(site.document.lines[0], amount=site.document.lines[0].amount + 1)
        changed = replace(site.document, lines=(line, *site.document.lines[1:]))
        plan = site.adapter.plan(changed, site.masters, site.erp_id)
        assert {call.hash for call in plan} != {call.hash for call in site.plan}

    def test_one_record_has_one_key_however_it_is_spelled(self, site: Site) -> None:
        key = site.adapter.key(site.masters, site.erp_id)
        assert site.adapter.key(site.masters, f" {site.erp_id.lower()} ") == key

    def test_the_proposed_erp_id_is_never_cut(self, site: Site) -> None:
        long = "A" * 200
        assert long in site.adapter.propose_erp_id(replace(site.document, number=long))

    def test_what_is_planned_is_what_is_stored(self, site: Site) -> None:
        for call in site.plan:
            assert isinstance(site.adapter.send(call), Accepted)
        assert site.stored_amounts(site.erp_id) == sorted(line.amount for line in site.document.lines)

    def test_one_send_is_one_write(self, site: Site) -> None:
        before = site.writes()
        site.adapter.send(site.plan[0])
        assert site.writes() == before + 1

    def test_sending_the_same_again_changes_nothing(self, site: Site) -> None:
        for call in (*site.plan, *site.plan):
            assert isinstance(site.adapter.send(call), Accepted)
        assert site.stored_amounts(site.erp_id) == sorted(line.amount for line in site.document.lines)

    def test_find_knows_what_is_stored_or_says_that_it_does_not(self, site: Site) -> None:
        key = site.adapter.key(site.masters, site.erp_id)
        assert isinstance(site.adapter.find(key), Absent | CannotTell)
        for call in site.plan:
            site.adapter.send(call)
        found = site.adapter.find(key)
        assert isinstance(found, StoredRecord | CannotTell)
        if isinstance(found, StoredRecord):
            assert len(found.lines) == len(site.document.lines)
        assert isinstance(site.unreachable.find(key), CannotTell)

    def test_a_comparison_tells_what_was_stored_from_what_was_not(self, site: Site) -> None:
        if not site.adapter.reads_back:
            assert isinstance(site.adapter.verify(site.plan), CannotTell)
            return
        assert isinstance(site.adapter.verify(site.plan), Absent)
        header, *lines = site.plan
        site.adapter.send(header)
        assert isinstance(site.adapter.verify(site.plan), Differs)
        for call in lines:
            site.adapter.send(call)
        assert site.adapter.verify(site.plan) == Match()
        line = replace(site.document.lines[0], amount=site.document.lines[0].amount + 1)
        changed = replace(site.document, lines=(line, *site.document.lines[1:]))
        other = site.adapter.plan(changed, site.masters, site.erp_id)
        assert isinstance(site.adapter.verify(other), Differs)
        assert isinstance(site.unreachable.verify(site.plan), CannotTell)

    def test_many_comparisons_at_once_say_what_each_says_alone(self, site: Site) -> None:
        for call in site.plan:
            site.adapter.send(call)
        line = replace(site.document.lines[0], amount=site.document.lines[0].amount + 1)
        changed = replace(site.document, lines=(line, *site.document.lines[1:]))
        plans = [
            site.plan,
            site.adapter.plan(changed, site.masters, site.erp_id),
            site.adapter.plan(site.document, site.masters, f"{site.erp_id}-X"),
        ]
        assert list(site.adapter.verify_many(plans)) == [site.adapter.verify(plan) for plan in plans]
        assert list(site.adapter.verify_many([])) == []
        verdicts = site.unreachable.verify_many(plans)
        assert [type(verdict) for verdict in verdicts] == [CannotTell] * len(plans)

    def test_what_the_site_does_not_take_is_refused_in_words_and_not_stored(self, site: Site) -> None:
        header = site.adapter.plan(site.document, site.strangers, site.erp_id)[0]
        outcome = site.adapter.send(header)
        assert isinstance(outcome, Refused)
        assert all(error.code and error.text for error in outcome.errors)
        assert site.stored_amounts(site.erp_id) is None

    def test_a_connection_that_is_not_let_in_is_told_apart_from_a_bad_document(self, site: Site) -> None:
        outcome = site.unauthorised.send(site.plan[0])
        assert isinstance(outcome, Unauthorised)
        assert outcome.reason
        assert site.stored_amounts(site.erp_id) is None

    def test_where_nobody_listens_nothing_was_sent_and_later_may_help(self, site: Site) -> None:
        outcome = site.unreachable.send(site.plan[0])
        assert isinstance(outcome, NotSent)
        assert outcome.passing

    def test_a_lost_reply_is_unknown_and_not_a_failure(self, site: Site) -> None:
        site.lose_next_reply()
        before = site.writes()
        assert isinstance(site.adapter.send(site.plan[0]), Unknown)
        assert site.stored_amounts(site.erp_id) == []
        assert site.writes() == before + 1

    def test_a_damaged_call_never_leaves(self, site: Site) -> None:
        before = site.writes()
        call = site.plan[0]
        for damaged in (replace(call, elements=call.elements[1:]), replace(call, method="Nothing")):
            outcome = site.adapter.send(damaged)
            assert isinstance(outcome, NotSent)
            assert not outcome.passing
        assert site.writes() == before

    def test_secrets_are_in_nothing_that_is_kept_or_shown(self, site: Site) -> None:
        kept = [repr(site.plan), repr(site.adapter.probe())]
        kept += [repr(site.adapter.send(call)) for call in site.plan]
        kept += [repr(site.unauthorised.send(site.plan[0])), repr(site.unreachable.send(site.plan[0]))]
        for text in kept:
            assert [secret for secret in site.secrets if secret in text] == []
