"""Whoever entered their password too long ago is asked again before what is named here, and nothing happens.

An address that is added either asks or does not: one that starts to, or ceases to, is seen here.
"""

import pytest

from tests.clients import entered_password, signed_in
from tests.rights import witness
from tests.rights.cells import forms_of, mightiest, path_of
from tests.rights.fixtures import the_world
from tests.rights.world import ADDRESSES, Browser, World, undone

__all__ = ["the_world"]

pytestmark = pytest.mark.django_db

LONG_AGO = 100_000  # seconds
ASKS = {
    *("end_sessions", "erp_integrations:history-export"),
    *("erp_integrations:connection", "erp_integrations:accept-wsdl", "erp_integrations:accept-reply-rule"),
    "erp_integrations:rotate",
}
# Of allauth's pages those of secrets; they lead to the question.
LEADS = {
    *("mfa_activate_totp", "mfa_deactivate_totp"),
    *("mfa_generate_recovery_codes", "mfa_download_recovery_codes"),
    *("mfa_add_webauthn", "mfa_remove_webauthn", "mfa_reauthenticate_webauthn"),
}
# All of Django admin asks but the way out of it, and what is no page of it.
ASKS_NOT = {"admin:login", "admin:logout"}


def late(kind: str, the_world: World) -> Browser:
    client = signed_in(the_world.people[kind])
    entered_password(client, seconds_ago=LONG_AGO)
    browser = Browser()
    browser.cookies = client.cookies
    return browser


@pytest.mark.parametrize("name", list(ADDRESSES))
def test_what_is_sensitive_asks_again_and_nothing_else_does(name: str, the_world: World) -> None:
    url, typed = path_of(name, the_world), forms_of(name, the_world)
    with undone():
        browser = late(mightiest(name), the_world)
        with witness.watching() as seen:
            answer = browser.post(url, typed)
    asked = answer.status_code == 403 and b'name="confirm_password"' in answer.body
    led = answer.headers.get("Location", "").startswith("/accounts/reauthenticate/")
    assert led == (name in LEADS), url
    assert asked == (name in ASKS or (name.startswith("admin") and name not in ASKS_NOT)), url
    assert not (asked or led) or not seen.tables - witness.ASIDE
