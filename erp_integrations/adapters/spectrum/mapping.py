"""A commitment as Spectrum's records: one subcontract header, then one record for each line.

Source: docs/spectrum.md, sections 2 and 3. Free text may lose its end, in sight of whoever
accepts; keys, numbers and dates are written whole or not at all.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from erp_integrations.adapters.base import (
    Call,
    Element,
    ErpReferences,
    StoredValue,
)
from erp_integrations.adapters.spectrum.characters import NonAscii, format_as_ascii, format_one_line
from erp_integrations.adapters.spectrum.field_types import Field, Misfit, format_date
from erp_integrations.adapters.spectrum.phase_codes import format_phase_code, get_comparable_phase
from erp_integrations.adapters.spectrum.prices import PriceBasis, Prices, get_line_unit
from erp_integrations.adapters.spectrum.service_fields import (
    SUBCONTRACT_NOTES,
    UPDATE_SUBCONTRACT,
    UPDATE_SUBCONTRACT_PHASES,
    Layout,
)
from erp_integrations.adapters.spectrum.settings import RetentionRule, SpectrumSettings
from erp_integrations.snapshots import Document, LineItem

UNIT_PRICE = UPDATE_SUBCONTRACT_PHASES["Unit_Price"]
QUANTITY = UPDATE_SUBCONTRACT_PHASES["Original_Contract_Quantity"]
AMOUNT = UPDATE_SUBCONTRACT_PHASES["Original_Contract_Amount"]

_ACTIVE = "A"
_STATUS_ELEMENTS = {"Company_Code", "Vendor_Code", "Subcontract_Number", "Job_Number", "Status_Code"}
_HALF_A_CENT = Decimal("0.005")
_LABELS = {
    "Comment": "Description",
    "Contract_Type": "Trade",
    "Bill_Description": "Description",
    "Unit_Of_Measure": "Unit",
    "Notes_Text": "Details",
}
_PRICE_FLAGS = {PriceBasis.UNIT_PRICE: "Y", PriceBasis.FIXED: "N"}


def build_calls(
    document: Document,
    references: ErpReferences,
    erp_id: str,
    settings: SpectrumSettings,
    *,
    note: str = "",
) -> tuple[Call, ...]:
    """The calls that write the document, in the order in which they must be sent.

    Raises ValueError for a number that its field can't hold; ``findings.check`` names those before.
    """
    subcontract = (
        Element("Company_Code", settings.company_code),
        Element("Vendor_Code", references.vendor_code.strip()),
        Element("Subcontract_Number", erp_id.strip().upper()),
    )
    if document.is_status:
        # The job, which is never another one, makes Spectrum refuse another contract's record; without an
        # account it makes none.
        job = Element("Job_Number", references.job_number.strip())
        code = Element("Status_Code", settings.status_codes[document.status])
        known = {element.name: element for element in (*subcontract, job, code)}
        blank = (known.get(field.name, Element(field.name, "")) for field in UPDATE_SUBCONTRACT.public)
        return (Call(UPDATE_SUBCONTRACT.method, "Status", tuple(blank)),)
    prices = Prices(references, settings)
    header = build_header(document, references, settings.non_ascii, prices.job_basis)
    retention = get_retention_flag(document, settings.retention_rule)
    lines = ((f"Line {line.position}", build_line(line, retention, prices)) for line in document.lines)
    return (
        build_call(UPDATE_SUBCONTRACT, "Subcontract", (*subcontract, *header)),
        *(build_call(UPDATE_SUBCONTRACT_PHASES, title, (*subcontract, *line)) for title, line in lines),
        *build_note_calls(subcontract, settings.notes_topic, note, settings.non_ascii),
    )


def is_status(call: Call) -> bool:
    """A header that can't make a record, and changes nothing but the status of one that is there."""
    filled = {element.name for element in call.elements if element.value}
    return call.method == UPDATE_SUBCONTRACT.method and filled == _STATUS_ELEMENTS


def format_note(note: str, non_ascii: NonAscii) -> str:
    """The approver's note as it is sent: on one line, and whole."""
    return _SPELLINGS[non_ascii](format_one_line(note)).strip()


def get_line_key(line: LineItem) -> tuple[str, str, str]:
    """Phase, cost type and billing item, as Spectrum compares them: without regard to case."""
    phase = get_comparable_phase(line.cost_code)
    return phase, line.cost_type.strip().upper(), line.billing_item.strip().upper()


def get_retention_flag(document: Document, rule: RetentionRule) -> str:
    """The flag of every line: Spectrum may read a blank as N, whatever the header's percentage."""
    if rule is RetentionRule.RETAINAGE:
        return "Y" if document.default_retainage > 0 else "N"
    return {RetentionRule.ALWAYS: "Y", RetentionRule.NEVER: "N"}.get(rule, "")


def get_comment(document: Document) -> str:
    """The description, or else the title."""
    return document.description.strip() or document.title


def get_free_texts(document: Document) -> Mapping[str, str]:
    """The free texts that are sent, by the name that people know them by."""
    described = "Description" if document.description.strip() else "Title"
    return {
        described: get_comment(document),
        "Trade": document.trade,
        **{f"Line {line.position}, description": line.description for line in document.lines},
    }


