"""Units of measure: which of those that projects write is which of Spectrum's three letters."""

from collections.abc import Mapping
from typing import Any

from django.db import connection as database
from django.db import transaction

from directory import history
from directory.models import User
from directory.rights.permissions import require_administer_erp_integrations
from erp_integrations.adapters.base import get_comparable_unit
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.confirmations import pending_changes
from erp_integrations.confirmations.subjects import Kind, Subject
from erp_integrations.events import ErpEvent
from erp_integrations.links.linking import LinkChanged, LinkError
from erp_integrations.links.queries import count_lines
from erp_integrations.models import Connection, JobLink, UnitLink
from erp_integrations.snapshots import hash_content

SUGGESTIONS: Mapping[str, str] = {
    **dict.fromkeys(("EACH", "EACHES", "PIECE", "PIECES"), "EA"),
    **dict.fromkeys(("LUMP SUM", "LUMPSUM", "L.S.", "LOT SUM"), "LS"),
    **dict.fromkeys(("HOUR", "HOURS", "HRS"), "HR"),
    **dict.fromkeys(("DAY", "DAYS"), "DAY"),
    **dict.fromkeys(("MONTH", "MONTHS"), "MO"),
    **dict.fromkeys(("WEEK", "WEEKS"), "WK"),
    **dict.fromkeys(("CUBIC YARD", "CU YD", "CU. YD.", "CU YDS", "CUYD", "YD3", "YD³"), "CY"),
    **dict.fromkeys(("CUBIC FOOT", "CUBIC FEET", "CU FT", "CUFT", "FT3", "FT³"), "CF"),
    **dict.fromkeys(("SQ FT", "SQ. FT.", "SQFT", "SQUARE FT", "FT2", "FT²"), "SF"),
    **dict.fromkeys(("SQ YD", "SQ. YD.", "SQYD", "SQUARE YD", "YD2", "YD²"), "SY"),
    **dict.fromkeys(("LIN FT", "LIN. FT.", "LINEAR FT", "FOOT", "FEET"), "LF"),
    **dict.fromkeys(("TONS", "TONNE"), "TON"),
    **dict.fromkeys(("GALLON", "GALLONS", "GALS"), "GAL"),
    **dict.fromkeys(("POUND", "POUNDS"), "LB"),
    **dict.fromkeys(("ALLOWANCE", "ALLOW"), "LS"),
}


def list_used_units(connection: Connection) -> list[dict[str, Any]]:
    """The units in use that Spectrum can't hold, or that are linked: by name, those that need a link first.
    Four queries.

    ``lines`` counts what is not exported; ``suggested`` is what its name is usually called in Spectrum, blank
    where nobody knows, or it is linked.
    """
    links, adapter = get_unit_links(connection), get_adapter(connection)
    projects = [*JobLink.objects.filter(connection=connection).values_list("project_id", flat=True)]
    with database.cursor() as cursor:
        cursor.execute("SELECT list_unexported_units(%s)", [projects])
        used = cursor.fetchall()
    spellings: dict[str, list[str]] = {unit: [] for unit in links}
    for (unit,) in used:
        name = get_comparable_unit(unit)
        if name in links or adapter.describe_code_issue(unit.strip(), "unit"):
            spellings.setdefault(name, []).append(unit)
    found_by = [{"unexported_in__in": projects, "unit_of_measure__in": each} for each in spellings.values()]
    rows = []
    for unit, (lines, _) in zip(spellings, count_lines(found_by), strict=True):
        erp_unit = links.get(unit, "")
        suggested = "" if erp_unit else SUGGESTIONS.get(unit, "")
        rows.append({"unit": unit, "erp_unit": erp_unit, "lines": lines, "suggested": suggested})
    return sorted(rows, key=lambda row: (bool(row["erp_unit"]), row["unit"]))


def hash_unit_links(connection: Connection) -> str:
    """A form carries it, so that nobody overwrites what another has just saved."""
    return hash_content(get_unit_links(connection))


@transaction.atomic
def link_units(*, connection: Connection, entered: Mapping[str, str], expected_hash: str, by: User) -> int:
    """Say for each unit which of Spectrum's it is, blank for none; how many links that changed.

    Those that are not named stay as they are. What was accepted with another unit is not exported any
    more. Raises RightMissing, LinkError for one that Spectrum can't hold, LinkChanged.
    """
    require_administer_erp_integrations(by, connection.company)
    Connection.objects.select_for_update().get(pk=connection.pk)
    links = get_unit_links(connection)
    if hash_content(links) != expected_hash:
        raise LinkChanged("the units", "The current ones are")
    wanted = {get_comparable_unit(unit): erp_unit.strip().upper() for unit, erp_unit in entered.items()}
    adapter, problems = get_adapter(connection), []
    for unit, value in wanted.items():
        if complaint := adapter.describe_code_issue(value, "unit"):
            problems.append(f"{unit[:10]}: {value} {complaint}")
        if not 0 < len(unit) <= 10 or "\0" in unit:
            problems.append(f"{unit[:10]} is no unit of a line")
    if problems:
        raise LinkError(f"{'; '.join(problems)}. Nothing was changed.")
    changes = {unit: value for unit, value in wanted.items() if value != links.get(unit, "")}
    for unit, value in changes.items():
        subject = Subject(Kind.UNIT, connection.pk, unit)
        before = subject.get_values()
        UnitLink.objects.filter(connection=connection, unit=unit).delete()
        if value:
            UnitLink.objects.create(connection=connection, unit=unit, erp_unit=value)
        pending_changes.record_change(subject, before=before, by=by, company=connection.company)
    if changes:
        detail = {"units": changes, "were": {unit: links.get(unit, "") for unit in changes}}
        event, company = ErpEvent.CONNECTION_UNITS_CHANGED, connection.company
        history.record(event=event, subject=connection, by=by, company=company, detail=detail)
    return len(changes)


def get_unit_links(connection: Connection) -> dict[str, str]:
    links = UnitLink.objects.filter(connection=connection).order_by("unit")
    return dict(links.values_list("unit", "erp_unit"))
