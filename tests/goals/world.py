"""One company whose money goes one confirmed way, and the situations from which somebody might begin.

Everything is made by the product's own requests or by the tests' factories, once; what a search does in it is
undone by savepoints.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django.test import override_settings

from commitments.models import Commitment, CostType
from directory.db import encryption
from directory.models import Company, Project, User
from erp_integrations.models import Connection, CostTypeAccount
from erp_integrations.models.secrets import list_secret_fields
from tests.factories import (
    CommitmentFactory,
    CompanyFactory,
    ConnectionFactory,
    ContractCompanyFactory,
    CostCodeFactory,
    JobLinkFactory,
    LineItemFactory,
    ProjectFactory,
    VendorLinkFactory,
)
from tests.factories.masters import have_been_read
from tests.goals import people
from tests.goals.aims import ACCEPTANCES
from tests.rights.fixtures import SETTINGS as QUICK
from tests.rights.world import undone
from tests.simulator import AUTHORIZATION_ID, Simulator

__all__ = ["World", "make", "rows", "settings_for", "undone"]

VENDOR, OTHER_VENDOR = "ACME", "BOLT"
JOB, OTHER_JOB = "24-001", "24-002"
ACCOUNT, OTHER_ACCOUNT = "500100", "110000"
PHASES = {("0330000", "S"): "A", ("0510000", "S"): "A"}


@dataclass
class World:
    """Where it happens. ``accounts`` are of everybody, by name; ``commitment`` is what it is about."""

    company: Company
    project: Project
    connection: Connection
    elsewhere: Connection
    """Another Spectrum company."""
    commitment: Commitment
    accounts: dict[str, User] = field(default_factory=dict)

    def add(self, hand: people.Hand) -> None:
        """Give this person the account that is theirs."""
        if hand.kind is not None and hand.name not in self.accounts:
            self.accounts[hand.name] = hand.kind.make(self.company, self.project)


@contextmanager
def settings_for(simulator: Simulator) -> Iterator[None]:
    """The product's settings while a search goes on."""
    servers = {"simulator": simulator.url}
    quick = {**QUICK, "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"]}
    with override_settings(**quick, SPECTRUM_SERVERS=servers, ADMIN_REQUIRES_TWO_STEP=False):
        assert settings.UNDO_SECONDS == 0
        yield


def make() -> World:
    """The honest people, the dormant accounts, and a commitment that nobody has sent."""
    company = CompanyFactory(name="Ours", slug="ours", requires_two_step=True)
    project = ProjectFactory(company=company, name="Library", number="24-001")
    usual = ConnectionFactory(
        company=company, name="Spectrum", company_code="PHL", credentials__authorization_id=AUTHORIZATION_ID
    )
    elsewhere = ConnectionFactory(
        company=company, name="New York", company_code="NYC", credentials__authorization_id="EMPIRE-API-9K"
    )
    world = World(company, project, usual, elsewhere, Commitment())
    for hand in (people.HONEST | people.DORMANT).values():
        world.add(hand)
    vendor = ContractCompanyFactory(company=company, name="Acme Mechanical, Inc.")
    other = ContractCompanyFactory(company=company, name="Bolt & Sons")
    JobLinkFactory(project=project, connection=usual, job_number=JOB)
    for place in (usual, elsewhere):
        VendorLinkFactory(contract_company=vendor, connection=place, vendor_code=VENDOR)
        have_been_read(
            place,
            vendors={VENDOR: "Acme Mechanical, Inc."}
            | ({OTHER_VENDOR: "Bolt & Sons <Steel>"} if place is usual else {}),
            jobs={JOB: PHASES, OTHER_JOB: PHASES} if place is usual else {JOB: PHASES},
        )
    VendorLinkFactory(contract_company=other, connection=usual, vendor_code=OTHER_VENDOR)
    for code in ("033-0000", "05-10000"):
        CostCodeFactory(project=project, code=code)
    world.commitment = commitment(world, vendor)
    CostTypeAccount.objects.create(
        connection=usual,
        cost_type=CostType.objects.get(company=company, code="S"),
        general_ledger_account=ACCOUNT,
    )
    return world


