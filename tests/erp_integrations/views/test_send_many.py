"""Several commitments of a project sent at once: each by the rules of a single Send."""

from typing import Any

import pytest
from lxml import html

from commitments.models import Badge, Commitment, Lock
from directory.models import HistoryEntry, Project, User
from erp_integrations.models import Submission
from tests.clients import signed_in
from tests.factories import CommitmentFactory, CreatorFactory, ProjectAdminFactory, ReadyCommitmentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ready() -> Commitment:
    made: Commitment = ReadyCommitmentFactory()
    return made


@pytest.fixture
def sender(ready: Commitment) -> User:
    person: User = ProjectAdminFactory(project=ready.project)
    return person


def address(project: Project) -> str:
    return f"{project.get_absolute_url()}send-to-erp/"


def opened(by: User, *commitments: Commitment) -> tuple[Any, dict[str, Any]]:
    """The page that shows them, and what its form would send."""
    query = {"id": [each.pk for each in commitments]}
    page: Any = html.document_fromstring(signed_in(by).get(address(commitments[0].project), query).content)
    fields: dict[str, Any] = {"id": []}
    for box in page.findall(".//tbody//input"):
        name, value = box.get("name"), box.get("value")
        fields["id"].append(value) if name == "id" else fields.update({name: value})
    return page, fields


def result(answer: Any) -> list[str]:
    cells: Any = html.document_fromstring(answer.content).findall(".//tbody/tr/td[last()]")
    return [" ".join(cell.text_content().split()) for cell in cells]


def test_each_shows_its_issues_and_what_can_go_goes_in_one_press(ready: Commitment, sender: User) -> None:
    other = ReadyCommitmentFactory(project=ready.project)
    blocked = CommitmentFactory(project=ready.project, number="")
    page, fields = opened(sender, ready, other, blocked)
    assert "The commitment has no number." in page.text_content()
    assert fields["id"] == [str(ready.pk), str(other.pk)]
    answer = signed_in(sender).post(address(ready.project), fields)
    assert result(answer) == ["Sent", "Sent"]
    assert "2 sent, 0 not sent." in answer.content.decode()
    assert {each.commitment_id for each in Submission.objects.all()} == {ready.pk, other.pk}
    blocked.refresh_from_db()
    assert (blocked.badge, blocked.lock) == (Badge.NOT_SENT, Lock.NONE)


def test_a_double_press_sends_nothing_twice_and_says_that_it_is_sent(ready: Commitment, sender: User) -> None:
    _, fields = opened(sender, ready)
    answers = [signed_in(sender).post(address(ready.project), fields) for _ in range(2)]
    assert [result(answer) for answer in answers] == [["Sent"], ["Sent"]]
    assert Submission.objects.count() == 1
    assert HistoryEntry.objects.filter(event="submission.sent").count() == 1


def test_one_that_is_refused_holds_up_no_other(ready: Commitment, sender: User) -> None:
    """Changed, sent by somebody else, blocked by now: each says so; another project's is none of them."""
    changed, theirs, blocked = (ReadyCommitmentFactory(project=ready.project) for _ in range(3))
    foreign = ReadyCommitmentFactory()
    _, fields = opened(sender, changed, theirs, blocked, ready)
    fields["id"].append(str(foreign.pk))
    Commitment.objects.filter(pk=changed.pk).update(version=2, title="Other")
    _, other_fields = opened(colleague := ProjectAdminFactory(project=ready.project), theirs)
    signed_in(colleague).post(address(ready.project), other_fields)
    Commitment.objects.filter(pk=blocked.pk).update(title="")
    answer = signed_in(sender).post(address(ready.project), fields)
    rows = dict(zip(sorted([changed.pk, theirs.pk, blocked.pk, ready.pk]), result(answer), strict=True))
    assert "It has changed since you opened this page." in rows[changed.pk]
    assert "already with accounting" in rows[theirs.pk]
    assert "Not sent. Blocking: The commitment has no title." in rows[blocked.pk]
    assert rows[ready.pk] == "Sent"
    assert not foreign.submissions.exists()


def test_only_who_may_send_gets_there_and_nonsense_is_nothing(ready: Commitment, sender: User) -> None:
    creator = signed_in(CreatorFactory(project=ready.project))
    assert creator.get(address(ready.project), {"id": ready.pk}).status_code == 403
    assert creator.post(address(ready.project), {"id": ready.pk}).status_code == 403
    assert "send-many" not in creator.get(ready.project.get_absolute_url()).content.decode()
    for typed in ("", "x", "9" * 30, "-1"):
        answer = signed_in(sender).post(address(ready.project), {"id": typed}, follow=True)
        assert "Nothing was sent" in answer.content.decode()
    signed_in(sender).post(address(ready.project), {"id": ready.pk, f"version-{ready.pk}": "٣"})
    assert not Submission.objects.exists()
