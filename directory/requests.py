"""The request that a view gets behind sign-in."""

from django.http import HttpRequest

from directory.models import Company, Project, User


class SignedInRequest(HttpRequest):
    """A request of a known person; ``LoginRequiredMiddleware`` lets no other through.

    A view says where the person is by setting ``current_company`` and ``current_project``,
    which the header shows.
    """

    user: User
    current_company: Company
    current_project: Project
