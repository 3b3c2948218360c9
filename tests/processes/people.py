"""A person who works over HTTP, as a browser without scripts would."""

import re

import requests
from django.test import Client
from django.urls import reverse

from directory.models import User
from erp_integrations.models import Submission


class Person:
    """Signed in to the running web process. Answers are pages; redirects are followed."""

    def __init__(self, user: User, address: str) -> None:
        client = Client()
        client.force_login(user)
        self._address = address
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy must not see local traffic
        self._session.cookies.update({name: morsel.value for name, morsel in client.cookies.items()})

    def opens(self, path: str) -> str:
        """The page's HTML; it must answer 200."""
        answer = self._session.get(self._address + path, timeout=20)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text

    def sees(self, submission: Submission) -> str:
        """The review page's HTML."""
        return self.opens(submission.get_absolute_url())

    def accepts(self, submission: Submission) -> None:
        """Open the Accept dialog and press Export."""
        self._decides("accept", submission, {})

    def rejects(self, submission: Submission, reason: str) -> None:
        """Open the Reject box, enter the reason and press Reject."""
        self._decides("reject", submission, {"reason": reason})

    def undoes(self, submission: Submission) -> None:
        self._decides("undo", submission, {})

    def _decides(
        self, decision: str, submission: Submission, entered: dict[str, str], *, again: bool = False
    ) -> None:
        path = reverse(f"erp_integrations:{decision}", args=[submission.company.slug, submission.pk])
        fields = find_fields(self.opens(path)) | entered
        answer = self._session.post(self._address + path, data=fields, timeout=20)
        if answer.status_code == 409 and "changed since you opened this page" in answer.text and not again:
            # A worker that began just now has read Spectrum's master data: they look at it once more.
            self._decides(decision, submission, entered, again=True)
            return
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        assert answer.history, f"the decision was not taken: {answer.text}"


def find_fields(page: str) -> dict[str, str]:
    """The values that the page's inputs have, as a browser would send them."""
    inputs = [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r"<input\b[^>]*>", page)]
    return {each["name"]: each.get("value", "") for each in inputs if "name" in each}
