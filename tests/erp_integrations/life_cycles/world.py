"""One commitment of the product with its people, and what can be seen of it from outside."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from commitments import services as commitments
from commitments.models import Commitment
from directory.models import CompanyMembership, HistoryEntry, User
from erp_integrations import submissions
from erp_integrations.checks.approval_basis import build_basis
from erp_integrations.models import (
    Alarm,
    Connection,
    ConnectionState,
    ErpIdHold,
    ExportJob,
    JobStatus,
    Submission,
    SubmissionStatus,
)
from erp_integrations.pages import submission_rows
from notifications.models import Kind, OutgoingEmail
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    ConnectionFactory,
    CostCodeFactory,
    ErpAdminFactory,
    JobLinkFactory,
    LineItemFactory,
    PrivilegeAdminFactory,
    ProjectAdminFactory,
    ProjectFactory,
    VendorLinkFactory,
    ViewerFactory,
    join_project,
)
from tests.simulator import AUTHORIZATION_ID, Simulator

FIRST_TITLE = "Concrete works"


@dataclass(frozen=True)
class Seen:
    """The product's view, and Spectrum's content."""

    decision: str
    decided_by: str
    delivery: str
    verified: str
    badge: str
    lock: str
    erp_id_of_project: str
    holds_erp_id: bool
    history: tuple[str, ...]
    mails: int
    alarms: int
    in_spectrum: tuple[str, int] | None  # the title, and how many lines


class World:
    """Carl writes and sends; Ann and Bob are approvers, Ann a project admin besides; Vera may only look."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        project = ProjectFactory()
        company = project.company
        self.connection: Connection = ConnectionFactory(
            company=company, company_code="PHL", credentials__authorization_id=AUTHORIZATION_ID
        )
        self.people: dict[str, User] = {
            "carl": ProjectAdminFactory(project=project),
            "ann": ApproverFactory(company=company),
            "bob": ApproverFactory(company=company),
            "vera": ViewerFactory(company=company),
        }
        join_project(self.people["ann"], project, "admin")  # type: ignore[arg-type]
        self.erp_admin: User = ErpAdminFactory(company=company)
        self.staff: User = PrivilegeAdminFactory()
        self.commitment: Commitment = CommitmentFactory(
            approved=True, project=project, lines=0, title=FIRST_TITLE, created_by=self.people["carl"]
        )
        JobLinkFactory(project=project, connection=self.connection, job_number="24-001")
        VendorLinkFactory(
            connection=self.connection,
            contract_company=self.commitment.contract_company,
            vendor_code="ACME",
        )
        for code in ("033-0000", "05-10000"):
            LineItemFactory(commitment=self.commitment, cost_code=CostCodeFactory(project=project, code=code))

    def membership(self, person: str) -> CompanyMembership:
        return CompanyMembership.objects.select_related("user", "company").get(user=self.people[person])

    @property
    def submission(self) -> Submission | None:
        return (
            Submission.objects.select_related("company", "project", "commitment", "decided_by", "ended_by")
            .prefetch_related(submission_rows.build_jobs_prefetch())
            .order_by("pk")
            .last()
        )

    @property
    def job(self) -> ExportJob | None:
        submission = self.submission
        return submission.jobs.current().select_related("connection").first() if submission else None

    # What people do. Where there is nothing to do it to, the page has no address for it.

    def accept(self, by: str, *, looked: bool) -> None:
        submission = self._there()
        seen = build_basis(submission.document) if looked else None
        submissions.accept(
            submission=submission,
            by=self.people[by],
            expected_hash=seen.hash if seen else "0" * 64,
            erp_id=build_basis(submission.document).proposed_erp_id,
        )

    def retry(self, by: str) -> None:
        submission = self._there()
        basis = build_basis(submission.document)
        erp_id = basis.proposed_erp_id
        submissions.accept_again(
            submission=submission, by=self.people[by], expected_hash=basis.hash, erp_id=erp_id
        )

    def reject(self, by: str) -> None:
        submissions.reject(submission=self._there(), by=self.people[by], reason="No")

    def undo(self, by: str) -> None:
        submissions.undo(submission=self._there(), by=self.people[by])

    def resume(self, by: str) -> None:
        submissions.resume(submission=self._there(), by=self.people[by], expected_version=self._attempt())

    def resolve(self, by: str, there: set[int]) -> None:
        attested = submissions.Attested.PART
        if not there or there == {1, 2, 3}:
            attested = submissions.Attested.ALL if there else submissions.Attested.NONE
        submissions.resolve(
            submission=self._there(),
            by=self.people[by],
            expected_version=self._attempt(),
            attested=attested,
            statement="I looked.",
            positions=there,
        )

    def unlink(self, by: str) -> None:
        submissions.unlink(
            submission=self._there(),
            by=self.people[by],
            expected_version=self._attempt(),
            statement="I deleted it.",
        )

    def send(self, by: str) -> None:
        submissions.send_to_erp(commitment=self.commitment, by=self.people[by])

    def retrieve(self, by: str) -> None:
        submissions.retrieve_from_erp(commitment=self.commitment, by=self.people[by])

    def edit(self, title: str) -> None:
        stored = Commitment.objects.get(pk=self.commitment.pk)
        commitments.update_commitment(
            commitment=stored,
            by=self.people["carl"],
            version=stored.version,
            values={"title": title},
            lines=None,
        )

    def delete_in_spectrum(self) -> None:
        self.simulator.delete(self.commitment.number, vendor="ACME", company="PHL")

    def let_time_pass(self) -> None:
        """Every pause and quiet period is over."""
        past = timezone.now() - timedelta(seconds=1)
        ConnectionState.objects.exclude(not_before=None).update(not_before=past)
        for column in ("not_before", "quiet_until", "verify_after"):
            ExportJob.objects.exclude(**{column: None}).update(**{column: past})

    def _there(self) -> Submission:
        submission = self.submission
        assert submission, "nothing was sent yet"
        return submission

    def _attempt(self) -> int:
        job = self.job
        return job.attempt if job else 0

    # What is seen

    def seen(self) -> Seen:
        submission, job = self.submission, self.job
        commitment = Commitment.objects.get(pk=self.commitment.pk)
        decided = submission.decided_by_id if submission else None
        names = {user.pk: name for name, user in self.people.items()}
        record = self.simulator.record(commitment.number)
        return Seen(
            decision=submission.status if submission else "none",
            decided_by=names[decided] if decided else "",
            delivery=job.status if job else "",
            verified=job.verification if job and job.status == JobStatus.SYNCED else "",
            badge=commitment.badge,
            lock=commitment.lock,
            erp_id_of_project=commitment.erp_id,
            holds_erp_id=ErpIdHold.objects.filter(commitment=commitment).exists(),
            history=tuple(HistoryEntry.objects.order_by("pk").values_list("event", flat=True)),
            mails=OutgoingEmail.objects.filter(kind=Kind.REJECTION).count(),
            alarms=Alarm.objects.count(),
            in_spectrum=(str(record["Comment_1"]).strip(), len(record["lines"])) if record else None,
        )

    def buttons(self) -> dict[str, set[str]]:
        """The offers of the approvers' page to each person."""
        submission = self.submission
        if submission is None:
            return {person: set() for person in self.people}
        memberships = CompanyMembership.objects.select_related("user", "company")
        viewers = {each.user_id: each for each in memberships.filter(company=submission.company)}
        shown: dict[str, set[str]] = {}
        for name, person in self.people.items():
            stood = submission_rows.build_submission_row(submission, viewers[person.pk])
            offered = {
                "accept": stood.can_be_decided,
                "reject": stood.can_be_rejected,
                "undo": stood.can_be_undone,
                "resolve": stood.can_be_resolved,
                "resume": stood.can_be_resumed,
                "unlink": stood.can_be_unlinked,
            }
            shown[name] = {button for button, is_offered in offered.items() if is_offered}
        return shown

    def calls_agree(self, written: set[int]) -> bool:
        """True if the calls of the job that counts are known to be written as the model knows it."""
        job = self.job
        if job is None or job.submission.status != SubmissionStatus.ACCEPTED:
            return True
        return {call.position for call in job.list_current_calls() if call.state == "written"} == written
