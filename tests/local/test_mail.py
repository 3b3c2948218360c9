"""The mail catcher as a process of its own, over real SMTP and HTTP."""

import http.client
import json
import re
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Catcher:
    process: subprocess.Popen[str]
    smtp_port: int
    http_port: int

    def send(self, message: EmailMessage, *, to: str = "creator@demo.example") -> None:
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=5) as server:
            server.send_message(message, "ledgergate@localhost", [to])

    def ask(self, method: str, path: str, **headers: str) -> tuple[http.client.HTTPResponse, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=5)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response, response.read().decode()
        finally:
            connection.close()

    def trouble(self, **fault: object) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=5)
        try:
            connection.request("PUT", "/api/fault", json.dumps(fault))
            return connection.getresponse().status
        finally:
            connection.close()

    def messages(self) -> list[dict[str, Any]]:
        caught: list[dict[str, Any]] = json.loads(self.ask("GET", "/api/messages")[1])["messages"]
        return caught

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=5)
        assert self.process.stdout
        self.process.stdout.close()
        return code


def start(folder: Path) -> Catcher:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "local.mail",
            "--http-port",
            "0",
            "--smtp-port",
            "0",
            "--directory",
            str(folder),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    smtp, shown = re.findall(r":(\d+)", process.stdout.readline())
    return Catcher(process, int(smtp), int(shown))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Catcher]:
    started = start(tmp_path_factory.mktemp("mail"))
    yield started
    started.stop()


@pytest.fixture
def catcher(running: Catcher) -> Catcher:
    """An empty inbox."""
    running.ask("DELETE", "/api/messages")
    return running


def mail(subject: str = "Rejected", text: str = "The reason: wrong vendor.", html: str = "") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ledgergate <ledgergate@localhost>"
    message["To"] = "creator@demo.example"
    message["Subject"] = subject
    message["Message-ID"] = "<7@ledgergate>"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def test_a_mail_is_caught_as_it_was_sent(catcher: Catcher) -> None:
    catcher.send(mail("Zurück – “rejected”", text="Grüße,\nthe reason", html="<p>the reason</p>"))
    (caught,) = catcher.messages()
    assert caught["to"] == ["creator@demo.example"]
    assert caught["from"] == "Ledgergate <ledgergate@localhost>"
    assert caught["subject"] == "Zurück – “rejected”"
    assert caught["message_id"] == "<7@ledgergate>"
    assert caught["text"] == "Grüße,\nthe reason\n"
    assert caught["html"] == "<p>the reason</p>\n"
    source = catcher.ask("GET", f"/messages/{caught['id']}/source")[1]
    assert source.startswith("From: Ledgergate")


def test_the_list_shows_the_newest_first(catcher: Catcher) -> None:
    for subject in ("older", "newer"):
        catcher.send(mail(subject))
    assert [caught["subject"] for caught in catcher.messages()] == ["newer", "older"]
    page = catcher.ask("GET", "/")[1]
    assert page.index(">newer<") < page.index(">older<")


def test_a_blind_copy_is_shown_with_the_address_that_it_went_to(catcher: Catcher) -> None:
    catcher.send(mail(), to="hidden@demo.example")
    assert catcher.messages()[0]["to"] == ["hidden@demo.example"]


def test_mails_survive_a_restart(tmp_path: Path) -> None:
    before = start(tmp_path)
    before.send(mail("kept"))
    assert before.stop() == 0
    again = start(tmp_path)
    try:
        assert [caught["subject"] for caught in again.messages()] == ["kept"]
    finally:
        again.stop()


def test_a_mail_of_which_only_half_was_written_is_no_mail(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "00000000000000000001.part").write_text("Subject: half")
    started = start(tmp_path / "mail")
    try:
        assert started.messages() == []
    finally:
        started.stop()
    assert list((tmp_path / "mail").iterdir()) == []


