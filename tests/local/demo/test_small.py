"""Many small commitments of the demo, for runs that need more than the public record has."""

import pytest

from commitments.models import Commitment
from directory.models import HistoryEntry, User
from erp_integrations import submissions
from local.demo import small

pytestmark = pytest.mark.django_db


def test_each_company_gets_as_many_once_and_nothing_blocks_them(loaded: dict[str, Commitment]) -> None:
    made = small.make(3, 4)
    assert [each["number"] for each in made] == [f"R003-{number:04}" for number in range(1, 9)]
    assert [each["company"] for each in made] == ["keystone"] * 4 + ["harbor"] * 4
    assert small.make(3, 4) == made
    rows = Commitment.objects.filter(number__startswith="R003-")
    assert {row.lines.count() for row in rows} <= {1, 2}
    created = HistoryEntry.objects.filter(event="commitment.created")
    assert created.filter(subject_id__in=[row.pk for row in rows]).count() == len(made)
    for row in rows:
        domain = "demo" if row.project.company.slug == "keystone" else "harbor"
        sender = User.objects.get(email=f"projectadmin@{domain}.example")
        submissions.send_to_erp(commitment=row, by=sender)
