"""Which ports the processes listen on: the usual ones, or the next that are free."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType

from local.processes import CannotStart

HOST = "127.0.0.1"
TRIES = 200


@dataclass(frozen=True)
class Wish:
    """A port by the variable that can set it, and by where the search for a free one begins."""

    variable: str
    default: int


WISHES = {
    "product": Wish("PORT", 8000),
    "simulator": Wish("SPECTRUM_PORT", 8482),
    "mail": Wish("MAIL_PORT", 8025),
    "smtp": Wish("SMTP_PORT", 1025),
}


class BadPort(CannotStart):
    """A port that a person set can't be had."""


class Ports:
    """Chosen ports, held until the processes are about to take them.

    Two checkouts that start in the same second would otherwise choose the same ones.
    """

    def __init__(self, environment: Mapping[str, str], wishes: Mapping[str, Wish] | None = None) -> None:
        """Raises BadPort when a set port is no port, or is taken."""
        self._held: dict[str, socket.socket] = {}
        self._chosen: dict[str, int] = {}
        try:
            # Those that were set come first, so that no search takes one of them.
            wanted = wishes or WISHES
            for name in sorted(wanted, key=lambda name: not environment.get(wanted[name].variable)):
                self._choose(name, wanted[name], environment.get(wanted[name].variable, ""))
        except CannotStart:
            self.release()
            raise

    def __getitem__(self, name: str) -> int:
        return self._chosen[name]

    def __enter__(self) -> "Ports":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Let go of all of them, for the processes to take."""
        for held in self._held.values():
            held.close()
        self._held.clear()

    def _choose(self, name: str, wish: Wish, given: str) -> None:
        if given:
            port = number(wish.variable, given)
            held = hold(port)
            if held is None:
                raise BadPort(f"{wish.variable}={port} is already in use: stop what uses it, or set another.")
            self._keep(name, port, held)
            return
        for port in range(wish.default, wish.default + TRIES):
            if held := hold(port):
                self._keep(name, port, held)
                return
        raise BadPort(f"No port from {wish.default} to {port} is free: set {wish.variable}.")

    def _keep(self, name: str, port: int, held: socket.socket) -> None:
        self._chosen[name], self._held[name] = port, held


def number(variable: str, given: str) -> int:
    """Raises BadPort when it is no port number that an ordinary user may take."""
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= 65535:
        raise BadPort(f"{variable}={given} is not a port: set a number from 1 to 65535.")
    return int(given)


def hold(port: int) -> socket.socket | None:
    """Listen on the port without answering; None when it is taken."""
    holder = socket.socket()
    # A port whose last connections are still fading away counts as free, as it does for the servers.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((HOST, port))
        holder.listen()
    except OSError:
        holder.close()
        return None
    return holder
