"""Spectrum's names of columns and elements are known to its adapter alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from sqlalchemy import Table

from erp_integrations.adapters.spectrum import info_link_tables, readback
from erp_integrations.adapters.spectrum.service_fields import LAYOUTS, LIST_LAYOUTS

ROOT = Path(settings.BASE_DIR)
PRODUCT = ("commitments", "config", "directory", "erp_integrations", "notifications")
ADAPTER = ROOT / "erp_integrations/adapters/spectrum"

ELEMENTS = {name for layout in (*LAYOUTS.values(), *LIST_LAYOUTS.values()) for name in layout.names}
COLUMNS = {
    column.name
    for module in (readback, info_link_tables)
    for table in vars(module).values()
    if isinstance(table, Table)
    for column in table.columns
}
# A name of one word is a word of ours, too.
NAMES = {name for name in ELEMENTS | COLUMNS if "_" in name}
# What Spectrum's own administrators call two of a connection's settings, as labels for people.
LABELS = {"Company_Code", "Authorization_ID"}
# The example of the setting that is about how elements are spelled.
EXAMPLE = {"Retention_Flag"}


def texts(path: Path) -> Iterator[str]:
    """A module's strings but for labels of fields, and the words of its sentences but for those labels."""
    tree = ast.parse(path.read_text())
    labels = set()
    docstrings = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            labels |= {id(each) for each in node.args[:1] if name.lower().endswith("field")}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and not (id(node) in labels and node.value in LABELS)
        ):
            yield node.value
            if id(node) not in docstrings:
                yield from set(re.findall(r"\w+", node.value)) - LABELS - EXAMPLE - {node.value}


def test_no_module_outside_the_adapter_names_a_column() -> None:
    assert {"Vendor_Code", "Job_Number", "Subcontract_Number", "Original_Amount", "Total_Billed"} <= NAMES
    found = {
        (str(path.relative_to(ROOT)), text)
        for package in PRODUCT
        for path in (ROOT / package).rglob("*.py")
        if ADAPTER not in path.parents and "migrations" not in path.parts
        for text in texts(path)
        if text in NAMES
    }
    assert not found


def test_no_template_names_a_column() -> None:
    found = {
        (str(path.relative_to(ROOT)), word)
        for path in (ROOT / "templates").rglob("*.*")
        for word in re.findall(r"\w+", path.read_text())
        if word in NAMES
    }
    assert not found