def test_text_is_never_markup_on_the_page_and_its_addresses_are_links(catcher: Catcher) -> None:
    catcher.send(mail("<script>1</script>", text="see <b>http://127.0.0.1:8000/projects/1/</b>."))
    page = catcher.ask("GET", f"/messages/{catcher.messages()[0]['id']}")[1]
    assert "<script>" not in page
    assert "<b>" not in page
    assert '<a href="http://127.0.0.1:8000/projects/1/" target="_blank">' in page


def test_the_html_part_runs_and_loads_nothing(catcher: Catcher) -> None:
    catcher.send(mail(html="<!doctype html><html><head><title>x</title></head><p>hello</p></html>"))
    address = f"/messages/{catcher.messages()[0]['id']}"
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in catcher.ask("GET", address)[1]
    response, part = catcher.ask("GET", f"{address}/html")
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert '<html><head><base target="_blank"><title>' in part


def test_delete_clears_the_inbox(catcher: Catcher) -> None:
    catcher.send(mail())
    assert json.loads(catcher.ask("DELETE", "/api/messages")[1]) == {"deleted": 1}
    assert catcher.messages() == []


def test_only_the_own_page_may_press_delete_all(catcher: Catcher) -> None:
    catcher.send(mail())
    assert catcher.ask("POST", "/clear", Origin="http://elsewhere.example")[0].status == 403
    assert len(catcher.messages()) == 1
    own = f"http://127.0.0.1:{catcher.http_port}"
    assert catcher.ask("POST", "/clear", Origin=own)[0].status == 303
    assert catcher.messages() == []


def test_a_foreign_name_for_this_machine_shows_nothing(catcher: Catcher) -> None:
    assert catcher.ask("GET", "/", Host="elsewhere.example")[0].status == 403


def test_an_unknown_mail_is_not_found(catcher: Catcher) -> None:
    for path in ("/messages/1", "/messages/..%2f..", "/messages/x/source", "/nothing"):
        assert catcher.ask("GET", path)[0].status == 404


def test_it_says_when_it_is_healthy(catcher: Catcher) -> None:
    assert catcher.ask("GET", "/healthz")[0].status == 200


def test_a_port_that_is_taken_is_one_sentence(catcher: Catcher, tmp_path: Path) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "local.mail", "--http-port", str(catcher.http_port), "--smtp-port", "0",
         "--directory", str(tmp_path / "other")],
        capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert second.returncode == 1
    assert second.stderr == "The mail catcher can't start: Address already in use.\n"


@pytest.mark.parametrize("code", [451, 550])
def test_it_refuses_recipients_on_request_and_for_so_long(catcher: Catcher, code: int) -> None:
    assert catcher.trouble(kind="refuse", code=code, seconds=0.5) == 200
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        catcher.send(mail())
    assert [answer[0] for answer in refused.value.recipients.values()] == [code]
    assert catcher.messages() == []
    time.sleep(0.5)
    catcher.send(mail())
    assert len(catcher.messages()) == 1


def test_it_hangs_on_request_before_it_keeps_a_mail_or_after(catcher: Catcher) -> None:
    for kind, kept in (("hang", 0), ("store_and_hang", 1)):
        catcher.ask("DELETE", "/api/messages")
        assert catcher.trouble(kind=kind, seconds=600) == 200
        with smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=0.5) as server, pytest.raises(OSError):  # noqa: PT011  (a time-out)
            server.send_message(mail(), "ledgergate@localhost", ["creator@demo.example"])
        assert len(catcher.messages()) == kept
    catcher.trouble(kind="refuse", seconds=0)


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "explode"},
        {"kind": "refuse", "code": 250},
        {"kind": "hang", "seconds": -1},
        {"mood": "bad"},
    ],
)
def test_a_fault_that_there_is_not_is_refused(catcher: Catcher, fault: dict[str, object]) -> None:
    assert catcher.trouble(**fault) == 400
    catcher.send(mail())
    assert len(catcher.messages()) == 1
