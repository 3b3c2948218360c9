"""The tool's screens: what waits, what became of it, the boxes, what may follow, and the links."""

from erp_integrations.views.operations import readyz

__all__ = ["readyz"]
