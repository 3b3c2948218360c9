"""Who wants to hear of what happens here: the directory records, and knows nobody who mails.

A listener is called with each new entry of its event, in the transaction that wrote the entry, so
that what it stores is there exactly if the entry is (docs/architecture.md, section 2.1).
"""

from collections.abc import Callable

from directory.models import HistoryEntry

Subscriber = Callable[[HistoryEntry], object]

_subscribers: dict[str, list[Subscriber]] = {}


def subscribe(event: str, subscriber: Subscriber) -> None:
    """Call ``subscriber`` with every entry of this event from now on; once, however often it is said."""
    subscribers = _subscribers.setdefault(event, [])
    if subscriber not in subscribers:
        subscribers.append(subscriber)


def notify_subscribers(entry: HistoryEntry) -> None:
    """Call those who wait for this entry's event. What one of them raises undoes the entry's cause."""
    for subscriber in _subscribers.get(entry.event, []):
        subscriber(entry)
