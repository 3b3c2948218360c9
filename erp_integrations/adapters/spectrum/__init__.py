"""Viewpoint Spectrum, built to its published layouts (``docs/spectrum.md``)."""

from erp_integrations.adapters.spectrum.adapter import SpectrumAdapter
from erp_integrations.adapters.spectrum.authentication import RotatedSecret
from erp_integrations.adapters.spectrum.characters import NonAscii
from erp_integrations.adapters.spectrum.settings import (
    Authentication,
    OAuthClient,
    RetentionRule,
    SpectrumSettings,
)
from erp_integrations.adapters.spectrum.wsdl import WsdlError

__all__ = [
    "Authentication",
    "NonAscii",
    "OAuthClient",
    "RetentionRule",
    "RotatedSecret",
    "SpectrumAdapter",
    "SpectrumSettings",
    "WsdlError",
]
