"""Viewpoint Spectrum, built to its published layouts (``docs/spectrum.md``)."""

from erp_integrations.adapters.spectrum.adapter import SpectrumAdapter
from erp_integrations.adapters.spectrum.characters import NonAscii
from erp_integrations.adapters.spectrum.settings import SpectrumSettings
from erp_integrations.adapters.spectrum.wsdl import WsdlError

__all__ = ["NonAscii", "SpectrumAdapter", "SpectrumSettings", "WsdlError"]
