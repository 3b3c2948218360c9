"""Which rules of the product keep the goals out of reach, to be taken out by ``script/goals --without``.

A rule is taken out of a copy of the product, as ``script/mutations`` does it: by its text, which has to stand
there exactly once. What calls it by whatever name then goes without it, and a rule that has moved is an error
and not a search that proves nothing.
"""

from dataclasses import dataclass
from pathlib import Path

from tests.goals.aims import APPROVER, ELSEWHERE, OWN_CONTENT, TRACES, UNTOLD


@dataclass(frozen=True)
class Text:
    """``old`` stands once in ``file``, and becomes ``new``."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Rule:
    """A rule of the product, with the ``goal`` that is reached without it, and by whom first."""

    says: str
    goal: str
    by: str
    texts: tuple[Text, ...]


SUBMISSIONS = "erp_integrations/models/submissions.py"
BEFORE_SENDING = "erp_integrations/exports/before_sending.py"
SERVICES = "directory/rights/memberships.py"
ADMIN = "directory/admin/__init__.py"
LEDGER = "erp_integrations/exports/ledger.py"
FOUR_EYES = "erp_integrations/submissions/four_eyes.py"
SUSPENSION = Text(
    "directory/rights/privilege_suspension.py",
    "elif reason := get_suspension_reason(entry, person):",
    'elif reason := "" and get_suspension_reason(entry, person):',
)

RULES: dict[str, Rule] = {
    "hands": Rule(
        "nobody decides on what they changed, not only on what they created or sent",
        OWN_CONTENT,
        "approving project admin",
        (
            Text(
                SUBMISSIONS,
                "(self.created_by_id, self.sent_by_id, *self.hands)",
                "(self.created_by_id, self.sent_by_id)",
            ),
        ),
    ),
    "own": Rule(
        "nobody decides on their own commitment",
        OWN_CONTENT,
        "approving project admin",
        (Text(SUBMISSIONS, "return has_hand and not self.company.allows_own_decisions", "return False"),),
    ),
    "basis": Rule(
        "what was turned after Accept is not exported",
        ELSEWHERE,
        "staff of connections",
        (
            Text(
                BEFORE_SENDING,
                'if job.wire_hash not in ("", *controlled_settings.hash_wire_settings(job.connection, job)):',
                "if False:",
            ),
            Text(BEFORE_SENDING, "    if basis.is_bound_by(job):\n", "    if basis:\n"),
        ),
    ),
    "altered": Rule(
        "a call that is not what the history says was accepted is not sent",
        ELSEWHERE,
        "database role",
        (Text(LEDGER, "stored.payload_hash == accepted == to_call", "stored.payload_hash == to_call"),),
    ),
    "signature": Rule(
        "an acceptance that web did not sign is not exported",
        ELSEWHERE,
        "database role",
        (
            Text(
                "directory/history/signatures.py",
                "if signed is None or not checkpoints.has_trusted_signature("
                "signed, trusted=settings.DECISION_PUBLIC_KEYS):",
                "if signed is None:",
            ),
        ),
    ),
    "links": Rule(
        "what one person turned, another one confirms before it is exported",
        ELSEWHERE,
        "ERP admin",
        (Text(FOUR_EYES, "if any(each.stamp not in ticked for each in changes):", "if False:"),),
    ),
    "turned": Rule(
        "whoever turned where it goes does not accept it",
        ELSEWHERE,
        "approving ERP admin",
        (Text(FOUR_EYES, "if not changes:", "if True:"),),
    ),
    "suspension": Rule(
        "who gets into an account anew decides nothing until granted again",
        APPROVER,
        "granting staff of accounts",
        (SUSPENSION,),
    ),
    "accounts": Rule(
        "staff who may not grant change no account of an approver (with `suspension`, which is behind it)",
        APPROVER,
        "staff of accounts",
        (
            SUSPENSION,
            Text(
                ADMIN,
                'approves and not request.user.has_perm("directory.grant_push_to_accounting")',
                "approves and False",
            ),
        ),
    ),
    "levels": Rule(
        "nobody changes their own levels",
        UNTOLD,
        "staff of memberships",
        (
            Text(
                SERVICES,
                "    if any(each.user_id == by.pk for each in rows):\n"
                "        raise DirectoryError(OWN_LEVELS_MESSAGE)\n",
                "",
            ),
            Text(
                ADMIN,
                "return super().has_change_permission(request, obj) and not is_own_membership(request, obj)",
                "return super().has_change_permission(request, obj)",
            ),
        ),
    ),
    "commandline": Rule(
        "what is done at the command line was done by the operator",
        TRACES,
        "operator",
        (
            Text(
                "erp_integrations/management/commands/exports.py",
                "submissions.undo(submission=submission, by=None)",
                "submissions.undo(submission=submission, by=submission.decided_by)",
            ),
        ),
    ),
    "powers": Rule(
        "staff without being superusers change no account of staff, and give nobody powers in Django admin",
        UNTOLD,
        "staff of accounts",
        (
            Text(
                ADMIN,
                "return dates if request.user.is_superuser else (*powers, *dates)",
                "return dates",
            ),
            Text(
                ADMIN,
                "return not (obj.is_staff or obj.is_superuser or elsewhere.exists())",
                "return not elsewhere.exists()",
            ),
        ),
    ),
    "told": Rule(
        "who gives, takes or steers authority is seen by somebody else",
        UNTOLD,
        "staff of companies",
        (
            Text(
                "erp_integrations/apps.py",
                "        rights_mails.subscribe_to_history()\n",
                "        assert rights_mails\n",
            ),
        ),
    ),
}


def take_out(name: str, folder: Path) -> None:
    """Of the copy of the product in this folder. Raises LookupError where a text is not there, or twice."""
    for text in RULES[name].texts:
        place = folder / text.file
        whole = place.read_text(encoding="utf-8")
        if whole.count(text.old) != 1:
            raise LookupError(f"{name}: its text stands {whole.count(text.old)} times in {text.file}")
        place.write_text(whole.replace(text.old, text.new), encoding="utf-8")
