"""The request that a view gets behind sign-in."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from directory.models import Company, CompanyMembership, Project, User


def get_person(request: HttpRequest) -> User:
    """Who is signed in, where Django's own classes say no more than that it is a request."""
    assert isinstance(request.user, User)
    return request.user


class SignedInRequest(HttpRequest):
    """A request of a known person; ``LoginRequiredMiddleware`` lets no other through.

    A view says where the person is by setting ``current_company`` and ``current_project``,
    which the header shows, and ``membership`` where it has read it.
    """

    user: User
    htmx: HtmxDetails
    current_company: Company
    membership: CompanyMembership
    current_project: Project
