"""What an ERP Integrations Admin does about links: one function for each.

A link decides what is exported. So a change is in the history, and what was accepted under the old
link is not exported any more: the worker finds that its basis is another one.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from commitments.models import ContractCompany
from directory import history
from directory.models import Project, User
from directory.rights.permissions import require_administer_erp_integrations
from erp_integrations import wakeup
from erp_integrations.adapters.base import CodeKind
from erp_integrations.adapters.registry import get_adapter
from erp_integrations.confirmations import pending_changes
from erp_integrations.confirmations.subjects import Kind, Subject, Values
from erp_integrations.master_data import syncing
from erp_integrations.master_data.lookup import find_by_code
from erp_integrations.models import (
    Connection,
    ExportJob,
    Job,
    JobLink,
    JobStatus,
    MastersPull,
    Vendor,
    VendorLink,
)


class LinkError(Exception):
    """A link can't be made so; the text is for the person who asked."""


class LinkChanged(LinkError):
    """Somebody else changed the link since the person looked (409)."""


@dataclass(frozen=True, slots=True)
class ExpectedLink:
    """The link as the person saw it: blank where there was none."""

    code: str
    connection_id: int | None = None


@transaction.atomic
def link_vendor(
    *,
    contract_company: ContractCompany,
    connection: Connection,
    vendor_code: str,
    expected_code: str,
    by: User,
) -> int:
    """Say which vendor a contract company is; returns how many accepted commitments that stops.

    ``seen`` is the code that the person saw before, blank for none. Raises RightMissing without
    Admin on the tool, LinkError for a vendor that Spectrum's list does not have, LinkChanged.
    """
    require_administer_erp_integrations(by, contract_company.company)
    listed_code = require_listed_code(connection, vendor_code, "vendor")
    link = lock_vendor_link(contract_company, connection, expected_code)
    before = Subject(Kind.VENDOR, connection.pk, str(contract_company.pk)).get_values()
    if link is None:
        link = VendorLink(contract_company=contract_company, connection=connection, vendor_code=listed_code)
        _save_new(link.save)
        record_link_change("vendor_link.created", link, by, before, ["vendor_code"])
        return 0
    if link.vendor_code == listed_code:
        return 0
    link.vendor_code = listed_code
    link.save(update_fields=["vendor_code"])
    record_link_change("vendor_link.changed", link, by, before, ["vendor_code"])
    return list_queued_for_vendor(link).count()


@transaction.atomic
def unlink_vendor(
    *, contract_company: ContractCompany, connection: Connection, expected_code: str, by: User
) -> int:
    """Take a contract company's link away; returns how many accepted commitments that stops.

    Raises RightMissing, LinkChanged.
    """
    require_administer_erp_integrations(by, contract_company.company)
    link = lock_vendor_link(contract_company, connection, expected_code)
    if link is None:
        return 0
    stopped = list_queued_for_vendor(link).count()
    delete_link("vendor_link.deleted", link, by)
    return stopped


@transaction.atomic
def link_job(
    *, project: Project, connection: Connection, job_number: str, expected: ExpectedLink, by: User
) -> int:
    """Say which job a project is, and so where it is exported; returns how many accepted
    commitments that stops. The job's phases are read at once.

    Raises RightMissing, LinkError for a job that Spectrum's list does not have, LinkChanged.
    """
    require_administer_erp_integrations(by, project.company)
    number = require_listed_code(connection, job_number, "job")
    link = lock_job_link(project, expected)
    stopped = 0
    before = Subject(Kind.JOB, 0, str(project.pk)).get_values()
    if link is None:
        link = JobLink(project=project, connection=connection, job_number=number)
        _save_new(link.save)
        record_link_change("job_link.created", link, by, before, ["connection", "job_number"])
    elif (link.connection_id, link.job_number) != (connection.pk, number):
        stopped = list_queued_for_job(link).count()
        link.connection, link.job_number = connection, number
        link.save(update_fields=["connection", "job_number"])
        record_link_change("job_link.changed", link, by, before, ["connection", "job_number"])
    syncing.requeue_sync(connection.pk)
    wakeup.wake_sync(connection.pk)
    return stopped


@transaction.atomic
def unlink_job(*, project: Project, expected: ExpectedLink, by: User) -> int:
    """Take a project's link away; returns how many accepted commitments that stops.

    Raises RightMissing, LinkChanged.
    """
    require_administer_erp_integrations(by, project.company)
    link = lock_job_link(project, expected)
    if link is None:
        return 0
    stopped = list_queued_for_job(link).count()
    delete_link("job_link.deleted", link, by)
    return stopped


