"""Why something can't be done, in the sentence that the person reads."""

from collections.abc import Sequence

from erp_integrations.adapters.base import Issue, MovedRecord


class DecisionError(Exception):
    """Something can't be done as things stand; the text is for the person who asked."""


class ExportBlocked(DecisionError):
    """Something blocks: all of it is in ``issues``."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__(" ".join(issue.sentence for issue in issues))
        self.issues = list(issues)


class Conflict(DecisionError):
    """Somebody else was first, or what the person saw has changed since (409)."""


class TooEarly(DecisionError):
    """The quiet period is not over: an absence would prove nothing yet."""


class StatementMissing(DecisionError):
    """A form lacks the words, or the choice, that would be kept."""


class RecordMoved(DecisionError):
    """It is absent under its key, and stands in the ERP under another one, which can be followed.

    ``instead`` says whose record has its key by now.
    """

    def __init__(self, records: Sequence[MovedRecord], instead: str = "") -> None:
        there = "; or ".join(record.sentence for record in records)
        super().__init__(f"{instead}It was not deleted but moved. In Spectrum it is now {there}.")


class RecordMayHaveMoved(DecisionError):
    """It is absent under its key, and a person says first whether ``records`` are others."""

    def __init__(self, records: Sequence[MovedRecord], instead: str = "") -> None:
        there = "; or ".join(record.sentence for record in records)
        super().__init__(
            f"{instead}It may have been moved and changed rather than deleted. Spectrum has {there}. "
            "Check whose it is. If it is a different record, tick it below and say how you know."
        )
        self.records = list(records)
