"""The whole product on the test database, as `script/server` runs it, for people with browsers."""

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from directory.models import User
from local.embedded import APP
from local.ports import HOST
from local.processes import Program
from local.programs import ROOT, answers, greets, python
from tests.clients import signed_in
from tests.processes import running
from tests.processes.running import Broker, Running, until
from tests.simulator import Simulator

# A proxy that happens to be set in the environment must not see local traffic.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Product:
    """Web, simulator, mail catcher and broker; `url`, `simulator.url` and `mail_url` are its doors."""

    def __init__(self, folder: Path, ending: contextlib.ExitStack) -> None:
        port, mail_port, smtp_port = (running.free_port() for _ in range(3))
        self.url, self.mail_url = f"http://{HOST}:{port}", f"http://{HOST}:{mail_port}"
        broker = Broker()
        ending.callback(broker.remove)
        broker.start()
        self.simulator = ending.enter_context(Simulator.start())
        self._environment = running.environment_of(
            broker,
            APP,
            PUBLIC_URL=self.url,
            ALLOWED_HOSTS=f"{HOST},localhost",  # an address in figures has no passkeys
            EMAIL_URL=f"smtp://{HOST}:{smtp_port}",
            SPECTRUM_SERVERS=f"simulator={self.simulator.url}",
            MAIL_GATHER_SECONDS="0",  # nobody here waits for a second mail
        )
        catcher = ["local.mail", "--host", HOST, "--http-port", str(mail_port), "--smtp-port", str(smtp_port)]
        self._worker_log = folder / "worker.log"
        started = [
            Running(program, folder / f"{program.name}.log")
            for program in (
                Program(
                    "mail",
                    python(*catcher, "--directory", str(folder / "mail")),
                    ROOT,
                    self._environment,
                    ready=lambda _: answers(mail_port) and greets(smtp_port),
                ),
                running.web(port, self._environment),
            )
        ]
        for process in started:
            ending.callback(process.end)
        for process in started:
            process.wait_until_ready()
        self._session_cookie = f"ledgergate_{port}"

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """With a worker, which delivers exports and mails; whoever needs it waits for what it does."""
        worker = Running(running.worker(self._worker_log, self._environment), self._worker_log)
        try:
            yield
        finally:
            worker.end()

    def session_of(self, user: User) -> tuple[str, str]:
        """The cookie of somebody who has signed in: its name and its value."""
        client = signed_in(user)
        assert client.session.session_key
        return self._session_cookie, client.session.session_key

    def manage(self, *arguments: str) -> str:
        """The output of `manage.py`, run as an operator would."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def mails(self, *, to: str) -> list[dict[str, Any]]:
        """The catcher's mails for this address, newest first."""
        with _opener.open(f"{self.mail_url}/api/messages", timeout=10) as reply:
            messages = json.load(reply)["messages"]
        return [message for message in messages if message["to"] == [to]]

    def mail(self, *, to: str, subject: str) -> dict[str, Any]:
        """Wait for the newest mail to this address whose subject holds these words."""

        def found() -> dict[str, Any] | None:
            return next((mail for mail in self.mails(to=to) if subject in mail["subject"]), None)

        mail = until(found, f"a mail to {to}: {subject}")
        assert mail
        return mail
