"""The layouts of Spectrum's subcontract services, and of those that list masters, as they are published.

Order, types, widths and masks are those of the vendor's help pages (docs/spectrum.md, sections 1, 2 and 6).
Where a page is silent about decimals, the field takes whole numbers, which fit every reading.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from erp_integrations.adapters.spectrum.field_types import FORBIDDEN_IN_KEYS, Field, FieldKind

_build_secret_field = partial(Field, secret=True)
_build_key_field = partial(Field, key=True)
_build_choice_field = partial(Field, width=1)
_build_date_field = partial(Field, width=10, kind=FieldKind.DATE)


def _build_integer_field(name: str, width: int, *, required: bool = False, blank: str = "") -> Field:
    return Field(name, width, FieldKind.NUMBER, integers=width, required=required, blank=blank)


def _build_decimal_field(name: str, width: int, mask: str, *, required: bool = False) -> Field:
    integers, decimals = mask.lstrip("-").split(".")
    return Field(
        name,
        width,
        FieldKind.NUMBER,
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
class PartitionKey:
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


@dataclass(frozen=True)
class Layout:
    """The flat list of fields that one service takes, one record for one call.

    ``partition_keys`` are the ways to ask for less, in the order in which they are tried.
    """

    method: str
    fields: tuple[Field, ...]
    is_list: bool = False
    partition_keys: tuple[PartitionKey, ...] = ()

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        return {field.name: field for field in self.fields}

    def __getitem__(self, name: str) -> Field:
        return self._by_name[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Every element of the request, secrets too, in order."""
        return tuple(field.name for field in self.fields)

    @property
    def public(self) -> tuple[Field, ...]:
        """The fields that a call may carry in its record: all but the secrets."""
        return tuple(field for field in self.fields if not field.secret)


_SECRETS = (_build_secret_field("Authorization_ID", 20), _build_secret_field("GUID", 36))
_LIST_KEY = (*_SECRETS, _build_key_field("pCompany_Code", 3, required=True))
_RECORD_KEY = (
    *_SECRETS,
    _build_key_field("Company_Code", 3, required=True),
    _build_key_field("Vendor_Code", 10, required=True),
    _build_key_field("Subcontract_Number", 10, required=True),
)
"""With which each call begins that reads a list, or writes of a subcontract."""

# Adds or updates a subcontract's header. Key: Company_Code, Vendor_Code, Subcontract_Number.
# Job_Number and GL_Account are required when a record is made; we may always be making it.
UPDATE_SUBCONTRACT = Layout(
    "UpdateSubcontract",
    (
        *_RECORD_KEY,
        _build_key_field("Job_Number", 10, required=True),
        _build_key_field("Default_Phase_Code", 20, dashes=False),
        _build_key_field("Default_Cost_Type", 3),
        _build_choice_field("Status_Code", choices="AIC", blank="A"),
        Field("Contract_Type", 15, cuttable=True),
        _build_choice_field("Insurance_Cert_Flag", choices="YNA", blank="the vendor's"),
        _build_date_field("Sent_Date"),
        _build_date_field("Date_Issued", blank="the processing date"),
        Field("Contact_Person", 20, cuttable=True),
        Field("Unit_Price_Flag", 1, blank="N, or the job's"),
        Field("Comment", 120, cuttable=True),
        Field("Routing_Code1", 10),
        _build_decimal_field("Routing_Limit", 13, "10.2"),
        Field("Routing_Code2", 10),
        _build_integer_field("GL_Account", 12, required=True),
        # Width 5, mask 2.1: the narrower of the two fits both.
        _build_decimal_field("Retention_Percent", 5, "2.1"),
        _build_integer_field("Next_Payment_Number", 5, blank="1"),
        Field("Pay_Override", 1),
        Field("Pay_Terms", 1),
        _build_integer_field("Pay_Days", 3),
        Field("Disc_Override", 1),
        Field("Disc_Terms", 1),
        _build_integer_field("Disc_Days", 3),
        _build_decimal_field("Disc_Perc", 6, "3.2"),
        Field("Pay_When_Paid", 1),
        _build_integer_field("Cost_Center_Override", 10),
    ),
)