def commitment(world: World, vendor: Any, number: str = "SC-1") -> Commitment:
    """An approved subcontract of two lines that Spectrum can store."""
    made: Commitment = CommitmentFactory(
        approved=True,
        project=world.project,
        lines=0,
        number=number,
        contract_company=vendor,
        created_by=world.accounts[people.CREATOR],
    )
    for code in world.project.cost_codes.order_by("code"):
        LineItemFactory(commitment=made, cost_code=code)
    return made


# What a state is known by

ASIDE = {
    *("directory.historyentry", "directory.historyseal"),
    *("erp_integrations.heartbeat", "erp_integrations.wsdl", "erp_integrations.masterspull"),
    *("erp_integrations.wireattempt", "erp_integrations.alarm", "erp_integrations.attestation"),
    "erp_integrations.question",
}
"""These only say what happened, or how the workers are."""
COUNTERS = {
    *("id", "version", "attempt", "lease_attempt", "lease_holder", "tries", "plan_round", "password"),
    *("guid", "seen_attempt", "last_login", "basis_hash", "data"),
}
AUTHORITY = {
    "auth.group": {"name"},
    "directory.user": {"email", "is_active", "is_staff", "is_superuser", "password"},
    "directory.user_groups": {"user_id", "group_id"},
    "directory.user_user_permissions": {"user_id", "permission_id"},
    "auth.group_permissions": {"group_id", "permission_id"},
    "directory.company": {"allows_own_decisions", "requires_two_step"},
    "directory.companymembership": {
        *("erp_integrations_level", "directory_level", "is_administrator", "can_push_to_accounting"),
    },
    "mfa.authenticator": {"user_id", "type"},
    "erp_integrations.vendorlink": {"vendor_code", "general_ledger_account", "contract_company_id"},
    "erp_integrations.joblink": {"job_number", "connection_id", "project_id"},
    "erp_integrations.costtypeaccount": {"general_ledger_account", "cost_type_id"},
    "erp_integrations.unitlink": {"unit", "erp_unit"},
    "erp_integrations.connection": {
        *("server", "company_code", "client_id", "general_ledger_account"),
        *("token_path", "wsdl_path", "service_path"),
    },
    "erp_integrations.connectioncredentials": {"authorization_id"},
    "erp_integrations.connectionsettings": {"success_rule", "success_codes"},
    "erp_integrations.submission": {"exempt_id", "general_ledger_account"},
}
"""These give, take or steer authority: whoever changes any of it has to be seen by somebody else. A
person's own password and first factor are theirs alone, see ``judging.steered``."""

POWERS = {
    "directory.companymembership": (
        *("erp_integrations_level", "directory_level", "is_administrator", "can_push_to_accounting"),
    ),
    "directory.projectmembership": ("commitments_level",),
    "directory.user": ("is_staff", "is_superuser"),
    "directory.user_groups": ("group_id",),
    "directory.user_user_permissions": ("permission_id",),
}
"""Nobody gives these to themselves, whoever is told of it."""

STEERS_NOTHING = {
    *("commitments.commitment", "commitments.lineitem", "commitments.costcode", "commitments.costtype"),
    *("commitments.attachment", "commitments.import"),
    *("commitments.contractcompany", "directory.project", "directory.projectmembership", "directory.draft"),
    *("directory.role", "directory.invitation"),
    *("erp_integrations.exportjob", "erp_integrations.exportcall", "erp_integrations.connectionstate"),
    *("erp_integrations.erpidhold", "erp_integrations.restore"),
    *("erp_integrations.unconfirmedchange", "erp_integrations.savedfilter"),
    *("erp_integrations.keptreason", "erp_integrations.takeover"),
    *("erp_integrations.batch", "erp_integrations.batchitem", "erp_integrations.checkrule"),
    *("erp_integrations.submissioncheck", "erp_integrations.checkinvalidation"),
    *("erp_integrations.vendor", "erp_integrations.job", "erp_integrations.phase"),
    *("erp_integrations.reconciliation", "erp_integrations.drift", "erp_integrations.jobbilling"),
}
"""Work, and what is read from Spectrum: its outcome is looked at when it is exported."""

