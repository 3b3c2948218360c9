"""Everything that Spectrum would refuse, overwrite or not understand is found before anything is sent.

Codes are stable: ``preflight`` weighs those of the ERP ID less at Send than at Export. Findings
that no ERP is needed for (status, number, title, Contract Company, lines) are ``preflight``'s own.
Source: docs/product.md, section 5, and docs/spectrum.md, sections 2 and 3.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial

from commitments.models import STATUSES
from erp_integrations.adapters.base import AffectedLines, ErpReferences, Issue, ResponsibleParty, Severity
from erp_integrations.adapters.issue_grouping import format_line_field, format_line_ranges, format_list
from erp_integrations.adapters.spectrum.characters import (
    NonAscii,
    find_non_ascii,
    format_as_ascii,
    format_one_line,
)
from erp_integrations.adapters.spectrum.field_types import Field, Misfit
from erp_integrations.adapters.spectrum.mapping import (
    AMOUNT,
    QUANTITY,
    UNIT_PRICE,
    describe_amount_only,
    format_note,
    get_free_texts,
    get_line_key,
)
from erp_integrations.adapters.spectrum.phase_codes import format_phase_code
from erp_integrations.adapters.spectrum.prices import PriceBasis, Prices, get_line_unit
from erp_integrations.adapters.spectrum.service_fields import (
    SUBCONTRACT_NOTES,
    UPDATE_SUBCONTRACT,
    UPDATE_SUBCONTRACT_PHASES,
)
from erp_integrations.adapters.spectrum.settings import RetentionRule, SpectrumSettings
from erp_integrations.snapshots import Document, LineItem

_RETENTION = UPDATE_SUBCONTRACT["Retention_Percent"]


def check_document(
    document: Document,
    references: ErpReferences,
    erp_id: str,
    settings: SpectrumSettings,
) -> list[Issue]:
    """Everything at once, header first, then line by line."""
    return [
        *check_erp_id(erp_id),
        *check_links(document, references),
        *check_retainage(document.default_retainage, settings.retention_rule),
        *check_texts(document, settings.non_ascii),
        *(issue for line in document.lines for issue in check_line(line, Prices(references, settings))),
        *check_duplicate_keys(document),
    ]


def check_note(note: str, non_ascii: NonAscii) -> Iterator[Issue]:
    """The approver's note is written to Spectrum whole or not at all. It is never cut."""
    text, width = format_note(note, non_ascii), SUBCONTRACT_NOTES["Notes_Text"].width
    if len(text) > width:
        yield build_approver_issue(
            "note-too-long",
            "Details",
            f"The note has {len(text):,} characters; Spectrum takes {width:,}.",
            "Shorten it in the Accept dialog.",
        )
    if strange := find_non_ascii(text):
        yield build_approver_issue(
            "note-other-letters",
            "Details",
            f"The note has characters that Spectrum can't store: {format_characters(strange)}.",
            "Remove them in the Accept dialog.",
        )


def check_erp_id(erp_id: str) -> Iterator[Issue]:
    field, value = UPDATE_SUBCONTRACT["Subcontract_Number"], erp_id.strip().upper()
    if not value:
        yield build_approver_issue(
            "erp-id-missing",
            "ERP ID",
            "The ERP ID is missing.",
            "Enter one before exporting.",
        )
    if len(value) > field.width:
        yield build_approver_issue(
            "erp-id-too-long",
            "ERP ID",
            f"The ERP ID {value} has {len(value)} characters; Spectrum takes {field.width}.",
            "Change the ERP ID before exporting, or give the commitment a shorter number.",
        )
    if refused := field.find_forbidden_characters(value):
        yield build_approver_issue(
            "erp-id-forbidden-characters",
            "ERP ID",
            f"The ERP ID {value} has characters that Spectrum doesn't allow in numbers: "
            f"{format_characters(refused)}.",
            "Change the ERP ID before exporting, or give the commitment a number without them.",
        )


