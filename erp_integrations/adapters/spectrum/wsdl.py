"""The site's own description of a service: fetched, compared with our layout, and called through zeep.

A description is text that a stranger's server gave us. It is read with DTDs, entities and
references to other documents forbidden, and the address that it names is never used.
"""

import io
import math
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from functools import cached_property, lru_cache
from threading import get_ident
from typing import Any

import zeep
import zeep.exceptions
from lxml import etree
from zeep.loader import parse_xml
from zeep.wsa import WsAddressingPlugin
from zeep.wsdl.bindings import Soap11Binding

from erp_integrations.adapters.base import NotSent
from erp_integrations.adapters.spectrum import authentication
from erp_integrations.adapters.spectrum.service_fields import Layout
from erp_integrations.adapters.spectrum.settings import SpectrumSettings
from erp_integrations.adapters.spectrum.wire import MAX_LIST_BYTES, MAX_REPLY_BYTES, Exchange, send_request

_DEFINITIONS = "{http://schemas.xmlsoap.org/wsdl/}definitions"


class _NoDocuments(zeep.Transport):
    """Opens nothing. zeep's rule against external documents leaves local files open; this does not."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def load(self, url: str) -> bytes:
        raise zeep.exceptions.ExternalReferenceForbidden(url)


NO_DOCUMENTS = _NoDocuments()
XML_SETTINGS = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)
"""How every XML text of a Spectrum server is read."""


class WsdlError(Exception):
    """No usable description of a service. Its text is a sentence for people.

    ``transient`` tells whether the server may give one later by itself.
    """

    def __init__(self, sentence: str, *, transient: bool = False) -> None:
        super().__init__(sentence)
        self.transient = transient


class Service:
    """One service as its site describes it. Raises WsdlError for a text that describes none."""

    def __init__(self, layout: Layout, text: str, settings: SpectrumSettings) -> None:
        self.layout = layout
        self._settings = settings
        self._text = text
        try:
            elements = _find_operation(get_ident(), text, layout.method).input.body.type.elements
            self.shape = tuple((name, str(element.qname)) for name, element in elements)
        except WsdlError:
            raise
        except Exception as error:  # zeep answers strange descriptions with every kind of error
            raise WsdlError(
                f"Spectrum's description of {layout.method} can't be used ({type(error).__name__})."
            ) from error

    @cached_property
    def declared(self) -> tuple[str, ...]:
        """The names of the site's elements, in its order."""
        return tuple(name for name, _ in self.shape)

    @cached_property
    def places(self) -> Mapping[str, str]:
        """The site's element for each of ours: as an ERP admin has mapped it, else in whatever case.

        What has none is no part of a request, and what is nobody's place is written blank.
        """
        named = self._mapped_names
        taken = [theirs.lower() for theirs in named.values()]
        spellings: dict[str, list[str]] = {}
        for each in self.declared:
            spellings.setdefault(each.lower(), []).append(each)
        found = {}
        for name in self.layout.names:
            wanted = named.get(name, name)
            same = spellings.get(wanted.lower())
            if same and (name in named or wanted.lower() not in taken):
                found[name] = wanted if wanted in same else same[0]
        return found

    def describe_missing_elements(self, filled: Collection[str]) -> str:
        """Elements that we write and the site does not have, as a sentence; blank if there are none."""
        places, named = self.places, self._mapped_names
        lacking = [
            f"{named[name]} (named in the settings for {name})" if name in named else name
            for name in self.layout.names
            if name in filled and name not in places
        ]
        if not lacking:
            return ""
        nobodys = [name for name in self.declared if name not in places.values()]
        besides = f" It also has {', '.join(nobodys)}." if nobodys else ""
        return (
            f"Spectrum's description of {self.layout.method} has no {', '.join(lacking)}.{besides} An ERP "
            "Integrations Admin can name the right element in the settings of the connection."
        )

    @property
    def _mapped_names(self) -> Mapping[str, str]:
        method = self.layout.method
        return {ours: theirs for of, ours, theirs in self._settings.mapped if of == method}

    def describe_changes(self, kept: "Service") -> str:
        """How the present description differs from the kept one, in words; blank if it doesn't.

        Only what a request is made of counts: the elements, their order, and their namespaces.
        """
        if self.shape == kept.shape:
            return ""
        added = [name for name in self.declared if name not in kept.declared]
        gone = [name for name in kept.declared if name not in self.declared]
        parts = [f"it now has {', '.join(added)}"] if added else []
        parts += [f"it no longer has {', '.join(gone)}"] if gone else []
        return " and ".join(parts) or "the order or namespace of its elements has changed"

    def has_new_namespace(self, kept: "Service") -> bool:
        """Elements that both have are of another namespace: an interface that nobody has tried."""
        namespaces = dict(kept.shape)
        return any(namespaces.get(name, qualified) != qualified for name, qualified in self.shape)

    def send(
        self, values: Mapping[str, str], headers: Mapping[str, str], *, until: float = math.inf
    ) -> Exchange:
        """Make one call with the values of all elements, secrets included; hand over nothing after ``until``.

        Raises what zeep raises when the values can't be written as XML; nothing has left us then. zeep's own
        way of sending would follow redirects, read without bound, and log secrets at debug level.
        """
        url, key = self._settings.build_service_url(self.layout.method), (get_ident(), self._text)
        operation = _find_operation(*key, self.layout.method)
        blank, http_headers = _write_blank_envelope(*key, self.layout.method)
        envelope = deepcopy(blank)
        written = {theirs: values[ours] for ours, theirs in self.places.items()}
        elements = operation.input.body.type.elements
        for node, (name, element) in zip(list_leaves(envelope, self.shape), elements, strict=True):
            element.type.render(node, written.get(name, ""))
        if operation.abstract.wsa_action:
            options = {"address": url}
            envelope, _ = WsAddressingPlugin().egress(envelope, {}, operation, options)
        return send_request(
            "POST",
            url,
            self._settings,
            body=etree.tostring(envelope, xml_declaration=True, encoding="utf-8"),
            headers={**http_headers, **headers},
            longest_reply=MAX_LIST_BYTES if self.layout.is_list else MAX_REPLY_BYTES,
            until=until,
        )


