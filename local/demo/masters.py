"""The simulated Spectrum's knowledge before anything is exported: `python -m local.demo.masters`.

Writes data/spectrum_masters.json, which is committed. It needs no settings and no database.
"""

import json
from collections import defaultdict
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any

from local.demo.blueprint import PlannedVendor
from local.demo.catalogue import COST_TYPES, CostCode, cost_codes
from local.demo.companies import COMPANIES, DemoCompany, DemoProject
from local.demo.contracts import DATA
from local.demo.planning import FISCAL_START, blueprint
from local.demo.vendors import CASH, MATERIAL_COST, SUBCONTRACT_COST

MASTERS = DATA / "spectrum_masters.json"

# Under a phase that no contract has; of the others, a fifth more than the contracts, and a tenth is spent.
SPARE = "50000.00"
# Three that wait, each with the phase that has too little left for it.
OVERRUN = {"150184": ("32-310", "M"), "144165": ("33-110", "S"), "130201": ("26-500", "M")}


def phase_code(cost_code: str) -> str:
    """A cost code as Spectrum writes phases: without dashes."""
    return cost_code.replace("-", "")


def masters() -> dict[str, Any]:
    """The whole file as a document."""
    return {"companies": [_company(company) for company in COMPANIES]}


def as_text(document: dict[str, Any]) -> str:
    """JSON with one record on a line, so that a change can be read."""
    return _pretty(document, "") + "\n"


def write(path: Path = MASTERS) -> None:
    """Replace the file."""
    path.write_text(as_text(masters()), encoding="utf-8")


def _company(company: DemoCompany) -> dict[str, Any]:
    return {
        "code": company.company_code,
        "name": company.name,
        "authorization_ids": [company.authorization_id],
        "fiscal_start": FISCAL_START.isoformat(),
        "general_ledger_accounts": [
            {"account": SUBCONTRACT_COST, "kind": "job cost", "description": "Subcontract cost"},
            {"account": MATERIAL_COST, "kind": "job cost", "description": "Material and equipment cost"},
            {"account": CASH, "kind": "asset", "description": "Cash"},
        ],
        "vendors": _vendors(blueprint().vendors[company.slug]),
        "cost_types": list(COST_TYPES),
        "jobs": [
            _job(project) | ({"closed_to": [company.authorization_id]} if project.secured else {})
            for project in company.projects
        ],
    }


def _vendors(vendors: tuple[PlannedVendor, ...]) -> list[dict[str, Any]]:
    """Also those that are not linked yet; two spellings of one firm are one vendor."""
    by_code = {vendor.code: vendor for vendor in reversed(vendors)}
    return [
        {"code": code, "name": vendor.name, "active": vendor.active}
        for code, vendor in sorted(by_code.items())
    ]


def _job(project: DemoProject) -> dict[str, Any]:
    return {
        "number": project.job,
        "description": project.name,
        "price_method": "U",
        "estimated": SPARE,
        "dollars": _dollars(project),
        "phases": [_phase(code) for code in cost_codes() if code.status],
    }


def _dollars(project: DemoProject) -> dict[str, list[str]]:
    """By phase and cost type what was estimated, and what it has cost."""
    bought: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    overrun: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for commitment in blueprint().commitments:
        for line in commitment.lines if commitment.project == project else ():
            phase = (line.cost_code, line.cost_type)
            bought[phase] += max(line.amount, Decimal(0))
            if OVERRUN.get(commitment.number) == phase:
                overrun[phase] += line.amount
    found = {}
    for (code, cost_type), amount in sorted(bought.items()):
        to_date = _rounded(amount / 10)
        wanted = overrun.get((code, cost_type), amount * Decimal("1.5")) * Decimal("0.8")
        found[f"{phase_code(code)} {cost_type}"] = [f"{_rounded(to_date + wanted)}.00", f"{to_date}.00"]
    return found


def _rounded(amount: Decimal) -> Decimal:
    return (amount / 100).quantize(Decimal(1), ROUND_CEILING) * 100


def _phase(code: CostCode) -> dict[str, Any]:
    return {
        "code": phase_code(code.code),
        "description": code.name,
        "cost_types": list(code.cost_types),
        "status": code.status,
    }


def _pretty(value: Any, indent: str) -> str:
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(indent + line) <= 140:
        return line
    deeper = indent + " "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {_pretty(each, deeper)}" for key, each in value.items()]
        return "{\n" + deeper + f",\n{deeper}".join(parts) + f"\n{indent}}}"
    return "[\n" + deeper + f",\n{deeper}".join(_pretty(each, deeper) for each in value) + f"\n{indent}]"


if __name__ == "__main__":
    write()
