"""The headers of every answer, whoever asks and however it ends."""

import re
from typing import Any

import pytest
from django.contrib.admin import site as admin_site
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path, reverse
from pytest_django import Settings

from config.urls import handler403, urlpatterns
from directory.models import User
from erp_integrations.models import ExportJob
from tests.clients import signed_in
from tests.factories import ApproverFactory, ErpAdminFactory, ExportJobFactory, SubmissionFactory

pytestmark = pytest.mark.django_db

LONG = 2_621_441  # bytes, one more than a form may be
INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", re.IGNORECASE)


def breaks(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret detail of what broke")


# For the tests that need a page which breaks: ROOT_URLCONF is this module then.
urlpatterns = [*urlpatterns, path("breaks/", breaks)]
__all__ = ["handler403", "urlpatterns"]


def answer_of_each_kind(settings: Settings) -> dict[str, Any]:
    settings.ROOT_URLCONF = __name__
    client = signed_in(ErpAdminFactory())
    client.raise_request_exception = False
    strict = Client(enforce_csrf_checks=True)
    submission = SubmissionFactory()
    approver = signed_in(ApproverFactory(company=submission.company))
    review = f"/companies/{submission.company.slug}/erp-integrations/commitments/{submission.pk}/"
    return {
        "200": approver.get(review),
        "sign-in": Client().get("/accounts/login/"),
        "302": Client().get("/"),
        "400": client.get("/", headers={"Host": "stranger.example"}),
        "403": strict.post("/accounts/login/", {"login": "a"}),
        "404": client.get("/nothing/"),
        "405": approver.post(review),
        "413": client.post("/accounts/profile/", "x" * LONG, content_type="text/plain"),
        "500": client.get("/breaks/"),
        "healthz": Client().get("/healthz"),
    }


def test_every_answer_has_every_header(settings: Settings) -> None:
    for name, answer in answer_of_each_kind(settings).items():
        if name.isdigit():
            assert answer.status_code == int(name)
        headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff", name
        assert headers["X-Frame-Options"] == "DENY", name
        assert headers["Referrer-Policy"] == "same-origin", name
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", name
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin", name
        assert "camera=()" in headers["Permissions-Policy"], name
        assert "no-store" in headers["Cache-Control"], name
        policy = headers["Content-Security-Policy"]
        for directive in (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "base-uri 'none'",
            "object-src 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ):
            assert directive in policy, (name, directive)
        assert "unsafe" not in policy, name


def test_no_error_page_tells_what_broke(settings: Settings) -> None:
    for name, answer in answer_of_each_kind(settings).items():
        if not name.isdigit() or int(name) < 400 or name == "405":
            continue
        html = answer.content.decode()
        assert f'<p class="error-code">{name}</p>' in html, name
        for detail in ("Traceback", "secret detail", "RuntimeError", "stranger.example", "/tmp", ".py"):
            assert detail not in html, (name, detail)
        assert not INLINE.search(html), name


def test_static_files_may_be_kept_and_are_read_by_no_other_site() -> None:
    answer = Client().get("/static/css/base.css")
    assert answer.status_code == 200
    list(answer)  # to its end, where the test client closes the file
    assert "no-store" not in answer.headers["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def admin_addresses(job: ExportJob) -> list[str]:
    found = ["/admin/", "/admin/password_change/"]
    for model in admin_site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found.append(reverse(f"{name}_changelist"))
        row = model._default_manager.first()
        found += [reverse(f"{name}_{what}", args=[row.pk]) for what in ("change", "delete", "history") if row]
        found.append(reverse(f"{name}_add"))
    return found


def test_no_page_of_django_admin_has_anything_inline() -> None:
    job: ExportJob = ExportJobFactory(incomplete=True)
    client = signed_in(User.objects.create_superuser("root@example.test"))
    shown = 0
    for address in admin_addresses(job):
        answer = client.get(address)
        assert answer.status_code in (200, 302, 403), address
        html = answer.content.decode()
        assert not INLINE.search(html), (address, INLINE.findall(html))
        shown += answer.status_code == 200
    assert shown > 20


class TestBody:
    def test_a_form_that_is_as_long_as_allowed_is_read(self) -> None:
        client = signed_in(ApproverFactory())
        padding = "x" * (LONG - 1 - len("first_name="))
        answer = client.post(
            "/accounts/profile/", f"first_name={padding}", content_type="application/x-www-form-urlencoded"
        )
        assert answer.status_code == 422

    @pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/json", "text/xml"])
    def test_a_longer_one_is_not_read_and_the_page_says_why(self, kind: str) -> None:
        answer = signed_in(ApproverFactory()).post("/accounts/profile/", "a" * LONG, content_type=kind)
        assert answer.status_code == 413
        assert "larger than 2560 kB" in answer.content.decode()

    def test_a_visitor_sends_no_long_form_either(self) -> None:
        answer = Client().post("/accounts/login/", {"login": "a" * LONG})
        assert answer.status_code == 413

    def test_the_log_says_who_sent_it(self, caplog: pytest.LogCaptureFixture) -> None:
        person = ApproverFactory()
        signed_in(person).post("/accounts/profile/", "a" * LONG, content_type="text/plain")
        expected = f"Person {person.pk} sent a body of '{LONG}' bytes to /accounts/profile/: 413"
        assert expected in caplog.messages

    @pytest.mark.parametrize("announced", ["-1", "1e3", "٣", "many", "9" * 400])
    def test_a_length_that_is_none_is_refused(self, announced: str) -> None:
        answer = Client().post("/accounts/login/", {}, CONTENT_LENGTH=announced)
        assert answer.status_code == 413

    def test_no_file_is_taken(self) -> None:
        client = signed_in(ApproverFactory())
        boundary = "x"
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nA\r\n'
            f"--{boundary}--\r\n"
        )
        answer = client.post(
            "/accounts/profile/", body, content_type=f"multipart/form-data; boundary={boundary}"
        )
        assert answer.status_code == 400

    def test_more_fields_than_the_longest_schedule_has_are_refused(self) -> None:
        client = signed_in(ApproverFactory())
        fields = "&".join(f"a{number}=" for number in range(10_001))
        answer = client.post("/accounts/profile/", fields, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "host", ["stranger.example", "testserver.stranger.example", "testserver@stranger.example", ""]
)
def test_another_host_is_answered_by_nothing(host: str) -> None:
    client = Client()
    answer = client.post("/accounts/password/reset/", {"email": "a@b.example"}, headers={"Host": host})
    assert answer.status_code == 400


@pytest.mark.parametrize("address", ["/accounts/login/", "/accounts/logout/", "/accounts/password/reset/"])
def test_the_forms_of_sign_in_take_no_form_of_another_site(address: str) -> None:
    assert Client(enforce_csrf_checks=True).post(address, {"login": "a"}).status_code == 403
