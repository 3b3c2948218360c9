"""The duties of every adapter, whatever ERP it speaks to.

A test class for an adapter inherits ``AdapterContract`` and gives a ``site``: an ERP that really
runs, and the adapter's view of it. Nothing here knows an ERP's words.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from decimal import Decimal

import pytest

from erp_integrations.adapters.base import (
    Accepted,
    Adapter,
    Call,
    ErpReferences,
    Match,
    Mismatch,
    NotFound,
    NotSent,
    Refused,
    Rows,
    Severity,
    StoredRecord,
    Unauthorised,
    Unavailable,
    Unknown,
)
from erp_integrations.snapshots import Document


class Site(ABC):
    """An ERP that runs, a document that it would take, and ways to make it misbehave."""

    adapter: Adapter
    unreachable: Adapter
    """The same, where nobody listens."""
    unauthorised: Adapter
    """The same, with credentials that the site does not know."""
    document: Document
    masters: ErpReferences
    strangers: ErpReferences
    """Links that our side takes and the site does not, such as a vendor that it does not have."""
    erp_id: str
    secrets: tuple[str, ...]
    lists_need_credentials = True
    """True if the ERP's lists are asked for with the connection's credentials."""
    large: Adapter
    """One whose lists are longer than the ERP gives at a time."""
    large_vendors: frozenset[str]
    large_jobs: frozenset[str]
    large_job: str
    large_phases: frozenset[tuple[str, str]]
    """Their content: codes, numbers, and the phases of one job with their cost types."""

    @abstractmethod
    def writes(self) -> int:
        """How many writing calls have reached the site, refused ones too."""

    @abstractmethod
    def stored_amounts(self, erp_id: str) -> list[Decimal] | None:
        """The amounts of the lines stored under the number, in order of size; None if there is no record."""

    @abstractmethod
    def lose_next_reply(self) -> None:
        """The site will do what the next call says, and break off before it answers."""

    @abstractmethod
    def cut_lists(self, times: int) -> None:
        """The next lists that the site gives will end in the middle."""

    @property
    def plan(self) -> tuple[Call, ...]:
        """The calls for the document."""
        return self.adapter.build_calls(self.document, self.masters, self.erp_id)


class AdapterContract:
    """Inherit it, and define the fixture ``site`` anew; every test gets a fresh ``erp_id``."""

    @pytest.fixture
    def site(self) -> Site:
        raise NotImplementedError

    def test_a_probe_of_a_good_site_says_so_and_writes_nothing(self, site: Site) -> None:
        before = site.writes()
        result = site.adapter.probe()
        assert result.is_usable, result.sentence
        assert result.sentence.endswith(".")
        assert site.writes() == before

    def test_a_probe_where_nobody_listens_says_so(self, site: Site) -> None:
        result = site.unreachable.probe()
        assert not result.is_usable
        assert result.sentence.endswith(".")

    def test_nothing_blocks_a_good_document(self, site: Site) -> None:
        assert site.adapter.check_document(site.document, site.masters, site.erp_id) == []

    def test_a_document_without_links_is_blocked_in_plain_sentences(self, site: Site) -> None:
        findings = site.adapter.check_document(site.document, ErpReferences(), site.erp_id)
        assert any(finding.severity is Severity.BLOCKING for finding in findings)
        for finding in findings:
            assert all((finding.code, finding.field, finding.action))
            assert finding.sentence.endswith(".")

    def test_a_check_and_a_plan_touch_no_wire_and_give_the_same_every_time(self, site: Site) -> None:
        before = site.writes()
        plan = site.plan
        assert [call.hash for call in site.plan] == [call.hash for call in plan]
        offline = site.unreachable.build_calls(site.document, site.masters, site.erp_id)
        assert [call.hash for call in offline] == [call.hash for call in plan]
        assert site.writes() == before

    def test_another_document_gives_another_plan(self, site: Site) -> None:
        line = replace(site.document.lines[0], amount=Decimal(site.document.lines[0].amount or 0) + 1)
        changed = replace(site.document, lines=(line, *site.document.lines[1:]))
        plan = site.adapter.build_calls(changed, site.masters, site.erp_id)
        assert {call.hash for call in plan} != {call.hash for call in site.plan}

    def test_one_record_has_one_key_however_it_is_spelled(self, site: Site) -> None:
        key = site.adapter.build_key(site.masters.vendor_code, site.erp_id)
        assert site.adapter.build_key(site.masters.vendor_code, f" {site.erp_id.lower()} ") == key

    def test_the_proposed_erp_id_is_never_cut(self, site: Site) -> None:
        long = "A" * 200
        assert long in site.adapter.get_proposed_erp_id(replace(site.document, number=long))

    def test_what_is_planned_is_what_is_stored(self, site: Site) -> None:
        for call in site.plan:
            assert isinstance(site.adapter.send_call(call), Accepted)
        assert site.stored_amounts(site.erp_id) == sorted(
            line.amount or Decimal(0) for line in site.document.lines
        )

    def test_one_send_is_one_write(self, site: Site) -> None:
        before = site.writes()
        site.adapter.send_call(site.plan[0])
        assert site.writes() == before + 1

    def test_sending_the_same_again_changes_nothing(self, site: Site) -> None:
        for call in (*site.plan, *site.plan):
            assert isinstance(site.adapter.send_call(call), Accepted)
        assert site.stored_amounts(site.erp_id) == sorted(
            line.amount or Decimal(0) for line in site.document.lines
        )

    def test_find_knows_what_is_stored_or_says_that_it_does_not(self, site: Site) -> None:
        key = site.adapter.build_key(site.masters.vendor_code, site.erp_id)
        assert isinstance(site.adapter.find_record(key), NotFound | Unavailable)
        for call in site.plan:
            site.adapter.send_call(call)
        found = site.adapter.find_record(key)
        assert isinstance(found, StoredRecord | Unavailable)
        if isinstance(found, StoredRecord):
            assert len(found.lines) == len(site.document.lines)
        assert isinstance(site.unreachable.find_record(key), Unavailable)

    def test_a_comparison_tells_what_was_stored_from_what_was_not(self, site: Site) -> None:
        if not site.adapter.has_read_back:
            assert isinstance(site.adapter.verify_plan(site.plan), Unavailable)
            return
        assert isinstance(site.adapter.verify_plan(site.plan), NotFound)
        header, *lines = site.plan
        site.adapter.send_call(header)
        assert isinstance(site.adapter.verify_plan(site.plan), Mismatch)
        for call in lines:
            site.adapter.send_call(call)
        assert site.adapter.verify_plan(site.plan) == Match()
        line = replace(site.document.lines[0], amount=Decimal(site.document.lines[0].amount or 0) + 1)
        changed = replace(site.document, lines=(line, *site.document.lines[1:]))
        other = site.adapter.build_calls(changed, site.masters, site.erp_id)
        assert isinstance(site.adapter.verify_plan(other), Mismatch)
        assert isinstance(site.unreachable.verify_plan(site.plan), Unavailable)

    def test_many_comparisons_at_once_say_what_each_says_alone(self, site: Site) -> None:
        for call in site.plan:
            site.adapter.send_call(call)
        line = replace(site.document.lines[0], amount=Decimal(site.document.lines[0].amount or 0) + 1)
        changed = replace(site.document, lines=(line, *site.document.lines[1:]))
        plans = [
            site.plan,
            site.adapter.build_calls(changed, site.masters, site.erp_id),
            site.adapter.build_calls(site.document, site.masters, f"{site.erp_id}-X"),
        ]
        assert list(site.adapter.verify_plans(plans)) == [site.adapter.verify_plan(plan) for plan in plans]
        assert list(site.adapter.verify_plans([])) == []
        verdicts = site.unreachable.verify_plans(plans)
        assert [type(verdict) for verdict in verdicts] == [Unavailable] * len(plans)

    def test_what_the_site_does_not_take_is_refused_in_words_and_not_stored(self, site: Site) -> None:
        header = site.adapter.build_calls(site.document, site.strangers, site.erp_id)[0]
        outcome = site.adapter.send_call(header)
        assert isinstance(outcome, Refused)
        assert all(error.code and error.text for error in outcome.errors)
        assert site.stored_amounts(site.erp_id) is None

    def test_a_connection_that_is_not_let_in_is_told_apart_from_a_bad_document(self, site: Site) -> None:
        outcome = site.unauthorised.send_call(site.plan[0])
        assert isinstance(outcome, Unauthorised)
        assert outcome.reason
        assert site.stored_amounts(site.erp_id) is None

    def test_where_nobody_listens_nothing_was_sent_and_later_may_help(self, site: Site) -> None:
        outcome = site.unreachable.send_call(site.plan[0])
        assert isinstance(outcome, NotSent)
        assert outcome.transient

    def test_a_lost_reply_is_unknown_and_not_a_failure(self, site: Site) -> None:
        site.lose_next_reply()
        before = site.writes()
        assert isinstance(site.adapter.send_call(site.plan[0]), Unknown)
        assert site.stored_amounts(site.erp_id) == []
        assert site.writes() == before + 1

    def test_a_damaged_call_never_leaves(self, site: Site) -> None:
        before = site.writes()
        call = site.plan[0]
        for damaged in (replace(call, elements=call.elements[1:]), replace(call, method="Nothing")):
            outcome = site.adapter.send_call(damaged)
            assert isinstance(outcome, NotSent)
            assert not outcome.transient
        assert site.writes() == before

    def test_vendors_jobs_and_phases_are_listed_once_each_and_nothing_is_written(self, site: Site) -> None:
        before = site.writes()
        vendors, jobs = site.adapter.list_vendors(), site.adapter.list_jobs()
        phases = site.adapter.list_phases(site.masters.job_number)
        assert isinstance(vendors, Rows)
        assert isinstance(jobs, Rows)
        assert isinstance(phases, Rows)
        codes = [vendor.code for vendor in vendors.rows]
        assert codes == sorted(set(codes))
        assert site.masters.vendor_code in codes
        numbers = [job.number for job in jobs.rows]
        assert numbers == sorted(set(numbers))
        assert site.masters.job_number in numbers
        places = [(phase.code, phase.cost_type) for phase in phases.rows]
        assert places == sorted(set(places))
        lines = site.document.lines
        assert {(line.cost_code.replace("-", ""), line.cost_type) for line in lines} <= set(places)
        texts = [vendor.name for vendor in vendors.rows] + [job.description for job in jobs.rows]
        assert all(text and text == text.strip() for text in (*texts, *codes, *numbers))
        assert site.writes() == before

    def test_a_list_longer_than_the_erp_gives_at_a_time_is_still_whole(self, site: Site) -> None:
        vendors, jobs = site.large.list_vendors(), site.large.list_jobs()
        phases = site.large.list_phases(site.large_job)
        assert isinstance(vendors, Rows), vendors
        assert isinstance(jobs, Rows), jobs
        assert isinstance(phases, Rows), phases
        assert {vendor.code for vendor in vendors.rows} == site.large_vendors
        assert {job.number for job in jobs.rows} == site.large_jobs
        assert {(phase.code, phase.cost_type) for phase in phases.rows} == site.large_phases
        assert len(vendors.rows) == len(site.large_vendors)
        assert len(phases.rows) == len(site.large_phases)

    def test_a_list_that_breaks_off_is_never_taken_for_the_whole(self, site: Site) -> None:
        for times in (1, 100_000):
            site.cut_lists(times)
            vendors = site.large.list_vendors()
            assert isinstance(vendors, Rows | Unavailable)
            if isinstance(vendors, Rows):
                assert {vendor.code for vendor in vendors.rows} == site.large_vendors
            site.cut_lists(times)
            jobs = site.large.list_jobs()
            assert isinstance(jobs, Rows | Unavailable)
            if isinstance(jobs, Rows):
                assert {job.number for job in jobs.rows} == site.large_jobs
            site.cut_lists(times)
            phases = site.large.list_phases(site.large_job)
            assert isinstance(phases, Rows | Unavailable)
            if isinstance(phases, Rows):
                assert {(phase.code, phase.cost_type) for phase in phases.rows} == site.large_phases

    def test_a_connection_that_is_not_let_in_gets_no_lists(self, site: Site) -> None:
        if not site.lists_need_credentials:
            return
        job = site.masters.job_number
        for answer in (
            site.unauthorised.list_vendors(),
            site.unauthorised.list_jobs(),
            site.unauthorised.list_phases(job),
        ):
            assert isinstance(answer, Unauthorised)
            assert answer.reason

    def test_where_nobody_listens_there_are_no_lists(self, site: Site) -> None:
        job = site.masters.job_number
        for answer in (
            site.unreachable.list_vendors(),
            site.unreachable.list_jobs(),
            site.unreachable.list_phases(job),
        ):
            assert isinstance(answer, Unavailable)
            assert answer.reason.endswith(".")

    def test_a_job_that_is_not_there_has_no_phases(self, site: Site) -> None:
        answer = site.adapter.list_phases("NO-SUCH")
        assert answer == Rows(()) or isinstance(answer, Unavailable)

    def test_secrets_are_in_nothing_that_is_kept_or_shown(self, site: Site) -> None:
        kept = [repr(site.plan), repr(site.adapter.probe())]
        kept += [repr(site.adapter.send_call(call)) for call in site.plan]
        kept += [
            repr(site.unauthorised.send_call(site.plan[0])),
            repr(site.unreachable.send_call(site.plan[0])),
        ]
        for adapter in (site.unauthorised, site.unreachable):
            answers = (
                adapter.list_vendors(),
                adapter.list_jobs(),
                adapter.list_phases(site.masters.job_number),
            )
            kept += [repr(answer) for answer in answers]
        for text in kept:
            assert [secret for secret in site.secrets if secret in text] == []
