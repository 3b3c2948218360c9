"""What Spectrum would refuse, overwrite or not understand, found before anything is sent.

Codes are stable: ``preflight`` weighs those of the ERP ID less at Send than at Export. Findings
that no ERP is needed for (status, number, title, Contract Company, lines) are ``preflight``'s own.
Source: docs/product.md, section 5, and docs/spectrum.md, sections 2 and 3.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from erp_integrations.adapters.base import Finding, Fixer, Masters, OnLines, Severity
from erp_integrations.adapters.grouping import joined, named, ranged
from erp_integrations.adapters.spectrum.characters import NonAscii, not_ascii, one_line, transliterate
from erp_integrations.adapters.spectrum.fields import Field, Misfit
from erp_integrations.adapters.spectrum.layouts import (
    SUBCONTRACT_NOTES,
    UPDATE_SUBCONTRACT,
    UPDATE_SUBCONTRACT_PHASES,
)
from erp_integrations.adapters.spectrum.mapping import (
    AMOUNT,
    QUANTITY,
    UNIT_PRICE,
    cut_texts,
    line_key,
    phase_code,
    why_only_an_amount,
    written_note,
)
from erp_integrations.adapters.spectrum.prices import Kept, Prices, unit_of
from erp_integrations.adapters.spectrum.settings import RetentionRule, SpectrumSettings
from erp_integrations.documents import Document, LineItem

_RETENTION = UPDATE_SUBCONTRACT["Retention_Percent"]


def check(
    document: Document,
    masters: Masters,
    erp_id: str,
    settings: SpectrumSettings,
) -> list[Finding]:
    """Everything at once, header first, then line by line."""
    return [
        *_erp_id(erp_id),
        *_links(document, masters),
        *_retainage(document.default_retainage, settings.retention_rule),
        *_texts(document, settings.non_ascii),
        *(finding for line in document.lines for finding in _line(line, Prices(masters, settings))),
        *_lines_on_one_key(document),
    ]


def of_note(note: str, non_ascii: NonAscii) -> list[Finding]:
    """What keeps the approver's note from being written to Spectrum whole. It is never cut."""
    text, width = written_note(note, non_ascii), SUBCONTRACT_NOTES["Notes_Text"].width
    found = []
    if len(text) > width:
        found.append(
            _blocking(
                "note-too-long",
                "Details",
                f"The note has {len(text):,} characters; Spectrum takes {width:,}.",
                "Shorten it in the Accept box.",
                Fixer.APPROVER,
            )
        )
    if strange := not_ascii(text):
        found.append(
            _blocking(
                "note-other-letters",
                "Details",
                f"The note has characters that Spectrum does not have: {_listed(strange)}.",
                "Write it without them in the Accept box.",
                Fixer.APPROVER,
            )
        )
    return found


def _erp_id(erp_id: str) -> Iterator[Finding]:
    field, value = UPDATE_SUBCONTRACT["Subcontract_Number"], erp_id.strip().upper()
    if not value:
        yield _blocking(
            "erp-id-missing", "ERP ID", "There is no ERP ID.", "Enter one before exporting.", Fixer.APPROVER
        )
    if len(value) > field.width:
        yield _blocking(
            "erp-id-too-long",
            "ERP ID",
            f"The ERP ID {value} has {len(value)} characters; Spectrum takes {field.width}.",
            "Change the ERP ID before exporting, or give the commitment a shorter number.",
            Fixer.APPROVER,
        )
    if refused := field.forbidden(value):
        yield _blocking(
            "erp-id-forbidden-characters",
            "ERP ID",
            f"The ERP ID {value} has characters that Spectrum does not take in numbers: {_listed(refused)}.",
            "Change the ERP ID before exporting, or give the commitment a number without them.",
            Fixer.APPROVER,
        )


