"""A plan is made from this besides the ERP ID, and an approval binds it (docs/product.md, section 6.2)."""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from directory.db.prepared import AnyOf, Parameter, PreparedQuery
from erp_integrations.adapters.base import (
    Adapter,
    Call,
    ErpReferences,
    Issue,
    Key,
    Severity,
    get_comparable_unit,
)
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.checks import general_ledger
from erp_integrations.confirmations import controlled_settings
from erp_integrations.master_data import lookup
from erp_integrations.models import (
    Connection,
    CostTypeAccount,
    ErpIdHold,
    ExportJob,
    JobLink,
    NonAsciiRule,
    Submission,
    UnconfirmedChange,
    UnitLink,
    VendorLink,
)
from erp_integrations.models.connections import FIXED_PRICE_UNITS
from erp_integrations.models.submissions import OPEN_STATUSES
from erp_integrations.snapshots import Document, get_content, hash_content


@dataclass(frozen=True)
class ApprovalBasis:
    """The document, its links and the connection, of which a plan is made besides the ERP ID.

    ``hash`` is what the Accept box carries: if it is another one at the click, the person
    saw something else (docs/product.md, section 6.2). The last three save questions: the name in the ERP
    that the commitment keeps, whether an earlier sending of it has ended, whether any change in the company
    waits for a second person.
    """

    document: Document
    connection: Connection | None
    references: ErpReferences
    held_erp_id: str = ""
    was_sent_before: bool = True
    has_unconfirmed_changes: bool = True

    @cached_property
    def hash(self) -> str:
        """64 hexadecimal digits, the same as long as nothing that counts has changed."""
        named = {
            "vendor_name": self.references.vendor_name,
            "job_description": self.references.job_description,
        }
        return self._hash({**self.bound, **named, "wire": self.wire_hash})

    @cached_property
    def wire_hash(self) -> str:
        """Of the settings that are bound; blank where nothing is connected."""
        return next(controlled_settings.hash_wire_settings(self.connection)) if self.connection else ""

    def is_bound_by(self, job: ExportJob, *, except_bound: bool = False) -> bool:
        """A job's acceptance binds this, or all of it ``except_bound``.

        One from before names and settings were bound goes by what it bound, and one of which no list told a
        name yet goes on when that is read first.
        """
        if self.connection is None:
            return False
        counted = {} if except_bound else self.bound
        if not job.wire_hash:
            return job.basis_hash == self._hash(counted)
        names = list(product({self.references.vendor_name, ""}, {self.references.job_description, ""}))
        return any(
            job.basis_hash
            == self._hash({**counted, "vendor_name": vendor, "job_description": to, "wire": wire})
            for wire in controlled_settings.hash_wire_settings(self.connection, job)
            for vendor, to in names
        )

    @cached_property
    def bound(self) -> dict[str, object]:
        """The adapter's part, by what a person calls it."""
        return self.adapter.get_bound_values(self.document, self.references)

    def _hash(self, bound: dict[str, object]) -> str:
        connection = self.connection
        counts: dict[str, object] = {
            "document": hash_content(get_content(self.document)),
            "vendor": self.references.vendor_code,
            "job": self.references.job_number,
            "account": self.references.general_ledger_account,
            "server": connection.server if connection else "",
            "company_code": connection.company_code if connection else "",
        }
        if connection and connection.notes_topic:
            counts["notes_topic"] = connection.notes_topic
        if connection and connection.non_ascii != NonAsciiRule.TRANSLITERATE:
            # Left out where it is the default: what was accepted before the setting came stays accepted.
            counts["non_ascii"] = connection.non_ascii
        if connection and connection.fixed_price_units != FIXED_PRICE_UNITS:
            counts["fixed_price_units"] = connection.fixed_price_units
        counts |= bound
        if known_issues := [
            (each.code, each.field)
            for each in self.reference_issues
            if each.severity is not Severity.CANNOT_CHECK
        ]:
            # Likewise: the first reading of lists that say nothing new changes nothing.
            counts["lists"] = known_issues
        return hash_content(counts)

    @cached_property
    def adapter(self) -> Adapter:
        return get_adapter(self.connection)

    @cached_property
    def reference_issues(self) -> list[Issue]:
        """Everything that Spectrum's lists have against the document; what is there already keeps its own."""
        return (
            [] if self.document.is_status else self.adapter.check_references(self.document, self.references)
        )

    @property
    def proposed_erp_id(self) -> str:
        """The commitment's name in the ERP unless the approver says otherwise.

        A commitment that has a name there keeps it.
        """
        return self.held_erp_id or self.adapter.get_proposed_erp_id(self.document)

    def is_unchecked_erp_id(self, erp_id: str) -> bool:
        """A person chose a number of which nobody but they can look whether it is free."""
        if self.connection is None or self.connection.has_read_back:
            return False
        return self.get_key(erp_id) != self.get_key(self.proposed_erp_id)

    def get_key(self, erp_id: str) -> Key:
        """The record's name in the ERP, in normal form."""
        return self.adapter.build_key(self.references.vendor_code, erp_id)

    def build_calls(self, *, erp_id: str, note: str = "") -> tuple[Call, ...]:
        """Every call, as it will be stored and sent. Call it only when nothing blocks."""
        return self.adapter.build_calls(self.document, self.references, erp_id, note)


