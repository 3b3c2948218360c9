"""docs/install.md, word for word, in folders laid over the machine's own, which go away with all processes.

Of the document's first block the names alone are kept, with values that lead to this machine.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from local.ports import hold
from local.programs import ROOT
from tests.install.walking import walk_to_the_first_export

DOCUMENT = ROOT / "docs" / "install.md"
WRITTEN_TO = ("/etc", "/opt", "/run", "/usr", "/var")
HOST, MAIL, SMTP = "ledgergate.trial.example", 18025, 11025
VALUES = {
    "HOST": HOST,
    "REPOSITORY": str(ROOT),
    "EMAIL_URL": f"smtp://127.0.0.1:{SMTP}",
    "OPERATOR_EMAIL": "operator@trial.example",
    "ADMIN_EMAIL": "admin@trial.example",
    "ADMIN_PASSWORD": "a trial of every command",
    "SPECTRUM_SERVERS": "main=https://spectrum.example.com:8482",
}
PORTS = (80, 443, 5432, 6379, 8000, 8482, 8483, MAIL, SMTP)
KEPT = ("PIP_", "HTTP", "http", "no_proxy", "NO_PROXY", "SSL_")


def main() -> int:
    if os.geteuid() != 0:
        sys.exit("Only root can install: run it as root. Nothing of the machine is changed.")
    if len(sys.argv) == 1:
        if busy := [port for port in PORTS if hold(port) is None]:
            sys.exit(f"The ports {busy} are in use: the document has them.")
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        # A shell comes first there, which reaps what others left.
        shell = ["bash", "-c", f"{sys.executable} -m tests.install inside & wait $!"]
        os.execvp("unshare", [*apart, *shell])
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        run("mount", "-t", "tmpfs", "none", folder)
        for number, path in enumerate(WRITTEN_TO):
            upper, work = scratch / f"upper-{number}", scratch / f"work-{number}"
            upper.mkdir()
            work.mkdir()
            run(
                "mount",
                "-t",
                "overlay",
                "none",
                "-o",
                f"lowerdir={path},upperdir={upper},workdir={work}",
                path,
            )
        (scratch / "systemctl").write_text(
            f'#!/bin/sh\nexec {sys.executable} -m tests.install.systemctl "$@"\n'
        )
        (scratch / "systemctl").chmod(0o755)
        catcher = ["--http-port", str(MAIL), "--smtp-port", str(SMTP), "--directory", str(scratch / "mail")]
        subprocess.Popen([sys.executable, "-m", "local.mail", *catcher], cwd=ROOT, stdout=subprocess.DEVNULL)
        environment = {name: value for name, value in os.environ.items() if name.startswith(KEPT)} | {
            "PATH": f"{folder}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "PYTHONPATH": str(ROOT),
            "DEBIAN_FRONTEND": "noninteractive",
        }
        installed = subprocess.run(["bash", "-euo", "pipefail", "-c", build_script()], env=environment)
        if installed.returncode:
            return installed.returncode
        walk_to_the_first_export(f"https://{HOST}", VALUES["ADMIN_EMAIL"], VALUES["ADMIN_PASSWORD"], MAIL)
        sys.stdout.write(f"{time.monotonic() - begun:4.0f} s  the first commitment is Synced\n")
        subprocess.run(
            ["systemctl", "stop", "ledgergate-web", "ledgergate-worker"], env=environment, check=True
        )
    return 0


def build_script() -> str:
    """The document's blocks, each after a line with its heading and the seconds until then."""
    text, script = DOCUMENT.read_text(), ""
    for heading, section in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE):
        for block in re.findall(r"^```sh\n(.*?)^```$", section, re.DOTALL | re.MULTILINE):
            if not script:
                assert re.findall(r"^(\w+)=", block, re.MULTILINE) == list(VALUES)
                block = "".join(f"{name}='{value}'\n" for name, value in VALUES.items())
            script += f"printf '%4s s  %s\\n' $SECONDS '{heading}'\n{block}"
    units = "/etc/systemd/system/ledgergate-*.service"
    return f"{script}systemd-analyze verify {units}\nprintf '%4s s  installed\\n' $SECONDS\n"


def run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
