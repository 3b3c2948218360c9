"""Sending one call: exactly one attempt, and an outcome that claims no more than is known.

Source: docs/spectrum.md, section 4.
"""

import math
from collections.abc import Iterable
from dataclasses import replace

from erp_integrations.adapters.base import (
    Accepted,
    Call,
    NotSent,
    Outcome,
    Refused,
    Unauthorised,
    Unknown,
    Unusable,
)
from erp_integrations.adapters.spectrum import authentication, replies
from erp_integrations.adapters.spectrum.mapping import is_status
from erp_integrations.adapters.spectrum.redaction import clean_reply_text, clean_secrets
from erp_integrations.adapters.spectrum.service_fields import LAYOUTS
from erp_integrations.adapters.spectrum.settings import SpectrumSettings
from erp_integrations.adapters.spectrum.wire import Exchange, get_effective_exchange
from erp_integrations.adapters.spectrum.wsdl import Service


def send_call(
    call: Call, service: Service, settings: SpectrumSettings, *, until: float = math.inf
) -> Outcome:
    """Send one call and say what is known of it. Raises nothing.

    What is wrong on our side of the wire is found before anything leaves, and is NotSent; so is a call
    of which nothing has left at ``until``, of ``time.monotonic()``.
    """
    if wrong := describe_call_issue(call, settings):
        return NotSent(wrong, transient=False)
    try:
        credentials = authentication.build_soap_credentials(settings)
    except authentication.NoTokenError as error:
        return error.outcome
    values = {**call.payload, **credentials.elements}
    if lack := service.describe_missing_elements([name for name, value in values.items() if value]):
        return Unusable(lack)
    try:
        exchange = service.send(values, credentials.headers, until=until)
    except Exception as error:  # the attempt itself raises nothing: this is zeep, before it
        return NotSent(f"{call.title} can't be written as XML ({type(error).__name__}).", transient=False)
    outcome = clean_outcome(build_outcome(exchange, call, settings), credentials.secrets)
    if isinstance(outcome, Unauthorised):
        authentication.purge_token(settings)
    return outcome


def describe_call_issue(call: Call, settings: SpectrumSettings) -> str:
    """Why a call must not leave us over this connection, as a sentence; blank if it may.

    Looks at the stored call alone, so that neither an old plan nor a damaged row can send
    a value that the layout does not allow, or a record of another company.
    """
    layout = LAYOUTS.get(call.method)
    if layout is None:
        return f"{call.title}: {call.method} is no service of this adapter."
    if tuple(element.name for element in call.elements) != tuple(field.name for field in layout.public):
        return f"{call.title} does not have the fields of {call.method}."
    values = call.payload
    if values["Company_Code"] != settings.company_code:
        return f"{call.title} is for company {values['Company_Code']}, not {settings.company_code}."
    for field in layout.public:
        if field.name == "GL_Account" and is_status(call):
            continue  # blank, it keeps what the record has
        if complaint := field.describe_issue(values[field.name]):
            return f"{call.title}: {field.name} {complaint}."
    return ""


def build_outcome(exchange: Exchange, call: Call, settings: SpectrumSettings) -> Outcome:
    if not exchange.failure:
        answer = replies.parse_reply(get_effective_exchange(exchange, settings), call, settings.written)
        if isinstance(answer, Accepted) and exchange.status != 200:
            answer = Unknown(
                f"Spectrum confirmed the call under HTTP status {exchange.status}.", answer.reply
            )
        return replace(answer, status=exchange.status) if isinstance(answer, Unknown) else answer
    if exchange.bytes_sent:
        return Unknown(exchange.failure, clean_reply_text(exchange.body))
    if exchange.internal_error:
        return NotSent(exchange.failure, internal_error=True)
    return NotSent(exchange.failure) if exchange.transient else Unusable(exchange.failure)


def clean_outcome(outcome: Outcome, secrets: Iterable[str]) -> Outcome:
    def clean(text: str) -> str:
        return clean_secrets(text, secrets)

    if isinstance(outcome, NotSent | Unusable):
        return replace(outcome, reason=clean(outcome.reason))
    outcome = replace(outcome, reply=clean(outcome.reply))
    if isinstance(outcome, Refused | Unauthorised):
        errors = (
            replace(error, text=clean(error.text), column=clean(error.column)) for error in outcome.errors
        )
        outcome = replace(outcome, errors=tuple(errors))
    if isinstance(outcome, Unauthorised | Unknown):
        return replace(outcome, reason=clean(outcome.reason))
    return outcome
