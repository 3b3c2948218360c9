"""The rules of the second look: what a controller would ask about a commitment that could be exported.

Each yields an issue with the number behind it, and none ever decides. An ERP Integrations Admin turns a rule
off, or changes its limit (docs/product.md, section 5.1).
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import product
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from rapidfuzz import fuzz
from rapidfuzz.utils import default_process

from commitments.changes import list_file_changes
from erp_integrations.adapters.base import Issue, ResponsibleParty, Severity
from erp_integrations.checks.approval_basis import ApprovalBasis
from erp_integrations.checks.budgets import PhaseBudget
from erp_integrations.models import SubmissionStatus
from erp_integrations.name_matching import get_likeness
from erp_integrations.snapshots import Document

SIMILAR_TITLE, SAME_TITLE = (60, 85), (70, 95)
"""Of 100: as all words of the two agree, or as those do that both have."""
NEAR_AMOUNT = Decimal("0.02")
CENT = Decimal("0.01")
MIN_SAME_NAME = 85
FRACTIONS = {10: "a tenth", 100: "a hundredth", 1000: "a thousandth"}
TELLING_DIGITS = 3  # 20,000 and 200,000 are often both right
USUAL_SHARE = Decimal("0.8")
MIN_HISTORY = 3  # commitments, before anything counts as usual
MIN_COMPANY_HISTORY = 20  # before that nearly everything is a first time
MAX_NAMED = 3
RULE_PREFIX = "rule-"


@dataclass(frozen=True, slots=True)
class Other:
    """Another commitment of the company that is with accounting, or was accepted by it."""

    commitment_id: int
    number: str
    title: str
    vendor: str
    total: Decimal
    sent_at: datetime
    status: str
    project: str
    retainage: Decimal

    @property
    def is_waiting(self) -> bool:
        return self.status == SubmissionStatus.AWAITING

    def __str__(self) -> str:
        # The same before and after it is accepted: what a person has read stays what they read.
        return f"{self.number} of {self.project} ({self.total:,.2f}, sent {format_day(self.sent_at)})"


@dataclass(frozen=True, slots=True)
class NearName:
    """Another vendor's name, how much alike it is, of 100, and how many of its commitments were accepted."""

    name: str
    likeness: int
    accepted: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the rules ask of one submission; ``others`` are of the same vendor, the newest first."""

    basis: ApprovalBasis
    sent_at: datetime
    others: Sequence[Other] = ()
    alike: Sequence[Other] = ()
    """Of other vendors: with the same total, or with a near name."""
    near_names: Sequence[NearName] = ()
    company_history: int = MIN_COMPANY_HISTORY
    largest_lines: Mapping[tuple[str, str], tuple[int, Decimal]] = field(default_factory=dict)
    """Of each cost code and type, how many lines were accepted, and the largest amount."""
    account_was_used: bool = True
    refusals: Sequence[tuple[datetime, str]] = ()
    """When Spectrum refused the same account, and its words."""
    previous: Document | None = None
    """As it was sent before."""
    budgets: Sequence[PhaseBudget] = ()

    @property
    def document(self) -> Document:
        return self.basis.document

    @property
    def accepted(self) -> list[Other]:
        return [each for each in self.others if not each.is_waiting]


Finding = tuple[str, str, str]
"""The field, the sentence, and what to do."""
Check = Callable[[Facts, Decimal], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """``limit`` is in ``unit``; None: the rule has none."""

    code: str
    label: str
    check: Check
    limit: Decimal | None = None
    unit: str = ""


def check_same_number(facts: Facts, limit: Decimal) -> Iterator[Finding]:
    number = get_comparable_number(facts.document.number)
    twins = [each for each in list_of_vendor(facts) if get_comparable_number(each.number) == number]
    if twins:
        yield (
            "Number",
            f"The same vendor and number stand twice: {list_some(twins)}.",
            "Check that it is not the same commitment sent twice.",
        )


def check_near_duplicate(facts: Facts, limit: Decimal) -> Iterator[Finding]:
    document, number = facts.document, get_comparable_number(facts.document.number)
    found = [
        each
        for each in list_of_vendor(facts)
        if abs(facts.sent_at - each.sent_at).days <= limit
        and is_like(document, each)
        and get_comparable_number(each.number) != number
    ]
    if found:
        yield (
            "Schedule of Values",
            f"Nearly the same vendor, amount and title within {limit:.0f} days: {list_some(found)}.",
            "Check that it is not the same commitment entered twice.",
        )


def list_of_vendor(facts: Facts) -> list[Other]:
    """Others of the vendor, and of one whose name is the same but for its spelling."""
    name = facts.document.contract_company_name
    alike = [each for each in facts.alike if get_likeness(name, each.vendor) >= MIN_SAME_NAME]
    return list({each.commitment_id: each for each in (*facts.others, *alike)}.values())


def is_like(document: Document, other: Other) -> bool:
    """Nearly the same amount, or its figures in another order, and nearly the same title."""
    total, theirs = abs(document.total), abs(other.total)
    is_near = abs(document.total - other.total) <= max(total, theirs) * NEAR_AMOUNT
    if not is_near and sorted(str(document.total)) != sorted(str(other.total)):
        return False
    needed = SIMILAR_TITLE if total == theirs else SAME_TITLE
    titles = [default_process(each.title.replace("&", " and ")) for each in (document, other)]
    scores = fuzz.token_sort_ratio(*titles), fuzz.token_set_ratio(*titles)
    return any(score >= least for score, least in zip(scores, needed, strict=True))


def check_vendor_name(facts: Facts, limit: Decimal) -> Iterator[Finding]:
    own = len(facts.accepted)
    near = [each for each in facts.near_names if each.likeness >= limit and each.accepted > own]
    if near and own < MIN_HISTORY:
        known = near[0]
        yield (
            "Contract Company",
            f"{facts.document.contract_company_name} is {known.likeness} % the same name as {known.name}, "
            f"which has {count_accepted(known.accepted)}; this one has {own or 'none'}.",
            "Check which of the two is meant.",
        )


def check_amount(facts: Facts, limit: Decimal) -> Iterator[Finding]:
    total, accepted = facts.document.total, facts.accepted
    for each, (factor, fraction) in product(accepted, FRACTIONS.items()):
        if len(each.total.normalize().as_tuple().digits) < TELLING_DIGITS or total <= 0:
            continue
        if total == each.total * factor:
            sentence = f"{total:,.2f} is {factor} times {each}, of the same vendor."
        elif abs(total - each.total / factor) < CENT:
            sentence = f"{total:,.2f} is {fraction} of {each}, of the same vendor."
        else:
            continue
        yield "Schedule of Values", sentence, "Check the decimal point."
        return
    totals = [each.total for each in accepted if each.total > 0]
    if len(totals) >= MIN_HISTORY and max(totals) * limit < total:
        yield (
            "Schedule of Values",
            f"{total:,.2f} is {total / max(totals):,.1f} times the largest of this vendor's {len(totals)} "
            f"accepted commitments ({max(totals):,.2f}).",
            "Check the amount.",
        )
    elif len(totals) >= MIN_HISTORY and 0 < total * limit < min(totals):
        yield (
            "Schedule of Values",
            f"{min(totals):,.2f}, the smallest of this vendor's {len(totals)} accepted commitments, is "
            f"{min(totals) / total:,.1f} times {total:,.2f}.",
            "Check the amount.",
        )
    for key, amount in get_amounts(facts.document).items():
        count, most = facts.largest_lines.get(key, (0, Decimal(0)))
        if count >= MIN_HISTORY and 0 < most * limit < amount:
            yield (
                "Schedule of Values",
                f"{amount:,.2f} on {' '.join(key)} is {amount / most:,.1f} times the largest of its {count} "
                f"accepted lines ({most:,.2f}).",
                "Check the amount and the cost code.",
            )


def check_budget(facts: Facts, limit: Decimal) -> Iterator[Finding]:
    for each in facts.budgets:
        if each.over is not None and each.estimate is not None and each.to_date is not None:
            yield (
                "Schedule of Values",
                f"{each.amount:,.2f} on {each.cost_code} {each.cost_type} is {each.over:,.2f} more than is "
                f"left: of {each.estimate:,.2f} estimated, {each.to_date:,.2f} is spent and "
                f"{each.committed:,.2f} committed otherwise.",
                "Check with the project before this is committed.",
            )


def check_first_vendor(facts: Facts, limit: Decimal) -> Iterator[Finding]:
    if not facts.accepted and facts.company_history >= MIN_COMPANY_HISTORY:
        yield (
            "Contract Company",
            f"None with {facts.document.contract_company_name} has been accepted before.",
            "Check the vendor.",
        )


def check_first_phase(facts: Facts, limit: Decimal) -> Iterator[Finding]:
    new = [
        " ".join(key) for key in get_amounts(facts.document) if not facts.largest_lines.get(key, (0, 0))[0]
    ]
    if new and facts.company_history >= MIN_COMPANY_HISTORY:
        yield (
            "Schedule of Values",
            f"The first commitment on {len(new)} cost code{'s'[: len(new) != 1]} of this project: "
            f"{list_some(new)}.",
            "Check the cost codes.",
        )


def check_first_account(facts: Facts, limit: Decimal) -> Iterator[Finding]:
    account = facts.basis.references.general_ledger_account
    if account and not facts.account_was_used and facts.company_history >= MIN_COMPANY_HISTORY:
        yield "Account", f"Account {account} was not used before.", "Check the account."


def check_refused_account(facts: Facts, limit: Decimal) -> Iterator[Finding]:
    recent = [each for each in facts.refusals if (timezone.now() - each[0]).days <= limit]
    if recent:
        at, reason = recent[0]
        yield (
            "Account",
            f"Spectrum refused account {facts.basis.references.general_ledger_account} on "
            f"{format_day(at)}: {reason}",
            "Ask an ERP Integrations Admin whether it is right by now.",
        )


def check_changes(facts: Facts, limit: Decimal) -> Iterator[Finding]:
    previous, document = facts.previous, facts.document
    if previous is None:
        return
    before, now = (Counter(map(get_line_content, each.lines)) for each in (previous, document))
    lines = max((now - before).total(), (before - now).total())
    header = [
        label for name, label in HEADER_FIELDS.items() if getattr(previous, name) != getattr(document, name)
    ]
    if any(list_file_changes(previous.attachments, document.attachments)):
        header.append("Attachments")
    if lines or header:
        parts = [*header, *([f"{lines} line{'s'[: lines != 1]}"] if lines else [])]
        yield (
            "Schedule of Values" if lines else header[0],
            f"Changed since it was last sent: {', '.join(parts)}.",
            "Check what was changed.",
        )


def check_retainage(facts: Facts, limit: Decimal) -> Iterator[Finding]:
    retainage = facts.document.default_retainage
    usual = Counter(each.retainage for each in facts.accepted)
    count, known = max(usual.values(), default=0), usual.total()
    if retainage in usual:
        return
    if known >= MIN_HISTORY and count >= known * USUAL_SHARE:
        most = usual.most_common(1)[0][0]
        sentence = (
            f"Retainage is {retainage.normalize():f} %; {'all' if count == known else f'{count} of the'} "
            f"{known} accepted commitments of this vendor have {most.normalize():f} %."
        )
    elif retainage > limit:
        sentence = f"Retainage is {retainage.normalize():f} %, more than {limit.normalize():f} %."
    else:
        return
    yield "Default Retainage", sentence, "Check it against the contract."


HEADER_FIELDS = {
    "number": "Number",
    "title": "Title",
    "description": "Description",
    "contract_company_id": "Contract Company",
    "default_retainage": "Default Retainage",
    "issue_date": "Issue Date",
    "trade": "Trade",
}
RULES = (
    Rule("same-number", "The same vendor and number twice", check_same_number),
    Rule("near-duplicate", "Same vendor, amount and title", check_near_duplicate, Decimal(30), "days"),
    Rule("vendor-name", "Vendor name near another's", check_vendor_name, Decimal(85), "per cent"),
    Rule("amount", "Amount far from the vendor's or cost code's", check_amount, Decimal(3), "times"),
    Rule("budget", "More than the money left on a cost code", check_budget),
    Rule("first-vendor", "First commitment with a vendor", check_first_vendor),
    Rule("first-phase", "First commitment on a cost code", check_first_phase),
    Rule("first-account", "First commitment to an account", check_first_account),
    Rule("refused-account", "Account refused before", check_refused_account, Decimal(180), "days"),
    Rule("changed", "Changed since it was last sent", check_changes),
    Rule("retainage", "Unusual retainage", check_retainage, Decimal(10), "per cent"),
)


def check_rules(facts: Facts, own: Mapping[str, Any]) -> list[Issue]:
    """All that the company's rules say; ``own`` are its CheckRules by their code."""
    issues = []
    for rule in RULES:
        setting = own.get(rule.code)
        if setting and not setting.is_on:
            continue
        limit = setting.limit if setting and setting.limit is not None else rule.limit
        for where, sentence, action in rule.check(facts, limit or Decimal(0)):
            party = ResponsibleParty.APPROVER
            issues.append(Issue(RULE_PREFIX + rule.code, Severity.WARNING, sentence, where, action, party))
    return issues


