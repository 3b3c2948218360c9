"""What a request may see; whatever else it names is not found."""

from django.shortcuts import get_object_or_404

from directory.models import VISIBLE_LEVELS, CompanyMembership
from directory.requests import SignedInRequest
from directory.rights import approvers
from directory.rights.permissions import require_see_erp_integrations
from erp_integrations.confirmations import pending_changes
from erp_integrations.models import Submission
from erp_integrations.pages import submission_rows
from erp_integrations.pages.submission_rows import SubmissionRow


def require_viewer(request: SignedInRequest, company_slug: str) -> CompanyMembership:
    """The person's entry in the company's directory: strangers get 404, members without a level 403."""
    viewer = require_member(request, company_slug)
    if viewer.erp_integrations_level not in VISIBLE_LEVELS:
        require_see_erp_integrations(request.user, viewer.company)
    return viewer


def require_member(request: SignedInRequest, company_slug: str) -> CompanyMembership:
    """The same whatever the level; strangers get 404."""
    members = pending_changes.add_own_changes(approvers.list_with_rights(), request.user)
    viewer = get_object_or_404(members, user=request.user, company__slug=company_slug)
    request.current_company, request.membership = viewer.company, viewer
    return viewer


def get_submission_row(request: SignedInRequest, company_slug: str, submission_id: int) -> SubmissionRow:
    """A submission of a company whose tool the person may see; 404 for every other."""
    viewer = require_viewer(request, company_slug)
    submission = get_object_or_404(
        Submission.objects.filter(company=viewer.company).select_related(
            *("project", "commitment", "connection"), *("created_by", "sent_by", "decided_by", "ended_by")
        ),
        pk=submission_id,
    )
    return submission_rows.build_submission_row(submission, viewer)
