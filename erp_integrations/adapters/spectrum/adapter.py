"""Viewpoint Spectrum behind the promises of ``erp_integrations.adapters.base``."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from unicodedata import normalize

from erp_integrations.adapters.base import (
    Call,
    CodeKind,
    Element,
    ErpReferences,
    Issue,
    Key,
    Match,
    Mismatch,
    MovedRecord,
    NotFound,
    NotSent,
    Outcome,
    ProbeResult,
    StoredRecord,
    StoredValue,
    Unavailable,
    Verdict,
)
from erp_integrations.adapters.spectrum import (
    authentication,
    document_checks,
    mapping,
    readback,
    reference_checks,
    samples,
    transport,
    wsdl,
)
from erp_integrations.adapters.spectrum.field_types import FORBIDDEN_IN_KEYS, Field
from erp_integrations.adapters.spectrum.master_data import NOT_CONFIGURED, MasterDataReader
from erp_integrations.adapters.spectrum.phase_codes import get_comparable_phase
from erp_integrations.adapters.spectrum.prices import PriceBasis, Prices
from erp_integrations.adapters.spectrum.service_fields import (
    LAYOUTS,
    SUBCONTRACT_NOTES,
    UPDATE_SUBCONTRACT,
    UPDATE_SUBCONTRACT_PHASES,
    Layout,
)
from erp_integrations.snapshots import Document

_FIELDS: Mapping[CodeKind, Field] = {
    "vendor": UPDATE_SUBCONTRACT["Vendor_Code"],
    "job": UPDATE_SUBCONTRACT["Job_Number"],
    "unit": UPDATE_SUBCONTRACT_PHASES["Unit_Of_Measure"],
}


class SpectrumAdapter(MasterDataReader):
    """One Spectrum company, spoken to with one connection's settings.

    Keeps nothing but the services that it has read from the settings; every call is made on a
    network connection of its own.
    """

    def probe(self) -> ProbeResult:
        """Read the site's descriptions of our services, and compare them with what we know and keep."""
        try:
            found = self.fetch_wsdls()
        except wsdl.WsdlError as error:
            return ProbeResult(is_usable=False, sentence=str(error), transient=error.transient)
        services = [wsdl.Service(LAYOUTS[method], text, self.settings) for method, text in found.items()]
        missing = (
            each.describe_missing_elements(self.list_filled_elements(each.layout)) for each in services
        )
        if lack := " ".join(filter(None, missing)):
            return ProbeResult(is_usable=False, sentence=lack)
        changed, moved = self.describe_wsdl_changes(services)
        if moved:
            return ProbeResult(is_usable=False, sentence=moved, can_accept_wsdl=True, descriptions=found)
        sentence = "Spectrum answers and can take everything that is exported."
        return ProbeResult(is_usable=True, sentence=sentence, descriptions=found, changed=changed)

    def fetch_wsdls(self) -> Mapping[str, str]:
        """The site's descriptions of our services by method, to be kept with the connection.

        Raises WsdlError, whose text is a sentence for people.
        """
        used = (each for each in LAYOUTS.values() if each != SUBCONTRACT_NOTES or self.settings.notes_topic)
        return {layout.method: wsdl.fetch_wsdl(layout, self.settings) for layout in used}

    def get_proposed_erp_id(self, document: Document) -> str:
        """The kind's prefix and the number, in upper case.

        Of a longer number only the last characters are proposed where the settings say so; it is
        shown and can be changed. Else it is never cut, and a finding asks for another one.
        """
        number = document.number.strip().upper()
        prefix = self.settings.erp_id_prefixes.get(document.kind, "").strip().upper()
        if number and self.settings.last_characters:
            number = number[-(UPDATE_SUBCONTRACT["Subcontract_Number"].width - len(prefix)) :].strip()
        return prefix + number if number else ""

    def describe_numbers(self, kind: str) -> str:
        prefix = self.settings.erp_id_prefixes.get(kind, "").strip().upper()
        width = UPDATE_SUBCONTRACT["Subcontract_Number"].width - len(prefix)
        after = f" after {prefix}" if prefix else ""
        more = "more are left out at the front" if self.settings.last_characters else "more can't be exported"
        signs = " ".join(sorted(FORBIDDEN_IN_KEYS))
        return f"Up to {width} characters{after}; {more}. None of {signs}"

    def list_fitting_numbers(self, document: Document) -> list[str]:
        field = UPDATE_SUBCONTRACT["Subcontract_Number"]
        width = field.width - len(self.settings.erp_id_prefixes.get(document.kind, "").strip())
        plain = normalize("NFKD", document.number.upper()).encode("ascii", "ignore").decode()
        plain = "".join("-" if field.find_forbidden_characters(sign) else sign for sign in plain)
        parts = re.split("[ -]+", plain.strip(" -"))
        while len(parts) > 1 and len("".join(parts)) > width:
            del parts[0]
        while len(parts) > 1 and len("-".join(parts)) > width:
            parts[:2] = ["".join(parts[:2])]
        base = "-".join(parts)[-width:].strip("-")
        suffixes = ["", *(f"-{count}" for count in range(2, 100))]
        return [base[: width - len(suffix)].rstrip("-") + suffix for suffix in suffixes] if base else []

    def check_document(
        self, document: Document, references: ErpReferences, erp_id: str, note: str = ""
    ) -> list[Issue]:
        if document.is_status:
            return document_checks.check_status(document, self.settings)
        issues = document_checks.check_document(document, references, erp_id, self.settings)
        if self.settings.notes_topic:
            issues += document_checks.check_note(note, self.settings.non_ascii)
        return issues

    def check_references(self, document: Document, references: ErpReferences) -> list[Issue]:
        return reference_checks.check_references(document, references, Prices(references, self.settings))

    def describe_code_issue(self, code: str, kind: CodeKind) -> str:
        """By the published rules, which what stands in Spectrum may be older than."""
        return _FIELDS[kind].describe_issue(code)

    def get_phase_code(self, cost_code: str) -> str:
        """Without dashes, in upper case."""
        return get_comparable_phase(cost_code)

    def build_calls(
        self, document: Document, references: ErpReferences, erp_id: str, note: str = ""
    ) -> tuple[Call, ...]:
        """The header's call, one for each line, and the note's where there is one to send.

        Raises ValueError where the checks block a number.
        """
        return mapping.build_calls(document, references, erp_id, self.settings, note=note)

    def list_changed_values(
        self, document: Document, calls: Sequence[Call]
    ) -> Mapping[int, Sequence[StoredValue]]:
        return mapping.list_changed_values(document, calls)

    def get_bound_values(self, document: Document, references: ErpReferences) -> dict[str, object]:
        """A line's retention, but for the "no" that a blank of earlier plans is the same as; which lines have
        a fixed price for another reason than their unit; and the units, and the elements of what is written,
        that are called otherwise in Spectrum.

        A price method that is known by now and changes no line is not counted: what was accepted while it
        could not be checked goes on as it was accepted.
        """
        elements = sorted(each for each in self.settings.mapped if each[0] in LAYOUTS)
        if document.is_status:
            values = {"the status in Spectrum": self.settings.status_codes.get(document.status, "")}
            return values | ({"names of elements": elements} if elements else {})
        flag = mapping.get_retention_flag(document, self.settings.retention_rule)
        prices = Prices(references, self.settings)
        fixed = [
            line.position
            for line in document.lines
            if prices.get_basis(line) is PriceBasis.FIXED
            and line.unit_of_measure.strip().upper() not in self.settings.fixed_price_units
        ]
        counted = {
            "retention on the lines": "" if flag == "N" else flag or "blank",
            "the price method of the job or of phases": fixed,
            "units of measure": dict(references.units),
            "names of elements": elements,
        }
        return {name: value for name, value in counted.items() if value}

    def build_key(self, vendor_code: str, erp_id: str) -> Key:
        return Key.from_parts(self.settings.company_code, vendor_code, erp_id)

    def get_call_key(self, call: Call) -> Key:
        """The subcontract that a header or a line names."""
        payload = call.payload
        return Key.from_parts(payload["Company_Code"], payload["Vendor_Code"], payload["Subcontract_Number"])

    def get_job_number(self, call: Call) -> str:
        return call.payload.get("Job_Number", "")

    def get_reference_name(self, element: Element, references: ErpReferences) -> str:
        names = {
            ("Vendor_Code", references.vendor_code): references.vendor_name,
            ("Job_Number", references.job_number): references.job_description,
        }
        return names.get((element.name, element.value), "")

    def find_record(self, key: Key) -> StoredRecord | NotFound | Unavailable:
        """By Info-Link: no service of Spectrum's reads a subcontract back."""
        return self._info_link.find_record(key) if self._info_link else NOT_CONFIGURED

    def find_records(self, keys: Sequence[Key]) -> Mapping[Key, StoredRecord] | Unavailable:
        """The same for many subcontracts, over one connection to Info-Link."""
        if self._info_link is None:
            return NOT_CONFIGURED
        return self._info_link.find_records(keys) if keys else {}

    def list_job_records(self, job_numbers: Sequence[str]) -> Mapping[Key, StoredRecord] | Unavailable:
        if self._info_link is None:
            return NOT_CONFIGURED
        return self._info_link.list_job_records(self.settings.company_code, job_numbers)

    @property
    def has_read_back(self) -> bool:
        return self._info_link is not None

    def verify_plan(self, calls: tuple[Call, ...]) -> Verdict:
        """Compare what the calls say with what Info-Link shows."""
        found = self.find_record(self.get_call_key(calls[0]))
        return self.compare_record(calls, found) if isinstance(found, StoredRecord) else found

    def compare_record(self, calls: tuple[Call, ...], record: StoredRecord) -> Match | Mismatch:
        return readback.compare_record(calls, record, self.settings.retention_rule)

    def describe_caution(self, calls: Sequence[Call]) -> str:
        """Of plans whose lines said nothing of retention: Spectrum may read a blank flag as no."""
        if not readback.list_unwithheld_lines(calls, self.settings.retention_rule):
            return ""
        percent = calls[0].payload["Retention_Percent"]
        return (
            f"This was accepted with {percent} % retention and a blank retention flag on each line. Spectrum "
            "may withhold nothing on the lines that are sent now. Check their flags in Spectrum afterwards."
        )

    def set_status(self, calls: tuple[Call, ...], status: Call | None) -> tuple[Call, ...]:
        """In the header alone."""
        code = status.payload["Status_Code"] if status else ""
        elements = (
            replace(each, value=code) if each.name == "Status_Code" else each for each in calls[0].elements
        )
        return (replace(calls[0], elements=tuple(elements)), *calls[1:])

    parse_contract = staticmethod(readback.parse_contract)
    is_status = staticmethod(mapping.is_status)
    compare_calls = staticmethod(readback.compare_calls)
    get_record_part = staticmethod(readback.get_record_part)
    match_record = staticmethod(readback.match_record)
    build_moved_calls = staticmethod(readback.build_moved_calls)
    get_billing = staticmethod(readback.get_billing)

    def can_read_back(self, call: Call) -> bool:
        """Info-Link's tables of notes are not known."""
        return call.method != SUBCONTRACT_NOTES.method

    def verify_plans(self, plans: Sequence[tuple[Call, ...]]) -> Sequence[Verdict]:
        """Compare many plans with what Info-Link shows, over one connection to it."""
        keys = [self.get_call_key(plan[0]) for plan in plans]
        found = self.find_records(keys)
        if isinstance(found, Unavailable):
            return [found] * len(plans)
        return [
            self.compare_record(plan, found[key]) if key in found else NotFound()
            for plan, key in zip(plans, keys, strict=True)
        ]

    def find_moved_records(
        self, plans: Sequence[tuple[Call, ...]]
    ) -> Sequence[tuple[MovedRecord, ...]] | Unavailable:
        """By the job: whatever vendor and number a record has, its job can't be changed."""
        if self._info_link is None:
            return NOT_CONFIGURED
        return self._info_link.find_moved_records(plans) if plans else []

    def send_call(self, call: Call, *, until: float = math.inf) -> Outcome:
        """One attempt, over the kept description of the call's service."""
        try:
            service = self.get_service(call.method)
        except wsdl.WsdlError as error:
            return NotSent(str(error), transient=False)
        return transport.send_call(call, service, self.settings, until=until)

    def get_service(self, method: str) -> wsdl.Service:
        if method not in self._services:
            if method not in LAYOUTS:
                raise wsdl.WsdlError(f"{method} is no service of this adapter.")
            if not self.settings.wsdls.get(method):
                raise wsdl.WsdlError(f"No description of {method} is kept with the connection; fetch it.")
            self._services[method] = wsdl.Service(LAYOUTS[method], self.settings.wsdls[method], self.settings)
        return self._services[method]

    def describe_wsdl_changes(self, services: Sequence[wsdl.Service]) -> tuple[str, str]:
        """How the site's descriptions differ from the kept ones, and what of it a person must say yes to."""
        changed: list[str] = []
        moved: list[str] = []
        for present in services:
            method = present.layout.method
            if method not in self.settings.wsdls:
                continue
            try:
                kept = self.get_service(method)
            except wsdl.WsdlError as error:
                changed.append(str(error))
                continue
            if difference := present.describe_changes(kept):
                message = f"Spectrum's description of {method} has changed: {difference}."
                (moved if present.has_new_namespace(kept) else changed).append(message)
        return " ".join(changed), " ".join(moved)

    def list_filled_elements(self, layout: Layout) -> set[str]:
        """The elements that plans over this connection fill."""
        payloads = [authentication.get_soap_elements(self.settings)]
        for document, references in product(samples.DOCUMENTS, samples.REFERENCES):
            calls = self.build_calls(document, references, "1", "Note")
            payloads += [call.payload for call in calls if call.method == layout.method]
        return {name for payload in payloads for name, value in payload.items() if value}
