"""One after the other: a review page goes on to the next of the list that it was opened from."""

import re

import pytest

from directory.models import Project
from erp_integrations.models import Submission
from tests.clients import signed_in
from tests.erp_integrations.views.test_dialogs import approver_of, hidden, list_url, url
from tests.factories import ApproverFactory, ProjectFactory, ReadyCommitmentFactory, SubmissionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    made: Project = ProjectFactory()
    return made


@pytest.fixture
def waiting(project: Project) -> list[Submission]:
    """Three, of which the second is the largest."""
    return [
        SubmissionFactory(commitment=ReadyCommitmentFactory(project=project, lines=lines))
        for lines in (1, 3, 2)
    ]


def review(submission: Submission, query: str) -> str:
    return f"{list_url(submission.company)}{submission.pk}/{query}"


def test_it_says_where_it_stands_and_leads_to_both_sides(waiting: list[Submission]) -> None:
    first, second, third = waiting
    _, client = approver_of(first)
    html = client.get(review(second, "?view=ready-to-export")).content.decode()
    assert "2 of 3" in html
    assert f'{review(first, "?view=ready-to-export")}"' in html
    assert f'{review(third, "?view=ready-to-export")}"' in html


def test_filter_and_order_are_kept(waiting: list[Submission]) -> None:
    """By amount, the largest first: second, third, first."""
    _, second, third = waiting
    _, client = approver_of(second)
    listed = client.get(f"{list_url(second.company)}?sort=-amount").content.decode()
    query = "?view=ready-to-export&amp;sort=-amount"
    assert f'href="{second.pk}/{query}"' in listed
    html = client.get(review(second, "?view=ready-to-export&sort=-amount")).content.decode()
    assert "1 of 3" in html
    assert f'data-key="j" href="{review(third, query)}"' in re.sub(r"\s+", " ", html)


def test_a_decision_goes_on_to_the_next(waiting: list[Submission]) -> None:
    first, second, _ = waiting
    _, client = approver_of(first)
    html = client.get(review(first, "?view=ready-to-export")).content.decode()
    found = re.search(r'href="([^"]*/accept/[^"]*)"', html)
    assert found
    address = found[1].replace("&amp;", "&")
    shown = client.get(address).content.decode()

    answer = client.post(address, {**hidden(shown), "erp_id": first.number})

    assert answer.status_code == 302
    assert answer["Location"] == review(second, "?view=ready-to-export")
    assert "1 of 2" in client.get(answer["Location"]).content.decode()


def test_the_last_leads_back_to_itself(waiting: list[Submission]) -> None:
    last = waiting[-1]
    _, client = approver_of(last)
    html = client.get(review(last, "?view=ready-to-export")).content.decode()
    assert "next=" not in html


@pytest.mark.parametrize("after", ["", "x", "-1", "9" * 30, "/evil.example"])
def test_an_address_that_somebody_made_up_leads_nowhere_else(waiting: list[Submission], after: str) -> None:
    first = waiting[0]
    _, client = approver_of(first)
    address = f"{url(first, 'reject')}?back=review&view=ready-to-export&next={after}"
    shown = client.get(address).content.decode()
    answer = client.post(address, {**hidden(shown), "reason": "No."})
    assert answer["Location"] == review(first, "")


def test_without_a_list_there_is_no_queue(waiting: list[Submission]) -> None:
    html = signed_in(ApproverFactory(company=waiting[0].company)).get(review(waiting[0], "")).content.decode()
    assert "In this list" not in html
