"""Why a change of a commitment is refused; each text is for the person who asked."""

from commitments.models import Commitment


class CommitmentError(Exception):
    """Any of these."""


class CommitmentLocked(CommitmentError):
    """Accounting has the commitment, or has exported it."""


class CommitmentChanged(CommitmentError):
    """Somebody else changed it since the person opened it."""


class DoesNotFit(CommitmentError):
    """The change would need more digits than a line has."""


class FileRefused(CommitmentError):
    """It is not attached."""


class FileUnavailable(CommitmentError):
    """The storage does not give what was attached."""


class FormUsed(CommitmentError):
    """The form has created ``commitment`` before, and says something else now."""

    def __init__(self, sentence: str, commitment: Commitment) -> None:
        super().__init__(sentence)
        self.commitment = commitment


class NumberTaken(CommitmentError):
    """The project has another commitment of this kind with this number."""


class ListRefused(CommitmentError):
    """A list of choices can't be changed so."""


class ListChanged(ListRefused):
    """Somebody else changed it since the person looked (409)."""
