"""The blueprint into an empty database, in one transaction and in bulk.

Commitments get the same history row that ``commitments.services.create_commitment`` writes.
What is sent and decided afterwards goes through the decisions (``waiting.py``).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.contrib.auth.hashers import make_password
from django.db import transaction

from commitments.models import Commitment, ContractCompany, CostCode, CostType, LineItem
from directory.models import (
    Company,
    CompanyMembership,
    HistoryEntry,
    Level,
    Project,
    ProjectMembership,
    User,
)
from directory.rights.memberships import grant_push_to_accounting
from erp_integrations.models import (
    CheckRule,
    Connection,
    ConnectionCredentials,
    ConnectionSettings,
    JobLink,
    SuccessRule,
    VendorLink,
)
from local.demo import waiting
from local.demo.accounts import ACCOUNTS, ADMIN, password, writer_of
from local.demo.blueprint import PlannedCommitment, PlannedLine
from local.demo.catalogue import COST_TYPES, cost_codes
from local.demo.companies import COMPANIES, KEYSTONE, DemoCompany
from local.demo.planning import blueprint
from local.demo.vendors import SUBCONTRACT_COST
from local.programs import SUCCESS

SERVER = "simulator"  # its name in SPECTRUM_SERVERS
ROWS_AT_ONCE = 1000
WRITTEN = {
    "none": (SuccessRule.NO_ERROR_ROW, ""),
    "blank": (SuccessRule.CODES, "blank,G"),
    "G": (SuccessRule.CODES, "G"),
    "S": (SuccessRule.CODES, "S,G"),
    "echo": (SuccessRule.ECHO, ""),
}
"""A connection to a simulator that answers so must say this."""


@dataclass(slots=True)
class Loaded:
    """The rows that later ones point to, by the names that the blueprint has for them."""

    people: dict[str, User] = field(default_factory=dict)
    companies: dict[str, Company] = field(default_factory=dict)
    projects: dict[tuple[str, str], Project] = field(default_factory=dict)
    contract_companies: dict[tuple[str, str], ContractCompany] = field(default_factory=dict)
    cost_types: dict[tuple[str, str], CostType] = field(default_factory=dict)
    cost_codes: dict[tuple[int, str], CostCode] = field(default_factory=dict)


def is_loaded() -> bool:
    """True if the demo is in this database, or somebody's own company of that name."""
    return Company.objects.filter(slug=KEYSTONE.slug).exists()


@transaction.atomic
def load() -> dict[str, Commitment]:
    """Everything, or after an error nothing. The commitments by their contract's number."""
    loaded = Loaded()
    _people(loaded)
    for company in COMPANIES:
        _company(loaded, company)
    # Nearly everything here is a first time, which would be said as soon as twenty are accepted.
    CheckRule.objects.bulk_create(
        CheckRule(company=company, code=f"first-{what}", is_on=False)
        for company in loaded.companies.values()
        for what in ("vendor", "phase", "account")
    )
    _memberships(loaded)
    commitments = _commitments(loaded, blueprint().commitments)
    waiting.send_and_decide(commitments, loaded.people)
    return commitments


def _people(loaded: Loaded) -> None:
    # Hashed once: a hash is slow on purpose, and the accounts share their password anyway.
    hashed = make_password(password())
    people = User.objects.bulk_create(
        User(
            email=account.email,
            first_name=account.first_name,
            last_name=account.last_name,
            password=hashed,
            is_staff=account == ADMIN,
            is_superuser=account == ADMIN,
        )
        for account in ACCOUNTS
    )
    loaded.people = {person.email: person for person in people}


def _company(loaded: Loaded, planned: DemoCompany) -> None:
    company = Company.objects.create(
        name=planned.name,
        slug=planned.slug,
        requires_two_step=False,  # nobody has to fetch a phone to try the product
    )
    loaded.companies[planned.slug] = company
    connection = Connection.objects.create(
        company=company,
        name=f"Spectrum of {planned.name}",
        server=SERVER,
        company_code=planned.company_code,
        general_ledger_account=SUBCONTRACT_COST,
    )
    ConnectionCredentials.objects.filter(connection=connection).update(
        authorization_id=planned.authorization_id
    )
    rule, codes = WRITTEN[os.environ.get(SUCCESS, "none")]
    ConnectionSettings.objects.filter(connection=connection).update(
        success_rule=rule, success_codes=codes, unit_price_codes="U", job_price_codes="J"
    )
    cost_types = CostType.objects.bulk_create(
        CostType(company=company, code=code, name=name) for code, name in COST_TYPES.items()
    )
    loaded.cost_types |= {(planned.slug, each.code): each for each in cost_types}
    _projects(loaded, planned, connection)
    _vendors(loaded, planned, connection)


