"""Spectrum's master data in our database, as a reading leaves them."""

from datetime import timedelta

from django.utils import timezone

from commitments.models import Commitment
from erp_integrations.models import (
    Connection,
    Job,
    JobLink,
    MastersPull,
    Phase,
    SyncStatus,
    Vendor,
    VendorLink,
)


def have_been_read(
    connection: Connection,
    *,
    vendors: dict[str, str] | None = None,
    jobs: dict[str, dict[tuple[str, str], str]] | None = None,
    lists_inactive_vendors: bool = True,
) -> MastersPull:
    """Lists as a reading leaves them: names by vendor ("-": inactive), phases with their status by job."""
    now = timezone.now()
    Vendor.objects.filter(connection=connection).delete()
    Job.objects.filter(connection=connection).delete()
    Vendor.objects.bulk_create(
        Vendor(connection=connection, code=code, name=name, status="I" if name == "-" else "A", seen_at=now)
        for code, name in (vendors or {}).items()
    )
    for number, listed in (jobs or {}).items():
        link = JobLink.objects.filter(connection=connection, job_number=number).first()
        job = Job.objects.create(
            connection=connection,
            number=number,
            description=link.project.name if link else number,
            price_method="U",
            seen_at=now,
            phases_seen_at=now,
        )
        Phase.objects.bulk_create(
            Phase(job=job, code=code, cost_type=cost_type, status=status, seen_at=now, price_method="J")
            for (code, cost_type), status in listed.items()
        )
    pull, _ = MastersPull.objects.update_or_create(
        connection=connection,
        defaults={
            "status": SyncStatus.DONE,
            "not_before": now + timedelta(days=1),
            "vendors_at": now,
            "jobs_at": now,
            "started_at": now,
            "finished_at": now,
            "lists_inactive_vendors": lists_inactive_vendors,
        },
    )
    return pull


def lists_know(commitment: Commitment) -> MastersPull:
    """The lists have been read, and all that a linked commitment names is active in them."""
    job = JobLink.objects.select_related("connection").get(project=commitment.project)
    vendor = VendorLink.objects.get(
        connection=job.connection, contract_company=commitment.contract_company_id
    )
    lines = commitment.lines.exclude(cost_code=None).exclude(cost_type=None)
    phases = lines.values_list("cost_code__code", "cost_type__code")
    return have_been_read(
        job.connection,
        vendors={vendor.vendor_code: str(commitment.contract_company)},
        jobs={job.job_number: {(code.replace("-", ""), cost_type): "A" for code, cost_type in phases}},
    )
