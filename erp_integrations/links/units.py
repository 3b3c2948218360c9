"""Units of measure: which of those that projects write is which of Spectrum's three letters."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count

from commitments.models import LineItem, Lock
from directory import history
from directory.models import User
from directory.rights.permissions import require_administer_erp_integrations
from erp_integrations.adapters.base import comparable_unit
from erp_integrations.adapters.registry import adapter_for
from erp_integrations.confirmations import waiting
from erp_integrations.confirmations.subjects import Kind, Subject
from erp_integrations.links.linking import LinkChanged, LinkError
from erp_integrations.models import Connection, UnitLink
from erp_integrations.snapshots import content_hash

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


@dataclass(frozen=True, slots=True)
class UsedUnit:
    """A unit in use that Spectrum can't hold, or that is linked; ``lines`` counts what is not exported.

    ``suggested`` is what its name is usually called in Spectrum, blank where nobody knows.
    """

    unit: str
    erp_unit: str
    lines: int

    @property
    def suggested(self) -> str:
        """Only where nothing is linked yet."""
        return "" if self.erp_unit else SUGGESTIONS.get(self.unit, "")


def used(connection: Connection) -> list[UsedUnit]:
    """By name, those that need a link first. Two queries."""
    linked = _linked(connection)
    lines = (
        LineItem.objects.filter(commitment__project__job_link__connection=connection)
        .exclude(commitment__lock=Lock.EXPORTED)
        .exclude(unit_of_measure="")
        .order_by()
        .values_list("unit_of_measure")
        .annotate(count=Count("pk"))
    )
    counts: dict[str, int] = dict.fromkeys(linked, 0)
    adapter = adapter_for(connection)
    for unit, count in lines:
        name = comparable_unit(unit)
        if name in linked or adapter.complaint(unit.strip(), "unit"):
            counts[name] = counts.get(name, 0) + count
    rows = [UsedUnit(unit, linked.get(unit, ""), count) for unit, count in counts.items()]
    return sorted(rows, key=lambda row: (bool(row.erp_unit), row.unit))


def seen_hash(connection: Connection) -> str:
    """What a form carries, so that nobody overwrites what another has just saved."""
    return content_hash(_linked(connection))


@transaction.atomic
def link_units(*, connection: Connection, chosen: Mapping[str, str], seen: str, by: User) -> int:
    """Say for each unit which of Spectrum's it is, blank for none; how many links that changed.

    Those that are not named stay as they are. What was accepted with another unit is not exported any
    more. Raises RightMissing, LinkError for one that Spectrum can't hold, LinkChanged.
    """
    require_administer_erp_integrations(by, connection.company)
    Connection.objects.select_for_update().get(pk=connection.pk)
    linked = _linked(connection)
    if content_hash(linked) != seen:
        raise LinkChanged(
            "Somebody else changed the units while you were looking, so nothing was changed. "
            "Below is how they stand now."
        )
    wanted = {comparable_unit(unit): erp_unit.strip().upper() for unit, erp_unit in chosen.items()}
    adapter, wrong = adapter_for(connection), []
    for unit, value in wanted.items():
        if complaint := adapter.complaint(value, "unit"):
            wrong.append(f"{unit[:10]}: {value} {complaint}")
        if not 0 < len(unit) <= 10 or "\0" in unit:
            wrong.append(f"{unit[:10]} is no unit of a line")
    if wrong:
        raise LinkError(f"{'; '.join(wrong)}. Nothing was changed.")
    changes = {unit: value for unit, value in wanted.items() if value != linked.get(unit, "")}
    for unit, value in changes.items():
        subject = Subject(Kind.UNIT, connection.pk, unit)
        before = subject.values()
        UnitLink.objects.filter(connection=connection, unit=unit).delete()
        if value:
            UnitLink.objects.create(connection=connection, unit=unit, erp_unit=value)
        waiting.note(subject, before=before, by=by, company=connection.company)
    if changes:
        detail = {"units": changes, "were": {unit: linked.get(unit, "") for unit in changes}}
        event, company = "connection.units_changed", connection.company
        history.record(event=event, subject=connection, by=by, company=company, detail=detail)
    return len(changes)


def _linked(connection: Connection) -> dict[str, str]:
    return dict(
        UnitLink.objects.filter(connection=connection).order_by("unit").values_list("unit", "erp_unit")
    )
