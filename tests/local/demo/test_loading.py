from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal

import pytest
from pytest_django import Settings

from commitments.models import SENDABLE_STATUSES, Badge, Commitment, ContractCompany, LineItem, Lock
from directory.models import Company, HistoryEntry, User
from directory.rights.permissions import (
    can_administer_erp_integrations,
    can_create_commitments,
    can_push_to_accounting,
    can_see_erp_integrations,
    can_send_commitments,
)
from erp_integrations.adapters.base import Severity
from erp_integrations.checks import preflight
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.master_data import syncing
from erp_integrations.models import Connection, MastersPull, Submission
from erp_integrations.snapshots import build_document
from local.demo import awkward
from local.demo.accounts import ACCOUNTS, DEFAULT_PASSWORD
from local.demo.masters import MASTERS, masters
from local.demo.planning import blueprint
from local.demo.waiting import REJECTIONS, waiting_numbers
from notifications.models import OutgoingEmail
from tests.simulator import Simulator

pytestmark = pytest.mark.django_db

# Cases that only Spectrum itself, or an other commitment's export, makes awkward.
WITHOUT_A_FINDING = {
    "erp-id-taken",
    "negative-line",
    "near-duplicate",
    awkward.WRONG_ACCOUNT,
    awkward.BEFORE_THE_FISCAL_CALENDAR,
    "job-security",
}
BLOCKING = {
    "number-blank": {"number-blank", "erp-id-missing"},
    # Without a job nobody knows which connection, so the vendor and the account are unknown too.
    "job-not-linked": {"job-not-linked", "vendor-not-linked", "general-ledger-account-missing"},
}
WARNING = {
    "text-respelled",
    "line-goes-as-an-amount",
    "line-amount-on-unit-price",
    "total-not-positive",
    "line-phase-inactive",
    awkward.VENDOR_INACTIVE,
}


@pytest.fixture(scope="module")
def process() -> Iterator[Simulator]:
    with Simulator.start(masters=MASTERS) as simulator:
        yield simulator


@pytest.fixture
def lists_are_read(loaded: dict[str, Commitment], process: Simulator, settings: Settings) -> None:
    """By a worker, soon after the first start."""
    settings.SPECTRUM_SERVERS = {"simulator": process.url}
    settings.INFO_LINKS = {"simulator": process.info_link}
    assert syncing.sync_due_connections() == 2
    assert not MastersPull.objects.exclude(problem="").exists()


@pytest.fixture
def people() -> dict[str, User]:
    return {person.email: person for person in User.objects.all()}


def test_all_contracts_are_commitments_with_their_lines(loaded: dict[str, Commitment]) -> None:
    assert Commitment.objects.count() == len(loaded) == 822
    assert LineItem.objects.count() == sum(len(each.lines) for each in blueprint().commitments)
    stored = Commitment.objects.select_related("contract_company").get(number="154047")
    assert sum(line.amount or 0 for line in stored.lines.all()) == Decimal("479620.00")
    assert str(stored.contract_company) == "ALLSTATES MECHANICAL LTD."
    assert stored.description == "Frankford and Haverford Branch Libraries HVAC Renovations, Phila PA"
    assert str(stored.issue_date) == "2015-01-15"


def test_each_commitment_has_the_history_of_a_new_one(loaded: dict[str, Commitment]) -> None:
    created = HistoryEntry.objects.filter(event="commitment.created", subject_type="commitments.commitment")
    assert set(created.values_list("subject_id", "by_id", "company_id")) == set(
        Commitment.objects.values_list("pk", "created_by_id", "project__company_id")
    )


@pytest.mark.usefixtures("lists_are_read")
def test_only_what_is_awkward_on_purpose_has_findings(loaded: dict[str, Commitment]) -> None:
    found: defaultdict[str, list[set[tuple[Severity, str]]]] = defaultdict(list)
    rows = Commitment.objects.select_related("project__company", "contract_company").in_bulk()
    for planned in blueprint().commitments:
        row = rows[loaded[planned.contract.number].pk]
        if not planned.case and row.status not in SENDABLE_STATUSES[row.kind]:
            continue
        basis = build_basis(build_document(row))
        findings = preflight.check_export(basis, moment=preflight.Moment.EXPORT, erp_id=basis.proposed_erp_id)
        found[planned.case].append({(each.severity, each.code) for each in findings})
    assert len(found[""]) > 600
    for case, each in found.items():
        if not case or case in WITHOUT_A_FINDING:
            expected: set[tuple[Severity, str]] = set()
        elif case in WARNING:
            expected = {(Severity.WARNING, case)}
        else:
            expected = {(Severity.BLOCKING, code) for code in BLOCKING.get(case, {case})}
        assert all(findings == expected for findings in each), case