def check_links(document: Document, references: ErpReferences) -> Iterator[Issue]:
    vendor, job = references.vendor_code.strip(), references.job_number.strip()
    if vendor:
        yield from check_linked_code(
            UPDATE_SUBCONTRACT["Vendor_Code"], vendor, "Contract Company", "vendor code"
        )
    elif document.contract_company_id is not None:
        yield build_admin_issue(
            "vendor-not-linked",
            "Contract Company",
            f"{document.contract_company_name} is not linked to a Spectrum vendor.",
            "Link it to a vendor in the ERP Integrations tool.",
        )
    if job:
        yield from check_linked_code(UPDATE_SUBCONTRACT["Job_Number"], job, "Project", "job number")
    else:
        yield build_admin_issue(
            "job-not-linked",
            "Project",
            f"{document.project_name} is not linked to a Spectrum job.",
            "Link it to a job in the ERP Integrations tool.",
        )
    yield from check_general_ledger_account(references)


def check_linked_code(field: Field, value: str, name: str, what: str) -> Iterator[Issue]:
    if complaint := field.describe_issue(value):
        yield build_admin_issue(
            f"{what.replace(' ', '-')}-invalid",
            name,
            f"The linked {what} {value} {complaint}.",
            "Change it in Spectrum, then sync master data and link the new one.",
        )


def check_general_ledger_account(references: ErpReferences) -> Iterator[Issue]:
    account, field = references.general_ledger_account.strip(), UPDATE_SUBCONTRACT["GL_Account"]
    if not account:
        yield build_admin_issue(
            "general-ledger-account-missing",
            "General-ledger account",
            "No general-ledger account was found for this commitment.",
            "Set a default for the vendor, the cost type or the company in the ERP Integrations tool.",
        )
    elif complaint := field.describe_issue(account):
        yield build_admin_issue(
            "general-ledger-account-invalid",
            "General-ledger account",
            f"The general-ledger account {account} {complaint}.",
            f"It is the default of {references.general_ledger_source}: correct it in Settings if that is the "
            "company, else in Django admin.",
        )


def check_status(document: Document, settings: SpectrumSettings) -> list[Issue]:
    if settings.status_codes.get(document.status):
        return []
    label = STATUSES[document.kind](document.status).label
    return [
        Issue(
            "status-code-unknown",
            Severity.BLOCKING,
            f"The connection's settings don't say which status {label} is in Spectrum.",
            "Status",
            f"Choose it there, under {label} in Spectrum.",
            ResponsibleParty.ERP_ADMIN,
        )
    ]


def check_retainage(percent: Decimal, rule: RetentionRule) -> Iterator[Issue]:
    if percent > 0 and rule in (RetentionRule.NEVER, RetentionRule.BLANK):
        says = "say no" if rule is RetentionRule.NEVER else "are left blank, which Spectrum may read as no"
        yield Issue(
            "retainage-not-withheld",
            Severity.WARNING,
            f"The Default Retainage is {percent} %, but on this connection the lines' retention flags "
            f"{says}, so nothing may be withheld.",
            "Default Retainage",
            "Change the setting Retention on lines if retainage should be withheld.",
            ResponsibleParty.ERP_ADMIN,
        )
    match _RETENTION.find_misfit(percent):
        case Misfit.DECIMALS:
            yield build_blocking_issue(
                "retainage-decimals",
                "Default Retainage",
                f"The Default Retainage of {percent} % has more than one decimal; Spectrum takes one.",
                "Round it to one decimal.",
            )
        case Misfit.WIDTH | Misfit.SIGN:
            yield build_blocking_issue(
                "retainage-out-of-range",
                "Default Retainage",
                f"The Default Retainage of {percent} % is not between 0 and 99.9 %.",
                "Correct the percentage.",
            )


def check_texts(document: Document, non_ascii: NonAscii) -> Iterator[Issue]:
    respelled: list[str] = []
    lines = {f"Line {line.position}, description": line for line in document.lines}
    for name, text in get_free_texts(document).items():
        plain = format_one_line(text)
        if not find_non_ascii(plain):
            continue
        spelled = format_as_ascii(plain) if non_ascii is NonAscii.TRANSLITERATE else plain
        strange = format_characters(find_non_ascii(spelled))
        if not strange:
            respelled.append(name)
        elif name in lines:
            detail = f" has characters that Spectrum can't store: {strange}."
            cause = "characters that Spectrum can't store"
            on = AffectedLines((lines[name].position,), "description", detail, cause, strange)
            yield build_line_issue("text-characters", on, "Remove them.")
        else:
            message = f"{name} has characters that Spectrum can't store: {strange}."
            yield build_blocking_issue("text-characters", name, message, "Remove them.")
    if respelled:
        in_lines = format_line_ranges(lines[name].position for name in respelled if name in lines)
        names = [name for name in respelled if name not in lines]
        names += [f"{in_lines}, description"] if in_lines else []
        yield Issue(
            "text-respelled",
            Severity.WARNING,
            f"Spectrum stores plain letters only, so {format_list(names)} will be respelled.",
            format_list(names),
            "Check the spelling in the preview.",
            ResponsibleParty.APPROVER,
        )


