"""Who is at the command line of the server: no account of the product's, and so nobody's name but theirs."""

import getpass
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_operator: ContextVar[str] = ContextVar("operator", default="")


@contextmanager
def with_command_line_operator() -> Iterator[None]:
    """Whatever is recorded inside names the system user and the host, whoever it is said to be done for."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's number without a name
        user = "an unnamed user"
    token = _operator.set(f"{user} on {socket.gethostname()}")
    try:
        yield
    finally:
        _operator.reset(token)


def get_operator_detail() -> dict[str, str]:
    """Added to the detail of each history entry; empty but at the command line."""
    operator = _operator.get()
    return {"operator": operator} if operator else {}
