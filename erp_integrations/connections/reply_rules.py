"""Learning what a site answers to a write: from a call of which the answer said nothing, and read-back did.

Only from a reply that came whole to a call of whose record nothing was there before, and that was sent
once: an update of an equal record tells nothing. A person says yes to it, and to nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef

from directory import history
from directory.models import User
from directory.rights.permissions import require_administer_erp_integrations
from erp_integrations.adapters.base import ReplyRule
from erp_integrations.adapters.registry import find_taught_rule, get_reply_rule, to_rule_columns
from erp_integrations.confirmations import pending_changes
from erp_integrations.confirmations.subjects import Kind, Subject
from erp_integrations.events import ErpEvent
from erp_integrations.models import CallState, Connection, ConnectionSettings, WireAttempt


@dataclass(frozen=True, slots=True)
class RuleOffer:
    """The newest reply that a written record was seen to have, and the rule that it teaches."""

    attempt: WireAttempt
    rule: ReplyRule


class OfferChanged(Exception):
    """The offer is not what is known now; the text is for the person who said yes."""


def find_offers(connections: Iterable[Connection]) -> dict[int, RuleOffer]:
    """The rule that each connection can learn now, by its key. One query."""
    by_key = {each.pk: each for each in connections}
    others = WireAttempt.objects.filter(call=OuterRef("call")).exclude(pk=OuterRef("pk"))
    shown = WireAttempt.objects.filter(
        ~Exists(others),
        call__job__connection__in=by_key,
        call__state=CallState.WRITTEN,
        shown_at__isnull=False,
        was_absent=True,
        status=200,
    )
    connection_path = "call__job__connection_id"
    newest = shown.order_by(connection_path, "-shown_at", "-pk").distinct(connection_path)
    found = {}
    for attempt in newest.select_related("call__job__submission"):
        connection = by_key[attempt.call.job.connection_id]
        if rule := find_taught_rule(attempt, get_reply_rule(connection.settings)):
            found[connection.pk] = RuleOffer(attempt, rule)
    return found


@transaction.atomic
def accept_offer(*, connection: Connection, by: User, expected_attempt: int, expected_rule: str) -> None:
    """Use the rule that was offered from now on; what is accepted already keeps its own.

    Raises RightMissing without Admin on the ERP Integrations tool, OfferChanged where something
    else is offered by now.
    """
    require_administer_erp_integrations(by, connection.company)
    subject = Subject(Kind.CONNECTION, connection.pk)
    before = subject.get_values(lock=True)
    settings = ConnectionSettings.objects.select_for_update().get(pk=connection.pk)
    connection.settings = settings
    offer = find_offers([connection]).get(connection.pk)
    if offer is None or (offer.attempt.pk, offer.rule.sentence) != (expected_attempt, expected_rule):
        raise OfferChanged(
            "The rule for this site's replies has since been changed. Check the current settings."
        )
    for name, value in to_rule_columns(offer.rule).items():
        setattr(settings, name, value)
    settings.save(update_fields=["success_rule", "success_codes"])
    call = offer.attempt.call
    detail = {
        "rule": offer.rule.sentence,
        **pending_changes.record_change(subject, before=before, by=by, company=connection.company),
        "call": call.pk,
        "submission": call.job.submission_id,
    }
    event, company = ErpEvent.CONNECTION_SUCCESS_RULE_LEARNED, connection.company
    history.record(event=event, subject=connection, by=by, company=company, detail=detail)
