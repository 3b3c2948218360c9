"""Who we say that we are, and the tokens of hosted sites, against the simulator's own gateway."""

import logging
import time
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.utils import timezone

from erp_integrations.adapters.base import (
    Accepted,
    NotSent,
    Outcome,
    ReplyRule,
    Rows,
    RuleKind,
    Unauthorised,
    Unknown,
    Unusable,
)
from erp_integrations.adapters.spectrum import (
    OAuthClient,
    RotatedSecret,
    SpectrumAdapter,
    SpectrumSettings,
    authentication,
)
from erp_integrations.adapters.spectrum.redaction import clean_secrets
from tests.erp_integrations.adapters import examples
from tests.erp_integrations.adapters.spectrum import servers
from tests.erp_integrations.adapters.spectrum.servers import Behaviour, answering, serving
from tests.erp_integrations.adapters.spectrum.test_contract import CONCRETE, LINKED, numbers
from tests.simulator import AUTHORIZATION_ID, Simulator

SECRET = "first-secret/+9"


@pytest.fixture
def hosted() -> Iterator[Simulator]:
    """A hosted site of its own: each test begins with the first secret."""
    with Simulator.start(options=["--client", f"ledgergate:{SECRET}"]) as simulator:
        yield simulator


def settings_of(simulator: Simulator, secret: str = SECRET, previous: str = "") -> SpectrumSettings:
    client = OAuthClient(
        client_id="ledgergate",
        secret=secret,
        previous_secret=previous,
        token_url=f"{simulator.url}/connect/token",
        rotation_url=f"{simulator.url}/secretRotation",
    )
    return SpectrumSettings(
        simulator.url,
        "PHL",
        AUTHORIZATION_ID,
        "one",
        oauth=client,
        written=ReplyRule(RuleKind.NO_ERROR_ROW),
        connect_timeout=2,
        read_timeout=5,
    )


def ready(settings: SpectrumSettings) -> SpectrumAdapter:
    wsdls = servers.descriptions()
    return SpectrumAdapter(replace(settings, wsdls=wsdls))


def sent(adapter: SpectrumAdapter) -> Outcome:
    document = examples.with_lines(CONCRETE)
    return adapter.send_call(adapter.build_calls(document, LINKED, f"A-{next(numbers)}")[0])


# Without OAuth


def test_soap_carries_the_body_secrets_and_no_header() -> None:
    credentials = authentication.build_soap_credentials(
        SpectrumSettings("http://127.0.0.1", "PHL", "AUTH-1", "GUID-1")
    )
    assert credentials.headers == {}
    assert credentials.elements == {"Authorization_ID": "AUTH-1", "GUID": "GUID-1"}
    assert credentials.secrets == ("AUTH-1", "GUID-1")


def test_rest_carries_basic_and_what_it_carries_is_removed_from_texts() -> None:
    credentials = authentication.build_rest_credentials(SpectrumSettings("http://127.0.0.1", "PHL", "AUTH-1"))
    kind, _, token = credentials.headers["Authorization"].partition(" ")
    assert (kind, b64decode(token)) == ("Basic", b"PHL:AUTH-1")
    echoed = clean_secrets(f"Authorization: {kind} {token}, {token}, AUTH-1", credentials.secrets)
    assert token not in echoed
    assert "AUTH-1" not in echoed
    assert token not in repr(credentials)


# With OAuth


def test_a_hosted_site_lets_in_who_has_a_token_and_nobody_else(hosted: Simulator) -> None:
    settings = settings_of(hosted)
    assert isinstance(sent(ready(settings)), Accepted)
    without = sent(ready(replace(settings, oauth=None)))
    assert isinstance(without, Unauthorised)
    assert SpectrumAdapter(settings).probe().is_usable
    probe = SpectrumAdapter(replace(settings, oauth=None)).probe()
    assert (probe.is_usable, "401" in probe.sentence) == (False, True)


def test_rest_on_a_hosted_site_carries_the_token(hosted: Simulator) -> None:
    credentials = authentication.build_rest_credentials(settings_of(hosted))
    assert credentials.headers["Authorization"].startswith("Bearer ")


