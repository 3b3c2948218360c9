"""A request finds nothing but what its person may see."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.http import Http404

from directory.db.prepared import Parameter, PreparedQuery
from directory.models import VISIBLE_LEVELS, CompanyMembership, Project
from directory.requests import SignedInRequest
from directory.rights import approvers
from directory.rights.permissions import require_see_erp_integrations
from erp_integrations.confirmations import pending_changes
from erp_integrations.models import SavedFilter, Submission
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
    found = list_viewers(user=request.user.pk, company_slug=company_slug)
    if not found:
        raise Http404
    request.membership = found[0]
    request.membership.user = request.user
    request.current_company = request.membership.company
    return request.membership


@PreparedQuery
def list_viewers(user: Parameter, company_slug: Parameter) -> QuerySet[CompanyMembership]:
    members = approvers.list_with_rights().select_related(None).select_related("company")
    members = pending_changes.add_own_changes(members, user)
    own = SavedFilter.objects.filter(person=user, company=OuterRef("company")).order_by("name")
    saved = own.values(content=JSONObject(pk="pk", name="name", query="query"))
    # A part of this query and none of its own: the list is what is opened most.
    projects = Project.objects.visible_to(user).filter(company=OuterRef("company")).order_by()
    members = members.annotate(saved_filters=ArraySubquery(saved), sees_projects=Exists(projects))
    return members.filter(user=user, company__slug=company_slug)


def get_submission_row(request: SignedInRequest, company_slug: str, submission_id: int) -> SubmissionRow:
    """A submission of a company whose tool the person may see; 404 for every other."""
    viewer = require_viewer(request, company_slug)
    found = list_submissions(company=viewer.company_id, submission=submission_id)
    if not found:
        raise Http404
    return submission_rows.build_submission_row(found[0], viewer)


@PreparedQuery
def list_submissions(company: Parameter, submission: Parameter) -> QuerySet[Submission]:
    # Each join more doubles what PostgreSQL plans: the other people are read where they are shown.
    submissions = Submission.objects.select_related("project", "commitment", "connection", "sent_by")
    submissions = submissions.annotate(**submission_rows.build_question_columns())
    return submissions.filter(company=company, pk=submission).defer("search", "commitment__search")
