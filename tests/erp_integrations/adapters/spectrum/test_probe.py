import socket
import threading
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from erp_integrations.adapters.base import CannotTell, Key, ProbeResult
from erp_integrations.adapters.spectrum import SpectrumAdapter, SpectrumSettings, WsdlError
from erp_integrations.adapters.spectrum.layouts import LAYOUTS
from tests.erp_integrations.adapters.spectrum import servers
from tests.erp_integrations.adapters.spectrum.servers import (
    Behaviour,
    answering,
    description,
    sending,
    serving,
)

SUBCONTRACT = LAYOUTS["UpdateSubcontract"].names
METHOD = "UpdateSubcontract"
WITHOUT_NOTES = set(LAYOUTS) - {"SubcontractNotes"}
DTD = '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'


def adapter(url: str, wsdls: dict[str, str] | None = None) -> SpectrumAdapter:
    settings = SpectrumSettings(
        url, "PHL", "secret-authorization", wsdls=wsdls or {}, connect_timeout=5, read_timeout=1
    )
    return SpectrumAdapter(settings)


def probed(*, wsdls: dict[str, str] | None = None, **texts: str | bytes) -> ProbeResult:
    """Probe a site that gives these descriptions, by method, and ours for the others."""
    with _site(**texts) as server:
        return adapter(server.url, wsdls).probe()


def _site(**texts: str | bytes) -> AbstractContextManager[servers.Server]:
    return serving(_by_method({method: texts.get(method, description(method)) for method in LAYOUTS}))


def _by_method(texts: dict[str, str | bytes]) -> Behaviour:
    waiting = list(texts.values())

    def behave(connection: socket.socket, ending: threading.Event) -> None:
        answering(waiting.pop(0))(connection, ending)

    return behave


def test_a_site_that_speaks_the_published_interface_is_usable() -> None:
    result = probed()
    assert result == ProbeResult(True, "Spectrum answers, and its services are as we know them.")


def test_a_probe_only_reads() -> None:
    with _site() as server:
        adapter(server.url).probe()
        assert [request.split(b" HTTP")[0] for request in server.requests] == [
            b"GET /wsdls/UpdateSubcontract.jws",
            b"GET /wsdls/UpdateSubcontractPhases.jws",
        ]
        assert all(b"secret-authorization" not in request for request in server.requests)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ((*SUBCONTRACT, "Tax_Code"), "it has Tax_Code, which we don't know."),
        (SUBCONTRACT[:-1], "it lacks Cost_Center_Override."),
        (
            tuple(name.replace("Comment", "Comments") for name in SUBCONTRACT),
            "it has Comments, which we don't know and lacks Comment.",
        ),
    ],
)
def test_a_service_that_has_changed_is_one_sentence(names: tuple[str, ...], told: str) -> None:
    result = probed(UpdateSubcontract=description(METHOD, names))
    assert not result.usable
    assert result.sentence == f"Spectrum's UpdateSubcontract has changed: {told}"
    assert result.adoptable == ("lacks" not in told), "a person may say yes to what can still be written"


def test_another_order_is_no_change_because_the_sites_order_is_written() -> None:
    assert probed(UpdateSubcontract=description(METHOD, SUBCONTRACT[::-1])).usable


def test_a_kept_description_that_is_out_of_date_is_said() -> None:
    kept = servers.descriptions()
    assert probed(wsdls=kept).usable
    old = {**kept, METHOD: description(METHOD, SUBCONTRACT[:-1]).split("?>", 1)[1]}
    result = probed(wsdls=old)
    assert (result.usable, result.adoptable) == (False, True)
    assert "(it has Cost_Center_Override now); fetch it again" in result.sentence


def test_a_kept_order_or_namespace_that_is_not_the_sites_any_more_is_said() -> None:
    kept = servers.descriptions()
    for present in (description(METHOD, SUBCONTRACT[::-1]), description(METHOD, qualified=True)):
        result = probed(wsdls=kept, UpdateSubcontract=present)
        assert (result.usable, result.adoptable) == (False, True)
        assert "another order or namespace" in result.sentence
    assert set(result.descriptions) == WITHOUT_NOTES


def test_a_probe_of_nobody_says_so() -> None:
    result = adapter("http://127.0.0.1:1").probe()
    assert result == ProbeResult(False, "Spectrum's server refused the connection.", passing=True)


@pytest.mark.parametrize(
    ("behaviour", "told", "passing"),
    [
        (answering("<html></html>", status="404 Not Found", kind="text/html"), "(it answered 404)", False),
        (answering("<html></html>", status="503 Busy", kind="text/html"), "(it answered 503)", True),
        (answering("<html></html>", kind="text/html"), "a web page instead of a description", False),
        (answering(description(METHOD)[:-40]), "not whole, plain XML", False),
        (answering("<other/>"), "XML that is no description", False),
        (answering(DTD + description(METHOD).split("?>", 1)[1]), "not whole, plain XML", False),
        (answering(description("GetJob", ("Company_Code",))), "no SOAP 1.1 operation of that name", False),
        (answering(description(METHOD).replace("xsd:string", "xsd:nothing")), "can't be used", False),
        (
            answering(
                description(
                    METHOD, schema='<xsd:import namespace="urn:x" schemaLocation="http://127.0.0.1:1/x"/>'
                )
            ),
            "can't be used (ExternalReferenceForbidden)",
            False,
        ),
        (
            answering(description(METHOD, schema='<xsd:include schemaLocation="/etc/passwd"/>')),
            "can't be used (ExternalReferenceForbidden)",
            False,
        ),
        (servers.silent, "did not reply within 1 second", True),
        (sending(b"HTTP/1.1 200 OK\r\n\r\n", *[b" " * 65536] * 64), "longer than 1024 kB", True),
    ],
)
def test_what_is_no_description_is_never_kept(behaviour: Behaviour, told: str, passing: bool) -> None:
    with serving(behaviour) as server, pytest.raises(WsdlError) as caught:
        adapter(server.url).fetch_wsdls()
    assert told in str(caught.value)
    assert caught.value.passing is passing


def test_a_description_is_kept_as_text_whatever_its_encoding_was() -> None:
    text = description(METHOD).replace("UTF-8", "ISO-8859-1").replace('name="Service"', 'name="Site\u00e9"')
    with _site(UpdateSubcontract=text.encode("latin-1")) as server:
        kept = adapter(server.url).fetch_wsdls()
    assert set(kept) == WITHOUT_NOTES
    assert "Site\u00e9" in kept[METHOD]
    assert not kept[METHOD].startswith("<?xml")


def test_read_back_is_honest_about_not_being_there() -> None:
    answer = adapter("http://127.0.0.1:1").find(Key.of("PHL", "DELRIV", "SC-001"))
    assert answer == CannotTell("Read-back is not configured.")


def test_where_notes_are_written_their_service_is_looked_at_and_may_append() -> None:
    notes = (*LAYOUTS["SubcontractNotes"].names, "Append_To_Notes")
    texts = {method: description(method) for method in LAYOUTS} | {
        "SubcontractNotes": description("SubcontractNotes", notes)
    }
    with serving(_by_method(dict(texts))) as server:
        with_notes = SpectrumAdapter(replace(adapter(server.url).settings, notes_topic="GENERAL"))
        result = with_notes.probe()
    assert (result.usable, set(result.descriptions)) == (True, set(LAYOUTS))
