"""What a person can do with a commitment on its way to the ERP: one function for each.

Every one is a single transaction: it locks in the order Commitment, Submission, Connection,
ExportJob, checks the right, changes, writes the history, and stores the mail; only then is
somebody woken. Domain errors carry the sentence that the person reads.
"""

from erp_integrations.submissions.accepting import accept, needs_words_of_spectrum, retry
from erp_integrations.submissions.adopting import adopt
from erp_integrations.submissions.errors import (
    Conflict,
    DecisionError,
    MayStandElsewhere,
    NotReady,
    NotSaid,
    StandsElsewhere,
    TooEarly,
)
from erp_integrations.submissions.exempting import exempt
from erp_integrations.submissions.following import FOLLOWABLE, follow, moves_of
from erp_integrations.submissions.four_eyes import require_may_steer, why_barred
from erp_integrations.submissions.rejecting import reject
from erp_integrations.submissions.resolving import Attested, resolve, resume
from erp_integrations.submissions.row_locks import require_may_decide
from erp_integrations.submissions.sending import retrieve_from_erp, send_to_erp
from erp_integrations.submissions.undoing import undo
from erp_integrations.submissions.unlinking import require_may_unlink, unlink

__all__ = [
    "FOLLOWABLE",
    "Attested",
    "Conflict",
    "DecisionError",
    "MayStandElsewhere",
    "NotReady",
    "NotSaid",
    "StandsElsewhere",
    "TooEarly",
    "accept",
    "adopt",
    "exempt",
    "follow",
    "moves_of",
    "needs_words_of_spectrum",
    "reject",
    "require_may_decide",
    "require_may_steer",
    "require_may_unlink",
    "resolve",
    "resume",
    "retrieve_from_erp",
    "retry",
    "send_to_erp",
    "undo",
    "unlink",
    "why_barred",
]
