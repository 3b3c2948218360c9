"""Parts of the pages: the tables, lists of facts and links that more than one page shows."""

import datetime as dt
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from lxml import etree

from local.spectrum import calls, subcontracts
from local.spectrum.faults import OF_THE_SITE
from local.spectrum.html import Content, node

_STATUS = {"A": "Active", "I": "Inactive", "C": "Complete"}
_YES_NO = {"Y": "Yes", "N": "No", "A": "Not applicable", "": ""}
_TONE = {
    calls.ACCEPTED: "good",
    calls.REFUSED: "bad",
    calls.UNAUTHORISED: "bad",
    calls.FAULT: "bad",
    calls.RUNNING: "quiet",
}


def search_form(companies: Sequence[sqlite3.Row], chosen: str, words: str) -> etree._Element:
    """The filter of the list of subcontracts; it lives in the address."""
    options = [node("option", "All companies", value="")] + [
        node(
            "option",
            f"{each['code']} · {each['name']}",
            value=each["code"],
            selected="selected" if each["code"].upper() == chosen.upper() else None,
        )
        for each in companies
    ]
    return node(
        "form",
        node(
            "label",
            "Search",
            node("input", type="search", name="q", value=words, placeholder="Number, vendor, job or comment"),
            class_="grow",
        ),
        node("label", "Company", node("select", options, name="company")),
        node("button", "Show"),
        method="get",
        action="/",
        role="search",
    )


def subcontract_table(rows: Sequence[sqlite3.Row]) -> etree._Element:
    """Headers, one a row, each linked to its own page."""
    return _table(
        ("Number", "Vendor", "Job", "Comment", "#Lines", "#Amount", "Status", "Changed"),
        [
            (
                node("a", row["Subcontract_Number"].strip(), href=_subcontract_address(row)),
                (row["Vendor_Name"] or "", node("small", row["Vendor_Code"].strip())),
                (row["Job_Number"].strip(), node("small", row["Job_Description"] or "")),
                row["Comment_1"] + row["Comment_2"],
                str(row["line_count"]),
                _money(row["Original_Amount"]),
                _STATUS[row["Status_Code"]],
                timestamp(row["Simulator_Stored_At"]),
            )
            for row in rows
        ],
    )


def facts(header: sqlite3.Row, vendor: str, job: str) -> etree._Element:
    """A header's fields that a person would look for."""
    issued = dt.date.fromisoformat(header["Date_Issued"])
    facts: list[tuple[str, Content]] = [
        ("Company", header["Company_Code"].strip()),
        ("Vendor", f"{header['Vendor_Code'].strip()} {vendor}"),
        ("Job", f"{header['Job_Number'].strip()} {job}"),
        ("Status", _STATUS[header["Status_Code"]]),
        ("Original amount", _money(header["Original_Amount"])),
        (
            "Retention",
            f"{subcontracts.number(header['Retention_Percent'], 1)} %",
        ),
        ("GL account", header["GL_Account"].strip()),
        ("Date issued", f"{issued:%m/%d/%Y}"),
        ("Contract type", header["Contract_Type"]),
        ("Contact", header["Contact_Person"]),
        ("Insurance certificate", _YES_NO[header["Insurance_Cert_Flag"]]),
        ("Next payment", str(header["Next_Payment_Number"])),
        ("Comment", header["Comment_1"] + header["Comment_2"]),
    ]
    return fact_list(facts)


def line_table(lines: Sequence[sqlite3.Row]) -> etree._Element:
    """Lines in the order of their key, with their sum."""
    if not lines:
        return empty("No lines yet.", "A header and its lines come in calls of their own.")
    total = sum(subcontracts.number(line["Original_Contract_Amount"], 2) for line in lines)
    table = _table(
        (
            "Phase",
            "Cost type",
            "Bid item",
            "Description",
            "Unit",
            "#Quantity",
            "#Unit price",
            "#Amount",
            "Retainage",
        ),
        [
            (
                line["Phase_Code"].strip(),
                line["Cost_Type"].strip(),
                line["Bid_Item_Number"].strip(),
                line["Bill_Description"],
                line["Unit_Of_Measure"],
                f"{subcontracts.number(line['Original_Contract_Quantity'], 2):,}",
                f"{subcontracts.number(line['Unit_Price'], 4):,}",
                _money(line["Original_Contract_Amount"]),
                _YES_NO[line["Retention_Flag"]],
            )
            for line in lines
        ],
    )
    count = f"{len(lines)} line{'s' if len(lines) > 1 else ''}"
    sums = node(
        "tr",
        node("th", f"Sum of {count}", colspan="7", scope="row"),
        node("td", _money(total), class_="number", data_label="Sum"),
        node("td", class_="filler"),
    )
    next(table.iter("table")).append(node("tfoot", sums))
    return table


def call_table(rows: Sequence[Mapping[str, Any]]) -> etree._Element:
    """Calls, one a row, each linked to its own page."""
    return _table(
        ("Call", "Received", "Method", "Subcontract", "Outcome", "On the wire", "#Duration"),
        [
            (
                node("a", str(row["id"]), href=f"/calls/{row['id']}"),
                timestamp(row["received_at"]),
                row["method"],
                (row["number"], node("small", f"{row['company']} {row['vendor']}")),
                (
                    outcome(row),
                    [
                        node("small", f"{each['code']} {each['text']}")
                        for each in row["answers"]
                        if each["column"]
                    ],
                ),
                (row["wire"], node("small", f"scripted: {row['fault']}") if row["fault"] else None),
                f"{row['milliseconds']} ms" if row["milliseconds"] is not None else "",
            )
            for row in rows
        ],
    )


