"""The pages that let a person log into the simulated Spectrum and look around; only faults can be set."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from local.spectrum import calls, masters, subcontracts, tables
from local.spectrum.endpoint import Switches
from local.spectrum.faults import BUTTONS, KINDS
from local.spectrum.html import Content, document, node
from local.spectrum.subcontracts import SubcontractKey

ROWS = 50


class Pages:
    """Renders each page from the database; holds no state of its own."""

    def __init__(self, switches: Switches) -> None:
        self.switches = switches

    def subcontract_list(self, db: sqlite3.Connection, query: Mapping[str, str], faults: int) -> bytes:
        """All subcontracts, the one that changed last first."""
        company, words, page = query.get("company", ""), query.get("q", ""), tables.page_number(query)
        rows = subcontracts.search(db, company=company, words=words, limit=ROWS + 1, offset=(page - 1) * ROWS)
        filtered = bool(company or words.strip() or page > 1)
        body: list[Content] = [
            node("h1", "Subcontracts"),
            tables.search_form(masters.companies(db), company, words),
        ]
        if rows:
            body += [tables.subcontract_table(rows[:ROWS]), tables.pager(query, page, more=len(rows) > ROWS)]
        elif filtered:
            body.append(tables.empty("Nothing matches.", "Try fewer words, or all companies."))
        else:
            body.append(
                tables.empty("No subcontracts yet.", "They appear here as soon as a caller has stored one.")
            )
        return self._page("Subcontracts", body, faults, at="/")

    def subcontract(self, db: sqlite3.Connection, key: SubcontractKey, faults: int) -> bytes | None:
        """One subcontract with its lines, their sum and the latest calls; None when there is none."""
        header = subcontracts.find(db, key)
        if header is None:
            return None
        number = header["Subcontract_Number"].strip()
        vendor = masters.vendor(db, key.company, key.vendor)
        job = masters.job(db, key.company, header["Job_Number"])
        log = calls.newest_for(db, key, limit=10)
        body = [
            node("p", node("a", "Subcontracts", href="/"), class_="path"),
            node("h1", f"Subcontract {number}"),
            tables.facts(
                header, vendor["Vendor_Name"] if vendor else "", job["Job_Description"] if job else ""
            ),
            node("h2", "Lines"),
            tables.line_table(subcontracts.lines(db, key)),
            node("h2", "Latest calls"),
            tables.call_table(log)
            if log
            else tables.empty("No calls.", "The log holds none for this number."),
        ]
        return self._page(f"Subcontract {number}", body, faults)

    def call_log(self, db: sqlite3.Connection, query: Mapping[str, str], faults: int) -> bytes:
        """Every call, the latest first."""
        page = tables.page_number(query)
        rows = calls.newest(db, limit=ROWS + 1, offset=(page - 1) * ROWS)
        body: list[Content] = [node("h1", "Call log")]
        if rows:
            body += [tables.call_table(rows[:ROWS]), tables.pager(query, page, more=len(rows) > ROWS)]
        else:
            body.append(tables.empty("No calls.", "Each SOAP call is listed here, refused ones too."))
        return self._page("Call log", body, faults, at="/calls")

    def call(self, db: sqlite3.Connection, number: int, faults: int) -> bytes | None:
        """One call: what came, what was decided, what went back; None when there is none."""
        call = calls.find(db, number)
        if call is None:
            return None
        duration = f"{call['milliseconds']} ms" if call["milliseconds"] is not None else "not finished"
        facts = [
            ("Received", tables.timestamp(call["received_at"])),
            ("Outcome", tables.outcome(call)),
            ("Record stored", "Yes" if call["stored"] else "No"),
            ("On the wire", call["wire"] or "nothing yet"),
            ("Scripted fault", call["fault"] or "none"),
            ("Duration", duration),
        ]
        answers = [
            node("li", node("code", each["code"]), f" {each['text']} ", node("small", each["column"]))
            for each in call["answers"]
        ]
        elements = [
            node("tr", node("th", name, scope="row"), node("td", value or node("i", "blank")))
            for name, value in call["elements"].items()
        ]
        body = [
            node("p", node("a", "Call log", href="/calls"), class_="path"),
            node("h1", f"Call {call['id']} · {call['method']}"),
            tables.fact_list(facts),
            node("h2", "Answers"),
            node("ul", answers, class_="answers") if answers else node("p", "None.", class_="quiet"),
            node("h2", "Elements"),
            node("table", node("tbody", elements), class_="elements"),
            node("h2", "Reply"),
            node("pre", tables.indented(call["reply"]), tabindex="0")
            if call["reply"]
            else node("p", "None.", class_="quiet"),
        ]
        return self._page(f"Call {call['id']}", body, faults)

    def fault_list(self, faults: Sequence[Mapping[str, Any]], waiting: int) -> bytes:
        """The script of faults, and those that have struck."""
        buttons = [
            node("button", label, type="submit", name="fault", value=name)
            for name, label in [*((name, label) for name, (label, _) in BUTTONS.items()), ("clear", "Clear")]
        ]
        body: list[Content] = [
            node("h1", "Scripted faults"),
            node("form", buttons, method="post", action="/faults", class_="search"),
        ]
        if faults:
            body.append(tables.fault_table(faults))
        else:
            then = "They are posted as JSON to /simulator/faults, and forgotten at a restart."
            body.append(tables.empty("No faults.", then))
        kinds = [
            node("tr", node("th", kind, scope="row"), node("td", what)) for kind, (_, what) in KINDS.items()
        ]
        body += [node("h2", "Kinds"), node("table", node("tbody", kinds), class_="elements")]
        return self._page("Scripted faults", body, waiting, at="/faults")

    def not_found(self, what: str, faults: int) -> bytes:
        """The page behind every 404 that a person can reach."""
        body = [node("h1", "Not found"), node("p", what), node("p", node("a", "All subcontracts", href="/"))]
        return self._page("Not found", body, faults)

    def _page(self, title: str, body: Sequence[Content], faults: int, at: str = "") -> bytes:
        links = [
            node("a", text, href=href, aria_current="page" if href == at else None)
            for href, text in (("/", "Subcontracts"), ("/calls", "Call log"), ("/faults", "Faults"))
        ]
        cut = "cut" if self.switches.cut_over_long_text else "rejected"
        armed = f"{faults} scripted fault{'s' if faults > 1 else ''} waiting to strike."
        success = {"none": "no row", "blank": "a row without a code", "echo": "a row with the record's key"}
        return document(
            [
                node("meta", charset="utf-8"),
                node("meta", name="viewport", content="width=device-width, initial-scale=1"),
                node("meta", name="color-scheme", content="light dark"),
                node("title", f"{title} · Spectrum simulator"),
                node("link", rel="icon", href="/static/icon.svg", type="image/svg+xml"),
                node("link", rel="stylesheet", href="/static/simulator.css"),
            ],
            [
                node("a", "Skip to the content", href="#content", class_="skip"),
                node(
                    "header",
                    node(
                        "div",
                        node("a", "Spectrum simulator", href="/", class_="brand"),
                        node("nav", links, aria_label="Main"),
                        class_="wide",
                    ),
                ),
                node(
                    "aside",
                    node(
                        "p",
                        node("strong", "This is a simulator, not Viewpoint Spectrum."),
                        " Its success reply (",
                        success.get(self.switches.success, f"error_code {self.switches.success}"),
                        ") is a guess: what Spectrum answers to a successful Put is not public.",
                        class_="wide",
                    ),
                    class_="notice",
                    aria_label="About this server",
                ),
                node(
                    "main",
                    node("p", node("a", armed, href="/faults"), class_="armed") if faults else None,
                    body,
                    id="content",
                    class_="wide",
                ),
                node(
                    "footer",
                    node(
                        "p",
                        f"Over-long text is {cut}. Times are UTC. Only faults can be set on these pages.",
                        class_="wide",
                    ),
                ),
            ],
        )


def as_json(value: object) -> bytes:
    """JSON for tests and judges, one document."""
    return json.dumps(value, ensure_ascii=False, indent=1).encode()
