"""Redirects stay here, whatever the request says; and static files are only those."""

import pytest
from django.test import Client

from tests.rights import forms
from tests.rights.fixtures import the_world
from tests.rights.world import World, undone

__all__ = ["the_world"]

pytestmark = pytest.mark.django_db

ELSEWHERE = (
    "https://evil.test/",
    "//evil.test",
    "/\\evil.test",
    "https:evil.test",
    "javascript:alert(1)",
    "\r\nX-Evil: 1",
)
NAMES = ("next", "back", "url", "return", "redirect_to", "continue", "_changelist_filters")

DECISIONS = {
    "erp_integrations:accept": ("awaiting", "approving ERP admin"),
    "erp_integrations:reject": ("awaiting", "approving ERP admin"),
    "erp_integrations:undo": ("queued", "approving ERP admin"),
    "erp_integrations:vendor": ("awaiting", "ERP admin"),
    "erp_integrations:job": ("awaiting", "ERP admin"),
    "project_erp:retrieve": ("awaiting", "approving project admin"),
    "commitments:edit": ("unsent", "approving project admin"),
}
TYPED = {"reason": "x", "code": "V9"}


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
@pytest.mark.parametrize("name", DECISIONS)
def test_after_a_decision_nobody_is_led_elsewhere(name: str, elsewhere: str, the_world: World) -> None:
    situation, kind = DECISIONS[name]
    url = the_world.ours.address(name, situation)
    browser = the_world.browsers[kind]
    header = elsewhere.strip()
    for htmx in ({}, {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": header}):
        with undone():
            typed = forms.entered(browser.get(url).body, url, TYPED) | TYPED | dict.fromkeys(NAMES, elsewhere)
            answer = browser.post(url, typed, HTTP_REFERER=header, **htmx)
        for header_name in ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url"):
            led = answer.headers.get(header_name, "")
            assert not led or (led.startswith("/") and not led.startswith(("//", "/\\"))), (
                f"{header_name}: {led}"
            )
        assert "X-Evil" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/../config/settings.py",
        "/static/%2e%2e/config/settings.py",
        "/static/..%2fconfig/settings.py",
        "/static/%252e%252e/config/settings.py",
        "/static//etc/passwd",
        "/static/css/../../manage.py",
        "/static/..\\..\\manage.py",
        "/static/%00",
        "/.env",
        "/.git/config",
        "/var/environment",
    ],
)
def test_only_static_files_are_served(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code in (302, 400, 404)
    assert b"SECRET_KEY" not in answer.content
    assert b"root:" not in answer.content