def _links(document: Document, masters: Masters) -> Iterator[Finding]:
    vendor, job = masters.vendor_code.strip(), masters.job_number.strip()
    if vendor:
        yield from _linked_code(UPDATE_SUBCONTRACT["Vendor_Code"], vendor, "Contract Company", "vendor code")
    elif document.contract_company_id is not None:
        yield _blocking(
            "vendor-not-linked",
            "Contract Company",
            f"{document.contract_company_name} is not linked to a Spectrum vendor.",
            "Link it to its vendor in the ERP Integrations tool.",
            Fixer.ERP_ADMIN,
        )
    if job:
        yield from _linked_code(UPDATE_SUBCONTRACT["Job_Number"], job, "Project", "job number")
    else:
        yield _blocking(
            "job-not-linked",
            "Project",
            f"{document.project_name} is not linked to a Spectrum job.",
            "Link it to its job in the ERP Integrations tool.",
            Fixer.ERP_ADMIN,
        )
    yield from _general_ledger_account(masters.general_ledger_account.strip())


def _linked_code(field: Field, value: str, name: str, what: str) -> Iterator[Finding]:
    if complaint := field.complaint(value):
        yield _blocking(
            f"{what.replace(' ', '-')}-invalid",
            name,
            f"The linked {what} {value} {complaint}.",
            "Change it in Spectrum, then read its lists again and link the new one.",
            Fixer.ERP_ADMIN,
        )


def _general_ledger_account(account: str) -> Iterator[Finding]:
    field = UPDATE_SUBCONTRACT["GL_Account"]
    if not account:
        yield _blocking(
            "general-ledger-account-missing",
            "General-ledger account",
            "No general-ledger account is found for this commitment.",
            "Set a default for the vendor, the cost type or the company in the ERP Integrations tool.",
            Fixer.ERP_ADMIN,
        )
    elif complaint := field.complaint(account):
        yield _blocking(
            "general-ledger-account-invalid",
            "General-ledger account",
            f"The general-ledger account {account} {complaint}.",
            "Correct the default in the ERP Integrations tool.",
            Fixer.ERP_ADMIN,
        )


def _retainage(percent: Decimal, rule: RetentionRule) -> Iterator[Finding]:
    if percent > 0 and rule in (RetentionRule.NEVER, RetentionRule.BLANK):
        says = "say no" if rule is RetentionRule.NEVER else "are left blank, which Spectrum may read as no"
        yield Finding(
            "retainage-not-withheld",
            Severity.WARNING,
            f"The Default Retainage is {percent} %, but on this connection the retention flags of the lines "
            f"{says}: nothing may be withheld.",
            "Default Retainage",
            "Change the setting Retention on lines if the retainage is meant.",
            Fixer.ERP_ADMIN,
        )
    match _RETENTION.misfit(percent):
        case Misfit.DECIMALS:
            yield _blocking(
                "retainage-decimals",
                "Default Retainage",
                f"The Default Retainage of {percent} % has more than one decimal; Spectrum takes one.",
                "Round it to one decimal.",
            )
        case Misfit.WIDTH | Misfit.SIGN:
            yield _blocking(
                "retainage-out-of-range",
                "Default Retainage",
                f"The Default Retainage of {percent} % is not between 0 and 99.9 %.",
                "Correct the percentage.",
            )


def _texts(document: Document, non_ascii: NonAscii) -> Iterator[Finding]:
    respelled: list[str] = []
    lines = {f"Line {line.position}, description": line for line in document.lines}
    for name, text in cut_texts(document).items():
        plain = one_line(text)
        if not not_ascii(plain):
            continue
        spelled = transliterate(plain) if non_ascii is NonAscii.TRANSLITERATE else plain
        strange = _listed(not_ascii(spelled))
        if not strange:
            respelled.append(name)
        elif name in lines:
            detail = f" has characters that Spectrum can't store: {strange}."
            cause = "characters that Spectrum can't store"
            on = OnLines((lines[name].position,), "description", detail, cause, strange)
            yield _of_lines("text-characters", on, "Write it without them.")
        else:
            told = f"{name} has characters that Spectrum can't store: {strange}."
            yield _blocking("text-characters", name, told, "Write it without them.")
    if respelled:
        in_lines = ranged(lines[name].position for name in respelled if name in lines)
        names = [name for name in respelled if name not in lines]
        names += [f"{in_lines}, description"] if in_lines else []
        yield Finding(
            "text-respelled",
            Severity.WARNING,
            f"Spectrum stores plain letters only; {joined(names)} will be spelled with them.",
            joined(names),
            "Look at the spelling in the preview.",
            Fixer.APPROVER,
        )


