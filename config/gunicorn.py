"""How gunicorn is run: ``gunicorn -c python:config.gunicorn config.wsgi``; its command line wins."""

from types import SimpleNamespace
from typing import Any

from gunicorn.glogging import Logger

from config.logs import clean_secrets
from directory.client_address import get_client_address

# No address, header or set of headers of this product is longer.
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190
control_socket_disable = True
# A connection that sends nothing holds a thread no longer than this. Seconds.
keepalive = 5
graceful_timeout = 30


class SafeLogger(Logger):  # type: ignore[misc]  # gunicorn has no type hints
    """Its access log without the links by which passwords are reset, and without what is searched for."""

    def atoms(self, *args: Any) -> dict[str, Any]:
        """The parts of a line. The address is the one that the trusted proxies saw."""
        # Without every header and variable, cookies among them, that a format could ask for.
        parts = {name: part for name, part in super().atoms(*args).items() if not name.startswith("{")}
        clean = {name: clean_secrets(part) if isinstance(part, str) else part for name, part in parts.items()}
        # What people search for is business of theirs, and no part of where they were.
        verb, _, rest = str(clean["r"]).partition(" ")
        address, _, protocol = rest.rpartition(" ")
        clean |= {"r": f"{verb} {address.partition('?')[0]} {protocol}", "q": "-"}
        clean["h"] = get_client_address(SimpleNamespace(META=args[2])) or "-"
        clean["f"] = str(clean["f"]).partition("?")[0]
        return clean


logger_class = SafeLogger
accesslog = "-"