def test_lists_of_a_hosted_site_are_read_with_the_token(hosted: Simulator) -> None:
    adapter = SpectrumAdapter(settings_of(hosted))
    vendors, jobs = adapter.list_vendors(), adapter.list_jobs()
    assert isinstance(vendors, Rows)
    assert isinstance(jobs, Rows)
    assert [vendor.code for vendor in vendors.rows] == ["ACME", "BOLT"]
    assert hosted.tokens_issued() == 1
    hosted.set_client(expired=True)
    refused = SpectrumAdapter(settings_of(hosted, secret="another")).list_vendors()
    assert isinstance(refused, Unauthorised)
    assert "another" not in refused.reason


def test_a_token_is_kept_in_the_process_until_shortly_before_its_end(hosted: Simulator) -> None:
    settings = settings_of(hosted)
    for _ in range(3):
        assert isinstance(sent(ready(settings)), Accepted)
    assert hosted.tokens_issued() == 1


def test_a_token_near_its_end_is_not_used() -> None:
    with Simulator.start(options=["--client", f"ledgergate:{SECRET}", "--token-seconds", "0.2"]) as hosted:
        for _ in range(2):
            sent(ready(settings_of(hosted)))
            time.sleep(0.15)  # more than the half of its life, less than all of it
        assert hosted.tokens_issued() == 2


def test_a_token_that_is_turned_away_is_dropped_and_the_write_is_not_made_twice(hosted: Simulator) -> None:
    adapter = ready(settings_of(hosted))
    assert isinstance(sent(adapter), Accepted)
    before = len(hosted.calls())
    hosted.set_client(forget_tokens=True)
    turned_away = sent(adapter)
    assert isinstance(turned_away, Unauthorised)
    assert (len(hosted.calls()), hosted.tokens_issued()) == (before, 1), "no second attempt"
    assert isinstance(sent(adapter), Accepted)
    assert hosted.tokens_issued() == 2


def test_an_expired_secret_concerns_the_connection_and_says_so(hosted: Simulator) -> None:
    hosted.set_client(expired=True)
    outcome = sent(ready(settings_of(hosted)))
    assert outcome == Unauthorised(
        "Spectrum's token service does not accept the client ID and its secret (invalid_client). "
        "The secret may have expired."
    )
    probe = SpectrumAdapter(settings_of(hosted)).probe()
    assert (probe.is_usable, probe.transient) == (False, False)
    assert hosted.calls() == []


def test_the_previous_secret_still_lets_us_in_while_the_new_one_is_refused(hosted: Simulator) -> None:
    assert isinstance(sent(ready(settings_of(hosted, secret="not-yet", previous=SECRET))), Accepted)


@pytest.mark.parametrize(
    ("behaviour", "kind", "told"),
    [
        (answering("{}", status="500 Oh"), NotSent, "answered 500"),
        (servers.resetting, NotSent, "connection to Spectrum broke"),
        (servers.silent, NotSent, "did not reply within 1 second"),
        (answering("<html>", kind="text/html"), Unauthorised, "answered 200 without a token"),
        (answering('{"access_token": "a\\r\\nX-Evil: 1"}'), Unauthorised, "without a token"),
        (answering('{"access_token": 7}'), Unauthorised, "without a token"),
        (answering("[]"), Unauthorised, "without a token"),
        (answering('{"error": "invalid_client"}', status="401 No"), Unauthorised, "(invalid_client)"),
        (answering('{"error": "you sent first-secret/+9"}', status="400 No"), Unauthorised, "(400)"),
    ],
)
def test_without_a_token_nothing_is_sent(
    hosted: Simulator, behaviour: Behaviour, kind: type[NotSent], told: str
) -> None:
    settings = settings_of(hosted)
    assert settings.oauth is not None
    with serving(behaviour) as tokens:
        client = replace(settings.oauth, token_url=f"{tokens.url}/connect/token")
        outcome = sent(ready(replace(settings, oauth=client, read_timeout=1)))
        assert len(tokens.requests) == 1
    assert isinstance(outcome, kind)
    assert told in outcome.reason
    assert hosted.calls() == []