def _projects(loaded: Loaded, planned: DemoCompany, connection: Connection) -> None:
    projects = Project.objects.bulk_create(
        Project(company=loaded.companies[planned.slug], name=each.name, number=each.number)
        for each in planned.projects
    )
    loaded.projects |= {(planned.slug, project.number): project for project in projects}
    JobLink.objects.bulk_create(
        JobLink(project=project, connection=connection, job_number=each.job)
        for project, each in zip(projects, planned.projects, strict=True)
        if each.linked
    )
    codes = CostCode.objects.bulk_create(
        (
            CostCode(project=project, code=each.code, name=each.name)
            for project in projects
            for each in cost_codes()
        ),
        batch_size=ROWS_AT_ONCE,
    )
    loaded.cost_codes |= {(code.project_id, code.code): code for code in codes}


def _vendors(loaded: Loaded, planned: DemoCompany, connection: Connection) -> None:
    vendors = blueprint().vendors[planned.slug]
    rows = ContractCompany.objects.bulk_create(
        ContractCompany(company=loaded.companies[planned.slug], name=vendor.name) for vendor in vendors
    )
    loaded.contract_companies |= {(planned.slug, row.name): row for row in rows}
    VendorLink.objects.bulk_create(
        VendorLink(
            connection=connection,
            contract_company=row,
            vendor_code=vendor.code,
            general_ledger_account=vendor.account,
        )
        for row, vendor in zip(rows, vendors, strict=True)
        if vendor.linked
    )


def _memberships(loaded: Loaded) -> None:
    admin = loaded.people[ADMIN.email]
    for account in ACCOUNTS:
        if account.company is None:
            continue
        person = loaded.people[account.email]
        membership = CompanyMembership.objects.create(
            user=person,
            company=loaded.companies[account.company.slug],
            erp_integrations_level=account.erp_level,
        )
        if account.pushes_to_accounting:
            grant_push_to_accounting(membership=membership, by=admin, reason="Made with the demo data")
        ProjectMembership.objects.bulk_create(
            ProjectMembership(user=person, project=project, commitments_level=account.commitments_level)
            for (slug, number), project in loaded.projects.items()
            if slug == account.company.slug
            and account.commitments_level != Level.NONE
            and account.only_on in {"", number}
        )


def _commitments(loaded: Loaded, planned: Sequence[PlannedCommitment]) -> dict[str, Commitment]:
    rows = Commitment.objects.bulk_create(
        (
            Commitment(
                project=loaded.projects[each.company.slug, each.project.number],
                kind=each.kind,
                number=each.number,
                title=each.title,
                description=each.contract.description,
                status=each.status,
                contract_company=loaded.contract_companies[each.company.slug, each.contract.vendor],
                trade=each.trade,
                issue_date=each.issue_date,
                default_retainage=each.default_retainage,
                created_by=loaded.people[writer_of(each).email],
            )
            for each in planned
        ),
        batch_size=ROWS_AT_ONCE,
    )
    made = list(zip(rows, planned, strict=True))
    LineItem.objects.bulk_create(
        (
            _line(loaded, row, position, line, each.company.slug)
            for row, each in made
            for position, line in enumerate(each.lines, start=1)
        ),
        batch_size=ROWS_AT_ONCE,
    )
    HistoryEntry.objects.bulk_create(
        (
            HistoryEntry(
                event="commitment.created",
                subject_type=Commitment._meta.label_lower,
                subject_id=row.pk,
                by_id=row.created_by_id,
                company_id=row.project.company_id,
            )
            for row in rows
        ),
        batch_size=ROWS_AT_ONCE,
    )
    return {each.contract.number: row for row, each in made}


def _line(loaded: Loaded, commitment: Commitment, position: int, planned: PlannedLine, slug: str) -> LineItem:
    code = (commitment.project_id, planned.cost_code)
    return LineItem(
        commitment=commitment,
        position=position,
        cost_code=loaded.cost_codes[code] if planned.cost_code else None,
        cost_type=loaded.cost_types[slug, planned.cost_type] if planned.cost_type else None,
        billing_item=planned.billing_item,
        description=planned.description,
        quantity=planned.quantity,
        unit_of_measure=planned.unit_of_measure,
        unit_cost=planned.unit_cost,
        amount=planned.amount,
    )
