"""How names are compared, after what firms and people write differently is taken off: legal forms, dots, "&",
accents, blanks between initials.

What to link is suggested by the groups of three letters that two names share: one pass over all of
Spectrum's vendors serves all of ours, and part of a name is enough. Whether two of our own are one firm is
asked of both names as a whole. A person confirms either.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

LEGAL_FORMS = frozenset(
    {"CO", "COMPANY", "CORP", "CORPORATION", "INC", "INCORPORATED", "LIMITED", "LLC", "LLP", "LP", "LTD"}
    | {"PA", "PC", "PLC", "PLLC"}
)
MIN_LIKENESS = 0.45  # below it, a suggestion is more often wrong than right
MAX_SUGGESTIONS = 3
MIN_SLIP_LENGTH = 5  # a letter is too much of a shorter name; of four letters, the first at least
ABBREVIATIONS = {
    "ASSOC": "ASSOCIATES",
    "BLDG": "BUILDING",
    "BROS": "BROTHERS",
    "CONST": "CONSTRUCTION",
    "CONSTR": "CONSTRUCTION",
    "ELEC": "ELECTRIC",
    "ENG": "ENGINEERING",
    "ENT": "ENTERPRISES",
    "EQUIP": "EQUIPMENT",
    "GRP": "GROUP",
    "IND": "INDUSTRIES",
    "INTL": "INTERNATIONAL",
    "LABS": "LABORATORIES",
    "MECH": "MECHANICAL",
    "MFG": "MANUFACTURING",
    "MGMT": "MANAGEMENT",
    "NATL": "NATIONAL",
    "PHILA": "PHILADELPHIA",
    "PLBG": "PLUMBING",
    "PROD": "PRODUCTS",
    "SUP": "SUPPLY",
    "SVC": "SERVICE",
    "SVCS": "SERVICES",
    "SYS": "SYSTEMS",
    "TECH": "TECHNOLOGIES",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Suggestion(Generic[T]):
    """One that looks like it. ``likeness`` is at most 1: the same name but for its spelling."""

    found: T
    likeness: float

    @property
    def is_same_name(self) -> bool:
        return self.likeness >= 1


def find_suggestions(
    names: Iterable[str], candidates: Iterable[tuple[str, T]]
) -> dict[str, list[Suggestion[T]]]:
    """For each name the few candidates that look most like it, best first.

    The names are few and the candidates many, so these are gone through once.
    """
    comparable_names = {name: get_comparable_name(name) for name in names}
    trigrams = {normal: _get_trigrams(normal) for normal in comparable_names.values()}
    names_by_trigram: defaultdict[str, list[str]] = defaultdict(list)
    for normal, own_trigrams in trigrams.items():
        for trigram in own_trigrams:
            names_by_trigram[trigram].append(normal)
    best: defaultdict[str, list[Suggestion[T]]] = defaultdict(list)
    for name, candidate in candidates:
        normal_candidate = get_comparable_name(name)
        own_trigrams = _get_trigrams(normal_candidate)
        shared = Counter(normal for trigram in own_trigrams for normal in names_by_trigram.get(trigram, ()))
        for normal, count in shared.items():
            likeness = 2 * count / (len(own_trigrams) + len(trigrams[normal]))
            if likeness >= MIN_LIKENESS:
                same = normal == normal_candidate
                best[normal].append(Suggestion(candidate, 1.0 if same else min(likeness, 0.99)))
    return {
        name: sorted(best[normal], key=lambda each: -each.likeness)[:MAX_SUGGESTIONS]
        for name, normal in comparable_names.items()
    }


def is_similar(ours: str, theirs: str) -> bool:
    """A person would take the two for one; so where one of them is unknown."""
    return not (get_comparable_name(ours) and get_comparable_name(theirs)) or bool(
        find_suggestions([ours], [(theirs, None)])[ours]
    )


@lru_cache(20_000)  # of a company's vendors, of which all are compared with each link
def get_comparable_name(name: str) -> str:
    """A firm's name without its spelling; may be empty."""
    plain = unicodedata.normalize("NFKD", name.upper().replace("&", " AND "))
    plain = re.sub(r"['’.]", "", "".join(each for each in plain if not unicodedata.combining(each)))
    words = re.sub(r"[^0-9A-Z]+", " ", plain).split()
    if len(words) > 1 and words[0] == "THE":
        words = words[1:]
    while len(words) > 1 and (words[-1] in LEGAL_FORMS or words[-1] == "AND"):
        words.pop()
    # "W B MASON" and "W.B. MASON" are one firm.
    return re.sub(r"\b(\w) (?=\w\b)", r"\1", " ".join(words))


def get_likeness(name: str, other: str) -> int:
    """Of 100, whatever the order of words and their spelling; names that differ in a figure are two.

    One slip of the hand counts once: a letter more, less or another, or two in the wrong order.
    """
    ours, theirs = get_spelled_name(name), get_spelled_name(other)
    if re.findall(r"\d+", ours) != re.findall(r"\d+", theirs):
        return 0
    least = MIN_SLIP_LENGTH - 1 if ours[:1] == theirs[:1] else MIN_SLIP_LENGTH
    slips = [
        100 - 100 / (len(one) + len(two))
        for one, two in ((ours, theirs), (name.upper(), other.upper()))
        if min(len(ours), len(theirs)) >= least and OSA.distance(one, two, score_cutoff=1) == 1
    ]
    return int(max(fuzz.ratio(ours, theirs), fuzz.token_sort_ratio(ours, theirs), *slips))


def get_spelled_name(name: str) -> str:
    """As names are compared: without legal form, abbreviations in full, a zero among letters an O."""
    plain = "".join(
        each for each in unicodedata.normalize("NFKD", name.upper()) if not unicodedata.combining(each)
    )
    if any(
        each.isalpha() and not each.isascii() for each in plain
    ):  # of another script nothing would be left
        words = re.sub(r"[^\w ]", " ", plain).split()
        return " ".join(word for word in words if word not in LEGAL_FORMS) or plain
    words = re.sub(r"(?<=[A-Z])0|0(?=[A-Z])", "O", get_comparable_name(name)).split()
    return " ".join(ABBREVIATIONS.get(word, word) for word in words)


def _get_trigrams(normal: str) -> frozenset[str]:
    padded = f"  {normal} "
    return (
        frozenset(map("".join, zip(padded, padded[1:], padded[2:], strict=False))) if normal else frozenset()
    )
