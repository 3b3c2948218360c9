"""`script/scan`: wapiti attacks the running demo, as nobody, approver, ERP admin and project admin.

Runs in wapiti's environment, so it imports nothing else. What needs a server outside to be noticed (requests
that the product is made to send) is noticed by a listener of this process: nothing leaves the machine. The
demo is full of what was tried afterwards: `script/server --reset`.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WHO = {
    "nobody": "",
    "approver": "approver@demo.example",
    "erp-admin": "erpadmin@demo.example",
    "project-admin": "projectadmin@demo.example",
}
MODULES = (
    *("backup", "cookieflags", "crlf", "csp", "csrf", "exec", "file", "htaccess", "http_headers", "ldap"),
    *("methods", "permanentxss", "redirect", "shellshock", "sql", "ssrf", "timesql", "upload", "xss", "xxe"),
)
# What would end the session, lock the account, or ask for the password again and again.
LEFT_ALONE = ("logout/", "sessions/end/", "password/change/", "reauthenticate/", "two-step/reauthenticate/")
# Of each kind of page a few are enough, or the time goes by with hundreds that are alike: those whose number
# ends with 9, of a long list the first page, and of the history no search for one thing.
ALIKE = ("commitments", "vendors", "jobs", "projects")
OTHER_DIGITS = "012345678"
FURTHER_PAGES = ("before=", "after=", "subject=*%3A")
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
TRIED = re.compile(r"^\[¨\]", re.MULTILINE)
CUT_SHORT = re.compile(r"Max attack time was reached for module (\w+)")


def main() -> int:
    """Scan as each in turn; 1 when anything was found that could be a fault."""
    parser = argparse.ArgumentParser(prog="script/scan", description=__doc__)
    parser.add_argument("address", help="where script/server says that the product is")
    parser.add_argument("--folder", type=Path, default=Path("var/scan"), help="for the reports")
    parser.add_argument("--who", nargs="+", choices=WHO, default=list(WHO), help="all of them unless said")
    parser.add_argument("--crawl", type=int, default=60, help="seconds, of each round")
    parser.add_argument("--attack", type=int, default=25, help="seconds, of each module in each round")
    options = parser.parse_args()
    address = options.address.rstrip("/") + "/"
    options.folder.mkdir(parents=True, exist_ok=True)
    found = 0
    with listener() as (endpoint, heard):
        for who in options.who:
            found += scan(address, who, sign_in(address, WHO[who]), endpoint, options)
    print(f"Requests that the product was made to send: {len(heard)}")
    return 1 if found or heard else 0


def sign_in(address: str, email: str) -> CookieJar:
    """The cookies of this person, or of nobody."""
    jar = CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = f"{address}accounts/login/"
    shown = browser.open(page).read().decode()
    token = TOKEN.search(shown)
    if email and token:
        password = os.environ.get("DEMO_PASSWORD", "ledgergate-demo")
        form = {"login": email, "password": password, "csrfmiddlewaretoken": token[1]}
        arrived = browser.open(page, urllib.parse.urlencode(form).encode()).geturl()
        if arrived == page:
            raise SystemExit(f"{email} could not sign in: is this the demo, and was it locked?")
    return jar


def scan(address: str, who: str, jar: CookieJar, endpoint: str, options: argparse.Namespace) -> int:
    """One round. Prints what was tried and found; how many findings."""
    cookies = options.folder / f"{who}.cookies.json"
    host = urllib.parse.urlsplit(address).hostname
    plain: dict[str, Any] = {"secure": False, "version": 0, "port": None, "expires": None}
    kept = {cookie.name: plain | {"value": cookie.value} for cookie in jar}
    cookies.write_text(json.dumps({host: {"/": kept}}))
    report = options.folder / f"{who}.json"
    command = [str(Path(sys.executable).parent / "wapiti"), "--url", address, "--scope", "domain"]
    command += ["--cookie", str(cookies), "--module", ",".join(MODULES), "--endpoint", endpoint]
    command += ["--skip", "csrfmiddlewaretoken", "--verbose", "2", "--flush-session"]
    command += ["--max-scan-time", str(options.crawl), "--max-attack-time", str(options.attack)]
    # A form that answers with itself has a new token each time, and would be taken for another one.
    command += ["--depth", "4", "--max-links-per-page", "40", "--no-bugreport"]
    command += ["--format", "json", "--output", str(report)]
    command += ["--store-session", str(options.folder / f"{who}.session")]
    left = [f"{address}accounts/{path}*" for path in LEFT_ALONE]
    left += [f"{address}*{kind}/*{digit}/*" for kind in ALIKE for digit in OTHER_DIGITS]
    left += [f"{address}*{parameter}*" for parameter in FURTHER_PAGES]
    for pattern in left:
        command += ["--exclude", pattern]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    (options.folder / f"{who}.log").write_text(ended.stdout + ended.stderr)
    cookies.unlink()
    if not report.is_file():
        said = (ended.stdout + ended.stderr)[-1000:]
        raise SystemExit(f"wapiti ended with {ended.returncode} and without a report:\n{said}")
    told: dict[str, Any] = json.loads(report.read_text())
    cut = ", ".join(sorted(set(CUT_SHORT.findall(ended.stdout)))) or "none"
    print(
        f"\n{who}: {told['infos']['crawled_pages_nbr']} addresses and forms, "
        f"{len(TRIED.findall(ended.stdout))} attacks; modules cut short: {cut}"
    )
    findings = found_in(told)
    print("\n".join(f"  {each}" for each in findings or ["nothing found"]))
    return len(findings)


def found_in(report: dict[str, Any]) -> list[str]:
    """One line for each finding of a report. What wapiti only notes, such as methods, stays in the report."""
    return [
        f"{name}: {finding['method']} {finding['path']}: {finding['info']}"
        for group in ("vulnerabilities", "anomalies")
        for name, findings in report[group].items()
        for finding in findings
    ]


@contextmanager
def listener() -> Iterator[tuple[str, list[str]]]:
    """An address of this process, and the requests that came to it but for wapiti's own questions."""
    heard: list[str] = []

    class Listens(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith("/get_") and self.path != "/":
                heard.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_request(self, *args: Any) -> None:
            """Nothing: what came is told at the end."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listens)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", heard
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    sys.exit(main())
