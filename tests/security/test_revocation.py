"""A right that ends has ended at the next request; the session that was open before does not keep it.

What becomes of exports that were accepted meanwhile is in ``tests/erp_integrations/delivery``, and of both at
once in ``tests/erp_integrations/test_races.py``.
"""

from collections.abc import Callable

import pytest

from directory.models import CompanyMembership, Level, User
from directory.rights import memberships
from erp_integrations.models import ExportJob, Submission
from tests.clients import signed_in
from tests.factories import ApproverFactory, PrivilegeAdminFactory, SubmissionFactory, join_company

pytestmark = pytest.mark.django_db


def revoke(membership: CompanyMembership) -> None:
    memberships.revoke_push_to_accounting(membership=membership, by=PrivilegeAdminFactory(), reason="Left.")


def lower_the_level(membership: CompanyMembership) -> None:
    join_company(membership.user, membership.company, erp_integrations_level=Level.READ_ONLY)


def take_the_level_away(membership: CompanyMembership) -> None:
    join_company(membership.user, membership.company, erp_integrations_level=Level.NONE)


def remove(membership: CompanyMembership) -> None:
    memberships.delete_company_membership(membership=membership, by=PrivilegeAdminFactory())


def switch_off(membership: CompanyMembership) -> None:
    User.objects.filter(pk=membership.user_id).update(is_active=False)


@pytest.mark.parametrize(
    ("end", "status"),
    [(revoke, 403), (lower_the_level, 403), (take_the_level_away, 403), (remove, 404), (switch_off, 302)],
)
def test_a_right_that_ends_has_ended_at_the_next_request(
    end: Callable[[CompanyMembership], None], status: int
) -> None:
    submission = SubmissionFactory()
    approver = ApproverFactory(company=submission.company)
    client = signed_in(approver)
    url = f"{submission.get_absolute_url()}accept/"
    page = client.get(url)
    assert page.status_code == 200
    typed = {
        "expected_hash": page.context["expected_hash"],
        "expected_version": page.context["row"].decision_version,
        "erp_id": "A-1",
    }
    end(approver.company_memberships.get())
    assert client.post(url, typed).status_code == status
    assert client.get(url).status_code == status
    assert Submission.objects.get().status == "awaiting"
    assert not ExportJob.objects.exists()
