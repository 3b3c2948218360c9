"""Issues that help: one sentence for each cause, however many lines have it."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from erp_integrations.adapters.base import Issue, PhaseRecord, PhaseStatus
from erp_integrations.adapters.issue_grouping import format_line_ranges, merge_by_cause
from erp_integrations.adapters.spectrum import SpectrumAdapter, SpectrumSettings
from erp_integrations.snapshots import Document, LineItem
from tests.erp_integrations.adapters.examples import LINE, LUMP_SUM, MASTERS, with_line, with_lines

ADAPTER = SpectrumAdapter(
    SpectrumSettings(
        "http://127.0.0.1:1",
        "PHL",
        "authorization",
        unit_price_codes=frozenset({"U"}),
        job_price_codes=frozenset({"J"}),
    )
)


def grouped(document: Document) -> list[Issue]:
    return merge_by_cause(ADAPTER.check_document(document, MASTERS, "SC-1"))


@given(st.sets(st.integers(1, 99), min_size=1))
def test_every_line_is_named_once(positions: set[int]) -> None:
    named: list[int] = []
    for part in format_line_ranges(positions).split(" ", 1)[1].replace(" and ", ", ").split(", "):
        first, _, last = part.partition(" to ")
        named += range(int(first), int(last or first) + 1)
    assert named == sorted(positions)


def test_lines_in_a_row_are_a_range() -> None:
    assert format_line_ranges([3]) == "Line 3"
    assert format_line_ranges([1, 2]) == "Lines 1 and 2"
    assert format_line_ranges([7, 3, *range(12, 21)]) == "Lines 3, 7 and 12 to 20"
    assert format_line_ranges([4, 5, 6]) == "Lines 4 to 6"


def test_one_line_is_told_as_it_is() -> None:
    document = with_line(cost_type="LABR")
    assert grouped(document) == ADAPTER.check_document(document, MASTERS, "SC-1")


def test_several_lines_with_one_trouble_share_its_words() -> None:
    (finding,) = grouped(
        with_lines(*[replace(LINE, cost_code=f"{n}", unit_of_measure="EACH") for n in range(5)])
    )
    assert finding.field == "Lines 1 to 5, unit of measure"
    assert finding.sentence == "Lines 1 to 5, unit of measure: EACH has 4 characters; Spectrum takes 3."


def test_several_lines_with_troubles_of_one_kind_are_told_apart() -> None:
    lines = [
        replace(LINE, cost_code=f"{n}", unit_of_measure=unit)
        for n, unit in enumerate(["EACH", "TONS", "EACH"])
    ]
    (finding,) = grouped(with_lines(*lines))
    assert finding.sentence.startswith("Lines 1 to 3, unit of measure: ")
    assert finding.sentence.endswith(": EACH (lines 1 and 3), TONS (line 2).")


def test_of_very_many_values_some_are_told_and_the_others_counted() -> None:
    lines = [replace(LINE, cost_code=f"{n}", billing_item=f"ITEM-NUMBER-{n}") for n in range(40)]
    (finding,) = grouped(with_lines(*lines))
    assert finding.field == "Lines 1 to 40, billing item"
    assert finding.sentence.endswith(" and 34 more.")


def test_lines_that_share_keys_are_one_issue_that_still_knows_which_belong_together() -> None:
    lines = [LINE, LUMP_SUM, LINE, LUMP_SUM]
    (finding,) = grouped(with_lines(*lines))
    assert (finding.lines, [part.positions for part in finding.affected]) == ((1, 2, 3, 4), [(1, 3), (2, 4)])
    assert "03-300-00 S (lines 1 and 3), 09-900-00 S (lines 2 and 4)." in finding.sentence


def test_grouping_again_changes_nothing() -> None:
    lines = [replace(LINE, cost_code=f"{n}", unit_of_measure="EACH", cost_type="") for n in range(9)]
    once = grouped(with_lines(*lines))
    assert merge_by_cause(once) == once


def schedule_of_82() -> Iterator[LineItem]:
    """As a contractor's schedule of values is: lump sums of one, amounts alone, measured work, allowances."""
    for number in range(82):
        amount = Decimal(1250 + 310 * number).quantize(Decimal("0.01"))
        line = replace(
            LINE,
            cost_code=f"{number // 4 + 1:02}-{100 + number}",
            description=f"Work {number}",
            amount=amount,
        )
        match number % 4:
            case 0:  # the whole trade as one, as people enter it
                yield replace(line, unit_of_measure="LS", quantity=Decimal(1), unit_cost=amount)
            case 1:  # an amount alone, with its unit
                yield replace(line, unit_of_measure="ls", quantity=None, unit_cost=None)
            case 2:  # measured, and the unit cost was rounded to cents
                rounded = (amount / 7).quantize(Decimal("0.01"))
                yield replace(line, unit_of_measure="CY", quantity=Decimal(7), unit_cost=rounded)
            case 3:  # measured, to the cent
                yield replace(line, unit_of_measure="SF", quantity=Decimal(10), unit_cost=amount / 10)


def test_a_schedule_of_82_lines_has_three_issues_at_most() -> None:
    document = replace(with_lines(*schedule_of_82()), project_name="Library")
    phases = tuple(
        PhaseRecord(
            line.cost_code.replace("-", ""),
            "S",
            "",
            PhaseStatus.INACTIVE if line.position % 9 == 0 else PhaseStatus.ACTIVE,
            price_method="J",
        )
        for line in document.lines
    )
    masters = replace(MASTERS, phases=phases, job_price_method="U")
    assert len(document.lines) == 82
    each = [*ADAPTER.check_document(document, masters, "SC-1"), *ADAPTER.check_references(document, masters)]
    told = [finding for finding in merge_by_cause(each) if finding.code != "masters-not-read"]
    assert len(each) > 20
    assert [finding.code for finding in told] == ["line-goes-as-an-amount", "line-phase-inactive"]
