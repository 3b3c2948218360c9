"""Nothing that is typed into a commitment's form is lost, and it creates once."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from commitments.models import Commitment
from directory.drafts import MOST
from directory.models import Draft, Project, User
from tests.clients import signed_in
from tests.commitments.posting import as_stored, entry, line
from tests.factories import CommitmentFactory, CreatorFactory, ProjectAdminFactory, ProjectFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def creator(project: Project) -> User:
    return CreatorFactory(project=project)


@pytest.fixture
def client(creator: User) -> Client:
    return signed_in(creator)


def address(project: Project, kind: str = "subcontract") -> str:
    return f"{project.get_absolute_url()}new/?kind={kind}"


def hidden(client: Client, path: str) -> dict[str, str]:
    shown = client.get(path).content.decode()
    names = ("draft", "draft_key", "restored", "entry_key", "version")
    found = {name: re.search(rf'name="{name}"\s+value="([^"]+)"', shown) for name in names}
    return {name: match[1] for name, match in found.items() if match}


def test_an_expired_session_brings_the_form_back(client: Client, creator: User, project: Project) -> None:
    posted = entry(
        line(description="Walls", amount="12.50"), title="Tower", trade="", **hidden(client, address(project))
    )
    client.session.flush()

    answer = client.post(address(project), posted, follow=True)
    assert "What you typed is kept" in answer.content.decode()
    assert not Commitment.objects.exists()

    shown = signed_in(creator).get(address(project)).content.decode()
    assert "What you typed is back" in shown
    assert all(f'value="{each}"' in shown for each in ("Tower", "Walls", "12.50"))


def test_typing_is_kept_and_saving_uses_it_up(client: Client, project: Project) -> None:
    posted = entry(line(amount="1"), title="Half done", **hidden(client, address(project)))
    assert client.post(address(project), {**posted, "keep": "1"}).status_code == 204
    assert not Commitment.objects.exists()
    assert 'value="Half done"' in client.get(address(project)).content.decode()
    assert "Half done" not in client.get(address(project, "purchase_order")).content.decode()

    client.post(address(project), posted)
    assert Commitment.objects.get().title == "Half done"
    assert not Draft.objects.exists()


def test_what_is_kept_of_a_change_remembers_what_it_was_made_on(
    client: Client, creator: User, project: Project
) -> None:
    """So that a save after somebody else's is refused, and puts no old value back unasked."""
    commitment = CommitmentFactory(project=project, created_by=creator)
    path = f"{commitment.get_absolute_url()}edit/"
    first = as_stored(commitment, title="Mine", **hidden(client, path))
    client.post(path, {**first, "keep": "1"})
    other = ProjectAdminFactory(project=project)
    signed_in(other).post(path, as_stored(commitment, trade="Theirs"))

    assert client.get(path).context["differences"] == ["Title: Concrete works", "Trade: Theirs"]
    restored = hidden(client, path)
    assert restored["version"] == "1"
    answer = client.post(path, {**first, **restored})
    assert answer.status_code == 409
    assert f"{other}, " in answer.content.decode()
    assert answer.context["differences"] == ["Title: Concrete works", "Trade: Theirs"]


def test_start_over_forgets_it(client: Client, project: Project) -> None:
    posted = entry(title="Wrong", **hidden(client, address(project)))
    client.post(address(project), {**posted, "keep": "1"})
    client.post(address(project), {**posted, "start_over": "1"})
    assert "Wrong" not in client.get(address(project)).content.decode()


def keep(client: Client, path: str, title: str, **page: str) -> dict[str, str]:
    posted = entry(title=title, **(page or hidden(client, path)))
    assert client.post(path, {**posted, "keep": "1"}).status_code == 204
    return posted


def list_kept() -> set[str]:
    return {each.texts["title"] for each in Draft.objects.all()}


def test_two_tabs_keep_their_own_and_each_ends_its_own(client: Client, project: Project) -> None:
    path = address(project)
    pages = [hidden(client, path) for _ in range(2)]
    first, second = (keep(client, path, title, **page) for title, page in zip("ab", pages, strict=True))
    shown = client.get(path)
    assert 'value="b"' in shown.content.decode()
    [other] = shown.context["other_drafts"]
    link = f"?kind=subcontract&amp;draft={other.pk}"
    assert link in shown.content.decode()
    assert 'value="a"' in client.get(path.partition("?")[0] + link.replace("&amp;", "&")).content.decode()

    client.post(path, {**second, "start_over": "1"})
    assert list_kept() == {"a"}
    client.post(path, first)
    assert not Draft.objects.exists()


