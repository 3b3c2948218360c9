"""Replies and descriptions that would have us read files, ask other servers, or grow without end.

What else a reply may hold is in ``tests/erp_integrations/adapters/spectrum``: compressed bombs, depth,
length, redirects, and what comes too slowly.
"""

import time

import pytest

from erp_integrations.adapters.base import Unknown
from erp_integrations.adapters.spectrum import WsdlError
from tests.erp_integrations.adapters.spectrum.servers import answering, description, serving
from tests.erp_integrations.adapters.spectrum.test_probe import METHOD, adapter
from tests.erp_integrations.adapters.spectrum.test_transport import SUCCESS, outcome

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPES = {
    "a file": '<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "another server": '<!DOCTYPE e [<!ENTITY x SYSTEM "{url}/x">]>',
    "a doctype elsewhere": '<!DOCTYPE e SYSTEM "{url}/x.dtd">',
    "a parameter": '<!DOCTYPE e [<!ENTITY % p SYSTEM "{url}/x.dtd"> %p;]>',
    "a billion": f'<!DOCTYPE e [<!ENTITY l0 "ha">{LAUGHS}]>',
    "a quadratic one": f'<!DOCTYPE e [<!ENTITY x "{"a" * 50_000}">]>',
}
USED = {"a billion": "&l9;", "a quadratic one": "&x;" * 5_000, "a file": "&x;", "another server": "&x;"}


def forged(text: str, what: str, url: str) -> str:
    """The document with this declaration, and with what it declares in its first element."""
    head, body = text.split("?>", 1)
    used = USED.get(what, "")
    place = body.index(">", body.index("Envelope" if "Envelope" in body else "definitions")) + 1
    return f"{head}?>{DOCTYPES[what].replace('{url}', url)}{body[:place]}{used}{body[place:]}"


@pytest.mark.parametrize("what", DOCTYPES)
def test_a_reply_declares_nothing(what: str) -> None:
    with serving(answering("secret")) as elsewhere:
        started = time.process_time()
        answer = outcome(answering(forged(SUCCESS, what, elsewhere.url)))
        assert time.process_time() - started < 2
        assert elsewhere.requests == []
    assert isinstance(answer, Unknown)
    assert "plain XML" in answer.reason
    assert "root:" not in answer.reply
    assert "hahaha" not in answer.reply


@pytest.mark.parametrize("what", DOCTYPES)
def test_a_description_declares_nothing(what: str) -> None:
    with serving(answering("secret")) as elsewhere:
        text = forged(description(METHOD), what, elsewhere.url)
        with serving(answering(text)) as server, pytest.raises(WsdlError) as caught:
            adapter(server.url).fetch_wsdls()
        assert elsewhere.requests == []
    assert "plain XML" in str(caught.value)
