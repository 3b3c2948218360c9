"""The product's pages as a person reads them: rows of lists, issues, and what Spectrum will store."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import html

from tests.endurance.contracts.people import Person, Unexpected, words_of


@dataclass(frozen=True)
class Finding:
    """One thing that stands in the way, as a page tells it."""

    code: str
    sentence: str
    lines: tuple[int, ...] = ()  # their numbers in the Schedule of Values, if it is about any


@dataclass
class Commitment:
    """One row of a project's list. ``kind`` and ``project`` are as the page words them."""

    path: str
    project: str
    kind: str
    number: str
    badge: str


@dataclass(frozen=True)
class Row:
    """One row of accounting's list."""

    path: str
    number: str
    kind: str
    project: str
    vendor: str
    remark: str


@dataclass(frozen=True)
class Plan:
    """The plan as the dialog shows it: element names and values, blank ones left out."""

    header: dict[str, str]
    lines: tuple[dict[str, str], ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """Company, vendor and number."""
        names = ("Company_Code", "Vendor_Code", "Subcontract_Number")
        return (self.header[names[0]], self.header[names[1]], self.header[names[2]])


def projects(person: Person) -> list[str]:
    """The addresses of the commitment lists that a person has."""
    found = (link.get("href", "") for link in person.opens("/projects/").iter("a"))
    return sorted({path for path in found if re.fullmatch(r"/projects/\d+/commitments/", path)})


def commitments(person: Person, path: str) -> Iterator[Commitment]:
    """Every commitment of a project's list, page after page."""
    for page in _pages(person, path, path):
        project = words_of(_with_class(page, "p", "page-subtitle")[0]).partition(" · ")[0]
        for row in page.iterfind(".//tbody/tr"):
            link = _one(row, ".//th/a")
            number = words_of(link)
            yield Commitment(
                path=link.get("href", ""),
                project=project,
                kind=words_of(_one(row, ".//td[@data-label='Kind']")),
                number="" if number == "No number" else number,
                badge=words_of(_one(row, ".//td[@data-label='Accounting']")),
            )


def rows(person: Person, tool: str, view: str, search: str = "") -> Iterator[Row]:
    """Every row of one view of accounting's list, page after page."""
    path = f"{tool}commitments/"
    for page in _pages(person, f"{path}?view={view}&q={search}" if search else f"{path}?view={view}", path):
        for row in page.iterfind(".//tbody/tr"):
            link, actions = _one(row, ".//th/a"), _with_class(row, "td", "table-actions")[0]
            yield Row(
                path=path + link.get("href", "").partition("?")[0],
                number=words_of(link),
                kind=words_of(_one(row, ".//th/span")),
                project=_our_name(_one(row, "td[1]")),
                vendor=_our_name(_one(row, "td[2]")),
                remark=words_of(actions),
            )


def blocking(page: html.HtmlElement) -> list[Finding]:
    """The issues on the page."""
    found = []
    for item in page.iterfind(".//li[@data-severity='blocking']"):
        where = re.match(r"Lines? ([\d, and]+)", words_of(_with_class(item, "p", "issue-who")[0]))
        lines = tuple(map(int, re.findall(r"\d+", where[1]))) if where else ()
        sentence = words_of(_with_class(item, "p", "issue-text")[0]).removeprefix("Blocking: ")
        found.append(Finding(item.get("data-code", ""), sentence, lines))
    return found


def has_finding(page: html.HtmlElement, code: str) -> bool:
    """True if the page tells this issue, blocking or not."""
    return page.find(f".//li[@data-code='{code}']") is not None


def plan(page: html.HtmlElement) -> Plan:
    """The plan as the page shows it, before or after the export."""
    tables = _with_class(page, "table", "plan")
    if not tables:
        raise Unexpected(f"the page shows no plan: {words_of(page)[:300]}")
    rows_of_header = ((_one(row, "th"), _one(row, "td")) for row in tables[0].iterfind(".//tbody/tr"))
    header = {words_of(name): _value(value) for name, value in rows_of_header}
    lines = []
    for table in tables[1:]:
        names = [words_of(head) for head in table.iterfind(".//thead//th")][1:]
        for row in table.iterfind(".//tbody/tr"):
            values = [_value(cell) for cell in row.iterfind("td")]
            lines.append({name: value for name, value in zip(names, values, strict=True) if value})
    return Plan({name: value for name, value in header.items() if value}, tuple(lines))


def _pages(person: Person, first: str, path: str) -> Iterator[html.HtmlElement]:
    address = first
    while address:
        page = person.opens(address)
        yield page
        onward = [link.get("href", "") for link in page.iterfind(".//a[@rel='next']")]
        address = path + onward[0][onward[0].index("?") :] if onward else ""


def _with_class(element: html.HtmlElement, tag: str, name: str) -> list[html.HtmlElement]:
    return [each for each in element.iter(tag) if name in each.get("class", "").split()]


def _one(element: html.HtmlElement, path: str) -> html.HtmlElement:
    found = element.find(path)
    if found is None:
        raise Unexpected(f"there is no {path} in: {words_of(element)[:200]}")
    return found


def _our_name(cell: html.HtmlElement) -> str:
    """Without what Spectrum calls it, which stands below."""
    return " ".join((cell.text or "").split())


def _value(cell: html.HtmlElement) -> str:
    shown = _with_class(cell, "span", "plan-value")
    return str(shown[0].text_content()) if shown else ""
