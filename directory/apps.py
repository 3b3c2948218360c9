from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate


class DirectoryConfig(AppConfig):
    """People, companies, rights, and the history of what happened."""

    name = "directory"
    verbose_name = "Company Directory"
    default = True

    def ready(self) -> None:
        """Let the history hear of sign-ins, limit each session, and register the system checks."""
        from directory import checks  # noqa: F401  # registers itself, as the next two do
        from directory.accounts import sign_in_history  # noqa: F401
        from directory.db import sessions  # noqa: F401
        from directory.rights import privilege_suspension

        privilege_suspension.subscribe_to_account_changes()


class AdministrationConfig(admin_apps.AdminConfig):
    """Django admin, entered by the product's own sign-in."""

    default = False
    default_site = "directory.admin_site.AdministrationSite"

    def ready(self) -> None:
        """Have the groups made once their permissions are, those of auth being the last."""
        from directory.rights import groups

        super().ready()
        post_migrate.connect(groups.create_groups, sender=apps.get_app_config("auth"))