# Adds or updates one line. Key: the header's, and Phase_Code, Cost_Type, Bid_Item_Number.
UPDATE_SUBCONTRACT_PHASES = Layout(
    "UpdateSubcontractPhases",
    (
        *_RECORD_KEY,
        _build_key_field("Phase_Code", 20, required=True, dashes=False),
        _build_key_field("Cost_Type", 3, required=True),
        _build_key_field("Bid_Item_Number", 10, blank="the phase's"),
        Field("Bill_Description", 25, cuttable=True, blank="the phase's"),
        Field("Unit_Of_Measure", 3, blank="the phase's"),
        _build_choice_field("Retention_Flag", choices="YN", blank="N, or the phase's"),
        _build_decimal_field("Unit_Price", 12, "-6.4"),
        _build_decimal_field("Original_Contract_Quantity", 12, "-8.2"),
        _build_decimal_field("Original_Contract_Amount", 13, "-9.2", required=True),
    ),
)

# Replaces what stands under a topic of the subcontract's notes. Append_Note (Y appends, blank replaces)
# is none of our fields, so it is sent blank: sending the same again changes nothing.
SUBCONTRACT_NOTES = Layout(
    "SubcontractNotes",
    (
        *_RECORD_KEY,
        Field("Notes_Topic", 20, required=True),
        Field("Notes_Text", 1000, required=True),
    ),
)

LAYOUTS: Mapping[str, Layout] = {
    layout.method: layout for layout in (UPDATE_SUBCONTRACT, UPDATE_SUBCONTRACT_PHASES, SUBCONTRACT_NOTES)
}

STATUSES = ("A", "I", "C")
"""pStatus_Code is asked for them one after the other: left blank, it leaves the complete ones out."""

# A list of jobs. No parameter takes a job's number.
GET_JOB = Layout(
    "GetJob",
    (
        *_LIST_KEY,
        Field("pDivision", 5),
        _build_choice_field("pStatus_Code", choices="AIC"),
        Field("pProject_Manager", 15),
        Field("pSuperintendent", 15),
        Field("pEstimator", 15),
        Field("pCustomer_Code", 10),
        Field("pCost_Center", 10),
        _build_choice_field("pSort_By", choices="DPSEC"),
    ),
    is_list=True,
    partition_keys=(
        PartitionKey("pCustomer_Code", "customer_code", 10, sort="C"),
        PartitionKey("pDivision", "division", 5, sort="D"),
        PartitionKey("pProject_Manager", "project_manager", 15, sort="P"),
        PartitionKey("pSuperintendent", "superintendent", 15, sort="S"),
        PartitionKey("pEstimator", "estimator", 15, sort="E"),
    ),
)

# A list of a job's phases with their cost types. No parameter takes a phase.
GET_PHASE = Layout(
    "GetPhase",
    (
        *_LIST_KEY,
        Field("pCost_Type", 3),
        _build_key_field("pJob_Number", 10, required=True),
        _build_choice_field("pStatus_Code", choices="AIC"),
        Field("pCost_Center", 10),
        _build_choice_field("pSort_By", choices="C"),
    ),
    is_list=True,
    partition_keys=(PartitionKey("pCost_Type", "cost_type", 3),),
)

LIST_LAYOUTS: Mapping[str, Layout] = {layout.method: layout for layout in (GET_JOB, GET_PHASE)}

# The REST list of vendors. A filter of its is heeded only where cost centers are named too.
VENDOR_FILTERS: Mapping[str, str] = {"pCostCenter": "ALL"}
VENDORS_BY_NAME = PartitionKey("pName", "name", 30, characters=_IN_NAMES)
