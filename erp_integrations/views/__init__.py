"""The approver's screens: what waits, what became of it, and the two boxes that decide."""

from erp_integrations.views.boxes import accept, reject
from erp_integrations.views.screens import commitments, overview, progress, review, row

__all__ = ["accept", "commitments", "overview", "progress", "reject", "review", "row"]
