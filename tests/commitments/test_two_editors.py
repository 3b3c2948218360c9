"""Two editors at once: whatever they do in whatever order, nobody puts an old value back unasked."""

from typing import Any

import pytest
from django.test import Client
from hypothesis import example, given, settings
from hypothesis import strategies as st

from commitments.models import Commitment
from tests.clients import signed_in
from tests.commitments.test_line_grid import Controls
from tests.factories import CommitmentFactory, ProjectAdminFactory

pytestmark = pytest.mark.django_db

FIELDS = ("title", "lines-0-amount", "lines-1-amount", "lines-1-description")
STEPS = st.tuples(st.integers(0, 1), st.sampled_from(["open", "save", *FIELDS, *FIELDS]))


def get_stored(commitment: Commitment) -> dict[str, str]:
    commitment.refresh_from_db()
    first, second = commitment.lines.order_by("position")
    values = (commitment.title, f"{first.amount:,.2f}", f"{second.amount:,.2f}", second.description)
    return dict(zip(FIELDS, values, strict=True))


class Editor:
    """Somebody with the form open, who has seen what is stored as it was then."""

    def __init__(self, client: Client, commitment: Commitment) -> None:
        self.client, self.commitment = client, commitment
        self.address = f"{commitment.get_absolute_url()}edit/"
        self.open()

    def open(self) -> None:
        shown = Controls(self.client.get(self.address).content.decode()).posted  # with what a refusal kept
        self.client.post(self.address, {**shown, "start_over": "1"})
        self.posted = Controls(self.client.get(self.address).content.decode()).posted
        self.posted["status"] = self.commitment.status
        self.seen = get_stored(self.commitment)

    def save(self) -> None:
        before = get_stored(self.commitment)
        typed = {name: self.posted[name] for name in FIELDS}
        answer = self.client.post(self.address, self.posted)
        after = get_stored(self.commitment)
        if answer.status_code == 302:
            assert before in (self.seen, typed), "what somebody else saved was overwritten without a word"
            assert after == typed
            self.open()
            return
        assert answer.status_code == 409
        assert self.seen != before
        assert after == before
        said = "\n".join(answer.context["differences"])
        for name in FIELDS:
            assert typed[name] == before[name] or before[name] in said
        again: dict[str, Any] = Controls(answer.content.decode()).posted
        assert {name: again[name] for name in FIELDS} == typed
        self.posted["version"], self.seen = again["version"], before


@settings(max_examples=6)
@given(st.lists(STEPS, min_size=4, max_size=10))
@example([(1, "title"), (1, "save"), (0, "save"), (0, "open")])
def test_nobody_overwrites_in_silence(steps: list[tuple[int, str]]) -> None:
    commitment = CommitmentFactory(lines=2, title="A")
    clients = (signed_in(commitment.created_by), signed_in(ProjectAdminFactory(project=commitment.project)))
    editors = [Editor(client, commitment) for client in clients]
    for turn, (who, what) in enumerate(steps, start=1):
        if what in FIELDS:
            editors[who].posted[what] = f"{turn},000.00" if what.endswith("amount") else f"Typed {turn}"
        else:
            getattr(editors[who], what)()
    for editor in editors:
        editor.save()
