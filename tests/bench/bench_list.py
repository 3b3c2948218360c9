"""The approvers' list with 10,000 commitments that wait, beside the same with 100."""

import statistics
import time
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from commitments.models import Commitment
from erp_integrations.models import Submission
from tests.clients import signed_in
from tests.factories import ApproverFactory, SubmissionFactory

pytestmark = pytest.mark.django_db(transaction=True)

FEW, MANY = 100, 10_000
TIMES = 30


def test_list(report: Callable[[str], None]) -> None:
    one = SubmissionFactory()
    client = signed_in(ApproverFactory(company=one.company))
    address = reverse("erp_integrations:commitments", args=[one.company.slug])
    fill(one, FEW)
    few = seconds_of(client, address)
    fill(one, MANY)
    many = seconds_of(client, address)
    report(
        f"list: {FEW} waiting {few * 1000:.0f} ms, {MANY:,} waiting {many * 1000:.0f} ms "
        f"(median of {TIMES}), ratio {many / few:.2f}"
    )


def fill(like: Submission, count: int) -> None:
    """So many wait now."""
    missing = count - Submission.objects.awaiting().count()
    number = Commitment.objects.count()
    commitment = like.commitment
    rows = []
    for offset in range(missing):
        values = {
            field.attname: getattr(commitment, field.attname)
            for field in Commitment._meta.concrete_fields
            if not field.primary_key
        }
        rows.append(Commitment(**values | {"number": f"B-{number + offset}"}))
    columns = {
        field.attname: getattr(like, field.attname)
        for field in Submission._meta.concrete_fields
        if not field.primary_key
    }
    made = Commitment.objects.bulk_create(rows, batch_size=1000)
    Submission.objects.bulk_create(
        (Submission(**columns | {"commitment_id": row.pk, "number": row.number}) for row in made),
        batch_size=1000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def seconds_of(client: Client, address: str) -> float:
    """The median, once everything is warm."""
    times = []
    for _ in range(TIMES + 3):
        begun = time.perf_counter()
        answer = client.get(address)
        times.append(time.perf_counter() - begun)
        assert answer.status_code == 200
    return statistics.median(times[3:])
