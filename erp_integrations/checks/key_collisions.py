"""Lines of a commitment that the ERP would keep as one, and the two ways out that its page offers."""

from collections.abc import Iterable
from dataclasses import dataclass

from commitments import merging
from commitments.models import Commitment, LineItem
from commitments.services import LINE_FIELDS
from erp_integrations.adapters.base import Issue

MERGEABLE = "lines-on-one-key"
UNFIT_ITEMS = frozenset({"line-billing-item-too-long", "line-billing-item-forbidden-characters"})


@dataclass(frozen=True)
class Collision:
    """These lines, and what each way out would make of them; ``merged`` is None where it is none.

    ``key`` names the lines in a form.
    """

    lines: list[LineItem]
    merged: merging.MergedLine | None
    billing_items: dict[int, str]

    @property
    def key(self) -> str:
        """The positions, as a form carries them."""
        return ",".join(str(line.position) for line in self.lines)

    @property
    def names(self) -> str:
        """For a heading: ``Lines 1, 2 and 3``."""
        *others, last = [str(line.position) for line in self.lines]
        return f"Lines {', '.join(others)} and {last}" if others else f"Line {last}"

    @property
    def is_an_amount_alone(self) -> bool:
        return self.merged is not None and self.merged.values["quantity"] is None

    @property
    def given(self) -> list[tuple[int, str]]:
        """Line and new billing item, in order."""
        return sorted(self.billing_items.items())


@dataclass(frozen=True)
class Numbering:
    """A billing item for every line that shares its place with another, or whose own Spectrum can't hold."""

    given: list[tuple[int, str]]

    @property
    def key(self) -> str:
        """The positions, as a form carries them."""
        return ",".join(str(position) for position, _ in self.given)


def find_numbering(commitment: Commitment, issues: Iterable[Issue]) -> Numbering | None:
    """One way out for all lines at once; None where it would be that of a single collision. One query
    if there is any."""
    groups = [part.positions for finding in issues if finding.lines for part in finding.affected]
    unfit = {
        position
        for finding in issues
        if finding.code in UNFIT_ITEMS
        for part in finding.affected
        for position in part.positions
    }
    if len(set(groups)) < 2 and not unfit:
        return None
    lines = list(commitment.lines.order_by("position"))
    positions = unfit.union(*(merging.build_billing_items(lines, group) for group in groups))
    return Numbering(sorted(merging.build_billing_items(lines, positions, anew=True).items()))


def find_collisions(commitment: Commitment, issues: Iterable[Issue]) -> list[Collision]:
    """Those that the findings name, each once. One query if there are any."""
    named: dict[tuple[int, ...], bool] = {}
    for issue in issues:
        for part in issue.affected if issue.lines else ():
            named[part.positions] = named.get(part.positions, False) or issue.code == MERGEABLE
    if not named:
        return []
    lines = list(commitment.lines.select_related("cost_code", "cost_type").order_by("position"))
    return [build_collision(lines, positions, mergeable) for positions, mergeable in named.items()]


def build_collision(lines: list[LineItem], positions: tuple[int, ...], mergeable: bool) -> Collision:
    chosen = [line for line in lines if line.position in positions]
    rows = [{name: getattr(line, name) for name in LINE_FIELDS} for line in chosen]
    try:
        result = merging.merge_lines(rows) if mergeable else None
    except ValueError:
        result = None  # the sum has too many digits for one line
    return Collision(chosen, result, merging.build_billing_items(lines, positions))
