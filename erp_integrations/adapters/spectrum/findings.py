"""What Spectrum would refuse, overwrite or not understand, found before anything is sent.

Codes are stable: ``preflight`` weighs those of the ERP ID less at Send than at Export. Findings
that no ERP is needed for (status, number, title, Contract Company, lines) are ``preflight``'s own.
Source: section 4 of the product's design and sections 2 to 4 of ``docs/spectrum.md``.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import replace
from decimal import Decimal

from erp_integrations.adapters.base import Finding, Fixer, Masters, Severity
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
from erp_integrations.adapters.spectrum.wording import joined, numbered
from erp_integrations.documents import Document, LineItem

_RETENTION = UPDATE_SUBCONTRACT["Retention_Percent"]


def check(
    document: Document,
    masters: Masters,
    erp_id: str,
    *,
    non_ascii: NonAscii,
    fixed_price_units: Collection[str],
) -> list[Finding]:
    """Everything at once, header first, then line by line."""
    return [
        *_erp_id(erp_id),
        *_links(document, masters),
        *_retainage(document.default_retainage),
        *_texts(document, non_ascii),
        *(finding for line in document.lines for finding in _line(line, fixed_price_units)),
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


def _retainage(percent: Decimal) -> Iterator[Finding]:
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
    respelled = []
    for name, text in cut_texts(document).items():
        plain = one_line(text)
        if not not_ascii(plain):
            continue
        spelled = transliterate(plain) if non_ascii is NonAscii.TRANSLITERATE else plain
        if strange := not_ascii(spelled):
            yield _blocking(
                "text-characters",
                name,
                f"{name} has characters that Spectrum can't store: {_listed(strange)}.",
                "Write it without them.",
            )
        else:
            respelled.append(name)
    if respelled:
        yield Finding(
            "text-respelled",
            Severity.WARNING,
            f"Spectrum stores plain letters only; {joined(respelled)} will be spelled with them.",
            joined(respelled),
            "Look at the spelling in the preview.",
            Fixer.APPROVER,
        )


def _line(line: LineItem, fixed_price_units: Collection[str]) -> Iterator[Finding]:
    yield from _phase(line)
    yield from _code(line, "Cost_Type", "cost type", line.cost_type)
    yield from _code(line, "Bid_Item_Number", "billing item", line.billing_item)
    yield from _unit(line)
    yield from _money(line, fixed_price_units)


def _phase(line: LineItem) -> Iterator[Finding]:
    field, phase, name = UPDATE_SUBCONTRACT_PHASES["Phase_Code"], phase_code(line), _named(line, "cost code")
    if not phase:
        yield _blocking("line-cost-code-missing", name, f"{name} is missing.", "Choose a cost code.")
        return
    if len(phase) > field.width:
        yield _blocking(
            "line-cost-code-too-long",
            name,
            f"{name}: {phase} has {len(phase)} characters without its dashes; Spectrum takes {field.width}.",
            "Choose a shorter cost code.",
        )
    yield from _refused_characters(field, phase, "cost-code", name)


def _code(line: LineItem, element: str, what: str, value: str) -> Iterator[Finding]:
    field, value, name = UPDATE_SUBCONTRACT_PHASES[element], value.strip(), _named(line, what)
    slug = what.replace(" ", "-")
    if not value and field.required:
        yield _blocking(f"line-{slug}-missing", name, f"{name} is missing.", f"Choose a {what}.")
    if len(value) > field.width:
        yield _blocking(
            f"line-{slug}-too-long",
            name,
            f"{name}: {value} has {len(value)} characters; Spectrum takes {field.width}.",
            f"Choose a shorter {what}.",
        )
    yield from _refused_characters(field, value, slug, name)


def _refused_characters(field: Field, value: str, slug: str, name: str) -> Iterator[Finding]:
    if refused := field.forbidden(value):
        yield _blocking(
            f"line-{slug}-forbidden-characters",
            name,
            f"{name}: {value} has characters that Spectrum does not take there: {_listed(refused)}.",
            "Choose one without them.",
        )


def _unit(line: LineItem) -> Iterator[Finding]:
    field, unit, name = (
        UPDATE_SUBCONTRACT_PHASES["Unit_Of_Measure"],
        line.unit_of_measure.strip(),
        _named(line, "unit of measure"),
    )
    if complaint := field.complaint(unit):
        yield _blocking(
            "line-unit-of-measure-invalid",
            name,
            f"{name}: {unit} {complaint}.",
            f"Use the unit's short form of at most {field.width} plain letters.",
        )


def _money(line: LineItem, fixed_price_units: Collection[str]) -> Iterator[Finding]:
    yield from _number(line, AMOUNT, "amount", line.amount)
    too_wide = [
        *_number(line, QUANTITY, "quantity", line.quantity, decimals_matter=False),
        *_number(line, UNIT_PRICE, "unit cost", line.unit_cost, decimals_matter=False),
    ]
    yield from too_wide
    nothing_to_lose = line.quantity is None and line.unit_cost is None
    if too_wide or nothing_to_lose or not (reason := why_only_an_amount(line, fixed_price_units)):
        return
    name = _named(line, "amount")
    yield Finding(
        "line-goes-as-an-amount",
        Severity.WARNING,
        f"{name}: only the amount goes to Spectrum, because {reason}.",
        name,
        "Correct the line if Spectrum should hold quantity and unit cost too.",
        Fixer.PROJECT,
    )


def _number(
    line: LineItem, field: Field, what: str, value: Decimal | None, *, decimals_matter: bool = True
) -> Iterator[Finding]:
    misfit = None if value is None else field.misfit(value)
    if misfit is None or (misfit is Misfit.DECIMALS and not decimals_matter):
        return
    name = _named(line, what)
    kind = "too-wide" if misfit is Misfit.WIDTH else misfit.value
    yield _blocking(
        f"line-{what.replace(' ', '-')}-{kind}",
        name,
        f"{name}: {value} does not fit; Spectrum takes {field.form}.",
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
    names, first = numbered(same), same[0]
    return _between_lines(
        same,
        "lines-on-one-key",
        names,
        f"{names} have the same cost code ({first.cost_code.strip()}), cost type ({first.cost_type.strip()}) "
        f"and {f'billing item {item}' if item else 'no billing item'}; "
        "Spectrum would keep only the last of them.",
        "Merge them into one line, or give each its own billing item.",
    )


def _may_share_a_key(blank: list[LineItem], named: list[LineItem]) -> Finding:
    names, have = numbered(blank), "has" if len(blank) == 1 else "have"
    return _between_lines(
        blank,
        "lines-may-share-a-key",
        names,
        f"{names} {have} no billing item. Spectrum fills in its own for the cost code, perhaps that of "
        f"{numbered(named).lower()}, and one would overwrite the other.",
        "Give every line of this cost code and cost type its own billing item.",
    )


def _between_lines(lines: list[LineItem], code: str, field: str, sentence: str, action: str) -> Finding:
    positions = tuple(line.position for line in lines)
    return replace(_blocking(code, field, sentence, action), lines=positions)


def _blocking(code: str, field: str, sentence: str, action: str, fixer: Fixer = Fixer.PROJECT) -> Finding:
    return Finding(code, Severity.BLOCKING, sentence, field, action, fixer)


def _named(line: LineItem, what: str) -> str:
    return f"Line {line.position}, {what}"


def _listed(characters: str) -> str:
    return " ".join("blank" if character.isspace() else character for character in characters)
