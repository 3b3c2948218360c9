"""The next free number of a project and kind, in the way that its newest one is counted."""

import re

from commitments.models import Commitment, Kind
from directory.models import Project

MANY = 5_000
FIRST_NUMBERS = {Kind.SUBCONTRACT: "SC-001", Kind.PURCHASE_ORDER: "PO-001"}
COUNTED = re.compile(r"(.*?)([0-9]{1,9})", re.DOTALL)


def find_free_number(project: Project, kind: str) -> str:
    """Free among the newest ones; Save looks at all."""
    newest = Commitment.objects.filter(project=project, kind=kind).order_by("-pk")
    numbers = [number.upper() for number in newest.values_list("number", flat=True)[:MANY]]
    found = next(filter(None, map(COUNTED.fullmatch, numbers)), None)
    if found is None:
        return FIRST_NUMBERS[Kind(kind)]
    stem, digits = found.groups()
    counts = (each.removeprefix(stem) for each in numbers if each.startswith(stem))
    most = max(int(each) for each in counts if re.fullmatch("[0-9]{1,9}", each))
    return f"{stem}{most + 1:0{len(digits)}}"