def check_line(line: LineItem, prices: Prices) -> Iterator[Issue]:
    yield from check_line_code(line, "Phase_Code", "cost code", format_phase_code(line.cost_code))
    yield from check_line_code(line, "Cost_Type", "cost type", line.cost_type)
    yield from check_line_code(line, "Bid_Item_Number", "billing item", line.billing_item)
    yield from check_line_unit(line, get_line_unit(line, prices.references))
    yield from check_line_amounts(line, prices)


def check_line_code(line: LineItem, element: str, what: str, value: str) -> Iterator[Issue]:
    field, value = UPDATE_SUBCONTRACT_PHASES[element], value.strip()
    code, where = f"line-{what.replace(' ', '-')}", ((line.position,), what)
    if not value and field.required:
        yield build_line_issue(f"{code}-missing", AffectedLines(*where, " is missing."), f"Choose a {what}.")
    if len(value) > field.width:
        dashes = "" if field.dashes else " without its dashes"
        detail = f": {value} has {len(value)} characters{dashes}; Spectrum takes {field.width}."
        cause = f"longer than the {field.width} characters that Spectrum takes"
        on = AffectedLines(*where, detail, cause, value)
        yield build_line_issue(f"{code}-too-long", on, f"Choose a shorter {what}.")
    if refused := field.find_forbidden_characters(value):
        detail = f": {value} has characters that Spectrum doesn't allow there: {format_characters(refused)}."
        on = AffectedLines(*where, detail, "characters that Spectrum doesn't allow there", value)
        yield build_line_issue(f"{code}-forbidden-characters", on, "Choose one without them.")


def check_line_unit(line: LineItem, unit: str) -> Iterator[Issue]:
    field = UPDATE_SUBCONTRACT_PHASES["Unit_Of_Measure"]
    if complaint := field.describe_issue(unit):
        cause = f"not one of at most {field.width} plain letters, as Spectrum's are"
        yield build_line_issue(
            "line-unit-of-measure-invalid",
            AffectedLines((line.position,), "unit of measure", f": {unit} {complaint}.", cause, unit),
            "Map it to one of Spectrum's units on the Units page of ERP Integrations, or have the "
            f"project enter the short form of at most {field.width} plain letters.",
            fixer=ResponsibleParty.ERP_ADMIN,
        )


def check_line_amounts(line: LineItem, prices: Prices) -> Iterator[Issue]:
    if line.amount is None:
        missing = AffectedLines((line.position,), "amount", " is missing.")
        yield build_line_issue("line-amount-missing", missing, "Enter an amount.")
        return
    yield from check_line_number(line, AMOUNT, "amount", line.amount)
    nothing_to_lose = line.quantity is None and line.unit_cost is None
    if prices.get_basis(line) is not PriceBasis.FIXED:
        too_wide = [
            *check_line_number(line, QUANTITY, "quantity", line.quantity, decimals_matter=False),
            *check_line_number(line, UNIT_PRICE, "unit cost", line.unit_cost, decimals_matter=False),
        ]
        yield from too_wide
        if too_wide:
            return
        # A unit that does not fit may be one of a fixed price: what it is called there comes first.
        fits = not UPDATE_SUBCONTRACT_PHASES["Unit_Of_Measure"].describe_issue(prices.get_erp_unit(line))
        if nothing_to_lose and fits and prices.get_basis(line) is PriceBasis.UNIT_PRICE:
            detail = (
                ": there is only an amount, but Spectrum keeps unit prices here. It then takes the unit "
                "price from the phase; what it stores is not documented."
            )
            yield build_line_issue(
                "line-amount-on-unit-price",
                AffectedLines((line.position,), "amount", detail),
                "Enter quantity and unit cost, or a unit of measure with a fixed price such as LS.",
                severity=Severity.WARNING,
            )
    elif line.quantity == 1 and line.unit_cost == line.amount:
        return  # the amount says it all
    if nothing_to_lose or not (reason := describe_amount_only(line, prices)):
        return
    cause = "only the amounts go to Spectrum"
    detail = f": only the amount goes to Spectrum, because {reason}."
    yield build_line_issue(
        "line-goes-as-an-amount",
        AffectedLines((line.position,), "amount", detail, cause, f"because {reason}"),
        "Correct the line if quantity and unit cost should go to Spectrum too.",
        severity=Severity.WARNING,
    )


