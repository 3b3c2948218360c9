"""`python -m local.spectrum`: serve until SIGTERM or SIGINT, then end with exit code 0."""

import argparse
import json
import logging
import signal
import sqlite3
import sys
import threading
from pathlib import Path
from types import FrameType

from local.spectrum import calls, masters, scripting
from local.spectrum.clock import BadMomentError, Clock, moment
from local.spectrum.endpoint import SUCCESSES, Endpoint, Switches
from local.spectrum.faults import FaultScript
from local.spectrum.hosted import Client
from local.spectrum.info_link import InfoLink
from local.spectrum.server import SimulatorServer
from local.spectrum.site import Site
from local.spectrum.store import Store, WrongVersionError

SECONDS_TO_FINISH = 5.0


def main() -> int:
    """Start, wait for the end, stop. Returns the exit code: 2 when it can't start."""
    options = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    stopping = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        clock = Clock(moment(options.now) if options.now else None)
        store = _open(options.database, options.masters)
        info_link = InfoLink(options.info_link, store) if options.info_link else None
        script = FaultScript(options.seed)
        if options.faults:
            waiting = json.loads(options.faults.read_text(encoding="utf-8"))
            script.add(scripting.read(waiting, has_info_link=info_link is not None))
    except (
        scripting.BadFaultError,
        ValueError,
        BadMomentError,
        masters.UnreadableMastersError,
        WrongVersionError,
        sqlite3.Error,
        OSError,
    ) as error:
        return _give_up(f"{error}")
    switches = Switches(
        options.success,
        options.over_long_text == "cut",
        options.list_cap,
        guid_is_mandatory=options.guid == "mandatory",
        blank_retention=options.blank_retention,
        blank_unit_price_flag=options.blank_unit_price_flag,
        amount_alone=options.amount_alone,
        basic_over_soap=options.basic_over_soap,
        basic_over_rest=options.basic_over_rest,
        open_descriptions=options.open_descriptions,
        error_status=options.error_status,
        any_ending=options.any_ending,
    )
    name, _, secret = options.client.partition(":")
    client = Client(name, secret, options.token_seconds) if name else None
    endpoint = Endpoint(Site(store, clock, info_link), script, switches, client)
    try:
        server = SimulatorServer((options.host, options.port), endpoint)
    except (OSError, OverflowError) as error:
        store.close()
        return _give_up(f"can't listen on {options.host} port {options.port}: {error}")
    thread = threading.Thread(target=server.serve, name="listener")
    thread.start()
    print(f"Spectrum simulator (not Viewpoint Spectrum) at {server.url}/", flush=True)
    stopping.wait()
    endpoint.stopping.set()
    server.end()
    thread.join()
    finished = server.drain(SECONDS_TO_FINISH)
    server.server_close()
    if info_link is not None:
        info_link.close()
    if finished:
        store.close()
    print("Spectrum simulator stopped", flush=True)
    return 0


def _open(database: Path, masters_file: Path) -> Store:
    companies = masters.read(masters_file)
    database.parent.mkdir(parents=True, exist_ok=True)
    store = Store(database)
    try:
        with store.transaction() as db:
            masters.replace(db, companies)
            calls.mark_interrupted(db)
    except BaseException:
        store.close()
        raise
    return store


def _give_up(reason: str) -> int:
    print(f"The Spectrum simulator can't start: {reason}.", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.spectrum",
        description="A simulator of Viewpoint Spectrum's data exchange. It is not Viewpoint Spectrum.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8482, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--database", type=Path, required=True, help="its SQLite file; made when missing")
    parser.add_argument("--masters", type=Path, required=True, help="JSON with companies, vendors, jobs")
    parser.add_argument(
        "--success",
        choices=SUCCESSES,
        default=SUCCESSES[0],
        help="what a successful Put answers, which is not public: no row, a row without a code, with G or S,"
        " or one that repeats the key of the record (default: %(default)s)",
    )
    parser.add_argument(
        "--over-long-text",
        choices=["reject", "cut"],
        default="reject",
        help="the vendor's pages say both (default: %(default)s)",
    )
    parser.add_argument(
        "--blank-retention",
        choices=["N", "phase"],
        default="N",
        help="what a line sent without Retention_Flag gets; the page says both (default: %(default)s)",
    )
    parser.add_argument(
        "--blank-unit-price-flag",
        choices=["N", "job"],
        default="N",
        help="what a header sent without Unit_Price_Flag gets (default: %(default)s)",
    )
    parser.add_argument(
        "--amount-alone",
        choices=["phase", "none"],
        default="phase",
        help="the unit price of a unit-price line that is sent without one (default: %(default)s)",
    )
    parser.add_argument(
        "--info-link",
        type=Path,
        help="a copy of the Info-Link tables, made anew, that can lag and fail; without it readers look"
        " into the database itself",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of faults with a probability (default: %(default)s)"
    )
    parser.add_argument("--faults", type=Path, help="JSON with faults that wait from the start on")
    parser.add_argument("--now", help="start at this moment, in ISO 8601, instead of the real one")
    parser.add_argument(
        "--guid",
        choices=["mandatory", "optional"],
        default="mandatory",
        help="whether it may be blank: the vendor's page says mandatory (default: %(default)s)",
    )
    parser.add_argument("--basic-over-soap", action="store_true", help="SOAP wants Basic in its header")
    parser.add_argument(
        "--basic-over-rest", action="store_true", help="REST wants Basic on a hosted site too, not the token"
    )
    parser.add_argument(
        "--open-descriptions", action="store_true", help="a hosted site's descriptions take no token"
    )
    parser.add_argument(
        "--error-status",
        type=int,
        default=200,
        help="the HTTP status of a refusal; not public (default: %(default)s)",
    )
    parser.add_argument(
        "--any-ending",
        default="*",
        help="the sign for any ending in a list's parameter; blank: there is none (default: %(default)s)",
    )
    parser.add_argument(
        "--list-cap",
        type=int,
        default=500,
        help="how many rows a list holds at most (default: %(default)s)",
    )
    parser.add_argument(
        "--client",
        default="",
        metavar="ID:SECRET",
        help="be a hosted site: nothing is served without a token that this client was given",
    )
    parser.add_argument(
        "--token-seconds", type=float, default=3600.0, help="how long a token lasts (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
