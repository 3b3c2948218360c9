"""The approver's screens: what waits, what became of it, the boxes that decide, and what may follow."""

from erp_integrations.views.boxes import accept, reject
from erp_integrations.views.follow_ups import resolve, resume, undo, unlink
from erp_integrations.views.screens import commitments, overview, progress, review, row

__all__ = [
    "accept",
    "commitments",
    "overview",
    "progress",
    "reject",
    "resolve",
    "resume",
    "review",
    "row",
    "undo",
    "unlink",
]