Rows = dict[str, dict[int, dict[str, Any]]]


@cache
def _tables() -> dict[str, type[models.Model]]:
    """By name, every table that a state is made of; what is new is in it by itself."""
    wanted = [
        *apps.get_app_config("directory").get_models(include_auto_created=True),
        *apps.get_app_config("commitments").get_models(include_auto_created=True),
        *apps.get_app_config("erp_integrations").get_models(include_auto_created=True),
        *apps.get_app_config("auth").get_models(include_auto_created=True),
        *apps.get_app_config("mfa").get_models(),
    ]
    return {
        model._meta.label_lower: model
        for model in wanted
        if model._meta.label_lower not in {*ASIDE, "auth.permission"}
    }


LOGGED = "which acceptances the history tells, each with its round and whether it is signed"
"""They are believed by the worker, so that they are a part of a state."""


@cache
def _query() -> str:
    tables = [
        f"SELECT '{label}', to_json(t)::text FROM \"{model._meta.db_table}\" t"
        for label, model in _tables().items()
    ]
    events = ", ".join(f"'{event}'" for event in ACCEPTANCES)
    told = "concat(event, ' ', detail->>'round', ' ', detail ? 'signed')"
    logged = (
        f"SELECT '{LOGGED}', to_json(coalesce(string_agg({told}, ', ' ORDER BY id), ''))::text "
        f"FROM directory_historyentry WHERE event IN ({events})"
    )
    return " UNION ALL ".join([*tables, logged])


@cache
def _secrets(label: str) -> list[str]:
    """It is written anew, under another nonce, each time that its row is saved."""
    return list_secret_fields(_tables()[label])


def rows() -> Rows:
    """Everything that counts, as it is now."""
    with connection.cursor() as cursor:
        cursor.execute(_query())
        found: Rows = {label: {} for label in _tables()}
        for label, text in cursor.fetchall():
            row = json.loads(text)
            if label == LOGGED:
                found[label] = {0: {"told": row}}
                continue
            for name in _secrets(label):
                row[name] = encryption.decrypt(row[name]) if row[name] else ""
            found[label][row[_tables()[label]._meta.pk.attname]] = row
    return found


def signature(found: Rows) -> int:
    """The same for two states that differ in numbers, times and counters alone."""
    known = {label: {key: place for place, key in enumerate(sorted(there))} for label, there in found.items()}
    parts: list[Any] = [found[LOGGED][0]["told"]]
    for label, there in found.items():
        if label == LOGGED:
            continue
        fields = {field.attname: field for field in _tables()[label]._meta.concrete_fields}
        for key in sorted(there):
            values: list[Any] = [label, known[label][key]]
            for name, value in there[key].items():
                kind = fields.get(name)
                if name in COUNTERS or kind is None:
                    continue
                if isinstance(kind, models.ForeignKey):
                    target = known.get(kind.related_model._meta.label_lower, {})
                    value = target.get(value, value)
                elif isinstance(kind, models.DateTimeField):
                    value = value is not None
                values.append(str(value))
            parts.append(tuple(values))
    return hash(tuple(parts))


def tables() -> dict[str, set[str]]:
    """The tables of a state, with their columns."""
    return {
        label: {str(field.column) for field in model._meta.concrete_fields}
        for label, model in _tables().items()
    }


def authority(found: Rows) -> dict[tuple[str, int], tuple[Any, ...]]:
    """Who may what, and what steers money."""
    return {
        (label, key): tuple(row.get(name) for name in sorted(names))
        for label, names in AUTHORITY.items()
        for key, row in found.get(label, {}).items()
    }
