"""The layouts of the two subcontract services, element by element, in wire order.

Source: the vendor's help pages "Add Subcontract" and "Add Subcontract Phases" and its
"Data Format Guidelines". Written down here a second time on purpose: the adapter has its
own copy, and only two independent readings can disagree.
"""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

FORBIDDEN_IN_KEYS = "/*?\"'><#,&~."


class Kind(enum.Enum):
    """How the text of an element is read."""

    TEXT = "text"
    CODE = "code"
    DATE = "date"
    NUMBER = "number"


@dataclass(frozen=True)
class Element:
    """One element of a request: its name, its width in characters and what it may hold."""

    name: str
    width: int
    kind: Kind = Kind.TEXT
    required: bool = False
    secret: bool = False
    choices: str = ""
    dashes: bool = True
    whole_digits: int = 0
    decimals: int = 0
    negative: bool = False

    def accepts(self, value: str) -> bool:
        """True if a value that is not blank fits the element's mask; its length is another question."""
        match self.kind:
            case Kind.NUMBER:
                return self._number_mask.fullmatch(value) is not None
            case Kind.CODE:
                return not set(value) & set(FORBIDDEN_IN_KEYS) and (self.dashes or "-" not in value)
            case Kind.DATE:
                # Both separators are published, but not one of each in one date.
                return re.fullmatch(r"\d\d([/-])\d\d\1\d{4}", value, re.ASCII) is not None
            case Kind.TEXT:
                return not self.choices or value in self.choices

    @property
    def _number_mask(self) -> re.Pattern[str]:
        fraction = rf"(\.\d{{0,{self.decimals}}})?" if self.decimals else ""
        sign = "-?" if self.negative else ""
        return re.compile(rf"(?=.*\d){sign}\d{{0,{self.whole_digits}}}{fraction}", re.ASCII)


@dataclass(frozen=True)
class Layout:
    """The request of one method: a flat sequence in which every element must be present."""

    method: str
    elements: tuple[Element, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The elements' names in wire order."""
        return tuple(element.name for element in self.elements)


def _text(name: str, width: int) -> Element:
    return Element(name, width)


def _code(name: str, width: int, *, required: bool = False, dashes: bool = True) -> Element:
    return Element(name, width, Kind.CODE, required=required, dashes=dashes)


def _choice(name: str, choices: str) -> Element:
    return Element(name, 1, choices=choices)


def _date(name: str) -> Element:
    return Element(name, 10, Kind.DATE)


def _number(name: str, width: int, *, mask: str) -> Element:
    """`mask` is written as the vendor writes it: `-6.4` is a sign, six digits and four decimals."""
    whole, _, decimals = mask.lstrip("-").partition(".")
    return Element(
        name,
        width,
        Kind.NUMBER,
        whole_digits=int(whole),
        decimals=int(decimals or 0),
        negative=mask.startswith("-"),
    )


_CREDENTIALS = (
    Element("Authorization_ID", 20, secret=True),
    Element("GUID", 36, secret=True),
)

_SUBCONTRACT_KEY = (
    _code("Company_Code", 3, required=True),
    _code("Vendor_Code", 10, required=True),
    _code("Subcontract_Number", 10, required=True),
)

SUBCONTRACT = Layout(
    "UpdateSubcontract",
    (
        *_CREDENTIALS,
        *_SUBCONTRACT_KEY,
        _code("Job_Number", 10),
        _code("Default_Phase_Code", 20, dashes=False),
        _code("Default_Cost_Type", 3),
        _choice("Status_Code", "AIC"),
        _text("Contract_Type", 15),
        _choice("Insurance_Cert_Flag", "YNA"),
        _date("Sent_Date"),
        _date("Date_Issued"),
        _text("Contact_Person", 20),
        _choice("Unit_Price_Flag", "YN"),
        _text("Comment", 120),
        _code("Routing_Code1", 10),
        _number("Routing_Limit", 13, mask="10.2"),
        _code("Routing_Code2", 10),
        _number("GL_Account", 12, mask="12"),
        # The page gives width 5 and format 2.1. The narrower of the two holds here, so that
        # whatever passes would also pass on a site that follows the other.
        _number("Retention_Percent", 5, mask="2.1"),
        _number("Next_Payment_Number", 5, mask="5"),
        _choice("Pay_Override", "YN"),
        _choice("Pay_Terms", "AB"),
        _number("Pay_Days", 3, mask="3"),
        _choice("Disc_Override", "YN"),
        _choice("Disc_Terms", "AB"),
        _number("Disc_Days", 3, mask="3"),
        _number("Disc_Perc", 6, mask="3.2"),
        _choice("Pay_When_Paid", "YN"),
        _number("Cost_Center_Override", 10, mask="10"),
    ),
)

SUBCONTRACT_PHASE = Layout(
    "UpdateSubcontractPhases",
    (
        *_CREDENTIALS,
        *_SUBCONTRACT_KEY,
        _code("Phase_Code", 20, dashes=False),
        _code("Cost_Type", 3),
        _code("Bid_Item_Number", 10),
        _text("Bill_Description", 25),
        _text("Unit_Of_Measure", 3),
        _choice("Retention_Flag", "YN"),
        _number("Unit_Price", 12, mask="-6.4"),
        _number("Original_Contract_Quantity", 12, mask="-8.2"),
        _number("Original_Contract_Amount", 13, mask="-9.2"),
    ),
)

# The services that list. Their parameters but the last ones take a pattern; which, is not public.
GET_JOB = Layout(
    "GetJob",
    (
        *_CREDENTIALS,
        _text("pCompany_Code", 3),
        _text("pDivision", 5),
        _choice("pStatus_Code", "AIC"),
        _text("pProject_Manager", 15),
        _text("pSuperintendent", 15),
        _text("pEstimator", 15),
        _text("pCustomer_Code", 10),
        _text("pCost_Center", 10),
        _choice("pSort_By", "DPSEC"),
    ),
)
GET_PHASE = Layout(
    "GetPhase",
    (
        *_CREDENTIALS,
        _text("pCompany_Code", 3),
        _text("pCost_Type", 3),
        _text("pJob_Number", 10),
        _choice("pStatus_Code", "AIC"),
        _text("pCost_Center", 10),
        _choice("pSort_By", "C"),
    ),
)

# The page names all but the last one, which it only describes: an option to append.
SUBCONTRACT_NOTES = Layout(
    "SubcontractNotes",
    (
        *_CREDENTIALS,
        *_SUBCONTRACT_KEY,
        Element("Notes_Topic", 20, required=True),
        Element("Notes_Text", 1000),
        _choice("Append_Note", "YN"),
    ),
)

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {layout.method: layout for layout in (SUBCONTRACT, SUBCONTRACT_PHASE, SUBCONTRACT_NOTES)}
)