def test_a_page_filled_from_a_draft_takes_its_place_unless_that_goes_on(
    client: Client, project: Project
) -> None:
    path = address(project)
    page = hidden(client, path)
    keep(client, path, "a", **page)
    keep(client, path, "ab")
    assert list_kept() == {"ab"}

    stale = hidden(client, path)
    keep(client, path, "abc")
    keep(client, path, "abd", **stale)
    assert list_kept() == {"abc", "abd"}
    keep(client, path, "abd, and more", **stale)
    page = hidden(client, path)
    keep(client, path, "abd, and much more", **stale)
    client.post(path, entry(line(amount="1"), title="abd, and more", **page))
    assert list_kept() == {"abc", "abd, and much more"}


def test_the_oldest_of_many_go(client: Client, project: Project) -> None:
    path = address(project)
    pages = [hidden(client, path) for _ in range(MOST + 2)]
    for number, page in enumerate(pages):
        keep(client, path, f"{number}", **page)
    assert list_kept() == {f"{number}" for number in range(2, MOST + 2)}


@pytest.mark.parametrize("key", ["", "\0", "%", "a#" * 40])
def test_a_page_without_a_key_that_we_made_has_the_one_draft_of_its_address(
    client: Client, project: Project, key: str
) -> None:
    path = address(project)
    page = {**hidden(client, path), "draft_key": key}
    if not key:
        del page["draft_key"]
    keep(client, path, "older", **page)
    posted = keep(client, path, "old", **page)
    assert Draft.objects.get().address == path
    assert 'value="old"' in client.get(path).content.decode()
    client.post(path, posted)
    assert not Draft.objects.exists()


def test_the_number_of_anothers_draft_opens_nothing(client: Client, project: Project) -> None:
    path = address(project)
    keep(client, path, "Secret price")
    other = signed_in(CreatorFactory(project=project))
    for number in (Draft.objects.get().pk, "9" * 40, "%00"):
        answer = other.get(f"{path}&draft={number}")
        assert "Secret price" not in answer.content.decode()
        assert "What you typed is back" not in answer.content.decode()


def test_another_person_gets_none_of_it(client: Client, project: Project) -> None:
    posted = entry(title="Secret price", **hidden(client, address(project)))
    client.post(address(project), {**posted, "keep": "1"})
    other = signed_in(CreatorFactory(project=project))
    other.post(address(project), {**posted, "keep": "1"})
    assert "Secret price" not in other.get(address(project)).content.decode()


def test_a_form_that_is_sent_three_times_at_once_creates_one(creator: User, project: Project) -> None:
    posted = entry(line(amount="5.00"), number="N-1", **hidden(signed_in(creator), address(project)))

    def send(client: Client) -> int:
        try:
            return client.post(address(project), posted).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(send, [signed_in(creator) for _ in range(3)])) == [302, 302, 302]
    assert Commitment.objects.get().lines.count() == 1


def test_a_change_that_is_sent_twice_is_saved_once_and_is_no_conflict(
    client: Client, creator: User, project: Project
) -> None:
    commitment = CommitmentFactory(project=project, created_by=creator)
    path = f"{commitment.get_absolute_url()}edit/"
    posted = as_stored(commitment, title="Twice", **hidden(client, path))
    assert [client.post(path, posted).status_code for _ in range(2)] == [302, 302]
    assert Commitment.objects.get().version == commitment.version + 1
    assert client.post(path, {**posted, "title": "Older"}).status_code == 409


def test_two_forms_create_two(client: Client, project: Project) -> None:
    for _ in range(2):
        client.post(address(project), entry(line(amount="5.00"), **hidden(client, address(project))))
    assert Commitment.objects.count() == 2


def test_going_back_and_writing_another_loses_neither(client: Client, project: Project) -> None:
    """The browser brings the form back as it was sent, with the key that has created one."""
    first = entry(line(amount="5.00"), title="First", **hidden(client, address(project)))
    client.post(address(project), first)
    for changed in ({"title": "Second"}, {"lines-0-amount": "6.00"}):
        second = {**first, **changed}
        answer = client.post(address(project), second)
        assert answer.status_code == 409
        assert "has created" in answer.content.decode()
        assert Commitment.objects.filter(title="First").count() == 1
    assert 'value="6.00"' in answer.content.decode()

    client.post(address(project), {**second, "entry_key": answer.context["entry_key"]})
    assert set(Commitment.objects.values_list("lines__amount", flat=True)) == {5, 6}
