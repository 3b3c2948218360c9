"""The simulator's own addresses, for tests and judges: what is stored, what was called, what shall go wrong.

A real Spectrum has none of these. All speak JSON.
"""

import json
import re
from collections.abc import Mapping
from urllib.parse import unquote

from local.spectrum import calls, clock, drift, hands, masters, scripting, subcontracts
from local.spectrum.endpoint import Endpoint
from local.spectrum.subcontracts import SubcontractKey

Answer = tuple[int, object]
_NO_SUCH_ADDRESS: Answer = (404, {"error": "the simulator has nothing at this address"})


def get(address: list[str], query: Mapping[str, str], endpoint: Endpoint) -> Answer:
    """The status and the document at an address below `/simulator/`."""
    match address:
        case ["faults"]:
            return 200, endpoint.faults.as_json()
        case ["clock"]:
            return _time(endpoint)
        case ["client"]:
            return 200, {"tokens_issued": endpoint.gateway.issued}
        case ["records.json"]:
            with endpoint.store.reading() as db:
                return 200, {"subcontracts": subcontracts.records(db)}
        case ["calls.json"]:
            with endpoint.store.reading() as db:
                return 200, {"calls": calls.after(db, number(query.get("after", "")) or 0)}
    return _NO_SUCH_ADDRESS


def post(address: list[str], body: bytes, endpoint: Endpoint) -> Answer:
    """Add faults, let services drift, set the clock, or do by hand what people do."""
    try:
        document = json.loads(body)
        match address:
            case ["faults"]:
                has_info_link = endpoint.site.info_link is not None
                for fault in endpoint.faults.add(scripting.read(document, has_info_link=has_info_link)):
                    endpoint.site.strike(fault, {})
                return 200, endpoint.faults.as_json()
            case ["client"]:
                endpoint.gateway.change(document)
                return 200, {}
            case ["drift"]:
                endpoint.site.drift.set(document)
                return 200, {}
            case ["clock"]:
                endpoint.site.clock.follow(document)
                return _time(endpoint)
            case ["subcontracts"]:
                key = endpoint.site.enter(document)
                return 200, {"entered": [key.company, key.vendor, key.number]}
            case ["keys"]:
                endpoint.site.change_keys(document)
                return 200, {}
            case ["invoices"]:
                endpoint.site.bill(document)
                return 200, {}
    except (
        scripting.BadFaultError,
        drift.BadDriftError,
        clock.BadMomentError,
        hands.BadRecordError,
        ValueError,
        RecursionError,
    ) as error:
        return 400, {"error": str(error)}
    return _NO_SUCH_ADDRESS


def delete(address: list[str], endpoint: Endpoint) -> Answer:
    """Forget the faults and what they did to the site, or delete a subcontract, or all of them, by hand.

    Deleting job security lets a caller at a job.
    """
    match address:
        case ["faults"]:
            endpoint.faults.clear()
            endpoint.site.recover()
            return 200, endpoint.faults.as_json()
        case ["drift"]:
            endpoint.site.drift.clear()
            return 200, {}
        case ["job-security", company, job, authorization_id]:
            with endpoint.store.transaction() as db:
                if masters.open_job(db, *map(unquote, (company, job, authorization_id))):
                    return 200, {"opened": unquote(job)}
        case ["subcontracts"]:
            endpoint.site.empty()
            return 200, {}
        case ["subcontracts", company, vendor, name]:
            key = SubcontractKey(unquote(company), unquote(vendor), unquote(name))
            if endpoint.site.delete(key):
                return 200, {"deleted": [key.company, key.vendor, key.number]}
    return _NO_SUCH_ADDRESS


def number(text: str) -> int | None:
    """A whole number out of an address, or None."""
    return int(text) if re.fullmatch(r"\d{1,15}", text, re.ASCII) else None


def _time(endpoint: Endpoint) -> Answer:
    return 200, {"now": endpoint.site.now()}
