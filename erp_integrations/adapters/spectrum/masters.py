"""Vendors, jobs and phases as Spectrum has them: whole lists, or none.

Where Info-Link is there, it is asked: it shows all of them in one question. Else the services are,
and what they cap is put together from parts. Nothing is ever written.
Source: docs/spectrum.md, section 6.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlencode

from sqlalchemy import Table

from erp_integrations.adapters import base
from erp_integrations.adapters.base import (
    KNOWN,
    CannotTell,
    JobRecord,
    JobStatus,
    Known,
    PhaseRecord,
    PhaseStatus,
    Rows,
    Unauthorised,
    VendorRecord,
    VendorStatus,
)
from erp_integrations.adapters.spectrum import authentication, listing, tables
from erp_integrations.adapters.spectrum.layouts import (
    GET_JOB,
    GET_PHASE,
    STATUSES,
    VENDOR_FILTERS,
    VENDORS_BY_NAME,
    Layout,
)
from erp_integrations.adapters.spectrum.listing import Listing, NotListedError, Row
from erp_integrations.adapters.spectrum.narrowing import Collector, Criteria, NotNarrowableError
from erp_integrations.adapters.spectrum.prices import NO_CODE
from erp_integrations.adapters.spectrum.readback import InfoLink
from erp_integrations.adapters.spectrum.redaction import without_secrets
from erp_integrations.adapters.spectrum.settings import SpectrumSettings
from erp_integrations.adapters.spectrum.wire import LONGEST_LIST, Exchange, as_answer, exchange
from erp_integrations.adapters.spectrum.wsdl import Service, WsdlError

Record = TypeVar("Record")

LONGEST_READING = 480.0
"""Seconds for all parts of one list; whoever waits for it has a lease of ten minutes."""

_INSTEAD = "Reading through Info-Link shows all of them."


class Masters:
    """The lists of one Spectrum company. ``service`` gives the description of a Get service."""

    def __init__(
        self, settings: SpectrumSettings, service: Callable[[Layout], Service], info_link: InfoLink | None
    ) -> None:
        self.settings = settings
        self._service = service
        self._info_link = info_link

    def vendors(self) -> Rows[VendorRecord] | Unauthorised | CannotTell:
        """All vendors, inactive ones only through Info-Link."""
        if self._info_link:
            return _some(self._shown(self._info_link, tables.VENDORS, _stored_vendor))
        return _some(
            self._listed(
                self._wire_vendors, lambda row: VendorRecord(row["vendor_code"], row.get("name", ""))
            )
        )

    def jobs(self) -> Rows[JobRecord] | Unauthorised | CannotTell:
        """All jobs, of every status."""
        if self._info_link:
            return _some(self._shown(self._info_link, tables.JOBS, _job))
        return _some(self._listed(self._wire_jobs, _job))

    def phases(self, job_number: str) -> Rows[PhaseRecord] | Unauthorised | CannotTell:
        """All phases of a job, of every status."""
        if complaint := GET_PHASE["pJob_Number"].complaint(job_number):
            return CannotTell(f"The job number {complaint}.")
        if self._info_link:
            return self._shown(self._info_link, tables.PHASES, _phase, Job_Number=job_number)
        return self._listed(lambda: self._wire_phases(job_number), _phase)

    def as_of_now(self, links: base.Masters) -> base.Masters | CannotTell:
        """The links with what Info-Link shows of their vendor, job and phases, which is asked once."""
        if self._info_link is None:
            return CannotTell("Read-back is not configured.")
        vendor_code, job_number = links.vendor_code.strip(), links.job_number.strip()
        found = tables.read_together(
            self._info_link,
            self.settings.company_code,
            (tables.VENDORS, {"Vendor_Code": vendor_code}),
            (tables.JOBS, {"Job_Number": job_number}),
            (tables.PHASES, {"Job_Number": job_number}),
        )
        if isinstance(found, CannotTell):
            return found
        vendors, jobs, phases = (
            [{name.lower(): row[name] for name in row} for row in rows] for rows in found
        )
        known = _records(phases, _phase)
        if isinstance(known, CannotTell):
            return known
        if not (vendors or jobs):
            return CannotTell("Spectrum's read-only database shows neither the vendor nor the job.")
        return replace(
            links,
            vendor=KNOWN[_stored_vendor(vendors[0]).status] if vendors else Known.ABSENT,
            job=KNOWN[_job(jobs[0]).status] if jobs else Known.ABSENT,
            phases=known.rows,
            job_price_method=_job(jobs[0]).price_method if jobs else "",
        )

    def _shown(
        self, info_link: InfoLink, table: Table, record: Callable[[Row], Record], **wanted: str
    ) -> Rows[Record] | CannotTell:
        rows = tables.read(info_link, table, self.settings.company_code, **wanted)
        if isinstance(rows, CannotTell):
            return rows
        return _records([{name.lower(): value for name, value in row.items()} for row in rows], record)

    def _listed(
        self, read: Callable[[], Sequence[Row]], record: Callable[[Row], Record]
    ) -> Rows[Record] | Unauthorised | CannotTell:
        try:
            return _records(read(), record)
        except NotListedError as error:
            answer = self._without_secrets(error.answer)
            if isinstance(answer, Unauthorised):
                authentication.forget_token(self.settings)
            return answer
        except authentication.NoTokenError as error:
            told = error.outcome
            return told if isinstance(told, Unauthorised) else CannotTell(told.reason)
        except NotNarrowableError as error:
            return CannotTell(f"{error} {_INSTEAD}")
        except WsdlError as error:
            return CannotTell(str(error))

    def _wire_vendors(self) -> Sequence[Row]:
        collector = self._collector(self._ask_vendors, ("vendor_code",))
        return collector.whole({}, (VENDORS_BY_NAME,))

    def _ask_vendors(self, criteria: Criteria) -> Listing:
        query = "?" + urlencode({**VENDOR_FILTERS, **criteria}) if criteria else ""
        answer = exchange(
            "GET",
            self.settings.vendors_url + query,
            self.settings,
            headers=authentication.for_rest(self.settings).headers,
            longest_reply=LONGEST_LIST,
        )
        return self._read(answer, listing.of_json)

    def _wire_jobs(self) -> Sequence[Row]:
        return self._of_every_status(GET_JOB, ("job_number",), {})

    def _wire_phases(self, job_number: str) -> Sequence[Row]:
        key = ("job_number", "phase_code", "cost_type")
        return self._of_every_status(GET_PHASE, key, {"pJob_Number": job_number})

    def _of_every_status(self, layout: Layout, key: tuple[str, ...], criteria: Criteria) -> Sequence[Row]:
        """In the order in which a record's life goes, so that one that moves meanwhile is seen twice
        rather than never."""
        service = self._service(layout)
        collector = self._collector(lambda asked: self._ask(service, asked), key)
        rows: list[Row] = []
        for status in STATUSES:
            rows += collector.whole({**criteria, "pStatus_Code": status}, layout.narrowings)
        if not rows and self.settings.guid.strip():
            # Seen where Spectrum did not take the GUID: it says nothing, and lists nothing.
            raise NotListedError(
                CannotTell("Spectrum listed nothing at all, as it does for a GUID it does not take.")
            )
        return rows

    def _ask(self, service: Service, criteria: Criteria) -> Listing:
        method = service.layout.method
        values = dict.fromkeys((field.name for field in service.layout.public), "")
        values |= {"pCompany_Code": self.settings.company_code, **criteria}
        credentials = authentication.for_soap(self.settings)
        values |= credentials.elements
        if lack := service.lack([name for name, value in values.items() if value]):
            raise NotListedError(CannotTell(lack))
        try:
            answer = service.post(values, credentials.headers)
        except Exception as error:  # the attempt itself raises nothing: this is zeep, before it
            reason = f"{method} can't be written as XML ({type(error).__name__})."
            raise NotListedError(CannotTell(reason)) from error
        found = self._read(answer, lambda whole: listing.of_soap(whole, method))
        for element in ("pCompany_Code", "pStatus_Code", "pJob_Number"):
            _require(found, element, values.get(element, ""))
        return found

    def _read(self, answer: Exchange, read: Callable[[Exchange], Listing]) -> Listing:
        found = read(as_answer(answer, self.settings))
        if answer.status != 200:
            raise NotListedError(CannotTell(f"Spectrum listed them under HTTP status {answer.status}."))
        return found

    def _collector(self, ask: Callable[[Criteria], Listing], key: tuple[str, ...]) -> Collector:
        until = time.monotonic() + LONGEST_READING

        def in_time(criteria: Criteria) -> Listing:
            if time.monotonic() > until:
                raise NotNarrowableError(
                    f"Spectrum lists only a part of them at a time, and all parts take longer than "
                    f"{LONGEST_READING / 60:.0f} minutes."
                )
            found = ask(criteria)
            if not all(all(row.get(column) for column in key) for row in found.rows):
                raise NotListedError(
                    CannotTell(f"Spectrum listed a row without {key[-1].replace('_', ' ')}.")
                )
            return found

        return Collector(in_time, key, self.settings.any_ending)

    def _without_secrets(self, answer: Unauthorised | CannotTell) -> Unauthorised | CannotTell:
        secrets = {
            *authentication.secrets_of(self.settings),
        }
        return replace(answer, reason=without_secrets(answer.reason, secrets))


def _require(found: Listing, element: str, wanted: str) -> None:
    """A list of something else than was asked for is none of ours."""
    column = element.removeprefix("p").lower()
    if wanted and any(row.get(column, wanted).upper() != wanted.upper() for row in found.rows):
        raise NotListedError(CannotTell(f"Spectrum does not heed {element}, and listed others too."))


def _some(
    found: Rows[Record] | Unauthorised | CannotTell,
) -> Rows[Record] | Unauthorised | CannotTell:
    """No company is without: its database is being loaded, or the GUID was not taken."""
    if isinstance(found, Rows) and not found.rows:
        return CannotTell("Spectrum lists nothing at all of this company.")
    return found


def _records(rows: Sequence[Row], record: Callable[[Row], Record]) -> Rows[Record] | CannotTell:
    """Each record once, as it was seen last, in the order of the keys."""
    by_key: dict[tuple[str, ...], Record] = {}
    try:
        for row in rows:
            found = record(row)
            by_key[_key(found)] = found
    except ValueError as error:
        return CannotTell(f"Spectrum listed something that is not known here: {error}.")
    return Rows(tuple(by_key[key] for key in sorted(by_key)))


def _key(record: object) -> tuple[str, ...]:
    match record:
        case VendorRecord():
            return (record.code.upper(),)
        case JobRecord():
            return (record.number.upper(),)
        case PhaseRecord():
            return record.code.upper(), record.cost_type.upper()
    raise TypeError(type(record).__name__)


def _stored_vendor(row: Row) -> VendorRecord:
    letter = row["status"].upper()
    status = VendorStatus(letter) if letter in set(VendorStatus) else VendorStatus.INACTIVE
    return VendorRecord(row["vendor_code"], row["vendor_name"], status)


def _job(row: Row) -> JobRecord:
    letter = row.get("status_code", "").upper()
    status = JobStatus(letter) if letter in set(JobStatus) else JobStatus.INACTIVE
    return JobRecord(row["job_number"], row.get("job_description", ""), status, _price_method(row))


def _price_method(row: Row) -> str:
    """The code; a record without one is told apart from a list without the column."""
    return row["price_method_code"] or NO_CODE if "price_method_code" in row else ""


def _phase(row: Row) -> PhaseRecord:
    return PhaseRecord(
        code=row["phase_code"].replace("-", ""),
        cost_type=row["cost_type"],
        description=row.get("description", ""),
        status=PhaseStatus(row.get("status_code", "").upper()),
        billing_item=row.get("bid_item_number", ""),
        unit_of_measure=row.get("unit_of_measure", ""),
        price_method=_price_method(row),
    )
