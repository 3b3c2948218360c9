"""The layouts of Spectrum's subcontract services, and of those that list masters, as they are published.

Order, types, widths and masks are those of the vendor's help pages (docs/spectrum.md, sections 1, 2 and 6).
Where a page is silent about decimals, the field takes whole numbers, which fit every reading.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from erp_integrations.adapters.spectrum.fields import FORBIDDEN_IN_KEYS, Field, Kind


def _text(name: str, width: int, *, cuttable: bool = False, blank: str = "") -> Field:
    return Field(name, Kind.TEXT, width, cuttable=cuttable, blank=blank)


def _secret(name: str, width: int) -> Field:
    return Field(name, Kind.TEXT, width, secret=True)


def _key(name: str, width: int, *, required: bool = False, dashes: bool = True, blank: str = "") -> Field:
    return Field(name, Kind.TEXT, width, key=True, required=required, dashes=dashes, blank=blank)


def _choice(name: str, choices: str, *, blank: str = "") -> Field:
    return Field(name, Kind.TEXT, 1, choices=choices, blank=blank)


def _date(name: str, *, blank: str = "") -> Field:
    return Field(name, Kind.DATE, 10, blank=blank)


def _whole(name: str, width: int, *, required: bool = False, blank: str = "") -> Field:
    return Field(name, Kind.NUMBER, width, integers=width, required=required, blank=blank)


def _decimal(name: str, width: int, mask: str, *, required: bool = False) -> Field:
    integers, decimals = mask.lstrip("-").split(".")
    return Field(
        name,
        Kind.NUMBER,
        width,
        required=required,
        integers=int(integers),
        decimals=int(decimals),
        signed=mask.startswith("-"),
    )


_PRINTABLE = "".join(map(chr, range(ord(" "), ord("~") + 1)))
_UPPER = "".join(character for character in _PRINTABLE if not character.islower())
_IN_CODES = "".join(character for character in _UPPER if character not in FORBIDDEN_IN_KEYS)
_IN_NAMES = "".join(character for character in _UPPER if character not in "*?")


@dataclass(frozen=True, slots=True)
class Narrowing:
    """A parameter of a list by which less of it is asked for: by a value, or by how values begin.

    ``column`` is where the rows hold the value, ``characters`` what one may consist of (in upper
    case; Spectrum does not tell cases apart). ``sort`` is the value of pSort_By that puts the list
    into its order, blanks first; it is blank where every record has a value.
    """

    element: str
    column: str
    width: int
    sort: str = ""
    characters: str = _IN_CODES


@dataclass(frozen=True, slots=True)
class Layout:
    """The flat list of fields that one service takes, one record for one call.

    ``narrowings`` are the ways to ask for less, in the order in which they are tried.
    """

    method: str
    fields: tuple[Field, ...]
    lists: bool = False
    narrowings: tuple[Narrowing, ...] = ()

    def __getitem__(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Every element of the request, secrets too, in order."""
        return tuple(field.name for field in self.fields)

    @property
    def public(self) -> tuple[Field, ...]:
        """The fields that a call may carry in its record: all but the secrets."""
        return tuple(field for field in self.fields if not field.secret)


# Adds or updates a subcontract's header. Key: Company_Code, Vendor_Code, Subcontract_Number.
# Job_Number and GL_Account are required when a record is made; we may always be making it.
UPDATE_SUBCONTRACT = Layout(
    "UpdateSubcontract",
    (
        _secret("Authorization_ID", 20),
        _secret("GUID", 36),
        _key("Company_Code", 3, required=True),
        _key("Vendor_Code", 10, required=True),
        _key("Subcontract_Number", 10, required=True),
        _key("Job_Number", 10, required=True),
        _key("Default_Phase_Code", 20, dashes=False),
        _key("Default_Cost_Type", 3),
        _choice("Status_Code", "AIC", blank="A"),
        _text("Contract_Type", 15, cuttable=True),
        _choice("Insurance_Cert_Flag", "YNA", blank="the vendor's"),
        _date("Sent_Date"),
        _date("Date_Issued", blank="the processing date"),
        _text("Contact_Person", 20, cuttable=True),
        _text("Unit_Price_Flag", 1, blank="N, or the job's"),
        _text("Comment", 120, cuttable=True),
        _text("Routing_Code1", 10),
        _decimal("Routing_Limit", 13, "10.2"),
        _text("Routing_Code2", 10),
        _whole("GL_Account", 12, required=True),
        # Width 5, mask 2.1: the narrower of the two fits both.
        _decimal("Retention_Percent", 5, "2.1"),
        _whole("Next_Payment_Number", 5, blank="1"),
        _text("Pay_Override", 1),
        _text("Pay_Terms", 1),
        _whole("Pay_Days", 3),
        _text("Disc_Override", 1),
        _text("Disc_Terms", 1),
        _whole("Disc_Days", 3),
        _decimal("Disc_Perc", 6, "3.2"),
        _text("Pay_When_Paid", 1),
        _whole("Cost_Center_Override", 10),
    ),
)

