"""docs/install.md, word for word, in folders laid over the machine's own, which go away with all processes.

Of the document's first block the names alone are kept, with values that lead to this machine. Then the block
of docs/operations/upgrade.md, to a release that is this one with a migration and a file more: that one is at
hand where a clone has no history (`script/rolling` comes from a real one).
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from local.ports import hold
from local.programs import ROOT
from tests.endurance.contracts.people import words_of
from tests.install.walking import Office, wait_until, walk_to_the_links

INSTALL, UPGRADE = ROOT / "docs" / "install.md", ROOT / "docs" / "operations" / "upgrade.md"
SCRATCH = Path("/srv")
"""Memory of this process's own is mounted there, so that nothing is left to be removed."""
WRITTEN_TO = ("/etc", "/opt", "/run", "/usr", "/var")
HOST, MAIL, SMTP = "ledgergate.trial.example", 18025, 11025
VALUES = {
    "HOST": HOST,
    "REPOSITORY": "/run/ledgergate",
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
    run("mount", "-t", "tmpfs", "none", str(SCRATCH))
    for path in WRITTEN_TO:
        upper, work = (SCRATCH / f"{layer}{path.replace('/', '-')}" for layer in ("upper", "work"))
        upper.mkdir()
        work.mkdir()
        options = f"lowerdir={path},upperdir={upper},workdir={work}"
        run("mount", "-t", "overlay", "none", "-o", options, path)
    run("git", "clone", "--quiet", str(ROOT), VALUES["REPOSITORY"])
    # A clone of a clone that is on no branch would be on none.
    run("git", "-C", VALUES["REPOSITORY"], "switch", "--quiet", "--force-create", "release")
    (SCRATCH / "systemctl").write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.install.systemctl "$@"\n')
    (SCRATCH / "systemctl").chmod(0o755)
    catcher = ["--http-port", str(MAIL), "--smtp-port", str(SMTP), "--directory", str(SCRATCH / "mail")]
    subprocess.Popen([sys.executable, "-m", "local.mail", *catcher], cwd=ROOT, stdout=subprocess.DEVNULL)
    environment = {name: value for name, value in os.environ.items() if name.startswith(KEPT)} | {
        "PATH": f"{SCRATCH}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "PYTHONPATH": str(ROOT),
        "DEBIAN_FRONTEND": "noninteractive",
        "PIP_QUIET": "1",
    }

    def execute(script: str) -> None:
        subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=environment, check=True)

    def say(what: str) -> None:
        print(f"{time.monotonic() - begun:4.0f} s  {what}", flush=True)

    try:
        execute(build_script())
        address = f"https://{HOST}"
        office = walk_to_the_links(address, VALUES["ADMIN_EMAIL"], VALUES["ADMIN_PASSWORD"], MAIL)
        office.wait_until_synced(office.accept("SC-1"))
        say("the first commitment is Synced")
        upgrade(office, execute)
        say("upgraded; what was accepted without a worker is Synced, and so is another")
        execute("systemctl stop ledgergate-web ledgergate-worker")
    except Exception:
        for log in Path("/var/log").glob("ledgergate-*.log"):
            print(f"{log}:", *log.read_text().splitlines()[-15:], sep="\n", flush=True)
        raise
    return 0


def upgrade(office: Office, execute: Callable[[str], None]) -> None:
    """One commitment is accepted when no worker runs any more, one after the upgrade."""
    commit_release(Path(VALUES["REPOSITORY"]))
    execute("systemctl stop ledgergate-worker")
    accepted = office.accept("SC-2")
    ((_, block),) = find_blocks(UPGRADE)
    execute(block)
    shown = "SELECT obj_description('directory_company'::regclass)"
    execute(f'test "$(runuser -u postgres -- psql -Atc "{shown}" ledgergate)" = upgraded')
    wait_until(lambda: words_of(office.sam.open("/static/release.txt")))
    office.wait_until_synced(accepted)
    office.wait_until_synced(office.accept("SC-3"))


def commit_release(repository: Path) -> None:
    """The next one, in which a table is changed and a file is added."""
    migrations = repository / "directory" / "migrations"
    last = max(each.stem for each in migrations.glob("0*.py"))
    (migrations / "9999_release.py").write_text(
        "from django.db import migrations\n"
        "class Migration(migrations.Migration):\n"
        f"    dependencies = [('directory', '{last}')]\n"
        "    operations = [migrations.RunSQL(\"COMMENT ON TABLE directory_company IS 'upgraded'\")]\n"
    )
    (repository / "static" / "release.txt").write_text("The next release.\n")
    git = ("git", "-C", str(repository), "-c", "user.name=Trial", "-c", "user.email=trial@trial.example")
    run(*git, "add", "--all")
    run(*git, "commit", "--quiet", "--message", "The next release")


def build_script() -> str:
    """The document's blocks, each after a line with its heading and the seconds until then."""
    script = ""
    for heading, block in find_blocks(INSTALL):
        if not script:
            assert re.findall(r"^(\w+)=", block, re.MULTILINE) == list(VALUES)
            block = "".join(f"{name}='{value}'\n" for name, value in VALUES.items())
        script += f"printf '%4s s  %s\\n' $SECONDS '{heading}'\n{block}"
    units = "/etc/systemd/system/ledgergate-*.service"
    return f"{script}systemd-analyze verify {units}\nprintf '%4s s  installed\\n' $SECONDS\n"


def find_blocks(document: Path) -> Iterator[tuple[str, str]]:
    """Each block of shell, with the heading of its section."""
    text = document.read_text()
    for heading, section in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE):
        for block in re.findall(r"^```sh\n(.*?)^```$", section, re.DOTALL | re.MULTILINE):
            yield heading, block


def run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
