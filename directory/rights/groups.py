"""Groups of permissions for staff, made once with the tables; superusers change them as any other."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

MEMBERSHIPS = Q(content_type__model__in=["user", "companymembership", "projectmembership", "project"])
GROUPS = {
    "Directory administration": (MEMBERSHIPS & ~Q(codename="grant_push_to_accounting"))
    | Q(codename="view_company"),
    "Approvers": Q(
        codename__in=[
            *("grant_push_to_accounting", "change_companymembership", "view_companymembership"),
            *("view_user", "view_company"),
        ]
    ),
    "Company rules": Q(content_type__model="company")
    & ~Q(codename__startswith="add_")
    & ~Q(codename__startswith="delete_"),
    "Connections and links": Q(
        content_type__model__in=["connection", "vendorlink", "joblink", "costtypeaccount", "unitlink"]
    ),
    "Support, read-only": Q(codename__startswith="view_"),
}
APPS = ("directory", "commitments", "notifications", "erp_integrations")


def create_groups(**kwargs: Any) -> None:
    """Called after each migration."""
    for name, condition in GROUPS.items():
        group, is_new = Group.objects.get_or_create(name=name)
        if is_new:
            group.permissions.set(Permission.objects.filter(condition, content_type__app_label__in=APPS))
