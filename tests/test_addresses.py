"""Every address there is, and every one that comes: what a stranger, a visitor and a forger get."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from directory.models import HistoryEntry, Level, User
from erp_integrations.models import ExportJob, Submission
from tests.clients import signed_in
from tests.factories import (
    ApproverFactory,
    ExportJobFactory,
    ProjectAdminFactory,
    SubmissionFactory,
    ViewerFactory,
)

pytestmark = pytest.mark.django_db

OTHERS = ("admin", "account_", "mfa_")  # pages of Django and allauth, which have tests of their own
SCOPES = {"company_slug", "project_id"}


def named(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, set[str]]]:
    """The name of each address, and what it is made with."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            for name, parts in named(entry, inner):
                yield name, parts | set(entry.pattern.converters)
        elif entry.name:
            yield f"{namespace}{entry.name}", set(entry.pattern.converters)


ADDRESSES = {name: parts for name, parts in named(get_resolver()) if not name.startswith(OTHERS)}
OF_A_COMPANY = sorted(name for name, parts in ADDRESSES.items() if SCOPES & parts)


def address(name: str, submission: Submission) -> str:
    """The address, as it leads to this submission or to what belongs to it; else to a first of its kind."""
    known: dict[str, Any] = {
        "company_slug": submission.company.slug,
        "project_id": submission.project_id,
        "submission_id": submission.pk,
        "commitment_id": submission.commitment_id,
        "connection_id": submission.connection_id,
        "contract_company_id": submission.commitment.contract_company_id,
    }
    return reverse(name, kwargs={part: known.get(part, 1) for part in ADDRESSES[name]})


def state() -> list[Any]:
    """What a decision would change."""
    return [*Submission.objects.values().order_by("pk"), *ExportJob.objects.values().order_by("pk")]


def test_there_are_addresses_to_try() -> None:
    assert {"erp_integrations:accept", "commitments:edit", "project_erp:send"} <= set(OF_A_COMPANY)


@pytest.mark.parametrize("name", OF_A_COMPANY)
class TestOfACompany:
    def test_a_stranger_finds_nothing(self, name: str) -> None:
        submission = SubmissionFactory()
        elsewhere = ProjectAdminFactory()
        elsewhere.company_memberships.update(
            erp_integrations_level=Level.ADMIN, directory_level=Level.ADMIN, can_push_to_accounting=True
        )
        superuser = User.objects.create_superuser("root@example.test")
        for person in (elsewhere, superuser):
            client = signed_in(person)
            url = address(name, submission)
            assert client.get(url).status_code in (404, 405)
            assert client.post(url, {"reason": "Forged."}).status_code in (404, 405)

    def test_a_visitor_is_asked_to_sign_in(self, name: str) -> None:
        submission = SubmissionFactory()
        url = address(name, submission)
        for answer in (Client().get(url), Client().post(url)):
            assert answer.status_code == 302
            assert answer.headers["Location"].startswith("/accounts/login/")

    def test_a_form_of_another_site_changes_nothing(self, name: str) -> None:
        submission = SubmissionFactory()
        approver: User = ApproverFactory(company=submission.company)
        approver.project_memberships.create(project=submission.project, commitments_level=Level.ADMIN)
        client = Client(enforce_csrf_checks=True)
        client.force_login(approver, backend="allauth.account.auth_backends.AuthenticationBackend")
        assert client.post(address(name, submission)).status_code == 403

    @pytest.mark.parametrize("awaiting", [True, False])
    def test_looking_changes_nothing(self, name: str, awaiting: bool) -> None:
        submission = SubmissionFactory() if awaiting else ExportJobFactory(failed=True).submission
        approver: User = ApproverFactory(company=submission.company)
        approver.project_memberships.create(project=submission.project, commitments_level=Level.ADMIN)
        client, url = signed_in(approver), address(name, submission)
        before, told = state(), HistoryEntry.objects.count()
        for headers in ({}, {"HX-Request": "true"}):
            for answer in (client.get(url, headers=headers), client.head(url, headers=headers)):
                assert answer.status_code < 500
                if answer.streaming:
                    list(answer)  # to its end, where the test client closes the file
        assert (state(), HistoryEntry.objects.count()) == (before, told)

    def test_whoever_may_only_look_changes_nothing(self, name: str) -> None:
        submission = SubmissionFactory()
        viewer: User = ViewerFactory(company=submission.company)
        viewer.project_memberships.create(project=submission.project, commitments_level=Level.READ_ONLY)
        before = state()
        answer = signed_in(viewer).post(address(name, submission), {"reason": "Forged.", "erp_id": "A"})
        assert answer.status_code in (403, 404, 405)
        assert state() == before