@transaction.atomic
def requeue_master_data_sync(*, connection: Connection, by: User) -> None:
    """Have a worker read Spectrum's master data now. Raises RightMissing."""
    require_administer_erp_integrations(by, connection.company)
    syncing.requeue_sync(connection.pk)
    history.record(event="masters.asked_for", subject=connection, by=by, company=connection.company)
    wakeup.wake_sync(connection.pk)


def list_queued_for_vendor(link: VendorLink) -> QuerySet[ExportJob]:
    """Accepted, and nothing of it sent, under this link."""
    return ExportJob.objects.filter(
        connection=link.connection_id,
        status=JobStatus.QUEUED,
        submission__commitment__contract_company=link.contract_company_id,
    )


def list_queued_for_job(link: JobLink) -> QuerySet[ExportJob]:
    """Accepted, and nothing of it sent, under this link."""
    return ExportJob.objects.filter(status=JobStatus.QUEUED, submission__project=link.project_id)


def describe_stopped_exports(stopped: int) -> str:
    """What follows for accepted commitments, for the person who changed their link."""
    commitments = "1 accepted commitment" if stopped == 1 else f"{stopped} accepted commitments"
    return (
        f"{commitments} waited for export under the old link. What has not begun will fail with "
        "“Changed since it was accepted”, and an approver can try it again or reject it."
    )


def require_listed_code(connection: Connection, code: str, kind: CodeKind) -> str:
    """The code as Spectrum spells it; where its list was never read, as it was typed. Raises LinkError."""
    model: type[Vendor | Job] = Vendor if kind == "vendor" else Job
    column, name = ("code", "vendor code") if kind == "vendor" else ("number", "job number")
    code = code.replace("\0", "").strip()
    if not code:
        raise LinkError(f"Enter a {name}, or choose one.")
    was_synced = MastersPull.objects.filter(connection=connection).exclude(**{f"{kind}s_at": None}).exists()
    found = find_by_code(model.objects.filter(connection=connection, gone_at=None), column, code).first()
    if was_synced and found is None:
        raise LinkError(
            f"Spectrum's list has no {kind} {code}. If it is new there, read the lists again first."
        )
    code = getattr(found, column, code)
    if complaint := get_adapter(connection).describe_code_issue(code, kind):
        raise LinkError(
            f"The {name} {code} {complaint}, so nothing can be exported under it. "
            "Change it in Spectrum, then read the lists again."
        )
    return code


def lock_vendor_link(
    contract_company: ContractCompany, connection: Connection, expected_code: str
) -> VendorLink | None:
    link = (
        VendorLink.objects.select_for_update()
        .filter(contract_company=contract_company, connection=connection)
        .first()
    )
    if (link.vendor_code if link else "") != expected_code:
        raise _build_link_changed()
    return link


def lock_job_link(project: Project, expected: ExpectedLink) -> JobLink | None:
    link = JobLink.objects.select_for_update().filter(project=project).first()
    current = ExpectedLink(link.job_number, link.connection_id) if link else ExpectedLink("")
    if current != expected:
        raise _build_link_changed()
    return link


def _save_new(save: Callable[[], None]) -> None:
    try:
        with transaction.atomic():
            save()
    except IntegrityError as error:
        raise _build_link_changed() from error


def _build_link_changed() -> LinkChanged:
    return LinkChanged(
        "Somebody else changed this link while you were looking, so nothing was changed. "
        "Below is how it stands now."
    )


def delete_link(event: str, link: VendorLink | JobLink, by: User) -> None:
    before, key = Subject.from_link(link).get_values(), link.pk
    link.delete()
    link.pk = key
    record_link_change(event, link, by, before, [])


def record_link_change(
    event: str, link: VendorLink | JobLink, by: User, before: Values, fields: list[str]
) -> None:
    """After the change: it waits for a second person, or speaks for itself."""
    company = link.contract_company.company if isinstance(link, VendorLink) else link.project.company
    confirmation_detail = pending_changes.record_change(
        Subject.from_link(link), before=before, by=by, company=company
    )
    detail = get_link_detail(link) | confirmation_detail | ({"fields": fields} if fields else {})
    history.record(event=event, subject=link, by=by, company=company, detail=detail)


def get_link_detail(link: VendorLink | JobLink) -> dict[str, object]:
    """What the history keeps of a link, and whose commitments it concerns."""
    if isinstance(link, VendorLink):
        codes = {"vendor_code": link.vendor_code, "general_ledger_account": link.general_ledger_account}
    else:
        codes = {"job_number": link.job_number, "connection": str(link.connection_id)}
    return codes | Subject.from_link(link).owner