def list_leaves(envelope: etree._Element, shape: Sequence[tuple[str, str]]) -> list[etree._Element]:
    return [*envelope.iter("*")][-len(shape) :]


@lru_cache(maxsize=64)
def _find_operation(thread: int, text: str, method: str) -> Any:
    """Kept, since every job needs the same few; for one thread, since zeep promises nothing for more."""
    document = zeep.Client(io.BytesIO(text.encode()), transport=NO_DOCUMENTS, settings=XML_SETTINGS).wsdl
    for binding in document.bindings.values():
        if isinstance(binding, Soap11Binding) and method in binding.all():
            return binding.get(method)
    raise WsdlError(f"Spectrum's description of {method} has no SOAP 1.1 operation of that name.")


@lru_cache(maxsize=64)
def _write_blank_envelope(thread: int, text: str, method: str) -> tuple[etree._Element, dict[str, str]]:
    """As zeep writes it, with its headers: each call fills in a copy, which takes a tenth of the time."""
    operation = _find_operation(thread, text, method)
    elements = operation.input.body.type.elements
    written = operation.create(**{name: "" for name, _ in elements})
    leaves = list_leaves(written.content, elements)
    if [each.tag for each in leaves] != [str(element.qname) for _, element in elements]:
        raise ValueError("an envelope of another shape")
    return written.content, {**written.headers, "Content-Type": "text/xml; charset=utf-8"}


def fetch_wsdl(layout: Layout, settings: SpectrumSettings) -> str:
    """The site's description of a service, as text to keep with the connection. Never writes.

    Raises WsdlError if the server can't be reached or answers with anything else.
    """
    try:
        credentials = authentication.build_wsdl_credentials(settings)
    except authentication.NoTokenError as error:
        raise WsdlError(str(error), transient=isinstance(error.outcome, NotSent)) from error
    url = settings.build_wsdl_url(layout.method)
    answer = send_request("GET", url, settings, headers=credentials.headers)
    if answer.failure:
        raise WsdlError(answer.failure, transient=answer.transient)
    if answer.status in (401, 403):
        authentication.purge_token(settings)
        raise WsdlError(
            f"Spectrum's server does not let this connection read its description of {layout.method} "
            f"({answer.status})."
        )
    if answer.status != 200:
        raise WsdlError(
            f"Spectrum's server has no description of {layout.method} (it answered {answer.status}).",
            transient=answer.status >= 500,
        )
    text = clean_wsdl(answer, layout)
    Service(layout, text, settings)
    return text


def parse_plain_xml(body: bytes) -> etree._Element:
    """Read XML by the same rules as zeep does.

    Raises zeep.exceptions.Error or etree.LxmlError for anything but whole, plain XML.
    """
    # zeep's annotation says str, its own replies are bytes.
    root: etree._Element = parse_xml(body, NO_DOCUMENTS, settings=XML_SETTINGS)  # type: ignore[arg-type]
    return root


def clean_wsdl(answer: Exchange, layout: Layout) -> str:
    """Text without a declaration, so that it can be kept whatever encoding it came in.

    Whether it is a description, it tells itself: servers were seen to call one a web page.
    """
    try:
        root = parse_plain_xml(answer.body)
    except Exception as error:
        if "html" in answer.content_type.lower():
            raise _build_wsdl_error(layout, "a web page") from error
        raise WsdlError(f"Spectrum's description of {layout.method} is not complete, plain XML.") from error
    if root.tag != _DEFINITIONS:
        page = str(root.tag).lower().endswith("html")
        raise _build_wsdl_error(layout, "a web page" if page else "XML")
    return etree.tostring(root, encoding="unicode")


def _build_wsdl_error(layout: Layout, what: str) -> WsdlError:
    return WsdlError(f"Spectrum's server answered with {what} instead of the description of {layout.method}.")
