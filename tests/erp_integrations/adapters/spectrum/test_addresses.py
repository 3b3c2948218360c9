"""Where a connection may lead: looked at for every one, after its name was resolved."""

import socket
from collections.abc import Callable

import pytest

from erp_integrations.adapters.addresses import get_forbidden_kind
from erp_integrations.adapters.base import NotSent, Unusable
from erp_integrations.adapters.spectrum import SpectrumAdapter, SpectrumSettings
from tests.erp_integrations.adapters.examples import DOCUMENT, MASTERS
from tests.erp_integrations.adapters.spectrum import servers
from tests.erp_integrations.adapters.spectrum.servers import answering, reply, serving


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("169.254.169.254", "link-local"),
        ("169.254.0.1", "link-local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("::ffff:169.254.169.254", "link-local"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("2002:a9fe:a9fe::1", "link-local"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("::", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("100.100.100.200", "a cloud's metadata service"),
        ("168.63.129.16", "a cloud's metadata service"),
        ("fd00:ec2::254", "a cloud's metadata service"),
    ],
)
def test_no_connection_is_made_to(address: str, kind: str) -> None:
    assert get_forbidden_kind(address) == kind


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "172.16.0.9", "192.168.1.20", "127.0.0.1", "::1", "fd12:3456::1", "93.184.216.34"]
)
def test_spectrum_may_stand_anywhere_else_private_networks_too(address: str) -> None:
    assert get_forbidden_kind(address) == ""


def adapter(url: str, *, require_https: bool = False) -> SpectrumAdapter:
    settings = SpectrumSettings(
        url,
        "PHL",
        "AUTH-7781-SECRET",
        wsdls=servers.descriptions(),
        connect_timeout=1,
        read_timeout=2,
        require_https=require_https,
    )
    return SpectrumAdapter(settings)


HEADER = adapter("http://127.0.0.1:1").build_calls(DOCUMENT, MASTERS, "SC-001")[0]
Place = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]


def resolving(*addresses: str) -> Callable[..., list[Place]]:
    """A name service that knows one name; the names in question are not ours to publish."""

    def resolve(host: str, port: int, *_: object, **__: object) -> list[Place]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return resolve


@pytest.mark.parametrize("addresses", [("169.254.169.254",), ("127.0.0.1", "169.254.169.254"), ("0.0.0.0",)])
def test_a_name_that_leads_to_a_forbidden_address_is_not_connected_to(
    addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(answering(reply(("S", "", "")))) as server:
        monkeypatch.setattr(socket, "getaddrinfo", resolving(*addresses))
        outcome = adapter(f"http://spectrum.example:{server.port}").send_call(HEADER)
        assert server.requests == []
    assert isinstance(outcome, Unusable)
    assert "not allowed" in outcome.reason
    assert addresses[-1] in outcome.reason


def test_it_is_looked_at_for_every_connection_so_that_a_name_can_not_move(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(answering(reply(("S", "", "")))) as server:
        same = adapter(f"http://spectrum.example:{server.port}")
        monkeypatch.setattr(socket, "getaddrinfo", resolving("127.0.0.1"))
        assert not isinstance(same.send_call(HEADER), Unusable | NotSent)
        monkeypatch.setattr(socket, "getaddrinfo", resolving("169.254.169.254"))
        assert isinstance(same.send_call(HEADER), Unusable)
        assert len(server.requests) == 1


def test_the_second_address_of_a_name_is_tried_when_the_first_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(answering(reply(("S", "", "")))) as server:
        monkeypatch.setattr(socket, "getaddrinfo", resolving("127.0.0.2", "127.0.0.1"))
        outcome = adapter(f"http://spectrum.example:{server.port}").send_call(HEADER)
        assert len(server.requests) == 1
    assert not isinstance(outcome, Unusable | NotSent)


def test_outside_development_plain_http_is_never_spoken() -> None:
    with serving(answering(reply(("S", "", "")))) as server:
        outcome = adapter(server.url, require_https=True).send_call(HEADER)
        probe = adapter(server.url, require_https=True).probe()
        assert server.requests == []
    assert outcome == Unusable("The address of Spectrum's server is not an https address.")
    assert (probe.is_usable, probe.transient) == (False, False)
