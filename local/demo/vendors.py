"""The record's vendors as Contract Companies, and what Spectrum calls them; the codes are invented."""

import re
from collections.abc import Iterable, Mapping

from local.demo.blueprint import PlannedCommitment, PlannedVendor
from local.demo.contracts import PUBLIC_WORKS

SUBCONTRACT_COST = "500100"
MATERIAL_COST = "500200"
CASH = "110000"  # no job cost account: Spectrum refuses it

# Awkward on purpose: see README.md.
NOT_LINKED = frozenset(
    {
        "AGILENT TECHNOLOGIES INC",
        "GESSLER CONSTRUCTION COMPANY",
        "HUMANSCALE CORP",
        "KOMPAN INC",
        "MYTHICS INC",
        "UNITED STATES ROOFING CORP",
    }
)
INACTIVE = frozenset({"HORIZON BROTHERS PAINTING CORP"})
WITH_A_WRONG_ACCOUNT: Mapping[str, str] = {"W B MASON COMPANY INC": CASH}

_LEGAL_FORMS = {"INC", "INCORPORATED", "INCORPORATION", "CO", "COMPANY", "CORP", "CORPORATION"}
_LEGAL_FORMS |= {"LLC", "LTD", "LP", "L", "C", "P"}


def vendors_of(commitments: Iterable[PlannedCommitment]) -> tuple[PlannedVendor, ...]:
    """Each vendor of these commitments once, by name.

    Three firms stand in the record under two spellings: two Contract Companies, one Spectrum vendor.
    """
    kinds: dict[str, set[str]] = {}
    for commitment in commitments:
        kinds.setdefault(commitment.contract.vendor, set()).add(commitment.contract.kind)
    codes = _codes(kinds)
    return tuple(
        PlannedVendor(
            name,
            codes[name],
            linked=name not in NOT_LINKED,
            active=name not in INACTIVE,
            account=WITH_A_WRONG_ACCOUNT.get(name, "" if PUBLIC_WORKS in kinds[name] else MATERIAL_COST),
        )
        for name in sorted(kinds)
    )


def _codes(names: Iterable[str]) -> dict[str, str]:
    """A code of at most ten letters and digits for each name; spellings of one firm share theirs."""
    firms: dict[str, str] = {}
    given: set[str] = set()
    codes: dict[str, str] = {}
    for name in sorted(names):
        words = re.sub(r"[^A-Z0-9 ]", "", name.upper()).split()
        while len(words) > 1 and words[-1] in _LEGAL_FORMS:
            words.pop()
        firm = "".join(words)
        if firm not in firms:
            stem, number = firm[:8], 1
            while (code := stem if number == 1 else f"{stem}{number:02}") in given:
                number += 1
            given.add(code)
            firms[firm] = code
        codes[name] = firms[firm]
    return codes
