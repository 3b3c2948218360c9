"""One WSDL per method, as the field has it: `/wsdls/<Method>.jws` describes `/ws/<Method>`."""

from xml.sax.saxutils import quoteattr

from local.spectrum.layouts import Layout
from local.spectrum.soap import TYPES, XSD

TARGET = "http://www.northgate-is.com/proiv/webservices/wsdl"


def describe(layout: Layout, address: str, *, qualified: bool = False) -> bytes:
    """The WSDL of one method at this endpoint address, which is its soapAction too.

    Every element is declared once and as a string, so that a client that leaves one out is
    wrong by the schema already. `returnData` is anything: the vendor's WSDL says no more.
    """
    method = layout.method
    where = quoteattr(address)
    form = ' elementFormDefault="qualified"' if qualified else ""
    elements = "\n".join(
        f'            <xsd:element name="{name}" type="xsd:string"/>' for name in layout.names
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<wsdl:definitions name="{method}" targetNamespace="{TARGET}"
    xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xsd="{XSD}" xmlns:tns="{TARGET}" xmlns:types="{TYPES}">
  <wsdl:types>
    <xsd:schema targetNamespace="{TYPES}"{form}>
      <xsd:element name="{method}">
        <xsd:complexType>
          <xsd:sequence>
{elements}
          </xsd:sequence>
        </xsd:complexType>
      </xsd:element>
      <xsd:element name="{method}Response">
        <xsd:complexType>
          <xsd:sequence>
            <xsd:element name="returnArray" type="types:ReturnArray"/>
          </xsd:sequence>
        </xsd:complexType>
      </xsd:element>
      <xsd:complexType name="ReturnArray">
        <xsd:sequence>
          <xsd:element name="returnData" type="xsd:anyType" minOccurs="0" maxOccurs="unbounded"/>
        </xsd:sequence>
      </xsd:complexType>
    </xsd:schema>
  </wsdl:types>
  <wsdl:message name="{method}Request">
    <wsdl:part name="parameters" element="types:{method}"/>
  </wsdl:message>
  <wsdl:message name="{method}Response">
    <wsdl:part name="parameters" element="types:{method}Response"/>
  </wsdl:message>
  <wsdl:portType name="{method}PortType">
    <wsdl:operation name="{method}">
      <wsdl:input message="tns:{method}Request"/>
      <wsdl:output message="tns:{method}Response"/>
    </wsdl:operation>
  </wsdl:portType>
  <wsdl:binding name="{method}Binding" type="tns:{method}PortType">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="{method}">
      <soap:operation soapAction={where} style="document"/>
      <wsdl:input><soap:body use="literal"/></wsdl:input>
      <wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="{method}Service">
    <wsdl:port name="{method}Port" binding="tns:{method}Binding">
      <soap:address location={where}/>
    </wsdl:port>
  </wsdl:service>
</wsdl:definitions>
""".encode()
