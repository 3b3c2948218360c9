"""The two companies of the demo and their projects, all invented; which contract belongs where.

A project is made of one department's contracts of some years, and of the purchases that sound
like them: the record names no department for purchases.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from local.demo.contracts import PUBLIC_WORKS, Contract


@dataclass(frozen=True, slots=True)
class DemoProject:
    """A construction job. ``job`` is its number in Spectrum, where it is even if it is not linked.

    ``secured``: job security there keeps the company's own operator from it.
    """

    number: str
    name: str
    job: str
    linked: bool = True
    secured: bool = False


@dataclass(frozen=True, slots=True)
class DemoCompany:
    """A contractor with its Spectrum company."""

    slug: str
    name: str
    company_code: str
    authorization_id: str
    projects: tuple[DemoProject, ...]

    def project(self, number: str) -> DemoProject:
        """The project of that number. Raises StopIteration when it is another company's."""
        return next(project for project in self.projects if project.number == number)


def _linked(number: str, name: str) -> DemoProject:
    return DemoProject(number, name, f"{number}-01")


KEYSTONE = DemoCompany(
    "keystone",
    "Keystone Builders",
    "PHL",
    "KEYSTONE-DEMO-7Q",
    (
        _linked("WM13", "Water Mains and Sewers to 2013"),
        _linked("WM14", "Water Mains and Sewers 2014"),
        _linked("WM15", "Water Mains and Sewers 2015"),
        _linked("WTP", "Water Treatment Plants"),
        _linked("STR", "Streets and Bridges"),
        _linked("PARK", "Parks and Recreation Centers"),
        _linked("SAFE", "Police and Fire Facilities"),
        DemoProject("HQ", "Police Headquarters", "HQ-01", secured=True),
        _linked("CITY", "City Hall and Public Buildings"),
        _linked("FLEET", "Fleet Shops"),
        DemoProject("SHEL", "Shelters and Correctional Facilities", "SHEL-01", linked=False),
        _linked("SUP12", "Citywide Maintenance to 2012"),
        _linked("SUP13", "Citywide Maintenance 2013"),
        _linked("SUP14", "Citywide Maintenance 2014"),
        _linked("SUP15", "Citywide Maintenance 2015"),
    ),
)
HARBOR = DemoCompany(
    "harbor",
    "Harbor Contractors",
    "HBR",
    "HARBOR-DEMO-3X",
    (_linked("AIR", "Airport Terminals and Airfield"), _linked("PORT", "Waterfront and Port")),
)
COMPANIES = (KEYSTONE, HARBOR)

_Test = Callable[[Contract], bool]


def _department(*names: str) -> _Test:
    return lambda contract: contract.department in names


def _words(words: str) -> _Test:
    pattern = re.compile(words, re.IGNORECASE)
    return lambda contract: bool(pattern.search(contract.title))


def _started(year: int) -> _Test:
    return lambda contract: contract.start.year == year


_PLANT = _words(
    r"\bW[TP]+\b|WPCP|pollution|water plant|basins?\b|filter nos|pumping st|storage tanks|effluent"
)
_WATERFRONT = _words(r"riverfront|streetsscape")
_PIPES = _words(r"pipe|hydrant|sewer|manhole|curb stop|corporation stop|meters, parts|valve repair")

# The first that holds decides.
_PUBLIC_WORKS: tuple[tuple[str, _Test], ...] = (
    ("PORT", lambda contract: contract.department == "COMMERCE" and _WATERFRONT(contract)),
    ("AIR", _department("COMMERCE")),
    ("WTP", lambda contract: contract.department == "WATER" and _PLANT(contract)),
    ("WM13", lambda contract: contract.department == "WATER" and contract.start.year <= 2013),
    ("WM14", lambda contract: contract.department == "WATER" and contract.start.year == 2014),
    ("WM15", _department("WATER")),
    ("STR", _department("STREETS")),
    ("PARK", _department("RECREATION", "FAIRMOUNT PARK COMMISSION")),
    ("HQ", lambda contract: contract.number == "144167"),
    ("SAFE", _department("POLICE", "FIRE")),
    ("FLEET", _department("FLEET MANAGEMENT")),
    ("SHEL", _department("PRISONS", "OFFICE OF SUPPORTIVE HOUSING")),
    ("CITY", lambda contract: True),
)
_PURCHASES: tuple[tuple[str, _Test], ...] = (
    ("AIR", _words(r"airport|runway|taxiway|aeronaut|\bPHL\b|jet fuel|IED term|quarantined|snow melters")),
    ("PORT", _words(r"\bboats?\b|vessel|barge|marine|outboard")),
    ("SHEL", _words(r"prison|correction|detention|mattress|wrist bands|washcloth|sheeting|barber")),
    ("WTP", _words(r"treatment|activated carbon|sludge|sediment|flocculation|bar screen|filter media|PWD")),
    ("WM15", lambda contract: contract.start.year >= 2014 and _PIPES(contract)),
    ("WM13", _PIPES),
    ("STR", _words(r"asphalt|bitum|aggregate|traffic|c-post|pothole|street light|snow|barricade|concrete")),
    ("PARK", _words(r"tree|lawn|turf|landscap|forest|playground|planting|irrigat|infield|swimming|athletic")),
    ("SAFE", _words(r"fire|police|ammunition|pistol|ballistic|taser|handcuff|crime|medic|breathing|gun\b")),
    ("FLEET", _words(r"vehicle|truck|auto|tire|engine|transmission|towing|fleet|sedan|motorcycle|wheels")),
    ("CITY", _words(r"elevator|hvac|boiler|roof|carpet|furniture|door|locks|librar|janitor|custodial")),
    ("SUP15", _started(2015)),
    ("SUP14", _started(2014)),
    ("SUP13", _started(2013)),
    ("SUP12", lambda contract: True),
)


def place_of(contract: Contract) -> tuple[DemoCompany, DemoProject]:
    """The project that a contract belongs to in the demo, with its company."""
    tests = _PUBLIC_WORKS if contract.kind == PUBLIC_WORKS else _PURCHASES
    number = next(number for number, holds in tests if holds(contract))
    company = next(each for each in COMPANIES if any(p.number == number for p in each.projects))
    return company, company.project(number)
