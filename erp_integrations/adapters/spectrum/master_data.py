"""Vendors, jobs and phases as Spectrum has them: whole lists, or none.

Where Info-Link is there, it is asked: it shows all of them in one question. Else the services are,
and what they cap is put together from parts. Nothing is ever written.
Source: docs/spectrum.md, section 6.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar
from urllib.parse import urlencode

from sqlalchemy import Table

from erp_integrations.adapters import base
from erp_integrations.adapters.base import (
    REFERENCE_STATUSES,
    JobRecord,
    JobStatus,
    PhaseRecord,
    PhaseStatus,
    ReferenceStatus,
    Rows,
    Unauthorised,
    Unavailable,
    VendorRecord,
    VendorStatus,
)
from erp_integrations.adapters.spectrum import authentication, info_link_tables, list_responses, wsdl
from erp_integrations.adapters.spectrum.list_responses import ListResponse, ListUnavailableError, Row
from erp_integrations.adapters.spectrum.partitioned_fetch import (
    Criteria,
    NotPartitionableError,
    PartitionedFetch,
)
from erp_integrations.adapters.spectrum.phase_codes import format_phase_code, get_comparable_phase
from erp_integrations.adapters.spectrum.prices import NO_CODE
from erp_integrations.adapters.spectrum.readback import InfoLink
from erp_integrations.adapters.spectrum.redaction import clean_secrets
from erp_integrations.adapters.spectrum.service_fields import (
    GET_JOB,
    GET_PHASE,
    STATUSES,
    VENDOR_FILTERS,
    VENDORS_BY_NAME,
    Layout,
)
from erp_integrations.adapters.spectrum.settings import SpectrumSettings
from erp_integrations.adapters.spectrum.wire import (
    MAX_LIST_BYTES,
    Exchange,
    get_effective_exchange,
    send_request,
)

Record = TypeVar("Record")

MAX_LIST_SECONDS = 480.0
"""Seconds for all parts of one list; whoever waits for it has a lease of ten minutes."""

NOT_CONFIGURED = Unavailable("Read-back is not configured.")
_KEY = ("code", "number", "cost_type")
"""A vendor, a job or a phase is named by those of these that it has."""
_AMOUNT = re.compile(r"-?(?=\.?[0-9])[0-9]{0,13}(\.[0-9]{0,2}0*)?")
_INFO_LINK_HINT = "Reading through Info-Link shows all of them."


class MasterDataReader:
    """The lists of one Spectrum company."""

    def __init__(self, settings: SpectrumSettings) -> None:
        self.settings = settings
        self._services: dict[str, wsdl.Service] = {}
        self._info_link = InfoLink(settings.info_link) if settings.info_link else None

    def list_vendors(self) -> Rows[VendorRecord] | Unauthorised | Unavailable:
        """All vendors, inactive ones only through Info-Link."""
        return get_nonempty_rows(
            self.list_from_info_link(info_link_tables.VENDORS, parse_vendor)
            or self.list_from_services(
                self.fetch_vendors, lambda row: VendorRecord(row["vendor_code"], row.get("name", ""))
            )
        )

    def list_jobs(self) -> Rows[JobRecord] | Unauthorised | Unavailable:
        """All jobs, of every status."""
        return get_nonempty_rows(
            self.list_from_info_link(info_link_tables.JOBS, parse_job)
            or self.list_from_services(
                lambda: self.fetch_every_status(GET_JOB, ("job_number",), {}), parse_job
            )
        )

    def list_phases(self, job_number: str) -> Rows[PhaseRecord] | Unauthorised | Unavailable:
        """All phases of a job, of every status."""
        if complaint := GET_PHASE["pJob_Number"].describe_issue(job_number):
            return Unavailable(f"The job number {complaint}.")
        key = ("job_number", "phase_code", "cost_type")
        amounts = self.read_amounts(job_number)

        def parse(row: Row) -> PhaseRecord:
            return self.parse_phase({**row, **amounts.get(_get_phase_key(row), {})})

        found = self.list_from_info_link(info_link_tables.PHASES, parse, Job_Number=job_number)
        return found or self.list_from_services(
            lambda: self.fetch_every_status(GET_PHASE, key, {"pJob_Number": job_number}), self.parse_phase
        )

    def read_amounts(self, job_number: str) -> dict[tuple[str, str], Row]:
        """Info-Link has the dollars of phases in a table of its own. A site without it, or with several rows
        for a phase, says nothing of them, which keeps nobody from the phases.
        """
        fields = dict.fromkeys((self.settings.phase_estimate_field, self.settings.phase_to_date_field))
        table = info_link_tables.build_amounts_table(*filter(None, fields))
        company_code, wanted = self.settings.company_code, {"Job_Number": job_number}
        found = self._info_link and info_link_tables.read_tables(
            self._info_link, company_code, (table, wanted)
        )
        amounts: dict[tuple[str, str], Row] = {}
        for row in found[0] if isinstance(found, list) else ():
            amounts[_get_phase_key(row)] = {} if _get_phase_key(row) in amounts else row
        return amounts

    def parse_phase(self, row: Row) -> PhaseRecord:
        return PhaseRecord(
            code=format_phase_code(row["phase_code"]),
            cost_type=row["cost_type"],
            description=row.get("description", ""),
            status=PhaseStatus(row.get("status_code", "").upper()),
            billing_item=row.get("bid_item_number", ""),
            unit_of_measure=row.get("unit_of_measure", ""),
            price_method=_get_price_method(row),
            estimate=parse_amount(row, self.settings.phase_estimate_field),
            to_date=parse_amount(row, self.settings.phase_to_date_field),
        )

    def read_current_references(self, references: base.ErpReferences) -> base.ErpReferences | Unavailable:
        """The links with what Info-Link shows of their vendor, job and phases, which is asked once."""
        if self._info_link is None:
            return NOT_CONFIGURED
        vendor_code, job_number = references.vendor_code.strip(), references.job_number.strip()
        found = info_link_tables.read_tables(
            self._info_link,
            self.settings.company_code,
            (info_link_tables.VENDORS, {"Vendor_Code": vendor_code}),
            (info_link_tables.JOBS, {"Job_Number": job_number}),
            (info_link_tables.PHASES, {"Job_Number": job_number}),
        )
        if isinstance(found, Unavailable):
            return found
        vendors, jobs, phases = found
        known = build_rows(phases, self.parse_phase)
        if isinstance(known, Unavailable):
            return known
        if not (vendors or jobs):
            return Unavailable("Neither the vendor nor the job is in Spectrum's read-only database.")
        return replace(
            references,
            vendor=REFERENCE_STATUSES[parse_vendor(vendors[0]).status] if vendors else ReferenceStatus.ABSENT,
            job=REFERENCE_STATUSES[parse_job(jobs[0]).status] if jobs else ReferenceStatus.ABSENT,
            phases=known.rows,
            job_price_method=parse_job(jobs[0]).price_method if jobs else "",
        )

    def get_list_service(self, layout: Layout) -> wsdl.Service:
        """As kept, or else as the site describes it now: reading may wait for that, and harms nothing."""
        if layout.method not in self._services:
            text = self.settings.wsdls.get(layout.method) or wsdl.fetch_wsdl(layout, self.settings)
            self._services[layout.method] = wsdl.Service(layout, text, self.settings)
        return self._services[layout.method]

    def list_from_info_link(
        self, table: Table, record: Callable[[Row], Record], **wanted: str
    ) -> Rows[Record] | Unavailable | None:
        """None where there is no Info-Link."""
        if self._info_link is None:
            return None
        found = info_link_tables.read_tables(self._info_link, self.settings.company_code, (table, wanted))
        return found if isinstance(found, Unavailable) else build_rows(found[0], record)

    def list_from_services(
        self, read: Callable[[], Sequence[Row]], record: Callable[[Row], Record]
    ) -> Rows[Record] | Unauthorised | Unavailable:
        try:
            return build_rows(read(), record)
        except ListUnavailableError as error:
            secrets = authentication.list_secrets(self.settings)
            answer = replace(error.answer, reason=clean_secrets(error.answer.reason, secrets))
            if isinstance(answer, Unauthorised):
                authentication.purge_token(self.settings)
            return answer
        except authentication.NoTokenError as error:
            outcome = error.outcome
            return outcome if isinstance(outcome, Unauthorised) else Unavailable(outcome.reason)
        except NotPartitionableError as error:
            return Unavailable(f"{error} {_INFO_LINK_HINT}")
        except wsdl.WsdlError as error:
            return Unavailable(str(error))

    def fetch_vendors(self) -> Sequence[Row]:
        collector = self.build_partitioned_fetch(self.fetch_vendor_part, ("vendor_code",))
        return collector.fetch_all({}, (VENDORS_BY_NAME,))

    def fetch_vendor_part(self, criteria: Criteria) -> ListResponse:
        query = "?" + urlencode({**VENDOR_FILTERS, **criteria}) if criteria else ""
        answer = send_request(
            "GET",
            self.settings.vendors_url + query,
            self.settings,
            headers=authentication.build_rest_credentials(self.settings).headers,
            longest_reply=MAX_LIST_BYTES,
        )
        return self.parse_response(answer, list_responses.parse_json_list)

    def fetch_every_status(self, layout: Layout, key: tuple[str, ...], criteria: Criteria) -> Sequence[Row]:
        """In the order in which a record's life goes, so that one that moves meanwhile is seen twice
        rather than never."""
        service = self.get_list_service(layout)
        collector = self.build_partitioned_fetch(lambda asked: self.fetch_list(service, asked), key)
        rows: list[Row] = []
        for status in STATUSES:
            rows += collector.fetch_all({**criteria, "pStatus_Code": status}, layout.partition_keys)
        if not rows and self.settings.guid.strip():
            # Seen where Spectrum did not take the GUID: it says nothing, and lists nothing.
            raise ListUnavailableError(
                "Spectrum listed nothing, as it does for a GUID that it does not accept."
            )
        return rows

    def fetch_list(self, service: wsdl.Service, criteria: Criteria) -> ListResponse:
        method = service.layout.method
        values = dict.fromkeys((field.name for field in service.layout.public), "")
        values |= {"pCompany_Code": self.settings.company_code, **criteria}
        credentials = authentication.build_soap_credentials(self.settings)
        values |= credentials.elements
        if lack := service.describe_missing_elements([name for name, value in values.items() if value]):
            raise ListUnavailableError(lack)
        try:
            answer = service.send(values, credentials.headers)
        except Exception as error:  # the attempt itself raises nothing: this is zeep, before it
            reason = f"{method} can't be written as XML ({type(error).__name__})."
            raise ListUnavailableError(reason) from error
        response = self.parse_response(answer, lambda whole: list_responses.parse_soap_list(whole, method))
        for element in ("pCompany_Code", "pStatus_Code", "pJob_Number"):
            # A list of something else than was asked for is none of ours.
            column, wanted = element.removeprefix("p").lower(), values.get(element, "").upper()
            if wanted and any(row.get(column, wanted).upper() != wanted for row in response.rows):
                raise ListUnavailableError(f"Spectrum ignores {element} and listed others too.")
        return response

    def parse_response(self, answer: Exchange, read: Callable[[Exchange], ListResponse]) -> ListResponse:
        response = read(get_effective_exchange(answer, self.settings))
        if answer.status != 200:
            raise ListUnavailableError(f"Spectrum listed them under HTTP status {answer.status}.")
        return response

    def build_partitioned_fetch(
        self, ask: Callable[[Criteria], ListResponse], key: tuple[str, ...]
    ) -> PartitionedFetch:
        until = time.monotonic() + MAX_LIST_SECONDS

        def fetch_in_time(criteria: Criteria) -> ListResponse:
            if time.monotonic() > until:
                raise NotPartitionableError(
                    f"Spectrum lists only some of them at a time, and all parts take longer than "
                    f"{MAX_LIST_SECONDS / 60:.0f} minutes."
                )
            response = ask(criteria)
            if not all(all(row.get(column) for column in key) for row in response.rows):
                raise ListUnavailableError(f"Spectrum listed a row without {key[-1].replace('_', ' ')}.")
            return response

        return PartitionedFetch(fetch_in_time, key, self.settings.any_ending)


def get_nonempty_rows(
    found: Rows[Record] | Unauthorised | Unavailable,
) -> Rows[Record] | Unauthorised | Unavailable:
    """No company is without: its database is being loaded, or the GUID was not taken."""
    if isinstance(found, Rows) and not found.rows:
        return Unavailable("Spectrum lists nothing for this company.")
    return found


def build_rows(rows: Sequence[Row], record: Callable[[Row], Record]) -> Rows[Record] | Unavailable:
    """Each record once, as it was seen last, in the order of the keys."""
    by_key: dict[tuple[str, ...], Record] = {}
    try:
        for row in rows:
            found = record(row)
            by_key[tuple(getattr(found, name, "").upper() for name in _KEY)] = found
    except ValueError as error:
        return Unavailable(f"Spectrum listed something unknown: {error}.")
    return Rows(tuple(by_key[key] for key in sorted(by_key)))


def parse_vendor(row: Row) -> VendorRecord:
    letter = row["status"].upper()
    status = VendorStatus(letter) if letter in set(VendorStatus) else VendorStatus.INACTIVE
    return VendorRecord(row["vendor_code"], row["vendor_name"], status)


def parse_job(row: Row) -> JobRecord:
    letter = row.get("status_code", "").upper()
    status = JobStatus(letter) if letter in set(JobStatus) else JobStatus.INACTIVE
    return JobRecord(row["job_number"], row.get("job_description", ""), status, _get_price_method(row))


def _get_price_method(row: Row) -> str:
    """The code; a record without one is told apart from a list without the column."""
    return row["price_method_code"] or NO_CODE if "price_method_code" in row else ""


def parse_amount(row: Row, field: str) -> Decimal | None:
    """Dollars and cents; what is anything else does not say, and is no zero."""
    text = row.get(field.lower(), "")
    return Decimal(text) if _AMOUNT.fullmatch(text) else None


def _get_phase_key(row: Row) -> tuple[str, str]:
    return get_comparable_phase(row["phase_code"]), row["cost_type"].upper()