def _line(line: LineItem, prices: Prices) -> Iterator[Finding]:
    yield from _code(line, "Phase_Code", "cost code", phase_code(line))
    yield from _code(line, "Cost_Type", "cost type", line.cost_type)
    yield from _code(line, "Bid_Item_Number", "billing item", line.billing_item)
    yield from _unit(line, unit_of(line, prices.masters))
    yield from _money(line, prices)


def _code(line: LineItem, element: str, what: str, value: str) -> Iterator[Finding]:
    field, value = UPDATE_SUBCONTRACT_PHASES[element], value.strip()
    code, where = f"line-{what.replace(' ', '-')}", ((line.position,), what)
    if not value and field.required:
        yield _of_lines(f"{code}-missing", OnLines(*where, " is missing."), f"Choose a {what}.")
    if len(value) > field.width:
        dashes = "" if field.dashes else " without its dashes"
        detail = f": {value} has {len(value)} characters{dashes}; Spectrum takes {field.width}."
        cause = f"longer than the {field.width} characters that Spectrum takes"
        on = OnLines(*where, detail, cause, value)
        yield _of_lines(f"{code}-too-long", on, f"Choose a shorter {what}.")
    if refused := field.forbidden(value):
        detail = f": {value} has characters that Spectrum does not take there: {_listed(refused)}."
        on = OnLines(*where, detail, "characters that Spectrum does not take there", value)
        yield _of_lines(f"{code}-forbidden-characters", on, "Choose one without them.")


def _unit(line: LineItem, unit: str) -> Iterator[Finding]:
    field = UPDATE_SUBCONTRACT_PHASES["Unit_Of_Measure"]
    if complaint := field.complaint(unit):
        cause = f"not one of at most {field.width} plain letters, as Spectrum's are"
        yield _of_lines(
            "line-unit-of-measure-invalid",
            OnLines((line.position,), "unit of measure", f": {unit} {complaint}.", cause, unit),
            "Say which of Spectrum's units it is, on the page Units of ERP Integrations, or have the "
            f"project enter the short form of at most {field.width} plain letters.",
            fixer=Fixer.ERP_ADMIN,
        )


def _money(line: LineItem, prices: Prices) -> Iterator[Finding]:
    yield from _number(line, AMOUNT, "amount", line.amount)
    nothing_to_lose = line.quantity is None and line.unit_cost is None
    if prices.of(line) is not Kept.FIXED:
        too_wide = [
            *_number(line, QUANTITY, "quantity", line.quantity, decimals_matter=False),
            *_number(line, UNIT_PRICE, "unit cost", line.unit_cost, decimals_matter=False),
        ]
        yield from too_wide
        if too_wide:
            return
        # A unit that does not fit may be one of a fixed price: what it is called there comes first.
        fits = not UPDATE_SUBCONTRACT_PHASES["Unit_Of_Measure"].complaint(prices.unit(line))
        if nothing_to_lose and fits and prices.of(line) is Kept.UNIT_PRICE:
            detail = (
                ": there is only an amount, where Spectrum keeps unit prices. It takes the unit price from "
                "the phase then; what it stores is not published."
            )
            yield _of_lines(
                "line-amount-on-unit-price",
                OnLines((line.position,), "amount", detail),
                "Enter quantity and unit cost, or a unit of measure with a fixed price such as LS.",
                severity=Severity.WARNING,
            )
    elif line.quantity == 1 and line.unit_cost == line.amount:
        return  # the amount says it all
    if nothing_to_lose or not (reason := why_only_an_amount(line, prices)):
        return
    cause = "only the amounts go to Spectrum"
    detail = f": only the amount goes to Spectrum, because {reason}."
    yield _of_lines(
        "line-goes-as-an-amount",
        OnLines((line.position,), "amount", detail, cause, f"because {reason}"),
        "Correct the line if Spectrum should hold quantity and unit cost too.",
        severity=Severity.WARNING,
    )