def get_amounts(document: Document) -> dict[tuple[str, str], Decimal]:
    """By cost code and cost type."""
    amounts: dict[tuple[str, str], Decimal] = {}
    for line in document.lines:
        if line.cost_code and line.amount is not None:
            key = (line.cost_code, line.cost_type)
            amounts[key] = max(amounts.get(key, line.amount), line.amount)
    return amounts


def get_line_content(line: Any) -> tuple[object, ...]:
    names = ("cost_code", "cost_type", "billing_item", "description", "unit_of_measure")
    figures = ("quantity", "unit_cost", "amount")
    return *(getattr(line, name) for name in names), *(getattr(line, name) for name in figures)


def get_comparable_number(number: str) -> str:
    """Without what people write differently, an O beside a figure too: "SC-0101" and "sc 1O1" are SC101."""
    plain = re.sub(r"[^0-9A-Z]", "", number.upper())
    plain = re.sub(r"O+(?=\d)|(?<=\d)O+", lambda found: "0" * len(found[0]), plain)
    return re.sub(r"(?<!\d)0+(?=.)", "", plain)


def format_day(moment: datetime) -> str:
    """In the installation's time zone: a worker and whoever decides say the same."""
    return date_format(timezone.localtime(moment, timezone.get_default_timezone()))


def list_some(named: Collection[object]) -> str:
    shown = [str(each) for each in named][:MAX_NAMED]
    more = len(named) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def count_accepted(count: int) -> str:
    return f"{count} accepted commitment{'s'[: count != 1]}"
