"""The tool's screens: what waits, what became of it, the boxes, what may follow, and the links."""

from erp_integrations.views.boxes import accept, reject
from erp_integrations.views.follow_ups import resolve, resume, undo, unlink
from erp_integrations.views.links import job, jobs, vendor, vendors
from erp_integrations.views.lists import cost_codes, lists
from erp_integrations.views.screens import commitments, overview, progress, review, row

__all__ = [
    "accept",
    "commitments",
    "cost_codes",
    "job",
    "jobs",
    "lists",
    "overview",
    "progress",
    "reject",
    "resolve",
    "resume",
    "review",
    "row",
    "undo",
    "unlink",
    "vendor",
    "vendors",
]
