"""A throw-away database with a trial's rows, sent, and checked by the product itself."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from commitments.models import Badge, Commitment, ContractCompany, CostCode, CostType, LineItem, Lock
from directory.models import Level, Project, User
from erp_integrations import submissions
from erp_integrations.checks import row_checks
from erp_integrations.models import (
    Connection,
    ErpIdHold,
    ExportJob,
    Job,
    JobLink,
    JobStatus,
    Phase,
    Submission,
    SubmissionCheck,
    SubmissionStatus,
    Vendor,
    VendorLink,
    Verification,
    WireAttempt,
)
from local.demo.numbers import send_with_any_number
from tests.factories import (
    ApproverFactory,
    CompanyFactory,
    ConnectionFactory,
    ExportJobFactory,
    ProjectFactory,
    SubmissionFactory,
    have_been_read,
    join_project,
)
from tests.factories.directory import PersonFactory
from tests.trials.files import DEFAULT_ACCOUNT, Row, Trial

REFUSED_VENDOR = "Zwölfjährige Xylophone GmbH"  # like nobody's


@dataclass(frozen=True)
class Result:
    verdict: str
    issues: list[dict[str, Any]]


class Stage:
    """The trial's company."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.shift = (timezone.now() - timedelta(days=1)).date() - trial.newest
        """The file's newest day is yesterday."""
        self.company = CompanyFactory(name="Trial")
        self.connection: Connection = ConnectionFactory(
            company=self.company, general_ledger_account=DEFAULT_ACCOUNT
        )
        self.sender: User = PersonFactory()
        self.creator: User = PersonFactory()
        self.approver: User = ApproverFactory(company=self.company)
        self.projects: dict[str, Project] = {}
        self.cost_codes: dict[tuple[str, str], CostCode] = {}
        self.commitments: dict[str, Commitment] = {}
        self.sent: dict[str, int] = {}
        self.previous: defaultdict[str, list[Row]] = defaultdict(list)
        for row in sorted(trial.rows.values(), key=lambda each: each.sent_on):
            self.previous[row.previous_of].append(row)

    def get_moment(self, row: Row) -> datetime:
        return datetime.combine(row.sent_on + self.shift, time(12), tzinfo=UTC)

    def fill(self) -> None:
        with transaction.atomic():
            self.add_lists()
            self.add_history()
            self.add_refusals()
        with transaction.atomic():
            for row in sorted(self.trial.waiting, key=lambda each: each.sent_on):
                self.send(row)
        with transaction.atomic():
            self.close_lists()

    def add_lists(self) -> None:
        rows = self.trial.rows.values()
        for number, name in enumerate(dict.fromkeys(row.project for row in rows), start=1):
            project = self.projects[name] = ProjectFactory(
                company=self.company, name=name, number=f"P{number}"
            )
            join_project(self.sender, project, Level.ADMIN)
            join_project(self.creator, project, Level.STANDARD)
            JobLink.objects.create(project=project, connection=self.connection, job_number=f"J{number:04}")
        vendors = dict.fromkeys(row.vendor for row in rows)
        made = ContractCompany.objects.bulk_create(
            ContractCompany(company=self.company, name=name) for name in vendors
        )
        self.vendors = {each.name: each for each in made}
        self.vendor_codes = {name: f"V{number:05}" for number, name in enumerate(vendors, start=1)}
        accounts = {row.vendor: row.account for row in reversed(self.trial.waiting)}
        VendorLink.objects.bulk_create(
            VendorLink(
                contract_company=self.vendors[name],
                connection=self.connection,
                vendor_code=code,
                general_ledger_account=accounts.get(name, ""),
            )
            for name, code in self.vendor_codes.items()
        )
        phases = {(row.project, *line.phase) for row in rows for line in row.lines}
        cost_codes = CostCode.objects.bulk_create(
            CostCode(project=self.projects[project], code=code, name=f"Works {code}")
            for project, code in sorted({(project, code) for project, code, _ in phases})
        )
        self.cost_codes = {(each.project.name, each.code): each for each in cost_codes}
        cost_types = CostType.objects.bulk_create(
            CostType(company=self.company, code=kind, name=kind)
            for kind in sorted({each[2] for each in phases})
        )
        self.cost_types = {each.code: each for each in cost_types}
        jobs: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
        numbers = {link.project_id: link.job_number for link in JobLink.objects.all()}
        for place, code, kind in phases:
            jobs[numbers[self.projects[place].pk]][code.replace("-", "").strip().upper(), kind] = "A"
        names = {code: name for name, code in self.vendor_codes.items()}
        have_been_read(self.connection, vendors=names, jobs=jobs)
        Job.objects.update(price_method="L")  # a lump sum: lines are amounts, and nothing is to be said of it
        self.job_numbers = {name: numbers[project.pk] for name, project in self.projects.items()}
        listed = {
            (each.job.number, each.code, each.cost_type): each for each in Phase.objects.select_related("job")
        }
        changed = []
        for (place, code, kind), (estimate, to_date, _) in self.trial.phases.items():
            phase = listed.get((self.job_numbers[place], code.replace("-", "").strip().upper(), kind))
            if phase is not None and estimate is not None:
                phase.estimate, phase.to_date = estimate, to_date
                changed.append(phase)
        Phase.objects.bulk_update(changed, ["estimate", "to_date"], batch_size=500)

    def build_commitment(self, row: Row, **fields: Any) -> Commitment:
        return Commitment(
            project=self.projects[row.project],
            kind=row.kind,
            number=row.number,
            title=row.title,
            status="approved",
            contract_company=self.vendors[row.vendor],
            default_retainage=row.retainage,
            created_by=self.creator,
            **fields,
        )

    def build_lines(self, row: Row, commitment: Commitment) -> list[LineItem]:
        return [
            LineItem(
                commitment=commitment,
                position=position,
                cost_code=self.cost_codes[row.project, line.cost_code],
                cost_type=self.cost_types[line.cost_type],
                billing_item=str(position),
                description=line.description,
                amount=line.amount,
            )
            for position, line in enumerate(row.lines, start=1)
        ]

    def add_history(self) -> None:
        """As accepting and exporting leave them; nobody reads these snapshots, so they are empty."""
        rows = sorted(
            (row for row in self.trial.rows.values() if row.is_accepted), key=lambda row: row.sent_on
        )
        commitments = Commitment.objects.bulk_create(
            self.build_commitment(row, lock=Lock.EXPORTED, badge=Badge.SYNCED, erp_id=row.number)
            for row in rows
        )
        pairs = list(zip(rows, commitments, strict=True))
        LineItem.objects.bulk_create(line for row, made in pairs for line in self.build_lines(row, made))
        accepted = Submission.objects.bulk_create(
            Submission(
                company=self.company,
                project=made.project,
                commitment=made,
                connection=self.connection,
                status=SubmissionStatus.ACCEPTED,
                snapshot="{}",
                snapshot_hash="0" * 64,
                schema_version=1,
                kind=row.kind,
                number=row.number,
                title=row.title,
                contract_company_name=row.vendor,
                total=row.total,
                sent_by=self.sender,
                created_by=self.creator,
                sent_at=self.get_moment(row),
                decided_by=self.approver,
                decided_at=self.get_moment(row) + timedelta(hours=1),
                erp_id=row.number,
            )
            for row, made in pairs
        )
        codes = [self.vendor_codes[row.vendor] for row in rows]
        ExportJob.objects.bulk_create(
            ExportJob(
                submission=each,
                connection=self.connection,
                status=JobStatus.SYNCED,
                vendor_code=code,
                erp_id=each.number,
                basis_hash="0" * 64,
                synced_at=each.decided_at,
                verification=Verification.MATCH,
                verified_at=each.decided_at,
            )
            for each, code in zip(accepted, codes, strict=True)
        )
        ErpIdHold.objects.bulk_create(
            (
                ErpIdHold(
                    connection=self.connection,
                    vendor_code=code,
                    erp_id=each.number.strip().upper(),
                    commitment=each.commitment,
                )
                for each, code in zip(accepted, codes, strict=True)
            ),
            ignore_conflicts=True,
        )
        SubmissionCheck.objects.bulk_create(
            SubmissionCheck(submission=each, account=row.account)
            for row, each in zip(rows, accepted, strict=True)
        )

    def add_refusals(self) -> None:
        """Each was accepted, refused by Spectrum for its account, and rejected."""
        if not self.trial.refused:
            return
        vendor = ContractCompany.objects.create(company=self.company, name=REFUSED_VENDOR)
        VendorLink.objects.create(contract_company=vendor, connection=self.connection, vendor_code="REFUSED")
        Vendor.objects.create(
            connection=self.connection, code="REFUSED", name=REFUSED_VENDOR, seen_at=timezone.now()
        )
        project = ProjectFactory(company=self.company, name="Refused")
        join_project(self.sender, project, Level.ADMIN)
        JobLink.objects.create(project=project, connection=self.connection, job_number="REFUSED")
        now = timezone.now()
        job = Job.objects.create(
            connection=self.connection, number="REFUSED", seen_at=now, phases_seen_at=now
        )
        cost_type = next(iter(self.cost_types.values()))
        Phase.objects.create(job=job, code="REFUSED", cost_type=cost_type.code, status="A", seen_at=now)
        CostCode.objects.create(project=project, code="REFUSED", name="Refused")
        for number, (account, day) in enumerate(self.trial.refused.items()):
            VendorLink.objects.filter(vendor_code="REFUSED").update(general_ledger_account=account)
            self.add_refusal(project, vendor, f"REFUSED-{number}", day + self.shift, account)

    def add_refusal(
        self, project: Project, vendor: ContractCompany, number: str, day: Any, account: str
    ) -> None:
        commitment = Commitment.objects.create(
            project=project,
            kind="subcontract",
            number=number,
            title=number,
            status="approved",
            contract_company=vendor,
            created_by=self.creator,
        )
        LineItem.objects.create(
            commitment=commitment,
            position=1,
            cost_code=CostCode.objects.get(project=project),
            cost_type=next(iter(self.cost_types.values())),
            amount=Decimal("1.00"),
        )
        submission = SubmissionFactory(
            commitment=commitment, sent_by=self.sender, accepted=True, approver=self.approver
        )
        job = ExportJobFactory(submission=submission, failed=True)
        WireAttempt.objects.create(
            call=job.list_current_calls()[0],
            attempt=1,
            payload_hash="0" * 64,
            finished_at=datetime.combine(day, time(12), tzinfo=UTC),
            outcome="refused",
            reason=f"GL_Account: {account} is not valid.",
        )
        submissions.reject(submission=submission, by=self.approver, reason="The account is refused.")

    def send(self, row: Row) -> None:
        earlier = self.previous[row.id]
        commitment = self.build_commitment(earlier[0] if earlier else row)
        commitment.save()
        for before in earlier:
            self.write(before, commitment)
            submission = send_with_any_number(commitment, self.sender)
            Submission.objects.filter(pk=submission.pk).update(sent_at=self.get_moment(before))
            submissions.reject(submission=submission, by=self.approver, reason="Please look at it again.")
        self.write(row, commitment)
        submission = send_with_any_number(commitment, self.sender)
        Submission.objects.filter(pk=submission.pk).update(sent_at=self.get_moment(row))
        self.sent[row.id] = submission.pk

    def write(self, row: Row, commitment: Commitment) -> None:
        commitment.refresh_from_db()
        commitment.lines.all().delete()
        LineItem.objects.bulk_create(self.build_lines(row, commitment))
        Commitment.objects.filter(pk=commitment.pk).update(
            project=self.projects[row.project],
            kind=row.kind,
            number=row.number,
            title=row.title,
            contract_company=self.vendors[row.vendor],
            default_retainage=row.retainage,
        )

    def close_lists(self) -> None:
        """After they were sent, as nothing that is blocked can be sent."""
        for (project, code, kind), (_, _, status) in self.trial.phases.items():
            phase = Phase.objects.filter(
                job__number=self.job_numbers[project],
                code=code.replace("-", "").strip().upper(),
                cost_type=kind,
            )
            if status == "missing":
                phase.delete()
            elif status:
                phase.update(status=status)
        for vendor, status in self.trial.vendor_statuses.items():
            Vendor.objects.filter(code=self.vendor_codes[vendor]).update(status=status)

    def check(self) -> dict[str, Result]:
        """A vendor's account is one at a time: rows with other ones are checked in rounds of their own."""
        results: dict[str, Result] = {}
        linked = {row.vendor: row.account for row in reversed(self.trial.waiting)}
        left = self.trial.waiting
        while left:
            row_checks.check_due_submissions()
            checks = {each.pk: each for each in SubmissionCheck.objects.exclude(checked_at=None)}
            for row in left:
                if linked[row.vendor] == row.account:
                    check = checks[self.sent[row.id]]
                    results[row.id] = Result(check.verdict, check.issues)
            left = [row for row in left if row.id not in results]
            for row in reversed(left):
                linked[row.vendor] = row.account
            for vendor in {row.vendor for row in left}:
                links = VendorLink.objects.filter(vendor_code=self.vendor_codes[vendor])
                links.update(general_ledger_account=linked[vendor])
        return results
