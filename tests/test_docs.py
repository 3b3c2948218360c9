"""Comments and documents cite what can be opened, and says something: files, numbered sections, anchors."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
CODE = (
    "commitments",
    "config",
    "directory",
    "erp_integrations",
    "local",
    "notifications",
    "templates",
    "tests",
)
WRITTEN = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TEXT = {".py", ".html", ".txt", ".css", ".js", ".toml", ".in", ".example", ""}

NUMBER = r"\d+(?:\.\d+)?"
DOCUMENT = re.compile(r"\bdocs/[\w./-]+?\.md\b")
# `docs/product.md, section 2.3`, `docs/spectrum.md, sections 2 and 3`, `[a name](spectrum.md), section 4`.
CITED = re.compile(
    rf"([\w./-]+\.md)[`)]*,? sections? ({NUMBER}(?:(?:, (?:and )?| and | to ){NUMBER})*)", re.IGNORECASE
)
# `(7.6)`, `section 12.2` and `sections 6 and 7`, in a document about itself.
OWN = re.compile(rf"(?<!\.md\), )(?<!\.md, )\bsections? ({NUMBER}(?: and {NUMBER})*)|\((\d\d?(?:\.\d+)?)\)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
UNREADABLE = re.compile(
    r"\((?:product|architecture), (?:section|invariant)|(?:house|platform)\.md"
    r"|(?<![\w/-])(?:product|architecture)\.md"
)


def text_of(path: Path) -> str:
    """On one line, without the signs of comments, so that a reference may be broken over two."""
    return re.sub(r"\s*\n[\s#]*", " ", path.read_text(encoding="utf-8", errors="replace"))


def code() -> Iterator[Path]:
    files = [each for name in CODE for each in (ROOT / name).rglob("*")]
    for path in [*files, *(ROOT / "script").iterdir(), *ROOT.glob("*.toml"), ROOT / ".env.example"]:
        if path.is_file() and path.suffix in TEXT and path != Path(__file__):
            yield path


@cache
def sections(document: Path) -> frozenset[str]:
    """The numbers of its headings: `2` of "## 2. Rights", `2.3` of "### 2.3 Four eyes"."""
    numbered = re.findall(rf"^#+ ({NUMBER})\.? ", document.read_text(), re.MULTILINE)
    return frozenset(numbered)


@cache
def anchors(document: Path) -> frozenset[str]:
    """As the repository's host makes them of headings."""
    plain = (re.sub(r"[^\w\- ]", "", each.lower()) for each in HEADING.findall(document.read_text()))
    return frozenset(each.strip().replace(" ", "-") for each in plain)


def broken_citations(path: Path) -> Iterator[str]:
    for name, numbers in CITED.findall(text_of(path)):
        document = next((each for each in (ROOT / name, path.parent / name) if each.is_file()), None)
        if document is None or set(re.findall(NUMBER, numbers)) - sections(document):
            yield f"{path.relative_to(ROOT)}: {name}, {numbers}"


def test_every_section_that_code_cites_is_there() -> None:
    found = [path for path in code() if CITED.search(text_of(path))]
    assert len(found) > 40
    assert [broken for path in found for broken in broken_citations(path)] == []


def test_every_document_that_code_names_is_there() -> None:
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in code()
        for name in DOCUMENT.findall(text_of(path))
        if not (ROOT / name).is_file()
    }
    assert missing == set()


def test_code_cites_nothing_that_nobody_can_open() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {each}" for path in code() for each in UNREADABLE.findall(text_of(path))
    }
    assert found == set()


@pytest.mark.parametrize("document", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_lead_to_what_is_there(document: Path) -> None:
    broken = list(broken_citations(document))
    for link in LINK.findall(document.read_text()):
        target, _, anchor = link.partition("#")
        if ":" in target:
            continue
        file = document.parent / target if target else document
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("name", ["product.md", "architecture.md"])
def test_documents_cite_their_own_sections(name: str) -> None:
    document = ROOT / "docs" / name
    found = {
        number
        for pair in OWN.findall(text_of(document))
        for each in pair
        for number in re.findall(NUMBER, each)
    }
    assert found
    assert found - sections(document) == set()


def test_every_file_of_the_rules_is_there() -> None:
    """The table of CONTRIBUTING.md, by which a newcomer finds a rule."""
    rules = (ROOT / "CONTRIBUTING.md").read_text().split("## Where the rules are")[1].split("\n## ")[0]
    named = re.findall(r"`([\w/]+\.py)`", rules)
    assert len(named) >= 14
    assert [name for name in named if not (ROOT / name).is_file()] == []