def test_some_wait_and_some_were_decided_and_nothing_else_was_sent(loaded: dict[str, Commitment]) -> None:
    assert Counter(Submission.objects.values_list("company__slug", "status")) == {
        ("keystone", "awaiting"): 40,
        ("keystone", "rejected"): 5,
        ("keystone", "accepted"): 6,
        ("harbor", "awaiting"): 6,
        ("harbor", "rejected"): 1,
    }
    for number in waiting_numbers():
        loaded[number].refresh_from_db()
        assert (loaded[number].badge, loaded[number].lock) == (Badge.AWAITING, Lock.WHOLE)
    others = Commitment.objects.exclude(submissions__isnull=False)
    assert set(others.values_list("badge", "lock")) == {(Badge.NOT_SENT, Lock.NONE)}


def test_links_and_connections_name_what_spectrum_has(loaded: dict[str, Commitment]) -> None:
    companies = {each["code"]: each for each in masters()["companies"]}
    for connection in Connection.objects.all():
        company = companies[connection.company_code]
        assert connection.credentials.authorization_id in company["authorization_ids"]
        accounts = {account["account"]: account["kind"] for account in company["general_ledger_accounts"]}
        assert accounts[connection.general_ledger_account] == "job cost"
        links = connection.vendor_links.values_list("vendor_code", "general_ledger_account")
        assert {code for code, _ in links} <= {vendor["code"] for vendor in company["vendors"]}
        assert {account for _, account in links} <= {"", *accounts}
        jobs = {job["number"] for job in company["jobs"]}
        # One project waits for somebody to link it.
        assert jobs - set(connection.job_links.values_list("job_number", flat=True)) <= {"SHEL-01"}
    assert Connection.objects.count() == len(companies) == 2


def test_each_rejection_is_mailed_to_the_people_who_wrote_and_sent_it(loaded: dict[str, Commitment]) -> None:
    mails = list(OutgoingEmail.objects.select_related("recipient"))
    for number, reason in REJECTIONS.items():
        told = {
            mail.recipient for mail in mails if reason in " ".join(mail.text_body.replace("> ", " ").split())
        }
        assert loaded[number].created_by in told


def test_a_same_named_contract_company_of_the_other_company_is_another_row(
    loaded: dict[str, Commitment],
) -> None:
    name = "TONY DEPAUL AND SON"
    companies = ContractCompany.objects.filter(name=name).values_list("company__slug", flat=True)
    assert set(companies) == {"keystone", "harbor"}


def test_the_people_may_do_what_their_name_says(
    loaded: dict[str, Commitment], people: dict[str, User]
) -> None:
    keystone, harbor = Company.objects.get(slug="keystone"), Company.objects.get(slug="harbor")

    def who(can: object) -> set[str]:
        assert callable(can)
        return {email for email, person in people.items() if can(person)}

    assert who(lambda person: can_push_to_accounting(person, keystone)) == {
        "approver@demo.example",
        "approver2@demo.example",
        "lead@demo.example",
    }
    assert who(lambda person: can_push_to_accounting(person, harbor)) == {"approver@harbor.example"}
    assert who(lambda person: can_see_erp_integrations(person, keystone)) == {
        "approver@demo.example",
        "approver2@demo.example",
        "lead@demo.example",
        "viewer@demo.example",
        "erpadmin@demo.example",
    }
    assert who(lambda person: can_administer_erp_integrations(person, keystone)) == {"erpadmin@demo.example"}
    streets = keystone.projects.get(number="STR")
    assert who(lambda person: can_create_commitments(person, streets)) == {
        "creator@demo.example",
        "projectadmin@demo.example",
    }
    assert who(lambda person: can_send_commitments(person, streets)) == {"projectadmin@demo.example"}
    airport = harbor.projects.get(number="AIR")
    assert who(lambda person: can_send_commitments(person, airport)) == {"projectadmin@harbor.example"}
    assert who(lambda person: person.is_staff) == {"admin@demo.example"}


def test_everybody_who_wrote_a_commitment_may_write_there(loaded: dict[str, Commitment]) -> None:
    writers = {(row.created_by, row.project) for row in loaded.values()}
    assert all(can_create_commitments(person, project) for person, project in writers)


def test_the_second_approver_wrote_some_of_what_waits(
    loaded: dict[str, Commitment], people: dict[str, User]
) -> None:
    theirs = Submission.objects.awaiting().filter(created_by=people["approver2@demo.example"])
    assert theirs.count() == 2


def test_the_privilege_was_granted_by_the_administrator_and_is_in_the_history(
    loaded: dict[str, Commitment], people: dict[str, User]
) -> None:
    granted = HistoryEntry.objects.filter(event="privilege.granted")
    assert granted.count() == 4
    assert set(granted.values_list("by_id", flat=True)) == {people["admin@demo.example"].pk}


def test_everybody_has_the_password_that_is_printed(
    loaded: dict[str, Commitment], people: dict[str, User]
) -> None:
    assert len(people) == len(ACCOUNTS)
    assert people["admin@demo.example"].check_password(DEFAULT_PASSWORD)
    assert len({person.password for person in people.values()}) == 1
