"""The published tables, written out a second time: a slip in one of the two shows here."""

from erp_integrations.adapters.spectrum.service_fields import (
    UPDATE_SUBCONTRACT,
    UPDATE_SUBCONTRACT_PHASES,
    Layout,
)

HEADER = """
Authorization_ID T20, GUID T36, Company_Code T3, Vendor_Code T10, Subcontract_Number T10, Job_Number T10,
Default_Phase_Code T20, Default_Cost_Type T3, Status_Code T1, Contract_Type T15, Insurance_Cert_Flag T1,
Sent_Date D10, Date_Issued D10, Contact_Person T20, Unit_Price_Flag T1, Comment T120, Routing_Code1 T10,
Routing_Limit N13, Routing_Code2 T10, GL_Account N12, Retention_Percent N5, Next_Payment_Number N5,
Pay_Override T1, Pay_Terms T1, Pay_Days N3, Disc_Override T1, Disc_Terms T1, Disc_Days N3, Disc_Perc N6,
Pay_When_Paid T1, Cost_Center_Override N10
"""

LINE = """
Authorization_ID T20, GUID T36, Company_Code T3, Vendor_Code T10, Subcontract_Number T10, Phase_Code T20,
Cost_Type T3, Bid_Item_Number T10, Bill_Description T25, Unit_Of_Measure T3, Retention_Flag T1,
Unit_Price N12, Original_Contract_Quantity N12, Original_Contract_Amount N13
"""


def published(table: str) -> list[tuple[str, str]]:
    return [tuple(row.split()) for row in table.replace("\n", " ").split(",")]  # type: ignore[misc]


def written(layout: Layout) -> list[tuple[str, str]]:
    return [(field.name, f"{field.kind}{field.width}") for field in layout.fields]


def test_the_header_has_the_published_fields_in_their_order() -> None:
    assert written(UPDATE_SUBCONTRACT) == published(HEADER)


def test_a_line_has_the_published_fields_in_their_order() -> None:
    assert written(UPDATE_SUBCONTRACT_PHASES) == published(LINE)


def test_only_the_two_secrets_are_kept_out_of_records() -> None:
    for layout in (UPDATE_SUBCONTRACT, UPDATE_SUBCONTRACT_PHASES):
        public = [field.name for field in layout.public]
        assert list(layout.names) == ["Authorization_ID", "GUID", *public]


def test_a_mask_fills_its_width_with_sign_and_point() -> None:
    for name, width in (
        ("Unit_Price", 12),
        ("Original_Contract_Quantity", 12),
        ("Original_Contract_Amount", 13),
    ):
        field = UPDATE_SUBCONTRACT_PHASES[name]
        assert len("-") + field.integers + len(".") + field.decimals == width


def test_required_fields_are_those_without_which_no_record_can_be_made() -> None:
    def required(layout: Layout) -> list[str]:
        return [field.name for field in layout.fields if field.required]

    key = ["Company_Code", "Vendor_Code", "Subcontract_Number"]
    assert required(UPDATE_SUBCONTRACT) == [*key, "Job_Number", "GL_Account"]
    assert required(UPDATE_SUBCONTRACT_PHASES) == [
        *key,
        "Phase_Code",
        "Cost_Type",
        "Original_Contract_Amount",
    ]


def test_only_free_text_may_lose_its_end() -> None:
    fields = (*UPDATE_SUBCONTRACT.fields, *UPDATE_SUBCONTRACT_PHASES.fields)
    cuttable = {field.name for field in fields if field.cuttable}
    assert cuttable == {"Contract_Type", "Contact_Person", "Comment", "Bill_Description"}