# Adds or updates one line. Key: the header's, and Phase_Code, Cost_Type, Bid_Item_Number.
UPDATE_SUBCONTRACT_PHASES = Layout(
    "UpdateSubcontractPhases",
    (
        _secret("Authorization_ID", 20),
        _secret("GUID", 36),
        _key("Company_Code", 3, required=True),
        _key("Vendor_Code", 10, required=True),
        _key("Subcontract_Number", 10, required=True),
        _key("Phase_Code", 20, required=True, dashes=False),
        _key("Cost_Type", 3, required=True),
        _key("Bid_Item_Number", 10, blank="the phase's"),
        _text("Bill_Description", 25, cuttable=True, blank="the phase's"),
        _text("Unit_Of_Measure", 3, blank="the phase's"),
        _choice("Retention_Flag", "YN", blank="N, or the phase's"),
        _decimal("Unit_Price", 12, "-6.4"),
        _decimal("Original_Contract_Quantity", 12, "-8.2"),
        _decimal("Original_Contract_Amount", 13, "-9.2", required=True),
    ),
)

# Replaces what stands under a topic of the subcontract's notes. Append_Note (Y appends, blank replaces)
# is none of our fields, so it is sent blank: sending the same again changes nothing.
SUBCONTRACT_NOTES = Layout(
    "SubcontractNotes",
    (
        _secret("Authorization_ID", 20),
        _secret("GUID", 36),
        _key("Company_Code", 3, required=True),
        _key("Vendor_Code", 10, required=True),
        _key("Subcontract_Number", 10, required=True),
        Field("Notes_Topic", Kind.TEXT, 20, required=True),
        Field("Notes_Text", Kind.TEXT, 1000, required=True),
    ),
)

LAYOUTS: Mapping[str, Layout] = {
    layout.method: layout for layout in (UPDATE_SUBCONTRACT, UPDATE_SUBCONTRACT_PHASES, SUBCONTRACT_NOTES)
}

STATUSES = ("A", "I", "C")
"""What pStatus_Code is asked for, one after the other: left blank, it leaves the complete ones out."""

# A list of jobs. No parameter takes a job's number.
GET_JOB = Layout(
    "GetJob",
    (
        _secret("Authorization_ID", 20),
        _secret("GUID", 36),
        _key("pCompany_Code", 3, required=True),
        _text("pDivision", 5),
        _choice("pStatus_Code", "AIC"),
        _text("pProject_Manager", 15),
        _text("pSuperintendent", 15),
        _text("pEstimator", 15),
        _text("pCustomer_Code", 10),
        _text("pCost_Center", 10),
        _choice("pSort_By", "DPSEC"),
    ),
    lists=True,
    narrowings=(
        Narrowing("pCustomer_Code", "customer_code", 10, sort="C"),
        Narrowing("pDivision", "division", 5, sort="D"),
        Narrowing("pProject_Manager", "project_manager", 15, sort="P"),
        Narrowing("pSuperintendent", "superintendent", 15, sort="S"),
        Narrowing("pEstimator", "estimator", 15, sort="E"),
    ),
)

# A list of a job's phases with their cost types. No parameter takes a phase.
GET_PHASE = Layout(
    "GetPhase",
    (
        _secret("Authorization_ID", 20),
        _secret("GUID", 36),
        _key("pCompany_Code", 3, required=True),
        _text("pCost_Type", 3),
        _key("pJob_Number", 10, required=True),
        _choice("pStatus_Code", "AIC"),
        _text("pCost_Center", 10),
        _choice("pSort_By", "C"),
    ),
    lists=True,
    narrowings=(Narrowing("pCost_Type", "cost_type", 3),),
)

LISTS: Mapping[str, Layout] = {layout.method: layout for layout in (GET_JOB, GET_PHASE)}

# The REST list of vendors. A filter of its is heeded only where cost centers are named too.
VENDOR_FILTERS: Mapping[str, str] = {"pCostCenter": "ALL"}
VENDORS_BY_NAME = Narrowing("pName", "name", 30, characters=_IN_NAMES)