def test_a_secret_goes_to_no_forbidden_address_and_follows_no_redirect(hosted: Simulator) -> None:
    settings = settings_of(hosted)
    assert settings.oauth is not None
    away = replace(settings.oauth, token_url="http://169.254.169.254/connect/token")
    outcome = sent(ready(replace(settings, oauth=away)))
    assert isinstance(outcome, Unusable)
    assert "not allowed" in outcome.reason
    plain = sent(ready(replace(settings, require_https=True)))
    assert isinstance(plain, Unusable)
    assert plain.reason.startswith("There is no access token."), "not even the token was asked for"
    with serving(answering("{}")) as elsewhere:
        moved = answering("", status="307 Moved", headers=f"Location: {elsewhere.url}/\r\n")
        with serving(moved) as tokens:
            client = replace(settings.oauth, token_url=f"{tokens.url}/connect/token")
            assert isinstance(sent(ready(replace(settings, oauth=client))), Unauthorised)
            assert isinstance(
                authentication.rotate_secret(
                    replace(settings, oauth=replace(client, rotation_url=f"{tokens.url}/secretRotation"))
                ),
                Unknown,
            )
        assert elsewhere.requests == []


# Rotation


def test_a_rotation_gives_a_new_secret_and_ends_the_old_one(hosted: Simulator) -> None:
    settings = settings_of(hosted)
    rotated = authentication.rotate_secret(settings)
    assert isinstance(rotated, RotatedSecret)
    assert rotated.expires_on == timezone.now().date() + timedelta(days=90)
    assert rotated.secret not in repr(rotated)
    assert isinstance(authentication.verify_secret(settings, SECRET), Unauthorised)
    assert authentication.verify_secret(settings, rotated.secret) is None


@pytest.mark.parametrize("fault", ["commit_then_reset", "commit_then_500", "cut_off_xml", "commit_then_hang"])
def test_a_rotation_whose_answer_is_lost_is_unknown_and_is_not_tried_again(
    hosted: Simulator, fault: str
) -> None:
    hosted.set_faults({"kind": fault, "method": "secretRotation", "seconds": 3})
    settings = replace(settings_of(hosted), read_timeout=1)
    assert isinstance(authentication.rotate_secret(settings), Unknown)
    assert hosted.faults()[0]["seen"] == 1
    assert isinstance(authentication.verify_secret(settings, SECRET), Unauthorised)


def test_a_rotation_that_is_refused_or_reaches_nobody_changes_nothing(hosted: Simulator) -> None:
    settings = settings_of(hosted)
    assert settings.oauth is not None
    assert isinstance(authentication.rotate_secret(settings_of(hosted, secret="wrong")), Unauthorised)
    nobody = replace(settings.oauth, rotation_url="http://127.0.0.1:1/secretRotation")
    assert isinstance(authentication.rotate_secret(replace(settings, oauth=nobody)), NotSent)
    nowhere = replace(settings.oauth, rotation_url=f"{hosted.url}/elsewhere")
    assert isinstance(authentication.rotate_secret(replace(settings, oauth=nowhere)), Unusable)
    assert authentication.verify_secret(settings, SECRET) is None


@pytest.mark.parametrize(
    ("name", "day", "expected"),
    [
        ("client_secret", "2026-12-24", date(2026, 12, 24)),
        ("client _secret", "12/24/2026 10:00:00 AM", date(2026, 12, 24)),
        ("clientSecret", "2026-12-24T10:00:00Z", date(2026, 12, 24)),
        ("client_secret", "some day", None),
    ],
)
def test_the_answer_is_read_in_its_likely_spellings(name: str, day: str, expected: date | None) -> None:
    answer = answering(f'{{"{name}": "new-one", "estimated_expiration": "{day}"}}', kind="application/json")
    with serving(answer) as server:
        client = OAuthClient("ledgergate", SECRET, server.url, server.url)
        settings = SpectrumSettings(server.url, "PHL", "A", oauth=client)
        assert authentication.rotate_secret(settings) == RotatedSecret("new-one", expected)


# Secrets


def test_neither_token_nor_secret_is_in_an_outcome_or_a_log(
    hosted: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of(hosted)
    with caplog.at_level(logging.DEBUG):
        token = authentication.build_soap_credentials(settings).headers["Authorization"].partition(" ")[2]
        echo = servers.reply(("I", f"Bearer {token} {SECRET}", token))
        with serving(answering(echo)) as server:
            told = repr(sent(ready(replace(settings, base_url=server.url))))
        told += repr(settings) + repr(authentication.build_soap_credentials(settings))
        told += repr(SpectrumAdapter(settings).probe())
    for text in (told, caplog.text):
        assert token not in text
        assert SECRET not in text
