"""A person's acts on a commitment on its way to the ERP: one function for each.

Every one is a single transaction: it locks in the order Commitment, Submission, Connection,
ExportJob, checks the right, changes, writes the history, and stores the mail; only then is
somebody woken. Domain errors carry the sentence that the person reads.
"""

from erp_integrations.submissions.accepting import accept, accept_again, is_statement_required
from erp_integrations.submissions.adopting import adopt
from erp_integrations.submissions.asking import (
    answer_question,
    ask_question,
    can_answer,
    list_people_to_ask,
    withdraw_question,
)
from erp_integrations.submissions.errors import (
    Conflict,
    DecisionError,
    ExportBlocked,
    RecordMayHaveMoved,
    RecordMoved,
    StatementMissing,
    TooEarly,
)
from erp_integrations.submissions.exempting import exempt
from erp_integrations.submissions.following import FOLLOWABLE_STATUSES, follow, list_moves
from erp_integrations.submissions.four_eyes import describe_own_decision, require_own_changes_confirmed
from erp_integrations.submissions.other_accounts import set_other_account
from erp_integrations.submissions.rejecting import reject
from erp_integrations.submissions.resolving import Attested, resolve, resume
from erp_integrations.submissions.row_locks import require_may_decide
from erp_integrations.submissions.seeing import look_again, record_as_seen
from erp_integrations.submissions.sending import (
    find_pending_status,
    retrieve_from_erp,
    send_status,
    send_to_erp,
)
from erp_integrations.submissions.undoing import undo
from erp_integrations.submissions.unlinking import require_may_unlink, unlink

__all__ = [
    "FOLLOWABLE_STATUSES",
    "Attested",
    "Conflict",
    "DecisionError",
    "ExportBlocked",
    "RecordMayHaveMoved",
    "RecordMoved",
    "StatementMissing",
    "TooEarly",
    "accept",
    "accept_again",
    "adopt",
    "answer_question",
    "ask_question",
    "can_answer",
    "describe_own_decision",
    "exempt",
    "find_pending_status",
    "follow",
    "is_statement_required",
    "list_moves",
    "list_people_to_ask",
    "look_again",
    "record_as_seen",
    "reject",
    "require_may_decide",
    "require_may_unlink",
    "require_own_changes_confirmed",
    "resolve",
    "resume",
    "retrieve_from_erp",
    "send_status",
    "send_to_erp",
    "set_other_account",
    "undo",
    "unlink",
    "withdraw_question",
]
