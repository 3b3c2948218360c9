import socket
import threading
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from erp_integrations.adapters.base import Key, ProbeResult, Unavailable
from erp_integrations.adapters.spectrum import (
    SpectrumAdapter,
    SpectrumSettings,
    WsdlError,
    element_names,
    wsdl,
)
from erp_integrations.adapters.spectrum.service_fields import LAYOUTS
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
    assert result == ProbeResult(True, "Spectrum answers and can take everything that is exported.")


def test_a_probe_only_reads() -> None:
    with _site() as server:
        adapter(server.url).probe()
        assert [request.split(b" HTTP")[0] for request in server.requests] == [
            b"GET /wsdls/UpdateSubcontract.jws",
            b"GET /wsdls/UpdateSubcontractPhases.jws",
        ]
        assert all(b"secret-authorization" not in request for request in server.requests)


def renamed(ours: str, theirs: str) -> tuple[str, ...]:
    return tuple(theirs if name == ours else name for name in SUBCONTRACT)


@pytest.mark.parametrize(
    "names",
    [
        (*SUBCONTRACT, "Tax_Code"),
        SUBCONTRACT[:-1],
        SUBCONTRACT[::-1],
        renamed("Next_Payment_Number", "Nxt_Payment_Number"),
        renamed("Vendor_Code", "Vendor_code"),
        tuple(name.upper() for name in SUBCONTRACT),
    ],
    ids=["added", "missing", "order", "misspelt and unused", "one case", "every case"],
)
def test_an_element_that_no_plan_fills_or_its_case_stops_nothing(names: tuple[str, ...]) -> None:
    present = description(METHOD, names)
    assert probed(UpdateSubcontract=present).is_usable
    changed = probed(wsdls=servers.descriptions(), UpdateSubcontract=present)
    assert changed.is_usable
    assert changed.changed.startswith("Spectrum's description of UpdateSubcontract has changed: ")


@pytest.mark.parametrize("kept", [{}, servers.descriptions()])
def test_one_that_is_filled_and_is_not_there_stops_and_says_what_there_is_instead(
    kept: dict[str, str],
) -> None:
    present = description(METHOD, renamed("Retention_Percent", "Retainage_Percent"))
    result = probed(wsdls=kept, UpdateSubcontract=present)
    assert (result.is_usable, result.can_accept_wsdl) == (False, False)
    assert result.sentence == (
        "Spectrum's description of UpdateSubcontract has no Retention_Percent. It also has "
        "Retainage_Percent. "
        "An ERP Integrations Admin can name the right element in the settings of the connection."
    )


def test_a_person_maps_a_name() -> None:
    present = description(METHOD, renamed("Retention_Percent", "Retainage_Percent"))
    with _site(UpdateSubcontract=present) as server:
        mapped = element_names.parse_element_names("updatesubcontract.retention_percent = RETAINAGE_PERCENT")
        settings = replace(adapter(server.url).settings, mapped=mapped)
        assert SpectrumAdapter(settings).probe().is_usable


def test_a_name_that_the_site_does_not_have_is_said() -> None:
    mapped = element_names.parse_element_names("UpdateSubcontract.Comment = Remarks")
    with _site() as server:
        told = SpectrumAdapter(replace(adapter(server.url).settings, mapped=mapped)).probe().sentence
    assert "has no Remarks (named in the settings for Comment). It also has Comment" in told


def test_a_map_of_another_spelling_of_the_same_name_harms_nothing() -> None:
    assert element_names.parse_element_names("UpdateSubcontract.Comment = COMMENT")