def build_basis(document: Document) -> ApprovalBasis:
    """Look up the links of a document as they stand now, and what Spectrum's lists say. One query."""
    job = find_job_link(document)
    if job is None:
        return ApprovalBasis(document, None, ErpReferences())
    connection = job.connection
    leading = document.leading_cost_type
    account, source = general_ledger.get_account(
        connection, vendor=job.vendor_account, cost_type=job.cost_type_account, leading=leading
    )
    if job.own_account:  # which two people chose for this commitment
        account, source = job.own_account, ""
    references = replace(
        lookup.build_references(job),
        general_ledger_account=account,
        general_ledger_source=source,
        units={each["unit"]: each["erp_unit"] for each in job.units or ()},
    )
    if document.is_status:
        # Its record is where it was exported to, whatever the links and accounts are by now.
        name = references.vendor_name if references.vendor_code == job.held_vendor_code else ""
        references = ErpReferences(
            vendor_code=job.held_vendor_code,
            vendor_name=name,
            job_number=references.job_number,
            job_description=references.job_description,
        )
    return ApprovalBasis(
        document, connection, references, job.held_erp_id, job.was_sent_before, job.has_unconfirmed_changes
    )


def find_job_link(document: Document) -> Any | None:
    """Where a document goes, with everything of ours that says how. One query."""
    phase_code = get_adapter(None).get_phase_code
    found = list_job_links(
        project=document.project_id,
        commitment=document.commitment_id,
        contract_company=document.contract_company_id,
        cost_type=document.leading_cost_type,
        units=list({get_comparable_unit(line.unit_of_measure) for line in document.lines} - {""}),
        phase_codes=list({phase_code(line.cost_code) for line in document.lines}),
    )
    return found[0] if found else None


@PreparedQuery
def list_job_links(
    project: Parameter,
    commitment: Parameter,
    contract_company: Parameter,
    cost_type: Parameter,
    units: Parameter,
    phase_codes: Parameter,
) -> QuerySet[JobLink]:
    of_connection = {"connection": OuterRef("connection")}
    vendors = VendorLink.objects.filter(contract_company=contract_company, **of_connection)
    accounts = CostTypeAccount.objects.filter(cost_type__code=cost_type, **of_connection)
    unit_links = UnitLink.objects.filter(AnyOf(F("unit"), units), **of_connection).order_by("unit")
    sent = Submission.objects.filter(commitment=commitment, status__in=OPEN_STATUSES, **of_connection)
    holds = ErpIdHold.objects.filter(commitment=commitment)
    ended = Submission.objects.filter(commitment=commitment).exclude(status__in=OPEN_STATUSES)
    unconfirmed = UnconfirmedChange.objects.filter(company__projects=project)

    def get_first(rows: QuerySet[Any], column: str) -> Coalesce:
        return Coalesce(Subquery(rows.order_by("pk").values(column)[:1]), Value(""))

    parts = (f"connection__{name}" for name in ("settings", "credentials", "state", "masters_pull"))
    links = JobLink.objects.select_related(*parts).annotate(
        vendor_code=get_first(vendors, "vendor_code"),
        own_account=get_first(sent, "general_ledger_account"),
        vendor_account=get_first(vendors, "general_ledger_account"),
        cost_type_account=get_first(accounts, "general_ledger_account"),
        units=ArraySubquery(lookup.build_json_rows(unit_links, "unit", "erp_unit")),
        held_erp_id=get_first(holds, "erp_id"),
        held_vendor_code=get_first(holds.filter(**of_connection), "vendor_code"),
        was_sent_before=Exists(ended),
        has_unconfirmed_changes=Exists(unconfirmed),
    )
    return lookup.add_references(links, phase_codes).filter(project=project)