def check_line_number(
    line: LineItem, field: Field, what: str, value: Decimal | None, *, decimals_matter: bool = True
) -> Iterator[Issue]:
    misfit = None if value is None else field.find_misfit(value)
    if misfit is None or (misfit is Misfit.DECIMALS and not decimals_matter):
        return
    kind = "too-wide" if misfit is Misfit.WIDTH else misfit.value
    detail = f": {value} does not fit; Spectrum takes {field.form}."
    yield build_line_issue(
        f"line-{what.replace(' ', '-')}-{kind}",
        AffectedLines(
            (line.position,), what, detail, f"does not fit, as Spectrum takes {field.form}", f"{value}"
        ),
        "Correct the number, or split the line." if misfit is Misfit.WIDTH else "Correct the number.",
    )


def check_duplicate_keys(document: Document) -> Iterator[Issue]:
    phases: defaultdict[tuple[str, str], list[LineItem]] = defaultdict(list)
    for line in document.lines:
        phase, cost_type, _ = get_line_key(line)
        if phase and cost_type:
            phases[phase, cost_type].append(line)
    for lines in phases.values():
        items: defaultdict[str, list[LineItem]] = defaultdict(list)
        for line in lines:
            items[get_line_key(line)[2]].append(line)
        for item, same in items.items():
            if len(same) > 1:
                yield build_duplicate_key_issue(item, same)
        if "" in items and len(items) > 1:
            yield build_possible_duplicate_issue(items[""], [line for line in lines if line not in items[""]])


def build_duplicate_key_issue(item: str, same: list[LineItem]) -> Issue:
    cost_code, cost_type = same[0].cost_code.strip(), same[0].cost_type.strip()
    return build_conflict_issue(
        same,
        "lines-on-one-key",
        f" have the same cost code ({cost_code}), cost type ({cost_type}) "
        f"and {f'billing item {item}' if item else 'no billing item'}; "
        "Spectrum would keep only the last of them.",
        "cost code, cost type and billing item are the same, and Spectrum would keep only the last",
        " ".join(filter(None, [cost_code, cost_type, item])),
        "Merge them into one line, or give each its own billing item.",
    )


def build_possible_duplicate_issue(blank: list[LineItem], named: list[LineItem]) -> Issue:
    have, others = (
        "has" if len(blank) == 1 else "have",
        format_line_ranges(line.position for line in named).lower(),
    )
    return build_conflict_issue(
        blank,
        "lines-may-share-a-key",
        f" {have} no billing item. Spectrum fills in the cost code's own, which may be that of "
        f"{others}; one would then overwrite the other.",
        "there is no billing item, and Spectrum may fill in that of another line and overwrite it",
        f"{blank[0].cost_code.strip()} {blank[0].cost_type.strip()}, beside {others}",
        "Give every line of this cost code and cost type its own billing item.",
    )


def build_conflict_issue(
    lines: list[LineItem], code: str, detail: str, cause: str, value: str, action: str
) -> Issue:
    positions = tuple(line.position for line in lines)
    return replace(
        build_line_issue(code, AffectedLines(positions, "", detail, cause, value), action), lines=positions
    )


def build_line_issue(
    code: str,
    on: AffectedLines,
    action: str,
    *,
    severity: Severity = Severity.BLOCKING,
    fixer: ResponsibleParty = ResponsibleParty.PROJECT,
) -> Issue:
    name = format_line_field(on.positions, on.what)
    return Issue(code, severity, f"{name}{on.detail}", name, action, fixer, affected=(on,))


def build_blocking_issue(
    code: str, field: str, sentence: str, action: str, fixer: ResponsibleParty = ResponsibleParty.PROJECT
) -> Issue:
    return Issue(code, Severity.BLOCKING, sentence, field, action, fixer)


build_approver_issue = partial(build_blocking_issue, fixer=ResponsibleParty.APPROVER)
build_admin_issue = partial(build_blocking_issue, fixer=ResponsibleParty.ERP_ADMIN)


def format_characters(characters: str) -> str:
    return " ".join("blank" if character.isspace() else character for character in characters)