def test_what_a_map_gives_to_one_element_is_no_others_place() -> None:
    mapped = (("UpdateSubcontract", "Retention_Percent", "Comment"),)
    with _site() as server:
        settings = replace(adapter(server.url).settings, mapped=mapped)
        assert "has no Comment" in SpectrumAdapter(settings).probe().sentence


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Comment = Remarks", "is not of the form"),
        ("UpdateSubcontract.Comment = Re marks", "is not of the form"),
        ("PutSubcontract.Comment = Remarks", "is none of the services"),
        ("UpdateSubcontract.Remarks = Comment", "has no element Remarks"),
        ("UpdateSubcontract.Comment = A\nupdatesubcontract.comment = B", "is entered twice"),
        ("UpdateSubcontract.Comment = A\nUpdateSubcontract.GL_Account = a", "two elements"),
        (
            "UpdateSubcontract.Comment = contract_type",
            "Contract_Type is another element of UpdateSubcontract",
        ),
        ("UpdateSubcontractPhases.Unit_Price = Original_Contract_Amount", "is another element"),
        (
            "UpdateSubcontractPhases.Original_Contract_Amount = Original_Contract_Quantity\n"
            "UpdateSubcontractPhases.Original_Contract_Quantity = Original_Contract_Amount",
            "is another element",
        ),
        ("UpdateSubcontract.Comment = authorization_id", "Authorization_ID is always at the same place"),
        ("UpdateSubcontract.Comment = Guid", "GUID is always at the same place"),
        ("UpdateSubcontract.guid = Session", "GUID is always at the same place"),
        ("GetJob.Authorization_ID = Key", "Authorization_ID is always at the same place"),
    ],
)
def test_a_map_that_says_nothing_usable_is_refused(text: str, told: str) -> None:
    with pytest.raises(element_names.InvalidMappingError, match=told):
        element_names.parse_element_names(text)


def test_another_namespace_is_another_interface_which_a_person_says_yes_to() -> None:
    present = description(METHOD, qualified=True)
    result = probed(wsdls=servers.descriptions(), UpdateSubcontract=present)
    assert (result.is_usable, result.can_accept_wsdl) == (False, True)
    assert "order or namespace of its elements" in result.sentence
    assert set(result.descriptions) == WITHOUT_NOTES


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "application/octet-stream", ""])
def test_a_right_description_is_one_whatever_the_server_calls_it(kind: str) -> None:
    with serving(answering(description(METHOD), kind=kind)) as server:
        assert wsdl.fetch_wsdl(LAYOUTS[METHOD], adapter(server.url).settings)


def test_a_probe_of_nobody_says_so() -> None:
    result = adapter("http://127.0.0.1:1").probe()
    assert result == ProbeResult(False, "Spectrum's server refused the connection.", transient=True)


@pytest.mark.parametrize(
    ("behaviour", "told", "passing"),
    [
        (answering("<html></html>", status="404 Not Found", kind="text/html"), "(it answered 404)", False),
        (answering("<html></html>", status="503 Busy", kind="text/html"), "(it answered 503)", True),
        (answering("<html></html>", kind="text/html"), "a web page instead of the description", False),
        (answering(description(METHOD)[:-40]), "not complete, plain XML", False),
        (answering("<other/>"), "answered with XML instead of the description", False),
        (answering(DTD + description(METHOD).split("?>", 1)[1]), "not complete, plain XML", False),
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
    assert caught.value.transient is passing


def test_a_description_is_kept_as_text_whatever_its_encoding_was() -> None:
    text = description(METHOD).replace("UTF-8", "ISO-8859-1").replace('name="Service"', 'name="Site\u00e9"')
    with _site(UpdateSubcontract=text.encode("latin-1")) as server:
        kept = adapter(server.url).fetch_wsdls()
    assert set(kept) == WITHOUT_NOTES
    assert "Site\u00e9" in kept[METHOD]
    assert not kept[METHOD].startswith("<?xml")


def test_read_back_is_honest_about_not_being_there() -> None:
    answer = adapter("http://127.0.0.1:1").find_record(Key.from_parts("PHL", "DELRIV", "SC-001"))
    assert answer == Unavailable("Read-back is not configured.")


def test_where_notes_are_written_their_service_is_looked_at_and_may_append() -> None:
    notes = (*LAYOUTS["SubcontractNotes"].names, "Append_Note")
    texts = {method: description(method) for method in LAYOUTS} | {
        "SubcontractNotes": description("SubcontractNotes", notes)
    }
    with serving(_by_method(dict(texts))) as server:
        with_notes = SpectrumAdapter(replace(adapter(server.url).settings, notes_topic="GENERAL"))
        result = with_notes.probe()
    assert (result.is_usable, set(result.descriptions)) == (True, set(LAYOUTS))
