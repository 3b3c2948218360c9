"""Rules for every address there is, whoever asks: forged forms, odd methods, a forged host.

The addresses are those of the rights matrix, so that one that is added is tried here too.
"""

import pytest

from directory.models import HistoryEntry
from tests.rights import witness
from tests.rights.cells import mightiest, path_of
from tests.rights.fixtures import the_world
from tests.rights.world import ADDRESSES, World, undone

__all__ = ["the_world"]

pytestmark = pytest.mark.django_db

EVERY = pytest.mark.parametrize("name", list(ADDRESSES))
REFUSALS = {HistoryEntry._meta.db_table}  # and looks at what is stored of secrets
# A mail program presses it, and has no form: what proves it is the token in its address (RFC 8058).
WITHOUT_FORM = {"unsubscribe"}
OTHER_METHODS = ("PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND")


@pytest.mark.parametrize("name", [name for name in ADDRESSES if name not in WITHOUT_FORM])
def test_a_form_without_its_token_is_refused(name: str, the_world: World) -> None:
    url, forger = path_of(name, the_world), the_world.browsers[mightiest(name)].that_checks_forms()
    for headers in ({}, {"HTTP_HX_REQUEST": "true"}, {"HTTP_REFERER": "https://testserver/"}):
        with undone(), witness.watching() as seen:
            answer = forger.post(url, {"reason": "Forged."}, **headers)
            assert answer.status_code == 403, url
            assert b"Nothing was changed" in answer.body
            assert not seen.tables - witness.ASIDE


@EVERY
def test_no_other_method_does_what_a_post_does(name: str, the_world: World) -> None:
    url, browser = path_of(name, the_world), the_world.browsers[mightiest(name)]
    for method in OTHER_METHODS:
        with undone(), witness.watching() as seen:
            answer = browser.generic(
                method, url, "reason=Forged.&post=yes", "application/x-www-form-urlencoded"
            )
            assert method == "HEAD" or answer.status_code == 405, f"{method} {url}"
            assert not seen.tables - witness.ASIDE - REFUSALS, f"{method} {url}"


@EVERY
def test_a_look_stays_a_look_whatever_its_headers_say(name: str, the_world: World) -> None:
    url, browser = path_of(name, the_world), the_world.browsers[mightiest(name)]
    with undone(), witness.watching() as seen:
        headers = {"HTTP_X_HTTP_METHOD_OVERRIDE": "POST", "HTTP_HX_REQUEST": "true"}
        answer = browser.get(f"{url}?_method=POST&post=yes&reason=Forged.", **headers)
        assert (
            answer.status_code < 400
            or answer.status_code in (403, 404, 405, 503)
            or (
                (name, answer.status_code) == ("erp_integrations:follow", 409)  # nothing was moved
            )
        ), url
        assert not seen.tables - witness.ASIDE - REFUSALS, url


@EVERY
def test_a_forged_host_is_refused(name: str, the_world: World) -> None:
    url, browser = path_of(name, the_world), the_world.browsers[mightiest(name)]
    for host in ("evil.test", "testserver.evil.test", "testserver:80@evil.test"):
        answer = browser.get(url, HTTP_HOST=host)
        assert answer.status_code == 400, host
        assert b"evil.test" not in answer.body
    with undone():
        answer = browser.get(url, HTTP_X_FORWARDED_HOST="evil.test", HTTP_FORWARDED="host=evil.test")
    assert "evil" not in str(answer.headers).lower()
    assert b"evil.test" not in answer.body