def _number(
    line: LineItem, field: Field, what: str, value: Decimal | None, *, decimals_matter: bool = True
) -> Iterator[Finding]:
    misfit = None if value is None else field.misfit(value)
    if misfit is None or (misfit is Misfit.DECIMALS and not decimals_matter):
        return
    kind = "too-wide" if misfit is Misfit.WIDTH else misfit.value
    detail = f": {value} does not fit; Spectrum takes {field.form}."
    yield _of_lines(
        f"line-{what.replace(' ', '-')}-{kind}",
        OnLines((line.position,), what, detail, f"does not fit, as Spectrum takes {field.form}", f"{value}"),
        "Correct the number, or split the line." if misfit is Misfit.WIDTH else "Correct the number.",
    )


def _lines_on_one_key(document: Document) -> Iterator[Finding]:
    phases: defaultdict[tuple[str, str], list[LineItem]] = defaultdict(list)
    for line in document.lines:
        phase, cost_type, _ = line_key(line)
        if phase and cost_type:
            phases[phase, cost_type].append(line)
    for lines in phases.values():
        items: defaultdict[str, list[LineItem]] = defaultdict(list)
        for line in lines:
            items[line_key(line)[2]].append(line)
        for item, same in items.items():
            if len(same) > 1:
                yield _on_one_key(item, same)
        if "" in items and len(items) > 1:
            yield _may_share_a_key(items[""], [line for line in lines if line not in items[""]])


def _on_one_key(item: str, same: list[LineItem]) -> Finding:
    cost_code, cost_type = same[0].cost_code.strip(), same[0].cost_type.strip()
    return _between_lines(
        same,
        "lines-on-one-key",
        f" have the same cost code ({cost_code}), cost type ({cost_type}) "
        f"and {f'billing item {item}' if item else 'no billing item'}; "
        "Spectrum would keep only the last of them.",
        "cost code, cost type and billing item are the same, and Spectrum would keep only the last",
        " ".join(filter(None, [cost_code, cost_type, item])),
        "Merge them into one line, or give each its own billing item.",
    )


def _may_share_a_key(blank: list[LineItem], named: list[LineItem]) -> Finding:
    have, others = "has" if len(blank) == 1 else "have", ranged(line.position for line in named).lower()
    return _between_lines(
        blank,
        "lines-may-share-a-key",
        f" {have} no billing item. Spectrum fills in its own for the cost code, perhaps that of "
        f"{others}, and one would overwrite the other.",
        "there is no billing item, and Spectrum may fill in that of another line and overwrite it",
        f"{blank[0].cost_code.strip()} {blank[0].cost_type.strip()}, beside {others}",
        "Give every line of this cost code and cost type its own billing item.",
    )


def _between_lines(
    lines: list[LineItem], code: str, detail: str, cause: str, value: str, action: str
) -> Finding:
    positions = tuple(line.position for line in lines)
    return replace(_of_lines(code, OnLines(positions, "", detail, cause, value), action), lines=positions)


def _of_lines(
    code: str,
    on: OnLines,
    action: str,
    *,
    severity: Severity = Severity.BLOCKING,
    fixer: Fixer = Fixer.PROJECT,
) -> Finding:
    name = named(on.positions, on.what)
    return Finding(code, severity, f"{name}{on.detail}", name, action, fixer, on=(on,))


def _blocking(code: str, field: str, sentence: str, action: str, fixer: Fixer = Fixer.PROJECT) -> Finding:
    return Finding(code, Severity.BLOCKING, sentence, field, action, fixer)


def _listed(characters: str) -> str:
    return " ".join("blank" if character.isspace() else character for character in characters)