def fault_table(faults: Sequence[Mapping[str, Any]]) -> etree._Element:
    """Scripted faults in their order, with what each waits for."""
    return _table(
        ("Fault", "Waits for", "#Strikes", "#Struck", "Details", "State"),
        [
            (
                (fault["kind"], node("small", fault["what"])),
                _waits_for(fault),
                str(fault["times"]),
                str(fault["fired"]),
                _details(fault),
                _state(fault),
            )
            for fault in faults
        ],
    )


def _state(fault: Mapping[str, Any]) -> etree._Element:
    # What befell the whole site may last: until its seconds are over, or the script is cleared.
    over = "begun" if fault["kind"] in OF_THE_SITE else "spent"
    word, tone = (over, "quiet") if fault["is_spent"] else ("waiting", "odd")
    return node("span", word, class_=f"badge {tone}")


def _waits_for(fault: Mapping[str, Any]) -> str:
    if fault["on_call"] == 0:
        return "nothing: at once"
    which = " ".join(filter(None, [fault["method"], f"for {fault['key']}" if fault["key"] else ""]))
    chance = f", {fault['probability']:.0%} chance each" if fault["probability"] < 1 else ""
    return f"call {fault['on_call']} {which}".strip() + f" (saw {fault['seen']}){chance}"


def _details(fault: Mapping[str, Any]) -> str:
    seconds = f"{fault['seconds']:g} s" if fault["seconds"] else ""
    return ", ".join(filter(None, [seconds, fault["column"], fault["text"]]))


def outcome(call: Mapping[str, Any]) -> etree._Element:
    """How a call ended, in words and with a tone."""
    return node("span", call["outcome"], class_=f"badge {_TONE.get(call['outcome'], 'odd')}")


def _table(heads: Sequence[str], rows: Sequence[Sequence[Content]]) -> etree._Element:
    """A table that a narrow screen shows as cards; `#` marks a column of numbers."""
    names = [head.lstrip("#") for head in heads]
    numeric = ["number" if head.startswith("#") else None for head in heads]
    return node(
        "div",
        node(
            "table",
            node(
                "thead",
                node(
                    "tr",
                    [
                        node("th", name, scope="col", class_=tone)
                        for name, tone in zip(names, numeric, strict=True)
                    ],
                ),
            ),
            node(
                "tbody",
                [
                    node(
                        "tr",
                        [
                            node("td", node("div", cell), data_label=name, class_=tone)
                            for name, tone, cell in zip(names, numeric, row, strict=True)
                        ],
                    )
                    for row in rows
                ],
            ),
        ),
        class_="scroll",
    )


def fact_list(facts: Sequence[tuple[str, Content]]) -> etree._Element:
    """Names and values side by side."""
    return node(
        "dl",
        [
            node(
                "div",
                node("dt", name),
                node("dd", "–" if value == "" else value),
                class_="long" if isinstance(value, str) and len(value) > 60 else None,
            )
            for name, value in facts
        ],
    )


def pager(query: Mapping[str, str], page: int, *, more: bool) -> etree._Element | None:
    """Links to newer and older rows, or nothing when one page holds all."""
    if page == 1 and not more:
        return None
    kept = {name: query[name] for name in ("q", "company") if query.get(name)}

    def link(text: str, to: int) -> etree._Element:
        return node("a", text, href="?" + urlencode({**kept, "page": to}))

    newer = link("Newer", page - 1) if page > 1 else None
    return node(
        "nav",
        newer,
        f"Page {page}",
        link("Older", page + 1) if more else None,
        class_="pager",
        aria_label="Pages",
    )


def empty(what: str, then: str) -> etree._Element:
    """In the place of a table."""
    return node("div", node("p", node("strong", what)), node("p", then), class_="empty")


def page_number(query: Mapping[str, str]) -> int:
    """The page that the address asks for; the first when it makes no sense."""
    given = query.get("page", "1")
    return max(1, int(given)) if given.isascii() and given.isdigit() and len(given) < 7 else 1


def _subcontract_address(row: sqlite3.Row) -> str:
    names = ("Company_Code", "Vendor_Code", "Subcontract_Number")
    return "/subcontracts/" + "/".join(quote(row[name].strip(), safe="") for name in names)


def _money(value: object) -> str:
    return f"{subcontracts.number(value, 2):,}"


def timestamp(stamp: str) -> etree._Element:
    """A moment in UTC, to the second."""
    return node("time", dt.datetime.fromisoformat(stamp).strftime("%Y-%m-%d %H:%M:%S"), datetime=stamp)


def indented(reply: str) -> str:
    """A reply with line breaks for people; as it was sent when it is not well-formed."""
    try:
        root = etree.fromstring(
            reply.encode(), etree.XMLParser(resolve_entities=False, remove_blank_text=True)
        )
    except etree.XMLSyntaxError:
        return reply
    return etree.tostring(root, pretty_print=True, encoding="unicode")
