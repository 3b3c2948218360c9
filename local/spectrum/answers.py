"""Replies to a Put: rows of code, text and column, as the vendor's example replies show them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ABORTED = "A"
INVALID = "I"
MISSING = "M"
GOOD_WITH_INFORMATION = "G"


@dataclass(frozen=True)
class Answer:
    """One `response` element of a reply; one with a `key` holds that instead of a code."""

    code: str
    text: str
    column: str = ""
    key: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """Spectrum did not store the record; carries every reason that was found on one level."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__("; ".join(answer.text for answer in answers))
        self.answers = answers

    @property
    def is_unauthorised(self) -> bool:
        """True if the call was turned away before its content was looked at."""
        return any(answer.code == ABORTED and answer.column != "Job_Number" for answer in self.answers)


def missing(column: str) -> Answer:
    """The element must hold a value and is blank."""
    return Answer(MISSING, f"{column} is required", column)


def invalid(column: str, why: str) -> Answer:
    """The element holds a value that Spectrum does not take."""
    return Answer(INVALID, f"{column} {why}", column)


def unauthorised(why: str) -> Answer:
    """The abort that answers a call without the right to make it."""
    return Answer(ABORTED, f"The Web Service is not authorized. {why}", "Authorization_ID")


def no_right_to_the_job(number: str) -> Answer:
    """The abort of one document: job security is per operator."""
    return Answer(ABORTED, f"Operator is not authorized for job {number}".strip(), "Job_Number")
