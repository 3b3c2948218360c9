"""A person at a browser without scripts: signs in once, opens pages, sends forms."""

import threading
from collections.abc import Mapping, Sequence

import requests
from lxml import html

PATIENCE = 60.0


class Unexpected(Exception):
    """The product answered otherwise than a person who does this would expect."""


class Away(Unexpected):
    """The product could not answer just now; nobody knows yet whether it did what was asked."""


class Person:
    """Signed in with the password that all people of the demo share. Several threads may use one."""

    def __init__(self, address: str, email: str, password: str) -> None:
        self.email = email
        self._address = address
        self._password = password
        self._threads = threading.local()
        first = _session()
        answer = first.get(f"{address}/accounts/login/", timeout=PATIENCE)
        form = form_with(html.document_fromstring(answer.text), "password")
        fields = {**values_of(form), "login": email, "password": password}
        answer = first.post(answer.url, data=fields, timeout=PATIENCE)
        if answer.url.endswith("/accounts/login/"):
            raise Unexpected(f"{email} can't sign in: {words_of(html.document_fromstring(answer.text))}")
        self._cookies = dict(first.cookies.items())
        self._token = next(value for name, value in self._cookies.items() if name.endswith("csrf"))

    def opens_box(self, path: str) -> html.HtmlElement:
        """A box in place, without the page around it; it may say that somebody was first."""
        return self._get(path, {"HX-Request": "true"}, {200, 409})

    def opens(self, path: str) -> html.HtmlElement:
        """The page, which must be there."""
        return self._get(path, {}, {200})

    def _get(self, path: str, headers: Mapping[str, str], expected: set[int]) -> html.HtmlElement:
        answer = self._session.get(self._address + path, headers=headers, timeout=PATIENCE)
        if answer.status_code >= 500:
            raise Away(f"{self.email} opened {path}: {answer.status_code}")
        if answer.status_code not in expected:
            raise Unexpected(f"{self.email} opened {path}: {answer.status_code}")
        return html.document_fromstring(answer.text)

    def sends(self, path: str, fields: Mapping[str, str | Sequence[str]]) -> html.HtmlElement | None:
        """Send a form. None when it was done, which a redirect says; else the page that says why not.

        Where a person is asked who they are once more, they say it.
        """
        answer = self._session.post(
            self._address + path,
            data={"csrfmiddlewaretoken": self._token, **fields},
            timeout=PATIENCE,
            allow_redirects=False,
        )
        if answer.status_code == 302:
            return None
        asked_again = answer.status_code == 403 and "confirm_password" in answer.text
        if asked_again and "confirm_password" not in fields:
            return self.sends(path, {**fields, "confirm_password": self._password})
        if answer.status_code >= 500:
            raise Away(f"{self.email} sent {path}: {answer.status_code}")
        if answer.status_code not in {200, 409, 422}:
            raise Unexpected(f"{self.email} sent {path}: {answer.status_code}")
        return html.document_fromstring(answer.text)

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._threads, "session"):
            self._threads.session = _session()
            self._threads.session.cookies.update(self._cookies)
        session = self._threads.session
        assert isinstance(session, requests.Session)
        return session


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy must not see local traffic
    # The server drops a connection that idles, perhaps in the moment of the next request.
    session.headers["Connection"] = "close"
    return session


def form_with(page: html.HtmlElement, field: str) -> html.FormElement:
    """The form of the page that has this field."""
    for form in page.forms:
        if field in form.fields:
            assert isinstance(form, html.FormElement)
            return form
    raise Unexpected(f"the page has no form with {field}: {words_of(page)[:300]}")


def values_of(form: html.FormElement) -> dict[str, str]:
    """The fields as a browser would send them if nothing was changed."""
    # lxml leaves out a text field without a value, which a browser sends blank.
    blank = {
        field.name: ""
        for field in form.inputs
        if field.name and field.get("type", "text") in {"text", "date", "hidden"} and field.tag == "input"
    }
    return blank | {name: value for name, value in form.form_values() if isinstance(value, str)}


def words_of(element: html.HtmlElement) -> str:
    """Its text with single blanks."""
    return " ".join(str(element.text_content()).split())
