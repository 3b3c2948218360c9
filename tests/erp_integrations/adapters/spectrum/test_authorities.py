"""A server whose certificate comes from the company's own authority."""

import math
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.core.checks import run_checks
from pytest_django import Settings
from urllib3.util import parse_url

from erp_integrations.adapters.base import Accepted, NotSent, Rows
from erp_integrations.adapters.registry import build_reading_adapter
from erp_integrations.adapters.spectrum import OAuthClient, authentication, wire, wsdl
from erp_integrations.adapters.spectrum.service_fields import LAYOUTS
from tests.erp_integrations.adapters.spectrum import servers
from tests.erp_integrations.adapters.spectrum.servers import answering, serving
from tests.erp_integrations.adapters.spectrum.test_transport import HEADER, SUCCESS, connected
from tests.factories import ConnectionFactory


@pytest.fixture(scope="module")
def of_a_company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The certificate of a company's own authority, and what it has made for 127.0.0.1: key, certificate."""
    folder = tmp_path_factory.mktemp("company")
    authority, authority_key = _signed("Keystone Authority")
    server, key = _signed("127.0.0.1", by=(authority, authority_key))
    (folder / "ca.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    (folder / "server.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + server.public_bytes(Encoding.PEM)
    )
    return folder / "ca.pem", folder / "server.pem"


def _signed(
    name: str, by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by[0].subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
    )
    builder = builder if by is None else builder.add_extension(address, critical=False)
    return builder.sign(by[1] if by else key, hashes.SHA256()), key


@pytest.mark.parametrize("knows", [True, False], ids=["named", "not named"])
def test_a_companys_own_authority_is_believed_on_every_way_and_only_where_it_is_named(
    of_a_company: tuple[Path, Path], knows: bool
) -> None:
    authority, certificate = of_a_company
    ca_file = str(authority) if knows else ""
    believed = []
    with serving(answering(SUCCESS), certificate=certificate) as server:
        believed.append(isinstance(connected(server.url, ca_file=ca_file).send_call(HEADER), Accepted))
    with serving(answering(servers.description("UpdateSubcontract")), certificate=certificate) as server:
        settings = connected(server.url, ca_file=ca_file).settings
        with suppress(wsdl.WsdlError):
            believed.append(bool(wsdl.fetch_wsdl(LAYOUTS["UpdateSubcontract"], settings)))
    vendors = '[{"Vendor_Code": "ACME", "Name": "Acme"}]'
    with serving(answering(vendors), certificate=certificate) as server:
        believed.append(isinstance(connected(server.url, ca_file=ca_file).list_vendors(), Rows))
    with serving(answering('{"access_token": "abc"}'), certificate=certificate) as server:
        client = OAuthClient(
            "client", "secret", f"{server.url}/connect/token", f"{server.url}/secretRotation"
        )
        settings = connected(server.url, ca_file=ca_file, oauth=client).settings
        believed.append(authentication.verify_secret(settings, "secret") is None)
    assert believed == ([True] * 4 if knows else [False] * 3)


def test_the_usual_authorities_count_beside_a_companys_own(of_a_company: tuple[Path, Path]) -> None:
    """A hosted token service may stand elsewhere than the server."""
    line, target = wire._AttemptConnection(math.inf), parse_url("https://127.0.0.1/")
    connections = (wire.build_connection(target, line, file) for file in (str(of_a_company[0]), ""))
    contexts = [cast(Any, connection).ssl_context for connection in connections]
    assert all(context.check_hostname and context.verify_mode == ssl.CERT_REQUIRED for context in contexts)
    many, fewer = (context.cert_store_stats()["x509_ca"] for context in contexts)
    assert many == fewer + 1 > 100


def test_a_new_file_of_authorities_counts_from_the_next_call(
    of_a_company: tuple[Path, Path], tmp_path: Path
) -> None:
    authority, certificate = of_a_company
    used = tmp_path / "ca.pem"
    used.write_bytes(_signed("Another Authority")[0].public_bytes(Encoding.PEM))
    with serving(answering(SUCCESS), certificate=certificate) as server:
        adapter = connected(server.url, ca_file=str(used))
        assert isinstance(adapter.send_call(HEADER), NotSent)
        used.write_bytes(authority.read_bytes())
        assert isinstance(adapter.send_call(HEADER), Accepted)


@pytest.mark.django_db
def test_a_connection_trusts_what_the_operator_has_named_for_its_server(
    settings: Settings, of_a_company: tuple[Path, Path]
) -> None:
    authority, certificate = of_a_company
    connection = ConnectionFactory()
    with serving(answering("<html></html>", kind="text/html"), certificate=certificate) as server:
        settings.SPECTRUM_SERVERS = {connection.server: server.url}
        assert "No secure connection" in build_reading_adapter(connection).probe().sentence
        settings.SPECTRUM_CA_FILES = {connection.server: str(authority)}
        assert "a web page" in build_reading_adapter(connection).probe().sentence


@pytest.mark.parametrize(
    ("server", "content", "complaint"),
    [
        ("simulator", None, "E012"),
        ("simulator", b"no certificate", "E013"),
        ("another", b"no certificate", "E014"),
    ],
)
def test_a_file_that_is_no_authority_is_found_before_anything_is_sent(
    settings: Settings, tmp_path: Path, server: str, content: bytes | None, complaint: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    settings.SPECTRUM_CA_FILES = {server: str(path)}
    assert f"erp_integrations.{complaint}" in {str(found.id) for found in run_checks()}


def test_a_right_one_is_no_complaint(settings: Settings, of_a_company: tuple[Path, Path]) -> None:
    settings.SPECTRUM_CA_FILES = {"simulator": str(of_a_company[0])}
    assert not {str(found.id) for found in run_checks()} & {f"erp_integrations.E01{n}" for n in (1, 2, 3)}