def describe_amount_only(line: LineItem, prices: Prices) -> str:
    """Why a line's quantity and unit cost stay here, in words after "because"; blank if they are sent.

    Spectrum multiplies the two by itself, so they go only if they give the amount to the cent. At
    exactly half a cent its rounding is not published, and the amount alone is safe. Where the price is
    fixed, it would drop both; where nobody knows, they go, and it keeps what it keeps.
    """
    if line.quantity is None or line.unit_cost is None:
        return "it does not have both a quantity and a unit cost"
    if fixed := prices.describe_fixed_price(line):
        return fixed
    if QUANTITY.find_misfit(line.quantity) is Misfit.DECIMALS:
        return f"its quantity has more than {QUANTITY.decimals} decimals"
    if UNIT_PRICE.find_misfit(line.unit_cost) is Misfit.DECIMALS:
        return f"its unit cost has more than {UNIT_PRICE.decimals} decimals"
    if abs(line.quantity * line.unit_cost - (line.amount or 0)) >= _HALF_A_CENT:
        return "its quantity times its unit cost is not its amount to the cent"
    return ""


def list_changed_values(document: Document, calls: Sequence[Call]) -> Mapping[int, Sequence[StoredValue]]:
    """A cost code without its dashes is the same one."""
    lines = {f"Line {line.position}": line for line in document.lines}
    changed: dict[int, list[StoredValue]] = {}
    for call in calls:
        line = lines.get(call.title)
        values = [
            StoredValue(
                _LABELS.get(element.name, element.name),
                element.value,
                "respelled" if element.respelled else "shortened",
            )
            for element in call.elements
            if element.cut
        ]
        if line and not call.payload["Original_Contract_Quantity"]:
            entered = {"Quantity": line.quantity, "Unit cost": line.unit_cost}
            label = " and ".join(name for name, value in entered.items() if value is not None).capitalize()
            values += [StoredValue(label, "", "not sent, only the amount")] if label else []
        changed.setdefault(line.position if line else 0, []).extend(values)
    return {position: values for position, values in changed.items() if values}


def build_note_calls(
    subcontract: tuple[Element, ...], topic: str, note: str, non_ascii: NonAscii
) -> tuple[Call, ...]:
    text = format_note(note, non_ascii)
    if not topic or not text:
        return ()
    original = note.strip()
    sent = Element("Notes_Text", text, original if text != original else "", respelled=True)
    return (build_call(SUBCONTRACT_NOTES, "Note", (*subcontract, Element("Notes_Topic", topic), sent)),)


def build_header(
    document: Document, references: ErpReferences, non_ascii: NonAscii, job: PriceBasis
) -> tuple[Element, ...]:
    def build_text(name: str, original: str) -> Element:
        return _build_text_element(UPDATE_SUBCONTRACT[name], original, non_ascii)

    retention = UPDATE_SUBCONTRACT["Retention_Percent"].format_number(document.default_retainage)
    return (
        Element("Job_Number", references.job_number.strip()),
        Element("Status_Code", _ACTIVE, defaulted=True),
        build_text("Contract_Type", document.trade),
        Element("Date_Issued", format_date(document.issue_date) if document.issue_date else ""),
        # Said where it is known, so that what a blank means never decides about the lines.
        Element("Unit_Price_Flag", _PRICE_FLAGS.get(job, ""), defaulted=True, source="the job"),
        build_text("Comment", get_comment(document)),
        Element(
            "GL_Account",
            references.general_ledger_account.strip(),
            defaulted=bool(references.general_ledger_source),
            source=references.general_ledger_source,
        ),
        Element("Retention_Percent", retention),
    )


def build_line(line: LineItem, retention: str, prices: Prices) -> tuple[Element, ...]:
    unit, entered = get_line_unit(line, prices.references), line.unit_of_measure.strip()
    quantity, unit_price = line.quantity, line.unit_cost
    if describe_amount_only(line, prices):
        quantity, unit_price = None, None
    return (
        Element("Phase_Code", format_phase_code(line.cost_code)),
        Element("Cost_Type", line.cost_type.strip()),
        Element("Bid_Item_Number", line.billing_item.strip()),
        _build_text_element(
            UPDATE_SUBCONTRACT_PHASES["Bill_Description"], line.description, prices.settings.non_ascii
        ),
        Element("Unit_Of_Measure", unit, entered if entered != unit else "", respelled=True),
        Element("Retention_Flag", retention),
        Element("Unit_Price", "" if unit_price is None else UNIT_PRICE.format_number(unit_price)),
        Element("Original_Contract_Quantity", "" if quantity is None else QUANTITY.format_number(quantity)),
        Element("Original_Contract_Amount", "" if line.amount is None else AMOUNT.format_number(line.amount)),
    )


def build_call(layout: Layout, title: str, elements: Iterable[Element]) -> Call:
    """Every field of the layout, in its order, blank where nothing is known."""
    known = {element.name: element for element in elements}
    filled = (_build_element(field, known.get(field.name), blank) for field, blank in _BLANKS[layout.method])
    return Call(layout.method, title, tuple(filled))


def _build_element(field: Field, element: Element | None, blank: Element) -> Element:
    if element is None or (field.blank and not element.value):
        return blank
    return replace(element, figure=True) if field.decimals else element


# A blank that Spectrum fills by itself is a default too, though we can't name its value.
_BLANKS = {
    layout.method: [
        (each, Element(each.name, "", defaulted=bool(each.blank), figure=bool(each.decimals)))
        for each in layout.public
    ]
    for layout in (UPDATE_SUBCONTRACT, UPDATE_SUBCONTRACT_PHASES, SUBCONTRACT_NOTES)
}
_SPELLINGS: Mapping[NonAscii, Callable[[str], str]] = {
    NonAscii.TRANSLITERATE: format_as_ascii,
    NonAscii.REFUSE: str,
}


def _build_text_element(field: Field, original: str, non_ascii: NonAscii) -> Element:
    original = original.strip()
    whole = _SPELLINGS[non_ascii](format_one_line(original)).strip()
    value = whole[: field.width].rstrip()
    return Element(field.name, value, original if value != original else "", respelled=value == whole)
