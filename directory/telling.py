"""Who wants to hear of what happens here: the directory records, and knows nobody who mails.

A listener is called with each new entry of its event, in the transaction that wrote the entry, so
that what it stores is there exactly if the entry is (docs/architecture.md, section 2.1).
"""

from collections.abc import Callable

from directory.models import HistoryEntry

Listener = Callable[[HistoryEntry], object]

_listeners: dict[str, list[Listener]] = {}


def when(event: str, listener: Listener) -> None:
    """Call ``listener`` with every entry of this event from now on; once, however often it is said."""
    listeners = _listeners.setdefault(event, [])
    if listener not in listeners:
        listeners.append(listener)


def tell(entry: HistoryEntry) -> None:
    """Call those who wait for this entry's event. What one of them raises undoes the entry's cause."""
    for listener in _listeners.get(entry.event, []):
        listener(entry)
