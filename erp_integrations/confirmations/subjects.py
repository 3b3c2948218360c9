"""Whatever steers money, by what it is about: a link that is deleted and made anew stays the same one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Model, Q
from django.utils import timezone

from commitments.events import CommitmentEvent
from commitments.models import ContractCompany, CostType
from directory.history.events import DirectoryEvent
from directory.models import HistoryEntry, Project
from erp_integrations.confirmations import controlled_settings
from erp_integrations.confirmations.controlled_settings import SettingRole
from erp_integrations.events import ErpEvent
from erp_integrations.master_data.lookup import find_by_code
from erp_integrations.models import (
    Connection,
    ConnectionCredentials,
    CostTypeAccount,
    Job,
    JobLink,
    Submission,
    UnitLink,
    Vendor,
    VendorLink,
)
from erp_integrations.models.secrets import list_secret_fields
from erp_integrations.name_matching import get_comparable_name

RECENT = timedelta(days=30)
SECRETS = frozenset(list_secret_fields(ConnectionCredentials))

Values = Mapping[str, Any]
RENAMING_EVENTS = (CommitmentEvent.CONTRACT_COMPANY_CHANGED, DirectoryEvent.PROJECT_CHANGED)


class Kind(StrEnum):
    VENDOR = "vendor"
    JOB = "job"
    ACCOUNT = "account"
    SUBMISSION = "submission"
    UNIT = "unit"
    CONNECTION = "connection"


SUBJECT_MODELS: Mapping[Kind, type[Model]] = {
    Kind.VENDOR: ContractCompany,
    Kind.JOB: Project,
    Kind.ACCOUNT: CostType,
    Kind.SUBMISSION: Submission,
}
LINKS: Mapping[Kind, tuple[type[Model], str, tuple[str, ...]]] = {
    Kind.VENDOR: (VendorLink, "contract_company", ("vendor_code", "general_ledger_account")),
    Kind.JOB: (JobLink, "project", ("connection", "job_number")),
    Kind.ACCOUNT: (CostTypeAccount, "cost_type", ("general_ledger_account",)),
    Kind.SUBMISSION: (Submission, "id", ("general_ledger_account",)),
    Kind.UNIT: (UnitLink, "unit", ("erp_unit",)),
}
VERBS = dict.fromkeys((Kind.ACCOUNT, Kind.SUBMISSION), "goes to")
VERBS |= {Kind.UNIT: "is called", Kind.CONNECTION: "is set to"}
"""Of all others it is said that they are linked."""


@dataclass(frozen=True, slots=True)
class Subject:
    """``key`` is that of our contract company, project, cost type or submission, or the unit. A project has
    one job over all connections."""

    kind: Kind
    connection_id: int
    key: str = ""

    @classmethod
    def from_link(cls, link: VendorLink | JobLink | CostTypeAccount) -> "Subject":
        """Whichever row it is now."""
        kind = next(kind for kind, (model, *_) in LINKS.items() if isinstance(link, model))
        connection = 0 if kind is Kind.JOB else link.connection_id
        return cls(kind, connection, str(getattr(link, f"{LINKS[kind][1]}_id")))

    @classmethod
    def parse(cls, text: str) -> "Subject":
        kind, connection, key = text.split(":", 2)
        return cls(Kind(kind), int(connection), key)

    def __str__(self) -> str:
        return f"{self.kind}:{self.connection_id}:{self.key}"

    def get_values(self, *, lock: bool = False) -> Values:
        """The present values; empty where it is not linked. Whoever changes it takes the lock."""
        if self.kind is Kind.CONNECTION:
            rows, parts = Connection.objects.filter(pk=self.connection_id), ("settings", "credentials")
            # The other rows are read behind the lock.
            row = (rows.select_for_update() if lock else rows.select_related(*parts)).first()
            roles = (*controlled_settings.CONTROLLED_ROLES, SettingRole.FREE)
            return controlled_settings.get_setting_values(row, *roles) if row else {}
        model, ours, names = LINKS[self.kind]
        links = model._default_manager.filter(**{ours: self.key})
        if self.kind is not Kind.JOB:
            links = links.filter(connection=self.connection_id)
        return (links.select_for_update() if lock else links).values(*names).first() or {}

    @property
    def owner(self) -> dict[str, object]:
        """Whose link it is, as the history keeps it also after the link is gone."""
        return {LINKS[self.kind][1]: int(self.key)} if self.kind in SUBJECT_MODELS else {}

    def find_row(self) -> Model | None:
        """The row that the history says it is about."""
        if self.kind in SUBJECT_MODELS:
            return SUBJECT_MODELS[self.kind]._default_manager.filter(pk=self.key).first()
        return Connection.objects.filter(pk=self.connection_id).first()

    def get_name(self) -> str:
        match self.kind:
            case Kind.ACCOUNT:
                row = self.find_row()
                return f"Cost type {row.code}" if isinstance(row, CostType) else "A cost type"
            case Kind.SUBMISSION:
                return f"Commitment {getattr(self.find_row(), 'number', '')}"
            case Kind.UNIT:
                return f"The unit {self.key}"
        return getattr(self.find_row(), "name", "Something since deleted")

    def is_controlled(self, name: str) -> bool:
        return self.kind is not Kind.CONNECTION or name in controlled_settings.CONTROLLED_SETTINGS

    def format_values(self, values: Values) -> dict[str, str]:
        """The same for the history and for people: with the ERP's own names, and without secrets."""
        formatted = {name: str(value) for name, value in values.items() if name not in SECRETS}
        vendors = Vendor.objects.filter(connection=self.connection_id)
        code, number = formatted.get("vendor_code"), formatted.get("job_number")
        if code and (vendor := find_by_code(vendors, "code", code).first()):
            formatted["vendor_name"] = vendor.name
        jobs = Job.objects.filter(connection=int(formatted.get("connection") or 0))
        if number and (job := find_by_code(jobs, "number", number).first()):
            formatted["job_description"] = job.description
        return formatted

    def describe_values(self, values: Values, names: set[str]) -> str:
        """In words; of a connection only what ``names`` name."""
        if self.kind is Kind.CONNECTION:
            return ", ".join(f"{get_label(name)} {format_value(name, values)}" for name in sorted(names))
        description = describe_link(self.format_values(values))
        connection = Connection.objects.filter(pk=values.get("connection") or 0).first()
        return f"{description} in {connection}" if connection else description

    def has_unique_name_match(self, changed: set[str], now: Values) -> bool:
        """A link needs nobody: of all that the ERP lists, it alone has our name, and neither side was renamed
        lately, nor another company's lists read."""
        if self.kind is Kind.VENDOR and changed == {"vendor_code"}:
            erp_rows: Any = Vendor.objects.filter(connection=self.connection_id, gone_at=None)
            column, name, code = "code", "name", now.get("vendor_code")
        elif self.kind is Kind.JOB and "job_number" in changed and now:
            connections = Connection.objects.filter(company__connections=now["connection"])
            if changed != {"job_number"} and connections.count() > 1:
                return False  # which Spectrum it is, no name says
            erp_rows = Job.objects.filter(connection=now["connection"], gone_at=None)
            column, name, code = "number", "description", now["job_number"]
        else:
            return False
        ours = self.find_row()
        wanted = get_comparable_name(getattr(ours, "name", ""))
        alike = [each for each in erp_rows if wanted and get_comparable_name(getattr(each, name)) == wanted]
        if ours is None or len(alike) != 1 or getattr(alike[0], column).upper() != str(code).strip().upper():
            return False
        since = timezone.now() - RECENT
        renamed = HistoryEntry.objects.about(ours).filter(event__in=RENAMING_EVENTS, at__gte=since)
        moved = HistoryEntry.objects.about(alike[0].connection).filter(
            Q(detail__fields__contains=["company_code"]) | Q(detail__fields__contains=["server"]),
            event=ErpEvent.CONNECTION_CHANGED,
            at__gte=since,
        )
        was_renamed = alike[0].renamed_at and alike[0].renamed_at >= since
        return not (
            was_renamed or renamed.filter(detail__fields__contains=["name"]).exists() or moved.exists()
        )


def describe_link(values: Values) -> str:
    """One side of a change of a link, an account or a unit, for people."""
    parts = (
        ("vendor", "vendor_code", "vendor_name"),
        ("job", "job_number", "job_description"),
        ("account", "general_ledger_account", ""),
        ("called", "called", ""),
        ("", "erp_unit", ""),
    )
    descriptions = (
        f"{what} {values[code]} {values.get(name, '')}".strip()
        for what, code, name in parts
        if values.get(code)
    )
    nothing = "the default account" if values.keys() == {"general_ledger_account"} else "nothing"
    return ", ".join(descriptions) or nothing


def get_field(name: str) -> Any:
    model = next(each for each in controlled_settings.FIELDS_BY_ROLE if hasattr(each, name))
    return model._meta.get_field(name)


def get_label(name: str) -> str:
    label = str(get_field(name).verbose_name)
    return label[:1].upper() + label[1:]


def format_value(name: str, values: Values) -> str:
    value = str(values.get(name, ""))
    if name in SECRETS:
        return "(secret)" if value else "blank"
    choices = dict(get_field(name).flatchoices)
    return f"“{choices.get(value, value)}”" if value else "blank"
